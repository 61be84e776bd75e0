/* SPDX-License-Identifier: Apache-2.0
 *
 * dot_nodes: node statements become nodes with their attributes; what is no reserved attribute is handed on as a parameter
 * of the op.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/attribute.h"
#include "engine/graph/dot_reader.h"

static bool parse_int(const char *text, int64_t *ret_value)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno || end == text || *end)
		return false;
	*ret_value = value;
	return true;
}

static void set_order(struct dot_reader *reader, struct graph_node *node, struct dot_value *attr)
{
	node->has_order = parse_int(strbuf_text(&attr->value), &node->order);
	if (!node->has_order)
		mistakes_add(reader->mistakes, attr->line, node->name, "'order' is '%s'; it must be an integer",
			strbuf_text(&attr->value));
}

static void set_depth(struct dot_reader *reader, struct graph_node *node, struct dot_value *attr)
{
	int64_t depth;
	if (parse_int(strbuf_text(&attr->value), &depth) && depth >= 1 && depth <= GRAPH_DEPTH_MAX)
		node->depth = (int)depth;
	else
		mistakes_add(reader->mistakes, attr->line, node->name, "'depth' is '%s'; it must be an integer from 1 to %d",
			strbuf_text(&attr->value), GRAPH_DEPTH_MAX);
}

static void set_op(struct dot_reader *reader, struct graph_node *node, struct dot_value *attr)
{
	node->op_name = dot_take_text(reader, &attr->value);
	node->op_line = attr->line;
}

static void set_collective(struct dot_reader *reader, struct graph_node *node, struct dot_value *attr)
{
	node->collective = dot_take_text(reader, &attr->value);
}

static void set_tensors(struct dot_reader *reader, struct graph_node *node, struct dot_value *attr)
{
	graph_set_input(reader->graph, strbuf_text(&attr->value), attr->line, reader->mistakes);
}

static const struct {
	const char *key;
	void (*set)(struct dot_reader *reader, struct graph_node *node, struct dot_value *attr);
} node_setters[] = {
	{ "op", set_op },
	{ "order", set_order },
	{ "depth", set_depth },
	{ "collective", set_collective },
	{ "tensors", set_tensors },
};

static void read_reserved(struct dot_reader *reader, Agnode_t *object, int node_idx, const char *key, int line)
{
	struct graph_node *node = &reader->graph->nodes[node_idx];
	struct dot_value attr = { .key = key, .line = line, .node = node->name };
	bool is_wrong = false;
	if (dot_read_value(reader, object, &attr, &is_wrong)) {
		for (size_t i = 0; i < ARRAY_LEN(node_setters); i++) {
			if (strcmp(node_setters[i].key, key) == 0)
				node_setters[i].set(reader, node, &attr);
		}
	}
	node->has_mistake |= is_wrong;
	strbuf_finish(&attr.value);
}

static void read_param(struct dot_reader *reader, int node_idx, const char *raw, const struct dot_attr *where, int line)
{
	struct strbuf value = STRBUF_INIT, problem = STRBUF_INIT;
	bool is_found = substitute(&reader->substitution, raw, &value, &problem);
	int param_idx = graph_node_set(reader->graph, node_idx, where->key, is_found ? strbuf_text(&value) : raw, line);
	if (param_idx < 0) {
		reader->is_failed = true;
	} else {
		struct graph_param_info *info = &reader->graph->nodes[node_idx].param_infos[param_idx];
		info->is_inherited = where->is_inherited;
		info->problem = is_found ? NULL : dot_take_text(reader, &problem);
	}
	strbuf_finish(&value);
	strbuf_finish(&problem);
}

/* Where a node got an attribute: from the node itself if it can be, otherwise from a default. */
static struct dot_attr find_node_attr(const struct dot_node *where, const char *key)
{
	const struct dot_attr *attr = dot_attrs_find(&where->attrs, key);
	if (attr)
		return *attr;
	return (struct dot_attr){ .key = (char *)key, .line = where->line, .is_inherited = true };
}

