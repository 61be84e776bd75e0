/* SPDX-License-Identifier: Apache-2.0
 *
 * app: from events to actions, and what the actions that belong to no view do.
 */
#include "viewers/app.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"
#include "viewers/app_private.h"
#include "viewers/live.h"

static int view_index(const char *name)
{
	for (int i = 0; views[i] && i < APP_VIEWS_MAX; i++) {
		if (strcmp(views[i]->name, name) == 0)
			return i;
	}
	return -1;
}

int app_create(struct session *session, const struct config *config, const struct view *view, struct error *error, struct app **ret_app)
{
	struct app *app = calloc(1, sizeof(*app));
	if (!app)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the screen");
	app->session = session;
	app->config = config;
	app->theme = config->theme;
	app->n_panes = 1;
	app->dragged = -1;
	app->history_at = -1;
	for (int i = 0; i < APP_PANES; i++)
		app->panes[i] = (struct app_pane){ .view = view_index(view->name), .came_from = -1 };
	*ret_app = app;
	return STATUS_OK;
}

void app_destroy(struct app *app)
{
	if (!app)
		return;
	for (int i = 0; i < APP_PANES; i++) {
		for (int k = 0; views[k] && k < APP_VIEWS_MAX; k++) {
			if (app->panes[i].is_open[k] && views[k]->close)
				views[k]->close(app->panes[i].states[k]);
		}
	}
	for (int i = 0; i < PROMPT_COUNT; i++) {
		for (int k = 0; k < APP_HISTORY; k++)
			free(app->history[i][k]);
	}
	free(app);
}

const struct theme *app_theme(const struct app *app)
{
	return app->theme;
}

bool app_take_redraw(struct app *app)
{
	bool wants = app->wants_redraw;
	app->wants_redraw = false;
	return wants;
}

bool app_view_state(struct app *app, struct app_pane *pane, struct error *error)
{
	if (pane->is_open[pane->view])
		return true;
	const struct view *view = views[pane->view];
	int status = view->open ? view->open(app->session, error, &pane->states[pane->view]) : STATUS_OK;
	pane->is_open[pane->view] = status == STATUS_OK;
	return status == STATUS_OK;
}

void app_set_mode(struct app *app, enum app_mode mode)
{
	app->mode = mode;
}

/* -- views -------------------------------------------------------------------------------------------------------------------- */

static void show(struct app *app, int view, bool comes_back)
{
	struct app_pane *pane = &app->panes[app->active];
	pane->came_from = comes_back ? pane->view : -1;
	pane->view = view;
}

void app_show_view(struct app *app, const char *name)
{
	int view = view_index(name);
	if (view < 0)
		session_status(app->session, "there is no view '%s'", name);
	else
		show(app, view, false);
}

/* A view that asked for another one. */
static void follow_wish(struct app *app)
{
	const char *name = app->session->wanted_view;
	int view = name ? view_index(name) : -1;
	app->session->wanted_view = NULL;
	if (view >= 0 && view != app->panes[app->active].view)
		show(app, view, true);
}

static int view_of_action(enum action action)
{
	for (int i = 0; views[i] && i < APP_VIEWS_MAX; i++) {
		if (views[i]->action == action)
			return i;
	}
	return -1;
}

static void next_view(struct app *app)
{
	int view = app->panes[app->active].view + 1;
	show(app, views[view] && view < APP_VIEWS_MAX ? view : 0, false);
}

/* The second pane begins with the view after the first one's. */
static void split(struct app *app)
{
	if (app->n_panes == 2) {
		if (app->active == 1) { /* the one that is looked at stays */
			struct app_pane first = app->panes[0];
			app->panes[0] = app->panes[1];
			app->panes[1] = first;
		}
		app->n_panes = 1;
		app->active = 0;
		return;
	}
	app->n_panes = 2;
	app->active = 1;
	if (app->panes[1].view == app->panes[0].view)
		next_view(app);
	app->active = 0;
}

/* -- actions of the app ------------------------------------------------------------------------------------------------------- */

static void begin_search(struct app *app)
{
	app_prompt_begin(app, PROMPT_SEARCH, "");
}

static void begin_filter(struct app *app)
{
	app_prompt_begin(app, PROMPT_FILTER, app->session->filter.text ? app->session->filter.text : "");
}

static void begin_execution(struct app *app)
{
	app_prompt_begin(app, PROMPT_EXECUTION, "");
}

