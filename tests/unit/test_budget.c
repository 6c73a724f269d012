/* SPDX-License-Identifier: MIT */
/* Budgets: what parses, what holds, and what is said when it does not. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/timing/digest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct report_metric metrics[] = {
	{ "total", REPORT_NS, 40000000, "process start", "end" },
	{ "kernel", REPORT_NS, 30000000, "first guest instruction", "Run /init" },
	{ "at.mark:net_up~2", REPORT_NS, 1, "", "" },
	{ "exits.pio", REPORT_COUNT, 500, "", "" },
	{ "exits.kvm", REPORT_COUNT, 900, "", "" },
	{ "console.bytes", REPORT_BYTES, 4096, "", "" },
	{ "console.tax", REPORT_NS, 10, "", "" },
	{ "time.guest", REPORT_NS, 10, "", "" },
};
static struct report report = { .metric = metrics, .metrics = COUNT(metrics) };
static struct budget budget;
static char why[256];

static void parse(const char *text)
{
	struct err error;

	ck_assert_msg(budget_parse(&budget, text, &error) == 0, "%s", error.text);
	ck_assert_ptr_eq(budget.text, text);
}

static bool holds(const char *text)
{
	parse(text);
	why[0] = '\0';
	return budget_holds(&budget, &report, why, sizeof(why));
}

START_TEST(comparisons)
{
	static const struct {
		const char *op;
		bool less, equal, more; /* the number than the limit */
	} each[] = {
		{ "<", true, false, false },  { "<=", true, true, false },
		{ ">", false, false, true },  { ">=", false, true, true },
		{ "==", false, true, false },
	};
	char text[64];

	for (size_t i = 0; i < COUNT(each); i++) {
		(void)snprintf(text, sizeof(text), "exits.pio%s501", each[i].op);
		ck_assert_msg(holds(text) == each[i].less, "%s", text);
		(void)snprintf(text, sizeof(text), "exits.pio%s500", each[i].op);
		ck_assert_msg(holds(text) == each[i].equal, "%s", text);
		(void)snprintf(text, sizeof(text), "exits.pio%s499", each[i].op);
		ck_assert_msg(holds(text) == each[i].more, "%s", text);
	}
}
END_TEST

START_TEST(units)
{
	static const struct {
		const char *text;
		enum report_unit unit;
		uint64_t limit;
	} each[] = {
		{ "total<7ns", REPORT_NS, 7 },
		{ "total<7us", REPORT_NS, 7000 },
		{ "total<7ms", REPORT_NS, 7000000 },
		{ "total<7s", REPORT_NS, 7000000000 },
		{ "total<1.5ms", REPORT_NS, 1500000 },
		{ "total<0.0000001s", REPORT_NS, 100 },
		{ "console.bytes<7B", REPORT_BYTES, 7 },
		{ "console.bytes<7KiB", REPORT_BYTES, 7168 },
		{ "console.bytes<1.5KiB", REPORT_BYTES, 1536 },
		{ "console.bytes<7MiB", REPORT_BYTES, 7340032 },
		{ "exits<7", REPORT_COUNT, 7 },
		{ "exits<0", REPORT_COUNT, 0 },
	};

	for (size_t i = 0; i < COUNT(each); i++) {
		parse(each[i].text);
		ck_assert_int_eq(budget.unit, each[i].unit);
		ck_assert_msg(budget.limit == each[i].limit, "%s: %llu", each[i].text,
			      (unsigned long long)budget.limit);
	}
}
END_TEST

START_TEST(blanks_and_names)
{
	parse("exits.pio \t<= \t500 \t");
	ck_assert_str_eq(budget.name, "exits.pio");
	ck_assert_str_eq(budget.op, "<=");
	ck_assert_uint_eq(budget.limit, 500);
	parse("kernel < 40 ms");
	ck_assert_uint_eq(budget.limit, 40000000);
	ck_assert(holds("at.mark:net_up~2==1ns"));
}
END_TEST

