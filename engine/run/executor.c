/* SPDX-License-Identifier: Apache-2.0
 *
 * executor: the compiled mode's loop. No system call, no allocation and no time stamp but the recorder's on the way of a message that
 * does not have to wait.
 */
#include "engine/run/executor_private.h"

#include <inttypes.h>
#include <stdio.h>

/* A wait that outlasted its first µs: its phase, and a row with its name. The part of it in which nothing was in flight is idle: the
 * driver's stamps lie inside the wait, for a wait for execution k ends after k was submitted. */
static void record_wait(struct executor *executor, const struct wait_name *name, const struct wait_times *times)
{
	struct recorder *recorder = &executor->recorder;
	const struct control_header *header = executor->control->header;
	uint64_t start = times->start.count, end = times->end.count;
	uint64_t idle_since = atomic_load_explicit(&header->idle_since, memory_order_relaxed);
	uint64_t busy_since = atomic_load_explicit(&header->busy_since, memory_order_relaxed);
	if (name->cause == PHASE_STARVED && !recorder->open.n_phases && busy_since > start && busy_since <= end) {
		if (idle_since < recorder->last)
			idle_since = recorder->last;
		if (idle_since > busy_since)
			idle_since = busy_since;
		recorder_span(recorder, PHASE_STARVED, recorder->last, idle_since);
		recorder_wait(recorder, PHASE_STARVED, name->node, name->execution, start, idle_since, name->edge, name->channel,
			name->slot, name->peer);
		recorder_span(recorder, PHASE_IDLE, idle_since, busy_since);
		start = recorder->last = recorder->open.start = busy_since;
	}
	recorder_wait(recorder, name->cause, name->node, name->execution, start, end, name->edge, name->channel, name->slot,
		name->peer);
	recorder_phase(recorder, name->cause, end);
}

static COLD int step_read_slow(struct executor *executor, struct executor_step *step, uint64_t execution, struct error *error)
{
	struct channel *channel = step->channel;
	struct wait_name name = { .cause = step->cause, .node = step->node->idx, .edge = step->edge, .channel = channel->idx,
		.slot = channel->slot, .peer = channel->writer, .execution = execution };
	struct wait_times times;
	int status = wait_slow(&executor->waiter, &channel->header->sequence, execution + 1, &name, 0, &times);
	if (status != STATUS_OK)
		return status;
	uint64_t sequence = atomic_load_explicit(&channel->header->sequence, memory_order_relaxed);
	if (sequence != execution + 1)
		return error_set(error, STATUS_PROTOCOL, "channel %u slot %u holds execution %" PRIu64 " where %" PRIu64 " was due",
			channel->idx, channel->slot, sequence - 1, execution);
	if (times.was_named)
		waiter_count(&executor->waiter, name.node, execution, &times);
	if (executor->recorder.is_on && times.was_named)
		record_wait(executor, &name, &times);
	return STATUS_OK;
}

static inline int step_read(struct executor *executor, struct executor_step *step, uint64_t execution, struct error *error)
{
	uint64_t sequence = atomic_load_explicit(&step->channel->header->sequence, memory_order_acquire);
	return likely(sequence == execution + 1) ? STATUS_OK : step_read_slow(executor, step, execution, error);
}

static COLD int step_reserve_slow(struct executor *executor, struct executor_step *step, uint64_t execution)
{
	struct channel *storage = step->channel;
	struct wait_name name = { .cause = PHASE_BACKPRESSURE, .node = step->node->idx, .edge = PROGRAM_NONE,
		.channel = storage->idx, .slot = storage->slot, .peer = PROGRAM_NONE, .execution = execution };
	struct wait_times times;
	int status = channel_reserve(storage, execution, &executor->waiter, &name, 0, &times);
	if (status == STATUS_OK && times.was_named)
		waiter_count(&executor->waiter, name.node, execution, &times);
	if (status == STATUS_OK && executor->recorder.is_on && times.was_named)
		record_wait(executor, &name, &times);
	return status;
}

static void set_shape_from_header(struct tensor *tensor, const struct slot_header *header)
{
	int64_t stride = 1;
	for (int i = tensor->n_dims - 1; i >= 0; i--) {
		tensor->shape[i] = header->dims[i];
		tensor->strides[i] = stride;
		stride *= header->dims[i];
	}
}

void executor_set_output_shapes(struct executor_node *node)
{
	for (uint32_t i = 0; i < node->n_dims; i++) {
		const struct executor_dim *dim = &node->dims[i];
		int64_t value = (node->inputs[dim->input].shape[dim->input_dim] - dim->in_add) / dim->in_mul;
		node->outputs[dim->output].shape[dim->dim] = value * dim->out_mul + dim->out_add;
	}
	for (int i = 0; i < node->run.n_outputs; i++) {
		struct tensor *tensor = &node->outputs[i];
		*tensor = tensor_make(tensor->dtype, tensor->n_dims, tensor->shape, tensor->data);
	}
}

