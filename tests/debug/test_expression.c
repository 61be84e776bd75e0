/* SPDX-License-Identifier: Apache-2.0
 *
 * test_expression: tests of engine/debug/expression.h: what is understood, what is refused and how, and values at a stop.
 */
#include "engine/debug/expression.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/debug/held_run.h"

/* With names that try the lexer: "7" and "a b" need quotes, `max` is a word of conditions too. */
static const char graph_text[] = "digraph g { input [tensors=\"x:f32[2,4] y:f32[2,4]\"];\n"
	"subgraph cluster_0 { worker=w0; device=\"cpu:0\"; cut [op=split, axis=1, sizes=\"2,2\"]; sum [op=add]; \"a b\" [op=copy]; }\n"
	"subgraph cluster_1 { worker=w1; device=\"cpu:1\"; max [op=copy]; \"7\" [op=copy]; last [op=scale, factor=2]; }\n"
	"input -> cut [from=x]; cut -> sum [from=0, arg=0]; cut -> sum [from=1, arg=1]; sum -> \"a b\"; \"a b\" -> max; max -> \"7\";\n"
	"\"7\" -> last; last -> output [arg=result]; input -> output [from=y, arg=given]; }\n";

/* One world for all tables: held at sum of execution 2, after compute. x of execution e has e … e + 7, so sum is
 * [[2e + 2, 2e + 4], [2e + 10, 2e + 12]]. */
static void open_world(struct held_run *run)
{
	held_run_start(run, RUN_MODE_COMPILED, graph_text, 4, 2, false);
	held_run_go_to(run, "sum", GATE_AFTER, 2, true);
}

/* -- references ------------------------------------------------------------------------------------------------------------ */

static const struct reference_case {
	const char *name, *text;
	const char *expected; /* written down again; or the message, which begins with a column or a small letter */
	const char *rest;     /* what is left; NULL: refused */
} reference_cases[] = {
	{ "a node", "sum", "sum.out", "" },
	{ "out", "sum.out", "sum.out", "" },
	{ "by number", "cut.1", "cut.out.1", "" },
	{ "out by number", "cut.out.1", "cut.out.1", "" },
	{ "by name", "input.y", "input.out.y", "" },
	{ "out by name", "input.out.y", "input.out.y", "" },
	{ "in", "sum.in", "sum.in.a", "" },
	{ "in by number", "sum.in.1", "sum.in.b", "" },
	{ "result", "output.given", "output.in.given", "" },
	{ "output alone", "output", "output.in.result", "" },
	{ "slice", "sum[0,:4]", "sum.out[0,:4]", "" },
	{ "slice behind blanks", "sum.out [0, :4]", "sum.out[0, :4]", "" },
	{ "execution", "sum@7", "sum.out@7", "" },
	{ "relative", "sum[1]@-1", "sum.out[1]@-1", "" },
	{ "quotes", "\"a b\".out[0]", "\"a b\".out[0]", "" },
	{ "a number as name", "\"7\".out@3", "\"7\".out@3", "" },
	{ "rest", "sum[0] > 1", "sum.out[0]", " > 1" },
	{ "rest of a command", "sum.out as hex", "sum.out", " as hex" },
	{ "rest that is no token", "sum # x", "sum.out", " # x" },
	{ "nothing", "", "column 1: expected the name of a node, not the end", NULL },
	{ "unknown", "sun.out", "column 1: expected the name of a node, not 'sun'; did you mean 'sum'?", NULL },
	{ "no such output", "cut.2", "column 5: expected an output of cut (its outputs are 0, 1), not '2'", NULL },
	{ "no such input", "sum.in.2", "column 8: expected an input of sum (its inputs are a, b), not '2'", NULL },
	{ "no such name", "input.z", "column 7: expected an output of input (its outputs are x, y), not 'z'", NULL },
	{ "no name", "sum.", "column 5: expected out, in, or the name or number of an output or input, not the end", NULL },
	{ "no name behind out", "cut.out.", "expected an output of cut", NULL },
	{ "no end of slice", "sum[0", "column 4: the slice has no ]", NULL },
	{ "no end of quotes", "\"a b", "column 5: expected a closing \"", NULL },
	{ "no execution", "sum@x", "column 5: expected an execution (@7, or @-1 for the one before)", NULL },
	{ "an execution too large", "sum@99999999999999999999", "expected an execution", NULL },
	{ "no inputs", "input.in", "an input of input (it has no inputs)", NULL },
};

