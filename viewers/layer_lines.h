/* SPDX-License-Identifier: Apache-2.0
 *
 * layer_lines: the lines of a layered drawing (layers.h) that are on screen. They are collected as directions for each cell, so that where they meet
 * or cross the right character comes of itself; boxes are then drawn above them.
 */
#ifndef TANDEM_VIEWERS_LAYER_LINES_H
#define TANDEM_VIEWERS_LAYER_LINES_H

#include <stdint.h>

#include "viewers/canvas.h"
#include "viewers/layers.h"

enum layer_lines_flag {
	LAYER_LINES_DASHED = 16,   /* control */
	LAYER_LINES_NEAR = 32,     /* of the selected node */
	LAYER_LINES_SELECTED = 64,
};

/* Zeroed to begin with. */
struct layer_lines {
	const struct layers *layers;
	const struct layers_edge *edges; /* that the layers were made of */
	int x, y;                        /* first column and row on screen */
	int width, height;               /* of the screen */
	uint8_t *cells;                  /* [height × width] */
	int n_cells;                     /* there is room for */
};

/* No lines, on a screen of this size. */
int layer_lines_begin(struct layer_lines *lines, int width, int height, struct error *error);
void layer_lines_finish(struct layer_lines *lines);

/* All wires; those of bundles below 0 are dashed. */
void layer_lines_add(struct layer_lines *lines);
/* One edge anew, with flags. */
void layer_lines_add_edge(struct layer_lines *lines, int edge, uint8_t flags);
void layer_lines_draw(const struct layer_lines *lines, struct pane pane);
/* Where lines leave boxes and enter them, above the boxes; those of `selected` (LAYERS_NONE: none) stand out. */
void layer_lines_draw_ends(const struct layer_lines *lines, int selected, struct pane pane);

#endif
