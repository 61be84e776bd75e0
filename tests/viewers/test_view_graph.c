/* SPDX-License-Identifier: Apache-2.0
 *
 * The views of the graph and of the plan: screens, moving along edges, live states, any actions at any size.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/viewers/two_runs.h"
#include "viewers/live.h"

/* Beside the chain input → n0 → n1 → n2 → n3 → output: what makes it a graph. */
#define EDGE(name, src, dst, output)                                                                                             \
	"INSERT INTO edge(run, idx, name, src, dst, src_output, is_peer) SELECT a.run, 99, '" name "', a.id, b.id, " output ", 0"  \
	" FROM node a JOIN node b USING(run) WHERE a.run = 1 AND a.name = '" src "' AND b.name = '" dst "';"
#define MORE_EDGES                                                                                                                \
	EDGE("input.mask->n2.mask", "input", "n2", "1") EDGE("n0->n3.control", "n0", "n3", "NULL") EDGE("n1->n3.skip", "n1", "n3", "0") \
	"UPDATE node SET collective = 'sum' WHERE name = 'n3'"

static const struct two_runs_options plain = { .n_executions = 40, .n_runs = 1, .sql = MORE_EDGES };

static unsigned draw(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 8) % n;
}

static const char *selected_name(const struct two_runs *runs)
{
	const struct timeline *timeline = session_timeline(runs->session);
	const struct session_selection *selection = &runs->session->selection;
	if (selection->edge >= 0)
		return timeline->edges[selection->edge].name;
	return selection->node >= 0 ? timeline->nodes[selection->node].name : "";
}

static void act(struct two_runs *runs, enum action action, const char *expected)
{
	cr_assert(two_runs_act(runs, action), "'%s' means nothing", action_info(action)->name);
	two_runs_draw(runs, 120, 40);
	cr_assert_str_eq(selected_name(runs), expected, "'%s' selects %s, not %s", action_info(action)->name, selected_name(runs), expected);
}

/* -- screens ------------------------------------------------------------------------------------------------------------------ */

Test(view_graph, screens)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_graph);
	two_runs_golden(&runs, "graph", 80, 24, true);
	two_runs_golden(&runs, "graph", 120, 40, true);
	two_runs_golden(&runs, "graph", 200, 60, true);
	session_select_node(runs.session, 0, 4);
	two_runs_golden(&runs, "graph-node", 120, 40, true);
	two_runs_act(&runs, ACTION_PRODUCER);
	two_runs_golden(&runs, "graph-edge", 120, 40, true);
	two_runs_act(&runs, ACTION_BACK);
	two_runs_act(&runs, ACTION_ZOOM_OUT);
	two_runs_golden(&runs, "graph-compact", 80, 24, false);
	two_runs_act(&runs, ACTION_SORT);
	two_runs_golden(&runs, "graph-free", 80, 24, false);
	two_runs_close(&runs);
}

Test(view_graph, screens_of_odd_traces)
{
	static const struct {
		const char *name;
		struct two_runs_options options;
	} cases[] = {
		{ "graph-unrecorded", { .n_executions = 0, .n_runs = 1, .sql = MORE_EDGES } },
		{ "graph-names", { .n_executions = 20, .n_runs = 1,
			.sql = "UPDATE node SET name = 'encoder_layer_with_a_long_name_' || idx WHERE idx = 2;"
			"UPDATE node SET name = '層の名前が長い場合' WHERE idx = 3;"
			"UPDATE node SET name = 'a' || char(27) || '[31mb' WHERE idx = 4" } },
		{ "graph-circle", { .n_executions = 20, .n_runs = 1,
			.sql = EDGE("n2->n1.back", "n2", "n1", "0") EDGE("n2->n2.own", "n2", "n2", "0") } },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct two_runs runs = { 0 };
		two_runs_open(&runs, &cases[i].options, &view_graph);
		two_runs_golden(&runs, cases[i].name, 80, 24, false);
		two_runs_close(&runs);
	}
}

Test(view_plan, screens)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_plan);
	two_runs_golden(&runs, "plan", 80, 24, true);
	session_select_node(runs.session, 0, 4);
	two_runs_golden(&runs, "plan", 120, 40, true);
	two_runs_golden(&runs, "plan", 200, 60, true);
	two_runs_close(&runs);
	const struct two_runs_options none = { .n_executions = 20, .n_runs = 1, .sql = "DELETE FROM plan_step" };
	two_runs_open(&runs, &none, &view_plan);
	two_runs_golden(&runs, "plan-none", 80, 24, false);
	two_runs_close(&runs);
}

