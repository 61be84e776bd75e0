/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_channels: channels, storages, releasers.
 */
#include "engine/graph/plan_channels.h"

#include <stdlib.h>

/* What is known about a channel while the plan is made. */
struct channel_note {
	int worker;          /* storages: the one worker of the whole group; -1 when there are several */
	bool is_forced;      /* storages: an edge asks for shm */
	bool is_exclusive;   /* one reader here and at each level up to the storage */
	int wanted_depth;    /* storages: largest depth given by a node that shares it */
};

struct maker {
	struct plan *plan;
	const struct graph *graph;
	const int *topology;
	int *outputs;        /* [n_nodes + 1] first place of the node in `places`: its outputs, then control */
	int *places;         /* number of readers first, then the channel; -1 when there is none */
	struct channel_note *notes; /* [n_channels] */
};

static int worker_of(const struct graph *graph, int node)
{
	return graph->nodes[node].worker_idx;
}

static bool crosses(const struct graph *graph, const struct graph_edge *edge)
{
	return worker_of(graph, edge->src) != worker_of(graph, edge->dst);
}

static bool moves(const struct graph *graph, const struct graph_edge *edge)
{
	return !edge->is_control || crosses(graph, edge);
}

static int *place_of(const struct maker *maker, const struct graph_edge *edge)
{
	int output = edge->is_control ? maker->graph->nodes[edge->src].n_outputs : edge->src_output;
	return &maker->places[maker->outputs[edge->src] + output];
}

static int check_transports(const struct graph *graph, struct error *error)
{
	for (int i = 0; i < graph->n_edges; i++) {
		const struct graph_edge *edge = &graph->edges[i];
		if (edge->transport == TRANSPORT_LOCAL && crosses(graph, edge))
			return error_set(error, STATUS_GRAPH,
				"%s:%d: edge %s: transport=local cannot lead from worker %s to worker %s; "
				"leave it out or give transport=shm",
				graph->file ? graph->file : "graph", edge->line, edge->name,
				graph->workers[worker_of(graph, edge->src)].name,
				graph->workers[worker_of(graph, edge->dst)].name);
	}
	return STATUS_OK;
}

static bool count_readers(struct maker *maker)
{
	const struct graph *graph = maker->graph;
	maker->outputs = calloc((size_t)graph->n_nodes + 1, sizeof *maker->outputs);
	if (!maker->outputs)
		return false;
	for (int i = 0; i < graph->n_nodes; i++)
		maker->outputs[i + 1] = maker->outputs[i] + graph->nodes[i].n_outputs + 1;
	maker->places = calloc((size_t)maker->outputs[graph->n_nodes], sizeof *maker->places);
	if (!maker->places)
		return false;
	for (int i = 0; i < graph->n_edges; i++) {
		if (moves(graph, &graph->edges[i]))
			++*place_of(maker, &graph->edges[i]);
	}
	for (int i = 0; i < maker->outputs[graph->n_nodes]; i++)
		maker->plan->n_channels += maker->places[i] > 0;
	return true;
}

static bool add_channel(struct maker *maker, int node, int output, int *place, int idx)
{
	const struct graph *graph = maker->graph;
	struct plan_channel *channel = &maker->plan->channels[idx];
	bool is_control = output == graph->nodes[node].n_outputs;
	*channel = (struct plan_channel){
		.node = node,
		.output = is_control ? -1 : output,
		.storage = idx,
		.payload_bytes = is_control ? 0 : type_bound_bytes(&graph->nodes[node].outputs[output], &graph->symbols),
		.reader_edges = calloc((size_t)*place, sizeof *channel->reader_edges),
	};
	*place = idx;
	return channel->reader_edges;
}

static bool make_channels(struct maker *maker)
{
	const struct graph *graph = maker->graph;
	struct plan *plan = maker->plan;
	plan->channels = calloc((size_t)plan->n_channels + 1, sizeof *plan->channels);
	plan->edge_channels = calloc((size_t)graph->n_edges + 1, sizeof *plan->edge_channels);
	maker->notes = calloc((size_t)plan->n_channels + 1, sizeof *maker->notes);
	if (!plan->channels || !plan->edge_channels || !maker->notes)
		return false;
	int n = 0;
	for (int i = 0; i < graph->n_nodes; i++) {
		int node = maker->topology[i];
		for (int output = 0; output <= graph->nodes[node].n_outputs; output++) {
			int *place = &maker->places[maker->outputs[node] + output];
			if (!*place)
				*place = -1;
			else if (!add_channel(maker, node, output, place, n++))
				return false;
		}
	}
	for (int i = 0; i < graph->n_edges; i++) {
		const struct graph_edge *edge = &graph->edges[i];
		plan->edge_channels[i] = moves(graph, edge) ? *place_of(maker, edge) : -1;
		if (plan->edge_channels[i] < 0)
			continue;
		struct plan_channel *channel = &plan->channels[plan->edge_channels[i]];
		channel->reader_edges[channel->n_readers++] = i;
	}
	return true;
}

/* The channel whose slots the channel's node could pass on; -1 when it must have its own. */
static int passed_on(const struct maker *maker, const struct plan_channel *channel)
{
	const struct graph_node *node = &maker->graph->nodes[channel->node];
	if (!node->op || channel->output != 0 || !node->n_inputs || !(node->op->caps & (OP_FORWARD | OP_INPLACE)))
		return -1;
	int source = maker->plan->edge_channels[node->input_edges[0]];
	if (source > maker->places[maker->outputs[channel->node]])
		return -1; /* a circle through a collective: the plan will be refused */
	const struct plan_channel *storage = &maker->plan->channels[maker->plan->channels[source].storage];
	bool may_pass = node->op->caps & OP_FORWARD || maker->notes[source].is_exclusive;
	return may_pass && channel->payload_bytes <= storage->payload_bytes ? source : -1;
}

