/* SPDX-License-Identifier: Apache-2.0
 *
 * The proof: worked deadlocks with their cycles and repairs, and random plans against the game, which knows nothing of it.
 */
#include "engine/graph/plan_check.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/support/plan_game.h"
#include "tests/support/plan_graphs.h"

struct verdict_case {
	const char *name, *graph;
	int in_flight;
	const char *verdict;
	const char *repaired; /* the graph with the repair; NULL when there is none to try */
};

#define RANKS(a1, b1, b2, a2) \
	"node p1 w0 copy; node p2 w0 copy; node q1 w1 copy; node q2 w1 copy;" \
	"node a1 w0 all_reduce collective=A " a1 "; node b1 w0 all_reduce collective=B " b1 ";" \
	"node b2 w1 all_reduce collective=B " b2 "; node a2 w1 all_reduce collective=A " a2 ";" \
	"edge input p1; edge input p2; edge input q1; edge input q2; edge p1 a1; edge p2 b1; edge q2 b2; edge q1 a2;" \
	"edge a1 output; edge b1 output; edge a2 output; edge b2 output;"

#define LIVE_2(n_nodes, in_flight)                                                                                          \
	"cannot deadlock: every cycle holds a token (" n_nodes " nodes, 2 workers, " in_flight " in flight)\n"

static const struct verdict_case verdict_cases[] = {
	{"a pipeline", "node a w0 copy; node b w1 copy; edge input a; edge a b; edge b output", 0, LIVE_2("2", "4"), NULL},
	{"collectives in one order", RANKS("order=1", "order=2", "order=2", "order=1"), 0, LIVE_2("8", "4"), NULL},
	{"collectives crossed by order", RANKS("order=1", "order=2", "order=1", "order=2"), 0,
		"can deadlock: nothing on this cycle can start before the others\n"
		"  w1: 'b2' waits for 'b1' (collective B runs on all its workers at once)\n"
		"  w0: 'b1' waits for 'a1' (program order on w0: order=1 before order=2)\n"
		"  w0: 'a1' waits for 'a2' (collective A runs on all its workers at once)\n"
		"  w1: 'a2' waits for 'b2' (program order on w1: order=1 before order=2)\n"
		"  repair (checked): on worker w1 run 'a2' (line 8) before 'b2' (line 7): give 'a2' order=1 and 'b2' "
		"order=2\n",
		RANKS("order=1", "order=2", "order=2", "order=1")},
	{"collectives crossed by control", RANKS("", "", "", "") "control a1 b1; control b2 a2;", 0,
		"can deadlock: nothing on this cycle can start before the others\n"
		"  w1: 'b2' waits for 'b1' (collective B runs on all its workers at once)\n"
		"  w0: 'b1' waits for 'a1' (control edge control, line 21)\n"
		"  w0: 'a1' waits for 'a2' (collective A runs on all its workers at once)\n"
		"  w1: 'a2' waits for 'b2' (control edge control, line 22)\n"
		"  repair (checked): leave out the control edge from 'b2' (line 7) to 'a2' (line 8)\n",
		RANKS("", "", "", "") "control a1 b1;"},
	{"collectives crossed by data",
		"node a1 w0 all_reduce collective=A; node b1 w0 all_reduce collective=B; node b2 w1 all_reduce collective=B;"
		"node a2 w1 all_reduce collective=A; edge input a1; edge a1 b1; edge input b2; edge b2 a2; edge b1 output; "
		"edge a2 output",
		0,
		"can deadlock: nothing on this cycle can start before the others\n"
		"  w1: 'b2' waits for 'b1' (collective B runs on all its workers at once)\n"
		"  w0: 'b1' waits for 'a1' (data edge a1.0->b1.0, line 6)\n"
		"  w0: 'a1' waits for 'a2' (collective A runs on all its workers at once)\n"
		"  w1: 'a2' waits for 'b2' (data edge b2.0->a2.1, line 8)\n"
		"  no change of depth or order helps: the data flow itself closes the cycle\n",
		NULL},
	{"one rank that needs another",
		"node a1 w0 all_reduce collective=A; node a2 w1 all_reduce collective=A; edge input a1; edge a1 a2; edge a2 "
		"output",
		0,
		"can deadlock: nothing on this cycle can start before the others\n"
		"  w0: 'a1' waits for 'a2' (collective A runs on all its workers at once)\n"
		"  w1: 'a2' waits for 'a1' (data edge a1.0->a2.1, line 4)\n"
		"  no change of depth or order helps: the data flow itself closes the cycle\n",
		NULL},
	{"order that data crosses on another worker",
		"node x w0 copy order=2; node y w1 copy; node z w0 copy order=1; edge input x; edge x y; edge y z; edge z "
		"output",
		0,
		"can deadlock: nothing on this cycle can start before the others\n"
		"  w0: 'z' waits for 'y' (data edge y.0->z.0, line 6)\n"
		"  w1: 'y' waits for 'x' (data edge x.0->y.0, line 5)\n"
		"  w0: 'x' waits for 'z' (program order on w0: order=1 before order=2)\n"
		"  repair (checked): on worker w0 run 'x' (line 1) before 'z' (line 3): give 'x' order=1 and 'z' order=2\n",
		"node x w0 copy order=1; node y w1 copy; node z w0 copy order=2; edge input x; edge x y; edge y z; edge z "
		"output"},
	{"order with others in between",
		"node x w0 copy order=3; node y w1 copy; node z w0 copy order=1; node m w0 copy; node n w0 copy order=2; "
		"edge input x;"
		"edge x y; edge y z; edge input m; edge m n; edge n output; edge z output",
		0,
		"can deadlock: nothing on this cycle can start before the others\n"
		"  w0: 'z' waits for 'y' (data edge y.0->z.0, line 8)\n"
		"  w1: 'y' waits for 'x' (data edge x.0->y.0, line 7)\n"
		"  w0: 'x' waits for 'n' (program order on w0: order=2 before order=3)\n"
		"  w0: 'n' waits for 'z' (program order on w0: order=1 before order=2)\n"
		"  repair (checked): on worker w0 run 'x' (line 1) before 'z' (line 3): give 'x' order=1 and 'z' order=3\n",
		"node x w0 copy order=1; node y w1 copy; node z w0 copy order=3; node m w0 copy; node n w0 copy order=2; "
		"edge input x;"
		"edge x y; edge y z; edge input m; edge m n; edge n output; edge z output"},
	{"order that needs more depth than given",
		"depth 1; node x w0 copy; node y w1 copy depth=1 order=1; node z w1 copy order=2; edge input x; edge x y; "
		"edge input z;"
		"edge y output; edge z output",
		4,
		"can deadlock: with this order the given depths hold 2 of 4 executions, then nothing on this cycle can go "
		"on\n"
		"  driver: 'output' waits for 'input' (the caller may submit 4 executions before it takes a result)\n"
		"  driver: 'input' waits for 'z' (a free slot of 'input', depth=1)\n"
		"  w1: 'z' waits for 'y' (program order on w1: order=1 before order=2)\n"
		"  w1: 'y' waits for 'output' (a free slot of 'y', depth=1)\n"
		"  repair (checked): give node 'y' (line 3) depth=4\n",
		"depth 1; node x w0 copy; node y w1 copy depth=4 order=1; node z w1 copy order=2; edge input x; edge x y; "
		"edge input z;"
		"edge y output; edge z output"},
	{"the same with fewer in flight",
		"depth 1; node x w0 copy; node y w1 copy depth=1 order=1; node z w1 copy order=2; edge input x; edge x y; "
		"edge input z;"
		"edge y output; edge z output",
		2, LIVE_2("3", "2"), NULL},
	{"given depths that limit without order",
		"depth 1; node a w0 copy depth=1; node b w1 copy depth=1; edge input a; edge a b; edge b output", 8,
		LIVE_2("2", "3"), NULL},
};

