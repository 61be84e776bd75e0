/* SPDX-License-Identifier: Apache-2.0
 *
 * lod_build: which pyramid and which channel a row belongs to, and the statements.
 */
#include "traces/lod_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/graph/graph.h"
#include "traces/import_sink.h"
#include "traces/lod_fill.h"
#include "traces/lod_lane.h"
#include "traces/lod_leaf.h"

/* X(NAME, sql): %s is the database */
#define BUILD_STMT_MAP(X) \
	X(BLOCK, "INSERT OR REPLACE INTO %s.lod VALUES(?, ?, ?, ?)") \
	X(ROWS, "INSERT OR REPLACE INTO %s.lod_rows VALUES(?, ?, ?, ?, ?, ?, ?)") \
	X(FILL, "INSERT OR REPLACE INTO %s.lod_fill VALUES(?, ?, ?)") \
	X(LANE, "INSERT OR REPLACE INTO %s.lod_lane VALUES(?, ?, ?, ?, ?, ?, ?)")

enum build_stmt {
#define X(name, sql) BUILD_##name,
	BUILD_STMT_MAP(X)
#undef X
	BUILD_STMT_COUNT
};

struct build_range {
	int64_t first_row, last_row, first_ns, last_ns;
	int n;
};

struct build_lane {
	struct lod_build *build;
	int64_t id;
	struct lod_lane pyramid;
	struct build_range ranges[LOD_SOURCE_COUNT];
	struct lod_leaf *leaves[LOD_LEAVES_COUNT]; /* of the open ranges; NULL: there was none */
	bool is_dirty; /* since the last flush */
	/* of a channel */
	struct lod_fill fill;
	struct lod_fill_run run;
	int64_t n_messages, since_ns; /* the stretch that is open */
	bool is_channel, has_begun, begins_message;
};

/* A node's part in a channel. */
struct build_end {
	int node, lane;
	int reader; /* -1: writes */
};

/* An op that waits: many at a time, so that neither they nor the inserts between which they come throw the other's code and data out of the
 * processor's caches. */
#define BUILD_QUEUE 128
struct build_op {
	struct lod_op op;
	int64_t phase_ns[OP_PHASE_COUNT];
};

struct lod_build {
	struct db *db;
	struct db_stmt *stmts[BUILD_STMT_COUNT];
	int64_t run, origin_ns;
	struct build_lane *lanes;
	int n_lanes, n_nodes, n_ends;
	struct build_end *ends; /* by node */
	int *first_end;         /* [n_nodes + 1] */
	int64_t node_id, channel_id;
	int *channel_lane, n_channels;
	struct build_op queue[BUILD_QUEUE];
	int n_queued;
};

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the level of detail");
}

static int put_data(struct build_lane *lane, int level, int64_t block, const void *data, size_t n_bytes, struct error *error)
{
	struct db_stmt *stmt = lane->build->stmts[BUILD_BLOCK];
	db_bind_int(stmt, 1, lane->id);
	db_bind_int(stmt, 2, level);
	db_bind_int(stmt, 3, block);
	db_bind_blob(stmt, 4, data, n_bytes);
	return db_run(stmt, error);
}

static int take_block(void *user, int level, int64_t block, const void *data, size_t n_bytes, struct error *error)
{
	return put_data(user, level, block, data, n_bytes, error);
}

/* The open range and its leaf, as far as they go. */
static int put_range(struct build_lane *lane, enum lod_source source, struct error *error)
{
	const struct build_range *range = &lane->ranges[source];
	struct db_stmt *stmt = lane->build->stmts[BUILD_ROWS];
	if (!range->n)
		return STATUS_OK;
	const int64_t values[] = { lane->id, source, range->first_row, range->last_row, range->first_ns, range->last_ns, range->n };
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		db_bind_int(stmt, 1 + (int)i, values[i]);
	int status = db_run(stmt, error);
	if (status != STATUS_OK || source >= LOD_LEAVES_COUNT)
		return status;
	return put_data(lane, lod_leaf_level(source), range->first_row, lane->leaves[source]->data, lane->leaves[source]->n_bytes, error);
}

