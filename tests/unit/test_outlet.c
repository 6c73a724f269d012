/* SPDX-License-Identifier: MIT */
/*
 * An outlet: what is put in comes out in order, across the ring's end, and is told in stretches that
 * lie in one piece; one that is not in use takes all and keeps nothing.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/outlet.h"

static struct outlet outlet;
static struct chardev dev;

static void setup(void)
{
	chardev_init(&dev);
	outlet_init(&outlet, &dev);
}

/* Takes out all there is, stretch by stretch, into got; returns how much, and in how many pieces. */
static size_t drain(uint8_t *got, unsigned int *pieces)
{
	const uint8_t *bytes;
	size_t count, sum = 0;

	for (*pieces = 0; (count = outlet_stretch(&outlet, &bytes)) > 0; ++*pieces) {
		memcpy(got + sum, bytes, count);
		outlet_take_out(&outlet, count);
		sum += count;
	}
	return sum;
}

START_TEST(bytes_come_in_order_across_the_end)
{
	static uint8_t in[OUTLET_RING_BYTES], got[OUTLET_RING_BYTES];
	unsigned int pieces;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7 + i / 251);
	ck_assert_uint_eq(outlet_room(&outlet), OUTLET_RING_BYTES);
	outlet_put(&outlet, in, 1000);
	ck_assert_uint_eq(drain(got, &pieces), 1000);
	ck_assert_uint_eq(pieces, 1);
	outlet_put(&outlet, in, sizeof(in));
	ck_assert_uint_eq(outlet_room(&outlet), 0);
	ck_assert_uint_eq(drain(got, &pieces), sizeof(in));
	ck_assert_uint_eq(pieces, 2); /* up to the ring's end, and from its beginning */
	ck_assert_mem_eq(got, in, sizeof(in));
	ck_assert_uint_eq(outlet_room(&outlet), OUTLET_RING_BYTES);
}
END_TEST

START_TEST(single_bytes_are_the_same)
{
	static uint8_t got[OUTLET_RING_BYTES];
	unsigned int pieces;

	for (size_t i = 0; i < OUTLET_RING_BYTES; i++)
		outlet_put_byte(&outlet, (uint8_t)(i * 3));
	ck_assert_uint_eq(outlet_room(&outlet), 0);
	ck_assert_uint_eq(drain(got, &pieces), OUTLET_RING_BYTES);
	for (size_t i = 0; i < OUTLET_RING_BYTES; i++)
		ck_assert_uint_eq(got[i], (uint8_t)(i * 3));
}
END_TEST

START_TEST(knows_where_a_line_begins)
{
	ck_assert(outlet.at_line_start);
	outlet_put(&outlet, "a\nb", 3);
	ck_assert(!outlet.at_line_start);
	outlet_put(&outlet, "", 0);
	ck_assert(!outlet.at_line_start);
	outlet_put(&outlet, "c\n", 2);
	ck_assert(outlet.at_line_start);
	outlet_put_byte(&outlet, 'd');
	ck_assert(!outlet.at_line_start);
	outlet_put_byte(&outlet, '\n');
	ck_assert(outlet.at_line_start);
}
END_TEST

START_TEST(out_of_use_it_keeps_nothing)
{
	const uint8_t *bytes;

	outlet_init(&outlet, NULL);
	for (int i = 0; i < 40; i++)
		outlet_put(&outlet, "0123456789", 10);
	outlet_put_byte(&outlet, 'x');
	ck_assert_uint_eq(outlet_room(&outlet), OUTLET_RING_BYTES);
	ck_assert_uint_eq(outlet_stretch(&outlet, &bytes), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { bytes_come_in_order_across_the_end,
				       single_bytes_are_the_same, knows_where_a_line_begins,
				       out_of_use_it_keeps_nothing };
	Suite *suite = suite_create("outlet");
	TCase *tcase = tcase_create("outlet");
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
