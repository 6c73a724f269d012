/* SPDX-License-Identifier: MIT */
/*
 * The runs of a table. A lane is one kernel under one VMM. In each round every lane has one run, in an
 * order that is drawn anew, so that what drifts meets all alike; the first rounds only warm up. A lane
 * whose run came to a bad end has no more of them.
 *
 * When all rounds are over each kernel has runs that are not timed: one with everything written down,
 * for the parts; one with small pages, for what it touched; and those that look for the least memory.
 */
#include "vmm/boottable_run.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/plan.h"
#include "vmm/series.h"
#include "vmm/timing/stats.h"

#define MIB (1ULL << 20)

enum {
	LANES_MAX = 2 * BOOTTABLE_ROWS_MAX,
	ADDED_WORDS = 16,
	NUMBER_BYTES = 32,
	PROBE_FACTOR = 10, /* a guest that is short of memory may be so much slower */
};
#define PROBE_LEAST_NS 2000000000ULL

/* Values of the runs so far. */
struct values {
	double *value;
	size_t count;
};

struct lane {
	struct boottable_row *row;
	struct boottable_boots *boots;
	bool qemu;
	struct values uptime, init, host, user;
	double longest_ns; /* of its runs, process start to end */
	bool out;
};

struct running {
	struct boottable *table;
	const struct boottable_job *job;
	struct lane lane[LANES_MAX];
	size_t lanes;
	char *host;
	size_t host_bytes;
};

/*
 * --- where it is, on a line that is drawn again and again ---------------------------------------
 */

static void erase_line(const struct running *r)
{
	if (r->job->plan->progress)
		(void)fputs("\r\033[K", stderr);
}

static void draw(const struct running *r, const char *what, const struct lane *lane)
{
	const struct values *init = &lane->init;

	if (!r->job->plan->progress)
		return;
	erase_line(r);
	(void)fprintf(stderr, "%s: %s%s", what, lane->row->name, lane->qemu ? " under QEMU" : "");
	if (init->count)
		(void)fprintf(stderr, ", last %.3f ms to its init",
			      init->value[init->count - 1] / 1e6);
	(void)fflush(stderr);
}

/*
 * --- a run of tvmm ------------------------------------------------------------------------------
 */

/* How a run is to differ from the timed ones. */
struct variation {
	const char *account; /* -account; NULL: marks only, unless the options say more */
	bool small_pages;    /* -no-huge-pages */
	uint64_t ram_bytes;  /* -m; 0: as the options say */
	uint64_t timeout_ns; /* 0: as the options say, or the default */
};

/* What came of it. */
struct outcome {
	int interrupted;
	bool ended_well;
	char ending[BOOTTABLE_WORDS_BYTES];
	struct series series; /* of this run; empty: it made no report */
	bool unpacked_itself;
	struct bootsigns signs;
};

struct arguments {
	char **word;
	size_t words;
	char timeout[NUMBER_BYTES], ram[NUMBER_BYTES];
};

static void add(struct arguments *a, const char *option, const char *value)
{
	a->word[a->words++] = (char *)(uintptr_t)option;
	if (value)
		a->word[a->words++] = (char *)(uintptr_t)value;
}

/* The last one counts where an option is given twice; what is behind "--" is the guest's. */
static int make_arguments(struct arguments *a, const struct running *r, const char *kernel,
			  const struct variation *v, struct err *e)
{
	const struct boottable_job *job = r->job;
	uint64_t timeout_ns = v->timeout_ns ? v->timeout_ns : job->timeout_ns;
	char *const *option = job->option;
	size_t words = 0;

	while (option[words])
		words++;
	*a = (struct arguments){ .word = calloc(words + ADDED_WORDS, sizeof(*a->word)) };
	if (!a->word)
		return err_set(e, ENOMEM, "no memory for the options of a run");
	add(a, "-kernel", kernel);
	if (job->until)
		add(a, "-until", job->until);
	if (!job->parsed->account.what_given)
		add(a, "-account", "marks");
	while (*option && strcmp(*option, "--") != 0)
		add(a, *option++, NULL);
	(void)snprintf(a->timeout, sizeof(a->timeout), "%" PRIu64 "ms", timeout_ns / 1000000);
	if (v->timeout_ns || !job->timeout_given)
		add(a, "-timeout", a->timeout);
	(void)snprintf(a->ram, sizeof(a->ram), "%" PRIu64 "K", v->ram_bytes >> 10);
	if (v->ram_bytes)
		add(a, "-m", a->ram);
	if (v->account)
		add(a, "-account", v->account);
	if (v->small_pages)
		add(a, "-no-huge-pages", NULL);
	while (*option)
		add(a, *option++, NULL);
	return 0;
}

