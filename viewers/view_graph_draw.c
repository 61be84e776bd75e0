/* SPDX-License-Identifier: Apache-2.0
 *
 * view_graph_draw: the part of the drawing that is on screen. Lines are collected as directions for each cell, so that where they meet or
 * cross the right character comes of itself; then boxes stand above them.
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

enum line_bits {
	LINE_UP = 1, LINE_DOWN = 2, LINE_LEFT = 4, LINE_RIGHT = 8, LINE_ALL = 15,
	LINE_DASHED = 16,   /* control */
	LINE_NEAR = 32,     /* of the selected node */
	LINE_SELECTED = 64,
};

static const uint32_t line_codes[16] = {
	[LINE_UP] = 0x2502, [LINE_DOWN] = 0x2502, [LINE_UP | LINE_DOWN] = 0x2502,
	[LINE_LEFT] = 0x2500, [LINE_RIGHT] = 0x2500, [LINE_LEFT | LINE_RIGHT] = 0x2500,
	[LINE_UP | LINE_RIGHT] = 0x2570, [LINE_UP | LINE_LEFT] = 0x256f, [LINE_DOWN | LINE_RIGHT] = 0x256d, [LINE_DOWN | LINE_LEFT] = 0x256e,
	[LINE_UP | LINE_DOWN | LINE_RIGHT] = 0x251c, [LINE_UP | LINE_DOWN | LINE_LEFT] = 0x2524,
	[LINE_LEFT | LINE_RIGHT | LINE_DOWN] = 0x252c, [LINE_LEFT | LINE_RIGHT | LINE_UP] = 0x2534, [LINE_ALL] = 0x253c,
};

struct drawing {
	struct view_graph *graph;
	const struct session *session;
	const struct timeline *timeline;
	struct pane pane;
	int node, edge; /* selected */
};

/* -- lines -------------------------------------------------------------------------------------------------------------------- */

static void mark(const struct drawing *drawing, int x, int y, uint8_t bits)
{
	const struct view_graph *graph = drawing->graph;
	x -= graph->x;
	y -= graph->y;
	if (x >= 0 && y >= 0 && x < graph->screen_width && y < graph->screen_height)
		graph->cells[(size_t)y * (size_t)graph->screen_width + (size_t)x] |= bits;
}

static void line_down(const struct drawing *drawing, int x, int from, int until, uint8_t flags)
{
	const struct view_graph *graph = drawing->graph;
	int first = from > graph->y ? from : graph->y, end = graph->y + graph->screen_height - 1, last = until < end ? until : end;
	for (int y = first; y <= last && from < until; y++)
		mark(drawing, x, y, (uint8_t)((y > from ? LINE_UP : 0) | (y < until ? LINE_DOWN : 0) | flags));
}

static void line_across(const struct drawing *drawing, int y, int a, int b, uint8_t flags)
{
	const struct view_graph *graph = drawing->graph;
	int from = a < b ? a : b, until = a < b ? b : a, end = graph->x + graph->screen_width - 1;
	int first = from > graph->x ? from : graph->x, last = until < end ? until : end;
	for (int x = first; x <= last && from < until; x++)
		mark(drawing, x, y, (uint8_t)((x > from ? LINE_LEFT : 0) | (x < until ? LINE_RIGHT : 0) | flags));
}

/* A wire in one gap, to all targets, or to the one at `only_x`. */
static void draw_hop(const struct drawing *drawing, const struct layers_hop *hop, int gap, bool is_first, int only_x, uint8_t flags)
{
	const struct layers *layers = &drawing->graph->layers;
	int top = layers->gap_y[gap], bottom = top + layers->gap_heights[gap] - 1, from = is_first ? top - 1 : top - layers->box_height - 1;
	int x = hop->src_x, row = top + hop->track;
	if (hop->track == LAYERS_NONE) {
		line_down(drawing, x, from, bottom, flags);
		return;
	}
	line_down(drawing, x, from, row, flags);
	if (hop->bend_x != LAYERS_NONE) {
		line_across(drawing, row, x, hop->bend_x, flags);
		line_down(drawing, hop->bend_x, row, top + hop->bend_track, flags);
		x = hop->bend_x;
		row = top + hop->bend_track;
	}
	for (int i = hop->first_target; i < hop->first_target + hop->n_targets; i++) {
		int target_x = layers->targets[i].x;
		if (only_x != LAYERS_NONE && target_x != only_x)
			continue;
		line_across(drawing, row, x, target_x, flags);
		line_down(drawing, target_x, row, bottom, flags);
	}
}

static void first_and_last_gap(const struct view_graph *graph, int *ret_first, int *ret_last)
{
	const struct layers *layers = &graph->layers;
	bool is_gap = false;
	int first = layers_band_at(layers, graph->y, &is_gap), last = layers_band_at(layers, graph->y + graph->screen_height - 1, &is_gap);
	*ret_first = first < 0 ? 0 : first;
	*ret_last = last < 0 ? layers->n_layers - 1 : last;
}

