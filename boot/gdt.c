/* SPDX-License-Identifier: MIT */
#include "boot/gdt.h"

#include <string.h>

#include "vmm/base/le.h"

/* Types have their "accessed" (or "busy") bit set: a processor that loaded them had set it. */
const struct entry_segment gdt_code_32 = {
	.selector = GDT_CODE_32,
	.limit = 0xffffffff,
	.type = 0xb, /* code, execute/read, accessed */
	.s = 1,
	.present = 1,
	.db = 1,
	.g = 1,
};

const struct entry_segment gdt_boot_cs = {
	.selector = GDT_BOOT_CS,
	.limit = 0xffffffff,
	.type = 0xb, /* code, execute/read, accessed */
	.s = 1,
	.present = 1,
	.l = 1,
	.g = 1,
};

const struct entry_segment gdt_boot_ds = {
	.selector = GDT_BOOT_DS,
	.limit = 0xffffffff,
	.type = 0x3, /* data, read/write, accessed */
	.s = 1,
	.present = 1,
	.db = 1,
	.g = 1,
};

const struct entry_segment gdt_tss = {
	.selector = GDT_TSS,
	.limit = 0x67, /* the shortest a 64-bit TSS may be */
	.type = 0xb,   /* TSS, busy: of 64 bits in 64-bit mode, otherwise of 32 */
	.present = 1,
};

/*
 *   63       56 55 54 53 52 51     48 47 46 45 44 43     40 39       32
 *   base 31:24  G  DB L  0  limit     P  DPL   S  type      base 23:16
 *                           19:16
 *   31                             16 15                              0
 *   base 15:0                         limit 15:0
 */
uint64_t gdt_encode(const struct entry_segment *segment)
{
	uint64_t base = segment->base;
	uint64_t limit = segment->g ? segment->limit >> 12 : segment->limit;

	return (limit & 0xffff) | (base & 0xffffff) << 16 | (uint64_t)segment->type << 40 |
	       (uint64_t)segment->s << 44 | (uint64_t)segment->dpl << 45 |
	       (uint64_t)segment->present << 47 | (limit >> 16 & 0xf) << 48 |
	       (uint64_t)segment->l << 53 | (uint64_t)segment->db << 54 |
	       (uint64_t)segment->g << 55 | (base >> 24) << 56;
}

void gdt_build(uint8_t table[GDT_BYTES])
{
	memset(table, 0, GDT_BYTES);
	put_le64(table + GDT_CODE_32, gdt_encode(&gdt_code_32));
	put_le64(table + GDT_BOOT_CS, gdt_encode(&gdt_boot_cs));
	put_le64(table + GDT_BOOT_DS, gdt_encode(&gdt_boot_ds));
	put_le64(table + GDT_TSS, gdt_encode(&gdt_tss));
}
