/* SPDX-License-Identifier: MIT */
#include "tests/common/planspec.h"

#include <string.h>

#include "tests/common/bootspec.h"

typedef unsigned __int128 wide;

/* boot/plan.h's picture. */
#define SPEC_MIB          ((wide)1 << 20)
#define SPEC_RAM_MIN      (16 * SPEC_MIB)
#define SPEC_HOLE_START   ((wide)3 << 30)
#define SPEC_HOLE_END     ((wide)4 << 30)
#define SPEC_HIGH_END     ((wide)1 << 52)
#define SPEC_PAGE         ((wide)4096)
#define SPEC_CMDLINE_ROOM 0x7fc00 /* 0x20000 to 0x9fc00, NUL included */

static wide end_of(struct plan_range range)
{
	return (wide)range.gpa + range.size_bytes;
}

static wide up(wide value, wide to)
{
	return (value + to - 1) / to * to;
}

/* RAM for kernel and initrd ends here. */
static wide low_ram_end(const struct plan_request *request)
{
	return request->ram_bytes < SPEC_HOLE_START ? request->ram_bytes : SPEC_HOLE_START;
}

/* A plan's ranges and the e820 map. */

static bool apart(struct plan_range a, struct plan_range b)
{
	return a.size_bytes == 0 || b.size_bytes == 0 || end_of(a) <= b.gpa || end_of(b) <= a.gpa;
}

/* All of range lies in one e820 entry that is RAM. */
static bool in_ram(const struct boot_plan *plan, struct plan_range range)
{
	for (size_t i = 0; i < plan->e820_entries; i++) {
		const struct plan_e820 *r = &plan->e820[i];

		if (r->type == SPEC_E820_RAM && range.gpa >= r->gpa &&
		    end_of(range) <= (wide)r->gpa + r->size_bytes)
			return true;
	}
	return range.size_bytes == 0;
}

static const char *flaw_of_ranges(const struct boot_plan *plan)
{
	const struct plan_range all[] = { plan->gdt,     plan->zero_page,  plan->page_tables,
					  plan->cmdline, plan->kernel_run, plan->initrd };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!in_ram(plan, all[i]))
			return "a range is not in RAM";
		for (size_t j = i + 1; j < sizeof(all) / sizeof(all[0]); j++) {
			if (!apart(all[i], all[j]))
				return "two ranges overlap";
		}
	}
	return NULL;
}

/* In order, apart, RAM only where the guest has memory, and all of it above 1 MiB. */
static const char *flaw_of_e820(const struct boot_plan *plan)
{
	wide at = 0, ram = 0;

	if (plan->e820_entries > PLAN_E820_MAX)
		return "too many e820 entries";
	for (size_t i = 0; i < plan->e820_entries; i++) {
		const struct plan_e820 *r = &plan->e820[i];
		wide end = (wide)r->gpa + r->size_bytes;

		if (r->gpa < at || r->size_bytes == 0)
			return "e820 entries are empty, overlap or are not in order";
		at = end;
		if (r->type == SPEC_E820_RESERVED)
			continue;
		if (r->type != SPEC_E820_RAM)
			return "an e820 entry has no known type";
		if (end > end_of(plan->ram_low) &&
		    (r->gpa < plan->ram_high.gpa || end > end_of(plan->ram_high)))
			return "an e820 entry tells RAM where there is none";
		ram += end > SPEC_MIB ? r->size_bytes : 0;
	}
	if (ram != (wide)plan->ram_low.size_bytes + plan->ram_high.size_bytes - SPEC_MIB)
		return "e820 does not tell all RAM above 1 MiB";
	return NULL;
}

static const char *flaw_of_ram(const struct plan_request *request, const struct boot_plan *plan)
{
	wide high = request->ram_bytes - low_ram_end(request);

	if (plan->ram_low.gpa != 0 || plan->ram_low.size_bytes != low_ram_end(request))
		return "low RAM is not what was asked for";
	if (plan->ram_high.size_bytes != high || (high && plan->ram_high.gpa != SPEC_HOLE_END))
		return "high RAM is not what was asked for";
	return NULL;
}

