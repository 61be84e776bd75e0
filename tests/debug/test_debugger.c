/* SPDX-License-Identifier: Apache-2.0
 *
 * test_debugger: motion of runs of the real executable in both modes: where each way of going on ends, who is held and who is waited for, what is
 * changed, how runs end, and that nothing is left behind.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/npy.h"
#include "tests/debug/debug_world.h"
#include "tests/support/leftovers.h"
#include "tests/support/run_tool.h"

static const char *const modes[] = { "compiled", "interpreted" };

/* x -> a = x + 1 on w0 -> b = a + number of the execution on w1 */
static const char chain_graph[] = "digraph chain { input [tensors=\"x:f32[4]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=add, scalar=1]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=counter]; }\n"
	"input -> a -> b -> output; }\n";

static const char three_graph[] = "digraph three { input [tensors=\"x:f32[4]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=add, scalar=1]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=add, scalar=10]; }\n"
	"subgraph cluster_2 { worker=w2; device=\"cpu:2\"; c [op=add]; }\n"
	"input -> a; input -> b; a -> c [arg=a]; b -> c [arg=b]; c -> output; }\n";

static const char reduce_graph[] = "digraph reduce { input [tensors=\"x:f32[4]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=add, scalar=1]; r0 [op=all_reduce, reduce=sum, collective=r];"
	" u [op=scale, factor=2]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=add, scalar=10]; r1 [op=all_reduce, reduce=sum, collective=r];"
	" v [op=scale, factor=3]; }\n"
	"input -> a -> r0 -> u; input -> b -> r1 -> v; u -> output; v -> output; }\n";

static void write_sleeping(const char *us)
{
	char text[400];
	snprintf(text, sizeof text, "digraph sleeping { input [tensors=\"x:f32[4]\"];\n"
		"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=sleep, us=%s]; }\n"
		"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=copy]; }\n"
		"input -> a -> b -> output; }\n", us);
	tool_write_file("sleeping.dot", text);
}

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

static int count_descriptors(void)
{
	int n = 0;
	DIR *folder = opendir("/proc/self/fd");
	while (folder && readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static void close_world(struct debug_world *world, const char *name)
{
	debug_world_close(world);
	int n = leftovers_count(3000);
	cr_expect_eq(n, 0, "%s: %d processes are left", name, n);
}

static void expect_place(const char *name, const char *mode, const char *place, const char *expected)
{
	cr_expect_str_eq(place, expected, "%s, %s: stands at '%s', expected '%s'", name, mode, place, expected);
}

static void expect_contains(const char *name, const char *text, const char *part)
{
	cr_expect(strstr(text, part), "%s: '%s' is not in: %s", name, part, text);
}

/* First element of an npy file. */
static double read_first(const char *name)
{
	struct tensor_set set = { 0 };
	struct error error = { 0 };
	char *file = tool_expand(name);
	cr_assert_eq(npy_read(file, "x", &set, &error), STATUS_OK, "%s", error.text);
	double value = ((float *)set.items[0].tensor.data)[0];
	tensor_set_finish(&set);
	free(file);
	return value;
}

static struct debug_stop *add_break(struct debug_world *world, const char *node, enum gate_place place)
{
	struct debug_stop *stop = debug_stops_add(&world->debugger->stops, DEBUG_STOP_BREAK);
	stop->node = debug_world_node(world, node);
	stop->place = place;
	debugger_arm(world->debugger);
	return stop;
}

TestSuite(debugger, .init = set_up, .timeout = 120);

/* Each way of going on, with one execution in flight: places are the same in both modes. */
Test(debugger, ways_to_go_on)
{
	static const struct {
		const char *name;
		enum debug_resume how;
		uint64_t count;
		const char *worker, *place;
	} moves[] = {
		{ "step to the first node", DEBUG_RESUME_STEP, 1, NULL, "w0 a before 0" },
		{ "step over compute", DEBUG_RESUME_STEP, 1, NULL, "w0 a after 0" },
		{ "step to who was waiting", DEBUG_RESUME_STEP, 1, NULL, "w1 b before 0" },
		{ "two steps", DEBUG_RESUME_STEP, 2, NULL, "driver output before 0" },
		{ "step to the next execution", DEBUG_RESUME_STEP, 1, NULL, "driver input after 1" },
		{ "node over input", DEBUG_RESUME_NODE, 1, NULL, "w0 a before 1" },
		{ "node", DEBUG_RESUME_NODE, 1, NULL, "w1 b before 1" },
		{ "finish", DEBUG_RESUME_FINISH, 1, NULL, "driver output before 1" },
		{ "next of w1", DEBUG_RESUME_NEXT, 1, "w1", "w1 b before 2" },
		{ "next of w1 again", DEBUG_RESUME_NEXT, 1, NULL, "w1 b before 3" },
		{ "two nexts of w0", DEBUG_RESUME_NEXT, 2, "w0", "w0 a before 5" },
		{ "next of the driver", DEBUG_RESUME_NEXT, 1, "driver", "driver output before 5" },
		{ "three nodes", DEBUG_RESUME_NODE, 3, NULL, "w1 b before 6" },
		{ "continue", DEBUG_RESUME_CONTINUE, 1, NULL, "end" },
	};
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		debug_world_open(&world, chain_graph, modes[m], "-n 8 --in-flight 1 --input x=@TMP@/x.npy");
		debug_world_start(&world);
		expect_place("start", modes[m], debug_world_where(&world), "driver input after 0");
		cr_expect_eq(world.debugger->halt.reason, DEBUG_REASON_START);
		for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
			if (moves[i].worker)
				world.debugger->selected_worker = debug_world_worker(&world, moves[i].worker);
			expect_place(moves[i].name, modes[m], debug_world_go(&world, moves[i].how, moves[i].count), moves[i].place);
		}
		cr_expect_eq(world.debugger->state, DEBUG_ENDED);
		cr_expect_eq(world.debugger->exit_status, 0, "%s: exit %d", modes[m], world.debugger->exit_status);
		expect_contains("end", strbuf_text(&world.debugger->halt.text), "status 0");
		expect_contains("end", strbuf_text(&world.printed), "8 executions");
		double held = debug_world_element(&world, "b", 7, 0);
		cr_expect_eq(held, 9, "%s: b of execution 7 after the end: %g, expected 9", modes[m], held);
		close_world(&world, modes[m]);
	}
}

