/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_dot: the DOT front end (doc/graph-format.md). Parsing is libcgraph's, so what runs is what `dot` draws; a scanner of
 * our own adds the line numbers that libcgraph does not keep.
 */
#ifndef TANDEM_ENGINE_GRAPH_GRAPH_DOT_H
#define TANDEM_ENGINE_GRAPH_GRAPH_DOT_H

#include "engine/base/strbuf.h"
#include "engine/graph/graph.h"

/* One `--set NAME=VALUE`. */
struct graph_setting {
	const char *name, *value;
};

struct graph_settings {
	const struct graph_setting *items;
	int n_items;
};

/* Builds a graph from DOT text (NUL-terminated). `file` is the name for messages. Substitutes $NAME in attribute values.
 * After a syntax error exactly that one mistake is reported. Returns STATUS_OK with *ret_graph owned by the caller (not yet
 * resolved), or STATUS_SYNTAX, STATUS_GRAPH, STATUS_NO_MEMORY with everything in `mistakes`; a graph with mistakes that
 * later checks can live with is handed out too (non-NULL *ret_graph with STATUS_GRAPH), so that graph_resolve can find the
 * rest. */
int graph_dot_parse(const char *file, const char *text, const struct graph_settings *settings, struct mistakes *mistakes,
	struct graph **ret_graph);

/* Reads the file ("-" is standard input) and parses it. STATUS_INPUT with one mistake when it cannot be read. */
int graph_dot_read(const char *file, const struct graph_settings *settings, struct mistakes *mistakes,
	struct graph **ret_graph);

/* Read, parse and resolve in one: the whole way from a file to a checked graph. On failure *ret_graph stays untouched. */
int graph_load(const char *file, const struct graph_settings *settings, const struct op_registry *registry,
	struct mistakes *mistakes, struct graph **ret_graph);

/* The graph as DOT text that graph_dot_parse reads back to an equal graph. */
void graph_to_dot(const struct graph *graph, struct strbuf *out);

#endif
