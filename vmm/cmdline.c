/* SPDX-License-Identifier: MIT */
#include "vmm/cmdline.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The next word of a line, taken as next_arg() does: blanks in double quotes belong to it. */
static const char *next_word(const char *at, const char **end)
{
	bool quoted = false;

	while (isspace((unsigned char)*at))
		at++;
	for (*end = at; **end && (quoted || !isspace((unsigned char)**end)); (*end)++)
		quoted ^= **end == '"';
	return at;
}

static char plain_letter(char c)
{
	return c == '-' ? '_' : c;
}

/* Where the name ends of the word from at to end, which may begin with a quote: `"a=b c"` is a. */
static const char *end_of_name(const char *at, const char *end)
{
	while (at < end && *at != '=' && *at != '"')
		at++;
	return at;
}

static bool is_called(const char *at, const char *end, const char *name, size_t length)
{
	if ((size_t)(end_of_name(at, end) - at) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (plain_letter(at[i]) != plain_letter(name[i]))
			return false;
	return true;
}

/* Behind it the words are init's. */
static bool is_the_end(const char *at, const char *end)
{
	return end - at >= 2 && memcmp(at, "--", 2) == 0 && end_of_name(at, end) == at + 2 &&
	       (at + 2 == end || at[2] == '"');
}

static bool has(const char *line, const char *name, bool alone)
{
	size_t length = strcspn(name, "=");
	const char *end;

	for (const char *at = next_word(line, &end); at < end; at = next_word(end, &end)) {
		at += *at == '"';
		if (is_the_end(at, end))
			return false;
		if (is_called(at, end, name, length) && (!alone || at[length] != '='))
			return true;
	}
	return false;
}

bool cmdline_has(const char *line, const char *name)
{
	return has(line, name, false);
}

bool cmdline_has_alone(const char *line, const char *name)
{
	return has(line, name, true);
}

/* Where the "--" stands, or the line's end. */
static const char *end_of_kernel_s(const char *line)
{
	const char *end;

	for (const char *at = next_word(line, &end); at < end; at = next_word(end, &end))
		if (is_the_end(at + (*at == '"'), end))
			return at;
	return line + strlen(line);
}

char *cmdline_with(const char *line, const char *word)
{
	const char *rest = end_of_kernel_s(line);
	int length = (int)(rest - line);
	bool blank = length == 0 || isspace((unsigned char)rest[-1]);
	char *all;

	if (asprintf(&all, "%.*s%s%s%s%s", length, line, blank ? "" : " ", word, *rest ? " " : "",
		     rest) < 0)
		return NULL;
	return all;
}
