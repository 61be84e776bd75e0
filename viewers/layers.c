/* SPDX-License-Identifier: Apache-2.0
 *
 * layers: which layer a node belongs to, and which wires there are; then sorting, placing and routing, each in a file of its own. Graphs come
 * from files that anybody may have written: a cycle only leaves lines out, and the number of columns for passing wires is bounded.
 */
#include "viewers/layers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "viewers/layers_private.h"

#define COLUMNS_MAX 200000 /* items for wires that pass layers */

void *layers_alloc(struct layers_work *work, int n, size_t size)
{
	void *memory = calloc((size_t)(n > 0 ? n : 0) + 1, size);
	if (!memory)
		error_set(work->error, STATUS_NO_MEMORY, "no memory to draw a graph of %d nodes", work->graph->n_nodes);
	return memory;
}

/* -- layers ------------------------------------------------------------------------------------------------------------------- */

static bool is_sound(const struct layers_graph *graph, int i)
{
	const struct layers_edge *edge = &graph->edges[i];
	return edge->src >= 0 && edge->src < graph->n_nodes && edge->dst >= 0 && edge->dst < graph->n_nodes && edge->src != edge->dst;
}

struct ranking {
	int *leaders;       /* [n_nodes] the node that stands for its set */
	int *degrees;       /* [n_nodes] edges into the leader's set not yet followed */
	int *first, *edges; /* edges out of a leader's set */
	int *queue;
};

static void find_leaders(const struct layers_graph *graph, struct ranking *ranking, bool keeps_sets, int *firsts)
{
	memset(firsts, -1, (size_t)graph->n_nodes * sizeof(*firsts));
	for (int i = 0; i < graph->n_nodes; i++) {
		int set = graph->nodes[i].level_set;
		ranking->leaders[i] = i;
		if (!keeps_sets || set < 0 || set >= graph->n_nodes)
			continue;
		if (firsts[set] < 0)
			firsts[set] = i;
		ranking->leaders[i] = firsts[set];
	}
}

/* Edges grouped by the leader of their source. */
static void group_edges(const struct layers_graph *graph, struct ranking *ranking)
{
	memset(ranking->degrees, 0, (size_t)graph->n_nodes * sizeof(int));
	memset(ranking->first, 0, ((size_t)graph->n_nodes + 1) * sizeof(int));
	for (int i = 0; i < graph->n_edges; i++) {
		if (is_sound(graph, i)) {
			ranking->first[ranking->leaders[graph->edges[i].src] + 1]++;
			ranking->degrees[ranking->leaders[graph->edges[i].dst]]++;
		}
	}
	for (int i = 0; i < graph->n_nodes; i++)
		ranking->first[i + 1] += ranking->first[i];
	for (int i = graph->n_edges - 1; i >= 0; i--) {
		if (is_sound(graph, i))
			ranking->edges[--ranking->first[ranking->leaders[graph->edges[i].src] + 1]] = i;
	}
	/* The loop above left in first[i + 1] where leader i begins. */
	memmove(ranking->first, ranking->first + 1, (size_t)graph->n_nodes * sizeof(int));
}

static int edges_end(const struct layers_graph *graph, const struct ranking *ranking, int leader, int n_edges)
{
	return leader + 1 < graph->n_nodes ? ranking->first[leader + 1] : n_edges;
}

