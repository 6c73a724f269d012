/* SPDX-License-Identifier: MIT */
/*
 * Sizes by section against [ELF] "Sections" and what [LINUX] arch/x86/kernel/vmlinux.lds.S puts
 * where; forged headers; and a vmlinux of the recipe, where there is one, against readelf(1).
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/elfsizes.h"
#include "vmm/base/le.h"

/* [ELF] */
enum {
	PROGBITS = 1,
	STRTAB = 3,
	NOTE = 7,
	NOBITS = 8,
	W = 1,
	A = 2,
	X = 4,

	E_SHOFF = 0x28,
	E_SHENTSIZE = 0x3a,
	E_SHNUM = 0x3c,
	E_SHSTRNDX = 0x3e,
	SH_NAME = 0x00,
	SH_OFFSET = 0x18,
	SH_SIZE = 0x20,

	TABLE = 0x1000, /* where the test puts what */
	NAMES = 0x2000,
	BODY = 0x3000,
	FILE_BYTES = 0x4000,
};

static uint8_t elf[FILE_BYTES];
static size_t sections, names;
static struct elfsizes sizes;
static struct err error;

static uint8_t *section(size_t i)
{
	return elf + TABLE + i * 64;
}

static size_t add(const char *name, uint32_t type, uint64_t flags, uint64_t bytes)
{
	uint8_t *s = section(sections);

	put_le32(s + SH_NAME, (uint32_t)names);
	put_le32(s + 0x04, type);
	put_le64(s + 0x08, flags);
	put_le64(s + SH_OFFSET, BODY);
	put_le64(s + SH_SIZE, bytes);
	memcpy(elf + NAMES + names, name, strlen(name) + 1);
	names += strlen(name) + 1;
	put_le16(elf + E_SHNUM, (uint16_t)(sections + 1));
	return sections++;
}

static void setup(void)
{
	memset(elf, 0, sizeof(elf));
	memset(&error, 0, sizeof(error));
	sections = names = 0;
	memcpy(elf, "\177ELF\2\1\1", 7);
	put_le16(elf + 0x10, 2);  /* ET_EXEC */
	put_le16(elf + 0x12, 62); /* x86-64 */
	put_le32(elf + 0x14, 1);
	put_le64(elf + E_SHOFF, TABLE);
	put_le16(elf + 0x34, 64);
	put_le16(elf + E_SHENTSIZE, 64);
	put_le16(elf + E_SHSTRNDX, 1);
	add("", 0, 0, 0);
	add(".shstrtab", STRTAB, 0, 0x1000);
	put_le64(section(1) + SH_OFFSET, NAMES);
}

static int read_it(void)
{
	struct input_file file;

	file_of_memory(&file, "kernel", "some/vmlinux", elf, sizeof(elf));
	return elfsizes_read(&file, &sizes, &error);
}

static void refused(int code, const char *what)
{
	ck_assert_int_eq(read_it(), -code);
	ck_assert_int_eq(error.code, code);
	ck_assert_msg(strncmp(error.text, "kernel some/vmlinux: ", 21) == 0, "%s", error.text);
	ck_assert_msg(strstr(error.text, what) != NULL, "no \"%s\" in: %s", what, error.text);
}

START_TEST(each_section_is_in_one_class)
{
	add(".text", PROGBITS, A | X, 0x400);
	add(".rodata", PROGBITS, A | W, 0x200);
	add("__param", PROGBITS, A, 0x10);
	add(".notes", NOTE, A, 0x4);
	add(".orc_unwind", PROGBITS, A, 0x20);
	add(".data", PROGBITS, A | W, 0x100);
	add(".init.text", PROGBITS, A | X, 0x40);
	add(".init.data", PROGBITS, A | W, 0x80);
	add(".exit.text", PROGBITS, A | X, 0x1);
	add(".data..percpu", PROGBITS, A | W, 0x2);
	add(".altinstructions", PROGBITS, A, 0x8);
	add(".smp_locks", PROGBITS, A, 0x800);
	add(".bss", NOBITS, A | W, 0x100000);
	add(".brk", NOBITS, A | W, 0x10000);
	add(".debug_info", PROGBITS, 0, 0x123);
	add(".symtab", PROGBITS, 0, 0x123);
	ck_assert_msg(read_it() == 0, "%s", error.text);
	ck_assert_uint_eq(sizes.bytes[ELFSIZES_TEXT], 0x400);
	ck_assert_uint_eq(sizes.bytes[ELFSIZES_RODATA], 0x200 + 0x10 + 0x4 + 0x20 + 0x800);
	ck_assert_uint_eq(sizes.bytes[ELFSIZES_DATA], 0x100);
	ck_assert_uint_eq(sizes.bytes[ELFSIZES_BSS], 0x110000);
	ck_assert_uint_eq(sizes.bytes[ELFSIZES_INIT], 0x40 + 0x80 + 0x1 + 0x2 + 0x8);
	ck_assert_uint_eq(sizes.total_bytes, 0x400 + 0xa34 + 0x100 + 0x110000 + 0xcb);
}
END_TEST

static const char *const of_init[] = {
	".init.text",        ".altinstr_aux",         ".init.data",       ".x86_cpu_dev.init",
	".parainstructions", ".return_sites",         ".retpoline_sites", ".ibt_endbr_seal",
	".altinstructions",  ".apicdrivers",          ".exit.text",       ".exit.data",
	".data..percpu",     ".altinstr_replacement",
};

