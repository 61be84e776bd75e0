/* SPDX-License-Identifier: Apache-2.0
 *
 * layers_sort: the order within each layer: sweeps down and up that put every item at the mean place of what it is connected with, and the
 * order with the fewest crossings kept. The number of sweeps is bounded by the size of the graph, not by the clock.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "viewers/layers_private.h"

#define SWEEP_STEPS_MAX 6000000 /* links visited in all sweeps */
#define SWEEPS_MAX 24

/* -- links -------------------------------------------------------------------------------------------------------------------- */

typedef void link_fn(struct layers_work *work, int upper, int lower);

static void each_link(struct layers_work *work, link_fn *visit)
{
	const struct layers *layers = work->layers;
	for (int wire = 0; wire < layers->n_wires; wire++) {
		int first = work->node_layers[layers->wires[wire].src], n_hops = layers->wires[wire].n_hops;
		for (int k = 1; k < n_hops; k++)
			visit(work, layers_wire_item(work, wire, first + k - 1), layers_wire_item(work, wire, first + k));
		for (int k = work->wire_edges_first[wire]; k < work->wire_edges_first[wire + 1] && n_hops; k++) {
			int dst = work->graph->edges[work->wire_edges[k]].dst;
			visit(work, layers_wire_item(work, wire, work->node_layers[dst] - 1), dst);
		}
	}
}

static void count_link(struct layers_work *work, int upper, int lower)
{
	work->links[0].first[lower + 1]++;
	work->links[1].first[upper + 1]++;
}

static void enter_link(struct layers_work *work, int upper, int lower)
{
	work->links[0].items[work->links[0].first[lower]++] = upper;
	work->links[1].items[work->links[1].first[upper]++] = lower;
}

static int make_links(struct layers_work *work)
{
	int n = work->n_items;
	for (int i = 0; i < 2; i++) {
		work->links[i].first = layers_alloc(work, n + 1, sizeof(int));
		if (!work->links[i].first)
			return STATUS_NO_MEMORY;
	}
	each_link(work, count_link);
	for (int i = 0; i < 2; i++) {
		int *first = work->links[i].first;
		for (int k = 0; k < n; k++)
			first[k + 1] += first[k];
		work->links[i].items = layers_alloc(work, first[n], sizeof(int));
		if (!work->links[i].items)
			return STATUS_NO_MEMORY;
	}
	each_link(work, enter_link);
	for (int i = 0; i < 2; i++) { /* every entry has become the next one's */
		memmove(work->links[i].first + 1, work->links[i].first, (size_t)n * sizeof(int));
		work->links[i].first[0] = 0;
	}
	return STATUS_OK;
}

/* -- order -------------------------------------------------------------------------------------------------------------------- */

static int make_order(struct layers_work *work)
{
	int n_layers = work->layers->n_layers;
	work->order_first = layers_alloc(work, n_layers + 1, sizeof(int));
	work->order = layers_alloc(work, work->n_items, sizeof(int));
	if (!work->order_first || !work->order)
		return STATUS_NO_MEMORY;
	for (int i = 0; i < work->n_items; i++)
		work->order_first[work->items[i].layer + 1]++;
	for (int i = 0; i < n_layers; i++)
		work->order_first[i + 1] += work->order_first[i];
	for (int i = 0; i < work->n_items; i++)
		work->order[work->order_first[work->items[i].layer]++] = i;
	memmove(work->order_first + 1, work->order_first, (size_t)n_layers * sizeof(int));
	work->order_first[0] = 0;
	return STATUS_OK;
}

static int compare_items(const void *a, const void *b, void *user)
{
	const struct layers_item *items = user, *left = &items[*(const int *)a], *right = &items[*(const int *)b];
	if (left->group != right->group)
		return left->group < right->group ? -1 : 1;
	if (left->key < right->key || left->key > right->key)
		return left->key < right->key ? -1 : 1;
	if (left->place != right->place)
		return left->place < right->place ? -1 : 1;
	return *(const int *)a < *(const int *)b ? -1 : 1;
}

static void number_places(struct layers_work *work, int layer)
{
	for (int k = work->order_first[layer]; k < work->order_first[layer + 1]; k++)
		work->items[work->order[k]].place = k - work->order_first[layer];
}

