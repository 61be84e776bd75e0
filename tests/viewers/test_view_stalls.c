/* SPDX-License-Identifier: Apache-2.0
 *
 * The view of stalls: screens, sums against the file, odd traces, any actions at any size.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/traces/crowd.h"
#include "tests/viewers/two_runs.h"
#include "traces/split.h"
#include "viewers/view_stalls_private.h"

#define US 1000

static unsigned draw(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 8) % n;
}

static const struct two_runs_options plain = { .n_executions = 40, .n_runs = 1 };

static struct stalls_view *view_of(const struct two_runs *runs)
{
	return runs->state;
}

static void set_marks(struct two_runs *runs, int64_t a_ns, int64_t b_ns)
{
	runs->session->marks[0] = (struct session_mark){ true, a_ns, TIMELINE_NONE };
	runs->session->marks[1] = (struct session_mark){ true, b_ns, TIMELINE_NONE };
}

/* -- screens ------------------------------------------------------------------------------------------------------------------ */

Test(view_stalls, screens)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_stalls);
	two_runs_golden(&runs, "stalls", 80, 24, true);
	two_runs_golden(&runs, "stalls", 120, 40, true);
	two_runs_golden(&runs, "stalls", 200, 60, true);
	set_marks(&runs, 12000 * US, 3000 * US);
	two_runs_golden(&runs, "stalls-marks", 120, 40, false);
	two_runs_close(&runs);
}

Test(view_stalls, screens_of_odd_traces)
{
	static const struct {
		const char *name;
		struct two_runs_options options;
	} cases[] = {
		{ "stalls-empty", { .n_executions = 0, .n_runs = 1 } },
		{ "stalls-none", { .n_executions = 20, .n_runs = 1, .has_no_roots = true, .sql = "DELETE FROM span WHERE kind = 100" } },
		{ "stalls-lanes", { .n_executions = 20, .n_runs = 1,
			.sql = "WITH RECURSIVE c(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM c WHERE i < 63)"
			" INSERT INTO worker(run, idx, name) SELECT 1, i, 'w' || (i - 1) FROM c;"
			"INSERT INTO lane(run, kind, name, worker) SELECT 1, 'host', name, id FROM worker WHERE idx > 2" } },
		{ "stalls-names", { .n_executions = 20, .n_runs = 1, .sql =
			"UPDATE node SET name = 'a_very_long_name_of_a_node_that_nobody_would_type_but_a_program_does_' || name WHERE idx = 3;"
			"UPDATE node SET name = char(27) || '[31m' || char(10) || name WHERE idx = 4;"
			""
			"UPDATE edge SET name = '日本語のとても長い名前_' || name WHERE idx = 2;"
			"UPDATE lane SET name = 'worker_with_a_long_name' WHERE name = 'w1'" } },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct two_runs runs = { 0 };
		two_runs_open(&runs, &cases[i].options, &view_stalls);
		two_runs_golden(&runs, cases[i].name, 80, 24, false);
		two_runs_draw(&runs, 200, 60);
		two_runs_close(&runs);
	}
}

/* -- sums --------------------------------------------------------------------------------------------------------------------- */

Test(view_stalls, shares_sum_to_the_whole)
{
	unsigned seed = 3;
	for (int round = 0; round < 2000; round++) {
		int64_t ns[PHASE_COUNT], total = 0;
		int permille[PHASE_COUNT], sum = 0;
		for (int i = 0; i < PHASE_COUNT; i++) {
			ns[i] = draw(&seed, 3) ? 0 : (int64_t)draw(&seed, 1u << (1 + draw(&seed, 20)));
			total += ns[i];
		}
		if (!total)
			continue;
		stalls_permille(ns, PHASE_COUNT, total, permille);
		for (int i = 0; i < PHASE_COUNT; i++) {
			double exact = 1000.0 * (double)ns[i] / (double)total;
			cr_expect(permille[i] > exact - 1 && permille[i] < exact + 1, "round %d: %d for %g", round, permille[i], exact);
			sum += permille[i];
		}
		cr_expect(sum == 1000, "round %d: %d", round, sum);
	}
}

