/* SPDX-License-Identifier: MIT */
/*
 * The console's keys, against the list of the command line's design: Ctrl-a x quit, h help, b
 * break, t time stamps, c monitor, Ctrl-a Ctrl-a literal; -echr moves Ctrl-a elsewhere.
 */
#include <check.h>
#include <stdlib.h>

#include "vmm/keys.h"

enum { SPEC_CTRL_A = 0x01 };

static enum key_action after_escape(uint8_t escape, uint8_t byte)
{
	struct keys keys = { .escape = escape };

	ck_assert_int_eq(keys_next(&keys, escape), KEY_SWALLOW);
	return keys_next(&keys, byte);
}

static enum key_action spec_action(uint8_t escape, unsigned int byte)
{
	if (byte == escape)
		return KEY_PASS;
	switch (byte) {
	case 'x':
		return KEY_QUIT;
	case 'h':
	case '?':
		return KEY_HELP;
	case 'b':
		return KEY_BREAK;
	case 't':
		return KEY_TIMESTAMPS;
	case 'c':
		return KEY_MONITOR;
	default:
		return KEY_SWALLOW;
	}
}

/* Every escape character with every byte behind it. */
START_TEST(every_key_behind_every_escape)
{
	for (unsigned int escape = 1; escape < 32; escape++) {
		for (unsigned int byte = 0; byte < 256; byte++)
			ck_assert_int_eq(after_escape((uint8_t)escape, (uint8_t)byte),
					 spec_action((uint8_t)escape, byte));
	}
}
END_TEST

START_TEST(all_else_passes)
{
	struct keys keys = { .escape = SPEC_CTRL_A };

	for (unsigned int byte = 0; byte < 256; byte++) {
		if (byte != SPEC_CTRL_A)
			ck_assert_int_eq(keys_next(&keys, (uint8_t)byte), KEY_PASS);
	}
}
END_TEST

/* A sequence is over with its second byte, whatever that was. */
START_TEST(a_sequence_ends)
{
	static const uint8_t second[] = { 'x', 'h', 'b', 't', 'c', 'z', SPEC_CTRL_A, 0 };

	for (size_t i = 0; i < sizeof(second); i++) {
		struct keys keys = { .escape = SPEC_CTRL_A };

		(void)keys_next(&keys, SPEC_CTRL_A);
		(void)keys_next(&keys, second[i]);
		ck_assert_int_eq(keys_next(&keys, 'x'), KEY_PASS);
	}
}
END_TEST

/* -echr 0: nothing is a key, NUL and Ctrl-a included. */
START_TEST(no_escape_no_keys)
{
	struct keys keys = { .escape = 0 };

	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int byte = 0; byte < 256; byte++)
			ck_assert_int_eq(keys_next(&keys, (uint8_t)byte), KEY_PASS);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { every_key_behind_every_escape, all_else_passes,
				       a_sequence_ends, no_escape_no_keys };
	Suite *suite = suite_create("keys");
	TCase *tcase = tcase_create("keys");
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
