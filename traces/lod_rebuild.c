/* SPDX-License-Identifier: Apache-2.0
 *
 * lod_rebuild: the pyramid of a run from its rows: spans are placed first; then ops are read in their order, and before each one the spans
 * of its lane that begin earlier.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/attributes.h"
#include "traces/lod_build.h"

#define REBUILD_TELL_ROWS 16384

/* The spans of one lane, one at a time. */
struct rebuild_cursor {
	struct db_stmt *stmt;
	bool has_row, is_device;
};

struct rebuild {
	struct db *db;
	struct lod_build *build;
	int64_t run, lane_id, node_id, edge_id, worker_id, n_rows, n_done;
	struct rebuild_cursor *cursors; /* [n_lanes] */
	int n_lanes;
	lod_progress_fn *progress;
	void *user;
	struct error *error;
};

static int tell(struct rebuild *rebuild)
{
	if (++rebuild->n_done % REBUILD_TELL_ROWS || !rebuild->progress)
		return STATUS_OK;
	double share = rebuild->n_rows ? (double)rebuild->n_done / (double)rebuild->n_rows : 1;
	if (rebuild->progress(rebuild->user, share < 1 ? share : 1))
		return STATUS_OK;
	return error_set(rebuild->error, STATUS_STOPPED, "the overview of the trace was not finished");
}

static int64_t index_or_none(struct db_stmt *stmt, int column, int64_t first)
{
	return db_column_type(stmt, column) == DB_NULL ? LOD_NONE : db_column_int(stmt, column) - first;
}

#define SPAN_COLUMNS "s.lane, s.kind, s.start_ns, s.duration_ns, s.node, s.execution, s.id, s.edge, s.peer, coalesce(s.cause, s.class), s.bytes," \
	" s.name, s.category"

static struct lod_span span_of(const struct rebuild *rebuild, struct db_stmt *stmt)
{
	struct lod_span span = { .lane = (int)(db_column_int(stmt, 0) - rebuild->lane_id), .kind = (int)db_column_int(stmt, 1),
		.start_ns = db_column_int(stmt, 2), .duration_ns = db_column_int(stmt, 3),
		.node = (int)index_or_none(stmt, 4, rebuild->node_id), .execution = index_or_none(stmt, 5, 0),
		.row = db_column_int(stmt, 6), .edge = (int)index_or_none(stmt, 7, rebuild->edge_id),
		.peer = (int)index_or_none(stmt, 8, rebuild->worker_id), .cause = (int)index_or_none(stmt, 9, 0),
		.bytes = index_or_none(stmt, 10, 0) };
	if (span.edge == LOD_NONE && span.peer == LOD_NONE) {
		span.edge = (int)index_or_none(stmt, 11, 1);
		span.peer = (int)index_or_none(stmt, 12, 1);
	}
	return span;
}

static int each_row(struct rebuild *rebuild, const char *sql, int (*read)(struct rebuild *, struct db_stmt *))
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(rebuild->db, sql, NULL, rebuild->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, rebuild->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, rebuild->error)) == STATUS_OK && has_row)
		status = read(rebuild, stmt);
	db_finish(stmt);
	return status;
}

static int read_counts(struct rebuild *rebuild, struct db_stmt *stmt)
{
	rebuild->lane_id = db_column_int(stmt, 0);
	rebuild->n_lanes = (int)db_column_int(stmt, 1);
	rebuild->node_id = db_column_int(stmt, 2);
	rebuild->n_rows = db_column_int(stmt, 3) + db_column_int(stmt, 4);
	rebuild->edge_id = db_column_int(stmt, 5);
	rebuild->worker_id = db_column_int(stmt, 6);
	rebuild->cursors = calloc((size_t)rebuild->n_lanes + 1, sizeof(*rebuild->cursors));
	if (!rebuild->cursors)
		return error_set(rebuild->error, STATUS_NO_MEMORY, "no memory for the overview of the trace");
	return STATUS_OK;
}

static int place_span(struct rebuild *rebuild, struct db_stmt *stmt)
{
	struct lod_span span = span_of(rebuild, stmt);
	int status = lod_build_place(rebuild->build, &span, rebuild->error);
	return status == STATUS_OK ? tell(rebuild) : status;
}

static int next_span(struct rebuild *rebuild, int lane)
{
	struct rebuild_cursor *cursor = &rebuild->cursors[lane];
	return db_step(cursor->stmt, &cursor->has_row, rebuild->error);
}

/* Draws the lane's spans that begin before `until_ns`. */
static int draw_spans(struct rebuild *rebuild, int lane, int64_t until_ns)
{
	struct rebuild_cursor *cursor = &rebuild->cursors[lane];
	int status = STATUS_OK;
	while (status == STATUS_OK && cursor->has_row) {
		struct lod_span span = span_of(rebuild, cursor->stmt);
		if (span.start_ns >= until_ns)
			break;
		status = lod_build_draw(rebuild->build, &span, rebuild->error);
		if (status == STATUS_OK)
			status = next_span(rebuild, lane);
	}
	return status;
}

