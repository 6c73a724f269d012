/* SPDX-License-Identifier: MIT */
#include "vmm/bootsigns.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 1e9 /* 30 years: beyond, a guest's clock has gone wrong */

void bootsigns_init(struct bootsigns *signs, const regex_t *uptime, const regex_t *until)
{
	(void)memset(signs, 0, sizeof(*signs));
	signs->uptime = uptime;
	watch_init(&signs->watch, until);
	escape_init(&signs->escape);
}

/* Of digits and a point only: strtod() would take more. */
static bool take_seconds(const char *text, size_t length, uint64_t *ns)
{
	char number[32];
	double seconds;
	char *end;

	if (length == 0 || length >= sizeof(number) || !isdigit((unsigned char)*text))
		return false;
	(void)memcpy(number, text, length);
	number[length] = '\0';
	if (strspn(number, "0123456789.") != length)
		return false;
	seconds = strtod(number, &end);
	if (*end || !(seconds <= SECONDS_MAX))
		return false;
	*ns = (uint64_t)(seconds * 1e9 + 0.5);
	return true;
}

/* unfinished: the line goes on, and so may a number that reaches to its end. */
static void look_for_uptime(struct bootsigns *signs, const char *line, bool unfinished)
{
	regmatch_t match[2];

	if (signs->uptime_known || !signs->uptime ||
	    regexec(signs->uptime, line, 2, match, 0) != 0 || match[1].rm_so < 0 ||
	    (unfinished && line[match[1].rm_eo] == '\0'))
		return;
	signs->uptime_known =
		take_seconds(line + match[1].rm_so, (size_t)(match[1].rm_eo - match[1].rm_so),
			     &signs->uptime_ns);
}

static void act_on(struct bootsigns *signs, unsigned int events, uint64_t now_ns)
{
	if ((events & WATCH_RUN_INIT) && !signs->run_init_ns)
		signs->run_init_ns = signs->watch.start_ns;
	if ((events & WATCH_UNTIL) && !signs->until_ns)
		signs->until_ns = now_ns;
}

static void take_text(struct bootsigns *signs, uint8_t byte, uint64_t now_ns)
{
	unsigned int events = watch_byte(&signs->watch, byte);

	act_on(signs, events, now_ns);
	if (byte == '\n')
		look_for_uptime(signs, signs->watch.line, false);
}

static void take_byte(struct bootsigns *signs, uint8_t byte, uint64_t now_ns)
{
	struct escape_passing passing;

	if (escape_passes(&signs->escape, byte)) {
		take_text(signs, byte, now_ns);
		return;
	}
	if (escape_take(&signs->escape, byte, now_ns, &passing)) {
		if (!signs->mark_ns)
			signs->mark_ns = signs->escape.mark_ns;
		return;
	}
	for (size_t i = 0; i < passing.count; i++)
		take_text(signs, passing.bytes[i], now_ns);
}

bool bootsigns_hear(void *ctx, const char *bytes, size_t count, uint64_t now_ns)
{
	struct bootsigns *signs = ctx;

	for (size_t i = 0; i < count; i++)
		take_byte(signs, (uint8_t)bytes[i], now_ns);
	act_on(signs, watch_unfinished(&signs->watch), now_ns);
	if (signs->until_ns && signs->watch.in_line)
		look_for_uptime(signs, signs->watch.line, true);
	return signs->until_ns != 0;
}

void bootsigns_end(struct bootsigns *signs)
{
	if (signs->watch.in_line) {
		signs->watch.line[signs->watch.length] = '\0';
		look_for_uptime(signs, signs->watch.line, true);
	}
}

enum bootsigns_init bootsigns_init_at(const struct bootsigns *signs, uint64_t *at_ns)
{
	*at_ns = signs->mark_ns ? signs->mark_ns : signs->run_init_ns;
	if (signs->mark_ns)
		return BOOTSIGNS_MARK;
	return signs->run_init_ns ? BOOTSIGNS_RUN_INIT : BOOTSIGNS_NONE;
}
