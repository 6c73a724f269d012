/* SPDX-License-Identifier: MIT */
/* What is typed: the guest's bytes, tvmm's keys, the monitor's lines. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/keyboard.h"

#define CTRL_A "\x01"

/* [16550] registers that a driver touches before it can be sent anything. */
enum {
	SPEC_COM1 = 0x3f8,
	SPEC_RBR = 0,
	SPEC_IER = 1,
	SPEC_FCR = 2,
	SPEC_MCR = 4,
	SPEC_LSR = 5,
	SPEC_IER_RECEIVED = 0x01,
	SPEC_FCR_ENABLE = 0x01,
	SPEC_MCR_DTR_RTS_OUT2 = 0x0b,
	SPEC_LSR_DATA_READY = 0x01,
	SPEC_LSR_BREAK = 0x10,
};

static struct keyboard keyboard;
static struct console console;
static struct chardev dev;
static struct control control;
static struct machine machine;
static struct marks marks;
static struct err e;
static int reader;

static void out(unsigned int reg, uint8_t value)
{
	bus_write(&machine.ports, SPEC_COM1 + reg, 1, &value);
}

static uint8_t in(unsigned int reg)
{
	uint8_t value;

	bus_read(&machine.ports, SPEC_COM1 + reg, 1, &value);
	return value;
}

static void setup(void)
{
	const struct debugexit_config none = { 0, 0 };
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	reader = ends[0];
	dev = (struct chardev){ .kind = CHARDEV_FILE,
				.in_fd = -1,
				.out_fd = ends[1],
				.listen_fd = -1,
				.close_out = true };
	marks = (struct marks){ .at_ns[MARK_PROCESS_START] = clock_now_ns() };
	ck_assert_int_eq(control_init(&control, &marks, &e), 0);
	memset(&console, 0, sizeof(console));
	console_init(&console, &dev, &control, &marks, NULL);
	ck_assert_int_eq(machine_init(&machine, NULL, &control,
				      (struct byte_sink){ console_put, &console }, &none, &e),
			 0);
	keyboard = (struct keyboard){ .keys = { .escape = 1 },
				      .console = &console,
				      .control = &control,
				      .machine = &machine };
	out(SPEC_FCR, SPEC_FCR_ENABLE);
	out(SPEC_MCR, SPEC_MCR_DTR_RTS_OUT2);
	out(SPEC_IER, SPEC_IER_RECEIVED);
}

static void teardown(void)
{
	machine_finish(&machine);
	console_finish(&console);
	control_finish(&control);
	chardev_close(&dev);
	(void)close(reader);
}

static void type(const char *text)
{
	keyboard_take(&keyboard, (const uint8_t *)text, strlen(text), true);
}

/* What the guest's driver reads until nothing is left; a break shows as '~'. */
static const char *guest_read(void)
{
	static char text[8192];
	size_t n = 0;

	for (;;) {
		uint8_t lsr = in(SPEC_LSR);
		uint8_t byte;

		if (!(lsr & SPEC_LSR_DATA_READY) || n == sizeof(text) - 1)
			break;
		byte = in(SPEC_RBR);
		text[n++] = lsr & SPEC_LSR_BREAK ? '~' : (char)byte;
	}
	text[n] = '\0';
	return text;
}

static const char *screen(void)
{
	static char text[16384];
	size_t sum = 0;
	ssize_t n;

	ck_assert_int_eq(console_flush(&console), CONSOLE_EMPTY);
	while ((n = read(reader, text + sum, sizeof(text) - 1 - sum)) > 0)
		sum += (size_t)n;
	text[sum] = '\0';
	return text;
}

START_TEST(typed_bytes_reach_the_guest)
{
	type("ls -l\r\003\004\177");
	ck_assert_str_eq(guest_read(), "ls -l\r\003\004\177");
	type("a" CTRL_A CTRL_A "b"); /* a literal Ctrl-a */
	ck_assert_str_eq(guest_read(), "a" CTRL_A "b");
	type("a" CTRL_A "zb"); /* no such key */
	ck_assert_str_eq(guest_read(), "ab");
	ck_assert_str_eq(screen(), "");
}
END_TEST

START_TEST(quit)
{
	type("abc" CTRL_A "x");
	ck_assert(control_stopped(&control));
	ck_assert_int_eq(control.ending.kind, ENDING_QUIT);
}
END_TEST

START_TEST(help_names_the_escape_in_use)
{
	const char *text;

	type(CTRL_A "h");
	text = screen();
	ck_assert_ptr_nonnull(strstr(text, "Ctrl-a x"));
	ck_assert_ptr_nonnull(strstr(text, "Ctrl-a Ctrl-a"));
	ck_assert_ptr_null(strstr(text, "\n\n"));
	keyboard.keys.escape = 0x14;
	type("\x14?");
	ck_assert_ptr_nonnull(strstr(screen(), "Ctrl-t x"));
	ck_assert_str_eq(guest_read(), "");
}
END_TEST

