/* SPDX-License-Identifier: Apache-2.0
 *
 * The debugger on the real model, in both modes: layer 2's first all_reduce of execution 7 is halved on all ranks before it is published. What must
 * come of it is computed directly: the same network with a node that halves behind each rank's sum. Halving is exact, so all bits must agree. The
 * executions before and after are as published, and so are the norms after each layer, taken from what the debugger has captured. Skipped, saying
 * so, where the model is not there.
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
#include "tests/support/leftovers.h"
#include "tests/support/run_tool.h"

#define HIDDEN 384
#define N_LAYERS 7 /* embed0 and layer0_out0 … layer5_out0 */

static char *read_text(const char *file)
{
	FILE *in = fopen(file, "rb");
	char *text = NULL;
	size_t size = 0;
	if (!in)
		return NULL;
	FILE *out = open_memstream(&text, &size);
	for (int c = getc(in); c != EOF; c = getc(in))
		putc(c, out);
	fclose(out);
	fclose(in);
	return text;
}

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

/* tensor2.dot with a node behind layer 2's first sum on each rank that halves it. */
static void write_halved(void)
{
	static const struct {
		const char *before, *added;
	} edits[] = {
		{ "    pool [op=mean_pool", "    half0 [op=scale, factor=0.5];\n" },
		{ "    embed1 [op=bert_embed]", "    half1 [op=scale, factor=0.5];\n" },
		{ "layer2_attention_norm0 [arg=x];\n  layer1_out0 -> layer2_attention_norm0", "half0;\n  half0 -> " },
		{ "layer2_attention_norm1 [arg=x];\n  layer1_out1 -> layer2_attention_norm1", "half1;\n  half1 -> " },
	};
	char *file = tool_expand("@SRC@/examples/minilm/tensor2.dot"), *text = read_text(file);
	cr_assert(text, "%s cannot be read", file);
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		char *at = strstr(text, edits[i].before), *all = malloc(strlen(text) + strlen(edits[i].added) + 1);
		cr_assert(at && all, "tensor2.dot has no '%s'", edits[i].before);
		sprintf(all, "%.*s%s%s", (int)(at - text), text, edits[i].added, at);
		free(text);
		text = all;
	}
	tool_write_file("halved.dot", text);
	free(text);
	free(file);
}

static struct tool_result run(const char *line)
{
	struct tool_result result = tool_run(line);
	cr_assert_eq(result.exit_status, 0, "tandem %s: exit status %d, '%s' '%s'", line, result.exit_status, result.out, result.err);
	return result;
}

static struct tensor_set read_tensors(const char *name)
{
	struct tensor_set set = { 0 };
	struct error error = { 0 };
	char *file = tool_expand(name);
	cr_assert_eq(safetensors_read(file, &set, &error), STATUS_OK, "%s", error.text);
	free(file);
	return set;
}

static const struct tensor *only(const struct tensor_set *set)
{
	cr_assert_eq(set->n_items, 1, "%zu tensors", set->n_items);
	return &set->items[0].tensor;
}

static void expect_equal_bits(const char *mode)
{
	struct tensor_set got = read_tensors("@TMP@/got.safetensors"), want = read_tensors("@TMP@/want.safetensors");
	const struct tensor *a = only(&got), *b = only(&want);
	cr_assert_eq(tensor_bytes(a), tensor_bytes(b));
	const float *x = a->data, *y = b->data;
	for (size_t i = 0; i < tensor_bytes(a) / sizeof *x; i++)
		cr_assert(memcmp(&x[i], &y[i], sizeof *x) == 0, "%s: embedding[%zu] is %.9g, expected %.9g", mode, i, (double)x[i], (double)y[i]);
	tensor_set_finish(&got);
	tensor_set_finish(&want);
}

/* The slice that was printed has the numbers that were saved. */
static void expect_slice(const char *mode, const char *out)
{
	struct tensor_set set = read_tensors("@TMP@/sum.safetensors");
	const float *want = only(&set)->data;
	const char *at = strstr(out, ".out[0,0,:4] of execution 7: f32[");
	cr_assert(at, "%s: no slice in '%s'", mode, out);
	at = strstr(at, "\n[");
	at = at ? strchr(at, ']') : NULL;
	cr_assert(at, "%s: no row in '%s'", mode, out);
	for (int i = 0; i < 4; i++) {
		char *end;
		double got = strtod(i ? at : at + 1, &end);
		cr_assert(end != at && fabs(got - (double)want[i]) <= 1e-5 * fabs((double)want[i]),
			"%s: [%d] is %g, expected %g in '%s'", mode, i, got, (double)want[i], out);
		at = end;
	}
	tensor_set_finish(&set);
}

