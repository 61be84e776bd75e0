/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/graph/graph_dot.h on right graphs: what is read, and that it is written so that it reads back.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph_dot.h"
#include "tests/support/test_ops.h"

static struct graph *parse_with(const char *text, const struct graph_settings *settings)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph *graph = NULL;
	struct strbuf out = STRBUF_INIT;
	int status = graph_dot_parse("g.dot", text, settings, &mistakes, &graph);
	mistakes_print(&mistakes, "g.dot", &out);
	cr_assert_eq(status, STATUS_OK, "%s: %s%s", status_word(status), strbuf_text(&out), text);
	strbuf_finish(&out);
	mistakes_finish(&mistakes);
	return graph;
}

static struct graph *parse(const char *text)
{
	return parse_with(text, NULL);
}

static void resolve(struct graph *graph)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct strbuf out = STRBUF_INIT;
	int status = graph_resolve(graph, &test_ops, &mistakes);
	mistakes_print(&mistakes, "g.dot", &out);
	cr_assert_eq(status, STATUS_OK, "%s: %s", status_word(status), strbuf_text(&out));
	strbuf_finish(&out);
	mistakes_finish(&mistakes);
}

static const struct graph_node *node(const struct graph *graph, const char *name)
{
	int node_idx = graph_find_node(graph, name);
	cr_assert_geq(node_idx, 0, "no node '%s'", name);
	return &graph->nodes[node_idx];
}

static const char *param(const struct graph *graph, const char *name, const char *key)
{
	const struct graph_node *at = node(graph, name);
	for (int i = 0; i < at->n_params; i++) {
		if (strcmp(at->params[i].name, key) == 0)
			return at->params[i].value;
	}
	return "(none)";
}

static const char two_stage[] =
	"digraph two_stage {\n"
	"  rankdir=LR; node [shape=box]; label=\"what is drawn is what runs\";\n"
	"  input [tensors=\"x:f32[B<=64,384] y:f32[B,384]\", depth=3, label=\"in\"];\n"
	"  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; style=filled; first [op=scale, by=\"$BY\", order=-2, depth=4]; }\n"
	"  subgraph cluster_1 { device=\"cpu:1\"; second [op=add, color=red]; }\n"
	"  input -> first [from=x]; first -> second [arg=a, transport=shm];\n"
	"  input -> second [from=y, arg=b]; second -> output [arg=sum];\n"
	"  first -> second [control=true];\n"
	"}\n";

Test(graph_dot, everything_of_a_graph)
{
	const struct graph_setting items[] = { { "BY", "2.5" } };
	const struct graph_settings settings = { items, 1 };
	struct graph *graph = parse_with(two_stage, &settings);
	cr_assert_str_eq(graph->name, "two_stage");
	cr_assert_str_eq(graph->file, "g.dot");
	cr_assert_str_eq(graph->text, two_stage);
	cr_assert_eq(graph->n_workers, 3);
	cr_assert_str_eq(graph->workers[0].name, "driver");
	cr_assert_str_eq(graph->workers[1].name, "w0");
	cr_assert_str_eq(graph->workers[2].name, "1");
	cr_assert_str_eq(graph->workers[2].device, "cpu:1");
	cr_assert_eq(graph->nodes[GRAPH_INPUT].depth, 3);
	const struct graph_node *first = node(graph, "first");
	cr_assert(first->has_order && first->order == -2 && first->depth == 4 && first->worker_idx == 1 && first->line == 4);
	cr_assert_str_eq(first->op_name, "scale");
	cr_assert_str_eq(param(graph, "first", "by"), "2.5");
	cr_assert_eq(graph->n_edges, 5);
	cr_assert_str_eq(graph->edges[1].arg, "a");
	cr_assert_eq(graph->edges[1].transport, TRANSPORT_SHM);
	cr_assert_eq(graph->edges[3].line, 7);
	cr_assert(graph->edges[4].is_control);
	resolve(graph);
	cr_assert_str_eq(graph->edges[0].name, "input.x->first");
	cr_assert_str_eq(graph->edges[2].name, "input.y->second.b");
	cr_assert_str_eq(graph->edges[3].result, "sum");
	cr_assert_str_eq(param(graph, "first", "shape"), "(none)");
	graph_destroy(graph);
}

