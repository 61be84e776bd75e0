/* SPDX-License-Identifier: Apache-2.0
 *
 * axis: divisions, times for people, and the row with ticks.
 */
#include "viewers/axis.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/attributes.h"

#define DIVISION_MAX 5000000000000000000

int64_t axis_division(int64_t cell_ns)
{
	static const int64_t steps[] = { 1, 2, 5 };
	int64_t least = cell_ns > DIVISION_MAX / AXIS_DIVISION_CELLS_MIN ? DIVISION_MAX : cell_ns * AXIS_DIVISION_CELLS_MIN;
	int64_t power = 1;
	for (;; power *= 10) {
		for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
			if (steps[i] * power >= least || power > DIVISION_MAX / 10)
				return steps[i] * power;
		}
	}
}

int axis_column(const struct axis *axis, int64_t time_ns)
{
	if (time_ns < axis->from_ns)
		return -1;
	int64_t column = (time_ns - axis->from_ns) / axis->cell_ns;
	return column < axis->n_cells ? (int)column : axis->n_cells;
}

int64_t axis_time(const struct axis *axis, int column)
{
	return axis->from_ns + column * axis->cell_ns;
}

static const struct axis_unit {
	const char *name;
	int64_t ns;
	int digits; /* that a ns needs */
} axis_units[] = { { "s", 1000000000, 9 }, { "ms", 1000000, 6 }, { "µs", 1000, 3 }, { "ns", 1, 0 } };

static const struct axis_unit *unit_of(int64_t ns)
{
	size_t i = 0;
	while (i + 1 < ARRAY_LEN(axis_units) && ns < axis_units[i].ns)
		i++;
	return &axis_units[i];
}

/* Digits behind the point in groups of three: "3.200 000 01". */
static void add_fraction(int64_t rest, int digits_of_unit, int digits, char *text, size_t size)
{
	char all[16];
	size_t n = strlen(text);
	snprintf(all, sizeof(all), "%0*" PRId64, digits_of_unit, rest);
	for (int i = 0; i < digits && n + 3 < size; i++) {
		if (i == 0)
			text[n++] = '.';
		else if (i % 3 == 0)
			text[n++] = ' ';
		text[n++] = all[i];
	}
	text[n] = '\0';
}

char *axis_format(int64_t time_ns, int64_t resolution_ns, char *text, size_t size)
{
	int64_t ns = time_ns < 0 ? -time_ns : time_ns;
	const struct axis_unit *unit = unit_of(ns);
	int digits = unit->digits;
	for (int64_t step = 10; digits > 0 && step <= resolution_ns; step *= 10)
		digits--;
	snprintf(text, size, "%s%" PRId64, time_ns < 0 ? "-" : "", ns / unit->ns);
	if (digits > 0)
		add_fraction(ns % unit->ns, unit->digits, digits, text, size);
	size_t n = strlen(text);
	snprintf(text + n, size - n, " %s", unit->name);
	return text;
}

static void draw_ticks(const struct axis *axis, int label_width, struct pane pane)
{
	int64_t division_ns = axis_division(axis->cell_ns), until_ns = axis_time(axis, axis->n_cells);
	int64_t first = (axis->from_ns - axis->origin_ns) / division_ns;
	for (int64_t i = first - 1;; i++) {
		int64_t time_ns = axis->origin_ns + i * division_ns;
		if (time_ns >= until_ns)
			return;
		if (time_ns >= axis->from_ns)
			pane_put(pane, label_width + axis_column(axis, time_ns), 0, 0x252c, LOOK(DIM));
	}
}

/* Where the size of a division stands: at the right end, at the left one, or in the middle, where nothing is in the way. */
static int size_column(const struct axis *axis, int label_width, int cursor, int width, int pane_width)
{
	const int columns[] = { pane_width - width - 1, label_width + 1, label_width + (axis->n_cells - width) / 2 };
	int at = cursor >= 0 && cursor < axis->n_cells ? label_width + cursor : -1;
	for (size_t i = axis->has_size_left; i + 1 < ARRAY_LEN(columns); i++) {
		if (at < columns[i] || at >= columns[i] + width)
			return columns[i];
	}
	return columns[axis->has_size_left ? 2 : 1];
}

void axis_draw(const struct axis *axis, int label_width, int64_t cursor_ns, struct pane pane)
{
	char time[32], text[64];
	int cursor = axis_column(axis, cursor_ns);
	int64_t division_ns = axis_division(axis->cell_ns);
	const struct axis_unit *unit = unit_of(division_ns);
	pane_rule(pane, 0, 0, pane.width, LOOK(DIM));
	draw_ticks(axis, label_width, pane);
	snprintf(text, sizeof(text), " %s ", axis_format(cursor_ns - axis->origin_ns, axis->cell_ns, time, sizeof(time)));
	int room = label_width > 1 ? label_width - 1 : 0;
	if (canvas_text_width(text) <= room)
		pane_text(pane, 1, 0, LOOK(TITLE), text);
	else
		pane_field(pane, 0, 0, label_width, PANE_LEFT, LOOK(TITLE), time);
	snprintf(text, sizeof(text), " 1 div = %" PRId64 " %s ", division_ns / unit->ns, unit->name);
	int x = size_column(axis, label_width, cursor, canvas_text_width(text), pane.width);
	if (x > label_width)
		pane_text(pane, x, 0, LOOK(NONE), text);
	if (cursor >= 0 && cursor < axis->n_cells)
		pane_put(pane, label_width + cursor, 0, 0x25bc, LOOK(ACCENT));
}
