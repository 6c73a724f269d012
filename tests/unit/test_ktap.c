/* SPDX-License-Identifier: MIT */
/*
 * Test streams, line by line. The first are the examples of Linux Documentation/dev-tools/ktap.rst
 * and what KUnit and kselftest print; the rest is what a guest may do instead.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/ktap.h"

static struct ktap tap;
static uint64_t now_ns;

static void setup(void)
{
	struct err e;

	ck_assert_int_eq(ktap_init(&tap, &e), 0);
	now_ns = 1000;
}

static void teardown(void)
{
	ktap_finish(&tap);
}

/* Lines; each comes 10 ns after the one before it. */
static void feed(const char *lines)
{
	while (*lines) {
		size_t length = strcspn(lines, "\n");

		now_ns += 10;
		ktap_line(&tap, lines, length, now_ns);
		lines += length + (lines[length] == '\n');
	}
}

static void check_verdict(enum ktap_verdict expected, const char *sentence)
{
	char text[160];
	enum ktap_verdict verdict = ktap_verdict(&tap, text, sizeof(text));

	ck_assert_str_eq(text, sentence);
	ck_assert_int_eq(verdict, expected);
}

static void read_all(const char *lines, enum ktap_verdict verdict, const char *sentence)
{
	feed(lines);
	ktap_end(&tap);
	check_verdict(verdict, sentence);
}

/* "path status[ g][ t]" of each result, one a line. */
static void check_results(const char *expected)
{
	static char told[16384];
	char path[KTAP_PATH_BYTES];
	size_t used = 0;

	told[0] = '\0';
	for (uint32_t i = 0; i < tap.results; i++) {
		const struct ktap_result *result = &tap.result[i];

		ktap_path(&tap, i, path, sizeof(path));
		used += (size_t)snprintf(told + used, sizeof(told) - used, "%s %s%s%s\n", path,
					 ktap_status_word(result->status),
					 result->group ? " group" : "", result->test ? "" : " -");
	}
	ck_assert_str_eq(told, expected);
}

static void check_counts(uint64_t tests, uint64_t pass, uint64_t fail, uint64_t skip, uint64_t todo)
{
	ck_assert_uint_eq(tap.tests, tests);
	ck_assert_uint_eq(tap.count[KTAP_PASS], pass);
	ck_assert_uint_eq(tap.count[KTAP_FAIL], fail);
	ck_assert_uint_eq(tap.count[KTAP_SKIP], skip);
	ck_assert_uint_eq(tap.count[KTAP_TODO], todo);
}

static void check_reason(size_t i, const char *expected)
{
	ck_assert_uint_lt(i, tap.results);
	ck_assert_str_eq(ktap_text(&tap, tap.result[i].reason), expected);
}

static void check_output(size_t i, const char *expected)
{
	ck_assert_uint_lt(i, tap.results);
	ck_assert_str_eq(ktap_text(&tap, tap.result[i].output), expected);
}

/* ---- [KTAP] ---------------------------------------------------------------------------------- */

START_TEST(two_nested_subtests)
{
	read_all("KTAP version 1\n"
		 "1..1\n"
		 "  KTAP version 1\n"
		 "  1..2\n"
		 "  ok 1 test_1\n"
		 "  not ok 2 test_2\n"
		 "# example failed\n"
		 "not ok 1 example\n",
		 KTAP_FAILED, "1 of 2 tests failed: example.test_2");
	check_results("example fail group -\n"
		      "example.test_1 pass\n"
		      "example.test_2 fail\n");
	check_output(0, "# example failed\n");
}
END_TEST

START_TEST(several_levels)
{
	read_all("KTAP version 1\n"
		 "1..2\n"
		 "  KTAP version 1\n"
		 "  1..2\n"
		 "    KTAP version 1\n"
		 "    1..2\n"
		 "    not ok 1 test_1\n"
		 "    ok 2 test_2\n"
		 "  not ok 1 test_3\n"
		 "  ok 2 test_4 # SKIP\n"
		 "not ok 1 example_test_1\n"
		 "ok 2 example_test_2\n",
		 KTAP_FAILED, "1 of 4 tests failed: example_test_1.test_3.test_1");
	check_results("example_test_1 fail group -\n"
		      "example_test_1.test_3 fail group -\n"
		      "example_test_1.test_3.test_1 fail\n"
		      "example_test_1.test_3.test_2 pass\n"
		      "example_test_1.test_4 skip\n"
		      "example_test_2 pass\n");
	check_counts(4, 2, 1, 1, 0);
}
END_TEST

