/* SPDX-License-Identifier: MIT */
/* The POST code port: each byte written goes out on the wire, reads give ones. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "devices/bus.h"
#include "devices/postcode.h"

static struct bus bus;
static struct postcode postcode;
static uint8_t shown[300];
static size_t shown_count;

static void show(void *ctx, uint8_t code)
{
	ck_assert_ptr_eq(ctx, shown);
	shown[shown_count++] = code;
}

static void setup(void)
{
	struct err e;

	shown_count = 0;
	memset(&postcode, 0xa5, sizeof(postcode)); /* nothing may be taken from before */
	bus_init(&bus, "port");
	postcode_init(&postcode, (struct code_wire){ show, shown });
	ck_assert_int_eq(bus_attach(&bus, 0x80, POSTCODE_PORTS, &postcode.device, &e), 0);
}

START_TEST(every_code)
{
	for (unsigned int code = 0; code < 256; code++)
		bus_write(&bus, 0x80, 1, &(uint8_t){ (uint8_t)code });
	bus_write(&bus, 0x80, 1, &(uint8_t){ 0x42 }); /* each time, not each value */
	ck_assert_uint_eq(shown_count, 257);
	for (unsigned int code = 0; code < 256; code++)
		ck_assert_uint_eq(shown[code], code);
	ck_assert_uint_eq(shown[256], 0x42);
}
END_TEST

START_TEST(reads_give_ones)
{
	uint8_t byte = 0;

	bus_write(&bus, 0x80, 1, &(uint8_t){ 0x42 });
	bus_read(&bus, 0x80, 1, &byte);
	ck_assert_uint_eq(byte, 0xff);
}
END_TEST

START_TEST(one_port_of_one_byte)
{
	static const uint8_t bytes[4] = { 1, 2, 3, 4 };

	bus_write(&bus, 0x80, 2, bytes);
	bus_write(&bus, 0x80, 4, bytes);
	bus_write(&bus, 0x7f, 2, bytes);
	bus_write(&bus, 0x7f, 1, bytes);
	bus_write(&bus, 0x81, 1, bytes);
	ck_assert_uint_eq(shown_count, 0);
	ck_assert_uint_eq(bus.write_misses, 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("postcode");
	TCase *tcase = tcase_create("postcode");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, every_code);
	tcase_add_test(tcase, reads_give_ones);
	tcase_add_test(tcase, one_port_of_one_byte);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
