/* SPDX-License-Identifier: MIT */
#include "vmm/lineregex.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool refers_back(const char *expression)
{
	for (const char *p = strchr(expression, '\\'); p && p[1]; p = strchr(p + 2, '\\')) {
		if (isdigit((unsigned char)p[1]))
			return true;
	}
	return false;
}

/*
 * --- how large it becomes -----------------------------------------------------------------------
 */

/* Characters in a pair of parentheses so far, and those of the last thing in there. */
struct level {
	size_t all, last;
};

struct size {
	struct level level[LINEREGEX_DEPTH_MAX + 1];
	size_t depth, copies;
};

static void add(struct size *size, size_t characters)
{
	struct level *level = &size->level[size->depth];

	level->last = characters;
	level->all += characters;
}

static void repeat(struct size *size, size_t times)
{
	struct level *level = &size->level[size->depth];
	size_t more = times > 1 ? level->last * (times - 1) : 0;

	level->last += more;
	level->all += more;
	size->copies += more;
}

/* One without its other half is regcomp()'s to judge. */
static void end_group(struct size *size)
{
	size_t inside = size->level[size->depth].all;

	if (!size->depth)
		return;
	size->depth--;
	add(size, inside ? inside : 1);
}

/* {3}, {3,}, {3,5}, {,5}; as often as is too much at most. Other braces are characters. */
static const char *measure_braces(struct size *size, const char *text)
{
	const char *behind = text + 1 + strspn(text + 1, "0123456789,");
	char *end;
	unsigned long times = strtoul(text + 1, &end, 10);

	if (*behind != '}') {
		add(size, 1);
		return text + 1;
	}
	if (*end == ',')
		times = isdigit((unsigned char)end[1]) ? strtoul(end + 1, NULL, 10) : times + 1;
	repeat(size, times <= LINEREGEX_COPIES_MAX ? times : LINEREGEX_COPIES_MAX + 2);
	return behind + 1;
}

/* [:alpha:], [.a.] or [=a=] at text: what is behind it; else what is behind its first byte. */
static const char *behind_element(const char *text)
{
	char kind = text[0] == '[' && text[1] && strchr(":.=", text[1]) ? text[1] : '\0';
	const char *end = kind ? text + 2 : NULL;

	while (end && *end && (end[0] != kind || end[1] != ']'))
		end++;
	return end && *end ? end + 2 : text + 1;
}

/* Behind the bracket expression at text. A ] that comes first is no end: []a], [^]a]. */
static const char *behind_brackets(const char *text)
{
	text += text[1] == '^' ? 2 : 1;
	text += *text == ']';
	while (*text && *text != ']')
		text = behind_element(text);
	return text + (*text == ']');
}

/* What is at text: counts it, and returns what is behind it. */
static const char *measure_one(struct size *size, const char *text)
{
	switch (*text) {
	case '(':
		size->level[++size->depth] = (struct level){ 0, 0 };
		break;
	case ')':
		end_group(size);
		break;
	case '|':
	case '*':
	case '?':
		break;
	case '+':
		repeat(size, 2); /* a+ is made of aa* */
		break;
	case '{':
		return measure_braces(size, text);
	case '[':
		add(size, 1);
		return behind_brackets(text);
	default:
		add(size, 1);
		text += *text == '\\' && text[1];
	}
	return *text ? text + 1 : text;
}

static int check_size(const char *option, const char *text, struct err *e)
{
	struct size size = { .depth = 0 };
	size_t bytes = strlen(text);

	if (bytes > LINEREGEX_BYTES_MAX)
		return err_set(e, EINVAL, "-%s: the regular expression has %zu bytes; at most %d",
			       option, bytes, LINEREGEX_BYTES_MAX);
	for (const char *at = text; *at;) {
		if (*at == '(' && size.depth == LINEREGEX_DEPTH_MAX)
			return err_set(e, EINVAL,
				       "-%s: '%s' has more than %d parentheses in each other",
				       option, text, LINEREGEX_DEPTH_MAX);
		at = measure_one(&size, at);
		if (size.copies > LINEREGEX_COPIES_MAX)
			return err_set(e, EINVAL,
				       "-%s: '%s' repeats so much that it would become more than "
				       "%d characters longer; have smaller numbers in {}, or no "
				       "repetition in another one",
				       option, text, LINEREGEX_COPIES_MAX);
	}
	return 0;
}

/*
 * --- compiling ----------------------------------------------------------------------------------
 */

static int compile(const char *option, const char *text, int flags, regex_t *regex, struct err *e)
{
	char why[160];
	int rc = check_size(option, text, e);

	if (rc < 0)
		return rc;
	if (refers_back(text))
		return err_set(e, EINVAL, "-%s: '%s' has a back-reference; there are none here",
			       option, text);
	rc = regcomp(regex, text, REG_EXTENDED | flags);
	if (rc == 0)
		return 0;
	(void)regerror(rc, regex, why, sizeof(why));
	return err_set(e, EINVAL, "-%s: '%s' is not a regular expression: %s", option, text, why);
}

int lineregex_compile(const char *option, const char *text, regex_t *regex, struct err *e)
{
	return compile(option, text, REG_NOSUB, regex, e);
}

int lineregex_compile_group(const char *option, const char *text, regex_t *regex, struct err *e)
{
	int rc = compile(option, text, 0, regex, e);
	size_t groups = rc == 0 ? regex->re_nsub : 1;

	if (groups == 1)
		return rc;
	regfree(regex);
	return err_set(e, EINVAL,
		       "-%s: '%s' has %zu groups in parentheses; expected one, around the number",
		       option, text, groups);
}