/* With several executions in flight every step still passes a gate: so many steps end the run. */
Test(debugger, steps_always_make_progress)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		int n = 0;
		debug_world_open(&world, three_graph, modes[m], "-n 3");
		debug_world_start(&world);
		while (world.debugger->state == DEBUG_HALTED && n < 1000) {
			cr_assert_neq(world.debugger->halt.reason, DEBUG_REASON_BLOCKED, "%s: blocked after %d steps: %s", modes[m], n,
				strbuf_text(&world.debugger->halt.text));
			debug_world_go(&world, DEBUG_RESUME_STEP, 1);
			n++;
		}
		int expected = 3 * (2 + 2 * 3); /* input and output have one gate, nodes two */
		cr_expect_eq(n, expected, "%s: %d steps, expected %d", modes[m], n, expected);
		cr_expect_eq(world.debugger->state, DEBUG_ENDED);
		close_world(&world, modes[m]);
	}
}

Test(debugger, who_is_held_blocks_the_others)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		struct error error = { 0 };
		debug_world_open(&world, three_graph, modes[m], "-n 40 --input x=@TMP@/x.npy");
		debug_world_start(&world);
		uint32_t w1 = debug_world_worker(&world, "w1");
		debugger_hold(world.debugger, w1, true);
		expect_place("held", modes[m], debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1), "blocked: w1 b before 0");
		expect_contains("held", strbuf_text(&world.debugger->halt.text), "w2 waits");
		double a = debug_world_element(&world, "a", 1, 0);
		cr_expect_eq(a, 2, "%s: a of execution 1 went on to %g, expected 2", modes[m], a);
		world.debugger->selected_worker = w1;
		cr_expect_eq(debugger_resume(world.debugger, DEBUG_RESUME_NEXT, 1, &error), STATUS_USAGE);
		expect_contains("next of a held one", error.text, "release w1");
		debugger_hold(world.debugger, w1, false);
		expect_place("released", modes[m], debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1), "end");
		close_world(&world, modes[m]);
	}
}

