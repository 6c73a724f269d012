/* SPDX-License-Identifier: MIT */
/*
 * The zoo's ELF kernels. The good one:
 *
 *   0x0000  ELF header
 *   0x0040  program headers: text, data, note
 *   0x0200  a PVH note: entry at +0x100
 *   0x1000  text, 0x1000 bytes, to 16 MiB; e_entry is its start
 *   0x2000  data, 0x400 bytes and 0x1c00 zeros behind them, to 16 MiB + 0x1000
 *
 * What has to come of a field follows from [ELF] "ELF Header", "Program Header", "Note Section"
 * with 128 MiB of RAM. A kernel may be entered at e_entry, or by its PVH note, so that a fault in
 * one of the two is none while the other holds: the cases of an entry have the other taken away.
 * p_align, p_vaddr and sections say nothing to a loader that puts segments to p_paddr.
 */
#include <elf.h>
#include <stddef.h>
#include <string.h>

#include "tests/malformed/zoo_elf.h"
#include "vmm/base/le.h"
#include "vmm/base/must.h"

typedef unsigned long long ull;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RAM_BYTES    (128 * MIB)
#define TEXT_GPA     (16 * MIB)
#define DATA_GPA     (TEXT_GPA + 0x1000)

enum {
	HEADERS_END = 64 + 3 * 56,
	NOTE_AT = 0x200,
	NOTE_BYTES = 20, /* three numbers, "Xen\0", an address of 32 bits */
	DATA_MEMORY_BYTES = 0x2000,
	PVH_NOTE_TYPE = 18,
};

/* Where the fields lie: [ELF]. */
#define EH(field)    offsetof(Elf64_Ehdr, field), sizeof(((Elf64_Ehdr *)0)->field)
#define IDENT(index) (index), 1
#define PH(i, field)                                                                 \
	sizeof(Elf64_Ehdr) + (i) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field), \
		sizeof(((Elf64_Phdr *)0)->field)
#define TEXT(field) PH(0, field)
#define DATA(field) PH(1, field)
#define NOTE(field) PH(2, field)

void zoo_elf_put(uint8_t *elf, size_t offset, size_t width, uint64_t value)
{
	for (size_t i = 0; i < width; i++)
		elf[offset + i] = (uint8_t)(value >> 8 * i);
}

static void put_note(uint8_t *to, uint32_t name_bytes, uint32_t desc_bytes, uint32_t type,
		     uint64_t entry)
{
	put_le32(to, name_bytes);
	put_le32(to + 4, desc_bytes);
	put_le32(to + 8, type);
	memcpy(to + 12, "Xen", 4);
	put_le64(to + 16, entry);
}

void zoo_elf(uint8_t elf[ZOO_ELF_BYTES])
{
	static const Elf64_Ehdr header = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = TEXT_GPA,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
	};
	static const Elf64_Phdr program[] = {
		{ PT_LOAD, PF_R | PF_X, 0x1000, 0xffffffff81000000, TEXT_GPA, 0x1000, 0x1000,
		  0x1000 },
		{ PT_LOAD, PF_R | PF_W, 0x2000, 0xffffffff81001000, DATA_GPA, 0x400,
		  DATA_MEMORY_BYTES, 0x1000 },
		{ PT_NOTE, PF_R, NOTE_AT, 0, 0, NOTE_BYTES, NOTE_BYTES, 4 },
	};
	static const uint8_t halt[] = { 0xfa, 0xf4, 0xeb, 0xfc };
	uint32_t state = 7;

	memset(elf, 0, ZOO_ELF_BYTES);
	memcpy(elf, &header, sizeof(header));
	memcpy(elf + sizeof(header), program, sizeof(program));
	put_note(elf + NOTE_AT, 4, 4, PVH_NOTE_TYPE, TEXT_GPA + 0x100);
	/* Bytes that no packer makes smaller. */
	for (size_t i = 0x1000; i < ZOO_ELF_BYTES; i++) {
		state = state * 1664525 + 1013904223;
		elf[i] = (uint8_t)(state >> 24);
	}
	memcpy(elf + 0x1000, halt, sizeof(halt));
	memcpy(elf + 0x1100, halt, sizeof(halt));
}

/* No e_entry: only the note tells where to enter. */
static void only_pvh(uint8_t *elf)
{
	zoo_elf_put(elf, EH(e_entry), 0);
}

