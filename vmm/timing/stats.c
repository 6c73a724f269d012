/* SPDX-License-Identifier: MIT */
#include "vmm/timing/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/must.h"

uint64_t stats_random_next(struct stats_random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t stats_random_below(struct stats_random *random, uint64_t limit)
{
	uint64_t uneven = -limit % limit; /* 2^64 % limit: so many numbers too many */
	uint64_t number;

	do
		number = stats_random_next(random);
	while (number < uneven);
	return number % limit;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void stats_sort(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), ascending);
}

double stats_median(const double *sorted, size_t n)
{
	return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

double stats_percentile(const double *sorted, size_t n, unsigned int percent)
{
	return sorted[(n * percent + 99) / 100 - 1];
}

static double mean(const double *values, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += values[i];
	return sum / (double)n;
}

/* The absolute deviations from the median, sorted. */
static void deviations(const double *sorted, size_t n, double *deviation)
{
	double median = stats_median(sorted, n);

	for (size_t i = 0; i < n; i++)
		deviation[i] = fabs(sorted[i] - median);
	stats_sort(deviation, n);
}

/*
 * The median of n values drawn from sorted, each of which may be drawn again. As these are in
 * order, it is enough to count how often each is drawn.
 */
static double resampled_median(const double *sorted, size_t n, struct stats_random *random)
{
	uint32_t drawn[STATS_VALUES_MAX];
	size_t at = 0, seen;
	double lower;

	(void)memset(drawn, 0, n * sizeof(*drawn));
	for (size_t i = 0; i < n; i++)
		drawn[stats_random_below(random, n)]++;
	for (seen = drawn[0]; seen <= (n - 1) / 2; seen += drawn[at])
		at++;
	lower = sorted[at];
	for (; seen <= n / 2; seen += drawn[at])
		at++;
	return (lower + sorted[at]) / 2;
}

/* What 95 % of the resamples lie in; sorts them. */
static struct stats_interval middle_95(double *resample)
{
	enum { TAIL = STATS_RESAMPLES / 40 };

	stats_sort(resample, STATS_RESAMPLES);
	return (struct stats_interval){ resample[TAIL], resample[STATS_RESAMPLES - 1 - TAIL] };
}

static bool varies(const double *sorted, size_t n)
{
	return sorted[0] < sorted[n - 1];
}

static struct stats_interval median_ci95(const double *sorted, size_t n,
					 struct stats_random *random)
{
	double resample[STATS_RESAMPLES];

	if (!varies(sorted, n))
		return (struct stats_interval){ sorted[0], sorted[0] };
	for (size_t i = 0; i < STATS_RESAMPLES; i++)
		resample[i] = resampled_median(sorted, n, random);
	return middle_95(resample);
}

void stats_summarise(const double *sorted, size_t n, struct stats_random *random,
		     struct stats_summary *summary)
{
	double deviation[STATS_VALUES_MAX];

	must(n >= 1 && n <= STATS_VALUES_MAX);
	deviations(sorted, n, deviation);
	*summary = (struct stats_summary){
		.n = n,
		.min = sorted[0],
		.median = stats_median(sorted, n),
		.max = sorted[n - 1],
		.mean = mean(sorted, n),
		.mad = stats_median(deviation, n),
		.p95 = stats_percentile(sorted, n, 95),
		.ci95 = median_ci95(sorted, n, random),
	};
}

struct stats_fence stats_outlier_fence(const double *sorted, size_t n)
{
	/*
	 * The standard deviation of a normal distribution, in MADs (1 / 0.6745, as Iglewicz and
	 * Hoaglin have it) and in mean absolute deviations (the square root of pi / 2).
	 */
	static const double PER_MAD = 1 / 0.6745, PER_MEAN = 1.253314, Z = 3.5;
	double deviation[STATS_VALUES_MAX], median, mad, reach;

	must(n >= 1 && n <= STATS_VALUES_MAX);
	deviations(sorted, n, deviation);
	median = stats_median(sorted, n);
	mad = stats_median(deviation, n);
	reach = Z * (mad > 0 ? mad * PER_MAD : mean(deviation, n) * PER_MEAN);
	return (struct stats_fence){ median - reach, median + reach };
}

/* --- two series ----------------------------------------------------------------------------- */

/*
 * The ranks of all values, twice as large to be whole numbers: equal values share the mean of their
 * ranks. a_sum: of series a.
 */
struct ranks {
	uint32_t rank[2 * STATS_VALUES_MAX];
	size_t n, a_n;
	uint64_t a_sum;
};

static void rank_both(const double *a, size_t a_n, const double *b, size_t b_n, struct ranks *ranks)
{
	size_t i = 0, j = 0;

	ranks->n = a_n + b_n;
	ranks->a_n = a_n;
	ranks->a_sum = 0;
	while (i + j < ranks->n) {
		double least = j == b_n || (i < a_n && a[i] < b[j]) ? a[i] : b[j];
		size_t first = i + j, of_a = i;
		uint32_t shared;

		while (i < a_n && a[i] == least)
			i++;
		while (j < b_n && b[j] == least)
			j++;
		shared = (uint32_t)(first + 1 + i + j);
		for (size_t at = first; at < i + j; at++)
			ranks->rank[at] = shared;
		ranks->a_sum += (uint64_t)(i - of_a) * shared;
	}
}

/* How far a sum of count ranks is from what it is on average. */
static uint64_t distance(const struct ranks *ranks, size_t count, uint64_t sum)
{
	uint64_t expected = (uint64_t)count * (ranks->n + 1);

	return sum > expected ? sum - expected : expected - sum;
}

/*
 * All labellings: ways[k][s] counts in how many ways k of the values have ranks of the sum s. It is
 * enough to choose the smaller series; the sums of both are equally far from their averages.
 */
static double p_counted(const struct ranks *ranks)
{
	enum { CHOSEN_MAX = STATS_EXACT_MAX / 2, SUM_MAX = CHOSEN_MAX * 2 * STATS_EXACT_MAX };
	uint64_t ways[CHOSEN_MAX + 1][SUM_MAX + 1] = { [0][0] = 1 };
	size_t choose = ranks->a_n * 2 > ranks->n ? ranks->n - ranks->a_n : ranks->a_n;
	size_t sum_max = choose * 2 * ranks->n;
	uint64_t far = distance(ranks, ranks->a_n, ranks->a_sum), all = 0, as_far = 0;

	for (size_t i = 0; i < ranks->n; i++) {
		for (size_t k = choose; k > 0; k--) {
			for (size_t sum = ranks->rank[i]; sum <= sum_max; sum++)
				ways[k][sum] += ways[k - 1][sum - ranks->rank[i]];
		}
	}
	for (size_t sum = 0; sum <= sum_max; sum++) {
		all += ways[choose][sum];
		if (distance(ranks, choose, sum) >= far)
			as_far += ways[choose][sum];
	}
	return (double)as_far / (double)all;
}

/* STATS_RESAMPLES labellings by chance; the one that was found counts as one of them. */
static double p_sampled(struct ranks *ranks, struct stats_random *random)
{
	uint64_t far = distance(ranks, ranks->a_n, ranks->a_sum);
	unsigned int as_far = 1;

	for (size_t i = 0; i < STATS_RESAMPLES; i++) {
		uint64_t sum = 0;

		for (size_t k = 0; k < ranks->a_n; k++) {
			size_t from = k + stats_random_below(random, ranks->n - k);
			uint32_t rank = ranks->rank[from];

			ranks->rank[from] = ranks->rank[k];
			ranks->rank[k] = rank;
			sum += rank;
		}
		as_far += distance(ranks, ranks->a_n, sum) >= far;
	}
	return (double)as_far / (STATS_RESAMPLES + 1.0);
}

double stats_permutation(const double *a, size_t a_n, const double *b, size_t b_n,
			 struct stats_random *random)
{
	struct ranks ranks;

	rank_both(a, a_n, b, b_n, &ranks);
	return ranks.n <= STATS_EXACT_MAX ? p_counted(&ranks) : p_sampled(&ranks, random);
}

/* When all values of one series are above all of the other: that labelling, and its opposite. */
double stats_permutation_least(size_t a_n, size_t b_n)
{
	double labellings = 1;

	if (a_n + b_n > STATS_EXACT_MAX)
		return 1 / (STATS_RESAMPLES + 1.0);
	for (size_t i = 1; i <= a_n; i++)
		labellings = labellings * (double)(b_n + i) / (double)i;
	return 2 / labellings;
}

static void bootstrap(const double *a, size_t a_n, const double *b, size_t b_n,
		      struct stats_random *random, struct stats_difference *d)
{
	double difference[STATS_RESAMPLES], relative[STATS_RESAMPLES];

	for (size_t i = 0; i < STATS_RESAMPLES; i++) {
		double from = resampled_median(a, a_n, random);
		double to = resampled_median(b, b_n, random);

		difference[i] = to - from;
		/* Beyond every number where a's median is 0. */
		relative[i] = from > 0 ? to / from - 1 : INFINITY;
	}
	d->ci95 = middle_95(difference);
	d->relative_ci95 = middle_95(relative);
}

void stats_compare(const double *a, size_t a_n, const double *b, size_t b_n,
		   struct stats_random *random, struct stats_difference *d)
{
	must(a_n >= 1 && a_n <= STATS_VALUES_MAX && b_n >= 1 && b_n <= STATS_VALUES_MAX);
	*d = (struct stats_difference){ .a = stats_median(a, a_n), .b = stats_median(b, b_n) };
	d->difference = d->b - d->a;
	d->relative = d->a > 0 ? d->b / d->a - 1 : INFINITY;
	d->exact = !varies(a, a_n) && !varies(b, b_n);
	if (d->exact) {
		d->ci95 = (struct stats_interval){ d->difference, d->difference };
		d->relative_ci95 = (struct stats_interval){ d->relative, d->relative };
	} else {
		bootstrap(a, a_n, b, b_n, random, d);
	}
	d->relative_known = isfinite(d->relative) && isfinite(d->relative_ci95.high);
	d->p = stats_permutation(a, a_n, b, b_n, random);
}

static int by_p(const void *a, const void *b)
{
	return ascending(*(double *const *)a, *(double *const *)b);
}

void stats_holm(double **p, size_t n)
{
	double least = 0;

	qsort(p, n, sizeof(*p), by_p);
	for (size_t i = 0; i < n; i++) {
		double adjusted = *p[i] * (double)(n - i);

		if (adjusted > least)
			least = adjusted < 1 ? adjusted : 1;
		*p[i] = least;
	}
}
