/* SPDX-License-Identifier: Apache-2.0
 *
 * spans_sums: rows that show a share of each cell, and sums between two moments.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "viewers/spans.h"

#define SUM_CELLS 256

static int read_cells(struct timeline *timeline, int lane, struct timeline_scale scale, int64_t from_ns, int n, struct error *error,
	struct timeline_cell **ret_cells)
{
	struct timeline_cell *cells = malloc(((size_t)n + 1) * sizeof(*cells));
	int status = cells ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for a row of the timeline");
	if (status == STATUS_OK)
		status = timeline_cells(timeline, lane, scale, from_ns, n, cells, error);
	if (status != STATUS_OK) {
		free(cells);
		return status;
	}
	*ret_cells = cells;
	return STATUS_OK;
}

int spans_draw_fill(struct timeline *timeline, int lane, struct timeline_scale scale, int64_t from_ns, struct pane pane, struct error *error)
{
	struct timeline_cell *cells;
	if (pane.width <= 0 || pane.height <= 0)
		return STATUS_OK;
	int status = read_cells(timeline, lane, scale, from_ns, pane.width, error, &cells);
	if (status != STATUS_OK)
		return status;
	double depth = timeline->lanes[lane].depth > 0 ? (double)timeline->lanes[lane].depth : 1;
	for (int x = 0; x < pane.width; x++) {
		double share = cells[x].fill_mean / depth;
		bool is_full = share >= 0.99;
		if (!isnan(share))
			spans_put_height(pane, x, 0, share, is_full ? LOOK(BACKPRESSURE) : share > 0 ? LOOK(MOVE) : LOOK(DIM));
	}
	free(cells);
	return STATUS_OK;
}

int spans_draw_busy(struct timeline *timeline, int lane, struct timeline_scale scale, int64_t from_ns, struct pane pane, struct error *error)
{
	struct timeline_cell *cells;
	if (pane.width <= 0 || pane.height <= 0)
		return STATUS_OK;
	int status = read_cells(timeline, lane, scale, from_ns, pane.width, error, &cells);
	if (status != STATUS_OK)
		return status;
	double width_ns = (double)timeline_scale_ns(scale);
	const struct timeline_lane *of = &timeline->lanes[lane];
	for (int x = 0; x < pane.width; x++) {
		int64_t start_ns = from_ns + x * timeline_scale_ns(scale);
		double share = (double)spans_sum_work(cells[x].ns) / width_ns;
		if (of->first_ns <= of->last_ns && start_ns <= of->last_ns && start_ns + timeline_scale_ns(scale) > of->first_ns)
			spans_put_height(pane, x, 0, share, share > 0 ? LOOK(COMPUTE) : LOOK(DIM));
	}
	free(cells);
	return STATUS_OK;
}

static void add_cells(const struct timeline_cell *cells, int n, struct spans_sum *sum)
{
	for (int i = 0; i < n; i++) {
		for (int phase = 0; phase < PHASE_COUNT; phase++)
			sum->ns[phase] += cells[i].ns[phase];
		sum->n_spans += cells[i].n_spans;
		sum->longest_ns = cells[i].longest_ns > sum->longest_ns ? cells[i].longest_ns : sum->longest_ns;
	}
}

/* Whole cells of a scale that has at most SUM_CELLS of them; what is left on both sides is much shorter. */
static int add_between(struct timeline *timeline, int lane, int64_t from_ns, int64_t until_ns, struct timeline_cell *cells,
	struct spans_sum *sum, struct error *error)
{
	if (from_ns >= until_ns)
		return STATUS_OK;
	struct timeline_scale scale = timeline_scale_fit(until_ns - from_ns, SUM_CELLS);
	int64_t width_ns = timeline_scale_ns(scale);
	int64_t first_ns = timeline_snap(timeline, scale, from_ns);
	first_ns += first_ns < from_ns ? (int64_t)1 << scale.s : 0;
	int n = (int)((until_ns - first_ns) / width_ns);
	assert(n > 0);
	int status = timeline_cells(timeline, lane, scale, first_ns, n, cells, error);
	if (status != STATUS_OK)
		return status;
	add_cells(cells, n, sum);
	status = add_between(timeline, lane, from_ns, first_ns, cells, sum, error);
	return status == STATUS_OK ? add_between(timeline, lane, first_ns + n * width_ns, until_ns, cells, sum, error) : status;
}

int spans_sum_between(struct timeline *timeline, int lane, int64_t from_ns, int64_t until_ns, struct spans_sum *ret_sum, struct error *error)
{
	struct timeline_cell *cells = malloc(SUM_CELLS * sizeof(*cells));
	struct spans_sum sum = { 0 };
	const struct timeline_lane *of = &timeline->lanes[lane];
	int status = cells ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for a sum");
	from_ns = from_ns > of->first_ns ? from_ns : of->first_ns;
	until_ns = until_ns < of->last_ns + 1 || of->last_ns == INT64_MAX ? until_ns : of->last_ns + 1;
	if (status == STATUS_OK && of->first_ns <= of->last_ns)
		status = add_between(timeline, lane, from_ns, until_ns, cells, &sum, error);
	free(cells);
	if (status == STATUS_OK)
		*ret_sum = sum;
	return status;
}
