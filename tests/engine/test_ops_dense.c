/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/dense.c, engine/ops/text.c and engine/ops/blas.h, with weights from a small file and against plain
 * loops.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/safetensors.h"
#include "engine/ops/blas.h"
#include "tests/support/op_case.h"

/* -- a file of weights in a directory of its own ----------------------------------------------------------------------- */

static char directory[] = "/tmp/tandem-test-XXXXXX";
static char path[64];

static void write_weights(void)
{
	static const struct {
		const char *name, *tensor;
	} tensors[] = {
		{ "fc.weight", "f32[2,3]{1,2,3, 4,5,6}" },
		{ "fc.bias", "f32[2]{10,20}" },
		{ "plain.weight", "f32[1,3]{1,-1,1}" },
		{ "bad.weight", "f32[3]" },
		{ "badbias.weight", "f32[2,3]" },
		{ "badbias.bias", "f32[3]" },
		{ "model.table", "f32[4,2]{0,1, 10,11, 20,21, 30,31}" },
		{ "whole.weight", "i32[2,3]" },
	};
	enum { N = sizeof(tensors) / sizeof(tensors[0]) };
	struct named_tensor items[N];
	struct tensor_set set = { .items = items, .n_items = N };
	struct error error = { 0 };

	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/w.safetensors", directory);
	for (int i = 0; i < N; i++) {
		const char *end;
		items[i] = (struct named_tensor){ .name = (char *)(uintptr_t)tensors[i].name };
		items[i].tensor = op_case_tensor(tensors[i].tensor, &end);
	}
	cr_assert_eq(safetensors_write(path, &set, &error), STATUS_OK, "%s", error.text);
	for (int i = 0; i < N; i++)
		free(items[i].tensor.data);
}

static void remove_weights(void)
{
	unlink(path);
	rmdir(directory);
}

/* "$W" in `params` becomes the file's path. */
static const char *with_path(const char *params, char *text, size_t size)
{
	const char *at = strstr(params, "$W");
	if (!at)
		return params;
	snprintf(text, size, "%.*s%s%s", (int)(at - params), params, path, at + 2);
	return text;
}

TestSuite(ops_dense, .init = write_weights, .fini = remove_weights);

/* -- tables ------------------------------------------------------------------------------------------------------------ */

static const struct op_case_row values[] = {
	{ "linear", "linear", "weights=$W;name=fc", "f32[2,3]{1,1,1, 1,0,-1}", "f32[2,2]{16,35,8,18}" },
	{ "linear without bias", "linear", "weights=$W;name=plain", "f32[1,2,3]{1,2,3, 4,5,6}", "f32[1,2,1]{2,5}" },
	{ "linear one row", "linear", "weights=$W;name=fc;features=2", "f32[3]{0,0,1}", "f32[2]{13,26}" },
	{ "linear relu", "linear", "weights=$W;name=fc;activation=relu", "f32[1,3]{-4,-3,1}", "f32[1,2]{3,0}" },
	{ "linear tanh", "linear", "weights=$W;name=plain;activation=tanh", "f32[1,3]{0.5,0,0}", "f32[1,1]{0.46211716}",
		1e-7 },
	{ "linear gelu", "linear", "weights=$W;name=plain;activation=gelu", "f32[1,3]{1,0,0}", "f32[1,1]{0.84134475}",
		2e-7 },
	{ "linear no rows", "linear", "weights=$W;name=fc", "f32[0,3]", "f32[0,2]" },
	{ "matmul", "matmul", "", "f32[2,2]{1,2,3,4} f32[2,2]{5,6,7,8}", "f32[2,2]{19,22,43,50}" },
	{ "matmul transposed", "matmul", "transpose_b=true", "f32[1,2]{1,2} f32[3,2]{1,0,0,1,1,1}", "f32[1,3]{1,2,3}" },
	{ "matmul batch", "matmul", "", "f32[2,1,2]{1,2,3,4} f32[2,2,1]{1,1,2,3}", "f32[2,1,1]{3,18}" },
	{ "matmul one for all", "matmul", "", "f32[2,2,1]{1,2,3,4} f32[1,2]{1,10}", "f32[2,2,2]{1,10,2,20,3,30,4,40}" },
	{ "matmul 4 dims", "matmul", "transpose_b=true", "f32[1,2,1,1]{2,3} f32[1,2,2,1]{1,2,3,4}",
		"f32[1,2,1,2]{2,4,9,12}" },
	{ "embedding", "embedding", "weights=$W;name=table", "i32[3]{3,0,1}", "f32[3,2]{30,31,0,1,10,11}" },
	{ "embedding i64", "embedding", "weights=$W;name=table", "i64[1,1]{2}", "f32[1,1,2]{20,21}" },
	{ "embedding too large", "embedding", "weights=$W;name=table", "i32[2]{0,4}", NULL, 0,
		"element 1 of ids is 4, outside 0 to 3" },
	{ "embedding negative", "embedding", "weights=$W;name=table", "i64[1]{-1}", NULL, 0, "element 0 of ids is -1" },
};

