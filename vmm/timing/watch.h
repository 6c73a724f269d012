/* SPDX-License-Identifier: MIT */
/*
 * Reads along with the guest's console, line by line, and tells what a line says about the run:
 * that the kernel panicked, restarts, powers down, that a landmark of the boot was passed. What a
 * guest prints is the guest's word; the times are the host's.
 *
 * Authority: the kernel's own messages, Linux kernel/panic.c, kernel/reboot.c, init/main.c,
 * arch/x86/boot/compressed/error.c. They
 * are looked for at the start of a line, behind printk's time stamp if there is one; those of panic
 * and reboot anywhere in a line, because a prompt may stand before them.
 */
#ifndef TVMM_TIMING_WATCH_H
#define TVMM_TIMING_WATCH_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WATCH_LINE_BYTES = 512,
	WATCH_MARKS = 64, /* one bit each in struct watch */
};

/* --mark NAME=REGEX. */
struct watch_mark {
	const char *name; /* borrowed */
	regex_t re;       /* compiled with REG_NOSUB */
};

/* A line can say one of the kernel's things and match the expression as well: bits. */
enum watch_event {
	WATCH_NOTHING = 0,
	WATCH_BANNER = 1 << 0,      /* "Linux version" */
	WATCH_RUN_INIT = 1 << 1,    /* "Run ... as init process" */
	WATCH_INIT_LINE = 1 << 2,   /* "Boot took" */
	WATCH_PANIC = 1 << 3,       /* "Kernel panic - not syncing" */
	WATCH_PANIC_ENDS = 1 << 4,  /* "---[ end Kernel panic" or "Rebooting in"; with WATCH_PANIC:
				       the decompressor's " -- System halted" */
	WATCH_RESTARTS = 1 << 5,    /* "reboot: Restarting system", "reboot: machine restart" */
	WATCH_POWERS_DOWN = 1 << 6, /* "reboot: Power down" */
	WATCH_HALTS = 1 << 7,       /* "reboot: System halted" */
	WATCH_UNTIL = 1 << 8,       /* the expression matched */
	WATCH_MARK = 1 << 9,        /* marks matched for the first time: watch->matched_now */
};

/* Where a stream of bytes is in a control sequence. */
enum watch_escape { WATCH_PLAIN, WATCH_AFTER_ESC, WATCH_IN_SEQUENCE, WATCH_IN_STRING };

struct watch {
	char line[WATCH_LINE_BYTES]; /* what is longer is looked at up to here */
	size_t length;
	enum watch_escape escape; /* inside a control sequence, which is left out */
	bool in_line;             /* a byte of this line has been seen */
	bool banner_seen;         /* WATCH_BANNER was told */
	bool looked_at;           /* nothing new since the expression was last tried */
	uint64_t start_ns;        /* when the line's first byte came */
	const regex_t *until;     /* borrowed, or NULL */

	const struct watch_mark *marks; /* borrowed */
	size_t mark_count;
	uint64_t matched, matched_now; /* bits: so far, and with the last WATCH_MARK */
};

void watch_init(struct watch *watch, const regex_t *until);

/* Looks for these as well, each until it has matched; at most WATCH_MARKS, borrowed. */
void watch_marks(struct watch *watch, const struct watch_mark *marks, size_t count);

/*
 * Takes the next byte; tells what its line says, in bits, when the byte ends a line. (What a
 * decompressor says last has no end, and is told at its last byte.)
 */
unsigned int watch_byte(struct watch *watch, uint8_t byte);

/*
 * Whether this byte is part of a control sequence, and so no part of what a line says; *state is
 * WATCH_PLAIN at first, and again at each '\n', which this is not asked about.
 */
bool watch_in_sequence(enum watch_escape *state, uint8_t byte);

/*
 * What a line says behind printk's "[    0.123456] ", with or without the "[    T1]" of
 * PRINTK_CALLER before the space.
 */
const char *watch_text(const char *line);

/* For a line that waits without an end, as a prompt does: WATCH_UNTIL, WATCH_MARK, both or none. */
unsigned int watch_unfinished(struct watch *watch);

#endif
