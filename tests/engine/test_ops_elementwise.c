/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/elementwise.c.
 */
#include <criterion/criterion.h>

#include "tests/support/op_case.h"

static const struct op_case_row values[] = {
	{ "add equal", "add", "", "f32[2,2]{1,2,3,4} f32[2,2]{10,20,30,40}", "f32[2,2]{11,22,33,44}" },
	{ "add scalar", "add", "scalar=0.5", "f32[3]{1,2,3}", "f32[3]{1.5,2.5,3.5}" },
	{ "add row", "add", "", "f32[2,3] f32[3]{10,20,30}", "f32[2,3]{10,21,32,13,24,35}" },
	{ "add column", "add", "", "f32[2,3] f32[2,1]{10,20}", "f32[2,3]{10,11,12,23,24,25}" },
	{ "add one element", "add", "", "f32[2,3] f32[1]{100}", "f32[2,3]{100,101,102,103,104,105}" },
	{ "add scalar tensor", "add", "", "f32[2,2] f32[]{7}", "f32[2,2]{7,8,9,10}" },
	{ "add middle", "add", "", "f32[2,2,2] f32[2,1,2]{10,20,30,40}", "f32[2,2,2]{10,21,12,23,34,45,36,47}" },
	{ "add outer", "add", "", "f32[2,1,2,2] f32[1,2,1]{10,20}", "f32[2,1,2,2]{10,11,22,23,14,15,26,27}" },
	{ "add scalars", "add", "", "f32[]{3} f32[]{4}", "f32[]{7}" },
	{ "sub", "sub", "", "f32[3]{5,7,9} f32[3]{1,2,3}", "f32[3]{4,5,6}" },
	{ "sub scalar", "sub", "scalar=2", "i32[3]{5,-7,9}", "i32[3]{3,-9,7}" },
	{ "mul", "mul", "", "f64[2]{1.5,-2} f64[2]{4,0.25}", "f64[2]{6,-0.5}" },
	{ "mul u8", "mul", "scalar=3", "u8[2]{80,100}", "u8[2]{240,44}" },
	{ "mul i8 wraps", "mul", "scalar=2", "i8[2]{100,-3}", "i8[2]{-56,-6}" },
	{ "div", "div", "", "f32[2]{1,9} f32[2]{4,3}", "f32[2]{0.25,3}" },
	{ "div f32 by zero", "div", "", "f32[2]{1,-1} f32[2]{0,0}", "f32[2]{inf,-inf}" },
	{ "div i64", "div", "", "i64[3]{7,-7,9} i64[1]{2}", "i64[3]{3,-3,4}" },
	{ "div i32 by zero", "div", "", "i32[2]{1,2} i32[2]{1,0}", NULL, 0, "input b has a zero" },
	{ "scale", "scale", "factor=-0.5", "f32[2,2]{1,2,3,4}", "f32[2,2]{-0.5,-1,-1.5,-2}" },
	{ "relu", "relu", "", "f32[4]{-1,0,2,nan}", "f32[4]{0,0,2,nan}" },
	{ "gelu", "gelu", "", "f32[5]{-3,-1,0,1,3}", "f32[5]{-0.00404951,-0.15865525,0,0.84134475,2.99595049}", 3e-7 },
	{ "gelu far out", "gelu", "", "f32[3]{-40,40,nan}", "f32[3]{0,40,nan}" },
	{ "tanh", "tanh", "", "f32[4]{-20,-0.5,0,0.001}", "f32[4]{-1,-0.46211716,0,0.00099999967}", 1e-7 },
	{ "no rows", "add", "", "f32[0,3] f32[3]", "f32[0,3]" },
	{ "no columns", "add", "", "f32[2,0] f32[2,1]", "f32[2,0]" },
};

Test(ops_elementwise, values)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		op_case_check(&values[i]);
}

static const struct op_case_infer_row types[] = {
	{ "equal", "add", "", "f32[B,L] f32[B,L]", "f32[B,L]", NULL },
	{ "broadcast", "mul", "", "f32[B,L,384] f32[384]", "f32[B,L,384]", NULL },
	{ "broadcast 1", "mul", "", "f32[B,L,384] f32[B,1,384]", "f32[B,L,384]", NULL },
	{ "broadcast of a symbol", "sub", "", "f32[B,L] f32[L]", "f32[B,L]", NULL },
	{ "first is not broadcast", "add", "", "f32[384] f32[B,384]", NULL,
		"input b is f32[B,384], expected a shape that broadcasts" },
	{ "other symbol", "add", "", "f32[B,L] f32[B]", NULL, "broadcasts to f32[B,L]" },
	{ "other dtype", "add", "", "f32[B] i32[B]", NULL, "input b is i32[B], expected f32" },
	{ "no second", "add", "", "f32[B]", NULL, "scalar=NUMBER" },
	{ "scalar and second", "add", "scalar=1", "f32[B] f32[B]", NULL, "leave one" },
	{ "fraction for integers", "add", "scalar=0.5", "i32[B]", NULL, "scalar=0.5 is no integer" },
	{ "division by 0", "div", "scalar=0", "i32[B]", NULL, "by zero" },
	{ "scale is f32", "scale", "factor=2", "i32[B]", NULL, "input 0 is i32[B], expected f32" },
	{ "gelu is f32", "gelu", "", "f64[B]", NULL, "expected f32" },
};

Test(ops_elementwise, types)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		op_case_check_infer(&types[i]);
}
