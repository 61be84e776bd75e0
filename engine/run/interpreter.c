/* SPDX-License-Identifier: Apache-2.0
 *
 * interpreter: from task to answer, each cost stamped under its name.
 */
#include "engine/run/interpreter.h"

#include <poll.h>
#include <stdlib.h>

#include "engine/run/executor_private.h"

#define ANSWER_NS 10000  /* what an answer may wait for others */
#define SEND_POLL_MS 5   /* how often a full socket is tried again */

/* Beside the executor's node of the same index. */
struct interpreter_node {
	uint32_t *readers;   /* [outputs] edges that read the output */
	uint64_t *bounds;    /* [outputs] bytes at the bound */
	uint64_t *objects;   /* [outputs] of the current task */
	bool *is_passed_on;  /* [outputs] the object is an input's: forwarded */
	bool may_take_over;  /* OP_INPLACE */
	uint64_t last_ticks; /* what the op took last */
};

static void count_readers(struct interpreter *interpreter)
{
	const struct program *program = interpreter->executor.program;
	for (uint32_t i = 0; i < program->header->n_edges; i++) {
		const struct program_edge *edge = &program->edges[i];
		uint32_t place = interpreter->node_places[edge->src];
		if (place != PROGRAM_NONE && edge->dst_input != PROGRAM_NONE)
			interpreter->nodes[place].readers[edge->src_output]++;
	}
}

static bool init_node(struct interpreter_node *node, const struct executor_node *executor_node)
{
	size_t n = (size_t)executor_node->run.n_outputs + 1;
	node->readers = calloc(n, sizeof *node->readers);
	node->bounds = calloc(n, sizeof *node->bounds);
	node->objects = calloc(n, sizeof *node->objects);
	node->is_passed_on = calloc(n, sizeof *node->is_passed_on);
	node->may_take_over = executor_node->op->caps & OP_INPLACE && executor_node->run.n_inputs;
	for (int i = 0; node->bounds && i < executor_node->run.n_outputs; i++)
		node->bounds[i] = tensor_bytes(&executor_node->outputs[i]);
	return node->readers && node->bounds && node->objects && node->is_passed_on;
}

static int init_nodes(struct interpreter *interpreter, struct error *error)
{
	struct executor *executor = &interpreter->executor;
	uint32_t n = executor->program->header->n_nodes;
	interpreter->nodes = calloc(executor->n_nodes + 1, sizeof *interpreter->nodes);
	interpreter->node_places = calloc(n + 1, sizeof *interpreter->node_places);
	bool is_done = interpreter->nodes && interpreter->node_places;
	for (uint32_t i = 0; is_done && i < n; i++)
		interpreter->node_places[i] = PROGRAM_NONE;
	for (uint32_t i = 0; is_done && i < executor->n_nodes; i++) {
		interpreter->node_places[executor->nodes[i].idx] = i;
		is_done = init_node(&interpreter->nodes[i], &executor->nodes[i]);
	}
	if (!is_done)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the nodes of worker %u", executor->worker_idx);
	count_readers(interpreter);
	return STATUS_OK;
}

int interpreter_init(struct interpreter *interpreter, const struct program *program, struct control *control, uint32_t worker_idx,
	const struct interpreter_peer *peer, struct ring_header *ring, const struct recorder_policy *policy,
	const struct op_registry *registry, uint32_t *ret_node, struct error *error)
{
	size_t bells_bytes = task_bells_bytes(program->header->n_workers);
	*interpreter = (struct interpreter){ .bells = peer->memory, .socket_fd = peer->socket_fd,
		.answer_ticks = clock_ticks_of_ns(ANSWER_NS) };
	*ret_node = PROGRAM_NONE;
	if (peer->bytes <= bells_bytes)
		return error_set(error, STATUS_PROTOCOL, "the object store is too small (%zu bytes)", peer->bytes);
	int status = objects_open((uint8_t *)peer->memory + bells_bytes, peer->bytes - bells_bytes, &interpreter->objects, error);
	if (status == STATUS_OK)
		status = executor_init_nodes(&interpreter->executor, program, control, worker_idx, ring, policy, registry, ret_node,
			error);
	if (status != STATUS_OK)
		return status;
	status = init_nodes(interpreter, error);
	if (status != STATUS_OK)
		interpreter_finish(interpreter);
	return status;
}

