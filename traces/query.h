/* SPDX-License-Identifier: Apache-2.0
 *
 * query: one read-only SQL statement on a trace, its rows as a table.
 */
#ifndef TANDEM_TRACES_QUERY_H
#define TANDEM_TRACES_QUERY_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/table.h"
#include "traces/trace.h"

struct query_options {
	int64_t max_rows; /* 0: all */
	/* May be set by a signal handler: the statement ends with STATUS_STOPPED. May be NULL. */
	const volatile sig_atomic_t *is_over;
};

/* A column of integers is TABLE_INT, of numbers TABLE_REAL, of anything else TABLE_TEXT; blobs become x'…' in
 * hexadecimal, cut after 32 bytes with their size behind. */
struct query_result {
	struct table table;
	struct table_column *columns; /* owned, like the names in it */
	int n_columns;
	bool is_cut;                  /* there are more rows than max_rows */
};

/* STATUS_USAGE when `sql` is empty, more than one statement, would write, or is wrong (with SQLite's reason and the
 * position). On success the result must be finished. */
int query_run(const struct trace *trace, const char *sql, const struct query_options *options, struct error *error,
	struct query_result *ret_result);
void query_finish(struct query_result *result);

#endif
