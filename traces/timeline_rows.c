/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_rows: finding rows by time without an index: ranges of rows, and the cache of leaves.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/lod_build.h"
#include "traces/timeline_private.h"

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the rows of the trace");
}

static int32_t index_of(struct db_stmt *stmt, int column, int64_t first, int n)
{
	int64_t idx = db_column_int(stmt, column) - first;
	return db_column_type(stmt, column) != DB_NULL && idx >= 0 && idx < n ? (int32_t)idx : TIMELINE_NONE;
}

static int64_t int_or(struct db_stmt *stmt, int column, int64_t none)
{
	return db_column_type(stmt, column) == DB_NULL ? none : db_column_int(stmt, column);
}

/* -- leaves ------------------------------------------------------------------------------------------------------------------- */

static bool reserve_pieces(struct timeline_leaf *leaf)
{
	if (leaf->n_pieces + PHASE_COUNT <= leaf->pieces_capacity)
		return true;
	int capacity = leaf->pieces_capacity ? 2 * leaf->pieces_capacity : 2 * LOD_RANGE_ROWS;
	struct timeline_piece *pieces = realloc(leaf->pieces, (size_t)capacity * sizeof(*pieces));
	if (!pieces)
		return false;
	leaf->pieces = pieces;
	leaf->pieces_capacity = capacity;
	return true;
}

static int32_t within(int32_t idx, int n)
{
	return idx < n ? idx : TIMELINE_NONE;
}

static void take_row(const struct timeline *timeline, struct timeline_leaf *leaf, const struct lod_leaf_row *from)
{
	const struct lod_form *form = from->form;
	struct timeline_row *row = &leaf->rows[leaf->n_rows++];
	*row = (struct timeline_row){ .row = from->row, .start_ns = timeline->store->grid_ns + from->start_ns,
		.duration_ns = from->duration_ns, .lane = leaf->lane, .execution = from->execution, .bytes = from->bytes, .kind = form->kind,
		.node = within(form->node, timeline->n_nodes), .edge = within(form->edge, timeline->n_edges),
		.peer = within(form->peer, timeline->store->n_workers), .cause = (int16_t)form->cause, .status = form->status,
		.first_piece = leaf->n_pieces, .n_pieces = form->n_phases };
	if (timeline->is_imported) {
		row->name = form->edge + 1;
		row->category = form->peer + 1;
	}
	for (int i = 0; i < form->n_phases; i++)
		leaf->pieces[leaf->n_pieces++] = (struct timeline_piece){ .phase = (enum phase)form->phases[i],
			.duration_ns = from->phase_ns[i] };
}

static int decode(struct timeline *timeline, struct timeline_leaf *leaf, int64_t first_row, const void *data, size_t n_bytes,
	struct error *error)
{
	struct lod_leaf_reader *reader = timeline->store->reader;
	struct lod_leaf_row row;
	lod_leaf_read_begin(reader, first_row, data, n_bytes);
	while (leaf->n_rows < LOD_RANGE_ROWS && lod_leaf_read_next(reader, &row)) {
		if (!reserve_pieces(leaf))
			return out_of_memory(error);
		take_row(timeline, leaf, &row);
	}
	if (reader->is_damaged)
		return error_set(error, STATUS_TRACE, "%s: a leaf of the level of detail is damaged", timeline->trace->file);
	return STATUS_OK;
}

static int load_leaf(struct timeline *timeline, struct timeline_leaf *leaf, int64_t first_row, struct error *error)
{
	struct db_stmt *stmt = timeline->store->stmts[TIMELINE_LEAF];
	bool has_row = false;
	db_bind_int(stmt, 1, timeline->store->sources[leaf->lane].id);
	db_bind_int(stmt, 2, lod_leaf_level(leaf->source));
	db_bind_int(stmt, 3, first_row);
	int status = db_step(stmt, &has_row, error);
	if (status == STATUS_OK && !has_row)
		status = error_set(error, STATUS_TRACE, "%s: a leaf of the level of detail is missing", timeline->trace->file);
	if (status == STATUS_OK) {
		size_t n_bytes = 0;
		const void *data = db_column_blob(stmt, 0, &n_bytes);
		status = decode(timeline, leaf, first_row, data, n_bytes, error);
	}
	db_reset(stmt);
	return status;
}

/* Waits are few and read from their table. */
static int load_waits(struct timeline *timeline, struct timeline_leaf *leaf, const struct timeline_range *range, struct error *error)
{
	const struct timeline_store *store = timeline->store;
	struct db_stmt *stmt = store->stmts[TIMELINE_ROWS_OF_WAITS];
	bool has_row = false;
	int status = STATUS_OK;
	db_bind_int(stmt, 1, range->first_row);
	db_bind_int(stmt, 2, range->last_row);
	db_bind_int(stmt, 3, store->sources[leaf->lane].id);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row) {
		if (leaf->n_rows == LOD_RANGE_ROWS)
			continue;
		leaf->rows[leaf->n_rows++] = (struct timeline_row){ .row = db_column_int(stmt, 0), .lane = leaf->lane,
			.node = index_of(stmt, 1, store->node_id, timeline->n_nodes), .execution = int_or(stmt, 2, TIMELINE_NONE),
			.start_ns = db_column_int(stmt, 3), .duration_ns = db_column_int(stmt, 4), .kind = (int16_t)db_column_int(stmt, 5),
			.edge = index_of(stmt, 6, store->edge_id, timeline->n_edges), .cause = (int16_t)int_or(stmt, 7, TIMELINE_NONE),
			.peer = index_of(stmt, 8, store->worker_id, store->n_workers), .bytes = int_or(stmt, 9, -1) };
	}
	return status;
}

