/* SPDX-License-Identifier: MIT */
/*
 * The symbol table of a vmlinux: .symtab with its strings, the build id among its notes, and the
 * text of linux_banner. Nothing else of it is read, however much DWARF there is.
 *
 * Without libelf, whose elf_begin() makes room for what a hostile file claims (boot/elfimage.c):
 * four tables of fixed size are all there is to know, and each is bounded here before it is read.
 *
 * The letters are those of nm, by the flags of the symbol's section. As in a System.map ([LINUX]
 * scripts/mksysmap), local absolute symbols, .L labels and the checksums of exports are left out;
 * so are names that no kernel could print: of more than 511 characters, or of other bytes.
 *
 * Authority: [ELF] "Section Header", "Symbol Table"; nm(1). Left out: 32-bit files; symbols whose
 * section's number has more than 16 bits (SHT_SYMTAB_SHNDX).
 */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot/symbols_parts.h"

struct reading {
	struct symbols *symbols;
	const struct input_file *file;
	struct err *e;
	Elf64_Shdr *section; /* owned */
	size_t sections;
	Elf64_Sym *symbol; /* owned */
	size_t entries;
};

#define refuse(r, code, fmt, ...) \
	err_set((r)->e, code, "%s %s: " fmt, (r)->file->what, (r)->file->path, ##__VA_ARGS__)

typedef unsigned long long ull;

static bool in_file(const struct reading *r, uint64_t offset, uint64_t bytes)
{
	uint64_t has = r->file->size_bytes;

	return offset <= has && bytes <= has - offset;
}

/* Reads a part of the file into new memory, one zero byte behind it. */
static int read_part(struct reading *r, const char *what, uint64_t offset, uint64_t bytes,
		     void **to)
{
	char *memory;
	int rc;

	if (!in_file(r, offset, bytes))
		return refuse(r, EBADMSG,
			      "its %s, 0x%llx bytes at 0x%llx, reach past the end of the file, at "
			      "0x%llx",
			      what, (ull)bytes, (ull)offset, (ull)r->file->size_bytes);
	if (bytes > SYMBOLS_TEXT_MAX_BYTES)
		return refuse(r, EFBIG, "its %s have %llu bytes; at most %d are accepted", what,
			      (ull)bytes, SYMBOLS_TEXT_MAX_BYTES);
	memory = malloc(bytes + 1);
	if (!memory)
		return refuse(r, ENOMEM, "no memory for its %s, %llu bytes", what, (ull)bytes);
	rc = file_read(r->file, offset, memory, bytes, r->e);
	if (rc < 0) {
		free(memory);
		return rc;
	}
	memory[bytes] = '\0';
	*to = memory;
	return 0;
}

static int read_sections(struct reading *r)
{
	Elf64_Ehdr h = { 0 };
	size_t n = r->file->size_bytes < sizeof(h) ? (size_t)r->file->size_bytes : sizeof(h);
	int rc = file_read(r->file, 0, &h, n, r->e);
	void *part = NULL;

	if (rc < 0)
		return rc;
	if (n < sizeof(h) || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_ident[EI_DATA] != ELFDATA2LSB || h.e_machine != EM_X86_64 || h.e_type != ET_EXEC)
		return refuse(r, EBADMSG,
			      "is an ELF file, but not the vmlinux of an x86-64 kernel");
	if (h.e_shoff == 0 || h.e_shnum == 0)
		return refuse(r, ENOENT, "has no sections, so no symbol table: it is stripped");
	if (h.e_shentsize != sizeof(Elf64_Shdr))
		return refuse(r, EBADMSG, "e_shentsize is %u; it must be %zu", h.e_shentsize,
			      sizeof(Elf64_Shdr));
	rc = read_part(r, "section headers", h.e_shoff, h.e_shnum * sizeof(Elf64_Shdr), &part);
	if (rc < 0)
		return rc;
	r->section = part;
	r->sections = h.e_shnum;
	return 0;
}

/* The table's strings become the names: whatever is in range there ends with a NUL. */
static int read_table(struct reading *r)
{
	const Elf64_Shdr *table = NULL, *strings;
	void *part = NULL;
	int rc;

	for (size_t i = 0; i < r->sections && !table; i++) {
		if (r->section[i].sh_type == SHT_SYMTAB)
			table = &r->section[i];
	}
	if (!table)
		return refuse(r, ENOENT, "has no symbol table: it is stripped");
	if (table->sh_entsize != sizeof(Elf64_Sym) || table->sh_size % sizeof(Elf64_Sym) != 0)
		return refuse(r, EBADMSG,
			      ".symtab has 0x%llx bytes in entries of 0x%llx; an entry has %zu",
			      (ull)table->sh_size, (ull)table->sh_entsize, sizeof(Elf64_Sym));
	if (table->sh_size / sizeof(Elf64_Sym) > SYMBOLS_MAX)
		return refuse(r, EFBIG, ".symtab has %llu entries; at most %d are accepted",
			      (ull)(table->sh_size / sizeof(Elf64_Sym)), SYMBOLS_MAX);
	if (table->sh_link >= r->sections || r->section[table->sh_link].sh_type != SHT_STRTAB)
		return refuse(r, EBADMSG, "sh_link of .symtab is %u, which is no string table",
			      table->sh_link);
	strings = &r->section[table->sh_link];
	rc = read_part(r, "symbols", table->sh_offset, table->sh_size, &part);
	if (rc < 0)
		return rc;
	r->symbol = part;
	r->entries = table->sh_size / sizeof(Elf64_Sym);
	rc = read_part(r, "symbols' names", strings->sh_offset, strings->sh_size, &part);
	if (rc < 0)
		return rc;
	r->symbols->names = part;
	r->symbols->names_bytes = strings->sh_size + 1;
	return 0;
}

/* nm's letter of a symbol; 0: it is none to keep. */
static char kind_of(const struct reading *r, const Elf64_Sym *symbol)
{
	unsigned int type = ELF64_ST_TYPE(symbol->st_info), bind = ELF64_ST_BIND(symbol->st_info);
	const Elf64_Shdr *section;
	char kind;

	if (type != STT_NOTYPE && type != STT_OBJECT && type != STT_FUNC)
		return 0;
	if (symbol->st_shndx == SHN_ABS)
		return bind == STB_LOCAL ? 0 : 'A';
	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= r->sections)
		return 0;
	section = &r->section[symbol->st_shndx];
	if (!(section->sh_flags & SHF_ALLOC))
		return 0;
	if (bind == STB_WEAK)
		return type == STT_OBJECT ? 'V' : 'W';
	if (section->sh_flags & SHF_EXECINSTR)
		kind = 't';
	else if (section->sh_type == SHT_NOBITS)
		kind = 'b';
	else
		kind = section->sh_flags & SHF_WRITE ? 'd' : 'r';
	return bind == STB_LOCAL ? kind : (char)toupper(kind);
}