START_TEST(example_ktap_output)
{
	read_all("KTAP version 1\n"
		 "1..1\n"
		 "  KTAP version 1\n"
		 "  1..3\n"
		 "    KTAP version 1\n"
		 "    1..1\n"
		 "    # test_1: initializing test_1\n"
		 "    ok 1 test_1\n"
		 "  ok 1 example_test_1\n"
		 "    KTAP version 1\n"
		 "    1..2\n"
		 "    ok 1 test_1 # SKIP test_1 skipped\n"
		 "    ok 2 test_2\n"
		 "  ok 2 example_test_2\n"
		 "    KTAP version 1\n"
		 "    1..3\n"
		 "    ok 1 test_1\n"
		 "    # test_2: FAIL\n"
		 "    not ok 2 test_2\n"
		 "    ok 3 test_3 # SKIP test_3 skipped\n"
		 "  not ok 3 example_test_3\n"
		 "not ok 1 main_test\n",
		 KTAP_FAILED, "1 of 6 tests failed: main_test.example_test_3.test_2");
	check_results("main_test fail group -\n"
		      "main_test.example_test_1 pass group -\n"
		      "main_test.example_test_1.test_1 pass\n"
		      "main_test.example_test_2 pass group -\n"
		      "main_test.example_test_2.test_1 skip\n"
		      "main_test.example_test_2.test_2 pass\n"
		      "main_test.example_test_3 fail group -\n"
		      "main_test.example_test_3.test_1 pass\n"
		      "main_test.example_test_3.test_2 fail\n"
		      "main_test.example_test_3.test_3 skip\n");
	check_counts(6, 3, 1, 2, 0);
	check_reason(4, "test_1 skipped");
	check_output(8, "# test_2: FAIL\n");
	check_output(2, "");
}
END_TEST

/* "Test case result lines", with the directives that it lists. */
START_TEST(result_lines)
{
	read_all("KTAP version 1\n"
		 "1..10\n"
		 "ok 1 test_case_name\n"
		 "not ok 2 test_case_name\n"
		 "ok 3 test # SKIP necessary dependency unavailable\n"
		 "not ok 4 test # TIMEOUT 30 seconds\n"
		 "ok 5 check return code # rcode=0\n"
		 "not ok 6 skipped all the same # SKIP\n"
		 "not ok 7 a known bug # TODO later\n"
		 "ok 8 expected # XFAIL it is broken\n"
		 "not ok 9 broken # ERROR no such thing\n"
		 "ok 10\n",
		 KTAP_FAILED, "3 of 10 tests failed: first test_case_name");
	check_results("test_case_name pass\n"
		      "test_case_name fail\n"
		      "test skip\n"
		      "test fail\n"
		      "check return code pass\n"
		      "skipped all the same skip\n"
		      "a known bug todo\n"
		      "expected todo\n"
		      "broken fail\n"
		      "test 10 pass\n");
	check_reason(2, "necessary dependency unavailable");
	check_reason(3, "TIMEOUT 30 seconds");
	check_reason(4, "rcode=0");
	check_reason(5, "");
	check_reason(6, "later");
	check_reason(8, "ERROR no such thing");
}
END_TEST

START_TEST(unknown_lines_change_nothing)
{
	read_all("KTAP version 1\n"
		 "1..2\n"
		 "random: crng init done\n"
		 "    indented as a subtest is\n"
		 "ok 1 a\n"
		 "okay 2 b\n"
		 "ok 2: c\n"
		 "ok two\n"
		 "1..x\n"
		 "1..5 tests\n"
		 "not okay\n"
		 "not ok 2 b\n"
		 "reboot: Restarting system\n",
		 KTAP_FAILED, "1 of 2 tests failed: b");
	check_output(1, "okay 2 b\nok 2: c\nok two\n1..x\n1..5 tests\nnot okay\n");
}
END_TEST

/* ---- KUnit ----------------------------------------------------------------------------------- */

