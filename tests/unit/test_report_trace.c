/* SPDX-License-Identifier: MIT */
/*
 * The trace, read back by another implementation of JSON: events as "Trace Event Format" wants
 * them, all that the report has among them, in order of time.
 */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/reportspec.h"

enum { ROW_HOST = 1, ROW_KERNEL, ROW_USER, ROW_INITCALLS, ROW_CONSOLE, ROW_SAMPLES, ROW_CPU };

static char *printed(const struct report *report)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(report_print_trace(report, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

static json_t *read_back(const struct report *report)
{
	char *text = printed(report);
	json_error_t error;
	json_t *trace = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	ck_assert_msg(trace != NULL, "line %d: %s", error.line, error.text);
	free(text);
	return trace;
}

static json_t *events_of(json_t *trace)
{
	json_t *events = json_object_get(trace, "traceEvents");

	ck_assert(json_is_array(events));
	return events;
}

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	ck_assert_msg(text != NULL, "no text %s", key);
	return text;
}

static uint64_t number_of(json_t *object, const char *key)
{
	json_t *number = json_object_get(object, key);

	ck_assert_msg(json_is_integer(number), "no integer %s", key);
	return (uint64_t)json_integer_value(number);
}

static json_t *args_of(json_t *event)
{
	json_t *args = json_object_get(event, "args");

	ck_assert(json_is_object(args));
	return args;
}

/* Microseconds with decimals, as ns. */
static uint64_t ns_of(json_t *event, const char *key)
{
	json_t *us = json_object_get(event, key);

	ck_assert_msg(json_is_real(us), "no time %s", key);
	return (uint64_t)llround(json_real_value(us) * 1000);
}

/* What a text becomes: in these reports no byte from 0x80 on is UTF-8. */
static void same_text(const char *got, const char *text)
{
	char utf8[512], *to = utf8;

	ck_assert_uint_lt(3 * strlen(text), sizeof(utf8));
	for (; *text; text++) {
		if ((unsigned char)*text < 0x80)
			*to++ = *text;
		else
			to = stpcpy(to, "\xef\xbf\xbd");
	}
	*to = '\0';
	ck_assert_str_eq(got, utf8);
}

static bool is(json_t *event, const char *type, unsigned int row)
{
	return strcmp(text_of(event, "ph"), type) == 0 && number_of(event, "tid") == row;
}

static size_t count_of(json_t *trace, const char *type, unsigned int row)
{
	json_t *event;
	size_t i, count = 0;

	json_array_foreach(events_of(trace), i, event) count += is(event, type, row);
	return count;
}

/* The nth event of a type in a row. */
static json_t *nth(json_t *trace, const char *type, unsigned int row, size_t n)
{
	json_t *event;
	size_t i;

	json_array_foreach(events_of(trace), i, event)
	{
		if (is(event, type, row) && n-- == 0)
			return event;
	}
	ck_abort_msg("no such event: %s in row %u", type, row);
	return NULL;
}

static void check_event(json_t *event, uint64_t *before_ns)
{
	static const struct {
		const char *type, *member;
	} needs[] = {
		{ "X", "ts" }, { "X", "dur" }, { "i", "ts" }, { "i", "s" }, { "C", "ts" },
	};
	const char *type = text_of(event, "ph");

	ck_assert_msg(strlen(type) == 1 && strchr("MXiC", type[0]), "type %s", type);
	(void)text_of(event, "name");
	(void)args_of(event);
	ck_assert_uint_eq(number_of(event, "pid"), 1);
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		if (strcmp(needs[i].type, type) == 0)
			ck_assert_msg(json_object_get(event, needs[i].member) != NULL,
				      "%s without %s", type, needs[i].member);
	}
	if (type[0] == 'M')
		return;
	ck_assert_msg(ns_of(event, "ts") >= *before_ns, "%s is out of order",
		      text_of(event, "name"));
	*before_ns = ns_of(event, "ts");
}

