/* SPDX-License-Identifier: MIT */
/*
 * --send and --after: how options become steps, and dialogues with a guest that is played here. What
 * is expected is what vmm/dialogue.h promises.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/dialogue.h"

static struct dialogue_script *script;
static struct dialogue *d;
static struct err err;

static void setup(void)
{
	script = calloc(1, sizeof(*script));
	d = calloc(1, sizeof(*d));
	ck_assert_ptr_nonnull(script);
	ck_assert_ptr_nonnull(d);
	err = (struct err){ 0 };
}

static void teardown(void)
{
	dialogue_script_finish(script);
	free(script);
	free(d);
}

static void send(const char *value)
{
	ck_assert_msg(dialogue_parse_send(script, value, &err) == 0, "%s", err.text);
}

static void after(const char *value)
{
	ck_assert_msg(dialogue_parse_after(script, value, &err) == 0, "%s", err.text);
}

static void begin(void)
{
	ck_assert_msg(dialogue_settle(script, &err) == 0, "%s", err.text);
	dialogue_init(d, script);
}

/* Whether something is to be typed that was not before. */
static bool guest_says(const char *text)
{
	return dialogue_bytes(d, (const uint8_t *)text, strlen(text));
}

static void guest_is_quiet_after(const char *text)
{
	(void)guest_says(text);
	(void)dialogue_quiet(d);
}

static void nothing_is_typed(void)
{
	const uint8_t *bytes;

	ck_assert_uint_eq(dialogue_pending(d, &bytes), 0);
}

static void is_pending(const char *text)
{
	const uint8_t *bytes = NULL;
	size_t count = dialogue_pending(d, &bytes);

	ck_assert_uint_eq(count, strlen(text));
	ck_assert_mem_eq(bytes, text, count);
}

static void is_typed(const char *text)
{
	is_pending(text);
	dialogue_sent(d, strlen(text));
}

static void still(const char *text)
{
	char waiting[160];

	dialogue_waiting(d, waiting, sizeof(waiting));
	ck_assert_str_eq(waiting, text);
}

/* --- from options to steps -------------------------------------------------------------------- */

static void is_step(size_t i, const char *text, const char *after_what)
{
	ck_assert_uint_lt(i, script->steps);
	ck_assert_uint_eq(script->step[i].text_bytes, strlen(text));
	ck_assert_mem_eq(script->step[i].text, text, strlen(text));
	if (after_what)
		ck_assert_str_eq(script->step[i].after, after_what);
	ck_assert_int_eq(script->step[i].has_after, after_what != NULL);
}

START_TEST(send_then_after)
{
	send("one");
	after("A");
	send("two");
	send("three");
	after("C");
	ck_assert_int_eq(dialogue_settle(script, &err), 0);
	ck_assert_uint_eq(script->steps, 3);
	is_step(0, "one", "A");
	is_step(1, "two", NULL);
	is_step(2, "three", "C");
}
END_TEST

START_TEST(after_then_send)
{
	after("A");
	send("one");
	after("B");
	send("two");
	send("three");
	ck_assert_int_eq(dialogue_settle(script, &err), 0);
	ck_assert_uint_eq(script->steps, 3);
	is_step(0, "one", "A");
	is_step(1, "two", "B");
	is_step(2, "three", NULL);
}
END_TEST

START_TEST(two_after)
{
	after("A");
	ck_assert_int_eq(dialogue_parse_after(script, "B", &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "-after 'A' and -after 'B' have no -send between"));
	ck_assert_ptr_nonnull(strstr(err.text, "-send behind it"));
}
END_TEST

START_TEST(two_after_behind_a_send)
{
	send("x");
	after("A");
	ck_assert_int_eq(dialogue_parse_after(script, "B", &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "-send before it"));
}
END_TEST

START_TEST(after_without_send)
{
	after("A");
	ck_assert_int_eq(dialogue_settle(script, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "-after 'A' has no -send behind it"));
	send("one");
	after("B");
	ck_assert_int_eq(dialogue_settle(script, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "-after 'B' has no -send behind it"));
}
END_TEST

START_TEST(no_options)
{
	begin();
	ck_assert(dialogue_done(d));
	ck_assert(!guest_says("anything\n"));
	ck_assert(!dialogue_quiet(d));
	nothing_is_typed();
}
END_TEST

START_TEST(escapes)
{
	static const uint8_t expected[] = { 'a', '\n', '\r', '\t', 0x1b, '\\', 0, 0x03, 0xff, 'b' };

	send("a\\n\\r\\t\\e\\\\\\0\\x03\\xfFb");
	ck_assert_uint_eq(script->step[0].text_bytes, sizeof(expected));
	ck_assert_mem_eq(script->step[0].text, expected, sizeof(expected));
}
END_TEST

