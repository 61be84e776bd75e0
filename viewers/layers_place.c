/* SPDX-License-Identifier: Apache-2.0
 *
 * layers_place: columns. Layer by layer every item is drawn to the median of what it is connected with, as near as the order and the blanks
 * between items allow: that is a least-squares problem with ordered unknowns, solved exactly by pooling adjacent violators. Long wires pull
 * hardest at themselves, which keeps them straight.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "viewers/layers_private.h"

#define ROUNDS_MAX 12
#define STEPS_MAX 4000000
#define NEIGHBOURS_MAX 64 /* looked at for a median */
#define GROUP_BLANKS 3    /* between two groups' columns */

/* Unknowns that share one value because their wishes are out of order. */
struct pool {
	double sum, weight;
	int first;
};

struct placing {
	struct layers_work *work;
	double *wishes, *weights; /* [items of the widest layer] */
	int *offsets;
	struct pool *pools;
};

static int blanks_between(const struct layers_item *left, const struct layers_item *right)
{
	return left->wire == LAYERS_NONE && right->wire == LAYERS_NONE ? 2 : 1;
}

static double centre_of(const struct layers_item *item)
{
	return item->x + item->width / 2;
}

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return left < right ? -1 : left > right;
}

/* Where an item would like its centre, and how much. */
static double wish(const struct layers_work *work, int i, int kinds, double *ret_weight)
{
	const struct layers_item *item = &work->items[i];
	double centres[NEIGHBOURS_MAX];
	int n = 0;
	bool is_straight = false;
	for (int kind = 0; kind < 2; kind++) {
		const struct layers_links *links = &work->links[kind];
		for (int at = links->first[i]; at < links->first[i + 1] && kinds & 1 << kind && n < NEIGHBOURS_MAX; at++) {
			const struct layers_item *other = &work->items[links->items[at]];
			if (other->group != item->group)
				continue;
			is_straight = is_straight || (item->wire != LAYERS_NONE && other->wire != LAYERS_NONE);
			centres[n++] = centre_of(other);
		}
	}
	*ret_weight = !n ? 0.05 : is_straight ? 8 : item->wire != LAYERS_NONE ? 2 : 1;
	if (!n)
		return centre_of(item);
	qsort(centres, (size_t)n, sizeof(double), compare_doubles);
	return (centres[(n - 1) / 2] + centres[n / 2]) / 2;
}

/* One group's items of a layer: order[from … until - 1]. */
static void place_row(struct placing *placing, int from, int until, int kinds)
{
	struct layers_work *work = placing->work;
	int offset = 0, n_pools = 0;
	for (int k = from; k < until; k++) {
		struct layers_item *item = &work->items[work->order[k]];
		if (k > from) {
			const struct layers_item *before = &work->items[work->order[k - 1]];
			offset += before->width + blanks_between(before, item);
		}
		placing->offsets[k - from] = offset;
		placing->wishes[k - from] = wish(work, work->order[k], kinds, &placing->weights[k - from]) - item->width / 2 - offset;
	}
	for (int k = 0; k < until - from; k++) {
		struct pool *pool = &placing->pools[n_pools++];
		*pool = (struct pool){ placing->wishes[k] * placing->weights[k], placing->weights[k], k };
		while (n_pools > 1 && pool[-1].sum / pool[-1].weight > pool->sum / pool->weight) {
			pool[-1].sum += pool->sum;
			pool[-1].weight += pool->weight;
			pool--;
			n_pools--;
		}
	}
	for (int p = 0; p < n_pools; p++) {
		int end = p + 1 < n_pools ? placing->pools[p + 1].first : until - from;
		int value = (int)floor(placing->pools[p].sum / placing->pools[p].weight + 0.5);
		for (int k = placing->pools[p].first; k < end; k++)
			work->items[work->order[from + k]].x = value + placing->offsets[k];
	}
}

