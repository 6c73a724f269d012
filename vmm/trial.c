/* SPDX-License-Identifier: MIT */
#include "vmm/trial.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/child.h"
#include "vmm/timing/stats.h"

enum { WIDTH_MIN = 80 };

struct trial_plan trial_default_plan(void)
{
	return (struct trial_plan){
		.runs = 10,
		.warmup = 1,
		/* Short enough to be typed again. */
		.seed = clock_now_ns() % 1000000,
		.progress = isatty(STDERR_FILENO),
	};
}

/*
 * --- options ------------------------------------------------------------------------------------
 */

bool trial_is_option(const char *word, const char *option)
{
	size_t length = strlen(option);

	return strncmp(word, option, length) == 0 &&
	       (word[length] == '\0' || (word[length] == '=' && option[1] == '-'));
}

const char *trial_option_value(int argc, char **argv, int *i, struct err *e)
{
	const char *equals = argv[*i][1] == '-' ? strchr(argv[*i], '=') : NULL;

	if (equals)
		return equals + 1;
	if (*i + 1 < argc)
		return argv[++*i];
	(void)err_set(e, EINVAL, "%s needs a value behind it", argv[*i]);
	return NULL;
}

static int take_number(int argc, char **argv, int *i, uint64_t min, uint64_t max, uint64_t *number,
		       struct err *e)
{
	const char *option = argv[*i], *text = trial_option_value(argc, argv, i, e);
	char *end;

	if (!text)
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || *number < min || *number > max)
		return err_set(e, EINVAL, "%s: '%s' is not a whole number from %llu to %llu",
			       option, text, (unsigned long long)min, (unsigned long long)max);
	return 1;
}

static int take_path(int argc, char **argv, int *i, const char **path, struct err *e)
{
	*path = trial_option_value(argc, argv, i, e);
	return *path ? 1 : -EINVAL;
}

static bool is_either(const char *word, const char *brief, const char *verbose)
{
	return trial_is_option(word, brief) || trial_is_option(word, verbose);
}

int trial_take_option(struct trial_plan *plan, int argc, char **argv, int *i, struct err *e)
{
	const char *word = argv[*i];

	if (is_either(word, "-r", "--runs"))
		return take_number(argc, argv, i, 1, SERIES_RUNS_MAX, &plan->runs, e);
	if (is_either(word, "-w", "--warmup"))
		return take_number(argc, argv, i, 0, SERIES_RUNS_MAX, &plan->warmup, e);
	if (trial_is_option(word, "--seed"))
		return take_number(argc, argv, i, 0, INT64_MAX, &plan->seed, e);
	if (trial_is_option(word, "--export-json"))
		return take_path(argc, argv, i, &plan->json_path, e);
	if (trial_is_option(word, "--export-markdown"))
		return take_path(argc, argv, i, &plan->markdown_path, e);
	if (plan->takes_csv && trial_is_option(word, "--export-csv"))
		return take_path(argc, argv, i, &plan->csv_path, e);
	if (plan->takes_ignore_failure &&
	    (strcmp(word, "-i") == 0 || strcmp(word, "--ignore-failure") == 0)) {
		plan->ignore_failure = true;
		return 1;
	}
	return 0;
}

/*
 * --- running ------------------------------------------------------------------------------------
 */

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

/* Where it is, on a line that is drawn again and again. */
struct progress {
	bool shown;
	size_t done, all;
};

static void erase_line(const struct progress *p)
{
	if (p->shown)
		(void)fputs("\r\033[K", stderr);
}

static void draw_progress(const struct progress *p, const struct trial *trial, bool warming_up)
{
	const struct series_metric *m = series_find(&trial->series, "boot");
	double sorted[SERIES_RUNS_MAX];

	if (!p->shown)
		return;
	erase_line(p);
	(void)fprintf(stderr, "%srun %zu of %zu%s%s", warming_up ? "warm-up, " : "", p->done + 1,
		      p->all, *trial->name ? ", " : "", trial->name);
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

static int refuse_failure(const struct trial *trial, const struct child_result *result,
			  const char *sentence, struct err *e)
{
	return err_set(e, ECANCELED, "a run%s%s ended with status %d: %s",
		       *trial->name ? " of " : "", trial->name, result->status,
		       *sentence       ? sentence
		       : *result->said ? result->said
				       : "it said nothing about it");
}

static int take_result(struct trial *trial, const struct child_result *result, bool ignore_failure,
		       struct err *e)
{
	int rc;

	if (!result->report_bytes)
		return refuse_failure(trial, result, "", e);
	rc = series_take_report(&trial->series, "the report of a run", result->report,
				result->report_bytes, e);
	if (rc < 0 || !result->status)
		return rc;
	if (!ignore_failure)
		return refuse_failure(trial, result, trial->series.sentence, e);
	trial->failed++;
	return 0;
}

/* A run of one side. One that only warms up is judged in the same way, and forgotten. */
static int make_run(struct trial *trial, const struct trial_plan *plan, bool warming_up,
		    struct err *e)
{
	struct trial forgotten = { .name = trial->name };
	struct child_request request = { plan->program, trial->option };
	struct child_result result;
	int rc = child_run(&request, &result, e);

	if (rc == 0 && result.interrupted)
		rc = result.interrupted;
	else if (rc == 0)
		rc = take_result(warming_up ? &forgotten : trial, &result, plan->ignore_failure, e);
	series_finish(&forgotten.series);
	child_finish(&result);
	return rc;
}

int trial_run(struct trial *trial, size_t sides, const struct trial_plan *plan, struct err *e)
{
	struct progress progress = { plan->progress, 0, sides * (plan->warmup + plan->runs) };
	unsigned char *order = calloc(plan->runs, 2);
	int rc = 0;

	if (!order)
		return err_set(e, ENOMEM, "no memory for the order of the runs");
	trial_order(plan->seed, plan->runs, order);
	for (; rc == 0 && progress.done < progress.all; progress.done++) {
		bool warming_up = progress.done < sides * plan->warmup;
		size_t turn = progress.done - sides * plan->warmup;
		size_t side = sides < 2 ? 0 : warming_up ? progress.done % 2 : order[turn];

		draw_progress(&progress, &trial[side], warming_up);
		rc = make_run(&trial[side], plan, warming_up, e);
	}
	erase_line(&progress);
	free(order);
	return rc;
}

/*
 * --- where results go ---------------------------------------------------------------------------
 */

int trial_open_output(struct trial_output *output, const char *path, struct err *e)
{
	int fd;

	*output = (struct trial_output){ .path = path };
	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0)
		output->file = fdopen(fd, "w");
	if (!output->file)
		return err_sys(e, errno, "%s cannot be written", path);
	return 0;
}

void trial_empty_output(const struct trial_output *output)
{
	/* Pipes and terminals cannot be emptied, and need not be. */
	(void)!ftruncate(fileno(output->file), 0);
}

int trial_close_output(struct trial_output *output, int rc, struct err *e)
{
	bool lost;

	if (!output->file)
		return rc;
	lost = ferror(output->file);
	lost |= fclose(output->file) != 0;
	if (lost && rc == 0)
		rc = err_sys(e, errno, "%s cannot be written", output->path);
	output->file = NULL;
	return rc;
}

size_t trial_stdout_width(void)
{
	struct winsize size = { 0 };

	if (!isatty(STDOUT_FILENO))
		return 0;
	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	return size.ws_col > WIDTH_MIN ? size.ws_col : WIDTH_MIN;
}
