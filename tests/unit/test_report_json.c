/* SPDX-License-Identifier: MIT */
/* The report as JSON: read back by another's parser, field by field the report; docs/report.md's schema. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/ktapspec.h"
#include "tests/common/reportspec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static json_t *root;

static void print_and_read(const struct report *report)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_error_t error;

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(report_print_json(report, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(root != NULL, "line %d column %d: %s", error.line, error.column, error.text);
	free(text);
}

/* "a.b": the member b of the member a. It has to be there. */
static json_t *get(json_t *from, const char *path)
{
	char part[64];
	size_t length;

	for (; *path; path += length + (path[length] == '.')) {
		length = strcspn(path, ".");
		(void)snprintf(part, sizeof(part), "%.*s", (int)length, path);
		from = json_object_get(from, part);
		ck_assert_msg(from != NULL, "no '%s'", part);
	}
	return from;
}

static void check_number(json_t *from, const char *path, uint64_t expected)
{
	json_t *value = get(from, path);

	ck_assert_msg(json_is_integer(value), "'%s' is no whole number", path);
	ck_assert_msg((uint64_t)json_integer_value(value) == expected, "'%s' is %lld, not %llu",
		      path, (long long)json_integer_value(value), (unsigned long long)expected);
}

/* expected with each byte that is no UTF-8 as U+FFFD, for the one hostile text of the spec. */
static const char *readable(const char *text)
{
	static char copy[256];
	static const char harmless[] =
		"\033[2J\"quoted\\\" </script><b>&amp; \xef\xbf\xbd\xef\xbf\xbd"
		"\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\x7f";
	const char *at = strstr(text, REPORTSPEC_HOSTILE);

	if (!at)
		return text;
	(void)snprintf(copy, sizeof(copy), "%.*s%s", (int)(at - text), text, harmless);
	return copy;
}

static void check_text(json_t *from, const char *path, const char *expected)
{
	json_t *value = get(from, path);

	if (!expected)
		ck_assert_msg(json_is_null(value), "'%s' is not null", path);
	else
		ck_assert_str_eq(json_string_value(value), readable(expected));
}

static void check_bool(json_t *from, const char *path, bool expected)
{
	ck_assert_msg(get(from, path) == (expected ? json_true() : json_false()), "'%s'", path);
}

static json_t *array_of(json_t *from, const char *path, size_t count)
{
	json_t *array = get(from, path);

	ck_assert_msg(json_is_array(array), "'%s' is no array", path);
	ck_assert_uint_eq(json_array_size(array), count);
	return array;
}

static void check_texts(json_t *from, const char *path, const char *const *expected, size_t count)
{
	json_t *array = array_of(from, path, count);

	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(json_string_value(json_array_get(array, i)),
				 readable(expected[i]));
}

static void check_keys(json_t *object, const char *const *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)get(object, keys[i]);
	ck_assert_uint_eq(json_object_size(object), count);
}

/* ---- what ran -------------------------------------------------------------------------------- */

START_TEST(all_there_is)
{
	static const char *const keys[] = {
		"schema",     "version", "tvmm",   "host",        "guest",     "ending", "marks",
		"marks_lost", "steps",   "phases", "breakpoints", "initcalls", "exits",  "time",
		"console",    "profile", "log",    "control",     "metrics",   "tests",  "autopsy",
	};

	print_and_read(reportspec_full());
	check_keys(root, keys, COUNT(keys));
	check_text(root, "schema", "tvmm-report");
	check_number(root, "version", 1);
	json_decref(root);
	print_and_read(reportspec_bare());
	check_keys(root, keys, COUNT(keys)); /* what is not known is null, not missing */
	json_decref(root);
}
END_TEST

