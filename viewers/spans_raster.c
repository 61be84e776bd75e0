/* SPDX-License-Identifier: Apache-2.0
 *
 * spans_raster: reads cells, then spans where there are few, stacks what overlaps, and paints.
 */
#include "viewers/spans_raster.h"

#include <stdlib.h>

#include "engine/base/attributes.h"
#include "traces/import_sink.h"
#include "traces/lod_build.h"

#define STRETCHES_MAX 16      /* of exact cells; more: short ones are folded */
#define STRETCH_CELLS_MIN 4
#define SPANS_BESIDE 16       /* that reach into a stretch from before it */

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for a row of the timeline");
}

/* -- filter -------------------------------------------------------------------------------------------------------------------- */

/* The phases that spans of these kinds are drawn as. */
static uint32_t phases_of(uint32_t kinds)
{
	uint32_t phases = 0;
	uint8_t phase;
	for (int i = 0; i < 32; i++) {
		for (int class = LOD_NONE; class < IMPORT_API_REPEATED && kinds & 1u << i; class++) {
			if (lod_kind_phase(i + SPAN_KIND_OP, class, &phase))
				phases |= 1u << phase;
		}
	}
	return phases;
}

static bool has_phase(const struct timeline_cell *cell, uint32_t phases)
{
	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		if (cell->ns[phase] > 0 && phases & 1u << phase)
			return true;
	}
	return false;
}

/* Names are not known of cells: they match. */
static bool cell_matches(const struct timeline_query *query, int lane, const struct timeline_cell *cell)
{
	if (query->nodes && (cell->top_node == TIMELINE_NONE || !query->nodes[cell->top_node]))
		return false;
	if (query->phase != TIMELINE_NONE && cell->ns[query->phase] <= 0)
		return false;
	if (query->kinds && !has_phase(cell, phases_of(query->kinds)))
		return false;
	if (query->execution != TIMELINE_NONE && cell->top_execution != query->execution)
		return false;
	return (!query->lanes || query->lanes[lane]) && !query->only_failed && cell->longest_ns >= query->least_ns;
}

bool raster_cell_matches(const struct spans_row *row, const struct timeline_cell *cell)
{
	const struct timeline_query *query = session_filter_query(row->filter, row->timeline);
	return !query || cell_matches(query, row->lane, cell);
}

/* -- spans --------------------------------------------------------------------------------------------------------------------- */

struct stretch {
	int first, end;
};

static int find_stretches(const struct raster *raster, int least, struct stretch *stretches, int n_max)
{
	int n = 0;
	for (int i = 0, first = 0; i <= raster->n_cells; i++) {
		if (i < raster->n_cells && raster->is_exact[i])
			continue;
		if (i - first >= least) {
			if (n < n_max)
				stretches[n] = (struct stretch){ first, i };
			n++;
		}
		first = i + 1;
	}
	return n;
}

static void take_as_exact(struct raster *raster, const struct stretch *stretches, int n)
{
	for (int i = 0; i < raster->n_cells; i++)
		raster->is_exact[i] = false;
	for (int k = 0; k < n; k++) {
		for (int i = stretches[k].first; i < stretches[k].end; i++)
			raster->is_exact[i] = true;
	}
}

static bool has_item(const struct raster *raster, const struct timeline_span *span)
{
	for (int i = raster->n_items - 1; i >= 0 && i >= raster->n_items - SPANS_BESIDE; i--) {
		if (raster->items[i].span.row == span->row && raster->items[i].span.is_op == span->is_op)
			return true;
	}
	return false;
}

static int read_stretch(const struct spans_row *row, struct raster *raster, struct stretch stretch, struct error *error)
{
	int64_t width_ns = timeline_scale_ns(row->scale);
	int n_max = SPANS_BESIDE, n = 0;
	bool is_cut = false;
	for (int i = stretch.first; i < stretch.end; i++)
		n_max += (int)raster->cells[i].n_spans;
	struct timeline_span *spans = malloc((size_t)n_max * sizeof(*spans));
	struct raster_item *items = realloc(raster->items, (size_t)(raster->n_items + n_max) * sizeof(*items));
	if (items)
		raster->items = items;
	int status = spans && items ? STATUS_OK : out_of_memory(error);
	if (status == STATUS_OK)
		status = timeline_spans(row->timeline, row->lane, row->from_ns + stretch.first * width_ns, row->from_ns + stretch.end * width_ns,
			false, n_max, spans, &n, &is_cut, error);
	for (int i = 0; status == STATUS_OK && i < n; i++) {
		if (!has_item(raster, &spans[i]))
			raster->items[raster->n_items++] = (struct raster_item){ spans[i], 0,
				!session_filter_matches(row->filter, row->timeline, &spans[i]) };
	}
	for (int i = stretch.first; i < stretch.end && is_cut; i++)
		raster->is_exact[i] = false;
	free(spans);
	return status;
}

