/* SPDX-License-Identifier: MIT */
#include "vmm/timing/ktapline.h"

#include <string.h>
#include <strings.h>

enum { TAB_COLUMNS = 4, STAMPS_MAX = 2 };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void advance(struct ktapline_text *text, size_t bytes)
{
	text->at += bytes;
	text->bytes -= bytes;
}

static bool take(struct ktapline_text *text, const char *words)
{
	size_t length = strlen(words);

	if (text->bytes < length || memcmp(text->at, words, length) != 0)
		return false;
	advance(text, length);
	return true;
}

static void trim(struct ktapline_text *text)
{
	while (text->bytes && is_blank(text->at[0]))
		advance(text, 1);
	while (text->bytes && is_blank(text->at[text->bytes - 1]))
		text->bytes--;
}

/* "[    0.123456] ", or the "[    T1]" of CONFIG_PRINTK_CALLER behind it. */
static size_t stamp_bytes(const struct ktapline_text *text)
{
	const char *end;
	size_t inside;

	if (!text->bytes || text->at[0] != '[')
		return 0;
	end = memchr(text->at, ']', text->bytes);
	if (!end || end == text->at + 1)
		return 0;
	inside = (size_t)(end - text->at) - 1;
	for (size_t i = 1; i <= inside; i++) {
		if (!text->at[i] || !strchr(" .0123456789TC", text->at[i]))
			return 0;
	}
	return inside + 2;
}

static void skip_stamps(struct ktapline_text *text)
{
	size_t length;

	for (int i = 0; i < STAMPS_MAX && (length = stamp_bytes(text)) > 0; i++) {
		advance(text, length);
		if (!text->bytes || text->at[0] != '[')
			(void)take(text, " ");
	}
}

static unsigned int skip_indentation(struct ktapline_text *text)
{
	unsigned int column = 0;

	while (text->bytes && is_blank(text->at[0])) {
		column += text->at[0] == '\t' ? TAB_COLUMNS : 1;
		advance(text, 1);
	}
	return column;
}

/* The whole of a number and no letter behind it. */
static bool take_number(struct ktapline_text *text, uint32_t *number)
{
	uint32_t value = 0;

	if (!text->bytes || !is_digit(text->at[0]))
		return false;
	while (text->bytes && is_digit(text->at[0])) {
		if (value <= KTAPLINE_NUMBER_MAX)
			value = value * 10 + (uint32_t)(text->at[0] - '0');
		if (value > KTAPLINE_NUMBER_MAX)
			value = KTAPLINE_NUMBER_MAX;
		advance(text, 1);
	}
	*number = value;
	return !text->bytes || is_blank(text->at[0]);
}

static bool is_version(struct ktapline_text text)
{
	uint32_t number;

	return (take(&text, "KTAP version ") || take(&text, "TAP version ")) &&
	       take_number(&text, &number);
}

/* ---- what stands behind '#' ------------------------------------------------------------------ */

static bool has_word(const struct ktapline_text *text, const char *word, bool whole)
{
	size_t length = strlen(word);

	if (text->bytes < length || strncasecmp(text->at, word, length) != 0)
		return false;
	return !whole || text->bytes == length || is_blank(text->at[length]) ||
	       text->at[length] == ':';
}

/* [TAP13] "Directives": case does not count, and "SKIPPED" is a skip as well. */
static enum ktapline_directive directive_at(const struct ktapline_text *text)
{
	if (has_word(text, "SKIP", false))
		return KTAPLINE_SKIP;
	if (has_word(text, "TODO", true))
		return KTAPLINE_TODO;
	return has_word(text, "XFAIL", true) ? KTAPLINE_XFAIL : KTAPLINE_NONE;
}

static void skip_directive(struct ktapline_text *text)
{
	while (text->bytes && !is_blank(text->at[0]))
		advance(text, 1);
	trim(text);
}

/*
 * [KTAP] "Test case result lines": a description has no '#'. Names of tests do have one, "case #2"
 * for one; so it counts with a blank before it, and a blank or a directive behind it.
 */
