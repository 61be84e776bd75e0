/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/collective.c and collective_move.c.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/support/op_case.h"

#define THREE "f32[2]{1,-2} f32[2]{4,0.5} f32[2]{-3,8}"
#define TWO_ROWS "i32[2,4]{0,1,2,3, 4,5,6,7} i32[2,4]{10,11,12,13, 14,15,16,17}"

static const struct op_case_row values[] = {
	{ "sum", "all_reduce", "", THREE, "f32[2]{2,6.5}" },
	{ "prod", "all_reduce", "reduce=prod", THREE, "f32[2]{-12,-8}" },
	{ "min", "all_reduce", "reduce=min", THREE, "f32[2]{-3,-2}" },
	{ "max", "all_reduce", "reduce=max", THREE, "f32[2]{4,8}" },
	{ "mean", "all_reduce", "reduce=mean", THREE, "f32[2]{0.6666667,2.1666667}", 1e-6 },
	{ "mean in double", "all_reduce", "reduce=mean", "f64[2]{1,2} f64[2]{2,4}", "f64[2]{1.5,3}" },
	{ "one rank", "all_reduce", "reduce=mean", "f64[2]{3,4}", "f64[2]{3,4}" },
	{ "integers", "all_reduce", "reduce=max", "i64[2]{5,-5} i64[2]{4,-4}", "i64[2]{5,-4}" },
	{ "integers wrap", "all_reduce", "", "u8[1]{200} u8[1]{100}", "u8[1]{44}" },
	{ "scalar", "all_reduce", "", "f32[]{1} f32[]{2}", "f32[]{3}" },
	/* in any other order the small one is lost */
	{ "rank order", "all_reduce", "", "f32[1]{1e8} f32[1]{-1e8} f32[1]{1}", "f32[1]{1}" },
	{ "min of NaN first", "all_reduce", "reduce=min", "f32[1]{nan} f32[1]{1}", "f32[1]{nan}" },
	{ "max of NaN last", "all_reduce", "reduce=max", "f32[1]{1} f32[1]{nan}", "f32[1]{nan}" },

	{ "scatter rows, rank 0", "reduce_scatter", "rank=0", TWO_ROWS, "i32[1,4]{10,12,14,16}" },
	{ "scatter rows, rank 1", "reduce_scatter", "rank=1", TWO_ROWS, "i32[1,4]{18,20,22,24}" },
	{ "scatter columns, rank 0", "reduce_scatter", "axis=1;rank=0", TWO_ROWS, "i32[2,2]{10,12, 18,20}" },
	{ "scatter columns, rank 1", "reduce_scatter", "axis=-1;rank=1", TWO_ROWS, "i32[2,2]{14,16, 22,24}" },
	{ "scatter the largest", "reduce_scatter", "reduce=max;axis=1;rank=1", TWO_ROWS, "i32[2,2]{12,13, 16,17}" },
	{ "scatter the mean", "reduce_scatter", "reduce=mean;rank=2", "f32[3]{1,2,3} f32[3]{1,2,6} f32[3]{1,2,9}", "f32[1]{6}" },

	{ "gather rows", "all_gather", "rank=1", "i32[1,2]{1,2} i32[1,2]{3,4} i32[1,2]{5,6}", "i32[3,2]{1,2, 3,4, 5,6}" },
	{ "gather columns", "all_gather", "axis=1", "i32[2,1]{1,2} i32[2,1]{3,4}", "i32[2,2]{1,3, 2,4}" },
	{ "gather single bytes", "all_gather", "axis=-1", "u8[2,1]{1,2} u8[2,1]{3,4}", "u8[2,2]{1,3, 2,4}" },

	{ "broadcast, root 0", "broadcast", "rank=1", THREE, "f32[2]{1,-2}" },
	{ "broadcast, root 2", "broadcast", "root=2", THREE, "f32[2]{-3,8}" },

	{ "exchange rows, rank 0", "all_to_all", "rank=0", TWO_ROWS, "i32[2,4]{0,1,2,3, 10,11,12,13}" },
	{ "exchange rows, rank 1", "all_to_all", "rank=1", TWO_ROWS, "i32[2,4]{4,5,6,7, 14,15,16,17}" },
	{ "exchange columns, rank 0", "all_to_all", "axis=1;rank=0", TWO_ROWS, "i32[2,4]{0,1,10,11, 4,5,14,15}" },
	{ "exchange columns, rank 1", "all_to_all", "axis=1;rank=1", TWO_ROWS, "i32[2,4]{2,3,12,13, 6,7,16,17}" },
};

Test(ops_collective, values)
{
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		op_case_check(&values[i]);
}

