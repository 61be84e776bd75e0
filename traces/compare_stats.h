/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_stats: means of two samples and how far apart they may be. Welch's t interval (B. L. Welch, "The generalization of
 * `Student's' problem when several different population variances are involved", Biometrika 34, 1947).
 */
#ifndef TANDEM_TRACES_COMPARE_STATS_H
#define TANDEM_TRACES_COMPARE_STATS_H

#include <stdbool.h>
#include <stdint.h>

/* Running mean and sum of squared deviations (Welford). Starts as zeros. */
struct compare_moments {
	int64_t n;
	double mean, squares;
};

void compare_moments_add(struct compare_moments *moments, double value);

/* Half the width of the 95 % interval of the mean; 0 with fewer than two values. */
double compare_moments_margin(const struct compare_moments *moments);

/* The 95 % interval of b's mean minus a's. Unknown (not is_known, bounds infinite) with fewer than two values on a
 * side; then it holds everything. */
struct compare_interval {
	double delta, low, high;
	bool is_known;
};

struct compare_interval compare_welch(const struct compare_moments *a, const struct compare_moments *b);

/* Whether 0 lies outside the interval. */
bool compare_is_beyond_noise(const struct compare_interval *interval);

/* The t with 2.5 % of Student's distribution of `freedom` (≥ 1) degrees above it: Abramowitz and Stegun, Handbook of
 * Mathematical Functions, 26.7.5; within 0.1 % from 4 degrees on. */
double compare_t_quantile(double freedom);

#endif
