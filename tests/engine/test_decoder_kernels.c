/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/decoder_kernels.c and decoder_kernels_set.c: every set that can run here against plain loops, and
 * that a row's bits do not depend on its company.
 */
#include "engine/ops/decoder_kernels.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"

#define FLOATS_MOST 40000

static float x[FLOATS_MOST], w[FLOATS_MOST], y[FLOATS_MOST], z[FLOATS_MOST];

static const char *const set_names[] = { "base", "x86-64-v3" };

/* The next set that can run here, from *at on; NULL at the end. */
static const struct decoder_kernels *next_set(size_t *at)
{
	while (*at < ARRAY_LEN(set_names)) {
		const char *name = set_names[(*at)++];
		const struct decoder_kernels *set = kernels_find(name) ? decoder_kernels_find(name) : NULL;
		if (set)
			return set;
	}
	return NULL;
}

static void fill(float *values, int phase)
{
	for (int i = 0; i < FLOATS_MOST; i++)
		values[i] = (float)sin(i * 0.7 + phase);
}

Test(decoder_kernels, go_with_those_of_kernels)
{
	cr_expect_str_eq(decoder_kernels_get()->name, kernels_get()->name);
	cr_expect_null(decoder_kernels_find("none"));
}

/* Strides beyond the row show that nothing else is touched. */
static const struct {
	int m, n, k, ldx, ldw, ldy;
	bool adds;
} products[] = {
	{ 1, 1, 1, 1, 1, 1, false }, { 1, 5, 7, 7, 7, 5, false }, { 2, 6, 8, 9, 8, 7, true }, { 3, 4, 9, 9, 11, 4, false },
	{ 4, 3, 16, 16, 16, 3, true }, { 7, 9, 33, 40, 33, 9, false }, { 5, 1, 64, 64, 64, 2, true }, { 9, 40, 900, 900, 900, 40, true },
};

static void check_product(const struct decoder_kernels *set, size_t at)
{
	int m = products[at].m, n = products[at].n, k = products[at].k;
	fill(x, 0);
	fill(w, 1);
	fill(y, 2);
	memcpy(z, y, sizeof y);
	set->multiply(y, products[at].ldy, x, products[at].ldx, w, products[at].ldw, m, n, k, products[at].adds);
	for (int i = 0; i < m; i++) {
		for (int j = 0; j < products[at].ldy; j++) {
			int here = i * products[at].ldy + j;
			double wanted = j < n && !products[at].adds ? 0 : z[here];
			for (int t = 0; j < n && t < k; t++)
				wanted += (double)x[i * products[at].ldx + t] * w[j * products[at].ldw + t];
			cr_expect_float_eq(y[here], wanted, 1e-4, "%s, product %d: [%d,%d] is %g, expected %g", set->name, (int)at, i, j,
				y[here], wanted);
		}
	}
	cr_expect_float_eq(y[m * products[at].ldy], z[m * products[at].ldy], 0, "%s, product %d: written behind the end", set->name, (int)at);
}

Test(decoder_kernels, multiply)
{
	size_t at = 0;
	for (const struct decoder_kernels *set; (set = next_set(&at));) {
		for (size_t i = 0; i < ARRAY_LEN(products); i++)
			check_product(set, i);
	}
}

/* Alone, in company, in any place, from any address: the same bits. */
Test(decoder_kernels, a_row_has_the_same_bits_in_any_company)
{
	static const int lengths[] = { 1, 6, 8, 13, 64, 250 };
	size_t at = 0;
	fill(x, 0);
	fill(w, 1);
	for (const struct decoder_kernels *set; (set = next_set(&at));) {
		for (size_t l = 0; l < ARRAY_LEN(lengths); l++) {
			int k = lengths[l], n = 11;
			for (int m = 1; m <= 9; m++) {
				set->multiply(y, n, x, k, w, k, m, n, k, false);
				for (int i = 0; i < m; i++) {
					memcpy(z + 3, x + i * k, (size_t)k * sizeof *x);
					for (int j = 0; j < n; j++) {
						float alone;
						set->multiply(&alone, 1, z + 3, k, w + j * k, k, 1, 1, k, false);
						cr_assert_eq(memcmp(&alone, &y[i * n + j], sizeof alone), 0, "%s, %d rows of %d: [%d,%d] is %.9g,"
							" alone %.9g", set->name, m, k, i, j, y[i * n + j], alone);
					}
				}
			}
		}
	}
}

Test(decoder_kernels, mix)
{
	size_t at = 0;
	fill(x, 0);
	fill(w, 1);
	for (const struct decoder_kernels *set; (set = next_set(&at));) {
		for (int n = 1; n < 80; n += 13) {
			int n_rows = n * 2, ldv = n + 3;
			set->mix(y, x, w, ldv, n_rows, n);
			for (int i = 0; i < n; i++) {
				double wanted = 0;
				for (int j = 0; j < n_rows; j++)
					wanted += (double)x[j] * w[j * ldv + i];
				cr_expect_float_eq(y[i], wanted, 1e-5, "%s, %d elements: [%d] is %g, expected %g", set->name, n, i, y[i], wanted);
			}
		}
	}
}

Test(decoder_kernels, rmsnorm)
{
	size_t at = 0;
	fill(x, 0);
	fill(w, 1);
	for (const struct decoder_kernels *set; (set = next_set(&at));) {
		int n_rows = 3, n = 21;
		memcpy(y, x, sizeof x);
		set->rmsnorm(y, y, w, 0.25f, n_rows, n);
		for (int i = 0; i < n_rows * n; i++) {
			double squares = 0;
			for (int k = i / n * n; k < i / n * n + n; k++)
				squares += (double)x[k] * x[k];
			double wanted = x[i] / sqrt(squares / n + 0.25) * w[i % n];
			cr_expect_float_eq(y[i], wanted, 1e-6, "%s: [%d] is %g, expected %g", set->name, i, y[i], wanted);
		}
	}
}

Test(decoder_kernels, gate)
{
	size_t at = 0;
	fill(x, 0);
	fill(w, 1);
	for (int i = 0; i < 600; i++)
		x[i] *= i < 300 ? 5 : 100;
	for (const struct decoder_kernels *set; (set = next_set(&at));) {
		set->gate(y, x, w, kernels_find(set->name)->exp, 600);
		for (int i = 0; i < 600; i++) {
			double wanted = x[i] / (1 + exp(-(double)x[i])) * w[i];
			cr_expect_float_eq(y[i], wanted, 2e-6 * fmax(1, fabs(wanted)), "%s: [%d] of %g is %g, expected %g", set->name, i, x[i], y[i],
				wanted);
		}
	}
}

Test(decoder_kernels, rotate)
{
	static const float angles[4] = { 0.6f, 0.8f, 0.8f, -0.6f }; /* (cos, sin): (0.6, 0.8) and (0.8, -0.6) */
	static const float in[8] = { 1, 2, 3, 4, 10, 0, 0, 10 };
	static const float out[8] = { -1.8f, 4, 2.6f, 2, 6, 6, 8, 8 };
	size_t at = 0;
	for (const struct decoder_kernels *set; (set = next_set(&at));) {
		for (int in_place = 0; in_place < 2; in_place++) {
			memcpy(y, in, sizeof in);
			set->rotate(in_place ? y : z, y, angles, 2, 4);
			for (int i = 0; i < 8; i++)
				cr_expect_float_eq((in_place ? y : z)[i], out[i], 1e-6, "%s: [%d] is %g, expected %g", set->name, i,
					(in_place ? y : z)[i], out[i]);
		}
	}
}