void interpreter_finish(struct interpreter *interpreter)
{
	for (uint32_t i = 0; interpreter->nodes && i < interpreter->executor.n_nodes; i++) {
		free(interpreter->nodes[i].readers);
		free(interpreter->nodes[i].bounds);
		free(interpreter->nodes[i].objects);
		free(interpreter->nodes[i].is_passed_on);
	}
	free(interpreter->nodes);
	free(interpreter->node_places);
	task_outbox_finish(&interpreter->outbox);
	executor_finish(&interpreter->executor);
}

/* -- recording -------------------------------------------------------------------------------------------------------- */

/* A time that the driver or another worker stamped, brought into [last, now]. */
static uint64_t bring_in(const struct recorder *recorder, uint64_t time, uint64_t now)
{
	time = time > now ? now : time;
	return time < recorder->last ? recorder->last : time;
}

/* The part of a wait in which nothing was in flight is idle, as in the compiled mode. */
static void record_idle(struct interpreter *interpreter, uint64_t end)
{
	struct recorder *recorder = &interpreter->executor.recorder;
	const struct control_header *header = interpreter->executor.control->header;
	uint64_t busy_since = atomic_load_explicit(&header->busy_since, memory_order_relaxed);
	uint64_t idle_since = atomic_load_explicit(&header->idle_since, memory_order_relaxed);
	if (busy_since <= recorder->last || busy_since > end)
		return;
	idle_since = bring_in(recorder, idle_since, busy_since);
	recorder_span(recorder, PHASE_STARVED, recorder->last, idle_since);
	recorder_span(recorder, PHASE_IDLE, idle_since, busy_since);
	recorder_skip_to(recorder, busy_since);
}

static void record_wait(struct interpreter *interpreter, enum phase cause, const struct task_message *task, uint64_t end)
{
	struct recorder *recorder = &interpreter->executor.recorder;
	const struct program *program = interpreter->executor.program;
	if (end <= recorder->last)
		return;
	if (end - recorder->last > interpreter->executor.waiter.name_ticks && task->word < program->header->n_edges)
		recorder_wait(recorder, cause, task->node, task->execution, recorder->last, end, task->word, PROGRAM_NONE, PROGRAM_NONE,
			program->nodes[program->edges[task->word].src].worker);
	recorder_phase(recorder, cause, end);
}

/* What lies between the task before and this one: until its inputs existed somewhere it starved, from then on it waited for the scheduler. */
static void record_begin(struct interpreter *interpreter, const struct task_message *task, bool follows_unrecorded)
{
	struct recorder *recorder = &interpreter->executor.recorder;
	uint64_t now = clock_ticks().count;
	if (follows_unrecorded)
		recorder_skip_to(recorder, now);
	uint64_t ready = bring_in(recorder, task->time, now);
	record_idle(interpreter, ready);
	recorder_open(recorder, RECORD_OP, task->node, task->execution);
	record_wait(interpreter, PHASE_STARVED, task, bring_in(recorder, task->own_time, ready));
	record_wait(interpreter, PHASE_LATE_RANK, task, ready);
	recorder_phase(recorder, PHASE_DISPATCH, now);
}

static void record_phase(struct interpreter *interpreter, enum phase phase)
{
	if (interpreter->executor.recorder.is_on)
		recorder_phase(&interpreter->executor.recorder, phase, clock_ticks().count);
}

/* -- a task ----------------------------------------------------------------------------------------------------------- */

static void fetch(struct interpreter *interpreter, struct executor_node *node, const struct task_message *task)
{
	for (int i = 0; i < node->run.n_inputs; i++) {
		node->inputs[i].data = objects_data(&interpreter->objects, task->values[i].object);
		if (!node->is_static)
			task_value_get(&task->values[i], &node->inputs[i]);
	}
	if (!node->is_static)
		executor_set_output_shapes(node);
}

/* Gives output 0 the memory of input 0 where the op allows it. */
static bool reuse_input(struct interpreter *interpreter, struct executor_node *node, struct interpreter_node *own,
	const struct task_message *task)
{
	uint64_t object = node->run.n_inputs ? task->values[0].object : 0;
	own->is_passed_on[0] = node->is_forward;
	bool is_reused = node->is_forward
		|| (own->may_take_over && node->inputs[0].dtype == node->outputs[0].dtype
			&& objects_take_over(&interpreter->objects, object, tensor_bytes(&node->outputs[0]), node->idx, 0,
				task->execution));
	if (is_reused)
		own->objects[0] = object;
	return is_reused;
}

