/* SPDX-License-Identifier: MIT */
/* The text of --help of explain-config. */
#ifndef TVMM_HELP_CONFIG_H
#define TVMM_HELP_CONFIG_H

#include <stdio.h>

void help_print_explain_config(FILE *out);

#endif
