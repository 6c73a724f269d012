/* SPDX-License-Identifier: MIT */
/*
 * Who looks on while one CPU runs: notes when it left the guest and for what, keeps its breakpoints
 * in step with the tracer, takes samples, reads the host's counters at each mark. The run loop has
 * a pointer to one, or NULL when nobody wants to know, and then pays for nothing but that.
 *
 * All of it on the vCPU's own thread. Nothing here allocates, opens or prints.
 *
 *	observer_begin()
 *	    observer_enters()   KVM_RUN   observer_left()   observer_exit() or _debug() or _kick()
 *	    ...
 *	observer_end()
 */
#ifndef TVMM_OBSERVER_H
#define TVMM_OBSERVER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "vmm/base/guestmem.h"
#include "vmm/timing/marks.h"
#include "vmm/timing/record.h"
#include "vmm/tracer.h"
#include "vmm/vcputimes.h"

struct vcpu;

/* What can be done to a CPU that is out of the guest: vcpudebug.h's, or a test's. */
struct observer_cpu {
	int (*set)(void *ctx, const uint64_t *address, size_t count, bool reinject);
	int (*registers)(void *ctx, struct vcpu_registers *registers);
	int (*deliver_int3)(void *ctx);
};

struct observer {
	unsigned int cpu;
	struct record *record;        /* this CPU's; tables that are not wanted are NULL */
	struct record_shared *shared; /* of all */
	const struct marks *marks;    /* of all */
	struct tracer *tracer;        /* NULL: no breakpoints */
	const struct guest_memory *memory;
	const struct observer_cpu *debug;
	void *debug_ctx;         /* the vCPU */
	uint64_t sample_ns;      /* between two samples; 0: none */
	void (*wake)(void *ctx); /* from a signal handler: has KVM_RUN return, or not be entered */

	/* Private to observer.c. */
	struct vcputimes times;
	bool times_known;
	uint64_t entered_ns, left_ns, tsc;
	struct record_exit *serving; /* its served_ns is due */
	bool at_breakpoint;
	bool reinject;
	unsigned int generation; /* of the breakpoints that are set */
	uint64_t moments;        /* marks that had been taken when the counters were last read */
	timer_t timer;
	bool timed;
	volatile sig_atomic_t sample_due;
};

/* Opens the host's counters for the vCPU (NULL: a test's), starts the sampling. */
void observer_begin(struct observer *observer, const struct vcpu *vcpu);
void observer_end(struct observer *observer);

/* Right before KVM_RUN. */
void observer_enters(struct observer *observer);

/*
 * Right after it: takes the time, which every exit is to have if exits are recorded, and else only
 * a breakpoint and a kick.
 */
void observer_left(struct observer *observer);
static inline bool observer_wants_exits(const struct observer *observer)
{
	return observer->record->exit != NULL;
}

/*
 * What it was: an exit that is served next, a kick (which may be a sample's), a breakpoint at pc.
 */
void observer_exit(struct observer *observer, const struct record_exit *what);
void observer_kick(struct observer *observer);
void observer_debug(struct observer *observer, uint64_t pc);

#endif