static bool is_wanted(const char *name)
{
	size_t length = symbols_name_length(name);

	return length > 0 && name[length] == '\0' && strncmp(name, ".L", 2) != 0 &&
	       strncmp(name, "__crc_", 6) != 0;
}

static int take_symbols(struct reading *r)
{
	struct symbols *symbols = r->symbols;

	if (!symbols_room(symbols, r->entries))
		return refuse(r, ENOMEM, "no memory for %zu symbols", r->entries);
	for (size_t i = 0; i < r->entries; i++) {
		const Elf64_Sym *symbol = &r->symbol[i];
		char kind = kind_of(r, symbol);

		if (kind == 0)
			continue;
		if (symbol->st_name >= symbols->names_bytes)
			return refuse(r, EBADMSG,
				      "symbol %zu: st_name is 0x%x; the names have 0x%zx bytes", i,
				      symbol->st_name, symbols->names_bytes);
		if (is_wanted(symbols->names + symbol->st_name))
			symbols_add(symbols, symbol->st_value, kind, symbol->st_name);
	}
	if (symbols->count == 0)
		return refuse(r, ENOENT, "has a symbol table without symbols");
	if (!symbols_sort(symbols))
		return refuse(r, ENOMEM, "no memory to sort %zu symbols", symbols->count);
	return 0;
}

static int take_build_id(struct reading *r)
{
	uint8_t notes[SYMBOLS_NOTES_MAX_BYTES];
	struct symbols *symbols = r->symbols;

	for (size_t i = 0; i < r->sections && symbols->build_id_bytes == 0; i++) {
		const Elf64_Shdr *s = &r->section[i];
		int rc;

		if (s->sh_type != SHT_NOTE || s->sh_size > sizeof(notes) ||
		    !in_file(r, s->sh_offset, s->sh_size))
			continue;
		rc = file_read(r->file, s->sh_offset, notes, s->sh_size, r->e);
		if (rc < 0)
			return rc;
		symbols->build_id_bytes = symbols_build_id(notes, s->sh_size, symbols->build_id);
	}
	return 0;
}

static int take_banner(struct reading *r)
{
	uint64_t address = symbols_find(r->symbols, "linux_banner");
	char *banner = r->symbols->banner;

	for (size_t i = 0; i < r->sections && address != 0; i++) {
		const Elf64_Shdr *s = &r->section[i];
		uint64_t at = address - s->sh_addr, bytes;
		int rc;

		if (s->sh_type != SHT_PROGBITS || !(s->sh_flags & SHF_ALLOC) ||
		    address < s->sh_addr || at >= s->sh_size ||
		    !in_file(r, s->sh_offset, s->sh_size))
			continue;
		bytes = s->sh_size - at;
		if (bytes > SYMBOLS_BANNER_BYTES - 1)
			bytes = SYMBOLS_BANNER_BYTES - 1;
		rc = file_read(r->file, s->sh_offset + at, banner, bytes, r->e);
		if (rc < 0)
			return rc;
		banner[bytes] = '\0';
		break;
	}
	if (!symbols_is_banner(banner))
		banner[0] = '\0';
	return 0;
}

int symbols_read_elf(struct symbols *symbols, const struct input_file *file, struct err *e)
{
	static int (*const steps[])(struct reading *) = {
		read_sections, read_table, take_symbols, take_build_id, take_banner,
	};
	struct reading r = { .symbols = symbols, .file = file, .e = e };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](&r);
	free(r.section);
	free(r.symbol);
	symbols->source = "vmlinux";
	return rc;
}
