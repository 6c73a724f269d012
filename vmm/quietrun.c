/* SPDX-License-Identifier: MIT */
#include "vmm/quietrun.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/child.h"
#include "vmm/cmdline.h"
#include "vmm/series.h"
#include "vmm/timing/marks.h"

enum { WORDS_ADDED = 8, MS_PER_S = 1000 };

/* What the second run must not do again: files of the first one, its budgets, this. */
static const struct {
	const char *name;
	bool has_value;
} dropped[] = {
	{ "report", true },  { "trace", true },   { "html", true },     { "folded", true },
	{ "flame", true },   { "dmesg", true },   { "profile", true },  { "assert", true },
	{ "append", true },  { "timeout", true }, { "control", false }, { "junit", true },
	{ "summary", true }, { "tap", false },    { "log", true },
};

/* How many words of argv the option at argv[0] takes that is to be left out; 0: it stays. */
static int words_dropped(char **argv)
{
	const char *name = argv[0];
	size_t length;

	if (name[0] != '-')
		return 0;
	name += name[1] == '-' ? 2 : 1;
	length = strcspn(name, "=");
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
		if (strlen(dropped[i].name) == length &&
		    strncmp(dropped[i].name, name, length) == 0)
			return dropped[i].has_value && !name[length] && argv[1] ? 2 : 1;
	}
	return 0;
}

static char append_word[] = "-append", timeout_word[] = "-timeout", until_word[] = "-until";
static char init_line[] = "^Boot took ";

/*
 * A value that looks like an option cannot be one: the parser refused it. So a word that begins
 * with a dash and has a name of the list is the option.
 */
static void choose_words(char **to, char **argv, char *append, char *timeout, bool until)
{
	for (char **from = argv + 1; *from;) {
		int drop = words_dropped(from);

		if (!drop)
			*to++ = *from++;
		for (; drop && *from; drop--)
			from++;
	}
	*to++ = append_word;
	*to++ = append;
	*to++ = timeout_word;
	*to++ = timeout;
	if (until) {
		*to++ = until_word;
		*to++ = init_line;
	}
	*to = NULL;
}

/* Where the boot of a report ended; "": it tells none. */
static const struct report_metric *boot_of(const struct report *report)
{
	return report_metric_find(report, "boot");
}

static int take_answer(struct report *report, const struct report_metric *boot,
		       const struct child_result *result, struct err *e)
{
	const struct report_metric *host = report_metric_find(report, "host");
	const struct series_metric *quiet, *quiet_host;
	struct series series = { 0 };
	int rc;

	if (!result->report_bytes)
		return err_set(e, EIO, "-control: the quiet run wrote no report: %s", result->said);
	rc = series_take_report(&series, "-control", result->report, result->report_bytes, e);
	quiet = rc == 0 ? series_find(&series, "boot") : NULL;
	quiet_host = rc == 0 ? series_find(&series, "host") : NULL;
	if (rc == 0 && (!host || !quiet || !quiet->values || !quiet_host || !quiet_host->values))
		rc = err_set(e, ENODATA, "-control: the quiet run did not come to '%s'", boot->to);
	if (rc == 0) {
		report->control.done = true;
		report->control.mark = boot->to;
		report->control.noisy_ns = boot->value - host->value;
		report->control.quiet_ns = (uint64_t)(quiet->value[0] - quiet_host->value[0]);
	}
	series_finish(&series);
	return rc;
}

int quietrun(struct report *report, int argc, char **argv, const char *append, struct err *e)
{
	const struct report_metric *boot = boot_of(report);
	char **words = calloc((size_t)argc + WORDS_ADDED, sizeof(*words));
	struct child_result result = { 0 };
	char *quiet = NULL, timeout[32];
	int rc;

	if (!boot)
		rc = err_set(e, ENODATA,
			     "-control: this run came to nothing that a second one could "
			     "be measured to");
	else if (!words || !(quiet = cmdline_with(append, "quiet")))
		rc = err_sys(e, ENOMEM, "-control");
	else
		rc = 0;
	if (rc == 0) {
		(void)snprintf(timeout, sizeof(timeout), "%llums",
			       2ULL * (unsigned long long)(boot->value / 1000000) + MS_PER_S);
		choose_words(words, argv, quiet, timeout,
			     strcmp(boot->to, mark_name(MARK_INIT_LINE)) == 0);
		rc = child_run(&(struct child_request){ .option = words }, &result, e);
		report->control.interrupted = result.interrupted;
		if (rc == 0 && result.interrupted)
			rc = err_set(e, EINTR, "-control: the quiet run was ended by signal %d",
				     result.interrupted);
		if (rc == 0)
			rc = take_answer(report, boot, &result, e);
		child_finish(&result);
	}
	free(quiet);
	free(words);
	return rc;
}
