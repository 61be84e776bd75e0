/* SPDX-License-Identifier: Apache-2.0
 *
 * view_compare_lock: two windows that show the same node and execution in the same column, whatever their times are; and the lanes in them.
 */
#include <stdlib.h>
#include <string.h>

#include "traces/critical_run.h"
#include "viewers/axis.h"
#include "viewers/spans.h"
#include "viewers/view_compare_private.h"

#define LABEL_CELLS_MAX 16

/* -- where both stand --------------------------------------------------------------------------------------------------------- */

int64_t compare_work_start(const struct timeline_span *op)
{
	struct timeline_piece pieces[PHASE_COUNT];
	int n = timeline_pieces(op, pieces);
	for (int i = 0; i < n; i++) {
		if (!critical_is_wait(pieces[i].phase) && pieces[i].duration_ns > 0)
			return pieces[i].start_ns;
	}
	return op->start_ns;
}

static bool find_op(struct session *session, int side, int node, int64_t execution, struct timeline_span *ret_span)
{
	struct error error = { 0 };
	bool is_found = false;
	if (node == TIMELINE_NONE)
		return false;
	if (timeline_op(session->sides[side].timeline, node, execution, ret_span, &is_found, &error) != STATUS_OK)
		session_error(session, &error);
	return is_found;
}

static bool find_submit(struct session *session, int side, int64_t execution, struct timeline_execution *ret_execution)
{
	struct error error = { 0 };
	bool is_found = false;
	if (timeline_execution(session->sides[side].timeline, execution, ret_execution, &is_found, &error) != STATUS_OK)
		session_error(session, &error);
	return is_found && ret_execution->start_ns != INT64_MIN;
}

struct compare_anchor compare_anchor(struct session *session)
{
	const struct session_selection *selection = &session->selection;
	struct compare_anchor anchor = { .execution = selection->execution, .nodes = { TIMELINE_NONE, TIMELINE_NONE } };
	struct timeline_execution executions[2];
	int side = selection->side, nodes[2];
	nodes[side] = selection->node;
	nodes[1 - side] = session_twin_node(session, side, selection->node);
	for (int i = 0; i < 2; i++)
		anchor.at_ns[i] = session->sides[i].timeline->origin_ns;
	if (anchor.execution == TIMELINE_NONE)
		return anchor;
	if (find_op(session, 0, nodes[0], anchor.execution, &anchor.spans[0])
		&& find_op(session, 1, nodes[1], anchor.execution, &anchor.spans[1])) {
		for (int i = 0; i < 2; i++) {
			anchor.nodes[i] = nodes[i];
			anchor.at_ns[i] = compare_work_start(&anchor.spans[i]);
		}
	} else if (find_submit(session, 0, anchor.execution, &executions[0]) && find_submit(session, 1, anchor.execution,
		&executions[1])) {
		for (int i = 0; i < 2; i++)
			anchor.at_ns[i] = executions[i].start_ns;
	} else {
		anchor.execution = TIMELINE_NONE;
	}
	return anchor;
}

void compare_lock(struct session *session, const struct compare_anchor *anchor, int n_cells)
{
	int leader = session->selection.side, follower = 1 - leader;
	session_prepare_window(session, leader, n_cells);
	const struct session_window *from = &session->sides[leader].window;
	struct session_window *to = &session->sides[follower].window;
	*to = (struct session_window){ .scale = from->scale, .n_cells = n_cells };
	to->from_ns = timeline_snap(session->sides[follower].timeline, to->scale,
		anchor->at_ns[follower] + from->from_ns - anchor->at_ns[leader]);
}

int64_t compare_typical(const struct compare *compare)
{
	double mean = compare->latency.delta, nearest = -1;
	int64_t typical = TIMELINE_NONE;
	for (int64_t i = 0; i < compare->align.n_pairs; i++) {
		int64_t execution = compare->align.pairs[i];
		const struct align_execution *a = align_find(&compare->align.runs[0], execution);
		const struct align_execution *b = align_find(&compare->align.runs[1], execution);
		if (!a || !b)
			continue;
		double off = (double)((b->end_ns - b->start_ns) - (a->end_ns - a->start_ns)) - mean;
		off = off < 0 ? -off : off;
		if (nearest < 0 || off < nearest) {
			nearest = off;
			typical = execution;
		}
	}
	return typical;
}

void compare_place(struct session *session, int64_t execution, int n_cells)
{
	struct timeline_execution found[2];
	int64_t longest = 0;
	for (int i = 0; i < 2; i++) {
		if (!find_submit(session, i, execution, &found[i]))
			return;
		int64_t ns = found[i].end_ns != INT64_MIN ? found[i].end_ns - found[i].start_ns : 0;
		longest = ns > longest ? ns : longest;
	}
	int side = session->selection.side;
	if (session->selection.execution != execution) {
		session->selection.execution = execution;
		session->selection.time_ns = found[side].start_ns;
	}
	session_prepare_window(session, side, n_cells);
	session_show_span(session, side, found[side].start_ns, longest);
}

