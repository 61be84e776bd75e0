/* SPDX-License-Identifier: Apache-2.0
 *
 * session_window: which part of a run is on screen. Every way of changing it ends in clamp, which keeps it in the run.
 */
#include "viewers/session_private.h"

#define WINDOW_CELLS 80 /* before anything was drawn */

static int cells_of(const struct session_window *window)
{
	return window->n_cells > 0 ? window->n_cells : WINDOW_CELLS;
}

int64_t session_clamp_time(const struct session *session, int side, int64_t time_ns)
{
	const struct timeline *timeline = session->sides[side].timeline;
	return time_ns > timeline->end_ns ? timeline->end_ns : time_ns < timeline->origin_ns ? timeline->origin_ns : time_ns;
}

static int64_t length_ns(const struct timeline *timeline)
{
	return timeline->end_ns > timeline->origin_ns ? timeline->end_ns - timeline->origin_ns + 1 : 1;
}

static void fit(const struct timeline *timeline, struct session_window *window)
{
	int n = cells_of(window);
	window->scale = timeline_scale_fit(length_ns(timeline), n);
	window->from_ns = timeline_snap(timeline, window->scale, timeline->origin_ns);
	while (window->from_ns + n * timeline_scale_ns(window->scale) <= timeline->end_ns) {
		struct timeline_scale wider = timeline_scale_step(window->scale, 1);
		if (timeline_scale_ns(wider) == timeline_scale_ns(window->scale))
			break;
		window->scale = wider;
		window->from_ns = timeline_snap(timeline, wider, timeline->origin_ns);
	}
}

/* A window wider than the run shows all of it; otherwise it lies within, its last cell at most on the run's end. */
static void clamp(const struct timeline *timeline, struct session_window *window)
{
	int64_t width_ns = timeline_scale_ns(window->scale), window_ns = width_ns * cells_of(window);
	if (window_ns >= length_ns(timeline) + width_ns) {
		window->fits = true;
		fit(timeline, window);
		return;
	}
	int64_t first_ns = timeline_snap(timeline, window->scale, timeline->origin_ns);
	int64_t last_ns = timeline_snap(timeline, window->scale, timeline->end_ns - window_ns + width_ns);
	window->from_ns = timeline_snap(timeline, window->scale, window->from_ns);
	if (window->from_ns > last_ns)
		window->from_ns = last_ns;
	if (window->from_ns < first_ns)
		window->from_ns = first_ns;
}

void session_prepare_window(struct session *session, int side, int n_cells)
{
	const struct timeline *timeline = session->sides[side].timeline;
	struct session_window *window = &session->sides[side].window;
	window->n_cells = n_cells > 0 ? n_cells : 1;
	if (window->fits) {
		fit(timeline, window);
		return;
	}
	if (window->follows)
		window->from_ns = timeline->end_ns;
	clamp(timeline, window);
}

void session_zoom(struct session *session, int steps, bool is_coarse)
{
	const struct timeline *timeline = session_timeline(session);
	struct session_window *window = session_window(session);
	int64_t at_ns = session->selection.time_ns, width_ns = timeline_scale_ns(window->scale);
	int n = cells_of(window);
	int64_t column = at_ns >= window->from_ns ? (at_ns - window->from_ns) / width_ns : -1;
	if (column < 0 || column >= n) { /* the cursor is elsewhere */
		column = n / 2;
		at_ns = window->from_ns + column * width_ns;
	}
	if (window->fits && steps > 0)
		return;
	window->fits = false;
	window->scale = is_coarse ? timeline_scale_double(window->scale, steps) : timeline_scale_step(window->scale, steps);
	window->from_ns = timeline_snap(timeline, window->scale, at_ns - column * timeline_scale_ns(window->scale));
	clamp(timeline, window);
}

void session_pan(struct session *session, int n_cells)
{
	struct session_window *window = session_window(session);
	window->follows = false;
	if (window->fits)
		return;
	int64_t step_ns = timeline_scale_ns(window->scale) * n_cells;
	if (__builtin_add_overflow(window->from_ns, step_ns, &window->from_ns))
		window->from_ns = step_ns > 0 ? INT64_MAX / 2 : 0;
	clamp(session_timeline(session), window);
}

void session_show(struct session *session, int side, int64_t time_ns)
{
	struct session_window *window = &session->sides[side].window;
	int64_t width_ns = timeline_scale_ns(window->scale), window_ns = width_ns * cells_of(window);
	time_ns = session_clamp_time(session, side, time_ns);
	if (window->fits || (time_ns >= window->from_ns && time_ns - window->from_ns < window_ns))
		return;
	window->follows = false;
	window->from_ns = time_ns - window_ns / 2;
	clamp(session->sides[side].timeline, window);
}

void session_show_span(struct session *session, int side, int64_t start_ns, int64_t duration_ns)
{
	const struct timeline *timeline = session->sides[side].timeline;
	struct session_window *window = &session->sides[side].window;
	int64_t longest_ns = length_ns(timeline);
	duration_ns = duration_ns < 1 ? 1 : duration_ns > longest_ns ? longest_ns : duration_ns;
	start_ns = session_clamp_time(session, side, start_ns);
	window->fits = window->follows = false;
	window->scale = timeline_scale_fit(duration_ns + duration_ns / 5, cells_of(window));
	window->from_ns = start_ns - duration_ns / 10;
	clamp(timeline, window);
}
