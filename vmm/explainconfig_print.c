/* SPDX-License-Identifier: MIT */
#include "vmm/explainconfig.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/plain.h"
#include "vmm/listing.h"
#include "vmm/table.h"
#include "vmm/timing/json.h"

static const char *const GROUP[] = { "only in A", "only in B", "changed from A to B" };

static size_t group_of(const struct kconfig_change *change)
{
	return !change->b ? 0 : !change->a ? 1 : 2;
}

/*
 * --- tables: sizes ------------------------------------------------------------------------------
 */

static int size_row(struct table *table, const char *name, uint64_t a, uint64_t b, struct err *e)
{
	struct table_row *row = table_add(table, name, e);

	if (!row)
		return -e->code;
	(void)snprintf(row->cell[0], TABLE_CELL_BYTES, "%" PRIu64, a);
	(void)snprintf(row->cell[1], TABLE_CELL_BYTES, "%" PRIu64, b);
	(void)snprintf(row->cell[2], TABLE_CELL_BYTES, a == b ? "0" : "%+" PRId64,
		       (int64_t)(b - a));
	return 0;
}

static int add_head(struct table *table, const char *title, bool tested, struct err *e)
{
	static const char *const head[] = { "A", "B", "difference", "p" };
	struct table_row *row = table_add(table, title, e);

	if (!row)
		return -e->code;
	table->columns = tested ? 4 : 3;
	for (size_t i = 0; i < table->columns; i++)
		(void)strcpy(row->cell[i], head[i]);
	return 0;
}

static int make_sizes(const struct explainconfig *found, struct table *table, struct err *e)
{
	const struct elfsizes *a = &found->side[0].sizes, *b = &found->side[1].sizes;
	int rc = add_head(table, "sizes in bytes", false, e);

	for (int i = 0; rc == 0 && i < ELFSIZES_CLASSES; i++)
		rc = size_row(table, elfsizes_name((enum elfsizes_class)i), a->bytes[i],
			      b->bytes[i], e);
	return rc == 0 ? size_row(table, "total", a->total_bytes, b->total_bytes, e) : rc;
}

/*
 * --- tables: times ------------------------------------------------------------------------------
 */

/* An entry of the table of times; one of a and b is NULL when only the other side has it. */
struct entry {
	const struct series_metric *a, *b;
	double a_value, b_value, p;
};

static double change_of(const struct entry *entry)
{
	return entry->b_value - entry->a_value;
}

static int larger_change_first(const void *a, const void *b)
{
	double x = fabs(change_of(a)), y = fabs(change_of(b));

	return (x < y) - (x > y);
}

static bool is_initcall(const struct series_metric *m)
{
	return listing_group(m->name, m->unit) == LISTING_INITCALL;
}

static double median_of(const struct series_metric *m)
{
	double sorted[SERIES_RUNS_MAX];
	size_t n = series_sorted(m, sorted);

	return stats_median(sorted, n);
}

static bool has_values(const struct series_metric *m)
{
	return m && m->values;
}

/* Initcalls of one series that the other has not; returns how many. */
static size_t list_missing(const struct series *of, const struct series *in, bool of_a,
			   struct entry *to)
{
	size_t count = 0;

	for (size_t i = 0; i < of->metrics; i++) {
		const struct series_metric *m = &of->metric[i];

		if (!is_initcall(m) || !has_values(m) || has_values(series_find(in, m->name)))
			continue;
		to[count++] = of_a ? (struct entry){ .a = m, .a_value = median_of(m) }
				   : (struct entry){ .b = m, .b_value = median_of(m) };
	}
	qsort(to, count, sizeof(*to), larger_change_first);
	return count;
}

/* Lines of the comparison in whole nanoseconds that are initcalls, or are not. */
static size_t list_lines(const struct comparison *c, bool initcalls, struct entry *to)
{
	size_t count = 0;

	for (size_t i = 0; i < c->lines; i++) {
		const struct compare_line *line = &c->line[i];
		enum listing_group group = listing_group(line->a->name, line->a->unit);

		if (initcalls ? group != LISTING_INITCALL
			      : group != LISTING_MAIN && group != LISTING_STEPS)
			continue;
		to[count++] = (struct entry){ line->a, line->b, line->difference.a,
					      line->difference.b, line->p };
	}
	if (initcalls)
		qsort(to, count, sizeof(*to), larger_change_first);
	return count;
}