/* Linux 6.1, lib/kunit/test.c; time stamps as CONFIG_PRINTK_TIME makes them, and a tty's \r. */
START_TEST(kunit)
{
	read_all("[    0.060447] random: crng init done\r\n"
		 "[    0.060500] KTAP version 1\r\n"
		 "[    0.060501] 1..2\r\n"
		 "[    0.060502]     KTAP version 1\r\n"
		 "[    0.060503]     # Subtest: sysctl_test\r\n"
		 "[    0.060504]     1..2\r\n"
		 "[    0.060505]     # null_data: EXPECTATION FAILED at kernel/sysctl-test.c:46\r\n"
		 "[    0.060505]     Expected 0 == len, but\r\n"
		 "[    0.060505]         len == 1234\r\n"
		 "[    0.060506]     not ok 1 null_data\r\n"
		 "[    0.060507]     ok 2 happy\r\n"
		 "[    0.060508] # sysctl_test: pass:1 fail:1 skip:0 total:2\r\n"
		 "[    0.060509] # Totals: pass:1 fail:1 skip:0 total:2\r\n"
		 "[    0.060510] not ok 1 sysctl_test\r\n"
		 "[    0.060511]     KTAP version 1\r\n"
		 "[    0.060512]     # Subtest: rational\r\n"
		 "[    0.060513]     1..1\r\n"
		 "[    0.060514]         KTAP version 1\r\n"
		 "[    0.060515]         # Subtest: rational_test\r\n"
		 "[    0.060516]         ok 1 Exceeds bounds, semi-convergent term > 1/2 last "
		 "term\r\n"
		 "[    0.060517]         ok 2 Closest to zero\r\n"
		 "[    0.060518]     # rational_test: pass:2 fail:0 skip:0 total:2\r\n"
		 "[    0.060519]     ok 1 rational_test\r\n"
		 "[    0.060520] ok 2 rational\r\n"
		 "[    0.060521] reboot: Restarting system\r\n",
		 KTAP_FAILED, "1 of 4 tests failed: sysctl_test.null_data");
	check_results("sysctl_test fail group -\n"
		      "sysctl_test.null_data fail\n"
		      "sysctl_test.happy pass\n"
		      "rational pass group -\n"
		      "rational.rational_test pass group -\n"
		      "rational.rational_test.Exceeds bounds, semi-convergent term > 1/2 last term "
		      "pass\n"
		      "rational.rational_test.Closest to zero pass\n");
	check_output(1, "# null_data: EXPECTATION FAILED at kernel/sysctl-test.c:46\n"
			"Expected 0 == len, but\n"
			"    len == 1234\n");
}
END_TEST

/* With CONFIG_PRINTK_CALLER. */
START_TEST(stamps_with_a_caller)
{
	read_all("[    0.060500][    T1] KTAP version 1\n"
		 "[    0.060500][    T1] 1..1\n"
		 "[    0.060500][    T1]   1..1\n"
		 "[    0.060500][    C0] [not a stamp]\n"
		 "[    0.060500][    T1]   not ok 1 inner\n"
		 "[    0.060501][    T1] not ok 1 outer\n",
		 KTAP_FAILED, "1 of 1 test failed: outer.inner");
	check_output(1, "[not a stamp]\n");
}
END_TEST

/* Linux 5.4 to 5.8: TAP 14, tabs, dashes, no plan at the top, the name without a version line. */
START_TEST(kunit_of_old)
{
	read_all("TAP version 14\n"
		 "\t# Subtest: example\n"
		 "\t1..1\n"
		 "\t# example_simple_test: initializing\n"
		 "\tok 1 - example_simple_test\n"
		 "ok 1 - example\n",
		 KTAP_INCOMPLETE, "1 result and no plan: nobody knows whether that was all");
	check_results("example pass group -\n"
		      "example.example_simple_test pass\n");
}
END_TEST

