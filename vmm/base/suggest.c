/* SPDX-License-Identifier: MIT */
#include "vmm/base/suggest.h"

#include <string.h>

enum { WORD_MAX = 63 };

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int least = a < b ? a : b;

	return least < c ? least : c;
}

unsigned int suggest_distance(const char *a, const char *b)
{
	size_t a_length = strnlen(a, WORD_MAX), b_length = strnlen(b, WORD_MAX);
	unsigned int row[WORD_MAX + 1];

	for (size_t j = 0; j <= b_length; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= b_length; j++) {
			unsigned int above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_length];
}

const char *suggest_nearest(const char *typed, const char *const *words, size_t count)
{
	const char *best = NULL;
	unsigned int best_distance = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned int distance = suggest_distance(typed, words[i]);
		size_t longer = strlen(words[i]) > strlen(typed) ? strlen(words[i]) : strlen(typed);

		if (distance >= strlen(typed) || (distance > 1 && distance * 3 > longer))
			continue;
		if (!best || distance < best_distance) {
			best = words[i];
			best_distance = distance;
		}
	}
	return best;
}
