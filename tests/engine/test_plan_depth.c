/* SPDX-License-Identifier: Apache-2.0
 *
 * Depths: worked cases, and against the game: with everything else unlimited, a frozen reader lets the writer run ahead by
 * exactly the depth that was picked.
 */
#include "engine/graph/plan_depth.h"

#include <criterion/criterion.h>

#include "engine/base/attributes.h"
#include "tests/support/plan_game.h"
#include "tests/support/plan_graphs.h"

struct depth_case {
	const char *name, *graph;
	int in_flight;
	const char *node; /* NULL: the executions in flight */
	int expected;
};

Test(plan_depth, cases)
{
	static const char pair[] = "node a w0 copy; node b w1 copy; edge input a; edge a b; edge b output";
	static const char there_and_back[] =
		"node a w0 copy; node b w1 copy; node c w0 copy; edge input a; edge a b; edge b c; edge c output";
	static const char given[] =
		"depth 1; node a w0 copy depth=1; node b w1 copy depth=1; edge input a; edge a b; edge b output";
	static const char given_output[] = "node a w0 copy; node b w1 copy depth=1; edge input a; edge a b; edge b output";
	static const struct depth_case cases[] = {
		{"in flight limits", pair, 5, "a", 5},
		{"default in flight: two a worker", pair, 0, "a", 4},
		{"one in flight", pair, 1, "a", 1},
		{"input", pair, 5, "input", 5},
		{"results", pair, 5, "b", 5},
		{"a worker that waits for the reader in each pass", there_and_back, 8, "a", 1},
		{"the way back as well", there_and_back, 8, "b", 1},
		{"given depths are kept", given, 8, "a", 1},
		{"given depths limit the executions", given, 8, NULL, 3},
		{"but not more than asked for", given, 2, NULL, 2},
		{"picked ones do not", pair, 8, NULL, 8},
		{"a given one alone does not, where the input has room", given_output, 8, NULL, 8},
		{"nothing to gain before a given one that stands in the way",
			"depth 1; node y w0 copy depth=1 order=1; node z w0 copy order=2; edge input y; edge input:1 z; "
			"edge y output; edge z output",
			4, "z", 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct graph *graph = plan_graph(cases[i].graph);
		struct plan *plan = plan_of(graph, cases[i].in_flight);
		int depth = cases[i].node ? plan->channels[plan_channel_of(plan, cases[i].node, 0)].depth : plan->in_flight;
		cr_expect_eq(depth, cases[i].expected, "%s: %d, expected %d", cases[i].name, depth, cases[i].expected);
		plan_destroy(plan);
		graph_destroy(graph);
	}
}

/* How far the writer of `storage` gets while each of its last readers in turn does not compute. */
static int most_ahead(const struct plan *plan, int storage, bool has_free_slots)
{
	int most = 0;
	for (int w = 0; w < plan->graph->n_workers; w++) {
		for (int i = 0; i < plan->workers[w].n_steps; i++) {
			const struct plan_step *step = &plan->workers[w].steps[i];
			if (step->kind != PLAN_STEP_RELEASE || step->channel != storage)
				continue;
			struct plan_game game = {.n_passes = 2 * plan->in_flight_asked + 2,
				.in_flight = plan->in_flight_asked,
				.frozen_node = step->node,
				.has_free_slots = has_free_slots};
			int n = plan_play(plan, &game, storage).n_written;
			most = n > most ? n : most;
		}
	}
	return most;
}

static bool finishes(const struct plan *plan)
{
	struct plan_game game = { .n_passes = 2 * plan->in_flight + 3, .in_flight = plan->in_flight, .frozen_node = -1 };
	return plan_play(plan, &game, 0).n_finished == game.n_passes;
}

Test(plan_depth, picked_depth_is_what_the_writer_can_use)
{
	int n_picked = 0, n_above_one = 0;
	for (unsigned seed = 0; seed < 600; seed++) {
		struct graph *graph = plan_graph_random(seed, 12, 4);
		struct plan_options options = { .in_flight = 1 + (int)(seed % 5) };
		struct plan *plan = NULL;
		bool is_usable = plan_make(graph, &options, NULL, &plan) == STATUS_OK && finishes(plan);
		for (int i = 0; is_usable && i < plan->n_channels; i++) {
			const struct plan_channel *channel = &plan->channels[i];
			if (channel->storage != i || channel->transport == TRANSPORT_LOCAL || channel->depth_is_given)
				continue;
			int unlimited = most_ahead(plan, i, true), limited = most_ahead(plan, i, false);
			cr_expect_eq(channel->depth, unlimited, "seed %u, '%s': depth %d, could use %d", seed,
				graph->nodes[channel->node].name, channel->depth, unlimited);
			cr_expect_eq(limited, unlimited, "seed %u, '%s': %d ahead, %d without limits", seed,
				graph->nodes[channel->node].name, limited, unlimited);
			n_picked++;
			n_above_one += channel->depth > 1;
		}
		plan_destroy(plan);
		graph_destroy(graph);
	}
	cr_expect(n_picked > 1000 && n_above_one > 500, "%d picked, %d above one: too few to mean anything", n_picked,
		n_above_one);
}

/* The number in flight is what a caller can reach that takes no result: it is submitted until nothing moves. */
Test(plan_depth, in_flight_is_what_the_slots_hold)
{
	int n_lowered = 0;
	for (unsigned seed = 0; seed < 600; seed++) {
		struct graph *graph = plan_graph_random(seed, 8, 3);
		struct plan_options options = { .in_flight = 6 };
		struct plan *plan = NULL;
		if (plan_make(graph, &options, NULL, &plan) == STATUS_OK && finishes(plan)) {
			struct plan_game game = { .n_passes = 20, .in_flight = 6, .frozen_node = GRAPH_OUTPUT };
			int input = 0;
			while (input < plan->n_channels && plan->channels[input].node != GRAPH_INPUT)
				input++;
			int n = input < plan->n_channels ? plan_play(plan, &game, input).n_written : 6;
			cr_expect_eq(n, plan->in_flight, "seed %u: %d submitted, in flight %d", seed, n, plan->in_flight);
			n_lowered += plan->in_flight < 6;
		}
		plan_destroy(plan);
		graph_destroy(graph);
	}
	cr_expect(n_lowered > 20, "only %d with given depths that limit", n_lowered);
}
