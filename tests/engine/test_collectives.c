/* SPDX-License-Identifier: Apache-2.0
 *
 * Collectives over real worker processes ($TANDEM is the executable): generated graphs against plain loops, bit for bit, and the
 * refusal of graphs whose collectives cross.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"
#include "engine/run/driver.h"
#include "tests/support/random_graph.h"
#include "tests/support/trials.h"

#define N_GRAPHS 240
#define N_EXECUTIONS 6
#define N_COLLECTIVES_MIN 400 /* in all graphs together: otherwise they test too little */

static struct graph *read_graph(const char *name, const char *text)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph_settings settings = { 0 };
	struct strbuf why = STRBUF_INIT;
	struct graph *graph = NULL;
	int status = graph_dot_parse(name, text, &settings, &mistakes, &graph);
	if (status == STATUS_OK)
		status = graph_resolve(graph, &ops_builtin, &mistakes);
	mistakes_print(&mistakes, name, &why);
	cr_assert_eq(status, STATUS_OK, "%s\n%s", strbuf_text(&why), text);
	strbuf_finish(&why);
	mistakes_finish(&mistakes);
	return graph;
}

/* Equal bits, or both no number: its sign and payload are nobody's promise. */
static bool is_equal(enum dtype dtype, uint32_t a, uint32_t b)
{
	float x, y;
	memcpy(&x, &a, sizeof x);
	memcpy(&y, &b, sizeof y);
	return a == b || (dtype == DTYPE_F32 && isnan(x) && isnan(y));
}

static int rows_of(uint64_t execution)
{
	return 1 + (int)(execution * 2 % RANDOM_GRAPH_N_MAX);
}

static void check_results(struct random_graph *random, unsigned seed, const struct tensor *outputs, uint64_t execution)
{
	int n = rows_of(execution), factor, columns;
	const char *node;
	random_graph_evaluate(random, execution, n);
	for (int r = 0; r < random_graph_n_results(random); r++) {
		const uint32_t *want = random_graph_result(random, r, &factor, &columns, &node), *got = outputs[r].data;
		cr_assert(outputs[r].n_dims == 2 && outputs[r].shape[0] == factor * n && outputs[r].shape[1] == columns,
			"graph %u, node %s: [%d,%d], expected [%d,%d]", seed, node, (int)outputs[r].shape[0], (int)outputs[r].shape[1],
			factor * n, columns);
		for (int i = 0; i < factor * n * columns; i++)
			cr_assert(is_equal(outputs[r].dtype, want[i], got[i]),
				"graph %u, execution %d, node %s, element %d: bits %08x, expected %08x\n%s", seed, (int)execution, node, i,
				got[i], want[i], random_graph_text(random));
	}
}

static void submit(struct driver *driver, const struct random_graph *random, uint64_t execution, int *ret_status)
{
	uint32_t x[RANDOM_GRAPH_N_MAX * RANDOM_GRAPH_COLUMNS], y[RANDOM_GRAPH_N_MAX * RANDOM_GRAPH_COLUMNS];
	int64_t shape[2] = { rows_of(execution), RANDOM_GRAPH_COLUMNS };
	struct error error = { 0 };
	random_graph_input(random, execution, (int)shape[0], x, y);
	struct tensor inputs[2] = { tensor_make(random_graph_dtype(random), 2, shape, x),
		tensor_make(random_graph_dtype(random), 2, shape, y) };
	*ret_status = driver_submit(driver, inputs, NULL, &error);
	cr_assert(*ret_status == STATUS_OK || *ret_status == STATUS_AGAIN, "%s", error.text);
}

/* Several executions in flight, of changing size. Returns how many collectives the graph has. */
static int run_graph(unsigned seed)
{
	struct random_graph *random = random_graph_create(seed);
	struct graph *graph = read_graph("random", random_graph_text(random));
	struct plan_options plan_options = { .in_flight = 1 + (int)(seed % 4) };
	struct driver_options options = { .executable = getenv("TANDEM"), .stall_limit_ns = -1 };
	struct strbuf why = STRBUF_INIT;
	struct error error = { 0 };
	struct plan *plan = NULL;
	struct driver *driver = NULL;
	const struct tensor *outputs;
	uint64_t n_submitted = 0, execution;
	int status = plan_compile(graph, &plan_options, &why, &error, &plan);
	cr_assert_eq(status, STATUS_OK, "graph %u: %s %s\n%s", seed, error.text, strbuf_text(&why), random_graph_text(random));
	status = driver_start(plan, &options, &error, &driver);
	cr_assert_eq(status, STATUS_OK, "graph %u: %s", seed, error.text);
	for (uint64_t n_done = 0; n_done < N_EXECUTIONS; n_done++) {
		for (status = STATUS_OK; n_submitted < N_EXECUTIONS && status == STATUS_OK; n_submitted += status == STATUS_OK)
			submit(driver, random, n_submitted, &status);
		status = driver_wait(driver, 20000000000, &execution, &outputs, &error);
		cr_assert_eq(status, STATUS_OK, "graph %u, execution %d: %s\n%s", seed, (int)n_done, error.text, random_graph_text(random));
		check_results(random, seed, outputs, execution);
		driver_release(driver);
	}
	driver_stop(driver, NULL, NULL);
	plan_destroy(plan);
	graph_destroy(graph);
	int n_collectives = random_graph_n_collectives(random);
	random_graph_destroy(random);
	strbuf_finish(&why);
	return n_collectives;
}

