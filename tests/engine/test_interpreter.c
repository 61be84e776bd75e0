/* SPDX-License-Identifier: Apache-2.0
 *
 * test_interpreter: both modes over the same graphs, hundreds of them, drawn from seeds: fan-out, several outputs, ops with state, in place,
 * forwarding, failing, collectives, control edges, `order`, sizes that change. Outputs must be equal in every bit.
 */
#include "engine/run/interpreter.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"
#include "engine/run/driver.h"
#include "tests/support/trials.h"

#define N_GRAPHS 300
#define N_GRAPHS_SMALL 30 /* with a small store */
#define N_EXECUTIONS 24
#define COLUMNS 6
#define NODES_MAX 32

static int draw(unsigned *seed, int n)
{
	return rand_r(seed) % n;
}

struct writer {
	unsigned seed;
	int n_workers, n_nodes;
	int workers[NODES_MAX];
	bool is_read[NODES_MAX], is_cut[NODES_MAX];
	struct strbuf clusters[4], edges;
};

/* Nodes are n0, n1, …; -1 is the input. */
static void add_edge(struct writer *writer, int src, int dst, const char *attributes)
{
	if (src < 0)
		strbuf_addf(&writer->edges, "input -> n%d [%s];\n", dst, attributes);
	else
		strbuf_addf(&writer->edges, "n%d -> n%d [%s];\n", src, dst, attributes);
	if (src >= 0)
		writer->is_read[src] = true;
}

static int add_node(struct writer *writer, int worker, const char *attributes)
{
	int node = writer->n_nodes++;
	writer->workers[node] = worker;
	strbuf_addf(&writer->clusters[worker], " n%d [%s];", node, attributes);
	return node;
}

/* A node before `end` with a whole output, or the input. */
static int draw_source(struct writer *writer, int end)
{
	int src = draw(&writer->seed, end + 1) - 1;
	while (src >= 0 && writer->is_cut[src])
		src = draw(&writer->seed, end + 1) - 1;
	return src;
}

/* Splits into three parts and joins two of them with the whole, so that the shape is the same again. */
static void add_split(struct writer *writer, int src)
{
	int cut = add_node(writer, draw(&writer->seed, writer->n_workers), "op=split, sizes=\"1,2,3\"");
	writer->is_cut[cut] = true;
	int join = add_node(writer, draw(&writer->seed, writer->n_workers), "op=concat");
	add_edge(writer, src, cut, "");
	for (int i = 0; i < 3; i++) {
		char text[32];
		snprintf(text, sizeof text, "from=%d, arg=%d", 2 - i, i);
		add_edge(writer, cut, join, text);
	}
}

static void add_collective(struct writer *writer)
{
	static const char *const reductions[] = { "sum", "max", "min", "mean" };
	int name = writer->n_nodes, n_before = writer->n_nodes, n_ranks = 2 + draw(&writer->seed, writer->n_workers - 1);
	const char *reduction = reductions[draw(&writer->seed, 4)];
	for (int r = 0; r < n_ranks; r++) {
		char text[96];
		snprintf(text, sizeof text, "op=all_reduce, collective=c%d, reduce=%s", name, reduction);
		add_edge(writer, draw_source(writer, n_before), add_node(writer, r, text), "");
	}
}

static void add_plain(struct writer *writer)
{
	static const char *const ops[] = { "op=copy", "op=touch", "op=identity", "op=scale, factor=1.5", "op=counter", "op=tanh", "op=add",
		"op=mul", "op=relu", "op=fail, at=7", "op=spin, us=30" };
	int src = draw_source(writer, writer->n_nodes), op = draw(&writer->seed, (int)ARRAY_LEN(ops)), order = writer->n_nodes;
	char text[96];
	bool is_ordered = draw(&writer->seed, 4) == 0;
	if (strcmp(ops[op], "op=fail, at=7") == 0 && draw(&writer->seed, 4))
		op = 0;
	snprintf(text, sizeof text, is_ordered ? "%s, order=%d" : "%s", ops[op], order);
	bool is_binary = strcmp(ops[op], "op=add") == 0 || strcmp(ops[op], "op=mul") == 0;
	int node = add_node(writer, draw(&writer->seed, writer->n_workers), text);
	add_edge(writer, src, node, is_binary ? "arg=0" : "");
	if (is_binary)
		add_edge(writer, draw_source(writer, node), node, "arg=1");
	if (node && draw(&writer->seed, 6) == 0)
		add_edge(writer, draw(&writer->seed, node), node, "control=true");
}

