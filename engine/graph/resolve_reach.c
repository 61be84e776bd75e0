/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve_reach: the shape of the graph: no cycle, and every node on a way from `input` to `output`.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/graph/resolver.h"

#define CYCLE_NAMES_MAX 12 /* printed of a long cycle */

/* Nodes in an order in which each comes after those it depends on; nodes on and behind cycles are left out. */
static void sort_nodes(struct resolver *resolver)
{
	const struct graph *graph = resolver->graph;
	int *n_waiting = resolver_alloc(resolver, graph->n_nodes, sizeof(*n_waiting));
	resolver->order = resolver_alloc(resolver, graph->n_nodes, sizeof(*resolver->order));
	if (!n_waiting || !resolver->order) {
		free(n_waiting);
		return;
	}
	for (int i = 0; i < graph->n_nodes; i++) {
		n_waiting[i] = resolver->in_starts[i + 1] - resolver->in_starts[i];
		if (n_waiting[i] == 0)
			resolver->order[resolver->n_ordered++] = i;
	}
	for (int done = 0; done < resolver->n_ordered; done++) {
		int node_idx = resolver->order[done];
		for (int i = resolver->out_starts[node_idx]; i < resolver->out_starts[node_idx + 1]; i++) {
			int dst = graph->edges[resolver->out_edges[i]].dst;
			if (--n_waiting[dst] == 0)
				resolver->order[resolver->n_ordered++] = dst;
		}
	}
	free(n_waiting);
}

/* Breadth first from `start` along the edges (or against them) over nodes with `is_allowed` (NULL: all). `via` gets the edge
 * by which each node was reached first, -1 otherwise; the start is reached only when a way leads back to it. `queue` is room
 * for n_nodes + 1. */
static void walk(const struct resolver *resolver, int start, bool is_forward, const bool *is_allowed, int *via, int *queue)
{
	const struct graph *graph = resolver->graph;
	const int *starts = is_forward ? resolver->out_starts : resolver->in_starts;
	const int *edges = is_forward ? resolver->out_edges : resolver->in_edges;
	int n_queued = 0;
	for (int i = 0; i < graph->n_nodes; i++)
		via[i] = -1;
	queue[n_queued++] = start;
	for (int done = 0; done < n_queued; done++) {
		for (int i = starts[queue[done]]; i < starts[queue[done] + 1]; i++) {
			int next = is_forward ? graph->edges[edges[i]].dst : graph->edges[edges[i]].src;
			if (via[next] >= 0 || (is_allowed && !is_allowed[next]))
				continue;
			via[next] = edges[i];
			if (next != start)
				queue[n_queued++] = next;
		}
	}
}

/* The cycle that leads back to `start`, as edges in their direction, into `cycle`; returns how many. */
static int trace_cycle(const struct graph *graph, int start, const int *via, int *cycle)
{
	int n = 0;
	int node_idx = start;
	do {
		cycle[n++] = via[node_idx];
		node_idx = graph->edges[via[node_idx]].src;
	} while (node_idx != start);
	for (int i = 0; i < n / 2; i++) {
		int spare = cycle[i];
		cycle[i] = cycle[n - 1 - i];
		cycle[n - 1 - i] = spare;
	}
	return n;
}

/* Reported at the edge that stands last in the file, as that which closes the cycle. */
static void report_cycle(struct resolver *resolver, const int *cycle, int n_edges)
{
	const struct graph *graph = resolver->graph;
	struct strbuf text = STRBUF_INIT;
	int last = 0;
	for (int i = 0; i < n_edges; i++) {
		if (cycle[i] > cycle[last])
			last = i;
	}
	const struct graph_edge *closing = &graph->edges[cycle[last]];
	strbuf_add(&text, resolver_node_name(resolver, closing->dst));
	for (int i = 1; i <= n_edges && i < CYCLE_NAMES_MAX; i++)
		strbuf_addf(&text, " → %s", resolver_node_name(resolver, graph->edges[cycle[(last + i) % n_edges]].dst));
	if (n_edges >= CYCLE_NAMES_MAX)
		strbuf_addf(
			&text, " → … (%d more) → %s", n_edges - CYCLE_NAMES_MAX, resolver_node_name(resolver, closing->dst));
	mistakes_add(resolver->mistakes, closing->line, resolver_node_name(resolver, closing->dst), "waits for itself: %s",
		strbuf_text(&text));
	strbuf_finish(&text);
}

