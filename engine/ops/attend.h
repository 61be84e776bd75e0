/* SPDX-License-Identifier: Apache-2.0
 *
 * attend: scaled dot-product attention of one sequence, shared by the ops attention and bert_layer.
 */
#ifndef TANDEM_ENGINE_OPS_ATTEND_H
#define TANDEM_ENGINE_OPS_ATTEND_H

#include <stddef.h>
#include <stdint.h>

#include "engine/ops/blas.h"
#include "engine/ops/kernels.h"

struct attend {
	const struct blas *blas;
	const struct kernels *kernels;
	int64_t n_heads, head_size;
	float scale; /* of the scores; usually 1/√head_size */
};

/* Floats of scratch that attend_sequence needs for sequences up to these lengths. */
size_t attend_scratch_floats(int64_t n_queries, int64_t n_keys);

/* y[n_queries, heads · size] = softmax(scale Q Kᵀ + (1 - mask) · -1e30) V for each head. q, k, v and y are rows of heads ·
 * head_size elements; `mask` [n_keys] holds 1 for keys that count and 0 for others; NULL: all count. */
void attend_sequence(const struct attend *attend, const float *q, const float *k, const float *v, const float *mask,
	int64_t n_queries, int64_t n_keys, float *y, float *scratch);

#endif
