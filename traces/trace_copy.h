/* SPDX-License-Identifier: Apache-2.0
 *
 * trace_copy: a new trace made from the tables of another one: only tables and columns that this program knows, so that
 * nothing else of the other file (views, triggers, tables of strangers) goes along. The new file appears under its name when
 * it is complete.
 */
#ifndef TANDEM_TRACES_TRACE_COPY_H
#define TANDEM_TRACES_TRACE_COPY_H

#include <signal.h>
#include <stdbool.h>

#include "engine/base/strbuf.h"
#include "traces/db.h"

/* In SQL: main is the new file, other the old one. */
struct trace_copy {
	struct db *db;
	char *file, *part; /* owned; the part is there until the end */
	struct error *error;
};

/* Opens `from` (checked, and migrated where it is older) and begins a new trace, in a transaction. STATUS_INPUT when `into`
 * exists and is no trace, or is `from` itself. `interrupt` may be NULL. In any case the copy must be ended. */
int trace_copy_begin(const char *from, const char *into, const volatile sig_atomic_t *interrupt, struct error *error, struct trace_copy *ret_copy);

/* The columns that a table has in both files, separated by ", ", each behind `prefix`; empty: it is not in both. */
int trace_copy_columns(struct trace_copy *copy, const char *table, const char *prefix, struct strbuf *out);

/* Copies the rows for which `where` holds (NULL: all), of `other.TABLE t`. Rows that the new file has by itself stay. */
int trace_copy_table(struct trace_copy *copy, const char *table, const char *where);

/* Runs a statement. Its text is made by a format. */
int trace_copy_run(struct trace_copy *copy, const char *format, ...) PRINTF_LIKE(2, 3);

/* Calls `each` for every table that both files have, words and level of detail included. */
int trace_copy_each_table(struct trace_copy *copy, int (*each)(void *user, const char *table), void *user);

/* Before anything is computed from the new file: STATUS_TRACE when rows refer to nothing, as in a file that is damaged or made to do harm. */
int trace_copy_check(struct trace_copy *copy);

/* Ends the transaction; `other` is let go. The file stays open for more, under copy->part. */
int trace_copy_commit(struct trace_copy *copy);

/* With STATUS_OK the new file takes its place; otherwise nothing is left of it. Returns the status of the whole. */
int trace_copy_end(struct trace_copy *copy, int status);

/* STATUS_INPUT when writing to `file` would destroy something that is no trace. */
int trace_copy_check_output(const char *file, struct error *error);

#endif
