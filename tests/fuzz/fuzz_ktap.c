/* SPDX-License-Identifier: MIT */
/*
 * Lines of a guest's console that may be a test stream. Counts add up; groups stand before what is in them;
 * texts lie inside their table and end; whoever is said to have passed has no result "not ok" without a
 * directive; the same lines make the same results. What is printed of it is whole, and short where it has to be.
 *
 * libFuzzer: -max_len=4096 -dict=tests/fuzz/ktap.dict
 */
#include "tests/fuzz/fuzz.h"
#include "vmm/timing/report.h"

enum { SUMMARY_MAX_BYTES = 64 << 10 };

/* As ktap_init() leaves it, in tables that are made once: ASan takes its time over each mmap(). */
static void begin(struct ktap *tap, struct ktap *as_new)
{
	struct err e;

	if (!as_new->result)
		hold(ktap_init(as_new, &e) == 0, "%s", e.text);
	*tap = *as_new;
}

static void read_lines(struct ktap *tap, const uint8_t *bytes, size_t size_bytes)
{
	uint64_t now_ns = 1;

	while (size_bytes) {
		const uint8_t *end = memchr(bytes, '\n', size_bytes);
		size_t length = end ? (size_t)(end - bytes) : size_bytes;

		/* At a page that faults, so that not one byte more is read. */
		ktap_line(tap, (const char *)fuzz_guarded(bytes, length), length, now_ns);
		now_ns += length;
		bytes += length + (end != NULL);
		size_bytes -= length + (end != NULL);
	}
	ktap_end(tap);
}

static void hold_text(const struct ktap *tap, uint32_t text)
{
	hold(text < tap->text_bytes, "text %u of %zu", text, tap->text_bytes);
	hold(memchr(tap->text + text, '\0', tap->text_bytes - text) != NULL, "text %u", text);
	hold(strlen(ktap_text(tap, text)) < KTAP_OUTPUT_BYTES, "text %u", text);
}

static void hold_result(const struct ktap *tap, uint32_t i)
{
	const struct ktap_result *result = &tap->result[i];
	char path[KTAP_PATH_BYTES];

	hold(result->parent == KTAP_NOBODY
		     ? result->depth == 0
		     : result->parent < i && result->depth == tap->result[result->parent].depth + 1,
	     "result %u", i);
	hold(result->depth < KTAP_LEVELS_MAX, "result %u", i);
	hold(result->status < KTAP_STATUSES, "result %u", i);
	hold(!result->test || result->status != KTAP_NO_RESULT, "result %u", i);
	hold_text(tap, result->name);
	hold_text(tap, result->reason);
	hold_text(tap, result->output);
	hold(!result->output || result->status == KTAP_FAIL, "result %u", i);
	ktap_path(tap, i, path, sizeof(path));
	hold(strlen(path) > 0, "result %u", i);
}

static void hold_in_order(const struct ktap *tap)
{
	uint64_t sum = 0, kept = 0;

	hold(tap->levels == 0, "%u levels", tap->levels);
	hold(tap->results <= KTAP_RESULTS_MAX && tap->text_bytes <= KTAP_TEXT_BYTES, "tables");
	hold(tap->count[KTAP_NO_RESULT] == 0, "counted without a result");
	for (int i = 0; i < KTAP_STATUSES; i++)
		sum += tap->count[i];
	hold(sum == tap->tests, "%llu tests", (unsigned long long)tap->tests);
	for (uint32_t i = 0; i < tap->results; i++) {
		hold_result(tap, i);
		kept += tap->result[i].test;
	}
	hold(kept <= tap->tests && kept + tap->lost >= tap->tests, "%llu kept",
	     (unsigned long long)kept);
}

/* A line that says it failed, whatever stands around it: "not ok 12 name". */
static bool says_failed(const char *line, size_t length)
{
	while (length && (*line == ' ' || *line == '\t'))
		line++, length--;
	return length > 7 && memcmp(line, "not ok ", 7) == 0 && line[7] >= '1' && line[7] <= '9' &&
	       (length == 8 || line[8] == ' ') && !memchr(line, '#', length);
}

/* Behind the first line that begins with a version, and not so far right that it is no level's. */
static bool has_failure(const uint8_t *bytes, size_t size_bytes)
{
	bool begun = false;

	while (size_bytes) {
		const char *line = (const char *)bytes;
		const uint8_t *end = memchr(bytes, '\n', size_bytes);
		size_t length = end ? (size_t)(end - bytes) : size_bytes;

		begun |= length == 14 && (!memcmp(line, "KTAP version 1", 14) ||
					  !memcmp(line, "TAP version 13", 14));
		if (begun && length < 64 && says_failed(line, length))
			return true;
		bytes += length + (end != NULL);
		size_bytes -= length + (end != NULL);
	}
	return false;
}

static void hold_verdict(const struct ktap *tap, const uint8_t *bytes, size_t size_bytes)
{
	char text[160];
	enum ktap_verdict verdict = ktap_verdict(tap, text, sizeof(text));

	hold(text[0], "no sentence");
	for (const char *c = text; *c; c++)
		hold(*c >= ' ' && *c <= '~', "%s", text);
	hold((verdict == KTAP_FAILED) == (tap->count[KTAP_FAIL] > 0), "%s", text);
	hold(verdict != KTAP_PASSED || (tap->tests && !tap->missing && !tap->unfinished), "%s",
	     text);
	hold(verdict == KTAP_FAILED || !has_failure(bytes, size_bytes), "%s", text);
}

static void hold_same(const struct ktap *a, const struct ktap *b)
{
	hold(a->results == b->results && a->text_bytes == b->text_bytes, "the same twice");
	hold(!memcmp(a->result, b->result, a->results * sizeof(*a->result)), "the same twice");
	hold(!memcmp(a->text, b->text, a->text_bytes), "the same twice");
	hold(!memcmp(a->count, b->count, sizeof(a->count)) && a->missing == b->missing, "twice");
}

static void print_all(const struct ktap *tap)
{
	static const struct report_mark mark = { .name = "process start" };
	struct report report = { .ending = { 0, "reset", "reset" }, .mark = &mark, .marks = 1 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	hold(out != NULL, "no memory");
	report.tests = tap;
	hold(report_print_summary(&report, out) == 0, "summary");
	hold(fclose(out) == 0 && size < SUMMARY_MAX_BYTES, "%zu bytes", size);
	free(text);
	out = open_memstream(&text, &size);
	hold(out != NULL && report_print_junit(&report, out) == 0, "JUnit");
	hold(fclose(out) == 0 && strstr(text, "</testsuites>\n") != NULL, "no end");
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct fuzz_input in = { bytes, size_bytes };
	bool print = fuzz_u8(&in) == '!';
	static struct ktap tap, again, as_new[2];

	if (in.left > FUZZ_GUARDED_MAX_BYTES)
		return 0;
	begin(&tap, &as_new[0]);
	read_lines(&tap, in.at, in.left);
	hold_in_order(&tap);
	hold_verdict(&tap, in.at, in.left);
	begin(&again, &as_new[1]);
	read_lines(&again, in.at, in.left);
	hold_same(&tap, &again);
	if (print)
		print_all(&tap);
	return 0;
}
