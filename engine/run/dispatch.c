/* SPDX-License-Identifier: Apache-2.0
 *
 * dispatch: from results to ready units to tasks.
 */
#include "engine/run/dispatch.h"

static struct dispatch_task *task_at(const struct dispatch *dispatch, uint64_t execution, uint32_t node)
{
	return &dispatch->tasks[execution % dispatch->in_flight * dispatch->n_nodes + node];
}

static struct task_value *value_at(const struct dispatch *dispatch, uint64_t execution, uint32_t node, uint32_t output)
{
	return &dispatch->values[execution % dispatch->in_flight * dispatch->n_values + dispatch->first_value[node] + output];
}

struct task_value *dispatch_values(struct dispatch *dispatch, uint64_t execution, uint32_t node)
{
	return value_at(dispatch, execution, node, 0);
}

uint32_t dispatch_readers(const struct dispatch *dispatch, uint32_t node, uint32_t output)
{
	return dispatch->readers[dispatch->first_value[node] + output];
}

static uint32_t *missing_at(const struct dispatch *dispatch, uint64_t execution, uint32_t unit)
{
	return &dispatch->missing[execution % dispatch->in_flight * dispatch->n_units + unit];
}

/* Makes a unit ready if it is its turn: met once for each, when the last thing missing came or when its turn did. */
static void offer(struct dispatch *dispatch, uint64_t execution, uint32_t unit)
{
	if (*missing_at(dispatch, execution, unit) || dispatch->units[unit].next != execution
		|| unit == dispatch->unit_of[GRAPH_OUTPUT])
		return;
	dispatch->ready[dispatch->ready_tail++ % ((uint64_t)dispatch->in_flight * dispatch->n_units)] =
		(struct dispatch_ready){ .execution = execution, .unit = unit };
}

static void arrive(struct dispatch *dispatch, uint64_t execution, uint32_t unit)
{
	if (--*missing_at(dispatch, execution, unit) == 0)
		offer(dispatch, execution, unit);
}

void dispatch_begin(struct dispatch *dispatch, uint64_t execution)
{
	for (uint32_t i = 0; i < dispatch->n_nodes; i++)
		*task_at(dispatch, execution, i) = (struct dispatch_task){ .last_edge = PROGRAM_NONE };
	for (uint32_t i = 0; i < dispatch->n_units; i++)
		*missing_at(dispatch, execution, i) = dispatch->units[i].n_needed;
	dispatch->n_begun = execution + 1;
	for (uint32_t i = 0; i < dispatch->n_units; i++) {
		if (i != dispatch->unit_of[GRAPH_INPUT])
			offer(dispatch, execution, i);
	}
}

void dispatch_complete(struct dispatch *dispatch, uint64_t execution, uint32_t node, uint32_t failure, uint64_t time)
{
	struct dispatch_task *task = task_at(dispatch, execution, node);
	task->state = DISPATCH_DONE;
	task->failure = failure;
	for (int i = dispatch->out.first[node]; i < dispatch->out.first[node + 1]; i++) {
		const struct graph_edge *edge = &dispatch->plan->graph->edges[dispatch->out.items[i]];
		struct dispatch_task *reader = task_at(dispatch, execution, (uint32_t)edge->dst);
		if (time >= reader->ready) {
			reader->ready = time;
			reader->last_edge = (uint32_t)dispatch->out.items[i];
		}
		if (!edge->is_peer && time > reader->own_ready)
			reader->own_ready = time;
		arrive(dispatch, execution, dispatch->unit_of[edge->dst]);
	}
}

static int refuse(const struct dispatch *dispatch, uint32_t worker, const char *what, struct error *error)
{
	return error_set(error, STATUS_PROTOCOL, "worker '%.100s' %s", dispatch->plan->graph->workers[worker].name, what);
}

/* A task was answered: what its worker still has before it, and what the node takes. */
static void take_off(struct dispatch *dispatch, uint32_t worker, uint64_t execution, const struct task_message *message)
{
	const struct dispatch_task *task = task_at(dispatch, execution, message->node);
	struct dispatch_load *load = &dispatch->loads[worker];
	uint64_t since = task->ready > load->last_answer ? task->ready : load->last_answer;
	dispatch->node_ticks[message->node] = message->time > since ? message->time - since : 0;
	load->last_answer = message->time;
	load->ticks -= task->expected;
	load->n_out--;
}

