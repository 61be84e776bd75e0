/* SPDX-License-Identifier: Apache-2.0
 *
 * export_imported: runs of other tools' programs as timelines: threads and streams are tracks, what nests stays nested, launches lead to device work.
 * Chrome JSON is written in the dialect of the source (Kineto's for GPU traces), so that it can be imported again with nothing changed.
 */
#ifndef TANDEM_TRACES_EXPORT_IMPORTED_H
#define TANDEM_TRACES_EXPORT_IMPORTED_H

#include "traces/export_timeline.h"

/* A lane and the track that it is a depth of. */
struct imported_lane {
	int64_t id, track;      /* lanes; the track's is its first one */
	int64_t process, pid, thread, stream, device; /* IMPORTED_UNKNOWN */
	char *name, *process_name, *thread_name;      /* owned; the last two may be NULL */
	bool is_stream, is_work;
};
#define IMPORTED_UNKNOWN INT64_MIN

struct imported_lanes {
	struct imported_lane *items; /* in order of id */
	int n;
};

/* In any case the lanes must be finished. */
int imported_lanes_load(struct export *export, int64_t run, struct imported_lanes *ret_lanes);
void imported_lanes_finish(struct imported_lanes *lanes);
/* NULL: there is none. */
const struct imported_lane *imported_lanes_find(const struct imported_lanes *lanes, int64_t id);

/* One span with all that is known of it, in order of time; X(NAME, sql). */
#define IMPORTED_COLUMN_MAP(X)                                                                 \
	X(LANE, "s.lane") X(KIND, "s.kind") X(START, "s.start_ns") X(DURATION, "s.duration_ns") \
	X(NAME, "t.text") X(CATEGORY, "c.text") X(CORRELATION, "s.correlation")                \
	X(EXTERNAL, "s.external") X(BYTES, "s.bytes") X(GRAPH, "g.graph")                      \
	X(GRAPH_NODE, "g.graph_node") X(WAIT_STREAM, "g.wait_stream") X(EVENT, "g.event")      \
	X(SYNC_KIND, "g.sync_kind") X(GRID_X, "g.grid_x") X(GRID_Y, "g.grid_y")                \
	X(GRID_Z, "g.grid_z") X(BLOCK_X, "g.block_x") X(BLOCK_Y, "g.block_y")                  \
	X(BLOCK_Z, "g.block_z") X(LAUNCH, "g.launch") X(LAUNCH_LANE, "a.lane")                 \
	X(LAUNCH_START, "a.start_ns") X(CLASS, "s.class") X(ID, "s.id")                        \
	X(ARGS, "(SELECT json_group_object(k.text, v.text) FROM arg r JOIN string k ON k.id = r.name JOIN string v ON v.id = r.value" \
		" WHERE r.span = s.id HAVING count(*) > 0)")
enum imported_column {
#define X(name, sql) IMPORTED_##name,
	IMPORTED_COLUMN_MAP(X)
#undef X
};

/* Calls `each` for every span of the run, or of the range of executions. */
int imported_spans(struct export *export, int64_t run, int (*each)(void *user, struct db_stmt *row), void *user);

/* A column as a number, IMPORTED_UNKNOWN for NULL. */
int64_t imported_number(struct db_stmt *row, enum imported_column column);

/* By a writer of timelines. */
int export_imported_walk(struct export_writer *writer, const struct export_writer_ops *ops, const struct trace_run *run);

/* The events of one run as Chrome JSON. */
int export_imported_chrome(struct export_writer *writer, const struct trace_run *run);
/* Begins an event of Chrome JSON, up to its ph. */
struct export_sink *export_chrome_event(struct export_writer *writer, const char *phase);
/* Whether the runs that are exported are written in Kineto's dialect; then what stands before the events goes to the sink. */
bool export_imported_head(struct export *export);

#endif