START_TEST(what_is_freed_is_init)
{
	add(of_init[_i], PROGBITS, A | X, 0x33);
	ck_assert_int_eq(read_it(), 0);
	ck_assert_uint_eq(sizes.bytes[ELFSIZES_INIT], 0x33);
	ck_assert_uint_eq(sizes.total_bytes, 0x33);
}
END_TEST

START_TEST(names_of_classes)
{
	ck_assert_str_eq(elfsizes_name(ELFSIZES_TEXT), "text");
	ck_assert_str_eq(elfsizes_name(ELFSIZES_RODATA), "rodata");
	ck_assert_str_eq(elfsizes_name(ELFSIZES_DATA), "data");
	ck_assert_str_eq(elfsizes_name(ELFSIZES_BSS), "bss");
	ck_assert_str_eq(elfsizes_name(ELFSIZES_INIT), "init");
	ck_assert_str_eq(elfsizes_name(ELFSIZES_CLASSES), "");
}
END_TEST

START_TEST(no_elf_file)
{
	elf[0] = 'M';
	refused(ENOEXEC, "64-bit little-endian ELF");
	elf[0] = 0x7f;
	elf[4] = 1; /* 32-bit */
	refused(ENOEXEC, "64-bit little-endian ELF");
}
END_TEST

START_TEST(no_section_headers)
{
	put_le64(elf + E_SHOFF, 0);
	refused(ENODATA, "no section headers");
}
END_TEST

START_TEST(forged_tables)
{
	put_le16(elf + E_SHNUM, 0xffff);
	refused(EINVAL, "e_shnum is 65535");
	put_le16(elf + E_SHNUM, 0);
	refused(EINVAL, "e_shnum is 0");
	put_le16(elf + E_SHNUM, 4096);
	refused(EINVAL, "reach past the end");
	setup();
	put_le64(elf + E_SHOFF, UINT64_MAX - 63);
	refused(EINVAL, "e_shoff is 0xffffffffffffffc0");
	setup();
	put_le16(elf + E_SHENTSIZE, 40);
	refused(EINVAL, "e_shentsize is 40");
	setup();
	put_le16(elf + E_SHSTRNDX, 2);
	refused(EINVAL, "e_shstrndx is 2");
	put_le16(elf + E_SHSTRNDX, 0);
	refused(EINVAL, "no string table");
	setup();
	put_le64(section(1) + SH_SIZE, 1ULL << 40);
	refused(EINVAL, "no string table");
}
END_TEST

START_TEST(forged_sections)
{
	size_t i = add(".bss", NOBITS, A | W, UINT64_MAX);

	refused(EINVAL, "section 2: sh_size is 0xffffffffffffffff");
	put_le64(section(i) + SH_SIZE, 8);
	put_le32(section(i) + SH_NAME, 0x1000);
	refused(EINVAL, "section 2: sh_name is 0x1000");
	setup();
	add(".text", PROGBITS, A | X, FILE_BYTES - BODY + 1);
	refused(EINVAL, "past the end of the file, at 0x4000");
}
END_TEST

/* A name without a NUL, up to the last byte of the names. */
START_TEST(names_without_an_end)
{
	size_t i = add(".text", PROGBITS, A | X, 0x10);

	memset(elf + NAMES, 'x', 0x1000);
	put_le32(section(i) + SH_NAME, 0xfff);
	ck_assert_int_eq(read_it(), 0);
	ck_assert_uint_eq(sizes.bytes[ELFSIZES_TEXT], 0x10);
}
END_TEST

/* The sum over all SHF_ALLOC sections, as readelf has it. */
static uint64_t of_readelf(const char *path)
{
	char command[256];
	uint64_t sum = 0, bytes;
	FILE *out;

	(void)snprintf(command, sizeof(command),
		       "readelf -SW %s | sed -n 's/^ *\\[ *[0-9]*\\] [^ ]* *[A-Z_]* *[0-9a-f]* "
		       "[0-9a-f]* \\([0-9a-f]*\\) [0-9a-f]*  *[A-Z]*A[A-Z]* .*/\\1/p'",
		       path);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	while (fscanf(out, "%lx", &bytes) == 1)
		sum += bytes;
	(void)pclose(out);
	return sum;
}

START_TEST(a_real_kernel_as_readelf_has_it)
{
	const char *path = "build/kernels/allnoconfig/vmlinux";
	struct input_file file;

	if (file_open(&file, "kernel", path, UINT64_MAX, &error) < 0 ||
	    system("readelf -v >/dev/null 2>&1") != 0)
		return; /* it has not been built here */
	ck_assert_int_eq(elfsizes_read(&file, &sizes, &error), 0);
	ck_assert_uint_eq(sizes.total_bytes, of_readelf(path));
	ck_assert_uint_gt(sizes.bytes[ELFSIZES_INIT], 0);
	ck_assert_uint_gt(sizes.bytes[ELFSIZES_TEXT], 1 << 20);
	file_close(&file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("elfsizes");
	TCase *t = tcase_create("sections");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, each_section_is_in_one_class);
	tcase_add_loop_test(t, what_is_freed_is_init, 0, sizeof(of_init) / sizeof(of_init[0]));
	tcase_add_test(t, names_of_classes);
	tcase_add_test(t, no_elf_file);
	tcase_add_test(t, no_section_headers);
	tcase_add_test(t, forged_tables);
	tcase_add_test(t, forged_sections);
	tcase_add_test(t, names_without_an_end);
	tcase_add_test(t, a_real_kernel_as_readelf_has_it);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
