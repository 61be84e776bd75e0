/* SPDX-License-Identifier: Apache-2.0
 *
 * run_inputs: the tensors that a run submits: from files, or made from a seed so that a graph can be tried without data.
 */
#ifndef TANDEM_TOOL_RUN_INPUTS_H
#define TANDEM_TOOL_RUN_INPUTS_H

#include "engine/graph/plan.h"
#include "tool/tensor_files.h"

#define RUN_INPUTS_SYMBOL_MOST 8  /* made-up inputs: every letter of the declaration is min(bound, this) */
#define RUN_INPUTS_INTEGER_END 1000 /* made-up integers lie in 0 … this - 1 */

struct run_inputs {
	struct tensor_files files;
	struct tensor *tensors;  /* one for each declared tensor; data in `files` or `memory` */
	void **memory;           /* [n] */
	int n;
	bool is_made_up;
};

/* With files in `list`: every declared tensor must be there under its name, with the declared type (driver_check_inputs). Without: made
 * up from `seed` and the tensor's name: f32 and f64 normally distributed, ones where the name contains "mask", integers uniform.
 * STATUS_INPUT, STATUS_USAGE. */
int run_inputs_make(const struct plan *plan, const struct option_list *list, uint64_t seed, struct run_inputs *ret_inputs,
	struct error *error);
void run_inputs_finish(struct run_inputs *inputs);

/* "ids i32[8,8], mask f32[8,8]" */
void run_inputs_describe(const struct plan *plan, const struct run_inputs *inputs, struct strbuf *out);

#endif
