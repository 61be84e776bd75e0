/* SPDX-License-Identifier: Apache-2.0
 *
 * bert_shard: one encoder layer of BERT cut over several workers (Shoeybi et al. 2019, Megatron-LM): attention by heads, the
 * feed-forward by columns of the intermediate layer. Each part's result is a summand of the whole, so an all_reduce follows, and
 * then what every worker does alike: residual and LayerNorm.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/ops/bert.h"
#include "engine/ops/infer.h"
#include "engine/ops/ops.h"

#define WEIGHTS_PARAM { "weights", OP_PARAM_TEXT, NULL, "safetensors file, or seeded:N" }
#define LAYER_PARAM { "layer", OP_PARAM_INT, NULL, "which layer of the model, from 0" }
#define PART_PARAMS                                                                        \
	{ "part", OP_PARAM_INT, NULL, "which part this node computes, from 0" },           \
	{ "parts", OP_PARAM_INT, NULL, "number of parts" }

static int check_part(const struct op_params *params, int64_t parts_max, struct error *error)
{
	int64_t part = op_params_int(params, "part"), parts = op_params_int(params, "parts");

	if (parts < 1 || parts > parts_max)
		return error_set(error, STATUS_GRAPH, "parts=%" PRId64 " is not between 1 and %" PRId64, parts, parts_max);
	if (part < 0 || part >= parts)
		return error_set(error, STATUS_GRAPH, "part=%" PRId64 " is none of the parts 0 to %" PRId64, part, parts - 1);
	return STATUS_OK;
}

static int shard_setup(const struct op_setup *setup, unsigned groups, void **ret_state, struct error *error)
{
	struct bert *bert;
	int64_t part = op_params_int(&setup->params, "part"), parts = op_params_int(&setup->params, "parts");
	int status = bert_create(setup, groups, part, parts, &bert, error);
	if (!status)
		*ret_state = bert;
	return status;
}

/* The rows to add to: the output itself, or scratch where it has no room for padding. Part 0 starts from the bias, the others
 * from 0. */
static float *start_rows(const struct bert *bert, const struct bert_block *block, float *out, enum bert_tensor bias)
{
	float *y = block->n_padded == block->n_rows ? out : bert->scratch.y;
	if (bert->is_first)
		bert->kernels->fill_rows(y, bert->hidden, bert->tensors[bias], block->n_padded, bert->hidden);
	else
		memset(y, 0, (size_t)(block->n_padded * bert->hidden) * sizeof(*y));
	return y;
}

static void finish_rows(const struct bert *bert, const struct bert_block *block, const float *y, float *out)
{
	if (y != out)
		memcpy(out, y, (size_t)(block->n_rows * bert->hidden) * sizeof(*y));
}

/* -- bert_attention_shard ---------------------------------------------------------------------------------------------- */

static const struct op_param_spec attention_params[] = {
	WEIGHTS_PARAM,
	LAYER_PARAM,
	{ "heads", OP_PARAM_INT, "12", "attention heads of the whole layer" },
	PART_PARAMS,
	{ 0 },
};
static const char *const attention_inputs[] = { "x", "mask", NULL };

static int attention_infer(struct op_infer *infer, struct error *error)
{
	int status = bert_infer(infer, BERT_ATTENTION, true, error);
	return status ? status : check_part(&infer->params, op_params_int(&infer->params, "heads"), error);
}

static int attention_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	return shard_setup(setup, BERT_ATTENTION, ret_state, error);
}

static void attention_block(
	const struct bert *bert, const struct bert_block *block, const float *x, const float *mask, float *out)
{
	float *y = start_rows(bert, block, out, BERT_TENSOR_PROJECT_BIAS);
	bert_attend(bert, block, bert_pad(bert, block, x), mask, y);
	finish_rows(bert, block, y, out);
}

static int attention_run(struct op_run *run)
{
	bert_for_blocks(run, attention_block);
	return STATUS_OK;
}

const struct op op_bert_attention_shard = {
	.name = "bert_attention_shard",
	.summary = "some heads of a BERT layer's attention with their share of the output projection: a summand of the whole",
	.n_inputs_min = 1,
	.n_inputs_max = 2,
	.input_names = attention_inputs,
	.params = attention_params,
	.infer = attention_infer,
	.setup = attention_setup,
	.run = attention_run,
	.teardown = bert_destroy,
};

/* -- bert_ffn_shard ---------------------------------------------------------------------------------------------------- */