/* The whole run's time from the timeline is what split.h says, and any interval's phases sum to it. */
static void check_times(struct timeline *timeline, const char *name, unsigned *seed)
{
	struct error error = { 0 };
	struct split split = { .n_lanes = 0 };
	cr_assert(split_make(timeline->trace, timeline->run, &error, &split) == STATUS_OK, "%s", error.text);
	for (int lane = 0; lane < split.n_lanes; lane++) {
		struct stalls_lane whole, parts = { .total_ns = 0 };
		int64_t at = timeline->info->start_ns, end = timeline->info->end_ns;
		cr_assert(stalls_sum(timeline, lane, at, end, &whole, &error) == STATUS_OK, "%s", error.text);
		for (int phase = 0; phase < PHASE_COUNT; phase++)
			cr_expect(whole.ns[phase] == split.lanes[lane].ns[phase], "%s, lane %d, %s: %lld, split says %lld",
				name, lane, phase_word(phase),
				(long long)whole.ns[phase], (long long)split.lanes[lane].ns[phase]);
		while (at < end) {
			struct stalls_lane part;
			int64_t step = 1 + (int64_t)draw(seed, 1u << draw(seed, 24)), until = at + step < end ? at + step : end, sum = 0;
			cr_assert(stalls_sum(timeline, lane, at, until, &part, &error) == STATUS_OK, "%s", error.text);
			for (int phase = 0; phase < PHASE_COUNT; phase++) {
				sum += part.ns[phase];
				parts.ns[phase] += part.ns[phase];
			}
			cr_expect(sum == part.total_ns && part.total_ns == until - at, "%s: %lld of %lld ns", name,
				(long long)sum, (long long)(until - at));
			at = until;
		}
		for (int phase = 0; phase < PHASE_COUNT; phase++) {
			bool may_move = phase == PHASE_IDLE || phase == PHASE_UNKNOWN; /* of what covers nothing */
			int64_t off = parts.ns[phase] - whole.ns[phase];
			cr_expect(off == 0 || may_move, "%s, lane %d, %s: parts %lld, whole %lld", name, lane, phase_word(phase),
				(long long)parts.ns[phase], (long long)whole.ns[phase]);
		}
	}
	split_finish(&split);
}

Test(view_stalls, times_of_intervals_sum_to_the_split)
{
	unsigned seed = 11;
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_stalls);
	check_times(session_timeline(runs.session), "two_runs", &seed);
	two_runs_close(&runs);
	static const struct crowd_options crowds[] = {
		{ .name = "busy", .n_executions = 60, .seed = 1, .stall_one_in = 20 },
		{ .name = "pauses", .n_executions = 60, .seed = 2, .stall_one_in = 30, .pause_one_in = 5 },
		{ .name = "losses", .n_executions = 60, .seed = 3, .lose_one_in = 7 },
	};
	for (size_t i = 0; i < ARRAY_LEN(crowds); i++) {
		struct crowd crowd = { 0 };
		crowd_make(&crowd, &crowds[i]);
		two_runs_open_file(&runs, crowd.synthetic.file, &view_stalls);
		check_times(session_timeline(runs.session), crowds[i].name, &seed);
		two_runs_draw(&runs, 120, 40);
		two_runs_close(&runs);
		crowd_finish(&crowd);
		runs = (struct two_runs){ 0 };
	}
}

static int64_t ask(const struct two_runs *runs, const char *sql)
{
	return synthetic_number(runs->session->sides[0].trace->db, sql);
}