/* A suite that fails by itself, after its tests or before them. */
START_TEST(group_that_fails_by_itself)
{
	read_all("KTAP version 1\n"
		 "1..2\n"
		 "    KTAP version 1\n"
		 "    # Subtest: tidy\n"
		 "    1..1\n"
		 "    ok 1 works\n"
		 "# tidy: exit failed\n"
		 "not ok 1 tidy\n"
		 "    # failed to initialize (-12)\n"
		 "not ok 2 hw\n",
		 KTAP_FAILED, "2 of 3 tests failed: first tidy");
	check_results("tidy fail group\n"
		      "tidy.works pass\n"
		      "hw fail\n");
	check_output(0, "# tidy: exit failed\n");
	check_output(2, "    # failed to initialize (-12)\n");
}
END_TEST

START_TEST(kunit_with_nothing_to_run)
{
	read_all("KTAP version 1\n1..0\nreboot: Restarting system\n", KTAP_NONE, "no test was run");
}
END_TEST

START_TEST(all_pass)
{
	read_all("KTAP version 1\n1..2\nok 1 a\nok 2 b\n", KTAP_PASSED, "all 2 tests passed");
}
END_TEST

START_TEST(some_are_skipped)
{
	read_all("KTAP version 1\n1..4\nok 1 a\nok 2 b # SKIP x\nnot ok 3 c # TODO\nok 4 d\n",
		 KTAP_PASSED, "4 tests: 2 passed, 1 skipped, 1 expected to fail");
}
END_TEST

/* ---- kselftest ------------------------------------------------------------------------------- */

/* tools/testing/selftests/kselftest/runner.sh, prefix.pl: programs' own streams behind "# ". */
START_TEST(kselftest_run)
{
	read_all("TAP version 13\n"
		 "1..3\n"
		 "# timeout set to 45\n"
		 "# selftests: size: get_size\n"
		 "# TAP version 13\n"
		 "# 1..2\n"
		 "# # Testing system size.\n"
		 "# ok 1 get_size\n"
		 "# not ok 2 get_size # exit=1\n"
		 "# # Totals: pass:1 fail:1 xfail:0 xpass:0 skip:0 error:0\n"
		 "not ok 1 selftests: size: get_size # exit=1\n"
		 "# selftests: timers: posix_timers\n"
		 "# Testing posix timers.\n"
		 "# ok 7 is no result, the program speaks no TAP\n"
		 "ok 2 selftests: timers: posix_timers\n"
		 "# selftests: bpf: test\n"
		 "ok 3 selftests: bpf: test # SKIP\n",
		 KTAP_FAILED, "1 of 4 tests failed: selftests: size: get_size.get_size");
	check_results("selftests: size: get_size fail group -\n"
		      "selftests: size: get_size.get_size pass\n"
		      "selftests: size: get_size.get_size fail\n"
		      "selftests: timers: posix_timers pass\n"
		      "selftests: bpf: test skip\n");
	check_reason(2, "exit=1");
}
END_TEST

/* tools/testing/selftests/kselftest_harness.h. */
START_TEST(kselftest_harness)
{
	read_all("TAP version 13\n"
		 "1..3\n"
		 "# Starting 3 tests from 1 test cases.\n"
		 "#  RUN           global.a ...\n"
		 "#            OK  global.a\n"
		 "ok 1 global.a\n"
		 "#  RUN           global.b ...\n"
		 "# b.c:12:b:Expected 1 (1) == 2 (2)\n"
		 "# b: Test failed at step #2\n"
		 "#          FAIL  global.b\n"
		 "not ok 2 global.b\n"
		 "ok 3 # SKIP not here\n"
		 "# FAILED: 2 / 3 tests passed.\n"
		 "# Totals: pass:1 fail:1 xfail:0 xpass:0 skip:1 error:0\n",
		 KTAP_FAILED, "1 of 3 tests failed: global.b");
	check_results("global.a pass\n"
		      "global.b fail\n"
		      "test 3 skip\n");
	check_output(1, "#  RUN           global.b ...\n"
			"# b.c:12:b:Expected 1 (1) == 2 (2)\n"
			"# b: Test failed at step #2\n"
			"#          FAIL  global.b\n");
}
END_TEST

START_TEST(all_of_it_is_skipped)
{
	read_all("TAP version 13\n1..0 # SKIP no such device\n", KTAP_PASSED,
		 "1 test: 0 passed, 1 skipped");
	check_results("all skip\n");
	check_reason(0, "no such device");
}
END_TEST

