/* SPDX-License-Identifier: MIT */
/* `tvmm <command> ...`: what tvmm does besides booting. */
#ifndef TVMM_COMMANDS_H
#define TVMM_COMMANDS_H

#include <stddef.h>

#include "vmm/base/err.h"

enum { COMMANDS_MAX = 8 };

struct command {
	const char *name;
	/*
	 * argv[0] is the command's name, and *e is all zero. What was asked for goes to stdout.
	 * Returns the exit status, or -errno with *e filled; with an exit status it is filled if
	 * there is something to be said all the same.
	 */
	int (*run)(int argc, char **argv, struct err *e);
};

/* NULL if there is none of that name. */
const struct command *commands_find(const char *name);

/* Fills names with all of them; returns how many, COMMANDS_MAX at most. */
size_t commands_list(const char **names);

#endif
