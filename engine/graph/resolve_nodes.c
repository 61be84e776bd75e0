/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve_nodes: what can be said of workers and nodes each by itself, without looking at edges.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph/attribute.h"
#include "engine/graph/grow.h"
#include "engine/graph/resolver.h"

/* What a device's name may start with, and why it cannot be used here; NULL: it can. */
static const struct {
	const char *kind, *why_not;
} device_kinds[] = {
	{ "cpu", NULL },
	{ "opencl", "this build has no OpenCL" },
	{ "cuda", "this build has no CUDA" },
};

static bool is_device(const char *device, const char *kind)
{
	size_t length = strlen(kind);
	if (strncmp(device, kind, length) != 0 || device[length] != ':')
		return false;
	const char *number = device + length + 1;
	size_t n_digits = strspn(number, "0123456789");
	return n_digits >= 1 && n_digits <= 4 && number[n_digits] == '\0';
}

static void check_device(struct resolver *resolver, const struct graph_worker *worker)
{
	int line = worker->device_line ? worker->device_line : worker->line;
	for (size_t i = 0; i < ARRAY_LEN(device_kinds); i++) {
		if (!is_device(worker->device, device_kinds[i].kind))
			continue;
		if (device_kinds[i].why_not)
			mistakes_add(resolver->mistakes, line, NULL, "worker '%s' cannot use device '%s': %s; use cpu:N",
				worker->name, worker->device, device_kinds[i].why_not);
		return;
	}
	mistakes_add(resolver->mistakes, line, NULL, "worker '%s': '%s' is no device; write cpu:N with a number N",
		worker->name, worker->device);
}

static void check_name(struct resolver *resolver, int line, const char *kind, const char *name)
{
	size_t length = strlen(name);
	if (length == 0)
		mistakes_add(resolver->mistakes, line, NULL, "a %s has an empty name", kind);
	else if (length > GRAPH_NAME_BYTES_MAX)
		mistakes_add(resolver->mistakes, line, NULL, "the name of %s '%.32s…' has %zu bytes; at most %d are allowed",
			kind, name, length, GRAPH_NAME_BYTES_MAX);
}

void resolve_workers(struct resolver *resolver)
{
	const struct graph *graph = resolver->graph;
	for (int i = GRAPH_DRIVER + 1; i < graph->n_workers; i++) {
		const struct graph_worker *worker = &graph->workers[i];
		int known = graph_find_worker(graph, worker->name);
		check_name(resolver, worker->line, "worker", worker->name);
		check_device(resolver, worker);
		if (known != i)
			mistakes_add(resolver->mistakes, worker->line, NULL,
				"worker '%s' is on device %s here and on %s elsewhere; a worker drives one device",
				worker->name, worker->device, graph->workers[known].device);
	}
}

/* A parameter from a default (`node [key=value]`): right as long as some node that it reaches has such a parameter. */
struct inherited {
	const char *key;
	int line;
	bool is_used;
	const struct op *op; /* of the first node that did not know it */
};

struct inherited_list {
	struct inherited *items;
	int n_items;
};

static void note_inherited(struct resolver *resolver, struct inherited_list *list, const char *key, int line, bool is_used,
	const struct op *op)
{
	for (int i = 0; i < list->n_items; i++) {
		if (list->items[i].line == line && strcmp(list->items[i].key, key) == 0) {
			list->items[i].is_used |= is_used;
			return;
		}
	}
	if (!grow_array(&list->items, list->n_items, sizeof(*list->items))) {
		resolver->is_failed = true;
		return;
	}
	list->items[list->n_items++] = (struct inherited){ .key = key, .line = line, .is_used = is_used, .op = op };
}

static const struct op_param_spec *find_spec(const struct op *op, const char *name)
{
	for (const struct op_param_spec *spec = op->params; spec && spec->name; spec++) {
		if (strcmp(spec->name, name) == 0)
			return spec;
	}
	return NULL;
}

static void remove_param(struct graph_node *node, int param_idx)
{
	free((char *)node->params[param_idx].name);
	free((char *)node->params[param_idx].value);
	free(node->param_infos[param_idx].problem);
	node->n_params--;
	for (int i = param_idx; i < node->n_params; i++) {
		node->params[i] = node->params[i + 1];
		node->param_infos[i] = node->param_infos[i + 1];
	}
}

