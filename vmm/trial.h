/* SPDX-License-Identifier: MIT */
/*
 * Runs again and again, of one set of options or of two in turns, into series: what bench and
 * compare have in common. Each run is a process of its own (vmm/child.h).
 *
 *   trial.c          options
 *   trial_export.c   files for results
 *   trial_run.c      the runs
 */
#ifndef TVMM_TRIAL_H
#define TVMM_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/options.h"
#include "vmm/series.h"

enum { TRIAL_JOBS_MAX = 64 };

struct trial_plan {
	size_t runs, warmup; /* of each side */
	size_t jobs;         /* how many at the same time: 1 to TRIAL_JOBS_MAX */
	uint64_t seed;
	bool ignore_failure;
	const char *program;       /* NULL: tvmm itself */
	bool takes_ignore_failure; /* whether there is that option */
	bool progress;             /* on stderr */
};

/* One side. */
struct trial {
	const char *name;                 /* "A"; "": there is one side only */
	char *const *option;              /* NULL behind the last */
	struct series series;             /* filled here; finished by the owner */
	size_t failed;                    /* runs that did not end as they should; those are */
	bool run_failed[SERIES_RUNS_MAX]; /* those whose number, less 1, is true here */
};

/* 10 runs, one after the other, one to warm up, a seed from the clock, progress on a terminal. */
struct trial_plan trial_default_plan(void);

/*
 * Takes argv[*i], and the value behind it, if it is an option of a trial: -r, -w, -j, --seed, -i.
 * 1: taken, and *i is its last word; 0: it is none; -EINVAL with *e.
 */
int trial_take_option(struct trial_plan *plan, int argc, char **argv, int *i, struct err *e);

/* The value of the option argv[*i], "--name=VALUE" or the next word; NULL with *e. */
const char *trial_option_value(int argc, char **argv, int *i, struct err *e);

/* True: word is the option, with or without "=VALUE". */
bool trial_is_option(const char *word, const char *option);

/* Where a command has the kernel of a run. */
enum trial_kernel {
	TRIAL_KERNEL_INSIDE, /* among the options of the run */
	TRIAL_KERNEL_BESIDE, /* before them; -kernel is refused */
};

/*
 * Reads the options as a run would, and refuses those that name a file which each run would write
 * over the last one's; -report, which is taken; a -serial that leads to a file or to a socket; and
 * those that make no run to be measured. command: who refuses. 0, or -EINVAL or -ENOMEM with *e;
 * options_finish() is due either way.
 */
int trial_parse_options(const char *command, char *const *option, enum trial_kernel kernel,
			struct options *parsed, struct err *e);

/* The same, for commands that do not need to know what the options say. */
int trial_check_options(const char *command, char *const *option, enum trial_kernel kernel,
			struct err *e);

/*
 * Whose turn the run is: sides are drawn in blocks of four, ABBA or BAAB, so that what drifts meets
 * both alike; what is left over is drawn in pairs. order has 2 * runs entries, 0 or 1.
 */
void trial_order(uint64_t seed, size_t runs, unsigned char *order);

/*
 * Makes all runs, of one side or two; plan->jobs of them at the same time, and into the series in
 * the order of their numbers all the same. 0; the number of a signal that asked to stop; or -errno
 * with *e, which a run that failed is as well unless failures are ignored. A run has failed if its
 * status is not 0, or if it has -until among its options and ended for another reason.
 */
int trial_run(struct trial *trial, size_t sides, const struct trial_plan *plan, struct err *e);

/*
 * What a command ends with that had runs: rc as of trial_run(). A failure stays what it is; a signal
 * that asked to stop becomes the exit status 128+n, with a sentence in *e; success clears *e of what
 * was found out on the way and led to nothing.
 */
int trial_end(const char *command, int rc, struct err *e);

/* The width of the terminal that stdout is, 80 at least; 0: it is none. */
size_t trial_stdout_width(void);

#endif