/* Gives back what allocate took for outputs below `n`; an input that was taken over is released with the inputs. */
static COLD void give_back(struct interpreter *interpreter, const struct executor_node *node, struct interpreter_node *own,
	const struct task_message *task, int n)
{
	for (int i = 0; i < n; i++) {
		if (!node->run.n_inputs || own->objects[i] != task->values[0].object)
			objects_seal(&interpreter->objects, own->objects[i], 0);
	}
}

static int allocate(struct interpreter *interpreter, struct executor_node *node, struct interpreter_node *own,
	const struct task_message *task)
{
	bool by_bound = interpreter->objects.by_bound;
	for (int i = 0; i < node->run.n_outputs; i++) {
		if (i || !reuse_input(interpreter, node, own, task)) {
			uint64_t bytes = by_bound ? own->bounds[i] : tensor_bytes(&node->outputs[i]);
			own->objects[i] = objects_allocate(&interpreter->objects, bytes, node->idx, (uint32_t)i, task->execution);
			if (unlikely(!own->objects[i])) {
				give_back(interpreter, node, own, task, i);
				return objects_report_full(&interpreter->objects, interpreter->executor.program, bytes, (uint32_t)i,
					&node->error);
			}
		}
		node->outputs[i].data = objects_data(&interpreter->objects, own->objects[i]);
		if (!own->is_passed_on[i])
			objects_set_shape(&interpreter->objects, own->objects[i], &node->outputs[i]);
	}
	return STATUS_OK;
}

/* Outputs become readable, or are freed after a failure; the inputs' references go. */
static void settle(struct interpreter *interpreter, struct executor_node *node, struct interpreter_node *own,
	const struct task_message *task, bool has_outputs)
{
	struct objects *objects = &interpreter->objects;
	bool keeps_first = false;
	for (int i = 0; has_outputs && i < node->run.n_outputs; i++) {
		uint32_t readers = node->status ? 0 : own->readers[i];
		keeps_first = keeps_first || (node->run.n_inputs && own->objects[i] == task->values[0].object);
		if (i == 0 && own->is_passed_on[0])
			objects_pass_on(objects, own->objects[0], readers);
		else
			objects_seal(objects, own->objects[i], readers);
	}
	for (int i = keeps_first; i < node->run.n_inputs; i++)
		objects_release(objects, task->values[i].object);
}

/* What the worker waited by name until the task's last input existed anywhere; from then on it waited for the scheduler. */
static COLD uint64_t waited_ticks(const struct interpreter *interpreter, const struct task_message *task)
{
	const struct wait_times *wait = &interpreter->last_wait;
	uint64_t busy_since = atomic_load_explicit(&interpreter->executor.control->header->busy_since, memory_order_relaxed);
	uint64_t start = wait->start.count, end = task->time < wait->end.count ? task->time : wait->end.count;
	if (!wait->was_named)
		return 0;
	start = busy_since > start ? busy_since : start;
	return end > start ? end - start : 0;
}

static bool has_gates(const struct interpreter *interpreter)
{
	return unlikely(atomic_load_explicit(&interpreter->executor.control->header->attention, memory_order_relaxed)
		& CONTROL_ATTENTION_GATES);
}

static int send_answers(struct interpreter *interpreter);

/* Answers that are kept back go out first: nobody shall wait for what exists. */
static COLD int pass(struct interpreter *interpreter, struct executor_node *node, enum gate_place place, const struct task_message *task,
	bool has_failed, uint64_t start, uint64_t op_ticks)
{
	int status = send_answers(interpreter);
	if (status == STATUS_OK)
		status = executor_pass(&interpreter->executor, node, place, task->execution, has_failed, start, op_ticks,
			waited_ticks(interpreter, task));
	return status;
}

/* The gate before the op; an execution may have been cancelled while its worker stood there. */
static COLD int pass_before(struct interpreter *interpreter, struct executor_node *node, const struct task_message *task)
{
	int status = pass(interpreter, node, GATE_BEFORE, task, false, 0, 0);
	node->status = control_cancelled(interpreter->executor.control, task->execution);
	return status;
}

/* Runs the op; returns when it began. */
static uint64_t run_op(struct interpreter *interpreter, struct executor_node *node, struct interpreter_node *own,
	const struct task_message *task)
{
	struct control_worker *self = interpreter->executor.waiter.self;
	uint64_t start = clock_ticks().count;
	atomic_store_explicit(&self->position, control_position(task->execution, node->idx), memory_order_relaxed);
	node->run.execution = task->execution;
	int status = node->op->run(&node->run);
	atomic_store_explicit(&self->position, 0, memory_order_relaxed);
	own->last_ticks = clock_ticks().count - start;
	if (unlikely(status != STATUS_OK))
		node->status = executor_fail(&interpreter->executor, node, status, task->execution);
	return start;
}

