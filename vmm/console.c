/* SPDX-License-Identifier: MIT */
#include "vmm/console.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vmm/base/clock.h"
#include "vmm/base/must.h"

enum { WAIT_SLICE_NS = 20000000, STAMP_BYTES = 32 };

void console_init(struct console *console, struct chardev *dev, struct control *control,
		  struct marks *marks, const regex_t *until)
{
	pthread_condattr_t monotonic;

	memset(console, 0, sizeof(*console));
	console->dev = dev;
	console->control = control;
	console->marks = marks;
	console->at_line_start = true;
	watch_init(&console->watch, until);
	escape_init(&console->escape);
	lines_init(&console->lines, NULL);
	(void)pthread_mutex_init(&console->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&console->room, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
}

void console_finish(struct console *console)
{
	(void)pthread_cond_destroy(&console->room);
	(void)pthread_mutex_destroy(&console->lock);
}

void console_record(struct console *console, struct record_shared *record,
		    const struct watch_mark *marks, size_t count)
{
	console->record = record;
	lines_init(&console->lines, record->line ? record : NULL);
	watch_marks(&console->watch, marks, count);
}

static size_t room(const struct console *console)
{
	return CONSOLE_RING_BYTES - console->count;
}

static void append(struct console *console, const uint8_t *bytes, size_t count)
{
	must(count <= room(console));
	for (size_t i = 0; i < count; i++) {
		size_t at = (console->first + console->count++) % CONSOLE_RING_BYTES;

		console->ring[at] = bytes[i];
	}
}

/* Time since process start before each line; left out while the ring is nearly full. */
static void append_stamp(struct console *console)
{
	uint64_t since = clock_now_ns() - console->marks->at_ns[MARK_PROCESS_START];
	char text[STAMP_BYTES];
	int length = snprintf(text, sizeof(text), "%10.6f ", (double)since / 1e9);

	if (room(console) > CONSOLE_ROOM_BYTES)
		append(console, (const uint8_t *)text, (size_t)length);
}

/* With the lock held. */
static void record(struct console *console, enum record_mark_source source, const char *name,
		   uint64_t at_ns)
{
	if (console->record)
		record_mark(console->record, source, name, at_ns);
}

void console_mark(void *ctx, enum record_mark_source source, const char *name)
{
	struct console *console = ctx;
	uint64_t now_ns = clock_now_ns();

	(void)pthread_mutex_lock(&console->lock);
	record(console, source, name, now_ns);
	(void)pthread_mutex_unlock(&console->lock);
}

static void mark_line(struct console *console)
{
	const struct watch *watch = &console->watch;

	for (size_t i = 0; i < watch->mark_count; i++) {
		if (watch->matched_now & 1ULL << i)
			record(console, RECORD_MARK_LINE, watch->marks[i].name, watch->start_ns);
	}
}

static void act_on(struct console *console, unsigned int events)
{
	uint64_t line_ns = console->watch.start_ns;

	if (events & WATCH_BANNER)
		mark_at(console->marks, MARK_KERNEL_BANNER, line_ns);
	if (events & WATCH_RUN_INIT)
		mark_at(console->marks, MARK_RUN_INIT, line_ns);
	if (events & WATCH_INIT_LINE)
		mark_at(console->marks, MARK_INIT_LINE, line_ns);
	if (events & WATCH_PANIC)
		console->announced = ANNOUNCED_PANIC;
	if (events & WATCH_RESTARTS)
		console->announced = ANNOUNCED_RESTART;
	if (events & WATCH_POWERS_DOWN)
		console->announced = ANNOUNCED_POWER_DOWN;
	if (events & WATCH_HALTS)
		console->announced = ANNOUNCED_HALT;
	if ((events & WATCH_PANIC_ENDS) && console->announced == ANNOUNCED_PANIC)
		control_end_kind(console->control, ENDING_PANIC);
	if (events & WATCH_MARK)
		mark_line(console);
	if (events & WATCH_UNTIL)
		control_end_kind(console->control, ENDING_UNTIL);
}

static void pass(struct console *console, uint8_t byte, uint64_t now_ns)
{
	unsigned int events;

	if (console->timestamps && console->at_line_start)
		append_stamp(console);
	append(console, &byte, 1);
	console->at_line_start = byte == '\n';
	lines_byte(&console->lines, byte, now_ns);
	events = watch_byte(&console->watch, byte);
	if (events)
		act_on(console, events);
}

static void pass_all(struct console *console, const struct escape_passing *passing, uint64_t now_ns)
{
	for (size_t i = 0; i < passing->count; i++)
		pass(console, passing->bytes[i], now_ns);
}

/* A byte that begins a control sequence, or stands in one that may be a mark. */
static void sift(struct console *console, uint8_t byte, uint64_t now_ns)
{
	struct escape *escape = &console->escape;
	struct escape_passing passing;

	if (escape_take(escape, byte, now_ns, &passing))
		record(console, RECORD_MARK_ESCAPE, escape->name, escape->mark_ns);
	pass_all(console, &passing, now_ns);
}

void console_put(void *ctx, const uint8_t *bytes, size_t count)
{
	struct console *console = ctx;
	uint64_t now = clock_now_ns();
	bool wake;

	(void)pthread_mutex_lock(&console->lock);
	mark_at(console->marks, MARK_CONSOLE_BYTE, now);
	for (size_t i = 0; i < count; i++) {
		if (escape_passes(&console->escape, bytes[i]))
			pass(console, bytes[i], now);
		else
			sift(console, bytes[i], now);
	}
	console->bytes += count;
	wake = !console->awake && console->count > 0; /* not for a mark */
	console->awake |= wake;
	(void)pthread_mutex_unlock(&console->lock);
	if (wake)
		control_wake(console->control);
}

void console_end_of_input(struct console *console)
{
	struct escape_passing passing;

	(void)pthread_mutex_lock(&console->lock);
	escape_end(&console->escape, &passing);
	pass_all(console, &passing, clock_now_ns());
	act_on(console, watch_unfinished(&console->watch) & WATCH_MARK);
	lines_end(&console->lines);
	(void)pthread_mutex_unlock(&console->lock);
}

static void add_ns(struct timespec *ts, long ns)
{
	ts->tv_nsec += ns;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_nsec -= 1000000000;
		ts->tv_sec++;
	}
}

