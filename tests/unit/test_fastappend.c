/* SPDX-License-Identifier: MIT */
/*
 * Words of tvmm's on the kernel's command line: which, when, and that the user's win. Names, and
 * what is a word, are [LINUX]'s: kernel-parameters.rst on dashes, underscores and "--", and
 * next_arg() of lib/cmdline.c.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/fastappend.h"

#define APIC  "noapic "
#define UARTS "8250.nr_uarts=1 "
#define PTYS  "pty.legacy_count=0 "
#define TESTS "cryptomgr.notests=1"
#define CPU   " random.trust_cpu=on"
#define ALL   APIC UARTS PTYS TESTS CPU

static const struct fastappend_facts usual = {
	.append = "console=ttyS0",
	.takes_bytes = 2047,
	.cpus = 1,
	.rdrand = true,
	.linux64 = true,
};

/* With another line. */
static struct fastappend_facts with(const char *append)
{
	struct fastappend_facts facts = usual;

	facts.append = append;
	return facts;
}

static void check_line(const struct fastappend_facts *facts, const char *added, const char *line)
{
	struct fastappend fast;
	struct err e;

	ck_assert_int_eq(fastappend_make(&fast, facts, &e), 0);
	ck_assert_str_eq(fast.added, added);
	if (line)
		ck_assert_str_eq(fast.cmdline, line);
	else
		ck_assert_ptr_null(fast.cmdline);
	ck_assert_int_eq(fast.why_none[0] != '\0', !*added);
	fastappend_finish(&fast);
}

START_TEST(ours_come_first)
{
	struct fastappend_facts facts = usual;

	check_line(&facts, ALL, ALL " console=ttyS0");
	facts.append = "";
	check_line(&facts, ALL, ALL);
}
END_TEST

/* Init gets what the kernel does not know, but for words with a dot. All x86-64 ones know noapic. */
START_TEST(no_word_can_reach_init)
{
	size_t words = 0;

	for (const char *word; (word = fastappend_word(words)) != NULL; words++) {
		ck_assert_msg(strcmp(word, "noapic") == 0 ||
				      memchr(word, '.', strcspn(word, "=")) != NULL,
			      "%s would be init's", word);
		ck_assert_ptr_null(strpbrk(word, " \t\""));
	}
	ck_assert_uint_eq(words, FASTAPPEND_WORDS);
}
END_TEST

START_TEST(conditions)
{
	struct fastappend_facts facts = usual;

	facts.cpus = 2;
	check_line(&facts, UARTS PTYS TESTS CPU, UARTS PTYS TESTS CPU " console=ttyS0");
	facts.rdrand = false;
	check_line(&facts, UARTS PTYS TESTS, UARTS PTYS TESTS " console=ttyS0");
	facts.linux64 = false;
	check_line(&facts, "", NULL);
}
END_TEST

START_TEST(the_users_words_win)
{
	static const struct {
		const char *append, *added;
	} spec[] = {
		{ "noapic", UARTS PTYS TESTS CPU },
		{ "apic=debug quiet", UARTS PTYS TESTS CPU },
		{ "quiet nolapic", UARTS PTYS TESTS CPU },
		{ "disableapic", UARTS PTYS TESTS CPU },
		{ "8250.nr_uarts=4", APIC PTYS TESTS CPU },
		{ "8250.nr-uarts=4", APIC PTYS TESTS CPU },
		{ "8250_core.nr_uarts=4", APIC PTYS TESTS CPU },
		{ "pty.legacy_count=16", APIC UARTS TESTS CPU },
		{ "cryptomgr.notests=0", APIC UARTS "pty.legacy_count=0" CPU },
		{ "fips=1", APIC UARTS "pty.legacy_count=0" CPU },
		{ "cryptomgr.panic_on_fail", APIC UARTS "pty.legacy_count=0" CPU },
		{ "cryptomgr.noextratests", APIC UARTS "pty.legacy_count=0" CPU },
		{ "random.trust_cpu=off", APIC UARTS PTYS TESTS },
		{ "random.trust-cpu=off", APIC UARTS PTYS TESTS },
		{ "nordrand", APIC UARTS PTYS TESTS },
		{ "noapic 8250.nr_uarts pty.legacy_count=1 fips random.trust_cpu=0", "" },
		/* Other words, values, and what is init's. */
		{ "noapics xnoapic a.noapic", ALL },
		{ "init=noapic foo=\"a noapic\" \"bar=b noapic\"", ALL },
		{ "-- noapic 8250.nr_uarts=4", ALL },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		struct fastappend_facts facts = with(spec[i].append);
		char line[256];

		(void)snprintf(line, sizeof(line), "%s %s", spec[i].added, spec[i].append);
		check_line(&facts, spec[i].added, *spec[i].added ? line : NULL);
	}
}
END_TEST

/* Not a byte more than the header's cmdline_size; then none of them, and the user's as they are. */
START_TEST(a_line_that_would_be_too_long)
{
	struct fastappend_facts facts = usual;
	struct fastappend fast;
	struct err e;

	facts.takes_bytes = strlen(ALL " console=ttyS0");
	check_line(&facts, ALL, ALL " console=ttyS0");
	facts.takes_bytes--;
	ck_assert_int_eq(fastappend_make(&fast, &facts, &e), 0);
	ck_assert_str_eq(fast.added, "");
	ck_assert_ptr_null(fast.cmdline);
	ck_assert_ptr_nonnull(strstr(fast.why_none, "would have 95 bytes"));
	ck_assert_ptr_nonnull(strstr(fast.why_none, "takes 94"));
	fastappend_finish(&fast);
}
END_TEST

/* Each word of the table stands in it once, with why it is added or not. */
START_TEST(it_is_explained)
{
	struct fastappend_facts facts = with("pty.legacy_count=9");
	struct fastappend fast;
	char *text = NULL;
	size_t bytes;
	struct err e;
	FILE *out = open_memstream(&text, &bytes);

	ck_assert_ptr_nonnull(out);
	facts.rdrand = false;
	ck_assert_int_eq(fastappend_make(&fast, &facts, &e), 0);
	fastappend_explain(&fast, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_ptr_nonnull(strstr(text, "\n  added      noapic: with one CPU\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n  added      8250.nr_uarts=1: always\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "\n  not added  pty.legacy_count=0: -append says what is to be\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "\n  not added  random.trust_cpu=on: it is for guests with RDRAND\n"));
	free(text);
	fastappend_finish(&fast);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fastappend");
	TCase *tc = tcase_create("fastappend");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, ours_come_first);
	tcase_add_test(tc, no_word_can_reach_init);
	tcase_add_test(tc, conditions);
	tcase_add_test(tc, the_users_words_win);
	tcase_add_test(tc, a_line_that_would_be_too_long);
	tcase_add_test(tc, it_is_explained);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