Test(ops_dense, values)
{
	char params[200];
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct op_case_row row = values[i];
		row.params = with_path(row.params, params, sizeof(params));
		op_case_check(&row);
	}
}

static const struct op_case_infer_row types[] = {
	{ "linear", "linear", "weights=$W;name=fc", "f32[B,L,3]", "f32[B,L,2]", NULL },
	{ "linear seeded", "linear", "weights=seeded:1;name=fc;features=7", "f32[B,3]", "f32[B,7]", NULL },
	{ "linear seeded needs features", "linear", "weights=seeded:1;name=fc", "f32[B,3]", NULL, "features=NUMBER" },
	{ "linear size", "linear", "weights=$W;name=fc", "f32[B,4]", NULL,
		"tensor fc.weight is f32[2,3], expected f32[?,4]" },
	{ "linear features", "linear", "weights=$W;name=fc;features=9", "f32[B,3]", NULL, "is f32[2,3], expected f32[9,3]" },
	{ "linear dims", "linear", "weights=$W;name=bad", "f32[B,3]", NULL, "bad.weight is f32[3], expected f32[?,3]" },
	{ "linear bias", "linear", "weights=$W;name=badbias", "f32[B,3]", NULL, "badbias.bias is f32[3], expected f32[2]" },
	{ "linear dtype", "linear", "weights=$W;name=whole", "f32[B,3]", NULL,
		"whole.weight is i32[2,3], expected f32[?,3]" },
	{ "linear nearest", "linear", "weights=$W;name=fd", "f32[B,3]", NULL,
		"has no tensor fd.weight; did you mean fc.weight?" },
	{ "linear symbol", "linear", "weights=$W;name=fc", "f32[B,L]", NULL, "a number as size of dimension 1" },
	{ "linear file", "linear", "weights=/nowhere/w.safetensors;name=fc", "f32[B,3]", NULL,
		"/nowhere/w.safetensors cannot be read" },
	{ "linear seed", "linear", "weights=seeded:x;name=fc", "f32[B,3]", NULL, "a number must follow seeded:" },
	{ "linear activation", "linear", "weights=$W;name=fc;activation=elu", "f32[B,3]", NULL,
		"activation=\"elu\" is none of" },
	{ "matmul", "matmul", "", "f32[B,L,4] f32[B,4,L]", "f32[B,L,L]", NULL },
	{ "matmul one", "matmul", "", "f32[B,L,4] f32[4,9]", "f32[B,L,9]", NULL },
	{ "matmul inner", "matmul", "", "f32[B,L,4] f32[B,5,L]", NULL,
		"input b is f32[B,5,L], expected its dimension 1 to be dimension 2" },
	{ "matmul batch", "matmul", "", "f32[B,L,4] f32[L,4,4]", NULL, "input b" },
	{ "matmul dims", "matmul", "", "f32[B,L,4] f32[4]", NULL, "at least 2 dimensions" },
	{ "embedding", "embedding", "weights=$W;name=table", "i32[B,L]", "f32[B,L,2]", NULL },
	{ "embedding dtype", "embedding", "weights=$W;name=table", "f32[B,L]", NULL,
		"input ids is f32[B,L], expected ids as i32 or i64" },
	{ "embedding seeded", "embedding", "weights=seeded:1;name=t;rows=9;features=5", "i64[B]", "f32[B,5]", NULL },
	{ "attention", "attention", "heads=4", "f32[B,L,8] f32[B,M,8] f32[B,M,8] f32[B,M]", "f32[B,L,8]", NULL },
	{ "attention heads", "attention", "heads=3", "f32[B,L,8] f32[B,L,8] f32[B,L,8]", NULL,
		"heads=3 does not divide the size 8" },
	{ "attention v", "attention", "heads=4", "f32[B,L,8] f32[B,M,8] f32[B,L,8]", NULL,
		"input v is f32[B,L,8], expected f32[B,M,8]" },
	{ "attention mask", "attention", "heads=4", "f32[B,L,8] f32[B,M,8] f32[B,M,8] f32[B,L]", NULL,
		"input mask is f32[B,L]" },
	{ "bert_layer seeded", "bert_layer", "weights=seeded:1;layer=0", "f32[B,L,384] f32[B,L]", "f32[B,L,384]", NULL },
	{ "bert_layer heads", "bert_layer", "weights=seeded:1;layer=0;heads=5", "f32[B,L,384]", NULL,
		"heads=5 does not divide" },
	{ "bert_layer number", "bert_layer", "weights=seeded:1;layer=-1", "f32[B,L,384]", NULL,
		"layers are counted from 0" },
	{ "bert_layer mask", "bert_layer", "weights=seeded:1;layer=0", "f32[B,L,384] f32[L,B]", NULL,
		"input mask is f32[L,B]" },
	{ "bert_layer missing", "bert_layer", "weights=$W;layer=0", "f32[B,L,384]", NULL,
		"has no tensor encoder.layer.0.intermediate.dense.weight" },
	{ "bert_embed seeded", "bert_embed", "weights=seeded:1", "i32[B,L]", "f32[B,L,384]", NULL },
	{ "bert_embed hidden", "bert_embed", "weights=seeded:1;hidden=64", "i64[B,L] f32[B,L]", "f32[B,L,64]", NULL },
	{ "bert_embed length", "bert_embed", "weights=seeded:1", "i32[B,2L]", NULL, "at most 512 tokens in a row" },
	{ "bert_embed dtype", "bert_embed", "weights=seeded:1", "f32[B,L]", NULL,
		"input ids is f32[B,L], expected ids as i32 or i64" },
};

