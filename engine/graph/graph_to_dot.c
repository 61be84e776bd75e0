/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_to_dot: a graph as DOT text. What resolving added (peer edges, positions) is left out: it is made anew from the
 * text.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "engine/graph/graph_dot.h"

/* A quoted string cannot hold a backslash before a quote or at its end: libcgraph takes \" for a quote and never halves a
 * pair of backslashes. */
static bool fits_quotes(const char *text)
{
	for (; *text; text++) {
		if (*text != '\\')
			continue;
		size_t n_backslashes = strspn(text, "\\");
		char next = text[n_backslashes];
		if (n_backslashes % 2 && (next == '\0' || next == '\n' || next == '\r'))
			return false;
		if (next == '"')
			return false;
		text += n_backslashes - 1;
	}
	return true;
}

static void add_text(struct strbuf *out, const char *text)
{
	bool is_quoted = fits_quotes(text);
	strbuf_add(out, is_quoted ? "\"" : "<");
	for (; *text; text++) {
		if (is_quoted && *text == '"')
			strbuf_add(out, "\\");
		strbuf_add_bytes(out, text, 1);
	}
	strbuf_add(out, is_quoted ? "\"" : ">");
}

static bool is_keyword(const char *text)
{
	static const char *const keywords[] = { "node", "edge", "graph", "digraph", "subgraph", "strict" };
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		if (strcasecmp(text, keywords[i]) == 0)
			return true;
	}
	return false;
}

/* Bare where it can be, so that the text reads as a person would write it. */
static void add_id(struct strbuf *out, const char *text)
{
	size_t length = 0;
	while (isalnum((unsigned char)text[length]) || text[length] == '_')
		length++;
	if (length && !text[length] && !isdigit((unsigned char)*text) && !is_keyword(text))
		strbuf_add(out, text);
	else
		add_text(out, text);
}

/* A value, in which $ stands for a setting. */
static void add_value(struct strbuf *out, const char *text)
{
	struct strbuf value = STRBUF_INIT;
	for (; *text; text++)
		strbuf_add_bytes(&value, *text == '$' ? "$$" : text, *text == '$' ? 2 : 1);
	add_id(out, strbuf_text(&value));
	strbuf_finish(&value);
}

/* One attribute of a list that opens with the first. */
static void add_attr(struct strbuf *out, bool *is_open, const char *key, const char *value)
{
	strbuf_add(out, *is_open ? ", " : " [");
	*is_open = true;
	add_id(out, key);
	strbuf_add(out, "=");
	add_value(out, value);
}

static void add_number(struct strbuf *out, bool *is_open, const char *key, int64_t value)
{
	strbuf_addf(out, "%s%s=%" PRId64, *is_open ? ", " : " [", key, value);
	*is_open = true;
}

static void add_node(struct strbuf *out, const struct graph_node *node)
{
	bool is_open = false;
	strbuf_add(out, "\t\t");
	add_id(out, node->name);
	if (node->op_name)
		add_attr(out, &is_open, "op", node->op_name);
	for (int i = 0; i < node->n_params; i++)
		add_attr(out, &is_open, node->params[i].name, node->params[i].value);
	if (node->has_order)
		add_number(out, &is_open, "order", node->order);
	if (node->depth)
		add_number(out, &is_open, "depth", node->depth);
	if (node->collective)
		add_attr(out, &is_open, "collective", node->collective);
	strbuf_add(out, is_open ? "];\n" : ";\n");
}

static void add_tensor(struct strbuf *out, const struct graph *graph, int output, bool is_bound[TYPE_SYMBOLS_MAX])
{
	const struct graph_node *input = &graph->nodes[GRAPH_INPUT];
	const struct tensor_type *type = &input->outputs[output];
	strbuf_addf(out, "%s%s:%s[", output ? " " : "", input->output_names[output], dtype_word(type->dtype));
	for (int i = 0; i < type->n_dims; i++) {
		strbuf_add(out, i ? "," : "");
		if (dim_is_constant(type->dims[i])) {
			strbuf_addf(out, "%" PRId64, type->dims[i].add);
			continue;
		}
		int symbol = type->dims[i].symbol;
		strbuf_add(out, graph->symbols.items[symbol].name);
		if (!is_bound[symbol])
			strbuf_addf(out, "<=%" PRId64, graph->symbols.items[symbol].bound);
		is_bound[symbol] = true;
	}
	strbuf_add(out, "]");
}

static void add_input(struct strbuf *out, const struct graph *graph)
{
	const struct graph_node *input = &graph->nodes[GRAPH_INPUT];
	bool is_bound[TYPE_SYMBOLS_MAX] = { false }, is_open = false;
	struct strbuf tensors = STRBUF_INIT;
	for (int i = 0; i < input->n_outputs; i++)
		add_tensor(&tensors, graph, i, is_bound);
	strbuf_add(out, "\tinput");
	if (tensors.length)
		add_attr(out, &is_open, "tensors", strbuf_text(&tensors));
	if (input->depth)
		add_number(out, &is_open, "depth", input->depth);
	strbuf_add(out, is_open ? "];\n" : ";\n");
	strbuf_finish(&tensors);
}

static void add_worker(struct strbuf *out, const struct graph *graph, int worker_idx)
{
	strbuf_addf(out, "\tsubgraph cluster_%d {\n\t\tworker=", worker_idx - 1);
	add_value(out, graph->workers[worker_idx].name);
	strbuf_add(out, ";\n\t\tdevice=");
	add_value(out, graph->workers[worker_idx].device);
	strbuf_add(out, ";\n");
	for (int i = GRAPH_OUTPUT + 1; i < graph->n_nodes; i++) {
		if (graph->nodes[i].worker_idx == worker_idx)
			add_node(out, &graph->nodes[i]);
	}
	strbuf_add(out, "\t}\n");
}

static void add_edge(struct strbuf *out, const struct graph *graph, const struct graph_edge *edge)
{
	bool is_open = false;
	strbuf_add(out, "\t");
	add_id(out, graph->nodes[edge->src].name);
	strbuf_add(out, " -> ");
	add_id(out, graph->nodes[edge->dst].name);
	if (edge->from)
		add_attr(out, &is_open, "from", edge->from);
	if (edge->arg)
		add_attr(out, &is_open, "arg", edge->arg);
	if (edge->is_control)
		add_attr(out, &is_open, "control", "true");
	if (edge->transport != TRANSPORT_AUTO)
		add_attr(out, &is_open, "transport", transport_word(edge->transport));
	strbuf_add(out, is_open ? "];\n" : ";\n");
}

void graph_to_dot(const struct graph *graph, struct strbuf *out)
{
	strbuf_add(out, "digraph ");
	add_id(out, graph->name);
	strbuf_add(out, " {\n");
	add_input(out, graph);
	for (int i = GRAPH_DRIVER + 1; i < graph->n_workers; i++)
		add_worker(out, graph, i);
	for (int i = GRAPH_OUTPUT + 1; i < graph->n_nodes; i++) {
		if (graph->nodes[i].worker_idx <= GRAPH_DRIVER)
			add_node(out, &graph->nodes[i]);
	}
	for (int i = 0; i < graph->n_edges; i++) {
		if (!graph->edges[i].is_peer)
			add_edge(out, graph, &graph->edges[i]);
	}
	strbuf_add(out, "}\n");
}
