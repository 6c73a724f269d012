/* SPDX-License-Identifier: MIT */
/*
 * The guard, on processes that hang on purpose: when they end, with which status and sentence, and
 * what they leave. Authority: issue text "timeouts that hold", the table of vmm/guard.h, and the
 * exit statuses of the design: 124 for a timeout, 128 + N for signal N.
 *
 * Limits on the late side are wide, for busy machines.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/common/folder.h"
#include "vmm/base/clock.h"
#include "vmm/base/leftover.h"
#include "vmm/guard.h"

#define MS 1000000ULL

/* What began before the clock here was read does not count as early. */
enum { LATE_MS = 2000, SHORT_MS = 60, SLACK_MS = 40 };

/* Of the process that was guarded. */
static pid_t pid;
static int said_fd, ready_fd;
static uint64_t began_ns;
static int status, took_ms;
static char said[512];

/* Set by a test before begin(). */
static int stderr_fd;
static void (*before)(void);

static void tell_ready(void)
{
	(void)!write(ready_fd, "", 1);
}

/* Runs fn in a process with a guard; goes on when that calls tell_ready(). */
static void begin(void (*fn)(void))
{
	int words[2], ready[2];
	char byte;

	ck_assert_int_eq(pipe(words), 0);
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		ready_fd = ready[1];
		(void)dup2(stderr_fd >= 0 ? stderr_fd : words[1], STDERR_FILENO);
		(void)close(words[0]);
		(void)close(words[1]);
		if (before)
			before();
		guard_init();
		fn();
		_exit(77);
	}
	(void)close(words[1]);
	(void)close(ready[1]);
	said_fd = words[0];
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	began_ns = clock_now_ns();
}

static void finish(void)
{
	int raw;
	ssize_t n;

	ck_assert_int_eq(waitpid(pid, &raw, 0), pid);
	took_ms = (int)((clock_now_ns() - began_ns) / MS);
	status = WIFEXITED(raw) ? WEXITSTATUS(raw) : -WTERMSIG(raw);
	n = read(said_fd, said, sizeof(said) - 1);
	ck_assert_int_ge(n, 0);
	said[n] = '\0';
	(void)close(said_fd);
}

static void expect(int wanted, const char *words)
{
	ck_assert_msg(status == wanted, "status %d, not %d: '%s'", status, wanted, said);
	ck_assert_msg(strncmp(said, "tvmm: ", *words ? 6 : 0) == 0, "'%s'", said);
	ck_assert_msg(strstr(said, words) && (*words || !*said), "'%s', not '%s'", said, words);
	ck_assert_int_eq(strcspn(said, "\n") + (*words != 0), strlen(said));
}

static void expect_ms(int least, int most)
{
	ck_assert_msg(took_ms >= least && took_ms <= most, "%d ms, not %d to %d", took_ms, least,
		      most);
}

static void setup(void)
{
	stderr_fd = -1;
	before = NULL;
	folder_make();
}

static _Noreturn void hang(void)
{
	tell_ready();
	for (;;)
		(void)pause();
}

static _Noreturn void work(void)
{
	tell_ready();
	for (;;)
		(void)clock_now_ns();
}

static void limit(void)
{
	guard_limit(clock_now_ns(), SHORT_MS * MS);
}

static void enter_run(void)
{
	int wake_fd = eventfd(0, EFD_CLOEXEC);

	guard_hold();
	guard_run_begins(wake_fd);
}

/* ---- time is up ------------------------------------------------------------------------------ */

static void prepare(void)
{
	limit();
	hang();
}

START_TEST(at_once_while_the_run_is_prepared)
{
	begin(prepare);
	finish();
	expect(124, "timeout: no end within 0.060 s, while the run was prepared; exit status 124");
	expect_ms(SHORT_MS - SLACK_MS, LATE_MS);
}
END_TEST

static void prepare_long_ago(void)
{
	tell_ready();
	guard_limit(clock_now_ns() - 1000 * MS, SHORT_MS * MS);
	hang();
}

START_TEST(time_that_is_over_when_the_limit_is_set)
{
	begin(prepare_long_ago);
	finish();
	expect(124, "timeout");
}
END_TEST

