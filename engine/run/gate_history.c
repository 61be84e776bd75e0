/* SPDX-License-Identifier: Apache-2.0
 *
 * gate_history: what nodes put out, kept in a ring for each process.
 *
 * One process writes its ring; others read it at any time. Before the writer overwrites anything it moves history_begin past it, with a fence
 * behind; a reader looks at history_begin again, behind a fence, after it has read: what lies before that is not sound.
 */
#include "engine/run/gate_private.h"

#include <string.h>

#define ENTRY_BYTES sizeof(struct gate_entry)

/* -- digest ----------------------------------------------------------------------------------------------------------- */

#define DIGEST_LANES 4
#define DIGEST_FACTOR_A UINT64_C(0x9e3779b97f4a7c15) /* odd, bits well mixed: 2^64 divided by the golden ratio */
#define DIGEST_FACTOR_B UINT64_C(0xbf58476d1ce4e5b9) /* and the factors of splitmix64's finaliser (Steele et al. 2014) */
#define DIGEST_FACTOR_C UINT64_C(0x94d049bb133111eb)

static uint64_t digest_step(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * DIGEST_FACTOR_A;
	return sum << 29 | sum >> 35;
}

static uint64_t digest_end(uint64_t sum)
{
	sum = (sum ^ sum >> 30) * DIGEST_FACTOR_B;
	sum = (sum ^ sum >> 27) * DIGEST_FACTOR_C;
	return sum ^ sum >> 31;
}

uint64_t gate_digest(const void *data, size_t bytes)
{
	const uint8_t *at = data;
	uint64_t sums[DIGEST_LANES] = { 1, 2, 3, 4 }, words[DIGEST_LANES], sum = bytes;
	size_t left = bytes;
	for (; left >= sizeof words; left -= sizeof words, at += sizeof words) {
		memcpy(words, at, sizeof words);
		for (int i = 0; i < DIGEST_LANES; i++)
			sums[i] = digest_step(sums[i], words[i]);
	}
	memset(words, 0, sizeof words);
	memcpy(words, at, left);
	for (int i = 0; i < DIGEST_LANES; i++)
		sum = digest_step(sum, digest_end(digest_step(sums[i], words[i])));
	return digest_end(sum);
}

/* -- writing ---------------------------------------------------------------------------------------------------------- */

static uint8_t *history_of(const struct gates *gates, uint32_t worker)
{
	return gates->histories + worker * gates->history_bytes;
}

static struct gate_entry *entry_at(const struct gates *gates, uint32_t worker, uint64_t position)
{
	return (struct gate_entry *)(history_of(gates, worker) + position % gates->history_bytes);
}

/* Whether an entry of that size can stand at `position`. */
static bool is_entry_size(const struct gates *gates, uint64_t position, uint64_t bytes)
{
	return bytes >= ENTRY_BYTES && bytes % ENTRY_BYTES == 0 && bytes <= gates->history_bytes - position % gates->history_bytes;
}

