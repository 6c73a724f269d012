/* SPDX-License-Identifier: MIT */
#include "vmm/technique.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/suggest.h"

static const char *const words[TECHNIQUES] = {
	[TECHNIQUE_MP_TABLE] = "mp-table",
	[TECHNIQUE_PARALLEL_FILL] = "parallel-fill",
	[TECHNIQUE_TOUCH_AHEAD] = "touch-ahead",
	[TECHNIQUE_SMALL_START] = "small-start",
	[TECHNIQUE_TSC_LEAVES] = "tsc-leaves",
	[TECHNIQUE_RNG_SEED] = "rng-seed",
	[TECHNIQUE_CACHE_NOTES] = "cache-notes",
	[TECHNIQUE_COALESCED_CONSOLE] = "coalesced-console",
	[TECHNIQUE_UNPACKED_INITRD] = "unpacked-initrd",
	[TECHNIQUE_EARLY_EXIT] = "early-exit",
};

static int refuse(const char *word, struct err *e)
{
	const char *near = suggest_nearest(word, words, TECHNIQUES);
	char all[512];
	size_t n = 0;

	if (near)
		return err_set(e, EINVAL, "-without: there is no '%s'; did you mean '%s'?", word,
			       near);
	for (size_t i = 0; i < TECHNIQUES && n < sizeof(all); i++)
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i ? ", " : "", words[i]);
	return err_set(e, EINVAL, "-without: there is no '%s'; there are %s", word, all);
}

int technique_parse(const char *list, technique_set *off, struct err *e)
{
	char word[32];
	size_t length;

	do {
		size_t i = 0;

		length = strcspn(list, ",");
		(void)snprintf(word, sizeof(word), "%.*s", (int)length, list);
		while (i < TECHNIQUES && strcmp(words[i], word) != 0)
			i++;
		if (i == TECHNIQUES)
			return refuse(word, e);
		*off |= 1U << i;
		list += length + 1;
	} while (list[-1] == ',');
	return 0;
}