static void without_limit(void)
{
	limit();
	guard_limit(0, 0);
	tell_ready();
	(void)poll(NULL, 0, 3 * SHORT_MS);
}

START_TEST(a_limit_that_is_taken_away)
{
	begin(without_limit);
	finish();
	expect(77, "");
}
END_TEST

static void endless(void)
{
	guard_limit(clock_now_ns(), UINT64_MAX);
	tell_ready();
	(void)poll(NULL, 0, SHORT_MS);
}

START_TEST(a_limit_that_never_comes)
{
	begin(endless);
	finish();
	expect(77, "");
}
END_TEST

static void run(void)
{
	limit();
	enter_run();
	hang();
}

START_TEST(later_while_the_guest_runs)
{
	begin(run);
	finish();
	expect(124, "the guest could not be stopped in order; exit status 124");
	expect_ms(SHORT_MS + 150 - SLACK_MS, LATE_MS);
}
END_TEST

static void report(void)
{
	limit();
	guard_enter(GUARD_REPORT);
	hang();
}

START_TEST(later_while_the_report_is_written)
{
	begin(report);
	finish();
	expect(124, "while what was left to write was written; exit status 124");
	expect_ms(SHORT_MS + 20 - SLACK_MS, LATE_MS);
}
END_TEST

static void long_report(void)
{
	limit();
	guard_enter(GUARD_REPORT);
	work();
}

/* As one that is written to a reader who takes it slowly: it waits, but moves. */
static void slow_report(void)
{
	limit();
	guard_enter(GUARD_REPORT);
	tell_ready();
	for (;;) {
		uint64_t began = clock_now_ns();

		while (clock_now_ns() - began < 2 * MS)
			;
		(void)poll(NULL, 0, 2);
	}
}

START_TEST(a_report_that_is_long_is_not_one_that_hangs)
{
	begin(_i ? slow_report : long_report);
	(void)poll(NULL, 0, SHORT_MS + 500);
	ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
	(void)kill(pid, SIGKILL);
	finish();
}
END_TEST

static void close_down(void)
{
	limit();
	guard_settle(5);
	hang();
}

START_TEST(with_its_own_status_when_all_is_done)
{
	begin(close_down);
	finish();
	expect(5, "");
	expect_ms(SHORT_MS + 20 - SLACK_MS, LATE_MS);
}
END_TEST

START_TEST(a_reader_of_stderr_that_does_not_read)
{
	int full[2];
	char bytes[4096] = { 0 };

	ck_assert_int_eq(pipe(full), 0);
	ck_assert_int_eq(fcntl(full[1], F_SETFL, O_NONBLOCK), 0);
	while (write(full[1], bytes, sizeof(bytes)) > 0)
		;
	ck_assert_int_eq(fcntl(full[1], F_SETFL, 0), 0);
	stderr_fd = full[1];
	begin(report);
	finish();
	ck_assert_int_eq(status, 124);
}
END_TEST

/* ---- signals --------------------------------------------------------------------------------- */

static const struct {
	int number;
	const char *words;
} ending[] = {
	{ SIGTERM, "ended by signal 15 (Terminated)" },
	{ SIGINT, "ended by signal 2 (Interrupt)" },
	{ SIGHUP, "ended by signal 1 (Hangup)" },
	{ SIGQUIT, "ended by signal 3 (Quit)" },
};

START_TEST(at_once_before_the_run)
{
	begin(hang);
	(void)kill(pid, ending[_i].number);
	finish();
	expect(128 + ending[_i].number, ending[_i].words);
	expect(128 + ending[_i].number, "before the guest ran");
}
END_TEST

START_TEST(at_once_while_the_report_is_written)
{
	begin(report);
	(void)kill(pid, ending[_i].number);
	finish();
	expect(128 + ending[_i].number, "while what was left to write was written");
}
END_TEST

/* A supervisor that ends its run when it is told. */
static void supervised(void)
{
	int wake_fd = eventfd(0, EFD_CLOEXEC);
	uint64_t count;

	guard_hold();
	guard_run_begins(wake_fd);
	tell_ready();
	while (read(wake_fd, &count, sizeof(count)) < 0)
		;
	if (guard_next_signal() == SIGTSTP && guard_next_signal() == 0)
		_exit(20);
	_exit(guard_next_signal() == 0 ? 10 : 11);
}

