/* SPDX-License-Identifier: Apache-2.0
 *
 * layer_lines: from hops to directions of cells to characters.
 */
#include "viewers/layer_lines.h"

#include <stdlib.h>
#include <string.h>

enum line_bits { LINE_UP = 1, LINE_DOWN = 2, LINE_LEFT = 4, LINE_RIGHT = 8, LINE_ALL = 15 };

static const uint32_t line_codes[16] = {
	[LINE_UP] = 0x2502, [LINE_DOWN] = 0x2502, [LINE_UP | LINE_DOWN] = 0x2502,
	[LINE_LEFT] = 0x2500, [LINE_RIGHT] = 0x2500, [LINE_LEFT | LINE_RIGHT] = 0x2500,
	[LINE_UP | LINE_RIGHT] = 0x2570, [LINE_UP | LINE_LEFT] = 0x256f, [LINE_DOWN | LINE_RIGHT] = 0x256d, [LINE_DOWN | LINE_LEFT] = 0x256e,
	[LINE_UP | LINE_DOWN | LINE_RIGHT] = 0x251c, [LINE_UP | LINE_DOWN | LINE_LEFT] = 0x2524,
	[LINE_LEFT | LINE_RIGHT | LINE_DOWN] = 0x252c, [LINE_LEFT | LINE_RIGHT | LINE_UP] = 0x2534, [LINE_ALL] = 0x253c,
};

int layer_lines_begin(struct layer_lines *lines, int width, int height, struct error *error)
{
	int n = width > 0 && height > 0 ? width * height : 0;
	if (n > lines->n_cells) {
		uint8_t *cells = realloc(lines->cells, (size_t)n);
		if (!cells)
			return error_set(error, STATUS_NO_MEMORY, "no memory for a screen of %d × %d", width, height);
		lines->cells = cells;
		lines->n_cells = n;
	}
	if (n)
		memset(lines->cells, 0, (size_t)n);
	lines->width = n ? width : 0;
	lines->height = n ? height : 0;
	return STATUS_OK;
}

void layer_lines_finish(struct layer_lines *lines)
{
	free(lines->cells);
	*lines = (struct layer_lines){ 0 };
}

/* -- collecting --------------------------------------------------------------------------------------------------------------- */

static void mark(const struct layer_lines *lines, int x, int y, uint8_t bits)
{
	x -= lines->x;
	y -= lines->y;
	if (x >= 0 && y >= 0 && x < lines->width && y < lines->height)
		lines->cells[(size_t)y * (size_t)lines->width + (size_t)x] |= bits;
}

static void line_down(const struct layer_lines *lines, int x, int from, int until, uint8_t flags)
{
	int first = from > lines->y ? from : lines->y, end = lines->y + lines->height - 1, last = until < end ? until : end;
	for (int y = first; y <= last && from < until; y++)
		mark(lines, x, y, (uint8_t)((y > from ? LINE_UP : 0) | (y < until ? LINE_DOWN : 0) | flags));
}

static void line_across(const struct layer_lines *lines, int y, int a, int b, uint8_t flags)
{
	int from = a < b ? a : b, until = a < b ? b : a, end = lines->x + lines->width - 1;
	int first = from > lines->x ? from : lines->x, last = until < end ? until : end;
	for (int x = first; x <= last && from < until; x++)
		mark(lines, x, y, (uint8_t)((x > from ? LINE_LEFT : 0) | (x < until ? LINE_RIGHT : 0) | flags));
}

/* A wire in one gap, to all targets, or to the one at `only_x`. */
static void add_hop(const struct layer_lines *lines, const struct layers_hop *hop, int gap, bool is_first, int only_x, uint8_t flags)
{
	const struct layers *layers = lines->layers;
	int top = layers->gap_y[gap], bottom = top + layers->gap_heights[gap] - 1, from = is_first ? top - 1 : top - layers->box_height - 1;
	int x = hop->src_x, row = top + hop->track;
	if (hop->track == LAYERS_NONE) {
		line_down(lines, x, from, bottom, flags);
		return;
	}
	line_down(lines, x, from, row, flags);
	if (hop->bend_x != LAYERS_NONE) {
		line_across(lines, row, x, hop->bend_x, flags);
		line_down(lines, hop->bend_x, row, top + hop->bend_track, flags);
		x = hop->bend_x;
		row = top + hop->bend_track;
	}
	for (int i = hop->first_target; i < hop->first_target + hop->n_targets; i++) {
		int target_x = layers->targets[i].x;
		if (only_x != LAYERS_NONE && target_x != only_x)
			continue;
		line_across(lines, row, x, target_x, flags);
		line_down(lines, target_x, row, bottom, flags);
	}
}

