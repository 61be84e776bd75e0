/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_depth: how many slots each channel needs. A capacity of d slots from the node that releases last back to the writer
 * limits nothing exactly when there is already a way from the one to the other with at most d tokens; so the least depth
 * that does not limit is the fewest tokens on any such way (doc/deadlock.md).
 */
#ifndef TANDEM_ENGINE_GRAPH_PLAN_DEPTH_H
#define TANDEM_ENGINE_GRAPH_PLAN_DEPTH_H

#include "engine/graph/plan.h"

/* Sets the depth of every storage that has none yet, and of all that share it, for plan->in_flight_asked executions; then
 * plan->in_flight, which is smaller where given depths hold fewer. A plan that can deadlock gets the number in flight as
 * depth. Returns false when memory is out. */
bool plan_depth(struct plan *plan);

#endif
