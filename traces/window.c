/* SPDX-License-Identifier: Apache-2.0
 *
 * window: a ring of records a lane that doubles until it holds the age asked for, or its bound.
 */
#include "traces/window.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"

#define WINDOW_RECORDS_FIRST 1024u

struct window_lane {
	struct record *records;   /* [capacity], a power of two */
	uint32_t capacity;
	uint64_t head, tail;      /* pushed, gone */
	uint64_t mark;            /* window_take goes no further */
	uint64_t cut;             /* ticks: end of the youngest record that had to go for want of room */
};

struct window {
	struct window_lane *lanes;
	uint32_t n_lanes, n_records_max;
	uint64_t age_ticks;
};

struct window *window_create(uint32_t n_lanes, uint64_t age_ticks, uint32_t n_records_max)
{
	struct window *window = calloc(1, sizeof(*window));
	if (!window)
		return NULL;
	window->lanes = calloc(n_lanes, sizeof(*window->lanes));
	window->n_lanes = n_lanes;
	window->age_ticks = age_ticks;
	window->n_records_max = WINDOW_RECORDS_FIRST;
	while (window->n_records_max <= n_records_max / 2)
		window->n_records_max *= 2;
	if (!window->lanes) {
		window_destroy(window);
		return NULL;
	}
	window_mark(window, false);
	return window;
}

void window_destroy(struct window *window)
{
	if (!window)
		return;
	for (uint32_t i = 0; window->lanes && i < window->n_lanes; i++)
		free(window->lanes[i].records);
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

static struct record *record_at(const struct window_lane *lane, uint64_t idx)
{
	return &lane->records[idx & (lane->capacity - 1)];
}

static bool widen(struct window_lane *lane)
{
	uint32_t capacity = lane->capacity ? 2 * lane->capacity : WINDOW_RECORDS_FIRST;
	struct record *records = malloc((size_t)capacity * sizeof(*records));
	if (!records)
		return false;
	for (uint64_t i = lane->tail; i < lane->head; i++)
		records[i & (capacity - 1)] = *record_at(lane, i);
	free(lane->records);
	lane->records = records;
	lane->capacity = capacity;
	return true;
}

/* Room for one more, by letting go what is too old, by growing, or by letting go the oldest. */
static bool make_room(struct window *window, struct window_lane *lane, uint64_t now, int64_t *n_gone)
{
	if (lane->head - lane->tail < lane->capacity)
		return true;
	while (lane->tail < lane->head && now - window_record_end(record_at(lane, lane->tail)) > window->age_ticks
		&& window_record_end(record_at(lane, lane->tail)) < now) {
		lane->tail++;
		++*n_gone;
	}
	if (lane->head - lane->tail < lane->capacity)
		return true;
	if (lane->capacity < window->n_records_max)
		return widen(lane);
	uint64_t end = window_record_end(record_at(lane, lane->tail));
	lane->cut = end > lane->cut ? end : lane->cut;
	lane->tail++;
	++*n_gone;
	return true;
}

int64_t window_push(struct window *window, uint32_t lane_idx, const struct record *records, uint32_t n)
{
	struct window_lane *lane = &window->lanes[lane_idx];
	int64_t n_gone = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (unlikely(lane->head - lane->tail >= lane->capacity)
			&& !make_room(window, lane, window_record_end(&records[i]), &n_gone))
			return -1;
		*record_at(lane, lane->head++) = records[i];
	}
	return n_gone;
}

uint64_t window_whole_from(const struct window *window, uint64_t now)
{
	uint64_t from = now > window->age_ticks ? now - window->age_ticks : 0;
	for (uint32_t i = 0; i < window->n_lanes; i++)
		from = window->lanes[i].cut > from ? window->lanes[i].cut : from;
	return from;
}

uint32_t window_take(struct window *window, uint32_t lane_idx, uint64_t from, struct record *records, uint32_t n_max, uint64_t *n_gone)
{
	struct window_lane *lane = &window->lanes[lane_idx];
	uint32_t n = 0;
	while (lane->tail < lane->head && lane->tail < lane->mark && n < n_max) {
		const struct record *oldest = record_at(lane, lane->tail++);
		if (window_record_end(oldest) < from)
			++*n_gone;
		else
			records[n++] = *oldest;
	}
	return n;
}

void window_mark(struct window *window, bool is_set)
{
	for (uint32_t i = 0; i < window->n_lanes; i++)
		window->lanes[i].mark = is_set ? window->lanes[i].head : UINT64_MAX;
}

uint64_t window_count(const struct window *window)
{
	uint64_t n = 0;
	for (uint32_t i = 0; i < window->n_lanes; i++)
		n += window->lanes[i].head - window->lanes[i].tail;
	return n;
}
