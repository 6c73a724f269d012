/* SPDX-License-Identifier: MIT */
#include "boot/elfimage.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/le.h"

enum {
	COPY_HEADERS = sizeof(Elf64_Ehdr),
	COPY_NOTES = COPY_HEADERS + ELFIMAGE_HEADERS_MAX * sizeof(Elf64_Phdr),
	COPY_BYTES = COPY_NOTES + ELFIMAGE_NOTES_MAX_BYTES,

	XEN_ELFNOTE_PHYS32_ENTRY = 18,
	NOTE_ALIGN_8 = 8, /* the p_align that pads notes to 8 bytes; any other means 4 */
	TROUBLE_BYTES = 160,
};

/*
 * What one parse works on.
 *
 * libelf is not given the file. It makes room for as many sections as the file claims to have:
 * elf_begin() with a forged e_shnum in a file of 900 MiB took 2.6 GiB and 7 s (elfutils 0.188).
 * So it reads a copy, which has only what a loader needs and has been bounded before:
 *
 *   0x0000  ELF header, without sections, its e_phoff pointing right behind it
 *   0x0040  program headers
 *   0x1c40  one PT_NOTE after the other
 */
struct parse {
	const struct input_file *file;
	struct err *e;
	Elf64_Ehdr header; /* as the file has it */
	size_t headers;
	GElf_Phdr program[ELFIMAGE_HEADERS_MAX];
	char *copy; /* COPY_BYTES, of which nothing but the above is set */

	unsigned int pvh_notes;      /* different ones */
	uint64_t pvh_entry;          /* of the first */
	char trouble[TROUBLE_BYTES]; /* why there is no PVH entry; "" when there is just no note */
};

