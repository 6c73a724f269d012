/* SPDX-License-Identifier: MIT */
/*
 * Guest RAM as the host sees it: at most two stretches of guest-physical addresses, below and
 * above the 3-4 GiB hole. guest_memory_at() is the only place that turns a guest-physical address
 * into a pointer.
 */
#ifndef TVMM_BASE_GUESTMEM_H
#define TVMM_BASE_GUESTMEM_H

#include <stddef.h>
#include <stdint.h>

enum { GUEST_MEMORY_REGIONS = 2 };

struct guest_memory_region {
	uint64_t gpa;        /* guest-physical address of the first byte */
	uint64_t size_bytes; /* 0: the region is not there */
	uint8_t *host;
};

struct guest_memory {
	struct guest_memory_region region[GUEST_MEMORY_REGIONS];
};

/*
 * The host address of [gpa, gpa + size_bytes), or NULL unless all of it lies in one region.
 * size_bytes 0 is answered like 1.
 */
void *guest_memory_at(const struct guest_memory *memory, uint64_t gpa, uint64_t size_bytes);

#endif