START_TEST(the_supervisor_is_told_of_the_first)
{
	begin(supervised);
	(void)kill(pid, ending[_i].number);
	finish();
	expect(10, "");
}
END_TEST

START_TEST(the_supervisor_is_told_of_a_stop)
{
	begin(supervised);
	(void)kill(pid, SIGTSTP);
	finish();
	expect(20, "");
}
END_TEST

static void deaf(void)
{
	enter_run();
	hang();
}

START_TEST(a_supervisor_that_does_not_hear)
{
	begin(deaf);
	(void)kill(pid, SIGTERM);
	finish();
	expect(128 + SIGTERM, "signal 15 (Terminated), but could not end in order");
	expect_ms(150 - 5, LATE_MS);
}
END_TEST

/* One whose run has ended, and who then waits for a reader of the report. */
static void report_after_signal(void)
{
	enter_run();
	(void)raise(SIGTERM);
	guard_enter(GUARD_REPORT);
	hang();
}

START_TEST(a_report_that_hangs_behind_a_signal)
{
	begin(report_after_signal);
	finish();
	expect(128 + SIGTERM, "signal 15 (Terminated), but could not end in order");
	ck_assert_int_lt(took_ms, LATE_MS);
}
END_TEST

START_TEST(the_second_one_at_once)
{
	begin(deaf);
	(void)kill(pid, SIGTERM);
	(void)poll(NULL, 0, 20);
	(void)kill(pid, SIGINT);
	finish();
	/* On a busy machine the 150 ms may be over first. */
	if (took_ms < 150)
		expect(128 + SIGINT, "signal 2 (Interrupt) at once: it was the second one");
}
END_TEST

/* Both are taken when the signals are let in again: with no time in between. */
static void deaf_with_two(void)
{
	(void)eventfd(0, EFD_CLOEXEC);
	guard_hold();
	(void)raise(SIGTERM);
	(void)raise(SIGINT);
	enter_run();
	tell_ready();
}

START_TEST(one_that_is_sent_twice_is_one)
{
	begin(deaf_with_two);
	finish();
	expect(77, "");
}
END_TEST

static void ignore_hangups(void)
{
	(void)signal(SIGHUP, SIG_IGN);
}

static void hangup_then_other(void)
{
	(void)raise(SIGHUP);
	hang();
}

START_TEST(what_was_ignored_stays_ignored)
{
	before = ignore_hangups;
	begin(hangup_then_other);
	(void)kill(pid, SIGTERM);
	finish();
	expect(128 + SIGTERM, "signal 15");
}
END_TEST

static void block_all(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
}

START_TEST(what_was_blocked_is_heard)
{
	before = block_all;
	begin(hang);
	(void)kill(pid, ending[_i].number);
	finish();
	expect(128 + ending[_i].number, "signal");
}
END_TEST

START_TEST(what_was_blocked_is_timed)
{
	before = block_all;
	begin(prepare);
	finish();
	expect(124, "timeout");
}
END_TEST

START_TEST(somebody_elses_alarm)
{
	begin(hang);
	(void)kill(pid, SIGALRM);
	finish();
	expect(128 + SIGALRM, "signal 14");
}
END_TEST

/* ---- what is left ---------------------------------------------------------------------------- */

static void write_two(void)
{
	folder_put(folder_at("half.tmp"), "half", 4);
	folder_put(folder_at("whole.tmp"), "whole", 5);
	(void)leftover_add(folder_at("half.tmp"));
	leftover_complete(leftover_add(folder_at("whole.tmp")), folder_at("whole"));
}

static void expect_whole_only(void)
{
	ck_assert_uint_eq(folder_count(folder_at("")), 1);
	ck_assert(folder_has(folder_at("whole")));
}

static void leave_two(void)
{
	write_two();
	hang();
}

START_TEST(half_a_file_is_removed_and_a_whole_one_named)
{
	begin(leave_two);
	(void)kill(pid, SIGTERM);
	finish();
	expect_whole_only();
}
END_TEST

