/* SPDX-License-Identifier: MIT */
/*
 * The words of a kernel's command line, taken apart as Linux does it.
 *
 * Authority: [LINUX] kernel/params.c and lib/cmdline.c, next_arg(), parse_args(), parameqn().
 */
#ifndef TVMM_CMDLINE_H
#define TVMM_CMDLINE_H

#include <stdbool.h>

/*
 * Whether a command line has a word of that name, with a value or without, before the "--" behind
 * which the words are init's. '-' and '_' are the same in names.
 */
bool cmdline_has(const char *line, const char *name);

/* The same of a word without a value: what __setup() takes if its function wants none. */
bool cmdline_has_alone(const char *line, const char *name);

/*
 * The line with one more word for the kernel: behind all others, but in front of a "--". The caller's to
 * free(); NULL: no memory.
 */
char *cmdline_with(const char *line, const char *word);

#endif
