/* SPDX-License-Identifier: MIT */
/*
 * The report as JUnit XML, as Jenkins, GitLab and the actions for GitHub read it. There is no
 * standard; these are the elements that all of them know:
 *
 *	testsuites (tests, failures, errors, skipped, time)
 *	  testsuite (name, the same)                         "boot", then one for each group of tests
 *	    testcase (classname, name, time)
 *	      failure | error (message, type; text) | skipped (message)
 *	      system-out                                     the end of the console
 *
 * The run is a test by itself: it fails with the run's status, and is an error where tvmm could not
 * do it or was stopped. What came to no result is an error. Times are of the host's clock. Left
 * out: time stamps, because a report has no time of day.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/cleantext.h"
#include "vmm/timing/markup.h"
#include "vmm/timing/report.h"

enum {
	CONSOLE_BYTES = 64 << 10,
	MESSAGE_BYTES = 512,
	STATUS_NOT_TOLD = 125, /* tvmm could not do it */
	RUN_SUITE_TESTS = 1,
};

/* Of a suite, or of all. */
struct sum {
	uint64_t tests, failures, errors, skipped, ns;
};

static bool is_trouble(const struct report *r)
{
	return r->ending.status == STATUS_NOT_TOLD || strcmp(r->ending.kind, "signal") == 0;
}

static const char *run_name(const struct report *r)
{
	const char *kernel = r->guest.kernel ? r->guest.kernel : "";
	const char *slash = strrchr(kernel, '/');

	if (r->name)
		return r->name;
	return slash && slash[1] ? slash + 1 : kernel;
}

static uint64_t run_ns(const struct report *r)
{
	return r->marks ? r->mark[r->end].at_ns : 0;
}

/* ---- sums ------------------------------------------------------------------------------------ */

/* What has a testcase of its own. */
static bool is_case(const struct ktap_result *result)
{
	return result->test || result->status == KTAP_NO_RESULT;
}

static void add_result(struct sum *sum, const struct ktap_result *result)
{
	if (!is_case(result))
		return;
	sum->tests++;
	sum->failures += result->status == KTAP_FAIL;
	sum->errors += result->status == KTAP_NO_RESULT;
	sum->skipped += result->status == KTAP_SKIP || result->status == KTAP_TODO;
	sum->ns += result->group ? 0 : result->took_ns;
}

static struct sum sum_of_run(const struct report *r)
{
	bool failed = r->ending.status != 0;

	return (struct sum){ RUN_SUITE_TESTS, failed && !is_trouble(r), failed && is_trouble(r), 0,
			     run_ns(r) };
}

static struct sum sum_of_all(const struct report *r)
{
	struct sum sum = sum_of_run(r);

	for (size_t i = 0; r->tests && i < r->tests->results; i++)
		add_result(&sum, &r->tests->result[i]);
	sum.ns = run_ns(r); /* the tests' times are in it */
	return sum;
}

/* ---- elements -------------------------------------------------------------------------------- */

static void attribute(FILE *out, const char *name, const char *text)
{
	char clean[KTAP_PATH_BYTES];

	(void)cleantext_copy(clean, sizeof(clean), text, false);
	(void)fprintf(out, " %s=\"", name);
	markup_text(out, clean);
	(void)fputc('"', out);
}

static void time_attribute(FILE *out, uint64_t ns)
{
	(void)fprintf(out, " time=\"%" PRIu64 ".%06" PRIu64 "\"", ns / 1000000000,
		      ns / 1000 % 1000000);
}

static void sum_attributes(FILE *out, const struct sum *sum)
{
	(void)fprintf(out,
		      " tests=\"%" PRIu64 "\" failures=\"%" PRIu64 "\" errors=\"%" PRIu64
		      "\" skipped=\"%" PRIu64 "\"",
		      sum->tests, sum->failures, sum->errors, sum->skipped);
	time_attribute(out, sum->ns);
}

static void begin_suite(FILE *out, const char *name, const struct sum *sum)
{
	(void)fputs(" <testsuite", out);
	attribute(out, "name", name);
	sum_attributes(out, sum);
	(void)fputs(">\n", out);
}

static void end_suite(FILE *out)
{
	(void)fputs(" </testsuite>\n", out);
}

static void begin_case(FILE *out, const char *class, const char *name, uint64_t ns)
{
	(void)fputs("  <testcase", out);
	attribute(out, "classname", class);
	attribute(out, "name", name);
	time_attribute(out, ns);
	(void)fputs(">\n", out);
}

static void end_case(FILE *out)
{
	(void)fputs("  </testcase>\n", out);
}

/* failure, error: with what explains it as text. */
static void print_fault(FILE *out, const char *element, const char *message, const char *type,
			const char *text)
{
	size_t size = 3 * strlen(text) + 1; /* each byte may become a character of three */
	char *clean = malloc(size);

	(void)fprintf(out, "   <%s", element);
	attribute(out, "message", message);
	attribute(out, "type", type);
	(void)fputc('>', out);
	if (clean)
		(void)cleantext_copy(clean, size, text, true);
	markup_text(out, clean ? clean : "");
	(void)fprintf(out, "</%s>\n", element);
	free(clean);
}

/* ---- the run --------------------------------------------------------------------------------- */

