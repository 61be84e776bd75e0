/* SPDX-License-Identifier: Apache-2.0
 *
 * layers_find: what stands at a place of a drawing.
 */
#include "viewers/layers.h"

int layers_band_at(const struct layers *layers, int y, bool *ret_is_gap)
{
	int low = 0, high = layers->n_layers;
	if (y < 0 || y >= layers->height)
		return LAYERS_NONE;
	while (low + 1 < high) { /* the last layer that begins at or above y */
		int middle = (low + high) / 2;
		if (layers->gap_y[middle] - layers->box_height <= y)
			low = middle;
		else
			high = middle;
	}
	*ret_is_gap = y >= layers->gap_y[low];
	return low;
}

int layers_box_at(const struct layers *layers, int x, int y)
{
	bool is_gap = false;
	int layer = layers_band_at(layers, y, &is_gap);
	for (int i = 0; i < layers->n_nodes && layer >= 0 && !is_gap; i++) {
		const struct layers_box *box = &layers->boxes[i];
		if (box->layer == layer && x >= box->x && x < box->x + box->width)
			return i;
	}
	return LAYERS_NONE;
}

static bool is_between(int x, int a, int b)
{
	return x >= (a < b ? a : b) && x <= (a < b ? b : a);
}

static bool covers(const struct layers *layers, const struct layers_hop *hop, int x, int row)
{
	int last = hop->track, entry = hop->src_x;
	if (hop->track == LAYERS_NONE)
		return x == hop->src_x;
	if (x == hop->src_x && row <= hop->track)
		return true;
	if (hop->bend_x != LAYERS_NONE) {
		if (row == hop->track && is_between(x, hop->src_x, hop->bend_x))
			return true;
		if (x == hop->bend_x && row >= hop->track && row <= hop->bend_track)
			return true;
		last = hop->bend_track;
		entry = hop->bend_x;
	}
	for (int i = hop->first_target; i < hop->first_target + hop->n_targets; i++) {
		int target_x = layers->targets[i].x;
		if ((row == last && is_between(x, entry, target_x)) || (x == target_x && row >= last))
			return true;
	}
	return false;
}

int layers_hop_at(const struct layers *layers, int x, int y)
{
	bool is_gap = false;
	int gap = layers_band_at(layers, y, &is_gap);
	for (int i = gap < 0 ? 0 : layers->gap_first[gap]; gap >= 0 && is_gap && i < layers->gap_first[gap + 1]; i++) {
		if (covers(layers, &layers->hops[layers->gap_hops[i]], x, y - layers->gap_y[gap]))
			return layers->gap_hops[i];
	}
	return LAYERS_NONE;
}

int layers_edge_exit(const struct layers *layers, const struct layers_edge *edge, int wire_idx, int gap)
{
	if (wire_idx < 0)
		return LAYERS_NONE;
	const struct layers_wire *wire = &layers->wires[wire_idx];
	int k = gap - layers->boxes[wire->src].layer, last = layers->boxes[edge->dst].layer - 1;
	if (k < 0 || k >= wire->n_hops || gap > last)
		return LAYERS_NONE;
	const struct layers_hop *hop = &layers->hops[wire->first_hop + k];
	for (int i = hop->first_target; i < hop->first_target + hop->n_targets; i++) {
		if (layers->targets[i].node == (gap == last ? edge->dst : LAYERS_NONE))
			return layers->targets[i].x;
	}
	return LAYERS_NONE;
}
