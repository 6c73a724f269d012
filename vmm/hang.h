/* SPDX-License-Identifier: MIT */
/*
 * Is the guest stuck? A judge that is given samples of all CPUs, some 32 in the time allowed, and
 * says when nothing has moved for so long. It touches no CPU and reads no clock: hangwatch.h does.
 *
 * Nothing moves when in all that time
 *
 *  - no byte came out on the console, none that was typed was taken, and no mark was made; and
 *  - each CPU was found in one of two states, or in a mixture of them:
 *	spinning  it executes the same few instructions: at most HANG_RIPS addresses, HANG_SPAN_BYTES
 *		  from the first to the last. In the kernel or in user space, with or without exits.
 *	halted    with interrupts off; or waiting to be started; or with interrupts on where nothing
 *		  is armed that would wake it: not the timer of its local APIC, not the PIT.
 *
 * Each number has a reason. A lock, a delay or a panic's loop is up to a dozen instructions, in two
 * or three lines of the cache; a loop that does something calls something. Of a CPU that takes
 * timer interrupts while it spins, some samples show the interrupt's code: one in HANG_OUTLIERS may
 * lie anywhere. Thirty-two samples make it unlikely that a guest at work shows so little of it.
 *
 * A guest that waits for input is not stuck: one whose CPUs are halted and that wants to be told of
 * received bytes (which Linux does as long as anybody has the port open), and one that polls the
 * UART for them. With `idle` these are stuck as well, and so is a guest that only sleeps: a halted
 * CPU counts whatever would wake it, and only what moves keeps the run going.
 *
 * Not told from a hang: a computation that stays in one small loop for all that time, and says
 * nothing. Not told from work: a loop that is longer, or goes through several places (system calls
 * that fail at once, say). A PIT that counts down once is taken for armed also when it has done so:
 * KVM does not tell.
 */
#ifndef TVMM_HANG_H
#define TVMM_HANG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum {
	HANG_SAMPLES = 32, /* of each CPU in the time allowed, unless that is very short or long */
	HANG_RIPS = 16,
	HANG_SPAN_BYTES = 256,
	HANG_OUTLIERS = 16,
};

#define HANG_MIN_NS          100000000ULL
#define HANG_INTERVAL_MIN_NS 10000000ULL
#define HANG_INTERVAL_MAX_NS 500000000ULL

struct hang_options {
	uint64_t allowed_ns; /* 0: nobody looks for hangs */
	bool idle;           /* waiting and sleeping are hangs too */
};

/* "5s", "500ms,idle". 0, or -EINVAL with *e. */
int hang_parse(const char *text, struct hang_options *options, struct err *e);

enum hang_state {
	HANG_RUNS,
	HANG_HALTED,     /* waits for an interrupt */
	HANG_HALTED_OFF, /* halted with interrupts off */
	HANG_UNSTARTED,  /* waits for INIT and a start-up IPI */
};

/* A CPU at a moment. */
struct hang_sample {
	enum hang_state state;
	bool user;  /* runs at CPL 3 */
	bool timer; /* halted: the timer of its local APIC will interrupt it */
	bool pic;   /* halted: it takes the PIC's interrupts, at LINT0 */
	uint64_t rip;
};

/* What the CPUs share, at the same moment. */
struct hang_board {
	uint64_t moves;      /* changes with all that moves but CPUs; else without a meaning */
	uint64_t polls;      /* changes while the guest polls the UART for input */
	bool listens;        /* the UART interrupts when a byte is received */
	bool pit_by_pic;     /* the PIT's channel 0 ticks, and its interrupt passes the PIC ... */
	bool pit_by_io_apic; /* ... or the I/O APIC */
};

/* Of one CPU since the window began. Private to hang.c. */
struct hang_cpu {
	uint64_t rip[HANG_RIPS], lowest, highest;
	unsigned int rips, outliers, ran;
	bool user;  /* the few addresses are user space's */
	bool timer; /* one was to wake it when it was last seen halted in this window */
	struct hang_sample last;
};

struct hang {
	struct hang_options options;
	struct hang_cpu *cpu; /* of all CPUs; borrowed */
	unsigned int cpus;

	/* Private to hang.c. The window: since something moved. */
	uint64_t quiet_ns, last_ns;
	unsigned int rounds; /* in the window, the first one included */
	unsigned int turn;   /* rounds ever */
	struct hang_board board;
};

void hang_init(struct hang *hang, const struct hang_options *options, struct hang_cpu *cpu,
	       unsigned int cpus);

/*
 * How long to wait before the next samples: a 32nd of the time allowed, within
 * HANG_INTERVAL_MIN_NS and _MAX_NS, and up to a quarter more, ever different so as not to keep step
 * with a guest's timer.
 */
uint64_t hang_wait_ns(const struct hang *hang);

/*
 * A sample of each CPU, and the board after the last of them was taken. True when the guest has
 * been stuck for the time allowed. A round that comes late counts for one and a half of the usual
 * interval, so that a host that stood still does not make a hang.
 */
bool hang_take(struct hang *hang, uint64_t now_ns, const struct hang_board *board,
	       const struct hang_sample *sample);

/* By the last samples, all CPUs are halted with interrupts off, or have not been started. */
bool hang_all_off(const struct hang *hang);

/* After hang_take() has said so: what was seen, in at most size bytes with the NUL. */
void hang_describe(const struct hang *hang, char *text, size_t size);

#endif
