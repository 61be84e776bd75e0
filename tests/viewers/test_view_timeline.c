/* SPDX-License-Identifier: Apache-2.0
 *
 * The timeline as text: screens to be checked by eye (golden/timeline*.txt; TANDEM_UPDATE=1 writes them anew), odd traces, and random walks.
 */
#include "viewers/view.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/viewers/golden.h"
#include "tests/viewers/timeline_trace.h"

/* Where something is: in the lanes of execution 3. */
#define THERE "right*20 zoom-in*2 "

static const struct golden {
	const char *name;
	int width, height, n_runs;
	const char *actions, *filter;
} goldens[] = {
	{ "timeline_80x24", 80, 24, 1, "", NULL },
	{ "timeline_120x40", 120, 40, 1, "", NULL },
	{ "timeline_200x60", 200, 60, 1, "", NULL },
	{ "timeline_zoomed_80x24", 80, 24, 2, THERE, NULL },
	{ "timeline_zoomed_120x40", 120, 40, 2, THERE, NULL },
	{ "timeline_zoomed_200x60", 200, 60, 2, THERE, NULL },
	{ "timeline_path_120x40", 120, 40, 1, THERE "critical-forward*4", NULL },
	{ "timeline_marks_120x40", 120, 40, 1, THERE "mark right*12 mark", NULL },
	{ "timeline_filter_80x24", 80, 24, 1, THERE "details", "layer1" },
	{ "timeline_folded_80x24", 80, 24, 1, THERE "bottom fold", NULL },
	{ "timeline_deep_80x24", 80, 24, 1, THERE "zoom-in*14", NULL },
};

Test(view_timeline, screens)
{
	for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
		const struct golden *golden = &goldens[i];
		struct timeline_trace trace;
		struct error error = { 0 };
		timeline_trace_init(&trace, 12, golden->n_runs, NULL);
		free(timeline_trace_draw(&trace, golden->width, golden->height));
		if (golden->filter)
			cr_assert_eq(session_filter_set(trace.session, &trace.session->filter, golden->filter, &error), STATUS_OK, "%s", error.text);
		timeline_trace_act(&trace, golden->actions);
		char *text = timeline_trace_draw(&trace, golden->width, golden->height);
		golden_compare(golden->name, text);
		free(text);
		timeline_trace_finish(&trace);
	}
}

/* -- odd traces ---------------------------------------------------------------------------------------------------------------- */

#define MANY_LANES(n)                                                                                                                   \
	"WITH RECURSIVE i(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM i WHERE i < " n ")"                                               \
	" INSERT INTO worker(id, run, idx, name, device) SELECT i + 1, 1, i, 'w' || (i - 1), 2 FROM i;"                                 \
	"INSERT INTO lane(run, kind, name, worker) SELECT 1, 'host', name, id FROM worker WHERE idx > 2;"                               \
	"INSERT INTO span(run, lane, kind, start_ns, duration_ns)"                                                                     \
	" SELECT 1, lane.id, 1, r.start_ns + 10000 * lane.id, 900000 FROM lane, run r WHERE worker > 3;"

/* ns after the run's start */
#define AT(ns) "(SELECT start_ns + " #ns " FROM run WHERE id = 1)"

#define REPORT(level, worker, ns, text) \
	"INSERT INTO log(run, time_ns, level, worker, text) VALUES (1, " AT(ns) ", '" level "', " worker ", '" text "')"

#define DEVICE                                                                                                                          \
	"INSERT INTO lane(id, run, kind, name, worker, device) VALUES ((SELECT max(id) + 1 FROM lane), 1, 'stream', 'stream 7', 2, 2);"  \
	"INSERT INTO span(run, lane, kind, start_ns, duration_ns, node, execution)"                                                     \
	" SELECT 1, (SELECT max(id) FROM lane), column1, column2, column3, column4, column5 FROM (VALUES"                               \
	" (103, " AT(200000) ", 800000, 3, 0), (104, " AT(300000) ", 900000, 4, 0), (103, " AT(400000) ", 100000, 5, 0),"               \
	" (105, " AT(2000000) ", 0, NULL, NULL));"

