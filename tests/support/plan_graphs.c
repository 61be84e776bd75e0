/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_graphs: a small reader of a small language.
 */
#include "tests/support/plan_graphs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/strbuf.h"
#include "tests/support/test_ops.h"

#define WORDS_MAX 8

static _Noreturn void give_up(const char *what, const char *word)
{
	fprintf(stderr, "plan_graphs: %s '%s'\n", what, word);
	abort();
}

static struct tensor_type vector(int size)
{
	return (struct tensor_type){ .dtype = DTYPE_F32, .n_dims = 1, .dims = { dim_constant(size) } };
}

static void add_outputs(struct graph_node *node, int n, int size)
{
	if (n <= node->n_outputs)
		return;
	node->outputs = realloc(node->outputs, (size_t)n * sizeof *node->outputs);
	node->output_names = realloc(node->output_names, (size_t)n * sizeof *node->output_names);
	for (; node->n_outputs < n; node->n_outputs++) {
		char name[16];
		snprintf(name, sizeof name, "%d", node->n_outputs);
		node->outputs[node->n_outputs] = vector(size);
		node->output_names[node->n_outputs] = strdup(name);
	}
}

static int find_collective(struct graph *graph, const char *name)
{
	for (int i = 0; i < graph->n_collectives; i++) {
		if (strcmp(graph->collectives[i].name, name) == 0)
			return i;
	}
	graph->collectives = realloc(graph->collectives, (size_t)(graph->n_collectives + 1) * sizeof *graph->collectives);
	graph->collectives[graph->n_collectives] = (struct graph_collective){ .name = strdup(name) };
	return graph->n_collectives++;
}

/* Keeps the ranks in the order of their workers. */
static void add_rank(struct graph *graph, int collective_idx, int node)
{
	struct graph_collective *collective = &graph->collectives[collective_idx];
	collective->nodes = realloc(collective->nodes, (size_t)(collective->n_ranks + 1) * sizeof *collective->nodes);
	int at = collective->n_ranks++;
	for (; at > 0 && graph->nodes[collective->nodes[at - 1]].worker_idx > graph->nodes[node].worker_idx; at--)
		collective->nodes[at] = collective->nodes[at - 1];
	collective->nodes[at] = node;
}

static void read_node(struct graph *graph, char **words, int n_words, int line)
{
	int worker = graph_add_worker(graph, words[2], NULL, line), size = 4;
	int idx = graph_add_node(graph, words[1], words[3], worker, line);
	struct graph_node *node = &graph->nodes[idx];
	node->op = op_registry_find(&test_ops, words[3]);
	if (!node->op)
		give_up("no op", words[3]);
	for (int i = 4; i < n_words; i++) {
		if (sscanf(words[i], "depth=%d", &node->depth) == 1 || sscanf(words[i], "size=%d", &size) == 1)
			continue;
		long order;
		if (sscanf(words[i], "order=%ld", &order) == 1) {
			node->has_order = true;
			node->order = order;
		} else if (strncmp(words[i], "collective=", 11) == 0) {
			node->collective = strdup(words[i] + 11);
			node->collective_idx = find_collective(graph, words[i] + 11);
			add_rank(graph, node->collective_idx, idx);
		} else {
			give_up("unknown attribute", words[i]);
		}
	}
	add_outputs(node, strcmp(words[3], "split") == 0 ? 2 : 1, size);
}

static int find_node(const struct graph *graph, const char *name)
{
	int node = graph_find_node(graph, name);
	if (node < 0)
		give_up("no node", name);
	return node;
}

static void connect(struct graph *graph, int edge_idx, int output, int input)
{
	struct graph_edge *edge = &graph->edges[edge_idx];
	char name[500];
	edge->src_output = output;
	edge->dst_input = input;
	snprintf(name, sizeof name, "%s.%d->%s.%d", graph->nodes[edge->src].name, output, graph->nodes[edge->dst].name,
		input);
	edge->name = strdup(edge->is_control ? "control" : name);
	edge->result = edge->dst == GRAPH_OUTPUT && !edge->is_control ? strdup(graph->nodes[edge->src].name) : NULL;
	if (edge->is_control)
		return;
	add_outputs(&graph->nodes[edge->src], edge->src == GRAPH_INPUT ? output + 1 : 0, 4);
	struct graph_node *dst = &graph->nodes[edge->dst];
	dst->n_inputs = input < dst->n_inputs ? dst->n_inputs : input + 1;
	dst->input_edges = realloc(dst->input_edges, (size_t)dst->n_inputs * sizeof *dst->input_edges);
	dst->input_edges[input] = edge_idx;
}

