/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_order: finds the program order. A unit is what is scheduled at once: a node, or all ranks of a collective. Units
 * below n_nodes are nodes, unit n_nodes + c is collective c.
 */
#include "engine/graph/plan_order.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/plan_heap.h"
#include "engine/graph/plan_links.h"

struct order {
	const struct graph *graph;
	struct plan_links out;   /* edges by source */
	bool ignores_peers;      /* collectives are crossed so that ranks' reads of each other's inputs close a circle */
	int n_units;
	int *topology, *rank;    /* nodes in topological order; a node's place in it */
	int *ordered_next;       /* [n_nodes] next node on the worker that has `order`; -1 */
	bool *is_split;          /* [n_collectives] the ranks are scheduled one by one */
	int *urgency;            /* [n_units] place in the order of preference, 0 first */
	int *n_missing;          /* [n_units] predecessors not yet scheduled */
	int64_t *ready;          /* [n_units] earliest start */
	int64_t *clocks;         /* [n_workers] when the worker is free */
	int64_t *queued;         /* [n_workers] under which time the worker stands in `workers`; -1: it does not */
	struct plan_heap *waiting, *startable; /* [n_workers] units whose inputs exist later, and by now */
	struct plan_heap workers; /* workers by the time at which they can start something */
	bool is_failed;          /* memory was out */
};

static const struct graph_node *node_at(const struct order *order, int node)
{
	return &order->graph->nodes[node];
}

static int unit_of(const struct order *order, int node)
{
	int collective = node_at(order, node)->collective_idx;
	return collective >= 0 && !order->is_split[collective] ? order->graph->n_nodes + collective : node;
}

/* The nodes of a unit: *ret_n of them. */
static const int *unit_nodes(const struct order *order, const int *unit, int *ret_n)
{
	if (*unit < order->graph->n_nodes) {
		*ret_n = 1;
		return unit;
	}
	const struct graph_collective *collective = &order->graph->collectives[*unit - order->graph->n_nodes];
	*ret_n = collective->n_ranks;
	return collective->nodes;
}

/* The destination of the k-th edge in `out`; -1 when the edge does not count. */
static int follow(const struct order *order, int k)
{
	const struct graph_edge *edge = &order->graph->edges[order->out.items[k]];
	return edge->is_peer && order->ignores_peers ? -1 : edge->dst;
}

/* Whether an edge from `node` to `dst` (-1: none that counts) stays on one worker. */
static bool is_near(const struct order *order, int node, int dst)
{
	return dst >= 0 && node_at(order, dst)->worker_idx == node_at(order, node)->worker_idx;
}

/* Returns how many nodes could be sorted; fewer than all when there is a circle. */
static int sort_topologically(struct order *order)
{
	const struct graph *graph = order->graph;
	int *n_inputs = order->n_missing, n = 0;
	memset(n_inputs, 0, (size_t)graph->n_nodes * sizeof *n_inputs);
	for (int k = 0; k < graph->n_edges; k++) {
		if (follow(order, k) >= 0)
			n_inputs[follow(order, k)]++;
	}
	for (int i = 0; i < graph->n_nodes; i++) {
		if (!n_inputs[i])
			order->topology[n++] = i;
	}
	for (int i = 0; i < n; i++) {
		int node = order->topology[i];
		order->rank[node] = i;
		for (int k = order->out.first[node]; k < order->out.first[node + 1]; k++) {
			int dst = follow(order, k);
			if (dst >= 0 && --n_inputs[dst] == 0)
				order->topology[n++] = dst;
		}
	}
	return n;
}

/* Whether `a` is forced to run after `b`. */
static bool runs_after(const struct order *order, int a, int b)
{
	return node_at(order, a)->order > node_at(order, b)->order;
}

static int contradiction(const struct order *order, int before, int after, struct error *error)
{
	const struct graph_node *first = node_at(order, before), *second = node_at(order, after);
	return error_set(error, STATUS_GRAPH,
		"%s:%d: node '%s': order=%" PRId64 " puts it after '%s' (line %d, order=%" PRId64
		") on worker %s, which needs its result; give '%s' the smaller order",
		order->graph->file ? order->graph->file : "graph", first->line, first->name, first->order, second->name,
		second->line, second->order, order->graph->workers[first->worker_idx].name, first->name);
}

/* Carries along the data flow inside each worker the node with the largest `order` seen so far. */
static int check_order(struct order *order, struct error *error)
{
	int n_nodes = order->graph->n_nodes;
	int *carried = order->n_missing;
	for (int i = 0; i < n_nodes; i++)
		carried[i] = -1;
	for (int i = 0; i < n_nodes; i++) {
		int node = order->topology[i];
		if (node_at(order, node)->has_order) {
			if (carried[node] >= 0 && runs_after(order, carried[node], node))
				return contradiction(order, carried[node], node, error);
			carried[node] = node;
		}
		for (int k = order->out.first[node]; k < order->out.first[node + 1]; k++) {
			int dst = follow(order, k);
			if (is_near(order, node, dst) && carried[node] >= 0
				&& (carried[dst] < 0 || runs_after(order, carried[node], carried[dst])))
				carried[dst] = carried[node];
		}
	}
	return STATUS_OK;
}

