/* SPDX-License-Identifier: MIT */
/*
 * The autopsy for people, as a log of a CI run shows it: what happened first, then where each CPU
 * was, what the console and the kernel's log said last, then registers and interrupt controllers.
 *
 * Left out, and in the report: registers of the CPUs that did not end the run and of one that was
 * reset, a long backtrace's outer frames, CPUs beyond the first few. However hostile the guest: AUTOPSY_TEXT_LINES lines of
 * limited length, printable ASCII.
 *
 * Authority: [SDM] "EFLAGS Register", "Interrupt and Exception Vectors"; [16550] for the bits of
 * its registers; [LINUX] arch/x86/kernel/dumpstack.c for the form of the code line, which
 * scripts/decodecode of the kernel's source reads.
 */
#include <inttypes.h>
#include <linux/serial_reg.h>
#include <stdarg.h>
#include <string.h>

#include "vmm/timing/autopsy.h"

enum {
	LINE_BYTES = 200,     /* of text, behind the prefix */
	SENTENCE_BYTES = 800, /* the same of tvmm's own words */
	MAIN_FRAMES = 20,     /* of the CPU that ended the run */
	OTHER_FRAMES = 6,
	OTHER_CPUS = 3, /* of which more than a line is told */
	LOG_LINES = 20,
	PINS_IN_LINE = 3,
	PIN_LINES = 4,
	PIT_UNUSED = 0xff, /* KVM's mode of a channel that was never written */
	NS_PER_US = 1000,
	NS_PER_MS = 1000000,
	NS_PER_S = 1000000000,
};

#define RFLAGS_IF (1ull << 9)

struct printing {
	FILE *out;
	unsigned int lines;
	size_t line_bytes;
};

/* ---- lines ----------------------------------------------------------------------------------- */

static void put_prefix(struct printing *p)
{
	(void)fputs("tvmm: ", p->out);
}

/* Puts text of that many bytes as far as there is room on its line; what is cut ends in "...". */
static void put_text(struct printing *p, const char *text, size_t bytes)
{
	size_t used = 0;

	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];
		bool plain = c >= 0x20 && c < 0x7f;

		if (used + 4 > p->line_bytes) {
			(void)fputs("...", p->out);
			return;
		}
		if (c == '\t')
			(void)fputc(' ', p->out);
		else if (plain)
			(void)fputc(c, p->out);
		else
			(void)fprintf(p->out, "\\x%02x", c);
		used += plain || c == '\t' ? 1 : 4;
	}
}

/* One line, without blanks at its end. The last line there may be says that it is. */
__attribute__((format(printf, 2, 3))) static void put(struct printing *p, const char *format, ...)
{
	char text[SENTENCE_BYTES + 1];
	va_list ap;
	size_t bytes;
	int n;

	if (p->lines == AUTOPSY_TEXT_LINES)
		return;
	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	bytes = n < 0 ? 0 : strlen(text);
	while (bytes > 0 && text[bytes - 1] == ' ')
		bytes--;
	put_prefix(p);
	put_text(p, text, bytes);
	(void)fputc('\n', p->out);
	p->lines++;
}

/* Adds words to a text of size bytes, as far as they fit. */
__attribute__((format(printf, 3, 4))) static void add(char *text, size_t size, const char *format,
						      ...)
{
	size_t used = strlen(text);
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text + used, size - used, format, ap);
	va_end(ap);
}

struct bit {
	unsigned int bit;
	const char *name;
};

/* The names of the bits that are set, each with a blank before it. */
static void add_bits(char *text, size_t size, uint64_t value, const struct bit *bits, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (value >> bits[i].bit & 1)
			add(text, size, " %s", bits[i].name);
	}
}

#define ADD_BITS(text, value, bits) \
	add_bits(text, sizeof(text), value, bits, sizeof(bits) / sizeof((bits)[0]))

/* ---- names ----------------------------------------------------------------------------------- */

const char *autopsy_mode_name(enum autopsy_mode mode)
{
	static const char *const name[AUTOPSY_MODES] = {
		[AUTOPSY_REAL] = "real mode",
		[AUTOPSY_VIRTUAL_8086] = "virtual-8086 mode",
		[AUTOPSY_PROTECTED] = "32-bit, no paging",
		[AUTOPSY_PAGED] = "32-bit",
		[AUTOPSY_COMPATIBILITY] = "32-bit in long mode",
		[AUTOPSY_LONG] = "64-bit",
	};

	return mode < AUTOPSY_MODES ? name[mode] : "";
}

