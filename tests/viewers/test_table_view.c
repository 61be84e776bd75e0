/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables in panes: order, units, what remains at every width, scrolling.
 */
#include "viewers/table_view.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewers/canvas_print.h"

#define ROWS 40

static const struct table_view_column columns[] = {
	{ "name", TABLE_VIEW_TEXT, 0, 30 }, { "count", TABLE_VIEW_COUNT, 3, 0 }, { "time", TABLE_VIEW_NS, 0, 0 }, { "Δ",
		TABLE_VIEW_DELTA, 2, 0 },
	{ "share", TABLE_VIEW_SHARE, 4, 0 }, { "less │ more", TABLE_VIEW_CHANGE, 5, 0 }, { "why", TABLE_VIEW_PROSE, 6, 60, 20 },
};

static int64_t value(int row)
{
	return (row * 7919 % 101) * 1000;
}

static void fill(void *user, int row, int column, struct table_view_cell *cell)
{
	int r = row == TABLE_VIEW_TOTAL ? 0 : row;
	cell->number = value(r);
	cell->real = (double)value(r) / 101000;
	cell->is_null = column == 3 && row == 5;
	if (column == 0)
		snprintf(cell->text, sizeof(cell->text), row == TABLE_VIEW_TOTAL ? "all" : "row\t%02d\x1b[31m日本", row);
	if (column == 3 || column == 5) {
		cell->number -= 50000;
		cell->real -= 0.5;
	}
	if (column == 6)
		snprintf(cell->text, sizeof(cell->text), "because of %d and many more reasons than there is room for", row);
}

static const struct table_view_source source = { .columns = columns, .n_columns = ARRAY_LEN(columns), .n_rows = ROWS, .has_total = true,
	.cell = fill, .empty = "nothing" };

Test(table_view, rows_come_sorted_with_the_unknown_last)
{
	struct table_view view;
	table_view_init(&view, 2);
	table_view_load(&view, &source, false);
	for (int i = 1; i < ROWS; i++)
		cr_expect(value(view.order[i - 1]) >= value(view.order[i]), "place %d: %lld before %lld", i,
			(long long)value(view.order[i - 1]),
			(long long)value(view.order[i]));
	table_view_select(&view, 17);
	cr_expect(table_view_act(&view, &source, ACTION_SORT_REVERSE));
	cr_expect(table_view_row(&view) == 17, "row %d is selected", table_view_row(&view));
	cr_expect(value(view.order[0]) <= value(view.order[ROWS - 1]));
	for (int reversed = 0; reversed < 2; reversed++) {
		view.sort_column = 3;
		view.is_reversed = reversed;
		table_view_load(&view, &source, true);
		cr_expect(view.order[ROWS - 1] == 5, "reversed %d: row %d is last", reversed, view.order[ROWS - 1]);
	}
	table_view_finish(&view);
}

Test(table_view, the_sort_moves_over_the_columns_in_sight)
{
	struct error error = { 0 };
	struct canvas canvas;
	struct table_view view;
	table_view_init(&view, 0);
	table_view_load(&view, &source, false);
	cr_assert(canvas_init(&canvas, 40, 10, &error) == STATUS_OK);
	table_view_draw(&view, &source, canvas_pane(&canvas), true);
	cr_assert(view.n_columns < (int)ARRAY_LEN(columns), "%d columns at 40 cells", view.n_columns);
	for (int i = 0; i < 2 * view.n_columns; i++) {
		bool is_shown = false;
		cr_expect(table_view_act(&view, &source, ACTION_SORT));
		for (int k = 0; k < view.n_columns; k++)
			is_shown |= view.columns[k].column == view.sort_column;
		cr_expect(is_shown, "sorted by column %d, which is not shown", view.sort_column);
	}
	table_view_finish(&view);
	canvas_finish(&canvas);
}

/* Every width and height, several selections: columns in order without overlap, the selection in sight, nothing outside. */
Test(table_view, everything_lies_where_it_should_at_any_size)
{
	struct error error = { 0 };
	struct canvas canvas;
	struct table_view view;
	table_view_init(&view, 2);
	table_view_load(&view, &source, false);
	cr_assert(canvas_init(&canvas, 180, 30, &error) == STATUS_OK);
	for (int width = 0; width < 170; width++) {
		for (int height = 0; height < 26; height += 3) {
			struct pane pane = pane_sub(canvas_pane(&canvas), 3, 2, width, height);
			pane_clear(canvas_pane(&canvas), LOOK(NONE));
			table_view_act(&view, &source, width % 3 ? ACTION_DOWN : ACTION_PAGE_UP);
			table_view_draw(&view, &source, pane, true);
			for (int i = 1; i < view.n_columns; i++)
				cr_assert(view.columns[i].x >= view.columns[i - 1].x + view.columns[i - 1].width,
					"%d × %d: column %d", width, height, i);
			if (view.page > 0)
				cr_assert(view.selected >= view.top && view.selected < view.top + view.page,
					"%d × %d: %d of %d at %d", width, height,
					view.selected, view.page, view.top);
			for (int i = 0; i < canvas.width * canvas.height; i++) {
				int x = i % canvas.width - 3, y = i / canvas.width - 2;
				bool is_inside = x >= 0 && x < width && y >= 0 && y < height;
				cr_assert(is_inside || canvas.cells[i].code == ' ', "%d × %d: U+%04X at %d, %d", width, height,
					canvas.cells[i].code, x, y);
			}
		}
	}
	table_view_finish(&view);
	canvas_finish(&canvas);
}

