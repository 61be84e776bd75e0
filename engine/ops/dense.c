/* SPDX-License-Identifier: Apache-2.0
 *
 * dense: products with matrices, by OpenBLAS.
 */
#include "engine/ops/ops.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/blas.h"
#include "engine/ops/infer.h"
#include "engine/ops/kernels.h"
#include "engine/ops/weights.h"

/* -- linear ------------------------------------------------------------------------------------------------------------ */

typedef void activation_fn(const struct kernels *kernels, float *y, int64_t n);

struct linear {
	struct blas blas;
	struct weights *weights;
	const struct kernels *kernels;
	activation_fn *activation;
	int64_t n_in, n_out;
	const float *matrix; /* [n_out, n_in] */
	const float *bias;   /* [n_out]; NULL when there is none */
};

static const struct op_param_spec linear_params[] = {
	{ "weights", OP_PARAM_TEXT, NULL, "safetensors file, or seeded:N" },
	{ "name", OP_PARAM_TEXT, NULL, "tensors NAME.weight [out, in] and, where it exists, NAME.bias [out]" },
	{ "features", OP_PARAM_INT, "0",
		"size of the output's last dimension; 0: as the file has it (seeded weights need it)" },
	{ "activation", OP_PARAM_TEXT, "none", "none, gelu, relu or tanh" },
	{ 0 },
};

static void activate_none(const struct kernels *kernels, float *y, int64_t n)
{
}

static void activate_gelu(const struct kernels *kernels, float *y, int64_t n)
{
	kernels->gelu(y, y, n);
}

static void activate_relu(const struct kernels *kernels, float *y, int64_t n)
{
	kernels->relu(y, y, n);
}

static void activate_tanh(const struct kernels *kernels, float *y, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = tanhf(y[i]);
}

static const struct {
	const char *name;
	activation_fn *fn;
} activations[] = {
	{ "none", activate_none },
	{ "gelu", activate_gelu },
	{ "relu", activate_relu },
	{ "tanh", activate_tanh },
};

static activation_fn *find_activation(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(activations); i++) {
		if (strcmp(activations[i].name, name) == 0)
			return activations[i].fn;
	}
	return NULL;
}

static void tensor_name(const struct op_params *params, const char *suffix, char *name, size_t size)
{
	snprintf(name, size, "%s.%s", op_params_text(params, "name"), suffix);
}

/* The matrix's number of rows; checks the bias too. */
static int find_n_out(const struct op_params *params, const struct weights *weights, int64_t n_in, int64_t *ret_n_out,
	struct error *error)
{
	int64_t features = op_params_int(params, "features");
	int64_t shape[2] = { features > 0 ? features : WEIGHTS_ANY, n_in };
	char name[300];
	int status;

	if (weights_is_seeded(weights) && features < 1)
		return error_set(
			error, STATUS_GRAPH, "seeded weights need features=NUMBER, the size of the output's last dimension");
	tensor_name(params, "weight", name, sizeof(name));
	status = weights_shape(weights, name, 2, shape, shape, error);
	tensor_name(params, "bias", name, sizeof(name));
	if (!status && weights_has(weights, name))
		status = weights_shape(weights, name, 1, shape, shape, error);
	*ret_n_out = shape[0];
	return status;
}

static int linear_infer(struct op_infer *infer, struct error *error)
{
	const char *activation = op_params_text(&infer->params, "activation");
	struct weights *weights = NULL;
	int64_t n_in = 0, n_out = 0;
	int status = infer_dtype(infer, 0, DTYPE_F32, error);

	if (!status && !find_activation(activation))
		status = error_set(error, STATUS_GRAPH, "activation=\"%s\" is none of none, gelu, relu, tanh", activation);
	if (!status)
		status = infer_constant(infer, 0, -1, &n_in, error);
	if (!status)
		status = weights_open(op_params_text(&infer->params, "weights"), &weights, error);
	if (!status)
		status = find_n_out(&infer->params, weights, n_in, &n_out, error);
	weights_close(weights);
	if (status)
		return status;
	infer->outputs[0] = infer->inputs[0];
	infer->outputs[0].dims[infer->inputs[0].n_dims - 1] = dim_constant(n_out);
	return STATUS_OK;
}

static void linear_teardown(void *state)
{
	struct linear *linear = state;
	weights_close(linear->weights);
	blas_close(&linear->blas);
	free(linear);
}

static int get_tensors(struct linear *linear, const struct op_params *params, struct error *error)
{
	int64_t shape[2] = { linear->n_out, linear->n_in };
	struct tensor tensor = { 0 };
	char name[300];
	int status;

	tensor_name(params, "weight", name, sizeof(name));
	status = weights_get(linear->weights, name, 2, shape, &tensor, error);
	linear->matrix = tensor.data;
	tensor_name(params, "bias", name, sizeof(name));
	if (status || !weights_has(linear->weights, name))
		return status;
	status = weights_get(linear->weights, name, 1, shape, &tensor, error);
	linear->bias = tensor.data;
	return status;
}

