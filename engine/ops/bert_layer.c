/* SPDX-License-Identifier: Apache-2.0
 *
 * bert_layer: one encoder layer of BERT (Devlin et al. 2018), tensors named as in Hugging Face's BertModel. The rows of the
 * batch are worked on in blocks of whole sequences, so that scratch memory stays small and in the cache.
 */
#include "engine/ops/ops.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/attend.h"
#include "engine/ops/infer.h"
#include "engine/ops/weights.h"

#define BLOCK_ROWS 256   /* rows at once, unless one sequence has more */
#define CHUNK_COLUMNS 384 /* of the intermediate layer at once: both multiplications then run in the cache */
#define ROWS_UNIT 4      /* sgemm is slow on leftovers: few rows are padded to a multiple of this */
#define PADDED_ROWS_MAX 64
#define SEEDED_FACTOR 4  /* intermediate / hidden size of seeded weights */

/* X(NAME, name in the file, rows, columns); rows and columns: HIDDEN, INNER, or NONE for a vector. */
#define LAYER_MAP(X)                                                                     \
	X(QUERY, "attention.self.query.weight", HIDDEN, HIDDEN)                          \
	X(QUERY_BIAS, "attention.self.query.bias", HIDDEN, NONE)                         \
	X(KEY, "attention.self.key.weight", HIDDEN, HIDDEN)                              \
	X(KEY_BIAS, "attention.self.key.bias", HIDDEN, NONE)                             \
	X(VALUE, "attention.self.value.weight", HIDDEN, HIDDEN)                          \
	X(VALUE_BIAS, "attention.self.value.bias", HIDDEN, NONE)                         \
	X(OUTPUT, "attention.output.dense.weight", HIDDEN, HIDDEN)                       \
	X(OUTPUT_BIAS, "attention.output.dense.bias", HIDDEN, NONE)                      \
	X(OUTPUT_NORM, "attention.output.LayerNorm.weight", HIDDEN, NONE)                \
	X(OUTPUT_NORM_BIAS, "attention.output.LayerNorm.bias", HIDDEN, NONE)             \
	X(EXPAND, "intermediate.dense.weight", INNER, HIDDEN)                            \
	X(EXPAND_BIAS, "intermediate.dense.bias", INNER, NONE)                           \
	X(CONTRACT, "output.dense.weight", HIDDEN, INNER)                                \
	X(CONTRACT_BIAS, "output.dense.bias", HIDDEN, NONE)                              \
	X(NORM, "output.LayerNorm.weight", HIDDEN, NONE)                                 \
	X(NORM_BIAS, "output.LayerNorm.bias", HIDDEN, NONE)

enum layer_tensor {
#define X(name, file_name, rows, columns) LAYER_##name,
	LAYER_MAP(X)
#undef X
	LAYER_COUNT
};

enum layer_size { NONE, HIDDEN, INNER, SIZE_COUNT };

static const struct {
	const char *name;
	enum layer_size sizes[2];
} layer_tensors[LAYER_COUNT] = {
#define X(name, file_name, rows, columns) [LAYER_##name] = { file_name, { rows, columns } },
	LAYER_MAP(X)
#undef X
};

/* Scratch of one block: rows of the hidden size, padded. */
struct scratch {
	float *memory;
	float *x;                 /* the input, when it had to be padded */
	float *q, *k, *v, *mixed; /* attention */
	float *y, *z;             /* after attention; after the whole layer, before its LayerNorm */
	float *inner;             /* one chunk of the intermediate layer */
	float *scores;
};

struct layer {
	struct blas blas;
	struct weights *weights;
	const struct kernels *kernels;
	struct attend attend;
	float eps;
	int64_t hidden, inner;
	const float *tensors[LAYER_COUNT];
	struct scratch scratch;
};

static const struct op_param_spec layer_params[] = {
	{ "weights", OP_PARAM_TEXT, NULL, "safetensors file, or seeded:N" },
	{ "layer", OP_PARAM_INT, NULL, "which layer of the model, from 0" },
	{ "heads", OP_PARAM_INT, "12", "attention heads" },
	{ "eps", OP_PARAM_FLOAT, "1e-12", "added to the variance in LayerNorm" },
	{ 0 },
};
static const char *const layer_inputs[] = { "x", "mask", NULL };

