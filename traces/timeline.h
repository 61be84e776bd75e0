/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline: one run's lanes over time, at any zoom, at a cost of what is asked for and not of what was recorded. Cells (columns of a screen)
 * come from the level-of-detail pyramid (lod.h), single spans from the event tables by way of the row ranges that the pyramid keeps.
 * Lanes, nodes and edges are small and in memory; so is a bounded cache of pyramid blocks.
 *
 * Times are the trace's (host clock, ns). The grid begins at `origin_ns`, the run's start. A scale says how wide a cell is: m × 2^s ns with m in
 * 8 … 15 (or 1 … 7 with s 0); cells start at multiples of 2^s from the origin, so that with the pyramid's cells, which are powers of two
 * as well, every sum is exact at every zoom: over the cells of a window, each ns of each span counts once.
 *
 * A timeline belongs to one thread.
 */
#ifndef TANDEM_TRACES_TIMELINE_H
#define TANDEM_TRACES_TIMELINE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "traces/schema.h"
#include "traces/trace.h"

#define TIMELINE_NONE (-1)

enum timeline_lane_kind {
	TIMELINE_HOST,    /* a worker's host thread, the driver first */
	TIMELINE_DEVICE,  /* a stream or queue of a device; spans may overlap */
	TIMELINE_THREAD,  /* imported: what nests, of a thread or of marks on a stream, a lane a depth */
	TIMELINE_CHANNEL, /* fill over time */
};

/* Of an imported trace. */
struct timeline_process {
	int64_t id;              /* in the file */
	char *title;             /* "rank 0", "process 4711", or its name */
};

struct timeline_lane {
	int64_t id;              /* in the file; of a channel: the channel's */
	enum timeline_lane_kind kind;
	char *name;              /* "w0", "layer2->layer3.x" */
	char *worker, *device;   /* NULL when none */
	int64_t first_ns, last_ns; /* bounds of what is on it; first > last when nothing is */
	int writer;              /* CHANNEL: node that writes */
	int64_t depth, payload_bytes;
	char *transport;
	int64_t n_lost;          /* HOST: records lost, all causes */
	int process;             /* imported: index; TIMELINE_NONE */
	int track;               /* imported: one number for all lanes of a thread, or of a stream with its marks; TIMELINE_NONE */
	int nesting;             /* THREAD: depth, from 0 */
	bool is_stream;          /* imported: a stream, or marks on one */
	int64_t number;          /* imported: of the stream, or of the thread */
};

struct timeline_node {
	int64_t id;
	char *name, *op, *params, *outputs, *collective; /* op NULL for input and output; others may be NULL */
	int lane, line, position; /* host lane; line in the graph's file, 0: none; place in the worker's order */
};

struct timeline_edge {
	int64_t id;
	char *name, *result;     /* result: name of a graph's result, NULL otherwise */
	int src, dst;            /* nodes */
	int channel;             /* lane of kind CHANNEL, TIMELINE_NONE when nothing moves */
	bool is_peer;            /* of a collective */
};

/* One node in one execution, a wait with a name, a span that fills a lane, device work. */
struct timeline_span {
	int64_t row;             /* rowid in op_event (is_op) or span */
	bool is_op;
	int lane, node, edge, peer; /* indices, peer: lane of the worker waited for; TIMELINE_NONE */
	int kind;                /* enum phase or enum span_kind; SPAN_KIND_OP when is_op */
	int cause;               /* enum phase of a wait; TIMELINE_NONE */
	int status;              /* enum status of an op */
	int64_t execution;       /* TIMELINE_NONE */
	int64_t start_ns, duration_ns;
	int64_t phase_ns[PHASE_COUNT]; /* is_op: they sum to duration_ns; otherwise duration_ns at the phase that it is drawn as */
	int64_t bytes;           /* -1: not recorded */
	int64_t name, category;  /* imported: texts (timeline_import.h); 0: none */
};

/* A piece of a span of one phase: what is drawn. */
struct timeline_piece {
	enum phase phase;
	int64_t start_ns, duration_ns;
};

/* What lies in one column of one lane. */
struct timeline_cell {
	int64_t ns[PHASE_COUNT]; /* by phase; device lanes: COMPUTE. May sum to more than the width where spans overlap */
	int64_t n_spans;         /* ops and lane-filling spans that start in it */
	int64_t longest_ns;      /* duration of the longest span that starts in it */
	int64_t top_ns;          /* the longest stretch of one span's one phase in it; from the pyramid up to a sixth of the column short … */
	int top_node;            /* … and whose it is; TIMELINE_NONE */
	enum phase top_phase;
	int64_t top_execution;
	double fill_mean;        /* CHANNEL: messages in it, over the cell's time; NaN: nothing recorded */
	int64_t fill_max;
};

struct timeline_scale {
	int m, s;                /* a cell is m << s ns */
};

struct timeline {
	const struct trace *trace;      /* the caller's; must outlive it */
	int64_t run;                    /* id */
	const struct trace_run *info;
	struct timeline_lane *lanes;    /* hosts (driver first), devices, channels */
	int n_lanes;
	struct timeline_node *nodes;    /* in the program's order; input, output first */
	int n_nodes;
	struct timeline_edge *edges;
	int n_edges;
	bool is_imported;               /* of another tool's: no nodes; processes, and spans with names (timeline_import.h) */
	struct timeline_process *processes;
	int n_processes;
	int64_t origin_ns, end_ns;      /* of everything recorded; end grows while the run goes on */
	int64_t n_spans;                /* ops and lane-filling spans, as far as counted */
	bool was_built;                 /* the file had no pyramid: one was made in memory when it was opened */
	struct timeline_store *store;   /* statements, cache */
};

