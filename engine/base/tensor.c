/* SPDX-License-Identifier: Apache-2.0
 *
 * tensor: dtypes, shapes and sets of named tensors.
 */
#include "engine/base/tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const struct {
	const char *word;
	size_t bytes;
} dtype_texts[DTYPE_COUNT] = {
#define X(name, word, bytes, st, npy) [DTYPE_##name] = { word, bytes },
	DTYPE_MAP(X)
#undef X
};

const char *dtype_word(enum dtype dtype)
{
	return dtype_texts[dtype].word;
}

size_t dtype_bytes(enum dtype dtype)
{
	return dtype_texts[dtype].bytes;
}

bool dtype_parse(const char *word, enum dtype *ret_dtype)
{
	for (int i = 0; i < DTYPE_COUNT; i++) {
		if (strcmp(dtype_texts[i].word, word) == 0) {
			*ret_dtype = (enum dtype)i;
			return true;
		}
	}
	return false;
}

struct tensor tensor_make(enum dtype dtype, int n_dims, const int64_t *shape, void *data)
{
	struct tensor tensor = { .dtype = dtype, .n_dims = n_dims, .data = data };
	int64_t stride = 1;
	for (int i = n_dims - 1; i >= 0; i--) {
		tensor.shape[i] = shape[i];
		tensor.strides[i] = stride;
		stride *= shape[i];
	}
	return tensor;
}

int64_t tensor_n_elements(const struct tensor *tensor)
{
	int64_t n = 1;
	for (int i = 0; i < tensor->n_dims; i++)
		n *= tensor->shape[i];
	return n;
}

size_t tensor_bytes(const struct tensor *tensor)
{
	return (size_t)tensor_n_elements(tensor) * dtype_bytes(tensor->dtype);
}

bool tensor_same_shape(const struct tensor *a, const struct tensor *b)
{
	if (a->n_dims != b->n_dims)
		return false;
	for (int i = 0; i < a->n_dims; i++) {
		if (a->shape[i] != b->shape[i])
			return false;
	}
	return true;
}

char *tensor_describe(const struct tensor *tensor, char *text, size_t size)
{
	int at = snprintf(text, size, "%s[", dtype_word(tensor->dtype));
	for (int i = 0; i < tensor->n_dims && (size_t)at < size; i++)
		at += snprintf(text + at, size - (size_t)at, "%s%" PRId64, i ? "," : "", tensor->shape[i]);
	if ((size_t)at < size)
		snprintf(text + at, size - (size_t)at, "]");
	return text;
}

void tensor_set_finish(struct tensor_set *set)
{
	for (size_t i = 0; i < set->n_items; i++) {
		free(set->items[i].name);
		free(set->items[i].memory);
	}
	free(set->items);
	if (set->mapping)
		munmap(set->mapping, set->mapping_bytes);
	*set = (struct tensor_set){ 0 };
}

const struct tensor *tensor_set_find(const struct tensor_set *set, const char *name)
{
	for (size_t i = 0; i < set->n_items; i++) {
		if (strcmp(set->items[i].name, name) == 0)
			return &set->items[i].tensor;
	}
	return NULL;
}
