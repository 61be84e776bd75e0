/* SPDX-License-Identifier: Apache-2.0
 *
 * db: SQLite, as little of it as traces need. The one place that includes sqlite3.h. Failures are STATUS_DISK_FULL (no
 * space, a file size limit, a failed write) or STATUS_DATABASE with the statement's text and SQLite's reason. A handle
 * belongs to one thread.
 */
#ifndef TANDEM_TRACES_DB_H
#define TANDEM_TRACES_DB_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct db;
struct db_stmt;

enum db_mode {
	DB_READ,           /* read-only; recovers what a killed writer left in the write-ahead log */
	DB_READ_IMMUTABLE, /* read-only on media where nothing can be created: a write-ahead log is not seen */
	DB_WRITE,          /* read and write an existing file */
	DB_CREATE,         /* read and write; made when it does not exist */
};

/* Opens `file` (":memory:" for a database in memory). Nothing of the file is read yet: SQLite finds out with the
 * first statement whether it is a database. *ret_db is the caller's to close. */
int db_open(const char *file, enum db_mode mode, struct error *error, struct db **ret_db);
/* Accepts NULL. Statements must have been finished. */
void db_close(struct db *db);

/* Runs statements separated by semicolons, ignoring rows. */
int db_exec(struct db *db, const char *sql, struct error *error);
/* The first column of the first row as a number into *ret_value; *ret_value is untouched when there is no row. */
int db_get_int(struct db *db, const char *sql, int64_t *ret_value, struct error *error);
/* The same as text, to be freed by the caller; NULL when there is no row or the value is NULL. */
int db_get_text(struct db *db, const char *sql, char **ret_text, struct error *error);

/* Turns a statement (the first one in `sql`) into something that can be run. *ret_rest, when not NULL, points behind
 * it. An empty statement (blanks, comments) gives *ret_stmt NULL. `sql` in messages is what was given. */
int db_prepare(struct db *db, const char *sql, const char **ret_rest, struct error *error, struct db_stmt **ret_stmt);
void db_finish(struct db_stmt *stmt); /* accepts NULL */

/* Parameters are counted from 1 and keep their values from one run of the statement to the next. */
void db_bind_int(struct db_stmt *stmt, int parameter, int64_t value);
void db_bind_real(struct db_stmt *stmt, int parameter, double value);
void db_bind_text(struct db_stmt *stmt, int parameter, const char *text); /* copied; NULL binds NULL */
void db_bind_blob(struct db_stmt *stmt, int parameter, const void *data, size_t n_bytes); /* copied */
void db_bind_null(struct db_stmt *stmt, int parameter);

/* The rowid of the row inserted last. */
int64_t db_last_id(struct db *db);

/* Runs to the end, for statements without rows, and resets. */
int db_run(struct db_stmt *stmt, struct error *error);
/* STATUS_OK with *ret_has_row; after the last row the statement is reset. */
int db_step(struct db_stmt *stmt, bool *ret_has_row, struct error *error);
/* Lets go of the rows that were not taken. */
void db_reset(struct db_stmt *stmt);

enum db_type {
	DB_NULL,
	DB_INT,
	DB_REAL,
	DB_TEXT,
	DB_BLOB,
};

/* Columns are counted from 0. Texts and blobs are valid until the next step. */
int db_n_columns(struct db_stmt *stmt);
const char *db_column_name(struct db_stmt *stmt, int column);
enum db_type db_column_type(struct db_stmt *stmt, int column);
int64_t db_column_int(struct db_stmt *stmt, int column); /* 0 for NULL */
double db_column_real(struct db_stmt *stmt, int column);
const char *db_column_text(struct db_stmt *stmt, int column); /* NULL for NULL */
const void *db_column_blob(struct db_stmt *stmt, int column, size_t *ret_bytes);
bool db_is_readonly(struct db_stmt *stmt);
/* Byte offset of the last error in the last prepared text; -1 when unknown. */
int db_error_offset(struct db *db);

/* How long a statement waits for another process's lock before it fails; at first 5 s. */
void db_set_patience(struct db *db, int ms);

int db_begin(struct db *db, struct error *error);
int db_commit(struct db *db, struct error *error); /* after a failure the transaction must be rolled back */
void db_rollback(struct db *db);
bool db_is_in_transaction(struct db *db);

/* Moves the write-ahead log into the file as far as possible and cuts it. */
int db_checkpoint(struct db *db, struct error *error);

/* Long statements end with STATUS_STOPPED soon after `*flag` becomes non-zero; NULL stops watching. The flag may be
 * set by a signal handler. */
void db_watch_interrupt(struct db *db, const volatile sig_atomic_t *flag);

/* For a file from a stranger, before anything else: what its schema would have computed (functions in views, checks, generated columns) does not run,
 * and no single value is larger than 16 MiB. */
void db_distrust(struct db *db);

/* A table that is not stored: `SELECT * FROM name` gives the rows that db_feed_set showed last, so that one INSERT … SELECT
 * enters many at the cost of no statement each. Freed with the database. Values are int64_t row by row, DB_FEED_NULL is
 * NULL. */
#define DB_FEED_NULL INT64_MIN
struct db_feed;
int db_feed_create(struct db *db, const char *name, int n_columns, struct error *error, struct db_feed **ret_feed);
void db_feed_set(struct db_feed *feed, const int64_t *values, size_t n_rows); /* not copied */

/* SQLite's version, as "3.40.1". */
const char *db_library_version(void);

#endif