/* Longest paths. False when there is a cycle: its nodes keep the layers found so far. */
static bool rank(const struct layers_graph *graph, struct ranking *ranking, int *node_layers)
{
	int n_queued = 0, n_edges = 0, n_leaders = 0;
	memset(node_layers, 0, (size_t)graph->n_nodes * sizeof(int));
	for (int i = 0; i < graph->n_edges; i++)
		n_edges += is_sound(graph, i);
	for (int i = 0; i < graph->n_nodes; i++) {
		n_leaders += ranking->leaders[i] == i;
		if (ranking->leaders[i] == i && ranking->degrees[i] == 0)
			ranking->queue[n_queued++] = i;
	}
	for (int at = 0; at < n_queued; at++) {
		int leader = ranking->queue[at];
		for (int k = ranking->first[leader]; k < edges_end(graph, ranking, leader, n_edges); k++) {
			int next = ranking->leaders[graph->edges[ranking->edges[k]].dst];
			if (node_layers[next] < node_layers[leader] + 1)
				node_layers[next] = node_layers[leader] + 1;
			if (--ranking->degrees[next] == 0)
				ranking->queue[n_queued++] = next;
		}
	}
	for (int i = 0; i < graph->n_nodes; i++)
		node_layers[i] = node_layers[ranking->leaders[i]];
	return n_queued == n_leaders;
}

/* A node without inputs stands right above its first reader. */
static void lower_sources(const struct layers_graph *graph, int *node_layers, int *least, int *n_into)
{
	for (int i = 0; i < graph->n_nodes; i++) {
		least[i] = -1;
		n_into[i] = 0;
	}
	for (int i = 0; i < graph->n_edges; i++) {
		if (!is_sound(graph, i))
			continue;
		int src = graph->edges[i].src, above = node_layers[graph->edges[i].dst] - 1;
		n_into[graph->edges[i].dst]++;
		if (least[src] < 0 || above < least[src])
			least[src] = above;
	}
	for (int i = 0; i < graph->n_nodes; i++) {
		if (!n_into[i] && least[i] > node_layers[i] && graph->nodes[i].level_set == LAYERS_NONE)
			node_layers[i] = least[i];
	}
}

static int find_layers(struct layers_work *work)
{
	const struct layers_graph *graph = work->graph;
	int n = graph->n_nodes, status = STATUS_NO_MEMORY;
	struct ranking ranking = { layers_alloc(work, n, sizeof(int)), layers_alloc(work, n, sizeof(int)), layers_alloc(work, n, sizeof(int)),
		layers_alloc(work, graph->n_edges, sizeof(int)), layers_alloc(work, n, sizeof(int)) };
	work->node_layers = layers_alloc(work, n, sizeof(int));
	if (ranking.leaders && ranking.degrees && ranking.first && ranking.edges && ranking.queue && work->node_layers) {
		bool keeps_sets = true;
		do {
			find_leaders(graph, &ranking, keeps_sets, ranking.queue);
			group_edges(graph, &ranking);
		} while (!rank(graph, &ranking, work->node_layers) && keeps_sets && !(keeps_sets = false));
		lower_sources(graph, work->node_layers, ranking.queue, ranking.degrees);
		for (int i = 0; i < n; i++) {
			if (work->node_layers[i] >= work->layers->n_layers)
				work->layers->n_layers = work->node_layers[i] + 1;
		}
		status = STATUS_OK;
	}
	free(ranking.leaders);
	free(ranking.degrees);
	free(ranking.first);
	free(ranking.edges);
	free(ranking.queue);
	return status;
}

/* -- wires -------------------------------------------------------------------------------------------------------------------- */

static int compare_edges(const void *a, const void *b, void *user)
{
	const struct layers_edge *edges = user, *left = &edges[*(const int *)a], *right = &edges[*(const int *)b];
	if (left->src != right->src)
		return left->src < right->src ? -1 : 1;
	if (left->bundle != right->bundle)
		return left->bundle < right->bundle ? -1 : 1;
	if (left->dst != right->dst)
		return left->dst < right->dst ? -1 : 1;
	return *(const int *)a < *(const int *)b ? -1 : 1;
}

