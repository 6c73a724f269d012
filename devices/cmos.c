/* SPDX-License-Identifier: MIT */
/*
 * The MC146818 clock: what is behind the index is in cmos.h.
 *
 * Authority: [146818] "Address Map", "Time, Calendar, and Alarm Locations", "Update Cycle",
 * "Registers"; the century at 32 is [PC/AT] custom.
 *
 * Departures from the chip:
 *   - No interrupts. Alarm bytes and the enable bits of status B are kept and nothing comes of
 *     them; status C always reads 0.
 *   - An update takes no time. The update-in-progress bit (UIP) warns of it 244 us before, as the
 *     chip's does, and is clear again at the moment of the change.
 *   - A date that does not exist is carried on to the one that does (February 30th, hour 27); the
 *     chip would count on from the nonsense. The weekday follows from the date, whatever was
 *     written. Daylight saving (status B bit 0) is kept and ignored.
 *   - Changing BCD/binary or 12/24 hours shows the running clock in the new form at once; on the
 *     chip all bytes have to be written anew.
 *
 * An access of 2 bytes is two of one byte: index, then data.
 */
#include "devices/cmos.h"

#include <string.h>

#include "vmm/base/must.h"

enum {
	SECONDS = 0x00,
	MINUTES = 0x02,
	HOURS = 0x04,
	WEEKDAY = 0x06,
	DAY = 0x07,
	MONTH = 0x08,
	YEAR = 0x09,
	STATUS_A = 0x0a,
	STATUS_B = 0x0b,
	STATUS_C = 0x0c,
	STATUS_D = 0x0d,
	CENTURY = 0x32,

	A_UIP = 0x80,           /* an update is near */
	A_DIVIDER_RESET = 0x60, /* both bits: the divider chain is held */
	A_POWER_ON = 0x26,      /* 32768 Hz crystal, 1024 Hz periodic rate */

	B_SET = 0x80, /* date and time stand still, to be written */
	B_INTERRUPTS = 0x70,
	B_UPDATE_INTERRUPT = 0x10,
	B_SQUARE_WAVE = 0x08,
	B_BINARY = 0x04,
	B_24_HOURS = 0x02,
	B_POWER_ON = B_24_HOURS,

	D_VALID = 0x80, /* the battery is good */

	HOURS_PM = 0x80,
	INDEX_BITS = 0x7f,
};

static const int64_t NS_PER_S = 1000000000;
static const int64_t UIP_NS = 244000;
static const int64_t S_PER_DAY = 86400;

struct instant {
	int64_t s;  /* since 1970-01-01 00:00 */
	int64_t ns; /* 0..999999999 */
};

struct date {
	int64_t year;
	int64_t month; /* 1-12 */
	int64_t day;   /* 1-31 */
};

static struct cmos *cmos_of(struct device *device)
{
	return (struct cmos *)device;
}

/* The calendar (proleptic Gregorian). */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t floor_mod(int64_t a, int64_t b)
{
	return a - floor_div(a, b) * b;
}

static int64_t leap_days_before(int64_t year)
{
	int64_t past = year - 1;

	return floor_div(past, 4) - floor_div(past, 100) + floor_div(past, 400);
}

/* Days from 1970-01-01 to the first day of year. */
static int64_t days_to_year(int64_t year)
{
	return (year - 1970) * 365 + leap_days_before(year) - leap_days_before(1970);
}

static int64_t days_in_month(int64_t year, int64_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap_year = days_to_year(year + 1) - days_to_year(year) == 366;

	return days[month - 1] + (month == 2 && leap_year);
}

/* Starts from a year that is surely not too late; dates near today are within a year of it. */
static struct date date_of(int64_t days)
{
	struct date date = { .year = 1970 + floor_div(days, days < 0 ? 365 : 366), .month = 1 };

	while (days_to_year(date.year + 1) <= days)
		date.year++;
	days -= days_to_year(date.year);
	while (days >= days_in_month(date.year, date.month))
		days -= days_in_month(date.year, date.month++);
	date.day = days + 1;
	return date;
}

/* Any month and day: what is too much or too little is carried. */
static int64_t days_to(struct date date)
{
	int64_t year = date.year + floor_div(date.month - 1, 12);
	int64_t months = floor_mod(date.month - 1, 12);
	int64_t days = days_to_year(year) + date.day - 1;

	for (int64_t month = 1; month <= months; month++)
		days += days_in_month(year, month);
	return days;
}

