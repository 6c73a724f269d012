/* SPDX-License-Identifier: MIT */
/*
 * Frames out of a guest's stream, as initramfs/protocol.h draws them. The wire of two frames is
 * typed here byte by byte, with sums counted by hand; others are made by a packer that works on a
 * list of bits and is not the one that is tested.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initramfs/frames.h"

enum { STREAM_BYTES = 65536 };

/* All but the sums. 'h' is 68, the text has 13 bytes, all ASCII: no top bits. */
static const uint8_t spec_hello[] = {
	0xe8, 0x8d, 0x80,                               /* h, 13, 0 */
	0x80, 0xf4, 0xf6, 0xed, 0xed, 0xad, 0xe6, 0xf2, /* "tvmm-fr" */
	0x80, 0xe1, 0xed, 0xe5, 0xf3, 0xad, 0xb1,       /* "ames-1" */
};

/*
 * "o", 2 bytes: 01 ff. a: 6f, 71, 71, 72, (72+ff=171=369) 369-254=115=73. b, step by step from a
 * modulo 127: 111; 111+113=224-127=97; 97+113=210-127=83; 83+114=197-127=70; 70+115=185-127=58=3a.
 * Top bits: that of the second byte, bit 1.
 */
static const uint8_t spec_out[] = { 0xef, 0x82, 0x80, 0x82, 0x81, 0xff, 0xf3, 0xba };

static struct frames frames;
static uint8_t passed[STREAM_BYTES];
static size_t passed_count;
static char told[STREAM_BYTES]; /* "TYPE:PAYLOAD|" each; of binary payloads the length only */
static uint8_t payloads[2 * STREAM_BYTES];
static size_t payloads_count;
static size_t damages;

static void start(void)
{
	frames_init(&frames);
	passed_count = 0;
	payloads_count = 0;
	damages = 0;
	told[0] = '\0';
}

/* For each byte: Check itself writes something down at each of its assertions. */
static void must_be(bool condition, const char *what)
{
	if (!condition)
		ck_abort_msg("not so: %s", what);
}

static void keep_passing(void)
{
	must_be(passed_count + frames.passing_bytes <= sizeof(passed), "room");
	memcpy(passed + passed_count, frames.passing, frames.passing_bytes);
	passed_count += frames.passing_bytes;
}

static void keep_frame(void)
{
	size_t length = strlen(told);

	ck_assert_uint_le(frames.payload_bytes, PROTOCOL_PAYLOAD_MAX);
	ck_assert_uint_eq(frames.payload[frames.payload_bytes], 0);
	(void)snprintf(told + length, sizeof(told) - length, "%c%zu|", frames.type,
		       frames.payload_bytes);
	ck_assert_uint_le(payloads_count + frames.payload_bytes, sizeof(payloads));
	memcpy(payloads + payloads_count, frames.payload, frames.payload_bytes);
	payloads_count += frames.payload_bytes;
}

static void feed(const void *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		switch (frames_take(&frames, ((const uint8_t *)bytes)[i])) {
		case FRAMES_PASSING:
			must_be(frames.passing_bytes > 0, "something passes");
			keep_passing();
			break;
		case FRAMES_HELD:
			must_be(!frames.passing_bytes, "nothing passes");
			break;
		case FRAMES_COMPLETE:
			keep_frame();
			break;
		case FRAMES_DAMAGED:
			must_be(frames.why != NULL, "damage is explained");
			damages++;
			break;
		}
	}
}

static bool end(void)
{
	bool open_frame = frames_end(&frames);

	keep_passing();
	return open_frame;
}

/* The drawing of protocol.h, in the words of arithmetic. */
static size_t spec_pack(uint8_t *wire, char type, const uint8_t *payload, size_t count)
{
	size_t at = 0, groups = (count + 6) / 7;
	unsigned long a = 0, b = 0;
	uint8_t head[3] = { (uint8_t)type, (uint8_t)(count % 128), (uint8_t)(count / 128) };

	for (size_t i = 0; i < 3 + count; i++) {
		a += i < 3 ? head[i] : payload[i - 3];
		b += a;
	}
	for (size_t i = 0; i < 3; i++)
		wire[at++] = (uint8_t)(head[i] + 128);
	for (size_t group = 0; group < groups; group++) {
		size_t members = group + 1 < groups ? 7 : count - 7 * group;
		size_t tops = 0;

		for (size_t i = 0; i < members; i++)
			tops += (size_t)(payload[7 * group + i] / 128) << i;
		wire[at++] = (uint8_t)(128 + tops);
		for (size_t i = 0; i < members; i++)
			wire[at++] = (uint8_t)(128 + payload[7 * group + i] % 128);
	}
	wire[at++] = (uint8_t)(128 + a % 127);
	wire[at++] = (uint8_t)(128 + b % 127);
	return at;
}

