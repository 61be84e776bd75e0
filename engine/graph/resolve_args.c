/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve_args: which edges are usable at all, and which argument each brings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/resolver.h"

static void drop_edge(struct resolver *resolver, int edge_idx)
{
	const struct graph_edge *edge = &resolver->graph->edges[edge_idx];
	resolver->is_dropped[edge_idx] = true;
	resolver->has_wrong_out[edge->src] = true;
	resolver->has_wrong_in[edge->dst] = true;
}

static void check_ends(struct resolver *resolver, int edge_idx)
{
	const struct graph *graph = resolver->graph;
	const struct graph_edge *edge = &graph->edges[edge_idx];
	if (edge->src == edge->dst)
		mistakes_add(resolver->mistakes, edge->line, graph->nodes[edge->src].name,
			"an edge leads from the node to itself");
	else if (edge->dst == GRAPH_INPUT)
		mistakes_add(resolver->mistakes, edge->line, NULL,
			"an edge leads from '%s' into 'input', where the graph starts", graph->nodes[edge->src].name);
	else if (edge->src == GRAPH_OUTPUT)
		mistakes_add(resolver->mistakes, edge->line, NULL,
			"an edge leads from 'output', where the graph ends, to '%s'", graph->nodes[edge->dst].name);
	else
		return;
	drop_edge(resolver, edge_idx);
}

static void check_edge(struct resolver *resolver, int edge_idx)
{
	const struct graph *graph = resolver->graph;
	const struct graph_edge *edge = &graph->edges[edge_idx];
	if (edge->src < 0 || edge->src >= graph->n_nodes || edge->dst < 0 || edge->dst >= graph->n_nodes) {
		mistakes_add(resolver->mistakes, edge->line, NULL,
			"edge %d joins node numbers %d and %d; the graph has %d nodes", edge_idx, edge->src, edge->dst,
			graph->n_nodes);
		resolver->is_dropped[edge_idx] = true;
		return;
	}
	const struct graph_node *src = &graph->nodes[edge->src], *dst = &graph->nodes[edge->dst];
	check_ends(resolver, edge_idx);
	if (edge->is_control && (edge->from || edge->arg)) {
		const char *surplus = !edge->arg ? "'from'" : !edge->from ? "'arg'" : "'from' and 'arg'";
		mistakes_add(resolver->mistakes, edge->line, dst->name,
			"the edge from '%s' is control=true and carries no data; leave %s out", src->name, surplus);
	}
	if (edge->transport == TRANSPORT_LOCAL && src->worker_idx >= 0 && dst->worker_idx >= 0
		&& src->worker_idx != dst->worker_idx)
		mistakes_add(resolver->mistakes, edge->line, dst->name,
			"transport=local needs both ends on one worker; '%s' is on '%s', this node on '%s'", src->name,
			graph->workers[src->worker_idx].name, graph->workers[dst->worker_idx].name);
	resolver->has_wrong_in[edge->dst] |= edge->has_mistake;
	resolver->has_wrong_out[edge->src] |= edge->has_mistake;
}

/* Lists the usable edges out of or into each node, in the order of the edges. */
static void list_edges(struct resolver *resolver, bool by_src, int **ret_starts, int **ret_edges)
{
	const struct graph *graph = resolver->graph;
	int *starts = resolver_alloc(resolver, graph->n_nodes + 1, sizeof(*starts));
	int *edges = resolver_alloc(resolver, graph->n_edges, sizeof(*edges));
	*ret_starts = starts;
	*ret_edges = edges;
	if (!starts || !edges)
		return;
	for (int i = 0; i < graph->n_edges; i++) {
		if (!resolver->is_dropped[i])
			starts[(by_src ? graph->edges[i].src : graph->edges[i].dst) + 1]++;
	}
	for (int i = 0; i < graph->n_nodes; i++)
		starts[i + 1] += starts[i];
	for (int i = graph->n_edges - 1; i >= 0; i--) {
		if (!resolver->is_dropped[i])
			edges[--starts[(by_src ? graph->edges[i].src : graph->edges[i].dst) + 1]] = i;
	}
	for (int i = 0; i < graph->n_nodes; i++)
		starts[i] = starts[i + 1];
	starts[graph->n_nodes] = 0;
	for (int i = 0; i < graph->n_edges; i++)
		starts[graph->n_nodes] += !resolver->is_dropped[i];
}

void resolve_ends(struct resolver *resolver)
{
	for (int i = 0; i < resolver->graph->n_edges; i++)
		check_edge(resolver, i);
	list_edges(resolver, false, &resolver->in_starts, &resolver->in_edges);
	list_edges(resolver, true, &resolver->out_starts, &resolver->out_edges);
}

