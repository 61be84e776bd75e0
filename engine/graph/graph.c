/* SPDX-License-Identifier: Apache-2.0
 *
 * graph: building and releasing the data. Nothing is judged here.
 */
#include "engine/graph/graph.h"

#include <stdlib.h>
#include <string.h>

#include "engine/graph/grow.h"

static const char *const transport_words[TRANSPORT_COUNT] = {
#define X(name, word) [TRANSPORT_##name] = word,
	TRANSPORT_MAP(X)
#undef X
};

const char *transport_word(enum transport transport)
{
	return transport_words[transport];
}

struct graph *graph_create(const char *name)
{
	struct graph *graph = calloc(1, sizeof(*graph));
	if (!graph)
		return NULL;
	graph->name = strdup(name);
	bool is_made = graph->name && graph_add_worker(graph, "driver", "host", 0) == GRAPH_DRIVER
		&& graph_add_node(graph, "input", NULL, GRAPH_DRIVER, 0) == GRAPH_INPUT
		&& graph_add_node(graph, "output", NULL, GRAPH_DRIVER, 0) == GRAPH_OUTPUT;
	if (!is_made) {
		graph_destroy(graph);
		return NULL;
	}
	return graph;
}

static void node_finish(struct graph_node *node)
{
	for (int i = 0; i < node->n_params; i++) {
		free((char *)node->params[i].name);
		free((char *)node->params[i].value);
		free(node->param_infos[i].problem);
	}
	for (int i = 0; node->output_names && i < node->n_outputs; i++)
		free(node->output_names[i]);
	free(node->output_names);
	free(node->outputs);
	free(node->input_edges);
	free(node->params);
	free(node->param_infos);
	free(node->collective);
	free(node->op_name);
	free(node->name);
}

static void edge_finish(struct graph_edge *edge)
{
	free(edge->from);
	free(edge->arg);
	free(edge->name);
	free(edge->result);
}

void graph_destroy(struct graph *graph)
{
	if (!graph)
		return;
	for (int i = 0; i < graph->n_nodes; i++)
		node_finish(&graph->nodes[i]);
	for (int i = 0; i < graph->n_edges; i++)
		edge_finish(&graph->edges[i]);
	for (int i = 0; i < graph->n_workers; i++) {
		free(graph->workers[i].name);
		free(graph->workers[i].device);
	}
	for (int i = 0; i < graph->n_collectives; i++) {
		free(graph->collectives[i].name);
		free(graph->collectives[i].nodes);
	}
	free(graph->nodes);
	free(graph->edges);
	free(graph->workers);
	free(graph->collectives);
	free(graph->name);
	free(graph->file);
	free(graph->text);
	free(graph);
}

/* strdup that takes NULL for "nothing"; *is_made becomes false when memory is out. */
static char *copy_text(const char *text, bool *is_made)
{
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		*is_made = false;
	return copy;
}

int graph_add_worker(struct graph *graph, const char *name, const char *device, int line)
{
	for (int i = 0; i < graph->n_workers; i++) {
		const struct graph_worker *worker = &graph->workers[i];
		if (strcmp(worker->name, name) == 0 && (!device || strcmp(worker->device, device) == 0))
			return i;
	}
	if (!grow_array(&graph->workers, graph->n_workers, sizeof(*graph->workers)))
		return -1;
	bool is_made = true;
	struct graph_worker worker = {
		.name = copy_text(name, &is_made),
		.device = copy_text(device ? device : GRAPH_DEVICE_DEFAULT, &is_made),
		.line = line,
		.device_line = device ? line : 0,
	};
	if (!is_made) {
		free(worker.name);
		free(worker.device);
		return -1;
	}
	graph->workers[graph->n_workers] = worker;
	return graph->n_workers++;
}

int graph_add_node(struct graph *graph, const char *name, const char *op_name, int worker_idx, int line)
{
	if (!grow_array(&graph->nodes, graph->n_nodes, sizeof(*graph->nodes)))
		return -1;
	bool is_made = true;
	struct graph_node node = {
		.name = copy_text(name, &is_made),
		.op_name = copy_text(op_name, &is_made),
		.worker_idx = worker_idx,
		.line = line,
		.op_line = line,
		.collective_idx = -1,
	};
	if (!is_made) {
		node_finish(&node);
		return -1;
	}
	graph->nodes[graph->n_nodes] = node;
	return graph->n_nodes++;
}

int graph_node_set(struct graph *graph, int node_idx, const char *key, const char *value, int line)
{
	struct graph_node *node = &graph->nodes[node_idx];
	int n = node->n_params;
	if (!grow_array(&node->params, n, sizeof(*node->params))
		|| !grow_array(&node->param_infos, n, sizeof(*node->param_infos)))
		return -1;
	bool is_made = true;
	struct op_param param = { .name = copy_text(key, &is_made), .value = copy_text(value, &is_made) };
	if (!is_made) {
		free((char *)param.name);
		free((char *)param.value);
		return -1;
	}
	node->params[n] = param;
	node->param_infos[n] = (struct graph_param_info){ .line = line };
	return node->n_params++;
}

int graph_add_edge(struct graph *graph, int src, int dst, const char *from, const char *arg, bool is_control, int line)
{
	if (!grow_array(&graph->edges, graph->n_edges, sizeof(*graph->edges)))
		return -1;
	bool is_made = true;
	struct graph_edge edge = {
		.src = src,
		.dst = dst,
		.from = copy_text(from, &is_made),
		.arg = copy_text(arg, &is_made),
		.is_control = is_control,
		.line = line,
		.src_output = -1,
		.dst_input = -1,
	};
	if (!is_made) {
		edge_finish(&edge);
		return -1;
	}
	graph->edges[graph->n_edges] = edge;
	return graph->n_edges++;
}

int graph_find_node(const struct graph *graph, const char *name)
{
	for (int i = 0; i < graph->n_nodes; i++) {
		if (strcmp(graph->nodes[i].name, name) == 0)
			return i;
	}
	return -1;
}

int graph_find_worker(const struct graph *graph, const char *name)
{
	for (int i = 0; i < graph->n_workers; i++) {
		if (strcmp(graph->workers[i].name, name) == 0)
			return i;
	}
	return -1;
}
