/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_stats: see the header.
 */
#include "traces/compare_stats.h"

#include <math.h>

#define NORMAL_QUANTILE 1.959963984540054 /* 2.5 % of the normal distribution lie above it */

void compare_moments_add(struct compare_moments *moments, double value)
{
	double off = value - moments->mean;
	moments->n++;
	moments->mean += off / (double)moments->n;
	moments->squares += off * (value - moments->mean);
}

/* Squared standard error of the mean; n must be at least 2. */
static double squared_error(const struct compare_moments *moments)
{
	return moments->squares / (double)(moments->n - 1) / (double)moments->n;
}

double compare_moments_margin(const struct compare_moments *moments)
{
	return moments->n < 2 ? 0 : compare_t_quantile((double)(moments->n - 1)) * sqrt(squared_error(moments));
}

double compare_t_quantile(double freedom)
{
	const double z = NORMAL_QUANTILE, z2 = z * z;
	const double terms[] = {
		z * (z2 + 1) / 4,
		z * ((5 * z2 + 16) * z2 + 3) / 96,
		z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384,
		z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160,
	};
	double t = z, power = 1;
	for (int i = 0; i < 4; i++) {
		power *= freedom;
		t += terms[i] / power;
	}
	return t;
}

struct compare_interval compare_welch(const struct compare_moments *a, const struct compare_moments *b)
{
	struct compare_interval interval = { .delta = b->mean - a->mean, .low = -INFINITY, .high = INFINITY };
	if (a->n < 2 || b->n < 2)
		return interval;
	double left = squared_error(a), right = squared_error(b), both = left + right;
	double margin = 0;
	if (both > 0) {
		double freedom = both * both / (left * left / (double)(a->n - 1) + right * right / (double)(b->n - 1));
		margin = compare_t_quantile(freedom) * sqrt(both);
	}
	interval.low = interval.delta - margin;
	interval.high = interval.delta + margin;
	interval.is_known = true;
	return interval;
}

bool compare_is_beyond_noise(const struct compare_interval *interval)
{
	return interval->low > 0 || interval->high < 0;
}
