/* SPDX-License-Identifier: MIT */
/*
 * `tvmm compare`: is B slower than A, and where? Runs of both in turns, or series that were kept,
 * and for each metric a difference with what chance makes of it. docs/bench.md has the method and
 * the formats.
 */
#ifndef TVMM_COMPARE_H
#define TVMM_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/err.h"
#include "vmm/series.h"
#include "vmm/timing/stats.h"

enum { COMPARE_SLOWER_STATUS = 120 };

enum compare_verdict { COMPARE_NOT_SHOWN, COMPARE_MORE, COMPARE_LESS };

struct compare_line {
	const struct series_metric *a, *b;
	struct stats_difference difference;
	double p; /* difference.p, adjusted for the number of lines */
	enum compare_verdict verdict;
};

struct comparison {
	const struct series *a, *b; /* borrowed */
	uint64_t seed;
	bool tested; /* both have two runs or more */
	struct compare_line
		*line; /* of metrics that both have and that are not the same in all runs */
	size_t lines;
	size_t equal;             /* metrics that are the same in all runs of both */
	size_t only_a, only_b;    /* metrics of one side only */
	struct compare_line main; /* what the answer is about: not adjusted, it was chosen before */
};

/*
 * Works everything out. metric: what the answer is about; NULL: "boot", or "total". 0; -ENOENT if
 * there is no such metric on both sides, or -ENOMEM, with *e. compare_finish() is due either way.
 */
int compare_work_out(struct comparison *comparison, const struct series *a, const struct series *b,
		     const char *metric, uint64_t seed, struct err *e);
void compare_finish(struct comparison *comparison);

/*
 * Slower by more than percent: the whole confidence interval of the relative difference lies above
 * it, and p is below 0.05.
 */
bool compare_is_slower(const struct comparison *comparison, double percent);

/* The answer in a sentence, without an end of line. */
void compare_answer(const struct comparison *comparison, char *to, size_t to_bytes);

/* For people; width: of the terminal, 0: none. Each: 0, or -errno with *e. */
int compare_print(const struct comparison *comparison, size_t width, FILE *out, struct err *e);
int compare_print_markdown(const struct comparison *comparison, FILE *out, struct err *e);
int compare_print_json(const struct comparison *comparison, FILE *out, struct err *e);

/* The command. argv[0] is "compare". An exit status, or -errno with *e. */
int compare_command(int argc, char **argv, struct err *e);

/* The same with runs of another program: for tests. NULL: tvmm itself. */
int compare_program(const char *program, int argc, char **argv, struct err *e);

#endif
