/* SPDX-License-Identifier: Apache-2.0
 *
 * channel: views, and the writer's wait for free slots.
 */
#include "engine/run/channel.h"

#include <stdlib.h>

/* Readers in other processes, each once. */
static int collect_readers(struct channel *channel, const struct program *program, struct control_header *control,
	struct error *error)
{
	const struct program_channel *desc = &program->channels[channel->idx];
	channel->readers = calloc(desc->readers.n + 1, sizeof *channel->readers);
	if (!channel->readers)
		return error_set(error, STATUS_NO_MEMORY, "no memory for a channel's readers");
	for (uint32_t i = 0; i < desc->readers.n; i++) {
		const struct program_edge *edge = &program->edges[program->indices[desc->readers.first + i]];
		uint32_t worker = program->nodes[edge->dst].worker;
		struct control_worker *reader = &control->workers[worker];
		bool is_known = worker == channel->writer;
		for (uint32_t j = 0; j < channel->n_readers; j++)
			is_known = is_known || channel->readers[j] == reader;
		if (!is_known)
			channel->readers[channel->n_readers++] = reader;
	}
	return STATUS_OK;
}

int channel_init(struct channel *channel, const struct program *program, uint32_t idx, const struct channel_memory *memory,
	struct control_header *control, struct error *error)
{
	const struct program_channel *desc = &program->channels[idx], *storage = &program->channels[desc->storage];
	*channel = (struct channel){
		.idx = idx,
		.depth = desc->depth,
		.slot = desc->depth - 1,
		.slots = memory->shared + desc->slots_offset,
		.stride = desc->slot_bytes,
		.storage_slots = memory->shared + storage->slots_offset,
		.storage_stride = storage->slot_bytes,
		.writer = program->nodes[desc->node].worker,
		.storage_writer = &control->workers[program->nodes[storage->node].worker],
	};
	if (desc->storage == idx && desc->transport != TRANSPORT_LOCAL) {
		channel->cursors = (struct channel_cursor *)(memory->shared + desc->releases_offset);
		channel->n_releasers = desc->releasers.n;
		channel->releasers = &program->indices[desc->releasers.first];
	}
	return collect_readers(channel, program, control, error);
}

void channel_finish(struct channel *channel)
{
	free(channel->readers);
	channel->readers = NULL;
}

int channel_reserve(struct channel *storage, uint64_t execution, struct waiter *waiter, struct wait_name *name,
	uint64_t deadline, struct wait_times *ret_times)
{
	uint64_t least = UINT64_MAX, target = execution + 1 - storage->depth;
	ret_times->was_named = false;
	if (execution < storage->depth)
		target = 0;
	for (uint32_t i = 0; i < storage->n_releasers; i++) {
		const _Atomic uint64_t *cursor = &storage->cursors[i].released;
		uint64_t released = atomic_load_explicit(cursor, memory_order_acquire);
		if (released < target) {
			struct wait_times times;
			name->peer = storage->releasers[i];
			int status = wait_slow(waiter, cursor, target, name, deadline, &times);
			if (times.was_named) {
				if (!ret_times->was_named)
					ret_times->start = times.start;
				ret_times->end = times.end;
				ret_times->was_named = true;
			}
			if (status != STATUS_OK)
				return status;
			released = target;
		}
		if (released < least)
			least = released;
	}
	storage->released_seen = least;
	return STATUS_OK;
}
