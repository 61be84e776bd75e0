/* SPDX-License-Identifier: Apache-2.0
 *
 * test_target: tests of engine/debug/target.h.
 */
#include "engine/debug/target.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/debug/held_run.h"

/* A split has outputs with names to tell; add has inputs. */
static const char graph_text[] = "digraph g { input [tensors=\"x:f32[4,6] y:f32[4,3]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; cut [op=split, axis=1, sizes=\"3,3\"]; left [op=copy]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; sum [op=add]; twice [op=scale, factor=2]; }\n"
	"input -> cut [from=x]; cut -> left [from=0]; left -> sum [arg=0]; cut -> sum [from=1, arg=1];\n"
	"sum -> twice; twice -> output; input -> output [from=y, arg=given]; }\n";

static void check_refused(pid_t pid, const char *expected)
{
	struct debug_target target;
	struct error error = { 0 };
	int status = debug_target_attach(pid, 0, &target, &error);
	cr_expect_eq(status, STATUS_INPUT, "%s", status_word(status));
	cr_expect(strstr(error.text, expected), "'%s' without '%s'", error.text, expected);
}

Test(target, what_cannot_be_attached_to)
{
	char text[80];
	snprintf(text, sizeof text, "there is no tandem run in process %d", (int)getpid());
	check_refused(INT_MAX, "there is no process");
	check_refused(-1, "is no process");
	check_refused(getpid(), text);
}

static void check_attached(enum run_mode mode)
{
	struct held_run run;
	char text[80];
	held_run_start(&run, mode, graph_text, 3, 0, false);
	cr_expect_eq(run.target.driver_pid, getpid());
	cr_expect(debug_target_is_live(&run.target));
	snprintf(text, sizeof text, "process %d is being debugged by process %d already", (int)getpid(), (int)getpid());
	check_refused(getpid(), text);
	for (uint32_t i = 1; i < run.target.control.n_workers; i++)
		check_refused(atomic_load(&run.target.control.header->workers[i].pid), text);
	held_run_go_to(&run, "sum", GATE_AFTER, 1, false);
	held_run_finish(&run);
	/* element 0 of cut's halves is e and e + 3 */
	for (int e = 0; e < 3; e++)
		cr_expect_eq(run.results[e][0], (float)(2 * (e + e + 3)), "execution %d: %g", e, (double)run.results[e][0]);
	snprintf(text, sizeof text, "there is no tandem run in process %d", (int)getpid());
	check_refused(getpid(), text);
}

Test(target, one_debugger_at_a_time_by_any_process_of_the_run, .timeout = 100)
{
	check_attached(RUN_MODE_COMPILED);
	check_attached(RUN_MODE_INTERPRETED);
}

static void expect_names(const struct program *program)
{
	const char *nearest;
	char name[64];
	uint32_t cut = debug_find_node(program, "cut", NULL), sum = debug_find_node(program, "sum", &nearest);
	cr_expect_eq(debug_find_node(program, "sun", &nearest), PROGRAM_NONE);
	cr_expect_str_eq(nearest, "sum", "%s", nearest);
	cr_expect_eq(debug_find_node(program, "nothing_like_it", &nearest), PROGRAM_NONE);
	cr_expect_null(nearest);
	cr_expect_eq(debug_find_worker(program, "w1", NULL), 2);
	cr_expect_eq(debug_find_worker(program, "w9", &nearest), PROGRAM_NONE);
	cr_expect(nearest && nearest[0] == 'w', "%s", nearest ? nearest : "none");
	cr_expect_eq(debug_find_output(program, cut, ""), 0);
	cr_expect_eq(debug_find_output(program, cut, "1"), 1);
	cr_expect_eq(debug_find_output(program, cut, "2"), PROGRAM_NONE);
	cr_expect_eq(debug_find_output(program, cut, "99999999999999999999999"), PROGRAM_NONE);
	cr_expect_eq(debug_find_output(program, GRAPH_INPUT, "y"), 1);
	cr_expect_eq(debug_find_output(program, GRAPH_INPUT, "z"), PROGRAM_NONE);
	cr_expect_eq(debug_find_output(program, GRAPH_OUTPUT, ""), PROGRAM_NONE);
	cr_expect_eq(debug_find_input(program, GRAPH_OUTPUT, "given"), 1);
	cr_expect_eq(debug_find_input(program, GRAPH_OUTPUT, "twice"), 0);
	cr_expect_str_eq(debug_output_name(program, GRAPH_INPUT, 0, name, sizeof name), "x", "%s", name);
	cr_expect_str_eq(debug_input_name(program, GRAPH_OUTPUT, 1, name, sizeof name), "given", "%s", name);
	cr_expect_eq(program->edges[debug_input_edge(program, sum, 1)].src, cut);
	cr_expect_eq(debug_input_edge(program, sum, 2), PROGRAM_NONE);
	cr_expect_str_eq(debug_op_name(program, sum), "add");
	cr_expect_str_eq(debug_op_name(program, GRAPH_INPUT), "");
}

