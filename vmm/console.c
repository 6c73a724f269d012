/* SPDX-License-Identifier: MIT */
#include "vmm/console.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vmm/base/clock.h"
#include "vmm/base/must.h"

#define NS_PER_MS 1000000ULL

enum { WAIT_SLICE_NS = 20000000, STAMP_BYTES = 32 };

void console_init(struct console *console, struct chardev *dev, struct control *control,
		  struct marks *marks, const regex_t *until)
{
	pthread_condattr_t monotonic;

	for (int i = 0; i < CONSOLE_OUTLETS; i++)
		outlet_init(&console->outlet[i], i == CONSOLE_OUT ? dev : NULL);
	console->text_to = 1U << CONSOLE_OUT;
	console->control = control;
	console->marks = marks;
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

void console_attach(struct console *console, enum console_outlet which, struct chardev *dev,
		    bool text)
{
	outlet_init(&console->outlet[which], dev);
	console->text_to &= ~(1U << which);
	console->text_to |= (unsigned int)text << which;
}

void console_attach_program(struct console *console, struct program *program)
{
	console->program = program;
}

void console_attach_trouble(struct console *console, const struct trouble *trouble)
{
	console->trouble = trouble;
}

void console_attach_dialogue(struct console *console, struct dialogue *dialogue)
{
	console->dialogue = dialogue;
}

size_t console_to_type(struct console *console, uint8_t *bytes, size_t room)
{
	const uint8_t *pending;
	size_t count = 0;

	if (!console->dialogue)
		return 0;
	(void)pthread_mutex_lock(&console->lock);
	count = dialogue_pending(console->dialogue, &pending);
	count = count < room ? count : room;
	if (count) {
		memcpy(bytes, pending, count);
		dialogue_sent(console->dialogue, count);
	}
	(void)pthread_mutex_unlock(&console->lock);
	return count;
}

void console_end_trouble(struct console *console, uint64_t now_ns)
{
	struct ending ending = { .kind = ENDING_FAIL_ON };
	bool due;

	if (!console->trouble)
		return;
	(void)pthread_mutex_lock(&console->lock);
	due = console->trouble_end_ns && now_ns >= console->trouble_end_ns &&
	      console->announced != ANNOUNCED_PANIC;
	memcpy(ending.text, console->trouble_text, sizeof(ending.text));
	(void)pthread_mutex_unlock(&console->lock);
	if (due)
		control_end(console->control, &ending);
}

void console_attach_tests(struct console *console, struct ktap *tests)
{
	console->tests = tests;
}

/* Of the fullest. */
static size_t room(const struct console *console)
{
	size_t least = OUTLET_RING_BYTES;

	for (int i = 0; i < CONSOLE_OUTLETS; i++) {
		size_t here = outlet_room(&console->outlet[i]);

		least = here < least ? here : least;
	}
	return least;
}

/* Time since process start before each line; left out while the ring is nearly full. */
static void put_stamp(const struct console *console, struct outlet *outlet, uint64_t now_ns)
{
	uint64_t since = now_ns - console->marks->at_ns[MARK_PROCESS_START];
	char text[STAMP_BYTES];
	int length = snprintf(text, sizeof(text), "%10.6f ", (double)since / 1e9);

	if (outlet_room(outlet) > CONSOLE_ROOM_BYTES)
		outlet_put(outlet, text, (size_t)length);
}

static void put_text(struct console *console, uint8_t byte, uint64_t now_ns)
{
	for (int i = 0; i < CONSOLE_OUTLETS; i++) {
		struct outlet *outlet = &console->outlet[i];

		if (!(console->text_to & 1U << i))
			continue;
		if (outlet->at_line_start && (i == CONSOLE_LOG || console->timestamps))
			put_stamp(console, outlet, now_ns);
		outlet_put_byte(outlet, byte);
	}
	console->tail[console->text_bytes++ % CONSOLE_TAIL_BYTES] = byte;
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

/* Keeps the reason: [LINUX] kernel/panic.c, "Kernel panic - not syncing: REASON". */
static void announce_panic(struct console *console)
{
	static const char WORDS[] = "not syncing";
	const char *reason = strstr(console->watch.line, WORDS);
	size_t bytes;

	console->announced = ANNOUNCED_PANIC;
	if (!reason)
		return;
	reason += sizeof(WORDS) - 1;
	reason += *reason == ':';
	bytes = strlen(reason);
	bytes -= bytes && reason[bytes - 1] == '.'; /* it stands in a sentence of ours */
	ending_quote(console->panic, sizeof(console->panic), reason, bytes);
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
		announce_panic(console);
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

/*
 * The first trouble counts. Its report goes on, so the run ends a little later: a kernel that panics
 * for it has panicked.
 */
static void look_for_trouble(struct console *console, const char *line, size_t bytes,
			     uint64_t now_ns)
{
	uint64_t over_ns = now_ns + CONSOLE_TROUBLE_OVER_MS * NS_PER_MS;
	const char *name;
	int used;

	if (console->trouble_end_ns) {
		if (trouble_over(line, bytes) && over_ns < console->trouble_end_ns)
			console->trouble_end_ns = over_ns;
		return;
	}
	if (!trouble_line(console->trouble, line, bytes, &name))
		return;
	console->trouble_end_ns = now_ns + CONSOLE_TROUBLE_MS * NS_PER_MS;
	used = snprintf(console->trouble_text, sizeof(console->trouble_text), "%.60s: ", name);
	ending_quote(console->trouble_text + used, sizeof(console->trouble_text) - (size_t)used,
		     line, bytes);
}

/* A line of the text is complete; the watch still has it. */
static void read_line(struct console *console, uint64_t now_ns)
{
	const struct watch *watch = &console->watch;
	size_t bytes = strlen(watch->line);

	if (console->tests)
		ktap_line(console->tests, watch->line, bytes, watch->start_ns);
	if (console->trouble)
		look_for_trouble(console, watch->line, bytes, now_ns);
}

/*
 * A line of the program's: tests may be in it, and reports show it among the console's, unless the
 * kernel is in the middle of one.
 */
static void read_program_line(struct console *console, struct console_line *line)
{
	if (console->tests)
		ktap_line(console->tests, line->text, line->bytes, line->begun_ns);
	if (!console->lines.open) {
		for (size_t i = 0; i < line->bytes; i++)
			lines_byte(&console->lines, (uint8_t)line->text[i], line->begun_ns);
		lines_byte(&console->lines, '\n', line->begun_ns);
	}
	line->bytes = 0;
}

static void read_output(struct console *console, struct console_line *line, uint64_t now_ns)
{
	const struct frames *frames = &console->program->frames;

	if (!console->record)
		return;
	for (size_t i = 0; i < frames->payload_bytes; i++) {
		if (!line->bytes)
			line->begun_ns = now_ns;
		if (frames->payload[i] == '\n')
			read_program_line(console, line);
		else if (line->bytes < sizeof(line->text))
			line->text[line->bytes++] = (char)frames->payload[i];
	}
}

static void pass(struct console *console, uint8_t byte, uint64_t now_ns)
{
	unsigned int events;

	put_text(console, byte, now_ns);
	lines_byte(&console->lines, byte, now_ns);
	events = watch_byte(&console->watch, byte);
	if (events)
		act_on(console, events);
	if (byte == '\n')
		read_line(console, now_ns);
	if (console->dialogue && dialogue_bytes(console->dialogue, &byte, 1))
		control_wake(console->control);
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

static void take_text(struct console *console, const uint8_t *bytes, size_t count, uint64_t now_ns)
{
	for (size_t i = 0; i < count; i++) {
		if (escape_passes(&console->escape, bytes[i]))
			pass(console, bytes[i], now_ns);
		else
			sift(console, bytes[i], now_ns);
	}
}

/* Text and the frames of a program's output, one in the other's midst. */
static void take_frames(struct console *console, const uint8_t *bytes, size_t count,
			uint64_t now_ns)
{
	struct program *program = console->program;
	const struct frames *frames = &program->frames;
	struct ending ending;

	for (size_t i = 0; i < count; i++) {
		switch (program_take(program, bytes[i], &ending)) {
		case PROGRAM_TEXT:
			take_text(console, frames->passing, frames->passing_bytes, now_ns);
			break;
		case PROGRAM_STDOUT:
			outlet_put(&console->outlet[CONSOLE_OUT], frames->payload,
				   frames->payload_bytes);
			read_output(console, &console->out_line, now_ns);
			break;
		case PROGRAM_STDERR:
			outlet_put(&console->outlet[CONSOLE_ERR], frames->payload,
				   frames->payload_bytes);
			read_output(console, &console->err_line, now_ns);
			break;
		case PROGRAM_CREDIT: /* the supervisor may read input now */
			control_wake(console->control);
			break;
		case PROGRAM_OVER:
			control_end(console->control, &ending);
			break;
		case PROGRAM_NOTHING:
			break;
		}
	}
}

static bool waiting(const struct console *console)
{
	for (int i = 0; i < CONSOLE_OUTLETS; i++) {
		if (console->outlet[i].count)
			return true;
	}
	return false;
}

void console_put(void *ctx, const uint8_t *bytes, size_t count)
{
	struct console *console = ctx;
	uint64_t now = clock_now_ns();
	bool wake;

	(void)pthread_mutex_lock(&console->lock);
	mark_at(console->marks, MARK_CONSOLE_BYTE, now);
	if (console->program)
		take_frames(console, bytes, count, now);
	else
		take_text(console, bytes, count, now);
	console->bytes += count;
	wake = !console->awake && (console->tells_all || waiting(console));
	console->awake |= wake;
	(void)pthread_mutex_unlock(&console->lock);
	if (wake)
		control_wake(console->control);
}

/* What looked like the beginning of a hello is text; lines without an end are lines. */
static void end_program(struct console *console)
{
	const struct frames *frames = &console->program->frames;

	if (console->out_line.bytes)
		read_program_line(console, &console->out_line);
	if (console->err_line.bytes)
		read_program_line(console, &console->err_line);
	program_end(console->program);
	take_text(console, frames->passing, frames->passing_bytes, clock_now_ns());
}

void console_end_of_input(struct console *console)
{
	struct escape_passing passing;

	(void)pthread_mutex_lock(&console->lock);
	if (console->program)
		end_program(console);
	escape_end(&console->escape, &passing);
	pass_all(console, &passing, clock_now_ns());
	act_on(console, watch_unfinished(&console->watch) & WATCH_MARK);
	lines_end(&console->lines);
	if (console->tests)
		ktap_end(console->tests);
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

		/* In slices, because not every ending signals this condition at once. */
		(void)clock_gettime(CLOCK_MONOTONIC, &slice);
		add_ns(&slice, WAIT_SLICE_NS);
		(void)pthread_cond_timedwait(&console->room, &console->lock, &slice);
	}
	(void)pthread_mutex_unlock(&console->lock);
}

void console_let_go(struct console *console)
{
	(void)pthread_mutex_lock(&console->lock);
	(void)pthread_cond_broadcast(&console->room);
	(void)pthread_mutex_unlock(&console->lock);
}

/* What comes next; stays where it is: only we take bytes out. */
static size_t next_stretch(struct console *console, struct outlet *outlet, const uint8_t **bytes)
{
	size_t count;

	(void)pthread_mutex_lock(&console->lock);
	count = outlet_stretch(outlet, bytes);
	(void)pthread_mutex_unlock(&console->lock);
	return count;
}

static void take_out(struct console *console, struct outlet *outlet, size_t count)
{
	(void)pthread_mutex_lock(&console->lock);
	outlet_take_out(outlet, count);
	(void)pthread_cond_broadcast(&console->room); /* several vCPUs may wait */
	(void)pthread_mutex_unlock(&console->lock);
}

static enum console_flush lose(struct console *console, enum console_outlet which, int code)
{
	static const char *const what[CONSOLE_OUTLETS] = {
		[CONSOLE_OUT] = "console output",
		[CONSOLE_ERR] = "output to stderr",
		[CONSOLE_LOG] = "the log",
	};
	struct ending ending = { .kind = ENDING_OUTPUT_LOST, .detail = (uint64_t)code };

	(void)snprintf(ending.text, sizeof(ending.text), "%s", what[which]);
	console->lost = code;
	control_end(console->control, &ending);
	return CONSOLE_LOST;
}

static enum console_flush flush(struct console *console, enum console_outlet which)
{
	struct outlet *outlet = &console->outlet[which];
	const uint8_t *bytes;
	size_t count;

	outlet->blocked = false;
	while ((count = next_stretch(console, outlet, &bytes)) > 0) {
		long n = chardev_write(outlet->dev, bytes, count);

		if (n < 0)
			return lose(console, which, (int)-n);
		outlet->blocked = n == 0;
		if (n == 0)
			return CONSOLE_BLOCKED;
		take_out(console, outlet, (size_t)n);
	}
	return CONSOLE_EMPTY;
}

enum console_flush console_flush(struct console *console)
{
	enum console_flush worst = CONSOLE_EMPTY;

	for (int i = 0; i < CONSOLE_OUTLETS; i++) {
		enum console_flush flushed = flush(console, (enum console_outlet)i);

		worst = flushed > worst ? flushed : worst;
	}
	return worst;
}

struct chardev *console_blocked(struct console *console, enum console_outlet which)
{
	const struct outlet *outlet = &console->outlet[which];

	return outlet->blocked ? outlet->dev : NULL;
}

bool console_waiting(struct console *console)
{
	bool is;

	(void)pthread_mutex_lock(&console->lock);
	is = waiting(console);
	(void)pthread_mutex_unlock(&console->lock);
	return is;
}

void console_tell_all(struct console *console)
{
	(void)pthread_mutex_lock(&console->lock);
	console->tells_all = true;
	(void)pthread_mutex_unlock(&console->lock);
}

bool console_sleep(struct console *console)
{
	bool empty;

	(void)pthread_mutex_lock(&console->lock);
	empty = !waiting(console);
	if (empty) {
		act_on(console, watch_unfinished(&console->watch));
		if (console->dialogue && dialogue_quiet(console->dialogue))
			control_wake(console->control);
		console->awake = false;
	}
	(void)pthread_mutex_unlock(&console->lock);
	return empty;
}

void console_say(struct console *console, const char *text)
{
	struct outlet *out = &console->outlet[CONSOLE_OUT];

	(void)pthread_mutex_lock(&console->lock);
	for (const char *p = text; *p && outlet_room(out) > CONSOLE_ROOM_BYTES; p++) {
		if (*p == '\n')
			outlet_put_byte(out, '\r');
		outlet_put_byte(out, (uint8_t)*p);
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

size_t console_tail(struct console *console, char *text, size_t size)
{
	size_t count;

	(void)pthread_mutex_lock(&console->lock);
	count = console->text_bytes < CONSOLE_TAIL_BYTES ? (size_t)console->text_bytes
							 : CONSOLE_TAIL_BYTES;
	count = count < size - 1 ? count : size - 1;
	for (size_t i = 0; i < count; i++)
		text[i] =
			(char)console->tail[(console->text_bytes - count + i) % CONSOLE_TAIL_BYTES];
	text[count] = '\0';
	(void)pthread_mutex_unlock(&console->lock);
	return count;
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