static void check_references(struct held_run *run)
{
	for (size_t i = 0; i < sizeof reference_cases / sizeof reference_cases[0]; i++) {
		const struct reference_case *c = &reference_cases[i];
		struct debug_reference reference;
		struct error error = { 0 };
		struct strbuf text = STRBUF_INIT;
		const char *end = NULL;
		int status = debug_reference_parse(&run->target.program, c->text, &reference, &end, &error);
		cr_expect_eq(status, c->rest ? STATUS_OK : STATUS_INPUT, "%s: %s %s", c->name, status_word(status), error.text);
		if (status == STATUS_OK && c->rest) {
			debug_reference_describe(&run->target.program, &reference, &text);
			cr_expect_str_eq(strbuf_text(&text), c->expected, "%s: %s, not %s", c->name, strbuf_text(&text), c->expected);
			cr_expect_str_eq(end, c->rest, "%s: '%s' is left, not '%s'", c->name, end, c->rest);
		} else {
			cr_expect(strstr(error.text, c->expected), "%s: '%s' without '%s'", c->name, error.text, c->expected);
		}
		strbuf_finish(&text);
	}
}

/* -- conditions -------------------------------------------------------------------------------------------------------------- */

static const struct condition_case {
	const char *name, *text;
	double expected;      /* NAN: */
	const char *message;  /* refused, or cannot be evaluated, with this */
	bool needs_outputs;
} condition_cases[] = {
	{ "number", "1.5e1", 15, NULL, false },
	{ "duration", "2ms", 2e6, NULL, false },
	{ "product before sum", "1 + 2 * 3", 7, NULL, false },
	{ "from left to right", "7 - 2 - 1", 4, NULL, false },
	{ "division", "7 / 2", 3.5, NULL, false },
	{ "group", "(1 + 2) * 3", 9, NULL, false },
	{ "sign", "-3 + --2", -1, NULL, false },
	{ "not", "!0 + !!5", 2, NULL, false },
	{ "comparison before and", "1 < 2 && 3 >= 3", 1, NULL, false },
	{ "and before or", "1 || 0 && 0", 1, NULL, false },
	{ "or is lazy", "1 || sum[99] > 1", 1, NULL, false },
	{ "and is lazy", "0 && sum[99] > 1", 0, NULL, false },
	{ "node", "node == sum", 1, NULL, false },
	{ "another node", "node != cut", 1, NULL, false },
	{ "node reversed", "max == node", 0, NULL, false },
	{ "quoted node", "node == \"a b\"", 0, NULL, false },
	{ "op", "op == add && op != copy", 1, NULL, false },
	{ "worker", "worker == w0", 1, NULL, false },
	{ "execution", "execution % 2", (double)NAN, "column 11: '%' has no meaning here", false },
	{ "execution is", "execution == 2", 1, NULL, false },
	{ "duration is there", "duration >= 0 && duration < 100s", 1, NULL, true },
	{ "wait is there", "wait >= 0", 1, NULL, false },
	{ "max", "max", 16, NULL, true },
	{ "min", "min", 6, NULL, true },
	{ "mean", "mean == 11", 1, NULL, true },
	{ "norm", "norm * norm > 551.99 && norm * norm < 552.01", 1, NULL, true },
	{ "std", "std > 4.1 && std < 4.2", 1, NULL, true },
	{ "NaN", "has_nan || has_inf || n_nan > 0 || n_inf > 0", 0, NULL, true },
	{ "inputs", "in.max", 9, NULL, false },
	{ "figure of a value", "max(cut.0)", 7, NULL, false },
	{ "figure of a slice", "max(cut.1[0])", 5, NULL, false },
	{ "figure of another execution", "max(sum@1)", 14, NULL, false },
	{ "the execution before", "sum[0,0] - sum[0,0]@-1", 2, NULL, false },
	{ "element", "sum.out[1,1]", 16, NULL, false },
	{ "element of an input", "sum.in.1[0,0]", 4, NULL, false },
	{ "element in a sum", "cut.0[0,0] + 1 == 3", 1, NULL, false },
	{ "a node called as a figure", "max[0] == 1", (double)NAN, "max.out of execution 2 is not held", false },
	{ "several elements", "sum[0] > 1", (double)NAN, "sum.out[0] is 2 elements", false },
	{ "no element", "sum.out[5,0] > 1", (double)NAN, "index 5 is outside dimension 0 of size 2", false },
	{ "not there", "last.out[0,0]@2 > 1", (double)NAN, "last.out of execution 2 is not held", false },
	{ "no execution", "sum[0,0]@-5", (double)NAN, "there is no execution -3: the current one is 2", false },
	{ "empty", "", (double)NAN, "column 1: expected a number, a value of the stop or NODE.out[…], not the end", false },
	{ "nothing behind", "1 +", (double)NAN, "column 4: expected a number", false },
	{ "two numbers", "1 2", (double)NAN, "column 3: expected an operator or the end, not '2'", false },
	{ "assignment", "execution = 2", (double)NAN, "column 11: expected ==, not '='", false },
	{ "chain", "1 < 2 < 3", (double)NAN, "column 7: expected an operator or the end, not '<'", false },
	{ "no )", "(1 + 2", (double)NAN, "column 7: expected ), not the end", false },
	{ "word", "sum > 1", (double)NAN, "column 1: expected a number: an element of a node's output", false },
	{ "unknown word", "duraton > 1ms", (double)NAN, "not 'duraton'; did you mean 'duration'?", false },
	{ "unknown node", "node == sun", (double)NAN, "column 9: expected the name of a node, not 'sun'; did you mean 'sum'?", false },
	{ "unknown op", "op == ad", (double)NAN, "column 7: expected the name of an op in this graph, not 'ad'; did you mean 'add'?", false },
	{ "unknown worker", "worker == 3", (double)NAN, "column 11: expected the name of a worker, not '3'", false },
	{ "node by size", "node < sum", (double)NAN, "column 6: expected == or !=, not '<'", false },
	{ "figure of nothing", "max()", (double)NAN, "column 5: expected the name of a node, not ')'", false },
	{ "inputs of nothing", "in > 1", (double)NAN, "column 4: expected . and a figure of the inputs (in.max), not '>'", false },
	{ "unknown figure", "in.maks", (double)NAN, "column 4: expected a figure of the inputs", false },
	{ "unit", "duration > 2parsec", (double)NAN, "column 12: expected a number or a duration (ns, us, ms, s), not '2parsec'", false },
	{ "control character", "1 \x01", (double)NAN, "column 3: a control character", false },
	{ "too deep", "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1", (double)NAN, "nested too deeply", false },
	{ "too many signs", "----------------------------------------------------------------------1", (double)NAN, "nested too deeply", false },
};

