/* SPDX-License-Identifier: Apache-2.0
 *
 * test_axis: divisions and their labels.
 */
#include "viewers/axis.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "engine/base/attributes.h"

Test(axis, divisions_are_1_2_5_and_wide_enough)
{
	static const struct {
		int64_t cell_ns, division_ns;
	} cases[] = { { 1, 10 }, { 2, 20 }, { 3, 50 }, { 5, 50 }, { 6, 100 }, { 7000, 100000 }, { 50000, 500000 }, { 1400000, 20000000 },
		{ 100000000, 1000000000 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(axis_division(cases[i].cell_ns), cases[i].division_ns, "cells of %" PRId64 " ns: %" PRId64 ", not %" PRId64,
			cases[i].cell_ns, axis_division(cases[i].cell_ns), cases[i].division_ns);
	for (int64_t cell_ns = 1; cell_ns < INT64_MAX / 1000; cell_ns += cell_ns / 3 + 1) {
		int64_t division_ns = axis_division(cell_ns), leading = division_ns;
		while (leading % 10 == 0)
			leading /= 10;
		cr_assert(leading == 1 || leading == 2 || leading == 5, "%" PRId64, division_ns);
		cr_assert(division_ns / cell_ns >= AXIS_DIVISION_CELLS_MIN && division_ns / cell_ns <= 25 * AXIS_DIVISION_CELLS_MIN / 10,
			"cells of %" PRId64 " ns have divisions of %" PRId64, cell_ns, division_ns);
	}
}

Test(axis, times)
{
	static const struct {
		int64_t time_ns, resolution_ns;
		const char *text;
	} cases[] = { { 0, 1, "0 ns" }, { 999, 1, "999 ns" }, { 41220000, 7000, "41.220 ms" }, { 41220000, 1, "41.220 000 ms" },
		{ 3200000010, 10, "3.200 000 01 s" }, { 3200000010, 1000000000, "3 s" }, { 1500, 100, "1.5 µs" }, { -41220000, 1000, "-41.220 ms" },
		{ 854936412, 1400000, "854 ms" }, { 7200000000000, 10000000, "7200.00 s" } };
	char text[32];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		axis_format(cases[i].time_ns, cases[i].resolution_ns, text, sizeof(text));
		cr_expect_str_eq(text, cases[i].text, "%" PRId64 ": '%s', not '%s'", cases[i].time_ns, text, cases[i].text);
	}
}

Test(axis, columns_and_times_agree)
{
	const struct axis axis = { .from_ns = 1000, .cell_ns = 7, .origin_ns = 900, .n_cells = 50 };
	for (int column = 0; column < axis.n_cells; column++) {
		cr_assert_eq(axis_column(&axis, axis_time(&axis, column)), column);
		cr_assert_eq(axis_column(&axis, axis_time(&axis, column) + 6), column);
	}
	cr_assert_eq(axis_column(&axis, 999), -1);
	cr_assert_eq(axis_column(&axis, 1000 + 50 * 7), 50);
}

/* Whatever the cursor hides is not lost: the size of a division moves out of its way. */
Test(axis, row_shows_cursor_and_division)
{
	struct canvas canvas;
	struct error error;
	cr_assert_eq(canvas_init(&canvas, 80, 1, &error), STATUS_OK);
	for (int column = 0; column < 60; column++) {
		const struct axis axis = { .from_ns = 0, .cell_ns = 1000, .origin_ns = 0, .n_cells = 60 };
		int n_cursors = 0, n_signs = 0;
		pane_clear(canvas_pane(&canvas), LOOK(NONE));
		axis_draw(&axis, 15, axis_time(&axis, column), canvas_pane(&canvas));
		for (int x = 0; x < 80; x++) {
			n_cursors += canvas.cells[x].code == 0x25bc;
			n_signs += canvas.cells[x].code == '=';
		}
		cr_assert(n_cursors == 1 && n_signs == 1, "column %d: %d cursors, %d sizes", column, n_cursors, n_signs);
		cr_assert_eq(canvas.cells[15 + column].code, 0x25bc, "column %d", column);
	}
	canvas_finish(&canvas);
}
