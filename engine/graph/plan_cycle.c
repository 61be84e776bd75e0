/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_cycle: searches the marked graph of a plan for cycles that stop it.
 */
#include "engine/graph/plan_cycle.h"

#include <stdlib.h>
#include <string.h>

#include "engine/graph/plan_heap.h"
#include "engine/graph/plan_net.h"

/* Starts tried for a shorter cycle; each costs a search of the part of the net that stands still. */
#define CYCLE_STARTS_MAX 512

struct finder {
	const struct plan_net *net;
	bool *is_stuck;   /* [n_transitions] on a token-free cycle or behind one */
	int *before;      /* [n_transitions] place from a stuck transition into this one; -1 when it is not stuck */
	int *via;         /* [n_transitions] place over which a search reached the transition; -1 when it did not */
	int *queue;       /* [n_transitions] */
	int *best;        /* [n_transitions] places of the shortest cycle so far, backwards */
	int n_best;
};

static bool finder_init(struct finder *finder, const struct plan_net *net)
{
	size_t n = (size_t)net->n_transitions;
	*finder = (struct finder){ .net = net, .n_best = net->n_transitions + 1 };
	finder->is_stuck = calloc(n, sizeof *finder->is_stuck);
	finder->before = calloc(n, sizeof *finder->before);
	finder->via = calloc(n, sizeof *finder->via);
	finder->queue = calloc(n, sizeof *finder->queue);
	finder->best = calloc(n, sizeof *finder->best);
	return finder->is_stuck && finder->before && finder->via && finder->queue && finder->best;
}

static void finder_finish(struct finder *finder)
{
	free(finder->best);
	free(finder->queue);
	free(finder->via);
	free(finder->before);
	free(finder->is_stuck);
}

/* A transition on some cycle: whoever is stuck waits for another that is stuck, so going back from any ends on a cycle. */
static int find_any(struct finder *finder)
{
	const struct plan_net *net = finder->net;
	int at = -1;
	for (int i = 0; i < net->n_transitions; i++) {
		finder->is_stuck[i] = true;
		finder->before[i] = -1;
	}
	for (int i = 0; i < net->n_live; i++)
		finder->is_stuck[net->topology[i]] = false;
	for (int i = net->n_places - 1; i >= 0; i--) {
		const struct plan_place *place = &net->places[i];
		if (place->tokens == 0 && finder->is_stuck[place->from]) {
			finder->before[place->to] = i;
			at = place->to;
		}
	}
	for (int i = 0; i < net->n_transitions && at >= 0; i++)
		at = net->places[finder->before[at]].from;
	return at;
}

static void keep_cycle(struct finder *finder, int last)
{
	int n = 0, at = finder->net->places[last].from, start = finder->net->places[last].to;
	for (int p = last;; p = finder->via[at], at = finder->net->places[p].from) {
		finder->queue[n++] = p;
		if (at == start)
			break;
	}
	if (n >= finder->n_best)
		return;
	finder->n_best = n;
	memcpy(finder->best, finder->queue, (size_t)n * sizeof *finder->best);
}

/* Breadth first from `start` over places without tokens among the stuck, until it comes back. */
static void search_from(struct finder *finder, int start)
{
	const struct plan_net *net = finder->net;
	int n_queue = 0;
	for (int i = 0; i < net->n_transitions; i++)
		finder->via[i] = -1;
	finder->queue[n_queue++] = start;
	for (int i = 0; i < n_queue; i++) {
		int at = finder->queue[i];
		for (int p = net->first[at]; p < net->first[at + 1]; p++) {
			const struct plan_place *place = &net->places[p];
			if (place->tokens > 0 || !finder->is_stuck[place->to])
				continue;
			if (place->to == start) {
				keep_cycle(finder, p);
				return;
			}
			if (finder->via[place->to] < 0) {
				finder->via[place->to] = p;
				finder->queue[n_queue++] = place->to;
			}
		}
	}
}

/* The places of a short cycle, in the order of their direction. */
static int find_stuck_cycle(struct finder *finder, int *places)
{
	int start = find_any(finder);
	if (start < 0)
		return 0;
	int at = start;
	for (int i = 0; i < CYCLE_STARTS_MAX && (i == 0 || at != start); i++) {
		search_from(finder, at);
		at = finder->net->places[finder->before[at]].from;
	}
	for (int i = 0; i < finder->n_best; i++)
		places[i] = finder->best[finder->n_best - 1 - i];
	return finder->n_best;
}

