/* SPDX-License-Identifier: Apache-2.0
 *
 * twin_balance: what of which execution was compared, the rows' counts, and the lowest divergence.
 */
#include "engine/debug/twin_private.h"

#include <stdlib.h>
#include <string.h>

#include "engine/graph/graph.h"

/* -- executions --------------------------------------------------------------------------------------------------------- */

static bool grow(struct twin_work *work, size_t n)
{
	if (n <= work->n_open)
		return true;
	if (n > work->capacity) {
		size_t capacity = n * 2;
		struct twin_execution **open = realloc(work->open, capacity * sizeof(*open));
		if (open)
			work->open = open;
		bool *is_whole = open ? realloc(work->is_whole, capacity * sizeof *is_whole) : NULL;
		if (!is_whole)
			return false;
		work->is_whole = is_whole;
		work->capacity = capacity;
	}
	memset(work->open + work->n_open, 0, (n - work->n_open) * sizeof(*work->open));
	memset(work->is_whole + work->n_open, 0, (n - work->n_open) * sizeof *work->is_whole);
	work->n_open = n;
	return true;
}

/* One block for an execution and its arrays. */
static struct twin_execution *make_execution(const struct twin_work *work)
{
	struct twin_execution *execution = calloc(1, sizeof *execution + work->n_values * (sizeof(uint64_t) + 2) + work->n_points);
	if (!execution)
		return NULL;
	execution->n_left = work->n_points;
	execution->digests = (uint64_t *)(execution + 1);
	execution->agreements = (uint8_t *)(execution->digests + work->n_values);
	execution->sides = execution->agreements + work->n_values;
	execution->is_done = (bool *)(execution->sides + work->n_values);
	return execution;
}

struct twin_execution *twin_open(struct debug_twin *twin, uint64_t number)
{
	struct twin_work *work = twin->work;
	if (number < work->first || (twin->options.n_executions && number - work->from >= twin->options.n_executions))
		return NULL;
	size_t idx = (size_t)(number - work->first);
	if (!grow(work, idx + 1)) {
		work->is_out_of_memory = true;
		return NULL;
	}
	if (!work->open[idx] && !work->is_whole[idx] && !(work->open[idx] = make_execution(work)))
		work->is_out_of_memory = true;
	return work->open[idx];
}

/* Forgets what is whole, from the front. */
static void pass_on(struct twin_work *work)
{
	size_t n = 0;
	while (n < work->n_open && work->is_whole[n])
		n++;
	work->n_open -= n;
	work->first += n;
	memmove(work->open, work->open + n, work->n_open * sizeof(*work->open));
	memmove(work->is_whole, work->is_whole + n, work->n_open * sizeof *work->is_whole);
}

static void close_point(struct debug_twin *twin, struct twin_execution *execution, uint64_t number, uint32_t point)
{
	struct twin_work *work = twin->work;
	execution->is_done[point] = true;
	if (--execution->n_left)
		return;
	size_t idx = (size_t)(number - work->first);
	free(work->open[idx]);
	work->open[idx] = NULL;
	work->is_whole[idx] = true;
	twin->n_executions++;
	pass_on(work);
}

void twin_close_point(struct debug_twin *twin, struct twin_execution *execution, uint64_t number, uint32_t point, enum debug_agreement worst,
	bool is_failed)
{
	struct debug_twin_row *row = &twin->rows[twin->work->points[point].row];
	if (execution->is_done[point])
		return;
	row->n_compared++;
	row->n_failed += is_failed;
	twin->n_nodes++;
	if (worst == DEBUG_AGREEMENT_DIFFERENT) {
		row->n_different++;
		row->first_different = number < row->first_different ? number : row->first_different;
	}
	close_point(twin, execution, number, point);
}

/* Nodes that do not compute when `node` fails: what reads of it, and waits for it across workers. Rows are in the graph's order. */
static bool *find_dependents(const struct debug_twin *twin, uint32_t node)
{
	const struct program *program = debugger_program(twin->a);
	bool *is_reached = calloc(program->header->n_nodes, sizeof *is_reached);
	if (is_reached)
		is_reached[node] = true;
	for (uint32_t r = 0; is_reached && r < twin->n_rows; r++) {
		uint32_t src = twin->rows[r].node;
		if (src == PROGRAM_NONE || !is_reached[src])
			continue;
		for (uint32_t e = 0; e < program->header->n_edges; e++) {
			const struct program_edge *edge = &program->edges[e];
			if (edge->src == src && (edge->dst_input != PROGRAM_NONE || edge->channel != PROGRAM_NONE))
				is_reached[edge->dst] = true;
		}
	}
	return is_reached;
}

