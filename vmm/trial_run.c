/* SPDX-License-Identifier: MIT */
/*
 * The runs of a trial. They have numbers, warm-ups first, and are started in that order; with several
 * at the same time they end in another one. What has ended waits until all before it have been taken,
 * so that a series never depends on who was first. How many may wait is bounded: a run that is slow
 * holds the others up before their reports fill the memory.
 */
#include "vmm/trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/child.h"
#include "vmm/timing/stats.h"

enum { ENDED_PER_JOB = 2 };

/* One that has ended and has not been taken. */
struct ended {
	bool is_there, failed;
	struct child_result result;
};

struct running {
	struct trial *trial;
	size_t sides;
	const struct trial_plan *plan;
	unsigned char *order;      /* sides of the runs behind the warm-ups */
	size_t all, warmups;       /* of both sides */
	size_t started, taken, on; /* on: of those started, that run */
	struct child_group *group;
	struct ended *ended; /* of run N at N % places */
	size_t places;
};

void trial_order(uint64_t seed, size_t runs, unsigned char *order)
{
	struct stats_random random = { seed };

	for (size_t pair = 0; pair < runs; pair++) {
		unsigned char *two = &order[2 * pair];

		/* The second pair of a block is the first one turned round. */
		two[0] = pair % 2 ? two[-1] : (unsigned char)stats_random_below(&random, 2);
		two[1] = !two[0];
	}
}

static bool warms_up(const struct running *r, size_t number)
{
	return number < r->warmups;
}

static size_t side_of(const struct running *r, size_t number)
{
	if (r->sides < 2)
		return 0;
	return warms_up(r, number) ? number % 2 : r->order[number - r->warmups];
}

/* "warm-up run 1", "run 3 of B": counted for each side. */
static void name_run(const struct running *r, size_t number, char *to, size_t to_bytes)
{
	size_t side = side_of(r, number), count = 1;
	const char *name = r->trial[side].name;

	for (size_t i = warms_up(r, number) ? 0 : r->warmups; i < number; i++)
		count += side_of(r, i) == side;
	(void)snprintf(to, to_bytes, "%srun %zu%s%s", warms_up(r, number) ? "warm-up " : "", count,
		       *name ? " of " : "", name);
}

/*
 * --- where it is, on a line that is drawn again and again ---------------------------------------
 */

static void erase_line(const struct running *r)
{
	if (r->plan->progress)
		(void)fputs("\r\033[K", stderr);
}

static void draw_progress(const struct running *r)
{
	const struct trial *trial = &r->trial[side_of(r, r->taken)];
	const struct series_metric *m = series_find(&trial->series, "boot");
	double sorted[SERIES_RUNS_MAX];

	if (!r->plan->progress)
		return;
	erase_line(r);
	(void)fprintf(stderr, "%srun %zu of %zu%s%s", warms_up(r, r->taken) ? "warm-up, " : "",
		      r->taken + 1, r->all, *trial->name ? ", " : "", trial->name);
	if (!m)
		m = series_find(&trial->series, "total");
	if (m && m->values) {
		double last = m->value[m->values - 1];

		(void)series_sorted(m, sorted);
		(void)fprintf(stderr, ": %s %.3f ms, median %.3f ms", m->name, last / 1e6,
			      stats_median(sorted, m->values) / 1e6);
	}
	(void)fflush(stderr);
}

/*
 * --- what has ended -----------------------------------------------------------------------------
 */

/* Whether a run's end was to come from -until. Behind "--" are words of the guest's. */
static bool expects_until(char *const *option)
{
	for (; *option && strcmp(*option, "--") != 0; option++) {
		if (trial_is_option(*option, "--until") || trial_is_option(*option, "-until") ||
		    strncmp(*option, "-until=", strlen("-until=")) == 0)
			return true;
	}
	return false;
}

static int refuse_failure(const char *name, const struct child_result *result,
			  const struct series *series, struct err *e)
{
	return err_set(e, ECANCELED, "%s ended with status %d%s: %s", name, result->status,
		       result->status || !result->report_bytes ? "" : ", but -until never matched",
		       *series->sentence ? series->sentence
		       : *result->said   ? result->said
					 : "it said nothing about it");
}

/*
 * Whether it has failed, as a positive number; 0: it has not; or -errno with *e, which it is as well
 * where failures are not ignored. Asked as soon as it has ended, so that nobody waits for the others
 * to be told.
 */
