/* SPDX-License-Identifier: MIT */
/*
 * Marks in the stream, as docs/marks.md tells their form: what has it is taken out, the rest passes
 * byte for byte. A regular expression over the whole stream says what should have been done.
 */
#include <check.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/escape.h"

#define SPEC_PREFIX "\033]8866;mark:"
#define SPEC_FORM   "\033]8866;mark:([ -:<-~]{1,63})(\007|\033\\\\)"

enum {
	SPEC_NAME_BYTES = 63,
	SPEC_HELD_BYTES = 76, /* prefix, name, ESC: a mark but for its last byte */
	STREAM_BYTES = 4096,
	NS_A_BYTE = 10,
};

static struct escape escape;
static uint8_t passed[STREAM_BYTES];
static size_t passed_count;
static char marks[STREAM_BYTES]; /* "name@ns\n" each */
static uint64_t now_ns;

static void start(void)
{
	escape_init(&escape);
	passed_count = 0;
	marks[0] = '\0';
	now_ns = 0;
}

static void note(char *list, const char *name, size_t name_bytes, uint64_t ns)
{
	size_t length = strlen(list);

	(void)snprintf(list + length, STREAM_BYTES - length, "%.*s@%llu\n", (int)name_bytes, name,
		       (unsigned long long)ns);
}

static void keep(const struct escape_passing *passing)
{
	ck_assert_uint_le(passed_count + passing->count, sizeof(passed));
	memcpy(passed + passed_count, passing->bytes, passing->count);
	passed_count += passing->count;
}

/* Byte number n comes at n * NS_A_BYTE. */
static void feed(const void *bytes, size_t count)
{
	struct escape_passing passing;

	for (size_t i = 0; i < count; i++, now_ns += NS_A_BYTE) {
		uint8_t byte = ((const uint8_t *)bytes)[i];

		passing = (struct escape_passing){ .bytes = { byte }, .count = 1 };
		if (!escape_passes(&escape, byte) && escape_take(&escape, byte, now_ns, &passing)) {
			note(marks, escape.name, strlen(escape.name), escape.mark_ns);
			ck_assert_uint_eq(passing.count, 0);
		}
		keep(&passing);
		ck_assert_uint_le(escape.count, SPEC_HELD_BYTES);
	}
}

static void end(void)
{
	struct escape_passing passing;

	escape_end(&escape, &passing);
	keep(&passing);
}

static void feed_text(const char *text)
{
	feed(text, strlen(text));
}

static void check(const char *text, const char *passes, const char *makes)
{
	start();
	feed_text(text);
	end();
	ck_assert_msg(passed_count == strlen(passes) && memcmp(passed, passes, passed_count) == 0,
		      "%s: passes %.*s", text, (int)passed_count, passed);
	ck_assert_str_eq(marks, makes);
}

START_TEST(both_terminators)
{
	check(SPEC_PREFIX "init\007", "", "init@0\n");
	check(SPEC_PREFIX "init\033\\", "", "init@0\n");
}
END_TEST

START_TEST(among_text)
{
	check("be" SPEC_PREFIX "a\007fore", "before", "a@20\n");
	check("line\n" SPEC_PREFIX "a\007\nnext\n", "line\n\nnext\n", "a@50\n");
	check(SPEC_PREFIX "a\007" SPEC_PREFIX "b\033\\" SPEC_PREFIX "c\007", "",
	      "a@0\nb@140\nc@290\n");
	check("\033[1m" SPEC_PREFIX "a\007\033[0m", "\033[1m\033[0m", "a@40\n");
}
END_TEST

