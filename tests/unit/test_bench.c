/* SPDX-License-Identifier: MIT */
/*
 * bench from the command line to its files, with a shell script in tvmm's place whose runs take known
 * times; the order of two sides; tables.
 */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/common/folder.h"
#include "vmm/bench.h"
#include "vmm/listing.h"
#include "vmm/table.h"
#include "vmm/trial.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Each run takes the next line of the file "values": nanoseconds of boot, the exit status, and how it
 * ended in a word. What is left there tells how many runs there were.
 */
static const char PROGRAM[] =
	"#!/bin/sh\n"
	"for report in \"$@\"; do case $report in /dev/fd/*) break ;; esac; done\n"
	"cd \"$(dirname \"$0\")\" || exit 99\n"
	"read -r ns status kind <values\n"
	"sed -i 1d values\n"
	"cat >$report <<EOF\n"
	"{\"schema\":\"tvmm-report\",\"version\":1,\"host\":{\"cpu\":\"x\",\"cpus\":1},\"ending\":{"
	"\n"
	"\"status\":$status,\"kind\":\"${kind:-halt}\",\"sentence\":\"it fell "
	"over\"},\"metrics\":[\n"
	"{\"name\":\"boot\",\"unit\":\"ns\",\"value\":$ns},\n"
	"{\"name\":\"console.bytes\",\"unit\":\"bytes\",\"value\":77},\n"
	"{\"name\":\"initcall.a,b\",\"unit\":\"ns\",\"value\":5}]}\n"
	"EOF\n"
	"exit $status\n";

/*
 * Runs that all begin together. The parent's pipe to a run that was started later has a larger number,
 * as the others' are open: so each knows its $number, from 1. $ran is what it has to write, and the
 * others' process ids are in the files pid.NUMBER.
 */
static const char TOGETHER[] =
	"#!/bin/sh\n"
	"for report in \"$@\"; do :; done\n"
	"cd \"$(dirname \"$0\")\" || exit 99\n"
	"mine=${report#/dev/fd/} number=1\n"
	">here.$mine\n"
	"until [ $(ls here.* | wc -l) = 3 ]; do sleep 0.01; done\n"
	"for other in here.*; do [ ${other#here.} -ge $mine ] || number=$((number + 1)); done\n"
	"echo $$ >new.$number && mv new.$number pid.$number\n"
	"gone() { until [ -e pid.$1 ] && ! kill -0 $(cat pid.$1) 2>/dev/null; do sleep 0.01; done; "
	"}\n"
	"report() { cat >$report <<EOF\n"
	"{\"schema\":\"tvmm-report\",\"version\":1,\"host\":{\"cpu\":\"x\",\"cpus\":1},\"ending\":{"
	"\n"
	"\"status\":$1,\"kind\":\"k\",\"sentence\":\"it fell over\"},\"metrics\":[\n"
	"{\"name\":\"boot\",\"unit\":\"ns\",\"value\":$((number * 1000000))}]}\n"
	"EOF\n"
	"exit $1; }\n";

static struct err e;
static char said[65536];

static void put_program(const char *head, const char *script)
{
	char text[4096];

	(void)snprintf(text, sizeof(text), "%s%s", head, script);
	folder_put(folder_at("program"), text, strlen(text));
	ck_assert_int_eq(chmod(folder_at("program"), 0700), 0);
}

static void setup(void)
{
	folder_make();
	put_program(PROGRAM, "");
}

/* Runs bench with these words behind "bench"; what it prints is in said. */
static int bench(const char *values, char **argv, int argc)
{
	FILE *out = freopen(folder_at("stdout"), "w", stdout);
	int rc;

	ck_assert_ptr_nonnull(out);
	folder_put(folder_at("values"), values, strlen(values));
	rc = bench_program(folder_at("program"), argc, argv, &e);
	(void)fflush(stdout);
	said[folder_get(folder_at("stdout"), said, sizeof(said) - 1)] = '\0';
	return rc;
}

#define BENCH(values, ...)                                                  \
	bench(values, (char *[]){ (char[]){ "bench" }, __VA_ARGS__, NULL }, \
	      (int)COUNT(((char *[]){ (char[]){ "bench" }, __VA_ARGS__ })))