Test(debugger, until_and_temporary)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		debug_world_open(&world, chain_graph, modes[m], "-n 3000 --record off");
		debug_world_start(&world);
		struct debug_stop *stop = add_break(&world, "b", GATE_BEFORE);
		stop->is_temporary = true;
		stop->execution = 1500;
		int id = stop->id;
		expect_place("until an execution", modes[m], debug_world_go(&world, DEBUG_RESUME_UNTIL, 1), "stop 1: w1 b before 1500");
		cr_expect_eq(world.debugger->stops.n_items, 0, "%s: a spent stop is still in force", modes[m]);
		cr_expect(debug_stops_find(&world.debugger->stops, id), "%s: who tells of the hit finds the stop", modes[m]);
		add_break(&world, "a", GATE_AFTER)->execution = 1600;
		stop = add_break(&world, "b", GATE_BEFORE);
		stop->is_temporary = true;
		stop->execution = 2000;
		expect_place("another stop comes first", modes[m], debug_world_go(&world, DEBUG_RESUME_UNTIL, 1), "stop 2: w0 a after 1600");
		cr_expect_eq(world.debugger->stops.n_items, 1, "%s: until's stop is gone, too", modes[m]);
		expect_place("continue", modes[m], debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1), "end");
		close_world(&world, modes[m]);
	}
}

Test(debugger, a_stop_where_another_process_stands_is_hit)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		debug_world_open(&world, three_graph, modes[m], "-n 4 --in-flight 1");
		debug_world_start(&world);
		expect_place("step", modes[m], debug_world_go(&world, DEBUG_RESUME_STEP, 1), "w0 a before 0");
		add_break(&world, "a", GATE_BEFORE); /* who is told of has been seen */
		add_break(&world, "b", GATE_BEFORE);
		expect_place("of another", modes[m], debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1), "stop 2: w1 b before 0");
		cr_expect_eq(world.debugger->stops.items[0]->n_hits, 0);
		debug_world_close(&world);
	}
}

Test(debugger, changes_arrive_where_they_are_computed_to)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		struct strbuf out = STRBUF_INIT;
		debug_world_open(&world, reduce_graph, modes[m], "-n 6 --input x=@TMP@/x.npy --output u=@TMP@/u.npy --output v=@TMP@/v.npy");
		debug_world_start(&world);
		cr_assert_eq(debug_world_set(&world, "r0.out[1:3]@5 = 100", true, &out), STATUS_OK, "%s", strbuf_text(&out));
		cr_expect_eq(world.debugger->n_pending, 2, "%s: %d wait, expected one a rank", modes[m], world.debugger->n_pending);
		expect_place("set", modes[m], debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1), "end");
		expect_contains("notes", strbuf_text(&world.debugger->halt.text), "r0 of execution 5, 2 elements changed");
		expect_contains("notes", strbuf_text(&world.debugger->halt.text), "r1 of execution 5, 2 elements changed");
		/* r = (x + 1) + (x + 10), u = 2 r, v = 3 r */
		static const double expected[] = { 13, 100, 100, 19 };
		struct tensor_set set = { 0 };
		struct error error = { 0 };
		for (int k = 0; k < 2; k++) {
			char *file = tool_expand(k ? "@TMP@/v.npy" : "@TMP@/u.npy");
			cr_assert_eq(npy_read(file, k ? "v" : "u", &set, &error), STATUS_OK, "%s", error.text);
			for (int i = 0; i < 4; i++) {
				double value = ((float *)set.items[k].tensor.data)[i], due = expected[i] * (k ? 3 : 2);
				cr_expect_eq(value, due, "%s: %s[%d] is %g, expected %g", modes[m], set.items[k].name, i, value, due);
			}
			free(file);
		}
		tensor_set_finish(&set);
		strbuf_finish(&out);
		close_world(&world, modes[m]);
	}
}

Test(debugger, changes_that_cannot_be)
{
	struct debug_world world;
	struct strbuf out = STRBUF_INIT;
	debug_world_open(&world, reduce_graph, "compiled", "-n 6 --in-flight 1");
	debug_world_start(&world);
	debug_world_go(&world, DEBUG_RESUME_FINISH, 1);
	cr_expect_eq(debug_world_set(&world, "r0.out = 1", false, &out), STATUS_INPUT);
	expect_contains("published", strbuf_text(&out), "published already");
	cr_expect_eq(debug_world_set(&world, "a.out@3 = 1", true, &out), STATUS_INPUT);
	expect_contains("all ranks", strbuf_text(&out), "no member of a collective");
	cr_expect_eq(debug_world_set(&world, "a.out@30 = 1", false, &out), STATUS_OK, "%s", strbuf_text(&out));
	expect_place("end", "compiled", debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1), "end");
	expect_contains("not reached", strbuf_text(&world.debugger->halt.text), "was not reached");
	cr_expect_eq(world.debugger->n_pending, 0);
	strbuf_finish(&out);
	close_world(&world, "changes");
}

