/* SPDX-License-Identifier: Apache-2.0
 *
 * twin_digests: both runs go freely and leave digests of what their nodes put out; this takes them out of the histories and compares them by
 * (point, execution). A run that gets too far ahead, of the other or of us, is held at its input until the distance is half.
 */
#include "engine/debug/twin_private.h"

#include <stdlib.h>
#include <time.h>

#include "engine/base/attributes.h"
#include "engine/graph/graph.h"

#define TURN_NS 1000000
#define BATCH 8192               /* entries of one process taken out in a row */
#define AHEAD_BYTES (32u << 20)  /* of what is remembered of executions that only one side has been through */
#define AHEAD_LEAST 64           /* executions */
#define FAILED 4                 /* in twin_execution.sides: the side that came first failed; its failure stands for the digest */

static enum debug_agreement judge(struct debug_twin *twin, struct twin_execution *execution, uint32_t point, uint32_t value,
	enum twin_side side, const struct gate_entry *entry, uint64_t digest)
{
	struct twin_work *work = twin->work;
	uint32_t at = work->points[point].first_value + value, first_failure = execution->sides[at] & FAILED ? (uint32_t)execution->digests[at] : 0;
	bool is_equal = first_failure || entry->failure ? first_failure && entry->failure : execution->digests[at] == digest;
	if (is_equal || !twin_is_lower(work, entry->execution, point))
		return is_equal ? DEBUG_AGREEMENT_EQUAL : DEBUG_AGREEMENT_DIFFERENT;
	twin_set_candidate(twin, entry->execution, point, value, &(struct debug_difference){ 0 });
	twin_set_failure(twin, side, entry->failure);
	twin_set_failure(twin, twin_other(side), first_failure);
	return DEBUG_AGREEMENT_DIFFERENT;
}

/* Closes a point when all its values have come from both sides. */
static void close_if_done(struct debug_twin *twin, struct twin_execution *execution, uint32_t point, const struct gate_entry *entry)
{
	const struct twin_point *at = &twin->work->points[point];
	enum debug_agreement worst = DEBUG_AGREEMENT_EQUAL;
	bool has_failed = entry->failure;
	for (uint32_t v = at->first_value; v < at->first_value + at->n_values; v++) {
		if (execution->agreements[v] == DEBUG_AGREEMENT_UNKNOWN)
			return;
		worst = execution->agreements[v] > worst ? execution->agreements[v] : worst;
		has_failed = has_failed || execution->sides[v] & FAILED;
	}
	if (has_failed)
		twin_close_dependents(twin, execution, entry->execution, point, worst == DEBUG_AGREEMENT_EQUAL);
	twin_close_point(twin, execution, entry->execution, point, worst, has_failed && worst == DEBUG_AGREEMENT_EQUAL);
}

/* Equal bytes of another shape are not equal. */
static uint64_t digest_of(const struct gate_entry *entry)
{
	uint64_t digest = entry->digest + entry->tensor.dtype;
	for (uint32_t d = 0; d < entry->tensor.n_dims; d++)
		digest = (digest << 7 | digest >> 57) ^ entry->tensor.dims[d];
	return digest;
}

static void take_value(struct debug_twin *twin, struct twin_execution *execution, uint32_t point, uint32_t value, enum twin_side side,
	const struct gate_entry *entry)
{
	uint32_t at = twin->work->points[point].first_value + value;
	uint8_t bit = (uint8_t)(1 << side);
	if (execution->sides[at] & bit)
		return;
	if (execution->sides[at] & (1 << twin_other(side))) {
		execution->agreements[at] = (uint8_t)judge(twin, execution, point, value, side, entry, digest_of(entry));
	} else {
		execution->digests[at] = entry->failure ? entry->failure : digest_of(entry);
		execution->sides[at] |= entry->failure ? FAILED : 0;
	}
	execution->sides[at] |= bit;
}

static void take(struct debug_twin *twin, enum twin_side side, const struct gate_entry *entry)
{
	struct twin_work *work = twin->work;
	uint32_t point = work->points_of[side][entry->node];
	if (entry->execution >= work->newest[side])
		work->newest[side] = entry->execution + 1;
	struct twin_execution *execution = point == PROGRAM_NONE ? NULL : twin_open(twin, entry->execution);
	if (!execution || execution->is_done[point])
		return;
	uint32_t n = work->points[point].n_values;
	if (entry->failure) {
		for (uint32_t v = 0; v < n; v++)
			take_value(twin, execution, point, v, side, entry);
	} else if (entry->output < n) {
		take_value(twin, execution, point, entry->output, side, entry);
	}
	close_if_done(twin, execution, point, entry);
}

/* Takes out what one process has left; returns whether there was anything. */
static bool drain(struct debug_twin *twin, enum twin_side side, uint32_t worker)
{
	const struct gates *gates = &twin_target(twin, side)->gates;
	uint64_t *position = &twin->work->positions[side][worker];
	for (int n = 0; n < BATCH; n++) {
		struct gate_entry entry;
		const void *data;
		uint64_t before = *position;
		if (!gate_history_next(gates, worker, position, &entry, &data))
			return n > 0;
		uint64_t begin = atomic_load_explicit(&gate_worker(gates, worker)->history_begin, memory_order_acquire);
		if (begin > before && entry.at > before)
			twin->n_lost += (entry.at - before) / sizeof entry;
		take(twin, side, &entry);
	}
	return true;
}

