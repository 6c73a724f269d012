/* SPDX-License-Identifier: MIT */
/*
 * The clock against the MC146818's data sheet, with the C library's calendar as the second
 * opinion on dates, and with the reading and setting sequences of Linux's driver.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "devices/cmos.h"

enum {
	SECONDS = 0x00,
	SECONDS_ALARM = 0x01,
	MINUTES = 0x02,
	MINUTES_ALARM = 0x03,
	HOURS = 0x04,
	HOURS_ALARM = 0x05,
	WEEKDAY = 0x06,
	DAY = 0x07,
	MONTH = 0x08,
	YEAR = 0x09,
	STATUS_A = 0x0a,
	STATUS_B = 0x0b,
	STATUS_C = 0x0c,
	STATUS_D = 0x0d,
	CENTURY = 0x32,

	SPEC_A_UIP = 0x80,
	SPEC_A_32KHZ = 0x20,
	SPEC_A_DIVIDER_RESET = 0x60,
	SPEC_B_SET = 0x80,
	SPEC_B_UIE = 0x10,
	SPEC_B_BINARY = 0x04,
	SPEC_B_24H = 0x02,
	SPEC_D_VRT = 0x80,
	SPEC_PM = 0x80,
};

static const int64_t SPEC_UIP_NS = 244000; /* UIP is set this long before the update */
static const int64_t NS = 1000000000;

/* Thursday 2024-02-29 12:34:56 UTC, as `date -u -d @1709210096` tells it. */
static const int64_t LEAP_DAY = 1709210096;

static struct cmos cmos;
static int64_t host_ns;

static int64_t host_clock(void *ctx)
{
	if (ctx != &host_ns)
		ck_abort_msg("the clock's ctx is not its own");
	return host_ns;
}

static void setup(void)
{
	const struct wall_clock clock = { .unix_ns = host_clock, .ctx = &host_ns };

	host_ns = LEAP_DAY * NS;
	cmos_init(&cmos, clock);
}

static void port_write(uint64_t offset, uint8_t value)
{
	cmos.device.ops->write(&cmos.device, offset, 1, &value);
}

static uint8_t port_read(uint64_t offset)
{
	uint8_t value = 0xff;

	cmos.device.ops->read(&cmos.device, offset, 1, &value);
	return value;
}

static uint8_t get(uint8_t index)
{
	port_write(0, index);
	return port_read(1);
}

static void set(uint8_t index, unsigned value)
{
	port_write(0, index);
	port_write(1, (uint8_t)value);
}

static void advance(int64_t ns)
{
	host_ns += ns;
}

static void expect(uint8_t century, uint8_t year, uint8_t month, uint8_t day, uint8_t hours,
		   uint8_t minutes, uint8_t seconds)
{
	ck_assert_uint_eq(get(CENTURY), century);
	ck_assert_uint_eq(get(YEAR), year);
	ck_assert_uint_eq(get(MONTH), month);
	ck_assert_uint_eq(get(DAY), day);
	ck_assert_uint_eq(get(HOURS), hours);
	ck_assert_uint_eq(get(MINUTES), minutes);
	ck_assert_uint_eq(get(SECONDS), seconds);
}

START_TEST(power_on)
{
	ck_assert_uint_eq(get(STATUS_A), 0x26);
	ck_assert_uint_eq(get(STATUS_B), SPEC_B_24H);
	ck_assert_uint_eq(get(STATUS_C), 0);
	ck_assert_uint_eq(get(STATUS_D), SPEC_D_VRT);
	expect(0x20, 0x24, 0x02, 0x29, 0x12, 0x34, 0x56);
	ck_assert_uint_eq(get(WEEKDAY), 5); /* Sunday is 1 */
}
END_TEST

START_TEST(binary)
{
	set(STATUS_B, SPEC_B_24H | SPEC_B_BINARY);
	expect(20, 24, 2, 29, 12, 34, 56);
}
END_TEST

START_TEST(hours_in_every_form)
{
	for (unsigned h = 0; h < 24; h++) {
		unsigned twelve = h % 12 ? h % 12 : 12, pm = h < 12 ? 0 : SPEC_PM;
		unsigned bcd = twelve / 10 * 16 + twelve % 10;

		host_ns = (LEAP_DAY / 86400 * 86400 + h * 3600) * NS;
		set(STATUS_B, SPEC_B_24H | SPEC_B_BINARY);
		ck_assert_uint_eq(get(HOURS), h);
		set(STATUS_B, SPEC_B_24H);
		ck_assert_uint_eq(get(HOURS), h / 10 * 16 + h % 10);
		set(STATUS_B, SPEC_B_BINARY);
		ck_assert_uint_eq(get(HOURS), twelve | pm);
		set(STATUS_B, 0);
		ck_assert_uint_eq(get(HOURS), bcd | pm);

		/* And the same way in: nothing has moved after it was written back. */
		set(HOURS, bcd | pm);
		set(STATUS_B, SPEC_B_BINARY);
		set(HOURS, twelve | pm);
		ck_assert_int_eq(cmos.state.offset_s, 0);
	}
}
END_TEST

