/* SPDX-License-Identifier: Apache-2.0
 *
 * twin_compare: what two processes at the gates of one point have put out, value by value.
 */
#include "engine/debug/twin_private.h"

#include <string.h>

struct pair {
	struct debug_twin *twin;
	const struct twin_view *views;
	uint32_t point;
	uint64_t number;
	struct twin_execution *execution;
};

static struct tensor tensor_of(const struct twin_view *view, uint32_t idx)
{
	const struct gate_tensor *at = &view->stop->tensors[idx];
	int64_t shape[TENSOR_DIMS_MAX];
	for (uint32_t d = 0; d < at->n_dims; d++)
		shape[d] = at->dims[d];
	return tensor_make((enum dtype)at->dtype, (int)at->n_dims, shape, at->offset == GATE_NOWHERE ? NULL : (void *)(view->base + at->offset));
}

uint32_t twin_value_index(const struct twin_point *point, enum twin_side side, const struct gate_stop *stop, uint32_t value)
{
	if (point->results) {
		uint32_t position = point->results[value * TWIN_SIDES + side];
		return position < stop->n_inputs ? position : PROGRAM_NONE;
	}
	return value < stop->n_outputs ? stop->n_inputs + value : PROGRAM_NONE;
}

static enum debug_agreement compare(const struct debug_twin_options *options, const struct tensor *a, const struct tensor *b,
	struct debug_difference *ret_difference)
{
	*ret_difference = (struct debug_difference){ .same_type = a->dtype == b->dtype && tensor_same_shape(a, b) };
	if (!ret_difference->same_type)
		return DEBUG_AGREEMENT_DIFFERENT;
	if (!a->data || !b->data)
		return DEBUG_AGREEMENT_UNKNOWN;
	if (memcmp(a->data, b->data, tensor_bytes(a)) == 0)
		return DEBUG_AGREEMENT_EQUAL;
	debug_compare(a, b, options->absolute, options->relative, ret_difference);
	bool is_exact = options->absolute == 0 && options->relative == 0;
	return ret_difference->n_different || (is_exact && ret_difference->n_unequal_bits) ? DEBUG_AGREEMENT_DIFFERENT : DEBUG_AGREEMENT_CLOSE;
}

/* Inputs whose producers were not compared: by what lies at the gates, unless the op has written over it. */
static void refine_inputs(const struct pair *pair)
{
	struct debug_divergence *found = &pair->twin->work->candidate;
	const struct gate_stop *a = pair->views[TWIN_A].stop, *b = pair->views[TWIN_B].stop;
	for (uint32_t i = 0; i < found->n_inputs && a->n_inputs == b->n_inputs && i < a->n_inputs; i++) {
		struct debug_difference difference;
		bool is_overwritten = false;
		for (uint32_t o = 0; o < a->n_outputs; o++)
			is_overwritten = is_overwritten || a->tensors[a->n_inputs + o].offset == a->tensors[i].offset;
		for (uint32_t o = 0; o < b->n_outputs; o++)
			is_overwritten = is_overwritten || b->tensors[b->n_inputs + o].offset == b->tensors[i].offset;
		if (found->inputs[i] != DEBUG_AGREEMENT_UNKNOWN || is_overwritten)
			continue;
		struct tensor x = tensor_of(&pair->views[TWIN_A], i), y = tensor_of(&pair->views[TWIN_B], i);
		found->inputs[i] = compare(&pair->twin->options, &x, &y, &difference);
		found->n_inputs_equal += found->inputs[i] == DEBUG_AGREEMENT_EQUAL;
	}
}

static void note(const struct pair *pair, uint32_t value, const struct debug_difference *difference, const struct tensor *a,
	const struct tensor *b)
{
	if (!twin_is_lower(pair->twin->work, pair->number, pair->point))
		return;
	twin_set_candidate(pair->twin, pair->number, pair->point, value, difference);
	pair->twin->work->candidate.type_a = *a;
	pair->twin->work->candidate.type_b = *b;
	pair->twin->work->candidate.type_a.data = pair->twin->work->candidate.type_b.data = NULL;
	refine_inputs(pair);
	for (int side = 0; side < TWIN_SIDES; side++)
		pair->twin->work->candidate_workers[side] = pair->views[side].worker;
}

static enum debug_agreement compare_value(const struct pair *pair, uint32_t value)
{
	const struct twin_point *point = &pair->twin->work->points[pair->point];
	struct debug_twin_row *row = &pair->twin->rows[point->row];
	uint32_t i = twin_value_index(point, TWIN_A, pair->views[TWIN_A].stop, value);
	uint32_t j = twin_value_index(point, TWIN_B, pair->views[TWIN_B].stop, value);
	enum debug_agreement agreement = DEBUG_AGREEMENT_UNKNOWN;
	if (i != PROGRAM_NONE && j != PROGRAM_NONE) {
		struct debug_difference difference;
		struct tensor a = tensor_of(&pair->views[TWIN_A], i), b = tensor_of(&pair->views[TWIN_B], j);
		agreement = compare(&pair->twin->options, &a, &b, &difference);
		row->max_absolute = difference.max_absolute > row->max_absolute ? difference.max_absolute : row->max_absolute;
		row->max_relative = difference.max_relative > row->max_relative ? difference.max_relative : row->max_relative;
		if (agreement == DEBUG_AGREEMENT_DIFFERENT)
			note(pair, value, &difference, &a, &b);
	}
	pair->twin->n_unseen += agreement == DEBUG_AGREEMENT_UNKNOWN;
	pair->execution->agreements[point->first_value + value] = (uint8_t)agreement;
	return agreement;
}

static enum debug_agreement compare_failures(const struct pair *pair, uint32_t failure_a, uint32_t failure_b)
{
	const struct twin_point *point = &pair->twin->work->points[pair->point];
	enum debug_agreement agreement = failure_a && failure_b ? DEBUG_AGREEMENT_EQUAL : DEBUG_AGREEMENT_DIFFERENT;
	memset(pair->execution->agreements + point->first_value, (int)agreement, point->n_values);
	if (agreement == DEBUG_AGREEMENT_DIFFERENT && twin_is_lower(pair->twin->work, pair->number, pair->point)) {
		note(pair, 0, &(struct debug_difference){ 0 }, &(struct tensor){ 0 }, &(struct tensor){ 0 });
		twin_set_failure(pair->twin, TWIN_A, failure_a);
		twin_set_failure(pair->twin, TWIN_B, failure_b);
	}
	twin_close_dependents(pair->twin, pair->execution, pair->number, pair->point, agreement == DEBUG_AGREEMENT_EQUAL);
	return agreement;
}

void twin_compare_pair(struct debug_twin *twin, uint32_t point, uint64_t number, const struct twin_view views[TWIN_SIDES])
{
	struct pair pair = { twin, views, point, number, twin_open(twin, number) };
	uint32_t failure_a = views[TWIN_A].stop->failure, failure_b = views[TWIN_B].stop->failure;
	enum debug_agreement worst = DEBUG_AGREEMENT_EQUAL;
	if (!pair.execution || pair.execution->is_done[point])
		return;
	if (failure_a || failure_b)
		worst = compare_failures(&pair, failure_a, failure_b);
	for (uint32_t v = 0; !failure_a && !failure_b && v < twin->work->points[point].n_values; v++) {
		enum debug_agreement agreement = compare_value(&pair, v);
		worst = agreement > worst ? agreement : worst;
	}
	twin_close_point(twin, pair.execution, number, point, worst, failure_a && failure_b);
}