/* No note: only e_entry does. */
static void only_entry(uint8_t *elf)
{
	zoo_elf_put(elf, NOTE(p_type), PT_NULL);
}

static void end_elf(struct zoo *zoo, const uint8_t *elf, size_t size, const char *word)
{
	zoo_kernel(zoo, elf, size);
	zoo_end(zoo, word ? ZOO_REFUSED : ZOO_ACCEPTED, word);
}

/* The good kernel with one field changed: refused with a word, or accepted if that is NULL. */
static void field(struct zoo *zoo, size_t offset, size_t width, uint64_t value, const char *word)
{
	uint8_t elf[ZOO_ELF_BYTES];

	zoo_elf(elf);
	zoo_elf_put(elf, offset, width, value);
	end_elf(zoo, elf, sizeof(elf), word);
}

/* E01: every length up to the end of the headers, and on to the whole. */
static void lengths(struct zoo *zoo)
{
	static uint8_t elf[ZOO_ELF_BYTES + 4096];

	zoo_elf(elf);
	for (size_t n = 0; n <= HEADERS_END; n++) {
		char bytes[32];
		const char *word = n == 0 ? "empty" : n < sizeof(Elf64_Ehdr) ? bytes : "e_phoff";

		(void)snprintf(bytes, sizeof(bytes), "%zu bytes", n);
		zoo_begin(zoo, "E01-%zu-bytes", n);
		end_elf(zoo, elf, n, n == HEADERS_END ? "p_offset" : word);
	}
	for (size_t n = 0x140; n < ZOO_ELF_BYTES; n += 0xd0) {
		zoo_begin(zoo, "E01-cut-%zu-bytes", n);
		end_elf(zoo, elf, n, "p_offset");
	}
	zoo_begin(zoo, "E01-last-byte-missing");
	end_elf(zoo, elf, ZOO_ELF_BYTES - 1, "p_offset");
	zoo_begin(zoo, "E01-whole");
	end_elf(zoo, elf, ZOO_ELF_BYTES, NULL);
	zoo_begin(zoo, "E01-and-more");
	end_elf(zoo, elf, sizeof(elf), NULL);
}

