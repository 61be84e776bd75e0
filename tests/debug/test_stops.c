/* SPDX-License-Identifier: Apache-2.0
 *
 * test_stops: the list of stops and the gates it needs, on a graph that does not run; and which stop is hit where, on runs in both modes.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/npy.h"
#include "tests/debug/debug_world.h"
#include "tests/support/leftovers.h"
#include "tests/support/plan_graphs.h"
#include "tests/support/run_tool.h"

static void set_up(void)
{
	float data[] = { 1, 2, 3, 4 };
	struct tensor x = tensor_make(DTYPE_F32, 1, (int64_t[]){ 4 }, data);
	char *file = tool_expand("@TMP@/x.npy");
	struct error error = { 0 };
	leftovers_mark();
	cr_assert_eq(npy_write(file, &x, &error), STATUS_OK, "%s", error.text);
	free(file);
}

TestSuite(stops, .init = set_up, .timeout = 120);

static void expect_text(const char *name, const char *text, const char *expected)
{
	cr_expect_str_eq(text, expected, "%s: '%s', expected '%s'", name, text, expected);
}

/* -- without a run ----------------------------------------------------------------------------------------------------------- */

struct named {
	struct graph *graph;
	struct plan *plan;
	struct program program;
};

static void name(struct named *named, const char *text)
{
	struct error error = { 0 };
	struct program_options options = { .n_threads = 1 };
	int fd;
	named->graph = plan_graph(text);
	named->plan = plan_of(named->graph, 0);
	cr_assert_eq(program_build(named->plan, &options, &error, &fd), STATUS_OK, "%s", error.text);
	cr_assert_eq(program_open(fd, &named->program, &error), STATUS_OK, "%s", error.text);
	close(fd);
}

static void unname(struct named *named)
{
	program_close(&named->program);
	plan_destroy(named->plan);
	graph_destroy(named->graph);
}

static const char two_nodes[] = "node a w0 copy; node b w1 copy; edge input a; edge a b; edge b output;";

Test(stops, list)
{
	struct debug_stops stops = { 0 };
	struct debug_stop *one = debug_stops_add(&stops, DEBUG_STOP_BREAK), *two = debug_stops_add(&stops, DEBUG_STOP_NAN);
	int id = two->id;
	cr_expect_eq(one->id, 1);
	cr_expect_eq(debug_stops_find(&stops, id), two);
	cr_expect(debug_stops_delete(&stops, 1));
	cr_expect_not(debug_stops_delete(&stops, 1));
	cr_expect_eq(debug_stops_find(&stops, 1), NULL);
	cr_expect_eq(debug_stops_add(&stops, DEBUG_STOP_BREAK)->id, 3, "an id is never used twice");
	cr_expect(debug_stops_spend(&stops, id));
	cr_expect_eq(stops.n_items, 1);
	cr_expect_eq(debug_stops_find(&stops, id), two, "a spent stop is still found");
	debug_stops_forget_spent(&stops);
	cr_expect_eq(debug_stops_find(&stops, id), NULL);
	debug_stops_finish(&stops);
}

