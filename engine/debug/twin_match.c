/* SPDX-License-Identifier: Apache-2.0
 *
 * twin_match: which nodes of two programs are the same, and the order in which they are told.
 */
#include "engine/debug/twin_private.h"

#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph.h"

struct match {
	struct debug_twin *twin;
	const struct program *programs[TWIN_SIDES];
	struct debug_twin_row *rows;
	uint32_t n_rows;
	struct twin_work *work;
};

static bool same_dim(const struct dim *a, const struct symbols *a_symbols, const struct dim *b, const struct symbols *b_symbols)
{
	if (a->add != b->add || a->mul != b->mul || (a->symbol < 0) != (b->symbol < 0))
		return false;
	return a->symbol < 0 || strcmp(a_symbols->items[a->symbol].name, b_symbols->items[b->symbol].name) == 0;
}

static bool same_types(const struct match *match, uint32_t a, uint32_t b)
{
	const struct program *p = match->programs[TWIN_A], *q = match->programs[TWIN_B];
	struct program_range a_range = p->nodes[a].types, b_range = q->nodes[b].types;
	bool is_same = a_range.n == b_range.n;
	for (uint32_t i = 0; is_same && i < a_range.n; i++) {
		const struct tensor_type *x = &p->types[a_range.first + i], *y = &q->types[b_range.first + i];
		is_same = x->dtype == y->dtype && x->n_dims == y->n_dims;
		for (int d = 0; is_same && d < x->n_dims; d++)
			is_same = same_dim(&x->dims[d], &p->header->symbols, &y->dims[d], &q->header->symbols);
	}
	return is_same;
}

static const char *result_name(const struct program *program, uint32_t position)
{
	struct program_range inputs = program->nodes[GRAPH_OUTPUT].inputs;
	return program_string(program, program->edges[program->indices[inputs.first + position]].result);
}

/* Pairs of positions of results with one name; the number of pairs, or −1 without memory. */
static int pair_results(const struct match *match, uint32_t **ret_results)
{
	const struct program *p = match->programs[TWIN_A], *q = match->programs[TWIN_B];
	uint32_t n_a = p->nodes[GRAPH_OUTPUT].inputs.n, n_b = q->nodes[GRAPH_OUTPUT].inputs.n, n = 0;
	uint32_t *results = calloc((size_t)n_a * TWIN_SIDES + 1, sizeof *results);
	if (!results)
		return -1;
	for (uint32_t a = 0; a < n_a; a++) {
		uint32_t b = 0;
		while (b < n_b && strcmp(result_name(p, a), result_name(q, b)) != 0)
			b++;
		if (b == n_b)
			continue;
		results[n * TWIN_SIDES + TWIN_A] = a;
		results[n * TWIN_SIDES + TWIN_B] = b;
		n++;
	}
	*ret_results = results;
	return (int)n;
}

static bool is_skipped(char *const *skipped, const char *name)
{
	for (; skipped && *skipped; skipped++) {
		if (strcmp(*skipped, name) == 0)
			return true;
	}
	return false;
}

static int add_point(struct match *match, uint32_t row)
{
	struct twin_work *work = match->work;
	struct debug_twin_row *matched = &match->rows[row];
	struct twin_point *point = &work->points[work->n_points];
	*point = (struct twin_point){ .nodes = { matched->node, matched->other }, .row = row, .first_value = work->n_values };
	if (matched->node == GRAPH_OUTPUT) {
		int n = pair_results(match, &point->results);
		if (n < 0)
			return STATUS_NO_MEMORY;
		point->n_values = (uint32_t)n;
	} else {
		point->n_values = match->programs[TWIN_A]->nodes[matched->node].types.n;
	}
	matched->is_missing = matched->node == GRAPH_OUTPUT && point->n_values == 0;
	if (matched->is_missing) {
		free(point->results);
		return STATUS_OK;
	}
	work->points_of[TWIN_A][matched->node] = work->n_points;
	work->points_of[TWIN_B][matched->other] = work->n_points;
	work->n_values += point->n_values;
	work->n_points++;
	return STATUS_OK;
}

/* A row for each node of `a` in its order, with a point where b has the same. */
static int match_first(struct match *match, char *const *skipped)
{
	const struct program *p = match->programs[TWIN_A], *q = match->programs[TWIN_B];
	uint32_t *order = calloc((size_t)p->header->n_nodes + 1, sizeof *order);
	int status = order ? STATUS_OK : STATUS_NO_MEMORY;
	if (order)
		debug_order(p, order);
	for (uint32_t i = 0; status == STATUS_OK && i < p->header->n_nodes; i++) {
		uint32_t node = order[i];
		const char *name = debug_node_name(p, node);
		if (node == GRAPH_OUTPUT && match->twin->options.by_digests)
			continue;
		uint32_t other = debug_find_node(q, name, NULL);
		struct debug_twin_row *row = &match->rows[match->n_rows];
		*row = (struct debug_twin_row){ .node = node, .other = other, .first_different = UINT64_MAX,
			.is_skipped = is_skipped(skipped, name) };
		row->is_missing = other == PROGRAM_NONE || (node == GRAPH_OUTPUT) != (other == GRAPH_OUTPUT)
			|| (node != GRAPH_OUTPUT && !same_types(match, node, other));
		if (!row->is_missing && !row->is_skipped)
			status = add_point(match, match->n_rows);
		match->n_rows++;
	}
	free(order);
	return status;
}

