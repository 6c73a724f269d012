/* SPDX-License-Identifier: MIT */
/*
 * The board: what answers at which port, what its wires lead to, and input for the serial line
 * that waits outside until the guest's FIFO takes it, so that nothing typed is ever lost.
 *
 * Ports and registers: [PC/AT] for 60, 64, 70, 3f8; [ICH] for 92, cf9; [16550] "Registers";
 * [ACPI] "PM1 Control Grouping". 600 and 604 are where QEMU has PM1.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/machine.h"

enum {
	SPEC_COM1 = 0x3f8,
	SPEC_THR = 0,
	SPEC_RBR = 0,
	SPEC_IER = 1,
	SPEC_FCR = 2,
	SPEC_MCR = 4,
	SPEC_LSR = 5,
	SPEC_IER_RECEIVED = 0x01,
	SPEC_FCR_ENABLE = 0x01,
	SPEC_MCR_DTR_RTS_OUT2 = 0x0b,
	SPEC_LSR_DATA_READY = 0x01,
	SPEC_LSR_OVERRUN = 0x02,
	SPEC_LSR_FRAMING = 0x08,
	SPEC_LSR_BREAK = 0x10,

	STREAM_BYTES = 10000,
};

static const struct debugexit_config NO_DEBUG_EXIT = { 0, 0 };

static struct machine machine;
static struct control control;
static struct marks marks;
static struct err e;
static uint8_t sent[64];
static size_t sent_count;

static void keep_sent(void *ctx, const uint8_t *bytes, size_t count)
{
	(void)ctx;
	for (size_t i = 0; i < count && sent_count < sizeof(sent); i++)
		sent[sent_count++] = bytes[i];
}

static int make(const struct debugexit_config *debugexit)
{
	memset(&machine, 0xa5, sizeof(machine)); /* nothing may be taken from before */
	return machine_init(&machine, NULL, &control, (struct byte_sink){ keep_sent, NULL },
			    debugexit, &e);
}

static void setup(void)
{
	sent_count = 0;
	marks = (struct marks){ 0 };
	ck_assert_int_eq(control_init(&control, &marks, &e), 0);
	ck_assert_int_eq(make(&NO_DEBUG_EXIT), 0);
}

static void teardown(void)
{
	machine_finish(&machine);
	control_finish(&control);
}

static void out(unsigned int port, uint8_t value)
{
	bus_write(&machine.ports, port, 1, &value);
}

static uint8_t in(unsigned int port)
{
	uint8_t value;

	bus_read(&machine.ports, port, 1, &value);
	return value;
}

static void enable_fifo(void)
{
	out(SPEC_COM1 + SPEC_FCR, SPEC_FCR_ENABLE);
}

/* As a driver does last, when it has thrown away what it found. */
static void listen(void)
{
	out(SPEC_COM1 + SPEC_MCR, SPEC_MCR_DTR_RTS_OUT2);
	out(SPEC_COM1 + SPEC_IER, SPEC_IER_RECEIVED);
}

static bool woken(void)
{
	struct pollfd p = { .fd = control.wake_fd, .events = POLLIN };
	bool is = poll(&p, 1, 0) == 1;

	control_clear_wake(&control);
	return is;
}

/* The port map. */

START_TEST(open_bus_everywhere_else)
{
	for (unsigned int port = 0; port <= 0xffff; port++) {
		bool there = port == 0x60 || port == 0x64 || port == 0x70 || port == 0x71 ||
			     port == 0x92 || (port >= 0x3f8 && port <= 0x3ff) ||
			     (port >= 0x600 && port <= 0x605) || (port >= 0xcf8 && port <= 0xcff);
		uint64_t misses = machine.ports.read_misses;
		uint8_t value = in(port);

		ck_assert_msg((machine.ports.read_misses == misses) == there, "port %#x", port);
		if (!there)
			ck_assert_uint_eq(value, 0xff);
	}
	ck_assert(!control_stopped(&control));
}
END_TEST

START_TEST(nothing_in_memory)
{
	uint8_t bytes[8];

	memset(bytes, 0, sizeof(bytes));
	bus_read(&machine.mmio, 0xd0000000, 8, bytes);
	for (size_t i = 0; i < sizeof(bytes); i++)
		ck_assert_uint_eq(bytes[i], 0xff);
}
END_TEST

