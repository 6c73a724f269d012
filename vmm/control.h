/* SPDX-License-Identifier: MIT */
/*
 * What the threads of a run say to each other: that it is over, that the vCPU should look at
 * itself, that there is something for the supervisor to do. The first ending wins.
 */
#ifndef TVMM_CONTROL_H
#define TVMM_CONTROL_H

#include <pthread.h>
#include <stdbool.h>

#include "vmm/base/err.h"
#include "vmm/ending.h"
#include "vmm/timing/marks.h"

struct vcpu;

struct control {
	pthread_mutex_t lock; /* ending */
	struct ending ending;
	bool stop;         /* atomic: an ending is there */
	bool look;         /* atomic: the vCPU should see whether it is halted for good */
	int wake_fd;       /* eventfd that the supervisor polls */
	struct vcpu *vcpu; /* to be kicked; NULL before there is one */
	struct marks *marks;
};

int control_init(struct control *control, struct marks *marks, struct err *e);
void control_finish(struct control *control);

/* Ends the run, unless it has ended: stops the vCPU, wakes the supervisor. From any thread. */
void control_end(struct control *control, const struct ending *ending);

/* The same for a kind that needs no detail. */
void control_end_kind(struct control *control, enum ending_kind kind);

/* Takes the vCPU out of the guest to see whether it is halted for good. */
void control_ask_to_look(struct control *control);

/* Makes the supervisor's poll return. */
void control_wake(struct control *control);
void control_clear_wake(struct control *control);

static inline bool control_stopped(const struct control *control)
{
	return __atomic_load_n(&control->stop, __ATOMIC_ACQUIRE);
}

#endif
