/* SPDX-License-Identifier: MIT */
#include "boot/plan.h"

#include <errno.h>
#include <string.h>

#include "boot/acpi.h"
#include "boot/gdt.h"
#include "boot/mptable.h"
#include "boot/zeropage.h"
#include "vmm/base/must.h"

/* The low tables; the picture is in plan.h. */
enum {
	GDT_GPA = 0x500,
	START_INFO_GPA = 0x6000,
	ZERO_PAGE_GPA = 0x7000,
	RNG_SEED_GPA = 0x8000,
	PAGE_TABLES_GPA = 0x9000,
	PAGE_TABLES_BYTES = 6 * PLAN_PAGE_BYTES, /* PML4, PDPT, a PD for each of 4 GiB */
	CMDLINE_GPA = 0x20000,
	LOW_RAM_END = 0x9fc00, /* where a PC's extended BIOS data area would begin */
	EBDA_END = 0xa0000,
	ACPI_GPA = 0xe0000,
	MP_TABLE_GPA = 0xf0000,
	HIGH_RAM_START = 0x100000,

	CMDLINE_MAX_BYTES = LOW_RAM_END - CMDLINE_GPA, /* NUL included */
	/* What a kernel takes that does not say: COMMAND_LINE_SIZE of [LINUX] asm/setup.h, and no NUL. */
	CMDLINE_TAKES = 2047,
	/* The initrd_addr_max of every bzImage since 2.6; a kernel that does not say gets the same. */
	INITRD_ADDR_MAX = 0x7fffffff,
};

#define MIB           (1ULL << 20)
#define RAM_MAX_BYTES (PLAN_HOLE_START + (PLAN_GPA_END - PLAN_HOLE_END))

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

static bool enters_by_pvh(const struct plan_request *request)
{
	return request->elf && request->elf->entry == ELFIMAGE_ENTRY_PVH;
}

static int plan_ram(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	uint64_t ram = request->ram_bytes;

	if (ram < PLAN_RAM_MIN_BYTES || ram > RAM_MAX_BYTES)
		return err_set(
			e, EINVAL,
			"-m: guest RAM of %llu bytes: from %llu (16 MiB) to %llu are possible",
			(ull)ram, (ull)PLAN_RAM_MIN_BYTES, (ull)RAM_MAX_BYTES);
	if (ram % PLAN_PAGE_BYTES)
		return err_set(e, EINVAL, "-m: guest RAM of %llu bytes: must be a multiple of %d",
			       (ull)ram, PLAN_PAGE_BYTES);
	if (ram <= PLAN_HOLE_START) {
		plan->ram_low = (struct plan_range){ 0, ram };
		return 0;
	}
	plan->ram_low = (struct plan_range){ 0, PLAN_HOLE_START };
	plan->ram_high = (struct plan_range){ PLAN_HOLE_END, ram - PLAN_HOLE_START };
	return 0;
}

static void plan_tables(const struct plan_request *request, struct boot_plan *plan)
{
	plan->gdt = (struct plan_range){ GDT_GPA, GDT_BYTES };
	if (enters_by_pvh(request)) {
		plan->entry = PLAN_ENTRY_PVH;
		plan->start_info = (struct plan_range){ START_INFO_GPA, PLAN_PAGE_BYTES };
		return; /* without paging, and without a zero page */
	}
	plan->zero_page = (struct plan_range){ ZERO_PAGE_GPA, ZERO_PAGE_BYTES };
	plan->page_tables = (struct plan_range){ PAGE_TABLES_GPA, PAGE_TABLES_BYTES };
	if (request->rng_seed)
		plan->rng_seed =
			(struct plan_range){ RNG_SEED_GPA, SETUP_DATA_BYTES + PLAN_RNG_SEED_BYTES };
}

/*
 * A kernel without ACPI would find its one CPU by itself. But Linux searches all of f0000 to fffff for
 * an MP table then, mapping it anew for each 16 bytes (default_find_smp_config() of [LINUX]
 * arch/x86/kernel/mpparse.c): more work than the I/O APIC is that it sets up with a table.
 */