static void check_condition(struct held_run *run, const struct condition_case *c, const struct debug_place *place)
{
	struct debug_expression *expression = NULL;
	struct error error = { 0 };
	double value = -1;
	int status = debug_expression_parse(&run->target.program, c->text, &expression, &error);
	if (status == STATUS_OK) {
		bool needs_outputs = debug_expression_needs_outputs(expression);
		cr_expect(c->message || needs_outputs == c->needs_outputs, "%s: needs outputs: %d", c->name, needs_outputs);
		status = debug_expression_evaluate(expression, &run->target, place, &value, &error);
		debug_expression_finish(expression);
	}
	cr_expect_eq(status, c->message ? STATUS_INPUT : STATUS_OK, "%s: %s %s", c->name, status_word(status), error.text);
	if (c->message)
		cr_expect(strstr(error.text, c->message), "%s: '%s' without '%s'", c->name, error.text, c->message);
	else
		cr_expect_eq(value, c->expected, "%s: %g, not %g", c->name, value, c->expected);
}

static void check_conditions(struct held_run *run)
{
	struct gate_stop stop;
	uint32_t n_stops;
	cr_assert(gate_read_stop(&run->target.gates, &run->target.program, 1, &stop, &n_stops));
	struct debug_place place = { .worker = 1, .stop = &stop, .execution = stop.execution };
	for (size_t i = 0; i < sizeof condition_cases / sizeof condition_cases[0]; i++)
		check_condition(run, &condition_cases[i], &place);
}

static const struct condition_case nowhere_cases[] = {
	{ "an element", "sum.out[1,1]", 16, NULL, false },
	{ "an execution", "execution", 2, NULL, false },
	{ "a node", "node == sum", (double)NAN, "nothing stands at a gate", false },
	{ "a figure", "max > 1", (double)NAN, "nothing stands at a gate", false },
	{ "inputs", "in.max > 1", (double)NAN, "nothing stands at a gate", false },
};

