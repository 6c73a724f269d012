/* SPDX-License-Identifier: MIT */
/*
 * The report as a Markdown summary: what is in it, that a guest's text stays inside code spans and fences
 * (GitHub Flavored Markdown Spec, "Code spans", "Fenced code blocks", "Tables"), and that it is short enough.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/ktapspec.h"
#include "tests/common/reportspec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ATTACK                                                                                 \
	"ATTACK`` ` ```` |\\| \\` [ATTACK](http://ATTACK.example) <img src=ATTACK> </details>" \
	"www.ATTACK.example @ATTACK #1 \r&lt;ATTACK\t~~~\033]0;ATTACK\007 \\"

enum { LIMIT_BYTES = 64 << 10 };

static const struct report_mark marks[] = {
	{ .name = "process start" },
	{ .name = "end", .at_ns = 1250000000 },
};
static const struct report_metric metrics[] = {
	{ "total", REPORT_NS, 1250000000, "process start", "end" },
	{ "host", REPORT_NS, 2345678, "process start", "first guest instruction" },
	{ "boot", REPORT_NS, 1, "process start", "end" },
};
static const struct report_line lines[] = { { 1, 2, "Linux version 6.1" },
					    { 3, 4, "\033[1mBoot took\033[0m 1 s" } };

static struct report report;
static char *markdown;
static size_t markdown_bytes;

static void setup(void)
{
	report = (struct report){ .ending = { 0, "power-off", "guest powered off" },
				  .mark = marks,
				  .marks = 2,
				  .end = 1,
				  .metric = metrics,
				  .metrics = COUNT(metrics) };
	report.guest.kernel = "build/linux/bzImage";
}

static void teardown(void)
{
	free(markdown);
	markdown = NULL;
	ktapspec_finish();
}

static void print(void)
{
	FILE *out = open_memstream(&markdown, &markdown_bytes);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(report_print_summary(&report, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_uint_lt(markdown_bytes, LIMIT_BYTES);
}

/* ---- what a reader takes for more than text ---------------------------------------------------- */

/* The line without its code spans; none may be left open. */
static void without_spans(const char *line, size_t length, char *rest)
{
	bool inside = false;

	for (size_t i = 0; i < length; i++) {
		if (line[i] == '`')
			inside = !inside;
		else if (!inside)
			*rest++ = line[i];
	}
	*rest = '\0';
	ck_assert_msg(!inside, "an open code span: %.*s", (int)length, line);
}

static size_t ticks_at(const char *line)
{
	return strspn(line, "`");
}

/* Guests' texts have ATTACK in them. */
static void check_harmless(void)
{
	static char rest[LIMIT_BYTES];
	size_t fence = 0, length;

	for (const char *line = markdown; *line; line += length + 1) {
		length = strcspn(line, "\n");
		if (fence) {
			/* CommonMark: at least as long, and nothing but blanks behind it. */
			if (ticks_at(line) >= fence &&
			    strspn(line + ticks_at(line), " ") + ticks_at(line) == length)
				fence = 0;
			continue;
		}
		if (ticks_at(line) >= 3) {
			fence = ticks_at(line);
			ck_assert_uint_eq(length, fence + 4);
			continue;
		}
		without_spans(line, length, rest);
		ck_assert_msg(!strstr(rest, "ATTACK"), "%s", rest);
	}
	ck_assert_uint_eq(fence, 0);
	ck_assert_ptr_null(strpbrk(markdown, "\r\t\033\007"));
}

static unsigned int count_of(const char *words)
{
	unsigned int count = 0;

	for (const char *at = markdown; (at = strstr(at, words)); at++)
		count++;
	return count;
}

/* ---- cases ----------------------------------------------------------------------------------- */