static double norm_over_mask(const struct tensor *x, const struct tensor *mask)
{
	const float *values = x->data, *is_token = mask->data;
	double sum = 0;
	for (int64_t t = 0; t < mask->shape[0] * mask->shape[1]; t++) {
		for (int i = 0; i < HIDDEN && is_token[t] != 0; i++)
			sum += (double)values[t * HIDDEN + i] * (double)values[t * HIDDEN + i];
	}
	return sqrt(sum);
}

static void expect_norms(const char *mode)
{
	char *json = tool_expand("@SRC@/../shared/minilm/sentences.json"), *text = read_text(json);
	cJSON *expected = text ? cJSON_Parse(text) : NULL;
	struct tensor_set in = read_tensors("@SRC@/examples/minilm/sentences.safetensors");
	const struct tensor *mask = tensor_set_find(&in, "mask");
	for (int i = 0; i < N_LAYERS && expected; i++) {
		char name[60];
		snprintf(name, sizeof name, "@TMP@/norm%d.safetensors", i);
		struct tensor_set layer = read_tensors(name);
		double got = norm_over_mask(only(&layer), mask);
		double want = cJSON_GetArrayItem(cJSON_GetObjectItem(expected, "layer_l2_over_unmasked"), i)->valuedouble;
		cr_expect(fabs(got / want - 1) <= 1e-4, "%s: norm after layer %d is %.8g, expected %.8g", mode, i, got, want);
		tensor_set_finish(&layer);
	}
	if (!expected)
		fprintf(stderr, "not there: %s\n", json);
	cJSON_Delete(expected);
	tensor_set_finish(&in);
	free(text);
	free(json);
}

/* Whichever rank comes first: the other one stands at its own sum, or before it, and cannot have published it. */
static const char script[] =
	"break layer2_attention_sum0 after execution 7\n"
	"commands 1\n"
	"print layer2_attention_sum0.out[0,0,:4]\n"
	"save layer2_attention_sum0.out @TMP@/sum.safetensors\n"
	"end\n"
	"break layer2_attention_sum1 after execution 7\n"
	"commands 2\n"
	"print layer2_attention_sum1.out[0,0,:4]\n"
	"save layer2_attention_sum1.out @TMP@/sum.safetensors\n"
	"end\n"
	"run\n"
	"set layer2_attention_sum0.out *= 0.5 --all-ranks\n"
	"delete\n"
	"finish\n"
	"save pool.out@7 @TMP@/got.safetensors\n"
	"save embed0.out@6 @TMP@/norm0.safetensors\n"
	"save layer0_out0.out@6 @TMP@/norm1.safetensors\n"
	"save layer1_out0.out@6 @TMP@/norm2.safetensors\n"
	"save layer2_out0.out@6 @TMP@/norm3.safetensors\n"
	"save layer3_out0.out@6 @TMP@/norm4.safetensors\n"
	"save layer4_out0.out@6 @TMP@/norm5.safetensors\n"
	"save layer5_out0.out@6 @TMP@/norm6.safetensors\n"
	"continue\n";

static void check_mode(const char *model, const char *mode)
{
	char line[1500], *text = NULL;
	snprintf(line, sizeof line, "run @TMP@/halved.dot -q --mode %s --set 'MODEL=%s' -i @SRC@/examples/minilm/sentences.safetensors "
		"--output @TMP@/want.safetensors", mode, model);
	struct tool_result result = run(line);
	tool_result_finish(&result);
	text = tool_expand(script);
	tool_write_file("halve.gdb", text);
	free(text);
	snprintf(line, sizeof line, "debug @SRC@/examples/minilm/tensor2.dot --mode %s --set 'MODEL=%s' "
		"-i @SRC@/examples/minilm/sentences.safetensors -n 10 --history 256MiB --expect @SRC@/examples/minilm/expected.safetensors "
		"--tolerance 2e-5 -x @TMP@/halve.gdb --batch", mode, model);
	result = run(line);
	expect_slice(mode, result.out);
	cr_expect(strstr(result.out, "is within the tolerance of 2e-05"), "%s: the last execution is not as published: '%s' '%s'", mode, result.out,
		result.err);
	tool_result_finish(&result);
	expect_equal_bits(mode);
	expect_norms(mode);
	cr_expect_eq(leftovers_count(5000), 0);
}

Test(debug_minilm, a_sum_is_changed_on_all_ranks, .timeout = 100)
{
	char *model = find_model();
	leftovers_mark();
	write_halved();
	check_mode(model, "compiled");
	check_mode(model, "interpreted");
	free(model);
}
