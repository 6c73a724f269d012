/* SPDX-License-Identifier: MIT */
#include "tests/common/planspec.h"

#include <stdio.h>
#include <string.h>

#include "tests/common/bootspec.h"

typedef unsigned __int128 wide;

/* boot/plan.h's picture. */
#define SPEC_MIB        ((wide)1 << 20)
#define SPEC_RAM_MIN    (16 * SPEC_MIB)
#define SPEC_HOLE_START ((wide)3 << 30)
#define SPEC_HOLE_END   ((wide)4 << 30)
#define SPEC_HIGH_END   ((wide)1 << 52)
#define SPEC_RAM_MAX    (SPEC_HOLE_START + (SPEC_HIGH_END - SPEC_HOLE_END))
#define SPEC_PAGE       ((wide)4096)

enum {
	SPEC_CMDLINE_ROOM = 0x7fc00, /* 0x20000 to 0x9fc00, NUL included */
	SPEC_VMLINUX_TAKES = 2047,   /* of a command line; it does not say so itself */
	SPEC_VMLINUX_INITRD_MAX = 0x7fffffff,
};

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

static wide high_ram_bytes(const struct plan_request *request)
{
	return request->ram_bytes - low_ram_end(request);
}

static bool by_pvh(const struct plan_request *request)
{
	return request->elf && request->elf->entry == ELFIMAGE_ENTRY_PVH;
}

/* A plan's ranges and the e820 map. */

static bool apart(struct plan_range a, struct plan_range b)
{
	return a.size_bytes == 0 || b.size_bytes == 0 || end_of(a) <= b.gpa || end_of(b) <= a.gpa;
}

/* All of range lies in one e820 entry of a type. */
static bool lies_in(const struct boot_plan *plan, uint32_t type, struct plan_range range)
{
	for (size_t i = 0; i < plan->e820_entries; i++) {
		const struct plan_e820 *r = &plan->e820[i];

		if (r->type == type && range.gpa >= r->gpa &&
		    end_of(range) <= (wide)r->gpa + r->size_bytes)
			return true;
	}
	return range.size_bytes == 0;
}

