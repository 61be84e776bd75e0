/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/kernels.h: every set that was built, against double precision.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/ops/kernels.h"

static const char *const set_names[] = { "base", "x86-64-v3" };

/* Runs `check` for each set; a set that cannot run here is left out. */
static void for_each_set(void (*check)(const struct kernels *kernels))
{
	for (size_t i = 0; i < ARRAY_LEN(set_names); i++) {
		const struct kernels *kernels = kernels_find(set_names[i]);
		if (kernels)
			check(kernels);
	}
}

Test(kernels, the_base_set_is_always_there)
{
	cr_expect_not_null(kernels_get());
	cr_expect_not_null(kernels_find("base"));
	cr_expect_null(kernels_find("avx9000"));
}

/* Largest error over a fine grid of arguments, by `measure`. */
static double worst_error(kernel_unary_fn *fn, double from, double to, double (*measure)(double x, double y))
{
	enum { N = 1000 };
	static float x[N], y[N];
	double worst = 0;

	for (int block = 0; block < 200; block++) {
		for (int i = 0; i < N; i++)
			x[i] = (float)(from + (to - from) * (block * N + i) / (200.0 * N));
		fn(y, x, N);
		for (int i = 0; i < N; i++)
			worst = fmax(worst, measure((double)x[i], (double)y[i]));
	}
	return worst;
}

static double exp_error(double x, double y)
{
	return fabs(y / exp(x) - 1);
}

static double gelu_error(double x, double y)
{
	return fabs(y - 0.5 * x * (1 + erf(x / sqrt(2)))) / fmax(1, fabs(x));
}

static void check_accuracy(const struct kernels *kernels)
{
	double e = worst_error(kernels->exp, -87, 88, exp_error), g = worst_error(kernels->gelu, -12, 12, gelu_error);
	cr_expect_lt(e, 2e-7, "%s: exp is off by %g", kernels->name, e);
	cr_expect_lt(g, 4e-7, "%s: gelu is off by %g", kernels->name, g);
}

Test(kernels, functions_are_accurate)
{
	for_each_set(check_accuracy);
}

static void check_extremes(const struct kernels *kernels)
{
	const float x[] = { -INFINITY, -1000, -88, 0, 1000, NAN };
	float y[ARRAY_LEN(x)];

	kernels->exp(y, x, ARRAY_LEN(x));
	cr_expect(y[0] == 0 && y[1] == 0 && y[2] == 0 && y[3] == 1, "%s: exp of small: %g %g %g, of 0: %g", kernels->name,
		y[0], y[1], y[2], y[3]);
	cr_expect(
		isfinite(y[4]) && y[4] > 1e38 && isnan(y[5]), "%s: exp of large: %g, of NaN: %g", kernels->name, y[4], y[5]);
	kernels->gelu(y, x, ARRAY_LEN(x));
	cr_expect(y[1] == 0 && y[4] == 1000 && isnan(y[5]), "%s: gelu of -1000: %g, 1000: %g, NaN: %g", kernels->name, y[1],
		y[4], y[5]);
	kernels->relu(y, x, ARRAY_LEN(x));
	cr_expect(y[1] == 0 && y[4] == 1000 && isnan(y[5]), "%s: relu of -1000: %g, 1000: %g, NaN: %g", kernels->name, y[1],
		y[4], y[5]);
}

Test(kernels, extremes_and_nan)
{
	for_each_set(check_extremes);
}

#define ROW_MAX 70

/* All row kernels on one row of n elements at `offset` floats from an aligned address; results behind each other in y. */
static void run_rows(const struct kernels *kernels, int64_t n, int offset, float *y)
{
	static float memory[2][4 * ROW_MAX + 64] CACHE_ALIGNED;
	float *x = memory[0] + offset, *weight = x + ROW_MAX, *bias = weight + ROW_MAX, *out = memory[1] + offset;

	for (int64_t i = 0; i < n; i++) {
		x[i] = sinf((float)i * 1.7f) * 3;
		weight[i] = cosf((float)i);
		bias[i] = (float)(i % 5) * 0.3f;
	}
	kernels->layernorm(out, x, weight, bias, 1e-5f, 1, n);
	memcpy(y, out, (size_t)n * sizeof(*y));
	kernels->softmax(out, x, 0.7f, bias, 1, n);
	memcpy(y + n, out, (size_t)n * sizeof(*y));
	kernels->normalise(out, x, 1e-12f, 1, n);
	memcpy(y + 2 * n, out, (size_t)n * sizeof(*y));
	kernels->mean_rows(out, x, weight, 1, n);
	memcpy(y + 3 * n, out, (size_t)n * sizeof(*y));
	kernels->gelu(out, x, n);
	memcpy(y + 4 * n, out, (size_t)n * sizeof(*y));
}

static void check_rows(const struct kernels *kernels)
{
	float y[5 * ROW_MAX], shifted[5 * ROW_MAX];

	for (int64_t n = 1; n <= ROW_MAX; n++) {
		run_rows(kernels, n, 0, y);
		for (int offset = 1; offset < 16; offset++) {
			run_rows(kernels, n, offset, shifted);
			cr_expect_arr_eq(y, shifted, (size_t)(5 * n) * sizeof(*y),
				"%s: rows of %" PRId64 " differ at offset %d", kernels->name, n, offset);
		}
		double mean = 0, square = 0, total = 0;
		float x[ROW_MAX];
		for (int64_t i = 0; i < n; i++) {
			x[i] = sinf((float)i * 1.7f) * 3;
			mean += x[i];
			square += (double)x[i] * x[i];
			total += exp(x[i] * 0.7 + (double)(i % 5) * 0.3f);
		}
		mean /= (double)n;
		double deviation = sqrt(square / (double)n - mean * mean + 1e-5);
		for (int64_t i = 0; i < n; i++) {
			double w = cosf((float)i), b = (double)((float)(i % 5) * 0.3f);
			double expected[] = { (x[i] - mean) / deviation * w + b, exp(x[i] * 0.7 + b) / total,
				x[i] / fmax(sqrt(square), 1e-12) };
			for (int k = 0; k < 3; k++) {
				double is = y[k * n + i];
				/* a row of one element has a deviation of √eps only, which single precision sees as it is */
				cr_expect(fabs(is - expected[k]) <= 4e-6,
					"%s: kernel %d, element %" PRId64 " of %" PRId64 ": %.9g, expected %.9g",
					kernels->name, k, i, n, is, expected[k]);
			}
		}
	}
}

Test(kernels, rows_are_right_at_every_length_and_alignment)
{
	for_each_set(check_rows);
}

static void check_masked(const struct kernels *kernels)
{
	const float x[4] = { 1, 500, 1, 1 }, bias[4] = { 0, -1e30f, 0, -1e30f },
		    all_masked[4] = { -1e30f, -1e30f, -1e30f, -1e30f };
	float y[4];

	kernels->softmax(y, x, 1, bias, 1, 4);
	cr_expect(y[0] == 0.5f && y[1] == 0 && y[2] == 0.5f && y[3] == 0, "%s: %g %g %g %g, expected 0.5 0 0.5 0",
		kernels->name, y[0], y[1], y[2], y[3]);
	kernels->softmax(y, x, 1, all_masked, 1, 4);
	for (int i = 0; i < 4; i++)
		cr_expect_eq(y[i], 0.25f, "%s: all masked: element %d is %g, expected 0.25", kernels->name, i, y[i]);
}

Test(kernels, masked_scores_weigh_nothing)
{
	for_each_set(check_masked);
}
