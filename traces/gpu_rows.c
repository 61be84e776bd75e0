/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_rows: two statements side by side, both by the span's id: a join would look for the second anew for each span.
 */
#include "traces/gpu_rows.h"

#include <stdio.h>

#include "traces/schema.h"

#define LOOK_ROWS 65536

struct scan {
	struct db_stmt *spans, *work;
	int64_t work_span;       /* where `work` stands; INT64_MAX after the last */
	struct error *error;
};

enum { SPAN_ID, SPAN_LANE, SPAN_KIND, SPAN_START, SPAN_DURATION, SPAN_NAME, SPAN_CATEGORY, SPAN_CLASS, SPAN_BYTES, SPAN_EXECUTION };
enum { WORK_SPAN, WORK_LAUNCH, WORK_SYNC, WORK_COPY, WORK_NODE };

static int64_t known(struct db_stmt *stmt, int column)
{
	return db_column_type(stmt, column) == DB_INT ? db_column_int(stmt, column) : GPU_ROW_UNKNOWN;
}

static int step_work(struct scan *scan)
{
	bool has_row = false;
	int status = db_step(scan->work, &has_row, scan->error);
	scan->work_span = has_row ? db_column_int(scan->work, WORK_SPAN) : INT64_MAX;
	return status;
}

static int add_work(struct scan *scan, struct gpu_row *row)
{
	int status = STATUS_OK;
	while (status == STATUS_OK && scan->work_span < row->id)
		status = step_work(scan);
	if (status != STATUS_OK || scan->work_span != row->id)
		return status;
	row->launch = db_column_int(scan->work, WORK_LAUNCH);
	row->sync_kind = db_column_int(scan->work, WORK_SYNC);
	row->copy_kind = db_column_int(scan->work, WORK_COPY);
	row->graph_node = db_column_int(scan->work, WORK_NODE);
	return STATUS_OK;
}

static int read_row(struct scan *scan, struct gpu_row *row)
{
	struct db_stmt *stmt = scan->spans;
	*row = (struct gpu_row){ .id = db_column_int(stmt, SPAN_ID), .lane = db_column_int(stmt, SPAN_LANE), .kind = db_column_int(stmt, SPAN_KIND),
		.start_ns = db_column_int(stmt, SPAN_START), .name = db_column_int(stmt, SPAN_NAME), .category = db_column_int(stmt, SPAN_CATEGORY),
		.class = GPU_ROW_UNKNOWN, .bytes = GPU_ROW_UNKNOWN, .execution = GPU_ROW_UNKNOWN };
	int64_t duration_ns = db_column_int(stmt, SPAN_DURATION);
	if (duration_ns < 0 || row->start_ns > INT64_MAX - duration_ns)
		return error_set(scan->error, STATUS_TRACE, "span %lld has a time that cannot be: the trace is damaged", (long long)row->id);
	row->end_ns = row->start_ns + duration_ns;
	if (row->kind == SPAN_KIND_KERNEL || row->kind == SPAN_KIND_API)
		row->class = known(stmt, SPAN_CLASS);
	if (row->kind == SPAN_KIND_API || row->kind == SPAN_KIND_MARK)
		return STATUS_OK;
	row->bytes = known(stmt, SPAN_BYTES);
	row->execution = known(stmt, SPAN_EXECUTION);
	return add_work(scan, row);
}

static int show_all(struct scan *scan, const struct gpu_row_visitor *visitors, uint32_t n_visitors, const volatile sig_atomic_t *interrupt)
{
	struct gpu_row row;
	bool has_row = false;
	uint32_t n = 0;
	int status = step_work(scan);
	while (status == STATUS_OK && (status = db_step(scan->spans, &has_row, scan->error)) == STATUS_OK && has_row) {
		status = read_row(scan, &row);
		for (uint32_t i = 0; i < n_visitors && status == STATUS_OK; i++)
			status = visitors[i].visit(visitors[i].user, &row, scan->error);
		if (++n % LOOK_ROWS == 0 && interrupt && *interrupt && status == STATUS_OK)
			status = error_set(scan->error, STATUS_STOPPED, "stopped");
	}
	return status;
}

int gpu_rows_each(struct db *db, int64_t run, const struct gpu_row_visitor *visitors, uint32_t n_visitors, const volatile sig_atomic_t *interrupt,
	struct error *error)
{
	struct scan scan = { .error = error };
	int64_t first = 0, n = 0;
	int status = gpu_rows_bounds(db, run, &first, &n, error);
	if (status == STATUS_OK)
		status = db_prepare(db, "SELECT id, lane, kind, start_ns, duration_ns, name, category, class, bytes, execution FROM span"
			" WHERE id BETWEEN ?1 AND ?2 AND run = ?3 ORDER BY id", NULL, error, &scan.spans);
	if (status == STATUS_OK)
		status = db_prepare(db, "SELECT span, launch, sync_kind, copy_kind, graph_node FROM gpu_activity WHERE span BETWEEN ?1 AND ?2"
			" ORDER BY span", NULL, error, &scan.work);
	if (status == STATUS_OK) {
		struct db_stmt *const stmts[] = { scan.spans, scan.work };
		for (int i = 0; i < 2; i++) {
			db_bind_int(stmts[i], 1, first);
			db_bind_int(stmts[i], 2, first + n - 1);
		}
		db_bind_int(scan.spans, 3, run);
		status = show_all(&scan, visitors, n_visitors, interrupt);
	}
	db_finish(scan.spans);
	db_finish(scan.work);
	return status;
}

int gpu_rows_bounds(struct db *db, int64_t run, int64_t *ret_first, int64_t *ret_n, struct error *error)
{
	static const char *const orders[] = { "ASC", "DESC" };
	int64_t ends[2] = { 0, -1 };
	char sql[160];
	int status = STATUS_OK;
	for (int i = 0; i < 2 && status == STATUS_OK; i++) {
		snprintf(sql, sizeof sql, "SELECT coalesce((SELECT id FROM span WHERE run = %lld ORDER BY id %s LIMIT 1), %d)", (long long)run,
			orders[i], i ? -1 : 0);
		status = db_get_int(db, sql, &ends[i], error);
	}
	if (status == STATUS_OK && (ends[1] - ends[0] >= UINT32_MAX))
		status = error_set(error, STATUS_TRACE, "the spans' numbers cannot be: the trace is damaged");
	*ret_first = ends[0];
	*ret_n = ends[1] - ends[0] + 1;
	return status;
}
