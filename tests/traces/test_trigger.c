/* SPDX-License-Identifier: Apache-2.0
 *
 * The running median: exact to a sixteenth, silent at first, and it follows.
 */
#include "traces/trigger.h"

#include <criterion/criterion.h>

#include "engine/base/attributes.h"

static int64_t median_of(int64_t lower, int64_t upper, int n)
{
	static struct trigger_median median;
	median = (struct trigger_median){ .n = 0 };
	for (int i = 0; i < n; i++)
		trigger_median_add(&median, i % 2 ? lower : upper);
	return trigger_median_get(&median);
}

Test(trigger, median)
{
	static const int64_t values[] = { 0, 1, 15, 16, 17, 1000, 123456, 5000000, 1000000000, INT64_MAX / 2 };
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		int64_t median = median_of(values[i], values[i], 100), error = median - values[i];
		cr_expect(error <= values[i] / 16 && error >= -values[i] / 16, "median of %lld: %lld", (long long)values[i],
			(long long)median);
	}
	cr_expect(median_of(5, 5, TRIGGER_LEAST - 1) == 0, "too few");
	cr_expect(median_of(-7, -7, 100) == 0);
	int64_t between = median_of(1000, 9000, 1001);
	cr_expect(between >= 937 && between <= 9600, "%lld", (long long)between);
}

Test(trigger, median_follows)
{
	static struct trigger_median median;
	for (int i = 0; i < 100000; i++)
		trigger_median_add(&median, 1000);
	for (int i = 0; i < 2 * TRIGGER_WEIGHT; i++)
		trigger_median_add(&median, 50000);
	int64_t ns = trigger_median_get(&median);
	cr_expect(ns > 45000 && ns < 55000, "%lld", (long long)ns);
}