static int begin_range(struct build_lane *lane, enum lod_source source, const struct build_range *range, struct error *error)
{
	lane->ranges[source] = *range;
	if (source >= LOD_LEAVES_COUNT)
		return STATUS_OK;
	if (!lane->leaves[source])
		lane->leaves[source] = calloc(1, sizeof(*lane->leaves[source]));
	if (!lane->leaves[source])
		return out_of_memory(error);
	lod_leaf_begin(lane->leaves[source], range->first_row);
	return STATUS_OK;
}

static bool is_full(const struct build_range *range, enum lod_source source, int64_t row)
{
	bool is_long = source >= LOD_LEAVES_COUNT && row - range->first_row >= LOD_RANGE_LENGTH;
	return range->n == LOD_RANGE_ROWS || (range->n && is_long);
}

static int add_row(struct build_lane *lane, enum lod_source source, const struct lod_leaf_row *row, struct error *error)
{
	struct build_range *range = &lane->ranges[source];
	int64_t start_ns = lane->build->origin_ns + row->start_ns, end_ns = start_ns + row->duration_ns;
	int status = STATUS_OK;
	lane->is_dirty = true;
	if (is_full(range, source, row->row)) {
		status = put_range(lane, source, error);
		range->n = 0;
	}
	if (status == STATUS_OK && range->n == 0)
		status = begin_range(lane, source, &(struct build_range){ .first_row = row->row, .first_ns = start_ns, .last_ns = end_ns },
			error);
	if (status != STATUS_OK)
		return status;
	range->n++;
	range->last_row = row->row;
	range->first_ns = start_ns < range->first_ns ? start_ns : range->first_ns;
	range->last_ns = end_ns > range->last_ns ? end_ns : range->last_ns;
	return source < LOD_LEAVES_COUNT ? lod_leaf_add(lane->leaves[source], row, error) : STATUS_OK;
}

/* -- channels ---------------------------------------------------------------------------------------------------------------- */

static int put_fill(struct build_lane *lane, struct error *error)
{
	struct db_stmt *stmt = lane->build->stmts[BUILD_FILL];
	if (!lane->run.n)
		return STATUS_OK;
	db_bind_int(stmt, 1, lane->id);
	db_bind_int(stmt, 2, lane->run.first_ns);
	db_bind_blob(stmt, 3, lane->run.data, (size_t)(lane->run.end - lane->run.data));
	return db_run(stmt, error);
}

/* The open stretch ends. */
static int end_stretch(struct build_lane *lane, int64_t time_ns, struct error *error)
{
	int64_t origin_ns = lane->build->origin_ns;
	struct lod_piece piece = { .start_ns = lane->since_ns - origin_ns, .end_ns = time_ns - origin_ns, .execution = LOD_NONE,
		.node = LOD_NONE, .fill = (int32_t)lane->n_messages, .is_fill = true, .is_first = lane->begins_message };
	if (!lane->has_begun || (piece.start_ns == piece.end_ns && !piece.is_first))
		return STATUS_OK;
	return lod_lane_add(&lane->pyramid, &piece, 1, error);
}

static int take_event(void *user, struct lod_fill_event event, struct error *error)
{
	struct build_lane *lane = user;
	int status = end_stretch(lane, event.time_ns, error);
	if (status == STATUS_OK && lane->run.n == LOD_FILL_EVENTS) {
		status = put_fill(lane, error);
		lane->run.n = 0;
	}
	lod_fill_run_add(&lane->run, lane->n_messages, event);
	lane->n_messages += event.is_release ? -1 : 1;
	lane->since_ns = event.time_ns;
	lane->begins_message = !event.is_release;
	lane->has_begun = lane->is_dirty = true;
	return status;
}

static int tell_channels(struct lod_build *build, const struct lod_op *op, struct error *error)
{
	int64_t write_ns = op->node == GRAPH_INPUT ? 0 : op->phase_ns[OP_PHASE_WRITE];
	int64_t handed_ns = op->start_ns + op->duration_ns - write_ns;
	int status = STATUS_OK;
	for (int i = build->first_end[op->node]; i < build->first_end[op->node + 1] && status == STATUS_OK; i++) {
		struct lod_fill *fill = &build->lanes[build->ends[i].lane].fill;
		if (build->ends[i].reader < 0)
			status = lod_fill_write(fill, op->execution, handed_ns, error);
		else
			status = lod_fill_release(fill, build->ends[i].reader, op->execution, handed_ns, error);
	}
	return status;
}