static void read_node_attrs(struct dot_reader *reader, Agnode_t *object, int node_idx, const struct dot_node *where)
{
	enum attribute_place place = node_idx == GRAPH_INPUT ? ATTRIBUTE_INPUT
		: node_idx == GRAPH_OUTPUT ? ATTRIBUTE_OUTPUT : ATTRIBUTE_NODE;
	for (Agsym_t *sym = NULL; (sym = agnxtattr(reader->root, AGNODE, sym));) {
		const char *raw = agxget(object, sym);
		struct dot_attr attr = find_node_attr(where, sym->name);
		if (!raw || !*raw || (place != ATTRIBUTE_NODE && attr.is_inherited))
			continue;
		if (attribute_is_reserved(attr.key, place))
			read_reserved(reader, object, node_idx, attr.key, attr.line);
		else if (place == ATTRIBUTE_NODE)
			read_param(reader, node_idx, raw, &attr, attr.line);
		else if (!attribute_is_drawing(attr.key, place))
			attribute_complain(reader->mistakes, attr.line, where->name, attr.key, place, NULL);
	}
}

static bool is_declared(const struct dot_reader *reader, int node)
{
	const struct graph_node *made = reader->nodes[node] >= 0 ? &reader->graph->nodes[reader->nodes[node]] : NULL;
	return reader->scan.nodes[node].statement_line || (made && made->op_name);
}

static void mark_node(struct dot_reader *reader, const char *name)
{
	int node = dot_scan_find_node(&reader->scan, name);
	if (node >= 0 && reader->nodes[node] >= 0)
		reader->graph->nodes[reader->nodes[node]].has_mistake = true;
}

/* A node that only stands in an edge and got no op from a default is a name written wrong. */
static void report_undeclared(struct dot_reader *reader)
{
	const struct dot_scan *scan = &reader->scan;
	const char **candidates = calloc((size_t)scan->n_nodes + 3, sizeof(*candidates));
	if (!candidates) {
		reader->is_failed = true;
		return;
	}
	int n_candidates = 0;
	candidates[n_candidates++] = "input";
	candidates[n_candidates++] = "output";
	for (int i = 0; i < scan->n_nodes; i++) {
		if (is_declared(reader, i))
			candidates[n_candidates++] = scan->nodes[i].name;
	}
	for (int i = 0; i < scan->n_nodes; i++) {
		const struct dot_node *node = &scan->nodes[i];
		if (is_declared(reader, i) || reader->nodes[i] <= GRAPH_OUTPUT)
			continue;
		const char *nearest = mistakes_nearest(node->name, candidates);
		if (nearest)
			mistakes_add(reader->mistakes, node->line, node->name, "only named in an edge; did you mean '%s'?",
				nearest);
		else
			mistakes_add(reader->mistakes, node->line, node->name,
				"only named in an edge; declare it in a cluster: %s [op=…]", node->name);
		mark_node(reader, node->name);
		if (nearest)
			mark_node(reader, nearest);
	}
	free(candidates);
}

static int make_node(struct dot_reader *reader, const struct dot_node *where, int worker_idx)
{
	int line = where->statement_line ? where->statement_line : where->line;
	int node_idx = strcmp(where->name, "input") == 0 ? GRAPH_INPUT : strcmp(where->name, "output") == 0 ? GRAPH_OUTPUT
		: graph_add_node(reader->graph, where->name, NULL, worker_idx, line);
	if (node_idx < 0)
		reader->is_failed = true;
	else
		reader->graph->nodes[node_idx].line = line;
	return node_idx;
}

void dot_read_nodes(struct dot_reader *reader)
{
	const struct dot_scan *scan = &reader->scan;
	for (int i = 0; i < scan->n_nodes && !reader->is_failed; i++) {
		const struct dot_node *where = &scan->nodes[i];
		int cluster = reader->clusters[i];
		int node_idx = make_node(reader, where, cluster >= 0 ? reader->workers[cluster] : -1);
		Agnode_t *object = agnode(reader->root, where->name, 0);
		reader->nodes[i] = node_idx;
		if (node_idx < 0 || !object)
			continue;
		read_node_attrs(reader, object, node_idx, where);
	}
	if (!reader->is_failed)
		report_undeclared(reader);
}
