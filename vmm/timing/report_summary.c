/* SPDX-License-Identifier: MIT */
/*
 * The report as Markdown, for GITHUB_STEP_SUMMARY: how the run ended, the boot's times, the tests
 * that failed and what they printed, all groups of tests, the end of the console. It stands behind
 * what other steps wrote, so it begins and ends with an empty line.
 *
 * What a guest wrote is text and nothing else, wherever it stands:
 *
 *	in a line or a cell   a code span; "`" becomes "'", "|" becomes U+00A6, ends of lines blanks
 *	in a block            a fence that is longer than any run of "`" in it; from the 17th on they
 *	                      become "'"
 *
 * Each part has room of its own; together they are less than 64 KiB.
 *
 * Authority: GitHub Flavored Markdown Spec 0.29 "Fenced code blocks", "Code spans", "Tables (extension)".
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/must.h"
#include "vmm/timing/cleantext.h"
#include "vmm/timing/markup.h"
#include "vmm/timing/report.h"

enum {
	ROWS_MAX = 50,
	FAILURES_SHOWN = 6,
	NAME_BYTES = 120,
	SENTENCE_BYTES = 600,
	OUTPUT_BYTES = 2048, /* of a test that failed */
	CONSOLE_BYTES = 12 << 10,
	AUTOPSY_BYTES = 8 << 10,
	TICKS_MAX = 16,
};

/* ---- a guest's text -------------------------------------------------------------------------- */

