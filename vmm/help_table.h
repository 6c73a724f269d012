/* SPDX-License-Identifier: MIT */
/* The text of --help of table. */
#ifndef TVMM_HELP_TABLE_H
#define TVMM_HELP_TABLE_H

#include <stdio.h>

void help_print_table(FILE *out);

#endif
