/* SPDX-License-Identifier: Apache-2.0
 *
 * critical: the walk back from the results to the submit, and sums over many of them.
 */
#include "traces/critical.h"

#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph.h"

const char *critical_role_word(enum critical_role role)
{
	static const char *const words[] = {
#define X(name, word) word,
		CRITICAL_ROLE_MAP(X)
#undef X
	};
	return (unsigned)role < CRITICAL_ROLE_COUNT ? words[role] : "unknown";
}

/* The walk: what lies after at_ns is explained by the steps so far. */
struct walk {
	const struct critical_run *run;
	const struct critical_execution *execution;
	struct critical_path *path; /* backwards until the end */
	int64_t at_ns;
	bool is_failed;
};

static bool is_alike(const struct critical_step *a, const struct critical_step *b)
{
	return a->kind == b->kind && a->role == b->role && a->node == b->node && a->edge == b->edge && a->execution == b->execution;
}

/* Attributes the time from `from_ns` (not before the submit) to at_ns as `step` says; nothing when that is empty. */
static void take(struct walk *walk, int64_t from_ns, struct critical_step step)
{
	struct critical_path *path = walk->path;
	if (from_ns < walk->execution->start_ns)
		from_ns = walk->execution->start_ns;
	if (from_ns >= walk->at_ns)
		return;
	step.start_ns = from_ns;
	step.duration_ns = walk->at_ns - from_ns;
	walk->at_ns = from_ns;
	struct critical_step *last = path->n_steps ? &path->steps[path->n_steps - 1] : NULL;
	if (last && is_alike(last, &step)) {
		last->start_ns = step.start_ns;
		last->duration_ns += step.duration_ns;
		return;
	}
	if (path->n_steps == path->capacity) {
		int capacity = path->capacity ? 2 * path->capacity : 32;
		struct critical_step *steps = realloc(path->steps, (size_t)capacity * sizeof(*steps));
		if (!steps) {
			walk->is_failed = true;
			return;
		}
		path->steps = steps;
		path->capacity = capacity;
	}
	path->steps[path->n_steps++] = step;
}

static struct critical_step own_step(const struct walk *walk, int32_t node, enum phase kind)
{
	return (struct critical_step){ .kind = kind, .role = CRITICAL_OWN, .node = node, .edge = CRITICAL_NONE,
		.execution = walk->execution->execution };
}

static struct critical_step edge_step(const struct walk *walk, int32_t node, int32_t edge, enum phase kind)
{
	return (struct critical_step){ .kind = kind, .role = edge == CRITICAL_NONE ? CRITICAL_OWN : CRITICAL_EDGE, .node = node,
		.edge = edge, .execution = walk->execution->execution };
}

/* What nobody recorded on a lane: with the driver the caller had the thread. */
static struct critical_step gap_step(const struct walk *walk, int32_t lane, const struct critical_step *like)
{
	struct critical_step step = *like;
	step.kind = PHASE_UNKNOWN;
	step.role = lane == 0 ? CRITICAL_CALLER : like->role == CRITICAL_QUEUE ? CRITICAL_OWN : like->role;
	step.execution = walk->execution->execution;
	return step;
}

/* The pieces of an op in [from_ns, at_ns] as steps like `like`; spans in which the lane stood still as `waiting`. */
static void take_op(struct walk *walk, const struct critical_op *op, int64_t from_ns, const struct critical_step *like,
	const struct critical_step *waiting)
{
	for (int64_t i = (int64_t)op->n_pieces - 1; i >= 0; i--) {
		const struct critical_piece *piece = &walk->run->pieces[op->first_piece + i];
		int64_t start_ns = i ? piece[-1].end_ns : op->start_ns;
		if (start_ns >= walk->at_ns)
			continue;
		struct critical_step step = op->node == CRITICAL_NONE ? *waiting : *like;
		if (op->node == CRITICAL_NONE && !critical_is_wait((enum phase)piece->phase))
			step = own_step(walk, like->node, (enum phase)piece->phase);
		else if (op->node != CRITICAL_NONE) {
			step.kind = (enum phase)piece->phase;
			step.node = op->node;
			step.execution = op->execution;
		}
		take(walk, start_ns > from_ns ? start_ns : from_ns, step);
		if (walk->at_ns <= from_ns)
			return;
	}
}

