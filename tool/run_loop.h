/* SPDX-License-Identifier: Apache-2.0
 *
 * run_loop: keeps a started graph busy: submits while there is room, takes results in order, counts and times them.
 */
#ifndef TANDEM_TOOL_RUN_LOOP_H
#define TANDEM_TOOL_RUN_LOOP_H

#include "engine/run/driver.h"
#include "tool/histogram.h"
#include "tool/progress.h"

struct run_loop {
	/* set by the caller */
	struct driver *driver;
	const struct plan *plan;
	const struct tensor *inputs;    /* submitted again and again */
	struct progress *progress;
	uint64_t n_executions;
	bool is_fail_fast, keeps_outputs;

	/* filled by run_loop */
	uint64_t n_submitted, n_done, n_failed; /* n_done counts failed ones too */
	int64_t elapsed_ns;             /* first submit to last result */
	struct histogram latency;       /* ns from submit to the result being taken; failed ones left out */
	bool has_outputs;
	struct tensor_set outputs;      /* of the last execution, copied, when keeps_outputs and it succeeded */
};

/* Returns STATUS_OK when all executions were carried out, failed ones among them (the first is told through `progress`, all are counted); with
 * is_fail_fast the first failure; otherwise what ended the run early. run_loop_finish releases the outputs in every case. */
int run_loop(struct run_loop *loop, struct error *error);
void run_loop_finish(struct run_loop *loop);

/* Name of a graph's result by its position among the arguments of `output`. */
const char *run_loop_result_name(const struct plan *plan, int idx);

#endif