Test(plan_check, verdicts)
{
	for (size_t i = 0; i < ARRAY_LEN(verdict_cases); i++) {
		const struct verdict_case *c = &verdict_cases[i];
		struct graph *graph = plan_graph(c->graph);
		struct plan *plan = plan_of(graph, c->in_flight);
		struct plan_verdict verdict;
		struct strbuf text = STRBUF_INIT;
		cr_assert_eq(plan_check(plan, &verdict), STATUS_OK);
		plan_verdict_print(plan, &verdict, &text);
		cr_expect_str_eq(
			strbuf_text(&text), c->verdict, "%s:\n%s\nexpected\n%s", c->name, strbuf_text(&text), c->verdict);
		cr_expect_eq(verdict.is_live, verdict.n_hops == 0 && !verdict.repair, "%s: live and a cycle", c->name);
		plan_verdict_finish(&verdict);
		strbuf_finish(&text);
		plan_destroy(plan);
		graph_destroy(graph);
	}
}

/* Results that a caller gets who submits as many executions as asked for before it takes any. */
static int n_finished(const struct plan *plan, int n_passes)
{
	struct plan_game game = {
		.n_passes = n_passes, .in_flight = plan->in_flight_asked, .is_greedy = true, .frozen_node = -1};
	return plan_play(plan, &game, 0).n_finished;
}

Test(plan_check, refused_graphs_stand_still_and_repaired_ones_do_not)
{
	for (size_t i = 0; i < ARRAY_LEN(verdict_cases); i++) {
		const struct verdict_case *c = &verdict_cases[i];
		if (!c->repaired)
			continue;
		struct graph *graph = plan_graph(c->graph), *repaired = plan_graph(c->repaired);
		struct plan_options options = { .in_flight = c->in_flight };
		struct plan *refused = plan_of(graph, c->in_flight), *plan = NULL;
		struct error error = { 0 };
		cr_expect_lt(n_finished(refused, 30), 30, "%s: %d finish", c->name, n_finished(refused, 30));
		cr_assert_eq(
			plan_compile(repaired, &options, NULL, &error, &plan), STATUS_OK, "%s: %s", c->name, error.text);
		cr_expect_eq(n_finished(plan, 30), 30, "%s: %d finish", c->name, n_finished(plan, 30));
		plan_destroy(refused);
		plan_destroy(plan);
		graph_destroy(graph);
		graph_destroy(repaired);
	}
}

