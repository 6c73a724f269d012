/* SPDX-License-Identifier: MIT */
/*
 * elfneeds_read() against [ELF] "Program Header" and "Dynamic Section": what a file needs arrives,
 * in both classes; what cannot be is refused by the field's name, and costs next to nothing however
 * much it claims.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "initramfs/elfneeds.h"
#include "tests/common/elfdyn.h"
#include "tests/common/folder.h"
#include "tests/common/refusal.h"
#include "vmm/base/le.h"

/* [ELF], the 64-bit forms. */
enum {
	SPEC_E_TYPE = 0x10,
	SPEC_E_MACHINE = 0x12,
	SPEC_E_VERSION = 0x14,
	SPEC_E_PHOFF = 0x20,
	SPEC_E_SHOFF = 0x28,
	SPEC_E_PHENTSIZE = 0x36,
	SPEC_E_PHNUM = 0x38,
	SPEC_E_SHENTSIZE = 0x3a,
	SPEC_E_SHNUM = 0x3c,
	SPEC_PHDR_BYTES = 0x38,
	SPEC_P_OFFSET = 0x08,
	SPEC_P_VADDR = 0x10,
	SPEC_P_FILESZ = 0x20,
	SPEC_DYN_BYTES = 0x10,

	SPEC_ET_REL = 1,
	SPEC_ET_EXEC = 2,
	SPEC_ET_CORE = 4,
	SPEC_EM_386 = 3,
	SPEC_EM_ARM = 40,
	SPEC_EM_X86_64 = 62,
	SPEC_EM_AARCH64 = 183,
	SPEC_EM_RISCV = 243,
};

/* The dynamic entries of `plain`, in the order of elfdyn.h. */
enum { STRTAB, STRSZ, SONAME, RUNPATH, FIRST_NEEDED };

static const struct elfdyn plain = {
	.entry = 0x10100,
	.interp = "/lib64/ld-linux-x86-64.so.2",
	.soname = "plain.so.1",
	.runpath = "$ORIGIN/lib:/opt",
	.needed = { "liba.so", "libc.so.6" },
};

static uint8_t bytes[ELFDYN_ROOM];
static size_t size;
static struct elfneeds needs;
static struct err error;

static void setup(void)
{
	size = elfdyn_build(&plain, bytes);
	error = (struct err){ 0 };
}

static int read_it(void)
{
	struct input_file file;

	error = (struct err){ 0 };
	file_of_memory(&file, "program", "x", bytes, size);
	return elfneeds_read(&needs, &file, &error);
}

static void expect_refused(int code, const char *words)
{
	int rc = read_it();

	ck_assert_int_eq(rc, -code);
	ck_assert_ptr_null(refusal_flaw(rc, &error));
	ck_assert_msg(strstr(error.text, words) != NULL, "%s", error.text);
}

static uint8_t *header(int number, int field)
{
	return bytes + ELFDYN_HEADERS + number * SPEC_PHDR_BYTES + field;
}

static uint8_t *entry_value(int number)
{
	return bytes + ELFDYN_DYNAMIC + number * SPEC_DYN_BYTES + 8;
}

static void expect_plain(unsigned int machine)
{
	ck_assert_msg(read_it() == 0, "%s", error.text);
	ck_assert_uint_eq(needs.machine, machine);
	ck_assert(needs.has_entry);
	ck_assert_str_eq(needs.interpreter, "/lib64/ld-linux-x86-64.so.2");
	ck_assert_str_eq(needs.soname, "plain.so.1");
	ck_assert_ptr_null(needs.rpath);
	ck_assert_str_eq(needs.runpath, "$ORIGIN/lib:/opt");
	ck_assert_uint_eq(needs.count, 2);
	ck_assert_str_eq(needs.needed[0], "liba.so");
	ck_assert_str_eq(needs.needed[1], "libc.so.6");
	elfneeds_finish(&needs);
}

START_TEST(everything_arrives_of_64_bits)
{
	expect_plain(SPEC_EM_X86_64);
}
END_TEST

START_TEST(everything_arrives_of_32_bits)
{
	struct elfdyn elf = plain;

	elf.bits = 32;
	size = elfdyn_build(&elf, bytes);
	expect_plain(SPEC_EM_386);
}
END_TEST

