/* SPDX-License-Identifier: Apache-2.0
 *
 * import_sink: where importers put what they read. Spans may come in any order; the sink sorts them (in memory, in a temporary file beside the output
 * where they are many), nests those of a thread, links launches to device work, and writes rows, summaries and the level of detail, in order of time.
 *
 *     importer ──process, thread, stream, string, span, counter, problem──► sink ──close──► trace file (run.mode "imported")
 *
 * doc/trace-schema.md has the tables. Times: the source's own numbers in ns, plus `offset_ns` of the file.
 */
#ifndef TANDEM_TRACES_IMPORT_SINK_H
#define TANDEM_TRACES_IMPORT_SINK_H

#include "traces/db.h"
#include "traces/import.h"
#include "traces/schema.h"

#define IMPORT_NONE UINT32_MAX
#define IMPORT_UNKNOWN INT64_MIN /* a number that the source does not have */

struct import_sink;

int import_sink_create(const struct import_options *options, struct error *error, struct import_sink **ret_sink);
void import_sink_destroy(struct import_sink *sink); /* accepts NULL; without a close before, nothing is left of the output */

/* -- what there is -------------------------------------------------------------------------------------------------------------- */

/* A file begins: following calls belong to it. `info` is entered into the table import_source by import_sink_close and must be there until then. */
int import_begin_file(struct import_sink *sink, struct import_file *info, struct error *error);
int import_end_file(struct import_sink *sink, struct error *error); /* what was opened and not closed ends with its lane, as a problem */

/* A text, interned: equal texts give equal numbers. Bytes that are no UTF-8 become U+FFFD. */
uint32_t import_string(struct import_sink *sink, const char *text, size_t n);

/* Copies a text, cut to size − 1 bytes; returns how many. */
size_t import_string_copy(const struct import_sink *sink, uint32_t string, char *bytes, size_t size);

/* A process of the current file: known by its pid (a number; texts like "Spans" by pid IMPORT_UNKNOWN and the name). Repeated calls give the same. */
uint32_t import_process(struct import_sink *sink, int64_t pid, const char *name);
void import_process_name(struct import_sink *sink, uint32_t process, const char *name, int64_t rank); /* rank −1: not known */
void import_process_pid(struct import_sink *sink, uint32_t process, int64_t pid); /* learned later */

uint32_t import_n_processes(const struct import_sink *sink);

/* A host thread; its spans nest. */
uint32_t import_thread(struct import_sink *sink, uint32_t process, int64_t tid);
void import_thread_name(struct import_sink *sink, uint32_t thread, const char *name);

/* The same for threads and devices that may not be there: does nothing then. */
void import_name_thread(struct import_sink *sink, uint32_t process, int64_t tid, const char *name);
void import_name_device(struct import_sink *sink, uint32_t process, int64_t device, const char *name, const char *kind);

/* A device, as the process numbers it, and a stream of it. Spans of a stream may overlap: stacked, never dropped. */
uint32_t import_device(struct import_sink *sink, uint32_t process, int64_t device);
void import_device_name(struct import_sink *sink, uint32_t device, const char *name, const char *kind); /* kind: "cuda", "rocm", … */
void import_set_device_kind(struct import_sink *sink, uint32_t process, const char *kind); /* of all of a process */
uint32_t import_stream(struct import_sink *sink, uint32_t device, int64_t context, int64_t stream);

/* -- what happened ---------------------------------------------------------------------------------------------------------------- */

/* X(NAME, word): what an API call does, for findings and idle causes: api_class of api spans. */
#define IMPORT_API_MAP(X)                                                                            \
	X(OTHER, "other") X(LAUNCH, "launch") X(GRAPH_LAUNCH, "graph_launch") X(COPY, "copy")        \
	X(SYNC, "sync") X(ALLOCATE, "allocate") X(EVENT, "event") X(MODULE, "module")        \
	X(REPEATED, "repeated") /* a second row of a call that has one already: counts in no sum */
enum import_api {
#define X(name, word) IMPORT_API_##name,
	IMPORT_API_MAP(X)
#undef X
};
/* By the call's name, CUDA or HIP, with or without version suffix. */
enum import_api import_api_class(const char *name, size_t n);
enum import_api import_api_class_of(struct import_sink *sink, uint32_t name); /* of a text: looked at once */

