/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_links: edges sorted by one of their ends with a counting sort.
 */
#include "engine/graph/plan_links.h"

#include <stdlib.h>

static int end_of(const struct graph_edge *edge, enum plan_links_side side)
{
	return side == PLAN_LINKS_OUT ? edge->src : edge->dst;
}

bool plan_links_init(struct plan_links *links, const struct graph *graph, enum plan_links_side side)
{
	*links = (struct plan_links){
		.first = calloc((size_t)graph->n_nodes + 2, sizeof *links->first),
		.items = calloc((size_t)graph->n_edges + 1, sizeof *links->items),
	};
	if (!links->first || !links->items)
		return false;
	/* Starts are kept one place further on: filling moves each to where the next range begins. */
	int *starts = links->first + 1;
	for (int i = 0; i < graph->n_edges; i++)
		starts[end_of(&graph->edges[i], side) + 1]++;
	for (int i = 1; i < graph->n_nodes; i++)
		starts[i] += starts[i - 1];
	for (int i = 0; i < graph->n_edges; i++)
		links->items[starts[end_of(&graph->edges[i], side)]++] = i;
	return true;
}

void plan_links_finish(struct plan_links *links)
{
	free(links->first);
	free(links->items);
	*links = (struct plan_links){ 0 };
}