/* Points the tensors at the current slots; returns the first failure among the inputs, 0 when all are good. */
static inline uint32_t gather(struct executor_node *node)
{
	uint32_t failure = 0;
	for (int i = 0; i < node->run.n_inputs; i++) {
		const struct slot_header *header = node->input_channels[i]->header;
		if (unlikely(header->status))
			failure = failure ? failure : header->status;
		node->inputs[i].data = node->input_channels[i]->data;
		if (!node->is_static)
			set_shape_from_header(&node->inputs[i], header);
	}
	for (uint32_t i = 0; i < node->n_control_channels; i++) {
		uint32_t status = node->control_channels[i]->header->status;
		failure = failure ? failure : status;
	}
	for (int i = 0; i < node->run.n_outputs; i++) {
		if (node->output_channels[i])
			node->outputs[i].data = node->output_channels[i]->data;
	}
	if (!node->is_static && !failure)
		executor_set_output_shapes(node);
	return failure;
}

/* The first op that fails leaves the state of the run, and its inputs, behind. */
static void freeze(struct executor *executor, struct executor_node *node, uint64_t execution, uint32_t word)
{
	struct gate_point point = { .node = node->idx, .failure = word, .execution = execution, .n_inputs = node->run.n_inputs,
		.inputs = node->inputs, .n_outputs = node->run.n_outputs, .outputs = node->outputs };
	gate_keep_inputs(executor->gates, executor->program, executor->worker_idx, &point);
	gates_freeze(executor->gates, executor->control, GATE_FREEZE_ERROR, executor->worker_idx, node->idx, execution, node->error.text);
}

uint32_t executor_fail(struct executor *executor, struct executor_node *node, int status, uint64_t execution)
{
	if (status >= STATUS_COUNT || status < 0)
		status = STATUS_OP;
	if (!node->error.text[0])
		error_set(&node->error, status, "%s", status_sentence(status));
	uint32_t word = control_fail(executor->control, STATUS_OP, executor->worker_idx, node->idx, execution, node->error.text);
	if (executor->gates)
		freeze(executor, node, execution, word);
	node->error.text[0] = '\0';
	return word;
}

int executor_pass(struct executor *executor, struct executor_node *node, enum gate_place place, uint64_t execution, bool is_own_failure,
	uint64_t start, uint64_t op_ticks, uint64_t waited_ticks)
{
	struct gate_point point = {
		.place = place, .node = node->idx, .failure = node->status, .is_own_failure = is_own_failure, .execution = execution,
		.n_inputs = node->run.n_inputs, .n_outputs = node->status ? 0 : node->run.n_outputs,
		.inputs = node->inputs, .outputs = node->outputs,
		.start = start, .op_ticks = op_ticks, .waited_ticks = waited_ticks,
	};
	return executor->gates ? gate_pass(executor->gates, executor->control, executor->worker_idx, &executor->recorder, &point) : STATUS_OK;
}

/* What `attention` asks for before an op. *ret_start: when the op begins. */
static COLD int attend(struct executor *executor, struct executor_node *node, uint64_t execution, uint64_t *ret_start)
{
	const struct control_header *header = executor->control->header;
	if (atomic_load_explicit(&header->state, memory_order_acquire) == CONTROL_STOPPING)
		return STATUS_STOPPED;
	if (!node->status)
		node->status = control_cancelled(executor->control, execution);
	if (!node->status && atomic_load_explicit(&header->attention, memory_order_acquire) & CONTROL_ATTENTION_GATES) {
		int status = executor_pass(executor, node, GATE_BEFORE, execution, false, 0, 0,
			waiter_waited(&executor->waiter, node->idx, execution));
		if (status != STATUS_OK)
			return status;
		node->status = control_cancelled(executor->control, execution);
	}
	*ret_start = clock_ticks().count;
	return STATUS_OK;
}

/* What `attention` asks for after an op, before its outputs are published. `start` is 0 when that was not asked for before. */
static COLD int attend_after(struct executor *executor, struct executor_node *node, uint64_t execution, bool has_failed, uint64_t start)
{
	uint64_t op_ticks = start ? clock_ticks().count - start : 0;
	uint32_t attention = atomic_load_explicit(&executor->control->header->attention, memory_order_acquire);
	int status = STATUS_OK;
	for (int i = 0; i < node->run.n_inputs && node->status; i++) {
		if (node->input_channels[i]->header->status)
			node->inputs[i].data = NULL;
	}
	if (attention & CONTROL_ATTENTION_GATES)
		status = executor_pass(executor, node, GATE_AFTER, execution, has_failed, start, op_ticks,
			waiter_waited(&executor->waiter, node->idx, execution));
	if (status == STATUS_OK && attention & CONTROL_ATTENTION_POISON && executor->gates)
		gate_poison(executor->gates, executor->program, node->idx, execution, executor->gates->slots);
	return status;
}

