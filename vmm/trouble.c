/* SPDX-License-Identifier: MIT */
#include "vmm/trouble.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "vmm/base/must.h"
#include "vmm/base/suggest.h"
#include "vmm/lineregex.h"
#include "vmm/timing/watch.h"
#include "vmm/trouble_table.h"

enum {
	NAMES_MAX = 64, /* rows and groups, for suggestions */
	EXPRESSION_BYTES = 1024,
	STARTS_MAX = 4,
	SEPARATOR_BYTES = 10, /* '=' that make a line between reports; they have 25 and more */
};

/* --- names and expressions ------------------------------------------------------------------- */

static const char *next_name(const char *name, size_t *length)
{
	*length = strcspn(name, ",");
	return name[*length] ? name + *length + 1 : NULL;
}

static bool is_called(const char *name, const char *text, size_t length)
{
	return strlen(name) == length && memcmp(name, text, length) == 0;
}

static uint64_t group_bits(unsigned int group)
{
	uint64_t bits = 0;

	must(trouble_table_rows < 64);
	for (size_t i = 0; i < trouble_table_rows; i++) {
		if (group == TROUBLE_ALL || (trouble_table[i].groups & group))
			bits |= 1ULL << i;
	}
	return bits;
}

/* 0: there is no such name. */
static uint64_t bits_of(const char *text, size_t length)
{
	for (size_t i = 0; i < trouble_groups_count; i++) {
		if (is_called(trouble_groups[i].name, text, length))
			return group_bits(trouble_groups[i].group);
	}
	for (size_t i = 0; i < trouble_table_rows; i++) {
		if (is_called(trouble_table[i].name, text, length))
			return 1ULL << i;
	}
	return 0;
}

static size_t all_names(const char *names[NAMES_MAX])
{
	size_t count = 0;

	must(trouble_table_rows + trouble_groups_count <= NAMES_MAX);
	for (size_t i = 0; i < trouble_groups_count; i++)
		names[count++] = trouble_groups[i].name;
	for (size_t i = 0; i < trouble_table_rows; i++)
		names[count++] = trouble_table[i].name;
	return count;
}

static int refuse_name(const char *text, size_t length, struct err *e)
{
	const char *names[NAMES_MAX], *nearest;
	char typed[32], list[400] = "";
	size_t count = all_names(names), used = 0;

	(void)snprintf(typed, sizeof(typed), "%.*s", (int)length, text);
	nearest = suggest_nearest(typed, names, count);
	for (size_t i = 0; i < count && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? " " : "",
					 names[i]);
	return err_set(e, EINVAL, "-fail-on: there is no '%s'%s%s%s; there are: %s; or /RE/", typed,
		       nearest ? ", did you mean '" : "", nearest ? nearest : "",
		       nearest ? "'?" : "", list);
}

static bool is_list(const char *value)
{
	return value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-,")] == '\0';
}

static int add_names(struct trouble *t, const char *value, struct err *e)
{
	uint64_t bits = 0;
	size_t length;

	for (const char *name = value; name;) {
		const char *next = next_name(name, &length);
		uint64_t more = bits_of(name, length);

		if (more == 0)
			return refuse_name(name, length, e);
		bits |= more;
		name = next;
	}
	t->names |= bits;
	return 0;
}

/* "OOPS,Warn" is an expression that no line matches; it was not meant so. */
static bool is_list_in_capitals(const char *value)
{
	char lower[EXPRESSION_BYTES];
	struct trouble ignored = { 0 };
	struct err e;
	size_t length = strlen(value);

	if (length >= sizeof(lower) || !strchr(value, ','))
		return false;
	for (size_t i = 0; i <= length; i++)
		lower[i] = (char)tolower((unsigned char)value[i]);
	return is_list(lower) && add_names(&ignored, lower, &e) == 0;
}

static int add_expression(struct trouble *t, const char *value, struct err *e)
{
	size_t length = strlen(value);
	bool in_slashes = length > 2 && value[0] == '/' && value[length - 1] == '/';
	char text[EXPRESSION_BYTES];
	int rc;

	if (length >= sizeof(text))
		return err_set(e, EINVAL,
			       "-fail-on: an expression of %zu bytes; %zu is the most there can be",
			       length, sizeof(text) - 1);
	if (t->expressions == TROUBLE_EXPRESSIONS_MAX)
		return err_set(e, E2BIG, "-fail-on: there can be %d expressions",
			       TROUBLE_EXPRESSIONS_MAX);
	if (is_list_in_capitals(value))
		return err_set(e, EINVAL, "-fail-on: '%s': names are written in small letters",
			       value);
	(void)snprintf(text, sizeof(text), "%.*s", (int)(length - 2 * in_slashes),
		       value + in_slashes);
	rc = lineregex_compile("fail-on", text, &t->re[t->expressions], e);
	if (rc == 0)
		t->re_text[t->expressions++] = value;
	return rc;
}

int trouble_parse(struct trouble *t, const char *value, struct err *e)
{
	return is_list(value) ? add_names(t, value, e) : add_expression(t, value, e);
}

