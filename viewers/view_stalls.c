/* SPDX-License-Identifier: Apache-2.0
 *
 * view_stalls: the view of where time went: what is shown is made when the interval or the run changes; actions.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "viewers/view.h"
#include "viewers/view_stalls_private.h"

#define LIVE_NS INT64_C(1000000000) /* a run that goes on is summed anew so often at most … */
#define LIVE_PARTS 10               /* … and so that it takes a tenth of the time */
#define SPANS_MAX 512               /* looked at to find the wait to go to */

/* -- what is shown ------------------------------------------------------------------------------------------------------------ */

static void list_groups(struct stalls_view *view, struct timeline *timeline, bool keeps)
{
	const struct stalls *stalls = &view->stalls;
	int only = view->only >= 0 ? stalls->lanes[view->only].lane : TIMELINE_NONE;
	int *listed = realloc(view->listed, ((size_t)stalls->n_groups + 1) * sizeof(*listed));
	view->listed = listed ? listed : view->listed;
	view->n_listed = 0;
	view->listed_n = view->listed_ns = view->listed_max_ns = 0;
	for (int i = 0; listed && i < stalls->n_groups; i++) {
		const struct stalls_group *group = &stalls->groups[i];
		bool is_driver = stalls->n_lanes && group->lane == stalls->lanes[0].lane;
		if (view->only >= 0 ? group->lane != only : is_driver)
			continue;
		view->listed[view->n_listed++] = i;
		view->listed_n += group->n;
		view->listed_ns += group->ns;
		view->listed_max_ns = group->max_ns > view->listed_max_ns ? group->max_ns : view->listed_max_ns;
	}
	struct stalls_source source;
	stalls_source_init(&source, view, timeline);
	table_view_load(&view->table, &source.table, keeps);
}

static struct stalls_scope scope_of(const struct session *session)
{
	const struct timeline *timeline = session_timeline(session);
	struct stalls_scope scope = { .from_ns = timeline->origin_ns, .until_ns = timeline->end_ns, .is_whole = true,
		.is_live = session->is_live && session->selection.side == 0, .interrupt = session->interrupt };
	if (session->marks[0].is_set && session->marks[1].is_set && session->marks[0].time_ns != session->marks[1].time_ns) {
		int64_t a = session->marks[0].time_ns, b = session->marks[1].time_ns;
		scope.from_ns = a < b ? a : b;
		scope.until_ns = a < b ? b : a;
		scope.is_whole = false;
	}
	return scope;
}

static bool is_fresh(const struct stalls_view *view, const struct session *session, const struct stalls_scope *scope)
{
	const struct timeline *timeline = session_timeline(session);
	bool is_same = view->side == session->selection.side && view->is_marked == !scope->is_whole;
	if ((!view->has_stalls && view->error.status == STATUS_OK) || !is_same)
		return false;
	if (!scope->is_whole)
		return view->from_ns == scope->from_ns && view->until_ns == scope->until_ns;
	return view->end_ns == timeline->end_ns || clock_now().ns < view->made_ns;
}

static void settle(struct stalls_view *view, struct session *session)
{
	struct stalls_scope scope = scope_of(session);
	struct timeline *timeline = session_timeline(session);
	if (is_fresh(view, session, &scope))
		return;
	bool keeps = view->has_stalls && view->side == session->selection.side;
	int64_t start_ns = clock_now().ns;
	stalls_finish(&view->stalls);
	view->error.status = STATUS_OK;
	view->has_stalls = stalls_make(timeline, &scope, &view->error, &view->stalls) == STATUS_OK;
	int64_t took_ns = clock_now().ns - start_ns;
	view->made_ns = start_ns + took_ns + (LIVE_PARTS * took_ns > LIVE_NS ? LIVE_PARTS * took_ns : LIVE_NS);
	view->end_ns = timeline->end_ns;
	view->side = session->selection.side;
	view->is_marked = !scope.is_whole;
	view->from_ns = scope.from_ns;
	view->until_ns = scope.until_ns;
	if (!keeps || view->only >= view->stalls.n_lanes)
		view->only = -1;
	view->lane = !keeps || view->lane >= view->stalls.n_lanes ? 0 : view->lane;
	list_groups(view, timeline, keeps && view->n_listed);
}

static int open_view(struct session *session, struct error *error, void **ret_state)
{
	struct stalls_view *view = calloc(1, sizeof(*view));
	if (!view)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the view of stalls");
	view->focus = STALLS_TABLE;
	view->only = -1;
	view->side = session->selection.side;
	table_view_init(&view->table, -1);
	*ret_state = view;
	return STATUS_OK;
}

static void close_view(void *state)
{
	struct stalls_view *view = state;
	if (!view)
		return;
	stalls_imported_free(view->imported);
	stalls_finish(&view->stalls);
	table_view_finish(&view->table);
	free(view->listed);
	free(view);
}

