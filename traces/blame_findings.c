/* SPDX-License-Identifier: Apache-2.0
 *
 * blame_findings: the pass over a run, and its results in the file.
 */
#include "traces/blame_findings.h"

#include <stdlib.h>
#include <string.h>

#include "traces/compare_stored.h"
#include "traces/schema.h"
#include "traces/warmup.h"

#define PATH_STEPS_MAX 4000000 /* looked at: with many in flight a path has many steps */
#define PATHS_MIN 100
#define PATHS_META "critical_executions" /* in run_meta: the findings are in the file */

struct spans {
	struct blame_span *items;
	int64_t n, capacity;
};

static int read_spans(struct db *db, const struct critical_run *run, struct spans *spans, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(db, "SELECT id, start_ns, start_ns + duration_ns, lane FROM span WHERE run = ?1 AND kind = ?2"
		" ORDER BY lane, start_ns, id", NULL, error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, run->id);
		db_bind_int(stmt, 2, SPAN_KIND_WAIT);
	}
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row) {
		if (spans->n == spans->capacity) {
			spans->capacity = spans->capacity ? 2 * spans->capacity : 1024;
			void *more = realloc(spans->items, (size_t)spans->capacity * sizeof(*spans->items));
			if (!more) {
				status = error_set(error, STATUS_NO_MEMORY, "no memory for the stalls of the trace");
				break;
			}
			spans->items = more;
		}
		spans->items[spans->n++] = (struct blame_span){ .id = db_column_int(stmt, 0), .start_ns = db_column_int(stmt, 1),
			.end_ns = db_column_int(stmt, 2), .lane = (int32_t)(db_column_int(stmt, 3) - run->lane_id) };
	}
	db_finish(stmt);
	return status;
}

/* -- into the file ---------------------------------------------------------------------------------------------------------- */

static void bind_owner(struct db_stmt *stmt, int parameter, int64_t first_id, int32_t idx)
{
	if (idx == CRITICAL_NONE)
		db_bind_null(stmt, parameter);
	else
		db_bind_int(stmt, parameter, first_id + idx);
}

