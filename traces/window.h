/* SPDX-License-Identifier: Apache-2.0
 *
 * window: the latest records of every lane, in memory, oldest first. It holds what is younger than an age, up to a number of records over
 * all lanes; where those are too few, the oldest go, of whichever lane, which moves the time from which all lanes are whole. Memory
 * grows with what is held and does not shrink.
 */
#ifndef TANDEM_TRACES_WINDOW_H
#define TANDEM_TRACES_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/run/record.h"

struct window;

/* Ages are in ticks. At least 128 records a lane are held whatever `n_records_max` says. NULL when memory is out. */
struct window *window_create(uint32_t n_lanes, uint64_t age_ticks, uint32_t n_records_max);
void window_destroy(struct window *window); /* accepts NULL */

/* Appends records of a lane. False when memory is out. */
bool window_push(struct window *window, uint32_t lane, const struct record *records, uint32_t n);

/* From when on (ticks) every lane is whole, at `now`: the age back, or later when there was no room for all of it. */
uint64_t window_whole_from(const struct window *window, uint64_t now);

/* Takes up to `n_max` of the oldest records of a lane that had not ended before `from`; older ones are let go. */
uint32_t window_take(struct window *window, uint32_t lane, uint64_t from, struct record *records, uint32_t n_max);

/* Records of a lane that were let go untaken, by any of these functions. */
uint64_t window_n_gone(const struct window *window, uint32_t lane);

/* Sets where window_take stops: behind what is held now, or nowhere. */
void window_mark(struct window *window, bool is_set);

/* Records held. */
uint64_t window_count(const struct window *window);

/* When what the record tells of was over: ticks. */
uint64_t window_record_end(const struct record *record);

#endif
