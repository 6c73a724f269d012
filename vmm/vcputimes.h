/* SPDX-License-Identifier: MIT */
/*
 * What the host tells, without root, of where a vCPU's thread spent its time: CPU time, how the
 * kernel splits it, time spent waiting for a CPU, and KVM's own counts of exits and halts.
 *
 * Authority: [KVM] KVM_GET_STATS_FD; [PROC] /proc/[pid]/schedstat; getrusage(2) RUSAGE_THREAD. The
 * split into user and system time is exact only where the host's kernel accounts it at each
 * crossing (VIRT_CPU_ACCOUNTING_GEN); elsewhere it is sampled at ticks, and so coarse.
 */
#ifndef TVMM_VCPUTIMES_H
#define TVMM_VCPUTIMES_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/timing/record.h"
#include "vmm/vcpu.h"

enum vcputimes_stat {
	VCPUTIMES_EXITS,
	VCPUTIMES_HALT_WAIT,
	VCPUTIMES_HALT_POLL_SUCCESS,
	VCPUTIMES_HALT_POLL_FAIL,
	VCPUTIMES_STATS
};

struct vcputimes {
	int stats_fd, schedstat_fd;      /* -1: not to be had */
	int64_t offset[VCPUTIMES_STATS]; /* of each number in stats_fd; -1: KVM does not count it */
};

/*
 * On the vCPU's own thread, before it runs: opens what there is. Never fails: what is missing stays
 * 0.
 */
void vcputimes_open(struct vcputimes *times, const struct vcpu *vcpu);
void vcputimes_close(struct vcputimes *times);

/* On the same thread: reads all of it, but for at_ns. */
void vcputimes_read(const struct vcputimes *times, struct record_times *now);

#endif