static int entry_row(struct table *table, const struct entry *entry, struct table_unit unit,
		     struct err *e)
{
	struct table_row *row = table_add(table, entry->a ? entry->a->name : entry->b->name, e);
	char change[TABLE_CELL_BYTES];

	if (!row)
		return -e->code;
	(void)strcpy(row->cell[0], "-");
	(void)strcpy(row->cell[1], "-");
	if (entry->a)
		table_number(row->cell[0], REPORT_NS, unit, entry->a_value);
	if (entry->b)
		table_number(row->cell[1], REPORT_NS, unit, entry->b_value);
	table_number(change, REPORT_NS, unit, fabs(change_of(entry)));
	(void)snprintf(row->cell[2], TABLE_CELL_BYTES, "%c%.30s", change_of(entry) < 0 ? '-' : '+',
		       change);
	if (table->columns > 3 && entry->a && entry->b)
		(void)snprintf(row->cell[3], TABLE_CELL_BYTES,
			       entry->p < 0.0001 ? "< 0.0001" : "%.4f", entry->p);
	return 0;
}

/* A heading, unless title is NULL, and at most `most` rows. */
static int add_entries(struct table *table, const char *title, const struct entry *entry,
		       size_t entries, size_t most, struct table_unit unit, struct err *e)
{
	char text[128];
	int rc = 0;

	if (!entries)
		return 0;
	if (title) {
		(void)snprintf(text, sizeof(text), "%s: %zu", title, entries);
		if (entries > most)
			(void)snprintf(text, sizeof(text), "%s: the %zu first of %zu", title, most,
				       entries);
		if (!table_add(table, text, e))
			return -e->code;
	}
	for (size_t i = 0; rc == 0 && i < entries && i < most; i++)
		rc = entry_row(table, &entry[i], unit, e);
	return rc;
}

static int fill_times(const struct comparison *c, struct table *table, struct entry *entry,
		      struct err *e)
{
	const struct stats_difference *main = &c->main.difference;
	struct table_unit unit = table_unit_for(main->a > main->b ? main->a : main->b);
	const size_t most = EXPLAINCONFIG_INITCALLS;
	char title[32];
	size_t n;
	int rc;

	(void)snprintf(title, sizeof(title), "times in %s", unit.name);
	rc = add_head(table, title, c->tested, e);
	n = list_lines(c, false, entry);
	if (rc == 0)
		rc = add_entries(table, NULL, entry, n, n, unit, e);
	n = list_lines(c, true, entry);
	if (rc == 0)
		rc = add_entries(table, "initcalls that differ", entry, n, most, unit, e);
	n = list_missing(c->a, c->b, true, entry);
	if (rc == 0)
		rc = add_entries(table, "initcalls only in A", entry, n, most, unit, e);
	n = list_missing(c->b, c->a, false, entry);
	if (rc == 0)
		rc = add_entries(table, "initcalls only in B", entry, n, most, unit, e);
	return rc;
}

static struct entry *entries_for(const struct comparison *c, struct err *e)
{
	struct entry *entry = calloc(c->a->metrics + c->b->metrics + 1, sizeof(*entry));

	if (!entry)
		(void)err_set(e, ENOMEM, "no memory for a table");
	return entry;
}

static int make_times(const struct explainconfig *found, struct table *table, struct err *e)
{
	struct entry *entry = entries_for(&found->times, e);
	int rc = entry ? fill_times(&found->times, table, entry, e) : -e->code;

	free(entry);
	return rc;
}

/*
 * --- for people ---------------------------------------------------------------------------------
 */

static void print_from(const struct explainconfig *found, size_t i, FILE *out)
{
	(void)fprintf(out, "%c: ", "AB"[i]);
	plain_print(found->side[i].config_from, out);
	(void)fputs(found->side[i].inside ? " (the configuration inside)\n" : "\n", out);
}

static void print_counts(const struct kconfig_difference *d, FILE *out)
{
	if (d->changes == 0)
		(void)fputs("options: none differs\n", out);
	else
		(void)fprintf(out, "options: %zu only in A, %zu only in B, %zu changed\n",
			      d->only_a, d->only_b, d->changed);
}

