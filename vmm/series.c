/* SPDX-License-Identifier: MIT */
#include "vmm/series.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/plain.h"
#include "vmm/base/utf8.h"
#include "vmm/jsonread.h"

static const char *const UNIT_NAMES[] = {
	[REPORT_NS] = "ns",
	[REPORT_BYTES] = "bytes",
	[REPORT_COUNT] = "count",
};

const char *series_unit_name(enum report_unit unit)
{
	return UNIT_NAMES[unit];
}

void series_finish(struct series *series)
{
	for (size_t i = 0; i < series->metrics; i++) {
		free(series->metric[i].value);
		free(series->metric[i].run);
	}
	free(series->metric);
	json_decref(series->place);
	json_decref(series->host);
	(void)memset(series, 0, sizeof(*series));
}

const struct series_metric *series_find(const struct series *series, const char *name)
{
	const json_t *place = json_object_get(series->place, name);

	return place ? &series->metric[json_integer_value(place)] : NULL;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

size_t series_sorted(const struct series_metric *metric, double *to)
{
	(void)memcpy(to, metric->value, metric->values * sizeof(*to));
	qsort(to, metric->values, sizeof(*to), by_size);
	return metric->values;
}

/*
 * --- filling ------------------------------------------------------------------------------------
 */

static int no_memory(struct err *e)
{
	return err_set(e, ENOMEM, "no memory for the values of the runs");
}

/* Makes room for one element more than there are. */
static int make_room(void **array, size_t *room, size_t used, size_t element_bytes, struct err *e)
{
	size_t more = *room ? *room * 2 : 16;
	void *larger;

	if (used < *room)
		return 0;
	larger = reallocarray(*array, more, element_bytes);
	if (!larger)
		return no_memory(e);
	*array = larger;
	*room = more;
	return 0;
}

static int add_metric(struct series *s, const char *what, const char *name, enum report_unit unit,
		      struct err *e)
{
	int rc;

	if (s->metrics == SERIES_METRICS_MAX)
		return err_set(e, E2BIG, "%s: there are more than %d metrics", what,
			       SERIES_METRICS_MAX);
	if (!s->place)
		s->place = json_object();
	rc = make_room((void **)&s->metric, &s->room, s->metrics, sizeof(*s->metric), e);
	if (rc < 0)
		return rc;
	if (json_object_set_new(s->place, name, json_integer((json_int_t)s->metrics)) < 0)
		return no_memory(e);
	s->metric[s->metrics] = (struct series_metric){ .unit = unit };
	(void)snprintf(s->metric[s->metrics].name, SERIES_NAME_BYTES, "%s", name);
	s->metrics++;
	return 0;
}

/* A value of the run that is being taken. */
static int add_value(struct series *s, const char *what, struct series_metric *m, json_int_t value,
		     struct err *e)
{
	unsigned int run = (unsigned int)s->runs;
	size_t room = m->room;
	int rc;

	if (m->values && m->run[m->values - 1] == run) {
		if ((double)value > (double)JSONREAD_NUMBER_MAX - m->value[m->values - 1])
			return err_set(e, ERANGE, "%s: the values of '%s' add up to more than 2^53",
				       what, m->name);
		m->value[m->values - 1] += (double)value;
		return 0;
	}
	rc = make_room((void **)&m->value, &room, m->values, sizeof(*m->value), e);
	if (rc == 0)
		rc = make_room((void **)&m->run, &m->room, m->values, sizeof(*m->run), e);
	if (rc < 0)
		return rc;
	m->value[m->values] = (double)value;
	m->run[m->values++] = run;
	return 0;
}

static int begin_run(struct series *s, const char *what, json_int_t status, struct err *e)
{
	if (s->runs == SERIES_RUNS_MAX)
		return err_set(e, E2BIG, "%s: there are more than %d runs", what, SERIES_RUNS_MAX);
	s->status[s->runs++] = (int)status;
	return 0;
}

/* --- reading, with every type and range asked for --------------------------------------------- */

/* Names go to terminals and into tables. */
static int check_name(const char *what, const char *name, struct err *e)
{
	size_t length = strlen(name);

	for (size_t i = 0, bytes; name[i]; i += bytes) {
		bytes = utf8_printable_bytes(name + i);
		if (!bytes)
			return err_set(e, EINVAL,
				       "%s: a control character is in the name of "
				       "metric '%s'",
				       what, name);
	}
	if (!length || length >= SERIES_NAME_BYTES)
		return err_set(e, EINVAL,
			       "%s: the name of a metric has %zu bytes; expected 1 to %d", what,
			       length, SERIES_NAME_BYTES - 1);
	return 0;
}

static int read_unit(const json_t *object, const char *what, enum report_unit *unit, struct err *e)
{
	const json_t *found = jsonread_field(object, what, "unit", JSON_STRING, e);

	if (!found)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(UNIT_NAMES) / sizeof(UNIT_NAMES[0]); i++) {
		if (strcmp(json_string_value(found), UNIT_NAMES[i]) == 0) {
			*unit = (enum report_unit)i;
			return 0;
		}
	}
	return err_set(e, EINVAL, "%s: the unit '%s' is not known; expected ns, bytes or count",
		       what, json_string_value(found));
}

