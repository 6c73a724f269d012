/* SPDX-License-Identifier: MIT */
/*
 * The part of the probe that talks to KVM: capabilities, and the guest's checks.
 *
 * One VM and one vCPU serve all checks, because taking down a VM costs as much as all of them
 * together. Between two checks the vCPU gets back the state that it had before the first, and the
 * guest's memory is written anew, so that no check sees what another did.
 */
#include "vmm/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/entry.h"
#include "boot/gdt.h"
#include "vmm/base/clock.h"
#include "vmm/base/le.h"
#include "vmm/base/must.h"
#include "vmm/control.h"
#include "vmm/machine.h"
#include "vmm/probe_guest.h"
#include "vmm/run.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"

enum {
	PTE_PRESENT = 1 << 0,
	PTE_WRITE = 1 << 1,
	PTE_USER = 1 << 2,
	PTE_UNCACHED = 1 << 3 | 1 << 4,
	PTE_LARGE = 1 << 7,
	PTE_BYTES = 8,
	TABLE_BYTES = 0x1000,

	GATE_INTERRUPT = 0xe,
	GATE_PRESENT = 0x80,
	GATE_BYTES = 16,

	TSS_RSP0 = 4,
	TSS_IO_MAP = 102,

	VECTOR_PAGE_FAULT = 14,

	DR7_LOCAL_0 = 1 << 0,
	DR7_FIXED = 1 << 10, /* always one */
};

/* What is asked, and what a yes or a number means to who runs guests here. */
static const struct {
	int number;
	const char *name;
	enum probe_kind kind;
	const char *meaning;
} capabilities[] = {
#define CAP(name) KVM_CAP_##name, "KVM_CAP_" #name
	{ CAP(USER_MEMORY), PROBE_NEEDED, "guests get their memory from tvmm" },
	{ CAP(IRQCHIP), PROBE_NEEDED, "KVM itself is the guest's interrupt controllers" },
	{ CAP(PIT2), PROBE_NEEDED, "KVM itself is the guest's PC timer" },
	{ CAP(EXT_CPUID), PROBE_NEEDED, "tvmm chooses the CPU that a guest sees" },
	{ CAP(MP_STATE), PROBE_NEEDED, "a guest that halted for good is found and ended" },
	{ CAP(IMMEDIATE_EXIT), PROBE_NEEDED, "timeouts and keys reach every guest" },
	{ CAP(TSC_DEADLINE_TIMER), PROBE_YES_NO,
	  "kernels do not calibrate a timer: 0.1 to 0.2 s less of boot" },
	{ CAP(GET_TSC_KHZ), PROBE_YES_NO, "KVM tells the rate of the guest's TSC" },
	{ CAP(TSC_CONTROL), PROBE_YES_NO, "a guest's TSC can run at another rate than the host's" },
	{ CAP(SET_GUEST_DEBUG), PROBE_YES_NO,
	  "breakpoints can be set; whether they fire is tried below" },
	{ CAP(EXIT_ON_EMULATION_FAILURE), PROBE_YES_NO,
	  "an instruction that KVM cannot do can end the run, and be named" },
	{ CAP(SPLIT_IRQCHIP), PROBE_YES_NO, "KVM can keep the local APICs and leave the rest" },
	{ CAP(READONLY_MEM), PROBE_YES_NO, "guest memory can be read-only" },
	{ CAP(COALESCED_PIO), PROBE_YES_NO, "many writes to a port can cost one exit" },
	{ CAP(BINARY_STATS_FD), PROBE_YES_NO, "KVM's own counts of a guest's exits can be read" },
	{ CAP(SYNC_REGS), PROBE_NUMBER, "sets of registers (bits) that can come with an exit" },
	{ CAP(DIRTY_LOG_RING), PROBE_NUMBER,
	  "bytes of the list of changed pages that snapshots can use" },
	{ CAP(NR_VCPUS), PROBE_NUMBER, "CPUs in one guest that KVM recommends at most" },
	{ CAP(MAX_VCPUS), PROBE_NUMBER, "CPUs in one guest that KVM allows at most" },
#undef CAP
};

#define CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

