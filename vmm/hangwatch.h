/* SPDX-License-Identifier: MIT */
/*
 * Takes the samples that hang.h judges, and ends the run when it says so. The supervisor comes here
 * when a round is due; it then asks each CPU for a sample:
 *
 *	supervisor  hangwatch_turn()    slot.asked is new; kicks the CPU
 *	each CPU    hangwatch_answer()  outside of the guest: fills slot.sample, then slot.answered
 *	supervisor  hangwatch_turn()    the next time: all have answered; judges, asks anew
 *
 * A slot belongs to its CPU from asked to answered, then to the supervisor: no lock. A CPU that
 * waits for room in the console, or for the others in a round of control.h's, answers when it comes
 * to its next entry. Nobody waits for it, and nothing is judged before: what keeps it may not be
 * the guest's fault.
 *
 * Between rounds nothing of this costs anything; a run without it has a NULL pointer to test at a
 * kick.
 */
#ifndef TVMM_HANGWATCH_H
#define TVMM_HANGWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/console.h"
#include "vmm/control.h"
#include "vmm/hang.h"
#include "vmm/machine.h"
#include "vmm/timing/record.h"

struct run;

struct hang_slot {
	unsigned int asked, answered; /* atomic; the same: nothing is asked */
	struct hang_sample sample;
};

/* What is watched; all borrowed. */
struct hangwatch_of {
	struct run *runs; /* of all CPUs, by number */
	unsigned int cpus;
	struct control *control;
	struct console *console;
	struct machine *machine; /* with vm NULL its PIT never ticks */
};

struct hangwatch {
	struct hangwatch_of of;
	struct hang hang;
	struct hang_cpu *cpu; /* of all CPUs, like the others */
	struct hang_slot *slot;
	struct hang_sample *sample; /* the round that is judged */
	uint64_t next_ns;           /* when hangwatch_turn() is due; clock_now_ns() scale */
	unsigned int asked;         /* what slots are asked in this round */
};

/*
 * Before the CPUs' threads are made: gives each run its slot. 0; or -ENOMEM with *e filled and
 * nothing to finish.
 */
int hangwatch_init(struct hangwatch *watch, const struct hang_options *options,
		   const struct hangwatch_of *of, struct err *e);
/* Also of one that was never initialised, but is zero. */
void hangwatch_finish(struct hangwatch *watch);

/* The supervisor's, when next_ns has come. Ends the run if the guest is stuck. */
void hangwatch_turn(struct hangwatch *watch, uint64_t now_ns);

/*
 * The answer, on the CPU's own thread, outside of the guest. At once if nobody has asked. take is
 * vcpusample_take(), or a test's.
 */
void hangwatch_answer(struct hang_slot *slot, int (*take)(void *ctx, struct hang_sample *sample),
		      void *ctx);

#endif
