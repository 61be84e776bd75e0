/* SPDX-License-Identifier: Apache-2.0
 *
 * view_timeline: one run's lanes over time: the screen as a whole, and which action is whose.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/units.h"
#include "viewers/details.h"
#include "viewers/view_timeline_private.h"

#define LABEL_CELLS_MAX 16
#define LABEL_CELLS_IMPORTED 24 /* in a wide pane */
#define HIDDEN_CELLS 4          /* " +12" */
#define GUTTER_NARROW 6
#define GUTTER_WIDE 21
#define WIDE_CELLS 110        /* a pane so wide has the wide gutter */
#define TALL_ROWS 30          /* a pane so high has the whole details */
#define LANE_ROWS_MIN 3
#define DETAILS_ROWS_MAX 18   /* where lanes leave room */
#define SPANS_BEFORE_MAX 16   /* before a lane's first op */

/* The first span of the first lane from above that has one; of a device's rather than of a thread's. */
static void select_imported(const struct timeline_view *view, struct session *session)
{
	const struct session_selection *selection = &session->selection;
	const struct lanes *lanes = &view->lanes[selection->side];
	struct timeline *timeline = session_timeline(session);
	struct timeline_span span;
	struct error error = { 0 };
	bool has_found = false;
	for (int i = 0; i < 2 * lanes->n_rows && !has_found && selection->lane == 0 && !selection->has_span; i++) {
		int row = i % lanes->n_rows;
		if (i < lanes->n_rows && timeline->lanes[lanes->rows[row].lane].kind != TIMELINE_DEVICE)
			continue;
		struct timeline_span before = { .lane = lanes->rows[row].lane, .start_ns = timeline->origin_ns, .is_op = true, .row = INT64_MIN };
		if (timeline_next(timeline, &before, 1, &span, &has_found, &error) != STATUS_OK)
			return;
	}
	if (has_found)
		session_select_span(session, selection->side, &span);
}

/* Where nobody has selected anything yet, the first op of the first worker says more than the beginning of the driver, or what is idle before it. */
static void select_first(const struct timeline_view *view, struct session *session)
{
	const struct session_selection *selection = &session->selection;
	struct timeline *timeline = session_timeline(session);
	struct timeline_span first = { .lane = 1, .start_ns = timeline->origin_ns, .is_op = true, .row = INT64_MIN }, span;
	struct error error = { 0 };
	bool has_found = false;
	if (timeline->is_imported)
		select_imported(view, session);
	if (selection->lane != 0 || selection->has_span || selection->node != TIMELINE_NONE || selection->time_ns != timeline->origin_ns
		|| timeline->n_lanes < 2 || timeline->lanes[1].kind != TIMELINE_HOST)
		return;
	for (int i = 0; i < SPANS_BEFORE_MAX; i++) {
		int status = timeline_next(timeline, &first, 1, &span, &has_found, &error);
		if (status != STATUS_OK || !has_found)
			return;
		if (i == 0 || span.is_op)
			session_select_span(session, selection->side, &span);
		if (span.is_op)
			return;
		first = span;
	}
}

static void close_view(void *state)
{
	struct timeline_view *view = state;
	if (!view)
		return;
	timeline_view_forget_path(view);
	for (int i = 0; i < 2; i++) {
		lanes_finish(&view->lanes[i]);
		messages_finish(&view->messages[i]);
	}
	minimap_finish(&view->minimap);
	free(view);
}

static int open_view(struct session *session, struct error *error, void **ret_state)
{
	struct timeline_view *view = calloc(1, sizeof(*view));
	int status = view ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for the timeline");
	for (int i = 0; i < session->n_sides && status == STATUS_OK; i++)
		status = lanes_init(&view->lanes[i], session->sides[i].timeline, error);
	for (int i = 0; i < session->n_sides && status == STATUS_OK; i++)
		status = messages_read(&view->messages[i], session->sides[i].timeline, error);
	if (status != STATUS_OK) {
		close_view(view);
		return status;
	}
	select_first(view, session);
	*ret_state = view;
	return STATUS_OK;
}