/* The way from output back to input with the fewest tokens (Dijkstra 1959). */
static int find_limit(struct finder *finder, int *places)
{
	const struct plan_net *net = finder->net;
	int from = net->transitions[GRAPH_OUTPUT], to = net->transitions[GRAPH_INPUT];
	struct plan_heap heap = PLAN_HEAP_INIT;
	bool *is_done = finder->is_stuck;
	int64_t *tokens = malloc((size_t)net->n_transitions * sizeof *tokens);
	bool is_made = tokens && plan_heap_push(&heap, 0, from);
	for (int i = 0; i < net->n_transitions && is_made; i++) {
		tokens[i] = i == from ? 0 : INT64_MAX;
		is_done[i] = false;
		finder->via[i] = -1;
	}
	while (is_made && heap.n) {
		int at = plan_heap_pop(&heap);
		if (is_done[at])
			continue;
		is_done[at] = true;
		for (int p = net->first[at]; p < net->first[at + 1] && is_made; p++) {
			const struct plan_place *place = &net->places[p];
			if (tokens[at] + place->tokens >= tokens[place->to])
				continue;
			tokens[place->to] = tokens[at] + place->tokens;
			finder->via[place->to] = p;
			is_made = plan_heap_push(&heap, tokens[place->to], place->to);
		}
	}
	int n = 0;
	for (int at = to; is_made && at != from; at = net->places[finder->via[at]].from)
		finder->queue[n++] = finder->via[at];
	for (int i = 0; i < n; i++)
		places[i] = finder->queue[n - 1 - i];
	free(tokens);
	plan_heap_finish(&heap);
	return is_made ? n : -1;
}

/* Joins places to hops; where one ends at another rank than the next begins, the two ranks wait for each other. */
static int make_hops(const struct plan *plan, const struct plan_net *net, const int *places, int n, struct plan_hop *hops)
{
	int n_hops = 0;
	for (int i = 0; i < n; i++) {
		const struct plan_place *place = &net->places[places[i]], *next = &net->places[places[(i + 1) % n]];
		hops[n_hops++] = (struct plan_hop){ place->from_node, place->to_node, place->kind, place->detail };
		if (place->to == next->from && place->to_node != next->from_node)
			hops[n_hops++] = (struct plan_hop){ place->to_node, next->from_node, PLAN_PLACE_RENDEZVOUS,
				plan->graph->nodes[place->to_node].collective_idx };
	}
	return n_hops;
}

static int free_order_holds_more(const struct plan *plan, bool *ret_is_so)
{
	struct graph graph = *plan->graph;
	bool has_order = false;
	*ret_is_so = false;
	graph.nodes = calloc((size_t)graph.n_nodes, sizeof *graph.nodes);
	if (!graph.nodes)
		return STATUS_NO_MEMORY;
	memcpy(graph.nodes, plan->graph->nodes, (size_t)graph.n_nodes * sizeof *graph.nodes);
	for (int i = 0; i < graph.n_nodes; i++) {
		has_order = has_order || graph.nodes[i].has_order;
		graph.nodes[i].has_order = false;
	}
	struct plan *freed = NULL;
	struct plan_options options = { .in_flight = plan->in_flight_asked };
	int status = has_order ? plan_make(&graph, &options, NULL, &freed) : STATUS_OK;
	*ret_is_so = freed && freed->in_flight > plan->in_flight;
	plan_destroy(freed);
	free(graph.nodes);
	return status == STATUS_NO_MEMORY ? STATUS_NO_MEMORY : STATUS_OK;
}

/* Searches the net: for a cycle without a token, or for what limits the executions in flight. Returns the number of places,
 * 0 when there is nothing; -1 when memory is out. */
typedef int search_fn(struct finder *finder, int *places);

static int search(const struct plan *plan, enum plan_net_capacities capacities, search_fn *find, int *ret_n_hops,
	struct plan_hop **ret_hops)
{
	struct plan_net net;
	struct finder finder = { 0 };
	int n = -1;
	bool is_made = plan_net_init(&net, plan, capacities, plan->in_flight_asked) && finder_init(&finder, &net);
	int *places = calloc((size_t)net.n_transitions + 1, sizeof *places);
	struct plan_hop *hops = calloc(2 * (size_t)net.n_transitions + 2, sizeof *hops);
	if (is_made && places && hops)
		n = find(&finder, places);
	if (n > 0) {
		*ret_n_hops = make_hops(plan, &net, places, n, hops);
		*ret_hops = hops;
	} else {
		free(hops);
	}
	free(places);
	finder_finish(&finder);
	plan_net_finish(&net);
	return n < 0 ? STATUS_NO_MEMORY : STATUS_OK;
}

int plan_cycle_find(const struct plan *plan, int *ret_n_hops, struct plan_hop **ret_hops)
{
	bool is_limited = false;
	*ret_n_hops = 0;
	*ret_hops = NULL;
	int status = search(plan, PLAN_NET_ALL, find_stuck_cycle, ret_n_hops, ret_hops);
	if (status == STATUS_OK && !*ret_n_hops && plan->in_flight < plan->in_flight_asked)
		status = free_order_holds_more(plan, &is_limited);
	if (status != STATUS_OK || !is_limited)
		return status;
	status = search(plan, PLAN_NET_GIVEN, find_limit, ret_n_hops, ret_hops);
	if (status == STATUS_OK)
		(*ret_hops)[(*ret_n_hops)++] = (struct plan_hop){ GRAPH_INPUT, GRAPH_OUTPUT, PLAN_PLACE_IN_FLIGHT, 0 };
	return status;
}