static void check_run(const struct report *r)
{
	check_text(root, "tvmm.version", r->version);
	check_texts(root, "tvmm.command", r->command, r->words);
	check_texts(root, "tvmm.fallbacks", r->fallback, r->fallbacks);
	check_text(root, "host.cpu", r->host.cpu);
	check_number(root, "host.cpus", r->host.cpus);
	check_text(root, "host.kernel", r->host.kernel);
	check_text(root, "host.governor", r->host.governor);
	check_text(root, "host.huge_pages", r->host.huge_pages);
	check_text(root, "host.clock", r->host.clock);
	check_text(root, "host.backend", r->host.backend);
	check_text(root, "host.ground", r->host.ground);
	check_text(root, "host.mitigations", r->host.mitigations);
	check_number(root, "host.tsc_khz", r->host.tsc_khz);
	check_text(root, "guest.kernel", r->guest.kernel);
	check_text(root, "guest.initrd", r->guest.initrd);
	check_text(root, "guest.cmdline", r->guest.cmdline);
	check_text(root, "guest.fast_append", r->guest.fast_append);
	check_text(root, "guest.no_fast_append", r->guest.no_fast_append);
	check_text(root, "guest.banner", r->guest.banner);
	check_text(root, "guest.build_id", r->guest.build_id);
	check_text(root, "guest.entered", r->guest.entered);
	check_text(root, "guest.symbols", r->guest.symbols);
	check_number(root, "guest.ram_bytes", r->guest.ram_bytes);
	check_number(root, "guest.cpus", r->guest.cpus);
	check_number(root, "ending.status", (uint64_t)r->ending.status);
	check_text(root, "ending.kind", r->ending.kind);
	check_text(root, "ending.sentence", r->ending.sentence);
}

/* ---- where time went ------------------------------------------------------------------------- */

static void check_marks(const struct report *r)
{
	static const char *const by[] = { "tvmm", "console", "breakpoint", "guest" };
	json_t *array = array_of(root, "marks", r->marks);

	for (size_t i = 0; i < r->marks; i++) {
		json_t *row = json_array_get(array, i);

		check_text(row, "name", r->mark[i].name);
		check_text(row, "taken", r->mark[i].taken);
		check_text(row, "by", by[r->mark[i].source]);
		check_number(row, "at_ns", r->mark[i].at_ns);
		check_number(row, "overhead_ns", r->mark[i].overhead_ns);
		check_number(row, "cpu", r->mark[i].cpu);
	}
	check_number(root, "marks_lost", r->marks_lost);
}

static void check_split(json_t *from, const char *path, const struct report_split *split)
{
	json_t *object = get(from, path);

	if (!split->known) {
		ck_assert_msg(json_is_null(object), "'%s' is not null", path);
		return;
	}
	check_number(object, "wall_ns", split->wall_ns);
	check_number(object, "guest_ns", split->guest_ns);
	check_number(object, "kvm_ns", split->kvm_ns);
	check_number(object, "tvmm_ns", split->tvmm_ns);
	check_number(object, "idle_ns", split->idle_ns);
	check_number(object, "stolen_ns", split->stolen_ns);
	check_number(object, "kvm_exits", split->kvm_exits);
}

static void check_steps(const struct report *r)
{
	json_t *array = array_of(root, "steps", r->steps);

	for (size_t i = 0; i < r->steps; i++) {
		json_t *row = json_array_get(array, i);

		check_text(row, "from", r->mark[r->step[i].from].name);
		check_text(row, "to", r->mark[r->step[i].to].name);
		check_number(row, "duration_ns", r->step[i].ns);
		check_number(row, "overhead_ns", r->step[i].overhead_ns);
		check_number(row, "exits", r->step[i].exits);
		check_number(row, "exits_ns", r->step[i].exits_ns);
		check_number(row, "console_bytes", r->step[i].console_bytes);
		check_number(row, "console_exits", r->step[i].console_exits);
		check_number(row, "console_ns", r->step[i].console_ns);
		check_split(row, "split", &r->step[i].split);
	}
	check_split(root, "time", &r->split);
}

static void check_phases(const struct report *r)
{
	check_bool(root, "phases.taken", !r->no_phases);
	check_text(root, "phases.why_not", r->no_phases);
	check_texts(root, "phases.left_out", r->left_out, r->lefts_out);
	check_texts(root, "phases.not_reached", r->not_reached, r->not_reacheds);
	check_number(root, "breakpoints.exits", r->breakpoints.exits);
	check_number(root, "breakpoints.round_trip_ns", r->breakpoints.round_trip_ns);
	check_number(root, "breakpoints.total_ns", r->breakpoints.total_ns);
}

static void check_initcalls(const struct report *r)
{
	json_t *array = array_of(root, "initcalls.list", r->initcalls);

	check_bool(root, "initcalls.taken", !r->no_initcalls);
	check_text(root, "initcalls.why_not", r->no_initcalls);
	check_number(root, "initcalls.lost", r->initcalls_lost);
	for (size_t i = 0; i < r->initcalls; i++) {
		json_t *row = json_array_get(array, i);

		check_text(row, "name", r->initcall[i].name);
		check_text(row, "level", r->initcall[i].level);
		check_number(row, "at_ns", r->initcall[i].at_ns);
		check_number(row, "duration_ns", r->initcall[i].ns);
		check_number(row, "result", (uint64_t)r->initcall[i].result);
		check_number(row, "cpu", r->initcall[i].cpu);
	}
}

