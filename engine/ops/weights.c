/* SPDX-License-Identifier: Apache-2.0
 *
 * weights: named tensors from a safetensors file or from a seed.
 */
#include "engine/ops/weights.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/safetensors.h"
#include "engine/base/strbuf.h"
#include "engine/graph/mistakes.h"

#define SEEDED "seeded:"
#define SEEDED_DEVIATION 0.02f

struct weights {
	char *spec;
	bool is_seeded;
	uint64_t seed;
	struct tensor_set set;  /* of the file */
	struct tensor_set made; /* seeded tensors, and copies of those that a file holds unaligned */
};

static const char *const prefixes[] = { "", "bert.", "model.", "0.auto_model.", "roberta." };

/* -- open, close ------------------------------------------------------------------------------------------------------- */

static int parse_seed(const char *spec, uint64_t *ret_seed, struct error *error)
{
	const char *digits = spec + strlen(SEEDED);
	char *end;

	errno = 0;
	*ret_seed = strtoull(digits, &end, 10);
	if (errno || *end || *digits < '0' || *digits > '9')
		return error_set(
			error, STATUS_INPUT, "weights=\"%s\": a number must follow " SEEDED ", as in " SEEDED "1", spec);
	return STATUS_OK;
}

int weights_open(const char *spec, struct weights **ret_weights, struct error *error)
{
	struct weights *weights = calloc(1, sizeof(*weights));
	int status = STATUS_OK;

	if (weights)
		weights->spec = strdup(spec);
	if (!weights || !weights->spec)
		status = error_set(error, STATUS_NO_MEMORY, "no memory for the weights %s", spec);
	else if ((weights->is_seeded = strncmp(spec, SEEDED, strlen(SEEDED)) == 0))
		status = parse_seed(spec, &weights->seed, error);
	else
		status = safetensors_read(spec, &weights->set, error);
	if (status) {
		weights_close(weights);
		return status;
	}
	*ret_weights = weights;
	return STATUS_OK;
}

void weights_close(struct weights *weights)
{
	if (!weights)
		return;
	tensor_set_finish(&weights->made);
	tensor_set_finish(&weights->set);
	free(weights->spec);
	free(weights);
}

bool weights_is_seeded(const struct weights *weights)
{
	return weights->is_seeded;
}

/* -- look-up ----------------------------------------------------------------------------------------------------------- */

static const struct tensor *find(const struct weights *weights, const char *name)
{
	char full[300];

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		snprintf(full, sizeof(full), "%s%s", prefixes[i], name);
		const struct tensor *tensor = tensor_set_find(&weights->set, full);
		if (tensor)
			return tensor;
	}
	return NULL;
}

bool weights_has(const struct weights *weights, const char *name)
{
	return weights->is_seeded || find(weights, name);
}

static int missing(const struct weights *weights, const char *name, struct error *error)
{
	size_t n = weights->set.n_items;
	const char **names = calloc(n + 1, sizeof(*names));
	const char *nearest = NULL;

	for (size_t i = 0; names && i < n; i++)
		names[i] = weights->set.items[i].name;
	if (names)
		nearest = mistakes_nearest(name, names);
	int status = error_set(error, STATUS_INPUT, "%s has no tensor %s%s%s%s", weights->spec, name,
		nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : " (of a dtype that can be used)");
	free(names);
	return status;
}

/* "f32[384,?]" with ? for any size. */
static void describe_wanted(int n_dims, const int64_t *shape, struct strbuf *text)
{
	strbuf_add(text, "f32[");
	for (int i = 0; i < n_dims; i++) {
		strbuf_add(text, i ? "," : "");
		if (shape[i] == WEIGHTS_ANY)
			strbuf_add(text, "?");
		else
			strbuf_addf(text, "%" PRId64, shape[i]);
	}
	strbuf_add(text, "]");
}

static int wrong_shape(const struct weights *weights, const char *name, const struct tensor *tensor, int n_dims,
	const int64_t *shape, struct error *error)
{
	struct strbuf wanted = STRBUF_INIT;
	char is[200];

	describe_wanted(n_dims, shape, &wanted);
	int status = error_set(error, STATUS_INPUT, "%s: tensor %s is %s, expected %s", weights->spec, name,
		tensor_describe(tensor, is, sizeof(is)), strbuf_text(&wanted));
	strbuf_finish(&wanted);
	return status;
}

static bool is_as_wanted(const struct tensor *tensor, int n_dims, const int64_t *shape)
{
	if (tensor->dtype != DTYPE_F32 || tensor->n_dims != n_dims)
		return false;
	for (int i = 0; i < n_dims; i++) {
		if (shape[i] != WEIGHTS_ANY && shape[i] != tensor->shape[i])
			return false;
	}
	return true;
}

