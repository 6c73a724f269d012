/* SPDX-License-Identifier: MIT */
/*
 * The guest's console on its way out: bytes from the UART go into a ring, the supervisor writes
 * them to the host without ever blocking, the watch reads along. Marks by escape sequence are taken
 * out on the way (vmm/timing/escape.h), whether or not somebody records them.
 *
 * Nothing is lost: when the host's reader is slow the ring fills, and a vCPU that has more to send
 * waits outside the guest until there is room. Time-outs and signals work meanwhile, because the
 * one who waits is not the one who handles them. When the reader is gone the run ends and says so.
 *
 * A burst of bytes costs the vCPU one wake-up of the supervisor, which goes on emptying the ring
 * every CONSOLE_LINGER_NS until it finds nothing.
 */
#ifndef TVMM_CONSOLE_H
#define TVMM_CONSOLE_H

#include <pthread.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/chardev.h"
#include "vmm/control.h"
#include "vmm/timing/escape.h"
#include "vmm/timing/lines.h"
#include "vmm/timing/marks.h"
#include "vmm/timing/record.h"
#include "vmm/timing/watch.h"

enum {
	CONSOLE_RING_BYTES = 1 << 16,
	CONSOLE_ROOM_BYTES = 1 << 14, /* what a vCPU waits for; one exit brings 4 KiB at most */
	CONSOLE_LINGER_NS = 1000000,
};

/*
 * What the kernel last said of itself on the console. The last word counts: a kernel that restarts
 * in good order after something printed a panic's text has not panicked, and one that panics while
 * it shuts down has.
 */
enum announced {
	ANNOUNCED_NOTHING,
	ANNOUNCED_PANIC,
	ANNOUNCED_RESTART,
	ANNOUNCED_POWER_DOWN,
	ANNOUNCED_HALT,
};

struct console {
	struct chardev *dev;
	struct control *control;
	struct marks *marks;

	pthread_mutex_t lock; /* all below, but for `first` and `count` while only written out */
	pthread_cond_t room;
	uint8_t ring[CONSOLE_RING_BYTES];
	size_t first, count;
	bool awake; /* the supervisor knows that there is something */
	struct watch watch;
	enum announced announced;
	uint64_t bytes;
	bool timestamps, at_line_start;
	struct escape escape;
	struct lines lines;
	struct record_shared *record; /* borrowed, or NULL */

	int lost; /* the supervisor's: errno of the write after which the rest was lost; 0: none */
};

enum console_flush {
	CONSOLE_EMPTY,   /* nothing is left */
	CONSOLE_BLOCKED, /* the rest goes when the host's reader takes it */
	CONSOLE_LOST,    /* it never will; the run has been ended */
};

/* dev, control and marks are borrowed; until is NULL or the expression of --until. */
void console_init(struct console *console, struct chardev *dev, struct control *control,
		  struct marks *marks, const regex_t *until);
void console_finish(struct console *console);

/*
 * Before the run, if at all: from now on marks are written down, and lines if the record has room
 * for them. All is borrowed; the record's lines and marks are the console's to write until the run
 * is over. marks: --mark, at most WATCH_MARKS.
 */
void console_record(struct console *console, struct record_shared *record,
		    const struct watch_mark *marks, size_t count);

/* Writes down a mark that the guest makes now by other means; ctx is the console. */
void console_mark(void *ctx, enum record_mark_source source, const char *name);

/*
 * The UART's byte sink; ctx is the console. Before each exit's bytes, 4 KiB at most, somebody has
 * to look for room; the lock that he holds from then on, the machine's, keeps others from taking
 * it.
 */
void console_put(void *ctx, const uint8_t *bytes, size_t count);
bool console_has_room(struct console *console);

/*
 * When no vCPU runs any more, and before the last flush: what looked like the beginning of a mark
 * was none and goes out after all; an unfinished line is written down, and looked at for marks.
 */
void console_end_of_input(struct console *console);

/*
 * On a vCPU's thread, outside the guest and without any lock: blocks while the ring has no room and
 * the run has not ended.
 */
void console_wait_for_room(struct console *console);

/* The supervisor's: writes out what goes without blocking. */
enum console_flush console_flush(struct console *console);

/* Whether there are bytes to write out. */
bool console_waiting(struct console *console);

/* True when the ring is empty: from now on the next byte wakes the supervisor. */
bool console_sleep(struct console *console);

/* tvmm's own words to the user of the console (help, monitor), in the order of the output. */
void console_say(struct console *console, const char *text);

/* Turns the time stamps before lines on or off. */
void console_toggle_timestamps(struct console *console);

enum announced console_announced(struct console *console);

/* How many bytes the guest has sent, marks included. */
uint64_t console_bytes(struct console *console);

#endif
