/* SPDX-License-Identifier: MIT */
/* The texts of --help. */
#ifndef TVMM_HELP_H
#define TVMM_HELP_H

#include <stdio.h>

#define TVMM_VERSION "0.1.0"

void help_print(FILE *out); /* nothing has been printed there yet */
void help_print_initramfs(FILE *out);
void help_print_probe(FILE *out);

#endif
