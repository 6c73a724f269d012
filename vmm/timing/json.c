/* SPDX-License-Identifier: MIT */
#include "vmm/timing/json.h"

#include <inttypes.h>
#include <stddef.h>

void json_begin_file(struct json *json, FILE *out)
{
	*json = (struct json){ .out = out, .first = true };
}

static bool on_one_line(const struct json *json)
{
	return json->flat && json->depth >= json->flat;
}

static void new_line(const struct json *json)
{
	(void)fputc('\n', json->out);
	for (unsigned int i = 0; i < json->depth; i++)
		(void)fputc(' ', json->out);
}

/* Before a value or a key: the comma that the one before it is due. */
static void separate(struct json *json)
{
	if (json->behind_key) {
		json->behind_key = false;
		return;
	}
	if (!json->first)
		(void)fputc(',', json->out);
	if (json->depth && !on_one_line(json))
		new_line(json);
	json->first = false;
}

static void begin(struct json *json, char bracket)
{
	separate(json);
	(void)fputc(bracket, json->out);
	json->depth++;
	json->first = true;
}

static void end(struct json *json, char bracket)
{
	bool stays = json->first || on_one_line(json);

	json->depth--;
	if (!stays)
		new_line(json);
	if (json->flat > json->depth)
		json->flat = 0;
	(void)fputc(bracket, json->out);
	json->first = false;
	if (!json->depth)
		(void)fputc('\n', json->out);
}

void json_begin_object(struct json *json)
{
	begin(json, '{');
}

void json_end_object(struct json *json)
{
	end(json, '}');
}

void json_begin_array(struct json *json)
{
	begin(json, '[');
}

void json_end_array(struct json *json)
{
	end(json, ']');
}

void json_text_field(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_text(json, text);
}

void json_number_field(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key);
	json_number(json, number);
}

void json_bool_field(struct json *json, const char *key, bool yes)
{
	json_key(json, key);
	json_bool(json, yes);
}

void json_on_one_line(struct json *json)
{
	if (!json->flat)
		json->flat = json->depth + 1;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/*
 * Bytes of the well-formed character at text; 0: there is none. [UTF-8] "Well-Formed UTF-8 Byte
 * Sequences".
 */
static size_t character_bytes(const unsigned char *t)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t more;

	if (t[0] < 0x80)
		return 1;
	if (t[0] < 0xc2 || t[0] > 0xf4)
		return 0;
	more = t[0] < 0xe0 ? 1 : t[0] < 0xf0 ? 2 : 3;
	if (t[0] == 0xe0)
		low = 0xa0;
	else if (t[0] == 0xed)
		high = 0x9f;
	else if (t[0] == 0xf0)
		low = 0x90;
	else if (t[0] == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i <= more; i++) {
		if (t[i] < low || t[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return more + 1;
}

static void write_plain(const struct json *json, unsigned char c)
{
	if (c == '"' || c == '\\')
		(void)fprintf(json->out, "\\%c", c);
	else if (c == '\n')
		(void)fputs("\\n", json->out);
	else if (c < 0x20 || c == 0x7f)
		(void)fprintf(json->out, "\\u%04x", c);
	else
		(void)fputc(c, json->out);
}

static void write_text(const struct json *json, const char *text)
{
	const unsigned char *t = (const unsigned char *)text;

	(void)fputc('"', json->out);
	while (*t) {
		size_t bytes = character_bytes(t);

		if (bytes == 1)
			write_plain(json, *t);
		else if (bytes)
			(void)fwrite(t, 1, bytes, json->out);
		else
			(void)fputs("\\ufffd", json->out);
		t += bytes ? bytes : 1;
	}
	(void)fputc('"', json->out);
}

void json_key(struct json *json, const char *key)
{
	separate(json);
	write_text(json, key);
	(void)fputs(on_one_line(json) ? ":" : ": ", json->out);
	json->behind_key = true;
}

void json_text(struct json *json, const char *text)
{
	if (!text) {
		json_raw(json, "null");
		return;
	}
	separate(json);
	write_text(json, text);
}

void json_number(struct json *json, uint64_t number)
{
	separate(json);
	(void)fprintf(json->out, "%" PRIu64, number);
}

void json_signed(struct json *json, int64_t number)
{
	separate(json);
	(void)fprintf(json->out, "%" PRId64, number);
}

void json_bool(struct json *json, bool yes)
{
	json_raw(json, yes ? "true" : "false");
}

void json_raw(struct json *json, const char *number)
{
	separate(json);
	(void)fputs(number, json->out);
}