/* Every day of 330 years, the C library being asked as well. */
START_TEST(calendar)
{
	set(STATUS_B, SPEC_B_24H | SPEC_B_BINARY);
	for (int64_t day = -47482; day < 82000; day++) { /* from 1840 */
		time_t seconds = day * 86400 + 86399;
		struct tm tm;

		gmtime_r(&seconds, &tm);
		host_ns = (int64_t)seconds * NS;
		if (get(CENTURY) * 100 + get(YEAR) != tm.tm_year + 1900 ||
		    get(MONTH) != tm.tm_mon + 1 || get(DAY) != tm.tm_mday ||
		    get(WEEKDAY) != tm.tm_wday + 1 || get(HOURS) != 23 || get(MINUTES) != 59)
			ck_abort_msg("wrong date %lld days from 1970", (long long)day);
		set(DAY, get(DAY)); /* and back to a number of days */
		if (cmos.state.offset_s != 0)
			ck_abort_msg("day moved, %lld days from 1970", (long long)day);
	}
}
END_TEST

START_TEST(uip_before_each_second)
{
	static const struct {
		int64_t ns;
		bool uip;
	} times[] = { { 0, false },
		      { 1, false },
		      { NS / 2, false },
		      { NS - SPEC_UIP_NS - 1, false },
		      { NS - SPEC_UIP_NS, true },
		      { NS - 1, true } };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		host_ns = LEAP_DAY * NS + times[i].ns;
		ck_assert_uint_eq(get(STATUS_A), 0x26 | (times[i].uip ? SPEC_A_UIP : 0));
		ck_assert_uint_eq(get(SECONDS), 0x56);
	}
	host_ns = (LEAP_DAY + 1) * NS;
	ck_assert_uint_eq(get(STATUS_A), 0x26);
	ck_assert_uint_eq(get(SECONDS), 0x57);
	set(STATUS_A, 0xff & ~SPEC_A_DIVIDER_RESET); /* UIP cannot be written */
	ck_assert_uint_eq(get(STATUS_A), 0x1f);
	advance(NS - 1); /* nor is it set while no update can come */
	set(STATUS_B, SPEC_B_SET | SPEC_B_24H);
	ck_assert_uint_eq(get(STATUS_A), 0x1f);
}
END_TEST

START_TEST(set_stops_the_clock)
{
	set(STATUS_B, SPEC_B_SET | SPEC_B_24H);
	advance(5 * NS);
	expect(0x20, 0x24, 0x02, 0x29, 0x12, 0x34, 0x56);
	set(MINUTES, 0x00);
	ck_assert_uint_eq(get(MINUTES), 0x00);
	ck_assert_uint_eq(get(SECONDS), 0x56);
	set(STATUS_B, SPEC_B_24H);
	expect(0x20, 0x24, 0x02, 0x29, 0x12, 0x00, 0x56);
	advance(4 * NS);
	expect(0x20, 0x24, 0x02, 0x29, 0x12, 0x01, 0x00);
}
END_TEST

/* SET leaves the divider chain alone: seconds go on changing when they did. */
START_TEST(set_keeps_the_phase)
{
	advance(NS / 4);
	set(STATUS_B, SPEC_B_SET | SPEC_B_24H);
	advance(NS / 4);
	set(SECONDS, 0x10);
	set(STATUS_B, SPEC_B_24H);
	advance(NS / 2 - 1);
	ck_assert_uint_eq(get(SECONDS), 0x10);
	ck_assert_uint_eq(get(STATUS_A) & SPEC_A_UIP, SPEC_A_UIP);
	advance(1);
	ck_assert_uint_eq(get(SECONDS), 0x11);
}
END_TEST

START_TEST(raising_set_drops_uie)
{
	set(STATUS_B, SPEC_B_24H | SPEC_B_UIE);
	ck_assert_uint_eq(get(STATUS_B), SPEC_B_24H | SPEC_B_UIE);
	set(STATUS_B, SPEC_B_SET | SPEC_B_24H | SPEC_B_UIE);
	ck_assert_uint_eq(get(STATUS_B), SPEC_B_SET | SPEC_B_24H);
	set(STATUS_B, SPEC_B_24H);
}
END_TEST

