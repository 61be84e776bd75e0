/* SPDX-License-Identifier: Apache-2.0
 *
 * session_select: the one selection, and what follows from moving it.
 */
#include <inttypes.h>
#include <string.h>

#include "viewers/session_private.h"

static void tell(struct session *session, int status, const struct error *error)
{
	if (status != STATUS_OK)
		session_error(session, error);
}

static void select_nothing(struct session *session, int side, int lane, int64_t time_ns)
{
	struct session_selection *selection = &session->selection;
	*selection = (struct session_selection){ .side = side, .lane = lane, .node = TIMELINE_NONE, .edge = TIMELINE_NONE,
		.execution = selection->execution, .time_ns = session_clamp_time(session, side, time_ns) };
}

static void take_span(struct session_selection *selection, const struct timeline_span *span)
{
	selection->has_span = true;
	selection->span = *span;
	selection->lane = span->lane;
	selection->node = span->node;
	selection->edge = span->edge;
	if (span->execution != TIMELINE_NONE)
		selection->execution = span->execution;
}

/* Behind a channel's lane stands its first edge, and the node that writes. */
static void take_channel(struct session *session, const struct timeline *timeline, int lane)
{
	struct session_selection *selection = &session->selection;
	selection->node = timeline->lanes[lane].writer;
	for (int i = 0; i < timeline->n_edges && selection->edge == TIMELINE_NONE; i++) {
		if (timeline->edges[i].channel == lane)
			selection->edge = i;
	}
}

void session_select_time(struct session *session, int side, int lane, int64_t time_ns)
{
	struct timeline *timeline = session->sides[side].timeline;
	struct error error = { 0 };
	struct timeline_span span;
	bool has_span = false;
	int64_t execution = TIMELINE_NONE;
	lane = lane >= 0 && lane < timeline->n_lanes ? lane : TIMELINE_NONE;
	select_nothing(session, side, lane, time_ns);
	int status = STATUS_OK;
	if (lane != TIMELINE_NONE && timeline->lanes[lane].kind != TIMELINE_CHANNEL)
		status = timeline_at(timeline, lane, session->selection.time_ns, &span, &has_span, &error);
	else if (lane != TIMELINE_NONE)
		take_channel(session, timeline, lane);
	if (status == STATUS_OK && has_span)
		take_span(&session->selection, &span);
	bool has_execution = false;
	if (status == STATUS_OK && !(has_span && span.execution != TIMELINE_NONE))
		status = timeline_execution_at(timeline, session->selection.time_ns, &execution, &has_execution, &error);
	if (has_execution)
		session->selection.execution = execution;
	tell(session, status, &error);
}

void session_select_span(struct session *session, int side, const struct timeline_span *given)
{
	struct session_selection *selection = &session->selection;
	const struct timeline_span copy = *given, *span = &copy; /* it may be the selection's own */
	int64_t time_ns = selection->time_ns;
	bool holds_cursor = selection->side == side && time_ns >= span->start_ns && time_ns - span->start_ns < span->duration_ns;
	select_nothing(session, side, span->lane, holds_cursor ? time_ns : span->start_ns);
	take_span(selection, span);
	if (session->sides[side].timeline->is_imported) { /* the iteration that it begins in */
		bool has_execution = false;
		timeline_execution_at(session->sides[side].timeline, span->start_ns, &selection->execution, &has_execution, NULL);
	}
	session_show(session, side, selection->time_ns);
}

bool session_select_op(struct session *session, int side, int node, int64_t execution)
{
	struct timeline *timeline = session->sides[side].timeline;
	struct timeline_span span;
	struct error error = { 0 };
	bool is_found = false;
	if (node < 0 || node >= timeline->n_nodes)
		return false;
	int status = timeline_op(timeline, node, execution, &span, &is_found, &error);
	if (status != STATUS_OK) {
		session_error(session, &error);
		return false;
	}
	if (!is_found) {
		session_status(session, "%s in execution %" PRId64 " was not recorded", timeline->nodes[node].name, execution);
		return false;
	}
	session_select_span(session, side, &span);
	return true;
}

void session_select_node(struct session *session, int side, int node)
{
	struct timeline *timeline = session->sides[side].timeline;
	struct session_selection *selection = &session->selection;
	int64_t execution = selection->execution;
	if (node < 0 || node >= timeline->n_nodes)
		return;
	if (execution != TIMELINE_NONE && session_select_op(session, side, node, execution))
		return;
	select_nothing(session, side, timeline->nodes[node].lane, selection->time_ns);
	selection->node = node;
}

void session_select_edge(struct session *session, int side, int edge)
{
	const struct timeline *timeline = session->sides[side].timeline;
	if (edge < 0 || edge >= timeline->n_edges)
		return;
	session_select_node(session, side, timeline->edges[edge].dst);
	session->selection.edge = edge;
}

static int keep_index(int idx, int n)
{
	return idx >= 0 && idx < n ? idx : TIMELINE_NONE;
}

void session_keep(struct session *session)
{
	struct session_selection *selection = &session->selection;
	selection->side = selection->side == 1 && session->n_sides == 2;
	const struct timeline *timeline = session_timeline(session);
	selection->lane = keep_index(selection->lane, timeline->n_lanes);
	selection->node = keep_index(selection->node, timeline->n_nodes);
	selection->edge = keep_index(selection->edge, timeline->n_edges);
	selection->time_ns = session_clamp_time(session, selection->side, selection->time_ns);
}

int session_twin_node(const struct session *session, int side, int node)
{
	if (session->n_sides < 2 || node < 0 || node >= session->sides[side].timeline->n_nodes)
		return TIMELINE_NONE;
	const struct timeline *other = session->sides[1 - side].timeline;
	const char *name = session->sides[side].timeline->nodes[node].name;
	for (int i = 0; i < other->n_nodes; i++) {
		if (strcmp(other->nodes[i].name, name) == 0)
			return i;
	}
	return TIMELINE_NONE;
}
