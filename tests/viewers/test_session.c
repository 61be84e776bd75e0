/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows and cursor never leave the run, whatever is done; sides, caveats, filters and searches.
 */
#include "viewers/session.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/support/temp_file.h"
#include "tests/traces/crowd.h"

static struct session *open_runs(const char *a, const char *b, const int64_t *runs)
{
	const struct session_options options = { .files = { a, b }, .runs = { runs ? runs[0] : 0, runs ? runs[1] : 0 } };
	struct error error = { 0 };
	struct session *session = NULL;
	cr_assert_eq(session_open(&options, &error, &session), STATUS_OK, "%s", error.text);
	return session;
}

static const struct crowd_options crowds[] = {
	{ .name = "nothing", .n_executions = 0, .seed = 9 },
	{ .name = "one", .n_executions = 1, .seed = 1 },
	{ .name = "even", .n_executions = 500, .seed = 2 },
	{ .name = "bursts", .n_executions = 400, .seed = 4, .pause_one_in = 50, .stall_one_in = 60 },
	{ .name = "unfinished", .n_executions = 300, .seed = 5, .lose_one_in = 17, .is_unfinished = true },
};

static void check_window(const struct session *session, const char *name, unsigned step)
{
	const struct timeline *timeline = session_timeline(session);
	const struct session_window *window = &session->sides[session->selection.side].window;
	int64_t width_ns = timeline_scale_ns(window->scale), until_ns = window->from_ns + width_ns * window->n_cells;
	cr_assert(window->n_cells > 0 && width_ns >= 1, "%s: step %u: %d cells of %lld ns", name, step, window->n_cells,
		(long long)width_ns);
	cr_assert_eq(window->from_ns, timeline_snap(timeline, window->scale, window->from_ns), "%s: step %u: not on the grid", name,
		step);
	cr_assert(window->from_ns >= timeline_snap(timeline, window->scale, timeline->origin_ns) && window->from_ns <= timeline->end_ns,
		"%s: step %u: from %lld, the run is %lld … %lld", name, step, (long long)window->from_ns, (long long)timeline->origin_ns,
		(long long)timeline->end_ns);
	cr_assert(until_ns - width_ns <= timeline->end_ns + width_ns || window->fits, "%s: step %u: ends %lld ns behind the run",
		name, step,
		(long long)(until_ns - timeline->end_ns));
	cr_assert(!window->fits || until_ns > timeline->end_ns, "%s: step %u: 'fits' leaves the end out", name, step);
	int64_t at_ns = session->selection.time_ns;
	cr_assert(at_ns >= timeline->origin_ns && at_ns <= timeline->end_ns, "%s: step %u: cursor at %lld", name, step, (long long)at_ns);
}

static void walk(struct session *session, unsigned *seed)
{
	const struct timeline *timeline = session_timeline(session);
	int64_t length_ns = timeline->end_ns - timeline->origin_ns + 1;
	int64_t at_ns = timeline->origin_ns - length_ns / 4 + (int64_t)((double)rand_r(seed) / RAND_MAX * 1.5 * (double)length_ns);
	struct error error = { 0 };
	switch (rand_r(seed) % 12) {
	case 0: session_zoom(session, rand_r(seed) % 7 - 3, true); break;
	case 1: session_zoom(session, rand_r(seed) % 41 - 20, false); break;
	case 2: session_pan(session, rand_r(seed) % 400 - 200); break;
	case 3: session_pan(session, rand_r(seed) % 2 ? INT32_MAX : INT32_MIN); break;
	case 4: session_show(session, 0, at_ns); break;
	case 5: session_show_span(session, 0, at_ns, rand_r(seed) % 3 ? rand_r(seed) : (int64_t)rand_r(seed) << 20); break;
	case 6: session_select_time(session, 0, rand_r(seed) % (timeline->n_lanes + 3) - 1, at_ns); break;
	case 7: session_select_node(session, 0, rand_r(seed) % (timeline->n_nodes + 2) - 1); break;
	case 8: session_select_edge(session, 0, rand_r(seed) % (timeline->n_edges + 2) - 1); break;
	case 9: session_select_op(session, 0, rand_r(seed) % (timeline->n_nodes + 2) - 1, rand_r(seed) % 600); break;
	case 10: session->sides[0].window.follows = rand_r(seed) % 2; break;
	default:
		session_filter_set(session, &session->search, rand_r(seed) % 2 ? "n2 >100ns" : "kind:starved", &error);
		session_search(session, rand_r(seed) % 2 ? 1 : -1);
	}
}

Test(session, window_and_cursor_stay_in_the_run)
{
	for (size_t i = 0; i < ARRAY_LEN(crowds); i++) {
		struct crowd crowd;
		unsigned seed = (unsigned)i;
		crowd_make(&crowd, &crowds[i]);
		struct session *session = open_runs(crowd.synthetic.file, NULL, NULL);
		for (unsigned step = 0; step < 3000; step++) {
			if (step % 50 == 0)
				session_prepare_window(session, 0, step % 350 ? rand_r(&seed) % 300 : 0);
			walk(session, &seed);
			session_prepare_window(session, 0, session->sides[0].window.n_cells);
			check_window(session, crowds[i].name, step);
		}
		session_close(session);
		crowd_finish(&crowd);
	}
}

