/* SPDX-License-Identifier: Apache-2.0
 *
 * value_held: where values of an output lie at this moment: at gates, in slots of channels, in the object store, in the history. Whatever
 * stands in the segments is checked against the program before it is used: they may be somebody's file, or be written while we look.
 *
 * Several channels may share one storage: a node that works in place takes over its input's slot. A value in a slot is there only as long as
 * no later node of that chain has begun to write in the same slot, in its own execution or in a later one.
 */
#include <string.h>

#include "engine/debug/value_private.h"
#include "engine/graph/slot.h"
#include "engine/ops/ops.h"

struct walk {
	const struct debug_target *target;
	uint32_t node, output;
	uint64_t execution;
	bool (*visit)(void *user, const struct debug_value *value);
	void *user;
	struct debug_losses *losses;
	bool is_over;
};

static const struct tensor_type *type_of(const struct program *program, uint32_t node, uint32_t output)
{
	return &program->types[program->nodes[node].types.first + output];
}

/* A tensor of the output's type over `data`, of which `bytes` are there. */
static bool make_tensor(const struct program *program, uint32_t node, uint32_t output, uint32_t n_dims, const uint32_t *dims, void *data,
	uint64_t bytes, struct tensor *ret_tensor)
{
	const struct tensor_type *type = type_of(program, node, output);
	int64_t shape[TENSOR_DIMS_MAX];
	if (n_dims > TENSOR_DIMS_MAX || !type_admits(type, &program->header->symbols, n_dims, dims))
		return false;
	for (uint32_t d = 0; d < n_dims; d++)
		shape[d] = dims[d];
	*ret_tensor = tensor_make(type->dtype, (int)n_dims, shape, data);
	return tensor_bytes(ret_tensor) <= bytes;
}

bool debug_held_gate_tensor(const struct debug_target *target, uint32_t node, uint32_t output, const struct gate_tensor *at,
	struct tensor *ret_tensor)
{
	if (at->offset > target->slots_bytes || at->bytes > target->slots_bytes - at->offset || !target->slots)
		return false;
	return at->dtype == (uint32_t)type_of(&target->program, node, output)->dtype
		&& make_tensor(&target->program, node, output, at->n_dims, at->dims, target->slots + at->offset, at->bytes, ret_tensor);
}

/* Whether the whole of it is what --poison fills slots with. Less than a word tells nothing. */
static bool is_poison(const struct debug_target *target, const struct tensor *tensor)
{
	static const uint32_t word = GATE_POISON;
	size_t bytes = tensor_bytes(tensor);
	const uint8_t *data = tensor->data;
	if (!target->gates.header->poisons || bytes < sizeof word || memcmp(data, &word, sizeof word) != 0)
		return false;
	return memcmp(data, data + sizeof word, bytes - sizeof word) == 0;
}

static void offer(struct walk *walk, struct debug_value *value)
{
	value->node = walk->node;
	value->output = walk->output;
	if (value->tensor.data && value->source != DEBUG_SOURCE_HISTORY && !value->is_writable && is_poison(walk->target, &value->tensor)) {
		walk->losses->n_poisoned++;
		return;
	}
	walk->is_over = !walk->visit(walk->user, value);
}

static bool is_wanted(const struct walk *walk, uint64_t execution)
{
	return walk->execution == DEBUG_LATEST || walk->execution == execution;
}

/* -- gates ------------------------------------------------------------------------------------------------------------- */

static void offer_own_output(struct walk *walk, uint32_t worker, const struct gate_stop *stop, uint32_t n_stops)
{
	struct debug_value value = { .execution = stop->execution, .source = DEBUG_SOURCE_GATE, .failure = stop->failure,
		.op_ticks = stop->op_ticks, .waited_ticks = stop->waited_ticks, .held = { .worker = worker, .n_stops = n_stops } };
	if (walk->output >= stop->n_outputs)
		return;
	if (!value.failure && !debug_held_gate_tensor(walk->target, walk->node, walk->output, &stop->tensors[stop->n_inputs + walk->output],
		&value.tensor))
		return;
	value.is_writable = !value.failure && walk->target->is_live;
	offer(walk, &value);
}

/* What the node at the gate reads is its producers' output, unless it has written over it. */
static void offer_inputs(struct walk *walk, uint32_t worker, const struct gate_stop *stop, uint32_t n_stops)
{
	const struct program *program = &walk->target->program;
	const struct program_node *node = &program->nodes[stop->node];
	for (uint32_t i = 0; i < stop->n_inputs && i < node->inputs.n && !walk->is_over; i++) {
		const struct program_edge *edge = &program->edges[program->indices[node->inputs.first + i]];
		struct debug_value value = { .execution = stop->execution, .source = DEBUG_SOURCE_GATE,
			.held = { .worker = worker, .n_stops = n_stops } };
		bool is_there = stop->place == GATE_BEFORE || (i > 0 || !node->is_overwriting);
		if (edge->src == walk->node && edge->src_output == walk->output && is_there
			&& debug_held_gate_tensor(walk->target, walk->node, walk->output, &stop->tensors[i], &value.tensor))
			offer(walk, &value);
	}
}