static void check_class(json_t *row, const struct report *r, const struct report_exit_class *class)
{
	static const char *const kind[] = { "pio", "mmio", "breakpoint", "kick", "other" };
	bool access = class->kind == RECORD_EXIT_PIO || class->kind == RECORD_EXIT_MMIO;
	json_t *by_step = array_of(row, "by_step", r->steps);

	check_text(row, "kind", kind[class->kind]);
	check_number(row, "address", class->address);
	check_text(row, "owner", class->owner);
	check_text(row, "direction", !access ? "" : class->out ? "out" : "in");
	check_number(row, "exits", class->exits);
	check_number(row, "accesses", class->accesses);
	check_number(row, "served_ns", class->ns);
	for (size_t i = 0; i < r->steps; i++)
		ck_assert_uint_eq((uint64_t)json_integer_value(json_array_get(by_step, i)),
				  class->in_step[i]);
}

static void check_exits(const struct report *r)
{
	json_t *array = array_of(root, "exits.classes", r->exit_classes);

	check_bool(root, "exits.taken", !r->no_exits);
	check_text(root, "exits.why_not", r->no_exits);
	check_number(root, "exits.count", r->exits);
	check_number(root, "exits.lost", r->exits_lost);
	for (size_t i = 0; i < r->exit_classes; i++)
		check_class(json_array_get(array, i), r, &r->exit_class[i]);
}