Test(stops, gates)
{
	static const struct {
		const char *name;
		enum debug_stop_kind kind;
		enum gate_place place;
		const char *node, *worker, *op;
		bool is_disabled;
		uint8_t flags[4]; /* of input, output, a, b */
	} cases[] = {
		{ "before a", DEBUG_STOP_BREAK, GATE_BEFORE, "a", NULL, NULL, false, { 0, 0, GATE_STOP_BEFORE, 0 } },
		{ "after b", DEBUG_STOP_BREAK, GATE_AFTER, "b", NULL, NULL, false, { 0, 0, 0, GATE_STOP_AFTER } },
		{ "disabled", DEBUG_STOP_BREAK, GATE_AFTER, "b", NULL, NULL, true, { 0, 0, 0, 0 } },
		{ "before everything", DEBUG_STOP_BREAK, GATE_BEFORE, NULL, NULL, NULL, false,
			{ GATE_STOP_AFTER, GATE_STOP_BEFORE, GATE_STOP_BEFORE, GATE_STOP_BEFORE } },
		{ "input has one gate", DEBUG_STOP_BREAK, GATE_BEFORE, "input", NULL, NULL, false, { GATE_STOP_AFTER, 0, 0, 0 } },
		{ "output has the other", DEBUG_STOP_BREAK, GATE_AFTER, "output", NULL, NULL, false, { 0, GATE_STOP_BEFORE, 0, 0 } },
		{ "on w1", DEBUG_STOP_BREAK, GATE_BEFORE, NULL, "w1", NULL, false, { 0, 0, 0, GATE_STOP_BEFORE } },
		{ "op copy", DEBUG_STOP_BREAK, GATE_BEFORE, NULL, NULL, "copy", false, { 0, 0, GATE_STOP_BEFORE, GATE_STOP_BEFORE } },
		{ "op none", DEBUG_STOP_BREAK, GATE_BEFORE, NULL, NULL, "none", false, { 0, 0, 0, 0 } },
		{ "error", DEBUG_STOP_ERROR, GATE_AFTER, "b", NULL, NULL, false, { 0, 0, 0, GATE_STOP_FAILED } },
		{ "nan", DEBUG_STOP_NAN, GATE_AFTER, NULL, NULL, NULL, false,
			{ GATE_STOP_UNSOUND, 0, GATE_STOP_UNSOUND, GATE_STOP_UNSOUND } },
		{ "slow", DEBUG_STOP_SLOW, GATE_AFTER, "a", NULL, NULL, false, { 0, 0, GATE_STOP_AFTER, 0 } },
	};
	struct named named;
	name(&named, two_nodes);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static const char *const nodes[] = { "input", "output", "a", "b" };
		struct debug_stops stops = { 0 };
		struct debug_stop *stop = debug_stops_add(&stops, cases[i].kind);
		stop->place = cases[i].place;
		stop->is_enabled = !cases[i].is_disabled;
		stop->node = cases[i].node ? debug_find_node(&named.program, cases[i].node, NULL) : PROGRAM_NONE;
		stop->worker = cases[i].worker ? debug_find_worker(&named.program, cases[i].worker, NULL) : PROGRAM_NONE;
		stop->op = cases[i].op ? strdup(cases[i].op) : NULL;
		for (int k = 0; k < 4; k++) {
			uint8_t flags = debug_stops_flags(&stops, &named.program, debug_find_node(&named.program, nodes[k], NULL));
			cr_expect_eq(flags, cases[i].flags[k], "%s: flags of %s are %d, expected %d", cases[i].name, nodes[k], flags,
				cases[i].flags[k]);
		}
		debug_stops_finish(&stops);
	}
	unname(&named);
}

Test(stops, first_execution)
{
	struct debug_stops stops = { 0 };
	cr_expect_eq(debug_stops_from(&stops), UINT64_MAX);
	debug_stops_add(&stops, DEBUG_STOP_BREAK)->execution = 1000;
	cr_expect_eq(debug_stops_from(&stops), 1000);
	debug_stops_add(&stops, DEBUG_STOP_WATCH)->from_execution = 10;
	cr_expect_eq(debug_stops_from(&stops), 9, "a watchpoint looks at the one before");
	struct debug_stop *stop = debug_stops_add(&stops, DEBUG_STOP_BREAK);
	cr_expect_eq(debug_stops_from(&stops), 0);
	stop->is_enabled = false;
	cr_expect_eq(debug_stops_from(&stops), 9);
	debug_stops_finish(&stops);
}

Test(stops, words)
{
	struct named named;
	struct debug_stops stops = { 0 };
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	name(&named, two_nodes);
	struct debug_stop *stop = debug_stops_add(&stops, DEBUG_STOP_BREAK);
	stop->node = debug_find_node(&named.program, "b", NULL);
	stop->execution = 7;
	cr_assert_eq(debug_stop_set_condition(stop, &named.program, "max > 3", &error), STATUS_OK, "%s", error.text);
	debug_stop_describe(stop, &named.program, &out);
	expect_text("break", strbuf_text(&out), "break at b, before compute, execution 7, if max > 3");
	cr_expect_eq(debug_stop_set_condition(stop, &named.program, "max >", &error), STATUS_INPUT);
	expect_text("the condition before stays", stop->condition_text, "max > 3");
	strbuf_clear(&out);
	stop = debug_stops_add(&stops, DEBUG_STOP_SLOW);
	*stop = (struct debug_stop){ .id = stop->id, .kind = stop->kind, .place = GATE_AFTER, .node = PROGRAM_NONE, .worker = 2,
		.execution = UINT64_MAX, .from_execution = 3, .limit_ns = 2000000, .n_ignore = 5, .is_temporary = true };
	debug_stop_describe(stop, &named.program, &out);
	expect_text("slow", strbuf_text(&out), "catch duration over 2.00 ms on w1, from execution 3, once, next 5 passed over, disabled");
	strbuf_finish(&out);
	debug_stops_finish(&stops);
	unname(&named);
}