static void feed_hello(void)
{
	uint8_t wire[FRAMES_WIRE_MAX];

	feed(wire, spec_pack(wire, 'h', (const uint8_t *)"tvmm-frames-1", 13));
}

static void feed_frame(char type, const void *payload, size_t count)
{
	static uint8_t wire[FRAMES_WIRE_MAX];

	feed(wire, spec_pack(wire, type, payload, count));
}

static void start_open(void)
{
	start();
	feed_hello();
	ck_assert(frames.open);
	told[0] = '\0';
	payloads_count = 0;
}

static void expect_passed(const char *text)
{
	ck_assert_msg(passed_count == strlen(text) && memcmp(passed, text, passed_count) == 0,
		      "passes \"%.*s\", not \"%s\"", (int)passed_count, passed, text);
}

static void expect_damage(const char *why)
{
	ck_assert_uint_gt(damages, 0);
	ck_assert_str_eq(frames.why, why);
}

START_TEST(wires_typed_by_hand)
{
	uint8_t wire[FRAMES_WIRE_MAX];

	ck_assert_uint_eq(frames_pack(wire, PROTOCOL_STDOUT, "\001\377", 2), sizeof(spec_out));
	ck_assert_mem_eq(wire, spec_out, sizeof(spec_out));
	ck_assert_uint_eq(frames_pack(wire, PROTOCOL_HELLO, "tvmm-frames-1", 13),
			  sizeof(spec_hello) + 2);
	ck_assert_mem_eq(wire, spec_hello, sizeof(spec_hello));

	start_open();
	feed(spec_out, sizeof(spec_out));
	ck_assert_str_eq(told, "o2|");
	ck_assert_mem_eq(payloads, "\001\377", 2);
	ck_assert(!end());
	ck_assert_uint_eq(passed_count, 0);
}
END_TEST

/* The host's packer, of which the tests make use elsewhere, against the one in here. */
START_TEST(two_packers_agree)
{
	static uint8_t ours[FRAMES_WIRE_MAX], theirs[FRAMES_WIRE_MAX],
		payload[PROTOCOL_PAYLOAD_MAX];

	srand(1);
	for (size_t count = 0; count <= sizeof(payload); count += count < 40 ? 1 : 507) {
		size_t length = 0;

		for (size_t i = 0; i < count; i++)
			payload[i] = (uint8_t)rand();
		length = spec_pack(ours, 'e', payload, count);
		ck_assert_uint_le(length, FRAMES_WIRE_MAX);
		ck_assert_uint_eq(frames_pack(theirs, PROTOCOL_STDERR, payload, count), length);
		ck_assert_mem_eq(ours, theirs, length);
	}
	ck_assert_uint_eq(spec_pack(ours, 'o', payload, sizeof(payload)), FRAMES_WIRE_MAX);
}
END_TEST

START_TEST(the_hello_opens)
{
	start();
	feed("[    0.1] Run /init\n", 20);
	ck_assert(!frames.open);
	feed_hello();
	ck_assert(frames.open);
	ck_assert_str_eq(told, "h13|");
	ck_assert_mem_eq(payloads, "tvmm-frames-1", 13);
	expect_passed("[    0.1] Run /init\n");
}
END_TEST

START_TEST(bytes_with_bit_7_before_the_hello)
{
	static const char text[] =
		"\303\251\200\377 \350\215 \350\350\215\200 \350\215\200\200\364x\303";

	start();
	feed(text, sizeof(text) - 1);
	feed_hello();
	ck_assert(frames.open);
	/* What began like a hello and was none is behind the text that stood in it. */
	expect_passed("\303\251\200\377  \350\215\350 \350\215\200x\350\215\200\200\364\303");
}
END_TEST

