/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of the ops that make up all-MiniLM-L6-v2, against known results of the real model; skipped where the model or the
 * results are not there.
 */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/op_case.h"

#define N_LAYERS 6
#define N_NODES (N_LAYERS + 2)
#define HIDDEN 384

/* The model run by hand: one op case a node, each reading the output of the one before. */
struct chain {
	struct op_case nodes[N_NODES];
	int n;
};

static const char *source_file(const char *name, char *path, size_t size)
{
	const char *root = getenv("TANDEM_SOURCE_ROOT");
	snprintf(path, size, "%s/%s", root ? root : ".", name);
	return path;
}

static const char *model_file(char *path, size_t size)
{
	const char *given = getenv("TANDEM_MINILM_MODEL");
	if (given)
		return given;
	return source_file("build/models/minilm/model.safetensors", path, size);
}

static char *read_text(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return NULL;
	size_t capacity = 1 << 20, length = 0, n;
	char *text = malloc(capacity + 1);
	while ((n = fread(text + length, 1, capacity - length, file)) > 0) {
		length += n;
		if (length == capacity)
			text = realloc(text, (capacity *= 2) + 1);
	}
	text[length] = '\0';
	fclose(file);
	return text;
}

static cJSON *read_expected(void)
{
	char path[4096];
	char *text = read_text(source_file("../shared/minilm/sentences.json", path, sizeof(path)));
	cJSON *expected = text ? cJSON_Parse(text) : NULL;

	free(text);
	if (!expected)
		cr_skip_test("no results to compare with: %s", path);
	return expected;
}

/* "weights=…" of the model, or NULL after asking for a skip. */
static const char *model_params(char *params, size_t size)
{
	char path[4096];
	const char *model = model_file(path, sizeof(path));

	if (access(model, R_OK) != 0)
		cr_skip_test("no model: %s (set TANDEM_MINILM_MODEL)", model);
	snprintf(params, size, "weights=%s", model);
	return params;
}

static struct tensor matrix(const cJSON *rows, enum dtype dtype)
{
	int64_t shape[2] = { cJSON_GetArraySize(rows), cJSON_GetArraySize(rows->child) };
	struct tensor tensor = tensor_make(dtype, 2, shape, NULL);
	int64_t i = 0;

	tensor.data = malloc(tensor_bytes(&tensor));
	for (const cJSON *row = rows->child; row; row = row->next) {
		for (const cJSON *item = row->child; item; item = item->next, i++) {
			if (dtype == DTYPE_I32)
				((int32_t *)tensor.data)[i] = (int32_t)item->valuedouble;
			else
				((float *)tensor.data)[i] = (float)item->valuedouble;
		}
	}
	return tensor;
}

static void chain_add(struct chain *chain, const char *op, const char *params, const struct tensor *inputs, int n_inputs)
{
	struct error error = { 0 };
	struct op_case *node = &chain->nodes[chain->n];

	cr_assert_eq(op_case_start(node, op, params, inputs, n_inputs, &error), STATUS_OK, "%s: %s", op, error.text);
	chain->n++;
	cr_assert_eq(op_case_run(node, 0, &error), STATUS_OK, "%s: %s", op, error.text);
}

static void chain_run(struct chain *chain, const char *weights, struct tensor ids, struct tensor mask)
{
	char params[4200];

	chain->n = 0;
	chain_add(chain, "bert_embed", weights, &ids, 1);
	for (int i = 0; i < N_LAYERS; i++) {
		struct tensor inputs[] = { chain->nodes[i].outputs[0], mask };
		snprintf(params, sizeof(params), "%s;layer=%d", weights, i);
		chain_add(chain, "bert_layer", params, inputs, 2);
	}
	struct tensor inputs[] = { chain->nodes[N_LAYERS].outputs[0], mask };
	chain_add(chain, "mean_pool", "normalise=true", inputs, 2);
}

static void chain_finish(struct chain *chain)
{
	for (int i = 0; i < chain->n; i++)
		op_case_finish(&chain->nodes[i]);
}

static const float *chain_result(const struct chain *chain)
{
	return chain->nodes[N_NODES - 1].outputs[0].data;
}

/* L2 norm of all rows whose token counts. */
static double unmasked_norm(const struct tensor *x, const struct tensor *mask)
{
	double sum = 0;
	for (int64_t row = 0; row < tensor_n_elements(mask); row++) {
		for (int64_t i = 0; i < HIDDEN && ((const float *)mask->data)[row] != 0; i++) {
			double value = ((const float *)x->data)[row * HIDDEN + i];
			sum += value * value;
		}
	}
	return sqrt(sum);
}