#define W(word) ((char[]){ word })
/* The least that a run needs. */
#define K W("-kernel"), W("k")

static const char FIVE[] = "9000000 0\n1000000 0\n3000000 0\n2000000 0\n4000000 0\n5000000 0\n";

/* The first run only warms up. */
START_TEST(table_and_files)
{
	char json[256], csv[256], md[256], text[8192];
	json_t *root, *boot;

	(void)snprintf(json, sizeof(json), "--export-json=%s", folder_at("j"));
	(void)snprintf(csv, sizeof(csv), "--export-csv=%s", folder_at("c"));
	(void)snprintf(md, sizeof(md), "--export-markdown=%s", folder_at("m"));
	ck_assert_int_eq(BENCH(FIVE, W("-r"), W("5"), W("--seed=1"), json, csv, md, W("--"),
			       W("-kernel"), W("k")),
			 0);
	ck_assert_ptr_nonnull(
		strstr(said, "bench: tvmm -kernel k\nwarm-up: 1, runs: 5, seed: 1\n"));
	/* 1 2 3 4 5 ms: median 3, MAD 1, p95 and max 5. */
	ck_assert_ptr_nonnull(strstr(said, "boot             1.000   3.000  1.000  5.000  5.000"));
	ck_assert_ptr_nonnull(strstr(said, "  console.bytes             77\n"));
	ck_assert_ptr_null(strstr(said, "warning"));

	root = json_load_file(folder_at("j"), JSON_REJECT_DUPLICATES, NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(root, "runs")), 5);
	boot = json_array_get(json_object_get(root, "statistics"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(boot, "name")), "boot");
	ck_assert_int_eq(json_integer_value(json_object_get(boot, "median")), 3000000);
	ck_assert_int_eq(json_integer_value(json_object_get(boot, "mad")), 1000000);
	ck_assert_int_eq(json_integer_value(json_object_get(boot, "n")), 5);
	json_decref(root);

	text[folder_get(folder_at("c"), text, sizeof(text) - 1)] = '\0';
	ck_assert_str_eq(text, "run,status,boot,console.bytes,\"initcall.a,b\"\r\n"
			       "1,0,1000000,77,5\r\n2,0,3000000,77,5\r\n3,0,2000000,77,5\r\n"
			       "4,0,4000000,77,5\r\n5,0,5000000,77,5\r\n");
	text[folder_get(folder_at("m"), text, sizeof(text) - 1)] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "\n| boot | 1.000 | 3.000 | 1.000 | 5.000 | 5.000 | "));
}
END_TEST

/* Whoever has the old file open reads on in it: no file is ever half written. */
START_TEST(files_are_replaced)
{
	char json[256], was[8] = { 0 };
	FILE *old;

	folder_put(folder_at("j"), "old", 3);
	old = fopen(folder_at("j"), "r");
	ck_assert_ptr_nonnull(old);
	(void)snprintf(json, sizeof(json), "--export-json=%s", folder_at("j"));
	ck_assert_int_eq(BENCH(FIVE, W("-r"), W("5"), json, W("--"), K), 0);
	ck_assert_uint_eq(fread(was, 1, sizeof(was), old), 3);
	ck_assert_str_eq(was, "old");
	ck_assert_uint_gt(folder_look(folder_at("j")).st_size, 3);
	(void)fclose(old);
}
END_TEST

/* Bytes that are no character, and control characters, reach neither the terminal nor the file. */
START_TEST(words_of_any_bytes)
{
	char json[256], text[16384];

	(void)snprintf(json, sizeof(json), "--export-json=%s", folder_at("j"));
	ck_assert_int_eq(BENCH(FIVE, W("-r"), W("5"), json, W("-n"),
			       W("a\x9b"
				 "2J\xc2\x9b"),
			       W("--"), W("-kernel"), W("k\xff\x7f\xc3\xb6")),
			 0);
	ck_assert_ptr_nonnull(strstr(said, "bench: a\\x9b2J\\xc2\\x9b\n"));
	text[folder_get(folder_at("j"), text, sizeof(text) - 1)] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "\"name\": \"a\\uFFFD2J\\u009B\""));
	ck_assert_ptr_nonnull(strstr(text, "\"k\\uFFFD"));
	for (const char *p = text; *p; p++)
		ck_assert((unsigned char)*p < 0x80);
}
END_TEST