/* Cut where a terminal ends, but not inside of a character. */
static void print_change(const struct kconfig_change *change, size_t width, FILE *out)
{
	char line[2 * KCONFIG_LINE_MAX + KCONFIG_NAME_MAX + 32];
	const char *one = change->a ? change->a : change->b;

	if (change->a && change->b)
		(void)snprintf(line, sizeof(line), "  CONFIG_%s %s -> %s", change->name, change->a,
			       change->b);
	else
		(void)snprintf(line, sizeof(line), "  CONFIG_%s=%s", change->name, one);
	if (width && strlen(line) > width) {
		size_t cut = width - 2;

		while (cut && ((unsigned char)line[cut] & 0xc0) == 0x80)
			cut--;
		(void)strcpy(line + cut, "..");
	}
	plain_print(line, out);
	(void)fputc('\n', out);
}

static void print_options(const struct kconfig_difference *d, size_t width, FILE *out)
{
	print_counts(d, out);
	for (size_t group = 0; group < 3; group++) {
		bool headed = false;

		for (size_t i = 0; i < d->changes; i++) {
			if (group_of(&d->change[i]) != group)
				continue;
			if (!headed)
				(void)fprintf(out, "\n%s\n", GROUP[group]);
			headed = true;
			print_change(&d->change[i], width, out);
		}
	}
}

typedef int (*make_table)(const struct explainconfig *found, struct table *table, struct err *e);

static void print_words(const char *words, size_t width, FILE *out)
{
	if (width == SIZE_MAX)
		table_print_markdown_text(words, out);
	else
		plain_print(words, out);
	(void)fputc('\n', out);
}

/* The table, or why there is none. width: SIZE_MAX for Markdown. */
static int print_part(const struct explainconfig *found, const char *why_not, const char *what,
		      make_table make, size_t width, FILE *out, struct err *e)
{
	struct table table = { 0 };
	int rc = 0;

	(void)fputc('\n', out);
	if (why_not) {
		(void)fprintf(out, "%s: ", what);
		print_words(why_not, width, out);
		return 0;
	}
	rc = make(found, &table, e);
	if (rc == 0 && width == SIZE_MAX)
		table_print_markdown(&table, out);
	else if (rc == 0)
		table_print(&table, width, out);
	table_finish(&table);
	return rc;
}

static int print_parts(const struct explainconfig *found, size_t width, FILE *out, struct err *e)
{
	char answer[256];
	int rc = print_part(found, found->has_sizes ? NULL : found->no_sizes, "sizes", make_sizes,
			    width, out, e);

	if (rc == 0)
		rc = print_part(found, found->has_times ? NULL : found->no_times, "times",
				make_times, width, out, e);
	if (rc == 0 && found->has_times) {
		compare_answer(&found->times, answer, sizeof(answer));
		(void)fputc('\n', out);
		print_words(answer, width, out);
	}
	return rc;
}

int explainconfig_print(const struct explainconfig *found, size_t width, FILE *out, struct err *e)
{
	print_from(found, 0, out);
	print_from(found, 1, out);
	(void)fputc('\n', out);
	print_options(&found->options, width, out);
	return print_parts(found, width, out, e);
}

/*
 * --- Markdown -----------------------------------------------------------------------------------
 */

static void print_cell(const char *text, FILE *out)
{
	(void)fputs(" | ", out);
	table_print_markdown_text(text ? text : "", out);
}

int explainconfig_print_markdown(const struct explainconfig *found, FILE *out, struct err *e)
{
	const struct kconfig_difference *d = &found->options;

	print_counts(d, out);
	if (d->changes)
		(void)fputs("\n| option | A | B |\n|:---|:---|:---|\n", out);
	for (size_t group = 0; group < 3; group++) {
		for (size_t i = 0; i < d->changes; i++) {
			if (group_of(&d->change[i]) != group)
				continue;
			(void)fprintf(out, "| `CONFIG_%s`", d->change[i].name);
			print_cell(d->change[i].a, out);
			print_cell(d->change[i].b, out);
			(void)fputs(" |\n", out);
		}
	}
	return print_parts(found, SIZE_MAX, out, e);
}

/*
 * --- JSON ---------------------------------------------------------------------------------------
 */

static void json_real(struct json *json, const char *key, double value)
{
	char text[40];

	(void)snprintf(text, sizeof(text), "%.15g", value);
	json_key(json, key);
	json_raw(json, text);
}

