/* SPDX-License-Identifier: MIT */
#include "vmm/autopsy.h"

#include <errno.h>
#include <linux/serial_reg.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/clock.h"
#include "vmm/inside/guess.h"
#include "vmm/irqstate.h"
#include "vmm/vcpustate.h"

enum {
	STACK_BYTES = 16 << 10, /* of a kernel's stack, [LINUX] THREAD_SIZE */
	PAGE_BYTES = 4096,
	RESET_RIP = 0xfff0, /* [SDM] "Processor State After Reset" */
	RESET_CS = 0xf000,
};

#define LINEAR_32 0xffffffffull

struct looking {
	const struct autopsy_request *request;
	const struct symbols *symbols; /* NULL: none, or not those of what is in memory */
	uint8_t stack[STACK_BYTES];
};

bool autopsy_explains(const struct ending *ending)
{
	switch (ending->kind) {
	case ENDING_HANG:
	case ENDING_TIMEOUT:
	case ENDING_PANIC:
	case ENDING_FAIL_ON:
	case ENDING_TRIPLE_FAULT:
	case ENDING_KVM_INTERNAL_ERROR:
	case ENDING_KVM_FAIL_ENTRY:
	case ENDING_KVM_UNKNOWN_EXIT:
	case ENDING_KVM_RUN_FAILED:
		return true;
	default:
		return false;
	}
}

/* ---- what is at RIP -------------------------------------------------------------------------- */

static uint64_t linear_rip(const struct autopsy_cpu *cpu)
{
	const struct autopsy_registers *r = &cpu->registers;

	return cpu->mode == AUTOPSY_LONG ? r->rip : (r->cs.base + r->rip) & LINEAR_32;
}

static bool space_of(const struct looking *l, const struct autopsy_cpu *cpu, struct space *space)
{
	const struct autopsy_registers *r = &cpu->registers;

	return space_of_cpu(space, &l->request->vm->memory, r->cr0, r->cr3, r->cr4, r->efer);
}

/* As many bytes before RIP as there are, in whole or up to the page's beginning. */
static size_t read_before(const struct space *space, uint64_t rip, uint8_t *to)
{
	size_t in_page = rip % PAGE_BYTES;

	if (space_read(space, rip - AUTOPSY_CODE_BEFORE_BYTES, to, AUTOPSY_CODE_BEFORE_BYTES))
		return AUTOPSY_CODE_BEFORE_BYTES;
	if (in_page < AUTOPSY_CODE_BEFORE_BYTES && space_read(space, rip - in_page, to, in_page))
		return in_page;
	return 0;
}

static void take_code(const struct looking *l, struct autopsy_cpu *cpu)
{
	uint64_t rip = linear_rip(cpu);
	struct space space;
	size_t before, from;

	if (!space_of(l, cpu, &space)) {
		cpu->no_code = "32-bit page tables are not read";
		return;
	}
	before = read_before(&space, rip, cpu->code);
	from = space_read_some(&space, rip, cpu->code + before,
			       AUTOPSY_CODE_BYTES - AUTOPSY_CODE_BEFORE_BYTES);
	if (from == 0) {
		cpu->no_code = "no RAM is mapped at RIP";
		return;
	}
	cpu->code_before = (uint8_t)before;
	cpu->code_bytes = (uint8_t)(before + from);
}

/* ---- where it came from ---------------------------------------------------------------------- */

/*
 * A return address points behind its call, which may be the next symbol. Before the kernel has its
 * own page tables it runs where it lies; names are found by what its addresses will be.
 */
static void name_frame(const struct looking *l, uint64_t address, bool returns,
		       struct autopsy_frame *frame)
{
	const struct plan_range *kernel = &l->request->run->plan->kernel;
	uint64_t virtual = address - returns;
	struct symbol_at at;

	*frame = (struct autopsy_frame){ .address = address };
	if (virtual >= kernel->gpa && virtual - kernel->gpa < kernel->size_bytes)
		virtual += SYMBOLS_KERNEL_MAP;
	if (!l->symbols || virtual < SYMBOLS_KERNEL_MAP || !symbols_at(l->symbols, virtual, &at) ||
	    !at.size)
		return;
	frame->symbol = at.name;
	frame->offset = at.offset + returns;
	frame->size_bytes = at.size;
}