/* Tables lie where a BIOS would, everything else in RAM. */
static const char *flaw_of_ranges(const struct boot_plan *plan)
{
	const struct plan_range all[] = { plan->acpi,      plan->mp_table,    plan->gdt,
					  plan->zero_page, plan->page_tables, plan->start_info,
					  plan->rng_seed,  plan->cmdline,     plan->kernel,
					  plan->initrd };
	enum { TABLES = 2, ALL = sizeof(all) / sizeof(all[0]) };

	for (size_t i = 0; i < ALL; i++) {
		if (i < TABLES && !lies_in(plan, SPEC_E820_RESERVED, all[i]))
			return "a table is not in reserved memory";
		if (i >= TABLES && !lies_in(plan, SPEC_E820_RAM, all[i]))
			return "a range is not in RAM";
		for (size_t j = i + 1; j < ALL; j++) {
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
	wide high = high_ram_bytes(request);

	if (plan->ram_low.gpa != 0 || plan->ram_low.size_bytes != low_ram_end(request))
		return "low RAM is not what was asked for";
	if (plan->ram_high.size_bytes != high || (high && plan->ram_high.gpa != SPEC_HOLE_END))
		return "high RAM is not what was asked for";
	return NULL;
}

/* What the way in needs, and nothing else. */
static const char *flaw_of_entry(const struct plan_request *request, const struct boot_plan *plan)
{
	bool pvh = plan->entry == PLAN_ENTRY_PVH;

	if (pvh != by_pvh(request))
		return "the kernel is entered another way than it wants";
	if ((plan->start_info.size_bytes != 0) != pvh)
		return "start info without PVH, or PVH without";
	if ((plan->zero_page.size_bytes == 0) != pvh || (plan->page_tables.size_bytes == 0) != pvh)
		return "zero page and page tables with PVH, or none without";
	for (size_t i = 0; i < plan->loads; i++) {
		if (plan->entry_gpa >= plan->load[i].to.gpa &&
		    plan->entry_gpa < end_of(plan->load[i].to))
			return NULL;
	}
	return "nothing is loaded at the entry point";
}

/* The kernel in its place. */

/* Of a kernel that is not relocatable the field says nothing. */
static wide alignment_of(const struct bzimage *kernel)
{
	return kernel->relocatable ? kernel->kernel_alignment : SPEC_PAGE;
}

/* Where a bzImage runs; 0: nowhere. */
static wide bzimage_gpa(const struct bzimage *kernel)
{
	if (kernel->pref_address % alignment_of(kernel))
		return 0;
	if (kernel->pref_address >= SPEC_MIB)
		return kernel->pref_address;
	return kernel->relocatable ? up(SPEC_MIB, alignment_of(kernel)) : 0;
}

static wide kernel_start(const struct plan_request *request)
{
	return request->elf ? request->elf->start_gpa : bzimage_gpa(request->bzimage);
}

static wide kernel_end(const struct plan_request *request)
{
	return request->elf ? request->elf->end_gpa
			    : kernel_start(request) + request->bzimage->init_size;
}

static bool load_is(const struct plan_load *load, uint64_t offset, wide gpa, uint64_t size_bytes)
{
	return load->file_offset == offset && load->to.gpa == gpa &&
	       load->to.size_bytes == size_bytes;
}

static const char *flaw_of_bzimage(const struct plan_request *request, const struct boot_plan *plan)
{
	const struct bzimage *kernel = request->bzimage;

	if (plan->loads != 1 || !load_is(&plan->load[0], kernel->setup_bytes, kernel_start(request),
					 kernel->kernel_bytes))
		return "the protected-mode part is not loaded where the kernel runs";
	if (plan->entry_gpa != plan->kernel.gpa + SPEC_ENTRY_64)
		return "the entry point is not the 64-bit one";
	return NULL;
}

static const char *flaw_of_elf(const struct plan_request *request, const struct boot_plan *plan)
{
	const struct elfimage *elf = request->elf;
	size_t loads = 0;

	for (size_t i = 0; i < elf->segments; i++) {
		const struct elfimage_segment *s = &elf->segment[i];

		if (s->file_bytes == 0)
			continue;
		if (loads == plan->loads ||
		    !load_is(&plan->load[loads++], s->file_offset, s->gpa, s->file_bytes))
			return "a segment is not loaded where it wants to be";
	}
	if (loads != plan->loads)
		return "more is loaded than there are segments";
	return plan->entry_gpa == elf->entry_gpa ? NULL : "the entry point is not the file's";
}

static const char *flaw_of_kernel(const struct plan_request *request, const struct boot_plan *plan)
{
	if (plan->kernel.gpa != kernel_start(request) ||
	    end_of(plan->kernel) != kernel_end(request))
		return "the kernel does not get what it needs";
	for (size_t i = 0; i < plan->loads; i++) {
		if (plan->load[i].to.gpa < plan->kernel.gpa ||
		    end_of(plan->load[i].to) > end_of(plan->kernel))
			return "something is loaded beside the kernel";
	}
	return request->elf ? flaw_of_elf(request, plan) : flaw_of_bzimage(request, plan);
}

/* Tables, command line and initrd. */

static wide initrd_addr_max(const struct plan_request *request)
{
	return request->bzimage ? request->bzimage->initrd_addr_max : SPEC_VMLINUX_INITRD_MAX;
}

static bool initrd_fits_low(const struct plan_request *request)
{
	wide top = initrd_addr_max(request) + 1;

	if (top > low_ram_end(request))
		top = low_ram_end(request);
	return up(kernel_end(request), SPEC_PAGE) + request->initrd_bytes <= top;
}

static bool initrd_fits_high(const struct plan_request *request)
{
	if (request->bzimage && !(request->bzimage->xloadflags & SPEC_XLF_CAN_BE_LOADED_ABOVE_4G))
		return false;
	return !by_pvh(request) && request->initrd_bytes <= high_ram_bytes(request);
}

static const char *flaw_of_the_rest(const struct plan_request *request,
				    const struct boot_plan *plan)
{
	const struct plan_range *initrd = &plan->initrd;
	const struct board *board = request->board;

	if ((plan->acpi.size_bytes != 0) != (board != NULL) ||
	    (plan->mp_table.size_bytes != 0) !=
		    (board != NULL && (board->cpus > 1 || request->mp_table)))
		return "there are too many tables or too few";
	if ((plan->rng_seed.size_bytes != 0) != (request->rng_seed != NULL && !by_pvh(request)))
		return "there is a random seed too many or too few";
	if (plan->cmdline.size_bytes != strlen(request->cmdline) + 1)
		return "the command line has not its length";
	if (initrd->size_bytes != request->initrd_bytes)
		return "the initrd has not its length";
	if (initrd->size_bytes == 0)
		return NULL;
	if (initrd->gpa % SPEC_PAGE)
		return "the initrd does not begin on a page";
	if (initrd_fits_low(request) && end_of(*initrd) - 1 > initrd_addr_max(request))
		return "the initrd is above initrd_addr_max without need";
	if (!initrd_fits_low(request) && initrd->gpa < SPEC_HOLE_END)
		return "the initrd is below where it cannot be";
	return NULL;
}

const char *planspec_flaw(const struct plan_request *request, const struct boot_plan *plan)
{
	static const char *(*const parts[])(const struct plan_request *,
					    const struct boot_plan *) = {
		flaw_of_ram,
		flaw_of_entry,
		flaw_of_kernel,
		flaw_of_the_rest,
	};
	const char *flaw = flaw_of_e820(plan);

	if (!flaw)
		flaw = flaw_of_ranges(plan);
	for (size_t i = 0; !flaw && i < sizeof(parts) / sizeof(parts[0]); i++)
		flaw = parts[i](request, plan);
	return flaw;
}

/* Up to the e820 map there is no padding in a plan but behind `entry`. */
bool planspec_same(const struct boot_plan *a, const struct boot_plan *b)
{
	if (memcmp(a, b, offsetof(struct boot_plan, entry)) != 0 || a->entry != b->entry ||
	    a->entry_gpa != b->entry_gpa || a->e820_entries != b->e820_entries)
		return false;
	for (size_t i = 0; i < a->e820_entries; i++) {
		const struct plan_e820 *x = &a->e820[i], *y = &b->e820[i];

		if (x->gpa != y->gpa || x->size_bytes != y->size_bytes || x->type != y->type)
			return false;
	}
	return true;
}

/* Which requests must get a plan. */

static bool ram_possible(uint64_t ram)
{
	return ram >= SPEC_RAM_MIN && ram % SPEC_PAGE == 0 && ram <= SPEC_RAM_MAX;
}

static bool cmdline_possible(const struct plan_request *request)
{
	size_t length = strlen(request->cmdline);
	size_t takes = request->bzimage ? request->bzimage->cmdline_size : SPEC_VMLINUX_TAKES;

	return (length <= takes || by_pvh(request)) && length < SPEC_CMDLINE_ROOM;
}

bool planspec_possible(const struct plan_request *request)
{
	if (!ram_possible(request->ram_bytes) || !cmdline_possible(request))
		return false;
	if (kernel_start(request) < SPEC_MIB || kernel_end(request) > low_ram_end(request))
		return false;
	return request->initrd_bytes == 0 || initrd_fits_low(request) || initrd_fits_high(request);
}

/* Advice. */

static bool possible_with(const struct plan_request *request, wide ram)
{
	struct plan_request other = *request;

	other.ram_bytes = (uint64_t)ram;
	return planspec_possible(&other);
}

const char *planspec_flaw_of_advice(const struct plan_request *request, const struct err *e)
{
	const char *advice = strstr(e->text, "; -m ");
	unsigned long long mib;

	if (strstr(e->text, "; no -m makes room for it"))
		return possible_with(request, SPEC_RAM_MAX) ? "some -m makes room" : NULL;
	if (!advice)
		return NULL;
	if (sscanf(advice, "; -m %lluM or more is needed", &mib) != 1)
		return "the advice has no number";
	if (!possible_with(request, mib * SPEC_MIB))
		return "the advice would not do";
	return possible_with(request, (mib - 1) * SPEC_MIB) ? "less would do" : NULL;
}
