/* SPDX-License-Identifier: Apache-2.0
 *
 * view: one kind of screen. A view draws itself into a pane from the session and its own state, and answers to actions; it never talks to a
 * terminal. Adding one is a file with a `const struct view` and a line in view.c.
 */
#ifndef TANDEM_VIEWERS_VIEW_H
#define TANDEM_VIEWERS_VIEW_H

#include "viewers/canvas.h"
#include "viewers/event.h"
#include "viewers/session.h"

struct view {
	const char *name;        /* as `--screen NAME` and on the command line */
	const char *summary;     /* one phrase */
	enum action action;      /* that opens it */
	const char *hints;       /* keys that matter here, for the bottom line: "←→ pan  +− zoom …" */
	const char *imported_hints; /* the same for a trace of another tool; NULL: those above */
	/* *ret_state (NULL beforehand) is the view's own; may stay NULL. */
	int (*open)(struct session *session, struct error *error, void **ret_state);
	void (*close)(void *state); /* accepts NULL */
	/* Draws everything. What cannot be drawn for a reason (no comparison, an empty run) is said in the pane. */
	int (*draw)(void *state, struct session *session, struct pane pane, struct error *error);
	/* Returns whether the action meant something here; `event` is what caused it (mouse: coordinates in the pane). */
	bool (*act)(void *state, struct session *session, enum action action, const struct event *event);
	/* Mouse events in the pane (coordinates of the pane), and others that are no action. May be NULL. */
	bool (*handle)(void *state, struct session *session, const struct event *event);
};

extern const struct view view_timeline, view_stalls, view_compare, view_graph, view_plan;

/* All of them, NULL-ended, in the order of the tabs. */
extern const struct view *const views[];
const struct view *view_find(const char *name);

#endif
