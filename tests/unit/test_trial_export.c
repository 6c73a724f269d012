/* SPDX-License-Identifier: MIT */
/*
 * Files for results, as the commands that make series of runs use them: opened early, written complete
 * or not at all, and what goes wrong is told with the option and the file.
 */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/folder.h"
#include "vmm/trial_export.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct err e;
static char text[256];

static int print_a(const void *of, FILE *out, struct err *why)
{
	(void)why;
	return fprintf(out, "a: %s\n", (const char *)of) < 0 ? -EIO : 0;
}

static int print_b(const void *of, FILE *out, struct err *why)
{
	(void)why;
	return fprintf(out, "b: %s\n", (const char *)of) < 0 ? -EIO : 0;
}

static int print_part(const void *of, FILE *out, struct err *why)
{
	(void)fprintf(out, "%s", (const char *)of);
	return err_set(why, ENOMEM, "no memory for the rest");
}

static struct trial_export exports[3];

static void setup(void)
{
	folder_make();
	(void)memset(exports, 0, sizeof(exports));
	exports[0] = (struct trial_export){ .option = "--export-a", .print = print_a };
	exports[1] = (struct trial_export){ .option = "--export-b", .print = print_b };
}

static void holds(const char *name, const char *what)
{
	text[folder_get(folder_at(name), text, sizeof(text) - 1)] = '\0';
	ck_assert_str_eq(text, what);
}

static void told(const char *words)
{
	ck_assert_msg(strstr(e.text, words) != NULL, "'%s'", e.text);
}

START_TEST(options)
{
	char word[][16] = { "x", "--export-b", "f", "--export-a=g", "--export-c", "--export-a" };
	char *argv[] = { word[0], word[1], word[2], word[3], word[4], word[5] };
	int i = 1;

	ck_assert_int_eq(trial_export_take(exports, 6, argv, &i, &e), 1);
	ck_assert_int_eq(i, 2);
	i = 3;
	ck_assert_int_eq(trial_export_take(exports, 6, argv, &i, &e), 1);
	ck_assert_int_eq(i, 3);
	ck_assert_str_eq(exports[1].path, "f");
	ck_assert_str_eq(exports[0].path, "g");
	i = 4;
	ck_assert_int_eq(trial_export_take(exports, 6, argv, &i, &e), 0);
	i = 5;
	ck_assert_int_eq(trial_export_take(exports, 6, argv, &i, &e), -EINVAL);
	told("--export-a needs a value");
}
END_TEST

START_TEST(written_at_the_end)
{
	char a[256];

	(void)snprintf(a, sizeof(a), "%s", folder_at("a"));
	folder_put(a, "old", 3);
	exports[0].path = a;
	ck_assert_int_eq(trial_export_open(exports, &e), 0);
	holds("a", "old");
	ck_assert_int_eq(trial_export_write(exports, "x", &e), 0);
	holds("a", "a: x\n");
	trial_export_abandon(exports);
	holds("a", "a: x\n");
}
END_TEST

START_TEST(abandoned)
{
	char a[256], b[256];

	(void)snprintf(a, sizeof(a), "%s", folder_at("a"));
	(void)snprintf(b, sizeof(b), "%s", folder_at("b"));
	folder_put(a, "old", 3);
	exports[0].path = a;
	exports[1].path = b;
	ck_assert_int_eq(trial_export_open(exports, &e), 0);
	trial_export_abandon(exports);
	holds("a", "old");
	ck_assert(!folder_has(b));
}
END_TEST

/* What is no file can take both. */
START_TEST(one_file_for_two)
{
	char a[256], b[256];

	(void)snprintf(a, sizeof(a), "%s", folder_at("a"));
	(void)snprintf(b, sizeof(b), "%s", folder_at("./a"));
	exports[0].path = a;
	exports[1].path = b;
	ck_assert_int_eq(trial_export_open(exports, &e), -EINVAL);
	told("--export-a and --export-b both write ");
	trial_export_abandon(exports);
	ck_assert(!folder_has(a));
	exports[0].path = exports[1].path = "/dev/null";
	ck_assert_int_eq(trial_export_open(exports, &e), 0);
	trial_export_abandon(exports);
}
END_TEST

/* Each that fails says which it is, and takes none of the others with it. */
START_TEST(one_that_cannot_be_written)
{
	char b[256];

	(void)snprintf(b, sizeof(b), "%s", folder_at("b"));
	exports[0].path = "/dev/full";
	exports[1].path = b;
	ck_assert_int_eq(trial_export_open(exports, &e), 0);
	ck_assert_int_eq(trial_export_write(exports, "x", &e), -ENOSPC);
	told("--export-a /dev/full: ");
	told("No space left on device");
	holds("b", "b: x\n");
	trial_export_abandon(exports);
}
END_TEST

START_TEST(one_that_cannot_be_made)
{
	char a[256], b[256];

	(void)snprintf(a, sizeof(a), "%s", folder_at("a"));
	(void)snprintf(b, sizeof(b), "%s", folder_at("b"));
	folder_put(a, "old", 3);
	exports[0].path = a;
	exports[0].print = print_part;
	exports[1].path = b;
	ck_assert_int_eq(trial_export_open(exports, &e), 0);
	ck_assert_int_eq(trial_export_write(exports, "x", &e), -ENOMEM);
	told("--export-a ");
	told("/a: no memory for the rest");
	holds("a", "old");
	holds("b", "b: x\n");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		options,          written_at_the_end,         abandoned,
		one_file_for_two, one_that_cannot_be_written, one_that_cannot_be_made
	};
	Suite *suite = suite_create("trial_export");
	TCase *tcase = tcase_create("trial_export");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, folder_remove);
	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