/* False when the op failed. */
static inline bool run_op(struct executor *executor, struct executor_node *node, uint64_t execution)
{
	struct control_worker *self = executor->waiter.self;
	atomic_store_explicit(&self->position, control_position(execution, node->idx), memory_order_relaxed);
	node->run.execution = execution;
	int status = node->op->run(&node->run);
	atomic_store_explicit(&self->position, 0, memory_order_relaxed);
	if (likely(status == STATUS_OK))
		return true;
	node->status = executor_fail(executor, node, status, execution);
	return false;
}

static int step_compute(struct executor *executor, struct executor_node *node, uint64_t execution)
{
	const _Atomic uint32_t *attention = &executor->control->header->attention;
	uint64_t start = 0;
	bool has_failed = false;
	node->status = gather(node);
	if (unlikely(atomic_load_explicit(attention, memory_order_relaxed))) {
		int status = attend(executor, node, execution, &start);
		if (status != STATUS_OK)
			return status;
	}
	if (likely(!node->status) && !(node->is_forward && node->outputs[0].data == node->inputs[0].data))
		has_failed = !run_op(executor, node, execution);
	if (executor->recorder.is_on)
		recorder_phase(&executor->recorder, node->phase, clock_ticks().count);
	if (unlikely(atomic_load_explicit(attention, memory_order_relaxed) & (CONTROL_ATTENTION_GATES | CONTROL_ATTENTION_POISON)))
		return attend_after(executor, node, execution, has_failed, start);
	return STATUS_OK;
}

static inline void step_write(struct executor *executor, struct executor_step *step, uint64_t execution)
{
	struct channel *channel = step->channel;
	channel_set_header(channel, step->tensor, step->node->status);
	if (unlikely(channel_publish(channel, execution, executor->control->header)) && executor->recorder.is_on)
		recorder_phase(&executor->recorder, PHASE_WRITE, clock_ticks().count);
}

static inline int run_step(struct executor *executor, struct executor_step *step, uint64_t execution, struct error *error)
{
	struct recorder *recorder = &executor->recorder;
	int status = STATUS_OK;
	if (step->opens_node && recorder->is_on)
		recorder_open(recorder, RECORD_OP, step->node->idx, execution);
	switch (step->kind) {
	case PLAN_STEP_READ:
		status = step_read(executor, step, execution, error);
		break;
	case PLAN_STEP_RESERVE:
		if (unlikely(!channel_is_free(step->channel, execution)))
			status = step_reserve_slow(executor, step, execution);
		break;
	case PLAN_STEP_COMPUTE:
		status = step_compute(executor, step->node, execution);
		break;
	case PLAN_STEP_WRITE:
		step_write(executor, step, execution);
		break;
	case PLAN_STEP_RELEASE:
		channel_release(step->channel, step->releaser, execution, executor->control->header);
		break;
	case PLAN_STEP_COUNT:
		break;
	}
	if (step->closes_node && recorder->is_on && status == STATUS_OK)
		recorder_close(recorder, step->node->status ? STATUS_OP : STATUS_OK);
	return status;
}

void executor_record_end(struct executor *executor)
{
	struct recorder *recorder = &executor->recorder;
	const struct control_header *header = executor->control->header;
	uint64_t idle_since = atomic_load_explicit(&header->idle_since, memory_order_acquire);
	uint64_t busy_since = atomic_load_explicit(&header->busy_since, memory_order_acquire);
	uint64_t now = clock_ticks().count;
	if (!recorder->writer.ring)
		return;
	if (idle_since < busy_since)
		idle_since = now;
	if (idle_since < recorder->last)
		idle_since = recorder->last;
	recorder_span(recorder, PHASE_STARVED, recorder->last, idle_since);
	recorder_span(recorder, PHASE_IDLE, idle_since, now);
}

int executor_run(struct executor *executor, struct error *error)
{
	int status = STATUS_OK;
	for (uint64_t execution = 0; status == STATUS_OK; execution++) {
		bool was_on = executor->recorder.is_on;
		if (recorder_select(&executor->recorder, execution) && !was_on && execution)
			recorder_skip_to(&executor->recorder, clock_ticks().count);
		for (uint32_t i = 0; i < executor->n_channels; i++)
			channel_advance(&executor->channels[i]);
		for (uint32_t i = 0; i < executor->n_steps && status == STATUS_OK; i++)
			status = run_step(executor, &executor->steps[i], execution, error);
	}
	executor_record_end(executor);
	return status;
}