/* Time in the registers' form. */

static bool is_clock_byte(uint8_t index)
{
	return index == SECONDS || index == MINUTES || index == HOURS ||
	       (index >= WEEKDAY && index <= YEAR) || index == CENTURY;
}

/* value is 0..99. */
static uint8_t encode(const struct cmos_state *s, int64_t value)
{
	if (s->byte[STATUS_B] & B_BINARY)
		return (uint8_t)value;
	return (uint8_t)(value / 10 << 4 | value % 10);
}

static int64_t decode(const struct cmos_state *s, uint8_t byte)
{
	if (s->byte[STATUS_B] & B_BINARY)
		return byte;
	return (byte >> 4) * 10 + (byte & 0x0f);
}

/* 24 hours are 0-23; 12 hours are 12, 1-11 with the top bit set after noon. */
static uint8_t encode_hours(const struct cmos_state *s, int64_t hour)
{
	if (s->byte[STATUS_B] & B_24_HOURS)
		return encode(s, hour);
	return encode(s, (hour + 11) % 12 + 1) | (hour >= 12 ? HOURS_PM : 0);
}

static int64_t decode_hours(const struct cmos_state *s, uint8_t byte)
{
	if (s->byte[STATUS_B] & B_24_HOURS)
		return decode(s, byte);
	return decode(s, byte & (uint8_t)~HOURS_PM) % 12 + (byte & HOURS_PM ? 12 : 0);
}

/* One byte of the date and time that second is. */
static uint8_t clock_byte(const struct cmos_state *s, uint8_t index, int64_t second)
{
	int64_t days = floor_div(second, S_PER_DAY);
	int64_t of_day = floor_mod(second, S_PER_DAY);

	switch (index) {
	case SECONDS:
		return encode(s, of_day % 60);
	case MINUTES:
		return encode(s, of_day / 60 % 60);
	case HOURS:
		return encode_hours(s, of_day / 3600);
	case WEEKDAY: /* day 0 was a Thursday */
		return encode(s, floor_mod(days + 4, 7) + 1);
	case DAY:
		return encode(s, date_of(days).day);
	case MONTH:
		return encode(s, date_of(days).month);
	case YEAR:
		return encode(s, floor_mod(date_of(days).year, 100));
	default: /* CENTURY */
		return encode(s, floor_mod(floor_div(date_of(days).year, 100), 100));
	}
}

/* The second that the stored bytes tell. */
static int64_t stored_second(const struct cmos_state *s)
{
	const struct date date = {
		.year = decode(s, s->byte[CENTURY]) * 100 + decode(s, s->byte[YEAR]),
		.month = decode(s, s->byte[MONTH]),
		.day = decode(s, s->byte[DAY]),
	};

	return days_to(date) * S_PER_DAY + decode_hours(s, s->byte[HOURS]) * 3600 +
	       decode(s, s->byte[MINUTES]) * 60 + decode(s, s->byte[SECONDS]);
}

/* The clock. */

