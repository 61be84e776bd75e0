/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_channels: which channels a plan has, where their bytes lie, who reads and who releases them (engine/graph/plan.h,
 * "Channels" and "Storage").
 */
#ifndef TANDEM_ENGINE_GRAPH_PLAN_CHANNELS_H
#define TANDEM_ENGINE_GRAPH_PLAN_CHANNELS_H

#include "engine/graph/plan.h"

/* Fills plan->channels, n_channels and edge_channels (allocated here). Channels stand in the order of `topology`, so that a
 * storage stands before those that share it. Depths are left at what the graph gives, 0 where it gives none, 1 for LOCAL.
 * STATUS_GRAPH for `transport=local` between workers; STATUS_NO_MEMORY. */
int plan_channels(struct plan *plan, const int *topology, struct error *error);

#endif
