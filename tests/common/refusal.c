/* SPDX-License-Identifier: MIT */
#include "tests/common/refusal.h"

#include <string.h>

enum { WORDS_MIN_BYTES = 12 };

const char *refusal_flaw(int rc, const struct err *e)
{
	size_t length = strnlen(e->text, sizeof(e->text));

	if (rc >= 0)
		return "it is none";
	if (e->code <= 0 || rc != -e->code)
		return "the code is not the one returned";
	if (length == sizeof(e->text))
		return "the text has no end";
	if (length < WORDS_MIN_BYTES)
		return "the text says nothing";
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)e->text[i] < 0x20 || e->text[i] == 0x7f)
			return "the text is not one plain line";
	}
	return NULL;
}
