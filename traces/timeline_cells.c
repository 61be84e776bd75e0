/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_cells: columns of a screen, from the pyramid's cells and from rows.
 */
#include <math.h>
#include <string.h>

#include "traces/lod_build.h"
#include "traces/timeline_private.h"

/* The columns; times are from the grid's origin. */
struct columns {
	struct timeline *timeline;
	struct timeline_cell *cells;
	int lane, n;
	int64_t from_ns, until_ns, width_ns;
	/* the stretch that grows, as in lod.h, of spans with a node and of others: rows of the two come one after the other */
	struct stretch {
		int column, node;
		enum phase phase;
		int64_t execution, ns;
	} stretches[2];
	/* the rows of what interval are wanted */
	int64_t rows_from_ns, rows_until_ns;
};

static void add_stretch(struct columns *columns, int column, int node, int64_t execution, enum phase phase, int64_t ns)
{
	struct timeline_cell *cell = &columns->cells[column];
	struct stretch *stretch = &columns->stretches[node == TIMELINE_NONE];
	if (stretch->column == column && stretch->node == node && stretch->execution == execution && stretch->phase == phase)
		stretch->ns += ns;
	else
		*stretch = (struct stretch){ .column = column, .node = node, .phase = phase, .execution = execution, .ns = ns };
	if (stretch->ns <= cell->top_ns)
		return;
	cell->top_ns = stretch->ns;
	cell->top_node = node;
	cell->top_execution = execution;
	cell->top_phase = phase;
}

static void begin_in(struct timeline_cell *cell, int64_t n_spans, int64_t longest_ns)
{
	cell->n_spans += n_spans;
	cell->longest_ns = longest_ns > cell->longest_ns ? longest_ns : cell->longest_ns;
}

static bool add_cell(void *user, int level, int64_t start_ns, const struct lod_cell *from)
{
	struct columns *columns = user;
	int column = (int)((start_ns - columns->from_ns) / columns->width_ns);
	struct timeline_cell *cell = &columns->cells[column];
	(void)level;
	for (uint32_t mask = from->mask; mask; mask &= mask - 1) {
		int phase = __builtin_ctz(mask);
		cell->ns[phase] += from->ns[phase];
	}
	begin_in(cell, from->n_spans, from->longest_ns);
	if (from->top_ns)
		add_stretch(columns, column, from->top_node, from->top_execution, (enum phase)from->top_phase, from->top_ns);
	return true;
}

/* A stretch of time within the interval whose rows are read. */
static void add_piece(struct columns *columns, const struct timeline_row *row, enum phase phase, int64_t start_ns, int64_t end_ns)
{
	int64_t at_ns = start_ns > columns->rows_from_ns ? start_ns : columns->rows_from_ns;
	int64_t execution = row->node == TIMELINE_NONE ? start_ns : row->execution;
	end_ns = end_ns < columns->rows_until_ns ? end_ns : columns->rows_until_ns;
	if (at_ns >= end_ns)
		return;
	int column = (int)((at_ns - columns->from_ns) / columns->width_ns);
	for (int64_t until_ns; at_ns < end_ns; at_ns = until_ns, column++) {
		until_ns = columns->from_ns + (column + 1) * columns->width_ns;
		until_ns = until_ns < end_ns ? until_ns : end_ns;
		columns->cells[column].ns[phase] += until_ns - at_ns;
		add_stretch(columns, column, row->node, execution, phase, until_ns - at_ns);
	}
}

static bool add_row(void *user, const struct timeline_row *row, const struct timeline_piece *pieces)
{
	struct columns *columns = user;
	int64_t at_ns = timeline_grid(columns->timeline, row->start_ns);
	uint8_t phase = PHASE_UNKNOWN;
	if (at_ns >= columns->rows_from_ns && at_ns < columns->rows_until_ns)
		begin_in(&columns->cells[(at_ns - columns->from_ns) / columns->width_ns], 1, row->duration_ns);
	if (row->kind != SPAN_KIND_OP) {
		lod_kind_phase(row->kind, row->cause, &phase);
		add_piece(columns, row, (enum phase)phase, at_ns, at_ns + row->duration_ns);
		return true;
	}
	for (int i = 0; i < row->n_pieces; i++) {
		add_piece(columns, row, pieces[i].phase, at_ns, at_ns + pieces[i].duration_ns);
		at_ns += pieces[i].duration_ns;
	}
	return true;
}