/* The image in its place. */

/* Of a kernel that is not relocatable the field says nothing. */
static wide alignment_of(const struct bzimage *kernel)
{
	return kernel->relocatable ? kernel->kernel_alignment : SPEC_PAGE;
}

/* Where it runs; 0: nowhere. */
static wide kernel_gpa(const struct bzimage *kernel)
{
	if (kernel->pref_address % alignment_of(kernel))
		return 0;
	if (kernel->pref_address >= SPEC_MIB)
		return kernel->pref_address;
	return kernel->relocatable ? up(SPEC_MIB, alignment_of(kernel)) : 0;
}

static const char *flaw_of_kernel(const struct plan_request *request, const struct boot_plan *plan)
{
	const struct bzimage *kernel = request->kernel;

	if (plan->kernel.gpa != kernel_gpa(kernel))
		return "the kernel is not where it runs";
	if (plan->kernel_run.gpa != plan->kernel.gpa ||
	    plan->kernel_run.size_bytes != kernel->init_size)
		return "the kernel does not get its init_size";
	if (plan->kernel.size_bytes != kernel->kernel_bytes ||
	    plan->kernel.size_bytes > plan->kernel_run.size_bytes)
		return "not all of the kernel is loaded";
	if (plan->entry_gpa != plan->kernel.gpa + SPEC_ENTRY_64 ||
	    plan->entry_gpa >= end_of(plan->kernel))
		return "the entry point is not the kernel's";
	return NULL;
}

static const char *flaw_of_the_rest(const struct plan_request *request,
				    const struct boot_plan *plan)
{
	const struct plan_range *initrd = &plan->initrd;

	if (plan->cmdline.size_bytes != strlen(request->cmdline) + 1)
		return "the command line has not its length";
	if (initrd->size_bytes != request->initrd_bytes)
		return "the initrd has not its length";
	if (initrd->size_bytes == 0)
		return NULL;
	if (initrd->gpa % SPEC_PAGE)
		return "the initrd does not begin on a page";
	if (end_of(*initrd) - 1 > request->kernel->initrd_addr_max)
		return "the initrd is above initrd_addr_max";
	return NULL;
}

const char *planspec_flaw(const struct plan_request *request, const struct boot_plan *plan)
{
	const char *flaw = flaw_of_ram(request, plan);

	if (!flaw)
		flaw = flaw_of_e820(plan);
	if (!flaw)
		flaw = flaw_of_ranges(plan);
	if (!flaw)
		flaw = flaw_of_kernel(request, plan);
	return flaw ? flaw : flaw_of_the_rest(request, plan);
}

/* Which requests must get a plan. */

static bool ram_possible(uint64_t ram)
{
	return ram >= SPEC_RAM_MIN && ram % SPEC_PAGE == 0 &&
	       ram <= SPEC_HOLE_START + (SPEC_HIGH_END - SPEC_HOLE_END);
}

static bool cmdline_possible(const struct plan_request *request)
{
	size_t length = strlen(request->cmdline);

	return length <= request->kernel->cmdline_size && length < SPEC_CMDLINE_ROOM;
}

/* Between the end of what the kernel runs in and the end of RAM or initrd_addr_max. */
static bool initrd_possible(const struct plan_request *request, wide kernel_end)
{
	wide top = (wide)request->kernel->initrd_addr_max + 1;

	if (request->initrd_bytes == 0)
		return true;
	if (top > low_ram_end(request))
		top = low_ram_end(request);
	return up(kernel_end, SPEC_PAGE) + request->initrd_bytes <= top;
}

bool planspec_possible(const struct plan_request *request)
{
	wide gpa = kernel_gpa(request->kernel), end = gpa + request->kernel->init_size;

	return ram_possible(request->ram_bytes) && cmdline_possible(request) && gpa != 0 &&
	       end <= low_ram_end(request) && initrd_possible(request, end);
}
