/* SPDX-License-Identifier: Apache-2.0
 *
 * view_timeline_move: the cursor over time and lanes, and the window.
 */
#include "viewers/view_timeline_private.h"

static int64_t cell_ns(struct session *session)
{
	return timeline_scale_ns(session_window(session)->scale);
}

static void select_at(struct session *session, int lane, int64_t time_ns)
{
	session_select_time(session, session->selection.side, lane, time_ns);
	session_show(session, session->selection.side, session->selection.time_ns);
}

/* By columns; the window goes along at its edges. From outside of it the cursor comes to the nearest edge. */
static void move_cursor(struct session *session, int n)
{
	const struct session_window *window = session_window(session);
	int64_t width_ns = cell_ns(session), at_ns = session->selection.time_ns;
	int64_t last_ns = window->from_ns + (window->n_cells - 1) * width_ns;
	if (at_ns < window->from_ns)
		at_ns = window->from_ns;
	else if (at_ns >= last_ns + width_ns)
		at_ns = last_ns;
	else
		at_ns = window->from_ns + ((at_ns - window->from_ns) / width_ns + n) * width_ns;
	session_select_time(session, session->selection.side, session->selection.lane, at_ns);
	at_ns = session->selection.time_ns;
	if (at_ns < window->from_ns)
		session_pan(session, -(int)((window->from_ns - at_ns + width_ns - 1) / width_ns));
	else if (at_ns >= last_ns + width_ns)
		session_pan(session, (int)((at_ns - last_ns) / width_ns));
}

static void page(struct session *session, int direction)
{
	const struct session_selection *selection = &session->selection;
	int n = session_window(session)->n_cells / 2 * direction;
	session_pan(session, n);
	session_select_time(session, selection->side, selection->lane, selection->time_ns + n * cell_ns(session));
	session_show(session, selection->side, selection->time_ns);
}

static void go_to_row(struct timeline_view *view, struct session *session, int row)
{
	const struct lanes *lanes = &view->lanes[session->selection.side];
	row = row >= lanes->n_rows ? lanes->n_rows - 1 : row;
	row = row < 0 ? 0 : row;
	if (lanes->n_rows)
		session_select_time(session, session->selection.side, lanes->rows[row].lane, session->selection.time_ns);
}

static void page_rows(struct timeline_view *view, struct session *session, int direction)
{
	int n = view->layout.n_lane_rows > 2 ? view->layout.n_lane_rows - 1 : 1;
	go_to_row(view, session, timeline_view_row(view, session) + direction * n);
}

static void fit_all(struct session *session)
{
	session_window(session)->fits = true;
	session_window(session)->follows = session->is_live;
}

static void fit_selection(struct session *session)
{
	const struct session_selection *selection = &session->selection;
	const struct session_mark *marks = session->marks;
	int64_t length_ns = marks[1].time_ns - marks[0].time_ns;
	if (marks[0].is_set && marks[1].is_set)
		session_show_span(session, selection->side, length_ns < 0 ? marks[1].time_ns : marks[0].time_ns,
			length_ns < 0 ? -length_ns : length_ns);
	else if (selection->has_span)
		session_show_span(session, selection->side, selection->span.start_ns, selection->span.duration_ns);
	else
		session_status(session, "no span is selected");
}

/* A folded group opens; a span becomes large. */
static void enter(struct timeline_view *view, struct session *session)
{
	struct lanes *lanes = &view->lanes[session->selection.side];
	int row = timeline_view_row(view, session);
	if (lanes->n_rows && lanes->rows[row].is_folded)
		lanes_fold(lanes, row);
	else
		fit_selection(session);
}

static void go_to_end(struct session *session, bool is_first)
{
	const struct timeline *timeline = session_timeline(session);
	select_at(session, session->selection.lane, is_first ? timeline->origin_ns : timeline->end_ns);
	session_window(session)->follows = !is_first && session->is_live;
}

