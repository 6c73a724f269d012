/* SPDX-License-Identifier: MIT */
/*
 * A file that is written when the run is over, and opened before it begins: what cannot be written
 * is told while it costs nobody a boot. What it held stays until there is something to put in its
 * place.
 */
#ifndef TVMM_OUTFILE_H
#define TVMM_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

#include "vmm/base/err.h"

struct outfile {
	const char *what; /* "report": how messages call it; borrowed */
	const char *path; /* borrowed; "-" is stdout; NULL: not wanted */
	int fd;           /* -1: not open */
	bool made;        /* it was not there before */
};

/* path NULL: nothing is opened, and that is no error. 0, or -errno with *e. */
int outfile_open(struct outfile *out, const char *what, const char *path, struct err *e);

/*
 * Has print() write it anew, and closes it. print returns 0 or -errno. Returns 0, or -errno with
 * *e: what was written until then is there.
 */
int outfile_write(struct outfile *out, int (*print)(const void *ctx, FILE *file), const void *ctx,
		  struct err *e);

/* Whether both are open and the same regular file, or both are stdout. */
bool outfile_same(const struct outfile *a, const struct outfile *b);

/* Whether it is the regular file that fd has open. */
bool outfile_is(const struct outfile *out, int fd);

/* Closes it unwritten; a file that was not there before is not there again. */
void outfile_abandon(struct outfile *out);

#endif
