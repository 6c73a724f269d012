/* SPDX-License-Identifier: MIT */
/*
 * Many VMs in a row in one process, without a leaked descriptor, thread, mapping or page.
 *
 *	soak RUNS [option of tvmm]...		runs that come to a good end
 *	soak -RUNS [option of tvmm]...		runs that cannot be made
 *
 * After a tenth of the runs the process is what it will be; what it has grown by at the end is a
 * leak. Prints one line with the numbers, or what was wrong, and then the exit status is 1.
 */
#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/help.h"
#include "vmm/session.h"

/*
 * A page or two of the heap may come into use late. A leak of one page in each run would be a
 * hundred times that.
 */
enum { PAGES_ALLOWED = 8, WARM_UP_SHARE = 10 };

struct holdings {
	long descriptors, threads, mappings, pages;
};

static _Noreturn void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)printf("soak: ");
	(void)vprintf(fmt, args);
	(void)printf("\n");
	va_end(args);
	exit(1);
}

static long count_names(const char *folder)
{
	DIR *dir = opendir(folder);
	long n = 0;

	if (!dir)
		die("%s cannot be read", folder);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static long count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	long n = 0;
	int c;

	if (!file)
		die("%s cannot be read", path);
	while ((c = getc(file)) != EOF)
		n += c == '\n';
	(void)fclose(file);
	return n;
}

/*
 * Resident pages that are the process's own. Those of files come and go with what is executed, 16
 * at a time.
 */
static long count_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long resident, shared;

	if (!file || fscanf(file, "%*s %ld %ld", &resident, &shared) != 2)
		die("/proc/self/statm cannot be read");
	(void)fclose(file);
	return resident - shared;
}

static struct holdings look(void)
{
	return (struct holdings){
		.descriptors = count_names("/proc/self/fd"),
		.threads = count_names("/proc/self/task"),
		.mappings = count_lines("/proc/self/maps"),
		.pages = count_pages(),
	};
}

/* What went wrong; NULL: nothing. */
static const char *run(const struct options *options, int argc, char **argv)
{
	static struct session session;
	const struct marks marks = { 0 };
	struct ending ending = { 0 };
	static struct err e;
	int rc;

	memset(&session, 0, sizeof(session));
	session_init(&session, options, &marks);
	rc = session_plan(&session, &e);
	if (rc == 0)
		rc = session_place(&session, &e);
	if (rc == 0)
		rc = session_run(&session, &ending, &e);
	if (rc == 0)
		rc = session_report(&session, &ending, argc, argv, TVMM_VERSION, &e);
	session_finish(&session);
	if (rc == 0 && ending_status(&ending) != 0)
		die("a run ended with status %d", ending_status(&ending));
	return rc < 0 ? e.text : NULL;
}

static void check(const char *what, long before, long after, long allowed)
{
	if (after > before + allowed)
		die("%s: %ld at first, %ld at the end", what, before, after);
}

int main(int argc, char **argv)
{
	int wanted = argc > 1 ? atoi(argv[1]) : 0, runs = abs(wanted);
	struct holdings before = { 0 }, after;
	struct options options;
	const char *why = NULL;
	struct err e;

	if (runs < WARM_UP_SHARE)
		die("usage: soak RUNS [option of tvmm]...");
	if (options_parse(&options, argc - 1, argv + 1, &e) < 0)
		die("%s", e.text);
	for (int i = 0; i < runs; i++) {
		if (i == runs / WARM_UP_SHARE)
			before = look();
		why = run(&options, argc - 1, argv + 1);
		if ((why != NULL) != (wanted < 0))
			die("%s", why ? why : "a run could be made");
	}
	after = look();
	options_finish(&options);
	check("open descriptors", before.descriptors, after.descriptors, 0);
	check("threads", before.threads, after.threads, 0);
	check("mappings", before.mappings, after.mappings, 0);
	check("resident pages", before.pages, after.pages, PAGES_ALLOWED);
	(void)printf("%d runs; at the end %ld mappings, %ld KiB%s%s\n", runs, after.mappings,
		     after.pages * 4, why ? "; " : "", why ? why : "");
	return 0;
}