START_TEST(uart_sends_to_the_console)
{
	out(SPEC_COM1 + SPEC_THR, 'o');
	out(SPEC_COM1 + SPEC_THR, 'k');
	ck_assert_uint_eq(sent_count, 2);
	ck_assert_int_eq(memcmp(sent, "ok", 2), 0);
}
END_TEST

START_TEST(ways_to_reset)
{
	static const struct {
		unsigned int port;
		uint8_t value;
		enum ending_kind kind;
	} spec[] = {
		{ 0x64, 0xfe, ENDING_RESET_I8042 },     { 0xcf9, 0x06, ENDING_RESET_PORT_CF9 },
		{ 0xcf9, 0x0e, ENDING_RESET_PORT_CF9 }, { 0x92, 0x01, ENDING_RESET_PORT_92 },
		{ 0x92, 0x03, ENDING_RESET_PORT_92 },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		teardown();
		setup();
		out(spec[i].port, spec[i].value);
		ck_assert(control_stopped(&control));
		ck_assert_int_eq(control.ending.kind, spec[i].kind);
	}
}
END_TEST

static void out_word(unsigned int port, uint16_t value)
{
	const uint8_t bytes[2] = { (uint8_t)value, (uint8_t)(value >> 8) };

	bus_write(&machine.ports, port, 2, bytes);
}

/* SLP_EN with type 0: what small kernels write on QEMU without having read a table. */
START_TEST(power_off)
{
	out_word(0x604, 0x2000);
	ck_assert(control_stopped(&control));
	ck_assert_int_eq(control.ending.kind, ENDING_POWERED_OFF_ACPI);
}
END_TEST

START_TEST(other_sleeps_do_not_happen)
{
	for (unsigned int type = 1; type < 8; type++)
		out_word(0x604, (uint16_t)(0x2000 | type << 10));
	out_word(0x604, 0x0000);
	ck_assert(!control_stopped(&control));
}
END_TEST

START_TEST(board_for_so_many_cpus)
{
	for (unsigned int cpus = 1; cpus <= BOARD_CPUS_MAX; cpus++) {
		struct board board;

		memset(&board, 0xa5, sizeof(board));
		machine_board(cpus, &board);
		ck_assert_uint_eq(board.cpus, cpus);
		ck_assert_uint_ge(board.io_apic_id, cpus); /* the CPUs have 0 to cpus - 1 */
		ck_assert_uint_eq(board.local_apic_gpa, 0xfee00000);
		ck_assert_uint_eq(board.io_apic_gpa, 0xfec00000);
		ck_assert_uint_eq(board.local_apic_version, 0x14); /* what KVM's say */
		ck_assert_uint_eq(board.io_apic_version, 0x11);
		ck_assert_uint_eq(board.com1_port, 0x3f8);
		ck_assert_uint_eq(board.com1_irq, 4);
		ck_assert_uint_eq(board.sci_irq, 9);
		ck_assert_uint_eq(board.cmos_century, 0x32);
	}
}
END_TEST

START_TEST(no_board_without_cpus)
{
	struct board board;

	machine_board(0, &board);
}
END_TEST

START_TEST(no_board_for_too_many_cpus)
{
	struct board board;

	machine_board(BOARD_CPUS_MAX + 1, &board);
}
END_TEST

/* What the tables will tell is what the ports do. */
START_TEST(board_keeps_its_word)
{
	struct board board;

	machine_board(1, &board);
	ck_assert_uint_eq(in(board.pm1_event_port + 3U), 0);
	ck_assert_uint_eq(in(board.pm1_control_port), 1); /* SCI_EN */
	ck_assert_uint_eq(machine.ports.read_misses, 0);
	out_word(board.pm1_control_port, (uint16_t)(0x2000 | board.sleep_type_s5 << 10));
	ck_assert_int_eq(control.ending.kind, ENDING_POWERED_OFF_ACPI);
	teardown();
	setup();
	out(board.reset_port, board.reset_value);
	ck_assert_int_eq(control.ending.kind, ENDING_RESET_PORT_CF9);
	out(0x70, board.cmos_century);
	ck_assert_uint_eq(in(0x71), 0x20); /* until 2099 */
}
END_TEST