START_TEST(plan_behind_the_tests)
{
	read_all("TAP version 13\nok 1 a\nok 2 b\n1..2\n", KTAP_PASSED, "all 2 tests passed");
}
END_TEST

START_TEST(bail_out)
{
	read_all("TAP version 13\n1..3\nok 1 a\nBail out! No root\n", KTAP_INCOMPLETE,
		 "the tests bailed out: No root");
	ck_assert_uint_eq(tap.missing, 2);
}
END_TEST

START_TEST(several_streams)
{
	read_all("TAP version 13\n1..1\nok 1 a\n"
		 "/ # ./other\n"
		 "TAP version 13\n1..2\nok 1 b\nnot ok 2 c\n",
		 KTAP_FAILED, "1 of 3 tests failed: c");
	ck_assert_uint_eq(tap.streams, 2);
	ck_assert_uint_eq(tap.missing, 0);
	check_output(2, "");
}
END_TEST

/* KUnit counts suites over all streams, each of which has a plan of its own (modules). */
START_TEST(numbers_that_go_on)
{
	read_all("KTAP version 1\n1..1\nok 1 a\nKTAP version 1\n1..1\nok 2 b\n", KTAP_PASSED,
		 "all 2 tests passed");
	ck_assert_uint_eq(tap.out_of_order, 1);
}
END_TEST

/* [TAP14] "Subtests": the comment stands in the column of the result, the subtest four deeper. */
START_TEST(tap14_subtests)
{
	read_all("TAP version 14\n"
		 "1..2\n"
		 "# Subtest: foo.tap\n"
		 "    1..2\n"
		 "    ok 1\n"
		 "    ok 2 - this passed\n"
		 "ok 1 - foo.tap\n"
		 "# Subtest: bar.tap\n"
		 "    ok 1 - object should be a Bar\n",
		 KTAP_INCOMPLETE, "1 of 2 results came, the last bar.tap.object should be a Bar");
	check_results("foo.tap pass group -\n"
		      "foo.tap.test 1 pass\n"
		      "foo.tap.this passed pass\n"
		      "bar.tap none group -\n"
		      "bar.tap.object should be a Bar pass\n");
	ck_assert_uint_eq(tap.unfinished, 1);
}
END_TEST

/* ---- what does not come ---------------------------------------------------------------------- */

START_TEST(nothing_before_a_version_line)
{
	read_all("1..2\nnot ok 1 a\nok 2 b\n    # Subtest: c\nBail out!\nKTAP\nTAP version\n"
		 "TAP version 13x\n",
		 KTAP_NONE, "no line \"KTAP version 1\" or \"TAP version 13\" came");
	ck_assert_uint_eq(tap.results, 0);
}
END_TEST

START_TEST(nothing_behind_one)
{
	read_all("KTAP version 1\n", KTAP_NONE, "no test was run");
}
END_TEST

START_TEST(stream_that_breaks_off)
{
	char output[KTAP_OUTPUT_BYTES];

	read_all("KTAP version 1\n"
		 "1..3\n"
		 "    # Subtest: list\n"
		 "    1..4\n"
		 "    ok 1 add\n"
		 "    ok 2 del\n"
		 "    # next: about to crash\n"
		 "BUG: kernel NULL pointer dereference, address: 0000000000000000\n",
		 KTAP_INCOMPLETE, "2 of 4 results of list came, the last list.del");
	check_results("list none group -\n"
		      "list.add pass\n"
		      "list.del pass\n");
	ck_assert_uint_eq(tap.missing, 2 + 3);
	ck_assert_uint_eq(tap.unfinished, 1);
	ktap_last_output(&tap, output, sizeof(output));
	ck_assert_str_eq(output, "# next: about to crash\n"
				 "BUG: kernel NULL pointer dereference, address: "
				 "0000000000000000\n");
	ktap_last_output(&tap, output, 5);
	ck_assert_str_eq(output, "# ne");
}
END_TEST

START_TEST(failures_and_missing_ones)
{
	read_all("KTAP version 1\n1..5\nnot ok 1 a\nnot ok 2 b\nok 3 c\n", KTAP_FAILED,
		 "2 of 3 tests failed, and not all results came: first a");
}
END_TEST