static void place_layer(struct placing *placing, int layer, int kinds)
{
	const struct layers_work *work = placing->work;
	int end = work->order_first[layer + 1];
	for (int from = work->order_first[layer], until; from < end; from = until) {
		int group = work->items[work->order[from]].group;
		for (until = from; until < end && work->items[work->order[until]].group == group; until++)
			;
		place_row(placing, from, until, kinds);
	}
}

/* From left to right without regard to anything. */
static void pack(struct layers_work *work)
{
	for (int k = 0; k < work->n_items; k++) {
		struct layers_item *item = &work->items[work->order[k]];
		item->x = 0;
		if (item->place == 0)
			continue;
		const struct layers_item *before = &work->items[work->order[k - 1]];
		if (before->group == item->group)
			item->x = before->x + before->width + blanks_between(before, item);
	}
}

static void place_all(struct placing *placing)
{
	struct layers_work *work = placing->work;
	int n_layers = work->layers->n_layers;
	int n_rounds = STEPS_MAX / (work->n_items + work->links[0].first[work->n_items] + 1);
	n_rounds = n_rounds < 3 ? 3 : n_rounds > ROUNDS_MAX ? ROUNDS_MAX : n_rounds;
	for (int round = 0; round < n_rounds; round++) {
		bool goes_down = round % 2 == 0, is_last = round + 2 >= n_rounds;
		for (int k = 0; k < n_layers; k++)
			place_layer(placing, goes_down ? k : n_layers - 1 - k, is_last ? 3 : goes_down ? 1 : 2);
	}
}

/* -- groups ------------------------------------------------------------------------------------------------------------------- */

static int join_groups(struct layers_work *work)
{
	const struct layers_graph *graph = work->graph;
	struct layers *layers = work->layers;
	int n = graph->is_by_group ? graph->n_groups : 1, at = 0;
	int *least = layers_alloc(work, n, sizeof(int)), *most = layers_alloc(work, n, sizeof(int));
	layers->group_x = layers_alloc(work, n, sizeof(int));
	layers->group_width = layers_alloc(work, n, sizeof(int));
	if (!least || !most || !layers->group_x || !layers->group_width) {
		free(least);
		free(most);
		return STATUS_NO_MEMORY;
	}
	for (int g = 0; g < n; g++) {
		least[g] = INT32_MAX;
		most[g] = INT32_MIN;
	}
	for (int i = 0; i < work->n_items; i++) {
		const struct layers_item *item = &work->items[i];
		least[item->group] = item->x < least[item->group] ? item->x : least[item->group];
		most[item->group] = item->x + item->width > most[item->group] ? item->x + item->width : most[item->group];
	}
	for (int g = 0; g < n; g++) {
		int own = most[g] > least[g] ? most[g] - least[g] : 0;
		int width = graph->is_by_group && graph->group_widths && graph->group_widths[g] > own ? graph->group_widths[g] : own;
		layers->group_x[g] = at;
		layers->group_width[g] = width;
		least[g] = at + (width - own) / 2 - (own ? least[g] : 0);
		at += width + (width ? GROUP_BLANKS : 0);
	}
	layers->width = at > GROUP_BLANKS ? at - GROUP_BLANKS : at;
	for (int i = 0; i < work->n_items; i++)
		work->items[i].x += least[work->items[i].group];
	free(least);
	free(most);
	return STATUS_OK;
}

int layers_place(struct layers_work *work)
{
	int widest = 0;
	for (int layer = 0; layer < work->layers->n_layers; layer++) {
		int n = work->order_first[layer + 1] - work->order_first[layer];
		widest = n > widest ? n : widest;
	}
	struct placing placing = { .work = work, .wishes = layers_alloc(work, widest, sizeof(double)),
		.weights = layers_alloc(work, widest, sizeof(double)), .offsets = layers_alloc(work, widest, sizeof(int)),
		.pools = layers_alloc(work, widest, sizeof(struct pool)) };
	int status = STATUS_NO_MEMORY;
	if (placing.wishes && placing.weights && placing.offsets && placing.pools) {
		pack(work);
		place_all(&placing);
		status = join_groups(work);
	}
	free(placing.wishes);
	free(placing.weights);
	free(placing.offsets);
	free(placing.pools);
	return status;
}
