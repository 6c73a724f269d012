/* SPDX-License-Identifier: MIT */
/*
 * A file that is written when the run is over, and opened before it begins: what cannot be written
 * is told while it costs nobody a boot. What it held stays until there is something to put in its
 * place, which then is there complete or not at all (vmm/base/newfile.h).
 */
#ifndef TVMM_OUTFILE_H
#define TVMM_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

#include "vmm/base/err.h"
#include "vmm/base/newfile.h"

/* All zero: not open. */
struct outfile {
	const char *what; /* "report": how messages call it; borrowed */
	const char *path; /* borrowed; "-" is stdout; NULL: not wanted */
	struct newfile file;
};

/* path NULL: nothing is opened, and that is no error. 0, or -errno with *e. */
int outfile_open(struct outfile *out, const char *what, const char *path, struct err *e);

/* The same for a file that is written on behind what it holds. */
int outfile_open_append(struct outfile *out, const char *what, const char *path, struct err *e);

/*
 * Has print() write it anew, and closes it. print returns 0 or -errno. Returns 0, or -errno with
 * *e: then a file is as it was before; what is written directly has got what went until then.
 */
int outfile_write(struct outfile *out, int (*print)(const void *ctx, FILE *file), const void *ctx,
		  struct err *e);

/* Whether both are open and go to the same place; devices can take any number. */
bool outfile_same(const struct outfile *a, const struct outfile *b);

/* Whether it is, or would replace, the regular file that fd has open. */
bool outfile_is(const struct outfile *out, int fd);

/* Closes it unwritten: nothing has changed. */
void outfile_abandon(struct outfile *out);

#endif
