/* SPDX-License-Identifier: MIT */
/*
 * The one place that reads time. Durations and marks are CLOCK_MONOTONIC_RAW in nanoseconds;
 * clock_unix_ns() is the wall clock, for the guest's CMOS only.
 */
#ifndef TVMM_BASE_CLOCK_H
#define TVMM_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_now_ns(void);
int64_t clock_unix_ns(void);

/* CPU time of the calling thread, a guest's that it runs included, in nanoseconds. */
uint64_t clock_thread_cpu_ns(void);

/* The time stamp counter, read where it stands: later instructions may begin before it. */
static inline uint64_t clock_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

/*
 * When the kernel began with this process, on clock_now_ns()'s scale: now, less the time the
 * process has been running or waiting for a CPU so far (schedstat, or its CPU time where the
 * kernel keeps no schedstat). Loading of libraries is included; time spent blocked before the call,
 * on a disk say, is not. A wrapper that ends in exec is the same process: its work counts too, up
 * to 50 ms, and beyond that the answer is now. Call it first in main.
 */
uint64_t clock_process_start_ns(void);

#endif
