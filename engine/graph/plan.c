/* SPDX-License-Identifier: Apache-2.0
 *
 * plan: puts the parts of compilation together: program order, channels, steps, depths.
 */
#include "engine/graph/plan.h"

#include <stdlib.h>

#include "engine/graph/plan_channels.h"
#include "engine/graph/plan_depth.h"
#include "engine/graph/plan_order.h"
#include "engine/graph/plan_steps.h"
#include "engine/graph/slot.h"

#define PLAN_BYTES_MAX (UINT64_C(1) << 46) /* what a process can map beside everything else */
#define PLAN_IN_FLIGHT_MAX (1 << 20)
#define PLAN_DEPTH_MAX (1 << 20)

static const char *const step_words[PLAN_STEP_COUNT] = {
#define X(name, word) [PLAN_STEP_##name] = word,
	PLAN_STEP_MAP(X)
#undef X
};

const char *plan_step_word(enum plan_step_kind kind)
{
	return step_words[kind];
}

size_t plan_slot_bytes(const struct plan_channel *channel)
{
	return slot_bytes(channel->payload_bytes);
}

size_t plan_channel_bytes(const struct plan *plan, int channel_idx)
{
	const struct plan_channel *channel = &plan->channels[channel_idx];
	size_t bytes = channel->storage == channel_idx ? plan_slot_bytes(channel) : slot_bytes(0);
	return bytes * (size_t)channel->depth;
}

size_t plan_total_bytes(const struct plan *plan)
{
	size_t total = 0;
	for (int i = 0; i < plan->n_channels; i++)
		total += plan_channel_bytes(plan, i);
	return total;
}

static bool place_nodes(struct plan *plan, const int *sequence)
{
	const struct graph *graph = plan->graph;
	for (int i = 0; i < graph->n_nodes; i++)
		plan->workers[graph->nodes[i].worker_idx].n_nodes++;
	for (int w = 0; w < graph->n_workers; w++) {
		plan->workers[w].nodes = calloc((size_t)plan->workers[w].n_nodes + 1, sizeof *plan->workers[w].nodes);
		if (!plan->workers[w].nodes)
			return false;
		plan->workers[w].n_nodes = 0;
	}
	for (int i = 0; i < graph->n_nodes; i++) {
		struct plan_worker *worker = &plan->workers[graph->nodes[sequence[i]].worker_idx];
		plan->positions[sequence[i]] = worker->n_nodes;
		worker->nodes[worker->n_nodes++] = sequence[i];
	}
	return true;
}

static int no_memory(const struct graph *graph, struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory to plan %d nodes", graph->n_nodes);
}

static int check_sizes(const struct plan *plan, struct error *error)
{
	const struct graph *graph = plan->graph;
	const char *file = graph->file ? graph->file : "graph";
	uint64_t total = 0;
	for (int i = 0; i < plan->n_channels; i++) {
		const struct plan_channel *channel = &plan->channels[i];
		const struct graph_node *node = &graph->nodes[channel->node];
		if (channel->depth > PLAN_DEPTH_MAX)
			return error_set(error, STATUS_GRAPH,
				"%s:%d: node '%s': depth=%d is more than the %d slots that a channel can have", file,
				node->line, node->name, channel->depth, PLAN_DEPTH_MAX);
		if (channel->payload_bytes < PLAN_BYTES_MAX)
			total += plan_channel_bytes(plan, i);
		if (channel->payload_bytes >= PLAN_BYTES_MAX || total >= PLAN_BYTES_MAX)
			return error_set(error, STATUS_GRAPH,
				"%s:%d: node '%s': its slots (%d of %zu bytes) are more than can be mapped; "
				"give smaller bounds, less depth or fewer executions in flight",
				file, node->line, node->name, channel->depth, channel->payload_bytes);
	}
	return STATUS_OK;
}

static int fill(struct plan *plan, int *topology, int *sequence, struct error *error)
{
	int status = plan_order(plan->graph, topology, sequence, error);
	if (status != STATUS_OK)
		return status;
	if (!place_nodes(plan, sequence))
		return no_memory(plan->graph, error);
	status = plan_channels(plan, topology, error);
	if (status != STATUS_OK)
		return status;
	if (!plan_steps(plan) || !plan_depth(plan))
		return no_memory(plan->graph, error);
	return check_sizes(plan, error);
}

int plan_make(const struct graph *graph, const struct plan_options *options, struct error *error, struct plan **ret_plan)
{
	int in_flight = options->in_flight > 0 ? options->in_flight : 2 * (graph->n_workers > 1 ? graph->n_workers - 1 : 1);
	if (in_flight > PLAN_IN_FLIGHT_MAX)
		return error_set(error, STATUS_GRAPH, "%d executions in flight are more than the %d that a plan can hold",
			in_flight, PLAN_IN_FLIGHT_MAX);
	struct plan *plan = calloc(1, sizeof *plan);
	int *topology = calloc((size_t)graph->n_nodes, sizeof *topology);
	int *sequence = calloc((size_t)graph->n_nodes, sizeof *sequence);
	int status = STATUS_NO_MEMORY;
	if (plan) {
		*plan = (struct plan){
			.graph = graph, .in_flight = in_flight, .in_flight_asked = in_flight,
			.workers = calloc((size_t)graph->n_workers, sizeof *plan->workers),
			.positions = calloc((size_t)graph->n_nodes, sizeof *plan->positions),
		};
	}
	if (plan && topology && sequence && plan->workers && plan->positions)
		status = fill(plan, topology, sequence, error);
	else
		no_memory(graph, error);
	free(sequence);
	free(topology);
	if (status == STATUS_OK)
		*ret_plan = plan;
	else
		plan_destroy(plan);
	return status;
}

void plan_destroy(struct plan *plan)
{
	if (!plan)
		return;
	for (int i = 0; plan->workers && i < plan->graph->n_workers; i++) {
		free(plan->workers[i].steps);
		free(plan->workers[i].nodes);
	}
	for (int i = 0; plan->channels && i < plan->n_channels; i++) {
		free(plan->channels[i].reader_edges);
		free(plan->channels[i].releasers);
	}
	free(plan->workers);
	free(plan->channels);
	free(plan->edge_channels);
	free(plan->positions);
	free(plan);
}
