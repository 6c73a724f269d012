/* SPDX-License-Identifier: MIT */
/*
 * The run loop of one CPU: enters the guest, serves each exit, and comes back with a value that
 * says how and where the run ended. It never ends the process, prints, opens or allocates. Each CPU
 * has its own thread in a loop of its own; they meet at the machine, the console and control.
 *
 * Every exit it does not know ends the run with the exit's number: nothing is retried in the hope
 * that it goes away. Authority: [KVM] "The kvm_run structure".
 */
#ifndef TVMM_RUN_H
#define TVMM_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/coalesce.h"
#include "vmm/console.h"
#include "vmm/control.h"
#include "vmm/ending.h"
#include "vmm/hangwatch.h"
#include "vmm/machine.h"
#include "vmm/observer.h"
#include "vmm/vcpu.h"

/* How the loop gets into the guest: KVM, or a table of exits in a test. */
struct run_entry {
	int (*enter)(void *ctx);            /* vcpu_enter()'s contract */
	void (*unkick)(void *ctx);          /* vcpu_unkick()'s */
	bool (*halted_for_good)(void *ctx); /* vcpu_halted_for_good()'s; from any CPU's thread */
	void *ctx;
	void (*kick)(void *ctx);          /* vcpu_kick()'s; NULL: the CPU comes out by itself */
	const struct observer_cpu *debug; /* vcpudebug.h's; NULL: cannot be looked into */
	int (*sample)(void *ctx, struct hang_sample *sample); /* vcpusample_take()'s */
};

struct run {
	unsigned int cpu;
	struct kvm_run *kvm; /* what the last exit was */
	struct run_entry entry;
	struct machine *machine;
	struct control *control;
	struct console *console;   /* NULL: nobody has to wait for room */
	struct coalesce *coalesce; /* NULL: each write to a port is an exit */
	struct observer *observer; /* NULL: nobody looks on */
	struct hang_slot *slot;    /* NULL: nobody looks for hangs */
	uint64_t exits;            /* times the guest was left */
	unsigned int turned_away;  /* times in a row that KVM wanted to be entered again */
};

/* The entry that KVM gives. */
struct run_entry run_entry_kvm(struct vcpu *vcpu);

/* Runs until something ends it. The value is also given to control, where the first one wins. */
struct ending run_until_end(struct run *run);

#endif