void trouble_finish(struct trouble *t)
{
	for (size_t i = 0; i < t->expressions; i++)
		regfree(&t->re[i]);
	*t = (struct trouble){ 0 };
}

bool trouble_wanted(const struct trouble *t)
{
	return t->names || t->expressions;
}

/* --- lines ----------------------------------------------------------------------------------- */

static bool starts_with(const char *text, const char *words)
{
	return strncmp(text, words, strlen(words)) == 0;
}

/*
 * Behind what a shell or getty shows while it waits: "# ", "$ ", "> ", "login: ", "assword: ". A
 * '#' that begins the line begins a comment.
 */
static const char *behind_prompt(const char *line)
{
	static const char *const prompts[] = { "# ", "$ ", "> ", "login: ", "assword: " };
	const char *first = NULL;

	for (size_t i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
		const char *at = strstr(line + (*line != '\0'), prompts[i]);

		if (at && (!first || at < first))
			first = at + strlen(prompts[i]);
	}
	return first;
}

/* Where the kernel may have begun to speak: watch_text() passes over the stamps of printk. */
static size_t find_starts(const char *line, const char *start[STARTS_MAX])
{
	const char *behind = behind_prompt(line);
	size_t count = 0;

	start[count++] = watch_text(line);
	if (behind)
		start[count++] = watch_text(behind);
	for (const char *p = strchr(line, '['); p && count < STARTS_MAX; p = strchr(p + 1, '[')) {
		const char *text = watch_text(p);

		if (text > p + 2 && memchr(p, '.', (size_t)(text - p)))
			start[count++] = text;
	}
	return count;
}

static bool is_there(const char *at, const struct trouble_text *text)
{
	return !text->also || strstr(at + strlen(text->words), text->also);
}

static bool stands_in(const char *line, const struct trouble_text *text)
{
	for (const char *p = strstr(line, text->words); p; p = strstr(p + 1, text->words)) {
		if ((p == line || strchr(" \t]", p[-1])) && is_there(p, text))
			return true;
	}
	return false;
}

static size_t hex_digits(const char *text)
{
	return strspn(text, "0123456789abcdef");
}

/*
 * "general protection fault, maybe for address 0x...: 0000 [#1] PREEMPT SMP"; since 6.10 with
 * "Oops: " before it. __die_header() of arch/x86/kernel/dumpstack.c.
 */
static bool is_death(const char *text, const char *words)
{
	const char *behind = starts_with(text, "Oops: ") ? text + 6 : text;

	if (!starts_with(behind, words))
		return false;
	for (const char *p = strstr(text, ": "); p; p = strstr(p + 1, ": ")) {
		if (hex_digits(p + 2) == 4 && starts_with(p + 6, " [#") &&
		    isdigit((unsigned char)p[9]))
			return true;
	}
	return false;
}

static bool says(const char *line, const char *const *start, size_t starts,
		 const struct trouble_text *text)
{
	if (text->where == TROUBLE_ANYWHERE)
		return stands_in(line, text);
	for (size_t i = 0; i < starts; i++) {
		if (text->where == TROUBLE_DIES
			    ? is_death(start[i], text->words)
			    : starts_with(start[i], text->words) && is_there(start[i], text))
			return true;
	}
	return false;
}

static const char *find_name(const struct trouble *t, const char *line)
{
	const char *start[STARTS_MAX];
	size_t starts = find_starts(line, start);

	for (size_t row = 0; row < trouble_table_rows; row++) {
		const struct trouble_text *text = trouble_table[row].text;

		if (!(t->names & 1ULL << row))
			continue;
		for (size_t i = 0; i < TROUBLE_TEXTS_MAX && text[i].words; i++) {
			if (says(line, start, starts, &text[i]))
				return trouble_table[row].name;
		}
	}
	return NULL;
}

bool trouble_line(const struct trouble *t, const char *line, size_t bytes, const char **name)
{
	*name = NULL;
	if (bytes == 0)
		return false;
	if (t->names)
		*name = find_name(t, line);
	for (size_t i = 0; !*name && i < t->expressions; i++) {
		if (regexec(&t->re[i], line, 0, NULL, 0) == 0)
			*name = t->re_text[i];
	}
	return *name != NULL;
}

bool trouble_over(const char *line, size_t bytes)
{
	const char *text = watch_text(line);
	size_t length = bytes - (size_t)(text - line);

	if (strstr(text, "---[ end ")) /* "trace 0000000000000000 ]---", "Kernel panic - ..." */
		return true;
	if (starts_with(text, "Rebooting in "))
		return true;
	return length >= SEPARATOR_BYTES && strspn(text, "=") == length;
}

void trouble_names(FILE *out)
{
	for (size_t i = 0; i < trouble_table_rows; i++)
		fprintf(out, "  %-14s %s\n", trouble_table[i].name, trouble_table[i].catches);
	for (size_t i = 0; i < trouble_groups_count; i++)
		fprintf(out, "  %-14s %s\n", trouble_groups[i].name, trouble_groups[i].catches);
}
