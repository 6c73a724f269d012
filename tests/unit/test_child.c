/* SPDX-License-Identifier: MIT */
/*
 * Runs as processes, with shell scripts in tvmm's place: their options, their report, their last words,
 * their status; and that a signal to us ends them.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/common/folder.h"
#include "vmm/child.h"

static struct child_result result;
static struct err e;

/* Runs a script. It finds where the report goes in $report. */
static int run(const char *script, char *const *option)
{
	static const char *const head = "#!/bin/sh\nall=\"$*\"\nfor report in \"$@\"; do :; done\n";
	struct child_request request = { folder_at("program"), option };
	char text[512];

	(void)snprintf(text, sizeof(text), "%s%s", head, script);
	folder_put(request.program, text, strlen(text));
	ck_assert_int_eq(chmod(request.program, 0700), 0);
	return child_run(&request, &result, &e);
}

static char *const none[] = { NULL };

static void teardown(void)
{
	child_finish(&result);
	folder_remove();
}

START_TEST(options_and_report)
{
	static char smp[] = "-smp", two[] = "a b";
	char *const option[] = { smp, two, NULL };

	ck_assert_int_eq(run("echo \"$all\" >$report", option), 0);
	ck_assert_int_eq(result.status, 0);
	ck_assert_ptr_nonnull(strstr(result.report, "-smp a b -q --report /dev/fd/"));
	ck_assert_uint_eq(strlen(result.report), result.report_bytes);
	ck_assert_str_eq(result.said, "");
}
END_TEST

/* More than a pipe holds; and what the guest says on stdout is not in it. */
START_TEST(long_reports)
{
	ck_assert_int_eq(run("echo hello; head -c 300000 /dev/zero | tr '\\0' x >$report", none),
			 0);
	ck_assert_uint_eq(result.report_bytes, 300000);
	ck_assert_ptr_null(strchr(result.report, 'h'));
}
END_TEST

START_TEST(last_words_and_status)
{
	ck_assert_int_eq(run("echo tvmm: one >&2; printf 'tvmm: two\\n\\n' >&2; exit 121", none),
			 0);
	ck_assert_int_eq(result.status, 121);
	ck_assert_str_eq(result.said, "two");
	ck_assert_uint_eq(result.report_bytes, 0);
	ck_assert_str_eq(result.report, "");
}
END_TEST

START_TEST(no_input)
{
	ck_assert_int_eq(run("if read line; then exit 1; fi; exit 7", none), 0);
	ck_assert_int_eq(result.status, 7);
}
END_TEST

START_TEST(ended_by_a_signal)
{
	ck_assert_int_eq(run("kill -TERM $$", none), 0);
	ck_assert_int_eq(result.status, 128 + SIGTERM);
	ck_assert_int_eq(result.interrupted, 0);
}
END_TEST

START_TEST(a_program_that_is_not_there)
{
	struct child_request request = { folder_at("nothing"), none };

	ck_assert_int_eq(child_run(&request, &result, &e), 0);
	ck_assert_int_eq(result.status, 125);
	ck_assert_str_eq(result.said, "the program of a run cannot be started");
}
END_TEST

/* The script would sleep for longer than the test may take. */
START_TEST(a_signal_to_us)
{
	ck_assert_int_eq(run("kill -INT $PPID; exec sleep 100", none), 0);
	ck_assert_int_eq(result.interrupted, SIGINT);
	ck_assert_int_eq(result.status, 128 + SIGKILL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { options_and_report,    long_reports,
				       last_words_and_status, no_input,
				       ended_by_a_signal,     a_program_that_is_not_there,
				       a_signal_to_us };
	Suite *suite = suite_create("child");
	TCase *tcase = tcase_create("child");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, folder_make, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_set_timeout(tcase, 20);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