/* guest.entered of a report; what cannot be read is no claim that it did. */
static bool says_it_unpacks(const struct child_result *result)
{
	json_t *root = json_loadb(result->report, result->report_bytes, 0, NULL);
	const char *entered =
		json_string_value(json_object_get(json_object_get(root, "guest"), "entered"));
	bool says = entered && strstr(entered, "unpacks itself");

	json_decref(root);
	return says;
}

static void say_how_it_ended(struct outcome *o, const struct child_result *result)
{
	const char *said = *o->series.sentence ? o->series.sentence
			   : *result->said     ? result->said
					       : "it said nothing about it";

	if (result->status == 0)
		(void)snprintf(o->ending, sizeof(o->ending), "%s; -until never matched", said);
	else if (strstr(said, "; exit status "))
		(void)snprintf(o->ending, sizeof(o->ending), "%s", said);
	else
		(void)snprintf(o->ending, sizeof(o->ending), "%s; exit status %d", said,
			       result->status);
}

static int judge(const struct running *r, const struct child_result *result, struct outcome *o,
		 struct err *e)
{
	int rc = 0;

	if (result->report_bytes)
		rc = series_take_report(&o->series, "the report of a run", result->report,
					result->report_bytes, e);
	if (rc == -ENOMEM)
		return rc;
	if (rc < 0) { /* names in it are the kernel's: no other row is to suffer for them */
		(void)snprintf(o->ending, sizeof(o->ending), "%s", e->text);
		return 0;
	}
	if (result->report_bytes)
		o->unpacked_itself = says_it_unpacks(result);
	o->ended_well = result->status == 0 && result->report_bytes &&
			(!r->job->until_regex || strcmp(o->series.kind, "until") == 0);
	if (!o->ended_well)
		say_how_it_ended(o, result);
	return 0;
}

/* Runs it once. 0 however it ended, or -errno with *e; finish_outcome() is due either way. */
static int run_once(const struct running *r, const char *kernel, const struct variation *v,
		    struct outcome *o, struct err *e)
{
	struct child_result result = { 0 };
	struct arguments arguments;
	size_t number;
	int rc;

	(void)memset(o, 0, sizeof(*o));
	bootsigns_init(&o->signs, r->job->uptime, NULL);
	rc = make_arguments(&arguments, r, kernel, v, e);
	if (rc == 0)
		rc = child_group_start(r->job->group,
				       &(struct child_request){ .program = r->job->plan->program,
								.option = arguments.word,
								.hear = bootsigns_hear,
								.ctx = &o->signs },
				       0, e);
	free(arguments.word);
	if (rc == 0)
		rc = child_group_wait(r->job->group, &number, &result, e);
	if (rc == 0) {
		bootsigns_end(&o->signs);
		o->interrupted = result.interrupted;
		rc = result.interrupted ? 0 : judge(r, &result, o, e);
	}
	child_finish(&result);
	return rc;
}

static void finish_outcome(struct outcome *o)
{
	series_finish(&o->series);
}

/*
 * --- what a run tells ---------------------------------------------------------------------------
 */

static bool metric(const struct series *series, const char *name, double *value)
{
	const struct series_metric *m = series_find(series, name);

	if (!m || !m->values)
		return false;
	*value = m->value[m->values - 1];
	return true;
}

/* The init's first sign: its first mark, the kernel's line, or the line that ended the run. */
static bool init_of(const struct series *series, double *ns)
{
	static const char mark[] = "at.mark:";
	bool found = false;

	for (size_t i = 0; i < series->metrics; i++) {
		const struct series_metric *m = &series->metric[i];

		if (strncmp(m->name, mark, sizeof(mark) - 1) != 0 || !m->values)
			continue;
		if (!found || m->value[m->values - 1] < *ns)
			*ns = m->value[m->values - 1];
		found = true;
	}
	if (found || metric(series, "at.run_init", ns))
		return true;
	return strcmp(series->kind, "until") == 0 && metric(series, "total", ns);
}

