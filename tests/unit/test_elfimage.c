/* SPDX-License-Identifier: MIT */
/*
 * elfimage_parse() against [ELF] "ELF Header", "Program Header", "Note Section" and [PVH]: every
 * field arrives, every number that cannot be is refused by its name, in memory and in a file alike.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "boot/elfimage.h"
#include "tests/common/image.h"
#include "vmm/base/must.h"

/* [ELF] "ELF Header", the 64-bit one: offsets, and values of its fields. */
enum {
	SPEC_EI_CLASS = 4,
	SPEC_EI_DATA = 5,
	SPEC_EI_VERSION = 6,
	SPEC_E_TYPE = 0x10,
	SPEC_E_MACHINE = 0x12,
	SPEC_E_VERSION = 0x14,
	SPEC_E_ENTRY = 0x18,
	SPEC_E_PHOFF = 0x20,
	SPEC_E_SHOFF = 0x28,
	SPEC_E_FLAGS = 0x30,
	SPEC_E_EHSIZE = 0x34,
	SPEC_E_PHENTSIZE = 0x36,
	SPEC_E_PHNUM = 0x38,
	SPEC_E_SHENTSIZE = 0x3a,
	SPEC_E_SHNUM = 0x3c,
	SPEC_E_SHSTRNDX = 0x3e,
	SPEC_EHDR_BYTES = 0x40,

	SPEC_ELFCLASS32 = 1,
	SPEC_ELFCLASS64 = 2,
	SPEC_ELFDATA2LSB = 1,
	SPEC_ELFDATA2MSB = 2,
	SPEC_ET_REL = 1,
	SPEC_ET_EXEC = 2,
	SPEC_ET_DYN = 3,
	SPEC_ET_CORE = 4,
	SPEC_EM_386 = 3,
	SPEC_EM_ARM = 40,
	SPEC_EM_X86_64 = 62,
	SPEC_EM_AARCH64 = 183,
	SPEC_EM_RISCV = 243,
	SPEC_PN_XNUM = 0xffff,
};

/* [ELF] "Program Header", the 64-bit one. */
enum {
	SPEC_P_TYPE = 0x00,
	SPEC_P_FLAGS = 0x04,
	SPEC_P_OFFSET = 0x08,
	SPEC_P_VADDR = 0x10,
	SPEC_P_PADDR = 0x18,
	SPEC_P_FILESZ = 0x20,
	SPEC_P_MEMSZ = 0x28,
	SPEC_P_ALIGN = 0x30,
	SPEC_PHDR_BYTES = 0x38,

	SPEC_PT_NULL = 0,
	SPEC_PT_LOAD = 1,
	SPEC_PT_NOTE = 4,
};

/* [ELF] "Note Section": namesz, descsz, type, 4 bytes each; [PVH]: owner "Xen", type 18. */
enum {
	SPEC_N_NAMESZ = 0,
	SPEC_N_DESCSZ = 4,
	SPEC_N_TYPE = 8,
	SPEC_NHDR_BYTES = 12,
	SPEC_XEN_ELFNOTE_PHYS32_ENTRY = 18,
};

/*
 * The file of these tests:
 *
 *   0x0000  ELF header
 *   0x0040  program headers: text, data and bss, notes; room for more
 *   0x3000  text: 0x800 bytes for 0x1000000
 *   0x3800  data: 0x400 bytes for 0x1200000, 0x1000 bytes of memory
 *   0x3c00  notes: none, until a test writes some
 */
enum {
	TEXT,
	DATA,
	NOTES,
	HEADERS,

	TEXT_OFFSET = 0x3000,
	TEXT_BYTES = 0x800,
	TEXT_GPA = 0x1000000,
	DATA_OFFSET = 0x3800,
	DATA_BYTES = 0x400,
	DATA_GPA = 0x1200000,
	DATA_MEMORY = 0x1000,
	NOTES_OFFSET = 0x3c00,
	FILE_BYTES = 0x4000,
	ENTRY = TEXT_GPA + 0x100,
	PVH_ENTRY = TEXT_GPA + 0x200,
};

#define VIRTUAL_ENTRY 0xffffffff81000100ULL

static struct image image;
static struct elfimage facts;
static struct err error;

static size_t field(size_t header, size_t offset)
{
	return SPEC_EHDR_BYTES + header * SPEC_PHDR_BYTES + offset;
}

static void put_header(size_t header, uint64_t type, uint64_t offset, uint64_t paddr,
		       uint64_t filesz, uint64_t memsz)
{
	image_put(&image, field(header, SPEC_P_TYPE), 4, type);
	image_put(&image, field(header, SPEC_P_FLAGS), 4, 5);
	image_put(&image, field(header, SPEC_P_OFFSET), 8, offset);
	image_put(&image, field(header, SPEC_P_VADDR), 8, 0xffffffff80000000 + paddr);
	image_put(&image, field(header, SPEC_P_PADDR), 8, paddr);
	image_put(&image, field(header, SPEC_P_FILESZ), 8, filesz);
	image_put(&image, field(header, SPEC_P_MEMSZ), 8, memsz);
	image_put(&image, field(header, SPEC_P_ALIGN), 8, 4);
}

