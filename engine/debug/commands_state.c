/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_state: where things stand: where, backtrace, the selected worker and execution, the cursor that goes back and
 * forth.
 */
#include "engine/debug/commands_private.h"

#include <inttypes.h>
#include <string.h>

#include "engine/run/record.h"

#define STEPS_AROUND 6

int commands_do_where(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	int status = commands_end(rest, error);

	if (!status)
		debug_where(&context->debugger->target, out);
	return status;
}

/* -- backtrace -------------------------------------------------------------------------------------------------------- */

static bool is_step_of(const struct debug_worker_state *state, const struct program_step *step)
{
	if (step->node != state->node)
		return false;
	if (state->activity == DEBUG_WAITING && state->wait.cause == PHASE_STARVED)
		return step->kind == PLAN_STEP_READ && (step->channel == state->wait.channel
			|| state->wait.channel == PROGRAM_NONE);
	if (state->activity == DEBUG_WAITING && state->wait.cause == PHASE_BACKPRESSURE)
		return step->kind == PLAN_STEP_RESERVE;
	if (state->activity == DEBUG_AT_GATE && state->stop.place == GATE_AFTER)
		return step->kind > PLAN_STEP_COMPUTE;
	return step->kind == PLAN_STEP_COMPUTE;
}

/* The step that the worker does or will do next; that of its node's compute when it is none in particular. */
static uint32_t find_step(const struct program *program, const struct program_range *steps,
	const struct debug_worker_state *state)
{
	uint32_t fallback = PROGRAM_NONE;

	for (uint32_t i = 0; i < steps->n; i++) {
		const struct program_step *step = &program->steps[steps->first + i];
		if (is_step_of(state, step))
			return i;
		if (step->node == state->node && step->kind == PLAN_STEP_COMPUTE)
			fallback = i;
	}
	return fallback;
}

static void add_step(const struct debug_context *context, const struct program_step *step, bool is_next, struct strbuf *out)
{
	const struct program *program = debugger_program(context->debugger);

	strbuf_addf(out, "%s %-8s ", is_next ? "=>" : "  ", plan_step_word(step->kind));
	if (step->kind == PLAN_STEP_READ && step->edge != PROGRAM_NONE) {
		strbuf_add_printable(out, program_string(program, program->edges[step->edge].name));
	} else {
		commands_add_node(context, step->node, out);
		if (step->kind == PLAN_STEP_COMPUTE && *debug_op_name(program, step->node)) {
			strbuf_add(out, " (");
			strbuf_add_printable(out, debug_op_name(program, step->node));
			strbuf_add(out, ")");
		}
		if (step->channel != PROGRAM_NONE && program->channels[step->channel].node != step->node) {
			strbuf_add(out, ", slot of ");
			commands_add_node(context, program->channels[step->channel].node, out);
		}
	}
	strbuf_add(out, "\n");
}

static void add_steps(const struct debug_context *context, const struct debug_worker_state *state, struct strbuf *out)
{
	const struct program *program = debugger_program(context->debugger);
	const struct program_range *steps = &program->workers[context->debugger->selected_worker].steps;
	uint32_t at = find_step(program, steps, state);
	uint32_t first = at != PROGRAM_NONE && at > STEPS_AROUND ? at - STEPS_AROUND : 0;
	uint32_t end = (at != PROGRAM_NONE ? at : 0) + STEPS_AROUND + 1;

	if (end > steps->n)
		end = steps->n;
	if (first)
		strbuf_addf(out, "   … %" PRIu32 " steps\n", first);
	for (uint32_t i = first; i < end; i++)
		add_step(context, &program->steps[steps->first + i], i == at, out);
	if (end < steps->n)
		strbuf_addf(out, "   … %" PRIu32 " steps\n", steps->n - end);
}

int commands_do_backtrace(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debugger *debugger = context->debugger;
	struct debug_worker_state state;
	int status = commands_end(rest, error);

	if (status)
		return status;
	if (commands_has_stack(context)) {
		commands_add_stack(context, out);
		return STATUS_OK;
	}
	if (debugger->selected_worker < debugger->target.program.header->n_workers) { /* none is before the first halt */
		debug_look(&debugger->target, debugger->selected_worker, &state);
		debug_describe_worker(&debugger->target, debugger->selected_worker, out);
		strbuf_add(out, "\n");
		add_steps(context, &state, out);
	}
	for (uint32_t worker = 0; worker < debugger->target.program.header->n_workers; worker++) {
		if (worker == debugger->selected_worker)
			continue;
		debug_describe_worker(&debugger->target, worker, out);
		strbuf_add(out, "\n");
	}
	return STATUS_OK;
}

/* -- what is selected ------------------------------------------------------------------------------------------------- */

int commands_do_worker(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debugger *debugger = context->debugger;
	char word[COMMANDS_WORD_BYTES];
	uint32_t worker = debugger->selected_worker;
	int status = STATUS_OK;

	if (commands_word(&rest, word))
		status = commands_find_worker(context, word, &worker, error);
	if (!status)
		status = commands_end(rest, error);
	if (status)
		return status;
	debugger->selected_worker = worker;
	context->next_listed = 0;
	if (debugger->target.program.header) {
		debug_describe_worker(&debugger->target, worker, out);
		strbuf_add(out, "\n");
		return STATUS_OK;
	}
	commands_add_worker(context, worker, out);
	strbuf_add(out, " is selected.\n");
	return STATUS_OK;
}

