/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_spans: single spans: those of a window, the one at a moment, an op by its node and execution, neighbours, waits of an op.
 */
#include <stdlib.h>

#include "engine/base/attributes.h"
#include "traces/critical_run.h"
#include "traces/lod_build.h"
#include "traces/timeline_private.h"

/* Order on a lane: by start, what is drawn before what is a detail of it, then by row. */
static int compare(const struct timeline_span *x, const struct timeline_span *y)
{
	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	bool x_is_wait = x->kind == SPAN_KIND_WAIT, y_is_wait = y->kind == SPAN_KIND_WAIT;
	if (x_is_wait != y_is_wait)
		return x_is_wait ? 1 : -1;
	if (x->is_op != y->is_op)
		return x->is_op ? 1 : -1;
	return (x->row > y->row) - (x->row < y->row);
}

static int by_place(const void *a, const void *b)
{
	return compare(a, b);
}

/* -- a window ------------------------------------------------------------------------------------------------------------------ */

struct gather {
	struct timeline_span *spans;
	int n, n_max;
	bool is_cut;
};

static bool gather_row(void *user, const struct timeline_row *row, const struct timeline_piece *pieces)
{
	struct gather *gather = user;
	if (gather->n == gather->n_max) {
		gather->is_cut = true;
		return false;
	}
	gather->spans[gather->n++] = timeline_span_of(row, pieces);
	return true;
}

int timeline_spans(struct timeline *timeline, int lane, int64_t from_ns, int64_t until_ns, bool with_waits, int n_max,
	struct timeline_span *spans, int *ret_n, bool *ret_is_cut, struct error *error)
{
	struct timeline_span *all = malloc(((size_t)n_max * LOD_SOURCE_COUNT + 1) * sizeof(*all));
	int n = 0, last_source = with_waits ? LOD_WAITS : LOD_SPANS;
	bool is_cut = false;
	int status = all ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for the spans of a window");
	for (int source = LOD_OPS; source <= last_source && status == STATUS_OK; source++) {
		struct gather gather = { .spans = all + n, .n_max = n_max };
		if (timeline->lanes[lane].kind != TIMELINE_CHANNEL)
			status = timeline_rows_visit(timeline, lane, (enum lod_source)source, from_ns, until_ns, 1, gather_row, &gather, error);
		n += gather.n;
		is_cut |= gather.is_cut;
	}
	if (status == STATUS_OK) {
		qsort(all, (size_t)n, sizeof(*all), by_place);
		*ret_n = n < n_max ? n : n_max;
		*ret_is_cut = is_cut || n > n_max;
		for (int i = 0; i < *ret_n; i++)
			spans[i] = all[i];
	}
	free(all);
	return status;
}

int timeline_pieces(const struct timeline_span *span, struct timeline_piece *pieces)
{
	int n = 0;
	int64_t at_ns = span->start_ns;
	if (!span->is_op) {
		uint8_t phase;
		if (!lod_kind_phase(span->kind, span->cause, &phase))
			phase = span->cause != TIMELINE_NONE ? (uint8_t)span->cause : PHASE_COMPUTE;
		pieces[0] = (struct timeline_piece){ (enum phase)phase, span->start_ns, span->duration_ns };
		return 1;
	}
	for (int i = 0; i < PHASE_COUNT; i++) {
		enum phase phase = (enum phase)critical_phase_order[i].phase;
		if (span->phase_ns[phase] <= 0)
			continue;
		pieces[n++] = (struct timeline_piece){ phase, at_ns, span->phase_ns[phase] };
		at_ns += span->phase_ns[phase];
	}
	return n;
}

/* -- one of them --------------------------------------------------------------------------------------------------------------- */

struct pick {
	const struct timeline_span *beside; /* NULL: the last one that begins at or before the moment */
	int direction;
	struct timeline_span *span;
	bool has_found;
};

/* The nearest one beyond `beside` in the direction: rows come in that order, so the first one that fits ends the search. */
static bool pick_row(void *user, const struct timeline_row *row, const struct timeline_piece *pieces)
{
	struct pick *pick = user;
	struct timeline_span span = timeline_span_of(row, pieces);
	if (pick->beside && compare(&span, pick->beside) * pick->direction <= 0)
		return true;
	if (!pick->has_found || compare(&span, pick->span) * pick->direction < 0)
		*pick->span = span;
	pick->has_found = true;
	return false;
}

static int pick_among(struct timeline *timeline, int lane, int64_t from_ns, int64_t until_ns, struct pick *pick, struct error *error)
{
	int status = STATUS_OK;
	for (int source = LOD_OPS; source <= LOD_SPANS && status == STATUS_OK; source++) {
		if (timeline->lanes[lane].kind != TIMELINE_CHANNEL)
			status = timeline_rows_visit(timeline, lane, (enum lod_source)source, from_ns, until_ns, pick->direction, pick_row, pick,
				error);
	}
	return status;
}

