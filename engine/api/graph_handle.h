/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_handle: struct tandem_graph: a graph while it is built, its plan once it is compiled. It lives until the program has destroyed it and
 * the last run that was started from it has stopped.
 *
 *     BUILDING ──compile──► COMPILED or WRONG
 */
#ifndef TANDEM_ENGINE_API_GRAPH_HANDLE_H
#define TANDEM_ENGINE_API_GRAPH_HANDLE_H

#include "engine/api/context.h"
#include "engine/graph/plan_check.h"

enum graph_state { GRAPH_STATE_BUILDING, GRAPH_STATE_COMPILED, GRAPH_STATE_WRONG };

struct tandem_graph {
	struct handle handle;
	struct tandem *tandem;
	_Atomic int n_references;   /* the program's and its runs' */
	enum graph_state state;
	struct op_registry ops;     /* as they were known when the graph was made; the array is the graph's */
	int n_modules;
	struct graph *graph;        /* NULL when a text could not be parsed */
	struct plan *plan;          /* COMPILED */
	struct mistakes mistakes;
	struct error error;         /* the first thing that is wrong */
	char *source;               /* for messages: the file, or the graph's name */
	struct strbuf mistakes_text, plan_text, dot_text;
};

static inline int graph_check(const struct tandem_graph *graph, struct error *error)
{
	return handle_check((const struct handle *)graph, HANDLE_GRAPH, error);
}

/* An empty handle without a graph; NULL when memory is out. */
struct tandem_graph *graph_handle_create(struct tandem *tandem, const char *source);
void graph_handle_hold(struct tandem_graph *graph);
void graph_handle_drop(struct tandem_graph *graph);

/* Copies the part of a sized options struct that this library knows: the first word of `from` is its size. STATUS_USAGE when that cannot be, or
 * when the rest says something. `from` may be NULL: all defaults. */
int options_copy(void *to, size_t known_bytes, size_t least_bytes, const void *from, const char *name, struct error *error);

#endif
