/* SPDX-License-Identifier: Apache-2.0
 *
 * axis: columns and moments, and the row that shows them. A division is 1, 2 or 5 × 10ⁿ ns, its size is written once; absolute times are told
 * at the cursor only.
 */
#ifndef TANDEM_VIEWERS_AXIS_H
#define TANDEM_VIEWERS_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewers/canvas.h"

#define AXIS_DIVISION_CELLS_MIN 10

struct axis {
	int64_t from_ns, cell_ns; /* where the first column begins; width of a column */
	int64_t origin_ns;        /* divisions are counted and times told from here */
	int n_cells;
	bool has_size_left;       /* the size of a division stands at the left end: something else is at the right one */
};

/* The smallest division that is at least AXIS_DIVISION_CELLS_MIN columns of `cell_ns`. */
int64_t axis_division(int64_t cell_ns);
/* The column of a moment; -1 and n_cells stand for what lies outside. */
int axis_column(const struct axis *axis, int64_t time_ns);
int64_t axis_time(const struct axis *axis, int column); /* where a column begins */

/* "41.220 ms": a time from the run's start, with as many digits as a difference of `resolution_ns` needs. 32 bytes suffice. */
char *axis_format(int64_t time_ns, int64_t resolution_ns, char *text, size_t size);

/* Row 0 of the pane: the cursor's time over the first `label_width` columns, a tick at each division over the next n_cells, the cursor, and
 * the size of a division on the right, or on the left where the cursor would be hidden. */
void axis_draw(const struct axis *axis, int label_width, int64_t cursor_ns, struct pane pane);

#endif
