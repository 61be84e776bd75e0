/* SPDX-License-Identifier: Apache-2.0
 *
 * stops_hit: whether a stop is hit by a process that stands at a gate, and what is to be said of it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/units.h"
#include "engine/debug/stops_private.h"

/* A process at a gate, looked at by one stop after the other. */
struct look {
	struct debug_target *target;
	uint32_t worker;
	const struct gate_stop *gate;
};

static bool view_output(const struct look *look, uint32_t output, struct tensor *ret_tensor)
{
	const struct gate_tensor *at = &look->gate->tensors[look->gate->n_inputs + output];
	int64_t shape[TENSOR_DIMS_MAX];
	if (at->offset == GATE_NOWHERE || at->dtype >= DTYPE_COUNT || at->n_dims > TENSOR_DIMS_MAX)
		return false;
	for (uint32_t i = 0; i < at->n_dims; i++)
		shape[i] = at->dims[i];
	*ret_tensor = tensor_make((enum dtype)at->dtype, (int)at->n_dims, shape, look->target->slots + at->offset);
	return true;
}

/* "layer3.out[0,4]" of the output's `element`th element. */
static void add_element(const struct look *look, uint32_t output, const struct tensor *tensor, int64_t element, struct strbuf *out)
{
	int64_t idx[TENSOR_DIMS_MAX];
	for (int i = tensor->n_dims - 1; i >= 0; i--) {
		idx[i] = element % tensor->shape[i];
		element /= tensor->shape[i];
	}
	strbuf_add_printable(out, debug_node_name(&look->target->program, look->gate->node));
	if (look->gate->n_outputs > 1)
		strbuf_addf(out, ".out.%u", output);
	else
		strbuf_add(out, ".out");
	for (int i = 0; i < tensor->n_dims; i++)
		strbuf_addf(out, "%c%" PRId64, i ? ',' : '[', idx[i]);
	strbuf_add(out, tensor->n_dims ? "]" : "");
}

/* Of the outputs at this gate, the first one with a NaN or an infinity, with its first such element. */
static bool find_unsound(const struct look *look, bool is_nan, struct strbuf *out)
{
	for (uint32_t output = 0; output < look->gate->n_outputs; output++) {
		struct tensor tensor;
		if (!view_output(look, output, &tensor) || (tensor.dtype != DTYPE_F32 && tensor.dtype != DTYPE_F64))
			continue;
		int64_t n = tensor_n_elements(&tensor), n_found = 0, first = 0;
		for (int64_t i = 0; i < n; i++) {
			double value = debug_element(&tensor, i);
			bool is_it = is_nan ? isnan(value) : isinf(value);
			first = is_it && !n_found ? i : first;
			n_found += is_it;
		}
		if (!n_found)
			continue;
		char text[40];
		debug_element_text(&tensor, first, text, sizeof text);
		add_element(look, output, &tensor, first, out);
		strbuf_addf(out, " is %s", text);
		if (n_found > 1)
			strbuf_addf(out, ", the first of %" PRId64 " such elements", n_found);
		strbuf_add(out, "\n");
		return true;
	}
	return false;
}

static bool is_over(const struct look *look, uint64_t ticks, int64_t limit_ns, const char *did, struct strbuf *out)
{
	char took[32], limit[32];
	int64_t ns = debug_duration_ns(look->target, ticks);
	if (ns <= limit_ns)
		return false;
	strbuf_add_printable(out, debug_node_name(&look->target->program, look->gate->node));
	strbuf_addf(out, " %s %s, the limit is %s\n", did, units_duration(ns, took, sizeof took), units_duration(limit_ns, limit, sizeof limit));
	return true;
}

static bool tell_failure(const struct look *look, struct strbuf *out)
{
	const struct control *control = &look->target->control;
	if (!look->gate->is_own_failure || !look->gate->failure || look->gate->failure > control->n_failures)
		return look->gate->is_own_failure;
	char text[CONTROL_FAILURE_TEXT_BYTES];
	memcpy(text, control->failures[look->gate->failure - 1].text, sizeof text);
	text[sizeof text - 1] = '\0';
	strbuf_add_printable(out, debug_node_name(&look->target->program, look->gate->node));
	strbuf_add(out, " failed: ");
	strbuf_add_printable(out, text);
	strbuf_add(out, "\n");
	return true;
}

/* -- watchpoints ------------------------------------------------------------------------------------------------------------ */

/* The watched value as a contiguous tensor of its own; NULL when it is not to be had (why is in *error). */
static void *gather_watched(const struct debug_stop *stop, const struct look *look, struct debug_value *ret_value, struct error *error)
{
	struct debug_slice slice;
	void *copy = NULL;
	if (debug_reference_read(look->target, &stop->watched, look->gate->execution, ret_value, &slice, &copy, error) != STATUS_OK)
		return NULL;
	void *data = malloc((size_t)slice.n_elements * dtype_bytes(ret_value->tensor.dtype) + 1);
	if (data) {
		debug_slice_gather(&slice, &ret_value->tensor, data);
		ret_value->tensor = tensor_make(ret_value->tensor.dtype, slice.n_dims, slice.shape, data);
	} else {
		error_set(error, STATUS_NO_MEMORY, "no memory for a watched value");
	}
	free(copy);
	return data;
}

