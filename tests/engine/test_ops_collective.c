/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/collective.c.
 */
#include <criterion/criterion.h>

#include "tests/support/op_case.h"

#define THREE "f32[2]{1,-2} f32[2]{4,0.5} f32[2]{-3,8}"

static const struct op_case_row values[] = {
	{ "sum", "all_reduce", "", THREE, "f32[2]{2,6.5}" },
	{ "prod", "all_reduce", "reduce=prod", THREE, "f32[2]{-12,-8}" },
	{ "min", "all_reduce", "reduce=min", THREE, "f32[2]{-3,-2}" },
	{ "max", "all_reduce", "reduce=max", THREE, "f32[2]{4,8}" },
	{ "mean", "all_reduce", "reduce=mean", THREE, "f32[2]{0.6666667,2.1666667}", 1e-6 },
	{ "one rank", "all_reduce", "reduce=mean", "f64[2]{3,4}", "f64[2]{3,4}" },
	{ "integers", "all_reduce", "reduce=max", "i64[2]{5,-5} i64[2]{4,-4}", "i64[2]{5,-4}" },
	/* in any other order the small one is lost */
	{ "rank order", "all_reduce", "", "f32[1]{1e8} f32[1]{-1e8} f32[1]{1}", "f32[1]{1}" },
	{ "min of NaN first", "all_reduce", "reduce=min", "f32[1]{nan} f32[1]{1}", "f32[1]{nan}" },
	{ "max of NaN last", "all_reduce", "reduce=max", "f32[1]{1} f32[1]{nan}", "f32[1]{nan}" },
};

Test(ops_collective, values)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		op_case_check(&values[i]);
}

static const struct op_case_infer_row types[] = {
	{ "equal", "all_reduce", "", "f32[B,4] f32[B,4]", "f32[B,4]", NULL },
	{ "other shape", "all_reduce", "", "f32[B,4] f32[B,5]", NULL, "input 1 is f32[B,5], expected f32[B,4] as input 0" },
	{ "unknown", "all_reduce", "reduce=avg", "f32[B] f32[B]", NULL,
		"reduce=\"avg\" is none of sum, prod, min, max, mean" },
	{ "mean of integers", "all_reduce", "reduce=mean", "i32[B] i32[B]", NULL, "expected f32 or f64 for reduce=mean" },
};

Test(ops_collective, types)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		op_case_check_infer(&types[i]);
}
