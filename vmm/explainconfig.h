/* SPDX-License-Identifier: MIT */
/*
 * `tvmm explain-config A B`: which options differ between two kernels, and beside them what each
 * is made of and where its boot's time goes. Which option is the reason for which byte is for
 * people to judge: nothing here claims it.
 *
 *   explainconfig.c        what is given, told apart by content; runs
 *   explainconfig_print.c  text, Markdown, JSON
 *
 * docs/explain-config.md has the formats.
 */
#ifndef TVMM_EXPLAINCONFIG_H
#define TVMM_EXPLAINCONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "boot/elfsizes.h"
#include "vmm/base/err.h"
#include "vmm/compare.h"
#include "vmm/kconfig.h"

/* How many initcalls of each kind are shown, those with the largest differences first. */
enum { EXPLAINCONFIG_INITCALLS = 10, EXPLAINCONFIG_WHY_BYTES = ERR_TEXT_BYTES };

struct explainconfig_side {
	const char *config_from; /* the file it was read from; borrowed */
	bool inside;             /* that is a kernel with CONFIG_IKCONFIG */
	struct kconfig config;
	struct elfsizes sizes;
};

struct explainconfig {
	struct explainconfig_side side[2]; /* A, B */
	struct kconfig_difference options;
	bool has_sizes, has_times;
	char no_sizes[EXPLAINCONFIG_WHY_BYTES]; /* why, when there are none */
	char no_times[EXPLAINCONFIG_WHY_BYTES];
	struct comparison times;
};

/* For people; width: of the terminal, 0: none. Each: 0, or -errno with *e. */
int explainconfig_print(const struct explainconfig *found, size_t width, FILE *out, struct err *e);
int explainconfig_print_markdown(const struct explainconfig *found, FILE *out, struct err *e);
int explainconfig_print_json(const struct explainconfig *found, FILE *out, struct err *e);

/* The command. argv[0] is "explain-config". An exit status, or -errno with *e. */
int explainconfig_command(int argc, char **argv, struct err *e);

#endif
