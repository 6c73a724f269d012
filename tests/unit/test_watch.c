/* SPDX-License-Identifier: MIT */
/*
 * The watch on the console, fed with lines as Linux prints them. The texts are those of Linux
 * kernel/panic.c, kernel/reboot.c, arch/x86/kernel/reboot.c, init/main.c and init/version.c; the
 * prefixes those of kernel/printk/printk.c: "[%5lu.%06lu]" of PRINTK_TIME, "[%6s]" of
 * PRINTK_CALLER, and a space if there was either.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/watch.h"

static const struct spec {
	const char *text;
	unsigned int event;
} SPEC_LINES[] = {
	{ "Linux version 6.1.0 (gcc (Debian 12.2.0-14) 12.2.0) #1 SMP", WATCH_BANNER },
	{ "Run /init as init process", WATCH_RUN_INIT },
	{ "Run /sbin/init as init process", WATCH_RUN_INIT },
	{ "Run /bin/sh as init process", WATCH_RUN_INIT },
	{ "Boot took 0.45 seconds", WATCH_INIT_LINE },
	{ "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)",
	  WATCH_PANIC },
	{ "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100", WATCH_PANIC },
	{ "Kernel panic - not syncing: ", WATCH_PANIC },
	{ "---[ end Kernel panic - not syncing: VFS: Unable to mount root fs ]---",
	  WATCH_PANIC_ENDS },
	{ "Rebooting in 10 seconds..", WATCH_PANIC_ENDS },
	{ "reboot: Restarting system", WATCH_RESTARTS },
	{ "reboot: Restarting system with command 'bootloader'", WATCH_RESTARTS },
	{ "reboot: machine restart", WATCH_RESTARTS },
	{ "reboot: System halted", WATCH_HALTS },
	{ "reboot: Power down", WATCH_POWERS_DOWN },
};

static const char *const SPEC_PREFIXES[] = {
	"",
	"[    0.000000] ",
	"[    9.999999] ",
	"[12345.678901] ",
	"[123456.789012] ",
	"[    T1] ",
	"[    C0] ",
	"[    0.412345][    T1] ",
	"[    0.412345][    C0] ",
	"[  100.000001][ T1234] ",
	"[  100.000001][T1234567] ",
};

static const char *const OTHER_LINES[] = {
	"",
	" ",
	"\r",
	"Linux",
	"Linux version",
	"Linux versions differ",
	"linux version 6.1.0",
	"a Linux version 6.1.0",
	"Run /init as init processes",
	"Run /init",
	"  with arguments:",
	"    /init",
	"Running /init as init process",
	"Boot tooks 1",
	"kernel panic - not syncing: no",
	"Kernel panic",
	"---[ end trace 0000000000000000 ]---",
	"Rebooting",
	"reboot:",
	"reboot: Restarting",
	"reboot: Power",
	"Restarting system",
	"[    0.000000]",
	"[",
	"[[[[",
	"]",
	"[]",
	"[abc] Linux version 6.1",
};

static struct watch watch;

static void setup(void)
{
	watch_init(&watch, NULL);
}

static unsigned int feed(const char *bytes, size_t count)
{
	unsigned int event = WATCH_NOTHING;

	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_eq(event, WATCH_NOTHING); /* only the last byte tells */
		event = watch_byte(&watch, (uint8_t)bytes[i]);
	}
	return event;
}

static unsigned int line(const char *prefix, const char *text, const char *end)
{
	char whole[WATCH_LINE_BYTES * 2];
	int length = snprintf(whole, sizeof(whole), "%s%s%s", prefix, text, end);

	return feed(whole, (size_t)length);
}

