/* SPDX-License-Identifier: Apache-2.0
 *
 * table_view: columns into a width, and cells.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/strbuf.h"
#include "viewers/panel.h"
#include "viewers/table_view.h"

#define GAP 2                /* blanks between columns; one where that lets all of them stand whole */
#define TEXT_LEAST 10        /* cells that a text keeps while there are columns that can go */
#define BAR_WISH 10          /* cells of a bar … */
#define CHANGE_WISH 13
#define BAR_MOST 24          /* … where there is room */
#define SHARE_CELLS 5        /* "100.0" */
#define ROWS_MEASURED 1000   /* beyond, texts are cut to the widest of these */

struct layout {
	struct table_view_unit units[TABLE_VIEW_COLUMNS_MAX];
	int widths[TABLE_VIEW_COLUMNS_MAX]; /* 0: not shown */
	int natural[TABLE_VIEW_COLUMNS_MAX];
	int gap;                            /* blanks between columns */
};

struct table_view_unit table_view_unit(int64_t largest_ns)
{
	static const struct table_view_unit units[] = { { 1e9, "s", 0 }, { 1e6, "ms", 0 }, { 1e3, "µs", 0 }, { 1, "ns", 0 } };
	double largest = fabs((double)largest_ns);
	int i = 0;
	while (units[i].ns > 1 && largest < units[i].ns * 0.99995)
		i++;
	struct table_view_unit unit = units[i];
	double scaled = largest / unit.ns;
	if (unit.ns > 1)
		unit.digits = scaled < 9.9995 ? 3 : scaled < 99.995 ? 2 : scaled < 999.95 ? 1 : 0;
	return unit;
}

char *table_view_number(int64_t ns, struct table_view_unit unit, bool is_signed, char *text, size_t size)
{
	double scaled = (double)ns / unit.ns, least = pow(10, -unit.digits);
	if (ns && !is_signed && fabs(scaled) < least / 2)
		snprintf(text, size, "%s%.*f", ns < 0 ? ">-" : "<", unit.digits, least);
	else
		snprintf(text, size, "%s%.*f", is_signed && ns > 0 ? "+" : "", unit.digits, scaled);
	return text;
}

void table_view_change_bar(struct pane pane, int x, int y, int width, double share, struct look look)
{
	int half = (width - 1) / 2, middle = x + half;
	double size = fabs(share) > 1 ? 1 : fabs(share);
	pane_field(pane, x, y, width, PANE_LEFT, LOOK(NONE), "");
	pane_put(pane, middle, y, 0x2502, LOOK(DIM));
	if (share > 0)
		pane_bar(pane, middle + 1, y, half, size, look);
	int eighths = share < 0 ? (int)lround(size * 8 * half) : 0;
	eighths = share < 0 && !eighths ? 1 : eighths;
	for (int at = middle - 1; eighths > 0; at--, eighths -= 8)
		pane_put(pane, at, y, eighths >= 8 ? 0x2588 : eighths >= 3 ? 0x2590 : 0x2595, look);
}

/* -- cells as text ------------------------------------------------------------------------------------------------------------ */

static void format_count(int64_t number, char *text, size_t size)
{
	char digits[32];
	struct strbuf out = STRBUF_INIT;
	int n = snprintf(digits, sizeof(digits), "%" PRId64, number);
	for (int i = 0; i < n; i++) {
		if (i && digits[i - 1] != '-' && (n - i) % 3 == 0)
			strbuf_add(&out, "\xe2\x80\x89"); /* thin */
		strbuf_add_bytes(&out, &digits[i], 1);
	}
	snprintf(text, size, "%s", strbuf_text(&out));
	strbuf_finish(&out);
}

