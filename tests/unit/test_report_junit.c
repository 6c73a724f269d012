/* SPDX-License-Identifier: MIT */
/*
 * The report as JUnit XML: the elements that Jenkins, GitLab and GitHub's actions read, and a document that is
 * well-formed ([XML] "Well-Formed XML Documents") whatever a guest wrote.
 */
#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/ktapspec.h"
#include "tests/common/reportspec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HEAD         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static const struct report_mark marks[] = {
	{ .name = "process start" },
	{ .name = "end", .at_ns = 1250000000 },
};
static const struct report_line lines[] = { { 1, 2, "Linux version 6.1" },
					    { 3, 4, "\033[1mBoot took\033[0m 1 s" } };

static struct report report;
static char *xml;

static void setup(void)
{
	report = (struct report){ .ending = { 0, "power-off", "guest powered off" },
				  .mark = marks,
				  .marks = 2,
				  .end = 1 };
	report.guest.kernel = "build/linux/bzImage";
}

static void teardown(void)
{
	free(xml);
	xml = NULL;
	ktapspec_finish();
}

static void print(void)
{
	size_t bytes;
	FILE *out = open_memstream(&xml, &bytes);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(report_print_junit(&report, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

/* ---- is it well-formed? ---------------------------------------------------------------------- */

enum { DEPTH_MAX = 8, NAME_BYTES = 32 };

static char open_element[DEPTH_MAX][NAME_BYTES];
static int depth;

static const char *name_at(const char *at, char *name)
{
	size_t length = 0;

	while (isalpha((unsigned char)at[length]) || at[length] == '-')
		length++;
	ck_assert_uint_gt(length, 0);
	ck_assert_uint_lt(length, NAME_BYTES);
	memcpy(name, at, length);
	name[length] = '\0';
	return at + length;
}

/* A reference, or a character that needs none. */
static const char *character_at(const char *at)
{
	static const char *const reference[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };

	ck_assert_msg(*at == '\n' || *at == '\t' || (unsigned char)*at >= 0x20, "\\x%02x", *at);
	ck_assert(*at != '<' && *at != '>');
	if (*at != '&')
		return at + 1;
	for (size_t i = 0; i < COUNT(reference); i++) {
		if (strncmp(at, reference[i], strlen(reference[i])) == 0)
			return at + strlen(reference[i]);
	}
	ck_abort_msg("no reference: %.10s", at);
	return NULL;
}

static const char *attributes_at(const char *at)
{
	char name[NAME_BYTES];

	while (*at == ' ') {
		at = name_at(at + 1, name);
		ck_assert_msg(at[0] == '=' && at[1] == '"', "%s: %.10s", name, at);
		for (at += 2; *at != '"';)
			at = character_at(at);
		at++;
	}
	return at;
}

static const char *tag_at(const char *at)
{
	char name[NAME_BYTES];

	if (at[1] == '/') {
		at = name_at(at + 2, name);
		ck_assert_int_gt(depth, 0);
		ck_assert_str_eq(name, open_element[--depth]);
		ck_assert_int_eq(*at, '>');
		return at + 1;
	}
	ck_assert_int_lt(depth, DEPTH_MAX);
	at = attributes_at(name_at(at + 1, open_element[depth]));
	if (at[0] == '/' && at[1] == '>')
		return at + 2;
	ck_assert_int_eq(*at, '>');
	depth++;
	return at + 1;
}

static void check_well_formed(void)
{
	const char *at = xml;

	ck_assert(strncmp(at, HEAD "<testsuites ", strlen(HEAD "<testsuites ")) == 0);
	depth = 0;
	for (at += strlen(HEAD); *at;)
		at = *at == '<' ? tag_at(at) : character_at(at);
	ck_assert_int_eq(depth, 0);
}

static unsigned int count_of(const char *words)
{
	unsigned int count = 0;

	for (const char *at = xml; (at = strstr(at, words)); at++)
		count++;
	return count;
}

/* ---- cases ----------------------------------------------------------------------------------- */

START_TEST(a_run_that_went_well)
{
	print();
	ck_assert_str_eq(
		xml, HEAD
		"<testsuites name=\"tvmm\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\" "
		"time=\"1.250000\">\n"
		" <testsuite name=\"boot\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\" "
		"time=\"1.250000\">\n"
		"  <testcase classname=\"boot\" name=\"bzImage\" time=\"1.250000\">\n"
		"  </testcase>\n"
		" </testsuite>\n"
		"</testsuites>\n");
	check_well_formed();
}
END_TEST

static void check_fault(int status, const char *kind, const char *element, const char *sums)
{
	char expected[256];

	report.ending.status = status;
	report.ending.kind = kind;
	report.ending.sentence = "it went wrong";
	print();
	(void)snprintf(expected, sizeof(expected),
		       "   <%s message=\"it went wrong\" type=\"%s\">CPU 0 &lt;here&gt;\n</%s>\n",
		       element, kind, element);
	ck_assert_ptr_nonnull(strstr(xml, expected));
	ck_assert_ptr_nonnull(strstr(xml, sums));
	check_well_formed();
	free(xml);
	xml = NULL;
}

/* A guest's fault is a failure; what tvmm could not do, and being stopped, is an error. */
START_TEST(runs_that_went_wrong)
{
	report.autopsy_text = "CPU 0 <here>\n";
	check_fault(255, "panic", "failure", "failures=\"1\" errors=\"0\"");
	check_fault(124, "timeout", "failure", "failures=\"1\" errors=\"0\"");
	check_fault(1, "exit", "failure", "failures=\"1\" errors=\"0\"");
	check_fault(125, "output-lost", "error", "failures=\"0\" errors=\"1\"");
	check_fault(143, "signal", "error", "failures=\"0\" errors=\"1\"");
}
END_TEST

START_TEST(the_console_and_a_name)
{
	report.name = "./mytest";
	report.console = (struct report_console){ .line = lines, .lines = 2, .lines_lost = 3 };
	print();
	ck_assert_ptr_nonnull(strstr(xml, "name=\"./mytest\""));
	ck_assert_ptr_nonnull(strstr(xml, "   <system-out>Linux version 6.1\n"
					  "Boot took 1 s\n"
					  "(3 lines behind these were not kept)\n"
					  "</system-out>\n"));
	check_well_formed();
}
END_TEST

/* The last lines that fit into 64 KiB. */
START_TEST(the_end_of_a_long_console)
{
	static struct report_line many[10000];
	static char text[10000][16];

	for (size_t i = 0; i < COUNT(many); i++) {
		(void)snprintf(text[i], sizeof(text[i]), "line %06zu...", i);
		many[i].text = text[i];
	}
	report.console = (struct report_console){ .line = many, .lines = COUNT(many) };
	print();
	/* 15 bytes each: 4369 are 65535. */
	ck_assert_ptr_nonnull(
		strstr(xml, "(5631 lines before these are left out)\nline 005631...\n"));
	ck_assert_ptr_nonnull(strstr(xml, "line 009999...\n</system-out>"));
}
END_TEST

START_TEST(tests_in_groups_and_in_none)
{
	report.ending.status = 120;
	report.ending.kind = "tests-failed";
	report.tests = ktapspec_read(KTAPSPEC_FULL, 1000000000);
	print();
	check_well_formed();
	/* Ten tests, one group without a result, and the run. */
	ck_assert_ptr_nonnull(strstr(xml, "<testsuites name=\"tvmm\" tests=\"12\" failures=\"5\" "
					  "errors=\"1\" skipped=\"2\" time=\"1.250000\">"));
	ck_assert_uint_eq(count_of("<testcase "), 12);
	ck_assert_uint_eq(count_of("<testsuite "), 5);
	ck_assert_ptr_nonnull(
		strstr(xml, " <testsuite name=\"tests\" tests=\"2\" failures=\"1\" "));
	ck_assert_ptr_nonnull(
		strstr(xml, " <testsuite name=\"list\" tests=\"4\" failures=\"1\" errors=\"0\" "
			    "skipped=\"2\" time=\"0.006000\">\n"
			    "  <testcase classname=\"list\" name=\"add\" time=\"0.001000\">\n"
			    "  </testcase>\n"
			    "  <testcase classname=\"list\" name=\"del\" time=\"0.003000\">\n"
			    "   <failure message=\"del: EXPECTATION FAILED at lib/list-test.c:60\" "
			    "type=\"not ok\"># del: EXPECTATION FAILED at lib/list-test.c:60\n"
			    "Expected list_empty(&amp;list), but is &lt;not&gt; &amp; "
			    "&quot;]]&gt;&quot;\n"
			    "</failure>\n"
			    "  </testcase>\n"
			    "  <testcase classname=\"list\" name=\"move\" time=\"0.001000\">\n"
			    "   <skipped message=\"no memory\"/>\n"
			    "  </testcase>\n"
			    "  <testcase classname=\"list\" name=\"swap\" time=\"0.001000\">\n"
			    "   <skipped message=\"expected to fail: later\"/>\n"
			    "  </testcase>\n"
			    " </testsuite>\n"));
	ck_assert_ptr_nonnull(strstr(xml,
				     "  <testcase classname=\"broken\" name=\"broken\" "
				     "time=\"0.000000\">\n"
				     "   <error message=\"it began, but no result of it came\" "
				     "type=\"no result\">BUG: &lt;/details&gt;"));
}
END_TEST

START_TEST(hostile_texts)
{
	report = *reportspec_full();
	report.name = REPORTSPEC_HOSTILE;
	report.autopsy_text = REPORTSPEC_HOSTILE;
	report.ending.status = 1;
	report.ending.kind = REPORTSPEC_HOSTILE;
	print();
	check_well_formed();
	ck_assert_uint_gt(count_of("&lt;/script&gt;&lt;b&gt;&amp;amp; "), 4);
}
END_TEST

START_TEST(no_results_at_all)
{
	report.tests = ktapspec_read("", 1);
	print();
	check_well_formed();
	ck_assert_uint_eq(count_of("<testcase "), 1);
}
END_TEST

START_TEST(a_full_disk)
{
	FILE *out = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(report_print_junit(&report, out), -ENOSPC);
	(void)fclose(out);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_run_that_went_well,        runs_that_went_wrong,
		the_console_and_a_name,      the_end_of_a_long_console,
		tests_in_groups_and_in_none, hostile_texts,
		no_results_at_all,           a_full_disk,
	};
	Suite *suite = suite_create("report_junit");
	TCase *tcase = tcase_create("report_junit");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
