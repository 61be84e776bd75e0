/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of tool/histogram.h against sorted values.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/attributes.h"
#include "tool/histogram.h"

#define VALUES 10000

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static const struct {
	const char *name;
	int64_t least;
	int bits; /* values are least + a random number of this many bits */
} cases[] = {
	{ "small", 0, 5 }, { "microseconds", 1000, 12 }, { "milliseconds", 1000000, 22 }, { "wide", 1, 50 }, { "huge", 1ll << 61, 60 },
};

Test(histogram, quantiles_are_near_the_true_ones)
{
	static int64_t values[VALUES];
	static struct histogram histogram;
	uint64_t state = 1;
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		histogram = (struct histogram){ 0 };
		for (int i = 0; i < VALUES; i++) {
			state = state * 6364136223846793005ull + 1442695040888963407ull;
			values[i] = cases[c].least + (int64_t)(state >> (64 - cases[c].bits));
			histogram_add(&histogram, values[i]);
		}
		qsort(values, VALUES, sizeof values[0], compare);
		cr_expect_eq(histogram.least, values[0]);
		cr_expect_eq(histogram.most, values[VALUES - 1]);
		for (double q = 0.01; q < 1; q += 0.07) {
			int64_t is = histogram_quantile(&histogram, q), wanted = values[(int)(q * VALUES + 0.5) - 1];
			cr_expect_float_eq((double)is, (double)wanted, (double)wanted * 0.009, "%s: quantile %g is %" PRId64
				", expected %" PRId64, cases[c].name, q, is, wanted);
		}
	}
}

Test(histogram, edges)
{
	static struct histogram histogram;
	cr_expect_eq(histogram_quantile(&histogram, 0.5), 0);
	histogram_add(&histogram, INT64_MAX);
	cr_expect_eq(histogram_quantile(&histogram, 0.5), INT64_MAX);
	histogram_add(&histogram, 0);
	cr_expect_eq(histogram_quantile(&histogram, 0), 0);
	cr_expect_eq(histogram_quantile(&histogram, 1), INT64_MAX);
	cr_expect_eq(histogram.n, 2);
}
