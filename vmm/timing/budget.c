/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/suggest.h"
#include "vmm/timing/digest.h"

static const struct {
	const char *name;
	enum report_unit unit;
	double factor;
} units[] = {
	{ "ns", REPORT_NS, 1 },           { "us", REPORT_NS, 1e3 }, { "ms", REPORT_NS, 1e6 },
	{ "s", REPORT_NS, 1e9 },          { "B", REPORT_BYTES, 1 }, { "KiB", REPORT_BYTES, 1024 },
	{ "MiB", REPORT_BYTES, 1048576 },
};

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

static int refuse(const char *text, const char *why, struct err *e)
{
	return err_set(e, EINVAL,
		       "-assert: '%s': %s; examples: 'kernel<40ms', 'console.bytes<=4096'", text,
		       why);
}

static int parse_limit(struct budget *budget, const char *at, struct err *e)
{
	char *end;
	double number, limit;

	if (!isdigit((unsigned char)*at) || tolower((unsigned char)at[1]) == 'x')
		return refuse(budget->text, "a number has to stand behind the comparison", e);
	number = strtod(at, &end);
	at = skip_blanks(end);
	limit = number;
	budget->unit = REPORT_COUNT;
	for (size_t i = 0; *at && !budget->unit_given && i < sizeof(units) / sizeof(units[0]);
	     i++) {
		if (strcmp(at, units[i].name) != 0)
			continue;
		budget->unit = units[i].unit;
		budget->unit_given = true;
		limit = number * units[i].factor;
	}
	if (*at && !budget->unit_given)
		return refuse(budget->text, "the unit is none of ns, us, ms, s, B, KiB, MiB", e);
	if (!(limit <= 9e18))
		return refuse(budget->text, "the number is too large", e);
	budget->limit = (uint64_t)(limit + 0.5);
	if (budget->unit != REPORT_NS && (double)budget->limit != limit)
		return refuse(budget->text, "counts and bytes are whole numbers", e);
	return 0;
}

int budget_parse(struct budget *budget, const char *text, struct err *e)
{
	size_t length = strcspn(text, "<>= \t");
	const char *at = skip_blanks(text + length);
	size_t op = strspn(at, "<>=");

	memset(budget, 0, sizeof(*budget));
	budget->text = text;
	if (!length || length >= sizeof(budget->name))
		return refuse(text, "a number's name has to come first", e);
	memcpy(budget->name, text, length);
	if (!op || op > 2 || (op == 1 && *at == '=') || (op == 2 && at[1] != '='))
		return refuse(text, "the comparison is none of < <= > >= ==", e);
	memcpy(budget->op, at, op);
	return parse_limit(budget, skip_blanks(at + op), e);
}

/* ---- does it hold? --------------------------------------------------------------------------- */

static bool compare(uint64_t value, const char *op, uint64_t limit)
{
	switch (op[0]) {
	case '<':
		return op[1] ? value <= limit : value < limit;
	case '>':
		return op[1] ? value >= limit : value > limit;
	default:
		return value == limit;
	}
}

static void no_such_number(const struct budget *budget, const struct report *report, char *why,
			   size_t why_bytes)
{
	const char **names = calloc(report->metrics + 1, sizeof(*names));
	const char *near = NULL;

	for (size_t i = 0; names && i < report->metrics; i++)
		names[i] = report->metric[i].name;
	if (names)
		near = suggest_nearest(budget->name, names, report->metrics);
	(void)snprintf(why, why_bytes, "this run has no number %s%s%s%s", budget->name,
		       near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	free(names);
}

static const char *unit_example(enum report_unit unit)
{
	return unit == REPORT_NS      ? "a time: write a unit, 40ms say"
	       : unit == REPORT_BYTES ? "a number of bytes"
				      : "a count";
}

static void tell_number(const struct budget *budget, const struct report_metric *metric, char *why,
			size_t why_bytes)
{
	uint64_t value = metric->value, limit = budget->limit;
	/* To the nanosecond where microseconds do not tell the two apart. */
	int decimals = (value > limit ? value - limit : limit - value) < 1000 ? 6 : 3;

	if (metric->unit == REPORT_NS)
		(void)snprintf(why, why_bytes, "%s is %.*f ms, the limit %.*f ms", metric->name,
			       decimals, (double)value / 1e6, decimals, (double)limit / 1e6);
	else
		(void)snprintf(why, why_bytes, "%s is %llu, the limit %llu", metric->name,
			       (unsigned long long)value, (unsigned long long)limit);
}

/* Is it wrong when exits are missing? KVM's own count and the bytes are not. */
static bool comes_of_exits(const char *name)
{
	if (strcmp(name, "exits.kvm") == 0 || strcmp(name, "console.bytes") == 0)
		return false;
	return strncmp(name, "exits", 5) == 0 || strncmp(name, "console.", 8) == 0 ||
	       strncmp(name, "time.", 5) == 0;
}

/* The sum and the count; each that was recorded is right. */
static bool comes_of_initcalls(const char *name)
{
	return strcmp(name, "initcalls") == 0 || strcmp(name, "initcalls.count") == 0;
}

/* What a table was too small for, and the number would need; NULL: nothing. */
static const char *what_is_missing(const struct report *report, const char *name, uint64_t *lost)
{
	if (report->exits_lost && comes_of_exits(name)) {
		*lost = report->exits_lost;
		return "exits";
	}
	if (report->initcalls_lost && comes_of_initcalls(name)) {
		*lost = report->initcalls_lost;
		return "initcalls";
	}
	return NULL;
}

/* A bare number will do for bytes. */
static bool unit_fits(const struct budget *budget, const struct report_metric *metric)
{
	return budget->unit == metric->unit ||
	       (!budget->unit_given && metric->unit == REPORT_BYTES);
}

bool budget_can_be_judged(const struct budget *budget, const struct report *report, char *why,
			  size_t why_bytes)
{
	const struct report_metric *metric = report_metric_find(report, budget->name);
	const char *missing;
	uint64_t lost = 0;

	if (!metric) {
		no_such_number(budget, report, why, why_bytes);
		return false;
	}
	missing = what_is_missing(report, metric->name, &lost);
	if (!unit_fits(budget, metric))
		(void)snprintf(why, why_bytes, "%s is %s", metric->name,
			       unit_example(metric->unit));
	else if (missing)
		(void)snprintf(why, why_bytes, "not all %s were recorded: %llu are missing",
			       missing, (unsigned long long)lost);
	else
		return true;
	return false;
}

bool budget_holds(const struct budget *budget, const struct report *report, char *why,
		  size_t why_bytes)
{
	const struct report_metric *metric = report_metric_find(report, budget->name);

	if (!budget_can_be_judged(budget, report, why, why_bytes))
		return false;
	if (compare(metric->value, budget->op, budget->limit))
		return true;
	tell_number(budget, metric, why, why_bytes);
	return false;
}