START_TEST(results_missing_inside)
{
	read_all("KTAP version 1\n1..1\n  KTAP version 1\n  1..10\n"
		 "  ok 1 a\n  ok 3 c\nok 1 group\n",
		 KTAP_INCOMPLETE, "2 of 10 results of group came, the last group");
	ck_assert_uint_eq(tap.missing, 8);
	ck_assert_uint_eq(tap.out_of_order, 1);
	ck_assert_uint_eq(tap.unfinished, 0);
}
END_TEST

START_TEST(numbers_without_a_plan_tell_too)
{
	read_all("KTAP version 1\n1..1\n  KTAP version 1\n  ok 1 a\n  ok 3 c\nok 1 group\n",
		 KTAP_INCOMPLETE, "2 of 3 results of group came, the last group");
}
END_TEST

START_TEST(more_than_planned)
{
	read_all("KTAP version 1\n1..1\nok 1 a\nok 2 b\nok 2 c\n", KTAP_INCOMPLETE,
		 "2 results more than planned");
	ck_assert_uint_eq(tap.out_of_order, 1);
}
END_TEST

START_TEST(group_without_a_result)
{
	read_all("KTAP version 1\n1..1\n"
		 "  KTAP version 1\n  1..1\n  ok 1 a\n"
		 "  KTAP version 1\n  1..1\n  ok 1 b\nok 1 second\n",
		 KTAP_INCOMPLETE, "1 group of tests came to no result");
	check_results("(no name) none group -\n"
		      "(no name).a pass\n"
		      "second pass group -\n"
		      "second.b pass\n");
}
END_TEST

/* ---- times ----------------------------------------------------------------------------------- */

START_TEST(times)
{
	feed("KTAP version 1\n"           /* 1010 */
	     "1..2\n"                     /* 1020 */
	     "    KTAP version 1\n"       /* 1030 */
	     "    # Subtest: s\n"         /* 1040 */
	     "    1..2\n"                 /* 1050 */
	     "    a line\n"               /* 1060 */
	     "    ok 1 a\n"               /* 1070 */
	     "    ok 2 b\n"               /* 1080 */
	     "ok 1 s\n");                 /* 1090 */
	ktap_line(&tap, "ok 2 t", 6, 50); /* a clock that goes backwards */
	ktap_end(&tap);
	ck_assert_uint_eq(tap.result[0].at_ns, 1090);
	ck_assert_uint_eq(tap.result[0].took_ns, 60);
	ck_assert_uint_eq(tap.result[1].at_ns, 1070);
	ck_assert_uint_eq(tap.result[1].took_ns, 20);
	ck_assert_uint_eq(tap.result[2].took_ns, 10);
	ck_assert_uint_eq(tap.result[3].took_ns, 0);
}
END_TEST

/* ---- hostile streams ------------------------------------------------------------------------- */

START_TEST(names_with_everything_in_them)
{
	static const char line[] = "ok 1 a\0b\033[2J\xff case #2 is \\# #SKIPPED: why\0not\t\r";

	feed("KTAP version 1\n1..2\n");
	ktap_line(&tap, line, sizeof(line) - 1, now_ns);
	feed("not ok 2 -\n");
	ktap_end(&tap);
	check_results("a b\033[2J\xff case #2 is \\# skip\ntest 2 fail\n");
	check_reason(0, "why not");
	check_verdict(KTAP_FAILED, "1 of 2 tests failed: test 2");
}
END_TEST

START_TEST(sentences_are_plain_and_fit)
{
	char line[600], text[40];

	feed("KTAP version 1\n1..1\n");
	memset(line, 'x', sizeof(line));
	memcpy(line, "not ok 1 \033\xc3\xa4", 12);
	ktap_line(&tap, line, sizeof(line), now_ns);
	ktap_end(&tap);
	ck_assert_uint_eq(strlen(ktap_text(&tap, tap.result[0].name)), KTAP_NAME_BYTES - 1);
	(void)ktap_verdict(&tap, text, sizeof(text));
	ck_assert_str_eq(text, "1 of 1 test failed: ???xxxxxxxxxxxxx...");
	ck_assert_int_eq(ktap_verdict(&tap, NULL, 0), KTAP_FAILED);
}
END_TEST

