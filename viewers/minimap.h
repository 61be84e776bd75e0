/* SPDX-License-Identifier: Apache-2.0
 *
 * minimap: the whole run in one row: the share of all workers' time that was work, and where the window is.
 */
#ifndef TANDEM_VIEWERS_MINIMAP_H
#define TANDEM_VIEWERS_MINIMAP_H

#include "traces/timeline.h"
#include "viewers/canvas.h"
#include "viewers/session.h"

/* Shares by column; kept while nothing changes. Zeroed to begin with. */
struct minimap {
	const struct timeline *timeline;
	int64_t n_spans, from_ns, end_ns;
	int n_cells;
	struct timeline_scale scale;
	double *shares; /* [n_cells]; NaN: nothing recorded */
};

void minimap_finish(struct minimap *minimap);
/* Row 0 of the pane: the run between two brackets' columns, `[` and `]` around the window. */
int minimap_draw(struct minimap *minimap, struct timeline *timeline, const struct session_window *window, struct pane pane,
	struct error *error);
/* The moment of a column of that row. */
int64_t minimap_time(const struct minimap *minimap, int column);

#endif
