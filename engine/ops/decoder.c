/* SPDX-License-Identifier: Apache-2.0
 *
 * decoder: the model's sizes and tensors, and what follows from logits. The forward pass is in decoder_forward.c.
 */
#include "engine/ops/decoder.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/ops/decoder_private.h"

#define SEEDED_LAYERS 2
#define SEEDED_HIDDEN 128
#define SEEDED_VOCABULARY 1000
#define LAYERS_MOST 1000
#define SIZE_MOST (1 << 24)

#define EMBEDDING "embed_tokens.weight"
#define FINAL_NORM "norm.weight"
#define HEAD "lm_head.weight"

/* -- sizes ------------------------------------------------------------------------------------------------------------- */

static int check_ranges(const struct op_params *params, struct error *error)
{
	static const struct {
		const char *name;
		int64_t least, most;
	} ranges[] = {
		{ "heads", 1, SIZE_MOST }, { "kv_heads", 0, SIZE_MOST }, { "layers", 0, LAYERS_MOST },
		{ "hidden", 0, SIZE_MOST }, { "inner", 0, SIZE_MOST }, { "vocab", 0, SIZE_MOST },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		int64_t value = op_params_int(params, ranges[i].name);
		if (value < ranges[i].least || value > ranges[i].most)
			return error_set(error, STATUS_GRAPH, "%s=%" PRId64 " is not between %" PRId64 " and %" PRId64,
				ranges[i].name, value, ranges[i].least, ranges[i].most);
	}
	if (op_params_float(params, "temperature") < 0)
		return error_set(error, STATUS_GRAPH, "temperature=%g is below 0", op_params_float(params, "temperature"));
	if (op_params_float(params, "theta") <= 0)
		return error_set(error, STATUS_GRAPH, "theta=%g is not above 0", op_params_float(params, "theta"));
	if (op_params_float(params, "eps") < 0)
		return error_set(error, STATUS_GRAPH, "eps=%g is below 0", op_params_float(params, "eps"));
	return STATUS_OK;
}

/* The heads cut the hidden size into even parts, and groups of equally many query heads share keys and values. */
static int check_heads(const struct decoder_sizes *sizes, struct error *error)
{
	if (sizes->hidden % sizes->heads || sizes->head_size % 2)
		return error_set(error, STATUS_GRAPH, "heads=%" PRId64 " does not cut the hidden size of %" PRId64
			" into even parts", sizes->heads, sizes->hidden);
	if (sizes->kv_heads < 1 || sizes->heads % sizes->kv_heads)
		return error_set(error, STATUS_GRAPH, "kv_heads=%" PRId64 " does not divide heads=%" PRId64, sizes->kv_heads,
			sizes->heads);
	return STATUS_OK;
}

static int64_t count_layers(const struct weights *weights)
{
	int64_t n = 0;
	for (char name[64]; n < LAYERS_MOST; n++) {
		snprintf(name, sizeof(name), "layers.%" PRId64 ".input_layernorm.weight", n);
		if (!weights_has(weights, name))
			break;
	}
	return n;
}

static int64_t given(const struct op_params *params, const char *name, int64_t otherwise)
{
	int64_t value = op_params_int(params, name);
	return value ? value : otherwise;
}

static void set_seeded(const struct op_params *params, struct decoder_sizes *sizes)
{
	sizes->layers = given(params, "layers", SEEDED_LAYERS);
	sizes->hidden = given(params, "hidden", SEEDED_HIDDEN);
	sizes->inner = given(params, "inner", 4 * sizes->hidden);
	sizes->vocabulary = given(params, "vocab", SEEDED_VOCABULARY);
	sizes->kv_heads = given(params, "kv_heads", sizes->heads);
}

static int set_from_file(const struct op_params *params, const struct weights *weights, struct decoder_sizes *sizes,
	struct error *error)
{
	int64_t words[2] = { given(params, "vocab", WEIGHTS_ANY), given(params, "hidden", WEIGHTS_ANY) };
	int status = weights_shape(weights, EMBEDDING, 2, words, words, error);
	int64_t inner[2] = { given(params, "inner", WEIGHTS_ANY), words[1] }, keys[2] = { WEIGHTS_ANY, words[1] };

