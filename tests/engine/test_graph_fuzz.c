/* SPDX-License-Identifier: Apache-2.0
 *
 * Text that somebody damaged: whatever is read gives a graph or mistakes, never a crash, a leak or a message without words.
 * The damage is the same in every run.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph_dot.h"
#include "tests/support/test_ops.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_LEAK_CHECK
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_LEAK_CHECK
#endif

#ifdef WITH_LEAK_CHECK
#include <sanitizer/lsan_interface.h>

const char *__lsan_default_suppressions(void)
{
	return "leak:criterion_handle_args\n";
}

static bool has_leaks(void)
{
	return __lsan_do_recoverable_leak_check();
}
#else
static bool has_leaks(void)
{
	return false;
}
#endif

#define N_MUTATIONS 4000
#define N_MUTATIONS_OF_FILE 20
#define DAMAGES_MAX 6

static const char *const seeds[] = {
	"digraph two_stage {\n"
	"  rankdir=LR; node [shape=box];\n"
	"  input [tensors=\"x:f32[B<=64,8] y:f32[B,8]\"];\n"
	"  subgraph cluster_0 { worker=w0; device=\"cpu:0\"; a [op=scale, by=\"$BY\"]; s [op=split, at=1, order=2]; }\n"
	"  subgraph cluster_1 { worker=w1; device=\"cpu:1\"; b [op=add, depth=3]; }\n"
	"  input -> a [from=x]; a -> b [arg=a]; input -> b [from=y, arg=b]; b -> output [arg=sum];\n"
	"  b -> s; s -> output [from=rest];\n"
	"}\n",
	"digraph \"reduce\" { /* a comment */\n"
	"# 1 \"directive\"\n"
	"  node [op=copy]; edge [transport=shm];\n"
	"  input [tensors=\"x:f32[4]\"];\n"
	"  subgraph cluster_0 { a [op=all_reduce, collective=\"g\" + \"1\"]; }\n"
	"  subgraph cluster_1 { b [op=all_reduce, collective=g1, label=<<b>x</b>>]; c }\n"
	"  input -> {a b} -> output; b -> c [control=true]; c:n -> output:s; a -> c; input, a -> c [control=true]; label=\"$BY\";\n"
	"}\n",
	("strict digraph { tooltip=\"$BY\"; input [tensors=\"x:f32[B<=9,8]\"];\n"
	 "subgraph cluster_x { subgraph { j [op=join]; k [op=join] } } // end\n"
	 "input -> j [arg=0]; j -> k [arg=0]; k -> output }\n"),
};

static const char *const words[] = {
	"{", "}", "[", "]", "->", "--", ";", ",", "=", ":", "\"", "\\\"", "\\", "<", ">", "+", "/*", "*/", "//",
	"\n#", "$", "${", "}", "\n", "subgraph", "cluster_", "node", "edge", "graph", "digraph", "strict", "input",
	"output", "op=copy", "worker=w1", "device=x", "arg=1", "[control=true]", "[tensors=\"", "x:f32[B<=4]",
	"65537", "-1", "a -> b", "{ a b } -> { c d }", "\xff\xfe", "'", "a", "b", "$BY", "@m",
};

static uint64_t random_state = 20240229;

static size_t pick(size_t n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(random_state >> 33) % n;
}

/* Replaces `n_out` bytes at `at` by `n_in` others. */
static void splice(struct strbuf *text, size_t at, size_t n_out, const char *in, size_t n_in)
{
	struct strbuf spliced = STRBUF_INIT;
	strbuf_add_bytes(&spliced, text->text, at);
	strbuf_add_bytes(&spliced, in, n_in);
	strbuf_add(&spliced, text->text + at + n_out);
	strbuf_finish(text);
	*text = spliced;
}

static void damage(struct strbuf *text)
{
	size_t at = pick(text->length + 1), rest = text->length - at;
	size_t n = pick(20) < rest ? pick(20) % (rest + 1) : rest;
	const char *word = words[pick(ARRAY_LEN(words))];
	char byte = (char)(1 + pick(255));
	char copy[32];
	size_t n_copied = n < sizeof(copy) ? n : sizeof(copy);
	memcpy(copy, text->text + at, n_copied);
	switch (pick(5)) {
	case 0:
		splice(text, at, rest ? 1 : 0, &byte, 1);
		break;
	case 1:
		splice(text, at, n, "", 0);
		break;
	case 2:
		splice(text, at, 0, word, strlen(word));
		break;
	case 3:
		splice(text, at, n, word, strlen(word));
		break;
	case 4:
		splice(text, pick(text->length + 1), 0, copy, n_copied);
		break;
	}
}

static void assert_sensible(int status, const struct mistakes *mistakes, const char *text)
{
	cr_assert((status == STATUS_OK) == (mistakes->n_items == 0), "%s with %d mistakes:\n%s", status_word(status),
		mistakes->n_items, text);
	cr_assert(status != STATUS_SYNTAX || mistakes->n_items == 1, "%d mistakes:\n%s", mistakes->n_items, text);
	int n_lines = 1;
	for (const char *at = text; *at; at++)
		n_lines += *at == '\n';
	for (int i = 0; i < mistakes->n_items; i++) {
		const struct mistake *mistake = &mistakes->items[i];
		cr_assert(mistake->text && *mistake->text, "%s", text);
		cr_assert(mistake->line >= 0 && mistake->line <= n_lines, "line %d of %d, '%s':\n%s", mistake->line, n_lines,
			mistake->text, text);
	}
}