static double cosine(const float *a, const float *b)
{
	double ab = 0, aa = 0, bb = 0;
	for (int i = 0; i < HIDDEN; i++) {
		ab += (double)a[i] * b[i];
		aa += (double)a[i] * a[i];
		bb += (double)b[i] * b[i];
	}
	return ab / sqrt(aa * bb);
}

Test(minilm, gives_the_known_embeddings)
{
	char params[4200];
	const char *weights = model_params(params, sizeof(params));
	cJSON *expected = read_expected();
	struct tensor ids = matrix(cJSON_GetObjectItem(expected, "ids"), DTYPE_I32);
	struct tensor mask = matrix(cJSON_GetObjectItem(expected, "mask"), DTYPE_F32);
	struct tensor embedding = matrix(cJSON_GetObjectItem(expected, "embedding"), DTYPE_F32);
	struct tensor cosines = matrix(cJSON_GetObjectItem(expected, "cosine"), DTYPE_F32);
	const cJSON *norms = cJSON_GetObjectItem(expected, "layer_l2_over_unmasked");
	struct chain chain;
	double worst = 0, worst_cosine = 0;

	chain_run(&chain, weights, ids, mask);
	for (int i = 0; i <= N_LAYERS; i++) {
		double is = unmasked_norm(&chain.nodes[i].outputs[0], &mask),
		       known = cJSON_GetArrayItem(norms, i)->valuedouble;
		cr_expect_lt(fabs(is / known - 1), 1e-4, "norm after node %d: %.6f, expected %.6f", i, is, known);
	}
	const float *y = chain_result(&chain);
	for (int64_t i = 0; i < tensor_n_elements(&embedding); i++)
		worst = fmax(worst, fabs(y[i] - ((const float *)embedding.data)[i]));
	cr_expect_lt(worst, 2e-5, "embeddings are off by %g", worst);
	for (int64_t i = 0; i < tensor_n_elements(&cosines); i++)
		worst_cosine = fmax(worst_cosine,
			fabs(cosine(y + i / 8 * HIDDEN, y + i % 8 * HIDDEN) - ((const float *)cosines.data)[i]));
	cr_expect_lt(worst_cosine, 2e-5, "cosines are off by %g", worst_cosine);
	chain_finish(&chain);
	free(ids.data);
	free(mask.data);
	free(embedding.data);
	free(cosines.data);
	cJSON_Delete(expected);
}

/* Token ids and mask of a batch whose rows have these numbers of tokens. */
static void make_batch(const int *lengths, int n, int length, struct tensor *ret_ids, struct tensor *ret_mask)
{
	int64_t shape[2] = { n, length };

	*ret_ids = tensor_make(DTYPE_I32, 2, shape, calloc((size_t)(n * length), sizeof(int32_t)));
	*ret_mask = tensor_make(DTYPE_F32, 2, shape, calloc((size_t)(n * length), sizeof(float)));
	for (int row = 0; row < n; row++) {
		for (int i = 0; i < lengths[row]; i++) {
			((int32_t *)ret_ids->data)[row * length + i] = 1000 + (row * 37 + i * 101) % 20000;
			((float *)ret_mask->data)[row * length + i] = 1;
		}
	}
}

/* A row's result must not depend on its padding or on the rows beside it. */
Test(minilm, padding_and_batching_change_nothing)
{
	static const int lengths[] = { 1, 3, 7, 12, 33, 64, 64, 64, 64, 2, 5 };
	enum { N = sizeof(lengths) / sizeof(lengths[0]) };
	struct tensor ids, mask, one_ids, one_mask;
	struct chain batch, single;

	make_batch(lengths, N, 64, &ids, &mask);
	chain_run(&batch, "weights=seeded:3", ids, mask);
	for (int row = 0; row < N; row += 2) {
		double worst = 0;
		make_batch(lengths + row, 1, lengths[row], &one_ids, &one_mask);
		memcpy(one_ids.data, (int32_t *)ids.data + row * 64, (size_t)lengths[row] * sizeof(int32_t));
		chain_run(&single, "weights=seeded:3", one_ids, one_mask);
		for (int i = 0; i < HIDDEN; i++)
			worst = fmax(worst, fabs(chain_result(&single)[i] - chain_result(&batch)[row * HIDDEN + i]));
		cr_expect_lt(worst, 2e-6, "row %d of %d tokens alone differs by %g", row, lengths[row], worst);
		chain_finish(&single);
		free(one_ids.data);
		free(one_mask.data);
	}
	chain_finish(&batch);
	free(ids.data);
	free(mask.data);
}
