/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of spans over generated runs: what is drawn adds up to what was recorded, at every zoom.
 */
#include "viewers/spans.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/traces/crowd.h"
#include "tests/viewers/timeline_trace.h"
#include "viewers/spans_raster.h"

#define N_CELLS 120

static void require(int status, const struct error *error)
{
	cr_assert(status == STATUS_OK, "status %d: %s", status, error->text);
}

struct opened {
	struct crowd crowd;
	struct trace *trace;
	struct timeline *timeline;
};

static void open_crowd(struct opened *opened, const struct crowd_options *options)
{
	struct error error = { 0 };
	crowd_make(&opened->crowd, options);
	require(trace_open(opened->crowd.synthetic.file, &error, &opened->trace), &error);
	require(timeline_open(opened->trace, 0, NULL, NULL, &error, &opened->timeline), &error);
}

static void close_crowd(struct opened *opened)
{
	timeline_close(opened->timeline);
	trace_close(opened->trace);
	crowd_finish(&opened->crowd);
}

static const struct crowd_options crowds[] = {
	{ .name = "few", .n_executions = 5, .seed = 1 },
	{ .name = "even", .n_executions = 900, .seed = 2 },
	{ .name = "stalls and bursts", .n_executions = 900, .seed = 3, .stall_one_in = 100, .pause_one_in = 50 },
	{ .name = "losses", .n_executions = 900, .seed = 4, .pause_one_in = 100, .lose_one_in = 17 },
};

/* ns by phase of the spans themselves. */
static void sum_spans(struct timeline *timeline, int lane, int64_t from_ns, int64_t until_ns, int64_t ns[PHASE_COUNT])
{
	struct error error = { 0 };
	struct timeline_span span = { .lane = lane, .start_ns = INT64_MIN / 2, .row = INT64_MIN, .is_op = true }, next;
	bool has_found = true;
	memset(ns, 0, PHASE_COUNT * sizeof(*ns));
	for (;; span = next) {
		struct timeline_piece pieces[PHASE_COUNT];
		require(timeline_next(timeline, &span, 1, &next, &has_found, &error), &error);
		if (!has_found || next.start_ns >= until_ns)
			return;
		int n = timeline_pieces(&next, pieces);
		for (int i = 0; i < n; i++) {
			int64_t first_ns = pieces[i].start_ns > from_ns ? pieces[i].start_ns : from_ns;
			int64_t end_ns = pieces[i].start_ns + pieces[i].duration_ns;
			end_ns = end_ns < until_ns ? end_ns : until_ns;
			ns[pieces[i].phase] += end_ns > first_ns ? end_ns - first_ns : 0;
		}
	}
}

static void expect_sums(const char *name, int lane, const int64_t is[PHASE_COUNT], const int64_t should[PHASE_COUNT])
{
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		cr_assert_eq(is[phase], should[phase], "%s, lane %d, %s: %" PRId64 " ns, not %" PRId64, name, lane,
			spans_phase_title((enum phase)phase), is[phase], should[phase]);
}

/* The cells of a row that shows the whole run hold all time, at each zoom; those that are drawn span by span lie where the spans are. */
Test(spans, rows_hold_all_time_at_every_zoom)
{
	for (size_t k = 0; k < ARRAY_LEN(crowds); k++) {
		struct opened opened;
		struct error error = { 0 };
		open_crowd(&opened, &crowds[k]);
		struct timeline *timeline = opened.timeline;
		int64_t length_ns = timeline->end_ns - timeline->origin_ns + 1;
		for (int lane = 0; lane < 4; lane++) {
			int64_t should[PHASE_COUNT];
			sum_spans(timeline, lane, INT64_MIN / 2, INT64_MAX / 2, should);
			for (int n = 8; n <= 2048; n = n * 3 + 1) {
				struct spans_row row = { .timeline = timeline, .lane = lane, .scale = timeline_scale_fit(length_ns, n),
					.has_labels = true };
				int64_t ns[PHASE_COUNT] = { 0 }, width_ns = timeline_scale_ns(row.scale);
				struct raster raster;
				row.from_ns = timeline_snap(timeline, row.scale, timeline->origin_ns);
				int n_cells = (int)((timeline->end_ns - row.from_ns) / width_ns) + 1;
				require(raster_make(&row, n_cells, 1, &raster, &error), &error);
				for (int i = 0; i < n_cells; i++) {
					for (int phase = 0; phase < PHASE_COUNT; phase++)
						ns[phase] += raster.cells[i].ns[phase];
				}
				expect_sums(crowds[k].name, lane, ns, should);
				raster_finish(&raster);
			}
		}
		close_crowd(&opened);
	}
}

