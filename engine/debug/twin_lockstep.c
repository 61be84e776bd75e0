/* SPDX-License-Identifier: Apache-2.0
 *
 * twin_lockstep: both runs stop after compute at each point. A process that comes first stands until its counterpart has come; then the two are
 * compared and let go, while all others move.
 *
 *     arrives ──counterpart stands, or was kept──► compared ──equal enough──► let go
 *        │                                            └──differs──► stands (candidate)
 *        └──first──► stands ──nobody could move otherwise──► outputs kept, let go
 *
 * The last way out is needed where the two go through their nodes in different orders, which they may: the counterpart then only comes after this
 * one has gone on. Which process waits for which is known as long as both stand (find_conflict); where a third one holds them up it shows by
 * nobody moving (is_still).
 */
#include "engine/debug/twin_private.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/graph/graph.h"

#define TURN_NS 2000000  /* longest wait for somebody to arrive */
#define SHORT_NS 100000  /* the same where two runs cannot be waited for at once */
#define STILL_LOOKS 2
#define LISTEN_TURNS 64  /* how often the runs are listened to while processes keep coming */

/* -- what was let go before its counterpart came ------------------------------------------------------------------------- */

static struct twin_kept *find_kept(struct twin_work *work, enum twin_side side, uint32_t point, uint64_t execution)
{
	for (size_t i = 0; i < work->n_kept; i++) {
		struct twin_kept *kept = &work->kept[i];
		if (kept->side == side && kept->point == point && kept->stop.execution == execution)
			return kept;
	}
	return NULL;
}

static void drop_kept(struct twin_work *work, struct twin_kept *kept)
{
	free(kept->data);
	*kept = work->kept[--work->n_kept];
}

static bool copy_values(struct debug_twin *twin, struct twin_kept *kept)
{
	const struct twin_point *point = &twin->work->points[kept->point];
	struct debug_target *target = twin_target(twin, kept->side);
	struct gate_stop *stop = &kept->stop;
	uint64_t bytes = 0;
	for (uint32_t v = 0; v < point->n_values; v++) {
		uint32_t i = twin_value_index(point, kept->side, stop, v);
		bytes += i == PROGRAM_NONE || stop->tensors[i].offset == GATE_NOWHERE ? 0 : stop->tensors[i].bytes;
	}
	kept->data = malloc(bytes + 1);
	bytes = 0;
	for (uint32_t v = 0; kept->data && v < point->n_values; v++) {
		uint32_t i = twin_value_index(point, kept->side, stop, v);
		if (i == PROGRAM_NONE || stop->tensors[i].offset == GATE_NOWHERE)
			continue;
		memcpy(kept->data + bytes, target->gates.slots + stop->tensors[i].offset, stop->tensors[i].bytes);
		stop->tensors[i].offset = bytes;
		bytes += stop->tensors[i].bytes;
	}
	return kept->data != NULL;
}

static void let_go(struct debug_twin *twin, enum twin_side side, uint32_t worker)
{
	twin->work->arrivals[side][worker].stands = false;
	gate_let_go(&twin_target(twin, side)->gates, worker);
}

/* Keeps the outputs of a process that stands, and lets it go. */
static void keep(struct debug_twin *twin, enum twin_side side, uint32_t worker)
{
	struct twin_work *work = twin->work;
	struct twin_arrival *arrival = &work->arrivals[side][worker];
	struct twin_kept *items = realloc(work->kept, (work->n_kept + 1) * sizeof *items);
	if (items) {
		work->kept = items;
		items[work->n_kept] = (struct twin_kept){ .side = side, .point = arrival->point, .stop = arrival->stop };
		if (copy_values(twin, &items[work->n_kept]))
			work->n_kept++;
		else
			work->is_out_of_memory = true;
	} else {
		work->is_out_of_memory = true;
	}
	let_go(twin, side, worker);
}

/* -- arrivals ------------------------------------------------------------------------------------------------------------- */

static bool is_driver_of_tasks(struct debug_twin *twin, enum twin_side side, uint32_t worker)
{
	return worker == GRAPH_DRIVER && twin_target(twin, side)->program.header->mode == RUN_MODE_INTERPRETED;
}

static uint32_t find_standing(const struct debug_twin *twin, enum twin_side side, uint32_t point, uint64_t execution)
{
	uint32_t n = twin_target(twin, side)->gates.n_workers;
	for (uint32_t w = 0; w < n; w++) {
		const struct twin_arrival *arrival = &twin->work->arrivals[side][w];
		if (arrival->stands && arrival->point == point && arrival->stop.execution == execution)
			return w;
	}
	return PROGRAM_NONE;
}

