/* SPDX-License-Identifier: MIT */
/*
 * docs/report.md names each member that a report has: in full ("host.cpu") or, where a table is about one
 * object, by its last word. Runs from the repository's root.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/ktapspec.h"
#include "tests/common/reportspec.h"

static char *page;

static void read_page(void)
{
	FILE *file = fopen("docs/report.md", "r");
	size_t bytes;

	ck_assert_msg(file != NULL, "docs/report.md: run from the repository's root");
	page = calloc(1, 65536);
	ck_assert_ptr_nonnull(page);
	bytes = fread(page, 1, 65535, file);
	ck_assert_uint_lt(bytes, 65535);
	ck_assert_int_eq(fclose(file), 0);
}

/* The word is in `marks of code`, alone, or behind a dot; the object at the top stands in quotes. */
static bool is_told(const char *word)
{
	static const char *const around[][2] = { { "`", "`" }, { ".", "`" }, { "\"", "\"" } };
	char text[128];

	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s%s%s", around[i][0], word, around[i][1]);
		if (strstr(page, text))
			return true;
	}
	return false;
}

static void check_members(json_t *json)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_array(json)) {
		json_array_foreach(json, i, value) check_members(value);
		return;
	}
	json_object_foreach(json, key, value)
	{
		ck_assert_msg(is_told(key), "docs/report.md says nothing of '%s'", key);
		check_members(value);
	}
}

START_TEST(each_member_is_told)
{
	struct report spec = *reportspec_full();
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	json_t *report;

	spec.tests = ktapspec_read(KTAPSPEC_FULL, 1);
	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(report_print_json(&spec, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	report = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(report);
	read_page();
	check_members(report);
	json_decref(report);
	free(page);
	free(text);
	ktapspec_finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_doc");
	TCase *tcase = tcase_create("report_doc");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, each_member_is_told);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
