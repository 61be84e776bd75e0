/* SPDX-License-Identifier: Apache-2.0
 *
 * view_compare_draw: layout, titles, and the pages that stand in place of a comparison.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/units.h"
#include "traces/compare_print.h"
#include "viewers/panel.h"
#include "viewers/view_compare_private.h"

#define WIDE_CELLS 118   /* from here on split and nodes stand side by side */
#define VERY_WIDE_CELLS 150
#define LANES_MAX 16

static int bounded(int value, int low, int high)
{
	return value > high ? high : value < low ? low : value;
}

struct compare_layout compare_layout(int width, int height, const int n_lanes[2], int n_kinds)
{
	struct compare_layout layout = { .axis = { 0, 0, width, bounded(2, 0, height) } };
	int most = bounded((height - 9) / 4, 1, LANES_MAX), y = layout.axis.height, split_cells = width >= VERY_WIDE_CELLS ? 76 : 52;
	for (int side = 0; side < 2; side++) {
		layout.lanes[side] = (struct compare_area){ 0, y, width, bounded(bounded(n_lanes[side], 1, most) + 1, 0, height - y) };
		y += layout.lanes[side].height;
	}
	int left = height - y;
	if (width >= WIDE_CELLS) {
		layout.split = (struct compare_area){ 0, y, split_cells, left };
		layout.nodes = (struct compare_area){ split_cells + 1, y, width - split_cells - 1, left };
		return layout;
	}
	int split = bounded(n_kinds + 3, 0, left / 2);
	layout.split = (struct compare_area){ 0, y, width, split };
	layout.nodes = (struct compare_area){ 0, y + split, width, left - split };
	return layout;
}

static struct pane area_pane(struct pane pane, const struct compare_area *area)
{
	return pane_sub(pane, area->x, area->y, area->width, area->height);
}

/* -- titles ------------------------------------------------------------------------------------------------------------------- */

static char *signed_duration(double ns, char *text, size_t size)
{
	char number[40];
	snprintf(text, size, "%s%s", ns > 0 ? "+" : "", units_duration(llround(ns), number, sizeof(number)));
	return text;
}

static void draw_head(const struct compare_view *view, const struct session *session, const struct compare_anchor *anchor,
	struct pane pane)
{
	const struct compare *compare = view->compare;
	char title[300], right[300];
	int side = session->selection.side;
	if (anchor->execution == TIMELINE_NONE)
		snprintf(title, sizeof(title), "aligned by the runs' starts");
	else if (anchor->nodes[side] != TIMELINE_NONE)
		snprintf(title, sizeof(title), "aligned at %s, execution %" PRId64,
			session->sides[side].timeline->nodes[anchor->nodes[side]].name,
			anchor->execution);
	else
		snprintf(title, sizeof(title), "aligned at the submit of execution %" PRId64, anchor->execution);
	snprintf(right, sizeof(right), "%" PRId64 " pairs, %" PRId64 " warm-up left out%s", compare->align.n_pairs,
		compare->align.n_warmup,
		pane.width < 100 ? "" : compare->is_stored ? ", from stored sums" : ", exact pass");
	if (!compare->reasons.n_refusals) {
		panel_title(pane, false, title, right, LOOK(NONE));
		return;
	}
	const char *reason = "";
	for (int i = compare->reasons.n_items - 1; i >= 0; i--)
		reason = compare->reasons.items[i].is_refusal ? compare->reasons.items[i].text : reason;
	snprintf(right, sizeof(right), "FORCED, MISLEADING: %s", reason);
	panel_title(pane, false, title, right, LOOK(ERROR));
}

static void draw_side_title(const struct compare_view *view, const struct session *session, int side, struct pane pane)
{
	const struct compare *compare = view->compare;
	const struct compare_measure *measure = &compare->measures[side];
	char title[300], right[300], a[40], b[40], c[40];
	snprintf(title, sizeof(title), "%c  %s", "AB"[side], session->sides[side].label);
	int n = snprintf(right, sizeof(right), "latency %s ±%s", units_duration(compare->latency_ns[side], a, sizeof(a)),
		units_duration(llround(compare_moments_margin(&measure->latency)), b, sizeof(b)));
	if (compare->has_throughput)
		n += snprintf(right + n, sizeof(right) - (size_t)n, "  %.4g/s", compare->per_s[side]);
	if (compare->has_bottleneck && measure->bottleneck >= 0)
		n += snprintf(right + n, sizeof(right) - (size_t)n, "  busiest%s %.40s", compare->has_moved && side ? " now" : "",
			measure->lanes[measure->bottleneck].worker);
	if (compare->has_bottleneck && measure->bottleneck >= 0 && pane.width >= 90) {
		n += snprintf(right + n, sizeof(right) - (size_t)n, " %s", units_duration(compare->bottleneck_ns[side], c, sizeof(c)));
		if (compare->has_throughput)
			snprintf(right + n, sizeof(right) - (size_t)n, ", %.0f %%",
				100 * (double)compare->bottleneck_ns[side] * compare->per_s[side] / 1e9);
	}
	panel_title(pane, side == session->selection.side, title, right, LOOK(NONE));
}

