/* SPDX-License-Identifier: MIT */
#include "vmm/timing/watch.h"

#include <string.h>

#include "vmm/base/clock.h"
#include "vmm/base/must.h"

void watch_init(struct watch *watch, const regex_t *until)
{
	memset(watch, 0, sizeof(*watch));
	watch->until = until;
}

void watch_marks(struct watch *watch, const struct watch_mark *marks, size_t count)
{
	must(count <= WATCH_MARKS);
	watch->marks = marks;
	watch->mark_count = count;
}

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *text, const char *suffix)
{
	size_t length = strlen(text), wanted = strlen(suffix);

	return length >= wanted && strcmp(text + length - wanted, suffix) == 0;
}

const char *watch_text(const char *line)
{
	while (*line == '[') {
		const char *end = strchr(line, ']');
		size_t length = end ? (size_t)(end - line) : 0;

		if (!end || strspn(line + 1, " .0123456789TC") != length - 1)
			break;
		line = end[1] == ' ' ? end + 2 : end + 1;
	}
	return line;
}

/*
 * What a kernel says while user space is running may stand behind a prompt that nobody answered;
 * the others begin their line.
 */
static unsigned int classify(const char *line)
{
	static const struct {
		const char *words;
		bool anywhere;
		unsigned int events;
	} known[] = {
		{ "Linux version ", false, WATCH_BANNER },
		{ "Boot took ", false, WATCH_INIT_LINE },
		{ "---[ end Kernel panic", true, WATCH_PANIC_ENDS },
		{ "Rebooting in ", false, WATCH_PANIC_ENDS },
		{ "Kernel panic - not syncing", true, WATCH_PANIC },
		{ "reboot: Restarting system", true, WATCH_RESTARTS },
		{ "reboot: machine restart", true, WATCH_RESTARTS },
		{ "reboot: Power down", true, WATCH_POWERS_DOWN },
		{ "reboot: System halted", true, WATCH_HALTS },
	};
	const char *text = watch_text(line);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].anywhere ? strstr(text, known[i].words) != NULL
				      : starts_with(text, known[i].words))
			return known[i].events;
	}
	if (starts_with(text, "Run ") && ends_with(text, " as init process"))
		return WATCH_RUN_INIT;
	return WATCH_NOTHING;
}

static bool matches(const regex_t *re, const char *line)
{
	return regexec(re, line, 0, NULL, 0) == 0;
}

static bool match_marks(struct watch *watch)
{
	watch->matched_now = 0;
	for (size_t i = 0; i < watch->mark_count; i++) {
		uint64_t bit = 1ULL << i;

		if (!(watch->matched & bit) && matches(&watch->marks[i].re, watch->line))
			watch->matched_now |= bit;
	}
	watch->matched |= watch->matched_now;
	return watch->matched_now != 0;
}

/* What the user's expressions find in the line so far. */
static unsigned int look(struct watch *watch)
{
	unsigned int events = WATCH_NOTHING;

	watch->line[watch->length] = '\0';
	watch->looked_at = true;
	if (watch->until && matches(watch->until, watch->line))
		events |= WATCH_UNTIL;
	if (match_marks(watch))
		events |= WATCH_MARK;
	return events;
}

static void begin_line(struct watch *watch)
{
	if (watch->in_line)
		return;
	watch->in_line = true;
	watch->start_ns = clock_now_ns();
}

static unsigned int end_of_line(struct watch *watch)
{
	unsigned int events;

	begin_line(watch); /* an empty one begins with its end */
	if (watch->length && watch->line[watch->length - 1] == '\r')
		watch->length--;
	events = look(watch) | classify(watch->line);
	watch->banner_seen |= (events & WATCH_BANNER) != 0;
	watch->length = 0;
	watch->in_line = false;
	return events;
}

/*
 * Colours, cursor movements, character sets and titles are no part of what a line says: ESC [ ...
 * up to a byte of 0x40-0x7e ([ECMA-48] "Control sequences"); ESC ] ..., and its like, up to BEL or
 * the next ESC ("Control strings"); ESC, bytes of 0x20-0x2f, one more.
 */
static enum watch_escape after_esc(uint8_t byte)
{
	if (byte == '[')
		return WATCH_IN_SEQUENCE;
	if (byte && strchr("]PX^_", byte))
		return WATCH_IN_STRING;
	return byte >= 0x20 && byte <= 0x2f ? WATCH_AFTER_ESC : WATCH_PLAIN;
}

bool watch_in_sequence(enum watch_escape *state, uint8_t byte)
{
	enum watch_escape was = *state;

	if (was == WATCH_AFTER_ESC)
		*state = after_esc(byte);
	else if (byte == 0x1b && was != WATCH_IN_SEQUENCE)
		*state = WATCH_AFTER_ESC;
	else if (was == WATCH_IN_SEQUENCE && byte >= 0x40 && byte <= 0x7e)
		*state = WATCH_PLAIN;
	else if (was == WATCH_IN_STRING && byte == '\a')
		*state = WATCH_PLAIN;
	return was != WATCH_PLAIN || *state != WATCH_PLAIN;
}

/*
 * The decompressor gives up with a line that it does not end ([LINUX]
 * arch/x86/boot/compressed/error.c). No kernel has said anything then.
 */
static bool is_halted_unpacking(const struct watch *watch)
{
	static const char words[] = " -- System halted";

	return !watch->banner_seen && watch->length == sizeof(words) - 1 &&
	       memcmp(watch->line, words, sizeof(words) - 1) == 0;
}

unsigned int watch_byte(struct watch *watch, uint8_t byte)
{
	if (byte == '\n') {
		watch->escape = WATCH_PLAIN;
		return end_of_line(watch);
	}
	if (watch_in_sequence(&watch->escape, byte))
		return WATCH_NOTHING;
	begin_line(watch);
	if (byte && watch->length < sizeof(watch->line) - 1) {
		watch->line[watch->length++] = (char)byte;
		watch->looked_at = false;
		if (is_halted_unpacking(watch))
			return WATCH_PANIC | WATCH_PANIC_ENDS;
	}
	return WATCH_NOTHING;
}

unsigned int watch_unfinished(struct watch *watch)
{
	bool wanted = watch->until || watch->mark_count;

	return wanted && watch->in_line && !watch->looked_at ? look(watch) : WATCH_NOTHING;
}