Test(ops_dense, types)
{
	char params[200];
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct op_case_infer_row row = types[i];
		row.params = with_path(row.params, params, sizeof(params));
		op_case_check_infer(&row);
	}
}

/* -- attention against plain loops ------------------------------------------------------------------------------------- */

static double score(const float *q, const float *k, int size)
{
	double sum = 0;
	for (int i = 0; i < size; i++)
		sum += (double)q[i] * k[i];
	return sum / sqrt(size);
}

/* One element of the output: query row q of one head, element `at` of the values. */
static double attend_element(
	const float *q, const float *k, const float *v, const float *mask, int n_keys, int stride, int size, int at)
{
	double top = -INFINITY, total = 0, sum = 0;
	for (int i = 0; i < n_keys; i++)
		top = mask[i] != 0 ? fmax(top, score(q, k + i * stride, size)) : top;
	for (int i = 0; i < n_keys; i++) {
		double weight = mask[i] != 0 ? exp(score(q, k + i * stride, size) - top) : 0;
		total += weight;
		sum += weight * v[i * stride + at];
	}
	return sum / total;
}

static const struct {
	int n_batch, n_queries, n_keys, heads, size;
} shapes[] = { { 1, 1, 1, 1, 1 }, { 2, 3, 5, 2, 4 }, { 1, 130, 7, 1, 8 }, { 2, 15, 15, 3, 32 } };