/* What a lane did in [from_ns, at_ns], backwards. */
static void take_lane(struct walk *walk, int32_t lane, int64_t from_ns, const struct critical_step *like,
	const struct critical_step *waiting)
{
	const struct critical_step gap = gap_step(walk, lane, like);
	if (from_ns < walk->execution->start_ns)
		from_ns = walk->execution->start_ns;
	int64_t i = critical_run_before(walk->run, lane, walk->at_ns);
	for (; i >= walk->run->lanes[lane] && walk->at_ns > from_ns && !walk->is_failed; i--) {
		const struct critical_op *op = &walk->run->ops[i];
		if (op->end_ns <= from_ns)
			break;
		take(walk, op->end_ns, gap);
		take_op(walk, op, from_ns, like, waiting);
	}
	take(walk, from_ns, gap);
}

/* A piece of backpressure from `from_ns` on: who held the slot, and what did he do until he released it? */
static void take_backpressure(struct walk *walk, const struct critical_op *op, int64_t from_ns)
{
	const struct critical_run *run = walk->run;
	const struct critical_node *node = &run->nodes[op->node];
	const struct critical_release *held_by = NULL;
	int64_t released_ns = INT64_MIN;
	for (int32_t i = 0; i < node->stores.n; i++) {
		const struct critical_release *release = NULL;
		int64_t at_ns = critical_run_release(run, &run->stores[node->stores.first + i], op->execution, &release);
		if (release && at_ns > released_ns) {
			released_ns = at_ns;
			held_by = release;
		}
	}
	if (!held_by || released_ns <= from_ns) {
		take(walk, from_ns, edge_step(walk, op->node, held_by ? held_by->edge : CRITICAL_NONE, PHASE_BACKPRESSURE));
		return;
	}
	take(walk, released_ns, edge_step(walk, op->node, held_by->edge, PHASE_BACKPRESSURE));
	struct critical_step held = { .kind = PHASE_BACKPRESSURE, .role = CRITICAL_HELD, .node = held_by->node, .edge = held_by->edge,
		.execution = walk->execution->execution };
	take_lane(walk, held_by->worker, from_ns, &held, &held);
}

/* The op's own phases, back to the waits for its inputs or its start. */
static void take_own(struct walk *walk, const struct critical_op *op)
{
	take(walk, op->end_ns, own_step(walk, op->node, PHASE_UNKNOWN));
	for (int64_t i = (int64_t)op->n_pieces - 1; i >= 0 && !walk->is_failed; i--) {
		const struct critical_piece *piece = &walk->run->pieces[op->first_piece + i];
		enum phase phase = (enum phase)piece->phase;
		int64_t start_ns = i ? piece[-1].end_ns : op->start_ns;
		if (phase == PHASE_STARVED || phase == PHASE_LATE_RANK || (phase == PHASE_BACKPRESSURE && op->node == GRAPH_OUTPUT))
			return;
		if (phase == PHASE_BACKPRESSURE)
			take_backpressure(walk, op, start_ns);
		else
			take(walk, start_ns, own_step(walk, op->node, phase));
	}
}

/* One node, from at_ns back to when its last input was published. Returns that input's producer; CRITICAL_NONE at the end. */
static int32_t take_node(struct walk *walk, int32_t node)
{
	const struct critical_run *run = walk->run;
	const struct critical_op *op = critical_run_find(run, node, walk->execution->execution);
	if (!op)
		return CRITICAL_NONE;
	int32_t edge = CRITICAL_NONE;
	take_own(walk, op);
	int64_t ready_ns = critical_run_ready(run, node, op->execution, &edge);
	bool is_late = edge != CRITICAL_NONE && run->edges[edge].is_peer;
	struct critical_step delivery = edge_step(walk, node, edge, is_late ? PHASE_LATE_RANK : PHASE_STARVED);
	take(walk, ready_ns > op->start_ns ? ready_ns : op->start_ns, delivery);
	struct critical_step queue = { .kind = PHASE_UNKNOWN, .role = CRITICAL_QUEUE, .node = node, .edge = CRITICAL_NONE,
		.execution = op->execution };
	if (ready_ns < walk->at_ns)
		take_lane(walk, op->lane, ready_ns, &queue, &delivery);
	return edge == CRITICAL_NONE ? CRITICAL_NONE : run->edges[edge].src;
}

static void turn_round(struct critical_path *path)
{
	for (int i = 0, k = path->n_steps - 1; i < k; i++, k--) {
		struct critical_step step = path->steps[i];
		path->steps[i] = path->steps[k];
		path->steps[k] = step;
	}
}

