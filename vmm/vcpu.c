/* SPDX-License-Identifier: MIT */
#include "vmm/vcpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/le.h"

enum {
	RFLAGS_IF = 1 << 9,

	/* [SDM] "Local Vector Table": offsets into the APIC page, delivery modes in bits 8-10. */
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_DELIVERY_NMI = 4 << 8,
	APIC_DELIVERY_EXTINT = 7 << 8,

	MSR_IA32_MISC_ENABLE = 0x1a0,
	MISC_ENABLE_FAST_STRING = 1 << 0,
	MSR_MTRR_DEF_TYPE = 0x2ff,
	MTRR_ENABLE = 1 << 11,
	MTRR_WRITE_BACK = 6,

	FPU_CONTROL_WORD = 0x37f, /* after FNINIT */
	FPU_MXCSR = 0x1f80,       /* after reset */

	CPUS_WITHOUT_WORD = 4,
};

static int kick_signal(void)
{
	return SIGRTMIN;
}

static void on_kick(int signal)
{
	(void)signal; /* its arrival is all that is wanted: it makes KVM_RUN return */
}

void vcpu_init_kick(void)
{
	struct sigaction action = { .sa_handler = on_kick };
	sigset_t kick;

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(kick_signal(), &action, NULL);
	/* Whoever started us may have left it blocked; then nothing would get a vCPU out. */
	(void)sigemptyset(&kick);
	(void)sigaddset(&kick, kick_signal());
	(void)pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
}

static void finish(struct vcpu *vcpu)
{
	if (vcpu->run)
		(void)munmap(vcpu->run, vcpu->run_bytes);
	if (vcpu->fd >= 0)
		(void)close(vcpu->fd);
	vcpu->run = NULL;
	vcpu->fd = -1;
}

void vcpus_finish(struct vcpu *vcpus, unsigned int count)
{
	for (unsigned int cpu = 0; cpu < count; cpu++)
		finish(&vcpus[cpu]);
}

static int create(struct vcpu *vcpu, const struct vm *vm, unsigned int cpu, size_t run_bytes,
		  struct err *e)
{
	vcpu->fd = kvm_ioctl_value(vm->vm_fd, KVM_CREATE_VCPU, cpu);
	if (vcpu->fd < 0)
		return err_sys(e, -vcpu->fd, "KVM cannot create the vCPU of CPU %u", cpu);
	vcpu->run_bytes = run_bytes;
	vcpu->run = mmap(NULL, run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		vcpu->run = NULL;
		return err_sys(e, errno, "the shared page of CPU %u cannot be mapped", cpu);
	}
	return 0;
}

static int set_msrs(struct vcpu *vcpu, struct err *e)
{
	/* What firmware leaves: string instructions fast, all memory cached unless said otherwise.
	 */
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[2];
	} msrs = {
		.head.nmsrs = 2,
		.entry[0] = { .index = MSR_IA32_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRING },
		.entry[1] = { .index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLE | MTRR_WRITE_BACK },
	};
	int done = kvm_ioctl(vcpu->fd, KVM_SET_MSRS, &msrs);

	if (done < 0)
		return err_sys(e, -done, "KVM refuses the vCPU's MSRs");
	if (done != 2)
		return err_set(e, EINVAL, "KVM refuses MSR %#x",
			       (unsigned int)msrs.entry[done].index);
	return 0;
}

/*
 * The virtual wire that firmware leaves behind on the CPU that boots: the PIC's interrupts come in
 * at LINT0, NMIs at LINT1. [MP] "Virtual Wire Mode". The others' would not outlive the INIT that
 * starts them, which masks every entry. [SDM] "Local APIC State After It Receives an INIT-Deassert
 * IPI".
 */
static int set_local_apic(struct vcpu *vcpu, struct err *e)
{
	struct kvm_lapic_state apic;
	int rc = kvm_ioctl(vcpu->fd, KVM_GET_LAPIC, &apic);

	if (rc == 0) {
		put_le32(apic.regs + APIC_LVT_LINT0, APIC_DELIVERY_EXTINT);
		put_le32(apic.regs + APIC_LVT_LINT1, APIC_DELIVERY_NMI);
		rc = kvm_ioctl(vcpu->fd, KVM_SET_LAPIC, &apic);
	}
	return rc < 0 ? err_sys(e, -rc, "the vCPU's local APIC cannot be set up") : 0;
}

/* MSRs and FPU are what no INIT changes, so that they are set for those that wait for one too. */
static int set_up(struct vcpu *vcpu, unsigned int cpu, struct kvm_cpuid2 *cpuid,
		  const struct cpu_model *model, struct err *e)
{
	struct kvm_fpu fpu = { .fcw = FPU_CONTROL_WORD, .mxcsr = FPU_MXCSR };
	int rc;

	if (cpu == 0 && !model->no_rates)
		vcpu->rates_unknown = !cpuid_set_rates(cpuid, vcpu->fd);
	rc = cpuid_apply(cpuid, vcpu->fd, cpu, e);
	if (rc == 0)
		rc = set_msrs(vcpu, e);
	if (rc == 0) {
		rc = kvm_ioctl(vcpu->fd, KVM_SET_FPU, &fpu);
		if (rc < 0)
			rc = err_sys(e, -rc, "KVM refuses the vCPU's FPU state");
	}
	if (rc == 0 && cpu == 0)
		rc = set_local_apic(vcpu, e);
	return rc;
}

