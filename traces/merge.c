/* SPDX-License-Identifier: Apache-2.0
 *
 * merge: one INSERT … SELECT a table, made from what the schema says of its columns: ids, and columns that refer to ids, are moved behind
 * the largest id of the table they belong to. Tables of words are the same in both files; what is derived from imported runs is derived again.
 */
#include "traces/merge.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"
#include "traces/db.h"
#include "traces/gpu_analyses.h"
#include "traces/trace.h"
#include "traces/trace_copy.h"

#define MERGE_TABLES_MAX 64

/* What is copied. */
static const char *const merged[] = { "graph", "run", "run_meta", "device", "worker", "node", "channel", "edge", "plan_step",
	"process", "import_source",
	"import_problem", "import_count", "lane", "execution", "failure", "op_event", "span", "stall_root", "blame",
		"critical_path", "compare_sum",
	"gpu_activity", "arg", "counter", "value", "summary", "loss", "clock_sample", "log", "save", "postmortem", "image",
		"lod_lane", "lod", "lod_rows",
	"lod_fill" };

/* References that the schema does not name as such. */
static const struct {
	const char *table, *column, *refers_to;
} references[] = {
	{ "process", "source", "import_source" },
};

struct merge {
	struct db *db;
	struct error *error;
	const char *names[MERGE_TABLES_MAX];
	int64_t behind[MERGE_TABLES_MAX]; /* largest id in `into`; 0 for tables without ids */
	int n_tables;
};

static int find_table(const struct merge *merge, const char *name)
{
	for (int i = 0; i < merge->n_tables; i++) {
		if (strcmp(merge->names[i], name) == 0)
			return i;
	}
	return -1;
}

static int attach(struct merge *merge, const char *from)
{
	struct db_stmt *stmt = NULL;
	int status = db_prepare(merge->db, "ATTACH ? AS other", NULL, merge->error, &stmt);
	if (status == STATUS_OK) {
		db_bind_text(stmt, 1, from);
		status = db_run(stmt, merge->error);
	}
	db_finish(stmt);
	return status;
}

static int list_tables(struct merge *merge)
{
	static_assert(ARRAY_LEN(merged) <= MERGE_TABLES_MAX, "room for all tables");
	for (size_t i = 0; i < ARRAY_LEN(merged); i++)
		merge->names[merge->n_tables++] = merged[i];
	return STATUS_OK;
}

static int find_largest_ids(struct merge *merge)
{
	int status = STATUS_OK;
	for (int i = 0; i < merge->n_tables && status == STATUS_OK; i++) {
		struct strbuf sql = STRBUF_INIT;
		int64_t has_id = 0;
		strbuf_addf(&sql, "SELECT count(*) FROM pragma_table_info('%s') WHERE name = 'id' AND pk", merge->names[i]);
		status = db_get_int(merge->db, strbuf_text(&sql), &has_id, merge->error);
		strbuf_clear(&sql);
		bool has_rows = strcmp(merge->names[i], "op_event") == 0; /* named by ranges of lod_rows */
		strbuf_addf(&sql, "SELECT coalesce(max(%s), 0) FROM main.%s", has_rows ? "rowid" : "id", merge->names[i]);
		if (status == STATUS_OK && (has_id || has_rows))
			status = db_get_int(merge->db, strbuf_text(&sql), &merge->behind[i], merge->error);
		strbuf_finish(&sql);
	}
	return status;
}

/* How a column of a table is copied: `refers_to` is the table whose id it holds, NULL when it holds none. */
static void add_column(const struct merge *merge, const char *table, const char *column, const char *refers_to, struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(references); i++) {
		if (strcmp(references[i].table, table) == 0 && strcmp(references[i].column, column) == 0)
			refers_to = references[i].refers_to;
	}
	int target = refers_to ? find_table(merge, refers_to) : -1;
	if (strcmp(column, "id") == 0)
		target = find_table(merge, table);
	if (strcmp(table, "summary") == 0 && strcmp(column, "node") == 0)
		strbuf_addf(out, "CASE node WHEN 0 THEN 0 ELSE node + %" PRId64 " END", merge->behind[find_table(merge, "node")]);
	else if (strcmp(table, "lod_rows") == 0 && (strcmp(column, "first_row") == 0 || strcmp(column, "last_row") == 0))
		strbuf_addf(out, "%s + CASE source WHEN 0 THEN %" PRId64 " ELSE %" PRId64 " END", column,
			merge->behind[find_table(merge, "op_event")], merge->behind[find_table(merge, "span")]);
	else if (strcmp(table, "lod") == 0 && strcmp(column, "block") == 0) /* of leaves: a row */
		strbuf_addf(out, "block + CASE level WHEN -1 THEN %" PRId64 " WHEN -2 THEN %" PRId64 " ELSE 0 END",
			merge->behind[find_table(merge, "op_event")], merge->behind[find_table(merge, "span")]);
	else if (target >= 0)
		strbuf_addf(out, "%s + %" PRId64, column, merge->behind[target]);
	else if (refers_to && strcmp(refers_to, "string") == 0)
		strbuf_addf(out, "(SELECT m.id FROM main.string m JOIN other.string o ON o.text = m.text WHERE o.id = t.%s)", column);
	else
		strbuf_add(out, column);
}

