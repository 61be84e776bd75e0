/* SPDX-License-Identifier: Apache-2.0
 *
 * target_names: nodes, workers, outputs and inputs by name, and the order in which an execution goes through a graph.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/debug/target.h"
#include "engine/graph/mistakes.h"

const char *debug_node_name(const struct program *program, uint32_t node)
{
	return node < program->header->n_nodes ? program_string(program, program->nodes[node].name) : "?";
}

const char *debug_worker_name(const struct program *program, uint32_t worker)
{
	return worker < program->header->n_workers ? program_string(program, program->workers[worker].name) : "?";
}

const char *debug_op_name(const struct program *program, uint32_t node)
{
	return node < program->header->n_nodes ? program_string(program, program->nodes[node].op) : "";
}

/* The index of `name` among `n` names; otherwise PROGRAM_NONE, and the nearest one. */
static uint32_t find(const struct program *program, const char *(*name_at)(const struct program *program, uint32_t idx), uint32_t n,
	const char *name, const char **nearest)
{
	if (nearest)
		*nearest = NULL;
	for (uint32_t i = 0; i < n; i++) {
		if (strcmp(name_at(program, i), name) == 0)
			return i;
	}
	const char **names = nearest ? calloc((size_t)n + 1, sizeof *names) : NULL;
	for (uint32_t i = 0; names && i < n; i++)
		names[i] = name_at(program, i);
	if (names)
		*nearest = mistakes_nearest(name, names);
	free(names);
	return PROGRAM_NONE;
}

uint32_t debug_find_node(const struct program *program, const char *name, const char **nearest)
{
	return find(program, debug_node_name, program->header->n_nodes, name, nearest);
}

uint32_t debug_find_worker(const struct program *program, const char *name, const char **nearest)
{
	return find(program, debug_worker_name, program->header->n_workers, name, nearest);
}

/* An edge's name is "src->dst", with ".output" and ".argument" where there is something to choose. */
struct edge_ends {
	const char *output, *input; /* behind the dots; NULL: not named */
	size_t output_length;
};

static struct edge_ends split_edge(const struct program *program, const struct program_edge *edge)
{
	struct edge_ends ends = { 0 };
	const char *name = program_string(program, edge->name), *src = debug_node_name(program, edge->src);
	const char *dst = debug_node_name(program, edge->dst);
	size_t src_length = strlen(src), dst_length = strlen(dst);
	if (strncmp(name, src, src_length) != 0)
		return ends;
	const char *rest = name + src_length;
	for (const char *arrow = strstr(rest, "->"); arrow; arrow = strstr(arrow + 1, "->")) {
		const char *end = arrow + 2;
		if (strncmp(end, dst, dst_length) != 0 || (end[dst_length] && end[dst_length] != '.'))
			continue;
		if (*rest == '.' && arrow > rest) {
			ends.output = rest + 1;
			ends.output_length = (size_t)(arrow - rest - 1);
		}
		if (end[dst_length] == '.')
			ends.input = end + dst_length + 1;
		return ends;
	}
	return ends;
}

/* The graph's text is "… input [tensors="ids:i32[B<=64] mask:f32[B<=64]"] …", and with one tensor no edge tells its name: the place in the text
 * where the declaration of tensor `idx` begins; NULL where the text is not so. */
static const char *find_declaration(const struct program *program, uint32_t idx)
{
	struct program_range types = program->nodes[GRAPH_INPUT].types;
	const char *at = strstr(program_string(program, program->header->graph_text), "tensors");
	if (!at || idx >= types.n)
		return NULL;
	at += strlen("tensors");
	at += strspn(at, " \t\n=\"");
	for (uint32_t i = 0; i < types.n; i++) {
		const char *dtype = dtype_word(program->types[types.first + i].dtype), *start = at;
		at += strcspn(at, ": \t\n\"");
		if (at == start || *at != ':' || strncmp(at + 1, dtype, strlen(dtype)) != 0)
			return NULL;
		if (i == idx)
			return start;
		at += strcspn(at, " \t\n\"");
		at += strspn(at, " \t\n");
	}
	return NULL;
}

/* "3" as a position below `n`; PROGRAM_NONE when it is none. */
static uint32_t find_position(const char *name, uint32_t n)
{
	uint64_t position = 0;
	if (!*name)
		return PROGRAM_NONE;
	for (; isdigit((unsigned char)*name) && position < n; name++)
		position = position * 10 + (uint64_t)(*name - '0');
	return *name || position >= n ? PROGRAM_NONE : (uint32_t)position;
}

