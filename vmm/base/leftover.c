/* SPDX-License-Identifier: MIT */
#include "vmm/base/leftover.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum state { FREE, BEING_FILLED, SET };

static struct {
	enum state state;  /* atomic */
	const char *final; /* atomic; NULL: not complete */
	char path[PATH_MAX];
} leftover[LEFTOVERS_MAX];

static bool claim(int number)
{
	enum state expected = FREE;

	return __atomic_compare_exchange_n(&leftover[number].state, &expected, BEING_FILLED, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

int leftover_add(const char *path)
{
	size_t bytes = strlen(path) + 1;

	if (bytes > PATH_MAX)
		return -1;
	for (int i = 0; i < LEFTOVERS_MAX; i++) {
		if (!claim(i))
			continue;
		memcpy(leftover[i].path, path, bytes);
		__atomic_store_n(&leftover[i].final, NULL, __ATOMIC_RELAXED);
		__atomic_store_n(&leftover[i].state, SET, __ATOMIC_RELEASE);
		return i;
	}
	return -1;
}

void leftover_complete(int number, const char *final)
{
	if (number >= 0)
		__atomic_store_n(&leftover[number].final, final, __ATOMIC_RELEASE);
}

void leftover_forget(int number)
{
	if (number >= 0)
		__atomic_store_n(&leftover[number].state, FREE, __ATOMIC_RELEASE);
}

void leftover_settle_all(void)
{
	for (int i = 0; i < LEFTOVERS_MAX; i++) {
		const char *path = leftover[i].path, *final;

		if (__atomic_load_n(&leftover[i].state, __ATOMIC_ACQUIRE) != SET)
			continue;
		final = __atomic_load_n(&leftover[i].final, __ATOMIC_ACQUIRE);
		if (!final || rename(path, final) < 0)
			(void)unlink(path);
	}
}
