/* SPDX-License-Identifier: MIT */
/*
 * A table that was saved as JSON, back into rows: docs/table.md, "JSON". What cannot be is refused, with
 * the file, the row and the field; texts are printed by who prints those of our own runs, and cleaned
 * there.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/boottable_run.h"
#include "vmm/jsonread.h"
#include "vmm/series.h"

/* Where a message says that something is: "FILE, row 'tiny'", and what was wrong first. */
struct reader {
	char what[512];
	struct err *e;
	int rc;
};

static const json_t *get(struct reader *r, const json_t *object, const char *name, json_type type)
{
	const json_t *found;

	if (r->rc < 0)
		return NULL;
	found = jsonread_field(object, r->what, name, type, r->e);
	r->rc = found ? 0 : -EINVAL;
	return found;
}

/* The field, or NULL where it is null: what nobody knows, or nobody asked for. */
static const json_t *get_known(struct reader *r, const json_t *object, const char *name,
			       json_type type)
{
	return json_is_null(json_object_get(object, name)) ? NULL : get(r, object, name, type);
}

static const char *get_text(struct reader *r, const json_t *object, const char *name)
{
	return json_string_value(get(r, object, name, JSON_STRING));
}

static const char *get_known_text(struct reader *r, const json_t *object, const char *name)
{
	return json_string_value(get_known(r, object, name, JSON_STRING));
}

/* May be missing: exports of earlier versions have no such field. */
static void copy_words(struct reader *r, const json_t *object, const char *name, char *to,
		       size_t size)
{
	const char *text = json_object_get(object, name) ? get_known_text(r, object, name) : NULL;

	(void)snprintf(to, size, "%s", text ? text : "");
}

static uint64_t get_count(struct reader *r, const json_t *object, const char *name, json_int_t max)
{
	json_int_t value = 0;

	if (r->rc == 0)
		r->rc = jsonread_number(object, r->what, name, max, &value, r->e);
	return r->rc == 0 ? (uint64_t)value : 0;
}

/* A number from 0 on, whole or not: medians of an even number of runs need not be. */
static double check_real(struct reader *r, const json_t *value, const char *name)
{
	double number = json_number_value(value);

	if (r->rc < 0)
		return 0;
	if (!json_is_number(value) || !(number >= 0) || number > (double)JSONREAD_NUMBER_MAX)
		r->rc = err_set(r->e, EINVAL, "%s: \"%s\" is %s; expected a number from 0 to %lld",
				r->what, name,
				json_is_number(value) ? "out of range" : jsonread_type_name(value),
				JSONREAD_NUMBER_MAX);
	return r->rc == 0 ? number : 0;
}

static struct boottable_value get_value(struct reader *r, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (json_is_null(value))
		return (struct boottable_value){ false, 0 };
	return (struct boottable_value){ true, check_real(r, value, name) };
}

static struct boottable_measure get_measure(struct reader *r, const json_t *object,
					    const char *name)
{
	const json_t *found = get_known(r, object, name, JSON_OBJECT), *ci95;
	struct boottable_measure m = { 0 };

	if (!found || !(ci95 = get(r, found, "ci95", JSON_ARRAY)))
		return m;
	m.runs = get_count(r, found, "runs", SERIES_RUNS_MAX);
	m.median = check_real(r, json_object_get(found, "median"), "median");
	m.ci95.low = check_real(r, json_array_get(ci95, 0), "ci95");
	m.ci95.high = check_real(r, json_array_get(ci95, 1), "ci95");
	if (r->rc == 0 && (!m.runs || m.ci95.low > m.median || m.median > m.ci95.high))
		r->rc = err_set(
			r->e, EINVAL,
			"%s: \"%s\" cannot be: it is of no run, or its median is not in its "
			"interval",
			r->what, name);
	return m;
}

static void get_boots(struct reader *r, const json_t *row, const char *name,
		      struct boottable_boots *boots)
{
	const json_t *found = get_known(r, row, name, JSON_OBJECT);
	const json_t *failed = found ? json_object_get(found, "failed") : NULL;

	if (!found)
		return;
	if (!json_is_boolean(failed))
		r->rc = err_set(r->e, EINVAL, "%s: \"%s\" has no \"failed\" that is true or false",
				r->what, name);
	boots->asked = true;
	boots->failed = json_is_true(failed);
	copy_words(r, found, "ending", boots->ending, sizeof(boots->ending));
	boots->uptime = get_measure(r, found, "uptime_ns");
	boots->init = get_measure(r, found, "init_ns");
}

static void get_sizes(struct reader *r, const json_t *row, struct boottable_row *to)
{
	const json_t *sizes = get_known(r, row, "sections_bytes", JSON_OBJECT);

	if (!sizes)
		return;
	to->sizes_known = true;
	for (int i = 0; i < ELFSIZES_CLASSES; i++)
		to->sizes.bytes[i] = get_count(r, sizes, elfsizes_name((enum elfsizes_class)i),
					       JSONREAD_NUMBER_MAX);
	to->sizes.total_bytes = get_count(r, sizes, "total", JSONREAD_NUMBER_MAX);
}

static void get_parts(struct reader *r, const json_t *row, struct boottable_row *to)
{
	const json_t *parts = get(r, row, "parts_ns", JSON_OBJECT);
	char key[BOOTTABLE_NAME_BYTES];

	for (int i = 0; parts && i < BOOTTABLE_PARTS; i++)
		to->part[i] = get_measure(
			r, parts, boottable_part_key((enum boottable_part)i, key, sizeof(key)));
}

