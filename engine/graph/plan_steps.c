/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_steps: expands program order into reads, reservations, computations, writes and releases.
 */
#include "engine/graph/plan_steps.h"

#include <stdlib.h>

#include "engine/graph/plan_links.h"

struct stepper {
	struct plan *plan;
	struct plan_links in;
	int *own_channels;  /* [n_nodes] first channel of the node: its channels are neighbours; -1 when it has none */
	int *read_by;       /* [n_channels] last worker that has a READ for it */
	int *last_reader;   /* [n_channels] storages: last node on this worker that reads its group; -1: none, or done */
};

static void add(struct plan_worker *worker, struct plan_step step)
{
	worker->steps[worker->n_steps++] = step;
}

static int place_in_releasers(const struct plan_channel *storage, int worker)
{
	for (int i = 0; i < storage->n_releasers; i++) {
		if (storage->releasers[i] == worker)
			return i;
	}
	return -1;
}

/* Edges into a node, n of them; *ret_storage is that of edge k, or -1 when nothing moves. */
static int edge_into(const struct stepper *stepper, int node, int k, int *ret_storage)
{
	int edge = stepper->in.items[stepper->in.first[node] + k];
	int channel = stepper->plan->edge_channels[edge];
	*ret_storage = channel < 0 ? -1 : stepper->plan->channels[channel].storage;
	return edge;
}

static int n_edges_into(const struct stepper *stepper, int node)
{
	return stepper->in.first[node + 1] - stepper->in.first[node];
}

static void add_reads(struct stepper *stepper, int worker, int node)
{
	const struct graph *graph = stepper->plan->graph;
	for (int k = 0; k < n_edges_into(stepper, node); k++) {
		int storage, edge = edge_into(stepper, node, k, &storage);
		int channel = stepper->plan->edge_channels[edge];
		bool is_near = graph->nodes[graph->edges[edge].src].worker_idx == worker && worker != GRAPH_DRIVER;
		if (channel < 0 || is_near || stepper->read_by[channel] == worker)
			continue;
		stepper->read_by[channel] = worker;
		add(&stepper->plan->workers[worker],
			(struct plan_step){ PLAN_STEP_READ, .node = node, .channel = channel, .edge = edge, .reader = -1 });
	}
}

/* A step for each of the node's channels, or for each that is a shared storage. */
static void add_outputs(struct stepper *stepper, int worker, int node, enum plan_step_kind kind)
{
	const struct plan *plan = stepper->plan;
	for (int c = stepper->own_channels[node]; c >= 0 && c < plan->n_channels && plan->channels[c].node == node; c++) {
		const struct plan_channel *channel = &plan->channels[c];
		if (kind == PLAN_STEP_WRITE || (channel->storage == c && channel->transport != TRANSPORT_LOCAL))
			add(&plan->workers[worker],
				(struct plan_step){ .kind = kind, .node = node, .channel = c, .edge = -1, .reader = -1 });
	}
}

static void add_releases(struct stepper *stepper, int worker, int node)
{
	for (int k = 0; k < n_edges_into(stepper, node); k++) {
		int storage;
		edge_into(stepper, node, k, &storage);
		if (storage < 0 || stepper->last_reader[storage] != node)
			continue;
		stepper->last_reader[storage] = -1;
		const struct plan_channel *channel = &stepper->plan->channels[storage];
		int reader = channel->transport == TRANSPORT_LOCAL ? -1 : place_in_releasers(channel, worker);
		if (reader >= 0)
			add(&stepper->plan->workers[worker], (struct plan_step){
				.kind = PLAN_STEP_RELEASE, .node = node, .channel = storage, .edge = -1, .reader = reader });
	}
}

static bool make_worker(struct stepper *stepper, int worker_idx)
{
	struct plan_worker *worker = &stepper->plan->workers[worker_idx];
	size_t n_most = (size_t)worker->n_nodes;
	for (int i = 0; i < worker->n_nodes; i++) {
		int node = worker->nodes[i];
		n_most += 2 * (size_t)n_edges_into(stepper, node)
			+ 2 * ((size_t)stepper->plan->graph->nodes[node].n_outputs + 1);
		for (int k = 0; k < n_edges_into(stepper, node); k++) {
			int storage;
			edge_into(stepper, node, k, &storage);
			if (storage >= 0)
				stepper->last_reader[storage] = node;
		}
	}
	worker->steps = calloc(n_most + 1, sizeof *worker->steps);
	if (!worker->steps)
		return false;
	for (int i = 0; i < worker->n_nodes; i++) {
		int node = worker->nodes[i];
		add_reads(stepper, worker_idx, node);
		add_outputs(stepper, worker_idx, node, PLAN_STEP_RESERVE);
		add(worker, (struct plan_step){ PLAN_STEP_COMPUTE, .node = node, .channel = -1, .edge = -1, .reader = -1 });
		add_releases(stepper, worker_idx, node);
		add_outputs(stepper, worker_idx, node, PLAN_STEP_WRITE);
	}
	return true;
}

bool plan_steps(struct plan *plan)
{
	struct stepper stepper = { .plan = plan };
	size_t n_channels = (size_t)plan->n_channels + 1;
	stepper.own_channels = calloc((size_t)plan->graph->n_nodes, sizeof *stepper.own_channels);
	stepper.read_by = calloc(n_channels, sizeof *stepper.read_by);
	stepper.last_reader = calloc(n_channels, sizeof *stepper.last_reader);
	bool is_made = plan_links_init(&stepper.in, plan->graph, PLAN_LINKS_IN) && stepper.own_channels && stepper.read_by
		&& stepper.last_reader;
	if (is_made) {
		for (int i = 0; i < plan->graph->n_nodes; i++)
			stepper.own_channels[i] = -1;
		for (int i = plan->n_channels - 1; i >= 0; i--) {
			stepper.own_channels[plan->channels[i].node] = i;
			stepper.read_by[i] = stepper.last_reader[i] = -1;
		}
	}
	for (int i = 0; i < plan->graph->n_workers && is_made; i++)
		is_made = make_worker(&stepper, i);
	plan_links_finish(&stepper.in);
	free(stepper.last_reader);
	free(stepper.read_by);
	free(stepper.own_channels);
	return is_made;
}
