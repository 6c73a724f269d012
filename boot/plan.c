/* SPDX-License-Identifier: MIT */
#include "boot/plan.h"

#include <errno.h>
#include <string.h>

#include "boot/gdt.h"
#include "boot/zeropage.h"
#include "vmm/base/must.h"

/* The low tables; the picture is in plan.h. */
enum {
	GDT_GPA = 0x500,
	ZERO_PAGE_GPA = 0x7000,
	PAGE_TABLES_GPA = 0x9000,
	PAGE_TABLES_BYTES = 6 * PLAN_PAGE_BYTES, /* PML4, PDPT, a PD for each of 4 GiB */
	CMDLINE_GPA = 0x20000,
	LOW_RAM_END = 0x9fc00, /* where a PC's extended BIOS data area would begin */
	EBDA_END = 0xa0000,
	BIOS_START = 0xf0000,
	HIGH_RAM_START = 0x100000,

	CMDLINE_MAX_BYTES = LOW_RAM_END - CMDLINE_GPA, /* NUL included */
};

#define MIB (1ULL << 20)

typedef unsigned long long ull;

#define refuse_kernel(request, e, code, fmt, ...) \
	err_set(e, code, "kernel %s: " fmt, (request)->kernel_name, ##__VA_ARGS__)

static uint64_t align_down(uint64_t value, uint64_t alignment)
{
	return value & ~(alignment - 1);
}

/* Only for values far from the end of 64 bits. */
static uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return align_down(value + alignment - 1, alignment);
}

static uint64_t range_end(struct plan_range range)
{
	return range.gpa + range.size_bytes;
}

/* RAM for a kernel and an initrd ends here. */
static uint64_t low_end(const struct boot_plan *plan)
{
	return range_end(plan->ram_low);
}

static int plan_ram(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	uint64_t ram = request->ram_bytes;
	uint64_t max = PLAN_HOLE_START + (PLAN_GPA_END - PLAN_HOLE_END);

	if (ram < PLAN_RAM_MIN_BYTES || ram > max)
		return err_set(e, EINVAL,
			       "guest RAM of %llu bytes: from %llu (16 MiB) to %llu are possible",
			       (ull)ram, (ull)PLAN_RAM_MIN_BYTES, (ull)max);
	if (ram % PLAN_PAGE_BYTES)
		return err_set(e, EINVAL, "guest RAM of %llu bytes: must be a multiple of %d",
			       (ull)ram, PLAN_PAGE_BYTES);
	if (ram <= PLAN_HOLE_START) {
		plan->ram_low = (struct plan_range){ 0, ram };
		return 0;
	}
	plan->ram_low = (struct plan_range){ 0, PLAN_HOLE_START };
	plan->ram_high = (struct plan_range){ PLAN_HOLE_END, ram - PLAN_HOLE_START };
	return 0;
}

static void plan_tables(struct boot_plan *plan)
{
	plan->gdt = (struct plan_range){ GDT_GPA, GDT_BYTES };
	plan->zero_page = (struct plan_range){ ZERO_PAGE_GPA, ZERO_PAGE_BYTES };
	plan->page_tables = (struct plan_range){ PAGE_TABLES_GPA, PAGE_TABLES_BYTES };
}

static int plan_cmdline(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	size_t length = strlen(request->cmdline);
	uint32_t takes = request->kernel->cmdline_size;

	if (length > takes)
		return refuse_kernel(
			request, e, E2BIG,
			"takes a command line of at most %u bytes (cmdline_size); this "
			"one has %zu",
			takes, length);
	if (length >= CMDLINE_MAX_BYTES)
		return refuse_kernel(
			request, e, E2BIG,
			"there is room for a command line of at most %d bytes; this one "
			"has %zu",
			CMDLINE_MAX_BYTES - 1, length);
	plan->cmdline = (struct plan_range){ CMDLINE_GPA, length + 1 };
	return 0;
}

/*
 * Where the kernel goes: its preferred address, or, when it prefers none, the lowest address that
 * RAM and its alignment allow.
 *
 * No other address is ever tried. A kernel that is not relocatable runs at pref_address wherever
 * it is loaded. A relocatable one runs at the greater of where it is loaded and where it was built
 * to run, which is what pref_address holds: loaded lower, it would move up; loaded higher, it would
 * need more RAM still. So where pref_address does not fit, nothing does.
 */
static int choose_kernel_gpa(const struct plan_request *request, uint64_t *gpa, struct err *e)
{
	const struct bzimage *kernel = request->kernel;
	uint64_t alignment = kernel->relocatable ? kernel->kernel_alignment : PLAN_PAGE_BYTES;
	uint64_t pref = kernel->pref_address;

	*gpa = pref < HIGH_RAM_START ? align_up(HIGH_RAM_START, alignment) : pref;
	if (pref % alignment)
		return refuse_kernel(request, e, EINVAL,
				     "pref_address 0x%llx is not a multiple of 0x%llx (%s)",
				     (ull)pref, (ull)alignment,
				     kernel->relocatable ? "kernel_alignment" : "a page");
	if (pref < HIGH_RAM_START && !kernel->relocatable)
		return refuse_kernel(request, e, EINVAL,
				     "pref_address 0x%llx is below 0x%x, where RAM for a kernel "
				     "begins, and the kernel is not relocatable",
				     (ull)pref, HIGH_RAM_START);
	return 0;
}

