/* SPDX-License-Identifier: Apache-2.0
 *
 * test_driver: whole graphs over real worker processes ($TANDEM is the executable).
 */
#include "engine/run/driver.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"

struct fixture {
	struct graph *graph;
	struct plan *plan;
	struct driver *driver;
	struct error error;
};

static void open_fixture(struct fixture *fixture, enum run_mode mode, const char *name, const char *text, int in_flight)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph_settings settings = { 0 };
	struct plan_options plan_options = { .in_flight = in_flight };
	struct driver_options options = { .mode = mode, .executable = getenv("TANDEM"), .stall_limit_ns = -1 };
	struct strbuf why = STRBUF_INIT;
	*fixture = (struct fixture){ 0 };
	int status = graph_dot_parse(name, text, &settings, &mistakes, &fixture->graph);
	if (status == STATUS_OK)
		status = graph_resolve(fixture->graph, &ops_builtin, &mistakes);
	mistakes_print(&mistakes, name, &why);
	cr_assert_eq(status, STATUS_OK, "%s", strbuf_text(&why));
	status = plan_compile(fixture->graph, &plan_options, &why, &fixture->error, &fixture->plan);
	cr_assert_eq(status, STATUS_OK, "%s: %s %s", name, fixture->error.text, strbuf_text(&why));
	status = driver_start(fixture->plan, &options, &fixture->error, &fixture->driver);
	cr_assert_eq(status, STATUS_OK, "%s: %s", name, fixture->error.text);
	strbuf_finish(&why);
	mistakes_finish(&mistakes);
}

static void close_fixture(struct fixture *fixture)
{
	if (fixture->driver)
		driver_stop(fixture->driver, NULL, NULL);
	plan_destroy(fixture->plan);
	graph_destroy(fixture->graph);
}

#define W0 "subgraph cluster_0 { worker=w0; device=\"cpu:0\"; "
#define W1 "subgraph cluster_1 { worker=w1; device=\"cpu:1\"; "
#define W2 "subgraph cluster_2 { worker=w2; device=\"cpu:2\"; "
#define IN "input [tensors=\"x:f32[N<=64]\"]; "

