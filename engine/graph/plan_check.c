/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_check: the verdict on a plan, and how it reads.
 */
#include "engine/graph/plan_check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/graph/plan_cycle.h"
#include "engine/graph/plan_repair.h"

int plan_check(const struct plan *plan, struct plan_verdict *ret_verdict)
{
	struct plan_verdict verdict = { 0 };
	int status = plan_cycle_find(plan, &verdict.n_hops, &verdict.hops);
	verdict.is_live = status == STATUS_OK && !verdict.n_hops;
	if (status == STATUS_OK && !verdict.is_live)
		status = plan_repair_find(plan, verdict.hops, verdict.n_hops, &verdict.repair);
	if (status != STATUS_OK)
		plan_verdict_finish(&verdict);
	*ret_verdict = verdict;
	return status;
}

void plan_verdict_finish(struct plan_verdict *verdict)
{
	free(verdict->hops);
	free(verdict->repair);
	*verdict = (struct plan_verdict){ 0 };
}

/* 'name', safe on a terminal. */
static void add_name(const struct plan *plan, int node, struct strbuf *out)
{
	strbuf_add(out, "'");
	strbuf_add_printable(out, plan->graph->nodes[node].name);
	strbuf_add(out, "'");
}

static void print_reason(const struct plan *plan, const struct plan_hop *hop, struct strbuf *out)
{
	const struct graph *graph = plan->graph;
	const struct graph_node *from = &graph->nodes[hop->from], *to = &graph->nodes[hop->to];
	switch (hop->kind) {
	case PLAN_PLACE_ORDER:
		strbuf_add(out, "program order on ");
		strbuf_add_printable(out, graph->workers[hop->detail].name);
		if (from->has_order && to->has_order && plan->positions[hop->from] < plan->positions[hop->to])
			strbuf_addf(out, ": order=%" PRId64 " before order=%" PRId64, from->order, to->order);
		else if (plan->positions[hop->from] >= plan->positions[hop->to])
			strbuf_add(out, ", the execution before");
		break;
	case PLAN_PLACE_DATA:
		strbuf_add(out, graph->edges[hop->detail].is_control ? "control edge " : "data edge ");
		strbuf_add_printable(out, graph->edges[hop->detail].name);
		if (graph->edges[hop->detail].line)
			strbuf_addf(out, ", line %d", graph->edges[hop->detail].line);
		break;
	case PLAN_PLACE_CAPACITY:
		strbuf_add(out, "a free slot of ");
		add_name(plan, plan->channels[hop->detail].node, out);
		strbuf_addf(out, ", depth=%d", plan->channels[hop->detail].depth);
		break;
	case PLAN_PLACE_IN_FLIGHT:
		strbuf_addf(out, "the caller may submit %d executions before it takes a result", plan->in_flight_asked);
		break;
	case PLAN_PLACE_RENDEZVOUS:
		strbuf_add(out, "collective ");
		strbuf_add_printable(out, graph->collectives[hop->detail].name);
		strbuf_add(out, " runs on all its workers at once");
		break;
	}
}

void plan_verdict_print(const struct plan *plan, const struct plan_verdict *verdict, struct strbuf *out)
{
	const struct graph *graph = plan->graph;
	if (verdict->is_live) {
		strbuf_addf(out, "cannot deadlock: every cycle holds a token (%d nodes, %d workers, %d in flight)\n",
			graph->n_nodes - 2, graph->n_workers - 1, plan->in_flight);
		return;
	}
	bool is_limit = verdict->n_hops && verdict->hops[verdict->n_hops - 1].kind == PLAN_PLACE_IN_FLIGHT;
	if (is_limit)
		strbuf_addf(out,
			"can deadlock: with this order the given depths hold %d of %d executions, then nothing on this "
			"cycle can go on\n",
			plan->in_flight, plan->in_flight_asked);
	else
		strbuf_add(out, "can deadlock: nothing on this cycle can start before the others\n");
	for (int i = verdict->n_hops - 1; i >= 0; i--) {
		const struct plan_hop *hop = &verdict->hops[i];
		strbuf_add(out, "  ");
		strbuf_add_printable(out, graph->workers[graph->nodes[hop->to].worker_idx].name);
		strbuf_add(out, ": ");
		add_name(plan, hop->to, out);
		strbuf_add(out, " waits for ");
		add_name(plan, hop->from, out);
		strbuf_add(out, " (");
		print_reason(plan, hop, out);
		strbuf_add(out, ")\n");
	}
	if (verdict->repair) {
		strbuf_add(out, "  repair (checked): ");
		strbuf_add_printable(out, verdict->repair);
		strbuf_add(out, "\n");
	} else {
		strbuf_add(out, "  no change of depth or order helps: the data flow itself closes the cycle\n");
	}
}

int plan_compile(const struct graph *graph, const struct plan_options *options, struct strbuf *ret_explanation,
	struct error *error, struct plan **ret_plan)
{
	struct plan *plan = NULL;
	struct plan_verdict verdict = { 0 };
	int status = plan_make(graph, options, error, &plan);
	if (status != STATUS_OK)
		return status;
	status = plan_check(plan, &verdict);
	if (status != STATUS_OK)
		error_set(error, status, "no memory to check the plan of %d nodes", graph->n_nodes);
	if (status == STATUS_OK && !verdict.is_live) {
		if (ret_explanation)
			plan_verdict_print(plan, &verdict, ret_explanation);
		status = error_set(error, STATUS_DEADLOCK, "%s: the plan can deadlock at node '%s'%s%s",
			graph->file ? graph->file : graph->name, graph->nodes[verdict.hops[verdict.n_hops - 1].to].name,
			verdict.repair ? "; " : "", verdict.repair ? verdict.repair : "");
	}
	plan_verdict_finish(&verdict);
	if (status == STATUS_OK)
		*ret_plan = plan;
	else
		plan_destroy(plan);
	return status;
}
