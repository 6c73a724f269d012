/* SPDX-License-Identifier: MIT */
/*
 * Series of runs: for each metric the values of all runs that had it. Filled from reports (-report
 * of a run) or from what `tvmm bench --export-json` wrote. Both are read as if somebody hostile had
 * written them: what is missing, of another type, out of range or not printable is refused.
 */
#ifndef TVMM_SERIES_H
#define TVMM_SERIES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/err.h"
#include "vmm/timing/report.h"
#include "vmm/timing/stats.h"

enum {
	SERIES_RUNS_MAX = STATS_VALUES_MAX,
	SERIES_METRICS_MAX = 1 << 14,
	SERIES_NAME_BYTES = 128,
	SERIES_BENCH_VERSION = 1,
};

struct series_metric {
	char name[SERIES_NAME_BYTES];
	enum report_unit unit;
	double *value;     /* whole, below 2^53; in order of runs */
	unsigned int *run; /* whose value it is; the first run is 1 */
	size_t values, room;
};

struct series {
	struct series_metric *metric; /* in the order of the first report that had them */
	size_t metrics, room;
	int status[SERIES_RUNS_MAX]; /* exit status of each run */
	size_t runs;
	unsigned int jobs;      /* how many at the same time; 0: not known, as of a single report */
	char sentence[256];     /* how the last run that was taken has ended */
	char kind[32];          /* the same in one word; "": its report tells none */
	char no_initcalls[256]; /* why it took down none; "": it did, or its report tells nothing */
	struct json_t *place;   /* name -> number of the metric */
	struct json_t *host;    /* fingerprint, as in the first report; NULL: no run yet */
};

/* All zero is an empty series. Frees, and empties. */
void series_finish(struct series *series);

/*
 * Adds the run of a report. what: how messages call it. 0, or -errno with *e; after a failure the
 * series is only good for series_finish(). Values of one name in one report (functions of different
 * files may have the same) are added up.
 */
int series_take_report(struct series *series, const char *what, const char *text, size_t bytes,
		       struct err *e);

/* Adds the run or the runs of a file: a report, or what bench exported. */
int series_read(struct series *series, const char *path, struct err *e);

/* The metric of that name, or NULL. */
const struct series_metric *series_find(const struct series *series, const char *name);

/* Copies the values, sorted; returns how many. */
size_t series_sorted(const struct series_metric *metric, double *to);

/* "ns", "bytes", "count" */
const char *series_unit_name(enum report_unit unit);

/*
 * "host: CPU, Linux 6.1.0, ..." and what the runs stood on; control characters never get through.
 */
void series_print_host(const struct series *series, const char *who, FILE *out);

/* The first entry of the fingerprints that is not the same in both; NULL: they are equal. */
const char *series_host_difference(const struct series *a, const struct series *b);

#endif