/* A write to a running clock takes effect at once. */
START_TEST(write_while_running)
{
	set(HOURS, 0x23);
	set(MINUTES, 0x59);
	set(SECONDS, 0x59);
	expect(0x20, 0x24, 0x02, 0x29, 0x23, 0x59, 0x59);
	advance(NS);
	expect(0x20, 0x24, 0x03, 0x01, 0x00, 0x00, 0x00);
	ck_assert_uint_eq(get(WEEKDAY), 6);
}
END_TEST

/*
 * As Linux's mc146818_set_time() does it: stop, hold the divider, write, go on. The next second
 * comes half a second after the divider was let go, whatever the host's clock says.
 */
START_TEST(linux_sets_the_time)
{
	uint8_t control, select;

	advance(NS / 8);
	control = get(STATUS_B);
	set(STATUS_B, control | SPEC_B_SET);
	select = get(STATUS_A);
	set(STATUS_A, select | SPEC_A_DIVIDER_RESET);
	set(YEAR, 0x99);
	set(CENTURY, 0x19);
	set(MONTH, 0x12);
	set(DAY, 0x31);
	set(HOURS, 0x23);
	set(MINUTES, 0x59);
	set(SECONDS, 0x59);
	advance(NS / 8);
	set(STATUS_B, control);
	expect(0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x59); /* the divider still holds it */
	advance(3 * NS);
	expect(0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x59);
	ck_assert_uint_eq(get(STATUS_A), select | SPEC_A_DIVIDER_RESET);
	set(STATUS_A, select);
	advance(NS / 2 - 1);
	expect(0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x59);
	advance(1);
	expect(0x20, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00);
	ck_assert_uint_eq(get(WEEKDAY), 7);

	/* It follows the host from there on, also through its years. */
	advance(366 * 86400 * NS);
	expect(0x20, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00);
}
END_TEST

START_TEST(divider_may_be_let_go_first)
{
	set(STATUS_B, SPEC_B_SET | SPEC_B_24H);
	set(STATUS_A, 0x26 | SPEC_A_DIVIDER_RESET);
	set(SECONDS, 0x00);
	advance(NS / 3);
	set(STATUS_A, 0x26);
	advance(NS / 4);
	set(STATUS_B, SPEC_B_24H);
	advance(NS / 4 - 1);
	ck_assert_uint_eq(get(SECONDS), 0x00);
	advance(1);
	ck_assert_uint_eq(get(SECONDS), 0x01);
}
END_TEST

/* As Linux's mc146818_avoid_UIP() reads: seconds, UIP, the rest, UIP, seconds again. */
START_TEST(linux_reads_the_time)
{
	unsigned waits = 0;

	host_ns = (LEAP_DAY + 1) * NS - 300000;
	for (;;) {
		uint8_t seconds = get(SECONDS);

		if (get(STATUS_A) & SPEC_A_UIP) {
			waits++;
			advance(100000);
			continue;
		}
		advance(100000); /* a slow guest */
		if (!(get(STATUS_A) & SPEC_A_UIP) && get(SECONDS) == seconds)
			break;
	}
	ck_assert_uint_le(waits, 3);
	ck_assert_uint_eq(get(SECONDS), 0x57);
}
END_TEST

/* February 30th is March 1st; month 0, hour 99 and the like are only numbers. */
START_TEST(dates_that_do_not_exist)
{
	set(DAY, 0x30);
	expect(0x20, 0x24, 0x03, 0x01, 0x12, 0x34, 0x56);
	set(MONTH, 0x13);
	expect(0x20, 0x25, 0x01, 0x01, 0x12, 0x34, 0x56);
	set(MONTH, 0x00);
	expect(0x20, 0x24, 0x12, 0x01, 0x12, 0x34, 0x56);
	set(HOURS, 0x25);
	expect(0x20, 0x24, 0x12, 0x02, 0x01, 0x34, 0x56);
	set(SECONDS, 0x60);
	expect(0x20, 0x24, 0x12, 0x02, 0x01, 0x35, 0x00);
}
END_TEST