static char *write_graph(unsigned seed)
{
	struct writer writer = { .seed = seed };
	struct strbuf text = STRBUF_INIT;
	writer.n_workers = 1 + draw(&writer.seed, 4);
	int n_wanted = 2 + draw(&writer.seed, 16);
	while (writer.n_nodes < n_wanted) {
		int kind = draw(&writer.seed, 8);
		if (kind == 0)
			add_split(&writer, draw_source(&writer, writer.n_nodes));
		else if (kind == 1 && writer.n_workers > 1)
			add_collective(&writer);
		else
			add_plain(&writer);
	}
	strbuf_addf(&text, "digraph g%u { input [tensors=\"x:f32[N<=16,%d]\"];\n", seed, COLUMNS);
	for (int w = 0; w < writer.n_workers; w++) {
		if (writer.clusters[w].length)
			strbuf_addf(&text, "subgraph cluster_%d { worker=w%d; device=\"cpu:%d\";%s }\n", w, w, w,
				strbuf_text(&writer.clusters[w]));
		strbuf_finish(&writer.clusters[w]);
	}
	strbuf_add(&text, strbuf_text(&writer.edges));
	strbuf_finish(&writer.edges);
	for (int i = 0; i < writer.n_nodes; i++) {
		if (!writer.is_read[i] || draw(&writer.seed, 5) == 0)
			strbuf_addf(&text, "n%d -> output [%sarg=n%d];\n", i, writer.is_cut[i] ? "from=1, " : "", i);
	}
	strbuf_add(&text, "}\n");
	return strbuf_take(&text);
}

/* What one mode made of an execution. */
struct made {
	int status;
	char error[200];
	size_t n_bytes;
	char *bytes; /* all outputs, one behind the other, shapes in front */
};

static void keep(struct made *made, const struct tensor *outputs, int n)
{
	struct strbuf bytes = STRBUF_INIT;
	for (int i = 0; i < n; i++) {
		strbuf_add_bytes(&bytes, outputs[i].shape, sizeof outputs[i].shape[0] * (size_t)outputs[i].n_dims);
		strbuf_add_bytes(&bytes, outputs[i].data, tensor_bytes(&outputs[i]));
	}
	made->n_bytes = bytes.length;
	made->bytes = strbuf_take(&bytes);
}

/* False when there is no room for another one in flight. */
static bool submit(struct driver *driver, unsigned seed, uint64_t execution, struct error *error)
{
	float values[16 * COLUMNS];
	int64_t shape[2] = { 1 + (int64_t)(execution * 5 + seed) % 16, COLUMNS };
	for (int64_t i = 0; i < shape[0] * COLUMNS; i++)
		values[i] = (float)((execution * 131 + (uint64_t)i * 17 + seed) % 1000) / 500 - 1;
	struct tensor input = tensor_make(DTYPE_F32, 2, shape, values);
	int status = driver_submit(driver, &input, NULL, error);
	cr_assert(status == STATUS_OK || (status == STATUS_AGAIN && driver_in_flight(driver)), "seed %u: submit: %s", seed, error->text);
	return status == STATUS_OK;
}

static void run_mode(const struct plan *plan, const struct driver_options *options, unsigned seed, struct made made[N_EXECUTIONS])
{
	struct error error = { 0 };
	struct driver *driver;
	int status = driver_start(plan, options, &error, &driver);
	cr_assert_eq(status, STATUS_OK, "seed %u: %s", seed, error.text);
	for (uint64_t n_done = 0, n_sent = 0; n_done < N_EXECUTIONS; n_done++) {
		while (n_sent < N_EXECUTIONS && submit(driver, seed, n_sent, &error))
			n_sent++;
		const struct tensor *outputs;
		made[n_done].status = driver_wait(driver, 20000000000, NULL, &outputs, &error);
		cr_assert(made[n_done].status == STATUS_OK || made[n_done].status == STATUS_OP, "seed %u: execution %d: %s", seed,
			(int)n_done, error.text);
		if (made[n_done].status == STATUS_OK)
			keep(&made[n_done], outputs, plan->graph->nodes[GRAPH_OUTPUT].n_inputs);
		else
			snprintf(made[n_done].error, sizeof made[n_done].error, "%.199s", error.text);
		driver_release(driver);
	}
	driver_stop(driver, NULL, NULL);
}

