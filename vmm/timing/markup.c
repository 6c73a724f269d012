/* SPDX-License-Identifier: MIT */
#include "vmm/timing/markup.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/utf8.h"

/* [XML] "Characters", without the control characters that it advises against. */
static bool allowed(uint32_t character)
{
	if (utf8_is_control(character))
		return character == '\t' || character == '\n';
	return character != 0xfffe && character != 0xffff;
}

size_t markup_character_bytes(const char *text)
{
	uint32_t character;
	size_t bytes = utf8_read(text, &character);

	return bytes && allowed(character) ? bytes : 0;
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
		const char *instead = length == 0 ? UTF8_REPLACEMENT : reference(*text);

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
