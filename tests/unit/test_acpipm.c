/* SPDX-License-Identifier: MIT */
/*
 * ACPI's PM1a registers, by [ACPI] "PM1 Event Grouping" and "PM1 Control Grouping", at the ports
 * that the machine gives them and through a bus.
 */
#include <check.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "devices/acpipm.h"
#include "devices/bus.h"

enum {
	EVENT = 0x600,
	CONTROL = 0x604,

	SPEC_STS = EVENT,
	SPEC_EN = EVENT + 2,
	SPEC_EN_TMR = 1 << 0,
	SPEC_EN_GBL = 1 << 5,
	SPEC_EN_PWRBTN = 1 << 8,
	SPEC_EN_SLPBTN = 1 << 9,
	SPEC_EN_RTC = 1 << 10,
	SPEC_EN_ALL = SPEC_EN_TMR | SPEC_EN_GBL | SPEC_EN_PWRBTN | SPEC_EN_SLPBTN | SPEC_EN_RTC,

	SPEC_SCI_EN = 1 << 0,
	SPEC_BM_RLD = 1 << 1,
	SPEC_GBL_RLS = 1 << 2,
	SPEC_SLP_TYP_SHIFT = 10,
	SPEC_SLP_TYP = 7 << 10,
	SPEC_SLP_EN = 1 << 13,

	S5 = 5,
};

static struct acpipm acpipm;
static struct bus bus;
static unsigned pulses;
static bool level;

static void on_power_off(void *ctx, bool now)
{
	ck_assert_ptr_eq(ctx, &pulses);
	if (level && !now)
		pulses++;
	level = now;
}

static void start(uint8_t sleep_type_s5)
{
	const struct line power_off = { .set = on_power_off, .ctx = &pulses };
	struct err e;

	pulses = 0;
	level = false;
	memset(&acpipm, 0xa5, sizeof(acpipm));
	acpipm_init(&acpipm, power_off, sleep_type_s5);
	bus_init(&bus, "port");
	ck_assert_int_eq(bus_attach(&bus, EVENT, ACPIPM_EVENT_PORTS, &acpipm.event.device, &e), 0);
	ck_assert_int_eq(
		bus_attach(&bus, CONTROL, ACPIPM_CONTROL_PORTS, &acpipm.control.device, &e), 0);
}

static void setup(void)
{
	start(S5);
}

static uint32_t in(uint64_t port, uint32_t size)
{
	uint8_t byte[4] = { 0 };

	bus_read(&bus, port, size, byte);
	return (uint32_t)byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16 |
	       (uint32_t)byte[3] << 24;
}

static void out(uint64_t port, uint32_t size, uint32_t value)
{
	const uint8_t byte[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
				  (uint8_t)(value >> 24) };

	bus_write(&bus, port, size, byte);
}

static uint32_t sleep_type(uint32_t type)
{
	return type << SPEC_SLP_TYP_SHIFT;
}

START_TEST(after_power_on)
{
	ck_assert_uint_eq(in(SPEC_STS, 4), 0);
	ck_assert_uint_eq(in(CONTROL, 2), SPEC_SCI_EN);
	ck_assert_uint_eq(bus.read_misses, 0);
	ck_assert_uint_eq(pulses, 0);
}
END_TEST

/* Writing ones to the status clears what is set; nothing ever is. */
START_TEST(status_is_empty)
{
	out(SPEC_STS, 2, 0xffff);
	ck_assert_uint_eq(in(SPEC_STS, 4), 0);
	out(SPEC_STS, 1, 0xff);
	out(SPEC_STS + 1, 1, 0xff);
	ck_assert_uint_eq(in(SPEC_STS, 4), 0);
}
END_TEST

/* A kernel reads back what it enabled. Reserved bits stay 0. */
START_TEST(enable_is_kept)
{
	for (uint32_t value = 0; value <= 0xffff; value++) {
		out(SPEC_EN, 2, value);
		ck_assert_uint_eq(in(SPEC_EN, 2), value & SPEC_EN_ALL);
		ck_assert_uint_eq(in(SPEC_STS, 2), 0);
	}
}
END_TEST

START_TEST(enable_by_halves)
{
	out(SPEC_EN, 2, SPEC_EN_ALL);
	out(SPEC_EN, 1, SPEC_EN_GBL);
	ck_assert_uint_eq(in(SPEC_EN, 2), SPEC_EN_ALL & ~SPEC_EN_TMR);
	out(SPEC_EN + 1, 1, SPEC_EN_RTC >> 8);
	ck_assert_uint_eq(in(SPEC_EN, 2), SPEC_EN_GBL | SPEC_EN_RTC);
	ck_assert_uint_eq(in(SPEC_EN, 1), SPEC_EN_GBL);
	ck_assert_uint_eq(in(SPEC_EN + 1, 1), SPEC_EN_RTC >> 8);
}
END_TEST