static bool find_hash(const struct ktapline_text *text, size_t *at)
{
	for (size_t i = 0; i < text->bytes; i++) {
		struct ktapline_text behind = { text->at + i + 1, text->bytes - i - 1 };

		if (text->at[i] != '#' || (i > 0 && !is_blank(text->at[i - 1])))
			continue;
		if (!behind.bytes || is_blank(behind.at[0]) || directive_at(&behind)) {
			*at = i;
			return true;
		}
	}
	return false;
}

/* Cuts what is behind '#' off text, and takes it apart. */
static void split_reason(struct ktapline *fact, struct ktapline_text *text)
{
	size_t at;

	if (!find_hash(text, &at))
		return;
	fact->reason = *text;
	advance(&fact->reason, at + 1);
	text->bytes = at;
	trim(text);
	trim(&fact->reason);
	fact->directive = directive_at(&fact->reason);
	if (fact->directive)
		skip_directive(&fact->reason);
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static bool parse_result(struct ktapline *fact, struct ktapline_text text)
{
	fact->ok = !take(&text, "not ");
	if (!take(&text, "ok "))
		return false;
	trim(&text);
	if (!take_number(&text, &fact->number))
		return false;
	trim(&text);
	if (take(&text, "- "))
		trim(&text);
	else if (text.bytes == 1 && text.at[0] == '-')
		text.bytes = 0;
	split_reason(fact, &text);
	fact->text = text;
	return true;
}

static bool parse_plan(struct ktapline *fact, struct ktapline_text text)
{
	if (!take(&text, "1..") || !take_number(&text, &fact->number))
		return false;
	trim(&text);
	if (text.bytes && text.at[0] != '#')
		return false;
	split_reason(fact, &text);
	return true;
}

static bool parse_words(struct ktapline_text *rest, struct ktapline_text text, const char *words)
{
	if (!take(&text, words))
		return false;
	*rest = text;
	trim(rest);
	return true;
}

static enum ktapline_kind kind_of(struct ktapline *fact)
{
	if (is_version(fact->all))
		return KTAPLINE_VERSION;
	if (parse_result(fact, fact->all))
		return KTAPLINE_RESULT;
	if (parse_plan(fact, fact->all))
		return KTAPLINE_PLAN;
	if (parse_words(&fact->text, fact->all, "# Subtest: "))
		return KTAPLINE_SUBTEST;
	if (parse_words(&fact->reason, fact->all, "Bail out!"))
		return KTAPLINE_BAIL_OUT;
	return KTAPLINE_OTHER;
}

/* Takes one "# " off, as two columns. */
static bool skip_hash(struct ktapline *fact, struct ktapline_text *text, bool nested)
{
	struct ktapline_text behind = *text;
	unsigned int columns;

	if (!take(&behind, "#"))
		return false;
	if (behind.bytes && !take(&behind, " "))
		return false;
	columns = 2 + skip_indentation(&behind);
	if (!nested && !is_version(behind))
		return false;
	fact->column += columns;
	fact->hashes++;
	*text = behind;
	return true;
}

void ktapline_parse(struct ktapline *fact, const char *line, size_t bytes, unsigned int hashes)
{
	struct ktapline_text text = { line, bytes };

	*fact = (struct ktapline){ .kind = KTAPLINE_OTHER };
	while (text.bytes && (text.at[text.bytes - 1] == '\r' || is_blank(text.at[text.bytes - 1])))
		text.bytes--;
	skip_stamps(&text);
	fact->column = skip_indentation(&text);
	while (skip_hash(fact, &text, fact->hashes < hashes))
		;
	fact->all = text;
	if (fact->column > KTAPLINE_COLUMN_MAX)
		fact->column = KTAPLINE_COLUMN_MAX;
	else
		fact->kind = kind_of(fact);
	if (fact->kind == KTAPLINE_OTHER)
		fact->number = 0;
}
