/* SPDX-License-Identifier: Apache-2.0
 *
 * view_loop: draw, show, wait, handle.
 */
#include "tool/view_loop.h"

#include <inttypes.h>
#include <string.h>

#include "viewers/term.h"

#define FOLLOW_MS 200 /* a run that goes on is looked at so often */

/* -- where to begin ----------------------------------------------------------------------------------------------------------- */

static int find_node(const struct timeline *timeline, const char *name)
{
	for (int i = 0; i < timeline->n_nodes; i++) {
		if (strcmp(timeline->nodes[i].name, name) == 0)
			return i;
	}
	return TIMELINE_NONE;
}

static int place_execution(struct session *session, int64_t number, struct error *error)
{
	struct timeline_execution execution;
	bool is_found = false;
	int status = timeline_execution(session_timeline(session), number, &execution, &is_found, error);
	if (status != STATUS_OK)
		return status;
	if (!is_found)
		return error_set(error, STATUS_USAGE, "--execution %" PRId64 ": that one was not recorded", number);
	if (execution.start_ns != INT64_MIN)
		session_select_time(session, session->selection.side, session->selection.lane, execution.start_ns);
	session->selection.execution = number;
	return STATUS_OK;
}

int view_place(struct session *session, const struct view_place *place, struct error *error)
{
	const struct timeline *timeline = session_timeline(session);
	int side = session->selection.side, node = place->node ? find_node(timeline, place->node) : TIMELINE_NONE;
	int status = STATUS_OK;
	if (place->node && node == TIMELINE_NONE)
		return error_set(error, STATUS_USAGE, "--node %s: there is no such node", place->node);
	if (place->has_time && place->time_ns > timeline->end_ns - timeline->origin_ns)
		return error_set(error, STATUS_USAGE, "--at: the run ends before that");
	if (place->execution != TIMELINE_NONE)
		status = place_execution(session, place->execution, error);
	if (status != STATUS_OK)
		return status;
	if (place->has_time)
		session_select_time(session, side, session->selection.lane, timeline->origin_ns + place->time_ns);
	if (node != TIMELINE_NONE)
		session_select_node(session, side, node);
	if (place->zoom_ns) /* session_show_span leaves a tenth on each side */
		session_show_span(session, side, session->selection.time_ns - place->zoom_ns / 2 + place->zoom_ns / 12,
			place->zoom_ns - place->zoom_ns / 6);
	else if (place->has_time || place->execution != TIMELINE_NONE || node != TIMELINE_NONE)
		session_show(session, side, session->selection.time_ns);
	return STATUS_OK;
}

/* -- the loop ----------------------------------------------------------------------------------------------------------------- */

struct screen {
	const struct view_loop *loop;
	struct term *term;
	struct app *app;
	struct canvas canvas;
	bool has_heard_interrupt; /* Ctrl-C has ended something: it is no key any more */
};

static int show_frame(struct screen *screen, struct error *error)
{
	int status = app_draw(screen->app, &screen->canvas, error);
	if (status != STATUS_OK)
		return status;
	term_set_theme(screen->term, app_theme(screen->app));
	if (app_take_redraw(screen->app))
		term_forget(screen->term);
	term_show(screen->term, &screen->canvas);
	return STATUS_OK;
}

/* What a view announces is done while the next frame is drawn. */
static int show(struct screen *screen, struct error *error)
{
	struct session *session = screen->loop->session;
	int status;
	do {
		session->wants_frame = false;
		status = show_frame(screen, error);
	} while (status == STATUS_OK && session->wants_frame);
	screen->has_heard_interrupt = session->was_stopped;
	session->was_stopped = false;
	return status;
}

static bool is_interrupt(const struct event *event)
{
	return event->kind == EVENT_KEY && event->key == 3;
}

/* Everything that has come is handled before the next frame: keys that repeat must not queue up. */
static int handle_all(struct screen *screen, struct event event, bool *ret_goes_on, struct error *error)
{
	int status = STATUS_OK;
	do {
		if (event.kind == EVENT_RESIZE)
			status = canvas_resize(&screen->canvas, event.x, event.y, error);
		*ret_goes_on = (screen->has_heard_interrupt && is_interrupt(&event)) || app_handle(screen->app, &event);
		screen->has_heard_interrupt = false;
		if (event.kind == EVENT_TICK)
			break;
		event = term_wait(screen->term, 0, -1);
	} while (status == STATUS_OK && *ret_goes_on && event.kind != EVENT_TICK);
	return status;
}

static int run(struct screen *screen, struct error *error)
{
	const struct view_loop *loop = screen->loop;
	bool goes_on = true;
	int width, height;
	term_size(screen->term, &width, &height);
	int status = canvas_resize(&screen->canvas, width, height, error);
	if (status == STATUS_OK && loop->place)
		status = app_draw(screen->app, &screen->canvas, error);
	if (status == STATUS_OK && loop->place)
		status = view_place(loop->session, loop->place, error);
	while (status == STATUS_OK && goes_on) {
		status = show(screen, error);
		if (status != STATUS_OK)
			break;
		int timeout_ms = loop->tick ? loop->tick_ms : -1;
		if (loop->session->is_live && (timeout_ms < 0 || timeout_ms > FOLLOW_MS))
			timeout_ms = FOLLOW_MS;
		struct event event = term_wait(screen->term, timeout_ms, loop->extra_fd);
		status = handle_all(screen, event, &goes_on, error);
		if (loop->tick && goes_on && loop->tick(loop->user))
			goes_on = false;
	}
	return status;
}

int view_loop_run(const struct view_loop *loop, int *ret_signal, struct error *error)
{
	struct screen screen = { .loop = loop };
	int status = app_create(loop->session, loop->config, loop->view, error, &screen.app);
	if (status == STATUS_OK)
		status = term_open(loop->config, error, &screen.term);
	if (status == STATUS_OK) {
		const volatile sig_atomic_t *before = loop->session->interrupt;
		loop->session->interrupt = term_interrupt();
		loop->session->announces = true;
		status = run(&screen, error);
		loop->session->interrupt = before;
		loop->session->announces = false;
		*ret_signal = term_signal();
	}
	term_close(screen.term);
	app_destroy(screen.app);
	canvas_finish(&screen.canvas);
	return status;
}