static void setup(void)
{
	static const uint8_t magic[] = { 0x7f, 'E', 'L', 'F' };

	image.bytes = calloc(1, FILE_BYTES);
	image.size_bytes = FILE_BYTES;
	must(image.bytes != NULL);
	memcpy(image.bytes, magic, sizeof(magic));
	image_put(&image, SPEC_EI_CLASS, 1, SPEC_ELFCLASS64);
	image_put(&image, SPEC_EI_DATA, 1, SPEC_ELFDATA2LSB);
	image_put(&image, SPEC_EI_VERSION, 1, 1);
	image_put(&image, SPEC_E_TYPE, 2, SPEC_ET_EXEC);
	image_put(&image, SPEC_E_MACHINE, 2, SPEC_EM_X86_64);
	image_put(&image, SPEC_E_VERSION, 4, 1);
	image_put(&image, SPEC_E_ENTRY, 8, ENTRY);
	image_put(&image, SPEC_E_PHOFF, 8, SPEC_EHDR_BYTES);
	image_put(&image, SPEC_E_EHSIZE, 2, SPEC_EHDR_BYTES);
	image_put(&image, SPEC_E_PHENTSIZE, 2, SPEC_PHDR_BYTES);
	image_put(&image, SPEC_E_PHNUM, 2, HEADERS);
	put_header(TEXT, SPEC_PT_LOAD, TEXT_OFFSET, TEXT_GPA, TEXT_BYTES, TEXT_BYTES);
	put_header(DATA, SPEC_PT_LOAD, DATA_OFFSET, DATA_GPA, DATA_BYTES, DATA_MEMORY);
	put_header(NOTES, SPEC_PT_NOTE, NOTES_OFFSET, 0, 0, 0);
}

static void teardown(void)
{
	image_free(&image);
}

/* From memory and from a file: the same answer, in the same words. */
static int parse(void)
{
	static struct elfimage in_memory;
	struct input_file file;
	struct err why;
	int rc;

	memset(&error, 0, sizeof(error));
	memset(&why, 0, sizeof(why));
	file_of_memory(&file, "kernel", "some/vmlinux", image.bytes, image.size_bytes);
	rc = elfimage_parse(&file, &in_memory, &why);
	image_open(&image, "kernel", "some/vmlinux", &file);
	ck_assert_int_eq(elfimage_parse(&file, &facts, &error), rc);
	file_close(&file);
	ck_assert_str_eq(error.text, why.text);
	ck_assert_int_eq(error.code, why.code);
	if (rc == 0)
		ck_assert_mem_eq(&in_memory, &facts, sizeof(facts));
	return rc;
}

static void accepted(void)
{
	int rc = parse();

	ck_assert_msg(rc == 0, "refused: %s", error.text);
}

/* Refused, in one line that begins with the file and has what (a field, a value) in it. */
static void refused(const char *what)
{
	int rc = parse();

	ck_assert_msg(rc < 0, "accepted, should name %s", what);
	ck_assert_int_eq(rc, -error.code);
	ck_assert_msg(strncmp(error.text, "kernel some/vmlinux: ", 21) == 0, "%s", error.text);
	ck_assert_msg(strstr(error.text, what) != NULL, "no \"%s\" in: %s", what, error.text);
	ck_assert_msg(strchr(error.text, '\n') == NULL, "%s", error.text);
	ck_assert_msg(strlen(error.text) < 300, "long: %s", error.text);
}

static void put_refused(size_t offset, size_t width, uint64_t value, const char *what)
{
	uint64_t before = image_get(&image, offset, width);

	image_put(&image, offset, width, value);
	refused(what);
	image_put(&image, offset, width, before);
}

static void put_accepted(size_t offset, size_t width, uint64_t value)
{
	uint64_t before = image_get(&image, offset, width);

	image_put(&image, offset, width, value);
	accepted();
	image_put(&image, offset, width, before);
}

/* --- notes ------------------------------------------------------------------------------------ */

static size_t notes_bytes(void)
{
	return image_get(&image, field(NOTES, SPEC_P_FILESZ), 8);
}

static void set_notes_bytes(size_t size_bytes)
{
	image_put(&image, field(NOTES, SPEC_P_FILESZ), 8, size_bytes);
}

/* Adds a note, padded to 4 bytes; returns where it begins in the file. */
static size_t add_note(const char *owner, uint32_t type, uint64_t desc, size_t desc_bytes)
{
	size_t at = NOTES_OFFSET + notes_bytes();
	size_t name_bytes = strlen(owner) + 1;
	size_t name_padded = (name_bytes + 3) / 4 * 4, desc_padded = (desc_bytes + 3) / 4 * 4;

	image_put(&image, at + SPEC_N_NAMESZ, 4, name_bytes);
	image_put(&image, at + SPEC_N_DESCSZ, 4, desc_bytes);
	image_put(&image, at + SPEC_N_TYPE, 4, type);
	memcpy(image.bytes + at + SPEC_NHDR_BYTES, owner, name_bytes);
	for (size_t i = 0; i < desc_bytes; i++)
		image_put(&image, at + SPEC_NHDR_BYTES + name_padded + i, 1,
			  i < 8 ? desc >> 8 * i & 0xff : 0);
	set_notes_bytes(notes_bytes() + SPEC_NHDR_BYTES + name_padded + desc_padded);
	return at;
}

static size_t add_pvh_note(uint64_t entry, size_t desc_bytes)
{
	return add_note("Xen", SPEC_XEN_ELFNOTE_PHYS32_ENTRY, entry, desc_bytes);
}

static void entered(enum elfimage_entry how, uint64_t where)
{
	accepted();
	ck_assert_int_eq(facts.entry, how);
	ck_assert_uint_eq(facts.entry_gpa, where);
}