const char *autopsy_state_name(enum autopsy_state state)
{
	static const char *const name[AUTOPSY_STATES] = {
		[AUTOPSY_RUNNABLE] = "running",
		[AUTOPSY_NOT_STARTED] = "not started",
		[AUTOPSY_INIT_RECEIVED] = "waits for its start-up IPI",
		[AUTOPSY_HALTED] = "halted",
		[AUTOPSY_SIPI_RECEIVED] = "about to start",
		[AUTOPSY_STATE_UNKNOWN] = "in a state that KVM does not tell",
	};

	return state < AUTOPSY_STATES ? name[state] : "";
}

const char *autopsy_timer_name(enum autopsy_timer timer)
{
	static const char *const name[] = {
		[AUTOPSY_ONE_SHOT] = "one-shot",
		[AUTOPSY_PERIODIC] = "periodic",
		[AUTOPSY_TSC_DEADLINE] = "TSC-deadline",
		[AUTOPSY_NO_TIMER] = "reserved mode",
	};

	return timer <= AUTOPSY_NO_TIMER ? name[timer] : "";
}

const char *autopsy_exception_name(uint8_t vector)
{
	static const char *const name[] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "",    "#TS",
		"#NP", "#SS", "#GP", "#PF", "",    "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
	};

	return vector < sizeof(name) / sizeof(name[0]) ? name[vector] : "";
}

/* ---- where the CPUs were --------------------------------------------------------------------- */

static bool has_started(const struct autopsy_cpu *cpu)
{
	return cpu->state != AUTOPSY_NOT_STARTED && cpu->state != AUTOPSY_INIT_RECEIVED;
}

static void put_cpu(struct printing *p, const struct autopsy_cpu *cpu)
{
	if (!cpu->known)
		put(p, "CPU %u: KVM does not tell its registers", cpu->cpu);
	else if (!has_started(cpu))
		put(p, "CPU %u: %s", cpu->cpu, autopsy_state_name(cpu->state));
	else if (cpu->not_believed)
		put(p, "CPU %u: %s", cpu->cpu, cpu->not_believed);
	else
		put(p, "CPU %u: %s, %s, %s, interrupts %s", cpu->cpu,
		    autopsy_state_name(cpu->state), autopsy_mode_name(cpu->mode),
		    cpu->cpl ? "user mode" : "kernel mode",
		    cpu->registers.rflags & RFLAGS_IF ? "on" : "off");
}

static void put_frame(struct printing *p, const struct autopsy_frame *f, const char *what)
{
	if (f->symbol)
		put(p, "  %-10s%016" PRIx64 " %s%s+%#" PRIx64 "/%#" PRIx64, what, f->address,
		    f->guessed ? "? " : "", f->symbol, f->offset, f->size_bytes);
	else
		put(p, "  %-10s%016" PRIx64, what, f->address);
}

static void put_frames(struct printing *p, const struct autopsy_cpu *cpu, size_t most)
{
	size_t shown = cpu->frames < most ? cpu->frames : most;

	for (size_t i = 0; i < shown; i++)
		put_frame(p, &cpu->frame[i],
			  i == 0                  ? "RIP"
			  : i > 1                 ? ""
			  : cpu->frame[i].guessed ? "maybe by"
						  : "called by");
	if (cpu->frames > shown)
		put(p, "  %-10s... and %zu more", "", cpu->frames - shown);
	if (cpu->no_backtrace)
		put(p, "  %-10snone: %s", "backtrace", cpu->no_backtrace);
}

/* The byte at RIP stands in angle brackets. */
static void put_code(struct printing *p, const struct autopsy_cpu *cpu)
{
	char text[4 * AUTOPSY_CODE_BYTES] = "";

	if (cpu->no_code) {
		put(p, "  %-10snone: %s", "code", cpu->no_code);
		return;
	}
	for (size_t i = 0; i < cpu->code_bytes; i++)
		add(text, sizeof(text), i == cpu->code_before ? " <%02x>" : " %02x", cpu->code[i]);
	put(p, "  %-10s%s", "Code:", text + (text[0] == ' '));
}

static void put_cpus(struct printing *p, const struct autopsy *a)
{
	if (a->no_cpus)
		put(p, "CPUs: %s", a->no_cpus);
	for (size_t i = 0; i < a->cpus && i <= OTHER_CPUS; i++) {
		const struct autopsy_cpu *cpu = &a->cpu[i];

		put_cpu(p, cpu);
		if (!cpu->known || cpu->not_believed || !has_started(cpu))
			continue;
		put_frames(p, cpu, i == 0 ? MAIN_FRAMES : OTHER_FRAMES);
		if (i == 0)
			put_code(p, cpu);
	}
	if (a->cpus > OTHER_CPUS + 1)
		put(p, "and %zu more CPUs: in the report (-report)", a->cpus - OTHER_CPUS - 1);
}