/* By the means over links of one kind; items without any keep their place. */
static void sort_layer(struct layers_work *work, int layer, const struct layers_links *links)
{
	int first = work->order_first[layer], n = work->order_first[layer + 1] - first;
	for (int k = first; k < first + n; k++) {
		int i = work->order[k], n_links = links->first[i + 1] - links->first[i];
		double sum = 0;
		for (int at = links->first[i]; at < links->first[i + 1]; at++) {
			const struct layers_item *other = &work->items[links->items[at]];
			int n_others = work->order_first[other->layer + 1] - work->order_first[other->layer];
			sum += (other->place + 0.5) / n_others;
		}
		work->items[i].key = n_links ? sum / n_links : (work->items[i].place + 0.5) / n;
	}
	qsort_r(work->order + first, (size_t)n, sizeof(int), compare_items, work->items);
	number_places(work, layer);
}

static void sweep(struct layers_work *work, bool goes_down)
{
	int n = work->layers->n_layers;
	for (int k = 1; k < n; k++) {
		int layer = goes_down ? k : n - 1 - k;
		sort_layer(work, layer, &work->links[goes_down ? 0 : 1]);
	}
}

/* -- crossings: inversions among the lower ends of links that are sorted by their upper ends (Barth, Mutzel, Jünger 2002) --------------- */

static int compare_ints(const void *a, const void *b)
{
	int left = *(const int *)a, right = *(const int *)b;
	return left < right ? -1 : left > right;
}

static int64_t count_inversions(const int *ends, int n, int *tree, int size)
{
	int64_t n_crossings = 0;
	memset(tree, 0, (size_t)(size + 1) * sizeof(int));
	for (int k = 0; k < n; k++) {
		int n_before = 0;
		for (int at = ends[k] + 1; at > 0; at -= at & -at)
			n_before += tree[at];
		n_crossings += k - n_before;
		for (int at = ends[k] + 1; at <= size; at += at & -at)
			tree[at]++;
	}
	return n_crossings;
}

static int64_t count_crossings(struct layers_work *work, int *ends, int *tree)
{
	const struct layers_links *below = &work->links[1];
	int64_t n_crossings = 0;
	for (int layer = 0; layer + 1 < work->layers->n_layers; layer++) {
		int n = 0, size = work->order_first[layer + 2] - work->order_first[layer + 1];
		for (int k = work->order_first[layer]; k < work->order_first[layer + 1]; k++) {
			int i = work->order[k], begin = n;
			for (int at = below->first[i]; at < below->first[i + 1]; at++)
				ends[n++] = work->items[below->items[at]].place;
			qsort(ends + begin, (size_t)(n - begin), sizeof(int), compare_ints);
		}
		n_crossings += count_inversions(ends, n, tree, size);
	}
	return n_crossings;
}

int layers_sort(struct layers_work *work)
{
	int status = make_links(work), n_items = work->n_items;
	if (status == STATUS_OK)
		status = make_order(work);
	if (status != STATUS_OK)
		return status;
	int n_links = work->links[1].first[n_items];
	int *best = layers_alloc(work, n_items, sizeof(int)), *ends = layers_alloc(work, n_links, sizeof(int));
	int *tree = layers_alloc(work, n_items + 1, sizeof(int));
	int n_sweeps = SWEEP_STEPS_MAX / (n_links + n_items + 1), n_vain = 0;
	int64_t fewest = INT64_MAX;
	n_sweeps = n_sweeps < 2 ? 2 : n_sweeps > SWEEPS_MAX ? SWEEPS_MAX : n_sweeps;
	for (int i = 0; i < n_items; i++)
		work->items[i].key = 0;
	for (int layer = 0; layer < work->layers->n_layers; layer++) {
		qsort_r(work->order + work->order_first[layer], (size_t)(work->order_first[layer + 1] - work->order_first[layer]), sizeof(int),
			compare_items, work->items);
		number_places(work, layer);
	}
	for (int k = 0; k < n_sweeps && best && ends && tree && fewest > 0 && n_vain < 6; k++) {
		sweep(work, k % 2 == 0);
		int64_t n_crossings = count_crossings(work, ends, tree);
		n_vain = n_crossings < fewest ? 0 : n_vain + 1;
		if (n_crossings < fewest) {
			fewest = n_crossings;
			memcpy(best, work->order, (size_t)n_items * sizeof(int));
		}
	}
	status = best && ends && tree ? STATUS_OK : STATUS_NO_MEMORY;
	if (status == STATUS_OK) {
		memcpy(work->order, best, (size_t)n_items * sizeof(int));
		work->layers->n_crossings = fewest > INT32_MAX ? INT32_MAX : (int)fewest;
		for (int layer = 0; layer < work->layers->n_layers; layer++)
			number_places(work, layer);
	}
	free(best);
	free(ends);
	free(tree);
	return status;
}
