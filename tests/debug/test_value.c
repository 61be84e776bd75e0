/* SPDX-License-Identifier: Apache-2.0
 *
 * test_value: finding values wherever they are held, and changing them, in runs of both modes that are held at their gates.
 */
#include "engine/debug/value.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/debug/expression.h"
#include "tests/debug/held_run.h"

/* b works in place of a, on one worker; d forwards c; element i of execution e: x = e + i, a = x, b = 3 x, c = 3 x, e = 6 x. */
static const char chain_text[] = "digraph g { input [tensors=\"x:f32[N<=8,2]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=copy]; b [op=scale, factor=3]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; c [op=copy]; d [op=identity]; e [op=scale, factor=2]; }\n"
	"input -> a -> b -> c -> d -> e -> output; }\n";

/* Asserts that the value is held there, with elements factor · (execution + i). */
static void expect_value(struct held_run *run, const char *node, uint64_t execution, enum debug_source source, bool is_writable, float factor)
{
	struct debug_value value;
	struct error error = { 0 };
	void *copy;
	int status = debug_value_find(&run->target, held_run_node(run, node), 0, execution, &value, &error);
	cr_assert_eq(status, STATUS_OK, "%s of %llu: %s", node, (unsigned long long)execution, error.text);
	cr_expect_eq(value.source, source, "%s of %llu: %s, not %s", node, (unsigned long long)execution, debug_source_phrase(value.source),
		debug_source_phrase(source));
	cr_expect_eq(value.is_writable, is_writable, "%s of %llu", node, (unsigned long long)execution);
	cr_assert_eq(debug_value_copy(&run->target, &value, &copy, &error), STATUS_OK, "%s", error.text);
	cr_expect(value.tensor.n_dims == 2 && value.tensor.shape[0] == run->sizes && value.tensor.shape[1] == 2, "%s: %lld,%lld", node,
		(long long)value.tensor.shape[0], (long long)value.tensor.shape[1]);
	for (int i = 0; i < 2 * run->sizes; i++) {
		float got = ((const float *)copy)[i], expected = factor * (float)((int)value.execution + i);
		cr_expect_eq(got, expected, "%s of %llu: element %d is %g, not %g", node, (unsigned long long)execution, i, (double)got,
			(double)expected);
	}
	free(copy);
}

static void expect_missing(struct held_run *run, const char *node, uint64_t execution, const char *expected)
{
	struct debug_value value;
	struct error error = { 0 };
	int status = debug_value_find(&run->target, held_run_node(run, node), 0, execution, &value, &error);
	cr_expect_eq(status, STATUS_INPUT, "%s of %llu: %s", node, (unsigned long long)execution, status_word(status));
	cr_expect(strstr(error.text, expected), "%s of %llu: '%s' without '%s'", node, (unsigned long long)execution, error.text, expected);
}

Test(value, compiled_gates_slots_and_what_is_written_over, .timeout = 100)
{
	struct held_run run;
	held_run_start(&run, RUN_MODE_COMPILED, chain_text, 6, 2, false);
	held_run_go_to(&run, "b", GATE_BEFORE, 2, false);
	expect_value(&run, "a", 2, DEBUG_SOURCE_GATE, false, 1);
	expect_missing(&run, "b", 2, "b.out of execution 2 is not held");
	held_run_go_to(&run, "b", GATE_AFTER, 2, false);
	expect_value(&run, "b", 2, DEBUG_SOURCE_GATE, true, 3);
	expect_value(&run, "b", DEBUG_LATEST, DEBUG_SOURCE_GATE, true, 3);
	expect_missing(&run, "a", 2, "b works in place and has written over it");
	expect_value(&run, "b", 1, DEBUG_SOURCE_SLOT, false, 3);
	expect_value(&run, "input", 2, DEBUG_SOURCE_SLOT, false, 1);
	expect_missing(&run, "b", 5, "Held are executions");
	held_run_go_to(&run, "e", GATE_BEFORE, 2, false);
	expect_value(&run, "d", 2, DEBUG_SOURCE_GATE, false, 3);
	expect_value(&run, "c", 2, DEBUG_SOURCE_SLOT, false, 3);
	held_run_go_to(&run, "e", GATE_AFTER, 2, false);
	expect_value(&run, "e", 2, DEBUG_SOURCE_GATE, true, 6);
	expect_missing(&run, "c", 2, "e works in place and has written over it");
	expect_missing(&run, "d", 2, "e works in place and has written over it");
	held_run_go_to(&run, "output", GATE_BEFORE, 2, false);
	expect_value(&run, "e", 2, DEBUG_SOURCE_GATE, false, 6);
	held_run_finish(&run);
}

