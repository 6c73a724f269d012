/* SPDX-License-Identifier: MIT */
/*
 * What bench has found out: for people, as JSON, CSV and Markdown. docs/bench.md tells the formats.
 */
#include "vmm/bench.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/plain.h"
#include "vmm/base/utf8.h"
#include "vmm/listing.h"
#include "vmm/table.h"

static bool is_outlier(const struct bench_line *line, size_t value)
{
	return line->metric->value[value] < line->fence.low ||
	       line->metric->value[value] > line->fence.high;
}

/*
 * --- the table ----------------------------------------------------------------------------------
 */

enum { MIN, MEDIAN, MAD, P95, MAX, CI95, OUTLIERS, COLUMNS };

struct filling {
	const struct bench *bench;
	struct table_unit unit;
};

/* "3 7": as many runs as the cell has room for, ".." for the others. */
static void name_outliers(const struct bench_line *line, char *cell)
{
	size_t used = 0;

	for (size_t i = 0; i < line->summary.n; i++) {
		char text[16];
		int length;

		if (!is_outlier(line, i))
			continue;
		length =
			snprintf(text, sizeof(text), "%s%u", used ? " " : "", line->metric->run[i]);
		if (used + (size_t)length + sizeof("..") > TABLE_CELL_BYTES) {
			(void)strcpy(cell + used, "..");
			return;
		}
		(void)strcpy(cell + used, text);
		used += (size_t)length;
	}
}

static void fill_row(const void *ctx, size_t item, struct table_row *row)
{
	const struct filling *f = ctx;
	const struct bench_line *line = &f->bench->line[item];
	const struct stats_summary *s = &line->summary;
	const double values[] = {
		[MIN] = s->min, [MEDIAN] = s->median, [MAD] = s->mad, [P95] = s->p95, [MAX] = s->max
	};
	char low[TABLE_CELL_BYTES / 2], high[TABLE_CELL_BYTES / 2], cell[TABLE_CELL_BYTES];

	/* What never varies is said once. */
	if (s->min == s->max) {
		table_number(row->cell[MEDIAN], line->metric->unit, f->unit, s->median);
		return;
	}
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		table_number(row->cell[i], line->metric->unit, f->unit, values[i]);
	table_number(cell, line->metric->unit, f->unit, s->ci95.low);
	(void)snprintf(low, sizeof(low), "%.*s", (int)sizeof(low) - 1, cell);
	table_number(cell, line->metric->unit, f->unit, s->ci95.high);
	(void)snprintf(high, sizeof(high), "%.*s", (int)sizeof(high) - 1, cell);
	(void)snprintf(row->cell[CI95], TABLE_CELL_BYTES, "%s %s", low, high);
	name_outliers(line, row->cell[OUTLIERS]);
}

static bool any_outlier(const struct table *table)
{
	for (size_t i = 1; i < table->rows; i++) {
		if (table->row[i].cell[OUTLIERS][0])
			return true;
	}
	return false;
}

static int make_table(const struct bench *bench, struct table *table, struct err *e)
{
	static const char *const head[] = { "min", "median", "MAD", "p95", "max", "95 % CI" };
	struct listing_item *item = calloc(bench->lines + 1, sizeof(*item));
	struct filling filling = { .bench = bench };
	char title[32];
	double largest = 0;
	int rc;

	if (!item)
		return err_set(e, ENOMEM, "no memory for a table");
	for (size_t i = 0; i < bench->lines; i++) {
		const struct bench_line *line = &bench->line[i];

		item[i] = (struct listing_item){ line->metric->name, line->metric->unit,
						 line->summary.median, false };
		if (listing_group(item[i].name, item[i].unit) != LISTING_MORE &&
		    item[i].unit == REPORT_NS && line->summary.max > largest)
			largest = line->summary.max;
	}
	filling.unit = table_unit_for(largest);
	table->columns = COLUMNS;
	(void)snprintf(title, sizeof(title), "times in %s", filling.unit.name);
	rc = table_add(table, title, e) ? 0 : -ENOMEM;
	for (size_t i = 0; rc == 0 && i < sizeof(head) / sizeof(head[0]); i++)
		(void)strcpy(table->row[0].cell[i], head[i]);
	if (rc == 0)
		rc = listing_add(table, item, bench->lines, fill_row, &filling, e);
	if (rc == 0 && any_outlier(table))
		(void)strcpy(table->row[0].cell[OUTLIERS], "outlier");
	free(item);
	return rc;
}

