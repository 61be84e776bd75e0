/* SPDX-License-Identifier: Apache-2.0
 *
 * table_view: order, selection and scrolling; how cells look is in table_view_draw.c.
 */
#include "viewers/table_view.h"

#include <stdlib.h>
#include <string.h>

struct sorting {
	const struct table_view *view;
	const struct table_view_source *source;
};

void table_view_init(struct table_view *view, int sort_column)
{
	*view = (struct table_view){ .sort_column = sort_column };
}

void table_view_finish(struct table_view *view)
{
	free(view->order);
	*view = (struct table_view){ .sort_column = view->sort_column };
}

static struct table_view_cell fetch(const struct table_view_source *source, int row, int column)
{
	struct table_view_cell cell = { .is_null = false };
	source->cell(source->user, row, column, &cell);
	return cell;
}

static int compare_cells(const struct table_view_cell *a, const struct table_view_cell *b, enum table_view_format format)
{
	switch (format) {
	case TABLE_VIEW_TEXT:
	case TABLE_VIEW_PROSE: return strcmp(a->text, b->text);
	case TABLE_VIEW_COUNT:
	case TABLE_VIEW_NS: return (a->number < b->number) - (a->number > b->number);
	case TABLE_VIEW_DELTA: return (llabs(a->number) < llabs(b->number)) - (llabs(a->number) > llabs(b->number));
	case TABLE_VIEW_SHARE: return (a->real < b->real) - (a->real > b->real);
	case TABLE_VIEW_CHANGE: {
		double x = a->real < 0 ? -a->real : a->real, y = b->real < 0 ? -b->real : b->real;
		return (x < y) - (x > y);
	}
	}
	return 0;
}

/* What is not known comes last in either direction. */
static int by_column(const void *a, const void *b, void *user)
{
	const struct sorting *sorting = user;
	int column = sorting->view->sort_column, left = *(const int *)a, right = *(const int *)b, order = 0;
	if (column >= 0) {
		struct table_view_cell x = fetch(sorting->source, left, column), y = fetch(sorting->source, right, column);
		if (x.is_null != y.is_null)
			return x.is_null - y.is_null;
		order = compare_cells(&x, &y, sorting->source->columns[column].format);
	}
	if (order == 0)
		return left - right;
	return sorting->view->is_reversed ? -order : order;
}

static void sort(struct table_view *view, const struct table_view_source *source)
{
	int row = table_view_row(view);
	struct sorting sorting = { view, source };
	qsort_r(view->order, (size_t)view->n_rows, sizeof(*view->order), by_column, &sorting);
	table_view_select(view, row);
}

void table_view_load(struct table_view *view, const struct table_view_source *source, bool keeps)
{
	int row = keeps ? table_view_row(view) : -1;
	int *order = realloc(view->order, ((size_t)source->n_rows + 1) * sizeof(*order));
	if (!order)
		return;
	view->order = order;
	view->n_rows = source->n_rows;
	for (int i = 0; i < source->n_rows; i++)
		order[i] = i;
	view->selected = 0;
	sort(view, source);
	view->selected = 0;
	view->top = keeps ? view->top : 0;
	table_view_select(view, row);
}

int table_view_row(const struct table_view *view)
{
	return view->selected >= 0 && view->selected < view->n_rows ? view->order[view->selected] : -1;
}

void table_view_select(struct table_view *view, int row)
{
	for (int i = 0; i < view->n_rows; i++) {
		if (view->order[i] == row)
			view->selected = i;
	}
}

int table_view_height(const struct table_view *view, const struct table_view_source *source)
{
	return 1 + (source->n_rows ? source->n_rows : 1) + source->has_total;
}

static void move(struct table_view *view, int places)
{
	int64_t at = (int64_t)view->selected + places, last = view->n_rows - 1;
	at = at > last ? last : at;
	view->selected = at < 0 ? 0 : (int)at;
}

static void sort_by(struct table_view *view, const struct table_view_source *source, int column)
{
	view->is_reversed = view->sort_column == column ? !view->is_reversed : false;
	view->sort_column = column;
	sort(view, source);
}

/* The next one that is in sight, so that the mark never sorts by what cannot be seen. */
static int next_column(const struct table_view *view, const struct table_view_source *source)
{
	for (int i = 0; i < view->n_columns; i++) {
		if (view->columns[i].column == view->sort_column)
			return view->columns[(i + 1) % view->n_columns].column;
	}
	return view->n_columns ? view->columns[0].column : (view->sort_column + 1) % source->n_columns;
}

bool table_view_act(struct table_view *view, const struct table_view_source *source, enum action action)
{
	int page = view->page > 1 ? view->page - 1 : 1;
	switch (action) {
	case ACTION_UP: move(view, -1); return true;
	case ACTION_DOWN: move(view, 1); return true;
	case ACTION_PAGE_UP: move(view, -page); return true;
	case ACTION_PAGE_DOWN: move(view, page); return true;
	case ACTION_TOP: move(view, -view->n_rows); return true;
	case ACTION_BOTTOM: move(view, view->n_rows); return true;
	case ACTION_SORT:
		view->is_reversed = false;
		view->sort_column = next_column(view, source);
		sort(view, source);
		return true;
	case ACTION_SORT_REVERSE:
		view->is_reversed = !view->is_reversed;
		sort(view, source);
		return true;
	default: return false;
	}
}

bool table_view_mouse(struct table_view *view, const struct table_view_source *source, const struct event *event, int x, int y,
	bool *ret_is_row)
{
	int place = view->top + y - 1;
	if (ret_is_row)
		*ret_is_row = false;
	if (event->kind == EVENT_WHEEL_UP || event->kind == EVENT_WHEEL_DOWN) {
		move(view, event->kind == EVENT_WHEEL_UP ? -3 : 3);
		return true;
	}
	if (event->kind != EVENT_MOUSE_PRESS && event->kind != EVENT_MOUSE_DOUBLE)
		return false;
	for (int i = 0; y == 0 && i < view->n_columns; i++) {
		if (x >= view->columns[i].x && x < view->columns[i].x + view->columns[i].width)
			sort_by(view, source, view->columns[i].column);
	}
	if (y == 0)
		return true;
	if (y < 0 || y > view->page || place >= view->n_rows)
		return false;
	view->selected = place;
	if (ret_is_row)
		*ret_is_row = true;
	return true;
}
