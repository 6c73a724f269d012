/* SPDX-License-Identifier: MIT */
/* "did you mean": the nearest valid word to one that was not understood. */
#ifndef TVMM_BASE_SUGGEST_H
#define TVMM_BASE_SUGGEST_H

#include <stddef.h>

/* Edit distance (insert, delete, replace), in characters; words beyond 63 characters are cut. */
unsigned int suggest_distance(const char *a, const char *b);

/*
 * The word among count that is nearest to typed, or NULL when none is near enough to be meant
 * (more than a third of the longer one would have to change, but one change counts unless nothing
 * of what was typed remains).
 */
const char *suggest_nearest(const char *typed, const char *const *words, size_t count);

#endif
