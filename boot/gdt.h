/* SPDX-License-Identifier: MIT */
/*
 * The boot GDT: the segments of [BOOT] "64-bit Boot Protocol" and of [PVH], once as descriptors in
 * guest memory and once as the registers that a vCPU is entered with. Both come from the same
 * values.
 *
 *   0x00  null
 *   0x08  32-bit code, execute/read, flat: what PVH enters
 *   0x10  __BOOT_CS  64-bit code, execute/read, flat
 *   0x18  __BOOT_DS  data, read/write, flat
 *   0x20  TSS, 16 bytes: what TR must hold in 64-bit mode; the first 8 of them are the 32-bit TSS
 *         that PVH wants. Nobody enters another privilege level through it before the kernel
 *         loads its own; its base is 0, where nothing is placed.
 *
 * Authority: [BOOT]; [PVH]; [SDM] volume 3, "Segment Descriptors", "TSS Descriptor in 64-bit mode".
 */
#ifndef TVMM_BOOT_GDT_H
#define TVMM_BOOT_GDT_H

#include <stdint.h>

enum {
	GDT_CODE_32 = 0x08,
	GDT_BOOT_CS = 0x10,
	GDT_BOOT_DS = 0x18,
	GDT_TSS = 0x20,
	GDT_BYTES = 0x30,
	GDT_DESCRIPTOR_BYTES = 8,
};

struct entry_segment {
	uint16_t selector;
	uint32_t base;
	uint32_t limit; /* bytes - 1, granularity already applied */
	uint8_t type;   /* descriptor type field, 4 bits */
	uint8_t s, dpl, present, l, db, g;
};

extern const struct entry_segment gdt_code_32, gdt_boot_cs, gdt_boot_ds, gdt_tss;

/* A segment as its eight descriptor bytes say it; of a TSS, the lower half of its sixteen. */
uint64_t gdt_encode(const struct entry_segment *segment);

/* The whole table. */
void gdt_build(uint8_t table[GDT_BYTES]);

#endif
