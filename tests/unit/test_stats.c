/* SPDX-License-Identifier: MIT */
/*
 * Statistics, against examples that were worked out elsewhere (named at each), and against the promise
 * that matters: series which differ by chance alone are told apart in no more than one of 20 tries.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "vmm/timing/stats.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The generator's published check values, for the seed 1234567. */
START_TEST(random_numbers_are_splitmix64)
{
	static const uint64_t spec[] = { 6457827717110365317u, 3203168211198807973u,
					 9817491932198370423u, 4593380528125082431u,
					 16408922859458223821u };
	struct stats_random random = { 1234567 };

	for (size_t i = 0; i < COUNT(spec); i++)
		ck_assert_uint_eq(stats_random_next(&random), spec[i]);
}
END_TEST

/* 6000 throws of a die: within 4.4 standard deviations (28.9) of 1000 each. */
START_TEST(random_below_is_even)
{
	unsigned int thrown[6] = { 0 };
	struct stats_random random = { 1 };

	for (int i = 0; i < 6000; i++)
		thrown[stats_random_below(&random, 6)]++;
	for (int i = 0; i < 6; i++)
		ck_assert(thrown[i] > 872 && thrown[i] < 1128);
	ck_assert_uint_eq(stats_random_below(&random, 1), 0);
}
END_TEST

/* Examples of the nearest-rank method that Wikipedia's "Percentile" works out. */
START_TEST(percentiles_by_nearest_rank)
{
	static const double five[] = { 15, 20, 35, 40, 50 };
	static const double ten[] = { 3, 6, 7, 8, 8, 10, 13, 15, 16, 20 };

	ck_assert(stats_percentile(five, 5, 5) == 15);
	ck_assert(stats_percentile(five, 5, 30) == 20);
	ck_assert(stats_percentile(five, 5, 40) == 20);
	ck_assert(stats_percentile(five, 5, 50) == 35);
	ck_assert(stats_percentile(five, 5, 100) == 50);
	ck_assert(stats_percentile(ten, 10, 25) == 7);
	ck_assert(stats_percentile(ten, 10, 75) == 15);
	ck_assert(stats_percentile(ten, 1, 95) == 3);
}
END_TEST

/* The numbers of Iglewicz and Hoaglin's example: median 2.45, MAD 0.15. */
static const double HOAGLIN[] = { 2.1, 2.1, 2.3, 2.3, 2.4, 2.5, 2.6, 2.6, 8.2, 8.3 };

START_TEST(median_and_mad)
{
	static const double odd[] = { 1, 1, 2, 2, 4, 6, 9 }; /* median 2, MAD 1 */
	struct stats_random random = { 1 };
	struct stats_summary s;

	stats_summarise(odd, COUNT(odd), &random, &s);
	ck_assert(s.n == 7 && s.min == 1 && s.median == 2 && s.mad == 1 && s.max == 9);
	ck_assert_double_eq_tol(s.mean, 25.0 / 7, 1e-12);
	stats_summarise(HOAGLIN, COUNT(HOAGLIN), &random, &s);
	ck_assert_double_eq_tol(s.median, 2.45, 1e-12);
	ck_assert_double_eq_tol(s.mad, 0.15, 1e-12);
	ck_assert(s.p95 == 8.3);
}
END_TEST

START_TEST(outliers_by_modified_z_score)
{
	struct stats_fence fence = stats_outlier_fence(HOAGLIN, COUNT(HOAGLIN));
	/* MAD 0; mean absolute deviation 1; 3.5 * 1.253314 above the median lies 4.3866. */
	static const double still[] = { 5, 5, 5, 5, 5, 5, 5, 5, 5, 15 };
	static const double same[] = { 7, 7, 7 };

	/* 2.45 + 3.5 * 0.15 / 0.6745 */
	ck_assert_double_eq_tol(fence.high, 3.22836, 1e-5);
	ck_assert_double_eq_tol(fence.low, 1.67164, 1e-5);
	fence = stats_outlier_fence(still, COUNT(still));
	ck_assert_double_eq_tol(fence.high, 9.386599, 1e-6);
	fence = stats_outlier_fence(same, COUNT(same));
	ck_assert(fence.low == 7 && fence.high == 7);
}
END_TEST

/*
 * The resampled median of three values is the middle one with probability 13/27 and each other with 7/27
 * (26 %), so 95 % reach from end to end. Of 99 evenly spread ones, binomial order statistics (David,
 * Nagaraja, section 7.1) give the ranks 40 and 60.
 */
