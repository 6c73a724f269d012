/* SPDX-License-Identifier: MIT */
/* The autopsy in the report. docs/report.md is its schema; what changes here changes there. */
#include <inttypes.h>

#include "vmm/timing/autopsy.h"

#define RFLAGS_IF (1ull << 9)

/* A register: more than a number of JSON holds. */
static void hex(struct json *j, const char *key, uint64_t value)
{
	char digits[sizeof("0x") + 16];

	(void)snprintf(digits, sizeof(digits), "%#" PRIx64, value);
	json_text_field(j, key, digits);
}

/* A vector, or null for -1. */
static void vector(struct json *j, const char *key, int value)
{
	json_key(j, key);
	if (value < 0)
		json_text(j, NULL);
	else
		json_number(j, (uint64_t)value);
}

static void row(struct json *j, const char *key)
{
	if (key)
		json_key(j, key);
	json_on_one_line(j);
	json_begin_object(j);
}

/* ---- a CPU ----------------------------------------------------------------------------------- */

static void print_segment(struct json *j, const char *key, const struct autopsy_segment *segment)
{
	row(j, key);
	hex(j, "selector", segment->selector);
	hex(j, "base", segment->base);
	hex(j, "limit", segment->limit);
	json_end_object(j);
}

static void print_table(struct json *j, const char *key, uint64_t base, uint16_t limit)
{
	row(j, key);
	hex(j, "base", base);
	hex(j, "limit", limit);
	json_end_object(j);
}

static void print_registers(struct json *j, const struct autopsy_registers *r)
{
	const struct {
		const char *name;
		uint64_t value;
	} general[] = {
		{ "rip", r->rip }, { "rflags", r->rflags }, { "rax", r->rax }, { "rbx", r->rbx },
		{ "rcx", r->rcx }, { "rdx", r->rdx },       { "rsi", r->rsi }, { "rdi", r->rdi },
		{ "rbp", r->rbp }, { "rsp", r->rsp },       { "r8", r->r8 },   { "r9", r->r9 },
		{ "r10", r->r10 }, { "r11", r->r11 },       { "r12", r->r12 }, { "r13", r->r13 },
		{ "r14", r->r14 }, { "r15", r->r15 },       { "cr0", r->cr0 }, { "cr2", r->cr2 },
		{ "cr3", r->cr3 }, { "cr4", r->cr4 },       { "cr8", r->cr8 }, { "efer", r->efer },
	};

	json_key(j, "registers");
	json_begin_object(j);
	for (size_t i = 0; i < sizeof(general) / sizeof(general[0]); i++)
		hex(j, general[i].name, general[i].value);
	print_segment(j, "cs", &r->cs);
	print_segment(j, "ss", &r->ss);
	print_segment(j, "ds", &r->ds);
	print_segment(j, "es", &r->es);
	print_segment(j, "fs", &r->fs);
	print_segment(j, "gs", &r->gs);
	print_segment(j, "tr", &r->tr);
	print_table(j, "gdt", r->gdt_base, r->gdt_limit);
	print_table(j, "idt", r->idt_base, r->idt_limit);
	json_end_object(j);
}

static void print_exception(struct json *j, const struct autopsy_events *e)
{
	if (!e->exception_injected && !e->exception_pending) {
		json_text_field(j, "exception", NULL);
		return;
	}
	row(j, "exception");
	json_number_field(j, "vector", e->exception);
	json_bool_field(j, "being_delivered", e->exception_injected);
	json_key(j, "error_code");
	if (e->has_error_code)
		json_number(j, e->error_code);
	else
		json_text(j, NULL);
	json_end_object(j);
}

