/* SPDX-License-Identifier: Apache-2.0
 *
 * whatif: what a faster node would win at most.
 *
 * Throughput. The run is modelled as a timed marked graph (Commoner, Holt, Even, Pnueli 1971; doc/deadlock.md has the same net without
 * times): a transition for each node that takes the node's mean work; places for data (the edge's mean delivery on top), for program
 * order (one token from a worker's last node back to its first; where there is no plan a worker does its nodes in any order, one at a
 * time), for slots (`depth` tokens from who releases back to the writer), for the executions in flight, and for the driver, which does
 * one thing at a time. Such a net repeats itself at best every max over its cycles of time / tokens (Ramchandani 1974; Reiter 1968):
 * its period. Variation only makes it slower.
 * Latency. Halving a node's compute shortens a critical path by at most half of that node's compute on it; other paths may then be
 * longer.
 */
#ifndef TANDEM_TRACES_WHATIF_H
#define TANDEM_TRACES_WHATIF_H

#include "traces/blame.h"
#include "traces/critical.h"

struct whatif_place {
	int32_t from, to; /* transitions */
	double ns;        /* what `from` takes, and the way */
	int32_t tokens;
};

/* The largest time / tokens of any cycle of a net: its period in ns, 0 without cycles, infinite when a cycle holds no token; negative
 * when memory is out. The transitions of such a cycle go to `cycle` (may be NULL; room for n_transitions), their number to *ret_n. */
double whatif_max_cycle_ratio(const struct whatif_place *places, int n_places, int n_transitions, int32_t *cycle, int *ret_n);

struct whatif_gain {
	int32_t node;
	int64_t latency_ns;  /* at most saved of the mean latency */
	double period_ns;    /* of the model with this node's compute halved */
};

struct whatif {
	double period_ns;    /* of the model as it ran */
	int32_t *cycle;      /* nodes of a cycle that sets it */
	int n_cycle;
	struct whatif_gain *gains; /* by throughput, then latency won, largest first */
	int n_gains;
};

/* For the `n_max` nodes that compute longest. `delivery_ns` [n_edges]: mean an execution. On success to be finished. */
int whatif_make(const struct critical_run *run, const struct critical_summary *summary, const double *delivery_ns, int n_max,
	struct error *error, struct whatif *ret_whatif);
void whatif_finish(struct whatif *whatif);

/* The period of the model with other works [n_nodes] than measured; `ret_whatif` (may be NULL) gets period and cycle only. Negative
 * when memory is out. */
double whatif_period(const struct critical_run *run, const double *work_ns, const double *delivery_ns, struct whatif *ret_whatif);

#endif