START_TEST(what_was_exported_is_read_back)
{
	struct series series = { 0 };
	char json[256];

	(void)snprintf(json, sizeof(json), "--export-json=%s", folder_at("j"));
	ck_assert_int_eq(BENCH(FIVE, W("-r5"), W("x"), W("--")), -EINVAL);
	ck_assert_int_eq(BENCH(FIVE, W("-r"), W("5"), json, W("--"), K), 0);
	ck_assert_int_eq(series_read(&series, folder_at("j"), &e), 0);
	ck_assert(series.runs == 5 && series.metrics == 3);
	ck_assert(series_find(&series, "boot")->value[1] == 3000000);
	ck_assert(series_find(&series, "console.bytes")->unit == REPORT_BYTES);
	series_finish(&series);
}
END_TEST

static const char OUTLIER[] = "1000000 0\n1010000 0\n990000 0\n1000000 0\n9000000 0\n";

START_TEST(outliers_are_named)
{
	ck_assert_int_eq(BENCH(OUTLIER, W("-r"), W("5"), W("-w"), W("0"), W("--"), K), 0);
	ck_assert_ptr_nonnull(strstr(said, "outlier\n"));
	ck_assert_ptr_nonnull(strstr(said, "        5\n"));
	ck_assert_ptr_nonnull(strstr(said, "outliers: 1 of 5 values of boot."));
}
END_TEST

START_TEST(failing_runs)
{
	static const char values[] = "1 0\n2 0\n3 121\n4 0\n5 3\n";
	char json[256];
	json_t *root, *runs;

	ck_assert_int_lt(BENCH(values, W("-r"), W("4"), W("--"), K), 0);
	ck_assert_str_eq(e.text, "run 2 ended with status 121: it fell over");
	ck_assert_int_lt(BENCH(values, W("-w"), W("3"), W("--"), K), 0);
	ck_assert_str_eq(e.text, "warm-up run 3 ended with status 121: it fell over");
	(void)snprintf(json, sizeof(json), "--export-json=%s", folder_at("j"));
	ck_assert_int_eq(BENCH(values, W("-r"), W("4"), W("-i"), json, W("--"), K), 0);
	ck_assert_ptr_nonnull(strstr(said, "2 of 4 runs did not end as they should: run 2, 4.\n"));
	root = json_load_file(folder_at("j"), JSON_REJECT_DUPLICATES, NULL);
	runs = json_object_get(root, "runs");
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(json_is_true(json_object_get(json_array_get(runs, i), "failed")),
				 i == 1 || i == 3);
	ck_assert_int_eq(json_integer_value(json_object_get(root, "jobs")), 1);
	json_decref(root);
}
END_TEST

/* A run that was to end at a line of its console, and powered off, did not come to it. */
START_TEST(until_has_to_match)
{
	static const char values[] = "1 0 until\n2 0 until\n3 0 power-off\n";

	ck_assert_int_eq(BENCH(values, W("-r1"), W("--"), K), -EINVAL);
	ck_assert_int_eq(BENCH(values, W("-r"), W("1"), W("--"), K, W("-until"), W("x")), 0);
	ck_assert_int_lt(BENCH(values, W("-r"), W("2"), W("--"), K, W("-until"), W("x")), 0);
	ck_assert_str_eq(e.text,
			 "run 2 ended with status 0, but -until never matched: it fell over");
	ck_assert_int_lt(BENCH(values, W("-r"), W("2"), W("--"), K, W("--until=x")), 0);
	ck_assert_int_lt(BENCH(values, W("-r"), W("2"), W("--"), K, W("-until=x")), 0);
	ck_assert_int_eq(BENCH(values, W("-r"), W("2"), W("-i"), W("--"), K, W("-until=x")), 0);
	ck_assert_ptr_nonnull(strstr(said, "1 of 2 runs did not end as they should: run 2.\n"));
	/* Without it, or as a word of the guest's program, any good end will do. */
	ck_assert_int_eq(BENCH(values, W("-r"), W("2"), W("--"), K, W("-m"), W("64")), 0);
	ck_assert_int_eq(BENCH(values, W("-r"), W("2"), W("--"), K, W("--"), W("p"), W("-until")),
			 0);
}
END_TEST