static int compare_ordered(const void *a, const void *b, void *user)
{
	const struct order *order = user;
	int x = *(const int *)a, y = *(const int *)b;
	const struct graph_node *p = node_at(order, x), *q = node_at(order, y);
	if (p->worker_idx != q->worker_idx)
		return p->worker_idx < q->worker_idx ? -1 : 1;
	if (p->order != q->order)
		return p->order < q->order ? -1 : 1;
	return order->rank[x] < order->rank[y] ? -1 : order->rank[x] > order->rank[y];
}

static void chain_ordered(struct order *order)
{
	int *ordered = order->n_missing, n = 0;
	for (int i = 0; i < order->graph->n_nodes; i++) {
		order->ordered_next[i] = -1;
		if (node_at(order, i)->has_order)
			ordered[n++] = i;
	}
	qsort_r(ordered, (size_t)n, sizeof *ordered, compare_ordered, order);
	for (int i = 0; i + 1 < n; i++) {
		if (node_at(order, ordered[i])->worker_idx == node_at(order, ordered[i + 1])->worker_idx)
			order->ordered_next[ordered[i]] = ordered[i + 1];
	}
}

/* How far the way from a unit to the end is. */
struct way {
	int n_hops;   /* changes of worker */
	int n_nodes;
	int unit, first_node;
};

static int compare_ways(const void *a, const void *b)
{
	const struct way *p = a, *q = b;
	if (p->n_hops != q->n_hops)
		return p->n_hops > q->n_hops ? -1 : 1;
	if (p->n_nodes != q->n_nodes)
		return p->n_nodes > q->n_nodes ? -1 : 1;
	return p->first_node < q->first_node ? -1 : p->first_node > q->first_node;
}

static void measure_ways(const struct order *order, struct way *ways)
{
	const struct graph *graph = order->graph;
	for (int i = 0; i < order->n_units; i++) {
		int n, node = i;
		ways[i] = (struct way){ .unit = i, .first_node = unit_nodes(order, &node, &n)[0] };
	}
	for (int i = graph->n_nodes - 1; i >= 0; i--) {
		int node = order->topology[i];
		struct way *way = &ways[node];
		for (int k = order->out.first[node]; k < order->out.first[node + 1]; k++) {
			int dst = follow(order, k);
			if (dst < 0)
				continue;
			int n_hops =
				ways[dst].n_hops + (node_at(order, dst)->worker_idx != node_at(order, node)->worker_idx);
			way->n_hops = n_hops > way->n_hops ? n_hops : way->n_hops;
			way->n_nodes = ways[dst].n_nodes + 1 > way->n_nodes ? ways[dst].n_nodes + 1 : way->n_nodes;
		}
	}
	for (int i = 0; i < graph->n_collectives; i++) {
		struct way *way = &ways[graph->n_nodes + i];
		for (int r = 0; r < graph->collectives[i].n_ranks; r++) {
			const struct way *rank = &ways[graph->collectives[i].nodes[r]];
			way->n_hops = rank->n_hops > way->n_hops ? rank->n_hops : way->n_hops;
			way->n_nodes = rank->n_nodes > way->n_nodes ? rank->n_nodes : way->n_nodes;
		}
	}
}

static void rank_urgency(struct order *order)
{
	struct way *ways = calloc((size_t)order->n_units, sizeof *ways);
	if (!ways) {
		order->is_failed = true;
		return;
	}
	measure_ways(order, ways);
	qsort(ways, (size_t)order->n_units, sizeof *ways, compare_ways);
	for (int i = 0; i < order->n_units; i++)
		order->urgency[ways[i].unit] = i;
	free(ways);
}

static void push(struct order *order, struct plan_heap *heap, int64_t key, int item)
{
	if (!plan_heap_push(heap, key, item))
		order->is_failed = true;
}

/* When the worker can start its next unit; -1: it has none. */
static int64_t next_start(const struct order *order, int worker)
{
	if (order->startable[worker].n)
		return order->clocks[worker];
	if (!order->waiting[worker].n)
		return -1;
	int64_t ready = plan_heap_least(&order->waiting[worker]) / order->n_units;
	return ready > order->clocks[worker] ? ready : order->clocks[worker];
}

static void queue_worker(struct order *order, int worker)
{
	int64_t when = next_start(order, worker);
	if (when < 0 || (order->queued[worker] >= 0 && order->queued[worker] <= when))
		return;
	order->queued[worker] = when;
	push(order, &order->workers, when, worker);
}

