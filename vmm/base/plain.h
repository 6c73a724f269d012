/* SPDX-License-Identifier: MIT */
/* Text that people typed, or that a file is called: a terminal must not obey it. */
#ifndef TVMM_BASE_PLAIN_H
#define TVMM_BASE_PLAIN_H

#include <stdio.h>

/* Prints text with bytes below 0x20, and 0x7f, as \x and two digits. */
void plain_print(const char *text, FILE *out);

#endif
