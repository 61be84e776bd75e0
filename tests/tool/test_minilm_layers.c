/* SPDX-License-Identifier: Apache-2.0
 *
 * The real model, layer by layer through the engine: norms after every layer, embeddings and their cosines against the published results in
 * ../shared/minilm/sentences.json. Skipped, saying so, where the model or that file is not there.
 */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/safetensors.h"
#include "tests/support/run_tool.h"

#define HIDDEN 384
#define N_SENTENCES 8
#define N_LAYERS 7 /* embed and layer0 … layer5 */

static char *read_text(const char *file)
{
	FILE *in = fopen(file, "rb");
	if (!in)
		return NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	for (int c = getc(in); c != EOF; c = getc(in))
		putc(c, out);
	fclose(out);
	fclose(in);
	return text;
}

/* The layouts, with the names of the nodes that end the embedding and each layer. */
static const struct layout {
	const char *file, *embed, *layer_suffix;
} layouts[] = {
	{ "single.dot", "embed", "" },
	{ "pipeline2.dot", "embed", "" },
	{ "tensor2.dot", "embed0", "_out0" },
	{ "pipeline2_tensor2.dot", "embed0", "_out0" },
};

/* The layout with an output after every layer: "norm0" … "norm6". */
static void write_layout(const struct layout *layout)
{
	char path[128];
	snprintf(path, sizeof path, "@SRC@/examples/minilm/%s", layout->file);
	char *file = tool_expand(path), *text = read_text(file), *end = text ? strrchr(text, '}') : NULL;
	char *out = NULL;
	size_t size = 0;
	cr_assert(end, "%s cannot be read", file);
	*end = '\0';
	FILE *stream = open_memstream(&out, &size);
	fputs(text, stream);
	fprintf(stream, "%s -> output [arg=norm0];\n", layout->embed);
	for (int i = 0; i + 1 < N_LAYERS; i++)
		fprintf(stream, "layer%d%s -> output [arg=norm%d];\n", i, layout->layer_suffix, i + 1);
	fputs("}\n", stream);
	fclose(stream);
	tool_write_file("layers.dot", out);
	free(out);
	free(text);
	free(file);
}

static double number_at(const cJSON *array, int i)
{
	const cJSON *item = cJSON_GetArrayItem(array, i);
	cr_assert(cJSON_IsNumber(item));
	return item->valuedouble;
}

/* L2 norm over the tokens that are not masked. */
static double norm_over_mask(const struct tensor *x, const struct tensor *mask)
{
	const float *values = x->data, *is_token = mask->data;
	int64_t n_tokens = mask->shape[0] * mask->shape[1];
	double sum = 0;
	for (int64_t t = 0; t < n_tokens; t++) {
		for (int i = 0; i < HIDDEN && is_token[t] != 0; i++)
			sum += (double)values[t * HIDDEN + i] * values[t * HIDDEN + i];
	}
	return sqrt(sum);
}

static void check_embedding(const char *layout, const struct tensor *embedding, const cJSON *expected)
{
	const cJSON *rows = cJSON_GetObjectItem(expected, "embedding"), *cosines = cJSON_GetObjectItem(expected, "cosine");
	const float *values = embedding->data;
	for (int a = 0; a < N_SENTENCES; a++) {
		for (int i = 0; i < HIDDEN; i++) {
			double want = number_at(cJSON_GetArrayItem(rows, a), i), got = values[a * HIDDEN + i];
			cr_assert(fabs(got - want) <= 2e-5, "%s: embedding[%d,%d] is %g, expected %g", layout, a, i, got, want);
		}
		for (int b = 0; b < N_SENTENCES; b++) {
			double got = 0, want = number_at(cJSON_GetArrayItem(cosines, a), b);
			for (int i = 0; i < HIDDEN; i++)
				got += (double)values[a * HIDDEN + i] * values[b * HIDDEN + i];
			cr_expect(fabs(got - want) <= 2e-5, "%s: cosine[%d,%d] is %g, expected %g", layout, a, b, got, want);
		}
	}
}

static void check_layout(const struct layout *layout, const char *model, const cJSON *expected)
{
	char line[1000], name[16];
	struct tensor_set out = { 0 }, in = { 0 };
	struct error error = { 0 };
	write_layout(layout);
	snprintf(line, sizeof line, "run @TMP@/layers.dot --set 'MODEL=%s' -i @SRC@/examples/minilm/sentences.safetensors "
		"--output @TMP@/layers.safetensors -n 3", model);
	struct tool_result result = tool_run(line);
	cr_assert_eq(result.exit_status, 0, "%s: %s", layout->file, result.err);
	tool_result_finish(&result);
	char *out_file = tool_expand("@TMP@/layers.safetensors"), *in_file = tool_expand("@SRC@/examples/minilm/sentences.safetensors");
	cr_assert_eq(safetensors_read(out_file, &out, &error), STATUS_OK, "%s", error.text);
	cr_assert_eq(safetensors_read(in_file, &in, &error), STATUS_OK, "%s", error.text);
	const struct tensor *mask = tensor_set_find(&in, "mask");
	for (int i = 0; i < N_LAYERS; i++) {
		double want = number_at(cJSON_GetObjectItem(expected, "layer_l2_over_unmasked"), i);
		snprintf(name, sizeof name, "norm%d", i);
		const struct tensor *layer = tensor_set_find(&out, name);
		cr_assert(layer && mask, "%s: no '%s'", layout->file, name);
		double got = norm_over_mask(layer, mask);
		cr_expect(fabs(got / want - 1) <= 1e-4, "%s: norm after layer %d is %.8g, expected %.8g", layout->file, i, got, want);
	}
	check_embedding(layout->file, tensor_set_find(&out, "embedding"), expected);
	tensor_set_finish(&out);
	tensor_set_finish(&in);
	free(out_file);
	free(in_file);
}

Test(minilm_layers, norms_embeddings_and_cosines, .timeout = 100)
{
	const char *given = getenv("TANDEM_MINILM_MODEL");
	char *model = given ? strdup(given) : tool_expand("@SRC@/build/models/minilm/model.safetensors");
	char *json = tool_expand("@SRC@/../shared/minilm/sentences.json"), *text = read_text(json);
	if (access(model, R_OK) != 0 || !text) {
		fprintf(stderr, "not there: %s\n", text ? model : json);
		cr_skip("the model or the expected results are not there");
	}
	cJSON *expected = cJSON_Parse(text);
	cr_assert(expected);
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++)
		check_layout(&layouts[i], model, expected);
	cJSON_Delete(expected);
	free(text);
	free(json);
	free(model);
}
