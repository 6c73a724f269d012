/* SPDX-License-Identifier: MIT */
/*
 * The autopsy: what a guest that came to a bad end was doing, as plain data. vmm/autopsy.c fills it
 * when all CPUs stand still; autopsy_text.c prints it for people, autopsy_json.c into the report.
 *
 * Everything in here may be the guest's invention. Sizes do not come from there, and what is
 * printed is made printable by the printer.
 *
 * Authority: [SDM] "Mode of Operation", "Local APIC", for the names of registers and modes; [KVM]
 * KVM_GET_VCPU_EVENTS, KVM_GET_MP_STATE, KVM_GET_IRQCHIP, KVM_GET_PIT2.
 */
#ifndef TVMM_TIMING_AUTOPSY_H
#define TVMM_TIMING_AUTOPSY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/inside/unwind.h"
#include "vmm/timing/json.h"

enum {
	AUTOPSY_CODE_BEFORE_BYTES = 24, /* bytes shown before RIP */
	AUTOPSY_CODE_BYTES = 40,        /* and from there on as many as an instruction can have */
	AUTOPSY_LOG_RECORDS = 20,
	AUTOPSY_LINE_BYTES = 512,
	AUTOPSY_TEXT_BYTES = 1280, /* a reason in words */
	AUTOPSY_PINS = 24,         /* of the I/O APIC */
	AUTOPSY_TEXT_LINES = 100,  /* that are printed at most */
};

enum autopsy_mode {
	AUTOPSY_REAL,
	AUTOPSY_VIRTUAL_8086,
	AUTOPSY_PROTECTED, /* 32-bit without paging */
	AUTOPSY_PAGED,     /* 32-bit with it, PAE included */
	AUTOPSY_COMPATIBILITY,
	AUTOPSY_LONG,
	AUTOPSY_MODES
};

/* What KVM has the CPU do: KVM_MP_STATE_*. */
enum autopsy_state {
	AUTOPSY_RUNNABLE,
	AUTOPSY_NOT_STARTED, /* waits for INIT */
	AUTOPSY_INIT_RECEIVED,
	AUTOPSY_HALTED,
	AUTOPSY_SIPI_RECEIVED,
	AUTOPSY_STATE_UNKNOWN,
	AUTOPSY_STATES
};

struct autopsy_segment {
	uint16_t selector;
	uint64_t base;
	uint32_t limit;
	bool long_code; /* CS.L */
};

struct autopsy_registers {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags;
	uint64_t cr0, cr2, cr3, cr4, cr8, efer;
	struct autopsy_segment cs, ss, ds, es, fs, gs, tr;
	uint64_t gdt_base, idt_base;
	uint16_t gdt_limit, idt_limit;
};

/* What waits to be delivered, or is being delivered. */
struct autopsy_events {
	bool exception_injected, exception_pending; /* being delivered; waits */
	uint8_t exception;                          /* its vector */
	bool has_error_code;
	uint32_t error_code;
	bool interrupt_injected;
	uint8_t interrupt; /* its vector */
	bool shadow;       /* the instruction behind sti or mov ss */
	bool nmi_injected, nmi_pending, nmi_masked;
	bool in_smm, smi_pending;
};

enum autopsy_timer { AUTOPSY_ONE_SHOT, AUTOPSY_PERIODIC, AUTOPSY_TSC_DEADLINE, AUTOPSY_NO_TIMER };

struct autopsy_lapic {
	bool known;
	bool enabled, x2apic; /* by IA32_APIC_BASE and SVR */
	uint32_t id;
	uint8_t tpr;
	int irr, isr; /* the highest vector that waits, that is served; -1: none */
	enum autopsy_timer timer;
	uint8_t timer_vector;
	bool timer_masked;
	uint32_t initial_count, current_count;
	uint64_t deadline, tsc; /* of the guest's TSC; deadline 0: not armed */
	uint32_t tsc_khz;       /* 0: not known */
};

struct autopsy_frame {
	uint64_t address;
	const char *symbol; /* borrowed; NULL: none is known */
	uint64_t offset, size_bytes;
	bool guessed; /* a word of the stack that may be left from an earlier call */
};

