/* SPDX-License-Identifier: MIT */
/*
 * Marks: the moments of a run, each taken once, on one clock (vmm/base/clock.h), without
 * allocation. What a reader gets of them is in the report.
 */
#ifndef TVMM_TIMING_MARKS_H
#define TVMM_TIMING_MARKS_H

#include <stdint.h>

enum mark {
	MARK_PROCESS_START, /* clock_process_start_ns() */
	MARK_MAIN,          /* main() begins: program and libraries are loaded */
	MARK_PLANNED,       /* files opened, headers checked, every address chosen */
	MARK_PLACED,        /* VM made, kernel and initrd in its memory */
	MARK_FIRST_RUN,     /* the first KVM_RUN is about to be entered */
	MARK_CONSOLE_BYTE,  /* the first byte the guest sent out of its UART */
	MARK_KERNEL_BANNER, /* first byte of the line "Linux version ..." */
	MARK_RUN_INIT,      /* first byte of the line "Run ... as init process" */
	MARK_INIT_LINE,     /* first byte of the line "Boot took ..." */
	MARK_END,           /* the run's ending is decided */
	MARKS
};

/* 0: not taken. Each mark has one writer; they are read when the run is over. */
struct marks {
	uint64_t at_ns[MARKS];
};

/* Takes a mark now, or at a moment already read from the clock, unless it was taken before. */
void mark_now(struct marks *marks, enum mark mark);
void mark_at(struct marks *marks, enum mark mark, uint64_t ns);

/*
 * As reports call it, and what it was taken from (NULL for the end: that is the ending's to say).
 */
const char *mark_name(enum mark mark);
const char *mark_taken(enum mark mark);

#endif
