/* SPDX-License-Identifier: Apache-2.0
 *
 * decoder_kernels_set: one set of the decoder's inner loops. Compiled once for each instruction set beside
 * kernels_set.c, whose TANDEM_KERNELS_SYMBOL gives this one its name with "decoder_" in front. The lanes of a sum are
 * written out (as a vector of eight), so that no compiler chooses another order for one number of rows than for
 * another.
 */
#include "engine/ops/decoder_kernels.h"

#include <math.h>
#include <string.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define SYMBOL JOIN(decoder_, TANDEM_KERNELS_SYMBOL)

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#define LANES 8
#define EXP_AT_ONCE 256
#define BLOCK_FLOATS 32768 /* of w at once: 128 KiB */

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

extern const struct decoder_kernels SYMBOL;

ALWAYS_INLINE void load(lanes *ret_lanes, const float *x, size_t bytes)
{
	lanes loaded = { 0 };
	memcpy(&loaded, x, bytes);
	*ret_lanes = loaded;
}

static inline float add_up(const lanes *sum)
{
	const lanes s = *sum;
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* Adds the products of one stretch of `bytes`, at most eight elements, of m rows of x and n rows of w. */
ALWAYS_INLINE void tile_step(lanes sums[4][4], const float *x, int64_t ldx, const float *w, int64_t ldw, int m, int n,
	size_t bytes)
{
	lanes xs[4], row;

	for (int i = 0; i < m; i++)
		load(&xs[i], x + i * ldx, bytes);
	for (int j = 0; j < n; j++) {
		load(&row, w + j * ldw, bytes);
		for (int i = 0; i < m; i++)
			sums[i][j] += xs[i] * row;
	}
}

/* The products of m rows of x with n rows of w; both numbers are constants where it is called, so that all sums stay in
 * registers. What is left behind the last eight elements is filled up with zeros. */
ALWAYS_INLINE void tile(float *y, int64_t ldy, const float *x, int64_t ldx, const float *w, int64_t ldw, int m, int n,
	int64_t k, bool adds)
{
	lanes sums[4][4] = { 0 };
	int64_t at = 0;

	for (; at + LANES <= k; at += LANES)
		tile_step(sums, x + at, ldx, w + at, ldw, m, n, sizeof(lanes));
	if (at < k)
		tile_step(sums, x + at, ldx, w + at, ldw, m, n, (size_t)(k - at) * sizeof(float));
	for (int i = 0; i < m; i++) {
		for (int j = 0; j < n; j++) {
			float sum = add_up(&sums[i][j]);
			y[i * ldy + j] = adds ? y[i * ldy + j] + sum : sum;
		}
	}
}

static void multiply_four(float *y, int64_t ldy, const float *x, int64_t ldx, const float *w, int64_t ldw, int64_t n,
	int64_t k, bool adds)
{
	int64_t j = 0;
	for (; j + 2 <= n; j += 2)
		tile(y + j, ldy, x, ldx, w + j * ldw, ldw, 4, 2, k, adds);
	for (; j < n; j++)
		tile(y + j, ldy, x, ldx, w + j * ldw, ldw, 4, 1, k, adds);
}

static void multiply_two(float *y, int64_t ldy, const float *x, int64_t ldx, const float *w, int64_t ldw, int64_t n,
	int64_t k, bool adds)
{
	int64_t j = 0;
	for (; j + 4 <= n; j += 4)
		tile(y + j, ldy, x, ldx, w + j * ldw, ldw, 2, 4, k, adds);
	for (; j < n; j++)
		tile(y + j, ldy, x, ldx, w + j * ldw, ldw, 2, 1, k, adds);
}

static void multiply_one(float *y, const float *x, const float *w, int64_t ldw, int64_t n, int64_t k, bool adds)
{
	int64_t j = 0;
	for (; j + 4 <= n; j += 4)
		tile(y + j, 0, x, 0, w + j * ldw, ldw, 1, 4, k, adds);
	for (; j < n; j++)
		tile(y + j, 0, x, 0, w + j * ldw, ldw, 1, 1, k, adds);
}

/* Rows of w are taken in blocks that stay in the cache while all rows of x pass. */
static void multiply(float *y, int64_t ldy, const float *x, int64_t ldx, const float *w, int64_t ldw, int64_t m, int64_t n,
	int64_t k, bool adds)
{
	int64_t block = BLOCK_FLOATS / (k + 1) / 4 * 4 + 4;

	for (int64_t j = 0; j < n; j += block) {
		int64_t n_now = n - j < block ? n - j : block, i = 0;
		const float *rows = w + j * ldw;
		for (; i + 4 <= m; i += 4)
			multiply_four(y + i * ldy + j, ldy, x + i * ldx, ldx, rows, ldw, n_now, k, adds);
		for (; i + 2 <= m; i += 2)
			multiply_two(y + i * ldy + j, ldy, x + i * ldx, ldx, rows, ldw, n_now, k, adds);
		if (i < m)
			multiply_one(y + i * ldy + j, x + i * ldx, rows, ldw, n_now, k, adds);
	}
}

/* n_lanes · 8 elements of mix; a constant where it is called. */
ALWAYS_INLINE void mix_part(float *y, const float *weights, const float *v, int64_t ldv, int64_t n_rows, int n_lanes)
{
	lanes sums[4] = { 0 }, row;

	for (int64_t j = 0; j < n_rows; j++) {
		for (int i = 0; i < n_lanes; i++) {
			load(&row, v + j * ldv + i * LANES, sizeof(lanes));
			sums[i] += weights[j] * row;
		}
	}
	memcpy(y, sums, (size_t)n_lanes * sizeof(lanes));
}

static void mix(float *y, const float *weights, const float *v, int64_t ldv, int64_t n_rows, int64_t n)
{
	int64_t at = 0;

	for (; at + 4 * LANES <= n; at += 4 * LANES)
		mix_part(y + at, weights, v + at, ldv, n_rows, 4);
	for (; at + LANES <= n; at += LANES)
		mix_part(y + at, weights, v + at, ldv, n_rows, 1);
	for (; at < n; at++) {
		float sum = 0;
		for (int64_t j = 0; j < n_rows; j++)
			sum += weights[j] * v[j * ldv + at];
		y[at] = sum;
	}
}

static void rmsnorm(float *y, const float *x, const float *weight, float eps, int64_t n_rows, int64_t n)
{
	for (int64_t row = 0; row < n_rows; row++, x += n, y += n) {
		float squares;
		tile(&squares, 0, x, 0, x, 0, 1, 1, n, false);
		float scale = 1.0f / sqrtf(squares / (float)n + eps);
		for (int64_t i = 0; i < n; i++)
			y[i] = x[i] * scale * weight[i];
	}
}

static void gate(float *y, const float *gates, const float *up, kernel_unary_fn *exp_all, int64_t n)
{
	float power[EXP_AT_ONCE];

	for (int64_t at = 0; at < n; at += EXP_AT_ONCE) {
		int64_t n_now = n - at < EXP_AT_ONCE ? n - at : EXP_AT_ONCE;
		for (int64_t i = 0; i < n_now; i++)
			power[i] = -gates[at + i];
		exp_all(power, power, n_now);
		for (int64_t i = 0; i < n_now; i++)
			y[at + i] = gates[at + i] / (1.0f + power[i]) * up[at + i];
	}
}

static void rotate(float *y, const float *x, const float *angles, int64_t n_heads, int64_t size)
{
	int64_t half = size / 2;

	for (int64_t head = 0; head < n_heads; head++, x += size, y += size) {
		for (int64_t i = 0; i < half; i++) {
			float a = x[i], b = x[i + half];
			y[i] = a * angles[i] - b * angles[i + half];
			y[i + half] = b * angles[i] + a * angles[i + half];
		}
	}
}

const struct decoder_kernels SYMBOL = {
	.name = TANDEM_KERNELS_NAME,
	.multiply = multiply,
	.mix = mix,
	.rmsnorm = rmsnorm,
	.gate = gate,
	.rotate = rotate,
};
