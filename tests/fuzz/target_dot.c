/* SPDX-License-Identifier: Apache-2.0
 *
 * target_dot: text → graph → plan → program. A graph that is right is written and read again to an equal one; a plan that was made fits into a
 * program that a worker would accept.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"
#include "engine/run/program.h"
#include "tests/fuzz/targets.h"

static void check_mistakes(int status, const struct mistakes *mistakes, const char *text)
{
	int n_lines = 1;
	for (const char *at = text; *at; at++)
		n_lines += *at == '\n';
	FUZZ_CHECK((status == STATUS_OK) == (mistakes->n_items == 0), "%s with %d mistakes", status_word(status), mistakes->n_items);
	FUZZ_CHECK(status != STATUS_SYNTAX || mistakes->n_items == 1, "%d mistakes after a syntax error", mistakes->n_items);
	for (int i = 0; i < mistakes->n_items; i++) {
		const struct mistake *mistake = &mistakes->items[i];
		FUZZ_CHECK(mistake->text && *mistake->text, "a mistake without words");
		FUZZ_CHECK(mistake->line >= 0 && mistake->line <= n_lines, "line %d of %d", mistake->line, n_lines);
	}
}

static struct graph *read_text(const char *text, struct mistakes *mistakes)
{
	static const struct graph_setting items[] = { { "BY", "2" } };
	static const struct graph_settings settings = { items, 1 };
	struct graph *graph = NULL;
	int status = graph_dot_parse("fuzz", text, strchr(text, '$') ? &settings : NULL, mistakes, &graph);
	check_mistakes(status, mistakes, text);
	int resolved = graph ? graph_resolve(graph, &ops_builtin, mistakes) : STATUS_GRAPH;
	if (status == STATUS_OK)
		check_mistakes(resolved, mistakes, text);
	if (status == STATUS_OK && resolved == STATUS_OK)
		return graph;
	graph_destroy(graph);
	return NULL;
}

static void check_rewritten(const struct graph *graph)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct strbuf text = STRBUF_INIT;
	struct graph *again = NULL;
	graph_to_dot(graph, &text);
	int status = graph_dot_parse("again", strbuf_text(&text), NULL, &mistakes, &again);
	if (status == STATUS_OK)
		status = graph_resolve(again, &ops_builtin, &mistakes);
	FUZZ_CHECK(status == STATUS_OK, "not read back: %s\n%s", mistakes.n_items ? mistakes.items[0].text : "", strbuf_text(&text));
	FUZZ_CHECK(again->n_edges == graph->n_edges && again->n_nodes == graph->n_nodes, "read back as another graph");
	mistakes_finish(&mistakes);
	strbuf_finish(&text);
	graph_destroy(again);
}

static void check_program(const struct plan *plan)
{
	struct program_options options = { .n_threads = 1 };
	struct program program;
	struct error error = { 0 };
	int fd;
	if (program_build(plan, &options, &error, &fd) != STATUS_OK)
		return;
	FUZZ_CHECK(program_open(fd, &program, &error) == STATUS_OK, "%s", error.text);
	program_close(&program);
	close(fd);
}

static void plan_graph(const struct graph *graph)
{
	struct strbuf text = STRBUF_INIT;
	struct error error = { 0 };
	struct plan *plan = NULL;
	int status = plan_compile(graph, &(struct plan_options){ 0 }, &text, &error, &plan);
	FUZZ_CHECK(status == STATUS_OK || status == STATUS_DEADLOCK || status == STATUS_GRAPH, "%s: %s", status_word(status), error.text);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "a refused plan without words");
	if (status == STATUS_OK) {
		plan_print(plan, &text);
		check_program(plan);
		plan_destroy(plan);
	}
	strbuf_finish(&text);
}

static int fuzz_one(const uint8_t *data, size_t n)
{
	struct mistakes mistakes = MISTAKES_INIT;
	char *text = malloc(n + 1);
	if (!text)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	struct graph *graph = read_text(text, &mistakes);
	if (graph) {
		check_rewritten(graph);
		plan_graph(graph);
	}
	graph_destroy(graph);
	mistakes_finish(&mistakes);
	free(text);
	return 0;
}

static const char *const tokens[] = { "{", "}", "[", "]", "->", "--", ";", ",", "=", ":", "\"", "\\\"", "\\", "<", ">", "+", "/*", "*/", "//",
	"\n#", "$BY", "${", "\n", "subgraph ", "cluster_", "node ", "edge ", "graph ", "digraph ", "strict ", "input", "output", "op=copy",
	"op=add", "op=concat", "op=split", "op=all_reduce", "op=linear", "worker=w1", "device=\"cpu:1\"", "arg=1", "from=0", "order=1", "depth=1",
	"collective=g", "[control=true]", "transport=shm", "transport=local", "tensors=\"", "x:f32[B<=4]", "i64[2]", "65537", "-1",
	" a -> b ", "{ a b } -> { c d }", "\xff\xfe", "'", "a", "b", "weights=\"/dev/null\"", "[op=", NULL };

const struct fuzz_target fuzz_target_dot = {
	.name = "dot",
	.one = fuzz_one,
	.tokens = tokens,
	.bytes_max = 16384,
	.n_runs = 3000,
};
