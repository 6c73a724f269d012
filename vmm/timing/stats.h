/* SPDX-License-Identifier: MIT */
/*
 * Statistics of a few runs: what is typical, how far runs are apart, which of them stand out, and
 * whether two series differ. Pure arithmetic, nothing is allocated; chance comes from a seed, so
 * that a result can be had again. docs/bench.md tells why these and no others.
 *
 * Values are whole numbers of something (ns, bytes, exits) below 2^53, where a double is exact.
 * "Sorted" is in ascending order. Every series has 1 to STATS_VALUES_MAX values.
 */
#ifndef TVMM_TIMING_STATS_H
#define TVMM_TIMING_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STATS_VALUES_MAX = 10000,
	STATS_RESAMPLES = 10000, /* of each bootstrap, and labellings that are tried by chance */
	STATS_EXACT_MAX = 40, /* up to so many values of both series, all labellings are counted */
};

/* splitmix64 (Steele, Lea, Flood 2014); the state begins as the seed. */
struct stats_random {
	uint64_t state;
};
uint64_t stats_random_next(struct stats_random *random);
/* 0 to limit - 1, all equally likely. */
uint64_t stats_random_below(struct stats_random *random, uint64_t limit);

struct stats_interval {
	double low, high;
};

void stats_sort(double *values, size_t n);

/* The middle value, or the mean of the middle two. */
double stats_median(const double *sorted, size_t n);

/* The least value that is not exceeded by percent of all (nearest rank). percent: 1 to 100. */
double stats_percentile(const double *sorted, size_t n, unsigned int percent);

struct stats_summary {
	size_t n;
	double min, median, max, mean;
	double mad; /* median of the absolute deviations from the median, not scaled */
	double p95;
	struct stats_interval ci95; /* of the median: percentiles of the bootstrap */
};
void stats_summarise(const double *sorted, size_t n, struct stats_random *random,
		     struct stats_summary *summary);

/*
 * What is an outlier: Iglewicz and Hoaglin's modified z-score is beyond 3.5. It divides by the
 * MAD, or by the mean absolute deviation where more than half of the values are equal.
 */
struct stats_fence {
	double low, high; /* values below or above are outliers */
};
struct stats_fence stats_outlier_fence(const double *sorted, size_t n);

/* Of series b against series a. */
struct stats_difference {
	double a, b;       /* medians */
	double difference; /* b - a */
	struct stats_interval ci95;
	bool relative_known; /* false: a's median is 0, or was in too many resamples */
	double relative;     /* b / a - 1 */
	struct stats_interval relative_ci95;
	bool exact; /* neither series varies: the difference is no estimate */
	double p;   /* of stats_permutation() */
};
void stats_compare(const double *a_sorted, size_t a_n, const double *b_sorted, size_t b_n,
		   struct stats_random *random, struct stats_difference *difference);

/*
 * How likely rank sums are that are as far apart as these, were "a" and "b" labels that say nothing
 * (Wilcoxon's test, two-sided). Ranks, because one run that was disturbed must not decide. All
 * labellings are counted where there are few values, else tried by chance.
 */
double stats_permutation(const double *a_sorted, size_t a_n, const double *b_sorted, size_t b_n,
			 struct stats_random *random);

/* The least that it can answer for series of this length. */
double stats_permutation_least(size_t a_n, size_t b_n);

/*
 * Replaces each of n p-values by its adjusted one (Holm 1979): those below 0.05 then have at most
 * one chance in twenty that any of them is there without a difference. The pointers are sorted.
 */
void stats_holm(double **p, size_t n);

#endif
