/* SPDX-License-Identifier: Apache-2.0
 *
 * critical_load: reads a run's layout, ops and executions from a trace file into a critical_run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph.h"
#include "traces/critical_run.h"
#include "traces/schema.h"

struct load {
	struct db *db;
	struct critical_run *run;
	int64_t capacity; /* of executions */
	struct error *error;
};

static int out_of_memory(struct load *load)
{
	return error_set(load->error, STATUS_NO_MEMORY, "no memory for the ops of the trace");
}

static int bad_id(struct load *load, const char *what, int64_t id)
{
	return error_set(load->error, STATUS_TRACE, "%s %lld is not one of this run", what, (long long)id);
}

/* Calls `read` for each row of `sql`, whose only parameter is the run. */
static int each_row(struct load *load, const char *sql, int (*read)(struct load *, struct db_stmt *))
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(load->db, sql, NULL, load->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, load->run->id);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, load->error)) == STATUS_OK && has_row)
		status = read(load, stmt);
	db_finish(stmt);
	return status;
}

/* One more item in an array that grows by one: layouts are small. */
static void *append(void *items, int32_t *n, size_t item_bytes)
{
	char *more = realloc(items, (size_t)(*n + 1) * item_bytes);
	if (more)
		memset(more + (size_t)(*n)++ * item_bytes, 0, item_bytes);
	return more;
}

#define APPEND(items, n) append(items, &(n), sizeof(*(items)))

static char *copy_text(struct db_stmt *stmt, int column)
{
	const char *text = db_column_text(stmt, column);
	return text ? strdup(text) : NULL;
}

/* Ids of a run's things are consecutive: id - first is the index; out of range: CRITICAL_NONE. */
static int32_t index_of(struct db_stmt *stmt, int column, int64_t first, int32_t n)
{
	int64_t idx = db_column_int(stmt, column) - first;
	return db_column_type(stmt, column) != DB_NULL && idx >= 0 && idx < n ? (int32_t)idx : CRITICAL_NONE;
}

static int read_run(struct load *load, struct db_stmt *stmt)
{
	load->run->in_flight = db_column_int(stmt, 0);
	load->run->is_compiled = strcmp(db_column_text(stmt, 1), "compiled") == 0;
	return STATUS_OK;
}

static int read_worker(struct load *load, struct db_stmt *stmt)
{
	struct critical_run *run = load->run;
	char **workers = APPEND(run->workers, run->n_workers);
	if (!workers)
		return out_of_memory(load);
	run->workers = workers;
	run->worker_id = db_column_int(stmt, 0) - run->n_workers + 1;
	run->lane_id = db_column_int(stmt, 1) - run->n_workers + 1;
	workers[run->n_workers - 1] = copy_text(stmt, 2);
	return workers[run->n_workers - 1] ? STATUS_OK : out_of_memory(load);
}

static int read_node(struct load *load, struct db_stmt *stmt)
{
	struct critical_run *run = load->run;
	struct critical_node *nodes = APPEND(run->nodes, run->n_nodes);
	if (!nodes)
		return out_of_memory(load);
	run->nodes = nodes;
	struct critical_node *node = &nodes[run->n_nodes - 1];
	run->node_id = db_column_int(stmt, 0) - run->n_nodes + 1;
	node->name = copy_text(stmt, 1);
	node->op = copy_text(stmt, 2);
	node->worker = index_of(stmt, 3, run->worker_id, run->n_workers);
	node->mean_work_ns = db_column_int(stmt, 4);
	node->mean_compute_ns = db_column_int(stmt, 5);
	node->position = (int32_t)db_column_int(stmt, 6);
	if (node->worker == CRITICAL_NONE)
		return bad_id(load, "worker", db_column_int(stmt, 3));
	return node->name ? STATUS_OK : out_of_memory(load);
}

static int read_edge(struct load *load, struct db_stmt *stmt)
{
	struct critical_run *run = load->run;
	struct critical_edge *edges = APPEND(run->edges, run->n_edges);
	if (!edges)
		return out_of_memory(load);
	run->edges = edges;
	struct critical_edge *edge = &edges[run->n_edges - 1];
	run->edge_id = db_column_int(stmt, 0) - run->n_edges + 1;
	edge->name = copy_text(stmt, 1);
	edge->src = index_of(stmt, 2, run->node_id, run->n_nodes);
	edge->dst = index_of(stmt, 3, run->node_id, run->n_nodes);
	edge->is_peer = db_column_int(stmt, 4) != 0;
	if (edge->src == CRITICAL_NONE || edge->dst == CRITICAL_NONE)
		return bad_id(load, "a node of edge", db_column_int(stmt, 0));
	return edge->name ? STATUS_OK : out_of_memory(load);
}

