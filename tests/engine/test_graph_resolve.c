/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of graph_resolve (engine/graph/graph.h) on graphs built in code.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/graph/graph.h"
#include "tests/support/test_ops.h"

static struct graph *make_graph(const char *tensors)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph *graph = graph_create("test");
	if (tensors)
		graph_set_input(graph, tensors, 0, &mistakes);
	cr_assert_eq(mistakes.n_items, 0);
	return graph;
}

static int add(struct graph *graph, const char *name, const char *op, int worker)
{
	char worker_name[12];
	snprintf(worker_name, sizeof(worker_name), "w%d", worker);
	return graph_add_node(graph, name, op, graph_add_worker(graph, worker_name, NULL, 0), 0);
}

static void resolve(struct graph *graph)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct strbuf out = STRBUF_INIT;
	int status = graph_resolve(graph, &test_ops, &mistakes);
	mistakes_print(&mistakes, "graph", &out);
	cr_assert_eq(status, STATUS_OK, "%s", strbuf_text(&out));
	cr_assert(graph->is_resolved);
	strbuf_finish(&out);
	mistakes_finish(&mistakes);
}

/* Resolves a wrong graph; every mistake expected is there, and no other. */
static void resolve_wrong(struct graph *graph, const struct op_registry *registry, const char *expected)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct strbuf out = STRBUF_INIT;
	int status = graph_resolve(graph, registry, &mistakes);
	mistakes_print(&mistakes, "graph", &out);
	cr_assert_eq(status, STATUS_GRAPH);
	cr_assert(!graph->is_resolved);
	cr_assert_str_eq(strbuf_text(&out), expected);
	strbuf_finish(&out);
	mistakes_finish(&mistakes);
	graph_destroy(graph);
}

Test(graph_resolve, arguments_outputs_and_types)
{
	struct graph *graph = make_graph("x:f32[B<=8,10] y:f32[B,10]");
	int split = add(graph, "split", "split", 0), join = add(graph, "join", "join", 0), sum = add(graph, "sum", "add", 1);
	graph_node_set(graph, split, "at", "3", 0);
	graph_add_edge(graph, GRAPH_INPUT, split, "1", NULL, false, 0);
	graph_add_edge(graph, split, join, "rest", "1", false, 0);
	graph_add_edge(graph, split, join, "first", "0", false, 0);
	graph_add_edge(graph, join, sum, NULL, "b", false, 0);
	graph_add_edge(graph, GRAPH_INPUT, sum, "x", "a", false, 0);
	graph_add_edge(graph, split, sum, NULL, NULL, true, 0);
	graph_add_edge(graph, sum, GRAPH_OUTPUT, NULL, NULL, false, 0);
	graph_add_edge(graph, split, GRAPH_OUTPUT, "1", "tail", false, 0);
	resolve(graph);
	static const struct {
		int src_output, dst_input;
		const char *name, *result;
	} edges[] = {
		{ 1, 0, "input.y->split", NULL },
		{ 1, 1, "split.rest->join.1", NULL },
		{ 0, 0, "split.first->join.0", NULL },
		{ 0, 1, "join->sum.b", NULL },
		{ 0, 0, "input.x->sum.a", NULL },
		{ -1, -1, "split->sum.control", NULL },
		{ 0, 0, "sum->output.sum", "sum" },
		{ 1, 1, "split.rest->output.tail", "tail" },
	};
	cr_assert_eq(graph->n_edges, (int)ARRAY_LEN(edges));
	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		const struct graph_edge *edge = &graph->edges[i];
		cr_assert_str_eq(edge->name, edges[i].name);
		cr_assert_eq(edge->src_output, edges[i].src_output, "%s: output %d", edge->name, edge->src_output);
		cr_assert_eq(edge->dst_input, edges[i].dst_input, "%s: input %d", edge->name, edge->dst_input);
		if (edges[i].result)
			cr_assert_str_eq(edge->result, edges[i].result);
		if (!edge->is_control)
			cr_assert_eq(graph->nodes[edge->dst].input_edges[edge->dst_input], (int)i);
	}
	char text[100];
	cr_assert_eq(graph->nodes[split].n_outputs, 2);
	cr_assert_str_eq(graph->nodes[split].output_names[1], "rest");
	type_describe(&graph->nodes[split].outputs[1], &graph->symbols, true, text, sizeof(text));
	cr_assert_str_eq(text, "f32[B<=8,7]");
	type_describe(&graph->nodes[sum].outputs[0], &graph->symbols, true, text, sizeof(text));
	cr_assert_str_eq(text, "f32[B<=8,10]");
	cr_assert_eq(graph->nodes[GRAPH_OUTPUT].n_inputs, 2);
	cr_assert_str_eq(graph->nodes[split].op->name, "split");
	graph_destroy(graph);
}