/* Opens a run (id; 0: the first). A trace without a pyramid (older, merged from elsewhere, its collector killed) gets one made into a temporary
 * database: one pass, `progress` (may be NULL) is told the share done now and then and may return false to give up (STATUS_STOPPED). */
typedef bool timeline_progress_fn(void *user, double share);
int timeline_open(const struct trace *trace, int64_t run, timeline_progress_fn *progress, void *user, struct error *error,
	struct timeline **ret_timeline);
void timeline_close(struct timeline *timeline); /* accepts NULL */

/* A run that is still going on: takes over what was committed since. *ret_has_grown may be NULL. */
int timeline_refresh(struct timeline *timeline, bool *ret_has_grown, struct error *error);

/* Scales. The narrowest that shows `span_ns` in `n` cells; one step wider or narrower (about 10 %), and by two. */
struct timeline_scale timeline_scale_fit(int64_t span_ns, int n);
int64_t timeline_scale_ns(struct timeline_scale scale);      /* width of a cell */
struct timeline_scale timeline_scale_step(struct timeline_scale scale, int steps);  /* > 0: wider */
struct timeline_scale timeline_scale_double(struct timeline_scale scale, int times); /* > 0: wider */
/* The largest cell start that is not after `time_ns`. */
int64_t timeline_snap(const struct timeline *timeline, struct timeline_scale scale, int64_t time_ns);

/* Cells from_ns + i × width for i in 0 … n - 1 of a lane; from_ns must be snapped. */
int timeline_cells(struct timeline *timeline, int lane, struct timeline_scale scale, int64_t from_ns, int n,
	struct timeline_cell *cells, struct error *error);

/* Spans of a lane that touch [from_ns, until_ns), by start; waits with a name (details of ops) only when `with_waits`. At most n_max are
 * written; *ret_is_cut says whether there were more. CHANNEL lanes have none. */
int timeline_spans(struct timeline *timeline, int lane, int64_t from_ns, int64_t until_ns, bool with_waits, int n_max,
	struct timeline_span *spans, int *ret_n, bool *ret_is_cut, struct error *error);

/* The pieces of a span in the order in which they happened; at most PHASE_COUNT. Returns how many. */
int timeline_pieces(const struct timeline_span *span, struct timeline_piece *pieces);

/* Each of the following finds one span: STATUS_OK with *ret_found. */
int timeline_at(struct timeline *timeline, int lane, int64_t time_ns, struct timeline_span *ret_span, bool *ret_found, struct error *error);
int timeline_op(struct timeline *timeline, int node, int64_t execution, struct timeline_span *ret_span, bool *ret_found,
	struct error *error);
/* The next (direction 1) or previous (-1) span on the lane that starts after / before `span`. */
int timeline_next(struct timeline *timeline, const struct timeline_span *span, int direction, struct timeline_span *ret_span,
	bool *ret_found, struct error *error);

/* Waits with a name inside an op, by start. */
int timeline_waits(struct timeline *timeline, const struct timeline_span *op, int n_max, struct timeline_span *spans, int *ret_n,
	struct error *error);

/* When an execution was submitted and finished (INT64_MIN: not recorded), its status (enum status, SCHEMA_STATUS_UNFINISHED) and warm-up. */
struct timeline_execution {
	int64_t execution, start_ns, end_ns;
	int status;
	bool is_warmup;
	char failure[200];       /* text; "" when none */
};
int timeline_execution(struct timeline *timeline, int64_t execution, struct timeline_execution *ret_execution, bool *ret_found,
	struct error *error);
/* First and last recorded execution, and how many; 0 when none. The one under way or finished last at a time. */
int timeline_executions(struct timeline *timeline, int64_t *ret_first, int64_t *ret_last, int64_t *ret_n, struct error *error);
int timeline_execution_at(struct timeline *timeline, int64_t time_ns, int64_t *ret_execution, bool *ret_found, struct error *error);

/* What a search looks for; all that is set must hold. */
struct timeline_query {
	const bool *nodes;       /* [n_nodes]: ops of these; NULL: any */
	const bool *lanes;       /* [n_lanes]; NULL: all */
	int phase;               /* spans with time in this phase; TIMELINE_NONE: any */
	int64_t least_ns, most_ns; /* duration (of the phase, when set); most 0: no bound */
	int64_t execution;       /* TIMELINE_NONE: any */
	bool only_failed;
	/* imported */
	const uint8_t *names, *categories; /* [n_texts + 1] by text: 1 where it fits; NULL: any */
	int64_t n_texts;
	uint32_t kinds;          /* bits: kind − SPAN_KIND_OP; 0: any */
};
/* Whether a span is what the query looks for. */
bool timeline_query_fits(const struct timeline_query *query, const struct timeline_span *span);
/* The next span in time behind (direction 1) or before (-1) the moment; searches block by block with the pyramid's help and stops when
 * `*interrupt` becomes non-zero (STATUS_STOPPED; may be NULL). */
int timeline_search(struct timeline *timeline, const struct timeline_query *query, int64_t from_ns, int direction,
	const volatile sig_atomic_t *interrupt, struct timeline_span *ret_span, bool *ret_found, struct error *error);

#endif
