/* SPDX-License-Identifier: Apache-2.0
 *
 * test_api_graph: graphs built in code: the same plan as from DOT, and what is said about wrong ones.
 */
#include "engine/api/tandem.h"

#include <criterion/criterion.h>
#include <string.h>

static const char text[] =
	"digraph built {\n"
	"  input [tensors=\"x:f32[B<=8,4] y:f32[B,4]\"];\n"
	"  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=scale, factor=3, order=1]; b [op=add, order=2]; "
	"    r0 [op=all_reduce, collective=sum]; }\n"
	"  subgraph cluster_1 { worker=w1; device=\"cpu:1\"; c [op=relu, depth=4]; r1 [op=all_reduce, collective=sum]; }\n"
	"  input -> a [from=x]; a -> b [arg=0]; input -> b [from=y, arg=1]; b -> c; b -> r0; c -> r1;\n"
	"  r0 -> output [arg=left]; r1 -> output [arg=right]; a -> c [control=true];\n"
	"}\n";

static struct tandem_graph *build(struct tandem *tandem)
{
	struct tandem_graph *graph = tandem_graph_create(tandem, "built");
	tandem_graph_input(graph, "x:f32[B<=8,4] y:f32[B,4]");
	int w0 = tandem_graph_worker(graph, "w0", NULL), w1 = tandem_graph_worker(graph, "w1", "cpu:1");
	int a = tandem_graph_node(graph, w0, "a", "scale"), b = tandem_graph_node(graph, w0, "b", "add");
	int r0 = tandem_graph_node(graph, w0, "r0", "all_reduce");
	int c = tandem_graph_node(graph, w1, "c", "relu"), r1 = tandem_graph_node(graph, w1, "r1", "all_reduce");
	tandem_graph_set(graph, a, "factor", "2");
	tandem_graph_set(graph, a, "factor", "3");
	tandem_graph_set(graph, a, "order", "1");
	tandem_graph_set(graph, b, "order", "2");
	tandem_graph_set(graph, r0, "collective", "sum");
	tandem_graph_set(graph, r1, "collective", "sum");
	tandem_graph_set(graph, c, "depth", "4");
	tandem_graph_connect(graph, TANDEM_NODE_INPUT, "x", a, NULL);
	tandem_graph_connect(graph, a, NULL, b, "0");
	tandem_graph_connect(graph, TANDEM_NODE_INPUT, "y", b, "1");
	tandem_graph_connect(graph, b, NULL, c, NULL);
	tandem_graph_connect(graph, b, NULL, r0, NULL);
	tandem_graph_connect(graph, c, NULL, r1, NULL);
	tandem_graph_connect(graph, r0, NULL, TANDEM_NODE_OUTPUT, "left");
	tandem_graph_connect(graph, r1, NULL, TANDEM_NODE_OUTPUT, "right");
	tandem_graph_order(graph, a, c);
	return graph;
}

Test(api_graph, code_and_dot_give_one_plan)
{
	struct tandem_error error = { 0 };
	struct tandem *tandem = tandem_init(NULL, NULL, NULL, &error);
	struct tandem_graph *built = build(tandem), *parsed = NULL, *again = NULL;
	cr_assert_eq(tandem_graph_compile(built, NULL, &error), TANDEM_OK, "%s", error.text);
	cr_assert_eq(tandem_graph_parse(tandem, "built", text, NULL, &error, &parsed), TANDEM_OK, "%s", error.text);
	cr_assert_eq(tandem_graph_compile(parsed, NULL, &error), TANDEM_OK, "%s", error.text);
	cr_expect_str_eq(tandem_graph_plan(built), tandem_graph_plan(parsed));
	cr_expect(strlen(tandem_graph_plan(built)) > 100, "'%s'", tandem_graph_plan(built));
	cr_assert_eq(tandem_graph_parse(tandem, "built", tandem_graph_dot(built), NULL, &error, &again), TANDEM_OK, "%s", error.text);
	cr_assert_eq(tandem_graph_compile(again, NULL, &error), TANDEM_OK, "%s", error.text);
	cr_expect_str_eq(tandem_graph_plan(again), tandem_graph_plan(built));
	cr_expect_eq(tandem_graph_n_results(built), 2, "%d", tandem_graph_n_results(built));
	cr_expect_str_eq(tandem_graph_result_name(built, 1), "right");
	cr_expect_null(tandem_graph_result_name(built, 2));
	cr_expect_str_eq(tandem_graph_mistakes(built), "");
	tandem_finish(tandem);
	tandem_graph_destroy(built);
	tandem_graph_destroy(parsed);
	tandem_graph_destroy(again);
}