int dispatch_take_result(struct dispatch *dispatch, uint32_t worker, const struct task_message *message, struct error *error)
{
	const struct graph *graph = dispatch->plan->graph;
	uint64_t execution = message->execution;
	if (message->node >= dispatch->n_nodes || execution >= dispatch->n_begun || dispatch->n_begun - execution > dispatch->in_flight
		|| graph->nodes[message->node].worker_idx != (int)worker
		|| task_at(dispatch, execution, message->node)->state != DISPATCH_SENT
		|| (!message->word && message->n_values != (uint32_t)graph->nodes[message->node].n_outputs))
		return refuse(dispatch, worker, "answered with something that it was not asked", error);
	if (message->word > dispatch->control->n_failures)
		return refuse(dispatch, worker, "answered with a failure that does not exist", error);
	struct task_value *values = value_at(dispatch, execution, message->node, 0);
	for (uint32_t i = 0; i < message->n_values && !message->word; i++) {
		const struct tensor_type *type = &graph->nodes[message->node].outputs[i];
		values[i] = message->values[i];
		if (!type_admits(type, &graph->symbols, values[i].n_dims, values[i].dims)
			|| (dispatch_readers(dispatch, message->node, i)
				&& !objects_has(dispatch->objects, values[i].object, task_value_bytes(&values[i], type->dtype))))
			return refuse(dispatch, worker, "answered with a tensor of a size that cannot be", error);
	}
	take_off(dispatch, worker, execution, message);
	dispatch_complete(dispatch, execution, message->node, message->word, message->time);
	return STATUS_OK;
}

/* The first failure among what a node reads: its arguments in their order, then control edges from other workers. */
static uint32_t find_failure(const struct dispatch *dispatch, uint64_t execution, uint32_t node)
{
	const struct graph *graph = dispatch->plan->graph;
	const struct graph_node *desc = &graph->nodes[node];
	for (int i = 0; i < desc->n_inputs; i++) {
		uint32_t failure = task_at(dispatch, execution, (uint32_t)graph->edges[desc->input_edges[i]].src)->failure;
		if (failure)
			return failure;
	}
	for (int i = dispatch->in.first[node]; i < dispatch->in.first[node + 1]; i++) {
		const struct graph_edge *edge = &graph->edges[dispatch->in.items[i]];
		uint32_t failure = task_at(dispatch, execution, (uint32_t)edge->src)->failure;
		if (edge->is_control && failure && dispatch->plan->edge_channels[dispatch->in.items[i]] >= 0)
			return failure;
	}
	return 0;
}

/* The node's references to the inputs that exist. */
static void drop_inputs(struct dispatch *dispatch, uint64_t execution, uint32_t node)
{
	const struct graph *graph = dispatch->plan->graph;
	const struct graph_node *desc = &graph->nodes[node];
	for (int i = 0; i < desc->n_inputs; i++) {
		const struct graph_edge *edge = &graph->edges[desc->input_edges[i]];
		if (!task_at(dispatch, execution, (uint32_t)edge->src)->failure)
			objects_release(dispatch->objects,
				value_at(dispatch, execution, (uint32_t)edge->src, (uint32_t)edge->src_output)->object);
	}
}

static int send(struct dispatch *dispatch, uint64_t execution, uint32_t node, struct error *error)
{
	const struct graph *graph = dispatch->plan->graph;
	const struct graph_node *desc = &graph->nodes[node];
	struct dispatch_task *task = task_at(dispatch, execution, node);
	struct task_message *message = task_outbox_add(&dispatch->outboxes[desc->worker_idx], (uint32_t)desc->n_inputs);
	if (!message)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the tasks of a worker");
	message->node = node;
	message->execution = execution;
	message->time = task->ready;
	message->own_time = task->own_ready;
	message->word = task->last_edge;
	for (int i = 0; i < desc->n_inputs; i++) {
		const struct graph_edge *edge = &graph->edges[desc->input_edges[i]];
		message->values[i] = *value_at(dispatch, execution, (uint32_t)edge->src, (uint32_t)edge->src_output);
	}
	task->state = DISPATCH_SENT;
	task->expected = dispatch->node_ticks[node];
	dispatch->loads[desc->worker_idx].ticks += task->expected;
	dispatch->loads[desc->worker_idx].n_out++;
	return STATUS_OK;
}

static int start(struct dispatch *dispatch, uint64_t execution, uint32_t node, struct error *error)
{
	uint32_t failure = find_failure(dispatch, execution, node);
	if (unlikely(!failure && atomic_load_explicit(&dispatch->control->header->attention, memory_order_relaxed)))
		failure = control_cancelled(dispatch->control, execution);
	if (likely(!failure))
		return send(dispatch, execution, node, error);
	drop_inputs(dispatch, execution, node);
	dispatch_complete(dispatch, execution, node, failure, task_at(dispatch, execution, node)->ready);
	return STATUS_OK;
}

static int start_unit(struct dispatch *dispatch, struct dispatch_ready ready, struct error *error)
{
	struct dispatch_unit *unit = &dispatch->units[ready.unit];
	int status = STATUS_OK;
	for (uint32_t i = 0; i < unit->n_members && status == STATUS_OK; i++)
		status = start(dispatch, ready.execution, dispatch->members[unit->first_member + i], error);
	for (uint32_t i = 0; i < unit->n_later; i++)
		arrive(dispatch, ready.execution, dispatch->later[unit->first_later + i]);
	unit->next = ready.execution + 1;
	if (unit->next < dispatch->n_begun)
		offer(dispatch, unit->next, ready.unit);
	return status;
}

