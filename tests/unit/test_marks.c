/* SPDX-License-Identifier: MIT */
/* Marks are taken once; the account tells each with both its distances and its origin. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/digest.h"
#include "vmm/timing/marks.h"

#define START_NS 5000000000ULL

static char *account_of(const struct marks *marks, const char *how)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	static const struct record_shared nothing;
	const struct digest_input input = { .marks = marks, .shared = &nothing };
	struct report report = { .ending.sentence = how,
				 .no_phases = "not asked for",
				 .no_initcalls = "not asked for",
				 .no_exits = "not asked for",
				 .no_log = "not asked for" };
	struct digest digest = { 0 };
	struct err e;

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(digest_build(&digest, &input, &report, &e), 0);
	report_print_text(&report, 0, out);
	digest_finish(&digest);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

START_TEST(the_first_time_counts)
{
	struct marks marks = { 0 };

	mark_at(&marks, MARK_CONSOLE_BYTE, 7);
	mark_at(&marks, MARK_CONSOLE_BYTE, 8);
	ck_assert_uint_eq(marks.at_ns[MARK_CONSOLE_BYTE], 7);
	mark_now(&marks, MARK_CONSOLE_BYTE);
	ck_assert_uint_eq(marks.at_ns[MARK_CONSOLE_BYTE], 7);
	mark_now(&marks, MARK_END);
	ck_assert_uint_ne(marks.at_ns[MARK_END], 0);
	ck_assert_uint_eq(marks.at_ns[MARK_MAIN], 0);
}
END_TEST

START_TEST(now_goes_forward)
{
	struct marks marks = { 0 };

	for (int m = 0; m < MARKS; m++)
		mark_now(&marks, (enum mark)m);
	for (int m = 1; m < MARKS; m++)
		ck_assert_uint_le(marks.at_ns[m - 1], marks.at_ns[m]);
}
END_TEST

/* Every line starts with the prefix of all that tvmm says. */
static void check_prefixes(const char *text)
{
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		ck_assert_int_eq(strncmp(line, "tvmm: ", 6), 0);
		ck_assert_ptr_nonnull(strchr(line, '\n'));
	}
}

static void check_line(const char *text, const char *name, double since, double step,
		       const char *from)
{
	const char *at = strstr(text, name), *line = at;
	double ms, delta;
	char origin[100];

	ck_assert_msg(at != NULL, "no line for %s", name);
	while (line > text && line[-1] != '\n')
		line--;
	ck_assert_int_eq(sscanf(line, "tvmm: %lf %lf", &ms, &delta), 2);
	ck_assert_double_eq_tol(ms, since, 0.0005);
	ck_assert_double_eq_tol(delta, step, 0.0005);
	ck_assert_int_eq(sscanf(at + strlen(name), " %99[^\n]", origin), 1);
	ck_assert_str_eq(origin, from);
}

/* Issue and design: each number tells from where to where it reaches. */
START_TEST(account_of_a_whole_run)
{
	struct marks marks = { .at_ns = {
				       [MARK_PROCESS_START] = START_NS,
				       [MARK_MAIN] = START_NS + 500000,
				       [MARK_PLANNED] = START_NS + 750000,
				       [MARK_PLACED] = START_NS + 2000000,
				       [MARK_FIRST_RUN] = START_NS + 2250000,
				       [MARK_CONSOLE_BYTE] = START_NS + 10250000,
				       [MARK_KERNEL_BANNER] = START_NS + 10250000,
				       [MARK_RUN_INIT] = START_NS + 100000000,
				       [MARK_INIT_LINE] = START_NS + 110000000,
				       [MARK_END] = START_NS + 1110000000,
			       } };
	char *text = account_of(&marks, "guest powered off");

	check_prefixes(text);
	check_line(text, "process start", 0, 0, "the kernel began with this process");
	check_line(text, "program loaded", 0.5, 0.5, "main() begins");
	check_line(text, "first guest instruction", 2.25, 0.25, "the first KVM_RUN is entered");
	check_line(text, "first console byte", 10.25, 8, "the first byte out of the UART");
	check_line(text, "kernel banner", 10.25, 0, "console line \"Linux version\"");
	check_line(text, "Run /init", 100, 89.75, "console line \"Run ... as init process\"");
	check_line(text, "init's own line", 110, 10, "console line \"Boot took\"");
	check_line(text, "end ", 1110, 1000, "guest powered off");
	free(text);
}
END_TEST

START_TEST(what_was_not_taken_is_not_told)
{
	struct marks marks = { .at_ns = {
				       [MARK_PROCESS_START] = START_NS,
				       [MARK_FIRST_RUN] = START_NS + 1000000,
				       [MARK_END] = START_NS + 3000000,
			       } };
	char *text = account_of(&marks, "why");
	size_t lines = 0;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	ck_assert_uint_eq(lines, 4); /* a heading and three marks */
	ck_assert_ptr_null(strstr(text, "Linux version"));
	check_line(text, "end ", 3, 2, "why"); /* the step skips what is not there */
	free(text);
}
END_TEST

/* A guest's lines can come in any order: they are told in the order of time. */
START_TEST(in_the_order_of_time)
{
	struct marks marks = { .at_ns = {
				       [MARK_PROCESS_START] = START_NS,
				       [MARK_RUN_INIT] = START_NS + 9000000,
				       [MARK_INIT_LINE] = START_NS + 4000000,
				       [MARK_END] = START_NS + 10000000,
			       } };
	char *text = account_of(&marks, "");

	check_line(text, "init's own line", 4, 4, "console line \"Boot took\"");
	check_line(text, "Run /init", 9, 5, "console line \"Run ... as init process\"");
	free(text);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { the_first_time_counts, now_goes_forward,
				       account_of_a_whole_run, what_was_not_taken_is_not_told,
				       in_the_order_of_time };
	Suite *suite = suite_create("marks");
	TCase *tcase = tcase_create("marks");
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