static void check_groups(const struct two_runs *runs, const struct stalls *stalls)
{
	int64_t n = 0, ns = 0;
	for (int i = 0; i < stalls->n_groups; i++) {
		const struct stalls_group *group = &stalls->groups[i];
		int64_t roots = group->others_ns;
		for (int k = 0; k < group->n_roots; k++)
			roots += group->roots[k].ns;
		n += group->n;
		ns += group->ns;
		cr_expect(roots == group->ns, "group %d: roots %lld of %lld", i, (long long)roots, (long long)group->ns);
		cr_expect(group->histogram.n == group->n && group->max_ns <= group->ns, "group %d", i);
		cr_expect(i == 0 || stalls->groups[i - 1].ns >= group->ns, "group %d is larger than the one before", i);
	}
	cr_expect(n == ask(runs, "SELECT count(*) FROM v_stall WHERE run = 1"), "%lld waits", (long long)n);
	cr_expect(ns == ask(runs, "SELECT sum(duration_ns) FROM v_stall WHERE run = 1"), "%lld ns", (long long)ns);
	cr_expect(n == stalls->n_waits && ns == stalls->waits_ns);
}

/* Stored roots, and the same when the file has none. */
Test(view_stalls, groups_sum_to_the_stalls_of_the_file)
{
	struct two_runs runs = { 0 }, rootless = { 0 };
	const struct two_runs_options without = { .n_executions = 40, .n_runs = 1, .has_no_roots = true };
	two_runs_open(&runs, &plain, &view_stalls);
	two_runs_draw(&runs, 80, 24);
	check_groups(&runs, &view_of(&runs)->stalls);
	two_runs_open(&rootless, &without, &view_stalls);
	two_runs_draw(&rootless, 80, 24);
	check_groups(&rootless, &view_of(&rootless)->stalls);
	const struct stalls *a = &view_of(&runs)->stalls, *b = &view_of(&rootless)->stalls;
	cr_assert(a->has_roots && b->has_roots && a->n_groups == b->n_groups && a->n_groups > 3, "%d and %d groups",
		a->n_groups, b->n_groups);
	for (int i = 0; i < a->n_groups; i++) {
		cr_expect(a->groups[i].ns == b->groups[i].ns && a->groups[i].n_roots == b->groups[i].n_roots, "group %d", i);
		cr_expect(a->groups[i].n_roots == 0 || a->groups[i].roots[0].root.idx == b->groups[i].roots[0].root.idx,
			"group %d: root", i);
	}
	two_runs_close(&runs);
	two_runs_close(&rootless);
}

Test(view_stalls, an_interval_holds_the_parts_inside)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_stalls);
	set_marks(&runs, 3000 * US, 9500 * US);
	two_runs_draw(&runs, 120, 40);
	int64_t ns = ask(&runs, "SELECT sum(min(start_ns + duration_ns, 9500000) - max(start_ns, 3000000)) FROM v_stall"
		" WHERE run = 1 AND start_ns < 9500000 AND start_ns + duration_ns > 3000000");
	cr_expect(view_of(&runs)->stalls.waits_ns == ns, "%lld, expected %lld", (long long)view_of(&runs)->stalls.waits_ns,
		(long long)ns);
	cr_expect(two_runs_shows(&runs, "between the marks"));
	runs.session->marks[1].is_set = false;
	two_runs_draw(&runs, 120, 40);
	cr_expect(two_runs_shows(&runs, "the whole run"));
	two_runs_close(&runs);
}

/* -- actions ------------------------------------------------------------------------------------------------------------------ */

Test(view_stalls, enter_goes_to_the_worst_wait)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_stalls);
	two_runs_draw(&runs, 120, 40);
	int64_t longest = ask(&runs, "SELECT max(duration_ns) FROM v_stall WHERE run = 1 AND worker = 'w0' AND cause = 'backpressure'");
	cr_expect(two_runs_act(&runs, ACTION_ENTER));
	const struct session_selection *selection = &runs.session->selection;
	cr_expect(runs.session->wanted_view && strcmp(runs.session->wanted_view, "timeline") == 0);
	cr_assert(selection->has_span);
	cr_expect(!selection->span.is_op && selection->span.duration_ns == longest && selection->span.cause == PHASE_BACKPRESSURE,
		"selected %lld ns, the longest is %lld", (long long)selection->span.duration_ns, (long long)longest);
	two_runs_close(&runs);
}

