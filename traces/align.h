/* SPDX-License-Identifier: Apache-2.0
 *
 * align: what two runs have in common, by name and number and never by time: nodes and edges by their names, executions by
 * their numbers. Executions that failed, have no recorded submit or finish, or are warm-up do not count. Warm-up is what the
 * run with fewer executions marks (`execution.is_warmup`; both runs' marks when they have equally many); where nothing is
 * marked, the first tenth, rounded up, of the executions that both have.
 */
#ifndef TANDEM_TRACES_ALIGN_H
#define TANDEM_TRACES_ALIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "traces/trace.h"

/* A node or an edge of a run. */
struct align_place {
	int64_t id;
	char *name;
	char *op, *worker; /* of a node; op is NULL for input and output. Both NULL for an edge */
	bool is_edge;
	int twin;          /* index in the other run's places; -1: it is only here */
};

struct align_execution {
	int64_t execution, start_ns, end_ns;
	bool is_ok, is_warmup;
	bool is_marked;    /* the file marks it as warm-up, whether that counts or not */
};

struct align_run {
	const struct trace *trace;     /* the caller's, like run; must outlive it */
	const struct trace_run *run;
	struct align_place *places;    /* nodes in the program's order, then edges */
	int n_nodes, n_edges;
	struct align_execution *executions; /* recorded, ascending */
	int64_t n_executions, n_failed; /* n_failed: of n_executions, not is_ok */
	int64_t n_alone;               /* of n_executions, not in the other run */
};

struct align {
	struct align_run runs[2];
	int64_t *pairs;                /* numbers of the executions to compare, ascending */
	int64_t n_pairs;
	int64_t n_warmup;              /* executions in both that were left out as warm-up */
	int64_t n_failed;              /* … because they failed in one of the runs */
};

/* Which run of which file. */
struct align_side {
	const struct trace *trace;
	const struct trace_run *run;
};

/* On success *ret_align must be finished. Memory: 32 bytes an execution. */
int align_make(const struct align_side sides[2], struct error *error, struct align *ret_align);
void align_finish(struct align *align);

/* Index of a node's or edge's id among the run's places; -1 when it is not the run's. */
int align_node(const struct align_run *run, int64_t id);
int align_edge(const struct align_run *run, int64_t id);

/* Position of an execution among the pairs; -1 when it is not compared. */
int64_t align_pair(const struct align *align, int64_t execution);
/* The run's record of an execution; NULL when there is none. */
const struct align_execution *align_find(const struct align_run *run, int64_t execution);

#endif
