/* SPDX-License-Identifier: Apache-2.0
 *
 * view_compare_tables: the difference by kind, and by node and edge.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/compare_print.h"
#include "viewers/spans.h"
#include "viewers/view_compare_private.h"

#define NAME_CELLS_MAX 12 /* longer names of runs are A and B in headers */
#define NAMED_CELLS 90    /* a panel so wide has room for names */
#define PATH_CELLS 76     /* … for the column that the sum belongs to */
#define WHY_CELLS_MIN 28
#define NOWHERE (-2)      /* in `listed`: what is at no node and no edge */

enum { SPLIT_KIND, SPLIT_A, SPLIT_B, SPLIT_DELTA, SPLIT_MARGIN, SPLIT_BAR };
enum { NODES_NAME, NODES_A, NODES_B, NODES_DELTA, NODES_MARGIN, NODES_PATH, NODES_WHY };
enum { PLACES_NAME, PLACES_A, PLACES_B, PLACES_DELTA, PLACES_BAR };

static const struct table_view_column split_columns[] = {
	[SPLIT_KIND] = { "kind", TABLE_VIEW_TEXT, 0, 0 },
	[SPLIT_A] = { "A", TABLE_VIEW_NS, 3, 0 },
	[SPLIT_B] = { "B", TABLE_VIEW_NS, 2, 0 },
	[SPLIT_DELTA] = { "Δ", TABLE_VIEW_DELTA, 0, 0 },
	[SPLIT_MARGIN] = { "±", TABLE_VIEW_NS, 4, 0 },
	[SPLIT_BAR] = { "less  │  more", TABLE_VIEW_CHANGE, 1, 0 },
};
static const struct table_view_column nodes_columns[] = {
	[NODES_NAME] = { "node", TABLE_VIEW_TEXT, 0, 40 },
	[NODES_A] = { "A", TABLE_VIEW_NS, 3, 0 },
	[NODES_B] = { "B", TABLE_VIEW_NS, 2, 0 },
	[NODES_DELTA] = { "Δ", TABLE_VIEW_DELTA, 0, 0 },
	[NODES_MARGIN] = { "±", TABLE_VIEW_NS, 5, 0 },
	[NODES_PATH] = { "path Δ", TABLE_VIEW_DELTA, 4, 0 },
	[NODES_WHY] = { "why", TABLE_VIEW_PROSE, 1, 100, WHY_CELLS_MIN },
};
static const struct table_view_column places_columns[] = {
	[PLACES_NAME] = { "place", TABLE_VIEW_TEXT, 0, 40 },
	[PLACES_A] = { "A", TABLE_VIEW_NS, 3, 0 },
	[PLACES_B] = { "B", TABLE_VIEW_NS, 2, 0 },
	[PLACES_DELTA] = { "Δ", TABLE_VIEW_DELTA, 0, 0 },
	[PLACES_BAR] = { "less  │  more", TABLE_VIEW_CHANGE, 1, 0 },
};

static void set_text(struct table_view_cell *cell, const char *text)
{
	cell->is_null = !text;
	snprintf(cell->text, sizeof(cell->text), "%s", text ? text : "");
}

/* Runs are named in headers where their names are short. */
static void name_columns(struct compare_source *source, int a, int b, int width)
{
	const struct session *session = source->session;
	for (int side = 0; side < 2; side++) {
		const char *label = session->sides[side].label;
		bool is_short = width >= NAMED_CELLS && canvas_text_width(session->sides[0].label) <= NAME_CELLS_MAX
			&& canvas_text_width(session->sides[1].label) <= NAME_CELLS_MAX;
		if (is_short)
			snprintf(source->titles[side], sizeof(source->titles[side]), "%s", label);
		else
			snprintf(source->titles[side], sizeof(source->titles[side]), "%c", "AB"[side]);
		source->columns[side ? b : a].title = source->titles[side];
	}
}

/* -- the split ---------------------------------------------------------------------------------------------------------------- */

static enum colour kind_colour(int kind)
{
	return kind < PHASE_COUNT ? spans_colour((enum phase)kind) : COLOUR_IDLE;
}

static const char *kind_title(int kind)
{
	return kind < PHASE_COUNT ? spans_phase_title((enum phase)kind) : compare_kind_word(kind);
}

static int64_t half_width(const struct compare_interval *interval)
{
	return interval->is_known && isfinite(interval->high) ? llround(interval->high - interval->delta) : -1;
}

