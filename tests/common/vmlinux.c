/* SPDX-License-Identifier: MIT */
#include "tests/common/vmlinux.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/base/must.h"

/* [ELF]: the 64-bit headers, of which a test needs no field by name. */
enum {
	EHDR_BYTES = 0x40,
	PHDR_BYTES = 0x38,
	SHDR_BYTES = 0x40,
	SYM_BYTES = 24,
	E_SHOFF = 0x28,
	E_SHNUM = 0x3c,
	GPA = 0x1000000,

	PT_LOAD = 1,
	PT_NOTE = 4,
	SHT_PROGBITS = 1,
	SHT_SYMTAB = 2,
	SHT_STRTAB = 3,
	SHT_NOTE = 7,
	SHT_NOBITS = 8,
	SHF_WRITE = 1,
	SHF_ALLOC = 2,
	SHF_EXECINSTR = 4,
	NT_GNU_BUILD_ID = 3,
	BUILD_ID_BYTES = 20,
};

static void put_program(struct vmlinux *v, size_t i, uint32_t type, uint64_t offset, uint64_t bytes,
			uint64_t memory)
{
	size_t at = EHDR_BYTES + i * PHDR_BYTES;
	uint64_t gpa = GPA + offset - VMLINUX_SEGMENT;

	image_put(&v->image, at, 4, type);
	image_put(&v->image, at + 0x08, 8, offset);
	image_put(&v->image, at + 0x10, 8, 0xffffffff80000000 + gpa);
	image_put(&v->image, at + 0x18, 8, gpa);
	image_put(&v->image, at + 0x20, 8, bytes);
	image_put(&v->image, at + 0x28, 8, memory);
	image_put(&v->image, at + 0x30, 8, 4);
}

size_t vmlinux_section(size_t section, size_t field)
{
	return VMLINUX_SECTIONS + section * SHDR_BYTES + field;
}

static void put_section(struct vmlinux *v, size_t i, uint32_t type, uint64_t flags, uint64_t offset,
			uint64_t bytes)
{
	image_put(&v->image, vmlinux_section(i, 0x04), 4, type);
	image_put(&v->image, vmlinux_section(i, 0x08), 8, flags);
	if (flags & SHF_ALLOC)
		image_put(&v->image, vmlinux_section(i, 0x10), 8,
			  VMLINUX_TEXT + offset - VMLINUX_SEGMENT);
	image_put(&v->image, vmlinux_section(i, 0x18), 8, offset);
	image_put(&v->image, vmlinux_section(i, 0x20), 8, bytes);
}

static void put_sections(struct vmlinux *v)
{
	size_t end = VMLINUX_SEGMENT + VMLINUX_SEGMENT_BYTES;

	put_section(v, VMLINUX_S_TEXT, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, VMLINUX_SEGMENT,
		    0x1000);
	put_section(v, VMLINUX_S_RODATA, SHT_PROGBITS, SHF_ALLOC, VMLINUX_SEGMENT + 0x1000, 0x800);
	put_section(v, VMLINUX_S_DATA, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, VMLINUX_TABLES,
		    VMLINUX_TABLES_BYTES);
	put_section(v, VMLINUX_S_BSS, SHT_NOBITS, SHF_ALLOC | SHF_WRITE, end, 0x1000);
	put_section(v, VMLINUX_S_NOTES, SHT_NOTE, SHF_ALLOC, VMLINUX_NOTES, VMLINUX_NOTES_BYTES);
	put_section(v, VMLINUX_S_COMMENT, SHT_PROGBITS, 0, 0x800, 0x10);
	put_section(v, VMLINUX_S_SYMTAB, SHT_SYMTAB, 0, VMLINUX_SYMTAB, SYM_BYTES);
	put_section(v, VMLINUX_S_STRTAB, SHT_STRTAB, 0, VMLINUX_STRTAB, 1);
	image_put(&v->image, vmlinux_section(VMLINUX_S_SYMTAB, 0x28), 4, VMLINUX_S_STRTAB);
	image_put(&v->image, vmlinux_section(VMLINUX_S_SYMTAB, 0x38), 8, SYM_BYTES);
}

