/* SPDX-License-Identifier: Apache-2.0
 *
 * node_times: what each node's ops took, from the sums that are kept while recording: no pass over the events, so it can be read again as
 * often as a screen is drawn.
 */
#ifndef TANDEM_VIEWERS_NODE_TIMES_H
#define TANDEM_VIEWERS_NODE_TIMES_H

#include "traces/timeline.h"

struct node_time {
	int64_t n;               /* recorded ops, warm-up included */
	int64_t ns[PHASE_COUNT]; /* sums */
};

struct node_times {
	struct node_time *nodes; /* [n_nodes] of the timeline */
	int n_nodes;
	int64_t longest_ns;      /* largest mean of node_time_work_ns */
};

/* Reads, into a struct that is zeroed or was read before. On failure it stays as it was. */
int node_times_read(struct timeline *timeline, struct node_times *times, struct error *error);
void node_times_finish(struct node_times *times);

/* Means an op, rounded; 0 when none was recorded. Work: compute and collective. */
int64_t node_time_mean_ns(const struct node_time *time, enum phase phase);
int64_t node_time_work_ns(const struct node_time *time);

#endif
