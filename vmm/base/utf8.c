/* SPDX-License-Identifier: MIT */
#include "vmm/base/utf8.h"

#include <string.h>

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

/* As short as it can be, no surrogate, within Unicode. */
static bool is_well_formed(uint32_t character, size_t length)
{
	static const uint32_t shortest[] = { 0, 0, 0x80, 0x800, 0x10000 };

	return character >= shortest[length] && (character < 0xd800 || character > 0xdfff) &&
	       character <= 0x10ffff;
}

size_t utf8_read(const char *text, uint32_t *character)
{
	size_t length = lead((uint8_t)text[0], character);

	for (size_t i = 1; i < length; i++) {
		if (((uint8_t)text[i] & 0xc0) != 0x80) /* the NUL is none, either */
			return 0;
		*character = *character << 6 | ((uint8_t)text[i] & 0x3f);
	}
	return length > 0 && *text && is_well_formed(*character, length) ? length : 0;
}

bool utf8_is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

void utf8_mend(char *to, size_t to_bytes, const char *text)
{
	uint32_t character;

	while (*text) {
		size_t bytes = utf8_read(text, &character);
		size_t as_bytes = bytes ? bytes : sizeof(UTF8_REPLACEMENT) - 1;

		if (as_bytes >= to_bytes)
			break;
		(void)memcpy(to, bytes ? text : UTF8_REPLACEMENT, as_bytes);
		to += as_bytes;
		to_bytes -= as_bytes;
		text += bytes ? bytes : 1;
	}
	*to = '\0';
}

size_t utf8_printable_bytes(const char *text)
{
	uint32_t character;
	size_t bytes = utf8_read(text, &character);

	return bytes && !utf8_is_control(character) ? bytes : 0;
}