static const struct bench_line *main_line(const struct bench *bench)
{
	static const char *const names[] = { "boot", "total" };

	for (size_t n = 0; n < 2; n++) {
		for (size_t i = 0; i < bench->lines; i++) {
			if (strcmp(bench->line[i].metric->name, names[n]) == 0)
				return &bench->line[i];
		}
	}
	return NULL;
}

/* With the numbers of the first ones. */
static void print_failed(const struct bench *bench, FILE *out)
{
	enum { NAMED = 10 };
	size_t named = 0;

	(void)fprintf(out, "\nwarning: %zu of %zu runs did not end as they should: run",
		      bench->failed, bench->series->runs);
	for (size_t i = 0; i < bench->series->runs && named <= NAMED; i++) {
		if (!bench->run_failed[i])
			continue;
		if (named++ < NAMED)
			(void)fprintf(out, "%s %zu", named > 1 ? "," : "", i + 1);
		else
			(void)fputs(" ..", out);
	}
	(void)fputs(".\n", out);
}

static void print_warnings(const struct bench *bench, FILE *out)
{
	const struct bench_line *line = main_line(bench);
	size_t outliers = 0;

	for (size_t i = 0; line && i < line->summary.n; i++)
		outliers += is_outlier(line, i);
	if (outliers)
		(void)fprintf(
			out,
			"\nwarning: outliers: %zu of %zu values of %s. Something else may have\n"
			"used the host: let it rest, or make more runs (-r) or warm-ups (-w).\n",
			outliers, line->summary.n, line->metric->name);
	if (bench->series->jobs > 1)
		(void)fprintf(out,
			      "\nwarning: %u runs at the same time have disturbed each other's "
			      "times.\n",
			      bench->series->jobs);
	if (bench->failed)
		print_failed(bench, out);
}

static void print_command(const struct bench *bench, FILE *out)
{
	if (bench->name[0]) {
		plain_print(bench->name, out);
		return;
	}
	(void)fputs("tvmm", out);
	for (size_t i = 0; bench->option[i]; i++) {
		(void)fputc(' ', out);
		plain_print(bench->option[i], out);
	}
}

int bench_print(const struct bench *bench, size_t width, FILE *out, struct err *e)
{
	struct table table = { 0 };
	int rc = make_table(bench, &table, e);

	if (rc == 0) {
		(void)fputs("bench: ", out);
		print_command(bench, out);
		(void)fprintf(out, "\nwarm-up: %zu, runs: %zu, ", bench->warmup,
			      bench->series->runs);
		if (bench->series->jobs > 1)
			(void)fprintf(out, "jobs: %u, ", bench->series->jobs);
		(void)fprintf(out, "seed: %llu\n", (unsigned long long)bench->seed);
		series_print_host(bench->series, "host", out);
		(void)fputc('\n', out);
		table_print(&table, width, out);
		print_warnings(bench, out);
	}
	table_finish(&table);
	return rc;
}

int bench_print_markdown(const struct bench *bench, FILE *out, struct err *e)
{
	struct table table = { 0 };
	int rc = make_table(bench, &table, e);

	if (rc == 0)
		table_print_markdown(&table, out);
	table_finish(&table);
	return rc;
}

/*
 * --- JSON ---------------------------------------------------------------------------------------
 */

/* Whole where it is whole: half a nanosecond comes of a median of two. */
static json_t *number(double value)
{
	return value == (double)(json_int_t)value ? json_integer((json_int_t)value)
						  : json_real(value);
}

static json_t *runs_json(const struct bench *bench)
{
	json_t *runs = json_array();

	for (size_t i = 0; i < bench->series->runs; i++)
		(void)json_array_append_new(runs, json_pack("{s:i,s:b,s:{}}", "status",
							    bench->series->status[i], "failed",
							    bench->run_failed[i], "metrics"));
	for (size_t i = 0; i < bench->series->metrics; i++) {
		const struct series_metric *m = &bench->series->metric[i];

		for (size_t k = 0; k < m->values; k++) {
			json_t *run = json_array_get(runs, m->run[k] - 1);

			(void)json_object_set_new(json_object_get(run, "metrics"), m->name,
						  number(m->value[k]));
		}
	}
	return runs;
}

