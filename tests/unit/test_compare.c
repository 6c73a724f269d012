/* SPDX-License-Identifier: MIT */
/*
 * compare: verdicts on series that were made up, so that it is known whether there is a difference; the
 * sentence, the limit; and the command from its words to its status, with a shell script in tvmm's place.
 */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/common/folder.h"
#include "vmm/compare.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct series a, b;
static struct comparison c;
static struct err e;
static char said[65536];

static void teardown(void)
{
	compare_finish(&c);
	series_finish(&a);
	series_finish(&b);
}

/* A run of these times in ns; they are called boot, step.1, step.2 ... */
static void add_run(struct series *series, const double *ns, size_t n)
{
	char text[4096];
	int used = snprintf(text, sizeof(text),
			    "{\"schema\":\"tvmm-report\",\"version\":1,\"host\":{},\"ending\":{"
			    "\"status\":0,\"sentence\":\"\"},\"metrics\":[");

	for (size_t i = 0; i < n; i++) {
		char name[16] = "boot";

		if (i)
			(void)snprintf(name, sizeof(name), "step.%zu", i);
		used += snprintf(text + used, sizeof(text) - (size_t)used,
				 "%s{\"name\":\"%s\",\"unit\":\"ns\",\"value\":%.0f}", i ? "," : "",
				 name, ns[i]);
	}
	used += snprintf(text + used, sizeof(text) - (size_t)used, "]}");
	ck_assert_msg(series_take_report(series, "it", text, (size_t)used, &e) == 0, "%s", e.text);
}

static void add_values(struct series *series, size_t n, ...)
{
	va_list values;

	va_start(values, n);
	for (size_t i = 0; i < n; i++) {
		double ns = va_arg(values, double);

		add_run(series, &ns, 1);
	}
	va_end(values);
}

static void work_out(const char *metric)
{
	ck_assert_msg(compare_work_out(&c, &a, &b, metric, 1, &e) == 0, "%s", e.text);
	compare_answer(&c, said, sizeof(said));
}

START_TEST(series_that_never_vary)
{
	add_values(&a, 5, 1e6, 1e6, 1e6, 1e6, 1e6);
	add_values(&b, 5, 105e4, 105e4, 105e4, 105e4, 105e4);
	work_out(NULL);
	/* 2 of 252 labellings. */
	ck_assert_str_eq(said,
			 "boot: B is 5.00 % slower than A (exact: no run differs from its side; "
			 "p = 0.0079)");
	ck_assert(compare_is_slower(&c, 4.9) && !compare_is_slower(&c, 5.1));
}
END_TEST

START_TEST(the_same_series)
{
	add_values(&a, 3, 10e6, 11e6, 12e6);
	add_values(&b, 3, 10e6, 11e6, 12e6);
	work_out("boot");
	/* From 10 against 12 to 12 against 10. */
	ck_assert_str_eq(said, "boot: no difference shown between A and B (at most 20.00 %)");
	ck_assert(!compare_is_slower(&c, 0) && c.line[0].p == 1);
}
END_TEST

START_TEST(faster)
{
	add_values(&a, 5, 20e6, 21e6, 22e6, 23e6, 24e6);
	add_values(&b, 5, 10e6, 10e6, 11e6, 11e6, 11e6);
	work_out(NULL);
	ck_assert_ptr_nonnull(strstr(said, "boot: B is 50.00 % faster than A (95 % CI -"));
	ck_assert(!compare_is_slower(&c, 0) && c.main.verdict == COMPARE_LESS);
}
END_TEST

/* A limit is broken by the lower end of the interval, not by the estimate. */
START_TEST(limit_by_the_interval)
{
	add_values(&a, 5, 100e6, 101e6, 102e6, 103e6, 104e6);
	add_values(&b, 5, 105e6, 106e6, 107e6, 108e6, 109e6);
	work_out(NULL);
	ck_assert(c.main.verdict == COMPARE_MORE);
	ck_assert(c.main.difference.relative > 0.048 && c.main.difference.relative_ci95.low < 0.03);
	ck_assert(compare_is_slower(&c, 0.5) && !compare_is_slower(&c, 4));
}
END_TEST

START_TEST(single_runs_are_shown_only)
{
	add_values(&a, 1, 1e6);
	add_values(&b, 1, 9e6);
	work_out(NULL);
	ck_assert_str_eq(said,
			 "boot: side by side only; a test needs two runs or more of A and of B");
	ck_assert(!compare_is_slower(&c, 0));
}
END_TEST

