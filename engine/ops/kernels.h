/* SPDX-License-Identifier: Apache-2.0
 *
 * kernels: the inner loops of the ops, compiled once for the plain instruction set and once for wider vectors; kernels_get
 * picks at run time. All f32 unless a dtype is named; rows are contiguous; `y` may be the first input. The order of every
 * sum depends on the length alone, never on alignment, so that equal inputs give equal bits.
 */
#ifndef TANDEM_ENGINE_OPS_KERNELS_H
#define TANDEM_ENGINE_OPS_KERNELS_H

#include <stdint.h>

#include "engine/base/tensor.h"

/* X(dtype, C type) */
#define KERNEL_DTYPES_MAP(X) \
	X(F32, float) X(F64, double) X(I8, int8_t) X(U8, uint8_t) X(I32, int32_t) X(I64, int64_t)

/* X(NAME, name, expression of elements a and b). A NaN in either gives NaN. Integer division by 0 is the caller's to
 * prevent. */
#define KERNEL_BINARY_MAP(X)                 \
	X(ADD, add, a + b)                   \
	X(SUB, sub, a - b)                   \
	X(MUL, mul, a * b)                   \
	X(DIV, div, a / b)                   \
	X(MIN, min, a < b || a != a ? a : b)          \
	X(MAX, max, a > b || a != a ? a : b)

enum kernel_binary {
#define X(name, word, expression) KERNEL_##name,
	KERNEL_BINARY_MAP(X)
#undef X
	KERNEL_BINARY_COUNT
};

/* y[i] = a[i] ∘ b[i], or y[i] = a[i] ∘ b[0]. */
typedef void kernel_binary_fn(void *y, const void *a, const void *b, int64_t n);
/* y[i] = f(x[i]) */
typedef void kernel_unary_fn(float *y, const float *x, int64_t n);

struct kernels {
	const char *name; /* "base", "x86-64-v3" */

	kernel_binary_fn *binary[KERNEL_BINARY_COUNT][DTYPE_COUNT];
	kernel_binary_fn *binary_scalar[KERNEL_BINARY_COUNT][DTYPE_COUNT];
	void (*add_one[DTYPE_COUNT])(void *y, const void *x, int64_t n);

	kernel_unary_fn *relu;
	kernel_unary_fn *gelu; /* x/2 (1 + erf(x/√2)); off by less than 4e-7 max(1, |x|) */
	kernel_unary_fn *exp;  /* relative error below 2e-7; 0 below -87, e^88 above 88 */

	/* y[i, :] = bias for n_rows rows that lie `stride` elements apart. */
	void (*fill_rows)(float *y, int64_t stride, const float *bias, int64_t n_rows, int64_t n);
	/* y[i, :] = x[i, :] + bias */
	void (*add_rows)(float *y, const float *x, const float *bias, int64_t n_rows, int64_t n);
	/* y = a + b + c, one row */
	void (*sum3)(float *y, const float *a, const float *b, const float *c, int64_t n);
	/* Each row to mean 0 and variance 1 (eps added to the variance), then times weight plus bias; NULL: 1 and 0. */
	void (*layernorm)(
		float *y, const float *x, const float *weight, const float *bias, float eps, int64_t n_rows, int64_t n);
	/* Each row: exp(scale x + bias) over its sum, shifted by the largest; bias is the same for all rows, NULL: 0. */
	void (*softmax)(float *y, const float *x, float scale, const float *bias, int64_t n_rows, int64_t n);
	/* Each row over max(its L2 norm, eps). */
	void (*normalise)(float *y, const float *x, float eps, int64_t n_rows, int64_t n);
	/* y = Σ weight[i] x[i, :] over max(Σ weight[i], 1e-9); weight NULL: all 1. */
	void (*mean_rows)(float *y, const float *x, const float *weight, int64_t n_rows, int64_t n);
};

/* The fastest set that this machine can run. Never NULL. */
const struct kernels *kernels_get(void);

/* The set with this name, NULL when it was not built or cannot run here. */
const struct kernels *kernels_find(const char *name);

#endif
