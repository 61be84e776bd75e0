/* SPDX-License-Identifier: Apache-2.0
 *
 * expression_evaluate: the value of a condition at a stop.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/debug/expression_private.h"
#include "engine/debug/value_private.h"

struct evaluation {
	const struct debug_expression *expression;
	struct debug_target *target;
	const struct debug_place *place;
	struct error *error;
	struct debug_stats sides[2]; /* of the outputs and inputs at the stop */
	bool has_side[2];
};

static int evaluate(struct evaluation *evaluation, uint32_t idx, double *ret_value);

static double pick(const struct debug_stats *stats, enum expression_figure figure)
{
	switch (figure) {
	case FIGURE_MIN:
		return stats->min;
	case FIGURE_MAX:
		return stats->max;
	case FIGURE_MEAN:
		return stats->mean;
	case FIGURE_NORM:
		return stats->norm;
	case FIGURE_STD:
		return stats->std;
	case FIGURE_N_NAN:
		return (double)stats->n_nan;
	case FIGURE_N_INF:
		return (double)stats->n_inf;
	case FIGURE_HAS_NAN:
		return stats->n_nan > 0;
	case FIGURE_HAS_INF:
		return stats->n_inf > 0;
	case FIGURE_COUNT:
		break;
	}
	return NAN;
}

/* Both as if they were one tensor. */
static struct debug_stats merge(const struct debug_stats *a, const struct debug_stats *b)
{
	double n_a = (double)(a->n - a->n_nan - a->n_inf), n_b = (double)(b->n - b->n_nan - b->n_inf), n = n_a + n_b;
	struct debug_stats sum = n_a ? *a : *b;
	sum.n = a->n + b->n;
	sum.n_nan = a->n_nan + b->n_nan;
	sum.n_inf = a->n_inf + b->n_inf;
	sum.n_zero = a->n_zero + b->n_zero;
	sum.n_poison = a->n_poison + b->n_poison;
	if (!n_a || !n_b)
		return sum;
	double apart = b->mean - a->mean;
	sum.min = fmin(a->min, b->min);
	sum.max = fmax(a->max, b->max);
	sum.mean = a->mean + apart * n_b / n;
	sum.std = sqrt((n_a * a->std * a->std + n_b * b->std * b->std + apart * apart * n_a * n_b / n) / n);
	sum.norm = hypot(a->norm, b->norm);
	return sum;
}

/* The stop's tensor `idx` of its outputs or inputs; false when it is not there. */
static bool find_tensor(const struct evaluation *evaluation, bool of_inputs, uint32_t idx, struct tensor *ret_tensor)
{
	const struct gate_stop *stop = evaluation->place->stop;
	const struct program *program = &evaluation->target->program;
	if (!of_inputs)
		return debug_held_gate_tensor(evaluation->target, stop->node, idx, &stop->tensors[stop->n_inputs + idx], ret_tensor);
	uint32_t edge_idx = debug_input_edge(program, stop->node, idx);
	if (edge_idx == PROGRAM_NONE || (stop->place == GATE_AFTER && idx == 0 && program->nodes[stop->node].is_overwriting))
		return false;
	const struct program_edge *edge = &program->edges[edge_idx];
	return debug_held_gate_tensor(evaluation->target, edge->src, edge->src_output, &stop->tensors[idx], ret_tensor);
}

static int check_side(const struct evaluation *evaluation, bool of_inputs)
{
	const struct gate_stop *stop = evaluation->place->stop;
	const char *name = stop ? debug_node_name(&evaluation->target->program, stop->node) : "";
	if (!stop)
		return error_set(evaluation->error, STATUS_INPUT, "nothing stands at a gate: the figures of outputs and inputs are those of a stop");
	if (stop->n_inputs + stop->n_outputs > ARRAY_LEN(stop->tensors) || stop->node >= evaluation->target->program.header->n_nodes)
		return error_set(evaluation->error, STATUS_INPUT, "the stop makes no sense");
	if (stop->failure)
		return error_set(evaluation->error, STATUS_INPUT, "execution %" PRIu64 " has failed at '%.100s' or before: there are no values",
			stop->execution, name);
	if (!of_inputs && stop->place != GATE_AFTER)
		return error_set(evaluation->error, STATUS_INPUT, "'%.100s' has not computed yet: its outputs are there after compute", name);
	return STATUS_OK;
}

static int look_at_side(struct evaluation *evaluation, bool of_inputs, const struct debug_stats **ret_stats)
{
	struct debug_stats *stats = &evaluation->sides[of_inputs];
	*ret_stats = stats;
	if (evaluation->has_side[of_inputs])
		return STATUS_OK;
	int status = check_side(evaluation, of_inputs);
	if (status != STATUS_OK)
		return status;
	const struct gate_stop *stop = evaluation->place->stop;
	uint32_t n_outputs = evaluation->target->program.nodes[stop->node].types.n;
	uint32_t n = of_inputs ? stop->n_inputs : stop->n_outputs < n_outputs ? stop->n_outputs : n_outputs;
	*stats = (struct debug_stats){ .min = NAN, .max = NAN, .mean = NAN, .std = NAN, .norm = NAN };
	for (uint32_t i = 0; i < n; i++) {
		struct tensor tensor;
		struct debug_slice all;
		struct debug_stats one;
		if (!find_tensor(evaluation, of_inputs, i, &tensor) || debug_slice_parse(NULL, &tensor, &all, NULL) != STATUS_OK)
			continue;
		debug_stats(&all, &tensor, &one);
		*stats = merge(stats, &one);
	}
	evaluation->has_side[of_inputs] = true;
	return STATUS_OK;
}

