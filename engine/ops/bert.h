/* SPDX-License-Identifier: Apache-2.0
 *
 * bert: what the ops that compute an encoder layer of BERT (Devlin et al. 2018), or a part of one, share: its tensors, named as
 * in Hugging Face's BertModel, scratch memory, and the two products. A part has some of the attention heads and some of the
 * columns of the intermediate layer; the results of all parts add up to the whole. The rows of the batch are worked on in blocks
 * of whole sequences, so that scratch memory stays small and in the cache.
 */
#ifndef TANDEM_ENGINE_OPS_BERT_H
#define TANDEM_ENGINE_OPS_BERT_H

#include "engine/graph/op.h"
#include "engine/ops/attend.h"
#include "engine/ops/blas.h"
#include "engine/ops/kernels.h"
#include "engine/ops/weights.h"

#define BERT_BLOCK_ROWS 256 /* rows at once, unless one sequence has more */

/* Groups of tensors, as bits: an op visits those that it needs. */
enum bert_group {
	BERT_ATTENTION = 1 << 0,
	BERT_ATTENTION_NORM = 1 << 1,
	BERT_FEED_FORWARD = 1 << 2,
	BERT_OUTPUT_NORM = 1 << 3,
	BERT_ALL = (1 << 4) - 1,
};

/* X(NAME, group, name in the file, rows, columns); rows and columns: HIDDEN, INNER, or NONE for a vector. */
#define BERT_TENSOR_MAP(X)                                                                              \
	X(QUERY, ATTENTION, "attention.self.query.weight", HIDDEN, HIDDEN)                              \
	X(QUERY_BIAS, ATTENTION, "attention.self.query.bias", HIDDEN, NONE)                             \
	X(KEY, ATTENTION, "attention.self.key.weight", HIDDEN, HIDDEN)                                  \
	X(KEY_BIAS, ATTENTION, "attention.self.key.bias", HIDDEN, NONE)                                 \
	X(VALUE, ATTENTION, "attention.self.value.weight", HIDDEN, HIDDEN)                              \
	X(VALUE_BIAS, ATTENTION, "attention.self.value.bias", HIDDEN, NONE)                             \
	X(PROJECT, ATTENTION, "attention.output.dense.weight", HIDDEN, HIDDEN)                          \
	X(PROJECT_BIAS, ATTENTION, "attention.output.dense.bias", HIDDEN, NONE)                         \
	X(ATTENTION_NORM, ATTENTION_NORM, "attention.output.LayerNorm.weight", HIDDEN, NONE)            \
	X(ATTENTION_NORM_BIAS, ATTENTION_NORM, "attention.output.LayerNorm.bias", HIDDEN, NONE)         \
	X(EXPAND, FEED_FORWARD, "intermediate.dense.weight", INNER, HIDDEN)                             \
	X(EXPAND_BIAS, FEED_FORWARD, "intermediate.dense.bias", INNER, NONE)                            \
	X(CONTRACT, FEED_FORWARD, "output.dense.weight", HIDDEN, INNER)                                 \
	X(CONTRACT_BIAS, FEED_FORWARD, "output.dense.bias", HIDDEN, NONE)                               \
	X(OUTPUT_NORM, OUTPUT_NORM, "output.LayerNorm.weight", HIDDEN, NONE)                            \
	X(OUTPUT_NORM_BIAS, OUTPUT_NORM, "output.LayerNorm.bias", HIDDEN, NONE)

enum bert_tensor {
#define X(name, group, file_name, rows, columns) BERT_TENSOR_##name,
	BERT_TENSOR_MAP(X)
#undef X
	BERT_TENSOR_COUNT
};

/* Scratch of one block: rows of the hidden size, padded. */
struct bert_scratch {
	float *memory;
	float *x;                 /* the input, when it had to be padded */
	float *q, *k, *v, *mixed; /* attention: rows of the part's heads */
	float *y, *z;             /* after attention; after the feed-forward */
	float *inner;             /* one chunk of the intermediate layer */
	float *scores;
};

struct bert {
	struct blas blas;
	struct weights *weights;
	const struct kernels *kernels;
	struct attend attend;                    /* over the part's heads */
	float eps;
	bool is_first;                           /* part 0: the one that adds biases of the sum */
	int64_t hidden, inner;
	int64_t first_feature, n_features;       /* of the hidden size: those of the part's heads */
	int64_t first_column, n_columns;         /* of the intermediate layer: the part's */
	const float *tensors[BERT_TENSOR_COUNT]; /* NULL for groups that were not asked for */
	struct bert_scratch scratch;
};

/* Item `part` of n_items cut into `parts` runs that differ by at most one. */
static inline int64_t bert_part_start(int64_t n_items, int64_t part, int64_t parts)
{
	return n_items * part / parts;
}

/* For `infer`: input 0 is f32[B, L, hidden], input 1, if there, a mask f32[B, L]; `layer`, and `heads` where the op has it, fit;
 * the tensors of `groups` are there. */
int bert_infer(struct op_infer *infer, unsigned groups, bool has_heads, struct error *error);

/* A state for part `part` of `parts` with the tensors of `groups`; with scratch memory when they are more than norms. On failure
 * nothing is kept. */
int bert_create(const struct op_setup *setup, unsigned groups, int64_t part, int64_t parts, struct bert **ret_bert,
	struct error *error);
void bert_destroy(void *bert); /* serves as `teardown` */

/* A block of whole sequences, `n_padded` ≥ n_sequences · length rows of which are multiplied: sgemm is slow on leftovers. */
struct bert_block {
	int64_t n_sequences, length, n_rows, n_padded;
};

/* Calls `run` for one block after the other; x, mask (may be NULL) and y at its first row. */
typedef void bert_block_fn(const struct bert *bert, const struct bert_block *block, const float *x, const float *mask, float *y);
void bert_for_blocks(const struct op_run *run, bert_block_fn *run_block);

/* x as rows that may be multiplied: x itself, or scratch.x with zeros behind. */
const float *bert_pad(const struct bert *bert, const struct bert_block *block, const float *x);
void bert_clear_padding(const struct bert *bert, const struct bert_block *block, float *rows, int64_t n);

/* y += (attention of the part's heads over padded rows x) times its columns of the output projection. */
void bert_attend(const struct bert *bert, const struct bert_block *block, const float *x, const float *mask, float *y);

/* z += gelu(y expand + bias) contract over the part's columns. */
void bert_feed_forward(const struct bert *bert, const struct bert_block *block, const float *y, float *z);

#endif
