/* SPDX-License-Identifier: Apache-2.0
 *
 * view_stalls_lanes: where each lane's time went, as bars and numbers, and its utilisation over time.
 */
#include <stdio.h>

#include "engine/base/units.h"
#include "viewers/axis.h"
#include "viewers/panel.h"
#include "viewers/spans.h"
#include "viewers/view_stalls_private.h"

#define LABEL_CELLS_MAX 16
#define NUMBERS_CELLS 108    /* from here on the lanes have columns of numbers */
#define NUMBER_CELLS 7       /* " 100.0 " */

static int bounded(int value, int low, int high)
{
	return value > high ? high : value < low ? low : value;
}

/* -- where time went ---------------------------------------------------------------------------------------------------------- */

/* Kinds in the order of the bars: work, then overhead, then waiting, then nothing. */
static const enum phase bar_order[] = {
	PHASE_COMPUTE, PHASE_COLLECTIVE, PHASE_READ, PHASE_WRITE, PHASE_SERIALISE, PHASE_FETCH, PHASE_DISPATCH, PHASE_ALLOCATE,
		PHASE_LAUNCH,
	PHASE_SYNC, PHASE_DEBUG, PHASE_RECORDER, PHASE_LATE_RANK, PHASE_BACKPRESSURE, PHASE_STARVED, PHASE_LIMIT, PHASE_IDLE,
		PHASE_UNKNOWN,
};
_Static_assert(sizeof(bar_order) / sizeof(bar_order[0]) == PHASE_COUNT, "every kind has its place in a bar");

/* Columns of numbers: kinds that have one colour together. */
static const struct {
	enum colour colour;
	const char *title;
	enum phase phase; /* whose texture stands in the header */
} number_columns[] = {
	{ COLOUR_COMPUTE, "compute", PHASE_COMPUTE }, { COLOUR_COLLECTIVE, "collect", PHASE_COLLECTIVE }, { COLOUR_MOVE, "move",
		PHASE_WRITE },
	{ COLOUR_OVERHEAD, "overhd", PHASE_DISPATCH }, { COLOUR_LATE_RANK, "late", PHASE_LATE_RANK },
	{ COLOUR_BACKPRESSURE, "backpr", PHASE_BACKPRESSURE }, { COLOUR_STARVED, "starved", PHASE_STARVED }, { COLOUR_IDLE,
		"idle", PHASE_IDLE },
	{ COLOUR_NONE, "unknown", PHASE_UNKNOWN },
};

static bool is_in_column(size_t column, enum phase phase)
{
	if (phase == PHASE_UNKNOWN)
		return number_columns[column].colour == COLOUR_NONE;
	return spans_colour(phase) == number_columns[column].colour;
}

static int column_permille(size_t column, const int permille[PHASE_COUNT])
{
	int sum = 0;
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		sum += is_in_column(column, (enum phase)phase) ? permille[phase] : 0;
	return sum;
}

/* Columns without time anywhere are left out; unknown never is. */
static bool is_column_shown(const struct stalls *stalls, size_t column)
{
	bool has_time = number_columns[column].colour == COLOUR_NONE;
	for (int i = 0; i < stalls->n_lanes; i++) {
		for (int phase = 0; phase < PHASE_COUNT; phase++)
			has_time |= is_in_column(column, (enum phase)phase) && stalls->lanes[i].ns[phase] != 0;
	}
	return has_time;
}

static int label_cells(const struct stalls_view *view, const struct timeline *timeline)
{
	int width = 6;
	for (int i = 0; i < view->stalls.n_lanes; i++) {
		const struct timeline_lane *lane = &timeline->lanes[view->stalls.lanes[i].lane];
		int n = canvas_text_width(lane->name) + (lane->device ? 1 + canvas_text_width(lane->device) : 0);
		width = n > width ? n : width;
	}
	return (width > LABEL_CELLS_MAX ? LABEL_CELLS_MAX : width) + 1;
}