/* Whether a process has to stand where it is, for the divergence found is lower or the same. */
static bool is_held_back(const struct debug_twin *twin, uint32_t point, uint64_t execution)
{
	return twin->work->has_candidate && !twin->options.goes_on && !twin_is_lower(twin->work, execution, point);
}

static struct twin_view view_of(struct debug_twin *twin, enum twin_side side, uint32_t worker)
{
	return (struct twin_view){ &twin->work->arrivals[side][worker].stop, twin_target(twin, side)->gates.slots, worker };
}

/* The counterpart stands, or was kept: compares. Returns whether there was one. */
static bool meet(struct debug_twin *twin, enum twin_side side, uint32_t worker)
{
	struct twin_work *work = twin->work;
	enum twin_side other = twin_other(side);
	uint32_t point = work->arrivals[side][worker].point;
	uint64_t execution = work->arrivals[side][worker].stop.execution;
	struct twin_kept *kept = find_kept(work, other, point, execution);
	uint32_t peer = kept ? PROGRAM_NONE : find_standing(twin, other, point, execution);
	if (!kept && peer == PROGRAM_NONE)
		return false;
	struct twin_view views[TWIN_SIDES];
	views[side] = view_of(twin, side, worker);
	views[other] = kept ? (struct twin_view){ &kept->stop, kept->data, PROGRAM_NONE } : view_of(twin, other, peer);
	twin_compare_pair(twin, point, execution, views);
	if (kept)
		drop_kept(work, kept);
	if (is_held_back(twin, point, execution))
		return true;
	let_go(twin, side, worker);
	if (peer != PROGRAM_NONE)
		let_go(twin, other, peer);
	return true;
}

static void arrive(struct debug_twin *twin, enum twin_side side, uint32_t worker)
{
	struct twin_work *work = twin->work;
	struct twin_arrival *arrival = &work->arrivals[side][worker];
	const struct gate_stop *stop = &arrival->stop;
	arrival->point = work->points_of[side][stop->node];
	bool is_place = stop->place == (stop->node == GRAPH_OUTPUT ? GATE_BEFORE : GATE_AFTER);
	struct twin_execution *execution = arrival->point == PROGRAM_NONE || !is_place ? NULL : twin_open(twin, stop->execution);
	if (!execution || execution->is_done[arrival->point]) {
		let_go(twin, side, worker);
		return;
	}
	arrival->stands = true;
	if (is_held_back(twin, arrival->point, stop->execution) || meet(twin, side, worker))
		return;
	if (is_driver_of_tasks(twin, side, worker))
		keep(twin, side, worker);
}

/* Takes in who has come to a gate; returns how many. */
static int scan(struct debug_twin *twin, enum twin_side side)
{
	struct debug_target *target = twin_target(twin, side);
	int n = 0;
	for (uint32_t w = 0; w < target->gates.n_workers; w++) {
		struct twin_arrival *arrival = &twin->work->arrivals[side][w];
		const struct gate_worker *process = gate_worker(&target->gates, w);
		if (arrival->stands || atomic_load_explicit(&process->state, memory_order_acquire) != GATE_STOPPED
			|| atomic_load_explicit(&process->n_stops, memory_order_relaxed) == arrival->n_stops
			|| !gate_read_stop(&target->gates, &target->program, w, &arrival->stop, &arrival->n_stops))
			continue;
		arrive(twin, side, w);
		n++;
	}
	return n;
}

/* -- when nobody comes ------------------------------------------------------------------------------------------------------ */

static bool is_candidate(const struct twin_work *work, const struct twin_arrival *arrival)
{
	return work->has_candidate && arrival->point == work->candidate_point && arrival->stop.execution == work->candidate.execution;
}

static bool is_further(const struct twin_arrival *a, const struct twin_arrival *b)
{
	if (a->stop.execution != b->stop.execution)
		return a->stop.execution > b->stop.execution;
	return a->point > b->point;
}

