/* SPDX-License-Identifier: MIT */
/*
 * A saved table, read back: what is printed of it is what was printed of the first one, in every
 * format; and a file with one thing wrong in it is refused by the name of that thing.
 */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/folder.h"
#include "tests/common/tablespec.h"
#include "vmm/boottable_run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef int print_function(const struct boottable *table, FILE *out, struct err *e);

static struct boottable table; /* large */
static struct boottable_saved saved;
static struct err e;

static void setup(void)
{
	folder_make();
	(void)memset(&table, 0, sizeof(table));
	e = (struct err){ 0 };
}

static void teardown(void)
{
	boottable_saved_finish(&saved);
	folder_remove();
}

/* --- back and forth ----------------------------------------------------------------------------- */

/* The text is the caller's to free. */
static char *print(print_function *function, const struct boottable *of)
{
	size_t bytes;
	char *text = NULL;
	FILE *out = open_memstream(&text, &bytes);

	ck_assert_ptr_nonnull(out);
	ck_assert_msg(function(of, out, &e) == 0, "%s", e.text);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

static int print_for_terminal(const struct boottable *of, FILE *out, struct err *why)
{
	return boottable_print(of, 0, out, why);
}

static void put(const char *name, const struct boottable *of)
{
	char *text = print(boottable_print_json, of);

	folder_put(folder_at(name), text, strlen(text));
	free(text);
}

/* They are long: what is told is where they part. */
static void is_the_same(const char *after, const char *before)
{
	size_t same = 0;

	while (after[same] && after[same] == before[same])
		same++;
	ck_assert_msg(after[same] == before[same], "'%.60s' was '%.60s'", after + same,
		      before + same);
}

static void comes_back(const struct boottable *of)
{
	static print_function *const all[] = { print_for_terminal, boottable_print_markdown,
					       boottable_print_csv, boottable_print_json,
					       boottable_print_chart };

	put("saved", of);
	ck_assert_msg(boottable_read(&table, &saved, folder_at("saved"), &e) == 0, "%s", e.text);
	for (size_t i = 0; i < COUNT(all); i++) {
		char *before = print(all[i], of), *after = print(all[i], &table);

		is_the_same(after, before);
		free(before);
		free(after);
	}
}

START_TEST(a_typical_one)
{
	struct boottable *of = tablespec_typical();

	of->row[0].part[BOOTTABLE_HOST].median += 0.5; /* of an even number of runs */
	of->row[0].part[BOOTTABLE_HOST].ci95.high += 1;
	(void)strcpy(of->row[1].no_pages, "it panicked; exit status 255");
	(void)strcpy(of->row[2].no_initcalls, "nothing fires");
	comes_back(of);
}
END_TEST

START_TEST(nothing_known)
{
	struct boottable *of = tablespec_bare();

	of->row[0].format = "unknown";
	comes_back(of);
}
END_TEST

/* Bytes that are no text have become U+FFFD in the file, control characters stay; both are text. */
START_TEST(hostile_words)
{
	char *chart;

	put("saved", tablespec_hostile());
	ck_assert_msg(boottable_read(&table, &saved, folder_at("saved"), &e) == 0, "%s", e.text);
	chart = print(print_for_terminal, &table);
	ck_assert_ptr_null(strchr(chart, '\x1b'));
	ck_assert_ptr_null(strchr(chart, '\x07'));
	ck_assert_ptr_nonnull(strstr(chart, "basic, the run for the parts: =cmd|' /C calc'!A0,"));
	free(chart);
}
END_TEST

/* Exports of the version before this field. */
START_TEST(without_no_initcalls)
{
	json_t *root, *row;
	size_t i;

	put("saved", tablespec_typical());
	root = json_load_file(folder_at("saved"), 0, NULL);
	json_array_foreach(json_object_get(root, "rows"), i, row)
		ck_assert_int_eq(json_object_del(row, "no_initcalls"), 0);
	ck_assert_int_eq(json_dump_file(root, folder_at("saved"), 0), 0);
	json_decref(root);
	ck_assert_msg(boottable_read(&table, &saved, folder_at("saved"), &e) == 0, "%s", e.text);
	ck_assert_str_eq(table.row[0].no_initcalls, "");
}
END_TEST

/* --- several files ------------------------------------------------------------------------------ */

static void split(void)
{
	struct boottable *of = tablespec_typical();

	of->rows = 2;
	put("first", of);
	of = tablespec_typical();
	(void)memmove(&of->row[0], &of->row[2], 3 * sizeof(of->row[0]));
	of->rows = 3;
	of->seed++;
	put("second", of);
}

START_TEST(halves_become_one)
{
	char *before, *after;

	split();
	ck_assert_int_eq(boottable_read(&table, &saved, folder_at("first"), &e), 0);
	ck_assert_int_eq(boottable_read(&table, &saved, folder_at("second"), &e), 0);
	before = print(boottable_print_json, tablespec_typical());
	after = print(boottable_print_json, &table);
	is_the_same(after, before);
	free(before);
	free(after);
	ck_assert_int_eq(boottable_read(&table, &saved, folder_at("first"), &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "two rows are called 'basic'"));
}
END_TEST

START_TEST(halves_that_do_not_fit)
{
	static const char *const head[] = { "options", "host", "qemu", "runs", "warmup" };
	char said[64];

	for (size_t i = 0; i < COUNT(head); i++) {
		json_t *root;

		split();
		root = json_load_file(folder_at("second"), 0, NULL);
		ck_assert_int_eq(json_object_set_new(root, head[i],
						     i == 0 ? json_pack("[s]", "-m")
							    : json_integer(99)),
				 0);
		ck_assert_int_eq(json_dump_file(root, folder_at("second"), 0), 0);
		json_decref(root);
		ck_assert_int_eq(boottable_read(&table, &saved, folder_at("first"), &e), 0);
		ck_assert_int_eq(boottable_read(&table, &saved, folder_at("second"), &e), -EINVAL);
		(void)snprintf(said, sizeof(said), "has other \"%s\" than the file before",
			       head[i]);
		ck_assert_msg(strstr(e.text, said) != NULL, "%s", e.text);
		boottable_saved_finish(&saved);
		(void)memset(&table, 0, sizeof(table));
	}
}
END_TEST

/* --- files with one thing wrong ----------------------------------------------------------------- */

START_TEST(one_thing_wrong)
{
	static const struct {
		const char *place; /* "a.b": of the root; with a "/" in front: of the first row */
		const char *json;  /* what is put there; NULL: it is taken away */
		const char *said;
	} spec[] = {
		{ "schema", "\"tvmm-bench\"", "\"schema\" is not tvmm-table" },
		{ "schema", NULL, "\"schema\" is not there; expected a text" },
		{ "version", "2", "\"version\" is 2; this tvmm reads 1" },
		{ "rows", "{}", "\"rows\" is an object; expected a list" },
		{ "options", NULL, "\"options\" is not there" },
		{ "options", "[1]", "\"options\" has more than texts" },
		{ "runs", "-1", "\"runs\" is -1" },
		{ "seed", "\"7\"", "\"seed\" is a text" },
		{ "host", "7", "\"host\" is a whole number" },
		{ "/name", NULL, "row 1: \"name\" is not there" },
		{ "/name", "\"a b\"", "'a b' is no name for a row" },
		{ "/name", "\"\\u001b[31m\"", "is no name for a row" },
		{ "/kernel", "null", "row 'basic': \"kernel\" is null" },
		{ "/vmlinux", "1", "\"vmlinux\" is a whole number" },
		{ "/format", "\"zImage\"", "\"format\" is not bzImage" },
		{ "/packing", "\"gz ip\"", "\"packing\" is not a format's name" },
		{ "/kernel_bytes", "null", "\"kernel_bytes\" is null" },
		{ "/kernel_bytes", "9007199254740993", "expected 0 to 9007199254740992" },
		{ "/vmlinux_du_bytes", "-1", "\"vmlinux_du_bytes\" is out of range" },
		{ "/touched_pages", "\"many\"", "\"touched_pages\" is a text" },
		{ "/sections_bytes.text", NULL, "\"text\" is not there" },
		{ "/sections_bytes", "[]", "\"sections_bytes\" is a list" },
		{ "/tvmm.failed", NULL, "\"tvmm\" has no \"failed\"" },
		{ "/qemu", "true", "\"qemu\" is true" },
		{ "/tvmm.init_ns", "5", "\"init_ns\" is a whole number" },
		{ "/tvmm.init_ns.runs", "0", "\"init_ns\" cannot be" },
		{ "/tvmm.init_ns.runs", "10001", "expected 0 to 10000" },
		{ "/tvmm.init_ns.median", "1", "\"init_ns\" cannot be" },
		{ "/tvmm.init_ns.median", "1e300", "\"median\" is out of range" },
		{ "/tvmm.init_ns.ci95", "[1]", "\"ci95\" is not there" },
		{ "/tvmm.uptime_ns.ci95", NULL, "\"ci95\" is not there" },
		{ "/parts_ns", "null", "\"parts_ns\" is null" },
		{ "/parts_ns.host", "false", "\"host\" is false" },
		{ "/no_parts", "1", "\"no_parts\" is a whole number" },
	};

	for (size_t i = 0; i < COUNT(spec); i++) {
		json_t *root, *at, *value = NULL;
		char place[64], *name = place, *dot;

		put("saved", tablespec_typical());
		root = json_load_file(folder_at("saved"), 0, NULL);
		at = root;
		(void)snprintf(place, sizeof(place), "%s", spec[i].place);
		if (*name == '/') {
			at = json_array_get(json_object_get(root, "rows"), 0);
			name++;
		}
		for (; (dot = strchr(name, '.')) != NULL; name = dot + 1) {
			*dot = '\0';
			at = json_object_get(at, name);
		}
		ck_assert(json_is_object(at));
		if (spec[i].json)
			value = json_loads(spec[i].json, JSON_DECODE_ANY, NULL);
		ck_assert_int_eq(value ? json_object_set_new(at, name, value)
				       : json_object_del(at, name),
				 0);
		ck_assert_int_eq(json_dump_file(root, folder_at("saved"), 0), 0);
		json_decref(root);
		ck_assert_msg(boottable_read(&table, &saved, folder_at("saved"), &e) < 0,
			      "%zu: it was taken", i);
		ck_assert_msg(strstr(e.text, spec[i].said) != NULL, "%zu: '%s'", i, e.text);
		boottable_saved_finish(&saved);
		(void)memset(&table, 0, sizeof(table));
	}
}
END_TEST

START_TEST(no_table_at_all)
{
	ck_assert_int_eq(boottable_read(&table, &saved, folder_at("nothing"), &e), -ENOENT);
	folder_put(folder_at("saved"), "[1", 2);
	ck_assert_int_eq(boottable_read(&table, &saved, folder_at("saved"), &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "is not JSON: line 1"));
	folder_put(folder_at("saved"), "[1]", 3);
	ck_assert_int_eq(boottable_read(&table, &saved, folder_at("saved"), &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "\"schema\" is not there"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_typical_one,     nothing_known,          hostile_words,   without_no_initcalls,
		halves_become_one, halves_that_do_not_fit, one_thing_wrong, no_table_at_all,
	};
	Suite *suite = suite_create("boottable_read");
	TCase *tcase = tcase_create("boottable_read");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
