/* SPDX-License-Identifier: MIT */
/*
 * A table of kernels in each of its formats: expectations typed by hand, from docs/table.md and RFC
 * 4180; JSON is read back by jansson; and a guest's words stay words.
 */
#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/tablespec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef int print_function(const struct boottable *table, FILE *out, struct err *e);

static char *text;

static void teardown(void)
{
	free(text);
	text = NULL;
}

static int print_for_terminal(const struct boottable *table, FILE *out, struct err *e)
{
	return boottable_print(table, 80, out, e);
}

static void print(print_function *function, const struct boottable *table)
{
	size_t bytes;
	struct err e = { 0 };
	FILE *out = open_memstream(&text, &bytes);

	ck_assert_ptr_nonnull(out);
	ck_assert_msg(function(table, out, &e) == 0, "%s", e.text);
	ck_assert_int_eq(fclose(out), 0);
}

static void has(const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in:\n%s", part, text);
}

static void has_not(const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "\"%s\" in:\n%s", part, text);
}

/*
 * --- for people ---------------------------------------------------------------------------------
 */

START_TEST(a_terminal)
{
	print(print_for_terminal, tablespec_typical());
	has("table: tvmm -initrd rootfs.cpio.gz\nwarm-up: 1, runs: 10, seed: 7\nhost: 4 CPUs\n");
	has("\nbasic          1730  312.500  0.500         1730    905.250  20.000   2.90\n");
	has("\nbroken       guest kernel panic: VFS: Unable to mount root fs on unknown-block..\n");
	has("\nallno         2662  1200    1000   800  600   400    720    gzip\n");
	has("\nbroken           -          -        -          -           -\n");
	has("\nallno+kvm    19.00   4864        19\n");
	has("\nbroken: guest kernel panic: VFS: Unable to mount root fs on unknown-block(0,0)\n"
	    "broken under QEMU: time limit of 60 s\n");
}
END_TEST

START_TEST(eighty_columns)
{
	print(print_for_terminal, tablespec_typical());
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		ck_assert_msg(strcspn(line, "\n") <= 80, "%.*s", (int)strcspn(line, "\n"), line);
}
END_TEST

/* Neither columns nor tables of what nobody knows. */
START_TEST(nothing_known)
{
	print(print_for_terminal, tablespec_bare());
	ck_assert_str_eq(text, "table: tvmm\nwarm-up: 0, runs: 1, seed: 0\n");
}
END_TEST

START_TEST(one_of_two_failed)
{
	struct boottable *table = tablespec_typical();

	table->row[0].qemu.failed = true;
	(void)strcpy(table->row[0].qemu.ending, "no PVH note");
	print(print_for_terminal, table);
	has("\nbasic          1730  312.500  0.500            -     failed       -      -\n");
	has("\nbasic under QEMU: no PVH note\n");
}
END_TEST

/* A reason is told once, with all rows that have it. */
START_TEST(initcalls_not_known)
{
	struct boottable *table = tablespec_typical();

	print(print_for_terminal, table);
	has_not("are not known");
	teardown();
	(void)strcpy(table->row[0].no_initcalls, "nothing <fires>");
	(void)strcpy(table->row[1].no_initcalls, "no symbol");
	(void)strcpy(table->row[2].no_initcalls, "nothing <fires>");
	print(print_for_terminal, table);
	has("\nInitcalls of basic, allno are not known: nothing <fires>\n\n"
	    "Initcalls of alldef are not known: no symbol\n\nHow they failed\n");
	teardown();
	print(boottable_print_markdown, table);
	has("\nInitcalls of basic, allno are not known: nothing \\<fires>\n\n"
	    "Initcalls of alldef are not known: no symbol\n");
}
END_TEST

START_TEST(markdown)
{
	print(boottable_print_markdown, tablespec_typical());
	has("| Configuration | Boot time (seconds) | vmlinux | start to init | ± |");
	has("|:---|---:|---:|---:|---:|---:|---:|---:|---:|\n| basic | 1.73 | 18.0 MiB | 312.500 | "
	    "0.500 |");
	has("| broken | guest kernel panic: VFS: Unable to mount root fs on unknown-block(0,0) |");
	has("\nSizes, KiB:\n\n| Configuration | vmlinux | text |");
	has("\nbroken: guest kernel panic: VFS: Unable to mount root fs on unknown-block(0,0)\n");
	has("\nbroken under QEMU: time limit of 60 s\n");
}
END_TEST

/*
 * --- for programs -------------------------------------------------------------------------------
 */