_Static_assert(CAPABILITIES <= PROBE_CAPABILITIES_MAX, "struct probe_result has room for all");

static const uint8_t *const entries[PROBE_CHECKS] = {
	[PROBE_LONG_MODE] = probe_guest_long_mode, [PROBE_FPU] = probe_guest_fpu,
	[PROBE_USER_MODE] = probe_guest_user_mode, [PROBE_SYSCALL] = probe_guest_syscall,
	[PROBE_TIMER] = probe_guest_timer,         [PROBE_BREAKPOINT] = probe_guest_breakpoint,
};

/* All of a vCPU that a check may change, except what vcpu_set_entry() sets. */
struct vcpu_state {
	struct kvm_mp_state mp_state;
	struct kvm_sregs sregs;
	struct kvm_fpu fpu;
	struct kvm_lapic_state apic;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
};

struct probing {
	struct vm vm;
	struct vcpu vcpu;
	struct vcpu_state fresh;
};

static int transfer_state(int vcpu_fd, struct vcpu_state *state, bool set, struct err *e)
{
	const struct {
		unsigned long get, set;
		void *part;
		const char *name;
	} parts[] = {
		{ KVM_GET_MP_STATE, KVM_SET_MP_STATE, &state->mp_state, "run state" },
		{ KVM_GET_SREGS, KVM_SET_SREGS, &state->sregs, "system registers" },
		{ KVM_GET_FPU, KVM_SET_FPU, &state->fpu, "FPU" },
		{ KVM_GET_LAPIC, KVM_SET_LAPIC, &state->apic, "local APIC" },
		{ KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, &state->debugregs, "debug registers" },
		{ KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, &state->events, "pending events" },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int rc = kvm_ioctl(vcpu_fd, set ? parts[i].set : parts[i].get, parts[i].part);

		if (rc < 0)
			return err_sys(e, -rc, "the vCPU's %s cannot be %s", parts[i].name,
				       set ? "set" : "read");
	}
	return 0;
}

static uint64_t gpa_of(const uint8_t *label)
{
	return PROBE_CODE_GPA + ((uintptr_t)label - (uintptr_t)probe_guest_start);
}

static uint8_t *memory_at(const struct probing *p, uint64_t gpa, uint64_t size_bytes)
{
	uint8_t *at = guest_memory_at(&p->vm.memory, gpa, size_bytes);

	must(at != NULL);
	return at;
}

static struct entry_segment task_segment(void)
{
	struct entry_segment segment = gdt_tss;

	segment.base = PROBE_TSS_GPA;
	return segment;
}

/* The boot GDT with a TSS that is there, and with segments for user mode. */
static void place_gdt(uint8_t *at)
{
	struct entry_segment task = task_segment();
	struct entry_segment code = gdt_boot_cs, data = gdt_boot_ds;

	code.dpl = data.dpl = 3;
	gdt_build(at);
	put_le64(at + GDT_TSS, gdt_encode(&task));
	put_le64(at + (PROBE_USER_DS & ~7), gdt_encode(&data));
	put_le64(at + (PROBE_USER_CS & ~7), gdt_encode(&code));
}

/* Where interrupts out of user mode find a stack; no I/O permission map. */
static void place_tss(uint8_t *at)
{
	put_le64(at + TSS_RSP0, PROBE_INTERRUPT_STACK_TOP_GPA);
	put_le16(at + TSS_IO_MAP, (uint16_t)(gdt_tss.limit + 1));
}

/*
 * [SDM] volume 3, "64-Bit Mode IDT": 16 bytes,
 *
 *   0       2   4    5      6        8        12        16
 *   offset  CS  IST  P DPL  offset   offset   reserved
 *   15:0             type   31:16    63:32
 */
static void place_gate(uint8_t *idt, unsigned int vector, uint64_t handler)
{
	uint8_t *gate = idt + (size_t)vector * GATE_BYTES;

	put_le16(gate, (uint16_t)handler);
	put_le16(gate + 2, PROBE_KERNEL_CS);
	gate[5] = GATE_PRESENT | GATE_INTERRUPT;
	put_le16(gate + 6, (uint16_t)(handler >> 16));
	put_le32(gate + 8, (uint32_t)(handler >> 32));
}