/* Finds or makes the metric that an object with "name" and "unit" speaks of. */
static int read_metric(struct series *s, const char *what, const json_t *object,
		       struct series_metric **metric, struct err *e)
{
	const json_t *name = jsonread_field(object, what, "name", JSON_STRING, e);
	const json_t *place;
	enum report_unit unit = REPORT_NS;
	int rc = name ? check_name(what, json_string_value(name), e) : -EINVAL;

	if (rc == 0)
		rc = read_unit(object, what, &unit, e);
	if (rc < 0)
		return rc;
	place = json_object_get(s->place, json_string_value(name));
	if (!place)
		rc = add_metric(s, what, json_string_value(name), unit, e);
	if (rc < 0)
		return rc;
	*metric = &s->metric[place ? (size_t)json_integer_value(place) : s->metrics - 1];
	if ((*metric)->unit != unit)
		return err_set(e, EINVAL, "%s: '%s' is in %s here, and in %s elsewhere", what,
			       (*metric)->name, UNIT_NAMES[unit], UNIT_NAMES[(*metric)->unit]);
	return 0;
}

static int read_host(struct series *s, const char *what, const json_t *root, struct err *e)
{
	json_t *host = jsonread_field(root, what, "host", JSON_OBJECT, e);

	if (host && !s->host)
		s->host = json_incref(host);
	return host ? 0 : -EINVAL;
}

