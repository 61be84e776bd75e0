/* SPDX-License-Identifier: Apache-2.0
 *
 * export: a trace in other programs' formats (doc/export.md): timelines for Perfetto and Chrome, rows as CSV, the graph as DOT
 * coloured by time. Streams: memory depends on the graph, not on the number of events.
 */
#ifndef TANDEM_TRACES_EXPORT_H
#define TANDEM_TRACES_EXPORT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/strbuf.h"
#include "traces/trace.h"

/* X(NAME, word, suffixes separated by blanks) */
#define EXPORT_FORMAT_MAP(X)                                   \
	X(PERFETTO, "perfetto", ".pftrace .perfetto-trace")    \
	X(CHROME, "chrome", ".json")                           \
	X(CSV, "csv", ".csv")                                  \
	X(DOT, "dot", ".dot .gv")

enum export_format {
#define X(name, word, suffixes) EXPORT_##name,
	EXPORT_FORMAT_MAP(X)
#undef X
	EXPORT_FORMAT_COUNT
};

struct export_options {
	enum export_format format;
	int64_t run;           /* 0: all of the file; DOT: the first */
	bool has_range;        /* only executions first … end - 1, and nothing that belongs to none */
	int64_t first, end;
	const char *table;     /* CSV: a name of export_tables(); NULL: "op" */
	bool shows_private;    /* command lines, host, file names and parameters too, which are left out of what is made to be shared */
	void (*progress)(void *user, uint64_t n_rows); /* called now and then; may be NULL */
	void *progress_user;
	const volatile sig_atomic_t *is_over; /* ends with STATUS_STOPPED when set, by a signal handler too; may be NULL */
};

struct export_result {
	uint64_t n_rows;    /* rows of the trace that were written */
	uint64_t n_bytes;   /* of output */
	uint64_t n_moved;   /* timelines: events that began before the one before them on their track had ended, and were cut */
	uint64_t n_gapped;  /* timelines: runs whose executions have gaps, for which the fill of channels is left out */
};

/* Writes to the descriptor `fd`, which stays the caller's. STATUS_USAGE for an unknown run or table, STATUS_DISK_FULL or
 * STATUS_SYSTEM when writing fails; what was written until then stays. *ret_result is filled in any case. */
int export_trace(const struct trace *trace, const struct export_options *options, int fd, struct error *error,
	struct export_result *ret_result);

/* About how many rows export_trace will go over, for a progress bar. */
uint64_t export_count_rows(const struct trace *trace, const struct export_options *options);

/* The format of a file's name by its suffix; false when it says nothing. */
bool export_guess_format(const char *file, enum export_format *ret_format);

/* The names that `table` can have, separated by ", ". */
void export_tables(struct strbuf *out);

#endif
