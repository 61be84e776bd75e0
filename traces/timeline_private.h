/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_private: what the files of the timeline share: statements, where rows lie, and a bounded cache of their leaves.
 */
#ifndef TANDEM_TRACES_TIMELINE_PRIVATE_H
#define TANDEM_TRACES_TIMELINE_PRIVATE_H

#include "traces/lod.h"
#include "traces/lod_leaf.h"
#include "traces/timeline.h"

#define TIMELINE_LEAVES_MAX 512 /* in the cache of an imported trace, which has many lanes: at most about 25 MB */
#define TIMELINE_LEAVES_OWN 160 /* of others, whose rows have pieces: 15 MB */

/* One row of op_event or span. Lanes, nodes, edges are indices. */
struct timeline_row {
	int64_t row, start_ns, duration_ns, execution, bytes;
	int32_t lane, node, edge, peer;
	int32_t name, category; /* texts; 0: none */
	int32_t first_piece; /* of the leaf's pieces; is_op */
	int16_t kind, cause;
	uint8_t n_pieces, status;
};

/* The rows of one range. */
struct timeline_leaf {
	bool is_used, is_open; /* is_open: rows may still come */
	enum lod_source source;
	int lane, range;
	uint64_t used_at;
	struct timeline_row *rows;    /* by row */
	struct timeline_piece *pieces; /* start_ns is not set */
	int n_rows, n_pieces, pieces_capacity;
};

/* A stretch of rows with some of a lane's. */
struct timeline_range {
	int64_t first_row, last_row, first_ns, last_ns;
	int64_t until_ns;    /* largest last_ns up to here */
};
struct timeline_ranges {
	struct timeline_range *ranges; /* by first_row */
	int n, capacity;
	bool is_ordered;     /* first_ns grows */
};

struct timeline_source {
	int64_t id;          /* of the lane in the file */
	bool has_pyramid;
	int64_t closed_ns;   /* blocks that end up to here are complete; INT64_MAX: all */
	int top;
	struct timeline_ranges ranges[LOD_SOURCE_COUNT];
};

/* X(NAME, sql): %s is the database with the pyramid */
#define TIMELINE_STMT_MAP(X) \
	X(BLOCKS, "SELECT block, data FROM %s.lod WHERE lane = ?1 AND level = ?2 AND block BETWEEN ?3 AND ?4 ORDER BY block") \
	X(LEAF, "SELECT data FROM %s.lod WHERE lane = ?1 AND level = ?2 AND block = ?3") \
	X(FILL_BEFORE, "SELECT max(first_ns) FROM %s.lod_fill WHERE lane = ?1 AND first_ns < ?2") \
	X(FILL, "SELECT first_ns, data FROM %s.lod_fill WHERE lane = ?1 AND first_ns >= ?2 ORDER BY first_ns") \
	X(RANGES, "SELECT lane, source, first_row, last_row, first_ns, last_ns FROM %s.lod_rows WHERE lane = ?1 AND source = ?2" \
		  " AND first_row >= ?3 ORDER BY first_row") \
	X(LANES, "SELECT d.lane, d.origin_ns, d.closed_ns, d.top, d.n_spans, d.first_ns, d.last_ns FROM %s.lod_lane d JOIN lane l" \
		 " ON l.id = d.lane WHERE l.run = ?1")

enum timeline_stmt {
#define X(name, sql) TIMELINE_##name,
	TIMELINE_STMT_MAP(X)
#undef X
	TIMELINE_ROWS_OF_WAITS,
	TIMELINE_EXECUTION,
	TIMELINE_EXECUTION_FROM,
	TIMELINE_STMT_COUNT
};

struct timeline_texts;

struct timeline_store {
	struct db *db;
	const char *database;
	struct db_stmt *stmts[TIMELINE_STMT_COUNT];
	struct timeline_source *sources; /* [n_lanes] */
	int *lane_of_id;                 /* [n_ids] at id - lane_id */
	int n_ids, n_workers;
	int64_t lane_id, node_id, edge_id, worker_id, process_id;
	int64_t context;                 /* of the lane read last */
	int64_t grid_ns;                 /* where the cells begin */
	struct timeline_leaf leaves[TIMELINE_LEAVES_MAX];
	struct lod_leaf_reader *reader;
	struct timeline_texts *texts;    /* timeline_import.c's; NULL: nothing was asked for yet */
	uint64_t n_uses;
	int64_t n_built;                 /* rows there were when the pyramid was made; of a temporary one */
};

/* Visits the rows of a lane of one source that touch [from_ns, until_ns), in order of rows (direction 1) or backwards, until `visit` returns
 * false. The row and its pieces are valid during the visit. */
typedef bool timeline_visit_fn(void *user, const struct timeline_row *row, const struct timeline_piece *pieces);
int timeline_rows_visit(struct timeline *timeline, int lane, enum lod_source source, int64_t from_ns, int64_t until_ns, int direction,
	timeline_visit_fn *visit, void *user, struct error *error);

/* One range alone: index into the lane's ranges. */
int timeline_range_visit(struct timeline *timeline, int lane, enum lod_source source, int range, int64_t from_ns, int64_t until_ns,
	int direction, bool *ret_goes_on, timeline_visit_fn *visit, void *user, struct error *error);

/* Where the rows of lanes lie, as far as not known yet; forgets leaves that may have got more rows. */
int timeline_rows_refresh(struct timeline *timeline, struct error *error);
/* Forgets all that is known. */
void timeline_rows_forget(struct timeline *timeline);
void timeline_rows_finish(struct timeline *timeline);

/* A span that is no op gets the phase that it is drawn as. */
void timeline_span_phase(struct timeline_span *span);

/* A row as a span. */
struct timeline_span timeline_span_of(const struct timeline_row *row, const struct timeline_piece *pieces);

/* Releases what timeline_import.c keeps. */
void timeline_texts_finish(struct timeline *timeline);

/* Bounds in the grid. */
static inline int64_t timeline_grid(const struct timeline *timeline, int64_t time_ns)
{
	return time_ns - timeline->store->grid_ns;
}

/* Sums [from_ns, until_ns) of a channel's lane from its events. */
typedef void timeline_fill_fn(void *user, int64_t from_ns, int64_t until_ns, int64_t fill, bool begins);
int timeline_fill_visit(struct timeline *timeline, int lane, int64_t from_ns, int64_t until_ns, timeline_fill_fn *visit, void *user,
	struct error *error);

/* The level of the pyramid for cells of this scale on a lane; -1: rows. */
int timeline_level(const struct timeline *timeline, int lane, struct timeline_scale scale);

/* What a part of a lane is made of: cells of a level of the pyramid, or rows. Times are from the grid's origin. */
struct timeline_parts {
	void *user;
	/* A cell that lies within the part asked for. False ends the walk. */
	bool (*cell)(void *user, int level, int64_t start_ns, const struct lod_cell *cell);
	/* Rows are to be read for this interval. */
	int (*rows)(void *user, int64_t from_ns, int64_t until_ns, struct error *error);
};
/* [from_ns, until_ns) on cells of the level. In order of time. */
int timeline_walk(struct timeline *timeline, int lane, int level, int64_t from_ns, int64_t until_ns, const struct timeline_parts *parts,
	struct error *error);

#endif