static const struct odd {
	const char *name;
	int n_executions;
	const char *sql, *actions;
	const char *shows[3]; /* at 120 × 40 */
	bool is_narrow_whole; /* at 60 × 16 the first of these too */
} odds[] = {
	{ "no span at all", 0, NULL, "", { "nothing was recorded in this run" } },
	{ "one span", 0, "INSERT INTO span(run, lane, kind, start_ns, duration_ns) VALUES (1, 2, 1, " AT(300000) ", 500000)", "down next-span",
		{ "compute", "how long" } },
	{ "the last thing that was reported", 12, REPORT("error", "NULL", 15000000, "worker w1 was killed"), "last",
		{ "reported  worker w1 was killed" } },
	{ "what was reported of a span", 12, REPORT("warning", "3", 900000, "the worker is stopped"), "down right*2",
		{ "!", "reported  the worker is stopped" } },
	{ "losses", 12, "UPDATE loss SET n_records = 12 WHERE worker = 2", "top", { "✗" }, true },
	{ "64 lanes", 4, MANY_LANES("64"), "down*40", { "w39", "rows ", " of 72" } },
	{ "long names", 12, "UPDATE node SET name = 'a_very_long_name_that_goes_on_and_on_' || name;"
		"UPDATE worker SET name = 'worker_with_a_long_name_' || name; UPDATE lane SET name = 'worker_with_a_long_name_' || name", "",
		{ "a_very_long_name_that_goes_on_and_on_embed", "…" } },
	{ "wide and hostile characters", 12, "UPDATE node SET name = char(27) || '[2J' || char(0x5c42, 0x5c42, 0x5c42) || name || char(10, 0x202e);"
		"UPDATE lane SET name = char(0x5c42, 0x300) || name", "", { "^[[2J层", "层" } },
	{ "zero-length spans", 0, "WITH RECURSIVE i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i WHERE i < 9)"
		" INSERT INTO span(run, lane, kind, start_ns, duration_ns) SELECT 1, 2, 1, " AT(100000) " + 100000 * i, 0 FROM i", "",
		{ "0 ns", "▏" } },
	{ "overlapping on a device", 12, DEVICE, "zoom-in*2", { "stream 7", "layer0", "layer1" } },
	{ "a failed op", 12, "UPDATE op_event SET status = 8 WHERE node = 4 AND execution = 0", "next-span", { "✗ op_error" } },
};

Test(view_timeline, odd_traces)
{
	static const int sizes[][2] = { { 120, 40 }, { 80, 24 }, { 60, 16 }, { 200, 60 }, { 21, 4 }, { 20, 5 }, { 3, 2 }, { 0, 0 } };
	for (size_t i = 0; i < ARRAY_LEN(odds); i++) {
		struct timeline_trace trace;
		timeline_trace_init(&trace, odds[i].n_executions, 1, odds[i].sql);
		free(timeline_trace_draw(&trace, 120, 40));
		timeline_trace_act(&trace, odds[i].actions);
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
			char *text = timeline_trace_draw(&trace, sizes[k][0], sizes[k][1]);
			for (int s = 0; s < 3 && odds[i].shows[s] && k == 0; s++)
				cr_assert(strstr(text, odds[i].shows[s]), "%s: no '%s' in\n%s", odds[i].name, odds[i].shows[s], text);
			cr_assert(!strchr(text ? text : "", '\x1b'), "%s: an escape sequence came through", odds[i].name);
			free(text);
		}
		timeline_trace_finish(&trace);
	}
}

/* -- properties ---------------------------------------------------------------------------------------------------------------- */

static const char *const steps[] = { "left", "right", "right*7", "left*9", "up", "down", "page-left", "page-right", "page-up", "page-down", "first",
	"last", "top", "bottom", "zoom-in", "zoom-in", "zoom-in*4", "zoom-out", "zoom-in-fine", "zoom-out-fine*3", "fit", "fit-selection", "enter",
	"next-span", "previous-span", "next-execution", "previous-execution", "producer", "consumer", "critical-back", "critical-forward",
	"fold", "lane-up", "lane-down", "mark", "details" };

static void check_range(const struct timeline_trace *trace, const char *step)
{
	const struct session *session = trace->session;
	const struct session_selection *selection = &session->selection;
	const struct timeline *timeline = session->sides[selection->side].timeline;
	const struct session_window *window = &session->sides[selection->side].window;
	int64_t cell_ns = timeline_scale_ns(window->scale);
	cr_assert(selection->time_ns >= timeline->origin_ns && selection->time_ns <= timeline->end_ns, "%s: cursor at %" PRId64, step,
		selection->time_ns - timeline->origin_ns);
	cr_assert(selection->lane >= TIMELINE_NONE && selection->lane < timeline->n_lanes, "%s: lane %d", step, selection->lane);
	cr_assert(window->from_ns <= timeline->end_ns && window->from_ns + window->n_cells * cell_ns > timeline->origin_ns,
		"%s: the window begins at %" PRId64, step, window->from_ns - timeline->origin_ns);
	cr_assert(window->from_ns > timeline->origin_ns - cell_ns, "%s: the window begins before the run", step);
}

