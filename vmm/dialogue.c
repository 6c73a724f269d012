/* SPDX-License-Identifier: MIT */
#include "vmm/dialogue.h"

#include <stdio.h>
#include <string.h>

#include "vmm/base/must.h"

/*
 * The window, and what is known of it:
 *
 *   lines that did not match \n ... \n  lines to look at \n  the unfinished line
 *                                     ^ looked                                  ^ used
 *
 * While a step is typing nothing is looked at: what the guest says then is the next step's.
 */

void dialogue_init(struct dialogue *d, const struct dialogue_script *script)
{
	*d = (struct dialogue){ .script = script };
	if (script->steps > 0)
		d->typing = !script->step[0].has_after;
	dialogue_sent(d, 0);
}

static const struct dialogue_step *current(const struct dialogue *d)
{
	return d->at < d->script->steps ? &d->script->step[d->at] : NULL;
}

bool dialogue_done(const struct dialogue *d)
{
	return !current(d);
}

static bool waits(const struct dialogue *d)
{
	return current(d) && !d->typing;
}

/* Forgets what lies before `from`, which is not before `looked`. */
static void forget(struct dialogue *d, size_t from)
{
	must(from <= d->used);
	memmove(d->window, d->window + from, d->used - from);
	d->used -= from;
	d->looked = 0;
}

static bool line_matches(struct dialogue *d, size_t from, size_t to)
{
	char kept = d->window[to];
	bool matched;

	d->window[to] = '\0';
	matched = regexec(&current(d)->re, d->window + from, 0, NULL, 0) == 0;
	d->window[to] = kept;
	return matched;
}

/*
 * Looks at the lines that nobody has looked at, and at the unfinished one. What has matched, and
 * all before it, is done with.
 */
static void look(struct dialogue *d)
{
	while (waits(d)) {
		const char *end = memchr(d->window + d->looked, '\n', d->used - d->looked);
		size_t to = end ? (size_t)(end - d->window) : d->used;

		if (!end && to == d->looked)
			return;
		if (line_matches(d, d->looked, to)) {
			forget(d, end ? to + 1 : to);
			d->typing = true;
			dialogue_sent(d, 0); /* nothing to type: on to the next */
		} else if (end) {
			d->looked = to + 1;
		} else {
			return;
		}
	}
}

/* Makes room for more than this byte, so that the window is not moved for each. */
static void keep(struct dialogue *d, uint8_t byte)
{
	if (d->used == DIALOGUE_WINDOW_BYTES)
		forget(d, d->looked ? d->looked : DIALOGUE_WINDOW_BYTES / 2);
	d->window[d->used++] = (char)byte;
}

bool dialogue_bytes(struct dialogue *d, const uint8_t *bytes, size_t count)
{
	bool typed = d->typing;

	if (dialogue_done(d))
		return false;
	for (size_t i = 0; i < count; i++) {
		uint8_t byte = bytes[i];

		if (byte == '\n')
			d->escape = WATCH_PLAIN;
		else if (watch_in_sequence(&d->escape, byte) || byte == '\0' || byte == '\r')
			continue;
		keep(d, byte);
		if (byte == '\n')
			look(d);
	}
	return !typed && d->typing;
}

bool dialogue_quiet(struct dialogue *d)
{
	bool typed = d->typing;

	look(d);
	return !typed && d->typing;
}

size_t dialogue_pending(const struct dialogue *d, const uint8_t **bytes)
{
	const struct dialogue_step *step = current(d);

	if (!step || !d->typing)
		return 0;
	*bytes = step->text + d->sent;
	return step->text_bytes - d->sent;
}

/* The guest may have answered, and fallen silent, before the last byte was told to be typed. */
void dialogue_sent(struct dialogue *d, size_t count)
{
	const struct dialogue_step *step = current(d);

	must(count == 0 || (step && d->typing && count <= step->text_bytes - d->sent));
	d->sent += count;
	while (step && d->typing && d->sent == step->text_bytes) {
		d->at++;
		d->sent = 0;
		step = current(d);
		d->typing = step && !step->has_after;
	}
	if (count > 0)
		look(d);
}

void dialogue_waiting(const struct dialogue *d, char *text, size_t size)
{
	const struct dialogue_step *step = current(d);

	if (!step)
		(void)snprintf(text, size, "all %zu steps are done", d->script->steps);
	else if (d->typing)
		(void)snprintf(text, size, "step %zu of %zu: the guest took %zu of %zu bytes",
			       d->at + 1, d->script->steps, d->sent, step->text_bytes);
	else
		(void)snprintf(text, size, "step %zu of %zu still waits for /%s/", d->at + 1,
			       d->script->steps, step->after);
}