#define refuse(p, code, fmt, ...) \
	err_set((p)->e, code, "%s %s: " fmt, (p)->file->what, (p)->file->path, ##__VA_ARGS__)

#define pvh_trouble(p, ...) ((void)snprintf((p)->trouble, sizeof((p)->trouble), __VA_ARGS__))

typedef unsigned long long ull;

static const char *machine_name(unsigned int machine)
{
	switch (machine) {
	case EM_386:
		return " (32-bit x86)";
	case EM_ARM:
		return " (ARM)";
	case EM_AARCH64:
		return " (arm64)";
	case EM_RISCV:
		return " (RISC-V)";
	case EM_PPC64:
		return " (POWER)";
	case EM_S390:
		return " (s390)";
	default:
		return "";
	}
}

static const char *type_name(unsigned int type)
{
	switch (type) {
	case ET_REL:
		return "an object file or a kernel module";
	case ET_DYN:
		return "a shared library or a position-independent program";
	case ET_CORE:
		return "a core dump";
	default:
		return "of no type known here";
	}
}

static int read_header(struct parse *p, struct elfimage *image)
{
	uint64_t has = p->file->size_bytes;
	size_t n = has < sizeof(p->header) ? (size_t)has : sizeof(p->header);
	int rc;

	image->file_bytes = has;
	memset(&p->header, 0, sizeof(p->header));
	rc = file_read(p->file, 0, &p->header, n, p->e);
	if (rc < 0)
		return rc;
	if (memcmp(p->header.e_ident, ELFMAG, SELFMAG) != 0)
		return refuse(p, ENOEXEC, "is not an ELF file: has no magic number at its start");
	if (n < sizeof(p->header))
		return refuse(p, ENOEXEC,
			      "is truncated: has %llu bytes, the ELF header alone has %zu",
			      (ull)has, sizeof(p->header));
	return 0;
}

/* e_machine and e_type lie where they lie in 32-bit files too, so that those can be told. */
static int check_kind(struct parse *p, struct elfimage *image)
{
	const Elf64_Ehdr *h = &p->header;
	unsigned int class = h->e_ident[EI_CLASS];

	(void)image;
	if (class != ELFCLASS64 && class != ELFCLASS32)
		return refuse(p, ENOEXEC, "e_ident[EI_CLASS] is %u; it must be %d (64-bit)", class,
			      ELFCLASS64);
	if (h->e_ident[EI_DATA] != ELFDATA2LSB)
		return refuse(p, ENOEXEC,
			      "e_ident[EI_DATA] is %u; it must be %d (little-endian, as x86 is)",
			      h->e_ident[EI_DATA], ELFDATA2LSB);
	if (h->e_machine != EM_X86_64 && !(h->e_machine == EM_386 && class == ELFCLASS32))
		return refuse(p, ENOEXEC,
			      "e_machine is %u%s; it must be %d (x86-64): build the kernel with "
			      "ARCH=x86_64",
			      h->e_machine, machine_name(h->e_machine), EM_X86_64);
	if (class == ELFCLASS32)
		return refuse(p, ENOEXEC,
			      "is a 32-bit ELF file (e_ident[EI_CLASS] is %u); a 64-bit kernel is "
			      "needed: build it with CONFIG_64BIT=y",
			      class);
	if (h->e_type != ET_EXEC)
		return refuse(p, ENOEXEC,
			      "is %s (e_type is %u); an executable is needed (e_type %d), the "
			      "vmlinux of a kernel build",
			      type_name(h->e_type), h->e_type, ET_EXEC);
	if (h->e_ident[EI_VERSION] != EV_CURRENT || h->e_version != EV_CURRENT)
		return refuse(p, EINVAL,
			      "e_ident[EI_VERSION] is %u and e_version is %u; both must be %d",
			      h->e_ident[EI_VERSION], h->e_version, EV_CURRENT);
	return 0;
}

/* Where the program headers lie, and that they are as many as libelf shall see. */
static int check_table(struct parse *p, struct elfimage *image)
{
	const Elf64_Ehdr *h = &p->header;
	uint64_t table = (uint64_t)h->e_phnum * sizeof(Elf64_Phdr);

	if (h->e_phnum == 0 || h->e_phnum > ELFIMAGE_HEADERS_MAX)
		return refuse(p, EINVAL, "e_phnum is %u; it must be 1 to %d", h->e_phnum,
			      ELFIMAGE_HEADERS_MAX);
	if (h->e_phentsize != sizeof(Elf64_Phdr))
		return refuse(p, EINVAL, "e_phentsize is %u; it must be %zu", h->e_phentsize,
			      sizeof(Elf64_Phdr));
	if (h->e_phoff < sizeof(*h))
		return refuse(p, EINVAL, "e_phoff is 0x%llx; it must be at least %zu",
			      (ull)h->e_phoff, sizeof(*h));
	if (h->e_phoff > image->file_bytes || table > image->file_bytes - h->e_phoff)
		return refuse(p, EINVAL,
			      "e_phoff is 0x%llx and e_phnum is %u: the %llu bytes of program "
			      "headers reach past the end of the file, at 0x%llx",
			      (ull)h->e_phoff, h->e_phnum, (ull)table, (ull)image->file_bytes);
	p->headers = h->e_phnum;
	return 0;
}

/* Copies the program headers and has libelf read them. */
static int read_table(struct parse *p, struct elfimage *image)
{
	Elf64_Ehdr header = p->header;
	int rc = file_read(p->file, header.e_phoff, p->copy + COPY_HEADERS,
			   p->headers * sizeof(Elf64_Phdr), p->e);
	bool good = true;
	Elf *elf;

	(void)image;
	if (rc < 0)
		return rc;
	header.e_phoff = COPY_HEADERS;
	header.e_shoff = 0;
	header.e_shnum = 0;
	header.e_shstrndx = SHN_UNDEF;
	memcpy(p->copy, &header, sizeof(header));
	(void)elf_version(EV_CURRENT);
	elf = elf_memory(p->copy, COPY_BYTES);
	for (size_t i = 0; i < p->headers; i++)
		good = good && gelf_getphdr(elf, (int)i, &p->program[i]) != NULL;
	(void)elf_end(elf);
	if (!good)
		return refuse(p, EINVAL, "its program headers cannot be read: %s", elf_errmsg(-1));
	return 0;
}

static int check_segment(struct parse *p, size_t i, const struct elfimage *image)
{
	const GElf_Phdr *ph = &p->program[i];

	if (ph->p_filesz > ph->p_memsz)
		return refuse(p, EINVAL,
			      "program header %zu: p_filesz is 0x%llx; it must not be more than "
			      "p_memsz, 0x%llx",
			      i, (ull)ph->p_filesz, (ull)ph->p_memsz);
	if (ph->p_filesz > 0 &&
	    (ph->p_offset > image->file_bytes || ph->p_filesz > image->file_bytes - ph->p_offset))
		return refuse(p, EINVAL,
			      "program header %zu: p_offset is 0x%llx and p_filesz is 0x%llx; they "
			      "reach past the end of the file, at 0x%llx",
			      i, (ull)ph->p_offset, (ull)ph->p_filesz, (ull)image->file_bytes);
	if (ph->p_paddr > ELFIMAGE_GPA_END || ph->p_memsz > ELFIMAGE_GPA_END - ph->p_paddr)
		return refuse(p, EINVAL,
			      "program header %zu: p_paddr is 0x%llx and p_memsz is 0x%llx; "
			      "physical memory ends at 0x%llx",
			      i, (ull)ph->p_paddr, (ull)ph->p_memsz, ELFIMAGE_GPA_END);
	if (ph->p_memsz > 0 && image->segments == ELFIMAGE_SEGMENTS_MAX)
		return refuse(
			p, EINVAL,
			"program header %zu: is one PT_LOAD too many; at most %d are accepted", i,
			ELFIMAGE_SEGMENTS_MAX);
	return 0;
}

/* Keeps the segments in ascending order. */
static void add_segment(struct elfimage *image, const GElf_Phdr *ph)
{
	size_t at = image->segments++;

	for (; at > 0 && image->segment[at - 1].gpa > ph->p_paddr; at--)
		image->segment[at] = image->segment[at - 1];
	image->segment[at] = (struct elfimage_segment){
		.file_offset = ph->p_filesz ? ph->p_offset : 0,
		.file_bytes = ph->p_filesz,
		.gpa = ph->p_paddr,
		.memory_bytes = ph->p_memsz,
	};
}

static uint64_t end_of(const struct elfimage_segment *s)
{
	return s->gpa + s->memory_bytes;
}

static int check_segments(struct parse *p, struct elfimage *image)
{
	for (size_t i = 0; i < p->headers; i++) {
		int rc;

		if (p->program[i].p_type != PT_LOAD)
			continue;
		rc = check_segment(p, i, image);
		if (rc < 0)
			return rc;
		if (p->program[i].p_memsz > 0)
			add_segment(image, &p->program[i]);
	}
	if (image->segments == 0)
		return refuse(p, EINVAL,
			      "none of its %zu program headers is a PT_LOAD with memory: there is "
			      "nothing to load",
			      p->headers);
	for (size_t i = 1; i < image->segments; i++) {
		const struct elfimage_segment *low = &image->segment[i - 1], *high = low + 1;

		if (high->gpa < end_of(low))
			return refuse(p, EINVAL,
				      "two PT_LOAD overlap: one has p_paddr 0x%llx and p_memsz "
				      "0x%llx, the next has p_paddr 0x%llx",
				      (ull)low->gpa, (ull)low->memory_bytes, (ull)high->gpa);
	}
	image->start_gpa = image->segment[0].gpa;
	image->end_gpa = end_of(&image->segment[image->segments - 1]);
	return 0;
}

static void take_pvh_note(struct parse *p, const char *desc, size_t desc_bytes)
{
	uint64_t entry;

	if (desc_bytes != 4 && desc_bytes != 8) {
		pvh_trouble(p, "its PVH note has %zu bytes, not 4 or 8", desc_bytes);
		return;
	}
	entry = desc_bytes == 4 ? get_le32(desc) : get_le64(desc);
	if (p->pvh_notes == 0)
		p->pvh_entry = entry;
	if (p->pvh_notes == 0 || entry != p->pvh_entry)
		p->pvh_notes++;
}

/* Looks for PVH notes in what lies at COPY_NOTES: the contents of p->program[i]. */
static void walk_notes(struct parse *p, size_t i, Elf *elf)
{
	const GElf_Phdr *ph = &p->program[i];
	Elf_Data *data =
		elf_getdata_rawchunk(elf, COPY_NOTES, ph->p_filesz,
				     ph->p_align == NOTE_ALIGN_8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while (at < ph->p_filesz) {
		size_t next = data ? gelf_getnote(data, at, &note, &name, &desc) : 0;
		const char *bytes = p->copy + COPY_NOTES;

		if (next <= at) {
			pvh_trouble(p, "its notes (program header %zu) are broken at byte %zu", i,
				    at);
			return;
		}
		if (note.n_type == XEN_ELFNOTE_PHYS32_ENTRY && note.n_namesz == sizeof("Xen") &&
		    memcmp(bytes + name, "Xen", sizeof("Xen")) == 0)
			take_pvh_note(p, bytes + desc, note.n_descsz);
		at = next;
	}
}

static int read_notes(struct parse *p, size_t i, const struct elfimage *image)
{
	const GElf_Phdr *ph = &p->program[i];
	Elf *elf;
	int rc;

	if (ph->p_filesz > ELFIMAGE_NOTES_MAX_BYTES) {
		pvh_trouble(p, "its notes (program header %zu) have 0x%llx bytes, more than 0x%x",
			    i, (ull)ph->p_filesz, ELFIMAGE_NOTES_MAX_BYTES);
		return 0;
	}
	if (ph->p_offset > image->file_bytes || ph->p_filesz > image->file_bytes - ph->p_offset) {
		pvh_trouble(p, "its notes (program header %zu) reach past the end of the file", i);
		return 0;
	}
	rc = file_read(p->file, ph->p_offset, p->copy + COPY_NOTES, ph->p_filesz, p->e);
	if (rc < 0)
		return rc;
	elf = elf_memory(p->copy, COPY_BYTES);
	walk_notes(p, i, elf);
	(void)elf_end(elf);
	return 0;
}

/* Is gpa one of the bytes that come from the file? */
static bool is_loaded(const struct elfimage *image, uint64_t gpa)
{
	for (size_t i = 0; i < image->segments; i++) {
		const struct elfimage_segment *s = &image->segment[i];

		if (gpa >= s->gpa && gpa - s->gpa < s->file_bytes)
			return true;
	}
	return false;
}

/* Is there one PVH entry, and can it be one? */
static bool has_pvh(struct parse *p, const struct elfimage *image)
{
	if (p->pvh_notes == 0)
		return false;
	if (p->pvh_notes > 1)
		pvh_trouble(p, "it has PVH notes that differ");
	else if (p->pvh_entry > UINT32_MAX)
		pvh_trouble(p, "its PVH entry 0x%llx is not below 4 GiB", (ull)p->pvh_entry);
	else if (!is_loaded(image, p->pvh_entry))
		pvh_trouble(p, "its PVH entry 0x%llx lies in none either", (ull)p->pvh_entry);
	else
		return true;
	return false;
}

/* The rules of the header's head. */
static int choose_entry(struct parse *p, struct elfimage *image)
{
	uint64_t e_entry = p->header.e_entry;
	bool linux64 = is_loaded(image, e_entry);
	bool pvh;

	for (size_t i = 0; i < p->headers; i++) {
		int rc = p->program[i].p_type == PT_NOTE ? read_notes(p, i, image) : 0;

		if (rc < 0)
			return rc;
	}
	pvh = has_pvh(p, image);
	if (pvh && (!linux64 || e_entry == p->pvh_entry)) {
		image->entry = ELFIMAGE_ENTRY_PVH;
		image->entry_gpa = p->pvh_entry;
		return 0;
	}
	if (!linux64)
		return refuse(p, EINVAL,
			      "has no usable entry point: e_entry 0x%llx lies in no segment's "
			      "bytes (segments are at 0x%llx to 0x%llx), and %s",
			      (ull)e_entry, (ull)image->start_gpa, (ull)image->end_gpa,
			      p->trouble[0] ? p->trouble
					    : "there is no PVH note (XEN_ELFNOTE_PHYS32_ENTRY)");
	image->entry = ELFIMAGE_ENTRY_LINUX64;
	image->entry_gpa = e_entry;
	return 0;
}

bool elfimage_is_elf(const struct input_file *file)
{
	char magic[SELFMAG];
	struct err e;

	return file_read(file, 0, magic, SELFMAG, &e) == 0 && memcmp(magic, ELFMAG, SELFMAG) == 0;
}

int elfimage_parse(const struct input_file *file, struct elfimage *image, struct err *e)
{
	static int (*const steps[])(struct parse *, struct elfimage *) = {
		read_header, check_kind, check_table, read_table, check_segments, choose_entry,
	};
	_Alignas(8) char copy[COPY_BYTES];
	struct parse p = { .file = file, .e = e, .copy = copy };
	int rc = 0;

	memset(image, 0, sizeof(*image));
	for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](&p, image);
	return rc;
}