int timeline_at(struct timeline *timeline, int lane, int64_t time_ns, struct timeline_span *ret_span, bool *ret_found, struct error *error)
{
	struct timeline_span span;
	struct pick pick = { .direction = -1, .span = &span };
	int status = pick_among(timeline, lane, time_ns, time_ns + 1, &pick, error);
	if (status != STATUS_OK)
		return status;
	*ret_found = pick.has_found;
	if (pick.has_found)
		*ret_span = span;
	return STATUS_OK;
}

int timeline_next(struct timeline *timeline, const struct timeline_span *span, int direction, struct timeline_span *ret_span,
	bool *ret_found, struct error *error)
{
	struct timeline_span next;
	struct pick pick = { .beside = span, .direction = direction, .span = &next };
	const struct timeline_lane *lane = &timeline->lanes[span->lane];
	int64_t from_ns = direction > 0 ? span->start_ns : lane->first_ns, until_ns = direction > 0 ? INT64_MAX : span->start_ns + 1;
	int status = pick_among(timeline, span->lane, from_ns, until_ns, &pick, error);
	if (status != STATUS_OK)
		return status;
	*ret_found = pick.has_found;
	if (pick.has_found)
		*ret_span = next;
	return STATUS_OK;
}

/* -- an op by its name --------------------------------------------------------------------------------------------------------- */

struct find {
	int node;
	int64_t execution;
	int64_t near; /* execution of an op of the node among the rows seen; TIMELINE_NONE: none */
	struct timeline_span *span;
	bool has_found;
};

static bool find_row(void *user, const struct timeline_row *row, const struct timeline_piece *pieces)
{
	struct find *find = user;
	if (row->node != find->node)
		return true;
	find->near = row->execution;
	if (row->execution != find->execution)
		return row->execution < find->execution;
	*find->span = timeline_span_of(row, pieces);
	find->has_found = true;
	return false;
}

/* An op of the node in the range, or in one before it, not below `low`; *range moves there. */
static int look_at(struct timeline *timeline, int lane, int low, int *range, struct find *find, struct error *error)
{
	int status = STATUS_OK;
	bool goes_on = true;
	find->near = TIMELINE_NONE;
	for (;; --*range) {
		status = timeline_range_visit(timeline, lane, LOD_OPS, *range, INT64_MIN, INT64_MAX, 1, &goes_on, find_row, find, error);
		if (status != STATUS_OK || find->near != TIMELINE_NONE || *range <= low)
			return status;
	}
}

/* A node's executions come in order: the ranges of rows are halved. */
int timeline_op(struct timeline *timeline, int node, int64_t execution, struct timeline_span *ret_span, bool *ret_found,
	struct error *error)
{
	int lane = timeline->nodes[node].lane;
	struct timeline_span span;
	struct find find = { .node = node, .execution = execution, .span = &span };
	*ret_found = false;
	if (lane == TIMELINE_NONE)
		return STATUS_OK;
	int low = 0, high = timeline->store->sources[lane].ranges[LOD_OPS].n;
	int status = STATUS_OK;
	while (low < high && !find.has_found && status == STATUS_OK) {
		int middle = (low + high) / 2, at = middle;
		status = look_at(timeline, lane, low, &at, &find, error);
		if (find.near == TIMELINE_NONE || find.near < execution)
			low = middle + 1;
		else
			high = at;
	}
	for (int i = high - 1; status == STATUS_OK && !find.has_found && i >= 0 && i >= high - 2; i--) {
		bool goes_on;
		status = timeline_range_visit(timeline, lane, LOD_OPS, i, INT64_MIN, INT64_MAX, 1, &goes_on, find_row, &find, error);
	}
	if (status == STATUS_OK && find.has_found) {
		*ret_found = true;
		*ret_span = span;
	}
	return status;
}

/* -- waits ---------------------------------------------------------------------------------------------------------------------- */

struct waits {
	const struct timeline_span *op;
	struct gather gather;
};

static bool gather_wait(void *user, const struct timeline_row *row, const struct timeline_piece *pieces)
{
	struct waits *waits = user;
	if (row->execution != waits->op->execution || (row->node != TIMELINE_NONE && row->node != waits->op->node))
		return true;
	return gather_row(&waits->gather, row, pieces);
}

int timeline_waits(struct timeline *timeline, const struct timeline_span *op, int n_max, struct timeline_span *spans, int *ret_n,
	struct error *error)
{
	struct waits waits = { .op = op, .gather = { .spans = spans, .n_max = n_max } };
	int status = timeline_rows_visit(timeline, op->lane, LOD_WAITS, op->start_ns, op->start_ns + op->duration_ns + 1, 1, gather_wait,
		&waits, error);
	if (status != STATUS_OK)
		return status;
	qsort(spans, (size_t)waits.gather.n, sizeof(*spans), by_place);
	*ret_n = waits.gather.n;
	return STATUS_OK;
}