static void check_trace(json_t *trace)
{
	uint64_t before_ns = 0;
	json_t *event;
	size_t i;

	ck_assert_str_eq(text_of(trace, "displayTimeUnit"), "ms");
	ck_assert(json_is_object(json_object_get(trace, "otherData")));
	json_array_foreach(events_of(trace), i, event) check_event(event, &before_ns);
}

START_TEST(events_are_well_formed_and_in_order)
{
	json_t *full = read_back(reportspec_full()), *bare = read_back(reportspec_bare());

	check_trace(full);
	check_trace(bare);
	json_decref(full);
	json_decref(bare);
}
END_TEST

static const char *row_name(json_t *trace, unsigned int row)
{
	json_t *event;
	size_t i;

	json_array_foreach(events_of(trace), i, event)
	{
		if (is(event, "M", row) && strcmp(text_of(event, "name"), "thread_name") == 0)
			return text_of(args_of(event), "name");
	}
	return "";
}

START_TEST(rows_have_names)
{
	static const char *const name[] = {
		[ROW_HOST] = "host",          [ROW_KERNEL] = "guest kernel",
		[ROW_USER] = "user",          [ROW_INITCALLS] = "initcalls",
		[ROW_CONSOLE] = "console",    [ROW_SAMPLES] = "samples",
		[ROW_CPU] = "exits of CPU 0", [ROW_CPU + 1] = "exits of CPU 1",
		[ROW_CPU + 2] = "",
	};
	struct report without_exits = *reportspec_full();
	json_t *full = read_back(&without_exits), *bare;

	for (unsigned int row = ROW_HOST; row < ROW_CPU + 3; row++)
		ck_assert_str_eq(row_name(full, row), name[row]);
	without_exits.no_exits = "not asked for";
	bare = read_back(&without_exits);
	ck_assert_str_eq(row_name(bare, ROW_SAMPLES), "samples");
	ck_assert_str_eq(row_name(bare, ROW_CPU), "");
	json_decref(full);
	json_decref(bare);
}
END_TEST

/*
 * Marks 0 to 3 are tvmm's, 4 is the first guest instruction, 19 the first user-mode one, 22 the end.
 */
START_TEST(steps_stand_in_the_row_of_who_ran)
{
	const struct report *r = reportspec_full();
	json_t *trace = read_back(r);
	size_t step = 0;

	ck_assert_uint_eq(count_of(trace, "X", ROW_HOST), 4);
	ck_assert_uint_eq(count_of(trace, "X", ROW_KERNEL), 15);
	ck_assert_uint_eq(count_of(trace, "X", ROW_USER), 3);
	for (unsigned int row = ROW_HOST; row <= ROW_USER; row++) {
		for (size_t n = 0; n < count_of(trace, "X", row); n++, step++) {
			json_t *event = nth(trace, "X", row, n);

			same_text(text_of(event, "name"), r->mark[step].name);
			same_text(text_of(args_of(event), "to"), r->mark[step + 1].name);
			ck_assert_uint_eq(ns_of(event, "ts"), r->mark[step].at_ns);
			ck_assert_uint_eq(ns_of(event, "dur"),
					  r->mark[step + 1].at_ns - r->mark[step].at_ns);
			ck_assert_uint_eq(number_of(args_of(event), "overhead_ns"),
					  r->step[step].overhead_ns);
		}
	}
	json_decref(trace);
}
END_TEST

START_TEST(marks_draw_through_all_rows)
{
	const struct report *r = reportspec_full();
	json_t *trace = read_back(r);

	ck_assert_uint_eq(count_of(trace, "i", ROW_HOST), r->marks);
	for (size_t i = 0; i < r->marks; i++) {
		json_t *event = nth(trace, "i", ROW_HOST, i);

		same_text(text_of(event, "name"), r->mark[i].name);
		ck_assert_str_eq(text_of(event, "s"), "p");
		ck_assert_uint_eq(ns_of(event, "ts"), r->mark[i].at_ns);
		ck_assert_str_eq(text_of(args_of(event), "taken"), r->mark[i].taken);
	}
	json_decref(trace);
}
END_TEST

