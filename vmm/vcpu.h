/* SPDX-License-Identifier: MIT */
/*
 * One virtual CPU: created, given CPUID, MSRs, FPU, local APIC and the registers of a boot
 * protocol's entry; entered, kicked out, asked where it is.
 *
 * Authority: [KVM] "vcpu ioctls".
 */
#ifndef TVMM_VCPU_H
#define TVMM_VCPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/entry.h"
#include "vmm/base/err.h"
#include "vmm/cpuid.h"
#include "vmm/vm.h"

struct kvm_run;

struct vcpu {
	int fd;
	struct kvm_run *run; /* shared with KVM */
	size_t run_bytes;
	pthread_t thread; /* the one inside vcpu_enter(); valid while `entered` is true */
	bool entered;
};

/*
 * Once per process, before the vCPU's thread is made: installs the handler of the kick signal, and
 * unblocks it in this thread and those it makes.
 */
void vcpu_init_kick(void);

/* Creates vCPU 0 of the VM. 0, or -errno with *e filled and nothing to finish. */
int vcpu_init(struct vcpu *vcpu, const struct vm *vm, struct err *e);

/* CPUID as the host's KVM supports it, changed as cpu asks; MSRs, FPU and local APIC. */
int vcpu_setup(struct vcpu *vcpu, const struct vm *vm, const struct cpu_model *cpu, struct err *e);

/* Loads the registers of a kernel's entry point. */
int vcpu_set_entry(struct vcpu *vcpu, const struct entry_state *state, struct err *e);

/*
 * KVM_RUN. Returns 0 when vcpu->run tells an exit, -EINTR when the vCPU was kicked, another
 * -errno when KVM could not run it.
 */
int vcpu_enter(struct vcpu *vcpu);

/*
 * Makes the current or next vcpu_enter() return -EINTR, from any thread. The vCPU's own thread
 * takes it back with vcpu_unkick() before it looks at what was asked of it.
 */
void vcpu_kick(struct vcpu *vcpu);
void vcpu_unkick(struct vcpu *vcpu);

/* Guest RIP, or 0 if KVM does not tell. Only from the vCPU's own thread, or after its end. */
uint64_t vcpu_rip(const struct vcpu *vcpu);

/* Halted with interrupts off: nothing but an NMI or a reset can wake it. */
bool vcpu_halted_for_good(const struct vcpu *vcpu);

void vcpu_finish(struct vcpu *vcpu);

#endif