/* Ctrl-C while an op runs on. */
Test(debugger, interrupt_of_a_running_op)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		struct error error = { 0 };
		debug_world_open(&world, chain_graph, modes[m], "-n 2 --grace 50ms");
		write_sleeping("20000000");
		free(world.words[0]);
		world.words[0] = tool_expand("@TMP@/sleeping.dot");
		debug_world_start(&world);
		cr_assert_eq(debugger_resume(world.debugger, DEBUG_RESUME_CONTINUE, 1, &error), STATUS_OK, "%s", error.text);
		cr_expect_eq(debugger_poll(world.debugger, 50000000), DEBUG_MOVING, "%s: the op runs", modes[m]);
		debugger_interrupt(world.debugger);
		debug_world_settle(&world);
		cr_expect_eq(world.debugger->halt.reason, DEBUG_REASON_INTERRUPT, "%s: reason %d", modes[m], world.debugger->halt.reason);
		expect_contains("interrupt", strbuf_text(&world.debugger->halt.text), "w0 computes a of execution 0");
		cr_expect_eq(debugger_kill(world.debugger, &error), STATUS_OK);
		cr_expect_eq(world.debugger->state, DEBUG_ENDED);
		close_world(&world, modes[m]);
	}
}

Test(debugger, backwards_through_history)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		static const struct {
			int direction;
			uint64_t count;
			int status;
			const char *node; /* NULL: the present */
			uint64_t execution;
		} moves[] = {
			{ 1, 1, STATUS_INPUT, NULL, 0 },
			{ -1, 1, STATUS_OK, "a", 2 },
			{ -1, 1, STATUS_OK, "input", 2 },
			{ -1, 2, STATUS_OK, "a", 1 },
			{ 1, 1, STATUS_OK, "b", 1 },
			{ -1, 6, STATUS_INPUT, "input", 0 },
			{ 1, 3, STATUS_OK, "input", 1 },
			{ 1, 100, STATUS_OK, NULL, 0 },
		};
		struct debug_world world;
		debug_world_open(&world, chain_graph, modes[m], "-n 8 --in-flight 1");
		debug_world_start(&world);
		add_break(&world, "b", GATE_BEFORE)->execution = 2;
		expect_place("stop", modes[m], debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1), "stop 1: w1 b before 2");
		for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
			struct error error = { 0 };
			int status = debugger_move_cursor(world.debugger, moves[i].direction, moves[i].count, &error);
			uint32_t node = moves[i].node ? debug_world_node(&world, moves[i].node) : PROGRAM_NONE;
			uint64_t execution = moves[i].node ? moves[i].execution : DEBUG_LATEST;
			cr_expect_eq(status, moves[i].status, "%s, move %zu: status %d, expected %d: %s", modes[m], i, status, moves[i].status,
				error.text);
			cr_expect_eq(world.debugger->selected_node, node, "%s, move %zu: node %u, expected %u", modes[m], i,
				world.debugger->selected_node, node);
			cr_expect_eq(world.debugger->selected_execution, execution, "%s, move %zu: execution %d, expected %d", modes[m], i,
				(int)world.debugger->selected_execution, (int)execution);
		}
		close_world(&world, modes[m]);
	}
}

/* -- runs that were not started here ------------------------------------------------------------------------------------------ */

static pid_t start_run(const char *mode, const char *options)
{
	char line[400];
	snprintf(line, sizeof line, "run @TMP@/graph.dot --mode %s %s", mode, options);
	return tool_start(line);
}

