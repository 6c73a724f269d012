/* SPDX-License-Identifier: MIT */
/*
 * The AML writer, byte by byte, by [ACPI] "AML Grammar Definition" (opcodes, "Package Length
 * Encoding"), "EISAID" and "Small Resource Data Type".
 */
#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "boot/aml.h"

enum {
	SPEC_NAME_OP = 0x08,
	SPEC_SCOPE_OP = 0x10,
	SPEC_LENGTH_1_MAX = 63,   /* PkgLength in one byte */
	SPEC_LENGTH_2_MAX = 4095, /* in two */

	ROOM_BYTES = 8192,
	CONTENT = 0x5c,
};

static uint8_t bytes[ROOM_BYTES];
static struct aml aml;

static void setup(void)
{
	memset(bytes, 0xa5, sizeof(bytes));
	aml_init(&aml, bytes, sizeof(bytes));
}

static void wrote(const void *want, size_t count)
{
	ck_assert_uint_eq(aml.bytes, count);
	ck_assert_mem_eq(bytes, want, count);
	ck_assert_uint_eq(bytes[count], 0xa5);
}

START_TEST(integers)
{
	static const struct {
		uint32_t value;
		uint8_t want[6];
		size_t count;
	} spec[] = {
		{ 0, { 0x00 }, 1 }, /* ZeroOp */
		{ 1, { 0x01 }, 1 }, /* OneOp */
		{ 2, { 0x0a, 2 }, 2 },
		{ 0xff, { 0x0a, 0xff }, 2 },
		{ 0x100, { 0x0b, 0x00, 0x01 }, 3 },
		{ 0xffff, { 0x0b, 0xff, 0xff }, 3 },
		{ 0x10000, { 0x0c, 0x00, 0x00, 0x01, 0x00 }, 5 },
		{ 0xffffffff, { 0x0c, 0xff, 0xff, 0xff, 0xff }, 5 },
	};
	uint8_t want[16] = { SPEC_NAME_OP, '_', 'U', 'I', 'D' };

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		setup();
		aml_name_integer(&aml, "_UID", spec[i].value);
		memcpy(want + 5, spec[i].want, spec[i].count);
		wrote(want, 5 + spec[i].count);
	}
}
END_TEST

/* PNP0A03 is what the specification takes for an example: 0x030AD041. */
START_TEST(eisa_ids)
{
	static const struct {
		const char *id;
		uint8_t want[4];
	} spec[] = {
		{ "PNP0A03", { 0x41, 0xd0, 0x0a, 0x03 } },
		{ "PNP0501", { 0x41, 0xd0, 0x05, 0x01 } },
		{ "PNP0C0F", { 0x41, 0xd0, 0x0c, 0x0f } },
		{ "AAA0000", { 0x04, 0x21, 0x00, 0x00 } },
		{ "ZZZFFFF", { 0x6b, 0x5a, 0xff, 0xff } },
	};
	uint8_t want[10] = { SPEC_NAME_OP, '_', 'H', 'I', 'D', 0x0c };

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		setup();
		aml_name_eisaid(&aml, "_HID", spec[i].id);
		memcpy(want + 6, spec[i].want, 4);
		wrote(want, sizeof(want));
	}
}
END_TEST

START_TEST(package)
{
	const uint32_t value[] = { 5, 0, 1, 0x1234 };
	const uint8_t want[] = { SPEC_NAME_OP, '_', 'S', '5', '_',  0x12, 9,   4,
				 0x0a,         5,   0,   1,   0x0b, 0x34, 0x12 };

	aml_name_package(&aml, "_S5_", value, 4);
	wrote(want, sizeof(want));
}
END_TEST

START_TEST(empty_package)
{
	const uint8_t want[] = { SPEC_NAME_OP, 'A', 'B', 'C', 'D', 0x12, 2, 0 };

	aml_name_package(&aml, "ABCD", NULL, 0);
	wrote(want, sizeof(want));
}
END_TEST

START_TEST(blocks_in_blocks)
{
	const uint8_t want[] = {
		SPEC_SCOPE_OP, 19,   '_', 'S', 'B', '_',       /* 19 = 1 + 4 + the device's 14 */
		0x5b,          0x82, 12,  'C', 'O', 'M',  '1', /* 12 = 1 + 4 + the name's 7 */
		SPEC_NAME_OP,  '_',  'U', 'I', 'D', 0x0a, 7,
	};
	size_t scope = aml_begin_scope(&aml, "_SB_");
	size_t device = aml_begin_device(&aml, "COM1");

	aml_name_integer(&aml, "_UID", 7);
	aml_end(&aml, device);
	aml_end(&aml, scope);
	wrote(want, sizeof(want));
}
END_TEST

