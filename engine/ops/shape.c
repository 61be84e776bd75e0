/* SPDX-License-Identifier: Apache-2.0
 *
 * shape: ops that change the shape of a tensor or the order of its dimensions.
 */
#include "engine/ops/ops.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/infer.h"

/* -- identity ---------------------------------------------------------------------------------------------------------- */

const struct op op_identity = {
	.name = "identity",
	.summary = "its input, passed on without a copy",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.caps = OP_FORWARD,
	.infer = infer_same,
	.run = ops_copy_first,
};

/* -- reshape ----------------------------------------------------------------------------------------------------------- */

static const struct op_param_spec reshape_params[] = {
	{ "shape", OP_PARAM_INTS, NULL,
		"new sizes; 0 keeps the input's dimension at this place, one -1 takes what is left" },
	{ 0 },
};

/* A product of dimensions: a number times the dimensions that depend on a symbol. */
struct product {
	int64_t constant;
	struct dim dims[TENSOR_DIMS_MAX];
	int n_dims;
};

static bool product_multiply(struct product *product, struct dim dim)
{
	if (!dim_is_constant(dim)) {
		product->dims[product->n_dims++] = dim;
		return true;
	}
	return !__builtin_mul_overflow(product->constant, dim.add, &product->constant);
}

/* Takes `dim` out of the product; false when it is not there. */
static bool product_cancel(struct product *product, struct dim dim)
{
	for (int i = 0; i < product->n_dims; i++) {
		if (dim_equal(product->dims[i], dim)) {
			product->dims[i] = product->dims[--product->n_dims];
			return true;
		}
	}
	return false;
}

/* The dimension that is all / known, when that is linear in one symbol. */
static bool product_divide(struct product all, const struct product *known, struct dim *ret_dim)
{
	int64_t factor;

	for (int i = 0; i < known->n_dims; i++) {
		if (!product_cancel(&all, known->dims[i]))
			return false;
	}
	if (all.n_dims > 1 || known->constant == 0 || all.constant % known->constant)
		return false;
	factor = all.constant / known->constant;
	*ret_dim = dim_constant(factor);
	if (all.n_dims == 0)
		return true;
	*ret_dim = all.dims[0];
	return factor <= INT32_MAX && !__builtin_mul_overflow(ret_dim->mul, (int32_t)factor, &ret_dim->mul)
		&& !__builtin_mul_overflow(ret_dim->add, factor, &ret_dim->add);
}

static int reshape_mismatch(const struct op_infer *infer, struct error *error)
{
	return infer_unexpected(infer, 0, error, "as many elements as shape=\"%s\" has, whatever the sizes of its symbols",
		infer_written(&infer->params, "shape"));
}

static int reshape_dim(const struct op_infer *infer, int axis, int64_t size, struct dim *ret_dim, struct error *error)
{
	if (size > 0) {
		*ret_dim = dim_constant(size);
		return STATUS_OK;
	}
	if (size < 0)
		return error_set(error, STATUS_GRAPH,
			"shape has %" PRId64 "; sizes are positive, 0 (keep) or one -1 (the rest)", size);
	if (axis >= infer->inputs[0].n_dims)
		return infer_unexpected(infer, 0, error, "a dimension %d, which shape keeps with 0", axis);
	*ret_dim = infer->inputs[0].dims[axis];
	return STATUS_OK;
}

static int reshape_infer(struct op_infer *infer, struct error *error)
{
	int64_t sizes[OP_PARAM_INTS_MAX];
	int n_dims = op_params_ints(&infer->params, "shape", sizes), open_axis = -1;
	struct tensor_type *y = &infer->outputs[0];
	struct product all = { .constant = 1 }, known = { .constant = 1 };
	bool fits = true;

	if (n_dims > TENSOR_DIMS_MAX)
		return error_set(error, STATUS_GRAPH, "shape has %d dimensions, but a tensor has at most %d", n_dims,
			TENSOR_DIMS_MAX);
	*y = (struct tensor_type){ .dtype = infer->inputs[0].dtype, .n_dims = n_dims };
	for (int i = 0; i < infer->inputs[0].n_dims; i++)
		fits = product_multiply(&all, infer->inputs[0].dims[i]) && fits;
	for (int i = 0; i < n_dims; i++) {
		if (sizes[i] == -1 && open_axis < 0) {
			open_axis = i;
			continue;
		}
		int status = reshape_dim(infer, i, sizes[i], &y->dims[i], error);
		if (status)
			return status;
		fits = product_multiply(&known, y->dims[i]) && fits;
	}
	struct dim rest;
	if (!fits || !product_divide(all, &known, &rest) || (open_axis < 0 && !dim_equal(rest, dim_constant(1))))
		return reshape_mismatch(infer, error);
	if (open_axis >= 0)
		y->dims[open_axis] = rest;
	return STATUS_OK;
}

