/* SPDX-License-Identifier: Apache-2.0
 *
 * expression: what one types after `print`, `if` and `set`.
 *
 *   A name that is no word of letters, digits and _ (or begins with a digit) stands in double quotes.
 *   value      NODE | NODE.out | NODE.OUTPUT | NODE.in | NODE.INPUT | NODE.in.2 | NODE.out.0, then a slice, then @EXECUTION or @-1 (the one before):
 *              layer3   layer3.out[0,:4]   pool.in.x[:, -1]@5
 *   condition  comparisons == != < <= > >= and ! && || ( ) + - * / over numbers ("7", "1.5e-3", durations "2ms"), words ("layer3", w0) and
 *              place values:  node op worker execution duration wait (ns) min max mean norm std n_nan n_inf has_nan has_inf (of the outputs at the
 *              stop; of inputs: in.max …; of any value: max(layer3.in.x[0])), and elements: layer3.out[0,3] when the slice is one element
 */
#ifndef TANDEM_ENGINE_DEBUG_EXPRESSION_H
#define TANDEM_ENGINE_DEBUG_EXPRESSION_H

#include "engine/debug/value.h"

/* -- naming a value ----------------------------------------------------------------------------------------------------- */
struct debug_reference {
	uint32_t node;
	bool is_input;
	uint32_t position;      /* of the output or input */
	bool has_execution, is_relative; /* @7; @-1: counted back from the current execution */
	int64_t execution;
	char slice[128];        /* as written; "" for everything */
};
/* Parses the text up to where a reference can no longer go on; *ret_end (may be NULL) points there. STATUS_INPUT with the nearest name. */
int debug_reference_parse(const struct program *program, const char *text, struct debug_reference *ret_reference, const char **ret_end,
	struct error *error);
/* Finds the value without copying it: for what is to be changed, or only looked up. */
int debug_reference_find(struct debug_target *target, const struct debug_reference *reference, uint64_t execution,
	struct debug_value *ret_value, struct error *error);
/* Finds and copies the value; `execution` is the current one, for references without one or relative (DEBUG_LATEST where there is none).
 * *ret_copy is released with free. */
int debug_reference_read(struct debug_target *target, const struct debug_reference *reference, uint64_t execution,
	struct debug_value *ret_value, struct debug_slice *ret_slice, void **ret_copy, struct error *error);
/* "layer3.out[0,:4]" as it would be typed. */
void debug_reference_describe(const struct program *program, const struct debug_reference *reference, struct strbuf *out);

/* -- conditions --------------------------------------------------------------------------------------------------------- */
struct debug_expression;

/* Where a condition is looked at. */
struct debug_place {
	uint32_t worker;
	const struct gate_stop *stop; /* NULL: only references can be evaluated */
	uint64_t execution;
};

/* Parses the whole text; names are looked up in `program`, which must outlive the expression. STATUS_INPUT: the text says at which column what
 * was expected. */
int debug_expression_parse(const struct program *program, const char *text, struct debug_expression **ret_expression, struct error *error);
void debug_expression_finish(struct debug_expression *expression); /* accepts NULL */
/* Gates that an expression needs to look at outputs: true when it is only meaningful after compute. */
bool debug_expression_needs_outputs(const struct debug_expression *expression);
/* The value as a number (comparisons give 0 or 1). STATUS_INPUT when something in it is not held here. */
int debug_expression_evaluate(const struct debug_expression *expression, struct debug_target *target, const struct debug_place *place,
	double *ret_value, struct error *error);

/* -- assignments -------------------------------------------------------------------------------------------------------- */
/* "layer3.out[0,:4] = 1.5", "… = 1,2,3,4", "… = FILE.npy", "… *= 2" (also += -= /=), "… = layer2.out[0,:4]". Parsed and checked against the
 * program; the right side's shape against the left side's when it is carried out. */
struct debug_assignment {
	struct debug_reference target;
	char op;                   /* '=' or one of + - * / */
	double *numbers;           /* owned; NULL: not a list */
	int64_t n_numbers;
	char *file;                /* owned; NULL */
	bool has_source;
	struct debug_reference source;
};
int debug_assignment_parse(const struct program *program, const char *text, struct debug_assignment *ret_assignment, struct error *error);
void debug_assignment_finish(struct debug_assignment *assignment);
/* Changes the value in place; it must be writable (STATUS_INPUT says where it would be). *ret_n: elements changed. */
int debug_assignment_carry_out(struct debug_target *target, const struct debug_assignment *assignment, uint64_t execution, int64_t *ret_n,
	struct error *error);

#endif