/* What only b has. */
static int match_second(struct match *match)
{
	const struct program *p = match->programs[TWIN_A], *q = match->programs[TWIN_B];
	uint32_t *order = calloc((size_t)q->header->n_nodes + 1, sizeof *order);
	if (!order)
		return STATUS_NO_MEMORY;
	debug_order(q, order);
	for (uint32_t i = 0; i < q->header->n_nodes; i++) {
		if (debug_find_node(p, debug_node_name(q, order[i]), NULL) == PROGRAM_NONE)
			match->rows[match->n_rows++] = (struct debug_twin_row){ .node = PROGRAM_NONE, .other = order[i],
				.first_different = UINT64_MAX, .is_missing = true };
	}
	free(order);
	return STATUS_OK;
}

void twin_forget_points(struct twin_work *work)
{
	for (uint32_t i = 0; i < work->n_points; i++)
		free(work->points[i].results);
	free(work->points);
	work->points = NULL;
	work->n_points = work->n_values = 0;
	for (int side = 0; side < TWIN_SIDES; side++) {
		free(work->points_of[side]);
		work->points_of[side] = NULL;
	}
}

static int allocate(struct match *match)
{
	struct twin_work *work = match->work;
	size_t n_a = match->programs[TWIN_A]->header->n_nodes, n_b = match->programs[TWIN_B]->header->n_nodes;
	twin_forget_points(work);
	match->rows = calloc(n_a + n_b + 1, sizeof *match->rows);
	work->points = calloc(n_a + 1, sizeof *work->points);
	for (int side = 0; side < TWIN_SIDES; side++) {
		work->n_nodes[side] = match->programs[side]->header->n_nodes;
		work->points_of[side] = malloc(((size_t)work->n_nodes[side] + 1) * sizeof *work->points_of[side]);
		if (!work->points_of[side])
			return STATUS_NO_MEMORY;
		memset(work->points_of[side], 0xff, ((size_t)work->n_nodes[side] + 1) * sizeof *work->points_of[side]);
	}
	return match->rows && work->points ? STATUS_OK : STATUS_NO_MEMORY;
}

static int check_skipped(const struct match *match, char *const *skipped, struct error *error)
{
	for (; skipped && *skipped; skipped++) {
		const char *nearest = NULL;
		if (debug_find_node(match->programs[TWIN_A], *skipped, &nearest) == PROGRAM_NONE
			&& debug_find_node(match->programs[TWIN_B], *skipped, NULL) == PROGRAM_NONE)
			return error_set(error, STATUS_INPUT, "twin: no node '%s' to leave out%s%s%s", *skipped, nearest ? "; is '" : "",
				nearest ? nearest : "", nearest ? "' meant?" : "");
	}
	return STATUS_OK;
}

/* Counts go on where the rows are the same as before. */
static void take_over_rows(struct match *match)
{
	struct debug_twin *twin = match->twin;
	for (uint32_t i = 0; twin->n_rows == match->n_rows && i < match->n_rows; i++) {
		if (twin->rows[i].node == match->rows[i].node && twin->rows[i].other == match->rows[i].other)
			match->rows[i] = twin->rows[i];
	}
	free(twin->rows);
	twin->rows = match->rows;
	twin->n_rows = match->n_rows;
}

int twin_match(struct debug_twin *twin, char *const *skipped, struct error *error)
{
	struct match match = { .twin = twin, .work = twin->work,
		.programs = { debugger_program(twin->a), debugger_program(twin->b) } };
	int status = check_skipped(&match, skipped, error);
	if (status != STATUS_OK)
		return status;
	if (allocate(&match) != STATUS_OK || match_first(&match, skipped) != STATUS_OK || match_second(&match) != STATUS_OK) {
		free(match.rows);
		return error_set(error, STATUS_NO_MEMORY, "twin: out of memory");
	}
	take_over_rows(&match);
	bool has_common = false;
	for (uint32_t i = 0; i < twin->work->n_points; i++)
		has_common = has_common || twin->work->points[i].nodes[TWIN_A] != GRAPH_INPUT;
	if (!has_common)
		return error_set(error, STATUS_INPUT,
			twin->options.by_digests
				? "twin: the two have no node in common, by name and types of outputs; without --digests results are compared too"
				: "twin: the two have no node in common, by name and types of outputs, and no result, by name");
	return STATUS_OK;
}
