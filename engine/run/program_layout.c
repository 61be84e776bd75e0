/* SPDX-License-Identifier: Apache-2.0
 *
 * program_layout: running offsets with alignment.
 */
#include "engine/run/program_layout.h"

#include "engine/base/attributes.h"

#define PAGE_BYTES 4096u

/* Takes n × unit bytes from a running size, aligned; false when that is too much. */
static bool take(uint64_t *size, uint64_t n, uint64_t unit, uint64_t align, uint64_t *ret_offset)
{
	uint64_t bytes, offset = round_up(*size, align);
	if (__builtin_mul_overflow(n, unit, &bytes) || bytes > PROGRAM_BYTES_MAX || offset + bytes > PROGRAM_BYTES_MAX)
		return false;
	*ret_offset = offset;
	*size = offset + bytes;
	return true;
}

/* Marks the outputs of workers' nodes that no channel carries. */
static void find_scratch(struct program_layout *layout)
{
	for (uint32_t i = 0; i < layout->n_types; i++)
		layout->scratch[i] = PROGRAM_NOWHERE;
	for (uint32_t i = 0; i < layout->n_nodes; i++) {
		for (uint32_t o = 0; o < layout->nodes[i].types.n && layout->nodes[i].worker != GRAPH_DRIVER; o++)
			layout->scratch[layout->nodes[i].types.first + o] = 0;
	}
	for (uint32_t i = 0; i < layout->n_channels; i++) {
		const struct program_channel *channel = &layout->channels[i];
		if (channel->output != PROGRAM_NONE)
			layout->scratch[layout->nodes[channel->node].types.first + channel->output] = PROGRAM_NOWHERE;
	}
}

static bool take_slots(struct program_layout *layout, uint64_t *shared)
{
	for (uint32_t i = 0; i < layout->n_channels; i++) {
		struct program_channel *channel = &layout->channels[i];
		bool is_local = channel->transport == TRANSPORT_LOCAL;
		uint64_t *size = is_local ? &layout->workers[layout->nodes[channel->node].worker].private_bytes : shared;
		uint64_t align = !is_local && channel->slot_bytes >= PAGE_BYTES ? PAGE_BYTES : CACHE_LINE_BYTES;
		if (!take(size, channel->depth, channel->slot_bytes, align, &channel->slots_offset))
			return false;
	}
	for (uint32_t i = 0; i < layout->n_channels; i++) {
		struct program_channel *channel = &layout->channels[i];
		channel->releases_offset = 0;
		if (channel->transport == TRANSPORT_LOCAL || channel->storage != i)
			continue;
		if (!take(shared, channel->releasers.n, CACHE_LINE_BYTES, CACHE_LINE_BYTES, &channel->releases_offset))
			return false;
	}
	return true;
}

static bool take_scratch(struct program_layout *layout)
{
	for (uint32_t i = 0; i < layout->n_nodes; i++) {
		const struct program_node *node = &layout->nodes[i];
		for (uint32_t o = node->types.first; o < node->types.first + node->types.n && node->worker != GRAPH_DRIVER; o++) {
			if (layout->scratch[o] != PROGRAM_NOWHERE
				&& !take(&layout->workers[node->worker].private_bytes, 1, type_bound_bytes(&layout->types[o], layout->symbols),
					TENSOR_ALIGN_BYTES, &layout->scratch[o]))
				return false;
		}
	}
	return true;
}

/* Puts the private blocks behind what is shared. */
static bool place_blocks(struct program_layout *layout, uint64_t shared)
{
	layout->slots_bytes = round_up(shared, PAGE_BYTES);
	for (uint32_t i = 0; i < layout->n_workers; i++) {
		struct program_worker *worker = &layout->workers[i];
		if (!take(&layout->slots_bytes, 1, worker->private_bytes, PAGE_BYTES, &worker->private_offset))
			return false;
	}
	layout->slots_bytes = round_up(layout->slots_bytes, PAGE_BYTES);
	for (uint32_t i = 0; i < layout->n_channels; i++) {
		struct program_channel *channel = &layout->channels[i];
		if (channel->transport == TRANSPORT_LOCAL)
			channel->slots_offset += layout->workers[layout->nodes[channel->node].worker].private_offset;
	}
	for (uint32_t i = 0; i < layout->n_nodes; i++) {
		const struct program_node *node = &layout->nodes[i];
		for (uint32_t o = node->types.first; o < node->types.first + node->types.n; o++) {
			if (layout->scratch[o] != PROGRAM_NOWHERE)
				layout->scratch[o] += layout->workers[node->worker].private_offset;
		}
	}
	return true;
}

bool program_lay_out(struct program_layout *layout)
{
	uint64_t shared = 0;
	for (uint32_t i = 0; i < layout->n_workers; i++)
		layout->workers[i].private_bytes = 0;
	find_scratch(layout);
	return take_slots(layout, &shared) && take_scratch(layout) && place_blocks(layout, shared);
}
