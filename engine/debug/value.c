/* SPDX-License-Identifier: Apache-2.0
 *
 * value: choosing among what is held of an output, copying it soundly, and saying why something is not held.
 */
#include "engine/debug/value.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"
#include "engine/debug/value_private.h"

static const char *const source_phrases[DEBUG_SOURCES] = {
#define X(name, phrase) [DEBUG_SOURCE_##name] = phrase,
	DEBUG_SOURCE_MAP(X)
#undef X
};

const char *debug_source_phrase(enum debug_source source)
{
	return source_phrases[source];
}

/* -- executions that are held ------------------------------------------------------------------------------------------- */

struct executions {
	uint64_t *items;
	size_t n, capacity;
	bool is_failed;
};

static bool add_execution(void *user, const struct debug_value *value)
{
	struct executions *executions = user;
	if (!value->tensor.data)
		return true;
	if (executions->n == executions->capacity) {
		size_t capacity = executions->capacity ? executions->capacity * 2 : 64;
		uint64_t *items = realloc(executions->items, capacity * sizeof *items);
		executions->is_failed = !items;
		if (!items)
			return false;
		executions->items = items;
		executions->capacity = capacity;
	}
	executions->items[executions->n++] = value->execution;
	return true;
}

static int compare_executions(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return a < b ? -1 : a > b;
}

/* Sorted, each once. */
static struct executions collect_executions(const struct debug_target *target, uint32_t node, uint32_t output, struct debug_losses *losses)
{
	struct executions executions = { 0 };
	size_t n = 0;
	debug_held_each(target, node, output, DEBUG_LATEST, add_execution, &executions, losses);
	if (executions.n)
		qsort(executions.items, executions.n, sizeof *executions.items, compare_executions);
	for (size_t i = 0; i < executions.n; i++) {
		if (!n || executions.items[n - 1] != executions.items[i])
			executions.items[n++] = executions.items[i];
	}
	executions.n = n;
	return executions;
}

uint32_t debug_value_executions(struct debug_target *target, uint32_t node, uint32_t output, uint64_t *executions, uint32_t n_max,
	uint32_t *ret_total)
{
	struct debug_losses losses;
	struct executions all = collect_executions(target, node, output, &losses);
	size_t n = all.n < n_max ? all.n : n_max;
	if (n)
		memcpy(executions, all.items + all.n - n, n * sizeof *executions);
	*ret_total = (uint32_t)all.n;
	free(all.items);
	return (uint32_t)n;
}

/* "3 to 5, 7": the last `n_most` groups. */
static void add_ranges(const struct executions *executions, size_t n_most, struct strbuf *out)
{
	size_t first = executions->n, n_groups = 0;
	while (first > 0 && n_groups < n_most) {
		first--;
		n_groups += first == 0 || executions->items[first - 1] + 1 != executions->items[first];
	}
	if (first)
		strbuf_add(out, "..., ");
	for (size_t i = first, end; i < executions->n; i = end) {
		for (end = i + 1; end < executions->n && executions->items[end] == executions->items[end - 1] + 1;)
			end++;
		strbuf_addf(out, "%s%" PRIu64, i > first ? ", " : "", executions->items[i]);
		if (end - i > 1)
			strbuf_addf(out, "%s%" PRIu64, end - i > 2 ? " to " : ", ", executions->items[end - 1]);
	}
}

static void add_output(const struct program *program, uint32_t node, uint32_t output, struct strbuf *out)
{
	char name[256];
	strbuf_add_printable(out, debug_node_name(program, node));
	strbuf_add(out, ".");
	strbuf_add_printable(out, program->nodes[node].types.n == 1 ? "out" : debug_output_name(program, node, output, name, sizeof name));
}

