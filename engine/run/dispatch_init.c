/* SPDX-License-Identifier: Apache-2.0
 *
 * dispatch_init: the units of a graph, what each waits for, and memory for the executions in flight.
 *
 * Ranks of a collective that are joined in one unit wait for each other's control edges too. Should that, or the order of the collectives,
 * close a circle that the plan has not, every node is a unit of its own and only edges and `order` count.
 */
#include "engine/run/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"

struct before {
	uint32_t first, then; /* units */
};

#define DISPATCH_HOLD_NS 50000 /* a few times what a task's way to the worker and back takes */

struct builder {
	struct dispatch *dispatch;
	const struct graph *graph;
	struct before *befores;
	uint32_t n_befores;
};

static void make_units(struct builder *builder, bool joins)
{
	struct dispatch *dispatch = builder->dispatch;
	const struct graph *graph = builder->graph;
	uint32_t n_members = 0;
	dispatch->n_units = 0;
	memset(dispatch->units, 0, dispatch->n_nodes * sizeof *dispatch->units);
	for (uint32_t i = 0; i < dispatch->n_nodes; i++) {
		int c = graph->nodes[i].op && joins ? graph->nodes[i].collective_idx : -1;
		const struct graph_collective *collective = c >= 0 ? &graph->collectives[c] : NULL;
		uint32_t first = collective ? (uint32_t)collective->nodes[0] : i;
		for (int r = 1; collective && r < collective->n_ranks; r++)
			first = (uint32_t)collective->nodes[r] < first ? (uint32_t)collective->nodes[r] : first;
		if (first != i) {
			dispatch->unit_of[i] = dispatch->unit_of[first];
			continue;
		}
		struct dispatch_unit *unit = &dispatch->units[dispatch->n_units];
		unit->first_member = n_members;
		for (int r = 0; collective && r < collective->n_ranks; r++)
			dispatch->members[n_members++] = (uint32_t)collective->nodes[r];
		if (!collective)
			dispatch->members[n_members++] = i;
		unit->n_members = n_members - unit->first_member;
		dispatch->unit_of[i] = dispatch->n_units++;
	}
}

static void add_before(struct builder *builder, int first, int then)
{
	uint32_t a = first < 0 ? 0 : builder->dispatch->unit_of[first], b = builder->dispatch->unit_of[then];
	if (first >= 0 && a != b)
		builder->befores[builder->n_befores++] = (struct before){ a, b };
}

/* On each worker, what must be dispatched before what: nodes with `order`, and collectives. */
static void find_befores(struct builder *builder, bool joins)
{
	builder->n_befores = 0;
	for (int w = 1; w < builder->graph->n_workers; w++) {
		const struct plan_worker *worker = &builder->dispatch->plan->workers[w];
		int ordered = -1, collective = -1;
		for (int i = 0; i < worker->n_nodes; i++) {
			int node = worker->nodes[i];
			if (builder->graph->nodes[node].has_order) {
				add_before(builder, ordered, node);
				ordered = node;
			}
			if (joins && builder->graph->nodes[node].collective_idx >= 0) {
				add_before(builder, collective, node);
				collective = node;
			}
		}
	}
}

static int compare_befores(const void *a, const void *b)
{
	const struct before *x = a, *y = b;
	return x->first != y->first ? (x->first > y->first) - (x->first < y->first) : (x->then > y->then) - (x->then < y->then);
}

static void count_needs(struct builder *builder)
{
	struct dispatch *dispatch = builder->dispatch;
	for (int i = 0; i < builder->graph->n_edges; i++)
		dispatch->units[dispatch->unit_of[builder->graph->edges[i].dst]].n_needed++;
	qsort(builder->befores, builder->n_befores, sizeof *builder->befores, compare_befores);
	for (uint32_t i = 0; i < builder->n_befores; i++) {
		struct dispatch_unit *unit = &dispatch->units[builder->befores[i].first];
		if (!unit->n_later++)
			unit->first_later = i;
		dispatch->later[i] = builder->befores[i].then;
		dispatch->units[builder->befores[i].then].n_needed++;
	}
}

/* Whether every unit gets its turn. */
static bool is_live(const struct builder *builder)
{
	const struct dispatch *dispatch = builder->dispatch;
	uint32_t n = dispatch->n_units, n_queued = 0;
	uint32_t *needed = calloc(2 * (size_t)n, sizeof *needed), *queue = needed + n;
	if (!needed)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		needed[i] = dispatch->units[i].n_needed;
		if (!needed[i])
			queue[n_queued++] = i;
	}
	for (uint32_t at = 0; at < n_queued; at++) {
		const struct dispatch_unit *unit = &dispatch->units[queue[at]];
		for (uint32_t i = 0; i < unit->n_later; i++) {
			uint32_t then = dispatch->later[unit->first_later + i];
			if (--needed[then] == 0)
				queue[n_queued++] = then;
		}
		for (uint32_t m = 0; m < unit->n_members; m++) {
			uint32_t node = dispatch->members[unit->first_member + m];
			for (int i = dispatch->out.first[node]; i < dispatch->out.first[node + 1]; i++) {
				uint32_t then = dispatch->unit_of[builder->graph->edges[dispatch->out.items[i]].dst];
				if (--needed[then] == 0)
					queue[n_queued++] = then;
			}
		}
	}
	free(needed);
	return n_queued == n;
}

