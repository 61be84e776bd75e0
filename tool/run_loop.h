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
	uint64_t progress_before;       /* done elsewhere, for the bar */
	bool is_fail_fast, keeps_outputs;
	/* Told of every result before it is released; `outputs` is NULL when the execution failed. May be NULL. */
	void (*took)(void *user, uint64_t execution, const struct tensor *outputs);
	void *user;

	/* filled by run_loop_until */
	uint64_t n_submitted, n_done, n_failed; /* n_done counts failed ones too */
	uint64_t n_due;                 /* executions to be done when it returns */
	int64_t *submit_ns;             /* [in_flight] */
	int64_t elapsed_ns;             /* first submit to last result, pauses between calls left out */
	struct histogram latency;       /* ns from submit to the result being taken; failed ones left out */
	bool has_outputs;
	struct tensor_set outputs;      /* of the last execution, copied, when keeps_outputs and it succeeded */
};

/* Goes on until `n_due` of the executions are done and nothing is in flight. Returns STATUS_OK when all of those were carried out, failed
 * ones among them (the first is told through `progress`, all are counted); with is_fail_fast the first failure; otherwise what ended the
 * run early. run_loop_finish releases the outputs in every case. */
int run_loop_until(struct run_loop *loop, uint64_t n_due, struct error *error);
void run_loop_finish(struct run_loop *loop);

/* Name of a graph's result by its position among the arguments of `output`. */
const char *run_loop_result_name(const struct plan *plan, int idx);

#endif
