/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/weights.h.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/safetensors.h"
#include "engine/ops/weights.h"
#include "tests/support/temp_file.h"

static struct temp_file file;

/* One matrix and two vectors, one of them behind a prefix, one not f32. */
static void set_up(void)
{
	static float matrix[6] = { 1, 2, 3, 4, 5, 6 }, vector[3] = { 7, 8, 9 };
	static double wide[3] = { 1, 2, 3 };
	int64_t shape[2] = { 2, 3 };
	struct named_tensor items[] = {
		{ .name = (char *)(uintptr_t) "encoder.layer.0.query.weight",
			.tensor = tensor_make(DTYPE_F32, 2, shape, matrix) },
		{ .name = (char *)(uintptr_t) "bert.embeddings.bias",
			.tensor = tensor_make(DTYPE_F32, 1, shape + 1, vector) },
		{ .name = (char *)(uintptr_t) "wide", .tensor = tensor_make(DTYPE_F64, 1, shape + 1, wide) },
	};
	struct tensor_set set = { .items = items, .n_items = ARRAY_LEN(items) };
	struct error error = { 0 };

	temp_file_init(&file, "w.safetensors");
	cr_assert_eq(safetensors_write(file.path, &set, &error), STATUS_OK, "%s", error.text);
}

static void tear_down(void)
{
	temp_file_finish(&file);
}

TestSuite(weights, .init = set_up, .fini = tear_down);

static struct weights *open_weights(const char *spec)
{
	struct weights *weights = NULL;
	struct error error = { 0 };
	cr_assert_eq(weights_open(spec, &weights, &error), STATUS_OK, "%s: %s", spec, error.text);
	return weights;
}

static const struct {
	const char *case_name, *name;
	int n_dims;
	int64_t shape[2];
	const char *error; /* NULL: found */
	float first;
} wanted[] = {
	{ "as it is", "encoder.layer.0.query.weight", 2, { 2, 3 }, NULL, 1 },
	{ "any rows", "encoder.layer.0.query.weight", 2, { WEIGHTS_ANY, 3 }, NULL, 1 },
	{ "behind a prefix", "embeddings.bias", 1, { 3 }, NULL, 7 },
	{ "with its prefix", "bert.embeddings.bias", 1, { WEIGHTS_ANY }, NULL, 7 },
	{ "other size", "encoder.layer.0.query.weight", 2, { 2, 4 },
		"encoder.layer.0.query.weight is f32[2,3], expected f32[2,4]", 0 },
	{ "other dims", "embeddings.bias", 2, { 3, WEIGHTS_ANY }, "embeddings.bias is f32[3], expected f32[3,?]", 0 },
	{ "other dtype", "wide", 1, { 3 }, "wide is f64[3], expected f32[3]", 0 },
	{ "near", "encoder.layer.0.query.weights", 2, { 2, 3 }, "did you mean encoder.layer.0.query.weight?", 0 },
	{ "nothing near", "zzz", 1, { 3 }, "has no tensor zzz", 0 },
};

Test(weights, shapes_and_messages)
{
	struct weights *weights = open_weights(file.path);

	cr_expect(!weights_is_seeded(weights));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		int64_t shape[2] = { 0 };
		struct tensor tensor = { 0 };
		struct error error = { 0 }, same = { 0 };
		int status = weights_shape(weights, wanted[i].name, wanted[i].n_dims, wanted[i].shape, shape, &error);
		int second = weights_get(weights, wanted[i].name, wanted[i].n_dims, wanted[i].shape, &tensor, &same);
		cr_expect(status == second && strcmp(error.text, same.text) == 0, "%s: shape says %d '%s', get %d '%s'",
			wanted[i].case_name, status, error.text, second, same.text);
		if (wanted[i].error)
			cr_expect(status == STATUS_INPUT && strstr(error.text, wanted[i].error) &&
					  strstr(error.text, file.path),
				"%s: status %d '%s', expected '%s'", wanted[i].case_name, status, error.text,
				wanted[i].error);
		else
			cr_expect(status == STATUS_OK && *(float *)tensor.data == wanted[i].first &&
					  shape[0] == tensor.shape[0],
				"%s: status %d '%s'", wanted[i].case_name, status, error.text);
	}
	cr_expect(weights_has(weights, "embeddings.bias"));
	cr_expect(!weights_has(weights, "embeddings.weight"));
	weights_close(weights);
}