void twin_close_dependents(struct debug_twin *twin, struct twin_execution *execution, uint64_t number, uint32_t point, bool is_equal)
{
	struct twin_work *work = twin->work;
	bool *is_reached = find_dependents(twin, work->points[point].nodes[TWIN_A]);
	for (uint32_t p = 0; is_reached && p < work->n_points; p++) {
		if (p == point || execution->is_done[p] || !is_reached[work->points[p].nodes[TWIN_A]])
			continue;
		if (is_equal)
			twin_close_point(twin, execution, number, p, DEBUG_AGREEMENT_EQUAL, true);
		else
			close_point(twin, execution, number, p);
	}
	free(is_reached);
}

void twin_forget_executions(struct twin_work *work)
{
	for (size_t i = 0; i < work->n_open; i++)
		free(work->open[i]);
	free(work->open);
	free(work->is_whole);
	work->open = NULL;
	work->is_whole = NULL;
	work->n_open = work->capacity = 0;
}

bool twin_is_complete(const struct debug_twin *twin)
{
	return twin->options.n_executions && twin->work->first - twin->work->from >= twin->options.n_executions;
}

/* -- the lowest divergence ---------------------------------------------------------------------------------------------- */

bool twin_is_lower(const struct twin_work *work, uint64_t execution, uint32_t point)
{
	if (!work->has_candidate || execution < work->candidate.execution)
		return true;
	return execution == work->candidate.execution && point < work->candidate_point;
}

bool twin_is_settled(const struct twin_work *work)
{
	if (!work->has_candidate || work->candidate.execution > work->first)
		return false;
	size_t idx = (size_t)(work->candidate.execution - work->first);
	const struct twin_execution *execution = work->candidate.execution == work->first && idx < work->n_open ? work->open[idx] : NULL;
	for (uint32_t i = 0; execution && i < work->candidate_point; i++) {
		if (!execution->is_done[i])
			return false;
	}
	return true;
}

/* The agreement of what an input reads: its producer was compared before. */
static enum debug_agreement agreement_of_input(const struct debug_twin *twin, const struct twin_execution *execution, uint32_t node,
	uint32_t input)
{
	const struct twin_work *work = twin->work;
	const struct program *program = debugger_program(twin->a);
	const struct program_edge *edge = &program->edges[program->indices[program->nodes[node].inputs.first + input]];
	uint32_t point = work->points_of[TWIN_A][edge->src];
	if (point == PROGRAM_NONE || edge->src_output >= work->points[point].n_values || !execution->is_done[point])
		return DEBUG_AGREEMENT_UNKNOWN;
	return execution->agreements[work->points[point].first_value + edge->src_output];
}

void twin_set_candidate(struct debug_twin *twin, uint64_t number, uint32_t point, uint32_t value, const struct debug_difference *difference)
{
	struct twin_work *work = twin->work;
	const struct twin_point *at = &work->points[point];
	const struct twin_execution *execution = work->open[number - work->first];
	uint32_t n_inputs = debugger_program(twin->a)->nodes[at->nodes[TWIN_A]].inputs.n;
	work->candidate = (struct debug_divergence){ .node = at->nodes[TWIN_A], .other = at->nodes[TWIN_B], .execution = number,
		.output = at->results ? at->results[value * TWIN_SIDES + TWIN_A] : value, .difference = *difference };
	/* what `output` reads are its values themselves */
	for (uint32_t i = 0; i < n_inputs && i < OP_INPUTS_MAX && !at->results; i++)
		work->candidate.inputs[i] = agreement_of_input(twin, execution, at->nodes[TWIN_A], i);
	work->candidate.n_inputs = at->results ? 0 : n_inputs < OP_INPUTS_MAX ? n_inputs : OP_INPUTS_MAX;
	for (uint32_t i = 0; i < work->candidate.n_inputs; i++)
		work->candidate.n_inputs_equal += work->candidate.inputs[i] == DEBUG_AGREEMENT_EQUAL;
	work->candidate_point = point;
	work->candidate_workers[TWIN_A] = work->candidate_workers[TWIN_B] = PROGRAM_NONE;
	work->has_candidate = true;
}

void twin_set_failure(struct debug_twin *twin, enum twin_side side, uint32_t failure)
{
	const struct control *control = &twin_target(twin, side)->control;
	char *text = side == TWIN_A ? twin->work->candidate.failure_a : twin->work->candidate.failure_b;
	if (!failure)
		return;
	if (failure <= control->n_failures)
		memcpy(text, control->failures[failure - 1].text, CONTROL_FAILURE_TEXT_BYTES);
	text[CONTROL_FAILURE_TEXT_BYTES - 1] = 0;
	if (!text[0])
		strcpy(text, "failed");
}