static bool divider_held(const struct cmos_state *s)
{
	return (s->byte[STATUS_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
}

static bool stands_still(const struct cmos_state *s)
{
	return (s->byte[STATUS_B] & B_SET) || divider_held(s);
}

/* What the clock would show if it ran. */
static struct instant guest_now(const struct cmos *cmos)
{
	int64_t host_ns = cmos->clock.unix_ns(cmos->clock.ctx);
	int64_t ns = floor_mod(host_ns, NS_PER_S) + cmos->state.phase_ns;

	return (struct instant){
		.s = floor_div(host_ns, NS_PER_S) + ns / NS_PER_S + cmos->state.offset_s,
		.ns = ns % NS_PER_S,
	};
}

static void store_second(struct cmos_state *s, int64_t second)
{
	for (uint8_t i = 0; i < CMOS_BYTES; i++) {
		if (is_clock_byte(i))
			s->byte[i] = clock_byte(s, i, second);
	}
}

/* Runs on from the stored date and time, without moving the moment at which seconds change. */
static void run_from_stored(struct cmos *cmos)
{
	cmos->state.offset_s += stored_second(&cmos->state) - guest_now(cmos).s;
}

/* A divider chain that is let go makes its first update half a second later. */
static void start_divider(struct cmos *cmos)
{
	int64_t late = NS_PER_S / 2 - guest_now(cmos).ns;

	cmos->state.phase_ns = floor_mod(cmos->state.phase_ns + late, NS_PER_S);
}

/* index is STATUS_A or STATUS_B: the two that stop and start the clock. */
static void write_status(struct cmos *cmos, uint8_t index, uint8_t value)
{
	struct cmos_state *s = &cmos->state;
	bool was_still = stands_still(s), was_held = divider_held(s);

	if (!was_still)
		store_second(s, guest_now(cmos).s);
	s->byte[index] = value;
	if (was_held && !divider_held(s))
		start_divider(cmos);
	if (was_still && !stands_still(s))
		run_from_stored(cmos);
}

static uint8_t read_status_a(const struct cmos *cmos)
{
	const struct cmos_state *s = &cmos->state;
	bool soon = !stands_still(s) && guest_now(cmos).ns >= NS_PER_S - UIP_NS;

	return s->byte[STATUS_A] | (soon ? A_UIP : 0);
}

/* Raising SET also turns the update-ended interrupt off. */
static void write_status_b(struct cmos *cmos, uint8_t value)
{
	if (value & ~cmos->state.byte[STATUS_B] & B_SET)
		value &= (uint8_t)~B_UPDATE_INTERRUPT;
	write_status(cmos, STATUS_B, value);
}

static void write_clock_byte(struct cmos *cmos, uint8_t index, uint8_t value)
{
	struct cmos_state *s = &cmos->state;

	if (stands_still(s)) {
		s->byte[index] = value;
		return;
	}
	store_second(s, guest_now(cmos).s);
	s->byte[index] = value;
	run_from_stored(cmos);
}

static uint8_t read_byte(const struct cmos *cmos, uint8_t index)
{
	const struct cmos_state *s = &cmos->state;

	if (is_clock_byte(index) && !stands_still(s))
		return clock_byte(s, index, guest_now(cmos).s);
	if (index == STATUS_A)
		return read_status_a(cmos);
	return s->byte[index];
}

static void write_byte(struct cmos *cmos, uint8_t index, uint8_t value)
{
	if (is_clock_byte(index))
		write_clock_byte(cmos, index, value);
	else if (index == STATUS_A)
		write_status(cmos, STATUS_A, value & (uint8_t)~A_UIP);
	else if (index == STATUS_B)
		write_status_b(cmos, value);
	else if (index != STATUS_C && index != STATUS_D)
		cmos->state.byte[index] = value;
}

static void cmos_read(struct device *device, uint64_t offset, uint32_t size, uint8_t *data)
{
	struct cmos *cmos = cmos_of(device);

	for (uint32_t i = 0; i < size; i++) {
		if (offset + i == 1)
			data[i] = read_byte(cmos, cmos->state.index & INDEX_BITS);
	}
}

static void cmos_write(struct device *device, uint64_t offset, uint32_t size, const uint8_t *data)
{
	struct cmos *cmos = cmos_of(device);

	for (uint32_t i = 0; i < size; i++) {
		if (offset + i == 0)
			cmos->state.index = data[i];
		else
			write_byte(cmos, cmos->state.index & INDEX_BITS, data[i]);
	}
}

/* The battery keeps everything but the interrupt enables and the square wave. */
static void cmos_reset(struct device *device)
{
	struct cmos_state *s = &cmos_of(device)->state;

	s->index = 0;
	s->byte[STATUS_B] &= (uint8_t) ~(B_INTERRUPTS | B_SQUARE_WAVE);
}

static void *cmos_state(struct device *device, size_t *size_bytes)
{
	*size_bytes = sizeof(struct cmos_state);
	return &cmos_of(device)->state;
}

static const struct device_ops cmos_ops = {
	.name = "cmos",
	.read = cmos_read,
	.write = cmos_write,
	.reset = cmos_reset,
	.state = cmos_state,
};

void cmos_init(struct cmos *cmos, struct wall_clock clock)
{
	must(clock.unix_ns);
	memset(cmos, 0, sizeof(*cmos));
	cmos->device.ops = &cmos_ops;
	cmos->clock = clock;
	cmos->state.byte[STATUS_A] = A_POWER_ON;
	cmos->state.byte[STATUS_B] = B_POWER_ON;
	cmos->state.byte[STATUS_D] = D_VALID;
}
