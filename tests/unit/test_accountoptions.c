/* SPDX-License-Identifier: MIT */
/* The words of -account, -profile and -mark, and what the outputs take without being told. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/accountoptions.h"

static struct account_options o;
static struct err e;

static void setup(void)
{
	memset(&o, 0, sizeof(o));
}

static void teardown(void)
{
	accountoptions_finish(&o);
}

START_TEST(words)
{
	ck_assert_int_eq(accountoptions_what(&o, "marks", &e), 0);
	ck_assert_uint_eq(o.what, 0);
	ck_assert_int_eq(accountoptions_what(&o, "phases,exits", &e), 0);
	ck_assert_uint_eq(o.what, ACCOUNT_PHASES | ACCOUNT_EXITS);
	ck_assert_int_eq(accountoptions_what(&o, "initcalls", &e), 0);
	ck_assert_uint_eq(o.what, ACCOUNT_PHASES | ACCOUNT_INITCALLS);
	ck_assert_int_eq(accountoptions_what(&o, "all", &e), 0);
	ck_assert_uint_eq(o.what, ACCOUNT_ALL);
}
END_TEST

START_TEST(no_words)
{
	static const char *const bad[] = {
		"", ",", "phases,", "phase", "PHASES", "all,none", " all"
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(accountoptions_what(&o, bad[i], &e), -EINVAL);
		ck_assert_ptr_nonnull(strstr(e.text, "-account"));
	}
}
END_TEST

START_TEST(rates)
{
	ck_assert_int_eq(accountoptions_profile(&o, "1", &e), 0);
	ck_assert_int_eq(accountoptions_profile(&o, "20000", &e), 0);
	ck_assert_uint_eq(o.profile_hz, 20000);
	ck_assert_int_eq(accountoptions_profile(&o, "0", &e), -EINVAL);
	ck_assert_int_eq(accountoptions_profile(&o, "20001", &e), -EINVAL);
	ck_assert_int_eq(accountoptions_profile(&o, "1000Hz", &e), -EINVAL);
	ck_assert_int_eq(accountoptions_profile(&o, "-1", &e), -EINVAL);
	ck_assert_int_eq(accountoptions_profile(&o, "99999999999999999999", &e), -EINVAL);
}
END_TEST

START_TEST(marks)
{
	ck_assert_int_eq(accountoptions_mark(&o, "login=login: $", &e), 0);
	ck_assert_int_eq(accountoptions_mark(&o, "a.b_c-1=x=y", &e), 0);
	ck_assert_uint_eq(o.marks, 2);
	ck_assert_str_eq(o.mark[0].name, "login");
	ck_assert_str_eq(o.mark[1].name, "a.b_c-1");
	ck_assert_int_eq(regexec(&o.mark[1].re, "it says x=y", 0, NULL, 0), 0);
}
END_TEST

START_TEST(no_marks)
{
	static const char *const bad[] = { "",         "=x",   "login", "login=",
					   "lo gin=x", "l;=x", "x=(",   "x=(a)\\1" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(accountoptions_mark(&o, bad[i], &e) == -EINVAL, "%s", bad[i]);
		ck_assert_ptr_nonnull(strstr(e.text, "-mark"));
	}
	ck_assert_uint_eq(o.marks, 0);
}
END_TEST

START_TEST(as_many_marks_as_there_is_room_for)
{
	for (int i = 0; i < ACCOUNT_MARKS_MAX; i++)
		ck_assert_int_eq(accountoptions_mark(&o, "x=y", &e), 0);
	ck_assert_int_eq(accountoptions_mark(&o, "x=y", &e), -E2BIG);
}
END_TEST

START_TEST(what_the_outputs_need)
{
	ck_assert_int_eq(accountoptions_settle(&o, &e), 0);
	ck_assert_uint_eq(o.what, 0);
	ck_assert(!accountoptions_wanted(&o));
	o.report = "r.json";
	ck_assert_int_eq(accountoptions_settle(&o, &e), 0);
	ck_assert_uint_eq(o.what, ACCOUNT_PHASES | ACCOUNT_EXITS | ACCOUNT_LINES);
	o.html = "r.html";
	ck_assert_int_eq(accountoptions_settle(&o, &e), 0);
	ck_assert_uint_eq(o.what, ACCOUNT_ALL);
}
END_TEST

START_TEST(what_was_said_counts)
{
	ck_assert_int_eq(accountoptions_what(&o, "marks", &e), 0);
	o.html = "r.html";
	ck_assert_int_eq(accountoptions_settle(&o, &e), 0);
	ck_assert_uint_eq(o.what, 0);
	ck_assert(accountoptions_wanted(&o));
}
END_TEST

START_TEST(a_budget_for_initcalls_takes_them)
{
	ck_assert_int_eq(accountoptions_assert(&o, "initcalls<5ms", &e), 0);
	ck_assert_int_eq(accountoptions_settle(&o, &e), 0);
	ck_assert_uint_eq(o.what, ACCOUNT_ALL);
}
END_TEST

START_TEST(a_flame_graph_needs_samples)
{
	o.flame = "f.svg";
	ck_assert_int_eq(accountoptions_settle(&o, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "-profile"));
	o.profile_hz = 1000;
	ck_assert_int_eq(accountoptions_settle(&o, &e), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("accountoptions");
	TCase *tcase = tcase_create("words");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, words);
	tcase_add_test(tcase, no_words);
	tcase_add_test(tcase, rates);
	tcase_add_test(tcase, marks);
	tcase_add_test(tcase, no_marks);
	tcase_add_test(tcase, as_many_marks_as_there_is_room_for);
	tcase_add_test(tcase, what_the_outputs_need);
	tcase_add_test(tcase, what_was_said_counts);
	tcase_add_test(tcase, a_budget_for_initcalls_takes_them);
	tcase_add_test(tcase, a_flame_graph_needs_samples);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
