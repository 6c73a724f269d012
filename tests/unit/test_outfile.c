/* SPDX-License-Identifier: MIT */
/*
 * Files that are opened before a run and written after it: what was there before stays until then, what
 * cannot be written is told at once.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/common/folder.h"
#include "vmm/outfile.h"

static struct outfile out;
static struct err e;
static char text[128];

static int print_text(const void *ctx, FILE *file)
{
	return fputs(ctx, file) < 0 ? -EIO : 0;
}

static int print_nothing(const void *ctx, FILE *file)
{
	(void)ctx, (void)file;
	return -ENOMEM;
}

static void check_holds(const char *name, const char *wanted)
{
	size_t n = folder_get(folder_at(name), text, sizeof(text) - 1);

	text[n] = '\0';
	ck_assert_str_eq(text, wanted);
}

START_TEST(not_wanted)
{
	ck_assert_int_eq(outfile_open(&out, "-report", NULL, &e), 0);
	ck_assert_int_eq(outfile_write(&out, print_text, "x", &e), 0);
	outfile_abandon(&out);
}
END_TEST

START_TEST(a_new_file)
{
	ck_assert_int_eq(outfile_open(&out, "-report", folder_at("new"), &e), 0);
	ck_assert_int_eq(outfile_write(&out, print_text, "all of it\n", &e), 0);
	check_holds("new", "all of it\n");
}
END_TEST

static void append(const char *name, const char *words)
{
	ck_assert_int_eq(outfile_open_append(&out, "-summary", folder_at(name), &e), 0);
	ck_assert_int_eq(outfile_write(&out, print_text, words, &e), 0);
}

START_TEST(written_behind_what_was_there)
{
	struct outfile other;

	append("shared", "one\n");
	append("shared", "two\n");
	check_holds("shared", "one\ntwo\n");
	/* Somebody else writes between opening and writing. */
	ck_assert_int_eq(outfile_open_append(&other, "-summary", folder_at("shared"), &e), 0);
	append("shared", "three\n");
	ck_assert_int_eq(outfile_write(&other, print_text, "four\n", &e), 0);
	check_holds("shared", "one\ntwo\nthree\nfour\n");
	ck_assert_int_eq(outfile_open_append(&other, "-summary", folder_at("shared"), &e), 0);
	outfile_abandon(&other);
	check_holds("shared", "one\ntwo\nthree\nfour\n");
}
END_TEST

START_TEST(what_was_there_stays_until_it_is_written)
{
	folder_put(folder_at("old"), "a longer text than the new one", 30);
	ck_assert_int_eq(outfile_open(&out, "-report", folder_at("old"), &e), 0);
	check_holds("old", "a longer text than the new one");
	ck_assert_int_eq(outfile_write(&out, print_text, "new\n", &e), 0);
	check_holds("old", "new\n");
}
END_TEST

START_TEST(a_run_that_never_was_leaves_nothing)
{
	folder_put(folder_at("old"), "old", 3);
	ck_assert_int_eq(outfile_open(&out, "-report", folder_at("old"), &e), 0);
	outfile_abandon(&out);
	check_holds("old", "old");
	ck_assert_int_eq(outfile_open(&out, "-report", folder_at("new"), &e), 0);
	outfile_abandon(&out);
	ck_assert(!folder_has(folder_at("new")));
}
END_TEST

START_TEST(what_cannot_be_written_is_told_at_once)
{
	ck_assert_int_eq(outfile_open(&out, "-html", folder_at("no/such"), &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "-html"));
	ck_assert_ptr_nonnull(strstr(e.text, "no/such"));
	ck_assert_int_eq(outfile_open(&out, "-html", folder_at(""), &e), -EISDIR);
}
END_TEST

/* A FIFO without a reader is refused, not waited for. */
START_TEST(a_fifo_that_nobody_reads)
{
	ck_assert_int_eq(mkfifo(folder_at("fifo"), 0600), 0);
	ck_assert_int_eq(outfile_open(&out, "-trace", folder_at("fifo"), &e), -ENXIO);
}
END_TEST

START_TEST(a_printer_that_fails)
{
	ck_assert_int_eq(outfile_open(&out, "-trace", folder_at("new"), &e), 0);
	ck_assert_int_eq(outfile_write(&out, print_nothing, NULL, &e), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(e.text, "-trace"));
}
END_TEST

START_TEST(a_device_that_is_full)
{
	ck_assert_int_eq(outfile_open(&out, "-report", "/dev/full", &e), 0);
	ck_assert_int_lt(outfile_write(&out, print_text, "x", &e), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "/dev/full"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("outfile");
	TCase *tcase = tcase_create("files");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, folder_make, folder_remove);
	tcase_add_test(tcase, not_wanted);
	tcase_add_test(tcase, a_new_file);
	tcase_add_test(tcase, what_was_there_stays_until_it_is_written);
	tcase_add_test(tcase, written_behind_what_was_there);
	tcase_add_test(tcase, a_run_that_never_was_leaves_nothing);
	tcase_add_test(tcase, what_cannot_be_written_is_told_at_once);
	tcase_add_test(tcase, a_fifo_that_nobody_reads);
	tcase_add_test(tcase, a_printer_that_fails);
	tcase_add_test(tcase, a_device_that_is_full);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