/* Results as a function of x[i] = execution + i: factor · x + offset + per_execution · execution. */
static const struct graph_case {
	const char *name, *text;
	struct {
		float factor, offset, per_execution;
	} results[3];
	int n_results;
} graph_cases[] = {
	{ "one node", "digraph g { " IN W0 "a [op=copy]; } input -> a -> output; }", { { 1, 0, 0 } }, 1 },
	{ "chain of three workers",
		"digraph g { " IN W0 "a [op=touch]; } " W1 "b [op=touch]; } " W2 "c [op=touch]; } input -> a -> b -> c -> output; }",
		{ { 1, 3, 0 } }, 1 },
	{ "there and back", "digraph g { " IN W0 "a [op=touch]; c [op=touch]; } " W1 "b [op=touch]; } input -> a -> b -> c -> output; }",
		{ { 1, 3, 0 } }, 1 },
	{ "fan-out to three readers and a join",
		"digraph g { " IN W0 "a [op=touch]; d [op=copy]; } " W1 "b [op=touch]; } " W2 "c [op=add]; } "
		"input -> a; a -> b; a -> d; b -> c [arg=0]; d -> c [arg=1]; c -> output; }", { { 2, 3, 0 } }, 1 },
	{ "forwarded through a worker",
		"digraph g { " IN W0 "a [op=touch]; } " W1 "b [op=identity]; } " W2 "c [op=touch]; } input -> a -> b -> c -> output; "
		"b -> output [arg=middle]; }", { { 1, 2, 0 }, { 1, 1, 0 } }, 2 },
	{ "the input forwarded at once",
		"digraph g { " IN W0 "a [op=identity]; } " W1 "b [op=identity]; } input -> a -> b -> output; }", { { 1, 0, 0 } }, 1 },
	{ "in place after a reader elsewhere must copy",
		"digraph g { " IN W0 "a [op=copy]; b [op=touch]; } " W1 "c [op=add]; } input -> a; a -> b; a -> c [arg=0]; b -> c [arg=1]; "
		"c -> output; a -> output [arg=same]; }", { { 2, 1, 0 }, { 1, 0, 0 } }, 2 },
	{ "state follows the executions", "digraph g { " IN W0 "a [op=counter]; } " W1 "b [op=copy]; } input -> a -> b -> output; }",
		{ { 1, 0, 1 } }, 1 },
	{ "the same result twice", "digraph g { " IN W0 "a [op=touch]; } input -> a; a -> output [arg=p]; a -> output [arg=q]; }",
		{ { 1, 1, 0 }, { 1, 1, 0 } }, 2 },
	{ "control edges",
		"digraph g { " IN W0 "a [op=touch]; b [op=touch]; } " W1 "c [op=touch]; } input -> a; input -> b; input -> c; "
		"a -> c [control=true]; c -> b [control=true]; a -> output; b -> output; c -> output; }",
		{ { 1, 1, 0 }, { 1, 1, 0 }, { 1, 1, 0 } }, 3 },
	{ "small depths", "digraph g { " IN W0 "a [op=copy, depth=1]; } " W1 "b [op=touch, depth=1]; } input -> a -> b -> output; }",
		{ { 1, 1, 0 } }, 1 },
	{ "all_reduce over two workers",
		"digraph g { " IN W0 "a [op=touch]; r0 [op=all_reduce, collective=r]; } " W1 "b [op=copy]; r1 [op=all_reduce, collective=r]; } "
		"input -> a -> r0 -> output; input -> b -> r1 -> output; }", { { 2, 1, 0 }, { 2, 1, 0 } }, 2 },
};

static void check_results(const struct graph_case *test, const struct fixture *fixture, const struct tensor *outputs,
	uint64_t execution, int64_t size)
{
	const struct graph_node *output = &fixture->graph->nodes[GRAPH_OUTPUT];
	cr_assert_eq(output->n_inputs, test->n_results, "%s: %d results", test->name, output->n_inputs);
	for (int r = 0; r < test->n_results; r++) {
		cr_assert_eq(outputs[r].shape[0], size, "%s: execution %d: size %d, expected %d", test->name, (int)execution,
			(int)outputs[r].shape[0], (int)size);
		for (int64_t i = 0; i < size; i++) {
			float x = (float)execution + (float)i, got = ((float *)outputs[r].data)[i];
			float want = test->results[r].factor * x + test->results[r].offset
				+ test->results[r].per_execution * (float)execution;
			cr_assert_float_eq(got, want, 1e-4, "%s: execution %d result %d [%d]: %g, expected %g", test->name,
				(int)execution, r, (int)i, got, want);
		}
	}
}

/* Several in flight, another size each time. */
static void run_case(const struct graph_case *test, enum run_mode mode)
{
	struct fixture fixture;
	uint64_t n_submitted = 0, execution;
	open_fixture(&fixture, mode, test->name, test->text, 5);
	for (uint64_t n_done = 0; n_done < 100;) {
		float values[64];
		int64_t shape[1] = { 1 + (int64_t)(n_submitted * 7 % 64) };
		for (int64_t i = 0; i < shape[0]; i++)
			values[i] = (float)n_submitted + (float)i;
		struct tensor input = tensor_make(DTYPE_F32, 1, shape, values);
		int status = n_submitted < 100 ? driver_submit(fixture.driver, &input, &execution, &fixture.error) : STATUS_AGAIN;
		if (status == STATUS_OK) {
			cr_assert_eq(execution, n_submitted++);
			continue;
		}
		cr_assert_eq(status, STATUS_AGAIN, "%s: %s", test->name, fixture.error.text);
		const struct tensor *outputs;
		status = driver_wait(fixture.driver, 20000000000, &execution, &outputs, &fixture.error);
		cr_assert_eq(status, STATUS_OK, "%s: %s", test->name, fixture.error.text);
		cr_assert_eq(execution, n_done);
		check_results(test, &fixture, outputs, n_done, 1 + (int64_t)(n_done * 7 % 64));
		driver_release(fixture.driver);
		n_done++;
	}
	close_fixture(&fixture);
}