static void place_idt(uint8_t *at)
{
	for (unsigned int i = 0; i < PROBE_FAULTS; i++)
		place_gate(at, i, gpa_of(probe_guest_faults) + i * PROBE_FAULT_STUB_BYTES);
	place_gate(at, PROBE_VECTOR_TIMER, gpa_of(probe_guest_on_timer));
}

/* Identity: RAM for everybody, the local APIC for the kernel. */
static void place_page_tables(uint8_t *at)
{
	const uint64_t all = PTE_PRESENT | PTE_WRITE | PTE_USER;
	const uint64_t kernel = PTE_PRESENT | PTE_WRITE;
	const uint64_t pdpt_gpa = PROBE_PAGE_TABLES_GPA + TABLE_BYTES;
	uint8_t *pdpt = at + TABLE_BYTES, *ram_pd = pdpt + TABLE_BYTES;
	uint8_t *apic_pd = ram_pd + TABLE_BYTES;

	put_le64(at, pdpt_gpa | all);
	put_le64(pdpt, (pdpt_gpa + TABLE_BYTES) | all);
	put_le64(pdpt + (PROBE_APIC_GPA >> 30) * PTE_BYTES, (pdpt_gpa + 2 * TABLE_BYTES) | kernel);
	put_le64(ram_pd, all | PTE_LARGE);
	put_le64(apic_pd + (PROBE_APIC_GPA >> 21 & 511) * PTE_BYTES,
		 PROBE_APIC_GPA | kernel | PTE_UNCACHED | PTE_LARGE);
}

static void place_guest(const struct probing *p)
{
	size_t code_bytes = (uintptr_t)probe_guest_end - (uintptr_t)probe_guest_start;

	must(code_bytes <= PROBE_CODE_MAX_BYTES);
	memset(memory_at(p, 0, PROBE_RAM_BYTES), 0, PROBE_RAM_BYTES);
	memcpy(memory_at(p, PROBE_CODE_GPA, code_bytes), probe_guest_start, code_bytes);
	place_gdt(memory_at(p, PROBE_GDT_GPA, PROBE_GDT_BYTES));
	place_idt(memory_at(p, PROBE_IDT_GPA, PROBE_IDT_BYTES));
	place_tss(memory_at(p, PROBE_TSS_GPA, gdt_tss.limit + 1));
	place_page_tables(memory_at(p, PROBE_PAGE_TABLES_GPA, 4 * TABLE_BYTES));
}

/* Entered as a kernel is, but with this guest's own stack, task and argument. */
static int set_entry(struct probing *p, const uint8_t *label, struct err *e)
{
	const struct boot_plan plan = {
		.entry_gpa = gpa_of(label),
		.page_tables.gpa = PROBE_PAGE_TABLES_GPA,
		.gdt = { PROBE_GDT_GPA, PROBE_GDT_BYTES },
	};
	struct entry_state state;

	entry_linux64(&plan, &state);
	state.rsp = PROBE_STACK_TOP_GPA;
	state.rsi = p->vm.tsc_deadline_timer;
	state.tr = task_segment();
	return vcpu_set_entry(&p->vcpu, &state, e);
}

static int make_vm(struct probing *p, struct err *e)
{
	const struct vm_ram ram = { .low_bytes = PROBE_RAM_BYTES };
	const struct cpu_model host_cpu = { 0 };
	struct kvm_cpuid2 *cpuid = cpuid_new();
	int rc = cpuid ? vm_map_memory(&p->vm, &ram, true, e) : err_sys(e, ENOMEM, "CPUID");

	if (rc == 0)
		rc = vm_add_memory(&p->vm, e);
	if (rc == 0)
		rc = vm_add_interrupt_controllers(&p->vm, e);
	if (rc == 0)
		rc = cpuid_ask(cpuid, &p->vm, e);
	if (rc == 0)
		rc = vcpus_init(&p->vcpu, 1, &p->vm, &host_cpu, cpuid, e);
	free(cpuid);
	if (rc == 0)
		rc = transfer_state(p->vcpu.fd, &p->fresh, false, e);
	return rc;
}