/* Each spoils a graph in one way. */
static void no_device(struct tandem_graph *graph)
{
	tandem_graph_worker(graph, "w2", "gpu:0");
}

static void same_worker(struct tandem_graph *graph)
{
	tandem_graph_worker(graph, "w0", NULL);
}

static void driver_worker(struct tandem_graph *graph)
{
	tandem_graph_worker(graph, "driver", NULL);
}

static void worker_zero(struct tandem_graph *graph)
{
	tandem_graph_node(graph, 0, "n", "relu");
}

static void same_node(struct tandem_graph *graph)
{
	tandem_graph_node(graph, 1, "a", "relu");
}

static void node_output(struct tandem_graph *graph)
{
	tandem_graph_node(graph, 1, "output", "relu");
}

static void null_op(struct tandem_graph *graph)
{
	tandem_graph_node(graph, 1, "n", NULL);
}

static void near_op(struct tandem_graph *graph)
{
	tandem_graph_connect(graph, TANDEM_NODE_INPUT, "x", tandem_graph_node(graph, 1, "n", "sacle"), NULL);
}

static void unknown_parameter(struct tandem_graph *graph)
{
	tandem_graph_set(graph, 2, "fcator", "1");
}

static void parameter_of_input(struct tandem_graph *graph)
{
	tandem_graph_set(graph, TANDEM_NODE_INPUT, "order", "1");
}

static void op_as_parameter(struct tandem_graph *graph)
{
	tandem_graph_set(graph, 2, "op", "relu");
}

static void bad_depth(struct tandem_graph *graph)
{
	tandem_graph_set(graph, 2, "depth", "0");
}

static void bad_order(struct tandem_graph *graph)
{
	tandem_graph_set(graph, 2, "order", "first");
}

static void no_such_node(struct tandem_graph *graph)
{
	tandem_graph_connect(graph, 2, NULL, 99, NULL);
}

static void after_a_failure(struct tandem_graph *graph)
{
	tandem_graph_connect(graph, 2, NULL, -1, NULL);
	cr_expect_eq(tandem_graph_worker(graph, "w9", NULL), -1);
}

static void bad_input(struct tandem_graph *graph)
{
	tandem_graph_input(graph, "z:f99[4]");
}

static void circle(struct tandem_graph *graph)
{
	tandem_graph_order(graph, 3, 2);
}

static void nulls(struct tandem_graph *graph)
{
	tandem_graph_set(graph, 2, NULL, NULL);
}

static const struct {
	const char *name;
	void (*spoil)(struct tandem_graph *graph);
	const char *expected;
} wrong_cases[] = {
	{ "no device", no_device, "gpu:0" },
	{ "worker twice", same_worker, "'w0' was added before" },
	{ "worker called driver", driver_worker, "another name" },
	{ "node on worker 0", worker_zero, "did not return" },
	{ "node twice", same_node, "'a' was added before" },
	{ "node called output", node_output, "in every graph" },
	{ "op NULL", null_op, "a name and an op" },
	{ "near op", near_op, "did you mean 'scale'" },
	{ "unknown parameter", unknown_parameter, "did you mean 'factor'" },
	{ "order of input", parameter_of_input, "'input' has no 'order'" },
	{ "op as parameter", op_as_parameter, "given to tandem_graph_node" },
	{ "depth", bad_depth, "from 1 to" },
	{ "order", bad_order, "must be an integer" },
	{ "no such node", no_such_node, "no node 99" },
	{ "the first failure counts", after_a_failure, "no node -1" },
	{ "input", bad_input, "f99" },
	{ "circle", circle, "waits for itself" },
	{ "NULL", nulls, "NULL" },
};

