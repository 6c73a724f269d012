/* SPDX-License-Identifier: MIT */
/*
 * Folded stacks and the flame graph: widths are shares of the samples, nothing is drawn twice, and a
 * guest's names are nothing but text.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/report.h"

#define FRAMES(...)                           \
	(const char *const[]){ __VA_ARGS__ }, \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)
#define REPLACEMENT "\xef\xbf\xbd"

static char *printed;
static size_t printed_bytes;

static void teardown(void)
{
	free(printed);
	printed = NULL;
}

static const char *print(int (*what)(const struct report *, FILE *),
			 const struct report_stack *stack, size_t stacks)
{
	struct report report = { .profile = { .rate_hz = 1000,
					      .unwound_by = "ORC",
					      .stack = stack,
					      .stacks = stacks } };
	FILE *out;

	teardown();
	out = open_memstream(&printed, &printed_bytes);
	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(what(&report, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	return printed;
}

static size_t occurrences(const char *text, const char *of)
{
	size_t count = 0;

	for (; (text = strstr(text, of)) != NULL; text += strlen(of))
		count++;
	return count;
}

/* The line of the frame that is called so. */
static const char *frame(const char *graph, const char *name)
{
	static char line[1024];
	char wanted[256];
	const char *at;

	(void)snprintf(wanted, sizeof(wanted), "data-name=\"%s\"", name);
	at = strstr(graph, wanted);
	ck_assert_msg(at != NULL, "no frame %s in %.2000s", name, graph);
	while (at > graph && strncmp(at, "<g ", 3) != 0)
		at--;
	(void)snprintf(line, sizeof(line), "%.*s", (int)(strstr(at, "</g>") - at), at);
	return line;
}

static void has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no %s in %.2000s", part, text);
}

static void has_not(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "%s in %.2000s", part, text);
}

START_TEST(folded_stacks_are_lines)
{
	const struct report_stack stack[] = { { FRAMES("a", "b", "c"), 6 }, { FRAMES("a"), 2 } };

	ck_assert_str_eq(print(report_print_folded, stack, 2), "a;b;c 6\na 2\n");
}
END_TEST

START_TEST(folded_names_keep_off_the_format)
{
	const struct report_stack stack[] = { { FRAMES("a;b c\n", "\x7f\t"), 1 } };

	ck_assert_str_eq(print(report_print_folded, stack, 1), "a_b_c_;__ 1\n");
}
END_TEST

START_TEST(nothing_folds_to_nothing)
{
	ck_assert_str_eq(print(report_print_folded, NULL, 0), "");
}
END_TEST

/*
 *        | c 6     |           a graph of 1180 pixels from x = 10
 *  | b 8           | d 2 |
 *  | a 10                |
 */
START_TEST(widths_are_shares)
{
	const struct report_stack stack[] = { { FRAMES("a", "d"), 2 },
					      { FRAMES("a", "b", "c"), 6 },
					      { FRAMES("a", "b"), 2 } };
	const char *graph = print(report_print_flame, stack, 3);

	has(frame(graph, "a"), "x=\"10.00\"");
	has(frame(graph, "a"), "width=\"1180.00\"");
	has(frame(graph, "b"), "x=\"10.00\"");
	has(frame(graph, "b"), "width=\"944.00\"");
	has(frame(graph, "c"), "x=\"246.00\"");
	has(frame(graph, "c"), "width=\"708.00\"");
	has(frame(graph, "d"), "x=\"954.00\"");
	has(frame(graph, "d"), "width=\"236.00\"");
	has(frame(graph, "c"), "<title>c\n6 samples, 60.0 %</title>");
}
END_TEST

START_TEST(what_is_called_stands_above)
{
	const struct report_stack stack[] = { { FRAMES("a", "b"), 1 } };
	const char *graph = print(report_print_flame, stack, 1);
	const char *a = strstr(frame(graph, "a"), " y=\"");
	int y_of_a = atoi(a + 4);
	const char *b = strstr(frame(graph, "b"), " y=\"");

	ck_assert_int_eq(y_of_a - atoi(b + 4), 18);
}
END_TEST

