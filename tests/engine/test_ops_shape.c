/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/shape.c and engine/ops/cut.c.
 */
#include <criterion/criterion.h>

#include "tests/support/op_case.h"

static const struct op_case_row values[] = {
	{ "identity", "identity", "", "i8[3]{1,-2,3}", "i8[3]{1,-2,3}" },
	{ "reshape", "reshape", "shape=3,2", "f32[2,3]", "f32[3,2]" },
	{ "reshape rest", "reshape", "shape=0,-1", "f32[2,3,4]", "f32[2,12]" },
	{ "transpose", "transpose", "", "f32[2,3]", "f32[3,2]{0,3,1,4,2,5}" },
	{ "transpose 3", "transpose", "axes=1,0,2", "f32[2,2,2]", "f32[2,2,2]{0,1,4,5,2,3,6,7}" },
	{ "transpose last", "transpose", "axes=0,2,1", "u8[2,2,2]", "u8[2,2,2]{0,2,1,3,4,6,5,7}" },
	{ "transpose rotation", "transpose", "axes=2,0,1", "i64[2,3,2]", "i64[2,2,3]{0,2,4,6,8,10,1,3,5,7,9,11}" },
	{ "transpose a scalar", "transpose", "", "f32[]{5}", "f32[]{5}" },
	{ "concat last", "concat", "", "f32[2,2] f32[2,1]{8,9}", "f32[2,3]{0,1,8,2,3,9}" },
	{ "concat first", "concat", "axis=0", "i32[1,2] i32[2,2]{5,6,7,8}", "i32[3,2]{0,1,5,6,7,8}" },
	{ "concat one", "concat", "axis=0", "u8[3]", "u8[3]" },
	{ "concat three", "concat", "axis=1", "f32[2,1] f32[2,1]{7} f32[2,2]{4}", "f32[2,4]{0,7,4,4,1,7,4,4}" },
	{ "split in parts", "split", "parts=2", "f32[2,4]", "f32[2,2]{0,1,4,5} f32[2,2]{2,3,6,7}" },
	{ "split by sizes", "split", "axis=0;sizes=1,-1", "f32[3,2]", "f32[1,2]{0,1} f32[2,2]{2,3,4,5}" },
	{ "split three", "split", "sizes=1,2,1", "i32[2,4]", "i32[2,1]{0,4} i32[2,2]{1,2,5,6} i32[2,1]{3,7}" },
};

Test(ops_shape, values)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		op_case_check(&values[i]);
}

static const struct op_case_infer_row types[] = {
	{ "merge", "reshape", "shape=0,0,-1", "f32[B,L,12,32]", "f32[B,L,384]", NULL },
	{ "divide", "reshape", "shape=0,0,12,-1", "f32[B,L,384]", "f32[B,L,12,32]", NULL },
	{ "linear rest", "reshape", "shape=-1,32", "f32[B,384]", "f32[12B,32]", NULL },
	{ "linear with an addend", "reshape", "shape=-1", "f32[2B+1,3]", "f32[6B+3]", NULL },
	{ "same", "reshape", "shape=0,384", "f32[B,384]", "f32[B,384]", NULL },
	{ "to one", "reshape", "shape=-1", "f32[]", "f32[1]", NULL },
	{ "two symbols in one", "reshape", "shape=-1,384", "f32[B,L,384]", NULL, "as many elements as shape=\"-1,384\"" },
	{ "does not divide", "reshape", "shape=0,-1,5", "f32[B,384]", NULL, "as many elements" },
	{ "too few", "reshape", "shape=0,100", "f32[B,384]", NULL, "as many elements" },
	{ "two rests", "reshape", "shape=-1,-1", "f32[B,384]", NULL, "one -1" },
	{ "negative", "reshape", "shape=-2", "f32[B,384]", NULL, "shape has -2" },
	{ "keeps nothing", "reshape", "shape=0,0,0", "f32[B,384]", NULL, "a dimension 2, which shape keeps" },
	{ "too many", "reshape", "shape=1,1,1,1,1,1,1", "f32[1]", NULL, "at most 6" },
	{ "transpose", "transpose", "axes=0,2,1", "f32[B,L,384]", "f32[B,384,L]", NULL },
	{ "transpose reversed", "transpose", "", "f32[B,L,384]", "f32[384,L,B]", NULL },
	{ "transpose twice the same", "transpose", "axes=0,0,1", "f32[B,L,384]", NULL,
		"axes=\"0,0,1\" is no order of the 3 dimensions" },
	{ "transpose too few", "transpose", "axes=1,0", "f32[B,L,384]", NULL, "is no order" },
	{ "concat of symbols", "concat", "axis=1", "f32[B,L] f32[B,L] f32[B,3]", "f32[B,2L+3]", NULL },
	{ "concat other sizes", "concat", "axis=0", "f32[B,L] f32[B,5]", NULL,
		"expected the sizes of input 0, which is f32[B,L]" },
	{ "concat two symbols", "concat", "axis=0", "f32[B,4] f32[L,4]", NULL, "linear in one symbol" },
	{ "concat dtypes", "concat", "", "f32[B,4] i32[B,4]", NULL, "input 1 is i32[B,4], expected f32 as input 0" },
	{ "concat dims", "concat", "", "f32[B,4] f32[B]", NULL, "expected 2 dimensions as input 0" },
	{ "concat axis", "concat", "axis=2", "f32[B,4]", NULL, "axis=2 does not exist in 2 dimensions" },
	{ "split of a symbol", "split", "axis=0;parts=2", "f32[2B+4,3]", "f32[B+2,3] f32[B+2,3]", NULL },
	{ "split with a rest", "split", "axis=0;sizes=1,-1", "f32[B+1,3]", "f32[1,3] f32[B,3]", NULL },
	{ "split rest may be empty", "split", "axis=0;sizes=1,-1", "f32[B,3]", NULL, "to be the sum of sizes" },
	{ "split not divisible", "split", "parts=5", "f32[B,384]", NULL, "divisible into 5 parts" },
	{ "split symbol", "split", "axis=0;parts=2", "f32[B,384]", NULL, "divisible into 2 parts" },
	{ "split sum", "split", "sizes=100,200", "f32[B,384]", NULL, "to be the sum of sizes=\"100,200\"" },
	{ "split zero size", "split", "sizes=0,384", "f32[B,384]", NULL, "sizes are positive" },
	{ "split both", "split", "parts=2;sizes=1,1", "f32[B,2]", NULL, "not both" },
	{ "split neither", "split", "", "f32[B,2]", NULL, "either parts" },
	{ "split too many", "split", "parts=33", "f32[33]", NULL, "between 1 and 32" },
};

Test(ops_shape, types)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		op_case_check_infer(&types[i]);
}
