/* SPDX-License-Identifier: Apache-2.0
 *
 * gate_worker: passing a gate, standing at one, and poison: what workers and driver do.
 */
#include "engine/run/gate_private.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/graph/slot.h"

#define JUDGE_NS 1000000  /* within this a debugger lets go who has no reason to stay: until then it needs the core that this process had */
#define LOOK_NS 100000000 /* a safety net: a lost wake-up costs this, never a hang */

/* -- standing at a gate ----------------------------------------------------------------------------------------------- */

static bool holds_unsound_f32(const uint32_t *words, uint64_t n)
{
	uint32_t found = 0;
	for (uint64_t i = 0; i < n; i++)
		found |= (words[i] & 0x7f800000u) == 0x7f800000u;
	return found != 0;
}

static bool holds_unsound_f64(const uint64_t *words, uint64_t n)
{
	uint32_t found = 0;
	for (uint64_t i = 0; i < n; i++)
		found |= (words[i] & 0x7ff0000000000000u) == 0x7ff0000000000000u;
	return found != 0;
}

/* Whether an output holds a NaN or an infinity: all bits of an exponent are set. */
static bool is_unsound(const struct gate_point *point)
{
	for (int i = 0; i < point->n_outputs && !point->failure; i++) {
		const struct tensor *tensor = &point->outputs[i];
		uint64_t n = (uint64_t)tensor_n_elements(tensor);
		if (tensor->data && ((tensor->dtype == DTYPE_F32 && holds_unsound_f32(tensor->data, n))
			|| (tensor->dtype == DTYPE_F64 && holds_unsound_f64(tensor->data, n))))
			return true;
	}
	return false;
}

static bool must_stop(const struct gates *gates, const struct gate_worker *self, const struct gate_point *point, uint8_t flags)
{
	uint32_t steps = atomic_load_explicit(&self->steps, memory_order_acquire);
	if (steps == GATE_STEPS_PLACES || (steps == GATE_STEPS_NODES && (point->place == GATE_BEFORE || point->node == GRAPH_INPUT)))
		return true;
	if (!flags || point->execution < atomic_load_explicit(&gates->header->from_execution, memory_order_relaxed))
		return false;
	if (point->place == GATE_BEFORE)
		return flags & GATE_STOP_BEFORE;
	return flags & GATE_STOP_AFTER || (flags & GATE_STOP_FAILED && point->is_own_failure)
		|| (flags & GATE_STOP_UNSOUND && is_unsound(point));
}

struct gate_tensor gate_describe(const struct tensor *tensor, uint64_t offset)
{
	struct gate_tensor described = { .dtype = (uint32_t)tensor->dtype, .n_dims = (uint32_t)tensor->n_dims, .offset = offset,
		.bytes = tensor_bytes(tensor) };
	for (int i = 0; i < tensor->n_dims; i++)
		described.dims[i] = (uint32_t)tensor->shape[i];
	return described;
}

static struct gate_tensor find_tensor(const struct gates *gates, const struct tensor *tensor)
{
	uint64_t offset = (uint64_t)((uintptr_t)tensor->data - (uintptr_t)gates->slots), bytes = tensor_bytes(tensor);
	bool is_inside = tensor->data && offset <= gates->slots_bytes && bytes <= gates->slots_bytes - offset;
	return gate_describe(tensor, is_inside ? offset : GATE_NOWHERE);
}

/* Of the driver's nodes, which may have any number of inputs or outputs, the first are told. */
static void publish(const struct gates *gates, struct gate_worker *self, const struct gate_point *point)
{
	struct gate_stop *stop = &self->stop;
	uint32_t most = ARRAY_LEN(stop->tensors), n = 0;
	*stop = (struct gate_stop){ .place = point->place, .node = point->node, .execution = point->execution, .failure = point->failure,
		.is_own_failure = point->is_own_failure, .since = clock_ticks().count,
		.op_ticks = point->op_ticks, .waited_ticks = point->waited_ticks };
	for (int i = 0; i < point->n_inputs && n < most; i++)
		stop->tensors[n++] = find_tensor(gates, &point->inputs[i]);
	stop->n_inputs = n;
	for (int i = 0; i < point->n_outputs && n < most; i++)
		stop->tensors[n++] = find_tensor(gates, &point->outputs[i]);
	stop->n_outputs = n - stop->n_inputs;
}

