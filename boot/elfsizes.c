/* SPDX-License-Identifier: MIT */
/*
 * libelf gets a copy of the ELF header and the section headers, no more of them than a vmlinux can
 * have (boot/elfimage.c tells why); the names are read beside it.
 */
#include "boot/elfsizes.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECTIONS_MAX = 4096, /* a Linux has 30 to 80, those of a debugger included */
	NAMES_MAX_BYTES = 1 << 18,
};

/* So that all sections together stay far below 2^64. */
#define SECTION_MAX_BYTES (1ULL << 40)

struct reading {
	const struct input_file *file;
	struct err *e;
	Elf64_Ehdr header;
	char *copy; /* owned: the header, and behind it the section headers */
	size_t copy_bytes;
	char *names; /* owned: .shstrtab, a NUL behind it */
	size_t names_bytes;
};

#define refuse(r, code, fmt, ...) \
	err_set((r)->e, code, "%s %s: " fmt, (r)->file->what, (r)->file->path, ##__VA_ARGS__)

typedef unsigned long long ull;

const char *elfsizes_name(enum elfsizes_class which)
{
	static const char *const name[ELFSIZES_CLASSES] = {
		[ELFSIZES_TEXT] = "text", [ELFSIZES_RODATA] = "rodata", [ELFSIZES_DATA] = "data",
		[ELFSIZES_BSS] = "bss",   [ELFSIZES_INIT] = "init",
	};

	return which < ELFSIZES_CLASSES ? name[which] : "";
}

static bool in_file(const struct reading *r, uint64_t offset, uint64_t bytes)
{
	uint64_t has = r->file->size_bytes;

	return offset <= has && bytes <= has - offset;
}

static int read_header(struct reading *r)
{
	Elf64_Ehdr *h = &r->header;
	size_t n = r->file->size_bytes < sizeof(*h) ? (size_t)r->file->size_bytes : sizeof(*h);
	int rc = file_read(r->file, 0, h, n, r->e);

	if (rc < 0)
		return rc;
	if (n < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 ||
	    h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_ident[EI_VERSION] != EV_CURRENT)
		return refuse(r, ENOEXEC,
			      "is not a 64-bit little-endian ELF file; the vmlinux of a kernel "
			      "build is needed");
	if (h->e_shoff == 0)
		return refuse(r, ENODATA,
			      "has no section headers (e_shoff is 0): they were stripped; take the "
			      "vmlinux as the kernel's build leaves it");
	if (h->e_shentsize != sizeof(Elf64_Shdr))
		return refuse(r, EINVAL, "e_shentsize is %u; it must be %zu", h->e_shentsize,
			      sizeof(Elf64_Shdr));
	if (h->e_shnum == 0 || h->e_shnum > SECTIONS_MAX)
		return refuse(r, EINVAL, "e_shnum is %u; it must be 1 to %d", h->e_shnum,
			      SECTIONS_MAX);
	if (h->e_shstrndx >= h->e_shnum)
		return refuse(r, EINVAL, "e_shstrndx is %u; it must be below e_shnum, %u",
			      h->e_shstrndx, h->e_shnum);
	return 0;
}

static int copy_headers(struct reading *r)
{
	size_t table = r->header.e_shnum * sizeof(Elf64_Shdr);
	Elf64_Ehdr header = r->header;

	if (!in_file(r, header.e_shoff, table))
		return refuse(r, EINVAL,
			      "e_shoff is 0x%llx and e_shnum is %u: the section headers reach past "
			      "the end of the file, at 0x%llx",
			      (ull)header.e_shoff, header.e_shnum, (ull)r->file->size_bytes);
	r->copy_bytes = sizeof(header) + table;
	r->copy = malloc(r->copy_bytes);
	if (!r->copy)
		return refuse(r, ENOMEM, "no memory for %u section headers", header.e_shnum);
	header.e_phoff = 0;
	header.e_phnum = 0;
	header.e_shoff = sizeof(header);
	memcpy(r->copy, &header, sizeof(header));
	return file_read(r->file, r->header.e_shoff, r->copy + sizeof(header), table, r->e);
}

static int read_names(struct reading *r)
{
	Elf64_Shdr strings;
	int rc;

	memcpy(&strings, r->copy + sizeof(Elf64_Ehdr) + r->header.e_shstrndx * sizeof(Elf64_Shdr),
	       sizeof(strings));
	if (strings.sh_type != SHT_STRTAB || strings.sh_size > NAMES_MAX_BYTES ||
	    !in_file(r, strings.sh_offset, strings.sh_size))
		return refuse(r, EINVAL,
			      "the sections' names (e_shstrndx is %u) are no string table of at "
			      "most %d bytes inside the file",
			      r->header.e_shstrndx, NAMES_MAX_BYTES);
	r->names_bytes = strings.sh_size;
	r->names = calloc(1, r->names_bytes + 1);
	if (!r->names)
		return refuse(r, ENOMEM, "no memory for the names of its sections");
	rc = file_read(r->file, strings.sh_offset, r->names, r->names_bytes, r->e);
	return rc;
}

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/*
 * What [LINUX] arch/x86/kernel/vmlinux.lds.S has from __init_begin to __init_end, of 5.10 to 6.10:
 * .init.text, .init.data, .exit.text and .exit.data, and these. What later ones add there (some KiB of
 * runtime constants) counts by its flags.
 */
static bool is_init(const char *name)
{
	static const char *const names[] = {
		".data..percpu",     ".altinstr_aux",
		".x86_cpu_dev.init", ".x86_intel_mid_dev.init",
		".parainstructions", ".retpoline_sites",
		".return_sites",     ".call_sites",
		".ibt_endbr_seal",   ".cfi_sites",
		".altinstructions",  ".altinstr_replacement",
		".iommu_table",      ".apicdrivers",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return begins(name, ".init.") || begins(name, ".exit.");
}

static enum elfsizes_class class_of(const char *name, const GElf_Shdr *section)
{
	if (is_init(name))
		return ELFSIZES_INIT;
	if (strcmp(name, ".rodata") == 0 || begins(name, ".rodata."))
		return ELFSIZES_RODATA;
	if (section->sh_flags & SHF_EXECINSTR)
		return ELFSIZES_TEXT;
	if (section->sh_type == SHT_NOBITS)
		return ELFSIZES_BSS;
	return section->sh_flags & SHF_WRITE ? ELFSIZES_DATA : ELFSIZES_RODATA;
}

static int add_section(struct reading *r, size_t i, const GElf_Shdr *s, struct elfsizes *sizes)
{
	if (!(s->sh_flags & SHF_ALLOC))
		return 0;
	if (s->sh_name >= r->names_bytes)
		return refuse(r, EINVAL, "section %zu: sh_name is 0x%x; the names have 0x%zx bytes",
			      i, s->sh_name, r->names_bytes);
	if (s->sh_size > SECTION_MAX_BYTES)
		return refuse(r, EINVAL, "section %zu: sh_size is 0x%llx; at most 0x%llx can be", i,
			      (ull)s->sh_size, SECTION_MAX_BYTES);
	if (s->sh_type != SHT_NOBITS && !in_file(r, s->sh_offset, s->sh_size))
		return refuse(r, EINVAL,
			      "section %zu: sh_offset is 0x%llx and sh_size is 0x%llx; they reach "
			      "past the end of the file, at 0x%llx",
			      i, (ull)s->sh_offset, (ull)s->sh_size, (ull)r->file->size_bytes);
	sizes->bytes[class_of(r->names + s->sh_name, s)] += s->sh_size;
	sizes->total_bytes += s->sh_size;
	return 0;
}

static int add_sections(struct reading *r, struct elfsizes *sizes)
{
	Elf_Scn *at = NULL;
	int rc = 0;
	Elf *elf;

	(void)elf_version(EV_CURRENT);
	elf = elf_memory(r->copy, r->copy_bytes);
	for (size_t i = 1; rc == 0 && i < r->header.e_shnum; i++) {
		GElf_Shdr section;

		at = elf_nextscn(elf, at);
		if (!gelf_getshdr(at, &section))
			rc = refuse(r, EINVAL, "section header %zu cannot be read: %s", i,
				    elf_errmsg(-1));
		else
			rc = add_section(r, i, &section, sizes);
	}
	(void)elf_end(elf);
	return rc;
}

int elfsizes_read(const struct input_file *file, struct elfsizes *sizes, struct err *e)
{
	struct reading r = { .file = file, .e = e };
	int rc = read_header(&r);

	*sizes = (struct elfsizes){ 0 };
	if (rc == 0)
		rc = copy_headers(&r);
	if (rc == 0)
		rc = read_names(&r);
	if (rc == 0)
		rc = add_sections(&r, sizes);
	free(r.copy);
	free(r.names);
	return rc;
}
