/* SPDX-License-Identifier: Apache-2.0
 *
 * bert_embed: BERT's input layer: word, position and token-type embeddings, summed and normalised. One token type (0) is
 * used.
 */
#include "engine/ops/ops.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/ops/infer.h"
#include "engine/ops/kernels.h"
#include "engine/ops/weights.h"

/* Sizes of seeded weights: BERT's vocabulary and positions. */
#define SEEDED_VOCABULARY 30522
#define SEEDED_POSITIONS 512
#define SEEDED_HIDDEN 384

#define WORDS "embeddings.word_embeddings.weight"
#define POSITIONS "embeddings.position_embeddings.weight"
#define TYPES "embeddings.token_type_embeddings.weight"
#define NORM "embeddings.LayerNorm.weight"
#define NORM_BIAS "embeddings.LayerNorm.bias"

struct sizes {
	int64_t vocabulary, positions, types, hidden;
};

struct embed {
	struct weights *weights;
	const struct kernels *kernels;
	struct sizes sizes;
	float eps;
	const float *words, *positions, *types, *norm, *norm_bias;
};

static const struct op_param_spec embed_params[] = {
	{ "weights", OP_PARAM_TEXT, NULL, "safetensors file, or seeded:N (vocabulary 30522, 512 positions)" },
	{ "hidden", OP_PARAM_INT, "0", "hidden size; 0: as the file has it, 384 when seeded" },
	{ "eps", OP_PARAM_FLOAT, "1e-12", "added to the variance in LayerNorm" },
	{ 0 },
};
static const char *const embed_inputs[] = { "ids", "mask", NULL };

/* -- weights ----------------------------------------------------------------------------------------------------------- */

static int find_sizes(const struct op_params *params, const struct weights *weights, struct sizes *ret_sizes,
	struct error *error)
{
	int64_t hidden = op_params_int(params, "hidden");
	int64_t words[2] = { WEIGHTS_ANY, hidden > 0 ? hidden : WEIGHTS_ANY };
	int status;

	if (weights_is_seeded(weights)) {
		*ret_sizes = (struct sizes){ SEEDED_VOCABULARY, SEEDED_POSITIONS, 2, hidden > 0 ? hidden : SEEDED_HIDDEN };
		return STATUS_OK;
	}
	status = weights_shape(weights, WORDS, 2, words, words, error);
	int64_t positions[2] = { WEIGHTS_ANY, words[1] }, types[2] = { WEIGHTS_ANY, words[1] };
	if (!status)
		status = weights_shape(weights, POSITIONS, 2, positions, positions, error);
	if (!status)
		status = weights_shape(weights, TYPES, 2, types, types, error);
	if (!status)
		status = weights_shape(weights, NORM, 1, &words[1], &words[1], error);
	if (!status)
		status = weights_shape(weights, NORM_BIAS, 1, &words[1], &words[1], error);
	*ret_sizes = (struct sizes){ words[0], positions[0], types[0], words[1] };
	return status;
}

static int get(struct embed *embed, const char *name, int64_t n_rows, const float **ret_data, struct error *error)
{
	int64_t shape[2] = { n_rows, embed->sizes.hidden };
	struct tensor tensor = { 0 };
	int status = n_rows ? weights_get(embed->weights, name, 2, shape, &tensor, error)
			    : weights_get(embed->weights, name, 1, shape + 1, &tensor, error);
	*ret_data = tensor.data;
	return status;
}

/* -- op ---------------------------------------------------------------------------------------------------------------- */

static int check_inputs(const struct op_infer *infer, struct error *error)
{
	int status;

	if (infer->inputs[0].dtype != DTYPE_I32 && infer->inputs[0].dtype != DTYPE_I64)
		return infer_unexpected(infer, 0, error, "ids as i32 or i64");
	status = infer_n_dims(infer, 0, 2, 2, error);
	if (!status && infer->n_inputs > 1)
		status = infer_n_dims(infer, 1, 2, 2, error);
	for (int axis = 0; axis < 2 && !status && infer->n_inputs > 1; axis++)
		status = infer_equal_dim(infer, 0, axis, 1, axis, error);
	return status;
}