static const char *why_no_backtrace(const struct looking *l, const struct autopsy_cpu *cpu)
{
	if (cpu->cpl != 0)
		return "in user mode, which is not unwound";
	if (cpu->mode != AUTOPSY_LONG)
		return "only 64-bit code is unwound";
	if (!l->symbols)
		return "it needs symbols";
	return NULL;
}

static size_t read_stack(struct looking *l, const struct autopsy_cpu *cpu)
{
	uint64_t rsp = cpu->registers.rsp;
	struct space space;
	size_t bytes = 0;

	if (space_of(l, cpu, &space))
		bytes = space_read_some(&space, rsp, l->stack, sizeof(l->stack));
	if (bytes == 0)
		bytes = space_read_some(&l->request->account->space, rsp, l->stack,
					sizeof(l->stack));
	return bytes;
}

/* By what the kernel was built with, or else by guessing. How many addresses; the first is RIP. */
static size_t find_way_up(struct looking *l, struct autopsy_cpu *cpu,
			  uint64_t address[UNWIND_FRAMES_MAX])
{
	const struct account *account = l->request->account;
	const struct autopsy_registers *r = &cpu->registers;
	size_t bytes = read_stack(l, cpu), frames;

	cpu->unwound_by = unwind_method_name(account->unwinder.method);
	frames = unwind(&account->unwinder, r->rip, r->rsp, r->rbp, l->stack, bytes, address);
	if (frames > 1)
		return frames;
	cpu->unwound_by = "guessing";
	return 1 + guess_frames(&account->space, l->symbols, r->rsp, l->stack, bytes, address + 1,
				UNWIND_FRAMES_MAX - 1);
}

static void take_backtrace(struct looking *l, struct autopsy_cpu *cpu)
{
	uint64_t address[UNWIND_FRAMES_MAX] = { linear_rip(cpu) };
	bool guessed;

	cpu->frames = 1;
	cpu->no_backtrace = why_no_backtrace(l, cpu);
	if (!cpu->no_backtrace) {
		cpu->frames = find_way_up(l, cpu, address);
		if (cpu->frames == 1)
			cpu->no_backtrace = "no call is on the stack at RSP";
	}
	guessed = l->request->account->unwinder.method == UNWIND_NONE;
	for (size_t i = 0; i < cpu->frames; i++) {
		name_frame(l, address[i], i > 0, &cpu->frame[i]);
		cpu->frame[i].guessed = i > 0 && guessed;
	}
	if (cpu->cpl != 0)
		cpu->frame[0].symbol = NULL;
}

/* ---- the CPUs -------------------------------------------------------------------------------- */

/* After a shutdown kvm-amd has no state left of its guest and resets the CPU. */
static bool was_reset(const struct autopsy_cpu *cpu)
{
	const struct autopsy_registers *r = &cpu->registers;

	return cpu->ended_run && cpu->mode == AUTOPSY_REAL && r->rip == RESET_RIP &&
	       r->cs.selector == RESET_CS;
}

static void read_cpu(const struct looking *l, unsigned int number, struct autopsy_cpu *cpu)
{
	cpu->cpu = number;
	cpu->ended_run = number == l->request->run->ending->cpu;
	vcpustate_read(&l->request->vcpus[number], cpu);
}

/* The one that ended the run comes first. */
static void read_cpus(const struct looking *l, struct autopsy *a)
{
	const struct autopsy_request *r = l->request;
	unsigned int first = r->run->ending->cpu;

	a->stood_ns = clock_now_ns() - r->run->marks->at_ns[MARK_END];
	a->cpu = calloc(r->cpus, sizeof(*a->cpu));
	if (!a->cpu) {
		a->no_cpus = "no memory for them";
		return;
	}
	read_cpu(l, first, &a->cpu[a->cpus++]);
	for (unsigned int number = 0; number < r->cpus; number++) {
		if (number != first)
			read_cpu(l, number, &a->cpu[a->cpus++]);
	}
}

static void explain_cpu(struct looking *l, struct autopsy_cpu *cpu)
{
	if (!cpu->known)
		return;
	if (was_reset(cpu)) {
		cpu->not_believed = "KVM reset this CPU after its triple fault: these are the "
				    "registers of a reset, those of the fault are gone";
		cpu->no_code = cpu->no_backtrace = "the CPU was reset";
		return;
	}
	take_code(l, cpu);
	take_backtrace(l, cpu);
}