/* The moment under the cursor stays in its column while zooming in and out again. */
Test(session, zoom_is_about_the_cursor)
{
	struct crowd crowd;
	crowd_make(&crowd, &crowds[2]);
	struct session *session = open_runs(crowd.synthetic.file, NULL, NULL);
	const struct timeline *timeline = session_timeline(session);
	struct session_window *window = session_window(session);
	session_prepare_window(session, 0, 100);
	int64_t at_ns = timeline->origin_ns + (timeline->end_ns - timeline->origin_ns) / 3;
	session_select_time(session, 0, 1, at_ns);
	int64_t column = (at_ns - window->from_ns) / timeline_scale_ns(window->scale);
	for (int i = 0; i < 12; i++) {
		session_zoom(session, -1, i % 2);
		int64_t now = (at_ns - window->from_ns) / timeline_scale_ns(window->scale);
		cr_assert_eq(now, column, "after %d steps the cursor is in column %lld, not %lld", i + 1, (long long)now,
			(long long)column);
	}
	for (int i = 0; i < 100; i++)
		session_zoom(session, 1, true);
	cr_assert(window->fits, "zooming out does not end at the whole run");
	session_close(session);
	crowd_finish(&crowd);
}

Test(session, sides_and_their_names)
{
	struct crowd a, b;
	const int64_t same[2] = { 1, 1 };
	crowd_make(&a, &crowds[2]);
	crowd_make(&b, &crowds[3]);
	struct session *session = open_runs(a.synthetic.file, NULL, NULL);
	cr_assert(session->n_sides == 1 && strcmp(session->sides[0].label, "compiled") == 0, "%d sides, '%s'", session->n_sides,
		session->sides[0].label);
	cr_assert(session_compare(session) == NULL && strstr(session->compare_error.text, "one run"), "%s", session->compare_error.text);
	session_close(session);
	session = open_runs(a.synthetic.file, b.synthetic.file, NULL);
	cr_assert_eq(session->n_sides, 2);
	cr_assert_str_eq(session->sides[1].label, b.synthetic.file, "files of one name are told apart by their folders: '%s'",
		session->sides[1].label);
	cr_assert_eq(session_twin_node(session, 0, 3), 3);
	cr_assert_eq(session_twin_node(session, 0, 99), TIMELINE_NONE);
	cr_assert(session_compare(session) != NULL || session->compare_error.status, "neither a comparison nor a reason");
	session_close(session);
	session = open_runs(a.synthetic.file, NULL, same);
	cr_assert_str_eq(session->sides[1].label, "compiled, run 1");
	session_close(session);
	crowd_finish(&a);
	crowd_finish(&b);
}

static void expect_caveat(const struct session *session, const char *text)
{
	struct strbuf out = STRBUF_INIT;
	session_caveats(session, 0, &out);
	cr_assert(*text ? strstr(strbuf_text(&out), text) != NULL : out.length == 0, "'%s' is not in '%s'", text, strbuf_text(&out));
	strbuf_finish(&out);
}

Test(session, caveats)
{
	struct crowd crowd;
	crowd_make(&crowd, &crowds[4]);
	struct session *session = open_runs(crowd.synthetic.file, NULL, NULL);
	cr_assert(session->is_live, "a run without an end is not followed");
	expect_caveat(session, "running");
	session->grown_ns -= 10000000000;
	expect_caveat(session, "unfinished");
	session->sides[0].timeline->lanes[1].n_lost = 12;
	expect_caveat(session, "lost 12 records");
	session_close(session);
	crowd_finish(&crowd);
}