bool console_has_room(struct console *console)
{
	bool enough;

	(void)pthread_mutex_lock(&console->lock);
	enough = room(console) >= CONSOLE_ROOM_BYTES;
	(void)pthread_mutex_unlock(&console->lock);
	return enough;
}

void console_wait_for_room(struct console *console)
{
	(void)pthread_mutex_lock(&console->lock);
	while (room(console) < CONSOLE_ROOM_BYTES && !control_stopped(console->control)) {
		struct timespec slice;

		/* In slices, because an ending does not signal this condition. */
		(void)clock_gettime(CLOCK_MONOTONIC, &slice);
		add_ns(&slice, WAIT_SLICE_NS);
		(void)pthread_cond_timedwait(&console->room, &console->lock, &slice);
	}
	(void)pthread_mutex_unlock(&console->lock);
}

/* The longest stretch of the ring that is contiguous; stays valid: only we take bytes out. */
static size_t next_stretch(struct console *console, const uint8_t **bytes)
{
	size_t count;

	(void)pthread_mutex_lock(&console->lock);
	count = CONSOLE_RING_BYTES - console->first;
	if (count > console->count)
		count = console->count;
	*bytes = console->ring + console->first;
	(void)pthread_mutex_unlock(&console->lock);
	return count;
}

static void take_out(struct console *console, size_t count)
{
	(void)pthread_mutex_lock(&console->lock);
	console->first = (console->first + count) % CONSOLE_RING_BYTES;
	console->count -= count;
	(void)pthread_cond_broadcast(&console->room); /* several vCPUs may wait */
	(void)pthread_mutex_unlock(&console->lock);
}

enum console_flush console_flush(struct console *console)
{
	const uint8_t *bytes;
	size_t count;

	while ((count = next_stretch(console, &bytes)) > 0) {
		long n = chardev_write(console->dev, bytes, count);

		if (n == 0)
			return CONSOLE_BLOCKED;
		if (n < 0) {
			console->lost = (int)-n;
			control_end(console->control, &(struct ending){ .kind = ENDING_OUTPUT_LOST,
									.detail = (uint64_t)-n });
			return CONSOLE_LOST;
		}
		take_out(console, (size_t)n);
	}
	return CONSOLE_EMPTY;
}

bool console_waiting(struct console *console)
{
	bool waiting;

	(void)pthread_mutex_lock(&console->lock);
	waiting = console->count > 0;
	(void)pthread_mutex_unlock(&console->lock);
	return waiting;
}

bool console_sleep(struct console *console)
{
	bool empty;

	(void)pthread_mutex_lock(&console->lock);
	empty = console->count == 0;
	if (empty) {
		act_on(console, watch_unfinished(&console->watch));
		console->awake = false;
	}
	(void)pthread_mutex_unlock(&console->lock);
	return empty;
}

void console_say(struct console *console, const char *text)
{
	(void)pthread_mutex_lock(&console->lock);
	for (const char *p = text; *p && room(console) > CONSOLE_ROOM_BYTES; p++) {
		if (*p == '\n')
			append(console, (const uint8_t *)"\r", 1);
		append(console, (const uint8_t *)p, 1);
	}
	console->awake = true;
	(void)pthread_mutex_unlock(&console->lock);
	control_wake(console->control);
}

void console_toggle_timestamps(struct console *console)
{
	(void)pthread_mutex_lock(&console->lock);
	console->timestamps = !console->timestamps;
	(void)pthread_mutex_unlock(&console->lock);
}

enum announced console_announced(struct console *console)
{
	enum announced announced;

	(void)pthread_mutex_lock(&console->lock);
	announced = console->announced;
	(void)pthread_mutex_unlock(&console->lock);
	return announced;
}

uint64_t console_bytes(struct console *console)
{
	uint64_t bytes;

	(void)pthread_mutex_lock(&console->lock);
	bytes = console->bytes;
	(void)pthread_mutex_unlock(&console->lock);
	return bytes;
}