static void json_side(struct json *json, const char *key, const struct explainconfig_side *side)
{
	json_key(json, key);
	json_on_one_line(json);
	json_begin_object(json);
	json_text_field(json, "config", side->config_from);
	json_key(json, "inside");
	json_bool(json, side->inside);
	json_end_object(json);
}

static void json_options(struct json *json, const struct kconfig_difference *d)
{
	static const char *const key[] = { "only_a", "only_b", "changed" };

	json_key(json, "options");
	json_begin_object(json);
	for (size_t group = 0; group < 3; group++) {
		json_key(json, key[group]);
		json_begin_array(json);
		for (size_t i = 0; i < d->changes; i++) {
			if (group_of(&d->change[i]) != group)
				continue;
			json_on_one_line(json);
			json_begin_object(json);
			json_text_field(json, "name", d->change[i].name);
			json_text_field(json, "a", d->change[i].a);
			json_text_field(json, "b", d->change[i].b);
			json_end_object(json);
		}
		json_end_array(json);
	}
	json_end_object(json);
}

static void json_size(struct json *json, const char *name, uint64_t a, uint64_t b)
{
	json_key(json, name);
	json_on_one_line(json);
	json_begin_object(json);
	json_key(json, "a");
	json_number(json, a);
	json_key(json, "b");
	json_number(json, b);
	json_key(json, "difference");
	json_signed(json, (int64_t)(b - a));
	json_end_object(json);
}

static void json_sizes(struct json *json, const struct explainconfig *found)
{
	const struct elfsizes *a = &found->side[0].sizes, *b = &found->side[1].sizes;

	if (!found->has_sizes) {
		json_text_field(json, "sizes", NULL);
		json_text_field(json, "no_sizes", found->no_sizes);
		return;
	}
	json_key(json, "sizes");
	json_begin_object(json);
	for (int i = 0; i < ELFSIZES_CLASSES; i++)
		json_size(json, elfsizes_name((enum elfsizes_class)i), a->bytes[i], b->bytes[i]);
	json_size(json, "total", a->total_bytes, b->total_bytes);
	json_end_object(json);
}

static void json_entries(struct json *json, const char *key, bool tested, const struct entry *entry,
			 size_t entries)
{
	json_key(json, key);
	json_begin_array(json);
	for (size_t i = 0; i < entries; i++) {
		json_on_one_line(json);
		json_begin_object(json);
		json_text_field(json, "name", entry[i].a ? entry[i].a->name : entry[i].b->name);
		if (entry[i].a)
			json_real(json, "a_ns", entry[i].a_value);
		if (entry[i].b)
			json_real(json, "b_ns", entry[i].b_value);
		if (tested && entry[i].a && entry[i].b)
			json_real(json, "p_adjusted", entry[i].p);
		json_end_object(json);
	}
	json_end_array(json);
}

static int json_times(struct json *json, const struct explainconfig *found, struct err *e)
{
	const struct comparison *c = &found->times;
	struct entry *entry;
	char answer[256];

	if (!found->has_times) {
		json_text_field(json, "times", NULL);
		json_text_field(json, "no_times", found->no_times);
		return 0;
	}
	entry = entries_for(c, e);
	if (!entry)
		return -e->code;
	compare_answer(c, answer, sizeof(answer));
	json_key(json, "times");
	json_begin_object(json);
	json_text_field(json, "answer", answer);
	json_key(json, "seed");
	json_number(json, c->seed);
	json_entries(json, "phases", c->tested, entry, list_lines(c, false, entry));
	json_entries(json, "initcalls", c->tested, entry, list_lines(c, true, entry));
	json_entries(json, "initcalls_only_a", c->tested, entry,
		     list_missing(c->a, c->b, true, entry));
	json_entries(json, "initcalls_only_b", c->tested, entry,
		     list_missing(c->b, c->a, false, entry));
	json_end_object(json);
	free(entry);
	return 0;
}

int explainconfig_print_json(const struct explainconfig *found, FILE *out, struct err *e)
{
	struct json json;
	int rc;

	json_begin_file(&json, out);
	json_begin_object(&json);
	json_text_field(&json, "schema", "tvmm-explain-config");
	json_key(&json, "version");
	json_number(&json, 1);
	json_side(&json, "a", &found->side[0]);
	json_side(&json, "b", &found->side[1]);
	json_options(&json, &found->options);
	json_sizes(&json, found);
	rc = json_times(&json, found, e);
	json_end_object(&json);
	return rc;
}