static void walk_gates(struct walk *walk)
{
	const struct debug_target *target = walk->target;
	for (uint32_t i = 0; i < target->gates.n_workers && !walk->is_over; i++) {
		struct gate_stop stop;
		uint32_t n_stops;
		if (!gate_read_stop(&target->gates, &target->program, i, &stop, &n_stops) || !is_wanted(walk, stop.execution))
			continue;
		if (stop.node == walk->node && stop.place == GATE_AFTER)
			offer_own_output(walk, i, &stop, n_stops);
		else if (stop.node != walk->node && !stop.failure)
			offer_inputs(walk, i, &stop, n_stops);
	}
}

/* -- slots ------------------------------------------------------------------------------------------------------------- */

static const struct slot_header *slot_header_at(const struct debug_target *target, uint32_t channel_idx, uint32_t slot)
{
	const struct program_channel *channel = &target->program.channels[channel_idx];
	const uint8_t *end = target->slots + channel->slots_offset + ((size_t)slot + 1) * channel->slot_bytes;
	return (const struct slot_header *)(end - sizeof(struct slot_header));
}

/* 1 + the execution of which `node` is computing, or has computed and stands at the gate behind; 0: of none in this slot. */
static uint64_t begun_by_now(const struct debug_target *target, const struct control *control, uint32_t node, uint32_t slot, uint32_t depth)
{
	uint32_t worker = target->program.nodes[node].worker;
	if (!control->header)
		return 0;
	uint64_t position = atomic_load_explicit(&control->header->workers[worker].position, memory_order_relaxed);
	uint64_t execution = position >> CONTROL_POSITION_NODE_BITS;
	bool is_computing = position && control_position(execution, node) == position && execution % depth == slot;
	return is_computing ? execution + 1 : 0;
}

static uint64_t begun_at_gate(const struct debug_target *target, uint32_t node, uint32_t slot, uint32_t depth)
{
	const struct gate_worker *worker = gate_worker(&target->gates, target->program.nodes[node].worker);
	const volatile struct gate_stop *stop = &worker->stop;
	if (atomic_load_explicit(&worker->state, memory_order_acquire) != GATE_STOPPED || stop->node != node || stop->place != GATE_AFTER)
		return 0;
	uint64_t execution = stop->execution;
	return execution % depth == slot && execution != UINT64_MAX ? execution + 1 : 0;
}

/* 1 + the last execution in which the channel's node has begun to write in this slot. */
static uint64_t begun(const struct debug_target *target, uint32_t channel_idx, uint32_t slot)
{
	const struct program_channel *channel = &target->program.channels[channel_idx];
	uint64_t seen[] = {
		atomic_load_explicit(&slot_header_at(target, channel_idx, slot)->sequence, memory_order_acquire),
		begun_by_now(target, &target->control, channel->node, slot, channel->depth),
		begun_by_now(target, &target->last, channel->node, slot, channel->depth),
		begun_at_gate(target, channel->node, slot, channel->depth),
	};
	uint64_t most = 0;
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		most = seen[i] > most ? seen[i] : most;
	return most;
}

/* Whether `later` gets its bytes from `channel` through nodes that work in place or forward. */
static bool is_behind(const struct program *program, uint32_t later, uint32_t channel)
{
	uint32_t at = later;
	for (uint32_t i = 0; i < program->header->n_channels && at != program->channels[later].storage; i++) {
		const struct program_node *node = &program->nodes[program->channels[at].node];
		if (!node->inputs.n)
			return false;
		at = program->edges[program->indices[node->inputs.first]].channel;
		if (at == channel)
			return true;
		if (at >= program->header->n_channels || program->channels[at].storage != program->channels[later].storage)
			return false;
	}
	return false;
}

/* Whether what `channel` published for `execution` in this slot has not been written over. */
static bool is_intact(const struct debug_target *target, uint32_t channel_idx, uint32_t slot, uint64_t execution, struct debug_losses *losses)
{
	const struct program *program = &target->program;
	uint32_t storage = program->channels[channel_idx].storage;
	for (uint32_t i = 0; i < program->header->n_channels; i++) {
		const struct program_channel *other = &program->channels[i];
		bool writes = i == storage || (other->storage == storage && other->output == 0 && program->nodes[other->node].is_overwriting);
		if (!writes)
			continue;
		uint64_t last = begun(target, i, slot);
		bool is_behind_it = i != channel_idx && i != storage && is_behind(program, i, channel_idx);
		if (last <= execution || (last == execution + 1 && !is_behind_it))
			continue;
		losses->n_overwritten++;
		losses->overwriter = last == execution + 1 ? other->node : PROGRAM_NONE;
		return false;
	}
	return true;
}

