/* SPDX-License-Identifier: MIT */
/* The bus keeps what devices/bus.h promises. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/bus.h"

/* A device that notes what reaches it; its read answers only its first byte. */
struct probe {
	struct device device;
	unsigned reads, writes, resets;
	uint64_t offset;
	uint32_t size;
	uint8_t written[8];
};

static void probe_read(struct device *device, uint64_t offset, uint32_t size, uint8_t *data)
{
	struct probe *p = (struct probe *)device;

	p->reads++;
	p->offset = offset;
	p->size = size;
	data[0] = 0x5a;
}

static void probe_write(struct device *device, uint64_t offset, uint32_t size, const uint8_t *data)
{
	struct probe *p = (struct probe *)device;

	p->writes++;
	p->offset = offset;
	p->size = size;
	memcpy(p->written, data, size);
}

static void probe_reset(struct device *device)
{
	((struct probe *)device)->resets++;
}

static const struct device_ops ops_a = {
	.name = "alpha", .read = probe_read, .write = probe_write, .reset = probe_reset
};
static const struct device_ops ops_b = { .name = "beta", .read = probe_read, .write = probe_write };

static struct bus bus;
static struct probe a, b;
static struct err e;

static void setup(void)
{
	a = (struct probe){ .device.ops = &ops_a };
	b = (struct probe){ .device.ops = &ops_b };
	e = (struct err){ 0 };
	bus_init(&bus, "port");
}

static uint32_t read_u32(uint64_t address, uint32_t size)
{
	uint8_t data[8] = { 0 };

	bus_read(&bus, address, size, data);
	return data[0] | data[1] << 8 | data[2] << 16 | (uint32_t)data[3] << 24;
}

START_TEST(nobody_gives_ones)
{
	uint8_t data[9];

	for (uint32_t size = 1; size <= 8; size *= 2) {
		memset(data, 0x11, sizeof(data));
		bus_read(&bus, 0x1234, size, data);
		for (uint32_t i = 0; i < size; i++)
			ck_assert_uint_eq(data[i], 0xff);
		ck_assert_uint_eq(data[size], 0x11);
		bus_write(&bus, 0x1234, size, data);
	}
	ck_assert_uint_eq(bus.read_misses, 4);
	ck_assert_uint_eq(bus.write_misses, 4);
}
END_TEST

START_TEST(unanswered_bytes_are_ones)
{
	ck_assert_int_eq(bus_attach(&bus, 0x60, 4, &a.device, &e), 0);
	ck_assert_uint_eq(read_u32(0x60, 4), 0xffffff5a);
}
END_TEST

START_TEST(device_sees_offsets)
{
	const uint8_t bytes[4] = { 1, 2, 3, 4 };

	ck_assert_int_eq(bus_attach(&bus, 0x3f8, 8, &a.device, &e), 0);
	read_u32(0x3fd, 1);
	ck_assert_uint_eq(a.offset, 5);
	ck_assert_uint_eq(a.size, 1);
	bus_write(&bus, 0x3fc, 4, bytes);
	ck_assert_uint_eq(a.offset, 4);
	ck_assert_uint_eq(a.size, 4);
	ck_assert_mem_eq(a.written, bytes, 4);
	ck_assert_uint_eq(bus.slot[0].reads, 1);
	ck_assert_uint_eq(bus.slot[0].writes, 1);
	ck_assert_uint_eq(bus.read_misses + bus.write_misses, 0);
}
END_TEST

START_TEST(edges_and_straddling)
{
	uint8_t data[8] = { 0 };

	ck_assert_int_eq(bus_attach(&bus, 0x70, 2, &a.device, &e), 0);
	ck_assert_int_eq(bus_attach(&bus, 0x72, 2, &b.device, &e), 0);
	read_u32(0x6f, 1); /* below */
	read_u32(0x6f, 2); /* from nobody into a */
	read_u32(0x71, 2); /* from a into b */
	read_u32(0x70, 4); /* over both */
	read_u32(0x73, 2); /* from b into nobody */
	read_u32(0x74, 1); /* above */
	bus_write(&bus, 0x71, 2, data);
	ck_assert_uint_eq(bus.read_misses, 6);
	ck_assert_uint_eq(bus.write_misses, 1);
	ck_assert_uint_eq(a.reads + b.reads + a.writes + b.writes, 0);

	read_u32(0x70, 2);
	read_u32(0x73, 1);
	ck_assert_uint_eq(a.reads, 1);
	ck_assert_uint_eq(b.reads, 1);
	ck_assert_uint_eq(b.offset, 1);
}
END_TEST

START_TEST(odd_sizes_miss)
{
	uint8_t data[8];
	static const uint32_t sizes[] = { 0, 3, 5, 6, 7 };

	ck_assert_int_eq(bus_attach(&bus, 0, 64, &a.device, &e), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bus_read(&bus, 0, sizes[i], data);
		bus_write(&bus, 0, sizes[i], data);
	}
	ck_assert_uint_eq(bus.read_misses, 5);
	ck_assert_uint_eq(bus.write_misses, 5);
	ck_assert_uint_eq(a.reads + a.writes, 0);
}
END_TEST