bool timeline_view_interval(const struct session *session, int64_t *ret_from_ns, int64_t *ret_until_ns)
{
	const struct session_side *side = &session->sides[session->selection.side];
	const struct session_mark *marks = session->marks;
	bool has_marks = marks[0].is_set && marks[1].is_set;
	int64_t until_ns = side->window.from_ns + side->window.n_cells * timeline_scale_ns(side->window.scale);
	int64_t from_ns = side->window.from_ns;
	from_ns = from_ns > side->timeline->origin_ns ? from_ns : side->timeline->origin_ns;
	until_ns = until_ns < side->timeline->end_ns + 1 ? until_ns : side->timeline->end_ns + 1;
	if (has_marks) {
		bool is_turned = marks[0].time_ns > marks[1].time_ns;
		from_ns = marks[is_turned].time_ns;
		until_ns = marks[!is_turned].time_ns;
	}
	*ret_from_ns = from_ns;
	*ret_until_ns = until_ns;
	return has_marks;
}

/* -- layout -------------------------------------------------------------------------------------------------------------------- */

static int label_width(const struct lanes *lanes, int pane_width)
{
	const struct timeline *timeline = lanes->timeline;
	int width = 4, name_width = 0, most = timeline->is_imported && pane_width >= WIDE_CELLS ? LABEL_CELLS_IMPORTED : LABEL_CELLS_MAX;
	char name[LANES_NAME_BYTES];
	for (int row = 0; row < lanes->n_rows && timeline->is_imported && width < most; row++) {
		lanes_name(lanes, row, name, sizeof(name));
		int cells = canvas_text_width(name) + (lanes->rows[row].n_hidden ? HIDDEN_CELLS : 0);
		width = cells > width ? cells : width;
	}
	if (timeline->is_imported)
		return 2 + (width > most ? most : width);
	for (int i = 0; i < timeline->n_lanes; i++) {
		const struct timeline_lane *lane = &timeline->lanes[i];
		lanes_arrow(lane->name, name, sizeof(name));
		int cells = canvas_text_width(name);
		if (lane->kind == TIMELINE_HOST) {
			name_width = cells > name_width ? cells : name_width;
			cells = name_width + (lane->device ? 1 + canvas_text_width(lane->device) : 0) + (lane->n_lost ? 2 : 0);
		}
		width = cells > width ? cells : width;
	}
	return 2 + (width > LABEL_CELLS_MAX ? LABEL_CELLS_MAX : width);
}

static int details_rows(const struct timeline_view *view, int height)
{
	int rows = height >= TALL_ROWS ? DETAILS_ROWS : DETAILS_ROWS_SMALL;
	if (view->has_large_details)
		rows = height >= TALL_ROWS ? height / 2 : DETAILS_ROWS;
	return rows;
}

/* What a lane takes is known when it is drawn. */
static bool has_devices(const struct timeline *timeline)
{
	for (int i = 0; i < timeline->n_lanes; i++) {
		if (timeline->lanes[i].kind == TIMELINE_DEVICE || timeline->is_imported)
			return true;
	}
	return false;
}

