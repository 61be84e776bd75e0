/* SPDX-License-Identifier: Apache-2.0
 *
 * The view of the comparison: screens, sums, two windows that stay locked, pages, any actions at any size.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/viewers/two_runs.h"
#include "viewers/view_compare_private.h"

#define US 1000

static const struct two_runs_options plain = { .n_executions = 40, .n_runs = 2 };
static const struct two_runs_options refused = { .n_executions = 40, .n_runs = 2,
	.sql = "UPDATE run SET status = 'killed', message = 'for the test' WHERE id = 2" };
static const struct two_runs_options other_nodes = { .n_executions = 40, .n_runs = 2,
	.sql = "UPDATE node SET name = 'renamed' WHERE run = 2 AND name = 'n1'" };

static unsigned draw(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 8) % n;
}

static struct compare_view *view_of(const struct two_runs *runs)
{
	return runs->state;
}

/* -- screens ------------------------------------------------------------------------------------------------------------------ */

Test(view_compare, screens)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_compare);
	two_runs_golden(&runs, "compare", 80, 24, true);
	two_runs_golden(&runs, "compare", 120, 40, true);
	two_runs_golden(&runs, "compare", 200, 60, true);
	two_runs_act(&runs, ACTION_FOLD);
	two_runs_act(&runs, ACTION_ENTER);
	two_runs_golden(&runs, "compare-kind", 120, 40, false);
	two_runs_close(&runs);
}

Test(view_compare, screens_of_odd_traces)
{
	static const struct {
		const char *name;
		struct two_runs_options options;
		const char *shows;
	} cases[] = {
		{ "compare-one", { .n_executions = 20, .n_runs = 1 }, "tandem run GRAPH --mode both" },
		{ "compare-refused", { .n_executions = 40, .n_runs = 2,
			.sql = "UPDATE run SET status = 'killed' WHERE id = 2" }, "would mislead" },
		{ "compare-empty", { .n_executions = 0, .n_runs = 2 }, "would mislead" },
		{ "compare-only", { .n_executions = 40, .n_runs = 2,
			.sql = "UPDATE node SET name = 'renamed' WHERE run = 2 AND name = 'n1'" },
			"1 only in A, 1 only in B" },
		{ "compare-names", { .n_executions = 40, .n_runs = 2, .sql =
			"UPDATE node SET name = 'a_very_long_name_of_a_node_that_nobody_would_type_' || name WHERE name = 'n1';"
			"UPDATE node SET name = char(27) || '[31m日本語' || name WHERE name = 'n2'" }, "^[[31m" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct two_runs runs = { 0 };
		two_runs_open(&runs, &cases[i].options, &view_compare);
		two_runs_golden(&runs, cases[i].name, 80, 24, false);
		cr_expect(two_runs_shows(&runs, cases[i].shows), "%s does not show '%s'", cases[i].name, cases[i].shows);
		two_runs_act(&runs, ACTION_ENTER); /* forces, where that means something */
		two_runs_draw(&runs, 200, 60);
		two_runs_close(&runs);
	}
}

/* -- sums --------------------------------------------------------------------------------------------------------------------- */

static struct table_view_cell cell_of(const struct compare_source *source, int row, int column)
{
	struct table_view_cell cell = { .number = 0 };
	source->table.cell(source->table.user, row, column, &cell);
	return cell;
}

/* Column 3 is the difference in both tables. */
Test(view_compare, splits_sum_to_the_difference)
{
	struct two_runs runs = { 0 };
	struct compare_source split, places;
	two_runs_open(&runs, &plain, &view_compare);
	two_runs_draw(&runs, 120, 40);
	struct compare_view *view = view_of(&runs);
	cr_assert(view->compare);
	compare_split_source(&split, view, runs.session);
	int64_t kinds = 0, whole = view->compare->latency_ns[1] - view->compare->latency_ns[0];
	for (int i = 0; i < view->n_kinds; i++)
		kinds += cell_of(&split, i, 3).number;
	cr_expect(kinds == whole && kinds == cell_of(&split, TABLE_VIEW_TOTAL, 3).number && whole > 0, "%lld of %lld ns",
		(long long)kinds,
		(long long)whole);
	for (int i = 0; i < view->n_kinds; i++) {
		int64_t sum = 0;
		view->drill = view->kinds[i];
		compare_load_tables(view, runs.session);
		compare_nodes_source(&places, view, runs.session);
		for (int row = 0; row < view->n_listed; row++)
			sum += cell_of(&places, row, 3).number;
		compare_split_source(&split, view, runs.session);
		cr_expect(sum == cell_of(&split, i, 3).number && sum == cell_of(&places, TABLE_VIEW_TOTAL, 3).number,
			"%s: places %lld, kind %lld",
			compare_kind_word(view->drill), (long long)sum, (long long)cell_of(&split, i, 3).number);
	}
	two_runs_close(&runs);
}

/* -- the lock ----------------------------------------------------------------------------------------------------------------- */

/* What is aligned stands in one column on both sides, to an eighth of a cell. */
static void check_lock(const struct two_runs *runs, const char *when, int step)
{
	struct compare_anchor anchor = compare_anchor(runs->session);
	const struct session_window *a = &runs->session->sides[0].window, *b = &runs->session->sides[1].window;
	int64_t width = timeline_scale_ns(a->scale), off = (anchor.at_ns[0] - a->from_ns) - (anchor.at_ns[1] - b->from_ns);
	cr_assert(timeline_scale_ns(b->scale) == width, "%s, step %d: cells of %lld and %lld ns", when, step, (long long)width,
		(long long)timeline_scale_ns(b->scale));
	cr_assert(8 * llabs(off) <= width || llabs(off) <= 1, "%s, step %d: off by %lld of %lld ns", when, step, (long long)off,
		(long long)width);
}

Test(view_compare, windows_stay_locked)
{
	static const enum action moves[] = { ACTION_LEFT, ACTION_RIGHT, ACTION_PAGE_LEFT, ACTION_PAGE_RIGHT, ACTION_ZOOM_IN,
		ACTION_ZOOM_OUT,
		ACTION_ZOOM_IN_FINE, ACTION_ZOOM_OUT_FINE, ACTION_UP, ACTION_DOWN, ACTION_NEXT_EXECUTION, ACTION_PREVIOUS_EXECUTION,
		ACTION_FIT_SELECTION };
	unsigned seed = 4;
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_compare);
	two_runs_draw(&runs, 120, 40);
	check_lock(&runs, "opened", 0);
	for (int step = 0; step < 800; step++) {
		two_runs_act(&runs, moves[draw(&seed, ARRAY_LEN(moves))]);
		two_runs_draw(&runs, 80 + (int)draw(&seed, 100), 40);
		check_lock(&runs, "moved", step);
		if (step % 40 == 0 && runs.session->selection.node != TIMELINE_NONE)
			session_select_op(runs.session, 1, session_twin_node(runs.session, runs.session->selection.side,
				runs.session->selection.node),
				5 + (int64_t)draw(&seed, 30));
	}
	two_runs_close(&runs);
}