START_TEST(overlap_is_refused)
{
	/* Every way in which [base, base + length) can touch [0x60, 0x64). */
	static const uint64_t ranges[][2] = {
		{ 0x60, 4 }, { 0x5f, 2 },     { 0x63, 1 }, { 0x63, 9 },
		{ 0x61, 2 }, { 0x50, 0x100 }, { 0x60, 1 },
	};

	ck_assert_int_eq(bus_attach(&bus, 0x60, 4, &a.device, &e), 0);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		e = (struct err){ 0 };
		ck_assert_int_eq(bus_attach(&bus, ranges[i][0], ranges[i][1], &b.device, &e),
				 -EEXIST);
		ck_assert_int_eq(e.code, EEXIST);
		ck_assert_ptr_nonnull(strstr(e.text, "alpha"));
		ck_assert_ptr_nonnull(strstr(e.text, "beta"));
		ck_assert_ptr_nonnull(strstr(e.text, "0x60-0x63"));
		ck_assert_uint_eq(bus.slots, 1);
	}
	ck_assert_int_eq(bus_attach(&bus, 0x5e, 2, &b.device, &e), 0);
	ck_assert_int_eq(bus_attach(&bus, 0x64, 1, &b.device, &e), 0);
}
END_TEST

START_TEST(bad_ranges_are_refused)
{
	ck_assert_int_eq(bus_attach(&bus, 0x60, 0, &a.device, &e), -EINVAL);
	ck_assert_int_eq(e.code, EINVAL);
	ck_assert_int_eq(bus_attach(&bus, UINT64_MAX, 2, &a.device, &e), -EINVAL);
	ck_assert_int_eq(bus_attach(&bus, 2, UINT64_MAX, &a.device, &e), -EINVAL);
	ck_assert_uint_eq(bus.slots, 0);
}
END_TEST

START_TEST(top_of_the_address_space)
{
	ck_assert_int_eq(bus_attach(&bus, UINT64_MAX - 3, 4, &a.device, &e), 0);
	ck_assert_int_eq(bus_attach(&bus, 0, 4, &b.device, &e), 0);
	read_u32(UINT64_MAX, 1);
	ck_assert_uint_eq(a.offset, 3);
	read_u32(UINT64_MAX, 2); /* wraps: nobody's */
	ck_assert_uint_eq(bus.read_misses, 1);
	ck_assert_uint_eq(b.reads, 0);
}
END_TEST

/* Attached in a scrambled order, every address finds its own device, and the slots are sorted. */
START_TEST(order_does_not_matter)
{
	struct probe many[BUS_SLOTS];

	for (unsigned i = 0; i < BUS_SLOTS; i++) {
		unsigned k = i * 13 % BUS_SLOTS; /* 13 and 32 have no common factor */

		many[k] = (struct probe){ .device.ops = &ops_a };
		ck_assert_int_eq(bus_attach(&bus, 0x100 * k, 8, &many[k].device, &e), 0);
	}
	for (unsigned k = 0; k < BUS_SLOTS; k++) {
		ck_assert_uint_eq(bus.slot[k].base, 0x100 * k);
		for (unsigned i = 0; i < 9; i++)
			read_u32(0x100 * k + i, 1);
		ck_assert_uint_eq(many[k].reads, 8);
		ck_assert_uint_eq(many[k].offset, 7);
	}
	ck_assert_uint_eq(bus.read_misses, BUS_SLOTS);
}
END_TEST

START_TEST(full_bus_is_told)
{
	for (unsigned i = 0; i < BUS_SLOTS; i++)
		ck_assert_int_eq(bus_attach(&bus, i, 1, &a.device, &e), 0);
	ck_assert_int_eq(bus_attach(&bus, BUS_SLOTS, 1, &b.device, &e), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(e.text, "beta"));
	ck_assert_uint_eq(bus.slots, BUS_SLOTS);
}
END_TEST

START_TEST(reset_reaches_those_that_have_one)
{
	ck_assert_int_eq(bus_attach(&bus, 0, 1, &a.device, &e), 0);
	ck_assert_int_eq(bus_attach(&bus, 1, 1, &b.device, &e), 0);
	bus_reset(&bus);
	ck_assert_uint_eq(a.resets, 1);
	ck_assert_uint_eq(b.resets, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nobody_gives_ones,
		unanswered_bytes_are_ones,
		device_sees_offsets,
		edges_and_straddling,
		odd_sizes_miss,
		overlap_is_refused,
		bad_ranges_are_refused,
		top_of_the_address_space,
		order_does_not_matter,
		full_bus_is_told,
		reset_reaches_those_that_have_one,
	};
	Suite *suite = suite_create("bus");
	TCase *tcase = tcase_create("bus");
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
