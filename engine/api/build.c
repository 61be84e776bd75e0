/* SPDX-License-Identifier: Apache-2.0
 *
 * build: graphs made in code. The first mistake stays with the graph; what only the whole graph can show is found when it is compiled.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api/graph_handle.h"
#include "engine/graph/attribute.h"

/* Whether a builder may go on. */
static bool is_open(const struct tandem_graph *graph)
{
	return !graph_check(graph, NULL) && graph->state == GRAPH_STATE_BUILDING && !graph->error.status && graph->graph;
}

/* Keeps the first mistake. */
static int refuse(struct tandem_graph *graph, int status, const char *format, ...) PRINTF_LIKE(3, 4);
static int refuse(struct tandem_graph *graph, int status, const char *format, ...)
{
	va_list args;
	struct strbuf text = STRBUF_INIT;
	char sentence[600];
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	strbuf_addf(&text, "%s: %s", graph->source, sentence);
	error_set(&graph->error, status, "%s", strbuf_text(&text));
	strbuf_finish(&text);
	return -1;
}

static int no_memory(struct tandem_graph *graph)
{
	return refuse(graph, STATUS_NO_MEMORY, "no memory for the graph");
}

struct tandem_graph *tandem_graph_create(struct tandem *tandem, const char *name)
{
	if (context_check(tandem, NULL))
		return NULL;
	const char *known = name && *name ? name : "graph";
	struct tandem_graph *graph = graph_handle_create(tandem, known);
	if (!graph)
		return NULL;
	graph->graph = graph_create(known);
	if (!graph->graph) {
		tandem_graph_destroy(graph);
		return NULL;
	}
	return graph;
}

int tandem_graph_input(struct tandem_graph *graph, const char *tensors)
{
	if (!is_open(graph))
		return -1;
	if (!tensors)
		return refuse(graph, STATUS_USAGE, "tandem_graph_input: the declaration is NULL");
	int n_before = graph->mistakes.n_items;
	graph_set_input(graph->graph, tensors, 0, &graph->mistakes);
	return graph->mistakes.n_items == n_before ? 0 : -1;
}

int tandem_graph_worker(struct tandem_graph *graph, const char *name, const char *device)
{
	if (!is_open(graph))
		return -1;
	if (!name || !*name)
		return refuse(graph, STATUS_USAGE, "tandem_graph_worker: a worker needs a name");
	if (strcmp(name, graph->graph->workers[GRAPH_DRIVER].name) == 0)
		return refuse(graph, STATUS_USAGE, "tandem_graph_worker: '%s' names the process that feeds the graph; give the worker another "
			"name", name);
	if (graph_find_worker(graph->graph, name) >= 0)
		return refuse(graph, STATUS_USAGE, "tandem_graph_worker: worker '%.100s' was added before", name);
	int worker = graph_add_worker(graph->graph, name, device && *device ? device : GRAPH_DEVICE_DEFAULT, 0);
	return worker < 0 ? no_memory(graph) : worker;
}

int tandem_graph_node(struct tandem_graph *graph, int worker, const char *name, const char *op)
{
	if (!is_open(graph))
		return -1;
	if (!name || !*name || !op || !*op)
		return refuse(graph, STATUS_USAGE, "tandem_graph_node: a node needs a name and an op");
	if (worker <= GRAPH_DRIVER || worker >= graph->graph->n_workers)
		return refuse(graph, STATUS_USAGE, "tandem_graph_node: node '%.100s' is given to worker %d, which tandem_graph_worker did not return",
			name, worker);
	if (graph_find_node(graph->graph, name) >= 0)
		return refuse(graph, STATUS_USAGE, "tandem_graph_node: a node '%.100s' %s", name,
			graph_find_node(graph->graph, name) <= GRAPH_OUTPUT ? "is in every graph: name it otherwise" : "was added before");
	int node = graph_add_node(graph->graph, name, op, worker, 0);
	return node < 0 ? no_memory(graph) : node;
}

/* The whole text as a number. */
static bool parse_int(const char *text, int64_t *ret_value)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	*ret_value = value;
	return !errno && end != text && !*end;
}