/* Edges that lead downwards become wires: consecutive ones, sorted, with one source and bundle. */
static int find_wires(struct layers_work *work)
{
	const struct layers_graph *graph = work->graph;
	struct layers *layers = work->layers;
	int n = 0;
	layers->edge_wires = layers_alloc(work, graph->n_edges, sizeof(int));
	layers->wires = layers_alloc(work, graph->n_edges, sizeof(*layers->wires));
	work->wire_edges = layers_alloc(work, graph->n_edges, sizeof(int));
	work->wire_edges_first = layers_alloc(work, graph->n_edges + 1, sizeof(int));
	work->wire_ends = layers_alloc(work, graph->n_edges, sizeof(int));
	work->wire_items = layers_alloc(work, graph->n_edges, sizeof(int));
	if (!layers->edge_wires || !layers->wires || !work->wire_edges || !work->wire_edges_first || !work->wire_ends || !work->wire_items)
		return STATUS_NO_MEMORY;
	for (int i = 0; i < graph->n_edges; i++) {
		layers->edge_wires[i] = LAYERS_NONE;
		if (is_sound(graph, i) && work->node_layers[graph->edges[i].src] < work->node_layers[graph->edges[i].dst])
			work->wire_edges[n++] = i;
	}
	layers->n_left_out = graph->n_edges - n;
	qsort_r(work->wire_edges, (size_t)n, sizeof(int), compare_edges, (void *)(uintptr_t)graph->edges);
	int n_kept = 0, wire = -1;
	for (int k = 0; k < n; k++) {
		const struct layers_edge *edge = &graph->edges[work->wire_edges[k]];
		bool begins = wire < 0 || layers->wires[wire].src != edge->src || layers->wires[wire].bundle != edge->bundle;
		if (begins) {
			layers->wires[++wire] = (struct layers_wire){ .src = edge->src, .bundle = edge->bundle };
			work->wire_edges_first[wire] = n_kept;
			work->wire_ends[wire] = 0;
		}
		layers->edge_wires[work->wire_edges[k]] = wire;
		if (work->node_layers[edge->dst] > work->wire_ends[wire])
			work->wire_ends[wire] = work->node_layers[edge->dst];
		if (begins || graph->edges[work->wire_edges[n_kept - 1]].dst != edge->dst)
			work->wire_edges[n_kept++] = work->wire_edges[k];
	}
	layers->n_wires = wire + 1;
	work->wire_edges_first[wire + 1] = n_kept;
	return STATUS_OK;
}

static int wire_columns(const struct layers_work *work, int wire)
{
	return work->wire_ends[wire] - work->node_layers[work->layers->wires[wire].src] - 1;
}

/* The longest wires are left out until the rest fits. */
static int limit_wires(struct layers_work *work)
{
	struct layers *layers = work->layers;
	int64_t total = 0;
	int longest = layers->n_layers;
	int *n_of_length = layers_alloc(work, layers->n_layers, sizeof(int));
	if (!n_of_length)
		return STATUS_NO_MEMORY;
	for (int i = 0; i < layers->n_wires; i++) {
		n_of_length[wire_columns(work, i)]++;
		total += wire_columns(work, i);
	}
	for (; total > COLUMNS_MAX; longest--)
		total -= (int64_t)longest * n_of_length[longest];
	free(n_of_length);
	for (int i = 0; i < work->graph->n_edges && longest < layers->n_layers; i++) {
		int wire = layers->edge_wires[i];
		if (wire < 0 || wire_columns(work, wire) <= longest)
			continue;
		layers->edge_wires[i] = LAYERS_NONE;
		layers->n_left_out++;
	}
	for (int i = 0; i < layers->n_wires; i++)
		layers->wires[i].n_hops = wire_columns(work, i) <= longest ? wire_columns(work, i) + 1 : 0;
	return STATUS_OK;
}

/* -- items -------------------------------------------------------------------------------------------------------------------- */

