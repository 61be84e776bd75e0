/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/ops/ops.h: the registry as a whole, and that doc/ops.md names all that is in it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops/ops.h"

Test(ops, every_op_is_complete)
{
	for (int i = 0; i < ops_builtin.n_items; i++) {
		const struct op *op = ops_builtin.items[i];
		cr_expect(op->name && op->summary && op->infer && op->run, "op %s lacks something", op->name);
		cr_expect_eq(op_registry_find(&ops_builtin, op->name), op, "%s is there twice", op->name);
		cr_expect(op->n_inputs_min >= 0 && op->n_inputs_min <= op->n_inputs_max && op->n_inputs_max <= OP_INPUTS_MAX,
			"%s: %d to %d inputs", op->name, op->n_inputs_min, op->n_inputs_max);
		int n_names = 0;
		while (op->input_names && op->input_names[n_names])
			n_names++;
		cr_expect(!op->input_names || n_names == op->n_inputs_max, "%s: %d names for %d inputs", op->name, n_names,
			op->n_inputs_max);
		cr_expect(!(op->caps & OP_COLLECTIVE) || !(op->caps & OP_INPLACE), "%s: a collective cannot work in place",
			op->name);
	}
}

Test(ops, every_default_is_valid)
{
	for (int i = 0; i < ops_builtin.n_items; i++) {
		const struct op *op = ops_builtin.items[i];
		for (const struct op_param_spec *spec = op->params; spec && spec->name; spec++) {
			struct error error = { 0 };
			cr_expect(spec->help && *spec->help, "%s: %s has no help", op->name, spec->name);
			/* an empty list stands for "left out" */
			if (!spec->fallback || (spec->type == OP_PARAM_INTS && !*spec->fallback))
				continue;
			cr_expect_eq(
				op_param_check(spec, spec->fallback, &error), STATUS_OK, "%s: %s", op->name, error.text);
		}
	}
}

/* The rows of the tables of doc/ops.md that name this op, or NULL. */
static const char *find_row(const char *text, const char *name)
{
	char marked[64];
	snprintf(marked, sizeof(marked), "`%s`", name);
	for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *cell_end = *line == '|' ? strchr(line + 1, '|') : NULL,
			   *at = cell_end ? strstr(line, marked) : NULL;
		if (at && at < cell_end)
			return line;
	}
	return NULL;
}

Test(ops, the_documentation_names_every_op_and_parameter)
{
	const char *root = getenv("TANDEM_SOURCE_ROOT");
	static char text[1 << 16];
	char path[4096];

	snprintf(path, sizeof(path), "%s/doc/ops.md", root ? root : ".");
	FILE *file = fopen(path, "rb");
	cr_assert_not_null(file, "%s cannot be read", path);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	for (int i = 0; i < ops_builtin.n_items; i++) {
		const struct op *op = ops_builtin.items[i];
		const char *row = find_row(text, op->name), *end = row ? strchr(row, '\n') : NULL;
		cr_expect_not_null(row, "doc/ops.md has no row for %s", op->name);
		for (const struct op_param_spec *spec = op->params; row && spec && spec->name; spec++) {
			const char *at = strstr(row, spec->name);
			cr_expect(at && at < end, "doc/ops.md does not name parameter %s of %s", spec->name, op->name);
		}
		for (int k = 0; row && op->input_names && op->input_names[k]; k++) {
			const char *at = strstr(row, op->input_names[k]);
			cr_expect(at && at < end, "doc/ops.md does not name input %s of %s", op->input_names[k], op->name);
		}
	}
}
