/* SPDX-License-Identifier: Apache-2.0
 *
 * test_registry: tests of engine/api/registry.h and engine/api/user_op.h: what is refused, and with which words.
 */
#include "engine/api/registry.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api/tandem.h"

static int infer(struct tandem_infer *call, struct tandem_error *error)
{
	call->outputs[0] = call->inputs[0];
	return TANDEM_OK;
}

static int run(struct tandem_call *call)
{
	return TANDEM_OK;
}

#define OP(ABI, NAME, LEAST, MOST, INFER, RUN, ...) \
	{ .abi = ABI, .name = NAME, .n_inputs_min = LEAST, .n_inputs_max = MOST, .infer = INFER, .run = RUN, __VA_ARGS__ }
#define ABI TANDEM_OP_ABI

static const char *const one_name[] = { "x", NULL };
static const struct tandem_param_spec twice[] = { { "a", TANDEM_PARAM_INT, "1", NULL }, { "a", TANDEM_PARAM_INT, "1", NULL }, { 0 } };
static const struct tandem_param_spec bad_default[] = { { "a", TANDEM_PARAM_INT, "one", NULL }, { 0 } };
static const struct tandem_param_spec bad_type[] = { { "a", 77, "1", NULL }, { 0 } };

static const struct {
	const char *name;
	struct tandem_op op;
	const char *expected; /* in the text; NULL: it is right */
} op_cases[] = {
	{ "good", OP(ABI, "mine", 1, 1, infer, run), NULL },
	{ "abi", OP(7, "mine", 1, 1, infer, run), "abi 7" },
	{ "no name", OP(ABI, NULL, 1, 1, infer, run), "no name" },
	{ "no infer", OP(ABI, "mine", 1, 1, NULL, run), "no infer function" },
	{ "no run", OP(ABI, "mine", 1, 1, infer, NULL), "no run function" },
	{ "caps", OP(ABI, "mine", 1, 1, infer, run, .caps = 1u << 20), "unknown" },
	{ "counts fall", OP(ABI, "mine", 3, 2, infer, run), "takes 3 to 2" },
	{ "too many inputs", OP(ABI, "mine", 1, 1000, infer, run), "0 to 64" },
	{ "in place of nothing", OP(ABI, "mine", 0, 1, infer, run, .caps = TANDEM_INPLACE), "need an input" },
	{ "too few names", OP(ABI, "mine", 1, 2, infer, run, .input_names = one_name), "names 1 of them" },
	{ "parameter twice", OP(ABI, "mine", 1, 1, infer, run, .params = twice), "'a' twice" },
	{ "default", OP(ABI, "mine", 1, 1, infer, run, .params = bad_default), "'a' is 'one'" },
	{ "parameter type", OP(ABI, "mine", 1, 1, infer, run, .params = bad_type), "type 77" },
	{ "built-in name", OP(ABI, "linear", 1, 1, infer, run), "taken by a built-in op" },
};

Test(registry, refuses_wrong_ops)
{
	for (size_t i = 0; i < ARRAY_LEN(op_cases); i++) {
		const struct tandem_op *const ops[] = { &op_cases[i].op, NULL };
		struct registry registry;
		struct error error = { 0 };
		cr_assert_eq(registry_init(&registry, &error), STATUS_OK, "%s", error.text);
		int n_before = registry.n_items, status = registry_add(&registry, ops, "the program", &error);
		cr_expect_eq(status, op_cases[i].expected ? STATUS_USAGE : STATUS_OK, "%s: status %d: %s", op_cases[i].name, status, error.text);
		cr_expect(!op_cases[i].expected || strstr(error.text, op_cases[i].expected), "%s: '%s' lacks '%s'", op_cases[i].name, error.text,
			op_cases[i].expected);
		cr_expect_eq(registry.n_items, n_before + !op_cases[i].expected, "%s: %d ops", op_cases[i].name, registry.n_items);
		registry_finish(&registry);
	}
}

Test(registry, adds_all_or_none)
{
	static const struct tandem_op first = OP(ABI, "mine", 1, 1, infer, run), second = OP(ABI, "other", 1, 1, infer, run);
	const struct tandem_op *const ops[] = { &first, &second, &first, NULL };
	struct registry registry;
	struct error error = { 0 };
	cr_assert_eq(registry_init(&registry, &error), STATUS_OK);
	int n_before = registry.n_items;
	cr_expect_eq(registry_add(&registry, ops, "the program", &error), STATUS_USAGE);
	cr_expect(strstr(error.text, "taken by an op of the same list"), "%s", error.text);
	cr_expect_eq(registry.n_items, n_before, "%d, expected %d", registry.n_items, n_before);
	registry_finish(&registry);
}

static const struct {
	const char *file, *expected; /* as in op_cases */
} module_cases[] = {
	{ "good", NULL },
	{ "abi", "abi 99" },
	{ "nothing", "defines no tandem_module" },
	{ "no_run", "no run function" },
	{ "twice", "taken by an op of the same list" },
	{ "builtin", "taken by a built-in op" },
	{ "empty", "has no ops" },
	{ "missing", "No such file" },
};

Test(registry, loads_modules)
{
	const char *folder = getenv("TANDEM_API_MODULES");
	for (size_t i = 0; i < ARRAY_LEN(module_cases); i++) {
		struct registry registry;
		struct error error = { 0 };
		char file[4096];
		snprintf(file, sizeof file, "%s/api_module_%s.so", folder ? folder : ".", module_cases[i].file);
		cr_assert_eq(registry_init(&registry, &error), STATUS_OK);
		int n_before = registry.n_items;
		for (int again = 0; again < 2; again++) {
			int status = registry_load_module(&registry, file, &error);
			cr_expect_eq(status, module_cases[i].expected ? STATUS_USAGE : STATUS_OK, "%s: status %d: %s", file, status, error.text);
		}
		cr_expect(!module_cases[i].expected || strstr(error.text, module_cases[i].expected), "%s: '%s' lacks '%s'", file, error.text,
			module_cases[i].expected);
		cr_expect_eq(registry.n_items, n_before + !module_cases[i].expected, "%s: %d ops", file, registry.n_items);
		registry_finish(&registry);
	}
}
