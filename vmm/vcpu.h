/* SPDX-License-Identifier: MIT */
/*
 * Virtual CPUs: created, given CPUID, MSRs, FPU and local APIC; the first one also the registers of
 * a boot protocol's entry. Entered, kicked out, asked where they are.
 *
 * CPU 0 starts by itself. The others wait inside KVM_RUN, as those of a PC that has just been
 * switched on, until the guest sends them INIT and a start-up IPI.
 *
 * Authority: [KVM] "vcpu ioctls"; [SDM] "Multiple-Processor (MP) Initialization".
 */
#ifndef TVMM_VCPU_H
#define TVMM_VCPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "boot/entry.h"
#include "vmm/base/err.h"
#include "vmm/cpuid.h"
#include "vmm/vm.h"

struct kvm_run;

struct vcpu {
	int fd;
	struct kvm_run *run; /* shared with KVM */
	size_t run_bytes;
	bool rates_unknown; /* CPUID should have told the TSC's and the CPU's, and does not */
	pthread_t thread;   /* to be waited for, by the one that made it */
	pid_t tid;          /* atomic: the thread between vcpu_begin() and vcpu_end(); else 0 */
};

/*
 * Once per process, before the vCPUs' threads are made: installs the handler of the kick signal,
 * and unblocks it in this thread and those it makes.
 */
void vcpu_init_kick(void);

/*
 * Creates vCPUs 0 to count - 1 of the VM, with CPUID as the host's KVM supports it (from cpuid_ask(); it is
 * changed as model asks, and stays the caller's); MSRs and FPU; the local APIC. 0, or -errno with *e filled
 * and nothing to finish.
 */
int vcpus_init(struct vcpu *vcpus, unsigned int count, const struct vm *vm,
	       const struct cpu_model *model, struct kvm_cpuid2 *cpuid, struct err *e);
void vcpus_finish(struct vcpu *vcpus, unsigned int count);

/* Loads the registers of a kernel's entry point. */
int vcpu_set_entry(struct vcpu *vcpu, const struct entry_state *state, struct err *e);

/* The calling thread is the vCPU's from here on, or is so no longer. */
void vcpu_begin(struct vcpu *vcpu);
void vcpu_end(struct vcpu *vcpu);

/*
 * KVM_RUN. Returns 0 when vcpu->run tells an exit, -EINTR when the vCPU was kicked, -EAGAIN when it
 * should be entered again, another -errno when KVM could not run it.
 */
int vcpu_enter(struct vcpu *vcpu);

/*
 * Makes the current or next vcpu_enter() return -EINTR, from any thread. The vCPU's own thread
 * takes it back with vcpu_unkick() before it looks at what was asked of it.
 */
void vcpu_kick(struct vcpu *vcpu);
void vcpu_unkick(struct vcpu *vcpu);

/* The same from a signal handler on the vCPU's own thread: the signal is what gets it out. */
void vcpu_kick_here(struct vcpu *vcpu);

/* Nanoseconds of CPU time that vcpu->thread has used, the guest's included. */
uint64_t vcpu_cpu_ns(const struct vcpu *vcpu);

/* Guest RIP, or 0 if KVM does not tell. Only while the vCPU is out of the guest. */
uint64_t vcpu_rip(const struct vcpu *vcpu);

/*
 * Halted with interrupts off, or waiting to be started: nothing but another CPU, an NMI or a reset
 * can wake it, and none of them has. Only while the vCPU is out of the guest.
 */
bool vcpu_halted_for_good(const struct vcpu *vcpu);

#endif
