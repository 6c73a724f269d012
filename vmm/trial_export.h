/* SPDX-License-Identifier: MIT */
/*
 * Files for results (--export-...): what bench, compare, table and explain-config have in common.
 * Opened before the first run, so that what cannot be written costs nobody a boot; written when all
 * is over, complete or not at all (vmm/outfile.h).
 *
 * A command has an array of them; what has no option is behind the last one.
 */
#ifndef TVMM_TRIAL_EXPORT_H
#define TVMM_TRIAL_EXPORT_H

#include <stdio.h>

#include "vmm/base/err.h"
#include "vmm/outfile.h"

struct trial_export_kind {
	const char *option;                                     /* "--export-json" */
	int (*print)(const void *of, FILE *out, struct err *e); /* 0, or -errno with *e */
};

/* Large, for its paths. */
struct trial_export {
	const char *option; /* as of its kind; NULL: behind the last one */
	int (*print)(const void *of, FILE *out, struct err *e);
	const char *path; /* borrowed from the command line; NULL: not asked for */
	struct outfile file;
};

/* One for each kind, none of them asked for. Kinds end with one that has no option, which is copied. */
void trial_export_init(struct trial_export *exports, const struct trial_export_kind *kinds);

/*
 * Takes argv[*i], and the value behind it, if it is the option of one of them. 1: taken, and *i is
 * its last word; 0: it is none; -EINVAL with *e.
 */
int trial_export_take(struct trial_export *exports, int argc, char **argv, int *i, struct err *e);

/*
 * Opens those that were asked for. 0, or -errno with *e: one cannot be written, or two are the same
 * file. trial_export_abandon() is due either way.
 */
int trial_export_open(struct trial_export *exports, struct err *e);

/*
 * Of those that are open: refuses the one that would take the place of the file `path`, which is read.
 * what: how messages call that file. path NULL, or no file: nothing to refuse. 0, or -EINVAL with *e.
 */
int trial_export_spare(const struct trial_export *exports, const char *what, const char *path,
		       struct err *e);

/* The same for all files that a run with these options reads, its program included. */
int trial_export_spare_run(const struct trial_export *exports, char *const *option, struct err *e);

/*
 * Has each print what `of` is into its file, and closes it. 0, or -errno with *e, which names option
 * and file: that one holds what it held before, and the others have been written all the same. What
 * stands in stdout's buffer goes out before; if it cannot, that is what *e tells.
 */
int trial_export_write(struct trial_export *exports, const void *of, struct err *e);

/* Closes what is open, unwritten. */
void trial_export_abandon(struct trial_export *exports);

#endif