/* A scope with so many bytes in it, behind its name. */
static void scope_of(size_t count)
{
	size_t scope;

	setup();
	scope = aml_begin_scope(&aml, "_SB_");
	memset(aml.to + aml.bytes, CONTENT, count);
	aml.bytes += count;
	aml_end(&aml, scope);
}

/* Up to 63 in one byte. In two: bits 7:6 of the first are 1, 3:0 the low nibble, then the rest. */
START_TEST(package_lengths)
{
	static uint8_t content[SPEC_LENGTH_2_MAX];

	memset(content, CONTENT, sizeof(content));
	for (size_t count = 0; count <= SPEC_LENGTH_2_MAX - 2 - 4; count++) {
		bool one = 1 + 4 + count <= SPEC_LENGTH_1_MAX;
		size_t length = (one ? 1 : 2) + 4 + count;
		size_t body = one ? 2 : 3;

		scope_of(count);
		ck_assert_uint_eq(aml.bytes, 1 + length);
		ck_assert_uint_eq(bytes[0], SPEC_SCOPE_OP);
		if (one) {
			ck_assert_uint_eq(bytes[1], length);
		} else {
			ck_assert_uint_eq(bytes[1], 0x40 | (length & 0xf));
			ck_assert_uint_eq(bytes[2], length >> 4);
		}
		ck_assert_mem_eq(bytes + body, "_SB_", 4);
		ck_assert_mem_eq(bytes + body + 4, content, count);
	}
}
END_TEST

START_TEST(resource_template)
{
	const uint8_t want[] = {
		SPEC_NAME_OP, '_',  'C',  'R',  'S',  0x11, 16,   0x0a, 13, /* Buffer (13) */
		0x47,         0x01, 0xf8, 0x03, 0xf8, 0x03, 0x01, 0x08,     /* IO */
		0x22,         0x10, 0x00,                                   /* IRQNoFlags */
		0x79,         0x00,                                         /* end tag */
	};
	struct aml_resources resources = { 0 };

	aml_add_ports(&resources, 0x3f8, 8);
	aml_add_irq(&resources, 4);
	aml_name_resources(&aml, "_CRS", &resources);
	wrote(want, sizeof(want));
}
END_TEST

START_TEST(every_irq)
{
	for (uint8_t irq = 0; irq < 16; irq++) {
		struct aml_resources resources = { 0 };

		aml_add_irq(&resources, irq);
		ck_assert_uint_eq(resources.bytes, 3);
		ck_assert_uint_eq(resources.byte[0], 0x22);
		ck_assert_uint_eq(resources.byte[1], irq < 8 ? 1 << irq : 0);
		ck_assert_uint_eq(resources.byte[2], irq < 8 ? 0 : 1 << (irq - 8));
	}
}
END_TEST

/* Our own mistakes end the program before a byte is written where it does not belong. */

START_TEST(no_room)
{
	aml_init(&aml, bytes, 5);
	aml_name_integer(&aml, "_UID", 0x100);
}
END_TEST

START_TEST(no_room_for_the_length)
{
	size_t scope;

	aml_init(&aml, bytes, 5);
	scope = aml_begin_scope(&aml, "_SB_");
	aml_end(&aml, scope);
}
END_TEST

START_TEST(too_long_for_a_block)
{
	scope_of(SPEC_LENGTH_2_MAX - 2 - 4 + 1);
}
END_TEST

START_TEST(short_name)
{
	aml_name_integer(&aml, "_U", 1);
}
END_TEST

START_TEST(short_eisa_id)
{
	aml_name_eisaid(&aml, "_HID", "PNP050");
}
END_TEST

START_TEST(long_eisa_id)
{
	aml_name_eisaid(&aml, "_HID", "PNP05010");
}
END_TEST

START_TEST(irq_beyond_the_last)
{
	struct aml_resources resources = { 0 };

	aml_add_irq(&resources, 16);
}
END_TEST

START_TEST(too_many_resources)
{
	struct aml_resources resources = { 0 };

	for (int i = 0; i < 11; i++)
		aml_add_irq(&resources, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { integers,          eisa_ids,         package,
				       empty_package,     blocks_in_blocks, package_lengths,
				       resource_template, every_irq };
	const TTest *const mistakes[] = {
		no_room,       no_room_for_the_length, too_long_for_a_block, short_name,
		short_eisa_id, long_eisa_id,           irq_beyond_the_last,  too_many_resources
	};
	Suite *suite = suite_create("aml");
	TCase *tcase = tcase_create("aml");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		tcase_add_test_raise_signal(tcase, mistakes[i], SIGABRT);
	tcase_add_checked_fixture(tcase, setup, NULL);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