static int set_breakpoint(const struct probing *p, bool on)
{
	struct kvm_guest_debug debug = { 0 };

	if (on) {
		debug.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
		debug.arch.debugreg[0] = gpa_of(probe_guest_break_here);
		debug.arch.debugreg[7] = DR7_FIXED | DR7_LOCAL_0;
	}
	return kvm_ioctl(p->vcpu.fd, KVM_SET_GUEST_DEBUG, &debug);
}

/* The other thread of a check: ends it when its time is over. */
static void *watch(void *ctx)
{
	struct control *control = ctx;
	struct pollfd ended = { .fd = control->wake_fd, .events = POLLIN };

	while (poll(&ended, 1, PROBE_CHECK_MS) < 0 && errno == EINTR)
		;
	control_end(control, &(struct ending){ .kind = ENDING_TIMEOUT,
					       .detail = PROBE_CHECK_MS * 1000000ULL });
	return NULL;
}

static int run_watched(struct probing *p, struct control *control, struct machine *machine,
		       struct ending *ending, struct err *e)
{
	struct run run = {
		.kvm = p->vcpu.run,
		.entry = run_entry_kvm(&p->vcpu),
		.machine = machine,
		.control = control,
	};
	pthread_t watcher;
	int code;

	vcpu_begin(&p->vcpu);
	control->runs = &run;
	control->cpus = 1;
	code = pthread_create(&watcher, NULL, watch, control);
	if (code == 0) {
		*ending = run_until_end(&run);
		(void)pthread_join(watcher, NULL);
	}
	control->cpus = 0;
	vcpu_end(&p->vcpu);
	return code ? err_sys(e, code, "a thread to watch the guest cannot be started") : 0;
}

/* On the machine that every guest gets, with the exit port for the guest's report. */
static int run_on_machine(struct probing *p, struct ending *ending, struct err *e)
{
	const struct debugexit_config report = { .iobase = PROBE_PORT, .iosize = 1 };
	struct marks marks = { { 0 } };
	struct control control;
	struct machine machine;
	int rc = control_init(&control, &marks, e);

	if (rc < 0)
		return rc;
	rc = machine_init(&machine, &p->vm, &control, (struct byte_sink){ NULL, NULL }, &report, e);
	if (rc == 0) {
		rc = run_watched(p, &control, &machine, ending, e);
		machine_finish(&machine);
	}
	control_finish(&control);
	return rc;
}

/* [SDM] volume 3, "Exception Summary": these push an error code. */
static bool has_error_code(uint64_t vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;
}

/*
 * The vector, pushed by the guest; an error code or none; RIP; CS. A page fault where user mode is
 * to end is no accident but the guest's report.
 */
static void read_fault(const struct probing *p, uint64_t rsp, struct probe_seen *seen)
{
	const uint8_t *at = guest_memory_at(&p->vm.memory, rsp, 32);

	seen->how = PROBE_FAULTED;
	if (!at)
		return;
	seen->vector = get_le32(at);
	at += has_error_code(seen->vector) ? 16 : 8;
	seen->rip = get_le64(at);
	seen->cpl = get_le64(at + 8) & 3;
	if (seen->vector == VECTOR_PAGE_FAULT && seen->rip == gpa_of(probe_guest_leave_user))
		seen->how = PROBE_REPORTED;
}

static int read_seen(const struct probing *p, const struct ending *ending, struct probe_seen *seen,
		     struct err *e)
{
	struct kvm_regs regs;
	int rc = kvm_ioctl(p->vcpu.fd, KVM_GET_REGS, &regs);

	if (rc < 0)
		return err_sys(e, -rc, "the vCPU's registers cannot be read");
	seen->how = PROBE_ENDED;
	seen->ending = *ending;
	seen->ending.rip = regs.rip;
	seen->value[0] = (uint32_t)regs.r8;
	seen->value[1] = (uint32_t)regs.r9;
	seen->handler_cs = (uint32_t)regs.r10;
	if (ending->kind == ENDING_DEBUG_EXIT) {
		seen->how = PROBE_REPORTED;
		if (ending->detail == debugexit_status(PROBE_PORT_FAULTED))
			read_fault(p, regs.rsp, seen);
	} else if (ending->kind == ENDING_KVM_UNKNOWN_EXIT && ending->detail == KVM_EXIT_DEBUG) {
		seen->how = PROBE_BROKE;
		seen->rip = p->vcpu.run->debug.arch.pc;
	}
	return 0;
}

