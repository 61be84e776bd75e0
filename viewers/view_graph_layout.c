/* SPDX-License-Identifier: Apache-2.0
 *
 * view_graph_layout: from a run's nodes and edges to boxes and lines: how wide boxes are, what stands in one layer, and whether each worker
 * gets columns of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "traces/db.h"
#include "viewers/view_graph_private.h"

#define FULL_CELLS (GRAPH_NAME_CELLS + 4)
#define FULL_ROWS 4
#define CONTROL_BUNDLE (-1)

void view_graph_layout_finish(struct view_graph *graph)
{
	free(graph->nodes);
	free(graph->edges);
	free(graph->is_control);
	free(graph->group_widths);
	if (graph->has_layers)
		layers_finish(&graph->layers);
	node_times_finish(&graph->times);
	graph->nodes = NULL;
	graph->edges = NULL;
	graph->is_control = NULL;
	graph->group_widths = NULL;
	graph->has_layers = false;
	graph->timeline = NULL;
}

static int count_hosts(const struct timeline *timeline)
{
	int n = 0;
	while (n < timeline->n_lanes && timeline->lanes[n].kind == TIMELINE_HOST)
		n++;
	return n;
}

/* Ranks of a collective stand in one layer: the set is called after the first of them. */
static int collective_set(const struct timeline *timeline, int node)
{
	const char *name = timeline->nodes[node].collective;
	for (int i = 0; i <= node && name; i++) {
		if (timeline->nodes[i].collective && strcmp(timeline->nodes[i].collective, name) == 0)
			return i;
	}
	return LAYERS_NONE;
}

static int cut(int cells)
{
	return cells < GRAPH_NAME_CELLS ? cells : GRAPH_NAME_CELLS;
}

static void size_boxes(struct view_graph *graph, const struct timeline *timeline)
{
	for (int i = 0; i < timeline->n_nodes; i++)
		graph->nodes[i].width = graph->is_compact ? cut(canvas_text_width(timeline->nodes[i].name)) + 2 : FULL_CELLS;
	for (int i = 0; i < count_hosts(timeline); i++) {
		const struct timeline_lane *lane = &timeline->lanes[i];
		graph->group_widths[i] = 1 + canvas_text_width(lane->name) + (lane->device ? canvas_text_width(lane->device) + 1 : 0);
	}
}

/* Which output an edge comes from says what belongs to one wire; control edges come from none. */
static int read_outputs(struct view_graph *graph, const struct timeline *timeline, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(timeline->trace->db, "SELECT src_output FROM edge WHERE run = ? ORDER BY id", NULL, error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, timeline->run);
	for (int i = 0; status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row && i < timeline->n_edges; i++) {
		graph->is_control[i] = db_column_type(stmt, 0) == DB_NULL;
		graph->edges[i].bundle = graph->is_control[i] ? CONTROL_BUNDLE : (int)db_column_int(stmt, 0);
	}
	db_finish(stmt);
	return status;
}

static int read_graph(struct view_graph *graph, struct timeline *timeline, struct error *error)
{
	graph->nodes = calloc((size_t)timeline->n_nodes + 1, sizeof(*graph->nodes));
	graph->edges = calloc((size_t)timeline->n_edges + 1, sizeof(*graph->edges));
	graph->is_control = calloc((size_t)timeline->n_edges + 1, sizeof(bool));
	graph->group_widths = calloc((size_t)timeline->n_lanes + 1, sizeof(int));
	if (!graph->nodes || !graph->edges || !graph->is_control || !graph->group_widths)
		return error_set(error, STATUS_NO_MEMORY, "no memory for a graph of %d nodes", timeline->n_nodes);
	for (int i = 0; i < timeline->n_nodes; i++)
		graph->nodes[i] = (struct layers_node){ 0, timeline->nodes[i].lane >= 0 ? timeline->nodes[i].lane : 0,
			collective_set(timeline, i) };
	for (int i = 0; i < timeline->n_edges; i++)
		graph->edges[i] = (struct layers_edge){ timeline->edges[i].src, timeline->edges[i].dst, 0 };
	int status = read_outputs(graph, timeline, error);
	return status == STATUS_OK ? node_times_read(timeline, &graph->times, error) : status;
}

static int make(struct view_graph *graph, struct timeline *timeline, bool is_by_worker, struct error *error)
{
	const struct layers_graph request = { .nodes = graph->nodes, .edges = graph->edges, .n_nodes = timeline->n_nodes,
		.n_edges = timeline->n_edges, .box_height = graph->is_compact ? 1 : FULL_ROWS, .gap_height = graph->is_compact ? 1 : 2,
		.is_by_group = is_by_worker, .n_groups = count_hosts(timeline), .group_widths = graph->group_widths };
	struct layers layers;
	int status = layers_make(&request, error, &layers);
	if (status != STATUS_OK)
		return status;
	if (graph->has_layers)
		layers_finish(&graph->layers);
	graph->layers = layers;
	graph->has_layers = true;
	graph->is_by_worker = is_by_worker;
	graph->n_hidden = layers.n_left_out;
	for (int i = 0; i < timeline->n_edges; i++)
		graph->n_hidden -= graph->edges[i].src == graph->edges[i].dst;
	return STATUS_OK;
}

int view_graph_layout(struct view_graph *graph, struct timeline *timeline, int width, struct error *error)
{
	if (graph->timeline == timeline && graph->has_layers && (graph->width == width || graph->arrangement != GRAPH_AUTO))
		return STATUS_OK;
	int status = STATUS_OK;
	if (graph->timeline != timeline) {
		view_graph_layout_finish(graph);
		status = read_graph(graph, timeline, error);
		graph->timeline = status == STATUS_OK ? timeline : NULL;
	}
	if (status != STATUS_OK)
		return status;
	size_boxes(graph, timeline);
	graph->width = width;
	status = make(graph, timeline, graph->arrangement != GRAPH_FREE, error);
	if (status == STATUS_OK && graph->arrangement == GRAPH_AUTO && graph->layers.width > width)
		status = make(graph, timeline, false, error);
	return status;
}