Test(view_stalls, a_lane_restricts_the_stalls)
{
	struct two_runs runs = { 0 };
	two_runs_open(&runs, &plain, &view_stalls);
	two_runs_draw(&runs, 120, 40);
	cr_expect(two_runs_shows(&runs, "stalls of the workers") && !two_runs_shows(&runs, "n3->output"));
	cr_expect(two_runs_act(&runs, ACTION_FOLD) && view_of(&runs)->focus == STALLS_LANES);
	cr_expect(two_runs_act(&runs, ACTION_ENTER));
	two_runs_draw(&runs, 120, 40);
	cr_expect(two_runs_shows(&runs, "stalls of driver") && two_runs_shows(&runs, "n3->output"), "the driver's waits are not shown");
	cr_expect(two_runs_act(&runs, ACTION_DOWN) && runs.session->selection.lane == 1, "lane %d", runs.session->selection.lane);
	cr_expect(two_runs_act(&runs, ACTION_BACK));
	two_runs_draw(&runs, 120, 40);
	cr_expect(two_runs_shows(&runs, "stalls of the workers"));
	cr_expect(!two_runs_act(&runs, ACTION_BACK), "nothing is left to go back from");
	two_runs_close(&runs);
}

Test(view_stalls, parts_never_overlap)
{
	for (int width = 1; width < 260; width += 3) {
		for (int height = 1; height < 90; height++) {
			for (int lanes = 0; lanes < 70; lanes += 23) {
				struct stalls_layout layout = stalls_layout(width, height, lanes, height % 20);
				const struct stalls_area *areas[] = { &layout.lanes, &layout.strip, &layout.table,
					&layout.facts, &layout.histogram };
				for (size_t i = 0; i < ARRAY_LEN(areas); i++) {
					const struct stalls_area *a = areas[i];
					if (a->width <= 0 || a->height <= 0)
						continue;
					cr_assert(a->x >= 0 && a->y >= 0 && a->x + a->width <= width && a->y + a->height <= height,
						"part %zu at %d × %d, %d lanes: %d,%d %d × %d", i, width, height, lanes, a->x,
							a->y, a->width, a->height);
					for (size_t k = 0; k < i; k++) {
						const struct stalls_area *b = areas[k];
						bool is_apart = b->width <= 0 || b->height <= 0 || a->x >= b->x + b->width || b->x >= a->x + a->width
							|| a->y >= b->y + b->height || b->y >= a->y + a->height;
						cr_assert(is_apart, "parts %zu and %zu at %d × %d, %d lanes", i, k, width, height, lanes);
					}
				}
			}
		}
	}
}

Test(view_stalls, any_actions_at_any_size)
{
	unsigned seed = 21;
	struct two_runs runs = { 0 };
	const struct two_runs_options both = { .n_executions = 30, .n_runs = 2 };
	two_runs_open(&runs, &both, &view_stalls);
	for (int step = 0; step < 1500; step++) {
		int width = 1 + (int)draw(&seed, 210), height = 1 + (int)draw(&seed, 65);
		two_runs_draw(&runs, width, height);
		two_runs_act(&runs, (enum action)draw(&seed, ACTION_COUNT));
		struct event event = { .kind = (enum event_kind)draw(&seed, EVENT_END), .x = (int)draw(&seed, (unsigned)width),
			.y = (int)draw(&seed, (unsigned)height) };
		view_stalls.handle(runs.state, runs.session, &event);
		if (step % 50 == 0)
			set_marks(&runs, (int64_t)draw(&seed, 30000) * US, (int64_t)draw(&seed, 30000) * US);
		if (step % 70 == 0)
			runs.session->selection = (struct session_selection){ .side = (int)draw(&seed, 2),
				.lane = TIMELINE_NONE, .node = TIMELINE_NONE,
				.edge = TIMELINE_NONE, .execution = TIMELINE_NONE };
		const struct session_selection *selection = &runs.session->selection;
		cr_assert(selection->lane >= TIMELINE_NONE && selection->lane < session_timeline(runs.session)->n_lanes,
			"lane %d", selection->lane);
	}
	two_runs_close(&runs);
}