/* -- rows -------------------------------------------------------------------------------------------------------------------- */

static int add_op_row(struct build_lane *lane, const struct lod_op *op, const struct lod_piece *pieces, int n, struct error *error)
{
	struct lod_form form = { .node = op->node, .edge = LOD_NONE, .peer = LOD_NONE, .cause = LOD_NONE, .kind = SPAN_KIND_OP,
		.status = (uint8_t)op->status };
	int64_t phase_ns[PHASE_COUNT];
	struct lod_leaf_row row = { .row = op->row, .start_ns = pieces[0].start_ns, .duration_ns = op->duration_ns,
		.execution = op->execution, .bytes = -1, .form = &form, .phase_ns = phase_ns };
	for (int i = 0; i < n && pieces[i].end_ns > pieces[i].start_ns; i++) {
		form.phases[form.n_phases] = pieces[i].phase;
		phase_ns[form.n_phases++] = pieces[i].end_ns - pieces[i].start_ns;
	}
	form.has_duration = pieces[n - 1].end_ns - pieces[0].start_ns != op->duration_ns;
	return add_row(lane, LOD_OPS, &row, error);
}

static int enter_op(struct lod_build *build, const struct lod_op *op, struct error *error)
{
	struct lod_piece pieces[PHASE_COUNT], like = { .start_ns = op->start_ns - build->origin_ns, .duration_ns = op->duration_ns,
		.execution = op->execution, .node = op->node, .is_failed = op->status != STATUS_OK };
	if (op->lane < 0 || op->lane >= build->n_lanes || op->node < 0 || op->node >= build->n_nodes)
		return error_set(error, STATUS_TRACE, "an op of a lane or node that is not of this run");
	struct build_lane *lane = &build->lanes[op->lane];
	int n = lod_pieces(&like, op->phase_ns, pieces);
	int status = lod_lane_add(&lane->pyramid, pieces, n, error);
	if (status == STATUS_OK)
		status = add_op_row(lane, op, pieces, n, error);
	return status == STATUS_OK ? tell_channels(build, op, error) : status;
}

static int enter_queued(struct lod_build *build, struct error *error)
{
	int status = STATUS_OK;
	for (int i = 0; i < build->n_queued && status == STATUS_OK; i++) {
		build->queue[i].op.phase_ns = build->queue[i].phase_ns;
		status = enter_op(build, &build->queue[i].op, error);
	}
	build->n_queued = 0;
	return status;
}

int lod_build_op(struct lod_build *build, const struct lod_op *op, struct error *error)
{
	struct build_op *queued = &build->queue[build->n_queued++];
	queued->op = *op;
	memcpy(queued->phase_ns, op->phase_ns, sizeof(queued->phase_ns));
	return build->n_queued == BUILD_QUEUE ? enter_queued(build, error) : STATUS_OK;
}

bool lod_kind_phase(int kind, int class, uint8_t *ret_phase)
{
	static const uint8_t of_api[] = { [IMPORT_API_OTHER] = PHASE_DISPATCH, [IMPORT_API_LAUNCH] = PHASE_LAUNCH,
		[IMPORT_API_GRAPH_LAUNCH] = PHASE_LAUNCH, [IMPORT_API_COPY] = PHASE_READ, [IMPORT_API_SYNC] = PHASE_SYNC,
		[IMPORT_API_ALLOCATE] = PHASE_ALLOCATE, [IMPORT_API_EVENT] = PHASE_DISPATCH, [IMPORT_API_MODULE] = PHASE_SERIALISE };
	static const uint8_t of_kind[] = { [SPAN_KIND_KERNEL] = PHASE_COMPUTE, [SPAN_KIND_MEMCPY] = PHASE_READ,
		[SPAN_KIND_MEMSET] = PHASE_WRITE, [SPAN_KIND_API] = PHASE_DISPATCH, [SPAN_KIND_MARK] = PHASE_FETCH,
		[SPAN_KIND_GRAPH] = PHASE_COMPUTE, [SPAN_KIND_STREAM_SYNC] = PHASE_SYNC, [SPAN_KIND_OVERHEAD] = PHASE_RECORDER };
	bool is_work = kind >= SPAN_KIND_KERNEL && kind <= SPAN_KIND_OVERHEAD;
	*ret_phase = is_work ? of_kind[kind] : (uint8_t)kind;
	if (kind == SPAN_KIND_API && class > 0 && (size_t)class < sizeof(of_api))
		*ret_phase = of_api[class];
	else if (kind == SPAN_KIND_KERNEL && class == SPAN_CLASS_COLLECTIVE)
		*ret_phase = PHASE_COLLECTIVE;
	return is_work || (kind >= 0 && kind < PHASE_COUNT);
}

