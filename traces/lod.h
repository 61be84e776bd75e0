/* SPDX-License-Identifier: Apache-2.0
 *
 * lod: the level-of-detail format: what a cell holds, how blocks of cells are coded, which tables they lie in. doc/level-of-detail.md explains
 * it as a whole.
 *
 * Grid: at level j cells are 2^(LOD_CELL_BITS + 2 j) ns wide and counted from the origin (of the run); a block is LOD_BLOCK_CELLS of them. Four
 * cells of a level make one of the next. A block in which fewer than LOD_SPARSE_SPANS spans begin is not stored: its rows are read instead,
 * which costs no more.
 */
#ifndef TANDEM_TRACES_LOD_H
#define TANDEM_TRACES_LOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/run/record.h"
#include "traces/db.h"
#include "traces/schema.h"

#define LOD_CELL_BITS 10
#define LOD_BLOCK_BITS 8
#define LOD_BLOCK_CELLS (1 << LOD_BLOCK_BITS)
#define LOD_LEVELS_MAX 20
#define LOD_SPARSE_SPANS 512
#define LOD_NONE (-1)
#define LOD_BLOCK_BYTES_MAX (LOD_BLOCK_CELLS * 280 + 256 * 8) /* of a coded block */

/* Rows of a table are found by ranges that hold at most so many of one lane's rows, and, of waits, are at most so many rows long. */
#define LOD_RANGE_ROWS 512
#define LOD_RANGE_LENGTH 4096

/* What a range of rows holds. */
enum lod_source {
	LOD_OPS,   /* op_event */
	LOD_SPANS, /* span: what fills a lane, device work */
	LOD_WAITS, /* span: waits with a name */
	LOD_SOURCE_COUNT,
	LOD_LEAVES_COUNT = LOD_WAITS, /* sources whose rows are kept in leaves */
};

/* Leaves (lod_leaf.h) lie with the blocks: at this level, "block" is the first row of the range. */
static inline int lod_leaf_level(enum lod_source source)
{
	return -1 - (int)source;
}

/* A stretch of time of one phase of one span, or of one fill of a channel. Times are from the origin. */
struct lod_piece {
	int64_t start_ns, end_ns;
	int64_t duration_ns; /* is_first: of the whole span */
	int64_t execution;   /* without a node: the span's start, so that two are told apart */
	int32_t node;        /* index; LOD_NONE */
	int32_t fill;        /* is_fill: messages in the channel */
	uint8_t phase;       /* is_fill: 0 */
	bool is_fill;        /* a channel's: time counts `fill` times */
	bool is_first;       /* the span begins with it; is_fill: with it a message was written */
	bool is_failed;      /* is_first: the op failed */
};

struct lod_cell {
	uint32_t mask;       /* bits: phases with time */
	int32_t top_node;
	int64_t n_spans, longest_ns; /* that begin in it; of a channel: messages written, largest fill */
	int64_t top_ns, top_execution; /* longest stretch known of one (node, execution, phase); top_ns 0: none */
	uint8_t top_phase;
	bool has_failed;     /* one that begins in it did */
	int64_t ns[PHASE_COUNT]; /* valid where the mask says so; weighted */
};

/* The stretch that is growing, for the longest one of a cell: pieces and cells are added in order of time. */
struct lod_stretch {
	int64_t ns, execution;
	int32_t cell, node;  /* cell -1: none */
	uint8_t phase;
};

static inline int lod_cell_bits(int level)
{
	return LOD_CELL_BITS + 2 * level;
}
static inline int lod_block_bits(int level)
{
	return LOD_CELL_BITS + 2 * level + LOD_BLOCK_BITS;
}

/* Adds to cell `idx` what a stretch in it says; `stretch` goes along. */
void lod_stretch_add(struct lod_stretch *stretch, struct lod_cell *cell, int idx, int32_t node, int64_t execution, uint8_t phase,
	int64_t ns);

/* Adds a piece that lies within the block of these cells. */
void lod_cells_add(struct lod_cell *cells, struct lod_stretch *stretch, int level, const struct lod_piece *piece);

/* Adds all of `from` to cell `idx`, as the next in time. */
void lod_cell_merge(struct lod_cell *cell, struct lod_stretch *stretch, int idx, const struct lod_cell *from);

/* The phases of an op's columns as pieces one after the other, in the order of critical_run.h; the first one is_first. At least one.
 * `phase_ns` [OP_PHASE_COUNT]; `like` gives everything but times and phases, and the start. Returns how many; at most PHASE_COUNT. */
int lod_pieces(const struct lod_piece *like, const int64_t *phase_ns, struct lod_piece *pieces);

/* Codes LOD_BLOCK_CELLS cells into `data` [LOD_BLOCK_BYTES_MAX]; returns the bytes. */
size_t lod_encode(const struct lod_cell *cells, int level, uint8_t *data);

/* Reads a block back, cell by cell; cells with nothing in them are left out. */
struct lod_decoder {
	const uint8_t *at, *end;
	int64_t width_ns, execution, node;
	int n_left, idx, n_masks;
	uint32_t masks[LOD_BLOCK_CELLS];
	bool is_damaged;
};
void lod_decode_begin(struct lod_decoder *decoder, const void *data, size_t n_bytes, int level);
/* False behind the last cell, or when the data are damaged. */
bool lod_decode_next(struct lod_decoder *decoder, int *ret_idx, struct lod_cell *ret_cell);

/* Numbers of 7 bits a byte, low ones first; what may be negative folded, so that small stays small. */
static inline uint8_t *lod_put(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}
bool lod_get(const uint8_t **at, const uint8_t *end, uint64_t *ret_value);
static inline uint64_t lod_fold(int64_t value)
{
	return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}
static inline int64_t lod_unfold(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* Makes the tables in a database of the connection: "main", "temp". */
int lod_create_tables(struct db *db, const char *database, struct error *error);

#endif
