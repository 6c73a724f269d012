/* SPDX-License-Identifier: MIT */
#include "boot/place.h"

#include <string.h>

#include "boot/acpi.h"
#include "boot/gdt.h"
#include "boot/mptable.h"
#include "boot/pvh.h"
#include "boot/zeropage.h"
#include "vmm/base/le.h"
#include "vmm/base/must.h"

enum {
	TABLE_ENTRIES = 512,
	TABLE_ENTRY_BYTES = 8,
	MAPPED_GIB = 4,

	/* The protocol whose fields make_header() and place_header() fill: 2.12. */
	VERSION_OF_MADE_HEADER = 0x020c,

	PTE_PRESENT = 1 << 0,
	PTE_WRITE = 1 << 1,
	PTE_LARGE = 1 << 7, /* in a PD: a page of 2 MiB, not a page table */
};

#define LARGE_PAGE_BYTES (2ULL << 20)

/* A range of the plan as host memory. Memory that cannot hold its own plan is a bug of ours. */
static uint8_t *range_at(const struct guest_memory *memory, struct plan_range range)
{
	uint8_t *at = guest_memory_at(memory, range.gpa, range.size_bytes);

	must(at != NULL);
	return at;
}

/*
 * Identity, the first 4 GiB:
 *
 *   PML4[0] -> PDPT[0..3] -> four page directories of 512 pages of 2 MiB each
 *
 * in six pages one after the other: PML4, PDPT, PD, PD, PD, PD.
 */
static void place_page_tables(struct plan_range range, uint8_t *at)
{
	uint64_t pdpt_gpa = range.gpa + PLAN_PAGE_BYTES;
	uint64_t pd_gpa = pdpt_gpa + PLAN_PAGE_BYTES;
	uint8_t *pdpt = at + PLAN_PAGE_BYTES;
	uint8_t *pd = pdpt + PLAN_PAGE_BYTES;

	must(range.size_bytes == (2 + MAPPED_GIB) * (uint64_t)PLAN_PAGE_BYTES);
	memset(at, 0, range.size_bytes);
	put_le64(at, pdpt_gpa | PTE_WRITE | PTE_PRESENT);
	for (size_t i = 0; i < MAPPED_GIB; i++)
		put_le64(pdpt + i * TABLE_ENTRY_BYTES,
			 (pd_gpa + i * PLAN_PAGE_BYTES) | PTE_WRITE | PTE_PRESENT);
	for (size_t i = 0; i < (size_t)MAPPED_GIB * TABLE_ENTRIES; i++)
		put_le64(pd + i * TABLE_ENTRY_BYTES,
			 i * LARGE_PAGE_BYTES | PTE_LARGE | PTE_WRITE | PTE_PRESENT);
}

static void place_e820(const struct boot_plan *plan, uint8_t *zero_page)
{
	uint8_t *entry = zero_page + ZERO_PAGE_E820_TABLE;

	must(plan->e820_entries <= ZERO_PAGE_E820_MAX);
	zero_page[ZERO_PAGE_E820_ENTRIES] = (uint8_t)plan->e820_entries;
	for (size_t i = 0; i < plan->e820_entries; i++, entry += E820_ENTRY_BYTES) {
		put_le64(entry + E820_ADDR, plan->e820[i].gpa);
		put_le64(entry + E820_SIZE, plan->e820[i].size_bytes);
		put_le32(entry + E820_TYPE, plan->e820[i].type);
	}
}

/*
 * What [BOOT] "Details of Header Fields" wants a loader to write, over whatever the file has there.
 * All but the initrd lies below 4 GiB, so that 32 bits hold its address. loadflags keeps LOADED_HIGH
 * alone: CAN_USE_HEAP and heap_end_ptr are for the real-mode code, which is not loaded.
 */
static void place_header(const struct boot_plan *plan, uint8_t *zero_page)
{
	put_le16(zero_page + HDR_VID_MODE, VID_MODE_NORMAL);
	zero_page[HDR_TYPE_OF_LOADER] = LOADER_UNDEFINED;
	zero_page[HDR_EXT_LOADER_VER] = 0;
	zero_page[HDR_EXT_LOADER_TYPE] = 0;
	zero_page[HDR_LOADFLAGS] = LOADED_HIGH;
	put_le32(zero_page + HDR_CODE32_START, (uint32_t)plan->kernel.gpa);
	put_le32(zero_page + HDR_RAMDISK_IMAGE, (uint32_t)plan->initrd.gpa);
	put_le32(zero_page + HDR_RAMDISK_SIZE, (uint32_t)plan->initrd.size_bytes);
	put_le32(zero_page + ZERO_PAGE_EXT_RAMDISK_IMAGE, (uint32_t)(plan->initrd.gpa >> 32));
	put_le32(zero_page + ZERO_PAGE_EXT_RAMDISK_SIZE, (uint32_t)(plan->initrd.size_bytes >> 32));
	put_le32(zero_page + HDR_CMD_LINE_PTR, (uint32_t)plan->cmdline.gpa);
	put_le32(zero_page + HDR_HARDWARE_SUBARCH, 0);            /* a PC */
	put_le64(zero_page + HDR_SETUP_DATA, plan->rng_seed.gpa); /* 0: none */
}

