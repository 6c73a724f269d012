/* SPDX-License-Identifier: MIT */
/*
 * The console between a guest that writes and a host that reads when it likes: nothing is lost,
 * the writer waits, and a reader that is gone ends the run. And what the console's lines set off:
 * marks, announcements, endings.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/console.h"

enum {
	SPEC_EXIT_BYTES = 4096, /* the most that one exit of the guest brings: KVM's PIO page */
	STREAM_BYTES = 10 << 20,
};

static struct console console;
static struct chardev dev;
static struct control control;
static struct marks marks;
static struct err e;
static int reader; /* the host's end of a pipe */

static void use_fd(int fd)
{
	dev = (struct chardev){
		.kind = CHARDEV_FILE, .in_fd = -1, .out_fd = fd, .listen_fd = -1, .close_out = true
	};
}

static void setup(void)
{
	int ends[2];

	(void)signal(SIGPIPE, SIG_IGN); /* as the supervisor does */
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	reader = ends[0];
	use_fd(ends[1]);
	marks = (struct marks){ .at_ns[MARK_PROCESS_START] = clock_now_ns() };
	ck_assert_int_eq(control_init(&control, &marks, &e), 0);
	memset(&console, 0, sizeof(console));
	console_init(&console, &dev, &control, &marks, NULL);
}

static void teardown(void)
{
	console_finish(&console);
	control_finish(&control);
	chardev_close(&dev);
	(void)close(reader);
}

static void put(const void *bytes, size_t count)
{
	console_put(&console, bytes, count);
}

static void say(const char *text)
{
	put(text, strlen(text));
}

/* What has come out at the host's end, as a string. */
static char *came_out(void)
{
	static char text[OUTLET_RING_BYTES + 1];
	size_t sum = 0;
	ssize_t n;

	ck_assert_int_eq(console_flush(&console), CONSOLE_EMPTY);
	while ((n = read(reader, text + sum, sizeof(text) - 1 - sum)) > 0)
		sum += (size_t)n;
	text[sum] = '\0';
	return text;
}

static bool woken(void)
{
	struct pollfd p = { .fd = control.wake_fd, .events = POLLIN };
	bool is = poll(&p, 1, 0) == 1;

	control_clear_wake(&control);
	return is;
}

START_TEST(bytes_come_out_as_they_went_in)
{
	uint8_t all[256], got[300];

	for (unsigned int i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	ck_assert_int_eq(console_flush(&console), CONSOLE_EMPTY);
	put(all, sizeof(all));
	ck_assert(console_waiting(&console));
	ck_assert_int_eq(console_flush(&console), CONSOLE_EMPTY);
	ck_assert(!console_waiting(&console));
	ck_assert_int_eq(read(reader, got, sizeof(got)), sizeof(all));
	ck_assert_mem_eq(got, all, sizeof(all));
	ck_assert_uint_eq(console_bytes(&console), 256);
}
END_TEST

/* One wake-up for a burst; after an empty look, the next byte wakes again. */
START_TEST(who_is_woken_when)
{
	ck_assert(!woken());
	say("a");
	ck_assert(woken());
	say("b");
	ck_assert(!woken());
	ck_assert(!console_sleep(&console)); /* there is something: no sleep */
	say("c");
	ck_assert(!woken());
	ck_assert_int_eq(console_flush(&console), CONSOLE_EMPTY);
	say("d");
	ck_assert(!woken()); /* not asleep yet */
	ck_assert_int_eq(console_flush(&console), CONSOLE_EMPTY);
	ck_assert(console_sleep(&console));
	say("e");
	ck_assert(woken());
	ck_assert_str_eq(came_out(), "abcde");
}
END_TEST

/* The ring takes what one exit brings whenever waiting for room has returned. */
START_TEST(full_pipe_blocks_nobody_and_loses_nothing)
{
	static uint8_t bytes[SPEC_EXIT_BYTES], got[SPEC_EXIT_BYTES];
	size_t in = 0, out = 0;
	ssize_t n;

	for (;;) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)((in + i) % 251);
		put(bytes, sizeof(bytes));
		in += sizeof(bytes);
		if (console_flush(&console) == CONSOLE_BLOCKED &&
		    outlet_room(&console.outlet[CONSOLE_OUT]) < CONSOLE_ROOM_BYTES)
			break;
	}
	ck_assert(console_waiting(&console));
	ck_assert(!control_stopped(&control));
	while (out < in) {
		n = read(reader, got, sizeof(got));
		for (ssize_t i = 0; i < n; i++)
			ck_assert_uint_eq(got[i], (out + (size_t)i) % 251);
		out += n > 0 ? (size_t)n : 0;
		ck_assert_int_ne(console_flush(&console), CONSOLE_LOST);
	}
	ck_assert_uint_eq(out, in);
	ck_assert(!console_waiting(&console));
}
END_TEST

