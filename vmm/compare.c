/* SPDX-License-Identifier: MIT */
#include "vmm/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/help.h"
#include "vmm/help_bench.h"
#include "vmm/listing.h"
#include "vmm/trial.h"
#include "vmm/trial_export.h"
#include "vmm/words.h"

/*
 * --- working out --------------------------------------------------------------------------------
 */

/*
 * FNV-1a. A metric's chance comes of its name, so that its numbers do not depend on which others
 * there are.
 */
static struct stats_random random_of(const char *name, uint64_t seed)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3;
	return (struct stats_random){ seed ^ hash };
}

static void compare_metrics(struct compare_line *line, const struct series_metric *a,
			    const struct series_metric *b, uint64_t seed)
{
	struct stats_random random = random_of(a->name, seed);
	double a_sorted[SERIES_RUNS_MAX], b_sorted[SERIES_RUNS_MAX];
	size_t a_n = series_sorted(a, a_sorted), b_n = series_sorted(b, b_sorted);

	line->a = a;
	line->b = b;
	stats_compare(a_sorted, a_n, b_sorted, b_n, &random, &line->difference);
	line->p = line->difference.p;
}

static void judge(struct compare_line *line)
{
	if (line->p >= 0.05 || line->difference.difference == 0)
		line->verdict = COMPARE_NOT_SHOWN;
	else
		line->verdict = line->difference.difference > 0 ? COMPARE_MORE : COMPARE_LESS;
}

/*
 * Whether all runs of both say the same. Leaving such metrics out makes no verdict easier for the
 * others than it should be: which they are does not depend on what is A and what is B.
 */
static bool is_equal(const struct compare_line *line)
{
	return line->difference.exact && line->difference.difference == 0;
}

static int adjust(struct comparison *c, struct err *e)
{
	double **p = calloc(c->lines + 1, sizeof(*p));

	if (!p)
		return err_set(e, ENOMEM, "no memory for a comparison");
	for (size_t i = 0; i < c->lines; i++)
		p[i] = &c->line[i].p;
	stats_holm(p, c->lines);
	for (size_t i = 0; i < c->lines; i++)
		judge(&c->line[i]);
	free(p);
	return 0;
}

static bool has_values(const struct series_metric *m)
{
	return m && m->values;
}

static size_t count_missing(const struct series *from, const struct series *in)
{
	size_t missing = 0;

	for (size_t i = 0; i < from->metrics; i++)
		missing += has_values(&from->metric[i]) &&
			   !has_values(series_find(in, from->metric[i].name));
	return missing;
}

static int work_out_main(struct comparison *c, const char *metric, struct err *e)
{
	const char *const names[] = { metric ? metric : "boot", metric ? metric : "total" };

	for (size_t i = 0; i < 2; i++) {
		const struct series_metric *a = series_find(c->a, names[i]);
		const struct series_metric *b = series_find(c->b, names[i]);

		if (!has_values(a) || !has_values(b) || a->unit != b->unit)
			continue;
		compare_metrics(&c->main, a, b, c->seed);
		judge(&c->main);
		return 0;
	}
	return err_set(e, ENOENT, "there is no metric '%s' that A and B both have%s", names[0],
		       metric ? "" : ", and no 'total'");
}

int compare_work_out(struct comparison *c, const struct series *a, const struct series *b,
		     const char *metric, uint64_t seed, struct err *e)
{
	int rc;

	*c = (struct comparison){ .a = a, .b = b, .seed = seed };
	c->tested = a->runs > 1 && b->runs > 1;
	c->line = calloc(a->metrics + 1, sizeof(*c->line));
	if (!c->line)
		return err_set(e, ENOMEM, "no memory for a comparison");
	rc = work_out_main(c, metric, e);
	for (size_t i = 0; rc == 0 && i < a->metrics; i++) {
		const struct series_metric *of_a = &a->metric[i];
		const struct series_metric *of_b = series_find(b, of_a->name);

		if (!has_values(of_a) || !has_values(of_b) || of_a->unit != of_b->unit ||
		    listing_group(of_a->name, of_a->unit) == LISTING_HIDDEN)
			continue;
		compare_metrics(&c->line[c->lines], of_a, of_b, seed);
		if (is_equal(&c->line[c->lines]))
			c->equal++;
		else
			c->lines++;
	}
	c->only_a = count_missing(a, b);
	c->only_b = count_missing(b, a);
	return rc == 0 ? adjust(c, e) : rc;
}