static void split_cell(void *user, int row, int column, struct table_view_cell *cell)
{
	const struct compare_source *source = user;
	const struct compare *compare = source->view->compare;
	bool is_total = row == TABLE_VIEW_TOTAL;
	int kind = is_total ? 0 : source->view->kinds[row];
	int64_t a = is_total ? compare->latency_ns[0] : compare->kinds_ns[0][kind];
	int64_t b = is_total ? compare->latency_ns[1] : compare->kinds_ns[1][kind];
	switch (column) {
	case SPLIT_KIND:
		set_text(cell, is_total ? "sum" : kind_title(kind));
		cell->mark = is_total ? ' ' : kind < PHASE_COUNT ? spans_texture((enum phase)kind) : ' ';
		cell->look = (struct look){ .front = (uint8_t)kind_colour(kind) };
		break;
	case SPLIT_A: cell->number = a; break;
	case SPLIT_B: cell->number = b; break;
	case SPLIT_DELTA: cell->number = b - a; break;
	case SPLIT_MARGIN:
		cell->number = half_width(is_total ? &compare->latency : &compare->kinds[kind]);
		cell->is_null = cell->number < 0;
		break;
	default:
		cell->is_null = is_total;
		cell->real = source->largest_ns ? (double)(b - a) / (double)source->largest_ns : 0;
		cell->look = (struct look){ .front = (uint8_t)kind_colour(kind) };
		break;
	}
}

void compare_split_source(struct compare_source *source, const struct compare_view *view, const struct session *session)
{
	*source = (struct compare_source){ .view = view, .session = session };
	memcpy(source->columns, split_columns, sizeof(split_columns));
	name_columns(source, SPLIT_A, SPLIT_B, view->layout.split.width);
	for (int i = 0; i < view->n_kinds; i++) {
		int64_t delta = llabs(view->compare->kinds_ns[1][view->kinds[i]] - view->compare->kinds_ns[0][view->kinds[i]]);
		source->largest_ns = delta > source->largest_ns ? delta : source->largest_ns;
	}
	source->table = (struct table_view_source){ .columns = source->columns, .n_columns = ARRAY_LEN(split_columns),
		.n_rows = view->n_kinds,
		.has_total = true, .cell = split_cell, .user = source, .empty = "no time was recorded on the critical paths" };
}

/* -- nodes -------------------------------------------------------------------------------------------------------------------- */

static void explain_cell(const struct compare_source *source, const struct compare_row *row, struct table_view_cell *cell)
{
	struct strbuf why = STRBUF_INIT;
	if (row->places[0] < 0 || row->places[1] < 0)
		strbuf_addf(&why, "only in %s", source->session->sides[row->places[0] < 0].label);
	else
		compare_explain_row(row, &why);
	set_text(cell, strbuf_text(&why));
	strbuf_finish(&why);
}

static void total_node_cell(const struct compare *compare, int column, struct table_view_cell *cell)
{
	switch (column) {
	case NODES_NAME: set_text(cell, "latency"); break;
	case NODES_PATH: cell->number = compare->latency_ns[1] - compare->latency_ns[0]; break;
	case NODES_WHY: set_text(cell, "sum of the paths"); break;
	default: cell->is_null = true; break;
	}
}

static void nodes_cell(void *user, int at, int column, struct table_view_cell *cell)
{
	const struct compare_source *source = user;
	const struct compare *compare = source->view->compare;
	if (at == TABLE_VIEW_TOTAL) {
		total_node_cell(compare, column, cell);
		return;
	}
	const struct compare_row *row = &compare->rows[source->view->listed[at]];
	bool is_alone = row->places[0] < 0 || row->places[1] < 0, has_both = row->has_own[0] && row->has_own[1];
	switch (column) {
	case NODES_NAME:
		set_text(cell, row->name);
		cell->look = is_alone ? LOOK(ACCENT) : row->is_edge ? LOOK(DIM) : LOOK(NONE);
		break;
	case NODES_A:
	case NODES_B:
		cell->number = row->own_ns[column == NODES_B];
		cell->is_null = !row->has_own[column == NODES_B];
		break;
	case NODES_DELTA:
		cell->number = row->own_ns[1] - row->own_ns[0];
		cell->is_null = !has_both;
		cell->look.attributes = has_both && compare_is_beyond_noise(&row->interval) ? LOOK_BOLD : 0;
		break;
	case NODES_MARGIN:
		cell->number = half_width(&row->interval);
		cell->is_null = cell->number < 0;
		break;
	case NODES_PATH: cell->number = row->path_ns[1] - row->path_ns[0]; break;
	default: explain_cell(source, row, cell); break;
	}
}