START_TEST(no_reset_without_being_asked)
{
	out(0x64, 0xff);
	out(0x64, 0xd1);
	out(0x60, 0xfe);
	out(0xcf9, 0x02);
	out(0xcf9, 0x00);
	out(0x92, 0x02);
	ck_assert(!control_stopped(&control));
}
END_TEST

START_TEST(debug_exit)
{
	const struct debugexit_config at_f4 = { 0xf4, 4 };
	const uint8_t two[2] = { 0x10, 0 };

	out(0xf4, 0x10);
	ck_assert(!control_stopped(&control)); /* only when asked for */
	machine_finish(&machine);
	ck_assert_int_eq(make(&at_f4), 0);
	ck_assert_uint_eq(in(0xf4), 0xff);
	bus_write(&machine.ports, 0xf4, 2, two);
	ck_assert_int_eq(control.ending.kind, ENDING_DEBUG_EXIT);
	ck_assert_uint_eq(control.ending.detail, (0x10 << 1) | 1);
}
END_TEST

START_TEST(debug_exit_where_something_is)
{
	const struct debugexit_config on_com1 = { 0x3f6, 4 };

	machine_finish(&machine);
	ck_assert_int_eq(make(&on_com1), -EEXIST);
	ck_assert_ptr_nonnull(strstr(e.text, "isa-debug-exit"));
	ck_assert_ptr_nonnull(strstr(e.text, "uart16550"));
}
END_TEST

START_TEST(debug_exit_on_pm1)
{
	static const struct debugexit_config on[] = { { 0x600, 1 }, { 0x5ff, 2 }, { 0x605, 1 } };

	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		machine_finish(&machine);
		ck_assert_int_eq(make(&on[i]), -EEXIST);
		ck_assert_ptr_nonnull(strstr(e.text, "isa-debug-exit"));
		ck_assert_ptr_nonnull(strstr(e.text, "acpi-pm1"));
	}
}
END_TEST

/* Input. */