START_TEST(every_byte_in_a_name)
{
	for (unsigned int byte = 0; byte < 256; byte++) {
		bool allowed = byte >= 0x20 && byte <= 0x7e && byte != ';';
		char text[] = SPEC_PREFIX "a?b\007";

		if (byte == 0x07)
			continue; /* is an end, see below */
		text[13] = (char)byte;
		start();
		feed(text, sizeof(text) - 1);
		end();
		ck_assert_msg((marks[0] != '\0') == allowed, "byte %#x", byte);
		ck_assert_uint_eq(passed_count, allowed ? 0 : sizeof(text) - 1);
		ck_assert_mem_eq(passed, text, passed_count);
	}
	check(SPEC_PREFIX "a\007b\007", "b\007", "a@0\n");
}
END_TEST

START_TEST(how_long_a_name_may_be)
{
	for (int length = 0; length <= 200; length++) {
		char name[201] = "", text[300], makes[300];
		bool allowed = length >= 1 && length <= SPEC_NAME_BYTES;

		memset(name, 'n', (size_t)length);
		(void)snprintf(makes, sizeof(makes), "%s@0\n", name);
		(void)snprintf(text, sizeof(text), SPEC_PREFIX "%s\007", name);
		check(text, allowed ? "" : text, allowed ? makes : "");
		(void)snprintf(text, sizeof(text), SPEC_PREFIX "%s\033\\", name);
		check(text, allowed ? "" : text, allowed ? makes : "");
	}
}
END_TEST

START_TEST(other_forms_pass)
{
	static const char *const other[] = {
		"",
		"plain\r\n",
		"\033",
		"\033\033\033",
		"\033]",
		"\033]0;title\007",
		"\033]8;;http://example\033\\",
		"\033]8866\007",
		"\033]8866;\007",
		"\033]8866;mark\007",
		"\033]8866;mark:\007",
		"\033]8866;mark:\033\\",
		"\033]8866;Mark:a\007",
		"\033]8866;mark=a\007",
		"\033]8866; mark:a\007",
		"\033]08866;mark:a\007",
		"\033]88666;mark:a\007",
		"\033[8866;mark:a\007",
		"\033P8866;mark:a\033\\",
		"]8866;mark:a\007",
		"\033]8866;mark:a;b\007",
		"\033]8866;mark:a\n",
		"\033]8866;mark:a\r\n[    0.5] printk in between\r\n\007",
		"\033]8866;mark:a\033[0m",
		"\033]8866;mark:a\033\007",
		"\033]8866;mark:a\x9c",
		"\x9d"
		"8866;mark:a\007",
	};

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		check(other[i], other[i], "");
}
END_TEST

START_TEST(nul_bytes_break_a_mark)
{
	static const char text[] = "\033\0]8866;mark:a\007\0" SPEC_PREFIX "a\0b\007";

	start();
	feed(text, sizeof(text) - 1);
	end();
	ck_assert_uint_eq(passed_count, sizeof(text) - 1);
	ck_assert_mem_eq(passed, text, sizeof(text) - 1);
	ck_assert_str_eq(marks, "");
}
END_TEST

/* An ESC that does not go on as it should may begin the next one, at its own time. */
START_TEST(a_mark_begins_where_another_breaks)
{
	check("\033" SPEC_PREFIX "a\007", "\033", "a@10\n");
	check("\033\033" SPEC_PREFIX "a\007", "\033\033", "a@20\n");
	check("\033]8866;" SPEC_PREFIX "a\007", "\033]8866;", "a@70\n");
	check(SPEC_PREFIX "a" SPEC_PREFIX "b\007", SPEC_PREFIX "a", "b@130\n");
	check(SPEC_PREFIX "a\033" SPEC_PREFIX "b\007", SPEC_PREFIX "a\033", "b@140\n");
	check(SPEC_PREFIX "a" SPEC_PREFIX "b" SPEC_PREFIX "c\033\\",
	      SPEC_PREFIX "a" SPEC_PREFIX "b", "c@260\n");
}
END_TEST

/* Whatever of a mark has come when nothing more does, it passes; and not before. */
START_TEST(cut_off_anywhere)
{
	static const char whole[] = SPEC_PREFIX "name\033\\";

	for (size_t length = 0; length < sizeof(whole) - 1; length++) {
		start();
		feed(whole, length);
		ck_assert_uint_eq(passed_count, 0);
		end();
		ck_assert_uint_eq(passed_count, length);
		ck_assert_mem_eq(passed, whole, length);
		feed_text(" and on"); /* nothing is left of it */
		ck_assert_uint_eq(passed_count, length + 7);
	}
}
END_TEST

