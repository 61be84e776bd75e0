/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_repair: tries changes on a copy of the graph.
 */
#include "engine/graph/plan_repair.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/plan_cycle.h"

#define REPAIR_TRIES_MAX 200

struct repair {
	const struct plan *plan;
	const struct plan_hop *hops;
	int n_hops;
	struct graph graph;   /* the changed copy: nodes and edges are its own arrays, all else is shared */
	int n_tries;
	bool is_failed;       /* memory was out */
	struct strbuf text;
};

static const struct graph_node *original(const struct repair *repair, int node)
{
	return &repair->plan->graph->nodes[node];
}

static void undo(struct repair *repair)
{
	const struct graph *graph = repair->plan->graph;
	memcpy(repair->graph.nodes, graph->nodes, (size_t)graph->n_nodes * sizeof *graph->nodes);
	memcpy(repair->graph.edges, graph->edges, (size_t)graph->n_edges * sizeof *graph->edges);
}

/* Whether the changed graph passes. Takes the change back when it does not. */
static bool passes(struct repair *repair)
{
	struct plan *plan = NULL;
	struct plan_hop *hops = NULL;
	struct plan_options options = { .in_flight = repair->plan->in_flight_asked };
	int n_hops = 0, status = STATUS_STOPPED;
	if (repair->n_tries++ < REPAIR_TRIES_MAX)
		status = plan_make(&repair->graph, &options, NULL, &plan);
	if (status == STATUS_OK)
		status = plan_cycle_find(plan, &n_hops, &hops);
	repair->is_failed = repair->is_failed || status == STATUS_NO_MEMORY;
	free(hops);
	plan_destroy(plan);
	if (status != STATUS_OK || n_hops)
		undo(repair);
	return status == STATUS_OK && !n_hops;
}

static void add_node(struct repair *repair, int node)
{
	strbuf_addf(&repair->text, "'%s'", original(repair, node)->name);
	if (original(repair, node)->line)
		strbuf_addf(&repair->text, " (line %d)", original(repair, node)->line);
}

/* The node whose `depth` counts for the storage of a capacity hop. */
static int storage_node(const struct repair *repair, const struct plan_hop *hop)
{
	return repair->plan->channels[hop->detail].node;
}

static bool deepen_one(struct repair *repair)
{
	int most = repair->plan->in_flight_asked;
	for (int i = 0; i < repair->n_hops; i++) {
		const struct plan_hop *hop = &repair->hops[i];
		if (hop->kind != PLAN_PLACE_CAPACITY)
			continue;
		int node = storage_node(repair, hop), depth = repair->plan->channels[hop->detail].depth;
		while (depth < most) {
			depth = depth < most / 2 ? 2 * depth : most;
			repair->graph.nodes[node].depth = depth;
			if (!passes(repair))
				continue;
			strbuf_add(&repair->text, "give node ");
			add_node(repair, node);
			strbuf_addf(&repair->text, " depth=%d", depth);
			return true;
		}
	}
	return false;
}

static bool deepen_all(struct repair *repair)
{
	int most = repair->plan->in_flight_asked, n = 0;
	for (int i = 0; i < repair->n_hops; i++) {
		if (repair->hops[i].kind != PLAN_PLACE_CAPACITY)
			continue;
		repair->graph.nodes[storage_node(repair, &repair->hops[i])].depth = most;
		n++;
	}
	if (n < 2 || !passes(repair))
		return false;
	strbuf_addf(&repair->text, "give depth=%d to", most);
	for (int i = 0; i < repair->n_hops; i++) {
		if (repair->hops[i].kind != PLAN_PLACE_CAPACITY)
			continue;
		strbuf_add(&repair->text, n < 0 ? ", " : " ");
		add_node(repair, storage_node(repair, &repair->hops[i]));
		n = -1;
	}
	return true;
}

/* Whether the hop says that `to` stands behind `from` in program order (and not that a new pass begins). */
static bool is_order_hop(const struct repair *repair, const struct plan_hop *hop)
{
	const int *positions = repair->plan->positions;
	return hop->kind == PLAN_PLACE_ORDER && positions[hop->from] < positions[hop->to];
}

