/* SPDX-License-Identifier: Apache-2.0
 *
 * view_graph_draw: the part of the drawing that is on screen: lines, and boxes above them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/strbuf.h"
#include "engine/base/units.h"
#include "viewers/live.h"
#include "viewers/panel.h"
#include "viewers/view_graph_private.h"

#define ENDS_NAMED_MAX 16 /* tensors in the box of an end of the graph */

struct drawing {
	struct view_graph *graph;
	const struct session *session;
	const struct timeline *timeline;
	struct pane pane;
	int node, edge; /* selected */
};

/* -- lines -------------------------------------------------------------------------------------------------------------------- */

static void draw_lines(const struct drawing *drawing)
{
	struct layer_lines *lines = &drawing->graph->lines;
	layer_lines_add(lines);
	for (int i = 0; i < drawing->timeline->n_edges; i++) {
		const struct layers_edge *edge = &drawing->graph->edges[i];
		if (i == drawing->edge)
			layer_lines_add_edge(lines, i, LAYER_LINES_SELECTED);
		else if (drawing->edge < 0 && drawing->node >= 0 && (edge->src == drawing->node || edge->dst == drawing->node))
			layer_lines_add_edge(lines, i, LAYER_LINES_NEAR);
	}
	layer_lines_draw(lines, drawing->pane);
}

/* -- boxes -------------------------------------------------------------------------------------------------------------------- */

static void draw_frame(struct pane pane, const struct layers_box *box, int height, bool is_selected, struct look look)
{
	static const uint32_t thin[] = { 0x250c, 0x2510, 0x2514, 0x2518, 0x2500, 0x2502 };
	static const uint32_t thick[] = { 0x250f, 0x2513, 0x2517, 0x251b, 0x2501, 0x2503 };
	const uint32_t *codes = is_selected ? thick : thin;
	int right = box->x + box->width - 1, bottom = box->y + height - 1;
	for (int y = box->y; y <= bottom; y++) {
		for (int x = box->x; x <= right; x++) {
			bool is_side = x == box->x || x == right, is_end = y == box->y || y == bottom;
			uint32_t code = is_side && is_end ? codes[(y == bottom) * 2 + (x == right)] : is_end ? codes[4] : is_side ? codes[5] : ' ';
			pane_put(pane, x, y, code, look);
		}
	}
}

/* What an edge carries from the graph's input ("input.ids->embed.ids": ids), or to its output as a result. */
static const char *tensor_of(const struct timeline_edge *edge, bool is_input, int *ret_length)
{
	const char *text = edge->result ? edge->result : edge->name, *arrow = strstr(edge->name, "->");
	const char *dot = arrow ? memchr(edge->name, '.', (size_t)(arrow - edge->name)) : NULL;
	if (is_input)
		text = dot ? dot + 1 : "";
	*ret_length = arrow && (is_input ? dot != NULL : !edge->result) ? (int)(arrow - text) : (int)strlen(text);
	return text;
}

/* The graph's ends do nothing themselves: the names of its inputs, or of its results, as far as there is room. */
static void draw_end(const struct drawing *drawing, int i, const struct layers_box *box)
{
	const struct timeline *timeline = drawing->timeline;
	struct {
		const char *name;
		int length;
	} seen[ENDS_NAMED_MAX];
	struct strbuf names = STRBUF_INIT;
	int n = 0;
	for (int k = 0; k < timeline->n_edges && n < ENDS_NAMED_MAX; k++) {
		const struct timeline_edge *edge = &timeline->edges[k];
		int length = 0, at = 0;
		if (edge->src != i && edge->dst != i)
			continue;
		const char *name = tensor_of(edge, edge->src == i, &length);
		while (at < n && (seen[at].length != length || strncmp(seen[at].name, name, (size_t)length) != 0))
			at++;
		if (at < n || !length)
			continue;
		seen[n].name = name;
		seen[n].length = length;
		strbuf_addf(&names, "%s%.*s", n++ ? ", " : "", length, name);
	}
	if (!n && timeline->nodes[i].outputs)
		strbuf_add(&names, timeline->nodes[i].outputs);
	panel_prose(drawing->pane, box->x + 2, box->y + 2, box->width - 4, LOOK(DIM), strbuf_text(&names));
	strbuf_finish(&names);
}

/* The share of the longest mean, in the colour of what the time went into. */
static void draw_time(const struct drawing *drawing, int i, const struct layers_box *box, struct look look)
{
	const struct node_times *times = &drawing->graph->times;
	const struct node_time *time = &times->nodes[i];
	int64_t work_ns = node_time_work_ns(time);
	char text[32];
	if (!drawing->timeline->nodes[i].op) {
		draw_end(drawing, i, box);
		return;
	}
	if (!time->n) {
		pane_field(drawing->pane, box->x + 2, box->y + 2, box->width - 4, PANE_LEFT, LOOK(DIM), "not recorded");
		return;
	}
	pane_field(drawing->pane, box->x + 2, box->y + 2, 8, PANE_RIGHT, look, units_duration(work_ns, text, sizeof(text)));
	bool is_collective = time->ns[PHASE_COLLECTIVE] > time->ns[PHASE_COMPUTE];
	pane_bar(drawing->pane, box->x + 11, box->y + 2, box->width - 13, times->longest_ns ? (double)work_ns / (double)times->longest_ns : 0,
		is_collective ? LOOK(COLLECTIVE) : LOOK(COMPUTE));
}