Test(view_compare, opens_at_a_typical_execution)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_compare);
	two_runs_draw(&runs, 120, 40);
	const struct compare *compare = view_of(&runs)->compare;
	int64_t typical = compare_typical(compare);
	const struct align_execution *a = align_find(&compare->align.runs[0], typical), *b = align_find(&compare->align.runs[1], typical);
	cr_assert(a && b && align_pair(&compare->align, typical) >= 0);
	double off = (double)(b->end_ns - b->start_ns - a->end_ns + a->start_ns) - compare->latency.delta;
	for (int64_t i = 0; i < compare->align.n_pairs; i++) {
		const struct align_execution *x = align_find(&compare->align.runs[0], compare->align.pairs[i]);
		const struct align_execution *y = align_find(&compare->align.runs[1], compare->align.pairs[i]);
		double other = (double)(y->end_ns - y->start_ns - x->end_ns + x->start_ns) - compare->latency.delta;
		cr_expect(other * other >= off * off, "execution %lld is nearer", (long long)compare->align.pairs[i]);
	}
	cr_expect(runs.session->selection.execution == typical, "%lld is selected", (long long)runs.session->selection.execution);
	cr_expect(two_runs_act(&runs, ACTION_NEXT_EXECUTION) && runs.session->selection.execution == typical + 1);
	cr_expect(two_runs_act(&runs, ACTION_PREVIOUS_EXECUTION) && runs.session->selection.execution == typical);
	two_runs_close(&runs);
}

/* -- actions ------------------------------------------------------------------------------------------------------------------ */

Test(view_compare, rows_select_their_node_in_all_views)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_compare);
	two_runs_draw(&runs, 120, 40);
	cr_expect(two_runs_act(&runs, ACTION_DOWN));
	const struct compare_row *row = compare_selected(view_of(&runs));
	cr_assert(row && !row->is_edge);
	const struct session_selection *selection = &runs.session->selection;
	cr_assert(selection->node != TIMELINE_NONE);
	cr_expect(strcmp(session_timeline(runs.session)->nodes[selection->node].name, row->name) == 0, "'%s' for '%s'",
		session_timeline(runs.session)->nodes[selection->node].name, row->name);
	two_runs_draw(&runs, 120, 40);
	cr_expect(two_runs_shows(&runs, "aligned at n"));
	cr_expect(two_runs_act(&runs, ACTION_ENTER) && runs.session->wanted_view && strcmp(runs.session->wanted_view, "timeline") == 0);
	two_runs_close(&runs);
}

Test(view_compare, a_kind_opens_its_places)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_compare);
	two_runs_draw(&runs, 120, 40);
	cr_expect(two_runs_act(&runs, ACTION_FOLD) && two_runs_act(&runs, ACTION_ENTER));
	two_runs_draw(&runs, 120, 40);
	cr_expect(two_runs_shows(&runs, "changed") && two_runs_shows(&runs, "place"));
	cr_expect(two_runs_act(&runs, ACTION_BACK));
	two_runs_draw(&runs, 120, 40);
	cr_expect(!two_runs_shows(&runs, "place") && !two_runs_act(&runs, ACTION_BACK));
	two_runs_close(&runs);
}

