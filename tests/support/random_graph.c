/* SPDX-License-Identifier: Apache-2.0
 *
 * random_graph: makes graphs, writes them as DOT, and computes them with the plainest loops there are.
 */
#include "tests/support/random_graph.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"

#define WORKERS_MAX 4
#define NODES_MAX 48
#define VALUES_MAX (NODES_MAX * 2 + 2)
#define ROWS_FACTOR_MAX 12
#define COLUMNS_MAX 48
#define RESULTS_MAX 60

enum random_op {
	TOUCH, COPY, IDENTITY, COUNTER, ADD, SUB, MUL, CONCAT, SPLIT, ALL_REDUCE, REDUCE_SCATTER, ALL_GATHER, BROADCAST,
	ALL_TO_ALL, OP_COUNT
};
static const char *const op_names[OP_COUNT] = { "touch", "copy", "identity", "counter", "add", "sub", "mul", "concat", "split",
	"all_reduce", "reduce_scatter", "all_gather", "broadcast", "all_to_all" };
static const char *const reductions[] = { "sum", "prod", "min", "max", "mean" };
enum { SUM, PROD, MIN, MAX, MEAN };

/* A tensor [factor · N, columns]. */
struct value {
	int node, output; /* node -1: an input tensor */
	int factor, columns;
	bool is_used;
	uint32_t *words;
};

struct node {
	enum random_op op;
	char name[16];
	int worker;
	int inputs[WORKERS_MAX]; /* values; of a collective all ranks', in rank order */
	int n_inputs, rank, collective;
	int axis, reduction, root;
	int first_value;         /* its outputs */
	int n_outputs, depth;
	int control_from;        /* node, -1: none */
};

struct random_graph {
	uint64_t state;
	enum dtype dtype;
	int n_workers;
	bool has_order;
	struct node nodes[NODES_MAX];
	int n_nodes;
	struct value values[VALUES_MAX];
	int n_values, n_collectives;
	int results[RESULTS_MAX];
	int n_results;
	struct strbuf text;
};

/* -- making ------------------------------------------------------------------------------------------------------------ */

static int pick(struct random_graph *graph, int n)
{
	graph->state = graph->state * 6364136223846793005u + 1442695040888963407u;
	return (int)((graph->state >> 33) % (uint64_t)n);
}

static int add_value(struct random_graph *graph, int node, int output, int factor, int columns)
{
	assert(graph->n_values < VALUES_MAX);
	graph->values[graph->n_values] = (struct value){ .node = node, .output = output, .factor = factor, .columns = columns };
	graph->values[graph->n_values].words = calloc((size_t)(factor * RANDOM_GRAPH_N_MAX * columns), sizeof(uint32_t));
	return graph->n_values++;
}

static struct node *add_node(struct random_graph *graph, enum random_op op, int worker)
{
	struct node *node = &graph->nodes[graph->n_nodes];
	*node = (struct node){ .op = op, .worker = worker, .collective = -1, .control_from = -1, .first_value = graph->n_values };
	snprintf(node->name, sizeof node->name, "n%d", graph->n_nodes);
	if (!graph->has_order && pick(graph, 6) == 0)
		node->depth = 1 + pick(graph, 3);
	if (graph->n_nodes > 2 && pick(graph, 8) == 0)
		node->control_from = pick(graph, graph->n_nodes);
	graph->n_nodes++;
	return node;
}

static void add_input(struct random_graph *graph, struct node *node, int value)
{
	node->inputs[node->n_inputs++] = value;
	graph->values[value].is_used = true;
}

static void add_output(struct random_graph *graph, struct node *node, int factor, int columns)
{
	add_value(graph, (int)(node - graph->nodes), node->n_outputs++, factor, columns);
}

static bool is_alike(const struct value *a, const struct value *b)
{
	return a->factor == b->factor && a->columns == b->columns;
}

/* A value before `end` of the shape of `like`; `like` itself when chance finds no other. */
static int pick_alike(struct random_graph *graph, int like, int end)
{
	for (int i = 0; i < 20; i++) {
		int value = pick(graph, end);
		if (is_alike(&graph->values[value], &graph->values[like]))
			return value;
	}
	return like;
}

/* Arity and shapes of the ops on one worker; what does not fit becomes a touch. */
static void add_plain(struct random_graph *graph)
{
	int end = graph->n_values, first = pick(graph, end);
	int factor = graph->values[first].factor, columns = graph->values[first].columns;
	enum random_op op = (enum random_op)pick(graph, SPLIT + 1);
	if ((op == SPLIT && columns % 2) || (op == CONCAT && columns * 2 > COLUMNS_MAX) || (op == MUL && pick(graph, 3)))
		op = TOUCH;
	struct node *node = add_node(graph, op, pick(graph, graph->n_workers));
	add_input(graph, node, first);
	if (op >= ADD && op <= CONCAT)
		add_input(graph, node, pick_alike(graph, first, end));
	for (int i = 0; i < (op == SPLIT ? 2 : 1); i++)
		add_output(graph, node, factor, op == CONCAT ? columns * 2 : op == SPLIT ? columns / 2 : columns);
}

