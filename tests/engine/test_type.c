/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/graph/type.h.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/graph/type.h"

static const struct symbols symbols = { 2, { { "B", 64 }, { "L", 512 } } };

#define CONSTANT(size) { .add = size, .mul = 0, .symbol = -1 }
#define LINEAR(factor, letter, more) { .add = more, .mul = factor, .symbol = letter }
enum { B, L };

static const struct {
	const char *name;
	struct dim a, b;
	bool is_possible;
	struct dim sum;
} sums[] = {
	{ "two constants", CONSTANT(3), CONSTANT(4), true, CONSTANT(7) },
	{ "letter and constant", LINEAR(1, L, 0), CONSTANT(4), true, LINEAR(1, L, 4) },
	{ "constant and letter", CONSTANT(4), LINEAR(2, B, 1), true, LINEAR(2, B, 5) },
	{ "one letter twice", LINEAR(1, L, 1), LINEAR(2, L, 1), true, LINEAR(3, L, 2) },
	{ "two letters", LINEAR(1, L, 0), LINEAR(1, B, 0), false, CONSTANT(0) },
	{ "a letter goes away", LINEAR(1, L, 3), LINEAR(-1, L, 0), true, CONSTANT(3) },
};

Test(type, sums_of_dimensions)
{
	for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
		struct dim sum = CONSTANT(0);
		bool is_possible = dim_add(sums[i].a, sums[i].b, &sum);
		cr_assert_eq(is_possible, sums[i].is_possible, "%s: %d, expected %d", sums[i].name, is_possible,
			sums[i].is_possible);
		cr_assert(dim_equal(sum, sums[i].sum), "%s: %d*[%d]%+" PRId64 ", expected %d*[%d]%+" PRId64, sums[i].name,
			sum.mul, sum.symbol, sum.add, sums[i].sum.mul, sums[i].sum.symbol, sums[i].sum.add);
	}
}

static const struct {
	const char *name;
	struct dim dim;
	int64_t bound, value; /* value at B=2, L=7 */
} sizes[] = {
	{ "constant", CONSTANT(384), 384, 384 },
	{ "letter", LINEAR(1, L, 0), 512, 7 },
	{ "linear", LINEAR(2, B, 1), 129, 5 },
	{ "falling is largest at 1", LINEAR(-1, L, 513), 512, 506 },
	{ "stays at the end of the range", LINEAR(INT32_MAX, L, INT64_MAX), INT64_MAX, INT64_MAX },
};

Test(type, bounds_and_values)
{
	const int64_t values[TYPE_SYMBOLS_MAX] = { 2, 7 };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		int64_t bound = dim_bound(sizes[i].dim, &symbols), value = dim_value(sizes[i].dim, values);
		cr_assert_eq(bound, sizes[i].bound, "%s: bound %" PRId64 ", expected %" PRId64, sizes[i].name, bound,
			sizes[i].bound);
		cr_assert_eq(value, sizes[i].value, "%s: value %" PRId64 ", expected %" PRId64, sizes[i].name, value,
			sizes[i].value);
	}
}

static const struct {
	struct tensor_type type;
	const char *with_bounds, *without;
	size_t bytes;
} types[] = {
	{ { DTYPE_F32, 3, { LINEAR(1, B, 0), LINEAR(1, L, 0), CONSTANT(384) } }, "f32[B<=64,L<=512,384]", "f32[B,L,384]",
		64u * 512 * 384 * 4 },
	{ { DTYPE_I32, 0, { CONSTANT(0) } }, "i32[]", "i32[]", 4 },
	{ { DTYPE_U8, 2, { LINEAR(2, B, 1), LINEAR(-1, L, 513) } }, "u8[2B+1<=129,-L+513<=512]", "u8[2B+1,-L+513]",
		129 * 512 },
	{ { DTYPE_F64, 2, { LINEAR(3, L, -2), CONSTANT(5) } }, "f64[3L-2<=1534,5]", "f64[3L-2,5]", 1534 * 5 * 8 },
	{ { DTYPE_F64, 3, { CONSTANT(1ll << 40), CONSTANT(1ll << 40), CONSTANT(2) } }, "f64[1099511627776,1099511627776,2]",
		"f64[1099511627776,1099511627776,2]", SIZE_MAX },
};

Test(type, descriptions_and_bytes)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		char text[100];
		cr_assert_str_eq(type_describe(&types[i].type, &symbols, true, text, sizeof(text)), types[i].with_bounds);
		cr_assert_str_eq(type_describe(&types[i].type, &symbols, false, text, sizeof(text)), types[i].without);
		size_t bytes = type_bound_bytes(&types[i].type, &symbols);
		cr_assert_eq(bytes, types[i].bytes, "%s: %zu bytes, expected %zu", types[i].without, bytes, types[i].bytes);
	}
}

Test(type, description_is_cut_to_fit)
{
	for (size_t size = 1; size < 30; size++) {
		char text[31];
		memset(text, '#', sizeof(text));
		type_describe(&types[0].type, &symbols, true, text, size);
		size_t length = strlen(text), expected = strlen(types[0].with_bounds);
		expected = expected < size ? expected : size - 1;
		cr_assert_eq(length, expected, "size %zu: length %zu, expected %zu", size, length, expected);
		cr_assert_eq(text[size], '#', "size %zu: written beyond the end", size);
	}
}

Test(type, tensor_at_the_bound)
{
	struct tensor tensor = type_bound_tensor(&types[0].type, &symbols);
	char text[100];
	cr_assert_str_eq(tensor_describe(&tensor, text, sizeof(text)), "f32[64,512,384]");
	cr_assert_eq(tensor.data, NULL);
}

Test(type, equality)
{
	struct tensor_type changed = types[0].type;
	cr_assert(type_equal(&types[0].type, &changed));
	changed.dims[1].symbol = B;
	cr_assert(!type_equal(&types[0].type, &changed));
	changed = types[0].type;
	changed.n_dims = 2;
	cr_assert(!type_equal(&types[0].type, &changed));
	changed = types[0].type;
	changed.dtype = DTYPE_F64;
	cr_assert(!type_equal(&types[0].type, &changed));
}
