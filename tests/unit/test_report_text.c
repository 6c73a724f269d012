/* SPDX-License-Identifier: MIT */
/*
 * The account for people. What it looks like as a whole is in tests/golden/report-*.txt
 * (GOLDEN_UPDATE=1 writes them: read the difference); the numbers here were worked out by hand
 * from tests/common/reportspec.c. Runs from the repository's root.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/reportspec.h"

static char *printed(const struct report *report, unsigned int columns)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	ck_assert_ptr_nonnull(out);
	report_print_text(report, columns, out);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

static void check_golden(const char *path, char *text)
{
	static char expected[32768];
	FILE *f = fopen(path, getenv("GOLDEN_UPDATE") ? "w+" : "r");

	ck_assert_msg(f != NULL, "%s: cannot be opened; run from the repository's root", path);
	if (getenv("GOLDEN_UPDATE"))
		ck_assert_int_ge(fputs(text, f), 0);
	rewind(f);
	expected[fread(expected, 1, sizeof(expected) - 1, f)] = '\0';
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_msg(strcmp(text, expected) == 0, "%s is something else than\n%.3000s", path,
		      text);
	free(text);
}

static void has_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	ck_assert_msg(at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n',
		      "no line \"%s\" in\n%s", line, text);
}

START_TEST(words_on_the_command_line)
{
	struct report report = *reportspec_bare();
	char *text = printed(&report, 0);

	ck_assert_ptr_null(strstr(text, "-fast-append"));
	free(text);
	report.guest.fast_append = "noapic a.b=1";
	text = printed(&report, 0);
	has_line(text,
		 "tvmm: -fast-append put in front of the kernel's command line: noapic a.b=1");
	free(text);
	report.guest.fast_append = "";
	report.guest.no_fast_append = "the reason";
	text = printed(&report, 0);
	has_line(text, "tvmm: -fast-append added nothing: the reason");
	free(text);
}
END_TEST

/* The README's look: of a run that nobody asked more of. */
START_TEST(the_plain_account)
{
	struct report report = *reportspec_bare();
	char *text;

	report.no_phases = report.no_initcalls = "not asked for";
	text = printed(&report, 0);
	ck_assert_str_eq(text, "tvmm:          ms        step\n"
			       "tvmm:       0.000      +0.000  process start            the kernel "
			       "began with this process\n"
			       "tvmm:       2.000      +2.000  first guest instruction  the first "
			       "KVM_RUN is entered\n"
			       "tvmm:       5.000      +3.000  first console byte       the first "
			       "byte out of the UART\n"
			       "tvmm:       5.000      +0.000  kernel banner            console "
			       "line \"Linux version\"\n"
			       "tvmm:      50.000     +45.000  end                      it did not "
			       "end in 50 ms\n");
	free(text);
}
END_TEST

START_TEST(looks)
{
	check_golden("tests/golden/report-bare.txt", printed(reportspec_bare(), 0));
	check_golden("tests/golden/report-bare-60.txt", printed(reportspec_bare(), 60));
	check_golden("tests/golden/report-full.txt", printed(reportspec_full(), 0));
	check_golden("tests/golden/report-full-80.txt", printed(reportspec_full(), 80));
	check_golden("tests/golden/report-full-60.txt", printed(reportspec_full(), 60));
	check_golden("tests/golden/report-full-39.txt", printed(reportspec_full(), 39));
}
END_TEST

/* It ended before it began. */
START_TEST(one_mark)
{
	struct report report = *reportspec_bare();

	report.marks = 1;
	report.steps = report.end = 0;
	check_golden("tests/golden/report-one-mark.txt", printed(&report, 0));
}
END_TEST

/*
 * The steps are 40 ms less the 0.304 of breakpoints; from the first guest instruction to the first
 * user-mode one they are 30 less 0.296. 2018 exits for the console cost 3.027 ms, and 2 us each to
 * leave and enter the guest; 100 of them, of 0.150 ms, come behind init's own line. Classes cost
 * 3.409 ms together. Of 8 samples two stacks of 3 and 1 have the same innermost frame.
 */
