/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_rows: finding rows by time without an index: ranges of rows, and the cache of chunks.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/critical_run.h"
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

static int32_t lane_of(const struct timeline *timeline, struct db_stmt *stmt, int column)
{
	const struct timeline_store *store = timeline->store;
	int32_t idx = index_of(stmt, column, store->lane_id, store->n_ids);
	return idx == TIMELINE_NONE ? idx : store->lane_of_id[idx];
}

static bool add_pieces(struct timeline_chunk *chunk, struct timeline_row *row, struct db_stmt *stmt)
{
	if (chunk->n_pieces + PHASE_COUNT > chunk->pieces_capacity) {
		int capacity = chunk->pieces_capacity ? 2 * chunk->pieces_capacity : 4 * TIMELINE_CHUNK_ROWS;
		struct timeline_piece *pieces = realloc(chunk->pieces, (size_t)capacity * sizeof(*pieces));
		if (!pieces)
			return false;
		chunk->pieces = pieces;
		chunk->pieces_capacity = capacity;
	}
	row->first_piece = chunk->n_pieces;
	for (int i = 0; i < PHASE_COUNT; i++) {
		int column = critical_phase_order[i].column;
		int64_t ns = column < 0 ? 0 : db_column_int(stmt, 7 + column);
		if (ns > 0)
			chunk->pieces[chunk->n_pieces++] = (struct timeline_piece){ .duration_ns = ns,
				.phase = (enum phase)critical_phase_order[i].phase };
	}
	row->n_pieces = (uint8_t)(chunk->n_pieces - row->first_piece);
	return true;
}

static int read_op(const struct timeline *timeline, struct timeline_chunk *chunk, struct db_stmt *stmt, struct error *error)
{
	struct timeline_row *row = &chunk->rows[chunk->n_rows++];
	*row = (struct timeline_row){ .row = db_column_int(stmt, 0), .lane = lane_of(timeline, stmt, 1),
		.node = index_of(stmt, 2, timeline->store->node_id, timeline->n_nodes), .execution = db_column_int(stmt, 3),
		.start_ns = db_column_int(stmt, 4), .duration_ns = db_column_int(stmt, 5), .status = (uint8_t)db_column_int(stmt, 6),
		.edge = TIMELINE_NONE, .peer = TIMELINE_NONE, .kind = SPAN_KIND_OP, .cause = TIMELINE_NONE, .bytes = -1 };
	return add_pieces(chunk, row, stmt) ? STATUS_OK : out_of_memory(error);
}

static int read_span(const struct timeline *timeline, struct timeline_chunk *chunk, struct db_stmt *stmt, struct error *error)
{
	const struct timeline_store *store = timeline->store;
	struct timeline_row *row = &chunk->rows[chunk->n_rows++];
	(void)error;
	*row = (struct timeline_row){ .row = db_column_int(stmt, 0), .lane = lane_of(timeline, stmt, 1),
		.node = index_of(stmt, 2, store->node_id, timeline->n_nodes), .execution = int_or(stmt, 3, TIMELINE_NONE),
		.start_ns = db_column_int(stmt, 4), .duration_ns = db_column_int(stmt, 5), .kind = (int16_t)db_column_int(stmt, 6),
		.edge = index_of(stmt, 7, store->edge_id, timeline->n_edges), .cause = (int16_t)int_or(stmt, 8, TIMELINE_NONE),
		.peer = index_of(stmt, 9, store->worker_id, store->n_workers), .bytes = int_or(stmt, 10, -1) };
	return STATUS_OK;
}

static int load(struct timeline *timeline, struct timeline_chunk *chunk, struct error *error)
{
	struct timeline_store *store = timeline->store;
	struct db_stmt *stmt = store->stmts[chunk->is_op ? TIMELINE_ROWS_OF_OPS : TIMELINE_ROWS_OF_SPANS];
	bool has_row = false;
	int status = STATUS_OK;
	chunk->n_rows = chunk->n_pieces = 0;
	if (!chunk->rows)
		chunk->rows = malloc(TIMELINE_CHUNK_ROWS * sizeof(*chunk->rows));
	if (!chunk->rows)
		return out_of_memory(error);
	db_bind_int(stmt, 1, chunk->id * TIMELINE_CHUNK_ROWS);
	db_bind_int(stmt, 2, (chunk->id + 1) * TIMELINE_CHUNK_ROWS - 1);
	db_bind_int(stmt, 3, timeline->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row)
		status = (chunk->is_op ? read_op : read_span)(timeline, chunk, stmt, error);
	chunk->is_open = (chunk->id + 1) * TIMELINE_CHUNK_ROWS > store->last_row[chunk->is_op ? 0 : 1];
	chunk->is_used = status == STATUS_OK;
	return status;
}

