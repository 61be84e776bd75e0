/* SPDX-License-Identifier: Apache-2.0
 *
 * test_slice: slices, figures, comparisons and printing of engine/debug/value.h, against the plainest way to do the same.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/npy.h"
#include "engine/base/safetensors.h"
#include "engine/debug/value.h"
#include "tests/support/trials.h"

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static int64_t below(uint64_t *state, int64_t n)
{
	return n > 0 ? (int64_t)(next_random(state) % (uint64_t)n) : 0;
}

/* -- slices against an odometer ------------------------------------------------------------------------------------------- */

/* One item of a random slice, as text and as the indices that it names. */
struct item {
	bool is_index;
	int64_t indices[64];
	int n;
};

static void python_range(int64_t size, bool has_start, int64_t start, bool has_stop, int64_t stop, int64_t step, struct item *item)
{
	if (!has_start)
		start = step > 0 ? 0 : size - 1;
	else if (start < 0)
		start += size;
	if (!has_stop)
		stop = step > 0 ? size : -1;
	else if (stop < 0)
		stop = stop + size < 0 ? (step > 0 ? 0 : -1) : stop + size;
	item->n = 0;
	for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) {
		if (i >= 0 && i < size && item->n < 64)
			item->indices[item->n++] = i;
		else if (step > 0 ? i >= size : i < 0)
			break;
	}
}

/* Where a start lies outside, steps must be counted from the edge, as numpy clamps. */
static int64_t clamp_start(int64_t start, int64_t size, int64_t step)
{
	int64_t from = start < 0 ? start + size : start, least = step > 0 ? 0 : -1, most = step > 0 ? size : size - 1;
	return from < least ? least : from > most ? most : from;
}

static int make_item(uint64_t *random, int64_t size, char *text, size_t n_text, struct item *item)
{
	item->is_index = size > 0 && below(random, 4) == 0;
	if (item->is_index) {
		int64_t index = below(random, 2 * size) - size;
		item->indices[0] = index < 0 ? index + size : index;
		item->n = 1;
		return snprintf(text, n_text, "%" PRId64, index);
	}
	bool has_start = below(random, 2), has_stop = below(random, 2), has_step = below(random, 2);
	int64_t start = below(random, 3 * size + 2) - size - 1, stop = below(random, 3 * size + 2) - size - 1;
	int64_t step = has_step ? below(random, 5) - 2 : 1;
	step = step ? step : 1;
	int n = 0;
	if (has_start)
		n += snprintf(text + n, n_text - (size_t)n, "%" PRId64, start);
	n += snprintf(text + n, n_text - (size_t)n, ":");
	if (has_stop)
		n += snprintf(text + n, n_text - (size_t)n, "%" PRId64, stop);
	if (has_step)
		n += snprintf(text + n, n_text - (size_t)n, ":%" PRId64, step);
	int64_t first = has_start ? clamp_start(start, size, step) : 0;
	python_range(size, has_start, has_start ? (first < 0 ? -1 - size : first) : 0, has_stop, stop, step, item);
	if (has_start && first < 0)
		item->n = 0;
	return n;
}

