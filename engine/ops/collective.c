/* SPDX-License-Identifier: Apache-2.0
 *
 * collective: ops that every worker of a group performs together. Inputs arrive one a rank; each rank reduces them in rank
 * order, so that all get the same bits.
 */
#include "engine/ops/ops.h"

#include <stdlib.h>
#include <string.h>

#include "engine/ops/infer.h"
#include "engine/ops/kernels.h"

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
	float n_ranks_f32;
	double n_ranks_f64;
};

static const struct op_param_spec reduce_params[] = {
	{ "reduce", OP_PARAM_TEXT, "sum", "sum, prod, min, max or mean" },
	{ 0 },
};

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
	for (int i = 1; i < infer->n_inputs; i++) {
		int status = infer_equal(infer, 0, i, error);
		if (status)
			return status;
	}
	return infer_same(infer, error);
}

static int reduce_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct reduce *reduce = calloc(1, sizeof(*reduce));
	int found = find_reduction(op_params_text(&setup->params, "reduce"));
	const struct kernels *kernels = kernels_get();

	if (!reduce)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of all_reduce");
	reduce->fn = kernels->binary[reductions[found].binary][setup->inputs[0].dtype];
	reduce->scale = kernels->binary_scalar[KERNEL_DIV][setup->inputs[0].dtype];
	reduce->divides = reductions[found].divides;
	reduce->n_ranks_f32 = (float)setup->n_inputs;
	reduce->n_ranks_f64 = setup->n_inputs;
	*ret_state = reduce;
	return STATUS_OK;
}

static int reduce_run(struct op_run *run)
{
	const struct reduce *reduce = run->state;
	const struct tensor *first = &run->inputs[0];
	void *y = run->outputs[0].data;
	int64_t n = tensor_n_elements(first);

	if (run->n_inputs == 1)
		memcpy(y, first->data, tensor_bytes(first));
	else
		reduce->fn(y, first->data, run->inputs[1].data, n);
	for (int i = 2; i < run->n_inputs; i++)
		reduce->fn(y, y, run->inputs[i].data, n);
	if (reduce->divides)
		reduce->scale(
			y, y, first->dtype == DTYPE_F32 ? (const void *)&reduce->n_ranks_f32 : &reduce->n_ranks_f64, n);
	return STATUS_OK;
}

const struct op op_all_reduce = {
	.name = "all_reduce",
	.summary = "reduces the ranks' inputs element by element, in rank order; every rank gets the result",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.params = reduce_params,
	.caps = OP_COLLECTIVE,
	.infer = reduce_infer,
	.setup = reduce_setup,
	.run = reduce_run,
	.teardown = free,
};