static void read_edge(struct graph *graph, char **words, int n_words, bool is_control, int line)
{
	char *colon = strchr(words[1], ':');
	int output = colon ? atoi(colon + 1) : 0;
	if (colon)
		*colon = '\0';
	int dst = find_node(graph, words[2]);
	int edge = graph_add_edge(graph, find_node(graph, words[1]), dst, NULL, NULL, is_control, line);
	if (n_words > 3)
		graph->edges[edge].transport = strcmp(words[3], "shm") == 0 ? TRANSPORT_SHM : TRANSPORT_LOCAL;
	connect(graph, edge, is_control ? -1 : output, is_control ? -1 : graph->nodes[dst].n_inputs);
}

/* Rank r's argument r is its own input, the others are those of the other ranks. */
static void add_peers(struct graph *graph, const struct graph_collective *collective)
{
	int *own = calloc((size_t)collective->n_ranks, sizeof *own);
	for (int r = 0; r < collective->n_ranks; r++)
		own[r] = graph->nodes[collective->nodes[r]].input_edges[0];
	for (int r = 0; r < collective->n_ranks; r++) {
		for (int k = 0; k < collective->n_ranks; k++) {
			int src = graph->edges[own[k]].src, edge = own[r], output = graph->edges[own[k]].src_output;
			if (k != r) {
				edge = graph_add_edge(graph, src, collective->nodes[r], NULL, NULL, false, 0);
				graph->edges[edge].is_peer = true;
			}
			free(graph->edges[edge].name);
			connect(graph, edge, output, k);
		}
	}
	free(own);
}

static void read_statement(struct graph *graph, char *text, int line)
{
	char *words[WORDS_MAX] = { 0 }, *rest = NULL;
	int n_words = 0;
	for (char *word = strtok_r(text, " \n\t", &rest); word && n_words < WORDS_MAX; word = strtok_r(NULL, " \n\t", &rest))
		words[n_words++] = word;
	if (!n_words)
		return;
	if (strcmp(words[0], "node") == 0 && n_words >= 4)
		read_node(graph, words, n_words, line);
	else if (strcmp(words[0], "edge") == 0 && n_words >= 3)
		read_edge(graph, words, n_words, false, line);
	else if (strcmp(words[0], "control") == 0 && n_words >= 3)
		read_edge(graph, words, n_words, true, line);
	else if (strcmp(words[0], "depth") == 0 && n_words == 2)
		graph->nodes[GRAPH_INPUT].depth = atoi(words[1]);
	else
		give_up("unknown statement", words[0]);
}

struct graph *plan_graph(const char *text)
{
	struct graph *graph = graph_create("test");
	char *copy = strdup(text), *rest = NULL;
	int line = 0;
	for (char *statement = strtok_r(copy, ";", &rest); statement; statement = strtok_r(NULL, ";", &rest))
		read_statement(graph, statement, ++line);
	for (int i = 0; i < graph->n_collectives; i++)
		add_peers(graph, &graph->collectives[i]);
	free(copy);
	graph->is_resolved = true;
	return graph;
}

static int draw(unsigned *seed, int n)
{
	return n > 0 ? rand_r(seed) % n : 0;
}