static void set_entry(uint64_t entry)
{
	image_put(&image, SPEC_E_ENTRY, 8, entry);
}

/* --- what arrives ----------------------------------------------------------------------------- */

START_TEST(every_field_arrives)
{
	entered(ELFIMAGE_ENTRY_LINUX64, ENTRY);
	ck_assert_uint_eq(facts.file_bytes, FILE_BYTES);
	ck_assert_uint_eq(facts.start_gpa, TEXT_GPA);
	ck_assert_uint_eq(facts.end_gpa, DATA_GPA + DATA_MEMORY);
	ck_assert_uint_eq(facts.segments, 2);
	ck_assert_uint_eq(facts.segment[0].file_offset, TEXT_OFFSET);
	ck_assert_uint_eq(facts.segment[0].file_bytes, TEXT_BYTES);
	ck_assert_uint_eq(facts.segment[0].gpa, TEXT_GPA);
	ck_assert_uint_eq(facts.segment[0].memory_bytes, TEXT_BYTES);
	ck_assert_uint_eq(facts.segment[1].file_offset, DATA_OFFSET);
	ck_assert_uint_eq(facts.segment[1].file_bytes, DATA_BYTES);
	ck_assert_uint_eq(facts.segment[1].gpa, DATA_GPA);
	ck_assert_uint_eq(facts.segment[1].memory_bytes, DATA_MEMORY);
}
END_TEST

START_TEST(what_an_elf_file_is)
{
	struct input_file file;

	for (size_t n = 6; n-- > 0;) {
		file_of_memory(&file, "kernel", "some/vmlinux", image.bytes, n);
		ck_assert_int_eq(elfimage_is_elf(&file), n >= 4);
	}
	for (size_t i = 0; i < 4; i++) {
		image.bytes[i] ^= 0x20;
		image_open(&image, "kernel", "some/vmlinux", &file);
		ck_assert(!elfimage_is_elf(&file));
		file_close(&file);
		refused("is not an ELF file");
		ck_assert_int_eq(error.code, ENOEXEC);
		image.bytes[i] ^= 0x20;
	}
	image_open(&image, "kernel", "some/vmlinux", &file);
	ck_assert(elfimage_is_elf(&file));
	file_close(&file);
	ck_assert(!elfimage_is_elf(&file)); /* closed: cannot be read */
}
END_TEST

/* --- E01: the header -------------------------------------------------------------------------- */

START_TEST(every_short_length_is_refused)
{
	for (size_t n = 0; n < SPEC_EHDR_BYTES + HEADERS * SPEC_PHDR_BYTES; n++) {
		image_free(&image);
		setup();
		image_resize(&image, n);
		refused(n < 4                 ? "is not an ELF file"
			: n < SPEC_EHDR_BYTES ? "is truncated: has"
					      : "e_phoff is 0x40 and e_phnum is 3: the 168 bytes");
	}
	for (size_t n = SPEC_EHDR_BYTES + HEADERS * SPEC_PHDR_BYTES; n < DATA_OFFSET + DATA_BYTES;
	     n += 7) {
		image_free(&image);
		setup();
		image_resize(&image, n);
		refused("p_filesz");
	}
	image_free(&image);
	setup();
	image_resize(&image, DATA_OFFSET + DATA_BYTES);
	accepted();
}
END_TEST

/* Each value of the field but one is refused by the field's name. */
static void only(size_t offset, size_t width, uint64_t right, uint64_t values, const char *what)
{
	for (uint64_t value = 0; value < values; value++) {
		if (value == right)
			put_accepted(offset, width, value);
		else
			put_refused(offset, width, value, what);
	}
}

START_TEST(class_and_order_and_version)
{
	only(SPEC_EI_CLASS, 1, SPEC_ELFCLASS64, 256, "e_ident[EI_CLASS] is ");
	only(SPEC_EI_DATA, 1, SPEC_ELFDATA2LSB, 256, "e_ident[EI_DATA] is ");
	only(SPEC_EI_VERSION, 1, 1, 256, "e_ident[EI_VERSION] is ");
	only(SPEC_E_VERSION, 4, 1, 256, "e_version is ");
	put_refused(SPEC_E_VERSION, 4, 0xffffffff, "e_version is 4294967295");
}
END_TEST

START_TEST(a_32_bit_kernel_is_told)
{
	put_refused(SPEC_EI_CLASS, 1, SPEC_ELFCLASS32,
		    "is a 32-bit ELF file (e_ident[EI_CLASS] is 1); a 64-bit kernel is needed: "
		    "build it with CONFIG_64BIT=y");
	ck_assert_int_eq(error.code, ENOEXEC);
	image_put(&image, SPEC_EI_CLASS, 1, SPEC_ELFCLASS32);
	put_refused(SPEC_E_MACHINE, 2, SPEC_EM_386, "CONFIG_64BIT=y");
	put_refused(SPEC_E_MACHINE, 2, SPEC_EM_ARM, "e_machine is 40 (ARM)");
}
END_TEST

START_TEST(machines)
{
	only(SPEC_E_MACHINE, 2, SPEC_EM_X86_64, 300, "it must be 62 (x86-64)");
	put_refused(SPEC_E_MACHINE, 2, SPEC_EM_386, "e_machine is 3 (32-bit x86)");
	put_refused(SPEC_E_MACHINE, 2, SPEC_EM_AARCH64, "e_machine is 183 (arm64)");
	put_refused(SPEC_E_MACHINE, 2, SPEC_EM_RISCV, "e_machine is 243 (RISC-V)");
	put_refused(SPEC_E_MACHINE, 2, 0xffff, "e_machine is 65535; ");
	ck_assert_int_eq(error.code, ENOEXEC);
}
END_TEST