Test(debugger, attach_and_detach_leave_a_run_unharmed)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		struct error error = { 0 };
		int status = 0, n_before = 0;
		tool_write_file("graph.dot", chain_graph);
		pid_t pid = start_run(modes[m], "-n 100000 --input x=@TMP@/x.npy --output b=@TMP@/b.npy");
		debug_world_open(&world, "", modes[m], "");
		n_before = count_descriptors();
		cr_assert_eq(debugger_attach(world.debugger, pid, 10000000000, &error), STATUS_OK, "%s: %s", modes[m], error.text);
		cr_assert_eq(debug_world_settle(&world), DEBUG_HALTED, "%s", strbuf_text(&world.debugger->halt.text));
		cr_expect(world.debugger->halt.has_gate);
		uint64_t execution = world.debugger->halt.gate.execution;
		add_break(&world, "b", GATE_AFTER)->execution = execution + 20;
		debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1);
		cr_expect_eq(world.debugger->halt.gate.execution, execution + 20);
		cr_expect_eq(debugger_detach(world.debugger, &error), STATUS_OK, "%s", error.text);
		cr_expect_eq(world.debugger->state, DEBUG_READY);
		cr_expect_eq(count_descriptors(), n_before, "%s: %d descriptors, %d before", modes[m], count_descriptors(), n_before);
		cr_expect_neq(debug_world_node(&world, "b"), PROGRAM_NONE, "%s: the names are kept", modes[m]);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: wait status %x", modes[m], (unsigned)status);
		double value = read_first("@TMP@/b.npy");
		cr_expect_eq(value, 100001, "%s: b[0] is %g, expected 100001", modes[m], value);
		close_world(&world, modes[m]);
	}
}

Test(debugger, a_driver_that_dies_ends_it)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		debug_world_open(&world, chain_graph, modes[m], "-n 8");
		debug_world_start(&world);
		kill(world.debugger->process.pid, SIGKILL);
		for (int i = 0; i < 1000 && world.debugger->state == DEBUG_HALTED; i++) {
			debugger_poll(world.debugger, 10000000);
			usleep(1000);
		}
		cr_expect_eq(world.debugger->state, DEBUG_ENDED, "%s: state %d", modes[m], world.debugger->state);
		cr_expect_eq(world.debugger->exit_status, 128 + SIGKILL, "%s: exit %d", modes[m], world.debugger->exit_status);
		expect_contains("end", strbuf_text(&world.debugger->halt.text), "signal 9");
		debug_world_start(&world);
		expect_place("a second start", modes[m], debug_world_where(&world), "driver input after 0");
		close_world(&world, modes[m]);
	}
}

Test(debugger, a_run_that_cannot_start_says_why)
{
	struct debug_world world;
	struct error error = { 0 };
	debug_world_open(&world, "digraph g { input [tensors=\"x:f32[4]\"]; subgraph cluster_0 { a [op=nonsense]; } input -> a -> output; }\n",
		"compiled", "");
	cr_assert_eq(debugger_start(world.debugger, false, &error), STATUS_OK, "%s", error.text);
	cr_expect_eq(debug_world_settle(&world), DEBUG_ENDED);
	cr_expect_eq(world.debugger->halt.reason, DEBUG_REASON_END);
	cr_expect_eq(world.debugger->exit_status, 1);
	expect_contains("wrong graph", strbuf_text(&world.debugger->halt.text), "nonsense");
	cr_expect_eq(debugger_resume(world.debugger, DEBUG_RESUME_CONTINUE, 1, &error), STATUS_USAGE);
	cr_expect_eq(debugger_detach(world.debugger, &error), STATUS_USAGE);
	cr_expect_eq(debugger_kill(world.debugger, &error), STATUS_USAGE);
	close_world(&world, "wrong graph");
}

Test(debugger, destroyed_in_every_state)
{
	static const char *const states[] = { "launching", "moving", "halting", "halted", "stepping" };
	int n_before = 0;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		for (size_t i = 0; i < ARRAY_LEN(states); i++) {
			struct debug_world world;
			struct error error = { 0 };
			debug_world_open(&world, chain_graph, modes[m], "-n 100000000");
			cr_assert_eq(debugger_start(world.debugger, i == 1, &error), STATUS_OK, "%s", error.text);
			if (i == 1)
				debugger_poll(world.debugger, 300000000);
			if (i >= 2)
				debug_world_settle(&world);
			if (i == 2 || i == 4)
				debugger_resume(world.debugger, i == 2 ? DEBUG_RESUME_CONTINUE : DEBUG_RESUME_STEP, 1000000, &error);
			if (i == 2)
				debugger_interrupt(world.debugger);
			if (i == 2 || i == 4)
				debugger_poll(world.debugger, 1000);
			close_world(&world, states[i]);
			if (!n_before)
				n_before = count_descriptors();
			cr_expect_eq(count_descriptors(), n_before, "%s, %s: %d descriptors, expected %d", modes[m], states[i],
				count_descriptors(), n_before);
		}
	}
}

