/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_links: the edges that leave or enter each node, as one array of ranges.
 */
#ifndef TANDEM_ENGINE_GRAPH_PLAN_LINKS_H
#define TANDEM_ENGINE_GRAPH_PLAN_LINKS_H

#include "engine/graph/graph.h"

enum plan_links_side { PLAN_LINKS_OUT, PLAN_LINKS_IN };

struct plan_links {
	int *first; /* [n_nodes + 1] */
	int *items; /* edges of node n: items[first[n]] … items[first[n + 1] - 1], ascending */
};

/* Returns false when memory is out; plan_links_finish may be called in every case on a zeroed or initialised struct. */
bool plan_links_init(struct plan_links *links, const struct graph *graph, enum plan_links_side side);
void plan_links_finish(struct plan_links *links);

#endif
