/* SPDX-License-Identifier: MIT */
#include "vmm/timing/cleantext.h"

#include <string.h>

#include "vmm/base/utf8.h"
#include "vmm/timing/markup.h"

enum { ESC = 0x1b, BEL = 0x07 };

/* ESC ] and the like, up to BEL or ESC \. */
static size_t string_bytes(const char *text)
{
	size_t length = 2;

	while (text[length] && text[length] != BEL && text[length] != ESC && text[length] != '\n')
		length++;
	if (text[length] == BEL)
		return length + 1;
	return text[length] == ESC && text[length + 1] == '\\' ? length + 2 : length;
}

/* Bytes of the control sequence at text, which begins with ESC. */
static size_t sequence_bytes(const char *text)
{
	size_t length = 2;

	if (!text[1] || text[1] == '\n')
		return 1;
	if (strchr("]P^_X", text[1]))
		return string_bytes(text);
	if (text[1] != '[') {
		length = 1;
		while (text[length] >= 0x20 && text[length] < 0x30)
			length++;
		return text[length] >= 0x30 && text[length] < 0x7f ? length + 1 : length;
	}
	while (text[length] >= 0x20 && text[length] < 0x40)
		length++;
	return text[length] >= 0x40 && text[length] < 0x7f ? length + 1 : length;
}

/* U+202A to U+202E, U+2066 to U+2069: what follows would be shown in another order. */
static bool turns_direction(const char *text)
{
	const unsigned char *t = (const unsigned char *)text;

	return t[0] == 0xe2 && ((t[1] == 0x80 && t[2] >= 0xaa && t[2] <= 0xae) ||
				(t[1] == 0x81 && t[2] >= 0xa6 && t[2] <= 0xa9));
}

/* What stands for the character at text: *as and its bytes; the number of bytes it has itself. */
static size_t next(const char *text, bool lines, const char **as, size_t *as_bytes)
{
	size_t bytes = markup_character_bytes(text);

	*as = text;
	*as_bytes = bytes;
	if (*text == ESC) {
		*as_bytes = 0;
		return sequence_bytes(text);
	}
	if (*text == '\t' || (*text == '\n' && !lines)) {
		*as = " ";
	} else if (*text == '\r') {
		*as_bytes = 0;
		return 1;
	} else if (!bytes || turns_direction(text)) {
		*as = UTF8_REPLACEMENT;
		*as_bytes = sizeof(UTF8_REPLACEMENT) - 1;
	}
	return bytes ? bytes : 1;
}

size_t cleantext_copy(char *to, size_t size, const char *text, bool lines)
{
	static const char CUT[] = "...";
	size_t used = 0, with_cut = 0; /* so much can stay if the cut has to be told */

	while (*text) {
		const char *as;
		size_t as_bytes, bytes = next(text, lines, &as, &as_bytes);

		if (as_bytes >= size - used) {
			if (with_cut + sizeof(CUT) <= size) {
				memcpy(to + with_cut, CUT, sizeof(CUT));
				return with_cut + sizeof(CUT) - 1;
			}
			break;
		}
		memcpy(to + used, as, as_bytes);
		used += as_bytes;
		if (used + sizeof(CUT) <= size)
			with_cut = used;
		text += bytes;
	}
	to[used] = '\0';
	return used;
}

size_t cleantext_console_tail(const struct report_console *console, char *to, size_t size)
{
	char line[CLEANTEXT_LINE_BYTES];
	size_t first = console->lines, bytes = 0, used = 0;

	while (first > 0) {
		size_t length =
			cleantext_copy(line, sizeof(line), console->line[first - 1].text, false);

		if (length + 1 >= size - bytes)
			break;
		bytes += length + 1;
		first--;
	}
	for (size_t i = first; i < console->lines; i++) {
		size_t room = size - used - 1; /* for the end of the line */

		used += cleantext_copy(to + used, room < sizeof(line) ? room : sizeof(line),
				       console->line[i].text, false);
		to[used++] = '\n';
	}
	to[used] = '\0';
	return console->lines - first;
}
