/* SPDX-License-Identifier: Apache-2.0
 *
 * query: rows of any SQL as typed columns. SQLite types cells, tables type columns: rows are collected first.
 */
#include "traces/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_BLOB_SHOWN 32

struct value {
	enum db_type type; /* BLOB never occurs: it is text already */
	int64_t integer;
	double real;
	char *text;
};

struct values {
	struct value *items;
	size_t n, capacity;
};

static void finish_values(struct values *values)
{
	for (size_t i = 0; i < values->n; i++)
		free(values->items[i].text);
	free(values->items);
}

static char *blob_text(struct db_stmt *stmt, int column)
{
	size_t n_bytes;
	const unsigned char *bytes = db_column_blob(stmt, column, &n_bytes);
	size_t n_shown = n_bytes < QUERY_BLOB_SHOWN ? n_bytes : QUERY_BLOB_SHOWN;
	struct strbuf text = STRBUF_INIT;
	strbuf_add(&text, "x'");
	for (size_t i = 0; i < n_shown; i++)
		strbuf_addf(&text, "%02x", bytes[i]);
	strbuf_add(&text, n_shown < n_bytes ? "…'" : "'");
	if (n_shown < n_bytes)
		strbuf_addf(&text, " (%zu bytes)", n_bytes);
	return strbuf_take(&text);
}

static bool read_value(struct db_stmt *stmt, int column, struct value *value)
{
	value->type = db_column_type(stmt, column);
	if (value->type == DB_INT)
		value->integer = db_column_int(stmt, column);
	else if (value->type == DB_REAL)
		value->real = db_column_real(stmt, column);
	else if (value->type == DB_TEXT)
		value->text = strdup(db_column_text(stmt, column));
	else if (value->type == DB_BLOB)
		value->text = blob_text(stmt, column);
	if (value->type == DB_BLOB)
		value->type = DB_TEXT;
	return value->type != DB_TEXT || value->text;
}

static bool read_row(struct db_stmt *stmt, int n_columns, struct values *values)
{
	if (values->n + (size_t)n_columns > values->capacity) {
		size_t capacity = values->capacity ? 2 * values->capacity : 64 * (size_t)n_columns;
		struct value *items = realloc(values->items, capacity * sizeof(*items));
		if (!items)
			return false;
		values->items = items;
		values->capacity = capacity;
	}
	for (int i = 0; i < n_columns; i++) {
		struct value *value = memset(&values->items[values->n++], 0, sizeof(*value));
		if (!read_value(stmt, i, value))
			return false;
	}
	return true;
}

static enum table_format column_format(const struct values *values, int column, int n_columns)
{
	enum table_format format = TABLE_INT;
	for (size_t i = (size_t)column; i < values->n; i += (size_t)n_columns) {
		if (values->items[i].type == DB_TEXT)
			return TABLE_TEXT;
		if (values->items[i].type == DB_REAL)
			format = TABLE_REAL;
	}
	return format;
}

static void add_cell(struct table *table, enum table_format format, const struct value *value)
{
	char text[40];
	if (value->type == DB_NULL)
		table_null(table);
	else if (format == TABLE_INT)
		table_int(table, value->integer);
	else if (format == TABLE_REAL)
		table_real(table, value->type == DB_INT ? (double)value->integer : value->real);
	else if (value->type == DB_TEXT)
		table_text(table, value->text);
	else {
		if (value->type == DB_INT)
			snprintf(text, sizeof(text), "%lld", (long long)value->integer);
		else
			snprintf(text, sizeof(text), "%.17g", value->real);
		table_text(table, text);
	}
}

static int make_table(struct db_stmt *stmt, const struct values *values, struct query_result *result, struct error *error)
{
	int n_columns = db_n_columns(stmt);
	result->columns = calloc((size_t)n_columns + 1, sizeof(*result->columns));
	for (int i = 0; result->columns && i < n_columns; i++) {
		result->columns[i].name = strdup(db_column_name(stmt, i));
		result->columns[i].format = column_format(values, i, n_columns);
		if (result->columns[i].name)
			result->n_columns++;
	}
	if (result->n_columns < n_columns)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the columns of the result");
	table_init(&result->table, result->columns, n_columns);
	for (size_t i = 0; i < values->n; i++)
		add_cell(&result->table, result->columns[i % (size_t)n_columns].format, &values->items[i]);
	if (result->table.is_failed)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the rows of the result");
	return STATUS_OK;
}

