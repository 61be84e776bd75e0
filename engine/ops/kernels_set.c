/* SPDX-License-Identifier: Apache-2.0
 *
 * kernels_set: one set of inner loops. Compiled once for each instruction set, with TANDEM_KERNELS_SYMBOL and
 * TANDEM_KERNELS_NAME saying which. Reductions are marked for vectorising by `omp simd` (no OpenMP run time is needed),
 * which fixes their order.
 */
#include "engine/ops/kernels.h"

#include <math.h>
#include <string.h>

extern const struct kernels TANDEM_KERNELS_SYMBOL;

/* -- elements ---------------------------------------------------------------------------------------------------------- */

#define BINARY_KERNEL(word, type, expression)                                            \
	static void word##_##type(void *y, const void *x, const void *z, int64_t n)      \
	{                                                                                \
		for (int64_t i = 0; i < n; i++) {                                        \
			type a = ((const type *)x)[i], b = ((const type *)z)[i];         \
			((type *)y)[i] = (type)(expression);                             \
		}                                                                        \
	}                                                                                \
	static void word##_scalar_##type(void *y, const void *x, const void *z, int64_t n) \
	{                                                                                \
		type b = *(const type *)z;                                               \
		for (int64_t i = 0; i < n; i++) {                                        \
			type a = ((const type *)x)[i];                                   \
			((type *)y)[i] = (type)(expression);                             \
		}                                                                        \
	}

#define X(name, word, expression)                   \
	BINARY_KERNEL(word, float, expression)      \
	BINARY_KERNEL(word, double, expression)     \
	BINARY_KERNEL(word, int8_t, expression)     \
	BINARY_KERNEL(word, uint8_t, expression)    \
	BINARY_KERNEL(word, int32_t, expression)    \
	BINARY_KERNEL(word, int64_t, expression)
KERNEL_BINARY_MAP(X)
#undef X

#define X(name, type)                                                     \
	static void add_one_##type(void *y, const void *x, int64_t n)     \
	{                                                                 \
		for (int64_t i = 0; i < n; i++)                           \
			((type *)y)[i] = (type)(((const type *)x)[i] + 1); \
	}
KERNEL_DTYPES_MAP(X)
#undef X

static void relu(float *y, const float *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = x[i] < 0 ? 0 : x[i];
}

/* e^x = 2^k e^r with r in ±ln(2)/2. The polynomial is a minimax fit of e^r (relative error 3e-9) with exact first terms;
 * adding 1.5·2^23 rounds to an integer and leaves it in the low bits. */
static inline float exp_one(float x)
{
	const float shift = 12582912.0f;
	float clamped = x > 88.0f ? 88.0f : x; /* a NaN stays one */
	clamped = clamped < -87.0f ? -87.0f : clamped;
	float rounded = clamped * 1.44269504f + shift;
	float k = rounded - shift;
	float r = clamped - k * 0.693359375f;
	r += k * 2.12194440e-4f;
	float p = 0.0013814539435f;
	p = p * r + 0.0083687451761f;
	p = p * r + 0.0416683907992f;
	p = p * r + 0.1666652039832f;
	p = p * r + 0.4999999343205f;
	p = p * (r * r) + r + 1.0f;
	int32_t bits;
	memcpy(&bits, &rounded, sizeof(bits));
	bits = (int32_t)((uint32_t)bits << 23) + 0x3f800000;
	float power;
	memcpy(&power, &bits, sizeof(power));
	return x < -87.0f ? 0 : p * power;
}

static void exp_all(float *y, const float *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = exp_one(x[i]);
}

/* A minimax fit x P(x²)/Q(x²) on [0, 3.9] (relative error 2e-8), beyond which erf is 1 in single precision. */
static inline float erf_one(float x)
{
	float clamped = x > 3.9f ? 3.9f : x;
	clamped = clamped < -3.9f ? -3.9f : clamped;
	float t = clamped * clamped;
	float p = 2.066705066746e-6f;
	p = p * t + 2.850481371110e-4f;
	p = p * t + 3.737462822451e-3f;
	p = p * t + 5.266534478836e-2f;
	p = p * t + 1.896454120134e-1f;
	p = p * t + 1.128379147878f;
	float q = 3.827171066556e-5f;
	q = q * t + 1.157173655359e-3f;
	q = q * t + 1.491249189211e-2f;
	q = q * t + 1.138101944628e-1f;
	q = q * t + 5.014016554164e-1f;
	q = q * t + 1.0f;
	return clamped * p / q;
}

static void gelu(float *y, const float *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = 0.5f * x[i] * (1.0f + erf_one(x[i] * 0.70710678f));
}

/* -- rows -------------------------------------------------------------------------------------------------------------- */

static void fill_rows(float *y, int64_t stride, const float *bias, int64_t n_rows, int64_t n)
{
	for (int64_t row = 0; row < n_rows; row++)
		memcpy(y + row * stride, bias, (size_t)n * sizeof(*y));
}

static void add_rows(float *y, const float *x, const float *bias, int64_t n_rows, int64_t n)
{
	for (int64_t row = 0; row < n_rows; row++, x += n, y += n) {
		for (int64_t i = 0; i < n; i++)
			y[i] = x[i] + bias[i];
	}
}