START_TEST(metrics_that_are_missing)
{
	const double two[] = { 1e6, 2e6 };

	add_run(&a, two, 2);
	add_run(&b, two, 1);
	work_out(NULL);
	ck_assert(c.only_a == 1 && c.only_b == 0 && c.equal == 1 && c.lines == 0);
	compare_finish(&c);
	ck_assert_int_eq(compare_work_out(&c, &a, &b, "step.1", 1, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "'step.1'"));
}
END_TEST

/* --- chance ------------------------------------------------------------------------------------- */

enum { METRICS = 8, RUNS = 10, TRIES = 100 };

static void add_noise(struct series *series, struct stats_random *random, double shift)
{
	double ns[METRICS];

	for (size_t i = 0; i < METRICS; i++) {
		double sum = -6;

		for (int k = 0; k < 12; k++)
			sum += (double)stats_random_below(random, 1 << 20) / (1 << 20);
		ns[i] = 40e6 * (1 + sum / 100) * (i == 1 ? 1 + shift : 1);
	}
	add_run(series, ns, METRICS);
}

static void work_out_noise(struct stats_random *random, double shift)
{
	teardown();
	for (int i = 0; i < RUNS; i++) {
		add_noise(&a, random, 0);
		add_noise(&b, random, shift);
	}
	work_out(NULL);
}

/* 5 of 100 are expected at most; three standard deviations (2.2) above lie 11. */
START_TEST(control_against_itself)
{
	struct stats_random random = { 19 };
	unsigned int answers = 0, tables = 0;

	for (int i = 0; i < TRIES; i++) {
		unsigned int lines = 0;

		work_out_noise(&random, 0);
		answers += c.main.verdict != COMPARE_NOT_SHOWN;
		for (size_t line = 0; line < c.lines; line++)
			lines += c.line[line].verdict != COMPARE_NOT_SHOWN;
		tables += lines > 0;
		ck_assert(!compare_is_slower(&c, 2));
	}
	ck_assert_msg(answers <= 11 && tables <= 11, "%u answers, %u tables", answers, tables);
}
END_TEST

/* A step that is 5 % slower, with noise of 1 %, is found each time, and at its place. */
START_TEST(what_differs_is_found)
{
	struct stats_random random = { 20 };

	for (int i = 0; i < 20; i++) {
		work_out_noise(&random, 0.05);
		ck_assert_str_eq(c.line[1].a->name, "step.1");
		ck_assert_int_eq(c.line[1].verdict, COMPARE_MORE);
	}
}
END_TEST

/* --- the command -------------------------------------------------------------------------------- */

/* Boots in 1 ms and some, but in 2 ms with the kernel slow; fails with fail. Keeps the words of each run. */
static const char PROGRAM[] =
	"#!/bin/sh\n"
	"for report in \"$@\"; do :; done\n"
	"cd \"$(dirname \"$0\")\" || exit 99\n"
	"echo \"$1 $2\" >>words\n"
	"n=$(wc -l <words) ns=$((1000000 + n * 1000)) status=0\n"
	"case $2 in slow) ns=$((ns + 1000000)) ;; fail) status=121 ;; esac\n"
	"cat >$report <<EOF\n"
	"{\"schema\":\"tvmm-report\",\"version\":1,\"host\":{\"cpu\":\"x\",\"cpus\":1},\"ending\":{"
	"\n"
	"\"status\":$status,\"kind\":\"k\",\"sentence\":\"it fell over\"},\"metrics\":[\n"
	"{\"name\":\"boot\",\"unit\":\"ns\",\"value\":$ns}]}\n"
	"EOF\n"
	"exit $status\n";

static int command_of(const char *program, char **argv, int argc)
{
	FILE *out;
	int rc;

	folder_put(folder_at("program"), program, strlen(program));
	ck_assert_int_eq(chmod(folder_at("program"), 0700), 0);
	out = freopen(folder_at("stdout"), "w", stdout);
	ck_assert_ptr_nonnull(out);
	folder_put(folder_at("words"), "", 0);
	rc = compare_program(folder_at("program"), argc, argv, &e);
	(void)fflush(stdout);
	said[folder_get(folder_at("stdout"), said, sizeof(said) - 1)] = '\0';
	return rc;
}

static int command(char **argv, int argc)
{
	return command_of(PROGRAM, argv, argc);
}

#define COMPARE(...)                                                    \
	command((char *[]){ (char[]){ "compare" }, __VA_ARGS__, NULL }, \
		(int)COUNT(((char *[]){ (char[]){ "compare" }, __VA_ARGS__ })))
#define W(word) ((char[]){ word })

