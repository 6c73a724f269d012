/* SPDX-License-Identifier: MIT */
/* Test streams that have been read, for whoever prints what came of them. */
#ifndef TVMM_TESTS_COMMON_KTAPSPEC_H
#define TVMM_TESTS_COMMON_KTAPSPEC_H

#include "vmm/timing/ktap.h"

enum { KTAPSPEC_LINE_NS = 1000000 };

/* Something of each kind, in groups and in none; some of it means harm, and it breaks off. */
extern const char KTAPSPEC_FULL[];

/*
 * Reads the lines, the first at from_ns, each KTAPSPEC_LINE_NS behind the one before it. There is
 * one such stream at a time.
 */
const struct ktap *ktapspec_read(const char *lines, uint64_t from_ns);
void ktapspec_finish(void);

#endif
