/* SPDX-License-Identifier: MIT */
/*
 * The account of one run: what is wanted is prepared while the run is planned, handed to those who
 * look on while the guest runs, and made into a report when it is over.
 *
 *	account_plan()     symbols, addresses of breakpoints, tables, output files: all that can fail
 *	account_attach()   an observer for each CPU, the console's and the machine's record
 *	account_settle()   the record -> struct report
 *	account_write()    the report -> files
 */
#ifndef TVMM_ACCOUNT_H
#define TVMM_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "boot/initcalls.h"
#include "boot/plan.h"
#include "boot/symbols.h"
#include "vmm/accountoptions.h"
#include "vmm/base/err.h"
#include "vmm/ending.h"
#include "vmm/inside/klog.h"
#include "vmm/inside/space.h"
#include "vmm/inside/unwind.h"
#include "vmm/kernel.h"
#include "vmm/machine.h"
#include "vmm/observer.h"
#include "vmm/outfile.h"
#include "vmm/run.h"
#include "vmm/timing/digest.h"
#include "vmm/timing/ktap.h"
#include "vmm/timing/report.h"
#include "vmm/tracer.h"

enum account_output {
	ACCOUNT_REPORT,
	ACCOUNT_TRACE,
	ACCOUNT_HTML,
	ACCOUNT_FOLDED,
	ACCOUNT_FLAME,
	ACCOUNT_DMESG,
	ACCOUNT_JUNIT,
	ACCOUNT_SUMMARY,
	ACCOUNT_OUTPUTS
};

enum { ACCOUNT_TEXT_BYTES = 1024 };

struct account {
	const struct account_options *options; /* borrowed */
	bool wanted;                           /* anything beyond the marks of every run */

	struct symbols symbols;
	char symbols_told[ACCOUNT_TEXT_BYTES]; /* where they come from, or why there are none */
	char banner[SYMBOLS_BANNER_BYTES];     /* of the kernel; "": not known */
	char build_id[2 * SYMBOLS_BUILD_ID_BYTES + 1];
	struct tracer_plan plan;
	bool breakpoints; /* some are to be set */
	uint64_t phases_set, phases_without;
	char no_phases[ACCOUNT_TEXT_BYTES]; /* why there are none; "": there are */
	struct initcalls initcalls;
	bool levels_known; /* initcalls was read */

	unsigned int cpus;
	struct record *record;     /* of each CPU; owned */
	struct observer *observer; /* of each CPU; owned */
	struct record_shared shared;
	struct tracer tracer;
	bool tracing;
	struct ktap tests;
	bool looks_for_tests;

	/* Made when the run is over. */
	bool inside; /* space is the kernel's, and what symbols say is there */
	struct space space;
	struct unwinder unwinder;
	struct klog klog;
	bool klog_known;
	char no_log[ACCOUNT_TEXT_BYTES];
	struct digest digest;
	struct report report;
	char sentence[512];

	/* Last, because of its size: a run that wants none does not touch a page of it. */
	struct outfile out[ACCOUNT_OUTPUTS];
};

/* In memory that is zero. */
void account_init(struct account *account);

/* What the account needs to know of the kernel, while its files are open. */
struct account_kernel {
	const struct kernel *kernel;
	const struct boot_plan *plan;
	const struct input_file *initrd; /* closed: there is none */
	const char *cmdline;
	unsigned int cpus;
};

/* 0, or -errno with *e; account_finish() is due either way. Does not touch /dev/kvm. */
int account_plan(struct account *account, const struct account_options *options,
		 const struct account_kernel *of, struct err *e);

/* After the vCPUs and the machine were made, before their threads are. Never fails. */
void account_attach(struct account *account, struct run *runs, struct console *console,
		    struct machine *machine, const struct guest_memory *memory,
		    const struct marks *marks);

/* What is known of a run when it is over. */
struct account_run {
	int argc;
	char **argv;
	const char *version, *kernel, *initrd, *cmdline, *entered;
	const char *fast_append, *no_fast_append; /* as in struct report */
	uint64_t ram_bytes;
	const struct ending *ending;
	const struct marks *marks;
	const struct machine *machine;
	const struct board *board;
	const struct guest_memory *memory; /* still there */
	const struct boot_plan *plan;
	bool guest_unpacks;
	bool touched_known; /* touched_pages was counted, and there were no huge ones */
	uint64_t touched_pages;
	uint64_t console_bytes, coalesced_bytes;
};

/* Fills account->report. 0, or -ENOMEM with *e. */
int account_settle(struct account *account, const struct account_run *run, struct err *e);

/*
 * For an autopsy, after account_settle(): symbols, space, unwinder and log of a run of which nobody
 * asked for them. Never fails: symbols_told and no_log say what is missing. The report is left as
 * it is.
 */
void account_look_late(struct account *account, const struct account_run *run);

/*
 * Writes the files that were asked for. 0, or -errno with *e telling the first that could not be.
 */
int account_write(struct account *account, struct err *e);

void account_finish(struct account *account);

#endif