static void offer(struct order *order, int unit)
{
	int n;
	int worker = node_at(order, unit_nodes(order, &unit, &n)[0])->worker_idx;
	push(order, &order->waiting[worker], order->ready[unit] * order->n_units + order->urgency[unit], unit);
	queue_worker(order, worker);
}

static void satisfy(struct order *order, int node, int64_t now)
{
	int unit = unit_of(order, node);
	order->ready[unit] = now > order->ready[unit] ? now : order->ready[unit];
	if (--order->n_missing[unit] == 0)
		offer(order, unit);
}

/* The most urgent unit that `worker` can start at `now`. */
static int take(struct order *order, int worker, int64_t now)
{
	struct plan_heap *waiting = &order->waiting[worker];
	while (waiting->n && plan_heap_least(waiting) / order->n_units <= now) {
		int unit = plan_heap_pop(waiting);
		push(order, &order->startable[worker], order->urgency[unit], unit);
	}
	return plan_heap_pop(&order->startable[worker]);
}

/* Runs the unit's nodes at `now` or as soon as all its workers are free; appends them to `sequence`. */
static void run_unit(struct order *order, int unit, int64_t now, bool uses_order, int *sequence, int *n_sequence)
{
	int n;
	const int *nodes = unit_nodes(order, &unit, &n);
	for (int i = 0; i < n; i++) {
		int64_t clock = order->clocks[node_at(order, nodes[i])->worker_idx];
		now = clock > now ? clock : now;
	}
	for (int i = 0; i < n; i++) {
		int worker = node_at(order, nodes[i])->worker_idx;
		order->clocks[worker] = now + (worker != GRAPH_DRIVER);
		sequence[(*n_sequence)++] = nodes[i];
	}
	for (int i = 0; i < n; i++) {
		int64_t end = order->clocks[node_at(order, nodes[i])->worker_idx];
		for (int k = order->out.first[nodes[i]]; k < order->out.first[nodes[i] + 1]; k++) {
			if (follow(order, k) >= 0)
				satisfy(order, follow(order, k), end);
		}
		if (uses_order && order->ordered_next[nodes[i]] >= 0)
			satisfy(order, order->ordered_next[nodes[i]], end);
	}
}

static void start_schedule(struct order *order, bool uses_order)
{
	const struct graph *graph = order->graph;
	memset(order->n_missing, 0, (size_t)order->n_units * sizeof *order->n_missing);
	memset(order->ready, 0, (size_t)order->n_units * sizeof *order->ready);
	memset(order->clocks, 0, (size_t)graph->n_workers * sizeof *order->clocks);
	for (int i = 0; i < graph->n_workers; i++) {
		order->waiting[i].n = order->startable[i].n = 0;
		order->queued[i] = -1;
	}
	order->workers.n = 0;
	for (int k = 0; k < graph->n_edges; k++) {
		if (follow(order, k) >= 0)
			order->n_missing[unit_of(order, follow(order, k))]++;
	}
	for (int i = 0; uses_order && i < graph->n_nodes; i++) {
		if (order->ordered_next[i] >= 0)
			order->n_missing[unit_of(order, order->ordered_next[i])]++;
	}
	for (int i = 0; i < graph->n_nodes; i++) {
		int unit = unit_of(order, i);
		int n;
		if (!order->n_missing[unit] && unit_nodes(order, &unit, &n)[0] == i)
			offer(order, unit);
	}
}

/* Fills `sequence` and returns how many nodes could be placed; fewer than all when something closes a circle. */
static int schedule(struct order *order, bool uses_order, int *sequence)
{
	int n_sequence = 0;
	start_schedule(order, uses_order);
	while (order->workers.n && !order->is_failed) {
		int64_t when = plan_heap_least(&order->workers);
		int worker = plan_heap_pop(&order->workers);
		if (order->queued[worker] != when)
			continue;
		order->queued[worker] = -1;
		if (next_start(order, worker) == when)
			run_unit(order, take(order, worker, when), when, uses_order, sequence, &n_sequence);
		queue_worker(order, worker);
	}
	return n_sequence;
}

/* Collectives that are not complete in the first `n` of `sequence` are split into their ranks. */
static void split_stuck(struct order *order, const int *sequence, int n)
{
	const struct graph *graph = order->graph;
	for (int i = 0; i < graph->n_collectives; i++)
		order->is_split[i] = true;
	for (int i = 0; i < n; i++) {
		if (node_at(order, sequence[i])->collective_idx >= 0)
			order->is_split[node_at(order, sequence[i])->collective_idx] = false;
	}
}

/* Each worker for itself, by data flow and `order` on that worker, and by `wanted` (places of nodes) where these leave a
 * choice. */
