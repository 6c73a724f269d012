/* SPDX-License-Identifier: MIT */
/*
 * What is written down while the guest runs: plain numbers in memory that was reserved before the
 * first instruction. Nothing here allocates, reads symbols or prints; what it means is worked out
 * when the run is over (vmm/timing/digest.h). Times are clock_now_ns().
 *
 * Each CPU has a record of its own, written by its thread alone. When a table is full the rest is
 * counted, not kept.
 */
#ifndef TVMM_TIMING_RECORD_H
#define TVMM_TIMING_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum {
	RECORD_EXITS = 1 << 20,
	RECORD_TIMES = 1 << 12,
	RECORD_SAMPLES = 1 << 16,
	RECORD_STACK_BYTES = 2048, /* of each sample, at most */
	RECORD_STACK_POOL_BYTES = 64 << 20,
	RECORD_INITCALLS = 1 << 13,
	RECORD_HITS = 64,
	RECORD_LINES = 1 << 14,
	RECORD_LINE_TEXT_BYTES = 2 << 20,
	RECORD_USER_MARKS = 256,
	RECORD_NAME_BYTES = 64,
};

enum record_exit_kind {
	RECORD_EXIT_PIO,
	RECORD_EXIT_MMIO,
	RECORD_EXIT_DEBUG, /* a breakpoint of ours */
	RECORD_EXIT_KICK,  /* taken out of the guest by ourselves, for a sample or a question */
	RECORD_EXIT_OTHER, /* address: KVM's exit reason */
	RECORD_EXIT_KINDS
};

/*
 *   ... guest and KVM ... | served here | ... guest and KVM ... |
 *                      left_ns   left_ns + served_ns
 */
struct record_exit {
	uint64_t left_ns;   /* KVM_RUN returned */
	uint64_t address;   /* port, guest-physical address, RIP, exit reason */
	uint32_t served_ns; /* until KVM_RUN was entered again */
	uint16_t count;     /* accesses in it: more than 1 for string instructions */
	uint8_t kind;       /* enum record_exit_kind */
	uint8_t size : 7;   /* bytes of an access */
	uint8_t out : 1;    /* the guest wrote */
};

/* What the host knows of a vCPU's thread at a moment; each counts from its beginning. */
struct record_times {
	uint64_t at_ns;
	uint64_t cpu_ns;             /* CPU time of the thread, guest included */
	uint64_t user_ns, system_ns; /* the same as the kernel splits it; 0, 0: it does not tell */
	uint64_t waiting_ns;         /* runnable, but another thread had the CPU: schedstat */
	uint64_t halted_ns;          /* KVM's halt_wait_ns + halt_poll_*_ns; 0: not told */
	uint64_t kvm_exits; /* all exits, those that KVM serves itself included; 0: not told */
};

struct record_sample {
	uint64_t at_ns, rip, rsp, rbp;
	uint32_t stack;       /* where in the pool */
	uint16_t stack_bytes; /* 0: none could be read */
	uint8_t user;         /* CPL 3 */
	uint8_t halted;       /* waits in KVM for an interrupt */
};

struct record {
	struct record_exit *exit;
	struct record_times *times;
	struct record_sample *sample;
	uint8_t *stack_pool;
	size_t exits, times_taken, samples, stack_pool_used;
	uint64_t exits_lost, samples_lost;
};

/* A breakpoint of the chain that fired. */
struct record_hit {
	uint64_t at_ns;       /* KVM_RUN returned */
	uint64_t tsc;         /* the host's, read with it */
	uint64_t overhead_ns; /* all that breakpoints have cost up to at_ns, on this chain */
	uint16_t phase;       /* number in the chain */
	uint16_t cpu;
};

struct record_initcall {
	uint64_t function;  /* address */
	uint64_t enter_ns;  /* the guest goes on at the function's call */
	uint64_t return_ns; /* KVM_RUN returned at the return address; 0: never seen */
	int64_t result;     /* what it returned */
	uint16_t cpu;
};

/* A line of the console; text is what fits into the pool. */
struct record_line {
	uint64_t first_byte_ns, last_byte_ns;
	uint32_t text, text_bytes; /* where in the lines' text, without its end of line */
};

/* A mark that the guest made, or that a line made. */
enum record_mark_source {
	RECORD_MARK_ESCAPE,
	RECORD_MARK_POST,
	RECORD_MARK_LINE,
	RECORD_MARK_EXIT
};
struct record_mark {
	uint64_t at_ns;
	uint8_t source; /* enum record_mark_source */
	char name[RECORD_NAME_BYTES];
};

/* What all CPUs share; each table is written under the lock of who writes it. */
struct record_shared {
	size_t hits;
	struct record_initcall *initcall; /* the tracer's */
	size_t initcalls;
	uint64_t initcalls_lost;
	struct record_line *line; /* the console's */
	size_t lines;
	char *line_text;
	size_t line_text_bytes;
	uint64_t lines_lost;
	size_t marks;
	uint64_t marks_lost;
	struct record_hit hit[RECORD_HITS];         /* under the tracer's */
	struct record_mark mark[RECORD_USER_MARKS]; /* the console's */
};

/* Reserves; pages come from the host as they are written. 0, or -ENOMEM with *e. */
int record_init(struct record *record, bool exits, bool times, bool samples, struct err *e);
void record_finish(struct record *record);
int record_shared_init(struct record_shared *shared, bool lines, struct err *e);
void record_shared_finish(struct record_shared *shared);

/* Keeps a mark unless the table is full; name is cut and copied. */
void record_mark(struct record_shared *shared, enum record_mark_source source, const char *name,
		 uint64_t at_ns);

#endif