static const struct op_case_infer_row types[] = {
	{ "equal", "all_reduce", "", "f32[B,4] f32[B,4]", "f32[B,4]", NULL },
	{ "other shape", "all_reduce", "", "f32[B,4] f32[B,5]", NULL, "input 1 is f32[B,5], expected f32[B,4] as input 0" },
	{ "unknown", "all_reduce", "reduce=avg", "f32[B] f32[B]", NULL,
		"reduce=\"avg\" is none of sum, prod, min, max, mean" },
	{ "mean of integers", "all_reduce", "reduce=mean", "i32[B] i32[B]", NULL, "expected f32 or f64 for reduce=mean" },

	{ "parts of a number", "reduce_scatter", "", "f32[6,B] f32[6,B] f32[6,B]", "f32[2,B]", NULL },
	{ "parts of a symbol", "reduce_scatter", "", "f32[4B+2] f32[4B+2]", "f32[2B+1]", NULL },
	{ "no equal parts", "reduce_scatter", "axis=1", "f32[4,3] f32[4,3]", NULL,
		"input 0 is f32[4,3], expected dimension 1 to be divisible into 2 parts" },
	{ "a symbol alone", "reduce_scatter", "", "f32[B] f32[B]", NULL, "dimension 0 to be divisible into 2 parts" },
	{ "no such axis", "reduce_scatter", "axis=2", "f32[4,3] f32[4,3]", NULL, "axis=2 does not exist in 2 dimensions" },
	{ "unknown reduction", "reduce_scatter", "reduce=or", "f32[2] f32[2]", NULL, "reduce=\"or\" is none of" },

	{ "gathered number", "all_gather", "axis=-1", "f32[B,4] f32[B,4] f32[B,4]", "f32[B,12]", NULL },
	{ "gathered symbol", "all_gather", "", "f32[2B+1,4] f32[2B+1,4]", "f32[4B+2,4]", NULL },
	{ "gathered scalars", "all_gather", "", "f32[] f32[]", NULL, "axis=0 does not exist in 0 dimensions" },

	{ "root", "broadcast", "root=1", "f32[B,4] f32[B,4]", "f32[B,4]", NULL },
	{ "no such root", "broadcast", "root=2", "f32[B] f32[B]", NULL, "root=2 is none of the ranks 0 to 1" },
	{ "root below 0", "broadcast", "root=-1", "f32[B] f32[B]", NULL, "root=-1 is none of the ranks 0 to 1" },

	{ "exchanged", "all_to_all", "axis=1", "i8[B,4] i8[B,4]", "i8[B,4]", NULL },
	{ "exchanged unequally", "all_to_all", "axis=1", "i8[B,4] i8[B,4] i8[B,4]", NULL, "divisible into 3 parts" },
};

Test(ops_collective, types)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		op_case_check_infer(&types[i]);
}

#define N_RANKS 3
#define N_ELEMENTS 9000 /* several times what is reduced at once, and a rest */

/* Runs rank `rank` of a collective over `inputs` into `y`. */
static void run_rank(const char *op, const char *params, int rank, const struct tensor *inputs, float *y)
{
	char text[80];
	struct op_case op_case;
	struct error error = { 0 };
	snprintf(text, sizeof text, "%s;rank=%d", params, rank);
	cr_assert_eq(op_case_start(&op_case, op, text, inputs, N_RANKS, &error), STATUS_OK, "%s", error.text);
	cr_assert_eq(op_case_run(&op_case, 0, &error), STATUS_OK, "%s", error.text);
	memcpy(y, op_case.outputs[0].data, tensor_bytes(&op_case.outputs[0]));
	op_case_finish(&op_case);
}

/* The parts that the ranks scatter, put together, are what each of them reduces to as a whole, bit for bit, and that is the sum in
 * rank order. */
Test(ops_collective, parts_are_those_of_the_whole)
{
	static const char *const reductions[] = { "sum", "prod", "min", "max", "mean" };
	struct tensor inputs[N_RANKS];
	int64_t shape[1] = { N_ELEMENTS };
	float *whole = malloc(N_ELEMENTS * sizeof *whole), *parts = malloc(N_ELEMENTS * sizeof *parts);
	for (int r = 0; r < N_RANKS; r++) {
		float *data = malloc(N_ELEMENTS * sizeof *data);
		for (int i = 0; i < N_ELEMENTS; i++)
			data[i] = (float)((unsigned)(i * 7919 + r * 104729) % 2000003u) / 3e4f - 30;
		inputs[r] = tensor_make(DTYPE_F32, 1, shape, data);
	}
	for (size_t k = 0; k < ARRAY_LEN(reductions); k++) {
		char params[32];
		snprintf(params, sizeof params, "reduce=%s", reductions[k]);
		run_rank("all_reduce", params, 0, inputs, whole);
		for (int r = 0; r < N_RANKS; r++)
			run_rank("reduce_scatter", params, r, inputs, parts + r * N_ELEMENTS / N_RANKS);
		for (int i = 0; i < N_ELEMENTS; i++)
			cr_assert(memcmp(&whole[i], &parts[i], sizeof *whole) == 0, "%s: element %d: %.9g in the part, %.9g in the whole",
				reductions[k], i, parts[i], whole[i]);
	}
	run_rank("all_reduce", "", 0, inputs, whole);
	for (int i = 0; i < N_ELEMENTS; i++) {
		float sum = ((float *)inputs[0].data)[i];
		for (int r = 1; r < N_RANKS; r++)
			sum += ((float *)inputs[r].data)[i];
		cr_assert(whole[i] == sum, "element %d: %.9g, expected %.9g", i, whole[i], sum);
	}
	for (int r = 0; r < N_RANKS; r++)
		free(inputs[r].data);
	free(whole);
	free(parts);
}
