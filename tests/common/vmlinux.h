/* SPDX-License-Identifier: MIT */
/*
 * Makes small vmlinux files for tests: one segment, notes, sections, a symbol table.
 *
 *   0x00000  ELF header; program headers at 0x40: PT_LOAD, PT_NOTE; section headers at 0x400
 *   0x01000  the segment, 0x40000 bytes for guest-physical 0x1000000:
 *              +0x0000 .text    +0x1000 .rodata, the banner at its start
 *              +0x1800 .notes   +0x2000 .data, free for tables that a test wants in there
 *            and 0x1000 bytes of memory behind them: .bss
 *   0x41000  .symtab, 0x43000 .strtab
 *
 * Any trouble aborts: a test that cannot have its input has not run.
 */
#ifndef TVMM_TESTS_COMMON_VMLINUX_H
#define TVMM_TESTS_COMMON_VMLINUX_H

#include <stddef.h>
#include <stdint.h>

#include "tests/common/image.h"

#define VMLINUX_TEXT   0xffffffff81000000ULL
#define VMLINUX_BANNER 0xffffffff81001000ULL
#define VMLINUX_DATA   0xffffffff81002000ULL
#define VMLINUX_BSS    0xffffffff81040000ULL

enum {
	VMLINUX_SECTIONS = 0x400,
	VMLINUX_SEGMENT = 0x1000,
	VMLINUX_SEGMENT_BYTES = 0x40000,
	VMLINUX_NOTES = VMLINUX_SEGMENT + 0x1800,
	VMLINUX_NOTES_BYTES = 0x24,
	VMLINUX_TABLES = VMLINUX_SEGMENT + 0x2000,
	VMLINUX_TABLES_BYTES = VMLINUX_SEGMENT_BYTES - 0x2000,
	VMLINUX_SYMTAB = 0x41000,
	VMLINUX_STRTAB = 0x43000,
	VMLINUX_BYTES = 0x45000,

	/* The section headers. */
	VMLINUX_S_TEXT = 1,
	VMLINUX_S_RODATA,
	VMLINUX_S_DATA,
	VMLINUX_S_BSS,
	VMLINUX_S_NOTES,
	VMLINUX_S_COMMENT, /* not loaded */
	VMLINUX_S_SYMTAB,
	VMLINUX_S_STRTAB,
	VMLINUX_S_COUNT,
};

struct vmlinux {
	struct image image;
	size_t symbols; /* the empty first one included */
	size_t names_bytes;
};

/* Without symbols. The 20 bytes of its build id are that byte. image_free(&v->image) when done. */
void vmlinux_init(struct vmlinux *v, const char *banner, uint8_t build_id);

/* Adds a symbol; info is [ELF]'s st_info, section a VMLINUX_S_ or one of [ELF]'s SHN_. */
void vmlinux_symbol(struct vmlinux *v, const char *name, uint64_t value, uint8_t info,
		    uint16_t section);

/* Where in the file that field of a section header is. */
size_t vmlinux_section(size_t section, size_t field);

/* Takes symbol table and sections away, as strip does. */
void vmlinux_strip(struct vmlinux *v);

#endif
