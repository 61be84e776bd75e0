/* SPDX-License-Identifier: Apache-2.0
 *
 * debug_screen_layout: the screen is divided into places, by its size; panels that share a place lie one above the other.
 */
#include <stdio.h>

#include "engine/base/attributes.h"
#include "viewers/debug_screen_private.h"

#define PARTS 20 /* of width and height, in which places are given */

struct place {
	uint8_t x, y, width, height;
	uint16_t panels; /* bits */
};

#define P(name) (1u << DEBUG_PANEL_##name)

static const struct place small[] = {
	{ 0, 0, 8, 10, P(NODES) | P(GRAPH) }, { 8, 0, 12, 10, P(TENSOR) | P(WATCH) | P(TWIN) },
	{ 0, 10, 20, 5, P(WORKERS) | P(EXECUTIONS) | P(TIMELINE) }, { 0, 15, 20, 5, P(MESSAGES) | P(OUTPUT) }, { 0 },
};
static const struct place medium[] = {
	{ 0, 0, 8, 7, P(NODES) }, { 0, 7, 8, 6, P(GRAPH) }, { 8, 0, 12, 8, P(TENSOR) }, { 8, 8, 12, 5, P(WATCH) | P(TWIN) },
	{ 0, 13, 8, 3, P(WORKERS) | P(EXECUTIONS) }, { 8, 13, 12, 3, P(TIMELINE) }, { 0, 16, 20, 4, P(MESSAGES) | P(OUTPUT) }, { 0 },
};
static const struct place large[] = {
	{ 0, 0, 6, 10, P(NODES) }, { 6, 0, 6, 10, P(GRAPH) }, { 12, 0, 8, 10, P(TENSOR) }, { 0, 10, 7, 3, P(WORKERS) },
	{ 0, 13, 7, 3, P(EXECUTIONS) }, { 7, 10, 5, 6, P(WATCH) | P(TWIN) }, { 12, 10, 8, 6, P(TIMELINE) }, { 0, 16, 12, 4, P(MESSAGES) },
	{ 12, 16, 8, 4, P(OUTPUT) }, { 0 },
};

static const struct {
	int width, height; /* of the screen at least */
	const struct place *places;
} layouts[] = { { 160, 44, large }, { 110, 34, medium }, { 0, 0, small } };

const struct debug_panel_kind debug_panel_kinds[DEBUG_PANELS] = {
#define PANEL(word) .name = #word, .draw = debug_panel_##word##_draw, .move = debug_panel_##word##_move
	[DEBUG_PANEL_NODES] = {PANEL(nodes), .hints = "↑↓ node  b break  u until  enter tensors",
		.enter = debug_panel_nodes_enter, .press = debug_panel_nodes_press},
	[DEBUG_PANEL_GRAPH] = {PANEL(graph), .hints = "arrows: box  b break  u until", .press = debug_panel_graph_press},
	[DEBUG_PANEL_TENSOR] = {PANEL(tensor), .hints = "↑↓ elements  ←→ tensor  / slice  m bytes  w watch  p print",
		.press = debug_panel_tensor_press},
	[DEBUG_PANEL_WATCH] = {PANEL(watch), .hints = "↑↓ scroll  w watch"},
	[DEBUG_PANEL_TWIN] = {PANEL(twin), .hints = "↑↓ scroll  :twin runs a second one beside this"},
	[DEBUG_PANEL_WORKERS] = {PANEL(workers), .hints = "↑↓ worker  h hold  y where", .enter = debug_panel_workers_enter,
		.press = debug_panel_workers_press},
	[DEBUG_PANEL_EXECUTIONS] = {PANEL(executions), .hints = "↑↓ execution  enter look at it",
		.enter = debug_panel_executions_enter, .press = debug_panel_executions_press},
	[DEBUG_PANEL_TIMELINE] = {PANEL(timeline), .hints = "←→ pan  +− zoom  = all", .press = debug_panel_timeline_press,
		.zoom = debug_panel_timeline_zoom},
	[DEBUG_PANEL_MESSAGES] = {PANEL(messages), .hints = "↑↓ scroll"},
	[DEBUG_PANEL_OUTPUT] = {PANEL(output), .hints = "↑↓ scroll"},
#undef PANEL
};

int debug_screen_clamp(int64_t value, int64_t least, int64_t most)
{
	return (int)(value > most ? most : value < least ? least : value);
}

void debug_panel_scroll(struct debug_panel *panel, int rows, bool has_row)
{
	rows = rows < 1 ? 1 : rows;
	panel->row = debug_screen_clamp(panel->row, 0, panel->n_lines > 0 ? panel->n_lines - 1 : 0);
	if (has_row && panel->row < panel->top)
		panel->top = panel->row;
	if (has_row && panel->row >= panel->top + rows)
		panel->top = panel->row - rows + 1;
	panel->top = debug_screen_clamp(panel->top, 0, panel->n_lines > rows ? panel->n_lines - rows : 0);
}

/* -- which is in front -------------------------------------------------------------------------------------------------------- */

static const struct place *places_of(const struct debug_screen *screen)
{
	size_t i = 0;
	while (screen->width < layouts[i].width || screen->height < layouts[i].height)
		i++;
	return layouts[i].places;
}

static enum debug_panel_id front_of(const struct debug_screen *screen, const struct place *place)
{
	enum debug_panel_id front = DEBUG_PANELS;
	for (int i = 0; i < DEBUG_PANELS; i++) {
		if (place->panels & 1u << i && (front == DEBUG_PANELS || screen->panels[i].shown > screen->panels[front].shown))
			front = (enum debug_panel_id)i;
	}
	return front;
}