static void compare(unsigned seed, const char *text, const struct made *a, const struct made *b)
{
	for (int k = 0; k < N_EXECUTIONS; k++) {
		cr_assert_eq(a[k].status, b[k].status, "seed %u, execution %d: %s compiled, %s interpreted:\n%s", seed, k,
			a[k].status ? a[k].error : "ok", b[k].status ? b[k].error : "ok", text);
		cr_assert_str_eq(a[k].error, b[k].error, "seed %u, execution %d: '%s' compiled, '%s' interpreted", seed, k, a[k].error,
			b[k].error);
		cr_assert_eq(a[k].n_bytes, b[k].n_bytes, "seed %u, execution %d: %zu bytes compiled, %zu interpreted", seed, k,
			a[k].n_bytes, b[k].n_bytes);
		for (size_t i = 0; i < a[k].n_bytes; i++)
			cr_assert_eq(a[k].bytes[i], b[k].bytes[i], "seed %u, execution %d: byte %zu: %d compiled, %d interpreted:\n%s", seed, k,
				i, a[k].bytes[i], b[k].bytes[i], text);
	}
}

/* False when the graph cannot be run at all: its plan would deadlock. */
static bool run_seed(unsigned seed, uint64_t store_limit_bytes)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph_settings settings = { 0 };
	struct plan_options plan_options = { .in_flight = 1 + (int)(seed % 7) };
	struct made made[RUN_MODE_COUNT][N_EXECUTIONS] = { 0 };
	struct error error = { 0 };
	struct graph *graph;
	struct plan *plan;
	char *text = write_graph(seed);
	int status = graph_dot_parse("g.dot", text, &settings, &mistakes, &graph);
	if (status == STATUS_OK)
		status = graph_resolve(graph, &ops_builtin, &mistakes);
	cr_assert_eq(status, STATUS_OK, "seed %u: %s\n%s", seed, mistakes.n_items ? mistakes.items[0].text : "", text);
	bool is_live = plan_compile(graph, &plan_options, NULL, &error, &plan) == STATUS_OK;
	for (int mode = 0; is_live && mode < RUN_MODE_COUNT; mode++) {
		struct driver_options options = { .mode = (enum run_mode)mode, .executable = getenv("TANDEM"), .stall_limit_ns = -1,
			.store_limit_bytes = store_limit_bytes };
		run_mode(plan, &options, seed, made[mode]);
	}
	if (is_live) {
		compare(seed, text, made[RUN_MODE_COMPILED], made[RUN_MODE_INTERPRETED]);
		plan_destroy(plan);
	}
	for (int k = 0; k < N_EXECUTIONS; k++) {
		free(made[0][k].bytes);
		free(made[1][k].bytes);
	}
	graph_destroy(graph);
	mistakes_finish(&mistakes);
	free(text);
	return is_live;
}

Test(interpreter, generated_graphs_equal_the_compiled_mode_bit_for_bit, .timeout = 110)
{
	int n_run = 0, n_graphs = trials(N_GRAPHS);
	for (int seed = 1; seed <= n_graphs; seed++)
		n_run += run_seed((unsigned)seed, 0);
	cr_expect_gt(n_run, n_graphs * 3 / 4, "only %d of %d graphs were run", n_run, n_graphs);
}

/* With a store that holds few executions, submitting waits for room. */
Test(interpreter, a_small_store_changes_nothing, .timeout = 60)
{
	for (int i = 0; i < trials(N_GRAPHS_SMALL); i++)
		run_seed(1000 + (unsigned)i, 24 << 10);
}