void compare_step(struct session *session, const struct compare *compare, int direction)
{
	const struct align *align = &compare->align;
	struct session_selection *selection = &session->selection;
	struct compare_anchor before = compare_anchor(session), after;
	int64_t at = selection->execution, next = TIMELINE_NONE;
	for (int64_t i = 0; i < align->n_pairs; i++) {
		int64_t pair = align->pairs[direction > 0 ? i : align->n_pairs - 1 - i];
		if (at == TIMELINE_NONE || (direction > 0 ? pair > at : pair < at)) {
			next = pair;
			break;
		}
	}
	if (next == TIMELINE_NONE) {
		session_status(session, "no %s execution is compared", direction > 0 ? "later" : "earlier");
		return;
	}
	int side = selection->side;
	struct session_window window = *session_window(session);
	if (selection->node == TIMELINE_NONE || !session_select_op(session, side, selection->node, next))
		selection->execution = next;
	after = compare_anchor(session);
	if (selection->node == TIMELINE_NONE)
		selection->time_ns = after.at_ns[side];
	window.from_ns += after.at_ns[side] - before.at_ns[side];
	if (!window.fits)
		*session_window(session) = window;
}

/* -- drawing ------------------------------------------------------------------------------------------------------------------ */

int compare_label_cells(const struct session *session, int width)
{
	int cells = 4, most = width < 100 ? 8 : LABEL_CELLS_MAX;
	for (int side = 0; side < 2; side++) {
		const struct timeline *timeline = session->sides[side].timeline;
		for (int i = 0; i < timeline->n_lanes; i++) {
			int n = timeline->lanes[i].kind == TIMELINE_HOST ? canvas_text_width(timeline->lanes[i].name) : 0;
			cells = n > cells ? n : cells;
		}
	}
	return (cells < most ? cells : most) + 2;
}

void compare_draw_axis(struct compare_view *view, const struct session *session, const struct compare_anchor *anchor, struct pane pane)
{
	int side = session->selection.side, n = pane.width - view->label_cells - 1;
	const struct session_window *window = &session->sides[side].window;
	struct axis axis = { .from_ns = window->from_ns, .cell_ns = timeline_scale_ns(window->scale), .origin_ns = anchor->at_ns[side],
		.n_cells = n };
	axis_draw(&axis, view->label_cells, session->selection.time_ns, pane);
}

int compare_draw_lanes(struct compare_view *view, struct session *session, const struct compare_anchor *anchor, int side,
	struct pane pane,
	struct error *error)
{
	struct timeline *timeline = session->sides[side].timeline;
	const struct session_window *window = &session->sides[side].window;
	int n_cells = pane.width - view->label_cells - 1, status = STATUS_OK, y = 0, n_hosts = 0;
	struct axis axis = { .from_ns = window->from_ns, .cell_ns = timeline_scale_ns(window->scale), .n_cells = n_cells };
	int column = axis_column(&axis, anchor->at_ns[side]);
	while (n_hosts < timeline->n_lanes && timeline->lanes[n_hosts].kind == TIMELINE_HOST)
		n_hosts++;
	int last_top = n_hosts > pane.height ? n_hosts - pane.height : 0, top = view->lane_top < last_top ? view->lane_top : last_top;
	for (int lane = top; lane < n_hosts && y < pane.height && status == STATUS_OK; lane++, y++) {
		bool is_selected = side == session->selection.side && lane == session->selection.lane;
		struct look look = LOOK(NONE);
		look.attributes = is_selected ? LOOK_BOLD : 0;
		pane_field(pane, 1, y, view->label_cells - 2, PANE_LEFT, look, timeline->lanes[lane].name);
		struct spans_row row = { .timeline = timeline, .lane = lane, .scale = window->scale, .from_ns = window->from_ns,
			.filter = session->filter.text ? &session->filter : NULL,
			.selected = anchor->nodes[side] != TIMELINE_NONE && anchor->spans[side].lane == lane ? &anchor->spans[side] : NULL,
			.has_labels = true };
		status = spans_draw(&row, pane_sub(pane, view->label_cells, y, n_cells, 1), error);
	}
	if (column >= 0 && column < n_cells && anchor->execution != TIMELINE_NONE)
		pane_tint(pane, view->label_cells + column, 0, 1, y, COLOUR_CURSOR);
	if (n_hosts > pane.height && pane.height)
		pane_put(pane, pane.width - 1, pane.height - 1, top < last_top ? 0x25be : 0x25b4, LOOK(ACCENT));
	return status;
}
