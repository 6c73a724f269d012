/* SPDX-License-Identifier: MIT */
/* The small ports that end a run or reset it: PCI's (pciconf), 92 (port92), debugexit. */
#include <check.h>
#include <stdlib.h>

#include "devices/bus.h"
#include "devices/debugexit.h"
#include "devices/pciconf.h"
#include "devices/port92.h"

enum {
	SPEC_ADDRESS = 0xcf8,
	SPEC_RESET_CONTROL = 0xcf9,
	SPEC_MECHANISM = 0xcfb,
	SPEC_CONFIG_DATA = 0xcfc,
	SPEC_PORT_A = 0x92,
	SPEC_A20 = 0x02,
	EXIT_PORT = 0xf4,
	EXIT_SIZE = 4,
};

static struct bus bus;
static struct pciconf pciconf;
static struct port92 port92;
static struct debugexit debugexit;
static unsigned pulses, exits;
static uint32_t exit_value;
static bool level;

static void on_reset(void *ctx, bool now)
{
	ck_assert_ptr_eq(ctx, &pulses);
	if (level && !now)
		pulses++;
	level = now;
}

static void on_exit_value(void *ctx, uint32_t value)
{
	ck_assert_ptr_eq(ctx, &exits);
	exit_value = value;
	exits++;
}

static void setup(void)
{
	const struct line reset = { .set = on_reset, .ctx = &pulses };
	const struct exit_wire wire = { .exit = on_exit_value, .ctx = &exits };
	struct err e;

	pulses = exits = 0;
	exit_value = 0;
	level = false;
	pciconf_init(&pciconf, reset);
	port92_init(&port92, reset);
	debugexit_init(&debugexit, wire);
	bus_init(&bus, "port");
	ck_assert_int_eq(bus_attach(&bus, SPEC_ADDRESS, PCICONF_PORTS, &pciconf.device, &e), 0);
	ck_assert_int_eq(bus_attach(&bus, SPEC_PORT_A, PORT92_PORTS, &port92.device, &e), 0);
	ck_assert_int_eq(bus_attach(&bus, EXIT_PORT, EXIT_SIZE, &debugexit.device, &e), 0);
}

static uint32_t in(uint64_t port, uint32_t size)
{
	uint8_t data[4] = { 0 };

	bus_read(&bus, port, size, data);
	return data[0] | data[1] << 8 | data[2] << 16 | (uint32_t)data[3] << 24;
}

static void out(uint64_t port, uint32_t size, uint32_t value)
{
	const uint8_t data[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
				  (uint8_t)(value >> 24) };

	bus_write(&bus, port, size, data);
}

/* pci_check_type1() and pci_check_type2(): neither mechanism is there. */
START_TEST(linux_finds_no_pci)
{
	uint32_t was;

	out(SPEC_MECHANISM, 1, 0x01);
	was = in(SPEC_ADDRESS, 4);
	out(SPEC_ADDRESS, 4, 0x80000000);
	ck_assert_uint_ne(in(SPEC_ADDRESS, 4), 0x80000000);
	out(SPEC_ADDRESS, 4, was);

	out(SPEC_MECHANISM, 1, 0);
	out(SPEC_ADDRESS, 1, 0);
	out(0xcfa, 1, 0);
	ck_assert_uint_ne(in(SPEC_ADDRESS, 1), 0);
	ck_assert_uint_ne(in(0xcfa, 1), 0);
	ck_assert_uint_eq(pulses, 0);
}
END_TEST

/* Ones from everywhere, whatever was written, but for a byte from cf9. */
START_TEST(reads_ones)
{
	for (uint32_t size = 1; size <= 4; size *= 2) {
		uint32_t ones = size == 4 ? 0xffffffff : (1u << 8 * size) - 1;

		for (uint64_t port = SPEC_ADDRESS; port + size <= SPEC_ADDRESS + 8; port++) {
			out(port, size, 0);
			if (port != SPEC_RESET_CONTROL || size != 1)
				ck_assert_uint_eq(in(port, size), ones);
		}
	}
}
END_TEST

