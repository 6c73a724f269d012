/* SPDX-License-Identifier: MIT */
/*
 * One run from beginning to end: plan -> place -> run -> report. Each stage takes what the one
 * before it left, as plain data; nothing is opened after place.
 */
#ifndef TVMM_SESSION_H
#define TVMM_SESSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "boot/plan.h"
#include "initramfs/bundle.h"
#include "vmm/account.h"
#include "vmm/autopsy.h"
#include "vmm/base/err.h"
#include "vmm/base/file.h"
#include "vmm/base/newfile.h"
#include "vmm/chardev.h"
#include "vmm/console.h"
#include "vmm/control.h"
#include "vmm/ending.h"
#include "vmm/fallbacks.h"
#include "vmm/fastappend.h"
#include "vmm/initrd.h"
#include "vmm/kernel.h"
#include "vmm/machine.h"
#include "vmm/options.h"
#include "vmm/program.h"
#include "vmm/run.h"
#include "vmm/supervisor.h"
#include "vmm/timing/marks.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

/* What fills guest memory: a thread of its own, and how that went. */
struct filler {
	pthread_t thread;
	bool threaded;
	int refused; /* errno that says why there is no thread; 0: there was, or none was wanted */
	atomic_bool archives_taken; /* by the filler, or by the thread that made the VM */
	atomic_bool placed;         /* the kernel is where it belongs */
	atomic_bool awaited; /* the VM is there, and what the filler does costs time from now on */
	pthread_mutex_t cpuid_lock;
	bool cpuid_asked;
	struct kvm_cpuid2 *cpuid; /* as KVM supports it, once it was asked */
	int rc;
	struct err e;
};

struct session {
	const struct options *options; /* borrowed */
	struct marks marks;

	struct kernelcache cache;
	struct kernel kernel;
	struct fastappend fast; /* -fast-append; else zeros */
	const char *cmdline;    /* the kernel's, borrowed from options or from fast */
	struct initrd initrd;
	char entered[160];    /* how, in words */
	struct bundle bundle; /* what -- PROGRAM needs in the guest */
	struct newfile log;   /* the console's text once more */
	struct board board;
	struct plan_request request;
	uint8_t rng_seed[PLAN_RNG_SEED_BYTES]; /* until it is in the guest's memory */
	bool no_seed;                          /* the guest should have had one */
	struct boot_plan plan;
	struct account account;

	struct vm vm;
	struct filler filler;
	struct vcpu *vcpus; /* options->cpus of them; NULL: none yet */
	struct chardev serial;
	struct chardev err_dev, log_dev; /* for a program, for -log */
	struct program program;
	struct dialogue dialogue; /* of options->dialogue */
	struct coalesce coalesce;
	struct control control;
	struct console console;
	struct machine machine;
	struct supervisor supervisor;
	struct hangwatch hangwatch;
	struct run *runs;           /* one for each vCPU */
	struct autopsy autopsy;     /* of a run that came to a bad end; else zeros */
	char autopsy_of[512];       /* its ending's sentence */
	struct fallbacks fallbacks; /* in the report */
	int output_lost; /* after the run: errno that says why console output was lost; 0: none */
};

/*
 * In memory that is zero: it has 300 KiB of buffers, which cost nothing until they are used. Nothing
 * is open yet. The marks keep what was taken before.
 */
void session_init(struct session *session, const struct options *options,
		  const struct marks *marks);

/* Opens and checks the files, chooses every address. Does not touch /dev/kvm. */
int session_plan(struct session *session, struct err *e);

/* Wires the machine, opens the console, makes the VM, fills its memory. */
int session_place(struct session *session, struct err *e);

/* Runs the guest until it ends. Fails only before the guest's first instruction. */
int session_run(struct session *session, struct ending *ending, struct err *e);

/*
 * After session_run(): makes the report of it, and writes what was asked for. 0, or -errno with *e;
 * the report is there even when a file could not be written, but not when memory was lacking
 * (-ENOMEM).
 */
int session_report(struct session *session, const struct ending *ending, int argc, char **argv,
		   const char *version, struct err *e);

/* Closes and unmaps whatever the stages opened. */
void session_finish(struct session *session);

/*
 * The same, and ends the process with the status when somebody else can be found who closes the VM:
 * see vmm/reaper.h. Nothing is left to say, and stdio's buffers are empty.
 */
void session_leave(struct session *session, int status);

#endif