/* Who stands, waits for a process that stands, which waits for …, back to the first: then the furthest of them must go on. */
static bool find_conflict(struct debug_twin *twin, enum twin_side side, uint32_t worker, enum twin_side *ret_side, uint32_t *ret_worker)
{
	struct twin_work *work = twin->work;
	uint32_t n_steps = twin_target(twin, TWIN_A)->gates.n_workers + twin_target(twin, TWIN_B)->gates.n_workers, at = worker;
	enum twin_side at_side = side;
	*ret_worker = PROGRAM_NONE;
	for (uint32_t i = 0; i < n_steps; i++) {
		const struct twin_arrival *arrival = &work->arrivals[at_side][at];
		if (!arrival->stands)
			return false;
		if (!is_candidate(work, arrival)
			&& (*ret_worker == PROGRAM_NONE || is_further(arrival, &work->arrivals[*ret_side][*ret_worker]))) {
			*ret_side = at_side;
			*ret_worker = at;
		}
		at_side = twin_other(at_side);
		at = twin_target(twin, at_side)->program.nodes[work->points[arrival->point].nodes[at_side]].worker;
		if (at_side == side && at == worker)
			return *ret_worker != PROGRAM_NONE;
	}
	return false;
}

/* Lets somebody go whose counterpart can only come afterwards; returns whether there was one. */
static bool resolve_conflict(struct debug_twin *twin)
{
	for (int side = 0; side < TWIN_SIDES; side++) {
		for (uint32_t w = 0; w < twin_target(twin, side)->gates.n_workers; w++) {
			enum twin_side found_side;
			uint32_t found;
			if (find_conflict(twin, side, w, &found_side, &found)) {
				keep(twin, found_side, found);
				return true;
			}
		}
	}
	return false;
}

/* Whether nobody who does not stand here could come by itself. */
static bool is_still(struct debug_twin *twin)
{
	for (int side = 0; side < TWIN_SIDES; side++) {
		struct debug_target *target = twin_target(twin, side);
		for (uint32_t w = 0; w < target->gates.n_workers && twin->work->is_live[side]; w++) {
			struct debug_worker_state state;
			if (twin->work->arrivals[side][w].stands)
				continue;
			debug_look(target, w, &state);
			if (state.activity != DEBUG_WAITING && state.activity != DEBUG_IDLE && state.activity != DEBUG_GONE)
				return false;
		}
	}
	return true;
}

static bool release_furthest(struct debug_twin *twin)
{
	struct twin_work *work = twin->work;
	enum twin_side furthest_side = TWIN_A;
	uint32_t furthest = PROGRAM_NONE;
	for (int side = 0; side < TWIN_SIDES; side++) {
		for (uint32_t w = 0; w < twin_target(twin, side)->gates.n_workers; w++) {
			const struct twin_arrival *arrival = &work->arrivals[side][w];
			if (arrival->stands && (furthest == PROGRAM_NONE || is_further(arrival, &work->arrivals[furthest_side][furthest]))) {
				furthest_side = side;
				furthest = w;
			}
		}
	}
	if (furthest != PROGRAM_NONE)
		keep(twin, furthest_side, furthest);
	return furthest != PROGRAM_NONE;
}

/* Nobody has come for a turn. Returns false when nothing more can come that matters. */
static bool rest(struct debug_twin *twin)
{
	struct twin_work *work = twin->work;
	work->n_still = is_still(twin) ? work->n_still + 1 : 0;
	if (work->n_still < STILL_LOOKS)
		return true;
	work->n_still = 0;
	if (work->has_candidate && !twin->options.goes_on)
		return false;
	release_furthest(twin);
	return true;
}

/* Waits until something happens in either run. */
static void wait_for_events(struct debug_twin *twin, const uint32_t seen[TWIN_SIDES])
{
	struct futex_waitv waits[TWIN_SIDES] = { 0 };
	unsigned n = 0;
	for (int side = 0; side < TWIN_SIDES; side++) {
		if (!twin->work->is_live[side])
			continue;
		waits[n++] = (struct futex_waitv){ .val = seen[side], .flags = FUTEX_32,
			.uaddr = (uintptr_t)&twin_target(twin, side)->gates.header->events };
	}
	struct timespec limit;
	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_nsec += TURN_NS;
	if (limit.tv_nsec >= 1000000000) {
		limit.tv_nsec -= 1000000000;
		limit.tv_sec++;
	}
	if (syscall(SYS_futex_waitv, waits, n, 0, &limit, CLOCK_MONOTONIC) >= 0 || errno != ENOSYS)
		return;
	for (int side = 0; side < TWIN_SIDES; side++) {
		if (twin->work->is_live[side])
			gates_wait(&twin_target(twin, side)->gates, seen[side], SHORT_NS);
	}
}