START_TEST(bootstrap_of_the_median)
{
	static const double three[] = { 1, 2, 3 }, one[] = { 4 };
	double many[99];
	struct stats_random random = { 7 };
	struct stats_summary s;

	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = (double)(i + 1);
	stats_summarise(three, 3, &random, &s);
	ck_assert(s.ci95.low == 1 && s.ci95.high == 3);
	stats_summarise(one, 1, &random, &s);
	ck_assert(s.ci95.low == 4 && s.ci95.high == 4 && s.mad == 0);
	stats_summarise(many, 99, &random, &s);
	ck_assert(fabs(s.ci95.low - 40) <= 1 && fabs(s.ci95.high - 60) <= 1);
}
END_TEST

START_TEST(same_seed_same_result)
{
	struct stats_random random = { 9 }, again = { 9 };
	struct stats_summary s, t;

	stats_summarise(HOAGLIN, COUNT(HOAGLIN), &random, &s);
	stats_summarise(HOAGLIN, COUNT(HOAGLIN), &again, &t);
	ck_assert(s.ci95.low == t.ci95.low && s.ci95.high == t.ci95.high);
	ck_assert_uint_eq(random.state, again.state);
}
END_TEST

/*
 * Tables of the Mann-Whitney U test: of the 252 labellings of 5 and 5, one has U = 0, four have U <= 2,
 * seven U <= 3. Two-sided that is twice as many.
 */
START_TEST(permutations_of_the_tables)
{
	static const struct {
		double a[5], b[5];
		size_t a_n, b_n;
		double p;
	} spec[] = {
		{ { 1, 2, 3, 4, 5 }, { 6, 7, 8, 9, 10 }, 5, 5, 2.0 / 252 },  /* U 0 */
		{ { 6, 7, 8, 9, 10 }, { 1, 2, 3, 4, 5 }, 5, 5, 2.0 / 252 },  /* U 25 */
		{ { 1, 2, 3, 4, 7 }, { 5, 6, 8, 9, 10 }, 5, 5, 8.0 / 252 },  /* U 2 */
		{ { 1, 2, 3, 5, 7 }, { 4, 6, 8, 9, 10 }, 5, 5, 14.0 / 252 }, /* U 3 */
		{ { 1, 2, 3 }, { 4, 5, 6 }, 3, 3, 2.0 / 20 },                /* U 0 */
		{ { 1 }, { 2, 3, 4 }, 1, 3, 2.0 / 4 },                       /* U 0 */
		{ { 2, 3, 4 }, { 1 }, 3, 1, 2.0 / 4 },                       /* U 3 */
		{ { 1 }, { 2 }, 1, 1, 1 },                                   /* nothing else */
		{ { 5, 5, 5 }, { 5, 5, 5 }, 3, 3, 1 },                       /* all alike */
		/* Ranks 1.5 1.5 against 3.5 3.5: 1 of 6 labellings, and its opposite. */
		{ { 1, 1 }, { 2, 2 }, 2, 2, 2.0 / 6 },
		/* Ranks 2 2 against 2 4: a is the lowest with 3 of 6 labellings. */
		{ { 1, 1 }, { 1, 2 }, 2, 2, 1 },
	};

	for (size_t i = 0; i < COUNT(spec); i++) {
		struct stats_random random = { 1 };
		double p =
			stats_permutation(spec[i].a, spec[i].a_n, spec[i].b, spec[i].b_n, &random);

		ck_assert_msg(fabs(p - spec[i].p) < 1e-12, "row %zu: %g, not %g", i, p, spec[i].p);
	}
	ck_assert_double_eq_tol(stats_permutation_least(5, 5), 2.0 / 252, 1e-12);
	ck_assert_double_eq_tol(stats_permutation_least(10, 10), 2.0 / 184756, 1e-12);
	ck_assert(stats_permutation_least(1, 1) == 1 && stats_permutation_least(1, 3) == 0.5);
	ck_assert_double_eq_tol(stats_permutation_least(50, 50), 1.0 / 10001, 1e-12);
}
END_TEST

/*
 * Series too long for counting. Every other value: U is 210 of 441, 0.26 standard deviations from the
 * middle, which a normal distribution exceeds in 79 % of all cases. Apart: the least there is.
 */
START_TEST(long_series_are_sampled)
{
	double odd[21], even[21], high[21];
	struct stats_random random = { 3 };

	for (size_t i = 0; i < COUNT(odd); i++) {
		odd[i] = (double)(2 * i + 1);
		even[i] = (double)(2 * i + 2);
		high[i] = (double)(100 + i);
	}
	ck_assert_double_eq_tol(stats_permutation(odd, 21, even, 21, &random), 0.8, 0.05);
	ck_assert_double_eq_tol(stats_permutation(odd, 21, high, 21, &random), 1 / 10001.0, 1e-12);
}
END_TEST