static int load(struct timeline *timeline, struct timeline_leaf *leaf, struct error *error)
{
	struct timeline_store *store = timeline->store;
	const struct timeline_ranges *ranges = &store->sources[leaf->lane].ranges[leaf->source];
	const struct timeline_range *range = &ranges->ranges[leaf->range];
	leaf->n_rows = leaf->n_pieces = 0;
	if (!leaf->rows)
		leaf->rows = malloc(LOD_RANGE_ROWS * sizeof(*leaf->rows));
	if (!store->reader)
		store->reader = malloc(sizeof(*store->reader));
	if (!leaf->rows || !store->reader)
		return out_of_memory(error);
	int status = leaf->source < LOD_LEAVES_COUNT ? load_leaf(timeline, leaf, range->first_row, error)
		: load_waits(timeline, leaf, range, error);
	leaf->is_open = leaf->range == ranges->n - 1;
	leaf->is_used = status == STATUS_OK;
	return status;
}

static int get_leaf(struct timeline *timeline, int lane, enum lod_source source, int range, struct timeline_leaf **ret_leaf,
	struct error *error)
{
	struct timeline_store *store = timeline->store;
	struct timeline_leaf *oldest = &store->leaves[0];
	int n_leaves = timeline->is_imported ? TIMELINE_LEAVES_MAX : TIMELINE_LEAVES_OWN;
	for (int i = 0; i < n_leaves; i++) {
		struct timeline_leaf *leaf = &store->leaves[i];
		if (leaf->is_used && leaf->range == range && leaf->lane == lane && leaf->source == source) {
			leaf->used_at = ++store->n_uses;
			*ret_leaf = leaf;
			return STATUS_OK;
		}
		if ((leaf->is_used ? leaf->used_at : 0) < (oldest->is_used ? oldest->used_at : 0))
			oldest = leaf;
	}
	oldest->is_used = false;
	oldest->lane = lane;
	oldest->source = source;
	oldest->range = range;
	oldest->used_at = ++store->n_uses;
	*ret_leaf = oldest;
	return load(timeline, oldest, error);
}

/* -- visits ------------------------------------------------------------------------------------------------------------------- */

static bool touches(const struct timeline_row *row, int64_t from_ns, int64_t until_ns)
{
	int64_t end_ns = row->start_ns + row->duration_ns;
	return row->start_ns < until_ns && (end_ns > from_ns || (row->duration_ns == 0 && row->start_ns >= from_ns));
}

int timeline_range_visit(struct timeline *timeline, int lane, enum lod_source source, int range, int64_t from_ns, int64_t until_ns,
	int direction, bool *ret_goes_on, timeline_visit_fn *visit, void *user, struct error *error)
{
	struct timeline_leaf *leaf = NULL;
	bool goes_on = true;
	int status = get_leaf(timeline, lane, source, range, &leaf, error);
	for (int i = 0; status == STATUS_OK && i < leaf->n_rows && goes_on; i++) {
		const struct timeline_row *row = &leaf->rows[direction > 0 ? i : leaf->n_rows - 1 - i];
		if (touches(row, from_ns, until_ns))
			goes_on = visit(user, row, leaf->pieces + row->first_piece);
	}
	*ret_goes_on = goes_on;
	return status;
}

