/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen_graph: the graph in layers (layers.h), with where everybody stands.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "viewers/debug_screen_private.h"
#include "viewers/panel.h"

#define NAME_CELLS 14
#define CONTROL_BUNDLE (-1)

void debug_screen_graph_finish(struct debug_screen *screen)
{
	if (screen->has_layers)
		layers_finish(&screen->layers);
	layer_lines_finish(&screen->lines);
	free(screen->edges);
	screen->edges = NULL;
	screen->has_layers = false;
	screen->laid_out = NULL;
}

/* -- layout ------------------------------------------------------------------------------------------------------------------- */

/* Ranks of a collective stand in one layer: the set is called after the first of them. */
static int collective_set(const struct program *program, uint32_t node)
{
	uint32_t name = program->nodes[node].collective;
	for (uint32_t i = 0; i <= node && name != PROGRAM_NONE; i++) {
		uint32_t other = program->nodes[i].collective;
		if (other != PROGRAM_NONE && strcmp(program_string(program, other), program_string(program, name)) == 0)
			return (int)i;
	}
	return LAYERS_NONE;
}

/* A mark on each side of a name. */
static struct layers_node *make_nodes(const struct program *program)
{
	uint32_t n = program->header->n_nodes;
	struct layers_node *nodes = calloc((size_t)n + 1, sizeof(*nodes));
	for (uint32_t i = 0; nodes && i < n; i++) {
		int width = canvas_text_width(debug_node_name(program, i));
		nodes[i] = (struct layers_node){(width < NAME_CELLS ? width : NAME_CELLS) + 2, (int)program->nodes[i].worker,
			collective_set(program, i)};
	}
	return nodes;
}

/* Edges by which a rank reads another's input are not drawn: its collective stands in one layer. */
static bool make_edges(struct debug_screen *screen, const struct program *program)
{
	uint32_t n = program->header->n_edges;
	screen->edges = calloc((size_t)n + 1, sizeof(*screen->edges));
	for (uint32_t i = 0; screen->edges && i < n; i++) {
		const struct program_edge *edge = &program->edges[i];
		screen->edges[i] = (struct layers_edge){ (int)edge->src, edge->is_peer ? LAYERS_NONE : (int)edge->dst,
			edge->src_output == PROGRAM_NONE ? CONTROL_BUNDLE : (int)edge->src_output };
	}
	return screen->edges != NULL;
}

static bool lay_out(struct debug_screen *screen)
{
	const struct program *program = debug_screen_program(screen);
	if (screen->has_layers && screen->laid_out == program->header)
		return true;
	debug_screen_graph_finish(screen);
	struct layers_node *nodes = make_nodes(program);
	bool is_made = nodes && make_edges(screen, program);
	const struct layers_graph request = { .nodes = nodes, .edges = screen->edges, .n_nodes = (int)program->header->n_nodes,
		.n_edges = (int)program->header->n_edges, .box_height = 1, .gap_height = 1 };
	screen->has_layers = is_made && layers_make(&request, NULL, &screen->layers) == STATUS_OK;
	screen->laid_out = screen->has_layers ? program->header : NULL;
	free(nodes);
	return screen->has_layers;
}

/* -- drawing ------------------------------------------------------------------------------------------------------------------ */

static int offset(int at, int length, int room)
{
	if (length <= room)
		return (length - room) / 2;
	return debug_screen_clamp(at - room / 2, 0, length - room);
}

/* The selected box is in the middle as far as that leaves no room unused. */
static void scroll(struct debug_screen *screen, struct pane pane)
{
	const struct layers_box *box = &screen->layers.boxes[screen->node];
	int y = offset(box->y, screen->layers.height, pane.height);
	screen->lines.x = offset(box->x + box->width / 2, screen->layers.width, pane.width);
	screen->lines.y = y < 0 ? 0 : y;
}

static void draw_lines(struct debug_screen *screen, struct pane pane)
{
	struct layer_lines *lines = &screen->lines;
	lines->layers = &screen->layers;
	lines->edges = screen->edges;
	if (layer_lines_begin(lines, pane.width, pane.height, NULL) != STATUS_OK)
		return;
	layer_lines_add(lines);
	for (uint32_t i = 0; i < debug_screen_program(screen)->header->n_edges; i++) {
		if (screen->edges[i].src == (int)screen->node || screen->edges[i].dst == (int)screen->node)
			layer_lines_add_edge(lines, (int)i, LAYER_LINES_NEAR);
	}
	layer_lines_draw(lines, pane);
}