/* Gives up the oldest entries until those from `begin` to `end` fit. */
static void make_room(struct gates *gates, uint32_t worker, uint64_t end)
{
	struct gate_worker *self = gate_worker(gates, worker);
	uint64_t begin = atomic_load_explicit(&self->history_begin, memory_order_relaxed);
	uint64_t last = atomic_load_explicit(&self->history_end, memory_order_relaxed);
	while (end - begin > gates->history_bytes && begin < last) {
		uint32_t bytes = entry_at(gates, worker, begin)->bytes;
		begin = is_entry_size(gates, begin, bytes) ? begin + bytes : last;
	}
	atomic_store_explicit(&self->history_begin, begin, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

/* Writes one entry, its data behind it, over the oldest. */
static void append(struct gates *gates, uint32_t worker, struct gate_entry *entry, const void *data)
{
	struct gate_worker *self = gate_worker(gates, worker);
	uint64_t end = atomic_load_explicit(&self->history_end, memory_order_relaxed), size = gates->history_bytes;
	uint64_t bytes = ENTRY_BYTES, left;
	if (data && entry->tensor.bytes <= size - ENTRY_BYTES && entry->tensor.bytes <= UINT32_MAX / 2)
		bytes += round_up(entry->tensor.bytes, ENTRY_BYTES);
	else
		data = NULL;
	left = size - end % size;
	if (left < bytes) {
		make_room(gates, worker, end + left);
		*entry_at(gates, worker, end) = (struct gate_entry){ .at = end, .bytes = (uint32_t)left, .node = PROGRAM_NONE };
		end += left;
		atomic_store_explicit(&self->history_end, end, memory_order_release);
	}
	make_room(gates, worker, end + bytes);
	entry->at = end;
	entry->bytes = (uint32_t)bytes;
	entry->tensor.offset = data ? ENTRY_BYTES : GATE_NOWHERE;
	*entry_at(gates, worker, end) = *entry;
	if (data)
		memcpy((uint8_t *)entry_at(gates, worker, end) + ENTRY_BYTES, data, entry->tensor.bytes);
	atomic_store_explicit(&self->history_end, end + bytes, memory_order_release);
}

static void keep_tensor(struct gates *gates, uint32_t worker, const struct gate_point *point, uint32_t node, uint32_t output,
	const struct tensor *tensor, bool keeps_data)
{
	struct gate_entry entry = { .node = node, .output = output, .execution = point->execution, .start = point->start,
		.op_ticks = point->op_ticks, .waited_ticks = point->waited_ticks, .tensor = gate_describe(tensor, GATE_NOWHERE) };
	if (!tensor->data)
		return;
	entry.digest = gate_digest(tensor->data, entry.tensor.bytes);
	append(gates, worker, &entry, keeps_data ? tensor->data : NULL);
}

void gate_keep(struct gates *gates, uint32_t worker, const struct gate_point *point, bool keeps_data)
{
	if (!gates->history_bytes)
		return;
	if (point->failure) {
		struct gate_entry entry = { .node = point->node, .failure = point->failure, .execution = point->execution,
			.start = point->start, .op_ticks = point->op_ticks, .waited_ticks = point->waited_ticks,
			.tensor = { .n_dims = 1 } };
		append(gates, worker, &entry, NULL);
		return;
	}
	for (int i = 0; i < point->n_outputs; i++)
		keep_tensor(gates, worker, point, point->node, (uint32_t)i, &point->outputs[i], keeps_data);
}

void gate_keep_inputs(struct gates *gates, const struct program *program, uint32_t worker, const struct gate_point *point)
{
	struct program_range edges = program->nodes[point->node].inputs;
	if (atomic_load(&gates->header->frozen.state) || !gates->history_bytes)
		return;
	for (int i = 0; i < point->n_inputs && i < (int)edges.n; i++) {
		const struct program_edge *edge = &program->edges[program->indices[edges.first + (uint32_t)i]];
		bool is_overwritten = i == 0 && point->n_outputs && point->outputs[0].data == point->inputs[0].data;
		if (!is_overwritten)
			keep_tensor(gates, worker, point, edge->src, edge->src_output, &point->inputs[i], true);
	}
}

/* -- reading ---------------------------------------------------------------------------------------------------------- */

bool gate_entry_is_sound(const struct gates *gates, uint32_t worker, const struct gate_entry *entry)
{
	atomic_thread_fence(memory_order_acquire);
	return entry->at >= atomic_load_explicit(&gate_worker(gates, worker)->history_begin, memory_order_relaxed);
}

static bool makes_sense(const struct gates *gates, const struct gate_entry *entry, uint64_t position)
{
	if (entry->at != position || !is_entry_size(gates, position, entry->bytes))
		return false;
	bool has_data = entry->tensor.offset != GATE_NOWHERE;
	return entry->node == PROGRAM_NONE || (entry->node < gates->n_nodes && gate_tensor_is_sound(&entry->tensor, entry->bytes)
		&& (!has_data || entry->tensor.offset == ENTRY_BYTES));
}

bool gate_history_next(const struct gates *gates, uint32_t worker, uint64_t *position, struct gate_entry *ret_entry, const void **ret_data)
{
	const struct gate_worker *self = gate_worker(gates, worker);
	while (gates->history_bytes) {
		uint64_t end = atomic_load_explicit(&self->history_end, memory_order_acquire);
		uint64_t begin = atomic_load_explicit(&self->history_begin, memory_order_acquire);
		uint64_t at = *position < begin ? begin : *position;
		if (at >= end || at % ENTRY_BYTES)
			return false;
		*ret_entry = *entry_at(gates, worker, at);
		bool is_whole = makes_sense(gates, ret_entry, at);
		ret_entry->at = at;
		if (!gate_entry_is_sound(gates, worker, ret_entry))
			continue;
		if (!is_whole)
			return false;
		*position = at + ret_entry->bytes;
		if (ret_entry->node == PROGRAM_NONE)
			continue;
		bool has_data = ret_entry->tensor.offset != GATE_NOWHERE;
		*ret_data = has_data ? (const uint8_t *)entry_at(gates, worker, at) + ENTRY_BYTES : NULL;
		return true;
	}
	return false;
}