static void add_text(struct mistakes *mistakes, int line, const char *node, const char *text)
{
	mistakes_add(mistakes, line, node, "%s", text);
}

static void check_value(struct resolver *resolver, struct graph_node *node, const struct op_param_spec *spec, int param_idx)
{
	const struct graph_param_info *info = &node->param_infos[param_idx];
	struct error error = { 0 };
	if (info->problem)
		mistakes_add_once(resolver->mistakes, info->line, node->name, info->problem);
	else if (op_param_check(spec, node->params[param_idx].value, &error))
		(info->is_inherited ? mistakes_add_once : add_text)(resolver->mistakes, info->line, node->name, error.text);
	else
		return;
	node->has_mistake = true;
}

/* Returns true when the node has an attribute that neither its op nor Graphviz knows. */
static bool check_params(struct resolver *resolver, struct graph_node *node, struct inherited_list *list)
{
	bool has_unknown = false;
	for (int i = 0; i < node->n_params; i++) {
		const char *key = node->params[i].name;
		const struct graph_param_info *info = &node->param_infos[i];
		const struct op_param_spec *spec = find_spec(node->op, key);
		bool is_drawing = !spec && attribute_is_drawing(key, ATTRIBUTE_NODE);
		if (info->is_inherited && !is_drawing)
			note_inherited(resolver, list, key, info->line, spec != NULL, node->op);
		if (spec) {
			check_value(resolver, node, spec, i);
			continue;
		}
		if (!is_drawing && !info->is_inherited) {
			attribute_complain(resolver->mistakes, info->line, node->name, key, ATTRIBUTE_NODE, node->op);
			has_unknown = true;
		} else if (!is_drawing) {
			continue;
		}
		remove_param(node, i--);
	}
	return has_unknown;
}

static void check_missing(struct resolver *resolver, struct graph_node *node)
{
	for (const struct op_param_spec *spec = node->op->params; spec && spec->name; spec++) {
		bool is_given = spec->fallback != NULL;
		for (int i = 0; i < node->n_params; i++)
			is_given |= strcmp(node->params[i].name, spec->name) == 0;
		if (is_given)
			continue;
		mistakes_add(resolver->mistakes, node->line, node->name, "op '%s' needs %s=… (%s)", node->op->name,
			spec->name, spec->help);
		node->has_mistake = true;
	}
}

static void report_unknown_op(struct resolver *resolver, const struct graph_node *node)
{
	const struct op_registry *registry = resolver->registry;
	bool is_default = node->op_line != node->line;
	if (is_default && node->op_line == resolver->wrong_op_line)
		return;
	resolver->wrong_op_line = node->op_line;
	const char **names = resolver_alloc(resolver, registry->n_items, sizeof(*names));
	if (!names)
		return;
	struct strbuf known = STRBUF_INIT;
	for (int i = 0; i < registry->n_items; i++) {
		names[i] = registry->items[i]->name;
		strbuf_addf(&known, "%s%s", i ? ", " : "", names[i]);
	}
	const char *nearest = mistakes_nearest(node->op_name, names);
	if (nearest)
		mistakes_add(resolver->mistakes, node->op_line, node->name, "unknown op '%s'; did you mean '%s'?",
			node->op_name, nearest);
	else
		mistakes_add(resolver->mistakes, node->op_line, node->name, "unknown op '%s'; known are %s", node->op_name,
			strbuf_text(&known));
	strbuf_finish(&known);
	free(names);
}

static void check_depth(struct resolver *resolver, const struct graph_node *node)
{
	if (node->depth < 0 || node->depth > GRAPH_DEPTH_MAX)
		mistakes_add(resolver->mistakes, node->line, node->name, "depth is %d; it must be from 1 to %d", node->depth,
			GRAPH_DEPTH_MAX);
}

static void resolve_node(struct resolver *resolver, struct graph_node *node, struct inherited_list *list)
{
	check_depth(resolver, node);
	if (node->worker_idx < 0 && !node->has_mistake)
		mistakes_add(resolver->mistakes, node->line, node->name, "stands in no cluster, so no worker executes it");
	bool was_marked = node->has_mistake;
	node->has_mistake |= node->worker_idx < 0;
	if (!node->op_name) {
		if (!was_marked)
			mistakes_add(resolver->mistakes, node->line, node->name, "has no op; write op=NAME");
	} else {
		node->op = op_registry_find(resolver->registry, node->op_name);
		if (!node->op)
			report_unknown_op(resolver, node);
	}
	if (!node->op) {
		node->has_mistake = true;
		for (int i = 0; i < node->n_params; i++)
			note_inherited(resolver, list, node->params[i].name, node->param_infos[i].line, true, NULL);
		return;
	}
	if (check_params(resolver, node, list))
		node->has_mistake = true;
	else
		check_missing(resolver, node);
}

