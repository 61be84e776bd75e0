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

bool program_lay_out(struct program_channel *channels, uint32_t n_channels, const struct program_node *nodes,
	struct program_worker *workers, uint32_t n_workers, uint64_t *ret_slots_bytes)
{
	uint64_t shared = 0;
	for (uint32_t i = 0; i < n_workers; i++)
		workers[i].private_bytes = 0;
	for (uint32_t i = 0; i < n_channels; i++) {
		struct program_channel *channel = &channels[i];
		bool is_local = channel->transport == TRANSPORT_LOCAL;
		uint64_t *size = is_local ? &workers[nodes[channel->node].worker].private_bytes : &shared;
		uint64_t align = !is_local && channel->slot_bytes >= PAGE_BYTES ? PAGE_BYTES : CACHE_LINE_BYTES;
		if (!take(size, channel->depth, channel->slot_bytes, align, &channel->slots_offset))
			return false;
	}
	for (uint32_t i = 0; i < n_channels; i++) {
		struct program_channel *channel = &channels[i];
		channel->releases_offset = 0;
		if (channel->transport == TRANSPORT_LOCAL || channel->storage != i)
			continue;
		if (!take(&shared, channel->releasers.n, CACHE_LINE_BYTES, CACHE_LINE_BYTES, &channel->releases_offset))
			return false;
	}
	*ret_slots_bytes = round_up(shared, PAGE_BYTES);
	return true;
}