START_TEST(numbers_beyond_all_bounds)
{
	read_all("KTAP version 1\n"
		 "1..99999999999999999999999999\n"
		 "ok 88888888888888888888888 a\n"
		 "ok 0 b\n"
		 "ok -1 c\n",
		 KTAP_INCOMPLETE, "2 of 999999999 results came, the last b");
	ck_assert_uint_eq(tap.missing, 999999997);
}
END_TEST

START_TEST(nested_too_deep)
{
	char line[128];

	for (int depth = 0; depth < 40; depth++) {
		(void)snprintf(line, sizeof(line), "%*sKTAP version 1\n%*s1..1\n", 2 * depth, "",
			       2 * depth, "");
		feed(line);
	}
	for (int depth = 39; depth >= 0; depth--) {
		(void)snprintf(line, sizeof(line), "%*snot ok 1 d%d\n", 2 * depth, "", depth);
		feed(line);
	}
	ktap_end(&tap);
	/* Those of depth 16 to 39 find no level, the one of 15 is the innermost that has one. */
	ck_assert_uint_eq(tap.lost, 24);
	ck_assert_uint_eq(tap.results, 16);
	check_verdict(KTAP_FAILED, "25 of 25 tests failed: first d0.d1.d2.d3.d4.d5.d6.d7.d8.d9."
				   "d10.d11.d12.d13.d14.d15");
}
END_TEST

START_TEST(columns_without_end)
{
	char line[2048];

	memset(line, ' ', sizeof(line));
	memcpy(line + sizeof(line) - 14, "KTAP version 1", 14);
	ktap_line(&tap, line, sizeof(line), 1);
	ck_assert_uint_eq(tap.levels, 0);
	feed("KTAP version 1\n1..1\n");
	memcpy(line + sizeof(line) - 14, "not ok 1 abcde", 14);
	ktap_line(&tap, line, sizeof(line), 1);
	feed("# # # # # TAP version 13\n");
	ktap_end(&tap);
	check_verdict(KTAP_INCOMPLETE, "0 of 1 results came");
}
END_TEST

START_TEST(output_without_end)
{
	const char *output;
	char line[64];
	unsigned int left_out;

	feed("KTAP version 1\n1..1\n");
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(line, sizeof(line), "line %d of what it said\n", i);
		feed(line);
	}
	feed("not ok 1 talks\n");
	ktap_end(&tap);
	output = ktap_text(&tap, tap.result[0].output);
	ck_assert_uint_lt(strlen(output), KTAP_OUTPUT_BYTES);
	ck_assert_uint_gt(strlen(output), KTAP_OUTPUT_BYTES - 200);
	ck_assert(strncmp(output, "line 0 of what it said\nline 1 of", 32) == 0);
	ck_assert_str_eq(output + strlen(output) - 26, "line 9999 of what it said\n");
	/* All is there or counted: 10 of 23 bytes, 90 of 24, 900 of 25, 9000 of 26. */
	ck_assert_int_eq(sscanf(strstr(output, "... "), "... %u bytes left out ...\n", &left_out),
			 1);
	ck_assert_uint_eq(left_out + strlen(output) - strlen("... 254900 bytes left out ...\n"),
			  10 * 23 + 90 * 24 + 900 * 25 + 9000 * 26);
}
END_TEST

START_TEST(a_line_without_end)
{
	static char line[100000];
	char output[KTAP_OUTPUT_BYTES];

	feed("KTAP version 1\n1..1\n");
	memset(line, 'y', sizeof(line));
	for (int i = 0; i < 5; i++)
		ktap_line(&tap, line, sizeof(line), 1);
	ktap_end(&tap);
	ktap_last_output(&tap, output, sizeof(output));
	ck_assert_str_eq(output + 1000, strstr(output, "\n"));
	ck_assert_uint_lt(strlen(output), KTAP_OUTPUT_BYTES);
}
END_TEST