static void put(struct values *values, double value)
{
	values->value[values->count++] = value;
}

static void take_host(struct running *r, const struct series *series)
{
	static const char before[] = "host: ";
	char *text = NULL;
	size_t bytes = 0;
	FILE *out;

	if (*r->host || !(out = open_memstream(&text, &bytes)))
		return;
	series_print_host(series, "host", out);
	if (fclose(out) == 0 && strncmp(text, before, sizeof(before) - 1) == 0)
		(void)snprintf(r->host, r->host_bytes, "%.*s",
			       (int)strcspn(text + sizeof(before) - 1, "\n"),
			       text + sizeof(before) - 1);
	if (bytes && strstr(text, "\nground: "))
		(void)snprintf(r->host + strlen(r->host), r->host_bytes - strlen(r->host), "; %.*s",
			       (int)strcspn(strstr(text, "\nground: ") + 1, "\n"),
			       strstr(text, "\nground: ") + 1);
	free(text);
}

static void fail(struct lane *lane, const char *ending)
{
	lane->out = true;
	lane->boots->failed = true;
	(void)snprintf(lane->boots->ending, sizeof(lane->boots->ending), "%s", ending);
}

static void take_times(struct lane *lane, const struct outcome *o)
{
	double total = 0, init = 0, host = 0;

	(void)metric(&o->series, "total", &total);
	if (o->signs.uptime_known)
		put(&lane->uptime, (double)o->signs.uptime_ns);
	if (init_of(&o->series, &init)) {
		put(&lane->init, init);
		if (total >= init)
			put(&lane->user, total - init);
	}
	if (metric(&o->series, "host", &host))
		put(&lane->host, host);
}

/*
 * --- rounds -------------------------------------------------------------------------------------
 */

/* Each: 0, the number of a signal that asked to stop, or -errno with *e. */
static int run_tvmm(struct running *r, struct lane *lane, bool counts, struct err *e)
{
	struct outcome o;
	double total;
	int rc = run_once(r, lane->row->kernel, &(struct variation){ 0 }, &o, e);

	if (rc == 0)
		rc = o.interrupted;
	if (rc == 0 && !o.ended_well)
		fail(lane, o.ending);
	if (rc == 0 && o.series.runs)
		take_host(r, &o.series);
	if (rc == 0 && o.ended_well) {
		if (metric(&o.series, "total", &total) && total > lane->longest_ns)
			lane->longest_ns = total;
		if (counts)
			take_times(lane, &o);
	}
	finish_outcome(&o);
	return rc;
}

static void take_peer_times(struct lane *lane, const struct peer_result *result)
{
	const struct bootsigns *signs = &result->signs;
	uint64_t at_ns;

	if (signs->uptime_known)
		put(&lane->uptime, (double)signs->uptime_ns);
	if (bootsigns_init_at(signs, &at_ns) == BOOTSIGNS_NONE)
		at_ns = signs->until_ns;
	put(&lane->init, (double)(at_ns - result->started_ns));
}

static int run_qemu(struct running *r, struct lane *lane, bool counts, struct err *e)
{
	const struct options *parsed = r->job->parsed;
	const struct peer_guest guest = {
		.kernel = lane->row->kernel,
		.initrd = parsed->initrd,
		.append = parsed->append,
		.ram_bytes = parsed->ram_bytes,
		.cpus = parsed->cpus,
		.limit_ns = r->job->timeout_ns,
		.uptime = r->job->uptime,
		.until = r->job->until_regex,
	};
	struct peer_result result;
	int rc = peer_run(r->job->peer, &guest, r->job->group, &result, e);

	if (rc < 0 || result.interrupted)
		return rc < 0 ? rc : result.interrupted;
	if (!result.ended_well)
		fail(lane, result.ending);
	else if (counts)
		take_peer_times(lane, &result);
	return 0;
}

