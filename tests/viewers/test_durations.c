/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations on a logarithmic scale: against sorted values, and every column of the drawing against the bins.
 */
#include "viewers/durations.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static unsigned draw(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 8) % n;
}

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

Test(durations, a_bin_holds_what_lies_between_its_bounds)
{
	static const int64_t values[] = { 0, 1, 2, 9, 10, 99, 100, 101, 999999, 1000000, 123456789, INT64_C(99999999999999), INT64_MAX };
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		int bin = durations_bin(values[i]);
		cr_expect(bin >= 0 && bin < DURATIONS_BINS, "%lld ns: bin %d", (long long)values[i], bin);
		if (values[i] < 1 || bin == DURATIONS_BINS - 1)
			continue;
		cr_expect(durations_bin_ns(bin) <= 1.0000001 * (double)values[i] && (double)values[i] < 1.0000001 * durations_bin_ns(bin + 1),
			"%lld ns: bin %d from %g to %g", (long long)values[i], bin, durations_bin_ns(bin), durations_bin_ns(bin + 1));
	}
}

Test(durations, quantiles_are_within_a_bin_of_sorted_values)
{
	unsigned seed = 5;
	for (int round = 0; round < 50; round++) {
		struct durations durations = { .n = 0 };
		int n = 1 + (int)draw(&seed, 300);
		int64_t values[300];
		for (int i = 0; i < n; i++) {
			values[i] = 1 + (int64_t)pow(10, 1 + draw(&seed, 800) / 100.0);
			durations_add(&durations, values[i]);
		}
		qsort(values, (size_t)n, sizeof(*values), by_value);
		for (int q = 1; q <= 100; q++) {
			int64_t exact = values[(q * n + 99) / 100 - 1], told = durations_quantile(&durations, q / 100.0);
			cr_expect((double)told >= 0.999 * (double)exact && (double)told < 1.11 * (double)exact + 1,
				"round %d: %d %%: %lld, exact %lld", round, q,
				(long long)told, (long long)exact);
			cr_expect(told <= values[n - 1], "round %d: %d %%: %lld, the longest is %lld", round, q, (long long)told,
				(long long)values[n - 1]);
		}
	}
}

Test(durations, columns_hold_every_value_and_fit_the_width)
{
	unsigned seed = 9;
	for (int round = 0; round < 400; round++) {
		struct durations durations = { .n = 0 };
		int n = 1 + (int)draw(&seed, 50), width = 1 + (int)draw(&seed, 220);
		for (int i = 0; i < n; i++)
			durations_add(&durations, (int64_t)pow(10, draw(&seed, 1300) / 100.0));
		struct durations_layout layout = durations_fit(&durations, width);
		int64_t held = 0;
		for (int bin = layout.first_bin; bin < layout.first_bin + layout.n_columns * layout.bins_per_column && bin < DURATIONS_BINS; bin++)
			held += durations.counts[bin];
		cr_expect(layout.n_columns * layout.cells <= width && layout.cells > 0, "%d columns of %d in %d",
			layout.n_columns, layout.cells, width);
		cr_expect(held == n, "width %d: %lld of %d values", width, (long long)held, n);
	}
}

/* What is there is drawn, the tallest column fills its rows, and nothing is outside the pane. */
Test(durations, bars_show_what_is_there)
{
	struct error error = { 0 };
	struct canvas canvas;
	struct durations durations = { .n = 0 };
	for (int i = 0; i < 1000; i++)
		durations_add(&durations, 1000000);
	durations_add(&durations, 5000);
	cr_assert(canvas_init(&canvas, 60, 8, &error) == STATUS_OK);
	struct pane pane = pane_sub(canvas_pane(&canvas), 4, 2, 50, 5);
	int64_t peak = durations_draw(&durations, pane, LOOK(STARVED));
	int n_bars = 0, n_full = 0, n_outside = 0;
	for (int y = 0; y < 8; y++) {
		for (int x = 0; x < 60; x++) {
			uint32_t code = canvas.cells[y * 60 + x].code;
			bool is_inside = x >= 4 && x < 54 && y >= 2 && y < 7;
			n_outside += !is_inside && code != ' ';
			n_bars += is_inside && y == 5 && code >= 0x2581 && code <= 0x2588;
			n_full += is_inside && y == 2 && code == 0x2588;
		}
	}
	cr_expect(peak == 1000, "peak %lld", (long long)peak);
	cr_expect(n_outside == 0, "%d cells outside", n_outside);
	cr_expect(n_bars >= 2 && n_full >= 1, "%d bars, %d full", n_bars, n_full);
	canvas_finish(&canvas);
}