/* -- weights ----------------------------------------------------------------------------------------------------------- */

static void tensor_name(const struct op_params *params, enum layer_tensor tensor, char *name, size_t size)
{
	snprintf(name, size, "encoder.layer.%" PRId64 ".%s", op_params_int(params, "layer"), layer_tensors[tensor].name);
}

/* The size of the intermediate layer. */
static int find_inner(const struct op_params *params, const struct weights *weights, int64_t hidden, int64_t *ret_inner,
	struct error *error)
{
	int64_t shape[2] = { WEIGHTS_ANY, hidden };
	char name[100];

	tensor_name(params, LAYER_EXPAND, name, sizeof(name));
	*ret_inner = SEEDED_FACTOR * hidden;
	if (weights_is_seeded(weights))
		return STATUS_OK;
	int status = weights_shape(weights, name, 2, shape, shape, error);
	*ret_inner = shape[0];
	return status;
}

/* Checks every tensor of the layer; fetches them too when `layer` is not NULL. */
static int visit_tensors(const struct op_params *params, struct weights *weights, int64_t hidden, struct layer *layer,
	struct error *error)
{
	int64_t sizes[SIZE_COUNT] = { [HIDDEN] = hidden };
	int status = find_inner(params, weights, hidden, &sizes[INNER], error);

	for (int i = 0; i < LAYER_COUNT && !status; i++) {
		int64_t shape[2] = { sizes[layer_tensors[i].sizes[0]], sizes[layer_tensors[i].sizes[1]] };
		int n_dims = layer_tensors[i].sizes[1] == NONE ? 1 : 2;
		struct tensor tensor = { 0 };
		char name[100];
		tensor_name(params, (enum layer_tensor)i, name, sizeof(name));
		if (!layer) {
			status = weights_shape(weights, name, n_dims, shape, shape, error);
			continue;
		}
		status = weights_get(weights, name, n_dims, shape, &tensor, error);
		layer->tensors[i] = tensor.data;
		layer->inner = sizes[INNER];
	}
	return status;
}

/* -- infer, setup ------------------------------------------------------------------------------------------------------ */

static int check_inputs(const struct op_infer *infer, int64_t *ret_hidden, struct error *error)
{
	int64_t heads = op_params_int(&infer->params, "heads");
	int status = infer_dtype(infer, 0, DTYPE_F32, error);

	if (!status)
		status = infer_n_dims(infer, 0, 3, 3, error);
	if (!status)
		status = infer_constant(infer, 0, 2, ret_hidden, error);
	if (!status && infer->n_inputs > 1)
		status = infer_dtype(infer, 1, DTYPE_F32, error);
	if (!status && infer->n_inputs > 1)
		status = infer_n_dims(infer, 1, 2, 2, error);
	for (int axis = 0; axis < 2 && !status && infer->n_inputs > 1; axis++)
		status = infer_equal_dim(infer, 0, axis, 1, axis, error);
	if (!status && (heads < 1 || *ret_hidden % heads))
		status = error_set(error, STATUS_GRAPH, "heads=%" PRId64 " does not divide the hidden size %" PRId64, heads,
			*ret_hidden);
	if (!status && op_params_int(&infer->params, "layer") < 0)
		status = error_set(error, STATUS_GRAPH, "layer=%" PRId64 ": layers are counted from 0",
			op_params_int(&infer->params, "layer"));
	return status;
}

static int layer_infer(struct op_infer *infer, struct error *error)
{
	struct weights *weights = NULL;
	int64_t hidden = 0;
	int status = check_inputs(infer, &hidden, error);

	if (!status)
		status = weights_open(op_params_text(&infer->params, "weights"), &weights, error);
	if (!status)
		status = visit_tensors(&infer->params, weights, hidden, NULL, error);
	weights_close(weights);
	return status ? status : infer_same(infer, error);
}

static void layer_teardown(void *state)
{
	struct layer *layer = state;
	weights_close(layer->weights);
	blas_close(&layer->blas);
	free(layer->scratch.memory);
	free(layer);
}

/* Sequences that one block holds. */
static int64_t block_sequences(int64_t length)
{
	return length >= BLOCK_ROWS ? 1 : BLOCK_ROWS / length;
}

