/* SPDX-License-Identifier: Apache-2.0
 *
 * dot_cgraph: text to a graph of libcgraph, without anything printed. libcgraph keeps its parser in globals: one thread at a
 * time.
 */
#ifndef TANDEM_ENGINE_GRAPH_DOT_CGRAPH_H
#define TANDEM_ENGINE_GRAPH_DOT_CGRAPH_H

#include <graphviz/cgraph.h>

#include "engine/graph/mistakes.h"

/* Parses the first graph of `text`. STATUS_OK with *ret_graph to be released by agclose; STATUS_SYNTAX with exactly one
 * mistake; STATUS_NO_MEMORY. Text behind the graph is not read; *ret_rest_line is its line, 0 when there is none. */
int dot_cgraph_parse(const char *text, struct mistakes *mistakes, Agraph_t **ret_graph, int *ret_rest_line);

#endif
