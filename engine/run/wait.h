/* SPDX-License-Identifier: Apache-2.0
 *
 * wait: how a process waits for a word in shared memory to reach a value. Every wait of the compiled mode is of that form: a slot's
 * sequence, or a reader's release cursor.
 *
 *     ready ─► done                            (inline, no system call, no time stamp)
 *     not ready ─► spin, 1 µs ─► publish the wait's name ─► spin or yield, 1 ms ─► sleep on a futex ─► spin or yield …
 *
 * It spins while there is a core for every process that is awake, and yields when there is not, or when it was pushed off its core while
 * spinning (somebody else needs the core).
 */
#ifndef TANDEM_ENGINE_RUN_WAIT_H
#define TANDEM_ENGINE_RUN_WAIT_H

#include "engine/base/clock.h"
#include "engine/run/control.h"
#include "engine/run/record.h"

/* What a wait is for; published when it lasts. Indices are the program's; PROGRAM_NONE when there is none. */
struct wait_name {
	enum phase cause; /* PHASE_STARVED, PHASE_BACKPRESSURE, PHASE_LATE_RANK */
	uint32_t node, edge, channel, slot, peer;
	uint64_t execution;
};

struct waiter {
	struct control_header *header;
	struct control_worker *self;
	uint64_t name_ticks, sleep_ticks, preempted_ticks, contention_ticks;
	uint64_t contended_until; /* ticks */

	/* what was waited by name for a node in an execution, so far: the last one that waited */
	uint32_t waited_node;
	uint64_t waited_execution, waited_ticks;
};

struct wait_times {
	struct ticks start, end; /* set only when the wait outlasted its first µs */
	bool was_named;
};

void waiter_init(struct waiter *waiter, struct control *control, uint32_t worker_idx);

COLD int wait_slow(struct waiter *waiter, const _Atomic uint64_t *word, uint64_t target, const struct wait_name *name,
	uint64_t deadline, struct wait_times *ret_times);

/* Counts a wait, which had a name, as one of `node` in `execution`; what nothing was in flight of it is none. */
COLD void waiter_count(struct waiter *waiter, uint32_t node, uint64_t execution, const struct wait_times *times);

/* Ticks counted for `node` in `execution`. */
static inline uint64_t waiter_waited(const struct waiter *waiter, uint32_t node, uint64_t execution)
{
	return waiter->waited_node == node && waiter->waited_execution == execution ? waiter->waited_ticks : 0;
}

static inline bool wait_is_over(const _Atomic uint64_t *word, uint64_t target)
{
	return atomic_load_explicit(word, memory_order_acquire) >= target;
}

#endif
