/* SPDX-License-Identifier: Apache-2.0
 *
 * collective: reductions that every worker of a group performs together. Inputs arrive one a rank and are read where they lie;
 * each rank reduces what it needs in rank order, so that all get the same bits.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/cut.h"
#include "engine/ops/infer.h"
#include "engine/ops/kernels.h"
#include "engine/ops/ops.h"

#define ELEMENTS_AT_ONCE 2048 /* the result of so many stays in the cache while the ranks' inputs are added to it */

static const struct {
	const char *name;
	enum kernel_binary binary;
	bool divides; /* by the number of ranks at the end */
} reductions[] = {
	{ "sum", KERNEL_ADD, false },
	{ "prod", KERNEL_MUL, false },
	{ "min", KERNEL_MIN, false },
	{ "max", KERNEL_MAX, false },
	{ "mean", KERNEL_ADD, true },
};

struct reduce {
	kernel_binary_fn *fn, *scale;
	bool divides;
	union {
		float f32;
		double f64;
	} n_ranks;
	size_t element_bytes;
	int axis, rank; /* reduce_scatter */
};

#define REDUCE_PARAM { "reduce", OP_PARAM_TEXT, "sum", "sum, prod, min, max or mean" }

static int find_reduction(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(reductions); i++) {
		if (strcmp(reductions[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static int reduce_infer(struct op_infer *infer, struct error *error)
{
	const char *name = op_params_text(&infer->params, "reduce");
	enum dtype dtype = infer->inputs[0].dtype;
	int found = find_reduction(name);

	if (found < 0)
		return error_set(error, STATUS_GRAPH, "reduce=\"%s\" is none of sum, prod, min, max, mean", name);
	if (reductions[found].divides && dtype != DTYPE_F32 && dtype != DTYPE_F64)
		return infer_unexpected(infer, 0, error, "f32 or f64 for reduce=mean");
	int status = infer_equal_all(infer, error);
	return status ? status : infer_same(infer, error);
}

static int reduce_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct reduce *reduce = calloc(1, sizeof(*reduce));
	int found = find_reduction(op_params_text(&setup->params, "reduce"));
	const struct kernels *kernels = kernels_get();
	enum dtype dtype = setup->inputs[0].dtype;

	if (!reduce)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of %s", setup->params.op->name);
	reduce->fn = kernels->binary[reductions[found].binary][dtype];
	reduce->scale = kernels->binary_scalar[KERNEL_DIV][dtype];
	reduce->divides = reductions[found].divides;
	if (dtype == DTYPE_F32)
		reduce->n_ranks.f32 = (float)setup->n_inputs;
	else
		reduce->n_ranks.f64 = setup->n_inputs;
	reduce->element_bytes = dtype_bytes(dtype);
	reduce->rank = setup->rank;
	*ret_state = reduce;
	return STATUS_OK;
}

/* Reduces n elements that lie `offset` bytes into every input. */
static void reduce_some(const struct reduce *reduce, const struct op_run *run, size_t offset, char *y, int64_t n)
{
	const char *first = (const char *)run->inputs[0].data + offset;

	if (run->n_inputs == 1)
		memcpy(y, first, (size_t)n * reduce->element_bytes);
	for (int i = 1; i < run->n_inputs; i++)
		reduce->fn(y, i == 1 ? first : y, (const char *)run->inputs[i].data + offset, n);
	if (reduce->divides)
		reduce->scale(y, y, &reduce->n_ranks, n);
}

static void reduce_run_of(const struct reduce *reduce, const struct op_run *run, size_t offset, char *y, int64_t n)
{
	for (int64_t i = 0; i < n; i += ELEMENTS_AT_ONCE) {
		int64_t n_here = n - i < ELEMENTS_AT_ONCE ? n - i : ELEMENTS_AT_ONCE;
		size_t at = (size_t)i * reduce->element_bytes;
		reduce_some(reduce, run, offset + at, y + at, n_here);
	}
}

/* -- all_reduce -------------------------------------------------------------------------------------------------------- */

static const struct op_param_spec all_reduce_params[] = { REDUCE_PARAM, { 0 } };

static int all_reduce_run(struct op_run *run)
{
	reduce_run_of(run->state, run, 0, run->outputs[0].data, tensor_n_elements(&run->outputs[0]));
	return STATUS_OK;
}

const struct op op_all_reduce = {
	.name = "all_reduce",
	.summary = "reduces the ranks' inputs element by element, in rank order; every rank gets the result",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.params = all_reduce_params,
	.caps = OP_COLLECTIVE,
	.infer = reduce_infer,
	.setup = reduce_setup,
	.run = all_reduce_run,
	.teardown = free,
};

/* -- reduce_scatter ---------------------------------------------------------------------------------------------------- */

static const struct op_param_spec reduce_scatter_params[] = {
	REDUCE_PARAM,
	{ "axis", OP_PARAM_INT, "0", "dimension that is cut into a part for each rank; negative: from the end" },
	{ 0 },
};

static int reduce_scatter_infer(struct op_infer *infer, struct error *error)
{
	int axis;
	int status = reduce_infer(infer, error);

	if (!status)
		status = infer_axis(op_params_int(&infer->params, "axis"), infer->inputs[0].n_dims, &axis, error);
	if (!status)
		status = cut_equal_part(infer, axis, infer->n_inputs, &infer->outputs[0].dims[axis], error);
	return status;
}

static int reduce_scatter_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	int axis;
	int status = infer_axis(op_params_int(&setup->params, "axis"), setup->inputs[0].n_dims, &axis, error);

	if (!status)
		status = reduce_setup(setup, ret_state, error);
	if (!status)
		((struct reduce *)*ret_state)->axis = axis;
	return status;
}

static int reduce_scatter_run(struct op_run *run)
{
	const struct reduce *reduce = run->state;
	int64_t n_outer = cut_n_outer(&run->outputs[0], reduce->axis);
	size_t part_bytes = cut_row_bytes(&run->outputs[0], reduce->axis);
	size_t row_bytes = cut_row_bytes(&run->inputs[0], reduce->axis);
	char *y = run->outputs[0].data;

	for (int64_t outer = 0; outer < n_outer; outer++, y += part_bytes)
		reduce_run_of(reduce, run, (size_t)outer * row_bytes + (size_t)reduce->rank * part_bytes, y,
			(int64_t)(part_bytes / reduce->element_bytes));
	return STATUS_OK;
}

const struct op op_reduce_scatter = {
	.name = "reduce_scatter",
	.summary = "reduces the ranks' inputs element by element, in rank order; each rank gets its part of the result",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.params = reduce_scatter_params,
	.caps = OP_COLLECTIVE,
	.infer = reduce_scatter_infer,
	.setup = reduce_scatter_setup,
	.run = reduce_scatter_run,
	.teardown = free,
};