static void check_slice(uint64_t *random, int trial)
{
	int64_t shape[TENSOR_DIMS_MAX], total = 1, at[TENSOR_DIMS_MAX] = { 0 }, expected_n = 1;
	struct item items[TENSOR_DIMS_MAX];
	char text[400] = "[";
	int n_dims = (int)below(random, TENSOR_DIMS_MAX + 1), n_given = (int)below(random, n_dims + 1), n = 1;
	for (int d = 0; d < n_dims; d++) {
		shape[d] = below(random, 10) ? 1 + below(random, 5) : 0;
		total *= shape[d];
		if (d < n_given) {
			n += snprintf(text + n, sizeof text - (size_t)n, d ? "," : "");
			n += make_item(random, shape[d], text + n, sizeof text - (size_t)n, &items[d]);
		} else {
			python_range(shape[d], false, 0, false, 0, 1, &items[d]);
			items[d].is_index = false;
		}
		expected_n *= items[d].n;
	}
	snprintf(text + n, sizeof text - (size_t)n, "]");
	float *data = calloc((size_t)total + 1, sizeof *data), *got = calloc((size_t)expected_n + 1, sizeof *got);
	for (int64_t i = 0; i < total; i++)
		data[i] = (float)i;
	struct tensor tensor = tensor_make(DTYPE_F32, n_dims, shape, data);
	struct debug_slice slice;
	struct error error;
	int status = debug_slice_parse(text, &tensor, &slice, &error);
	cr_assert_eq(status, STATUS_OK, "trial %d: %s: %s", trial, text, error.text);
	cr_assert_eq(slice.n_elements, expected_n, "trial %d: %s: %lld elements, not %lld", trial, text, (long long)slice.n_elements,
		(long long)expected_n);
	debug_slice_gather(&slice, &tensor, got);
	for (int64_t i = 0; i < expected_n; i++) {
		int64_t element = 0;
		for (int d = 0; d < n_dims; d++)
			element += items[d].indices[at[d]] * tensor.strides[d];
		cr_assert_eq(got[i], (float)element, "trial %d: %s: element %lld is %g, not %lld", trial, text, (long long)i, (double)got[i],
			(long long)element);
		for (int d = n_dims - 1; d >= 0 && ++at[d] == items[d].n; d--)
			at[d] = 0;
	}
	free(data);
	free(got);
}

Test(slice, random_slices_name_what_an_odometer_finds)
{
	uint64_t random = 7;
	for (int i = 0; i < trials(20000); i++)
		check_slice(&random, i);
}

static const struct slice_case {
	const char *name, *text;
	int n_dims;
	int64_t shape[3];
	const char *expected; /* shape of the slice, or what the message says */
} slice_cases[] = {
	{ "all", "", 2, { 3, 4 }, "f32[3,4]" },
	{ "an index drops its dimension", "[1]", 2, { 3, 4 }, "f32[4]" },
	{ "blanks", "[ 1 , : ]", 2, { 3, 4 }, "f32[4]" },
	{ "ellipsis", "[...,0]", 3, { 2, 3, 4 }, "f32[2,3]" },
	{ "ellipsis that stands for nothing", "[1,...,2]", 2, { 3, 4 }, "f32[]" },
	{ "backwards", "[::-1,::-2]", 2, { 3, 4 }, "f32[3,2]" },
	{ "empty range", "[2:1]", 2, { 3, 4 }, "f32[0,4]" },
	{ "beyond the end", "[1:100]", 2, { 3, 4 }, "f32[2,4]" },
	{ "a huge step", "[::9007199254740992]", 2, { 3, 4 }, "f32[1,4]" },
	{ "scalar", "[]", 0, { 0 }, "f32[]" },
	{ "index outside", "[3]", 2, { 3, 4 }, "index 3 is outside dimension 0 of size 3 at column 3; the value is f32[3,4]" },
	{ "negative index outside", "[0,-5]", 2, { 3, 4 }, "index -5 is outside dimension 1 of size 4" },
	{ "too many", "[0,0,0]", 2, { 3, 4 }, "more indices than dimensions at column 6" },
	{ "step 0", "[::0]", 2, { 3, 4 }, "a step of 0" },
	{ "two ellipses", "[...,...]", 2, { 3, 4 }, "a second ..." },
	{ "no end", "[0", 2, { 3, 4 }, "expected , or ]" },
	{ "rest", "[0]x", 2, { 3, 4 }, "something behind the slice at column 4" },
	{ "no slice", "x", 2, { 3, 4 }, "expected [ at column 1" },
	{ "no number", "[-]", 2, { 3, 4 }, "expected a number at column 3" },
	{ "large number", "[99999999999999999999]", 2, { 3, 4 }, "the number is too large" },
	{ "nothing between", "[0,]", 2, { 3, 4 }, "expected an index, a range or ... at column 4" },
};