	if (!status)
		status = weights_shape(weights, "layers.0.mlp.gate_proj.weight", 2, inner, inner, error);
	if (!status)
		status = weights_shape(weights, "layers.0.self_attn.k_proj.weight", 2, keys, keys, error);
	if (status)
		return status;
	sizes->layers = given(params, "layers", count_layers(weights));
	sizes->hidden = words[1];
	sizes->inner = inner[0];
	sizes->vocabulary = words[0];
	int64_t head_size = sizes->hidden / sizes->heads;
	sizes->kv_heads = given(params, "kv_heads", head_size ? keys[0] / head_size : 0);
	return STATUS_OK;
}

static int find_sizes(const struct op_params *params, const struct weights *weights, struct decoder_sizes *ret_sizes,
	struct error *error)
{
	struct decoder_sizes sizes = { .heads = op_params_int(params, "heads") };
	int status = STATUS_OK;

	if (weights_is_seeded(weights))
		set_seeded(params, &sizes);
	else
		status = set_from_file(params, weights, &sizes, error);
	if (status)
		return status;
	sizes.is_tied = op_params_bool(params, "tied") || !weights_has(weights, HEAD);
	sizes.head_size = sizes.hidden / sizes.heads;
	sizes.kv = sizes.kv_heads * sizes.head_size;
	*ret_sizes = sizes;
	return check_heads(&sizes, error);
}

/* -- tensors ----------------------------------------------------------------------------------------------------------- */

/* Looks at one tensor [rows, columns], a vector when rows is 1; fetches it when `ret_data` is not NULL. */
static int visit(struct weights *weights, const char *name, int64_t rows, int64_t columns, const float **ret_data,
	struct error *error)
{
	int64_t shape[2] = { rows, columns }, found[2];
	int n_dims = rows == 1 ? 1 : 2;
	struct tensor tensor = { 0 };

	if (!ret_data)
		return weights_shape(weights, name, n_dims, shape + 2 - n_dims, found, error);
	int status = weights_get(weights, name, n_dims, shape + 2 - n_dims, &tensor, error);
	*ret_data = tensor.data;
	return status;
}

static int visit_layer(struct weights *weights, const struct decoder_sizes *sizes, int64_t layer, const float **tensors,
	struct error *error)
{
	enum { ONE, HIDDEN, KV, INNER };
	const int64_t counts[] = { 1, sizes->hidden, sizes->kv, sizes->inner };
	static const struct {
		const char *name;
		int rows, columns;
	} items[DECODER_TENSOR_COUNT] = {
#define X(name, file_name, rows, columns) { file_name, rows, columns },
		DECODER_TENSOR_MAP(X)
#undef X
	};
	int status = STATUS_OK;

	for (int i = 0; i < DECODER_TENSOR_COUNT && !status; i++) {
		char name[100];
		snprintf(name, sizeof(name), "layers.%" PRId64 ".%s", layer, items[i].name);
		status = visit(weights, name, counts[items[i].rows], counts[items[i].columns],
			tensors ? &tensors[i] : NULL, error);
	}
	return status;
}

/* All tensors; those of `decoder` are fetched, or, when it is NULL, only looked at. */
static int visit_all(struct weights *weights, const struct decoder_sizes *sizes, struct decoder *decoder,
	struct error *error)
{
	int status = visit(weights, EMBEDDING, sizes->vocabulary, sizes->hidden,
		decoder ? &decoder->embedding : NULL, error);

	for (int64_t layer = 0; layer < sizes->layers && !status; layer++)
		status = visit_layer(weights, sizes, layer, decoder ? decoder->layers[layer].tensors : NULL, error);
	if (!status)
		status = visit(weights, FINAL_NORM, 1, sizes->hidden, decoder ? &decoder->norm : NULL, error);
	if (!status && !sizes->is_tied)
		status = visit(weights, HEAD, sizes->vocabulary, sizes->hidden, decoder ? &decoder->head : NULL, error);
	else if (!status && decoder)
		decoder->head = decoder->embedding;
	return status;
}

int decoder_check(const struct op_params *params, struct decoder_sizes *ret_sizes, struct error *error)
{
	struct weights *weights = NULL;
	int status = check_ranges(params, error);

	if (!status)
		status = weights_open(op_params_text(params, "weights"), &weights, error);
	if (!status)
		status = find_sizes(params, weights, ret_sizes, error);
	if (!status)
		status = visit_all(weights, ret_sizes, NULL, error);
	weights_close(weights);
	return status;
}

/* -- life -------------------------------------------------------------------------------------------------------------- */