START_TEST(a_static_program_needs_nothing)
{
	const struct elfdyn elf = { .type = SPEC_ET_EXEC, .entry = 1 };

	size = elfdyn_build(&elf, bytes);
	ck_assert_int_eq(read_it(), 0);
	ck_assert_ptr_null(needs.interpreter);
	ck_assert_uint_eq(needs.count, 0);
	elfneeds_finish(&needs);
	put_le16(bytes + SPEC_E_PHNUM, 1); /* without a dynamic section too */
	ck_assert_int_eq(read_it(), 0);
	ck_assert_uint_eq(needs.count, 0);
	elfneeds_finish(&needs);
}
END_TEST

/* [ELF] "Dynamic Section": DT_RUNPATH supersedes DT_RPATH. */
START_TEST(rpath_counts_without_a_runpath)
{
	const struct elfdyn both = { .rpath = "/one", .runpath = "/two" };
	const struct elfdyn alone = { .rpath = "/one" };

	size = elfdyn_build(&both, bytes);
	ck_assert_int_eq(read_it(), 0);
	ck_assert_ptr_null(needs.rpath);
	ck_assert_str_eq(needs.runpath, "/two");
	ck_assert(!needs.has_entry);
	elfneeds_finish(&needs);
	size = elfdyn_build(&alone, bytes);
	ck_assert_int_eq(read_it(), 0);
	ck_assert_str_eq(needs.rpath, "/one");
	elfneeds_finish(&needs);
}
END_TEST

static const struct {
	unsigned int type, machine;
	const char *words;
} foreign[] = {
	{ 0, SPEC_EM_AARCH64, "is for AArch64 (e_machine is 183); a guest runs x86-64 and i386" },
	{ 0, SPEC_EM_RISCV, "is for RISC-V (e_machine is 243)" },
	{ 0, SPEC_EM_ARM, "is for ARM (e_machine is 40)" },
	{ 0, 0xfffe, "is for an unknown machine (e_machine is 65534)" },
	{ 0, SPEC_EM_386, "is a 64-bit ELF file for i386" },
	{ SPEC_ET_REL, 0, "is an object file (e_type is 1)" },
	{ SPEC_ET_CORE, 0, "is a core dump (e_type is 4)" },
	{ 0x1234, 0, "is of an unknown type (e_type is 4660)" },
};

START_TEST(what_a_guest_cannot_run_is_named)
{
	struct elfdyn elf = plain;

	elf.type = foreign[_i].type;
	elf.machine = foreign[_i].machine;
	size = elfdyn_build(&elf, bytes);
	expect_refused(ENOEXEC, foreign[_i].words);
}
END_TEST

START_TEST(x32_and_big_endian_are_named)
{
	struct elfdyn elf = plain;

	elf.bits = 32;
	elf.machine = SPEC_EM_X86_64;
	size = elfdyn_build(&elf, bytes);
	expect_refused(ENOEXEC, "is a 32-bit ELF file for x86-64 (x32)");
	setup();
	bytes[5] = 2;
	expect_refused(ENOEXEC, "not little-endian (e_ident[EI_DATA] is 2)");
	bytes[0] = 'M';
	expect_refused(ENOEXEC, "is no ELF file");
}
END_TEST

/* -- Numbers that cannot be -- */

START_TEST(headers_are_bounded)
{
	put_le16(bytes + SPEC_E_PHNUM, 0xffff);
	expect_refused(EBADMSG, "e_phnum is 65535; it must be 1 to 128");
	put_le16(bytes + SPEC_E_PHNUM, 0);
	expect_refused(EBADMSG, "e_phnum is 0");
	put_le16(bytes + SPEC_E_PHNUM, 128);
	expect_refused(EBADMSG, "its program headers, 0x1c00 bytes at 0x40, reach past the end");
	setup();
	put_le64(bytes + SPEC_E_PHOFF, UINT64_MAX - 8);
	expect_refused(EBADMSG, "its program headers");
	setup();
	put_le16(bytes + SPEC_E_PHENTSIZE, 55);
	expect_refused(EBADMSG, "e_phentsize is 55; it must be 56");
	setup();
	put_le32(bytes + SPEC_E_VERSION, 2);
	expect_refused(EBADMSG, "e_version is 2");
	setup();
	bytes[4] = 3;
	expect_refused(EBADMSG, "e_ident[EI_CLASS] is 3; it must be 1 or 2");
}
END_TEST

