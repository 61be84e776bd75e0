/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_executions: executions of a run, by number and by time.
 */
#include <inttypes.h>
#include <stdio.h>

#include "engine/base/attributes.h"
#include "traces/timeline_private.h"

int timeline_execution(struct timeline *timeline, int64_t execution, struct timeline_execution *ret_execution, bool *ret_found,
	struct error *error)
{
	struct db_stmt *stmt = timeline->store->stmts[TIMELINE_EXECUTION];
	bool has_row = false;
	db_bind_int(stmt, 1, timeline->run);
	db_bind_int(stmt, 2, execution);
	int status = db_step(stmt, &has_row, error);
	if (status != STATUS_OK)
		return status;
	*ret_found = has_row;
	if (has_row) {
		const char *failure = db_column_text(stmt, 5);
		*ret_execution = (struct timeline_execution){ .execution = execution,
			.start_ns = db_column_type(stmt, 1) == DB_NULL ? INT64_MIN : db_column_int(stmt, 1),
			.end_ns = db_column_type(stmt, 2) == DB_NULL ? INT64_MIN : db_column_int(stmt, 2),
			.status = (int)db_column_int(stmt, 3), .is_warmup = db_column_int(stmt, 4) != 0 };
		snprintf(ret_execution->failure, sizeof(ret_execution->failure), "%s", failure ? failure : "");
	}
	db_reset(stmt);
	return STATUS_OK;
}

int timeline_executions(struct timeline *timeline, int64_t *ret_first, int64_t *ret_last, int64_t *ret_n, struct error *error)
{
	static const char *const statements[] = {
		"SELECT execution FROM execution WHERE run = %" PRId64 " ORDER BY execution LIMIT 1",
		"SELECT execution FROM execution WHERE run = %" PRId64 " ORDER BY execution DESC LIMIT 1",
		"SELECT max(n_submitted, n_finished) FROM run WHERE id = %" PRId64,
	};
	int64_t values[ARRAY_LEN(statements)] = { TIMELINE_NONE, TIMELINE_NONE, 0 };
	int status = STATUS_OK;
	for (size_t i = 0; i < ARRAY_LEN(statements) && status == STATUS_OK; i++) {
		char sql[120];
		snprintf(sql, sizeof(sql), statements[i], timeline->run);
		status = db_get_int(timeline->store->db, sql, &values[i], error);
	}
	if (status != STATUS_OK)
		return status;
	bool has_any = values[0] != TIMELINE_NONE;
	if (timeline->is_imported && has_any) /* nobody submitted them */
		values[2] = values[1] - values[0] + 1;
	*ret_first = has_any ? values[0] : 0;
	*ret_last = has_any ? values[1] : 0;
	*ret_n = has_any ? (values[2] < values[1] - values[0] + 1 ? values[2] : values[1] - values[0] + 1) : 0;
	return STATUS_OK;
}

/* The first execution from a number on whose start is known. */
static int start_from(struct timeline *timeline, int64_t execution, bool *ret_found, int64_t *ret_execution, int64_t *ret_start_ns,
	struct error *error)
{
	struct db_stmt *stmt = timeline->store->stmts[TIMELINE_EXECUTION_FROM];
	db_bind_int(stmt, 1, timeline->run);
	db_bind_int(stmt, 2, execution);
	int status = db_step(stmt, ret_found, error);
	if (status == STATUS_OK && *ret_found) {
		*ret_execution = db_column_int(stmt, 0);
		*ret_start_ns = db_column_int(stmt, 1);
	}
	db_reset(stmt);
	return status;
}

/* Executions are submitted in order of their numbers. */
int timeline_execution_at(struct timeline *timeline, int64_t time_ns, int64_t *ret_execution, bool *ret_found, struct error *error)
{
	int64_t low = 0, last = 0, n = 0, best = TIMELINE_NONE;
	int status = timeline_executions(timeline, &low, &last, &n, error);
	int64_t high = n ? last + 1 : low;
	while (status == STATUS_OK && low < high) {
		int64_t middle = low + (high - low) / 2, execution = 0, start_ns = 0;
		bool has_row = false;
		status = start_from(timeline, middle, &has_row, &execution, &start_ns, error);
		if (has_row && start_ns <= time_ns) {
			best = execution;
			low = execution + 1;
		} else {
			high = middle;
		}
	}
	if (status == STATUS_OK) {
		*ret_found = best != TIMELINE_NONE;
		*ret_execution = *ret_found ? best : *ret_execution;
	}
	return status;
}
