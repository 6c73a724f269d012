/* SPDX-License-Identifier: MIT */
/* Reports read back: what docs/bench.md says of them, and that anything else is refused in one line. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/common/folder.h"
#include "tests/common/refusal.h"
#include "vmm/series.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define REPORT(metrics)                                                                  \
	"{\"schema\":\"tvmm-report\",\"version\":1,\"host\":{\"cpu\":\"x\",\"cpus\":2}," \
	"\"ending\":"                                                                    \
	"{\"status\":0,\"kind\":\"reset\",\"sentence\":\"rebooted\"},\"metrics\":[" metrics "]}"
#define BENCH(runs)                                                                          \
	"{\"schema\":\"tvmm-bench\",\"version\":1,\"host\":{\"cpu\":\"x\"},\"statistics\":[" \
	"{\"name\":\"boot\",\"unit\":\"ns\"}],\"runs\":[" runs "]}"

static struct series series, other;
static struct err e;

static void teardown(void)
{
	series_finish(&series);
	series_finish(&other);
}

static int take(const char *text)
{
	return series_take_report(&series, "it", text, strlen(text), &e);
}

START_TEST(reports_add_up_to_series)
{
	const struct series_metric *boot, *exits;
	double sorted[2];

	ck_assert_int_eq(take(REPORT("{\"name\":\"boot\",\"unit\":\"ns\",\"value\":7,\"from\":"
				     "\"a\",\"to\":\"b\"}")),
			 0);
	ck_assert_int_eq(take(REPORT("{\"name\":\"exits\",\"unit\":\"count\",\"value\":3},"
				     "{\"name\":\"boot\",\"unit\":\"ns\",\"value\":5}")),
			 0);
	boot = series_find(&series, "boot");
	exits = series_find(&series, "exits");
	ck_assert(series.runs == 2 && series.metrics == 2 && boot->values == 2);
	ck_assert(boot->value[0] == 7 && boot->run[0] == 1 && boot->unit == REPORT_NS);
	ck_assert(exits->values == 1 && exits->run[0] == 2 && exits->unit == REPORT_COUNT);
	ck_assert_uint_eq(series_sorted(boot, sorted), 2);
	ck_assert(sorted[0] == 5 && sorted[1] == 7);
	ck_assert_str_eq(series.sentence, "rebooted");
	ck_assert_ptr_null(series_find(&series, "user"));
}
END_TEST

START_TEST(values_of_one_name_add_up)
{
	ck_assert_int_eq(take(REPORT("{\"name\":\"a\",\"unit\":\"ns\",\"value\":9007199254740990},"
				     "{\"name\":\"a\",\"unit\":\"ns\",\"value\":2}")),
			 0);
	ck_assert(series_find(&series, "a")->value[0] == 9007199254740992.0);
	ck_assert_int_eq(take(REPORT("{\"name\":\"a\",\"unit\":\"ns\",\"value\":9007199254740990},"
				     "{\"name\":\"a\",\"unit\":\"ns\",\"value\":3}")),
			 -ERANGE);
}
END_TEST

#define ONE(name, unit, value) REPORT("{\"name\":" name ",\"unit\":" unit ",\"value\":" value "}")

START_TEST(refused)
{
	static const struct {
		const char *text, *says;
	} spec[] = {
		{ "", "it is not JSON" },
		{ "{", "it is not JSON" },
		{ "[]", "\"schema\" is not there" },
		{ "{\"schema\":1}", "\"schema\" is a whole number; expected a text" },
		{ "{\"schema\":\"x\"}", "expected tvmm-report" },
		{ "{\"schema\":\"tvmm-report\",\"schema\":\"tvmm-report\"}", "duplicate" },
		{ "{\"schema\":\"tvmm-report\"}", "\"version\" is not there" },
		{ "{\"schema\":\"tvmm-report\",\"version\":2}", "\"version\" is 2" },
		{ "{\"schema\":\"tvmm-report\",\"version\":1}", "\"ending\" is not there" },
		{ "{\"schema\":\"tvmm-report\",\"version\":1,\"ending\":[]}", "a list" },
		{ "{\"schema\":\"tvmm-report\",\"version\":1,\"ending\":{\"status\":256}}",
		  "256; expected 0 to 255" },
		{ BENCH(""), "not what bench exports" },
		{ REPORT("1"), "\"name\" is not there" },
		{ ONE("\"a\\u001b[2J\"", "\"ns\"", "1"), "control character" },
		{ ONE("\"a\\u009b2J\"", "\"ns\"", "1"), "control character" },
		{ ONE("\"\"", "\"ns\"", "1"), "0 bytes" },
		{ ONE("\"a\\u0000b\"", "\"ns\"", "1"), "not JSON" },
		{ ONE("\"a\"", "\"furlongs\"", "1"), "'furlongs'" },
		{ ONE("\"a\"", "\"ns\"", "-1"), "\"value\" is -1" },
		{ ONE("\"a\"", "\"ns\"", "1.5"), "a broken number" },
		{ ONE("\"a\"", "\"ns\"", "null"), "null" },
		{ ONE("\"a\"", "\"ns\"", "9007199254740993"), "9007199254740993" },
		{ ONE("\"a\"", "\"ns\"", "99999999999999999999"), "not JSON" },
		{ REPORT("{\"name\":\"a\",\"unit\":\"ns\",\"value\":1},"
			 "{\"name\":\"a\",\"unit\":\"bytes\",\"value\":1}"),
		  "in bytes here, and in ns" },
	};

	for (size_t i = 0; i < COUNT(spec); i++) {
		int rc = take(spec[i].text);
		const char *flaw = refusal_flaw(rc, &e);

		ck_assert_msg(!flaw, "row %zu: %s", i, flaw);
		ck_assert_msg(strstr(e.text, spec[i].says), "row %zu: %s", i, e.text);
		series_finish(&series);
	}
}
END_TEST

static void read_it(const char *text, int wanted, const char *says)
{
	int rc;

	folder_put(folder_at("it"), text, strlen(text));
	rc = series_read(&series, folder_at("it"), &e);
	ck_assert_msg(rc == wanted, "%d: %s", rc, rc ? e.text : "");
	ck_assert_msg(rc == 0 || strstr(e.text, says), "%s", e.text);
}

START_TEST(files_of_either_kind)
{
	folder_make();
	read_it(BENCH("{\"status\":0,\"metrics\":{\"boot\":4}},{\"status\":3,\"metrics\":{}}"), 0,
		"");
	ck_assert(series.runs == 2 && series.status[1] == 3);
	ck_assert(series_find(&series, "boot")->values == 1);
	series_finish(&series);
	read_it(ONE("\"a\"", "\"ns\"", "1"), 0, "");
	ck_assert(series.runs == 1);
	series_finish(&series);
	read_it(BENCH(""), -EINVAL, "\"runs\" is empty");
	series_finish(&series);
	read_it(BENCH("{\"status\":0,\"metrics\":{\"x\":4}}"), -EINVAL, "'x' is in a run");
	series_finish(&series);
	read_it(BENCH("{\"status\":0,\"metrics\":{\"boot\":[]}}"), -EINVAL, "a list");
	series_finish(&series);
	ck_assert_int_eq(series_read(&series, folder_at("none"), &e), -ENOENT);
	folder_remove();
}
END_TEST

START_TEST(hosts_that_differ)
{
	static const char elsewhere[] =
		"{\"schema\":\"tvmm-report\",\"version\":1,\"host\":{\"cpu\":"
		"\"y\",\"cpus\":2},\"ending\":{\"status\":0,\"sentence\":"
		"\"\"},\"metrics\":[]}";

	ck_assert_int_eq(take(REPORT("")), 0);
	ck_assert_ptr_null(series_host_difference(&series, &series));
	ck_assert_int_eq(series_take_report(&other, "it", elsewhere, strlen(elsewhere), &e), 0);
	ck_assert_str_eq(series_host_difference(&series, &other), "cpu");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { reports_add_up_to_series, values_of_one_name_add_up, refused,
				       files_of_either_kind, hosts_that_differ };
	Suite *suite = suite_create("series");
	TCase *tcase = tcase_create("series");
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
