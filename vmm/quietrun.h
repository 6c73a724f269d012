/* SPDX-License-Identifier: MIT */
/*
 * -control: the same run once more, with the console quiet, as a process of its own. What it takes
 * to the moment that the first one is measured to is the proof of what the console costs.
 */
#ifndef TVMM_QUIETRUN_H
#define TVMM_QUIETRUN_H

#include "vmm/base/err.h"
#include "vmm/timing/report.h"

/*
 * Runs it, with the words of the first one's command line (argv) and its kernel command line
 * (append), and fills report->control. 0, or -errno with *e saying why there is no answer; the
 * report is left alone then.
 *
 * Nobody types there: it ends at the init's own line, if that is what counts, or when it has lasted
 * twice as long as the first one and a second.
 */
int quietrun(struct report *report, int argc, char **argv, const char *append, struct err *e);

#endif
