/* SPDX-License-Identifier: MIT */
/* What the JSON writer writes, byte for byte, and that others read the same out of it. */
#include <check.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/json.h"

static char *written;
static size_t written_bytes;
static FILE *out;
static struct json json;

static void setup(void)
{
	out = open_memstream(&written, &written_bytes);
	ck_assert_ptr_nonnull(out);
	json_begin_file(&json, out);
}

static void finish(void)
{
	ck_assert_int_eq(fclose(out), 0);
}

static void teardown(void)
{
	free(written);
}

START_TEST(layout)
{
	json_begin_object(&json);
	json_key(&json, "number");
	json_number(&json, UINT64_MAX);
	json_key(&json, "empty");
	json_begin_array(&json);
	json_end_array(&json);
	json_key(&json, "list");
	json_begin_array(&json);
	json_text(&json, "a");
	json_signed(&json, INT64_MIN);
	json_end_array(&json);
	json_key(&json, "yes");
	json_bool(&json, true);
	json_key(&json, "none");
	json_text(&json, NULL);
	json_key(&json, "us");
	json_raw(&json, "1.500");
	json_end_object(&json);
	finish();
	ck_assert_str_eq(written, "{\n"
				  " \"number\": 18446744073709551615,\n"
				  " \"empty\": [],\n"
				  " \"list\": [\n"
				  "  \"a\",\n"
				  "  -9223372036854775808\n"
				  " ],\n"
				  " \"yes\": true,\n"
				  " \"none\": null,\n"
				  " \"us\": 1.500\n"
				  "}\n");
}
END_TEST

/* A row of a table, with a list in it; the next value stands on lines of its own again. */
START_TEST(one_line)
{
	json_begin_array(&json);
	for (int i = 0; i < 2; i++) {
		json_on_one_line(&json);
		json_begin_object(&json);
		json_key(&json, "a");
		json_number(&json, 1);
		json_key(&json, "b");
		json_on_one_line(&json);
		json_begin_array(&json);
		json_number(&json, 2);
		json_number(&json, 3);
		json_end_array(&json);
		json_key(&json, "c");
		json_begin_object(&json);
		json_end_object(&json);
		json_end_object(&json);
	}
	json_begin_array(&json);
	json_number(&json, 4);
	json_end_array(&json);
	json_end_array(&json);
	finish();
	ck_assert_str_eq(written, "[\n"
				  " {\"a\":1,\"b\":[2,3],\"c\":{}},\n"
				  " {\"a\":1,\"b\":[2,3],\"c\":{}},\n"
				  " [\n"
				  "  4\n"
				  " ]\n"
				  "]\n");
}
END_TEST

/* What stands on one line to an empty end leaves nothing behind. */
START_TEST(one_empty_line)
{
	json_begin_array(&json);
	json_on_one_line(&json);
	json_begin_array(&json);
	json_end_array(&json);
	json_number(&json, 1);
	json_end_array(&json);
	finish();
	ck_assert_str_eq(written, "[\n [],\n 1\n]\n");
}
END_TEST

static void check_text(const char *text, const char *expected)
{
	json_text(&json, text);
	finish();
	ck_assert_str_eq(written, expected);
	free(written);
	setup();
}

/* [JSON] "Strings": quotation mark, reverse solidus, controls U+0000 to U+001F must be escaped. */
START_TEST(escapes)
{
	check_text("", "\"\"");
	check_text("say \"a\\b\"", "\"say \\\"a\\\\b\\\"\"");
	check_text("a\nb\tc\rd\x1b[1m\x01\x1f\x7f",
		   "\"a\\nb\\u0009c\\u000dd\\u001b[1m\\u0001\\u001f\\u007f\"");
	/* C1, that a terminal obeys as well: [ECMA-48] "Control functions of the C1 set". */
	check_text("\xc2\x80\xc2\x9b\xc2\x9f", "\"\\u0080\\u009b\\u009f\"");
	check_text("</script>", "\"</script>\"");
	finish();
}
END_TEST

/* [UTF-8] "Well-Formed UTF-8 Byte Sequences", the ends of each row and what is next to them. */
START_TEST(utf8)
{
	static const char *const good[] = {
		"\xc2\xa0",         "\xdf\xbf",         "\xe0\xa0\x80",     "\xe0\xbf\xbf",
		"\xe1\x80\x80",     "\xec\xbf\xbf",     "\xed\x80\x80",     "\xed\x9f\xbf",
		"\xee\x80\x80",     "\xef\xbf\xbf",     "\xf0\x90\x80\x80", "\xf0\xbf\xbf\xbf",
		"\xf1\x80\x80\x80", "\xf3\xbf\xbf\xbf", "\xf4\x80\x80\x80", "\xf4\x8f\xbf\xbf",
	};
	static const struct {
		const char *bytes;
		unsigned int replaced;
	} bad[] = {
		{ "\x80", 1 },
		{ "\xbf", 1 },
		{ "\xc0\x80", 2 },
		{ "\xc1\xbf", 2 },
		{ "\xc2", 1 },
		{ "\xe0\x9f\xbf", 3 },
		{ "\xe1\x80", 2 },
		{ "\xed\xa0\x80", 3 },
		{ "\xf0\x8f\xbf\xbf", 4 },
		{ "\xf0\x90\x80", 3 },
		{ "\xf4\x90\x80\x80", 4 },
		{ "\xf5\x80\x80\x80", 4 },
		{ "\xff", 1 },
	};
	char expected[64];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		(void)snprintf(expected, sizeof(expected), "\"%s\"", good[i]);
		check_text(good[i], expected);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(expected, "\"");
		for (unsigned int n = 0; n < bad[i].replaced; n++)
			strcat(expected, "\\ufffd");
		strcat(expected, "\"");
		check_text(bad[i].bytes, expected);
	}
	finish();
}
END_TEST

/* Every byte next to every other: always JSON, and no byte of ASCII is lost. */
START_TEST(all_pairs_of_bytes)
{
	char text[3] = "";

	json_begin_array(&json);
	for (int pair = 0x0101; pair <= 0xffff; pair++) {
		text[0] = (char)(pair >> 8);
		text[1] = (char)pair;
		if (text[0] && text[1])
			json_text(&json, text);
	}
	json_end_array(&json);
	finish();

	json_error_t error;
	json_t *read = json_loads(written, 0, &error);

	ck_assert_msg(read != NULL, "line %d: %s", error.line, error.text);
	ck_assert_uint_eq(json_array_size(read), 255 * 255);
	for (size_t i = 0; i < 255 * 255; i++) {
		unsigned char first = (unsigned char)(i / 255 + 1);
		unsigned char second = (unsigned char)(i % 255 + 1);
		const char *value = json_string_value(json_array_get(read, i));

		if (first < 0x80)
			ck_assert_int_eq((unsigned char)value[0], first);
		if (second < 0x80)
			ck_assert_int_eq((unsigned char)value[strlen(value) - 1], second);
	}
	json_decref(read);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		layout, one_line, one_empty_line, escapes, utf8, all_pairs_of_bytes,
	};
	Suite *suite = suite_create("json");
	TCase *tcase = tcase_create("json");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
