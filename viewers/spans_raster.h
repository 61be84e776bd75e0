/* SPDX-License-Identifier: Apache-2.0
 *
 * spans_raster: what lies where in a row, to an eighth of a cell, before it becomes characters. Cells in which few spans begin are made of these
 * spans, the others of what timeline_cells says of them, so that a row costs its width and not what was recorded.
 */
#ifndef TANDEM_VIEWERS_SPANS_RASTER_H
#define TANDEM_VIEWERS_SPANS_RASTER_H

#include <stdbool.h>
#include <stdint.h>

#include "viewers/spans.h"

#define RASTER_EIGHTHS 8
#define RASTER_NONE (-1)
#define RASTER_CELL_SPANS_MAX 6 /* a cell in which more begin is folded */

struct raster_item {
	struct timeline_span span;
	int row;
	bool is_dim;            /* does not match the filter */
};

/* A stretch of one phase of one span. */
struct raster_piece {
	int item;
	enum phase phase;
	int first, end;         /* eighths from the row's beginning; equal: less than half an eighth */
};

struct raster {
	int n_cells, n_rows;
	struct timeline_cell *cells; /* [n_cells] */
	bool *is_exact;              /* [n_cells]: made of spans */
	struct raster_item *items;
	int n_items;
	struct raster_piece *pieces; /* by item, in order of time */
	int n_pieces;
	int32_t *parts;              /* [n_rows × n_cells × RASTER_EIGHTHS]: pieces; RASTER_NONE: nothing */
};

/* At most n_rows_max sub-rows. On success to be finished. */
int raster_make(const struct spans_row *row, int n_cells, int n_rows_max, struct raster *ret_raster, struct error *error);
void raster_finish(struct raster *raster);

static inline const int32_t *raster_parts(const struct raster *raster, int row, int cell)
{
	return &raster->parts[((size_t)row * (size_t)raster->n_cells + (size_t)cell) * RASTER_EIGHTHS];
}

/* Whether what a folded cell tells matches the row's filter, as far as it tells. */
bool raster_cell_matches(const struct spans_row *row, const struct timeline_cell *cell);

#endif