static void begin_bookmark(struct app *app)
{
	app_prompt_begin(app, PROMPT_BOOKMARK, "");
}

static void begin_command(struct app *app)
{
	app_prompt_begin(app, PROMPT_COMMAND, "");
}

static void begin_page(struct app *app, enum app_mode mode)
{
	app->page_top = app->page_row = 0;
	app_set_mode(app, mode);
}

static void begin_bookmarks(struct app *app)
{
	if (!app->session->notes->n_items)
		session_status(app->session, "there are no bookmarks; B sets one");
	else
		begin_page(app, MODE_BOOKMARKS);
}

static void begin_help(struct app *app)
{
	begin_page(app, MODE_HELP);
}

static void other_pane(struct app *app)
{
	if (app->n_panes == 2)
		app->active = 1 - app->active;
	else
		session_status(app->session, "there is one pane; | opens a second one");
}

static void redraw(struct app *app)
{
	app->wants_redraw = true;
}

static void quit(struct app *app)
{
	if (live_may_quit(app->session))
		app_set_mode(app, MODE_ENDED);
}

static const struct {
	enum action action;
	void (*run)(struct app *app);
} own_actions[] = {
	{ ACTION_SEARCH, begin_search }, { ACTION_FILTER, begin_filter }, { ACTION_GO_EXECUTION, begin_execution },
	{ ACTION_BOOKMARK, begin_bookmark }, { ACTION_BOOKMARKS, begin_bookmarks }, { ACTION_COMMAND, begin_command },
	{ ACTION_HELP, begin_help }, { ACTION_NEXT_VIEW, next_view }, { ACTION_SPLIT, split }, { ACTION_OTHER_PANE, other_pane },
	{ ACTION_REDRAW, redraw }, { ACTION_QUIT, quit },
};

/* -- actions that views may leave to the app ---------------------------------------------------------------------------------- */

static void set_mark(struct app *app)
{
	struct session *session = app->session;
	struct session_mark *marks = session->marks;
	const struct session_mark mark = { true, session->selection.time_ns, session->selection.lane };
	char text[32];
	if (marks[0].is_set && marks[1].is_set) {
		marks[0].is_set = marks[1].is_set = false;
		session_status(session, "the marks are gone");
	} else if (marks[0].is_set) {
		int64_t length_ns = mark.time_ns - marks[0].time_ns;
		marks[1] = mark;
		session_status(session, "%s between the marks", units_duration(length_ns < 0 ? -length_ns : length_ns, text,
			sizeof(text)));
	} else {
		marks[0] = mark;
		session_status(session, "a mark is set; a second one measures");
	}
}

static void change_side(struct app *app)
{
	struct session *session = app->session;
	if (session->n_sides < 2) {
		session_status(session, "there is one run");
		return;
	}
	struct session_selection before = session->selection;
	int side = 1 - before.side, node = session_twin_node(session, before.side, before.node);
	session->selection = (struct session_selection){ .side = side, .lane = 0, .node = TIMELINE_NONE, .edge = TIMELINE_NONE,
		.execution = before.execution, .time_ns = session->sides[side].timeline->origin_ns };
	if (node != TIMELINE_NONE)
		session_select_node(session, side, node);
}

static void back(struct app *app)
{
	struct session *session = app->session;
	struct app_pane *pane = &app->panes[app->active];
	struct session_filter *filter = session->search.text ? &session->search : &session->filter;
	if (pane->came_from >= 0) {
		show(app, pane->came_from, false);
		return;
	}
	if (!filter->text)
		return;
	session_filter_set(session, filter, "", NULL);
	session_status(session, filter == &session->search ? "the search is over" : "the filter is gone");
}

static bool is_hit_action(const struct app *app, enum action action)
{
	return app->session->search.text && (action == ACTION_NEXT_EXECUTION || action == ACTION_PREVIOUS_EXECUTION);
}

static void act_without_view(struct app *app, enum action action)
{
	switch (action) {
	case ACTION_MARK_A: set_mark(app); break;
	case ACTION_SIDE: change_side(app); break;
	case ACTION_BACK: back(app); break;
	default:
		session_status(app->session, "'%s' means nothing in this view", action_info(action)->name);
	}
}