Test(slice, shapes_and_messages)
{
	for (size_t i = 0; i < sizeof slice_cases / sizeof slice_cases[0]; i++) {
		const struct slice_case *c = &slice_cases[i];
		struct tensor tensor = tensor_make(DTYPE_F32, c->n_dims, c->shape, NULL);
		struct debug_slice slice;
		struct error error = { 0 };
		char shape[96];
		if (debug_slice_parse(c->text, &tensor, &slice, &error) == STATUS_OK) {
			struct tensor part = tensor_make(DTYPE_F32, slice.n_dims, slice.shape, NULL);
			cr_expect_str_eq(tensor_describe(&part, shape, sizeof shape), c->expected, "%s: %s", c->name, shape);
		} else {
			cr_expect(strstr(error.text, c->expected), "%s: '%s' without '%s'", c->name, error.text, c->expected);
		}
	}
}

/* -- figures against long doubles ---------------------------------------------------------------------------------------------- */

static void put(struct tensor *tensor, int64_t i, double value)
{
	switch (tensor->dtype) {
	case DTYPE_F32:
		((float *)tensor->data)[i] = (float)value;
		break;
	case DTYPE_F64:
		((double *)tensor->data)[i] = value;
		break;
	case DTYPE_I8:
		((int8_t *)tensor->data)[i] = (int8_t)value;
		break;
	case DTYPE_U8:
		((uint8_t *)tensor->data)[i] = (uint8_t)value;
		break;
	case DTYPE_I32:
		((int32_t *)tensor->data)[i] = (int32_t)value;
		break;
	default:
		((int64_t *)tensor->data)[i] = (int64_t)value;
		break;
	}
}

struct plain {
	int64_t n, n_nan, n_inf, n_zero;
	double min, max;
	long double mean, std, norm;
};

static struct plain plain_stats(const struct debug_slice *slice, const struct tensor *tensor, const double *values)
{
	struct plain plain = { .min = INFINITY, .max = -INFINITY, .n = slice->n_elements };
	long double n = 0, spread = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (int64_t i = 0; i < slice->n_elements; i++) {
			double x = values[i];
			if (pass == 0) {
				plain.n_nan += isnan(x);
				plain.n_inf += isinf(x) != 0;
				plain.n_zero += x == 0;
			}
			if (!isfinite(x))
				continue;
			if (pass == 1) {
				spread += ((long double)x - plain.mean) * ((long double)x - plain.mean);
				continue;
			}
			n++;
			plain.mean += x;
			plain.norm += (long double)x * x;
			plain.min = x < plain.min ? x : plain.min;
			plain.max = x > plain.max ? x : plain.max;
		}
		if (pass == 0)
			plain.mean /= n;
	}
	plain.norm = sqrtl(plain.norm);
	plain.std = sqrtl(spread / n);
	return plain;
}

static bool is_close(double got, long double expected, double scale)
{
	return (isnan(got) && isnan((double)expected)) || fabsl(got - expected) <= 1e-9L * (fabsl(expected) + scale);
}

