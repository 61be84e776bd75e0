/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_order_load: the event waits of a file. Kineto ties a wait to the call that recorded (its correlation), nsys to the
 * record's row (by a number of its own; without such rows nothing is known).
 */
#include <stdlib.h>

#include "traces/gpu_order.h"

/* A record, by what waits name it with. */
struct event_record {
	int64_t process, number;
	int64_t ns, stream;       /* of the call; −1: the wait knows it */
};

/* A wait, not yet tied. */
struct waiting {
	int64_t process, number;
	int64_t call_row;         /* of a call that waits; 0: a stream */
	int64_t ns, stream, record_stream;
};

struct loading {
	const struct gpu_model *model;
	struct event_record *records;
	struct waiting *waits;
	uint32_t n_records, n_waits;
	struct error *error;
};

typedef int row_fn(struct loading *loading, struct db_stmt *stmt);

static void *room(void *items, uint32_t n, size_t item_bytes, struct error *error)
{
	if (n & (n - 1) && n)
		return items;
	void *more = realloc(items, (n ? (size_t)n * 2 : 1) * item_bytes);
	if (!more)
		error_set(error, STATUS_NO_MEMORY, "no memory for the events of a trace");
	return more;
}

static int64_t int_or(struct db_stmt *stmt, int column, int64_t fallback)
{
	return db_column_type(stmt, column) == DB_NULL ? fallback : db_column_int(stmt, column);
}

static int read_record(struct loading *loading, struct db_stmt *stmt)
{
	struct event_record *records = room(loading->records, loading->n_records, sizeof *records, loading->error);
	if (!records)
		return STATUS_NO_MEMORY;
	loading->records = records;
	records[loading->n_records++] = (struct event_record){ .process = db_column_int(stmt, 0), .number = db_column_int(stmt, 1),
		.ns = db_column_int(stmt, 2), .stream = int_or(stmt, 3, -1) };
	return STATUS_OK;
}

static int read_wait(struct loading *loading, struct db_stmt *stmt)
{
	struct waiting *waits = room(loading->waits, loading->n_waits, sizeof *waits, loading->error);
	if (!waits)
		return STATUS_NO_MEMORY;
	loading->waits = waits;
	waits[loading->n_waits++] = (struct waiting){.process = db_column_int(stmt, 0),
		.number = db_column_int(stmt, 1),
		.ns = db_column_int(stmt, 2),
		.stream = int_or(stmt, 3, -1),
		.record_stream = int_or(stmt, 4, -1),
		.call_row = int_or(stmt, 5, 0)};
	return STATUS_OK;
}

static int each(struct loading *loading, const char *sql, row_fn *read)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(loading->model->trace->db, sql, NULL, loading->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, loading->model->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, loading->error)) == STATUS_OK && has_row)
		status = read(loading, stmt);
	db_finish(stmt);
	return status;
}

static int compare_records(const void *a, const void *b)
{
	const struct event_record *x = a, *y = b;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static uint32_t process_idx(const struct gpu_model *model, int64_t id)
{
	for (uint32_t i = 0; i < model->n_processes; i++) {
		if (model->processes[i].id == id)
			return i;
	}
	return GPU_NONE;
}

/* Host spans of the model are by lane; the row is looked for in each. */
static uint32_t call_idx(const struct gpu_model *model, int64_t row)
{
	for (uint32_t i = 0; i < model->n_lanes; i++) {
		uint32_t low = model->lanes[i].first, end = low + model->lanes[i].n, high = end;
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;
			if (model->spans[middle].row < row)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < end && model->spans[low].row == row)
			return low;
	}
	return GPU_NONE;
}

