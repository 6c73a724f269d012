/* SPDX-License-Identifier: MIT */
/*
 * How a run ended: a value, made where the fact is known, carried to main, turned there into one
 * sentence and an exit status. No two kinds share a sentence.
 */
#ifndef TVMM_ENDING_H
#define TVMM_ENDING_H

#include <stddef.h>
#include <stdint.h>

enum ending_kind {
	ENDING_NONE,             /* still running */
	ENDING_POWERED_OFF,      /* said "Power down", then halted for good */
	ENDING_POWERED_OFF_ACPI, /* through ACPI's registers */
	ENDING_HALTED,           /* halted with interrupts off */
	ENDING_RESET_I8042,
	ENDING_RESET_PORT_CF9,
	ENDING_RESET_PORT_92,
	ENDING_RESET_TRIPLE_FAULT, /* after the kernel said that it restarts */
	ENDING_UNTIL,              /* a console line matched --until */
	ENDING_QUIT,               /* from the keyboard: Ctrl-a x, or quit in the monitor */
	ENDING_DEBUG_EXIT,         /* isa-debug-exit; detail: the status */
	ENDING_TRIPLE_FAULT,
	ENDING_KVM_INTERNAL_ERROR, /* detail: suberror */
	ENDING_KVM_FAIL_ENTRY,     /* detail: hardware_entry_failure_reason */
	ENDING_KVM_UNKNOWN_EXIT,   /* detail: exit reason */
	ENDING_KVM_RUN_FAILED,     /* detail: errno */
	ENDING_TIMEOUT,            /* detail: nanoseconds allowed */
	ENDING_OUTPUT_LOST,        /* detail: errno of the write; text: which output */
	ENDING_PANIC,              /* text: the kernel's reason, if it is known */
	ENDING_SIGNAL,             /* detail: the signal's number */
	ENDING_HANG,           /* nothing moved; detail: nanoseconds allowed; text: what was seen */
	ENDING_FAIL_ON,        /* the console said what --fail-on names; text: name and line */
	ENDING_DIALOGUE,       /* over before --send's dialogue was; text: what was waited for */
	ENDING_TESTS_FAILED,   /* --tap: not all passed; text: how many */
	ENDING_GUEST_EXITED,   /* the program behind -- ; detail: its exit status, 0 to 255 */
	ENDING_GUEST_SIGNALED, /* the same, killed; detail: the signal's number */
	ENDING_GUEST_CANNOT_RUN, /* the program could not be started; text: why */
	ENDING_GUEST_LEFT,       /* the guest ended before the program had; text: how it ended */
	ENDING_FRAMES_DAMAGED,   /* what the guest's init sent does not hold together; text: how */
	ENDING_KINDS
};

/* The process's exit statuses that tvmm itself gives. */
enum status {
	STATUS_OK = 0,
	STATUS_BUDGET = 120, /* what was to be checked did not hold: -assert, --fail-on, --tap */
	STATUS_CRASHED = 121,
	STATUS_HANG = 122,
	STATUS_TIMEOUT = 124,
	STATUS_TROUBLE = 125,
	STATUS_SIGNAL = 128, /* and the signal's number */
	STATUS_PANIC = 255,
};

enum {
	ENDING_BYTES_MAX = 15,
	ENDING_TEXT_BYTES = 160,

	/* A program's own status in tvmm's: what is greater is told, and becomes the greatest. */
	ENDING_GUEST_STATUS_MAX = 119,
	ENDING_GUEST_SIGNAL = 100, /* and the signal's number */
};

struct ending {
	enum ending_kind kind;
	unsigned int cpu; /* the CPU that ended the run; 0 also for an end that none of them made */
	unsigned int cpus; /* how many there were; with one, nobody asks which */
	uint64_t rip;      /* where that CPU was; 0 if it is not known */
	uint64_t detail;
	/* Instruction bytes at rip, as far as KVM told them (ENDING_KVM_INTERNAL_ERROR). */
	uint8_t instruction[ENDING_BYTES_MAX];
	uint8_t instruction_bytes;
	char text[ENDING_TEXT_BYTES]; /* for kinds that have one; printable ASCII */
};

/* The process's exit status, 0 to 255 (design: "Exit status"). */
int ending_status(const struct ending *ending);

/* The kind in one word that programs can compare: "power-off", "panic", "timeout" ... */
const char *ending_word(const struct ending *ending);

/*
 * What KVM calls an exit: "HLT", "INTERNAL_ERROR"; for one that has no name here, words that say
 * so.
 */
const char *ending_exit_name(uint64_t reason);

/*
 * Copies a guest's text into one for ending.text, at most size bytes with its NUL: what is not
 * printable ASCII becomes a '?', blanks at both ends go, "..." stands for what has no room.
 */
void ending_quote(char *to, size_t size, const char *text, size_t bytes);

/* One sentence without a full stop; at most size bytes with its NUL. */
void ending_describe(const struct ending *ending, char *text, size_t size);

#endif
