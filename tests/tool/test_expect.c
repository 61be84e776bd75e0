/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of tool/expect.h.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tool/expect.h"

static const struct {
	const char *name;
	float actual[4], expected[4];
	double tolerance;
	bool is_right;
	const char *text; /* in what is printed */
} cases[] = {
	{ "equal", { 1, 2, 3, 4 }, { 1, 2, 3, 4 }, 0, true, "largest error 0 is within the tolerance of 0" },
	{ "within", { 1, 2, 3, 4 }, { 1, 2, 3.25, 4 }, 0.25, true, "largest error 0.25 is within the tolerance of 0.25" },
	{ "beyond", { 1, 2, 3, 4 }, { 1, 2, 3.5, 4.125 }, 0.25, false, "exceeds the tolerance of 0.25, at y[1,0]: is 3, expected 3.5" },
	{ "nan only here", { 1, NAN, 3, 4 }, { 1, 2, 3, 4 }, 1e9, false, "largest error inf exceeds" },
	{ "nan on both sides", { 1, NAN, 3, 4 }, { 1, NAN, 3, 4 }, 0, true, "is within" },
	{ "infinity on both sides", { INFINITY, 2, 3, 4 }, { INFINITY, 2, 3, 4 }, 0, true, "is within" },
	{ "infinity of another sign", { INFINITY, 2, 3, 4 }, { -INFINITY, 2, 3, 4 }, 1, false, "at y[0,0]" },
};

static struct tensor_set one(struct named_tensor *item, const char *name, enum dtype dtype, int n_dims, const int64_t *shape,
	const void *data)
{
	item->name = (char *)name;
	item->tensor = tensor_make(dtype, n_dims, shape, (void *)data);
	return (struct tensor_set){ .items = item, .n_items = 1 };
}

Test(expect, values)
{
	static const int64_t shape[] = { 2, 2 };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct named_tensor items[2] = { 0 };
		struct tensor_set actual = one(&items[0], "y", DTYPE_F32, 2, shape, cases[i].actual);
		struct tensor_set expected = one(&items[1], "y", DTYPE_F32, 2, shape, cases[i].expected);
		struct strbuf out = STRBUF_INIT;
		bool is_right = expect_check(&actual, &expected, cases[i].tolerance, &out);
		cr_expect_eq(is_right, cases[i].is_right, "%s: %s", cases[i].name, strbuf_text(&out));
		cr_expect(strstr(strbuf_text(&out), cases[i].text), "%s: '%s' lacks '%s'", cases[i].name, strbuf_text(&out),
			cases[i].text);
		strbuf_finish(&out);
	}
}

static const struct {
	const char *name, *expected_name;
	enum dtype dtype;
	int64_t shape[2];
	const char *text;
} mismatches[] = {
	{ "another name", "z", DTYPE_F32, { 2, 2 }, "expected 'z': the graph has no such output" },
	{ "another dtype", "y", DTYPE_I32, { 2, 2 }, "is f32[2,2], expected i32[2,2]" },
	{ "another shape", "y", DTYPE_F32, { 1, 4 }, "is f32[2,2], expected f32[1,4]" },
};

Test(expect, mismatches)
{
	static const int64_t shape[] = { 2, 2 };
	static const int32_t data[4];
	for (size_t i = 0; i < ARRAY_LEN(mismatches); i++) {
		struct named_tensor items[2] = { 0 };
		struct tensor_set actual = one(&items[0], "y", DTYPE_F32, 2, shape, data);
		struct tensor_set expected = one(&items[1], mismatches[i].expected_name, mismatches[i].dtype, 2,
			mismatches[i].shape, data);
		struct strbuf out = STRBUF_INIT;
		cr_expect_not(expect_check(&actual, &expected, 1e9, &out), "%s", mismatches[i].name);
		cr_expect(strstr(strbuf_text(&out), mismatches[i].text), "%s: '%s' lacks '%s'", mismatches[i].name, strbuf_text(&out),
			mismatches[i].text);
		strbuf_finish(&out);
	}
}