/* What a run would refuse is refused before the first one. */
START_TEST(words_of_a_run)
{
	ck_assert_int_eq(BENCH(FIVE, W("--"), K, W("-m"), W("lots")), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "-m: 'lots' is not a size"));
	ck_assert_int_eq(BENCH(FIVE, W("--"), W("-m"), W("64")), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "no kernel was given"));
	ck_assert_int_eq(BENCH(FIVE, W("--"), K, W("-append")), -EINVAL);
	ck_assert_str_eq(e.text, "-append needs a value behind it");
	ck_assert_int_eq(BENCH(FIVE, W("--"), K, W("-explain")), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "no options for a run that is measured"));
	ck_assert_uint_eq(folder_look(folder_at("values")).st_size, strlen(FIVE));
}
END_TEST

/* Refused before the first run. */
START_TEST(files_of_a_run)
{
	static char words[][16] = { "-junit", "--junit=f", "-summary", "-log",    "--dmesg",
				    "-trace", "-html",     "-folded",  "-flame=f" };

	for (size_t i = 0; i < COUNT(words); i++) {
		ck_assert_int_eq(BENCH(FIVE, W("--"), K, words[i], W("f")), -EINVAL);
		ck_assert_ptr_nonnull(strstr(e.text, "each run would write its -"));
	}
	ck_assert_int_eq(BENCH(FIVE, W("--"), K, W("--report"), W("f")), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "--export-json"));
	ck_assert_int_eq(BENCH(FIVE, W("--"), K, W("-serial"), W("file:f")), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "-serial file:f: each run would use it anew"));
	ck_assert_int_eq(BENCH(FIVE, W("--"), K, W("--serial=unix:s")), -EINVAL);
	ck_assert_uint_eq(folder_look(folder_at("values")).st_size, strlen(FIVE));
	ck_assert_int_eq(BENCH(FIVE, W("-r"), W("5"), W("--"), K, W("--"), W("p"), W("-report")),
			 0);
	ck_assert_int_eq(BENCH(FIVE, W("-r"), W("5"), W("--"), K, W("-serial"), W("stdio")), 0);
}
END_TEST

/* --- several at the same time -------------------------------------------------------------------- */

/* The last one ends first, and the first one last. */
START_TEST(order_of_the_numbers)
{
	char csv[256], json[256], text[1024];
	struct series series = { 0 };

	(void)snprintf(csv, sizeof(csv), "--export-csv=%s", folder_at("c"));
	(void)snprintf(json, sizeof(json), "--export-json=%s", folder_at("j"));
	put_program(TOGETHER, "[ $number = 3 ] || gone $((number + 1))\nreport 0\n");
	ck_assert_int_eq(BENCH("", W("-r"), W("3"), W("-w"), W("0"), W("--jobs"), W("3"),
			       W("--seed=1"), csv, json, W("--"), K),
			 0);
	text[folder_get(folder_at("c"), text, sizeof(text) - 1)] = '\0';
	ck_assert_str_eq(text, "run,status,boot\r\n1,0,1000000\r\n2,0,2000000\r\n3,0,3000000\r\n");
	ck_assert_ptr_nonnull(strstr(said, "\nwarm-up: 0, runs: 3, jobs: 3, seed: 1\n"));
	ck_assert_ptr_nonnull(strstr(said, "warning: 3 runs at the same time have disturbed"));
	ck_assert_int_eq(series_read(&series, folder_at("j"), &e), 0);
	ck_assert_uint_eq(series.jobs, 3);
	series_finish(&series);
}
END_TEST

static bool is_gone(const char *pid_file)
{
	char text[32];

	text[folder_get(folder_at(pid_file), text, sizeof(text) - 1)] = '\0';
	return kill(atoi(text), 0) < 0 && errno == ESRCH;
}

