/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_order: program order. All workers' orders are restrictions of one global sequence that respects data, control edges,
 * `order` and collectives (all ranks at once), so that no wait between workers can close a circle. The sequence comes from
 * list scheduling: every worker runs one node at a time, each takes one unit of time, and of the nodes that are ready the
 * one goes first from which the longest way leads over other workers, then the longest way at all, then the first in the
 * file.
 *
 * Where no such sequence exists (the graph can deadlock) each worker still gets an order that honours its own data flow and
 * `order`; plan_check then finds the circle.
 */
#ifndef TANDEM_ENGINE_GRAPH_PLAN_ORDER_H
#define TANDEM_ENGINE_GRAPH_PLAN_ORDER_H

#include "engine/graph/graph.h"

/* Writes a topological order of all nodes over data and control edges to `topology` [n_nodes] and each node's place in
 * program order to `sequence` [n_nodes]: the program order of one worker is its nodes in the order in which they stand in
 * `sequence`. STATUS_GRAPH when `order` contradicts the data flow on one worker; STATUS_NO_MEMORY. */
int plan_order(const struct graph *graph, int *topology, int *sequence, struct error *error);

#endif