START_TEST(statuses_for_bisection)
{
	folder_make();
	ck_assert_int_eq(COMPARE(W("-r"), W("4"), W("--fail-if-slower"), W("2%"), W("-fast"),
				 W("-kernel slow")),
			 -EINVAL); /* "-fast" might be meant as an option of compare */
	ck_assert_int_eq(COMPARE(W("-r"), W("4"), W("--fail-if-slower"), W("2%"), W("-kernel fast"),
				 W("-kernel slow")),
			 120);
	ck_assert_ptr_nonnull(strstr(said, "slower than A"));
	ck_assert_int_eq(COMPARE(W("-r"), W("4"), W("--fail-if-slower=2"), W("-kernel slow"),
				 W("-kernel fast")),
			 0);
	ck_assert_ptr_nonnull(strstr(said, "faster than A"));
	ck_assert_int_eq(COMPARE(W("-r"), W("4"), W("-kernel fast"), W("-kernel slow")), 0);
	ck_assert_int_lt(COMPARE(W("-r"), W("4"), W("-kernel fast"), W("-kernel fail")), 0);
	ck_assert_str_eq(e.text, "warm-up run 1 of B ended with status 121: it fell over");
	folder_remove();
}
END_TEST

/* One warm-up and two runs of each; options of both stand behind each side's. */
START_TEST(words_of_the_sides)
{
	char words[256];
	size_t n_a = 0, n_b = 0;

	folder_make();
	ck_assert_int_eq(COMPARE(W("-r"), W("2"), W(" --kernel=a "), W("-kernel 'x y'"), W("--"),
				 W("--m=64")),
			 0);
	words[folder_get(folder_at("words"), words, sizeof(words) - 1)] = '\0';
	for (const char *line = words; *line; line = strchr(line, '\n') + 1) {
		n_a += strncmp(line, "--kernel=a --m=64\n", 18) == 0;
		n_b += strncmp(line, "-kernel x y\n", 12) == 0;
	}
	ck_assert_msg(n_a == 3 && n_b == 3, "%s", words);
	ck_assert_int_eq(COMPARE(W("-kernel 'x"), W("-kernel b")), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "no other one closes"));
	folder_remove();
}
END_TEST

START_TEST(bad_words)
{
	folder_make();
	ck_assert_int_eq(COMPARE(W("-kernel a")), -EINVAL);
	ck_assert_int_eq(COMPARE(W("-kernel a"), W("-kernel b"), W("-kernel c")), -EINVAL);
	ck_assert_int_eq(COMPARE(W("--fail-if-slower"), W("two"), W("-kernel a"), W("-kernel b")),
			 -EINVAL);
	ck_assert_int_eq(COMPARE(W("--fail-if-slower"), W("-1"), W("-kernel a"), W("-kernel b")),
			 -EINVAL);
	ck_assert_int_eq(COMPARE(W("--fail-if-slower"), W("nan"), W("-kernel a"), W("-kernel b")),
			 -EINVAL);
	ck_assert_int_eq(COMPARE(W("--fail-if-slower"), W("%"), W("-kernel a"), W("-kernel b")),
			 -EINVAL);
	ck_assert_int_eq(COMPARE(W("--fail-if-slower"), W("2%%"), W("-kernel a"), W("-kernel b")),
			 -EINVAL);
	ck_assert_int_eq(COMPARE(W("--fail-if-slower="), W("-kernel a"), W("-kernel b")), -EINVAL);
	ck_assert_int_eq(COMPARE(W("--jobs"), W("0"), W("-kernel a"), W("-kernel b")), -EINVAL);
	ck_assert_int_eq(COMPARE(W("-kernel a"), W("-kernel b"), W("--"), W("-report"), W("f")),
			 -EINVAL);
	ck_assert_int_eq(COMPARE(W("-kernel a"), W("-kernel b -trace f")), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "compare: each run would write its -trace"));
	ck_assert_int_eq(COMPARE(W("-kernel a"), W("-kernel b -m lots")), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "-m: 'lots' is not a size"));
	ck_assert_int_eq(COMPARE(W("/nowhere/a"), W("/nowhere/b")), -ENOENT);
	ck_assert_int_eq(COMPARE(W("-r"), W("1"), W("--fail-if-slower"), W("2"), W("-kernel a"),
				 W("-kernel b")),
			 -EINVAL);
	ck_assert_uint_gt(folder_look(folder_at("words")).st_size, 0);
	folder_remove();
}
END_TEST