/* The others would go on for longer than the test may take. */
START_TEST(one_fails_and_all_end)
{
	put_program(TOGETHER, "[ $number = 2 ] || exec sleep 100\n"
			      "until [ -e pid.1 -a -e pid.3 ]; do sleep 0.01; done\nreport 121\n");
	ck_assert_int_lt(BENCH("", W("-r"), W("3"), W("-w"), W("0"), W("-j"), W("3"), W("--"), K),
			 0);
	ck_assert_str_eq(e.text, "run 2 ended with status 121: it fell over");
	ck_assert(is_gone("pid.1") && is_gone("pid.3"));
}
END_TEST

START_TEST(a_signal_ends_all)
{
	put_program(TOGETHER, "until [ -e pid.1 -a -e pid.2 -a -e pid.3 ]; do sleep 0.01; done\n"
			      "[ $number = 1 ] && kill -INT $PPID\nexec sleep 100\n");
	ck_assert_int_eq(BENCH("", W("-r"), W("9"), W("-w"), W("0"), W("-j"), W("3"), W("--"), K),
			 128 + SIGINT);
	ck_assert_ptr_nonnull(strstr(e.text, "bench: signal 2 (Interrupt) asked to stop"));
	ck_assert(is_gone("pid.1") && is_gone("pid.2") && is_gone("pid.3"));
}
END_TEST

/*
 * Two at a time, and twice as many may wait for one that is slow: 4 are begun if it is the first, 5 if it
 * is the second.
 */
START_TEST(reports_that_wait_are_bounded)
{
	static const char script[] =
		"#!/bin/sh\n"
		"for report in \"$@\"; do :; done\n"
		"cd \"$(dirname \"$0\")\" || exit 99\n"
		">here.$$\n"
		"if mkdir slow 2>/dev/null; then\n"
		"	until [ $(ls here.* | wc -l) -ge 4 ]; do sleep 0.01; done\n"
		"	sleep 0.5; ls here.* | wc -l >count\n"
		"fi\n"
		"echo "
		"'{\"schema\":\"tvmm-report\",\"version\":1,\"host\":{},\"ending\":{\"status\":0,'"
		" '\"sentence\":\"\"},\"metrics\":[]}' >$report\n";
	char text[32];

	put_program(script, "");
	ck_assert_int_eq(BENCH("", W("-r"), W("12"), W("-w"), W("0"), W("-j"), W("2"), W("--"), K),
			 0);
	text[folder_get(folder_at("count"), text, sizeof(text) - 1)] = '\0';
	ck_assert_msg(atoi(text) == 4 || atoi(text) == 5, "%s were begun", text);
}
END_TEST

START_TEST(bad_words)
{
	ck_assert_int_eq(BENCH("", W("-x"), W("--"), K), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "'-x' is not known"));
	ck_assert_int_eq(BENCH("", W("-r"), W("0"), W("--"), K), -EINVAL);
	ck_assert_int_eq(BENCH("", W("-r"), W("10001"), W("--"), K), -EINVAL);
	ck_assert_int_eq(BENCH("", W("-r"), W("-1"), W("--"), K), -EINVAL);
	ck_assert_int_eq(BENCH("", W("-r")), -EINVAL);
	ck_assert_int_eq(BENCH("", W("--jobs"), W("0"), W("--"), K), -EINVAL);
	ck_assert_int_eq(BENCH("", W("-j"), W("65"), W("--"), K), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "'65' is not a whole number from 1 to 64"));
	ck_assert_int_eq(BENCH("", W("-r"), W("3"), W("--")), -EINVAL);
	/* Told before the first run, which would take the only value. */
	ck_assert_int_lt(BENCH("1 0\n", W("-w0"), W("--export-json"), W("/nowhere/f"), W("--"), K),
			 0);
	ck_assert_int_lt(BENCH("1 0\n", W("--export-json"), W("/nowhere/f"), W("--"), K), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "--export-json /nowhere/f: "));
	ck_assert_int_lt(BENCH("1 0\n", W("--export-json"), strdupa(folder_at("values")), W("--"),
			       W("-kernel"), strdupa(folder_at("values"))),
			 0);
	ck_assert_ptr_nonnull(strstr(e.text, "/values', the kernel; "));
	ck_assert_uint_eq(folder_look(folder_at("values")).st_size, 4);
}
END_TEST

