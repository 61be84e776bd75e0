/* SPDX-License-Identifier: Apache-2.0
 *
 * cut: joining tensors along an axis and cutting them there.
 */
#include "engine/ops/cut.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/infer.h"
#include "engine/ops/ops.h"

int64_t cut_n_outer(const struct tensor *tensor, int axis)
{
	int64_t n = 1;
	for (int i = 0; i < axis; i++)
		n *= tensor->shape[i];
	return n;
}

size_t cut_row_bytes(const struct tensor *tensor, int axis)
{
	size_t n = dtype_bytes(tensor->dtype);
	for (int i = axis; i < tensor->n_dims; i++)
		n *= (size_t)tensor->shape[i];
	return n;
}

int cut_equal_part(const struct op_infer *infer, int axis, int n_parts, struct dim *ret_part, struct error *error)
{
	struct dim whole = infer->inputs[0].dims[axis];

	if (whole.add % n_parts || whole.mul % n_parts)
		return infer_unexpected(infer, 0, error, "dimension %d to be divisible into %d parts", axis, n_parts);
	*ret_part = (struct dim){ .add = whole.add / n_parts, .mul = whole.mul / n_parts, .symbol = whole.symbol };
	return STATUS_OK;
}

int cut_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct cut *cut = calloc(1, sizeof(*cut));
	int status;

	if (!cut)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of %s", setup->params.op->name);
	status = infer_axis(op_params_int(&setup->params, "axis"), setup->inputs[0].n_dims, &cut->axis, error);
	if (status) {
		free(cut);
		return status;
	}
	cut->rank = setup->rank;
	*ret_state = cut;
	return STATUS_OK;
}

static const struct op_param_spec concat_params[] = {
	{ "axis", OP_PARAM_INT, "-1", "dimension along which the inputs follow each other; negative: from the end" },
	{ 0 },
};

static int concat_add(const struct op_infer *infer, int idx, int axis, struct dim *total, struct error *error)
{
	const struct tensor_type *first = &infer->inputs[0], *next = &infer->inputs[idx];
	char type[200];

	if (next->dtype != first->dtype)
		return infer_unexpected(infer, idx, error, "%s as input 0", dtype_word(first->dtype));
	if (next->n_dims != first->n_dims)
		return infer_unexpected(infer, idx, error, "%d dimensions as input 0", first->n_dims);
	for (int i = 0; i < first->n_dims; i++) {
		if (i != axis && !dim_equal(first->dims[i], next->dims[i]))
			return infer_unexpected(infer, idx, error,
				"the sizes of input 0, which is %s, except in dimension %d",
				type_describe(first, infer->symbols, false, type, sizeof(type)), axis);
	}
	if (!dim_add(*total, next->dims[axis], total))
		return infer_unexpected(infer, idx, error,
			"dimension %d to be a number or of the same symbol: their sum must be linear in one symbol", axis);
	return STATUS_OK;
}

static int concat_infer(struct op_infer *infer, struct error *error)
{
	struct tensor_type *y = &infer->outputs[0];
	int axis;
	int status = infer_axis(op_params_int(&infer->params, "axis"), infer->inputs[0].n_dims, &axis, error);

	if (status)
		return status;
	*y = infer->inputs[0];
	for (int i = 1; i < infer->n_inputs; i++) {
		status = concat_add(infer, i, axis, &y->dims[axis], error);
		if (status)
			return status;
	}
	return STATUS_OK;
}

int cut_join(struct op_run *run)
{
	const struct cut *cut = run->state;
	int64_t n_outer = cut_n_outer(&run->outputs[0], cut->axis);
	char *y = run->outputs[0].data;

	for (int64_t outer = 0; outer < n_outer; outer++) {
		for (int i = 0; i < run->n_inputs; i++) {
			size_t bytes = cut_row_bytes(&run->inputs[i], cut->axis);
			memcpy(y, (const char *)run->inputs[i].data + (size_t)outer * bytes, bytes);
			y += bytes;
		}
	}
	return STATUS_OK;
}