Test(graph_dot, defaults_count_as_in_graphviz)
{
	struct graph *graph = parse(
		"digraph {\n"
		"  node [op=copy, shape=box, depth=2]; edge [transport=local];\n"
		"  input [tensors=\"x:f32[4]\"];\n"
		"  subgraph cluster_0 {\n"
		"    node [op=scale, by=3];\n"
		"    a; b [by=4]; c [op=copy]; d [depth=\"\"];\n"
		"    a -> b -> c; \n"
		"  }\n"
		"  edge [transport=shm];\n"
		"  subgraph cluster_1 { device=\"cpu:1\"; e; node [op=forward]; f }\n"
		"  input -> a [transport=auto]; input -> d [transport=\"\"];\n"
		"  c -> e -> f -> output; d -> output;\n"
		"}\n");
	cr_assert_str_eq(graph->name, "graph");
	cr_assert_null(graph->nodes[GRAPH_INPUT].op_name);
	cr_assert_eq(graph->nodes[GRAPH_INPUT].depth, 0);
	cr_assert_str_eq(node(graph, "a")->op_name, "scale");
	cr_assert_str_eq(node(graph, "e")->op_name, "copy");
	cr_assert_str_eq(node(graph, "f")->op_name, "forward");
	cr_assert_eq(node(graph, "b")->depth, 2);
	cr_assert_eq(node(graph, "d")->depth, 0);
	resolve(graph);
	cr_assert_str_eq(param(graph, "a", "by"), "3");
	cr_assert_str_eq(param(graph, "b", "by"), "4");
	cr_assert_str_eq(param(graph, "c", "by"), "(none)");
	static const enum transport transports[] = { TRANSPORT_LOCAL, TRANSPORT_LOCAL, TRANSPORT_AUTO, TRANSPORT_AUTO,
		TRANSPORT_SHM };
	for (size_t i = 0; i < ARRAY_LEN(transports); i++)
		cr_assert_eq(graph->edges[i].transport, transports[i], "edge %s has transport %s, expected %s",
			graph->edges[i].name, transport_word(graph->edges[i].transport), transport_word(transports[i]));
	graph_destroy(graph);
}

Test(graph_dot, edges_in_the_order_of_the_file)
{
	struct graph *graph = parse(
		"digraph {\n"
		"  input [tensors=\"x:f32[4]\"];\n"
		"  subgraph cluster_0 { node [op=join]; b; a; c; }\n"
		"  input -> {a\n"
		"            b}\n"
		"    -> c [arg=0];\n"
		"  a -> c [arg=1]; a:e -> c:w [arg=2];\n"
		"  a, b -> c [arg=3];\n"
		"  c\n"
		"  -> output;\n"
		"}\n");
	static const struct {
		const char *src, *dst, *arg;
		int line;
	} edges[] = {
		{ "input", "b", "0", 4 },
		{ "input", "a", "0", 4 },
		{ "b", "c", "0", 6 },
		{ "a", "c", "0", 6 },
		{ "a", "c", "1", 7 },
		{ "a", "c", "2", 7 },
		{ "a", "c", "3", 8 },
		{ "b", "c", "3", 8 },
		{ "c", "output", "", 10 },
	};
	cr_assert_eq(graph->n_edges, (int)ARRAY_LEN(edges), "%d edges", graph->n_edges);
	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		const struct graph_edge *edge = &graph->edges[i];
		const char *src = graph->nodes[edge->src].name, *dst = graph->nodes[edge->dst].name;
		cr_assert(strcmp(src, edges[i].src) == 0 && strcmp(dst, edges[i].dst) == 0,
			"edge %zu: %s -> %s, expected %s -> %s", i, src, dst, edges[i].src, edges[i].dst);
		cr_assert_str_eq(edge->arg ? edge->arg : "", edges[i].arg, "edge %zu", i);
		cr_assert_eq(edge->line, edges[i].line, "edge %zu: line %d, expected %d", i, edge->line, edges[i].line);
	}
	graph_destroy(graph);
}