START_TEST(numbers)
{
	char *text = printed(reportspec_full(), 0);

	has_line(text, "tvmm:      30.000     +15.592  39.3%  initcalls: late               "
		       "breakpoint at initcalls: late");
	has_line(text, "tvmm: breakpoints: 38 exits, 8.0 us each to leave and enter the guest "
		       "(measured in this run), 0.304 ms in all, subtracted from the steps");
	has_line(text, "tvmm:       2.500               8.4%  clk_disable_unused            late");
	has_line(text, "tvmm: console: 2000 bytes, 2018 exits (1.01 per byte), 3.027 ms in tvmm, "
		       "about 7.063 ms with 2.0 us to leave and enter the guest");
	/* 36 ms - (3.027 - 0.150) - (2018 - 100) * 2 us */
	has_line(text,
		 "tvmm: without the console this boot would take about 29.287 ms, not 36.000, "
		 "to 'init's own line'");
	has_line(text, "tvmm: measured with the console quiet: 34.000 ms, not 36.000, from the "
		       "first guest instruction to 'init's own line'");
	has_line(text,
		 "tvmm:       3.009        2000  88.3%  port 0x3f8 write              uart16550");
	has_line(text, "tvmm:                       4  50.0%  memset_erms");
	free(text);
}
END_TEST

static unsigned int lines_with(const char *text, const char *part)
{
	unsigned int lines = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		lines++;
	return lines;
}

START_TEST(the_ten_longest_initcalls)
{
	struct report report = *reportspec_full();
	char *text = printed(&report, 0);
	double before = 1e9, ms;
	const char *at = strstr(text, "tvmm: initcalls: 25, ");
	int calls = 0;

	ck_assert_ptr_nonnull(at);
	for (at = strchr(at, '\n') + 1; sscanf(at, "tvmm: %lf", &ms) == 1;
	     at = strchr(at, '\n') + 1) {
		ck_assert_double_le(ms, before);
		before = ms;
		calls++;
	}
	ck_assert_int_eq(calls, 10);
	free(text);
	report.initcalls = 3; /* fewer than ten */
	report.initcalls_lost = 7;
	text = printed(&report, 0);
	ck_assert_uint_eq(lines_with(text, "  early\n"), 3);
	has_line(text, "tvmm: initcalls that found no room in the record: 7");
	free(text);
}
END_TEST

/* Why there is nothing, once; but nothing of what nobody asked for. */
START_TEST(reasons)
{
	struct report report = *reportspec_bare();
	char *text;

	report.no_initcalls = report.no_phases;
	text = printed(&report, 0);
	has_line(text, "tvmm: phases: none: the kernel has no symbols: build it with "
		       "CONFIG_KALLSYMS=y, or give its vmlinux or System.map with -symbols");
	ck_assert_uint_eq(lines_with(text, "KALLSYMS"), 1);
	free(text);
	report.no_initcalls = "the kernel has no symbol do_one_initcall";
	text = printed(&report, 0);
	has_line(text, "tvmm: initcalls: none: the kernel has no symbol do_one_initcall");
	free(text);
	report.no_phases = "not asked for";
	report.no_initcalls = "not asked for: -account initcalls";
	text = printed(&report, 0);
	ck_assert_ptr_null(strstr(text, "none"));
	ck_assert_ptr_null(strstr(text, "asked"));
	free(text);
}
END_TEST

START_TEST(what_is_not_known_is_not_reckoned_with)
{
	struct report report = *reportspec_full();
	char *text;

	report.metrics = 2; /* a boot that was there before the console was used */
	report.metric = (const struct report_metric[]){
		{ "total", REPORT_NS, 40000000, "process start", "end" },
		{ "boot", REPORT_NS, 2500000, "process start", "placed" },
	};
	text = printed(&report, 0);
	ck_assert_ptr_nonnull(strstr(text, "tvmm: console: 2000 bytes"));
	ck_assert_ptr_null(strstr(text, "without the console"));
	free(text);
	report.metric = reportspec_full()->metric;
	report.console.round_trip_ns = 0;
	report.control.done = false;
	report.split.known = false;
	report.profile.rate_hz = 0;
	text = printed(&report, 0);
	has_line(text, "tvmm: console: 2000 bytes, 2018 exits (1.01 per byte), 3.027 ms in tvmm");
	ck_assert_ptr_null(strstr(text, "without the console"));
	ck_assert_ptr_null(strstr(text, "quiet"));
	ck_assert_ptr_null(strstr(text, "stolen"));
	ck_assert_ptr_null(strstr(text, "profile"));
	free(text);
}
END_TEST