static void print_console(const struct report *r, FILE *out)
{
	const struct report_console *console = &r->console;
	char *tail = malloc(CONSOLE_BYTES);
	size_t lines;

	if (!tail)
		return;
	lines = cleantext_console_tail(console, tail, CONSOLE_BYTES);
	if (lines) {
		(void)fputs("   <system-out>", out);
		if (lines < console->lines)
			(void)fprintf(out, "(%zu lines before these are left out)\n",
				      console->lines - lines);
		markup_text(out, tail);
		if (console->lines_lost)
			(void)fprintf(out, "(%" PRIu64 " lines behind these were not kept)\n",
				      console->lines_lost);
		(void)fputs("</system-out>\n", out);
	}
	free(tail);
}

static void print_run(const struct report *r, FILE *out)
{
	struct sum sum = sum_of_run(r);

	begin_suite(out, "boot", &sum);
	begin_case(out, "boot", run_name(r), run_ns(r));
	if (r->ending.status != 0)
		print_fault(out, is_trouble(r) ? "error" : "failure", r->ending.sentence,
			    r->ending.kind, r->autopsy_text ? r->autopsy_text : "");
	print_console(r, out);
	end_case(out);
	end_suite(out);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void print_skipped(FILE *out, const struct ktap_result *result, const char *reason)
{
	char message[MESSAGE_BYTES];

	(void)snprintf(message, sizeof(message), "%s%s",
		       result->status == KTAP_TODO ? "expected to fail: " : "", reason);
	(void)fputs("   <skipped", out);
	attribute(out, "message", message);
	(void)fputs("/>\n", out);
}

static void print_failure(const struct ktap *tests, uint32_t i, FILE *out)
{
	char message[MESSAGE_BYTES];

	ktap_why(tests, i, message, sizeof(message));
	print_fault(out, "failure", message[0] ? message : "not ok", "not ok",
		    ktap_text(tests, tests->result[i].output));
}

/* What was printed when all broke off belongs to the innermost group, the last without a result. */
static void print_no_result(const struct ktap *tests, uint32_t i, FILE *out)
{
	char output[KTAP_OUTPUT_BYTES];
	uint32_t last = (uint32_t)tests->results - 1;

	while (tests->result[last].status != KTAP_NO_RESULT)
		last--;
	ktap_last_output(tests, output, sizeof(output));
	print_fault(out, "error", "it began, but no result of it came", "no result",
		    i == last ? output : "");
}

static void print_case(const struct ktap *tests, uint32_t i, const char *suite, FILE *out)
{
	const struct ktap_result *result = &tests->result[i];
	char class[KTAP_PATH_BYTES], name[KTAP_NAME_BYTES];

	if (!is_case(result))
		return;
	ktap_path(tests, result->parent, class, sizeof(class));
	ktap_name(tests, i, name, sizeof(name));
	begin_case(out, class[0] ? class : suite, name, result->took_ns);
	if (result->status == KTAP_FAIL)
		print_failure(tests, i, out);
	else if (result->status == KTAP_NO_RESULT)
		print_no_result(tests, i, out);
	else if (result->status != KTAP_PASS)
		print_skipped(out, result, ktap_text(tests, result->reason));
	end_case(out);
}

/* Behind the group that begins at i, or behind i if that is none. */
static uint32_t behind(const struct ktap *tests, uint32_t i)
{
	do
		i++;
	while (i < tests->results && tests->result[i].depth > 0);
	return i;
}

static bool is_alone(const struct ktap *tests, uint32_t i)
{
	return behind(tests, i) == i + 1;
}

/* Those in no group, wherever they stand between groups. */
static void print_ungrouped(const struct report *r, FILE *out)
{
	static const char SUITE[] = "tests";
	const struct ktap *tests = r->tests;
	struct sum sum = { 0 };

	for (uint32_t i = 0; i < tests->results; i = behind(tests, i)) {
		if (is_alone(tests, i))
			add_result(&sum, &tests->result[i]);
	}
	if (!sum.tests)
		return;
	begin_suite(out, SUITE, &sum);
	for (uint32_t i = 0; i < tests->results; i = behind(tests, i)) {
		if (is_alone(tests, i))
			print_case(tests, i, SUITE, out);
	}
	end_suite(out);
}

static void print_group(const struct report *r, uint32_t first, uint32_t end, FILE *out)
{
	char name[KTAP_NAME_BYTES];
	struct sum sum = { 0 };

	for (uint32_t i = first; i < end; i++)
		add_result(&sum, &r->tests->result[i]);
	ktap_name(r->tests, first, name, sizeof(name));
	begin_suite(out, name, &sum);
	for (uint32_t i = first; i < end; i++)
		print_case(r->tests, i, name, out);
	end_suite(out);
}

static void print_tests(const struct report *r, FILE *out)
{
	uint32_t end;

	if (!r->tests)
		return;
	print_ungrouped(r, out);
	for (uint32_t i = 0; i < r->tests->results; i = end) {
		end = behind(r->tests, i);
		if (!is_alone(r->tests, i))
			print_group(r, i, end, out);
	}
}

int report_print_junit(const struct report *r, FILE *out)
{
	struct sum sum = sum_of_all(r);

	markup_begin(out);
	(void)fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tvmm\"", out);
	sum_attributes(out, &sum);
	(void)fputs(">\n", out);
	print_run(r, out);
	print_tests(r, out);
	(void)fputs("</testsuites>\n", out);
	return markup_end(out);
}