/* The text of a cell without its bar. */
static void format_cell(const struct table_view_cell *cell, enum table_view_format format, struct table_view_unit unit,
	char text[TABLE_VIEW_TEXT_BYTES])
{
	text[0] = '\0';
	if (cell->is_null && format != TABLE_VIEW_CHANGE) {
		strcpy(text, "–");
		return;
	}
	switch (format) {
	case TABLE_VIEW_TEXT:
	case TABLE_VIEW_PROSE: memcpy(text, cell->text, TABLE_VIEW_TEXT_BYTES); break;
	case TABLE_VIEW_COUNT: format_count(cell->number, text, TABLE_VIEW_TEXT_BYTES); break;
	case TABLE_VIEW_NS: table_view_number(cell->number, unit, false, text, TABLE_VIEW_TEXT_BYTES); break;
	case TABLE_VIEW_DELTA: table_view_number(cell->number, unit, true, text, TABLE_VIEW_TEXT_BYTES); break;
	case TABLE_VIEW_SHARE: snprintf(text, TABLE_VIEW_TEXT_BYTES, "%.1f", 100 * cell->real); break;
	case TABLE_VIEW_CHANGE: break;
	}
}

static bool is_text(enum table_view_format format)
{
	return format == TABLE_VIEW_TEXT || format == TABLE_VIEW_PROSE;
}

static bool has_unit(enum table_view_format format)
{
	return format == TABLE_VIEW_NS || format == TABLE_VIEW_DELTA;
}

static void format_title(const struct table_view *view, const struct table_view_source *source, int column, struct table_view_unit unit,
	char text[TABLE_VIEW_TEXT_BYTES])
{
	const struct table_view_column *info = &source->columns[column];
	const char *mark = view->sort_column != column ? "" : view->is_reversed == is_text(info->format) ? " ▾" : " ▴";
	snprintf(text, TABLE_VIEW_TEXT_BYTES, "%s%s%s%s", info->title, has_unit(info->format) && source->n_rows ? " " : "",
		has_unit(info->format) && source->n_rows ? unit.name : "", mark);
}

/* -- widths ------------------------------------------------------------------------------------------------------------------- */

static void fetch(const struct table_view_source *source, int row, int column, struct table_view_cell *cell)
{
	memset(cell, 0, sizeof(*cell));
	source->cell(source->user, row, column, cell);
	cell->text[TABLE_VIEW_TEXT_BYTES - 1] = '\0';
}

static void measure(const struct table_view *view, const struct table_view_source *source, int column, struct layout *layout)
{
	enum table_view_format format = source->columns[column].format;
	struct table_view_cell cell;
	char text[TABLE_VIEW_TEXT_BYTES];
	int64_t largest = 0;
	int first = source->has_total ? TABLE_VIEW_TOTAL : 0, n = source->n_rows < ROWS_MEASURED ? source->n_rows : ROWS_MEASURED;
	for (int row = first; has_unit(format) && row < source->n_rows; row++) {
		fetch(source, row, column, &cell);
		largest = !cell.is_null && llabs(cell.number) > largest ? llabs(cell.number) : largest;
	}
	layout->units[column] = table_view_unit(largest);
	format_title(view, source, column, layout->units[column], text);
	int width = canvas_text_width(text);
	for (int row = first; row < n; row++) {
		fetch(source, row, column, &cell);
		format_cell(&cell, format, layout->units[column], text);
		int cells = canvas_text_width(text) + (cell.mark ? 2 : 0);
		width = cells > width ? cells : width;
	}
	int most = source->columns[column].width_max;
	if (is_text(format) && most && width > most)
		width = most;
	if (format == TABLE_VIEW_SHARE)
		width = width > SHARE_CELLS + 1 + BAR_WISH ? width : SHARE_CELLS + 1 + BAR_WISH;
	if (format == TABLE_VIEW_CHANGE && width < CHANGE_WISH)
		width = CHANGE_WISH;
	layout->natural[column] = layout->widths[column] = width;
}

static int total_width(const struct layout *layout, int n)
{
	int width = 0;
	for (int i = 0; i < n; i++)
		width += layout->widths[i] ? layout->widths[i] + layout->gap : 0;
	return width - layout->gap;
}