static json_t *line_json(const struct bench_line *line)
{
	const struct stats_summary *s = &line->summary;
	json_t *outliers = json_array();

	for (size_t i = 0; i < s->n; i++) {
		if (is_outlier(line, i))
			(void)json_array_append_new(outliers, json_integer(line->metric->run[i]));
	}
	return json_pack("{s:s,s:s,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "name",
			 line->metric->name, "unit", series_unit_name(line->metric->unit), "n",
			 (json_int_t)s->n, "min", number(s->min), "median", number(s->median),
			 "mad", number(s->mad), "p95", number(s->p95), "max", number(s->max),
			 "mean", number(s->mean), "ci95_low", number(s->ci95.low), "ci95_high",
			 number(s->ci95.high), "outliers", outliers);
}

/* Words of the command line are any bytes. */
static json_t *text_json(const char *text)
{
	size_t bytes = 3 * strlen(text) + 1;
	char *mended = malloc(bytes);
	json_t *json = NULL;

	if (mended) {
		utf8_mend(mended, bytes, text);
		json = json_string(mended);
	}
	free(mended);
	return json;
}

int bench_print_json(const struct bench *bench, FILE *out, struct err *e)
{
	json_t *command = json_array(), *statistics = json_array(), *root;
	int rc;

	for (size_t i = 0; bench->option[i]; i++)
		(void)json_array_append_new(command, text_json(bench->option[i]));
	for (size_t i = 0; i < bench->lines; i++)
		(void)json_array_append_new(statistics, line_json(&bench->line[i]));
	root = json_pack("{s:s,s:i,s:o,s:o,s:O,s:I,s:I,s:I,s:o,s:o}", "schema", "tvmm-bench",
			 "version", SERIES_BENCH_VERSION, "name", text_json(bench->name), "command",
			 command, "host", bench->series->host, "seed", (json_int_t)bench->seed,
			 "warmup", (json_int_t)bench->warmup, "jobs",
			 (json_int_t)bench->series->jobs, "runs", runs_json(bench), "statistics",
			 statistics);
	if (!root)
		return err_set(e, ENOMEM, "no memory for JSON");
	rc = json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(15) | JSON_ENSURE_ASCII);
	json_decref(root);
	(void)fputc('\n', out);
	return rc == 0 ? 0 : err_sys(e, errno ? errno : EIO, "JSON cannot be written");
}

/*
 * --- CSV: RFC 4180 -------------------------------------------------------------------------------
 */

static void print_csv_text(const char *text, FILE *out)
{
	if (!strpbrk(text, ",\"\r\n")) {
		(void)fputs(text, out);
		return;
	}
	(void)fputc('"', out);
	for (; *text; text++)
		(void)fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
	(void)fputc('"', out);
}

/* The value of a run, or -1: it had none. */
static double value_of(const struct series_metric *m, unsigned int run)
{
	/* Nearly always it is just there, because nearly always all runs have all metrics. */
	if (run <= m->values && m->run[run - 1] == run)
		return m->value[run - 1];
	for (size_t i = 0; i < m->values; i++) {
		if (m->run[i] == run)
			return m->value[i];
	}
	return -1;
}

void bench_print_csv(const struct bench *bench, FILE *out)
{
	const struct series *s = bench->series;

	(void)fputs("run,status", out);
	for (size_t i = 0; i < s->metrics; i++) {
		(void)fputc(',', out);
		print_csv_text(s->metric[i].name, out);
	}
	for (unsigned int run = 1; run <= s->runs; run++) {
		(void)fprintf(out, "\r\n%u,%d", run, s->status[run - 1]);
		for (size_t i = 0; i < s->metrics; i++) {
			double value = value_of(&s->metric[i], run);

			if (value < 0)
				(void)fputc(',', out);
			else
				(void)fprintf(out, ",%.0f", value);
		}
	}
	(void)fputs("\r\n", out);
}