static struct graph *load_text(const char *text)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph *graph = NULL;
	int status = graph_dot_parse("fuzz", text, NULL, &mistakes, &graph);
	if (!status)
		status = graph_resolve(graph, &test_ops, &mistakes);
	cr_assert_eq(
		status, STATUS_OK, "%s: %s\n%s", status_word(status), mistakes.n_items ? mistakes.items[0].text : "", text);
	mistakes_finish(&mistakes);
	return graph;
}

/* Reads a text all the way; what is right is written and read once more. */
static void read_text(const char *text, int *n_right)
{
	static const struct graph_setting items[] = { { "BY", "2" } };
	static const struct graph_settings settings = { items, 1 };
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph *graph = NULL;
	int status = graph_dot_parse("fuzz", text, &settings, &mistakes, &graph);
	assert_sensible(status, &mistakes, text);
	int resolved = graph ? graph_resolve(graph, &test_ops, &mistakes) : STATUS_GRAPH;
	if (status == STATUS_OK)
		assert_sensible(resolved, &mistakes, text);
	if (status == STATUS_OK && resolved == STATUS_OK) {
		struct strbuf again = STRBUF_INIT;
		graph_to_dot(graph, &again);
		struct graph *second = load_text(strbuf_text(&again));
		cr_assert_eq(second->n_edges, graph->n_edges);
		strbuf_finish(&again);
		graph_destroy(second);
		*n_right += 1;
	}
	mistakes_finish(&mistakes);
	graph_destroy(graph);
}

Test(graph_fuzz, damaged_text)
{
	int n_right = 0;
	for (size_t i = 0; i < ARRAY_LEN(seeds); i++)
		read_text(seeds[i], &n_right);
	cr_assert_eq(n_right, (int)ARRAY_LEN(seeds), "%d of the undamaged texts are right", n_right);
	for (int i = 0; i < N_MUTATIONS; i++) {
		struct strbuf text = STRBUF_INIT;
		strbuf_add(&text, seeds[pick(ARRAY_LEN(seeds))]);
		for (size_t k = pick(DAMAGES_MAX) + 1; k > 0; k--)
			damage(&text);
		read_text(text.text, &n_right);
		strbuf_finish(&text);
	}
	cr_assert_gt(n_right, 20, "only %d damaged texts were still graphs", n_right);
	cr_assert(!has_leaks());
}

static void damage_file(const char *path)
{
	struct strbuf original = STRBUF_INIT;
	char block[4096];
	size_t n_bytes;
	int n_right = 0;
	FILE *stream = fopen(path, "r");
	cr_assert_not_null(stream, "%s", path);
	while ((n_bytes = fread(block, 1, sizeof(block), stream)) > 0)
		strbuf_add_bytes(&original, block, n_bytes);
	fclose(stream);
	for (int i = 0; i < N_MUTATIONS_OF_FILE; i++) {
		struct strbuf text = STRBUF_INIT;
		strbuf_add(&text, original.text);
		for (int k = 0; k < i; k += 4)
			damage(&text);
		read_text(text.text, &n_right);
		strbuf_finish(&text);
	}
	strbuf_finish(&original);
}

Test(graph_fuzz, damaged_wrong_graphs)
{
	char folder[400], path[700];
	const char *root = getenv("TANDEM_SOURCE_ROOT");
	snprintf(folder, sizeof(folder), "%s/tests/graphs/wrong", root ? root : ".");
	struct dirent **files;
	int n_files = scandir(folder, &files, NULL, alphasort);
	cr_assert_gt(n_files, 45, "%s: %d files", folder, n_files);
	for (int i = 0; i < n_files; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]->d_name);
		if (strstr(path, ".dot"))
			damage_file(path);
		free(files[i]);
	}
	free(files);
	cr_assert(!has_leaks());
}

Test(graph_fuzz, cut_off_anywhere)
{
	int n_right = 0;
	for (size_t i = 0; i < ARRAY_LEN(seeds); i++) {
		for (size_t length = 0; length <= strlen(seeds[i]); length++) {
			char *text = strndup(seeds[i], length);
			read_text(text, &n_right);
			free(text);
		}
	}
}

Test(graph_fuzz, deep_and_wide)
{
	struct strbuf text = STRBUF_INIT;
	int n_right = 0;
	strbuf_add(&text, "digraph { ");
	for (int i = 0; i < 3000; i++)
		strbuf_add(&text, "{");
	for (int i = 0; i < 3000; i++)
		strbuf_add(&text, "}");
	strbuf_add(&text, "}");
	read_text(text.text, &n_right);
	strbuf_clear(&text);
	strbuf_add(&text, "digraph { a [x=\"");
	for (int i = 0; i < 100000; i++)
		strbuf_add(&text, "long ");
	strbuf_add(&text, "\"]; \"");
	for (int i = 0; i < 100; i++)
		strbuf_add(&text, "name");
	strbuf_add(&text, "\" -> a }");
	read_text(text.text, &n_right);
	strbuf_finish(&text);
}