void compare_finish(struct comparison *comparison)
{
	free(comparison->line);
	comparison->line = NULL;
}

bool compare_is_slower(const struct comparison *c, double percent)
{
	const struct stats_difference *d = &c->main.difference;

	return c->tested && c->main.verdict == COMPARE_MORE && d->relative_known &&
	       d->relative_ci95.low * 100 > percent;
}

/*
 * --- the command --------------------------------------------------------------------------------
 */

static int print_json(const void *comparison, FILE *out, struct err *e)
{
	return compare_print_json(comparison, out, e);
}

static int print_markdown(const void *comparison, FILE *out, struct err *e)
{
	return compare_print_markdown(comparison, out, e);
}

static const struct trial_export_kind EXPORTS[] = {
	{ .option = "--export-json", .print = print_json },
	{ .option = "--export-markdown", .print = print_markdown },
	{ .option = NULL },
};

struct request {
	struct trial_plan plan;
	struct trial_export exports[sizeof(EXPORTS) / sizeof(EXPORTS[0])];
	const char *metric;
	bool limited;
	double limit_percent;
	const char *side[2];
	size_t sides;
	char *const *common; /* options of both; NULL behind the last */
};

/* "2", "2%", "0.5%" */
static int take_percent(struct request *request, int argc, char **argv, int *i, struct err *e)
{
	const char *text = trial_option_value(argc, argv, i, e);
	char *end;

	if (!text)
		return -EINVAL;
	request->limit_percent = strtod(text, &end);
	if (end == text || strcmp(end, *end == '%' ? "%" : "") != 0 ||
	    strspn(text, "0123456789.%") != strlen(text) || !isfinite(request->limit_percent))
		return err_set(e, EINVAL,
			       "--fail-if-slower: '%s' is not a percentage; examples: 2%%, 0.5%%",
			       text);
	request->limited = true;
	return 1;
}

/*
 * Options of compare begin with a dash and have no blank in them; sides are options in one word, or
 * files.
 */
static int take_word(struct request *request, int argc, char **argv, int *i, struct err *e)
{
	int rc;

	if (trial_is_option(argv[*i], "--metric")) {
		request->metric = trial_option_value(argc, argv, i, e);
		return request->metric ? 1 : -EINVAL;
	}
	if (trial_is_option(argv[*i], "--fail-if-slower"))
		return take_percent(request, argc, argv, i, e);
	rc = trial_take_option(&request->plan, argc, argv, i, e);
	if (rc == 0)
		rc = trial_export_take(request->exports, argc, argv, i, e);
	if (rc != 0)
		return rc;
	if (argv[*i][0] == '-' && !strpbrk(argv[*i], " \t\n"))
		return err_set(e, EINVAL,
			       "compare: '%s' is not known; a side that is a single option needs a "
			       "blank before it: ' %s'",
			       argv[*i], argv[*i]);
	if (request->sides == 2)
		return err_set(
			e, EINVAL,
			"compare: '%s' is one too many; options of both runs stand behind --",
			argv[*i]);
	request->side[request->sides++] = argv[*i];
	return 1;
}

static int parse(struct request *request, int argc, char **argv, struct err *e)
{
	static char *const none[] = { NULL };

	request->common = none;
	for (int i = 1; i < argc; i++) {
		int rc;

		if (strcmp(argv[i], "--") == 0) {
			request->common = &argv[i + 1];
			break;
		}
		rc = take_word(request, argc, argv, &i, e);
		if (rc < 0)
			return rc;
	}
	if (request->sides < 2)
		return err_set(e, EINVAL,
			       "compare needs two sides: tvmm compare '-kernel A' '-kernel B'");
	return 0;
}