/* A false beginning is followed by a true one at once, wherever it breaks off. */
START_TEST(a_hello_behind_part_of_one)
{
	uint8_t hello[FRAMES_WIRE_MAX];
	size_t length = spec_pack(hello, 'h', (const uint8_t *)"tvmm-frames-1", 13);

	for (size_t part = 1; part < length; part++) {
		start();
		feed(hello, part);
		feed(hello, length);
		ck_assert_msg(frames.open, "behind %zu bytes of one", part);
		ck_assert_uint_eq(passed_count, part);
		ck_assert_mem_eq(passed, hello, part);
	}
}
END_TEST

START_TEST(a_hello_that_printk_cuts)
{
	uint8_t hello[FRAMES_WIRE_MAX];
	size_t length = spec_pack(hello, 'h', (const uint8_t *)"tvmm-frames-1", 13);

	for (size_t part = 0; part <= length; part++) {
		start();
		feed(hello, part);
		feed("[    0.2] random: crng init done\n", 33);
		feed(hello + part, length - part);
		ck_assert(frames.open);
		expect_passed("[    0.2] random: crng init done\n");
	}
}
END_TEST

START_TEST(what_is_held_passes_at_the_end)
{
	start();
	feed("a\350\215\200", 4);
	expect_passed("a");
	ck_assert(!end());
	expect_passed("a\350\215\200");
}
END_TEST

/* One byte of a hello differs: it passes as it is, and no frame is seen behind it. */
START_TEST(nearly_a_hello)
{
	uint8_t hello[FRAMES_WIRE_MAX];
	size_t length = spec_pack(hello, 'h', (const uint8_t *)"tvmm-frames-1", 13);

	for (size_t i = 0; i < length; i++) {
		hello[i] ^= 1;
		start();
		feed(hello, length);
		feed(spec_out, sizeof(spec_out));
		ck_assert(!end());
		ck_assert(!frames.open);
		ck_assert_str_eq(told, "");
		ck_assert_uint_eq(passed_count, length + sizeof(spec_out));
		ck_assert_mem_eq(passed, hello, length);
		hello[i] ^= 1;
	}
}
END_TEST

START_TEST(frames_with_text_at_every_byte)
{
	static uint8_t wire[FRAMES_WIRE_MAX];
	uint8_t payload[256];
	size_t length;

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(255 - i);
	length = spec_pack(wire, 'o', payload, sizeof(payload));
	start_open();
	for (size_t i = 0; i < length; i++) {
		feed("t", 1);
		feed(wire + i, 1);
	}
	ck_assert_str_eq(told, "o256|");
	ck_assert_mem_eq(payloads, payload, sizeof(payload));
	ck_assert_uint_eq(passed_count, length);
}
END_TEST

START_TEST(every_byte_at_every_place_of_a_group)
{
	for (unsigned int byte = 0; byte < 256; byte++) {
		for (size_t at = 0; at < 15; at++) {
			uint8_t payload[15] = { 0 };

			payload[at] = (uint8_t)byte;
			start_open();
			feed_frame('e', payload, sizeof(payload));
			ck_assert_str_eq(told, "e15|");
			ck_assert_mem_eq(payloads, payload, sizeof(payload));
		}
	}
}
END_TEST

START_TEST(the_shortest_and_the_longest)
{
	static uint8_t payload[PROTOCOL_PAYLOAD_MAX];

	memset(payload, 0xff, sizeof(payload));
	start_open();
	feed_frame('o', payload, 0);
	feed_frame('o', payload, sizeof(payload));
	feed_frame('x', "0", 1);
	ck_assert_str_eq(told, "o0|o4096|x1|");
	ck_assert_mem_eq(payloads, payload, sizeof(payload));
	ck_assert_uint_eq(damages, 0);
}
END_TEST

START_TEST(all_types)
{
	static const char types[] = "oecxsfn";

	start_open();
	for (size_t i = 0; i < sizeof(types) - 1; i++) {
		feed_frame(types[i], "1", 1);
		ck_assert_int_eq((int)frames.type, types[i]);
	}
	ck_assert_str_eq(told, "o1|e1|c1|x1|s1|f1|n1|");
}
END_TEST