static int get_chunk(struct timeline *timeline, bool is_op, int64_t id, struct timeline_chunk **ret_chunk, struct error *error)
{
	struct timeline_store *store = timeline->store;
	struct timeline_chunk *oldest = &store->chunks[0];
	for (int i = 0; i < TIMELINE_CHUNKS_MAX; i++) {
		struct timeline_chunk *chunk = &store->chunks[i];
		if (chunk->is_used && chunk->id == id && chunk->is_op == is_op) {
			chunk->used_at = ++store->n_uses;
			*ret_chunk = chunk;
			return STATUS_OK;
		}
		if ((chunk->is_used ? chunk->used_at : 0) < (oldest->is_used ? oldest->used_at : 0))
			oldest = chunk;
	}
	oldest->is_used = false;
	oldest->is_op = is_op;
	oldest->id = id;
	oldest->used_at = ++store->n_uses;
	*ret_chunk = oldest;
	return load(timeline, oldest, error);
}

static bool touches(const struct timeline_row *row, int64_t from_ns, int64_t until_ns)
{
	int64_t end_ns = row->start_ns + row->duration_ns;
	return row->start_ns < until_ns && (end_ns > from_ns || (row->duration_ns == 0 && row->start_ns >= from_ns));
}

static bool is_of(const struct timeline_row *row, enum lod_source source)
{
	bool is_wait = row->kind == SPAN_KIND_WAIT || row->kind == SPAN_KIND_API || row->kind == SPAN_KIND_MARK;
	return source == LOD_OPS || (source == LOD_WAITS) == is_wait;
}

int timeline_range_visit(struct timeline *timeline, int lane, enum lod_source source, int range_idx, int64_t from_ns, int64_t until_ns,
	int direction, bool *ret_goes_on, timeline_visit_fn *visit, void *user, struct error *error)
{
	struct timeline_range range = timeline->store->sources[lane].ranges[source].ranges[range_idx];
	int64_t first = range.first_row / TIMELINE_CHUNK_ROWS, last = range.last_row / TIMELINE_CHUNK_ROWS;
	bool goes_on = true;
	int status = STATUS_OK;
	for (int64_t k = 0; k <= last - first && goes_on && status == STATUS_OK; k++) {
		struct timeline_chunk *chunk = NULL;
		status = get_chunk(timeline, source == LOD_OPS, direction > 0 ? first + k : last - k, &chunk, error);
		for (int i = 0; status == STATUS_OK && i < chunk->n_rows && goes_on; i++) {
			const struct timeline_row *row = &chunk->rows[direction > 0 ? i : chunk->n_rows - 1 - i];
			if (row->lane == lane && row->row >= range.first_row && row->row <= range.last_row && is_of(row, source)
				&& touches(row, from_ns, until_ns))
				goes_on = visit(user, row, chunk->pieces + row->first_piece);
		}
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
		int64_t *last_row = &store->last_row[source == LOD_OPS ? 0 : 1];
		struct timeline_range range = { .first_row = db_column_int(stmt, 2), .last_row = db_column_int(stmt, 3),
			.first_ns = db_column_int(stmt, 4), .last_ns = db_column_int(stmt, 5) };
		*last_row = range.last_row > *last_row ? range.last_row : *last_row;
		status = add_range(ranges, range, error);
	}
	return status;
}

int timeline_rows_refresh(struct timeline *timeline, struct error *error)
{
	int status = STATUS_OK;
	for (int i = 0; i < TIMELINE_CHUNKS_MAX; i++)
		timeline->store->chunks[i].is_used &= !timeline->store->chunks[i].is_open;
	for (int lane = 0; lane < timeline->n_lanes && status == STATUS_OK; lane++) {
		for (int source = 0; source < LOD_SOURCE_COUNT && status == STATUS_OK; source++) {
			if (timeline->lanes[lane].kind != TIMELINE_CHANNEL)
				status = read_ranges(timeline, lane, (enum lod_source)source, error);
		}
	}
	return status;
}

void timeline_rows_finish(struct timeline *timeline)
{
	struct timeline_store *store = timeline->store;
	for (int i = 0; i < TIMELINE_CHUNKS_MAX; i++) {
		free(store->chunks[i].rows);
		free(store->chunks[i].pieces);
	}
	for (int lane = 0; store->sources && lane < timeline->n_lanes; lane++) {
		for (int source = 0; source < LOD_SOURCE_COUNT; source++)
			free(store->sources[lane].ranges[source].ranges);
	}
}

struct timeline_span timeline_span_of(const struct timeline_row *row, const struct timeline_piece *pieces)
{
	struct timeline_span span = { .row = row->row, .is_op = row->kind == SPAN_KIND_OP, .lane = row->lane, .node = row->node,
		.edge = row->edge, .peer = row->peer, .kind = row->kind, .cause = row->cause, .status = row->status,
		.execution = row->execution, .start_ns = row->start_ns, .duration_ns = row->duration_ns, .bytes = row->bytes };
	for (int i = 0; i < row->n_pieces; i++)
		span.phase_ns[pieces[i].phase] = pieces[i].duration_ns;
	if (row->kind < PHASE_COUNT)
		span.phase_ns[row->kind] = row->duration_ns;
	return span;
}