static int set_order(struct tandem_graph *graph, struct graph_node *node, const char *value)
{
	node->has_order = parse_int(value, &node->order);
	return node->has_order ? 0
		: refuse(graph, STATUS_GRAPH, "node '%.100s': 'order' is '%.100s'; it must be an integer", node->name, value);
}

static int set_depth(struct tandem_graph *graph, struct graph_node *node, const char *value)
{
	int64_t depth;
	if (!parse_int(value, &depth) || depth < 1 || depth > GRAPH_DEPTH_MAX)
		return refuse(graph, STATUS_GRAPH, "node '%.100s': 'depth' is '%.100s'; it must be an integer from 1 to %d", node->name, value,
			GRAPH_DEPTH_MAX);
	node->depth = (int)depth;
	return 0;
}

static int set_collective(struct tandem_graph *graph, struct graph_node *node, const char *value)
{
	free(node->collective);
	node->collective = strdup(value);
	return node->collective ? 0 : no_memory(graph);
}

static const struct {
	const char *key;
	int (*set)(struct tandem_graph *graph, struct graph_node *node, const char *value);
	bool is_for_input;
} node_attributes[] = {
	{ "order", set_order, false },
	{ "depth", set_depth, true },
	{ "collective", set_collective, false },
};

/* A parameter of the op; the last value counts. */
static int set_param(struct tandem_graph *graph, int node_idx, const char *key, const char *value)
{
	struct graph_node *node = &graph->graph->nodes[node_idx];
	for (int i = 0; i < node->n_params; i++) {
		if (strcmp(node->params[i].name, key) != 0)
			continue;
		char *copy = strdup(value);
		if (!copy)
			return no_memory(graph);
		free((char *)(uintptr_t)node->params[i].value);
		node->params[i].value = copy;
		return 0;
	}
	return graph_node_set(graph->graph, node_idx, key, value, 0) < 0 ? no_memory(graph) : 0;
}

int tandem_graph_set(struct tandem_graph *graph, int node, const char *key, const char *value)
{
	if (!is_open(graph))
		return -1;
	if (!key || !value)
		return refuse(graph, STATUS_USAGE, "tandem_graph_set: key or value is NULL");
	if (node < 0 || node >= graph->graph->n_nodes)
		return refuse(graph, STATUS_USAGE, "tandem_graph_set: there is no node %d (setting '%.100s')", node, key);
	for (size_t i = 0; i < ARRAY_LEN(node_attributes); i++) {
		if (strcmp(node_attributes[i].key, key) == 0 && (node > GRAPH_OUTPUT || (node == GRAPH_INPUT && node_attributes[i].is_for_input)))
			return node_attributes[i].set(graph, &graph->graph->nodes[node], value);
	}
	if (node <= GRAPH_OUTPUT)
		return refuse(graph, STATUS_USAGE, "tandem_graph_set: the node '%s' has no '%.100s'", graph->graph->nodes[node].name, key);
	if (attribute_is_reserved(key, ATTRIBUTE_NODE))
		return refuse(graph, STATUS_USAGE, "tandem_graph_set: '%s' is given to tandem_graph_node", key);
	return set_param(graph, node, key, value);
}

static int add_edge(struct tandem_graph *graph, const char *function, int src, const char *from, int dst, const char *arg, bool is_control)
{
	int n_nodes = graph->graph->n_nodes;
	if (src < 0 || src >= n_nodes || dst < 0 || dst >= n_nodes)
		return refuse(graph, STATUS_USAGE, "%s: there is no node %d", function, src < 0 || src >= n_nodes ? src : dst);
	int edge = graph_add_edge(graph->graph, src, dst, from && *from ? from : NULL, arg && *arg ? arg : NULL, is_control, 0);
	return edge < 0 ? no_memory(graph) : edge;
}

int tandem_graph_connect(struct tandem_graph *graph, int src, const char *from, int dst, const char *arg)
{
	return is_open(graph) ? add_edge(graph, "tandem_graph_connect", src, from, dst, arg, false) : -1;
}

int tandem_graph_order(struct tandem_graph *graph, int src, int dst)
{
	return is_open(graph) ? add_edge(graph, "tandem_graph_order", src, NULL, dst, NULL, true) : -1;
}
