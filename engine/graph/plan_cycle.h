/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_cycle: finds what makes a plan stand still, if anything.
 */
#ifndef TANDEM_ENGINE_GRAPH_PLAN_CYCLE_H
#define TANDEM_ENGINE_GRAPH_PLAN_CYCLE_H

#include "engine/graph/plan_check.h"

/* Sets *ret_hops (the caller frees) and *ret_n_hops to a shortest cycle without a token; or, when there is none but `order`
 * makes the given depths hold fewer executions than they would without, and than were asked for, to the cycle that limits
 * them; it then ends with the IN_FLIGHT hop from input to output. Both are NULL and 0 when the plan is live. STATUS_OK or
 * STATUS_NO_MEMORY. */
int plan_cycle_find(const struct plan *plan, int *ret_n_hops, struct plan_hop **ret_hops);

#endif
