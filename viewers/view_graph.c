/* SPDX-License-Identifier: Apache-2.0
 *
 * view_graph: the graph as boxes and lines, and how one moves about in it: arrows go along edges to the next box, { and } go through the edges
 * into and out of a box, + and − change between boxes with times and names only.
 */
#include <stdlib.h>

#include "viewers/view.h"
#include "viewers/view_graph_private.h"

#define DETAILS_ROWS_FEW 4
#define DETAILS_ROWS_MANY 7
#define SCROLL_CELLS 8

static int graph_open(struct session *session, struct error *error, void **ret_state)
{
	struct view_graph *graph = calloc(1, sizeof(*graph));
	if (!graph)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the graph");
	graph->shown_node = graph->shown_edge = graph->home = graph->waits.edge = TIMELINE_NONE;
	*ret_state = graph;
	return STATUS_OK;
}

static void graph_close(void *state)
{
	struct view_graph *graph = state;
	if (!graph)
		return;
	view_graph_layout_finish(graph);
	layer_lines_finish(&graph->lines);
	free(graph);
}

/* -- what is on screen --------------------------------------------------------------------------------------------------------- */

static int clamp(int value, int least, int most)
{
	return value > most ? (most > least ? most : least) : value < least ? least : value;
}

static void clamp_scroll(struct view_graph *graph)
{
	int beyond_x = graph->layers.width - graph->screen_width, beyond_y = graph->layers.height - graph->screen_height;
	graph->x = beyond_x <= 0 ? beyond_x / 2 : clamp(graph->x, 0, beyond_x);
	graph->y = beyond_y <= 0 ? 0 : clamp(graph->y, 0, beyond_y);
}

static void show_box(struct view_graph *graph, int node)
{
	const struct layers_box *box = &graph->layers.boxes[node];
	int bottom = box->y + graph->layers.box_height + 2, right = box->x + box->width + 2;
	if (bottom > graph->y + graph->screen_height)
		graph->y = bottom - graph->screen_height;
	if (box->y - 2 < graph->y)
		graph->y = box->y - 2;
	if (right > graph->x + graph->screen_width)
		graph->x = right - graph->screen_width;
	if (box->x - 2 < graph->x)
		graph->x = box->x - 2;
}

/* Another view may have moved the selection. */
static void follow_selection(struct view_graph *graph, const struct session *session)
{
	const struct session_selection *selection = &session->selection;
	if (selection->node == graph->shown_node && selection->edge == graph->shown_edge)
		return;
	graph->shown_node = selection->node;
	graph->shown_edge = selection->edge;
	if (selection->edge >= 0 && selection->edge < graph->timeline->n_edges) {
		show_box(graph, graph->edges[selection->edge].src);
		show_box(graph, graph->edges[selection->edge].dst);
	} else if (selection->node >= 0 && selection->node < graph->timeline->n_nodes) {
		show_box(graph, selection->node);
	}
	if (selection->edge < 0)
		graph->home = selection->node;
}

/* Scroll bars would cost two rows; arrows and a share say where one is. */
static void draw_position(const struct view_graph *graph, struct pane rule)
{
	const struct layers *layers = &graph->layers;
	int right = layers->width - graph->x - graph->screen_width, below = layers->height - graph->y - graph->screen_height;
	int x = 2;
	pane_rule(rule, 0, 0, rule.width, LOOK(DIM));
	if (graph->n_hidden)
		x = pane_textf(rule, x, 0, LOOK(ERROR), " %d edge%s not drawn: too long, or in a circle ", graph->n_hidden,
			graph->n_hidden == 1 ? " is" : "s are");
	if (graph->x > 0 || graph->y > 0 || right > 0 || below > 0)
		pane_textf(rule, x, 0, LOOK(DIM), " more:%s%s%s%s ", graph->y > 0 ? " above" : "", below > 0 ? " below" : "",
			graph->x > 0 ? " left" : "", right > 0 ? " right" : "");
}