static void check_attention(int n_batch, int n_queries, int n_keys, int heads, int size)
{
	int64_t q_shape[] = { n_batch, n_queries, heads * size }, k_shape[] = { n_batch, n_keys, heads * size };
	struct tensor inputs[4] = { tensor_make(DTYPE_F32, 3, q_shape, NULL), tensor_make(DTYPE_F32, 3, k_shape, NULL),
		tensor_make(DTYPE_F32, 3, k_shape, NULL), tensor_make(DTYPE_F32, 2, k_shape, NULL) };
	struct op_case op_case;
	struct error error = { 0 };
	char params[32];
	int stride = heads * size;

	for (int t = 0; t < 4; t++) {
		float *x = inputs[t].data = malloc(tensor_bytes(&inputs[t]));
		for (int64_t i = 0; i < tensor_n_elements(&inputs[t]); i++)
			x[i] = t < 3 ? (float)sin((double)(i * (t + 3)) * 0.37) * 2
				     : (float)(i % n_keys != n_keys - 1 || n_keys == 1);
	}
	snprintf(params, sizeof(params), "heads=%d", heads);
	cr_assert_eq(op_case_start(&op_case, "attention", params, inputs, 4, &error), STATUS_OK, "%s", error.text);
	cr_assert_eq(op_case_run(&op_case, 0, &error), STATUS_OK, "%s", error.text);
	const float *q = inputs[0].data, *k = inputs[1].data, *v = inputs[2].data, *mask = inputs[3].data;
	for (int64_t i = 0; i < tensor_n_elements(&op_case.outputs[0]); i++) {
		int64_t row = i / stride, batch = row / n_queries, head = i % stride / size;
		int64_t keys = batch * n_keys * stride + head * size;
		double expected = attend_element(q + row * stride + head * size, k + keys, v + keys, mask + batch * n_keys,
			n_keys, stride, size, (int)(i % size));
		double is = op_case_element(&op_case.outputs[0], i);
		cr_expect(fabs(is - expected) < 2e-6, "%d heads, %d queries: element %d is %.8g, expected %.8g", heads,
			n_queries, (int)i, is, expected);
	}
	op_case_finish(&op_case);
	for (int t = 0; t < 4; t++)
		free(inputs[t].data);
}

Test(ops_attention, agrees_with_plain_loops)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		check_attention(shapes[i].n_batch, shapes[i].n_queries, shapes[i].n_keys, shapes[i].heads, shapes[i].size);
}

/* -- bert_layer and blas ----------------------------------------------------------------------------------------------- */

/* Executions before do not change a result, nor does working in place. */
Test(ops_bert_layer, gives_equal_bits_again_and_in_place)
{
	int64_t shape[] = { 3, 7, 64 };
	struct tensor x = tensor_make(DTYPE_F32, 3, shape, malloc(3 * 7 * 64 * sizeof(float)));
	struct op_case op_case;
	struct error error = { 0 };
	size_t bytes = tensor_bytes(&x);

	for (int64_t i = 0; i < tensor_n_elements(&x); i++)
		((float *)x.data)[i] = (float)sin((double)i);
	cr_assert_eq(op_case_start(&op_case, "bert_layer", "weights=seeded:5;layer=1;heads=4", &x, 1, &error), STATUS_OK,
		"%s", error.text);
	void *first = malloc(bytes), *y = op_case.outputs[0].data;
	cr_assert_eq(op_case_run(&op_case, 0, &error), STATUS_OK);
	memcpy(first, y, bytes);
	op_case.inputs[0].shape[0] = op_case.outputs[0].shape[0] = 1; /* fewer rows in between */
	cr_assert_eq(op_case_run(&op_case, 1, &error), STATUS_OK);
	op_case.inputs[0].shape[0] = op_case.outputs[0].shape[0] = 3;
	cr_assert_eq(op_case_run(&op_case, 2, &error), STATUS_OK);
	cr_expect_arr_eq(y, first, bytes, "the third execution differs from the first");
	op_case.outputs[0].data = x.data;
	cr_assert_eq(op_case_run(&op_case, 3, &error), STATUS_OK);
	cr_expect_arr_eq(x.data, first, bytes, "in place differs");
	op_case.outputs[0].data = y;
	op_case_finish(&op_case);
	free(first);
	free(x.data);
}

Test(ops_bert_embed, an_id_outside_the_vocabulary_is_an_error)
{
	struct op_case_row row = { "vocabulary", "bert_embed", "weights=seeded:1;hidden=8", "i32[2,2]{1,2,3,30522}", NULL, 0,
		"ids[1,1] is 30522, outside the vocabulary of 30522" };
	op_case_check(&row);
}

static const struct {
	const char *name, *library, *text;
} libraries[] = {
	{ "missing", "libno-such-blas.so.0", "install libopenblas0-pthread" },
	{ "not a BLAS", "libm.so.6", "libm.so.6 has no cblas_sgemm" },
};

Test(blas, says_what_is_missing)
{
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		const char *const names[] = { libraries[i].library, NULL };
		struct blas blas = { 0 };
		struct error error = { 0 };
		int status = blas_open_from(names, 1, &blas, &error);
		cr_expect(status == STATUS_UNSUPPORTED && strstr(error.text, libraries[i].text),
			"%s: status %d '%s', expected '%s'", libraries[i].name, status, error.text, libraries[i].text);
		blas_close(&blas);
	}
}
