/* SPDX-License-Identifier: MIT */
#include "initramfs/elfneeds.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	COPY_HEADERS = sizeof(Elf64_Ehdr),
	COPY_DYNAMIC = COPY_HEADERS + ELFNEEDS_HEADERS_MAX * sizeof(Elf64_Phdr),
	COPY_BYTES = COPY_DYNAMIC + ELFNEEDS_DYNAMIC_MAX_BYTES,
};

/*
 * What one reading works on. libelf is not given the file, for it makes room for as many sections
 * as a file claims to have (boot/elfimage.c tells how much that can be), but a copy:
 *
 *   0x0000  ELF header, 32 or 64 bits, without sections, its e_phoff pointing to:
 *   0x0040  program headers
 *   0x1c40  the dynamic section
 */
struct reading {
	const struct input_file *file;
	struct err *e;
	struct elfneeds *needs;
	bool is64;
	size_t headers;
	GElf_Ehdr header;
	GElf_Phdr program[ELFNEEDS_HEADERS_MAX];
	size_t dynamic; /* how many entries there are, DT_NULL not counted */
	GElf_Dyn *entry;
	uint64_t strings_offset, strings_bytes;
	_Alignas(8) char copy[COPY_BYTES];
};

#define refuse(r, code, fmt, ...) \
	err_set((r)->e, code, "%s %s: " fmt, (r)->file->what, (r)->file->path, ##__VA_ARGS__)

typedef unsigned long long ull;

static const struct {
	unsigned int machine;
	const char *name;
} machines[] = {
	{ EM_SPARC, "SPARC" },   { EM_386, "i386" },      { EM_68K, "m68k" },
	{ EM_MIPS, "MIPS" },     { EM_PPC, "PowerPC" },   { EM_PPC64, "64-bit PowerPC" },
	{ EM_S390, "s390" },     { EM_ARM, "ARM" },       { EM_SPARCV9, "64-bit SPARC" },
	{ EM_IA_64, "Itanium" }, { EM_X86_64, "x86-64" }, { EM_AARCH64, "AArch64" },
	{ EM_RISCV, "RISC-V" },  { EM_BPF, "BPF" },       { EM_LOONGARCH, "LoongArch" },
};

static const char *machine_name(unsigned int machine)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].machine == machine)
			return machines[i].name;
	}
	return "an unknown machine";
}

bool elfneeds_is_elf(const void *head, size_t size_bytes)
{
	return size_bytes >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0;
}

/* The header as it stands in the file goes to the copy, and from there to r->header by libelf. */
static int read_header(struct reading *r)
{
	uint64_t has = r->file->size_bytes;
	size_t n = has < sizeof(Elf64_Ehdr) ? (size_t)has : sizeof(Elf64_Ehdr);
	const unsigned char *ident = (const unsigned char *)r->copy;
	int rc = file_read(r->file, 0, r->copy, n, r->e);

	if (rc < 0)
		return rc;
	if (!elfneeds_is_elf(r->copy, n))
		return refuse(r, ENOEXEC, "is no ELF file");
	if (n < sizeof(Elf32_Ehdr) || (ident[EI_CLASS] == ELFCLASS64 && n < sizeof(Elf64_Ehdr)))
		return refuse(r, EBADMSG, "is truncated: its %llu bytes do not hold an ELF header",
			      (ull)has);
	if (ident[EI_CLASS] != ELFCLASS64 && ident[EI_CLASS] != ELFCLASS32)
		return refuse(r, EBADMSG, "e_ident[EI_CLASS] is %u; it must be %d or %d",
			      ident[EI_CLASS], ELFCLASS32, ELFCLASS64);
	if (ident[EI_DATA] != ELFDATA2LSB)
		return refuse(r, ENOEXEC,
			      "is for a machine that is not little-endian (e_ident[EI_DATA] is "
			      "%u); a guest runs x86-64 and i386",
			      ident[EI_DATA]);
	r->is64 = ident[EI_CLASS] == ELFCLASS64;
	return 0;
}

