/* SPDX-License-Identifier: Apache-2.0
 *
 * bert_layer: one encoder layer of BERT as one op.
 */
#include "engine/ops/bert.h"
#include "engine/ops/ops.h"

static const struct op_param_spec layer_params[] = {
	{ "weights", OP_PARAM_TEXT, NULL, "safetensors file, or seeded:N" },
	{ "layer", OP_PARAM_INT, NULL, "which layer of the model, from 0" },
	{ "heads", OP_PARAM_INT, "12", "attention heads" },
	{ "eps", OP_PARAM_FLOAT, "1e-12", "added to the variance in LayerNorm" },
	{ 0 },
};
static const char *const layer_inputs[] = { "x", "mask", NULL };

static int layer_infer(struct op_infer *infer, struct error *error)
{
	return bert_infer(infer, BERT_ALL, true, error);
}

static int layer_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct bert *bert;
	int status = bert_create(setup, BERT_ALL, 0, 1, &bert, error);
	if (!status)
		*ret_state = bert;
	return status;
}

/* `out` may be `x`: it is written after the last read. */
static void run_block(const struct bert *bert, const struct bert_block *block, const float *x, const float *mask, float *out)
{
	const struct kernels *kernels = bert->kernels;
	const float *const *tensors = bert->tensors;
	float *y = bert->scratch.y, *z = bert->scratch.z;
	int64_t n = bert->hidden, n_rows = block->n_rows;

	kernels->add_rows(y, x, tensors[BERT_TENSOR_PROJECT_BIAS], n_rows, n);
	bert_clear_padding(bert, block, y, n);
	bert_attend(bert, block, bert_pad(bert, block, x), mask, y);
	kernels->layernorm(y, y, tensors[BERT_TENSOR_ATTENTION_NORM], tensors[BERT_TENSOR_ATTENTION_NORM_BIAS], bert->eps,
		n_rows, n);
	kernels->add_rows(z, y, tensors[BERT_TENSOR_CONTRACT_BIAS], n_rows, n);
	bert_clear_padding(bert, block, z, n);
	bert_feed_forward(bert, block, y, z);
	kernels->layernorm(
		out, z, tensors[BERT_TENSOR_OUTPUT_NORM], tensors[BERT_TENSOR_OUTPUT_NORM_BIAS], bert->eps, n_rows, n);
}

static int layer_run(struct op_run *run)
{
	bert_for_blocks(run, run_block);
	return STATUS_OK;
}

const struct op op_bert_layer = {
	.name = "bert_layer",
	.summary = "one encoder layer of BERT: attention and feed-forward, each with residual and LayerNorm",
	.n_inputs_min = 1,
	.n_inputs_max = 2,
	.input_names = layer_inputs,
	.params = layer_params,
	.caps = OP_INPLACE,
	.infer = layer_infer,
	.setup = layer_setup,
	.run = layer_run,
	.teardown = bert_destroy,
};