/* The file's tensor, checked. */
static int find_checked(const struct weights *weights, const char *name, int n_dims, const int64_t *shape,
	const struct tensor **ret_tensor, struct error *error)
{
	*ret_tensor = find(weights, name);
	if (!*ret_tensor)
		return missing(weights, name, error);
	if (!is_as_wanted(*ret_tensor, n_dims, shape))
		return wrong_shape(weights, name, *ret_tensor, n_dims, shape, error);
	return STATUS_OK;
}

int weights_shape(const struct weights *weights, const char *name, int n_dims, const int64_t *shape, int64_t *ret_shape,
	struct error *error)
{
	const int64_t *source = shape;
	const struct tensor *tensor;

	if (!weights->is_seeded) {
		int status = find_checked(weights, name, n_dims, shape, &tensor, error);
		if (status)
			return status;
		source = tensor->shape;
	}
	for (int i = 0; i < n_dims; i++)
		ret_shape[i] = source[i];
	return STATUS_OK;
}

/* -- made tensors ------------------------------------------------------------------------------------------------------ */

/* A tensor of our own under `name`, its data not yet filled. */
static int make(struct weights *weights, const char *name, int n_dims, const int64_t *shape, struct tensor *ret_tensor,
	struct error *error)
{
	struct tensor tensor = tensor_make(DTYPE_F32, n_dims, shape, NULL);
	size_t bytes = round_up(tensor_bytes(&tensor) + 1, TENSOR_ALIGN_BYTES);
	struct tensor_set *made = &weights->made;
	struct named_tensor *items = realloc(made->items, (made->n_items + 1) * sizeof(*items));
	char *copy = strdup(name);

	if (items)
		made->items = items;
	tensor.data = aligned_alloc(TENSOR_ALIGN_BYTES, bytes);
	if (!items || !copy || !tensor.data) {
		free(copy);
		free(tensor.data);
		return error_set(error, STATUS_NO_MEMORY, "no memory for the %zu bytes of tensor %s", bytes, name);
	}
	made->items[made->n_items++] = (struct named_tensor){ .name = copy, .tensor = tensor, .memory = tensor.data };
	*ret_tensor = tensor;
	return STATUS_OK;
}

/* Steele, Lea, Flood 2014: a counter through a mixing function. */
static inline uint64_t splitmix64(uint64_t counter)
{
	uint64_t z = counter * 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* FNV-1a. */
static uint64_t hash_name(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3u;
	return hash;
}

/* The sum of four uniform 16-bit numbers, centred: near enough to normal. Its variance is (2^32 - 1) / 3. */
static void fill_normal(float *data, int64_t n, uint64_t stream, float deviation)
{
	float scale = deviation / sqrtf(4294967295.0f / 3);

	for (int64_t i = 0; i < n; i++) {
		uint64_t bits = splitmix64(stream + (uint64_t)i);
		int32_t sum = (int32_t)((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
		data[i] = (float)(sum - 131070) * scale;
	}
}

static bool ends_with(const char *text, const char *end)
{
	size_t text_bytes = strlen(text), end_bytes = strlen(end);
	return text_bytes >= end_bytes && strcmp(text + text_bytes - end_bytes, end) == 0;
}

static void fill_seeded(const struct weights *weights, const char *name, const struct tensor *tensor)
{
	int64_t n = tensor_n_elements(tensor);
	float *data = tensor->data;

	if (ends_with(name, "bias")) {
		memset(data, 0, tensor_bytes(tensor));
	} else if (ends_with(name, "LayerNorm.weight") || ends_with(name, "norm.weight")) {
		for (int64_t i = 0; i < n; i++)
			data[i] = 1;
	} else {
		fill_normal(data, n, splitmix64(weights->seed ^ hash_name(name)), SEEDED_DEVIATION);
	}
}

int weights_get(struct weights *weights, const char *name, int n_dims, const int64_t *shape, struct tensor *ret_tensor,
	struct error *error)
{
	const struct tensor *tensor = NULL;
	int status;

	if (weights->is_seeded) {
		status = make(weights, name, n_dims, shape, ret_tensor, error);
		if (!status)
			fill_seeded(weights, name, ret_tensor);
		return status;
	}
	status = find_checked(weights, name, n_dims, shape, &tensor, error);
	if (status)
		return status;
	if ((uintptr_t)tensor->data % sizeof(float) == 0) {
		*ret_tensor = *tensor;
		return STATUS_OK;
	}
	status = make(weights, name, n_dims, tensor->shape, ret_tensor, error);
	if (!status)
		memcpy(ret_tensor->data, tensor->data, tensor_bytes(tensor));
	return status;
}