static int draw_view(void *state, struct session *session, struct pane pane, struct error *error)
{
	struct stalls_view *view = state;
	if (session_timeline(session)->is_imported)
		return stalls_imported_draw(&view->imported, session, pane, error);
	settle(view, session);
	return stalls_draw(view, session, pane, error);
}

/* -- actions ------------------------------------------------------------------------------------------------------------------ */

static void go_to_worst(struct stalls_view *view, struct session *session)
{
	const struct stalls_group *group = stalls_selected(view);
	struct timeline *timeline = session_timeline(session);
	struct error error = { 0 };
	bool is_cut = false;
	int n = 0, found = -1;
	if (!group)
		return;
	struct timeline_span *spans = calloc(SPANS_MAX, sizeof(*spans));
	int64_t start_ns = group->worst_start_ns, duration_ns = group->worst_duration_ns;
	if (spans && timeline_spans(timeline, group->lane, start_ns, start_ns + 1, true, SPANS_MAX, spans, &n, &is_cut,
		&error) != STATUS_OK)
		session_error(session, &error);
	for (int i = 0; i < n; i++) {
		if (!spans[i].is_op && spans[i].row == group->worst_row)
			found = i;
	}
	if (found >= 0)
		session_select_span(session, session->selection.side, &spans[found]);
	else
		session_select_time(session, session->selection.side, group->lane, start_ns);
	free(spans);
	session_show_span(session, session->selection.side, start_ns, duration_ns);
	session->wanted_view = "timeline";
}

static void select_lane(struct stalls_view *view, struct session *session, int place)
{
	int last = view->stalls.n_lanes - 1;
	view->lane = place < 0 || last < 0 ? 0 : place > last ? last : place;
	if (last >= 0)
		session->selection.lane = view->stalls.lanes[view->lane].lane;
}

/* Restricts the stalls to the lane; the same again: all workers'. */
static void restrict_to(struct stalls_view *view, struct session *session, int place)
{
	view->only = view->only == place ? -1 : place;
	list_groups(view, session_timeline(session), false);
	if (view->only >= 0)
		session_status(session, "stalls of %s only; esc: of all workers",
			session_timeline(session)->lanes[view->stalls.lanes[place].lane].name);
}

static bool act_on_lanes(struct stalls_view *view, struct session *session, enum action action)
{
	int page = view->layout.lanes.height > 4 ? view->layout.lanes.height - 3 : 1;
	switch (action) {
	case ACTION_UP: select_lane(view, session, view->lane - 1); return true;
	case ACTION_DOWN: select_lane(view, session, view->lane + 1); return true;
	case ACTION_PAGE_UP: select_lane(view, session, view->lane - page); return true;
	case ACTION_PAGE_DOWN: select_lane(view, session, view->lane + page); return true;
	case ACTION_TOP: select_lane(view, session, 0); return true;
	case ACTION_BOTTOM: select_lane(view, session, view->stalls.n_lanes - 1); return true;
	default: return false;
	}
}

static void move_cursor(struct stalls_view *view, struct session *session, int n_cells)
{
	int64_t at_ns = session->selection.time_ns, step_ns = timeline_scale_ns(view->strip_scale) * n_cells;
	at_ns = at_ns < view->from_ns ? view->from_ns : at_ns > view->until_ns ? view->until_ns : at_ns;
	at_ns = __builtin_add_overflow(at_ns, step_ns, &at_ns) ? view->until_ns : at_ns;
	session->selection.time_ns = at_ns < view->from_ns ? view->from_ns : at_ns > view->until_ns ? view->until_ns : at_ns;
}

static void go_to_cursor(struct stalls_view *view, struct session *session)
{
	int lane = view->stalls.n_lanes ? view->stalls.lanes[view->lane].lane : TIMELINE_NONE;
	session_select_time(session, session->selection.side, lane, session->selection.time_ns);
	session_show(session, session->selection.side, session->selection.time_ns);
	session->wanted_view = "timeline";
}

static bool act_on_strip(struct stalls_view *view, struct session *session, enum action action)
{
	int half = view->strip_cells / 2;
	switch (action) {
	case ACTION_LEFT: move_cursor(view, session, -1); return true;
	case ACTION_RIGHT: move_cursor(view, session, 1); return true;
	case ACTION_PAGE_LEFT: move_cursor(view, session, -half); return true;
	case ACTION_PAGE_RIGHT: move_cursor(view, session, half); return true;
	case ACTION_FIRST: session->selection.time_ns = view->from_ns; return true;
	case ACTION_LAST: session->selection.time_ns = view->until_ns; return true;
	case ACTION_ENTER: go_to_cursor(view, session); return true;
	default: return act_on_lanes(view, session, action);
	}
}

static bool act_on_table(struct stalls_view *view, struct session *session, enum action action)
{
	struct stalls_source source;
	if (action == ACTION_ENTER) {
		go_to_worst(view, session);
		return true;
	}
	stalls_source_init(&source, view, session_timeline(session));
	return table_view_act(&view->table, &source.table, action);
}