START_TEST(wrong_escapes)
{
	static const char *const wrong[] = { "\\", "\\q", "\\x", "\\x1", "\\xg1", "\\x1g", "ok\\" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(dialogue_parse_send(script, wrong[i], &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.text, "can be n, r, t, e, 0"));
	}
	ck_assert_uint_eq(script->steps, 0);
}
END_TEST

START_TEST(wrong_expressions)
{
	ck_assert_int_eq(dialogue_parse_after(script, "(", &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "-after: '(' is not a regular expression"));
	ck_assert_uint_eq(script->steps, 0);
}
END_TEST

START_TEST(as_many_steps_as_there_can_be)
{
	for (int i = 0; i < DIALOGUE_STEPS_MAX; i++)
		send("x");
	ck_assert_int_eq(dialogue_parse_send(script, "y", &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.text, "64 steps"));
	after("A"); /* the last one can still have it */
	ck_assert_int_eq(dialogue_settle(script, &err), 0);
}
END_TEST

START_TEST(as_many_steps_that_begin_with_after)
{
	for (int i = 0; i < DIALOGUE_STEPS_MAX; i++) {
		after("A");
		send("x");
	}
	ck_assert_int_eq(dialogue_parse_after(script, "A", &err), -E2BIG);
	ck_assert_int_eq(dialogue_settle(script, &err), 0);
}
END_TEST

START_TEST(as_long_a_text_as_there_can_be)
{
	char text[DIALOGUE_TEXT_MAX_BYTES + 2];

	memset(text, 'x', sizeof(text));
	text[DIALOGUE_TEXT_MAX_BYTES + 1] = '\0';
	ck_assert_int_eq(dialogue_parse_send(script, text, &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.text, "4097 bytes; a step types 4096"));
	text[DIALOGUE_TEXT_MAX_BYTES] = '\0';
	send(text);
}
END_TEST

/* --- dialogues -------------------------------------------------------------------------------- */

START_TEST(a_login)
{
	send("root\\n");
	after("login: $");
	send("secret\\n");
	after("assword: $");
	begin();
	nothing_is_typed();
	still("step 1 of 2 still waits for /login: $/");
	guest_is_quiet_after("Welcome\r\n\r\nhost lo");
	nothing_is_typed();
	guest_is_quiet_after("gin: ");
	is_typed("root\n");
	nothing_is_typed();
	still("step 2 of 2 still waits for /assword: $/");
	guest_is_quiet_after("root\r\nPassword: ");
	is_typed("secret\n");
	ck_assert(dialogue_done(d));
	still("all 2 steps are done");
	ck_assert(!guest_says("login: \n"));
	nothing_is_typed();
}
END_TEST

START_TEST(a_line_matches_at_its_end)
{
	send("go");
	after("^ready$");
	begin();
	ck_assert(!guest_says("not ready\r\nready"));
	nothing_is_typed();
	ck_assert(guest_says("\r\n"));
	is_pending("go");
	ck_assert(!guest_says("ready\n")); /* nothing new */
	is_typed("go");
}
END_TEST

START_TEST(without_after)
{
	send("at once");
	send(" and more");
	begin();
	is_typed("at once");
	is_typed(" and more");
	ck_assert(dialogue_done(d));
}
END_TEST

START_TEST(in_parts)
{
	send("abcdef");
	begin();
	is_pending("abcdef");
	dialogue_sent(d, 0);
	dialogue_sent(d, 2);
	is_pending("cdef");
	still("step 1 of 1: the guest took 2 of 6 bytes");
	dialogue_sent(d, 3);
	is_typed("f");
	ck_assert(dialogue_done(d));
}
END_TEST

/* An empty text waits and types nothing. */
START_TEST(steps_that_only_wait)
{
	send("");
	after("first");
	send("");
	send("now");
	after("second");
	begin();
	ck_assert(!guest_says("second\n"));
	nothing_is_typed();
	ck_assert(guest_says("first\nsecond\n"));
	is_typed("now");
	ck_assert(dialogue_done(d));
}
END_TEST

START_TEST(only_empty_texts)
{
	send("");
	send("");
	begin();
	ck_assert(dialogue_done(d));
}
END_TEST

/* What the guest says while a text waits to be typed belongs to the next step. */
START_TEST(said_before_the_text_was_typed)
{
	send("one");
	after("first");
	send("two");
	after("second");
	send("three");
	after("prompt> $");
	begin();
	ck_assert(guest_says("first\nsecond\nprompt> "));
	is_typed("one");
	is_typed("two");
	is_typed("three");
	ck_assert(dialogue_done(d));
}
END_TEST

/* What was said before the step that matched is gone. */
START_TEST(nothing_matches_twice)
{
	send("one");
	after("prompt");
	send("two");
	after("prompt");
	begin();
	(void)guest_says("prompt one\n");
	is_typed("one");
	nothing_is_typed();
	guest_is_quiet_after("another ");
	nothing_is_typed();
	guest_is_quiet_after("prompt");
	is_typed("two");
}
END_TEST

