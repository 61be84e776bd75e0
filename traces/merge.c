/* SPDX-License-Identifier: Apache-2.0
 *
 * merge: one INSERT … SELECT a table, made from what the schema says of its columns: ids, and columns that refer to ids, are moved behind
 * the largest id of the table they belong to. Tables of words are the same in both files.
 */
#include "traces/merge.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"
#include "traces/db.h"

#define MERGE_TABLES_MAX 64

/* Filled once by every trace, or only by its words. */
static const char *const common[] = { "meta", "kind", "status", "string" };

struct merge {
	struct db *db;
	struct error *error;
	char *names[MERGE_TABLES_MAX];
	int64_t behind[MERGE_TABLES_MAX]; /* largest id in `into`; 0 for tables without ids */
	int n_tables;
};

static bool is_common(const char *table)
{
	for (size_t i = 0; i < ARRAY_LEN(common); i++) {
		if (strcmp(common[i], table) == 0)
			return true;
	}
	return false;
}

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
	struct strbuf sql = STRBUF_INIT;
	strbuf_add(&sql, "ATTACH '");
	for (const char *c = from; *c; c++)
		strbuf_addf(&sql, *c == '\'' ? "'%c" : "%c", *c);
	strbuf_add(&sql, "' AS other");
	int status = db_exec(merge->db, strbuf_text(&sql), merge->error);
	strbuf_finish(&sql);
	return status;
}

static int list_tables(struct merge *merge)
{
	struct db_stmt *stmt = NULL;
	bool has_row = true;
	int status = db_prepare(merge->db, "SELECT name FROM other.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'", NULL,
		merge->error, &stmt);
	while (status == STATUS_OK && has_row && merge->n_tables < MERGE_TABLES_MAX) {
		status = db_step(stmt, &has_row, merge->error);
		if (status != STATUS_OK || !has_row || is_common(db_column_text(stmt, 0)))
			continue;
		merge->names[merge->n_tables] = strdup(db_column_text(stmt, 0));
		if (!merge->names[merge->n_tables++])
			status = error_set(merge->error, STATUS_NO_MEMORY, "no memory to merge traces");
	}
	db_finish(stmt);
	return status;
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
	strbuf_addf(&sql, "INSERT INTO main.%s(%s) SELECT %s FROM other.%s t", table, strbuf_text(&columns), strbuf_text(&values), table);
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
	for (int i = 0; i < merge.n_tables; i++)
		free(merge.names[i]);
	return status == STATUS_OK ? status : error_prefix(error, "%s could not be added to %s", from, into);
}