static void first_and_last_gap(const struct layer_lines *lines, int *ret_first, int *ret_last)
{
	const struct layers *layers = lines->layers;
	bool is_gap = false;
	int first = layers_band_at(layers, lines->y, &is_gap), last = layers_band_at(layers, lines->y + lines->height - 1, &is_gap);
	*ret_first = first < 0 ? 0 : first;
	*ret_last = last < 0 ? layers->n_layers - 1 : last;
}

void layer_lines_add_edge(struct layer_lines *lines, int edge, uint8_t flags)
{
	const struct layers *layers = lines->layers;
	int first = 0, last = 0, wire_idx = layers->edge_wires[edge];
	if (wire_idx < 0)
		return;
	const struct layers_wire *wire = &layers->wires[wire_idx];
	int src_layer = layers->boxes[lines->edges[edge].src].layer, dst_layer = layers->boxes[lines->edges[edge].dst].layer;
	first_and_last_gap(lines, &first, &last);
	for (int gap = src_layer > first ? src_layer : first; gap < dst_layer && gap <= last; gap++) {
		int exit_x = layers_edge_exit(layers, &lines->edges[edge], wire_idx, gap);
		add_hop(lines, &layers->hops[wire->first_hop + gap - src_layer], gap, gap == src_layer, exit_x, flags);
	}
}

void layer_lines_add(struct layer_lines *lines)
{
	const struct layers *layers = lines->layers;
	int first = 0, last = 0;
	first_and_last_gap(lines, &first, &last);
	for (int gap = first ? first - 1 : 0; gap <= last && gap + 1 < layers->n_layers; gap++) {
		for (int i = layers->gap_first[gap]; i < layers->gap_first[gap + 1]; i++) {
			const struct layers_hop *hop = &layers->hops[layers->gap_hops[i]];
			const struct layers_wire *wire = &layers->wires[hop->wire];
			add_hop(lines, hop, gap, layers->boxes[wire->src].layer == gap, LAYERS_NONE, wire->bundle < 0 ? LAYER_LINES_DASHED : 0);
		}
	}
}

/* -- drawing ------------------------------------------------------------------------------------------------------------------ */

static struct look line_look(uint8_t bits)
{
	bool stands_out = bits & (LAYER_LINES_SELECTED | LAYER_LINES_NEAR);
	struct look look = stands_out ? LOOK(ACCENT) : bits & LAYER_LINES_DASHED ? LOOK(DIM) : LOOK(NONE);
	look.attributes = stands_out ? LOOK_BOLD : 0;
	return look;
}

void layer_lines_draw(const struct layer_lines *lines, struct pane pane)
{
	for (int y = 0; y < lines->height; y++) {
		for (int x = 0; x < lines->width; x++) {
			uint8_t bits = lines->cells[(size_t)y * (size_t)lines->width + (size_t)x];
			uint32_t code = line_codes[bits & LINE_ALL];
			if (bits & LAYER_LINES_DASHED && code == 0x2502)
				code = 0x2506;
			if (bits & LAYER_LINES_DASHED && code == 0x2500)
				code = 0x2504;
			if (code)
				pane_put(pane, x, y, code, line_look(bits));
		}
	}
}

static void draw_ends_of(const struct layer_lines *lines, const struct layers_hop *hop, int gap, int selected, struct pane pane)
{
	const struct layers *layers = lines->layers;
	const struct layers_wire *wire = &layers->wires[hop->wire];
	int top = layers->gap_y[gap] - lines->y, bottom = top + layers->gap_heights[gap] - 1;
	if (layers->boxes[wire->src].layer == gap && layers->box_height > 1)
		pane_put(pane, hop->src_x - lines->x, top - 1, 0x252c, wire->src == selected ? LOOK(ACCENT) : LOOK(NONE));
	for (int k = hop->first_target; k < hop->first_target + hop->n_targets; k++) {
		int x = layers->targets[k].x - lines->x;
		if (layers->targets[k].node < 0 || x < 0 || x >= lines->width || bottom < 0 || bottom >= lines->height)
			continue;
		uint8_t bits = lines->cells[(size_t)bottom * (size_t)lines->width + (size_t)x];
		pane_put(pane, x, bottom, 0x25bc, line_look(bits));
	}
}

void layer_lines_draw_ends(const struct layer_lines *lines, int selected, struct pane pane)
{
	const struct layers *layers = lines->layers;
	int first = 0, last = 0;
	first_and_last_gap(lines, &first, &last);
	for (int gap = first; gap <= last && gap + 1 < layers->n_layers; gap++) {
		for (int i = layers->gap_first[gap]; i < layers->gap_first[gap + 1]; i++)
			draw_ends_of(lines, &layers->hops[layers->gap_hops[i]], gap, selected, pane);
	}
}
