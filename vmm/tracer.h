/* SPDX-License-Identifier: MIT */
/*
 * The chain of breakpoints along a kernel's start: which addresses are watched next, and what it
 * means that a CPU came to one. A CPU has four debug registers; that is enough for any number of
 * moments that come one after the other. At any time they hold, in this order:
 *
 *	an initcall          do_one_initcall(), or while one runs the place where it returns to
 *	the initramfs        the function that unpacks it, then where that returns to: it may be
 *	                     another thread's work, beside the initcalls
 *	user space           start_thread() once the kernel has begun to execute a program, then the
 *	                     address that it was given
 *	the chain            as many of the next moments as there are registers left, so that one
 *	                     that this kernel never comes to does not stop it
 *
 * Whether breakpoints fire on this host at all is tried on the guest's first instruction, where
 * nothing has happened yet. There, too, the price of one is measured: left in place, it fires again
 * at each entry without an instruction having run, so that the time from KVM_RUN to its return is
 * that of an entry and an exit, and of nothing else.
 *
 * One tracer serves all CPUs, under its lock: whichever comes to an address first has come to it,
 * and the others are told to set their registers anew. It touches no vCPU: observer.h does, and
 * tests do not.
 *
 * Left out: initcalls of modules that are loaded while another initcall runs; they belong to that
 * one. Authority: [LINUX] init/main.c, init/initramfs.c, arch/x86/kernel/process_64.c; [SDM] "Debug
 * Registers".
 */
#ifndef TVMM_TRACER_H
#define TVMM_TRACER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/guestmem.h"
#include "vmm/timing/phases.h"
#include "vmm/timing/record.h"
#include "vmm/vcpudebug.h"

enum { TRACER_TRIALS = 8 };

/* Addresses; 0: this kernel has none, or it is not wanted. */
struct tracer_plan {
	uint64_t entry; /* of the guest's first instruction; linear, and physical */
	uint64_t phase
		[PHASES]; /* of each phase that is a function; the others are found on the way */
	uint64_t start_thread;
	uint64_t do_one_initcall; /* every initcall is wanted */
};

enum tracer_state {
	TRACER_TRYING, /* the entry's breakpoint has not fired yet */
	TRACER_MEASURING,
	TRACER_WORKING,
	TRACER_NOTHING_FIRES, /* the guest left by another way first */
};

struct tracer {
	pthread_mutex_t lock; /* all that is not marked otherwise */
	struct tracer_plan plan;
	struct record_shared *record; /* hits and initcalls are this one's */
	const struct guest_memory *memory;
	enum tracer_state state;

	bool fired[PHASES];
	unsigned int next; /* first phase of the chain that can still come */
	uint64_t rootfs_return;
	uint64_t user_entry;
	bool in_initcall;
	uint64_t initcall_return, initcall_rsp; /* where it returns to, and with which stack */
	bool enters_initcall;                   /* its beginning is when the guest goes on */

	uint64_t armed[VCPUDEBUG_BREAKPOINTS];
	size_t arms;
	unsigned int generation; /* atomic: changes with armed */

	uint64_t trial_ns[TRACER_TRIALS];
	unsigned int trials;
	uint64_t exits, served_ns; /* of all breakpoints so far */
	uint64_t exits_before[RECORD_HITS];
};

/* A CPU that stands at an address. */
struct tracer_stop {
	unsigned int cpu;
	uint64_t pc;
	uint64_t entered_ns, left_ns; /* when KVM_RUN was entered, and when it returned */
	uint64_t tsc;                 /* the host's, at left_ns */
	const struct vcpu_registers *registers;
};

void tracer_init(struct tracer *tracer, const struct tracer_plan *plan,
		 struct record_shared *record, const struct guest_memory *memory);
void tracer_finish(struct tracer *tracer);

/* Copies what is to be watched now; returns how many addresses, and the generation they are of. */
size_t tracer_armed(struct tracer *tracer, uint64_t address[VCPUDEBUG_BREAKPOINTS],
		    unsigned int *generation);

static inline unsigned int tracer_generation(const struct tracer *tracer)
{
	return __atomic_load_n(&tracer->generation, __ATOMIC_ACQUIRE);
}

/* Whether the time of the next entry counts: the price of a breakpoint is being measured. */
static inline bool tracer_measures(const struct tracer *tracer)
{
	enum tracer_state state = __atomic_load_n(&tracer->state, __ATOMIC_RELAXED);

	return state == TRACER_TRYING || state == TRACER_MEASURING;
}

/* A breakpoint fired. False: it is none of this tracer's, so the guest's own. */
bool tracer_stopped(struct tracer *tracer, const struct tracer_stop *stop);

/* The guest goes on behind a breakpoint that was served for so long. */
void tracer_goes_on(struct tracer *tracer, uint64_t now_ns, uint64_t served_ns);

/* The guest was left in another way. Before the first breakpoint that says that none will fire. */
void tracer_left_otherwise(struct tracer *tracer);

/* When all is over. */
/* Nanoseconds of an entry and an exit: the median of the trials; 0: none was measured. */
uint64_t tracer_round_trip_ns(const struct tracer *tracer);
/* Puts into each hit what the breakpoints before it have cost, with their entries and exits. */
void tracer_settle(struct tracer *tracer);

#endif