/* In cells made of spans each phase has as many eighths as it has time, but for one at each end of a piece. */
Test(spans, eighths_lie_where_time_is)
{
	struct opened opened;
	struct error error = { 0 };
	open_crowd(&opened, &crowds[2]);
	struct timeline *timeline = opened.timeline;
	int64_t length_ns = timeline->end_ns - timeline->origin_ns + 1;
	int n_exact = 0;
	for (int shift = 0; shift < 14; shift++) {
		struct spans_row row = { .timeline = timeline, .lane = 1, .scale = timeline_scale_fit(length_ns >> shift, N_CELLS) };
		struct raster raster;
		int64_t width_ns = timeline_scale_ns(row.scale);
		row.from_ns = timeline_snap(timeline, row.scale, timeline->origin_ns + length_ns / 3);
		require(raster_make(&row, N_CELLS, 1, &raster, &error), &error);
		for (int i = 0; i < N_CELLS; i++) {
			int eighths[PHASE_COUNT] = { 0 }, n_pieces = 1;
			const int32_t *parts = raster_parts(&raster, 0, i);
			if (!raster.is_exact[i])
				continue;
			n_exact++;
			for (int e = 0; e < RASTER_EIGHTHS; e++) {
				if (parts[e] != RASTER_NONE)
					eighths[raster.pieces[parts[e]].phase]++;
			}
			for (int p = 0; p < raster.n_pieces; p++)
				n_pieces += raster.pieces[p].first / RASTER_EIGHTHS <= i && raster.pieces[p].end / RASTER_EIGHTHS >= i;
			for (int phase = 0; phase < PHASE_COUNT; phase++) {
				double is = eighths[phase], should = (double)raster.cells[i].ns[phase] * RASTER_EIGHTHS / (double)width_ns;
				cr_assert(is - should <= n_pieces && should - is <= n_pieces, "scale %d << %d, cell %d, %s: %.0f eighths, not %.2f",
					row.scale.m, row.scale.s, i, spans_phase_title((enum phase)phase), is, should);
			}
		}
		raster_finish(&raster);
	}
	cr_assert_gt(n_exact, 200, "%d", n_exact);
	close_crowd(&opened);
}

Test(spans, sums_between_any_two_moments)
{
	struct opened opened;
	struct error error = { 0 };
	unsigned state = 7;
	open_crowd(&opened, &crowds[2]);
	struct timeline *timeline = opened.timeline;
	int64_t length_ns = timeline->end_ns - timeline->origin_ns;
	for (int i = 0; i < 60; i++) {
		int64_t ends[2], should[PHASE_COUNT];
		struct spans_sum sum;
		for (int k = 0; k < 2; k++) {
			state = state * 1103515245u + 12345u;
			ends[k] = timeline->origin_ns - 1000 + (int64_t)((double)(state >> 8) / (1 << 24)
				* (double)(length_ns + 2000) / (1 << (i % 12)));
		}
		int64_t from_ns = ends[0] < ends[1] ? ends[0] : ends[1], until_ns = ends[0] < ends[1] ? ends[1] : ends[0];
		require(spans_sum_between(timeline, i % 4, from_ns, until_ns, &sum, &error), &error);
		sum_spans(timeline, i % 4, from_ns, until_ns, should);
		expect_sums("between", i % 4, sum.ns, should);
	}
	close_crowd(&opened);
}

/* One row of a lane of the small trace. */
static void draw_row(struct timeline_trace *trace, int lane, int64_t from_ns, int64_t length_ns, int width, char *text, size_t size)
{
	struct timeline *timeline = trace->session->sides[0].timeline;
	struct error error = { 0 };
	struct spans_row row = { .timeline = timeline, .lane = lane, .scale = timeline_scale_fit(length_ns, width), .has_labels = true };
	row.from_ns = timeline_snap(timeline, row.scale, timeline->origin_ns + from_ns);
	require(canvas_resize(&trace->canvas, width, 1, &error), &error);
	require(spans_draw(&row, canvas_pane(&trace->canvas), &error), &error);
	size_t n = 0;
	for (int x = 0; x < width && n + 1 < size; x++)
		text[n++] = trace->canvas.cells[x].code < 128 ? (char)trace->canvas.cells[x].code : '#';
	text[n] = '\0';
}

/* A label stands whole or cut in the middle, with a cell of its block on both sides: two never touch. */
Test(spans, labels_stay_inside_of_their_blocks)
{
	struct timeline_trace trace;
	timeline_trace_init(&trace, 12, 1, "UPDATE node SET name = 'a_node_with_a_rather_long_name' WHERE name = 'layer0'");
	for (int width = 1; width < 160; width++) {
		for (int lane = 0; lane < 3; lane++) {
			char text[200];
			draw_row(&trace, lane, width * 20000, 4000000, width, text, sizeof(text));
			for (int x = 0; x < width; x++) {
				bool is_letter = text[x] >= 'a' && text[x] <= 'z';
				bool is_edge = x == 0 || x == width - 1;
				cr_assert(!is_letter || !is_edge, "%d cells, lane %d: a label at the edge: %s", width, lane, text);
			}
		}
	}
	timeline_trace_finish(&trace);
}

Test(spans, phases_have_colour_texture_and_title)
{
	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		cr_expect_neq(spans_colour((enum phase)phase), COLOUR_NONE, "%s", phase_word((enum phase)phase));
		cr_expect_neq(spans_texture((enum phase)phase), 0, "%s", phase_word((enum phase)phase));
		cr_expect_not_null(spans_phase_title((enum phase)phase), "%s", phase_word((enum phase)phase));
		cr_expect(!(spans_is_work((enum phase)phase) && spans_is_stall((enum phase)phase)), "%s", phase_word((enum phase)phase));
	}
	cr_expect_neq(spans_texture(PHASE_STARVED), spans_texture(PHASE_BACKPRESSURE), "told apart without colour");
	cr_expect_neq(spans_texture(PHASE_COMPUTE), spans_texture(PHASE_READ), "told apart without colour");
}