static void count_readers(struct builder *builder)
{
	struct dispatch *dispatch = builder->dispatch;
	for (int i = 0; i < builder->graph->n_edges; i++) {
		const struct graph_edge *edge = &builder->graph->edges[i];
		if (edge->dst_input >= 0)
			dispatch->readers[dispatch->first_value[edge->src] + (uint32_t)edge->src_output]++;
	}
}

static bool allocate_tables(struct builder *builder)
{
	struct dispatch *dispatch = builder->dispatch;
	size_t n = dispatch->n_nodes;
	dispatch->units = calloc(n, sizeof *dispatch->units);
	dispatch->unit_of = calloc(n, sizeof *dispatch->unit_of);
	dispatch->members = calloc(n, sizeof *dispatch->members);
	dispatch->later = calloc(2 * n, sizeof *dispatch->later);
	dispatch->first_value = calloc(n + 1, sizeof *dispatch->first_value);
	dispatch->loads = calloc((size_t)builder->graph->n_workers, sizeof *dispatch->loads);
	dispatch->node_ticks = calloc(n, sizeof *dispatch->node_ticks);
	builder->befores = calloc(2 * n, sizeof *builder->befores);
	if (!dispatch->units || !dispatch->unit_of || !dispatch->members || !dispatch->later || !dispatch->first_value
		|| !dispatch->loads || !dispatch->node_ticks || !builder->befores)
		return false;
	for (size_t i = 0; i < n; i++)
		dispatch->node_ticks[i] = dispatch->hold_ticks;
	for (size_t i = 0; i < n; i++)
		dispatch->first_value[i + 1] = dispatch->first_value[i] + (uint32_t)builder->graph->nodes[i].n_outputs;
	dispatch->n_values = dispatch->first_value[n];
	dispatch->readers = calloc(dispatch->n_values + 1, sizeof *dispatch->readers);
	return dispatch->readers && plan_links_init(&dispatch->out, builder->graph, PLAN_LINKS_OUT)
		&& plan_links_init(&dispatch->in, builder->graph, PLAN_LINKS_IN);
}

static bool allocate_slots(struct dispatch *dispatch)
{
	size_t in_flight = dispatch->in_flight;
	dispatch->tasks = calloc(in_flight * dispatch->n_nodes, sizeof *dispatch->tasks);
	dispatch->values = calloc(in_flight * dispatch->n_values + 1, sizeof *dispatch->values);
	dispatch->missing = calloc(in_flight * dispatch->n_units, sizeof *dispatch->missing);
	dispatch->ready = calloc(in_flight * dispatch->n_units, sizeof *dispatch->ready);
	dispatch->held = calloc(in_flight * dispatch->n_units, sizeof *dispatch->held);
	return dispatch->tasks && dispatch->values && dispatch->missing && dispatch->ready && dispatch->held;
}

int dispatch_init(struct dispatch *dispatch, const struct plan *plan, struct control *control, struct objects *objects,
	struct task_outbox *outboxes, struct error *error)
{
	*dispatch = (struct dispatch){ .plan = plan, .control = control, .objects = objects, .outboxes = outboxes,
		.n_nodes = (uint32_t)plan->graph->n_nodes, .in_flight = (uint32_t)plan->in_flight,
		.hold_ticks = clock_ticks_of_ns(DISPATCH_HOLD_NS) };
	struct builder builder = { .dispatch = dispatch, .graph = plan->graph };
	bool is_done = allocate_tables(&builder);
	for (int joins = 1; joins >= 0 && is_done; joins--) {
		make_units(&builder, joins);
		find_befores(&builder, joins);
		count_needs(&builder);
		if (is_live(&builder))
			break;
	}
	if (is_done) {
		count_readers(&builder);
		is_done = allocate_slots(dispatch);
	}
	free(builder.befores);
	if (is_done)
		return STATUS_OK;
	dispatch_finish(dispatch);
	return error_set(error, STATUS_NO_MEMORY, "no memory for the scheduler of %d nodes", plan->graph->n_nodes);
}

void dispatch_finish(struct dispatch *dispatch)
{
	plan_links_finish(&dispatch->out);
	plan_links_finish(&dispatch->in);
	free(dispatch->units);
	free(dispatch->unit_of);
	free(dispatch->loads);
	free(dispatch->node_ticks);
	free(dispatch->members);
	free(dispatch->later);
	free(dispatch->first_value);
	free(dispatch->readers);
	free(dispatch->tasks);
	free(dispatch->values);
	free(dispatch->missing);
	free(dispatch->ready);
	free(dispatch->held);
	*dispatch = (struct dispatch){ 0 };
}