/* What do_one_initcall() has called on that CPU. */
static const char *initcall_on(const struct autopsy_cpu *cpu)
{
	for (size_t i = 1; i < cpu->frames; i++) {
		if (cpu->frame[i].symbol && strcmp(cpu->frame[i].symbol, "do_one_initcall") == 0)
			return cpu->frame[i - 1].symbol;
	}
	return NULL;
}

static void take_initcall(struct autopsy *a, const struct account *account)
{
	a->initcall = account->report.initcall_unreturned;
	a->initcall_by = "breakpoints";
	for (size_t i = 0; !a->initcall && i < a->cpus; i++) {
		a->initcall = initcall_on(&a->cpu[i]);
		a->initcall_by = "the backtrace";
	}
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void take_symbols(struct looking *l, struct autopsy *a)
{
	const struct account *account = l->request->account;

	a->has_symbols = account->symbols.count && account->inside;
	l->symbols = a->has_symbols ? &account->symbols : NULL;
	(void)snprintf(
		a->symbols, sizeof(a->symbols), "%s%s", account->symbols_told,
		account->symbols.count && !account->inside
			? ": not used, as the kernel is not where they say; if it chooses its "
			  "own address (KASLR), add nokaslr to -append"
			: "");
}

static void take_log(struct autopsy *a, const struct account *account)
{
	const struct klog *klog = &account->klog;
	size_t first;

	if (!account->klog_known) {
		(void)snprintf(a->no_log, sizeof(a->no_log), "%s",
			       account->symbols.count ? account->no_log : "it needs symbols");
		return;
	}
	a->log_of = klog->records;
	a->log_records = klog->records;
	if (a->log_records > AUTOPSY_LOG_RECORDS)
		a->log_records = AUTOPSY_LOG_RECORDS;
	first = klog->records - a->log_records;
	for (size_t i = 0; i < a->log_records; i++) {
		const struct klog_record *record = &klog->record[first + i];

		a->log[i] = (struct autopsy_log_record){
			.at_ns = record->at_ns,
			.level = record->level,
			.text = klog->text + record->text,
		};
	}
}

static void take_console(struct autopsy *a, const struct autopsy_request *r)
{
	uint64_t end_ns = r->run->marks->at_ns[MARK_END], at_ns = r->last_line_at_ns;
	size_t bytes = r->last_line_bytes;

	if (bytes > sizeof(a->last_line) - 1)
		bytes = sizeof(a->last_line) - 1;
	if (bytes > 0)
		memcpy(a->last_line, r->last_line, bytes);
	a->last_line[bytes] = '\0';
	a->last_line_ns = at_ns && end_ns > at_ns ? end_ns - at_ns : 0;
}

/* Reading IIR and LSR changes them: what is read is a copy, with no wires. */
static void take_uart(struct autopsy_uart *to, const struct machine *machine)
{
	struct uart16550 copy = machine->uart;

	copy.irq = copy.rx_drained = (struct line){ 0 };
	copy.tx = (struct byte_sink){ 0 };
	*to = (struct autopsy_uart){
		.ier = copy.state.ier,
		.mcr = copy.state.mcr,
		.received = copy.state.rx_count,
		.waiting = (unsigned int)machine->input.count,
		.interrupting = machine->uart_irq_level,
	};
	copy.device.ops->read(&copy.device, UART_IIR, 1, &to->iir);
	copy.device.ops->read(&copy.device, UART_LSR, 1, &to->lsr);
}

void autopsy_take(struct autopsy *autopsy, const struct autopsy_request *request)
{
	struct looking l = { .request = request };

	*autopsy = (struct autopsy){ .what = request->what };
	read_cpus(&l, autopsy);
	irqstate_read(request->vm, &autopsy->controllers);
	account_look_late(request->account, request->run);
	take_symbols(&l, autopsy);
	for (size_t i = 0; i < autopsy->cpus; i++)
		explain_cpu(&l, &autopsy->cpu[i]);
	take_initcall(autopsy, request->account);
	take_log(autopsy, request->account);
	take_console(autopsy, request);
	take_uart(&autopsy->uart, request->run->machine);
}

void autopsy_finish(struct autopsy *autopsy)
{
	free(autopsy->cpu);
	*autopsy = (struct autopsy){ 0 };
}