START_TEST(break_reaches_the_guest)
{
	type(CTRL_A "b");
	ck_assert_str_eq(guest_read(), "~");
}
END_TEST

/*
 * Magic SysRq is a break and then its letter. Both must arrive in the order in which they were
 * typed, also when the guest is slower than the one who types (or the script that pipes it in).
 */
START_TEST(break_keeps_its_place)
{
	char text[64];

	memset(text, 'a', 40);
	strcpy(text + 40, CTRL_A "bh");
	type(text);
	text[40] = '~';
	text[41] = 'h';
	text[42] = '\0';
	ck_assert_str_eq(guest_read(), text);
}
END_TEST

/* A break for a guest that does not listen yet waits, as bytes do. */
START_TEST(break_waits_for_the_guest)
{
	out(SPEC_IER, 0);
	type("a" CTRL_A "bc");
	(void)in(SPEC_LSR);
	(void)in(SPEC_RBR); /* what a driver throws away when it opens the port */
	out(SPEC_IER, SPEC_IER_RECEIVED);
	ck_assert_str_eq(guest_read(), "a~c");
}
END_TEST

START_TEST(time_stamps)
{
	type(CTRL_A "t");
	ck_assert(console.timestamps);
	type(CTRL_A "t");
	ck_assert(!console.timestamps);
}
END_TEST

START_TEST(monitor)
{
	const char *text;

	type("a" CTRL_A "cinfo\r");
	text = screen();
	ck_assert_ptr_nonnull(strstr(text, "(tvmm) info"));
	ck_assert_ptr_nonnull(strstr(text, "running for"));
	ck_assert_str_eq(guest_read(), "a");
	type("help\r");
	ck_assert_ptr_nonnull(strstr(screen(), "quit"));
	type("nonsense\r");
	ck_assert_ptr_nonnull(strstr(screen(), "unknown command"));
	type("\r\r");
	ck_assert_ptr_null(strstr(screen(), "unknown"));
	type("cont\rb");
	ck_assert_str_eq(guest_read(), "b");
	type(CTRL_A "c" CTRL_A "cd"); /* the key leads back as well */
	ck_assert_str_eq(guest_read(), "d");
	ck_assert(!control_stopped(&control));
}
END_TEST

START_TEST(monitor_quits)
{
	type(CTRL_A "cquit\r");
	ck_assert_int_eq(control.ending.kind, ENDING_QUIT);
}
END_TEST

START_TEST(monitor_edits_its_line)
{
	type(CTRL_A
	     "c\177\177\bnope\177\177\177\177qu\177uiz\bt\r"); /* more erased than there is */
	ck_assert_int_eq(control.ending.kind, ENDING_QUIT);
}
END_TEST

START_TEST(monitor_lines_have_an_end)
{
	type(CTRL_A "c");
	for (int i = 0; i < 1000; i++)
		type("x\033\t");
	ck_assert_uint_lt(keyboard.length, MONITOR_LINE_BYTES);
	type("\r");
	ck_assert_ptr_nonnull(strstr(screen(), "unknown command"));
	type("quit\r");
	ck_assert_int_eq(control.ending.kind, ENDING_QUIT);
}
END_TEST

/* A line that was begun in the monitor and left is forgotten. */
START_TEST(monitor_starts_afresh)
{
	type(CTRL_A "cqu" CTRL_A "c" CTRL_A "cit\r");
	ck_assert(!control_stopped(&control));
}
END_TEST

/* A guest that takes nothing: its share is refused with a bell, the keys still work. */
START_TEST(keys_without_a_guest)
{
	keyboard_take(&keyboard, (const uint8_t *)"ab", 2, false);
	ck_assert_str_eq(screen(), "\a\a");
	ck_assert_str_eq(guest_read(), "");
	keyboard_take(&keyboard, (const uint8_t *)CTRL_A "x", 2, false);
	ck_assert_int_eq(control.ending.kind, ENDING_QUIT);
}
END_TEST

START_TEST(no_keys_with_escape_0)
{
	keyboard.keys.escape = 0;
	type(CTRL_A "x" CTRL_A "c");
	ck_assert_str_eq(guest_read(), CTRL_A "x" CTRL_A "c");
	ck_assert(!control_stopped(&control));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		typed_bytes_reach_the_guest,
		quit,
		help_names_the_escape_in_use,
		break_reaches_the_guest,
		break_keeps_its_place,
		break_waits_for_the_guest,
		time_stamps,
		monitor,
		monitor_quits,
		monitor_edits_its_line,
		monitor_lines_have_an_end,
		monitor_starts_afresh,
		keys_without_a_guest,
		no_keys_with_escape_0,
	};
	Suite *suite = suite_create("keyboard");
	TCase *tcase = tcase_create("keyboard");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