START_TEST(interpreter_is_bounded)
{
	put_le64(header(ELFDYN_INTERP_HEADER, SPEC_P_FILESZ), 1);
	expect_refused(EBADMSG, "(PT_INTERP) has 1 bytes; 2 to 4096 are allowed");
	put_le64(header(ELFDYN_INTERP_HEADER, SPEC_P_FILESZ), UINT64_MAX);
	expect_refused(EBADMSG, "(PT_INTERP), 0xffffffffffffffff bytes at 0x200, reach past");
	put_le64(header(ELFDYN_INTERP_HEADER, SPEC_P_FILESZ), 5);
	expect_refused(EBADMSG, "(PT_INTERP) does not end with a zero byte");
	setup();
	bytes[ELFDYN_INTERP] = 0;
	expect_refused(EBADMSG, "(PT_INTERP) is empty");
}
END_TEST

START_TEST(dynamic_section_is_bounded)
{
	put_le64(header(ELFDYN_DYNAMIC_HEADER, SPEC_P_FILESZ), 0x10000);
	expect_refused(EBADMSG, "dynamic section, 0x10000 bytes at 0x400, reach past the end");
	put_le64(header(ELFDYN_DYNAMIC_HEADER, SPEC_P_OFFSET), UINT64_MAX);
	expect_refused(EBADMSG, "dynamic section");
}
END_TEST

START_TEST(string_table_is_bounded)
{
	put_le64(entry_value(STRTAB), 0xdeadbeef000);
	expect_refused(EBADMSG, "DT_STRTAB is 0xdeadbeef000; no segment has it");
	setup();
	put_le64(entry_value(STRSZ), UINT64_MAX);
	expect_refused(EBADMSG, "(DT_STRSZ), 0xffffffffffffffff bytes at 0x800, reach past");
	setup();
	put_le64(header(ELFDYN_LOAD_HEADER, SPEC_P_OFFSET), UINT64_MAX - 0x10);
	expect_refused(EBADMSG, "DT_STRTAB is 0x10800");
	setup();
	put_le64(entry_value(STRTAB) - 8, 0x70000000); /* another tag */
	expect_refused(EBADMSG, "has no string table");
}
END_TEST

START_TEST(strings_are_bounded)
{
	uint64_t strings = get_le64(entry_value(STRSZ));

	put_le64(entry_value(FIRST_NEEDED), strings);
	expect_refused(EBADMSG, "DT_NEEDED is 0x");
	put_le64(entry_value(FIRST_NEEDED), UINT64_MAX);
	expect_refused(EBADMSG, "DT_NEEDED is 0xffffffffffffffff; it must lie in the string table");
	put_le64(entry_value(FIRST_NEEDED), 0);
	expect_refused(EBADMSG, "has a DT_NEEDED without a name");
	setup();
	put_le64(entry_value(STRSZ), strings - 1);
	expect_refused(EBADMSG, "DT_NEEDED: its string does not end with the string table");
	setup();
	put_le64(entry_value(SONAME), strings + 1);
	expect_refused(EBADMSG, "DT_SONAME is");
	setup();
	put_le64(entry_value(RUNPATH), strings + 1);
	expect_refused(EBADMSG, "DT_RUNPATH is");
}
END_TEST

/* A dynamic section of `entries` entries that all need the same, at the end of a larger file. */
static void read_big(uint64_t entries, int code, const char *words)
{
	enum { BIG = 1 << 20 };
	struct input_file file;
	uint8_t *big = calloc(1, BIG);
	int rc;

	memcpy(big, bytes, size);
	for (uint64_t i = 0; i < entries; i++) {
		uint8_t *at = big + 0x2000 + i * SPEC_DYN_BYTES;
		uint64_t from = i < SONAME ? i : FIRST_NEEDED;

		memcpy(at, bytes + ELFDYN_DYNAMIC + from * SPEC_DYN_BYTES, SPEC_DYN_BYTES);
	}
	put_le64(big + ELFDYN_HEADERS + SPEC_PHDR_BYTES + SPEC_P_OFFSET, 0x2000);
	put_le64(big + ELFDYN_HEADERS + SPEC_PHDR_BYTES + SPEC_P_FILESZ, entries * SPEC_DYN_BYTES);
	file_of_memory(&file, "program", "big", big, BIG);
	rc = elfneeds_read(&needs, &file, &error);
	ck_assert_int_eq(rc, -code);
	ck_assert_msg(rc == 0 || strstr(error.text, words) != NULL, "%s", error.text);
	if (rc == 0)
		ck_assert_uint_eq(needs.count, entries - 2);
	elfneeds_finish(&needs);
	free(big);
}

