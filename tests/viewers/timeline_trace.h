/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_trace: small traces with the same times on every machine, to draw screens of: a pipeline of two workers in which the second is the
 * slower one, and what a statement in SQL makes of it.
 */
#ifndef TANDEM_TESTS_VIEWERS_TIMELINE_TRACE_H
#define TANDEM_TESTS_VIEWERS_TIMELINE_TRACE_H

#include "tests/traces/synthetic.h"
#include "viewers/session.h"
#include "viewers/view.h"

struct timeline_trace {
	struct synthetic synthetic; /* `file` is the trace */
	struct session *session;
	void *state;                /* of view_timeline */
	struct canvas canvas;
};

/* embed, layer0, layer1 on w0, layer2, layer3, pool on w1; n_executions of them in runs 1 … n_runs, the second a little slower. `sql` (may be
 * NULL) is run on the file before it is opened; the pyramid is then made anew. */
void timeline_trace_init(struct timeline_trace *trace, int n_executions, int n_runs, const char *sql);
void timeline_trace_finish(struct timeline_trace *trace);

/* Actions by name, separated by blanks, "right*5" five times; "mark" sets one. Each is followed by a frame. */
void timeline_trace_act(struct timeline_trace *trace, const char *actions);
/* Draws a frame of that size and returns it as text; to be freed. */
char *timeline_trace_draw(struct timeline_trace *trace, int width, int height);

#endif