static void share_storages(struct maker *maker)
{
	const struct graph *graph = maker->graph;
	for (int i = 0; i < maker->plan->n_channels; i++) {
		struct plan_channel *channel = &maker->plan->channels[i];
		struct channel_note *note = &maker->notes[i];
		int source = passed_on(maker, channel), depth = graph->nodes[channel->node].depth;
		note->is_exclusive = channel->n_readers == 1 && (source < 0 || maker->notes[source].is_exclusive);
		note->worker = worker_of(graph, channel->node);
		note->wanted_depth = depth;
		if (source < 0)
			continue;
		channel->storage = maker->plan->channels[source].storage;
		channel->is_overwritten = !(graph->nodes[channel->node].op->caps & OP_FORWARD);
		struct channel_note *group = &maker->notes[channel->storage];
		bool is_fixed = graph->nodes[maker->plan->channels[channel->storage].node].depth > 0;
		if (!is_fixed && depth > group->wanted_depth)
			group->wanted_depth = depth;
	}
}

/* Finds for each storage whether one worker has it all to itself, and gives transports and depths to the group. */
static void choose_transports(struct maker *maker)
{
	const struct graph *graph = maker->graph;
	struct plan *plan = maker->plan;
	for (int i = 0; i < plan->n_channels; i++) {
		struct plan_channel *channel = &plan->channels[i];
		struct channel_note *group = &maker->notes[channel->storage];
		if (worker_of(graph, channel->node) != group->worker)
			group->worker = -1;
		for (int r = 0; r < channel->n_readers; r++) {
			const struct graph_edge *edge = &graph->edges[channel->reader_edges[r]];
			if (worker_of(graph, edge->dst) != group->worker)
				group->worker = -1;
			group->is_forced = group->is_forced || edge->transport == TRANSPORT_SHM;
		}
	}
	for (int i = 0; i < plan->n_channels; i++) {
		struct plan_channel *channel = &plan->channels[i];
		const struct channel_note *group = &maker->notes[channel->storage];
		bool is_local = group->worker > GRAPH_DRIVER && !group->is_forced;
		channel->transport = is_local ? TRANSPORT_LOCAL : TRANSPORT_SHM;
		channel->depth = group->wanted_depth > 0 ? group->wanted_depth : is_local;
		channel->depth_is_given = group->wanted_depth > 0;
	}
}

/* Whether the node's output 0 lies in `storage`: then those who read that output hold the slot for it. */
static bool shares(const struct maker *maker, int node, int storage)
{
	int own = maker->graph->nodes[node].n_outputs ? maker->places[maker->outputs[node]] : -1;
	return own >= 0 && maker->plan->channels[own].output == 0 && maker->plan->channels[own].storage == storage;
}

static int compare_pairs(const void *a, const void *b)
{
	int64_t p = *(const int64_t *)a, q = *(const int64_t *)b;
	return p < q ? -1 : p > q;
}

/* Pairs (storage, worker) of readers that pass nothing on, sorted; returns how many different ones. */
static int list_releasers(const struct maker *maker, int64_t *pairs)
{
	const struct graph *graph = maker->graph;
	int n = 0, n_different = 0;
	for (int i = 0; i < graph->n_edges; i++) {
		int channel = maker->plan->edge_channels[i], dst = graph->edges[i].dst;
		int storage = channel < 0 ? -1 : maker->plan->channels[channel].storage;
		if (storage >= 0 && !shares(maker, dst, storage))
			pairs[n++] = (int64_t)storage * graph->n_workers + worker_of(graph, dst);
	}
	qsort(pairs, (size_t)n, sizeof *pairs, compare_pairs);
	for (int i = 0; i < n; i++) {
		if (i == 0 || pairs[i] != pairs[n_different - 1])
			pairs[n_different++] = pairs[i];
	}
	return n_different;
}

static bool find_releasers(struct maker *maker)
{
	const struct graph *graph = maker->graph;
	int64_t *pairs = calloc((size_t)graph->n_edges + 1, sizeof *pairs);
	if (!pairs)
		return false;
	int n = list_releasers(maker, pairs);
	bool is_made = true;
	for (int first = 0, end; first < n && is_made; first = end) {
		int64_t storage_idx = pairs[first] / graph->n_workers;
		for (end = first; end < n && pairs[end] / graph->n_workers == storage_idx;)
			end++;
		struct plan_channel *storage = &maker->plan->channels[storage_idx];
		storage->releasers = calloc((size_t)(end - first), sizeof *storage->releasers);
		is_made = storage->releasers;
		for (int i = first; i < end && is_made; i++)
			storage->releasers[storage->n_releasers++] = (int)(pairs[i] % graph->n_workers);
	}
	free(pairs);
	return is_made;
}

int plan_channels(struct plan *plan, const int *topology, struct error *error)
{
	struct maker maker = { .plan = plan, .graph = plan->graph, .topology = topology };
	int status = check_transports(plan->graph, error);
	if (status != STATUS_OK)
		return status;
	bool is_made = count_readers(&maker) && make_channels(&maker);
	if (is_made) {
		share_storages(&maker);
		choose_transports(&maker);
		is_made = find_releasers(&maker);
	}
	free(maker.notes);
	free(maker.places);
	free(maker.outputs);
	if (!is_made)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the channels of %d nodes", plan->graph->n_nodes);
	return STATUS_OK;
}