Test(value, interpreted_gates_and_objects, .timeout = 100)
{
	struct held_run run;
	held_run_start(&run, RUN_MODE_INTERPRETED, chain_text, 6, 2, false);
	held_run_go_to(&run, "a", GATE_BEFORE, 2, false);
	expect_value(&run, "input", 2, DEBUG_SOURCE_GATE, false, 1);
	held_run_go_to(&run, "b", GATE_AFTER, 2, false);
	expect_value(&run, "b", 2, DEBUG_SOURCE_GATE, true, 3);
	expect_missing(&run, "a", 2, "an object is freed when its last reader is done");
	expect_missing(&run, "b", 1, "an object is freed when its last reader is done");
	held_run_go_to(&run, "d", GATE_BEFORE, 2, false);
	expect_value(&run, "c", 2, DEBUG_SOURCE_GATE, false, 3);
	held_run_go_to(&run, "e", GATE_BEFORE, 2, false);
	expect_value(&run, "d", 2, DEBUG_SOURCE_GATE, false, 3);
	expect_missing(&run, "b", 2, "an object is freed when its last reader is done");
	held_run_go_to(&run, "output", GATE_BEFORE, 3, false);
	expect_value(&run, "e", 3, DEBUG_SOURCE_GATE, false, 6);
	held_run_finish(&run);
}

static void check_history(enum run_mode mode)
{
	struct held_run run;
	struct debug_history history;
	uint64_t executions[4];
	uint32_t total;
	held_run_start(&run, mode, chain_text, 8, 2, false);
	held_run_go_to(&run, "output", GATE_BEFORE, 6, true);
	static const float factors[] = { 1, 3, 3, 3, 6 };
	for (int i = 0; i < 5; i++) {
		char name[] = { (char)('a' + i), '\0' };
		for (uint64_t e = 1; e < 4; e++)
			expect_value(&run, name, e, DEBUG_SOURCE_HISTORY, false, factors[i]);
	}
	uint32_t n = debug_value_executions(&run.target, held_run_node(&run, "a"), 0, executions, 4, &total);
	cr_expect(n == 4 && total >= 6, "%u of %u", n, total);
	cr_expect(executions[0] + 3 == executions[3], "%llu to %llu", (unsigned long long)executions[0], (unsigned long long)executions[3]);
	expect_missing(&run, "a", 100, "Held are executions");
	debug_history(&run.target, &history);
	cr_expect_geq(history.n_entries, 6 * 6, "%llu", (unsigned long long)history.n_entries);
	cr_expect(history.first_execution <= 1 && history.last_execution >= 6, "%llu to %llu", (unsigned long long)history.first_execution,
		(unsigned long long)history.last_execution);
	cr_expect_eq(history.n_dropped_bytes, 0);
	cr_expect_geq(history.budget_bytes, history.n_bytes);
	held_run_finish(&run);
}

Test(value, the_history_holds_what_was_kept, .timeout = 100)
{
	check_history(RUN_MODE_COMPILED);
	check_history(RUN_MODE_INTERPRETED);
}

Test(value, a_slot_full_of_poison_is_no_value, .timeout = 100)
{
	struct held_run run;
	held_run_start(&run, RUN_MODE_COMPILED, chain_text, 6, 3, true);
	held_run_go_to(&run, "output", GATE_BEFORE, 3, false);
	expect_missing(&run, "b", 3, "filled with poison");
	expect_value(&run, "e", 3, DEBUG_SOURCE_GATE, false, 6);
	held_run_finish(&run);
	for (int e = 0; e < 6; e++)
		cr_expect_eq(run.results[e][1], (float)(6 * (e + 1)), "execution %d: %g", e, (double)run.results[e][1]);
}

/* -- inputs ---------------------------------------------------------------------------------------------------------------------- */

