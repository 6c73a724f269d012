/* SPDX-License-Identifier: MIT */
#include "vmm/vcpusample.h"

#include <linux/kvm.h>

#include "vmm/base/le.h"

enum {
	RFLAGS_IF = 1 << 9,
	CS_RPL = 3,

	APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_LVT_MASKED = 1 << 16,
	APIC_TIMER_MODE_SHIFT = 17, /* two bits */
	APIC_TIMER_ONE_SHOT = 0,
	APIC_TIMER_PERIODIC = 1,
	APIC_TIMER_DEADLINE = 2,
	MSR_IA32_TSC_DEADLINE = 0x6e0,

	PIC_IMR_IRQ0 = 1 << 0,
	PIT_COUNTING_MODE_MAX = 4, /* KVM counts in no other; 0xff: never programmed */
	IO_APIC_PIT_PIN = 0,       /* KVM's routing has it there, others' at 2 */
	IO_APIC_PIT_PIN_AT = 2,
};

static bool deadline_armed(const struct vcpu *vcpu)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = { .head.nmsrs = 1, .entry.index = MSR_IA32_TSC_DEADLINE };

	return kvm_ioctl(vcpu->fd, KVM_GET_MSRS, &msr) == 1 && msr.entry.data != 0;
}

static bool timer_armed(const struct vcpu *vcpu, const struct kvm_lapic_state *apic)
{
	const char *regs = apic->regs;
	uint32_t lvt = get_le32(regs + APIC_LVT_TIMER);

	if (lvt & APIC_LVT_MASKED)
		return false;
	switch (lvt >> APIC_TIMER_MODE_SHIFT & 3) {
	case APIC_TIMER_ONE_SHOT:
		return get_le32(regs + APIC_TIMER_CURRENT) != 0;
	case APIC_TIMER_PERIODIC:
		return get_le32(regs + APIC_TIMER_INITIAL) != 0;
	case APIC_TIMER_DEADLINE:
		return deadline_armed(vcpu);
	default:
		return false;
	}
}

static int take_halted(const struct vcpu *vcpu, struct hang_sample *sample)
{
	struct kvm_lapic_state apic;
	int rc = kvm_ioctl(vcpu->fd, KVM_GET_LAPIC, &apic);

	if (rc < 0)
		return rc;
	sample->timer = timer_armed(vcpu, &apic);
	sample->pic = !(get_le32(apic.regs + APIC_LVT_LINT0) & APIC_LVT_MASKED);
	return 0;
}

static int take_running(const struct vcpu *vcpu, struct hang_sample *sample)
{
	struct kvm_sregs sregs;
	int rc = kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs);

	sample->user = rc == 0 && (sregs.cs.selector & CS_RPL) == CS_RPL;
	return rc;
}

static enum hang_state state_of(uint32_t mp_state, uint64_t rflags)
{
	switch (mp_state) {
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
		return HANG_UNSTARTED;
	case KVM_MP_STATE_HALTED:
		return rflags & RFLAGS_IF ? HANG_HALTED : HANG_HALTED_OFF;
	default:
		return HANG_RUNS;
	}
}

int vcpusample_take(const struct vcpu *vcpu, struct hang_sample *sample)
{
	struct kvm_mp_state state;
	struct kvm_regs regs;
	int rc = kvm_ioctl(vcpu->fd, KVM_GET_MP_STATE, &state);

	if (rc == 0)
		rc = kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	if (rc < 0)
		return rc;
	*sample = (struct hang_sample){
		.state = state_of(state.mp_state, regs.rflags),
		.rip = regs.rip,
	};
	if (sample->state == HANG_RUNS)
		return take_running(vcpu, sample);
	return sample->state == HANG_HALTED ? take_halted(vcpu, sample) : 0;
}

/* ---- the PIT --------------------------------------------------------------------------------- */

static bool pit_counts(const struct vm *vm)
{
	struct kvm_pit_state2 pit;

	return kvm_ioctl(vm->vm_fd, KVM_GET_PIT2, &pit) < 0 ||
	       pit.channels[0].mode <= PIT_COUNTING_MODE_MAX;
}

static bool passes_pic(const struct vm *vm)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_MASTER };

	return kvm_ioctl(vm->vm_fd, KVM_GET_IRQCHIP, &chip) < 0 ||
	       !(chip.chip.pic.imr & PIC_IMR_IRQ0);
}

static bool passes_io_apic(const struct vm *vm)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	return kvm_ioctl(vm->vm_fd, KVM_GET_IRQCHIP, &chip) < 0 ||
	       !chip.chip.ioapic.redirtbl[IO_APIC_PIT_PIN].fields.mask ||
	       !chip.chip.ioapic.redirtbl[IO_APIC_PIT_PIN_AT].fields.mask;
}

void vcpusample_pit(const struct vm *vm, struct hang_board *board)
{
	bool counts = pit_counts(vm);

	board->pit_by_pic = counts && passes_pic(vm);
	board->pit_by_io_apic = counts && passes_io_apic(vm);
}
