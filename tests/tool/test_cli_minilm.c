/* SPDX-License-Identifier: Apache-2.0
 *
 * The real model end to end: all layouts against published embeddings, and against each other on batches of other shapes (not bit for bit:
 * a worker alone uses more BLAS threads). Skipped, saying so, where the model is not there ($TANDEM_MINILM_MODEL, or tool/model.sh).
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/safetensors.h"
#include "tests/support/run_tool.h"
#include "tests/support/trials.h"

#define HIDDEN 384
#define TOKENS_MOST 512

/* The model's path; the caller frees. Skips the test when there is none. */
static char *find_model(void)
{
	const char *given = getenv("TANDEM_MINILM_MODEL");
	char *file = given ? strdup(given) : tool_expand("@SRC@/build/models/minilm/model.safetensors");
	if (access(file, R_OK) != 0) {
		fprintf(stderr, "the model is not there: %s\n", file);
		free(file);
		cr_skip("the model is not there");
	}
	return file;
}

/* Runs `layout` with the model and what `rest` says; it must succeed. */
static void run_layout(const char *model, const char *layout, const char *rest, const char *out)
{
	char line[1000];
	snprintf(line, sizeof line, "run @SRC@/examples/minilm/%s --set 'MODEL=%s' %s", layout, model, rest);
	struct tool_result result = tool_run(line);
	cr_expect_eq(result.exit_status, 0, "tandem %s: exit status %d, stderr '%s'", line, result.exit_status, result.err);
	cr_expect(!out || strstr(result.out, out), "tandem %s: stdout '%s' lacks '%s'", line, result.out, out);
	tool_result_finish(&result);
}

static const char *const layouts[] = { "single.dot", "pipeline2.dot", "tensor2.dot", "pipeline2_tensor2.dot" };

/* Both modes: the run fails when any output differs in a bit. */
Test(cli_minilm, embeddings_are_the_published_ones, .timeout = 100)
{
	char *model = find_model();
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++)
		run_layout(model, layouts[i], "-i @SRC@/examples/minilm/sentences.safetensors -n 5 --mode both "
			"--expect @SRC@/examples/minilm/expected.safetensors --tolerance 2e-5", "is within the tolerance of 2e-05");
	free(model);
}

/* Writes ids and mask of `batch` sentences of up to `length` tokens. */
static void write_input(const char *file, int batch, int length)
{
	static int32_t ids[64 * TOKENS_MOST];
	static float mask[64 * TOKENS_MOST];
	int64_t shape[] = { batch, length };
	for (int i = 0; i < batch * length; i++) {
		int row = i / length, column = i % length, n_tokens = 1 + (row * 7 + length - 1) % length;
		mask[i] = column < n_tokens;
		ids[i] = column < n_tokens ? (int32_t)(1000 + (unsigned)i * 7919u % 20000) : 0;
	}
	struct named_tensor items[] = {
		{ .name = (char[]){ "ids" }, .tensor = tensor_make(DTYPE_I32, 2, shape, ids) },
		{ .name = (char[]){ "mask" }, .tensor = tensor_make(DTYPE_F32, 2, shape, mask) },
	};
	struct tensor_set set = { .items = items, .n_items = 2 };
	struct error error = { 0 };
	cr_assert_eq(safetensors_write(file, &set, &error), STATUS_OK, "%s", error.text);
}

static void expect_unit_rows(const char *file, int batch, const char *name)
{
	struct tensor_set set = { 0 };
	struct error error = { 0 };
	cr_assert_eq(safetensors_read(file, &set, &error), STATUS_OK, "%s", error.text);
	const struct tensor *embedding = tensor_set_find(&set, "embedding");
	cr_assert(embedding && embedding->n_dims == 2 && embedding->shape[0] == batch && embedding->shape[1] == HIDDEN);
	const float *values = embedding->data;
	for (int row = 0; row < batch; row++) {
		double sum = 0;
		for (int i = 0; i < HIDDEN; i++)
			sum += (double)values[row * HIDDEN + i] * values[row * HIDDEN + i];
		cr_expect_float_eq(sqrt(sum), 1, 1e-5, "%s: row %d has length %.9g", name, row, sqrt(sum));
	}
	tensor_set_finish(&set);
}

static const struct {
	const char *name;
	int batch, length;
} shapes[] = {
	{ "odd sizes", 3, 7 }, { "one sentence of full length", 1, TOKENS_MOST }, { "one token", 1, 1 }, { "full batch", 64, 4 },
};

Test(cli_minilm, layouts_agree_on_other_shapes, .timeout = 100)
{
	char *model = find_model(), *input = tool_expand("@TMP@/in.safetensors"), *output = tool_expand("@TMP@/out.safetensors");
	for (int i = 0; i < trials(ARRAY_LEN(shapes)); i++) {
		write_input(input, shapes[i].batch, shapes[i].length);
		run_layout(model, "single.dot", "-i @TMP@/in.safetensors --output @TMP@/out.safetensors", NULL);
		expect_unit_rows(output, shapes[i].batch, shapes[i].name);
		for (size_t k = 1; k < ARRAY_LEN(layouts); k++)
			run_layout(model, layouts[k], "-i @TMP@/in.safetensors -n 3 --expect @TMP@/out.safetensors "
				"--tolerance 1e-6", "is within the tolerance of 1e-06");
	}
	free(model);
	free(input);
	free(output);
}
