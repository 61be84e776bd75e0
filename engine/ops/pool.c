/* SPDX-License-Identifier: Apache-2.0
 *
 * pool: one row out of each sequence [batch, length, size].
 */
#include "engine/ops/ops.h"

#include <stdlib.h>
#include <string.h>

#include "engine/ops/infer.h"
#include "engine/ops/kernels.h"

#define SMALLEST_NORM 1e-12f

static const char *const pool_inputs[] = { "x", "mask", NULL };

static int pool_infer(struct op_infer *infer, struct error *error)
{
	int status = infer_dtype(infer, 0, DTYPE_F32, error);

	if (!status)
		status = infer_n_dims(infer, 0, 3, 3, error);
	if (!status && infer->n_inputs > 1)
		status = infer_dtype(infer, 1, DTYPE_F32, error);
	if (!status && infer->n_inputs > 1)
		status = infer_n_dims(infer, 1, 2, 2, error);
	for (int axis = 0; axis < 2 && !status && infer->n_inputs > 1; axis++)
		status = infer_equal_dim(infer, 0, axis, 1, axis, error);
	if (status)
		return status;
	infer->outputs[0] = (struct tensor_type){ .dtype = DTYPE_F32, .n_dims = 2,
		.dims = { infer->inputs[0].dims[0], infer->inputs[0].dims[2] } };
	return STATUS_OK;
}

/* -- mean_pool --------------------------------------------------------------------------------------------------------- */

struct mean_pool {
	const struct kernels *kernels;
	bool normalises;
};

static const struct op_param_spec mean_pool_params[] = {
	{ "normalise", OP_PARAM_BOOL, "false", "divide each result by its L2 norm" },
	{ 0 },
};

static int mean_pool_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct mean_pool *pool = malloc(sizeof(*pool));
	if (!pool)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of mean_pool");
	*pool = (struct mean_pool){ kernels_get(), op_params_bool(&setup->params, "normalise") };
	*ret_state = pool;
	return STATUS_OK;
}

static int mean_pool_run(struct op_run *run)
{
	const struct mean_pool *pool = run->state;
	const float *x = run->inputs[0].data, *mask = run->n_inputs > 1 ? run->inputs[1].data : NULL;
	int64_t n_sequences = run->inputs[0].shape[0], length = run->inputs[0].shape[1], n = run->inputs[0].shape[2];
	float *y = run->outputs[0].data;

	for (int64_t i = 0; i < n_sequences; i++)
		pool->kernels->mean_rows(y + i * n, x + i * length * n, mask ? mask + i * length : NULL, length, n);
	if (pool->normalises)
		pool->kernels->normalise(y, y, SMALLEST_NORM, n_sequences, n);
	return STATUS_OK;
}

const struct op op_mean_pool = {
	.name = "mean_pool",
	.summary = "mean over each sequence, weighted by the mask",
	.n_inputs_min = 1,
	.n_inputs_max = 2,
	.input_names = pool_inputs,
	.params = mean_pool_params,
	.infer = pool_infer,
	.setup = mean_pool_setup,
	.run = mean_pool_run,
	.teardown = free,
};

/* -- cls_pool ---------------------------------------------------------------------------------------------------------- */

static int cls_pool_run(struct op_run *run)
{
	int64_t n_sequences = run->inputs[0].shape[0], length = run->inputs[0].shape[1], n = run->inputs[0].shape[2];
	const float *x = run->inputs[0].data;
	float *y = run->outputs[0].data;

	for (int64_t i = 0; i < n_sequences; i++)
		memcpy(y + i * n, x + i * length * n, (size_t)n * sizeof(*y));
	return STATUS_OK;
}

const struct op op_cls_pool = {
	.name = "cls_pool",
	.summary = "the first row of each sequence",
	.n_inputs_min = 1,
	.n_inputs_max = 2,
	.input_names = pool_inputs,
	.infer = pool_infer,
	.run = cls_pool_run,
};