const struct op op_reshape = {
	.name = "reshape",
	.summary = "its input with another shape, passed on without a copy",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.params = reshape_params,
	.caps = OP_FORWARD,
	.infer = reshape_infer,
	.run = ops_copy_first,
};

/* -- transpose --------------------------------------------------------------------------------------------------------- */

struct transpose {
	int axes[TENSOR_DIMS_MAX];
};

static const struct op_param_spec transpose_params[] = {
	{ "axes", OP_PARAM_INTS, "", "input's dimension that each dimension of the output is; left out: reversed" },
	{ 0 },
};

static int transpose_axes(const struct op_params *params, int n_dims, int axes[TENSOR_DIMS_MAX], struct error *error)
{
	int64_t given[OP_PARAM_INTS_MAX];
	int n = infer_written(params, "axes") ? op_params_ints(params, "axes", given) : 0;
	unsigned seen = 0;

	if (!infer_written(params, "axes")) {
		for (int i = 0; i < n_dims; i++)
			axes[i] = n_dims - 1 - i;
		return STATUS_OK;
	}
	for (int i = 0; i < n && n == n_dims; i++) {
		if (given[i] >= 0 && given[i] < n_dims)
			seen |= 1u << given[i];
		axes[i] = (int)given[i];
	}
	if (n != n_dims || seen != (1u << n_dims) - 1)
		return error_set(error, STATUS_GRAPH, "axes=\"%s\" is no order of the %d dimensions 0 to %d of the input",
			infer_written(params, "axes"), n_dims, n_dims - 1);
	return STATUS_OK;
}

static int transpose_infer(struct op_infer *infer, struct error *error)
{
	const struct tensor_type *x = &infer->inputs[0];
	int axes[TENSOR_DIMS_MAX];
	int status = transpose_axes(&infer->params, x->n_dims, axes, error);

	if (status)
		return status;
	infer->outputs[0] = *x;
	for (int i = 0; i < x->n_dims; i++)
		infer->outputs[0].dims[i] = x->dims[axes[i]];
	return STATUS_OK;
}

static int transpose_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct transpose *transpose = calloc(1, sizeof(*transpose));
	int status;

	if (!transpose)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of transpose");
	status = transpose_axes(&setup->params, setup->inputs[0].n_dims, transpose->axes, error);
	if (status) {
		free(transpose);
		return status;
	}
	*ret_state = transpose;
	return STATUS_OK;
}

/* Gathers n elements that lie `stride` elements apart. */
static void gather(char *y, const char *x, int64_t stride, int64_t n, size_t bytes)
{
	switch (bytes) {
	case 4:
		for (int64_t i = 0; i < n; i++)
			((uint32_t *)(void *)y)[i] = ((const uint32_t *)(const void *)x)[i * stride];
		break;
	case 8:
		for (int64_t i = 0; i < n; i++)
			((uint64_t *)(void *)y)[i] = ((const uint64_t *)(const void *)x)[i * stride];
		break;
	default:
		for (int64_t i = 0; i < n; i++)
			y[i] = x[i * stride];
		break;
	}
}

static int transpose_run(struct op_run *run)
{
	const struct transpose *transpose = run->state;
	const struct tensor *x = &run->inputs[0], *y = &run->outputs[0];
	size_t bytes = dtype_bytes(x->dtype);
	int last = y->n_dims - 1;
	int64_t n = last < 0 ? 1 : y->shape[last];
	int64_t n_rows = n ? tensor_n_elements(y) / n : 0;
	int64_t at[TENSOR_DIMS_MAX] = { 0 };
	const char *from = x->data;
	char *to = y->data;

	for (int64_t row = 0; row < n_rows; row++, to += (size_t)n * bytes) {
		gather(to, from, last < 0 ? 0 : x->strides[transpose->axes[last]], n, bytes);
		for (int i = last - 1; i >= 0; i--) {
			int64_t step = x->strides[transpose->axes[i]] * (int64_t)bytes;
			from += step;
			if (++at[i] < y->shape[i])
				break;
			from -= step * at[i];
			at[i] = 0;
		}
	}
	return STATUS_OK;
}

const struct op op_transpose = {
	.name = "transpose",
	.summary = "its input with the dimensions in another order",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.params = transpose_params,
	.infer = transpose_infer,
	.setup = transpose_setup,
	.run = transpose_run,
	.teardown = free,
};
