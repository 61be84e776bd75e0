/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/graph/op.h: the registry and the parameters.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "engine/graph/op.h"
#include "tests/support/test_ops.h"

static const struct {
	enum op_param_type type;
	const char *value;
	bool is_right;
} values[] = {
	{ OP_PARAM_INT, "0", true }, { OP_PARAM_INT, "-17", true }, { OP_PARAM_INT, "+17", true },
	{ OP_PARAM_INT, "9223372036854775807", true }, { OP_PARAM_INT, "-9223372036854775808", true },
	{ OP_PARAM_INT, "9223372036854775808", false }, { OP_PARAM_INT, "", false }, { OP_PARAM_INT, "1.0", false },
	{ OP_PARAM_INT, "0x10", false }, { OP_PARAM_INT, " 1", false }, { OP_PARAM_INT, "1 ", false }, { OP_PARAM_INT, "--1", false },
	{ OP_PARAM_FLOAT, "1e-12", true }, { OP_PARAM_FLOAT, "-.5", true }, { OP_PARAM_FLOAT, "3", true }, { OP_PARAM_FLOAT, "inf", false },
	{ OP_PARAM_FLOAT, "nan", false }, { OP_PARAM_FLOAT, "1e999", false }, { OP_PARAM_FLOAT, "0x1p3", false },
	{ OP_PARAM_FLOAT, "", false }, { OP_PARAM_FLOAT, "1,5", false }, { OP_PARAM_FLOAT, "e", false },
	{ OP_PARAM_BOOL, "true", true }, { OP_PARAM_BOOL, "false", true }, { OP_PARAM_BOOL, "yes", false }, { OP_PARAM_BOOL, "1", false },
	{ OP_PARAM_BOOL, "", false }, { OP_PARAM_TEXT, "", true }, { OP_PARAM_TEXT, "anything", true },
	{ OP_PARAM_INTS, "2,3,-1", true }, { OP_PARAM_INTS, "2, 3 , 4", true }, { OP_PARAM_INTS, "7", true }, { OP_PARAM_INTS, "", false },
	{ OP_PARAM_INTS, "2,,3", false }, { OP_PARAM_INTS, "2,", false }, { OP_PARAM_INTS, "2 3", false },
	{ OP_PARAM_INTS, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16", true },
	{ OP_PARAM_INTS, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", false },
};

Test(op, values_of_parameters)
{
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct op_param_spec spec = { "p", values[i].type, NULL, "help" };
		struct error error = { 0 };
		int status = op_param_check(&spec, values[i].value, &error);
		int expected = values[i].is_right ? STATUS_OK : STATUS_GRAPH;
		cr_assert_eq(status, expected, "type %d, '%s': %s, expected %s", values[i].type, values[i].value, status_word(status),
			status_word(expected));
		cr_assert(values[i].is_right || strstr(error.text, "must be"), "'%s': %s", values[i].value, error.text);
	}
}

static const struct op_param_spec specs[] = {
	{ "size", OP_PARAM_INT, "4", "" }, { "eps", OP_PARAM_FLOAT, "1e-3", "" }, { "is_on", OP_PARAM_BOOL, "true", "" },
	{ "path", OP_PARAM_TEXT, NULL, "" }, { "shape", OP_PARAM_INTS, "2,3", "" }, { NULL },
};
static const struct op op = { .name = "op", .params = specs };

Test(op, defaults_count_where_nothing_is_set)
{
	const struct op_param items[] = { { "path", "file" } };
	struct op_params params = { &op, items, 1 };
	int64_t ints[OP_PARAM_INTS_MAX];
	cr_assert_eq(op_params_int(&params, "size"), 4);
	cr_assert_float_eq(op_params_float(&params, "eps"), 1e-3, 1e-12);
	cr_assert(op_params_bool(&params, "is_on"));
	cr_assert_str_eq(op_params_text(&params, "path"), "file");
	cr_assert_eq(op_params_ints(&params, "shape", ints), 2);
	cr_assert(ints[0] == 2 && ints[1] == 3, "%" PRId64 ",%" PRId64, ints[0], ints[1]);
}

Test(op, what_is_set_counts)
{
	const struct op_param items[] = {
		{ "path", "file" }, { "size", "-1" }, { "is_on", "false" }, { "shape", "7" }, { "eps", "2.5" },
	};
	struct op_params params = { &op, items, ARRAY_LEN(items) };
	int64_t ints[OP_PARAM_INTS_MAX];
	cr_assert_eq(op_params_int(&params, "size"), -1);
	cr_assert_float_eq(op_params_float(&params, "eps"), 2.5, 1e-12);
	cr_assert(!op_params_bool(&params, "is_on"));
	cr_assert_eq(op_params_ints(&params, "shape", ints), 1);
	cr_assert_eq(ints[0], 7);
}

static int infer_nothing(struct op_infer *infer, struct error *error)
{
	return STATUS_OK;
}

Test(op, first_of_a_name_is_found)
{
	static const struct op first = { .name = "twice", .infer = infer_nothing }, second = { .name = "twice", .infer = infer_nothing };
	const struct op *const items[] = { &op, &first, &second };
	struct op_registry registry = { items, ARRAY_LEN(items) };
	cr_assert_eq(op_registry_find(&registry, "twice"), &first);
	cr_assert_eq(op_registry_find(&registry, "op"), &op);
	cr_assert_null(op_registry_find(&registry, "Op"));
	cr_assert_not_null(op_registry_find(&test_ops, "all_reduce"));
}