static bool act(void *state, struct session *session, enum action action, const struct event *event)
{
	struct stalls_view *view = state;
	if (session_timeline(session)->is_imported)
		return stalls_imported_act(view->imported, session, action);
	if (!view->has_stalls)
		return false;
	if (action == ACTION_FOLD) {
		view->focus = (view->focus + 1) % STALLS_PANEL_COUNT;
		return true;
	}
	if (action == ACTION_BACK) {
		if (view->only < 0)
			return false;
		restrict_to(view, session, view->only);
		return true;
	}
	if (action == ACTION_SORT || action == ACTION_SORT_REVERSE || view->focus == STALLS_TABLE)
		return act_on_table(view, session, action);
	if (view->focus == STALLS_STRIP)
		return act_on_strip(view, session, action);
	if (action == ACTION_ENTER && view->stalls.n_lanes) {
		restrict_to(view, session, view->lane);
		return true;
	}
	return act_on_lanes(view, session, action);
}

/* -- mouse -------------------------------------------------------------------------------------------------------------------- */

static bool is_in(const struct stalls_area *area, const struct event *event)
{
	return event->x >= area->x && event->x < area->x + area->width && event->y >= area->y && event->y < area->y + area->height;
}

/* The lane at a row of a part whose first lane stands `skip` rows below its top; -1: none. */
static int lane_at(const struct stalls_view *view, const struct stalls_area *area, const struct event *event, int skip, int n_below)
{
	int row = event->y - area->y - skip, place = view->lane_top + row;
	return row >= 0 && event->y < area->y + area->height - n_below && place < view->stalls.n_lanes ? place : -1;
}

static bool mouse_on_lanes(struct stalls_view *view, struct session *session, const struct event *event)
{
	int place = lane_at(view, &view->layout.lanes, event, 2, 1);
	view->focus = STALLS_LANES;
	if (place < 0)
		return true;
	select_lane(view, session, place);
	if (event->kind == EVENT_MOUSE_DOUBLE)
		restrict_to(view, session, place);
	return true;
}

static bool mouse_on_strip(struct stalls_view *view, struct session *session, const struct event *event)
{
	int place = lane_at(view, &view->layout.strip, event, 2, 0), column = event->x - view->layout.strip.x - view->strip_x;
	view->focus = STALLS_STRIP;
	if (place >= 0)
		select_lane(view, session, place);
	if (column >= 0 && column < view->strip_cells) {
		session->selection.time_ns = view->strip_from_ns + column * timeline_scale_ns(view->strip_scale);
		move_cursor(view, session, 0);
	}
	if (event->kind == EVENT_MOUSE_DOUBLE)
		go_to_cursor(view, session);
	return true;
}

static bool handle(void *state, struct session *session, const struct event *event)
{
	struct stalls_view *view = state;
	struct stalls_source source;
	bool is_row = false, is_press = event->kind == EVENT_MOUSE_PRESS || event->kind == EVENT_MOUSE_DOUBLE;
	bool is_wheel = event->kind == EVENT_WHEEL_UP || event->kind == EVENT_WHEEL_DOWN;
	if (is_wheel && session_timeline(session)->is_imported)
		return stalls_imported_act(view->imported, session, event->kind == EVENT_WHEEL_UP ? ACTION_UP : ACTION_DOWN);
	if (session_timeline(session)->is_imported || !view->has_stalls || (!is_press && !is_wheel))
		return false;
	if (is_press && is_in(&view->layout.lanes, event))
		return mouse_on_lanes(view, session, event);
	if (is_press && is_in(&view->layout.strip, event))
		return mouse_on_strip(view, session, event);
	if (!is_press && (is_in(&view->layout.lanes, event) || is_in(&view->layout.strip, event)))
		return act_on_lanes(view, session, event->kind == EVENT_WHEEL_UP ? ACTION_UP : ACTION_DOWN);
	if (!is_in(&view->layout.table, event))
		return false;
	view->focus = STALLS_TABLE;
	stalls_source_init(&source, view, session_timeline(session));
	bool is_meant = table_view_mouse(&view->table, &source.table, event, event->x - view->layout.table.x - 1,
		event->y - view->layout.table.y - 1, &is_row);
	if (is_row && event->kind == EVENT_MOUSE_DOUBLE)
		go_to_worst(view, session);
	return is_meant;
}

const struct view view_stalls = {
	.name = "stalls",
	.summary = "where time went, and what was waited for",
	.action = ACTION_VIEW_STALLS,
	.imported_hints = "↑↓ select  enter go there  t timeline",
	.hints = "tab next panel  ↑↓ select  enter go to the worst  o O sort  esc all workers  t timeline  ? help",
	.open = open_view,
	.close = close_view,
	.draw = draw_view,
	.act = act,
	.handle = handle,
};
