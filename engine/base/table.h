/* SPDX-License-Identifier: Apache-2.0
 *
 * table: rows of typed cells that print either as aligned text for people or as JSON {"rows": […]} for scripts. Every command
 * that prints a table fills one of these, so that `--json` is the same data.
 */
#ifndef TANDEM_ENGINE_BASE_TABLE_H
#define TANDEM_ENGINE_BASE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/strbuf.h"

enum table_format {
	TABLE_TEXT,     /* left-aligned */
	TABLE_INT,      /* right-aligned, thousands grouped by a thin blank in text */
	TABLE_REAL,     /* four significant digits in text */
	TABLE_NS,       /* ns; text: one unit for the whole column, chosen by its largest value and written in the header */
	TABLE_BYTES,    /* bytes; text: KiB, MiB … per cell */
	TABLE_SHARE,    /* 0..1; text: per cent with one decimal and a bar of eighth blocks */
};

struct table_column {
	const char *name; /* key in JSON, header in text (unit appended) */
	enum table_format format;
};

struct table_cell {
	bool is_null;     /* "–" in text, null in JSON */
	int64_t integer;  /* INT, NS, BYTES */
	double real;      /* REAL, SHARE */
	char *text;       /* TEXT; owned by the table */
};

struct table {
	const struct table_column *columns; /* not owned; must outlive the table */
	int n_columns;
	struct table_cell *cells;           /* row by row */
	int n_cells, capacity;
	bool is_failed;                     /* memory was out; rows are missing */
};

void table_init(struct table *table, const struct table_column *columns, int n_columns);
void table_finish(struct table *table);

/* Append one cell; rows fill from left to right. */
void table_text(struct table *table, const char *text); /* NULL gives a null cell */
void table_int(struct table *table, int64_t value);     /* INT, NS, BYTES */
void table_real(struct table *table, double value);     /* REAL, SHARE; NaN gives a null cell */
void table_null(struct table *table);

int table_n_rows(const struct table *table);

/* Text for people: header, rows; names made printable; no trailing blanks; `indent` blanks in front. */
void table_print(const struct table *table, int indent, struct strbuf *out);
/* One cell as table_print shows it, not padded and without a bar; row -1: the header. */
void table_cell_text(const struct table *table, int row, int column, struct strbuf *out);
/* The JSON array of the rows: [{"column": value, …}, …]. */
void table_json(const struct table *table, struct strbuf *out);
/* Comma-separated values (RFC 4180, lines end with \n): the columns' names, then the rows with numbers as in JSON; null is empty. */
void table_csv(const struct table *table, struct strbuf *out);
/* {"rows": […]} and a newline. */
void table_json_document(const struct table *table, struct strbuf *out);

#endif