static void plan_board(const struct plan_request *request, struct boot_plan *plan)
{
	const struct board *board = request->board;

	if (!board)
		return;
	plan->acpi = (struct plan_range){ ACPI_GPA, acpi_bytes(board) };
	must(plan->acpi.size_bytes <= MP_TABLE_GPA - ACPI_GPA);
	if (board->cpus == 1 && !request->mp_table)
		return;
	plan->mp_table = (struct plan_range){ MP_TABLE_GPA, mptable_bytes(board) };
	must(plan->mp_table.size_bytes <= HIGH_RAM_START - MP_TABLE_GPA);
}

uint32_t plan_cmdline_takes(const struct bzimage *bzimage)
{
	return bzimage ? bzimage->cmdline_size : CMDLINE_TAKES;
}

static int plan_cmdline(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	size_t length = strlen(request->cmdline);
	uint32_t takes = plan_cmdline_takes(request->bzimage);

	if (length > takes && !enters_by_pvh(request))
		return refuse_kernel(request, e, E2BIG,
				     "takes a command line of at most %u bytes%s; this one has %zu",
				     takes, request->bzimage ? " (cmdline_size)" : "", length);
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
	const struct bzimage *kernel = request->bzimage;
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

static int plan_bzimage(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	const struct bzimage *kernel = request->bzimage;
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
			"(init_size), up to 0x%llx, but RAM ends at 0x%llx",
			(ull)gpa, (ull)kernel->pref_address, kernel->init_size, (ull)end,
			(ull)low_end(plan));
	plan->load[0] = (struct plan_load){ kernel->setup_bytes, { gpa, kernel->kernel_bytes } };
	plan->loads = 1;
	plan->kernel = (struct plan_range){ gpa, kernel->init_size };
	plan->entry_gpa = gpa + ENTRY_64_OFFSET;
	return 0;
}

/* An ELF kernel goes where its program headers say, and nowhere else. */
static int plan_elf(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	const struct elfimage *elf = request->elf;

	must(elf->segments >= 1 && elf->segments <= ELFIMAGE_SEGMENTS_MAX);
	if (elf->start_gpa < HIGH_RAM_START)
		return refuse_kernel(request, e, EINVAL,
				     "a segment's p_paddr is 0x%llx; RAM for a kernel begins at "
				     "0x%x",
				     (ull)elf->start_gpa, HIGH_RAM_START);
	if (elf->end_gpa > PLAN_HOLE_START)
		return refuse_kernel(
			request, e, EINVAL,
			"has segments (p_paddr, p_memsz) from 0x%llx up to 0x%llx; RAM for a "
			"kernel ends at 0x%llx whatever -m says",
			(ull)elf->start_gpa, (ull)elf->end_gpa, (ull)PLAN_HOLE_START);
	if (elf->end_gpa > low_end(plan))
		return refuse_kernel(request, e, ENOMEM,
				     "has segments (p_paddr, p_memsz) from 0x%llx up to 0x%llx, "
				     "but RAM ends at 0x%llx",
				     (ull)elf->start_gpa, (ull)elf->end_gpa, (ull)low_end(plan));
	for (size_t i = 0; i < elf->segments; i++) {
		const struct elfimage_segment *from = &elf->segment[i];

		if (from->file_bytes)
			plan->load[plan->loads++] =
				(struct plan_load){ from->file_offset,
						    { from->gpa, from->file_bytes } };
	}
	plan->kernel = (struct plan_range){ elf->start_gpa, elf->end_gpa - elf->start_gpa };
	plan->entry_gpa = elf->entry_gpa;
	return 0;
}

static int plan_kernel(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	return request->elf ? plan_elf(request, plan, e) : plan_bzimage(request, plan, e);
}

/* The highest address an initrd's last byte has by the kernel's wish. */
static uint64_t initrd_addr_max(const struct plan_request *request)
{
	return request->bzimage ? request->bzimage->initrd_addr_max : INITRD_ADDR_MAX;
}

/*
 * Whether the kernel also finds an initrd above 4 GiB, whatever initrd_addr_max says. [BOOT] "Details
 * of Header Fields", xloadflags: XLF_CAN_BE_LOADED_ABOVE_4G. A vmlinux has no header to say so, but
 * kernels can since 3.8. Not so through PVH: [LINUX] arch/x86/platform/pvh/enlighten.c keeps 32 bits
 * of the address.
 */