static void print_events(struct json *j, const struct autopsy_cpu *cpu)
{
	const struct autopsy_events *e = &cpu->events;

	if (!cpu->events_known) {
		json_text_field(j, "events", NULL);
		return;
	}
	row(j, "events");
	print_exception(j, e);
	vector(j, "interrupt", e->interrupt_injected ? e->interrupt : -1);
	json_bool_field(j, "interrupt_shadow", e->shadow);
	json_bool_field(j, "nmi_being_delivered", e->nmi_injected);
	json_bool_field(j, "nmi_waits", e->nmi_pending);
	json_bool_field(j, "nmi_masked", e->nmi_masked);
	json_bool_field(j, "in_smm", e->in_smm);
	json_bool_field(j, "smi_waits", e->smi_pending);
	json_end_object(j);
}

static void print_code(struct json *j, const struct autopsy_cpu *cpu)
{
	json_key(j, "code");
	json_on_one_line(j);
	json_begin_object(j);
	json_text_field(j, "why_not", cpu->no_code);
	json_number_field(j, "before_rip", cpu->code_before);
	json_key(j, "bytes");
	json_begin_array(j);
	for (size_t i = 0; i < cpu->code_bytes; i++)
		json_number(j, cpu->code[i]);
	json_end_array(j);
	json_end_object(j);
}

static void print_backtrace(struct json *j, const struct autopsy_cpu *cpu)
{
	json_text_field(j, "unwound_by", cpu->unwound_by);
	json_text_field(j, "no_backtrace", cpu->no_backtrace);
	json_key(j, "backtrace");
	json_begin_array(j);
	for (size_t i = 0; i < cpu->frames; i++) {
		row(j, NULL);
		hex(j, "address", cpu->frame[i].address);
		json_text_field(j, "symbol", cpu->frame[i].symbol);
		json_number_field(j, "offset", cpu->frame[i].offset);
		json_number_field(j, "size_bytes", cpu->frame[i].size_bytes);
		json_bool_field(j, "guessed", cpu->frame[i].guessed);
		json_end_object(j);
	}
	json_end_array(j);
}

static void print_lapic(struct json *j, const struct autopsy_lapic *lapic)
{
	if (!lapic->known) {
		json_text_field(j, "local_apic", NULL);
		return;
	}
	row(j, "local_apic");
	json_bool_field(j, "enabled", lapic->enabled);
	json_bool_field(j, "x2apic", lapic->x2apic);
	json_number_field(j, "id", lapic->id);
	json_number_field(j, "tpr", lapic->tpr);
	vector(j, "highest_irr", lapic->irr);
	vector(j, "highest_isr", lapic->isr);
	json_text_field(j, "timer", autopsy_timer_name(lapic->timer));
	json_number_field(j, "timer_vector", lapic->timer_vector);
	json_bool_field(j, "timer_masked", lapic->timer_masked);
	json_number_field(j, "initial_count", lapic->initial_count);
	json_number_field(j, "current_count", lapic->current_count);
	hex(j, "deadline", lapic->deadline);
	hex(j, "tsc", lapic->tsc);
	json_number_field(j, "tsc_khz", lapic->tsc_khz);
	json_end_object(j);
}

