/* SPDX-License-Identifier: Apache-2.0
 *
 * db: opening databases, statements, and SQLite's result codes as statuses.
 */
#include "traces/db.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DB_BUSY_TIMEOUT_MS 5000
#define DB_INTERRUPT_INSTRUCTIONS 10000
#define DB_SQL_SHOWN_MAX 120
#define DB_DISTRUSTED_BYTES_MAX (16 << 20)

struct db {
	sqlite3 *handle;
	const volatile sig_atomic_t *interrupt_flag;
};

static sqlite3_stmt *raw(struct db_stmt *stmt)
{
	return (sqlite3_stmt *)stmt;
}

static int status_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
		return STATUS_DISK_FULL;
	case SQLITE_NOMEM:
		return STATUS_NO_MEMORY;
	case SQLITE_INTERRUPT:
		return STATUS_STOPPED;
	default:
		return STATUS_DATABASE;
	}
}

static bool is_read_failure(int code)
{
	return code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_FSTAT;
}

static int fail(sqlite3 *handle, const char *sql, struct error *error)
{
	int code = sqlite3_extended_errcode(handle);
	int status = is_read_failure(code) ? STATUS_DATABASE : status_of(code);
	int length = 0;
	while (sql && sql[length] && sql[length] != '\n' && length < DB_SQL_SHOWN_MAX)
		length++;
	if (sql)
		return error_set(
			error, status, "%s (in: %.*s%s)", sqlite3_errmsg(handle), length, sql, sql[length] ? "…" : "");
	return error_set(error, status, "%s", sqlite3_errmsg(handle));
}

/* A file name as a URI: what means something in a URI is escaped. */
static char *immutable_uri(const char *file)
{
	char *uri = malloc(3 * strlen(file) + 32);
	if (!uri)
		return NULL;
	char *end = uri + sprintf(uri, "file:");
	for (; *file; file++) {
		if (strchr("?#%", *file))
			end += sprintf(end, "%%%02X", (unsigned char)*file);
		else
			*end++ = *file;
	}
	strcpy(end, "?immutable=1");
	return uri;
}

