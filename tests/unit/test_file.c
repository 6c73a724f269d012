/* SPDX-License-Identifier: MIT */
/* Input files, vmm/base/file.h: holes, which lseek(2) tells of, and files that change meanwhile. */
#include "vmm/base/file.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/common/folder.h"

enum { UNIT = 64 << 10, UNITS = 8, LAST_BYTES = 100, BYTES = UNITS * UNIT + LAST_BYTES };

static struct input_file file;
static struct err e;
static uint8_t content[BYTES], memory[BYTES];

/* What the next lseek() for data, and for a hole, is to return instead; 0: what the host says. */
static off_t lie_data, lie_hole;

off_t lseek(int fd, off_t offset, int whence)
{
	if (whence == SEEK_DATA && lie_data)
		return lie_data;
	if (whence == SEEK_HOLE && lie_hole)
		return lie_hole;
	return (off_t)syscall(SYS_lseek, fd, offset, whence);
}

static void setup(void)
{
	folder_make();
	e = (struct err){ 0 };
}

static void teardown(void)
{
	file_close(&file);
	folder_remove();
}

/* A file of units (and some bytes behind them) with data, or holes. */
static void make_file(const char *kinds)
{
	FILE *f = fopen(folder_at("file"), "we");

	ck_assert_ptr_nonnull(f);
	memset(content, 0, sizeof(content));
	for (size_t i = 0; kinds[i]; i++) {
		size_t n = i < UNITS ? UNIT : LAST_BYTES;

		if (kinds[i] != 'd')
			continue;
		memset(content + i * UNIT, (int)('a' + i), n);
		ck_assert_int_eq(fseek(f, (long)i * UNIT, SEEK_SET), 0);
		ck_assert_uint_eq(fwrite(content + i * UNIT, 1, n, f), n);
	}
	ck_assert_int_eq(fflush(f), 0);
	ck_assert_int_eq(ftruncate(fileno(f), BYTES), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(file_open(&file, "kernel", folder_at("file"), BYTES, &e), 0);
}

/* Whatever part is read into zeros, it has the file's bytes. */
START_TEST(parts_of_a_sparse_file)
{
	static const char *const kinds[] = { "ddddddddd", "dzzzzzzzd", "zzzddzzzz", "zzzzzzzzz",
					     "dzdzdzdzd" };
	static const size_t starts[] = { 0, 1, UNIT - 1, UNIT, 3 * UNIT + 5, BYTES - 1 };
	static const size_t sizes[] = { 0, 1, 100, UNIT, 2 * UNIT + 3, 4 * UNIT, BYTES };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		make_file(kinds[i]);
		ck_assert(file.sparse == (i != 0));
		for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++)
			for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
				size_t left = BYTES - starts[s];
				size_t size = sizes[n] < left ? sizes[n] : left;

				memset(memory, 0, sizeof(memory));
				ck_assert_int_eq(
					file_read_to_zeros(&file, starts[s], memory, size, &e), 0);
				ck_assert_mem_eq(memory, content + starts[s], size);
				ck_assert_msg(size == BYTES || memory[size] == 0, "beyond");
			}
		file_close(&file);
	}
}
END_TEST

/* What lies in a hole is left alone: whoever has memory that is not zero reads another way. */
START_TEST(holes_are_left_out)
{
	make_file("dzzzdzzzz");
	memset(memory, 0x55, sizeof(memory));
	ck_assert_int_eq(file_read_to_zeros(&file, 0, memory, 5 * UNIT, &e), 0);
	ck_assert_uint_eq(memory[UNIT - 1], 'a');
	ck_assert_uint_eq(memory[UNIT], 0x55);
	ck_assert_uint_eq(memory[4 * UNIT - 1], 0x55);
	ck_assert_uint_eq(memory[4 * UNIT], 'e');
	ck_assert_int_eq(file_read(&file, 0, memory, 5 * UNIT, &e), 0);
	ck_assert_mem_eq(memory, content, 5 * UNIT);
}
END_TEST

/* A file in memory has no holes, and is read over what is there. */
START_TEST(in_memory)
{
	file_of_memory(&file, "kernel", "x", content, sizeof(content));
	memset(content, 0, sizeof(content));
	memset(memory, 0x55, sizeof(memory));
	ck_assert_int_eq(file_read_to_zeros(&file, 10, memory, BYTES - 10, &e), 0);
	ck_assert_mem_eq(memory, content, BYTES - 10);
	ck_assert_int_eq(file_read_to_zeros(&file, 10, memory, BYTES, &e), -EIO);
}
END_TEST

/* A hole at the end is told from an end that has come nearer. */
START_TEST(becomes_shorter)
{
	make_file("dzzzzzzzz");
	ck_assert_int_eq(file_read_to_zeros(&file, UNIT, memory, 4 * UNIT, &e), 0);
	ck_assert_int_eq(truncate(folder_at("file"), 3 * UNIT), 0);
	ck_assert_int_eq(file_read_to_zeros(&file, UNIT, memory, 2 * UNIT, &e), 0);
	ck_assert_int_eq(file_read_to_zeros(&file, UNIT, memory, 4 * UNIT, &e), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "is it being written?"));
	ck_assert_int_eq(file_read_to_zeros(&file, 0, memory, 4 * UNIT, &e), -EIO);
}
END_TEST

/* A file system in user space may say anything: nothing outside of the memory is touched, and it ends. */
START_TEST(lies_about_holes)
{
	static const struct {
		off_t data, hole;
	} lies[] = {
		{ 1, 0 },         { 3 * UNIT - 1, 0 },        { 0, 1 },
		{ 0, 3 * UNIT },  { 0, 3 * UNIT - 1 },        { INT64_MAX, 0 },
		{ 0, INT64_MAX }, { 5 * UNIT, 5 * UNIT - 1 }, { 5 * UNIT, 5 * UNIT },
		{ INT64_MIN, 0 }, { 7 * UNIT, 3 * UNIT },     { 0, INT64_MIN },
		{ 3 * UNIT, 1 },
	};

	static uint8_t around[UNIT];

	memset(around, 0x55, sizeof(around));
	make_file("dddddddzd");
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		lie_data = lies[i].data;
		lie_hole = lies[i].hole;
		memset(memory, 0x55, sizeof(memory));
		ck_assert_int_eq(file_read_to_zeros(&file, 3 * UNIT, memory + UNIT, 4 * UNIT, &e),
				 0);
		ck_assert_msg(memcmp(memory, around, UNIT) == 0, "before, lie %zu", i);
		ck_assert_msg(memcmp(memory + 5 * UNIT, around, UNIT) == 0, "behind, lie %zu", i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file");
	TCase *tcase = tcase_create("file");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, parts_of_a_sparse_file);
	tcase_add_test(tcase, holes_are_left_out);
	tcase_add_test(tcase, in_memory);
	tcase_add_test(tcase, becomes_shorter);
	tcase_add_test(tcase, lies_about_holes);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