Test(graph_resolve, collective_gets_the_inputs_of_all_ranks)
{
	struct graph *graph = make_graph("x:f32[4]");
	graph_add_worker(graph, "w0", NULL, 0);
	graph_add_worker(graph, "w1", NULL, 0);
	int copy = add(graph, "copy", "copy", 1);
	int last = add(graph, "last", "all_reduce", 2), middle = add(graph, "middle", "all_reduce", 1),
	    first = add(graph, "first", "all_reduce", 0);
	const int nodes[] = { last, middle, first };
	graph_add_edge(graph, GRAPH_INPUT, copy, NULL, NULL, false, 0);
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
		graph->nodes[nodes[i]].collective = strdup("sum");
		graph_add_edge(graph, nodes[i] == middle ? copy : GRAPH_INPUT, nodes[i], NULL, NULL, false, 0);
		graph_add_edge(graph, nodes[i], GRAPH_OUTPUT, NULL, NULL, false, 0);
	}
	int n_written = graph->n_edges;
	resolve(graph);
	cr_assert_eq(graph->n_collectives, 1);
	const struct graph_collective *collective = &graph->collectives[0];
	const int ranks[] = { first, middle, last };
	cr_assert_eq(collective->n_ranks, 3);
	cr_assert_eq(graph->n_edges, n_written + 6, "%d edges, expected %d", graph->n_edges, n_written + 6);
	for (int rank = 0; rank < 3; rank++) {
		const struct graph_node *node = &graph->nodes[ranks[rank]];
		cr_assert_eq(collective->nodes[rank], ranks[rank], "rank %d is node %d", rank, collective->nodes[rank]);
		cr_assert_eq(node->n_inputs, 3);
		for (int input = 0; input < 3; input++) {
			const struct graph_edge *edge = &graph->edges[node->input_edges[input]];
			cr_assert_eq(edge->dst, ranks[rank]);
			cr_assert_eq(edge->dst_input, input);
			cr_assert_eq(edge->src, input == 1 ? copy : GRAPH_INPUT);
			cr_assert_eq(
				edge->is_peer, input != rank, "rank %d, input %d: is_peer %d", rank, input, edge->is_peer);
		}
	}
	cr_assert_str_eq(graph->edges[graph->nodes[middle].input_edges[1]].name, "copy->middle.rank1");
	cr_assert_str_eq(graph->edges[graph->nodes[last].input_edges[1]].name, "copy->last.rank1");
	graph_destroy(graph);
}

Test(graph_resolve, data_that_crosses_collectives_is_left_to_the_plan)
{
	struct graph *graph = make_graph("x:f32[4]");
	static const char *const names[] = { "a0", "b0", "b1", "a1" };
	int nodes[4];
	for (int i = 0; i < 4; i++) {
		nodes[i] = add(graph, names[i], "all_reduce", i / 2);
		graph->nodes[nodes[i]].collective = strndup(names[i], 1);
		graph_add_edge(graph, i % 2 ? nodes[i - 1] : GRAPH_INPUT, nodes[i], NULL, NULL, false, 0);
	}
	graph_add_edge(graph, nodes[1], GRAPH_OUTPUT, NULL, NULL, false, 0);
	graph_add_edge(graph, nodes[3], GRAPH_OUTPUT, NULL, NULL, false, 0);
	resolve(graph);
	graph_destroy(graph);
}

Test(graph_resolve, names_of_edges_are_unique)
{
	struct graph *graph = make_graph("x:f32[4]");
	int a = add(graph, "a", "copy", 0), b = add(graph, "b", "copy", 0);
	graph_add_edge(graph, GRAPH_INPUT, a, NULL, NULL, false, 0);
	graph_add_edge(graph, a, b, NULL, NULL, true, 0);
	graph_add_edge(graph, a, b, NULL, NULL, true, 0);
	graph_add_edge(graph, a, b, NULL, NULL, false, 0);
	graph_add_edge(graph, b, GRAPH_OUTPUT, NULL, NULL, false, 0);
	resolve(graph);
	cr_assert_str_eq(graph->edges[1].name, "a->b.control");
	cr_assert_str_eq(graph->edges[2].name, "a->b.control#2");
	cr_assert_str_eq(graph->edges[4].name, "b->output");
	cr_assert_str_eq(graph->edges[4].result, "b");
	graph_destroy(graph);
}

Test(graph_resolve, control_edges_alone_make_a_graph)
{
	struct graph *graph = make_graph(NULL);
	int a = add(graph, "a", "fill", 0);
	graph_add_edge(graph, GRAPH_INPUT, a, NULL, NULL, true, 0);
	graph_add_edge(graph, a, GRAPH_OUTPUT, NULL, NULL, true, 0);
	resolve(graph);
	cr_assert_eq(graph->nodes[GRAPH_OUTPUT].n_inputs, 0);
	graph_destroy(graph);
}

Test(graph_resolve, input_may_be_a_result)
{
	struct graph *graph = make_graph("x:f32[4] y:f32[5]");
	graph_add_edge(graph, GRAPH_INPUT, GRAPH_OUTPUT, "y", NULL, false, 0);
	resolve(graph);
	cr_assert_str_eq(graph->edges[0].name, "input.y->output");
	cr_assert_str_eq(graph->edges[0].result, "input");
	graph_destroy(graph);
}

