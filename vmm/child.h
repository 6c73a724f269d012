/* SPDX-License-Identifier: MIT */
/*
 * A run as a process of its own: tvmm itself, with the options of a run, its report read through a
 * pipe. What the guest says goes nowhere unless somebody hears it, and it is told nothing. The run
 * lasts as long as its own -timeout lets it; it ends when we do, however we end.
 *
 * Another program (QEMU) can be run beside it: it makes no report, and has no time limit of its own.
 *
 * Several at the same time are a group: started one by one, waited for in the order in which they end.
 */
#ifndef TVMM_CHILD_H
#define TVMM_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum { CHILD_REPORT_BYTES_MAX = 64 << 20 };

/*
 * Takes what came on its stdout, read at at_ns of clock_now_ns(); true: that is enough, end it. Bytes
 * are any.
 */
typedef bool (*child_hear)(void *ctx, const char *bytes, size_t count, uint64_t at_ns);

struct child_request {
	const char *program; /* NULL: this one, /proc/self/exe */
	/*
	 * Of the run; NULL behind the last. -without early-exit, -q and --report are added, in front
	 * of a "--".
	 */
	char *const *option;
	/*
	 * NULL: what it says goes nowhere. Else it is heard, in parts: as they come, or ten times a
	 * second and at the end, so that a run that is measured does not wake us for each of its lines.
	 */
	child_hear hear;
	void *ctx;
	bool at_once;
	bool stranger;     /* not tvmm: option is its whole argv, from argv[0] on */
	uint64_t limit_ns; /* of a stranger: ended then; 0: none */
};

struct child_result {
	int status;          /* its exit status; 128 + N: ended by signal N */
	uint64_t started_ns; /* of clock_now_ns(): it was a process, and not yet the program */
	bool heard_enough;   /* ended by us, because hear() said so */
	bool timed_out;      /* ended by us, because of limit_ns */
	int interrupted;     /* the signal that asked *us* to stop, and ended the run; 0: none */
	char *report;        /* what it wrote, NUL behind it; never NULL after success */
	size_t report_bytes;
	char said[256]; /* its last line on stderr, without "tvmm: " */
};

/*
 * Runs it to its end. 0 however it ended, or -errno with *e if it could not be started or watched.
 * While it runs SIGINT, SIGTERM, SIGHUP and SIGQUIT end it instead of us. child_finish() is due
 * either way.
 */
int child_run(const struct child_request *request, struct child_result *result, struct err *e);
void child_finish(struct child_result *result);

struct child_group;

/*
 * Room for so many runs at the same time. From here to child_group_close() the four signals end all
 * runs of the group instead of us, so there is one group at a time. 0, or -errno with *e and NULL in
 * *group.
 */
int child_group_open(struct child_group **group, size_t most, struct err *e);

/* Ends what still runs, and waits for that. NULL is nothing to close. */
void child_group_close(struct child_group *group);

/*
 * Starts one; there has to be room. number: what child_group_wait() calls it. The request is not
 * needed any longer when this returns. 0, or -errno with *e: it does not run.
 */
int child_group_start(struct child_group *group, const struct child_request *request, size_t number,
		      struct err *e);

/*
 * Waits until one of those that run has ended, of which there has to be one, and takes it out of the
 * group. 0 with its *number and *result, for which child_finish() is due; or -errno with *e if they
 * cannot be watched any longer, and nothing in *result. Once interrupted, all are ended, and all
 * results tell so.
 */
int child_group_wait(struct child_group *group, size_t *number, struct child_result *result,
		     struct err *e);

#endif