/* Edges grouped by their reader, in the order of waiting. */
static int read_input(struct load *load, struct db_stmt *stmt)
{
	struct critical_run *run = load->run;
	int32_t edge = index_of(stmt, 0, run->edge_id, run->n_edges);
	int32_t *inputs = edge == CRITICAL_NONE ? NULL : APPEND(run->inputs, run->n_inputs);
	if (!inputs)
		return edge == CRITICAL_NONE ? bad_id(load, "edge", db_column_int(stmt, 0)) : out_of_memory(load);
	run->inputs = inputs;
	inputs[run->n_inputs - 1] = edge;
	struct critical_range *range = &run->nodes[run->edges[edge].dst].inputs;
	if (!range->n++)
		range->first = run->n_inputs - 1;
	return STATUS_OK;
}

/* Reserves, in the order of the plan. */
static int read_store(struct load *load, struct db_stmt *stmt)
{
	struct critical_run *run = load->run;
	int32_t writer = index_of(stmt, 0, run->node_id, run->n_nodes);
	struct critical_store *stores = writer == CRITICAL_NONE ? NULL : APPEND(run->stores, run->n_stores);
	if (!stores)
		return writer == CRITICAL_NONE ? bad_id(load, "node", db_column_int(stmt, 0)) : out_of_memory(load);
	run->stores = stores;
	stores[run->n_stores - 1] = (struct critical_store){ .writer = writer, .depth = (int32_t)db_column_int(stmt, 1),
		.channel = (int32_t)(db_column_int(stmt, 2)) };
	struct critical_range *range = &run->nodes[writer].stores;
	if (!range->n++)
		range->first = run->n_stores - 1;
	return STATUS_OK;
}

/* Releases in the order of their stores' channels; an edge from the store's group to the releasing worker names them. */
static int read_release(struct load *load, struct db_stmt *stmt)
{
	struct critical_run *run = load->run;
	int32_t node = index_of(stmt, 1, run->node_id, run->n_nodes), s = 0;
	while (s < run->n_stores && run->stores[s].channel != db_column_int(stmt, 0))
		s++;
	if (node == CRITICAL_NONE || s == run->n_stores)
		return STATUS_OK;
	struct critical_release *releases = APPEND(run->releases, run->n_releases);
	if (!releases)
		return out_of_memory(load);
	run->releases = releases;
	releases[run->n_releases - 1] = (struct critical_release){ .worker = run->nodes[node].worker, .node = node,
		.edge = index_of(stmt, 2, run->edge_id, run->n_edges) };
	if (!run->stores[s].releases.n++)
		run->stores[s].releases.first = run->n_releases - 1;
	return STATUS_OK;
}

static const unsigned char phase_of_column[OP_PHASE_COUNT] = {
#define X(name, word) [OP_PHASE_##name] = PHASE_##name,
	OP_PHASE_MAP(X)
#undef X
};

static int read_op(struct load *load, struct db_stmt *stmt)
{
	struct critical_run *run = load->run;
	int64_t phase_ns[PHASE_COUNT] = { 0 };
	struct critical_op op = { .start_ns = db_column_int(stmt, 0), .execution = db_column_int(stmt, 1),
		.lane = index_of(stmt, 2, run->lane_id, run->n_workers), .node = index_of(stmt, 3, run->node_id, run->n_nodes) };
	if (op.lane == CRITICAL_NONE || op.node == CRITICAL_NONE)
		return bad_id(load, "the node or lane of an op: node", db_column_int(stmt, 3));
	for (int i = 0; i < OP_PHASE_COUNT; i++)
		phase_ns[phase_of_column[i]] = db_column_int(stmt, 4 + i);
	return critical_run_add(run, op, phase_ns) ? STATUS_OK : out_of_memory(load);
}

static int read_span(struct load *load, struct db_stmt *stmt)
{
	struct critical_run *run = load->run;
	int64_t phase_ns[PHASE_COUNT] = { 0 }, kind = db_column_int(stmt, 2);
	struct critical_op op = { .start_ns = db_column_int(stmt, 0), .execution = CRITICAL_NONE, .node = CRITICAL_NONE,
		.lane = index_of(stmt, 1, run->lane_id, run->n_workers) };
	if (op.lane == CRITICAL_NONE || kind < 0 || kind >= PHASE_COUNT)
		return STATUS_OK;
	phase_ns[kind] = db_column_int(stmt, 3);
	return critical_run_add(run, op, phase_ns) ? STATUS_OK : out_of_memory(load);
}

static int read_execution(struct load *load, struct db_stmt *stmt)
{
	struct critical_run *run = load->run;
	if (run->n_executions == load->capacity) {
		load->capacity = load->capacity ? 2 * load->capacity : 256;
		void *more = realloc(run->executions, (size_t)load->capacity * sizeof(*run->executions));
		if (!more)
			return out_of_memory(load);
		run->executions = more;
	}
	run->executions[run->n_executions++] = (struct critical_execution){ .execution = db_column_int(stmt, 0),
		.start_ns = db_column_int(stmt, 1), .end_ns = db_column_int(stmt, 2), .is_warmup = db_column_int(stmt, 3) != 0 };
	return STATUS_OK;
}