Test(debugger, kept_child_goes_on)
{
	struct debug_world world;
	struct error error = { 0 };
	debug_world_open(&world, chain_graph, "compiled", "-n 200000 --input x=@TMP@/x.npy --output b=@TMP@/kept.npy");
	debug_world_start(&world);
	pid_t pid = world.debugger->process.pid;
	cr_assert_eq(debugger_detach(world.debugger, &error), STATUS_OK, "%s", error.text);
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "wait status %x: who prints to nowhere fails", (unsigned)status);
	cr_expect_eq(read_first("@TMP@/kept.npy"), 200001, "b[0] is %g, expected 200001", read_first("@TMP@/kept.npy"));
	close_world(&world, "kept");
}

/* A worker that is stopped: nothing moves, motion goes on, who attached is told once, and Ctrl-C halts all the same. */
Test(debugger, a_stall_is_told_and_can_be_interrupted)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		struct error error = { 0 };
		tool_write_file("graph.dot", chain_graph);
		pid_t pid = start_run(modes[m], "-n 100000000");
		debug_world_open(&world, "", modes[m], "");
		cr_assert_eq(debugger_attach(world.debugger, pid, 10000000000, &error), STATUS_OK, "%s: %s", modes[m], error.text);
		debug_world_settle(&world);
		pid_t w1 = leftovers_find("tandem worker w1", 1000);
		cr_assert_eq(kill(w1, SIGSTOP), 0);
		cr_assert_eq(debugger_resume(world.debugger, DEBUG_RESUME_CONTINUE, 1, &error), STATUS_OK, "%s", error.text);
		for (int i = 0; i < 100 && !strstr(strbuf_text(&world.printed), "root: "); i++)
			cr_assert_eq(debugger_poll(world.debugger, 100000000), DEBUG_MOVING, "%s: %s", modes[m],
				strbuf_text(&world.debugger->halt.text));
		expect_contains("stall", strbuf_text(&world.printed), "nothing has moved");
		expect_contains("stall", strbuf_text(&world.printed), "w1");
		expect_contains("stall", strbuf_text(&world.printed), "the worker is stopped");
		size_t n = world.printed.length;
		debugger_poll(world.debugger, 1100000000);
		cr_expect_eq(world.printed.length, n, "%s: told twice: %s", modes[m], strbuf_text(&world.printed));
		debugger_interrupt(world.debugger);
		debug_world_settle(&world);
		cr_expect_eq(world.debugger->halt.reason, DEBUG_REASON_INTERRUPT);
		kill(w1, SIGCONT);
		cr_expect_eq(debugger_kill(world.debugger, &error), STATUS_OK, "%s", error.text);
		cr_assert_eq(waitpid(pid, NULL, 0), pid);
		close_world(&world, modes[m]);
	}
}

Test(debugger, a_worker_that_dies_ends_it)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		debug_world_open(&world, "digraph g { input [tensors=\"x:f32[4]\"]; subgraph cluster_0 { worker=w0; a [op=copy]; }\n"
			"subgraph cluster_1 { worker=w1; b [op=crash, at=3, signal=kill]; } input -> a -> b -> output; }\n", modes[m], "-n 8");
		debug_world_start(&world);
		expect_place("crash", modes[m], debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1), "end");
		cr_expect_eq(world.debugger->exit_status, 1, "%s: exit %d", modes[m], world.debugger->exit_status);
		expect_contains("crash", strbuf_text(&world.printed), "'b' of execution 3");
		close_world(&world, modes[m]);
	}
}

/* Conditions that do not hold: everybody is let go at once, so that many are judged in little time. */
Test(debugger, many_stops_that_are_not_hit)
{
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct debug_world world;
		struct error error = { 0 };
		debug_world_open(&world, chain_graph, modes[m], "-n 1500");
		debug_world_start(&world);
		struct debug_stop *stop = add_break(&world, "b", GATE_AFTER);
		cr_assert_eq(debug_stop_set_condition(stop, debugger_program(world.debugger), "execution == 1000", &error), STATUS_OK, "%s",
			error.text);
		expect_place("condition", modes[m], debug_world_go(&world, DEBUG_RESUME_CONTINUE, 1), "stop 1: w1 b after 1000");
		cr_expect_eq(stop->n_hits, 1);
		close_world(&world, modes[m]);
	}
}