/* From inputs to outputs that others may read. */
static int compute(struct interpreter *interpreter, struct executor_node *node, struct interpreter_node *own,
	const struct task_message *task)
{
	int status = STATUS_OK;
	uint64_t start = 0, op_ticks = 0;
	bool has_outputs = false, has_failed = false;
	if (likely(!node->status)) {
		has_outputs = allocate(interpreter, node, own, task) == STATUS_OK;
		if (!has_outputs)
			node->status = executor_fail(&interpreter->executor, node, STATUS_OP, task->execution);
		has_failed = !has_outputs;
		record_phase(interpreter, PHASE_ALLOCATE);
	}
	if (!node->status && has_gates(interpreter))
		status = pass_before(interpreter, node, task);
	if (likely(!node->status && status == STATUS_OK)) {
		if (!own->is_passed_on[0]) {
			start = run_op(interpreter, node, own, task);
			op_ticks = own->last_ticks;
			has_failed = node->status != 0;
		}
		record_phase(interpreter, node->phase);
	}
	if (status == STATUS_OK && has_gates(interpreter))
		status = pass(interpreter, node, GATE_AFTER, task, has_failed, start, op_ticks);
	if (status == STATUS_OK)
		settle(interpreter, node, own, task, has_outputs);
	return status;
}

/* -- answers ---------------------------------------------------------------------------------------------------------- */

static int answer(struct interpreter *interpreter, const struct executor_node *node, const struct interpreter_node *own,
	const struct task_message *task, struct error *error)
{
	uint32_t n_values = node->status ? 0 : (uint32_t)node->run.n_outputs;
	bool is_first = task_outbox_is_empty(&interpreter->outbox);
	struct task_message *message = task_outbox_add(&interpreter->outbox, n_values);
	if (!message)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the answers of a worker");
	message->node = node->idx;
	message->execution = task->execution;
	message->time = message->own_time = clock_ticks().count;
	message->word = node->status;
	for (uint32_t i = 0; i < n_values; i++)
		task_value_set(&message->values[i], own->objects[i], &node->outputs[i]);
	if (is_first)
		interpreter->answer_since = message->time;
	return STATUS_OK;
}

static bool has_packet(const struct interpreter *interpreter)
{
	return wait_is_over(&interpreter->bells->workers[interpreter->executor.worker_idx].tasks, interpreter->n_packets + 1);
}

/* Waits until the driver has sent another packet, and takes it. */
static int receive(struct interpreter *interpreter, struct error *error)
{
	struct executor *executor = &interpreter->executor;
	if (!has_packet(interpreter)) {
		const _Atomic uint64_t *bell = &interpreter->bells->workers[executor->worker_idx].tasks;
		struct wait_name name = { .cause = PHASE_STARVED, .node = PROGRAM_NONE, .edge = PROGRAM_NONE, .channel = PROGRAM_NONE,
			.slot = PROGRAM_NONE, .peer = GRAPH_DRIVER, .execution = interpreter->last_execution };
		struct wait_times times;
		int status = wait_slow(&executor->waiter, bell, interpreter->n_packets + 1, &name, 0, &times);
		if (status != STATUS_OK)
			return status;
		interpreter->last_wait = times;
	}
	interpreter->n_packets++;
	int status = task_inbox_receive(&interpreter->inbox, interpreter->socket_fd);
	if (status == STATUS_AGAIN)
		return error_set(error, STATUS_PROTOCOL, "the driver announced tasks that it did not send");
	return status;
}

/* Answers wait only for tasks that are here, and only if that is short. */
static bool must_send(const struct interpreter *interpreter)
{
	const struct task_message *next = (const struct task_message *)(interpreter->inbox.bytes + interpreter->inbox.at);
	if (interpreter->inbox.n_bytes - interpreter->inbox.at < sizeof *next || next->node >= interpreter->executor.program->header->n_nodes)
		return true;
	uint32_t place = interpreter->node_places[next->node];
	uint64_t expected = place == PROGRAM_NONE ? 0 : interpreter->nodes[place].last_ticks;
	return clock_ticks().count - interpreter->answer_since + expected > interpreter->answer_ticks;
}