/* -- moving about -------------------------------------------------------------------------------------------------------------- */

Test(view_graph, arrows_go_along_edges)
{
	static const char *const down[] = { "input", "n0", "n1", "n2", "n3", "output" };
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_graph);
	two_runs_draw(&runs, 120, 40);
	for (size_t i = 0; i < ARRAY_LEN(down); i++)
		act(&runs, ACTION_DOWN, down[i]);
	act(&runs, ACTION_DOWN, "output");
	for (size_t i = ARRAY_LEN(down) - 1; i-- > 0;)
		act(&runs, ACTION_UP, down[i]);
	two_runs_close(&runs);
}

Test(view_graph, braces_go_through_edges)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_graph);
	two_runs_draw(&runs, 120, 40);
	session_select_node(runs.session, 0, 5);
	two_runs_draw(&runs, 120, 40);
	const char *first = selected_name(&runs);
	cr_assert_str_eq(first, "n3");
	cr_assert(two_runs_act(&runs, ACTION_PRODUCER));
	const char *edges[3];
	for (int i = 0; i < 3; i++) {
		edges[i] = selected_name(&runs);
		cr_assert(strstr(edges[i], "->n3"), "%s does not lead into n3", edges[i]);
		two_runs_act(&runs, ACTION_PRODUCER);
	}
	cr_assert(edges[0] != edges[1] && edges[1] != edges[2] && edges[0] != edges[2], "%s, %s, %s", edges[0], edges[1], edges[2]);
	cr_assert_str_eq(selected_name(&runs), edges[0], "after three edges comes %s, not %s again", selected_name(&runs), edges[0]);
	act(&runs, ACTION_BACK, "n3");
	act(&runs, ACTION_CONSUMER, "n3->output");
	act(&runs, ACTION_DOWN, "output");
	two_runs_close(&runs);
}

Test(view_plan, moves_and_shares_the_selection)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_plan);
	two_runs_draw(&runs, 120, 40);
	session_select_node(runs.session, 0, 4);
	two_runs_draw(&runs, 120, 40);
	cr_assert(two_runs_shows(&runs, "compute for n2 on w1"), "the cursor did not follow the selection");
	two_runs_act(&runs, ACTION_TOP);
	two_runs_draw(&runs, 120, 40);
	cr_assert(two_runs_shows(&runs, "step 1 of"), "not at the first step");
	cr_assert(two_runs_act(&runs, ACTION_PRODUCER));
	two_runs_draw(&runs, 120, 40);
	cr_assert(two_runs_shows(&runs, "on w0, step"), "the other end of the first read is not on w0");
	cr_assert_str_eq(selected_name(&runs), "n1", "selected: %s", selected_name(&runs));
	two_runs_close(&runs);
}

/* -- a run that goes on --------------------------------------------------------------------------------------------------------- */

Test(view_graph, live_states)
{
	struct two_runs runs = { 0 };
	struct live_worker workers[] = {
		{ LIVE_IDLE, TIMELINE_NONE, TIMELINE_NONE, TIMELINE_NONE, TIMELINE_NONE, 0 },
		{ LIVE_COMPUTING, 3, TIMELINE_NONE, TIMELINE_NONE, 118, 0 },
		{ LIVE_STARVED, 4, 2, 1, 118, 1200000000 },
	};
	struct live live = { .workers = workers, .n_workers = 3, .goes_on = true, .n_wanted = 200, .n_submitted = 120, .n_finished = 118,
		.elapsed_ns = 1000000000 };
	two_runs_open(&runs, &plain, &view_graph);
	runs.session->live = &live;
	session_select_node(runs.session, 0, 4);
	two_runs_golden(&runs, "graph-live", 120, 40, false);
	char text[300];
	live_describe(session_timeline(runs.session), &workers[2], text, sizeof(text));
	cr_assert(strstr(text, "starved 1.20 s for ") && strstr(text, " from w0, execution 118"), "'%s'", text);
	live_describe(session_timeline(runs.session), &workers[1], text, sizeof(text));
	cr_assert_str_eq(text, "computing n1, execution 118");
	cr_assert(!live_may_quit(runs.session), "a run that goes on is left without a question");
	cr_assert(strstr(runs.session->status, "q again"), "the question is '%s'", runs.session->status);
	cr_assert(live_may_quit(runs.session), "it is asked twice");
	live.goes_on = live.was_asked = false;
	cr_assert(live_may_quit(runs.session), "a run that has ended is not left without a question");
	runs.session->live = NULL;
	cr_assert(live_may_quit(runs.session), "no run is left without a question");
	two_runs_close(&runs);
}