static void check_console(const struct report *r)
{
	json_t *array = array_of(root, "console.lines", r->console.lines);

	check_number(root, "console.bytes", r->console.bytes);
	check_number(root, "console.exits", r->console.exits);
	check_number(root, "console.coalesced", r->console.coalesced);
	check_number(root, "console.served_ns", r->console.served_ns);
	check_number(root, "console.round_trip_ns", r->console.round_trip_ns);
	check_text(root, "console.round_trip_by", r->console.round_trip_by);
	check_number(root, "console.tax_ns", r->console.tax_ns);
	check_number(root, "console.lines_lost", r->console.lines_lost);
	for (size_t i = 0; i < r->console.lines; i++) {
		json_t *row = json_array_get(array, i);

		check_number(row, "at_ns", r->console.line[i].at_ns);
		check_number(row, "end_ns", r->console.line[i].end_ns);
		check_text(row, "text", r->console.line[i].text);
	}
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void check_profile(const struct report *r)
{
	const struct report_profile *profile = &r->profile;
	json_t *array;

	if (!profile->rate_hz) {
		check_text(root, "profile", NULL);
		return;
	}
	check_number(root, "profile.rate_hz", profile->rate_hz);
	check_number(root, "profile.samples", profile->samples);
	check_number(root, "profile.lost", profile->lost);
	check_text(root, "profile.unwound_by", profile->unwound_by);
	array = array_of(root, "profile.stacks", profile->stacks);
	for (size_t i = 0; i < profile->stacks; i++) {
		json_t *row = json_array_get(array, i);

		check_texts(row, "frames", profile->stack[i].frame, profile->stack[i].frames);
		check_number(row, "samples", profile->stack[i].samples);
	}
}

static void check_log(const struct report *r)
{
	json_t *array = array_of(root, "log.lines", r->log_lines);

	check_bool(root, "log.taken", !r->no_log);
	check_text(root, "log.why_not", r->no_log);
	for (size_t i = 0; i < r->log_lines; i++) {
		json_t *row = json_array_get(array, i);

		check_number(row, "guest_at_ns", r->log[i].at_ns);
		check_number(row, "level", r->log[i].level);
		check_text(row, "text", r->log[i].text);
	}
}

static void check_control(const struct report *r)
{
	if (!r->control.done) {
		check_text(root, "control", NULL);
		return;
	}
	check_text(root, "control.mark", r->control.mark);
	check_number(root, "control.noisy_ns", r->control.noisy_ns);
	check_number(root, "control.quiet_ns", r->control.quiet_ns);
}

static void check_metrics(const struct report *r)
{
	static const char *const unit[] = { "ns", "bytes", "count" };
	json_t *array = array_of(root, "metrics", r->metrics);

	for (size_t i = 0; i < r->metrics; i++) {
		json_t *row = json_array_get(array, i);

		check_text(row, "name", r->metric[i].name);
		check_text(row, "unit", unit[r->metric[i].unit]);
		check_number(row, "value", r->metric[i].value);
		check_text(row, "from", r->metric[i].from);
		check_text(row, "to", r->metric[i].to);
	}
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void check_no_tests(const struct report *r)
{
	(void)r;
	ck_assert(json_is_null(get(root, "tests")));
}

static void check_test(size_t i, const char *name, const char *status, bool group, bool counts)
{
	json_t *row = json_array_get(get(root, "tests.list"), i);

	check_text(row, "name", name);
	check_text(row, "status", status);
	check_bool(row, "group", group);
	check_bool(row, "counts", counts);
}

START_TEST(tests_of_the_guest)
{
	struct report report = *reportspec_full();
	json_t *row;

	report.process_start_ns = 5000000;
	report.tests = ktapspec_read(KTAPSPEC_FULL, 7000000);
	print_and_read(&report);
	check_text(root, "tests.verdict", "failed");
	check_text(root, "tests.sentence",
		   "4 of 10 tests failed, and not all results came: first list.del");
	check_number(root, "tests.streams", 1);
	check_number(root, "tests.count", 10);
	check_number(root, "tests.passed", 4);
	check_number(root, "tests.failed", 4);
	check_number(root, "tests.skipped", 1);
	check_number(root, "tests.todo", 1);
	check_number(root, "tests.missing", 2 + 2);
	check_number(root, "tests.surplus", 0);
	check_number(root, "tests.unfinished", 1);
	check_number(root, "tests.out_of_order", 0);
	check_number(root, "tests.without_plan", 0);
	check_number(root, "tests.lost", 0);
	check_number(root, "tests.texts_lost", 0);
	check_text(root, "tests.bailed_out", NULL);
	(void)array_of(root, "tests.list", 13);
	check_test(0, "first", "pass", false, true);
	check_test(1, "list", "fail", true, false);
	check_test(3, "list.del", "fail", false, true);
	check_test(4, "list.move", "skip", false, true);
	check_test(5, "list.swap", "todo", false, true);
	check_text(json_array_get(get(root, "tests.list"), 8), "status", "fail");
	check_bool(json_array_get(get(root, "tests.list"), 8), "counts", true);
	check_test(11, "broken", "none", true, false);
	row = json_array_get(get(root, "tests.list"), 3);
	check_number(row, "at_ns", 2000000 + 9 * KTAPSPEC_LINE_NS);
	check_number(row, "duration_ns", 3 * KTAPSPEC_LINE_NS);
	check_text(row, "output",
		   "# del: EXPECTATION FAILED at lib/list-test.c:60\n"
		   "Expected list_empty(&list), but is <not> & \"]]>\"\n");
	check_text(json_array_get(get(root, "tests.list"), 4), "reason", "no memory");
	json_decref(root);
	ktapspec_finish();
}
END_TEST

START_TEST(tests_that_bailed_out)
{
	struct report report = *reportspec_bare();

	report.tests = ktapspec_read("TAP version 13\n1..1\nBail out! no root", 1);
	print_and_read(&report);
	check_text(root, "tests.verdict", "incomplete");
	check_text(root, "tests.bailed_out", "no root");
	json_decref(root);
	ktapspec_finish();
}
END_TEST

static void check_report(const struct report *report)
{
	static void (*const check[])(const struct report *) = {
		check_run,       check_marks,   check_steps,   check_phases,
		check_initcalls, check_exits,   check_console, check_profile,
		check_log,       check_control, check_metrics, check_no_tests,
	};

	print_and_read(report);
	for (size_t i = 0; i < COUNT(check); i++)
		check[i](report);
	json_decref(root);
}

START_TEST(full)
{
	check_report(reportspec_full());
}
END_TEST

START_TEST(bare)
{
	check_report(reportspec_bare());
}
END_TEST

/* A run that ended before anything: one mark, no step. */
START_TEST(one_mark)
{
	struct report report = *reportspec_bare();

	report.marks = 1;
	report.steps = 0;
	report.end = 0;
	check_report(&report);
}
END_TEST

START_TEST(a_full_disk)
{
	FILE *out = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(out);
	(void)setvbuf(out, NULL, _IONBF, 0);
	ck_assert_int_lt(report_print_json(reportspec_bare(), out), 0);
	(void)fclose(out);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		all_there_is,          full,       bare, one_mark, tests_of_the_guest,
		tests_that_bailed_out, a_full_disk
	};
	Suite *suite = suite_create("report_json");
	TCase *tcase = tcase_create("report_json");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
