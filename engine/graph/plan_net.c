/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_net: builds the marked graph of a plan and measures token distances in it, for 64 sources at a time.
 */
#include "engine/graph/plan_net.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void add_place(struct plan_net *net, int from_node, int to_node, int tokens, enum plan_place_kind kind, int detail)
{
	net->places[net->n_places++] = (struct plan_place){
		.from = net->transitions[from_node], .to = net->transitions[to_node],
		.from_node = from_node, .to_node = to_node, .tokens = tokens, .kind = kind, .detail = detail,
	};
}

static void add_order(struct plan_net *net, const struct plan *plan)
{
	for (int w = GRAPH_DRIVER + 1; w < plan->graph->n_workers; w++) {
		const struct plan_worker *worker = &plan->workers[w];
		for (int i = 0; i + 1 < worker->n_nodes; i++)
			add_place(net, worker->nodes[i], worker->nodes[i + 1], 0, PLAN_PLACE_ORDER, w);
		if (worker->n_nodes)
			add_place(net, worker->nodes[worker->n_nodes - 1], worker->nodes[0], 1, PLAN_PLACE_ORDER, w);
	}
}

static void add_capacities(struct plan_net *net, const struct plan *plan, enum plan_net_capacities capacities)
{
	for (int w = 0; w < plan->graph->n_workers; w++) {
		for (int i = 0; i < plan->workers[w].n_steps; i++) {
			const struct plan_step *step = &plan->workers[w].steps[i];
			if (step->kind != PLAN_STEP_RELEASE)
				continue;
			const struct plan_channel *storage = &plan->channels[step->channel];
			if (capacities == PLAN_NET_ALL || storage->depth_is_given)
				add_place(net, step->node, storage->node, storage->depth, PLAN_PLACE_CAPACITY,
					step->channel);
		}
	}
}

static void number_transitions(struct plan_net *net, const struct graph *graph)
{
	for (int i = 0; i < graph->n_nodes; i++) {
		int collective = graph->nodes[i].collective_idx;
		const struct graph_collective *ranks = collective < 0 ? NULL : &graph->collectives[collective];
		net->transitions[i] = -1;
		for (int r = 0; ranks && r < ranks->n_ranks && net->transitions[i] < 0; r++)
			net->transitions[i] = ranks->nodes[r] < i ? net->transitions[ranks->nodes[r]] : -1;
		if (net->transitions[i] < 0)
			net->transitions[i] = net->n_transitions++;
	}
}

static bool sort_places(struct plan_net *net)
{
	struct plan_place *sorted = calloc((size_t)net->n_places + 1, sizeof *sorted);
	net->first = calloc((size_t)net->n_transitions + 2, sizeof *net->first);
	if (!sorted || !net->first) {
		free(sorted);
		return false;
	}
	/* As in plan_links: starts one place further on, moved by filling. */
	int *starts = net->first + 1;
	for (int i = 0; i < net->n_places; i++)
		starts[net->places[i].from + 1]++;
	for (int i = 1; i < net->n_transitions; i++)
		starts[i] += starts[i - 1];
	for (int i = 0; i < net->n_places; i++)
		sorted[starts[net->places[i].from]++] = net->places[i];
	free(net->places);
	net->places = sorted;
	return true;
}

static bool sort_transitions(struct plan_net *net)
{
	net->topology = calloc((size_t)net->n_transitions + 1, sizeof *net->topology);
	int *n_missing = calloc((size_t)net->n_transitions + 1, sizeof *n_missing);
	if (!net->topology || !n_missing) {
		free(n_missing);
		return false;
	}
	for (int i = 0; i < net->n_places; i++)
		n_missing[net->places[i].to] += net->places[i].tokens == 0;
	for (int i = 0; i < net->n_transitions; i++) {
		if (!n_missing[i])
			net->topology[net->n_live++] = i;
	}
	for (int i = 0; i < net->n_live; i++) {
		int from = net->topology[i];
		for (int p = net->first[from]; p < net->first[from + 1]; p++) {
			const struct plan_place *place = &net->places[p];
			if (place->tokens == 0 && --n_missing[place->to] == 0)
				net->topology[net->n_live++] = place->to;
		}
	}
	free(n_missing);
	return true;
}