static void make_layout(struct timeline_view *view, const struct session *session, struct pane pane)
{
	struct timeline_layout *layout = &view->layout;
	int fixed = 3 + view->has_path, rows = details_rows(view, pane.height);
	if (pane.height - fixed - rows < LANE_ROWS_MIN)
		rows = pane.height - fixed - LANE_ROWS_MIN;
	rows = rows > 0 ? rows : 0;
	layout->label_width = label_width(&view->lanes[session->selection.side], pane.width);
	layout->gutter_width = pane.width >= WIDE_CELLS ? GUTTER_WIDE : GUTTER_NARROW;
	layout->n_cells = pane.width - layout->label_width - layout->gutter_width;
	layout->n_cells = layout->n_cells > 1 ? layout->n_cells : 1;
	layout->map_y = 0;
	layout->axis_y = 1;
	layout->path_y = view->has_path ? 2 : -1;
	layout->lanes_y = 2 + view->has_path;
	layout->n_lane_rows = pane.height - fixed - rows;
	int spare = layout->n_lane_rows - view->lanes[session->selection.side].n_rows;
	if (!has_devices(session_timeline(session)) && spare > 0 && rows + spare >= DETAILS_ROWS) { /* more details instead of nothing */
		spare = rows + spare > DETAILS_ROWS_MAX ? DETAILS_ROWS_MAX - rows : spare;
		rows += spare > 0 ? spare : 0;
		layout->n_lane_rows -= spare > 0 ? spare : 0;
	}
	layout->n_lane_rows = layout->n_lane_rows > TIMELINE_VIEW_ROWS_MAX ? TIMELINE_VIEW_ROWS_MAX : layout->n_lane_rows;
	layout->n_lane_rows = layout->n_lane_rows > 0 ? layout->n_lane_rows : 0;
	layout->rule_y = layout->lanes_y + layout->n_lane_rows;
	layout->details_y = layout->rule_y + 1;
	layout->n_details_rows = rows;
}

/* -- drawing ------------------------------------------------------------------------------------------------------------------- */

static int draw_map(struct timeline_view *view, struct session *session, struct pane pane, struct error *error)
{
	const struct timeline_layout *layout = &view->layout;
	struct timeline *timeline = session_timeline(session);
	const struct session_side *side = &session->sides[session->selection.side];
	char duration[32], text[80];
	int64_t from_ns, until_ns;
	bool has_marks = timeline_view_interval(session, &from_ns, &until_ns);
	struct pane cells = pane_sub(pane, layout->label_width, layout->map_y, layout->n_cells, 1);
	units_duration(timeline->end_ns - timeline->origin_ns, duration, sizeof(duration));
	if (session->n_sides > 1)
		snprintf(text, sizeof(text), "%s", side->label);
	else
		snprintf(text, sizeof(text), "run %s", duration);
	pane_field(pane, 1, layout->map_y, layout->label_width - 2, PANE_LEFT, LOOK(DIM), text);
	bool is_wide = layout->gutter_width == GUTTER_WIDE;
	const char *title = !is_wide ? has_marks ? "A–B" : "work" : has_marks ? "work between A and B" : "work in view";
	pane_field(pane, layout->label_width + layout->n_cells, layout->map_y, layout->gutter_width - (is_wide ? 0 : 1),
		is_wide ? PANE_LEFT : PANE_RIGHT, LOOK(DIM), title);
	return minimap_draw(&view->minimap, timeline, &side->window, cells, error);
}

static void say_where_data_is(const struct timeline_view *view, const struct session *session, struct pane pane)
{
	const struct timeline_layout *layout = &view->layout;
	const struct timeline *timeline = session_timeline(session);
	char duration[32], text[160];
	if (timeline->n_spans == 0)
		snprintf(text, sizeof(text), " nothing was recorded in this run ");
	else
		snprintf(text, sizeof(text), " nothing recorded here; the run is %s long, f shows it whole ",
			units_duration(timeline->end_ns - timeline->origin_ns, duration, sizeof(duration)));
	int width = canvas_text_width(text);
	width = width < layout->n_cells ? width : layout->n_cells;
	pane_field(pane, layout->label_width + (layout->n_cells - width) / 2, layout->lanes_y + layout->n_lane_rows / 2, width, PANE_LEFT,
		LOOK(TITLE), text);
}

