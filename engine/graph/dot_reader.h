/* SPDX-License-Identifier: Apache-2.0
 *
 * dot_reader: what the parts of the DOT front end share while one file is read. Values and their inheritance come from
 * libcgraph, order and lines from the scan. The parts run in the order in which they stand here.
 */
#ifndef TANDEM_ENGINE_GRAPH_DOT_READER_H
#define TANDEM_ENGINE_GRAPH_DOT_READER_H

#include "engine/graph/dot_cgraph.h"
#include "engine/graph/dot_scan.h"
#include "engine/graph/graph.h"
#include "engine/graph/substitute.h"

struct dot_reader {
	struct graph *graph;
	struct mistakes *mistakes;
	struct substitution substitution;
	struct dot_scan scan;
	Agraph_t *root;
	int *workers;   /* [scan.n_subgraphs] worker of a cluster; -1 for other subgraphs and wrong clusters */
	int *clusters;  /* [scan.n_nodes] the node's cluster (subgraph index of the scan); -1 when none */
	int *nodes;     /* [scan.n_nodes] the node's index in the graph */
	bool is_failed; /* memory was out */
};

/* Keys that may not stand where they stand, on graphs, clusters and edges (those of nodes depend on their op). */
void dot_read_keys(struct dot_reader *reader);
/* Workers in the order of their clusters, and the members of each. */
void dot_read_clusters(struct dot_reader *reader);
void dot_read_nodes(struct dot_reader *reader);
void dot_read_edges(struct dot_reader *reader);

/* One attribute with its value replaced, where it stands and at what. Release `value` in any case. */
struct dot_value {
	const char *key;
	struct strbuf value;
	int line;
	const char *node; /* NULL when none */
};

/* Reads `key` of an object of libcgraph. False when it is not set; false too, with a mistake and *ret_is_wrong set, when a
 * name in its value cannot be replaced. */
bool dot_read_value(struct dot_reader *reader, void *object, struct dot_value *value, bool *ret_is_wrong);

/* Names that drawing attributes ask for count as used. */
void dot_note_names(struct dot_reader *reader, void *object, int kind);

/* Line of an attribute, `fallback` when it does not stand in `attrs` (it came from a default). */
int dot_attr_line(const struct dot_attrs *attrs, const char *key, int fallback);

/* The buffer's text, now the caller's; NULL and is_failed when memory is out. */
char *dot_take_text(struct dot_reader *reader, struct strbuf *buf);

#endif