START_TEST(initcalls_and_lines)
{
	const struct report *r = reportspec_full();
	json_t *trace = read_back(r);

	ck_assert_uint_eq(count_of(trace, "X", ROW_INITCALLS), r->initcalls);
	for (size_t i = 0; i < r->initcalls; i++) {
		json_t *event = nth(trace, "X", ROW_INITCALLS, i);

		ck_assert_str_eq(text_of(event, "name"), r->initcall[i].name);
		ck_assert_uint_eq(ns_of(event, "ts"), r->initcall[i].at_ns);
		ck_assert_uint_eq(ns_of(event, "dur"), r->initcall[i].ns);
		ck_assert_str_eq(text_of(args_of(event), "level"), r->initcall[i].level);
		ck_assert_int_eq((int64_t)number_of(args_of(event), "result"),
				 r->initcall[i].result);
	}
	ck_assert_uint_eq(count_of(trace, "X", ROW_CONSOLE), r->console.lines);
	for (size_t i = 0; i < r->console.lines; i++) {
		json_t *event = nth(trace, "X", ROW_CONSOLE, i);

		ck_assert_uint_eq(ns_of(event, "ts"), r->console.line[i].at_ns);
		ck_assert_uint_eq(ns_of(event, "dur"),
				  r->console.line[i].end_ns - r->console.line[i].at_ns);
		same_text(text_of(args_of(event), "text"), r->console.line[i].text);
	}
	json_decref(trace);
}
END_TEST

START_TEST(the_bytes_add_up)
{
	const struct report *r = reportspec_full();
	json_t *trace = read_back(r);
	uint64_t bytes = 0;

	ck_assert_uint_eq(count_of(trace, "C", ROW_CONSOLE), r->steps);
	for (size_t i = 0; i < r->steps; i++) {
		json_t *event = nth(trace, "C", ROW_CONSOLE, i);

		bytes += r->step[i].console_bytes;
		ck_assert_uint_eq(ns_of(event, "ts"), r->mark[i + 1].at_ns);
		ck_assert_uint_eq(number_of(args_of(event), "bytes"), bytes);
	}
	ck_assert_uint_eq(bytes, r->console.bytes);
	json_decref(trace);
}
END_TEST

START_TEST(samples)
{
	const struct report *r = reportspec_full();
	json_t *trace = read_back(r);

	ck_assert_uint_eq(count_of(trace, "i", ROW_SAMPLES), r->profile.samples);
	for (size_t i = 0; i < r->profile.samples; i++) {
		const struct report_sample *sample = &r->profile.sample[i];
		const struct report_stack *stack = &r->profile.stack[sample->stack];
		json_t *event = nth(trace, "i", ROW_SAMPLES, i);
		json_t *frames = json_object_get(args_of(event), "frames");

		same_text(text_of(event, "name"), stack->frame[stack->frames - 1]);
		ck_assert_uint_eq(ns_of(event, "ts"), sample->at_ns);
		ck_assert_uint_eq(number_of(args_of(event), "cpu"), sample->cpu);
		ck_assert_uint_eq(json_array_size(frames), stack->frames);
	}
	json_decref(trace);
}
END_TEST

static void check_exit(json_t *event, const char *name, uint64_t at_ns, uint64_t ns,
		       const char *address, const char *direction)
{
	json_t *way = json_object_get(args_of(event), "direction");

	ck_assert_str_eq(text_of(event, "name"), name);
	ck_assert_uint_eq(ns_of(event, "ts"), at_ns);
	ck_assert_uint_eq(ns_of(event, "dur"), ns);
	ck_assert_str_eq(text_of(args_of(event), "address"), address);
	ck_assert_str_eq(way ? json_string_value(way) : "", direction);
}