static uint8_t nth(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static void type_some(size_t *typed, size_t total)
{
	uint8_t bytes[300];
	size_t room = machine_input_room(&machine);
	size_t n = room < sizeof(bytes) ? room : sizeof(bytes);

	n = n < total - *typed ? n : total - *typed;
	for (size_t i = 0; i < n; i++)
		bytes[i] = nth(*typed + i);
	machine_input(&machine, bytes, n);
	*typed += n;
}

/* Reads up to limit bytes as an interrupt handler does; each must be the next one. */
static size_t driver_reads(size_t at, size_t limit)
{
	while (limit--) {
		uint8_t lsr = in(SPEC_COM1 + SPEC_LSR);

		ck_assert_uint_eq(lsr & SPEC_LSR_OVERRUN, 0);
		if (!(lsr & SPEC_LSR_DATA_READY))
			break;
		ck_assert_uint_eq(in(SPEC_COM1 + SPEC_RBR), nth(at));
		at++;
	}
	return at;
}

static void pass_a_stream(size_t reads_at_a_time)
{
	size_t typed = 0, read = 0;

	listen();
	while (read < STREAM_BYTES) {
		size_t before = read;

		type_some(&typed, STREAM_BYTES);
		read = driver_reads(read, reads_at_a_time);
		ck_assert_uint_gt(read, before);
	}
	ck_assert_uint_eq(in(SPEC_COM1 + SPEC_LSR) & SPEC_LSR_DATA_READY, 0);
	ck_assert_uint_eq(machine_input_room(&machine), MACHINE_INPUT_BYTES);
}

START_TEST(a_stream_paced_by_the_fifo)
{
	enable_fifo();
	pass_a_stream(16);
	pass_a_stream(3);
}
END_TEST

START_TEST(a_stream_without_fifos)
{
	pass_a_stream(1);
	pass_a_stream(5);
}
END_TEST

/* All that fits is taken before the guest listens at all, and is there when it does. */
START_TEST(typed_before_the_guest_is_ready)
{
	size_t typed = 0;

	while (machine_input_room(&machine))
		type_some(&typed, SIZE_MAX);
	ck_assert_uint_ge(typed, MACHINE_INPUT_BYTES);
	enable_fifo();
	out(SPEC_COM1 + SPEC_FCR, 0x07); /* the driver clears its FIFOs ... */
	(void)in(SPEC_COM1 + SPEC_LSR);
	(void)in(SPEC_COM1 + SPEC_RBR); /* ... and reads what it does not want */
	listen();
	ck_assert_uint_eq(driver_reads(0, SIZE_MAX), typed);
}
END_TEST

/* More than there is room for is not taken; what was there is not harmed. */
START_TEST(too_much_at_once)
{
	static uint8_t bytes[2 * MACHINE_INPUT_BYTES];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = nth(i);
	machine_input(&machine, bytes, sizeof(bytes));
	ck_assert_uint_eq(machine_input_room(&machine), 0);
	enable_fifo();
	listen();
	ck_assert_uint_eq(driver_reads(0, SIZE_MAX), MACHINE_INPUT_BYTES);
}
END_TEST

START_TEST(a_break)
{
	uint8_t lsr;

	enable_fifo();
	listen();
	machine_input(&machine, (const uint8_t *)"a", 1);
	machine_input_break(&machine);
	machine_input(&machine, (const uint8_t *)"b", 1);
	ck_assert_uint_eq(in(SPEC_COM1 + SPEC_LSR) & SPEC_LSR_BREAK, 0);
	ck_assert_uint_eq(in(SPEC_COM1 + SPEC_RBR), 'a');
	lsr = in(SPEC_COM1 + SPEC_LSR);
	ck_assert_uint_eq(lsr & SPEC_LSR_BREAK, SPEC_LSR_BREAK);
	ck_assert_uint_eq(in(SPEC_COM1 + SPEC_RBR), 0);
	ck_assert_uint_eq(in(SPEC_COM1 + SPEC_LSR) & SPEC_LSR_BREAK, 0);
	ck_assert_uint_eq(in(SPEC_COM1 + SPEC_RBR), 'b');
}
END_TEST

/* The reader of the host's input hears that there is room again, once. */
START_TEST(room_wakes_the_supervisor)
{
	size_t typed = 0;

	while (machine_input_room(&machine))
		type_some(&typed, SIZE_MAX);
	control_clear_wake(&control);
	ck_assert(!woken());
	enable_fifo();
	listen(); /* takes 16 */
	ck_assert(woken());
	(void)in(SPEC_COM1 + SPEC_RBR);
	ck_assert(!woken());
}
END_TEST

START_TEST(how_long_input_has_stood_still)
{
	size_t typed = 0;
	uint64_t first;

	ck_assert_uint_eq(machine_input_stalled_ns(&machine), 0);
	type_some(&typed, SIZE_MAX);
	(void)usleep(2000);
	ck_assert_uint_eq(machine_input_stalled_ns(&machine), 0); /* there is room */
	while (machine_input_room(&machine))
		type_some(&typed, SIZE_MAX);
	first = machine_input_stalled_ns(&machine);
	ck_assert_uint_ge(first, 2000000); /* since the first byte that nobody took */
	(void)usleep(2000);
	ck_assert_uint_ge(machine_input_stalled_ns(&machine), first + 2000000);
	enable_fifo();
	listen();
	ck_assert_uint_eq(machine_input_stalled_ns(&machine), 0);
}
END_TEST

/* The interrupt line, without a VM behind it: level follows the FIFO. */
START_TEST(interrupt_level)
{
	enable_fifo();
	listen();
	ck_assert(!machine.uart_irq_level);
	machine_input(&machine, (const uint8_t *)"a", 1);
	ck_assert(machine.uart_irq_level);
	(void)in(SPEC_COM1 + SPEC_RBR);
	ck_assert(!machine.uart_irq_level);
}
END_TEST

/* Marks, for a run that is recorded. */

static char told[4096]; /* "source:name " each */

static void tell(void *ctx, enum record_mark_source source, const char *name)
{
	size_t length = strlen(told);

	ck_assert_ptr_eq(ctx, told);
	(void)snprintf(told + length, sizeof(told) - length, "%d:%s ", (int)source, name);
}

static void listen_to_marks(void)
{
	told[0] = '\0';
	machine_record(&machine, (struct mark_wire){ tell, told });
}

START_TEST(post_codes_are_marks)
{
	out(0x80, 0x42); /* nobody listens */
	listen_to_marks();
	out(0x80, 0x42);
	out(0x80, 0x0f);
	ck_assert_str_eq(told, "1:42 1:0f ");
	ck_assert_uint_eq(in(0x80), 0xff);
}
END_TEST

/* [LINUX] arch/x86/kernel/io_delay.c writes whatever AL holds there to pass the time. */
START_TEST(each_post_code_once)
{
	listen_to_marks();
	for (int round = 0; round < 3; round++) {
		for (unsigned int code = 0; code < 256; code++)
			out(0x80, (uint8_t)code);
	}
	ck_assert_uint_eq(strlen(told), 256 * strlen("1:00 "));
	ck_assert_int_eq(strncmp(told, "1:00 1:01 1:02 ", 15), 0);
}
END_TEST

START_TEST(debug_exit_is_a_mark)
{
	ck_assert_int_eq(make(&(struct debugexit_config){ 0xf4, 4 }), 0);
	listen_to_marks();
	out(0xf4, 3);
	out(0xf4, 3); /* the run has ended */
	ck_assert_str_eq(told, "3:debug-exit ");
	ck_assert_int_eq(control.ending.kind, ENDING_DEBUG_EXIT);
}
END_TEST

START_TEST(debug_exit_on_the_post_code_port)
{
	ck_assert_int_eq(make(&(struct debugexit_config){ 0x7f, 2 }), 0);
	listen_to_marks();
	out(0x80, 0x42);
	ck_assert_str_eq(told, "3:debug-exit ");
	ck_assert_int_eq(control.ending.kind, ENDING_DEBUG_EXIT);
}
END_TEST

/* Somebody types while the guest reads: two threads, as in a run. */
static void *typist(void *unused)
{
	size_t typed = 0;

	(void)unused;
	while (typed < STREAM_BYTES) {
		type_some(&typed, STREAM_BYTES);
		(void)machine_input_stalled_ns(&machine);
		(void)sched_yield();
	}
	return NULL;
}

START_TEST(typing_while_the_guest_reads)
{
	pthread_t thread;
	size_t read = 0;

	enable_fifo();
	listen();
	ck_assert_int_eq(pthread_create(&thread, NULL, typist, NULL), 0);
	while (read < STREAM_BYTES) {
		size_t before = read;

		(void)pthread_mutex_lock(&machine.lock); /* as the run loop holds it */
		read = driver_reads(read, 16);
		(void)pthread_mutex_unlock(&machine.lock);
		if (read == before)
			(void)sched_yield();
	}
	(void)pthread_join(thread, NULL);
	ck_assert_uint_eq(read, STREAM_BYTES);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		open_bus_everywhere_else,
		nothing_in_memory,
		uart_sends_to_the_console,
		ways_to_reset,
		power_off,
		other_sleeps_do_not_happen,
		board_for_so_many_cpus,
		board_keeps_its_word,
		no_reset_without_being_asked,
		debug_exit,
		debug_exit_where_something_is,
		debug_exit_on_pm1,
		a_stream_paced_by_the_fifo,
		a_stream_without_fifos,
		typed_before_the_guest_is_ready,
		too_much_at_once,
		a_break,
		room_wakes_the_supervisor,
		how_long_input_has_stood_still,
		interrupt_level,
		typing_while_the_guest_reads,
		post_codes_are_marks,
		each_post_code_once,
		debug_exit_is_a_mark,
		debug_exit_on_the_post_code_port,
	};
	Suite *suite = suite_create("machine");
	TCase *tcase = tcase_create("machine");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_test_raise_signal(tcase, no_board_without_cpus, SIGABRT);
	tcase_add_test_raise_signal(tcase, no_board_for_too_many_cpus, SIGABRT);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