static bool swap_two(struct repair *repair, int first, int second)
{
	const struct graph_node *a = original(repair, first), *b = original(repair, second);
	if (!a->has_order || !b->has_order || a->order == b->order)
		return false;
	repair->graph.nodes[first].order = b->order;
	repair->graph.nodes[second].order = a->order;
	if (!passes(repair))
		return false;
	strbuf_addf(&repair->text, "on worker %s run ", repair->graph.workers[a->worker_idx].name);
	add_node(repair, second);
	strbuf_add(&repair->text, " before ");
	add_node(repair, first);
	strbuf_addf(&repair->text, ": give '%s' order=%" PRId64 " and '%s' order=%" PRId64, b->name, a->order, a->name,
		b->order);
	return true;
}

/* Two nodes of one stretch of program order, the outermost first: those in between may have no `order`. */
static bool swap_order(struct repair *repair)
{
	for (int i = 0; i < repair->n_hops; i++) {
		int end = i;
		while (end < repair->n_hops && is_order_hop(repair, &repair->hops[end]))
			end++;
		for (int k = end - 1; k >= i; k--) {
			if (swap_two(repair, repair->hops[i].from, repair->hops[k].to))
				return true;
		}
	}
	return false;
}

static bool drop_order(struct repair *repair, int node)
{
	if (!original(repair, node)->has_order)
		return false;
	repair->graph.nodes[node].has_order = false;
	if (!passes(repair))
		return false;
	strbuf_addf(&repair->text, "leave out order=%" PRId64 " of node ", original(repair, node)->order);
	add_node(repair, node);
	return true;
}

static bool drop_one_order(struct repair *repair)
{
	for (int i = 0; i < repair->n_hops; i++) {
		if (is_order_hop(repair, &repair->hops[i])
			&& (drop_order(repair, repair->hops[i].from) || drop_order(repair, repair->hops[i].to)))
			return true;
	}
	return false;
}

/* A control edge is taken away by leading it from input to output, where it carries nothing. */
static bool drop_control(struct repair *repair)
{
	for (int i = 0; i < repair->n_hops; i++) {
		const struct plan_hop *hop = &repair->hops[i];
		if (hop->kind != PLAN_PLACE_DATA || !repair->graph.edges[hop->detail].is_control)
			continue;
		repair->graph.edges[hop->detail].src = GRAPH_INPUT;
		repair->graph.edges[hop->detail].dst = GRAPH_OUTPUT;
		if (!passes(repair))
			continue;
		strbuf_add(&repair->text, "leave out the control edge from ");
		add_node(repair, hop->from);
		strbuf_add(&repair->text, " to ");
		add_node(repair, hop->to);
		return true;
	}
	return false;
}

static bool drop_every_order(struct repair *repair)
{
	bool has_order = false;
	for (int i = 0; i < repair->graph.n_nodes; i++) {
		has_order = has_order || repair->graph.nodes[i].has_order;
		repair->graph.nodes[i].has_order = false;
	}
	if (!has_order || !passes(repair))
		return false;
	strbuf_add(&repair->text, "leave out `order` of all nodes; the plan then finds one that works");
	return true;
}

/* From the smallest change to the largest. */
static bool (*const changes[])(struct repair *repair) = {
	deepen_one, swap_order, deepen_all, drop_one_order, drop_control, drop_every_order,
};

int plan_repair_find(const struct plan *plan, const struct plan_hop *hops, int n_hops, char **ret_repair)
{
	struct repair repair = { .plan = plan, .hops = hops, .n_hops = n_hops, .graph = *plan->graph };
	*ret_repair = NULL;
	repair.graph.nodes = calloc((size_t)plan->graph->n_nodes, sizeof *repair.graph.nodes);
	repair.graph.edges = calloc((size_t)plan->graph->n_edges + 1, sizeof *repair.graph.edges);
	repair.is_failed = !repair.graph.nodes || !repair.graph.edges;
	if (!repair.is_failed)
		undo(&repair);
	for (size_t i = 0; i < ARRAY_LEN(changes) && !repair.is_failed; i++) {
		if (changes[i](&repair)) {
			*ret_repair = strbuf_take(&repair.text);
			repair.is_failed = !*ret_repair;
			break;
		}
		undo(&repair);
	}
	strbuf_finish(&repair.text);
	free(repair.graph.edges);
	free(repair.graph.nodes);
	return repair.is_failed ? STATUS_NO_MEMORY : STATUS_OK;
}
