/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve_collectives: nodes with one `collective` name are one operation over their workers. Its members must agree, and in
 * the end each gets the inputs of all ranks.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/graph/grow.h"
#include "engine/graph/resolver.h"

static int find_collective(struct resolver *resolver, const char *name)
{
	struct graph *graph = resolver->graph;
	for (int i = 0; i < graph->n_collectives; i++) {
		if (strcmp(graph->collectives[i].name, name) == 0)
			return i;
	}
	char *copy = strdup(name);
	if (!copy || !grow_array(&graph->collectives, graph->n_collectives, sizeof(*graph->collectives))) {
		free(copy);
		resolver->is_failed = true;
		return -1;
	}
	graph->collectives[graph->n_collectives] = (struct graph_collective){ .name = copy };
	return graph->n_collectives++;
}

static void add_rank(struct resolver *resolver, int node_idx)
{
	struct graph_node *node = &resolver->graph->nodes[node_idx];
	int idx = find_collective(resolver, node->collective);
	if (idx < 0)
		return;
	struct graph_collective *collective = &resolver->graph->collectives[idx];
	if (!grow_array(&collective->nodes, collective->n_ranks, sizeof(*collective->nodes))) {
		resolver->is_failed = true;
		return;
	}
	node->collective_idx = idx;
	int at = collective->n_ranks++;
	for (; at > 0 && resolver->graph->nodes[collective->nodes[at - 1]].worker_idx > node->worker_idx; at--)
		collective->nodes[at] = collective->nodes[at - 1];
	collective->nodes[at] = node_idx;
}

static bool is_member(struct resolver *resolver, const struct graph_node *node)
{
	if (!node->op)
		return false;
	bool is_collective = resolver_is_collective(node);
	if (is_collective && !node->collective && !node->has_mistake)
		mistakes_add(resolver->mistakes, node->line, node->name,
			"op '%s' is a collective; say with collective=NAME which nodes take part", node->op->name);
	if (!is_collective && node->collective)
		mistakes_add(resolver->mistakes, node->line, node->name, "collective='%s', but op '%s' is no collective",
			node->collective, node->op->name);
	return is_collective && node->collective;
}

static const char *effective_value(const struct graph_node *node, const struct op_param_spec *spec)
{
	for (int i = 0; i < node->n_params; i++) {
		if (strcmp(node->params[i].name, spec->name) == 0)
			return node->params[i].value;
	}
	return spec->fallback ? spec->fallback : "";
}

/* A member must do what the first one does; reported at the later one in the file. */
static void compare_members(struct resolver *resolver, int first_idx, int other_idx)
{
	const struct graph *graph = resolver->graph;
	const struct graph_node *first = &graph->nodes[first_idx], *other = &graph->nodes[other_idx];
	if (first->op != other->op) {
		mistakes_add(resolver->mistakes, other->op_line, other->name,
			"collective '%s': op '%s' here, '%s' at node '%s'", other->collective, other->op->name,
			first->op->name, first->name);
		return;
	}
	if (first->has_mistake || other->has_mistake)
		return;
	for (const struct op_param_spec *spec = first->op->params; spec && spec->name; spec++) {
		const char *here = effective_value(other, spec), *there = effective_value(first, spec);
		if (strcmp(here, there) != 0)
			mistakes_add(resolver->mistakes, other->line, other->name,
				"collective '%s': %s is '%s' here, '%s' at node '%s'", other->collective, spec->name, here,
				there, first->name);
	}
}

static int first_member(const struct graph_collective *collective)
{
	int first = collective->nodes[0];
	for (int i = 1; i < collective->n_ranks; i++)
		first = collective->nodes[i] < first ? collective->nodes[i] : first;
	return first;
}

static void check_collective(struct resolver *resolver, const struct graph_collective *collective)
{
	const struct graph *graph = resolver->graph;
	int first = first_member(collective);
	const struct graph_node *node = &graph->nodes[first];
	if (collective->n_ranks == 1)
		mistakes_add(resolver->mistakes, node->line, node->name,
			"the only member of collective '%s'; it takes two or more, on different workers", collective->name);
	if (collective->n_ranks > OP_INPUTS_MAX)
		mistakes_add(resolver->mistakes, node->line, node->name,
			"collective '%s' has %d members; at most %d are supported", collective->name, collective->n_ranks,
			OP_INPUTS_MAX);
	for (int i = 0; i < collective->n_ranks; i++) {
		const struct graph_node *member = &graph->nodes[collective->nodes[i]];
		const struct graph_node *before = i ? &graph->nodes[collective->nodes[i - 1]] : NULL;
		if (collective->nodes[i] != first)
			compare_members(resolver, first, collective->nodes[i]);
		if (before && member->worker_idx >= 0 && member->worker_idx == before->worker_idx)
			mistakes_add(resolver->mistakes, member->line, member->name,
				"collective '%s' already has node '%s' on worker '%s'; each member needs a worker of its own",
				collective->name, before->name, graph->workers[member->worker_idx].name);
	}
}

void resolve_collectives(struct resolver *resolver)
{
	struct graph *graph = resolver->graph;
	for (int i = GRAPH_OUTPUT + 1; i < graph->n_nodes && !resolver->is_failed; i++) {
		if (is_member(resolver, &graph->nodes[i]))
			add_rank(resolver, i);
	}
	for (int i = 0; i < graph->n_collectives && !resolver->is_failed; i++)
		check_collective(resolver, &graph->collectives[i]);
}

/* An edge that brings another rank's input to `node_idx`; its index, -1 when memory is out. */
static int add_peer(struct resolver *resolver, int own_edge_of_peer, int node_idx, int rank)
{
	struct graph *graph = resolver->graph;
	struct graph_edge own = graph->edges[own_edge_of_peer];
	int edge_idx = graph_add_edge(graph, own.src, node_idx, own.from, NULL, false, own.line);
	if (edge_idx < 0) {
		resolver->is_failed = true;
		return -1;
	}
	struct graph_edge *edge = &graph->edges[edge_idx];
	edge->is_peer = true;
	edge->src_output = own.src_output;
	edge->dst_input = rank;
	return edge_idx;
}

static void connect_ranks(struct resolver *resolver, const struct graph_collective *collective)
{
	struct graph *graph = resolver->graph;
	int own_edges[OP_INPUTS_MAX];
	for (int rank = 0; rank < collective->n_ranks; rank++)
		own_edges[rank] = graph->nodes[collective->nodes[rank]].input_edges[0];
	for (int rank = 0; rank < collective->n_ranks && !resolver->is_failed; rank++) {
		struct graph_node *node = &graph->nodes[collective->nodes[rank]];
		int *input_edges = resolver_alloc(resolver, collective->n_ranks, sizeof(*input_edges));
		if (!input_edges)
			return;
		for (int peer = 0; peer < collective->n_ranks; peer++)
			input_edges[peer] = peer == rank
				? own_edges[rank]
				: add_peer(resolver, own_edges[peer], collective->nodes[rank], peer);
		graph->edges[own_edges[rank]].dst_input = rank;
		free(node->input_edges);
		node->input_edges = input_edges;
		node->n_inputs = collective->n_ranks;
	}
}

void resolve_peers(struct resolver *resolver)
{
	for (int i = 0; i < resolver->graph->n_collectives && !resolver->is_failed; i++)
		connect_ranks(resolver, &resolver->graph->collectives[i]);
}