/* In each block of four both sides have the same place on average: ABBA or BAAB. */
START_TEST(sides_take_turns)
{
	unsigned char order[2 * 101];
	unsigned int a_first = 0;

	trial_order(11, 101, order);
	for (size_t i = 0; i + 4 <= sizeof(order); i += 4) {
		ck_assert(order[i] == order[i + 3] && order[i + 1] == order[i + 2]);
		ck_assert(order[i] != order[i + 1]);
		a_first += order[i] == 0;
	}
	ck_assert(order[200] != order[201]);
	/* 50 throws of a coin: 25, within four standard deviations (3.5). */
	ck_assert(a_first > 10 && a_first < 40);
}
END_TEST

START_TEST(cells)
{
	static const struct {
		enum report_unit unit;
		double value, max_ns;
		const char *cell, *name;
	} spec[] = {
		{ REPORT_NS, 1234567, 2e6, "1.235", "ms" },
		{ REPORT_NS, 999, 999, "999", "ns" },
		{ REPORT_NS, 1500, 5e4, "1.500", "us" },
		{ REPORT_NS, 12e9, 12e9, "12.000", "s" },
		{ REPORT_COUNT, 7, 1, "7", "ns" },
		{ REPORT_COUNT, 7.5, 1e6, "7.5", "ms" },
	};

	for (size_t i = 0; i < COUNT(spec); i++) {
		struct table_unit unit = table_unit_for(spec[i].max_ns);
		char cell[TABLE_CELL_BYTES];

		table_number(cell, spec[i].unit, unit, spec[i].value);
		ck_assert_str_eq(unit.name, spec[i].name);
		ck_assert_str_eq(cell, spec[i].cell);
	}
}
END_TEST

/* A table is never wider than what it is told, as long as a name of 12 fits. */
START_TEST(narrow_tables)
{
	struct table table = { .columns = 2 };
	struct table_row *row;
	FILE *out = fopen(folder_at("t"), "w");

	(void)table_add(&table, "head", &e);
	row = table_add(&table, "a_name_that_is_longer_than_all", &e);
	(void)strcpy(row->cell[0], "1.000");
	(void)strcpy(row->cell[1], "22");
	table_print(&table, 27, out);
	table_print(&table, 0, out);
	(void)fclose(out);
	said[folder_get(folder_at("t"), said, sizeof(said) - 1)] = '\0';
	ck_assert_str_eq(said, "head\na_name_that_is..  1.000  22\n"
			       "head\na_name_that_is_longer_than_all  1.000  22\n");
	table_finish(&table);
}
END_TEST

START_TEST(groups)
{
	ck_assert_int_eq(listing_group("boot", REPORT_NS), LISTING_MAIN);
	ck_assert_int_eq(listing_group("initcalls", REPORT_NS), LISTING_MAIN);
	ck_assert_int_eq(listing_group("exits", REPORT_COUNT), LISTING_MORE);
	ck_assert_int_eq(listing_group("console.tax", REPORT_NS), LISTING_MORE);
	ck_assert_int_eq(listing_group("step.main", REPORT_NS), LISTING_STEPS);
	ck_assert_int_eq(listing_group("initcall.a", REPORT_NS), LISTING_INITCALL);
	ck_assert_int_eq(listing_group("initcalls.count", REPORT_COUNT), LISTING_MORE);
	ck_assert_int_eq(listing_group("at.main", REPORT_NS), LISTING_HIDDEN);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { table_and_files,
				       files_are_replaced,
				       words_of_any_bytes,
				       what_was_exported_is_read_back,
				       outliers_are_named,
				       failing_runs,
				       until_has_to_match,
				       words_of_a_run,
				       files_of_a_run,
				       order_of_the_numbers,
				       one_fails_and_all_end,
				       a_signal_ends_all,
				       reports_that_wait_are_bounded,
				       bad_words,
				       sides_take_turns,
				       cells,
				       narrow_tables,
				       groups };
	Suite *suite = suite_create("bench");
	TCase *tcase = tcase_create("bench");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, folder_remove);
	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