/* Why an execution's value is gone, as far as was seen. */
static void add_reason(const struct debug_target *target, uint32_t node, const struct debug_losses *losses, struct strbuf *out)
{
	const struct program *program = &target->program;
	if (losses->n_overwritten && losses->overwriter != PROGRAM_NONE) {
		strbuf_add(out, "; ");
		strbuf_add_printable(out, debug_node_name(program, losses->overwriter));
		strbuf_add(out, " works in place and has written over it");
	} else if (losses->n_overwritten) {
		strbuf_add(out, "; a later execution is being written over it");
	} else if (losses->n_poisoned) {
		strbuf_add(out, "; its slot was given back and is filled with poison");
	} else if (program->header->mode == RUN_MODE_INTERPRETED) {
		strbuf_add(out, "; an object is freed when its last reader is done");
	} else {
		strbuf_add(out, "; a slot is written again when its readers are done");
	}
}

static int report_missing(const struct debug_target *target, uint32_t node, uint32_t output, uint64_t execution,
	const struct debug_losses *losses, struct error *error)
{
	struct strbuf text = STRBUF_INIT;
	struct debug_losses others;
	struct executions held = collect_executions(target, node, output, &others);
	add_output(&target->program, node, output, &text);
	if (execution != DEBUG_LATEST)
		strbuf_addf(&text, " of execution %" PRIu64, execution);
	strbuf_add(&text, " is not held");
	add_reason(target, node, losses, &text);
	strbuf_add(&text, held.n ? ". Held are executions " : ". No execution of it is held or captured");
	add_ranges(&held, 8, &text);
	int status = text.is_failed ? error_set(error, STATUS_NO_MEMORY, "no memory for a message")
		: error_set(error, STATUS_INPUT, "%s", strbuf_text(&text));
	strbuf_finish(&text);
	free(held.items);
	return status;
}

/* -- finding -------------------------------------------------------------------------------------------------------------- */

struct choice {
	uint64_t execution; /* asked for */
	struct debug_value best;
	int rank;           /* of the best; 0: none */
};

static int rank_of(const struct debug_value *value)
{
	if (!value->tensor.data)
		return value->failure ? 1 : 2;
	return value->is_writable ? 4 : 3;
}

static bool choose(void *user, const struct debug_value *value)
{
	struct choice *choice = user;
	int rank = rank_of(value);
	bool both_have_data = rank >= 3 && choice->rank >= 3;
	bool is_better = rank > choice->rank;
	if (choice->execution == DEBUG_LATEST && (both_have_data || (rank < 3 && choice->rank < 3)))
		is_better = !choice->rank || value->execution > choice->best.execution
			|| (value->execution == choice->best.execution && rank > choice->rank);
	if (is_better) {
		choice->best = *value;
		choice->rank = rank;
	}
	return choice->execution == DEBUG_LATEST || choice->rank < 3;
}

int debug_value_find(struct debug_target *target, uint32_t node, uint32_t output, uint64_t execution, struct debug_value *ret_value,
	struct error *error)
{
	struct choice choice = { .execution = execution };
	struct debug_losses losses;
	if (node >= target->program.header->n_nodes || output >= target->program.nodes[node].types.n)
		return error_set(error, STATUS_INPUT, "there is no such output");
	debug_held_each(target, node, output, execution, choose, &choice, &losses);
	if (!choice.rank)
		return report_missing(target, node, output, execution, &losses, error);
	*ret_value = choice.best;
	return STATUS_OK;
}

/* What a node that stands at a gate reads. */
static bool find_at_gate(struct debug_target *target, uint32_t node, uint32_t input, uint64_t execution, const struct program_edge *edge,
	struct debug_value *ret_value)
{
	struct gate_stop stop;
	uint32_t n_stops, worker = target->program.nodes[node].worker;
	if (!gate_read_stop(&target->gates, &target->program, worker, &stop, &n_stops) || stop.node != node || stop.failure
		|| input >= stop.n_inputs || (execution != DEBUG_LATEST && stop.execution != execution)
		|| (stop.place == GATE_AFTER && input == 0 && target->program.nodes[node].is_overwriting))
		return false;
	*ret_value = (struct debug_value){ .node = edge->src, .output = edge->src_output, .execution = stop.execution,
		.source = DEBUG_SOURCE_GATE, .held = { .worker = worker, .n_stops = n_stops } };
	return debug_held_gate_tensor(target, edge->src, edge->src_output, &stop.tensors[input], &ret_value->tensor);
}