/* The text with most cells above what it keeps; a kept width counts only while columns can go. */
static int widest_text(const struct table_view_source *source, const struct layout *layout, bool keeps)
{
	int widest = -1, most = 0;
	for (int i = 0; i < source->n_columns; i++) {
		int kept = !keeps ? 1 : source->columns[i].width_min ? source->columns[i].width_min : TEXT_LEAST;
		if (!is_text(source->columns[i].format) || layout->widths[i] - kept <= most)
			continue;
		most = layout->widths[i] - kept;
		widest = i;
	}
	return widest;
}

static int least_important(const struct table_view_source *source, const struct layout *layout)
{
	int least = -1;
	for (int i = 0; i < source->n_columns; i++) {
		if (layout->widths[i] && source->columns[i].rank && (least < 0 || source->columns[i].rank > source->columns[least].rank))
			least = i;
	}
	return least;
}

static void shrink(const struct table_view_source *source, struct layout *layout, int width, bool keeps)
{
	int text;
	while (total_width(layout, source->n_columns) > width && (text = widest_text(source, layout, keeps)) >= 0)
		layout->widths[text]--;
}

/* Narrower gaps first, then texts shrink to what they keep, then a column goes and the others get their room back. */
static void choose_columns(const struct table_view_source *source, struct layout *layout, int width)
{
	int n = source->n_columns, gone;
	for (;;) {
		for (layout->gap = GAP; layout->gap > 0; layout->gap--) {
			if (total_width(layout, n) <= width)
				return;
		}
		layout->gap = GAP;
		shrink(source, layout, width, true);
		if (total_width(layout, n) <= width)
			return;
		gone = least_important(source, layout);
		if (gone < 0)
			break;
		layout->widths[gone] = 0;
		for (int i = 0; i < n; i++)
			layout->widths[i] = layout->widths[i] ? layout->natural[i] : 0;
	}
	layout->gap = 1;
	shrink(source, layout, width, false);
}

/* What room is left goes to the bars. */
static void fit(const struct table_view_source *source, struct layout *layout, int width)
{
	int n = source->n_columns;
	choose_columns(source, layout, width);
	for (int i = 0; i < n; i++) {
		int room = width - total_width(layout, n);
		int most = source->columns[i].format == TABLE_VIEW_SHARE ? BAR_MOST : 2 * BAR_MOST + 1;
		bool is_bar = source->columns[i].format == TABLE_VIEW_SHARE || source->columns[i].format == TABLE_VIEW_CHANGE;
		if (is_bar && layout->widths[i] && room > 0)
			layout->widths[i] += room < most - BAR_WISH ? room : most - BAR_WISH;
	}
}

static void place_columns(struct table_view *view, const struct table_view_source *source, const struct layout *layout)
{
	int x = 0;
	view->n_columns = 0;
	for (int i = 0; i < source->n_columns; i++) {
		if (!layout->widths[i])
			continue;
		view->columns[view->n_columns].column = i;
		view->columns[view->n_columns].x = x;
		view->columns[view->n_columns++].width = layout->widths[i];
		x += layout->widths[i] + layout->gap;
	}
}

/* -- drawing ------------------------------------------------------------------------------------------------------------------ */

static void draw_header(const struct table_view *view, const struct table_view_source *source, const struct layout *layout,
	struct pane pane)
{
	char text[TABLE_VIEW_TEXT_BYTES];
	for (int i = 0; i < view->n_columns; i++) {
		int column = view->columns[i].column;
		enum table_view_format format = source->columns[column].format;
		enum pane_align align = is_text(format) || format == TABLE_VIEW_SHARE ? PANE_LEFT
			: format == TABLE_VIEW_CHANGE ? PANE_CENTRE : PANE_RIGHT;
		struct look look = view->sort_column == column ? LOOK(TITLE) : LOOK(DIM);
		look.attributes |= view->sort_column == column ? LOOK_BOLD : 0;
		format_title(view, source, column, layout->units[column], text);
		pane_field(pane, view->columns[i].x, 0, view->columns[i].width, align, look, text);
	}
}