START_TEST(reset_control_by_byte_only)
{
	for (uint32_t size = 1; size <= 4; size *= 2) {
		for (uint64_t port = SPEC_ADDRESS; port + size <= SPEC_ADDRESS + 8; port++) {
			pulses = 0;
			out(port, size, 0xffffffff);
			ck_assert_uint_eq(pulses, port == SPEC_RESET_CONTROL && size == 1);
		}
	}
}
END_TEST

START_TEST(reset_control_register)
{
	ck_assert_uint_eq(in(SPEC_RESET_CONTROL, 1), 0);
	for (unsigned v = 0; v < 256; v++) {
		pulses = 0;
		out(SPEC_RESET_CONTROL, 1, v);
		ck_assert_uint_eq(pulses, (v & 0x04) != 0);
		ck_assert_uint_eq(in(SPEC_RESET_CONTROL, 1), v & 0x0a);
	}
	pciconf.device.ops->reset(&pciconf.device);
	ck_assert_uint_eq(in(SPEC_RESET_CONTROL, 1), 0);
}
END_TEST

/* reboot=pci: what kind of reset first, then the reset. */
START_TEST(linux_restarts_by_cf9)
{
	uint32_t cf9 = in(SPEC_RESET_CONTROL, 1) & ~0x0eu;

	out(SPEC_RESET_CONTROL, 1, cf9 | 2);
	ck_assert_uint_eq(pulses, 0);
	ck_assert_uint_eq(in(SPEC_RESET_CONTROL, 1), 2);
	out(SPEC_RESET_CONTROL, 1, cf9 | 0x0e);
	ck_assert_uint_eq(pulses, 1);
	ck_assert(!level);
}
END_TEST

START_TEST(pciconf_state_is_all_there_is)
{
	size_t size = 0;
	const uint8_t *state = pciconf.device.ops->state(&pciconf.device, &size);

	out(SPEC_RESET_CONTROL, 1, 0x08);
	ck_assert_uint_eq(size, sizeof(struct pciconf_state));
	ck_assert_uint_eq(state[0], 0x08);
}
END_TEST

START_TEST(port_92)
{
	for (unsigned v = 0; v < 256; v++) {
		pulses = 0;
		out(SPEC_PORT_A, 1, v);
		ck_assert_uint_eq(pulses, v & 1);
		ck_assert(!level);
		ck_assert_uint_eq(in(SPEC_PORT_A, 1), SPEC_A20);
	}
}
END_TEST

START_TEST(debug_exit_values)
{
	out(EXIT_PORT, 1, 0x12);
	ck_assert_uint_eq(exit_value, 0x12);
	out(EXIT_PORT, 2, 0x1234);
	ck_assert_uint_eq(exit_value, 0x1234);
	out(EXIT_PORT, 4, 0x89abcdef);
	ck_assert_uint_eq(exit_value, 0x89abcdef);
	out(EXIT_PORT + 3, 1, 0x7f);
	ck_assert_uint_eq(exit_value, 0x7f);
	ck_assert_uint_eq(exits, 4);
	out(EXIT_PORT + 3, 2, 0);
	out(EXIT_PORT + EXIT_SIZE, 1, 0);
	ck_assert_uint_eq(exits, 4);
	ck_assert_uint_eq(bus.write_misses, 2);
	ck_assert_uint_eq(in(EXIT_PORT, 4), 0xffffffff);
	ck_assert_uint_eq(exits, 4);
}
END_TEST

/* QEMU: exit((v << 1) | 1), of which the parent sees eight bits. */
START_TEST(debug_exit_status)
{
	ck_assert_uint_eq(debugexit_status(0), 1);
	ck_assert_uint_eq(debugexit_status(0x10), 33);
	ck_assert_uint_eq(debugexit_status(0x7f), 255);
	ck_assert_uint_eq(debugexit_status(0x80), 1);
	ck_assert_uint_eq(debugexit_status(0xffffffff), 255);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		linux_finds_no_pci,
		reads_ones,
		reset_control_by_byte_only,
		reset_control_register,
		linux_restarts_by_cf9,
		pciconf_state_is_all_there_is,
		port_92,
		debug_exit_values,
		debug_exit_status,
	};
	Suite *suite = suite_create("pciconf");
	TCase *tcase = tcase_create("pciconf");
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
