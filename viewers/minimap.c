/* SPDX-License-Identifier: Apache-2.0
 *
 * minimap: sums the workers' cells once and draws them under the window's brackets.
 */
#include "viewers/minimap.h"

#include <math.h>
#include <stdlib.h>

#include "viewers/spans.h"

void minimap_finish(struct minimap *minimap)
{
	free(minimap->shares);
	*minimap = (struct minimap){ 0 };
}

#define MINIMAP_LANES_MAX 64 /* imported traces may have thousands: the first ones stand for all */

static bool has_streams(const struct timeline *timeline)
{
	for (int i = 0; i < timeline->n_lanes; i++) {
		if (timeline->lanes[i].kind == TIMELINE_DEVICE)
			return true;
	}
	return false;
}

static bool is_worker(const struct timeline *timeline, int lane)
{
	if (timeline->is_imported)
		return timeline->lanes[lane].kind == TIMELINE_DEVICE || (!has_streams(timeline) && timeline->lanes[lane].nesting == 0);
	bool is_only = timeline->n_lanes == 1 || timeline->lanes[1].kind != TIMELINE_HOST;
	return timeline->lanes[lane].kind == TIMELINE_HOST && (lane > 0 || is_only); /* the driver is not one */
}

static int add_lane(struct minimap *minimap, struct timeline *timeline, int lane, struct timeline_cell *cells, struct error *error)
{
	const struct timeline_lane *of = &timeline->lanes[lane];
	int64_t width_ns = timeline_scale_ns(minimap->scale);
	int status = timeline_cells(timeline, lane, minimap->scale, minimap->from_ns, minimap->n_cells, cells, error);
	for (int i = 0; status == STATUS_OK && i < minimap->n_cells; i++) {
		int64_t start_ns = minimap->from_ns + i * width_ns;
		if (of->first_ns > of->last_ns || start_ns > of->last_ns || start_ns + width_ns <= of->first_ns)
			continue;
		double share = (double)spans_sum_work(cells[i].ns) / (double)width_ns;
		minimap->shares[i] = isnan(minimap->shares[i]) ? share : minimap->shares[i] + share;
	}
	return status;
}

static int make(struct minimap *minimap, struct timeline *timeline, int n_cells, struct error *error)
{
	int n_workers = 0;
	minimap_finish(minimap);
	struct timeline_cell *cells = malloc(((size_t)n_cells + 1) * sizeof(*cells));
	minimap->shares = malloc(((size_t)n_cells + 1) * sizeof(*minimap->shares));
	int status = cells && minimap->shares ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for the overview");
	minimap->scale = timeline_scale_fit(timeline->end_ns - timeline->origin_ns + 1, n_cells);
	minimap->from_ns = timeline_snap(timeline, minimap->scale, timeline->origin_ns);
	minimap->n_cells = n_cells;
	for (int i = 0; status == STATUS_OK && i < n_cells; i++)
		minimap->shares[i] = NAN;
	for (int lane = 0; status == STATUS_OK && lane < timeline->n_lanes; lane++) {
		if (n_workers == MINIMAP_LANES_MAX || !is_worker(timeline, lane))
			continue;
		n_workers++;
		status = add_lane(minimap, timeline, lane, cells, error);
	}
	for (int i = 0; status == STATUS_OK && i < n_cells; i++)
		minimap->shares[i] /= n_workers;
	free(cells);
	if (status == STATUS_OK) {
		minimap->timeline = timeline;
		minimap->n_spans = timeline->n_spans;
		minimap->end_ns = timeline->end_ns;
	}
	return status;
}

static int column_of(const struct minimap *minimap, int64_t time_ns)
{
	int64_t column = (time_ns - minimap->from_ns) / timeline_scale_ns(minimap->scale);
	return time_ns < minimap->from_ns ? 0 : column >= minimap->n_cells ? minimap->n_cells - 1 : (int)column;
}

int64_t minimap_time(const struct minimap *minimap, int column)
{
	return minimap->from_ns + (column - 1) * timeline_scale_ns(minimap->scale);
}

int minimap_draw(struct minimap *minimap, struct timeline *timeline, const struct session_window *window, struct pane pane,
	struct error *error)
{
	int n_cells = pane.width - 2, status = STATUS_OK;
	if (n_cells < 1 || pane.height < 1)
		return STATUS_OK;
	if (minimap->timeline != timeline || minimap->n_cells != n_cells || minimap->end_ns != timeline->end_ns
		|| minimap->n_spans != timeline->n_spans)
		status = make(minimap, timeline, n_cells, error);
	if (status != STATUS_OK)
		return status;
	int64_t until_ns = window->from_ns + window->n_cells * timeline_scale_ns(window->scale);
	int first = column_of(minimap, window->from_ns), last = column_of(minimap, until_ns - 1);
	for (int i = 0; i < n_cells; i++) {
		double share = minimap->shares[i];
		spans_put_height(pane, i + 1, 0, share, i < first || i > last ? LOOK(DIM) : share > 0 ? LOOK(COMPUTE) : LOOK(DIM));
	}
	pane_tint(pane, first + 1, 0, last - first + 1, 1, COLOUR_SELECT);
	pane_put(pane, first, 0, '[', LOOK(ACCENT));
	pane_put(pane, last + 2, 0, ']', LOOK(ACCENT));
	return STATUS_OK;
}