/* Options, or a file? Only options begin with a dash; no word at all means those of both. */
static bool is_options(const char *side)
{
	side += strspn(side, " \t\n");
	return *side == '-' || *side == '\0';
}

/* The words of a side and behind them those of both; the array is the caller's. */
static int join_options(const struct words *words, char *const *common, struct trial *trial,
			struct err *e)
{
	size_t more = 0;
	char **all;

	while (common[more])
		more++;
	all = calloc(words->count + more + 1, sizeof(*all));
	if (!all)
		return err_set(e, ENOMEM, "no memory for the options of a run");
	(void)memcpy(all, words->word, words->count * sizeof(*all));
	(void)memcpy(all + words->count, common, more * sizeof(*all));
	trial->option = all;
	return 0;
}

/* Reads the files among the sides, and makes the runs of the others. */
static int fill_series(struct trial *trial, const struct request *request, struct words *words,
		       struct err *e)
{
	bool run[2];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < 2; i++) {
		run[i] = is_options(request->side[i]);
		if (!run[i]) {
			rc = trial_export_spare(request->exports, "series of runs",
						request->side[i], e);
			if (rc == 0)
				rc = series_read(&trial[i].series, request->side[i], e);
			continue;
		}
		rc = words_split(&words[i], request->side[i], e);
		if (rc == 0)
			rc = join_options(&words[i], request->common, &trial[i], e);
		if (rc == 0)
			rc = trial_check_options("compare", trial[i].option, TRIAL_KERNEL_INSIDE,
						 e);
		if (rc == 0)
			rc = trial_export_spare_run(request->exports, trial[i].option, e);
	}
	if (rc < 0 || (!run[0] && !run[1]))
		return rc;
	return trial_run(run[0] ? &trial[0] : &trial[1], run[0] && run[1] ? 2 : 1, &request->plan,
			 e);
}

static int conclude(struct request *request, struct trial *trial, struct err *e)
{
	struct comparison c;
	int rc = compare_work_out(&c, &trial[0].series, &trial[1].series, request->metric,
				  request->plan.seed, e);

	if (rc == 0)
		rc = compare_print(&c, trial_stdout_width(), stdout, e);
	if (rc == 0)
		rc = trial_export_write(request->exports, &c, e);
	if (rc == 0 && request->limited && !c.tested)
		rc = err_set(
			e, EINVAL,
			"--fail-if-slower needs two runs or more of A and of B, not %zu and %zu",
			c.a->runs, c.b->runs);
	if (rc == 0 && request->limited && compare_is_slower(&c, request->limit_percent))
		rc = COMPARE_SLOWER_STATUS;
	compare_finish(&c);
	return rc;
}

static int run_and_compare(struct request *request, struct trial *trial, struct err *e)
{
	struct words words[2] = { { 0 } };
	int rc = trial_export_open(request->exports, e);

	if (rc == 0)
		rc = fill_series(trial, request, words, e);
	rc = trial_end("compare", rc, e);
	if (rc == 0)
		rc = conclude(request, trial, e);
	for (size_t i = 0; i < 2; i++) {
		words_finish(&words[i]);
		free((void *)(uintptr_t)trial[i].option);
		trial[i].option = NULL;
	}
	trial_export_abandon(request->exports);
	return rc;
}

int compare_program(const char *program, int argc, char **argv, struct err *e)
{
	static struct trial trial[2]; /* large */
	struct request request = { .plan = trial_default_plan() };
	int rc;

	if (help_is_wanted(argc, argv)) {
		help_print_compare(stdout);
		return 0;
	}
	trial_export_init(request.exports, EXPORTS);
	rc = parse(&request, argc, argv, e);
	if (rc < 0)
		return rc;
	request.plan.program = program;
	trial[0].name = "A";
	trial[1].name = "B";
	rc = run_and_compare(&request, trial, e);
	series_finish(&trial[0].series);
	series_finish(&trial[1].series);
	return rc;
}

int compare_command(int argc, char **argv, struct err *e)
{
	return compare_program(NULL, argc, argv, e);
}