static void put_notes(struct vmlinux *v, uint8_t build_id)
{
	image_put(&v->image, VMLINUX_NOTES, 4, 4);
	image_put(&v->image, VMLINUX_NOTES + 4, 4, BUILD_ID_BYTES);
	image_put(&v->image, VMLINUX_NOTES + 8, 4, NT_GNU_BUILD_ID);
	memcpy(v->image.bytes + VMLINUX_NOTES + 12, "GNU", 4);
	memset(v->image.bytes + VMLINUX_NOTES + 16, build_id, BUILD_ID_BYTES);
}

void vmlinux_init(struct vmlinux *v, const char *banner, uint8_t build_id)
{
	static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

	v->image.bytes = calloc(1, VMLINUX_BYTES);
	v->image.size_bytes = VMLINUX_BYTES;
	must(v->image.bytes != NULL);
	memcpy(v->image.bytes, ident, sizeof(ident));
	image_put(&v->image, 0x10, 2, 2);  /* ET_EXEC */
	image_put(&v->image, 0x12, 2, 62); /* EM_X86_64 */
	image_put(&v->image, 0x14, 4, 1);
	image_put(&v->image, 0x18, 8, GPA);
	image_put(&v->image, 0x20, 8, EHDR_BYTES);
	image_put(&v->image, E_SHOFF, 8, VMLINUX_SECTIONS);
	image_put(&v->image, 0x34, 2, EHDR_BYTES);
	image_put(&v->image, 0x36, 2, PHDR_BYTES);
	image_put(&v->image, 0x38, 2, 2);
	image_put(&v->image, 0x3a, 2, SHDR_BYTES);
	image_put(&v->image, E_SHNUM, 2, VMLINUX_S_COUNT);
	put_program(v, 0, PT_LOAD, VMLINUX_SEGMENT, VMLINUX_SEGMENT_BYTES,
		    VMLINUX_SEGMENT_BYTES + 0x1000);
	put_program(v, 1, PT_NOTE, VMLINUX_NOTES, VMLINUX_NOTES_BYTES, VMLINUX_NOTES_BYTES);
	put_sections(v);
	put_notes(v, build_id);
	must(strlen(banner) < 0x800);
	memcpy(v->image.bytes + VMLINUX_SEGMENT + 0x1000, banner, strlen(banner) + 1);
	v->symbols = 1;
	v->names_bytes = 1;
}

void vmlinux_symbol(struct vmlinux *v, const char *name, uint64_t value, uint8_t info,
		    uint16_t section)
{
	size_t at = VMLINUX_SYMTAB + v->symbols * SYM_BYTES, length = strlen(name) + 1;

	must(at + SYM_BYTES <= VMLINUX_STRTAB);
	must(VMLINUX_STRTAB + v->names_bytes + length <= VMLINUX_BYTES);
	image_put(&v->image, at, 4, v->names_bytes);
	image_put(&v->image, at + 4, 1, info);
	image_put(&v->image, at + 6, 2, section);
	image_put(&v->image, at + 8, 8, value);
	memcpy(v->image.bytes + VMLINUX_STRTAB + v->names_bytes, name, length);
	v->symbols++;
	v->names_bytes += length;
	image_put(&v->image, vmlinux_section(VMLINUX_S_SYMTAB, 0x20), 8, v->symbols * SYM_BYTES);
	image_put(&v->image, vmlinux_section(VMLINUX_S_STRTAB, 0x20), 8, v->names_bytes);
}

void vmlinux_strip(struct vmlinux *v)
{
	image_put(&v->image, E_SHOFF, 8, 0);
	image_put(&v->image, E_SHNUM, 2, 0);
	image_resize(&v->image, VMLINUX_SYMTAB);
}