static void crash(void)
{
	write_two();
	tell_ready();
	(void)raise(SIGSEGV);
}

START_TEST(a_crash_does_the_same_and_is_a_crash)
{
	begin(crash);
	finish();
	ck_assert_int_eq(status, -SIGSEGV);
	expect_whole_only();
}
END_TEST

/* A child that has not come to its exec is none of the guarded. */
static void have_child(void)
{
	int raw;
	pid_t child;

	write_two();
	child = fork();
	if (child == 0) {
		(void)raise(SIGTERM);
		_exit(1);
	}
	(void)waitpid(child, &raw, 0);
	tell_ready();
	_exit(WIFEXITED(raw) ? WEXITSTATUS(raw) : 1);
}

START_TEST(a_child_leaves_the_files_alone)
{
	begin(have_child);
	finish();
	expect(128 + SIGTERM, "");
	ck_assert_uint_eq(folder_count(folder_at("")), 2);
}
END_TEST

START_TEST(without_a_guard_nothing_is_taken)
{
	guard_limit(clock_now_ns(), 1);
	guard_hold();
	guard_run_begins(-1);
	guard_enter(GUARD_REPORT);
	ck_assert_int_eq(guard_next_signal(), 0);
	(void)poll(NULL, 0, 20);
}
END_TEST

static TCase *time_case(void)
{
	TCase *tcase = tcase_create("time");

	tcase_add_checked_fixture(tcase, setup, folder_remove);
	tcase_add_test(tcase, at_once_while_the_run_is_prepared);
	tcase_add_test(tcase, time_that_is_over_when_the_limit_is_set);
	tcase_add_test(tcase, a_limit_that_is_taken_away);
	tcase_add_test(tcase, a_limit_that_never_comes);
	tcase_add_test(tcase, later_while_the_guest_runs);
	tcase_add_test(tcase, later_while_the_report_is_written);
	tcase_add_loop_test(tcase, a_report_that_is_long_is_not_one_that_hangs, 0, 2);
	tcase_add_test(tcase, with_its_own_status_when_all_is_done);
	tcase_add_test(tcase, a_reader_of_stderr_that_does_not_read);
	return tcase;
}

static TCase *signal_case(void)
{
	TCase *tcase = tcase_create("signals");

	tcase_add_checked_fixture(tcase, setup, folder_remove);
	tcase_add_loop_test(tcase, at_once_before_the_run, 0, 4);
	tcase_add_loop_test(tcase, at_once_while_the_report_is_written, 0, 4);
	tcase_add_loop_test(tcase, the_supervisor_is_told_of_the_first, 0, 4);
	tcase_add_test(tcase, the_supervisor_is_told_of_a_stop);
	tcase_add_test(tcase, a_supervisor_that_does_not_hear);
	tcase_add_test(tcase, a_report_that_hangs_behind_a_signal);
	tcase_add_test(tcase, the_second_one_at_once);
	tcase_add_test(tcase, one_that_is_sent_twice_is_one);
	tcase_add_test(tcase, what_was_ignored_stays_ignored);
	tcase_add_loop_test(tcase, what_was_blocked_is_heard, 0, 4);
	tcase_add_test(tcase, what_was_blocked_is_timed);
	tcase_add_test(tcase, somebody_elses_alarm);
	return tcase;
}

static TCase *leftover_case(void)
{
	TCase *tcase = tcase_create("leftovers");

	tcase_add_checked_fixture(tcase, setup, folder_remove);
	tcase_add_test(tcase, half_a_file_is_removed_and_a_whole_one_named);
	tcase_add_test(tcase, a_crash_does_the_same_and_is_a_crash);
	tcase_add_test(tcase, a_child_leaves_the_files_alone);
	tcase_add_test(tcase, without_a_guard_nothing_is_taken);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("guard");
	SRunner *runner;
	int failed;

	/* A shell's background job begins with these ignored, and hands that on. */
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGQUIT, SIG_DFL);
	suite_add_tcase(suite, time_case());
	suite_add_tcase(suite, signal_case());
	suite_add_tcase(suite, leftover_case());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
