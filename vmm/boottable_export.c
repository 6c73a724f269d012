/* SPDX-License-Identifier: MIT */
/*
 * A table of kernels for programs: CSV, one record for each row, and JSON ("tvmm-table", version
 * 1). Both have all that is known, times in ns and sizes in bytes. docs/table.md, "Formats", tells
 * the fields; what changes here changes there.
 *
 * Authority: RFC 4180, section 2; [JSON].
 */
#include "vmm/boottable_run.h"

#include <errno.h>
#include <string.h>

#include "vmm/timing/cleantext.h"
#include "vmm/timing/json.h"
#include "vmm/timing/markup.h"

enum { NUMBER_BYTES = 32, CLEAN_BYTES = 4096 };

/* Whole where it is whole: half a nanosecond comes of a median of two. */
static const char *number_text(double value, char *to)
{
	char *fraction;

	(void)snprintf(to, NUMBER_BYTES, "%.4f", value);
	fraction = strchr(to, '.');
	if (fraction && strcmp(fraction, ".0000") == 0)
		*fraction = '\0';
	return to;
}

static int end(FILE *out, const char *what, struct err *e)
{
	int rc = markup_end(out);

	return rc < 0 ? err_sys(e, -rc, "the table cannot be written as %s", what) : 0;
}

/*
 * --- CSV ----------------------------------------------------------------------------------------
 */

/*
 * A spreadsheet takes what begins with = + - @ for a formula, and a guest's words can begin so: an
 * apostrophe in front makes it text.
 */
static void csv_text(FILE *out, const char *text)
{
	char clean[CLEAN_BYTES];

	(void)cleantext_copy(clean, sizeof(clean), text ? text : "", false);
	(void)fputc('"', out);
	if (clean[0] && strchr("=+-@", clean[strspn(clean, " ")]) && clean[strspn(clean, " ")])
		(void)fputc('\'', out);
	for (const char *at = clean; *at; at++) {
		if (*at == '"')
			(void)fputc('"', out);
		(void)fputc(*at, out);
	}
	(void)fputc('"', out);
}

static void csv_value(FILE *out, bool known, double value)
{
	char text[NUMBER_BYTES];

	(void)fprintf(out, ",%s", known ? number_text(value, text) : "");
}

static void csv_measure(FILE *out, const struct boottable_measure *m)
{
	(void)fprintf(out, ",%zu", m->runs);
	csv_value(out, m->runs > 0, m->median);
	csv_value(out, m->runs > 0, m->ci95.low);
	csv_value(out, m->runs > 0, m->ci95.high);
}

static const char *state(const struct boottable_boots *boots)
{
	if (!boots->asked && !boots->failed)
		return "not asked";
	return boots->failed ? "failed" : "booted";
}

static void csv_boots(FILE *out, const struct boottable_boots *boots)
{
	(void)fprintf(out, ",%s,", state(boots));
	csv_text(out, boots->failed ? boots->ending : "");
	csv_measure(out, &boots->uptime);
	csv_measure(out, &boots->init);
}

static void csv_measure_head(FILE *out, const char *of, const char *name)
{
	(void)fprintf(out, ",%s_%s_runs,%s_%s_ns,%s_%s_ci95_low_ns,%s_%s_ci95_high_ns", of, name,
		      of, name, of, name, of, name);
}

static void csv_head(FILE *out)
{
	static const char *const vmm[] = { "tvmm", "qemu" };
	char key[NUMBER_BYTES];

	(void)fputs("name,kernel,vmlinux,format,packing,kernel_bytes,vmlinux_du_bytes", out);
	for (int i = 0; i < ELFSIZES_CLASSES; i++)
		(void)fprintf(out, ",%s_bytes", elfsizes_name((enum elfsizes_class)i));
	(void)fputs(",total_bytes", out);
	for (size_t i = 0; i < 2; i++) {
		(void)fprintf(out, ",%s,%s_ending", vmm[i], vmm[i]);
		csv_measure_head(out, vmm[i], "uptime");
		csv_measure_head(out, vmm[i], "init");
	}
	(void)fputs(",ratio", out);
	for (int i = 0; i < BOOTTABLE_PARTS; i++)
		csv_measure_head(out, "part",
				 boottable_part_key((enum boottable_part)i, key, sizeof(key)));
	(void)fputs(",touched_pages,least_ram_bytes,no_parts,no_pages,no_initcalls\r\n", out);
}

static void csv_row(FILE *out, const struct boottable_row *row)
{
	struct boottable_value ratio = boottable_ratio(row);

	csv_text(out, row->name);
	(void)fputc(',', out);
	csv_text(out, row->kernel);
	(void)fputc(',', out);
	csv_text(out, row->vmlinux);
	(void)fprintf(out, ",%s,", row->format);
	csv_text(out, row->packing);
	csv_value(out, true, (double)row->kernel_bytes);
	csv_value(out, row->vmlinux_du.known, row->vmlinux_du.value);
	for (int i = 0; i < ELFSIZES_CLASSES; i++)
		csv_value(out, row->sizes_known, (double)row->sizes.bytes[i]);
	csv_value(out, row->sizes_known, (double)row->sizes.total_bytes);
	csv_boots(out, &row->tvmm);
	csv_boots(out, &row->qemu);
	csv_value(out, ratio.known, ratio.value);
	for (int i = 0; i < BOOTTABLE_PARTS; i++)
		csv_measure(out, &row->part[i]);
	csv_value(out, row->touched_pages.known, row->touched_pages.value);
	csv_value(out, row->least_ram_bytes.known, row->least_ram_bytes.value);
	(void)fputc(',', out);
	csv_text(out, row->no_parts);
	(void)fputc(',', out);
	csv_text(out, row->no_pages);
	(void)fputc(',', out);
	csv_text(out, row->no_initcalls);
	(void)fputs("\r\n", out);
}