Test(view_compare, a_refusal_can_be_forced_and_stays_marked)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &refused, &view_compare);
	two_runs_draw(&runs, 100, 30);
	cr_expect(two_runs_shows(&runs, "would mislead") && !view_of(&runs)->compare);
	cr_expect(two_runs_act(&runs, ACTION_ENTER));
	two_runs_draw(&runs, 100, 30);
	cr_expect(view_of(&runs)->compare && two_runs_shows(&runs, "FORCED, MISLEADING"));
	cr_expect(session_compare(runs.session) == view_of(&runs)->compare, "other views compare with something else");
	two_runs_close(&runs);
}

/* On a terminal: a frame that says what is done, then the work in the next, which Ctrl-C ends; Enter begins anew. */
Test(view_compare, long_work_is_announced_and_can_be_stopped)
{
	static const struct two_runs_options without_sums = { .n_executions = 400, .n_runs = 2, .has_no_roots = true };
	volatile sig_atomic_t interrupt = 1;
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &without_sums, &view_compare);
	runs.session->announces = true;
	runs.session->interrupt = &interrupt;
	for (int i = 0; i < 2; i++) {
		two_runs_draw(&runs, 100, 30);
		cr_assert(two_runs_shows(&runs, "Comparing …"));
		cr_assert(two_runs_shows(&runs, "C-c   stops it"));
		cr_assert(runs.session->wants_frame && !runs.session->has_compared, "it was not left to the next frame");
		runs.session->wants_frame = false;
		two_runs_draw(&runs, 100, 30);
		cr_assert(!runs.session->wants_frame, "a third frame is asked for");
		cr_assert_eq(runs.session->was_stopped, i == 0);
		char *text = two_runs_text(&runs);
		cr_assert(two_runs_shows(&runs, i ? "aligned at" : "The comparison was stopped."), "time %d:\n%s", i, text);
		free(text);
		two_runs_draw(&runs, 100, 30);
		cr_assert(two_runs_shows(&runs, i ? "aligned at" : "tries again"), "it was begun unasked");
		runs.session->was_stopped = false;
		interrupt = 0;
		cr_assert(i || two_runs_act(&runs, ACTION_ENTER));
	}
	two_runs_close(&runs);
}

Test(view_compare, what_takes_no_time_is_not_announced)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_compare);
	runs.session->announces = true;
	two_runs_draw(&runs, 100, 30);
	cr_assert(!runs.session->wants_frame);
	cr_assert(two_runs_shows(&runs, "aligned at"));
	two_runs_close(&runs);
}

Test(view_compare, nodes_of_one_side_are_listed)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &other_nodes, &view_compare);
	two_runs_draw(&runs, 120, 40);
	cr_expect(two_runs_shows(&runs, "only in compiled") && two_runs_shows(&runs, "only in interpreted"));
	two_runs_close(&runs);
}

Test(view_compare, parts_never_overlap)
{
	for (int width = 1; width < 260; width += 3) {
		for (int height = 1; height < 90; height++) {
			const int lanes[2] = { height % 20, width % 40 };
			struct compare_layout layout = compare_layout(width, height, lanes, height % 17);
			const struct compare_area *areas[] = { &layout.axis, &layout.lanes[0], &layout.lanes[1], &layout.split,
				&layout.nodes };
			for (size_t i = 0; i < ARRAY_LEN(areas); i++) {
				const struct compare_area *a = areas[i];
				if (a->width <= 0 || a->height <= 0)
					continue;
				cr_assert(a->x >= 0 && a->y >= 0 && a->x + a->width <= width && a->y + a->height <= height,
					"part %zu at %d × %d", i, width, height);
				for (size_t k = 0; k < i; k++) {
					const struct compare_area *b = areas[k];
					bool is_apart = b->width <= 0 || b->height <= 0 || a->x >= b->x + b->width || b->x >= a->x + a->width
						|| a->y >= b->y + b->height || b->y >= a->y + a->height;
					cr_assert(is_apart, "parts %zu and %zu at %d × %d", i, k, width, height);
				}
			}
		}
	}
}

Test(view_compare, any_actions_at_any_size)
{
	unsigned seed = 8;
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &other_nodes, &view_compare);
	for (int step = 0; step < 1500; step++) {
		int width = 1 + (int)draw(&seed, 210), height = 1 + (int)draw(&seed, 65);
		two_runs_draw(&runs, width, height);
		two_runs_act(&runs, (enum action)draw(&seed, ACTION_COUNT));
		struct event event = { .kind = (enum event_kind)draw(&seed, EVENT_END), .x = (int)draw(&seed, (unsigned)width),
			.y = (int)draw(&seed, (unsigned)height) };
		view_compare.handle(runs.state, runs.session, &event);
		if (step % 60 == 0)
			runs.session->selection = (struct session_selection){ .side = (int)draw(&seed, 2),
				.lane = TIMELINE_NONE, .node = TIMELINE_NONE,
				.edge = TIMELINE_NONE, .execution = TIMELINE_NONE };
	}
	two_runs_close(&runs);
}