/* A size after the op's change along its axis; 0 when it does not fit. */
static int changed(enum random_op op, int size, int n_ranks, int most)
{
	if (op == ALL_GATHER)
		return size * n_ranks <= most ? size * n_ranks : 0;
	if (size % n_ranks)
		return 0;
	return op == REDUCE_SCATTER ? size / n_ranks : size;
}

static void add_collective(struct random_graph *graph)
{
	int workers[WORKERS_MAX], n_ranks = 0, inputs[WORKERS_MAX], end = graph->n_values, like = pick(graph, end);
	enum random_op op = (enum random_op)(ALL_REDUCE + pick(graph, OP_COUNT - ALL_REDUCE));
	int axis = pick(graph, 2), reduction = pick(graph, graph->dtype == DTYPE_F32 ? MEAN + 1 : MEAN);
	for (int w = 0; w < graph->n_workers; w++) {
		if (pick(graph, 3))
			workers[n_ranks++] = w;
	}
	if (n_ranks < 2 || graph->n_nodes + n_ranks > NODES_MAX)
		return;
	int shape[2] = { graph->values[like].factor, graph->values[like].columns };
	if (op != ALL_REDUCE && op != BROADCAST)
		shape[axis] = changed(op, shape[axis], n_ranks, axis ? COLUMNS_MAX : ROWS_FACTOR_MAX);
	if (!shape[axis])
		return;
	int root = pick(graph, n_ranks);
	for (int r = 0; r < n_ranks; r++)
		inputs[r] = r == root ? like : pick_alike(graph, like, end);
	int first_node = graph->n_nodes;
	for (int r = 0; r < n_ranks; r++) {
		struct node *node = add_node(graph, op, workers[r]);
		if (node->control_from >= first_node) /* another rank: that would be a circle */
			node->control_from = -1;
		node->rank = r;
		node->collective = graph->n_collectives;
		node->axis = axis;
		node->reduction = reduction;
		node->root = root;
		for (int i = 0; i < n_ranks; i++)
			add_input(graph, node, inputs[i]);
		add_output(graph, node, shape[0], shape[1]);
	}
	graph->n_collectives++;
}

static void make_nodes(struct random_graph *graph)
{
	int n_wanted = 8 + pick(graph, 24);
	add_value(graph, -1, 0, 1, RANDOM_GRAPH_COLUMNS);
	add_value(graph, -1, 1, 1, RANDOM_GRAPH_COLUMNS);
	for (int i = 0; i < graph->n_workers + 1; i++) {
		struct node *node = add_node(graph, i % 2 ? TOUCH : COUNTER, i % graph->n_workers);
		add_input(graph, node, i % 2);
		add_output(graph, node, 1, RANDOM_GRAPH_COLUMNS);
	}
	while (graph->n_nodes < n_wanted) {
		if (pick(graph, 3) == 0)
			add_collective(graph);
		else
			add_plain(graph);
	}
	for (int i = 2; i < graph->n_values; i++) {
		if ((!graph->values[i].is_used || pick(graph, 10) == 0) && graph->n_results < RESULTS_MAX)
			graph->results[graph->n_results++] = i;
	}
}

/* -- writing ----------------------------------------------------------------------------------------------------------- */

static void write_node(struct random_graph *graph, int idx)
{
	const struct node *node = &graph->nodes[idx];
	struct strbuf *text = &graph->text;
	strbuf_addf(text, "    %s [op=%s", node->name, op_names[node->op]);
	if (node->collective >= 0)
		strbuf_addf(text, ", collective=c%d", node->collective);
	if (node->op == CONCAT || node->op == SPLIT)
		strbuf_addf(text, ", axis=1%s", node->op == SPLIT ? ", parts=2" : "");
	if (node->op >= REDUCE_SCATTER && node->op != BROADCAST)
		strbuf_addf(text, ", axis=%d", node->axis);
	if (node->op == BROADCAST)
		strbuf_addf(text, ", root=%d", node->root);
	if (node->op == ALL_REDUCE || node->op == REDUCE_SCATTER)
		strbuf_addf(text, ", reduce=%s", reductions[node->reduction]);
	if (graph->has_order)
		strbuf_addf(text, ", order=%d", idx);
	if (node->depth)
		strbuf_addf(text, ", depth=%d", node->depth);
	strbuf_add(text, "];\n");
}