START_TEST(types)
{
	only(SPEC_E_TYPE, 2, SPEC_ET_EXEC, 300, "e_type is ");
	put_refused(SPEC_E_TYPE, 2, SPEC_ET_REL, "is an object file or a kernel module");
	put_refused(SPEC_E_TYPE, 2, SPEC_ET_DYN, "position-independent");
	put_refused(SPEC_E_TYPE, 2, SPEC_ET_CORE, "is a core dump (e_type is 4)");
	put_refused(SPEC_E_TYPE, 2, 0xff00, "e_type is 65280");
	ck_assert_int_eq(error.code, ENOEXEC);
}
END_TEST

/* E08: nobody looks at sections. */
START_TEST(fields_that_say_nothing_to_the_parser)
{
	const struct {
		size_t offset, width;
	} ignored[] = {
		{ SPEC_E_SHOFF, 8 },
		{ SPEC_E_FLAGS, 4 },
		{ SPEC_E_EHSIZE, 2 },
		{ SPEC_E_SHENTSIZE, 2 },
		{ SPEC_E_SHNUM, 2 },
		{ SPEC_E_SHSTRNDX, 2 },
		{ SPEC_EI_VERSION + 1, 8 }, /* OS ABI, its version, padding */
		{ field(TEXT, SPEC_P_FLAGS), 4 },
		{ field(TEXT, SPEC_P_VADDR), 8 },
		{ field(TEXT, SPEC_P_ALIGN), 8 },
		{ field(NOTES, SPEC_P_PADDR), 8 },
		{ field(NOTES, SPEC_P_MEMSZ), 8 },
	};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		put_accepted(ignored[i].offset, ignored[i].width, 0);
		put_accepted(ignored[i].offset, ignored[i].width, 3);
		put_accepted(ignored[i].offset, ignored[i].width, UINT64_MAX);
	}
	image_put(&image, SPEC_E_SHOFF, 8, 0x3ff0);
	image_put(&image, SPEC_E_SHNUM, 2, 0xfeff);
	accepted();
}
END_TEST

/* A library that believes the number of sections makes room for 14 million of them here. */
START_TEST(a_forged_number_of_sections_costs_nothing)
{
	enum { BIG = 900 << 20, SECTIONS_AT = 100 << 20, SH_SIZE = 0x20 };
	uint64_t sections = (800 << 20) / 64;
	struct rusage before, after;
	struct input_file file;

	image_put(&image, SPEC_E_SHOFF, 8, SECTIONS_AT);
	image_put(&image, SPEC_E_SHENTSIZE, 2, 64);
	image_put(&image, SPEC_E_SHNUM, 2, 0); /* [ELF]: see the first section's sh_size */
	image_open(&image, "kernel", "some/vmlinux", &file);
	must(ftruncate(file.fd, BIG) == 0);
	must(pwrite(file.fd, &sections, 8, SECTIONS_AT + SH_SIZE) == 8);
	file.size_bytes = BIG;
	must(getrusage(RUSAGE_SELF, &before) == 0);
	ck_assert_int_eq(elfimage_parse(&file, &facts, &error), 0);
	must(getrusage(RUSAGE_SELF, &after) == 0);
	ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 4096);
	file_close(&file);
}
END_TEST

/* --- E02: the table of program headers -------------------------------------------------------- */

START_TEST(phentsize)
{
	only(SPEC_E_PHENTSIZE, 2, SPEC_PHDR_BYTES, 130, "e_phentsize is ");
	put_refused(SPEC_E_PHENTSIZE, 2, 0xffff, "e_phentsize is 65535; it must be 56");
}
END_TEST

START_TEST(phnum)
{
	put_refused(SPEC_E_PHNUM, 2, 0, "e_phnum is 0; it must be 1 to 128");
	put_refused(SPEC_E_PHNUM, 2, 129, "e_phnum is 129; it must be 1 to 128");
	put_refused(SPEC_E_PHNUM, 2, SPEC_PN_XNUM, "e_phnum is 65535");
	for (unsigned int n = 1; n <= 128; n++)
		put_accepted(SPEC_E_PHNUM, 2, n); /* PT_NULL behind ours */
}
END_TEST

START_TEST(phoff)
{
	uint64_t last = FILE_BYTES - HEADERS * SPEC_PHDR_BYTES;
	static const uint64_t beyond[] = { FILE_BYTES - 1, FILE_BYTES,       FILE_BYTES + 1,
					   1ULL << 63,     UINT64_MAX - 167, UINT64_MAX - 55,
					   UINT64_MAX };

	put_refused(SPEC_E_PHOFF, 8, 0, "e_phoff is 0x0; it must be at least 64");
	put_refused(SPEC_E_PHOFF, 8, 63, "e_phoff is 0x3f");
	put_refused(SPEC_E_PHOFF, 8, last + 1, "e_phoff is 0x3f59 and e_phnum is 3");
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++)
		put_refused(SPEC_E_PHOFF, 8, beyond[i], "reach past the end of the file");
	memcpy(image.bytes + last, image.bytes + SPEC_EHDR_BYTES, HEADERS * SPEC_PHDR_BYTES);
	put_accepted(SPEC_E_PHOFF, 8, last);
	memcpy(image.bytes + 65, image.bytes + last, HEADERS * SPEC_PHDR_BYTES);
	put_accepted(SPEC_E_PHOFF, 8, 65); /* no alignment is asked for */
}
END_TEST