static int send_answers(struct interpreter *interpreter)
{
	struct control *control = interpreter->executor.control;
	struct task_bell *bell = &interpreter->bells->workers[interpreter->executor.worker_idx];
	struct pollfd room = { .fd = interpreter->socket_fd, .events = POLLOUT };
	for (;;) {
		uint32_t n_packets;
		int status = task_outbox_send(&interpreter->outbox, interpreter->socket_fd, &n_packets);
		if (n_packets) {
			atomic_fetch_add_explicit(&bell->results, n_packets, memory_order_relaxed);
			atomic_fetch_add_explicit(&interpreter->bells->results, n_packets, memory_order_release);
			control_wake(control->header, &control->header->workers[GRAPH_DRIVER]);
		}
		if (status != STATUS_AGAIN)
			return status;
		if (atomic_load_explicit(&control->header->state, memory_order_acquire) == CONTROL_STOPPING)
			return STATUS_STOPPED;
		poll(&room, 1, SEND_POLL_MS);
	}
}

/* -- the loop --------------------------------------------------------------------------------------------------------- */

static bool is_sound_value(const struct interpreter *interpreter, const struct task_message *task, uint32_t input)
{
	const struct program *program = interpreter->executor.program;
	const struct task_value *value = &task->values[input];
	const struct program_edge *edge = &program->edges[program->indices[program->nodes[task->node].inputs.first + input]];
	const struct tensor_type *type = &program->types[program->nodes[edge->src].types.first + edge->src_output];
	return type_admits(type, &program->header->symbols, value->n_dims, value->dims)
		&& objects_has(&interpreter->objects, value->object, task_value_bytes(value, type->dtype));
}

static int check_task(const struct interpreter *interpreter, const struct task_message *task, struct error *error)
{
	uint32_t n_nodes = interpreter->executor.program->header->n_nodes;
	uint32_t place = task->node < n_nodes ? interpreter->node_places[task->node] : PROGRAM_NONE;
	bool is_sound = place != PROGRAM_NONE && task->n_values == (uint32_t)interpreter->executor.nodes[place].run.n_inputs;
	for (uint32_t i = 0; is_sound && i < task->n_values; i++)
		is_sound = is_sound_value(interpreter, task, i);
	return is_sound ? STATUS_OK : error_set(error, STATUS_PROTOCOL, "a task for node %u makes no sense to this worker", task->node);
}

static int carry_out(struct interpreter *interpreter, const struct task_message *task, struct error *error)
{
	struct executor *executor = &interpreter->executor;
	bool follows_unrecorded = interpreter->has_begun && !executor->recorder.is_on;
	interpreter->has_begun = true;
	if (recorder_select(&executor->recorder, task->execution))
		record_begin(interpreter, task, follows_unrecorded);
	int status = check_task(interpreter, task, error);
	if (status != STATUS_OK)
		return status;
	uint32_t place = interpreter->node_places[task->node];
	struct executor_node *node = &executor->nodes[place];
	struct interpreter_node *own = &interpreter->nodes[place];
	interpreter->last_execution = task->execution;
	node->status = 0;
	if (unlikely(atomic_load_explicit(&executor->control->header->attention, memory_order_relaxed))) {
		if (atomic_load_explicit(&executor->control->header->state, memory_order_acquire) == CONTROL_STOPPING)
			return STATUS_STOPPED;
		node->status = control_cancelled(executor->control, task->execution);
	}
	record_phase(interpreter, PHASE_SERIALISE);
	fetch(interpreter, node, task);
	record_phase(interpreter, PHASE_FETCH);
	status = compute(interpreter, node, own, task);
	interpreter->last_wait.was_named = false;
	if (status == STATUS_OK)
		status = answer(interpreter, node, own, task, error);
	if (status == STATUS_OK && task_inbox_is_empty(&interpreter->inbox) && has_packet(interpreter)) {
		record_phase(interpreter, PHASE_WRITE);
		status = receive(interpreter, error);
		record_phase(interpreter, PHASE_SERIALISE);
	}
	if (status == STATUS_OK && must_send(interpreter))
		status = send_answers(interpreter);
	record_phase(interpreter, PHASE_WRITE);
	if (executor->recorder.is_on && status == STATUS_OK)
		recorder_close(&executor->recorder, node->status ? STATUS_OP : STATUS_OK);
	return status;
}

int interpreter_run(struct interpreter *interpreter, struct error *error)
{
	int status = STATUS_OK;
	while (status == STATUS_OK) {
		const struct task_message *task = NULL;
		status = task_inbox_next(&interpreter->inbox, &task, error);
		if (status == STATUS_OK && task)
			status = carry_out(interpreter, task, error);
		else if (status == STATUS_OK)
			status = receive(interpreter, error);
	}
	executor_record_end(&interpreter->executor);
	return status;
}
