/* SPDX-License-Identifier: MIT */
/*
 * readreport: what the tests want to know of a report (docs/report.md), for shells.
 *
 *	readreport marks REPORT			a line for each mark: at_ns, overhead_ns, by, name
 *	readreport initcalls REPORT		a line for each initcall: duration_ns, result, level, name
 *	readreport number REPORT PATH		the number (or text) at a.b.0.c
 *	readreport error REPORT OUTPUT KHZ	OUTPUT has lines "mark counter", the guest's own time stamp
 *						counter of KHZ at that mark: by how many ns do two marks
 *						in a row lie further apart, or nearer, in the report? The
 *						greatest of all pairs, and how many pairs there are
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "readreport: %s: %s\n", what, why);
	exit(1);
}

static json_t *load(const char *path)
{
	json_error_t error;
	json_t *report = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (!report)
		die(path, error.text);
	return report;
}

static long long number_of(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

static void print_marks(json_t *report)
{
	json_t *marks = json_object_get(report, "marks");

	for (size_t i = 0; i < json_array_size(marks); i++) {
		json_t *mark = json_array_get(marks, i);

		(void)printf("%lld %lld %s %s\n", number_of(mark, "at_ns"),
			     number_of(mark, "overhead_ns"), text_of(mark, "by"),
			     text_of(mark, "name"));
	}
}

static void print_initcalls(json_t *report)
{
	json_t *list = json_object_get(json_object_get(report, "initcalls"), "list");

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *call = json_array_get(list, i);

		(void)printf("%lld %lld %s %s\n", number_of(call, "duration_ns"),
			     number_of(call, "result"), text_of(call, "level"),
			     text_of(call, "name"));
	}
}

static void print_value(json_t *at, const char *path)
{
	char *copy = strdup(path), *save = NULL;

	for (char *key = strtok_r(copy, ".", &save); key && at; key = strtok_r(NULL, ".", &save))
		at = json_is_array(at) ? json_array_get(at, strtoul(key, NULL, 10))
				       : json_object_get(at, key);
	if (json_is_integer(at))
		(void)printf("%lld\n", (long long)json_integer_value(at));
	else if (json_is_string(at))
		(void)printf("%s\n", json_string_value(at));
	else
		(void)printf("%s\n", json_is_true(at)    ? "true"
				     : json_is_false(at) ? "false"
							 : "null");
	free(copy);
}

static long long at_ns_of(json_t *report, const char *name)
{
	json_t *marks = json_object_get(report, "marks");

	for (size_t i = 0; i < json_array_size(marks); i++) {
		if (strcmp(text_of(json_array_get(marks, i), "name"), name) == 0)
			return number_of(json_array_get(marks, i), "at_ns");
	}
	return -1;
}

static void print_error(json_t *report, FILE *output, double khz)
{
	long long before_at = -1, greatest = 0, pairs = 0;
	unsigned long long counter, before_counter = 0;
	char line[256], name[128];

	while (fgets(line, sizeof(line), output)) {
		char *blank = strrchr(line, ' ');
		long long at, error;

		if (!blank || sscanf(blank, "%llx", &counter) != 1)
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)(blank - line), line);
		at = at_ns_of(report, name);
		if (at < 0)
			continue;
		if (before_at >= 0) {
			error = (long long)((double)(long long)(counter - before_counter) / khz *
					    1e6) -
				(at - before_at);
			pairs++;
			if (llabs(error) > greatest)
				greatest = llabs(error);
		}
		before_at = at;
		before_counter = counter;
	}
	(void)printf("%lld %lld\n", greatest, pairs);
}

int main(int argc, char **argv)
{
	json_t *report;

	if (argc < 3)
		die("usage", "see the head of tests/guest/readreport.c");
	report = load(argv[2]);
	if (strcmp(argv[1], "marks") == 0) {
		print_marks(report);
	} else if (strcmp(argv[1], "initcalls") == 0) {
		print_initcalls(report);
	} else if (strcmp(argv[1], "number") == 0 && argc == 4) {
		print_value(report, argv[3]);
	} else if (strcmp(argv[1], "error") == 0 && argc == 5) {
		FILE *output = fopen(argv[3], "r");

		if (!output)
			die(argv[3], strerror(errno));
		print_error(report, output, strtod(argv[4], NULL));
		(void)fclose(output);
	} else {
		die(argv[1], "not known");
	}
	json_decref(report);
	return 0;
}