static bool takes_initrd_above_4g(const struct plan_request *request)
{
	if (request->bzimage)
		return request->bzimage->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G;
	return !enters_by_pvh(request);
}

/* As high as it may be, from a page's start on. False: there is no room between bottom and top. */
static bool put_initrd(struct boot_plan *plan, uint64_t size, uint64_t bottom, uint64_t top)
{
	if (bottom > top || size > top - bottom || align_down(top - size, PLAN_PAGE_BYTES) < bottom)
		return false;
	plan->initrd = (struct plan_range){ align_down(top - size, PLAN_PAGE_BYTES), size };
	return true;
}

/* Above all that the kernel runs in and below initrd_addr_max; else above the hole. */
static int plan_initrd(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	uint64_t size = request->initrd_bytes;
	uint64_t bottom = align_up(range_end(plan->kernel), PLAN_PAGE_BYTES);
	uint64_t wished = initrd_addr_max(request) + 1;
	uint64_t top = wished < low_end(plan) ? wished : low_end(plan);

	if (size == 0 || put_initrd(plan, size, bottom, top))
		return 0;
	if (takes_initrd_above_4g(request) &&
	    put_initrd(plan, size, plan->ram_high.gpa, range_end(plan->ram_high)))
		return 0;
	return err_set(e, ENOMEM,
		       "initrd %s: has %llu bytes; between the kernel's end at 0x%llx and 0x%llx, "
		       "%s, there are %llu%s",
		       request->initrd_name, (ull)size, (ull)bottom, (ull)top,
		       wished >= low_end(plan) ? "the end of RAM"
		       : request->bzimage      ? "where initrd_addr_max ends"
					       : "the highest place for one",
		       (ull)(top > bottom ? top - bottom : 0),
		       takes_initrd_above_4g(request) ? ""
		       : request->bzimage ? "; above 4 GiB the kernel does not find it (no "
					    "XLF_CAN_BE_LOADED_ABOVE_4G)"
					  : "; above 4 GiB PVH does not find it");
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
	add_e820(plan, ACPI_GPA, HIGH_RAM_START, PLAN_E820_RESERVED);
	add_e820(plan, HIGH_RAM_START, low_end(plan), PLAN_E820_RAM);
	add_e820(plan, plan->ram_high.gpa, range_end(plan->ram_high), PLAN_E820_RAM);
}

static int plan_once(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	int rc;

	memset(plan, 0, sizeof(*plan));
	plan_tables(request, plan);
	plan_board(request, plan);
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

/* The smallest RAM, in MiB, that a plan can be made with; 0 if there is none. */
static uint64_t smallest_ram_mib(const struct plan_request *request)
{
	struct plan_request attempt = *request;
	uint64_t fails = request->ram_bytes / MIB, works = RAM_MAX_BYTES / MIB;
	struct boot_plan plan;
	struct err e;

	attempt.ram_bytes = works * MIB;
	if (plan_once(&attempt, &plan, &e) < 0)
		return 0;
	while (works - fails > 1) {
		uint64_t middle = fails + (works - fails) / 2;

		attempt.ram_bytes = middle * MIB;
		if (plan_once(&attempt, &plan, &e) < 0)
			fails = middle;
		else
			works = middle;
	}
	return works;
}

/* Too little RAM: adds how much would do to what *e tells. */
static int suggest_ram(const struct plan_request *request, struct err *e)
{
	uint64_t mib = smallest_ram_mib(request);
	struct err why = *e;

	if (mib)
		return err_set(e, ENOMEM, "%s; -m %lluM or more is needed", why.text, (ull)mib);
	return err_set(e, EFBIG, "%s; no -m makes room for it", why.text);
}

int plan_boot(const struct plan_request *request, struct boot_plan *plan, struct err *e)
{
	int rc;

	must((request->bzimage || request->elf) && request->kernel_name && request->cmdline);
	must(!(request->bzimage && enters_by_pvh(request)));
	must(request->initrd_bytes == 0 || request->initrd_name);
	rc = plan_once(request, plan, e);
	return rc == -ENOMEM ? suggest_ram(request, e) : rc;
}