/* --- E03, E04, E05, E06: segments ------------------------------------------------------------- */

START_TEST(segment_in_the_file)
{
	size_t offset = field(DATA, SPEC_P_OFFSET);
	static const uint64_t beyond[] = { FILE_BYTES - DATA_BYTES + 1, FILE_BYTES, 1ULL << 63,
					   UINT64_MAX - DATA_BYTES + 1, UINT64_MAX };

	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++)
		put_refused(offset, 8, beyond[i], "program header 1: p_offset is 0x");
	put_accepted(offset, 8, FILE_BYTES - DATA_BYTES);
	put_accepted(offset, 8, 0);
	image_put(&image, field(DATA, SPEC_P_MEMSZ), 8, 0x100000);
	put_accepted(field(DATA, SPEC_P_FILESZ), 8, FILE_BYTES - DATA_OFFSET);
	put_refused(field(DATA, SPEC_P_FILESZ), 8, FILE_BYTES - DATA_OFFSET + 1,
		    "p_offset is 0x3800 and p_filesz is 0x801; they reach past the end of the "
		    "file, at 0x4000");
}
END_TEST

/* Where a segment without bytes from the file would lie in it means nothing. */
START_TEST(segment_of_zeros)
{
	put_header(DATA, SPEC_PT_LOAD, UINT64_MAX, DATA_GPA, 0, DATA_MEMORY);
	accepted();
	ck_assert_uint_eq(facts.segments, 2);
	ck_assert_uint_eq(facts.segment[1].file_offset, 0);
	ck_assert_uint_eq(facts.segment[1].file_bytes, 0);
	ck_assert_uint_eq(facts.segment[1].memory_bytes, DATA_MEMORY);
}
END_TEST

START_TEST(filesz_and_memsz)
{
	put_refused(field(DATA, SPEC_P_MEMSZ), 8, DATA_BYTES - 1,
		    "program header 1: p_filesz is 0x400; it must not be more than p_memsz, 0x3ff");
	put_refused(field(DATA, SPEC_P_MEMSZ), 8, 0, "p_filesz is 0x400");
	put_refused(field(DATA, SPEC_P_FILESZ), 8, UINT64_MAX, "p_filesz is 0xffffffffffffffff");
	put_accepted(field(DATA, SPEC_P_MEMSZ), 8, DATA_BYTES);
	put_accepted(field(DATA, SPEC_P_MEMSZ), 8, 1ULL << 40); /* the plan's to refuse */
}
END_TEST

START_TEST(physical_addresses_end_at_52_bits)
{
	uint64_t end = 1ULL << 52;
	size_t memsz = field(DATA, SPEC_P_MEMSZ), paddr = field(DATA, SPEC_P_PADDR);

	put_accepted(memsz, 8, end - DATA_GPA);
	ck_assert_uint_eq(facts.end_gpa, end);
	put_refused(memsz, 8, end - DATA_GPA + 1, "physical memory ends at 0x10000000000000");
	put_refused(memsz, 8, UINT64_MAX - DATA_GPA, "program header 1: p_paddr is 0x1200000");
	put_refused(memsz, 8, UINT64_MAX, "p_memsz is 0xffffffffffffffff");
	put_accepted(paddr, 8, end - DATA_MEMORY);
	put_refused(paddr, 8, end - DATA_MEMORY + 1, "p_paddr is 0xffffffffff001");
	put_refused(paddr, 8, end, "p_paddr is 0x10000000000000");
	put_refused(paddr, 8, UINT64_MAX - 4095, "p_paddr is 0xfffffffffffff000");
	put_refused(paddr, 8, UINT64_MAX, "p_paddr is 0xffffffffffffffff");
	put_accepted(paddr, 8, 0);
	put_accepted(paddr, 8, 0x1200001); /* no alignment is asked for */
}
END_TEST

START_TEST(empty_segments_are_skipped)
{
	put_header(DATA, SPEC_PT_LOAD, UINT64_MAX, TEXT_GPA + 1, 0, 0);
	accepted();
	ck_assert_uint_eq(facts.segments, 1);
	ck_assert_uint_eq(facts.end_gpa, TEXT_GPA + TEXT_BYTES);
	put_header(TEXT, SPEC_PT_LOAD, 0, TEXT_GPA, 0, 0);
	refused("none of its 3 program headers is a PT_LOAD with memory");
	put_header(TEXT, SPEC_PT_NULL, TEXT_OFFSET, TEXT_GPA, TEXT_BYTES, TEXT_BYTES);
	refused("nothing to load");
}
END_TEST

START_TEST(overlap)
{
	size_t paddr = field(DATA, SPEC_P_PADDR);

	put_accepted(paddr, 8, TEXT_GPA + TEXT_BYTES); /* touching */
	put_accepted(paddr, 8, TEXT_GPA - DATA_MEMORY);
	put_refused(paddr, 8, TEXT_GPA + TEXT_BYTES - 1, "two PT_LOAD overlap");
	put_refused(paddr, 8, TEXT_GPA - DATA_MEMORY + 1, "two PT_LOAD overlap");
	put_refused(paddr, 8, TEXT_GPA,
		    "one has p_paddr 0x1000000 and p_memsz 0x800, the next has p_paddr 0x1000000");
	put_refused(field(DATA, SPEC_P_PADDR), 8, TEXT_GPA + 8, "two PT_LOAD overlap");
}
END_TEST