static int graph_draw(void *state, struct session *session, struct pane pane, struct error *error)
{
	struct view_graph *graph = state;
	struct timeline *timeline = session_timeline(session);
	pane_clear(pane, LOOK(NONE));
	if (!timeline->n_nodes) {
		pane_text(pane, 2, 1, LOOK(DIM), timeline->is_imported ? "an imported trace has no graph: it names no nodes and no edges"
			: "this run has no graph: it was not recorded by tandem run");
		return STATUS_OK;
	}
	int status = view_graph_layout(graph, timeline, pane.width, error);
	if (status == STATUS_OK && session->is_live)
		status = node_times_read(timeline, &graph->times, error);
	if (status != STATUS_OK)
		return status;
	int n_details = graph->has_more_details ? DETAILS_ROWS_MANY : DETAILS_ROWS_FEW;
	struct pane details = pane_cut_rows(&pane, pane.height > 3 * n_details ? -n_details : 0);
	struct pane rule = pane_cut_rows(&pane, details.height ? -1 : 0), header = pane_cut_rows(&pane, graph->is_by_worker ? 1 : 0);
	bool is_resized = graph->screen_width != pane.width || graph->screen_height != pane.height;
	graph->header_rows = header.height;
	graph->screen_width = pane.width;
	graph->screen_height = pane.height;
	if (is_resized)
		graph->shown_node = graph->shown_edge = TIMELINE_NONE - 1;
	follow_selection(graph, session);
	clamp_scroll(graph);
	status = view_graph_draw_all(graph, session, header, pane, error);
	draw_position(graph, rule);
	return status == STATUS_OK ? view_graph_details(graph, session, details, error) : status;
}

/* -- moving about -------------------------------------------------------------------------------------------------------------- */

static int middle(const struct layers_box *box)
{
	return box->x + box->width / 2;
}

static int distance(int a, int b)
{
	return a > b ? a - b : b - a;
}

/* The nearest box at the other end of an edge. */
static int neighbour(const struct view_graph *graph, int node, bool goes_down)
{
	const struct layers_box *boxes = graph->layers.boxes;
	int best = TIMELINE_NONE, best_far = 0;
	for (int i = 0; i < graph->timeline->n_edges; i++) {
		int from = goes_down ? graph->edges[i].src : graph->edges[i].dst, to = goes_down ? graph->edges[i].dst : graph->edges[i].src;
		int far = distance(boxes[from].layer, boxes[to].layer) * 1000 + distance(middle(&boxes[from]), middle(&boxes[to]));
		if (from != node || to == node || (best >= 0 && far >= best_far))
			continue;
		best = to;
		best_far = far;
	}
	return best;
}

/* The nearest box to one side: of this layer, or else of any. */
static int sibling(const struct view_graph *graph, int node, int direction)
{
	const struct layers_box *boxes = graph->layers.boxes;
	int best = TIMELINE_NONE, best_far = 0;
	for (int i = 0; i < graph->layers.n_nodes; i++) {
		int far = (middle(&boxes[i]) - middle(&boxes[node])) * direction;
		if (far <= 0)
			continue;
		far += distance(boxes[i].layer, boxes[node].layer) * 1000;
		if (best >= 0 && far >= best_far)
			continue;
		best = i;
		best_far = far;
	}
	return best;
}

/* The edge after `edge` among those into or out of a node; the first one when it is none of them. */
static int next_edge(const struct view_graph *graph, int node, int edge, bool is_input, int direction)
{
	int first = TIMELINE_NONE, before = TIMELINE_NONE, last = TIMELINE_NONE;
	for (int i = 0; i < graph->timeline->n_edges; i++) {
		if ((is_input ? graph->edges[i].dst : graph->edges[i].src) != node || graph->edges[i].src == graph->edges[i].dst)
			continue;
		if (direction > 0 && before == edge && edge != TIMELINE_NONE)
			return i;
		if (direction < 0 && i == edge && before != TIMELINE_NONE)
			return before;
		first = first == TIMELINE_NONE ? i : first;
		before = i;
		last = i;
	}
	return direction > 0 ? first : last;
}

static void go_through_edges(struct view_graph *graph, struct session *session, bool is_input)
{
	struct session_selection *selection = &session->selection;
	int home = selection->edge >= 0 && graph->home >= 0 ? graph->home : selection->node;
	if (home < 0)
		home = 0;
	int edge = next_edge(graph, home, selection->edge, is_input, 1);
	if (edge == TIMELINE_NONE) {
		session_status(session, "%s has no edge %s it", graph->timeline->nodes[home].name, is_input ? "into" : "out of");
		return;
	}
	session_select_edge(session, selection->side, edge);
	graph->home = home;
}

