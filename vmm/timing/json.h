/* SPDX-License-Identifier: MIT */
/*
 * Writes JSON as it comes: no tree, no memory. Commas and indentation are kept here; what is
 * written is well-formed if begins and ends match, whatever bytes a text has: what is not UTF-8
 * becomes U+FFFD, and control characters are escaped, those of C1 too.
 *
 * Authority: [JSON]; [UTF-8] for what is well-formed.
 */
#ifndef TVMM_TIMING_JSON_H
#define TVMM_TIMING_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	unsigned int depth;
	bool first; /* nothing yet in the innermost object or array */
	bool behind_key;
	unsigned int flat; /* depth from which all stands on one line; 0: nowhere */
};

void json_begin_file(struct json *json, FILE *out);

/* A value's name, in an object; every value there comes behind one. */
void json_key(struct json *json, const char *key);

void json_begin_object(struct json *json);
void json_end_object(struct json *json);
void json_begin_array(struct json *json);
void json_end_array(struct json *json);

/* text NULL: null. (No json_null() here: jansson, which the program links, has one of its own.) */
void json_text(struct json *json, const char *text);
void json_number(struct json *json, uint64_t number);
void json_signed(struct json *json, int64_t number);
void json_bool(struct json *json, bool yes);
/* A number as it is to be written, "1.500". */
void json_raw(struct json *json, const char *number);

/* A key and its value. */
void json_text_field(struct json *json, const char *key, const char *text);
void json_number_field(struct json *json, const char *key, uint64_t number);
void json_bool_field(struct json *json, const char *key, bool yes);

/* The object or array that begins next stands on one line. */
void json_on_one_line(struct json *json);

#endif
