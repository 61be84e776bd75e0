/* SPDX-License-Identifier: Apache-2.0
 *
 * decoder_kernels: the inner loops that only the decoder has, compiled once for the plain instruction set and once for
 * wider vectors, as those of kernels.h. All f32. Every sum is made in eight lanes, in an order that depends on its
 * length alone: not on addresses, threads, or how many rows are computed together. A row's bits are therefore the same
 * in any company.
 */
#ifndef TANDEM_ENGINE_OPS_DECODER_KERNELS_H
#define TANDEM_ENGINE_OPS_DECODER_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/ops/kernels.h"

struct decoder_kernels {
	const char *name; /* as that of the struct kernels it goes with */

	/* Y[m, n] = X[m, k] Wᵀ with W[n, k], added to Y when `adds`; ld: elements from row to row. Made for few rows of
	 * X: reads W once for every four of them. */
	void (*multiply)(float *y, int64_t ldy, const float *x, int64_t ldx, const float *w, int64_t ldw, int64_t m,
		int64_t n, int64_t k, bool adds);
	/* y[n] = Σ weights[j] v[j, :] over n_rows rows, `ldv` elements apart. */
	void (*mix)(float *y, const float *weights, const float *v, int64_t ldv, int64_t n_rows, int64_t n);
	/* Each row over the root of its mean square (eps added to that), times weight. y may be x. */
	void (*rmsnorm)(float *y, const float *x, const float *weight, float eps, int64_t n_rows, int64_t n);
	/* y = gate / (1 + e^-gate) · up: SwiGLU (Shazeer 2020). y may be either. */
	void (*gate)(float *y, const float *gate, const float *up, kernel_unary_fn *exp, int64_t n);
	/* Rotary position embedding (Su et al. 2021) of n_heads heads of `size` elements: element i is turned with
	 * element i + size/2; `angles`: size/2 cosines, then size/2 sines. y may be x. */
	void (*rotate)(float *y, const float *x, const float *angles, int64_t n_heads, int64_t size);
};

/* Those that go with kernels_get(). */
const struct decoder_kernels *decoder_kernels_get(void);

/* The set with this name, NULL when it was not built. Whether it can run here is kernels_find's to say. */
const struct decoder_kernels *decoder_kernels_find(const char *name);

#endif