static void identities(struct zoo *zoo)
{
	static const struct {
		const char *name;
		size_t offset, width;
		uint64_t value;
		const char *word;
	} cases[] = {
		{ "class-0", IDENT(EI_CLASS), 0, "EI_CLASS" },
		{ "class-32", IDENT(EI_CLASS), 1, "32-bit" },
		{ "class-3", IDENT(EI_CLASS), 3, "EI_CLASS" },
		{ "class-255", IDENT(EI_CLASS), 255, "EI_CLASS" },
		{ "data-0", IDENT(EI_DATA), 0, "EI_DATA" },
		{ "data-big-endian", IDENT(EI_DATA), 2, "EI_DATA" },
		{ "data-3", IDENT(EI_DATA), 3, "EI_DATA" },
		{ "data-255", IDENT(EI_DATA), 255, "EI_DATA" },
		{ "ident-version-0", IDENT(EI_VERSION), 0, "EI_VERSION" },
		{ "ident-version-2", IDENT(EI_VERSION), 2, "EI_VERSION" },
		{ "osabi-3", IDENT(EI_OSABI), 3, NULL },
		{ "osabi-255", IDENT(EI_OSABI), 255, NULL },
		{ "abiversion-255", IDENT(EI_ABIVERSION), 255, NULL },
		{ "padding", IDENT(EI_PAD), 255, NULL },
		{ "type-none", EH(e_type), ET_NONE, "e_type" },
		{ "type-module", EH(e_type), ET_REL, "a kernel module" },
		{ "type-shared", EH(e_type), ET_DYN, "a shared library" },
		{ "type-core", EH(e_type), ET_CORE, "a core dump" },
		{ "type-os", EH(e_type), 0xfe00, "e_type" },
		{ "type-all-ones", EH(e_type), 0xffff, "e_type" },
		{ "machine-none", EH(e_machine), EM_NONE, "e_machine" },
		{ "machine-386", EH(e_machine), EM_386, "e_machine" },
		{ "machine-arm", EH(e_machine), EM_ARM, "ARM" },
		{ "machine-arm64", EH(e_machine), EM_AARCH64, "arm64" },
		{ "machine-riscv", EH(e_machine), EM_RISCV, "RISC-V" },
		{ "machine-all-ones", EH(e_machine), 0xffff, "e_machine" },
		{ "version-0", EH(e_version), 0, "e_version" },
		{ "version-2", EH(e_version), 2, "e_version" },
		{ "version-all-ones", EH(e_version), 0xffffffff, "e_version" },
		{ "flags", EH(e_flags), 0xffffffff, NULL },
		{ "ehsize-0", EH(e_ehsize), 0, NULL },
		{ "ehsize-all-ones", EH(e_ehsize), 0xffff, NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		zoo_begin(zoo, "E01-%s", cases[i].name);
		field(zoo, cases[i].offset, cases[i].width, cases[i].value, cases[i].word);
	}
	for (unsigned int bit = 0; bit < 16; bit++) {
		zoo_begin(zoo, "E01-machine-bit-%u", bit);
		field(zoo, EH(e_machine), EM_X86_64 ^ 1U << bit, "e_machine");
	}
}

/* The header of a 32-bit ELF file: the kinds that people have. */
static void of_32_bits(struct zoo *zoo)
{
	static const struct {
		const char *name;
		unsigned int machine, type;
		const char *word;
	} cases[] = {
		{ "i386", EM_386, ET_EXEC, "32-bit" },
		{ "i386-module", EM_386, ET_REL, "32-bit" },
		{ "x32", EM_X86_64, ET_EXEC, "32-bit" },
		{ "arm", EM_ARM, ET_EXEC, "ARM" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		Elf32_Ehdr header = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
			.e_type = (Elf32_Half)cases[i].type,
			.e_machine = (Elf32_Half)cases[i].machine,
			.e_version = EV_CURRENT,
			.e_entry = TEXT_GPA,
			.e_phoff = sizeof(header),
			.e_phentsize = sizeof(Elf32_Phdr),
		};
		uint8_t file[4096] = { 0 };

		memcpy(file, &header, sizeof(header));
		zoo_begin(zoo, "E01-32-bit-%s", cases[i].name);
		end_elf(zoo, file, sizeof(file), cases[i].word);
	}
}

static void tables(struct zoo *zoo)
{
	static const unsigned int sizes[] = { 0, 1, 32, 55, 57, 64, 112, 32767, 32768, 65535 };
	static const unsigned int counts[] = { 0, 129, 255, 256, 32768, 65534, 65535 };
	static const uint64_t offsets[] = { 0,
					    63,
					    ZOO_ELF_BYTES - 3 * 56 + 1,
					    ZOO_ELF_BYTES - 1,
					    ZOO_ELF_BYTES,
					    ZOO_ELF_BYTES + 1,
					    UINT64_MAX - 3 * 56 + 1,
					    UINT64_MAX - 55,
					    UINT64_MAX };
	uint8_t elf[ZOO_ELF_BYTES];

	for (size_t i = 0; i < COUNT(sizes); i++) {
		zoo_begin(zoo, "E02-phentsize-%u", sizes[i]);
		field(zoo, EH(e_phentsize), sizes[i], "e_phentsize");
	}
	for (size_t i = 0; i < COUNT(counts); i++) {
		zoo_begin(zoo, "E02-phnum-%u", counts[i]);
		field(zoo, EH(e_phnum), counts[i], "e_phnum");
	}
	for (size_t i = 0; i < COUNT(offsets); i++) {
		zoo_begin(zoo, "E02-phoff-%llx", (ull)offsets[i]);
		field(zoo, EH(e_phoff), offsets[i], "e_phoff");
	}
	/* Inside the file, but not where the headers are: what lies there is no PT_LOAD. */
	for (unsigned int bit = 0; bit < 64; bit++) {
		bool inside = (1ULL << bit) + 3 * 56 <= ZOO_ELF_BYTES;

		zoo_begin(zoo, "E02-phoff-2^%u", bit);
		field(zoo, EH(e_phoff), 1ULL << bit,
		      bit == 6             ? NULL
		      : bit < 6 || !inside ? "e_phoff"
					   : "PT_LOAD");
	}
	zoo_elf(elf);
	memcpy(elf + 0x300, elf + 64, 3 * 56);
	zoo_elf_put(elf, EH(e_phoff), 0x300);
	zoo_begin(zoo, "E02-phoff-elsewhere");
	end_elf(zoo, elf, sizeof(elf), NULL);
}

/* E03: what a segment takes from the file. */
static void file_ranges(struct zoo *zoo)
{
	static const uint64_t offsets[] = { ZOO_ELF_BYTES - 0x1000, ZOO_ELF_BYTES - 0xfff,
					    ZOO_ELF_BYTES,          UINT64_MAX - 0xfff,
					    UINT64_MAX - 0xffe,     UINT64_MAX };

	for (size_t i = 0; i < 64 + COUNT(offsets); i++) {
		uint64_t offset = i < 64 ? 1ULL << i : offsets[i - 64];

		zoo_begin(zoo, "E03-offset-%zu-%llx", i, (ull)offset);
		field(zoo, TEXT(p_offset), offset,
		      offset <= ZOO_ELF_BYTES - 0x1000 ? NULL : "p_offset");
	}
	for (unsigned int i = 0; i < 64 * 3; i++) {
		uint64_t bytes = (1ULL << i / 3) + i % 3 - 1;

		/* The entry is the first byte; without it there is none. */
		zoo_begin(zoo, "E03-filesz-2^%u%+d", i / 3, (int)(i % 3) - 1);
		field(zoo, TEXT(p_filesz), bytes,
		      bytes == 0        ? "e_entry"
		      : bytes <= 0x1000 ? NULL
					: "p_filesz");
	}
}

/* E03: the same with memory to match, so that only the file has not as much. */
static void file_ranges_in_memory(struct zoo *zoo)
{
	static const uint64_t sizes[] = {
		ZOO_ELF_BYTES - 0x2000, ZOO_ELF_BYTES - 0x1fff, 0x80000000,          GIB * GIB,
		UINT64_MAX - 0x2000,    UINT64_MAX - 0x1fff,    UINT64_MAX - 0x1ffe, UINT64_MAX
	};

	for (size_t i = 0; i < COUNT(sizes); i++) {
		uint8_t elf[ZOO_ELF_BYTES];

		zoo_elf(elf);
		zoo_elf_put(elf, DATA(p_filesz), sizes[i]);
		zoo_elf_put(elf, DATA(p_memsz), sizes[i]);
		zoo_begin(zoo, "E03-filesz-and-memsz-%llx", (ull)sizes[i]);
		end_elf(zoo, elf, sizeof(elf), i == 0 ? NULL : "p_filesz");
	}
}

/* E04: how much memory a segment wants: at least what comes from the file, at most what there is. */
static void memory_sizes(struct zoo *zoo)
{
	static const uint64_t more[] = {
		RAM_BYTES - DATA_GPA, RAM_BYTES - DATA_GPA + 1, 4 * GIB,
		1024 * GIB,           UINT64_MAX - DATA_GPA,    UINT64_MAX - DATA_GPA + 1
	};

	for (size_t i = 0; i < 64 * 3 + COUNT(more); i++) {
		uint64_t bytes = i < 192 ? (1ULL << i / 3) + i % 3 - 1 : more[i - 192];

		zoo_begin(zoo, "E04-memsz-%llx-case-%zu", (ull)bytes, i);
		field(zoo, DATA(p_memsz), bytes,
		      bytes >= 0x400 && bytes <= RAM_BYTES - DATA_GPA ? NULL : "p_memsz");
	}
	for (unsigned int bit = 0; bit < 64; bit++) {
		uint8_t elf[ZOO_ELF_BYTES];

		zoo_elf(elf);
		zoo_elf_put(elf, DATA(p_filesz), 0);
		zoo_elf_put(elf, DATA(p_memsz), 1ULL << bit);
		zoo_begin(zoo, "E04-bss-2^%u", bit);
		end_elf(zoo, elf, sizeof(elf),
			1ULL << bit <= RAM_BYTES - DATA_GPA ? NULL : "p_memsz");
	}
}

/* E05: where the data segment goes: RAM from 1 MiB on, not over the text. */
static void addresses(struct zoo *zoo)
{
	static const uint64_t more[] = { 0,
					 0x500,
					 0x9000,
					 0x20000,
					 MIB - 1,
					 MIB - DATA_MEMORY_BYTES,
					 TEXT_GPA - DATA_MEMORY_BYTES,
					 TEXT_GPA - DATA_MEMORY_BYTES + 1,
					 TEXT_GPA - 1,
					 TEXT_GPA,
					 TEXT_GPA + 0xfff,
					 TEXT_GPA + 0x1001,
					 RAM_BYTES - DATA_MEMORY_BYTES,
					 RAM_BYTES - DATA_MEMORY_BYTES + 1,
					 RAM_BYTES - 100,
					 3 * GIB - DATA_MEMORY_BYTES,
					 3 * GIB,
					 0xfee00000,
					 UINT64_MAX - 0x1fff,
					 UINT64_MAX - 0x2000,
					 UINT64_MAX - 4095,
					 UINT64_MAX };

	for (size_t i = 0; i < 64 + COUNT(more); i++) {
		uint64_t gpa = i < 64 ? 1ULL << i : more[i - 64];
		bool over = gpa < TEXT_GPA + 0x1000 && gpa > TEXT_GPA - DATA_MEMORY_BYTES;
		bool right = gpa >= MIB && gpa <= RAM_BYTES - DATA_MEMORY_BYTES && !over;

		zoo_begin(zoo, "E05-paddr-%zu-%llx", i, (ull)gpa);
		field(zoo, DATA(p_paddr), gpa, right ? NULL : "p_paddr");
	}
	/* p_align and p_vaddr: nobody asks them. */
	for (unsigned int bit = 0; bit < 64; bit += 7) {
		zoo_begin(zoo, "E05-align-2^%u", bit);
		field(zoo, DATA(p_align), 1ULL << bit, NULL);
		zoo_begin(zoo, "E05-vaddr-2^%u", bit);
		field(zoo, DATA(p_vaddr), 1ULL << bit, NULL);
	}
	zoo_begin(zoo, "E05-align-3");
	field(zoo, DATA(p_align), 3, NULL);
	zoo_begin(zoo, "E05-align-0");
	field(zoo, DATA(p_align), 0, NULL);
	zoo_begin(zoo, "E05-align-all-ones");
	field(zoo, DATA(p_align), UINT64_MAX, NULL);
}

/*
 * E06: count segments of 16 bytes, the first with the entry in it, each a step above the one
 * before, or below it.
 */
static void many(struct zoo *zoo, const char *name, unsigned int count, int step, const char *word)
{
	static uint8_t elf[64 + 200 * 56];
	size_t at = 64;

	must(count <= 200);
	zoo_elf(elf);
	memset(elf + 64, 0, sizeof(elf) - 64);
	elf[0x800] = 0xf4;
	for (unsigned int i = 0; i < count; i++, at += 56) {
		Elf64_Phdr header = {
			PT_LOAD, PF_R, 0x800, 0, (uint64_t)((int64_t)TEXT_GPA + step * (int64_t)i),
			16,      16,   1
		};

		if (at < 0x800 + 16)
			header.p_offset = sizeof(elf) - 16;
		memcpy(elf + at, &header, sizeof(header));
	}
	zoo_elf_put(elf, EH(e_phnum), count);
	zoo_begin(zoo, "E06-%s", name);
	end_elf(zoo, elf, sizeof(elf), word);
}

static void several(struct zoo *zoo)
{
	uint8_t elf[ZOO_ELF_BYTES];

	many(zoo, "one", 1, 0, NULL);
	many(zoo, "two-identical", 2, 0, "overlap");
	many(zoo, "64-identical", 64, 0, "overlap");
	many(zoo, "64-touching", 64, 16, NULL);
	many(zoo, "64-apart", 64, 4096, NULL);
	many(zoo, "64-descending", 64, -16, NULL);
	many(zoo, "64-overlapping", 64, 15, "overlap");
	many(zoo, "64-descending-overlapping", 64, -15, "overlap");
	many(zoo, "65", 65, 16, "PT_LOAD");
	many(zoo, "128", 128, 16, "PT_LOAD");
	many(zoo, "129", 129, 16, "e_phnum");
	zoo_elf(elf);
	zoo_elf_put(elf, TEXT(p_type), PT_NULL);
	zoo_elf_put(elf, DATA(p_type), PT_NULL);
	zoo_begin(zoo, "E06-none");
	end_elf(zoo, elf, sizeof(elf), "PT_LOAD");
	zoo_elf(elf);
	zoo_elf_put(elf, TEXT(p_filesz), 0);
	zoo_elf_put(elf, TEXT(p_memsz), 0);
	zoo_elf_put(elf, DATA(p_filesz), 0);
	zoo_elf_put(elf, DATA(p_memsz), 0);
	zoo_begin(zoo, "E06-empty");
	end_elf(zoo, elf, sizeof(elf), "PT_LOAD");
	/* 65535 headers that are all there. */
	zoo_elf(elf);
	zoo_elf_put(elf, EH(e_phnum), 65535);
	zoo_begin(zoo, "E06-65535");
	must(zoo_sparse(zoo, "", 64 + 65535 * 56));
	zoo_write(zoo, "", 0, elf, sizeof(elf));
	zoo_names_file(zoo, "");
	zoo_argument(zoo, "-kernel");
	zoo_argument(zoo, "%s", zoo->name);
	zoo_end(zoo, ZOO_REFUSED, "e_phnum");
}

/* E07: an entry has to lie in bytes that come from the file. With a good note it is not needed. */
static void entries(struct zoo *zoo)
{
	static const uint64_t more[] = { 0,
					 TEXT_GPA - 1,
					 TEXT_GPA + 0xfff,
					 DATA_GPA,
					 DATA_GPA + 0x3ff,
					 DATA_GPA + 0x400,
					 DATA_GPA + DATA_MEMORY_BYTES,
					 0xffffffff81000000,
					 0x00007fffffffffff,
					 0x0000800000000000,
					 UINT64_MAX };

	for (size_t i = 0; i < 64 + COUNT(more); i++) {
		uint64_t entry = i < 64 ? 1ULL << i : more[i - 64];
		bool right = entry >= TEXT_GPA && entry < DATA_GPA + 0x400;
		uint8_t elf[ZOO_ELF_BYTES];

		zoo_elf(elf);
		only_entry(elf);
		zoo_elf_put(elf, EH(e_entry), entry);
		zoo_begin(zoo, "E07-entry-%zu-%llx", i, (ull)entry);
		end_elf(zoo, elf, sizeof(elf), right ? NULL : "e_entry");
		if (i % 8 != 3)
			continue;
		zoo_begin(zoo, "E07-entry-%zu-%llx-or-pvh", i, (ull)entry);
		field(zoo, EH(e_entry), entry, NULL);
	}
}

/* E08 */
static void sections(struct zoo *zoo)
{
	static const struct {
		const char *name;
		size_t offset, width;
	} fields[] = { { "shoff", EH(e_shoff) },
		       { "shnum", EH(e_shnum) },
		       { "shentsize", EH(e_shentsize) },
		       { "shstrndx", EH(e_shstrndx) } };

	for (size_t i = 0; i < COUNT(fields); i++) {
		uint64_t ones = UINT64_MAX >> (64 - 8 * fields[i].width);
		const uint64_t values[] = {
			1, 0x40, ZOO_ELF_BYTES - 1, ones / 2, ones / 2 + 1, ones
		};

		for (size_t v = 0; v < COUNT(values); v++) {
			zoo_begin(zoo, "E08-%s-%llx", fields[i].name, (ull)values[v]);
			field(zoo, fields[i].offset, fields[i].width, values[v], NULL);
		}
	}
	for (unsigned int type = 0; type <= 10; type++) {
		uint8_t elf[ZOO_ELF_BYTES];
		Elf64_Shdr section = { 1,          type,           UINT64_MAX,
				       UINT64_MAX, UINT64_MAX - 9, UINT64_MAX,
				       UINT32_MAX, UINT32_MAX,     3,
				       UINT64_MAX };

		zoo_elf(elf);
		memcpy(elf + 0x300, &section, sizeof(section));
		zoo_elf_put(elf, EH(e_shoff), 0x300);
		zoo_elf_put(elf, EH(e_shnum), 0xffff);
		zoo_elf_put(elf, EH(e_shentsize), sizeof(section));
		zoo_begin(zoo, "E08-section-of-type-%u", type);
		end_elf(zoo, elf, sizeof(elf), NULL);
	}
}

/* A fault in the note: told where the note is needed, without meaning where e_entry holds. */
static void end_note(struct zoo *zoo, uint8_t *elf, bool right, const char *name)
{
	zoo_begin(zoo, "E09-%s-beside-e_entry", name);
	end_elf(zoo, elf, ZOO_ELF_BYTES, NULL);
	only_pvh(elf);
	zoo_begin(zoo, "E09-%s", name);
	end_elf(zoo, elf, ZOO_ELF_BYTES, right ? NULL : "entry");
}

static void note_sizes(struct zoo *zoo)
{
	static const uint32_t sizes[] = { 0,          1,          2,         3,      4,
					  5,          8,          16,        0x1000, 0x7fffffff,
					  0xfffffff0, 0xfffffffc, 0xffffffff };

	for (size_t i = 0; i < COUNT(sizes) * COUNT(sizes); i++) {
		uint32_t name = sizes[i / COUNT(sizes)], desc = sizes[i % COUNT(sizes)];
		uint8_t elf[ZOO_ELF_BYTES];
		char text[64];

		zoo_elf(elf);
		zoo_elf_put(elf, NOTE(p_filesz), NOTE_BYTES + 4);
		put_note(elf + NOTE_AT, name, desc, PVH_NOTE_TYPE, TEXT_GPA + 0x100);
		(void)snprintf(text, sizeof(text), "namesz-%x-descsz-%x", name, desc);
		/* The other sizes move the address away or reach past the end. */
		end_note(zoo, elf, name == 4 && (desc == 4 || desc == 8), text);
	}
}

static void note_places(struct zoo *zoo)
{
	static const uint64_t offsets[] = { 0,
					    NOTE_AT + 1,
					    ZOO_ELF_BYTES - 1,
					    ZOO_ELF_BYTES,
					    ZOO_ELF_BYTES - 19,
					    UINT64_MAX - 19,
					    UINT64_MAX };
	static const uint64_t sizes[] = { 0,       1,          4,          11,        12,
					  15,      16,         19,         20,        0x10000,
					  0x10001, 0x80000000, 1ULL << 63, UINT64_MAX };
	static const uint64_t alignments[] = { 0, 1, 3, 4, 8, 16, 1ULL << 63, UINT64_MAX };
	uint8_t elf[ZOO_ELF_BYTES];
	char text[64];

	for (size_t i = 0; i < COUNT(offsets); i++) {
		zoo_elf(elf);
		zoo_elf_put(elf, NOTE(p_offset), offsets[i]);
		(void)snprintf(text, sizeof(text), "offset-%llx", (ull)offsets[i]);
		end_note(zoo, elf, false, text);
	}
	for (size_t i = 0; i < COUNT(sizes); i++) {
		zoo_elf(elf);
		zoo_elf_put(elf, NOTE(p_filesz), sizes[i]);
		(void)snprintf(text, sizeof(text), "filesz-%llx", (ull)sizes[i]);
		end_note(zoo, elf, sizes[i] == 20, text);
	}
	for (size_t i = 0; i < COUNT(alignments); i++) {
		zoo_elf(elf);
		zoo_elf_put(elf, NOTE(p_align), alignments[i]);
		/* A note padded to 8 bytes takes 24. */
		zoo_elf_put(elf, NOTE(p_filesz), alignments[i] == 8 ? 24 : NOTE_BYTES);
		(void)snprintf(text, sizeof(text), "align-%llx", (ull)alignments[i]);
		end_note(zoo, elf, true, text);
	}
}

/* Where the PVH note sends the CPU, in 32-bit mode. */
static void note_entries(struct zoo *zoo)
{
	static const uint64_t entries[] = { 0,
					    0x7c00,
					    TEXT_GPA - 1,
					    TEXT_GPA,
					    DATA_GPA + 0x3ff,
					    DATA_GPA + 0x400,
					    0xffffffff,
					    4 * GIB + TEXT_GPA,
					    1ULL << 63 | TEXT_GPA,
					    UINT64_MAX };

	for (size_t i = 0; i < COUNT(entries); i++) {
		uint8_t elf[ZOO_ELF_BYTES];
		char text[64];

		zoo_elf(elf);
		zoo_elf_put(elf, NOTE(p_filesz), NOTE_BYTES + 4);
		put_note(elf + NOTE_AT, 4, 8, PVH_NOTE_TYPE, entries[i]);
		(void)snprintf(text, sizeof(text), "pvh-%llx", (ull)entries[i]);
		end_note(zoo, elf, entries[i] >= TEXT_GPA && entries[i] < DATA_GPA + 0x400, text);
	}
}

/* Notes one behind the other: a number of them, and what the last two say. */
static void note_lists(struct zoo *zoo)
{
	static const struct {
		const char *name;
		uint32_t type[2];
		uint64_t entry[2];
		bool right;
	} cases[] = {
		{ "twice-the-same", { 18, 18 }, { TEXT_GPA, TEXT_GPA }, true },
		{ "twice-different", { 18, 18 }, { TEXT_GPA, TEXT_GPA + 1 }, false },
		{ "behind-another", { 1, 18 }, { 0, TEXT_GPA }, true },
		{ "of-other-types", { 17, 19 }, { TEXT_GPA, TEXT_GPA }, false },
	};
	uint8_t elf[ZOO_ELF_BYTES];

	for (size_t i = 0; i < COUNT(cases); i++) {
		zoo_elf(elf);
		zoo_elf_put(elf, NOTE(p_filesz), 2 * NOTE_BYTES);
		put_note(elf + NOTE_AT, 4, 4, cases[i].type[0], cases[i].entry[0]);
		put_note(elf + NOTE_AT + NOTE_BYTES, 4, 4, cases[i].type[1], cases[i].entry[1]);
		end_note(zoo, elf, cases[i].right, cases[i].name);
	}
	zoo_elf(elf);
	memcpy(elf + NOTE_AT + 12, "Xem", 4);
	end_note(zoo, elf, false, "of-another-owner");
	zoo_elf(elf);
	memset(elf + NOTE_AT, 0, NOTE_BYTES);
	end_note(zoo, elf, false, "zeros");
	/* As many notes of nothing as 64 KiB have room for: every one of them makes progress. */
	for (int zero = 0; zero < 2; zero++) {
		zoo_elf(elf);
		if (zero)
			only_pvh(elf);
		zoo_elf_put(elf, NOTE(p_offset), 0x4000);
		zoo_elf_put(elf, NOTE(p_filesz), 0x10000);
		zoo_begin(zoo, "E09-5461-notes-of-nothing-%d", zero);
		must(zoo_sparse(zoo, "", 0x14000));
		zoo_write(zoo, "", 0, elf, sizeof(elf));
		zoo_names_file(zoo, "");
		zoo_argument(zoo, "-kernel");
		zoo_argument(zoo, "%s", zoo->name);
		zoo_end(zoo, zero ? ZOO_REFUSED : ZOO_ACCEPTED, zero ? "entry" : NULL);
	}
}

/* What an ELF kernel meets of the rest: RAM, the command line, an initrd. */
static void beside(struct zoo *zoo)
{
	static char line[2049];
	uint8_t elf[ZOO_ELF_BYTES];

	memset(line, 'x', 2048);
	zoo_elf(elf);
	zoo_begin(zoo, "E10-m-16");
	zoo_argument(zoo, "-m");
	zoo_argument(zoo, "16");
	end_elf(zoo, elf, sizeof(elf), "-m 17M");
	zoo_begin(zoo, "E10-m-17");
	zoo_argument(zoo, "-m");
	zoo_argument(zoo, "17");
	end_elf(zoo, elf, sizeof(elf), NULL);
	zoo_begin(zoo, "E10-line-of-2048");
	zoo_argument(zoo, "-append");
	zoo_argument(zoo, "%s", line);
	end_elf(zoo, elf, sizeof(elf), "2047");
	zoo_begin(zoo, "E10-line-of-2047");
	zoo_argument(zoo, "-append");
	zoo_argument(zoo, "%s", line + 1);
	end_elf(zoo, elf, sizeof(elf), NULL);
	for (uint64_t over = 0; over < 2; over++) {
		zoo_begin(zoo, "E10-initrd-%llu", (ull)over);
		must(zoo_sparse(zoo, ".rd", RAM_BYTES - DATA_GPA - DATA_MEMORY_BYTES + over));
		zoo_argument(zoo, "-initrd");
		zoo_argument(zoo, "%s.rd", zoo->name);
		end_elf(zoo, elf, sizeof(elf), over ? "the kernel's end" : NULL);
	}
	zoo_begin(zoo, "E10-run");
	zoo_kernel(zoo, elf, sizeof(elf));
	zoo_argument(zoo, "-timeout");
	zoo_argument(zoo, "1");
	zoo_end(zoo, ZOO_RUN, "0");
	only_pvh(elf);
	zoo_begin(zoo, "E10-run-pvh");
	zoo_kernel(zoo, elf, sizeof(elf));
	zoo_argument(zoo, "-timeout");
	zoo_argument(zoo, "1");
	zoo_end(zoo, ZOO_RUN, "0");
}

void zoo_elfs(struct zoo *zoo)
{
	lengths(zoo);
	identities(zoo);
	of_32_bits(zoo);
	tables(zoo);
	file_ranges(zoo);
	file_ranges_in_memory(zoo);
	memory_sizes(zoo);
	addresses(zoo);
	several(zoo);
	entries(zoo);
	sections(zoo);
	note_sizes(zoo);
	note_places(zoo);
	note_entries(zoo);
	note_lists(zoo);
	beside(zoo);
}