int debug_value_find_input(struct debug_target *target, uint32_t node, uint32_t input, uint64_t execution, struct debug_value *ret_value,
	struct error *error)
{
	const struct program *program = &target->program;
	uint32_t edge_idx = node < program->header->n_nodes ? debug_input_edge(program, node, input) : PROGRAM_NONE;
	if (edge_idx == PROGRAM_NONE)
		return error_set(error, STATUS_INPUT, "there is no such input");
	const struct program_edge *edge = &program->edges[edge_idx];
	if (find_at_gate(target, node, input, execution, edge, ret_value))
		return STATUS_OK;
	return debug_value_find(target, edge->src, edge->src_output, execution, ret_value, error);
}

static int report_empty(const struct debug_target *target, const struct debug_value *value, struct error *error)
{
	struct strbuf name = STRBUF_INIT, why = STRBUF_INIT;
	char text[CONTROL_FAILURE_TEXT_BYTES] = "";
	add_output(&target->program, value->node, value->output, &name);
	if (value->failure && value->failure <= target->control.n_failures) {
		const volatile char *at = target->control.failures[value->failure - 1].text;
		for (size_t i = 0; i + 1 < sizeof text; i++)
			text[i] = at[i];
	}
	strbuf_add_printable(&why, text);
	int status = value->failure ? error_set(error, STATUS_INPUT, "%.300s of execution %" PRIu64 " has no data: it failed: %.400s",
		strbuf_text(&name), value->execution, strbuf_text(&why))
		: error_set(error, STATUS_INPUT, "of %.300s of execution %" PRIu64 " only the digest was captured", strbuf_text(&name),
			value->execution);
	strbuf_finish(&name);
	strbuf_finish(&why);
	return status;
}

int debug_value_copy(struct debug_target *target, struct debug_value *value, void **ret_copy, struct error *error)
{
	char size[32];
	if (!value->tensor.data)
		return report_empty(target, value, error);
	size_t bytes = tensor_bytes(&value->tensor);
	void *copy = malloc(bytes ? bytes : 1);
	if (!copy)
		return error_set(error, STATUS_NO_MEMORY, "no memory for a copy of a value (%s)", units_bytes(bytes, size, sizeof size));
	memcpy(copy, value->tensor.data, bytes);
	if (!debug_held_is_sound(target, value)) {
		free(copy);
		return error_set(error, STATUS_AGAIN, "the value of execution %" PRIu64 " was overwritten while it was read: stop the run first",
			value->execution);
	}
	value->tensor.data = copy;
	value->is_writable = false;
	*ret_copy = copy;
	return STATUS_OK;
}

/* -- the history as a whole --------------------------------------------------------------------------------------------- */

void debug_history(const struct debug_target *target, struct debug_history *ret_history)
{
	const struct gates *gates = &target->gates;
	struct debug_history history = { .budget_bytes = gates->history_bytes * gates->n_workers, .first_execution = UINT64_MAX,
		.last_execution = UINT64_MAX };
	for (uint32_t i = 0; i < gates->n_workers; i++) {
		struct gate_entry entry;
		const void *data;
		uint64_t position = 0, end = atomic_load_explicit(&gate_worker(gates, i)->history_end, memory_order_acquire), held = 0;
		while (gate_history_next(gates, i, &position, &entry, &data)) {
			held += entry.bytes;
			history.n_entries++;
			if (history.first_execution == UINT64_MAX || entry.execution < history.first_execution)
				history.first_execution = entry.execution;
			if (history.last_execution == UINT64_MAX || entry.execution > history.last_execution)
				history.last_execution = entry.execution;
		}
		history.n_bytes += held;
		history.n_dropped_bytes += end > gates->history_bytes && end > held ? end - held : 0;
	}
	*ret_history = history;
}