const struct op op_concat = {
	.name = "concat",
	.summary = "its inputs one after the other along an axis",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.params = concat_params,
	.infer = concat_infer,
	.setup = cut_setup,
	.run = cut_join,
	.teardown = free,
};

static const struct op_param_spec split_params[] = {
	{ "axis", OP_PARAM_INT, "-1", "dimension to cut; negative: from the end" },
	{ "parts", OP_PARAM_INT, "0", "number of equal parts" },
	{ "sizes", OP_PARAM_INTS, "", "size of each part, instead of parts; one -1 takes the rest" },
	{ 0 },
};

static int split_equally(struct op_infer *infer, int axis, int64_t n_parts, struct error *error)
{
	struct dim part;

	if (n_parts < 1 || n_parts > OP_OUTPUTS_MAX)
		return error_set(error, STATUS_GRAPH, "parts=%" PRId64 " is not between 1 and %d", n_parts, OP_OUTPUTS_MAX);
	int status = cut_equal_part(infer, axis, (int)n_parts, &part, error);
	if (status)
		return status;
	infer->n_outputs = (int)n_parts;
	for (int i = 0; i < infer->n_outputs; i++) {
		infer->outputs[i] = infer->inputs[0];
		infer->outputs[i].dims[axis] = part;
	}
	return STATUS_OK;
}

static int split_by_sizes(struct op_infer *infer, int axis, struct error *error)
{
	int64_t sizes[OP_PARAM_INTS_MAX];
	int n = op_params_ints(&infer->params, "sizes", sizes), open_part = -1;
	struct dim rest = infer->inputs[0].dims[axis];

	infer->n_outputs = n;
	for (int i = 0; i < n; i++) {
		if (sizes[i] < -1 || sizes[i] == 0 || (sizes[i] == -1 && open_part >= 0))
			return error_set(error, STATUS_GRAPH,
				"sizes=\"%s\": sizes are positive, except for one -1 (the rest)",
				infer_written(&infer->params, "sizes"));
		if (sizes[i] == -1)
			open_part = i;
		else
			rest.add -= sizes[i];
		infer->outputs[i] = infer->inputs[0];
		infer->outputs[i].dims[axis] = dim_constant(sizes[i]);
	}
	/* a symbol is at least 1 */
	if (open_part >= 0 ? rest.add + rest.mul < 1 : !dim_equal(rest, dim_constant(0)))
		return infer_unexpected(infer, 0, error, "dimension %d to be the sum of sizes=\"%s\"", axis,
			infer_written(&infer->params, "sizes"));
	if (open_part >= 0)
		infer->outputs[open_part].dims[axis] = rest;
	return STATUS_OK;
}

static int split_infer(struct op_infer *infer, struct error *error)
{
	bool has_parts = infer_written(&infer->params, "parts"), has_sizes = infer_written(&infer->params, "sizes");
	int axis;
	int status = infer_axis(op_params_int(&infer->params, "axis"), infer->inputs[0].n_dims, &axis, error);

	if (status)
		return status;
	if (has_parts == has_sizes)
		return error_set(error, STATUS_GRAPH, "either parts=NUMBER or sizes=\"N,N,…\" must be given%s",
			has_parts ? ", not both" : "");
	return has_parts ? split_equally(infer, axis, op_params_int(&infer->params, "parts"), error)
			 : split_by_sizes(infer, axis, error);
}

static int split_run(struct op_run *run)
{
	const struct cut *cut = run->state;
	int64_t n_outer = cut_n_outer(&run->inputs[0], cut->axis);
	const char *x = run->inputs[0].data;

	for (int64_t outer = 0; outer < n_outer; outer++) {
		for (int i = 0; i < run->n_outputs; i++) {
			size_t bytes = cut_row_bytes(&run->outputs[i], cut->axis);
			memcpy((char *)run->outputs[i].data + (size_t)outer * bytes, x, bytes);
			x += bytes;
		}
	}
	return STATUS_OK;
}

const struct op op_split = {
	.name = "split",
	.summary = "cuts its input along an axis; outputs 0, 1, … in order",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.params = split_params,
	.infer = split_infer,
	.setup = cut_setup,
	.run = split_run,
	.teardown = free,
};
