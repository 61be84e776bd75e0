/* SPDX-License-Identifier: Apache-2.0
 *
 * compare: two runs of one graph against each other. The runs are A and B, a difference is B minus A: positive is slower.
 * What is split sums to the whole by construction: kinds of a latency, places of a kind, kinds of a worker's work.
 * doc/compare.md explains every number and works an example.
 */
#ifndef TANDEM_TRACES_COMPARE_H
#define TANDEM_TRACES_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/strbuf.h"
#include "traces/align.h"
#include "traces/compare_measure.h"
#include "traces/compare_reasons.h"

/* A node or an edge, in both runs or in one. Means in ns an execution, each rounded so that sums hold. */
struct compare_row {
	const char *name, *op;            /* of the align; op is NULL for input, output and edges */
	bool is_edge;
	int places[2];                    /* -1: not in that run */
	bool has_own[2];                  /* ops were recorded */
	int64_t own_ns[2];                /* its own work; sums of the next */
	int64_t own_kinds_ns[2][COMPARE_KIND_COUNT];
	int64_t path_ns[2];               /* its part of the latency; sums of the next */
	int64_t path_kinds_ns[2][COMPARE_KIND_COUNT];
	struct compare_interval interval; /* of its own work, in ns; unknown unless it is a node of both */
};

struct compare {
	struct align align;
	struct compare_reasons reasons;   /* notes; refusals too when the comparison was forced */
	struct compare_measure measures[2];
	bool is_stored;                   /* they come from sums stored at the runs' ends, not from an exact pass over all ops */
	int64_t latency_ns[2];            /* means; sums of the next, and of all rows' path_ns and nowhere_ns */
	int64_t kinds_ns[2][COMPARE_KIND_COUNT];
	int64_t nowhere_ns[2];            /* at no node and no edge */
	struct compare_interval latency, kinds[COMPARE_KIND_COUNT]; /* in ns */
	bool has_throughput;              /* both runs recorded consecutive executions */
	double per_s[2];                  /* executions, while something was in flight */
	struct compare_interval throughput; /* in executions a second, from the interval of the periods; high may be infinite */
	bool has_bottleneck, has_moved;
	int64_t bottleneck_ns[2];         /* mean work an execution of each run's own bottleneck; sums of the next */
	int64_t bottleneck_kinds_ns[2][COMPARE_KIND_COUNT];
	struct compare_row *rows;         /* the largest change of own work or of path first */
	int n_rows;
};

struct compare_options {
	bool is_forced; /* compare in spite of reasons not to, which then are in `reasons` */
	bool is_exact;  /* go over all ops even where stored sums give the same numbers */
};

/* STATUS_NOT_COMPARABLE with every reason when a comparison would mislead. `options` may be NULL. On success *ret_compare
 * must be finished; the traces must outlive it. */
int compare_make(const struct align_side sides[2], const struct compare_options *options, struct error *error,
	struct compare *ret_compare);
void compare_finish(struct compare *compare);

/* The row of a node; NULL when neither run has it. */
const struct compare_row *compare_find_node(const struct compare *compare, const char *name);

#endif