static void draw_label(const struct stalls_view *view, const struct timeline *timeline, int place, struct pane pane, int width, int y)
{
	const struct timeline_lane *lane = &timeline->lanes[view->stalls.lanes[place].lane];
	struct look look = LOOK(NONE);
	look.attributes = place == view->lane ? LOOK_BOLD : 0;
	pane_put(pane, 0, y, place == view->only ? 0x25b8 : ' ', LOOK(ACCENT));
	int name = canvas_text_width(lane->name), device = lane->device ? canvas_text_width(lane->device) : 0;
	bool has_device = device && name + 1 + device <= width - 1;
	pane_field(pane, 1, y, width - 1 - (has_device ? device + 1 : 0), PANE_LEFT, look, lane->name);
	if (has_device)
		pane_field(pane, width - device, y, device, PANE_RIGHT, LOOK(DIM), lane->device);
}

/* "compute 63 %" inside a piece of a bar, when there is room for it and a blank on each side. */
static void draw_piece_label(struct pane pane, int x, int y, int width, enum phase phase, int permille)
{
	char text[48];
	bool is_block = spans_texture(phase) == 0x2588;
	struct look look = is_block ? LOOK(NONE) : (struct look){ .front = (uint8_t)spans_colour(phase) };
	look.back = is_block ? (uint8_t)spans_colour(phase) : COLOUR_NONE;
	snprintf(text, sizeof(text), " %s %.0f %% ", spans_phase_title(phase), permille / 10.0);
	int n = canvas_text_width(text);
	if (n > width)
		n = snprintf(text, sizeof(text), " %s ", spans_phase_title(phase));
	if (n + (is_block ? 0 : 2) <= width)
		pane_text(pane, x + (width - n) / 2, y, look, text);
}

static void draw_bar(const struct stalls_lane *lane, const int permille[PHASE_COUNT], struct pane pane, int x, int y, int width)
{
	int64_t before = 0, whole = 0;
	for (int i = 0; i < PHASE_COUNT; i++)
		whole += lane->ns[i] > 0 ? lane->ns[i] : 0;
	for (int i = 0; i < PHASE_COUNT && whole > 0; i++) {
		enum phase phase = bar_order[i];
		int64_t ns = lane->ns[phase] > 0 ? lane->ns[phase] : 0;
		int from = (int)((double)before * width / (double)whole + 0.5);
		int until = (int)((double)(before + ns) * width / (double)whole + 0.5);
		struct look look = { .front = (uint8_t)spans_colour(phase) };
		for (int cell = from; cell < until; cell++)
			pane_put(pane, x + cell, y, spans_texture(phase), look);
		draw_piece_label(pane, x + from, y, until - from, phase, permille[phase]);
		before += ns;
	}
}

static void draw_numbers(const struct stalls *stalls, const int permille[PHASE_COUNT], struct pane pane, int x, int y)
{
	int sum = 0;
	for (size_t column = 0; column < ARRAY_LEN(number_columns); column++) {
		char text[16];
		if (!is_column_shown(stalls, column))
			continue;
		int share = column_permille(column, permille);
		sum += share;
		snprintf(text, sizeof(text), "%.1f", share / 10.0);
		pane_field(pane, x, y, NUMBER_CELLS + 1, PANE_RIGHT, share ? LOOK(NONE) : LOOK(DIM), text);
		x += NUMBER_CELLS + 2;
	}
	pane_textf(pane, x, y, LOOK(DIM), "%5.1f", sum / 10.0);
}

static int draw_number_titles(const struct stalls *stalls, struct pane pane, int x, int y)
{
	for (size_t column = 0; column < ARRAY_LEN(number_columns); column++) {
		if (!is_column_shown(stalls, column))
			continue;
		char text[32];
		enum phase phase = number_columns[column].phase;
		pane_field(pane, x + 1, y, NUMBER_CELLS, PANE_RIGHT, LOOK(DIM), number_columns[column].title);
		int n = snprintf(text, sizeof(text), "%s", number_columns[column].title);
		pane_put(pane, x + NUMBER_CELLS - n, y, spans_texture(phase), (struct look){ .front = (uint8_t)spans_colour(phase) });
		x += NUMBER_CELLS + 2;
	}
	pane_text(pane, x, y, LOOK(DIM), "  sum");
	return x + 6;
}

