/* SPDX-License-Identifier: Apache-2.0
 *
 * export_timeline: a run as the events of a timeline: slices that nest, instants, counters and flows on tracks. One walk over the
 * trace (export_timeline.c) feeds one of the writers below. Times are ns of the trace's clock.
 *
 * Order of calls: begin; for each run: begin_run, then open and close of slices (properly nested and in order of time on each
 * track, track by track), instants and counters; end.
 */
#ifndef TANDEM_TRACES_EXPORT_TIMELINE_H
#define TANDEM_TRACES_EXPORT_TIMELINE_H

#include "traces/export_model.h"
#include "traces/schema.h"

/* Tracks are named by what they belong to: RUN by a run's id, LANE and WAITS by a lane's, IN_FLIGHT by a run's, FILL by a
 * channel's, RECORDED by the order in which counters are met. */
enum export_track_kind {
	EXPORT_TRACK_RUN,
	EXPORT_TRACK_LANE,
	EXPORT_TRACK_WAITS,
	EXPORT_TRACK_IN_FLIGHT,
	EXPORT_TRACK_FILL,
	EXPORT_TRACK_RECORDED,
};

struct export_track {
	enum export_track_kind kind;
	int64_t id;
};

/* X(NAME, word): what a note of an event is called; the phases of OP_PHASE_MAP follow as `<word>_ns`. */
#define EXPORT_KEY_MAP(X)                              \
	X(EXECUTION, "execution")                      \
	X(STATUS, "status")                            \
	X(BYTES, "output_bytes_at_most")               \
	X(NODE, "node")                                \
	X(EDGE, "edge")                                \
	X(CHANNEL, "channel")                          \
	X(PEER, "peer")                                \
	X(SLOT, "slot")                                \
	X(ROOT, "root")                                \
	X(LEVEL, "level")                              \
	X(TEXT, "text")                                \
	X(CAUSE, "cause")                              \
	X(RECORDS, "n_records")                        \
	X(CUT, "cut_ns")                               \
	X(CATEGORY, "category")                        \
	X(CORRELATION, "correlation")                  \
	X(EXTERNAL, "external_id")                     \
	X(SIZE, "bytes")                               \
	X(GRAPH_NODE, "graph_node")                    \
	X(GRID, "grid")                                \
	X(BLOCK, "block")

enum export_key {
#define X(name, word) EXPORT_KEY_##name,
	EXPORT_KEY_MAP(X)
#undef X
	EXPORT_KEY_PHASE,
	EXPORT_KEY_COUNT = EXPORT_KEY_PHASE + OP_PHASE_COUNT,
};
const char *export_key_word(int key);

struct export_note {
	int key;          /* enum export_key */
	const char *text; /* NULL: the number counts */
	int64_t number;
};

#define EXPORT_NOTES_MAX (OP_PHASE_COUNT + 8)

/* Names that occur often are known by number, so that a writer can keep them in a table: words of phases first, then for
 * each node its name and its op (export_names). */
#define EXPORT_NAME_NONE (-1)

struct export_event {
	struct export_track track;
	int64_t time_ns, end_ns;     /* end: slices only */
	const char *name, *category;
	int name_number, category_number; /* EXPORT_NAME_NONE: not in the table */
	struct export_note notes[EXPORT_NOTES_MAX];
	int n_notes;
	/* Flows that begin where this slice begins, and flows that end where it ends: indices of edges. What a slice takes may have
	 * come after its beginning, for a short wait has no phase of its own. */
	const int *flows_out, *flows_in;
	int n_flows_out, n_flows_in;
	int64_t execution;           /* of the flows */
	uint64_t launch_out, launch_in; /* flows of imported runs, from a call to the work that it launches; 0: none */
};

struct export_writer {
	struct export *export;
	const struct export_model *model; /* of the current run */
	void *own;
};

struct export_writer_ops {
	int (*begin)(struct export_writer *writer);
	void (*begin_run)(struct export_writer *writer); /* declares the run, its lanes and its names */
	void (*open)(struct export_writer *writer, const struct export_event *event);
	void (*close)(struct export_writer *writer, const struct export_event *event);
	void (*instant)(struct export_writer *writer, const struct export_event *event);
	void (*declare_counter)(struct export_writer *writer, struct export_track track, const char *name, const char *unit);
	void (*counter)(struct export_writer *writer, struct export_track track, const char *name, int64_t time_ns, double value);
	void (*end)(struct export_writer *writer); /* releases `own`; also after a failure of begin */
};

extern const struct export_writer_ops export_writer_perfetto, export_writer_chrome;

/* The name with this number, NULL behind the last one. */
const char *export_name(const struct export_model *model, int number);
static inline int export_name_of_node(int node)
{
	return PHASE_COUNT + 2 * node;
}
static inline int export_name_of_op(int node)
{
	return PHASE_COUNT + 2 * node + 1;
}

/* What identifies a flow: one for each edge and execution of a file. */
static inline uint64_t export_flow_id(const struct export_edge *edge, int64_t execution)
{
	return (uint64_t)edge->id << 40 | ((uint64_t)execution & (((uint64_t)1 << 40) - 1));
}

static inline uint64_t export_launch_id(int64_t span)
{
	return (uint64_t)1 << 63 | (uint64_t)span;
}

/* Counters derived from the trace: executions in flight, fill of each channel, and those that the trace holds. */
int export_counters(struct export_writer *writer, const struct export_writer_ops *ops);

#endif
