/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_path: what hangs together across lanes: the critical path of one execution (traces/critical.h), and an op's producers and consumers.
 * Only the rows around the execution are read.
 */
#ifndef TANDEM_TRACES_TIMELINE_PATH_H
#define TANDEM_TRACES_TIMELINE_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "traces/critical.h"
#include "traces/timeline.h"

#define TIMELINE_PATH_ROWS_MAX 400000 /* around an execution; what lies further back is left out */

/* A step of the path: where it is drawn. Nodes and edges are the timeline's indices. */
struct timeline_step {
	struct critical_step step;
	int lane;                /* whose time it is: of the node; TIMELINE_NONE: nobody's */
};

struct timeline_path {
	int64_t execution, start_ns, end_ns;
	struct timeline_step *steps; /* in order of time, contiguous, from start to end */
	int n_steps;
	bool is_cut;             /* not all rows that matter were read */
};

/* The path of a finished execution; *ret_found is false when its start or end was not recorded. On success with *ret_found to be finished. */
int timeline_path_make(struct timeline *timeline, int64_t execution, struct timeline_path *ret_path, bool *ret_found, struct error *error);
void timeline_path_finish(struct timeline_path *path);

/* One end of an edge, seen from an op. */
struct timeline_link {
	int edge, node;          /* the other end */
	bool has_span;           /* its op was recorded */
	struct timeline_span span;
	int64_t published_ns;    /* producers: when the message was there */
	bool is_last;            /* producers: that message came last of all */
};

/* The ops that (node, execution) reads from, in the order of waiting, or that read from it; at most n_max. */
int timeline_producers(struct timeline *timeline, int node, int64_t execution, int n_max, struct timeline_link *links, int *ret_n,
	struct error *error);
int timeline_consumers(struct timeline *timeline, int node, int64_t execution, int n_max, struct timeline_link *links, int *ret_n,
	struct error *error);

#endif
