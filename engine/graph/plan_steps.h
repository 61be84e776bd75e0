/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_steps: the steps of each worker (engine/graph/plan.h, "Steps").
 */
#ifndef TANDEM_ENGINE_GRAPH_PLAN_STEPS_H
#define TANDEM_ENGINE_GRAPH_PLAN_STEPS_H

#include "engine/graph/plan.h"

/* Fills steps and n_steps of every worker from program order and channels, both of which must be there. Returns false when
 * memory is out. */
bool plan_steps(struct plan *plan);

#endif