/* The fields of the record at *at, which then is behind it: RFC 4180, section 2, rules 1 to 7. */
static size_t fields(const char **at)
{
	size_t count = 1;

	for (; strncmp(*at, "\r\n", 2) != 0; (*at)++) {
		ck_assert(**at && **at != '\n' && **at != '\r');
		if (**at == '"') {
			for ((*at)++; **at != '"' || (*at)[1] == '"'; (*at)++) {
				ck_assert(**at);
				*at += **at == '"';
			}
			ck_assert((*at)[1] == ',' || (*at)[1] == '\r');
		}
		count += **at == ',';
	}
	*at += 2;
	return count;
}

static void check_csv(size_t records)
{
	const char *at = text;
	size_t columns = fields(&at);

	for (; *at; records--)
		ck_assert_uint_eq(fields(&at), columns);
	ck_assert_uint_eq(records, 0);
}

START_TEST(csv)
{
	print(boottable_print_csv, tablespec_typical());
	check_csv(5);
	has("name,kernel,vmlinux,format,packing,kernel_bytes,vmlinux_du_bytes,text_bytes,"
	    "rodata_bytes,data_bytes,bss_bytes,init_bytes,total_bytes,tvmm,tvmm_ending,"
	    "tvmm_uptime_runs,tvmm_uptime_ns,tvmm_uptime_ci95_low_ns,tvmm_uptime_ci95_high_ns,"
	    "tvmm_init_runs,");
	has("\r\n\"alldef\",\"k/bzImage\",\"k/vmlinux\",bzImage,\"gzip\",2097152,6291456,1126400,");
	has(",booted,\"\",10,610000000,610000000,620000000,10,96125000,95875000,96625000,");
	has(",failed,\"time limit of 60 s\",0,,,,0,,,,");
}
END_TEST

START_TEST(hostile_csv)
{
	print(boottable_print_csv, tablespec_hostile());
	check_csv(5);
	has(",\"'=cmd|' /C calc'!A0,\"\"<script>alert(1)</script>\"\"|[x](javascript:1) ]]>");
	has_not("\x1b");
}
END_TEST

static json_t *read_json(void)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	ck_assert_msg(root != NULL, "%d: %s", error.line, error.text);
	return root;
}

START_TEST(json)
{
	const char *schema, *ending;
	double median, low, high, ratio;
	int version, total;
	json_t *root, *basic, *broken, *none;

	print(boottable_print_json, tablespec_typical());
	root = read_json();
	ck_assert_int_eq(json_unpack(root, "{s:s,s:i,s:[o,o,o,o,o]}", "schema", &schema, "version",
				     &version, "rows", &basic, &none, &none, &none, &broken),
			 0);
	ck_assert_str_eq(schema, "tvmm-table");
	ck_assert_int_eq(version, 1);
	ck_assert_int_eq(json_unpack(basic, "{s:{s:{s:F,s:[F,F]}},s:F,s:{s:i}}", "tvmm", "init_ns",
				     "median", &median, "ci95", &low, &high, "ratio", &ratio,
				     "sections_bytes", "total", &total),
			 0);
	ck_assert_double_eq(median, 312500000);
	ck_assert_double_eq(low, 312250000);
	ck_assert_double_eq(high, 313000000);
	ck_assert_double_eq_tol(ratio, 2.8968, 0.00001); /* 905.25 / 312.5 */
	ck_assert_int_eq(total, 3000 * 1024);
	ck_assert_int_eq(json_unpack(broken, "{s:{s:s,s:n},s:n}", "qemu", "ending", &ending,
				     "init_ns", "ratio"),
			 0);
	ck_assert_str_eq(ending, "time limit of 60 s");
	json_decref(root);
}
END_TEST

START_TEST(hostile_json)
{
	json_t *root, *row;

	print(boottable_print_json, tablespec_hostile());
	root = read_json();
	row = json_array_get(json_object_get(root, "rows"), 0);
	ck_assert(json_is_string(json_object_get(row, "no_parts")));
	ck_assert(json_is_string(json_object_get(row, "no_pages")));
	ck_assert(json_is_null(
		json_object_get(json_array_get(json_object_get(root, "rows"), 1), "no_parts")));
	json_decref(root);
}
END_TEST

/*
 * --- a guest's words ----------------------------------------------------------------------------
 */

START_TEST(hostile_for_people)
{
	print(print_for_terminal, tablespec_hostile());
	has_not("\x1b");
	has_not("\x07");
	has("\nHow they failed\nbasic, the run for the parts: =cmd|' /C calc'!A0,");
	has("\nbasic, the run for the touched pages: =cmd|' /C calc'!A0,");
	has("\nbroken: =cmd|' /C calc'!A0,");
	has("\nInitcalls of basic are not known: =cmd|' /C calc'!A0,");
	teardown();
	print(boottable_print_markdown, tablespec_hostile());
	has("\nbasic, the run for the parts: =cmd\\|' /C calc'!A0,\"\\<script>");
	has("| broken | =cmd\\|' /C "
	    "calc'!A0,\"\\<script>alert(1)\\</script>\"\\|\\[x](javascript:1)"
	    " ]]>");
}
END_TEST