Test(session, files_that_are_no_traces)
{
	static const struct {
		const char *name, *content, *told;
	} cases[] = {
		{ "empty", "", "empty" }, { "text", "digraph g { }", "not a" }, { "cut", "SQLite format 3", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct temp_file file;
		struct error error = { 0 };
		struct session *session = NULL;
		temp_file_init(&file, "t.tandem");
		temp_file_write(&file, cases[i].content, strlen(cases[i].content));
		const struct session_options options = { .files = { file.path } };
		int status = session_open(&options, &error, &session);
		cr_assert(status == STATUS_TRACE && session == NULL && strstr(error.text, cases[i].told), "%s: status %d: %s",
			cases[i].name, status,
			error.text);
		temp_file_finish(&file);
	}
	const struct session_options options = { .files = { "/nonexistent/t.tandem" } };
	struct error error = { 0 };
	struct session *session = NULL;
	cr_assert_eq(session_open(&options, &error, &session), STATUS_TRACE);
}

/* A file cut anywhere, or with a byte changed, opens or says why not. */
Test(session, damaged_files)
{
	struct crowd crowd;
	unsigned seed = 1;
	crowd_make(&crowd, &crowds[2]);
	struct temp_file copy;
	FILE *stream = fopen(crowd.synthetic.file, "rb");
	cr_assert(stream != NULL);
	static uint8_t bytes[1 << 22];
	size_t n = fread(bytes, 1, sizeof(bytes), stream);
	fclose(stream);
	for (int i = 0; i < 60; i++) {
		temp_file_init(&copy, "t.tandem");
		size_t at = 100 + (size_t)rand_r(&seed) % (n - 100);
		uint8_t before = bytes[at];
		bytes[at] ^= (uint8_t)(1 + rand_r(&seed) % 255);
		temp_file_write(&copy, bytes, i % 2 ? n : at);
		bytes[at] = before;
		const struct session_options options = { .files = { copy.path } };
		struct error error = { 0 };
		struct session *session = NULL;
		int status = session_open(&options, &error, &session);
		cr_assert(status == STATUS_OK || *error.text, "no reason for status %d", status);
		for (unsigned step = 0; status == STATUS_OK && step < 100; step++)
			walk(session, &seed);
		session_close(session);
		temp_file_finish(&copy);
	}
	crowd_finish(&crowd);
}

Test(session, filters)
{
	static const struct {
		const char *text, *mistake; /* mistake NULL: it is right */
		int n_nodes, n_lanes;       /* that match; -1: all */
	} cases[] = {
		{ "", NULL, -1, -1 }, { "n3", NULL, 1, -1 }, { "N", NULL, 7, -1 }, { "node:n3", NULL, 1, -1 },
		{ "w1", NULL, -1, 1 },
		{ "lane:w", NULL, -1, 3 }, { "op:stage", NULL, 6, -1 }, { "op:stage n5 w2", NULL, 1, 1 },
		{ ">1ms <2s", NULL, -1, -1 },
		{ "kind:starved exec:12 failed", NULL, -1, -1 }, { "zebra", "no node and no lane has 'zebra'", 0, 0 },
		{ "kind:sleepy", "there is no kind 'sleepy'", 0, 0 }, { ">fast", "'fast' is no duration", 0, 0 },
		{ "exec:x", "exec: takes the number", 0, 0 },
		{ "kind:", "'kind:' wants something", 0, 0 }, { "lane:zebra", "no lane has", 0, 0 },
		{ "op:zebra", "no node has an op", 0, 0 },
	};
	struct crowd crowd;
	crowd_make(&crowd, &crowds[2]);
	struct session *session = open_runs(crowd.synthetic.file, NULL, NULL);
	const struct timeline *timeline = session_timeline(session);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = { 0 };
		int status = session_filter_set(session, &session->filter, cases[i].text, &error);
		cr_assert_eq(status, cases[i].mistake ? STATUS_USAGE : STATUS_OK, "'%s': status %d, %s", cases[i].text, status,
			error.text);
		cr_assert(!cases[i].mistake || strstr(error.text, cases[i].mistake), "'%s': '%s'", cases[i].text, error.text);
		const struct timeline_query *query = session_filter_query(&session->filter, timeline);
		if (cases[i].mistake || !query) {
			cr_assert(cases[i].mistake || !*cases[i].text, "'%s' gives no query", cases[i].text);
			continue;
		}
		int n_nodes = query->nodes ? 0 : -1, n_lanes = query->lanes ? 0 : -1;
		for (int k = 0; query->nodes && k < timeline->n_nodes; k++)
			n_nodes += query->nodes[k];
		for (int k = 0; query->lanes && k < timeline->n_lanes && timeline->lanes[k].kind == TIMELINE_HOST; k++)
			n_lanes += query->lanes[k];
		cr_assert(n_nodes == cases[i].n_nodes && n_lanes == cases[i].n_lanes, "'%s': %d nodes, %d lanes, not %d, %d",
			cases[i].text, n_nodes,
			n_lanes, cases[i].n_nodes, cases[i].n_lanes);
	}
	session_close(session);
	crowd_finish(&crowd);
}

Test(session, search_finds_only_what_matches)
{
	struct crowd crowd;
	struct error error = { 0 };
	crowd_make(&crowd, &crowds[3]);
	struct session *session = open_runs(crowd.synthetic.file, NULL, NULL);
	cr_assert_eq(session_filter_set(session, &session->search, "n3 >200us", &error), STATUS_OK, "%s", error.text);
	int n = 0;
	for (int64_t last_ns = INT64_MIN; n < 100; n++) {
		session_search(session, 1);
		const struct session_selection *selection = &session->selection;
		if (!selection->has_span || selection->span.start_ns <= last_ns)
			break;
		last_ns = selection->span.start_ns;
		cr_assert(session_filter_matches(&session->search, session_timeline(session), &selection->span),
			"hit %d does not match", n);
	}
	cr_assert(n > 0 && n < 100, "%d hits", n);
	cr_assert(strstr(session->status, "beginning"), "the search does not say that it begins anew: '%s'", session->status);
	session_close(session);
	crowd_finish(&crowd);
}
