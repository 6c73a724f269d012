/* SPDX-License-Identifier: MIT */
/* The keyboard controller's remains: what Linux does with it, and every command. */
#include <check.h>
#include <stdlib.h>

#include "devices/bus.h"
#include "devices/i8042.h"

enum {
	SPEC_DATA = 0x60,
	SPEC_SPEAKER = 0x61,
	SPEC_STATUS = 0x64,
	SPEC_OUTPUT_FULL = 1 << 0,
	SPEC_INPUT_FULL = 1 << 1,

	LINUX_BUFFER_BYTES = 16, /* what Linux's driver reads before it gives up */
};

static struct i8042 i8042;
static struct bus bus;
static unsigned pulses;
static bool level;

static void on_reset(void *ctx, bool now)
{
	ck_assert_ptr_eq(ctx, &pulses);
	if (level && !now)
		pulses++;
	level = now;
}

static void setup(void)
{
	const struct line reset = { .set = on_reset, .ctx = &pulses };
	struct err e;

	pulses = 0;
	level = false;
	i8042_init(&i8042, reset);
	bus_init(&bus, "port");
	ck_assert_int_eq(bus_attach(&bus, SPEC_DATA, I8042_PORTS, &i8042.data.device, &e), 0);
	ck_assert_int_eq(bus_attach(&bus, SPEC_STATUS, I8042_PORTS, &i8042.command.device, &e), 0);
}

static uint8_t in(uint64_t port)
{
	uint8_t value = 0;

	bus_read(&bus, port, 1, &value);
	return value;
}

static void out(uint64_t port, unsigned value)
{
	const uint8_t byte = (uint8_t)value;

	bus_write(&bus, port, 1, &byte);
}

START_TEST(looks_like_nobody)
{
	ck_assert_uint_eq(in(SPEC_STATUS), 0xfd);
	ck_assert_uint_eq(in(SPEC_DATA), 0xff);
	ck_assert_uint_eq(bus.read_misses, 0);
	in(SPEC_SPEAKER);
	ck_assert_uint_eq(bus.read_misses, 1); /* not ours */
}
END_TEST

/* i8042_flush(): the output buffer never gets empty, so the driver says "No controller found". */
START_TEST(linux_gives_up)
{
	int count = 0;

	while ((in(SPEC_STATUS)&SPEC_OUTPUT_FULL) && count < LINUX_BUFFER_BYTES) {
		count++;
		in(SPEC_DATA);
	}
	ck_assert_int_eq(count, LINUX_BUFFER_BYTES);
	ck_assert_uint_ne(in(SPEC_STATUS)&SPEC_OUTPUT_FULL, 0);
}
END_TEST

/* kb_wait() and then the pulse, as the kernel's emergency restart does it. */
START_TEST(linux_restarts)
{
	ck_assert_uint_eq(in(SPEC_STATUS)&SPEC_INPUT_FULL, 0);
	out(SPEC_STATUS, 0xfe);
	ck_assert_uint_eq(pulses, 1);
	ck_assert(!level);
}
END_TEST

/* F0..FF pulse the lines whose bits are 0; bit 0 is the reset line. Nothing else resets. */
START_TEST(every_command)
{
	for (unsigned command = 0; command < 256; command++) {
		bool resets = command >= 0xf0 && !(command & 1);

		pulses = 0;
		out(SPEC_STATUS, command);
		ck_assert_uint_eq(pulses, resets);
		pulses = 0;
		out(SPEC_DATA, command);
		ck_assert_uint_eq(pulses, 0);
		ck_assert_uint_eq(in(SPEC_STATUS), 0xfd);
		ck_assert_uint_eq(in(SPEC_DATA), 0xff);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { looks_like_nobody, linux_gives_up, linux_restarts,
				       every_command };
	Suite *suite = suite_create("i8042");
	TCase *tcase = tcase_create("i8042");
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