static struct build_lane *find_lane(struct lod_build *build, const struct lod_span *span, struct error *error)
{
	if (span->lane >= 0 && span->lane < build->n_lanes)
		return &build->lanes[span->lane];
	error_set(error, STATUS_TRACE, "a span of a lane that is not of this run");
	return NULL;
}

int lod_build_place(struct lod_build *build, const struct lod_span *span, struct error *error)
{
	uint8_t phase;
	struct build_lane *lane = find_lane(build, span, error);
	enum lod_source source = lod_kind_phase(span->kind, span->cause, &phase) ? LOD_SPANS : LOD_WAITS;
	struct lod_form form = { .node = span->node, .edge = span->edge, .peer = span->peer, .cause = span->cause, .kind = (int16_t)span->kind,
		.has_duration = true, .has_bytes = span->bytes >= 0 };
	struct lod_leaf_row row = { .row = span->row, .start_ns = span->start_ns - build->origin_ns, .duration_ns = span->duration_ns,
		.execution = span->execution, .bytes = span->bytes, .form = &form };
	return lane ? add_row(lane, source, &row, error) : STATUS_TRACE;
}

int lod_build_draw(struct lod_build *build, const struct lod_span *span, struct error *error)
{
	struct lod_piece piece = { .start_ns = span->start_ns - build->origin_ns, .duration_ns = span->duration_ns,
		.node = span->node, .is_first = true };
	struct build_lane *lane = find_lane(build, span, error);
	piece.end_ns = piece.start_ns + span->duration_ns;
	piece.execution = span->node == LOD_NONE ? piece.start_ns : span->execution;
	if (!lane)
		return STATUS_TRACE;
	if (!lod_kind_phase(span->kind, span->cause, &piece.phase))
		return STATUS_OK;
	lane->is_dirty = true;
	int status = enter_queued(build, error);
	return status == STATUS_OK ? lod_lane_add(&lane->pyramid, &piece, 1, error) : status;
}

int lod_build_span(struct lod_build *build, const struct lod_span *span, struct error *error)
{
	int status = lod_build_place(build, span, error);
	return status == STATUS_OK ? lod_build_draw(build, span, error) : status;
}

/* -- layout ------------------------------------------------------------------------------------------------------------------ */

struct layout_pass {
	struct lod_build *build;
	struct error *error;
};

static int each_row(struct layout_pass *pass, const char *sql, int (*read)(struct layout_pass *, struct db_stmt *))
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(pass->build->db, sql, NULL, pass->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, pass->build->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, pass->error)) == STATUS_OK && has_row)
		status = read(pass, stmt);
	db_finish(stmt);
	return status;
}

static int read_counts(struct layout_pass *pass, struct db_stmt *stmt)
{
	struct lod_build *build = pass->build;
	int64_t n[3];
	for (int i = 0; i < 3; i++)
		n[i] = db_column_int(stmt, i);
	build->n_nodes = (int)n[1];
	build->n_channels = (int)n[2];
	build->node_id = db_column_int(stmt, 3);
	build->channel_id = db_column_int(stmt, 4);
	build->lanes = calloc((size_t)n[0] + 1, sizeof(*build->lanes));
	build->first_end = calloc((size_t)n[1] + 2, sizeof(*build->first_end));
	build->channel_lane = calloc((size_t)n[2] + 1, sizeof(*build->channel_lane));
	return build->lanes && build->first_end && build->channel_lane ? STATUS_OK : out_of_memory(pass->error);
}