/* Status and enable at once, and a word that has one byte of each. */
START_TEST(both_event_registers)
{
	out(SPEC_STS, 4, (uint32_t)SPEC_EN_PWRBTN << 16 | 0xffff);
	ck_assert_uint_eq(in(SPEC_STS, 4), (uint32_t)SPEC_EN_PWRBTN << 16);
	out(SPEC_STS + 1, 2, SPEC_EN_GBL << 8 | 0xff);
	ck_assert_uint_eq(in(SPEC_STS + 1, 2), SPEC_EN_GBL << 8);
	ck_assert_uint_eq(in(SPEC_EN, 2), SPEC_EN_PWRBTN | SPEC_EN_GBL);
}
END_TEST

/* Every value, for every meaning of S5. */
START_TEST(every_control_value)
{
	for (uint8_t s5 = 0; s5 < 8; s5++) {
		start(s5);
		for (uint32_t value = 0; value <= 0xffff; value++) {
			bool off =
				(value & SPEC_SLP_EN) && (value & SPEC_SLP_TYP) == sleep_type(s5);
			uint32_t kept = value & (SPEC_BM_RLD | SPEC_SLP_TYP);

			pulses = 0;
			out(CONTROL, 2, value);
			if (pulses != off || level || in(CONTROL, 2) != (kept | SPEC_SCI_EN))
				ck_abort_msg("S5 %d, value %#x", s5, value);
		}
	}
}
END_TEST

/* The type first, then both: so Linux does it (acpi_hw_legacy_sleep). */
START_TEST(type_then_enable)
{
	uint32_t now = in(CONTROL, 2);

	out(CONTROL, 2, now | sleep_type(S5));
	ck_assert_uint_eq(pulses, 0);
	out(CONTROL, 2, now | sleep_type(S5) | SPEC_SLP_EN);
	ck_assert_uint_eq(pulses, 1);
}
END_TEST

/* The upper half has all that it takes; the lower has nothing of it. */
START_TEST(control_by_halves)
{
	out(CONTROL + 1, 1, sleep_type(S5) >> 8);
	out(CONTROL, 1, 0xff);
	ck_assert_uint_eq(pulses, 0);
	ck_assert_uint_eq(in(CONTROL, 1), SPEC_SCI_EN | SPEC_BM_RLD);
	ck_assert_uint_eq(in(CONTROL + 1, 1), sleep_type(S5) >> 8);
	out(CONTROL + 1, 1, (sleep_type(S5) | SPEC_SLP_EN) >> 8);
	ck_assert_uint_eq(pulses, 1);
	out(CONTROL, 1, 0);
	ck_assert_uint_eq(pulses, 1); /* an old SLP_EN is not there any more */
	ck_assert_uint_eq(in(CONTROL, 2), SPEC_SCI_EN | sleep_type(S5));
}
END_TEST

/* Four bytes at the control register are more than it has. */
START_TEST(too_wide)
{
	out(CONTROL, 4, sleep_type(S5) | SPEC_SLP_EN);
	ck_assert_uint_eq(pulses, 0);
	ck_assert_uint_eq(bus.write_misses, 1);
	ck_assert_uint_eq(in(CONTROL, 4), 0xffffffff);
}
END_TEST

START_TEST(reset_clears)
{
	out(SPEC_EN, 2, 0xffff);
	out(CONTROL, 2, SPEC_BM_RLD | sleep_type(3));
	bus_reset(&bus);
	ck_assert_uint_eq(in(SPEC_STS, 4), 0);
	ck_assert_uint_eq(in(CONTROL, 2), SPEC_SCI_EN);
	out(CONTROL, 2, sleep_type(S5) | SPEC_SLP_EN);
	ck_assert_uint_eq(pulses, 1); /* the wire stays, and what S5 means */
}
END_TEST

/* A copy of the states is all that it takes to go on. */
START_TEST(state_is_all)
{
	struct acpipm_event_state event;
	struct acpipm_control_state control;
	size_t event_bytes, control_bytes;
	void *event_at = acpipm.event.device.ops->state(&acpipm.event.device, &event_bytes);
	void *control_at = acpipm.control.device.ops->state(&acpipm.control.device, &control_bytes);

	ck_assert_uint_eq(event_bytes, sizeof(event));
	ck_assert_uint_eq(control_bytes, sizeof(control));
	out(SPEC_EN, 2, SPEC_EN_GBL);
	out(CONTROL, 2, SPEC_BM_RLD | sleep_type(3));
	memcpy(&event, event_at, sizeof(event));
	memcpy(&control, control_at, sizeof(control));
	start(S5);
	ck_assert_uint_eq(in(SPEC_EN, 2), 0);
	memcpy(event_at, &event, sizeof(event));
	memcpy(control_at, &control, sizeof(control));
	ck_assert_uint_eq(in(SPEC_EN, 2), SPEC_EN_GBL);
	ck_assert_uint_eq(in(CONTROL, 2), SPEC_SCI_EN | SPEC_BM_RLD | sleep_type(3));
}
END_TEST

START_TEST(no_such_sleep_type)
{
	start(8);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { after_power_on,   status_is_empty,      enable_is_kept,
				       enable_by_halves, both_event_registers, every_control_value,
				       type_then_enable, control_by_halves,    too_wide,
				       reset_clears,     state_is_all };
	Suite *suite = suite_create("acpipm");
	TCase *tcase = tcase_create("acpipm");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_test_raise_signal(tcase, no_such_sleep_type, SIGABRT);
	tcase_add_checked_fixture(tcase, setup, NULL);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
