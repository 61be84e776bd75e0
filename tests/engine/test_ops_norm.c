/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/norm.c and engine/ops/pool.c.
 */
#include <criterion/criterion.h>

#include "tests/support/op_case.h"

static const struct op_case_row values[] = {
	{ "softmax", "softmax", "", "f32[2,3]{1,2,3, 0,0,0}",
		"f32[2,3]{0.09003057,0.24472847,0.66524096, 0.33333333,0.33333333,0.33333333}", 2e-7 },
	{ "softmax shifts", "softmax", "", "f32[2]{1000,1000}", "f32[2]{0.5,0.5}" },
	{ "softmax of NaN", "softmax", "", "f32[2,2]{nan,1,2,2}", "f32[2,2]{nan,nan,0.5,0.5}" },
	{ "layernorm", "layernorm", "eps=0", "f32[2,2]{1,3, -4,4}", "f32[2,2]{-1,1,-1,1}", 1e-6 },
	{ "layernorm of constants", "layernorm", "", "f32[1,3]{5}", "f32[1,3]{0}" },
	{ "layernorm seeded", "layernorm", "weights=seeded:1;name=x.LayerNorm;eps=0", "f32[1,2]{1,3}", "f32[1,2]{-1,1}",
		1e-6 },
	{ "normalise", "normalise", "", "f32[2,2]{3,4, 0,0}", "f32[2,2]{0.6,0.8,0,0}", 1e-7 },
	{ "normalise eps", "normalise", "eps=10", "f32[2]{3,4}", "f32[2]{0.3,0.4}", 1e-7 },
	{ "mean_pool", "mean_pool", "", "f32[1,2,2]{1,2,3,6}", "f32[1,2]{2,4}" },
	{ "mean_pool mask", "mean_pool", "", "f32[2,2,2]{1,2,nan,nan, 3,4,5,6} f32[2,2]{1,0,1,1}", "f32[2,2]{1,2,4,5}" },
	{ "mean_pool of nothing", "mean_pool", "", "f32[1,2,2]{1,2,3,4} f32[1,2]{0}", "f32[1,2]{0,0}" },
	{ "mean_pool unit length", "mean_pool", "normalise=true", "f32[1,2,2]{1,2,5,6} f32[1,2]{1,1}", "f32[1,2]{0.6,0.8}",
		1e-7 },
	{ "cls_pool", "cls_pool", "", "f32[2,3,2]", "f32[2,2]{0,1,6,7}" },
};

Test(ops_norm, values)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		op_case_check(&values[i]);
}

static const struct op_case_infer_row types[] = {
	{ "softmax", "softmax", "", "f32[B,L]", "f32[B,L]", NULL },
	{ "softmax of a scalar", "softmax", "", "f32[]", NULL, "at least 1 dimension" },
	{ "softmax dtype", "softmax", "", "i32[B,L]", NULL, "expected f32" },
	{ "layernorm without weights", "layernorm", "", "f32[B,L]", "f32[B,L]", NULL },
	{ "layernorm of a symbol", "layernorm", "weights=seeded:1;name=n", "f32[B,L]", NULL,
		"a number as size of dimension 1" },
	{ "layernorm without name", "layernorm", "weights=seeded:1", "f32[B,4]", NULL, "weights need name" },
	{ "mean_pool", "mean_pool", "", "f32[B,L,384] f32[B,L]", "f32[B,384]", NULL },
	{ "mean_pool mask", "mean_pool", "", "f32[B,L,384] f32[B,M]", NULL,
		"input mask is f32[B,M], expected its dimension 1 to be" },
	{ "mean_pool mask dtype", "mean_pool", "", "f32[B,L,384] i32[B,L]", NULL, "input mask is i32[B,L], expected f32" },
	{ "mean_pool dims", "mean_pool", "", "f32[B,L] f32[B,L]", NULL, "input x is f32[B,L], expected 3 dimensions" },
	{ "cls_pool", "cls_pool", "", "f32[B,L,384]", "f32[B,384]", NULL },
};

Test(ops_norm, types)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		op_case_check_infer(&types[i]);
}
