/* SPDX-License-Identifier: MIT */
/*
 * What the threads of a run say to each other: that it is over, that the CPUs should look whether
 * they are halted for good, that there is something for the supervisor to do. The first ending wins.
 *
 * Halted for good. A CPU that is halted with interrupts off can be woken by another one that still
 * runs, so that what it says of itself counts only while all are outside of the guest. They are
 * asked one after the other, in a round:
 *
 *	supervisor  control_ask_to_look()  kicks the CPU whose turn it is
 *	that CPU    control_look()         not halted for good: the round is over, all go on
 *	                                   else it stays outside and passes the turn on
 *	the last    control_look()         all are outside now: asks KVM once more about each of them
 *
 * A CPU stays outside only when it had nothing to do, and a round begins with the CPU that ended the
 * one before: a guest that is idle, but not for good, pays one exit of one CPU.
 */
#ifndef TVMM_CONTROL_H
#define TVMM_CONTROL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/ending.h"
#include "vmm/timing/marks.h"

struct run;

enum { CONTROL_NOBODY = -1 };

struct control {
	pthread_mutex_t lock; /* all that is not marked otherwise */
	struct ending ending;
	bool stop;   /* atomic: an ending is there */
	int wake_fd; /* eventfd that the supervisor polls */
	struct marks *marks;

	struct run *runs; /* of all CPUs, by number; set before their threads are made; borrowed */
	unsigned int cpus;

	int turn;            /* atomic: the CPU that should look at itself, or CONTROL_NOBODY */
	unsigned int first;  /* the CPU that a round begins with */
	uint64_t turn_ns;    /* since when it is that CPU's turn */
	uint64_t round;      /* changes when one is over */
	pthread_cond_t over; /* a round, or the run */
};

int control_init(struct control *control, struct marks *marks, struct err *e);
void control_finish(struct control *control);

/* The calling thread is that CPU's: an ending that it makes, by a device say, is of that CPU. */
void control_is_cpu(unsigned int cpu);

/* Ends the run, unless it has ended: stops the CPUs, wakes the supervisor. From any thread. */
void control_end(struct control *control, const struct ending *ending);

/* The same for a kind that needs no detail. */
void control_end_kind(struct control *control, enum ending_kind kind);

/*
 * Takes CPUs out of the guest to see whether all of them are halted for good; the one that finds out
 * ends the run. While a round is under way nothing is done, unless a CPU does not answer: then the
 * round is given up.
 */
void control_ask_to_look(struct control *control);

/*
 * The answer, on the CPU's own thread, outside of the guest and without a lock. May wait until the
 * round is over. True when all CPUs are halted for good. At once and false if nobody has asked.
 */
bool control_look(struct control *control, unsigned int cpu);

/* Makes the supervisor's poll return. */
void control_wake(struct control *control);
void control_clear_wake(struct control *control);

static inline bool control_stopped(const struct control *control)
{
	return __atomic_load_n(&control->stop, __ATOMIC_ACQUIRE);
}

/* Whether a round is under way. */
static inline bool control_looking(const struct control *control)
{
	return __atomic_load_n(&control->turn, __ATOMIC_SEQ_CST) != CONTROL_NOBODY;
}

#endif