static void check_stats(enum dtype dtype, const char *slice_text, double offset, bool has_odd_values)
{
	int64_t shape[] = { 7, 11, 137 };
	int64_t n = shape[0] * shape[1] * shape[2];
	void *data = calloc((size_t)n, dtype_bytes(dtype));
	double *values = calloc((size_t)n, sizeof *values);
	struct tensor tensor = tensor_make(dtype, 3, shape, data);
	uint64_t random = 11;
	for (int64_t i = 0; i < n; i++)
		put(&tensor, i, offset + (double)below(&random, 200) - (dtype == DTYPE_U8 ? 0 : 100));
	for (int64_t i = 0; has_odd_values && i < n; i += 13)
		put(&tensor, i, i % 3 == 0 ? (double)NAN : i % 3 == 1 ? (double)INFINITY : -(double)INFINITY);
	struct debug_slice slice;
	struct debug_stats stats;
	struct debug_bins bins;
	cr_assert_eq(debug_slice_parse(slice_text, &tensor, &slice, NULL), STATUS_OK);
	void *part = calloc((size_t)slice.n_elements + 1, dtype_bytes(dtype));
	debug_slice_gather(&slice, &tensor, part);
	struct tensor flat = tensor_make(dtype, 1, &slice.n_elements, part);
	for (int64_t i = 0; i < slice.n_elements; i++)
		values[i] = debug_element(&flat, i);
	struct plain plain = plain_stats(&slice, &tensor, values);
	debug_stats(&slice, &tensor, &stats);
	const char *name = dtype_word(dtype);
	cr_expect_eq(stats.n_nan, plain.n_nan, "%s%s: %lld NaN, not %lld", name, slice_text, (long long)stats.n_nan, (long long)plain.n_nan);
	cr_expect_eq(stats.n_inf, plain.n_inf, "%s%s: %lld inf, not %lld", name, slice_text, (long long)stats.n_inf, (long long)plain.n_inf);
	cr_expect_eq(stats.n_zero, plain.n_zero, "%s%s: %lld zero, not %lld", name, slice_text, (long long)stats.n_zero,
		(long long)plain.n_zero);
	cr_expect_eq(stats.min, plain.min, "%s%s: min %g, not %g", name, slice_text, stats.min, plain.min);
	cr_expect_eq(stats.max, plain.max, "%s%s: max %g, not %g", name, slice_text, stats.max, plain.max);
	cr_expect(is_close(stats.mean, plain.mean, fabs(offset)), "%s%s: mean %.17g, not %.17Lg", name, slice_text, stats.mean, plain.mean);
	cr_expect(is_close(stats.std, plain.std, 0), "%s%s+%g: std %.17g, not %.17Lg", name, slice_text, offset, stats.std, plain.std);
	cr_expect(is_close(stats.norm, plain.norm, 0), "%s%s: norm %.17g, not %.17Lg", name, slice_text, stats.norm, plain.norm);
	int64_t sum = 0;
	debug_histogram(&slice, &tensor, 10, &bins);
	for (int b = 0; b < 10; b++) {
		int64_t count = 0;
		for (int64_t i = 0; i < slice.n_elements; i++) {
			int bin = (int)floor((values[i] - plain.min) / (plain.max - plain.min) * 10);
			count += isfinite(values[i]) && (bin > 9 ? 9 : bin) == b;
		}
		cr_expect(labs((long)(count - bins.n[b])) <= slice.n_elements / 50 + 1, "%s%s: bin %d has %lld, not %lld", name, slice_text, b,
			(long long)bins.n[b], (long long)count);
		sum += bins.n[b];
	}
	cr_expect_eq(sum, slice.n_elements - plain.n_nan - plain.n_inf, "%s%s: %lld in bins", name, slice_text, (long long)sum);
	free(part);
	free(values);
	free(data);
}

Test(slice, statistics_and_histograms_agree_with_long_doubles)
{
	static const char *const texts[] = { "", "[1]", "[:,3,1:]", "[::2,::-3,::7]", "[0,0,5]", "[2,:,:130]" };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
			check_stats((enum dtype)dtype, texts[i], 0, false);
		if (strcmp(texts[i], "[0,0,5]") != 0) {
			check_stats(DTYPE_F32, texts[i], 0, true);
			check_stats(DTYPE_F64, texts[i], 0, true);
		}
		check_stats(DTYPE_F64, texts[i], 1e9, false); /* a spread that a large mean must not swallow */
		check_stats(DTYPE_I64, texts[i], 1e12, false);
	}
}

