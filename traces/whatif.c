/* SPDX-License-Identifier: Apache-2.0
 *
 * whatif: the net of a run, and the maximum cycle ratio: a guess is raised to the ratio of any cycle that beats it until none does
 * (Lawler 1976, with the cycle's own ratio in place of bisection, so that the result is exact).
 */
#include "traces/whatif.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph.h"

#define WHATIF_EPSILON_NS 1e-3

/* -- maximum cycle ratio ---------------------------------------------------------------------------------------------------- */

struct search {
	const struct whatif_place *places;
	int n_places, n_transitions;
	double *length_ns; /* longest way found to each transition */
	int *place;        /* by which it came; -1: none */
	int *mark;
};

/* A transition on a cycle of the ways found so far, or -1. */
static int find_cycle(struct search *search)
{
	for (int i = 0; i < search->n_transitions; i++)
		search->mark[i] = -1;
	for (int i = 0; i < search->n_transitions; i++) {
		int at = i;
		while (search->mark[at] < 0 && search->place[at] >= 0) {
			search->mark[at] = i;
			at = search->places[search->place[at]].from;
		}
		if (search->mark[at] == i)
			return at;
		if (search->mark[at] < 0)
			search->mark[at] = i;
		if (search->place[at] < 0)
			search->mark[at] = search->n_transitions; /* a beginning, which is on no cycle */
	}
	return -1;
}

/* A cycle with time - ratio × tokens > 0, as a transition on it; -1 when there is none. */
static int find_better(struct search *search, double ratio)
{
	for (int i = 0; i < search->n_transitions; i++) {
		search->length_ns[i] = 0;
		search->place[i] = -1;
	}
	for (int pass = 0; pass <= search->n_transitions; pass++) {
		bool is_changed = false;
		for (int i = 0; i < search->n_places; i++) {
			const struct whatif_place *place = &search->places[i];
			double ns = search->length_ns[place->from] + place->ns - ratio * place->tokens;
			if (ns <= search->length_ns[place->to] + WHATIF_EPSILON_NS)
				continue;
			search->length_ns[place->to] = ns;
			search->place[place->to] = i;
			is_changed = true;
		}
		if (!is_changed)
			return -1;
		int at = find_cycle(search);
		if (at >= 0)
			return at;
	}
	return -1;
}

static double ratio_of(const struct search *search, int start, int32_t *cycle, int *ret_n)
{
	double ns = 0, tokens = 0;
	int at = start, n = 0;
	do {
		const struct whatif_place *place = &search->places[search->place[at]];
		ns += place->ns;
		tokens += place->tokens;
		if (cycle)
			cycle[n] = place->to;
		n++;
		at = place->from;
	} while (at != start);
	for (int i = 0; cycle && i < n / 2; i++) {
		int32_t other = cycle[i];
		cycle[i] = cycle[n - 1 - i];
		cycle[n - 1 - i] = other;
	}
	if (ret_n)
		*ret_n = n;
	return tokens > 0 ? ns / tokens : INFINITY;
}

double whatif_max_cycle_ratio(const struct whatif_place *places, int n_places, int n_transitions, int32_t *cycle, int *ret_n)
{
	struct search search = { .places = places, .n_places = n_places, .n_transitions = n_transitions };
	size_t n = (size_t)n_transitions + 1;
	double ratio = 0;
	search.length_ns = malloc(n * sizeof(double));
	search.place = malloc(n * sizeof(int));
	search.mark = malloc(n * sizeof(int));
	if (ret_n)
		*ret_n = 0;
	if (!search.length_ns || !search.place || !search.mark)
		ratio = -1;
	for (int at; ratio >= 0 && isfinite(ratio) && (at = find_better(&search, ratio)) >= 0;) {
		double better = ratio_of(&search, at, cycle, ret_n);
		if (!(better > ratio))
			break;
		ratio = better;
	}
	free(search.length_ns);
	free(search.place);
	free(search.mark);
	return ratio;
}

/* -- the net of a run ------------------------------------------------------------------------------------------------------- */

struct net {
	const struct critical_run *run;
	const double *work_ns, *delivery_ns;
	struct whatif_place *places;
	int n_places;
};

static void add_place(struct net *net, int32_t from, int32_t to, double ns, int64_t tokens)
{
	net->places[net->n_places++] = (struct whatif_place){ .from = from, .to = to, .ns = ns,
		.tokens = tokens > INT32_MAX ? INT32_MAX : (int32_t)tokens };
}

static int compare_positions(const struct critical_run *run, int32_t a, int32_t b)
{
	if (run->nodes[a].position != run->nodes[b].position)
		return run->nodes[a].position < run->nodes[b].position ? -1 : 1;
	return (a > b) - (a < b);
}