START_TEST(lines_of_the_kernel)
{
	for (size_t i = 0; i < sizeof(SPEC_LINES) / sizeof(SPEC_LINES[0]); i++) {
		for (size_t p = 0; p < sizeof(SPEC_PREFIXES) / sizeof(SPEC_PREFIXES[0]); p++) {
			const struct spec *s = &SPEC_LINES[i];

			ck_assert_msg(line(SPEC_PREFIXES[p], s->text, "\r\n") == s->event, "%s%s",
				      SPEC_PREFIXES[p], s->text);
			ck_assert_uint_eq(line(SPEC_PREFIXES[p], s->text, "\n"), s->event);
		}
	}
}
END_TEST

START_TEST(other_lines)
{
	for (size_t i = 0; i < sizeof(OTHER_LINES) / sizeof(OTHER_LINES[0]); i++)
		ck_assert_msg(line("", OTHER_LINES[i], "\r\n") == WATCH_NOTHING, "%s",
			      OTHER_LINES[i]);
}
END_TEST

/*
 * The kernel starts its records wherever the cursor is: what a program printed last, without an
 * end of line, stands before them. How the run ends must not be missed for that.
 */
START_TEST(behind_an_unfinished_line)
{
	static const char *const before[] = { "/ # ", "done", "$ [    1.234567] ", "/ # \033[6n",
					      "x[    1.234567][    T1] " };

	for (size_t i = 0; i < sizeof(SPEC_LINES) / sizeof(SPEC_LINES[0]); i++) {
		unsigned int event = SPEC_LINES[i].event;

		if (!(event & (WATCH_PANIC | WATCH_RESTARTS | WATCH_POWERS_DOWN | WATCH_HALTS)))
			continue;
		for (size_t b = 0; b < sizeof(before) / sizeof(before[0]); b++)
			ck_assert_msg(line(before[b], SPEC_LINES[i].text, "\r\n") == event, "%s%s",
				      before[b], SPEC_LINES[i].text);
	}
	ck_assert_uint_eq(line("/ # ", "---[ end Kernel panic - not syncing: f ]---", "\r\n"),
			  WATCH_PANIC_ENDS);
	/* A landmark of the boot has nobody before it. */
	ck_assert_uint_eq(line("$ ", "Linux version 6", "\n"), WATCH_NOTHING);
	ck_assert_uint_eq(line("$ ", "Boot took 1 s", "\n"), WATCH_NOTHING);
}
END_TEST