Test(slice, statistics_of_nothing_finite_and_of_poison)
{
	float values[5] = { (float)NAN, (float)INFINITY, -(float)INFINITY, (float)NAN, 0 };
	int64_t shape[] = { 4 };
	struct tensor tensor = tensor_make(DTYPE_F32, 1, shape, values);
	struct debug_slice slice;
	struct debug_stats stats;
	struct debug_bins bins;
	debug_slice_parse("", &tensor, &slice, NULL);
	debug_stats(&slice, &tensor, &stats);
	cr_expect(isnan(stats.min) && isnan(stats.mean) && isnan(stats.norm), "%g %g %g", stats.min, stats.mean, stats.norm);
	cr_expect(stats.n_nan == 2 && stats.n_inf == 2, "%lld %lld", (long long)stats.n_nan, (long long)stats.n_inf);
	debug_histogram(&slice, &tensor, 4, &bins);
	cr_expect_eq(bins.n[0] + bins.n[1] + bins.n[2] + bins.n[3], 0);
	debug_slice_parse("[:0]", &tensor, &slice, NULL);
	debug_stats(&slice, &tensor, &stats);
	cr_expect(stats.n == 0 && isnan(stats.max), "%lld %g", (long long)stats.n, stats.max);
	for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
		uint32_t words[64];
		int64_t n = (int64_t)(sizeof words / dtype_bytes((enum dtype)dtype));
		for (size_t i = 0; i < 64; i++)
			words[i] = GATE_POISON;
		struct tensor filled = tensor_make((enum dtype)dtype, 1, &n, words);
		debug_slice_parse("", &filled, &slice, NULL);
		debug_stats(&slice, &filled, &stats);
		int64_t expected = dtype_bytes((enum dtype)dtype) == 8 ? 32 : 64;
		cr_expect_eq(stats.n_poison, expected, "%s: %lld poison, not %lld", dtype_word((enum dtype)dtype), (long long)stats.n_poison,
			(long long)expected);
		cr_expect_eq(stats.n_nan, dtype <= DTYPE_F64 ? expected : 0, "%s: %lld NaN", dtype_word((enum dtype)dtype),
			(long long)stats.n_nan);
	}
}

/* -- comparing ------------------------------------------------------------------------------------------------------------------- */

#define N (double)NAN
#define I (double)INFINITY
static const struct compare_case {
	const char *name;
	enum dtype dtype;
	double a[4], b[4], absolute, relative;
	int64_t n_different, n_unequal_bits, worst, first;
	double max_absolute, max_relative;
} compare_cases[] = {
	{ "equal", DTYPE_F32, { 1, 2, 3, 4 }, { 1, 2, 3, 4 }, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ "one", DTYPE_F32, { 1, 2, 3, 4 }, { 1, 2, 4, 4 }, 0, 0, 1, 1, 2, 2, 1, 0.25 },
	{ "within absolute", DTYPE_F32, { 1, 2, 3, 4 }, { 1, 2, 3.5, 4 }, 0.5, 0, 0, 1, 2, 0, 0.5, 0.5 / 3.5 },
	{ "within relative", DTYPE_F64, { 1, 2, 100, 4 }, { 1, 2, 101, 4 }, 0, 0.01, 0, 1, 2, 0, 1, 1.0 / 101 },
	{ "beyond both", DTYPE_F64, { 1, 2, 100, 4 }, { 1, 5, 101, 4 }, 0.1, 0.01, 1, 2, 1, 1, 3, 0.6 },
	{ "NaN equals NaN", DTYPE_F32, { N, 2, 3, 4 }, { N, 2, 3, 4 }, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ "NaN on one side is the worst", DTYPE_F32, { 1, I, N, 4 }, { 1, 2, 3, 4 }, 1e30, 1e30, 2, 2, 2, 1, I, I },
	{ "infinities of one sign", DTYPE_F64, { I, -I, 3, 4 }, { I, -I, 3, 5 }, 0, 0, 1, 1, 3, 3, 1, 0.2 },
	{ "infinities of two signs", DTYPE_F64, { I, 2, 3, 4 }, { -I, 2, 3, 4 }, 0, 1, 1, 1, 0, 0, I, I },
	{ "zeros of two signs", DTYPE_F32, { 0, 2, 3, 4 }, { -0.0, 2, 3, 4 }, 0, 0, 0, 1, 0, 0, 0, 0 },
	{ "against zero", DTYPE_F32, { 1, 2, 3, 4 }, { 1, 0, 3, 4 }, 0, 1, 1, 1, 1, 1, 2, I },
	{ "integers", DTYPE_I32, { -5, 2, 3, 4 }, { 5, 2, 3, 4 }, 0, 0, 1, 1, 0, 0, 10, 2 },
	{ "bytes", DTYPE_U8, { 0, 255, 3, 4 }, { 0, 0, 3, 4 }, 0, 0, 1, 1, 1, 1, 255, I },
};