Test(collectives, random_graphs_compute_what_they_should, .timeout = 110)
{
	int n_collectives = 0, n_graphs = trials(N_GRAPHS), n_least = N_COLLECTIVES_MIN * n_graphs / N_GRAPHS;
	for (int seed = 0; seed < n_graphs; seed++)
		n_collectives += run_graph((unsigned)seed);
	cr_expect_geq(n_collectives, n_least, "%d collectives, expected %d or more", n_collectives, n_least);
}

/* Any two collectives crossed on two workers are refused, by `order` and by data; side by side they are not. */
static const char *const crossed_ops[] = { "all_reduce", "reduce_scatter", "all_gather", "broadcast", "all_to_all" };

static const struct {
	const char *name, *orders[4], *edges;
	int status;
} crossings[] = {
	{ "crossed by order", { "1", "2", "2", "1" }, "input -> a0; input -> b0; input -> a1; input -> b1;", STATUS_DEADLOCK },
	{ "in one order", { "1", "2", "1", "2" }, "input -> a0; input -> b0; input -> a1; input -> b1;", STATUS_OK },
	{ "crossed by data", { "", "", "", "" }, "a0 -> b0 [control=true]; b1 -> a1 [control=true]; "
		"input -> a0; input -> b0; input -> a1; input -> b1;", STATUS_DEADLOCK },
};

static void check_crossing(size_t which, const char *op_a, const char *op_b)
{
	static const char *const nodes[] = { "a0", "b0", "a1", "b1" };
	struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
	struct plan_options options = { 0 };
	struct error error = { 0 };
	struct plan *plan = NULL;
	strbuf_add(&text, "digraph g { input [tensors=\"x:f32[4]\"]; ");
	for (int i = 0; i < 4; i++) {
		const char *order = crossings[which].orders[i];
		if (i % 2 == 0)
			strbuf_addf(&text, "subgraph cluster_%d { worker=w%d; device=\"cpu:%d\"; ", i / 2, i / 2, i / 2);
		strbuf_addf(&text, "%s [op=%s, collective=%c%s%s]; %s", nodes[i], nodes[i][0] == 'a' ? op_a : op_b, nodes[i][0],
			*order ? ", order=" : "", order, i % 2 ? "} " : "");
	}
	strbuf_addf(&text, "%s a0 -> output; b0 -> output; a1 -> output; b1 -> output; }", crossings[which].edges);
	struct graph *graph = read_graph(crossings[which].name, strbuf_text(&text));
	int status = plan_compile(graph, &options, &why, &error, &plan);
	cr_expect_eq(status, crossings[which].status, "%s, %s with %s: %s, expected %s: %s", crossings[which].name, op_a, op_b,
		status_word(status), status_word(crossings[which].status), strbuf_text(&why));
	plan_destroy(plan);
	graph_destroy(graph);
	strbuf_finish(&text);
	strbuf_finish(&why);
}

Test(collectives, crossed_ones_are_refused)
{
	for (size_t i = 0; i < ARRAY_LEN(crossings); i++) {
		for (size_t a = 0; a < ARRAY_LEN(crossed_ops); a++) {
			for (size_t b = 0; b < ARRAY_LEN(crossed_ops); b++)
				check_crossing(i, crossed_ops[a], crossed_ops[b]);
		}
	}
}

/* A mistake that all ranks share is told once, with the first rank's name. */
static const struct {
	const char *name, *op, *message;
} mistaken[] = {
	{ "unequal parts", "reduce_scatter", "node 'r0': op 'reduce_scatter' got f32[4], f32[4], f32[4]: input 0 is f32[4], expected "
		"dimension 0 to be divisible into 3 parts" },
	{ "axis", "all_gather, axis=1", "node 'r0': op 'all_gather' got f32[4], f32[4], f32[4]: axis=1 does not exist in 1 dimension" },
	{ "root", "broadcast, root=3", "node 'r0': op 'broadcast' got f32[4], f32[4], f32[4]: root=3 is none of the ranks 0 to 2" },
	{ "too large", "all_gather", NULL },
};

Test(collectives, one_mistake_for_all_ranks)
{
	for (size_t i = 0; i < ARRAY_LEN(mistaken); i++) {
		struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
		struct mistakes mistakes = MISTAKES_INIT;
		struct graph_settings settings = { 0 };
		struct graph *graph = NULL;
		strbuf_addf(&text, "digraph g { input [tensors=\"x:f32[%s]\"]; ", mistaken[i].message ? "4" : "4000000000");
		for (int r = 0; r < 3; r++)
			strbuf_addf(&text, "subgraph cluster_%d { worker=w%d; r%d [op=%s, collective=r]; } ", r, r, r, mistaken[i].op);
		strbuf_add(&text, "input -> {r0 r1 r2} -> output; }");
		cr_assert_eq(graph_dot_parse("g", strbuf_text(&text), &settings, &mistakes, &graph), STATUS_OK);
		cr_expect_eq(graph_resolve(graph, &ops_builtin, &mistakes), STATUS_GRAPH, "%s", mistaken[i].name);
		mistakes_print(&mistakes, "g", &why);
		cr_expect_eq(mistakes.n_items, 1, "%s: %d mistakes: %s", mistaken[i].name, mistakes.n_items, strbuf_text(&why));
		cr_expect(strstr(strbuf_text(&why), mistaken[i].message ? mistaken[i].message : "has a dimension of more than"),
			"%s: '%s'", mistaken[i].name, strbuf_text(&why));
		strbuf_finish(&text);
		strbuf_finish(&why);
		mistakes_finish(&mistakes);
		graph_destroy(graph);
	}
}