START_TEST(an_unfinished_line_that_matched_is_gone)
{
	send("1\\n");
	after("menu: ");
	send("2\\n");
	after("menu: ");
	begin();
	guest_is_quiet_after("menu: ");
	is_typed("1\n");
	guest_is_quiet_after("1\r\nchosen\r\n");
	nothing_is_typed();
	guest_is_quiet_after("menu: ");
	is_typed("2\n");
}
END_TEST

START_TEST(control_sequences_are_left_out)
{
	send("x");
	after("^login: $");
	begin();
	guest_is_quiet_after("\033]0;a title\a\033[2J\033[1;32mlo\033(B\033[mgin: \033[K");
	is_typed("x");
}
END_TEST

START_TEST(a_sequence_ends_with_its_line)
{
	send("x");
	after("^login: $");
	begin();
	guest_is_quiet_after("\033]0;a title without an end\nlogin: ");
	is_typed("x");
}
END_TEST

START_TEST(nuls_are_left_out)
{
	static const uint8_t bytes[] = { 'a', 0, 'b', '\r', 'c', '\n' };

	send("x");
	after("^abc$");
	begin();
	ck_assert(dialogue_bytes(d, bytes, sizeof(bytes)));
}
END_TEST

START_TEST(endless_lines)
{
	send("x");
	after("needle");
	begin();
	for (int i = 0; i < 10 * DIALOGUE_WINDOW_BYTES; i++)
		(void)guest_says("-");
	ck_assert(!dialogue_quiet(d));
	(void)guest_says("needle");
	ck_assert(dialogue_quiet(d));
}
END_TEST

START_TEST(endless_talk)
{
	send("x");
	after("^needle$");
	begin();
	for (int i = 0; i < 10 * DIALOGUE_WINDOW_BYTES; i++)
		ck_assert(!guest_says("hay\r\n"));
	ck_assert(guest_says("needle\r\n"));
}
END_TEST

/* A guest that reads nothing, and goes on talking: the latest is kept. */
START_TEST(talk_while_typing)
{
	send("x");
	send("y");
	after("^needle$");
	begin();
	(void)guest_says("needle\n");
	for (int i = 0; i < DIALOGUE_WINDOW_BYTES / 4; i++)
		(void)guest_says("hay hay\n");
	is_typed("x");
	nothing_is_typed(); /* the needle is beyond what is kept */
	for (int i = 0; i < DIALOGUE_WINDOW_BYTES / 4; i++)
		(void)guest_says("hay hay\n");
	ck_assert(guest_says("needle\n"));
	is_typed("y");
}
END_TEST

START_TEST(the_latest_talk_while_typing)
{
	send("x");
	send("y");
	after("^needle$");
	begin();
	for (int i = 0; i < DIALOGUE_WINDOW_BYTES / 8 - 2; i++)
		(void)guest_says("hay hay\n");
	(void)guest_says("needle\n");
	for (int i = 0; i < 4; i++)
		(void)guest_says("hay hay\n");
	is_typed("x");
	is_typed("y");
}
END_TEST

/* Not only NUL-terminated: every byte value, in lines and out of them. */
START_TEST(every_byte_value)
{
	uint8_t bytes[256 * 8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	send("x");
	after("never");
	begin();
	for (int i = 0; i < 20; i++) {
		ck_assert(!dialogue_bytes(d, bytes, sizeof(bytes)));
		ck_assert(!dialogue_quiet(d));
	}
	ck_assert(guest_says("\nnever\n"));
}
END_TEST

START_TEST(text_that_has_no_room)
{
	char text[16];

	send("x");
	after("a long expression");
	begin();
	dialogue_waiting(d, text, sizeof(text));
	ck_assert_str_eq(text, "step 1 of 1 sti");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		send_then_after,
		after_then_send,
		two_after,
		two_after_behind_a_send,
		after_without_send,
		no_options,
		escapes,
		wrong_escapes,
		wrong_expressions,
		as_many_steps_as_there_can_be,
		as_many_steps_that_begin_with_after,
		as_long_a_text_as_there_can_be,
		a_login,
		a_line_matches_at_its_end,
		without_after,
		in_parts,
		steps_that_only_wait,
		only_empty_texts,
		said_before_the_text_was_typed,
		nothing_matches_twice,
		an_unfinished_line_that_matched_is_gone,
		control_sequences_are_left_out,
		a_sequence_ends_with_its_line,
		nuls_are_left_out,
		endless_lines,
		endless_talk,
		talk_while_typing,
		the_latest_talk_while_typing,
		every_byte_value,
		text_that_has_no_room,
	};
	Suite *suite = suite_create("dialogue");
	TCase *tcase = tcase_create("dialogue");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