static void draw_cell(const struct table_view_source *source, const struct layout *layout, struct pane pane, int row, int column, int x,
	int y, int width)
{
	enum table_view_format format = source->columns[column].format;
	struct table_view_cell cell;
	char text[TABLE_VIEW_TEXT_BYTES];
	fetch(source, row, column, &cell);
	format_cell(&cell, format, layout->units[column], text);
	if (format == TABLE_VIEW_CHANGE) {
		if (!cell.is_null)
			table_view_change_bar(pane, x, y, width, cell.real, cell.look);
	} else if (format == TABLE_VIEW_SHARE) {
		pane_field(pane, x, y, SHARE_CELLS, PANE_RIGHT, LOOK(NONE), text);
		if (!cell.is_null && row != TABLE_VIEW_TOTAL)
			pane_bar(pane, x + SHARE_CELLS + 1, y, width - SHARE_CELLS - 1, cell.real, cell.look);
	} else if (cell.mark) {
		pane_put(pane, x, y, cell.mark, cell.look);
		pane_field(pane, x + 2, y, width - 2, PANE_LEFT, LOOK(NONE), text);
	} else if (format == TABLE_VIEW_PROSE) {
		panel_prose(pane, x, y, width, cell.look, text);
	} else {
		pane_field(pane, x, y, width, is_text(format) ? PANE_LEFT : PANE_RIGHT, cell.look, text);
	}
}

static void draw_row(const struct table_view *view, const struct table_view_source *source, const struct layout *layout, struct pane pane,
	int row, int y)
{
	for (int i = 0; i < view->n_columns; i++)
		draw_cell(source, layout, pane, row, view->columns[i].column, view->columns[i].x, y, view->columns[i].width);
}

static void scroll(struct table_view *view)
{
	int last_top = view->n_rows > view->page ? view->n_rows - view->page : 0;
	if (view->selected >= view->n_rows)
		view->selected = view->n_rows ? view->n_rows - 1 : 0;
	if (view->selected < view->top)
		view->top = view->selected;
	if (view->selected >= view->top + view->page)
		view->top = view->selected - view->page + 1;
	view->top = view->top > last_top ? last_top : view->top < 0 ? 0 : view->top;
}

void table_view_draw(struct table_view *view, const struct table_view_source *source, struct pane pane, bool has_focus)
{
	struct layout layout = { .widths = { 0 } };
	bool has_total = source->has_total && pane.height > 2 && source->n_rows;
	for (int i = 0; i < source->n_columns; i++)
		measure(view, source, i, &layout);
	fit(source, &layout, pane.width - 1);
	place_columns(view, source, &layout);
	view->page = pane.height - 1 - has_total;
	view->page = view->page > 0 ? view->page : 0;
	scroll(view);
	draw_header(view, source, &layout, pane);
	if (!source->n_rows && source->empty)
		pane_text(pane, 0, 1, LOOK(DIM), source->empty);
	int n = view->n_rows - view->top < view->page ? view->n_rows - view->top : view->page;
	for (int i = 0; i < n; i++) {
		draw_row(view, source, &layout, pane, view->order[view->top + i], 1 + i);
		if (view->top + i == view->selected)
			pane_tint(pane, 0, 1 + i, pane.width, 1, has_focus ? COLOUR_SELECT : COLOUR_CURSOR);
	}
	if (has_total) {
		draw_row(view, source, &layout, pane, TABLE_VIEW_TOTAL, 1 + n);
		pane_emphasise(pane, 0, 1 + n, pane.width, 1, LOOK_BOLD);
	}
	bool is_above = view->top > 0, is_below = view->top + n < view->n_rows;
	if (is_above && n)
		pane_put(pane, pane.width - 1, 1, 0x25b4, LOOK(ACCENT));
	if (is_below && n)
		pane_put(pane, pane.width - 1, n, 0x25be, LOOK(ACCENT));
}