void debug_screen_show_panel(struct debug_screen *screen, enum debug_panel_id id)
{
	screen->panels[id].shown = ++screen->n_shown;
	screen->focus = id;
}

void debug_screen_next_panel(struct debug_screen *screen, int direction)
{
	const struct place *places = places_of(screen);
	int n = 0, at = 0;
	for (; places[n].panels; n++)
		at = places[n].panels & 1u << screen->focus ? n : at;
	screen->focus = front_of(screen, &places[(at + direction + n) % n]);
}

/* -- drawing ------------------------------------------------------------------------------------------------------------------ */

/* Titles of all panels in the place; returns the column behind them. With `x` >= 0 nothing is drawn: *ret_hit is the panel whose title is there. */
static int titles(const struct debug_screen *screen, unsigned panels, enum debug_panel_id front, struct pane line, int x,
	enum debug_panel_id *ret_hit)
{
	int at = 1;
	for (int i = 0; i < DEBUG_PANELS; i++) {
		char text[40];
		if (!(panels & 1u << i))
			continue;
		bool is_front = i == (int)front;
		struct look look = !is_front ? LOOK(DIM) : i == (int)screen->focus ? LOOK(ACCENT) : LOOK(TITLE);
		look.attributes = is_front ? LOOK_BOLD : 0;
		snprintf(text, sizeof(text), " %d %s ", (i + 1) % 10, debug_panel_kinds[i].name);
		int end = at + canvas_text_width(text);
		if (x < 0)
			pane_text(line, at, 0, look, text);
		else if (x >= at && x < end)
			*ret_hit = (enum debug_panel_id)i;
		at = end;
	}
	return at;
}

static void draw_title(const struct debug_screen *screen, unsigned panels, enum debug_panel_id front, struct pane line)
{
	const struct debug_panel *panel = &screen->panels[front];
	pane_rule(line, 0, 0, line.width, LOOK(DIM));
	int x = titles(screen, panels, front, line, -1, NULL), n = canvas_text_width(panel->info), room = line.width - x - 4;
	if (!n || room < 8)
		return;
	n = n < room ? n : room;
	pane_put(line, line.width - n - 3, 0, ' ', LOOK(DIM));
	pane_field(line, line.width - n - 2, 0, n, PANE_LEFT, LOOK(NONE), panel->info);
	pane_put(line, line.width - 2, 0, ' ', LOOK(DIM));
}

static void draw_place(struct debug_screen *screen, unsigned panels, enum debug_panel_id front, struct pane pane)
{
	struct debug_panel *panel = &screen->panels[front];
	struct pane line = pane_cut_rows(&pane, 1);
	panel->area = pane;
	panel->info[0] = '\0';
	debug_panel_kinds[front].draw(screen, pane);
	draw_title(screen, panels, front, line);
}

static struct pane area_of(const struct place *place, struct pane body)
{
	int x = body.width * place->x / PARTS, y = body.height * place->y / PARTS;
	int right = body.width * (place->x + place->width) / PARTS, bottom = body.height * (place->y + place->height) / PARTS;
	bool has_neighbour = place->x + place->width < PARTS;
	for (int row = y; row < bottom && has_neighbour; row++)
		pane_put(body, right - 1, row, 0x2502, LOOK(DIM));
	return pane_sub(body, x, y, right - x - has_neighbour, bottom - y);
}

/* A panel that this layout hides is no place for the focus. */
static void keep_focus(struct debug_screen *screen, const struct place *places)
{
	for (int i = 0; places[i].panels; i++) {
		if (places[i].panels & 1u << screen->focus)
			screen->focus = front_of(screen, &places[i]);
	}
}

void debug_screen_draw_panels(struct debug_screen *screen, struct pane body)
{
	const struct place *places = places_of(screen);
	for (int i = 0; i < DEBUG_PANELS; i++)
		screen->panels[i].area.width = screen->panels[i].area.height = 0;
	if (screen->is_zoomed) {
		draw_place(screen, (1u << DEBUG_PANELS) - 1, screen->focus, body);
		return;
	}
	keep_focus(screen, places);
	for (int i = 0; places[i].panels; i++)
		draw_place(screen, places[i].panels, front_of(screen, &places[i]), area_of(&places[i], body));
}

/* -- mouse -------------------------------------------------------------------------------------------------------------------- */

enum debug_panel_id debug_screen_panel_at(const struct debug_screen *screen, int x, int y)
{
	for (int i = 0; i < DEBUG_PANELS; i++) {
		const struct pane *area = &screen->panels[i].area;
		if (x >= area->x && x < area->x + area->width && y >= area->y - 1 && y < area->y + area->height)
			return (enum debug_panel_id)i;
	}
	return DEBUG_PANELS;
}

static unsigned panels_beside(const struct debug_screen *screen, enum debug_panel_id id)
{
	const struct place *places = places_of(screen);
	for (int i = 0; places[i].panels && !screen->is_zoomed; i++) {
		if (places[i].panels & 1u << id)
			return places[i].panels;
	}
	return (1u << DEBUG_PANELS) - 1;
}

void debug_screen_press(struct debug_screen *screen, const struct event *event)
{
	enum debug_panel_id id = debug_screen_panel_at(screen, event->x, event->y), hit = id;
	if (id == DEBUG_PANELS)
		return;
	const struct pane *area = &screen->panels[id].area;
	if (event->y == area->y - 1) {
		titles(screen, panels_beside(screen, id), id, *area, event->x - area->x, &hit);
		debug_screen_show_panel(screen, hit);
		return;
	}
	debug_screen_show_panel(screen, id);
	if (debug_panel_kinds[id].press)
		debug_panel_kinds[id].press(screen, event->x - area->x, event->y - area->y, event->kind == EVENT_MOUSE_DOUBLE);
}
