/* SPDX-License-Identifier: MIT */
/* The texts of --help. */
#ifndef TVMM_HELP_H
#define TVMM_HELP_H

#include <stdbool.h>
#include <stdio.h>

#define TVMM_VERSION "0.1.0"

/* Whether --help, -help or -h is among a command's words, argv[0] left out, before a "--". */
bool help_is_wanted(int argc, char *const *argv);

void help_print(FILE *out); /* nothing has been printed there yet */
void help_print_initramfs(FILE *out);
void help_print_probe(FILE *out);

#endif
