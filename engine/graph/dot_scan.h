/* SPDX-License-Identifier: Apache-2.0
 *
 * dot_scan: where things stand in a DOT file. It reads text that libcgraph has accepted, and lists nodes, edges, subgraphs
 * and the keys of their attributes in the order of the file, with lines. Values are libcgraph's business: they are not kept.
 */
#ifndef TANDEM_ENGINE_GRAPH_DOT_SCAN_H
#define TANDEM_ENGINE_GRAPH_DOT_SCAN_H

#include <stdbool.h>

#define DOT_SCAN_ROOT 0 /* subgraph index of the graph itself */

struct dot_attr {
	char *key;
	int line;
	bool is_inherited; /* by a node, from `node […]` */
};

struct dot_attrs {
	struct dot_attr *items;
	int n_items;
};

struct dot_node {
	char *name;
	int line;                /* first mention */
	int statement_line;      /* first statement of its own; 0 when it only stands in edges */
	struct dot_attrs attrs;
};

struct dot_edge {
	int tail, head;          /* nodes */
	int line;                /* of the operand that ends it */
	int statement;           /* whose attributes it has */
};

struct dot_member {
	int node, line;          /* of the first mention inside */
};

struct dot_subgraph {
	char *name;              /* NULL: anonymous */
	int parent;              /* -1 for the root */
	int line;
	bool is_cluster;         /* the name starts with "cluster", as Graphviz has it */
	struct dot_member *members; /* ascending by node, each once; those of inner subgraphs included */
	int n_members;
	struct dot_attrs attrs;  /* `key=value` and `graph [key=value]` */
	struct dot_attrs edge_defaults;
};

struct dot_scan {
	bool is_strict, is_directed;
	int line;                /* of the word graph or digraph; 0 when there is none */
	struct dot_node *nodes;
	int n_nodes;
	struct dot_edge *edges;
	int n_edges;
	struct dot_attrs *statements; /* of edges */
	int n_statements;
	struct dot_subgraph *subgraphs;
	int n_subgraphs;
	int *buckets;            /* node index + 1 by hash of the name */
	int n_buckets;
	bool is_failed;          /* memory was out */
};

/* Scans the whole text. STATUS_OK or STATUS_NO_MEMORY; the scan must be finished in both cases. */
int dot_scan(const char *text, struct dot_scan *ret_scan);
void dot_scan_finish(struct dot_scan *scan);

/* Index of a node by name, -1 when it does not occur. */
int dot_scan_find_node(const struct dot_scan *scan, const char *name);

/* The last one with this key, which is the one that counts; NULL when there is none. */
const struct dot_attr *dot_attrs_find(const struct dot_attrs *attrs, const char *key);

#endif