Test(table_view, the_least_important_columns_go_first)
{
	struct error error = { 0 };
	struct canvas canvas;
	struct table_view view;
	table_view_init(&view, 2);
	table_view_load(&view, &source, false);
	cr_assert(canvas_init(&canvas, 200, 10, &error) == STATUS_OK);
	for (int width = 200; width > 20; width--) {
		int most = 0;
		table_view_draw(&view, &source, pane_sub(canvas_pane(&canvas), 0, 0, width, 10), true);
		for (int i = 0; i < view.n_columns; i++)
			most = columns[view.columns[i].column].rank > most ? columns[view.columns[i].column].rank : most;
		for (int column = 0; column < (int)ARRAY_LEN(columns); column++) {
			bool is_shown = false;
			for (int i = 0; i < view.n_columns; i++)
				is_shown |= view.columns[i].column == column;
			cr_expect(is_shown || columns[column].rank > most, "%d cells: '%s' is gone before a column of rank %d",
				width, columns[column].title, most);
		}
	}
	table_view_finish(&view);
	canvas_finish(&canvas);
}

Test(table_view, an_empty_table_says_so)
{
	struct error error = { 0 };
	struct canvas canvas;
	struct strbuf out = STRBUF_INIT;
	struct table_view view;
	struct table_view_source empty = source;
	empty.n_rows = 0;
	table_view_init(&view, 2);
	table_view_load(&view, &empty, false);
	cr_assert(canvas_init(&canvas, 60, 6, &error) == STATUS_OK);
	table_view_draw(&view, &empty, canvas_pane(&canvas), true);
	canvas_print_text(&canvas, false, &out);
	cr_expect(strstr(strbuf_text(&out), "nothing"), "%s", strbuf_text(&out));
	cr_expect(table_view_row(&view) == -1);
	for (int action = ACTION_NONE; action < ACTION_COUNT; action++)
		table_view_act(&view, &empty, (enum action)action);
	strbuf_finish(&out);
	table_view_finish(&view);
	canvas_finish(&canvas);
}

Test(table_view, numbers_have_the_columns_unit)
{
	static const struct {
		int64_t largest, ns;
		bool is_signed;
		const char *unit, *text;
	} cases[] = {
		{ 812400, 812400, false, "µs", "812.4" }, { 812400, 1500, false, "µs", "1.5" }, { 812400, 12, false, "µs", "<0.1" },
		{ 4910000, 4910000, true, "ms", "+4.910" }, { 4910000, -20000, true, "ms", "-0.020" }, { 99, 99, false, "ns", "99" },
		{ 99, 0, true, "ns", "0" }, { 12000000000, 1200000000, false, "s", "1.20" }, { 999960, 999960, false, "ms", "1.000" },
		{ 4910000, 100, true, "ms", "+0.000" }, { -4910000, -4910000, true, "ms", "-4.910" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[40];
		struct table_view_unit unit = table_view_unit(cases[i].largest);
		table_view_number(cases[i].ns, unit, cases[i].is_signed, text, sizeof(text));
		cr_expect(strcmp(unit.name, cases[i].unit) == 0 && strcmp(text, cases[i].text) == 0,
			"%lld of %lld: '%s' %s, expected '%s' %s",
			(long long)cases[i].ns, (long long)cases[i].largest, text, unit.name, cases[i].text, cases[i].unit);
	}
}

Test(table_view, clicks_select_and_sort)
{
	struct error error = { 0 };
	struct canvas canvas;
	struct table_view view;
	bool is_row = false;
	table_view_init(&view, 2);
	table_view_load(&view, &source, false);
	cr_assert(canvas_init(&canvas, 120, 12, &error) == STATUS_OK);
	table_view_draw(&view, &source, canvas_pane(&canvas), true);
	struct event click = { .kind = EVENT_MOUSE_PRESS };
	cr_expect(table_view_mouse(&view, &source, &click, 5, 4, &is_row) && is_row && view.selected == 3, "place %d", view.selected);
	cr_expect(table_view_mouse(&view, &source, &click, 1, 0, &is_row) && !is_row && view.sort_column == 0, "column %d",
		view.sort_column);
	cr_expect(table_view_mouse(&view, &source, &click, 1, 0, &is_row) && view.is_reversed);
	cr_expect(!table_view_mouse(&view, &source, &click, 1, 11, &is_row), "the totals are no row");
	click.kind = EVENT_WHEEL_DOWN;
	int before = view.selected;
	cr_expect(table_view_mouse(&view, &source, &click, 1, 5, NULL) && view.selected != before);
	table_view_finish(&view);
	canvas_finish(&canvas);
}
