/* SPDX-License-Identifier: MIT */
/*
 * A guest's virtual addresses, as the page tables in its memory have them: what a debugger sees.
 * Nothing in there is believed: tables are the guest's, so each step is bounded and every address
 * is looked up in guest memory again. Reads only, and only while the guest stands still.
 *
 * Authority: [SDM] "4-Level Paging and 5-Level Paging"; [LINUX]
 * Documentation/arch/x86/x86_64/mm.rst for where a kernel maps itself. Left out: protection keys
 * and permissions (what is mapped can be read), reserved bits (but PS where no page can be), 32-bit
 * paging.
 */
#ifndef TVMM_INSIDE_SPACE_H
#define TVMM_INSIDE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/symbols.h"
#include "vmm/base/guestmem.h"

struct space {
	const struct guest_memory *memory; /* borrowed */
	uint64_t cr3;
	bool paging;      /* CR0.PG in long mode; false: virtual addresses are physical */
	bool five_levels; /* CR4.LA57 */
	bool linear; /* no tables: from SYMBOLS_KERNEL_MAP on lies physical memory, else nothing */
};

/*
 * The kernel's own space by its symbols, whatever its CPUs are doing: by the tables at init_top_pgt
 * (init_level4_pgt in old kernels), of four levels or five; linear when they do not lead to
 * linux_banner, because the kernel died before it had made them. False, and *space unspecified,
 * when "Linux version" is not there either: no such kernel is in memory.
 */
bool space_of_kernel(struct space *space, const struct guest_memory *memory,
		     const struct symbols *symbols);

/*
 * The space that a CPU with these control registers is in: no paging, or that of long mode. False,
 * and *space unspecified, with 32-bit paging, which is not read.
 */
bool space_of_cpu(struct space *space, const struct guest_memory *memory, uint64_t cr0,
		  uint64_t cr3, uint64_t cr4, uint64_t efer);

/* Where a byte lies; false: it is not mapped, or not in RAM. */
bool space_translate(const struct space *space, uint64_t virtual, uint64_t *physical);

/*
 * Copies size_bytes at a virtual address; false, and to unspecified, unless all of them are there.
 */
bool space_read(const struct space *space, uint64_t virtual, void *to, size_t size_bytes);

/* Copies as much as is there, up to the first byte that is not; returns how much. */
size_t space_read_some(const struct space *space, uint64_t virtual, void *to, size_t size_bytes);

#endif
