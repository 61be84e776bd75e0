/* SPDX-License-Identifier: Apache-2.0
 *
 * view_timeline_follow: from span to span: along the lane, from execution to execution, along edges, along the critical path.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/units.h"
#include "viewers/spans.h"
#include "viewers/view_timeline_private.h"

#define LINKS_MAX 64

static void tell(struct session *session, int status, const struct error *error)
{
	if (status != STATUS_OK)
		session_error(session, error);
}

/* -- along the lane ------------------------------------------------------------------------------------------------------------ */

static void go_along_lane(struct session *session, int direction)
{
	const struct session_selection *selection = &session->selection;
	struct timeline *timeline = session_timeline(session);
	struct timeline_span from = { .lane = selection->lane, .start_ns = selection->time_ns, .is_op = true, .row = INT64_MIN }, next;
	struct error error = { 0 };
	bool has_found = false;
	if (selection->lane == TIMELINE_NONE || timeline->lanes[selection->lane].kind == TIMELINE_CHANNEL) {
		session_status(session, "there are no spans on this lane");
		return;
	}
	if (selection->has_span)
		from = selection->span;
	int status = timeline_next(timeline, &from, direction, &next, &has_found, &error);
	tell(session, status, &error);
	if (status == STATUS_OK && has_found)
		session_select_span(session, selection->side, &next);
	else if (status == STATUS_OK)
		session_status(session, "the lane's %s span", direction > 0 ? "last" : "first");
}

/* -- from execution to execution ----------------------------------------------------------------------------------------------- */

/* The next execution in which the node was recorded: with a policy not every one is. */
static void go_to_execution(struct session *session, int direction)
{
	const struct session_selection *selection = &session->selection;
	struct timeline *timeline = session_timeline(session);
	struct timeline_span span;
	struct error error = { 0 };
	bool has_found = false;
	int node = selection->node;
	if (node == TIMELINE_NONE || selection->execution == TIMELINE_NONE) {
		session_status(session, "select a node first");
		return;
	}
	int status = timeline_op(timeline, node, selection->execution + direction, &span, &has_found, &error);
	if (status == STATUS_OK && !has_found) {
		bool *nodes = calloc((size_t)timeline->n_nodes, sizeof(*nodes));
		struct timeline_query query = { .nodes = nodes, .phase = TIMELINE_NONE, .execution = TIMELINE_NONE };
		if (!nodes) {
			session_status(session, "no memory to look for the next execution");
			return;
		}
		nodes[node] = true;
		int64_t from_ns = selection->has_span ? selection->span.start_ns : selection->time_ns;
		status = timeline_search(timeline, &query, from_ns, direction, session->interrupt, &span, &has_found, &error);
		free(nodes);
	}
	tell(session, status, &error);
	if (status == STATUS_OK && has_found)
		session_select_span(session, selection->side, &span);
	else if (status == STATUS_OK)
		session_status(session, "%s: no %s execution", timeline->nodes[node].name, direction > 0 ? "later" : "earlier");
}

/* -- along edges --------------------------------------------------------------------------------------------------------------- */

static int choose_link(const struct timeline_link *links, int n)
{
	int chosen = TIMELINE_NONE;
	for (int i = 0; i < n; i++) {
		if (links[i].has_span && (chosen == TIMELINE_NONE || links[i].is_last))
			chosen = i;
	}
	return chosen;
}

static void go_along_edge(struct session *session, bool is_producer)
{
	const struct session_selection *selection = &session->selection;
	struct timeline *timeline = session_timeline(session);
	struct timeline_link links[LINKS_MAX];
	struct error error = { 0 };
	char name[LANES_NAME_BYTES];
	int n = 0, status;
	if (selection->node == TIMELINE_NONE || selection->execution == TIMELINE_NONE) {
		session_status(session, "select an op first");
		return;
	}
	if (is_producer)
		status = timeline_producers(timeline, selection->node, selection->execution, LINKS_MAX, links, &n, &error);
	else
		status = timeline_consumers(timeline, selection->node, selection->execution, LINKS_MAX, links, &n, &error);
	int chosen = status == STATUS_OK ? choose_link(links, n) : TIMELINE_NONE;
	tell(session, status, &error);
	if (status != STATUS_OK)
		return;
	if (chosen == TIMELINE_NONE) {
		session_status(session, "%s: no %s was recorded", timeline->nodes[selection->node].name, is_producer ? "producer" : "consumer");
		return;
	}
	session_select_span(session, selection->side, &links[chosen].span);
	session->selection.edge = links[chosen].edge;
	lanes_arrow(timeline->edges[links[chosen].edge].name, name, sizeof(name));
	if (n > 1)
		session_status(session, "along %s: %s of %d %s", name, is_producer ? "came last" : "the first", n,
			is_producer ? "inputs" : "consumers");
	else
		session_status(session, "along %s", name);
}