/* ---- what was said last ---------------------------------------------------------------------- */

static void put_log_line(struct printing *p, const struct autopsy_log_record *record,
			 const char *line, size_t bytes)
{
	bool first = line == record->text;

	if (first)
		put(p, "  [%5" PRIu64 ".%06" PRIu64 "] %.*s", record->at_ns / NS_PER_S,
		    record->at_ns % NS_PER_S / NS_PER_US, (int)bytes, line);
	else
		put(p, "  %14s %.*s", "", (int)bytes, line);
}

static size_t lines_in(const char *text)
{
	size_t lines = 1;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* The last lines, whatever records they are of: one may have very many. */
static void put_log(struct printing *p, const struct autopsy *a)
{
	size_t skipped = 0;

	if (a->no_log[0]) {
		put(p, "kernel log: none: %s", a->no_log);
		return;
	}
	for (size_t i = 0; i < a->log_records; i++)
		skipped += lines_in(a->log[i].text);
	skipped = skipped > LOG_LINES ? skipped - LOG_LINES : 0;
	put(p, "kernel log, the end of %zu records:", a->log_of);
	for (size_t i = 0; i < a->log_records; i++) {
		const char *line = a->log[i].text;

		for (;;) {
			size_t bytes = strcspn(line, "\n");

			if (skipped > 0)
				skipped--;
			else
				put_log_line(p, &a->log[i], line, bytes);
			if (!line[bytes])
				break;
			line += bytes + 1;
		}
	}
}

static void put_last_words(struct printing *p, const struct autopsy *a)
{
	if (a->initcall)
		put(p, "initcall: %s, not returned (by %s)", a->initcall, a->initcall_by);
	if (a->last_line[0] || a->last_line_ns)
		put(p, "last console line, %.3f s before the end: %s",
		    (double)a->last_line_ns / NS_PER_S,
		    a->last_line[0] ? a->last_line : "an empty one");
	else
		put(p, "last console line: the guest printed nothing");
	put_log(p, a);
}

/* ---- registers ------------------------------------------------------------------------------- */

static void put_general(struct printing *p, const struct autopsy_registers *r)
{
	const struct {
		const char *name;
		uint64_t value;
	} row[] = {
		{ "RAX", r->rax }, { "RBX", r->rbx }, { "RCX", r->rcx }, { "RDX", r->rdx },
		{ "RSI", r->rsi }, { "RDI", r->rdi }, { "RBP", r->rbp }, { "RSP", r->rsp },
		{ "R8 ", r->r8 },  { "R9 ", r->r9 },  { "R10", r->r10 }, { "R11", r->r11 },
		{ "R12", r->r12 }, { "R13", r->r13 }, { "R14", r->r14 }, { "R15", r->r15 },
		{ "CR0", r->cr0 }, { "CR2", r->cr2 }, { "CR3", r->cr3 }, { "CR4", r->cr4 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i += 4)
		put(p, "  %s %016" PRIx64 "  %s %016" PRIx64 "  %s %016" PRIx64 "  %s %016" PRIx64,
		    row[i].name, row[i].value, row[i + 1].name, row[i + 1].value, row[i + 2].name,
		    row[i + 2].value, row[i + 3].name, row[i + 3].value);
}

static void put_flags(struct printing *p, const struct autopsy_registers *r)
{
	static const struct bit flags[] = {
		{ 0, "CF" },  { 2, "PF" },  { 4, "AF" },  { 6, "ZF" },  { 7, "SF" },
		{ 8, "TF" },  { 9, "IF" },  { 10, "DF" }, { 11, "OF" }, { 14, "NT" },
		{ 16, "RF" }, { 17, "VM" }, { 18, "AC" }, { 21, "ID" },
	};
	static const struct bit efer[] = {
		{ 0, "SCE" }, { 8, "LME" }, { 10, "LMA" }, { 11, "NXE" }
	};
	char names[128] = "", modes[32] = "";

	ADD_BITS(names, r->rflags, flags);
	ADD_BITS(modes, r->efer, efer);
	put(p, "  RIP %016" PRIx64 "  RFLAGS %08" PRIx64 "%s  EFER %03" PRIx64 "%s", r->rip,
	    r->rflags, names, r->efer, modes);
	put(p,
	    "  CS %04x  SS %04x  DS %04x  ES %04x  TR %04x  FS base %016" PRIx64
	    "  GS base %016" PRIx64,
	    r->cs.selector, r->ss.selector, r->ds.selector, r->es.selector, r->tr.selector,
	    r->fs.base, r->gs.base);
	put(p,
	    "  CS base %" PRIx64 "  GDT %016" PRIx64 " limit %04x  IDT %016" PRIx64 " limit %04x",
	    r->cs.base, r->gdt_base, r->gdt_limit, r->idt_base, r->idt_limit);
}

static void put_events(struct printing *p, const struct autopsy_cpu *cpu)
{
	const struct autopsy_events *e = &cpu->events;
	char text[LINE_BYTES] = "";

	if (!cpu->events_known)
		return;
	if (e->exception_injected || e->exception_pending) {
		add(text, sizeof(text), ", exception %u %s %s", e->exception,
		    autopsy_exception_name(e->exception),
		    e->exception_injected ? "being delivered" : "waits");
		if (e->has_error_code)
			add(text, sizeof(text), " (error code %x)", e->error_code);
	}
	if (e->interrupt_injected)
		add(text, sizeof(text), ", interrupt %#x being delivered", e->interrupt);
	if (e->nmi_injected || e->nmi_pending)
		add(text, sizeof(text), ", NMI %s", e->nmi_injected ? "being delivered" : "waits");
	if (e->nmi_masked)
		add(text, sizeof(text), ", in an NMI");
	if (e->in_smm || e->smi_pending)
		add(text, sizeof(text), ", SMI %s", e->in_smm ? "served" : "waits");
	if (e->shadow)
		add(text, sizeof(text), ", behind sti or mov ss");
	put(p, "  events: %s", text[0] ? text + 2 : "none waits, none is being delivered");
}

static void put_registers(struct printing *p, const struct autopsy *a)
{
	const struct autopsy_cpu *cpu = &a->cpu[0];

	if (a->cpus == 0 || !cpu->known || cpu->not_believed)
		return;
	put(p, "registers of CPU %u%s:", cpu->cpu,
	    a->cpus > 1 ? " (of the others: in the report)" : "");
	put_general(p, &cpu->registers);
	put_flags(p, &cpu->registers);
	put_events(p, cpu);
}

/* ---- interrupt controllers ------------------------------------------------------------------- */

/* The deadline as it was when the run ended: the guest's TSC has gone on while nobody ran it. */
static void add_deadline(char *text, size_t size, const struct autopsy *a,
			 const struct autopsy_lapic *l)
{
	double ms;

	if (!l->deadline || !l->tsc_khz) {
		add(text, size, l->deadline ? ", armed" : ", not armed");
		return;
	}
	ms = (double)(int64_t)(l->deadline - l->tsc) / l->tsc_khz + (double)a->stood_ns / NS_PER_MS;
	add(text, size, ", due %.3f ms %s the end", ms < 0 ? -ms : ms, ms < 0 ? "before" : "after");
}

static void add_vector(char *text, size_t size, const char *name, int vector)
{
	if (vector < 0)
		add(text, size, ", %s none", name);
	else
		add(text, size, ", %s %#x", name, vector);
}

static void put_lapic(struct printing *p, const struct autopsy *a, const struct autopsy_cpu *cpu)
{
	const struct autopsy_lapic *l = &cpu->lapic;
	char text[LINE_BYTES] = "";

	if (!l->known || cpu->not_believed)
		return;
	if (!l->enabled && l->irr < 0 && l->isr < 0 && l->timer_masked) {
		put(p, "  local APIC of CPU %u: off", cpu->cpu);
		return;
	}
	add_vector(text, sizeof(text), "highest IRR", l->irr);
	add_vector(text, sizeof(text), "ISR", l->isr);
	add(text, sizeof(text), "; timer %s, vector %#x%s", autopsy_timer_name(l->timer),
	    l->timer_vector, l->timer_masked ? ", masked" : "");
	if (l->timer == AUTOPSY_TSC_DEADLINE)
		add_deadline(text, sizeof(text), a, l);
	else
		add(text, sizeof(text), ", count %u of %u%s", l->current_count, l->initial_count,
		    l->initial_count ? "" : ": not armed");
	put(p, "  local APIC of CPU %u: %s, TPR %02x%s", cpu->cpu, l->enabled ? "on" : "off",
	    l->tpr, text);
}

static void add_pin(char *text, size_t size, unsigned int number, const struct autopsy_pin *pin)
{
	static const char *const delivery[8] = { "",     " lowest", " SMI",    " mode 3",
						 " NMI", " INIT",   " mode 6", " ExtINT" };

	add(text, size, "%s%u -> %#x%s %s%s%s", text[0] ? "; " : "", number, pin->vector,
	    delivery[pin->delivery & 7], pin->level ? "level" : "edge",
	    pin->pending ? ", pending" : "", pin->remote_irr ? ", remote IRR" : "");
}

static void put_ioapic(struct printing *p, const struct autopsy_controllers *c)
{
	char text[LINE_BYTES] = "";
	unsigned int open = 0;

	if (!c->ioapic_known)
		return;
	for (unsigned int i = 0; i < AUTOPSY_PINS; i++) {
		if (c->pin[i].masked)
			continue;
		add_pin(text, sizeof(text), i, &c->pin[i]);
		open++;
		if (open % PINS_IN_LINE == 0 && open < PINS_IN_LINE * PIN_LINES) {
			put(p, "  I/O APIC, pins not masked: %s", text);
			text[0] = '\0';
		}
	}
	if (text[0])
		put(p, "  I/O APIC, pins not masked: %s", text);
	if (!open)
		put(p, "  I/O APIC: all pins masked");
}

static void put_pics(struct printing *p, const struct autopsy_controllers *c)
{
	if (c->pic_known)
		put(p, "  PIC: master IMR %02x IRR %02x ISR %02x, slave IMR %02x IRR %02x ISR %02x",
		    c->master.imr, c->master.irr, c->master.isr, c->slave.imr, c->slave.irr,
		    c->slave.isr);
	if (c->pit_known && c->pit_mode == PIT_UNUSED)
		put(p, "  PIT channel 0: not programmed");
	else if (c->pit_known)
		put(p, "  PIT channel 0: mode %u, count %u%s", c->pit_mode, c->pit_count,
		    c->pit_gate ? "" : ", gate closed");
}

static const char *iir_reason(uint8_t iir)
{
	switch (iir & 0xf) {
	case UART_IIR_RLSI:
		return "line status";
	case UART_IIR_RDI:
		return "received data";
	case UART_IIR_RX_TIMEOUT:
		return "received data, fewer than asked for";
	case UART_IIR_THRI:
		return "transmitter empty";
	case UART_IIR_MSI:
		return "modem status";
	default:
		return "nothing";
	}
}

static void put_uart(struct printing *p, const struct autopsy_uart *u)
{
	static const struct bit ier[] = {
		{ 0, "received" }, { 1, "sent" }, { 2, "line" }, { 3, "modem" }
	};
	static const struct bit lsr[] = { { 0, "data" },    { 1, "overrun" },   { 2, "parity" },
					  { 3, "framing" }, { 4, "break" },     { 5, "THRE" },
					  { 6, "TEMT" },    { 7, "FIFO-error" } };
	static const struct bit mcr[] = {
		{ 0, "DTR" }, { 1, "RTS" }, { 2, "OUT1" }, { 3, "OUT2" }, { 4, "loop" }
	};
	char enabled[64] = "", line[128] = "", modem[64] = "", input[96] = "";

	ADD_BITS(enabled, u->ier, ier);
	ADD_BITS(line, u->lsr, lsr);
	ADD_BITS(modem, u->mcr, mcr);
	if (u->received || u->waiting)
		add(input, sizeof(input), ", %u bytes received and not read, %u more wait",
		    u->received, u->waiting);
	put(p, "  UART: IER %02x%s, IIR %02x (%s), LSR %02x%s, MCR %02x%s, interrupt line %s%s",
	    u->ier, enabled, u->iir, iir_reason(u->iir), u->lsr, line, u->mcr, modem,
	    u->interrupting ? "up" : "down", input);
}

static void put_controllers(struct printing *p, const struct autopsy *a)
{
	put(p, "what the devices wait for:");
	put_uart(p, &a->uart);
	for (size_t i = 0; i < a->cpus && i <= OTHER_CPUS; i++)
		put_lapic(p, a, &a->cpu[i]);
	put_ioapic(p, &a->controllers);
	put_pics(p, &a->controllers);
}

void autopsy_print_text(const struct autopsy *autopsy, FILE *out)
{
	bool none = strncmp(autopsy->symbols, "no symbols", strlen("no symbols")) == 0;
	struct printing p = { .out = out, .line_bytes = LINE_BYTES };

	put(&p, "autopsy: %s", autopsy->what);
	put_cpus(&p, autopsy);
	put_last_words(&p, autopsy);
	put_registers(&p, autopsy);
	put_controllers(&p, autopsy);
	p.line_bytes = SENTENCE_BYTES;
	put(&p, "%s%s", none ? "" : "symbols: ", autopsy->symbols);
}
