/* SPDX-License-Identifier: MIT */
#include "vmm/vcpustate.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "vmm/base/le.h"
#include "vmm/vm.h"

#define CR0_PE           (1ULL << 0)
#define CR0_PG           (1ULL << 31)
#define EFER_LMA         (1ULL << 10)
#define RFLAGS_VM        (1ULL << 17)
#define APIC_BASE_X2APIC (1ULL << 10)
#define APIC_BASE_ENABLE (1ULL << 11)

enum { CS_RPL = 3, MSR_TSC = 0x10, MSR_TSC_DEADLINE = 0x6e0 };

/* Offsets of the local APIC's registers, and what is in them. */
enum {
	APIC_ID = 0x20,
	APIC_TPR = 0x80,
	APIC_SPURIOUS = 0xf0,
	APIC_ISR = 0x100,
	APIC_IRR = 0x200,
	APIC_LVT_TIMER = 0x320,
	APIC_INITIAL_COUNT = 0x380,
	APIC_CURRENT_COUNT = 0x390,
	SPURIOUS_ENABLE = 1 << 8,
	LVT_MASKED = 1 << 16,
	LVT_TIMER_MODE_SHIFT = 17,
	XAPIC_ID_SHIFT = 24,
	VECTORS = 256,
	VECTORS_IN_REGISTER = 32,
	REGISTER_STRIDE = 16,
};

/* ---- registers ------------------------------------------------------------------------------- */

static struct autopsy_segment segment_of(const struct kvm_segment *from)
{
	return (struct autopsy_segment){
		.selector = from->selector,
		.base = from->base,
		.limit = from->limit,
		.long_code = from->l,
	};
}

static void take_general(struct autopsy_registers *to, const struct kvm_regs *from)
{
	to->rax = from->rax;
	to->rbx = from->rbx;
	to->rcx = from->rcx;
	to->rdx = from->rdx;
	to->rsi = from->rsi;
	to->rdi = from->rdi;
	to->rbp = from->rbp;
	to->rsp = from->rsp;
	to->r8 = from->r8;
	to->r9 = from->r9;
	to->r10 = from->r10;
	to->r11 = from->r11;
	to->r12 = from->r12;
	to->r13 = from->r13;
	to->r14 = from->r14;
	to->r15 = from->r15;
	to->rip = from->rip;
	to->rflags = from->rflags;
}

static void take_system(struct autopsy_registers *to, const struct kvm_sregs *from)
{
	to->cr0 = from->cr0;
	to->cr2 = from->cr2;
	to->cr3 = from->cr3;
	to->cr4 = from->cr4;
	to->cr8 = from->cr8;
	to->efer = from->efer;
	to->cs = segment_of(&from->cs);
	to->ss = segment_of(&from->ss);
	to->ds = segment_of(&from->ds);
	to->es = segment_of(&from->es);
	to->fs = segment_of(&from->fs);
	to->gs = segment_of(&from->gs);
	to->tr = segment_of(&from->tr);
	to->gdt_base = from->gdt.base;
	to->gdt_limit = from->gdt.limit;
	to->idt_base = from->idt.base;
	to->idt_limit = from->idt.limit;
}

/* [SDM] "Modes of Operation". */
static enum autopsy_mode mode_of(const struct autopsy_registers *r)
{
	if (!(r->cr0 & CR0_PE))
		return AUTOPSY_REAL;
	if (r->efer & EFER_LMA)
		return r->cs.long_code ? AUTOPSY_LONG : AUTOPSY_COMPATIBILITY;
	if (r->rflags & RFLAGS_VM)
		return AUTOPSY_VIRTUAL_8086;
	return r->cr0 & CR0_PG ? AUTOPSY_PAGED : AUTOPSY_PROTECTED;
}

static unsigned int cpl_of(const struct autopsy_cpu *cpu)
{
	switch (cpu->mode) {
	case AUTOPSY_REAL:
		return 0;
	case AUTOPSY_VIRTUAL_8086:
		return CS_RPL;
	default:
		return cpu->registers.cs.selector & CS_RPL;
	}
}

static enum autopsy_state state_of(const struct vcpu *vcpu)
{
	struct kvm_mp_state state;

	if (kvm_ioctl(vcpu->fd, KVM_GET_MP_STATE, &state) < 0)
		return AUTOPSY_STATE_UNKNOWN;
	switch (state.mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		return AUTOPSY_RUNNABLE;
	case KVM_MP_STATE_UNINITIALIZED:
		return AUTOPSY_NOT_STARTED;
	case KVM_MP_STATE_INIT_RECEIVED:
		return AUTOPSY_INIT_RECEIVED;
	case KVM_MP_STATE_HALTED:
		return AUTOPSY_HALTED;
	case KVM_MP_STATE_SIPI_RECEIVED:
		return AUTOPSY_SIPI_RECEIVED;
	default:
		return AUTOPSY_STATE_UNKNOWN;
	}
}

