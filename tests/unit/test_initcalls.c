/* SPDX-License-Identifier: MIT */
/*
 * Tables of initcalls as include/linux/init.h and vmlinux.lds.h lay them out, in an image of one
 * segment.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot/initcalls.h"
#include "vmm/base/le.h"

#define MAP  0xffffffff80000000ULL
#define TEXT (MAP + 0x1000000)

enum { IMAGE_BYTES = 0x2000, TABLE_AT = 0x1000, FUNCTIONS = 5 };

static uint8_t bytes[IMAGE_BYTES];
static struct input_file file;
static struct elfimage image;
static struct symbols symbols;
static struct initcalls calls;
static struct err e;

/* Names in strcmp()'s order, so that by_name is by rank of this list. */
static const char *const names[] = {
	"__initcall0_start",
	"__initcall1_start",
	"__initcall2_start",
	"__initcall3_start",
	"__initcall4_start",
	"__initcall5_start",
	"__initcall6_start",
	"__initcall7_start",
	"__initcall_end",
	"__initcall_start",
	"__initcallrootfs_start",
	"call0",
	"call1",
	"call2",
	"call3",
	"call4",
};
enum { NAMES = sizeof(names) / sizeof(names[0]), FIRST_CALL = 11 };

static int by_address(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	return left->address < right->address ? -1 : left->address > right->address;
}

static void give_names(const uint64_t address[NAMES])
{
	size_t used = 0;

	symbols_init(&symbols);
	symbols.names = calloc(NAMES, 32);
	symbols.by_address = calloc(NAMES, sizeof(*symbols.by_address));
	symbols.by_name = calloc(NAMES, sizeof(*symbols.by_name));
	for (uint32_t i = 0; i < NAMES; i++) {
		symbols.by_address[i] = (struct symbol){
			.address = address[i],
			.name = (uint32_t)used,
			.kind = i < FIRST_CALL ? 'D' : 't',
		};
		strcpy(symbols.names + used, names[i]);
		used += strlen(names[i]) + 1;
	}
	symbols.count = NAMES;
	qsort(symbols.by_address, NAMES, sizeof(*symbols.by_address), by_address);
	for (uint32_t rank = 0; rank < NAMES; rank++) {
		for (uint32_t i = 0; i < NAMES; i++) {
			if (strcmp(symbols.names + symbols.by_address[i].name, names[rank]) == 0)
				symbols.by_name[rank] = i;
		}
	}
}

/*
 * Two early ones, one of level core, one of rootfs, one late; entries of that size. The functions lie
 * at the beginning of the image, 0x10 apart.
 */
static void make(size_t size)
{
	static const int entries_before[FIRST_CALL] = { 2, 2, 3, 3, 3, 3, 4, 4, 5, 0, 3 };
	uint64_t address[NAMES];

	for (int i = 0; i < FIRST_CALL; i++)
		address[i] = TEXT + TABLE_AT + (uint64_t)entries_before[i] * size;
	for (uint64_t i = 0; i < FUNCTIONS; i++)
		address[FIRST_CALL + i] = TEXT + 0x100 + 0x10 * i;
	give_names(address);
	for (size_t i = 0; i < FUNCTIONS; i++) {
		uint8_t *entry = bytes + TABLE_AT + i * size;
		uint64_t to = address[FIRST_CALL + i], from = TEXT + TABLE_AT + i * size;

		if (size == 4)
			put_le32(entry, (uint32_t)(to - from));
		else
			put_le64(entry, to);
	}
}

static void setup(void)
{
	memset(bytes, 0, sizeof(bytes));
	file_of_memory(&file, "kernel", "vmlinux", bytes, sizeof(bytes));
	image = (struct elfimage){ .segments = 1,
				   .segment = { { 0, IMAGE_BYTES, 0x1000000, IMAGE_BYTES } } };
}

static void teardown(void)
{
	initcalls_finish(&calls);
	symbols_finish(&symbols);
}

static void check_read(void)
{
	static const size_t first[INITCALLS_LEVELS + 1] = { 0, 2, 2, 3, 3, 3, 3, 3, 4, 4, 5 };

	ck_assert_int_eq(initcalls_read(&calls, &symbols, &file, &image, &e), 0);
	for (int i = 0; i <= INITCALLS_LEVELS; i++)
		ck_assert_uint_eq(calls.first[i], first[i]);
	for (uint64_t i = 0; i < FUNCTIONS; i++)
		ck_assert_uint_eq(calls.function[i], TEXT + 0x100 + 0x10 * i);
}

START_TEST(relative_entries)
{
	make(4);
	check_read();
}
END_TEST

START_TEST(absolute_entries)
{
	make(8);
	check_read();
}
END_TEST

START_TEST(no_such_symbols)
{
	symbols_init(&symbols);
	ck_assert_int_eq(initcalls_read(&calls, &symbols, &file, &image, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "__initcall_start"));
}
END_TEST

START_TEST(an_entry_that_leads_nowhere)
{
	make(4);
	put_le32(bytes + TABLE_AT + 8, 0x7fffffff);
	ck_assert_int_eq(initcalls_read(&calls, &symbols, &file, &image, &e), -EBADMSG);
}
END_TEST

START_TEST(an_entry_into_the_middle_of_a_function)
{
	make(4);
	put_le32(bytes + TABLE_AT, get_le32(bytes + TABLE_AT) + 1);
	ck_assert_int_eq(initcalls_read(&calls, &symbols, &file, &image, &e), -EBADMSG);
}
END_TEST

START_TEST(a_table_outside_of_the_image)
{
	make(4);
	image.segment[0].file_bytes = TABLE_AT + 4;
	ck_assert_int_eq(initcalls_read(&calls, &symbols, &file, &image, &e), -EBADMSG);
}
END_TEST

START_TEST(boundaries_out_of_order)
{
	make(4);
	for (size_t i = 0; i < NAMES; i++) {
		if (strcmp(symbols.names + symbols.by_address[i].name, "__initcall_end") == 0)
			symbols.by_address[i].address = TEXT;
	}
	ck_assert_int_eq(initcalls_read(&calls, &symbols, &file, &image, &e), -EBADMSG);
}
END_TEST

/* Between the two ends, too. */
START_TEST(a_level_that_ends_before_it_begins)
{
	make(4);
	for (size_t i = 0; i < NAMES; i++) {
		if (strcmp(symbols.names + symbols.by_address[i].name, "__initcall5_start") == 0)
			symbols.by_address[i].address = TEXT + TABLE_AT + 4;
	}
	ck_assert_int_eq(initcalls_read(&calls, &symbols, &file, &image, &e), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("initcalls");
	TCase *tcase = tcase_create("tables");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, relative_entries);
	tcase_add_test(tcase, absolute_entries);
	tcase_add_test(tcase, no_such_symbols);
	tcase_add_test(tcase, an_entry_that_leads_nowhere);
	tcase_add_test(tcase, an_entry_into_the_middle_of_a_function);
	tcase_add_test(tcase, a_table_outside_of_the_image);
	tcase_add_test(tcase, boundaries_out_of_order);
	tcase_add_test(tcase, a_level_that_ends_before_it_begins);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