static void move_from_edge(struct view_graph *graph, struct session *session, enum action action)
{
	struct session_selection *selection = &session->selection;
	const struct layers_edge *edge = &graph->edges[selection->edge];
	bool is_input = graph->home != edge->src;
	if (action == ACTION_UP || action == ACTION_DOWN) {
		session_select_node(session, selection->side, action == ACTION_UP ? edge->src : edge->dst);
		return;
	}
	int home = is_input ? edge->dst : edge->src;
	session_select_edge(session, selection->side, next_edge(graph, home, selection->edge, is_input, action == ACTION_RIGHT ? 1 : -1));
	graph->home = home;
}

static void move(struct view_graph *graph, struct session *session, enum action action)
{
	static const char *const places[] = { [ACTION_LEFT] = "left", [ACTION_RIGHT] = "right", [ACTION_UP] = "above", [ACTION_DOWN] = "below" };
	struct session_selection *selection = &session->selection;
	int node = selection->node, next;
	if (selection->edge >= 0) {
		move_from_edge(graph, session, action);
		return;
	}
	if (node < 0)
		next = 0;
	else if (action == ACTION_UP || action == ACTION_DOWN)
		next = neighbour(graph, node, action == ACTION_DOWN);
	else
		next = sibling(graph, node, action == ACTION_RIGHT ? 1 : -1);
	if (next >= 0)
		session_select_node(session, selection->side, next);
	else
		session_status(session, "there is nothing %s%s", action == ACTION_LEFT || action == ACTION_RIGHT ? "further " : "", places[action]);
}

static void go_execution(struct session *session, int direction)
{
	struct session_selection *selection = &session->selection;
	int64_t first = 0, last = 0, n = 0;
	if (selection->node < 0 || timeline_executions(session_timeline(session), &first, &last, &n, NULL) != STATUS_OK || !n)
		session_status(session, "select a node first; then n and p go from execution to execution");
	else
		session_select_op(session, selection->side, selection->node,
			selection->execution == TIMELINE_NONE ? first : selection->execution + direction);
}

/* -- size and arrangement ------------------------------------------------------------------------------------------------------- */

static void lay_out_anew(struct view_graph *graph)
{
	if (graph->has_layers)
		layers_finish(&graph->layers);
	graph->has_layers = false;
	graph->shown_node = graph->shown_edge = TIMELINE_NONE - 1;
}

static void set_compact(struct view_graph *graph, struct session *session, bool is_compact)
{
	if (graph->is_compact == is_compact) {
		session_status(session, is_compact ? "boxes are as small as they get" : "boxes are as large as they get");
		return;
	}
	graph->is_compact = is_compact;
	lay_out_anew(graph);
}

/* The larger of the two sizes that fits whole. */
static void fit(struct view_graph *graph, struct session *session)
{
	graph->x = graph->y = 0;
	bool fits = graph->layers.width <= graph->screen_width && graph->layers.height <= graph->screen_height;
	if (!fits && !graph->is_compact)
		set_compact(graph, session, true);
}

static void arrange(struct view_graph *graph, struct session *session)
{
	graph->arrangement = graph->is_by_worker ? GRAPH_FREE : GRAPH_BY_WORKER;
	session_status(session, graph->is_by_worker ? "arranged by edges alone" : "arranged by worker");
	lay_out_anew(graph);
}

static void scroll(struct view_graph *graph, int columns, int rows)
{
	graph->x += columns;
	graph->y += rows;
	clamp_scroll(graph);
}

static bool back(struct view_graph *graph, struct session *session)
{
	if (session->selection.edge < 0)
		return false;
	session_select_node(session, session->selection.side, graph->home >= 0 ? graph->home : session->selection.node);
	return true;
}

static bool open_node(struct session *session)
{
	if (session->selection.node < 0)
		session_status(session, "select a node first");
	else
		session->wanted_view = "timeline";
	return true;
}

