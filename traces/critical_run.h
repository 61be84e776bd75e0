/* SPDX-License-Identifier: Apache-2.0
 *
 * critical_run: one run's ops in memory, as the critical path and blame need them: what each lane did, which op produced what, who
 * held which slot. Indices of nodes, edges and workers (= lanes) are the program's. Memory: about 100 bytes an op.
 *
 * The phases of an op are stored as sums; here they lie one after the other in a fixed order: waits first (starved, late_rank), then
 * dispatch, fetch, read, allocate, backpressure, launch, compute, collective, sync, debug, serialise, write, recorder, unknown: the
 * order in which both modes go through them.
 */
#ifndef TANDEM_TRACES_CRITICAL_RUN_H
#define TANDEM_TRACES_CRITICAL_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/run/record.h"
#include "traces/db.h"
#include "traces/schema.h"

/* The order of an op's phases in time, with their columns of op_event; column -1: occurs in no op. */
struct critical_phase {
	uint8_t phase; /* enum phase */
	int8_t column; /* enum op_phase */
};
extern const struct critical_phase critical_phase_order[PHASE_COUNT];

#define CRITICAL_NONE (-1) /* no such node, edge, lane */

struct critical_piece {
	int64_t end_ns; /* begins where the piece before ends, the first at the op's start */
	uint8_t phase;  /* enum phase */
};

/* One node in one execution; or, with node CRITICAL_NONE, a span that fills the lane (limit, idle, starved at the end). */
struct critical_op {
	int64_t start_ns, end_ns, execution;
	int32_t node, lane;
	uint32_t first_piece, n_pieces;
};

struct critical_range {
	int32_t first, n;
};

struct critical_node {
	char *name, *op;              /* op NULL for input and output */
	int32_t worker, position;     /* place in its worker's program order */
	struct critical_range inputs; /* of `inputs`: edges in the order in which they are waited for */
	struct critical_range stores; /* of `stores`: what it reserves */
	int64_t *ops, n_ops;          /* indices of its ops in order of executions */
	int64_t mean_work_ns;         /* of the phases that are no wait, an op; without warm-up where ops were read */
	int64_t mean_compute_ns;      /* of compute and collective among them */
};

struct critical_edge {
	char *name;
	int32_t src, dst;
	bool is_peer;                 /* of a collective: its wait is late_rank */
};

/* A queue of slots: `writer` waits until the slot of execution - depth was released. */
struct critical_store {
	int32_t writer, depth, channel;
	struct critical_range releases; /* of `releases` */
};

/* A worker releases a slot after its node computed. */
struct critical_release {
	int32_t worker, node, edge;
};

struct critical_execution {
	int64_t execution, start_ns, end_ns;
	bool is_warmup;
};

struct critical_run {
	int64_t id, in_flight;
	bool is_compiled;
	struct critical_node *nodes;
	struct critical_edge *edges;
	struct critical_store *stores;
	struct critical_release *releases;
	int32_t *inputs;
	char **workers;               /* names */
	int32_t n_nodes, n_edges, n_workers, n_stores, n_releases, n_inputs;
	struct critical_op *ops;      /* by lane, then by start */
	struct critical_piece *pieces;
	int64_t n_ops, n_pieces, ops_capacity, pieces_capacity;
	int64_t *lanes;               /* [n_workers + 1] first op of each lane */
	struct critical_execution *executions; /* finished ones, ascending */
	int64_t n_executions;
	int64_t node_id, edge_id, worker_id, lane_id, channel_id; /* id in the file = this + index */
};

/* Whether the phase is a wait for somebody else: starved, backpressure, late_rank; with limit and idle for a lane's spans. */
bool critical_is_wait(enum phase phase);

/* Where counting begins: the start of the first execution that is no warm-up; INT64_MAX when there is none. */
int64_t critical_run_counted_from(const struct critical_run *run);

/* Number of op events of a run: cheap. */
int critical_run_count(struct db *db, int64_t run, int64_t *ret_n, struct error *error);

/* Reads a run. On success the result must be finished. */
int critical_run_load(struct db *db, int64_t run, struct error *error, struct critical_run *ret_run);
/* The same without ops and executions: what was laid out, and mean work a node from the sums kept while recording. */
int critical_run_load_layout(struct db *db, int64_t run, struct error *error, struct critical_run *ret_run);
void critical_run_finish(struct critical_run *run);

/* For runs that are made in memory: adds an op with `phase_ns[PHASE_COUNT]`; false when memory is out. critical_run_index must follow
 * the last one and is what critical_run_load ends with. */
bool critical_run_add(struct critical_run *run, struct critical_op op, const int64_t *phase_ns);
bool critical_run_index(struct critical_run *run);

/* The op of a node in an execution; NULL when it was not recorded. */
const struct critical_op *critical_run_find(const struct critical_run *run, int32_t node, int64_t execution);

/* The last op of a lane that starts before `time_ns`: its index; below the lane's first one when there is none. */
int64_t critical_run_before(const struct critical_run *run, int32_t lane, int64_t time_ns);

/* When every input of (node, execution) had been published, and the edge whose message came last; CRITICAL_NONE and INT64_MIN when it
 * has no inputs or none was recorded. */
int64_t critical_run_ready(const struct critical_run *run, int32_t node, int64_t execution, int32_t *ret_edge);

/* Whether the slot that (node, execution) needed in `store` was free at last: when, and who released it last. INT64_MIN when it was
 * free from the start or that was not recorded; INT64_MAX when the release lies beyond what is recorded. The driver releases results
 * before its next recorded step. */
int64_t critical_run_release(const struct critical_run *run, const struct critical_store *store, int64_t execution,
	const struct critical_release **ret_release);

#endif
