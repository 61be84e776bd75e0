/* SPDX-License-Identifier: Apache-2.0
 *
 * view_compare: two runs side by side: the comparison is made when the view is first drawn; actions.
 */
#include <stdlib.h>
#include <string.h>

#include "traces/db.h"
#include "viewers/view.h"
#include "viewers/view_compare_private.h"

#define PAN_PARTS 8 /* an arrow moves by an eighth of the lanes */

static int open_view(struct session *session, struct error *error, void **ret_state)
{
	struct compare_view *view = calloc(1, sizeof(*view));
	if (!view)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the view of the comparison");
	view->drill = -1;
	view->focus = COMPARE_NODES;
	table_view_init(&view->split, 3); /* by the difference */
	table_view_init(&view->nodes, -1);
	*ret_state = view;
	return STATUS_OK;
}

static void close_view(void *state)
{
	struct compare_view *view = state;
	if (!view)
		return;
	table_view_finish(&view->split);
	table_view_finish(&view->nodes);
	free(view->listed);
	free(view);
}

static void watch(const struct session *session, const volatile sig_atomic_t *flag)
{
	for (int i = 0; i < session->n_sides; i++)
		db_watch_interrupt(session->sides[i].trace->db, flag);
}

/* The session's comparison, made if need be. It may have been made anew since: by another pane, forced. */
static void settle(struct compare_view *view, struct session *session)
{
	if (session->announces && !view->is_announced && session_compare_is_long(session)) {
		view->is_announced = session->wants_frame = true;
		view->compare = NULL;
		return;
	}
	view->is_announced = false;
	watch(session, session->interrupt);
	const struct compare *compare = session_compare(session);
	watch(session, NULL);
	if (compare == view->compare)
		return;
	view->compare = compare;
	view->drill = -1;
	if (compare)
		compare_load_tables(view, session);
}

static int draw_view(void *state, struct session *session, struct pane pane, struct error *error)
{
	struct compare_view *view = state;
	settle(view, session);
	return compare_draw(view, session, pane, error);
}

/* -- actions ------------------------------------------------------------------------------------------------------------------ */

/* With the next frame: in spite of the reasons not to, or once more when it was interrupted. The result is the session's, so that every view
 * compares with it. */
static void compare_again(struct session *session)
{
	if (session->compare)
		return; /* another pane did */
	session->compare_is_forced |= session->compare_error.status == STATUS_NOT_COMPARABLE;
	session->has_compared = false;
}

static bool act_on_page(struct session *session, enum action action)
{
	if (action != ACTION_ENTER || session->n_sides < 2)
		return false;
	compare_again(session);
	return true;
}

/* The side and index of the row's node: where it is, of both the selected side. */
static int node_of(const struct compare_view *view, const struct session *session, const struct compare_row *row, int *ret_side)
{
	int side = row->places[session->selection.side] >= 0 ? session->selection.side : 1 - session->selection.side;
	const struct align_run *run = &view->compare->align.runs[side];
	*ret_side = side;
	return row->is_edge ? row->places[side] - run->n_nodes : row->places[side];
}

/* The selection of all views follows the row. */
static void follow_row(struct compare_view *view, struct session *session)
{
	const struct compare_row *row = compare_selected(view);
	int side;
	if (!row)
		return;
	int idx = node_of(view, session, row, &side);
	if (row->is_edge)
		session_select_edge(session, side, idx);
	else
		session_select_node(session, side, idx);
}

static void enter_row(struct compare_view *view, struct session *session)
{
	const struct compare_row *row = compare_selected(view);
	if (!row)
		return;
	follow_row(view, session);
	if (session->selection.has_span)
		session_show_span(session, session->selection.side, session->selection.span.start_ns,
			session->selection.span.duration_ns);
	session->wanted_view = "timeline";
}

static void drill(struct compare_view *view, struct session *session, int kind)
{
	view->drill = kind;
	compare_load_tables(view, session);
}

static bool act_on_tables(struct compare_view *view, struct session *session, enum action action)
{
	struct compare_source source;
	if (view->focus == COMPARE_SPLIT) {
		int row = table_view_row(&view->split);
		if (action == ACTION_ENTER && row >= 0) {
			drill(view, session, view->kinds[row]);
			view->focus = COMPARE_NODES;
			return true;
		}
		compare_split_source(&source, view, session);
		return table_view_act(&view->split, &source.table, action);
	}
	if (action == ACTION_ENTER) {
		enter_row(view, session);
		return true;
	}
	int before = table_view_row(&view->nodes);
	compare_nodes_source(&source, view, session);
	bool is_meant = table_view_act(&view->nodes, &source.table, action);
	if (is_meant && action != ACTION_SORT && action != ACTION_SORT_REVERSE && table_view_row(&view->nodes) != before)
		follow_row(view, session);
	return is_meant;
}