static const struct {
	const char *spec, *error;
} specs[] = {
	{ "/nowhere/model.safetensors", "/nowhere/model.safetensors cannot be read: No such file" },
	{ "seeded:", "a number must follow seeded:" },
	{ "seeded:1x", "a number must follow seeded:" },
	{ "seeded:-1", "a number must follow seeded:" },
	{ "seeded:99999999999999999999", "a number must follow seeded:" },
};

Test(weights, wrong_specs)
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		struct weights *weights = NULL;
		struct error error = { 0 };
		int status = weights_open(specs[i].spec, &weights, &error);
		cr_expect(status == STATUS_INPUT && strstr(error.text, specs[i].error), "%s: status %d '%s', expected '%s'",
			specs[i].spec, status, error.text, specs[i].error);
		cr_expect_null(weights);
	}
}

Test(weights, a_truncated_file_says_so)
{
	struct weights *weights = NULL;
	struct error error = { 0 };
	size_t n;
	uint8_t *bytes = temp_file_read(&file, &n);

	temp_file_write(&file, bytes, n - 5);
	int status = weights_open(file.path, &weights, &error);
	cr_expect(status == STATUS_INPUT && strstr(error.text, "it is truncated"), "status %d '%s'", status, error.text);
	free(bytes);
}

/* A header of odd length leaves the data unaligned; they must be usable all the same. */
Test(weights, unaligned_tensors_are_copied)
{
	const char *header = "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
	uint8_t bytes[100] = { 0 };
	float data[2] = { 1.5f, -2.5f };
	size_t n = strlen(header);
	int64_t shape = 2;
	struct tensor tensor = { 0 };
	struct error error = { 0 };

	cr_assert_neq((8 + n) % 4, 0);
	bytes[0] = (uint8_t)n;
	memcpy(bytes + 8, header, n);
	memcpy(bytes + 8 + n, data, sizeof(data));
	temp_file_write(&file, bytes, 8 + n + sizeof(data));
	struct weights *weights = open_weights(file.path);
	cr_assert_eq(weights_get(weights, "x", 1, &shape, &tensor, &error), STATUS_OK, "%s", error.text);
	cr_expect_eq((uintptr_t)tensor.data % sizeof(float), 0);
	cr_expect_arr_eq(tensor.data, data, sizeof(data));
	weights_close(weights);
}

static struct tensor get_seeded(struct weights *weights, const char *name, int64_t n)
{
	struct tensor tensor = { 0 };
	struct error error = { 0 };
	cr_assert_eq(weights_get(weights, name, 1, &n, &tensor, &error), STATUS_OK, "%s", error.text);
	return tensor;
}

Test(weights, seeded_tensors_depend_on_seed_and_name_only)
{
	enum { N = 1000 };
	struct weights *a = open_weights("seeded:1"), *b = open_weights("seeded:1"), *c = open_weights("seeded:2");

	cr_expect(weights_is_seeded(a) && weights_has(a, "anything"));
	get_seeded(b, "another", 10);
	const float *x = get_seeded(a, "q.weight", N).data, *y = get_seeded(b, "q.weight", N).data;
	const float *other_seed = get_seeded(c, "q.weight", N).data, *other_name = get_seeded(a, "k.weight", N).data;
	cr_expect_arr_eq(x, y, N * sizeof(float), "equal seed and name give other values");
	cr_expect_arr_neq(x, other_seed, N * sizeof(float), "another seed gives the same values");
	cr_expect_arr_neq(x, other_name, N * sizeof(float), "another name gives the same values");
	weights_close(a);
	weights_close(b);
	weights_close(c);
}

Test(weights, seeded_values_are_about_normal)
{
	enum { N = 100000 };
	struct weights *weights = open_weights("seeded:42");
	const float *x = get_seeded(weights, "q.weight", N).data;
	double sum = 0, square = 0;

	for (int i = 0; i < N; i++) {
		sum += x[i];
		square += (double)x[i] * x[i];
	}
	double mean = sum / N, deviation = sqrt(square / N - mean * mean);
	cr_expect_lt(fabs(mean), 2e-4, "mean %g, expected 0", mean);
	cr_expect_lt(fabs(deviation - 0.02), 2e-4, "deviation %g, expected 0.02", deviation);
	cr_expect_eq(*(float *)get_seeded(weights, "q.bias", 3).data, 0);
	cr_expect_eq(*(float *)get_seeded(weights, "output.LayerNorm.weight", 3).data, 1);
	weights_close(weights);
}
