/* SPDX-License-Identifier: MIT */
/* The texts of --help of bench and compare. */
#ifndef TVMM_HELP_BENCH_H
#define TVMM_HELP_BENCH_H

#include <stdio.h>

void help_print_bench(FILE *out);
void help_print_compare(FILE *out);

#endif