START_TEST(refusals)
{
	static char long_name[120] = "";
	static const struct {
		const char *text, *why;
	} each[] = {
		{ "", "name" },
		{ "<5", "name" },
		{ " kernel<5ms", "name" },
		{ "kernel", "comparison" },
		{ "kernel=5ms", "comparison" },
		{ "kernel=<5ms", "comparison" },
		{ "kernel<>5ms", "comparison" },
		{ "kernel<<5ms", "comparison" },
		{ "kernel===5ms", "comparison" },
		{ "kernel<", "a number" },
		{ "kernel<ms", "a number" },
		{ "kernel<-5ms", "a number" },
		{ "kernel<inf", "a number" },
		{ "kernel<0x10ms", "a number" },
		{ "kernel<5m", "unit" },
		{ "kernel<5MS", "unit" },
		{ "kernel<5ms 6", "unit" },
		{ "kernel<5ms<6ms", "unit" },
		{ "console.bytes<5KB", "unit" },
		{ "kernel<1e99s", "too large" },
		{ "exits<99999999999999999999", "too large" },
		{ "exits<5.5", "whole" },
		{ "console.bytes<1.5B", "whole" },
		{ long_name, "name" },
	};
	struct err error;

	memset(long_name, 'a', sizeof(long_name) - 4);
	memcpy(long_name + sizeof(long_name) - 4, "<5", 3);
	for (size_t i = 0; i < COUNT(each); i++) {
		ck_assert_msg(budget_parse(&budget, each[i].text, &error) == -EINVAL, "'%s'",
			      each[i].text);
		ck_assert_msg(strstr(error.text, each[i].why) != NULL, "'%s': %s", each[i].text,
			      error.text);
		ck_assert_msg(strstr(error.text, "-assert: '") == error.text, "%s", error.text);
	}
}
END_TEST

START_TEST(what_is_said)
{
	ck_assert(!holds("kernel<25ms"));
	ck_assert_str_eq(why, "kernel is 30.000 ms, the limit 25.000 ms");
	ck_assert(!holds("kernel<30ms"));
	ck_assert_str_eq(why, "kernel is 30.000000 ms, the limit 30.000000 ms");
	ck_assert(!holds("kernel<=29999999ns"));
	ck_assert_str_eq(why, "kernel is 30.000000 ms, the limit 29.999999 ms");
	ck_assert(!holds("kernel==30000001ns"));
	ck_assert_str_eq(why, "kernel is 30.000000 ms, the limit 30.000001 ms");
	ck_assert(!holds("exits.pio>500"));
	ck_assert_str_eq(why, "exits.pio is 500, the limit 500");
}
END_TEST

START_TEST(no_such_number)
{
	ck_assert(!holds("kernal<40ms"));
	ck_assert_str_eq(why, "this run has no number kernal; did you mean kernel?");
	ck_assert(!holds("zzzzzzzz>0"));
	ck_assert_str_eq(why, "this run has no number zzzzzzzz");
}
END_TEST

START_TEST(units_that_do_not_fit)
{
	ck_assert(!holds("kernel<40"));
	ck_assert_str_eq(why, "kernel is a time: write a unit, 40ms say");
	ck_assert(!holds("kernel<40KiB"));
	ck_assert(!holds("exits.pio<40ms"));
	ck_assert_str_eq(why, "exits.pio is a count");
	ck_assert(!holds("exits.pio<9999B"));
	ck_assert(!holds("console.bytes<1s"));
	ck_assert_str_eq(why, "console.bytes is a number of bytes");
	ck_assert(holds("console.bytes<=4096"));
	ck_assert(holds("console.bytes<=4KiB"));
}
END_TEST

/* Numbers that would be larger if all had been noted are no ground to stand on. */
START_TEST(initcalls_lost)
{
	static const struct report_metric metric[] = {
		{ "initcalls", REPORT_NS, 5, "", "" },
		{ "initcalls.count", REPORT_COUNT, 2, "", "" },
		{ "initcall.a_init", REPORT_NS, 5, "", "" },
	};

	report = (struct report){ .metric = metric, .metrics = COUNT(metric) };
	ck_assert(holds("initcalls<1ms"));
	report.initcalls_lost = 3;
	ck_assert(!holds("initcalls<1ms"));
	ck_assert_str_eq(why, "not all initcalls were recorded: 3 are missing");
	ck_assert(!holds("initcalls.count<9"));
	ck_assert(holds("initcall.a_init<1ms"));
}
END_TEST

START_TEST(exits_lost)
{
	static const char *const wrong[] = { "exits.pio<=500", "console.tax<1s", "time.guest<1s" };
	static const char *const right[] = { "kernel<1s", "exits.kvm<1000", "console.bytes<5KiB" };

	report.exits_lost = 12;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		ck_assert_msg(!holds(wrong[i]), "%s", wrong[i]);
		ck_assert_str_eq(why, "not all exits were recorded: 12 are missing");
	}
	for (size_t i = 0; i < COUNT(right); i++)
		ck_assert_msg(holds(right[i]), "%s", right[i]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		comparisons,    units,          blanks_and_names,      refusals,
		what_is_said,   no_such_number, units_that_do_not_fit, exits_lost,
		initcalls_lost,
	};
	Suite *suite = suite_create("budget");
	TCase *tcase = tcase_create("budget");
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
