/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_net: a plan as a marked graph (Commoner, Holt, Even, Pnueli 1971; doc/deadlock.md): the model behind both the depths
 * and the proof. A transition is a node, or all ranks of a collective; a place leads from one transition to another and
 * holds tokens. A transition fires when every place into it holds a token, takes one from each and puts one into each place
 * behind it.
 */
#ifndef TANDEM_ENGINE_GRAPH_PLAN_NET_H
#define TANDEM_ENGINE_GRAPH_PLAN_NET_H

#include "engine/graph/plan_check.h"

struct plan_place {
	int from, to;             /* transitions */
	int from_node, to_node;   /* nodes that stand for them */
	int tokens;
	enum plan_place_kind kind;
	int detail;               /* as in struct plan_hop */
};

struct plan_net {
	int n_transitions;
	int *transitions;         /* [n_nodes] of each node */
	int n_places;
	struct plan_place *places; /* by `from`: those of t are places[first[t]] … places[first[t + 1] - 1] */
	int *first;               /* [n_transitions + 1] */
	int *topology;            /* [n_live] transitions in topological order over the places without tokens */
	int n_live;               /* all, unless places without tokens close a cycle: then those not behind one */
};

enum plan_net_capacities {
	PLAN_NET_ALL,   /* every slot capacity */
	PLAN_NET_GIVEN, /* only of depths that the graph gives */
};

/* Builds the net with `in_flight` tokens from output to input. Places stand data first, then order, capacity, in flight.
 * Returns false when memory is out; plan_net_finish may be called in every case. */
bool plan_net_init(struct plan_net *net, const struct plan *plan, enum plan_net_capacities capacities, int in_flight);
void plan_net_finish(struct plan_net *net);

/* From one transition to another. */
struct plan_pair {
	int from, to;
	int tokens; /* result: the fewest tokens on any way; `limit` when there is no way with fewer */
};

/* Fills `tokens` of each pair. The net must be without token-free cycles. Returns false when memory is out. */
bool plan_net_distances(const struct plan_net *net, struct plan_pair *pairs, int n_pairs, int limit);

#endif
