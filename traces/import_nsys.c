/* SPDX-License-Identifier: Apache-2.0
 *
 * import_nsys: SQLite exports of Nsight Systems, of every generation: tables and columns are looked up by name, what is not there was not recorded.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"
#include "traces/import_input.h"
#include "traces/import_nsys.h"

#define PROGRESS_ROWS 16384
#define RETRIES_MAX 24 /* behind a damaged page: at row + 1, + 2, + 4, … */

static bool has_column(struct nsys *nsys, const char *table, const char *column)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	if (db_prepare(nsys->db, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?", NULL, NULL, &stmt) != STATUS_OK)
		return false;
	db_bind_text(stmt, 1, table);
	db_bind_text(stmt, 2, column);
	bool is_there = db_step(stmt, &has_row, NULL) == STATUS_OK && has_row;
	db_finish(stmt);
	return is_there;
}

/* A real table, no view that somebody has put in its place. */
static bool has_table(struct nsys *nsys, const char *table)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	if (db_prepare(nsys->db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? AND sql NOT LIKE "
		"'CREATE VIRTUAL%'", NULL, NULL,
		    &stmt) != STATUS_OK)
		return false;
	db_bind_text(stmt, 1, table);
	bool is_there = db_step(stmt, &has_row, NULL) == STATUS_OK && has_row;
	db_finish(stmt);
	return is_there;
}

static void make_query(struct nsys *nsys, const struct nsys_table *kind, struct strbuf *sql)
{
	strbuf_add(sql, "SELECT rowid");
	for (int i = 0; kind->columns[i]; i++) {
		strbuf_add(sql, ", ");
		if (has_column(nsys, kind->name, kind->columns[i]))
			strbuf_addf(sql, "\"%s\"", kind->columns[i]);
		else
			strbuf_add(sql, "NULL");
	}
	strbuf_addf(sql, " FROM \"%s\" WHERE rowid > ? ORDER BY rowid", kind->name);
}

static int tell(struct nsys *nsys)
{
	const struct import_options *options = nsys->options;
	double share = nsys->n_total ? (double)nsys->info->n_events / (double)nsys->n_total : 0;
	bool is_stopped = options->interrupt && *options->interrupt;
	if (options->progress && !is_stopped)
		is_stopped = !options->progress(options->user, 0.5 * share / options->n_files, 0);
	return is_stopped ? error_set(nsys->error, STATUS_STOPPED, "the import was stopped; nothing was written") : STATUS_OK;
}

/* Rows from behind `row->number` on. *ret_is_whole: up to the last one. */
static int read_rows(struct nsys *nsys, const struct nsys_table *kind, struct nsys_row *row, int64_t after, bool *ret_is_whole)
{
	bool has_row = false;
	int status = STATUS_OK;
	db_reset(row->stmt);
	db_bind_int(row->stmt, 1, after);
	*ret_is_whole = false;
	while (status == STATUS_OK) {
		if (db_step(row->stmt, &has_row, NULL) != STATUS_OK)
			return STATUS_OK;
		if (!has_row)
			break;
		row->number = db_column_int(row->stmt, 0);
		nsys->info->n_events++;
		import_at(nsys->sink, (uint64_t)row->number);
		status = kind->read(nsys, row);
		if (status == STATUS_OK && nsys->info->n_events % PROGRESS_ROWS == 0)
			status = tell(nsys);
	}
	*ret_is_whole = true;
	return status;
}

/* Behind a page that cannot be read others often can: it is gone on with further and further behind it. */
static int read_table(struct nsys *nsys, const struct nsys_table *kind)
{
	struct strbuf sql = STRBUF_INIT;
	struct nsys_row row = { .number = -1 };
	bool is_whole = false;
	int status = STATUS_OK;
	if (!has_table(nsys, kind->name))
		return STATUS_OK;
	make_query(nsys, kind, &sql);
	if (db_prepare(nsys->db, strbuf_text(&sql), NULL, NULL, &row.stmt) != STATUS_OK) {
		import_problem(nsys->sink, "a table that cannot be read", 0);
		nsys->info->is_cut = true;
	}
	int64_t after = INT64_MIN, step = 1;
	for (int i = 0; row.stmt && status == STATUS_OK && !is_whole && i <= RETRIES_MAX; i++) {
		int64_t before = row.number;
		status = read_rows(nsys, kind, &row, after, &is_whole);
		step = row.number > before ? 1 : step * 2;
		after = (row.number > after ? row.number : after) + step;
		if (!is_whole && !i) {
			import_problem(nsys->sink, "a table that breaks off: the file is damaged or cut", (uint64_t)row.number);
			nsys->info->is_cut = true;
		}
		if (after < 0)
			after = 0;
	}
	db_finish(row.stmt);
	strbuf_finish(&sql);
	return status;
}