START_TEST(equal_stacks_are_one_frame)
{
	const struct report_stack stack[] = { { FRAMES("a", "b"), 1 },
					      { FRAMES("a", "c"), 1 },
					      { FRAMES("a", "b"), 2 } };
	const char *graph = print(report_print_flame, stack, 3);

	ck_assert_uint_eq(occurrences(graph, "data-name=\"b\""), 1);
	has(frame(graph, "b"), "data-w=\"3\"");
	ck_assert_uint_eq(occurrences(graph, "<g "), 4); /* all, a, b, c */
}
END_TEST

START_TEST(names_are_text)
{
	const struct report_stack stack[] = {
		{ FRAMES("</script><script>&\"'\x01\xff\xc0\x80\xed\xa0\x80"
			 "é"),
		  1 }
	};
	const char *graph = print(report_print_flame, stack, 1);

	has(graph,
	    "<title>&lt;/script&gt;&lt;script&gt;&amp;&quot;&#39;" REPLACEMENT REPLACEMENT
		    REPLACEMENT REPLACEMENT REPLACEMENT REPLACEMENT REPLACEMENT "é\n1 samples");
	has_not(graph, "<script>&");
	has_not(graph, "\xff");
}
END_TEST

START_TEST(a_label_ends_where_its_frame_does)
{
	const struct report_stack stack[] = { { FRAMES("long_name_of_a_function"), 5 },
					      { FRAMES("other"), 95 } };
	const char *graph = print(report_print_flame, stack, 2);

	has(frame(graph, "long_name_of_a_function"), "width=\"59.00\"");
	has(frame(graph, "long_name_of_a_function"), ">long_n…</text>"); /* 53 pixels: 7 letters */
	has(frame(graph, "other"), ">other</text>");
}
END_TEST

/* 10000 samples: 10 are 0.1 %. */
START_TEST(small_frames_are_counted_only)
{
	const struct report_stack stack[] = { { FRAMES("big"), 9981 },
					      { FRAMES("enough"), 10 },
					      { FRAMES("small", "in_small"), 9 } };
	const char *graph = print(report_print_flame, stack, 3);

	has(graph, "data-name=\"enough\"");
	has_not(graph, "data-name=\"small\"");
	has_not(graph, "data-name=\"in_small\"");
	has(graph, "; 1 frames not drawn");
}
END_TEST

START_TEST(depth_has_an_end)
{
	static const char *frames[5000];
	const struct report_stack stack[] = { { frames, 5000, 3 } };
	const char *graph;

	for (size_t i = 0; i < 5000; i++)
		frames[i] = "again";
	graph = print(report_print_flame, stack, 1);
	ck_assert_uint_eq(occurrences(graph, "data-name=\"again\""), 512);
	has(graph, "; 1 frames not drawn");
}
END_TEST

START_TEST(no_samples_is_said)
{
	const struct report_stack never[] = { { FRAMES("a"), 0 } };

	has(print(report_print_flame, NULL, 0), "No samples were taken");
	has(print(report_print_flame, never, 1), "No samples were taken");
}
END_TEST

START_TEST(a_full_disk_is_told)
{
	const struct report_stack stack[] = { { FRAMES("a"), 1 } };
	const struct report report = { .profile = { .stack = stack, .stacks = 1 } };
	int (*const print_to[])(const struct report *, FILE *) = { report_print_folded,
								   report_print_flame };

	for (size_t i = 0; i < 2; i++) {
		FILE *full = fopen("/dev/full", "w");

		ck_assert_ptr_nonnull(full);
		ck_assert_int_eq(print_to[i](&report, full), -ENOSPC);
		(void)fclose(full);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		folded_stacks_are_lines,
		folded_names_keep_off_the_format,
		nothing_folds_to_nothing,
		widths_are_shares,
		what_is_called_stands_above,
		equal_stacks_are_one_frame,
		names_are_text,
		a_label_ends_where_its_frame_does,
		small_frames_are_counted_only,
		depth_has_an_end,
		no_samples_is_said,
		a_full_disk_is_told,
	};
	Suite *suite = suite_create("flame");
	TCase *tcase = tcase_create("flame");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, NULL, teardown);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
