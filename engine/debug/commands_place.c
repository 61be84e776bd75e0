/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_place: places and names in words; what is said when the run has halted.
 */
#include "engine/debug/commands_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"
#include "engine/debug/stack.h"

#define DURATION_BYTES 32

void commands_add_node(const struct debug_context *context, uint32_t node, struct strbuf *out)
{
	const struct program *program = debugger_program(context->debugger);
	strbuf_add_printable(out, program && node < program->header->n_nodes ? debug_node_name(program, node) : "-");
}

void commands_add_worker(const struct debug_context *context, uint32_t worker, struct strbuf *out)
{
	const struct program *program = debugger_program(context->debugger);
	strbuf_add_printable(out, program && worker < program->header->n_workers ? debug_worker_name(program, worker) : "-");
}

void commands_add_type(const struct program *program, uint32_t node, uint32_t output, struct strbuf *out)
{
	const struct program_range *types = &program->nodes[node].types;
	char text[200];

	if (output < types->n)
		strbuf_add(out, type_describe(&program->types[types->first + output], &program->header->symbols, false,
			text, sizeof text));
}

const char *commands_failure_text(const struct debug_context *context, uint32_t failure)
{
	const struct control *control = &context->debugger->target.control;
	return failure && control->header && failure <= control->n_failures ? control->failures[failure - 1].text : "";
}

uint32_t commands_n_outputs(const struct program *program, uint32_t node)
{
	return program->nodes[node].types.n;
}

/* -- a place ---------------------------------------------------------------------------------------------------------- */

static void add_failure(const struct debug_context *context, uint32_t failure, struct strbuf *out)
{
	char text[CONTROL_FAILURE_TEXT_BYTES + 1];

	if (!failure)
		return;
	strncpy(text, commands_failure_text(context, failure), sizeof text - 1);
	text[sizeof text - 1] = '\0';
	strbuf_add(out, "; it has failed");
	if (text[0]) {
		strbuf_add(out, ": ");
		strbuf_add_printable(out, text);
	}
}

void commands_add_place(const struct debug_context *context, uint32_t worker, const struct gate_stop *stop,
	struct strbuf *out)
{
	const struct debug_target *target = &context->debugger->target;
	char text[DURATION_BYTES];
	const char *between = " (";

	strbuf_add(out, stop->place == GATE_BEFORE ? "before " : "after ");
	commands_add_node(context, stop->node, out);
	strbuf_add(out, " on ");
	commands_add_worker(context, worker, out);
	strbuf_addf(out, ", execution %" PRIu64, stop->execution);
	if (stop->op_ticks) {
		strbuf_addf(out, "%stook %s", between, units_duration(debug_duration_ns(target, stop->op_ticks), text,
			sizeof text));
		between = ", ";
	}
	if (stop->waited_ticks) {
		strbuf_addf(out, "%swaited %s", between, units_duration(debug_duration_ns(target, stop->waited_ticks),
			text, sizeof text));
		between = ", ";
	}
	if (*between == ',')
		strbuf_add(out, ")");
	add_failure(context, stop->failure, out);
}

/* -- a crashed op's stack --------------------------------------------------------------------------------------------- */

bool commands_has_stack(const struct debug_context *context)
{
	const struct gates_header *header = context->debugger->target.gates.header;
	return header && atomic_load(&header->frozen.stack_worker);
}

void commands_add_stack(const struct debug_context *context, struct strbuf *out)
{
	const struct gate_frozen *frozen = &context->debugger->target.gates.header->frozen;
	char stack[GATE_STACK_BYTES + 1];

	memcpy(stack, frozen->stack, GATE_STACK_BYTES);
	stack[GATE_STACK_BYTES] = '\0';
	commands_add_worker(context, atomic_load(&frozen->stack_worker) - 1, out);
	strbuf_addf(out, " was killed by signal %" PRIu32, frozen->signal_number);
	if (frozen->node != PROGRAM_NONE) {
		strbuf_add(out, " in ");
		commands_add_node(context, frozen->node, out);
	}
	strbuf_add(out, ":\n");
	debug_stack_describe(stack, out);
}