START_TEST(an_unknown_type)
{
	for (int type = 0; type < 128; type++) {
		bool known = type && strchr("oecxsfn", type);

		start_open();
		feed_frame((char)type, "1", 1);
		ck_assert_msg(!frames.why == known, "type %d", type);
		if (type == 'h')
			expect_damage("a second hello");
		else if (!known)
			expect_damage("a frame of an unknown type");
	}
}
END_TEST

START_TEST(a_length_that_is_forged)
{
	static const uint8_t too_long[][3] = {
		{ 0xef, 0x81, 0xa0 }, /* 4097 */
		{ 0xef, 0xff, 0xff }, /* 16383 */
		{ 0xef, 0x80, 0xa1 }, /* 4224 */
	};

	for (size_t i = 0; i < 3; i++) {
		start_open();
		feed(too_long[i], 2);
		ck_assert_uint_eq(damages, 0);
		feed(too_long[i] + 2, 1);
		expect_damage("a frame longer than 4096 bytes");
	}
	start_open(); /* one too few: what follows is no sum */
	feed("\357\201\200\202\201\377\363\272", 8);
	ck_assert_uint_gt(damages, 0);
	start_open(); /* one too many: the first sum is taken for a byte, the second for the first */
	feed("\357\203\200\202\201\377\363\272", 8);
	expect_damage("a frame whose sum is wrong");
	start_open(); /* two: the frame waits for more */
	feed("\357\204\200\202\201\377\363\272", 8);
	ck_assert_uint_eq(damages, 0);
	ck_assert(end());
}
END_TEST

START_TEST(a_top_bit_without_its_byte)
{
	for (size_t count = 1; count < 7; count++) {
		const uint8_t begin[] = { 0xef, (uint8_t)(0x80 + count), 0x80 };
		uint8_t allowed = (uint8_t)(0x80 | ((1 << count) - 1));
		uint8_t one_more = (uint8_t)(0x80 | 1 << count);

		start_open();
		feed(begin, 3);
		feed(&allowed, 1);
		ck_assert_uint_eq(damages, 0);
		start_open();
		feed(begin, 3);
		feed(&one_more, 1);
		expect_damage("a top bit without its byte");
	}
}
END_TEST

/* Each single changed bit below the mark: the frame is damaged, or waits for more. */
START_TEST(a_changed_bit)
{
	for (size_t i = 0; i < 8 * sizeof(spec_out); i++) {
		uint8_t wire[sizeof(spec_out)];

		if (i % 8 == 7)
			continue;
		memcpy(wire, spec_out, sizeof(wire));
		wire[i / 8] ^= (uint8_t)(1 << i % 8);
		start_open();
		feed(wire, sizeof(wire));
		ck_assert_msg(damages || end(), "byte %zu bit %zu", i / 8, i % 8);
		ck_assert_str_eq(told, "");
	}
}
END_TEST

START_TEST(sums_that_are_wrong)
{
	for (unsigned int sum = 0; sum < 128; sum++) {
		uint8_t lo = (uint8_t)(0x80 | sum);

		start_open();
		feed(spec_out, 6);
		feed(&lo, 1);
		ck_assert_uint_eq(damages, sum == 0x73 ? 0 : 1);
		start_open();
		feed(spec_out, 7);
		feed(&lo, 1);
		ck_assert_uint_eq(damages, sum == 0x3a ? 0 : 1);
		if (damages) {
			expect_damage("a frame whose sum is wrong");
			ck_assert(!end()); /* told already */
		}
	}
}
END_TEST

START_TEST(a_byte_that_is_lost)
{
	for (size_t lost = 0; lost < sizeof(spec_out); lost++) {
		start_open();
		feed(spec_out, lost);
		feed(spec_out + lost + 1, sizeof(spec_out) - lost - 1);
		feed(spec_out, sizeof(spec_out));
		ck_assert_msg(damages || end(), "byte %zu", lost);
		ck_assert_str_eq(told, "");
	}
}
END_TEST

START_TEST(damage_stays_and_text_passes)
{
	start_open();
	feed("\200", 1);
	feed("text ", 5);
	feed_frame('o', "1", 1);
	feed("more\n", 5);
	ck_assert_str_eq(told, "");
	ck_assert_uint_eq(damages, 1 + 7); /* 3 + 2 + 2 bytes of a frame */
	expect_passed("text more\n");
	ck_assert(!end());
}
END_TEST