static int read_lane(struct layout_pass *pass, struct db_stmt *stmt)
{
	struct lod_build *build = pass->build;
	struct build_lane *lane = &build->lanes[build->n_lanes];
	int64_t channel = db_column_int(stmt, 1) - build->channel_id;
	lane->build = build;
	lane->id = db_column_int(stmt, 0);
	lane->is_dirty = true;
	lod_lane_init(&lane->pyramid, take_block, lane);
	if (db_column_type(stmt, 1) == DB_NULL || channel < 0 || channel >= build->n_channels) {
		build->n_lanes++;
		return STATUS_OK;
	}
	lane->is_channel = true;
	build->channel_lane[channel] = build->n_lanes++;
	return lod_fill_init(&lane->fill, (int)db_column_int(stmt, 2), take_event, lane, pass->error);
}

/* Ends come by node. */
static int read_end(struct layout_pass *pass, struct db_stmt *stmt)
{
	struct lod_build *build = pass->build;
	int64_t node = db_column_int(stmt, 0) - build->node_id, channel = db_column_int(stmt, 1) - build->channel_id;
	if (node < 0 || node >= build->n_nodes || channel < 0 || channel >= build->n_channels)
		return STATUS_OK;
	struct build_end *ends = realloc(build->ends, (size_t)(build->n_ends + 1) * sizeof(*ends));
	if (!ends)
		return out_of_memory(pass->error);
	build->ends = ends;
	ends[build->n_ends++] = (struct build_end){ .node = (int)node, .lane = build->channel_lane[channel],
		.reader = (int)db_column_int(stmt, 2) };
	return STATUS_OK;
}

static const char ends_sql[] =
	"SELECT node, channel, reader FROM (SELECT node, id AS channel, -1 AS reader FROM channel WHERE run = ?1 UNION ALL"
	" SELECT dst, channel, row_number() OVER (PARTITION BY channel ORDER BY dst) - 1 FROM (SELECT DISTINCT channel, dst FROM edge"
	" WHERE run = ?1 AND channel IS NOT NULL)) ORDER BY node, channel, reader";

static int read_layout(struct lod_build *build, struct error *error)
{
	struct layout_pass pass = { build, error };
	int status = each_row(&pass, "SELECT (SELECT count(*) FROM lane WHERE run = ?1), (SELECT count(*) FROM node WHERE run = ?1),"
		" (SELECT count(*) FROM channel WHERE run = ?1), (SELECT min(id) FROM node WHERE run = ?1),"
		" (SELECT min(id) FROM channel WHERE run = ?1)", read_counts);
	if (status == STATUS_OK)
		status = each_row(&pass, "SELECT l.id, l.channel, (SELECT count(DISTINCT dst) FROM edge e WHERE e.channel = l.channel)"
			" FROM lane l WHERE l.run = ? ORDER BY l.id", read_lane);
	if (status == STATUS_OK)
		status = each_row(&pass, ends_sql, read_end);
	for (int node = 0, i = 0; status == STATUS_OK && node <= build->n_nodes; node++) {
		while (i < build->n_ends && build->ends[i].node < node)
			i++;
		build->first_end[node] = i;
	}
	return status;
}

static int prepare(struct lod_build *build, const char *database, struct error *error)
{
	static const char *const statements[] = {
#define X(name, sql) sql,
		BUILD_STMT_MAP(X)
#undef X
	};
	int status = STATUS_OK;
	for (int i = 0; i < BUILD_STMT_COUNT && status == STATUS_OK; i++) {
		char sql[100];
		snprintf(sql, sizeof(sql), statements[i], database);
		status = db_prepare(build->db, sql, NULL, error, &build->stmts[i]);
	}
	return status;
}

