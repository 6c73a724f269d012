/* SPDX-License-Identifier: MIT */
/* The console's lines at their times, in tables that end. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/lines.h"

static struct record_line table[RECORD_LINES + 1]; /* one that must stay untouched */
static char text[RECORD_LINE_TEXT_BYTES + 1];
static struct record_shared record;
static struct lines lines;

static void setup(void)
{
	memset(&record, 0, sizeof(record));
	memset(table, 0xa5, sizeof(table));
	memset(text, '#', sizeof(text));
	record.line = table;
	record.line_text = text;
	lines_init(&lines, &record);
}

static void feed(const char *bytes, uint64_t ns)
{
	for (; *bytes; bytes++)
		lines_byte(&lines, (uint8_t)*bytes, ns);
}

static void check(size_t i, const char *expected, uint64_t first_ns, uint64_t last_ns)
{
	ck_assert_uint_lt(i, record.lines);
	ck_assert_uint_eq(table[i].text_bytes, strlen(expected));
	ck_assert_mem_eq(text + table[i].text, expected, strlen(expected));
	ck_assert_uint_eq(table[i].first_byte_ns, first_ns);
	ck_assert_uint_eq(table[i].last_byte_ns, last_ns);
}

START_TEST(lines_at_their_times)
{
	feed("fir", 10);
	feed("st\r", 20);
	ck_assert_uint_eq(record.lines, 0);
	feed("\nsecond\n\n\r\nwith\rmore\r\r\n", 30);
	ck_assert_uint_eq(record.lines, 5);
	check(0, "first", 10, 30);
	check(1, "second", 30, 30);
	check(2, "", 30, 30);
	check(3, "", 30, 30);
	check(4, "with\rmore\r", 30, 30);
	ck_assert_uint_eq(record.line_text_bytes, 5 + 6 + 10);
	ck_assert_uint_eq(record.lines_lost, 0);
}
END_TEST

START_TEST(bytes_of_any_kind)
{
	static const char bytes[] = "\033[1m\0\xff\007x";

	for (size_t i = 0; i < sizeof(bytes) - 1; i++)
		lines_byte(&lines, (uint8_t)bytes[i], 5);
	lines_byte(&lines, '\n', 6);
	ck_assert_uint_eq(table[0].text_bytes, sizeof(bytes) - 1);
	ck_assert_mem_eq(text, bytes, sizeof(bytes) - 1);
}
END_TEST

START_TEST(an_unfinished_line)
{
	lines_end(&lines); /* there is none */
	ck_assert_uint_eq(record.lines, 0);
	feed("done\n/ # \r", 10);
	lines_end(&lines);
	ck_assert_uint_eq(record.lines, 2);
	check(1, "/ # \r", 10, 10);
	lines_end(&lines);
	ck_assert_uint_eq(record.lines, 2);
}
END_TEST

START_TEST(too_many_lines)
{
	for (size_t i = 0; i < RECORD_LINES; i++)
		feed("x\n", i);
	ck_assert_uint_eq(record.lines, RECORD_LINES);
	ck_assert_uint_eq(record.lines_lost, 0);
	feed("lost\nlost too\r\n", 7);
	feed("and this", 8);
	lines_end(&lines);
	ck_assert_uint_eq(record.lines, RECORD_LINES);
	ck_assert_uint_eq(record.lines_lost, 3);
	ck_assert_uint_eq(record.line_text_bytes, RECORD_LINES);
	check(RECORD_LINES - 1, "x", RECORD_LINES - 1, RECORD_LINES - 1);
	ck_assert_uint_eq(table[RECORD_LINES].first_byte_ns, 0xa5a5a5a5a5a5a5a5);
}
END_TEST

START_TEST(too_much_text)
{
	feed("first\n", 1);
	for (size_t i = 0; i < RECORD_LINE_TEXT_BYTES; i++)
		lines_byte(&lines, 'y', 2);
	feed("\r\nlost\n\n", 3);
	ck_assert_uint_eq(record.lines, 2);
	ck_assert_uint_eq(record.lines_lost, 2);
	ck_assert_uint_eq(record.line_text_bytes, RECORD_LINE_TEXT_BYTES);
	ck_assert_uint_eq(table[1].text_bytes, RECORD_LINE_TEXT_BYTES - 5);
	ck_assert_uint_eq(table[1].last_byte_ns, 3);
	ck_assert_int_eq(text[RECORD_LINE_TEXT_BYTES - 1], 'y');
	ck_assert_int_eq(text[RECORD_LINE_TEXT_BYTES], '#');
}
END_TEST

START_TEST(nothing_without_a_record)
{
	lines_init(&lines, NULL);
	feed("one\ntwo", 1);
	lines_end(&lines);
	ck_assert_uint_eq(record.lines, 0);
	ck_assert_int_eq(text[0], '#');
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		lines_at_their_times, bytes_of_any_kind, an_unfinished_line,
		too_many_lines,       too_much_text,     nothing_without_a_record,
	};
	Suite *suite = suite_create("lines");
	TCase *tcase = tcase_create("lines");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, NULL);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
