/* SPDX-License-Identifier: Apache-2.0
 *
 * simulated: runs of random small graphs over random workers, simulated with integer times: what a perfect recorder would have seen.
 */
#ifndef TANDEM_TESTS_TRACES_SIMULATED_H
#define TANDEM_TESTS_TRACES_SIMULATED_H

#include "traces/critical_run.h"

struct simulated_options {
	unsigned seed;
	int n_executions;      /* 0: random, up to 8 */
	bool is_steady;        /* a node takes the same time in each execution; no gaps, no delivery */
	int64_t drops_one_in;  /* leaves out one record in so many; 0: none */
};

/* False when the random depths would deadlock: take another seed. On success the run must be finished. Deterministic in its options. */
bool simulated_make(const struct simulated_options *options, struct critical_run *ret_run);

/* The worked case of doc/blame.md: input -> a on w0 -> b on w1 -> output, two executions. */
void simulated_worked(struct critical_run *ret_run);

/* What a lane does at a time: the op that covers it and its phase there; NULL when nothing was recorded. */
const struct critical_op *simulated_at(const struct critical_run *run, int32_t lane, int64_t time_ns, enum phase *ret_phase);

#endif
