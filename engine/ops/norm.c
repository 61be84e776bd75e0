/* SPDX-License-Identifier: Apache-2.0
 *
 * norm: ops that scale each row, a run of the last dimension, by what it holds.
 */
#include "engine/ops/ops.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/ops/infer.h"
#include "engine/ops/kernels.h"
#include "engine/ops/weights.h"

static int row_infer(struct op_infer *infer, struct error *error)
{
	int status = infer_dtype(infer, 0, DTYPE_F32, error);
	if (!status)
		status = infer_n_dims(infer, 0, 1, TENSOR_DIMS_MAX, error);
	return status ? status : infer_same(infer, error);
}

static void count_rows(const struct tensor *x, int64_t *ret_n_rows, int64_t *ret_n)
{
	*ret_n = x->shape[x->n_dims - 1];
	*ret_n_rows = *ret_n ? tensor_n_elements(x) / *ret_n : 0;
}

/* -- softmax ----------------------------------------------------------------------------------------------------------- */

static int softmax_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	*ret_state = (void *)(uintptr_t)kernels_get();
	return STATUS_OK;
}

static int softmax_run(struct op_run *run)
{
	const struct kernels *kernels = run->state;
	int64_t n_rows, n;

	count_rows(&run->inputs[0], &n_rows, &n);
	kernels->softmax(run->outputs[0].data, run->inputs[0].data, 1, NULL, n_rows, n);
	return STATUS_OK;
}

const struct op op_softmax = {
	.name = "softmax",
	.summary = "softmax over the last dimension",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.caps = OP_INPLACE,
	.infer = row_infer,
	.setup = softmax_setup,
	.run = softmax_run,
};

/* -- layernorm --------------------------------------------------------------------------------------------------------- */

struct layernorm {
	const struct kernels *kernels;
	struct weights *weights; /* NULL: none */
	const float *weight, *bias;
	float eps;
};

static const struct op_param_spec layernorm_params[] = {
	{ "weights", OP_PARAM_TEXT, "", "safetensors file, or seeded:N; left out: only mean 0 and variance 1" },
	{ "name", OP_PARAM_TEXT, "", "tensors NAME.weight [n] and NAME.bias [n]; needed with weights" },
	{ "eps", OP_PARAM_FLOAT, "1e-5", "added to the variance" },
	{ 0 },
};

/* Visits NAME.weight and NAME.bias; fetches them when `layernorm` is not NULL. */
static int visit_tensors(const struct op_params *params, struct weights *weights, int64_t n, struct layernorm *layernorm,
	struct error *error)
{
	static const char *const suffixes[2] = { "weight", "bias" };
	int status = STATUS_OK;

	for (int i = 0; i < 2 && !status; i++) {
		struct tensor tensor = { 0 };
		char name[300];
		snprintf(name, sizeof(name), "%s.%s", op_params_text(params, "name"), suffixes[i]);
		if (!layernorm) {
			int64_t shape;
			status = weights_shape(weights, name, 1, &n, &shape, error);
			continue;
		}
		status = weights_get(weights, name, 1, &n, &tensor, error);
		*(i == 0 ? &layernorm->weight : &layernorm->bias) = tensor.data;
	}
	return status;
}

static int layernorm_infer(struct op_infer *infer, struct error *error)
{
	const char *file = op_params_text(&infer->params, "weights");
	struct weights *weights = NULL;
	int64_t n = 0;
	int status = row_infer(infer, error);

	if (status || !*file)
		return status;
	if (!*op_params_text(&infer->params, "name"))
		return error_set(
			error, STATUS_GRAPH, "weights need name=\"…\", the tensors' name without .weight and .bias");
	status = infer_constant(infer, 0, -1, &n, error);
	if (!status)
		status = weights_open(file, &weights, error);
	if (!status)
		status = visit_tensors(&infer->params, weights, n, NULL, error);
	weights_close(weights);
	return status;
}

static void layernorm_teardown(void *state)
{
	struct layernorm *layernorm = state;
	weights_close(layernorm->weights);
	free(layernorm);
}

static int layernorm_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct layernorm *layernorm = calloc(1, sizeof(*layernorm));
	const char *file = op_params_text(&setup->params, "weights");
	int status = STATUS_OK;

	if (!layernorm)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of layernorm");
	layernorm->kernels = kernels_get();
	layernorm->eps = (float)op_params_float(&setup->params, "eps");
	if (*file)
		status = weights_open(file, &layernorm->weights, error);
	if (!status && *file)
		status = visit_tensors(&setup->params, layernorm->weights,
			setup->inputs[0].shape[setup->inputs[0].n_dims - 1], layernorm, error);
	if (status) {
		layernorm_teardown(layernorm);
		return status;
	}
	*ret_state = layernorm;
	return STATUS_OK;
}

static int layernorm_run(struct op_run *run)
{
	const struct layernorm *layernorm = run->state;
	int64_t n_rows, n;

	count_rows(&run->inputs[0], &n_rows, &n);
	layernorm->kernels->layernorm(
		run->outputs[0].data, run->inputs[0].data, layernorm->weight, layernorm->bias, layernorm->eps, n_rows, n);
	return STATUS_OK;
}

const struct op op_layernorm = {
	.name = "layernorm",
	.summary = "each row of the last dimension to mean 0 and variance 1, then times weight plus bias",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.params = layernorm_params,
	.caps = OP_INPLACE,
	.infer = layernorm_infer,
	.setup = layernorm_setup,
	.run = layernorm_run,
	.teardown = layernorm_teardown,
};

/* -- normalise --------------------------------------------------------------------------------------------------------- */

struct normalise {
	const struct kernels *kernels;
	float eps;
};

static const struct op_param_spec normalise_params[] = {
	{ "eps", OP_PARAM_FLOAT, "1e-12", "smallest length to divide by" },
	{ 0 },
};

static int normalise_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct normalise *normalise = malloc(sizeof(*normalise));
	if (!normalise)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of normalise");
	*normalise = (struct normalise){ kernels_get(), (float)op_params_float(&setup->params, "eps") };
	*ret_state = normalise;
	return STATUS_OK;
}

static int normalise_run(struct op_run *run)
{
	const struct normalise *normalise = run->state;
	int64_t n_rows, n;

	count_rows(&run->inputs[0], &n_rows, &n);
	normalise->kernels->normalise(run->outputs[0].data, run->inputs[0].data, normalise->eps, n_rows, n);
	return STATUS_OK;
}

const struct op op_normalise = {
	.name = "normalise",
	.summary = "each row of the last dimension divided by its L2 norm",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.params = normalise_params,
	.caps = OP_INPLACE,
	.infer = row_infer,
	.setup = normalise_setup,
	.run = normalise_run,
	.teardown = free,
};