static int most_inputs(const struct graph_node *node)
{
	return resolver_is_collective(node) ? 1 : node->op->n_inputs_max;
}

static int least_inputs(const struct graph_node *node)
{
	return resolver_is_collective(node) ? 1 : node->op->n_inputs_min;
}

/* "'add' takes 2 inputs (a, b)". */
static void describe_inputs(const struct graph_node *node, struct strbuf *out)
{
	int least = least_inputs(node), most = most_inputs(node);
	strbuf_addf(out, "'%s' takes ", node->op->name);
	if (most == 0)
		strbuf_add(out, "no input");
	else if (least == most)
		strbuf_addf(out, "%d input%s", most, most == 1 ? "" : "s");
	else
		strbuf_addf(out, "%d to %d inputs", least, most);
	const char *const *names = node->op->input_names;
	for (int i = 0; names && names[i] && i < most; i++)
		strbuf_addf(out, "%s%s", i ? ", " : " (", names[i]);
	if (names && names[0] && most > 0)
		strbuf_add(out, ")");
}

static const char *input_name(const struct op *op, int position, char number[12])
{
	int n_names = 0;
	while (op->input_names && n_names <= position && op->input_names[n_names])
		n_names++;
	if (n_names > position)
		return op->input_names[position];
	snprintf(number, 12, "%d", position);
	return number;
}

/* The position that a text names, by number or name; -1 when there is none. */
static int find_position(const struct op *op, const char *arg)
{
	for (int i = 0; op->input_names && op->input_names[i]; i++) {
		if (strcmp(op->input_names[i], arg) == 0)
			return i;
	}
	size_t n_digits = strspn(arg, "0123456789");
	return n_digits >= 1 && n_digits <= 4 && !arg[n_digits] ? atoi(arg) : -1;
}

static int n_data_edges(const struct resolver *resolver, int node_idx)
{
	int n = 0;
	for (int i = resolver->in_starts[node_idx]; i < resolver->in_starts[node_idx + 1]; i++)
		n += !resolver->graph->edges[resolver->in_edges[i]].is_control;
	return n;
}

/* The argument position of an edge; -1 with a mistake when it cannot be told. */
static int edge_position(struct resolver *resolver, const struct graph_edge *edge)
{
	const struct graph_node *node = &resolver->graph->nodes[edge->dst];
	const char *src = resolver_node_name(resolver, edge->src);
	struct strbuf inputs = STRBUF_INIT;
	describe_inputs(node, &inputs);
	int most = most_inputs(node), position = -1;
	bool may_leave_out = most == 1 || (n_data_edges(resolver, edge->dst) == 1 && least_inputs(node) <= 1);
	if (most == 0) {
		mistakes_add(resolver->mistakes, edge->line, node->name,
			"%s; make the edge from '%s' control=true or leave it out", strbuf_text(&inputs), src);
	} else if (edge->arg) {
		position = find_position(node->op, edge->arg);
		const char *nearest = node->op->input_names ? mistakes_nearest(edge->arg, node->op->input_names) : NULL;
		if (position < 0 && nearest)
			mistakes_add(resolver->mistakes, edge->line, node->name, "no argument '%s'; did you mean '%s'? %s",
				edge->arg, nearest, strbuf_text(&inputs));
		else if (position < 0 || position >= most)
			mistakes_add(resolver->mistakes, edge->line, node->name, "no argument '%s': %s", edge->arg,
				strbuf_text(&inputs));
		if (position >= most)
			position = -1;
	} else if (may_leave_out) {
		position = 0;
	} else {
		mistakes_add(resolver->mistakes, edge->line, node->name, "say which argument '%s' is, with arg=…: %s", src,
			strbuf_text(&inputs));
	}
	strbuf_finish(&inputs);
	return position;
}

/* Gives the edge its place among `by_position`; false with a mistake when it has none or the place is taken. */
static bool place_edge(struct resolver *resolver, int edge_idx, int by_position[OP_INPUTS_MAX])
{
	struct graph_edge *edge = &resolver->graph->edges[edge_idx];
	const struct graph_node *node = &resolver->graph->nodes[edge->dst];
	int position = edge_position(resolver, edge);
	if (position < 0)
		return false;
	if (by_position[position] < 0) {
		by_position[position] = edge_idx;
		edge->dst_input = position;
		return true;
	}
	const struct graph_edge *first = &resolver->graph->edges[by_position[position]];
	char number[12];
	struct strbuf inputs = STRBUF_INIT;
	describe_inputs(node, &inputs);
	mistakes_add(resolver->mistakes, edge->line, node->name, "argument '%s' comes from '%s' (line %d) and from '%s': %s",
		input_name(node->op, position, number), resolver_node_name(resolver, first->src), first->line,
		resolver_node_name(resolver, edge->src), strbuf_text(&inputs));
	strbuf_finish(&inputs);
	return false;
}

