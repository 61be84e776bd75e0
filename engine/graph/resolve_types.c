/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve_types: which output each edge reads, and the types of all outputs, from the input on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/resolver.h"

#define TYPE_TEXT_BYTES 200

static void list_outputs(const struct graph_node *node, struct strbuf *out)
{
	for (int i = 0; i < node->n_outputs; i++)
		strbuf_addf(out, "%s%s", i ? ", " : "", node->output_names[i]);
}

static int find_output(const struct graph_node *src, const char *from)
{
	for (int i = 0; i < src->n_outputs; i++) {
		if (strcmp(src->output_names[i], from) == 0)
			return i;
	}
	size_t n_digits = strspn(from, "0123456789");
	int position = n_digits >= 1 && n_digits <= 4 && !from[n_digits] ? atoi(from) : -1;
	return position < src->n_outputs ? position : -1;
}

/* Sets the edge's output position; false with a mistake when it cannot be told. */
static bool resolve_from(struct resolver *resolver, struct graph_edge *edge)
{
	const struct graph_node *src = &resolver->graph->nodes[edge->src];
	const char *dst = edge->dst == GRAPH_OUTPUT ? NULL : resolver_node_name(resolver, edge->dst);
	edge->src_output = edge->from ? find_output(src, edge->from) : src->n_outputs == 1 ? 0 : -1;
	if (edge->src_output >= 0)
		return true;
	struct strbuf outputs = STRBUF_INIT;
	list_outputs(src, &outputs);
	const char *what = edge->src == GRAPH_INPUT ? "tensors" : "outputs";
	if (src->n_outputs == 0)
		mistakes_add_once(resolver->mistakes, resolver_node_line(resolver, edge->src), src->name,
			"declares no tensors; write input [tensors=\"NAME:f32[B<=64,384]\"]");
	else if (edge->from)
		mistakes_add(resolver->mistakes, edge->line, dst, "'%s' has no output '%s'; its %s are %s", src->name,
			edge->from, what, strbuf_text(&outputs));
	else
		mistakes_add(resolver->mistakes, edge->line, dst, "say which of the %s of '%s' this is, with from=…: %s",
			what, src->name, strbuf_text(&outputs));
	strbuf_finish(&outputs);
	return false;
}

/* Collects the types of a node's arguments, a collective's repeated for every rank. Returns how many, -1 when not all are
 * known. */
static int collect_inputs(struct resolver *resolver, struct graph_node *node, struct tensor_type inputs[OP_INPUTS_MAX])
{
	struct graph *graph = resolver->graph;
	bool is_known = !node->has_mistake;
	for (int i = 0; i < node->n_inputs; i++) {
		struct graph_edge *edge = node->input_edges[i] >= 0 ? &graph->edges[node->input_edges[i]] : NULL;
		if (!edge || !resolver->is_typed[edge->src]) {
			is_known = false;
			continue;
		}
		if (!resolve_from(resolver, edge)) {
			edge->has_mistake = true;
			is_known = false;
			continue;
		}
		inputs[i] = graph->nodes[edge->src].outputs[edge->src_output];
	}
	if (!is_known)
		return -1;
	int n = node->n_inputs;
	if (node->collective_idx >= 0) {
		n = graph->collectives[node->collective_idx].n_ranks;
		for (int i = 1; i < n && i < OP_INPUTS_MAX; i++)
			inputs[i] = inputs[0];
	}
	return n <= OP_INPUTS_MAX ? n : -1;
}

static bool has_symbol(const struct tensor_type *types, int n_types, int symbol)
{
	for (int i = 0; i < n_types; i++) {
		for (int k = 0; k < types[i].n_dims; k++) {
			if (types[i].dims[k].symbol == symbol)
				return true;
		}
	}
	return false;
}

/* What is wrong with an output that infer made; NULL when nothing is. */
static const char *judge_output(
	const struct resolver *resolver, const struct op_infer *infer, const struct tensor_type *type)
{
	const struct symbols *symbols = &resolver->graph->symbols;
	if (type->n_dims < 0 || type->n_dims > TENSOR_DIMS_MAX)
		return "has too many dimensions";
	for (int i = 0; i < type->n_dims; i++) {
		struct dim dim = type->dims[i];
		if (dim.symbol >= symbols->n
			|| (!dim_is_constant(dim) && !has_symbol(infer->inputs, infer->n_inputs, dim.symbol)))
			return "has a size that no input of the node gives";
		int64_t bound = dim_bound(dim, symbols);
		if (bound < 1)
			return "has a dimension without elements";
		if (bound > GRAPH_SIZE_MAX)
			return "has a dimension of more than 4294967295";
	}
	return type_bound_bytes(type, symbols) > GRAPH_BYTES_MAX ? "takes more than 1 TiB" : NULL;
}

