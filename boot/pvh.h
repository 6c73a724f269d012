/* SPDX-License-Identifier: MIT */
/*
 * The start info that a kernel entered by PVH finds at ebx: where its command line, its initrd and
 * its memory map are.
 *
 *     0  magic 0x336ec578     4  version, 1
 *     8  flags, 0            12  modules: 1 with an initrd, or 0
 *    16  the module list     24  the command line, NUL-terminated
 *    32  the RSDP            40  the memory map
 *    48  its entries         52  0
 *    56  module list: address, size, its own command line (0: none), 0; 8 bytes each
 *    88  memory map (56 without an initrd): address 8, size 8, type 4, 0 4; 24 bytes each
 *
 * An address of 0 says that there is none.
 *
 * Authority: [PVH], the start info's header: hvm_start_info, hvm_modlist_entry,
 * hvm_memmap_table_entry.
 * Left out: more modules than the initrd, their command lines, version 0, flags (who Xen's first
 * domain is).
 */
#ifndef TVMM_BOOT_PVH_H
#define TVMM_BOOT_PVH_H

#include <stddef.h>
#include <stdint.h>

#include "boot/plan.h"

struct pvh_facts {
	uint64_t cmdline_gpa, rsdp_gpa;
	struct plan_range initrd;
	const struct plan_e820 *e820; /* types are the same numbers here and there */
	size_t e820_entries;          /* PLAN_E820_MAX at most */
};

/* How many bytes pvh_build() writes. */
size_t pvh_bytes(const struct pvh_facts *facts);

/* Makes of to[0..pvh_bytes()) what lies at gpa, a multiple of 8: start info, modules, memory map. */
void pvh_build(const struct pvh_facts *facts, uint64_t gpa, uint8_t *to);

#endif
