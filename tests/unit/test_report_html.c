/* SPDX-License-Identifier: MIT */
/*
 * The page as a file: whole, without anything from elsewhere, and with a guest's text in it that stays
 * text. What it looks like and what its script does is test_page.sh's.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/report.h"

#define HOSTILE "</noscript></script><!--<script>&\"\xff"
#define HOSTILE_AS_TEXT \
	"&lt;/noscript&gt;&lt;/script&gt;&lt;!--&lt;script&gt;&amp;&quot;\xef\xbf\xbd"

static const struct report_mark marks[] = {
	{ .name = "process start", .taken = "the kernel began with this process" },
	{ .name = HOSTILE, .taken = HOSTILE, .source = REPORT_BY_GUEST, .at_ns = 1234567 },
	{ .name = "end", .taken = NULL, .at_ns = 2000000 },
};
static const struct report_step steps[] = { { .to = 1, .ns = 1234567 },
					    { .from = 1, .to = 2, .ns = 765433 } };
static const struct report_initcall initcalls[] = {
	{ .name = HOSTILE, .level = "core", .at_ns = 1300000, .ns = 4000 }
};
static const char *const frames[] = { "start_kernel" };
static const struct report_stack stacks[] = { { frames, 1, 10 } };

static struct report report;
static const char *json;
static int json_rc;
static char *page;

/* Instead of report_json.c's: what it writes is not asked here, only what becomes of it. */
int report_print_json(const struct report *of, FILE *out)
{
	ck_assert_ptr_eq(of, &report);
	(void)fputs(json, out);
	return json_rc;
}

static void setup(void)
{
	report = (struct report){ .ending = { .kind = "reset", .sentence = "the guest <reset>" },
				  .mark = marks,
				  .marks = 3,
				  .step = steps,
				  .steps = 2,
				  .initcall = initcalls,
				  .initcalls = 1 };
	json = "{\"marks\":[]}";
	json_rc = 0;
}

static void teardown(void)
{
	free(page);
	page = NULL;
}

static void print(void)
{
	size_t page_bytes = 0;
	FILE *out = open_memstream(&page, &page_bytes);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(report_print_html(&report, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

static size_t occurrences(const char *of)
{
	size_t count = 0;

	for (const char *at = page; (at = strstr(at, of)) != NULL; at += strlen(of))
		count++;
	return count;
}

static void has(const char *part)
{
	ck_assert_msg(strstr(page, part) != NULL, "no %s in the page", part);
}

static void has_not(const char *part)
{
	ck_assert_msg(strstr(page, part) == NULL, "%s in the page", part);
}

START_TEST(the_page_is_whole)
{
	print();
	ck_assert_int_eq(strncmp(page, "<!DOCTYPE html>", 15), 0);
	ck_assert_str_eq(page + strlen(page) - 8, "</html>\n");
	has("{\"marks\":[]}");
	has_not("<!--@");
	ck_assert_uint_eq(occurrences("<style>"), 1);
	ck_assert_uint_eq(occurrences("</script"), 2); /* the JSON's and the script's */
}
END_TEST

START_TEST(nothing_comes_from_elsewhere)
{
	print();
	has_not("https:");
	has_not("url(");
	has_not("@import");
	has_not("<link");
	has_not(" src=");
	has_not("fetch(");
	has_not("XMLHttpRequest");
	has_not("innerHTML");
	ck_assert_uint_eq(occurrences("http:"), occurrences("http://www.w3.org/2000/svg"));
	has("default-src 'none'");
}
END_TEST

START_TEST(json_cannot_end_its_element)
{
	json = "{\"marks\":[\"</script><!--<script>\"]}<";
	print();
	has("{\"marks\":[\"\\u003c/script>\\u003c!--\\u003cscript>\"]}\\u003c");
	ck_assert_uint_eq(occurrences("</script"), 2);
}
END_TEST

START_TEST(tables_tell_without_scripts)
{
	print();
	has("<td>process start</td>");
	has("<td class=\"n\">1.235</td>"); /* 1234567 ns */
	has("<td class=\"n\">0.765</td>");
	has("the guest &lt;reset&gt;");
	has("<td>core</td>");
}
END_TEST

START_TEST(names_are_text)
{
	print();
	ck_assert_uint_eq(occurrences("<td>" HOSTILE_AS_TEXT "</td>"),
			  3); /* name, taken, initcall */
	ck_assert_uint_eq(occurrences("</noscript>"), 1);
	has_not("\xff");
}
END_TEST

START_TEST(the_flame_graph_is_in_it)
{
	print();
	has_not("<svg ");
	teardown();
	report.profile = (struct report_profile){
		.rate_hz = 1000, .samples = 10, .stack = stacks, .stacks = 1
	};
	print();
	has("class=\"flame\"");
	has("data-name=\"start_kernel\"");
}
END_TEST

START_TEST(failures_are_told)
{
	FILE *full = fopen("/dev/full", "w"), *fine = fopen("/dev/null", "w");

	ck_assert_ptr_nonnull(full);
	ck_assert_ptr_nonnull(fine);
	report.profile = (struct report_profile){ .stack = stacks, .stacks = 1 };
	ck_assert_int_eq(report_print_html(&report, full), -ENOSPC);
	json_rc = -EIO;
	ck_assert_int_eq(report_print_html(&report, fine), -EIO);
	(void)fclose(full);
	(void)fclose(fine);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_page_is_whole,
		nothing_comes_from_elsewhere,
		json_cannot_end_its_element,
		tables_tell_without_scripts,
		names_are_text,
		the_flame_graph_is_in_it,
		failures_are_told,
	};
	Suite *suite = suite_create("report_html");
	TCase *tcase = tcase_create("report_html");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