int boottable_print_csv(const struct boottable *table, FILE *out, struct err *e)
{
	markup_begin(out);
	csv_head(out);
	for (size_t i = 0; i < table->rows; i++)
		csv_row(out, &table->row[i]);
	return end(out, "CSV", e);
}

/*
 * --- JSON ---------------------------------------------------------------------------------------
 */

static void value_field(struct json *j, const char *key, bool known, double value)
{
	char text[NUMBER_BYTES];

	json_key(j, key);
	json_raw(j, known ? number_text(value, text) : "null");
}

/* null: not known. */
static void measure_field(struct json *j, const char *key, const struct boottable_measure *m)
{
	char low[NUMBER_BYTES], high[NUMBER_BYTES];

	json_key(j, key);
	if (!m->runs) {
		json_raw(j, "null");
		return;
	}
	json_on_one_line(j);
	json_begin_object(j);
	value_field(j, "runs", true, (double)m->runs);
	value_field(j, "median", true, m->median);
	json_key(j, "ci95");
	json_begin_array(j);
	json_raw(j, number_text(m->ci95.low, low));
	json_raw(j, number_text(m->ci95.high, high));
	json_end_array(j);
	json_end_object(j);
}

static void boots_field(struct json *j, const char *key, const struct boottable_boots *boots)
{
	json_key(j, key);
	if (!boots->asked && !boots->failed) {
		json_raw(j, "null");
		return;
	}
	json_begin_object(j);
	json_key(j, "failed");
	json_bool(j, boots->failed);
	json_text_field(j, "ending", boots->failed ? boots->ending : NULL);
	measure_field(j, "uptime_ns", &boots->uptime);
	measure_field(j, "init_ns", &boots->init);
	json_end_object(j);
}

static void sizes_field(struct json *j, const struct boottable_row *row)
{
	json_key(j, "sections_bytes");
	if (!row->sizes_known) {
		json_raw(j, "null");
		return;
	}
	json_on_one_line(j);
	json_begin_object(j);
	for (int i = 0; i < ELFSIZES_CLASSES; i++) {
		json_key(j, elfsizes_name((enum elfsizes_class)i));
		json_number(j, row->sizes.bytes[i]);
	}
	json_key(j, "total");
	json_number(j, row->sizes.total_bytes);
	json_end_object(j);
}

static void parts_field(struct json *j, const struct boottable_row *row)
{
	char key[NUMBER_BYTES];

	json_key(j, "parts_ns");
	json_begin_object(j);
	for (int i = 0; i < BOOTTABLE_PARTS; i++)
		measure_field(j, boottable_part_key((enum boottable_part)i, key, sizeof(key)),
			      &row->part[i]);
	json_end_object(j);
}

static void json_row(struct json *j, const struct boottable_row *row)
{
	struct boottable_value ratio = boottable_ratio(row);

	json_begin_object(j);
	json_text_field(j, "name", row->name);
	json_text_field(j, "kernel", row->kernel);
	json_text_field(j, "vmlinux", row->vmlinux);
	json_text_field(j, "format", row->format);
	json_text_field(j, "packing", row->packing && row->packing[0] ? row->packing : NULL);
	value_field(j, "kernel_bytes", true, (double)row->kernel_bytes);
	value_field(j, "vmlinux_du_bytes", row->vmlinux_du.known, row->vmlinux_du.value);
	sizes_field(j, row);
	boots_field(j, "tvmm", &row->tvmm);
	boots_field(j, "qemu", &row->qemu);
	value_field(j, "ratio", ratio.known, ratio.value);
	parts_field(j, row);
	value_field(j, "touched_pages", row->touched_pages.known, row->touched_pages.value);
	value_field(j, "least_ram_bytes", row->least_ram_bytes.known, row->least_ram_bytes.value);
	json_text_field(j, "no_parts", row->no_parts[0] ? row->no_parts : NULL);
	json_text_field(j, "no_pages", row->no_pages[0] ? row->no_pages : NULL);
	json_text_field(j, "no_initcalls", row->no_initcalls[0] ? row->no_initcalls : NULL);
	json_end_object(j);
}

static void json_head(struct json *j, const struct boottable *table)
{
	json_text_field(j, "schema", "tvmm-table");
	json_key(j, "version");
	json_number(j, BOOTTABLE_VERSION);
	json_key(j, "options");
	json_on_one_line(j);
	json_begin_array(j);
	for (size_t i = 0; table->option && table->option[i]; i++)
		json_text(j, table->option[i]);
	json_end_array(j);
	json_text_field(j, "host", table->host && table->host[0] ? table->host : NULL);
	json_text_field(j, "qemu", table->qemu);
	json_key(j, "runs");
	json_number(j, table->runs);
	json_key(j, "warmup");
	json_number(j, table->warmup);
	json_key(j, "seed");
	json_number(j, table->seed);
}

int boottable_print_json(const struct boottable *table, FILE *out, struct err *e)
{
	struct json j;

	markup_begin(out);
	json_begin_file(&j, out);
	json_begin_object(&j);
	json_head(&j, table);
	json_key(&j, "rows");
	json_begin_array(&j);
	for (size_t i = 0; i < table->rows; i++)
		json_row(&j, &table->row[i]);
	json_end_array(&j);
	json_end_object(&j);
	return end(out, "JSON", e);
}
