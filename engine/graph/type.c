/* SPDX-License-Identifier: Apache-2.0
 *
 * type: dimensions that are linear in one symbol, and tensor types made of them.
 */
#include "engine/graph/type.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

bool dim_add(struct dim a, struct dim b, struct dim *ret_sum)
{
	if (!dim_is_constant(a) && !dim_is_constant(b) && a.symbol != b.symbol)
		return false;
	struct dim sum = { .add = a.add + b.add, .mul = a.mul + b.mul, .symbol = dim_is_constant(a) ? b.symbol : a.symbol };
	if (sum.mul == 0)
		sum.symbol = -1;
	*ret_sum = sum;
	return true;
}

/* mul * value + add, kept at the ends of the range instead of wrapping. */
static int64_t dim_at(struct dim dim, int64_t value)
{
	int64_t product, size;
	if (__builtin_mul_overflow((int64_t)dim.mul, value, &product))
		return (dim.mul < 0) == (value < 0) ? INT64_MAX : INT64_MIN;
	if (__builtin_add_overflow(product, dim.add, &size))
		return product < 0 ? INT64_MIN : INT64_MAX;
	return size;
}

int64_t dim_bound(struct dim dim, const struct symbols *symbols)
{
	if (dim_is_constant(dim))
		return dim.add;
	return dim_at(dim, dim.mul < 0 ? 1 : symbols->items[dim.symbol].bound);
}

int64_t dim_value(struct dim dim, const int64_t *symbol_values)
{
	return dim_is_constant(dim) ? dim.add : dim_at(dim, symbol_values[dim.symbol]);
}

int64_t dim_least(struct dim dim)
{
	return dim_is_constant(dim) ? dim.add : dim.mul + dim.add;
}

bool type_admits(const struct tensor_type *type, const struct symbols *symbols, uint32_t n_dims, const uint32_t *sizes)
{
	bool fits = n_dims == (uint32_t)type->n_dims;
	for (int i = 0; fits && i < type->n_dims; i++)
		fits = sizes[i] >= dim_least(type->dims[i]) && sizes[i] <= dim_bound(type->dims[i], symbols);
	return fits;
}

bool type_equal(const struct tensor_type *a, const struct tensor_type *b)
{
	if (a->dtype != b->dtype || a->n_dims != b->n_dims)
		return false;
	for (int i = 0; i < a->n_dims; i++) {
		if (!dim_equal(a->dims[i], b->dims[i]))
			return false;
	}
	return true;
}

size_t type_bound_bytes(const struct tensor_type *type, const struct symbols *symbols)
{
	size_t bytes = dtype_bytes(type->dtype);
	for (int i = 0; i < type->n_dims; i++) {
		int64_t size = dim_bound(type->dims[i], symbols);
		if (size < 0 || __builtin_mul_overflow(bytes, (size_t)size, &bytes))
			return SIZE_MAX;
	}
	return bytes;
}

struct tensor type_bound_tensor(const struct tensor_type *type, const struct symbols *symbols)
{
	int64_t shape[TENSOR_DIMS_MAX];
	for (int i = 0; i < type->n_dims; i++)
		shape[i] = dim_bound(type->dims[i], symbols);
	return tensor_make(type->dtype, type->n_dims, shape, NULL);
}

/* A text of fixed size that is filled from the left and cut at its end. */
struct text {
	char *at, *end;
};

static void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void text_add(struct text *text, const char *format, ...)
{
	if (text->at >= text->end)
		return;
	va_list args;
	va_start(args, format);
	int length = vsnprintf(text->at, (size_t)(text->end - text->at), format, args);
	va_end(args);
	text->at += length > 0 ? length : 0;
}

static void text_add_dim(struct text *text, struct dim dim, const struct symbols *symbols, bool with_bounds)
{
	if (dim_is_constant(dim)) {
		text_add(text, "%" PRId64, dim.add);
		return;
	}
	const struct symbol *symbol = &symbols->items[dim.symbol];
	if (dim.mul == -1)
		text_add(text, "-");
	else if (dim.mul != 1)
		text_add(text, "%" PRId32, dim.mul);
	text_add(text, "%s", symbol->name);
	if (dim.add)
		text_add(text, "%+" PRId64, dim.add);
	if (with_bounds)
		text_add(text, "<=%" PRId64, dim_bound(dim, symbols));
}

char *type_describe(const struct tensor_type *type, const struct symbols *symbols, bool with_bounds, char *text, size_t size)
{
	struct text out = { text, text + size };
	text_add(&out, "%s[", dtype_word(type->dtype));
	for (int i = 0; i < type->n_dims; i++) {
		if (i)
			text_add(&out, ",");
		text_add_dim(&out, type->dims[i], symbols, with_bounds);
	}
	text_add(&out, "]");
	return text;
}