/* e_type, e_machine and e_version lie in the same places in both classes. */
static int check_kind(struct reading *r)
{
	const Elf32_Ehdr *h = (const void *)r->copy;

	if (h->e_machine != EM_X86_64 && h->e_machine != EM_386)
		return refuse(r, ENOEXEC,
			      "is for %s (e_machine is %u); a guest runs x86-64 and i386",
			      machine_name(h->e_machine), h->e_machine);
	if (r->is64 != (h->e_machine == EM_X86_64))
		return refuse(
			r, ENOEXEC,
			"is a %d-bit ELF file for %s%s; a guest runs 64-bit x86-64 and 32-bit "
			"i386",
			r->is64 ? 64 : 32, machine_name(h->e_machine), r->is64 ? "" : " (x32)");
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return refuse(r, ENOEXEC,
			      "is %s (e_type is %u); a program (%d) or a position-independent one "
			      "(%d) is needed",
			      h->e_type == ET_REL    ? "an object file"
			      : h->e_type == ET_CORE ? "a core dump"
						     : "of an unknown type",
			      h->e_type, ET_EXEC, ET_DYN);
	if (h->e_ident[EI_VERSION] != EV_CURRENT || h->e_version != EV_CURRENT)
		return refuse(r, EBADMSG,
			      "e_ident[EI_VERSION] is %u and e_version is %u; both must be %d",
			      h->e_ident[EI_VERSION], h->e_version, EV_CURRENT);
	r->needs->machine = h->e_machine;
	return 0;
}

/*
 * Keeps what is needed of the copy's header, takes the sections off it and points it to the copy's
 * program headers. Both classes have fields of the same names.
 */
#define mend_header(r, type)                               \
	do {                                               \
		type *h_ = (void *)(r)->copy;              \
                                                           \
		(r)->header.e_phoff = h_->e_phoff;         \
		(r)->header.e_phnum = h_->e_phnum;         \
		(r)->header.e_phentsize = h_->e_phentsize; \
		(r)->needs->has_entry = h_->e_entry != 0;  \
		h_->e_phoff = COPY_HEADERS;                \
		h_->e_shoff = 0;                           \
		h_->e_shnum = h_->e_shstrndx = 0;          \
	} while (0)

static int check_range(const struct reading *r, const char *what, uint64_t offset, uint64_t bytes)
{
	uint64_t has = r->file->size_bytes;

	if (offset > has || bytes > has - offset)
		return refuse(r, EBADMSG,
			      "its %s, 0x%llx bytes at 0x%llx, reach past the end of the file, at "
			      "0x%llx",
			      what, (ull)bytes, (ull)offset, (ull)has);
	return 0;
}

static int read_table(struct reading *r)
{
	size_t size = r->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	const GElf_Ehdr *h = &r->header;
	bool good = true;
	Elf *elf;
	int rc;

	if (r->is64)
		mend_header(r, Elf64_Ehdr);
	else
		mend_header(r, Elf32_Ehdr);
	if (h->e_phnum == 0 || h->e_phnum > ELFNEEDS_HEADERS_MAX)
		return refuse(r, EBADMSG, "e_phnum is %u; it must be 1 to %d", h->e_phnum,
			      ELFNEEDS_HEADERS_MAX);
	if (h->e_phentsize != size)
		return refuse(r, EBADMSG, "e_phentsize is %u; it must be %zu", h->e_phentsize,
			      size);
	rc = check_range(r, "program headers", h->e_phoff, h->e_phnum * size);
	if (rc == 0)
		rc = file_read(r->file, h->e_phoff, r->copy + COPY_HEADERS, h->e_phnum * size,
			       r->e);
	if (rc < 0)
		return rc;
	r->headers = h->e_phnum;
	(void)elf_version(EV_CURRENT);
	elf = elf_memory(r->copy, sizeof(r->copy));
	for (size_t i = 0; i < r->headers; i++)
		good = good && gelf_getphdr(elf, (int)i, &r->program[i]) != NULL;
	(void)elf_end(elf);
	return good ? 0
		    : refuse(r, EBADMSG, "its program headers cannot be read: %s", elf_errmsg(-1));
}

static const GElf_Phdr *find(const struct reading *r, unsigned int type)
{
	for (size_t i = 0; i < r->headers; i++) {
		if (r->program[i].p_type == type)
			return &r->program[i];
	}
	return NULL;
}

static int no_memory(const struct reading *r)
{
	return refuse(r, ENOMEM, "no memory for its list of libraries");
}