Test(driver, graphs_give_right_results, .timeout = 100)
{
	for (size_t i = 0; i < ARRAY_LEN(graph_cases); i++) {
		for (int mode = 0; mode < RUN_MODE_COUNT; mode++)
			run_case(&graph_cases[i], (enum run_mode)mode);
	}
}

static void check_refuses_inputs_that_do_not_fit(enum run_mode mode)
{
	static const struct {
		const char *name;
		enum dtype dtypes[2];
		int n_dims[2];
		int64_t shapes[2][2];
		const char *message;
	} cases[] = {
		{ "dtype", { DTYPE_I32, DTYPE_F32 }, { 2, 1 }, { { 2, 3 }, { 2 } }, "dtype" },
		{ "dimensions", { DTYPE_F32, DTYPE_F32 }, { 1, 1 }, { { 2 }, { 2 } }, "number of dimensions" },
		{ "fixed", { DTYPE_F32, DTYPE_F32 }, { 2, 1 }, { { 2, 4 }, { 2 } }, "fixed" },
		{ "bound", { DTYPE_F32, DTYPE_F32 }, { 2, 1 }, { { 9, 3 }, { 9 } }, "bound" },
		{ "empty", { DTYPE_F32, DTYPE_F32 }, { 2, 1 }, { { 0, 3 }, { 0 } }, "empty" },
		{ "letters", { DTYPE_F32, DTYPE_F32 }, { 2, 1 }, { { 2, 3 }, { 3 } }, "letter" },
		{ "right", { DTYPE_F32, DTYPE_F32 }, { 2, 1 }, { { 8, 3 }, { 8 } }, NULL },
	};
	struct fixture fixture;
	float values[64] = { 0 };
	open_fixture(&fixture, mode, "two inputs", "digraph g { input [tensors=\"x:f32[B<=8,3] m:f32[B]\"]; " W0
		"a [op=copy]; b [op=copy]; } input -> a [from=x]; input -> b [from=m]; a -> output; b -> output; }", 2);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tensor inputs[2];
		for (int t = 0; t < 2; t++)
			inputs[t] = tensor_make(cases[i].dtypes[t], cases[i].n_dims[t], cases[i].shapes[t], values);
		int status = driver_submit(fixture.driver, inputs, NULL, &fixture.error);
		cr_expect_eq(status, cases[i].message ? STATUS_INPUT : STATUS_OK, "%s: status %d", cases[i].name, status);
		if (cases[i].message)
			cr_expect(strstr(fixture.error.text, cases[i].message), "%s: '%s'", cases[i].name, fixture.error.text);
	}
	cr_expect_eq(driver_wait(fixture.driver, 0, NULL, NULL, &fixture.error), STATUS_OK);
	close_fixture(&fixture);
}

