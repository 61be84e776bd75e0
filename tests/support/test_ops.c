/* SPDX-License-Identifier: Apache-2.0
 *
 * test_ops: real but simple ops, one for each property of an op that the engine treats in its own way.
 */
#include "tests/support/test_ops.h"

#include <stdlib.h>
#include <string.h>

static int same_as_first(struct op_infer *infer, struct error *error)
{
	const struct tensor_type *first = &infer->inputs[0];
	for (int i = 0; i < infer->n_inputs; i++) {
		if (infer->inputs[i].dtype != DTYPE_F32)
			return error_set(error, STATUS_GRAPH, "input %d is %s; only f32 is supported", i,
				dtype_word(infer->inputs[i].dtype));
		if (!type_equal(first, &infer->inputs[i]))
			return error_set(error, STATUS_GRAPH, "the inputs must have equal types");
	}
	infer->outputs[0] = *first;
	return STATUS_OK;
}

static int copy_run(struct op_run *run)
{
	memcpy(run->outputs[0].data, run->inputs[0].data, tensor_bytes(&run->outputs[0]));
	return STATUS_OK;
}

struct scale_state {
	float by;
};

static int scale_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct scale_state *state = malloc(sizeof(*state));
	if (!state)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of '%s'", setup->node);
	state->by = (float)op_params_float(&setup->params, "by");
	*ret_state = state;
	return STATUS_OK;
}

static int scale_run(struct op_run *run)
{
	const struct scale_state *state = run->state;
	const float *x = run->inputs[0].data;
	float *y = run->outputs[0].data;
	int64_t n = tensor_n_elements(&run->outputs[0]);
	for (int64_t i = 0; i < n; i++)
		y[i] = state->by * x[i];
	return STATUS_OK;
}

static int sum_run(struct op_run *run)
{
	float *y = run->outputs[0].data;
	int64_t n = tensor_n_elements(&run->outputs[0]);
	for (int64_t i = 0; i < n; i++) {
		float sum = 0;
		for (int k = 0; k < run->n_inputs; k++)
			sum += ((const float *)run->inputs[k].data)[i];
		y[i] = sum;
	}
	return STATUS_OK;
}

static int split_infer(struct op_infer *infer, struct error *error)
{
	const struct tensor_type *x = &infer->inputs[0];
	int64_t at = op_params_int(&infer->params, "at");
	if (x->n_dims == 0 || x->dtype != DTYPE_F32)
		return error_set(error, STATUS_GRAPH, "'x' must be f32 with one dimension or more");
	struct dim last = x->dims[x->n_dims - 1];
	if (!dim_is_constant(last) || at < 1 || at >= last.add)
		return error_set(error, STATUS_GRAPH, "'at' must lie inside the last dimension, which must be a constant");
	infer->n_outputs = 2;
	infer->outputs[0] = infer->outputs[1] = *x;
	infer->outputs[0].dims[x->n_dims - 1] = dim_constant(at);
	infer->outputs[1].dims[x->n_dims - 1] = dim_constant(last.add - at);
	return STATUS_OK;
}

/* Copies `n_rows` rows of `n_columns` floats between row pitches. */
static void copy_columns(
	float *to, int64_t to_pitch, const float *from, int64_t from_pitch, int64_t n_rows, int64_t n_columns)
{
	for (int64_t row = 0; row < n_rows; row++)
		memcpy(to + row * to_pitch, from + row * from_pitch, (size_t)n_columns * sizeof(float));
}

static int64_t last_size(const struct tensor *tensor)
{
	return tensor->shape[tensor->n_dims - 1];
}

static int split_run(struct op_run *run)
{
	const struct tensor *x = &run->inputs[0];
	int64_t width = last_size(x), column = 0;
	int64_t n_rows = tensor_n_elements(x) / width;
	for (int k = 0; k < run->n_outputs; k++) {
		int64_t part = last_size(&run->outputs[k]);
		copy_columns(run->outputs[k].data, part, (const float *)x->data + column, width, n_rows, part);
		column += part;
	}
	return STATUS_OK;
}

static int join_infer(struct op_infer *infer, struct error *error)
{
	struct tensor_type joined = infer->inputs[0];
	if (joined.n_dims == 0 || joined.dtype != DTYPE_F32)
		return error_set(error, STATUS_GRAPH, "inputs must be f32 with one dimension or more");
	struct dim *last = &joined.dims[joined.n_dims - 1];
	for (int i = 1; i < infer->n_inputs; i++) {
		struct tensor_type other = infer->inputs[i];
		struct dim width = other.n_dims == joined.n_dims ? other.dims[other.n_dims - 1] : dim_constant(0);
		if (other.n_dims == joined.n_dims)
			other.dims[other.n_dims - 1] = *last;
		if (!type_equal(&joined, &other))
			return error_set(error, STATUS_GRAPH, "input %d differs in more than the last dimension", i);
		if (!dim_add(*last, width, last))
			return error_set(error, STATUS_GRAPH, "the last dimensions have different letters");
	}
	infer->outputs[0] = joined;
	return STATUS_OK;
}