static void schedule_apart(struct order *order, const int *wanted, int *sequence)
{
	const struct graph *graph = order->graph;
	struct plan_heap heap = PLAN_HEAP_INIT;
	int *n_missing = order->n_missing, n = 0;
	memset(n_missing, 0, (size_t)graph->n_nodes * sizeof *n_missing);
	for (int i = 0; i < graph->n_nodes; i++) {
		for (int k = order->out.first[i]; k < order->out.first[i + 1]; k++) {
			if (is_near(order, i, follow(order, k)))
				n_missing[follow(order, k)]++;
		}
	}
	for (int i = 0; i < graph->n_nodes; i++) {
		if (order->ordered_next[i] >= 0)
			n_missing[order->ordered_next[i]]++;
	}
	for (int i = 0; i < graph->n_nodes; i++) {
		if (!n_missing[i])
			push(order, &heap, wanted[i], i);
	}
	while (heap.n && !order->is_failed) {
		int node = plan_heap_pop(&heap), next = order->ordered_next[node];
		sequence[n++] = node;
		for (int k = order->out.first[node]; k < order->out.first[node + 1]; k++) {
			int dst = follow(order, k);
			if (is_near(order, node, dst) && --n_missing[dst] == 0)
				push(order, &heap, wanted[dst], dst);
		}
		if (next >= 0 && --n_missing[next] == 0)
			push(order, &heap, wanted[next], next);
	}
	plan_heap_finish(&heap);
}

/* The order of a graph that can deadlock: as near as `order` allows to what would be run without `order`, and without the
 * collectives that the data flow crosses. */
static void schedule_stuck(struct order *order, int *sequence)
{
	const struct graph *graph = order->graph;
	int n = 0;
	for (int tries = 0; tries <= graph->n_collectives + 1 && n < graph->n_nodes && !order->is_failed; tries++) {
		n = schedule(order, false, sequence);
		if (n < graph->n_nodes)
			split_stuck(order, sequence, n);
	}
	if (order->is_failed)
		return;
	int *wanted = order->rank;
	for (int i = 0; i < graph->n_nodes; i++)
		wanted[sequence[i]] = i;
	schedule_apart(order, wanted, sequence);
}

static bool order_init(struct order *order, const struct graph *graph, int *topology)
{
	*order = (struct order){ .graph = graph, .topology = topology, .n_units = graph->n_nodes + graph->n_collectives };
	size_t n = (size_t)order->n_units, n_workers = (size_t)graph->n_workers;
	order->rank = calloc(n, sizeof *order->rank);
	order->ordered_next = calloc(n, sizeof *order->ordered_next);
	order->is_split = calloc((size_t)graph->n_collectives + 1, sizeof *order->is_split);
	order->urgency = calloc(n, sizeof *order->urgency);
	order->n_missing = calloc(n, sizeof *order->n_missing);
	order->ready = calloc(n, sizeof *order->ready);
	order->clocks = calloc(n_workers, sizeof *order->clocks);
	order->queued = calloc(n_workers, sizeof *order->queued);
	order->waiting = calloc(n_workers, sizeof *order->waiting);
	order->startable = calloc(n_workers, sizeof *order->startable);
	return plan_links_init(&order->out, graph, PLAN_LINKS_OUT) && order->rank && order->ordered_next && order->is_split
		&& order->urgency && order->n_missing && order->ready && order->clocks && order->queued && order->waiting
		&& order->startable;
}

static void order_finish(struct order *order)
{
	for (int i = 0; i < order->graph->n_workers; i++) {
		if (order->waiting)
			plan_heap_finish(&order->waiting[i]);
		if (order->startable)
			plan_heap_finish(&order->startable[i]);
	}
	plan_heap_finish(&order->workers);
	plan_links_finish(&order->out);
	free(order->startable);
	free(order->waiting);
	free(order->queued);
	free(order->clocks);
	free(order->ready);
	free(order->n_missing);
	free(order->urgency);
	free(order->is_split);
	free(order->ordered_next);
	free(order->rank);
}

int plan_order(const struct graph *graph, int *topology, int *sequence, struct error *error)
{
	struct order order;
	int status = STATUS_OK;
	if (order_init(&order, graph, topology)) {
		order.ignores_peers = sort_topologically(&order) < graph->n_nodes;
		if (order.ignores_peers)
			sort_topologically(&order);
		status = check_order(&order, error);
	} else {
		order.is_failed = true;
	}
	if (status == STATUS_OK && !order.is_failed) {
		chain_ordered(&order);
		rank_urgency(&order);
		if (!order.is_failed && schedule(&order, true, sequence) < graph->n_nodes)
			schedule_stuck(&order, sequence);
	}
	if (order.is_failed)
		status = error_set(error, STATUS_NO_MEMORY, "no memory to plan %d nodes", graph->n_nodes);
	order_finish(&order);
	return status;
}