/* Ten megabytes through a slow reader, with a vCPU, a supervisor and a reader at work. */

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static uint64_t checksum(uint64_t sum, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sum = (sum ^ bytes[i]) * 1099511628211ULL; /* FNV-1a: order counts */
	return sum;
}

static void *vcpu(void *result)
{
	static uint8_t bytes[SPEC_EXIT_BYTES];
	uint32_t random = 1;
	uint64_t sum = 0;
	size_t left = STREAM_BYTES;

	while (left) {
		size_t n = 1 + next_random(&random) % sizeof(bytes);

		n = n < left ? n : left;
		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)next_random(&random);
		sum = checksum(sum, bytes, n);
		put(bytes, n);
		console_wait_for_room(&console);
		left -= n;
	}
	*(uint64_t *)result = sum;
	return NULL;
}

static void *slow_reader(void *result)
{
	static uint8_t bytes[3000];
	struct pollfd p = { .fd = reader, .events = POLLIN };
	uint32_t random = 2;
	uint64_t sum = 0;
	size_t left = STREAM_BYTES;

	while (left) {
		ssize_t n;

		(void)poll(&p, 1, 5000);
		n = read(reader, bytes, 1 + next_random(&random) % sizeof(bytes));
		if (n <= 0)
			break;
		sum = checksum(sum, bytes, (size_t)n);
		left -= (size_t)n;
		if (next_random(&random) % 64 == 0)
			(void)usleep(500);
	}
	*(uint64_t *)result = left ? 0 : sum;
	return NULL;
}

/* What the supervisor does with the console, until all of it is out. */
static void supervise_until(uint64_t total)
{
	for (;;) {
		enum console_flush flushed = console_flush(&console);
		struct pollfd p[2] = { { .fd = control.wake_fd, .events = POLLIN },
				       { .fd = flushed == CONSOLE_BLOCKED ? dev.out_fd : -1,
					 .events = POLLOUT } };

		ck_assert_int_ne(flushed, CONSOLE_LOST);
		if (flushed == CONSOLE_EMPTY && console_sleep(&console)) {
			if (console_bytes(&console) == total && !console_waiting(&console))
				return;
		} else if (flushed == CONSOLE_EMPTY) {
			continue;
		}
		ck_assert_int_ge(poll(p, 2, 5000), 1); /* or a wake-up was lost */
		control_clear_wake(&control);
	}
}

START_TEST(ten_megabytes_through_a_slow_reader)
{
	uint64_t sent = 0, received = 0;
	pthread_t threads[2];

	ck_assert_int_eq(pthread_create(&threads[0], NULL, vcpu, &sent), 0);
	ck_assert_int_eq(pthread_create(&threads[1], NULL, slow_reader, &received), 0);
	supervise_until(STREAM_BYTES);
	(void)pthread_join(threads[0], NULL);
	(void)pthread_join(threads[1], NULL);
	ck_assert_uint_ne(sent, 0);
	ck_assert_uint_eq(received, sent);
	ck_assert(!control_stopped(&control));
}
END_TEST

