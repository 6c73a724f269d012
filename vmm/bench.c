/* SPDX-License-Identifier: MIT */
#include "vmm/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/help.h"
#include "vmm/help_bench.h"
#include "vmm/trial_export.h"

int bench_work_out(struct bench *bench, struct err *e)
{
	struct stats_random random = { bench->seed };
	double sorted[SERIES_RUNS_MAX];

	bench->lines = 0;
	bench->line = calloc(bench->series->metrics + 1, sizeof(*bench->line));
	if (!bench->line)
		return err_set(e, ENOMEM, "no memory for the statistics");
	for (size_t i = 0; i < bench->series->metrics; i++) {
		struct bench_line *line = &bench->line[bench->lines];
		size_t n = series_sorted(&bench->series->metric[i], sorted);

		if (!n)
			continue;
		line->metric = &bench->series->metric[i];
		stats_summarise(sorted, n, &random, &line->summary);
		line->fence = stats_outlier_fence(sorted, n);
		bench->lines++;
	}
	return 0;
}

void bench_finish(struct bench *bench)
{
	free(bench->line);
	bench->line = NULL;
}

/*
 * --- the command --------------------------------------------------------------------------------
 */

static int print_json(const void *bench, FILE *out, struct err *e)
{
	return bench_print_json(bench, out, e);
}

static int print_csv(const void *bench, FILE *out, struct err *e)
{
	(void)e;
	bench_print_csv(bench, out);
	return 0;
}

static int print_markdown(const void *bench, FILE *out, struct err *e)
{
	return bench_print_markdown(bench, out, e);
}

static const struct trial_export_kind EXPORTS[] = {
	{ .option = "--export-json", .print = print_json },
	{ .option = "--export-csv", .print = print_csv },
	{ .option = "--export-markdown", .print = print_markdown },
	{ .option = NULL },
};

struct request {
	struct trial_plan plan;
	struct trial_export exports[sizeof(EXPORTS) / sizeof(EXPORTS[0])];
	const char *name;
	char *const *option;
};

static int parse(struct request *request, int argc, char **argv, struct err *e)
{
	int rc = 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			request->option = &argv[i + 1];
			break;
		}
		if (trial_is_option(argv[i], "-n") || trial_is_option(argv[i], "--command-name")) {
			request->name = trial_option_value(argc, argv, &i, e);
			rc = request->name ? 1 : -EINVAL;
		} else {
			rc = trial_take_option(&request->plan, argc, argv, &i, e);
		}
		if (rc == 0)
			rc = trial_export_take(request->exports, argc, argv, &i, e);
		if (rc == 0)
			rc = err_set(e, EINVAL,
				     "bench: '%s' is not known; options of the run stand behind --",
				     argv[i]);
		if (rc < 0)
			return rc;
	}
	if (!request->option || !request->option[0])
		return err_set(e, EINVAL,
			       "bench needs a run to repeat: tvmm bench -- -kernel bzImage ...");
	return trial_check_options("bench", request->option, TRIAL_KERNEL_INSIDE, e);
}

static int run_and_print(struct request *request, struct trial *trial, struct err *e)
{
	struct bench bench = { .name = request->name,
			       .option = request->option,
			       .series = &trial->series,
			       .run_failed = trial->run_failed,
			       .warmup = request->plan.warmup,
			       .seed = request->plan.seed };
	int rc = trial_export_open(request->exports, e);

	if (rc == 0)
		rc = trial_export_spare_run(request->exports, request->option, e);
	if (rc == 0)
		rc = trial_run(trial, 1, &request->plan, e);
	bench.failed = trial->failed;
	if (rc == 0)
		rc = bench_work_out(&bench, e);
	if (rc == 0)
		rc = bench_print(&bench, trial_stdout_width(), stdout, e);
	if (rc == 0)
		rc = trial_export_write(request->exports, &bench, e);
	bench_finish(&bench);
	trial_export_abandon(request->exports);
	return trial_end("bench", rc, e);
}

int bench_program(const char *program, int argc, char **argv, struct err *e)
{
	static struct trial trial; /* large */
	struct request request = { .plan = trial_default_plan(), .name = "" };
	int rc;

	if (help_is_wanted(argc, argv)) {
		help_print_bench(stdout);
		return 0;
	}
	trial_export_init(request.exports, EXPORTS);
	request.plan.takes_ignore_failure = true;
	rc = parse(&request, argc, argv, e);
	if (rc < 0)
		return rc;
	request.plan.program = program;
	trial.name = "";
	trial.option = request.option;
	trial.failed = 0;
	(void)memset(trial.run_failed, 0, sizeof(trial.run_failed));
	rc = run_and_print(&request, &trial, e);
	series_finish(&trial.series);
	return rc;
}

int bench_command(int argc, char **argv, struct err *e)
{
	return bench_program(NULL, argc, argv, e);
}