START_TEST(a_run_that_went_well)
{
	report.console = (struct report_console){ .line = lines, .lines = 2 };
	print();
	ck_assert_str_eq(markdown,
			 "\n"
			 "## \xe2\x9c\x85 `bzImage` passed\n"
			 "\n"
			 "`guest powered off`, exit status 0\n"
			 "\n"
			 "| | from | to | time |\n"
			 "|---|---|---|---:|\n"
			 "| host | `process start` | `first guest instruction` | 2.345 ms |\n"
			 "| total | `process start` | `end` | 1250.000 ms |\n"
			 "\n"
			 "<details><summary>The last 2 of the console's 2 lines</summary>\n"
			 "\n"
			 "```text\n"
			 "Linux version 6.1\n"
			 "Boot took 1 s\n"
			 "```\n"
			 "\n"
			 "</details>\n"
			 "\n");
}
END_TEST

START_TEST(a_panic_with_its_autopsy)
{
	report.name = "./mytest";
	report.ending.status = 255;
	report.ending.sentence = "guest kernel panicked";
	report.metrics = 0;
	report.autopsy_text = "CPU 0: RIP ffffffff81000000";
	print();
	ck_assert_str_eq(markdown, "\n"
				   "## \xe2\x9d\x8c `./mytest` failed\n"
				   "\n"
				   "`guest kernel panicked`, exit status 255\n"
				   "\n"
				   "<details><summary>Autopsy</summary>\n"
				   "\n"
				   "```text\n"
				   "CPU 0: RIP ffffffff81000000\n"
				   "```\n"
				   "\n"
				   "</details>\n"
				   "\n");
}
END_TEST

START_TEST(tests_failed_ones_first)
{
	report.ending.status = 120;
	report.tests = ktapspec_read("KTAP version 1\n"
				     "1..3\n"
				     "ok 1 first\n"
				     "    # Subtest: list\n"
				     "    1..2\n"
				     "    ok 1 add # SKIP\n"
				     "    # del: it is | broken\n"
				     "    not ok 2 del\n"
				     "not ok 2 list\n",
				     1000);
	print();
	ck_assert_ptr_nonnull(strstr(markdown,
				     "### 3 tests: 1 passed, 1 failed, 1 skipped\n"
				     "\n"
				     "`1 of 3 tests failed, and not all results came: list.del`\n"
				     "\n"
				     "| failed | | time |\n"
				     "|---|---|---:|\n"
				     "| `list.del` | `del: it is \xc2\xa6 broken` | 2.000 ms |\n"
				     "\n"
				     "<details><summary>What failed tests printed</summary>\n"
				     "\n"
				     "`list.del`\n"
				     "\n"
				     "```text\n"
				     "# del: it is | broken\n"
				     "```\n"));
	ck_assert_ptr_nonnull(strstr(markdown,
				     "| | | passed | failed | skipped | time |\n"
				     "|---|---|---:|---:|---:|---:|\n"
				     "| \xe2\x9d\x8c | `list` | 0 | 1 | 1 | 5.000 ms |\n"
				     "| \xe2\x9c\x85 | `first` | 1 | 0 | 0 | 1.000 ms |\n"));
}
END_TEST

START_TEST(what_came_last)
{
	report.tests = ktapspec_read("KTAP version 1\n1..2\nok 1 a\nBUG: gone\n", 1);
	print();
	ck_assert_ptr_nonnull(
		strstr(markdown, "<details><summary>What came behind the last result</summary>\n"
				 "\n"
				 "```text\n"
				 "BUG: gone\n"
				 "```\n"));
}
END_TEST

START_TEST(fifty_rows_at_most)
{
	static char stream[1 << 16];
	size_t used = (size_t)snprintf(stream, sizeof(stream), "KTAP version 1\n1..200\n");

	for (int i = 1; i <= 200; i++)
		used += (size_t)snprintf(stream + used, sizeof(stream) - used, "%sok %d test_%d\n",
					 i > 100 ? "not " : "", i, i);
	report.tests = ktapspec_read(stream, 1);
	print();
	ck_assert_uint_eq(count_of("\n50 more are not shown.\n"), 1);  /* of 100 failures */
	ck_assert_uint_eq(count_of("\n150 more are not shown.\n"), 1); /* of 200 */
	ck_assert_ptr_nonnull(strstr(markdown, "| \xe2\x9d\x8c | `test_101` | 0 | 1 | 0 |"));
	ck_assert_ptr_null(strstr(markdown, "`test_1`"));
}
END_TEST