static int tie(struct loading *loading, struct gpu_event_wait **ret_waits, uint32_t *ret_n)
{
	struct gpu_event_wait *tied = malloc(((size_t)loading->n_waits + 1) * sizeof *tied);
	uint32_t n = 0;
	if (!tied)
		return error_set(loading->error, STATUS_NO_MEMORY, "no memory for the events of a trace");
	if (loading->n_records)
		qsort(loading->records, loading->n_records, sizeof *loading->records, compare_records);
	for (uint32_t i = 0; i < loading->n_waits && loading->n_records; i++) {
		const struct waiting *wait = &loading->waits[i];
		struct event_record wanted = { .process = wait->process, .number = wait->number };
		const struct event_record *record = bsearch(&wanted, loading->records, loading->n_records, sizeof wanted, compare_records);
		uint32_t process = record ? process_idx(loading->model, wait->process) : GPU_NONE;
		uint32_t call = wait->call_row ? call_idx(loading->model, wait->call_row) : GPU_NONE;
		if (process == GPU_NONE || (wait->call_row && call == GPU_NONE))
			continue;
		tied[n++] = (struct gpu_event_wait){ .process = process, .call = call, .wait_ns = wait->ns, .stream = wait->stream,
			.record_ns = record->ns, .record_stream = record->stream >= 0 ? record->stream : wait->record_stream };
	}
	*ret_waits = tied;
	*ret_n = n;
	return STATUS_OK;
}

/* Calls of class 6 record or wait; a wait's own call has its correlation. Device rows of nsys have no stream that the wait would know. */
#define CALLS "temp_event_call"
static const char calls_sql[] =
	"CREATE TEMP TABLE " CALLS " AS SELECT l.process, s.correlation, s.id AS row, s.start_ns FROM span s JOIN lane l ON l.id = s.lane"
	" WHERE s.kind = 105 AND s.class IN (4, 6) AND s.correlation IS NOT NULL;"
	"CREATE INDEX temp." CALLS "_idx ON " CALLS "(process, correlation);";
static const char records_kineto_sql[] = "SELECT c.process, c.correlation, c.start_ns, NULL FROM " CALLS " c JOIN process p ON p.id = c.process"
	" JOIN import_source i ON i.id = p.source WHERE i.kind = 'kineto' AND p.run = ?";
static const char records_nsys_sql[] =
	"SELECT l.process, g.event, coalesce(c.start_ns, s.start_ns), l.stream FROM span s JOIN gpu_activity g ON g.span = "
	"s.id"
	" JOIN lane l ON l.id = s.lane LEFT JOIN " CALLS " c ON c.process = l.process AND c.correlation = s.correlation"
	" WHERE s.run = ? AND s.kind = 110 AND g.event IS NOT NULL";
static const char waits_sql[] = "SELECT l.process, g.event, coalesce(c.start_ns, s.start_ns), l.stream, g.wait_stream,"
	" CASE WHEN g.sync_kind = 1 THEN coalesce(c.row, -1) END FROM span s JOIN gpu_activity g ON g.span = s.id JOIN lane l ON l.id = s.lane"
	" LEFT JOIN " CALLS " c ON c.process = l.process AND c.correlation = s.correlation"
	" WHERE s.run = ? AND s.kind = 108 AND g.sync_kind IN (1, 2) AND g.event IS NOT NULL";

int gpu_order_waits(const struct gpu_model *model, struct error *error, struct gpu_event_wait **ret_waits, uint32_t *ret_n)
{
	struct loading loading = { .model = model, .error = error };
	struct db *db = model->trace->db;
	int64_t n_syncs = 0;
	int status = db_get_int(db, "SELECT count(*) FROM summary WHERE node = 0 AND kind = 108", &n_syncs, error);
	if (status == STATUS_OK && n_syncs)
		status = db_exec(db, calls_sql, error);
	if (status == STATUS_OK && n_syncs)
		status = each(&loading, records_kineto_sql, read_record);
	if (status == STATUS_OK && n_syncs)
		status = each(&loading, records_nsys_sql, read_record);
	if (status == STATUS_OK && n_syncs)
		status = each(&loading, waits_sql, read_wait);
	if (status == STATUS_OK && n_syncs)
		status = db_exec(db, "DROP TABLE temp." CALLS ";", error);
	if (status == STATUS_OK)
		status = tie(&loading, ret_waits, ret_n);
	free(loading.records);
	free(loading.waits);
	return status;
}
