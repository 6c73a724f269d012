/* SPDX-License-Identifier: MIT */
/* "did you mean": the edit distance as textbooks define it, and when a word is near enough. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/suggest.h"

START_TEST(distances_of_the_textbook)
{
	static const struct {
		const char *a, *b;
		unsigned int distance;
	} spec[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "abc", "", 3 },
		{ "same", "same", 0 },
		{ "kitten", "sitting", 3 },
		{ "flaw", "lawn", 2 },
		{ "kernal", "kernel", 1 },
		{ "krenel", "kernel", 2 }, /* a swap is two changes: there is no transposition */
		{ "intird", "initrd", 2 },
		{ "a", "b", 1 },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		ck_assert_uint_eq(suggest_distance(spec[i].a, spec[i].b), spec[i].distance);
		ck_assert_uint_eq(suggest_distance(spec[i].b, spec[i].a), spec[i].distance);
	}
}
END_TEST

/* Words beyond 63 characters are cut, so nothing a user types is written out of bounds. */
START_TEST(long_words_are_cut)
{
	static char x[100000], y[70];

	memset(x, 'x', sizeof(x) - 1);
	memset(y, 'y', sizeof(y) - 1);
	ck_assert_uint_eq(suggest_distance(x, ""), 63);
	ck_assert_uint_eq(suggest_distance(x, y), 63);
	ck_assert_uint_eq(suggest_distance(x, x + 5), 0);
}
END_TEST

START_TEST(nearest_of_several)
{
	static const char *const words[] = { "kernel", "initrd", "append", "m", "smp", "serial" };
	size_t count = sizeof(words) / sizeof(words[0]);

	ck_assert_str_eq(suggest_nearest("kernal", words, count), "kernel");
	ck_assert_str_eq(suggest_nearest("initd", words, count), "initrd");
	ck_assert_str_eq(suggest_nearest("apend", words, count), "append");
	ck_assert_str_eq(suggest_nearest("seriel", words, count), "serial");
	ck_assert_str_eq(suggest_nearest("kernel", words, count), "kernel");
}
END_TEST

/* More than a third of the longer word would have to change: it is not meant. One always counts. */
START_TEST(nothing_near)
{
	static const char *const words[] = { "kernel", "smp" };

	ck_assert_ptr_null(suggest_nearest("bogus", words, 2));
	ck_assert_ptr_null(suggest_nearest("kabcel", words, 2));         /* 3 of 6 */
	ck_assert_str_eq(suggest_nearest("kabnel", words, 2), "kernel"); /* 2 of 6: a third */
	ck_assert_str_eq(suggest_nearest("sm", words, 2), "smp");
	ck_assert_ptr_null(suggest_nearest("xyz", words, 2));
	ck_assert_ptr_null(suggest_nearest("kernel", words, 0));
	ck_assert_ptr_null(suggest_nearest("", words, 1));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { distances_of_the_textbook, long_words_are_cut,
				       nearest_of_several, nothing_near };
	Suite *suite = suite_create("suggest");
	TCase *tcase = tcase_create("suggest");
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