/* Means from the sums kept while recording: work is what is no wait. Without a plan the order is that of the nodes. */
static const char nodes_sql[] =
	"SELECT n.id, n.name, n.op, n.worker, coalesce(m.work / m.n, 0), coalesce(m.compute / m.n, 0),"
	" coalesce((SELECT min(p.position) FROM plan_step p WHERE p.node = n.id AND p.worker = n.worker), n.idx)"
	" FROM node n LEFT JOIN (SELECT s.node, max(1, sum(CASE WHEN k.word = 'op' THEN s.n ELSE 0 END)) AS n,"
	"  sum(CASE WHEN k.word IN ('compute', 'collective') THEN s.ns ELSE 0 END) AS compute,"
	"  sum(CASE WHEN k.word IN ('starved', 'backpressure', 'late_rank', 'limit', 'idle', 'op') THEN 0 ELSE s.ns END) AS work"
	"  FROM summary s JOIN kind k ON k.id = s.kind WHERE s.node > 0 GROUP BY s.node) m ON m.node = n.id"
	" WHERE n.run = ? ORDER BY n.id";

int critical_run_load_layout(struct db *db, int64_t id, struct error *error, struct critical_run *ret_run)
{
	static const struct {
		const char *sql;
		int (*read)(struct load *, struct db_stmt *);
	} tables[] = {
		{ "SELECT in_flight, mode FROM run WHERE id = ?", read_run },
		{ "SELECT w.id, l.id, w.name FROM worker w JOIN lane l ON l.worker = w.id AND l.kind = 'host'"
		  " WHERE w.run = ? ORDER BY w.id", read_worker },
		{ nodes_sql, read_node },
		{ "SELECT id, name, src, dst, is_peer FROM edge WHERE run = ? ORDER BY id", read_edge },
		{ "SELECT e.id FROM edge e LEFT JOIN plan_step p ON p.edge = e.id AND p.kind = 'read' WHERE e.run = ?"
		  " ORDER BY e.dst, p.position, e.dst_input, e.id", read_input },
		{ "SELECT p.node, c.depth, c.id FROM plan_step p JOIN channel c ON c.id = p.channel WHERE c.run = ? AND p.kind = 'reserve'"
		  " ORDER BY p.node, p.position", read_store },
		{ "SELECT p.channel, p.node, coalesce((SELECT min(e.id) FROM edge e JOIN channel f ON f.id = e.channel"
		  " WHERE f.storage = p.channel AND e.dst = p.node), (SELECT min(e.id) FROM edge e JOIN channel f ON f.id = e.channel"
		  " JOIN node n ON n.id = e.dst WHERE f.storage = p.channel AND n.worker = p.worker))"
		  " FROM plan_step p JOIN channel c ON c.id = p.channel WHERE c.run = ? AND p.kind = 'release'"
		  " ORDER BY p.channel, p.worker, p.position", read_release },
	};
	struct critical_run run = { .id = id };
	struct load load = { .db = db, .run = &run, .error = error };
	int status = STATUS_OK;
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(tables); i++)
		status = each_row(&load, tables[i].sql, tables[i].read);
	if (status == STATUS_OK && run.n_nodes <= GRAPH_OUTPUT)
		status = error_set(error, STATUS_TRACE, "run %lld has no input and output", (long long)id);
	if (status != STATUS_OK) {
		critical_run_finish(&run);
		return status;
	}
	*ret_run = run;
	return STATUS_OK;
}

int critical_run_load(struct db *db, int64_t id, struct error *error, struct critical_run *ret_run)
{
#define X(name, word) ", " word "_ns"
	static const char ops[] = "SELECT start_ns, execution, lane, node" OP_PHASE_MAP(X) " FROM op_event WHERE run = ?";
#undef X
	struct critical_run run = { 0 };
	struct load load = { .db = db, .run = &run, .error = error };
	int status = critical_run_load_layout(db, id, error, &run);
	if (status != STATUS_OK)
		return status;
	status = each_row(&load, ops, read_op);
	if (status == STATUS_OK)
		status = each_row(&load, "SELECT start_ns, lane, kind, duration_ns FROM span WHERE run = ? AND kind < 100", read_span);
	if (status == STATUS_OK)
		status = each_row(&load, "SELECT execution, start_ns, end_ns, is_warmup FROM execution WHERE run = ?"
			" AND end_ns IS NOT NULL AND start_ns IS NOT NULL AND NOT is_partial ORDER BY execution", read_execution);
	if (status == STATUS_OK && !critical_run_index(&run))
		status = out_of_memory(&load);
	if (status != STATUS_OK) {
		critical_run_finish(&run);
		return status;
	}
	*ret_run = run;
	return STATUS_OK;
}

int critical_run_count(struct db *db, int64_t id, int64_t *ret_n, struct error *error)
{
	char sql[60];
	snprintf(sql, sizeof(sql), "SELECT n_ops FROM run WHERE id = %lld", (long long)id);
	return db_get_int(db, sql, ret_n, error);
}