/* [LINUX] fs/binfmt_elf.c: a path of 2 to PATH_MAX bytes, its NUL the last. */
static int read_interpreter(struct reading *r)
{
	const GElf_Phdr *ph = find(r, PT_INTERP);
	char path[PATH_MAX] = "";
	int rc;

	if (!ph)
		return 0;
	rc = check_range(r, "loader's name (PT_INTERP)", ph->p_offset, ph->p_filesz);
	if (rc < 0)
		return rc;
	if (ph->p_filesz < 2 || ph->p_filesz > sizeof(path))
		return refuse(r, EBADMSG,
			      "its loader's name (PT_INTERP) has %llu bytes; 2 to %d are allowed",
			      (ull)ph->p_filesz, PATH_MAX);
	rc = file_read(r->file, ph->p_offset, path, ph->p_filesz, r->e);
	if (rc < 0)
		return rc;
	if (path[ph->p_filesz - 1] != '\0' || path[0] == '\0')
		return refuse(r, EBADMSG, "its loader's name (PT_INTERP) %s",
			      path[0] ? "does not end with a zero byte" : "is empty");
	r->needs->interpreter = strdup(path);
	return r->needs->interpreter ? 0 : no_memory(r);
}

/* Has libelf read the entries up to DT_NULL, or as many as the table has. */
static int read_dynamic(struct reading *r)
{
	const GElf_Phdr *ph = find(r, PT_DYNAMIC);
	size_t size = r->is64 ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
	size_t n = 0, bytes;
	Elf_Data *data;
	bool ended = false;
	Elf *elf;
	int rc;

	if (!ph)
		return 0;
	rc = check_range(r, "dynamic section", ph->p_offset, ph->p_filesz);
	bytes = ph->p_filesz < ELFNEEDS_DYNAMIC_MAX_BYTES ? ph->p_filesz
							  : ELFNEEDS_DYNAMIC_MAX_BYTES;
	bytes -= bytes % size;
	if (rc == 0)
		rc = file_read(r->file, ph->p_offset, r->copy + COPY_DYNAMIC, bytes, r->e);
	if (rc < 0 || bytes == 0)
		return rc;
	r->entry = calloc(bytes / size, sizeof(*r->entry));
	if (!r->entry)
		return no_memory(r);
	elf = elf_memory(r->copy, sizeof(r->copy));
	data = elf_getdata_rawchunk(elf, COPY_DYNAMIC, bytes, ELF_T_DYN);
	while (data && !ended && n < bytes / size && gelf_getdyn(data, (int)n, &r->entry[n])) {
		ended = r->entry[n].d_tag == DT_NULL;
		n += !ended;
	}
	(void)elf_end(elf);
	r->dynamic = n;
	if (!ended && bytes < ph->p_filesz - ph->p_filesz % size)
		return refuse(r, EBADMSG,
			      "its dynamic section has no end (DT_NULL) within %d bytes",
			      ELFNEEDS_DYNAMIC_MAX_BYTES);
	return 0;
}

static bool value_of(const struct reading *r, int64_t tag, uint64_t *value)
{
	for (size_t i = 0; i < r->dynamic; i++) {
		if (r->entry[i].d_tag == tag) {
			*value = r->entry[i].d_un.d_val;
			return true;
		}
	}
	return false;
}

/* DT_STRTAB is an address in memory; the segment that holds it says where that is in the file. */
static int find_strings(struct reading *r)
{
	uint64_t address = 0, bytes = 0;

	if (!value_of(r, DT_STRTAB, &address) || !value_of(r, DT_STRSZ, &bytes))
		return refuse(r, EBADMSG,
			      "its dynamic section has no string table (DT_STRTAB and "
			      "DT_STRSZ)");
	for (size_t i = 0; i < r->headers; i++) {
		const GElf_Phdr *ph = &r->program[i];

		if (ph->p_type != PT_LOAD || address < ph->p_vaddr ||
		    address - ph->p_vaddr >= ph->p_filesz)
			continue;
		if (__builtin_add_overflow(ph->p_offset, address - ph->p_vaddr, &r->strings_offset))
			break;
		r->strings_bytes = bytes;
		return check_range(r, "string table (DT_STRSZ)", r->strings_offset, bytes);
	}
	return refuse(r, EBADMSG, "DT_STRTAB is 0x%llx; no segment has it in the file",
		      (ull)address);
}

