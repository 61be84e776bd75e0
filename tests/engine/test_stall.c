/* SPDX-License-Identifier: Apache-2.0
 *
 * test_stall: the walk from a wait to its root, over a control segment written by hand.
 */
#include "engine/run/stall.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"
#include "engine/run/record.h"

static const char graph_text[] =
	"digraph g { input [tensors=\"x:f32[4]\"]; "
	"subgraph cluster_0 { worker=w0; a [op=copy]; } subgraph cluster_1 { worker=w1; b [op=copy]; } "
	"input -> a -> b -> output; }";

struct fixture {
	struct graph *graph;
	struct plan *plan;
	struct program program;
	struct control control;
	struct stall_sample samples[3];
	struct stall_watch watch;
};

static void open_fixture(struct fixture *fixture)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph_settings settings = { 0 };
	struct plan_options options = { 0 };
	struct program_options program_options = { .n_threads = 1 };
	struct error error = { 0 };
	int fd = -1;
	memset(fixture, 0, sizeof *fixture);
	clock_init();
	cr_assert_eq(graph_dot_parse("g", graph_text, &settings, &mistakes, &fixture->graph), STATUS_OK);
	cr_assert_eq(graph_resolve(fixture->graph, &ops_builtin, &mistakes), STATUS_OK);
	cr_assert_eq(plan_compile(fixture->graph, &options, NULL, &error, &fixture->plan), STATUS_OK, "%s", error.text);
	cr_assert_eq(program_build(fixture->plan, &program_options, &error, &fd), STATUS_OK, "%s", error.text);
	cr_assert_eq(program_open(fd, &fixture->program, &error), STATUS_OK, "%s", error.text);
	close(fd);
	size_t bytes = round_up(control_bytes(3, 4), CACHE_LINE_BYTES);
	void *memory = aligned_alloc(CACHE_LINE_BYTES, bytes);
	memset(memory, 0, bytes);
	control_init(memory, 3, 4, 2, &fixture->control);
	fixture->watch = (struct stall_watch){ &fixture->program, &fixture->control, fixture->samples };
	for (int i = 0; i < 3; i++)
		fixture->samples[i].usage.state = 'S';
}

static void close_fixture(struct fixture *fixture)
{
	free(fixture->control.header);
	program_close(&fixture->program);
	plan_destroy(fixture->plan);
	graph_destroy(fixture->graph);
}

static void set_wait(struct fixture *fixture, uint32_t worker, enum phase cause, uint32_t edge, uint32_t peer)
{
	struct control_wait *wait = &fixture->control.header->workers[worker].wait;
	wait->edge = edge;
	wait->channel = 1;
	wait->peer = peer;
	wait->execution = 41;
	wait->since = clock_ticks().count;
	wait->cause = cause;
}

/* Workers: 0 driver, 1 w0, 2 w1. Edges: 0 input->a, 1 a->b, 2 b->output. */
static const struct stall_case {
	const char *name;
	int peers[3];             /* whom each waits for; -1: it does not wait */
	const char *states;       /* of the processes, as in /proc */
	int computing;            /* worker inside an op; -1: none */
	int lacks_core;           /* worker; -1: none */
	enum stall_cause cause;
	uint32_t root;
	const char *text;
} stall_cases[] = {
	{ "an op runs", { 2, -1, 1 }, "SRS", 1, -1, STALL_CAUSE_OP_RUNNING, 1, "w0 is in node 'a' of execution 41" },
	{ "stopped in its op", { 2, -1, 1 }, "STS", 1, -1, STALL_CAUSE_STOPPED, 1, "stopped" },
	{ "stopped while it waits", { 2, 0, 1 }, "STS", -1, -1, STALL_CAUSE_STOPPED, 1, "a->b" },
	{ "no core", { 2, -1, 1 }, "SRS", 1, 1, STALL_CAUSE_NO_CORE, 1, "gets no core" },
	{ "the caller", { -1, 2, 0 }, "SSS", -1, -1, STALL_CAUSE_CALLER, 0, "the caller" },
	{ "a cycle", { 2, 2, 1 }, "SSS", -1, -1, STALL_CAUSE_CYCLE, 1, "cycle" },
	{ "the worker is gone", { 2, -1, 1 }, "S?S", 1, -1, STALL_CAUSE_ENDED, 1, "ended" },
};

Test(stall, roots)
{
	for (size_t i = 0; i < ARRAY_LEN(stall_cases); i++) {
		const struct stall_case *test = &stall_cases[i];
		struct fixture fixture;
		struct strbuf text = STRBUF_INIT;
		open_fixture(&fixture);
		for (uint32_t w = 0; w < 3; w++) {
			fixture.samples[w].usage.state = test->states[w];
			fixture.samples[w].lacks_core = test->lacks_core == (int)w;
			if (test->peers[w] >= 0)
				set_wait(&fixture, w, w == 1 ? PHASE_BACKPRESSURE : PHASE_STARVED, w == 0 ? 2 : 1, (uint32_t)test->peers[w]);
		}
		if (test->computing >= 0)
			fixture.control.header->workers[test->computing].position = control_position(41, 2);
		uint32_t start = test->peers[0] >= 0 ? 0 : 1;
		struct stall_root root = stall_explain(&fixture.watch, start, &text);
		cr_expect_eq(root.cause, test->cause, "%s: cause %d, expected %d: %s", test->name, root.cause, test->cause,
			strbuf_text(&text));
		if (test->cause != STALL_CAUSE_CYCLE)
			cr_expect_eq(root.worker, test->root, "%s: root %u, expected %u", test->name, root.worker, test->root);
		cr_expect(strstr(strbuf_text(&text), test->text), "%s: '%s' is not in '%s'", test->name, test->text,
			strbuf_text(&text));
		strbuf_finish(&text);
		close_fixture(&fixture);
	}
}

/* Two looks at the same obstacle have one key, so that it is told once. */
Test(stall, keys)
{
	struct fixture fixture;
	open_fixture(&fixture);
	set_wait(&fixture, 0, PHASE_STARVED, 2, 2);
	fixture.control.header->workers[2].position = control_position(41, 3);
	uint64_t first = stall_explain(&fixture.watch, 0, NULL).key;
	cr_expect_eq(stall_explain(&fixture.watch, 0, NULL).key, first);
	fixture.control.header->workers[2].position = control_position(42, 3);
	cr_expect_neq(stall_explain(&fixture.watch, 0, NULL).key, first);
	close_fixture(&fixture);
}

/* Looking keeps how long a position has been held. */
Test(stall, looks)
{
	struct fixture fixture;
	open_fixture(&fixture);
	fixture.control.header->workers[0].pid = getpid();
	fixture.control.header->workers[1].position = control_position(1, 2);
	stall_look(&fixture.watch, true);
	uint64_t since = fixture.samples[1].position_since;
	cr_expect_eq(fixture.samples[0].usage.state, 'R');
	cr_expect_eq(fixture.samples[1].usage.state, '?', "there is no such process");
	stall_look(&fixture.watch, true);
	cr_expect_eq(fixture.samples[1].position_since, since);
	fixture.control.header->workers[1].position = control_position(2, 2);
	stall_look(&fixture.watch, false);
	cr_expect_gt(fixture.samples[1].position_since, since);
	close_fixture(&fixture);
}