START_TEST(exits)
{
	json_t *t = read_back(reportspec_full());
	json_t *other = json_object_get(t, "otherData");

	ck_assert_uint_eq(count_of(t, "X", ROW_CPU), 3);
	check_exit(nth(t, "X", ROW_CPU, 0), "uart16550 0x3f8", 3100123, 1500, "0x3f8", "out");
	check_exit(nth(t, "X", ROW_CPU, 1), "breakpoints", 3500000, 8000, "0xffffffff81000040", "");
	check_exit(nth(t, "X", ROW_CPU, 2), "HLT", 39999999, 1, "0xa", "");
	ck_assert_uint_eq(count_of(t, "X", ROW_CPU + 1), 1);
	check_exit(nth(t, "X", ROW_CPU + 1, 0), "nobody 0xfee00020", 20000001, 700, "0xfee00020",
		   "in");
	ck_assert_uint_eq(number_of(other, "exits_left_out"), 3); /* lost in the record */
	json_decref(t);
}
END_TEST

/* 200000 of a CPU are shown; those that found no room in the record are missing as well. */
START_TEST(exits_beyond_the_most_are_counted)
{
	enum { EXITS = 200003 };
	struct record_exit *exit = calloc(EXITS, sizeof(*exit));
	struct record record[2] = { { .exit = exit, .exits = EXITS },
				    { .exit = exit, .exits = 7 } };
	struct report report = *reportspec_full();
	json_t *trace;

	ck_assert_ptr_nonnull(exit);
	for (size_t i = 0; i < EXITS; i++)
		exit[i].left_ns = report.process_start_ns + i;
	report.record = record;
	report.exits_lost = 5;
	trace = read_back(&report);
	check_trace(trace);
	ck_assert_uint_eq(count_of(trace, "X", ROW_CPU), 200000);
	ck_assert_uint_eq(count_of(trace, "X", ROW_CPU + 1), 7);
	ck_assert_uint_eq(number_of(json_object_get(trace, "otherData"), "exits_left_out"), 3 + 5);
	json_decref(trace);
	free(exit);
}
END_TEST

/* The digits themselves: a double has fewer than a time in ns may need. */
START_TEST(times_are_written_exactly)
{
	char *text = printed(reportspec_full());

	ck_assert_ptr_nonnull(strstr(text, "\"ts\":3000.001,\"dur\":99.999,"));
	ck_assert_ptr_nonnull(strstr(text, "\"ts\":39999.999,\"dur\":0.001,"));
	free(text);
}
END_TEST

START_TEST(a_run_without_user_space)
{
	struct report report = *reportspec_bare();
	json_t *trace;

	trace = read_back(&report); /* it has no metric "kernel" */
	ck_assert_uint_eq(count_of(trace, "X", ROW_HOST), 1);
	ck_assert_uint_eq(count_of(trace, "X", ROW_KERNEL), 3);
	ck_assert_uint_eq(count_of(trace, "X", ROW_USER), 0);
	json_decref(trace);
}
END_TEST

/* It ended before it began. */
START_TEST(one_mark)
{
	struct report report = *reportspec_bare();
	json_t *trace;

	report.marks = 1;
	report.steps = report.end = 0;
	trace = read_back(&report);
	check_trace(trace);
	ck_assert_uint_eq(count_of(trace, "X", ROW_HOST), 0);
	ck_assert_uint_eq(count_of(trace, "i", ROW_HOST), 1);
	json_decref(trace);
}
END_TEST

START_TEST(a_full_disk_is_told)
{
	FILE *full = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(full);
	ck_assert_int_eq(report_print_trace(reportspec_full(), full), -ENOSPC);
	(void)fclose(full);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		events_are_well_formed_and_in_order,
		rows_have_names,
		steps_stand_in_the_row_of_who_ran,
		marks_draw_through_all_rows,
		initcalls_and_lines,
		the_bytes_add_up,
		samples,
		exits,
		exits_beyond_the_most_are_counted,
		times_are_written_exactly,
		a_run_without_user_space,
		one_mark,
		a_full_disk_is_told,
	};
	Suite *suite = suite_create("report_trace");
	TCase *tcase = tcase_create("report_trace");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