Test(stops, another_graph)
{
	struct named before, after;
	struct debug_stops stops = { 0 };
	struct strbuf out = STRBUF_INIT;
	struct error error = { 0 };
	name(&before, two_nodes);
	name(&after, "node z w2 copy; node b w1 copy; edge input z; edge z b; edge b output;");
	struct debug_stop *kept = debug_stops_add(&stops, DEBUG_STOP_BREAK), *gone = debug_stops_add(&stops, DEBUG_STOP_BREAK);
	kept->node = debug_find_node(&before.program, "b", NULL);
	kept->worker = debug_find_worker(&before.program, "w1", NULL);
	cr_assert_eq(debug_stop_set_condition(kept, &before.program, "node == b", &error), STATUS_OK, "%s", error.text);
	gone->node = debug_find_node(&before.program, "a", NULL);
	debug_stops_bind(&stops, &before.program, &after.program, &out);
	unname(&before);
	expect_text("what is gone is said", strbuf_text(&out), "stop 2 is disabled: there is no node a any more\n");
	cr_expect(kept->is_enabled);
	cr_expect_not(gone->is_enabled);
	expect_text("node", debug_node_name(&after.program, kept->node), "b");
	expect_text("worker", debug_worker_name(&after.program, kept->worker), "w1");
	strbuf_finish(&out);
	debug_stops_finish(&stops);
	unname(&after);
}

/* -- on runs ----------------------------------------------------------------------------------------------------------------- */

/* y = x + execution - 4, z = x / y: infinite where y is 0: element 3 in execution 0, 2 in execution 1, …; q = y / y is NaN there */
static const char graph[] = "digraph g { input [tensors=\"x:f32[4]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; k [op=counter]; y [op=sub, scalar=4]; s [op=sleep, us=SLEEP]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; z [op=div]; q [op=div]; f [op=fail, at=5]; }\n"
	"subgraph cluster_2 { worker=w2; device=\"cpu:2\"; w [op=copy]; }\n"
	"input -> k -> y -> s; input -> z [arg=a]; s -> z [arg=b]; s -> q [arg=a]; s -> q [arg=b]; q -> f;\n"
	"f -> output [arg=f]; z -> output [arg=z]; s -> w -> output; }\n";

static const struct hit_case {
	const char *name;
	enum debug_stop_kind kind;
	const char *node;
	uint64_t execution, from_execution, n_ignore;
	int64_t limit_ns;
	const char *condition;
	enum gate_place place;
	const char *hits[3]; /* where continue gets to; then the end */
	const char *text;    /* part of what is said at the first */
} hit_cases[] = {
	{ "break", DEBUG_STOP_BREAK, "z", 3, 0, 0, 0, NULL, GATE_BEFORE, { "w1 z before 3" } },
	{ "break from an execution", DEBUG_STOP_BREAK, "z", UINT64_MAX, 5, 0, 0, NULL, GATE_AFTER, { "w1 z after 5", "w1 z after 6" } },
	{ "break, ignoring hits", DEBUG_STOP_BREAK, "y", UINT64_MAX, 0, 5, 0, NULL, GATE_BEFORE, { "w0 y before 5", "w0 y before 6" } },
	{ "break with a condition", DEBUG_STOP_BREAK, "k", UINT64_MAX, 0, 0, 0, "max > 8.5", GATE_AFTER, { "w0 k after 5", "w0 k after 6" } },
	{ "break with a condition on an input", DEBUG_STOP_BREAK, "y", UINT64_MAX, 0, 0, 0, "y.in[0] == 4 && execution > 2", GATE_BEFORE,
		{ "w0 y before 3" } },
	{ "break everywhere with a condition", DEBUG_STOP_BREAK, NULL, UINT64_MAX, 0, 0, 0, "node == z && execution == 2", GATE_BEFORE,
		{ "w1 z before 2" } },
	{ "a condition that cannot be evaluated", DEBUG_STOP_BREAK, "y", 6, 0, 0, 0, "max > 1", GATE_BEFORE, { "w0 y before 6" },
		"cannot be evaluated" },
	{ "catch error", DEBUG_STOP_ERROR, NULL, UINT64_MAX, 0, 0, 0, NULL, GATE_AFTER, { "w1 f after 5" }, "failed on purpose" },
	{ "catch inf", DEBUG_STOP_INF, "z", UINT64_MAX, 2, 0, 0, NULL, GATE_AFTER, { "w1 z after 2", "w1 z after 3" }, "z.out[1] is inf" },
	{ "catch nan", DEBUG_STOP_NAN, NULL, UINT64_MAX, 3, 0, 0, NULL, GATE_AFTER, { "w1 q after 3", "w1 f after 3" }, "q.out[0] is nan" },
	{ "catch duration", DEBUG_STOP_SLOW, NULL, 6, 0, 0, 10000000, NULL, GATE_AFTER, { "w0 s after 6" }, "s took" },
	{ "catch duration, none", DEBUG_STOP_SLOW, "s", UINT64_MAX, 0, 0, 60000000000, NULL, GATE_AFTER, { NULL } },
	{ "catch wait", DEBUG_STOP_WAIT, "w", 0, 0, 0, 5000000, NULL, GATE_AFTER, { "w2 w after 0" }, "w waited" },
	{ "watch", DEBUG_STOP_WATCH, "k", UINT64_MAX, 5, 0, 0, NULL, GATE_AFTER, { "w0 k after 5", "w0 k after 6" },
		"k.out differs from execution 4: 4 of 4 elements" },
};