static void draw_edge(const struct drawing *drawing, int i, uint8_t flags)
{
	const struct view_graph *graph = drawing->graph;
	const struct layers *layers = &graph->layers;
	int first = 0, last = 0, wire_idx = layers->edge_wires[i];
	if (wire_idx < 0)
		return;
	const struct layers_wire *wire = &layers->wires[wire_idx];
	int src_layer = layers->boxes[graph->edges[i].src].layer, dst_layer = layers->boxes[graph->edges[i].dst].layer;
	first_and_last_gap(graph, &first, &last);
	for (int gap = src_layer > first ? src_layer : first; gap < dst_layer && gap <= last; gap++) {
		int exit_x = layers_edge_exit(layers, &graph->edges[i], wire_idx, gap);
		draw_hop(drawing, &layers->hops[wire->first_hop + gap - src_layer], gap, gap == src_layer, exit_x, flags);
	}
}

static void draw_selected(const struct drawing *drawing)
{
	for (int i = 0; i < drawing->timeline->n_edges; i++) {
		const struct layers_edge *edge = &drawing->graph->edges[i];
		if (i == drawing->edge)
			draw_edge(drawing, i, LINE_SELECTED);
		else if (drawing->edge < 0 && drawing->node >= 0 && (edge->src == drawing->node || edge->dst == drawing->node))
			draw_edge(drawing, i, LINE_NEAR);
	}
}

static struct look line_look(uint8_t bits)
{
	struct look look = bits & (LINE_SELECTED | LINE_NEAR) ? LOOK(ACCENT) : bits & LINE_DASHED ? LOOK(DIM) : LOOK(NONE);
	look.attributes = bits & (LINE_SELECTED | LINE_NEAR) ? LOOK_BOLD : 0;
	return look;
}

static void put_lines(const struct drawing *drawing)
{
	const struct view_graph *graph = drawing->graph;
	for (int y = 0; y < graph->screen_height; y++) {
		for (int x = 0; x < graph->screen_width; x++) {
			uint8_t bits = graph->cells[(size_t)y * (size_t)graph->screen_width + (size_t)x];
			uint32_t code = line_codes[bits & LINE_ALL];
			if (bits & LINE_DASHED && code == 0x2502)
				code = 0x2506;
			if (bits & LINE_DASHED && code == 0x2500)
				code = 0x2504;
			if (code)
				pane_put(drawing->pane, x, y, code, line_look(bits));
		}
	}
}

/* Where lines leave boxes and enter them; above the boxes. */
static void put_ends(const struct drawing *drawing)
{
	const struct view_graph *graph = drawing->graph;
	const struct layers *layers = &graph->layers;
	int first = 0, last = 0;
	first_and_last_gap(graph, &first, &last);
	for (int gap = first; gap <= last && gap + 1 < layers->n_layers; gap++) {
		int top = layers->gap_y[gap] - graph->y, bottom = top + layers->gap_heights[gap] - 1;
		for (int i = layers->gap_first[gap]; i < layers->gap_first[gap + 1]; i++) {
			const struct layers_hop *hop = &layers->hops[layers->gap_hops[i]];
			const struct layers_wire *wire = &layers->wires[hop->wire];
			if (layers->boxes[wire->src].layer == gap && layers->box_height > 1)
				pane_put(drawing->pane, hop->src_x - graph->x, top - 1, 0x252c,
					wire->src == drawing->node ? LOOK(ACCENT) : LOOK(NONE));
			for (int k = hop->first_target; k < hop->first_target + hop->n_targets; k++) {
				int x = layers->targets[k].x - graph->x;
				if (layers->targets[k].node < 0 || x < 0 || x >= graph->screen_width || bottom < 0 || bottom >= graph->screen_height)
					continue;
				uint8_t bits = graph->cells[(size_t)bottom * (size_t)graph->screen_width + (size_t)x];
				pane_put(drawing->pane, x, bottom, 0x25bc, line_look(bits));
			}
		}
	}
}

static void draw_lines(const struct drawing *drawing)
{
	const struct view_graph *graph = drawing->graph;
	const struct layers *layers = &graph->layers;
	int first = 0, last = 0;
	first_and_last_gap(graph, &first, &last);
	for (int gap = first ? first - 1 : 0; gap <= last && gap + 1 < layers->n_layers; gap++) {
		for (int i = layers->gap_first[gap]; i < layers->gap_first[gap + 1]; i++) {
			const struct layers_hop *hop = &layers->hops[layers->gap_hops[i]];
			const struct layers_wire *wire = &layers->wires[hop->wire];
			draw_hop(drawing, hop, gap, layers->boxes[wire->src].layer == gap, LAYERS_NONE, wire->bundle < 0 ? LINE_DASHED : 0);
		}
	}
	draw_selected(drawing);
	put_lines(drawing);
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
	int n = pane.width * pane.height;
	if (n > graph->n_cells) {
		uint8_t *cells = realloc(graph->cells, (size_t)n);
		if (!cells)
			return error_set(error, STATUS_NO_MEMORY, "no memory for a screen of %d × %d", pane.width, pane.height);
		graph->cells = cells;
		graph->n_cells = n;
	}
	if (n)
		memset(graph->cells, 0, (size_t)n);
	draw_groups(&drawing, header);
	draw_lines(&drawing);
	draw_boxes(&drawing);
	put_ends(&drawing);
	return STATUS_OK;
}