bool plan_net_init(struct plan_net *net, const struct plan *plan, enum plan_net_capacities capacities, int in_flight)
{
	const struct graph *graph = plan->graph;
	size_t n_most = (size_t)graph->n_edges + (size_t)graph->n_nodes + (size_t)graph->n_workers + 1;
	for (int w = 0; w < graph->n_workers; w++)
		n_most += (size_t)plan->workers[w].n_steps;
	*net = (struct plan_net){
		.transitions = calloc((size_t)graph->n_nodes, sizeof *net->transitions),
		.places = calloc(n_most, sizeof *net->places),
	};
	if (!net->transitions || !net->places)
		return false;
	number_transitions(net, graph);
	for (int i = 0; i < graph->n_edges; i++)
		add_place(net, graph->edges[i].src, graph->edges[i].dst, 0, PLAN_PLACE_DATA, i);
	add_order(net, plan);
	add_capacities(net, plan, capacities);
	add_place(net, GRAPH_OUTPUT, GRAPH_INPUT, in_flight, PLAN_PLACE_IN_FLIGHT, 0);
	return sort_places(net) && sort_transitions(net);
}

void plan_net_finish(struct plan_net *net)
{
	free(net->transitions);
	free(net->places);
	free(net->first);
	free(net->topology);
	*net = (struct plan_net){ 0 };
}

/* Bits arriving at a transition when so many tokens are spent. */
struct arrival {
	int to, next; /* next arrival at the same number of tokens; -1 ends */
	uint64_t bits;
};

struct search {
	const struct plan_net *net;
	uint64_t *reached, *fresh; /* [n_transitions] a bit for each source */
	int *arrivals_at;          /* [limit] first arrival; -1 when none */
	struct arrival *arrivals;
	int n_arrivals, capacity;
	int limit;
};

static bool add_arrival(struct search *search, int tokens, int to, uint64_t bits)
{
	if (search->n_arrivals == search->capacity) {
		int capacity = search->capacity ? search->capacity * 2 : 256;
		struct arrival *arrivals = realloc(search->arrivals, (size_t)capacity * sizeof *arrivals);
		if (!arrivals)
			return false;
		search->arrivals = arrivals;
		search->capacity = capacity;
	}
	search->arrivals[search->n_arrivals] = (struct arrival){ to, search->arrivals_at[tokens], bits };
	search->arrivals_at[tokens] = search->n_arrivals++;
	return true;
}

/* Spreads all that arrives with `tokens` over the places without tokens. */
static bool spread(struct search *search, int tokens)
{
	const struct plan_net *net = search->net;
	for (int i = search->arrivals_at[tokens]; i >= 0; i = search->arrivals[i].next)
		search->fresh[search->arrivals[i].to] |= search->arrivals[i].bits;
	for (int i = 0; i < net->n_live; i++) {
		int at = net->topology[i];
		uint64_t bits = search->fresh[at] & ~search->reached[at];
		search->fresh[at] = 0;
		search->reached[at] |= bits;
		for (int p = net->first[at]; bits && p < net->first[at + 1]; p++) {
			const struct plan_place *place = &net->places[p];
			if (place->tokens == 0)
				search->fresh[place->to] |= bits;
			else if (place->tokens < search->limit - tokens
				&& !add_arrival(search, tokens + place->tokens, place->to, bits))
				return false;
		}
	}
	return true;
}

static bool measure_batch(struct search *search, struct plan_pair *pairs, int n_pairs)
{
	size_t n = (size_t)search->net->n_transitions;
	memset(search->reached, 0, n * sizeof *search->reached);
	memset(search->fresh, 0, n * sizeof *search->fresh);
	for (int i = 0; i < search->limit; i++)
		search->arrivals_at[i] = -1;
	search->n_arrivals = 0;
	for (int i = 0; i < n_pairs; i++) {
		pairs[i].tokens = search->limit;
		if (!add_arrival(search, 0, pairs[i].from, UINT64_C(1) << i))
			return false;
	}
	int n_open = n_pairs;
	for (int tokens = 0; tokens < search->limit && n_open; tokens++) {
		if (search->arrivals_at[tokens] < 0)
			continue;
		if (!spread(search, tokens))
			return false;
		for (int i = 0; i < n_pairs; i++) {
			if (pairs[i].tokens == search->limit && search->reached[pairs[i].to] >> i & 1) {
				pairs[i].tokens = tokens;
				n_open--;
			}
		}
	}
	return true;
}

bool plan_net_distances(const struct plan_net *net, struct plan_pair *pairs, int n_pairs, int limit)
{
	size_t n = (size_t)net->n_transitions + 1;
	struct search search = { .net = net, .limit = limit };
	search.reached = calloc(n, sizeof *search.reached);
	search.fresh = calloc(n, sizeof *search.fresh);
	search.arrivals_at = calloc((size_t)limit + 1, sizeof *search.arrivals_at);
	bool is_made = search.reached && search.fresh && search.arrivals_at;
	for (int i = 0; i < n_pairs && is_made; i += 64)
		is_made = measure_batch(&search, pairs + i, n_pairs - i < 64 ? n_pairs - i : 64);
	free(search.arrivals);
	free(search.arrivals_at);
	free(search.fresh);
	free(search.reached);
	return is_made;
}