static void describe_types(const struct resolver *resolver, const struct tensor_type *types, int n_types, struct strbuf *out)
{
	char text[TYPE_TEXT_BYTES];
	for (int i = 0; i < n_types; i++)
		strbuf_addf(out, "%s%s", i ? ", " : "",
			type_describe(&types[i], &resolver->graph->symbols, true, text, sizeof(text)));
}

static bool judge_outputs(struct resolver *resolver, const struct graph_node *node, const struct op_infer *infer)
{
	if (infer->n_outputs < 1 || infer->n_outputs > OP_OUTPUTS_MAX) {
		mistakes_add(resolver->mistakes, node->line, node->name,
			"op '%s' announces %d outputs; 1 to %d are supported", node->op->name, infer->n_outputs,
			OP_OUTPUTS_MAX);
		return false;
	}
	for (int i = 0; i < infer->n_outputs; i++) {
		const char *problem = judge_output(resolver, infer, &infer->outputs[i]);
		if (!problem)
			continue;
		struct strbuf types = STRBUF_INIT;
		bool is_printable = infer->outputs[i].n_dims >= 0 && infer->outputs[i].n_dims <= TENSOR_DIMS_MAX;
		for (int k = 0; is_printable && k < infer->outputs[i].n_dims; k++)
			is_printable &= infer->outputs[i].dims[k].symbol < resolver->graph->symbols.n;
		if (is_printable)
			describe_types(resolver, &infer->outputs[i], 1, &types);
		mistakes_add(resolver->mistakes, node->line, node->name, "output %d of op '%s' %s%s%s", i, node->op->name,
			problem, types.length ? ": " : "", strbuf_text(&types));
		strbuf_finish(&types);
		return false;
	}
	return true;
}

static void report_infer(
	struct resolver *resolver, const struct graph_node *node, const struct op_infer *infer, const char *text)
{
	struct strbuf types = STRBUF_INIT;
	describe_types(resolver, infer->inputs, infer->n_inputs, &types);
	mistakes_add(resolver->mistakes, node->line, node->name, "op '%s' got %s: %s", node->op->name,
		infer->n_inputs ? strbuf_text(&types) : "no input", text);
	strbuf_finish(&types);
}

/* Keeps the outputs at the node, with the names that `from` may use. */
static bool keep_outputs(struct resolver *resolver, struct graph_node *node, const struct op_infer *infer)
{
	int n_names = 0;
	while (node->op->output_names && n_names < infer->n_outputs && node->op->output_names[n_names])
		n_names++;
	node->outputs = resolver_alloc(resolver, infer->n_outputs, sizeof(*node->outputs));
	node->output_names = resolver_alloc(resolver, infer->n_outputs, sizeof(*node->output_names));
	if (!node->outputs || !node->output_names)
		return false;
	memcpy(node->outputs, infer->outputs, (size_t)infer->n_outputs * sizeof(*node->outputs));
	node->n_outputs = infer->n_outputs;
	for (int i = 0; i < infer->n_outputs; i++) {
		char number[12];
		snprintf(number, sizeof(number), "%d", i);
		node->output_names[i] = strdup(i < n_names ? node->op->output_names[i] : number);
		resolver->is_failed |= !node->output_names[i];
	}
	return !resolver->is_failed;
}

/* What is wrong with one rank of a collective is wrong with all: once is enough. */
static void silence_ranks(struct resolver *resolver, const struct graph_node *node)
{
	const struct graph *graph = resolver->graph;
	int n_ranks = node->collective_idx >= 0 ? graph->collectives[node->collective_idx].n_ranks : 0;
	for (int i = 0; i < n_ranks; i++)
		resolver->graph->nodes[graph->collectives[node->collective_idx].nodes[i]].has_mistake = true;
}