/* -- along the critical path --------------------------------------------------------------------------------------------------- */

void timeline_view_forget_path(struct timeline_view *view)
{
	if (view->has_path)
		timeline_path_finish(&view->path);
	view->has_path = false;
}

static bool make_path(struct timeline_view *view, struct session *session)
{
	struct session_selection *selection = &session->selection;
	struct error error = { 0 };
	bool has_found = false;
	if (selection->execution == TIMELINE_NONE) {
		session_status(session, "no execution is selected");
		return false;
	}
	if (view->has_path && view->path_side == selection->side && view->path.execution == selection->execution)
		return true;
	timeline_view_forget_path(view);
	int status = timeline_path_make(session_timeline(session), selection->execution, &view->path, &has_found, &error);
	tell(session, status, &error);
	if (status == STATUS_OK && !has_found)
		session_status(session, "the start or end of execution %" PRId64 " was not recorded: it has no critical path", selection->execution);
	view->has_path = status == STATUS_OK && has_found;
	view->path_side = selection->side;
	view->path_step = -1;
	if (view->has_path && view->path.n_steps == 0)
		timeline_view_forget_path(view);
	return view->has_path;
}

/* The last step that begins at or before the cursor. */
static int step_at(const struct timeline_path *path, int64_t time_ns)
{
	int step = 0;
	while (step + 1 < path->n_steps && path->steps[step + 1].step.start_ns <= time_ns)
		step++;
	return step;
}

/* Steps of less than a thousandth of the latency are passed over; they stay counted. */
static int next_step(const struct timeline_path *path, int step, int direction)
{
	int64_t least_ns = (path->end_ns - path->start_ns) / 1000;
	do
		step += direction;
	while (step >= 0 && step < path->n_steps && path->steps[step].step.duration_ns < least_ns);
	return step;
}

static void go_along_path(struct timeline_view *view, struct session *session, int direction)
{
	struct session_selection *selection = &session->selection;
	struct timeline *timeline = session_timeline(session);
	struct timeline_span span;
	struct error error = { 0 };
	bool has_found = false;
	if (!make_path(view, session))
		return;
	int64_t execution = view->path.execution;
	int step = view->path_step;
	bool is_there = step >= 0 && view->path.steps[step].step.start_ns == selection->time_ns;
	if (is_there)
		step = next_step(&view->path, step, direction);
	else
		step = step_at(&view->path, selection->time_ns);
	if (step < 0 || step >= view->path.n_steps) {
		session_status(session, "the %s of the critical path", step < 0 ? "beginning" : "end");
		return;
	}
	view->path_step = step;
	const struct critical_step *at = &view->path.steps[step].step;
	int lane = view->path.steps[step].lane;
	int status = STATUS_OK;
	if (at->node != CRITICAL_NONE && at->execution >= 0)
		status = timeline_op(timeline, at->node, at->execution, &span, &has_found, &error);
	tell(session, status, &error);
	if (has_found)
		session_select_span(session, selection->side, &span);
	else
		session_select_time(session, selection->side, lane == TIMELINE_NONE ? 0 : lane, at->start_ns);
	selection->execution = execution; /* the path's, whoever stood in its way */
	selection->time_ns = at->start_ns;
	session_show(session, selection->side, selection->time_ns);
}

bool timeline_view_follow(struct timeline_view *view, struct session *session, enum action action)
{
	if (timeline_view_follow_imported(session, action))
		return true;
	switch (action) {
	case ACTION_NEXT_SPAN: go_along_lane(session, 1); return true;
	case ACTION_PREVIOUS_SPAN: go_along_lane(session, -1); return true;
	case ACTION_NEXT_EXECUTION: go_to_execution(session, 1); return true;
	case ACTION_PREVIOUS_EXECUTION: go_to_execution(session, -1); return true;
	case ACTION_PRODUCER: go_along_edge(session, true); return true;
	case ACTION_CONSUMER: go_along_edge(session, false); return true;
	case ACTION_CRITICAL_BACK: go_along_path(view, session, -1); return true;
	case ACTION_CRITICAL_FORWARD: go_along_path(view, session, 1); return true;
	default: return false;
	}
}