static void draw_split_title(const struct compare_view *view, const struct session *session, struct pane pane)
{
	const struct compare *compare = view->compare;
	const struct compare_interval *latency = &compare->latency;
	char title[200], right[200], a[40], b[40];
	double base = compare->measures[0].latency.mean;
	if (compare->latency_ns[1] == compare->latency_ns[0])
		snprintf(title, sizeof(title), "no difference");
	else
		snprintf(title, sizeof(title), "where the %s go",
			signed_duration((double)(compare->latency_ns[1] - compare->latency_ns[0]), a, sizeof(a)));
	if (!latency->is_known)
		snprintf(right, sizeof(right), "too few executions to know the noise");
	else if (!compare_is_beyond_noise(latency))
		snprintf(right, sizeof(right), "no difference beyond noise (±%s)",
			units_duration(llround(latency->high - latency->delta), b, sizeof(b)));
	else
		snprintf(right, sizeof(right), "latency %+.1f %% ±%.1f", base > 0 ? 100 * latency->delta / base : 0,
			base > 0 ? 100 * (latency->high - latency->delta) / base : 0);
	panel_title(pane, view->focus == COMPARE_SPLIT, title, right, LOOK(NONE));
}

static void draw_nodes_title(const struct compare_view *view, struct pane pane)
{
	char title[120];
	int n_only[2] = { 0, 0 };
	char right[120] = "own work an execution; path: part of the latency";
	for (int i = 0; i < view->compare->n_rows; i++) {
		const struct compare_row *row = &view->compare->rows[i];
		for (int side = 0; side < 2 && !row->is_edge; side++)
			n_only[side] += row->places[1 - side] < 0;
	}
	if (view->drill >= 0) {
		snprintf(title, sizeof(title), "where %s changed", compare_kind_word(view->drill));
		snprintf(right, sizeof(right), "on the critical path; esc: all kinds");
	} else {
		snprintf(title, sizeof(title), "nodes");
	}
	if (n_only[0] || n_only[1])
		snprintf(right, sizeof(right), "%d only in A, %d only in B", n_only[0], n_only[1]);
	panel_title(pane, view->focus == COMPARE_NODES, title, right, LOOK(NONE));
}

/* -- pages -------------------------------------------------------------------------------------------------------------------- */

static void draw_one_run(struct pane pane)
{
	static const char *const lines[] = {
		"  tandem view FILE FILE2                        the first runs of two files",
		"  tandem run GRAPH --mode both -o FILE          both modes in one file, then",
		"  tandem view FILE                              compares them",
	};
	struct look title = LOOK(TITLE);
	title.attributes = LOOK_BOLD;
	pane_text(pane, 2, 1, title, "There is one run here, and nothing to compare it with.");
	int y = panel_paragraph(pane, 2, 3, LOOK(NONE), "A second run of the same graph is compared with it node by node and execution by"
		" execution: another mode, another day, another machine's.");
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		pane_text(pane, 2, y + 1 + (int)i, LOOK(NONE), lines[i]);
}

static void draw_refusal(const struct session *session, struct pane pane)
{
	const struct align_side sides[2] = { { session->sides[0].trace, session->sides[0].timeline->info },
		{ session->sides[1].trace, session->sides[1].timeline->info } };
	struct compare_reasons reasons = { .n_items = 0 };
	struct align align;
	struct look title = LOOK(TITLE);
	title.attributes = LOOK_BOLD;
	pane_text(pane, 2, 1, title, "These two runs are not compared, because that would mislead:");
	int y = 3;
	if (align_make(sides, NULL, &align) == STATUS_OK) {
		if (compare_reasons_find(&align, NULL, &reasons) != STATUS_OK)
			reasons.n_items = 0;
		align_finish(&align);
	}
	for (int i = 0; i < reasons.n_items; i++) {
		if (!reasons.items[i].is_refusal)
			continue;
		pane_put(pane, 2, y, 0x2022, LOOK(ACCENT));
		y = panel_paragraph(pane, 4, y, LOOK(NONE), reasons.items[i].text);
	}
	if (!reasons.n_refusals)
		y = panel_paragraph(pane, 2, y, LOOK(NONE), session->compare_error.text);
	for (int i = 0; i < reasons.n_items; i++) {
		if (!reasons.items[i].is_refusal)
			y = panel_paragraph(pane, 4, y + (i == 0), LOOK(DIM), reasons.items[i].text);
	}
	pane_text(pane, 2, y + 1, LOOK(ACCENT), "enter");
	pane_text(pane, 8, y + 1, LOOK(NONE), "compares them all the same; the screen will say so");
}