/* All orders of four segments; each knows by its size where it belongs. */
START_TEST(segments_are_sorted)
{
	unsigned int order[4];

	image_put(&image, SPEC_E_PHNUM, 2, 5);
	put_header(4, SPEC_PT_LOAD, TEXT_OFFSET, TEXT_GPA, TEXT_BYTES, TEXT_BYTES);
	for (unsigned int n = 0; n < 256; n++) {
		unsigned int seen = 0;

		for (unsigned int i = 0; i < 4; i++) {
			order[i] = n >> 2 * i & 3;
			seen |= 1U << order[i];
		}
		if (seen != 15)
			continue;
		for (unsigned int i = 0; i < 4; i++)
			put_header(i, SPEC_PT_LOAD, 64 * i, 0x2000000 + 0x1000 * order[i], order[i],
				   0x100 + order[i]);
		accepted();
		ck_assert_uint_eq(facts.segments, 5);
		ck_assert_uint_eq(facts.segment[0].gpa, TEXT_GPA);
		for (unsigned int i = 1; i < 5; i++) {
			ck_assert_uint_eq(facts.segment[i].gpa, 0x2000000 + 0x1000 * (i - 1));
			ck_assert_uint_eq(facts.segment[i].memory_bytes, 0x100 + i - 1);
			ck_assert_uint_eq(facts.segment[i].file_bytes, i - 1);
		}
		ck_assert_uint_eq(facts.start_gpa, TEXT_GPA);
		ck_assert_uint_eq(facts.end_gpa, 0x2003000 + 0x103);
	}
}
END_TEST

START_TEST(sixty_four_segments)
{
	image_put(&image, SPEC_E_PHNUM, 2, 64);
	for (unsigned int i = 0; i < 65; i++) /* descending */
		put_header(i, SPEC_PT_LOAD, TEXT_OFFSET, TEXT_GPA + 0x1000 * (63 - i % 64),
			   TEXT_BYTES, 0x1000);
	accepted();
	ck_assert_uint_eq(facts.segments, 64);
	ck_assert_uint_eq(facts.end_gpa, TEXT_GPA + 64 * 0x1000);
	image_put(&image, SPEC_E_PHNUM, 2, 65);
	refused("program header 64: is one PT_LOAD too many; at most 64 are accepted");
	put_header(64, SPEC_PT_LOAD, TEXT_OFFSET, TEXT_GPA, 0, 0);
	accepted();
	image_put(&image, SPEC_E_PHNUM, 2, 64);
	for (unsigned int i = 0; i < 64; i++)
		put_header(i, SPEC_PT_LOAD, TEXT_OFFSET, TEXT_GPA, TEXT_BYTES, 0x1000);
	refused("two PT_LOAD overlap");
}
END_TEST

/* --- E07: the entry point --------------------------------------------------------------------- */

START_TEST(entry_lies_in_bytes_of_the_file)
{
	static const uint64_t outside[] = {
		0,
		0x200,
		TEXT_GPA - 1,
		TEXT_GPA + TEXT_BYTES,
		DATA_GPA - 1,
		DATA_GPA + DATA_BYTES, /* bss */
		DATA_GPA + DATA_MEMORY,
		1ULL << 52,
		VIRTUAL_ENTRY,
		0x8000000000000000,
		UINT64_MAX,
	};

	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		set_entry(outside[i]);
		refused("lies in no segment's bytes (segments are at 0x1000000 to 0x1201000), and "
			"there is no PVH note (XEN_ELFNOTE_PHYS32_ENTRY)");
	}
	set_entry(TEXT_GPA);
	entered(ELFIMAGE_ENTRY_LINUX64, TEXT_GPA);
	set_entry(TEXT_GPA + TEXT_BYTES - 1);
	entered(ELFIMAGE_ENTRY_LINUX64, TEXT_GPA + TEXT_BYTES - 1);
	set_entry(DATA_GPA + DATA_BYTES - 1);
	entered(ELFIMAGE_ENTRY_LINUX64, DATA_GPA + DATA_BYTES - 1);
}
END_TEST

START_TEST(pvh_where_it_is_all_there_is)
{
	add_pvh_note(PVH_ENTRY, 4);
	set_entry(VIRTUAL_ENTRY);
	entered(ELFIMAGE_ENTRY_PVH, PVH_ENTRY);
	set_entry(0);
	entered(ELFIMAGE_ENTRY_PVH, PVH_ENTRY);
	set_entry(PVH_ENTRY); /* the same 32-bit code, named twice */
	entered(ELFIMAGE_ENTRY_PVH, PVH_ENTRY);
	set_entry(ENTRY); /* Linux has both */
	entered(ELFIMAGE_ENTRY_LINUX64, ENTRY);
}
END_TEST

START_TEST(pvh_note_of_eight_bytes)
{
	size_t at = add_pvh_note(PVH_ENTRY, 8);

	set_entry(0);
	entered(ELFIMAGE_ENTRY_PVH, PVH_ENTRY);
	put_refused(at + 16 + 4, 4, 1, "its PVH entry 0x101000200 is not below 4 GiB");
	put_header(DATA, SPEC_PT_LOAD, DATA_OFFSET, 0x101000000, DATA_BYTES, DATA_MEMORY);
	put_refused(at + 16 + 4, 4, 1, "is not below 4 GiB");
}
END_TEST