/* -- a halt ----------------------------------------------------------------------------------------------------------- */

static const char *const halt_openings[] = {
	[DEBUG_REASON_START] = "started: ",
	[DEBUG_REASON_STOP] = "",
	[DEBUG_REASON_STEP] = "",
	[DEBUG_REASON_BLOCKED] = "nothing can move: ",
	[DEBUG_REASON_INTERRUPT] = "interrupted: ",
	[DEBUG_REASON_END] = "",
	[DEBUG_REASON_SAVED] = "a saved state: ",
};

const char *commands_stop_phrase(enum debug_stop_kind kind)
{
	static const char *const phrases[] = {
#define X(name, word, phrase) phrase,
		DEBUG_STOP_MAP(X)
#undef X
	};
	return phrases[kind];
}

/* "breakpoint 2, before …"; that of `until` is gone by now. */
static void add_halt(const struct debug_context *context, struct strbuf *out)
{
	const struct debug_halt *halt = &context->debugger->halt;
	const struct debug_stop *stop = halt->reason == DEBUG_REASON_STOP ? debug_stops_find(&context->debugger->stops,
		halt->stop) : NULL;
	size_t start = out->length;

	if (stop)
		strbuf_addf(out, "%s %d, ", stop->is_temporary ? "temporary breakpoint"
			: commands_stop_phrase(stop->kind), stop->id);
	else
		strbuf_add(out, halt_openings[halt->reason]);
	if (halt->has_gate)
		commands_add_place(context, halt->worker, &halt->gate, out);
	else if (halt->reason != DEBUG_REASON_END)
		strbuf_add(out, "nobody stands at a node");
	if (out->length > start)
		strbuf_add(out, "\n");
	strbuf_add(out, strbuf_text(&halt->text));
	if (out->length > start && out->text[start] >= 'a' && out->text[start] <= 'z')
		out->text[start] += 'A' - 'a';
}

/* The stop's own commands; the copy is there because they may delete it. */
static int carry_out_commands(struct debug_context *context, int id, struct strbuf *out, struct error *error)
{
	const struct debug_stop *stop = debug_stops_find(&context->debugger->stops, id);
	struct strbuf lines = STRBUF_INIT;
	int status = STATUS_OK;

	for (int i = 0; stop && i < stop->n_commands; i++)
		strbuf_addf(&lines, "%s\n", stop->commands[i]);
	for (const char *at = strbuf_text(&lines), *end; *at && !status && !context->is_over; at = end + 1) {
		char line[COMMANDS_WORD_BYTES];
		end = at + strcspn(at, "\n");
		memcpy(line, at, (size_t)(end - at));
		line[end - at] = '\0';
		status = commands_nest(context, line, out, error);
		if (status)
			error_prefix(error, "commands of stop %d", id);
		if (context->debugger->state == DEBUG_MOVING)
			break;
	}
	strbuf_finish(&lines);
	return status;
}

int debug_settle(struct debug_context *context, struct strbuf *out, struct error *error)
{
	struct debugger *debugger = context->debugger;
	int defining_stop = context->defining_stop, status = STATUS_OK;

	context->next_listed = 0;
	context->defining_stop = 0; /* what follows is nobody's typing */
	add_halt(context, out);
	if (!context->shows_displays && (debugger->state == DEBUG_HALTED || debugger->state == DEBUG_SAVED))
		commands_show_displays(context, false, out);
	if (debugger->state == DEBUG_HALTED && debugger->halt.reason == DEBUG_REASON_STOP)
		status = carry_out_commands(context, debugger->halt.stop, out, error);
	context->defining_stop = defining_stop ? defining_stop : context->defining_stop;
	return status;
}
