/* SPDX-License-Identifier: MIT */
/*
 * Expressions for lines: which are refused before regcomp() sees them, because it would copy and call
 * without an end. What an expression means is POSIX, Base Definitions, "Regular Expressions".
 */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/lineregex.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static regex_t regex;
static struct err e;

static bool matches(const char *expression, const char *line)
{
	bool found;

	ck_assert_msg(lineregex_compile("until", expression, &regex, &e) == 0, "%s", e.text);
	found = regexec(&regex, line, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

START_TEST(those_that_people_write)
{
	ck_assert(matches("Boot took [0-9.]+ seconds", "Boot took 0.36 seconds"));
	ck_assert(matches("^/ # $", "/ # "));
	ck_assert(matches("^(a|b+){1,3}$", "abb"));
	ck_assert(matches("^[]a]{2}$", "]a"));
	ck_assert(matches("^[^]a]$", "b"));
	ck_assert(matches("^[[:digit:]]{1,255}x$", "12x"));
	ck_assert(matches("^a\\{2\\}$", "a{2}"));
	ck_assert(matches("^a{1,1000}$", "aaa"));
	/* In brackets nothing is repeated. */
	ck_assert(matches("^[+{(]+$", "({+"));
	ck_assert(matches("^[]+++++++++++++++]$", "+"));
}
END_TEST

/* Each would be a thousand characters longer, or doubled for each plus. */
START_TEST(those_that_repeat_too_much)
{
	static const char *const spec[] = {
		"((((a{1,255}){1,255}){1,255}))",
		"a{1002}",
		"a{,1002}",
		"a{1002,}",
		"a{99999999999999999999}",
		"a{100}{100}",
		"(a{100}|b){20}",
		"([a-z]{100}){20}",
		"([[:alpha:]]{100}){20}",
		"(\\({100}){20}",
		"a++++++++++++",
		"((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)",
		"{x(a{100}){20}",
		"[[:x](a{100}){20}",
		"(){1002}",
		"(ab){501}(ab){501}",
	};

	for (size_t i = 0; i < COUNT(spec); i++) {
		ck_assert_msg(lineregex_compile("until", spec[i], &regex, &e) == -EINVAL, "%s",
			      spec[i]);
		ck_assert_msg(strstr(e.text, "more than 1000 characters longer"), "%s", e.text);
		ck_assert_ptr_nonnull(strstr(e.text, "-until: '"));
	}
}
END_TEST

START_TEST(those_that_are_too_long_or_too_deep)
{
	static char text[5000];

	(void)memset(text, 'a', 4096);
	ck_assert_int_eq(lineregex_compile("until", text, &regex, &e), 0);
	regfree(&regex);
	text[4096] = 'a';
	ck_assert_int_eq(lineregex_compile("until", text, &regex, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "has 4097 bytes; at most 4096"));
	(void)memset(text, '\0', sizeof(text));
	(void)memset(text, '(', 65);
	text[65] = 'a';
	(void)memset(text + 66, ')', 65);
	ck_assert_int_eq(lineregex_compile("until", text, &regex, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "more than 64 parentheses"));
	text[130] = '\0';
	ck_assert_int_eq(lineregex_compile("until", text + 1, &regex, &e), 0);
	regfree(&regex);
}
END_TEST

/* One half of a pair is regcomp()'s to judge, and nothing is read behind the end. */
START_TEST(halves)
{
	static const char *const spec[] = {
		"(", ")", "[", "[[:", "[]", "a{", "a{1", "\\", ")))a{3}"
	};

	for (size_t i = 0; i < COUNT(spec); i++) {
		if (lineregex_compile("until", spec[i], &regex, &e) == 0)
			regfree(&regex);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { those_that_people_write, those_that_repeat_too_much,
				       those_that_are_too_long_or_too_deep, halves };
	Suite *suite = suite_create("lineregex");
	TCase *tcase = tcase_create("lineregex");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