static void walk_slot(struct walk *walk, uint32_t channel_idx, uint32_t slot)
{
	const struct debug_target *target = walk->target;
	const struct program_channel *channel = &target->program.channels[channel_idx];
	const struct program_channel *storage = &target->program.channels[channel->storage];
	const struct slot_header *header = slot_header_at(target, channel_idx, slot);
	uint64_t sequence = atomic_load_explicit(&header->sequence, memory_order_acquire);
	if (!sequence || (sequence - 1) % channel->depth != slot || !is_wanted(walk, sequence - 1))
		return;
	struct debug_value value = { .execution = sequence - 1, .source = DEBUG_SOURCE_SLOT,
		.failure = control_read_once(&header->status), .held = { .channel = channel_idx, .slot = slot } };
	uint32_t dims[TENSOR_DIMS_MAX];
	for (int d = 0; d < TENSOR_DIMS_MAX; d++)
		dims[d] = control_read_once(&header->dims[d]);
	if (value.failure > target->control.n_failures)
		return;
	uint8_t *data = target->slots + storage->slots_offset + (size_t)slot * storage->slot_bytes;
	if (!value.failure && (!is_intact(target, channel_idx, slot, value.execution, walk->losses)
		|| !make_tensor(&target->program, walk->node, walk->output, control_read_once(&header->n_dims), dims, data,
			channel->payload_bytes, &value.tensor)))
		return;
	offer(walk, &value);
}

static void walk_slots(struct walk *walk)
{
	const struct program *program = &walk->target->program;
	for (uint32_t i = 0; i < program->header->n_channels; i++) {
		const struct program_channel *channel = &program->channels[i];
		if (channel->node != walk->node || channel->output != walk->output)
			continue;
		for (uint32_t slot = 0; slot < channel->depth && !walk->is_over; slot++)
			walk_slot(walk, i, slot);
	}
}

/* -- objects ------------------------------------------------------------------------------------------------------------- */

/* Whether the node's output is its input's object, passed on. */
static bool passes_on(const struct program *program, uint32_t node, uint32_t output)
{
	const struct program_node *self = &program->nodes[node];
	if (output || !self->inputs.n || node <= GRAPH_OUTPUT)
		return false;
	const struct op *op = op_registry_find(&ops_builtin, program_string(program, self->op));
	if (op)
		return op->caps & OP_FORWARD;
	for (uint32_t i = 0; i < program->header->n_channels; i++) {
		const struct program_channel *channel = &program->channels[i];
		if (channel->node == node && channel->output == 0)
			return channel->storage != i && !self->is_overwriting;
	}
	return false;
}

/* The output whose object this output's value lies in. */
static void find_maker(const struct program *program, uint32_t *node, uint32_t *output)
{
	for (uint32_t i = 0; i < program->header->n_nodes && passes_on(program, *node, *output); i++) {
		const struct program_edge *edge = &program->edges[program->indices[program->nodes[*node].inputs.first]];
		*node = edge->src;
		*output = edge->src_output;
	}
}

/* The sizes of `to` where those of `from` are `dims`: both are linear in the same symbols. */
static bool translate_dims(const struct program *program, const struct tensor_type *from, const struct tensor_type *to, uint32_t *dims)
{
	int64_t values[TYPE_SYMBOLS_MAX] = { 0 };
	for (int d = 0; d < from->n_dims; d++) {
		if (!dim_is_constant(from->dims[d]))
			values[from->dims[d].symbol] = ((int64_t)dims[d] - from->dims[d].add) / from->dims[d].mul;
	}
	for (int d = 0; d < to->n_dims; d++) {
		int64_t size = dim_value(to->dims[d], values);
		if (size < 0 || size > GRAPH_SIZE_MAX)
			return false;
		dims[d] = (uint32_t)size;
	}
	return true;
}

struct object_walk {
	struct walk *walk;
	uint32_t maker, maker_output;
};

static void visit_object(void *user, uint64_t object, const struct object_header *block)
{
	struct object_walk *own = user;
	struct walk *walk = own->walk;
	const struct program *program = &walk->target->program;
	if (walk->is_over || block->node != own->maker || block->output != own->maker_output || !is_wanted(walk, block->execution)
		|| atomic_load_explicit(&block->state, memory_order_relaxed) != OBJECT_SEALED
		|| !objects_has(&walk->target->objects, object, block->bytes))
		return;
	struct debug_value value = { .execution = block->execution, .source = DEBUG_SOURCE_OBJECT, .held = { .object = object } };
	uint32_t dims[TENSOR_DIMS_MAX];
	const struct tensor_type *made = type_of(program, own->maker, own->maker_output), *type = type_of(program, walk->node, walk->output);
	objects_get_shape(&walk->target->objects, object, dims);
	bool is_sized = type_admits(made, &program->header->symbols, (uint32_t)made->n_dims, dims)
		&& (own->maker == walk->node || translate_dims(program, made, type, dims));
	if (is_sized && make_tensor(program, walk->node, walk->output, (uint32_t)type->n_dims, dims,
		objects_data(&walk->target->objects, object), block->bytes, &value.tensor))
		offer(walk, &value);
}