static void draw_full(const struct drawing *drawing, int i, const struct layers_box *box, bool is_selected, struct look look)
{
	const struct timeline_node *node = &drawing->timeline->nodes[i];
	struct look strong = look;
	char title[80];
	draw_frame(drawing->pane, box, drawing->graph->layers.box_height, is_selected, look);
	const char *lane = node->lane >= 0 ? drawing->timeline->lanes[node->lane].name : "";
	const char *op = node->op ? node->op : "";
	bool has_lane = !drawing->graph->is_by_worker;
	snprintf(title, sizeof(title), "%.30s%s%.40s", has_lane ? lane : "", has_lane && *op ? " " : "", op);
	if (*title) {
		int width = canvas_text_width(title), room = box->width - 7;
		pane_put(drawing->pane, box->x + 1, box->y, ' ', look);
		pane_field(drawing->pane, box->x + 2, box->y, width < room ? width : room, PANE_LEFT, look, title);
		pane_put(drawing->pane, box->x + 2 + (width < room ? width : room), box->y, ' ', look);
	}
	if (node->collective)
		pane_put(drawing->pane, box->x + box->width - 3, box->y, 0x25c6, LOOK(COLLECTIVE));
	strong.attributes |= LOOK_BOLD;
	pane_field(drawing->pane, box->x + 2, box->y + 1, box->width - 4, PANE_LEFT, strong, node->name);
	draw_time(drawing, i, box, look);
}

static void draw_compact(const struct drawing *drawing, int i, const struct layers_box *box, bool is_selected, struct look look)
{
	const struct timeline_node *node = &drawing->timeline->nodes[i];
	look.attributes |= is_selected ? LOOK_BOLD : 0;
	pane_put(drawing->pane, box->x, box->y, node->collective ? 0x25c6 : '[', look);
	pane_field(drawing->pane, box->x + 1, box->y, box->width - 2, PANE_CENTRE, look, node->name);
	pane_put(drawing->pane, box->x + box->width - 1, box->y, ']', look);
}

static void draw_state(const struct drawing *drawing, int i, const struct layers_box *box)
{
	struct live_worker worker;
	if (!drawing->session->live || drawing->session->selection.side != 0 || !live_at_node(drawing->session->live, i, &worker))
		return;
	struct look look = { .front = (uint8_t)live_state_colour(worker.state), .attributes = LOOK_BOLD };
	if (drawing->graph->is_compact) {
		pane_put(drawing->pane, box->x, box->y, live_state_mark(worker.state), look);
		return;
	}
	for (int k = 0; k < 2; k++)
		pane_put(drawing->pane, box->x + box->width - 4 + k, box->y + 1, live_state_mark(worker.state), look);
	if (worker.state != LIVE_COMPUTING)
		pane_field(drawing->pane, box->x + 2, box->y + 2, box->width - 4, PANE_LEFT, look, live_state_word(worker.state));
}

static void draw_boxes(const struct drawing *drawing)
{
	const struct view_graph *graph = drawing->graph;
	const struct timeline_query *query = session_filter_query(&drawing->session->filter, drawing->timeline);
	for (int i = 0; i < graph->layers.n_nodes; i++) {
		struct layers_box box = graph->layers.boxes[i];
		box.x -= graph->x;
		box.y -= graph->y;
		if (box.x >= graph->screen_width || box.x + box.width <= 0 || box.y >= graph->screen_height
			|| box.y + graph->layers.box_height <= 0)
			continue;
		bool is_selected = i == drawing->node && drawing->edge < 0;
		struct look look = query && query->nodes && !query->nodes[i] ? LOOK(DIM) : is_selected ? LOOK(ACCENT) : LOOK(NONE);
		if (graph->is_compact)
			draw_compact(drawing, i, &box, is_selected, look);
		else
			draw_full(drawing, i, &box, is_selected, look);
		draw_state(drawing, i, &box);
		if (is_selected)
			pane_tint(drawing->pane, box.x < 0 ? 0 : box.x, box.y < 0 ? 0 : box.y, box.x < 0 ? box.width + box.x : box.width,
				box.y < 0 ? graph->layers.box_height + box.y : graph->layers.box_height, COLOUR_SELECT);
	}
}

/* -- workers' columns --------------------------------------------------------------------------------------------------------- */

static void draw_groups(const struct drawing *drawing, struct pane header)
{
	const struct view_graph *graph = drawing->graph;
	const struct layers *layers = &graph->layers;
	for (int i = 0; i < layers->n_groups; i++) {
		const struct timeline_lane *lane = &drawing->timeline->lanes[i];
		int x = layers->group_x[i] - graph->x, width = layers->group_width[i];
		char text[100];
		struct look look = LOOK(TITLE);
		if (!width)
			continue;
		look.attributes = drawing->session->selection.lane == i ? LOOK_BOLD : 0;
		snprintf(text, sizeof(text), "%.60s%s%.30s", lane->name, lane->device ? " " : "", lane->device ? lane->device : "");
		pane_field(header, x, 0, width, PANE_CENTRE, look, text);
		for (int y = 0; y < graph->screen_height && i > 0 && layers->group_x[i] > 0; y++)
			pane_put(drawing->pane, x - 2, y, 0x250a, LOOK(DIM));
	}
}

int view_graph_draw_all(struct view_graph *graph, const struct session *session, struct pane header, struct pane pane,
	struct error *error)
{
	const struct session_selection *selection = &session->selection;
	struct drawing drawing = { .graph = graph, .session = session, .timeline = session_timeline(session), .pane = pane,
		.node = selection->node, .edge = selection->edge };
	struct layer_lines *lines = &graph->lines;
	lines->layers = &graph->layers;
	lines->edges = graph->edges;
	lines->x = graph->x;
	lines->y = graph->y;
	int status = layer_lines_begin(lines, pane.width, pane.height, error);
	if (status != STATUS_OK)
		return status;
	draw_groups(&drawing, header);
	draw_lines(&drawing);
	draw_boxes(&drawing);
	layer_lines_draw_ends(lines, drawing.node, pane);
	return STATUS_OK;
}