START_TEST(more_results_than_there_is_room)
{
	char line[64];

	feed("KTAP version 1\n1..100003\n");
	for (int i = 1; i <= KTAP_RESULTS_MAX; i++) {
		(void)snprintf(line, sizeof(line), "ok %d test_%d\n", i, i);
		feed(line);
	}
	feed("  KTAP version 1\n  1..1\n  not ok 1 beyond\nnot ok 100001 group\nok 100002 a\n"
	     "ok 100003 b\n");
	ktap_end(&tap);
	ck_assert_uint_eq(tap.results, KTAP_RESULTS_MAX);
	ck_assert_uint_eq(tap.lost, 4);
	check_verdict(KTAP_FAILED, "1 of 100003 tests failed");
	ck_assert_uint_eq(tap.missing, 0);
}
END_TEST

/* 2 KiB of output for each failure, two lines: 11 MiB are full after some 5700. */
START_TEST(more_text_than_there_is_room)
{
	static char line[1000];

	memset(line, 'z', sizeof(line));
	feed("KTAP version 1\n");
	for (int i = 0; i < 6000; i++) {
		for (int j = 0; j < 5; j++)
			ktap_line(&tap, line, sizeof(line), 1);
		feed("not ok 1 fails\n");
	}
	ktap_end(&tap);
	ck_assert_uint_le(tap.text_bytes, KTAP_TEXT_BYTES);
	ck_assert_uint_gt(tap.text_bytes, KTAP_TEXT_BYTES - 2 * KTAP_OUTPUT_BYTES);
	ck_assert_uint_gt(tap.text_lost, 0);
	ck_assert_uint_eq(tap.count[KTAP_FAIL], 6000);
	ck_assert_uint_eq(tap.results, 6000);
}
END_TEST

/* Columns that fit no level: the results belong to the group around. */
START_TEST(sloppy_indentation)
{
	read_all("    KTAP version 1\n"
		 "1..2\n"
		 "        KTAP version 1\n"
		 "        1..1\n"
		 "        ok 1 a\n"
		 "      ok 1 g\n"
		 "ok 2 h\n",
		 KTAP_PASSED, "all 2 tests passed");
	check_results("g pass group -\ng.a pass\nh pass\n");
}
END_TEST

static Suite *ktap_suite(void)
{
	Suite *suite = suite_create("ktap");
	TCase *tcase = tcase_create("all");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, two_nested_subtests);
	tcase_add_test(tcase, several_levels);
	tcase_add_test(tcase, example_ktap_output);
	tcase_add_test(tcase, result_lines);
	tcase_add_test(tcase, unknown_lines_change_nothing);
	tcase_add_test(tcase, kunit);
	tcase_add_test(tcase, stamps_with_a_caller);
	tcase_add_test(tcase, kunit_of_old);
	tcase_add_test(tcase, group_that_fails_by_itself);
	tcase_add_test(tcase, kunit_with_nothing_to_run);
	tcase_add_test(tcase, all_pass);
	tcase_add_test(tcase, some_are_skipped);
	tcase_add_test(tcase, kselftest_run);
	tcase_add_test(tcase, kselftest_harness);
	tcase_add_test(tcase, all_of_it_is_skipped);
	tcase_add_test(tcase, plan_behind_the_tests);
	tcase_add_test(tcase, bail_out);
	tcase_add_test(tcase, several_streams);
	tcase_add_test(tcase, numbers_that_go_on);
	tcase_add_test(tcase, tap14_subtests);
	tcase_add_test(tcase, nothing_before_a_version_line);
	tcase_add_test(tcase, nothing_behind_one);
	tcase_add_test(tcase, stream_that_breaks_off);
	tcase_add_test(tcase, failures_and_missing_ones);
	tcase_add_test(tcase, results_missing_inside);
	tcase_add_test(tcase, numbers_without_a_plan_tell_too);
	tcase_add_test(tcase, more_than_planned);
	tcase_add_test(tcase, group_without_a_result);
	tcase_add_test(tcase, times);
	tcase_add_test(tcase, names_with_everything_in_them);
	tcase_add_test(tcase, sentences_are_plain_and_fit);
	tcase_add_test(tcase, numbers_beyond_all_bounds);
	tcase_add_test(tcase, nested_too_deep);
	tcase_add_test(tcase, columns_without_end);
	tcase_add_test(tcase, output_without_end);
	tcase_add_test(tcase, a_line_without_end);
	tcase_add_test(tcase, more_results_than_there_is_room);
	tcase_add_test(tcase, more_text_than_there_is_room);
	tcase_add_test(tcase, sloppy_indentation);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(ktap_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
