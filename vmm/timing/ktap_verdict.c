/* SPDX-License-Identifier: MIT */
/* Results -> names, and whether all passed. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vmm/timing/ktap.h"

/* ---- names ----------------------------------------------------------------------------------- */

void ktap_name(const struct ktap *ktap, uint32_t index, char *to, size_t size)
{
	const struct ktap_result *result;

	if (size)
		to[0] = '\0';
	if (index >= ktap->results)
		return;
	result = &ktap->result[index];
	if (result->name)
		(void)snprintf(to, size, "%s", ktap_text(ktap, result->name));
	else if (result->number)
		(void)snprintf(to, size, "test %" PRIu32, result->number);
	else
		(void)snprintf(to, size, "%s", result->group ? "(no name)" : "all");
}

void ktap_path(const struct ktap *ktap, uint32_t index, char *to, size_t size)
{
	uint32_t chain[KTAP_LEVELS_MAX + 1];
	size_t length = 0, used = 0;

	if (size)
		to[0] = '\0';
	for (; index < ktap->results && length <= KTAP_LEVELS_MAX; length++) {
		chain[length] = index;
		index = ktap->result[index].parent;
	}
	if (size > KTAP_PATH_BYTES)
		size = KTAP_PATH_BYTES;
	while (length > 0 && used + 1 < size) {
		ktap_name(ktap, chain[--length], to + used, size - used);
		used += strlen(to + used);
		if (length > 0 && used + 1 < size)
			to[used++] = '.';
		to[used] = '\0';
	}
}

void ktap_why(const struct ktap *ktap, uint32_t index, char *to, size_t size)
{
	const struct ktap_result *result = &ktap->result[index];
	const char *why = ktap_text(ktap, result->reason);

	if (!*why) {
		why = ktap_text(ktap, result->output);
		why += strspn(why, "# ");
	}
	(void)snprintf(to, size, "%.*s", (int)strcspn(why, "\n"), why);
}

const char *ktap_status_word(enum ktap_status status)
{
	static const char *const word[KTAP_STATUSES] = {
		[KTAP_NO_RESULT] = "none", [KTAP_PASS] = "pass", [KTAP_FAIL] = "fail",
		[KTAP_SKIP] = "skip",      [KTAP_TODO] = "todo",
	};

	return word[status];
}

const char *ktap_verdict_word(enum ktap_verdict verdict)
{
	static const char *const word[] = {
		[KTAP_PASSED] = "passed",
		[KTAP_FAILED] = "failed",
		[KTAP_INCOMPLETE] = "incomplete",
		[KTAP_NONE] = "none",
	};

	return word[verdict];
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static bool is_incomplete(const struct ktap *ktap)
{
	return ktap->missing || ktap->surplus || ktap->unfinished || ktap->planless ||
	       ktap->bailed_out;
}

static enum ktap_verdict decide(const struct ktap *ktap)
{
	if (ktap->count[KTAP_FAIL])
		return KTAP_FAILED;
	if (ktap->streams && is_incomplete(ktap))
		return KTAP_INCOMPLETE;
	return ktap->tests ? KTAP_PASSED : KTAP_NONE;
}

struct sentence {
	char text[2 * KTAP_PATH_BYTES];
	size_t used;
};

static void __attribute__((format(printf, 2, 3))) say(struct sentence *s, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(s->text + s->used, sizeof(s->text) - s->used, format, arguments);
	va_end(arguments);
	if (length > 0)
		s->used += (size_t)length;
	if (s->used >= sizeof(s->text))
		s->used = sizeof(s->text) - 1;
}

static const char *s_of(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void say_passed(struct sentence *s, const struct ktap *ktap)
{
	const uint64_t *count = ktap->count;

	if (count[KTAP_PASS] == ktap->tests && ktap->tests > 1) {
		say(s, "all %" PRIu64 " tests passed", ktap->tests);
		return;
	}
	say(s, "%" PRIu64 " test%s: %" PRIu64 " passed", ktap->tests, s_of(ktap->tests),
	    count[KTAP_PASS]);
	if (count[KTAP_SKIP])
		say(s, ", %" PRIu64 " skipped", count[KTAP_SKIP]);
	if (count[KTAP_TODO])
		say(s, ", %" PRIu64 " expected to fail", count[KTAP_TODO]);
}

static void say_failed(struct sentence *s, const struct ktap *ktap)
{
	char path[KTAP_PATH_BYTES];

	ktap_path(ktap, ktap->first_failed, path, sizeof(path));
	say(s, "%" PRIu64 " of %" PRIu64 " test%s failed", ktap->count[KTAP_FAIL], ktap->tests,
	    s_of(ktap->tests));
	if (is_incomplete(ktap))
		say(s, ", and not all results came");
	if (path[0])
		say(s, ": %s%s", ktap->count[KTAP_FAIL] > 1 ? "first " : "", path);
}

/* "3 of 25 results of suite came, the last one suite.test" */
static void say_gap(struct sentence *s, const struct ktap *ktap)
{
	char group[KTAP_PATH_BYTES], last[KTAP_PATH_BYTES];

	ktap_path(ktap, ktap->gap.group, group, sizeof(group));
	ktap_path(ktap, ktap->last, last, sizeof(last));
	say(s, "%" PRIu64 " of %" PRIu64 " results%s%s came", ktap->gap.came, ktap->gap.planned,
	    group[0] ? " of " : "", group);
	if (last[0])
		say(s, ", the last %s", last);
}

static void say_incomplete(struct sentence *s, const struct ktap *ktap)
{
	if (ktap->bailed_out)
		say(s, "the tests bailed out: %s", ktap_text(ktap, ktap->bail_reason));
	else if (ktap->gap.known)
		say_gap(s, ktap);
	else if (ktap->unfinished)
		say(s, "%" PRIu64 " group%s of tests came to no result", ktap->unfinished,
		    s_of(ktap->unfinished));
	else if (ktap->surplus)
		say(s, "%" PRIu64 " result%s more than planned", ktap->surplus,
		    s_of(ktap->surplus));
	else
		say(s, "%" PRIu64 " result%s and no plan: nobody knows whether that was all",
		    ktap->tests, s_of(ktap->tests));
}

static void say_none(struct sentence *s, const struct ktap *ktap)
{
	if (ktap->streams)
		say(s, "no test was run");
	else
		say(s, "no line \"KTAP version 1\" or \"TAP version 13\" came");
}

/* Into ASCII that can be printed; "..." for what has no room. */
static void quote(char *to, size_t size, const struct sentence *s)
{
	size_t bytes = s->used < size ? s->used : size - 1;

	for (size_t i = 0; i < bytes; i++)
		to[i] = (char)(s->text[i] >= ' ' && s->text[i] <= '~' ? s->text[i] : '?');
	to[bytes] = '\0';
	if (bytes < s->used && bytes >= 3)
		memcpy(to + bytes - 3, "...", 3);
}

enum ktap_verdict ktap_verdict(const struct ktap *ktap, char *text, size_t size)
{
	static void (*const say_it[])(struct sentence *, const struct ktap *) = {
		[KTAP_PASSED] = say_passed,
		[KTAP_FAILED] = say_failed,
		[KTAP_INCOMPLETE] = say_incomplete,
		[KTAP_NONE] = say_none,
	};
	enum ktap_verdict verdict = decide(ktap);
	struct sentence sentence = { .used = 0 };

	if (text && size) {
		say_it[verdict](&sentence, ktap);
		quote(text, size, &sentence);
	}
	return verdict;
}
