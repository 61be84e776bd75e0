/* SPDX-License-Identifier: Apache-2.0
 *
 * bert: tensors, scratch and products of an encoder layer or a part of one.
 */
#include "engine/ops/bert.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/infer.h"

#define CHUNK_COLUMNS 384 /* of the intermediate layer at once: both multiplications then run in the cache */
#define ROWS_UNIT 4       /* few rows are padded to a multiple of this */
#define PADDED_ROWS_MAX 64
#define SEEDED_FACTOR 4   /* intermediate / hidden size of seeded weights */

enum bert_size { NONE, HIDDEN, INNER, SIZE_COUNT };

static const struct {
	const char *name;
	enum bert_group group;
	enum bert_size sizes[2];
} tensors[BERT_TENSOR_COUNT] = {
#define X(name, group, file_name, rows, columns) [BERT_TENSOR_##name] = { file_name, BERT_##group, { rows, columns } },
	BERT_TENSOR_MAP(X)
#undef X
};

/* -- weights ----------------------------------------------------------------------------------------------------------- */

static void tensor_name(const struct op_params *params, enum bert_tensor tensor, char *name, size_t size)
{
	snprintf(name, size, "encoder.layer.%" PRId64 ".%s", op_params_int(params, "layer"), tensors[tensor].name);
}

/* The size of the intermediate layer. */
static int find_inner(const struct op_params *params, const struct weights *weights, int64_t hidden, int64_t *ret_inner,
	struct error *error)
{
	int64_t shape[2] = { WEIGHTS_ANY, hidden };
	char name[100];

	tensor_name(params, BERT_TENSOR_EXPAND, name, sizeof(name));
	*ret_inner = SEEDED_FACTOR * hidden;
	if (weights_is_seeded(weights))
		return STATUS_OK;
	int status = weights_shape(weights, name, 2, shape, shape, error);
	*ret_inner = shape[0];
	return status;
}

/* Checks the tensors of `groups`; fetches them too when `bert` is not NULL. */
static int visit_tensors(const struct op_params *params, struct weights *weights, unsigned groups, int64_t hidden,
	struct bert *bert, struct error *error)
{
	int64_t sizes[SIZE_COUNT] = { [HIDDEN] = hidden };
	int status = groups & BERT_FEED_FORWARD ? find_inner(params, weights, hidden, &sizes[INNER], error) : STATUS_OK;

	for (int i = 0; i < BERT_TENSOR_COUNT && !status; i++) {
		int64_t shape[2] = { sizes[tensors[i].sizes[0]], sizes[tensors[i].sizes[1]] };
		int n_dims = tensors[i].sizes[1] == NONE ? 1 : 2;
		struct tensor tensor = { 0 };
		char name[100];
		if (!(tensors[i].group & groups))
			continue;
		tensor_name(params, (enum bert_tensor)i, name, sizeof(name));
		if (!bert) {
			status = weights_shape(weights, name, n_dims, shape, shape, error);
			continue;
		}
		status = weights_get(weights, name, n_dims, shape, &tensor, error);
		bert->tensors[i] = tensor.data;
		bert->inner = sizes[INNER];
	}
	return status;
}

/* -- infer ------------------------------------------------------------------------------------------------------------- */

static int check_mask(const struct op_infer *infer, struct error *error)
{
	int status = infer_dtype(infer, 1, DTYPE_F32, error);
	if (!status)
		status = infer_n_dims(infer, 1, 2, 2, error);
	for (int axis = 0; axis < 2 && !status; axis++)
		status = infer_equal_dim(infer, 0, axis, 1, axis, error);
	return status;
}

static int check_params(const struct op_infer *infer, int64_t hidden, bool has_heads, struct error *error)
{
	int64_t heads = has_heads ? op_params_int(&infer->params, "heads") : 1;

	if (heads < 1 || hidden % heads)
		return error_set(error, STATUS_GRAPH, "heads=%" PRId64 " does not divide the hidden size %" PRId64, heads, hidden);
	if (op_params_int(&infer->params, "layer") < 0)
		return error_set(error, STATUS_GRAPH, "layer=%" PRId64 ": layers are counted from 0",
			op_params_int(&infer->params, "layer"));
	return STATUS_OK;
}