Test(graph_resolve, what_only_code_can_do_wrong)
{
	struct graph *graph = make_graph("x:f32[4]");
	int a = add(graph, "a", "copy", 0), again = add(graph, "a", "copy", 0);
	graph_add_worker(graph, "w1", "cpu:1", 0);
	int other = graph_add_worker(graph, "w1", "cpu:2", 0);
	int c = graph_add_node(graph, "", "copy", other, 0);
	graph_add_edge(graph, GRAPH_INPUT, a, NULL, NULL, false, 0);
	graph_add_edge(graph, a, again, NULL, NULL, false, 0);
	graph_add_edge(graph, again, c, NULL, NULL, false, 0);
	graph_add_edge(graph, c, GRAPH_OUTPUT, NULL, NULL, false, 0);
	graph_add_edge(graph, c, 77, NULL, NULL, false, 0);
	resolve_wrong(graph, &test_ops,
		"graph: worker 'w1' is on device cpu:2 here and on cpu:1 elsewhere; a worker drives one device\n"
		"graph: a node has an empty name\n"
		"graph: node 'a': a node of this name was added before\n"
		"graph: edge 4 joins node numbers 4 and 77; the graph has 5 nodes\n");
}

Test(graph_resolve, depth_from_code_is_checked)
{
	struct graph *graph = make_graph("x:f32[4]");
	int a = add(graph, "a", "copy", 0);
	graph->nodes[a].depth = 70000;
	graph_add_edge(graph, GRAPH_INPUT, a, NULL, NULL, false, 0);
	graph_add_edge(graph, a, GRAPH_OUTPUT, NULL, NULL, false, 0);
	resolve_wrong(graph, &test_ops, "graph: node 'a': depth is 70000; it must be from 1 to 65536\n");
}

static int infer_foreign_symbol(struct op_infer *infer, struct error *error)
{
	infer->outputs[0] = (struct tensor_type){ .n_dims = 1, .dims = { { .mul = 1, .symbol = 1 } } };
	return STATUS_OK;
}

static int infer_unknown_symbol(struct op_infer *infer, struct error *error)
{
	infer->outputs[0] = (struct tensor_type){ .n_dims = 1, .dims = { { .mul = 1, .symbol = 12 } } };
	return STATUS_OK;
}

static int infer_no_output(struct op_infer *infer, struct error *error)
{
	infer->n_outputs = 0;
	return STATUS_OK;
}

static int infer_many_dims(struct op_infer *infer, struct error *error)
{
	infer->outputs[0] = (struct tensor_type){ .n_dims = TENSOR_DIMS_MAX + 1 };
	return STATUS_OK;
}

static int infer_without_file(struct op_infer *infer, struct error *error)
{
	return error_set(error, STATUS_INPUT, "no file");
}

static int infer_shrinking(struct op_infer *infer, struct error *error)
{
	infer->outputs[0] = (struct tensor_type){ .n_dims = 1, .dims = { { .mul = -1, .symbol = 0 } } };
	return STATUS_OK;
}

Test(graph_resolve, ops_that_fail_or_announce_nonsense)
{
	static const struct {
		int (*infer)(struct op_infer *infer, struct error *error);
		const char *expected;
	} cases[] = {
		{ infer_foreign_symbol, "output 0 of op 'odd' has a size that no input of the node gives: f32[L<=9]" },
		{ infer_unknown_symbol, "output 0 of op 'odd' has a size that no input of the node gives" },
		{ infer_no_output, "op 'odd' announces 0 outputs; 1 to 32 are supported" },
		{ infer_many_dims, "output 0 of op 'odd' has too many dimensions" },
		{ infer_without_file, "op 'odd': no file" },
		{ infer_shrinking, "output 0 of op 'odd' has a dimension without elements: f32[-B<=-1]" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct op odd = { .name = "odd", .n_inputs_min = 1, .n_inputs_max = 1, .infer = cases[i].infer };
		const struct op *const items[] = { &odd };
		const struct op_registry registry = { items, 1 };
		char expected[200];
		snprintf(expected, sizeof(expected), "graph: node 'a': %s\n", cases[i].expected);
		struct graph *graph = make_graph("x:f32[B<=8] y:f32[L<=9]");
		int a = add(graph, "a", "odd", 0);
		graph_add_edge(graph, GRAPH_INPUT, a, "x", NULL, false, 0);
		graph_add_edge(graph, a, GRAPH_OUTPUT, NULL, NULL, false, 0);
		resolve_wrong(graph, &registry, expected);
	}
}

Test(graph_resolve, thousands_of_nodes)
{
	enum { N_NODES = 20000 };
	struct graph *graph = make_graph("x:f32[4]");
	int before = GRAPH_INPUT;
	for (int i = 0; i < N_NODES; i++) {
		char name[20];
		snprintf(name, sizeof(name), "n%d", i);
		int node = add(graph, name, "copy", i % 4);
		graph_add_edge(graph, before, node, NULL, NULL, false, 0);
		before = node;
	}
	graph_add_edge(graph, before, GRAPH_OUTPUT, NULL, NULL, false, 0);
	resolve(graph);
	cr_assert_eq(graph->n_nodes, N_NODES + 2);
	graph_destroy(graph);
}