/* Others' sequences are not held longer than it takes to tell. */
START_TEST(one_byte_late)
{
	feed_text("\033");
	ck_assert_uint_eq(passed_count, 0);
	feed_text("[");
	ck_assert_uint_eq(passed_count, 2);
	feed_text("\033]");
	ck_assert_uint_eq(passed_count, 2);
	feed_text("0");
	ck_assert_uint_eq(passed_count, 5);
}
END_TEST

/* The same by a regular expression that sees all of it at once. */
static size_t by_expression(const uint8_t *in, size_t count, uint8_t *out, char *makes)
{
	static regex_t form;
	regmatch_t m[3];
	size_t at = 0, n = 0;

	ck_assert_int_eq(regcomp(&form, SPEC_FORM, REG_EXTENDED), 0);
	makes[0] = '\0';
	for (;;) {
		size_t until;

		m[0] = (regmatch_t){ (regoff_t)at, (regoff_t)count };
		if (regexec(&form, (const char *)in, 3, m, REG_STARTEND) != 0)
			break;
		until = (size_t)m[0].rm_so;
		memcpy(out + n, in + at, until - at);
		n += until - at;
		note(makes, (const char *)in + m[1].rm_so, (size_t)(m[1].rm_eo - m[1].rm_so),
		     until * NS_A_BYTE);
		at = (size_t)m[0].rm_eo;
	}
	memcpy(out + n, in + at, count - at);
	regfree(&form);
	return n + count - at;
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Made of the pieces of marks, whole or hurt, so that many nearly are some. */
static size_t random_stream(uint32_t *random, uint8_t *stream)
{
	static const char *const pieces[] = {
		SPEC_PREFIX, SPEC_PREFIX, SPEC_PREFIX, "\033", "\033]",  "\033]8866;",
		"mark:",     "name",      "a",         "\007", "\033\\", "\007",
		"\033\\",    ";",         "\r\n",      "\\",   "]",      "x y z",
	};
	size_t count = 0, wanted = next_random(random) % 600;

	while (count < wanted) {
		uint32_t r = next_random(random);
		const char *piece = pieces[r % (sizeof(pieces) / sizeof(pieces[0]))];
		size_t length = strlen(piece);

		if (r % 23 == 0)
			length = next_random(random) % length; /* cut */
		memcpy(stream + count, piece, length);
		count += length;
		if (r % 29 == 0)
			stream[count++] = (uint8_t)next_random(random);
		for (r = r % 31 == 0 ? 50 + r % 20 : 0; r; r--)
			stream[count++] = 'n';
	}
	return count;
}

START_TEST(random_streams)
{
	uint8_t stream[STREAM_BYTES], out[STREAM_BYTES];
	char makes[STREAM_BYTES];
	uint32_t random = 4711;
	size_t found = 0;

	for (int round = 0; round < 20000; round++) {
		size_t count = random_stream(&random, stream);
		size_t n = by_expression(stream, count, out, makes);

		start();
		feed(stream, count);
		end();
		ck_assert_uint_eq(passed_count, n);
		ck_assert_mem_eq(passed, out, n);
		ck_assert_str_eq(marks, makes);
		found += marks[0] != '\0';
	}
	ck_assert_uint_gt(found, 5000); /* or the streams say little */
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		both_terminators,
		among_text,
		every_byte_in_a_name,
		how_long_a_name_may_be,
		other_forms_pass,
		nul_bytes_break_a_mark,
		a_mark_begins_where_another_breaks,
		cut_off_anywhere,
		one_byte_late,
		random_streams,
	};
	Suite *suite = suite_create("escape");
	TCase *tcase = tcase_create("escape");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
