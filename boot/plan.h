/* SPDX-License-Identifier: MIT */
/*
 * plan: facts -> addresses. Pure arithmetic: no file, no guest memory, no KVM. Everything that
 * can be wrong with a boot's geometry is refused here, before /dev/kvm is opened.
 *
 *   0x0000_0500  GDT
 *   0x0000_6000  PVH start info, for kernels that are entered that way
 *   0x0000_7000  zero page (struct boot_params), for all others; below it a stack for guests that
 *                want one
 *   0x0000_8000  a random seed for the same kernels, when there is one
 *   0x0000_9000  page tables: identity, 2 MiB pages, the first 4 GiB
 *   0x0002_0000  command line
 *   0x0009_fc00  end of low RAM
 *   0x000e_0000  ACPI tables
 *   0x000f_0000  MP table
 *   0x0010_0000  RAM again: the kernel at its load address ... the initrd as high as it may be
 *   0xc000_0000  hole (up to 4 GiB): the local APIC, the I/O APIC
 *   0x1_0000_0000  the rest of RAM; an initrd that fits nowhere below
 *
 * A kernel comes as a bzImage that unpacks itself in the guest (bzimage), as an ELF file (elf), or
 * as both: a bzImage's header and the ELF file that was packed in it, entered directly.
 *
 * Authority: [BOOT] "Details of Header Fields" (pref_address, init_size, initrd_addr_max,
 * xloadflags, cmdline_size), "64-bit Boot Protocol"; [LINUX] arch/x86/boot/compressed/head_64.S for
 * where a kernel really runs; [PVH].
 * Left out: a lesser alignment (min_alignment) and a load address other than the preferred one: see
 * plan.c.
 */
#ifndef TVMM_BOOT_PLAN_H
#define TVMM_BOOT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "boot/board.h"
#include "boot/bzimage.h"
#include "boot/elfimage.h"
#include "vmm/base/err.h"

#define PLAN_RAM_MIN_BYTES (16ULL << 20)
#define PLAN_HOLE_START    0xc0000000ULL
#define PLAN_HOLE_END      0x100000000ULL
/* x86 has guest-physical addresses of at most 52 bits; RAM above the hole ends before that. */
#define PLAN_GPA_END (1ULL << 52)

enum {
	PLAN_PAGE_BYTES = 0x1000,
	PLAN_E820_MAX = 8,
	PLAN_RNG_SEED_BYTES = 32, /* what makes Linux's generator ready: BLAKE2S_HASH_SIZE */
};

enum plan_e820_type {
	PLAN_E820_RAM = 1,
	PLAN_E820_RESERVED = 2,
};

struct plan_range {
	uint64_t gpa;
	uint64_t size_bytes; /* 0: there is none */
};

struct plan_e820 {
	uint64_t gpa;
	uint64_t size_bytes;
	uint32_t type; /* enum plan_e820_type */
};

/* A stretch of the kernel's file, and where it is loaded. */
struct plan_load {
	uint64_t file_offset;
	struct plan_range to;
};

struct plan_request {
	const struct bzimage *bzimage; /* from a bzimage_parse() that succeeded; NULL: none */
	const struct elfimage *elf;    /* from elfimage_parse(); NULL: the guest unpacks bzimage */
	uint64_t ram_bytes;            /* a multiple of 4 KiB, PLAN_RAM_MIN_BYTES at least */
	uint64_t initrd_bytes;         /* 0: none */
	const char *kernel_name;       /* for messages: file paths, borrowed */
	const char *initrd_name;       /* may be NULL when there is none */
	const char *cmdline;           /* never NULL; "" is an empty one */
	const struct board *board;     /* what tables tell of; NULL: there are no tables */
	bool mp_table;                 /* for one CPU too; several always get it */
	const uint8_t *rng_seed;       /* PLAN_RNG_SEED_BYTES random ones, borrowed; NULL: none */
};

enum plan_entry {
	PLAN_ENTRY_LINUX64, /* [BOOT] "64-bit Boot Protocol" */
	PLAN_ENTRY_PVH,     /* [PVH]: 32-bit, no paging */
};

struct boot_plan {
	struct plan_range ram_low, ram_high;
	struct plan_range gdt, page_tables, cmdline; /* cmdline counts its NUL */
	struct plan_range zero_page, rng_seed;       /* for PLAN_ENTRY_LINUX64 */
	struct plan_range start_info;                /* for PLAN_ENTRY_PVH */
	struct plan_range acpi, mp_table;            /* the RSDP, the floating pointer come first */
	struct plan_load load[ELFIMAGE_SEGMENTS_MAX];
	size_t loads;
	struct plan_range
		kernel; /* all that the kernel needs: init_size, or its segments' memory */
	struct plan_range initrd;
	enum plan_entry entry;
	uint64_t entry_gpa;
	struct plan_e820 e820[PLAN_E820_MAX];
	size_t e820_entries;
};

/*
 * Chooses every address. Returns 0, or -errno with *e telling the numbers that do not fit;
 * *plan is unspecified then. A plan that was made has no two ranges that overlap (what is loaded
 * lies in kernel). All of them lie in RAM that the e820 map calls RAM, but for the tables, whose place it
 * calls reserved.
 */
int plan_boot(const struct plan_request *request, struct boot_plan *plan, struct err *e);

/* The longest command line that a kernel takes, by its header or as all do; without the NUL. */
uint32_t plan_cmdline_takes(const struct bzimage *bzimage);

/* Prints facts and plan for a reader (`tvmm --explain`). The same facts print the same bytes. */
void plan_explain(const struct plan_request *request, const struct boot_plan *plan, FILE *out);

#endif