static int numbers_cells(const struct stalls *stalls)
{
	int n = 6;
	for (size_t column = 0; column < ARRAY_LEN(number_columns); column++)
		n += is_column_shown(stalls, column) ? NUMBER_CELLS + 2 : 0;
	return n;
}

/* The selected lane's kinds, to 100 %, and what its waits go back to as far as there is room. */
static void draw_lane_facts(const struct stalls_view *view, const struct timeline *timeline, const int permille[PHASE_COUNT],
	struct pane pane, int y)
{
	const struct stalls_lane *lane = &view->stalls.lanes[view->lane];
	int x = pane_textf(pane, 1, y, LOOK(TITLE), "%s", timeline->lanes[lane->lane].name);
	for (int i = 0; i < PHASE_COUNT; i++) {
		enum phase phase = bar_order[i];
		if (!permille[phase] && phase != PHASE_UNKNOWN)
			continue;
		pane_put(pane, x + 1, y, spans_texture(phase), (struct look){ .front = (uint8_t)spans_colour(phase) });
		x = pane_textf(pane, x + 2, y, LOOK(NONE), "%s %.1f", spans_phase_title(phase), permille[phase] / 10.0);
	}
	x = pane_text(pane, x, y, LOOK(NONE), " %");
	int64_t sum = 0;
	int n_shown = 0;
	for (int i = 0; i < view->stalls.n_blame; i++)
		sum += view->stalls.blame[i].lane == lane->lane ? view->stalls.blame[i].ns : 0;
	for (int i = 0; i < view->stalls.n_blame && n_shown < 3 && !view->is_marked; i++) {
		const struct stalls_blame *blame = &view->stalls.blame[i];
		const char *name = stalls_root_name(timeline, blame->root);
		const char *did = blame->root.kind == BLAME_EDGE ? " delivery" : "";
		if (blame->lane != lane->lane || x + canvas_text_width(name) + 40 > pane.width)
			continue;
		x = pane_textf(pane, x, y, LOOK(NONE), "%s%s%s%s%s %.0f %%", n_shown ? ", " : "   its waits go back to ", name, did,
			blame->root.kind == BLAME_NODE ? " " : "",
				blame->root.kind == BLAME_NODE ? spans_phase_title(blame->root.phase) : "",
			100.0 * (double)blame->ns / (double)sum);
		n_shown++;
	}
}

static void scroll_lanes(struct stalls_view *view, int n_rows)
{
	int last = view->stalls.n_lanes - n_rows;
	if (view->lane < view->lane_top)
		view->lane_top = view->lane;
	if (view->lane >= view->lane_top + n_rows)
		view->lane_top = view->lane - n_rows + 1;
	view->lane_top = bounded(view->lane_top, 0, last > 0 ? last : 0);
}

static void draw_scroll_marks(const struct stalls_view *view, struct pane pane, int y, int n_rows)
{
	if (view->lane_top > 0)
		pane_put(pane, pane.width - 1, y, 0x25b4, LOOK(ACCENT));
	if (view->lane_top + n_rows < view->stalls.n_lanes && n_rows > 0)
		pane_put(pane, pane.width - 1, y + n_rows - 1, 0x25be, LOOK(ACCENT));
}