START_TEST(differences)
{
	static const double a[] = { 100, 100, 100 }, b[] = { 105, 105, 105 }, none[] = { 0, 0, 0 };
	static const double wide[] = { 90, 100, 110 };
	struct stats_random random = { 1 };
	struct stats_difference d;

	stats_compare(a, 3, b, 3, &random, &d);
	ck_assert(d.exact && d.a == 100 && d.b == 105 && d.difference == 5);
	ck_assert(d.ci95.low == 5 && d.ci95.high == 5);
	ck_assert_double_eq_tol(d.relative, 0.05, 1e-12);
	ck_assert(d.relative_known && d.p == 0.1);
	stats_compare(wide, 3, b, 3, &random, &d);
	ck_assert(!d.exact && d.difference == 5 && d.ci95.low == -5 && d.ci95.high == 15);
	ck_assert_double_eq_tol(d.relative_ci95.high, 105.0 / 90 - 1, 1e-12);
	stats_compare(none, 3, b, 3, &random, &d);
	ck_assert(!d.relative_known && d.difference == 105);
}
END_TEST

/* The example of Wikipedia's "Holm-Bonferroni method": 0.01, 0.04, 0.03, 0.005. */
START_TEST(holms_example)
{
	double p[] = { 0.01, 0.04, 0.03, 0.005 }, high[] = { 0.6, 0.9 };
	double *all[] = { &p[0], &p[1], &p[2], &p[3] }, *both[] = { &high[0], &high[1] };

	stats_holm(all, 4);
	ck_assert_double_eq_tol(p[0], 0.03, 1e-12);
	ck_assert_double_eq_tol(p[1], 0.06, 1e-12);
	ck_assert_double_eq_tol(p[2], 0.06, 1e-12);
	ck_assert_double_eq_tol(p[3], 0.02, 1e-12);
	stats_holm(both, 2);
	ck_assert(high[0] == 1 && high[1] == 1);
}
END_TEST

/* --- chance alone ------------------------------------------------------------------------------- */

/* Around middle, with a standard deviation of 1 %: the sum of twelve even numbers is near normal. */
static void noise(struct stats_random *random, double middle, double *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double sum = -6;

		for (int k = 0; k < 12; k++)
			sum += (double)stats_random_below(random, 1 << 20) / (1 << 20);
		values[i] = floor(middle * (1 + sum / 100));
	}
	stats_sort(values, n);
}

enum { RUNS = 10, TRIES = 2000, LINES = 20 };

static double p_of_noise(struct stats_random *random, double shift)
{
	double a[RUNS], b[RUNS];

	noise(random, 40e6, a, RUNS);
	noise(random, 40e6 * (1 + shift), b, RUNS);
	return stats_permutation(a, RUNS, b, RUNS, random);
}

/* 5 % of 2000 tries are 100; three standard deviations (9.7) above lies 129. */
START_TEST(control_against_itself)
{
	struct stats_random random = { 2026 };
	unsigned int found = 0;

	for (int i = 0; i < TRIES; i++)
		found += p_of_noise(&random, 0) < 0.05;
	ck_assert_msg(found <= 129, "%u of %d", found, TRIES);
	ck_assert_msg(found >= 40, "%u of %d: the test finds less than it should", found, TRIES);
}
END_TEST

/* The same for tables of 20 lines: that any line is below 0.05 once all are adjusted. */
START_TEST(many_lines_against_themselves)
{
	struct stats_random random = { 4 };
	unsigned int found = 0;

	for (int i = 0; i < TRIES; i++) {
		double p[LINES], *all[LINES];

		for (int line = 0; line < LINES; line++) {
			p[line] = p_of_noise(&random, 0);
			all[line] = &p[line];
		}
		stats_holm(all, LINES);
		found += *all[0] < 0.05;
	}
	ck_assert_msg(found <= 129, "%u of %d", found, TRIES);
}
END_TEST

/* A shift of 5 %, with noise of 1 %, is never missed; one of 2 % in less than one of 20 tries. */
START_TEST(differences_are_found)
{
	struct stats_random random = { 5 };
	unsigned int large = 0, small = 0;

	for (int i = 0; i < 200; i++) {
		large += p_of_noise(&random, 0.05) < 0.001;
		small += p_of_noise(&random, 0.02) < 0.05;
	}
	ck_assert_uint_eq(large, 200);
	ck_assert_uint_gt(small, 190);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		random_numbers_are_splitmix64,
		random_below_is_even,
		percentiles_by_nearest_rank,
		median_and_mad,
		outliers_by_modified_z_score,
		bootstrap_of_the_median,
		same_seed_same_result,
		permutations_of_the_tables,
		long_series_are_sampled,
		differences,
		holms_example,
		control_against_itself,
		many_lines_against_themselves,
		differences_are_found,
	};
	Suite *suite = suite_create("stats");
	TCase *tcase = tcase_create("stats");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < COUNT(tests); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