int db_open(const char *file, enum db_mode mode, struct error *error, struct db **ret_db)
{
	static const int flags[] = {
		[DB_READ] = SQLITE_OPEN_READONLY,
		[DB_READ_IMMUTABLE] = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
		[DB_WRITE] = SQLITE_OPEN_READWRITE,
		[DB_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	};
	struct db *db = calloc(1, sizeof(*db));
	char *uri = mode == DB_READ_IMMUTABLE ? immutable_uri(file) : NULL;
	int status = STATUS_OK;
	if (!db || (mode == DB_READ_IMMUTABLE && !uri))
		status = error_set(error, STATUS_NO_MEMORY, "%s: no memory to open it", file);
	else if (sqlite3_open_v2(uri ? uri : file, &db->handle, flags[mode] | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		status = error_set(
			error, STATUS_DATABASE, "%s: %s", file, db->handle ? sqlite3_errmsg(db->handle) : "no memory");
	free(uri);
	if (status != STATUS_OK) {
		db_close(db);
		return status;
	}
	sqlite3_busy_timeout(db->handle, DB_BUSY_TIMEOUT_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	*ret_db = db;
	return STATUS_OK;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	sqlite3_close_v2(db->handle);
	free(db);
}

int db_exec(struct db *db, const char *sql, struct error *error)
{
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(db->handle, sql, error);
	return STATUS_OK;
}

int db_get_int(struct db *db, const char *sql, int64_t *ret_value, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(db, sql, NULL, error, &stmt);
	if (status != STATUS_OK)
		return status;
	status = db_step(stmt, &has_row, error);
	if (status == STATUS_OK && has_row)
		*ret_value = db_column_int(stmt, 0);
	db_finish(stmt);
	return status;
}

int db_get_text(struct db *db, const char *sql, char **ret_text, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(db, sql, NULL, error, &stmt);
	if (status != STATUS_OK)
		return status;
	status = db_step(stmt, &has_row, error);
	const char *text = status == STATUS_OK && has_row ? db_column_text(stmt, 0) : NULL;
	char *copy = text ? strdup(text) : NULL;
	db_finish(stmt);
	if (text && !copy)
		return error_set(error, STATUS_NO_MEMORY, "no memory for a text of the trace");
	if (status == STATUS_OK)
		*ret_text = copy;
	return status;
}

int db_prepare(struct db *db, const char *sql, const char **ret_rest, struct error *error, struct db_stmt **ret_stmt)
{
	sqlite3_stmt *stmt;
	const char *rest;
	if (sqlite3_prepare_v2(db->handle, sql, -1, &stmt, &rest) != SQLITE_OK)
		return fail(db->handle, sql, error);
	if (ret_rest)
		*ret_rest = rest;
	*ret_stmt = (struct db_stmt *)stmt;
	return STATUS_OK;
}

void db_finish(struct db_stmt *stmt)
{
	sqlite3_finalize(raw(stmt));
}

void db_bind_int(struct db_stmt *stmt, int parameter, int64_t value)
{
	sqlite3_bind_int64(raw(stmt), parameter, value);
}

void db_bind_real(struct db_stmt *stmt, int parameter, double value)
{
	sqlite3_bind_double(raw(stmt), parameter, value);
}

void db_bind_text(struct db_stmt *stmt, int parameter, const char *text)
{
	sqlite3_bind_text(raw(stmt), parameter, text, -1, SQLITE_TRANSIENT);
}

void db_bind_blob(struct db_stmt *stmt, int parameter, const void *data, size_t n_bytes)
{
	sqlite3_bind_blob64(raw(stmt), parameter, data, n_bytes, SQLITE_TRANSIENT);
}

void db_bind_null(struct db_stmt *stmt, int parameter)
{
	sqlite3_bind_null(raw(stmt), parameter);
}

int64_t db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

int db_run(struct db_stmt *stmt, struct error *error)
{
	int code;
	do
		code = sqlite3_step(raw(stmt));
	while (code == SQLITE_ROW);
	int status = STATUS_OK;
	if (unlikely(code != SQLITE_DONE))
		status = fail(sqlite3_db_handle(raw(stmt)), sqlite3_sql(raw(stmt)), error);
	sqlite3_reset(raw(stmt));
	return status;
}

int db_step(struct db_stmt *stmt, bool *ret_has_row, struct error *error)
{
	int code = sqlite3_step(raw(stmt));
	if (code == SQLITE_ROW) {
		*ret_has_row = true;
		return STATUS_OK;
	}
	int status = STATUS_OK;
	if (code == SQLITE_DONE)
		*ret_has_row = false;
	else
		status = fail(sqlite3_db_handle(raw(stmt)), sqlite3_sql(raw(stmt)), error);
	sqlite3_reset(raw(stmt));
	return status;
}

void db_reset(struct db_stmt *stmt)
{
	sqlite3_reset(raw(stmt));
}

int db_n_columns(struct db_stmt *stmt)
{
	return sqlite3_column_count(raw(stmt));
}

const char *db_column_name(struct db_stmt *stmt, int column)
{
	const char *name = sqlite3_column_name(raw(stmt), column);
	return name ? name : "";
}

enum db_type db_column_type(struct db_stmt *stmt, int column)
{
	switch (sqlite3_column_type(raw(stmt), column)) {
	case SQLITE_INTEGER:
		return DB_INT;
	case SQLITE_FLOAT:
		return DB_REAL;
	case SQLITE_TEXT:
		return DB_TEXT;
	case SQLITE_BLOB:
		return DB_BLOB;
	default:
		return DB_NULL;
	}
}

int64_t db_column_int(struct db_stmt *stmt, int column)
{
	return sqlite3_column_int64(raw(stmt), column);
}

double db_column_real(struct db_stmt *stmt, int column)
{
	return sqlite3_column_double(raw(stmt), column);
}

const char *db_column_text(struct db_stmt *stmt, int column)
{
	return (const char *)sqlite3_column_text(raw(stmt), column);
}

const void *db_column_blob(struct db_stmt *stmt, int column, size_t *ret_bytes)
{
	const void *blob = sqlite3_column_blob(raw(stmt), column);
	*ret_bytes = (size_t)sqlite3_column_bytes(raw(stmt), column);
	return blob;
}

bool db_is_readonly(struct db_stmt *stmt)
{
	return sqlite3_stmt_readonly(raw(stmt));
}

int db_error_offset(struct db *db)
{
	return sqlite3_error_offset(db->handle);
}

void db_set_patience(struct db *db, int ms)
{
	sqlite3_busy_timeout(db->handle, ms);
}

int db_begin(struct db *db, struct error *error)
{
	return db_exec(db, "BEGIN IMMEDIATE", error);
}

int db_commit(struct db *db, struct error *error)
{
	return db_exec(db, "COMMIT", error);
}

void db_rollback(struct db *db)
{
	if (db_is_in_transaction(db))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

bool db_is_in_transaction(struct db *db)
{
	return !sqlite3_get_autocommit(db->handle);
}

int db_checkpoint(struct db *db, struct error *error)
{
	if (sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
		return fail(db->handle, "checkpoint", error);
	return STATUS_OK;
}

static int poll_interrupt(void *user)
{
	struct db *db = user;
	return *db->interrupt_flag != 0;
}

void db_watch_interrupt(struct db *db, const volatile sig_atomic_t *flag)
{
	db->interrupt_flag = flag;
	sqlite3_progress_handler(db->handle, DB_INTERRUPT_INSTRUCTIONS, flag ? poll_interrupt : NULL, db);
}

void db_distrust(struct db *db)
{
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, DB_DISTRUSTED_BYTES_MAX);
}

/* -- feeds -------------------------------------------------------------------------------------------------------------------- */

struct db_feed {
	const int64_t *values;
	size_t n_rows;
	int n_columns;
};

struct feed_table {
	sqlite3_vtab base;
	const struct db_feed *feed;
};

struct feed_cursor {
	sqlite3_vtab_cursor base;
	const struct db_feed *feed;
	size_t row;
};

static int feed_connect(sqlite3 *handle, void *user, int argc, const char *const *argv, sqlite3_vtab **ret_table, char **ret_message)
{
	const struct db_feed *feed = user;
	struct feed_table *table = sqlite3_malloc64(sizeof *table);
	sqlite3_str *sql = sqlite3_str_new(handle);
	for (int i = 0; i < feed->n_columns; i++)
		sqlite3_str_appendf(sql, "%sc%d", i ? ", " : "CREATE TABLE feed(", i);
	sqlite3_str_appendf(sql, ")");
	char *text = sqlite3_str_finish(sql);
	int code = table && text ? sqlite3_declare_vtab(handle, text) : SQLITE_NOMEM;
	sqlite3_free(text);
	if (code != SQLITE_OK) {
		sqlite3_free(table);
		return code;
	}
	*table = (struct feed_table){ .feed = feed };
	*ret_table = &table->base;
	return SQLITE_OK;
}

static int feed_disconnect(sqlite3_vtab *table)
{
	sqlite3_free(table);
	return SQLITE_OK;
}

static int feed_plan(sqlite3_vtab *table, sqlite3_index_info *plan)
{
	return SQLITE_OK;
}

static int feed_open(sqlite3_vtab *table, sqlite3_vtab_cursor **ret_cursor)
{
	struct feed_cursor *cursor = sqlite3_malloc64(sizeof *cursor);
	if (!cursor)
		return SQLITE_NOMEM;
	*cursor = (struct feed_cursor){ .feed = ((struct feed_table *)table)->feed };
	*ret_cursor = &cursor->base;
	return SQLITE_OK;
}

static int feed_close(sqlite3_vtab_cursor *cursor)
{
	sqlite3_free(cursor);
	return SQLITE_OK;
}

static int feed_filter(sqlite3_vtab_cursor *cursor, int plan, const char *text, int argc, sqlite3_value **argv)
{
	((struct feed_cursor *)cursor)->row = 0;
	return SQLITE_OK;
}

static int feed_next(sqlite3_vtab_cursor *cursor)
{
	((struct feed_cursor *)cursor)->row++;
	return SQLITE_OK;
}

static int feed_is_at_end(sqlite3_vtab_cursor *cursor)
{
	const struct feed_cursor *at = (const struct feed_cursor *)cursor;
	return at->row >= at->feed->n_rows;
}

static int feed_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
	const struct feed_cursor *at = (const struct feed_cursor *)cursor;
	int64_t value = at->feed->values[at->row * (size_t)at->feed->n_columns + (size_t)column];
	if (value != DB_FEED_NULL) /* a column that is not set is NULL */
		sqlite3_result_int64(context, value);
	return SQLITE_OK;
}

static int feed_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *ret_row)
{
	*ret_row = (sqlite3_int64)((const struct feed_cursor *)cursor)->row;
	return SQLITE_OK;
}

/* Without xCreate: the table is there by its name alone. */
static const sqlite3_module feed_module = {
	.xConnect = feed_connect, .xBestIndex = feed_plan, .xDisconnect = feed_disconnect, .xOpen = feed_open, .xClose = feed_close,
	.xFilter = feed_filter, .xNext = feed_next, .xEof = feed_is_at_end, .xColumn = feed_column, .xRowid = feed_rowid,
};

int db_feed_create(struct db *db, const char *name, int n_columns, struct error *error, struct db_feed **ret_feed)
{
	struct db_feed *feed = calloc(1, sizeof *feed);
	if (!feed)
		return error_set(error, STATUS_NO_MEMORY, "no memory for rows of a database");
	feed->n_columns = n_columns;
	if (sqlite3_create_module_v2(db->handle, name, &feed_module, feed, free) != SQLITE_OK) /* frees it on failure, too */
		return fail(db->handle, name, error);
	*ret_feed = feed;
	return STATUS_OK;
}

void db_feed_set(struct db_feed *feed, const int64_t *values, size_t n_rows)
{
	feed->values = values;
	feed->n_rows = n_rows;
}

const char *db_library_version(void)
{
	return sqlite3_libversion();
}
