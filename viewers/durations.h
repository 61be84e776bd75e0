/* SPDX-License-Identifier: Apache-2.0
 *
 * durations: how many durations of which size, on a logarithmic scale from 1 ns to 10,000 s, and how that is drawn: bars in eighths of a cell,
 * labels at 1, 2, 5 × 10ⁿ below.
 */
#ifndef TANDEM_VIEWERS_DURATIONS_H
#define TANDEM_VIEWERS_DURATIONS_H

#include <stdint.h>

#include "viewers/canvas.h"

#define DURATIONS_PER_DECADE 24
#define DURATIONS_DECADES 13
#define DURATIONS_BINS (DURATIONS_PER_DECADE * DURATIONS_DECADES)

/* Starts as zeros. */
struct durations {
	int64_t n, longest_ns;
	uint32_t counts[DURATIONS_BINS]; /* bin i: from 10^(i / 24) to 10^((i + 1) / 24) ns; the ends take what lies beyond */
};

/* The bin of a duration, and where a bin begins, in ns. */
int durations_bin(int64_t ns);
double durations_bin_ns(int bin);

void durations_add(struct durations *durations, int64_t ns);

/* The duration that a share `q` (0..1) of all does not exceed, to the width of a bin (10 %) and never above the longest; 0 when there is
 * none. */
int64_t durations_quantile(const struct durations *durations, double q);

/* How a histogram fits a width: columns of `bins_per_column` bins from first_bin on, each `cells` wide. */
struct durations_layout {
	int first_bin, n_columns, bins_per_column, cells;
};
struct durations_layout durations_fit(const struct durations *durations, int width);

/* Bars over the whole pane but for its last row, which is the axis. Each column's height is its count; the tallest fills the rows; what is there
 * is never drawn as nothing. Needs two rows. Returns the tallest column's count. */
int64_t durations_draw(const struct durations *durations, struct pane pane, struct look look);

#endif
