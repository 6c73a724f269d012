/* SPDX-License-Identifier: MIT */
/*
 * Signs of a boot in what a console says: whole, in pieces of every length, and in bytes that nobody should
 * believe. Marks are docs/marks.md's, the kernel's line is init/main.c's.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/bootsigns.h"
#include "vmm/lineregex.h"

static const char CONSOLE[] = "Linux version 6.1\r\nRun /init as init process\r\n"
			      "\033]8866;mark:init\aup\r\n\033]8866;mark:more\a"
			      "\033[1mBoot took \033[0m1.25 seconds\r\n/ # ";

static struct bootsigns signs;
static regex_t uptime, until;
static struct err e;

static void setup(void)
{
	ck_assert_int_eq(lineregex_compile_group("u", "Boot took ([^ ]+) seconds", &uptime, &e), 0);
	ck_assert_int_eq(lineregex_compile("u", "^/ # $", &until, &e), 0);
	bootsigns_init(&signs, &uptime, &until);
}

static void teardown(void)
{
	regfree(&uptime);
	regfree(&until);
}

/* Hands it over in pieces, each 10 later than the one before; the first comes at 10. */
static bool hear(const char *text, size_t length, size_t piece)
{
	uint64_t now_ns = 0;
	bool enough = false;

	for (size_t at = 0; at < length; at += piece)
		enough = bootsigns_hear(&signs, text + at,
					length - at < piece ? length - at : piece, now_ns += 10);
	return enough;
}

START_TEST(all_signs)
{
	uint64_t at_ns = 0;

	ck_assert(hear(CONSOLE, sizeof(CONSOLE) - 1, (size_t)_i));
	ck_assert(signs.uptime_known);
	ck_assert_uint_eq(signs.uptime_ns, 1250000000);
	/* The piece with the byte that the mark begins with. */
	ck_assert_int_eq(bootsigns_init_at(&signs, &at_ns), BOOTSIGNS_MARK);
	ck_assert_uint_eq(at_ns,
			  10 * ((size_t)(strchr(CONSOLE, '\033') - CONSOLE) / (size_t)_i + 1));
	ck_assert_uint_eq(signs.until_ns, 10 * ((sizeof(CONSOLE) - 2) / (size_t)_i + 1));
}
END_TEST

START_TEST(the_kernels_line)
{
	static const char line[] = "[    0.1] Run /sbin/init as init process\n";
	uint64_t at_ns = 0;

	ck_assert(!hear(line, sizeof(line) - 2, 1));
	ck_assert_int_eq(bootsigns_init_at(&signs, &at_ns), BOOTSIGNS_NONE);
	ck_assert_uint_eq(at_ns, 0);
	(void)hear("\n", 1, 1);
	ck_assert_int_eq(bootsigns_init_at(&signs, &at_ns), BOOTSIGNS_RUN_INIT);
	ck_assert_uint_gt(at_ns, 0);
}
END_TEST

/* Digits with at most one point, and no more of them than a clock shows. */
START_TEST(numbers)
{
	static const struct {
		const char *number;
		bool known;
		uint64_t ns;
	} spec[] = {
		{ "0.36", true, 360000000 },
		{ "7", true, 7000000000 },
		{ "0", true, 0 },
		{ "1000000000", true, 1000000000000000000 },
		{ "1000000001", false, 0 },
		{ "1e3", false, 0 },
		{ "0x10", false, 0 },
		{ "inf", false, 0 },
		{ "-1", false, 0 },
		{ ".5", false, 0 },
		{ "1.2.3", false, 0 },
		{ "00000000000000000000000000000001", false, 0 },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		char line[128];
		int length = snprintf(line, sizeof(line), "Boot took %s seconds\n", spec[i].number);

		bootsigns_init(&signs, &uptime, &until);
		(void)hear(line, (size_t)length, 7);
		ck_assert_msg(signs.uptime_known == spec[i].known, "%s", spec[i].number);
		ck_assert_msg(!spec[i].known || signs.uptime_ns == spec[i].ns, "%s",
			      spec[i].number);
	}
}
END_TEST

/* The first number counts, and a line without an end only when nothing more will come. */
START_TEST(first_and_last_lines)
{
	(void)hear("Boot took 1.5 seconds", 21, 21);
	ck_assert(!signs.uptime_known);
	bootsigns_end(&signs);
	ck_assert(signs.uptime_known);
	(void)hear("\nBoot took 2.5 seconds\n", 23, 23);
	ck_assert_uint_eq(signs.uptime_ns, 1500000000);
}
END_TEST

/* What ends the run in the midst of a number has not told it. */
START_TEST(a_number_that_goes_on)
{
	regex_t digit, bare;

	ck_assert_int_eq(lineregex_compile("u", "Boot took [0-9]", &digit, &e), 0);
	ck_assert_int_eq(lineregex_compile_group("u", "Boot took ([0-9.]+)", &bare, &e), 0);
	bootsigns_init(&signs, &bare, &digit);
	ck_assert(hear("Boot took 0", 11, 11));
	bootsigns_end(&signs);
	ck_assert(!signs.uptime_known);
	bootsigns_init(&signs, &bare, &digit);
	ck_assert(hear("Boot took 0.31 s", 16, 16));
	ck_assert(signs.uptime_known);
	ck_assert_uint_eq(signs.uptime_ns, 310000000);
	regfree(&digit);
	regfree(&bare);
}
END_TEST

/* Neither a line without an end, nor NULs, nor a mark that is none. */
START_TEST(nonsense)
{
	static char noise[200000];
	unsigned int seed = 1;

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(rand_r(&seed) >> 7);
	ck_assert(!hear(noise, sizeof(noise), 4096));
	(void)memset(noise, 'x', sizeof(noise));
	ck_assert(!hear(noise, sizeof(noise), 999));
	ck_assert(!hear("\033]8866;mark:", 12, 1));
	(void)hear("\n\0Boot took \0003 seconds\n", 24, 5);
	ck_assert_uint_eq(signs.uptime_ns, 3000000000);
	bootsigns_init(&signs, NULL, NULL);
	ck_assert(!hear(CONSOLE, sizeof(CONSOLE) - 1, 9));
	bootsigns_end(&signs);
	ck_assert(!signs.uptime_known && !signs.until_ns && signs.mark_ns);
}
END_TEST

START_TEST(groups)
{
	regex_t regex;

	ck_assert_int_lt(lineregex_compile_group("-u", "no group", &regex, &e), 0);
	ck_assert_str_eq(e.text,
			 "--u: 'no group' has 0 groups in parentheses; expected one, around "
			 "the number");
	ck_assert_int_lt(lineregex_compile_group("-u", "(a)\\1", &regex, &e), 0);
	ck_assert_int_eq(lineregex_compile_group("-u", "(a)", &regex, &e), 0);
	regfree(&regex);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { the_kernels_line,      numbers,
				       first_and_last_lines,  nonsense,
				       a_number_that_goes_on, groups };
	Suite *suite = suite_create("bootsigns");
	TCase *tcase = tcase_create("bootsigns");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, all_signs, 1, (int)sizeof(CONSOLE));
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
