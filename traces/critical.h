/* SPDX-License-Identifier: Apache-2.0
 *
 * critical: the critical path of one execution: from its submit to its results, every ns attributed to one phase of one node or edge.
 * The steps are contiguous and their durations sum to the latency exactly.
 *
 * It is found backwards from the driver's `output`, staying in the execution. At a node:
 *   - its own phases (dispatch, compute, write, …) are steps of role OWN;
 *   - before them it waited for its last input: the time from the producer's end (the message is there) to the wait's end is delivery,
 *     role EDGE, kind starved (late_rank in a collective); then the path goes on at the producer, at the producer's end. Only the input
 *     that came last counts: the others had time to spare;
 *   - when all inputs were there before the node's turn came, the worker was busy: what it did in between, with an earlier node or
 *     another execution, is role QUEUE: node, execution and kind say with what (its waits included, under their kind);
 *   - while it stood in backpressure, role HELD says what the worker that held the slot did until it released it (execution - depth);
 *     from the release on it is role EDGE, kind backpressure;
 *   - time in which the driver's thread was outside tandem is role CALLER;
 *   - what was not recorded is kind unknown, role OWN.
 */
#ifndef TANDEM_TRACES_CRITICAL_H
#define TANDEM_TRACES_CRITICAL_H

#include "traces/critical_run.h"

/* X(NAME, word): stored in the table critical_path: append only. */
#define CRITICAL_ROLE_MAP(X) X(OWN, "own") X(EDGE, "edge") X(QUEUE, "queue") X(HELD, "held") X(CALLER, "caller")

enum critical_role {
#define X(name, word) CRITICAL_##name,
	CRITICAL_ROLE_MAP(X)
#undef X
	CRITICAL_ROLE_COUNT
};
const char *critical_role_word(enum critical_role role);

struct critical_step {
	int64_t start_ns, duration_ns; /* duration > 0; each begins where the one before ends */
	enum phase kind;               /* what was done */
	enum critical_role role;
	int32_t node;                  /* who did it; of EDGE: the reader that waited. CRITICAL_NONE: not known */
	int32_t edge;                  /* EDGE: what was delivered; HELD: the edge whose slot was held; else CRITICAL_NONE */
	int64_t execution;             /* of the node's op; not always the path's: QUEUE, HELD */
};

struct critical_path {
	struct critical_step *steps;   /* in order of time */
	int n_steps, capacity;
};

/* The path of a finished execution, into `path` (zeroed, or one made before, whose memory is used again). STATUS_NO_MEMORY. */
int critical_path_make(const struct critical_run *run, const struct critical_execution *execution, struct critical_path *path,
	struct error *error);
void critical_path_finish(struct critical_path *path);

/* What a run's executions have in common: time on their paths by what was done. */
struct critical_share {
	enum phase kind;
	enum critical_role role;
	int32_t node, edge;
	int64_t ns;                    /* over all executions looked at */
};

struct critical_summary {
	struct critical_share *shares; /* largest first; they sum to ns */
	int n_shares;
	int64_t ns, n_executions;      /* latencies of the executions looked at */
};

/* Sums the paths of the executions that are no warm-up; of at most `n_max`, evenly spread. On success to be finished. */
int critical_summary_make(const struct critical_run *run, int64_t n_max, struct error *error, struct critical_summary *ret_summary);
void critical_summary_finish(struct critical_summary *summary);

#endif