static int make_items(struct layers_work *work)
{
	const struct layers_graph *graph = work->graph;
	const struct layers *layers = work->layers;
	int n = graph->n_nodes;
	for (int i = 0; i < layers->n_wires; i++) {
		work->wire_items[i] = n;
		n += layers->wires[i].n_hops > 0 ? layers->wires[i].n_hops - 1 : 0;
	}
	work->items = layers_alloc(work, n, sizeof(*work->items));
	if (!work->items)
		return STATUS_NO_MEMORY;
	work->n_items = n;
	for (int i = 0; i < graph->n_nodes; i++) {
		int group = graph->nodes[i].group;
		work->items[i] = (struct layers_item){ .layer = work->node_layers[i], .width = graph->nodes[i].width,
			.group = graph->is_by_group && group >= 0 && group < graph->n_groups ? group : 0, .wire = LAYERS_NONE };
	}
	for (int wire = 0; wire < layers->n_wires; wire++) {
		int src = layers->wires[wire].src;
		for (int k = 1; k < layers->wires[wire].n_hops; k++)
			work->items[work->wire_items[wire] + k - 1] = (struct layers_item){ .layer = work->node_layers[src] + k, .width = 1,
				.group = work->items[src].group, .wire = wire };
	}
	return STATUS_OK;
}

/* A box is wide enough for all lines that begin or end at it, a blank between two while that is bearable. */
static int widen_boxes(struct layers_work *work)
{
	const struct layers *layers = work->layers;
	int n = work->graph->n_nodes;
	int *n_lines = layers_alloc(work, 2 * n, sizeof(int));
	if (!n_lines)
		return STATUS_NO_MEMORY;
	for (int wire = 0; wire < layers->n_wires; wire++) {
		if (!layers->wires[wire].n_hops)
			continue;
		n_lines[layers->wires[wire].src]++;
		for (int k = work->wire_edges_first[wire]; k < work->wire_edges_first[wire + 1]; k++)
			n_lines[n + work->graph->edges[work->wire_edges[k]].dst]++;
	}
	for (int i = 0; i < n; i++) {
		int most = n_lines[i] > n_lines[n + i] ? n_lines[i] : n_lines[n + i];
		int width = most <= 20 ? 2 * most + 1 : most + 2;
		if (work->items[i].width < width)
			work->items[i].width = width;
		if (work->items[i].width < 3)
			work->items[i].width = 3;
	}
	free(n_lines);
	return STATUS_OK;
}

static void finish_work(struct layers_work *work)
{
	free(work->node_layers);
	free(work->items);
	free(work->wire_items);
	free(work->wire_ends);
	free(work->wire_edges_first);
	free(work->wire_edges);
	for (int i = 0; i < 2; i++) {
		free(work->links[i].first);
		free(work->links[i].items);
	}
	free(work->order_first);
	free(work->order);
}

int layers_make(const struct layers_graph *graph, struct error *error, struct layers *ret_layers)
{
	struct layers_work work = { .graph = graph, .layers = ret_layers, .error = error };
	*ret_layers = (struct layers){ .n_nodes = graph->n_nodes, .n_groups = graph->is_by_group ? graph->n_groups : 0,
		.box_height = graph->box_height };
	int status = find_layers(&work);
	if (status == STATUS_OK)
		status = find_wires(&work);
	if (status == STATUS_OK)
		status = limit_wires(&work);
	if (status == STATUS_OK)
		status = make_items(&work);
	if (status == STATUS_OK)
		status = widen_boxes(&work);
	if (status == STATUS_OK)
		status = layers_sort(&work);
	if (status == STATUS_OK)
		status = layers_place(&work);
	if (status == STATUS_OK)
		status = layers_route(&work);
	finish_work(&work);
	if (status != STATUS_OK)
		layers_finish(ret_layers);
	return status;
}

void layers_finish(struct layers *layers)
{
	free(layers->boxes);
	free(layers->gap_y);
	free(layers->gap_heights);
	free(layers->wires);
	free(layers->hops);
	free(layers->targets);
	free(layers->gap_first);
	free(layers->gap_hops);
	free(layers->edge_wires);
	free(layers->group_x);
	free(layers->group_width);
	*layers = (struct layers){ 0 };
}