Test(api_graph, wrong_graphs_are_told)
{
	struct tandem_error error = { 0 };
	struct tandem *tandem = tandem_init(NULL, NULL, NULL, &error);
	for (size_t i = 0; i < sizeof wrong_cases / sizeof *wrong_cases; i++) {
		struct tandem_graph *graph = build(tandem);
		wrong_cases[i].spoil(graph);
		int status = tandem_graph_compile(graph, NULL, &error);
		cr_expect(status == TANDEM_GRAPH || status == TANDEM_USAGE, "%s: status %d %s", wrong_cases[i].name, status, error.text);
		cr_expect(strstr(error.text, wrong_cases[i].expected), "%s: '%s' lacks '%s'", wrong_cases[i].name, error.text,
			wrong_cases[i].expected);
		cr_expect(strstr(tandem_graph_mistakes(graph), wrong_cases[i].expected), "%s: '%s' lacks '%s'", wrong_cases[i].name,
			tandem_graph_mistakes(graph), wrong_cases[i].expected);
		cr_expect_str_eq(tandem_graph_plan(graph), "", "%s", wrong_cases[i].name);
		tandem_graph_destroy(graph);
	}
	tandem_finish(tandem);
}

Test(api_graph, a_wrong_text_is_told_with_its_line)
{
	struct tandem_error error = { 0 };
	struct tandem *tandem = tandem_init(NULL, NULL, NULL, &error);
	struct tandem_graph *graph = NULL;
	const char *const settings[] = { "F=2", NULL };
	int status = tandem_graph_parse(tandem, "g.dot", "digraph {\n input [tensors=\"x:f32[4]\"];\n"
		" subgraph cluster_0 { a [op=scale, fcator=\"$F\"]; b [op=sacle]; }\n input -> a -> b -> output;\n}\n", settings, &error, &graph);
	if (!status)
		status = tandem_graph_compile(graph, NULL, &error);
	cr_expect_eq(status, TANDEM_GRAPH, "%d", status);
	cr_expect(strstr(error.text, "g.dot:3: "), "%s", error.text);
	cr_expect(strstr(tandem_graph_mistakes(graph), "fcator") && strstr(tandem_graph_mistakes(graph), "sacle"), "%s",
		tandem_graph_mistakes(graph));
	tandem_graph_destroy(graph);
	status = tandem_graph_parse(tandem, "g.dot", "digraph {\n a -> ;\n}", NULL, &error, &graph);
	cr_expect_eq(status, TANDEM_SYNTAX, "%d %s", status, error.text);
	cr_expect_not_null(graph);
	cr_expect_eq(tandem_graph_compile(graph, NULL, &error), TANDEM_SYNTAX);
	tandem_graph_destroy(graph);
	status = tandem_graph_load(tandem, "/nowhere/g.dot", NULL, &error, &graph);
	cr_expect_eq(status, TANDEM_INPUT, "%d %s", status, error.text);
	tandem_graph_destroy(graph);
	tandem_finish(tandem);
}

/* Two collectives in opposite order on two workers. */
Test(api_graph, a_deadlock_comes_with_its_cycle)
{
	struct tandem_error error = { 0 };
	struct tandem *tandem = tandem_init(NULL, NULL, NULL, &error);
	struct tandem_graph *graph = NULL;
	int status = tandem_graph_parse(tandem, "g.dot", "digraph { input [tensors=\"x:f32[4]\"];\n"
		"subgraph cluster_0 { worker=w0; p0 [op=all_reduce, collective=p, order=1]; q0 [op=all_reduce, collective=q, order=2]; }\n"
		"subgraph cluster_1 { worker=w1; q1 [op=all_reduce, collective=q, order=1]; p1 [op=all_reduce, collective=p, order=2]; }\n"
		"input -> p0 -> output; input -> q0 -> output; input -> p1 -> output; input -> q1 -> output; }", NULL, &error, &graph);
	cr_assert_eq(status, TANDEM_OK, "%s", error.text);
	status = tandem_graph_compile(graph, NULL, &error);
	cr_expect_eq(status, TANDEM_DEADLOCK, "%d %s", status, error.text);
	cr_expect(strstr(error.text, "p0") && strstr(error.text, "q1"), "%s", error.text);
	cr_expect(strstr(tandem_graph_mistakes(graph), "q1"), "%s", tandem_graph_mistakes(graph));
	tandem_graph_destroy(graph);
	tandem_finish(tandem);
}