static bool act_on_lanes(struct compare_view *view, struct session *session, enum action action)
{
	int n = session_window(session)->n_cells, step = n / PAN_PARTS > 1 ? n / PAN_PARTS : 1;
	switch (action) {
	case ACTION_LEFT: session_pan(session, -step); return true;
	case ACTION_RIGHT: session_pan(session, step); return true;
	case ACTION_PAGE_LEFT: session_pan(session, -n / 2); return true;
	case ACTION_PAGE_RIGHT: session_pan(session, n / 2); return true;
	case ACTION_ZOOM_IN: session_zoom(session, -1, true); return true;
	case ACTION_ZOOM_OUT: session_zoom(session, 1, true); return true;
	case ACTION_ZOOM_IN_FINE: session_zoom(session, -1, false); return true;
	case ACTION_ZOOM_OUT_FINE: session_zoom(session, 1, false); return true;
	case ACTION_FIT: session_window(session)->fits = true; return true;
	case ACTION_FIT_SELECTION: {
		int64_t execution = session->selection.execution;
		compare_place(session, execution != TIMELINE_NONE ? execution : compare_typical(view->compare), n);
		return true;
	}
	case ACTION_NEXT_EXECUTION: compare_step(session, view->compare, 1); return true;
	case ACTION_PREVIOUS_EXECUTION: compare_step(session, view->compare, -1); return true;
	default: return false;
	}
}

static bool act(void *state, struct session *session, enum action action, const struct event *event)
{
	struct compare_view *view = state;
	if (!view->compare)
		return act_on_page(session, action);
	if (action == ACTION_FOLD) {
		view->focus = (view->focus + 1) % COMPARE_PANEL_COUNT;
		return true;
	}
	if (action == ACTION_BACK) {
		if (view->drill < 0)
			return false;
		drill(view, session, -1);
		return true;
	}
	return act_on_lanes(view, session, action) || act_on_tables(view, session, action);
}

/* -- mouse -------------------------------------------------------------------------------------------------------------------- */

static bool is_in(const struct compare_area *area, const struct event *event)
{
	return event->x >= area->x && event->x < area->x + area->width && event->y >= area->y && event->y < area->y + area->height;
}

static bool mouse_on_lanes(struct compare_view *view, struct session *session, int side, const struct event *event)
{
	const struct compare_area *area = &view->layout.lanes[side];
	const struct session_window *window = &session->sides[side].window;
	const struct timeline *timeline = session->sides[side].timeline;
	int column = event->x - area->x - view->label_cells, lane = view->lane_top + event->y - area->y - 1;
	if (event->kind == EVENT_WHEEL_UP || event->kind == EVENT_WHEEL_DOWN) {
		session_zoom(session, event->kind == EVENT_WHEEL_UP ? -1 : 1, true);
		return true;
	}
	bool is_press = event->kind == EVENT_MOUSE_PRESS || event->kind == EVENT_MOUSE_DOUBLE;
	if (!is_press || column < 0 || event->y == area->y || lane >= timeline->n_lanes || timeline->lanes[lane].kind != TIMELINE_HOST)
		return false;
	int64_t at_ns = window->from_ns + column * timeline_scale_ns(window->scale);
	session_select_time(session, side, lane, at_ns);
	if (event->kind == EVENT_MOUSE_DOUBLE)
		session->wanted_view = "timeline";
	return true;
}

static bool handle(void *state, struct session *session, const struct event *event)
{
	struct compare_view *view = state;
	struct compare_source source;
	bool is_row = false, is_meant = false;
	if (!view->compare)
		return false;
	for (int side = 0; side < 2; side++) {
		if (is_in(&view->layout.lanes[side], event))
			return mouse_on_lanes(view, session, side, event);
	}
	if (is_in(&view->layout.split, event)) {
		view->focus = COMPARE_SPLIT;
		compare_split_source(&source, view, session);
		is_meant = table_view_mouse(&view->split, &source.table, event, event->x - view->layout.split.x - 1,
			event->y - view->layout.split.y - 1, &is_row);
		if (is_row && event->kind == EVENT_MOUSE_DOUBLE)
			act_on_tables(view, session, ACTION_ENTER);
	} else if (is_in(&view->layout.nodes, event)) {
		view->focus = COMPARE_NODES;
		compare_nodes_source(&source, view, session);
		is_meant = table_view_mouse(&view->nodes, &source.table, event, event->x - view->layout.nodes.x - 1,
			event->y - view->layout.nodes.y - 1, &is_row);
		if (is_row)
			follow_row(view, session);
		if (is_row && event->kind == EVENT_MOUSE_DOUBLE)
			enter_row(view, session);
	}
	return is_meant;
}

const struct view view_compare = {
	.name = "compare",
	.summary = "two runs side by side, and what makes the difference",
	.action = ACTION_VIEW_COMPARE,
	.hints = "←→ pan  +- zoom  ↑↓ node  n p execution  tab next panel  enter open  x other run  o sort  ? help",
	.open = open_view,
	.close = close_view,
	.draw = draw_view,
	.act = act,
	.handle = handle,
};