/* The first range that may reach beyond the time. */
static int first_after(const struct timeline_ranges *ranges, int64_t time_ns)
{
	int low = 0, high = ranges->n;
	while (low < high) {
		int middle = (low + high) / 2;
		if (ranges->ranges[middle].until_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Behind the last range that may begin before the time. */
static int last_before(const struct timeline_ranges *ranges, int64_t time_ns)
{
	int low = 0, high = ranges->n;
	while (ranges->is_ordered && low < high) {
		int middle = (low + high) / 2;
		if (ranges->ranges[middle].first_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return high;
}

int timeline_rows_visit(struct timeline *timeline, int lane, enum lod_source source, int64_t from_ns, int64_t until_ns, int direction,
	timeline_visit_fn *visit, void *user, struct error *error)
{
	const struct timeline_ranges *ranges = &timeline->store->sources[lane].ranges[source];
	int first = first_after(ranges, from_ns), last = last_before(ranges, until_ns);
	bool goes_on = true;
	int status = STATUS_OK;
	for (int k = 0; k < last - first && goes_on && status == STATUS_OK; k++) {
		int i = direction > 0 ? first + k : last - 1 - k;
		if (ranges->ranges[i].first_ns < until_ns && ranges->ranges[i].last_ns >= from_ns)
			status = timeline_range_visit(timeline, lane, source, i, from_ns, until_ns, direction, &goes_on, visit, user, error);
	}
	return status;
}

/* -- where rows lie ----------------------------------------------------------------------------------------------------------- */

static int add_range(struct timeline_ranges *ranges, struct timeline_range range, struct error *error)
{
	if (ranges->n && ranges->ranges[ranges->n - 1].first_row == range.first_row)
		ranges->n--;
	if (ranges->n == ranges->capacity) {
		int capacity = ranges->capacity ? 2 * ranges->capacity : 64;
		void *more = realloc(ranges->ranges, (size_t)capacity * sizeof(*ranges->ranges));
		if (!more)
			return out_of_memory(error);
		ranges->ranges = more;
		ranges->capacity = capacity;
	}
	range.until_ns = range.last_ns;
	if (ranges->n == 0)
		ranges->is_ordered = true;
	else if (ranges->ranges[ranges->n - 1].until_ns > range.until_ns)
		range.until_ns = ranges->ranges[ranges->n - 1].until_ns;
	if (ranges->n && ranges->ranges[ranges->n - 1].first_ns > range.first_ns)
		ranges->is_ordered = false;
	ranges->ranges[ranges->n++] = range;
	return STATUS_OK;
}

static int read_ranges(struct timeline *timeline, int lane, enum lod_source source, struct error *error)
{
	struct timeline_store *store = timeline->store;
	struct timeline_ranges *ranges = &store->sources[lane].ranges[source];
	struct db_stmt *stmt = store->stmts[TIMELINE_RANGES];
	bool has_row = false;
	int status = STATUS_OK;
	db_bind_int(stmt, 1, store->sources[lane].id);
	db_bind_int(stmt, 2, source);
	db_bind_int(stmt, 3, ranges->n ? ranges->ranges[ranges->n - 1].first_row : 0);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row) {
		struct timeline_range range = { .first_row = db_column_int(stmt, 2), .last_row = db_column_int(stmt, 3),
			.first_ns = db_column_int(stmt, 4), .last_ns = db_column_int(stmt, 5) };
		status = add_range(ranges, range, error);
	}
	return status;
}

int timeline_rows_refresh(struct timeline *timeline, struct error *error)
{
	int status = STATUS_OK;
	for (int i = 0; i < TIMELINE_LEAVES_MAX; i++)
		timeline->store->leaves[i].is_used &= !timeline->store->leaves[i].is_open;
	for (int lane = 0; lane < timeline->n_lanes && status == STATUS_OK; lane++) {
		for (int source = 0; source < LOD_SOURCE_COUNT && status == STATUS_OK; source++) {
			if (timeline->lanes[lane].kind != TIMELINE_CHANNEL)
				status = read_ranges(timeline, lane, (enum lod_source)source, error);
		}
	}
	return status;
}

void timeline_rows_forget(struct timeline *timeline)
{
	for (int i = 0; i < TIMELINE_LEAVES_MAX; i++)
		timeline->store->leaves[i].is_used = false;
	for (int lane = 0; lane < timeline->n_lanes; lane++) {
		for (int source = 0; source < LOD_SOURCE_COUNT; source++)
			timeline->store->sources[lane].ranges[source].n = 0;
	}
}

void timeline_rows_finish(struct timeline *timeline)
{
	struct timeline_store *store = timeline->store;
	for (int i = 0; i < TIMELINE_LEAVES_MAX; i++) {
		free(store->leaves[i].rows);
		free(store->leaves[i].pieces);
	}
	free(store->reader);
	for (int lane = 0; store->sources && lane < timeline->n_lanes; lane++) {
		for (int source = 0; source < LOD_SOURCE_COUNT; source++)
			free(store->sources[lane].ranges[source].ranges);
	}
}

void timeline_span_phase(struct timeline_span *span)
{
	uint8_t phase = PHASE_UNKNOWN;
	if (span->kind != SPAN_KIND_OP && lod_kind_phase(span->kind, span->cause, &phase))
		span->phase_ns[phase] = span->duration_ns;
}

struct timeline_span timeline_span_of(const struct timeline_row *row, const struct timeline_piece *pieces)
{
	struct timeline_span span = { .row = row->row, .is_op = row->kind == SPAN_KIND_OP, .lane = row->lane, .node = row->node,
		.edge = row->edge, .peer = row->peer, .kind = row->kind, .cause = row->cause, .status = row->status,
		.execution = row->execution, .start_ns = row->start_ns, .duration_ns = row->duration_ns, .bytes = row->bytes,
		.name = row->name, .category = row->category };
	for (int i = 0; i < row->n_pieces; i++)
		span.phase_ns[pieces[i].phase] = pieces[i].duration_ns;
	timeline_span_phase(&span);
	return span;
}