/* Before all tables: whether calls are there twice, and which of their rows are their own. */
static int look_for_repeated(struct nsys *nsys)
{
	int64_t n = 0;
	if (!has_table(nsys, nsys_calls.name) || !has_column(nsys, nsys_calls.name, "eventClass") ||
		!has_column(nsys, nsys_calls.name, "correlationId"))
		return STATUS_OK;
	if (db_get_int(nsys->db, "SELECT 1 FROM CUPTI_ACTIVITY_KIND_RUNTIME WHERE eventClass NOT IN (0, 1) LIMIT "
		"1", &n, NULL) != STATUS_OK || !n)
		return STATUS_OK;
	uint64_t n_events = nsys->info->n_events, n_problems = nsys->info->n_problems;
	nsys->has_repeated = true;
	int status = read_table(nsys, &nsys_calls);
	nsys->info->n_events = n_events;
	nsys->info->n_problems = n_problems;
	return status;
}

/* -- the file --------------------------------------------------------------------------------------------------------------- */

static int check(struct nsys *nsys)
{
	static const char *const marks[] = { "StringIds", "META_DATA_EXPORT", "EXPORT_META_DATA", "CUPTI_ACTIVITY_KIND_KERNEL",
		"CUPTI_ACTIVITY_KIND_RUNTIME", "NVTX_EVENTS" };
	int64_t n = -1;
	int status = db_get_int(nsys->db, "SELECT count(*) FROM sqlite_master", &n, nsys->error);
	if (status != STATUS_OK)
		return error_set(nsys->error, STATUS_INPUT, "%s: a damaged or cut SQLite file: not even its list of tables can be read",
			nsys->info->file);
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (has_table(nsys, marks[i]))
			return STATUS_OK;
	}
	return error_set(nsys->error, STATUS_INPUT, "%s: an SQLite file, but no export of Nsight Systems (none of its tables is there)",
		nsys->info->file);
}

static void count_rows(struct nsys *nsys)
{
	for (size_t i = 0; i < (size_t)nsys_n_tables; i++) {
		char sql[120];
		int64_t n = 0;
		snprintf(sql, sizeof sql, "SELECT max(rowid) FROM \"%s\"", nsys_tables[i].name);
		if (has_table(nsys, nsys_tables[i].name) && db_get_int(nsys->db, sql, &n, NULL) == STATUS_OK && n > 0)
			nsys->n_total += n;
	}
}

int import_nsys(struct import_sink *sink, const struct import_options *options, struct import_file *info, struct error *error)
{
	struct nsys *nsys = calloc(1, sizeof *nsys);
	if (!nsys)
		return error_set(error, STATUS_NO_MEMORY, "no memory for an import");
	*nsys = (struct nsys){ .sink = sink, .options = options, .info = info, .error = error };
	info->n_bytes = import_file_bytes(info->file);
	int status = db_open(info->file, DB_READ_IMMUTABLE, error, &nsys->db);
	if (status == STATUS_OK) {
		db_distrust(nsys->db);
		status = check(nsys);
	}
	if (status == STATUS_OK) {
		count_rows(nsys);
		status = look_for_repeated(nsys);
	}
	for (size_t i = 0; i < (size_t)nsys_n_tables && status == STATUS_OK; i++)
		status = read_table(nsys, &nsys_tables[i]);
	if (status == STATUS_OK)
		status = import_end_file(sink, error);
	db_close(nsys->db);
	import_links_finish(&nsys->nodes);
	import_links_finish(&nsys->calls);
	free(nsys->origins);
	free(nsys->strings);
	free(nsys);
	return status;
}