static int read_report(struct series *s, const char *what, const json_t *root, struct err *e)
{
	const json_t *ending = jsonread_field(root, what, "ending", JSON_OBJECT, e), *sentence,
		     *metrics;
	json_int_t status, value;
	struct series_metric *m;
	const char *kind, *why;
	int rc = ending ? jsonread_number(ending, what, "status", 255, &status, e) : -EINVAL;

	if (rc == 0)
		rc = read_host(s, what, root, e);
	if (rc == 0)
		rc = begin_run(s, what, status, e);
	if (rc < 0 || !(sentence = jsonread_field(ending, what, "sentence", JSON_STRING, e)) ||
	    !(metrics = jsonread_field(root, what, "metrics", JSON_ARRAY, e)))
		return -e->code;
	(void)snprintf(s->sentence, sizeof(s->sentence), "%s", json_string_value(sentence));
	kind = json_string_value(json_object_get(ending, "kind"));
	(void)snprintf(s->kind, sizeof(s->kind), "%s", kind ? kind : "");
	why = json_string_value(json_object_get(json_object_get(root, "initcalls"), "why_not"));
	(void)snprintf(s->no_initcalls, sizeof(s->no_initcalls), "%s", why ? why : "");
	for (size_t i = 0; i < json_array_size(metrics); i++) {
		const json_t *row = json_array_get(metrics, i);

		rc = read_metric(s, what, row, &m, e);
		if (rc == 0)
			rc = jsonread_number(row, what, "value", JSONREAD_NUMBER_MAX, &value, e);
		if (rc == 0)
			rc = add_value(s, what, m, value, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_bench_run(struct series *s, const char *what, const json_t *run, struct err *e)
{
	json_t *metrics = jsonread_field(run, what, "metrics", JSON_OBJECT, e), *unused;
	const char *name;
	json_int_t status, value;
	int rc = metrics ? jsonread_number(run, what, "status", 255, &status, e) : -EINVAL;

	if (rc == 0)
		rc = begin_run(s, what, status, e);
	if (rc < 0)
		return rc;
	json_object_foreach(metrics, name, unused)
	{
		const json_t *place = json_object_get(s->place, name);

		if (!place)
			return err_set(e, EINVAL,
				       "%s: '%s' is in a run, but not in \"statistics\", which has "
				       "its unit",
				       what, name);
		rc = jsonread_number(metrics, what, name, JSONREAD_NUMBER_MAX, &value, e);
		if (rc == 0)
			rc = add_value(s, what, &s->metric[json_integer_value(place)], value, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_bench(struct series *s, const char *what, const json_t *root, struct err *e)
{
	const json_t *statistics = jsonread_field(root, what, "statistics", JSON_ARRAY, e), *runs;
	struct series_metric *m;
	json_int_t jobs =
		1; /* of an export that does not tell: it is from before there were more */
	int rc = statistics ? read_host(s, what, root, e) : -EINVAL;

	if (rc == 0 && json_object_get(root, "jobs"))
		rc = jsonread_number(root, what, "jobs", SERIES_RUNS_MAX, &jobs, e);
	s->jobs = (unsigned int)jobs;
	for (size_t i = 0; rc == 0 && i < json_array_size(statistics); i++)
		rc = read_metric(s, what, json_array_get(statistics, i), &m, e);
	if (rc < 0 || !(runs = jsonread_field(root, what, "runs", JSON_ARRAY, e)))
		return -e->code;
	for (size_t i = 0; rc == 0 && i < json_array_size(runs); i++)
		rc = read_bench_run(s, what, json_array_get(runs, i), e);
	return rc;
}

/* Which of the two it is, and that its version is ours. */
static int check_schema(const char *what, const json_t *root, bool *is_bench, struct err *e)
{
	const json_t *schema = jsonread_field(root, what, "schema", JSON_STRING, e);

	if (!schema)
		return -EINVAL;
	*is_bench = strcmp(json_string_value(schema), "tvmm-bench") == 0;
	if (!*is_bench && strcmp(json_string_value(schema), "tvmm-report") != 0)
		return err_set(e, EINVAL,
			       "%s: \"schema\" is '%s'; expected tvmm-report (tvmm --report) or "
			       "tvmm-bench (tvmm bench --export-json)",
			       what, json_string_value(schema));
	return jsonread_version(root, what,
				*is_bench ? SERIES_BENCH_VERSION : REPORT_SCHEMA_VERSION, e);
}

static int take(struct series *s, const char *what, const json_t *root, bool bench_allowed,
		struct err *e)
{
	bool is_bench;
	int rc = check_schema(what, root, &is_bench, e);

	if (rc < 0)
		return rc;
	if (is_bench && !bench_allowed)
		return err_set(e, EINVAL, "%s: a report is expected, not what bench exports", what);
	return is_bench ? read_bench(s, what, root, e) : read_report(s, what, root, e);
}

int series_take_report(struct series *series, const char *what, const char *text, size_t bytes,
		       struct err *e)
{
	json_t *root = jsonread_text(what, text, bytes, e);
	int rc = root ? take(series, what, root, false, e) : -e->code;

	json_decref(root);
	return rc;
}

int series_read(struct series *series, const char *path, struct err *e)
{
	json_t *root = jsonread_file("series of runs", path, e);
	int rc = root ? take(series, path, root, true, e) : -e->code;

	json_decref(root);
	if (rc == 0 && !series->runs)
		rc = err_set(e, EINVAL, "%s: \"runs\" is empty; expected at least one run", path);
	return rc;
}

/* --- the host --------------------------------------------------------------------------------- */

static void print_entry(const struct series *s, const char *key, const char *before, FILE *out)
{
	const char *text = json_string_value(json_object_get(s->host, key));

	if (!text || !*text)
		return;
	(void)fputs(before, out);
	plain_print(text, out);
}

void series_print_host(const struct series *series, const char *who, FILE *out)
{
	json_int_t cpus = json_integer_value(json_object_get(series->host, "cpus"));

	(void)fprintf(out, "%s: %lld CPU%s", who, (long long)cpus, cpus == 1 ? "" : "s");
	print_entry(series, "cpu", " ", out);
	print_entry(series, "kernel", ", Linux ", out);
	print_entry(series, "governor", ", governor ", out);
	print_entry(series, "backend", ", ", out);
	print_entry(series, "ground", "\nground: ", out);
	(void)fputc('\n', out);
}

const char *series_host_difference(const struct series *a, const struct series *b)
{
	const char *key;
	json_t *value;

	json_object_foreach(a->host, key, value)
	{
		if (!json_equal(value, json_object_get(b->host, key)))
			return key;
	}
	json_object_foreach(b->host, key, value)
	{
		if (!json_object_get(a->host, key))
			return key;
	}
	return NULL;
}