static uint64_t backlog(const struct debug_twin *twin, enum twin_side side)
{
	const struct gates *gates = &twin->work->sides[side]->target.gates;
	uint64_t most = 0;
	for (uint32_t w = 0; w < gates->n_workers; w++) {
		uint64_t end = atomic_load_explicit(&gate_worker(gates, w)->history_end, memory_order_acquire);
		uint64_t left = end - twin->work->positions[side][w];
		most = left > most ? left : most;
	}
	return most;
}

static uint64_t ahead_limit(const struct twin_work *work)
{
	uint64_t bytes = sizeof(struct twin_execution) + work->n_values * 10 + work->n_points, n = AHEAD_BYTES / bytes;
	return n < AHEAD_LEAST ? AHEAD_LEAST : n;
}

/* Holds a run at its input while it is too far ahead, and lets everybody else go. */
static void throttle(struct debug_twin *twin, enum twin_side side)
{
	struct twin_work *work = twin->work;
	struct gates *gates = &twin_target(twin, side)->gates;
	uint64_t other = work->newest[twin_other(side)], ahead = work->newest[side] > other ? work->newest[side] - other : 0;
	uint64_t most = work->is_throttled[side] ? 4 : 2;
	work->is_throttled[side] = backlog(twin, side) > gates->history_bytes / most
		|| (work->is_live[twin_other(side)] && ahead > ahead_limit(work) * 2 / most);
	atomic_store(&gates->flags[GRAPH_INPUT], (uint8_t)(GATE_DIGEST | (work->is_throttled[side] ? GATE_STOP_AFTER : 0)));
	for (uint32_t w = 0; w < gates->n_workers; w++) {
		if (!(work->is_throttled[side] && w == GRAPH_DRIVER)
			&& atomic_load_explicit(&gate_worker(gates, w)->state, memory_order_acquire) == GATE_STOPPED)
			gate_let_go(gates, w);
	}
}

/* The lowest value that has come from one side only, when the other side can send nothing any more. */
static int check_ends(struct debug_twin *twin, struct error *error)
{
	struct twin_work *work = twin->work;
	for (size_t i = 0; i < work->n_open && !twin->n_lost; i++) {
		const struct twin_execution *execution = work->open[i];
		for (uint32_t p = 0; execution && p < work->n_points; p++) {
			const struct twin_point *point = &work->points[p];
			uint8_t sides = point->n_values ? execution->sides[point->first_value] & 3 : 0;
			if (sides != 1 && sides != 2)
				continue;
			enum twin_side missing = sides == 1 ? TWIN_B : TWIN_A;
			if (!work->is_live[missing])
				return twin_tell_end(twin, missing, point->nodes[twin_other(missing)], work->first + i, error);
		}
	}
	return STATUS_OK;
}

static int allocate(struct debug_twin *twin, struct error *error)
{
	for (int side = 0; side < TWIN_SIDES; side++) {
		const struct gates *gates = &twin_target(twin, side)->gates;
		if (!gates->history_bytes)
			return error_set(error, STATUS_USAGE, "twin: digests need a history, but the %s run keeps none (--history 0)",
				twin_side_word(twin, side));
		twin->work->positions[side] = calloc(gates->n_workers, sizeof *twin->work->positions[side]);
		if (!twin->work->positions[side])
			return error_set(error, STATUS_NO_MEMORY, "twin: out of memory");
		for (uint32_t w = 0; w < gates->n_workers; w++)
			twin->work->positions[side][w] = atomic_load(&gate_worker(gates, w)->history_end);
	}
	return STATUS_OK;
}

static bool drain_all(struct debug_twin *twin)
{
	bool has_any = false;
	for (int side = 0; side < TWIN_SIDES; side++) {
		for (uint32_t w = 0; w < twin_target(twin, side)->gates.n_workers; w++)
			has_any = drain(twin, side, w) || has_any;
	}
	return has_any;
}

int twin_digests(struct debug_twin *twin, struct error *error)
{
	static const struct timespec turn = { .tv_nsec = TURN_NS };
	struct twin_work *work = twin->work;
	int status = allocate(twin, error);
	for (int side = 0; status == STATUS_OK && side < TWIN_SIDES; side++)
		twin_arm(twin, side, GATE_DIGEST, 0);
	while (status == STATUS_OK) {
		bool goes_on = twin_listen(twin), has_ended = !work->is_live[TWIN_A] || !work->is_live[TWIN_B], has_any = drain_all(twin);
		for (int side = 0; side < TWIN_SIDES; side++) {
			if (work->is_live[side])
				throttle(twin, side);
		}
		if (twin_is_complete(twin) || (!twin->options.goes_on && twin_is_settled(work)))
			break;
		if (has_any)
			continue;
		if (has_ended)
			status = check_ends(twin, error);
		if (!goes_on)
			break;
		nanosleep(&turn, NULL);
	}
	for (int side = 0; side < TWIN_SIDES; side++) {
		free(work->positions[side]);
		work->positions[side] = NULL;
	}
	return status;
}
