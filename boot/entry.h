/* SPDX-License-Identifier: MIT */
/*
 * The state a vCPU enters a kernel with, as plain data: [BOOT] "64-bit Boot Protocol", or [PVH]
 * "x86/HVM direct boot ABI". The code that knows KVM turns it into registers. What is not named
 * here is zero.
 */
#ifndef TVMM_BOOT_ENTRY_H
#define TVMM_BOOT_ENTRY_H

#include <stdint.h>

#include "boot/gdt.h"
#include "boot/plan.h"

struct entry_state {
	uint64_t rip, rbx, rsi, rsp, rflags;
	uint64_t cr0, cr3, cr4, efer;
	struct entry_segment cs, ds; /* ds serves ds, es, fs, gs, ss */
	struct entry_segment tr;
	uint64_t gdt_gpa;
	uint16_t gdt_limit; /* bytes - 1 */
};

/* Fills all of *state from a plan that plan_boot() made. */
void entry_linux64(const struct boot_plan *plan, struct entry_state *state);

/*
 * Fills all of *state for PVH: 32-bit protected mode without paging. gdt is where gdt_build()'s
 * table lies; entry and start info lie below 4 GiB.
 */
void entry_pvh(uint64_t entry_gpa, uint64_t start_info_gpa, const struct plan_range *gdt,
	       struct entry_state *state);

/* The one of the two that the plan is for. */
void entry_of_plan(const struct boot_plan *plan, struct entry_state *state);

#endif