int lod_build_create(struct db *db, const char *database, int64_t run, int64_t origin_ns, struct error *error,
	struct lod_build **ret_build)
{
	struct lod_build *build = calloc(1, sizeof(*build));
	if (!build)
		return out_of_memory(error);
	build->db = db;
	build->run = run;
	build->origin_ns = origin_ns;
	int status = prepare(build, database, error);
	if (status == STATUS_OK)
		status = read_layout(build, error);
	if (status != STATUS_OK) {
		lod_build_destroy(build);
		return status;
	}
	*ret_build = build;
	return STATUS_OK;
}

void lod_build_destroy(struct lod_build *build)
{
	if (!build)
		return;
	for (int i = 0; i < BUILD_STMT_COUNT; i++)
		db_finish(build->stmts[i]);
	for (int i = 0; i < build->n_lanes; i++) {
		lod_lane_finish(&build->lanes[i].pyramid);
		for (int source = 0; source < LOD_LEAVES_COUNT; source++) {
			if (build->lanes[i].leaves[source])
				lod_leaf_finish(build->lanes[i].leaves[source]);
			free(build->lanes[i].leaves[source]);
		}
		if (build->lanes[i].is_channel)
			lod_fill_finish(&build->lanes[i].fill);
	}
	free(build->lanes);
	free(build->ends);
	free(build->first_end);
	free(build->channel_lane);
	free(build);
}

/* -- ends of transactions ------------------------------------------------------------------------------------------------------ */

/* `closed_ns` from the origin; INT64_MAX: all blocks are closed. */
static int put_lane(struct build_lane *lane, int64_t closed_ns, struct error *error)
{
	const struct lod_lane *pyramid = &lane->pyramid;
	struct db_stmt *stmt = lane->build->stmts[BUILD_LANE];
	int64_t origin_ns = lane->build->origin_ns;
	bool has_any = pyramid->first_ns <= pyramid->last_ns;
	db_bind_int(stmt, 1, lane->id);
	db_bind_int(stmt, 2, origin_ns);
	if (closed_ns == INT64_MAX)
		db_bind_null(stmt, 3);
	else
		db_bind_int(stmt, 3, closed_ns == INT64_MIN ? origin_ns : origin_ns + closed_ns);
	db_bind_int(stmt, 4, lod_lane_top(pyramid));
	db_bind_int(stmt, 5, pyramid->n_spans);
	if (has_any) {
		db_bind_int(stmt, 6, origin_ns + pyramid->first_ns);
		db_bind_int(stmt, 7, origin_ns + pyramid->last_ns);
	} else {
		db_bind_null(stmt, 6);
		db_bind_null(stmt, 7);
	}
	lane->is_dirty = false;
	return db_run(stmt, error);
}

static int put_loose_ends(struct build_lane *lane, struct error *error)
{
	int status = lane->is_channel ? put_fill(lane, error) : STATUS_OK;
	for (int i = 0; i < LOD_SOURCE_COUNT && status == STATUS_OK; i++)
		status = put_range(lane, (enum lod_source)i, error);
	return status;
}

int lod_build_flush(struct lod_build *build, struct error *error)
{
	int status = enter_queued(build, error);
	for (int i = 0; i < build->n_lanes && status == STATUS_OK; i++) {
		struct build_lane *lane = &build->lanes[i];
		int64_t closed_ns = INT64_MIN;
		if (!lane->is_dirty)
			continue;
		status = lod_lane_flush(&lane->pyramid, &closed_ns, error);
		if (status == STATUS_OK)
			status = put_loose_ends(lane, error);
		if (status == STATUS_OK)
			status = put_lane(lane, closed_ns, error);
	}
	return status;
}

int lod_build_close(struct lod_build *build, struct error *error)
{
	int status = enter_queued(build, error);
	for (int i = 0; i < build->n_lanes && status == STATUS_OK; i++) {
		struct build_lane *lane = &build->lanes[i];
		if (lane->is_channel) {
			status = lod_fill_close(&lane->fill, error);
			if (status == STATUS_OK)
				status = end_stretch(lane, lane->since_ns, error);
		}
		if (status == STATUS_OK)
			status = lod_lane_close(&lane->pyramid, error);
		if (status == STATUS_OK)
			status = put_loose_ends(lane, error);
		if (status == STATUS_OK)
			status = put_lane(lane, INT64_MAX, error);
	}
	return status;
}
