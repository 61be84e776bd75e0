/* SPDX-License-Identifier: Apache-2.0
 *
 * layers: where the boxes and lines of a graph stand on a grid of cells: the layered drawing of Sugiyama, Tagawa and Toda (1981). Layers are
 * longest paths, the order within a layer comes from barycentre sweeps, lines that pass a layer keep a column of it free, and between two
 * layers every line has a row (track) of its own. Nothing overlaps: no line runs through a box, no two lines share a stretch; they cross.
 *
 *      ┌──a──┐            layer 0
 *      └──┬──┘
 *     ╭───┼────╮          gap 0, one track: a wire from a to b and, past layer 1, to c
 *     ▼   ...  │
 *      ┌──b──┐ │          layer 1
 *
 * Lines from one node with the same `bundle` are one wire, which branches. Integers and loops only: the same graph gives the same drawing.
 */
#ifndef TANDEM_VIEWERS_LAYERS_H
#define TANDEM_VIEWERS_LAYERS_H

#include <stdbool.h>

#include "engine/base/error.h"

#define LAYERS_NONE (-1)

struct layers_node {
	int width;     /* cells that its box needs at least; it may become wider where many lines end */
	int group;     /* 0 … n_groups - 1 */
	int level_set; /* nodes of one set (>= 0) stand in one layer where that is possible; LAYERS_NONE: in none */
};

struct layers_edge {
	int src, dst;  /* nodes */
	int bundle;
};

struct layers_graph {
	const struct layers_node *nodes;
	const struct layers_edge *edges;
	int n_nodes, n_edges;
	int box_height;          /* rows, at least 1 */
	int gap_height;          /* rows between two layers, at least 1; more where lines need them */
	bool is_by_group;        /* each group has columns of its own, in order */
	int n_groups;
	const int *group_widths; /* [n_groups] at least so many columns; may be NULL */
};

struct layers_box {
	int x, y, width, layer;
};

struct layers_target {
	int x;
	int node;      /* LAYERS_NONE: the wire goes on to the next gap */
};

/* A wire in one gap: from src_x at its top down to `track`, along it, and down to every target. */
struct layers_hop {
	int wire;
	int src_x;
	int track;     /* row of the gap; LAYERS_NONE: straight down, or (bend_x set) … */
	int bend_x;    /* … LAYERS_NONE, or: along `track` to bend_x only, down to bend_track, and along that to the targets */
	int bend_track;
	int first_target, n_targets;
};

struct layers_wire {
	int src, bundle;
	int first_hop, n_hops; /* one for each gap from the source's layer on; 0: left out */
};

struct layers {
	int width, height;
	struct layers_box *boxes;       /* [n_nodes] */
	int n_nodes, n_layers, box_height;
	int *gap_y, *gap_heights;       /* [n_layers]; below the last layer: 0 rows */
	struct layers_wire *wires;
	int n_wires;
	struct layers_hop *hops;        /* by wire */
	int n_hops;
	struct layers_target *targets;
	int *gap_first, *gap_hops;      /* hops of gap g: gap_hops[gap_first[g] … gap_first[g + 1] - 1] */
	int *edge_wires;                /* [n_edges]; LAYERS_NONE: not drawn */
	int n_left_out;                 /* edges that are not drawn: backwards, or too long in a graph that is too large */
	int *group_x, *group_width;     /* [n_groups] columns of each group; only by group */
	int n_groups;
	int n_crossings;                /* of lines, as the order within layers makes them */
};

/* STATUS_NO_MEMORY. On success the result must be finished. Edges to or from nodes out of range are left out. */
int layers_make(const struct layers_graph *graph, struct error *error, struct layers *ret_layers);
void layers_finish(struct layers *layers);

/* The node whose box covers a cell; LAYERS_NONE. */
int layers_box_at(const struct layers *layers, int x, int y);
/* The hop whose line covers a cell of a gap; LAYERS_NONE. Where two cross: either. */
int layers_hop_at(const struct layers *layers, int x, int y);
/* The gap, or the layer with *ret_is_gap false, that row y belongs to; LAYERS_NONE outside. */
int layers_band_at(const struct layers *layers, int y, bool *ret_is_gap);
/* Where an edge leaves gap `gap` downwards; LAYERS_NONE when it does not pass there. */
int layers_edge_exit(const struct layers *layers, const struct layers_edge *edge, int wire, int gap);

#endif