struct autopsy_cpu {
	unsigned int cpu;
	bool ended_run;           /* the ending is of this CPU */
	bool known;               /* false: KVM does not tell its registers */
	const char *not_believed; /* why they are not those of the crash: static; NULL: they are */
	enum autopsy_mode mode;
	unsigned int cpl;
	enum autopsy_state state;
	struct autopsy_registers registers;
	bool events_known;
	struct autopsy_events events;
	struct autopsy_lapic lapic;

	/* Instruction bytes: code[code_before] is the one at RIP. */
	uint8_t code[AUTOPSY_CODE_BYTES];
	uint8_t code_bytes, code_before;
	const char *no_code; /* static; NULL: there is */

	struct autopsy_frame frame[UNWIND_FRAMES_MAX]; /* innermost, at RIP, first */
	size_t frames;
	const char *unwound_by;   /* "ORC", "frame pointers", "guessing"; static */
	const char *no_backtrace; /* why there is no more than RIP: static; NULL: there is */
};

struct autopsy_uart {
	uint8_t ier, iir, lsr, mcr;
	unsigned int received; /* bytes in its receive FIFO */
	unsigned int waiting;  /* typed or piped, and not yet in it */
	bool interrupting;     /* its interrupt line is up */
};

struct autopsy_pic {
	uint8_t imr, irr, isr;
};

struct autopsy_pin {
	uint8_t vector, delivery; /* delivery: 0 fixed, 1 lowest priority, 4 NMI, 7 ExtINT ... */
	uint8_t destination;
	bool logical, level, active_low, masked;
	bool remote_irr; /* a level interrupt that nobody has acknowledged */
	bool pending;    /* the pin is up, or an edge waits */
};

struct autopsy_controllers {
	bool pic_known, ioapic_known, pit_known;
	struct autopsy_pic master, slave;
	struct autopsy_pin pin[AUTOPSY_PINS];
	uint8_t pit_mode; /* of channel 0 */
	uint32_t pit_count;
	bool pit_gate;
};

struct autopsy_log_record {
	uint64_t at_ns; /* the guest's clock */
	uint8_t level;
	const char *text; /* borrowed; NUL-terminated, may have several lines */
};

struct autopsy {
	const char *what;        /* the ending's sentence; borrowed */
	uint64_t stood_ns;       /* from the end to when the CPUs were looked at */
	struct autopsy_cpu *cpu; /* owned; the one that ended the run first */
	size_t cpus;
	const char *no_cpus; /* static; NULL: there are */

	char symbols[AUTOPSY_TEXT_BYTES]; /* where names come from, or why there are none */
	bool has_symbols;

	const char *initcall; /* that was entered and has not returned; borrowed; NULL: not known */
	const char *initcall_by; /* how that is known; static */

	char last_line[AUTOPSY_LINE_BYTES]; /* of the console; "": an empty one, or none */
	uint64_t last_line_ns;              /* from its first byte to the end; 0: there was none */

	struct autopsy_log_record log[AUTOPSY_LOG_RECORDS];
	size_t log_records;
	size_t log_of;                   /* how many the whole log has */
	char no_log[AUTOPSY_TEXT_BYTES]; /* why there is none; "": there is */

	struct autopsy_uart uart;
	struct autopsy_controllers controllers;
};

/* As they are called in both outputs. */
const char *autopsy_mode_name(enum autopsy_mode mode);
const char *autopsy_state_name(enum autopsy_state state);
const char *autopsy_timer_name(enum autopsy_timer timer);
const char *autopsy_exception_name(uint8_t vector); /* "#PF"; "": no such exception */

/* For people: at most AUTOPSY_TEXT_LINES lines, each begins with "tvmm: ". */
void autopsy_print_text(const struct autopsy *autopsy, FILE *out);

/* The member `autopsy` of the report, behind its key: docs/report.md. NULL: none was made. */
void autopsy_print_json(const struct autopsy *autopsy, struct json *json);

#endif
