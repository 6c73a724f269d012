/* SPDX-License-Identifier: MIT */
/* What is to be run: /.tvmm/run, whose form protocol.h tells. */
#ifndef TVMM_INITRAMFS_GUEST_RUN_H
#define TVMM_INITRAMFS_GUEST_RUN_H

#include <stdbool.h>

#include "initramfs/guest/text.h"

struct run {
	const char *directory;
	const char *path;
	char **argument; /* NULL at their ends */
	char **environment;
	char found[4096]; /* where a path without a slash was found */
};

/* Reads the file at path, which may be removed then. True, or false with a sentence in *why. */
bool run_read(struct run *run, const char *path, struct text *why);

/*
 * A program that is named without a slash is looked for in the PATH of its environment, as
 * execvp(3) does. True, or false with a sentence in *why.
 */
bool run_find(struct run *run, struct text *why);

#endif