/* Where one kind's difference is made. */
static void places_cell(void *user, int at, int column, struct table_view_cell *cell)
{
	const struct compare_source *source = user;
	const struct compare *compare = source->view->compare;
	int kind = source->view->drill, listed = at == TABLE_VIEW_TOTAL ? 0 : source->view->listed[at];
	int64_t ns[2];
	for (int side = 0; side < 2; side++) {
		const struct compare_measure *measure = &compare->measures[side];
		ns[side] = at == TABLE_VIEW_TOTAL ? compare->kinds_ns[side][kind] : listed == NOWHERE ? measure->path_ns[measure->n_places][kind]
			: compare->rows[listed].path_kinds_ns[side][kind];
	}
	switch (column) {
	case PLACES_NAME: set_text(cell,
		at == TABLE_VIEW_TOTAL ? "sum" : listed == NOWHERE ? "at no node" : compare->rows[listed].name); break;
	case PLACES_A:
	case PLACES_B: cell->number = ns[column == PLACES_B]; break;
	case PLACES_DELTA: cell->number = ns[1] - ns[0]; break;
	default:
		cell->is_null = at == TABLE_VIEW_TOTAL;
		cell->real = source->largest_ns ? (double)(ns[1] - ns[0]) / (double)source->largest_ns : 0;
		cell->look = (struct look){ .front = (uint8_t)kind_colour(kind) };
		break;
	}
}

void compare_nodes_source(struct compare_source *source, const struct compare_view *view, const struct session *session)
{
	*source = (struct compare_source){ .view = view, .session = session };
	bool is_drilled = view->drill >= 0;
	if (is_drilled)
		memcpy(source->columns, places_columns, sizeof(places_columns));
	else
		memcpy(source->columns, nodes_columns, sizeof(nodes_columns));
	name_columns(source, is_drilled ? (int)PLACES_A : (int)NODES_A, is_drilled ? (int)PLACES_B : (int)NODES_B,
		view->layout.nodes.width);
	source->table = (struct table_view_source){ .columns = source->columns,
		.n_columns = is_drilled ? ARRAY_LEN(places_columns) : ARRAY_LEN(nodes_columns), .n_rows = view->n_listed,
		.has_total = is_drilled || view->layout.nodes.width >= PATH_CELLS,
		.cell = is_drilled ? places_cell : nodes_cell, .user = source, .empty = "nothing was recorded" };
	for (int i = 0; is_drilled && i < view->n_listed; i++) {
		struct table_view_cell cell = { .number = 0 };
		places_cell(source, i, PLACES_DELTA, &cell);
		source->largest_ns = llabs(cell.number) > source->largest_ns ? llabs(cell.number) : source->largest_ns;
	}
}

static bool is_listed(const struct compare_view *view, const struct compare_row *row)
{
	if (view->drill >= 0)
		return row->path_kinds_ns[0][view->drill] || row->path_kinds_ns[1][view->drill];
	bool is_alone = !row->is_edge && (row->places[0] < 0 || row->places[1] < 0);
	return row->has_own[0] || row->has_own[1] || row->path_ns[0] || row->path_ns[1] || is_alone;
}

void compare_load_tables(struct compare_view *view, const struct session *session)
{
	const struct compare *compare = view->compare;
	struct compare_source source;
	int *listed = realloc(view->listed, ((size_t)compare->n_rows + 2) * sizeof(*listed));
	view->listed = listed ? listed : view->listed;
	view->n_listed = view->n_kinds = 0;
	for (int i = 0; listed && i < compare->n_rows; i++) {
		if (is_listed(view, &compare->rows[i]))
			listed[view->n_listed++] = i;
	}
	const struct compare_measure *measures = compare->measures;
	bool has_nowhere = view->drill >= 0
		&& (measures[0].path_ns[measures[0].n_places][view->drill] || measures[1].path_ns[measures[1].n_places][view->drill]);
	if (listed && has_nowhere)
		listed[view->n_listed++] = NOWHERE;
	for (int kind = 0; kind < COMPARE_KIND_COUNT; kind++) {
		if (compare->kinds_ns[0][kind] || compare->kinds_ns[1][kind] || kind == PHASE_UNKNOWN)
			view->kinds[view->n_kinds++] = kind;
	}
	compare_split_source(&source, view, session);
	table_view_load(&view->split, &source.table, true);
	compare_nodes_source(&source, view, session);
	view->nodes.sort_column = view->drill >= 0 ? PLACES_DELTA : -1;
	view->nodes.is_reversed = false;
	table_view_load(&view->nodes, &source.table, false);
}

const struct compare_row *compare_selected(const struct compare_view *view)
{
	int row = table_view_row(&view->nodes);
	return row >= 0 && row < view->n_listed && view->listed[row] >= 0 ? &view->compare->rows[view->listed[row]] : NULL;
}
