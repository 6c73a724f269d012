/* SPDX-License-Identifier: MIT */
/*
 * A vCPU under a debugger's eyes: execution breakpoints in its debug registers, its registers, an
 * int3 that KVM could not do. All of it on the vCPU's own thread, while it is out of the guest.
 *
 * While breakpoints are set, the guest's own writes to its debug registers are kept but do nothing,
 * and its debug exceptions come here first. Authority: [KVM] KVM_SET_GUEST_DEBUG, KVM_EXIT_DEBUG,
 * KVM_SET_VCPU_EVENTS; [SDM] "Debug Registers".
 */
#ifndef TVMM_VCPUDEBUG_H
#define TVMM_VCPUDEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/vcpu.h"

enum { VCPUDEBUG_BREAKPOINTS = 4 }; /* DR0 to DR3 */

/* What is asked for when a CPU stands still. */
struct vcpu_registers {
	uint64_t rip, rsp, rbp, rax, rdi, rsi;
	uint64_t cr3;
	bool paging, five_levels; /* in long mode; CR4.LA57 */
	bool user;                /* CPL 3 */
	bool halted;              /* KVM has it wait, for an interrupt or for its start */
};

/*
 * Execution breakpoints at count linear addresses, in place of those before; 0: none. An address
 * fires before its instruction is executed, and again at each entry until it is taken out. Returns
 * 0 or -errno.
 */
int vcpudebug_set(const struct vcpu *vcpu, const uint64_t *address, size_t count);

/* The same, and hands the debug exception that just came out to the guest, whose own it is. */
int vcpudebug_set_and_reinject(const struct vcpu *vcpu, const uint64_t *address, size_t count);

int vcpudebug_registers(const struct vcpu *vcpu, struct vcpu_registers *registers);

/*
 * The CPU stands at an int3 that KVM cannot emulate: does what the hardware does, a breakpoint
 * exception with RIP behind the byte. [SDM] "INT n/INTO/INT3/INT1".
 */
int vcpudebug_deliver_int3(const struct vcpu *vcpu);

#endif