/* Fisher and Yates. */
static void draw_order(struct stats_random *random, size_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (size_t i = count; i > 1; i--) {
		size_t j = (size_t)stats_random_below(random, i), before = order[i - 1];

		order[i - 1] = order[j];
		order[j] = before;
	}
}

static int run_rounds(struct running *r, struct err *e)
{
	const struct trial_plan *plan = r->job->plan;
	struct stats_random random = { plan->seed };
	size_t order[LANES_MAX];
	char what[64];

	for (size_t round = 0; round < plan->warmup + plan->runs; round++) {
		bool counts = round >= plan->warmup;

		(void)snprintf(what, sizeof(what), "%sround %zu of %zu", counts ? "" : "warm-up, ",
			       round + 1, plan->warmup + plan->runs);
		draw_order(&random, order, r->lanes);
		for (size_t i = 0; i < r->lanes; i++) {
			struct lane *lane = &r->lane[order[i]];
			int rc = 0;

			if (lane->out)
				continue;
			draw(r, what, lane);
			rc = lane->qemu ? run_qemu(r, lane, counts, e)
					: run_tvmm(r, lane, counts, e);
			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

/*
 * --- runs that are not timed --------------------------------------------------------------------
 */

static void set_part(struct boottable_row *row, enum boottable_part part, double ns)
{
	row->part[part] = (struct boottable_measure){
		.runs = 1,
		.median = ns,
		.ci95 = { ns, ns },
	};
}

static void take_parts(struct boottable_row *row, const struct outcome *o)
{
	double first = 0, kernel, value;

	if (metric(&o->series, "console.tax", &value))
		set_part(row, BOOTTABLE_CONSOLE, value);
	if (metric(&o->series, "initcalls", &value))
		set_part(row, BOOTTABLE_INITCALLS, value);
	else
		(void)snprintf(row->no_initcalls, sizeof(row->no_initcalls), "%s",
			       o->series.no_initcalls);
	if (!o->unpacked_itself)
		set_part(row, BOOTTABLE_UNPACKING, 0);
	else if (metric(&o->series, "at.first_guest_instruction", &first) &&
		 metric(&o->series, "at.startup_64", &kernel) && kernel >= first)
		set_part(row, BOOTTABLE_UNPACKING, kernel - first);
}

static int run_for_parts(const struct running *r, struct lane *lane, struct err *e)
{
	const struct variation everything = { .account = "all" };
	struct outcome o;
	int rc = run_once(r, lane->row->kernel, &everything, &o, e);

	if (rc == 0)
		rc = o.interrupted;
	if (rc == 0 && o.ended_well)
		take_parts(lane->row, &o);
	else if (rc == 0)
		(void)strcpy(lane->row->no_parts, o.ending);
	finish_outcome(&o);
	return rc;
}

static int run_for_pages(const struct running *r, struct lane *lane, struct err *e)
{
	const struct variation small = { .small_pages = true };
	struct boottable_value *pages = &lane->row->touched_pages;
	struct outcome o;
	int rc = run_once(r, lane->row->kernel, &small, &o, e);

	if (rc == 0)
		rc = o.interrupted;
	if (rc == 0 && o.ended_well)
		pages->known = metric(&o.series, "memory.touched", &pages->value);
	else if (rc == 0)
		(void)strcpy(lane->row->no_pages, o.ending);
	finish_outcome(&o);
	return rc;
}

struct probe {
	bool boots;
	int interrupted;
};

static int boots_with(const struct running *r, const struct lane *lane, uint64_t ram_bytes,
		      struct probe *probe, struct err *e)
{
	uint64_t limit_ns = (uint64_t)lane->longest_ns * PROBE_FACTOR;
	struct variation less = { .ram_bytes = ram_bytes };
	struct outcome o;
	char what[64];
	int rc;

	less.timeout_ns = limit_ns > PROBE_LEAST_NS ? limit_ns : PROBE_LEAST_NS;
	if (less.timeout_ns > r->job->timeout_ns)
		less.timeout_ns = r->job->timeout_ns;
	(void)snprintf(what, sizeof(what), "%" PRIu64 " MiB", ram_bytes >> 20);
	draw(r, what, lane);
	rc = run_once(r, lane->row->kernel, &less, &o, e);
	*probe = (struct probe){ rc == 0 && o.ended_well, rc == 0 ? o.interrupted : 0 };
	finish_outcome(&o);
	return rc;
}

/* By halves: less than what is too little is too little, more than what is enough is enough. */
static int find_least_memory(const struct running *r, struct lane *lane, struct err *e)
{
	uint64_t enough = r->job->parsed->ram_bytes, too_little = PLAN_RAM_MIN_BYTES - MIB;
	struct probe probe = { 0 };
	int rc = 0;

	while (rc == 0 && enough - too_little > MIB) {
		uint64_t half = (enough - too_little) / 2 / MIB * MIB;
		uint64_t middle = too_little + (half ? half : MIB);

		rc = boots_with(r, lane, middle, &probe, e);
		if (probe.interrupted)
			return probe.interrupted;
		if (probe.boots)
			enough = middle;
		else
			too_little = middle;
	}
	if (rc == 0)
		lane->row->least_ram_bytes = (struct boottable_value){ true, (double)enough };
	return rc;
}

static int run_untimed(struct running *r, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->lanes; i++) {
		struct lane *lane = &r->lane[i];

		if (lane->qemu || lane->out)
			continue;
		draw(r, "parts and pages", lane);
		rc = run_for_parts(r, lane, e);
		if (rc == 0)
			rc = run_for_pages(r, lane, e);
		if (rc == 0 && r->job->least_memory)
			rc = find_least_memory(r, lane, e);
	}
	return rc;
}

/*
 * --- all of it ----------------------------------------------------------------------------------
 */

/* Chance comes of the seed and of what is measured, not of what was measured before. */
static void measure(struct boottable_measure *measure, struct values *values, uint64_t seed)
{
	struct stats_random random = { seed };
	struct stats_summary summary;

	if (!values->count)
		return;
	stats_sort(values->value, values->count);
	stats_summarise(values->value, values->count, &random, &summary);
	*measure = (struct boottable_measure){ values->count, summary.median, summary.ci95 };
}

static void settle_lane(struct lane *lane, uint64_t seed)
{
	measure(&lane->boots->uptime, &lane->uptime, seed);
	measure(&lane->boots->init, &lane->init, seed);
	if (lane->qemu)
		return;
	measure(&lane->row->part[BOOTTABLE_HOST], &lane->host, seed);
	measure(&lane->row->part[BOOTTABLE_USER_SPACE], &lane->user, seed);
}

static int add_lane(struct running *r, struct boottable_row *row, bool qemu, struct err *e)
{
	struct lane *lane = &r->lane[r->lanes++];
	struct values *const values[] = { &lane->uptime, &lane->init, &lane->host, &lane->user };

	*lane = (struct lane){ .row = row, .boots = qemu ? &row->qemu : &row->tvmm, .qemu = qemu };
	lane->boots->asked = true;
	lane->out = lane->boots->failed;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		values[i]->value = calloc(r->job->plan->runs, sizeof(double));
		if (!values[i]->value)
			return err_set(e, ENOMEM, "no memory for the times of the runs");
	}
	return 0;
}

/* What is no kernel is none under either. */
static int add_lanes(struct running *r, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->table->rows; i++) {
		struct boottable_row *row = &r->table->row[i];

		if (r->job->peer)
			row->qemu = row->tvmm;
		rc = add_lane(r, row, false, e);
		if (rc == 0 && r->job->peer)
			rc = add_lane(r, row, true, e);
	}
	return rc;
}

int boottable_run(struct boottable *table, const struct boottable_job *job, char *host,
		  size_t host_bytes, struct err *e)
{
	static struct running running; /* large */
	struct running *r = &running;
	int rc;

	*r = (struct running){ .table = table, .job = job, .host = host, .host_bytes = host_bytes };
	*host = '\0';
	rc = add_lanes(r, e);
	if (rc == 0)
		rc = run_rounds(r, e);
	if (rc == 0)
		rc = run_untimed(r, e);
	erase_line(r);
	for (size_t i = 0; i < r->lanes; i++) {
		settle_lane(&r->lane[i], table->seed + i);
		free(r->lane[i].uptime.value);
		free(r->lane[i].init.value);
		free(r->lane[i].host.value);
		free(r->lane[i].user.value);
	}
	table->host = host;
	return rc;
}
