/* SPDX-License-Identifier: MIT */
/*
 * Return addresses by guessing: which bytes before an address are a call ([SDM] "CALL": e8 rel32, ff
 * /2), and which words of a stack are looked at.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/symbolspec.h"
#include "vmm/base/le.h"
#include "vmm/inside/guess.h"

#define OUTER (SYMBOLS_KERNEL_MAP + 0x80000)
#define INNER (SYMBOLS_KERNEL_MAP + 0x80100)
#define DATA  (SYMBOLS_KERNEL_MAP + 0x80200)
#define RSP   0xffffc90000013f00ull /* 256 bytes below the end of a stack of 16 KiB */

enum { RAM_BYTES = 1 << 20, WORDS = 64, MOST = 4 };

static const struct symbolspec spec[] = {
	{ OUTER, "outer", 'T' },
	{ INNER, "inner", 't' },
	{ DATA, "data", 'D' },
	{ DATA + 0x100, "_end", 'B' },
};

static uint8_t *ram;
static struct guest_memory memory;
static struct space space;
static struct symbols symbols;
static uint8_t stack[8 * WORDS];
static uint64_t frame[MOST];

static void setup(void)
{
	ram = calloc(1, RAM_BYTES);
	ck_assert_ptr_nonnull(ram);
	memory = (struct guest_memory){ .region[0] = { 0, RAM_BYTES, ram } };
	space = (struct space){ .memory = &memory, .linear = true };
	symbols_init(&symbols);
	symbolspec_fill(&symbols, spec, sizeof(spec) / sizeof(spec[0]));
	memset(stack, 0, sizeof(stack));
}

static void teardown(void)
{
	symbols_finish(&symbols);
	free(ram);
}

/* Bytes that end before an address of the kernel. */
static void code_before(uint64_t address, const char *bytes, size_t count)
{
	memcpy(ram + (address - SYMBOLS_KERNEL_MAP) - count, bytes, count);
}

static void call_before(uint64_t address, uint64_t target)
{
	uint8_t *call = ram + (address - SYMBOLS_KERNEL_MAP) - 5;

	call[0] = 0xe8;
	put_le32(call + 1, (uint32_t)(target - address));
}

static void push(size_t word, uint64_t value)
{
	put_le64(stack + 8 * word, value);
}

static size_t guess(uint64_t rsp, size_t bytes)
{
	return guess_frames(&space, &symbols, rsp, stack, bytes, frame, MOST);
}

START_TEST(a_call_of_a_function)
{
	push(3, OUTER + 0x20);
	ck_assert_uint_eq(guess(RSP, 256), 0);
	call_before(OUTER + 0x20, INNER);
	ck_assert_uint_eq(guess(RSP, 256), 1);
	ck_assert_uint_eq(frame[0], OUTER + 0x20);
	call_before(OUTER + 0x20, INNER + 1); /* into the middle of one */
	ck_assert_uint_eq(guess(RSP, 256), 0);
	call_before(OUTER + 0x20, DATA);
	ck_assert_uint_eq(guess(RSP, 256), 0);
}
END_TEST

START_TEST(a_call_through_a_pointer)
{
	static const struct {
		const char *bytes;
		size_t count;
		bool call;
	} row[] = {
		{ "\xff\xd0", 2, true },                      /* call *%rax */
		{ "\x41\xff\xd3", 3, true },                  /* call *%r11 */
		{ "\xff\x50\x10", 3, true },                  /* call *16(%rax) */
		{ "\xff\x15\x01\x02\x03\x04", 6, true },      /* call *x(%rip) */
		{ "\xff\x14\x25\x01\x02\x03\x04", 7, true },  /* call *x */
		{ "\xff\xe0", 2, false },                     /* jmp *%rax */
		{ "\xff\x35\x01\x02\x03\x04", 6, false },     /* push x(%rip) */
		{ "\x90\x90\x90\x90\x90\x90\x90", 7, false }, /* nop */
	};

	push(0, OUTER + 0x40);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		memset(ram + 0x80000, 0, 0x100);
		code_before(OUTER + 0x40, row[i].bytes, row[i].count);
		ck_assert_msg(guess(RSP, 256) == row[i].call, "row %zu", i);
	}
}
END_TEST

START_TEST(addresses_that_are_no_code)
{
	static const char call[] = { '\xff', '\xd0' };

	code_before(DATA + 0x40, call, sizeof(call));
	push(0, DATA + 0x40);
	ck_assert_uint_eq(guess(RSP, 256), 0);
	push(0, 0x80040); /* a physical address */
	push(1, OUTER);
	push(2, 0);
	push(3, UINT64_MAX);
	ck_assert_uint_eq(guess(RSP, 256), 0);
}
END_TEST

/* A call may be the last instruction of a function that does not go on. */
START_TEST(behind_the_end_of_a_function)
{
	call_before(INNER, OUTER);
	push(0, INNER);
	ck_assert_uint_eq(guess(RSP, 256), 1);
	call_before(DATA, OUTER);
	push(1, DATA);
	ck_assert_uint_eq(guess(RSP, 256), 2);
}
END_TEST

START_TEST(words_on_this_stack)
{
	call_before(OUTER + 0x20, INNER);
	push(31, OUTER + 0x20); /* the last word of the stack */
	push(32, OUTER + 0x20); /* of another one */
	ck_assert_uint_eq(guess(RSP, sizeof(stack)), 1);
	ck_assert_uint_eq(guess(RSP, 255), 0); /* cut off */
	ck_assert_uint_eq(guess(RSP, 0), 0);
	/* rsp may be anything: words lie at multiples of 8. */
	memmove(stack + 5, stack, 8 * 32);
	ck_assert_uint_eq(guess(RSP - 5, 261), 1);
}
END_TEST

START_TEST(no_more_than_there_is_room_for)
{
	call_before(OUTER + 0x20, INNER);
	for (size_t i = 0; i < 32; i++)
		push(i, OUTER + 0x20);
	ck_assert_uint_eq(guess(RSP, 256), MOST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guess");
	TCase *tests = tcase_create("guess");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_call_of_a_function);
	tcase_add_test(tests, a_call_through_a_pointer);
	tcase_add_test(tests, addresses_that_are_no_code);
	tcase_add_test(tests, behind_the_end_of_a_function);
	tcase_add_test(tests, words_on_this_stack);
	tcase_add_test(tests, no_more_than_there_is_room_for);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