static int embed_infer(struct op_infer *infer, struct error *error)
{
	const struct tensor_type *ids = &infer->inputs[0];
	struct weights *weights = NULL;
	struct sizes sizes = { 0 };
	int status = check_inputs(infer, error);

	if (!status)
		status = weights_open(op_params_text(&infer->params, "weights"), &weights, error);
	if (!status)
		status = find_sizes(&infer->params, weights, &sizes, error);
	weights_close(weights);
	if (status)
		return status;
	if (dim_bound(ids->dims[1], infer->symbols) > sizes.positions)
		return infer_unexpected(infer, 0, error,
			"at most %" PRId64 " tokens in a row: the model has no more positions", sizes.positions);
	infer->outputs[0] = (struct tensor_type){ .dtype = DTYPE_F32, .n_dims = 3,
		.dims = { ids->dims[0], ids->dims[1], dim_constant(sizes.hidden) } };
	return STATUS_OK;
}

static void embed_teardown(void *state)
{
	struct embed *embed = state;
	weights_close(embed->weights);
	free(embed);
}

static int embed_setup(const struct op_setup *setup, void **ret_state, struct error *error)
{
	struct embed *embed = calloc(1, sizeof(*embed));
	int status;

	if (!embed)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the state of bert_embed");
	embed->kernels = kernels_get();
	embed->eps = (float)op_params_float(&setup->params, "eps");
	status = weights_open(op_params_text(&setup->params, "weights"), &embed->weights, error);
	if (!status)
		status = find_sizes(&setup->params, embed->weights, &embed->sizes, error);
	if (!status)
		status = get(embed, WORDS, embed->sizes.vocabulary, &embed->words, error);
	if (!status)
		status = get(embed, POSITIONS, embed->sizes.positions, &embed->positions, error);
	if (!status)
		status = get(embed, TYPES, embed->sizes.types, &embed->types, error);
	if (!status)
		status = get(embed, NORM, 0, &embed->norm, error);
	if (!status)
		status = get(embed, NORM_BIAS, 0, &embed->norm_bias, error);
	if (status) {
		embed_teardown(embed);
		return status;
	}
	*ret_state = embed;
	return STATUS_OK;
}

static int embed_run(struct op_run *run)
{
	const struct embed *embed = run->state;
	const struct tensor *ids = &run->inputs[0];
	int64_t n = embed->sizes.hidden, length = ids->shape[1], n_rows = ids->shape[0] * length;
	float *y = run->outputs[0].data;

	for (int64_t row = 0; row < n_rows; row++) {
		int64_t id = ids->dtype == DTYPE_I32 ? ((const int32_t *)ids->data)[row] : ((const int64_t *)ids->data)[row];
		if (id < 0 || id >= embed->sizes.vocabulary)
			return error_set(run->error, STATUS_OP,
				"ids[%" PRId64 ",%" PRId64 "] is %" PRId64 ", outside the vocabulary of %" PRId64,
				row / length, row % length, id, embed->sizes.vocabulary);
		embed->kernels->sum3(
			y + row * n, embed->words + id * n, embed->positions + row % length * n, embed->types, n);
	}
	embed->kernels->layernorm(y, y, embed->norm, embed->norm_bias, embed->eps, n_rows, n);
	return STATUS_OK;
}

const struct op op_bert_embed = {
	.name = "bert_embed",
	.summary = "BERT's input layer: word, position and token-type embeddings, LayerNorm",
	.n_inputs_min = 1,
	.n_inputs_max = 2,
	.input_names = embed_inputs,
	.params = embed_params,
	.infer = embed_infer,
	.setup = embed_setup,
	.run = embed_run,
	.teardown = embed_teardown,
};
