/* SPDX-License-Identifier: Apache-2.0
 *
 * durations: bins, and bars.
 */
#include "viewers/durations.h"

#include <math.h>
#include <stdio.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"

int durations_bin(int64_t ns)
{
	int bin = ns > 1 ? (int)(DURATIONS_PER_DECADE * log10((double)ns) + 1e-9) : 0;
	return bin < DURATIONS_BINS ? bin : DURATIONS_BINS - 1;
}

double durations_bin_ns(int bin)
{
	return pow(10, (double)bin / DURATIONS_PER_DECADE);
}

void durations_add(struct durations *durations, int64_t ns)
{
	durations->n++;
	if (ns > durations->longest_ns)
		durations->longest_ns = ns;
	durations->counts[durations_bin(ns)]++;
}

int64_t durations_quantile(const struct durations *durations, double q)
{
	int64_t below = 0;
	for (int bin = 0; bin < DURATIONS_BINS && durations->n; bin++) {
		below += durations->counts[bin];
		int64_t end_ns = llround(durations_bin_ns(bin + 1));
		if ((double)below >= (q - 1e-12) * (double)durations->n && below)
			return end_ns < durations->longest_ns ? end_ns : durations->longest_ns;
	}
	return 0;
}

struct durations_layout durations_fit(const struct durations *durations, int width)
{
	static const int steps[] = { 1, 2, 3, 4, 6, 8, 12, 24, 48, 96, DURATIONS_BINS };
	int first = DURATIONS_BINS, last = -1;
	for (int bin = 0; bin < DURATIONS_BINS; bin++) {
		if (!durations->counts[bin])
			continue;
		first = bin < first ? bin : first;
		last = bin;
	}
	if (last < 0 || width < 1)
		return (struct durations_layout){ 0 };
	/* At least a decade, so that a single bar does not look like a wall. */
	int missing = DURATIONS_PER_DECADE - (last - first + 1);
	first -= missing > 0 ? missing / 2 : 1;
	last += missing > 0 ? missing - missing / 2 : 1;
	first = first < 0 ? 0 : first;
	last = last < DURATIONS_BINS ? last : DURATIONS_BINS - 1;
	struct durations_layout layout = { .first_bin = first };
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		layout.bins_per_column = steps[i];
		layout.n_columns = (last - first) / steps[i] + 1;
		if (layout.n_columns <= width)
			break;
	}
	layout.n_columns = layout.n_columns < width ? layout.n_columns : width;
	layout.cells = width / layout.n_columns;
	return layout;
}

static int64_t column_count(const struct durations *durations, const struct durations_layout *layout, int column)
{
	int64_t n = 0;
	int from = layout->first_bin + column * layout->bins_per_column;
	for (int bin = from; bin < from + layout->bins_per_column && bin < DURATIONS_BINS; bin++)
		n += durations->counts[bin];
	return n;
}

static void draw_bar(struct pane pane, int x, int width, int height, int64_t eighths, struct look look)
{
	static const uint32_t parts[] = { ' ', 0x2581, 0x2582, 0x2583, 0x2584, 0x2585, 0x2586, 0x2587, 0x2588 };
	for (int row = 0; row < height; row++) {
		int64_t filled = eighths - 8 * (int64_t)row;
		filled = filled < 0 ? 0 : filled > 8 ? 8 : filled;
		for (int i = 0; i < width && filled; i++)
			pane_put(pane, x + i, height - 1 - row, parts[filled], look);
	}
}

static void format_label(double ns, char *text, size_t size)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "µs" }, { 1, "ns" } };
	size_t i = 0;
	while (units[i].ns > 1 && ns < units[i].ns * 0.999)
		i++;
	snprintf(text, size, "%.0f %s", ns / units[i].ns, units[i].name);
}

/* Labels begin where their value stands; powers of ten come first, and 2 and 5 where room is left. */
static void draw_axis(struct pane pane, const struct durations_layout *layout)
{
	static const double steps[] = { 1, 2, 5 };
	int y = pane.height - 1, last = layout->first_bin + layout->n_columns * layout->bins_per_column;
	int width = layout->n_columns * layout->cells;
	bool is_taken[512] = { false };
	pane_rule(pane, 0, y, width, LOOK(DIM));
	for (size_t step = 0; step < ARRAY_LEN(steps); step++) {
		for (int decade = 0; decade < DURATIONS_DECADES; decade++) {
			char text[32];
			double value = steps[step] * pow(10, decade), bin = DURATIONS_PER_DECADE * log10(value);
			int x = (int)((bin - layout->first_bin) * layout->cells / layout->bins_per_column + 0.5);
			format_label(value, text, sizeof(text));
			int n = canvas_text_width(text) + 1;
			if (bin < layout->first_bin || bin > last || x + n + 1 > width || x + n + 1 > (int)ARRAY_LEN(is_taken))
				continue;
			bool is_free = true;
			for (int i = x > 0 ? x - 1 : 0; i <= x + n; i++)
				is_free = is_free && !is_taken[i];
			if (!is_free)
				continue;
			for (int i = x; i < x + n; i++)
				is_taken[i] = true;
			pane_put(pane, x, y, 0x2575, LOOK(DIM)); /* the tick */
			pane_text(pane, x + 1, y, LOOK(DIM), text);
		}
	}
}

int64_t durations_draw(const struct durations *durations, struct pane pane, struct look look)
{
	struct durations_layout layout = durations_fit(durations, pane.width);
	int height = pane.height - 1;
	int64_t most = 0;
	if (!layout.n_columns || height < 1)
		return 0;
	for (int i = 0; i < layout.n_columns; i++) {
		int64_t n = column_count(durations, &layout, i);
		most = n > most ? n : most;
	}
	for (int i = 0; i < layout.n_columns; i++) {
		int64_t n = column_count(durations, &layout, i), eighths = (n * 8 * height + most / 2) / most;
		draw_bar(pane, i * layout.cells, layout.cells, height, n && !eighths ? 1 : eighths, look);
	}
	draw_axis(pane, &layout);
	return most;
}
