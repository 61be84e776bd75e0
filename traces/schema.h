/* SPDX-License-Identifier: Apache-2.0
 *
 * schema: tables and views of a trace file, their version, and the way from each version to the next.
 * doc/trace-schema.md describes every column for people; the views are the stable interface for scripts: columns are
 * only ever added.
 */
#ifndef TANDEM_TRACES_SCHEMA_H
#define TANDEM_TRACES_SCHEMA_H

#include "engine/base/error.h"
#include "engine/base/file_kind.h"
#include "engine/run/record.h"
#include "traces/db.h"

#define SCHEMA_APPLICATION_ID FILE_KIND_TRACE_ID
#define SCHEMA_VERSION 5                 /* user_version in the header of the file */

/* X(NAME, word): the phases that occur inside an op, columns `<word>_ns` of op_event in this order, NULL for a phase
 * that did not occur. v_op has the same with COLLECTIVE counted as compute. */
#define OP_PHASE_MAP(X)                    \
	X(STARVED, "starved")              \
	X(BACKPRESSURE, "backpressure")    \
	X(LATE_RANK, "late_rank")          \
	X(DISPATCH, "dispatch")            \
	X(ALLOCATE, "allocate")            \
	X(SERIALISE, "serialise")          \
	X(FETCH, "fetch")                  \
	X(READ, "read")                    \
	X(COMPUTE, "compute")              \
	X(WRITE, "write")                  \
	X(COLLECTIVE, "collective")        \
	X(LAUNCH, "launch")                \
	X(SYNC, "sync")                    \
	X(DEBUG, "debug")                  \
	X(RECORDER, "recorder")            \
	X(UNKNOWN, "unknown")

enum op_phase {
#define X(name, word) OP_PHASE_##name,
	OP_PHASE_MAP(X)
#undef X
	OP_PHASE_COUNT
};

/* X(NAME, number, word): rows of `kind` beyond the phases (whose ids are enum phase): kinds of spans that do not say
 * what the host's step thread did. Append only. */
#define SPAN_KIND_MAP(X)             \
	X(WAIT, 100, "wait")         \
	X(OP, 101, "op")             \
	X(KERNEL, 102, "kernel")     \
	X(MEMCPY, 103, "memcpy")     \
	X(MEMSET, 104, "memset")     \
	X(API, 105, "api")           \
	X(MARK, 106, "mark")

/* The same of traces of other tools. */
#define SPAN_KIND_MORE_MAP(X)             \
	X(GRAPH, 107, "graph")            /* a launch of a device graph as a whole: busy, nothing of it known */ \
	X(STREAM_SYNC, 108, "stream_sync") /* a stream's or the host's wait as the device's tracer saw it */ \
	X(OVERHEAD, 109, "overhead")      /* the profiler's own */ \
	X(EVENT, 110, "event")            /* a moment: an event's record, an instant */

enum span_kind {
#define X(name, number, word) SPAN_KIND_##name = number,
	SPAN_KIND_MAP(X)
	SPAN_KIND_MORE_MAP(X)
#undef X
};

/* span.class of a kernel. Of an API call: enum import_api. */
enum span_class {
	SPAN_CLASS_COMPUTE,
	SPAN_CLASS_COLLECTIVE,
};

/* The column of a phase; UNKNOWN for one that has no business inside an op. */
enum op_phase schema_op_phase(enum phase phase);

/* execution.status of an execution whose end was not recorded; others are enum status. */
#define SCHEMA_STATUS_UNFINISHED (-1)

/* One step of the way: brings a file from version - 1 to `version`. */
struct schema_step {
	int version;
	int (*apply)(struct db *db, struct error *error);
};

/* Brings a file to SCHEMA_VERSION (an empty one from 0) in one transaction; nothing is changed on failure.
 * STATUS_TRACE when the file is newer than this program knows. */
int schema_migrate(struct db *db, struct error *error);
/* The same with steps of the caller's, in ascending order, up to the last one's version. */
int schema_migrate_by(struct db *db, const struct schema_step *steps, int n_steps, struct error *error);

/* The file's version into *ret_version: STATUS_OK when it is a trace that this program can read or migrate,
 * STATUS_TRACE otherwise. */
int schema_check(struct db *db, int *ret_version, struct error *error);

#endif
