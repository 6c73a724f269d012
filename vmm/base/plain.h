/* SPDX-License-Identifier: MIT */
/* Text that people typed, or that a file is called: a terminal must not obey it. */
#ifndef TVMM_BASE_PLAIN_H
#define TVMM_BASE_PLAIN_H

#include <stdio.h>

/*
 * Prints text with the bytes of control characters, C0, 0x7f and C1, and those that are not UTF-8, as
 * \x and two digits each.
 */
void plain_print(const char *text, FILE *out);

#endif