static void check_inputs(enum run_mode mode)
{
	struct held_run run;
	struct debug_value value;
	struct error error = { 0 };
	held_run_start(&run, mode, chain_text, 4, 2, false);
	held_run_go_to(&run, "c", GATE_BEFORE, 2, false);
	uint32_t c = held_run_node(&run, "c");
	cr_assert_eq(debug_value_find_input(&run.target, c, 0, DEBUG_LATEST, &value, &error), STATUS_OK, "%s", error.text);
	cr_expect_eq(value.node, held_run_node(&run, "b"));
	cr_expect_eq(value.source, DEBUG_SOURCE_GATE);
	cr_expect_eq(value.execution, 2);
	cr_expect_eq(((const float *)value.tensor.data)[1], 9.0f, "%g", (double)((const float *)value.tensor.data)[1]);
	cr_expect_eq(debug_value_find_input(&run.target, c, 1, 2, &value, &error), STATUS_INPUT);
	held_run_finish(&run);
}

Test(value, inputs_at_a_gate_are_their_producers_outputs, .timeout = 100)
{
	check_inputs(RUN_MODE_COMPILED);
	check_inputs(RUN_MODE_INTERPRETED);
}

/* -- changing -------------------------------------------------------------------------------------------------------------------- */

static int assign(struct held_run *run, const char *text, uint64_t execution, struct error *error)
{
	struct debug_assignment assignment;
	int64_t n = 0;
	int status = debug_assignment_parse(&run->target.program, text, &assignment, error);
	if (status != STATUS_OK)
		return status;
	status = debug_assignment_carry_out(&run->target, &assignment, execution, &n, error);
	debug_assignment_finish(&assignment);
	return status;
}

static void expect_refused(struct held_run *run, const char *text, uint64_t execution, const char *expected)
{
	struct error error = { 0 };
	int status = assign(run, text, execution, &error);
	cr_expect_eq(status, STATUS_INPUT, "%s: %s", text, status_word(status));
	cr_expect(strstr(error.text, expected), "%s: '%s' without '%s'", text, error.text, expected);
}

static void expect_assigned(struct held_run *run, const char *text, uint64_t execution)
{
	struct error error = { 0 };
	cr_expect_eq(assign(run, text, execution, &error), STATUS_OK, "%s: %s", text, error.text);
}

static void check_assignments(enum run_mode mode)
{
	struct held_run run;
	held_run_start(&run, mode, chain_text, 4, 2, false);
	held_run_go_to(&run, "b", GATE_AFTER, 2, true);
	expect_refused(&run, "b.out[0,0] = 1,2", 2, "2 numbers for 1 elements");
	expect_refused(&run, "b.out[9] = 1", 2, "index 9 is outside");
	expect_refused(&run, "a = 1", 2, "published (captured) and cannot be changed");
	expect_refused(&run, "b = a[0]", 2, "the left side is f32[3,2], the right side f32[2]");
	expect_refused(&run, "b = /nowhere/x.npy", 2, "/nowhere/x.npy");
	expect_assigned(&run, "b.out[0,0] = 100", 2);
	expect_assigned(&run, "b.out[0,1] += 5", 2);
	expect_assigned(&run, "b.out[1] = 7, -8", 2);
	expect_assigned(&run, "b[2,:] = a[0]@2", 2);
	held_run_finish(&run);
	static const float expected[] = { 200, 2 * (9 + 5), 14, -16, 2 * 2, 2 * 3 };
	for (int i = 0; i < 6; i++)
		cr_expect_eq(run.results[2][i], expected[i], "element %d: %g, not %g", i, (double)run.results[2][i], (double)expected[i]);
	cr_expect_eq(run.results[3][1], 24.0f, "the next execution is untouched: %g", (double)run.results[3][1]);
}

Test(value, a_changed_output_is_what_the_next_node_reads, .timeout = 100)
{
	check_assignments(RUN_MODE_COMPILED);
	check_assignments(RUN_MODE_INTERPRETED);
}

Test(value, an_input_of_the_graph_can_be_changed_before_it_is_published, .timeout = 100)
{
	struct held_run run;
	held_run_start(&run, RUN_MODE_COMPILED, chain_text, 3, 2, false);
	held_run_go_to(&run, "input", GATE_AFTER, 1, false);
	expect_assigned(&run, "input.x *= 10", 1);
	held_run_finish(&run);
	cr_expect_eq(run.results[1][1], 120.0f, "%g", (double)run.results[1][1]);
	cr_expect_eq(run.results[2][1], 18.0f, "%g", (double)run.results[2][1]);
}
