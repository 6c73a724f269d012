/* SPDX-License-Identifier: MIT */
/* Words as POSIX's "Quoting" has them; what has no end is refused. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/refusal.h"
#include "vmm/words.h"

START_TEST(words_of_a_shell)
{
	static const struct {
		const char *text, *word[4];
	} spec[] = {
		{ "", { NULL } },
		{ " \t\n ", { NULL } },
		{ "a", { "a" } },
		{ "  -m 128\t-smp\n2 ", { "-m", "128", "-smp", "2" } },
		{ "-append 'quiet panic=1'", { "-append", "quiet panic=1" } },
		{ "''", { "" } },
		{ "a '' b", { "a", "", "b" } },
		{ "a'b c'd", { "ab cd" } },
		{ "'a\\b'", { "a\\b" } },
		{ "'a\"b'", { "a\"b" } },
		{ "\"a'b\"", { "a'b" } },
		{ "\"a\\\"b\"", { "a\"b" } },
		{ "\"a\\\\b\"", { "a\\b" } },
		{ "\"a\\$b\\`\"", { "a$b`" } },
		{ "\"a\\nb\"", { "a\\nb" } },
		{ "\"a\\\nb\"", { "ab" } },
		{ "a\\\nb", { "ab" } },
		{ "a\\ b", { "a b" } },
		{ "a\\\\b", { "a\\b" } },
		{ "\\'a\\\"", { "'a\"" } },
		{ "$HOME * ~ #", { "$HOME", "*", "~", "#" } }, /* nothing is expanded */
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		struct words words;
		struct err e;
		size_t n = 0;

		ck_assert_int_eq(words_split(&words, spec[i].text, &e), 0);
		for (; n < 4 && spec[i].word[n]; n++) {
			ck_assert_msg(n < words.count, "row %zu: %zu words", i, words.count);
			ck_assert_str_eq(words.word[n], spec[i].word[n]);
		}
		ck_assert_msg(words.count == n, "row %zu: %zu words", i, words.count);
		ck_assert_ptr_null(words.word[n]);
		words_finish(&words);
	}
}
END_TEST

START_TEST(what_has_no_end)
{
	static const char *const spec[] = { "'",   "a 'b c", "\"a",    "\"a\\\"",
					    "a\\", "\"\\",   "'a\\'b'" };

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		struct words words;
		struct err e;
		int rc = words_split(&words, spec[i], &e);
		const char *flaw = refusal_flaw(rc, &e);

		ck_assert_int_eq(rc, -EINVAL);
		ck_assert_msg(!flaw, "%s: %s", spec[i], flaw);
		ck_assert_ptr_null(words.word);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("words");
	TCase *tcase = tcase_create("words");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, words_of_a_shell);
	tcase_add_test(tcase, what_has_no_end);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
