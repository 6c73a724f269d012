/* SPDX-License-Identifier: MIT */
/*
 * The host's side of `-- PROGRAM`: frames become output, credit, an ending, by the words of
 * initramfs/protocol.h; a guest that lies hurts nobody but itself.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/program.h"

static struct program program;
static struct ending ending;

static void setup(void)
{
	program_init(&program);
	memset(&ending, 0, sizeof(ending));
}

static enum program_took take(const uint8_t *wire, size_t count)
{
	enum program_took last = PROGRAM_NOTHING;

	for (size_t i = 0; i < count; i++)
		last = program_take(&program, wire[i], &ending);
	return last;
}

static enum program_took frame_of(enum protocol_frame type, const void *payload, size_t count)
{
	static uint8_t wire[FRAMES_WIRE_MAX];

	return take(wire, frames_pack(wire, type, payload, count));
}

static enum program_took frame(enum protocol_frame type, const char *text)
{
	return frame_of(type, text, strlen(text));
}

static void hello(void)
{
	ck_assert_int_eq(frame(PROTOCOL_HELLO, "tvmm-frames-1"), PROGRAM_NOTHING);
}

START_TEST(output_and_text_side_by_side)
{
	static const uint8_t bytes[] = { 0, 0x7f, 0x80, 0xff, '\n' };

	ck_assert_int_eq(take((const uint8_t *)"L", 1), PROGRAM_TEXT);
	hello();
	ck_assert_int_eq(take((const uint8_t *)"x", 1), PROGRAM_TEXT);
	ck_assert_uint_eq(program.frames.passing_bytes, 1);
	ck_assert_int_eq(program.frames.passing[0], 'x');
	ck_assert_int_eq(frame_of(PROTOCOL_STDOUT, bytes, sizeof(bytes)), PROGRAM_STDOUT);
	ck_assert_uint_eq(program.frames.payload_bytes, sizeof(bytes));
	ck_assert_mem_eq(program.frames.payload, bytes, sizeof(bytes));
	ck_assert_int_eq(frame(PROTOCOL_STDERR, "ow"), PROGRAM_STDERR);
	ck_assert_uint_eq(program.stdout_bytes, 5);
	ck_assert_uint_eq(program.stderr_bytes, 2);
}
END_TEST

START_TEST(endings)
{
	static const struct {
		enum protocol_frame type;
		const char *text;
		enum ending_kind kind;
		uint64_t detail;
	} spec[] = {
		{ PROTOCOL_EXIT, "0", ENDING_GUEST_EXITED, 0 },
		{ PROTOCOL_EXIT, "255", ENDING_GUEST_EXITED, 255 },
		{ PROTOCOL_EXIT, "256", ENDING_FRAMES_DAMAGED, 0 },
		{ PROTOCOL_EXIT, "-1", ENDING_FRAMES_DAMAGED, 0 },
		{ PROTOCOL_EXIT, "", ENDING_FRAMES_DAMAGED, 0 },
		{ PROTOCOL_EXIT, "1x", ENDING_FRAMES_DAMAGED, 0 },
		{ PROTOCOL_SIGNAL, "11", ENDING_GUEST_SIGNALED, 11 },
		{ PROTOCOL_SIGNAL, "65", ENDING_FRAMES_DAMAGED, 0 },
		{ PROTOCOL_FAILED, "\033no such file", ENDING_GUEST_CANNOT_RUN, 0 },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		setup();
		hello();
		ck_assert_int_eq(frame(spec[i].type, spec[i].text), PROGRAM_OVER);
		ck_assert_int_eq(ending.kind, spec[i].kind);
		ck_assert_uint_eq(ending.detail, spec[i].detail);
		/* It is over: nothing counts any more. */
		ck_assert_int_eq(frame(PROTOCOL_STDOUT, "late"), PROGRAM_NOTHING);
	}
	ck_assert_str_eq(ending.text, "?no such file");
}
END_TEST

START_TEST(damage_is_an_ending)
{
	static const uint8_t nonsense[] = { 0x80, 0x80, 0x80, 0x80 };

	hello();
	ck_assert_int_eq(take(nonsense, 1), PROGRAM_OVER);
	ck_assert_int_eq(ending.kind, ENDING_FRAMES_DAMAGED);
	ck_assert_str_ne(ending.text, "");
	ck_assert_int_eq(take(nonsense, 4), PROGRAM_NOTHING);
}
END_TEST

START_TEST(notes_are_kept_and_bounded)
{
	hello();
	for (int i = 0; i < PROGRAM_NOTES_MAX + 3; i++)
		ck_assert_int_eq(frame(PROTOCOL_NOTE, "no\tproc"), PROGRAM_NOTHING);
	ck_assert_uint_eq(program.notes, PROGRAM_NOTES_MAX);
	ck_assert_str_eq(program.note[0], "no?proc");
}
END_TEST

/* Input goes in up to the credit, and no further than the line takes it. */
START_TEST(credit)
{
	uint8_t wire[PROGRAM_WIRE_BYTES];

	ck_assert_uint_eq(program_input_room(&program, 4096), 0);
	hello();
	ck_assert_uint_eq(program_input_room(&program, 4096), 0);
	ck_assert_int_eq(frame(PROTOCOL_CREDIT, "20"), PROGRAM_CREDIT);
	ck_assert_uint_eq(program_input_room(&program, 4096), 20);
	ck_assert_uint_eq(program_input_room(&program, 12), 10); /* the length takes two */
	ck_assert_uint_eq(program_input_room(&program, 2), 0);
	ck_assert_uint_eq(program_input_room(&program, 1), 0);
	ck_assert_uint_eq(program_wrap_input(&program, wire, (const uint8_t *)"hello", 5), 7);
	ck_assert_mem_eq(wire, "\5\0hello", 7);
	ck_assert_uint_eq(program_input_room(&program, 4096), 15);
	ck_assert_int_eq(frame(PROTOCOL_CREDIT, "5"), PROGRAM_CREDIT);
	ck_assert_uint_eq(program_input_room(&program, 4096), 20);
	ck_assert_uint_eq(program_wrap_input(&program, wire, NULL, 0), 2);
	ck_assert_mem_eq(wire, "\0\0", 2);
	ck_assert_uint_eq(program_input_room(&program, 4096), 0); /* its end is the last of it */
}
END_TEST

START_TEST(credit_without_end)
{
	hello();
	for (int i = 0; i < 1000; i++)
		(void)frame(PROTOCOL_CREDIT, "65536");
	(void)frame(PROTOCOL_CREDIT, "99999999999999999999");
	(void)frame(PROTOCOL_CREDIT, "-5");
	ck_assert_uint_le(program.credit, PROGRAM_CREDIT_MAX);
	ck_assert_uint_eq(program_input_room(&program, 1 << 20), PROGRAM_INPUT_CHUNK_BYTES);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { output_and_text_side_by_side, endings, damage_is_an_ending,
				       notes_are_kept_and_bounded,   credit,  credit_without_end };
	Suite *suite = suite_create("program");
	TCase *tcase = tcase_create("program");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, NULL);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
