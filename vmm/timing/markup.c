/* SPDX-License-Identifier: MIT */
/*
 * Authority: [XML] "Characters", the characters that a document may have; RFC 3629, "UTF-8
 * definition".
 */
#include "vmm/timing/markup.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static const char REPLACEMENT[] = "\xef\xbf\xbd"; /* U+FFFD */

static bool continues(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * How long the sequence is that a byte leads, and the bits of the character in it; 0: it leads
 * none.
 */
static size_t lead(uint8_t byte, uint32_t *bits)
{
	if (byte < 0x80) {
		*bits = byte;
		return 1;
	}
	if (byte >= 0xc2 && byte < 0xe0) {
		*bits = byte & 0x1f;
		return 2;
	}
	if (byte >= 0xe0 && byte < 0xf0) {
		*bits = byte & 0x0f;
		return 3;
	}
	if (byte >= 0xf0 && byte < 0xf5) {
		*bits = byte & 0x07;
		return 4;
	}
	return 0;
}

static bool allowed(uint32_t character, size_t length)
{
	static const uint32_t shortest[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (character < shortest[length])
		return false;
	if (character < 0x20)
		return character == '\t' || character == '\n';
	if (character >= 0x7f && character < 0xa0)
		return false;
	return character < 0xd800 || (character > 0xdfff && character < 0xfffe) ||
	       (character > 0xffff && character <= 0x10ffff);
}

size_t markup_character_bytes(const char *text)
{
	uint32_t character = 0;
	size_t length = lead((uint8_t)text[0], &character);

	for (size_t i = 1; i < length; i++) {
		if (!continues((uint8_t)text[i])) /* the NUL does not, either */
			return 0;
		character = character << 6 | ((uint8_t)text[i] & 0x3f);
	}
	return length > 0 && *text && allowed(character, length) ? length : 0;
}

static const char *reference(char byte)
{
	switch (byte) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void markup_text(FILE *out, const char *text)
{
	while (*text) {
		size_t length = markup_character_bytes(text);
		const char *instead = length == 0 ? REPLACEMENT : reference(*text);

		if (instead)
			(void)fputs(instead, out);
		else
			(void)fwrite(text, 1, length, out);
		text += length ? length : 1;
	}
}

/* What failed before, in the part around this one, keeps its errno. */
void markup_begin(FILE *out)
{
	if (!ferror(out))
		errno = 0;
}

int markup_end(FILE *out)
{
	if (fflush(out) != EOF && !ferror(out))
		return 0;
	return errno ? -errno : -EIO;
}