bool timeline_view_move(struct timeline_view *view, struct session *session, enum action action)
{
	int row = timeline_view_row(view, session);
	switch (action) {
	case ACTION_LEFT: move_cursor(session, -1); return true;
	case ACTION_RIGHT: move_cursor(session, 1); return true;
	case ACTION_UP: go_to_row(view, session, row - 1); return true;
	case ACTION_DOWN: go_to_row(view, session, row + 1); return true;
	case ACTION_PAGE_LEFT: page(session, -1); return true;
	case ACTION_PAGE_RIGHT: page(session, 1); return true;
	case ACTION_PAGE_UP: page_rows(view, session, -1); return true;
	case ACTION_PAGE_DOWN: page_rows(view, session, 1); return true;
	case ACTION_TOP: go_to_row(view, session, 0); return true;
	case ACTION_BOTTOM: go_to_row(view, session, view->lanes[session->selection.side].n_rows - 1); return true;
	case ACTION_FIRST: go_to_end(session, true); return true;
	case ACTION_LAST: go_to_end(session, false); return true;
	case ACTION_ZOOM_IN: session_zoom(session, -1, true); return true;
	case ACTION_ZOOM_OUT: session_zoom(session, 1, true); return true;
	case ACTION_ZOOM_IN_FINE: session_zoom(session, -1, false); return true;
	case ACTION_ZOOM_OUT_FINE: session_zoom(session, 1, false); return true;
	case ACTION_FIT: fit_all(session); return true;
	case ACTION_FIT_SELECTION: fit_selection(session); return true;
	case ACTION_ENTER: enter(view, session); return true;
	default: return false;
	}
}

/* -- mouse --------------------------------------------------------------------------------------------------------------------- */

static int row_at(const struct timeline_view *view, int y)
{
	int at = y - view->layout.lanes_y;
	return at >= 0 && at < view->layout.n_lane_rows ? view->layout.rows_at[at] : -1;
}

static void show_map_time(struct timeline_view *view, struct session *session, int x)
{
	int column = x - view->layout.label_width;
	column = column < 1 ? 1 : column > view->minimap.n_cells ? view->minimap.n_cells : column;
	select_at(session, session->selection.lane, minimap_time(&view->minimap, column));
}

static bool press(struct timeline_view *view, struct session *session, const struct event *event)
{
	const struct timeline_layout *layout = &view->layout;
	const struct lanes *lanes = &view->lanes[session->selection.side];
	const struct axis axis = timeline_view_axis(session);
	int row = row_at(view, event->y), column = event->x - layout->label_width;
	bool is_in_cells = column >= 0 && column < layout->n_cells;
	view->drags_map = event->y == layout->map_y;
	view->is_dragging = is_in_cells && (row >= 0 || event->y == layout->axis_y || view->drags_map);
	view->drag_x = event->x;
	if (view->drags_map && is_in_cells)
		show_map_time(view, session, event->x);
	else if (event->y == layout->axis_y && is_in_cells)
		session_select_time(session, session->selection.side, session->selection.lane, axis_time(&axis, column));
	else if (row >= 0)
		session_select_time(session, session->selection.side, lanes->rows[row].lane,
			is_in_cells ? axis_time(&axis, column) : session->selection.time_ns);
	else
		return false;
	return true;
}

static void drag(struct timeline_view *view, struct session *session, const struct event *event)
{
	if (view->drags_map)
		show_map_time(view, session, event->x);
	else
		session_pan(session, view->drag_x - event->x);
	view->drag_x = event->x;
}

/* About the pointer; with Shift to the side. */
static void wheel(struct timeline_view *view, struct session *session, const struct event *event, int direction)
{
	const struct axis axis = timeline_view_axis(session);
	int64_t time_ns = session->selection.time_ns;
	int column = event->x - view->layout.label_width;
	if (event->has_shift) {
		session_pan(session, direction * (axis.n_cells / 8 + 1));
		return;
	}
	if (column >= 0 && column < axis.n_cells)
		session->selection.time_ns = axis_time(&axis, column);
	session_zoom(session, direction, true);
	session->selection.time_ns = time_ns;
}

bool timeline_view_handle(void *state, struct session *session, const struct event *event)
{
	struct timeline_view *view = state;
	switch (event->kind) {
	case EVENT_MOUSE_PRESS: return press(view, session, event);
	case EVENT_MOUSE_DOUBLE:
		if (row_at(view, event->y) < 0 || !press(view, session, event))
			return false;
		enter(view, session);
		return true;
	case EVENT_MOUSE_DRAG:
		if (view->is_dragging)
			drag(view, session, event);
		return view->is_dragging;
	case EVENT_MOUSE_RELEASE: view->is_dragging = false; return true;
	case EVENT_WHEEL_UP: wheel(view, session, event, -1); return true;
	case EVENT_WHEEL_DOWN: wheel(view, session, event, 1); return true;
	default: return false;
	}
}
