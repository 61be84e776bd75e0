/* SPDX-License-Identifier: Apache-2.0
 *
 * type: what is known of a tensor before the run. A dimension is a number, or linear in one symbol (a letter of the graph's
 * input declaration): size = mul * symbol + add. Slots are reserved for the bound of every symbol; each execution brings its
 * own values.
 */
#ifndef TANDEM_ENGINE_GRAPH_TYPE_H
#define TANDEM_ENGINE_GRAPH_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/tensor.h"

#define TYPE_SYMBOLS_MAX 16
#define TYPE_SYMBOL_NAME_BYTES 16

struct dim {
	int64_t add;
	int32_t mul;    /* 0 for a constant */
	int32_t symbol; /* index into the graph's symbols; -1 for a constant */
};

struct tensor_type {
	enum dtype dtype;
	int n_dims;
	struct dim dims[TENSOR_DIMS_MAX];
};

struct symbol {
	char name[TYPE_SYMBOL_NAME_BYTES];
	int64_t bound; /* largest value an execution may bring; smallest is 1 */
};

struct symbols {
	int n;
	struct symbol items[TYPE_SYMBOLS_MAX];
};

static inline struct dim dim_constant(int64_t size)
{
	return (struct dim){ .add = size, .mul = 0, .symbol = -1 };
}

static inline bool dim_is_constant(struct dim dim)
{
	return dim.symbol < 0;
}

static inline bool dim_equal(struct dim a, struct dim b)
{
	return a.add == b.add && a.mul == b.mul && a.symbol == b.symbol;
}

/* a + b into *ret_sum; false when they name different symbols. */
bool dim_add(struct dim a, struct dim b, struct dim *ret_sum);

/* Largest size of a dimension, and size for given values of the symbols. */
int64_t dim_bound(struct dim dim, const struct symbols *symbols);
int64_t dim_value(struct dim dim, const int64_t *symbol_values);

/* Whether an execution may bring these sizes: constants as they are, what depends on a symbol from its value at 1 to its bound. For numbers
 * that come from another process. */
bool type_admits(const struct tensor_type *type, const struct symbols *symbols, uint32_t n_dims, const uint32_t *sizes);
/* The least size of a dimension: every symbol is at least 1. */
int64_t dim_least(struct dim dim);

bool type_equal(const struct tensor_type *a, const struct tensor_type *b);
/* Bytes of contiguous data at the bound; SIZE_MAX when that does not fit. */
size_t type_bound_bytes(const struct tensor_type *type, const struct symbols *symbols);
/* The tensor (data NULL) of this type at the bound. */
struct tensor type_bound_tensor(const struct tensor_type *type, const struct symbols *symbols);
/* "f32[B<=64,L<=512,384]" with bounds, or "f32[B,L,384]" without; 2B+1 for a linear dimension. Returns `text`. */
char *type_describe(const struct tensor_type *type, const struct symbols *symbols, bool with_bounds, char *text, size_t size);

#endif
