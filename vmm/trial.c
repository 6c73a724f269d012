/* SPDX-License-Identifier: MIT */
#include "vmm/trial.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/base/clock.h"

enum { WIDTH_MIN = 80, SIGNAL_STATUS = 128 };

struct trial_plan trial_default_plan(void)
{
	return (struct trial_plan){
		.runs = 10,
		.warmup = 1,
		.jobs = 1,
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
	if (is_either(word, "-j", "--jobs"))
		return take_number(argc, argv, i, 1, TRIAL_JOBS_MAX, &plan->jobs, e);
	if (trial_is_option(word, "--seed"))
		return take_number(argc, argv, i, 0, INT64_MAX, &plan->seed, e);
	if (plan->takes_ignore_failure &&
	    (strcmp(word, "-i") == 0 || strcmp(word, "--ignore-failure") == 0)) {
		plan->ignore_failure = true;
		return 1;
	}
	return 0;
}

/*
 * The option of a run that word is, without dashes and "=VALUE", and its length; 0: it is none. A
 * value that has an option's name is refused by the run itself.
 */
static size_t option_of(const char *word, const char **name)
{
	*name = word + (word[0] == '-') + (word[0] == '-' && word[1] == '-');
	return *name == word ? 0 : strcspn(*name, "=");
}

/* The console of each run is what trials listen to, and its files would be written over. */
static int check_serial(const char *command, char *const *option, struct err *e)
{
	const char *equals = strchr(*option, '='), *where = equals ? equals + 1 : option[1];

	if (!where || (strncmp(where, "file:", 5) != 0 && strncmp(where, "unix:", 5) != 0))
		return 0;
	return err_set(e, EINVAL,
		       "%s: -serial %s: each run would use it anew; leave it out, and make one run "
		       "with it",
		       command, where);
}

/* Does each run write what the one before wrote? */
static int check_files(const char *command, char *const *option, struct err *e)
{
	static const char *const files[] = { "junit", "summary", "log",    "dmesg",
					     "trace", "html",    "folded", "flame" };
	const char *name;

	for (; *option && strcmp(*option, "--") != 0; option++) {
		size_t length = option_of(*option, &name);

		if (length == strlen("report") && strncmp(name, "report", length) == 0)
			return err_set(
				e, EINVAL,
				"%s: -report of a run is where its times are read from; leave it "
				"out, --export-json keeps them",
				command);
		if (length == strlen("serial") && strncmp(name, "serial", length) == 0 &&
		    check_serial(command, option, e) < 0)
			return -EINVAL;
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			if (length == strlen(files[i]) && strncmp(name, files[i], length) == 0)
				return err_set(
					e, EINVAL,
					"%s: each run would write its -%s anew; leave it out, and "
					"make one run with it",
					command, files[i]);
		}
	}
	return 0;
}

static int check_parsed(const char *command, const struct options *parsed, const char *beside,
			struct err *e)
{
	if (parsed->action != OPTIONS_BOOT || parsed->account.control)
		return err_set(e, EINVAL,
			       "%s: -explain, -help, -version and -control are no options for a "
			       "run that is measured",
			       command);
	if (beside && parsed->kernel != beside)
		return err_set(e, EINVAL,
			       "%s: the kernels stand before --, -kernel %s is not for the options "
			       "of the runs",
			       command, parsed->kernel);
	return 0;
}

int trial_parse_options(const char *command, char *const *option, enum trial_kernel kernel,
			struct options *parsed, struct err *e)
{
	static char beside[] = "kernel";
	char *before[] = { (char[]){ "tvmm" }, (char[]){ "-kernel" }, beside };
	const size_t first = kernel == TRIAL_KERNEL_BESIDE ? sizeof(before) / sizeof(*before) : 1;
	size_t words = 0;
	char **argv;
	int rc;

	(void)memset(parsed, 0, sizeof(*parsed));
	rc = check_files(command, option, e);
	if (rc < 0)
		return rc;
	while (option[words])
		words++;
	argv = calloc(first + words + 1, sizeof(*argv));
	if (!argv)
		return err_set(e, ENOMEM, "no memory for the options of a run");
	(void)memcpy(argv, before, first * sizeof(*argv));
	(void)memcpy(argv + first, option, words * sizeof(*argv));
	rc = options_parse(parsed, (int)(first + words), argv, e);
	if (rc == 0)
		rc = check_parsed(command, parsed, first > 1 ? beside : NULL, e);
	free(argv); /* what was parsed points into its words, but for a program's */
	return rc;
}

int trial_check_options(const char *command, char *const *option, enum trial_kernel kernel,
			struct err *e)
{
	struct options parsed;
	int rc = trial_parse_options(command, option, kernel, &parsed, e);

	options_finish(&parsed);
	return rc;
}

int trial_end(const char *command, int rc, struct err *e)
{
	if (rc == 0)
		*e = (struct err){ 0 };
	if (rc <= 0)
		return rc;
	(void)err_set(
		e, EINTR,
		"%s: signal %d (%s) asked to stop: the run that was on its way has been ended, "
		"and nothing has been written; exit status %d",
		command, rc, strsignal(rc), SIGNAL_STATUS + rc);
	return SIGNAL_STATUS + rc;
}

size_t trial_stdout_width(void)
{
	struct winsize size = { 0 };

	if (!isatty(STDOUT_FILENO))
		return 0;
	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	return size.ws_col > WIDTH_MIN ? size.ws_col : WIDTH_MIN;
}