static void tell_change(const struct debug_stop *stop, const struct look *look, const struct debug_value *now,
	const struct debug_difference *difference, struct strbuf *out)
{
	debug_reference_describe(&look->target->program, &stop->watched, out);
	strbuf_addf(out, " differs from execution %" PRIu64 ": ", stop->previous_value.execution);
	if (!difference->same_type) {
		char before[100], after[100];
		strbuf_addf(out, "it was %s and is %s\n", tensor_describe(&stop->previous_value.tensor, before, sizeof before),
			tensor_describe(&now->tensor, after, sizeof after));
		return;
	}
	strbuf_addf(out, "%" PRId64 " of %" PRId64 " elements, most at [", difference->n_different, difference->n);
	for (int i = 0; i < now->tensor.n_dims; i++)
		strbuf_addf(out, "%s%" PRId64, i ? "," : "", difference->worst[i]);
	strbuf_addf(out, "]: old %g, new %g\n", difference->worst_a, difference->worst_b);
}

/* Compares with what was there in the execution before, and remembers what is there now. */
static bool has_changed(struct debug_stop *stop, const struct look *look, struct strbuf *out)
{
	struct debug_value now;
	struct error error = { 0 };
	if (look->gate->failure)
		return false;
	void *data = gather_watched(stop, look, &now, &error);
	if (!data) {
		strbuf_add_printable(out, error.text);
		strbuf_add(out, "\n");
		return true;
	}
	bool is_changed = false;
	if (stop->previous) {
		struct debug_difference difference;
		debug_compare(&stop->previous_value.tensor, &now.tensor, stop->tolerance, 0, &difference);
		is_changed = !difference.same_type || (stop->tolerance > 0 ? difference.n_different : difference.n_unequal_bits) > 0;
		if (is_changed)
			tell_change(stop, look, &now, &difference, out);
	}
	free(stop->previous);
	stop->previous = data;
	stop->previous_value = now;
	stop->previous_value.execution = look->gate->execution;
	return is_changed;
}

/* -- judging ---------------------------------------------------------------------------------------------------------------- */

static bool is_due(const struct debug_stop *stop, uint64_t execution)
{
	return stop->execution == UINT64_MAX ? execution >= stop->from_execution : execution == stop->execution;
}

/* What its kind asks for. */
static bool holds(struct debug_stop *stop, const struct look *look, struct strbuf *out)
{
	switch (stop->kind) {
	case DEBUG_STOP_BREAK:
		return true;
	case DEBUG_STOP_ERROR:
		return tell_failure(look, out);
	case DEBUG_STOP_NAN:
	case DEBUG_STOP_INF:
		return !look->gate->failure && find_unsound(look, stop->kind == DEBUG_STOP_NAN, out);
	case DEBUG_STOP_SLOW:
		return is_over(look, look->gate->op_ticks, stop->limit_ns, "took", out);
	case DEBUG_STOP_WAIT:
		return is_over(look, look->gate->waited_ticks, stop->limit_ns, "waited", out);
	case DEBUG_STOP_WATCH:
		return has_changed(stop, look, out);
	case DEBUG_STOP_KINDS:
		break;
	}
	return false;
}

/* A condition that cannot be evaluated holds: it must be seen. */
static bool condition_holds(const struct debug_stop *stop, const struct look *look, struct strbuf *out)
{
	struct debug_place place = { .worker = look->worker, .stop = look->gate, .execution = look->gate->execution };
	struct error error = { 0 };
	double value = 0;
	if (!stop->condition)
		return true;
	if (debug_expression_evaluate(stop->condition, look->target, &place, &value, &error) == STATUS_OK)
		return value != 0;
	strbuf_addf(out, "the condition of stop %d cannot be evaluated: ", stop->id);
	strbuf_add_printable(out, error.text);
	strbuf_add(out, "\n");
	return true;
}

static bool is_hit(struct debug_stop *stop, const struct look *look, struct strbuf *out)
{
	if (!stop->is_enabled || !debug_stop_concerns(stop, &look->target->program, look->gate->node)
		|| debug_stop_place(stop, look->gate->node) != (enum gate_place)look->gate->place)
		return false;
	if (stop->node == look->gate->node)
		stop->judged = look->gate->execution + 1;
	bool is_watch = stop->kind == DEBUG_STOP_WATCH; /* remembers also what is not due */
	if (!is_watch && !is_due(stop, look->gate->execution))
		return false;
	if (!holds(stop, look, out) || !is_due(stop, look->gate->execution) || !condition_holds(stop, look, out))
		return false;
	stop->n_hits++;
	if (!stop->n_ignore)
		return true;
	stop->n_ignore--;
	return false;
}

struct debug_stop *debug_stops_hit(struct debug_stops *stops, struct debug_target *target, uint32_t worker, const struct gate_stop *stop,
	int after_id, struct strbuf *out)
{
	struct look look = { .target = target, .worker = worker, .gate = stop };
	struct debug_stop *first = NULL;
	for (int i = 0; i < stops->n_items; i++) {
		struct debug_stop *item = stops->items[i];
		struct strbuf text = STRBUF_INIT;
		if (item->id > after_id && is_hit(item, &look, &text)) {
			if (first)
				strbuf_addf(out, "also stop %d\n", item->id);
			strbuf_add(out, strbuf_text(&text));
			first = first ? first : item;
			if (item->is_temporary && debug_stops_spend(stops, item->id))
				i--;
		}
		strbuf_finish(&text);
	}
	return first;
}
