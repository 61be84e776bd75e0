/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_check: proof that a plan cannot deadlock. One iteration is modelled as a marked graph (Commoner, Holt, Even, Pnueli
 * 1971): a transition for each node (one for all ranks of a collective: a rendezvous), and places for program order (0
 * tokens, 1 from a worker's last node back to its first), data (0), slot capacity (from the node that releases a storage
 * last on each releasing worker back to the storage's writer: depth tokens), and the limit in flight (from `output` back to
 * `input`). Such a system is free of deadlock exactly when no directed cycle is without a token. Assumed: ops return,
 * callers release results.
 */
#ifndef TANDEM_ENGINE_GRAPH_PLAN_CHECK_H
#define TANDEM_ENGINE_GRAPH_PLAN_CHECK_H

#include "engine/base/strbuf.h"
#include "engine/graph/plan.h"

/* X(NAME, word) */
#define PLAN_PLACE_MAP(X)                                                                                                   \
	X(ORDER, "order") X(DATA, "data") X(CAPACITY, "capacity") X(IN_FLIGHT, "in flight") X(RENDEZVOUS, "rendezvous")

enum plan_place_kind {
#define X(name, word) PLAN_PLACE_##name,
	PLAN_PLACE_MAP(X)
#undef X
};

/* One hop of a cycle: `to` cannot start before `from` has finished, because of `kind`. */
struct plan_hop {
	int from, to;   /* nodes */
	enum plan_place_kind kind;
	int detail;     /* DATA: edge; CAPACITY: storage (channel index); ORDER: worker; RENDEZVOUS: collective */
};

struct plan_verdict {
	bool is_live;
	int n_hops;
	struct plan_hop *hops; /* the shortest token-free cycle found, or the cycle that limits the executions in flight
	                          (it ends with IN_FLIGHT; doc/deadlock.md); n_hops 0 when live */
	char *repair;          /* a change after which the check passes, checked: "give node 'a' depth=2", …; NULL when
	                          none was found */
};

/* Returns STATUS_OK with the verdict filled (live or not), or STATUS_NO_MEMORY. The verdict must be finished. */
int plan_check(const struct plan *plan, struct plan_verdict *ret_verdict);
void plan_verdict_finish(struct plan_verdict *verdict);

/* The verdict for people: one line when live; otherwise the cycle step by step, then the repair. */
void plan_verdict_print(const struct plan *plan, const struct plan_verdict *verdict, struct strbuf *out);

/* plan_make and plan_check in one: STATUS_DEADLOCK with the printed verdict in `ret_explanation` (may be NULL) when it can
 * deadlock. */
int plan_compile(const struct graph *graph, const struct plan_options *options, struct strbuf *ret_explanation,
	struct error *error, struct plan **ret_plan);

/* What will be allocated and done, for `tandem check`: each worker's steps, each channel with transport, slots and bytes,
 * sums. */
void plan_print(const struct plan *plan, struct strbuf *out);

#endif
