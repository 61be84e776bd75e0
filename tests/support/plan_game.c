/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_game: agents with program counters; the driver is two of them.
 */
#include "tests/support/plan_game.h"

#include <stdlib.h>

/* Who runs a list of steps over and over: a worker, or one half of the driver. */
struct agent {
	const struct plan_step *steps;
	int n_steps, at, pass;
};

struct play {
	const struct plan *plan;
	const struct plan_game *game;
	struct agent *agents;  /* [n_workers + 1] input, output, then the workers */
	int *written;          /* [n_channels] */
	int *released;         /* [n_channels][n_workers] by releaser */
	int *computed;         /* [n_nodes] */
	int *arrived;          /* [n_nodes] passes in which the node stood at its collective */
	bool is_submitting;    /* the greedy caller is inside submit */
	int n_violations;
};

static void *zeros(size_t n)
{
	void *memory = calloc(n + 1, sizeof(int));
	if (!memory)
		abort();
	return memory;
}

static int *released_by(const struct play *play, int storage, int releaser)
{
	return &play->released[storage * play->plan->graph->n_workers + releaser];
}

static bool has_slot(const struct play *play, int storage, int pass)
{
	const struct plan_channel *channel = &play->plan->channels[storage];
	if (play->game->has_free_slots && !channel->depth_is_given)
		return true;
	for (int i = 0; i < channel->n_releasers; i++) {
		if (pass - *released_by(play, storage, i) >= channel->depth)
			return false;
	}
	return true;
}

static bool all_ranks_arrived(const struct play *play, int collective_idx, int pass)
{
	const struct graph_collective *collective = &play->plan->graph->collectives[collective_idx];
	for (int i = 0; i < collective->n_ranks; i++) {
		if (play->arrived[collective->nodes[i]] <= pass)
			return false;
	}
	return true;
}

static bool can_compute(struct play *play, int node, int pass)
{
	const struct graph *graph = play->plan->graph;
	play->arrived[node] = pass + 1;
	if (node == play->game->frozen_node)
		return false;
	if (graph->nodes[node].collective_idx >= 0 && !all_ranks_arrived(play, graph->nodes[node].collective_idx, pass))
		return false;
	for (int i = 0; i < graph->nodes[node].n_inputs; i++)
		play->n_violations += play->written[play->plan->edge_channels[graph->nodes[node].input_edges[i]]] <= pass;
	play->computed[node]++;
	return true;
}

/* Whoever reads a channel of the group must be done with the message that lies in the slot. */
static void check_slot(struct play *play, int storage, int pass)
{
	const struct plan *plan = play->plan;
	int old = pass - plan->channels[storage].depth;
	if (old < 0 || play->game->has_free_slots)
		return;
	for (int c = 0; c < plan->n_channels; c++) {
		for (int r = 0; plan->channels[c].storage == storage && r < plan->channels[c].n_readers; r++)
			play->n_violations +=
				play->computed[plan->graph->edges[plan->channels[c].reader_edges[r]].dst] <= old;
	}
}

static bool play_step(struct play *play, const struct plan_step *step, int pass)
{
	switch (step->kind) {
	case PLAN_STEP_READ:
		return play->written[step->channel] > pass;
	case PLAN_STEP_RESERVE:
		return has_slot(play, step->channel, pass);
	case PLAN_STEP_COMPUTE:
		return can_compute(play, step->node, pass);
	case PLAN_STEP_WRITE:
		if (play->plan->channels[step->channel].storage == step->channel)
			check_slot(play, step->channel, pass);
		play->written[step->channel]++;
		return true;
	case PLAN_STEP_RELEASE:
		++*released_by(play, step->channel, step->reader);
		return true;
	case PLAN_STEP_COUNT:
		break;
	}
	abort();
}

static bool may_begin(struct play *play, int agent_idx)
{
	const struct agent *input = &play->agents[0], *output = &play->agents[1];
	int n_in_flight = input->pass - output->pass;
	bool can_submit = input->pass < play->game->n_passes && n_in_flight < play->game->in_flight;
	if (agent_idx == 0) {
		play->is_submitting = can_submit;
		return can_submit;
	}
	return agent_idx > 1 || !play->game->is_greedy || (!can_submit && !play->is_submitting && n_in_flight > 0);
}

/* As many steps as possible; returns whether there were any. */
static bool play_agent(struct play *play, int agent_idx)
{
	struct agent *agent = &play->agents[agent_idx];
	bool has_moved = false;
	while (agent->n_steps && agent->pass < play->game->n_passes) {
		if (agent->at == 0 && !may_begin(play, agent_idx))
			break;
		if (!play_step(play, &agent->steps[agent->at], agent->pass))
			break;
		has_moved = true;
		if (++agent->at < agent->n_steps)
			continue;
		agent->at = 0;
		agent->pass++;
		if (agent_idx == 0)
			play->is_submitting = false;
	}
	return has_moved;
}

static void set_agents(struct play *play)
{
	const struct plan *plan = play->plan;
	const struct plan_worker *driver = &plan->workers[GRAPH_DRIVER];
	int n_input = 0;
	while (n_input < driver->n_steps && driver->steps[n_input].node == GRAPH_INPUT)
		n_input++;
	play->agents[0] = (struct agent){ .steps = driver->steps, .n_steps = n_input };
	play->agents[1] = (struct agent){ .steps = driver->steps + n_input, .n_steps = driver->n_steps - n_input };
	for (int w = 1; w < plan->graph->n_workers; w++)
		play->agents[w + 1] = (struct agent){ .steps = plan->workers[w].steps, .n_steps = plan->workers[w].n_steps };
}

struct plan_outcome plan_play(const struct plan *plan, const struct plan_game *game, int watched)
{
	const struct graph *graph = plan->graph;
	struct play play = { .plan = plan, .game = game };
	play.agents = calloc((size_t)graph->n_workers + 1, sizeof *play.agents);
	if (!play.agents)
		abort();
	play.written = zeros((size_t)plan->n_channels);
	play.released = zeros((size_t)plan->n_channels * (size_t)graph->n_workers);
	play.computed = zeros((size_t)graph->n_nodes);
	play.arrived = zeros((size_t)graph->n_nodes);
	set_agents(&play);
	for (bool has_moved = true; has_moved;) {
		has_moved = false;
		for (int i = 0; i <= graph->n_workers; i++)
			has_moved = play_agent(&play, i) || has_moved;
	}
	struct plan_outcome outcome = { .n_finished = play.agents[1].pass, .n_written = play.written[watched],
		.n_violations = play.n_violations };
	free(play.arrived);
	free(play.computed);
	free(play.released);
	free(play.written);
	free(play.agents);
	return outcome;
}