static void check_span_of(const char *text, const char *expected)
{
	report.ending.sentence = text;
	print();
	ck_assert_msg(strstr(markdown, expected) != NULL, "%s", markdown);
	free(markdown);
	markdown = NULL;
}

START_TEST(spans)
{
	check_span_of("", "\n(none), exit status 0\n");
	check_span_of("``a`", "\n`''a'`, exit");
	check_span_of("a\nb\tc\rd", "\n`a b cd`, exit");
	check_span_of("\xc3\xa4\xff \xed\xa0\x80", "\n`\xc3\xa4\xef\xbf\xbd \xef\xbf\xbd");
	check_span_of("a\xe2\x80\xae"
		      "b",
		      "\n`a\xef\xbf\xbd"
		      "b`");
	check_span_of("\033[31mred\033[0m \033]0;title\007\033(B.", "\n`red .`");
}
END_TEST

/* Everything at its longest, and nothing but what is dangerous. */
static void make_hostile_stream(char *stream, size_t size, const char *text)
{
	size_t used = (size_t)snprintf(stream, size, "KTAP version 1\n1..120\n");

	for (int i = 1; i <= 60; i++) {
		used += (size_t)snprintf(stream + used, size - used,
					 "    # Subtest: %s\n    1..1\n", text);
		for (int j = 0; j < 5; j++)
			used += (size_t)snprintf(stream + used, size - used, "%s\n", text);
		used += (size_t)snprintf(stream + used, size - used,
					 "    not ok 1 %s # %s\nnot ok %d %s\n", text, text, i,
					 text);
	}
	(void)snprintf(stream + used, size - used, "%s\n", text);
}

static void check_hostile(const char *text)
{
	static struct report_line many[2000];
	static char stream[4 << 20], console[2048], autopsy[1 << 16];

	for (size_t used = 0; used + strlen(text) + 2 < sizeof(autopsy);)
		used += (size_t)sprintf(autopsy + used, "%s\n", text);
	(void)snprintf(console, sizeof(console), "%s%s", text, text);
	for (size_t i = 0; i < COUNT(many); i++)
		many[i].text = console;
	make_hostile_stream(stream, sizeof(stream), text);
	report = *reportspec_full();
	report.name = report.ending.sentence = report.autopsy_text = text;
	report.autopsy_text = autopsy;
	report.console = (struct report_console){ .line = many, .lines = COUNT(many) };
	report.tests = ktapspec_read(stream, 1);
	ck_assert_uint_eq(report.tests->count[KTAP_FAIL], 60);
	print();
	check_harmless();
	free(markdown);
	markdown = NULL;
}

START_TEST(hostile_texts)
{
	char text[800];

	check_hostile(ATTACK);
	check_hostile("ATTACK\n```\nATTACK\n");
	for (int i = 0; i < 256; i++) {
		if (i == 0 || i == '\n' || i == '#')
			continue;
		memset(text, i, sizeof(text));
		memcpy(text, "ATTACK", 6);
		text[sizeof(text) - 1] = '\0';
		check_hostile(text);
	}
}
END_TEST

START_TEST(a_full_disk)
{
	FILE *out = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(report_print_summary(&report, out), -ENOSPC);
	(void)fclose(out);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_run_that_went_well,    a_panic_with_its_autopsy,
		tests_failed_ones_first, what_came_last,
		fifty_rows_at_most,      spans,
		hostile_texts,           a_full_disk,
	};
	Suite *suite = suite_create("report_summary");
	TCase *tcase = tcase_create("report_summary");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