static int64_t padded(int64_t n_rows)
{
	return n_rows < PADDED_ROWS_MAX ? (int64_t)round_up((size_t)n_rows, ROWS_UNIT) : n_rows;
}

/* Blocks of shorter sequences have at most BLOCK_ROWS rows. */
static int allocate_scratch(struct layer *layer, int64_t length_max, struct error *error)
{
	int64_t n_rows = length_max > BLOCK_ROWS ? length_max : BLOCK_ROWS;
	size_t row_floats = round_up((size_t)(n_rows * layer->hidden), 16), inner_floats = (size_t)n_rows * CHUNK_COLUMNS;
	float **rows[] = { &layer->scratch.x, &layer->scratch.q, &layer->scratch.k, &layer->scratch.v, &layer->scratch.mixed,
		&layer->scratch.y, &layer->scratch.z };
	size_t floats = ARRAY_LEN(rows) * row_floats + inner_floats + attend_scratch_floats(length_max, length_max);
	size_t bytes = round_up(floats * sizeof(float), TENSOR_ALIGN_BYTES);
	float *at = aligned_alloc(TENSOR_ALIGN_BYTES, bytes);

	if (!at)
		return error_set(error, STATUS_NO_MEMORY, "no memory for %zu bytes of scratch", bytes);
	layer->scratch.memory = at;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++, at += row_floats)
		*rows[i] = at;
	layer->scratch.inner = at;
	layer->scratch.scores = at + inner_floats;
	return STATUS_OK;
}

static int layer_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct layer *layer = calloc(1, sizeof(*layer));
	int64_t heads = op_params_int(&setup->params, "heads");
	int status;

	if (!layer)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of bert_layer");
	layer->kernels = kernels_get();
	layer->hidden = setup->inputs[0].shape[2];
	layer->eps = (float)op_params_float(&setup->params, "eps");
	layer->attend = (struct attend){ .blas = &layer->blas, .kernels = layer->kernels, .n_heads = heads,
		.head_size = layer->hidden / heads, .scale = 1 / sqrtf((float)(layer->hidden / heads)) };
	status = blas_open(setup->n_threads, &layer->blas, error);
	if (!status)
		status = weights_open(op_params_text(&setup->params, "weights"), &layer->weights, error);
	if (!status)
		status = visit_tensors(&setup->params, layer->weights, layer->hidden, layer, error);
	if (!status)
		status = allocate_scratch(layer, setup->inputs[0].shape[1], error);
	if (status) {
		layer_teardown(layer);
		return status;
	}
	*ret_state = layer;
	return STATUS_OK;
}

/* -- run --------------------------------------------------------------------------------------------------------------- */

/* y = x Wᵀ + b over rows of the hidden size. */
static void project(const struct layer *layer, const float *x, enum layer_tensor weight, enum layer_tensor bias, float *y,
	int64_t n_rows)
{
	int64_t n = layer->hidden;
	layer->kernels->fill_rows(y, n, layer->tensors[bias], n_rows, n);
	blas_sgemm(&layer->blas, true, n_rows, n, n, 1, x, n, layer->tensors[weight], n, 1, y, n);
}

static void clear_padding(const struct layer *layer, float *rows, int64_t n_rows, int64_t n_padded)
{
	memset(rows + n_rows * layer->hidden, 0, (size_t)((n_padded - n_rows) * layer->hidden) * sizeof(*rows));
}

/* scratch.mixed = attention of the block's sequences. `n_padded` rows are multiplied. */
static void mix(const struct layer *layer, const float *x, const float *mask, int64_t n_sequences, int64_t length,
	int64_t n_padded)
{
	const struct scratch *scratch = &layer->scratch;

	project(layer, x, LAYER_QUERY, LAYER_QUERY_BIAS, scratch->q, n_padded);
	project(layer, x, LAYER_KEY, LAYER_KEY_BIAS, scratch->k, n_padded);
	project(layer, x, LAYER_VALUE, LAYER_VALUE_BIAS, scratch->v, n_padded);
	for (int64_t i = 0; i < n_sequences; i++) {
		int64_t at = i * length * layer->hidden;
		attend_sequence(&layer->attend, scratch->q + at, scratch->k + at, scratch->v + at,
			mask ? mask + i * length : NULL, length, length, scratch->mixed + at, scratch->scores);
	}
	clear_padding(layer, scratch->mixed, n_sequences * length, n_padded);
}