/* What a vmlinux has no header for and a kernel wants to see in it. */
static void make_header(uint8_t *zero_page)
{
	put_le16(zero_page + HDR_ROOT_FLAGS, ROOT_FLAGS_READ_ONLY);
	put_le16(zero_page + HDR_BOOT_FLAG, BOOT_FLAG_MAGIC);
	put_le32(zero_page + HDR_HEADER, HEADER_MAGIC);
	put_le16(zero_page + HDR_VERSION, VERSION_OF_MADE_HEADER);
}

/* Only the header comes from the file: the rest of the page, sentinel included, must be zero. */
static void place_zero_page(const struct plan_request *request, const struct boot_plan *plan,
			    uint8_t *at)
{
	const struct bzimage *kernel = request->bzimage;

	memset(at, 0, plan->zero_page.size_bytes);
	if (kernel) {
		must(kernel->header_bytes <= sizeof(kernel->header));
		memcpy(at + BZIMAGE_HEADER_OFFSET, kernel->header, kernel->header_bytes);
	} else {
		make_header(at);
	}
	place_header(plan, at);
	put_le64(at + ZERO_PAGE_ACPI_RSDP_ADDR, plan->acpi.gpa); /* 0: look for one */
	place_e820(plan, at);
}

/* Kernels that do not know the type leave it alone; the others wipe it when they have taken it. */
static void place_rng_seed(const uint8_t *seed, uint8_t *at)
{
	put_le64(at + SETUP_DATA_NEXT, 0);
	put_le32(at + SETUP_DATA_TYPE, SETUP_RNG_SEED);
	put_le32(at + SETUP_DATA_LENGTH, PLAN_RNG_SEED_BYTES);
	memcpy(at + SETUP_DATA_BYTES, seed, PLAN_RNG_SEED_BYTES);
}

static void place_start_info(const struct boot_plan *plan, const struct guest_memory *memory)
{
	const struct pvh_facts facts = {
		.cmdline_gpa = plan->cmdline.gpa,
		.rsdp_gpa = plan->acpi.gpa, /* 0 if there is none */
		.initrd = plan->initrd,
		.e820 = plan->e820,
		.e820_entries = plan->e820_entries,
	};

	must(pvh_bytes(&facts) <= plan->start_info.size_bytes);
	pvh_build(&facts, plan->start_info.gpa, range_at(memory, plan->start_info));
}

int place_kernel(const struct boot_plan *plan, const struct input_file *kernel,
		 const struct guest_memory *memory, struct err *e)
{
	int rc = 0;

	(void)range_at(memory, plan->kernel);
	for (size_t i = 0; rc == 0 && i < plan->loads; i++)
		rc = file_read_to_zeros(kernel, plan->load[i].file_offset,
					range_at(memory, plan->load[i].to),
					plan->load[i].to.size_bytes, e);
	return rc;
}

static void place_board(const struct plan_request *request, const struct boot_plan *plan,
			const struct guest_memory *memory)
{
	if (plan->acpi.size_bytes)
		acpi_build(request->board, plan->acpi.gpa, range_at(memory, plan->acpi));
	if (plan->mp_table.size_bytes)
		mptable_build(request->board, plan->mp_table.gpa, range_at(memory, plan->mp_table));
}

int place_initrd(const struct boot_plan *plan, uint64_t offset_bytes,
		 const struct input_file *archive, const struct guest_memory *memory, struct err *e)
{
	must(offset_bytes % INITRD_ALIGN_BYTES == 0);
	must(offset_bytes <= plan->initrd.size_bytes &&
	     archive->size_bytes <= plan->initrd.size_bytes - offset_bytes);
	return file_read(archive, 0, range_at(memory, plan->initrd) + offset_bytes,
			 archive->size_bytes, e);
}

int place_boot(const struct plan_request *request, const struct boot_plan *plan,
	       const struct input_file *kernel, const struct input_file *initrd,
	       const struct guest_memory *memory, struct err *e)
{
	int rc;

	gdt_build(range_at(memory, plan->gdt));
	if (plan->entry == PLAN_ENTRY_LINUX64) {
		place_page_tables(plan->page_tables, range_at(memory, plan->page_tables));
		place_zero_page(request, plan, range_at(memory, plan->zero_page));
		if (plan->rng_seed.size_bytes)
			place_rng_seed(request->rng_seed, range_at(memory, plan->rng_seed));
	} else {
		place_start_info(plan, memory);
	}
	place_board(request, plan, memory);
	memcpy(range_at(memory, plan->cmdline), request->cmdline, plan->cmdline.size_bytes);
	rc = place_kernel(plan, kernel, memory, e);
	if (rc < 0 || initrd == NULL)
		return rc;
	return place_initrd(plan, 0, initrd, memory, e);
}