static bool graph_act(void *state, struct session *session, enum action action, const struct event *event)
{
	struct view_graph *graph = state;
	if (!graph->has_layers || graph->timeline != session_timeline(session))
		return false;
	int half_width = graph->screen_width / 2, page = graph->screen_height > 4 ? graph->screen_height - 3 : 1;
	switch (action) {
	case ACTION_LEFT:
	case ACTION_RIGHT:
	case ACTION_UP:
	case ACTION_DOWN: move(graph, session, action); return true;
	case ACTION_PRODUCER: go_through_edges(graph, session, true); return true;
	case ACTION_CONSUMER: go_through_edges(graph, session, false); return true;
	case ACTION_ENTER: return open_node(session);
	case ACTION_BACK: return back(graph, session);
	case ACTION_NEXT_EXECUTION: go_execution(session, 1); return true;
	case ACTION_PREVIOUS_EXECUTION: go_execution(session, -1); return true;
	case ACTION_FIRST: session_select_node(session, session->selection.side, 0); return true;
	case ACTION_LAST: session_select_node(session, session->selection.side, graph->layers.n_nodes > 1 ? 1 : 0); return true;
	case ACTION_PAGE_LEFT: scroll(graph, -half_width, 0); return true;
	case ACTION_PAGE_RIGHT: scroll(graph, half_width, 0); return true;
	case ACTION_PAGE_UP: scroll(graph, 0, -page); return true;
	case ACTION_PAGE_DOWN: scroll(graph, 0, page); return true;
	case ACTION_TOP: scroll(graph, 0, -graph->layers.height); return true;
	case ACTION_BOTTOM: scroll(graph, 0, graph->layers.height); return true;
	case ACTION_ZOOM_IN:
	case ACTION_ZOOM_IN_FINE: set_compact(graph, session, false); return true;
	case ACTION_ZOOM_OUT:
	case ACTION_ZOOM_OUT_FINE: set_compact(graph, session, true); return true;
	case ACTION_FIT: fit(graph, session); return true;
	case ACTION_FIT_SELECTION: graph->shown_node = TIMELINE_NONE - 1; return true;
	case ACTION_SORT: arrange(graph, session); return true;
	case ACTION_DETAILS: graph->has_more_details = !graph->has_more_details; return true;
	default: return false;
	}
}

/* -- mouse --------------------------------------------------------------------------------------------------------------------- */

/* The edge of a wire whose target is nearest to where it was touched. */
static int edge_of_hop(const struct view_graph *graph, int hop, int x)
{
	const struct layers *layers = &graph->layers;
	int best = TIMELINE_NONE, best_far = 0;
	for (int i = 0; i < graph->timeline->n_edges; i++) {
		if (layers->edge_wires[i] != layers->hops[hop].wire)
			continue;
		int far = distance(middle(&layers->boxes[graph->edges[i].dst]), x);
		if (best >= 0 && far >= best_far)
			continue;
		best = i;
		best_far = far;
	}
	return best;
}

static void press(struct view_graph *graph, struct session *session, int x, int y)
{
	int node = layers_box_at(&graph->layers, x, y), hop = layers_hop_at(&graph->layers, x, y);
	if (node >= 0)
		session_select_node(session, session->selection.side, node);
	else if (hop >= 0 && edge_of_hop(graph, hop, x) >= 0)
		session_select_edge(session, session->selection.side, edge_of_hop(graph, hop, x));
	graph->shown_node = session->selection.node; /* it is on screen already */
	graph->shown_edge = session->selection.edge;
	graph->home = session->selection.node;
}

static bool graph_handle(void *state, struct session *session, const struct event *event)
{
	struct view_graph *graph = state;
	if (!graph->has_layers || graph->timeline != session_timeline(session))
		return false;
	int y = event->y - graph->header_rows;
	switch (event->kind) {
	case EVENT_MOUSE_PRESS:
		if (y >= 0 && y < graph->screen_height)
			press(graph, session, event->x + graph->x, y + graph->y);
		return true;
	case EVENT_MOUSE_DOUBLE: return open_node(session);
	case EVENT_WHEEL_UP: scroll(graph, event->has_shift ? -SCROLL_CELLS : 0, event->has_shift ? 0 : -3); return true;
	case EVENT_WHEEL_DOWN: scroll(graph, event->has_shift ? SCROLL_CELLS : 0, event->has_shift ? 0 : 3); return true;
	default: return false;
	}
}

const struct view view_graph = {
	.name = "graph",
	.summary = "the graph drawn with its times, and what each node waits for while it runs",
	.action = ACTION_VIEW_GRAPH,
	.hints = "arrows along edges  {} edges  +− size  o by worker  enter timeline  n/p execution",
	.open = graph_open,
	.close = graph_close,
	.draw = graph_draw,
	.act = graph_act,
	.handle = graph_handle,
};