/* A stopped reader holds the vCPU; the end of the run lets it go, within a moment. */
static void *wait_for_room(void *done)
{
	console_wait_for_room(&console);
	__atomic_store_n((bool *)done, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool soon(const bool *flag)
{
	for (int i = 0; i < 200 && !__atomic_load_n(flag, __ATOMIC_ACQUIRE); i++)
		(void)usleep(5000);
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void fill_ring(void)
{
	static const uint8_t bytes[SPEC_EXIT_BYTES];

	while (outlet_room(&console.outlet[CONSOLE_OUT]) >= CONSOLE_ROOM_BYTES)
		put(bytes, sizeof(bytes));
}

START_TEST(ending_frees_the_one_who_waits)
{
	bool done = false;
	pthread_t thread;

	fill_ring();
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_room, &done), 0);
	(void)usleep(60000);
	ck_assert(!__atomic_load_n(&done, __ATOMIC_ACQUIRE));
	control_end_kind(&control, ENDING_TIMEOUT);
	ck_assert(soon(&done));
	(void)pthread_join(thread, NULL);
}
END_TEST

START_TEST(room_frees_the_one_who_waits)
{
	bool done = false;
	pthread_t thread;

	fill_ring();
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_room, &done), 0);
	(void)usleep(60000);
	ck_assert(!__atomic_load_n(&done, __ATOMIC_ACQUIRE));
	ck_assert_int_ne(console_flush(&console), CONSOLE_LOST); /* a pipe takes 64 KiB */
	ck_assert(soon(&done));
	(void)pthread_join(thread, NULL);
}
END_TEST

/* Output that cannot go anywhere ends the run, and says why. */

static void check_lost(uint64_t why)
{
	say("x");
	ck_assert_int_eq(console_flush(&console), CONSOLE_LOST);
	ck_assert(control_stopped(&control));
	ck_assert_int_eq(control.ending.kind, ENDING_OUTPUT_LOST);
	ck_assert_uint_eq(control.ending.detail, why);
	ck_assert_int_eq(console_flush(&console), CONSOLE_LOST); /* and stays so */
}

START_TEST(closed_pipe)
{
	say("was read");
	ck_assert_str_eq(came_out(), "was read");
	(void)close(reader);
	check_lost(EPIPE);
	reader = -1;
}
END_TEST

/* ---- several ways out ------------------------------------------------------------------------ */

static struct chardev other_dev;
static int other_reader;

static void open_other(void)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	other_reader = ends[0];
	chardev_init(&other_dev);
	other_dev.kind = CHARDEV_FILE;
	other_dev.out_fd = ends[1];
	other_dev.close_out = true;
}

static void close_other(void)
{
	chardev_close(&other_dev);
	(void)close(other_reader);
}

