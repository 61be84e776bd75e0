/* SPDX-License-Identifier: Apache-2.0
 *
 * text: ops over sequences [batch, length, size]: look-up, attention, pooling.
 */
#include "engine/ops/ops.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/attend.h"
#include "engine/ops/infer.h"
#include "engine/ops/weights.h"

/* -- embedding --------------------------------------------------------------------------------------------------------- */

struct embedding {
	struct weights *weights;
	int64_t n_rows, size;
	const float *rows;
};

static const struct op_param_spec embedding_params[] = {
	{ "weights", OP_PARAM_TEXT, NULL, "safetensors file, or seeded:N" },
	{ "name", OP_PARAM_TEXT, NULL, "tensor [rows, size] to look up in" },
	{ "rows", OP_PARAM_INT, "0", "number of rows; 0: as the file has it (seeded weights need it)" },
	{ "features", OP_PARAM_INT, "0", "size of a row; 0: as the file has it (seeded weights need it)" },
	{ 0 },
};
static const char *const embedding_inputs[] = { "ids", NULL };

static int embedding_shape(const struct op_params *params, const struct weights *weights, int64_t *ret_shape,
	struct error *error)
{
	int64_t rows = op_params_int(params, "rows"), features = op_params_int(params, "features");
	int64_t shape[2] = { rows > 0 ? rows : WEIGHTS_ANY, features > 0 ? features : WEIGHTS_ANY };

	if (weights_is_seeded(weights) && (rows < 1 || features < 1))
		return error_set(error, STATUS_GRAPH, "seeded weights need rows=NUMBER and features=NUMBER");
	return weights_shape(weights, op_params_text(params, "name"), 2, shape, ret_shape, error);
}

static int embedding_infer(struct op_infer *infer, struct error *error)
{
	const struct tensor_type *ids = &infer->inputs[0];
	struct weights *weights = NULL;
	int64_t shape[2] = { 0 };
	int status;

	if (ids->dtype != DTYPE_I32 && ids->dtype != DTYPE_I64)
		return infer_unexpected(infer, 0, error, "ids as i32 or i64");
	status = infer_n_dims(infer, 0, 0, TENSOR_DIMS_MAX - 1, error);
	if (!status)
		status = weights_open(op_params_text(&infer->params, "weights"), &weights, error);
	if (!status)
		status = embedding_shape(&infer->params, weights, shape, error);
	weights_close(weights);
	if (status)
		return status;
	infer->outputs[0] = *ids;
	infer->outputs[0].dtype = DTYPE_F32;
	infer->outputs[0].dims[infer->outputs[0].n_dims++] = dim_constant(shape[1]);
	return STATUS_OK;
}

static void embedding_teardown(void *state)
{
	struct embedding *embedding = state;
	weights_close(embedding->weights);
	free(embedding);
}

static int embedding_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct embedding *embedding = calloc(1, sizeof(*embedding));
	struct tensor tensor = { 0 };
	int64_t shape[2] = { 0 };
	int status;

	if (!embedding)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of embedding");
	status = weights_open(op_params_text(&setup->params, "weights"), &embedding->weights, error);
	if (!status)
		status = embedding_shape(&setup->params, embedding->weights, shape, error);
	if (!status)
		status = weights_get(embedding->weights, op_params_text(&setup->params, "name"), 2, shape, &tensor, error);
	if (status) {
		embedding_teardown(embedding);
		return status;
	}
	embedding->n_rows = shape[0];
	embedding->size = shape[1];
	embedding->rows = tensor.data;
	*ret_state = embedding;
	return STATUS_OK;
}

static int embedding_run(struct op_run *run)
{
	const struct embedding *embedding = run->state;
	const struct tensor *ids = &run->inputs[0];
	int64_t n = tensor_n_elements(ids), size = embedding->size;
	float *y = run->outputs[0].data;

	for (int64_t i = 0; i < n; i++, y += size) {
		int64_t id = ids->dtype == DTYPE_I32 ? ((const int32_t *)ids->data)[i] : ((const int64_t *)ids->data)[i];
		if (id < 0 || id >= embedding->n_rows)
			return error_set(run->error, STATUS_OP,
				"element %" PRId64 " of ids is %" PRId64 ", outside 0 to %" PRId64, i, id,
				embedding->n_rows - 1);
		memcpy(y, embedding->rows + id * size, (size_t)size * sizeof(*y));
	}
	return STATUS_OK;
}

const struct op op_embedding = {
	.name = "embedding",
	.summary = "rows of a matrix, picked by integers",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.input_names = embedding_inputs,
	.params = embedding_params,
	.infer = embedding_infer,
	.setup = embedding_setup,
	.run = embedding_run,
	.teardown = embedding_teardown,
};