Test(slice, comparisons)
{
	for (size_t i = 0; i < sizeof compare_cases / sizeof compare_cases[0]; i++) {
		const struct compare_case *c = &compare_cases[i];
		int64_t shape[] = { 2, 2 };
		uint64_t left[4], right[4];
		struct tensor a = tensor_make(c->dtype, 2, shape, left), b = tensor_make(c->dtype, 2, shape, right);
		struct debug_difference d;
		for (int k = 0; k < 4; k++) {
			put(&a, k, c->a[k]);
			put(&b, k, c->b[k]);
		}
		debug_compare(&a, &b, c->absolute, c->relative, &d);
		cr_expect(d.same_type && d.n == 4, "%s", c->name);
		cr_expect_eq(d.n_different, c->n_different, "%s: %lld different, not %lld", c->name, (long long)d.n_different,
			(long long)c->n_different);
		cr_expect_eq(d.n_unequal_bits, c->n_unequal_bits, "%s: %lld unequal, not %lld", c->name, (long long)d.n_unequal_bits,
			(long long)c->n_unequal_bits);
		cr_expect_eq(d.max_absolute, c->max_absolute, "%s: absolute %g, not %g", c->name, d.max_absolute, c->max_absolute);
		cr_expect(d.max_relative == c->max_relative || fabs(d.max_relative - c->max_relative) < 1e-12, "%s: relative %g, not %g", c->name,
			d.max_relative, c->max_relative);
		cr_expect_eq(d.worst[0] * 2 + d.worst[1], c->worst, "%s: worst [%lld,%lld]", c->name, (long long)d.worst[0], (long long)d.worst[1]);
		cr_expect_eq(d.first[0] * 2 + d.first[1], c->first, "%s: first [%lld,%lld]", c->name, (long long)d.first[0], (long long)d.first[1]);
	}
}
#undef N
#undef I

Test(slice, comparing_large_integers_and_other_shapes)
{
	int64_t left[] = { INT64_MAX, INT64_MIN, 9007199254740993 }, right[] = { INT64_MAX - 1, INT64_MAX, 9007199254740992 };
	int64_t shape[] = { 3 }, other[] = { 3, 1 };
	struct tensor a = tensor_make(DTYPE_I64, 1, shape, left), b = tensor_make(DTYPE_I64, 1, shape, right);
	struct tensor c = tensor_make(DTYPE_I64, 2, other, right), e = tensor_make(DTYPE_F64, 1, shape, right);
	struct debug_difference d;
	debug_compare(&a, &b, 0, 0, &d);
	cr_expect(d.n_different == 3 && d.worst[0] == 1, "%lld %lld", (long long)d.n_different, (long long)d.worst[0]);
	cr_expect_eq(d.max_absolute, 18446744073709551615.0, "%g", d.max_absolute);
	debug_compare(&a, &c, 0, 0, &d);
	cr_expect_not(d.same_type);
	debug_compare(&a, &e, 0, 0, &d);
	cr_expect_not(d.same_type);
}

/* -- printing ---------------------------------------------------------------------------------------------------------------------- */