static void expect_order(const struct program *program)
{
	static const char *const expected[] = { "input", "cut", "left", "sum", "twice", "output" };
	uint32_t order[6];
	cr_assert_eq(program->header->n_nodes, 6);
	debug_order(program, order);
	for (int i = 0; i < 6; i++)
		cr_expect_str_eq(debug_node_name(program, order[i]), expected[i], "place %d: %s", i, debug_node_name(program, order[i]));
}

static void expect_text(const struct strbuf *text, const char *expected)
{
	cr_expect(strstr(strbuf_text(text), expected), "\n%s\n--- without\n%s", strbuf_text(text), expected);
}

static void check_states(enum run_mode mode)
{
	struct held_run run;
	struct debug_worker_state state;
	struct strbuf text = STRBUF_INIT;
	held_run_start(&run, mode, graph_text, 3, 0, false);
	expect_names(&run.target.program);
	expect_order(&run.target.program);
	held_run_go_to(&run, "left", GATE_BEFORE, 1, false);
	debug_look(&run.target, 1, &state);
	cr_expect_eq(state.activity, DEBUG_AT_GATE, "%d", state.activity);
	cr_expect_str_eq(debug_node_name(&run.target.program, state.node), "left");
	cr_expect_eq(state.execution, 1);
	debug_describe_worker(&run.target, 1, &text);
	cr_expect_str_eq(strbuf_text(&text), "w0 at left of execution 1, before compute", "%s", strbuf_text(&text));
	usleep(20000); /* the others come to wait */
	strbuf_clear(&text);
	debug_where(&run.target, &text);
	expect_text(&text, "w0 at left of execution 1, before compute\n");
	expect_text(&text, "root: w0 at left of execution 1, before compute: stopped by this debugger\n");
	expect_text(&text, mode == RUN_MODE_COMPILED ? "w1 waits " : "w1 waits ");
	expect_text(&text, mode == RUN_MODE_COMPILED ? "for edge left->sum." : "for a task");
	expect_text(&text, "driver waits ");
	strbuf_finish(&text);
	held_run_finish(&run);
}

Test(target, states_and_the_root_of_a_stop, .timeout = 100)
{
	check_states(RUN_MODE_COMPILED);
	check_states(RUN_MODE_INTERPRETED);
}

/* -- images ------------------------------------------------------------------------------------------------------------- */

static struct debug_images images_of(const struct debug_target *target)
{
	return (struct debug_images){ .program = target->program.header, .program_bytes = target->program.mapping_bytes,
		.control = target->control.header, .control_bytes = target->control.mapping_bytes,
		.slots = target->slots, .slots_bytes = target->slots_bytes,
		.gates = target->gates.header, .gates_bytes = target->gates.mapping_bytes };
}

static void check_images(enum run_mode mode)
{
	struct held_run run;
	struct debug_target saved, broken;
	struct error error = { 0 };
	struct strbuf text = STRBUF_INIT;
	held_run_start(&run, mode, graph_text, 3, 0, false);
	held_run_go_to(&run, "sum", GATE_BEFORE, 1, false);
	cr_assert(gates_freeze(&run.target.gates, &run.target.control, GATE_FREEZE_ASKED, PROGRAM_NONE, PROGRAM_NONE, UINT64_MAX, "a test"));
	held_run_go_to(&run, "twice", GATE_AFTER, 1, false);
	struct debug_images images = images_of(&run.target);
	cr_assert_eq(debug_target_open_images(&images, &saved, &error), STATUS_OK, "%s", error.text);
	cr_expect_not(debug_target_is_live(&saved));
	cr_expect_not_null(saved.last.header, "there is a frozen state");
	cr_expect_eq(saved.driver_pid, 0);
	debug_where(&saved, &text);
	expect_text(&text, "w1 at twice of execution 1, after compute, before publish\n");
	strbuf_finish(&text);
	for (int i = 0; i < 4; i++) {
		struct debug_images cut = images;
		size_t *const sizes[] = { &cut.program_bytes, &cut.control_bytes, &cut.slots_bytes, &cut.gates_bytes };
		*sizes[i] = i == 2 ? 64 : *sizes[i] - 64;
		int status = debug_target_open_images(&cut, &broken, &error);
		cr_expect_eq(status, STATUS_PROTOCOL, "segment %d: %s", i, status_word(status));
	}
	debug_target_close(&saved);
	held_run_finish(&run);
}

Test(target, saved_images_open_as_they_stood, .timeout = 100)
{
	check_images(RUN_MODE_COMPILED);
	check_images(RUN_MODE_INTERPRETED);
}