/* [ECMA-48]: colours and cursor movements say nothing. */
START_TEST(control_sequences_are_left_out)
{
	static const char *const lines[] = {
		"\033[6nLinux version 6",
		"\033[1;32mLinux version 6\033[0m",
		"\033[2J\033[H\033[?25lLinux version 6",
		"L\033[0minux version 6",
		"\033cLinux version 6",
		"\033[ qLinux version 6",
		"\033(BLinux version 6\033(0",
		"\033]0;a title\aLinux version 6",
		"\033]3008;start=1\033\\Linux version 6",
		"\033PDCS\033\\\033[mLinux version 6",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(line("", lines[i], "\r\n") == WATCH_BANNER, "line %zu", i);
	/* One that never ends does not eat the next line. */
	ck_assert_uint_eq(line("", "\033[1;1;1", "\n"), WATCH_NOTHING);
	ck_assert_uint_eq(line("", "Linux version 6", "\n"), WATCH_BANNER);
	ck_assert_uint_eq(line("", "\033]0;a title without an end", "\n"), WATCH_NOTHING);
	ck_assert_uint_eq(line("", "Linux version 6", "\n"), WATCH_BANNER);
	ck_assert_uint_eq(line("", "\033", "\n"), WATCH_NOTHING);
	ck_assert_uint_eq(line("", "Linux version 6", "\n"), WATCH_BANNER);
}
END_TEST

/* error() of arch/x86/boot/compressed/error.c: "\n\n", the reason, "\n\n", and this. */
START_TEST(a_decompressor_gives_up)
{
	static const char said[] = "\r\n\r\nXZ-compressed data is corrupt\r\n\r\n -- System halte";

	ck_assert_uint_eq(feed(said, sizeof(said) - 1), WATCH_NOTHING);
	ck_assert_uint_eq(watch_byte(&watch, 'd'), WATCH_PANIC | WATCH_PANIC_ENDS);
	ck_assert_uint_eq(line("", "", "\n"), WATCH_NOTHING);
	ck_assert_uint_eq(feed("x -- System halted", 18), WATCH_NOTHING);
	ck_assert_uint_eq(line("", "", "\n"), WATCH_NOTHING);
	ck_assert_uint_eq(line("", "Linux version 6", "\n"), WATCH_BANNER);
	ck_assert_uint_eq(feed(" -- System halted", 17), WATCH_NOTHING);
}
END_TEST

START_TEST(nul_bytes_are_skipped)
{
	ck_assert_uint_eq(feed("\0Linux\0 version 6\0\r\n", 20), WATCH_BANNER);
}
END_TEST

/* What is longer than the buffer is looked at up to there; the next line is whole again. */
START_TEST(endless_lines)
{
	for (int i = 0; i < 100000; i++)
		ck_assert_uint_eq(watch_byte(&watch, 'x'), WATCH_NOTHING);
	ck_assert_uint_lt(watch.length, WATCH_LINE_BYTES);
	ck_assert_uint_eq(watch_byte(&watch, '\n'), WATCH_NOTHING);
	ck_assert_uint_eq(line("", "Linux version 6", "\n"), WATCH_BANNER);

	feed("Linux version ", 14);
	for (int i = 0; i < 100000; i++)
		(void)watch_byte(&watch, 'x');
	ck_assert_uint_eq(watch_byte(&watch, '\n'), WATCH_BANNER);
}
END_TEST

/* The line's time is that of its first byte. */
START_TEST(time_of_the_first_byte)
{
	uint64_t start;

	(void)watch_byte(&watch, 'L');
	start = watch.start_ns;
	ck_assert_uint_ne(start, 0);
	(void)line("", "inux version 6", "\n");
	ck_assert_uint_eq(watch.start_ns, start);
	(void)watch_byte(&watch, 'x');
	ck_assert_uint_ge(watch.start_ns, start);
}
END_TEST

START_TEST(every_byte_value)
{
	for (unsigned int round = 0; round < 2000; round++) {
		for (unsigned int byte = 0; byte < 256; byte++)
			ck_assert_uint_eq(watch_byte(&watch, (uint8_t)byte), WATCH_NOTHING);
	}
}
END_TEST

static regex_t until;

static void watch_until(const char *expression)
{
	ck_assert_int_eq(regcomp(&until, expression, REG_EXTENDED | REG_NOSUB), 0);
	watch_init(&watch, &until);
}

START_TEST(until_matches_a_line)
{
	watch_until("^(ready|login): $");
	ck_assert_uint_eq(line("", "not ready: ", "\r\n"), WATCH_NOTHING);
	ck_assert_uint_eq(line("", "ready: ", "\r\n"), WATCH_UNTIL);
	ck_assert_uint_eq(line("", "login: ", "\n"), WATCH_UNTIL);
	ck_assert_uint_eq(line("", "Linux version 6", "\n"), WATCH_BANNER);
	regfree(&until);
}
END_TEST

/* A line can be one of the kernel's and match as well. */
START_TEST(until_and_the_kernel)
{
	watch_until("version [0-9]|panic");
	ck_assert_uint_eq(line("", "Linux version 6", "\n"), WATCH_UNTIL | WATCH_BANNER);
	ck_assert_uint_eq(line("", "Kernel panic - not syncing: x", "\n"),
			  WATCH_UNTIL | WATCH_PANIC);
	regfree(&until);
}
END_TEST

START_TEST(until_matches_a_prompt)
{
	watch_until("login: $");
	ck_assert_uint_eq(watch_unfinished(&watch), WATCH_NOTHING);
	feed("tiny log", 8);
	ck_assert_uint_eq(watch_unfinished(&watch), WATCH_NOTHING);
	feed("in: ", 4);
	ck_assert_uint_eq(watch_unfinished(&watch), WATCH_UNTIL);
	ck_assert_uint_eq(watch_unfinished(&watch), WATCH_NOTHING); /* nothing new since */
	regfree(&until);
}
END_TEST

START_TEST(without_until_no_prompt_matches)
{
	feed("login: ", 7);
	ck_assert_uint_eq(watch_unfinished(&watch), WATCH_NOTHING);
}
END_TEST

/* --mark. */

static struct watch_mark user_marks[WATCH_MARKS];

static void watch_for(const char *const *expressions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(
			regcomp(&user_marks[i].re, expressions[i], REG_EXTENDED | REG_NOSUB), 0);
	watch_marks(&watch, user_marks, count);
}

START_TEST(marks_match_once)
{
	static const char *const expressions[] = { "^ready", "net.*up", "version" };

	watch_for(expressions, 3);
	ck_assert_uint_eq(line("", "not ready", "\r\n"), WATCH_NOTHING);
	ck_assert_uint_eq(line("", "ready: net is up", "\r\n"), WATCH_MARK);
	ck_assert_uint_eq(watch.matched_now, 1 << 0 | 1 << 1);
	ck_assert_uint_eq(line("", "ready: net is up", "\r\n"), WATCH_NOTHING);
	ck_assert_uint_eq(line("", "Linux version 6", "\n"), WATCH_MARK | WATCH_BANNER);
	ck_assert_uint_eq(watch.matched_now, 1 << 2);
}
END_TEST

START_TEST(marks_match_a_prompt)
{
	static const char *const expressions[] = { "login: $" };

	watch_for(expressions, 1);
	feed("login: ", 7);
	ck_assert_uint_eq(watch_unfinished(&watch), WATCH_MARK);
	ck_assert_uint_eq(watch_unfinished(&watch), WATCH_NOTHING);
	ck_assert_uint_eq(watch_byte(&watch, '\n'), WATCH_NOTHING);
}
END_TEST

START_TEST(as_many_marks_as_there_may_be)
{
	const char *expressions[WATCH_MARKS];

	for (size_t i = 0; i < WATCH_MARKS; i++)
		expressions[i] = i == WATCH_MARKS - 1 ? "last" : "other";
	watch_for(expressions, WATCH_MARKS);
	ck_assert_uint_eq(line("", "the last", "\n"), WATCH_MARK);
	ck_assert_uint_eq(watch.matched_now, 1ULL << 63);
	ck_assert_uint_eq(line("", "other", "\n"), WATCH_MARK);
	ck_assert_uint_eq(watch.matched_now, UINT64_MAX >> 1);
}
END_TEST

/* An empty line matches what does not ask for more; its time is its own. */
START_TEST(marks_match_an_empty_line)
{
	static const char *const expressions[] = { "^$" };
	uint64_t start;

	watch_for(expressions, 1);
	ck_assert_uint_eq(line("", "before", "\n"), WATCH_NOTHING);
	start = watch.start_ns;
	ck_assert_uint_eq(watch_byte(&watch, '\n'), WATCH_MARK);
	ck_assert_uint_gt(watch.start_ns, start);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		lines_of_the_kernel,
		other_lines,
		behind_an_unfinished_line,
		control_sequences_are_left_out,
		nul_bytes_are_skipped,
		endless_lines,
		time_of_the_first_byte,
		every_byte_value,
		until_matches_a_line,
		until_and_the_kernel,
		until_matches_a_prompt,
		without_until_no_prompt_matches,
		marks_match_once,
		marks_match_a_prompt,
		a_decompressor_gives_up,
		marks_match_an_empty_line,
		as_many_marks_as_there_may_be,
	};
	Suite *suite = suite_create("watch");
	TCase *tcase = tcase_create("watch");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, NULL);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