static void check_without_a_stop(struct held_run *run)
{
	struct debug_place place = { .worker = PROGRAM_NONE, .execution = 2 };
	for (size_t i = 0; i < sizeof nowhere_cases / sizeof nowhere_cases[0]; i++)
		check_condition(run, &nowhere_cases[i], &place);
}

/* -- assignments --------------------------------------------------------------------------------------------------------------- */

static const struct assignment_case {
	const char *name, *text;
	const char *message;  /* NULL: understood */
	char op;
	int64_t n_numbers;    /* 0: a file or a value */
} assignment_cases[] = {
	{ "a number", "sum = 1.5", NULL, '=', 1 },
	{ "a list", "sum.out[0] = 1, -2,+3 , inf,-inf,nan", NULL, '=', 6 },
	{ "add", "sum[0,0] += 1", NULL, '+', 1 },
	{ "subtract", "sum[0,0]-=1", NULL, '-', 1 },
	{ "multiply", "sum *= 2", NULL, '*', 1 },
	{ "divide", "sum /= 2", NULL, '/', 1 },
	{ "a file", "sum = x y.npy ", NULL, '=', 0 },
	{ "a file in quotes", "sum *= \"a/b.safetensors\"", NULL, '*', 0 },
	{ "a value", "sum = cut.0[0]@-1", NULL, '=', 0 },
	{ "a value in quotes", "sum = \"a b\"", NULL, '=', 0 },
	{ "an input", "sum.in = 1", "an input cannot be set", 0, 0 },
	{ "no sign", "sum", "column 4: expected =, +=, -=, *= or /=, not the end", 0, 0 },
	{ "comparison", "sum == 1", "column 5: expected =, +=, -=, *= or /=, not '=='", 0, 0 },
	{ "nothing", "sum =", "expected numbers, a file (.npy, .safetensors) or NODE.out, not the end", 0, 0 },
	{ "no number", "sum = 1,", "column 9: expected a number, not the end", 0, 0 },
	{ "two numbers", "sum = 1 2", "column 9: expected , or the end, not '2'", 0, 0 },
	{ "rest", "sum = cut.0 + 1", "column 13: expected the end, not '+'", 0, 0 },
	{ "unknown", "sum = cud.0", "column 7: expected the name of a node, not 'cud'; did you mean 'cut'?", 0, 0 },
};

static void check_assignments(struct held_run *run)
{
	for (size_t i = 0; i < sizeof assignment_cases / sizeof assignment_cases[0]; i++) {
		const struct assignment_case *c = &assignment_cases[i];
		struct debug_assignment assignment;
		struct error error = { 0 };
		int status = debug_assignment_parse(&run->target.program, c->text, &assignment, &error);
		cr_expect_eq(status, c->message ? STATUS_INPUT : STATUS_OK, "%s: %s %s", c->name, status_word(status), error.text);
		if (status != STATUS_OK) {
			cr_expect(c->message && strstr(error.text, c->message), "%s: '%s' without '%s'", c->name, error.text, c->message);
			continue;
		}
		cr_expect_eq(assignment.op, c->op, "%s: %c", c->name, assignment.op);
		cr_expect_eq(assignment.n_numbers, c->n_numbers, "%s: %lld numbers", c->name, (long long)assignment.n_numbers);
		cr_expect_eq(!assignment.n_numbers, assignment.has_source || assignment.file, "%s", c->name);
		debug_assignment_finish(&assignment);
	}
}

Test(expression, tables, .timeout = 100)
{
	struct held_run run;
	open_world(&run);
	check_references(&run);
	check_conditions(&run);
	check_without_a_stop(&run);
	check_assignments(&run);
	held_run_finish(&run);
}

Test(expression, before_compute_there_are_no_outputs, .timeout = 100)
{
	static const struct condition_case c = { "max", "max > 1", (double)NAN, "'sum' has not computed yet", true };
	struct held_run run;
	struct gate_stop stop;
	uint32_t n_stops;
	held_run_start(&run, RUN_MODE_INTERPRETED, graph_text, 2, 2, false);
	held_run_go_to(&run, "sum", GATE_BEFORE, 1, false);
	cr_assert(gate_read_stop(&run.target.gates, &run.target.program, 1, &stop, &n_stops));
	struct debug_place place = { .worker = 1, .stop = &stop, .execution = stop.execution };
	check_condition(&run, &c, &place);
	held_run_finish(&run);
}