/* The frame before a comparison that takes long. */
static void draw_announcement(const struct session *session, struct pane pane)
{
	struct look title = LOOK(TITLE);
	char text[300];
	title.attributes = LOOK_BOLD;
	pane_text(pane, 2, 1, title, "Comparing …");
	snprintf(text, sizeof(text), "No sums are stored for these runs: every op of %" PRId64 " and %" PRId64 " executions is gone over once.",
		session->sides[0].timeline->info->n_finished, session->sides[1].timeline->info->n_finished);
	int y = panel_paragraph(pane, 2, 3, LOOK(NONE), text) + 1;
	pane_text(pane, 2, y, LOOK(ACCENT), "C-c");
	pane_text(pane, 8, y, LOOK(NONE), "stops it");
}

static void draw_page(const struct compare_view *view, const struct session *session, struct pane pane)
{
	if (view->is_announced) {
		draw_announcement(session, pane);
	} else if (session->n_sides < 2) {
		draw_one_run(pane);
	} else if (session->compare_error.status == STATUS_NOT_COMPARABLE) {
		draw_refusal(session, pane);
	} else {
		struct look title = LOOK(TITLE);
		title.attributes = LOOK_BOLD;
		bool is_stopped = session->compare_error.status == STATUS_STOPPED;
		pane_text(pane, 2, 1, title, is_stopped ? "The comparison was stopped." : "The runs could not be compared.");
		int y = is_stopped ? 3 : panel_paragraph(pane, 2, 3, LOOK(NONE), session->compare_error.text) + 1;
		pane_text(pane, 2, y, LOOK(ACCENT), "enter");
		pane_text(pane, 8, y, LOOK(NONE), "tries again");
	}
}

/* -- all of it ---------------------------------------------------------------------------------------------------------------- */

static void count_lanes(const struct session *session, int n_lanes[2])
{
	for (int side = 0; side < 2; side++) {
		const struct timeline *timeline = session->sides[side].timeline;
		n_lanes[side] = 0;
		while (n_lanes[side] < timeline->n_lanes && timeline->lanes[n_lanes[side]].kind == TIMELINE_HOST)
			n_lanes[side]++;
	}
}

/* The selected lane stays in sight. */
static void scroll_lanes(struct compare_view *view, const struct session *session)
{
	int side = session->selection.side, lane = session->selection.lane, n = view->layout.lanes[side].height - 1, n_lanes[2];
	count_lanes(session, n_lanes);
	int hosts = n_lanes[side];
	if (lane < 0 || lane >= hosts || n < 1)
		return;
	if (lane < view->lane_top)
		view->lane_top = lane;
	if (lane >= view->lane_top + n)
		view->lane_top = lane - n + 1;
	view->lane_top = bounded(view->lane_top, 0, hosts > n ? hosts - n : 0);
}

static void draw_tables(struct compare_view *view, const struct session *session, struct pane pane)
{
	struct compare_source source;
	struct pane split = area_pane(pane, &view->layout.split), nodes = area_pane(pane, &view->layout.nodes);
	draw_split_title(view, session, split);
	compare_split_source(&source, view, session);
	table_view_draw(&view->split, &source.table, pane_sub(split, 1, 1, split.width - 1, split.height - 1),
		view->focus == COMPARE_SPLIT);
	draw_nodes_title(view, nodes);
	compare_nodes_source(&source, view, session);
	table_view_draw(&view->nodes, &source.table, pane_sub(nodes, 1, 1, nodes.width - 1, nodes.height - 1),
		view->focus == COMPARE_NODES);
}

int compare_draw(struct compare_view *view, struct session *session, struct pane pane, struct error *error)
{
	if (!view->compare) {
		draw_page(view, session, pane);
		return STATUS_OK;
	}
	int n_lanes[2];
	count_lanes(session, n_lanes);
	view->layout = compare_layout(pane.width, pane.height, n_lanes, view->n_kinds);
	view->label_cells = compare_label_cells(session, pane.width);
	int n_cells = bounded(pane.width - view->label_cells - 1, 1, pane.width), status = STATUS_OK;
	if (!view->is_placed && session_window(session)->fits) {
		int64_t execution = session->selection.execution;
		compare_place(session, align_pair(&view->compare->align,
			execution) >= 0 ? execution : compare_typical(view->compare), n_cells);
	}
	view->is_placed = true;
	struct compare_anchor anchor = compare_anchor(session);
	compare_lock(session, &anchor, n_cells);
	scroll_lanes(view, session);
	struct pane head = area_pane(pane, &view->layout.axis);
	draw_head(view, session, &anchor, pane_sub(head, 0, 0, head.width, 1));
	compare_draw_axis(view, session, &anchor, pane_sub(head, 0, 1, head.width, 1));
	for (int side = 0; side < 2 && status == STATUS_OK; side++) {
		struct pane lanes = area_pane(pane, &view->layout.lanes[side]);
		draw_side_title(view, session, side, pane_sub(lanes, 0, 0, lanes.width, 1));
		status = compare_draw_lanes(view, session, &anchor, side, pane_sub(lanes, 0, 1, lanes.width, lanes.height - 1), error);
	}
	draw_tables(view, session, pane);
	return status;
}