/* scratch.z += gelu(scratch.y expand + bias) contract, a chunk of the intermediate columns at a time. */
static void feed_forward(const struct layer *layer, int64_t n_padded)
{
	const struct scratch *scratch = &layer->scratch;
	int64_t hidden = layer->hidden;

	for (int64_t at = 0; at < layer->inner; at += CHUNK_COLUMNS) {
		int64_t n = layer->inner - at < CHUNK_COLUMNS ? layer->inner - at : CHUNK_COLUMNS;
		layer->kernels->fill_rows(scratch->inner, n, layer->tensors[LAYER_EXPAND_BIAS] + at, n_padded, n);
		blas_sgemm(&layer->blas, true, n_padded, n, hidden, 1, scratch->y, hidden,
			layer->tensors[LAYER_EXPAND] + at * hidden, hidden, 1, scratch->inner, n);
		layer->kernels->gelu(scratch->inner, scratch->inner, n_padded * n);
		blas_sgemm(&layer->blas, true, n_padded, hidden, n, 1, scratch->inner, n,
			layer->tensors[LAYER_CONTRACT] + at, layer->inner, 1, scratch->z, hidden);
	}
}

/* `out` may be `x`: it is written after the last read. */
static void run_block(const struct layer *layer, const float *x, const float *mask, int64_t n_sequences, int64_t length,
	float *out)
{
	const struct scratch *scratch = &layer->scratch;
	const struct kernels *kernels = layer->kernels;
	int64_t n = layer->hidden, n_rows = n_sequences * length, n_padded = padded(n_rows);
	const float *padded_x = x;

	if (n_padded != n_rows) {
		memcpy(scratch->x, x, (size_t)(n_rows * n) * sizeof(*x));
		clear_padding(layer, scratch->x, n_rows, n_padded);
		padded_x = scratch->x;
	}
	mix(layer, padded_x, mask, n_sequences, length, n_padded);
	kernels->add_rows(scratch->y, x, layer->tensors[LAYER_OUTPUT_BIAS], n_rows, n);
	clear_padding(layer, scratch->y, n_rows, n_padded);
	blas_sgemm(
		&layer->blas, true, n_padded, n, n, 1, scratch->mixed, n, layer->tensors[LAYER_OUTPUT], n, 1, scratch->y, n);
	kernels->layernorm(scratch->y, scratch->y, layer->tensors[LAYER_OUTPUT_NORM], layer->tensors[LAYER_OUTPUT_NORM_BIAS],
		layer->eps, n_rows, n);
	kernels->add_rows(scratch->z, scratch->y, layer->tensors[LAYER_CONTRACT_BIAS], n_rows, n);
	clear_padding(layer, scratch->z, n_rows, n_padded);
	feed_forward(layer, n_padded);
	kernels->layernorm(
		out, scratch->z, layer->tensors[LAYER_NORM], layer->tensors[LAYER_NORM_BIAS], layer->eps, n_rows, n);
}

static int layer_run(struct op_run *run)
{
	const struct layer *layer = run->state;
	const float *x = run->inputs[0].data, *mask = run->n_inputs > 1 ? run->inputs[1].data : NULL;
	float *y = run->outputs[0].data;
	int64_t n_sequences = run->inputs[0].shape[0], length = run->inputs[0].shape[1];
	int64_t n_at_once = length > 0 ? block_sequences(length) : n_sequences;

	for (int64_t i = 0; i < n_sequences && length > 0; i += n_at_once) {
		int64_t n = n_sequences - i < n_at_once ? n_sequences - i : n_at_once;
		int64_t at = i * length * layer->hidden;
		run_block(layer, x + at, mask ? mask + i * length : NULL, n, length, y + at);
	}
	return STATUS_OK;
}

const struct op op_bert_layer = {
	.name = "bert_layer",
	.summary = "one encoder layer of BERT: attention and feed-forward, each with residual and LayerNorm",
	.n_inputs_min = 1,
	.n_inputs_max = 2,
	.input_names = layer_inputs,
	.params = layer_params,
	.caps = OP_INPLACE,
	.infer = layer_infer,
	.setup = layer_setup,
	.run = layer_run,
	.teardown = layer_teardown,
};