Test(view_graph, live_strip)
{
	struct two_runs runs = { 0 };
	struct live_worker workers[9] = { { 0 } };
	struct live live = { .workers = workers, .n_workers = 9, .goes_on = true, .n_wanted = 10, .n_finished = 3, .elapsed_ns = 1000000000 };
	two_runs_open(&runs, &plain, &view_graph);
	runs.session->live = &live;
	for (int i = 0; i < 9; i++)
		workers[i] = (struct live_worker){ LIVE_STARVED, 3, 1, 2, 7, (int64_t)i * 1000000000 };
	cr_assert_eq(live_rows(runs.session, 24), 3, "%d rows", live_rows(runs.session, 24));
	two_runs_draw(&runs, 100, 3);
	live_draw(runs.session, canvas_pane(&runs.canvas));
	cr_assert(two_runs_shows(&runs, "3/10 executions") && two_runs_shows(&runs, "starved 8.00 s") && two_runs_shows(&runs, "starved 7.00 s"),
		"the longest waits are not shown:\n%s", two_runs_text(&runs));
	live.goes_on = false;
	snprintf(live.verdict, sizeof(live.verdict), "worker 'w1' was killed by signal 9");
	live_draw(runs.session, canvas_pane(&runs.canvas));
	cr_assert(two_runs_shows(&runs, "was killed by signal 9"), "the verdict is not shown:\n%s", two_runs_text(&runs));
	runs.session->live = NULL;
	cr_assert_eq(live_rows(runs.session, 24), 0);
	two_runs_close(&runs);
}

/* -- anything ------------------------------------------------------------------------------------------------------------------- */

static void act_at_random(const struct view *view, unsigned seed)
{
	struct two_runs runs = { 0 };
	const struct two_runs_options options = { .n_executions = 10, .n_runs = 2,
		.sql = seed % 2 ? NULL : "UPDATE node SET name = name || '層'" };
	two_runs_open(&runs, &options, view);
	for (int i = 0; i < 300; i++) {
		enum action action = (enum action)(1 + draw(&seed, ACTION_COUNT - 1));
		struct event event = { .kind = (enum event_kind)draw(&seed, EVENT_WHEEL_DOWN + 1),
			.x = (int)draw(&seed, 130), .y = (int)draw(&seed, 50) };
		if (i % 10 == 0)
			two_runs_draw(&runs, 1 + (int)draw(&seed, 140), 1 + (int)draw(&seed, 50));
		if (draw(&seed, 20) == 0)
			runs.session->selection = (struct session_selection){ .side = (int)draw(&seed, 2), .lane = 0, .node = TIMELINE_NONE,
				.edge = TIMELINE_NONE, .execution = TIMELINE_NONE };
		two_runs_act(&runs, action);
		if (view->handle)
			view->handle(runs.state, runs.session, &event);
		const struct session_selection *selection = &runs.session->selection;
		const struct timeline *timeline = session_timeline(runs.session);
		cr_assert(selection->node >= TIMELINE_NONE && selection->node < timeline->n_nodes, "%s: node %d",
			action_info(action)->name, selection->node);
		cr_assert(selection->edge >= TIMELINE_NONE && selection->edge < timeline->n_edges, "%s: edge %d",
			action_info(action)->name, selection->edge);
		two_runs_draw(&runs, runs.canvas.width, runs.canvas.height);
	}
	two_runs_close(&runs);
}

Test(view_graph, any_actions_at_any_size)
{
	for (unsigned seed = 1; seed < 5; seed++)
		act_at_random(&view_graph, seed);
}

Test(view_plan, any_actions_at_any_size)
{
	for (unsigned seed = 1; seed < 5; seed++)
		act_at_random(&view_plan, seed);
}
