/* SPDX-License-Identifier: MIT */
/*
 * The report: what a run was and where its time went, as plain data that every output is made from.
 * digest.c fills it from the record when the run is over; report_text.c, report_json.c,
 * report_trace.c, report_html.c, flame.c, report_junit.c and report_summary.c print it. All strings are borrowed and outlive the
 * report; all arrays are the digest's own.
 *
 * Times of day are never told. `at_ns` is since process start, on one clock (CLOCK_MONOTONIC_RAW).
 */
#ifndef TVMM_TIMING_REPORT_H
#define TVMM_TIMING_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/err.h"
#include "vmm/timing/host.h"
#include "vmm/timing/ktap.h"
#include "vmm/timing/record.h"

struct autopsy;

enum { REPORT_SCHEMA_VERSION = 1 };

enum report_source {
	REPORT_BY_TVMM,       /* tvmm itself was there */
	REPORT_BY_CONSOLE,    /* a line of the console, at its first byte */
	REPORT_BY_BREAKPOINT, /* the CPU came to an address */
	REPORT_BY_GUEST,      /* the guest said so: an escape sequence, a port */
};

/* A moment. */
struct report_mark {
	const char *name;  /* unique in a report: "start_kernel", "Run /init", "mark:shell" */
	const char *taken; /* in words, how: "main() begins", "console line \"Linux version\"" */
	enum report_source source;
	uint64_t at_ns;
	uint64_t overhead_ns; /* of at_ns, spent on breakpoints and samples */
	unsigned int cpu;
};

/* What the vCPUs' time was spent on. guest, tvmm, idle and stolen add up to `wall_ns`. */
struct report_split {
	bool known;       /* false: nobody took it */
	uint64_t wall_ns; /* of all CPUs together: two of them for a second are two seconds */
	uint64_t
		guest_ns; /* inside KVM_RUN, not halted, on a CPU: guest code and KVM's own work for it */
	uint64_t kvm_ns;  /* of guest_ns, system time as the host's kernel splits it: KVM's part */
	uint64_t tvmm_ns; /* serving exits */
	uint64_t idle_ns; /* halted */
	uint64_t stolen_ns; /* wanted to run, but another had the CPU */
	uint64_t kvm_exits; /* all exits, those that KVM served itself included; 0: not told */
};

/* What happened from one mark to the next. The step is called by the mark that it begins with. */
struct report_step {
	size_t from, to; /* marks */
	uint64_t ns;     /* less the overhead in it */
	uint64_t overhead_ns;
	uint64_t exits, exits_ns; /* to user space, and the time to serve them */
	uint64_t console_bytes, console_exits, console_ns;
	struct report_split split;
};

struct report_exit_class {
	enum record_exit_kind kind;
	uint64_t address;  /* port, address, reason; 0 for breakpoints and kicks */
	const char *owner; /* the device there, "nobody", the reason's name */
	bool out;
	uint64_t exits, accesses, ns; /* ns: to serve them */
	uint64_t *in_step;            /* exits by step */
};

struct report_initcall {
	const char *name;   /* by symbol, or its address */
	const char *level;  /* "early", "pure", "core" ... "late", "module"; "": not known */
	uint64_t at_ns, ns; /* ns: less what the two exits cost */
	int64_t result;
	unsigned int cpu;
};

struct report_console {
	uint64_t bytes;
	uint64_t
		coalesced; /* of them: those that came by KVM's ring, without an exit of their own */
	uint64_t exits;    /* at the UART's ports */
	uint64_t served_ns; /* to serve them */
	uint64_t
		round_trip_ns; /* of one exit without serving it: measured in this run, or taken; 0: not known */
	const char *round_trip_by; /* how it was found */
	uint64_t tax_ns;           /* served_ns + exits * round_trip_ns */
	const struct report_line *line;
	size_t lines;
	uint64_t lines_lost;
};

struct report_line {
	uint64_t at_ns, end_ns;
	const char *text; /* NUL-terminated; control characters are still in it */
};

/* A stack and how often it was seen. Frames from the outermost to the innermost. */
struct report_stack {
	const char *const *frame;
	size_t frames;
	uint64_t samples;
};

struct report_profile {
	uint64_t rate_hz; /* asked for; 0: there is none */
	uint64_t samples, lost;
	const char *unwound_by; /* "ORC", "frame pointers", "none" */
	const struct report_stack *stack;
	size_t stacks;
	struct report_sample {
		uint64_t at_ns;
		unsigned int cpu;
		size_t stack;
	} * sample; /* in order of time */
};

struct report_log_line {
	uint64_t at_ns; /* the guest's clock */
	uint8_t level;
	const char *text;
};

