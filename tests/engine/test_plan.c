/* SPDX-License-Identifier: Apache-2.0
 *
 * Program order, channels, storages, steps: worked cases, then properties of random plans.
 */
#include "engine/graph/plan.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/graph/plan_check.h"
#include "engine/graph/slot.h"
#include "tests/support/plan_game.h"
#include "tests/support/plan_graphs.h"

#define PAIR "node a w0 copy; node b w1 copy; edge input a; edge a b; edge b output;"

struct order_case {
	const char *name, *graph, *worker, *order;
};

Test(plan, order)
{
	static const struct order_case cases[] = {
		{"file order where all else is equal",
			"node a w0 copy; node b w0 copy; node c w0 copy; edge input a; edge input b; edge input c;"
			"edge a output; edge b output; edge c output",
			"w0", "a b c"},
		{"data before file order", "node b w0 copy; node a w0 copy; edge input a; edge a b; edge b output", "w0",
			"a b"},
		{"control before file order",
			"node b w0 copy; node a w0 copy; edge input a; edge input b; control a b; edge b output; edge a "
			"output",
			"w0", "a b"},
		{"a node that feeds another worker first",
			"node a w0 copy; node a2 w0 copy; node b w0 copy; node c w1 copy; edge input a; edge a a2; edge "
			"input b; edge b c;"
			"edge a2 output; edge c output",
			"w0", "b a a2"},
		{"the longer way first, with as many changes of worker",
			"node a w0 copy; node b w0 copy; node c w0 copy; edge input a; edge input b; edge b c; edge a "
			"output; edge c output",
			"w0", "b a c"},
		{"work that is there before work that is still to come",
			"node a w0 copy; node b w1 copy; node c w1 copy; node d w0 copy; edge input a; edge a b; edge b d; "
			"edge input c;"
			"edge d output; edge c output",
			"w1", "c b"},
		{"order forces",
			"node a w0 copy order=2; node b w0 copy order=1; edge input a; edge input b; edge a output; edge b "
			"output",
			"w0", "b a"},
		{"equal order leaves the choice",
			"node b w0 copy order=1; node a w0 copy order=1; edge input a; edge a b; edge b output", "w0",
			"a b"},
		{"nodes without order stand around those with",
			"node a w0 copy order=5; node x w0 copy; node b w0 copy order=-3; edge input x; edge x a; edge "
			"input b; edge a output;"
			"edge b output",
			"w0", "x b a"},
		{"order that data crosses between workers is kept",
			"node x w0 copy order=2; node y w1 copy; node z w0 copy order=1; edge input x; edge x y; edge y z; "
			"edge z output",
			"w0", "z x"},
		{"collectives in one order on both workers, first",
			"node a1 w0 all_reduce collective=A; node b1 w0 all_reduce collective=B; node b2 w1 all_reduce "
			"collective=B;"
			"node a2 w1 all_reduce collective=A; edge input a1; edge input b1; edge input b2; edge input a2; "
			"edge a1 output;"
			"edge b1 output; edge a2 output; edge b2 output",
			"w0", "a1 b1"},
		{"collectives in one order on both workers, second",
			"node a1 w0 all_reduce collective=A; node b1 w0 all_reduce collective=B; node b2 w1 all_reduce "
			"collective=B;"
			"node a2 w1 all_reduce collective=A; edge input a1; edge input b1; edge input b2; edge input a2; "
			"edge a1 output;"
			"edge b1 output; edge a2 output; edge b2 output",
			"w1", "a2 b2"},
		{"order on one worker moves the collectives of the other",
			"node a1 w0 all_reduce collective=A order=2; node b1 w0 all_reduce collective=B order=1; node b2 w1 "
			"all_reduce collective=B;"
			"node a2 w1 all_reduce collective=A; edge input a1; edge input b1; edge input b2; edge input a2; "
			"edge a1 output;"
			"edge b1 output; edge a2 output; edge b2 output",
			"w1", "b2 a2"},
		{"the driver", PAIR, "driver", "input output"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[500];
		struct graph *graph = plan_graph(cases[i].graph);
		struct plan *plan = plan_of(graph, 0);
		plan_order_text(plan, cases[i].worker, text, sizeof text);
		cr_expect_str_eq(text, cases[i].order, "%s: '%s', expected '%s'", cases[i].name, text, cases[i].order);
		plan_destroy(plan);
		graph_destroy(graph);
	}
}

struct mistake_case {
	const char *name, *graph, *text;
};

Test(plan, mistakes)
{
	static const struct mistake_case cases[] = {
		{"order against data",
			"node a w0 copy order=2; node b w0 copy order=1; edge input a; edge a b; edge b output",
			"graph:1: node 'a': order=2 puts it after 'b' (line 2, order=1) on worker w0, which needs its "
			"result; "
			"give 'a' the smaller order"},
		{"order against data through a node without order",
			"node a w0 copy order=2; node x w0 copy; node b w0 copy order=1; edge input a; edge a x; edge x b; "
			"edge b output",
			"graph:1: node 'a': order=2 puts it after 'b' (line 3, order=1) on worker w0, which needs its "
			"result; "
			"give 'a' the smaller order"},
		{"order against control",
			"node a w0 copy order=2; node b w0 copy order=1; edge input a; edge input b; control a b; edge a "
			"output; edge b output",
			"graph:1: node 'a': order=2 puts it after 'b' (line 2, order=1) on worker w0, which needs its "
			"result; "
			"give 'a' the smaller order"},
		{"local between workers", "node a w0 copy; node b w1 copy; edge input a; edge a b local; edge b output",
			"graph:4: edge a.0->b.0: transport=local cannot lead from worker w0 to worker w1; leave it out or "
			"give transport=shm"},
		{"local from the driver", "node a w0 copy; edge input a local; edge a output",
			"graph:2: edge input.0->a.0: transport=local cannot lead from worker driver to worker w0; leave it "
			"out or give "
			"transport=shm"},
		{"more slots than memory", "node a w0 copy size=1000000000 depth=1000000; edge input a; edge a output",
			"graph:1: node 'a': its slots (1000000 of 4000000000 bytes) are more than can be mapped; give "
			"smaller bounds, less depth or "
			"fewer executions in flight"},
		{"depth without end", "node a w0 copy depth=2000000; edge input a; edge a output",
			"graph:1: node 'a': depth=2000000 is more than the 1048576 slots that a channel can have"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct graph *graph = plan_graph(cases[i].graph);
		struct plan_options options = { 0 };
		struct error error = { 0 };
		struct plan *plan = NULL;
		int status = plan_make(graph, &options, &error, &plan);
		cr_expect_eq(status, STATUS_GRAPH, "%s: status %s", cases[i].name, status_word(status));
		cr_expect_null(plan, "%s: there is a plan", cases[i].name);
		cr_expect_str_eq(
			error.text, cases[i].text, "%s:\n'%s', expected\n'%s'", cases[i].name, error.text, cases[i].text);
		graph_destroy(graph);
	}
}

struct storage_case {
	const char *name, *graph;
	const char *node;      /* whose output 0 is looked at */
	const char *storage;   /* whose output 0 carries it */
	bool is_overwritten;
	enum transport transport;
	int depth;
	const char *releasers; /* of the storage */
};

static const struct storage_case storage_cases[] = {
	{"own slots between workers", PAIR, "a", "a", false, TRANSPORT_SHM, 4, "w1"},
	{"input to a worker", PAIR, "input", "input", false, TRANSPORT_SHM, 4, "w0"},
	{"worker to output", PAIR, "b", "b", false, TRANSPORT_SHM, 4, "driver"},
	{"one worker", "node a w0 copy; node b w0 copy; edge input a; edge a b; edge b output", "a", "a", false,
		TRANSPORT_LOCAL, 1, "w0"},
	{"one worker, shm asked for", "node a w0 copy; node b w0 copy; edge input a; edge a b shm; edge b output",
		"a", "a", false, TRANSPORT_SHM, 1, "w0"},
	{"one worker, depth given", "node a w0 copy depth=3; node b w0 copy; edge input a; edge a b; edge b output",
		"a", "a", false, TRANSPORT_LOCAL, 3, "w0"},
	{"readers here and there",
		"node a w0 copy; node b w0 copy; node c w1 copy; edge input a; edge a b; edge a c; edge b output; "
		"edge c output",
		"a", "a", false, TRANSPORT_SHM, 4, "w0 w1"},
	{"forward on the way",
		"node a w0 copy; node f w1 forward; node c w2 copy; edge input a; edge a f; edge f c; edge c output",
		"f", "a", false, TRANSPORT_SHM, 6, "w2"},
	{"forward there and back",
		"node a w0 copy; node f w1 forward; node c w0 copy; edge input a; edge a f; edge f c; edge c output",
		"f", "a", false, TRANSPORT_SHM, 1, "w0"},
	{"forward of the input", "node f w0 forward; node c w0 copy; edge input f; edge f c; edge c output", "f",
		"input", false, TRANSPORT_SHM, 2, "w0"},
	{"two forwards",
		"node a w0 copy; node f w0 forward; node g w0 forward; node c w0 copy; edge input a; edge a f; edge "
		"f g;"
		"edge g c; edge c output",
		"g", "a", false, TRANSPORT_LOCAL, 1, "w0"},
	{"forward to a larger output",
		"node a w0 copy; node f w0 forward size=9; edge input a; edge a f; edge f output", "f", "f", false,
		TRANSPORT_SHM, 2, "driver"},
	{"forward beside a reader",
		"node a w0 copy; node f w1 forward; node c w2 copy; node d w3 copy; edge input a; edge a f; edge a "
		"d;"
		"edge f c; edge c output; edge d output",
		"f", "a", false, TRANSPORT_SHM, 8, "w2 w3"},
	{"forward that only control follows",
		"node a w0 copy; node f w1 forward; node c w1 copy; edge input a; edge a f; edge a c;"
		"control f output; edge c output",
		"a", "a", false, TRANSPORT_SHM, 4, "w1"},
	{"in place, only reader", "node a w0 copy; node s w1 scale; edge input a; edge a s; edge s output", "s", "a",
		true, TRANSPORT_SHM, 4, "driver"},
	{"in place over a forward",
		"node a w0 copy; node f w0 forward; node s w0 scale; node c w0 copy; edge input a; edge a f;"
		"edge f s; edge s c; edge c output",
		"s", "a", true, TRANSPORT_LOCAL, 1, "w0"},
	{"in place, another reader",
		"node a w0 copy; node s w0 scale; node c w0 copy; edge input a; edge a s; edge a c; edge s output;"
		"edge c output",
		"s", "s", false, TRANSPORT_SHM, 2, "driver"},
	{"in place, the caller reads too",
		"node a w0 copy; node s w0 scale; edge input a; edge a s; edge a output; edge s output", "s", "s",
		false, TRANSPORT_SHM, 2, "driver"},
	{"in place, another reader before the forward",
		"node a w0 copy; node f w0 forward; node s w0 scale; node c w0 copy; edge input a;"
		"edge a f; edge a c; edge f s; edge s output; edge c output",
		"s", "s", false, TRANSPORT_SHM, 2, "driver"},
	{"in place over the input", "node s w0 scale; edge input s; edge s output", "s", "input", true,
		TRANSPORT_SHM, 2, "driver"},
	{"depth of the storage counts for the group",
		"node a w0 copy depth=7; node f w1 forward depth=9; node c w1 copy; edge input a;"
		"edge a f; edge f c; edge c output",
		"f", "a", false, TRANSPORT_SHM, 7, "w1"},
	{"depth of who shares counts where the storage has none",
		"node a w0 copy; node f w1 forward depth=9; node c w1 copy;"
		"edge input a; edge a f; edge f c; edge c output",
		"a", "a", false, TRANSPORT_SHM, 9, "w1"},
};

Test(plan, storages)
{
	for (size_t i = 0; i < ARRAY_LEN(storage_cases); i++) {
		const struct storage_case *c = &storage_cases[i];
		struct graph *graph = plan_graph(c->graph);
		struct plan *plan = plan_of(graph, 0);
		const struct plan_channel *channel = &plan->channels[plan_channel_of(plan, c->node, 0)];
		const struct plan_channel *storage = &plan->channels[channel->storage];
		char releasers[100] = "";
		for (int r = 0; r < storage->n_releasers; r++)
			snprintf(releasers + strlen(releasers), sizeof releasers - strlen(releasers), "%s%s", r ? " " : "",
				graph->workers[storage->releasers[r]].name);
		cr_expect_str_eq(graph->nodes[storage->node].name, c->storage, "%s: storage '%s', expected '%s'", c->name,
			graph->nodes[storage->node].name, c->storage);
		cr_expect_eq(
			channel->is_overwritten, c->is_overwritten, "%s: overwritten %d", c->name, channel->is_overwritten);
		cr_expect_eq(
			channel->transport, c->transport, "%s: transport %s", c->name, transport_word(channel->transport));
		cr_expect_eq(channel->depth, c->depth, "%s: depth %d, expected %d", c->name, channel->depth, c->depth);
		cr_expect_str_eq(
			releasers, c->releasers, "%s: released by '%s', expected '%s'", c->name, releasers, c->releasers);
		plan_destroy(plan);
		graph_destroy(graph);
	}
}

struct steps_case {
	const char *name, *graph, *worker, *steps;
};

Test(plan, steps)
{
	static const struct steps_case cases[] = {
		{"the driver", PAIR, "driver",
			"reserve input, compute input, write input, read b, compute output, release b"},
		{"a pair, writer", PAIR, "w0", "read input, reserve a, compute a, release input, write a"},
		{"a pair, reader", PAIR, "w1", "read a, reserve b, compute b, release a, write b"},
		{"inside a worker", "node a w0 copy; node b w0 copy; edge input a; edge a b; edge b output", "w0",
			"read input, compute a, release input, write a, reserve b, compute b, write b"},
		{"one read, released after the last reader",
			"node a w0 copy; node b w0 copy; edge input a; edge input b; edge a b; edge b output", "w0",
			"read input, compute a, write a, reserve b, compute b, release input, write b"},
		{"several inputs and outputs",
			"node s w0 split; node j w1 join; edge input s; edge s:0 j; edge s:1 j; edge input:1 j; edge j "
			"output",
			"w1",
			"read s, read s.1, read input.1, reserve j, compute j, release s, release s.1, release input.1, "
			"write j"},
		{"an output without a reader has no channel", "node s w0 split; edge input s; edge s:1 output", "w0",
			"read input, reserve s.1, compute s, release input, write s.1"},
		{"one input twice", "node j w0 join; edge input j; edge input j; edge j output", "w0",
			"read input, reserve j, compute j, release input, write j"},
		{"control between workers is one channel",
			"node a w0 copy; node b w1 copy; node c w1 copy; edge input a; edge input b; edge input c; control "
			"a b; control a c;"
			"edge a output; edge b output; edge c output",
			"w1",
			"read input, read a!, reserve b, compute b, write b, reserve c, compute c, release input, release "
			"a!, write c"},
		{"control inside a worker moves nothing",
			"node a w0 copy; node b w0 copy; edge input a; edge input b; control a b; edge a output; edge b "
			"output",
			"w0", "read input, reserve a, compute a, write a, reserve b, compute b, release input, write b"},
		{"control to the caller",
			"node a w0 copy; node b w0 copy; edge input a; edge input b; control a output; edge b output",
			"driver",
			"reserve input, compute input, write input, read a!, read b, compute output, release a!, release b"},
		{"forward passes the slot on",
			"node a w0 copy; node f w1 forward; node c w2 copy; edge input a; edge a f; edge f c; edge c output",
			"w1", "read a, compute f, write f"},
		{"who reads what was forwarded releases the storage",
			"node a w0 copy; node f w1 forward; node c w2 copy; edge input a; edge a f; edge f c; edge c output",
			"w2", "read f, reserve c, compute c, release a, write c"},
		{"input straight to output", "node a w0 copy; edge input output; edge input a; edge a output", "driver",
			"reserve input, compute input, write input, read input, read a, compute output, release input, "
			"release a"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[1000];
		struct graph *graph = plan_graph(cases[i].graph);
		struct plan *plan = plan_of(graph, 0);
		plan_steps_text(plan, cases[i].worker, text, sizeof text);
		cr_expect_str_eq(text, cases[i].steps, "%s:\n'%s', expected\n'%s'", cases[i].name, text, cases[i].steps);
		plan_destroy(plan);
		graph_destroy(graph);
	}
}

Test(plan, sizes)
{
	struct graph *graph = plan_graph(
		"node a w0 copy size=10; node f w1 forward size=10; node b w1 copy size=100; edge input a; edge a f;"
		"edge f b; edge b output");
	struct plan *plan = plan_of(graph, 3);
	int a = plan_channel_of(plan, "a", 0), f = plan_channel_of(plan, "f", 0), b = plan_channel_of(plan, "b", 0);
	cr_expect_eq(plan_slot_bytes(&plan->channels[a]), slot_bytes(40), "%zu", plan_slot_bytes(&plan->channels[a]));
	cr_expect_eq(plan_channel_bytes(plan, a), 3 * 128, "%zu", plan_channel_bytes(plan, a));
	cr_expect_eq(plan_channel_bytes(plan, f), 3 * 64, "a header for each slot: %zu", plan_channel_bytes(plan, f));
	cr_expect_eq(plan_channel_bytes(plan, b), 3 * 448, "%zu", plan_channel_bytes(plan, b));
	cr_expect_eq(plan_total_bytes(plan), 3 * (64 + 128 + 64 + 448), "%zu", plan_total_bytes(plan));
	plan_destroy(plan);
	graph_destroy(graph);
}

/* What must hold for each plan: edges inside a worker go forward, channels come after what they share, the game finishes
 * without a slot being written too early, and an overwriting node is the only one that reads. */
static void check_plan(const struct plan *plan, unsigned seed)
{
	const struct graph *graph = plan->graph;
	for (int i = 0; i < graph->n_edges; i++) {
		const struct graph_edge *edge = &graph->edges[i];
		bool is_near = graph->nodes[edge->src].worker_idx == graph->nodes[edge->dst].worker_idx;
		cr_expect(!is_near || edge->is_peer || plan->positions[edge->src] < plan->positions[edge->dst],
			"seed %u: %s -> %s", seed, graph->nodes[edge->src].name, graph->nodes[edge->dst].name);
	}
	for (int w = 0; w < graph->n_workers; w++) {
		int64_t last = INT64_MIN;
		for (int i = 0; i < plan->workers[w].n_nodes; i++) {
			const struct graph_node *node = &graph->nodes[plan->workers[w].nodes[i]];
			cr_expect(!node->has_order || node->order >= last, "seed %u: %s has order %d behind %d", seed,
				node->name, (int)node->order, (int)last);
			last = node->has_order ? node->order : last;
		}
	}
	for (int i = 0; i < plan->n_channels; i++) {
		const struct plan_channel *channel = &plan->channels[i];
		cr_expect(channel->storage <= i && channel->depth >= 1, "seed %u: channel %d", seed, i);
		if (!channel->is_overwritten)
			continue;
		int source = plan->edge_channels[graph->nodes[channel->node].input_edges[0]];
		cr_expect_eq(plan->channels[source].n_readers, 1, "seed %u: %d readers of what '%s' overwrites", seed,
			plan->channels[source].n_readers, graph->nodes[channel->node].name);
	}
}

Test(plan, random_plans_hold_together)
{
	int n_plans = 0, n_finished = 0;
	for (unsigned seed = 0; seed < 1500; seed++) {
		struct graph *graph = plan_graph_random(seed, 14, 4);
		struct plan_options options = { .in_flight = (int)(seed % 6) };
		struct plan *plan = NULL;
		if (plan_make(graph, &options, NULL, &plan) == STATUS_OK) {
			check_plan(plan, seed);
			struct plan_game game = {
				.n_passes = 3 * plan->in_flight + 4, .in_flight = plan->in_flight, .frozen_node = -1};
			struct plan_outcome outcome = plan_play(plan, &game, 0);
			cr_expect_eq(outcome.n_violations, 0, "seed %u: %d violations", seed, outcome.n_violations);
			n_finished += outcome.n_finished == game.n_passes;
			n_plans++;
		}
		plan_destroy(plan);
		graph_destroy(graph);
	}
	cr_expect(n_plans > 1000 && n_finished > 800, "%d plans, %d that finish: too few to mean anything", n_plans,
		n_finished);
}

Test(plan, without_order_and_crossing_every_plan_is_live)
{
	for (unsigned seed = 0; seed < 400; seed++) {
		struct graph *graph = plan_graph_random(seed, 30, 4);
		bool is_free = graph->n_collectives == 0;
		for (int i = 0; i < graph->n_nodes; i++)
			graph->nodes[i].has_order = false;
		struct plan *plan = plan_of(graph, 0);
		struct plan_verdict verdict;
		cr_assert_eq(plan_check(plan, &verdict), STATUS_OK);
		cr_expect(!is_free || verdict.is_live, "seed %u can deadlock", seed);
		plan_verdict_finish(&verdict);
		plan_destroy(plan);
		graph_destroy(graph);
	}
}

Test(plan, same_graph_same_plan)
{
	for (unsigned seed = 0; seed < 50; seed++) {
		char first[4000], second[4000];
		struct graph *graph = plan_graph_random(seed, 40, 3);
		for (int i = 0; i < graph->n_nodes; i++)
			graph->nodes[i].has_order = false;
		struct plan *a = plan_of(graph, 0), *b = plan_of(graph, 0);
		for (int w = 0; w < graph->n_workers; w++) {
			plan_steps_text(a, graph->workers[w].name, first, sizeof first);
			plan_steps_text(b, graph->workers[w].name, second, sizeof second);
			cr_expect_str_eq(first, second, "seed %u: '%s' and '%s'", seed, first, second);
		}
		plan_destroy(a);
		plan_destroy(b);
		graph_destroy(graph);
	}
}

/* A chain over eight workers with shortcuts: big enough to notice when something is quadratic. */
Test(plan, ten_thousand_nodes)
{
	struct graph *graph = plan_graph("");
	char name[32];
	int n = 10000;
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof name, "w%d", i);
		graph_add_worker(graph, name, NULL, 0);
	}
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof name, "n%d", i);
		graph_add_node(graph, name, "none", 1 + i % 8, 0);
		graph_add_edge(graph, i ? i + 1 : GRAPH_INPUT, i + 2, NULL, NULL, true, 0);
		graph_add_edge(graph, i > 100 ? i - 90 : GRAPH_INPUT, i + 2, NULL, NULL, true, 0);
	}
	graph_add_edge(graph, n + 1, GRAPH_OUTPUT, NULL, NULL, true, 0);
	struct plan *plan = plan_of(graph, 0);
	struct plan_verdict verdict;
	cr_assert_eq(plan_check(plan, &verdict), STATUS_OK);
	cr_expect(verdict.is_live);
	cr_expect_eq(plan->workers[8].n_nodes, n / 8, "%d nodes on the last worker", plan->workers[8].n_nodes);
	plan_verdict_finish(&verdict);
	plan_destroy(plan);
	graph_destroy(graph);
}