static void sum3(float *y, const float *a, const float *b, const float *c, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = a[i] + b[i] + c[i];
}

static float sum(const float *x, int64_t n)
{
	float total = 0;
#pragma omp simd reduction(+ : total)
	for (int64_t i = 0; i < n; i++)
		total += x[i];
	return total;
}

static float sum_of_squares(const float *x, float centre, int64_t n)
{
	float total = 0;
#pragma omp simd reduction(+ : total)
	for (int64_t i = 0; i < n; i++)
		total += (x[i] - centre) * (x[i] - centre);
	return total;
}

static void layernorm(float *y, const float *x, const float *weight, const float *bias, float eps, int64_t n_rows, int64_t n)
{
	for (int64_t row = 0; row < n_rows; row++, x += n, y += n) {
		float mean = sum(x, n) / (float)n;
		float scale = 1.0f / sqrtf(sum_of_squares(x, mean, n) / (float)n + eps);
		if (!weight || !bias) {
			for (int64_t i = 0; i < n; i++)
				y[i] = (x[i] - mean) * scale * (weight ? weight[i] : 1) + (bias ? bias[i] : 0);
			continue;
		}
		for (int64_t i = 0; i < n; i++)
			y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
	}
}

#define LANES 8

/* Comparisons of floats are no reduction that every compiler vectorises: lanes by hand. */
static float largest_of(const float *x, int64_t n)
{
	float lanes[LANES];
	int64_t i = 0;

	for (int lane = 0; lane < LANES; lane++)
		lanes[lane] = -INFINITY;
	for (; i + LANES <= n; i += LANES) {
		for (int lane = 0; lane < LANES; lane++)
			lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];
	}
	for (; i < n; i++)
		lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
	for (int lane = 1; lane < LANES; lane++)
		lanes[0] = lanes[lane] > lanes[0] ? lanes[lane] : lanes[0];
	return lanes[0];
}

static void softmax_row(float *y, const float *x, float scale, int64_t n)
{
	float largest = largest_of(x, n), total = 0;
#pragma omp simd reduction(+ : total)
	for (int64_t i = 0; i < n; i++) {
		y[i] = exp_one((x[i] - largest) * scale);
		total += y[i];
	}
	float inverse = 1.0f / total;
	for (int64_t i = 0; i < n; i++)
		y[i] *= inverse;
}

static void softmax(float *y, const float *x, float scale, const float *bias, int64_t n_rows, int64_t n)
{
	for (int64_t row = 0; row < n_rows; row++, x += n, y += n) {
		if (!bias) {
			softmax_row(y, x, scale, n);
			continue;
		}
		for (int64_t i = 0; i < n; i++)
			y[i] = x[i] * scale + bias[i];
		softmax_row(y, y, 1, n);
	}
}

static void normalise(float *y, const float *x, float eps, int64_t n_rows, int64_t n)
{
	for (int64_t row = 0; row < n_rows; row++, x += n, y += n) {
		float norm = sqrtf(sum_of_squares(x, 0, n));
		float inverse = 1.0f / (norm > eps ? norm : eps);
		for (int64_t i = 0; i < n; i++)
			y[i] = x[i] * inverse;
	}
}

static void mean_rows(float *y, const float *x, const float *weight, int64_t n_rows, int64_t n)
{
	float total = 0;
	memset(y, 0, (size_t)n * sizeof(*y));
	for (int64_t row = 0; row < n_rows; row++, x += n) {
		float w = weight ? weight[row] : 1;
		total += w;
		if (w == 0) /* whatever stands there, a NaN too, does not count */
			continue;
		for (int64_t i = 0; i < n; i++)
			y[i] += w * x[i];
	}
	float inverse = 1.0f / (total > 1e-9f ? total : 1e-9f);
	for (int64_t i = 0; i < n; i++)
		y[i] *= inverse;
}

#define BINARY_ROW(word, suffix)                                                       \
	{                                                                              \
		[DTYPE_F32] = word##suffix##_float, [DTYPE_F64] = word##suffix##_double, \
		[DTYPE_I8] = word##suffix##_int8_t, [DTYPE_U8] = word##suffix##_uint8_t, \
		[DTYPE_I32] = word##suffix##_int32_t, [DTYPE_I64] = word##suffix##_int64_t, \
	},

const struct kernels TANDEM_KERNELS_SYMBOL = {
	.name = TANDEM_KERNELS_NAME,
	.binary = {
#define X(name, word, expression) [KERNEL_##name] = BINARY_ROW(word, )
		KERNEL_BINARY_MAP(X)
#undef X
	},
	.binary_scalar = {
#define X(name, word, expression) [KERNEL_##name] = BINARY_ROW(word, _scalar)
		KERNEL_BINARY_MAP(X)
#undef X
	},
	.add_one = {
#define X(name, type) [DTYPE_##name] = add_one_##type,
		KERNEL_DTYPES_MAP(X)
#undef X
	},
	.relu = relu,
	.gelu = gelu,
	.exp = exp_all,
	.fill_rows = fill_rows,
	.add_rows = add_rows,
	.sum3 = sum3,
	.layernorm = layernorm,
	.softmax = softmax,
	.normalise = normalise,
	.mean_rows = mean_rows,
};
