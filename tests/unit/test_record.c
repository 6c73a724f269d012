/* SPDX-License-Identifier: MIT */
/* What is written down: what gets room, and marks in a table that ends. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/record.h"

static struct err error;

START_TEST(only_what_is_wanted)
{
	struct record record;

	ck_assert_int_eq(record_init(&record, false, false, false, &error), 0);
	ck_assert_ptr_null(record.exit);
	ck_assert_ptr_null(record.times);
	ck_assert_ptr_null(record.sample);
	ck_assert_ptr_null(record.stack_pool);
	record_finish(&record);
	ck_assert_int_eq(record_init(&record, false, true, false, &error), 0);
	ck_assert_ptr_null(record.exit);
	ck_assert_ptr_nonnull(record.times);
	record_finish(&record);
	ck_assert_int_eq(record_init(&record, true, true, false, &error), 0);
	ck_assert_ptr_nonnull(record.exit);
	ck_assert_ptr_nonnull(record.times);
	ck_assert_ptr_null(record.sample);
	record_finish(&record);
	ck_assert_ptr_null(record.exit);
	record_finish(&record); /* twice does no harm */
}
END_TEST

/* Zeroed, and writable to their last byte. */
START_TEST(room_to_the_end)
{
	struct record record;

	ck_assert_int_eq(record_init(&record, true, true, true, &error), 0);
	ck_assert_uint_eq(record.exits + record.times_taken + record.samples, 0);
	ck_assert_uint_eq(record.exit[RECORD_EXITS - 1].left_ns, 0);
	record.exit[RECORD_EXITS - 1].left_ns = 1;
	record.times[RECORD_TIMES - 1].at_ns = 1;
	record.sample[RECORD_SAMPLES - 1].at_ns = 1;
	record.stack_pool[RECORD_STACK_POOL_BYTES - 1] = 1;
	record_finish(&record);
}
END_TEST

START_TEST(shared_room_to_the_end)
{
	static struct record_shared shared;

	ck_assert_int_eq(record_shared_init(&shared, true, &error), 0);
	shared.initcall[RECORD_INITCALLS - 1].result = 1;
	shared.line[RECORD_LINES - 1].text = 1;
	shared.line_text[RECORD_LINE_TEXT_BYTES - 1] = 1;
	record_shared_finish(&shared);
	ck_assert_ptr_null(shared.line);
}
END_TEST

START_TEST(marks)
{
	static struct record_shared shared;
	char name[2 * RECORD_NAME_BYTES];

	record_mark(&shared, RECORD_MARK_POST, "42", 7);
	ck_assert_uint_eq(shared.marks, 1);
	ck_assert_uint_eq(shared.mark[0].at_ns, 7);
	ck_assert_int_eq(shared.mark[0].source, RECORD_MARK_POST);
	ck_assert_str_eq(shared.mark[0].name, "42");

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	record_mark(&shared, RECORD_MARK_ESCAPE, name, 8);
	ck_assert_uint_eq(strlen(shared.mark[1].name), RECORD_NAME_BYTES - 1);
}
END_TEST

START_TEST(too_many_marks)
{
	static struct record_shared shared;

	for (uint64_t i = 0; i < RECORD_USER_MARKS + 5; i++)
		record_mark(&shared, RECORD_MARK_ESCAPE, "m", i);
	ck_assert_uint_eq(shared.marks, RECORD_USER_MARKS);
	ck_assert_uint_eq(shared.marks_lost, 5);
	ck_assert_uint_eq(shared.mark[RECORD_USER_MARKS - 1].at_ns, RECORD_USER_MARKS - 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		only_what_is_wanted, room_to_the_end, shared_room_to_the_end, marks, too_many_marks,
	};
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("record");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
