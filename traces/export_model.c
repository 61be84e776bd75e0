/* SPDX-License-Identifier: Apache-2.0
 *
 * export_model: reading a run's layout.
 */
#include "traces/export_model.h"

#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph.h"

static int no_memory(struct export *export)
{
	return error_set(export->error, STATUS_NO_MEMORY, "no memory for the layout of the run");
}

static char *copy_text(struct db_stmt *stmt, int column)
{
	const char *text = db_column_text(stmt, column);
	return strdup(text ? text : "");
}

/* Grows by doubling: room for item `n`. */
static void *room(void *items, int n, size_t item_bytes)
{
	if (n & (n - 1))
		return items;
	void *grown = realloc(items, (n ? 2 * (size_t)n : 1) * item_bytes);
	return grown ? memset((char *)grown + n * item_bytes, 0, (n ? (size_t)n : 1) * item_bytes), grown : NULL;
}

/* Rows are in the order of ids, which the collector gives out one after the other. */
#define FINDER(thing, items, n_items)                                                       \
	int export_model_##thing(const struct export_model *model, int64_t id)              \
	{                                                                                   \
		int low = 0, high = model->n_items;                                         \
		int64_t guess = high ? id - model->items[0].id : -1;                        \
		if (guess >= 0 && guess < high && model->items[guess].id == id)             \
			return (int)guess;                                                  \
		while (low < high) {                                                        \
			int middle = low + (high - low) / 2;                                \
			if (model->items[middle].id < id)                                   \
				low = middle + 1;                                           \
			else                                                                \
				high = middle;                                              \
		}                                                                           \
		return low < model->n_items && model->items[low].id == id ? low : -1;       \
	}
FINDER(node, nodes, n_nodes)
FINDER(edge, edges, n_edges)
FINDER(channel, channels, n_channels)
FINDER(lane, lanes, n_lanes)
#undef FINDER

int export_model_lane_of_worker(const struct export_model *model, int64_t worker)
{
	for (int i = 0; i < model->n_lanes; i++) {
		if (model->lanes[i].worker == worker)
			return i;
	}
	return -1;
}

/* -- rows ------------------------------------------------------------------------------------------------------------- */

static bool read_lane(struct export_model *model, struct db_stmt *stmt)
{
	struct export_lane *lanes = room(model->lanes, model->n_lanes, sizeof(*lanes));
	if (!lanes)
		return false;
	model->lanes = lanes;
	struct export_lane *lane = &lanes[model->n_lanes++];
	*lane = (struct export_lane){ .id = db_column_int(stmt, 0), .worker = db_column_int(stmt, 1),
		.label = copy_text(stmt, 2), .n_lost = db_column_int(stmt, 3) };
	return lane->label;
}

static bool read_node(struct export_model *model, struct db_stmt *stmt)
{
	struct export_node *nodes = room(model->nodes, model->n_nodes, sizeof(*nodes));
	if (!nodes)
		return false;
	model->nodes = nodes;
	struct export_node *node = &nodes[model->n_nodes++];
	*node = (struct export_node){ .id = db_column_int(stmt, 0), .name = copy_text(stmt, 1), .op = copy_text(stmt, 2),
		.worker = db_column_int(stmt, 3), .is_input = db_column_int(stmt, 4) == GRAPH_INPUT,
		.is_output = db_column_int(stmt, 4) == GRAPH_OUTPUT };
	return node->name && node->op;
}

static bool add_index(int **indices, int *n, int idx)
{
	for (int i = 0; i < *n; i++) {
		if ((*indices)[i] == idx)
			return true;
	}
	int *grown = room(*indices, *n, sizeof(*grown));
	if (!grown)
		return false;
	*indices = grown;
	grown[(*n)++] = idx;
	return true;
}

static bool read_channel(struct export_model *model, struct db_stmt *stmt)
{
	int writer = export_model_node(model, db_column_int(stmt, 2));
	if (writer < 0)
		return true;
	struct export_channel *channels = room(model->channels, model->n_channels, sizeof(*channels));
	if (!channels)
		return false;
	model->channels = channels;
	struct export_channel *channel = &channels[model->n_channels++];
	*channel = (struct export_channel){ .id = db_column_int(stmt, 0), .name = copy_text(stmt, 1), .writer = writer,
		.depth = db_column_int(stmt, 3), .bytes = db_column_int(stmt, 4) };
	struct export_node *node = &model->nodes[writer];
	node->bytes += channel->bytes;
	return channel->name && add_index(&node->written, &node->n_written, model->n_channels - 1);
}

