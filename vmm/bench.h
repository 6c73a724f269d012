/* SPDX-License-Identifier: MIT */
/*
 * `tvmm bench`: the same run again and again, and what is typical of it. docs/bench.md has the
 * method and the formats.
 */
#ifndef TVMM_BENCH_H
#define TVMM_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/err.h"
#include "vmm/series.h"
#include "vmm/timing/stats.h"
#include "vmm/trial.h"

struct bench_line {
	const struct series_metric *metric;
	struct stats_summary summary;
	struct stats_fence fence;
};

/* What is printed: pointers are borrowed but for line. */
struct bench {
	const char *name; /* of the command; "": it has none */
	char *const *option;
	const struct series *series;
	size_t warmup, failed;
	const bool *run_failed; /* whether run N + 1 did not end as it should */
	uint64_t seed;
	struct bench_line *line; /* one for each metric */
	size_t lines;
};

/* Works the lines out of the series. 0, or -ENOMEM with *e. */
int bench_work_out(struct bench *bench, struct err *e);
void bench_finish(struct bench *bench);

/* For people; width: of the terminal, 0: none. Each: 0, or -errno with *e. */
int bench_print(const struct bench *bench, size_t width, FILE *out, struct err *e);
int bench_print_json(const struct bench *bench, FILE *out, struct err *e);
int bench_print_markdown(const struct bench *bench, FILE *out, struct err *e);
void bench_print_csv(const struct bench *bench, FILE *out);

/* The command. argv[0] is "bench". An exit status, or -errno with *e. */
int bench_command(int argc, char **argv, struct err *e);

/* The same with runs of another program: for tests. NULL: tvmm itself. */
int bench_program(const char *program, int argc, char **argv, struct err *e);

#endif
