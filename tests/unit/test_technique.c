/* SPDX-License-Identifier: MIT */
/* -without's words: what technique.h and the manual page say of them. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/technique.h"

static struct err error;

START_TEST(all_are_on)
{
	for (unsigned int i = 0; i < TECHNIQUES; i++)
		ck_assert(technique_on(0, (enum technique)i));
}
END_TEST

START_TEST(words_of_a_list)
{
	technique_set off = 0;

	ck_assert_int_eq(technique_parse("parallel-fill", &off, &error), 0);
	ck_assert(!technique_on(off, TECHNIQUE_PARALLEL_FILL));
	ck_assert(technique_on(off, TECHNIQUE_MP_TABLE));
	ck_assert_int_eq(technique_parse("mp-table", &off, &error), 0);
	ck_assert(!technique_on(off, TECHNIQUE_PARALLEL_FILL));
	ck_assert(!technique_on(off, TECHNIQUE_MP_TABLE));
	off = 0;
	ck_assert_int_eq(technique_parse("mp-table,parallel-fill,mp-table", &off, &error), 0);
	ck_assert(!technique_on(off, TECHNIQUE_PARALLEL_FILL));
	ck_assert(!technique_on(off, TECHNIQUE_MP_TABLE));
}
END_TEST

START_TEST(words_that_are_none)
{
	static const struct {
		const char *list, *message;
	} cases[] = {
		{ "", "-without: there is no ''; there are mp-table" },
		{ "mp-table,", "-without: there is no ''; there are mp-table" },
		{ ",mp-table", "-without: there is no ''; there are mp-table" },
		{ "mp_table", "-without: there is no 'mp_table'; did you mean 'mp-table'?" },
		{ "everything", "-without: there is no 'everything'; there are mp-table" },
		{ "a-word-that-is-longer-than-any-of-them", "-without: there is no 'a-word-" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		technique_set off = 0;

		ck_assert_int_eq(technique_parse(cases[i].list, &off, &error), -EINVAL);
		ck_assert_msg(strncmp(error.text, cases[i].message, strlen(cases[i].message)) == 0,
			      "'%s': %s", cases[i].list, error.text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("technique");
	TCase *tcase = tcase_create("technique");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, all_are_on);
	tcase_add_test(tcase, words_of_a_list);
	tcase_add_test(tcase, words_that_are_none);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
