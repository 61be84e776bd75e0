/* SPDX-License-Identifier: Apache-2.0
 *
 * Means and intervals against published tables and a worked example.
 */
#include "traces/compare_stats.h"

#include <criterion/criterion.h>
#include <math.h>

static void add_all(struct compare_moments *moments, const double *values, int n)
{
	for (int i = 0; i < n; i++)
		compare_moments_add(moments, values[i]);
}

Test(compare_stats, quantiles_are_those_of_the_tables)
{
	static const struct {
		double freedom, t, tolerance;
	} cases[] = { { 4, 2.7764, 1e-3 }, { 5, 2.5706, 5e-4 }, { 8, 2.3060, 1e-4 }, { 16, 2.1199, 1e-4 }, { 30, 2.0423, 1e-4 },
		{ 100, 1.9840, 1e-4 }, { 1e9, 1.95996, 1e-5 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double t = compare_t_quantile(cases[i].freedom);
		cr_expect(fabs(t - cases[i].t) < cases[i].tolerance, "%g degrees: %g, expected %g", cases[i].freedom, t, cases[i].t);
	}
	cr_expect_gt(compare_t_quantile(1), compare_t_quantile(2), "fewer degrees are wider");
}

Test(compare_stats, mean_and_margin)
{
	static const double values[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
	struct compare_moments moments = { 0 };
	add_all(&moments, values, 8);
	cr_expect(fabs(moments.mean - 5) < 1e-12, "mean %g", moments.mean);
	cr_expect(fabs(moments.squares - 32) < 1e-9, "squares %g", moments.squares);
	double margin = 2.3646 * sqrt(32.0 / 7 / 8); /* t of 7 degrees */
	cr_expect(fabs(compare_moments_margin(&moments) - margin) < 1e-3, "margin %g, expected %g",
		compare_moments_margin(&moments), margin);
}

/* Variances 3 and 12 of 9 values each: standard error sqrt(15 / 9), 8 · 225 / 153 = 11.76 degrees, t = 2.184. */
Test(compare_stats, welch_by_hand)
{
	struct compare_moments a = { .n = 9, .mean = 100, .squares = 24 }, b = { .n = 9, .mean = 110, .squares = 96 };
	struct compare_interval there = compare_welch(&a, &b), back = compare_welch(&b, &a);
	double margin = 2.1837 * sqrt(15.0 / 9);
	cr_expect(fabs(there.high - 10 - margin) < 2e-3, "10 + %g, expected 10 + %g", there.high - 10, margin);
	cr_expect(there.is_known && compare_is_beyond_noise(&there));
	cr_expect(back.delta == -there.delta && back.low == -there.high && back.high == -there.low,
		"%g %g %g is not the opposite of %g %g %g", back.low, back.delta, back.high, there.low, there.delta, there.high);
}

Test(compare_stats, the_edges)
{
	struct compare_moments one = { .n = 1, .mean = 5 }, many = { .n = 4, .mean = 7 }, same = { .n = 4, .mean = 7 };
	struct compare_interval interval = compare_welch(&one, &many);
	cr_expect(!interval.is_known && isinf(interval.low) && isinf(interval.high) && !compare_is_beyond_noise(&interval));
	interval = compare_welch(&many, &same);
	cr_expect(interval.is_known && interval.low == 0 && interval.high == 0 && !compare_is_beyond_noise(&interval));
	same.mean = 8;
	interval = compare_welch(&many, &same);
	cr_expect(interval.low == 1 && interval.high == 1 && compare_is_beyond_noise(&interval), "%g to %g", interval.low,
		interval.high);
}