static const char *came_out_there(void)
{
	static char text[OUTLET_RING_BYTES + 1];
	ssize_t n;

	ck_assert_int_eq(console_flush(&console), CONSOLE_EMPTY);
	n = read(other_reader, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* The log has the same lines, each behind its time; the console has none. */
START_TEST(a_log_beside_the_console)
{
	double first, second;
	char end;

	open_other();
	console_attach(&console, CONSOLE_LOG, &other_dev, true);
	say("one\r\ntw");
	say("o\n");
	ck_assert_int_eq(sscanf(came_out_there(), "%lf one\r\n%lf two%c", &first, &second, &end),
			 3);
	ck_assert_int_eq(end, '\n');
	ck_assert(first >= 0 && second >= first);
	ck_assert_str_eq(came_out(), "one\r\ntwo\n");
	close_other();
}
END_TEST

/* A log that nobody takes holds the guest up as a console does, and is lost as one is. */
START_TEST(a_log_that_is_full)
{
	open_other();
	console_attach(&console, CONSOLE_LOG, &other_dev, true);
	while (console_has_room(&console)) {
		say("0123456789abcdef");
		(void)console_flush(&console);
		while (read(reader, (char[4096]){ 0 }, 4096) > 0)
			;
	}
	ck_assert_ptr_eq(console_blocked(&console, CONSOLE_LOG), &other_dev);
	ck_assert_ptr_null(console_blocked(&console, CONSOLE_OUT));
	(void)close(other_reader);
	other_reader = -1;
	ck_assert_int_eq(console_flush(&console), CONSOLE_LOST);
	ck_assert_int_eq(control.ending.kind, ENDING_OUTPUT_LOST);
	ck_assert_str_eq(control.ending.text, "the log");
	close_other();
}
END_TEST

static void say_frame(enum protocol_frame type, const char *text)
{
	static uint8_t wire[FRAMES_WIRE_MAX];
	size_t count = frames_pack(wire, type, text, strlen(text));

	put(wire, count / 2);
	say("[");
	put(wire + count / 2, count - count / 2);
}

/*
 * A program's output goes to stdout and stderr, the kernel's words elsewhere, even in the midst of a
 * frame.
 */
START_TEST(a_program_among_the_kernels_words)
{
	static struct program program;
	char tail[32];

	open_other();
	program_init(&program);
	console_attach(&console, CONSOLE_OUT, &dev, false);
	console_attach(&console, CONSOLE_ERR, &other_dev, false);
	console_attach_program(&console, &program);
	say("Linux version 6\n");
	say_frame(PROTOCOL_HELLO, PROTOCOL_HELLO_TEXT);
	say_frame(PROTOCOL_STDOUT, "out\n");
	say_frame(PROTOCOL_STDERR, "err");
	ck_assert_str_eq(came_out_there(), "err");
	ck_assert_str_eq(came_out(), "out\n");
	ck_assert(!control_stopped(&control));
	say_frame(PROTOCOL_EXIT, "7");
	ck_assert_int_eq(control.ending.kind, ENDING_GUEST_EXITED);
	ck_assert_uint_eq(control.ending.detail, 7);
	ck_assert_uint_gt(marks.at_ns[MARK_KERNEL_BANNER], 0);
	(void)console_tail(&console, tail, sizeof(tail));
	ck_assert_str_eq(tail, "Linux version 6\n[[[[");
	close_other();
}
END_TEST

/* With -v the kernel's words go to stderr too. */
START_TEST(a_program_with_the_kernels_words)
{
	static struct program program;

	open_other();
	program_init(&program);
	console_attach(&console, CONSOLE_OUT, &dev, false);
	console_attach(&console, CONSOLE_ERR, &other_dev, true);
	console_attach_program(&console, &program);
	say("kernel\n");
	say_frame(PROTOCOL_HELLO, PROTOCOL_HELLO_TEXT);
	say_frame(PROTOCOL_STDOUT, "out");
	ck_assert_str_eq(came_out_there(), "kernel\n[[");
	ck_assert_str_eq(came_out(), "out");
	close_other();
}
END_TEST

/* ---- ways out that fail ---------------------------------------------------------------------- */

START_TEST(full_disk)
{
	chardev_close(&dev);
	use_fd(open("/dev/full", O_WRONLY));
	check_lost(ENOSPC);
}
END_TEST

START_TEST(not_for_writing)
{
	chardev_close(&dev);
	use_fd(open("/dev/null", O_RDONLY));
	check_lost(EBADF);
}
END_TEST

START_TEST(nobody_at_the_other_end)
{
	chardev_close(&dev);
	dev.kind = CHARDEV_NULL;
	for (int i = 0; i < 100; i++) {
		fill_ring();
		ck_assert_int_eq(console_flush(&console), CONSOLE_EMPTY);
	}
	ck_assert(!control_stopped(&control));
}
END_TEST

/* Time stamps and tvmm's own words. */

static bool is_stamp(const char *text)
{
	size_t blanks = strspn(text, " "), whole = strspn(text + blanks, "0123456789");
	const char *dot = text + blanks + whole;

	return whole && *dot == '.' && strspn(dot + 1, "0123456789") == 6 && dot[7] == ' ';
}

START_TEST(stamps_before_each_line)
{
	char *text;

	say("plain\n");
	console_toggle_timestamps(&console);
	say("one\r\nt");
	say("wo\r\n");
	console_toggle_timestamps(&console);
	say("three\n");
	text = came_out();
	ck_assert_int_eq(strncmp(text, "plain\n", 6), 0);
	text += 6;
	ck_assert(is_stamp(text));
	text = strstr(text, "one\r\n");
	ck_assert_ptr_nonnull(text);
	text += 5;
	ck_assert(is_stamp(text));
	text = strstr(text, "two\r\n");
	ck_assert_ptr_nonnull(text);
	ck_assert_str_eq(text + 5, "three\n");
	ck_assert_uint_eq(console_bytes(&console), 6 + 5 + 1 + 4 + 6); /* the guest's alone */
}
END_TEST

/* Stamps make more of each byte; the ring must not overflow, nor a byte of the guest be lost. */
START_TEST(a_flood_of_stamped_lines)
{
	static uint8_t newlines[SPEC_EXIT_BYTES];
	size_t lines = 0;

	memset(newlines, '\n', sizeof(newlines));
	console_toggle_timestamps(&console);
	for (int i = 0; i < 20; i++) {
		for (int k = 0; k < 10000; k++) /* up to the room that an exit is promised */
			console_say(&console, "\n\n\n\n");
		put(newlines, sizeof(newlines));
		for (enum console_flush f = CONSOLE_BLOCKED; f != CONSOLE_EMPTY;) {
			char text[4096];
			ssize_t n;

			f = console_flush(&console);
			while ((n = read(reader, text, sizeof(text))) > 0) {
				for (ssize_t k = 0; k < n; k++)
					lines += text[k] == '\n' && (k == 0 || text[k - 1] != '\r');
			}
		}
	}
	ck_assert_uint_ge(lines, 20 * sizeof(newlines));
}
END_TEST

START_TEST(words_of_our_own)
{
	say("guest");
	ck_assert(woken());
	console_say(&console, "\nhelp\n");
	ck_assert(woken());
	ck_assert_str_eq(came_out(), "guest\r\nhelp\r\n");
	ck_assert_uint_eq(console_bytes(&console), 5);
	fill_ring();
	for (int i = 0; i < 10000; i++)
		console_say(&console, "much too much\n");
	put("fits still", 10);
}
END_TEST

/* What lines set off. */

START_TEST(marks_of_a_boot)
{
	uint64_t before = clock_now_ns();

	say("early\r\n");
	ck_assert_uint_ge(marks.at_ns[MARK_CONSOLE_BYTE], before);
	ck_assert_uint_eq(marks.at_ns[MARK_KERNEL_BANNER], 0);
	say("[    0.000000] Linux version 6.1.0\r\n");
	say("[    0.400000] Run /init as init process\r\n");
	say("Boot took 0.45 seconds\r\n");
	say("Linux version 5.0\r\n"); /* again: the first one counts */
	ck_assert_uint_ge(marks.at_ns[MARK_KERNEL_BANNER], marks.at_ns[MARK_CONSOLE_BYTE]);
	ck_assert_uint_ge(marks.at_ns[MARK_RUN_INIT], marks.at_ns[MARK_KERNEL_BANNER]);
	ck_assert_uint_ge(marks.at_ns[MARK_INIT_LINE], marks.at_ns[MARK_RUN_INIT]);
	ck_assert(!control_stopped(&control));
}
END_TEST

START_TEST(announcements)
{
	static const struct {
		const char *line;
		enum announced announced;
	} spec[] = {
		{ "nothing at all\r\n", ANNOUNCED_NOTHING },
		{ "Kernel panic - not syncing: oops\r\n", ANNOUNCED_PANIC },
		{ "reboot: Restarting system\r\n", ANNOUNCED_RESTART },
		{ "Kernel panic - not syncing: while it restarts\r\n", ANNOUNCED_PANIC },
		{ "reboot: Power down\r\n", ANNOUNCED_POWER_DOWN },
		{ "nothing more\r\n", ANNOUNCED_POWER_DOWN },
		{ "reboot: System halted\r\n", ANNOUNCED_HALT },
		{ "reboot: machine restart\r\n", ANNOUNCED_RESTART },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(spec[0]); i++) {
		say(spec[i].line);
		ck_assert_int_eq(console_announced(&console), spec[i].announced);
		ck_assert(!control_stopped(&control)); /* the CPU's word is still to come */
	}
}
END_TEST

/* What stands behind "not syncing: " is the reason. [LINUX] kernel/panic.c */
START_TEST(the_reason_of_a_panic)
{
	say("[    1.0] Kernel panic - not syncing: VFS: Unable\tto\r\n");
	ck_assert_str_eq(console.panic, "VFS: Unable?to");
	say("Kernel panic - not syncing\n");
	ck_assert_str_eq(console.panic, "");
}
END_TEST

START_TEST(a_panic_that_is_over)
{
	say("Rebooting in 5 seconds..\r\n"); /* without a panic before it: anybody's words */
	say("Kernel panic - not syncing: VFS\r\n");
	ck_assert(!control_stopped(&control));
	say("Kernel Offset: disabled\r\n");
	ck_assert(!control_stopped(&control));
	say("---[ end Kernel panic - not syncing: VFS ]---\r\n");
	ck_assert(control_stopped(&control));
	ck_assert_int_eq(control.ending.kind, ENDING_PANIC);
}
END_TEST

START_TEST(a_panic_that_reboots)
{
	say("Kernel panic - not syncing: VFS\r\n");
	say("Rebooting in 10 seconds..\r\n");
	ck_assert_int_eq(control.ending.kind, ENDING_PANIC);
}
END_TEST

static regex_t until;

static void use_until(const char *expression)
{
	ck_assert_int_eq(regcomp(&until, expression, REG_EXTENDED | REG_NOSUB), 0);
	console_finish(&console);
	memset(&console, 0, sizeof(console));
	console_init(&console, &dev, &control, &marks, &until);
}

START_TEST(until_a_line)
{
	use_until("^ready$");
	say("not ready\r\nready");
	ck_assert(!control_stopped(&control));
	say("\r\n");
	ck_assert_int_eq(control.ending.kind, ENDING_UNTIL);
	ck_assert_str_eq(came_out(), "not ready\r\nready\r\n"); /* it is written out all the same */
	regfree(&until);
}
END_TEST

/* A prompt has no end of line: it is looked at when the guest has nothing more to say. */
START_TEST(until_a_prompt)
{
	use_until("login: $");
	say("box login: ");
	ck_assert(!control_stopped(&control));
	ck_assert_str_eq(came_out(), "box login: ");
	ck_assert(console_sleep(&console));
	ck_assert_int_eq(control.ending.kind, ENDING_UNTIL);
	regfree(&until);
}
END_TEST

/* What a recorded run keeps of the console; and marks by escape sequence, docs/marks.md. */

static struct record_shared record;
static struct record_line line_table[RECORD_LINES];
static char line_text[RECORD_LINE_TEXT_BYTES];

static void use_record(const struct watch_mark *expressions, size_t count)
{
	record = (struct record_shared){ .line = line_table, .line_text = line_text };
	console_record(&console, &record, expressions, count);
}

static void check_mark(size_t i, enum record_mark_source source, const char *name)
{
	ck_assert_uint_lt(i, record.marks);
	ck_assert_int_eq(record.mark[i].source, source);
	ck_assert_str_eq(record.mark[i].name, name);
}

static void check_line(size_t i, const char *expected)
{
	ck_assert_uint_lt(i, record.lines);
	ck_assert_uint_eq(line_table[i].text_bytes, strlen(expected));
	ck_assert_mem_eq(line_text + line_table[i].text, expected, strlen(expected));
}

/* However the bytes come, one exit for each or all with one. */
START_TEST(marks_are_taken_out)
{
	static const char sent[] = "Linux\033]8866;mark:a\007 ver\033]8866;mark:b c\033\\sion 6\r\n"
				   "\033[1m\033]8866;mark:no\nend";

	use_record(NULL, 0);
	for (size_t split = 0; split < sizeof(sent); split++) {
		record.marks = record.lines = record.line_text_bytes = 0;
		put(sent, split);
		put(sent + split, sizeof(sent) - 1 - split);
		ck_assert_str_eq(came_out(), "Linux version 6\r\n\033[1m\033]8866;mark:no\nend");
		ck_assert_uint_eq(record.marks, 2);
		check_mark(0, RECORD_MARK_ESCAPE, "a");
		check_mark(1, RECORD_MARK_ESCAPE, "b c");
		say("\n");
		(void)came_out();
		check_line(0, "Linux version 6");
		check_line(1, "\033[1m\033]8866;mark:no");
		check_line(2, "end");
	}
	ck_assert_uint_ne(marks.at_ns[MARK_KERNEL_BANNER], 0);
	ck_assert_uint_eq(console_bytes(&console), sizeof(sent) * sizeof(sent));
}
END_TEST

START_TEST(a_mark_has_the_time_of_its_first_byte)
{
	uint64_t before, after;

	use_record(NULL, 0);
	say("x");
	before = clock_now_ns();
	say("\033");
	after = clock_now_ns();
	say("]8866;mark:late\007");
	ck_assert_uint_ge(record.mark[0].at_ns, before);
	ck_assert_uint_le(record.mark[0].at_ns, after);
}
END_TEST

START_TEST(marks_are_taken_out_without_a_record)
{
	say("a\033]8866;mark:x\007b");
	console_mark(&console, RECORD_MARK_POST, "42");
	ck_assert_str_eq(came_out(), "ab");
}
END_TEST

/* There is nothing to write out: the supervisor sleeps on. */
START_TEST(a_mark_wakes_nobody)
{
	use_record(NULL, 0);
	say("\033]8866;mark:x\007");
	ck_assert(!woken());
	ck_assert_uint_eq(record.marks, 1);
	say("a");
	ck_assert(woken());
}
END_TEST

START_TEST(what_is_held_comes_out_at_the_end)
{
	use_record(NULL, 0);
	say("/ # \033]8866;mark:half");
	ck_assert_str_eq(came_out(), "/ # ");
	console_end_of_input(&console);
	ck_assert_str_eq(came_out(), "\033]8866;mark:half");
	ck_assert_uint_eq(record.marks, 0);
	ck_assert_uint_eq(record.lines, 1);
	check_line(0, "/ # \033]8866;mark:half");
	console_end_of_input(&console);
	ck_assert_str_eq(came_out(), "");
}
END_TEST

START_TEST(lines_have_their_times)
{
	uint64_t at[4];

	use_record(NULL, 0);
	at[0] = clock_now_ns();
	say("one");
	at[1] = clock_now_ns();
	say(" line");
	at[2] = clock_now_ns();
	say("\r\n");
	at[3] = clock_now_ns();
	check_line(0, "one line");
	ck_assert_uint_ge(line_table[0].first_byte_ns, at[0]);
	ck_assert_uint_le(line_table[0].first_byte_ns, at[1]);
	ck_assert_uint_ge(line_table[0].last_byte_ns, at[2]);
	ck_assert_uint_le(line_table[0].last_byte_ns, at[3]);
}
END_TEST

/* Stamps and tvmm's own words are not the guest's. */
START_TEST(lines_are_the_guests_alone)
{
	use_record(NULL, 0);
	console_toggle_timestamps(&console);
	say("on");
	console_say(&console, "help\n");
	say("e\n");
	check_line(0, "one");
}
END_TEST

START_TEST(lines_that_match_are_marks)
{
	static struct watch_mark expressions[] = { { .name = "net" }, { .name = "prompt" } };
	uint64_t before, after;

	(void)regcomp(&expressions[0].re, "^eth0: up$", REG_EXTENDED | REG_NOSUB);
	(void)regcomp(&expressions[1].re, "# $", REG_EXTENDED | REG_NOSUB);
	use_record(expressions, 2);
	before = clock_now_ns();
	say("et");
	after = clock_now_ns();
	say("h0: \033]8866;mark:in\007up\r\neth0: up\r\n/ # ");
	ck_assert_uint_eq(record.marks, 2);
	check_mark(0, RECORD_MARK_ESCAPE, "in");
	check_mark(1, RECORD_MARK_LINE, "net");
	ck_assert_uint_ge(record.mark[1].at_ns, before);
	ck_assert_uint_le(record.mark[1].at_ns, after); /* the line's first byte */
	(void)came_out();
	ck_assert(console_sleep(&console));
	ck_assert_uint_eq(record.marks, 3);
	check_mark(2, RECORD_MARK_LINE, "prompt");
	regfree(&expressions[0].re);
	regfree(&expressions[1].re);
}
END_TEST

/* A guest that prompts and is gone before the supervisor has looked. */
START_TEST(the_last_line_is_looked_at)
{
	static struct watch_mark expression = { .name = "prompt" };

	(void)regcomp(&expression.re, "# $", REG_EXTENDED | REG_NOSUB);
	use_record(&expression, 1);
	say("/ # ");
	ck_assert_uint_eq(record.marks, 0);
	console_end_of_input(&console);
	ck_assert_uint_eq(record.marks, 1);
	check_mark(0, RECORD_MARK_LINE, "prompt");
	ck_assert(!control_stopped(&control));
	regfree(&expression.re);
}
END_TEST

START_TEST(marks_by_other_means)
{
	uint64_t before = clock_now_ns();

	use_record(NULL, 0);
	console_mark(&console, RECORD_MARK_POST, "42");
	console_mark(&console, RECORD_MARK_EXIT, "debug-exit");
	ck_assert_uint_eq(record.marks, 2);
	check_mark(0, RECORD_MARK_POST, "42");
	check_mark(1, RECORD_MARK_EXIT, "debug-exit");
	ck_assert_uint_ge(record.mark[0].at_ns, before);
	ck_assert_uint_le(record.mark[1].at_ns, clock_now_ns());
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		bytes_come_out_as_they_went_in,
		who_is_woken_when,
		full_pipe_blocks_nobody_and_loses_nothing,
		ten_megabytes_through_a_slow_reader,
		ending_frees_the_one_who_waits,
		room_frees_the_one_who_waits,
		closed_pipe,
		full_disk,
		a_log_beside_the_console,
		a_log_that_is_full,
		a_program_among_the_kernels_words,
		a_program_with_the_kernels_words,
		not_for_writing,
		nobody_at_the_other_end,
		stamps_before_each_line,
		a_flood_of_stamped_lines,
		words_of_our_own,
		marks_of_a_boot,
		announcements,
		the_reason_of_a_panic,
		a_panic_that_is_over,
		a_panic_that_reboots,
		until_a_line,
		until_a_prompt,
		marks_are_taken_out,
		a_mark_has_the_time_of_its_first_byte,
		marks_are_taken_out_without_a_record,
		a_mark_wakes_nobody,
		what_is_held_comes_out_at_the_end,
		lines_have_their_times,
		lines_are_the_guests_alone,
		lines_that_match_are_marks,
		the_last_line_is_looked_at,
		marks_by_other_means,
	};
	Suite *suite = suite_create("console");
	TCase *tcase = tcase_create("console");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120); /* for the megabytes, under a sanitizer, on a busy host */
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