static bool is_inside_character(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* At most size bytes: in a cell, a '|' ends it even inside a code span. */
static void code_span(FILE *out, const char *text, size_t size)
{
	char clean[SENTENCE_BYTES];
	size_t used = 0;

	must(size <= sizeof(clean));
	if (!cleantext_copy(clean, size, text, false)) {
		(void)fputs("(none)", out);
		return;
	}
	(void)fputc('`', out);
	for (const char *c = clean; *c && (used < size || is_inside_character(*c)); c++) {
		used += *c == '|' ? 2 : 1;
		if (*c == '|')
			(void)fputs("\xc2\xa6", out);
		else
			(void)fputc(*c == '`' ? '\'' : *c, out);
	}
	(void)fputc('`', out);
}

/* Cuts long runs of "`" short and returns how long the longest is then. */
static size_t tame_ticks(char *text)
{
	size_t run = 0, longest = 0;

	for (; *text; text++) {
		run = *text == '`' ? run + 1 : 0;
		if (run > TICKS_MAX)
			*text = '\'';
		else if (run > longest)
			longest = run;
	}
	return longest;
}

static void fence(FILE *out, size_t ticks)
{
	for (size_t i = 0; i < (ticks < 3 ? 3 : ticks); i++)
		(void)fputc('`', out);
}

/* text is clean; it is changed. */
static void code_block(FILE *out, char *text)
{
	size_t ticks = tame_ticks(text) + 1, length = strlen(text);

	fence(out, ticks);
	(void)fprintf(out, "text\n%s%s", text, length && text[length - 1] == '\n' ? "" : "\n");
	fence(out, ticks);
	(void)fputc('\n', out);
}

static void begin_details(FILE *out, const char *summary)
{
	(void)fprintf(out, "<details><summary>%s</summary>\n\n", summary);
}

static void end_details(FILE *out)
{
	(void)fputs("\n</details>\n\n", out);
}

static void print_ms(FILE *out, uint64_t ns)
{
	(void)fprintf(out, "%" PRIu64 ".%03" PRIu64 " ms", ns / 1000000, ns / 1000 % 1000);
}

static const char *s_of(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* ---- the run --------------------------------------------------------------------------------- */

static void print_heading(const struct report *r, FILE *out)
{
	const char *name = r->name ? r->name : r->guest.kernel ? r->guest.kernel : "";
	const char *slash = r->name ? NULL : strrchr(name, '/');
	bool passed = r->ending.status == 0;

	(void)fprintf(out, "\n## %s ", passed ? "\xe2\x9c\x85" : "\xe2\x9d\x8c");
	code_span(out, slash && slash[1] ? slash + 1 : name, NAME_BYTES);
	(void)fprintf(out, " %s\n\n", passed ? "passed" : "failed");
	code_span(out, r->ending.sentence, SENTENCE_BYTES);
	(void)fprintf(out, ", exit status %d\n\n", r->ending.status);
}

static void print_times(const struct report *r, FILE *out)
{
	static const char *const names[] = { "host", "kernel", "user", "total" };
	bool any = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct report_metric *metric = report_metric_find(r, names[i]);

		if (!metric)
			continue;
		if (!any)
			(void)fputs("| | from | to | time |\n|---|---|---|---:|\n", out);
		any = true;
		(void)fprintf(out, "| %s | ", names[i]);
		code_span(out, metric->from, NAME_BYTES);
		(void)fputs(" | ", out);
		code_span(out, metric->to, NAME_BYTES);
		(void)fputs(" | ", out);
		print_ms(out, metric->value);
		(void)fputs(" |\n", out);
	}
	if (any)
		(void)fputc('\n', out);
}

static void print_console(const struct report *r, FILE *out)
{
	char *tail = malloc(CONSOLE_BYTES), summary[128];
	size_t lines = tail ? cleantext_console_tail(&r->console, tail, CONSOLE_BYTES) : 0;

	if (lines) {
		(void)snprintf(summary, sizeof(summary),
			       r->console.lines_lost ? "The console: %zu of its %" PRIu64
						       " lines; the last ones were not kept"
						     : "The last %zu of the console's %" PRIu64
						       " lines",
			       lines, (uint64_t)r->console.lines + r->console.lines_lost);
		begin_details(out, summary);
		code_block(out, tail);
		end_details(out);
	}
	free(tail);
}

static void print_autopsy(const struct report *r, FILE *out)
{
	char *text = r->autopsy_text ? malloc(AUTOPSY_BYTES) : NULL;

	if (!text)
		return;
	(void)cleantext_copy(text, AUTOPSY_BYTES, r->autopsy_text, true);
	begin_details(out, "Autopsy");
	code_block(out, text);
	end_details(out);
	free(text);
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* A group at the top with all that is in it, or a test that is in none. */
struct row {
	uint32_t first, end;
	uint64_t count[KTAP_STATUSES], tests;
};

static struct row row_at(const struct ktap *tests, uint32_t i)
{
	struct row row = { .first = i };

	do {
		const struct ktap_result *result = &tests->result[i];

		if (result->test || result->status == KTAP_NO_RESULT)
			row.count[result->status]++;
		row.tests += result->test;
		i++;
	} while (i < tests->results && tests->result[i].depth > 0);
	row.end = i;
	return row;
}

static bool is_bad(const struct row *row)
{
	return row->count[KTAP_FAIL] || row->count[KTAP_NO_RESULT];
}

static const char *sign_of(const struct row *row)
{
	if (is_bad(row))
		return "\xe2\x9d\x8c";
	return row->count[KTAP_PASS] || !row->tests ? "\xe2\x9c\x85" : "";
}

static void print_row(const struct ktap *tests, const struct row *row, FILE *out)
{
	char name[KTAP_NAME_BYTES];

	ktap_name(tests, row->first, name, sizeof(name));
	(void)fprintf(out, "| %s | ", sign_of(row));
	code_span(out, name, NAME_BYTES);
	(void)fprintf(out, " | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | ", row->count[KTAP_PASS],
		      row->count[KTAP_FAIL], row->count[KTAP_SKIP] + row->count[KTAP_TODO]);
	print_ms(out, tests->result[row->first].took_ns);
	(void)fputs(" |\n", out);
}

/* Those with failures first. */
static void print_groups(const struct ktap *tests, FILE *out)
{
	size_t rows = 0, printed = 0;
	struct row row;

	begin_details(out, "All groups of tests");
	(void)fputs("| | | passed | failed | skipped | time |\n|---|---|---:|---:|---:|---:|\n",
		    out);
	for (int bad = 1; bad >= 0; bad--) {
		for (uint32_t i = 0; i < tests->results; i = row.end) {
			row = row_at(tests, i);
			if (is_bad(&row) != (bool)bad)
				continue;
			rows++;
			if (printed < ROWS_MAX) {
				print_row(tests, &row, out);
				printed++;
			}
		}
	}
	if (rows > printed)
		(void)fprintf(out, "\n%zu more are not shown.\n", rows - printed);
	end_details(out);
}

static bool is_failure(const struct ktap_result *result)
{
	return result->status == KTAP_NO_RESULT || (result->test && result->status == KTAP_FAIL);
}

static void print_failure(const struct ktap *tests, uint32_t i, FILE *out)
{
	const struct ktap_result *result = &tests->result[i];
	char path[KTAP_PATH_BYTES], why[KTAP_NAME_BYTES];

	ktap_path(tests, i, path, sizeof(path));
	(void)fputs("| ", out);
	code_span(out, path, NAME_BYTES);
	if (result->status == KTAP_NO_RESULT)
		(void)fputs(" | no result came | |\n", out);
	else {
		(void)fputs(" | ", out);
		ktap_why(tests, i, why, sizeof(why));
		if (why[0])
			code_span(out, why, NAME_BYTES);
		(void)fputs(" | ", out);
		print_ms(out, result->took_ns);
		(void)fputs(" |\n", out);
	}
}

static void print_failures(const struct ktap *tests, FILE *out)
{
	uint64_t failures = 0;

	for (uint32_t i = 0; i < tests->results; i++) {
		if (!is_failure(&tests->result[i]) || ++failures > ROWS_MAX)
			continue;
		if (failures == 1)
			(void)fputs("| failed | | time |\n|---|---|---:|\n", out);
		print_failure(tests, i, out);
	}
	if (failures > ROWS_MAX)
		(void)fprintf(out, "\n%" PRIu64 " more are not shown.\n", failures - ROWS_MAX);
	if (failures)
		(void)fputc('\n', out);
}

static void print_output(const char *output, FILE *out)
{
	char clean[OUTPUT_BYTES];

	(void)cleantext_copy(clean, sizeof(clean), output, true);
	code_block(out, clean);
}

/* What the first of them printed, and what came behind the last result. */
static void print_outputs(const struct ktap *tests, FILE *out)
{
	char path[KTAP_PATH_BYTES], last[KTAP_OUTPUT_BYTES];
	unsigned int shown = 0;

	ktap_last_output(tests, last, sizeof(last));
	for (uint32_t i = 0; i < tests->results && shown < FAILURES_SHOWN; i++) {
		if (!is_failure(&tests->result[i]) || !tests->result[i].output)
			continue;
		if (shown++ == 0)
			begin_details(out, "What failed tests printed");
		ktap_path(tests, i, path, sizeof(path));
		code_span(out, path, NAME_BYTES);
		(void)fputs("\n\n", out);
		print_output(ktap_text(tests, tests->result[i].output), out);
		(void)fputc('\n', out);
	}
	if (shown)
		end_details(out);
	if (last[0]) {
		begin_details(out, "What came behind the last result");
		print_output(last, out);
		end_details(out);
	}
}

static void print_tests(const struct report *r, FILE *out)
{
	const struct ktap *tests = r->tests;
	char sentence[KTAP_PATH_BYTES];

	if (!tests)
		return;
	(void)ktap_verdict(tests, sentence, sizeof(sentence));
	(void)fprintf(out,
		      "### %" PRIu64 " test%s: %" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64
		      " skipped\n\n",
		      tests->tests, s_of(tests->tests), tests->count[KTAP_PASS],
		      tests->count[KTAP_FAIL], tests->count[KTAP_SKIP] + tests->count[KTAP_TODO]);
	code_span(out, sentence, SENTENCE_BYTES);
	(void)fputs("\n\n", out);
	print_failures(tests, out);
	print_outputs(tests, out);
	if (tests->results)
		print_groups(tests, out);
}

int report_print_summary(const struct report *r, FILE *out)
{
	markup_begin(out);
	print_heading(r, out);
	print_times(r, out);
	print_tests(r, out);
	print_autopsy(r, out);
	print_console(r, out);
	return markup_end(out);
}