static void walk_objects(struct walk *walk)
{
	struct object_walk own = { walk, walk->node, walk->output };
	find_maker(&walk->target->program, &own.maker, &own.maker_output);
	objects_walk(&walk->target->objects, visit_object, &own);
}

/* -- history ------------------------------------------------------------------------------------------------------------- */

static void offer_entry(struct walk *walk, uint32_t worker, const struct gate_entry *entry, const void *data)
{
	struct debug_value value = { .execution = entry->execution, .source = DEBUG_SOURCE_HISTORY, .failure = entry->failure,
		.has_digest = !entry->failure, .digest = entry->digest, .op_ticks = entry->op_ticks, .waited_ticks = entry->waited_ticks,
		.held = { .worker = worker, .entry = *entry } };
	if (value.failure > walk->target->control.n_failures)
		return;
	if (!value.failure && (entry->tensor.dtype != (uint32_t)type_of(&walk->target->program, walk->node, walk->output)->dtype
		|| !make_tensor(&walk->target->program, walk->node, walk->output, entry->tensor.n_dims, entry->tensor.dims,
			(void *)(uintptr_t)data, data ? entry->tensor.bytes : UINT64_MAX, &value.tensor)))
		return;
	offer(walk, &value);
}

static void walk_history(struct walk *walk)
{
	const struct gates *gates = &walk->target->gates;
	for (uint32_t i = 0; i < gates->n_workers && !walk->is_over; i++) {
		uint64_t position = 0;
		struct gate_entry entry;
		const void *data;
		while (!walk->is_over && gate_history_next(gates, i, &position, &entry, &data)) {
			if (entry.node == walk->node && entry.output == walk->output && is_wanted(walk, entry.execution))
				offer_entry(walk, i, &entry, data);
		}
	}
}

/* -- all ------------------------------------------------------------------------------------------------------------------ */

void debug_held_each(const struct debug_target *target, uint32_t node, uint32_t output, uint64_t execution,
	bool (*visit)(void *user, const struct debug_value *value), void *user, struct debug_losses *losses)
{
	struct walk walk = { .target = target, .node = node, .output = output, .execution = execution, .visit = visit, .user = user,
		.losses = losses };
	*losses = (struct debug_losses){ .overwriter = PROGRAM_NONE };
	if (node >= target->program.header->n_nodes || output >= target->program.nodes[node].types.n)
		return;
	walk_gates(&walk);
	if (!walk.is_over && target->objects.header)
		walk_objects(&walk);
	else if (!walk.is_over && target->program.header->mode == RUN_MODE_COMPILED)
		walk_slots(&walk);
	if (!walk.is_over)
		walk_history(&walk);
}

static bool is_object_sound(const struct debug_target *target, const struct debug_value *value)
{
	const struct object_header *block = (const void *)(target->objects.base + value->held.object - sizeof *block);
	uint32_t node = value->node, output = value->output;
	find_maker(&target->program, &node, &output);
	return atomic_load_explicit(&block->state, memory_order_acquire) == OBJECT_SEALED
		&& control_read_once(&block->node) == node && control_read_once(&block->output) == output
		&& *(const volatile uint64_t *)&block->execution == value->execution;
}

bool debug_held_is_sound(const struct debug_target *target, const struct debug_value *value)
{
	const struct debug_held *held = &value->held;
	struct debug_losses losses;
	struct gate_stop stop;
	uint32_t n_stops;
	atomic_thread_fence(memory_order_acquire);
	switch (value->source) {
	case DEBUG_SOURCE_GATE:
		return gate_read_stop(&target->gates, &target->program, held->worker, &stop, &n_stops) && n_stops == held->n_stops;
	case DEBUG_SOURCE_SLOT:
		return atomic_load_explicit(&slot_header_at(target, held->channel, held->slot)->sequence, memory_order_acquire)
			== value->execution + 1 && is_intact(target, held->channel, held->slot, value->execution, &losses);
	case DEBUG_SOURCE_OBJECT:
		return is_object_sound(target, value);
	case DEBUG_SOURCE_HISTORY:
		return gate_entry_is_sound(&target->gates, held->worker, &held->entry);
	case DEBUG_SOURCES:
		break;
	}
	return false;
}