static void read_events(const struct vcpu *vcpu, struct autopsy_cpu *cpu)
{
	struct kvm_vcpu_events events;

	cpu->events_known = kvm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events) == 0;
	if (!cpu->events_known)
		return;
	cpu->events = (struct autopsy_events){
		.exception_injected = events.exception.injected,
		.exception_pending = events.exception.pending,
		.exception = events.exception.nr,
		.has_error_code = events.exception.has_error_code,
		.error_code = events.exception.error_code,
		.interrupt_injected = events.interrupt.injected,
		.interrupt = events.interrupt.nr,
		.shadow = events.interrupt.shadow,
		.nmi_injected = events.nmi.injected,
		.nmi_pending = events.nmi.pending,
		.nmi_masked = events.nmi.masked,
		.in_smm = events.smi.smm,
		.smi_pending = events.smi.pending,
	};
}

/* ---- local APIC ------------------------------------------------------------------------------ */

static uint32_t apic_register(const struct kvm_lapic_state *apic, size_t offset)
{
	return get_le32((const uint8_t *)apic->regs + offset);
}

/* The highest of 256 bits, which stand 32 to a register; -1: none is set. */
static int highest_vector(const struct kvm_lapic_state *apic, size_t offset)
{
	for (int first = VECTORS - VECTORS_IN_REGISTER; first >= 0; first -= VECTORS_IN_REGISTER) {
		size_t at = (size_t)first / VECTORS_IN_REGISTER * REGISTER_STRIDE;
		uint32_t bits = apic_register(apic, offset + at);

		if (bits)
			return first + VECTORS_IN_REGISTER - 1 - __builtin_clz(bits);
	}
	return -1;
}

/* What the timer compares: neither is among the APIC's own registers. */
static void read_deadline(const struct vcpu *vcpu, struct autopsy_lapic *lapic)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[2];
	} msrs = {
		.head.nmsrs = 2,
		.entry = { { .index = MSR_TSC_DEADLINE }, { .index = MSR_TSC } },
	};
	int khz = kvm_ioctl(vcpu->fd, KVM_GET_TSC_KHZ, NULL);

	if (kvm_ioctl(vcpu->fd, KVM_GET_MSRS, &msrs) != 2)
		return;
	lapic->deadline = msrs.entry[0].data;
	lapic->tsc = msrs.entry[1].data;
	lapic->tsc_khz = khz > 0 ? (uint32_t)khz : 0;
}

static void read_lapic(const struct vcpu *vcpu, uint64_t apic_base, struct autopsy_lapic *lapic)
{
	struct kvm_lapic_state apic;
	uint32_t lvt;

	*lapic = (struct autopsy_lapic){ 0 };
	if (kvm_ioctl(vcpu->fd, KVM_GET_LAPIC, &apic) < 0)
		return;
	lvt = apic_register(&apic, APIC_LVT_TIMER);
	*lapic = (struct autopsy_lapic){
		.known = true,
		.enabled = (apic_base & APIC_BASE_ENABLE) &&
			   (apic_register(&apic, APIC_SPURIOUS) & SPURIOUS_ENABLE),
		.x2apic = apic_base & APIC_BASE_X2APIC,
		.id = apic_register(&apic, APIC_ID),
		.tpr = (uint8_t)apic_register(&apic, APIC_TPR),
		.irr = highest_vector(&apic, APIC_IRR),
		.isr = highest_vector(&apic, APIC_ISR),
		.timer = (enum autopsy_timer)(lvt >> LVT_TIMER_MODE_SHIFT & 3),
		.timer_vector = (uint8_t)lvt,
		.timer_masked = lvt & LVT_MASKED,
		.initial_count = apic_register(&apic, APIC_INITIAL_COUNT),
		.current_count = apic_register(&apic, APIC_CURRENT_COUNT),
	};
	if (!lapic->x2apic)
		lapic->id >>= XAPIC_ID_SHIFT;
	if (lapic->timer == AUTOPSY_TSC_DEADLINE)
		read_deadline(vcpu, lapic);
}

void vcpustate_read(const struct vcpu *vcpu, struct autopsy_cpu *cpu)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	cpu->state = state_of(vcpu);
	read_events(vcpu, cpu);
	cpu->known = kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs) == 0 &&
		     kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) == 0;
	if (!cpu->known)
		return;
	take_general(&cpu->registers, &regs);
	take_system(&cpu->registers, &sregs);
	cpu->mode = mode_of(&cpu->registers);
	cpu->cpl = cpl_of(cpu);
	read_lapic(vcpu, sregs.apic_base, &cpu->lapic);
}