Test(graph_dot, workers_in_the_order_of_their_clusters)
{
	struct graph *graph = parse(
		"digraph {\n"
		"  input [tensors=\"x:f32[4]\"];\n"
		"  { subgraph cluster_z { worker=w2; n [op=copy]; } }\n"
		"  subgraph cluster_m { worker=w0; device=\"cpu:3\"; m [op=copy]; }\n"
		"  subgraph cluster_a { worker=w2; device=\"cpu:7\"; a [op=copy]; }\n"
		"  subgraph cluster_m { again [op=copy]; }\n"
		"  input -> m -> n -> a -> again -> output;\n"
		"}\n");
	cr_assert_eq(graph->n_workers, 3);
	cr_assert_str_eq(graph->workers[1].name, "w2");
	cr_assert_str_eq(graph->workers[1].device, "cpu:7");
	cr_assert_str_eq(graph->workers[2].name, "w0");
	cr_assert_eq(node(graph, "again")->worker_idx, 2);
	cr_assert_eq(node(graph, "a")->worker_idx, 1);
	resolve(graph);
	graph_destroy(graph);
}

Test(graph_dot, settings_in_values)
{
	static const struct {
		const char *written, *expected;
	} cases[] = {
		{ "$A", "1" },
		{ "${A}", "1" },
		{ "${A}B", "1B" },
		{ "$A$B", "1two words" },
		{ "$$A", "$A" },
		{ "$$$A", "$1" },
		{ "x$_C/y", "x/y" },
		{ "${B}${B}", "two wordstwo words" },
		{ "a$$", "a$" },
	};
	const struct graph_setting items[] = { { "A", "0" }, { "B", "two words" }, { "_C", "" }, { "A", "1" } };
	const struct graph_settings settings = { items, ARRAY_LEN(items) };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[300];
		snprintf(text, sizeof(text),
			"digraph { label=\"$A $B ${_C}\"; subgraph cluster_0 { a [op=copy, p=\"%s\"]; } }",
			cases[i].written);
		struct graph *graph = parse_with(text, &settings);
		cr_assert_str_eq(param(graph, "a", "p"), cases[i].expected, "%s", cases[i].written);
		graph_destroy(graph);
	}
}

Test(graph_dot, many_graphs_after_each_other)
{
	static const char *const wrong[] = {
		"digraph { a [x=\"open }",
		"digraph { a [x=<open }",
		"digraph { /* open }",
		"digraph { a -> }",
		"digraph { } rest \"open",
		"}",
		"",
		"digraph { a [",
		"digraph { a -> b } /* open",
		"digraph { a } digraph { b }",
		"strict",
		"digraph { a [x=\"1\" +] }",
	};
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
			struct mistakes mistakes = MISTAKES_INIT;
			struct graph *graph = NULL;
			int status = graph_dot_parse("wrong", wrong[i], NULL, &mistakes, &graph);
			cr_assert_neq(status, STATUS_OK, "%s", wrong[i]);
			cr_assert(status != STATUS_SYNTAX || mistakes.n_items == 1, "%s: %d mistakes", wrong[i],
				mistakes.n_items);
			mistakes_finish(&mistakes);
			graph_destroy(graph);
			graph = parse("digraph right { subgraph cluster_0 { a [op=copy]; } input -> a -> output }");
			cr_assert_str_eq(graph->name, "right", "after: %s", wrong[i]);
			cr_assert_eq(graph->n_edges, 2, "after: %s", wrong[i]);
			graph_destroy(graph);
		}
	}
}

