/* SPDX-License-Identifier: MIT */
#include "boot/entry.h"

#include <string.h>

#include "vmm/base/must.h"

enum {
	RFLAGS_FIXED = 1 << 1, /* always one; IF is clear: the protocol wants no interrupts */

	CR0_PE = 1 << 0,
	CR0_ET = 1 << 4, /* always one */
	CR4_PAE = 1 << 5,
	EFER_LME = 1 << 8,
	EFER_LMA = 1 << 10,
};

#define CR0_PG (1U << 31)

/*
 * Control registers have what 64-bit mode with paging is made of and nothing more; the kernel
 * chooses the rest. The protocol asks for no stack: the kernel makes its own before it needs one.
 * rsp gets the free memory between GDT and zero page all the same, so that guests smaller than
 * Linux can call and push.
 */
void entry_linux64(const struct boot_plan *plan, struct entry_state *state)
{
	memset(state, 0, sizeof(*state));
	state->rip = plan->entry_gpa;
	state->rsi = plan->zero_page.gpa;
	state->rsp = plan->zero_page.gpa;
	state->rflags = RFLAGS_FIXED;
	state->cr0 = CR0_PG | CR0_ET | CR0_PE;
	state->cr3 = plan->page_tables.gpa;
	state->cr4 = CR4_PAE;
	state->efer = EFER_LMA | EFER_LME;
	state->cs = gdt_boot_cs;
	state->ds = gdt_boot_ds;
	state->tr = gdt_tss;
	state->gdt_gpa = plan->gdt.gpa;
	state->gdt_limit = (uint16_t)(plan->gdt.size_bytes - 1);
}

/*
 * cr0 has PE alone (ET cannot be cleared), cr4 nothing. [PVH] leaves the GDT to the kernel, which
 * loads its own before it needs one. It gets ours all the same, with the selectors that the segment
 * registers hold: who reloads one of them first finds what was in it. The same goes for the stack:
 * esp gets the free memory between GDT and start info.
 */
void entry_pvh(uint64_t entry_gpa, uint64_t start_info_gpa, const struct plan_range *gdt,
	       struct entry_state *state)
{
	must(entry_gpa <= UINT32_MAX && start_info_gpa <= UINT32_MAX);
	memset(state, 0, sizeof(*state));
	state->rip = entry_gpa;
	state->rbx = start_info_gpa;
	state->rsp = start_info_gpa;
	state->rflags = RFLAGS_FIXED;
	state->cr0 = CR0_ET | CR0_PE;
	state->cs = gdt_code_32;
	state->ds = gdt_boot_ds;
	state->tr = gdt_tss;
	state->gdt_gpa = gdt->gpa;
	state->gdt_limit = (uint16_t)(gdt->size_bytes - 1);
}

void entry_of_plan(const struct boot_plan *plan, struct entry_state *state)
{
	if (plan->entry == PLAN_ENTRY_PVH)
		entry_pvh(plan->entry_gpa, plan->start_info.gpa, &plan->gdt, state);
	else
		entry_linux64(plan, state);
}
