/* SPDX-License-Identifier: Apache-2.0
 *
 * store: the writer's side of a trace file: makes the file, enters what ran (from a program), and inserts rows through
 * prepared statements. Indices (worker, node, edge, channel, lane = worker) are the program's; the store adds the
 * offset that makes them ids of this file. PROGRAM_NONE gives NULL. Every function that writes returns STATUS_DISK_FULL
 * or STATUS_DATABASE on failure; then the open transaction must be rolled back.
 */
#ifndef TANDEM_TRACES_STORE_H
#define TANDEM_TRACES_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/run/program.h"
#include "engine/run/record.h"
#include "traces/db.h"
#include "traces/schema.h"

struct store;

/* One node in one execution. Times in ns; the phases sum to duration_ns. */
struct store_op {
	uint32_t lane, node;
	uint64_t execution;
	int64_t start_ns, duration_ns;
	int status;
	int64_t phase_ns[OP_PHASE_COUNT]; /* 0: did not occur */
};

struct store_span {
	uint32_t lane;
	int kind;           /* enum phase or enum span_kind */
	int64_t start_ns, duration_ns;
	uint32_t node, edge, channel, peer, slot;
	uint64_t execution; /* UINT64_MAX: none */
	int cause;          /* enum phase; -1: none */
};

struct store_execution {
	uint64_t execution;
	int64_t start_ns, end_ns; /* INT64_MIN: not known */
	int status;               /* enum status, or SCHEMA_STATUS_UNFINISHED */
	uint32_t failure;         /* 0: none */
};

/* What grew since it was last entered: added to the rows of `summary`, `lane` and `run`. */
struct store_sum {
	int64_t n, ns;
};

struct store_progress {
	int64_t start_ns, end_ns;   /* widen the run's interval */
	int64_t first_submit_ns, last_finish_ns; /* INT64_MAX, INT64_MIN: none */
	int64_t n_submitted, n_finished, n_failed;
	int64_t n_ops;              /* rows of op_event */
};

/* What was asked to be kept of a run of which not everything is, and what that found. */
struct store_save {
	enum trigger trigger;
	int64_t time_ns;
	uint64_t execution;         /* UINT64_MAX: none */
	uint32_t worker, node;      /* PROGRAM_NONE: none */
	int64_t n_triggers;         /* with those that came while it was written */
	int64_t first_ns, last_ns;  /* INT64_MIN: not known yet */
	int64_t n_records;
	const char *text;           /* NULL: none */
};

/* Makes a new file, or opens an existing trace when `appends`. An existing tandem trace is replaced; anything else
 * at that place is refused with STATUS_TRACE. The file is in WAL mode afterwards. `file` may be ":memory:". */
int store_open(const char *file, bool appends, struct error *error, struct store **ret_store);

/* Enters the run, status "running", with everything that is known of it before it starts, in one transaction. */
int store_begin_run(struct store *store, const struct program *program, int64_t start_ns, struct error *error);

int store_begin(struct store *store, struct error *error);
int store_commit(struct store *store, struct error *error);
void store_rollback(struct store *store);
bool store_is_in_transaction(const struct store *store);

int store_op(struct store *store, const struct store_op *op, struct error *error);
int store_span(struct store *store, const struct store_span *span, struct error *error);
/* Inserts the execution, or with `is_known` updates end, status and failure of its row. */
int store_execution(struct store *store, const struct store_execution *execution, bool is_known, struct error *error);
int store_summary(struct store *store, uint32_t lane, uint32_t node, int kind, struct store_sum sum, struct error *error);
int store_lane_bounds(struct store *store, uint32_t lane, int64_t first_ns, int64_t last_ns, struct error *error);
int store_progress(struct store *store, const struct store_progress *progress, struct error *error);
int store_clock_sample(struct store *store, struct clock_pair pair, struct error *error);
/* `level` is one of info, warning, error. */
int store_log(struct store *store, int64_t time_ns, const char *level, uint32_t worker, uint32_t node, uint64_t execution,
	const char *text, struct error *error);
int store_failure(struct store *store, uint32_t failure, uint64_t execution, uint32_t node, int failure_status,
	int64_t time_ns, const char *text, struct error *error);
/* Enters a row; its id is for store_save_update, which sets n_triggers, first_ns, last_ns and n_records. */
int store_save(struct store *store, const struct store_save *save, struct error *error, int64_t *ret_id);
int store_save_update(struct store *store, int64_t id, const struct store_save *save, struct error *error);
/* Marks executions of which some op or end has no row, among the ops entered after `after_op` (as store_last_op gave it), and gives every
 * such op's execution a row. */
int store_mark_partial(struct store *store, int64_t after_op, struct error *error);
int store_last_op(struct store *store, int64_t *ret_op, struct error *error);

/* Keeps the write-ahead log below about a sixteenth of `limit_bytes`, or 256 KiB, where no reader is in the way. */
int store_bound_log(struct store *store, uint64_t limit_bytes, struct error *error);
/* File and log as they would be after a commit now, at most, less what was set aside. 0 for a store in memory. */
uint64_t store_used_bytes(struct store *store);

/* What was entered since store_used_bytes gave `before_bytes` does not count in it from now on. Moves the log into the file, for it was much. */
void store_set_aside(struct store *store, uint64_t before_bytes);

/* Sets (not adds) the number of lost records. The rows exist since store_begin_run: no new page is needed. */
int store_loss(struct store *store, uint32_t worker, enum loss cause, uint64_t n_records, struct error *error);

/* Enters how the run ended: `run_status` is a status word or "killed". */
int store_end_run(struct store *store, const char *run_status, const char *message, int64_t end_ns, struct error *error);

/* Marks the file finished, and makes it one file without a log beside it when no reader is in the way and the disk
 * allows. Not being able to do the latter is no failure: the file and its log are valid together. */
int store_seal(struct store *store, struct error *error);

/* Moves the log into the file as far as possible, to make room. */
void store_make_room(struct store *store);

/* Accepts NULL. Does not seal. */
void store_close(struct store *store);

int64_t store_run_id(const struct store *store);
int64_t store_run_start_ns(const struct store *store); /* as store_begin_run was given it */
struct db *store_db(struct store *store); /* for tests and the bench */

#endif
