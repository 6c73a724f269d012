/* SPDX-License-Identifier: MIT */
/*
 * Runs as processes, with shell scripts in tvmm's place: their options, their report, their last words,
 * their status; several at the same time; and that a signal to us ends them.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/common/folder.h"
#include "vmm/child.h"

static struct child_result result;
static struct err e;

/* Makes a script of it. It finds where the report goes in $report, and stands in the folder. */
static const char *make_program(const char *script)
{
	static const char *const head = "#!/bin/sh\nall=\"$*\"\nfor report in \"$@\"; do :; done\n"
					"cd \"$(dirname \"$0\")\" || exit 99\n";
	const char *program = folder_at("program");
	char text[512];

	(void)snprintf(text, sizeof(text), "%s%s", head, script);
	folder_put(program, text, strlen(text));
	ck_assert_int_eq(chmod(program, 0700), 0);
	return program;
}

static int run(const char *script, char *const *option)
{
	struct child_request request = { .program = make_program(script), .option = option };

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
	ck_assert_ptr_nonnull(
		strstr(result.report, "-smp a b -without early-exit -q --report /dev/fd/"));
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
	struct child_request request = { .program = folder_at("nothing"), .option = none };

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

/* The report would go to the guest's program, or -q would be one of its words. */
START_TEST(words_of_a_program)
{
	static char m[] = "-m", dashes[] = "--", program[] = "./test", word[] = "-q";
	char *const option[] = { m, dashes, program, word, dashes, NULL };

	ck_assert_int_eq(run("echo \"$all\" >$6", option), 0);
	ck_assert_ptr_nonnull(strstr(result.report, "-m -without early-exit -q --report /dev/fd/"));
	ck_assert_ptr_nonnull(strstr(result.report, " -- ./test -q --\n"));
}
END_TEST

/* --- what it says, and other programs ------------------------------------------------------------ */

static struct {
	char text[400000];
	size_t bytes, parts;
	uint64_t last_ns;
	const char *enough; /* words that end it */
	bool slowly;        /* heard, and forgotten */
} heard;

static bool hear(void *ctx, const char *bytes, size_t count, uint64_t at_ns)
{
	ck_assert_ptr_eq(ctx, &heard);
	if (heard.slowly)
		return usleep(5000) != 0;
	ck_assert_uint_lt(heard.bytes + count, sizeof(heard.text));
	(void)memcpy(heard.text + heard.bytes, bytes, count);
	heard.bytes += count;
	heard.parts++;
	heard.last_ns = at_ns;
	return heard.enough && strstr(heard.text, heard.enough);
}

static int run_heard(const char *script, bool at_once, bool stranger, uint64_t limit_ns)
{
	static char name[] = "name", word[] = "word";
	char *const option[] = { name, word, NULL };
	struct child_request request = { .program = make_program(script),
					 .option = stranger ? option : none,
					 .hear = hear,
					 .ctx = &heard,
					 .at_once = at_once,
					 .stranger = stranger,
					 .limit_ns = limit_ns };

	return child_run(&request, &result, &e);
}

/* More than its pipe holds, and all of it. */
START_TEST(what_it_says_is_heard)
{
	ck_assert_int_eq(run_heard("head -c 300000 /dev/zero | tr '\\0' y; echo r >$report", false,
				   false, 0),
			 0);
	ck_assert_uint_eq(heard.bytes, 300000);
	ck_assert_uint_eq(strspn(heard.text, "y"), 300000);
	ck_assert_str_eq(result.report, "r\n");
	ck_assert(!result.heard_enough && !result.timed_out);
}
END_TEST

/* Words that are 10 ms apart. */
START_TEST(how_often_it_is_heard)
{
	static const char script[] = "for word in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; "
				     "do echo $word; sleep 0.01; done";
	size_t now_and_then;

	ck_assert_int_eq(run_heard(script, false, false, 0), 0);
	now_and_then = heard.parts;
	child_finish(&result);
	heard.parts = 0;
	ck_assert_int_eq(run_heard(script, true, false, 0), 0);
	ck_assert_uint_gt(heard.parts, 2 * now_and_then);
}
END_TEST

/* It has no report, its words are its own, and it is ended when it has said enough. */
START_TEST(a_stranger)
{
	heard.enough = "word\n";
	ck_assert_int_eq(run_heard("echo \"$all\"; exec sleep 100", true, true, 0), 0);
	ck_assert_str_eq(heard.text, "word\n");
	ck_assert(result.heard_enough && !result.timed_out);
	ck_assert_int_eq(result.status, 128 + SIGKILL);
	ck_assert_uint_eq(result.report_bytes, 0);
	ck_assert(result.started_ns && result.started_ns < heard.last_ns);
}
END_TEST

START_TEST(a_stranger_that_takes_too_long)
{
	ck_assert_int_eq(run_heard("echo last >&2; exec sleep 100", true, true, 700000000), 0);
	ck_assert(result.timed_out && !result.heard_enough);
	ck_assert_int_eq(result.status, 128 + SIGKILL);
	ck_assert_str_eq(result.said, "last");
}
END_TEST

/* One that never stops talking is heard, and ended all the same. */
START_TEST(a_stranger_that_floods)
{
	heard.slowly = true;
	ck_assert_int_eq(run_heard("exec cat /dev/zero", true, true, 700000000), 0);
	ck_assert(result.timed_out);
}
END_TEST

/* A script: what it has started ends with it. Whoever holds the pipe is alive. */
START_TEST(what_a_stranger_has_started)
{
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(run_heard("sleep 100 & echo started >&2; exit 3", true, true, 0), 0);
	(void)close(ends[1]);
	ck_assert_int_eq(result.status, 3);
	ck_assert_int_eq(read(ends[0], &byte, 1), 0);
	(void)close(ends[0]);
}
END_TEST

/* --- groups ------------------------------------------------------------------------------------- */

enum { RUNS = 3 };

static struct child_group *group;

/* RUNS of a script; its first option is the run's number. */
static void start_group(const char *script)
{
	static char number[RUNS][2] = { "0", "1", "2" };
	const char *program = make_program(script);

	ck_assert_int_eq(child_group_open(&group, RUNS, &e), 0);
	for (size_t i = 0; i < RUNS; i++) {
		char *const option[] = { number[i], NULL };

		ck_assert_int_eq(child_group_start(group,
						   &(struct child_request){ .program = program,
									    .option = option },
						   i, &e),
				 0);
	}
}

/* Each waits until all have begun: one after the other they would never end. */
START_TEST(at_the_same_time)
{
	bool seen[RUNS] = { false };

	start_group(">here.$1; until [ -e here.0 -a -e here.1 -a -e here.2 ]; do sleep 0.01; done\n"
		    "echo run $1 >$report; exit $1");
	for (size_t i = 0; i < RUNS; i++) {
		char expected[16];
		size_t number;

		ck_assert_int_eq(child_group_wait(group, &number, &result, &e), 0);
		ck_assert(number < RUNS && !seen[number]);
		seen[number] = true;
		(void)snprintf(expected, sizeof(expected), "run %zu\n", number);
		ck_assert_str_eq(result.report, expected);
		ck_assert_int_eq(result.status, (int)number);
		child_finish(&result);
	}
	child_group_close(group);
}
END_TEST

/* The first one ends when the last one is there, which needs the place of the second one. */
START_TEST(a_place_is_used_again)
{
	static char three[] = "3";
	char *const option[] = { three, NULL };
	struct child_request request = { .option = option };
	size_t number;

	start_group("case $1 in 1) ;; 3) >here.3 ;; *) until [ -e here.3 ]; do sleep 0.01; done ;; "
		    "esac");
	request.program = folder_at("program");
	ck_assert_int_eq(child_group_wait(group, &number, &result, &e), 0);
	ck_assert_uint_eq(number, 1);
	child_finish(&result);
	ck_assert_int_eq(child_group_start(group, &request, 3, &e), 0);
	for (size_t i = 0; i < RUNS; i++) {
		ck_assert_int_eq(child_group_wait(group, &number, &result, &e), 0);
		ck_assert_int_eq(result.status, 0);
		child_finish(&result);
	}
	child_group_close(group);
}
END_TEST

START_TEST(a_signal_to_us_ends_all)
{
	start_group("[ $1 = 2 ] && kill -TERM $PPID; exec sleep 100");
	for (size_t i = 0; i < RUNS; i++) {
		size_t number;

		ck_assert_int_eq(child_group_wait(group, &number, &result, &e), 0);
		ck_assert_int_eq(result.interrupted, SIGTERM);
		ck_assert_int_eq(result.status, 128 + SIGKILL);
		child_finish(&result);
	}
	child_group_close(group);
}
END_TEST

/* The first one has ended when the others are there. Those are gone when the group is closed. */
START_TEST(closing_ends_the_others)
{
	char text[64];
	size_t number;
	sigset_t blocked;

	start_group("echo $$ >pid.$1; [ $1 = 0 ] || exec sleep 100\n"
		    "until [ -s pid.1 -a -s pid.2 ]; do sleep 0.01; done");
	ck_assert_int_eq(child_group_wait(group, &number, &result, &e), 0);
	ck_assert_uint_eq(number, 0);
	child_group_close(group);
	for (const char *const *name = (const char *const[]){ "pid.1", "pid.2", NULL }; *name;
	     name++) {
		text[folder_get(folder_at(*name), text, sizeof(text) - 1)] = '\0';
		ck_assert_int_eq(kill(atoi(text), 0), -1);
		ck_assert_int_eq(errno, ESRCH);
	}
	(void)sigprocmask(SIG_SETMASK, NULL, &blocked);
	ck_assert_int_eq(sigismember(&blocked, SIGINT), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { options_and_report,
				       long_reports,
				       last_words_and_status,
				       no_input,
				       ended_by_a_signal,
				       a_program_that_is_not_there,
				       a_signal_to_us,
				       words_of_a_program,
				       at_the_same_time,
				       a_place_is_used_again,
				       a_signal_to_us_ends_all,
				       closing_ends_the_others,
				       what_it_says_is_heard,
				       how_often_it_is_heard,
				       a_stranger,
				       a_stranger_that_takes_too_long,
				       a_stranger_that_floods,
				       what_a_stranger_has_started };
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