/* Two at a time; the words of the sides tell whose each value is. */
START_TEST(runs_at_the_same_time)
{
	static const char program[] =
		"#!/bin/sh\n"
		"for report in \"$@\"; do :; done\n"
		"case $2 in slow) sleep 0.05; ns=2000000 ;; *) ns=1000000 ;; esac\n"
		"echo "
		"'{\"schema\":\"tvmm-report\",\"version\":1,\"host\":{},\"ending\":{\"status\":0,'"
		" '\"sentence\":\"\"},\"metrics\":[{\"name\":\"boot\",\"unit\":\"ns\",\"value\":'$"
		"ns'}]}'"
		" >$report\n";
	json_t *root;
	char json[256];

	folder_make();
	(void)snprintf(json, sizeof(json), "--export-json=%s", folder_at("j"));
	ck_assert_int_eq(command_of(program,
				    (char *[]){ W("compare"), W("-r"), W("6"), W("-j"), W("2"),
						json, W("-kernel fast"), W("-kernel slow"), NULL },
				    8),
			 0);
	ck_assert_ptr_nonnull(strstr(said, "boot: B is 100.00 % slower than A (exact"));
	ck_assert_ptr_nonnull(strstr(said, "runs: 6 of A, 6 of B, jobs: 2, seed:"));
	ck_assert_ptr_nonnull(strstr(said, "warning: 2 runs at the same time have disturbed"));
	root = json_load_file(folder_at("j"), JSON_REJECT_DUPLICATES, NULL);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(root, "b"), "jobs")),
			 2);
	json_decref(root);
	folder_remove();
}
END_TEST

/* What a file tells of its jobs; one from before tells nothing. */
START_TEST(different_jobs)
{
	static const char series[] =
		"{\"schema\":\"tvmm-bench\",\"version\":1,\"host\":{},%s\"statistics\":[{\"name\":"
		"\"boot\",\"unit\":\"ns\"}],\"runs\":[{\"status\":0,\"metrics\":{\"boot\":5}},"
		"{\"status\":0,\"metrics\":{\"boot\":6}}]}";
	char text[512], one[256], four[256];

	folder_make();
	(void)snprintf(text, sizeof(text), series, "");
	folder_put(folder_at("one"), text, strlen(text));
	(void)snprintf(text, sizeof(text), series, "\"jobs\":4,");
	folder_put(folder_at("four"), text, strlen(text));
	(void)snprintf(one, sizeof(one), "%s", folder_at("one"));
	(void)snprintf(four, sizeof(four), "%s", folder_at("four"));
	ck_assert_int_eq(COMPARE(one, four, W("--export-json"), four), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "/four', the series of runs; "));
	ck_assert_int_eq(COMPARE(one, four), 0);
	ck_assert_ptr_nonnull(
		strstr(said, "the runs of A were made 1 at the same time, those of B 4:"));
	ck_assert_int_eq(COMPARE(one, one), 0);
	ck_assert_ptr_null(strstr(said, "at the same time"));
	(void)snprintf(text, sizeof(text), series, "\"jobs\":-1,");
	folder_put(four, text, strlen(text));
	ck_assert_int_lt(COMPARE(one, four), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "\"jobs\" is -1; expected 0 to"));
	folder_remove();
}
END_TEST

START_TEST(json_of_a_comparison)
{
	json_t *root, *line;
	char json[256];

	folder_make();
	(void)snprintf(json, sizeof(json), "--export-json=%s", folder_at("j"));
	ck_assert_int_eq(COMPARE(W("-r"), W("4"), W("--seed=3"), json, W("-kernel fast"),
				 W("-kernel slow")),
			 0);
	root = json_load_file(folder_at("j"), JSON_REJECT_DUPLICATES, NULL);
	ck_assert_str_eq(json_string_value(json_object_get(root, "schema")), "tvmm-compare");
	line = json_object_get(root, "main");
	ck_assert_str_eq(json_string_value(json_object_get(line, "name")), "boot");
	ck_assert_str_eq(json_string_value(json_object_get(line, "verdict")), "slower");
	/* 2 of 70 labellings. */
	ck_assert_double_eq_tol(json_real_value(json_object_get(line, "p")), 2.0 / 70, 1e-9);
	ck_assert_int_eq(json_integer_value(json_object_get(line, "a_n")), 4);
	json_decref(root);
	folder_remove();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { series_that_never_vary,
				       the_same_series,
				       faster,
				       limit_by_the_interval,
				       single_runs_are_shown_only,
				       metrics_that_are_missing,
				       control_against_itself,
				       what_differs_is_found,
				       statuses_for_bisection,
				       words_of_the_sides,
				       bad_words,
				       runs_at_the_same_time,
				       different_jobs,
				       json_of_a_comparison };
	Suite *suite = suite_create("compare");
	TCase *tcase = tcase_create("compare");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, NULL, teardown);
	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