/* A worker's nodes in program order into `order`. */
static int32_t list_nodes(const struct critical_run *run, int32_t worker, int32_t *order)
{
	int32_t n = 0;
	for (int32_t i = 0; i < run->n_nodes; i++) {
		if (run->nodes[i].worker != worker)
			continue;
		int32_t k = n++;
		for (; k > 0 && compare_positions(run, order[k - 1], i) > 0; k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	return n;
}

/* One at a time: round the program order, or where none is fixed as a turn that takes all of it. */
static void add_worker(struct net *net, int32_t worker, int32_t *order)
{
	int32_t n = list_nodes(net->run, worker, order);
	double sum_ns = 0;
	for (int32_t i = 0; i < n; i++)
		sum_ns += net->work_ns[order[i]];
	if (worker == GRAPH_DRIVER || !net->run->is_compiled) {
		if (n)
			add_place(net, order[0], order[0], sum_ns, 1);
		return;
	}
	for (int32_t i = 0; i < n; i++)
		add_place(net, order[i], order[i + 1 == n ? 0 : i + 1], net->work_ns[order[i]], i + 1 == n);
}

static void add_stores(struct net *net)
{
	const struct critical_run *run = net->run;
	for (int32_t i = 0; i < run->n_stores; i++) {
		const struct critical_store *store = &run->stores[i];
		for (int32_t k = 0; k < store->releases.n; k++) {
			int32_t node = run->releases[store->releases.first + k].node;
			add_place(net, node, store->writer, net->work_ns[node], store->depth);
		}
	}
}

double whatif_period(const struct critical_run *run, const double *work_ns, const double *delivery_ns, struct whatif *ret_whatif)
{
	struct net net = { .run = run, .work_ns = work_ns, .delivery_ns = delivery_ns };
	int32_t *order = malloc((size_t)(run->n_nodes + 1) * sizeof(*order));
	int32_t *cycle = malloc((size_t)(run->n_nodes + 1) * sizeof(*cycle));
	int n_cycle = 0;
	double period_ns = -1;
	net.places = malloc((size_t)(run->n_edges + run->n_nodes + run->n_workers + run->n_releases + 2) * sizeof(*net.places));
	if (net.places && order && cycle) {
		for (int32_t i = 0; i < run->n_edges; i++) {
			const struct critical_edge *edge = &run->edges[i];
			add_place(&net, edge->src, edge->dst, work_ns[edge->src] + delivery_ns[i], 0);
		}
		for (int32_t worker = 0; worker < run->n_workers; worker++)
			add_worker(&net, worker, order);
		add_stores(&net);
		if (run->in_flight > 0)
			add_place(&net, GRAPH_OUTPUT, GRAPH_INPUT, work_ns[GRAPH_OUTPUT], run->in_flight);
		period_ns = whatif_max_cycle_ratio(net.places, net.n_places, run->n_nodes, cycle, &n_cycle);
	}
	free(net.places);
	free(order);
	if (ret_whatif) {
		ret_whatif->period_ns = period_ns;
		ret_whatif->cycle = cycle;
		ret_whatif->n_cycle = n_cycle;
	} else {
		free(cycle);
	}
	return period_ns;
}

/* -- gains ------------------------------------------------------------------------------------------------------------------ */

static int by_gain(const void *a, const void *b)
{
	const struct whatif_gain *x = a, *y = b;
	if (fabs(x->period_ns - y->period_ns) > 1)
		return x->period_ns > y->period_ns ? 1 : -1;
	return (x->latency_ns < y->latency_ns) - (x->latency_ns > y->latency_ns);
}

/* The `n_max` nodes with an op that compute longest. */
static int choose_nodes(const struct critical_run *run, int n_max, struct whatif_gain *gains)
{
	int n = 0;
	for (int32_t i = 0; i < run->n_nodes; i++) {
		int64_t compute_ns = run->nodes[i].mean_compute_ns;
		if (!run->nodes[i].op || !compute_ns)
			continue;
		if (n == n_max && compute_ns <= run->nodes[gains[n - 1].node].mean_compute_ns)
			continue;
		int k = n < n_max ? n++ : n - 1;
		for (; k > 0 && run->nodes[gains[k - 1].node].mean_compute_ns < compute_ns; k--)
			gains[k] = gains[k - 1];
		gains[k] = (struct whatif_gain){ .node = i };
	}
	return n;
}

static int64_t latency_gain(const struct critical_summary *summary, int32_t node)
{
	int64_t ns = 0;
	for (int i = 0; i < summary->n_shares; i++) {
		const struct critical_share *share = &summary->shares[i];
		if (share->node == node && share->role != CRITICAL_EDGE
			&& (share->kind == PHASE_COMPUTE || share->kind == PHASE_COLLECTIVE))
			ns += share->ns;
	}
	return summary->n_executions ? ns / 2 / summary->n_executions : 0;
}

int whatif_make(const struct critical_run *run, const struct critical_summary *summary, const double *delivery_ns, int n_max,
	struct error *error, struct whatif *ret_whatif)
{
	struct whatif whatif = { 0 };
	double *work_ns = malloc((size_t)(run->n_nodes + 1) * sizeof(*work_ns));
	whatif.gains = calloc((size_t)n_max + 1, sizeof(*whatif.gains));
	bool is_done = work_ns && whatif.gains;
	for (int32_t i = 0; is_done && i < run->n_nodes; i++)
		work_ns[i] = (double)run->nodes[i].mean_work_ns;
	is_done = is_done && whatif_period(run, work_ns, delivery_ns, &whatif) >= 0;
	if (is_done)
		whatif.n_gains = choose_nodes(run, n_max, whatif.gains);
	for (int i = 0; is_done && i < whatif.n_gains; i++) {
		struct whatif_gain *gain = &whatif.gains[i];
		double before_ns = work_ns[gain->node];
		work_ns[gain->node] -= (double)run->nodes[gain->node].mean_compute_ns / 2;
		gain->period_ns = whatif_period(run, work_ns, delivery_ns, NULL);
		gain->latency_ns = latency_gain(summary, gain->node);
		work_ns[gain->node] = before_ns;
		is_done = gain->period_ns >= 0;
	}
	free(work_ns);
	if (!is_done) {
		whatif_finish(&whatif);
		return error_set(error, STATUS_NO_MEMORY, "no memory for the model of the run");
	}
	qsort(whatif.gains, (size_t)whatif.n_gains, sizeof(*whatif.gains), by_gain);
	*ret_whatif = whatif;
	return STATUS_OK;
}

void whatif_finish(struct whatif *whatif)
{
	free(whatif->cycle);
	free(whatif->gains);
	*whatif = (struct whatif){ 0 };
}