int critical_path_make(const struct critical_run *run, const struct critical_execution *execution, struct critical_path *path,
	struct error *error)
{
	struct walk walk = { .run = run, .execution = execution, .path = path, .at_ns = execution->end_ns };
	int32_t node = GRAPH_OUTPUT, last = node;
	path->n_steps = 0;
	while (node != CRITICAL_NONE && walk.at_ns > execution->start_ns && !walk.is_failed) {
		last = node;
		node = take_node(&walk, node);
	}
	take(&walk, execution->start_ns, own_step(&walk, last, PHASE_UNKNOWN));
	turn_round(path);
	if (walk.is_failed)
		return error_set(error, STATUS_NO_MEMORY, "no memory for a critical path");
	return STATUS_OK;
}

void critical_path_finish(struct critical_path *path)
{
	free(path->steps);
	*path = (struct critical_path){ 0 };
}

/* -- sums ------------------------------------------------------------------------------------------------------------------- */

/* Sums by (role, kind, node or edge), dense: roles × kinds × (nodes + edges + 1). */
static int64_t *cell_of(int64_t *cells, const struct critical_run *run, const struct critical_step *step)
{
	int64_t n_owners = (int64_t)run->n_nodes + run->n_edges + 1;
	int64_t owner = step->role == CRITICAL_EDGE ? run->n_nodes + step->edge
		: step->node == CRITICAL_NONE ? n_owners - 1 : step->node;
	return &cells[((int64_t)step->role * PHASE_COUNT + step->kind) * n_owners + owner];
}

static int by_size(const void *a, const void *b)
{
	const struct critical_share *x = a, *y = b;
	return (x->ns < y->ns) - (x->ns > y->ns);
}

static int gather(const struct critical_run *run, const int64_t *cells, struct critical_summary *summary, struct error *error)
{
	int64_t n_owners = (int64_t)run->n_nodes + run->n_edges + 1;
	int64_t n_cells = CRITICAL_ROLE_COUNT * PHASE_COUNT * n_owners, n = 0;
	for (int64_t i = 0; i < n_cells; i++)
		n += cells[i] != 0;
	summary->shares = malloc((size_t)(n + 1) * sizeof(*summary->shares));
	if (!summary->shares)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the critical paths");
	for (int64_t i = 0; i < n_cells; i++) {
		if (!cells[i])
			continue;
		int64_t owner = i % n_owners, kind = i / n_owners;
		summary->shares[summary->n_shares++] = (struct critical_share){ .ns = cells[i],
			.kind = (enum phase)(kind % PHASE_COUNT), .role = (enum critical_role)(kind / PHASE_COUNT),
			.node = owner < run->n_nodes ? (int32_t)owner : CRITICAL_NONE,
			.edge = owner >= run->n_nodes && owner < n_owners - 1 ? (int32_t)(owner - run->n_nodes) : CRITICAL_NONE };
	}
	qsort(summary->shares, (size_t)summary->n_shares, sizeof(*summary->shares), by_size);
	return STATUS_OK;
}

int critical_summary_make(const struct critical_run *run, int64_t n_max, struct error *error, struct critical_summary *ret_summary)
{
	struct critical_summary summary = { 0 };
	struct critical_path path = { 0 };
	int64_t n_owners = (int64_t)run->n_nodes + run->n_edges + 1, first = 0;
	int64_t *cells = calloc((size_t)(CRITICAL_ROLE_COUNT * PHASE_COUNT * n_owners), sizeof(*cells));
	int status = cells ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for the critical paths");
	while (first < run->n_executions && run->executions[first].is_warmup)
		first++;
	int64_t n = run->n_executions - first, n_looked = n < n_max ? n : n_max;
	for (int64_t i = 0; status == STATUS_OK && i < n_looked; i++) {
		const struct critical_execution *execution = &run->executions[first + i * n / n_looked];
		status = critical_path_make(run, execution, &path, error);
		for (int k = 0; status == STATUS_OK && k < path.n_steps; k++)
			*cell_of(cells, run, &path.steps[k]) += path.steps[k].duration_ns;
		summary.ns += execution->end_ns - execution->start_ns;
		summary.n_executions++;
	}
	if (status == STATUS_OK)
		status = gather(run, cells, &summary, error);
	free(cells);
	critical_path_finish(&path);
	if (status == STATUS_OK)
		*ret_summary = summary;
	return status;
}

void critical_summary_finish(struct critical_summary *summary)
{
	free(summary->shares);
	*summary = (struct critical_summary){ 0 };
}