static int evaluate_side(struct evaluation *evaluation, const struct term *term, double *ret_value)
{
	const struct debug_stats *stats;
	int status = look_at_side(evaluation, term->kind == TERM_INPUTS, &stats);
	if (status == STATUS_OK)
		*ret_value = pick(stats, term->figure);
	return status;
}

static int evaluate_reference(struct evaluation *evaluation, const struct term *term, double *ret_value)
{
	struct debug_value value;
	struct debug_slice slice;
	struct debug_stats stats;
	struct strbuf name = STRBUF_INIT;
	void *copy;
	int status = debug_reference_read(evaluation->target, term->reference, evaluation->place->execution, &value, &slice, &copy,
		evaluation->error);
	if (status != STATUS_OK)
		return status;
	if (term->kind == TERM_FIGURE) {
		debug_stats(&slice, &value.tensor, &stats);
		*ret_value = pick(&stats, term->figure);
	} else if (slice.n_elements == 1) {
		*ret_value = debug_element(&value.tensor, slice.first);
	} else {
		debug_reference_describe(evaluation->expression->program, term->reference, &name);
		status = error_set(evaluation->error, STATUS_INPUT, "%.300s is %" PRId64 " elements: give indices of one, or max(…), mean(…)",
			strbuf_text(&name), slice.n_elements);
		strbuf_finish(&name);
	}
	free(copy);
	return status;
}

static int evaluate_place(struct evaluation *evaluation, const struct term *term, double *ret_value)
{
	const struct debug_place *place = evaluation->place;
	if (term->place == PLACE_EXECUTION && (place->stop || place->execution != DEBUG_LATEST)) {
		*ret_value = (double)(place->stop ? place->stop->execution : place->execution);
		return STATUS_OK;
	}
	if (!place->stop)
		return error_set(evaluation->error, STATUS_INPUT,
			"nothing stands at a gate: node, worker, duration and the like are those of a stop");
	uint64_t ticks = term->place == PLACE_WAIT ? place->stop->waited_ticks : place->stop->op_ticks;
	*ret_value = (double)ticks * evaluation->target->ns_per_tick;
	return STATUS_OK;
}

static int evaluate_is(struct evaluation *evaluation, const struct term *term, double *ret_value)
{
	const struct program *program = evaluation->expression->program;
	const struct debug_place *place = evaluation->place;
	if (!place->stop)
		return evaluate_place(evaluation, term, ret_value);
	if (term->place == PLACE_WORKER)
		*ret_value = place->worker == term->idx;
	else if (term->place == PLACE_NODE)
		*ret_value = place->stop->node == term->idx;
	else
		*ret_value = strcmp(debug_op_name(program, place->stop->node), debug_op_name(program, term->idx)) == 0;
	return STATUS_OK;
}

static double apply(enum expression_sign sign, double left, double right)
{
	switch (sign) {
	case SIGN_EQUAL:
		return left == right;
	case SIGN_UNEQUAL:
		return left != right;
	case SIGN_LESS:
		return left < right;
	case SIGN_AT_MOST:
		return left <= right;
	case SIGN_MORE:
		return left > right;
	case SIGN_AT_LEAST:
		return left >= right;
	case SIGN_ADD:
		return left + right;
	case SIGN_SUBTRACT:
		return left - right;
	case SIGN_MULTIPLY:
		return left * right;
	default:
		return left / right;
	}
}

static int evaluate_binary(struct evaluation *evaluation, const struct term *term, double *ret_value)
{
	double left, right;
	int status = evaluate(evaluation, term->left, &left);
	bool is_and = term->sign == SIGN_AND, is_or = term->sign == SIGN_OR;
	if (status != STATUS_OK)
		return status;
	if ((is_and && left == 0) || (is_or && left != 0)) {
		*ret_value = is_or;
		return STATUS_OK;
	}
	status = evaluate(evaluation, term->right, &right);
	if (status == STATUS_OK)
		*ret_value = is_and || is_or ? right != 0 : apply(term->sign, left, right);
	return status;
}

static int evaluate(struct evaluation *evaluation, uint32_t idx, double *ret_value)
{
	const struct term *term = &evaluation->expression->terms[idx];
	int status = STATUS_OK;
	switch (term->kind) {
	case TERM_NUMBER:
		*ret_value = term->number;
		break;
	case TERM_PLACE:
		return evaluate_place(evaluation, term, ret_value);
	case TERM_IS:
		return evaluate_is(evaluation, term, ret_value);
	case TERM_OUTPUTS:
	case TERM_INPUTS:
		return evaluate_side(evaluation, term, ret_value);
	case TERM_FIGURE:
	case TERM_ELEMENT:
		return evaluate_reference(evaluation, term, ret_value);
	case TERM_NOT:
	case TERM_NEGATE:
		status = evaluate(evaluation, term->left, ret_value);
		if (status == STATUS_OK)
			*ret_value = term->kind == TERM_NOT ? *ret_value == 0 : -*ret_value;
		break;
	case TERM_BINARY:
		return evaluate_binary(evaluation, term, ret_value);
	}
	return status;
}

int debug_expression_evaluate(const struct debug_expression *expression, struct debug_target *target, const struct debug_place *place,
	double *ret_value, struct error *error)
{
	struct evaluation evaluation = { .expression = expression, .target = target, .place = place, .error = error };
	return evaluate(&evaluation, expression->root, ret_value);
}