static int plan_kernel(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	const struct bzimage *kernel = request->kernel;
	uint64_t gpa, end;
	int rc = choose_kernel_gpa(request, &gpa, e);

	if (rc < 0)
		return rc;
	if (__builtin_add_overflow(gpa, (uint64_t)kernel->init_size, &end) || end > PLAN_HOLE_START)
		return refuse_kernel(
			request, e, EINVAL,
			"runs at 0x%llx (pref_address 0x%llx) and needs 0x%x bytes there "
			"(init_size); RAM for a kernel ends at 0x%llx whatever -m says",
			(ull)gpa, (ull)kernel->pref_address, kernel->init_size,
			(ull)PLAN_HOLE_START);
	if (end > low_end(plan))
		return refuse_kernel(
			request, e, ENOMEM,
			"runs at 0x%llx (pref_address 0x%llx) and needs 0x%x bytes there "
			"(init_size), up to 0x%llx, but RAM ends at 0x%llx; -m %lluM or "
			"more is needed",
			(ull)gpa, (ull)kernel->pref_address, kernel->init_size, (ull)end,
			(ull)low_end(plan), (ull)(align_up(end, MIB) / MIB));
	plan->kernel = (struct plan_range){ gpa, kernel->kernel_bytes };
	plan->kernel_run = (struct plan_range){ gpa, kernel->init_size };
	plan->entry_gpa = gpa + ENTRY_64_OFFSET;
	return 0;
}

/* The initrd does not fit between bottom and top: tells why, and whether more RAM helps. */
static int refuse_initrd(const struct plan_request *request, uint64_t bottom, uint64_t top,
			 struct err *e)
{
	uint64_t addr_max = request->kernel->initrd_addr_max;
	uint64_t ceiling = addr_max < PLAN_HOLE_START ? addr_max + 1 : PLAN_HOLE_START;
	uint64_t room = top > bottom ? top - bottom : 0;
	uint64_t end;

	if (__builtin_add_overflow(bottom, request->initrd_bytes, &end) || end > ceiling)
		return err_set(
			e, EFBIG,
			"initrd %s: has %llu bytes; between the kernel's end at 0x%llx and "
			"0x%llx, the last address for it (%s), there are never more than %llu",
			request->initrd_name, (ull)request->initrd_bytes, (ull)bottom,
			(ull)(ceiling - 1),
			ceiling == PLAN_HOLE_START ? "RAM below 4 GiB" : "initrd_addr_max",
			(ull)(ceiling > bottom ? ceiling - bottom : 0));
	return err_set(
		e, ENOMEM,
		"initrd %s: has %llu bytes; between the kernel's end at 0x%llx and the end of "
		"RAM at 0x%llx there are %llu; -m %lluM or more is needed",
		request->initrd_name, (ull)request->initrd_bytes, (ull)bottom, (ull)top, (ull)room,
		(ull)(align_up(end, MIB) / MIB));
}

/* As high as it may be, from a page's start on, above all that the kernel runs in. */
static int plan_initrd(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	uint64_t size = request->initrd_bytes;
	uint64_t bottom = align_up(range_end(plan->kernel_run), PLAN_PAGE_BYTES);
	uint64_t top = request->kernel->initrd_addr_max + 1ULL;

	if (size == 0)
		return 0;
	if (top > low_end(plan))
		top = low_end(plan);
	if (bottom > top || size > top - bottom)
		return refuse_initrd(request, bottom, top, e);
	plan->initrd = (struct plan_range){ align_down(top - size, PLAN_PAGE_BYTES), size };
	return 0;
}

static void add_e820(struct boot_plan *plan, uint64_t start, uint64_t end, uint32_t type)
{
	must(plan->e820_entries < PLAN_E820_MAX);
	if (end > start)
		plan->e820[plan->e820_entries++] = (struct plan_e820){ start, end - start, type };
}

static void plan_e820(struct boot_plan *plan)
{
	add_e820(plan, 0, LOW_RAM_END, PLAN_E820_RAM);
	add_e820(plan, LOW_RAM_END, EBDA_END, PLAN_E820_RESERVED);
	add_e820(plan, BIOS_START, HIGH_RAM_START, PLAN_E820_RESERVED);
	add_e820(plan, HIGH_RAM_START, low_end(plan), PLAN_E820_RAM);
	add_e820(plan, plan->ram_high.gpa, range_end(plan->ram_high), PLAN_E820_RAM);
}

int plan_boot(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	int rc;

	must(request->kernel && request->kernel_name && request->cmdline);
	must(request->initrd_bytes == 0 || request->initrd_name);
	memset(plan, 0, sizeof(*plan));
	plan_tables(plan);
	rc = plan_ram(request, plan, e);
	if (rc == 0)
		rc = plan_cmdline(request, plan, e);
	if (rc == 0)
		rc = plan_kernel(request, plan, e);
	if (rc == 0)
		rc = plan_initrd(request, plan, e);
	if (rc == 0)
		plan_e820(plan);
	return rc;
}