struct graph *plan_graph_random(unsigned seed, int n_nodes, int n_workers)
{
	static const char *const ops[] = { "copy", "copy", "forward", "scale" };
	struct strbuf text = STRBUF_INIT;
	int n = 1 + draw(&seed, n_nodes), n_collectives = draw(&seed, 3), wants_order = draw(&seed, 3);
	bool wants_depth = draw(&seed, 2), *is_read = calloc((size_t)n, sizeof *is_read);
	n_workers = 1 + draw(&seed, n_workers);
	if (wants_depth && draw(&seed, 2))
		strbuf_addf(&text, "depth %d; ", 1 + draw(&seed, 2));
	for (int i = 0; i < n; i++) {
		/* The first nodes of all workers but one in twos: collectives, in the order of the file or crossed. */
		bool is_rank = n_workers > 1 && i < 2 * n_collectives && n > 2 * n_collectives;
		int worker = is_rank ? i % 2 : draw(&seed, n_workers);
		strbuf_addf(&text, "node n%d w%d %s", i, worker, is_rank ? "all_reduce" : ops[draw(&seed, 4)]);
		if (is_rank)
			strbuf_addf(&text, " collective=c%d", i / 2);
		if (wants_order == 1 && draw(&seed, 3) == 0)
			strbuf_addf(&text, " order=%d", draw(&seed, 2) ? i : draw(&seed, n));
		if (wants_depth && draw(&seed, 3) == 0)
			strbuf_addf(&text, " depth=%d", 1 + draw(&seed, 3));
		strbuf_addf(&text, " size=%d; ", draw(&seed, 6) ? 4 : 8);
	}
	for (int i = 0; i < n; i++) {
		bool is_rank = n_workers > 1 && i < 2 * n_collectives && n > 2 * n_collectives;
		int n_inputs = is_rank ? 1 : 1 + (draw(&seed, 3) == 0);
		for (int k = 0; k < n_inputs; k++) {
			int src = is_rank && draw(&seed, 2) ? -1 : draw(&seed, i + 1) - 1;
			if (src < 0)
				strbuf_addf(&text, "edge input:%d n%d; ", draw(&seed, 2), i);
			else
				strbuf_addf(&text, "edge n%d n%d%s; ", src, i, draw(&seed, 12) ? "" : " shm");
			if (src >= 0)
				is_read[src] = true;
		}
		if (i && draw(&seed, 6) == 0)
			strbuf_addf(&text, "control n%d n%d; ", draw(&seed, i), i);
	}
	for (int i = 0; i < n; i++) {
		if (!is_read[i] || draw(&seed, 5) == 0)
			strbuf_addf(&text, "%s n%d output; ", draw(&seed, 8) || i == n - 1 ? "edge" : "control", i);
	}
	struct graph *graph = plan_graph(strbuf_text(&text));
	free(is_read);
	strbuf_finish(&text);
	return graph;
}

struct plan *plan_of(const struct graph *graph, int in_flight)
{
	struct plan *plan;
	struct error error;
	struct plan_options options = { .in_flight = in_flight };
	if (plan_make(graph, &options, &error, &plan) != STATUS_OK)
		give_up("no plan", error.text);
	return plan;
}

static int find_worker(const struct graph *graph, const char *name)
{
	int worker = graph_find_worker(graph, name);
	if (worker < 0)
		give_up("no worker", name);
	return worker;
}

char *plan_order_text(const struct plan *plan, const char *worker, char *text, size_t size)
{
	const struct plan_worker *w = &plan->workers[find_worker(plan->graph, worker)];
	size_t at = 0;
	text[0] = '\0';
	for (int i = 0; i < w->n_nodes && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%s", i ? " " : "", plan->graph->nodes[w->nodes[i]].name);
	return text;
}

char *plan_steps_text(const struct plan *plan, const char *worker, char *text, size_t size)
{
	const struct plan_worker *w = &plan->workers[find_worker(plan->graph, worker)];
	size_t at = 0;
	text[0] = '\0';
	for (int i = 0; i < w->n_steps && at < size; i++) {
		const struct plan_step *step = &w->steps[i];
		const struct plan_channel *channel = step->channel < 0 ? NULL : &plan->channels[step->channel];
		at += (size_t)snprintf(text + at, size - at, "%s%s %s", i ? ", " : "", plan_step_word(step->kind),
			plan->graph->nodes[channel ? channel->node : step->node].name);
		if (channel && channel->output > 0 && at < size)
			at += (size_t)snprintf(text + at, size - at, ".%d", channel->output);
		if (channel && channel->output < 0 && at < size)
			at += (size_t)snprintf(text + at, size - at, "!");
	}
	return text;
}

int plan_channel_of(const struct plan *plan, const char *name, int output)
{
	int node = find_node(plan->graph, name);
	for (int i = 0; i < plan->n_channels; i++) {
		if (plan->channels[i].node == node && plan->channels[i].output == output)
			return i;
	}
	give_up("no channel of", name);
}
