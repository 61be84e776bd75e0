/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_info_run: what `info` tells of the run and of the debugger itself.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/base/table.h"
#include "engine/debug/commands_info.h"
#include "engine/debug/commands_private.h"

#define EXECUTIONS_MAX 64

/* -- workers ---------------------------------------------------------------------------------------------------------- */

static void add_worker_line(struct debug_context *context, uint32_t worker, struct strbuf *out)
{
	struct debugger *debugger = context->debugger;
	const struct program *program = debugger_program(debugger);

	strbuf_add(out, worker == debugger->selected_worker ? "* " : "  ");
	if (debugger->target.program.header)
		debug_describe_worker(&debugger->target, worker, out);
	else
		commands_add_worker(context, worker, out);
	strbuf_add(out, " (");
	strbuf_add_printable(out, program_string(program, program->workers[worker].device));
	if (debugger->target.is_live && debugger->target.control.header && worker < debugger->target.control.n_workers)
		strbuf_addf(out, ", process %d", (int)atomic_load(&debugger->target.control.header->workers[worker].pid));
	strbuf_add(out, debugger->is_held && debugger->is_held[worker] ? ", held)\n" : ")\n");
}

int commands_info_workers(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	for (uint32_t worker = 0; worker < debugger_program(context->debugger)->header->n_workers; worker++)
		add_worker_line(context, worker, out);
	return STATUS_OK;
}

/* -- executions ------------------------------------------------------------------------------------------------------- */

/* The newest executions of which anything is held, ascending and each once. */
static uint32_t collect_executions(struct debug_context *context, uint64_t executions[EXECUTIONS_MAX])
{
	const struct program *program = debugger_program(context->debugger);
	uint64_t held[EXECUTIONS_MAX];
	uint32_t n = 0, total;

	for (uint32_t node = 0; node < program->header->n_nodes; node++) {
		if (!commands_n_outputs(program, node))
			continue;
		uint32_t n_held = debug_value_executions(&context->debugger->target, node, 0, held, EXECUTIONS_MAX, &total);
		for (uint32_t i = 0; i < n_held; i++) {
			uint32_t at = 0;
			while (at < n && executions[at] < held[i])
				at++;
			if ((at < n && executions[at] == held[i]) || n == EXECUTIONS_MAX)
				continue;
			memmove(&executions[at + 1], &executions[at], (n - at) * sizeof *executions);
			executions[at] = held[i];
			n++;
		}
	}
	return n;
}

static void add_execution_row(struct debug_context *context, uint64_t execution, struct table *table)
{
	const struct program *program = debugger_program(context->debugger);
	struct debug_target *target = &context->debugger->target;
	struct debug_worker_state state;
	struct debug_value value;
	struct strbuf there = STRBUF_INIT;
	int n_held = 0, n_failed = 0;

	for (uint32_t node = 0; node < program->header->n_nodes; node++) {
		if (!commands_n_outputs(program, node) || debug_value_find(target, node, 0, execution, &value, NULL))
			continue;
		n_held++;
		n_failed += value.failure != 0;
	}
	for (uint32_t worker = 0; worker < program->header->n_workers; worker++) {
		debug_look(target, worker, &state);
		if (state.node == PROGRAM_NONE || state.execution != execution || state.activity == DEBUG_IDLE
			|| state.activity == DEBUG_GONE)
			continue;
		strbuf_add(&there, there.length ? ", " : "");
		commands_add_worker(context, worker, &there);
		strbuf_add(&there, " at ");
		commands_add_node(context, state.node, &there);
	}
	table_int(table, (int64_t)execution);
	table_int(table, n_held);
	table_int(table, n_failed);
	table_text(table, strbuf_text(&there));
	strbuf_finish(&there);
}

int commands_info_executions(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	static const struct table_column columns[] = {
		{ "execution", TABLE_INT }, { "values held", TABLE_INT }, { "failed", TABLE_INT }, { "there", TABLE_TEXT },
	};
	uint64_t executions[EXECUTIONS_MAX];
	uint32_t n = collect_executions(context, executions);
	struct table table;

	if (!n) {
		strbuf_add(out, "Nothing of any execution is held.\n");
		return STATUS_OK;
	}
	table_init(&table, columns, ARRAY_LEN(columns));
	for (uint32_t i = 0; i < n; i++)
		add_execution_row(context, executions[i], &table);
	table_print(&table, 0, out);
	table_finish(&table);
	return STATUS_OK;
}

/* -- stops, displays -------------------------------------------------------------------------------------------------- */

int commands_info_stops(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	const struct debugger *debugger = context->debugger;

	if (!debugger->stops.n_items)
		strbuf_add(out, "No stops.\n");
	for (int i = 0; i < debugger->stops.n_items; i++) {
		const struct debug_stop *stop = debugger->stops.items[i];
		strbuf_addf(out, "%-3d ", stop->id);
		debug_stop_describe(stop, debugger_program(debugger), out);
		strbuf_add(out, "\n");
		for (int k = 0; k < stop->n_commands; k++) {
			strbuf_add(out, "        ");
			strbuf_add_printable(out, stop->commands[k]);
			strbuf_add(out, "\n");
		}
	}
	for (int i = 0; i < debugger->n_pending; i++) {
		strbuf_add(out, "set ");
		strbuf_add_printable(out, debugger->pending[i].text);
		if (debugger->pending[i].execution != DEBUG_LATEST)
			strbuf_addf(out, ", in execution %" PRIu64, debugger->pending[i].execution);
		strbuf_add(out, "\n");
	}
	return STATUS_OK;
}

int commands_info_display(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	const struct debugger *debugger = context->debugger;

	if (!debugger->n_displays)
		strbuf_add(out, "No displays.\n");
	for (int i = 0; i < debugger->n_displays; i++) {
		strbuf_addf(out, "%-3d ", debugger->displays[i].id);
		strbuf_add_printable(out, debugger->displays[i].text);
		strbuf_add(out, "\n");
	}
	return STATUS_OK;
}

/* -- the run ---------------------------------------------------------------------------------------------------------- */

static const char *const state_phrases[] = {
	[DEBUG_READY] = "not started",
	[DEBUG_MOVING] = "moving",
	[DEBUG_HALTED] = "halted",
	[DEBUG_ENDED] = "over",
	[DEBUG_SAVED] = "a saved state",
};

int commands_info_run(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	const struct debugger *debugger = context->debugger;
	const struct program *program = debugger_program(debugger);

	strbuf_addf(out, "The run is %s", state_phrases[debugger->state]);
	if (program && debugger->target.program.header)
		strbuf_addf(out, ", %s, seed %" PRIu64, run_mode_word((enum run_mode)program->header->mode),
			program->header->seed);
	if (commands_is_live(context))
		strbuf_addf(out, ", process %d, %s", (int)debugger->target.driver_pid, debugger->is_child ? "started here"
			: "attached to");
	if (debugger->state == DEBUG_ENDED && debugger->exit_status >= 0)
		strbuf_addf(out, ", exit status %d", debugger->exit_status);
	strbuf_add(out, "\n");
	if (debugger->options.run_arguments) {
		strbuf_add(out, "tandem run");
		for (int i = 0; debugger->options.run_arguments[i]; i++) {
			strbuf_add(out, " ");
			strbuf_add_printable(out, debugger->options.run_arguments[i]);
		}
		strbuf_add(out, "\n");
	}
	return STATUS_OK;
}

int commands_info_stack(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	if (!commands_has_stack(context))
		return error_set(error, STATUS_INPUT, "no op crashed in this run");
	commands_add_stack(context, out);
	return STATUS_OK;
}