static void check_calls_in_the_wrong_order(enum run_mode mode)
{
	struct fixture fixture;
	float value = 1;
	int64_t shape[1] = { 1 };
	struct tensor input = tensor_make(DTYPE_F32, 1, shape, &value);
	open_fixture(&fixture, mode, "order", graph_cases[1].text, 2);
	cr_expect_eq(driver_wait(fixture.driver, 0, NULL, NULL, &fixture.error), STATUS_USAGE);
	cr_expect_eq(driver_submit(fixture.driver, &input, NULL, &fixture.error), STATUS_OK);
	cr_expect_eq(driver_submit(fixture.driver, &input, NULL, &fixture.error), STATUS_OK);
	cr_expect_eq(driver_submit(fixture.driver, &input, NULL, &fixture.error), STATUS_AGAIN);
	cr_expect_eq(driver_in_flight(fixture.driver), 2);
	cr_expect_eq(driver_wait(fixture.driver, 0, NULL, NULL, &fixture.error), STATUS_OK);
	cr_expect_eq(driver_wait(fixture.driver, 0, NULL, NULL, &fixture.error), STATUS_USAGE);
	cr_expect_eq(driver_submit(fixture.driver, &input, NULL, &fixture.error), STATUS_AGAIN);
	driver_release(fixture.driver);
	driver_release(fixture.driver);
	cr_expect_eq(driver_in_flight(fixture.driver), 1);
	driver_interrupt(fixture.driver);
	cr_expect_eq(driver_submit(fixture.driver, &input, NULL, &fixture.error), STATUS_STOPPED);
	close_fixture(&fixture);
}

static void check_a_wait_may_be_limited(enum run_mode mode)
{
	struct fixture fixture;
	float value = 1;
	int64_t shape[1] = { 1 };
	const struct tensor *outputs;
	struct tensor input = tensor_make(DTYPE_F32, 1, shape, &value);
	open_fixture(&fixture, mode, "slow", "digraph g { " IN W0 "a [op=sleep, us=100000]; } input -> a -> output; }", 2);
	cr_expect_eq(driver_submit(fixture.driver, &input, NULL, &fixture.error), STATUS_OK);
	cr_expect_eq(driver_wait(fixture.driver, 1000000, NULL, NULL, &fixture.error), STATUS_AGAIN);
	cr_expect_eq(driver_wait(fixture.driver, 1000000, NULL, NULL, &fixture.error), STATUS_AGAIN);
	cr_expect_eq(driver_wait(fixture.driver, 0, NULL, &outputs, &fixture.error), STATUS_OK);
	cr_expect_float_eq(*(float *)outputs[0].data, 1, 0);
	close_fixture(&fixture);
}

/* The failing execution is told with node, worker and text; those around it are right. */
static void check_a_failure_concerns_one_execution(enum run_mode mode)
{
	struct fixture fixture;
	int64_t shape[1] = { 1 };
	open_fixture(&fixture, mode, "fail",
		"digraph g { " IN W0 "a [op=copy]; } " W1 "b [op=fail, at=3, text=\"no luck\"]; c [op=touch]; } "
		"input -> a -> b -> c -> output; }", 1);
	for (int k = 0; k < 6; k++) {
		float value = (float)k;
		const struct tensor *outputs;
		struct tensor input = tensor_make(DTYPE_F32, 1, shape, &value);
		cr_assert_eq(driver_submit(fixture.driver, &input, NULL, &fixture.error), STATUS_OK, "%s", fixture.error.text);
		int status = driver_wait(fixture.driver, 0, NULL, &outputs, &fixture.error);
		cr_expect_eq(status, k == 3 ? STATUS_OP : STATUS_OK, "execution %d: status %d", k, status);
		if (k == 3)
			cr_expect_str_eq(fixture.error.text, "execution 3, node 'b' on w1: no luck");
		else
			cr_expect_float_eq(*(float *)outputs[0].data, value + 1, 0);
		driver_release(fixture.driver);
	}
	close_fixture(&fixture);
}

#define IN_BOTH_MODES(name)                                         \
	Test(driver, name, .timeout = 40)                           \
	{                                                           \
		for (int mode = 0; mode < RUN_MODE_COUNT; mode++)   \
			check_##name((enum run_mode)mode);          \
	}
IN_BOTH_MODES(refuses_inputs_that_do_not_fit)
IN_BOTH_MODES(calls_in_the_wrong_order)
IN_BOTH_MODES(a_wait_may_be_limited)
IN_BOTH_MODES(a_failure_concerns_one_execution)
