/* SPDX-License-Identifier: Apache-2.0
 *
 * lod_build: the pyramids of all lanes of a run, where their rows lie and how full channels are, into the tables of lod.h. While recording it is
 * told of each row as that is inserted; for a trace that has none, lod_build_run reads the rows.
 *
 * Order: of one lane rows come by start, of one node by execution; between lanes there is no order.
 */
#ifndef TANDEM_TRACES_LOD_BUILD_H
#define TANDEM_TRACES_LOD_BUILD_H

#include "traces/lod.h"

struct lod_build;

/* For a run whose layout (lanes, nodes, channels, edges) is in the file; writes into the tables of `database` ("main", "temp"), which exist.
 * The grid begins at `origin_ns`. *ret_build is the caller's to destroy. */
int lod_build_create(struct db *db, const char *database, int64_t run, int64_t origin_ns, struct error *error,
	struct lod_build **ret_build);
void lod_build_destroy(struct lod_build *build); /* accepts NULL */

/* One op, by index of lane and node; `phase_ns` [OP_PHASE_COUNT]; `row` is its rowid. */
struct lod_op {
	int lane, node;
	int64_t execution, start_ns, duration_ns, row;
	int status;            /* enum status */
	const int64_t *phase_ns;
};
int lod_build_op(struct lod_build *build, const struct lod_op *op, struct error *error);

/* A span of any kind: one that fills the lane, device work, a wait (only its place is kept). Of another tool's trace, which has neither edges nor
 * peers: `edge` is its name, `peer` its category, as numbers of strings − 1. */
struct lod_span {
	int lane, node, kind;  /* node: LOD_NONE */
	int edge, peer, cause; /* peer: of workers; cause: of a wait, otherwise the span's class; LOD_NONE */
	int64_t execution, start_ns, duration_ns, row, bytes; /* execution: LOD_NONE; bytes: -1 */
};
int lod_build_span(struct lod_build *build, const struct lod_span *span, struct error *error);
/* The two halves of that, for who reads rows in another order than that of time: where the row lies, and what is drawn. */
int lod_build_place(struct lod_build *build, const struct lod_span *span, struct error *error);
int lod_build_draw(struct lod_build *build, const struct lod_span *span, struct error *error);

/* In the writer's transaction, before its commit: what a reader needs to find all rows so far. */
int lod_build_flush(struct lod_build *build, struct error *error);
/* At the run's end instead. */
int lod_build_close(struct lod_build *build, struct error *error);

/* Whether a span of this kind and class (LOD_NONE: none) is on a pyramid, and as which phase. */
bool lod_kind_phase(int kind, int class, uint8_t *ret_phase);

/* Makes all of it for a run from its rows. `progress` (may be NULL) is told the share done and may return false: STATUS_STOPPED. In a
 * transaction of the caller's, or without one. */
typedef bool lod_progress_fn(void *user, double share);
int lod_build_run(struct db *db, const char *database, int64_t run, int64_t origin_ns, lod_progress_fn *progress, void *user,
	struct error *error);

#endif