static const struct print_case {
	const char *name;
	enum dtype dtype;
	int n_dims;
	int64_t shape[3];
	const char *slice;
	struct debug_print print;
	const char *expected;
} print_cases[] = {
	{ "a matrix", DTYPE_F32, 2, { 2, 3 }, "", { .format = DEBUG_FORMAT_TEXT },
		"[0,:]    0 0.75  1.5\n[1,:] 2.25    3 3.75\n" },
	{ "a column", DTYPE_F32, 2, { 3, 2 }, "[:,1]", { .format = DEBUG_FORMAT_TEXT }, "[:,1] 0.75 2.25 3.75\n" },
	{ "a scalar", DTYPE_F64, 0, { 0 }, "", { .format = DEBUG_FORMAT_TEXT }, "[] 0\n" },
	{ "an element", DTYPE_I32, 2, { 3, 2 }, "[2,1]", { .format = DEBUG_FORMAT_TEXT }, "[2,1] 5\n" },
	{ "backwards", DTYPE_I64, 2, { 3, 2 }, "[::-2,::-1]", { .format = DEBUG_FORMAT_TEXT }, "[2,:] 5 4\n[0,:] 1 0\n" },
	{ "nothing", DTYPE_I8, 2, { 3, 2 }, "[:0]", { .format = DEBUG_FORMAT_TEXT }, "no elements: i8[0,2]\n" },
	{ "bits", DTYPE_F32, 1, { 3 }, "", { .format = DEBUG_FORMAT_HEX }, "[:] 00000000 3f400000 3fc00000\n" },
	{ "many rows", DTYPE_U8, 2, { 50, 3 }, "", { .format = DEBUG_FORMAT_TEXT, .n_elements = 6 },
		"[0,:] 0 1 2\n[1,:] 3 4 5\n... 48 more rows\n" },
	{ "a long row", DTYPE_I32, 2, { 2, 1000 }, "[1]", { .format = DEBUG_FORMAT_TEXT, .n_columns = 60, .n_elements = 100 },
		"[1,:] 1000 1001 1002 1003 1004 1005 ... 994 more columns\n" },
	{ "long and many", DTYPE_I32, 2, { 9, 400 }, "", { .format = DEBUG_FORMAT_TEXT, .n_columns = 60, .n_elements = 12 },
		"[0,:] 0 1 2 3 4 5 6 7 8 9 ... 390 more columns\n... 8 more rows\n" },
	{ "over several lines", DTYPE_I32, 1, { 12 }, "", { .format = DEBUG_FORMAT_TEXT, .n_columns = 20 },
		"[:]  0  1  2  3  4\n     5  6  7  8  9\n    10 11\n" },
	{ "a narrow terminal", DTYPE_I32, 1, { 3 }, "", { .format = DEBUG_FORMAT_TEXT, .n_columns = 1 }, "[:] 0\n    1\n    2\n" },
	{ "a range", DTYPE_F32, 1, { 4 }, "", { .format = DEBUG_FORMAT_TEXT, .has_range = true, .low = 0.5, .high = 1.5 },
		"[:]     0  *0.75*  *1.5*  2.25 \n" },
	{ "a range in colours", DTYPE_I32, 1, { 3 }, "",
		{ .format = DEBUG_FORMAT_TEXT, .has_range = true, .low = 1, .high = 1, .mark_on = "<", .mark_off = ">" }, "[:] 0 <1> 2\n" },
	{ "three dimensions", DTYPE_I32, 3, { 2, 2, 2 }, "", { .format = DEBUG_FORMAT_TEXT },
		"[0,0,:] 0 1\n[0,1,:] 2 3\n[1,0,:] 4 5\n[1,1,:] 6 7\n" },
	{ "figures", DTYPE_I32, 1, { 5 }, "", { .format = DEBUG_FORMAT_STATS },
		"i32[5]: 5 elements, 0 NaN, 0 infinite, 1 zero\nmin 0  max 4  mean 2  std 1.41421  norm 5.47723\n" },
};

Test(slice, printing)
{
	for (size_t i = 0; i < sizeof print_cases / sizeof print_cases[0]; i++) {
		const struct print_case *c = &print_cases[i];
		struct tensor tensor = tensor_make(c->dtype, c->n_dims, c->shape, NULL);
		struct debug_slice slice;
		struct strbuf out = STRBUF_INIT;
		tensor.data = calloc((size_t)tensor_n_elements(&tensor), 8);
		for (int64_t k = 0; k < tensor_n_elements(&tensor); k++)
			put(&tensor, k, c->dtype == DTYPE_F32 ? (double)k * 0.75 : (double)k);
		cr_assert_eq(debug_slice_parse(c->slice, &tensor, &slice, NULL), STATUS_OK, "%s", c->name);
		debug_print_slice(&slice, &tensor, &c->print, &out);
		cr_expect_str_eq(strbuf_text(&out), c->expected, "%s:\n%s", c->name, strbuf_text(&out));
		strbuf_finish(&out);
		free(tensor.data);
	}
}

