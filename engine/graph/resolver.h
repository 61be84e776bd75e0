/* SPDX-License-Identifier: Apache-2.0
 *
 * resolver: what the passes of graph_resolve share. The passes run in the order in which they stand here; each reports what
 * it finds and marks what it touched, so that later ones stay silent about what only follows.
 */
#ifndef TANDEM_ENGINE_GRAPH_RESOLVER_H
#define TANDEM_ENGINE_GRAPH_RESOLVER_H

#include "engine/graph/graph.h"

struct resolver {
	struct graph *graph;
	const struct op_registry *registry;
	struct mistakes *mistakes;
	bool is_failed;        /* memory was out */

	int wrong_op_line;     /* of the unknown op reported last: one in a default is one mistake, however many nodes have it */
	bool *is_dropped;      /* [n_edges] its ends are wrong: left out everywhere */
	bool *has_wrong_in;    /* [n_nodes] an edge into the node has a mistake, so that an argument may seem missing */
	bool *has_wrong_out;   /* [n_nodes] the same for edges out of it */
	int *in_starts;        /* [n_nodes + 1] edges into node i: in_edges[in_starts[i]] up to before in_edges[in_starts[i + 1]] */
	int *in_edges;
	int *out_starts, *out_edges; /* the same for edges out of it; dropped ones are in neither */
	int *order;            /* [n_ordered] nodes, each after all it depends on; those on and behind cycles are missing */
	int n_ordered;
	bool *is_typed;        /* [n_nodes] outputs are known */
};

/* Names, devices, ops, parameters, places, order. [resolve_nodes.c] */
void resolve_workers(struct resolver *resolver);
void resolve_nodes(struct resolver *resolver);
/* Ends of the edges, then argument positions and result names. [resolve_args.c] */
void resolve_ends(struct resolver *resolver);
void resolve_args(struct resolver *resolver);
/* Groups of collectives, whose members must agree; and, once the graph is right, the edges between them.
 * [resolve_collectives.c] */
void resolve_collectives(struct resolver *resolver);
void resolve_peers(struct resolver *resolver);
/* Cycles, the order of computing types, and nodes off every way from input to output. [resolve_reach.c] */
void resolve_reach(struct resolver *resolver);
/* Outputs of every node. [resolve_types.c] */
void resolve_types(struct resolver *resolver);
/* Names of the edges of a graph that is right. [resolve_names.c] */
void resolve_names(struct resolver *resolver);

/* The line for mistakes about a node: its own, or the graph's when it is not in the file. */
int resolver_node_line(const struct resolver *resolver, int node_idx);

static inline const char *resolver_node_name(const struct resolver *resolver, int node_idx)
{
	return resolver->graph->nodes[node_idx].name;
}

static inline bool resolver_is_collective(const struct graph_node *node)
{
	return node->op && (node->op->caps & OP_COLLECTIVE);
}

/* Memory that starts as zeros; NULL and is_failed when there is none. */
void *resolver_alloc(struct resolver *resolver, int n_items, size_t item_bytes);

#endif