static const struct op_param_spec ffn_params[] = {
	WEIGHTS_PARAM,
	LAYER_PARAM,
	PART_PARAMS,
	{ 0 },
};

static int ffn_infer(struct op_infer *infer, struct error *error)
{
	int status = bert_infer(infer, BERT_FEED_FORWARD, false, error);
	return status ? status : check_part(&infer->params, OP_INPUTS_MAX, error);
}

static int ffn_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	return shard_setup(setup, BERT_FEED_FORWARD, ret_state, error);
}

static void ffn_block(const struct bert *bert, const struct bert_block *block, const float *x, const float *mask, float *out)
{
	float *y = start_rows(bert, block, out, BERT_TENSOR_CONTRACT_BIAS);
	bert_feed_forward(bert, block, bert_pad(bert, block, x), y);
	finish_rows(bert, block, y, out);
}

static int ffn_run(struct op_run *run)
{
	bert_for_blocks(run, ffn_block);
	return STATUS_OK;
}

const struct op op_bert_ffn_shard = {
	.name = "bert_ffn_shard",
	.summary = "some columns of a BERT layer's feed-forward: a summand of the whole",
	.n_inputs_min = 1,
	.n_inputs_max = 1,
	.params = ffn_params,
	.infer = ffn_infer,
	.setup = ffn_setup,
	.run = ffn_run,
	.teardown = bert_destroy,
};

/* -- bert_add_norm ----------------------------------------------------------------------------------------------------- */

static const struct op_param_spec add_norm_params[] = {
	WEIGHTS_PARAM,
	LAYER_PARAM,
	{ "which", OP_PARAM_TEXT, NULL, "attention or output: whose LayerNorm" },
	{ "eps", OP_PARAM_FLOAT, "1e-12", "added to the variance in LayerNorm" },
	{ 0 },
};
static const char *const add_norm_inputs[] = { "x", "residual", NULL };

/* The group of tensors that `which` names, 0 when it names none. */
static unsigned find_norm(const struct op_params *params)
{
	const char *which = op_params_text(params, "which");
	if (strcmp(which, "attention") == 0)
		return BERT_ATTENTION_NORM;
	return strcmp(which, "output") == 0 ? BERT_OUTPUT_NORM : 0;
}

static int add_norm_infer(struct op_infer *infer, struct error *error)
{
	unsigned group = find_norm(&infer->params);
	if (!group)
		return error_set(error, STATUS_GRAPH, "which=\"%s\" is neither attention nor output",
			op_params_text(&infer->params, "which"));
	int status = infer_equal(infer, 0, 1, error);
	return status ? status : bert_infer(infer, group, false, error);
}

static int add_norm_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct bert *bert;
	int status = bert_create(setup, find_norm(&setup->params), 0, 1, &bert, error);
	if (!status)
		*ret_state = bert;
	return status;
}

static int add_norm_run(struct op_run *run)
{
	const struct bert *bert = run->state;
	bool is_attention = bert->tensors[BERT_TENSOR_ATTENTION_NORM];
	const float *weight = bert->tensors[is_attention ? BERT_TENSOR_ATTENTION_NORM : BERT_TENSOR_OUTPUT_NORM];
	const float *bias = bert->tensors[is_attention ? BERT_TENSOR_ATTENTION_NORM_BIAS : BERT_TENSOR_OUTPUT_NORM_BIAS];
	const float *x = run->inputs[0].data, *residual = run->inputs[1].data;
	int64_t n = bert->hidden, n_rows = run->inputs[0].shape[0] * run->inputs[0].shape[1];
	float *y = run->outputs[0].data;

	for (int64_t row = 0; row < n_rows; row++, x += n, residual += n, y += n) {
		bert->kernels->binary[KERNEL_ADD][DTYPE_F32](y, x, residual, n);
		bert->kernels->layernorm(y, y, weight, bias, bert->eps, 1, n);
	}
	return STATUS_OK;
}

const struct op op_bert_add_norm = {
	.name = "bert_add_norm",
	.summary = "residual and LayerNorm of a BERT layer, behind its attention or behind its feed-forward",
	.n_inputs_min = 2,
	.n_inputs_max = 2,
	.input_names = add_norm_inputs,
	.params = add_norm_params,
	.caps = OP_INPLACE,
	.infer = add_norm_infer,
	.setup = add_norm_setup,
	.run = add_norm_run,
	.teardown = bert_destroy,
};
