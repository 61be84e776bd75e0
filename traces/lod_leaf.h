/* SPDX-License-Identifier: Apache-2.0
 *
 * lod_leaf: the coding of single rows: up to LOD_RANGE_ROWS ops, or spans that are drawn, of one lane in the order of their rows. About five
 * bytes each, read in some 30 ns: where blocks are too sparse to be stored, this is drawn instead; and every question about
 * single spans is answered from it.
 *
 * A leaf is a list of rows:
 *   form << 3 | has execution << 2 | has start << 1 | has row
 *   the form, when it is the next new one: number of phases << 4 | has own duration << 3 | has bytes << 2 | has names << 1 | is an op; the
 *     phases in the order in which they lie; node + 1; an op: its status; a span: kind; with names: cause, edge, peer, each + 1
 *   has row: rows left out since the row before; has start: distance from the end of the row before, folded; has execution: distance
 *     from that of the row before, folded
 *   ns of each phase; the duration, where the phases do not say it; bytes
 * Before the first row stands one with the row before, ending at the origin, of execution 0. Numbers are those of lod_put.
 */
#ifndef TANDEM_TRACES_LOD_LEAF_H
#define TANDEM_TRACES_LOD_LEAF_H

#include <assert.h>

#include "traces/lod.h"

#define LOD_LEAF_SLOTS (4 * LOD_RANGE_ROWS)
#define LOD_LEAF_ROW_BYTES_MAX ((PHASE_COUNT + 16) * 10)

/* What many rows have in common. Nodes, edges, peers are indices; LOD_NONE. Compared byte by byte: no padding. */
struct lod_form {
	int32_t node, edge, peer, cause;
	int16_t kind;        /* enum span_kind */
	uint8_t status;
	bool has_duration;   /* the phases do not sum to it, or there are none */
	bool has_bytes;
	uint8_t n_phases;
	uint8_t phases[PHASE_COUNT]; /* in the order in which they lie */
};
static_assert(sizeof(struct lod_form) == 40, "no padding");

struct lod_leaf_row {
	int64_t row, start_ns, duration_ns, execution, bytes; /* start_ns: from the origin */
	const struct lod_form *form;
	const int64_t *phase_ns; /* [form->n_phases] in the form's order */
};

/* Takes rows in ascending order. */
struct lod_leaf {
	int64_t row, end_ns, execution; /* of the last one */
	int n_rows, n_forms;
	uint8_t *data;
	size_t n_bytes, capacity;
	struct lod_form forms[LOD_RANGE_ROWS];
	uint16_t slots[LOD_LEAF_SLOTS]; /* form + 1 by hash; 0: free */
};

/* Begins an empty leaf whose first row will be `first_row`; `leaf` was zeroed, or used before. */
void lod_leaf_begin(struct lod_leaf *leaf, int64_t first_row);
void lod_leaf_finish(struct lod_leaf *leaf);
/* At most LOD_RANGE_ROWS. */
int lod_leaf_add(struct lod_leaf *leaf, const struct lod_leaf_row *row, struct error *error);

/* Reads a leaf back, row by row. */
struct lod_leaf_reader {
	const uint8_t *at, *end;
	int64_t row, end_ns, execution;
	int n_forms;
	bool is_damaged;
	int64_t phase_ns[PHASE_COUNT];
	struct lod_form forms[LOD_RANGE_ROWS];
};
void lod_leaf_read_begin(struct lod_leaf_reader *reader, int64_t first_row, const void *data, size_t n_bytes);
/* False behind the last row, or when the data are damaged. What *ret_row points to is valid until the next one is read. */
bool lod_leaf_read_next(struct lod_leaf_reader *reader, struct lod_leaf_row *ret_row);

#endif