/* 512 libraries, and 16 KiB up to DT_NULL: elfneeds.h. The end of the section ends it too. */
START_TEST(numbers_of_entries_are_bounded)
{
	read_big(2 + 512, 0, "");
	read_big(2 + 513, EBADMSG, "has more than 512 DT_NEEDED");
	read_big(1025, EBADMSG, "no end (DT_NULL) within 16384 bytes");
}
END_TEST

/* What the file claims to have of sections is nobody's business here. */
START_TEST(sections_are_not_looked_at)
{
	put_le64(bytes + SPEC_E_SHOFF, 0x40);
	put_le16(bytes + SPEC_E_SHENTSIZE, 64);
	put_le16(bytes + SPEC_E_SHNUM, 0xffff);
	expect_plain(SPEC_EM_X86_64);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* which needs more memory than the limit allows */
static int read_sparse(void)
{
	const char *path = folder_at("sparse");
	struct input_file file;
	struct rlimit most = { 256 << 20, 256 << 20 };
	uint8_t section[64] = { 0 }; /* the first one; its sh_size counts them all */
	int fd;

	folder_put(path, bytes, size);
	put_le64(section + 0x20, (3ULL << 30) / 64 - 0x1000);
	fd = open(path, O_WRONLY);
	NEED(pwrite(fd, section, sizeof(section), 0x1000) == sizeof(section));
	NEED(ftruncate(fd, 3LL << 30) == 0);
	NEED(close(fd) == 0);
	NEED(setrlimit(RLIMIT_AS, &most) == 0);
	NEED(file_open(&file, "program", path, UINT32_MAX, &error) == 0);
	NEED(elfneeds_read(&needs, &file, &error) == 0);
	NEED(needs.count == 2);
	file_close(&file);
	return 0;
}
#endif

/* [ELF] "ELF Header": a number of sections that e_shnum cannot hold stands in the first of them. */
START_TEST(a_forged_section_count_costs_no_memory)
{
#ifndef __SANITIZE_ADDRESS__
	put_le64(bytes + SPEC_E_SHOFF, 0x1000);
	put_le16(bytes + SPEC_E_SHENTSIZE, 64);
	put_le16(bytes + SPEC_E_SHNUM, 0);
	folder_make();
	ck_assert_int_eq(folder_in_child(read_sparse), 0);
	folder_remove();
#endif
}
END_TEST

/* -- Any beginning, any byte -- */

START_TEST(every_prefix_is_refused_or_whole)
{
	size_t whole = size;

	for (size = 0; size < whole; size++) {
		int rc = read_it();

		if (rc < 0)
			ck_assert_ptr_null(refusal_flaw(rc, &error));
		ck_assert_msg(rc == -EBADMSG || rc == -ENOEXEC, "%zu bytes: %d", size, rc);
	}
}
END_TEST

START_TEST(every_byte_may_be_wrong)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

	for (size_t at = 0; at < size; at++) {
		uint8_t was = bytes[at];

		for (size_t i = 0; i < sizeof(values); i++) {
			int rc;

			bytes[at] = values[i];
			rc = read_it();
			if (rc < 0)
				ck_assert_ptr_null(refusal_flaw(rc, &error));
			else
				elfneeds_finish(&needs);
		}
		bytes[at] = was;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("elfneeds");
	TCase *tc = tcase_create("elfneeds");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, everything_arrives_of_64_bits);
	tcase_add_test(tc, everything_arrives_of_32_bits);
	tcase_add_test(tc, a_static_program_needs_nothing);
	tcase_add_test(tc, rpath_counts_without_a_runpath);
	tcase_add_loop_test(tc, what_a_guest_cannot_run_is_named, 0,
			    (int)(sizeof(foreign) / sizeof(foreign[0])));
	tcase_add_test(tc, x32_and_big_endian_are_named);
	tcase_add_test(tc, headers_are_bounded);
	tcase_add_test(tc, interpreter_is_bounded);
	tcase_add_test(tc, dynamic_section_is_bounded);
	tcase_add_test(tc, string_table_is_bounded);
	tcase_add_test(tc, strings_are_bounded);
	tcase_add_test(tc, numbers_of_entries_are_bounded);
	tcase_add_test(tc, sections_are_not_looked_at);
	tcase_add_test(tc, a_forged_section_count_costs_no_memory);
	tcase_add_test(tc, every_prefix_is_refused_or_whole);
	tcase_add_test(tc, every_byte_may_be_wrong);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