static int read_rows(struct db_stmt *stmt, int64_t max_rows, struct values *values, bool *ret_is_cut, struct error *error)
{
	bool has_row = false;
	int n_columns = db_n_columns(stmt);
	for (int64_t n = 0;; n++) {
		int status = db_step(stmt, &has_row, error);
		if (status != STATUS_OK || !has_row)
			return status;
		if (max_rows > 0 && n == max_rows) {
			*ret_is_cut = true;
			return STATUS_OK;
		}
		if (!read_row(stmt, n_columns, values))
			return error_set(error, STATUS_NO_MEMORY, "no memory for the rows of the result");
	}
}

/* What comes behind the statement must be nothing. */
static int check_rest(struct db *db, const char *rest, struct error *error)
{
	struct db_stmt *more = NULL;
	while (*rest) {
		const char *next = rest;
		if (db_prepare(db, rest, &next, NULL, &more) != STATUS_OK || more) {
			db_finish(more);
			return error_set(
				error, STATUS_USAGE, "only one statement at a time; the second begins at '%.30s'", rest);
		}
		if (next == rest)
			break;
		rest = next;
	}
	return STATUS_OK;
}

static int prepare(const struct trace *trace, const char *sql, struct error *error, struct db_stmt **ret_stmt)
{
	struct db_stmt *stmt = NULL;
	const char *rest = sql;
	struct error reason = { 0 };
	int status = db_prepare(trace->db, sql, &rest, &reason, &stmt);
	int offset = status == STATUS_OK ? -1 : db_error_offset(trace->db);
	if (offset > (int)strlen(sql)) /* in the text of a damaged view */
		offset = -1;
	if (status != STATUS_OK && offset >= 0)
		return error_set(error, STATUS_USAGE, "%s, at character %d: '%.30s'", reason.text, offset + 1, sql + offset);
	if (status != STATUS_OK)
		return error_set(error, STATUS_USAGE, "%s", reason.text);
	if (!stmt)
		return error_set(error, STATUS_USAGE, "there is no SQL statement in '%.60s'", sql);
	status = check_rest(trace->db, rest, error);
	if (status == STATUS_OK && !db_is_readonly(stmt))
		status = error_set(error, STATUS_USAGE, "traces are only read: '%.60s' would write", sql);
	else if (status == STATUS_OK && db_n_columns(stmt) == 0)
		status = error_set(error, STATUS_USAGE, "'%.60s' gives no rows", sql);
	if (status != STATUS_OK) {
		db_finish(stmt);
		return status;
	}
	*ret_stmt = stmt;
	return STATUS_OK;
}

int query_run(const struct trace *trace, const char *sql, const struct query_options *options, struct error *error,
	struct query_result *ret_result)
{
	static const struct query_options defaults;
	struct query_result result = { 0 };
	struct values values = { 0 };
	struct db_stmt *stmt = NULL;
	options = options ? options : &defaults;
	int status = prepare(trace, sql, error, &stmt);
	if (status != STATUS_OK)
		return status;
	db_watch_interrupt(trace->db, options->is_over);
	status = read_rows(stmt, options->max_rows, &values, &result.is_cut, error);
	db_watch_interrupt(trace->db, NULL);
	if (status == STATUS_OK)
		status = make_table(stmt, &values, &result, error);
	finish_values(&values);
	db_finish(stmt);
	if (status != STATUS_OK) {
		query_finish(&result);
		return status;
	}
	*ret_result = result;
	return STATUS_OK;
}

void query_finish(struct query_result *result)
{
	table_finish(&result->table);
	for (int i = 0; i < result->n_columns; i++)
		free((char *)(uintptr_t)result->columns[i].name);
	free(result->columns);
	*result = (struct query_result){ 0 };
}
