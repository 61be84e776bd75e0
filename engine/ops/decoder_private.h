/* SPDX-License-Identifier: Apache-2.0
 *
 * decoder_private: the state behind decoder.h; for decoder.c and decoder_forward.c only.
 */
#ifndef TANDEM_ENGINE_OPS_DECODER_PRIVATE_H
#define TANDEM_ENGINE_OPS_DECODER_PRIVATE_H

#include "engine/ops/decoder.h"

#define DECODER_QUERIES_AT_ONCE 16 /* of one sequence, whose scores stay in the cache */

struct decoder_layer {
	const float *tensors[DECODER_TENSOR_COUNT];
};

/* Rows of one pass. */
struct decoder_scratch {
	float *memory;
	float *x, *normed;          /* [rows, hidden] the residual stream; what goes into the next product */
	float *q, *mixed;           /* [rows, hidden] */
	float *k, *v;               /* [rows, kv] */
	float *gate, *up;           /* [rows, inner] */
	float *scores;              /* [DECODER_QUERIES_AT_ONCE, positions] */
	float *last, *logits;       /* [sequences, hidden], [sequences, vocabulary] */
	float *shares;              /* [vocabulary] */
};

struct decoder {
	struct decoder_sizes sizes;
	struct weights *weights;
	const struct kernels *kernels;
	const struct decoder_kernels *own;
	float eps, temperature;
	float scale;                /* of the scores: 1/√head_size */
	uint64_t seed;
	struct decoder_layer *layers;
	const float *embedding, *norm, *head;
	float *angles;              /* [positions, head_size] as struct decoder_kernels wants them */
	struct decoder_scratch scratch;
};

/* Allocates the scratch memory. */
int decoder_scratch_init(struct decoder *decoder, int64_t n_rows, int64_t n_sequences, int64_t n_positions,
	struct error *error);

#endif