START_TEST(pvh_entry_lies_in_bytes_of_the_file)
{
	size_t at = add_pvh_note(PVH_ENTRY, 4);

	set_entry(VIRTUAL_ENTRY);
	put_refused(at + 16, 4, 0, "its PVH entry 0x0 lies in none either");
	put_refused(at + 16, 4, DATA_GPA + DATA_BYTES,
		    "e_entry 0xffffffff81000100 lies in no segment's bytes (segments are at "
		    "0x1000000 to 0x1201000), and its PVH entry 0x1200400 lies in none");
	put_accepted(at + 16, 4, DATA_GPA + DATA_BYTES - 1);
}
END_TEST

START_TEST(other_notes_are_not_the_pvh_note)
{
	size_t at;

	set_entry(0);
	add_note("GNU", SPEC_XEN_ELFNOTE_PHYS32_ENTRY, PVH_ENTRY, 4);
	add_note("Xen", SPEC_XEN_ELFNOTE_PHYS32_ENTRY - 1, PVH_ENTRY, 4);
	add_note("Xeno", SPEC_XEN_ELFNOTE_PHYS32_ENTRY, PVH_ENTRY, 4);
	add_note("Xe", SPEC_XEN_ELFNOTE_PHYS32_ENTRY, PVH_ENTRY, 4);
	add_note("", SPEC_XEN_ELFNOTE_PHYS32_ENTRY, PVH_ENTRY, 4);
	refused("there is no PVH note");
	at = add_pvh_note(PVH_ENTRY, 4);
	put_refused(at + SPEC_N_NAMESZ, 4, 3, "there is no PVH note"); /* the NUL counts */
	add_note("Xen", 6, 0x786e6c, 6);
	entered(ELFIMAGE_ENTRY_PVH, PVH_ENTRY);
}
END_TEST

/* Padded to 8 bytes where p_align is 8: 12 and 4 bytes, then 4 of contents and 4 of padding. */
START_TEST(notes_padded_to_eight_bytes)
{
	set_entry(0);
	add_note("GNU", 3, 0, 4);
	set_notes_bytes(24);
	add_pvh_note(PVH_ENTRY, 4);
	set_notes_bytes(48);
	put_refused(field(NOTES, SPEC_P_ALIGN), 8, 4, "are broken at byte 36");
	image_put(&image, field(NOTES, SPEC_P_ALIGN), 8, 8);
	entered(ELFIMAGE_ENTRY_PVH, PVH_ENTRY);
}
END_TEST

START_TEST(two_segments_of_notes)
{
	set_entry(0);
	add_note("GNU", 3, 0, 20);
	image_put(&image, SPEC_E_PHNUM, 2, 4);
	put_header(3, SPEC_PT_NOTE, NOTES_OFFSET + notes_bytes(), 0, 20, 0);
	add_pvh_note(PVH_ENTRY, 4);
	set_notes_bytes(36);
	entered(ELFIMAGE_ENTRY_PVH, PVH_ENTRY);
	put_header(3, SPEC_PT_NULL, 0, 0, 0, 0);
	refused("there is no PVH note");
}
END_TEST

START_TEST(two_pvh_notes)
{
	size_t at;

	set_entry(0);
	add_pvh_note(PVH_ENTRY, 4);
	at = add_pvh_note(PVH_ENTRY, 8); /* the same twice is one */
	entered(ELFIMAGE_ENTRY_PVH, PVH_ENTRY);
	put_refused(at + 16, 4, PVH_ENTRY + 4, "it has PVH notes that differ");
	set_entry(ENTRY);
	image_put(&image, at + 16, 4, PVH_ENTRY + 4);
	entered(ELFIMAGE_ENTRY_LINUX64, ENTRY);
}
END_TEST

/* --- E09: broken notes ------------------------------------------------------------------------ */

/* Told when the PVH note is needed, no harm when it is not. */
static void notes_refused(const char *what)
{
	set_entry(0);
	refused(what);
	set_entry(ENTRY);
	entered(ELFIMAGE_ENTRY_LINUX64, ENTRY);
}

START_TEST(note_sizes)
{
	static const uint32_t sizes[] = { 100,        0x7fffffff, 0x80000000, 0xfffffff0,
					  0xfffffffc, 0xfffffffd, 0xffffffff };
	size_t at = add_pvh_note(PVH_ENTRY, 4);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (unsigned int which = 1; which < 4; which++) {
			image_put(&image, at + SPEC_N_NAMESZ, 4, which & 1 ? sizes[i] : 4);
			image_put(&image, at + SPEC_N_DESCSZ, 4, which & 2 ? sizes[i] : 4);
			for (unsigned int align = 4; align <= 8; align += 4) {
				image_put(&image, field(NOTES, SPEC_P_ALIGN), 8, align);
				notes_refused("its notes (program header 2) are broken at byte 0");
			}
		}
	}
}
END_TEST

START_TEST(note_descriptions_of_other_sizes)
{
	size_t at = add_pvh_note(PVH_ENTRY, 16);

	for (size_t n = 0; n <= 16; n++) {
		image_put(&image, at + SPEC_N_DESCSZ, 4, n);
		set_notes_bytes(SPEC_NHDR_BYTES + 4 + (n + 3) / 4 * 4);
		if (n == 4 || n == 8)
			continue;
		notes_refused("its PVH note has ");
	}
}
END_TEST