static int read_items(const struct spans_row *row, struct raster *raster, struct error *error)
{
	struct stretch *stretches = malloc((size_t)(raster->n_cells + 1) * sizeof(*stretches));
	int status = stretches ? STATUS_OK : out_of_memory(error), n = 0;
	if (status == STATUS_OK) {
		n = find_stretches(raster, 1, stretches, raster->n_cells + 1);
		if (n > STRETCHES_MAX)
			n = find_stretches(raster, STRETCH_CELLS_MIN, stretches, raster->n_cells + 1);
		take_as_exact(raster, stretches, n);
	}
	for (int i = 0; i < n && status == STATUS_OK; i++)
		status = read_stretch(row, raster, stretches[i], error);
	free(stretches);
	return status;
}

/* -- sub-rows ------------------------------------------------------------------------------------------------------------------ */

/* By start; an item goes into the first row that is free at its start. */
static void stack(struct raster *raster, int n_rows_max)
{
	int64_t ends[SPANS_ROWS_MAX] = { 0 };
	n_rows_max = n_rows_max > SPANS_ROWS_MAX ? SPANS_ROWS_MAX : n_rows_max;
	raster->n_rows = 1;
	for (int i = 0; i < raster->n_items; i++) {
		struct raster_item *item = &raster->items[i];
		int row = 0;
		while (row < raster->n_rows && i > 0 && ends[row] > item->span.start_ns)
			row++;
		if (row == raster->n_rows && row == n_rows_max)
			row--;
		else if (row == raster->n_rows)
			raster->n_rows++;
		item->row = row;
		int64_t end_ns = item->span.start_ns + item->span.duration_ns;
		ends[row] = row == raster->n_rows - 1 && ends[row] > end_ns && i > 0 ? ends[row] : end_ns;
	}
}

/* -- painting ------------------------------------------------------------------------------------------------------------------ */

static int eighth_of(const struct spans_row *row, const struct raster *raster, int64_t time_ns)
{
	int64_t width_ns = timeline_scale_ns(row->scale), span_ns = width_ns * raster->n_cells;
	int64_t at_ns = time_ns - row->from_ns;
	if (at_ns <= 0)
		return 0;
	if (at_ns >= span_ns)
		return raster->n_cells * RASTER_EIGHTHS;
	int64_t cell = at_ns / width_ns, rest_ns = at_ns % width_ns;
	return (int)(cell * RASTER_EIGHTHS + (rest_ns * RASTER_EIGHTHS + width_ns / 2) / width_ns);
}

static void paint(struct raster *raster, int piece)
{
	const struct raster_piece *stretch = &raster->pieces[piece];
	int row = raster->items[stretch->item].row;
	int32_t *parts = &raster->parts[(size_t)row * (size_t)raster->n_cells * RASTER_EIGHTHS];
	for (int i = stretch->first; i < stretch->end; i++) {
		if (raster->is_exact[i / RASTER_EIGHTHS])
			parts[i] = piece;
	}
}

static int make_pieces(const struct spans_row *row, struct raster *raster, struct error *error)
{
	size_t n_parts = (size_t)raster->n_rows * (size_t)raster->n_cells * RASTER_EIGHTHS;
	raster->pieces = malloc(((size_t)raster->n_items * PHASE_COUNT + 1) * sizeof(*raster->pieces));
	raster->parts = malloc((n_parts + 1) * sizeof(*raster->parts));
	if (!raster->pieces || !raster->parts)
		return out_of_memory(error);
	for (size_t i = 0; i < n_parts; i++)
		raster->parts[i] = RASTER_NONE;
	for (int i = 0; i < raster->n_items; i++) {
		struct timeline_piece pieces[PHASE_COUNT];
		int n = timeline_pieces(&raster->items[i].span, pieces);
		for (int k = 0; k < n; k++) {
			raster->pieces[raster->n_pieces] = (struct raster_piece){ i, pieces[k].phase, eighth_of(row, raster, pieces[k].start_ns),
				eighth_of(row, raster, pieces[k].start_ns + pieces[k].duration_ns) };
			paint(raster, raster->n_pieces++);
		}
	}
	return STATUS_OK;
}

int raster_make(const struct spans_row *row, int n_cells, int n_rows_max, struct raster *ret_raster, struct error *error)
{
	struct raster raster = { .n_cells = n_cells };
	raster.cells = malloc(((size_t)n_cells + 1) * sizeof(*raster.cells));
	raster.is_exact = malloc((size_t)n_cells + 1);
	int status = raster.cells && raster.is_exact ? STATUS_OK : out_of_memory(error);
	if (status == STATUS_OK)
		status = timeline_cells(row->timeline, row->lane, row->scale, row->from_ns, n_cells, raster.cells, error);
	for (int i = 0; status == STATUS_OK && i < n_cells; i++)
		raster.is_exact[i] = raster.cells[i].n_spans <= RASTER_CELL_SPANS_MAX;
	if (status == STATUS_OK)
		status = read_items(row, &raster, error);
	if (status == STATUS_OK) {
		stack(&raster, n_rows_max);
		status = make_pieces(row, &raster, error);
	}
	if (status != STATUS_OK) {
		raster_finish(&raster);
		return status;
	}
	*ret_raster = raster;
	return STATUS_OK;
}

void raster_finish(struct raster *raster)
{
	free(raster->cells);
	free(raster->is_exact);
	free(raster->items);
	free(raster->pieces);
	free(raster->parts);
	*raster = (struct raster){ 0 };
}
