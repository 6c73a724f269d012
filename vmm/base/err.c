/* SPDX-License-Identifier: MIT */
#include "vmm/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/utf8.h"

enum {
	/* Room for two paths of the longest kind that the host takes, and words around them. */
	LONG_BYTES = 10240,
	REASON_BYTES = 128, /* of them, kept for strerror()'s words */
	HEAD_BYTES = ERR_TEXT_BYTES / 2,
};

/* What is too long loses its middle: a message begins with what it is about and ends with why. */
static void keep_both_ends(struct err *e, const char *text)
{
	size_t length = strlen(text), tail_bytes = sizeof(e->text) - HEAD_BYTES - sizeof("...");

	if (length < sizeof(e->text))
		(void)memcpy(e->text, text, length + 1);
	else
		(void)snprintf(e->text, sizeof(e->text), "%.*s...%s", HEAD_BYTES, text,
			       text + length - tail_bytes);
}

static void one_line(char *text)
{
	while (*text) {
		size_t bytes = utf8_printable_bytes(text);

		if (!bytes)
			*text = '?';
		text += bytes ? bytes : 1;
	}
}

/* Where a number has no word of what to do, and there is one thing to do. */
static const char *advice(int code)
{
	switch (code) {
	case EMFILE:
		return "; this process may have no more (ulimit -n)";
	case ENFILE:
		return "; the whole host may have no more (fs.file-max)";
	default:
		return "";
	}
}

static void fill(struct err *e, int code, bool say_code, const char *fmt, va_list ap)
{
	char text[LONG_BYTES] = "";
	size_t used;

	(void)vsnprintf(text, sizeof(text) - REASON_BYTES, fmt, ap);
	used = strlen(text);
	if (say_code)
		(void)snprintf(text + used, sizeof(text) - used, ": %s%s", strerror(code),
			       advice(code));
	e->code = code;
	keep_both_ends(e, text);
	one_line(e->text);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, code, false, fmt, ap);
	va_end(ap);
	return -code;
}

int err_sys(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, code, true, fmt, ap);
	va_end(ap);
	return -code;
}
