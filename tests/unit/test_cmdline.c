/* SPDX-License-Identifier: MIT */
/* A kernel's command line, as [LINUX] kernel/params.c and lib/cmdline.c take it apart. */
#include "vmm/cmdline.h"

#include <check.h>
#include <stdlib.h>

START_TEST(words_as_the_kernel_sees_them)
{
	static const struct {
		const char *line;
		bool has;
	} spec[] = {
		{ "", false },           { "a_b", true },
		{ "a-b", true },         { "  \t a_b=1", true },
		{ "x\na_b", true },      { "\"a_b=1 2\" x", true },
		{ "\"a_b\"", true },     { "a_b=\"1 2\"", true },
		{ "a_bc", false },       { "xa_b", false },
		{ "a", false },          { "x=\"a_b", false },
		{ "x=\" a_b\"", false }, { "x\" \"a_b", false },
		{ "x -- a_b", false },   { "x \"--\" a_b", false },
		{ "x --=1 a_b", true },  { "x __ a_b", true },
		{ "a_b -- x", true },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++)
		ck_assert_msg(cmdline_has(spec[i].line, "a_b") == spec[i].has, "%s", spec[i].line);
}
END_TEST

START_TEST(words_without_a_value)
{
	ck_assert(cmdline_has_alone("x a_b y", "a_b"));
	ck_assert(cmdline_has_alone("a-b", "a_b"));
	ck_assert(cmdline_has_alone("a_b=1 a_b", "a_b"));
	ck_assert(!cmdline_has_alone("a_b=1", "a_b"));
	ck_assert(!cmdline_has_alone("a_b=", "a_b"));
	ck_assert(!cmdline_has_alone("x -- a_b", "a_b"));
}
END_TEST

/* The kernel's words end at "--": parse_args(). Behind it a word would be an argument of init. */
START_TEST(one_more_word)
{
	static const struct {
		const char *line, *with;
	} spec[] = {
		{ "", "w" },
		{ "a", "a w" },
		{ "a ", "a w" },
		{ "a b=c", "a b=c w" },
		{ "a -- b", "a w -- b" },
		{ "a\t-- b", "a\tw -- b" },
		{ "-- b", "w -- b" },
		{ "a --", "a w --" },
		{ "a \"--\" b", "a w \"--\" b" },
		{ "a --b c", "a --b c w" },
		{ "a=\"x -- y\" b", "a=\"x -- y\" b w" },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		char *with = cmdline_with(spec[i].line, "w");

		ck_assert_ptr_nonnull(with);
		ck_assert_str_eq(with, spec[i].with);
		ck_assert_msg(cmdline_has(with, "w"), "%s", with);
		free(with);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cmdline");
	TCase *tcase = tcase_create("cmdline");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, words_as_the_kernel_sees_them);
	tcase_add_test(tcase, words_without_a_value);
	tcase_add_test(tcase, one_more_word);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