static void write_edge(struct random_graph *graph, int value_idx, const char *dst, const char *arg)
{
	const struct value *value = &graph->values[value_idx];
	if (value->node < 0)
		strbuf_addf(&graph->text, "  input -> %s [from=%s", dst, value->output ? "y" : "x");
	else
		strbuf_addf(&graph->text, "  %s -> %s [from=%d", graph->nodes[value->node].name, dst, value->output);
	strbuf_addf(&graph->text, "%s%s];\n", *arg ? ", arg=" : "", arg);
}

static void write_edges(struct random_graph *graph)
{
	char arg[16] = "";
	for (int i = 0; i < graph->n_nodes; i++) {
		const struct node *node = &graph->nodes[i];
		if (node->collective >= 0)
			write_edge(graph, node->inputs[node->rank], node->name, "");
		for (int k = 0; k < node->n_inputs && node->collective < 0; k++) {
			snprintf(arg, sizeof arg, "%d", k);
			write_edge(graph, node->inputs[k], node->name, arg);
		}
		if (node->control_from >= 0)
			strbuf_addf(&graph->text, "  %s -> %s [control=true];\n", graph->nodes[node->control_from].name, node->name);
	}
	for (int i = 0; i < graph->n_results; i++) {
		snprintf(arg, sizeof arg, "r%d", i);
		write_edge(graph, graph->results[i], "output", arg);
	}
	for (int i = 0; i < graph->n_nodes; i++)
		strbuf_addf(&graph->text, "  %s -> output [control=true];\n", graph->nodes[i].name);
}

static void write_text(struct random_graph *graph)
{
	const char *dtype = dtype_word(graph->dtype);
	strbuf_addf(&graph->text, "digraph random {\n  input [tensors=\"x:%s[N<=%d,%d] y:%s[N,%d]\"];\n", dtype, RANDOM_GRAPH_N_MAX,
		RANDOM_GRAPH_COLUMNS, dtype, RANDOM_GRAPH_COLUMNS);
	for (int w = 0; w < graph->n_workers; w++) {
		strbuf_addf(&graph->text, "  subgraph cluster_%d {\n    worker=w%d; device=\"cpu:%d\";\n", w, w, w);
		for (int i = 0; i < graph->n_nodes; i++) {
			if (graph->nodes[i].worker == w)
				write_node(graph, i);
		}
		strbuf_add(&graph->text, "  }\n");
	}
	write_edges(graph);
	strbuf_add(&graph->text, "}\n");
}

struct random_graph *random_graph_create(unsigned seed)
{
	struct random_graph *graph = calloc(1, sizeof *graph);
	assert(graph);
	graph->state = seed * 0x9e3779b97f4a7c15u + 1;
	graph->n_workers = 1 + (int)(seed % WORKERS_MAX);
	graph->dtype = pick(graph, 2) ? DTYPE_F32 : DTYPE_I32;
	graph->has_order = pick(graph, 3) == 0;
	make_nodes(graph);
	write_text(graph);
	return graph;
}

void random_graph_destroy(struct random_graph *graph)
{
	for (int i = 0; i < graph->n_values; i++)
		free(graph->values[i].words);
	strbuf_finish(&graph->text);
	free(graph);
}

/* -- computing --------------------------------------------------------------------------------------------------------- */

static float as_float(uint32_t word)
{
	float value;
	memcpy(&value, &word, sizeof value);
	return value;
}

static uint32_t as_word(float value)
{
	uint32_t word;
	memcpy(&word, &value, sizeof word);
	return word;
}

static uint32_t combine_float(int reduction, float a, float b)
{
	switch (reduction) {
	case PROD:
		return as_word(a * b);
	case MIN:
		return as_word(isnan(a) || a < b ? a : b);
	case MAX:
		return as_word(isnan(a) || a > b ? a : b);
	default:
		return as_word(a + b);
	}
}

static uint32_t combine_int(int reduction, uint32_t a, uint32_t b)
{
	switch (reduction) {
	case PROD:
		return a * b;
	case MIN:
		return (int32_t)a < (int32_t)b ? a : b;
	case MAX:
		return (int32_t)a > (int32_t)b ? a : b;
	default:
		return a + b;
	}
}

static uint32_t combine(enum dtype dtype, int reduction, uint32_t a, uint32_t b)
{
	return dtype == DTYPE_F32 ? combine_float(reduction, as_float(a), as_float(b)) : combine_int(reduction, a, b);
}

static uint32_t number(enum dtype dtype, uint64_t value)
{
	return dtype == DTYPE_F32 ? as_word((float)value) : (uint32_t)value;
}

static uint32_t negative(enum dtype dtype, uint32_t word)
{
	return dtype == DTYPE_F32 ? as_word(-as_float(word)) : 0u - word;
}

static uint32_t at(const struct value *value, int row, int column)
{
	return value->words[row * value->columns + column];
}