/* Parameters that came from a default and that the op does not know go; a default that no op knows is a mistake. */
static void settle_inherited(struct resolver *resolver, struct inherited_list *list)
{
	for (int i = 0; i < list->n_items; i++) {
		const struct inherited *inherited = &list->items[i];
		if (!inherited->is_used)
			attribute_complain(
				resolver->mistakes, inherited->line, NULL, inherited->key, ATTRIBUTE_NODE, inherited->op);
	}
	for (int i = 0; i < resolver->graph->n_nodes; i++) {
		struct graph_node *node = &resolver->graph->nodes[i];
		for (int k = node->n_params - 1; node->op && k >= 0; k--) {
			if (!find_spec(node->op, node->params[k].name))
				remove_param(node, k);
		}
	}
}

struct ordered_node {
	const struct graph_node *node;
	int node_idx;
};

static int compare_ordered(const void *a_ptr, const void *b_ptr)
{
	const struct ordered_node *a = a_ptr, *b = b_ptr;
	if (a->node->worker_idx != b->node->worker_idx)
		return a->node->worker_idx < b->node->worker_idx ? -1 : 1;
	if (a->node->order != b->node->order)
		return a->node->order < b->node->order ? -1 : 1;
	return a->node_idx < b->node_idx ? -1 : 1;
}

static void check_orders(struct resolver *resolver)
{
	const struct graph *graph = resolver->graph;
	struct ordered_node *ordered = resolver_alloc(resolver, graph->n_nodes, sizeof(*ordered));
	int n = 0;
	for (int i = GRAPH_OUTPUT + 1; ordered && i < graph->n_nodes; i++) {
		if (graph->nodes[i].has_order && graph->nodes[i].worker_idx >= 0)
			ordered[n++] = (struct ordered_node){ &graph->nodes[i], i };
	}
	if (n)
		qsort(ordered, (size_t)n, sizeof(*ordered), compare_ordered);
	for (int i = 1; i < n; i++) {
		const struct graph_node *node = ordered[i].node, *before = ordered[i - 1].node;
		if (node->worker_idx == before->worker_idx && node->order == before->order)
			mistakes_add(resolver->mistakes, node->line, node->name,
				"order=%" PRId64 " is also given to node '%s' of the same worker", node->order,
				before->name);
	}
	free(ordered);
}

static int compare_names(const void *a_ptr, const void *b_ptr)
{
	const struct ordered_node *a = a_ptr, *b = b_ptr;
	int difference = strcmp(a->node->name, b->node->name);
	return difference ? difference : a->node_idx < b->node_idx ? -1 : 1;
}

static void check_names(struct resolver *resolver)
{
	const struct graph *graph = resolver->graph;
	struct ordered_node *sorted = resolver_alloc(resolver, graph->n_nodes, sizeof(*sorted));
	if (!sorted)
		return;
	for (int i = 0; i < graph->n_nodes; i++) {
		check_name(resolver, graph->nodes[i].line, "node", graph->nodes[i].name);
		sorted[i] = (struct ordered_node){ &graph->nodes[i], i };
	}
	qsort(sorted, (size_t)graph->n_nodes, sizeof(*sorted), compare_names);
	for (int i = 1; i < graph->n_nodes; i++) {
		const struct graph_node *node = sorted[i].node;
		if (strcmp(node->name, sorted[i - 1].node->name) == 0)
			mistakes_add(resolver->mistakes, node->line, node->name, "a node of this name was added before");
	}
	free(sorted);
}

void resolve_nodes(struct resolver *resolver)
{
	struct inherited_list list = { 0 };
	struct graph *graph = resolver->graph;
	for (int i = GRAPH_OUTPUT + 1; i < graph->n_nodes && !resolver->is_failed; i++)
		resolve_node(resolver, &graph->nodes[i], &list);
	settle_inherited(resolver, &list);
	free(list.items);
	check_names(resolver);
	check_orders(resolver);
}