Test(graph_dot, lines_of_syntax_errors)
{
	static const struct {
		const char *text;
		int line;
	} cases[] = {
		{ "digraph {\n\n a -> -> b }", 3 },
		{ "digraph {\n label=\"1\n2\n3\";\n a -> -> b }", 5 },
		{ "digraph {\n# 99 \"other\"\n a -> -> b }", 3 },
		{ "digraph {\n/* \n */ // \"\n a -> -> b }", 4 },
		{ "\xef\xbb\xbf" "digraph {\n a [x=\"\\\n\"]; ] }", 3 },
		{ "digraph {\n a [x=<1\n<2>\n>]; ] }", 4 },
		{ "digraph {\n a [x=\"\n\" +\n\"2\n\"]; ] }", 5 },
		{ "digraph {\r\n a [x=\"\r\n\"];\r\n ] }", 4 },
		{ "digraph {\n a;\n \"open }\n\n", 3 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mistakes mistakes = MISTAKES_INIT;
		struct graph *graph = NULL;
		cr_assert_eq(graph_dot_parse("g.dot", cases[i].text, NULL, &mistakes, &graph), STATUS_SYNTAX, "%s",
			cases[i].text);
		cr_assert_eq(mistakes.n_items, 1);
		cr_assert_eq(mistakes.items[0].line, cases[i].line, "%s: line %d, expected %d", cases[i].text,
			mistakes.items[0].line, cases[i].line);
		mistakes_finish(&mistakes);
	}
}

static void assert_same_text(const char *key, const char *a, const char *b)
{
	cr_assert((!a && !b) || (a && b && strcmp(a, b) == 0), "%s: %s and %s", key, a ? a : "none", b ? b : "none");
}

static void assert_same_node(const struct graph_node *a, const struct graph *other)
{
	const struct graph_node *b = node(other, a->name);
	assert_same_text("op", a->op_name, b->op_name);
	assert_same_text("collective", a->collective, b->collective);
	cr_assert(a->worker_idx == b->worker_idx && a->depth == b->depth && a->has_order == b->has_order
		&& a->order == b->order);
	cr_assert_eq(a->n_params, b->n_params, "%s: %d and %d parameters", a->name, a->n_params, b->n_params);
	for (int i = 0; i < a->n_params; i++)
		assert_same_text(a->params[i].name, a->params[i].value, param(other, a->name, a->params[i].name));
}

static void assert_same_graph(const struct graph *a, const struct graph *b)
{
	cr_assert_str_eq(a->name, b->name);
	cr_assert_eq(a->n_workers, b->n_workers, "%d and %d workers", a->n_workers, b->n_workers);
	cr_assert_eq(a->n_nodes, b->n_nodes, "%d and %d nodes", a->n_nodes, b->n_nodes);
	cr_assert_eq(a->n_edges, b->n_edges, "%d and %d edges", a->n_edges, b->n_edges);
	for (int i = 0; i < a->n_workers; i++) {
		assert_same_text("worker", a->workers[i].name, b->workers[i].name);
		assert_same_text("device", a->workers[i].device, b->workers[i].device);
	}
	for (int i = 0; i < a->n_nodes; i++)
		assert_same_node(&a->nodes[i], b);
	for (int i = 0; i < a->n_edges; i++) {
		const struct graph_edge *x = &a->edges[i], *y = &b->edges[i];
		assert_same_text("source", a->nodes[x->src].name, b->nodes[y->src].name);
		assert_same_text("target", a->nodes[x->dst].name, b->nodes[y->dst].name);
		assert_same_text("from", x->from, y->from);
		assert_same_text("arg", x->arg, y->arg);
		cr_assert(x->is_control == y->is_control && x->transport == y->transport);
	}
	const struct graph_node *x = &a->nodes[GRAPH_INPUT], *y = &b->nodes[GRAPH_INPUT];
	cr_assert_eq(x->n_outputs, y->n_outputs);
	for (int i = 0; i < x->n_outputs; i++) {
		char one[200], other[200];
		assert_same_text("tensor", x->output_names[i], y->output_names[i]);
		assert_same_text("type", type_describe(&x->outputs[i], &a->symbols, true, one, sizeof(one)),
			type_describe(&y->outputs[i], &b->symbols, true, other, sizeof(other)));
	}
}

static uint64_t random_state;

static unsigned pick(unsigned n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % n;
}

/* Names and values that are hard to write. */
static const char *odd_text(void)
{
	static const char *const texts[] = {
		"plain", "two words", "node", "Strict", "a\"quote", "back\\slash", "end\\\\", "end\\", "\\\"",
		"$dollar", "$$", "<html>", "a->b", "semi;colon", "new\nline", "1abc", "-3.5", "grün", "{}", "[]",
		"#hash", "// no comment", "/* none */", "a+b", "x=1", "'", ",", "\\N",
	};
	return texts[pick(ARRAY_LEN(texts))];
}

static struct graph *random_graph(void)
{
	static const char *const tensors[] = { "x:f32[B<=64,384] y:i32[B,L<=512]", "only:u8[]",
		"a:f64[4] b:f64[N<=9] c:i8[N,N,2]" };
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph *graph = graph_create(odd_text());
	graph_set_input(graph, tensors[pick(ARRAY_LEN(tensors))], 0, &mistakes);
	cr_assert_eq(mistakes.n_items, 0);
	int n_nodes = 1 + (int)pick(12);
	for (int i = 0; i < n_nodes; i++) {
		char worker[100], name[100], device[20];
		unsigned worker_idx = pick(i < 3 ? (unsigned)i + 1 : 3);
		snprintf(worker, sizeof(worker), "%u%s", worker_idx, worker_idx == 1 ? "\"w $" : "");
		snprintf(device, sizeof(device), "cpu:%u", worker_idx);
		snprintf(name, sizeof(name), "%s%d", odd_text(), i);
		int at = graph_add_node(graph, name, odd_text(), graph_add_worker(graph, worker, device, 0), 0);
		graph->nodes[at].has_order = pick(2);
		graph->nodes[at].order = graph->nodes[at].has_order ? (int)pick(9) - 4 : 0;
		graph->nodes[at].depth = (int)pick(3);
		graph->nodes[at].collective = pick(3) ? NULL : strdup(odd_text());
		for (unsigned k = pick(3); k > 0; k--) {
			snprintf(name, sizeof(name), "%s%u", odd_text(), k);
			graph_node_set(graph, at, name, odd_text(), 0);
		}
	}
	for (unsigned i = pick(20); i > 0; i--) {
		int src = (int)pick((unsigned)graph->n_nodes), dst = (int)pick((unsigned)graph->n_nodes);
		int at = graph_add_edge(
			graph, src, dst, pick(2) ? odd_text() : NULL, pick(2) ? odd_text() : NULL, pick(2), 0);
		graph->edges[at].transport = (enum transport)pick(TRANSPORT_COUNT);
	}
	return graph;
}

Test(graph_dot, what_is_written_reads_back)
{
	for (uint64_t seed = 1; seed <= 500; seed++) {
		struct strbuf text = STRBUF_INIT;
		random_state = seed;
		struct graph *graph = random_graph();
		graph_to_dot(graph, &text);
		struct graph *again = parse(strbuf_text(&text));
		assert_same_graph(graph, again);
		graph_destroy(graph);
		graph_destroy(again);
		strbuf_finish(&text);
	}
}

Test(graph_dot, a_resolved_graph_is_written_without_what_resolving_added)
{
	struct graph *graph = parse(
		"digraph { input [tensors=\"x:f32[4]\"]; subgraph cluster_0 { a [op=all_reduce, collective=g]; }\n"
		"subgraph cluster_1 { b [op=all_reduce, collective=g]; } input -> {a b} -> output; }");
	struct strbuf text = STRBUF_INIT;
	resolve(graph);
	graph_to_dot(graph, &text);
	struct graph *again = parse(strbuf_text(&text));
	cr_assert_eq(graph->n_edges, 6);
	cr_assert_eq(again->n_edges, 4);
	resolve(again);
	assert_same_graph(graph, again);
	graph_destroy(graph);
	graph_destroy(again);
	strbuf_finish(&text);
}