const struct decoder_sizes *decoder_sizes(const struct decoder *decoder)
{
	return &decoder->sizes;
}

int64_t decoder_cache_floats(const struct decoder_sizes *sizes, int64_t capacity)
{
	return sizes->layers * 2 * capacity * sizes->kv;
}

/* Cosines and sines of each position, worked out in double precision. */
static void fill_angles(struct decoder *decoder, double theta, int64_t n_positions)
{
	int64_t size = decoder->sizes.head_size, half = size / 2;

	for (int64_t i = 0; i < half; i++) {
		double frequency = pow(theta, -2.0 * (double)i / (double)size);
		for (int64_t position = 0; position < n_positions; position++) {
			decoder->angles[position * size + i] = (float)cos((double)position * frequency);
			decoder->angles[position * size + i + half] = (float)sin((double)position * frequency);
		}
	}
}

static int prepare(struct decoder *decoder, const struct op_setup *setup, int64_t n_positions, struct error *error)
{
	int status = weights_open(op_params_text(&setup->params, "weights"), &decoder->weights, error);

	if (!status)
		status = find_sizes(&setup->params, decoder->weights, &decoder->sizes, error);
	if (status)
		return status;
	decoder->layers = calloc((size_t)decoder->sizes.layers + 1, sizeof(*decoder->layers));
	decoder->angles = calloc((size_t)n_positions * (size_t)decoder->sizes.head_size, sizeof(float));
	if (!decoder->layers || !decoder->angles)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the model of %s", setup->node);
	decoder->scale = 1 / sqrtf((float)decoder->sizes.head_size);
	fill_angles(decoder, op_params_float(&setup->params, "theta"), n_positions);
	return visit_all(decoder->weights, &decoder->sizes, decoder, error);
}

int decoder_create(const struct op_setup *setup, int64_t n_rows_most, int64_t n_sequences_most, int64_t n_positions,
	struct decoder **ret_decoder, struct error *error)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));
	int status;

	if (!decoder)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the model of %s", setup->node);
	decoder->kernels = kernels_get();
	decoder->own = decoder_kernels_get();
	decoder->eps = (float)op_params_float(&setup->params, "eps");
	decoder->temperature = (float)op_params_float(&setup->params, "temperature");
	decoder->seed = setup->seed;
	status = prepare(decoder, setup, n_positions, error);
	if (!status)
		status = decoder_scratch_init(decoder, n_rows_most, n_sequences_most, n_positions, error);
	if (status) {
		decoder_destroy(decoder);
		return status;
	}
	*ret_decoder = decoder;
	return STATUS_OK;
}

void decoder_destroy(struct decoder *decoder)
{
	if (!decoder)
		return;
	weights_close(decoder->weights);
	free(decoder->scratch.memory);
	free(decoder->angles);
	free(decoder->layers);
	free(decoder);
}

/* -- picking a token --------------------------------------------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014) of the three numbers, as a number in [0, 1). */
static double random_for(uint64_t seed, int64_t request, int64_t position)
{
	const uint64_t words[3] = { seed, (uint64_t)request, (uint64_t)position };
	uint64_t z = 0;

	for (int i = 0; i < 3; i++) {
		z = (z ^ words[i]) + 0x9e3779b97f4a7c15u;
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		z ^= z >> 31;
	}
	return (double)(z >> 11) * 0x1p-53;
}

static int32_t likeliest(const float *logits, int64_t n)
{
	int64_t best = 0;
	for (int64_t i = 1; i < n; i++)
		best = logits[i] > logits[best] ? i : best;
	return (int32_t)best;
}

int32_t decoder_pick(const struct decoder *decoder, const float *logits, int64_t request, int64_t position)
{
	int64_t n = decoder->sizes.vocabulary, last = 0;
	double rest = random_for(decoder->seed, request, position), total = 0;

	for (int64_t i = 0; i < n; i++) {
		if (!isfinite(logits[i]))
			return -1;
	}
	if (decoder->temperature == 0)
		return likeliest(logits, n);
	float *shares = decoder->scratch.shares;
	decoder->kernels->softmax(shares, logits, 1 / decoder->temperature, NULL, 1, n);
	for (int64_t i = 0; i < n; i++)
		total += shares[i];
	rest *= total;
	for (int64_t i = 0; i < n; i++) {
		if (shares[i] <= 0)
			continue;
		last = i;
		rest -= shares[i];
		if (rest < 0)
			break;
	}
	return (int32_t)last;
}