enum report_unit { REPORT_NS, REPORT_BYTES, REPORT_COUNT };

/* A number by name, for -assert, bench and compare. */
struct report_metric {
	const char *name;
	enum report_unit unit;
	uint64_t value;
	const char *from, *to; /* marks, or "" */
};

struct report {
	const char *version;
	const char *const *command; /* argv */
	size_t words;
	struct report_host host;
	const char *const *fallback; /* what the run had to do without, in sentences */
	size_t fallbacks;

	struct {
		const char *kernel, *initrd, *cmdline, *banner, *build_id; /* "": not known */
		const char *
			fast_append; /* words of cmdline that -fast-append added; "": none; NULL: not asked for */
		const char *no_fast_append; /* why none was; else NULL */
		const char *entered;        /* "vmlinux in the bzImage, unpacked now", ... */
		const char *symbols;        /* where they come from, in words; "": there are none */
		uint64_t ram_bytes;
		unsigned int cpus;
	} guest;

	struct {
		int status;
		const char *kind; /* one word: "reset", "panic", "timeout" ... */
		const char *sentence;
	} ending;

	const struct report_mark *mark; /* in order of time; the first is process start */
	size_t marks;
	const struct report_step *step; /* marks - 1 of them */
	size_t steps;
	size_t first_run, end; /* marks */
	uint64_t marks_lost;   /* of the guest's, for which there was no room */

	const char *no_phases;       /* why there are no breakpoints; NULL: there are */
	const char *const *left_out; /* phases that this kernel has no symbol for */
	size_t lefts_out;
	const char *const *not_reached; /* phases with a breakpoint that never fired */
	size_t not_reacheds;
	struct {
		uint64_t exits;         /* that breakpoints have cost */
		uint64_t round_trip_ns; /* of one, measured in this run */
		uint64_t total_ns;
	} breakpoints;

	const char *no_initcalls;               /* NULL: there are */
	const struct report_initcall *initcall; /* in order of time */
	size_t initcalls;
	uint64_t initcalls_lost;
	size_t initcalls_unreturned; /* entered, but never seen to return: not among initcall */
	const char *
		initcall_unreturned; /* the last of those, by name: where the guest was; NULL: none */

	const char *no_exits; /* why exits were not recorded; NULL: they were */
	const struct report_exit_class *exit_class; /* the most expensive first */
	size_t exit_classes;
	uint64_t exits, exits_lost;
	const struct record *record; /* of each CPU, for the trace */
	uint64_t process_start_ns;   /* of the record's clock */
	struct report_split split;   /* from the first guest instruction to the end */

	bool touched_known;     /* touched_pages was counted */
	uint64_t touched_pages; /* of 4 KiB, of the guest's RAM */

	struct report_console console;
	struct report_profile profile;
	const struct report_log_line *log;
	size_t log_lines;
	const char *no_log; /* NULL: there is one */

	struct {
		bool done;
		uint64_t quiet_ns; /* first guest instruction to the same mark, console quiet */
		uint64_t noisy_ns;
		const char *mark;
		int interrupted; /* the signal that ended the second run; 0: none */
	} control;

	const struct autopsy *autopsy; /* autopsy.h; NULL: none was made */

	const struct report_metric *metric;
	size_t metrics;

	const char *name;         /* of the run, for CI; NULL: the kernel's file name */
	const struct ktap *tests; /* after ktap_end(); NULL: no -tap */
	const char *autopsy_text; /* lines for people; NULL: there was none */
};

/* The metric of that name, or NULL. */
const struct report_metric *report_metric_find(const struct report *report, const char *name);

/*
 * For people, on stderr: each line begins with "tvmm: ". columns: the terminal's width, 0: no
 * terminal.
 */
void report_print_text(const struct report *report, unsigned int columns, FILE *out);

/* docs/report.md has the schema. 0, or -errno of the write. */
int report_print_json(const struct report *report, FILE *out);
/* Chrome's trace-event format, which Perfetto opens. */
int report_print_trace(const struct report *report, FILE *out);
/* One page, everything in it. */
int report_print_html(const struct report *report, FILE *out);
/* A stack on each line, frames joined by ';', a blank, samples. */
int report_print_folded(const struct report *report, FILE *out);
/* A flame graph, self-contained. */
int report_print_flame(const struct report *report, FILE *out);
/* JUnit XML: the run is a test, and so is each of its tests. */
int report_print_junit(const struct report *report, FILE *out);
/* GitHub-flavoured Markdown for GITHUB_STEP_SUMMARY, less than 64 KiB. */
int report_print_summary(const struct report *report, FILE *out);

#endif
