/* SPDX-License-Identifier: Apache-2.0
 *
 * expect: elementwise comparison with a line for people about the worst element.
 */
#include "tool/expect.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Data of mapped files may be unaligned. */
static double element(const struct tensor *tensor, int64_t i)
{
	union {
		float f32;
		double f64;
		int8_t i8;
		uint8_t u8;
		int32_t i32;
		int64_t i64;
	} value = { 0 };
	size_t bytes = dtype_bytes(tensor->dtype);
	memcpy(&value, (const char *)tensor->data + (size_t)i * bytes, bytes);
	switch (tensor->dtype) {
	case DTYPE_F32: return value.f32;
	case DTYPE_F64: return value.f64;
	case DTYPE_I8: return value.i8;
	case DTYPE_U8: return value.u8;
	case DTYPE_I32: return value.i32;
	case DTYPE_I64: return (double)value.i64;
	case DTYPE_COUNT: break;
	}
	return NAN;
}

static double distance(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) && isnan(b) ? 0 : INFINITY;
	return a == b ? 0 : fabs(a - b);
}

struct expect_difference expect_compare(const struct tensor *actual, const struct tensor *expected)
{
	struct expect_difference worst = { .at = -1 };
	int64_t n = tensor_n_elements(actual);
	for (int64_t i = 0; i < n; i++) {
		double a = element(actual, i), b = element(expected, i), d = distance(a, b);
		if (d > worst.largest)
			worst = (struct expect_difference){ .largest = d, .at = i, .actual = a, .expected = b };
	}
	return worst;
}

static void add_position(const struct tensor *tensor, int64_t at, struct strbuf *out)
{
	strbuf_add(out, "[");
	for (int i = 0; i < tensor->n_dims; i++)
		strbuf_addf(out, "%s%" PRId64, i ? "," : "", at / tensor->strides[i] % tensor->shape[i]);
	strbuf_add(out, "]");
}

static bool check_one(const char *name, const struct tensor *actual, const struct tensor *expected, double tolerance,
	struct strbuf *out)
{
	char is_text[128], wanted_text[128];
	if (!actual) {
		strbuf_addf(out, "expected '%s': the graph has no such output\n", name);
		return false;
	}
	if (actual->dtype != expected->dtype || !tensor_same_shape(actual, expected)) {
		strbuf_addf(out, "expected '%s': is %s, expected %s\n", name, tensor_describe(actual, is_text, sizeof is_text),
			tensor_describe(expected, wanted_text, sizeof wanted_text));
		return false;
	}
	struct expect_difference worst = expect_compare(actual, expected);
	bool is_right = worst.largest <= tolerance;
	strbuf_addf(out, "expected '%s' %s: largest error %.3g %s the tolerance of %.3g", name,
		tensor_describe(actual, is_text, sizeof is_text), worst.largest, is_right ? "is within" : "exceeds", tolerance);
	if (!is_right) {
		strbuf_addf(out, ", at %s", name);
		add_position(actual, worst.at, out);
		strbuf_addf(out, ": is %.9g, expected %.9g", worst.actual, worst.expected);
	}
	strbuf_add(out, "\n");
	return is_right;
}

bool expect_check(const struct tensor_set *actual, const struct tensor_set *expected, double tolerance, struct strbuf *out)
{
	bool is_right = true;
	for (size_t i = 0; i < expected->n_items; i++) {
		const char *name = expected->items[i].name;
		if (!check_one(name, tensor_set_find(actual, name), &expected->items[i].tensor, tolerance, out))
			is_right = false;
	}
	return is_right;
}