uint32_t debug_find_output(const struct program *program, uint32_t node, const char *name)
{
	uint32_t n = program->nodes[node].types.n;
	if (!name || !*name)
		return n ? 0 : PROGRAM_NONE;
	for (uint32_t i = 0; i < program->header->n_edges; i++) {
		const struct program_edge *edge = &program->edges[i];
		if (edge->src != node || edge->src_output == PROGRAM_NONE)
			continue;
		struct edge_ends ends = split_edge(program, edge);
		if (ends.output && strlen(name) == ends.output_length && memcmp(name, ends.output, ends.output_length) == 0)
			return edge->src_output;
	}
	for (uint32_t i = 0; i < n && node == GRAPH_INPUT; i++) {
		const char *declared = find_declaration(program, i);
		if (declared && strncmp(declared, name, strlen(name)) == 0 && declared[strlen(name)] == ':')
			return i;
	}
	return find_position(name, n);
}

uint32_t debug_input_edge(const struct program *program, uint32_t node, uint32_t input)
{
	struct program_range inputs = program->nodes[node].inputs;
	return input < inputs.n ? program->indices[inputs.first + input] : PROGRAM_NONE;
}

static const char *name_of_input(const struct program *program, uint32_t node, uint32_t input)
{
	const struct program_edge *edge = &program->edges[debug_input_edge(program, node, input)];
	if (edge->result != PROGRAM_NONE)
		return program_string(program, edge->result);
	return split_edge(program, edge).input;
}

uint32_t debug_find_input(const struct program *program, uint32_t node, const char *name)
{
	uint32_t n = program->nodes[node].inputs.n;
	if (!name || !*name)
		return n ? 0 : PROGRAM_NONE;
	for (uint32_t i = 0; i < n; i++) {
		const char *own = name_of_input(program, node, i);
		if (own && strcmp(own, name) == 0)
			return i;
	}
	return find_position(name, n);
}

const char *debug_output_name(const struct program *program, uint32_t node, uint32_t output, char *text, size_t size)
{
	const char *declared = node == GRAPH_INPUT ? find_declaration(program, output) : NULL;
	snprintf(text, size, "%u", output);
	if (declared)
		snprintf(text, size, "%.*s", (int)strcspn(declared, ":"), declared);
	for (uint32_t i = 0; i < program->header->n_edges; i++) {
		const struct program_edge *edge = &program->edges[i];
		if (edge->src != node || edge->src_output != output)
			continue;
		struct edge_ends ends = split_edge(program, edge);
		if (ends.output)
			snprintf(text, size, "%.*s", (int)ends.output_length, ends.output);
	}
	return text;
}

const char *debug_input_name(const struct program *program, uint32_t node, uint32_t input, char *text, size_t size)
{
	const char *name = input < program->nodes[node].inputs.n ? name_of_input(program, node, input) : NULL;
	if (name)
		snprintf(text, size, "%s", name);
	else
		snprintf(text, size, "%u", input);
	return text;
}

/* -- order ------------------------------------------------------------------------------------------------------------ */

struct place {
	uint32_t level, worker, node;
};

static bool raise_level(struct place *places, uint32_t before, uint32_t after)
{
	if (before == after || places[after].level > places[before].level)
		return false;
	places[after].level = places[before].level + 1;
	return true;
}

/* Longest way from the beginning, over edges and the workers' own order. A program that goes round in circles is given up. */
static void set_levels(const struct program *program, struct place *places)
{
	const struct program_header *header = program->header;
	bool is_changed = true;
	for (uint32_t round = 0; is_changed && round <= header->n_nodes; round++) {
		is_changed = false;
		for (uint32_t i = 0; i < header->n_edges; i++)
			is_changed |= raise_level(places, program->edges[i].src, program->edges[i].dst);
		for (uint32_t i = 1; i < header->n_steps; i++) {
			const struct program_step *step = &program->steps[i];
			if (program->nodes[step->node].worker == program->nodes[step[-1].node].worker)
				is_changed |= raise_level(places, step[-1].node, step->node);
		}
	}
}

static int compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	if (a->worker != b->worker)
		return a->worker < b->worker ? -1 : 1;
	return a->node < b->node ? -1 : a->node > b->node;
}

void debug_order(const struct program *program, uint32_t *ret_nodes)
{
	uint32_t n = program->header->n_nodes;
	struct place *places = calloc(n, sizeof *places);
	for (uint32_t i = 0; i < n; i++)
		ret_nodes[i] = i;
	if (!places)
		return;
	for (uint32_t i = 0; i < n; i++)
		places[i] = (struct place){ .worker = program->nodes[i].worker, .node = i };
	set_levels(program, places);
	qsort(places, n, sizeof *places, compare_places);
	for (uint32_t i = 0; i < n; i++)
		ret_nodes[i] = places[i].node;
	free(places);
}
