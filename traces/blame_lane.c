/* SPDX-License-Identifier: Apache-2.0
 *
 * blame_lane: from ops and their phases to segments. Waits are cut where what they wait for changes.
 */
#include "traces/blame_lane.h"

#include "engine/graph/graph.h"

static struct blame_root root_of(enum blame_root_kind kind, int32_t idx)
{
	return (struct blame_root){ .kind = (uint8_t)kind, .phase = PHASE_UNKNOWN, .idx = idx };
}

static void set_delivered(struct blame_segment *segment, int32_t edge)
{
	segment->edge = edge;
	segment->waits_for = CRITICAL_NONE;
	segment->root = edge == CRITICAL_NONE ? root_of(BLAME_UNKNOWN, CRITICAL_NONE) : root_of(BLAME_EDGE, edge);
}

static void set_waits(struct blame_segment *segment, int32_t lane, int32_t edge, int64_t until_ns)
{
	segment->edge = edge;
	segment->waits_for = lane;
	if (until_ns < segment->end_ns)
		segment->end_ns = until_ns;
}

/* A wait for inputs of (node, execution) from the segment's start on: for the first one not there, else for the delivery of the one that
 * came last. A node of a collective waits as late_rank for its peers only and as starved for the others. */
static void wait_for_input(const struct critical_run *run, struct blame_segment *segment, int32_t node_idx, int64_t execution)
{
	const struct critical_node *node = &run->nodes[node_idx];
	int64_t last_ns = INT64_MIN;
	int32_t last_edge = CRITICAL_NONE;
	for (int32_t i = 0; i < node->inputs.n; i++) {
		int32_t edge_idx = run->inputs[node->inputs.first + i];
		const struct critical_edge *edge = &run->edges[edge_idx];
		if (edge->is_peer != (segment->cause == PHASE_LATE_RANK))
			continue;
		const struct critical_op *producer = critical_run_find(run, edge->src, execution);
		int64_t published_ns = producer ? producer->end_ns : INT64_MAX;
		if (published_ns > segment->start_ns && run->nodes[edge->src].worker != run->nodes[node_idx].worker) {
			set_waits(segment, run->nodes[edge->src].worker, edge_idx, published_ns);
			return;
		}
		if (published_ns >= last_ns) {
			last_ns = published_ns;
			last_edge = edge_idx;
		}
	}
	set_delivered(segment, last_edge);
}

static void wait_for_slot(const struct critical_run *run, struct blame_segment *segment, int32_t node_idx, int64_t execution)
{
	const struct critical_node *node = &run->nodes[node_idx];
	int64_t last_ns = INT64_MIN;
	int32_t last_edge = CRITICAL_NONE;
	for (int32_t i = 0; i < node->stores.n; i++) {
		const struct critical_release *release = NULL;
		int64_t released_ns = critical_run_release(run, &run->stores[node->stores.first + i], execution, &release);
		if (!release)
			continue;
		if (released_ns > segment->start_ns && release->worker != node->worker) {
			set_waits(segment, release->worker, release->edge, released_ns);
			return;
		}
		if (released_ns >= last_ns) {
			last_ns = released_ns;
			last_edge = release->edge;
		}
	}
	set_delivered(segment, last_edge);
}

/* A span of the lane, not of a node, in which it waited: for what its next op waits for. */
static void wait_for_next(const struct blame_lane *lane, struct blame_segment *segment)
{
	const struct critical_run *run = lane->run;
	int64_t i = lane->op + 1;
	while (i < run->lanes[lane->lane + 1] && run->ops[i].node == CRITICAL_NONE)
		i++;
	if (i < run->lanes[lane->lane + 1])
		wait_for_input(run, segment, run->ops[i].node, run->ops[i].execution);
	else
		segment->root = root_of(BLAME_CALLER, CRITICAL_NONE);
}

/* What the lane does in a piece of an op from the segment's start on. */
static void classify(const struct blame_lane *lane, const struct critical_op *op, enum phase phase, struct blame_segment *segment)
{
	segment->cause = (uint8_t)phase;
	segment->is_stall = critical_is_wait(phase) && phase != PHASE_IDLE;
	if (phase == PHASE_IDLE)
		segment->root = root_of(BLAME_CALLER, CRITICAL_NONE);
	else if (phase == PHASE_BACKPRESSURE && op->node != CRITICAL_NONE && op->node != GRAPH_OUTPUT)
		wait_for_slot(lane->run, segment, op->node, op->execution);
	else if (segment->is_stall && op->node != CRITICAL_NONE)
		wait_for_input(lane->run, segment, op->node, op->execution);
	else if (segment->is_stall)
		wait_for_next(lane, segment);
	else if (op->node != CRITICAL_NONE)
		segment->root = (struct blame_root){ .kind = BLAME_NODE, .phase = (uint8_t)phase, .idx = op->node };
}

/* Sets the segment that begins at `from_ns`. Ops that overlap count from where the one before ended. */
static void set_segment(struct blame_lane *lane, int64_t from_ns)
{
	const struct critical_run *run = lane->run;
	struct blame_segment *segment = &lane->segment;
	*segment = (struct blame_segment){ .start_ns = from_ns, .end_ns = INT64_MAX, .waits_for = CRITICAL_NONE, .edge = CRITICAL_NONE,
		.root = root_of(lane->lane == GRAPH_DRIVER ? BLAME_CALLER : BLAME_UNKNOWN, CRITICAL_NONE) };
	for (; lane->op < run->lanes[lane->lane + 1]; lane->op++, lane->piece = 0) {
		const struct critical_op *op = &run->ops[lane->op];
		if (from_ns < op->start_ns) {
			segment->end_ns = op->start_ns;
			return;
		}
		for (; lane->piece < op->n_pieces; lane->piece++) {
			const struct critical_piece *piece = &run->pieces[op->first_piece + lane->piece];
			if (piece->end_ns <= from_ns)
				continue;
			segment->end_ns = piece->end_ns;
			classify(lane, op, (enum phase)piece->phase, segment);
			return;
		}
	}
}

void blame_lane_start(struct blame_lane *lane, const struct critical_run *run, int32_t idx)
{
	*lane = (struct blame_lane){ .run = run, .lane = idx, .op = run->lanes[idx] };
	set_segment(lane, INT64_MIN);
}

void blame_lane_next(struct blame_lane *lane)
{
	set_segment(lane, lane->segment.end_ns);
}
