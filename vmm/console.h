/* SPDX-License-Identifier: MIT */
/*
 * The guest's console on its way out: bytes from the UART go into a ring, the supervisor writes
 * them to the host without ever blocking, the watch reads along. Marks by escape sequence are taken
 * out on the way (vmm/timing/escape.h), whether or not somebody records them.
 *
 *	UART -> frames -> marks -> watch, lines, log    text: to the outlets that `text_to` says
 *	           |
 *	           +-> a program's own output           only with `-- PROGRAM`: to CONSOLE_OUT and _ERR
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
#include "vmm/dialogue.h"
#include "vmm/outlet.h"
#include "vmm/program.h"
#include "vmm/timing/escape.h"
#include "vmm/timing/ktap.h"
#include "vmm/timing/lines.h"
#include "vmm/timing/marks.h"
#include "vmm/timing/record.h"
#include "vmm/timing/watch.h"
#include "vmm/trouble.h"

enum {
	CONSOLE_ROOM_BYTES = 1 << 14, /* what a vCPU waits for; one exit brings 4 KiB at most */
	CONSOLE_LINGER_NS = 1000000,
	CONSOLE_TAIL_BYTES = 4096,

	/* A trouble's report goes on, when nothing says where it ends; and what may follow one. */
	CONSOLE_TROUBLE_MS = 1000,
	CONSOLE_TROUBLE_OVER_MS = 100,
};

/* Where bytes leave. */
enum console_outlet {
	CONSOLE_OUT, /* the serial line's other end; stdout for a program */
	CONSOLE_ERR, /* stderr, for a program */
	CONSOLE_LOG, /* the console's text once more, each line behind its time */
	CONSOLE_OUTLETS
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

/* A line that is being put together, of which at most so much is kept. */
struct console_line {
	char text[WATCH_LINE_BYTES];
	size_t bytes;
	uint64_t begun_ns;
};

struct console {
	struct control *control;
	struct marks *marks;

	pthread_mutex_t lock; /* all below; not for the bytes of an outlet's stretch */
	pthread_cond_t room;
	struct outlet outlet[CONSOLE_OUTLETS];
	unsigned int text_to;                   /* bits: 1 << enum console_outlet */
	struct program *program;                /* borrowed, or NULL: all is text */
	const struct trouble *trouble;          /* borrowed, or NULL: nothing is looked for */
	uint64_t trouble_end_ns;                /* when the run ends for it; 0: there is none */
	char trouble_text[ENDING_TEXT_BYTES];   /* its name, and the line that told of it */
	struct dialogue *dialogue;              /* borrowed, or NULL */
	struct ktap *tests;                     /* borrowed, or NULL: nobody looks for them */
	struct console_line out_line, err_line; /* of the program, for tests and reports */
	bool awake;                             /* the supervisor knows that there is something */
	bool tells_all;                         /* it wants to know of bytes that go nowhere, too */
	struct watch watch;
	enum announced announced;
	uint64_t bytes;
	bool timestamps;
	struct escape escape;
	struct lines lines;
	struct record_shared *record;     /* borrowed, or NULL */
	uint8_t tail[CONSOLE_TAIL_BYTES]; /* the last of the text, a ring */
	uint64_t text_bytes;
	char panic[ENDING_TEXT_BYTES]; /* what the kernel gave as its reason; "": nothing */

	int lost; /* the supervisor's: errno of the write after which the rest was lost; 0: none */
};

enum console_flush {
	CONSOLE_EMPTY,   /* nothing is left */
	CONSOLE_BLOCKED, /* the rest goes when the host's reader takes it */
	CONSOLE_LOST,    /* it never will; the run has been ended */
};

/*
 * In memory that is zero: most of it is buffers. dev, control and marks are borrowed; until is NULL or
 * the expression of --until.
 */
void console_init(struct console *console, struct chardev *dev, struct control *control,
		  struct marks *marks, const regex_t *until);
void console_finish(struct console *console);

/*
 * Before the run: opens another way out, borrowed; text: the console's text goes there as well. For
 * CONSOLE_OUT it can take text away.
 */
void console_attach(struct console *console, enum console_outlet which, struct chardev *dev,
		    bool text);

/* Before the run: a program's output comes in frames among the text; borrowed. */
void console_attach_program(struct console *console, struct program *program);

/* Before the run: tests are read from lines of the text, and of a program's output; borrowed. */
void console_attach_tests(struct console *console, struct ktap *tests);

/* Before the run: what -fail-on names is looked for in the text; borrowed. */
void console_attach_trouble(struct console *console, const struct trouble *trouble);

/* Before the run: a script listens to the text, and types; borrowed. */
void console_attach_dialogue(struct console *console, struct dialogue *dialogue);

/* What the script wants to type now, at most room bytes of it: it counts as typed. */
size_t console_to_type(struct console *console, uint8_t *bytes, size_t room);

/* Ends the run for a trouble whose report has had its time. */
void console_end_trouble(struct console *console, uint64_t now_ns);

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

/* The supervisor's: the run has ended, so that nobody need wait for room. */
void console_let_go(struct console *console);

/* The supervisor's: writes out what goes without blocking. */
enum console_flush console_flush(struct console *console);

/* Whether there are bytes to write out. */
bool console_waiting(struct console *console);

/* The supervisor's: from now on bytes wake it also when there is nothing to write out for them. */
void console_tell_all(struct console *console);

/* True when the ring is empty: from now on the next byte wakes the supervisor. */
bool console_sleep(struct console *console);

/* tvmm's own words to the user of the console (help, monitor), in the order of the output. */
void console_say(struct console *console, const char *text);

/* Turns the time stamps before lines on or off. */
void console_toggle_timestamps(struct console *console);

/* The device of an outlet that takes nothing now, and should be polled until it does; else NULL. */
struct chardev *console_blocked(struct console *console, enum console_outlet which);

/* The last of the text, at most size - 1 bytes with a NUL behind them; returns how many. */
size_t console_tail(struct console *console, char *text, size_t size);

enum announced console_announced(struct console *console);

/* How many bytes the guest has sent, marks included. */
uint64_t console_bytes(struct console *console);

#endif