static int write_blame(struct db *db, const struct critical_run *run, const struct blame *blame, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(db, "INSERT INTO blame(run, lane, cause, root, kind, node, edge, ns) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
		NULL, error, &stmt);
	for (int64_t i = 0; status == STATUS_OK && i < blame->n_rows; i++) {
		const struct blame_row *row = &blame->rows[i];
		db_bind_int(stmt, 1, run->id);
		db_bind_int(stmt, 2, run->lane_id + row->lane);
		db_bind_int(stmt, 3, row->cause);
		db_bind_int(stmt, 4, row->root.kind);
		db_bind_int(stmt, 5, row->root.phase);
		bind_owner(stmt, 6, run->node_id, row->root.kind == BLAME_NODE ? row->root.idx : CRITICAL_NONE);
		bind_owner(stmt, 7, run->edge_id, row->root.kind == BLAME_EDGE ? row->root.idx : CRITICAL_NONE);
		db_bind_int(stmt, 8, row->ns);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

static int write_spans(struct db *db, const struct critical_run *run, const struct spans *spans, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(db, "INSERT INTO stall_root(span, root, node, edge) VALUES(?, ?, ?, ?)", NULL, error, &stmt);
	for (int64_t i = 0; status == STATUS_OK && i < spans->n; i++) {
		const struct blame_span *span = &spans->items[i];
		if (!span->is_found)
			continue;
		db_bind_int(stmt, 1, span->id);
		db_bind_int(stmt, 2, span->root.kind);
		bind_owner(stmt, 3, run->node_id, span->root.kind == BLAME_NODE ? span->root.idx : CRITICAL_NONE);
		bind_owner(stmt, 4, run->edge_id, span->root.kind == BLAME_EDGE ? span->root.idx : CRITICAL_NONE);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

static int write_paths(struct db *db, const struct critical_run *run, const struct critical_summary *paths, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(db, "INSERT INTO critical_path(run, role, kind, node, edge, ns) VALUES(?, ?, ?, ?, ?, ?)", NULL, error,
		&stmt);
	for (int i = 0; status == STATUS_OK && i < paths->n_shares; i++) {
		const struct critical_share *share = &paths->shares[i];
		db_bind_int(stmt, 1, run->id);
		db_bind_int(stmt, 2, share->role);
		db_bind_int(stmt, 3, share->kind);
		bind_owner(stmt, 4, run->node_id, share->node);
		bind_owner(stmt, 5, run->edge_id, share->edge);
		db_bind_int(stmt, 6, share->ns);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	stmt = NULL;
	if (status == STATUS_OK)
		status = db_prepare(db, "INSERT OR REPLACE INTO run_meta VALUES(?, '" PATHS_META "', ?)", NULL, error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, run->id);
		db_bind_int(stmt, 2, paths->n_executions);
		status = db_run(stmt, error);
	}
	db_finish(stmt);
	return status;
}

static int write_all(struct db *db, const struct blame_findings *findings, const struct spans *spans, struct error *error)
{
	int status = write_blame(db, &findings->run, &findings->blame, error);
	if (status == STATUS_OK)
		status = write_spans(db, &findings->run, spans, error);
	if (status == STATUS_OK)
		status = write_paths(db, &findings->run, &findings->paths, error);
	if (status == STATUS_OK)
		status = compare_stored_write(db, &findings->run, error);
	return status;
}

/* -- out of the ops --------------------------------------------------------------------------------------------------------- */

static int64_t choose_paths(const struct critical_run *run)
{
	int64_t n_steps = ((int64_t)run->n_nodes + 1) * (run->in_flight + 1);
	return PATH_STEPS_MAX / n_steps < PATHS_MIN ? PATHS_MIN : PATH_STEPS_MAX / n_steps;
}

/* What follows from blame and the executions alone. */
static int derive(struct db *db, struct blame_findings *findings, struct error *error)
{
	const struct critical_run *run = &findings->run;
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	findings->delivery_ns = calloc((size_t)run->n_edges + 1, sizeof(*findings->delivery_ns));
	if (!findings->delivery_ns)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the edges of the trace");
	int status = db_prepare(db, "SELECT count(*), max(end_ns) - min(end_ns), max(execution) - min(execution) FROM execution"
		" WHERE run = ? AND NOT is_warmup AND end_ns IS NOT NULL AND start_ns IS NOT NULL AND NOT is_partial", NULL, error, &stmt);
	if (status == STATUS_OK) {
		db_bind_int(stmt, 1, run->id);
		status = db_step(stmt, &has_row, error);
	}
	if (status == STATUS_OK && has_row) {
		findings->n_executions = db_column_int(stmt, 0);
		if (findings->n_executions > 1)
			findings->period_ns = db_column_int(stmt, 1) / db_column_int(stmt, 2);
	}
	db_finish(stmt);
	for (int64_t i = 0; i < findings->blame.n_rows && findings->n_executions; i++) {
		const struct blame_row *row = &findings->blame.rows[i];
		if (row->root.kind == BLAME_EDGE && row->cause != PHASE_BACKPRESSURE
			&& row->lane == run->nodes[run->edges[row->root.idx].dst].worker)
			findings->delivery_ns[row->root.idx] += (double)row->ns / (double)findings->n_executions;
	}
	return status;
}

int blame_findings_make(struct db *db, int64_t run, bool writes, struct error *error, struct blame_findings *ret_findings)
{
	struct blame_findings findings = { .n_executions = 0 };
	struct spans spans = { .n = 0 };
	int status = critical_run_load(db, run, error, &findings.run);
	if (status != STATUS_OK)
		return status;
	if (writes)
		status = read_spans(db, &findings.run, &spans, error);
	if (status == STATUS_OK)
		status = blame_make(&findings.run, critical_run_counted_from(&findings.run), INT64_MAX, spans.items, spans.n, error,
			&findings.blame);
	if (status == STATUS_OK)
		status = critical_summary_make(&findings.run, choose_paths(&findings.run), error, &findings.paths);
	if (status == STATUS_OK)
		status = derive(db, &findings, error);
	if (status == STATUS_OK && writes)
		status = write_all(db, &findings, &spans, error);
	free(spans.items);
	if (status == STATUS_OK)
		*ret_findings = findings;
	else
		blame_findings_finish(&findings);
	return status;
}

int blame_findings_record(struct db *db, int64_t run, struct error *error)
{
	struct blame_findings findings = { .n_executions = 0 };
	int64_t n_ops = 0;
	int status = db_begin(db, error);
	if (status != STATUS_OK)
		return status;
	status = warmup_mark(db, run, error);
	if (status == STATUS_OK)
		status = critical_run_count(db, run, &n_ops, error);
	if (status == STATUS_OK && n_ops <= BLAME_OPS_MAX) {
		status = blame_findings_make(db, run, true, error, &findings);
		blame_findings_finish(&findings);
	}
	if (status == STATUS_OK)
		status = db_commit(db, error);
	if (status != STATUS_OK)
		db_rollback(db);
	return status;
}

/* -- out of the file -------------------------------------------------------------------------------------------------------- */

static int32_t index_of(struct db_stmt *stmt, int column, int64_t first_id, int32_t n)
{
	int64_t idx = db_column_int(stmt, column) - first_id;
	return db_column_type(stmt, column) == DB_NULL || idx < 0 || idx >= n ? CRITICAL_NONE : (int32_t)idx;
}

static int read_blame_row(struct blame_findings *findings, struct db_stmt *stmt)
{
	const struct critical_run *run = &findings->run;
	struct blame *blame = &findings->blame;
	int32_t node = index_of(stmt, 3, run->node_id, run->n_nodes), edge = index_of(stmt, 4, run->edge_id, run->n_edges);
	struct blame_row row = { .lane = index_of(stmt, 0, run->lane_id, run->n_workers), .cause = (uint8_t)db_column_int(stmt, 1),
		.root = { .kind = (uint8_t)db_column_int(stmt, 5), .phase = (uint8_t)db_column_int(stmt, 2),
			.idx = node == CRITICAL_NONE ? edge : node }, .ns = db_column_int(stmt, 6) };
	bool needs_idx = row.root.kind == BLAME_NODE || row.root.kind == BLAME_EDGE;
	if (row.lane == CRITICAL_NONE || row.cause >= PHASE_COUNT || row.root.phase >= PHASE_COUNT
		|| row.root.kind >= BLAME_ROOT_COUNT || (needs_idx && row.root.idx == CRITICAL_NONE))
		return STATUS_TRACE;
	struct blame_row *rows = realloc(blame->rows, (size_t)(blame->n_rows + 1) * sizeof(*rows));
	if (!rows)
		return STATUS_NO_MEMORY;
	blame->rows = rows;
	rows[blame->n_rows++] = row;
	return STATUS_OK;
}

static int read_share(struct blame_findings *findings, struct db_stmt *stmt)
{
	const struct critical_run *run = &findings->run;
	struct critical_summary *paths = &findings->paths;
	int64_t role = db_column_int(stmt, 0), kind = db_column_int(stmt, 1);
	if (role < 0 || role >= CRITICAL_ROLE_COUNT || kind < 0 || kind >= PHASE_COUNT)
		return STATUS_TRACE;
	struct critical_share *shares = realloc(paths->shares, (size_t)(paths->n_shares + 1) * sizeof(*shares));
	if (!shares)
		return STATUS_NO_MEMORY;
	paths->shares = shares;
	shares[paths->n_shares++] = (struct critical_share){ .role = (enum critical_role)role, .kind = (enum phase)kind,
		.node = index_of(stmt, 2, run->node_id, run->n_nodes), .edge = index_of(stmt, 3, run->edge_id, run->n_edges),
		.ns = db_column_int(stmt, 4) };
	paths->ns += db_column_int(stmt, 4);
	return STATUS_OK;
}

static int read_count(struct blame_findings *findings, struct db_stmt *stmt)
{
	findings->paths.n_executions = db_column_int(stmt, 0);
	return STATUS_OK;
}

static int each_row(struct db *db, struct blame_findings *findings, const char *sql,
	int (*read)(struct blame_findings *, struct db_stmt *), struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(db, sql, NULL, error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, findings->run.id);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row) {
		status = read(findings, stmt);
		if (status != STATUS_OK)
			error_set(error, status, "the findings in the trace cannot be read: %s", status_sentence(status));
	}
	db_finish(stmt);
	return status;
}

int blame_findings_read(struct db *db, int64_t run, struct error *error, bool *ret_are_there,
	struct blame_findings *ret_findings)
{
	struct blame_findings findings = { .paths = { .n_executions = -1 } };
	*ret_are_there = false;
	int status = critical_run_load_layout(db, run, error, &findings.run);
	if (status == STATUS_OK)
		status = each_row(db, &findings, "SELECT value FROM run_meta WHERE run = ? AND key = '" PATHS_META "'", read_count, error);
	bool are_there = status == STATUS_OK && findings.paths.n_executions >= 0;
	if (are_there)
		status = each_row(db, &findings, "SELECT lane, cause, kind, node, edge, root, ns FROM blame WHERE run = ?"
			" ORDER BY ns DESC", read_blame_row, error);
	if (are_there && status == STATUS_OK)
		status = each_row(db, &findings, "SELECT role, kind, node, edge, ns FROM critical_path WHERE run = ?"
			" ORDER BY ns DESC", read_share, error);
	if (are_there && status == STATUS_OK)
		status = derive(db, &findings, error);
	if (status == STATUS_OK && are_there) {
		*ret_findings = findings;
		*ret_are_there = true;
	} else {
		blame_findings_finish(&findings);
	}
	return status;
}

void blame_findings_finish(struct blame_findings *findings)
{
	critical_run_finish(&findings->run);
	blame_finish(&findings->blame);
	critical_summary_finish(&findings->paths);
	free(findings->delivery_ns);
	*findings = (struct blame_findings){ .n_executions = 0 };
}
