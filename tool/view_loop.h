/* SPDX-License-Identifier: Apache-2.0
 *
 * view_loop: a session on the terminal until its user leaves. Shared by `view` and `run --view`.
 */
#ifndef TANDEM_TOOL_VIEW_LOOP_H
#define TANDEM_TOOL_VIEW_LOOP_H

#include "engine/base/error.h"
#include "viewers/app.h"

/* Where to begin, beside the view. */
struct view_place {
	const char *node;      /* NULL: none */
	int64_t execution;     /* TIMELINE_NONE */
	bool has_time;
	int64_t time_ns;       /* from the run's start */
	int64_t zoom_ns;       /* how much of the run to show; 0: as much as fits */
};

/* Moves the session's cursor and window there; STATUS_USAGE for what is not in the run. The window must have been drawn once. */
int view_place(struct session *session, const struct view_place *place, struct error *error);

struct view_loop {
	struct session *session;
	const struct config *config;
	const struct view *view;
	const struct view_place *place; /* NULL: the whole run */
	int extra_fd;                   /* becomes readable when something is new; -1: none */
	/* Called after each event and tick, at least every `tick_ms` (negative: only with events); true ends the loop. NULL: nothing. */
	bool (*tick)(void *user);
	void *user;
	int tick_ms;
};

/* Opens the terminal, runs, closes it. *ret_signal: what ended it, 0: its user. STATUS_UNSUPPORTED without a terminal. */
int view_loop_run(const struct view_loop *loop, int *ret_signal, struct error *error);

#endif