static int copy_table(struct merge *merge, const char *table)
{
	struct strbuf sql = STRBUF_INIT, columns = STRBUF_INIT, values = STRBUF_INIT;
	struct db_stmt *stmt = NULL;
	bool has_row = true;
	strbuf_addf(&sql, "SELECT c.name, f.\"table\" FROM pragma_table_info('%s') c LEFT JOIN pragma_foreign_key_list('%s') f"
		" ON f.\"from\" = c.name ORDER BY c.cid", table, table);
	int status = db_prepare(merge->db, strbuf_text(&sql), NULL, merge->error, &stmt);
	while (status == STATUS_OK && has_row) {
		status = db_step(stmt, &has_row, merge->error);
		if (status != STATUS_OK || !has_row)
			continue;
		strbuf_addf(&columns, "%s%s", columns.length ? ", " : "", db_column_text(stmt, 0));
		strbuf_add(&values, values.length ? ", " : "");
		add_column(merge, table, db_column_text(stmt, 0), db_column_text(stmt, 1), &values);
	}
	db_finish(stmt);
	if (strcmp(table, "op_event") == 0) {
		strbuf_add(&columns, ", rowid");
		strbuf_addf(&values, ", rowid + %" PRId64, merge->behind[find_table(merge, table)]);
	}
	strbuf_clear(&sql);
	strbuf_addf(&sql, "INSERT INTO main.%s(%s) SELECT %s FROM other.%s t%s", table, strbuf_text(&columns), strbuf_text(&values), table,
		strcmp(table, "execution") == 0 ? " WHERE run IN (SELECT id FROM other.run WHERE mode <> 'imported')" : "");
	if (status == STATUS_OK && (sql.is_failed || columns.is_failed || values.is_failed))
		status = error_set(merge->error, STATUS_NO_MEMORY, "no memory to merge traces");
	if (status == STATUS_OK)
		status = db_exec(merge->db, strbuf_text(&sql), merge->error);
	strbuf_finish(&sql);
	strbuf_finish(&columns);
	strbuf_finish(&values);
	return status;
}

static int copy_all(struct merge *merge)
{
	int status = db_begin(merge->db, merge->error);
	if (status == STATUS_OK)
		status = db_exec(merge->db, "INSERT OR IGNORE INTO main.string(text) SELECT text FROM other.string", merge->error);
	for (int i = 0; i < merge->n_tables && status == STATUS_OK; i++)
		status = copy_table(merge, merge->names[i]);
	if (status == STATUS_OK)
		status = db_commit(merge->db, merge->error);
	if (status != STATUS_OK)
		db_rollback(merge->db);
	return status;
}

int merge_traces(const char *into, const char *from, struct error *error)
{
	struct merge merge = { .error = error };
	int status = db_open(into, DB_WRITE, error, &merge.db);
	if (status == STATUS_OK)
		status = attach(&merge, from);
	if (status == STATUS_OK)
		status = list_tables(&merge);
	if (status == STATUS_OK)
		status = find_largest_ids(&merge);
	if (status == STATUS_OK)
		status = copy_all(&merge);
	db_close(merge.db);
	return status == STATUS_OK ? status : error_prefix(error, "%s could not be added to %s", from, into);
}

/* -- whole files ------------------------------------------------------------------------------------------------------------ */

struct copying {
	struct trace_copy *copy;
};

static int copy_whole(void *user, const char *table)
{
	struct copying *copying = user;
	bool is_words = strcmp(table, "kind") == 0 || strcmp(table, "status") == 0 || strcmp(table, "api_class") == 0;
	return is_words ? STATUS_OK : trace_copy_table(copying->copy, table, strcmp(table, "meta") == 0 ? "key <> 'schema_version'" : NULL);
}

/* One that is still being written makes the whole unfinished. */
static int add_file(struct trace_copy *copy, const char *file, const volatile sig_atomic_t *interrupt, struct error *error)
{
	struct trace *trace = NULL;
	int64_t n_before = 0, n_after = 0;
	int status = trace_open(file, error, &trace);
	bool is_finished = trace && trace->is_finished;
	trace_close(trace);
	if (status == STATUS_OK)
		status = db_get_int(copy->db, "SELECT max(id) FROM run", &n_before, error);
	if (status == STATUS_OK)
		status = merge_traces(copy->part, file, error);
	if (status == STATUS_OK)
		status = trace_copy_check(copy);
	if (status == STATUS_OK && !is_finished)
		status = db_exec(copy->db, "UPDATE meta SET value = '0' WHERE key = 'finished'", error);
	if (status == STATUS_OK)
		status = db_get_int(copy->db, "SELECT max(id) FROM run", &n_after, error);
	for (int64_t run = n_before + 1; run <= n_after && status == STATUS_OK; run++) {
		char sql[80];
		int64_t is_import = 0;
		snprintf(sql, sizeof sql, "SELECT count(*) FROM run WHERE id = %" PRId64 " AND mode = 'imported'", run);
		status = db_get_int(copy->db, sql, &is_import, error);
		if (status == STATUS_OK && is_import)
			status = gpu_analyses_run(copy->db, run, interrupt, error);
	}
	return status;
}

int merge_files(const char *const *files, int n_files, const char *into, const volatile sig_atomic_t *interrupt, struct error *error)
{
	struct trace_copy copy;
	struct copying copying = { &copy };
	int status = trace_copy_begin(files[0], into, interrupt, error, &copy);
	if (status == STATUS_OK)
		status = trace_copy_each_table(&copy, copy_whole, &copying);
	if (status == STATUS_OK)
		status = trace_copy_commit(&copy);
	for (int i = 1; i < n_files && status == STATUS_OK; i++)
		status = add_file(&copy, files[i], interrupt, error);
	return trace_copy_end(&copy, status);
}
