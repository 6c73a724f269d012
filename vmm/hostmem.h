/* SPDX-License-Identifier: MIT */
/*
 * Can this host give a guest so much memory? Only what is certain is refused: more than all of the
 * host's RAM and swap together, or more than the limit of this process's control group and all swap.
 *
 * What is free at the moment does not count. Guests touch less than they have, hosts run more of
 * them than would fit on purpose, and caches (those of the page cache, of ZFS, of another group)
 * give way in ways that no file in /proc foretells. Nor does Linux's own policy: guest memory is
 * mapped without a reservation, unless vm.overcommit_memory is 2; then mmap() fails and says so.
 *
 * Authority: [CGROUP2] "Memory Interface Files"; [CGROUP1] "Benefits and Purpose of the memory
 * controller", memory.limit_in_bytes; [PROC] /proc/[pid]/cgroup.
 */
#ifndef TVMM_HOSTMEM_H
#define TVMM_HOSTMEM_H

#include <stdint.h>

#include "vmm/base/err.h"

enum { HOSTMEM_PATH_BYTES = 512 };

/*
 * For so little nobody is asked: reading the control group's files costs 0.05 of 1.7 ms to the first
 * KVM_RUN (software KVM on 6.18).
 */
#define HOSTMEM_UNASKED_BYTES (128ULL << 20)

struct hostmem {
	uint64_t ram_bytes, swap_bytes; /* 0: the host does not tell */
	uint64_t group_bytes;           /* the least of the limits; UINT64_MAX: there is none */
	char group_file[HOSTMEM_PATH_BYTES]; /* where it stands */
};

/* 0, or -ENOMEM with *e telling the numbers: what a run calls. */
int hostmem_can_give(uint64_t guest_bytes, struct err *e);

/* The two parts of it. Asks the host; what cannot be read counts as no limit. root is "", or a tree that stands for /. */
void hostmem_read(struct hostmem *hostmem, const char *root);
int hostmem_check(const struct hostmem *hostmem, uint64_t guest_bytes, struct err *e);

/* Fills *e for guest memory that could not be mapped; returns -code. */
int hostmem_explain(uint64_t guest_bytes, int code, struct err *e);

#endif
