/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_depth: picks depths by token distances in the plan's marked graph.
 */
#include "engine/graph/plan_depth.h"

#include <stdlib.h>

#include "engine/graph/plan_net.h"

/* One pair for each RELEASE of a storage without depth, and output → input at the end; returns how many. */
static int list_pairs(const struct plan *plan, const struct plan_net *net, struct plan_pair *pairs, int *storages)
{
	int n = 0;
	for (int w = 0; w < plan->graph->n_workers; w++) {
		for (int i = 0; i < plan->workers[w].n_steps; i++) {
			const struct plan_step *step = &plan->workers[w].steps[i];
			if (step->kind != PLAN_STEP_RELEASE || plan->channels[step->channel].depth_is_given)
				continue;
			storages[n] = step->channel;
			pairs[n++] = (struct plan_pair){
				.from = net->transitions[step->node],
				.to = net->transitions[plan->channels[step->channel].node],
			};
		}
	}
	storages[n] = -1;
	pairs[n++] = (struct plan_pair){ .from = net->transitions[GRAPH_OUTPUT], .to = net->transitions[GRAPH_INPUT] };
	return n;
}

static void set_depths(struct plan *plan, const struct plan_pair *pairs, const int *storages, int n)
{
	for (int i = 0; i < n; i++) {
		if (storages[i] < 0) {
			plan->in_flight = pairs[i].tokens;
			continue;
		}
		struct plan_channel *storage = &plan->channels[storages[i]];
		storage->depth = pairs[i].tokens > storage->depth ? pairs[i].tokens : storage->depth;
	}
	for (int i = 0; i < plan->n_channels; i++)
		plan->channels[i].depth = plan->channels[plan->channels[i].storage].depth;
}

bool plan_depth(struct plan *plan)
{
	int n_most = 1;
	for (int w = 0; w < plan->graph->n_workers; w++)
		n_most += plan->workers[w].n_steps;
	struct plan_net net;
	struct plan_pair *pairs = calloc((size_t)n_most, sizeof *pairs);
	int *storages = calloc((size_t)n_most, sizeof *storages);
	bool is_made = plan_net_init(&net, plan, PLAN_NET_GIVEN, plan->in_flight_asked) && pairs && storages;
	if (is_made) {
		int n = list_pairs(plan, &net, pairs, storages);
		bool is_live = net.n_live == net.n_transitions;
		for (int i = 0; i < n; i++)
			pairs[i].tokens = plan->in_flight_asked;
		is_made = !is_live || plan_net_distances(&net, pairs, n, plan->in_flight_asked);
		if (is_made)
			set_depths(plan, pairs, storages, n);
	}
	plan_net_finish(&net);
	free(storages);
	free(pairs);
	return is_made;
}
