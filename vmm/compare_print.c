/* SPDX-License-Identifier: MIT */
/* What compare has found out: the table, the answer in a sentence, JSON. */
#include "vmm/compare.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/plain.h"
#include "vmm/listing.h"
#include "vmm/table.h"

static const char *verdict_word(const struct compare_line *line)
{
	bool time = line->a->unit == REPORT_NS;

	switch (line->verdict) {
	case COMPARE_MORE:
		return time ? "slower" : "more";
	case COMPARE_LESS:
		return time ? "faster" : "less";
	case COMPARE_NOT_SHOWN:
		break;
	}
	return "no difference shown";
}

/*
 * --- the table ----------------------------------------------------------------------------------
 */

enum { A, B, CHANGE, CI95, P, VERDICT, COLUMNS };

struct filling {
	const struct comparison *comparison;
	struct table_unit unit;
};

static void fill_p(char *cell, double p)
{
	(void)snprintf(cell, TABLE_CELL_BYTES, p < 0.0001 ? "< 0.0001" : "%.4f", p);
}

static void fill_row(const void *ctx, size_t item, struct table_row *row)
{
	const struct filling *f = ctx;
	const struct compare_line *line = &f->comparison->line[item];
	const struct stats_difference *d = &line->difference;

	table_number(row->cell[A], line->a->unit, f->unit, d->a);
	table_number(row->cell[B], line->a->unit, f->unit, d->b);
	if (d->relative_known)
		(void)snprintf(row->cell[CHANGE], TABLE_CELL_BYTES, "%+.2f %%", d->relative * 100);
	if (!f->comparison->tested)
		return;
	if (d->exact)
		(void)strcpy(row->cell[CI95], "exact");
	else if (d->relative_known)
		(void)snprintf(row->cell[CI95], TABLE_CELL_BYTES, "%+.2f %+6.2f",
			       d->relative_ci95.low * 100, d->relative_ci95.high * 100);
	fill_p(row->cell[P], line->p);
	(void)snprintf(row->cell[VERDICT], TABLE_CELL_BYTES, "%s",
		       line->verdict == COMPARE_NOT_SHOWN ? "none shown" : verdict_word(line));
}

static int add_head(struct table *table, const struct filling *f, struct err *e)
{
	static const char *const head[] = { "A", "B", "change", "95 % CI", "p", "difference" };
	size_t cells = f->comparison->tested ? COLUMNS : CI95;
	char title[32];

	(void)snprintf(title, sizeof(title), "times in %s", f->unit.name);
	if (!table_add(table, title, e))
		return -e->code;
	for (size_t i = 0; i < cells; i++)
		(void)strcpy(table->row[0].cell[i], head[i]);
	return 0;
}

static int make_table(const struct comparison *c, struct table *table, struct err *e)
{
	struct listing_item *item = calloc(c->lines + 1, sizeof(*item));
	struct filling filling = { .comparison = c };
	double largest = 0;
	int rc;

	if (!item)
		return err_set(e, ENOMEM, "no memory for a table");
	for (size_t i = 0; i < c->lines; i++) {
		const struct compare_line *line = &c->line[i];

		/* Which side is the larger one must not matter to what is shown. */
		item[i] = (struct listing_item){ line->a->name, line->a->unit,
						 line->difference.a + line->difference.b,
						 line->verdict != COMPARE_NOT_SHOWN };
		if (listing_group(item[i].name, item[i].unit) != LISTING_MORE &&
		    item[i].unit == REPORT_NS && item[i].size / 2 > largest)
			largest = item[i].size / 2;
	}
	filling.unit = table_unit_for(largest);
	table->columns = COLUMNS;
	rc = add_head(table, &filling, e);
	if (rc == 0)
		rc = listing_add(table, item, c->lines, fill_row, &filling, e);
	free(item);
	return rc;
}

/*
 * --- the answer ---------------------------------------------------------------------------------
 */

static void answer_difference(const struct comparison *c, char *to, size_t to_bytes)
{
	const struct stats_difference *d = &c->main.difference;
	char p[TABLE_CELL_BYTES], size[TABLE_CELL_BYTES], interval[64] = "";

	fill_p(p, d->p);
	(void)snprintf(size, sizeof(size), "%.2f %% ", fabs(d->relative) * 100);
	if (d->exact)
		(void)snprintf(interval, sizeof(interval), "exact: no run differs from its side; ");
	else if (d->relative_known)
		(void)snprintf(interval, sizeof(interval), "95 %% CI %+.2f %% to %+.2f %%; ",
			       d->relative_ci95.low * 100, d->relative_ci95.high * 100);
	(void)snprintf(to, to_bytes, "%s: B is %s%s than A (%sp %s%s)", c->main.a->name,
		       d->relative_known ? size : "", verdict_word(&c->main), interval,
		       p[0] == '<' ? "" : "= ", p);
}

static void answer_nothing(const struct comparison *c, char *to, size_t to_bytes)
{
	const struct stats_difference *d = &c->main.difference;
	double low = fabs(d->relative_ci95.low), high = fabs(d->relative_ci95.high);
	char most[64] = "";

	if (d->relative_known)
		(void)snprintf(most, sizeof(most), " (at most %.2f %%)",
			       (low > high ? low : high) * 100);
	(void)snprintf(to, to_bytes, "%s: no difference shown between A and B%s", c->main.a->name,
		       most);
}

void compare_answer(const struct comparison *c, char *to, size_t to_bytes)
{
	if (!c->tested)
		(void)snprintf(to, to_bytes,
			       "%s: side by side only; a test needs two runs or more of A and of B",
			       c->main.a->name);
	else if (c->main.verdict == COMPARE_NOT_SHOWN)
		answer_nothing(c, to, to_bytes);
	else
		answer_difference(c, to, to_bytes);
}