struct import_span {
	uint32_t lane;           /* of import_thread or import_stream */
	int kind;                /* enum span_kind */
	int64_t start_ns, duration_ns; /* duration IMPORT_UNKNOWN: never closed, shown up to the end; the importer counts it */
	uint32_t name;           /* import_string */
	uint32_t category;       /* the source's: "cpu_op", "user_annotation", NVTX domain; IMPORT_NONE */
	int64_t correlation;     /* of launch and device work within the process; IMPORT_UNKNOWN */
	int64_t external;        /* Kineto's External id, NVTX range id; IMPORT_UNKNOWN */
	int64_t bytes;           /* IMPORT_UNKNOWN */
	uint32_t copy_kind;      /* string "HtoD (Pinned -> Device)"; IMPORT_NONE */
	int64_t graph, graph_node; /* IMPORT_UNKNOWN */
	int64_t graph_root;      /* the captured node that graph_node is a clone of; IMPORT_UNKNOWN */
	int64_t event;           /* sync and event spans: what ties a record to who waits for it; IMPORT_UNKNOWN: not known, −1 of the source too */
	int64_t wait_stream;     /* sync spans: the stream waited for; IMPORT_UNKNOWN */
	uint8_t api_class;       /* enum import_api */
	uint8_t sync_kind;       /* 0 none, 1 event sync, 2 stream waits event, 3 stream sync, 4 context sync */
	uint32_t grid[3], block[3]; /* 0: not known */
	uint32_t n_args;         /* further pairs worth keeping (collective fields, sequence numbers): strings */
	const struct import_arg *args;
};
struct import_arg {
	uint32_t name, value;    /* strings */
};
/* Where in the file what follows stands (a byte offset, a row), for problems that the sink finds. */
void import_at(struct import_sink *sink, uint64_t place);
int import_add_span(struct import_sink *sink, const struct import_span *span, struct error *error);

/* B and E of Chrome traces: opened and closed by (thread) stack; an E without B, a B without E are problems by themselves. */
int import_open_span(struct import_sink *sink, const struct import_span *span, struct error *error);
int import_close_span(struct import_sink *sink, uint32_t thread, int64_t end_ns, uint32_t name, struct error *error);

/* Into the same order of time as spans. */
int import_add_counter(struct import_sink *sink, uint32_t process, uint32_t name, int64_t time_ns, double value, struct error *error);
/* A fact about the file for `run_meta` ("product_version", "nccl_version"): nothing that names hosts, users or command lines. */
int import_add_meta(struct import_sink *sink, const char *key, const char *value, struct error *error);
/* A number that the file has and no row tells ("flow ids with an end only"): for the table import_count. */
int import_add_count(struct import_sink *sink, const char *what, uint64_t n, struct error *error);
/* The first moment of the current file; INT64_MAX: nothing yet. */
int64_t import_first_ns(const struct import_sink *sink);
/* The Unix time of the file's time 0. */
void import_align_base(struct import_sink *sink, int64_t base_ns);
/* A message of the source (DIAGNOSTIC_EVENT): into `log`. */
int import_add_log(struct import_sink *sink, int64_t time_ns, const char *level, const char *text, struct error *error);

/* Something that could not be read: `cause` a short fixed phrase ("an event without ts"), `place` where the first one is (a byte offset, a row). The
 * event counts as a problem of the file. */
void import_problem(struct import_sink *sink, const char *cause, uint64_t place);
/* The same of `n` things that were read all the same, if not as they stood: they have a row by cause and do not count as problems of the file. */
void import_note(struct import_sink *sink, const char *cause, uint64_t n);

/* -- the end ---------------------------------------------------------------------------------------------------------------------- */

/* Writes everything. The output exists only after STATUS_OK. */
int import_sink_close(struct import_sink *sink, struct error *error);

/* One importer: reads one file into the sink. */
typedef int import_fn(struct import_sink *sink, const struct import_options *options, struct import_file *info, struct error *error);
import_fn import_nsys, import_kineto, import_chrome, import_ray;

#endif