static int draw_view(void *state, struct session *session, struct pane pane, struct error *error)
{
	struct timeline_view *view = state;
	bool is_empty = false;
	if (pane.width < 20 || pane.height < 4)
		return STATUS_OK;
	if (view->has_path && (view->path_side != session->selection.side || view->path.execution != session->selection.execution))
		timeline_view_forget_path(view);
	make_layout(view, session, pane);
	session_prepare_window(session, session->selection.side, view->layout.n_cells);
	struct axis axis = timeline_view_axis(session);
	axis.has_size_left = timeline_view_reports_at_right(view, session);
	int status = session->is_live ? messages_read(&view->messages[0], session->sides[0].timeline, error) : STATUS_OK;
	if (status == STATUS_OK)
		status = draw_map(view, session, pane, error);
	axis_draw(&axis, view->layout.label_width, session->selection.time_ns, pane_sub(pane, 0, view->layout.axis_y, pane.width, 1));
	if (status == STATUS_OK)
		status = timeline_view_draw_lanes(view, session, pane, &is_empty, error);
	if (status != STATUS_OK)
		return status;
	timeline_view_draw_path(view, session, pane);
	timeline_view_draw_over(view, session, pane);
	if (is_empty)
		say_where_data_is(view, session, pane);
	timeline_view_draw_rule(view, session, pane);
	return details_draw(session, timeline_view_reported(view, session),
		pane_sub(pane, 0, view->layout.details_y, pane.width, view->layout.n_details_rows), error);
}

/* -- actions ------------------------------------------------------------------------------------------------------------------- */

static bool go_back(struct timeline_view *view, struct session *session)
{
	struct session_mark *marks = session->marks;
	if (view->has_large_details)
		view->has_large_details = false;
	else if (view->has_path)
		timeline_view_forget_path(view);
	else if (marks[0].is_set || marks[1].is_set)
		marks[0].is_set = marks[1].is_set = false;
	else
		return false;
	return true;
}

static void move_lane(struct timeline_view *view, struct session *session, int direction)
{
	int side = session->selection.side;
	if (!lanes_move(&view->lanes[side], timeline_view_row(view, session), direction))
		session_status(session, "the lane cannot move further %s", direction < 0 ? "up" : "down");
}

static void fold_process(struct timeline_view *view, struct session *session)
{
	if (!lanes_fold_process(&view->lanes[session->selection.side], timeline_view_row(view, session)))
		session_status(session, "only imported traces have processes; tab folds a group of lanes");
}

static void fold_all(struct timeline_view *view, struct session *session)
{
	if (!lanes_fold_all(&view->lanes[session->selection.side]))
		session_status(session, "nothing nests on any lane here");
}

bool timeline_view_act(void *state, struct session *session, enum action action, const struct event *event)
{
	struct timeline_view *view = state;
	(void)event;
	switch (action) {
	case ACTION_FOLD: lanes_fold(&view->lanes[session->selection.side], timeline_view_row(view, session)); return true;
	case ACTION_FOLD_PROCESS: fold_process(view, session); return true;
	case ACTION_FOLD_ALL: fold_all(view, session); return true;
	case ACTION_LANE_UP: move_lane(view, session, -1); return true;
	case ACTION_LANE_DOWN: move_lane(view, session, 1); return true;
	case ACTION_DETAILS: view->has_large_details = !view->has_large_details; return true;
	case ACTION_BACK: return go_back(view, session);
	default: return timeline_view_move(view, session, action) || timeline_view_follow(view, session, action);
	}
}

const struct view view_timeline = {
	.name = "timeline",
	.summary = "lanes over time: what every worker did and waited for",
	.action = ACTION_VIEW_TIMELINE,
	.hints = "←→ move  +− zoom  f whole run  n/p same node  {} along edges  () critical path  m measure  d details",
	.imported_hints = "←→ move  +− zoom  f whole run  n/p same name  % call and work  ,. iteration  tab F M fold  d details",
	.open = open_view,
	.close = close_view,
	.draw = draw_view,
	.act = timeline_view_act,
	.handle = timeline_view_handle,
};