static bool is_held_back(const struct dispatch *dispatch, uint32_t unit_idx)
{
	const struct dispatch_unit *unit = &dispatch->units[unit_idx];
	for (uint32_t i = 0; i < unit->n_members; i++) {
		uint32_t node = dispatch->members[unit->first_member + i];
		const struct dispatch_load *load = &dispatch->loads[dispatch->plan->graph->nodes[node].worker_idx];
		if (load->n_out && load->ticks >= dispatch->hold_ticks)
			return true;
	}
	return false;
}

/* Sorts what became ready in among what is held. */
static void take_ready(struct dispatch *dispatch)
{
	uint64_t n_cells = (uint64_t)dispatch->in_flight * dispatch->n_units;
	for (; dispatch->ready_head != dispatch->ready_tail; dispatch->ready_head++) {
		struct dispatch_ready ready = dispatch->ready[dispatch->ready_head % n_cells];
		uint64_t at = dispatch->n_held++;
		for (; at && (dispatch->held[at - 1].execution > ready.execution
			    || (dispatch->held[at - 1].execution == ready.execution && dispatch->held[at - 1].unit > ready.unit)); at--)
			dispatch->held[at] = dispatch->held[at - 1];
		dispatch->held[at] = ready;
	}
}

int dispatch_run(struct dispatch *dispatch, struct error *error)
{
	int status = STATUS_OK;
	do {
		take_ready(dispatch);
		uint64_t n = dispatch->n_held;
		dispatch->n_held = 0;
		for (uint64_t i = 0; i < n; i++) {
			struct dispatch_ready ready = dispatch->held[i];
			if (status != STATUS_OK || is_held_back(dispatch, ready.unit))
				dispatch->held[dispatch->n_held++] = ready;
			else
				status = start_unit(dispatch, ready, error);
		}
	} while (status == STATUS_OK && dispatch->ready_head != dispatch->ready_tail);
	return status;
}

bool dispatch_is_complete(const struct dispatch *dispatch, uint64_t execution)
{
	return *missing_at(dispatch, execution, dispatch->unit_of[GRAPH_OUTPUT]) == 0;
}

uint32_t dispatch_failure(struct dispatch *dispatch, uint64_t execution)
{
	return find_failure(dispatch, execution, GRAPH_OUTPUT);
}

bool dispatch_has_result(const struct dispatch *dispatch, uint64_t execution, uint32_t idx, uint32_t *ret_failure)
{
	const struct graph *graph = dispatch->plan->graph;
	const struct graph_edge *edge = &graph->edges[graph->nodes[GRAPH_OUTPUT].input_edges[idx]];
	const struct dispatch_task *task = task_at(dispatch, execution, (uint32_t)edge->src);
	*ret_failure = task->failure;
	return task->state == DISPATCH_DONE;
}

void dispatch_end(struct dispatch *dispatch, uint64_t execution)
{
	drop_inputs(dispatch, execution, GRAPH_OUTPUT);
}

/* The first edge into `node` whose source is not done; PROGRAM_NONE when there is none. */
static uint32_t find_missing_edge(const struct dispatch *dispatch, uint64_t execution, uint32_t node)
{
	for (int i = dispatch->in.first[node]; i < dispatch->in.first[node + 1]; i++) {
		const struct graph_edge *edge = &dispatch->plan->graph->edges[dispatch->in.items[i]];
		if (task_at(dispatch, execution, (uint32_t)edge->src)->state != DISPATCH_DONE)
			return (uint32_t)dispatch->in.items[i];
	}
	return PROGRAM_NONE;
}

struct dispatch_obstacle dispatch_find_obstacle(const struct dispatch *dispatch, uint64_t execution)
{
	const struct graph *graph = dispatch->plan->graph;
	uint32_t node = GRAPH_OUTPUT, edge = find_missing_edge(dispatch, execution, node);
	for (uint32_t hops = 0; edge != PROGRAM_NONE && hops <= dispatch->n_nodes; hops++) {
		node = (uint32_t)graph->edges[edge].src;
		if (task_at(dispatch, execution, node)->state == DISPATCH_SENT)
			return (struct dispatch_obstacle){ node, edge, (uint32_t)graph->nodes[node].worker_idx };
		edge = find_missing_edge(dispatch, execution, node);
	}
	/* It waits for other ranks of its unit, or for units before it: whoever is at work. */
	for (uint32_t i = 0; i < dispatch->n_nodes; i++) {
		if (task_at(dispatch, execution, i)->state == DISPATCH_SENT)
			return (struct dispatch_obstacle){ i, PROGRAM_NONE, (uint32_t)graph->nodes[i].worker_idx };
	}
	return (struct dispatch_obstacle){ PROGRAM_NONE, PROGRAM_NONE, PROGRAM_NONE };
}