/* One element of what a collective reduces to, as a whole. */
static uint32_t reduced(const struct random_graph *graph, const struct node *node, int row, int column)
{
	uint32_t sum = at(&graph->values[node->inputs[0]], row, column);
	for (int i = 1; i < node->n_inputs; i++)
		sum = combine(graph->dtype, node->reduction, sum, at(&graph->values[node->inputs[i]], row, column));
	return node->reduction == MEAN ? as_word(as_float(sum) / (float)node->n_inputs) : sum;
}

/* An element of an op that cuts or joins along an axis: `place` runs along it over all `n_ranks` parts of `part` elements. */
static uint32_t moved(const struct random_graph *graph, const struct node *node, int row, int column, int part)
{
	int place = node->axis ? column : row, rank = place / part, within = place % part;
	const struct value *from = &graph->values[node->inputs[rank]];
	int source = node->op == ALL_GATHER ? within : node->rank * part + within;
	return at(from, node->axis ? row : source, node->axis ? source : column);
}

static uint32_t element(const struct random_graph *graph, const struct node *node, uint64_t execution, int n, int output, int row,
	int column)
{
	const struct value *a = &graph->values[node->inputs[0]], *b = &graph->values[node->inputs[node->n_inputs - 1]];
	const struct value *y = &graph->values[node->first_value];
	int part = node->op == ALL_GATHER ? (node->axis ? a->columns : a->factor * n)
		: (node->axis ? a->columns : a->factor * n) / node->n_inputs;
	enum dtype dtype = graph->dtype;
	switch (node->op) {
	case TOUCH:
		return combine(dtype, SUM, at(a, row, column), number(dtype, 1));
	case COUNTER:
		return combine(dtype, SUM, at(a, row, column), number(dtype, execution));
	case ADD:
		return combine(dtype, SUM, at(a, row, column), at(b, row, column));
	case SUB:
		return combine(dtype, SUM, at(a, row, column), negative(dtype, at(b, row, column)));
	case MUL:
		return combine(dtype, PROD, at(a, row, column), at(b, row, column));
	case CONCAT:
		return column < a->columns ? at(a, row, column) : at(b, row, column - a->columns);
	case SPLIT:
		return at(a, row, output * y->columns + column);
	case ALL_REDUCE:
		return reduced(graph, node, row, column);
	case REDUCE_SCATTER:
		return reduced(graph, node, row + (node->axis ? 0 : node->rank * part), column + (node->axis ? node->rank * part : 0));
	case BROADCAST:
		return at(&graph->values[node->inputs[node->root]], row, column);
	case ALL_GATHER:
	case ALL_TO_ALL:
		return moved(graph, node, row, column, part);
	default:
		return at(a, row, column);
	}
}

void random_graph_input(const struct random_graph *graph, uint64_t execution, int n, uint32_t *x, uint32_t *y)
{
	for (int i = 0; i < n * RANDOM_GRAPH_COLUMNS; i++) {
		unsigned hash = ((unsigned)execution * 977u + (unsigned)i) * 2654435761u >> 20;
		x[i] = graph->dtype == DTYPE_F32 ? as_word((float)hash / 1024 - 2) : hash - 2048;
		y[i] = graph->dtype == DTYPE_F32 ? as_word((float)(hash * 7 % 4096) / 1000 - 1) : hash * 7 % 4096;
	}
}

void random_graph_evaluate(struct random_graph *graph, uint64_t execution, int n)
{
	random_graph_input(graph, execution, n, graph->values[0].words, graph->values[1].words);
	for (int i = 0; i < graph->n_nodes; i++) {
		const struct node *node = &graph->nodes[i];
		for (int output = 0; output < node->n_outputs; output++) {
			const struct value *y = &graph->values[node->first_value + output];
			for (int k = 0; k < y->factor * n * y->columns; k++)
				y->words[k] = element(graph, node, execution, n, output, k / y->columns, k % y->columns);
		}
	}
}

/* -- looking ----------------------------------------------------------------------------------------------------------- */

const char *random_graph_text(const struct random_graph *graph)
{
	return strbuf_text(&graph->text);
}

enum dtype random_graph_dtype(const struct random_graph *graph)
{
	return graph->dtype;
}

int random_graph_n_collectives(const struct random_graph *graph)
{
	return graph->n_collectives;
}

int random_graph_n_results(const struct random_graph *graph)
{
	return graph->n_results;
}

const uint32_t *random_graph_result(const struct random_graph *graph, int idx, int *ret_factor, int *ret_columns,
	const char **ret_node)
{
	const struct value *value = &graph->values[graph->results[idx]];
	*ret_factor = value->factor;
	*ret_columns = value->columns;
	*ret_node = graph->nodes[value->node].name;
	return value->words;
}
