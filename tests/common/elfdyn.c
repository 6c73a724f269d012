/* SPDX-License-Identifier: MIT */
#include "tests/common/elfdyn.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/common/folder.h"
#include "vmm/base/le.h"
#include "vmm/base/must.h"

/* [ELF]: the numbers of the tags and types that are used. */
enum {
	SPEC_ET_DYN = 3,
	SPEC_EM_386 = 3,
	SPEC_EM_X86_64 = 62,
	SPEC_PT_LOAD = 1,
	SPEC_PT_DYNAMIC = 2,
	SPEC_PT_INTERP = 3,
	SPEC_DT_NEEDED = 1,
	SPEC_DT_STRTAB = 5,
	SPEC_DT_STRSZ = 10,
	SPEC_DT_SONAME = 14,
	SPEC_DT_RPATH = 15,
	SPEC_DT_RUNPATH = 29,
};

struct building {
	uint8_t *bytes;
	bool is64;
	size_t headers, entries, strings;
};

static void put_word(struct building *b, size_t at, uint64_t value)
{
	if (b->is64)
		put_le64(b->bytes + at, value);
	else
		put_le32(b->bytes + at, (uint32_t)value);
}

static void put_header(struct building *b, const struct elfdyn *elf)
{
	static const uint8_t magic[] = { 0x7f, 'E', 'L', 'F' };
	size_t word = b->is64 ? 8 : 4, at = 0x18;
	unsigned int machine = b->is64 ? SPEC_EM_X86_64 : SPEC_EM_386;

	memcpy(b->bytes, magic, sizeof(magic));
	b->bytes[4] = b->is64 ? 2 : 1; /* EI_CLASS */
	b->bytes[5] = 1;               /* EI_DATA: little-endian */
	b->bytes[6] = 1;               /* EI_VERSION */
	put_le16(b->bytes + 0x10, elf->type ? (uint16_t)elf->type : SPEC_ET_DYN);
	put_le16(b->bytes + 0x12, (uint16_t)(elf->machine ? elf->machine : machine));
	put_le32(b->bytes + 0x14, 1);
	put_word(b, at, elf->entry);
	put_word(b, at + word, ELFDYN_HEADERS);
	at += 3 * word + 4; /* behind e_shoff and e_flags */
	put_le16(b->bytes + at, b->is64 ? 64 : 52);
	put_le16(b->bytes + at + 2, b->is64 ? 56 : 32);
	put_le16(b->bytes + at + 4, (uint16_t)b->headers);
}

static void put_program(struct building *b, uint32_t type, uint32_t offset, uint32_t bytes)
{
	size_t at = ELFDYN_HEADERS + b->headers++ * (b->is64 ? 56 : 32);
	size_t word = b->is64 ? 8 : 4, field = b->is64 ? at + 8 : at + 4;

	put_le32(b->bytes + at, type);
	put_word(b, field, offset);
	put_word(b, field + word, ELFDYN_ADDRESS + offset);
	put_word(b, field + 2 * word, ELFDYN_ADDRESS + offset);
	put_word(b, field + 3 * word, bytes);
	put_word(b, field + 4 * word, bytes);
}

static void put_entry(struct building *b, uint32_t tag, uint32_t value)
{
	size_t word = b->is64 ? 8 : 4, at = ELFDYN_DYNAMIC + b->entries++ * 2 * word;

	must(at + 2 * word <= ELFDYN_STRINGS);
	put_word(b, at, tag);
	put_word(b, at + word, value);
}

static void put_string(struct building *b, uint32_t tag, const char *text)
{
	if (!text)
		return;
	must(b->strings + strlen(text) + 1 <= ELFDYN_ROOM - ELFDYN_STRINGS);
	strcpy((char *)b->bytes + ELFDYN_STRINGS + b->strings, text);
	put_entry(b, tag, (uint32_t)b->strings);
	b->strings += strlen(text) + 1;
}

size_t elfdyn_build(const struct elfdyn *elf, uint8_t bytes[ELFDYN_ROOM])
{
	struct building b = { .bytes = bytes, .is64 = elf->bits != 32, .strings = 1 };
	size_t size = ELFDYN_STRINGS;

	memset(bytes, 0, ELFDYN_ROOM);
	put_entry(&b, SPEC_DT_STRTAB, ELFDYN_ADDRESS + ELFDYN_STRINGS);
	put_entry(&b, SPEC_DT_STRSZ, 0);
	put_string(&b, SPEC_DT_SONAME, elf->soname);
	put_string(&b, SPEC_DT_RPATH, elf->rpath);
	put_string(&b, SPEC_DT_RUNPATH, elf->runpath);
	for (int i = 0; i < ELFDYN_NEEDED_MAX && elf->needed[i]; i++)
		put_string(&b, SPEC_DT_NEEDED, elf->needed[i]);
	put_entry(&b, 0, 0);
	size += b.strings;
	put_word(&b, ELFDYN_DYNAMIC + (b.is64 ? 24 : 12), b.strings); /* DT_STRSZ's value */
	put_program(&b, SPEC_PT_LOAD, 0, (uint32_t)size);
	put_program(&b, SPEC_PT_DYNAMIC, ELFDYN_DYNAMIC, (uint32_t)(b.entries * (b.is64 ? 16 : 8)));
	if (elf->interp) {
		strcpy((char *)bytes + ELFDYN_INTERP, elf->interp);
		put_program(&b, SPEC_PT_INTERP, ELFDYN_INTERP, (uint32_t)strlen(elf->interp) + 1);
	}
	put_header(&b, elf);
	return size;
}

void elfdyn_write(const struct elfdyn *elf, const char *path)
{
	uint8_t bytes[ELFDYN_ROOM];

	folder_put(path, bytes, elfdyn_build(elf, bytes));
	must(chmod(path, 0755) == 0);
}
