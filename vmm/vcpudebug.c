/* SPDX-License-Identifier: MIT */
#include "vmm/vcpudebug.h"

#include <errno.h>
#include <linux/kvm.h>

#include "vmm/base/must.h"
#include "vmm/vm.h"

enum {
	DR7_FIXED = 1 << 10, /* always one */
	VECTOR_BREAKPOINT = 3,
	CS_RPL = 3,
	INT3_BYTES = 1,
};

#define CR0_PG   (1ULL << 31)
#define CR4_LA57 (1ULL << 12)
#define EFER_LMA (1ULL << 10)

/* DR7: a global enable in bits 1, 3, 5, 7; types and lengths 0 are execution and one byte. */
static int set(const struct vcpu *vcpu, const uint64_t *address, size_t count, uint32_t also)
{
	struct kvm_guest_debug debug = { .control = also };

	must(count <= VCPUDEBUG_BREAKPOINTS);
	if (count || also)
		debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
	debug.arch.debugreg[7] = DR7_FIXED;
	for (size_t i = 0; i < count; i++) {
		debug.arch.debugreg[i] = address[i];
		debug.arch.debugreg[7] |= 2ULL << (2 * i);
	}
	return kvm_ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &debug);
}

int vcpudebug_set(const struct vcpu *vcpu, const uint64_t *address, size_t count)
{
	return set(vcpu, address, count, 0);
}

int vcpudebug_set_and_reinject(const struct vcpu *vcpu, const uint64_t *address, size_t count)
{
	return set(vcpu, address, count, KVM_GUESTDBG_INJECT_DB);
}

int vcpudebug_registers(const struct vcpu *vcpu, struct vcpu_registers *registers)
{
	struct kvm_mp_state state = { 0 };
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int rc = kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs);

	if (rc == 0)
		rc = kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	if (rc == 0)
		rc = kvm_ioctl(vcpu->fd, KVM_GET_MP_STATE, &state);
	if (rc < 0)
		return rc;
	*registers = (struct vcpu_registers){
		.rip = regs.rip,
		.rsp = regs.rsp,
		.rbp = regs.rbp,
		.rax = regs.rax,
		.rdi = regs.rdi,
		.rsi = regs.rsi,
		.cr3 = sregs.cr3,
		.paging = (sregs.cr0 & CR0_PG) && (sregs.efer & EFER_LMA),
		.five_levels = sregs.cr4 & CR4_LA57,
		.user = (sregs.cs.selector & CS_RPL) == CS_RPL,
		.halted = state.mp_state != KVM_MP_STATE_RUNNABLE,
	};
	return 0;
}

int vcpudebug_deliver_int3(const struct vcpu *vcpu)
{
	struct kvm_vcpu_events events;
	struct kvm_regs regs;
	int rc = kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs);

	if (rc == 0)
		rc = kvm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events);
	if (rc < 0)
		return rc;
	regs.rip += INT3_BYTES;
	events.exception.injected = 1;
	events.exception.nr = VECTOR_BREAKPOINT;
	events.exception.has_error_code = 0;
	rc = kvm_ioctl(vcpu->fd, KVM_SET_REGS, &regs);
	return rc < 0 ? rc : kvm_ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
}
