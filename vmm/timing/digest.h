/* SPDX-License-Identifier: MIT */
/*
 * From the record to the report: pure arithmetic on what was written down. Marks are put in order, exits
 * belong to the step in which KVM_RUN returned, console bytes to that of their line, samples get names.
 */
#ifndef TVMM_TIMING_DIGEST_H
#define TVMM_TIMING_DIGEST_H

#include "boot/symbols.h"
#include "vmm/base/err.h"
#include "vmm/inside/klog.h"
#include "vmm/inside/unwind.h"
#include "vmm/timing/marks.h"
#include "vmm/timing/phases.h"
#include "vmm/timing/record.h"
#include "vmm/timing/report.h"

/* Who answers at a port or an address: "uart16550"; NULL: nobody. */
typedef const char *(*digest_owner)(void *ctx, enum record_exit_kind kind, uint64_t address);

/* Initcall levels' tables in the image: level i is function[first[i] .. first[i + 1]). */
enum {
	DIGEST_LEVELS = 10
}; /* early, pure, core, postcore, arch, subsys, fs, rootfs, device, late */
struct digest_levels {
	const uint64_t *function; /* addresses; borrowed */
	size_t first[DIGEST_LEVELS + 1];
};

/* All is borrowed, and has to outlive the report. */
struct digest_input {
	const struct marks *marks;
	const struct record *record; /* of each CPU; tables that were not wanted are NULL */
	unsigned int cpus;
	const struct record_shared *shared;
	const struct symbols *symbols;      /* may be empty */
	const struct unwinder *unwinder;    /* NULL: samples have one frame */
	const struct klog *klog;            /* NULL: none */
	const struct digest_levels *levels; /* NULL: not known */
	uint64_t kernel_start,
		kernel_end;      /* guest-physical, for what runs before paging: the decompressor */
	bool decompressor;       /* something unpacks itself there before startup_64 */
	uint64_t phases_set;     /* bit per enum phase: had a breakpoint */
	uint64_t phases_without; /* bit per enum phase: has no symbol */
	uint64_t round_trip_ns;  /* of a breakpoint's exit; 0: none was measured */
	uint64_t exit_round_trip_ns; /* of any other exit; 0: not known */
	const char *exit_round_trip_by;
	uint64_t breakpoint_exits, breakpoint_ns;
	uint64_t profile_hz;
	uint64_t console_bytes, coalesced_bytes;
	uint16_t uart_port, uart_ports; /* whose exits are the console's */
	digest_owner owner;
	void *owner_ctx;
};

/* An exit at one of the UART's ports. */
static inline bool digest_is_the_consoles(const struct digest_input *input,
					  const struct record_exit *exit)
{
	return exit->kind == RECORD_EXIT_PIO && exit->address >= input->uart_port &&
	       exit->address - input->uart_port < input->uart_ports;
}

/*
 * Fills all of *report that follows from the input (marks, steps, phases, initcalls, exits, console,
 * profile, log, metrics); the rest (command, host, guest, ending, no_phases, control) is the caller's and left as
 * it is. 0, or -ENOMEM with *e; digest_finish() is due either way.
 */
struct digest {
	void *memory;
	size_t allocations;
}; /* what the report's arrays live in */
int digest_build(struct digest *digest, const struct digest_input *input, struct report *report,
		 struct err *e);
void digest_finish(struct digest *digest);

/*
 * A budget: "kernel<40ms", "console.bytes<=4096", "exits.pio < 500". Operators < <= > >= ==; units ns us
 * ms s, B KiB MiB, none for counts. 0, or -EINVAL with *e saying what does not parse.
 */
struct budget {
	char name[96];
	char op[3];
	enum report_unit unit;
	bool unit_given;
	uint64_t limit;
	const char *text; /* as it was given; borrowed */
};
int budget_parse(struct budget *budget, const char *text, struct err *e);

/*
 * True: holds. False: *why says the number and the limit, or that there is no such number in this report and
 * which is near.
 */
bool budget_holds(const struct budget *budget, const struct report *report, char *why,
		  size_t why_bytes);

/*
 * Whether this report can tell at all: it has that number, in that unit, and nothing that it is made of was lost.
 * False: *why says what is in the way.
 */
bool budget_can_be_judged(const struct budget *budget, const struct report *report, char *why,
			  size_t why_bytes);

#endif
