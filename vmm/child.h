/* SPDX-License-Identifier: MIT */
/*
 * A run as a process of its own: tvmm itself, with the options of a run, its report read through a
 * pipe. What the guest says goes nowhere, and it is told nothing. The run lasts as long as its own
 * -timeout lets it; it ends when we do, however we end.
 */
#ifndef TVMM_CHILD_H
#define TVMM_CHILD_H

#include <stddef.h>

#include "vmm/base/err.h"

enum { CHILD_REPORT_BYTES_MAX = 64 << 20 };

struct child_request {
	const char *program; /* NULL: this one, /proc/self/exe */
	char *const *option; /* of the run; NULL behind the last. -q and --report are added */
};

struct child_result {
	int status;      /* its exit status; 128 + N: ended by signal N */
	int interrupted; /* the signal that asked *us* to stop, and ended the run; 0: none */
	char *report;    /* what it wrote, NUL behind it; never NULL after success */
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

#endif