static void infer_node(struct resolver *resolver, int node_idx)
{
	struct graph_node *node = &resolver->graph->nodes[node_idx];
	struct tensor_type inputs[OP_INPUTS_MAX], outputs[OP_OUTPUTS_MAX] = { 0 };
	int n_inputs = collect_inputs(resolver, node, inputs);
	if (n_inputs < 0)
		return;
	struct error error = { 0 };
	struct op_infer infer = {
		.params = { .op = node->op, .items = node->params, .n_items = node->n_params },
		.symbols = &resolver->graph->symbols,
		.n_inputs = n_inputs,
		.inputs = inputs,
		.n_outputs = 1,
		.outputs = outputs,
	};
	int status = node->op->infer(&infer, &error);
	if (status == STATUS_NO_MEMORY)
		resolver->is_failed = true;
	else if (status == STATUS_GRAPH)
		report_infer(resolver, node, &infer, error.text);
	else if (status)
		mistakes_add(resolver->mistakes, node->line, node->name, "op '%s': %s", node->op->name, error.text);
	else if (judge_outputs(resolver, node, &infer))
		resolver->is_typed[node_idx] = keep_outputs(resolver, node, &infer);
	if (!resolver->is_typed[node_idx])
		silence_ranks(resolver, node);
}

/* Members of a collective that were typed each by itself must have got the same. */
static void compare_ranks(struct resolver *resolver, const struct graph_collective *collective)
{
	const struct graph *graph = resolver->graph;
	const struct graph_node *first = NULL;
	struct tensor_type first_type = { 0 };
	for (int i = 0; i < collective->n_ranks; i++) {
		const struct graph_node *node = &graph->nodes[collective->nodes[i]];
		const struct graph_edge *edge = node->n_inputs == 1 ? &graph->edges[node->input_edges[0]] : NULL;
		if (!edge || edge->src_output < 0 || !resolver->is_typed[edge->src])
			continue;
		struct tensor_type type = graph->nodes[edge->src].outputs[edge->src_output];
		if (!first) {
			first = node;
			first_type = type;
		} else if (!type_equal(&first_type, &type)) {
			char here[TYPE_TEXT_BYTES], there[TYPE_TEXT_BYTES];
			mistakes_add(resolver->mistakes, node->line, node->name,
				"collective '%s': the input is %s here, %s at node '%s'; they must be equal",
				collective->name, type_describe(&type, &graph->symbols, true, here, sizeof(here)),
				type_describe(&first_type, &graph->symbols, true, there, sizeof(there)), first->name);
		}
	}
}

/* Each tensor fits on its own; all slots together must be imaginable too. */
static void check_sum(struct resolver *resolver)
{
	const struct graph *graph = resolver->graph;
	size_t sum = 0;
	for (int i = 0; i < graph->n_nodes; i++) {
		for (int k = 0; resolver->is_typed[i] && k < graph->nodes[i].n_outputs; k++)
			sum += type_bound_bytes(&graph->nodes[i].outputs[k], &graph->symbols);
		if (sum > GRAPH_BYTES_MAX) {
			mistakes_add(resolver->mistakes, graph->line, NULL,
				"the outputs of all nodes take more than 1 TiB at the bounds of the letters; lower the bounds");
			return;
		}
	}
}

static void type_input(struct resolver *resolver)
{
	const struct graph *graph = resolver->graph;
	const struct graph_node *input = &graph->nodes[GRAPH_INPUT];
	resolver->is_typed[GRAPH_INPUT] = !input->has_mistake;
	for (int i = 0; !input->has_mistake && i < input->n_outputs; i++) {
		if (type_bound_bytes(&input->outputs[i], &graph->symbols) <= GRAPH_BYTES_MAX)
			continue;
		mistakes_add(resolver->mistakes, input->line, input->name,
			"tensor '%s' takes more than 1 TiB at the bounds of its letters", input->output_names[i]);
		resolver->is_typed[GRAPH_INPUT] = false;
	}
}

void resolve_types(struct resolver *resolver)
{
	const struct graph *graph = resolver->graph;
	struct graph_node *output = &resolver->graph->nodes[GRAPH_OUTPUT];
	int n_before = resolver->mistakes->n_items;
	type_input(resolver);
	for (int i = 0; i < resolver->n_ordered && !resolver->is_failed; i++) {
		if (graph->nodes[resolver->order[i]].op)
			infer_node(resolver, resolver->order[i]);
	}
	for (int i = 0; i < output->n_inputs && !resolver->is_failed; i++) {
		struct graph_edge *edge = &resolver->graph->edges[output->input_edges[i]];
		if (resolver->is_typed[edge->src])
			resolve_from(resolver, edge);
	}
	for (int i = 0; i < graph->n_collectives && !resolver->is_failed; i++)
		compare_ranks(resolver, &graph->collectives[i]);
	if (resolver->mistakes->n_items == n_before)
		check_sum(resolver);
}