/*
 * --- the picture --------------------------------------------------------------------------------
 */

static size_t occurrences(const char *of)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, of)) != NULL; at += strlen(of))
		count++;
	return count;
}

START_TEST(a_picture)
{
	print(boottable_print_chart, tablespec_typical());
	has("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 520\"");
	ck_assert_uint_eq(occurrences("<circle "), 4 + 1); /* and in the legend */
	ck_assert_uint_eq(occurrences("<rect class=\"s1\""), 4 + 1);
	ck_assert_uint_eq(occurrences("class=\"join\""), 4);
	ck_assert_uint_eq(occurrences("class=\"name\""), 4);
	has("<title>basic, tvmm: 18 MiB, 312.500 ms (95 % interval 312.250 to 313.000)</title>");
	has(">without a time: broken</text>");
	has("vmlinux on the disk (du), MiB");
	has("process start to init, ms");
	has_not("<script");
	has_not("url(");
	has_not("href");
}
END_TEST

START_TEST(names_do_not_overlap)
{
	struct boottable *table = tablespec_typical();
	double x[8], y[8];
	size_t names = 0;

	/* Eight kernels that are nearly the same. */
	for (size_t i = 0; i < 8; i++) {
		table->row[i] = table->row[2];
		(void)snprintf(table->row[i].name, BOOTTABLE_NAME_BYTES, "kernel-%zu", i);
		table->row[i].vmlinux_du.value += (double)i * 4096;
	}
	table->rows = 8;
	print(boottable_print_chart, table);
	for (const char *at = text; (at = strstr(at, "<text class=\"name\"")) != NULL; at++) {
		char anchor[8];

		ck_assert_uint_lt(names, 8);
		ck_assert_int_eq(sscanf(at,
					"<text class=\"name\" x=\"%lf\" y=\"%lf\" "
					"text-anchor=\"%7[a-z]",
					&x[names], &y[names], anchor),
				 3);
		/* 8 letters of at most 8 px; x becomes the left end */
		x[names] -= strcmp(anchor, "end") == 0      ? 64
			    : strcmp(anchor, "middle") == 0 ? 32
							    : 0;
		names++;
	}
	ck_assert_uint_eq(names, 8);
	for (size_t a = 0; a < names; a++)
		for (size_t b = 0; b < a; b++)
			ck_assert_msg(x[a] + 64 <= x[b] + 0.2 || x[b] + 64 <= x[a] + 0.2 ||
					      y[a] + 14 <= y[b] + 0.2 || y[b] + 14 <= y[a] + 0.2,
				      "%zu and %zu: %.1f %.1f, %.1f %.1f", a, b, x[a], y[a], x[b],
				      y[b]);
}
END_TEST

/* What is known of the runs before a failure is no time to be shown. */
START_TEST(a_picture_of_one_that_failed)
{
	struct boottable *table = tablespec_typical();

	table->row[1].qemu.failed = true;
	table->row[2].tvmm.failed = table->row[2].qemu.failed = true;
	print(boottable_print_chart, table);
	ck_assert_uint_eq(occurrences("<circle "), 3 + 1);
	ck_assert_uint_eq(occurrences("<rect class=\"s1\""), 2 + 1);
	ck_assert_uint_eq(occurrences("class=\"join\""), 2);
	has(">without a time: allno, broken</text>");
}
END_TEST

START_TEST(no_picture)
{
	print(boottable_print_chart, tablespec_bare());
	has("No kernel has a size and a time.");
}
END_TEST

START_TEST(a_full_disk)
{
	static print_function *const functions[] = { boottable_print_csv, boottable_print_json,
						     boottable_print_chart };

	for (size_t i = 0; i < COUNT(functions); i++) {
		FILE *out = fopen("/dev/full", "w");
		struct err e = { 0 };

		ck_assert_ptr_nonnull(out);
		ck_assert_int_eq(functions[i](tablespec_typical(), out, &e), -ENOSPC);
		ck_assert_int_eq(e.code, ENOSPC);
		(void)fclose(out);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_terminal,
		eighty_columns,
		nothing_known,
		one_of_two_failed,
		initcalls_not_known,
		markdown,
		csv,
		hostile_csv,
		json,
		hostile_json,
		hostile_for_people,
		a_picture,
		names_do_not_overlap,
		a_picture_of_one_that_failed,
		no_picture,
		a_full_disk,
	};
	Suite *suite = suite_create("boottable_print");
	TCase *tcase = tcase_create("boottable_print");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, NULL, teardown);
	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