/* Arguments before the last one given, or among the least that the op needs, that nothing brings. */
static bool report_missing(
	struct resolver *resolver, struct graph_node *node, const int by_position[OP_INPUTS_MAX], int n_inputs)
{
	struct strbuf missing = STRBUF_INIT, inputs = STRBUF_INIT;
	char number[12];
	int n_missing = 0;
	for (int i = 0; i < n_inputs || i < least_inputs(node); i++) {
		if (by_position[i] < 0)
			strbuf_addf(&missing, "%s'%s'", n_missing++ ? ", " : "", input_name(node->op, i, number));
	}
	if (n_missing) {
		describe_inputs(node, &inputs);
		mistakes_add(resolver->mistakes, node->line, node->name, "argument %s %s missing: %s", strbuf_text(&missing),
			n_missing == 1 ? "is" : "are", strbuf_text(&inputs));
	}
	strbuf_finish(&missing);
	strbuf_finish(&inputs);
	return n_missing > 0;
}

static void resolve_node_args(struct resolver *resolver, int node_idx)
{
	struct graph_node *node = &resolver->graph->nodes[node_idx];
	int by_position[OP_INPUTS_MAX], n_inputs = 0;
	bool is_doubtful = resolver->has_wrong_in[node_idx];
	bool is_right = true;
	for (int i = 0; i < OP_INPUTS_MAX; i++)
		by_position[i] = -1;
	for (int i = resolver->in_starts[node_idx]; i < resolver->in_starts[node_idx + 1]; i++) {
		int edge_idx = resolver->in_edges[i];
		const struct graph_edge *edge = &resolver->graph->edges[edge_idx];
		if (edge->is_control || edge->has_mistake)
			continue;
		is_right &= place_edge(resolver, edge_idx, by_position);
		if (edge->dst_input >= n_inputs)
			n_inputs = edge->dst_input + 1;
	}
	if (is_right && !is_doubtful && report_missing(resolver, node, by_position, n_inputs))
		is_right = false;
	node->has_mistake |= !is_right || is_doubtful;
	node->input_edges = resolver_alloc(resolver, n_inputs, sizeof(int));
	if (!node->input_edges)
		return;
	memcpy(node->input_edges, by_position, (size_t)n_inputs * sizeof(int));
	node->n_inputs = n_inputs;
}

static bool is_result_taken(const struct resolver *resolver, const struct graph_node *output, const char *name)
{
	for (int i = 0; i < output->n_inputs; i++) {
		if (strcmp(resolver->graph->edges[output->input_edges[i]].result, name) == 0)
			return true;
	}
	return false;
}

/* The results: edges to `output` in their order, each with a name. */
static void resolve_results(struct resolver *resolver)
{
	struct graph_node *output = &resolver->graph->nodes[GRAPH_OUTPUT];
	output->input_edges = resolver_alloc(resolver, n_data_edges(resolver, GRAPH_OUTPUT), sizeof(int));
	for (int i = resolver->in_starts[GRAPH_OUTPUT]; output->input_edges && i < resolver->in_starts[GRAPH_OUTPUT + 1];
		i++) {
		int edge_idx = resolver->in_edges[i];
		struct graph_edge *edge = &resolver->graph->edges[edge_idx];
		const char *name = edge->arg ? edge->arg : resolver_node_name(resolver, edge->src);
		if (edge->is_control || edge->has_mistake)
			continue;
		if (output->n_inputs == OP_INPUTS_MAX) {
			mistakes_add(resolver->mistakes, edge->line, NULL, "more than %d results", OP_INPUTS_MAX);
			return;
		}
		if (is_result_taken(resolver, output, name)) {
			mistakes_add(resolver->mistakes, edge->line, NULL,
				"two results are named '%s'; name this one with arg=…", name);
			edge->has_mistake = true;
			continue;
		}
		edge->result = strdup(name);
		resolver->is_failed |= !edge->result;
		if (!edge->result)
			return;
		edge->dst_input = output->n_inputs;
		output->input_edges[output->n_inputs++] = edge_idx;
	}
}

void resolve_args(struct resolver *resolver)
{
	for (int i = GRAPH_OUTPUT + 1; i < resolver->graph->n_nodes && !resolver->is_failed; i++) {
		if (resolver->graph->nodes[i].op)
			resolve_node_args(resolver, i);
	}
	resolve_results(resolver);
}