static bool connect(struct export_model *model, const struct export_edge *edge)
{
	struct export_node *src = &model->nodes[edge->src], *dst = &model->nodes[edge->dst];
	int idx = model->n_edges - 1;
	if (!edge->is_peer && (!add_index(&src->out, &src->n_out, idx) || !add_index(&dst->in, &dst->n_in, idx)))
		return false;
	if (edge->channel < 0)
		return true;
	struct export_channel *channel = &model->channels[edge->channel];
	return add_index(&channel->readers, &channel->n_readers, edge->dst) && add_index(&dst->read, &dst->n_read, edge->channel);
}

static bool read_edge(struct export_model *model, struct db_stmt *stmt)
{
	int src = export_model_node(model, db_column_int(stmt, 2)), dst = export_model_node(model, db_column_int(stmt, 3));
	if (src < 0 || dst < 0)
		return true;
	struct export_edge *edges = room(model->edges, model->n_edges, sizeof(*edges));
	if (!edges)
		return false;
	model->edges = edges;
	struct export_edge *edge = &edges[model->n_edges++];
	*edge = (struct export_edge){ .id = db_column_int(stmt, 0), .name = copy_text(stmt, 1), .src = src, .dst = dst,
		.channel = export_model_channel(model, db_column_int(stmt, 4)), .is_peer = db_column_int(stmt, 5) };
	if (edge->channel >= 0)
		edge->bytes = model->channels[edge->channel].bytes;
	return edge->name && connect(model, edge);
}

static const struct {
	const char *sql;
	bool (*read)(struct export_model *model, struct db_stmt *stmt);
} parts[] = {
	{ "SELECT l.id, l.worker, w.name || coalesce(' (' || d.name || ')', ''), (SELECT coalesce(sum(o.n_records), 0) FROM loss o"
	  " WHERE o.worker = w.id) FROM lane l JOIN worker w ON w.id = l.worker LEFT JOIN device d ON d.id = w.device"
	  " WHERE l.run = ?1 AND l.kind = 'host' ORDER BY l.id", read_lane },
	{ "SELECT id, name, coalesce(op, 'caller'), worker, idx FROM node WHERE run = ?1 ORDER BY id", read_node },
	{ "SELECT id, name, node, depth, payload_bytes FROM channel WHERE run = ?1 ORDER BY id", read_channel },
	{ "SELECT id, name, src, dst, channel, is_peer FROM edge WHERE run = ?1 ORDER BY id", read_edge },
};

int export_model_load(struct export *export, const struct trace_run *run, struct export_model *ret_model)
{
	int status = STATUS_OK;
	*ret_model = (struct export_model){ .run = run };
	for (size_t i = 0; status == STATUS_OK && i < ARRAY_LEN(parts); i++) {
		struct db_stmt *stmt = NULL;
		bool has_row = false;
		status = export_prepare(export, parts[i].sql, run->id, &stmt);
		while (status == STATUS_OK && (status = export_step(export, stmt, &has_row)) == STATUS_OK && has_row) {
			if (!parts[i].read(ret_model, stmt))
				status = no_memory(export);
		}
		db_finish(stmt);
	}
	return status;
}

void export_model_finish(struct export_model *model)
{
	for (int i = 0; i < model->n_lanes; i++)
		free(model->lanes[i].label);
	for (int i = 0; i < model->n_nodes; i++) {
		struct export_node *node = &model->nodes[i];
		void *const memory[] = { node->name, node->op, node->out, node->in, node->written, node->read };
		for (size_t k = 0; k < ARRAY_LEN(memory); k++)
			free(memory[k]);
	}
	for (int i = 0; i < model->n_edges; i++)
		free(model->edges[i].name);
	for (int i = 0; i < model->n_channels; i++) {
		free(model->channels[i].name);
		free(model->channels[i].readers);
	}
	free(model->lanes);
	free(model->nodes);
	free(model->edges);
	free(model->channels);
	*model = (struct export_model){ 0 };
}
