/* SPDX-License-Identifier: Apache-2.0
 *
 * layers_private: what is worked on until a drawing is done. An item is what takes room in a layer: a node's box, or the column where a wire
 * passes. Items 0 … n_nodes - 1 are the nodes.
 */
#ifndef TANDEM_VIEWERS_LAYERS_PRIVATE_H
#define TANDEM_VIEWERS_LAYERS_PRIVATE_H

#include "viewers/layers.h"

struct layers_item {
	int layer, place;   /* place: position in its layer's order */
	int x, width;       /* x: within its group until the groups are put side by side */
	int group;
	int wire;           /* LAYERS_NONE: a node */
	double key;         /* what it is sorted by */
};

/* Items of neighbouring layers that a wire connects. */
struct layers_links {
	int *first, *items; /* of item i: items[first[i] … first[i + 1] - 1] */
};

struct layers_work {
	const struct layers_graph *graph;
	struct layers *layers;
	struct error *error;
	int *node_layers;            /* [n_nodes] */
	struct layers_item *items;
	int n_items;
	int *wire_items;             /* [n_wires] its first column's item; those of further layers follow */
	int *wire_ends;              /* [n_wires] layer of its last target */
	int *wire_edges_first, *wire_edges; /* edges of wire w, one for each target node */
	struct layers_links links[2]; /* above, below */
	int *order_first, *order;    /* items of layer l: order[order_first[l] … order_first[l + 1] - 1], from left to right */
};

/* Memory for n zeroed things, at least one; NULL with the error set. */
void *layers_alloc(struct layers_work *work, int n, size_t size);

/* Fills links, then sorts each layer (barycentre sweeps), the best order kept. */
int layers_sort(struct layers_work *work);
/* Gives every item its columns. */
int layers_place(struct layers_work *work);
/* Ports, tracks, rows. */
int layers_route(struct layers_work *work);

/* The item of a wire in a layer: its node's, or a column. */
static inline int layers_wire_item(const struct layers_work *work, int wire, int layer)
{
	int src = work->layers->wires[wire].src;
	return layer == work->node_layers[src] ? src : work->wire_items[wire] + layer - work->node_layers[src] - 1;
}

#endif
