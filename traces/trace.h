/* SPDX-License-Identifier: Apache-2.0
 *
 * trace: a trace file opened for reading: finished or not, on writable or read-only media. Everything that reads traces
 * starts here.
 */
#ifndef TANDEM_TRACES_TRACE_H
#define TANDEM_TRACES_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "traces/db.h"

struct trace_run {
	int64_t id;
	char *mode, *status, *message;    /* status: a status word, "running" or "killed"; message may be NULL */
	char *graph, *graph_file;         /* the file may be NULL */
	int64_t start_ns, end_ns;         /* end of what is recorded while the run is not finished */
	bool has_executions, has_results; /* whether the next two were recorded */
	int64_t first_submit_ns, last_finish_ns;
	int64_t n_submitted, n_finished, n_failed; /* recorded executions */
	int64_t in_flight, start_unix_ns;
};

struct trace {
	struct db *db;
	char *file;
	int version;
	bool is_finished;       /* false: its collector was killed, or still writes */
	bool is_log_ignored;    /* the latest rows lie in a write-ahead log that cannot be read on this medium */
	struct trace_run *runs; /* in order of id */
	int n_runs;
};

/* Opens and checks. STATUS_TRACE says what is wrong: no such file, not a trace, a plain SQLite file, truncated,
 * damaged, too new. An older version is migrated in place first. *ret_trace is the caller's to close. */
int trace_open(const char *file, struct error *error, struct trace **ret_trace);
void trace_close(struct trace *trace); /* accepts NULL */

/* The run with this id, 0 for the first; NULL when there is none. */
const struct trace_run *trace_find_run(const struct trace *trace, int64_t id);

/* The value of a key of `meta`, or of a run's `run_meta`, into *ret_text (NULL when there is none), to be freed by
 * the caller. */
int trace_meta(const struct trace *trace, const char *key, char **ret_text, struct error *error);
int trace_run_meta(const struct trace *trace, int64_t run, const char *key, char **ret_text, struct error *error);

#endif