static void get_kinds(struct reader *r, const json_t *row, struct boottable_row *to)
{
	static const char *const formats[] = { "bzImage", "vmlinux", "unknown" };
	const char *format = get_text(r, row, "format");

	to->format = NULL;
	to->packing = get_known_text(r, row, "packing");
	to->packing = to->packing ? to->packing : "";
	for (const char *at = to->packing; r->rc == 0 && *at; at++) {
		if (!isalnum((unsigned char)*at))
			r->rc = err_set(r->e, EINVAL, "%s: \"packing\" is not a format's name",
					r->what);
	}
	for (size_t i = 0; format && i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(format, formats[i]) == 0)
			to->format = formats[i];
	}
	if (r->rc == 0 && !to->format)
		r->rc = err_set(r->e, EINVAL, "%s: \"format\" is not bzImage, vmlinux or unknown",
				r->what);
}

static int read_row(struct boottable *table, const char *path, const json_t *row, struct err *e)
{
	struct reader r = { .e = e };
	struct boottable_row *to = boottable_add_row(table, e);
	const char *name;

	if (!to)
		return -e->code;
	(void)snprintf(r.what, sizeof(r.what), "%s, row %zu", path, table->rows);
	name = get_text(&r, row, "name");
	if (!name || boottable_set_name(table, to, name, strlen(name), e) < 0)
		return -e->code;
	(void)snprintf(r.what, sizeof(r.what), "%s, row '%s'", path, to->name);
	to->kernel = get_text(&r, row, "kernel");
	to->vmlinux = get_known_text(&r, row, "vmlinux");
	get_kinds(&r, row, to);
	to->kernel_bytes = get_count(&r, row, "kernel_bytes", JSONREAD_NUMBER_MAX);
	to->vmlinux_du = get_value(&r, row, "vmlinux_du_bytes");
	get_sizes(&r, row, to);
	get_boots(&r, row, "tvmm", &to->tvmm);
	get_boots(&r, row, "qemu", &to->qemu);
	get_parts(&r, row, to);
	to->touched_pages = get_value(&r, row, "touched_pages");
	to->least_ram_bytes = get_value(&r, row, "least_ram_bytes");
	copy_words(&r, row, "no_parts", to->no_parts, sizeof(to->no_parts));
	copy_words(&r, row, "no_pages", to->no_pages, sizeof(to->no_pages));
	copy_words(&r, row, "no_initcalls", to->no_initcalls, sizeof(to->no_initcalls));
	return r.rc;
}

/* What all rows of a table have in common: of the first file, and the same in all others. */
static int read_head(struct boottable *table, struct boottable_saved *saved, const char *path,
		     const json_t *root, struct err *e)
{
	static const char *const same[] = { "options", "host", "qemu", "runs", "warmup" };
	struct reader r = { .e = e };
	const json_t *first = saved->files ? saved->file[0] : root, *options;

	(void)snprintf(r.what, sizeof(r.what), "%s", path);
	options = get(&r, root, "options", JSON_ARRAY);
	for (size_t i = 0; options && i < sizeof(same) / sizeof(same[0]); i++) {
		if (!json_equal(json_object_get(root, same[i]), json_object_get(first, same[i])))
			return err_set(
				e, EINVAL,
				"table: %s has other \"%s\" than the file before it; rows of "
				"one table are of the same",
				path, same[i]);
	}
	if (saved->files || r.rc < 0)
		return r.rc;
	saved->option = calloc(json_array_size(options) + 1, sizeof(*saved->option));
	if (!saved->option)
		return err_set(e, ENOMEM, "no memory for the options of a run");
	for (size_t i = 0; i < json_array_size(options); i++) {
		/* Its owner does not write to it. */
		saved->option[i] = (char *)(uintptr_t)json_string_value(json_array_get(options, i));
		if (!saved->option[i])
			return err_set(e, EINVAL, "%s: \"options\" has more than texts in it",
				       path);
	}
	table->option = saved->option;
	table->host = get_known_text(&r, root, "host");
	table->qemu = get_known_text(&r, root, "qemu");
	table->runs = get_count(&r, root, "runs", SERIES_RUNS_MAX);
	table->warmup = get_count(&r, root, "warmup", SERIES_RUNS_MAX);
	table->seed = get_count(&r, root, "seed", INT64_MAX);
	return r.rc;
}

int boottable_read(struct boottable *table, struct boottable_saved *saved, const char *path,
		   struct err *e)
{
	json_t *root = jsonread_file("table", path, e);
	const json_t *schema, *rows;
	int rc = root ? 0 : -e->code;

	if (rc < 0)
		return rc;
	schema = jsonread_field(root, path, "schema", JSON_STRING, e);
	rows = schema ? jsonread_field(root, path, "rows", JSON_ARRAY, e) : NULL;
	rc = rows ? jsonread_version(root, path, BOOTTABLE_VERSION, e) : -e->code;
	if (schema && strcmp(json_string_value(schema), "tvmm-table") != 0)
		rc = err_set(e, EINVAL,
			     "%s: \"schema\" is not tvmm-table (tvmm table --export-json)", path);
	if (rc == 0)
		rc = read_head(table, saved, path, root, e);
	for (size_t i = 0; rc == 0 && i < json_array_size(rows); i++)
		rc = read_row(table, path, json_array_get(rows, i), e);
	/* Texts of the rows are the tree's. */
	saved->file[saved->files++] = root;
	return rc;
}

void boottable_saved_finish(struct boottable_saved *saved)
{
	for (size_t i = 0; i < saved->files; i++)
		json_decref(saved->file[i]);
	free(saved->option);
	(void)memset(saved, 0, sizeof(*saved));
}