/* Each begins with the prefix, has nothing but printable ASCII, no blank at its end, and fits. */
static void check_lines(const char *text, unsigned int columns)
{
	const char *end;

	for (const char *line = text; *line; line = end + 1) {
		end = strchr(line, '\n');
		ck_assert_ptr_nonnull(end);
		ck_assert_int_eq(strncmp(line, "tvmm: ", 6), 0);
		ck_assert_int_ne(end[-1], ' ');
		for (const char *c = line; c < end; c++)
			ck_assert_msg(*c >= 0x20 && *c < 0x7f, "byte %02x", (unsigned char)*c);
		ck_assert_msg(!columns || end - line <= columns, "%td columns, not %u: %.*s",
			      end - line, columns, (int)(end - line), line);
	}
}

/* Words without an end. */
START_TEST(long_texts)
{
	static char word[6000], words[6000];
	struct report report = *reportspec_bare();
	const char *name = word;
	char *text;

	memset(word, 'w', sizeof(word) - 1);
	for (size_t i = 0; i < sizeof(words) - 1; i++)
		words[i] = i % 7 == 6 ? ' ' : 'w';
	report.no_phases = NULL;
	report.no_initcalls = words;
	report.ending.sentence = word;
	report.left_out = report.not_reached = &name;
	report.lefts_out = report.not_reacheds = 1;
	text = printed(&report, 60);
	check_lines(text, 60);
	free(text);
	text = printed(&report, 0);
	ck_assert_ptr_nonnull(strstr(text, word)); /* nothing is cut */
	free(text);
}
END_TEST

START_TEST(no_line_is_too_long)
{
	for (unsigned int columns = 13; columns < 200; columns++) {
		char *full = printed(reportspec_full(), columns);
		char *bare = printed(reportspec_bare(), columns);

		check_lines(full, columns);
		check_lines(bare, columns);
		free(full);
		free(bare);
	}
}
END_TEST

/* Terminals say 0 or nonsense; there is an account nevertheless, and it ends. */
START_TEST(terminals_that_are_none)
{
	static const unsigned int columns[] = { 1, 2, 5, 6, 7, 12, 65535, 4294967295u };

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		char *text = printed(reportspec_full(), columns[i]);

		check_lines(text, columns[i] > 12 ? columns[i] : 12);
		free(text);
	}
}
END_TEST

/* Names that the guest or a file chose. */
START_TEST(hostile_names)
{
	static const char *const names[] = { "\033[2J\007", "a\nb", "%s%n", "",
					     "\303\251\303\251" };
	const struct report_mark mark[] = {
		{ .name = "process start", .taken = "\r\033]0;x\007" },
		{ .name = "mark:\033[31m\303\251\342\202\254\360\237\230\200 end of it",
		  .taken = "\n\ntvmm: forged",
		  .at_ns = 1 },
		{ .name = "end", .taken = "", .at_ns = UINT64_MAX },
	};
	const struct report_step step[] = { { .from = 0, .to = 1 },
					    { .from = 1, .to = 2, .ns = UINT64_MAX } };
	const struct report report = {
		.ending = { .sentence = "\t%s" },
		.mark = mark,
		.marks = 3,
		.step = step,
		.steps = 2,
		.end = 2,
		.left_out = names,
		.lefts_out = 5,
		.no_initcalls = "\033c",
	};
	char *text = printed(&report, 0);

	check_lines(text, 0);
	ck_assert_ptr_nonnull(strstr(text, "\\x0a\\x0atvmm: forged\n"));
	ck_assert_ptr_nonnull(
		strstr(text, ": \\x1b[2J\\x07, a\\x0ab, %s%n, , \\xc3\\xa9\\xc3\\xa9\n"));
	free(text);
	for (unsigned int columns = 13; columns < 120; columns++) {
		text = printed(&report, columns);
		check_lines(text, columns);
		free(text);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		words_on_the_command_line,
		the_plain_account,
		looks,
		one_mark,
		numbers,
		the_ten_longest_initcalls,
		reasons,
		what_is_not_known_is_not_reckoned_with,
		long_texts,
		no_line_is_too_long,
		terminals_that_are_none,
		hostile_names,
	};
	Suite *suite = suite_create("report_text");
	TCase *tcase = tcase_create("report_text");
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