/*
 * --- for people ---------------------------------------------------------------------------------
 */

static void warn_of_jobs(const struct comparison *c, FILE *out)
{
	unsigned int a = c->a->jobs, b = c->b->jobs;

	if (a > 1 && a == b)
		(void)fprintf(out,
			      "\nwarning: %u runs at the same time have disturbed each other's "
			      "times.\n",
			      a);
	else if (a > 1 || b > 1)
		(void)fprintf(out,
			      "\nwarning: the runs of A were made %u at the same time, those of B "
			      "%u: a difference\ncan be what they did to each other's times.\n",
			      a ? a : 1, b ? b : 1);
}

/* What keeps these numbers from meaning what they seem to. */
static void print_warnings(const struct comparison *c, FILE *out)
{
	double least = stats_permutation_least(c->a->runs, c->b->runs);
	const char *different = series_host_difference(c->a, c->b);

	if (different) {
		(void)fputs(
			"\nwarning: A and B are of different hosts, or of one that has changed: "
			"'",
			out);
		plain_print(different, out);
		(void)fputs("' is not\nthe same.\n", out);
	}
	warn_of_jobs(c, out);
	if (c->tested && c->lines && least * (double)c->lines >= 0.05)
		(void)fprintf(
			out,
			"\nwarning: with so few runs no p can be below %.2g, and %zu lines have "
			"to share\n0.05: no line can show a difference. Make more runs (-r).\n",
			least, c->lines);
}

static void print_left_out(const struct comparison *c, FILE *out)
{
	if (c->equal)
		(void)fprintf(out, "%zu more metric%s the same in all runs.\n", c->equal,
			      c->equal == 1 ? " is" : "s are");
	if (c->only_a || c->only_b)
		(void)fprintf(out, "%zu only in A, %zu only in B: not compared.\n", c->only_a,
			      c->only_b);
	if (c->tested)
		(void)fprintf(
			out,
			"p is adjusted for %zu line%s (Holm); the answer's is not: it was chosen "
			"before.\n",
			c->lines, c->lines == 1 ? "" : "s");
}

int compare_print(const struct comparison *c, size_t width, FILE *out, struct err *e)
{
	struct table table = { 0 };
	char answer[256];
	int rc = make_table(c, &table, e);

	if (rc == 0) {
		(void)fprintf(out, "runs: %zu of A, %zu of B, ", c->a->runs, c->b->runs);
		if (c->a->jobs > 1 && c->a->jobs == c->b->jobs)
			(void)fprintf(out, "jobs: %u, ", c->a->jobs);
		(void)fprintf(out, "seed: %llu\n", (unsigned long long)c->seed);
		series_print_host(c->a, "host", out);
		(void)fputc('\n', out);
		if (c->lines)
			table_print(&table, width, out);
		print_left_out(c, out);
		print_warnings(c, out);
		compare_answer(c, answer, sizeof(answer));
		(void)fprintf(out, "\n%s\n", answer);
	}
	table_finish(&table);
	return rc;
}

int compare_print_markdown(const struct comparison *c, FILE *out, struct err *e)
{
	struct table table = { 0 };
	char answer[256];
	int rc = make_table(c, &table, e);

	if (rc == 0) {
		table_print_markdown(&table, out);
		compare_answer(c, answer, sizeof(answer));
		(void)fputc('\n', out);
		table_print_markdown_text(answer, out);
		(void)fputc('\n', out);
	}
	table_finish(&table);
	return rc;
}

/*
 * --- JSON ---------------------------------------------------------------------------------------
 */

static json_t *interval_json(bool known, struct stats_interval interval)
{
	return known ? json_pack("[f,f]", interval.low, interval.high) : json_null();
}

static json_t *line_json(const struct compare_line *line)
{
	const struct stats_difference *d = &line->difference;

	return json_pack("{s:s,s:s,s:i,s:i,s:f,s:f,s:f,s:o,s:o,s:o,s:b,s:f,s:f,s:s}", "name",
			 line->a->name, "unit", series_unit_name(line->a->unit), "a_n",
			 (int)line->a->values, "b_n", (int)line->b->values, "a", d->a, "b", d->b,
			 "difference", d->difference, "ci95", interval_json(true, d->ci95),
			 "relative", d->relative_known ? json_real(d->relative) : json_null(),
			 "relative_ci95", interval_json(d->relative_known, d->relative_ci95),
			 "exact", d->exact, "p", d->p, "p_adjusted", line->p, "verdict",
			 verdict_word(line));
}

int compare_print_json(const struct comparison *c, FILE *out, struct err *e)
{
	json_t *lines = json_array(), *root;
	char answer[256];
	int rc;

	compare_answer(c, answer, sizeof(answer));
	for (size_t i = 0; i < c->lines; i++)
		(void)json_array_append_new(lines, line_json(&c->line[i]));
	root = json_pack("{s:s,s:i,s:I,s:b,s:{s:i,s:i,s:O},s:{s:i,s:i,s:O},s:s,s:o,s:o}", "schema",
			 "tvmm-compare", "version", 1, "seed", (json_int_t)c->seed, "tested",
			 c->tested, "a", "runs", (int)c->a->runs, "jobs", (int)c->a->jobs, "host",
			 c->a->host, "b", "runs", (int)c->b->runs, "jobs", (int)c->b->jobs, "host",
			 c->b->host, "answer", answer, "main", line_json(&c->main), "lines", lines);
	if (!root)
		return err_set(e, ENOMEM, "no memory for JSON");
	rc = json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(15) | JSON_ENSURE_ASCII);
	json_decref(root);
	(void)fputc('\n', out);
	return rc == 0 ? 0 : err_sys(e, errno ? errno : EIO, "JSON cannot be written");
}
