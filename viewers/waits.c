/* SPDX-License-Identifier: Apache-2.0
 *
 * waits: finds the rows of a span's waits and says what they mean.
 */
#include "viewers/waits.h"

#include <stdio.h>

#include "engine/base/attributes.h"

#define WAITS_MAX 64

static int other_end(const struct timeline *timeline, const struct timeline_span *wait)
{
	if (wait->edge == TIMELINE_NONE)
		return TIMELINE_NONE;
	const struct timeline_edge *edge = &timeline->edges[wait->edge];
	return wait->cause == PHASE_BACKPRESSURE ? edge->dst : edge->src;
}

int waits_find(struct timeline *timeline, const struct timeline_span *span, enum phase cause, struct waits_target *ret_target,
	bool *ret_found, struct error *error)
{
	struct timeline_span waits[WAITS_MAX];
	struct waits_target target = { .edge = TIMELINE_NONE, .node = TIMELINE_NONE, .lane = TIMELINE_NONE };
	int n = 0, status = STATUS_OK;
	*ret_found = false;
	if (span->is_op)
		status = timeline_waits(timeline, span, WAITS_MAX, waits, &n, error);
	else if (span->edge != TIMELINE_NONE || span->peer != TIMELINE_NONE) {
		waits[0] = *span;
		waits[0].cause = (int)cause;
		n = 1;
	}
	for (int i = 0; status == STATUS_OK && i < n; i++) {
		if (waits[i].cause != (int)cause)
			continue;
		target.n++;
		if (*ret_found && waits[i].duration_ns <= target.duration_ns)
			continue;
		target.edge = waits[i].edge;
		target.lane = waits[i].peer;
		target.node = other_end(timeline, &waits[i]);
		target.start_ns = waits[i].start_ns;
		target.duration_ns = waits[i].duration_ns;
		*ret_found = true;
	}
	if (target.lane == TIMELINE_NONE && target.node != TIMELINE_NONE)
		target.lane = timeline->nodes[target.node].lane;
	*ret_target = target;
	return status;
}

void waits_describe(const struct timeline *timeline, enum phase cause, const struct waits_target *target, char *text, size_t size)
{
	const char *lane = target->lane == TIMELINE_NONE ? NULL : timeline->lanes[target->lane].name;
	const char *node = target->node == TIMELINE_NONE || cause == PHASE_LATE_RANK ? NULL : timeline->nodes[target->node].name;
	snprintf(text, size, "%s%s%s", node ? node : "", node && lane ? " on " : "", lane ? lane : "");
}

/* X(PHASE, doing) */
#define DOING_MAP(X)                              \
	X(COMPUTE, "computing")                   \
	X(COLLECTIVE, "in the collective of")     \
	X(READ, "reading for")                    \
	X(WRITE, "writing for")                   \
	X(STARVED, "itself starved at")           \
	X(BACKPRESSURE, "itself held up at")      \
	X(LATE_RANK, "waiting for a rank at")     \
	X(DISPATCH, "waiting for the dispatch of") \
	X(ALLOCATE, "allocating for")             \
	X(SERIALISE, "serialising for")           \
	X(FETCH, "fetching for")                  \
	X(LAUNCH, "launching")                    \
	X(SYNC, "waiting for its device in")      \
	X(DEBUG, "stopped by the debugger at")    \
	X(RECORDER, "recording")                  \
	X(LIMIT, "at its limit in flight")        \
	X(IDLE, "idle")

static const char *const doing[PHASE_COUNT] = {
#define X(name, words) [PHASE_##name] = words,
	DOING_MAP(X)
#undef X
};

int waits_describe_lane(struct timeline *timeline, int lane, int64_t time_ns, char *text, size_t size, struct error *error)
{
	struct timeline_span span;
	struct timeline_piece pieces[PHASE_COUNT];
	bool has_found = false;
	text[0] = '\0';
	int status = timeline_at(timeline, lane, time_ns, &span, &has_found, error);
	if (status != STATUS_OK || !has_found)
		return status;
	int n = timeline_pieces(&span, pieces);
	for (int i = 0; i < n; i++) {
		const char *words = doing[pieces[i].phase];
		if (time_ns >= pieces[i].start_ns + pieces[i].duration_ns || !words)
			continue;
		snprintf(text, size, "%s%s%s", words, span.node == TIMELINE_NONE ? "" : " ",
			span.node == TIMELINE_NONE ? "" : timeline->nodes[span.node].name);
		break;
	}
	return STATUS_OK;
}