int bert_infer(struct op_infer *infer, unsigned groups, bool has_heads, struct error *error)
{
	bool has_mask = groups & BERT_ATTENTION && infer->n_inputs > 1;
	struct weights *weights = NULL;
	int64_t hidden = 0;
	int status = infer_dtype(infer, 0, DTYPE_F32, error);

	if (!status)
		status = infer_n_dims(infer, 0, 3, 3, error);
	if (!status)
		status = infer_constant(infer, 0, 2, &hidden, error);
	if (!status && has_mask)
		status = check_mask(infer, error);
	if (!status)
		status = check_params(infer, hidden, has_heads, error);
	if (!status)
		status = weights_open(op_params_text(&infer->params, "weights"), &weights, error);
	if (!status)
		status = visit_tensors(&infer->params, weights, groups, hidden, NULL, error);
	weights_close(weights);
	return status ? status : infer_same(infer, error);
}

/* -- create, destroy --------------------------------------------------------------------------------------------------- */

void bert_destroy(void *state)
{
	struct bert *bert = state;
	weights_close(bert->weights);
	blas_close(&bert->blas);
	free(bert->scratch.memory);
	free(bert);
}

/* Sequences that one block holds. */
static int64_t block_sequences(int64_t length)
{
	return length >= BERT_BLOCK_ROWS ? 1 : BERT_BLOCK_ROWS / length;
}

static int64_t padded(int64_t n_rows)
{
	return n_rows < PADDED_ROWS_MAX ? (int64_t)round_up((size_t)n_rows, ROWS_UNIT) : n_rows;
}

/* Blocks of shorter sequences have at most BERT_BLOCK_ROWS rows. */
static int allocate_scratch(struct bert *bert, int64_t length_max, struct error *error)
{
	int64_t n_rows = length_max > BERT_BLOCK_ROWS ? length_max : BERT_BLOCK_ROWS;
	struct bert_scratch *scratch = &bert->scratch;
	size_t row_floats = round_up((size_t)(n_rows * bert->hidden), 16), inner_floats = (size_t)n_rows * CHUNK_COLUMNS;
	float **rows[] = { &scratch->x, &scratch->q, &scratch->k, &scratch->v, &scratch->mixed, &scratch->y, &scratch->z };
	size_t floats = ARRAY_LEN(rows) * row_floats + inner_floats + attend_scratch_floats(length_max, length_max);
	size_t bytes = round_up(floats * sizeof(float), TENSOR_ALIGN_BYTES);
	float *at = aligned_alloc(TENSOR_ALIGN_BYTES, bytes);

	if (!at)
		return error_set(error, STATUS_NO_MEMORY, "no memory for %zu bytes of scratch", bytes);
	scratch->memory = at;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++, at += row_floats)
		*rows[i] = at;
	scratch->inner = at;
	scratch->scores = at + inner_floats;
	return STATUS_OK;
}

/* Which heads and which columns. */
static void take_part(struct bert *bert, int64_t heads, int64_t part, int64_t parts)
{
	int64_t head_size = bert->hidden / heads;
	int64_t first_head = bert_part_start(heads, part, parts), end_head = bert_part_start(heads, part + 1, parts);

	bert->is_first = part == 0;
	bert->first_feature = first_head * head_size;
	bert->n_features = (end_head - first_head) * head_size;
	bert->attend = (struct attend){ .blas = &bert->blas, .kernels = bert->kernels, .n_heads = end_head - first_head,
		.head_size = head_size, .scale = 1 / sqrtf((float)head_size) };
	bert->first_column = bert_part_start(bert->inner, part, parts);
	bert->n_columns = bert_part_start(bert->inner, part + 1, parts) - bert->first_column;
}

int bert_create(const struct op_setup *setup, unsigned groups, int64_t part, int64_t parts, struct bert **ret_bert,
	struct error *error)
{
	bool multiplies = groups & (BERT_ATTENTION | BERT_FEED_FORWARD);
	struct bert *bert = calloc(1, sizeof(*bert));
	int status = STATUS_OK;

	if (!bert)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of %s", setup->params.op->name);
	bert->kernels = kernels_get();
	bert->hidden = setup->inputs[0].shape[2];
	bert->eps = groups & (BERT_ATTENTION_NORM | BERT_OUTPUT_NORM) ? (float)op_params_float(&setup->params, "eps") : 0;
	if (multiplies)
		status = blas_open(setup->n_threads, &bert->blas, error);
	if (!status)
		status = weights_open(op_params_text(&setup->params, "weights"), &bert->weights, error);
	if (!status)
		status = visit_tensors(&setup->params, bert->weights, groups, bert->hidden, bert, error);
	if (!status && multiplies)
		status = allocate_scratch(bert, setup->inputs[0].shape[1], error);
	if (status) {
		bert_destroy(bert);
		return status;
	}
	take_part(bert, groups & BERT_ATTENTION ? op_params_int(&setup->params, "heads") : 1, part, parts);
	*ret_bert = bert;
	return STATUS_OK;
}

