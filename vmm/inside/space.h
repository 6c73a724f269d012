/* SPDX-License-Identifier: MIT */
/*
 * A guest's virtual addresses, as the page tables in its memory have them: what a debugger sees.
 * Nothing in there is believed: tables are the guest's, so each step is bounded and every address is
 * looked up in guest memory again. Reads only.
 *
 * Authority: [SDM] "4-Level Paging and 5-Level Paging". Left out: protection keys and permissions
 * (what is mapped can be read), 32-bit paging.
 */
#ifndef TVMM_INSIDE_SPACE_H
#define TVMM_INSIDE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/guestmem.h"

struct space {
	const struct guest_memory *memory;
	uint64_t cr3;
	bool paging;      /* CR0.PG in long mode; false: virtual addresses are physical */
	bool five_levels; /* CR4.LA57 */
};

/* Where a byte lies; false: it is not mapped, or not in RAM. */
bool space_translate(const struct space *space, uint64_t virtual, uint64_t *physical);

/* Copies size_bytes at a virtual address; false, and to unspecified, unless all of them are there. */
bool space_read(const struct space *space, uint64_t virtual, void *to, size_t size_bytes);

/* Copies as much as is there, up to the first byte that is not; returns how much. */
size_t space_read_some(const struct space *space, uint64_t virtual, void *to, size_t size_bytes);

#endif