static uint32_t count_held(struct debug_context *context, uint64_t execution, uint32_t *ret_n_nodes)
{
	const struct program *program = debugger_program(context->debugger);
	struct debug_value value;
	uint32_t n = 0;

	*ret_n_nodes = 0;
	for (uint32_t node = 0; node < program->header->n_nodes; node++) {
		if (!commands_n_outputs(program, node))
			continue;
		++*ret_n_nodes;
		n += !debug_value_find(&context->debugger->target, node, 0, execution, &value, NULL);
	}
	return n;
}

/* "latest", N, or −N: counted back from the current one. */
static int parse_execution(const struct debug_context *context, const char *word, uint64_t *ret_execution,
	struct error *error)
{
	uint64_t current = debugger_execution(context->debugger), back;

	*ret_execution = DEBUG_LATEST;
	if (!strcmp(word, "latest") || commands_is_number(word, ret_execution))
		return STATUS_OK;
	if (word[0] != '-' || !commands_is_number(word + 1, &back))
		return error_set(error, STATUS_SYNTAX, "'%s' is no execution: a number, latest, or -1 for the one before",
			word);
	if (current == DEBUG_LATEST || back > current)
		return error_set(error, STATUS_INPUT, "there is no execution that far back");
	*ret_execution = current - back;
	return STATUS_OK;
}

static int nothing_held(struct debug_context *context, uint64_t execution, struct error *error)
{
	struct debug_history history;

	debug_history(&context->debugger->target, &history);
	if (history.first_execution == UINT64_MAX)
		return error_set(error, STATUS_INPUT, "nothing of execution %" PRIu64 " is held, and nothing is captured",
			execution);
	return error_set(error, STATUS_INPUT,
		"nothing of execution %" PRIu64 " is held; captured are %" PRIu64 " to %" PRIu64, execution,
		history.first_execution, history.last_execution);
}

int commands_do_execution(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debugger *debugger = context->debugger;
	char word[COMMANDS_WORD_BYTES];
	uint64_t execution = debugger->selected_execution;
	uint32_t n_held = 0, n_nodes = 0;
	bool is_given = commands_word(&rest, word);
	int status = is_given ? parse_execution(context, word, &execution, error) : STATUS_OK;

	if (!status)
		status = commands_end(rest, error);
	if (status)
		return status;
	if (execution != DEBUG_LATEST) {
		n_held = count_held(context, execution, &n_nodes);
		if (!n_held)
			return nothing_held(context, execution, error);
	}
	if (is_given) {
		debugger->selected_execution = execution;
		debugger->selected_node = PROGRAM_NONE;
		context->next_listed = 0;
	}
	if (execution == DEBUG_LATEST && debugger_execution(debugger) != DEBUG_LATEST)
		strbuf_addf(out, "The present one: execution %" PRIu64 ".\n", debugger_execution(debugger));
	else if (execution == DEBUG_LATEST)
		strbuf_add(out, "The present one.\n");
	else
		strbuf_addf(out, "Execution %" PRIu64 ": of %" PRIu32 " nodes' values %" PRIu32 " are held.\n", execution,
			n_nodes, n_held);
	return STATUS_OK;
}

/* -- back and forth --------------------------------------------------------------------------------------------------- */

static void add_position(struct debug_context *context, struct strbuf *out)
{
	const struct debugger *debugger = context->debugger;
	const struct debug_halt *halt = &debugger->halt;

	if (debugger->selected_node != PROGRAM_NONE) {
		strbuf_add(out, "Looking back at ");
		commands_add_node(context, debugger->selected_node, out);
		strbuf_addf(out, ", execution %" PRIu64 "; the run stands", debugger_execution(debugger));
	} else {
		strbuf_add(out, "The run stands");
	}
	if (halt->has_gate) {
		strbuf_add(out, " ");
		commands_add_place(context, halt->worker, &halt->gate, out);
	} else {
		strbuf_add(out, debugger->state == DEBUG_ENDED ? " at its end" : " at no node");
	}
	if (debugger->selected_node == PROGRAM_NONE && debugger->selected_execution != DEBUG_LATEST)
		strbuf_addf(out, "; execution %" PRIu64 " is looked at", debugger->selected_execution);
	strbuf_add(out, "\n");
}

int commands_do_position(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	int status = commands_end(rest, error);

	if (!status)
		add_position(context, out);
	return status;
}

static int move_cursor(struct debug_context *context, const char *rest, int direction, struct strbuf *out,
	struct error *error)
{
	uint64_t count;
	int status = commands_count(rest, 1, &count, error);

	if (!status)
		status = debugger_move_cursor(context->debugger, direction, count, error);
	if (status)
		return status;
	context->next_listed = 0;
	add_position(context, out);
	commands_show_displays(context, false, out);
	return STATUS_OK;
}

int commands_do_reverse_step(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return move_cursor(context, rest, -1, out, error);
}

int commands_do_forward(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return move_cursor(context, rest, 1, out, error);
}