/* Whatever is done, cursor and window stay in the run; mouse included. */
Test(view_timeline, random_walk_stays_in_range)
{
	static const int sizes[][2] = { { 80, 24 }, { 120, 40 }, { 61, 17 }, { 33, 9 }, { 200, 60 } };
	for (unsigned seed = 1; seed <= 3; seed++) {
		struct timeline_trace trace;
		unsigned state = seed;
		timeline_trace_init(&trace, 4 * (int)seed, 1, seed == 2 ? DEVICE : NULL);
		free(timeline_trace_draw(&trace, 80, 24));
		for (int i = 0; i < 400; i++) {
			state = state * 1103515245u + 12345u;
			const char *step = steps[(state >> 16) % ARRAY_LEN(steps)];
			if (strcmp(step, "mark") == 0 && trace.session->marks[0].is_set && trace.session->marks[1].is_set)
				trace.session->marks[0].is_set = trace.session->marks[1].is_set = false;
			else if ((state >> 8) % 8 == 0)
				view_timeline.handle(trace.state, trace.session, &(struct event){
					.kind = (enum event_kind)(EVENT_MOUSE_PRESS + (state >> 11) % 6),
					.x = (int)(state >> 14) % 90 - 3, .y = (int)(state >> 20) % 30 - 2 });
			else
				timeline_trace_act(&trace, step);
			free(timeline_trace_draw(&trace, sizes[(state >> 24) % 5][0], sizes[(state >> 24) % 5][1]));
			check_range(&trace, step);
		}
		timeline_trace_finish(&trace);
	}
}

static void press(struct timeline_trace *trace, enum event_kind kind, int x, int y)
{
	view_timeline.handle(trace->state, trace->session, &(struct event){ .kind = kind, .x = x, .y = y });
	free(timeline_trace_draw(trace, 80, 24));
}

Test(view_timeline, mouse)
{
	struct timeline_trace trace;
	timeline_trace_init(&trace, 12, 1, NULL);
	free(timeline_trace_draw(&trace, 80, 24));
	struct session *session = trace.session;
	press(&trace, EVENT_MOUSE_PRESS, 40, 3); /* the second lane */
	cr_assert_eq(session->selection.lane, 1, "lane %d", session->selection.lane);
	cr_assert(session->selection.has_span, "a click selects the span that is there");
	int64_t time_ns = session->selection.time_ns, cell_ns = timeline_scale_ns(session->sides[0].window.scale);
	press(&trace, EVENT_WHEEL_UP, 40, 3);
	press(&trace, EVENT_WHEEL_UP, 40, 3);
	int64_t zoomed_ns = timeline_scale_ns(session->sides[0].window.scale), from_ns = session->sides[0].window.from_ns;
	cr_assert_lt(zoomed_ns, cell_ns / 2);
	cr_assert(time_ns >= from_ns && time_ns < from_ns + session->sides[0].window.n_cells * zoomed_ns, "what is pointed at stays in sight");
	press(&trace, EVENT_MOUSE_PRESS, 40, 3);
	press(&trace, EVENT_MOUSE_DRAG, 35, 3);
	cr_assert_gt(session->sides[0].window.from_ns, from_ns, "dragging to the left shows what is later");
	press(&trace, EVENT_MOUSE_RELEASE, 35, 3);
	timeline_trace_finish(&trace);
}

/* Following edges and executions comes back to where it began. */
Test(view_timeline, there_and_back)
{
	struct timeline_trace trace;
	timeline_trace_init(&trace, 12, 1, NULL);
	free(timeline_trace_draw(&trace, 80, 24));
	struct session *session = trace.session;
	cr_assert(session_select_op(session, 0, 5, 3));
	const struct timeline_span span = session->selection.span;
	static const char *const ways[][3] = { { "producer consumer", "layer1", NULL }, { "next-execution previous-execution", "layer2", NULL },
		{ "next-span previous-span", NULL, NULL }, { "consumer producer", "layer3", NULL } };
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		char first[40];
		snprintf(first, sizeof(first), "%.*s", (int)strcspn(ways[i][0], " "), ways[i][0]);
		timeline_trace_act(&trace, first);
		int node = session->selection.node;
		if (ways[i][1])
			cr_assert_str_eq(session->sides[0].timeline->nodes[node].name, ways[i][1], "%s", first);
		cr_assert(session->selection.span.row != span.row, "%s stays", first);
		timeline_trace_act(&trace, strchr(ways[i][0], ' ') + 1);
		cr_assert_eq(session->selection.span.row, span.row, "%s does not come back", ways[i][0]);
	}
	timeline_trace_finish(&trace);
}