/* One cycle for each group of nodes that depend on each other. */
static void report_cycles(struct resolver *resolver)
{
	const struct graph *graph = resolver->graph;
	bool *is_left = resolver_alloc(resolver, graph->n_nodes, sizeof(*is_left));
	int *forward = resolver_alloc(resolver, graph->n_nodes, sizeof(*forward));
	int *backward = resolver_alloc(resolver, graph->n_nodes, sizeof(*backward));
	int *queue = resolver_alloc(resolver, graph->n_nodes, sizeof(*queue));
	for (int i = 0; i < graph->n_nodes && !resolver->is_failed; i++)
		is_left[i] = true;
	for (int i = 0; i < resolver->n_ordered && !resolver->is_failed; i++)
		is_left[resolver->order[i]] = false;
	for (int i = 0; i < graph->n_nodes && !resolver->is_failed; i++) {
		if (!is_left[i])
			continue;
		walk(resolver, i, true, is_left, forward, queue);
		if (forward[i] >= 0) {
			report_cycle(resolver, queue, trace_cycle(graph, i, forward, queue));
			walk(resolver, i, false, is_left, backward, queue);
			for (int k = 0; k < graph->n_nodes; k++)
				is_left[k] &= !(forward[k] >= 0 && backward[k] >= 0);
		}
		is_left[i] = false;
	}
	free(is_left);
	free(forward);
	free(backward);
	free(queue);
}

static bool has_in(const struct resolver *resolver, int node_idx)
{
	return resolver->in_starts[node_idx] < resolver->in_starts[node_idx + 1];
}

static bool has_out(const struct resolver *resolver, int node_idx)
{
	return resolver->out_starts[node_idx] < resolver->out_starts[node_idx + 1];
}

/* Ends that lead nowhere: where other nodes do not reach the output either, they do so through these. */
static void report_dead_ends(struct resolver *resolver)
{
	const struct graph *graph = resolver->graph;
	bool has_output = has_in(resolver, GRAPH_OUTPUT), has_input = has_out(resolver, GRAPH_INPUT);
	if (!has_output && !resolver->has_wrong_in[GRAPH_OUTPUT])
		mistakes_add(resolver->mistakes, resolver_node_line(resolver, GRAPH_OUTPUT), NULL,
			"nothing leads to 'output'; write NODE -> output for each result");
	if (!has_input && !resolver->has_wrong_out[GRAPH_INPUT])
		mistakes_add(resolver->mistakes, resolver_node_line(resolver, GRAPH_INPUT), NULL,
			"nothing reads 'input'; write input -> NODE for each tensor, or with control=true for a start without data");
	for (int i = GRAPH_OUTPUT + 1; i < graph->n_nodes; i++) {
		const struct graph_node *node = &graph->nodes[i];
		if (has_output && !has_out(resolver, i) && !resolver->has_wrong_out[i])
			mistakes_add(resolver->mistakes, node->line, node->name,
				"leads to no output; write %s -> output, with control=true when only its effect counts",
				node->name);
		bool needs_data = node->op && node->op->n_inputs_min > 0;
		if (has_input && !has_in(resolver, i) && !resolver->has_wrong_in[i] && !needs_data)
			mistakes_add(resolver->mistakes, node->line, node->name,
				"depends on no input, so nothing starts it; write input -> %s [control=true]", node->name);
	}
}

void resolve_reach(struct resolver *resolver)
{
	sort_nodes(resolver);
	if (!resolver->is_failed && resolver->n_ordered < resolver->graph->n_nodes)
		report_cycles(resolver);
	if (!resolver->is_failed)
		report_dead_ends(resolver);
}