/* -- attention --------------------------------------------------------------------------------------------------------- */

struct attention {
	struct blas blas;
	struct attend attend;
	float *scratch;
};

static const struct op_param_spec attention_params[] = {
	{ "heads", OP_PARAM_INT, NULL, "number of heads" },
	{ "scale", OP_PARAM_FLOAT, "0", "factor of the scores; 0: 1/√(size/heads)" },
	{ 0 },
};
static const char *const attention_inputs[] = { "q", "k", "v", "mask", NULL };

/* mask is [batch, length of k]. */
static int attention_check_mask(const struct op_infer *infer, struct error *error)
{
	int status = infer_dtype(infer, 3, DTYPE_F32, error);
	if (!status)
		status = infer_n_dims(infer, 3, 2, 2, error);
	for (int axis = 0; axis < 2 && !status; axis++)
		status = infer_equal_dim(infer, 1, axis, 3, axis, error);
	return status;
}

static int attention_infer(struct op_infer *infer, struct error *error)
{
	int64_t heads = op_params_int(&infer->params, "heads"), size = 0;
	int status = STATUS_OK;

	for (int i = 0; i < 3 && !status; i++)
		status = infer_dtype(infer, i, DTYPE_F32, error);
	for (int i = 0; i < 3 && !status; i++)
		status = infer_n_dims(infer, i, 3, 3, error);
	if (!status)
		status = infer_constant(infer, 0, 2, &size, error);
	if (!status)
		status = infer_equal_dim(infer, 0, 0, 1, 0, error);
	if (!status)
		status = infer_equal_dim(infer, 0, 2, 1, 2, error);
	if (!status)
		status = infer_equal(infer, 1, 2, error);
	if (!status && infer->n_inputs > 3)
		status = attention_check_mask(infer, error);
	if (!status && (heads < 1 || size % heads))
		status = error_set(error, STATUS_GRAPH, "heads=%" PRId64 " does not divide the size %" PRId64, heads, size);
	return status ? status : infer_same(infer, error);
}

static void attention_teardown(void *state)
{
	struct attention *attention = state;
	blas_close(&attention->blas);
	free(attention->scratch);
	free(attention);
}

static int attention_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct attention *attention = calloc(1, sizeof(*attention));
	int64_t heads = op_params_int(&setup->params, "heads"), size = setup->inputs[0].shape[2] / heads;
	float scale = (float)op_params_float(&setup->params, "scale");
	size_t floats = attend_scratch_floats(setup->inputs[0].shape[1], setup->inputs[1].shape[1]);
	int status = STATUS_OK;

	if (attention)
		attention->scratch =
			aligned_alloc(TENSOR_ALIGN_BYTES, round_up((floats + 1) * sizeof(float), TENSOR_ALIGN_BYTES));
	if (!attention || !attention->scratch)
		status = error_set(error, STATUS_NO_MEMORY, "no memory for the state of attention");
	if (!status)
		status = blas_open(setup->n_threads, &attention->blas, error);
	if (status) {
		if (attention)
			attention_teardown(attention);
		return status;
	}
	attention->attend = (struct attend){ .blas = &attention->blas,
		.kernels = kernels_get(),
		.n_heads = heads,
		.head_size = size,
		.scale = scale != 0 ? scale : 1 / sqrtf((float)size) };
	*ret_state = attention;
	return STATUS_OK;
}

static int attention_run(struct op_run *run)
{
	const struct attention *attention = run->state;
	const float *q = run->inputs[0].data, *k = run->inputs[1].data, *v = run->inputs[2].data;
	const float *mask = run->n_inputs > 3 ? run->inputs[3].data : NULL;
	int64_t n_queries = run->inputs[0].shape[1], n_keys = run->inputs[1].shape[1], size = run->inputs[0].shape[2];
	float *y = run->outputs[0].data;

	for (int64_t i = 0; i < run->inputs[0].shape[0]; i++)
		attend_sequence(&attention->attend, q + i * n_queries * size, k + i * n_keys * size, v + i * n_keys * size,
			mask ? mask + i * n_keys : NULL, n_queries, n_keys, y + i * n_queries * size, attention->scratch);
	return STATUS_OK;
}

const struct op op_attention = {
	.name = "attention",
	.summary = "scaled dot-product attention of several heads",
	.n_inputs_min = 3,
	.n_inputs_max = 4,
	.input_names = attention_inputs,
	.params = attention_params,
	.infer = attention_infer,
	.setup = attention_setup,
	.run = attention_run,
	.teardown = attention_teardown,
};
