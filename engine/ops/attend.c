/* SPDX-License-Identifier: Apache-2.0
 *
 * attend: attention, a block of queries at a time so that the scores stay in the cache.
 */
#include "engine/ops/attend.h"

#include "engine/base/attributes.h"

#define QUERIES_AT_ONCE 128
#define MASKED_SCORE -1e30f

static int64_t bias_floats(int64_t n_keys)
{
	return (int64_t)round_up((size_t)n_keys, 16);
}

size_t attend_scratch_floats(int64_t n_queries, int64_t n_keys)
{
	int64_t n_at_once = n_queries < QUERIES_AT_ONCE ? n_queries : QUERIES_AT_ONCE;
	return (size_t)(bias_floats(n_keys) + n_at_once * n_keys);
}

void attend_sequence(const struct attend *attend, const float *q, const float *k, const float *v, const float *mask,
	int64_t n_queries, int64_t n_keys, float *y, float *scratch)
{
	int64_t size = attend->head_size, stride = attend->n_heads * size;
	float *bias = scratch, *scores = scratch + bias_floats(n_keys);

	for (int64_t i = 0; mask && i < n_keys; i++)
		bias[i] = (1 - mask[i]) * MASKED_SCORE;
	for (int64_t at = 0; at < n_queries; at += QUERIES_AT_ONCE) {
		int64_t n = n_queries - at < QUERIES_AT_ONCE ? n_queries - at : QUERIES_AT_ONCE;
		for (int64_t head = 0; head < attend->n_heads; head++) {
			const float *head_q = q + at * stride + head * size;
			float *head_y = y + at * stride + head * size;
			blas_sgemm(attend->blas, true, n, n_keys, size, 1, head_q, stride, k + head * size, stride, 0,
				scores, n_keys);
			attend->kernels->softmax(scores, scores, attend->scale, mask ? bias : NULL, n, n_keys);
			blas_sgemm(attend->blas, false, n, size, n_keys, 1, scores, n_keys, v + head * size, stride, 0,
				head_y, stride);
		}
	}
}