static int read_op(struct rebuild *rebuild, struct db_stmt *stmt)
{
	int64_t phase_ns[OP_PHASE_COUNT];
	struct lod_op op = { .lane = (int)(db_column_int(stmt, 0) - rebuild->lane_id),
		.node = (int)(db_column_int(stmt, 1) - rebuild->node_id), .execution = db_column_int(stmt, 2),
		.start_ns = db_column_int(stmt, 3), .duration_ns = db_column_int(stmt, 4), .status = (int)db_column_int(stmt, 5),
		.row = db_column_int(stmt, 6), .phase_ns = phase_ns };
	for (int i = 0; i < OP_PHASE_COUNT; i++)
		phase_ns[i] = db_column_int(stmt, 7 + i);
	int status = STATUS_OK;
	if (op.lane >= 0 && op.lane < rebuild->n_lanes)
		status = draw_spans(rebuild, op.lane, op.start_ns);
	if (status == STATUS_OK)
		status = lod_build_op(rebuild->build, &op, rebuild->error);
	return status == STATUS_OK ? tell(rebuild) : status;
}

/* A lane's spans in the order of rows, which is that of time; those of a device are put in order. */
static int open_cursor(struct rebuild *rebuild, const char *database, int lane, bool is_device)
{
	static const char format[] = "SELECT " SPAN_COLUMNS " FROM %s.lod_rows r CROSS JOIN span s WHERE r.lane = ?1 AND r.source = %d"
		" AND s.id BETWEEN r.first_row AND r.last_row AND s.lane = ?1 AND (s.kind < 100 OR s.kind BETWEEN %d AND %d) ORDER BY %s";
	char sql[500];
	snprintf(sql, sizeof(sql), format, database, LOD_SPANS, SPAN_KIND_KERNEL, SPAN_KIND_OVERHEAD,
		is_device ? "s.start_ns, s.id" : "r.first_row, s.id");
	int status = db_prepare(rebuild->db, sql, NULL, rebuild->error, &rebuild->cursors[lane].stmt);
	if (status != STATUS_OK)
		return status;
	db_bind_int(rebuild->cursors[lane].stmt, 1, rebuild->lane_id + lane);
	return next_span(rebuild, lane);
}

static int mark_device(struct rebuild *rebuild, struct db_stmt *stmt)
{
	rebuild->cursors[db_column_int(stmt, 0) - rebuild->lane_id].is_device = true;
	return STATUS_OK;
}

static int draw_all(struct rebuild *rebuild, const char *database)
{
#define X(name, word) ", " word "_ns"
	static const char ops[] = "SELECT lane, node, execution, start_ns, duration_ns, status, rowid" OP_PHASE_MAP(X)
		" FROM op_event WHERE run = ? ORDER BY rowid";
#undef X
	int status = each_row(rebuild, "SELECT id FROM lane WHERE run = ? AND kind NOT IN ('host', 'channel')", mark_device);
	for (int i = 0; i < rebuild->n_lanes && status == STATUS_OK; i++)
		status = open_cursor(rebuild, database, i, rebuild->cursors[i].is_device);
	if (status == STATUS_OK)
		status = each_row(rebuild, ops, read_op);
	for (int i = 0; i < rebuild->n_lanes && status == STATUS_OK; i++)
		status = draw_spans(rebuild, i, INT64_MAX);
	for (int i = 0; i < rebuild->n_lanes; i++)
		db_finish(rebuild->cursors[i].stmt);
	return status;
}

int lod_build_run(struct db *db, const char *database, int64_t run, int64_t origin_ns, lod_progress_fn *progress, void *user,
	struct error *error)
{
	struct rebuild rebuild = { .db = db, .run = run, .progress = progress, .user = user, .error = error };
	int status = lod_build_create(db, database, run, origin_ns, error, &rebuild.build);
	if (status == STATUS_OK)
		status = each_row(&rebuild, "SELECT (SELECT min(id) FROM lane WHERE run = ?1), (SELECT count(*) FROM lane WHERE run = ?1),"
			" (SELECT min(id) FROM node WHERE run = ?1), (SELECT max(rowid) FROM op_event), (SELECT max(id) FROM span),"
			" (SELECT min(id) FROM edge WHERE run = ?1), (SELECT min(id) FROM worker WHERE run = ?1)", read_counts);
	if (status == STATUS_OK)
		status = each_row(&rebuild, "SELECT " SPAN_COLUMNS " FROM span s WHERE s.run = ? ORDER BY s.id", place_span);
	if (status == STATUS_OK)
		status = lod_build_flush(rebuild.build, error);
	if (status == STATUS_OK)
		status = draw_all(&rebuild, database);
	if (status == STATUS_OK)
		status = lod_build_close(rebuild.build, error);
	free(rebuild.cursors);
	lod_build_destroy(rebuild.build);
	return status;
}