Test(plan_check, compile_refuses_with_the_explanation)
{
	const struct verdict_case *crossed = &verdict_cases[2];
	struct graph *graph = plan_graph(crossed->graph);
	struct plan_options options = { 0 };
	struct plan *plan = NULL;
	struct error error = { 0 };
	struct strbuf text = STRBUF_INIT;
	cr_expect_eq(plan_compile(graph, &options, &text, &error, &plan), STATUS_DEADLOCK);
	cr_expect_null(plan);
	cr_expect_str_eq(strbuf_text(&text), crossed->verdict, "'%s'", strbuf_text(&text));
	cr_expect(strstr(error.text, "can deadlock") && strstr(error.text, "'b2'"), "'%s'", error.text);
	strbuf_finish(&text);
	graph_destroy(graph);
}

/* Each hop of a cycle must be true of the plan, and the hops must join. */
static void check_hops(const struct plan *plan, const struct plan_verdict *verdict, unsigned seed)
{
	const struct graph *graph = plan->graph;
	for (int i = 0; i < verdict->n_hops; i++) {
		const struct plan_hop *hop = &verdict->hops[i], *next = &verdict->hops[(i + 1) % verdict->n_hops];
		bool is_true = false;
		switch (hop->kind) {
		case PLAN_PLACE_ORDER:
			is_true = graph->nodes[hop->from].worker_idx == hop->detail &&
				  graph->nodes[hop->to].worker_idx == hop->detail;
			break;
		case PLAN_PLACE_DATA:
			is_true = graph->edges[hop->detail].src == hop->from && graph->edges[hop->detail].dst == hop->to;
			break;
		case PLAN_PLACE_CAPACITY:
			is_true = plan->channels[hop->detail].node == hop->to;
			break;
		case PLAN_PLACE_RENDEZVOUS:
			is_true = graph->nodes[hop->from].collective_idx == hop->detail &&
				  graph->nodes[hop->to].collective_idx == hop->detail;
			break;
		case PLAN_PLACE_IN_FLIGHT:
			is_true = hop->from == GRAPH_INPUT && hop->to == GRAPH_OUTPUT;
			break;
		}
		cr_expect(is_true, "seed %u: hop %d of kind %d", seed, i, (int)hop->kind);
		cr_expect_eq(
			hop->to, next->from, "seed %u: hop %d leads to %d, the next from %d", seed, i, hop->to, next->from);
	}
}

/* Live exactly when the game goes on for ever with the worst of callers. A plan that is refused for its depths stands still
 * under a caller that submits what it asked for. */
Test(plan_check, random_plans_against_the_game)
{
	int n_live = 0, n_stuck = 0, n_repaired = 0;
	for (unsigned seed = 0; seed < 3000; seed++) {
		struct graph *graph = plan_graph_random(seed, 14, 4);
		struct plan_options options = { .in_flight = 1 + (int)(seed % 6) };
		struct plan *plan = NULL;
		if (plan_make(graph, &options, NULL, &plan) != STATUS_OK) {
			graph_destroy(graph);
			continue;
		}
		struct plan_verdict verdict;
		cr_assert_eq(plan_check(plan, &verdict), STATUS_OK);
		struct plan_game game = { .n_passes = 2 * plan->in_flight_asked + 3, .is_greedy = true, .frozen_node = -1,
			.in_flight = verdict.is_live ? plan->in_flight : plan->in_flight_asked };
		int n = plan_play(plan, &game, 0).n_finished;
		cr_expect_eq(verdict.is_live, n == game.n_passes, "seed %u: live %d, but %d of %d finished", seed,
			verdict.is_live, n, game.n_passes);
		check_hops(plan, &verdict, seed);
		n_live += verdict.is_live;
		n_stuck += !verdict.is_live;
		n_repaired += verdict.repair != NULL;
		plan_verdict_finish(&verdict);
		plan_destroy(plan);
		graph_destroy(graph);
	}
	cr_expect(n_live > 1000 && n_stuck > 200 && n_repaired > 100,
		"%d live, %d stuck, %d repaired: too few to mean anything", n_live, n_stuck, n_repaired);
}

Test(plan_check, prints_plans)
{
	static const char *const parts[] = {"test: 3 nodes, 4 edges, 2 workers, 4 executions in flight\n",
		"w1 on cpu:0, 5 steps a pass", "forwards slot of a.0", "overwrites slot of a.0", "4 channels"};
	struct graph *graph = plan_graph(
		"node a w0 copy; node f w1 forward; node b w1 scale; edge input a; edge a f; edge f b; edge b output");
	struct plan *plan = plan_of(graph, 0);
	struct strbuf text = STRBUF_INIT;
	plan_print(plan, &text);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		cr_expect(strstr(strbuf_text(&text), parts[i]), "'%s' is not in\n%s", parts[i], strbuf_text(&text));
	strbuf_finish(&text);
	plan_destroy(plan);
	graph_destroy(graph);
}