START_TEST(an_end_in_a_frame)
{
	for (size_t count = 0; count <= sizeof(spec_out); count++) {
		start_open();
		feed(spec_out, count);
		ck_assert_msg(end() == (count > 0 && count < sizeof(spec_out)), "%zu", count);
	}
}
END_TEST

static void expect_number(const void *text, size_t count, long max, long expected)
{
	start_open();
	feed_frame('x', text, count);
	ck_assert_int_eq(frames_number(&frames, max), expected);
}

START_TEST(numbers)
{
	expect_number("0", 1, 255, 0);
	expect_number("255", 3, 255, 255);
	expect_number("256", 3, 255, -1);
	expect_number("007", 3, 255, 7);
	expect_number("", 0, 255, -1);
	expect_number("-1", 2, 255, -1);
	expect_number("+1", 2, 255, -1);
	expect_number(" 1", 2, 255, -1);
	expect_number("1\n", 2, 255, -1);
	expect_number("1\0", 2, 255, -1);
	expect_number("1a", 2, 255, -1);
	expect_number("/:", 2, 255, -1);
	expect_number("9223372036854775807", 19, __LONG_MAX__, __LONG_MAX__);
	expect_number("9223372036854775808", 19, __LONG_MAX__, -1);
	expect_number("99999999999999999999999999", 26, __LONG_MAX__, -1);
}
END_TEST

/* A stream of frames and text in any order, taken apart again. */
START_TEST(random_streams)
{
	static uint8_t text[STREAM_BYTES], sent[2 * STREAM_BYTES], payload[PROTOCOL_PAYLOAD_MAX];
	static uint8_t wire[FRAMES_WIRE_MAX];

	srand(2);
	for (unsigned int round = 0; round < 50; round++) {
		size_t text_count = 0, sent_count = 0;

		start_open();
		for (unsigned int n = 0; n < 20; n++) {
			size_t count = (size_t)rand() % (rand() % 4 ? 50 : sizeof(payload)), length;

			for (size_t i = 0; i < count; i++)
				payload[i] = (uint8_t)rand();
			length = spec_pack(wire, "oe"[rand() % 2], payload, count);
			memcpy(sent + sent_count, payload, count);
			sent_count += count;
			for (size_t i = 0; i < length; i++) {
				feed(wire + i, 1);
				for (int more = rand() % 8 ? 0 : rand() % 9; more > 0; more--) {
					text[text_count] = (uint8_t)(rand() % 128);
					feed(text + text_count++, 1);
				}
			}
		}
		ck_assert(!end());
		ck_assert_uint_eq(passed_count, text_count);
		ck_assert_mem_eq(passed, text, text_count);
		ck_assert_uint_eq(payloads_count, sent_count);
		ck_assert_mem_eq(payloads, sent, sent_count);
	}
}
END_TEST

/* Noise: nothing but the checks of feed(), and every byte without bit 7 passes. */
START_TEST(noise)
{
	srand(3);
	for (unsigned int round = 0; round < 2000; round++) {
		size_t plain = 0;

		start_open();
		for (unsigned int i = 0; i < 500; i++) {
			uint8_t byte = (uint8_t)rand();

			plain += byte < 128;
			feed(&byte, 1);
		}
		(void)end();
		ck_assert_uint_eq(passed_count, plain);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		wires_typed_by_hand,
		two_packers_agree,
		the_hello_opens,
		bytes_with_bit_7_before_the_hello,
		a_hello_behind_part_of_one,
		a_hello_that_printk_cuts,
		what_is_held_passes_at_the_end,
		nearly_a_hello,
		frames_with_text_at_every_byte,
		every_byte_at_every_place_of_a_group,
		the_shortest_and_the_longest,
		all_types,
		an_unknown_type,
		a_length_that_is_forged,
		a_top_bit_without_its_byte,
		a_changed_bit,
		sums_that_are_wrong,
		a_byte_that_is_lost,
		damage_stays_and_text_passes,
		an_end_in_a_frame,
		numbers,
		random_streams,
		noise,
	};
	Suite *suite = suite_create("frames");
	TCase *tcase = tcase_create("frames");
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