/* [KVM] KVM_EXIT_IO: an access is complete only after the next KVM_RUN, which need not run. */
static void complete_exit(struct probing *p)
{
	vcpu_kick(&p->vcpu);
	(void)vcpu_enter(&p->vcpu);
	vcpu_unkick(&p->vcpu);
}

static int run_guest(struct probing *p, const uint8_t *label, struct probe_seen *seen,
		     struct err *e)
{
	struct ending ending = { 0 };
	int rc = transfer_state(p->vcpu.fd, &p->fresh, true, e);

	place_guest(p);
	if (rc == 0)
		rc = set_entry(p, label, e);
	if (rc == 0)
		rc = run_on_machine(p, &ending, e);
	if (rc == 0)
		rc = read_seen(p, &ending, seen, e);
	complete_exit(p);
	return rc;
}

static int run_check(struct probing *p, enum probe_check_id id, struct probe_check *check,
		     struct err *e)
{
	struct probe_seen seen = { .breakpoint = gpa_of(probe_guest_break_here) };
	uint64_t start = clock_now_ns();
	int refused = id == PROBE_BREAKPOINT ? set_breakpoint(p, true) : 0;
	int rc = 0;

	if (refused < 0)
		seen = (struct probe_seen){ .how = PROBE_NOT_POSSIBLE,
					    .ending.detail = (uint64_t)-refused };
	else
		rc = run_guest(p, entries[id], &seen, e);
	if (id == PROBE_BREAKPOINT)
		(void)set_breakpoint(p, false);
	if (rc < 0)
		return rc;
	probe_judge(id, &seen, check);
	check->took_ns = clock_now_ns() - start;
	return 0;
}

/* Before a VM is asked for, so that what is lacking is known even where there can be none. */
static void ask_kvm(struct probe_result *result)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), version;

	if (fd < 0)
		return;
	result->step = PROBE_ASKING;
	version = kvm_ioctl(fd, KVM_GET_API_VERSION, NULL);
	result->api_version = version > 0 ? version : 0;
	for (size_t i = 0; version > 0 && i < CAPABILITIES; i++)
		result->capability[i].value = kvm_capability(fd, capabilities[i].number);
	(void)close(fd);
}

static int run_checks(struct probing *p, struct probe_result *result)
{
	int khz, rc = make_vm(p, &result->err);

	if (rc < 0)
		return rc;
	khz = kvm_ioctl(p->vcpu.fd, KVM_GET_TSC_KHZ, NULL);
	result->tsc_khz = khz > 0 ? khz : 0;
	vcpu_init_kick();
	for (int id = 0; rc == 0 && id < PROBE_CHECKS; id++)
		rc = run_check(p, (enum probe_check_id)id, &result->check[id], &result->err);
	return rc;
}

static void run_in_vm(struct probe_result *result)
{
	struct probing probing = { .vcpu.fd = -1 };

	vm_init(&probing.vm);
	if (vm_open(&probing.vm, &result->err) < 0)
		return;
	result->step = PROBE_CREATING;
	if (vm_create(&probing.vm, &result->err) == 0) {
		result->step = PROBE_CHECKING;
		if (run_checks(&probing, result) == 0)
			result->step = PROBE_DONE;
		vcpus_finish(&probing.vcpu, 1);
	}
	vm_finish(&probing.vm);
}

void probe_run(struct probe_result *result)
{
	uint64_t start = clock_now_ns();

	memset(result, 0, sizeof(*result));
	probe_device_look(&result->device, "/dev/kvm");
	for (size_t i = 0; i < CAPABILITIES; i++)
		result->capability[i] = (struct probe_capability){
			.name = capabilities[i].name,
			.meaning = capabilities[i].meaning,
			.kind = capabilities[i].kind,
			.value = -1,
		};
	result->capabilities = CAPABILITIES;
	ask_kvm(result);
	run_in_vm(result);
	result->took_ns = clock_now_ns() - start;
}
