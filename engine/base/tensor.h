/* SPDX-License-Identifier: Apache-2.0
 *
 * tensor: a view of typed, shaped memory, laid out as DLPack's DLTensor (dtype, ndim, shape, strides, data). A tensor owns
 * nothing: who owns `data` is said where tensors are handed over. Data of the engine's tensors is 64-byte aligned and
 * contiguous in row-major order.
 */
#ifndef TANDEM_ENGINE_BASE_TENSOR_H
#define TANDEM_ENGINE_BASE_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TENSOR_DIMS_MAX 6
#define TENSOR_ALIGN_BYTES 64

/* X(NAME, word in graphs, bytes, safetensors name, npy descr) */
#define DTYPE_MAP(X)                      \
	X(F32, "f32", 4, "F32", "<f4")    \
	X(F64, "f64", 8, "F64", "<f8")    \
	X(I8, "i8", 1, "I8", "|i1")       \
	X(U8, "u8", 1, "U8", "|u1")       \
	X(I32, "i32", 4, "I32", "<i4")    \
	X(I64, "i64", 8, "I64", "<i8")

enum dtype {
#define X(name, word, bytes, st, npy) DTYPE_##name,
	DTYPE_MAP(X)
#undef X
	DTYPE_COUNT
};

const char *dtype_word(enum dtype dtype);  /* "f32" */
size_t dtype_bytes(enum dtype dtype);
/* Sets *ret_dtype and returns true when `word` ("f32") names a dtype. */
bool dtype_parse(const char *word, enum dtype *ret_dtype);

struct tensor {
	enum dtype dtype;
	int n_dims;                        /* 0 for a scalar, at most TENSOR_DIMS_MAX */
	int64_t shape[TENSOR_DIMS_MAX];    /* elements along each dimension */
	int64_t strides[TENSOR_DIMS_MAX];  /* elements between neighbours along each dimension */
	void *data;
};

/* A contiguous tensor over `data` (may be NULL) with row-major strides. */
struct tensor tensor_make(enum dtype dtype, int n_dims, const int64_t *shape, void *data);

int64_t tensor_n_elements(const struct tensor *tensor); /* 1 for a scalar */
size_t tensor_bytes(const struct tensor *tensor);       /* of contiguous data */
bool tensor_same_shape(const struct tensor *a, const struct tensor *b);

/* "f32[8,15,384]" into `text` of `size` bytes, cut when too long; returns `text`. */
char *tensor_describe(const struct tensor *tensor, char *text, size_t size);

/* A set of named tensors read from or to be written to a file. Owns names and, through `memory`, the data that it allocated.
 * A mapping (safetensors) is owned too. */
struct named_tensor {
	char *name;
	struct tensor tensor;
	void *memory; /* freed with the set; NULL when the data belongs to the mapping or to somebody else */
};

struct tensor_set {
	struct named_tensor *items;
	size_t n_items;
	void *mapping; /* whole file, or NULL */
	size_t mapping_bytes;
};

void tensor_set_finish(struct tensor_set *set);
/* The tensor called `name`, NULL when there is none. Valid as long as the set. */
const struct tensor *tensor_set_find(const struct tensor_set *set, const char *name);

#endif