static int judge(const struct running *r, size_t number, const struct child_result *result,
		 struct err *e)
{
	const struct trial *trial = &r->trial[side_of(r, number)];
	struct series alone = { 0 };
	char name[64], what[96];
	bool failed = true;
	int rc = 0;

	name_run(r, number, name, sizeof(name));
	(void)snprintf(what, sizeof(what), "the report of %s", name);
	if (result->report_bytes)
		rc = series_take_report(&alone, what, result->report, result->report_bytes, e);
	if (rc == 0)
		failed = result->status || !result->report_bytes ||
			 (expects_until(trial->option) && strcmp(alone.kind, "until") != 0);
	if (rc == 0 && failed && (!r->plan->ignore_failure || !result->report_bytes))
		rc = refuse_failure(name, result, &alone, e);
	series_finish(&alone);
	return rc < 0 ? rc : failed;
}

/* The next one in order. One that only warms up is forgotten. */
static int take_next(struct running *r, struct err *e)
{
	struct ended *ended = &r->ended[r->taken % r->places];
	struct trial *trial = &r->trial[side_of(r, r->taken)];
	int rc = 0;

	if (!warms_up(r, r->taken))
		rc = series_take_report(&trial->series, "the report of a run", ended->result.report,
					ended->result.report_bytes, e);
	if (rc == 0 && !warms_up(r, r->taken) && ended->failed) {
		trial->run_failed[trial->series.runs - 1] = true;
		trial->failed++;
	}
	child_finish(&ended->result);
	ended->is_there = false;
	r->taken++;
	return rc;
}

/*
 * --- running ------------------------------------------------------------------------------------
 */

static int start_some(struct running *r, struct err *e)
{
	int rc = 0;

	while (rc == 0 && r->on < r->plan->jobs && r->started < r->all &&
	       r->started < r->taken + r->places) {
		const struct trial *trial = &r->trial[side_of(r, r->started)];

		rc = child_group_start(r->group,
				       &(struct child_request){ .program = r->plan->program,
								.option = trial->option },
				       r->started, e);
		r->started++;
		r->on++;
	}
	return rc;
}

/* Waits for one, and puts it where it is taken from. 0, the signal that asked to stop, or -errno. */
static int await_one(struct running *r, struct err *e)
{
	struct child_result result;
	size_t number;
	int failed = 0, rc = child_group_wait(r->group, &number, &result, e);

	if (rc < 0)
		return rc;
	r->on--;
	rc = result.interrupted;
	if (rc == 0)
		failed = judge(r, number, &result, e);
	if (rc || failed < 0) {
		child_finish(&result);
		return rc ? rc : failed;
	}
	r->ended[number % r->places] = (struct ended){ true, failed, result };
	return 0;
}

static int run_all(struct running *r, struct err *e)
{
	int rc = 0;

	while (rc == 0 && r->taken < r->all) {
		draw_progress(r);
		rc = start_some(r, e);
		if (rc == 0)
			rc = await_one(r, e);
		while (rc == 0 && r->ended[r->taken % r->places].is_there)
			rc = take_next(r, e);
	}
	erase_line(r);
	return rc;
}

int trial_run(struct trial *trial, size_t sides, const struct trial_plan *plan, struct err *e)
{
	struct running r = { .trial = trial, .sides = sides, .plan = plan };
	int rc;

	r.warmups = sides * plan->warmup;
	r.all = r.warmups + sides * plan->runs;
	r.places = plan->jobs * ENDED_PER_JOB;
	r.order = calloc(plan->runs, 2);
	r.ended = calloc(r.places, sizeof(*r.ended));
	if (!r.order || !r.ended)
		rc = err_set(e, ENOMEM, "no memory for the order of the runs");
	else
		rc = child_group_open(&r.group, plan->jobs, e);
	if (rc == 0) {
		trial_order(plan->seed, plan->runs, r.order);
		for (size_t side = 0; side < sides; side++)
			trial[side].series.jobs = (unsigned int)plan->jobs;
		rc = run_all(&r, e);
	}
	child_group_close(r.group);
	for (size_t i = 0; r.ended && i < r.places; i++)
		child_finish(&r.ended[i].result);
	free(r.ended);
	free(r.order);
	return rc;
}