/* -- run --------------------------------------------------------------------------------------------------------------- */

void bert_for_blocks(const struct op_run *run, bert_block_fn *run_block)
{
	const struct bert *bert = run->state;
	const float *x = run->inputs[0].data, *mask = run->n_inputs > 1 ? run->inputs[1].data : NULL;
	float *y = run->outputs[0].data;
	int64_t n_sequences = run->inputs[0].shape[0], length = run->inputs[0].shape[1];
	int64_t n_at_once = length > 0 ? block_sequences(length) : n_sequences;

	for (int64_t i = 0; i < n_sequences && length > 0; i += n_at_once) {
		struct bert_block block = { .length = length };
		int64_t at = i * length * bert->hidden;
		block.n_sequences = n_sequences - i < n_at_once ? n_sequences - i : n_at_once;
		block.n_rows = block.n_sequences * length;
		block.n_padded = padded(block.n_rows);
		run_block(bert, &block, x + at, mask ? mask + i * length : NULL, y + at);
	}
}

void bert_clear_padding(const struct bert *bert, const struct bert_block *block, float *rows, int64_t n)
{
	memset(rows + block->n_rows * n, 0, (size_t)((block->n_padded - block->n_rows) * n) * sizeof(*rows));
}

const float *bert_pad(const struct bert *bert, const struct bert_block *block, const float *x)
{
	if (block->n_padded == block->n_rows)
		return x;
	memcpy(bert->scratch.x, x, (size_t)(block->n_rows * bert->hidden) * sizeof(*x));
	bert_clear_padding(bert, block, bert->scratch.x, bert->hidden);
	return bert->scratch.x;
}

/* y = x Wᵀ + b for the part's features. */
static void project(const struct bert *bert, const float *x, enum bert_tensor weight, enum bert_tensor bias, float *y,
	int64_t n_rows)
{
	int64_t n = bert->n_features;
	bert->kernels->fill_rows(y, n, bert->tensors[bias] + bert->first_feature, n_rows, n);
	blas_sgemm(&bert->blas, true, n_rows, n, bert->hidden, 1, x, bert->hidden,
		bert->tensors[weight] + bert->first_feature * bert->hidden, bert->hidden, 1, y, n);
}

void bert_attend(const struct bert *bert, const struct bert_block *block, const float *x, const float *mask, float *y)
{
	const struct bert_scratch *scratch = &bert->scratch;
	int64_t n = bert->n_features;

	project(bert, x, BERT_TENSOR_QUERY, BERT_TENSOR_QUERY_BIAS, scratch->q, block->n_padded);
	project(bert, x, BERT_TENSOR_KEY, BERT_TENSOR_KEY_BIAS, scratch->k, block->n_padded);
	project(bert, x, BERT_TENSOR_VALUE, BERT_TENSOR_VALUE_BIAS, scratch->v, block->n_padded);
	for (int64_t i = 0; i < block->n_sequences; i++) {
		int64_t at = i * block->length * n;
		attend_sequence(&bert->attend, scratch->q + at, scratch->k + at, scratch->v + at,
			mask ? mask + i * block->length : NULL, block->length, block->length, scratch->mixed + at,
			scratch->scores);
	}
	bert_clear_padding(bert, block, scratch->mixed, n);
	blas_sgemm(&bert->blas, true, block->n_padded, bert->hidden, n, 1, scratch->mixed, n,
		bert->tensors[BERT_TENSOR_PROJECT] + bert->first_feature, bert->hidden, 1, y, bert->hidden);
}

void bert_feed_forward(const struct bert *bert, const struct bert_block *block, const float *y, float *z)
{
	int64_t hidden = bert->hidden, end = bert->first_column + bert->n_columns;
	float *inner = bert->scratch.inner;

	for (int64_t at = bert->first_column; at < end; at += CHUNK_COLUMNS) {
		int64_t n = end - at < CHUNK_COLUMNS ? end - at : CHUNK_COLUMNS;
		bert->kernels->fill_rows(inner, n, bert->tensors[BERT_TENSOR_EXPAND_BIAS] + at, block->n_padded, n);
		blas_sgemm(&bert->blas, true, block->n_padded, n, hidden, 1, y, hidden,
			bert->tensors[BERT_TENSOR_EXPAND] + at * hidden, hidden, 1, inner, n);
		bert->kernels->gelu(inner, inner, block->n_padded * n);
		blas_sgemm(&bert->blas, true, block->n_padded, hidden, n, 1, inner, n,
			bert->tensors[BERT_TENSOR_CONTRACT] + at, bert->inner, 1, z, hidden);
	}
}