START_TEST(any_byte_anywhere)
{
	for (unsigned b = 0; b < 256; b++) {
		for (unsigned index = 0; index < 128; index++) {
			set((uint8_t)index, b);
			for (unsigned i = 0; i < 128; i++)
				get((uint8_t)i);
			if (index == STATUS_A || index == STATUS_B) {
				set(STATUS_A, SPEC_A_32KHZ);
				set(STATUS_B, b & 0x7f);
			}
		}
	}
	setup();
	set(STATUS_B, SPEC_B_BINARY | SPEC_B_24H);
	set(CENTURY, 255);
	set(YEAR, 255); /* the year 25755 */
	ck_assert_uint_eq(get(YEAR), 55);
	ck_assert_uint_eq(get(DAY), 29 - 28); /* which has no February 29th */
	ck_assert_uint_eq(get(MONTH), 3);
}
END_TEST

START_TEST(alarm_and_ram_are_kept)
{
	for (unsigned i = 0x0e; i < 128; i++)
		ck_assert(i == CENTURY || get((uint8_t)i) == 0);
	set(SECONDS_ALARM, 0xc0);
	set(MINUTES_ALARM, 0x17);
	set(HOURS_ALARM, 0x23);
	for (unsigned i = 0x0e; i < 128; i++) {
		if (i != CENTURY)
			set((uint8_t)i, i ^ 0x5a);
	}
	advance(100 * NS);
	ck_assert_uint_eq(get(SECONDS_ALARM), 0xc0);
	ck_assert_uint_eq(get(MINUTES_ALARM), 0x17);
	ck_assert_uint_eq(get(HOURS_ALARM), 0x23);
	for (unsigned i = 0x0e; i < 128; i++) {
		if (i != CENTURY)
			ck_assert_uint_eq(get((uint8_t)i), i ^ 0x5a);
	}
}
END_TEST

START_TEST(status_c_and_d_cannot_be_written)
{
	set(STATUS_C, 0xff);
	set(STATUS_D, 0x00);
	ck_assert_uint_eq(get(STATUS_C), 0);
	ck_assert_uint_eq(get(STATUS_D), SPEC_D_VRT);
}
END_TEST

START_TEST(index_port)
{
	set(0x40, 0x99);
	ck_assert_uint_eq(port_read(0), 0xff); /* write-only */
	ck_assert_uint_eq(get(0xc0), 0x99);    /* bit 7 masks the NMI and is no part of the index */
	ck_assert_uint_eq(port_read(1), 0x99); /* the index stays */
}
END_TEST

START_TEST(word_access)
{
	const uint8_t index_and_data[2] = { 0x41, 0x77 };
	uint8_t both[2] = { 0xff, 0xff };

	cmos.device.ops->write(&cmos.device, 0, 2, index_and_data);
	ck_assert_uint_eq(get(0x41), 0x77);
	cmos.device.ops->read(&cmos.device, 0, 2, both);
	ck_assert_uint_eq(both[0], 0xff);
	ck_assert_uint_eq(both[1], 0x77);
}
END_TEST

START_TEST(reset_keeps_what_the_battery_keeps)
{
	set(0x40, 0x12);
	set(HOURS, 0x01);
	set(STATUS_B, 0x7b);
	cmos.device.ops->reset(&cmos.device);
	ck_assert_uint_eq(port_read(1), 0x56); /* index 0: seconds */
	ck_assert_uint_eq(get(0x40), 0x12);
	ck_assert_uint_eq(get(HOURS), 0x01);
	ck_assert_uint_eq(get(STATUS_B), 0x03); /* PIE, AIE, UIE, SQWE are off */
}
END_TEST

START_TEST(state_is_all_there_is)
{
	struct cmos_state saved;
	size_t size = 0;
	void *state;

	set(HOURS, 0x07);
	set(0x55, 0xaa);
	state = cmos.device.ops->state(&cmos.device, &size);
	ck_assert_uint_eq(size, sizeof(saved));
	memcpy(&saved, state, size);
	setup();
	memcpy(cmos.device.ops->state(&cmos.device, &size), &saved, sizeof(saved));
	ck_assert_uint_eq(port_read(1), 0xaa);
	ck_assert_uint_eq(get(HOURS), 0x07);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		power_on,
		binary,
		hours_in_every_form,
		calendar,
		uip_before_each_second,
		set_stops_the_clock,
		set_keeps_the_phase,
		raising_set_drops_uie,
		write_while_running,
		linux_sets_the_time,
		divider_may_be_let_go_first,
		linux_reads_the_time,
		dates_that_do_not_exist,
		any_byte_anywhere,
		alarm_and_ram_are_kept,
		status_c_and_d_cannot_be_written,
		index_port,
		word_access,
		reset_keeps_what_the_battery_keeps,
		state_is_all_there_is,
	};
	Suite *suite = suite_create("cmos");
	TCase *tcase = tcase_create("cmos");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
