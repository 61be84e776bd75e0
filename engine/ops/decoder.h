/* SPDX-License-Identifier: Apache-2.0
 *
 * decoder: what prefill and decode share: a transformer decoder in the manner of Llama (Touvron et al. 2023): RMSNorm
 * before each part, rotary positions, causal attention in which groups of query heads may share keys and values,
 * SwiGLU, a head that may be the embedding. Tensors are named as in Hugging Face's LlamaForCausalLM. All f32.
 *
 * Prefill and decode are the same function over the same kernels: a token's keys, values and logits have the same bits
 * whether its sequence was computed at once or token by token, alone or beside others, whatever the number of threads.
 */
#ifndef TANDEM_ENGINE_OPS_DECODER_H
#define TANDEM_ENGINE_OPS_DECODER_H

#include "engine/graph/op.h"
#include "engine/ops/decoder_kernels.h"
#include "engine/ops/weights.h"

struct decoder_sizes {
	int64_t layers, hidden, heads, kv_heads, inner, vocabulary;
	int64_t head_size; /* hidden / heads, even */
	int64_t kv;        /* kv_heads · head_size: keys, or values, of one token in one layer */
	bool is_tied;      /* logits come from the embedding, there is no lm_head */
};

/* X(NAME, name in the file behind "layers.N.", rows, columns); sizes as in struct decoder_sizes, ONE for a vector. */
#define DECODER_TENSOR_MAP(X)                                           \
	X(INPUT_NORM, "input_layernorm.weight", ONE, HIDDEN)            \
	X(QUERY, "self_attn.q_proj.weight", HIDDEN, HIDDEN)             \
	X(KEY, "self_attn.k_proj.weight", KV, HIDDEN)                   \
	X(VALUE, "self_attn.v_proj.weight", KV, HIDDEN)                 \
	X(PROJECT, "self_attn.o_proj.weight", HIDDEN, HIDDEN)           \
	X(INNER_NORM, "post_attention_layernorm.weight", ONE, HIDDEN)   \
	X(GATE, "mlp.gate_proj.weight", INNER, HIDDEN)                  \
	X(UP, "mlp.up_proj.weight", INNER, HIDDEN)                      \
	X(DOWN, "mlp.down_proj.weight", HIDDEN, INNER)

enum decoder_tensor {
#define X(name, file_name, rows, columns) DECODER_##name,
	DECODER_TENSOR_MAP(X)
#undef X
	DECODER_TENSOR_COUNT
};

/* Rows of a struct op_param_spec array: the model's parameters. */
#define DECODER_PARAMS                                                                                       \
	{ "weights", OP_PARAM_TEXT, NULL, "safetensors file, or seeded:N" },                                 \
	{ "heads", OP_PARAM_INT, NULL, "attention heads; no file says how many" },                           \
	{ "kv_heads", OP_PARAM_INT, "0", "heads of keys and values; 0: as the file has them, all when seeded" }, \
	{ "layers", OP_PARAM_INT, "0", "0: as the file has them, 2 when seeded" },                           \
	{ "hidden", OP_PARAM_INT, "0", "hidden size; 0: as in the file, 128 when seeded" },                  \
	{ "inner", OP_PARAM_INT, "0", "size inside the feed-forward; 0: as in the file, 4 hidden when seeded" }, \
	{ "vocab", OP_PARAM_INT, "0", "vocabulary; 0: as in the file, 1000 when seeded" },                   \
	{ "tied", OP_PARAM_BOOL, "false", "logits from the embedding also where there is an lm_head" },      \
	{ "eps", OP_PARAM_FLOAT, "1e-5", "added to the mean square in RMSNorm" },                            \
	{ "theta", OP_PARAM_FLOAT, "10000", "base of the rotary positions' wavelengths" },                   \
	{ "temperature", OP_PARAM_FLOAT, "0", "0: the likeliest token; above: drawn, from the run's seed" }

/* For `infer`: the parameters make sense and all tensors are there. Reads nothing but the file's header. */
int decoder_check(const struct op_params *params, struct decoder_sizes *ret_sizes, struct error *error);

/* One sequence in a forward pass: `n_rows` tokens at positions position … position + n_rows - 1, all before them
 * already in the cache. Its cache is [layers, 2, capacity, kv]: keys, then values; that of position p is row p. */
struct decoder_sequence {
	const int32_t *tokens; /* [n_rows] inside the vocabulary */
	int64_t n_rows, position;
	float *cache;          /* the new tokens' rows are written */
	int64_t capacity;      /* position + n_rows at most */
};

struct decoder;

/* A model for up to `n_rows_most` rows, of up to n_sequences_most sequences, in one pass, and positions below
 * n_positions. On failure nothing is kept. */
int decoder_create(const struct op_setup *setup, int64_t n_rows_most, int64_t n_sequences_most, int64_t n_positions,
	struct decoder **ret_decoder, struct error *error);
void decoder_destroy(struct decoder *decoder); /* accepts NULL */
const struct decoder_sizes *decoder_sizes(const struct decoder *decoder);

/* Computes all rows of all sequences. Returns the logits [n_sequences, vocabulary] of each one's last row, valid until
 * the next call. */
const float *decoder_forward(struct decoder *decoder, const struct decoder_sequence *sequences, int64_t n_sequences);

/* The token that follows from one row of logits: the likeliest, the lowest of equals; or with a temperature one drawn
 * with a random number that depends on the run's seed, the request and the token's place in the sequence alone. -1 when
 * the logits are no numbers. */
int32_t decoder_pick(const struct decoder *decoder, const float *logits, int64_t request, int64_t position);

/* Floats of a cache. */
int64_t decoder_cache_floats(const struct decoder_sizes *sizes, int64_t capacity);

/* The three numbers that go with a cache from prefill to decode. */
enum decoder_handover {
	DECODER_REQUEST, /* counted from 0; -1: nothing is handed over, the cache is not written */
	DECODER_LENGTH,  /* of the prompt: so many positions of the cache are written */
	DECODER_FIRST,   /* the first new token */
	DECODER_HANDOVER_COUNT
};

#endif