static int join_run(struct op_run *run)
{
	struct tensor *y = &run->outputs[0];
	int64_t width = last_size(y), column = 0;
	for (int k = 0; k < run->n_inputs; k++) {
		int64_t part = last_size(&run->inputs[k]);
		copy_columns(
			(float *)y->data + column, width, run->inputs[k].data, part, tensor_n_elements(y) / width, part);
		column += part;
	}
	return STATUS_OK;
}

static int fill_infer(struct op_infer *infer, struct error *error)
{
	int64_t shape[OP_PARAM_INTS_MAX];
	int n_dims = op_params_ints(&infer->params, "shape", shape);
	if (n_dims > TENSOR_DIMS_MAX)
		return error_set(
			error, STATUS_GRAPH, "'shape' has %d dimensions; at most %d are supported", n_dims, TENSOR_DIMS_MAX);
	infer->outputs[0] = (struct tensor_type){ .dtype = DTYPE_F32, .n_dims = n_dims };
	for (int i = 0; i < n_dims; i++)
		infer->outputs[0].dims[i] = dim_constant(shape[i]);
	return STATUS_OK;
}

static int fill_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct scale_state *state = malloc(sizeof(*state));
	if (!state)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of '%s'", setup->node);
	state->by = (float)op_params_float(&setup->params, "value");
	*ret_state = state;
	return STATUS_OK;
}

static int fill_run(struct op_run *run)
{
	const struct scale_state *state = run->state;
	float *y = run->outputs[0].data;
	int64_t n = tensor_n_elements(&run->outputs[0]);
	for (int64_t i = 0; i < n; i++)
		y[i] = state->by;
	return STATUS_OK;
}

static const char *const x_name[] = { "x", NULL };
static const char *const add_inputs[] = { "a", "b", NULL };
static const char *const split_outputs[] = { "first", "rest", NULL };

static const struct op_param_spec scale_params[] = {
	{ "by", OP_PARAM_FLOAT, "2", "factor" },
	{ NULL },
};
static const struct op_param_spec split_params[] = {
	{ "at", OP_PARAM_INT, NULL, "size of the first part" },
	{ NULL },
};
static const struct op_param_spec fill_params[] = {
	{ "shape", OP_PARAM_INTS, "4", "sizes of the dimensions" },
	{ "value", OP_PARAM_FLOAT, "0", "value of every element" },
	{ NULL },
};
static const struct op_param_spec all_reduce_params[] = {
	{ "reduce", OP_PARAM_TEXT, "sum", "reduction" },
	{ NULL },
};

static const struct op copy_op = {
	.name = "copy", .summary = "its input in bytes of its own", .n_inputs_min = 1, .n_inputs_max = 1,
	.input_names = x_name, .infer = same_as_first, .run = copy_run,
};
static const struct op forward_op = {
	.name = "forward", .summary = "its input, passed on", .n_inputs_min = 1, .n_inputs_max = 1,
	.input_names = x_name, .caps = OP_FORWARD, .infer = same_as_first, .run = copy_run,
};
static const struct op scale_op = {
	.name = "scale", .summary = "its input times a factor", .n_inputs_min = 1, .n_inputs_max = 1,
	.input_names = x_name, .params = scale_params, .caps = OP_INPLACE,
	.infer = same_as_first, .setup = scale_setup, .run = scale_run, .teardown = free,
};
static const struct op add_op = {
	.name = "add", .summary = "sum of two", .n_inputs_min = 2, .n_inputs_max = 2,
	.input_names = add_inputs, .infer = same_as_first, .run = sum_run,
};
static const struct op split_op = {
	.name = "split", .summary = "two parts along the last dimension", .n_inputs_min = 1, .n_inputs_max = 1,
	.input_names = x_name, .output_names = split_outputs, .params = split_params, .infer = split_infer, .run = split_run,
};
static const struct op join_op = {
	.name = "join", .summary = "concatenation along the last dimension", .n_inputs_min = 1, .n_inputs_max = 8,
	.infer = join_infer, .run = join_run,
};
static const struct op fill_op = {
	.name = "fill", .summary = "a constant", .n_inputs_min = 0, .n_inputs_max = 0,
	.params = fill_params, .infer = fill_infer, .setup = fill_setup, .run = fill_run, .teardown = free,
};
static const struct op all_reduce_op = {
	.name = "all_reduce", .summary = "sum over the ranks", .n_inputs_min = 1, .n_inputs_max = OP_INPUTS_MAX,
	.params = all_reduce_params, .caps = OP_COLLECTIVE, .infer = same_as_first, .run = sum_run,
};

static const struct op *const items[] = {
	&copy_op, &forward_op, &scale_op, &add_op, &split_op, &join_op, &fill_op, &all_reduce_op,
};

const struct op_registry test_ops = { items, ARRAY_LEN(items) };