Test(slice, elements_as_text)
{
	float odd[] = { (float)NAN, (float)INFINITY, -(float)INFINITY, 0.1f };
	int64_t large[] = { INT64_MIN, 9007199254740993 }, shape[] = { 4 };
	uint32_t poison[] = { GATE_POISON, GATE_POISON };
	static const char *const expected[] = { "nan", "inf", "-inf", "0.100000001" };
	struct tensor floats = tensor_make(DTYPE_F32, 1, shape, odd), integers = tensor_make(DTYPE_I64, 0, shape, large);
	struct tensor filled = tensor_make(DTYPE_F64, 0, shape, poison);
	char text[64];
	for (int i = 0; i < 4; i++) {
		debug_element_text(&floats, i, text, sizeof text);
		cr_expect_str_eq(text, expected[i], "%s, not %s", text, expected[i]);
	}
	debug_element_text(&integers, 0, text, sizeof text);
	cr_expect_str_eq(text, "-9223372036854775808", "%s", text);
	debug_element_text(&integers, 1, text, sizeof text);
	cr_expect_str_eq(text, "9007199254740993", "%s", text);
	debug_element_text(&filled, 0, text, sizeof text);
	cr_expect_str_eq(text, "poison", "%s", text);
}

Test(slice, any_size_fits_the_terminal)
{
	uint64_t random = 3;
	for (int trial = 0; trial < trials(2000); trial++) {
		int64_t shape[3] = { 1 + below(&random, 40), 1 + below(&random, 40), 1 + below(&random, 3) };
		int n_columns = 60 + (int)below(&random, 100), column = 0;
		struct tensor tensor = tensor_make(DTYPE_F32, 1 + (int)below(&random, 3), shape, NULL);
		struct debug_print print = { .n_columns = n_columns, .n_elements = 1 + below(&random, 500), .has_range = below(&random, 2) };
		struct debug_slice slice;
		struct strbuf out = STRBUF_INIT;
		tensor.data = calloc((size_t)tensor_n_elements(&tensor), 4);
		for (int64_t k = 0; k < tensor_n_elements(&tensor); k++)
			put(&tensor, k, ((double)below(&random, 1000000) - 500000) / pow(10, (double)below(&random, 9)));
		debug_slice_parse("", &tensor, &slice, NULL);
		debug_print_slice(&slice, &tensor, &print, &out);
		for (const char *at = strbuf_text(&out); *at; at++) {
			column = *at == '\n' ? 0 : column + 1;
			cr_assert_leq(column, n_columns, "trial %d: a line of more than %d columns:\n%s", trial, n_columns, strbuf_text(&out));
		}
		strbuf_finish(&out);
		free(tensor.data);
	}
}

/* -- files ----------------------------------------------------------------------------------------------------------------------------- */

Test(slice, files_hold_the_slice)
{
	static const char *const names[] = { "slice.npy", "slice.safetensors" };
	int32_t data[12];
	int64_t shape[] = { 3, 4 };
	struct tensor tensor = tensor_make(DTYPE_I32, 2, shape, data);
	struct debug_slice slice;
	struct error error = { 0 };
	char folder[] = "/tmp/test-slice-XXXXXX", path[128];
	for (int i = 0; i < 12; i++)
		data[i] = i;
	cr_assert(mkdtemp(folder));
	cr_assert_eq(debug_slice_parse("[::-1,1:3]", &tensor, &slice, &error), STATUS_OK);
	for (int i = 0; i < 2; i++) {
		struct tensor_set set = { 0 };
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		cr_assert_eq(debug_write_file(&slice, &tensor, "a.out", path, &error), STATUS_OK, "%s", error.text);
		int status = i == 0 ? npy_read(path, "a.out", &set, &error) : safetensors_read(path, &set, &error);
		cr_assert_eq(status, STATUS_OK, "%s", error.text);
		const struct tensor *got = tensor_set_find(&set, "a.out");
		cr_assert(got && got->n_dims == 2 && got->shape[0] == 3 && got->shape[1] == 2, "%s", path);
		static const int32_t expected[] = { 9, 10, 5, 6, 1, 2 };
		cr_expect_arr_eq(got->data, expected, sizeof expected, "%s", path);
		tensor_set_finish(&set);
		unlink(path);
	}
	cr_expect_eq(debug_write_file(&slice, &tensor, "a.out", "slice.txt", &error), STATUS_INPUT);
	cr_expect(strstr(error.text, ".safetensors"), "%s", error.text);
	rmdir(folder);
}
