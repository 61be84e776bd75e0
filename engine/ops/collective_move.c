/* SPDX-License-Identifier: Apache-2.0
 *
 * collective_move: collectives that only move elements between the workers of a group. Inputs arrive one a rank and are read
 * where they lie; each rank copies together what it gets.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/cut.h"
#include "engine/ops/infer.h"
#include "engine/ops/ops.h"

/* -- all_gather -------------------------------------------------------------------------------------------------------- */

static const struct op_param_spec all_gather_params[] = {
	{ "axis", OP_PARAM_INT, "0", "dimension along which the ranks' inputs follow each other; negative: from the end" },
	{ 0 },
};

static int all_gather_infer(struct op_infer *infer, struct error *error)
{
	int axis;
	int status = infer_axis(op_params_int(&infer->params, "axis"), infer->inputs[0].n_dims, &axis, error);

	if (!status)
		status = infer_equal_all(infer, error);
	if (status)
		return status;
	struct dim *total = &infer->outputs[0].dims[axis];
	infer->outputs[0] = infer->inputs[0];
	total->add *= infer->n_inputs;
	if (__builtin_mul_overflow(total->mul, infer->n_inputs, &total->mul))
		return infer_unexpected(infer, 0, error, "a smaller dimension %d", axis);
	return STATUS_OK;
}

const struct op op_all_gather = {
	.name = "all_gather",
	.summary = "the ranks' inputs one after the other along an axis; every rank gets all",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.params = all_gather_params,
	.caps = OP_COLLECTIVE,
	.infer = all_gather_infer,
	.setup = cut_setup,
	.run = cut_join,
	.teardown = free,
};

/* -- broadcast --------------------------------------------------------------------------------------------------------- */

static const struct op_param_spec broadcast_params[] = {
	{ "root", OP_PARAM_INT, "0", "rank whose input every rank gets" },
	{ 0 },
};

static int broadcast_infer(struct op_infer *infer, struct error *error)
{
	int64_t root = op_params_int(&infer->params, "root");
	int status = infer_equal_all(infer, error);

	if (!status && (root < 0 || root >= infer->n_inputs))
		status = error_set(error, STATUS_GRAPH, "root=%" PRId64 " is none of the ranks 0 to %d", root,
			infer->n_inputs - 1);
	return status ? status : infer_same(infer, error);
}

static int broadcast_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	int *root = malloc(sizeof(*root));
	if (!root)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of broadcast");
	*root = (int)op_params_int(&setup->params, "root");
	*ret_state = root;
	return STATUS_OK;
}

static int broadcast_run(struct op_run *run)
{
	const int *root = run->state;
	memcpy(run->outputs[0].data, run->inputs[*root].data, tensor_bytes(&run->outputs[0]));
	return STATUS_OK;
}

const struct op op_broadcast = {
	.name = "broadcast",
	.summary = "the input of one rank; every rank gets it",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.params = broadcast_params,
	.caps = OP_COLLECTIVE,
	.infer = broadcast_infer,
	.setup = broadcast_setup,
	.run = broadcast_run,
	.teardown = free,
};

/* -- all_to_all -------------------------------------------------------------------------------------------------------- */

static const struct op_param_spec all_to_all_params[] = {
	{ "axis", OP_PARAM_INT, "0", "dimension that is cut into a part for each rank; negative: from the end" },
	{ 0 },
};

static int all_to_all_infer(struct op_infer *infer, struct error *error)
{
	struct dim part;
	int axis;
	int status = infer_axis(op_params_int(&infer->params, "axis"), infer->inputs[0].n_dims, &axis, error);

	if (!status)
		status = infer_equal_all(infer, error);
	if (!status)
		status = cut_equal_part(infer, axis, infer->n_inputs, &part, error);
	return status ? status : infer_same(infer, error);
}

static int all_to_all_run(struct op_run *run)
{
	const struct cut *cut = run->state;
	int64_t n_outer = cut_n_outer(&run->outputs[0], cut->axis);
	size_t row_bytes = cut_row_bytes(&run->outputs[0], cut->axis), part_bytes = row_bytes / (size_t)run->n_inputs;
	char *y = run->outputs[0].data;

	for (int64_t outer = 0; outer < n_outer; outer++) {
		size_t from = (size_t)outer * row_bytes + (size_t)cut->rank * part_bytes;
		for (int i = 0; i < run->n_inputs; i++, y += part_bytes)
			memcpy(y, (const char *)run->inputs[i].data + from, part_bytes);
	}
	return STATUS_OK;
}

const struct op op_all_to_all = {
	.name = "all_to_all",
	.summary = "cuts the ranks' inputs into a part for each rank; rank r gets part r of every rank, in rank order",
	.n_inputs_min = 1,
	.n_inputs_max = OP_INPUTS_MAX,
	.params = all_to_all_params,
	.caps = OP_COLLECTIVE,
	.infer = all_to_all_infer,
	.setup = cut_setup,
	.run = all_to_all_run,
	.teardown = free,
};
