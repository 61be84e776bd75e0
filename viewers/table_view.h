/* SPDX-License-Identifier: Apache-2.0
 *
 * table_view: a table in a pane: the sort marked in the header, numbers right-aligned with one unit a column, shares with bars, a row of totals
 * that stays in sight, a selected row, scrolling. Where columns do not fit, texts are cut, then the least important columns go.
 *
 * The table keeps order, selection and scroll position; the values stay with whoever shows them and are asked for cell by cell.
 */
#ifndef TANDEM_VIEWERS_TABLE_VIEW_H
#define TANDEM_VIEWERS_TABLE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "viewers/canvas.h"
#include "viewers/event.h"

#define TABLE_VIEW_COLUMNS_MAX 24
#define TABLE_VIEW_TEXT_BYTES 240
#define TABLE_VIEW_TOTAL (-1) /* the row of totals */

enum table_view_format {
	TABLE_VIEW_TEXT,   /* too long: cut in the middle */
	TABLE_VIEW_PROSE,  /* too long: cut at its end */
	TABLE_VIEW_COUNT,  /* number; thousands grouped */
	TABLE_VIEW_NS,     /* number in ns; one unit for the column, chosen by its largest value and written in the header */
	TABLE_VIEW_DELTA,  /* the same with a sign */
	TABLE_VIEW_SHARE,  /* real 0..1: per cent with a bar */
	TABLE_VIEW_CHANGE, /* real -1..1: a bar to the left or right of a line */
};

struct table_view_column {
	const char *title;
	enum table_view_format format;
	int rank;          /* the columns with the largest rank go first where there is no room; 0: never goes */
	int width_max;     /* texts: cells at most; 0: as wide as they are */
	int width_min;     /* texts: cells that are kept while there is a column that can go; 0: 10 */
};

struct table_view_cell {
	bool is_null;      /* shown as – */
	int64_t number;
	double real;
	char text[TABLE_VIEW_TEXT_BYTES];
	uint32_t mark;     /* TEXT: a character in front of it, which has the look alone; 0: none */
	struct look look;
};

struct table_view_source {
	const struct table_view_column *columns;
	int n_columns;
	int n_rows;
	bool has_total;
	/* Fills a zeroed cell; row TABLE_VIEW_TOTAL: of the totals. */
	void (*cell)(void *user, int row, int column, struct table_view_cell *cell);
	void *user;
	const char *empty; /* what stands in place of the rows when there are none */
};

struct table_view {
	int *order;        /* [n_rows] rows as shown */
	int n_rows;        /* as last sorted */
	int sort_column;   /* -1: as they come */
	bool is_reversed;  /* numbers come largest first and texts by the alphabet; reversed: the other way round */
	int selected;      /* place in `order`; 0 when there is none */
	int top;           /* first place in sight */
	int page;          /* rows in sight, as last drawn */
	int n_columns;     /* shown, as last drawn … */
	struct { int column, x, width; } columns[TABLE_VIEW_COLUMNS_MAX]; /* … and where */
};

void table_view_init(struct table_view *view, int sort_column);
void table_view_finish(struct table_view *view);

/* Takes over the rows of a source, in order; the selected row stays selected by its number when `keeps`,
	else the first one is. To be called
 * whenever the source has changed. Keeps the old order when memory is out. */
void table_view_load(struct table_view *view, const struct table_view_source *source, bool keeps);

/* The source's row that is selected; -1 when there are no rows. */
int table_view_row(const struct table_view *view);
void table_view_select(struct table_view *view, int row);

/* Rows that it would like: header, rows, totals. */
int table_view_height(const struct table_view *view, const struct table_view_source *source);
/* has_focus: the selection is drawn strongly. */
void table_view_draw(struct table_view *view, const struct table_view_source *source, struct pane pane, bool has_focus);

/* UP … BOTTOM, SORT, SORT_REVERSE; false when the action means nothing here. */
bool table_view_act(struct table_view *view, const struct table_view_source *source, enum action action);
/* A click or the wheel at the pane's (x, y): selects a row,
	or sorts by a column whose header is hit; *ret_is_row (may be NULL): a row was hit. */
bool table_view_mouse(struct table_view *view, const struct table_view_source *source, const struct event *event, int x, int y,
	bool *ret_is_row);

/* One unit for a column of durations: the largest gets three or four digits. */
struct table_view_unit {
	double ns;
	const char *name;
	int digits;       /* after the point */
};
struct table_view_unit table_view_unit(int64_t largest_ns);
/* "812.4"; what is not nothing but would be shown as 0 is "<0.01". Signed: "+0.31",
	where "+0.00" and "-0.00" are what is less. Returns `text`. */
char *table_view_number(int64_t ns, struct table_view_unit unit, bool is_signed, char *text, size_t size);

/* A bar from the middle of `width` cells to the left (share < 0) or right; a line in the middle. */
void table_view_change_bar(struct pane pane, int x, int y, int width, double share, struct look look);

#endif
