/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/bert_shard.c and bert.c: the parts of a layer, added up and normalised, are the layer.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/support/op_case.h"

#define HIDDEN 48
#define PARTS_MAX 5

static struct tensor make(int64_t batch, int64_t length, int64_t hidden)
{
	int64_t shape[3] = { batch, length, hidden };
	struct tensor tensor = tensor_make(DTYPE_F32, hidden ? 3 : 2, shape, NULL);
	tensor.data = aligned_alloc(TENSOR_ALIGN_BYTES, round_up(tensor_bytes(&tensor), TENSOR_ALIGN_BYTES));
	return tensor;
}

/* Runs an op and copies its output into new memory. */
static struct tensor run_op(const char *op, const char *params, const struct tensor *inputs, int n_inputs)
{
	struct op_case op_case;
	struct error error = { 0 };
	cr_assert_eq(op_case_start(&op_case, op, params, inputs, n_inputs, &error), STATUS_OK, "%s %s: %s", op, params, error.text);
	cr_assert_eq(op_case_run(&op_case, 0, &error), STATUS_OK, "%s %s: %s", op, params, error.text);
	struct tensor y = make(inputs[0].shape[0], inputs[0].shape[1], HIDDEN);
	memcpy(y.data, op_case.outputs[0].data, tensor_bytes(&y));
	op_case_finish(&op_case);
	return y;
}

/* The sum over all parts of a sharded op, by all_reduce. */
static struct tensor sum_parts(const char *op, const char *params, int n_parts, const struct tensor *inputs, int n_inputs)
{
	struct tensor parts[PARTS_MAX] = { 0 };
	char text[200];
	for (int i = 0; i < n_parts; i++) {
		snprintf(text, sizeof text, "weights=seeded:5;layer=1;part=%d;parts=%d%s", i, n_parts, params);
		parts[i] = run_op(op, text, inputs, n_inputs);
	}
	struct tensor sum = run_op("all_reduce", "", parts, n_parts);
	for (int i = 0; i < n_parts; i++)
		free(parts[i].data);
	return sum;
}

static struct tensor run_sharded(int n_parts, const struct tensor *x, const struct tensor *mask)
{
	struct tensor inputs[2] = { *x };
	if (mask)
		inputs[1] = *mask;
	struct tensor attention = sum_parts("bert_attention_shard", ";heads=6", n_parts, inputs, mask ? 2 : 1);
	struct tensor joined[2] = { attention, *x };
	struct tensor normed = run_op("bert_add_norm", "weights=seeded:5;layer=1;which=attention", joined, 2);
	struct tensor ffn = sum_parts("bert_ffn_shard", "", n_parts, &normed, 1);
	struct tensor ends[2] = { ffn, normed };
	struct tensor y = run_op("bert_add_norm", "weights=seeded:5;layer=1;which=output", ends, 2);
	free(attention.data);
	free(normed.data);
	free(ffn.data);
	return y;
}

static const struct {
	const char *name;
	int batch, length, n_parts;
	bool has_mask;
} shards[] = {
	{ "one part", 2, 5, 1, true },
	{ "two parts", 2, 8, 2, true },
	{ "two parts without a mask", 3, 4, 2, false },
	{ "rows that are padded", 1, 3, 3, true },
	{ "unequal parts", 2, 7, 4, true },
	{ "more blocks than one", 70, 6, 5, true },
	{ "a sequence longer than a block", 2, 300, 2, true },
};

Test(ops_bert, parts_add_up_to_the_layer)
{
	for (size_t k = 0; k < ARRAY_LEN(shards); k++) {
		struct tensor x = make(shards[k].batch, shards[k].length, HIDDEN), mask = make(shards[k].batch, shards[k].length, 0);
		double worst = 0;
		for (int64_t i = 0; i < tensor_n_elements(&x); i++)
			((float *)x.data)[i] = (float)((unsigned)i * 2654435761u >> 16) / 32768 - 1;
		for (int64_t i = 0; i < tensor_n_elements(&mask); i++)
			((float *)mask.data)[i] = i % shards[k].length == 0 || i % 3 != 0;
		struct tensor inputs[2] = { x, mask };
		struct tensor whole = run_op("bert_layer", "weights=seeded:5;layer=1;heads=6", inputs, shards[k].has_mask ? 2 : 1);
		struct tensor sharded = run_sharded(shards[k].n_parts, &x, shards[k].has_mask ? &mask : NULL);
		for (int64_t i = 0; i < tensor_n_elements(&x); i++)
			worst = fmax(worst, fabs(((float *)whole.data)[i] - ((float *)sharded.data)[i]));
		cr_expect_lt(worst, 5e-6, "%s: off by %g", shards[k].name, worst);
		free(x.data);
		free(mask.data);
		free(whole.data);
		free(sharded.data);
	}
}

static const struct op_case_row values[] = {
	{ "weights 1 and 0, eps counts", "bert_add_norm", "weights=seeded:1;layer=0;which=output;eps=3",
		"f32[1,2,2]{1,2,-3,5} f32[1,2,2]{0,1,-2,0}", "f32[1,2,2]{-0.5,0.5,-0.9449112,0.9449112}", 1e-6 },
};

Test(ops_bert, values)
{
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		op_case_check(&values[i]);
}

#define SEEDED "weights=seeded:1;layer=0;"

static const struct op_case_infer_row types[] = {
	{ "attention", "bert_attention_shard", SEEDED "part=1;parts=2", "f32[B,L,384] f32[B,L]", "f32[B,L,384]", NULL },
	{ "attention without a mask", "bert_attention_shard", SEEDED "part=0;parts=12", "f32[B,L,384]", "f32[B,L,384]", NULL },
	{ "ffn", "bert_ffn_shard", SEEDED "part=1;parts=2", "f32[B,L,384]", "f32[B,L,384]", NULL },
	{ "norm", "bert_add_norm", SEEDED "which=attention", "f32[B,L,384] f32[B,L,384]", "f32[B,L,384]", NULL },
	{ "more parts than heads", "bert_attention_shard", SEEDED "part=0;parts=13", "f32[B,L,384]", NULL,
		"parts=13 is not between 1 and 12" },
	{ "no part", "bert_ffn_shard", SEEDED "part=0;parts=0", "f32[B,L,384]", NULL, "parts=0 is not between 1 and 64" },
	{ "no such part", "bert_ffn_shard", SEEDED "part=2;parts=2", "f32[B,L,384]", NULL, "part=2 is none of the parts 0 to 1" },
	{ "heads", "bert_attention_shard", SEEDED "part=0;parts=2;heads=5", "f32[B,L,384]", NULL, "heads=5 does not divide" },
	{ "mask", "bert_attention_shard", SEEDED "part=0;parts=2", "f32[B,L,384] i32[B,L]", NULL, "input mask is i32[B,L]" },
	{ "hidden", "bert_ffn_shard", SEEDED "part=0;parts=2", "f32[B,L]", NULL, "expected 3 dimensions" },
	{ "which", "bert_add_norm", SEEDED "which=ffn", "f32[B,L,384] f32[B,L,384]", NULL,
		"which=\"ffn\" is neither attention nor output" },
	{ "residual", "bert_add_norm", SEEDED "which=output", "f32[B,L,384] f32[B,384]", NULL, "input residual is f32[B,384]" },
	{ "layer", "bert_ffn_shard", "weights=seeded:1;layer=-1;part=0;parts=2", "f32[B,L,384]", NULL, "layers are counted from 0" },
};

Test(ops_bert, types)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		op_case_check_infer(&types[i]);
}