START_TEST(notes_cut_anywhere)
{
	size_t whole;

	add_pvh_note(PVH_ENTRY, 4);
	whole = notes_bytes();
	for (size_t n = 1; n < whole; n++) {
		set_notes_bytes(n);
		notes_refused("its notes (program header 2) are broken at byte 0");
	}
	for (size_t n = whole + 1; n < whole + SPEC_NHDR_BYTES; n++) {
		set_notes_bytes(n); /* too short for another, after the one that counts */
		set_entry(0);
		entered(ELFIMAGE_ENTRY_PVH, PVH_ENTRY);
	}
}
END_TEST

/* Notes of nothing but zeros: 12 bytes each, as many as there may be. */
START_TEST(empty_notes)
{
	image_resize(&image, NOTES_OFFSET + 0x10000 + 1);
	image_put(&image, field(NOTES, SPEC_P_FILESZ), 8, 0xfff0);
	notes_refused("there is no PVH note");
	image_put(&image, field(NOTES, SPEC_P_FILESZ), 8, 0x10000);
	notes_refused("are broken at byte 65532");
	image_put(&image, field(NOTES, SPEC_P_FILESZ), 8, 0x10001);
	notes_refused("its notes (program header 2) have 0x10001 bytes, more than 0x10000");
}
END_TEST

START_TEST(notes_outside_the_file)
{
	static const uint64_t beyond[] = { FILE_BYTES - 19, FILE_BYTES + 1, 1ULL << 63,
					   UINT64_MAX - 19, UINT64_MAX };

	add_pvh_note(PVH_ENTRY, 4);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		image_put(&image, field(NOTES, SPEC_P_OFFSET), 8, beyond[i]);
		notes_refused("its notes (program header 2) reach past the end of the file");
	}
	image_put(&image, field(NOTES, SPEC_P_OFFSET), 8, NOTES_OFFSET);
	set_notes_bytes(FILE_BYTES - NOTES_OFFSET + 1);
	notes_refused("reach past the end of the file");
	image_put(&image, field(NOTES, SPEC_P_FILESZ), 8, UINT64_MAX);
	notes_refused("have 0xffffffffffffffff bytes");
}
END_TEST

/* --- the file itself -------------------------------------------------------------------------- */

START_TEST(shrinking_file)
{
	static const size_t ends[] = { 32, 100, NOTES_OFFSET };
	struct input_file file;

	add_pvh_note(PVH_ENTRY, 4);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		image_open(&image, "kernel", "some/vmlinux", &file);
		must(ftruncate(file.fd, (off_t)ends[i]) == 0);
		ck_assert_int_eq(elfimage_parse(&file, &facts, &error), -EIO);
		ck_assert_ptr_nonnull(strstr(error.text, "is it being written?"));
		file_close(&file);
	}
}
END_TEST

static TCase *header_case(void)
{
	TCase *tc = tcase_create("header");

	tcase_add_test(tc, every_field_arrives);
	tcase_add_test(tc, what_an_elf_file_is);
	tcase_add_test(tc, every_short_length_is_refused);
	tcase_add_test(tc, class_and_order_and_version);
	tcase_add_test(tc, a_32_bit_kernel_is_told);
	tcase_add_test(tc, machines);
	tcase_add_test(tc, types);
	tcase_add_test(tc, fields_that_say_nothing_to_the_parser);
	tcase_add_test(tc, a_forged_number_of_sections_costs_nothing);
	tcase_add_test(tc, phentsize);
	tcase_add_test(tc, phnum);
	tcase_add_test(tc, phoff);
	tcase_add_test(tc, shrinking_file);
	return tc;
}

static TCase *segments_case(void)
{
	TCase *tc = tcase_create("segments");

	tcase_add_test(tc, segment_in_the_file);
	tcase_add_test(tc, segment_of_zeros);
	tcase_add_test(tc, filesz_and_memsz);
	tcase_add_test(tc, physical_addresses_end_at_52_bits);
	tcase_add_test(tc, empty_segments_are_skipped);
	tcase_add_test(tc, overlap);
	tcase_add_test(tc, segments_are_sorted);
	tcase_add_test(tc, sixty_four_segments);
	return tc;
}

static TCase *entry_case(void)
{
	TCase *tc = tcase_create("entry");

	tcase_add_test(tc, entry_lies_in_bytes_of_the_file);
	tcase_add_test(tc, pvh_where_it_is_all_there_is);
	tcase_add_test(tc, pvh_note_of_eight_bytes);
	tcase_add_test(tc, pvh_entry_lies_in_bytes_of_the_file);
	tcase_add_test(tc, other_notes_are_not_the_pvh_note);
	tcase_add_test(tc, notes_padded_to_eight_bytes);
	tcase_add_test(tc, two_segments_of_notes);
	tcase_add_test(tc, two_pvh_notes);
	tcase_add_test(tc, note_sizes);
	tcase_add_test(tc, note_descriptions_of_other_sizes);
	tcase_add_test(tc, notes_cut_anywhere);
	tcase_add_test(tc, empty_notes);
	tcase_add_test(tc, notes_outside_the_file);
	return tc;
}

static Suite *elfimage_suite(void)
{
	TCase *cases[] = { header_case(), segments_case(), entry_case() };
	Suite *s = suite_create("elfimage");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tcase_add_checked_fixture(cases[i], setup, teardown);
		tcase_set_timeout(cases[i], 60);
		suite_add_tcase(s, cases[i]);
	}
	return s;
}

int main(void)
{
	SRunner *sr = srunner_create(elfimage_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