static void draw_box(struct debug_screen *screen, uint32_t node, struct pane pane)
{
	const struct program *program = debug_screen_program(screen);
	const struct debugger *debugger = screen->debugger;
	struct layers_box box = screen->layers.boxes[node];
	int x = box.x - screen->lines.x, y = box.y - screen->lines.y;
	if (x >= pane.width || x + box.width <= 0 || y < 0 || y >= pane.height)
		return;
	uint32_t who = debug_screen_who_is_at(screen, node);
	const struct debug_worker_state *state = debug_screen_look(screen, who);
	bool is_halt = state && debugger->halt.has_gate && debugger->halt.gate.node == node && debugger->halt.worker == who;
	bool has_break = debug_stops_flags(&debugger->stops, program, node) & (GATE_STOP_BEFORE | GATE_STOP_AFTER);
	struct look look = { .front = state ? (uint8_t)debug_screen_colour(state) : has_break ? COLOUR_ACCENT : COLOUR_NONE,
		.attributes = is_halt ? LOOK_BOLD : 0 };
	pane_put(pane, x, y, state ? debug_screen_mark(state) : '[', look);
	pane_field(pane, x + 1, y, box.width - 2, PANE_CENTRE, look, debug_node_name(program, node));
	pane_put(pane, x + box.width - 1, y, has_break ? 'B' : ']', look);
	if (node == screen->node)
		pane_tint(pane, x < 0 ? 0 : x, y, x < 0 ? box.width + x : box.width, 1, COLOUR_SELECT);
}

void debug_panel_graph_draw(struct debug_screen *screen, struct pane pane)
{
	const struct program *program = debug_screen_program(screen);
	if (!program || pane.width < 4 || !lay_out(screen)) {
		panel_paragraph(pane, 1, 0, LOOK(DIM), program ? "" : "there is no graph; ':attach PID' takes a run that goes on");
		return;
	}
	scroll(screen, pane);
	draw_lines(screen, pane);
	for (uint32_t i = 0; i < program->header->n_nodes; i++)
		draw_box(screen, i, pane);
	if (screen->lines.width && screen->lines.height)
		layer_lines_draw_ends(&screen->lines, (int)screen->node, pane);
}

/* -- moving ------------------------------------------------------------------------------------------------------------------- */

static int distance(int a, int b)
{
	return a < b ? b - a : a - b;
}

/* The nearest box in that direction: up and down another layer, to the sides the same one. */
void debug_panel_graph_move(struct debug_screen *screen, int columns, int rows)
{
	int best = INT_MAX, found = LAYERS_NONE;
	if (!debug_screen_program(screen) || !lay_out(screen))
		return;
	const struct layers_box *from = &screen->layers.boxes[screen->node];
	for (int i = 0; i < screen->layers.n_nodes; i++) {
		const struct layers_box *box = &screen->layers.boxes[i];
		int layers = box->layer - from->layer, beside = box->x + box->width / 2 - from->x - from->width / 2;
		bool is_there = columns ? layers == 0 && (columns > 0 ? beside > 0 : beside < 0) : rows > 0 ? layers > 0 : layers < 0;
		int far = 1000 * distance(layers, 0) + distance(beside, 0);
		if (rows == INT_MAX || rows == -INT_MAX)
			far = -far;
		if (!is_there || far >= best)
			continue;
		best = far;
		found = i;
	}
	if (found != LAYERS_NONE)
		debug_screen_select(screen, (uint32_t)found);
}

void debug_panel_graph_press(struct debug_screen *screen, int x, int y, bool is_double)
{
	if (!debug_screen_program(screen) || !screen->has_layers)
		return;
	int node = layers_box_at(&screen->layers, x + screen->lines.x, y + screen->lines.y);
	if (node == LAYERS_NONE)
		return;
	debug_screen_select(screen, (uint32_t)node);
	if (is_double)
		debug_screen_key(screen, 'b');
}
