/* SPDX-License-Identifier: MIT */
#include "vmm/timing/json.h"

#include <inttypes.h>
#include <stddef.h>

#include "vmm/base/utf8.h"

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

static void write_character(const struct json *json, const char *text, size_t bytes, uint32_t c)
{
	if (c == '"' || c == '\\')
		(void)fprintf(json->out, "\\%c", (char)c);
	else if (c == '\n')
		(void)fputs("\\n", json->out);
	else if (utf8_is_control(c))
		(void)fprintf(json->out, "\\u%04x", c);
	else
		(void)fwrite(text, 1, bytes, json->out);
}

static void write_text(const struct json *json, const char *text)
{
	uint32_t character;

	(void)fputc('"', json->out);
	while (*text) {
		size_t bytes = utf8_read(text, &character);

		if (bytes)
			write_character(json, text, bytes, character);
		else
			(void)fputs("\\ufffd", json->out);
		text += bytes ? bytes : 1;
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
