/* SPDX-License-Identifier: Apache-2.0
 *
 * window: blocks of records, of which each lane has a queue. All come from one stock, so that a busy lane has more of them than a quiet one,
 * and all reach back equally far.
 */
#include "traces/window.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"

#define WINDOW_BLOCK_RECORDS 64

struct window_block {
	struct window_block *next; /* younger, or the next unused one */
	uint64_t first;            /* number of its first record in the lane */
	uint64_t end;              /* ticks: of its last record */
	uint32_t n;
	struct record records[WINDOW_BLOCK_RECORDS];
};

struct window_lane {
	struct window_block *oldest, *youngest;
	uint64_t head, tail;      /* pushed, gone or taken */
	uint64_t mark;            /* window_take goes no further */
	uint64_t n_gone;
};

struct window {
	struct window_lane *lanes;
	uint32_t n_lanes, n_blocks, n_blocks_max;
	uint64_t age_ticks;
	uint64_t cut;             /* ticks: end of the youngest record that had to go for want of room */
	struct window_block *unused;
};

struct window *window_create(uint32_t n_lanes, uint64_t age_ticks, uint32_t n_records_max)
{
	struct window *window = calloc(1, sizeof(*window));
	if (!window)
		return NULL;
	window->lanes = calloc(n_lanes, sizeof(*window->lanes));
	window->n_lanes = n_lanes;
	window->age_ticks = age_ticks;
	window->n_blocks_max = n_records_max / WINDOW_BLOCK_RECORDS;
	if (window->n_blocks_max < 2 * n_lanes)
		window->n_blocks_max = 2 * n_lanes;
	if (!window->lanes) {
		window_destroy(window);
		return NULL;
	}
	window_mark(window, false);
	return window;
}

static void free_blocks(struct window_block *block)
{
	while (block) {
		struct window_block *next = block->next;
		free(block);
		block = next;
	}
}

void window_destroy(struct window *window)
{
	if (!window)
		return;
	for (uint32_t i = 0; window->lanes && i < window->n_lanes; i++)
		free_blocks(window->lanes[i].oldest);
	free_blocks(window->unused);
	free(window->lanes);
	free(window);
}

uint64_t window_record_end(const struct record *record)
{
	uint64_t n_ticks = 0;
	if (record->kind == RECORD_WAIT)
		return record->start + ((uint64_t)record->wait.ticks << record->shift);
	if (record->kind == RECORD_SUBMIT || record->kind == RECORD_FINISH)
		return record->start;
	for (int i = 0; i < record->n_phases && i < RECORD_PHASES_MAX; i++)
		n_ticks += (uint64_t)record->ticks[i] << record->shift;
	return record->start + n_ticks;
}

/* The oldest block of a lane becomes unused; what was not taken from it is gone. */
static void let_go(struct window *window, struct window_lane *lane)
{
	struct window_block *block = lane->oldest;
	lane->n_gone += block->first + block->n - lane->tail;
	lane->tail = block->first + block->n;
	lane->oldest = block->next;
	if (!lane->oldest)
		lane->youngest = NULL;
	block->next = window->unused;
	window->unused = block;
}

static void let_go_for_want_of_room(struct window *window)
{
	struct window_lane *lane = NULL;
	for (uint32_t i = 0; i < window->n_lanes; i++) {
		const struct window_block *block = window->lanes[i].oldest;
		if (block && (!lane || block->end < lane->oldest->end))
			lane = &window->lanes[i];
	}
	for (uint64_t i = lane->tail - lane->oldest->first; i < lane->oldest->n; i++) {
		uint64_t end = window_record_end(&lane->oldest->records[i]);
		window->cut = end > window->cut ? end : window->cut;
	}
	let_go(window, lane);
}

/* One more block for a lane: of what is too old, a new one, or what is the oldest of all. NULL when memory is out. */
static struct window_block *add_block(struct window *window, struct window_lane *lane, uint64_t now)
{
	while (lane->oldest && lane->oldest->end < now && now - lane->oldest->end > window->age_ticks)
		let_go(window, lane);
	if (!window->unused && window->n_blocks == window->n_blocks_max)
		let_go_for_want_of_room(window);
	struct window_block *block = window->unused;
	if (block)
		window->unused = block->next;
	else if ((block = malloc(sizeof(*block))))
		window->n_blocks++;
	else
		return NULL;
	block->next = NULL;
	block->first = lane->head;
	block->n = 0;
	if (lane->youngest)
		lane->youngest->next = block;
	else
		lane->oldest = block;
	lane->youngest = block;
	return block;
}

bool window_push(struct window *window, uint32_t lane_idx, const struct record *records, uint32_t n)
{
	struct window_lane *lane = &window->lanes[lane_idx];
	while (n) {
		struct window_block *block = lane->youngest;
		if (!block || block->n == WINDOW_BLOCK_RECORDS)
			block = add_block(window, lane, window_record_end(records));
		if (!block)
			return false;
		uint32_t some = WINDOW_BLOCK_RECORDS - block->n < n ? WINDOW_BLOCK_RECORDS - block->n : n;
		memcpy(&block->records[block->n], records, some * sizeof(*records));
		block->n += some;
		block->end = window_record_end(&records[some - 1]);
		lane->head += some;
		records += some;
		n -= some;
	}
	return true;
}

uint64_t window_whole_from(const struct window *window, uint64_t now)
{
	uint64_t from = now > window->age_ticks ? now - window->age_ticks : 0;
	return window->cut > from ? window->cut : from;
}

uint32_t window_take(struct window *window, uint32_t lane_idx, uint64_t from, struct record *records, uint32_t n_max)
{
	struct window_lane *lane = &window->lanes[lane_idx];
	uint32_t n = 0;
	while (lane->tail < lane->head && lane->tail < lane->mark && n < n_max) {
		const struct window_block *block = lane->oldest;
		const struct record *oldest = &block->records[lane->tail++ - block->first];
		if (window_record_end(oldest) < from)
			lane->n_gone++;
		else
			records[n++] = *oldest;
		if (lane->tail - block->first == WINDOW_BLOCK_RECORDS)
			let_go(window, lane);
	}
	return n;
}

void window_mark(struct window *window, bool is_set)
{
	for (uint32_t i = 0; i < window->n_lanes; i++)
		window->lanes[i].mark = is_set ? window->lanes[i].head : UINT64_MAX;
}

uint64_t window_n_gone(const struct window *window, uint32_t lane)
{
	return window->lanes[lane].n_gone;
}

uint64_t window_count(const struct window *window)
{
	uint64_t n = 0;
	for (uint32_t i = 0; i < window->n_lanes; i++)
		n += window->lanes[i].head - window->lanes[i].tail;
	return n;
}
