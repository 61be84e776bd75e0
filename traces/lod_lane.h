/* SPDX-License-Identifier: Apache-2.0
 *
 * lod_lane: builds the pyramid of one lane from its pieces, which come by start. A block is a list of pieces until LOD_SPARSE_SPANS spans begin
 * in it, then cells. When time has passed its end it is handed to the sink (cells only) and goes into a quarter of the block above it,
 * a list as a list, so that what is sparse costs a copy and what is long goes straight to the level where it is short.
 *
 *     pieces ─► level 0: one open block ─► level 1: one open block ─► … (each closes when the one below begins a block behind its end)
 *        └───► carry: pieces that go beyond the open block of level 0
 *
 * Memory: one open block a level: at most about 50 KiB each, where it is dense.
 */
#ifndef TANDEM_TRACES_LOD_LANE_H
#define TANDEM_TRACES_LOD_LANE_H

#include "traces/lod.h"

/* Takes a finished block. */
typedef int lod_sink_fn(void *user, int level, int64_t block, const void *data, size_t n_bytes, struct error *error);

struct lod_level {
	bool is_open, is_dense;
	int64_t block;
	struct lod_piece *pieces; /* while it is not dense */
	int n_pieces, capacity;
	int n_spans;
	struct lod_cell *cells;   /* [LOD_BLOCK_CELLS]; NULL until it was dense once */
	struct lod_stretch stretch;
};

struct lod_lane {
	struct lod_level levels[LOD_LEVELS_MAX];
	struct lod_piece *carry;
	int n_carry, carry_capacity;
	int64_t first_ns, last_ns; /* from the origin; first > last: nothing yet */
	int64_t n_spans;
	lod_sink_fn *sink;
	void *user;
};

void lod_lane_init(struct lod_lane *lane, lod_sink_fn *sink, void *user);
void lod_lane_finish(struct lod_lane *lane);

/* Adds the pieces of one span, contiguous, is_first the first. A start before that of the span before is taken where there is still an open
 * block for it. */
int lod_lane_add(struct lod_lane *lane, const struct lod_piece *pieces, int n, struct error *error);

/* Closes every block that ends before the present one of level 0 begins: *ret_closed_ns is that moment (INT64_MIN: nothing yet). */
int lod_lane_flush(struct lod_lane *lane, int64_t *ret_closed_ns, struct error *error);
/* The same with all that are open: nothing can be added any more. */
int lod_lane_close(struct lod_lane *lane, struct error *error);

/* The lowest level at which all that was added lies in one block. */
int lod_lane_top(const struct lod_lane *lane);

#endif
