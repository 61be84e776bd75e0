/* SPDX-License-Identifier: Apache-2.0
 *
 * op_case: runs one built-in op without an engine, from texts, so that tests of ops are tables.
 *
 *   tensor   "f32[2,3]{1,2,3, 4,5,6}"; fewer numbers than elements repeat; without {…}: 0, 1, 2, …
 *   tensors  several of them, blanks between
 *   types    "f32[B,L,384] i32[2B+1]": letters are symbols, B bounded by 64, every other by 512
 *   params   "axis=1;parts=2"; for collectives also "rank=1", of which node of the inputs' ranks the op is (0)
 */
#ifndef TANDEM_TESTS_SUPPORT_OP_CASE_H
#define TANDEM_TESTS_SUPPORT_OP_CASE_H

#include "engine/graph/op.h"

#define OP_CASE_TENSORS_MAX 8
#define OP_CASE_PARAMS_MAX 16

struct op_case {
	const struct op *op;
	struct op_param params[OP_CASE_PARAMS_MAX];
	int n_params, rank;
	struct tensor inputs[OP_CASE_TENSORS_MAX], outputs[OP_INPUTS_MAX]; /* outputs: owned */
	int n_inputs, n_outputs;
	struct tensor_type output_types[OP_OUTPUTS_MAX];
	char *params_text;
	void *state;
};

/* One tensor in new memory (`data` is freed by the caller), 64-byte aligned. *ret_end points behind it. Aborts the test on
 * nonsense. */
struct tensor op_case_tensor(const char *text, const char **ret_end);

/* Parses types and infers; the outputs' types as text, or the error's text, into `text`. Returns the status. */
int op_case_infer(const char *op_name, const char *params, const char *types, char *text, size_t size);

/* Infers from the inputs' shapes, allocates outputs (filled with 0xa5), sets the op up. The inputs stay the caller's. On
 * failure nothing need be finished. */
int op_case_start(struct op_case *ret_op_case, const char *op_name, const char *params, const struct tensor *inputs,
	int n_inputs, struct error *error);
int op_case_run(struct op_case *op_case, uint64_t execution, struct error *error);
void op_case_finish(struct op_case *op_case);

/* Element i as a number. */
double op_case_element(const struct tensor *tensor, int64_t i);

/* One row of a table: with these inputs the op gives these outputs. Runs it with separate memory and, where the op may, in
 * place, from an aligned and from an unaligned address; reports differences through Criterion. */
struct op_case_row {
	const char *name, *op, *params, *inputs, *outputs;
	double tolerance; /* absolute, or relative to values above 1 */
	const char *error; /* instead of outputs: run fails with a text that contains this */
};
void op_case_check(const struct op_case_row *row);

/* One row of a table: with these types infer gives these types, or fails with a text that contains `error`. */
struct op_case_infer_row {
	const char *name, *op, *params, *inputs, *outputs, *error;
};
void op_case_check_infer(const struct op_case_infer_row *row);

#endif