void stalls_draw_lanes(struct stalls_view *view, const struct session *session, struct pane pane)
{
	const struct timeline *timeline = session_timeline(session);
	const struct stalls *stalls = &view->stalls;
	char right[120], size[40];
	int n_rows = bounded(pane.height - 3, 0, stalls->n_lanes), label = label_cells(view, timeline);
	bool has_numbers = pane.width >= NUMBERS_CELLS && pane.width - label - numbers_cells(stalls) >= 24;
	int bar = pane.width - label - 2 - (has_numbers ? numbers_cells(stalls) : 0);
	units_duration(view->until_ns - view->from_ns, size, sizeof(size));
	snprintf(right, sizeof(right), "%% of %s%s%s", size, view->is_marked ? " between the marks" : ", the whole run",
		stalls->is_cut ? ", interrupted: not all" : session->is_live ? " so far" : "");
	panel_title(pane, view->focus == STALLS_LANES, "where time went", right, LOOK(NONE));
	pane_text(pane, 1, 1, LOOK(DIM), "lane");
	pane_text(pane, label + 1, 1, LOOK(DIM), "0 %");
	pane_text(pane, label + 1 + bar - 5, 1, LOOK(DIM), "100 %");
	pane_text(pane, label + 1 + bar / 2 - 2, 1, LOOK(DIM), "50 %");
	if (has_numbers)
		draw_number_titles(stalls, pane, label + 1 + bar, 1);
	scroll_lanes(view, n_rows);
	int permille[PHASE_COUNT];
	for (int i = 0; i < n_rows; i++) {
		int place = view->lane_top + i;
		const struct stalls_lane *lane = &stalls->lanes[place];
		stalls_permille(lane->ns, PHASE_COUNT, lane->total_ns, permille);
		draw_label(view, timeline, place, pane, label, 2 + i);
		draw_bar(lane, permille, pane, label + 1, 2 + i, bar);
		if (has_numbers)
			draw_numbers(stalls, permille, pane, label + 1 + bar, 2 + i);
		if (place == view->lane)
			pane_tint(pane, 0, 2 + i, label, 1, view->focus == STALLS_LANES ? COLOUR_SELECT : COLOUR_CURSOR);
	}
	draw_scroll_marks(view, pane, 2, n_rows);
	if (!stalls->n_lanes || pane.height < 4)
		return;
	stalls_permille(stalls->lanes[view->lane].ns, PHASE_COUNT, stalls->lanes[view->lane].total_ns, permille);
	draw_lane_facts(view, timeline, permille, pane, 2 + n_rows);
}

/* -- utilisation over time ---------------------------------------------------------------------------------------------------- */

int stalls_draw_strip(struct stalls_view *view, struct session *session, struct pane pane, struct error *error)
{
	struct timeline *timeline = session_timeline(session);
	int label = label_cells(view, timeline), n_rows = bounded(pane.height - 2, 0, view->stalls.n_lanes), status = STATUS_OK;
	int n = pane.width - label - 2;
	if (n < 4 || n_rows < 1)
		return STATUS_OK;
	view->strip_scale = timeline_scale_fit(view->until_ns - view->from_ns + 1, n);
	view->strip_from_ns = timeline_snap(timeline, view->strip_scale, view->from_ns);
	view->strip_x = label + 1;
	view->strip_cells = n;
	panel_title(pane, view->focus == STALLS_STRIP, "utilisation over time", "height: share of time at work", LOOK(NONE));
	struct axis axis = { .from_ns = view->strip_from_ns, .cell_ns = timeline_scale_ns(view->strip_scale),
		.origin_ns = timeline->origin_ns,
		.n_cells = n };
	int64_t cursor_ns = session->selection.time_ns;
	axis_draw(&axis, label + 1, cursor_ns, pane_sub(pane, 0, 1, pane.width, 1));
	for (int i = 0; i < n_rows && status == STATUS_OK; i++) {
		int place = view->lane_top + i;
		draw_label(view, timeline, place, pane, label, 2 + i);
		status = spans_draw_busy(timeline, view->stalls.lanes[place].lane, view->strip_scale, view->strip_from_ns,
			pane_sub(pane, label + 1, 2 + i, n, 1), error);
		if (place == view->lane)
			pane_tint(pane, 0, 2 + i, label, 1, view->focus == STALLS_STRIP ? COLOUR_SELECT : COLOUR_CURSOR);
	}
	int column = axis_column(&axis, cursor_ns);
	if (column >= 0 && column < n)
		pane_tint(pane, label + 1 + column, 2, 1, n_rows, COLOUR_CURSOR);
	return status;
}
