/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_resolve: the passes that turn what was written into what can be planned, in their order.
 */
#include <stdlib.h>

#include "engine/graph/resolver.h"

void *resolver_alloc(struct resolver *resolver, int n_items, size_t item_bytes)
{
	void *items = calloc((size_t)n_items + 1, item_bytes);
	if (!items)
		resolver->is_failed = true;
	return items;
}

int resolver_node_line(const struct resolver *resolver, int node_idx)
{
	int line = resolver->graph->nodes[node_idx].line;
	return line ? line : resolver->graph->line;
}

/* Takes over the marks that the parser left: the passes run, to find the rest, but the graph stays unresolved. At a marked
 * node an edge may be missing that was written wrong. */
static bool take_marks(struct resolver *resolver)
{
	const struct graph *graph = resolver->graph;
	bool has_marks = false;
	for (int i = 0; i < graph->n_nodes && !resolver->is_failed; i++) {
		resolver->has_wrong_in[i] = resolver->has_wrong_out[i] = graph->nodes[i].has_mistake;
		has_marks |= graph->nodes[i].has_mistake;
	}
	for (int i = 0; i < graph->n_edges; i++)
		has_marks |= graph->edges[i].has_mistake;
	return has_marks;
}

static void (*const checks[])(struct resolver *resolver) = {
	resolve_workers, resolve_nodes, resolve_ends, resolve_args, resolve_collectives, resolve_reach, resolve_types,
};

int graph_resolve(struct graph *graph, const struct op_registry *registry, struct mistakes *mistakes)
{
	struct resolver resolver = { .graph = graph, .registry = registry, .mistakes = mistakes };
	int n_before = mistakes->n_items;
	resolver.is_dropped = resolver_alloc(&resolver, graph->n_edges, sizeof(bool));
	resolver.has_wrong_in = resolver_alloc(&resolver, graph->n_nodes, sizeof(bool));
	resolver.has_wrong_out = resolver_alloc(&resolver, graph->n_nodes, sizeof(bool));
	resolver.is_typed = resolver_alloc(&resolver, graph->n_nodes, sizeof(bool));
	bool has_marks = take_marks(&resolver);
	for (size_t i = 0; i < ARRAY_LEN(checks) && !resolver.is_failed; i++)
		checks[i](&resolver);
	bool is_right = !resolver.is_failed && !has_marks && mistakes->n_items == n_before;
	if (is_right)
		resolve_peers(&resolver);
	if (is_right && !resolver.is_failed)
		resolve_names(&resolver);
	free(resolver.is_dropped);
	free(resolver.has_wrong_in);
	free(resolver.has_wrong_out);
	free(resolver.is_typed);
	free(resolver.in_starts);
	free(resolver.in_edges);
	free(resolver.out_starts);
	free(resolver.out_edges);
	free(resolver.order);
	mistakes_sort(mistakes);
	if (resolver.is_failed) {
		mistakes_add(mistakes, 0, NULL, "no memory for checking the graph");
		return STATUS_NO_MEMORY;
	}
	graph->is_resolved = is_right;
	return is_right ? STATUS_OK : STATUS_GRAPH;
}
