/* SPDX-License-Identifier: Apache-2.0
 *
 * import_nsys: what the walk over an export (import_nsys.c) and the meaning of its tables (import_nsys_rows.c) share.
 */
#ifndef TANDEM_TRACES_IMPORT_NSYS_H
#define TANDEM_TRACES_IMPORT_NSYS_H

#include "traces/import_links.h"
#include "traces/import_sink.h"

#define COLUMNS_MAX 24
#define STRINGS_MAX (INT64_C(1) << 24)
#define DOMAINS_MAX 4096

struct nsys {
	struct import_sink *sink;
	const struct import_options *options;
	struct import_file *info;
	struct db *db;
	uint32_t *strings;       /* [n_strings] by id: the sink's number + 1; 0: none */
	int64_t n_strings;
	uint32_t domains[DOMAINS_MAX]; /* NVTX: the sink's number + 1 */
	int64_t n_total;         /* rows of all tables, for the progress */
	struct import_links nodes; /* of graphs: (process, node) to the index of its origin + 1 */
	int64_t *origins;
	uint32_t n_origins;
	bool has_repeated;       /* the calls have rows of other classes than 0 and 1 */
	struct import_links calls; /* then: (thread, correlation) of those of class 0 and 1 */
	struct error *error;
};

/* One row: values by the position of the column in the list that was asked for; before them stands its number. */
struct nsys_row {
	struct db_stmt *stmt;
	int64_t number;
};

/* Whether there is no number: nothing, or a text where a number belongs. */
static inline bool nsys_is_null(const struct nsys_row *row, int column)
{
	enum db_type type = db_column_type(row->stmt, column + 1);
	return type != DB_INT && type != DB_REAL;
}

static inline int64_t nsys_number(const struct nsys_row *row, int column)
{
	return nsys_is_null(row, column) ? IMPORT_UNKNOWN : db_column_int(row->stmt, column + 1);
}

static inline int64_t nsys_number_or(const struct nsys_row *row, int column, int64_t fallback)
{
	return nsys_is_null(row, column) ? fallback : db_column_int(row->stmt, column + 1);
}

static inline const char *nsys_text(const struct nsys_row *row, int column)
{
	return db_column_text(row->stmt, column + 1);
}

/* -- walking a table -------------------------------------------------------------------------------------------------------- */

typedef int nsys_row_fn(struct nsys *nsys, const struct nsys_row *row);

/* A table with the columns that are wanted of it, in the order in which `read` counts them. */
struct nsys_table {
	const char *name;
	const char *columns[COLUMNS_MAX]; /* ends with NULL */
	nsys_row_fn *read;
};

/* All tables that are read, in this order: names before who uses them. */
extern const struct nsys_table nsys_tables[];
extern const int nsys_n_tables;
/* The calls, before that: only where they are there twice. */
extern const struct nsys_table nsys_calls;

#endif