void app_act(struct app *app, enum action action, const struct event *event)
{
	struct app_pane *pane = &app->panes[app->active];
	struct error error = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(own_actions); i++) {
		if (own_actions[i].action == action) {
			own_actions[i].run(app);
			return;
		}
	}
	if (view_of_action(action) >= 0) {
		show(app, view_of_action(action), false);
	} else if (is_hit_action(app, action)) {
		session_search(app->session, action == ACTION_NEXT_EXECUTION ? 1 : -1);
	} else if (!app_view_state(app, pane, &error)) {
		session_error(app->session, &error);
	} else {
		const struct view *view = views[pane->view];
		if (!view->act || !view->act(pane->states[pane->view], app->session, action, event))
			act_without_view(app, action);
		follow_wish(app);
	}
}

/* -- events, a handler for each mode ------------------------------------------------------------------------------------------ */

static void browse_key(struct app *app, const struct event *event)
{
	enum action action = config_action(app->config, event->key);
	char name[32];
	if (action != ACTION_NONE)
		app_act(app, action, event);
	else
		session_status(app->session, "'%s' has no meaning; ? lists the keys", config_key_name(event->key, name, sizeof(name)));
}

static bool is_in(struct pane pane, int x, int y)
{
	return x >= pane.x && y >= pane.y && x < pane.x + pane.width && y < pane.y + pane.height;
}

static void press_tab(struct app *app, int x)
{
	for (int i = 0, start = 0; views[i] && i < APP_VIEWS_MAX; start = app->tab_ends[i++]) {
		if (x >= start && x < app->tab_ends[i]) {
			show(app, i, false);
			return;
		}
	}
}

static void browse_mouse(struct app *app, const struct event *event)
{
	int idx = -1;
	struct error error = { 0 };
	for (int i = 0; i < app->n_panes; i++) {
		if (is_in(app->panes[i].area, event->x, event->y))
			idx = i;
	}
	if (event->kind == EVENT_MOUSE_PRESS)
		app->dragged = idx;
	if (event->kind == EVENT_MOUSE_PRESS && event->y == 1 && idx < 0)
		press_tab(app, event->x);
	if (event->kind == EVENT_MOUSE_DRAG || event->kind == EVENT_MOUSE_RELEASE)
		idx = app->dragged;
	if (idx < 0 || idx >= app->n_panes)
		return;
	struct app_pane *pane = &app->panes[idx];
	const struct view *view = views[pane->view];
	struct event inner = *event;
	inner.x -= pane->area.x;
	inner.y -= pane->area.y;
	if (event->kind == EVENT_MOUSE_PRESS || event->kind == EVENT_MOUSE_DOUBLE)
		app->active = idx;
	if (view->handle && app_view_state(app, pane, &error))
		view->handle(pane->states[pane->view], app->session, &inner);
	follow_wish(app);
}

static void tick(struct app *app)
{
	struct error error = { 0 };
	if (app->session->is_live && session_refresh(app->session, NULL, &error) != STATUS_OK)
		session_error(app->session, &error);
}

static void handle_key(struct app *app, const struct event *event)
{
	switch (app->mode) {
	case MODE_BROWSING:
		app->session->status[0] = '\0';
		browse_key(app, event);
		break;
	case MODE_TYPING: app_prompt_key(app, event->key); break;
	case MODE_HELP: app_help_event(app, event); break;
	case MODE_BOOKMARKS: app_bookmarks_event(app, event); break;
	case MODE_ENDED: break;
	}
}

static void handle_mouse(struct app *app, const struct event *event)
{
	switch (app->mode) {
	case MODE_BROWSING: browse_mouse(app, event); break;
	case MODE_HELP: app_help_event(app, event); break;
	case MODE_BOOKMARKS: app_bookmarks_event(app, event); break;
	case MODE_TYPING:
	case MODE_ENDED: break;
	}
}

bool app_handle(struct app *app, const struct event *event)
{
	switch (event->kind) {
	case EVENT_KEY: handle_key(app, event); break;
	case EVENT_MOUSE_PRESS:
	case EVENT_MOUSE_DOUBLE:
	case EVENT_MOUSE_DRAG:
	case EVENT_MOUSE_RELEASE:
	case EVENT_WHEEL_UP:
	case EVENT_WHEEL_DOWN: handle_mouse(app, event); break;
	case EVENT_RESIZE: break;
	case EVENT_TICK: tick(app); break;
	case EVENT_END: app_set_mode(app, MODE_ENDED); break;
	}
	session_keep(app->session);
	return app->mode != MODE_ENDED;
}