static void print_cpu(struct json *j, const struct autopsy_cpu *cpu)
{
	json_begin_object(j);
	json_number_field(j, "cpu", cpu->cpu);
	json_bool_field(j, "ended_run", cpu->ended_run);
	json_text_field(j, "state", autopsy_state_name(cpu->state));
	json_bool_field(j, "known", cpu->known);
	json_text_field(j, "not_believed", cpu->not_believed);
	json_text_field(j, "mode", cpu->known ? autopsy_mode_name(cpu->mode) : NULL);
	json_number_field(j, "cpl", cpu->cpl);
	json_bool_field(j, "interrupts", cpu->registers.rflags & RFLAGS_IF);
	print_backtrace(j, cpu);
	print_code(j, cpu);
	print_registers(j, &cpu->registers);
	print_events(j, cpu);
	print_lapic(j, &cpu->lapic);
	json_end_object(j);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void print_log(struct json *j, const struct autopsy *a)
{
	json_key(j, "log_tail");
	json_begin_object(j);
	json_text_field(j, "why_not", a->no_log[0] ? a->no_log : NULL);
	json_number_field(j, "records", a->log_of);
	json_key(j, "lines");
	json_begin_array(j);
	for (size_t i = 0; i < a->log_records; i++) {
		row(j, NULL);
		json_number_field(j, "guest_at_ns", a->log[i].at_ns);
		json_number_field(j, "level", a->log[i].level);
		json_text_field(j, "text", a->log[i].text);
		json_end_object(j);
	}
	json_end_array(j);
	json_end_object(j);
}

static void print_uart(struct json *j, const struct autopsy_uart *uart)
{
	row(j, "uart");
	json_number_field(j, "ier", uart->ier);
	json_number_field(j, "iir", uart->iir);
	json_number_field(j, "lsr", uart->lsr);
	json_number_field(j, "mcr", uart->mcr);
	json_bool_field(j, "interrupting", uart->interrupting);
	json_number_field(j, "received_bytes", uart->received);
	json_number_field(j, "waiting_bytes", uart->waiting);
	json_end_object(j);
}

static void print_pic(struct json *j, const char *key, const struct autopsy_pic *pic)
{
	row(j, key);
	json_number_field(j, "imr", pic->imr);
	json_number_field(j, "irr", pic->irr);
	json_number_field(j, "isr", pic->isr);
	json_end_object(j);
}

static void print_pins(struct json *j, const struct autopsy_controllers *c)
{
	json_key(j, "io_apic");
	if (!c->ioapic_known) {
		json_text(j, NULL);
		return;
	}
	json_begin_array(j);
	for (unsigned int i = 0; i < AUTOPSY_PINS; i++) {
		const struct autopsy_pin *pin = &c->pin[i];

		row(j, NULL);
		json_number_field(j, "pin", i);
		json_bool_field(j, "masked", pin->masked);
		json_number_field(j, "vector", pin->vector);
		json_number_field(j, "delivery", pin->delivery);
		json_number_field(j, "destination", pin->destination);
		json_bool_field(j, "logical", pin->logical);
		json_bool_field(j, "level", pin->level);
		json_bool_field(j, "active_low", pin->active_low);
		json_bool_field(j, "pending", pin->pending);
		json_bool_field(j, "remote_irr", pin->remote_irr);
		json_end_object(j);
	}
	json_end_array(j);
}

static void print_controllers(struct json *j, const struct autopsy_controllers *c)
{
	if (c->pic_known) {
		print_pic(j, "pic_master", &c->master);
		print_pic(j, "pic_slave", &c->slave);
	} else {
		json_text_field(j, "pic_master", NULL);
		json_text_field(j, "pic_slave", NULL);
	}
	print_pins(j, c);
	if (!c->pit_known) {
		json_text_field(j, "pit", NULL);
		return;
	}
	row(j, "pit");
	json_number_field(j, "channel_0_mode", c->pit_mode);
	json_number_field(j, "channel_0_count", c->pit_count);
	json_bool_field(j, "channel_0_gate", c->pit_gate);
	json_end_object(j);
}

void autopsy_print_json(const struct autopsy *a, struct json *j)
{
	if (!a) {
		json_text(j, NULL);
		return;
	}
	json_begin_object(j);
	json_text_field(j, "symbols", a->symbols);
	json_bool_field(j, "has_symbols", a->has_symbols);
	json_text_field(j, "initcall", a->initcall);
	json_text_field(j, "initcall_by", a->initcall ? a->initcall_by : NULL);
	json_text_field(j, "last_line", a->last_line);
	json_number_field(j, "last_line_ns", a->last_line_ns);
	json_number_field(j, "stood_ns", a->stood_ns);
	json_text_field(j, "no_cpus", a->no_cpus);
	json_key(j, "cpus");
	json_begin_array(j);
	for (size_t i = 0; i < a->cpus; i++)
		print_cpu(j, &a->cpu[i]);
	json_end_array(j);
	print_log(j, a);
	print_uart(j, &a->uart);
	print_controllers(j, &a->controllers);
	json_end_object(j);
}
