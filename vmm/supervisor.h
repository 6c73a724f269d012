/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: the main thread while the guest runs on the vCPUs'. It writes the console out,
 * reads what is typed, keeps the time limit, takes signals, and notices when the vCPUs stand
 * still, because a CPU halted with interrupts off waits inside KVM for ever and nobody else
 * would find out.
 */
#ifndef TVMM_SUPERVISOR_H
#define TVMM_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/chardev.h"
#include "vmm/coalesce.h"
#include "vmm/console.h"
#include "vmm/control.h"
#include "vmm/hangwatch.h"
#include "vmm/keyboard.h"
#include "vmm/machine.h"
#include "vmm/program.h"
#include "vmm/vcpu.h"

struct supervisor {
	struct control *control;
	struct console *console;
	struct machine *machine;
	struct chardev *dev;
	struct keyboard keyboard;
	struct program *program; /* NULL: what is typed goes to the guest as it is */
	struct coalesce *coalesce;
	const struct vm *vm;         /* for coalesce */
	bool coalesces;              /* whether to begin with it */
	int not_coalesced;           /* errno that says why that could not be; 0: it could */
	uint64_t seen_bytes;         /* of the console's, when it was last looked at */
	uint64_t deadline_ns;        /* clock_now_ns() scale; 0: none */
	uint64_t timeout_ns;         /* for the ending */
	struct hangwatch *hangwatch; /* NULL: nobody looks for hangs */

	const struct vcpu *vcpus;
	unsigned int cpus;
	unsigned int idle_ticks; /* in a row */
	unsigned int busy_ticks; /* altogether */
	uint64_t vcpus_cpu_ns;   /* CPU time of the vCPUs' threads at the last tick */
	uint64_t next_tick_ns;
	bool input_paused; /* until the next tick: nobody has the pty open */
	bool input_is_terminal;
	bool sampled; /* the vCPUs are, so that their CPU time tells nothing of the guest's */
};

/*
 * Works until the run has ended. vcpus are those to watch over; their threads have been made, while
 * the guard held the signals (vmm/guard.h), which come here from now on.
 */
void supervise(struct supervisor *supervisor, const struct vcpu *vcpus, unsigned int cpus);

/* Brings what lies in KVM's ring to the console, if that has room for it. */
void supervisor_take_coalesced(struct supervisor *supervisor);

/*
 * After the vCPUs' end: writes out what is left. Gives up when the reader does not move for
 * too long, or time is up; returns the errno that says why bytes were lost, or 0.
 */
int supervisor_drain(struct supervisor *supervisor);

#endif