static int linear_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct linear *linear = calloc(1, sizeof(*linear));
	int status;

	if (!linear)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of linear");
	linear->kernels = kernels_get();
	linear->activation = find_activation(op_params_text(&setup->params, "activation"));
	linear->n_in = setup->inputs[0].shape[setup->inputs[0].n_dims - 1];
	status = blas_open(setup->n_threads, &linear->blas, error);
	if (!status)
		status = weights_open(op_params_text(&setup->params, "weights"), &linear->weights, error);
	if (!status)
		status = find_n_out(&setup->params, linear->weights, linear->n_in, &linear->n_out, error);
	if (!status)
		status = get_tensors(linear, &setup->params, error);
	if (status) {
		linear_teardown(linear);
		return status;
	}
	*ret_state = linear;
	return STATUS_OK;
}

static int linear_run(struct op_run *run)
{
	const struct linear *linear = run->state;
	const struct tensor *x = &run->inputs[0];
	float *y = run->outputs[0].data;
	int64_t n_rows = linear->n_in ? tensor_n_elements(x) / linear->n_in : 0;

	if (linear->bias)
		linear->kernels->fill_rows(y, linear->n_out, linear->bias, n_rows, linear->n_out);
	blas_sgemm(&linear->blas, true, n_rows, linear->n_out, linear->n_in, 1, x->data, linear->n_in, linear->matrix,
		linear->n_in, linear->bias ? 1 : 0, y, linear->n_out);
	linear->activation(linear->kernels, y, n_rows * linear->n_out);
	return STATUS_OK;
}

const struct op op_linear = {
	.name = "linear",
	.summary = "x Wᵀ + b over the last dimension, with an activation",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.params = linear_params,
	.infer = linear_infer,
	.setup = linear_setup,
	.run = linear_run,
	.teardown = linear_teardown,
};

/* -- matmul ------------------------------------------------------------------------------------------------------------ */

struct matmul {
	struct blas blas;
	bool transposes_b;
};

static const struct op_param_spec matmul_params[] = {
	{ "transpose_b", OP_PARAM_BOOL, "false", "b is [..., n, k] instead of [..., k, n]" },
	{ 0 },
};
static const char *const matmul_inputs[] = { "a", "b", NULL };

static int matmul_infer(struct op_infer *infer, struct error *error)
{
	const struct tensor_type *a = &infer->inputs[0], *b = &infer->inputs[1];
	bool transposes_b = op_params_bool(&infer->params, "transpose_b");
	int status = STATUS_OK;

	for (int i = 0; i < 2 && !status; i++)
		status = infer_dtype(infer, i, DTYPE_F32, error);
	for (int i = 0; i < 2 && !status; i++)
		status = infer_n_dims(infer, i, 2, TENSOR_DIMS_MAX, error);
	if (status)
		return status;
	if (b->n_dims != 2 && b->n_dims != a->n_dims)
		return infer_unexpected(infer, 1, error, "2 dimensions, or %d as a", a->n_dims);
	for (int i = 0; i < b->n_dims - 2 && !status; i++)
		status = infer_equal_dim(infer, 0, i, 1, i, error);
	if (!status)
		status = infer_equal_dim(infer, 0, a->n_dims - 1, 1, transposes_b ? b->n_dims - 1 : b->n_dims - 2, error);
	if (status)
		return status;
	infer->outputs[0] = *a;
	infer->outputs[0].dims[a->n_dims - 1] = b->dims[transposes_b ? b->n_dims - 2 : b->n_dims - 1];
	return STATUS_OK;
}

static void matmul_teardown(void *state)
{
	struct matmul *matmul = state;
	blas_close(&matmul->blas);
	free(matmul);
}

static int matmul_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct matmul *matmul = calloc(1, sizeof(*matmul));
	int status;

	if (!matmul)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of matmul");
	matmul->transposes_b = op_params_bool(&setup->params, "transpose_b");
	status = blas_open(setup->n_threads, &matmul->blas, error);
	if (status) {
		free(matmul);
		return status;
	}
	*ret_state = matmul;
	return STATUS_OK;
}

static int matmul_run(struct op_run *run)
{
	const struct matmul *matmul = run->state;
	const struct tensor *a = &run->inputs[0], *b = &run->inputs[1], *c = &run->outputs[0];
	int64_t m = a->shape[a->n_dims - 2], k = a->shape[a->n_dims - 1], n = c->shape[c->n_dims - 1];
	int64_t n_products = m && n ? tensor_n_elements(c) / (m * n) : 0;
	int64_t b_step = b->n_dims > 2 ? k * n : 0;
	int64_t ldb = matmul->transposes_b ? k : n;

	if (b_step == 0) { /* one matrix for all: one product of all rows */
		m *= n_products;
		n_products = n_products > 0;
	}
	for (int64_t i = 0; i < n_products; i++)
		blas_sgemm(&matmul->blas, matmul->transposes_b, m, n, k, 1, (const float *)a->data + i * m * k, k,
			(const float *)b->data + i * b_step, ldb, 0, (float *)c->data + i * m * n, n);
	return STATUS_OK;
}

const struct op op_matmul = {
	.name = "matmul",
	.summary = "product of matrices, a batch of them or with one for all",
	.n_inputs_min = 2,
	.n_inputs_max = 2,
	.input_names = matmul_inputs,
	.params = matmul_params,
	.infer = matmul_infer,
	.setup = matmul_setup,
	.run = matmul_run,
	.teardown = matmul_teardown,
};
