/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve_names: the names by which edges appear in traces and commands, "src.out->dst.arg". What tells nothing is left out:
 * the output of a source that has one, the argument of a node that takes at most one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/resolver.h"

static void add_source(const struct graph *graph, const struct graph_edge *edge, struct strbuf *out)
{
	const struct graph_node *src = &graph->nodes[edge->src];
	strbuf_add(out, src->name);
	if (!edge->is_control && src->n_outputs > 1)
		strbuf_addf(out, ".%s", src->output_names[edge->src_output]);
}

static void add_target(const struct graph *graph, const struct graph_edge *edge, struct strbuf *out)
{
	const struct graph_node *dst = &graph->nodes[edge->dst];
	strbuf_addf(out, "->%s", dst->name);
	if (edge->is_control) {
		strbuf_add(out, ".control");
	} else if (edge->dst == GRAPH_OUTPUT) {
		if (dst->n_inputs > 1)
			strbuf_addf(out, ".%s", edge->result);
	} else if (dst->collective_idx >= 0) {
		strbuf_addf(out, ".rank%d", edge->dst_input);
	} else if (dst->op->n_inputs_max > 1) {
		const char *const *names = dst->op->input_names;
		int n_names = 0;
		while (names && n_names <= edge->dst_input && names[n_names])
			n_names++;
		if (n_names > edge->dst_input)
			strbuf_addf(out, ".%s", names[edge->dst_input]);
		else
			strbuf_addf(out, ".%d", edge->dst_input);
	}
}

static int compare_edges(const void *a_ptr, const void *b_ptr)
{
	const struct graph_edge *const *a = a_ptr, *const *b = b_ptr;
	int difference = strcmp((*a)->name, (*b)->name);
	return difference ? difference : *a < *b ? -1 : 1;
}

/* Gives the second and further edges of one name a number behind it; true when there was none. */
static bool number_equal_names(struct resolver *resolver, struct graph_edge **sorted)
{
	int n_edges = resolver->graph->n_edges;
	bool is_unique = true;
	for (int begin = 0, end; begin < n_edges; begin = end) {
		for (end = begin + 1; end < n_edges && strcmp(sorted[end]->name, sorted[begin]->name) == 0; end++) {
			char *name = NULL;
			is_unique = false;
			if (asprintf(&name, "%s#%d", sorted[end]->name, end - begin + 1) < 0) {
				resolver->is_failed = true;
				return true;
			}
			free(sorted[end]->name);
			sorted[end]->name = name;
		}
	}
	return is_unique;
}

void resolve_names(struct resolver *resolver)
{
	struct graph *graph = resolver->graph;
	struct graph_edge **sorted = resolver_alloc(resolver, graph->n_edges, sizeof(*sorted));
	for (int i = 0; i < graph->n_edges && sorted; i++) {
		struct strbuf name = STRBUF_INIT;
		add_source(graph, &graph->edges[i], &name);
		add_target(graph, &graph->edges[i], &name);
		graph->edges[i].name = strbuf_take(&name);
		resolver->is_failed |= !graph->edges[i].name;
		sorted[i] = &graph->edges[i];
	}
	do {
		if (!resolver->is_failed && graph->n_edges)
			qsort(sorted, (size_t)graph->n_edges, sizeof(struct graph_edge *), compare_edges);
	} while (!resolver->is_failed && !number_equal_names(resolver, sorted));
	free(sorted);
}
