/* SPDX-License-Identifier: Apache-2.0
 *
 * crowd: runs with many short spans, as the timeline has to draw them: the chain of synthetic.h, with stalls, pauses, and lost records, delivered
 * in batches of lanes in turn.
 */
#ifndef TANDEM_TESTS_TRACES_CROWD_H
#define TANDEM_TESTS_TRACES_CROWD_H

#include "tests/traces/synthetic.h"

struct crowd_options {
	const char *name;
	int n_executions;
	unsigned seed;
	int stall_one_in;  /* an op that computes 300 µs to 3 ms; 0: never */
	int pause_one_in;  /* the driver idles up to 20 ms before an execution; 0: never */
	int lose_one_in;   /* records that are left out; 0: none */
	bool is_unfinished; /* its collector was killed: the run's end is not recorded, the level of detail not complete */
};

struct crowd {
	struct synthetic synthetic; /* 3 workers with 2 nodes each; `file` is the trace */
	struct synthetic_intake target;
	int64_t start_ns, end_ns;
};

/* Writes the trace; closes the store. */
void crowd_make(struct crowd *crowd, const struct crowd_options *options);
/* Removes it. */
void crowd_finish(struct crowd *crowd);

#endif