static bool is_held(const struct control_header *header)
{
	return atomic_load(&header->state) != CONTROL_STOPPING && atomic_load(&header->attention) & CONTROL_ATTENTION_GATES;
}

/* `go` is read before STOPPED is stored, `attention` after (gates_release). */
static void stand(struct gates *gates, struct control *control, struct gate_worker *self, const struct gate_point *point)
{
	struct timespec timeout = { .tv_nsec = JUDGE_NS };
	bool is_counted = true;
	uint32_t seen = atomic_load(&self->go);
	publish(gates, self, point);
	atomic_fetch_add_explicit(&self->n_stops, 1, memory_order_relaxed);
	atomic_store(&self->state, GATE_STOPPED);
	gates_announce(gates);
	while (atomic_load(&self->go) == seen && is_held(control->header)) {
		if (syscall(SYS_futex, &self->go, FUTEX_WAIT, seen, &timeout, NULL, 0) == 0 || errno != ETIMEDOUT || !is_counted)
			continue;
		atomic_fetch_sub_explicit(&control->header->n_awake, 1, memory_order_relaxed);
		is_counted = false;
		timeout.tv_nsec = LOOK_NS;
	}
	if (!is_counted)
		atomic_fetch_add_explicit(&control->header->n_awake, 1, memory_order_relaxed);
	atomic_store_explicit(&gates->header->held_until, clock_ticks().count, memory_order_relaxed);
	atomic_store_explicit(&self->state, GATE_PASSING, memory_order_release);
}

int gate_pass(struct gates *gates, struct control *control, uint32_t worker, struct recorder *recorder, const struct gate_point *point)
{
	struct gate_worker *self = gate_worker(gates, worker);
	uint8_t flags = atomic_load_explicit(&gates->flags[point->node], memory_order_relaxed);
	bool stops = must_stop(gates, self, point, flags);
	if (stops) {
		stand(gates, control, self, point);
		flags = atomic_load_explicit(&gates->flags[point->node], memory_order_relaxed);
	}
	bool keeps = point->place == GATE_AFTER && flags & (GATE_KEEP | GATE_DIGEST);
	if (keeps)
		gate_keep(gates, worker, point, flags & GATE_KEEP);
	if ((stops || keeps) && recorder->is_on)
		recorder_phase(recorder, PHASE_DEBUG, clock_ticks().count);
	return atomic_load_explicit(&control->header->state, memory_order_acquire) == CONTROL_STOPPING ? STATUS_STOPPED : STATUS_OK;
}

/* -- poison ----------------------------------------------------------------------------------------------------------- */

/* As many bytes as the message had: what lies behind was never written, or filled before. */
static void fill_slot(const struct program *program, const struct program_channel *storage, uint8_t *slots, uint64_t slot)
{
	uint8_t *data = slots + storage->slots_offset + slot * storage->slot_bytes;
	const struct slot_header *header = (const struct slot_header *)(data + storage->slot_bytes - sizeof *header);
	const struct tensor_type *type = &program->types[program->nodes[storage->node].types.first + storage->output];
	uint64_t bytes = dtype_bytes(type->dtype);
	for (int i = 0; i < type->n_dims && bytes <= storage->payload_bytes; i++)
		bytes *= control_read_once(&header->dims[i]);
	gate_fill_poison(data, bytes < storage->payload_bytes ? bytes : storage->payload_bytes);
}

void gate_fill_poison(void *data, uint64_t bytes)
{
	uint32_t words[16];
	uint8_t *at = data;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		words[i] = GATE_POISON;
	for (; bytes >= sizeof words; bytes -= sizeof words, at += sizeof words)
		memcpy(at, words, sizeof words);
	memcpy(at, words, bytes);
}

void gate_poison(struct gates *gates, const struct program *program, uint32_t node, uint64_t execution, uint8_t *slots)
{
	struct program_range inputs = program->nodes[node].inputs;
	for (uint32_t i = 0; i < inputs.n && gates->readers; i++) {
		uint32_t idx = program->channels[program->edges[program->indices[inputs.first + i]].channel].storage;
		const struct program_channel *storage = &program->channels[idx];
		uint64_t slot = execution % storage->depth;
		_Atomic uint32_t *counter = &gates->counters[gates->readers[idx].first + slot];
		if (atomic_fetch_add_explicit(counter, 1, memory_order_acq_rel) + 1 < gates->readers[idx].n)
			continue;
		atomic_store_explicit(counter, 0, memory_order_relaxed);
		fill_slot(program, storage, slots, slot);
	}
}