static void add_fill(void *user, int64_t from_ns, int64_t until_ns, int64_t fill, bool begins)
{
	struct columns *columns = user;
	int64_t at_ns = timeline_grid(columns->timeline, from_ns), end_ns = timeline_grid(columns->timeline, until_ns);
	int column = (int)((at_ns - columns->from_ns) / columns->width_ns);
	begin_in(&columns->cells[column], begins, fill);
	for (int64_t next_ns; at_ns < end_ns; at_ns = next_ns, column++) {
		next_ns = columns->from_ns + (column + 1) * columns->width_ns;
		next_ns = next_ns < end_ns ? next_ns : end_ns;
		columns->cells[column].ns[0] += fill * (next_ns - at_ns);
		begin_in(&columns->cells[column], 0, fill);
	}
}

static int add_rows(void *user, int64_t from_ns, int64_t until_ns, struct error *error)
{
	struct columns *columns = user;
	int64_t grid_ns = columns->timeline->store->grid_ns;
	int status = STATUS_OK;
	columns->rows_from_ns = from_ns;
	columns->rows_until_ns = until_ns;
	if (columns->timeline->lanes[columns->lane].kind == TIMELINE_CHANNEL)
		return timeline_fill_visit(columns->timeline, columns->lane, grid_ns + from_ns, grid_ns + until_ns, add_fill, columns,
			error);
	for (int source = LOD_OPS; source <= LOD_SPANS && status == STATUS_OK; source++)
		status = timeline_rows_visit(columns->timeline, columns->lane, (enum lod_source)source, grid_ns + from_ns,
			grid_ns + until_ns, 1, add_row, columns, error);
	return status;
}

/* A channel's sums were kept where a lane's are. */
static void make_fill(const struct columns *columns)
{
	const struct timeline_lane *lane = &columns->timeline->lanes[columns->lane];
	int64_t grid_ns = columns->timeline->store->grid_ns;
	for (int i = 0; i < columns->n; i++) {
		struct timeline_cell *cell = &columns->cells[i];
		int64_t start_ns = grid_ns + columns->from_ns + i * columns->width_ns;
		bool is_recorded = lane->first_ns <= lane->last_ns && start_ns <= lane->last_ns
			&& start_ns + columns->width_ns > lane->first_ns;
		if (is_recorded) {
			cell->fill_mean = (double)cell->ns[0] / (double)columns->width_ns;
			cell->fill_max = cell->longest_ns;
		}
		cell->ns[0] = cell->longest_ns = cell->n_spans = 0;
	}
}

int timeline_cells(struct timeline *timeline, int lane, struct timeline_scale scale, int64_t from_ns, int n,
	struct timeline_cell *cells, struct error *error)
{
	static const struct timeline_cell nothing = { .top_node = TIMELINE_NONE, .top_execution = TIMELINE_NONE, .fill_mean = NAN };
	struct columns columns = { .timeline = timeline, .cells = cells, .lane = lane, .n = n, .width_ns = timeline_scale_ns(scale),
		.from_ns = timeline_grid(timeline, from_ns), .stretches = { { .column = -1 }, { .column = -1 } } };
	const struct timeline_parts parts = { &columns, add_cell, add_rows };
	columns.until_ns = columns.from_ns + n * columns.width_ns;
	for (int i = 0; i < n; i++)
		cells[i] = nothing;
	int64_t first_ns = timeline_grid(timeline, timeline->lanes[lane].first_ns), end_ns = columns.until_ns;
	int64_t start_ns = columns.from_ns;
	if (timeline->lanes[lane].first_ns > timeline->lanes[lane].last_ns)
		return STATUS_OK;
	if (first_ns > start_ns) /* whole columns: what lies before is empty */
		start_ns += (first_ns - start_ns) / columns.width_ns * columns.width_ns;
	int64_t last_ns = timeline_grid(timeline, timeline->lanes[lane].last_ns);
	if (last_ns < end_ns)
		end_ns = last_ns < start_ns ? start_ns : start_ns + ((last_ns - start_ns) / columns.width_ns + 1) * columns.width_ns;
	if (end_ns > columns.until_ns)
		end_ns = columns.until_ns;
	int status = timeline_walk(timeline, lane, timeline_level(timeline, lane, scale), start_ns, end_ns, &parts, error);
	if (status == STATUS_OK && timeline->lanes[lane].kind == TIMELINE_CHANNEL)
		make_fill(&columns);
	for (int i = 0; i < n; i++) { /* without a node spans were told apart by another number */
		if (cells[i].top_node == TIMELINE_NONE)
			cells[i].top_execution = TIMELINE_NONE;
	}
	return status;
}