/* [KVM] KVM_CAP_NR_VCPUS: what to take for the greatest number where KVM does not tell. */
static unsigned int cpus_possible(const struct vm *vm)
{
	int max = kvm_capability(vm->kvm_fd, KVM_CAP_MAX_VCPUS);

	if (max <= 0)
		max = kvm_capability(vm->kvm_fd, KVM_CAP_NR_VCPUS);
	return max > 0 ? (unsigned int)max : CPUS_WITHOUT_WORD;
}

int vcpus_init(struct vcpu *vcpus, unsigned int count, const struct vm *vm,
	       const struct cpu_model *model, struct kvm_cpuid2 *cpuid, struct err *e)
{
	int run_bytes = kvm_ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	unsigned int possible = count > 1 ? cpus_possible(vm) : 1;
	int rc;

	for (unsigned int cpu = 0; cpu < count; cpu++)
		vcpus[cpu] = (struct vcpu){ .fd = -1 };
	if (run_bytes < 0)
		return err_sys(e, -run_bytes, "KVM does not tell the size of a vCPU's page");
	if (count > possible)
		return err_set(e, ENOTSUP,
			       "-smp: %u CPUs were asked for; this host's KVM gives a guest %u at "
			       "most",
			       count, possible);
	rc = cpuid_build(cpuid, vm, model, count, e);
	for (unsigned int cpu = 0; rc == 0 && cpu < count; cpu++) {
		rc = create(&vcpus[cpu], vm, cpu, (size_t)run_bytes, e);
		if (rc == 0)
			rc = set_up(&vcpus[cpu], cpu, cpuid, model, e);
	}
	if (rc < 0)
		vcpus_finish(vcpus, count);
	return rc;
}

static struct kvm_segment segment_of(const struct entry_segment *from)
{
	return (struct kvm_segment){
		.base = from->base,
		.limit = from->limit,
		.selector = from->selector,
		.type = from->type,
		.present = from->present,
		.dpl = from->dpl,
		.db = from->db,
		.s = from->s,
		.l = from->l,
		.g = from->g,
	};
}

int vcpu_set_entry(struct vcpu *vcpu, const struct entry_state *state, struct err *e)
{
	struct kvm_regs regs = {
		.rip = state->rip,
		.rbx = state->rbx,
		.rsi = state->rsi,
		.rsp = state->rsp,
		.rflags = state->rflags,
	};
	struct kvm_sregs sregs;
	int rc = kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs);

	if (rc < 0)
		return err_sys(e, -rc, "the vCPU's system registers cannot be read");
	sregs.cs = segment_of(&state->cs);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = segment_of(&state->ds);
	sregs.tr = segment_of(&state->tr);
	sregs.gdt.base = state->gdt_gpa;
	sregs.gdt.limit = state->gdt_limit;
	sregs.idt.base = 0;
	sregs.idt.limit = 0;
	sregs.cr0 = state->cr0;
	sregs.cr3 = state->cr3;
	sregs.cr4 = state->cr4;
	sregs.efer = state->efer;
	rc = kvm_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	if (rc == 0)
		rc = kvm_ioctl(vcpu->fd, KVM_SET_REGS, &regs);
	return rc < 0 ? err_sys(e, -rc, "KVM refuses the registers of the entry point") : 0;
}

int vcpu_enter(struct vcpu *vcpu)
{
	return ioctl(vcpu->fd, KVM_RUN, NULL) < 0 ? -errno : 0;
}

static _Thread_local pid_t this_tid; /* of a vCPU's thread, which is outside when it kicks itself */

/*
 * immediate_exit covers a signal that arrives before KVM_RUN is entered, or before there is a
 * thread; the signal covers a vCPU that is inside. [KVM] KVM_RUN, immediate_exit. A thread's number
 * may be another's by the time that the signal is sent; it is of this process and does not mind.
 */
void vcpu_kick(struct vcpu *vcpu)
{
	pid_t tid;

	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	tid = __atomic_load_n(&vcpu->tid, __ATOMIC_SEQ_CST);
	if (tid && tid != this_tid)
		(void)tgkill(getpid(), tid, kick_signal());
}

void vcpu_kick_here(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

void vcpu_unkick(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
}

void vcpu_begin(struct vcpu *vcpu)
{
	this_tid = gettid();
	__atomic_store_n(&vcpu->tid, this_tid, __ATOMIC_SEQ_CST);
}

void vcpu_end(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->tid, 0, __ATOMIC_SEQ_CST);
}

uint64_t vcpu_cpu_ns(const struct vcpu *vcpu)
{
	struct timespec ts = { 0 };
	clockid_t clock;

	if (pthread_getcpuclockid(vcpu->thread, &clock) == 0)
		(void)clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

uint64_t vcpu_rip(const struct vcpu *vcpu)
{
	struct kvm_regs regs;

	return kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0 ? 0 : regs.rip;
}

/*
 * [KVM] KVM_GET_MP_STATE takes INIT, start-up IPIs and a paravirtual kick into account that arrived
 * while the vCPU was outside, KVM_GET_VCPU_EVENTS an NMI or an SMI.
 */
bool vcpu_halted_for_good(const struct vcpu *vcpu)
{
	struct kvm_mp_state state;
	struct kvm_vcpu_events events;
	struct kvm_regs regs;

	if (kvm_ioctl(vcpu->fd, KVM_GET_MP_STATE, &state) < 0)
		return false;
	if (state.mp_state == KVM_MP_STATE_UNINITIALIZED ||
	    state.mp_state == KVM_MP_STATE_INIT_RECEIVED)
		return true; /* where nothing but INIT and a start-up IPI count */
	return state.mp_state == KVM_MP_STATE_HALTED &&
	       kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs) == 0 && !(regs.rflags & RFLAGS_IF) &&
	       kvm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events) == 0 && !events.nmi.pending &&
	       !events.smi.pending;
}
