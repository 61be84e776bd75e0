/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_repair: finds a change of the graph's attributes after which its plan cannot deadlock any more.
 */
#ifndef TANDEM_ENGINE_GRAPH_PLAN_REPAIR_H
#define TANDEM_ENGINE_GRAPH_PLAN_REPAIR_H

#include "engine/graph/plan_check.h"

/* Tries changes where `hops`, the plan's cycle, suggest them: more depth, two `order` values swapped, one `order` or control
 * edge left out, all `order` left out. Each is tried by planning the changed graph and checking that plan; the first that
 * passes is *ret_repair (the caller frees), NULL when none does. STATUS_OK or STATUS_NO_MEMORY. */
int plan_repair_find(const struct plan *plan, const struct plan_hop *hops, int n_hops, char **ret_repair);

#endif