static void add_stop(struct debug_world *world, const struct hit_case *hit)
{
	struct error error = { 0 };
	struct debug_stop *stop = debug_stops_add(&world->debugger->stops, hit->kind);
	stop->place = hit->place;
	stop->node = hit->node ? debug_world_node(world, hit->node) : PROGRAM_NONE;
	stop->execution = hit->execution;
	stop->from_execution = hit->from_execution;
	stop->n_ignore = hit->n_ignore;
	stop->limit_ns = hit->limit_ns;
	if (hit->kind == DEBUG_STOP_WATCH)
		cr_assert_eq(debug_reference_parse(debugger_program(world->debugger), hit->node, &stop->watched, NULL, &error), STATUS_OK, "%s",
			error.text);
	cr_assert_eq(debug_stop_set_condition(stop, debugger_program(world->debugger), hit->condition, &error), STATUS_OK, "%s: %s", hit->name,
		error.text);
	debugger_arm(world->debugger);
}

static void try_case(const struct hit_case *hit, const char *mode)
{
	struct debug_world world;
	char text[1024], expected[64], *sleep;
	bool sleeps = hit->kind == DEBUG_STOP_SLOW || hit->kind == DEBUG_STOP_WAIT;
	strcpy(text, graph);
	sleep = strstr(text, "SLEEP");
	memcpy(sleep, sleeps ? "15000" : "    0", 5);
	debug_world_open(&world, text, mode, "-n 7 --input x=@TMP@/x.npy");
	debug_world_start(&world);
	add_stop(&world, hit);
	for (int i = 0; i < 3; i++) {
		const char *place = debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1);
		snprintf(expected, sizeof expected, "%s%s", hit->hits[i] ? "stop 1: " : "end", hit->hits[i] ? hit->hits[i] : "");
		cr_expect_str_eq(place, expected, "%s, %s, hit %d: '%s', expected '%s'", hit->name, mode, i, place, expected);
		if (!i && hit->text)
			cr_expect(strstr(strbuf_text(&world.debugger->halt.text), hit->text), "%s, %s: '%s' is not in: %s", hit->name, mode,
				hit->text, strbuf_text(&world.debugger->halt.text));
		if (!hit->hits[i] || world.debugger->state != DEBUG_HALTED)
			break;
	}
	debug_world_close(&world);
}

Test(stops, hits_in_compiled_mode)
{
	for (size_t i = 0; i < ARRAY_LEN(hit_cases); i++)
		try_case(&hit_cases[i], "compiled");
	cr_expect_eq(leftovers_count(3000), 0);
}

Test(stops, hits_in_interpreted_mode)
{
	for (size_t i = 0; i < ARRAY_LEN(hit_cases); i++)
		try_case(&hit_cases[i], "interpreted");
	cr_expect_eq(leftovers_count(3000), 0);
}

/* Two processes at two stops: the earlier in the graph's order is told of, the other is not lost. */
Test(stops, several_at_once)
{
	static const char two_heads[] = "digraph g { input [tensors=\"x:f32[4]\"];\n"
		"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=copy]; c [op=add]; }\n"
		"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=copy]; }\n"
		"input -> a; input -> b; a -> c [arg=a]; b -> c [arg=b]; c -> output; }\n";
	static const char *const modes[] = { "compiled", "interpreted" };
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		debug_world_open(&world, two_heads, modes[m], "-n 3 --in-flight 1");
		debug_world_start(&world);
		for (int i = 0; i < 2; i++) {
			struct debug_stop *stop = debug_stops_add(&world.debugger->stops, DEBUG_STOP_BREAK);
			stop->node = debug_world_node(&world, i ? "a" : "b");
			stop->execution = 1;
		}
		debugger_arm(world.debugger);
		const char *place = debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1);
		expect_text(modes[m], place, "stop 2: w0 a before 1");
		cr_expect(strstr(strbuf_text(&world.debugger->halt.text), "stop 1 was hit too: w1 at b of execution 1"), "%s: %s", modes[m],
			strbuf_text(&world.debugger->halt.text));
		for (int i = 0; i < 2; i++)
			cr_expect_eq(world.debugger->stops.items[i]->n_hits, 1, "%s: stop %d has %d hits", modes[m], i + 1,
				(int)world.debugger->stops.items[i]->n_hits);
		expect_text(modes[m], debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1), "end");
		debug_world_close(&world);
	}
	cr_expect_eq(leftovers_count(3000), 0);
}