/* The string that a dynamic entry of the named tag points to. */
static int read_string(struct reading *r, const char *tag, uint64_t at, char **to)
{
	char text[ELFNEEDS_TEXT_MAX + 1];
	size_t n;
	int rc;

	if (at >= r->strings_bytes)
		return refuse(r, EBADMSG,
			      "%s is 0x%llx; it must lie in the string table of 0x%llx bytes", tag,
			      (ull)at, (ull)r->strings_bytes);
	n = r->strings_bytes - at < sizeof(text) ? (size_t)(r->strings_bytes - at) : sizeof(text);
	rc = file_read(r->file, r->strings_offset + at, text, n, r->e);
	if (rc < 0)
		return rc;
	if (!memchr(text, '\0', n))
		return refuse(r, EBADMSG, "%s: its string does not end %s", tag,
			      n < sizeof(text) ? "with the string table" : "within 4095 bytes");
	*to = strdup(text);
	return *to ? 0 : no_memory(r);
}

static int add_needed(struct reading *r, uint64_t at)
{
	struct elfneeds *needs = r->needs;
	char *name = NULL;
	int rc;

	if (needs->count == ELFNEEDS_NEEDED_MAX)
		return refuse(r, EBADMSG, "has more than %d DT_NEEDED", ELFNEEDS_NEEDED_MAX);
	rc = read_string(r, "DT_NEEDED", at, &name);
	if (rc < 0)
		return rc;
	if (!*name) {
		free(name);
		return refuse(r, EBADMSG, "has a DT_NEEDED without a name");
	}
	needs->needed[needs->count++] = name;
	return 0;
}

static int read_single(struct reading *r, int64_t tag, const char *name, char **to)
{
	uint64_t at;

	return value_of(r, tag, &at) ? read_string(r, name, at, to) : 0;
}

static bool names_something(const struct reading *r)
{
	static const int64_t tags[] = { DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH };
	uint64_t at;

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		if (value_of(r, tags[i], &at))
			return true;
	}
	return false;
}

static int read_needs(struct reading *r)
{
	struct elfneeds *needs = r->needs;
	int rc;

	if (!names_something(r))
		return 0;
	needs->needed = calloc(ELFNEEDS_NEEDED_MAX, sizeof(*needs->needed));
	if (!needs->needed)
		return no_memory(r);
	rc = find_strings(r);
	for (size_t i = 0; rc == 0 && i < r->dynamic; i++) {
		if (r->entry[i].d_tag == DT_NEEDED)
			rc = add_needed(r, r->entry[i].d_un.d_val);
	}
	if (rc == 0)
		rc = read_single(r, DT_SONAME, "DT_SONAME", &needs->soname);
	if (rc == 0)
		rc = read_single(r, DT_RUNPATH, "DT_RUNPATH", &needs->runpath);
	if (rc == 0 && !needs->runpath)
		rc = read_single(r, DT_RPATH, "DT_RPATH", &needs->rpath);
	return rc;
}

int elfneeds_read(struct elfneeds *needs, const struct input_file *file, struct err *e)
{
	static int (*const steps[])(struct reading *) = {
		read_header, check_kind, read_table, read_interpreter, read_dynamic, read_needs,
	};
	struct reading r = { .file = file, .e = e, .needs = needs };
	int rc = 0;

	*needs = (struct elfneeds){ 0 };
	for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](&r);
	free(r.entry);
	if (rc < 0)
		elfneeds_finish(needs);
	return rc;
}

void elfneeds_finish(struct elfneeds *needs)
{
	for (size_t i = 0; i < needs->count; i++)
		free(needs->needed[i]);
	free(needs->needed);
	free(needs->interpreter);
	free(needs->soname);
	free(needs->rpath);
	free(needs->runpath);
	*needs = (struct elfneeds){ 0 };
}

unsigned int elfneeds_machine(const struct input_file *file)
{
	struct elfneeds needs = { 0 };
	struct err e;
	struct reading r = { .file = file, .e = &e, .needs = &needs };

	return read_header(&r) == 0 && check_kind(&r) == 0 ? needs.machine : 0;
}