/* -- from start to end ------------------------------------------------------------------------------------------------------ */

/* The lowest point that a run has come to and its counterpart has not; NULL when there is none. */
static const struct gate_stop *find_lowest(const struct debug_twin *twin, enum twin_side side)
{
	const struct twin_work *work = twin->work;
	const struct gate_stop *lowest = NULL;
	uint32_t lowest_point = 0;
	for (size_t i = 0; i < work->n_kept; i++) {
		const struct twin_kept *kept = &work->kept[i];
		if (kept->side == side && (!lowest || kept->stop.execution < lowest->execution
			|| (kept->stop.execution == lowest->execution && kept->point < lowest_point))) {
			lowest = &kept->stop;
			lowest_point = kept->point;
		}
	}
	for (uint32_t w = 0; w < work->sides[side]->target.gates.n_workers; w++) {
		const struct twin_arrival *arrival = &work->arrivals[side][w];
		if (arrival->stands && !is_candidate(work, arrival) && !is_held_back(twin, arrival->point, arrival->stop.execution)
			&& (!lowest || arrival->stop.execution < lowest->execution
				|| (arrival->stop.execution == lowest->execution && arrival->point < lowest_point))) {
			lowest = &arrival->stop;
			lowest_point = arrival->point;
		}
	}
	return lowest;
}

/* Whether one run is over and the other has come to something that it never came to. */
static int check_ends(struct debug_twin *twin, struct error *error)
{
	struct twin_work *work = twin->work;
	for (int side = 0; side < TWIN_SIDES; side++) {
		if (work->is_live[side])
			continue;
		for (uint32_t w = 0; w < twin_target(twin, side)->gates.n_workers; w++)
			work->arrivals[side][w].stands = false;
		const struct gate_stop *lowest = find_lowest(twin, twin_other(side));
		if (lowest)
			return twin_tell_end(twin, side, lowest->node, lowest->execution, error);
	}
	return STATUS_OK;
}

static int allocate(struct debug_twin *twin, struct error *error)
{
	for (int side = 0; side < TWIN_SIDES; side++) {
		twin->work->arrivals[side] = calloc(twin_target(twin, side)->gates.n_workers, sizeof *twin->work->arrivals[side]);
		if (!twin->work->arrivals[side])
			return error_set(error, STATUS_NO_MEMORY, "twin: out of memory");
	}
	return STATUS_OK;
}

void twin_lockstep_finish(struct twin_work *work)
{
	for (size_t i = 0; i < work->n_kept; i++)
		free(work->kept[i].data);
	free(work->kept);
	work->kept = NULL;
	work->n_kept = 0;
	for (int side = 0; side < TWIN_SIDES; side++) {
		free(work->arrivals[side]);
		work->arrivals[side] = NULL;
	}
}

static bool is_over(const struct debug_twin *twin)
{
	return twin_is_complete(twin) || (!twin->options.goes_on && twin_is_settled(twin->work));
}

int twin_lockstep(struct debug_twin *twin, struct error *error)
{
	struct twin_work *work = twin->work;
	int status = allocate(twin, error);
	for (int side = 0; side < TWIN_SIDES; side++)
		twin_arm(twin, side, GATE_STOP_AFTER | (work->sides[side]->keeps_history ? GATE_KEEP : 0), GATE_STOP_BEFORE);
	while (status == STATUS_OK && !is_over(twin)) {
		uint32_t seen[TWIN_SIDES];
		int n = 0;
		for (int side = 0; side < TWIN_SIDES; side++) {
			seen[side] = atomic_load(&twin_target(twin, side)->gates.header->events);
			n += work->is_live[side] ? scan(twin, side) : 0;
		}
		if (n || resolve_conflict(twin)) {
			work->n_still = 0;
			if (++work->n_turns % LISTEN_TURNS)
				continue;
		}
		bool goes_on = twin_listen(twin);
		status = check_ends(twin, error);
		if (!goes_on)
			break;
		if (n || status != STATUS_OK)
			continue;
		wait_for_events(twin, seen);
		bool has_changed = false;
		for (int side = 0; side < TWIN_SIDES; side++)
			has_changed = has_changed || atomic_load(&twin_target(twin, side)->gates.header->events) != seen[side];
		if (!has_changed && !rest(twin))
			break;
	}
	twin_lockstep_finish(work);
	return status;
}
