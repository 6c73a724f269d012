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
#include <unistd.h>

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

static const struct trial_export_kind KINDS[] = {
	{ "--export-a", print_a },
	{ "--export-b", print_b },
	{ NULL, NULL },
};
static struct trial_export exports[COUNT(KINDS)];

static void setup(void)
{
	folder_make();
	trial_export_init(exports, KINDS);
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

/* By whatever name: a link, another name of the same file, the place it is at. */
START_TEST(what_is_read_is_not_written)
{
	char a[256], b[256], same[256], link_to[256];

	(void)snprintf(a, sizeof(a), "%s", folder_at("a"));
	(void)snprintf(b, sizeof(b), "%s", folder_at("b"));
	(void)snprintf(same, sizeof(same), "%s", folder_at("same"));
	(void)snprintf(link_to, sizeof(link_to), "%s", folder_at("link"));
	folder_put(a, "kernel", 6);
	ck_assert_int_eq(link(a, same), 0);
	ck_assert_int_eq(symlink("a", link_to), 0);
	exports[0].path = b;
	exports[1].path = a;
	ck_assert_int_eq(trial_export_open(exports, &e), 0);
	ck_assert_int_eq(trial_export_spare(exports, "kernel", NULL, &e), 0);
	ck_assert_int_eq(trial_export_spare(exports, "kernel", "/nowhere", &e), 0);
	ck_assert_int_eq(trial_export_spare(exports, "kernel", b, &e), 0);
	ck_assert_int_eq(trial_export_spare(exports, "kernel", a, &e), -EINVAL);
	told("--export-b ");
	told("/a: is the file '");
	told("the kernel; name a file that is not read");
	ck_assert_int_eq(trial_export_spare(exports, "kernel", same, &e), -EINVAL);
	ck_assert_int_eq(trial_export_spare(exports, "kernel", link_to, &e), -EINVAL);
	trial_export_abandon(exports);
	holds("a", "kernel");
}
END_TEST

/* docs/tvmm.1: options that name files which are read, -add SRC[:/DST], the program behind "--". */
START_TEST(what_a_run_reads)
{
	static const struct {
		const char *option[6];
		bool reads;
	} spec[] = {
		{ { "-kernel", "@" }, true },
		{ { "--initrd=@", "-m", "64" }, true },
		{ { "-m", "64", "--symbols", "@" }, true },
		{ { "-add", "@:/bin/x" }, true },
		{ { "-add=@" }, true },
		{ { "-m", "64", "--", "@", "x" }, true },
		{ { "-append", "@" }, false },
		{ { "-kernels", "@" }, false },
		{ { "-kernel", "k", "--", "p", "@" }, false },
		{ { "-kernel" }, false },
		{ { "-m", "--" }, false },
		{ { NULL }, false },
	};
	char a[256], word[512];

	(void)snprintf(a, sizeof(a), "%s", folder_at("a"));
	folder_put(a, "x", 1);
	exports[0].path = a;
	ck_assert_int_eq(trial_export_open(exports, &e), 0);
	for (size_t i = 0; i < COUNT(spec); i++) {
		const char *option[7] = { NULL };

		for (size_t k = 0; spec[i].option[k]; k++) {
			const char *at = strchr(option[k] = spec[i].option[k], '@');

			if (!at)
				continue;
			(void)snprintf(word, sizeof(word), "%.*s%s%s", (int)(at - option[k]),
				       option[k], a, at + 1);
			option[k] = word;
		}
		ck_assert_msg(trial_export_spare_run(exports, (char *const *)(uintptr_t)option,
						     &e) == (spec[i].reads ? -EINVAL : 0),
			      "%zu", i);
	}
	trial_export_abandon(exports);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { options,
				       written_at_the_end,
				       abandoned,
				       one_file_for_two,
				       one_that_cannot_be_written,
				       one_that_cannot_be_made,
				       what_is_read_is_not_written,
				       what_a_run_reads };
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
