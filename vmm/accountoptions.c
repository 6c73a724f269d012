/* SPDX-License-Identifier: MIT */
#include "vmm/accountoptions.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/lineregex.h"

static const struct {
	const char *name;
	unsigned int bits;
} words[] = {
	{ "marks", 0 },
	{ "phases", ACCOUNT_PHASES },
	{ "initcalls", ACCOUNT_PHASES | ACCOUNT_INITCALLS },
	{ "exits", ACCOUNT_EXITS },
	{ "lines", ACCOUNT_LINES },
	{ "all", ACCOUNT_ALL },
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

static int add_word(struct account_options *o, const char *word, size_t length, struct err *e)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (strlen(words[i].name) == length && strncmp(words[i].name, word, length) == 0) {
			o->what |= words[i].bits;
			return 0;
		}
	}
	return err_set(
		e, EINVAL,
		"-account: there is no '%.*s'; it takes marks, phases, initcalls, exits, lines "
		"and all, with commas between them",
		(int)length, word);
}

int accountoptions_what(struct account_options *o, const char *value, struct err *e)
{
	o->what_given = true;
	o->what = 0;
	for (;;) {
		size_t length = strcspn(value, ",");
		int rc = add_word(o, value, length, e);

		if (rc < 0 || !value[length])
			return rc;
		value += length + 1;
	}
}

int accountoptions_profile(struct account_options *o, const char *value, struct err *e)
{
	char *end;
	unsigned long hz = strtoul(value, &end, 10);

	if (!isdigit((unsigned char)*value) || *end || hz < 1 || hz > ACCOUNT_PROFILE_MAX_HZ)
		return err_set(e, EINVAL,
			       "-profile: '%s' is not a number of samples a second: 1 to %d", value,
			       ACCOUNT_PROFILE_MAX_HZ);
	o->profile_hz = hz;
	return 0;
}

/* Letters, digits and . _ - in a name, so that it can stand in a budget. */
static size_t name_length(const char *value)
{
	size_t length = 0;

	while (isalnum((unsigned char)value[length]) ||
	       (value[length] && strchr("._-", value[length])))
		length++;
	return length;
}

int accountoptions_mark(struct account_options *o, const char *value, struct err *e)
{
	size_t length = name_length(value);
	struct watch_mark *mark = &o->mark[o->marks];
	int rc;

	if (!length || length >= RECORD_NAME_BYTES || value[length] != '=' || !value[length + 1])
		return err_set(e, EINVAL,
			       "-mark: '%s' is not NAME=REGEX, with a name of up to %d letters, "
			       "digits and . _ -",
			       value, RECORD_NAME_BYTES - 1);
	if (o->marks == ACCOUNT_MARKS_MAX)
		return err_set(e, E2BIG, "-mark: there can be %d of them", ACCOUNT_MARKS_MAX);
	rc = lineregex_compile("mark", value + length + 1, &mark->re, e);
	if (rc < 0)
		return rc;
	memcpy(o->mark_name[o->marks], value, length);
	o->mark_name[o->marks][length] = '\0';
	mark->name = o->mark_name[o->marks];
	o->marks++;
	return 0;
}

int accountoptions_assert(struct account_options *o, const char *value, struct err *e)
{
	int rc;

	if (o->budgets == ACCOUNT_BUDGETS_MAX)
		return err_set(e, E2BIG, "-assert: there can be %d of them", ACCOUNT_BUDGETS_MAX);
	rc = budget_parse(&o->budget[o->budgets], value, e);
	if (rc == 0)
		o->budgets++;
	return rc;
}

/*
 * A report and budgets take what costs next to nothing; a picture takes all there is. -control
 * compares consoles.
 */
static unsigned int needed(const struct account_options *o)
{
	unsigned int what = 0;

	if (o->symbols)
		what |= ACCOUNT_PHASES;
	if (o->report || o->budgets || o->control)
		what |= ACCOUNT_PHASES | ACCOUNT_EXITS | ACCOUNT_LINES;
	if (o->junit || o->summary)
		what |= ACCOUNT_LINES; /* the console's last words */
	if (o->trace || o->html)
		what |= ACCOUNT_ALL;
	for (size_t i = 0; i < o->budgets; i++) {
		if (strncmp(o->budget[i].name, "initcall", 8) == 0)
			what |= ACCOUNT_ALL;
	}
	return what;
}

int accountoptions_settle(struct account_options *o, struct err *e)
{
	if ((o->folded || o->flame) && !o->profile_hz)
		return err_set(e, EINVAL, "%s needs samples: -profile 1000, say",
			       o->folded ? "-folded" : "-flame");
	if (!o->what_given)
		o->what = needed(o);
	return 0;
}

bool accountoptions_wanted(const struct account_options *o)
{
	return o->what || o->profile_hz || o->dmesg || o->report || o->trace || o->html ||
	       o->budgets || o->control || o->marks || o->junit || o->summary || o->tap;
}

void accountoptions_finish(struct account_options *o)
{
	for (size_t i = 0; i < o->marks; i++)
		regfree(&o->mark[i].re);
	o->marks = 0;
}
