/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_run: commands that set the run in motion, hold processes, attach, let go and end.
 */
#include "engine/debug/commands_private.h"

#include <inttypes.h>
#include <string.h>

#define ATTACH_LIMIT_NS INT64_C(5000000000)

/* -- starting and ending ---------------------------------------------------------------------------------------------- */

static int start(struct debug_context *context, const char *rest, bool goes_on, struct error *error)
{
	struct debugger *debugger = context->debugger;
	int status = commands_end(rest, error);

	if (status)
		return status;
	if (debugger->state == DEBUG_SAVED)
		return error_set(error, STATUS_USAGE, "this is a saved state: open the graph to run it again");
	if (commands_is_live(context) && !commands_ask(context, "A run is under way. End it and start from the beginning?"))
		return STATUS_OK;
	return debugger_start(debugger, goes_on, error);
}

int commands_do_run(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return start(context, rest, true, error);
}

int commands_do_start(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return start(context, rest, false, error);
}

static int need_live(const struct debug_context *context, struct error *error)
{
	return commands_is_live(context) ? STATUS_OK : error_set(error, STATUS_USAGE, "nothing runs");
}

int commands_do_kill(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	int status = commands_end(rest, error);

	if (!status)
		status = need_live(context, error);
	if (status || !commands_ask(context, "End the run?"))
		return status;
	status = debugger_kill(context->debugger, error);
	if (!status)
		strbuf_add(out, "The run was ended.\n");
	return status;
}

int commands_do_detach(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	int status = commands_end(rest, error);

	if (!status)
		status = need_live(context, error);
	if (status)
		return status;
	pid_t pid = context->debugger->target.driver_pid;
	status = debugger_detach(context->debugger, error);
	if (!status)
		strbuf_addf(out, "The run, process %d, goes on without the debugger.\n", (int)pid);
	return status;
}

int commands_do_attach(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	uint64_t pid;
	int status = commands_number(&rest, "the process", &pid, error);

	if (!status)
		status = commands_end(rest, error);
	if (status)
		return status;
	if (!pid || pid > INT32_MAX)
		return error_set(error, STATUS_INPUT, "there is no process %" PRIu64, pid);
	if (context->debugger->state == DEBUG_SAVED)
		return error_set(error, STATUS_USAGE, "this is a saved state: leave it with 'quit' first");
	if (commands_is_live(context))
		return error_set(error, STATUS_USAGE, "a run is being debugged: 'detach' from it or 'kill' it first");
	return debugger_attach(context->debugger, (pid_t)pid, ATTACH_LIMIT_NS, error);
}

/* -- going on --------------------------------------------------------------------------------------------------------- */

static int resume(struct debug_context *context, const char *rest, enum debug_resume how, struct error *error)
{
	uint64_t count;
	int status = commands_count(rest, 1, &count, error);
	return status ? status : debugger_resume(context->debugger, how, count, error);
}

int commands_do_step(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return resume(context, rest, DEBUG_RESUME_STEP, error);
}

int commands_do_node(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return resume(context, rest, DEBUG_RESUME_NODE, error);
}

int commands_do_next(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return resume(context, rest, DEBUG_RESUME_NEXT, error);
}

int commands_do_continue(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debugger *debugger = context->debugger;
	uint64_t count;
	int status = commands_count(rest, 1, &count, error);

	if (status)
		return status;
	struct debug_stop *stop = debug_stops_find(&debugger->stops, debugger->halt.stop);
	if (count > 1 && (debugger->halt.reason != DEBUG_REASON_STOP || !stop || stop->is_temporary))
		return error_set(error, STATUS_USAGE,
			"this is no stop whose hits could be passed over: 'continue' without a number");
	if (count > 1) {
		stop->n_ignore = count - 1;
		strbuf_addf(out, "The next %" PRIu64 " hits of stop %d are passed over.\n", stop->n_ignore, stop->id);
	}
	return debugger_resume(debugger, DEBUG_RESUME_CONTINUE, 1, error);
}

int commands_do_finish(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	int status = commands_end(rest, error);
	return status ? status : debugger_resume(context->debugger, DEBUG_RESUME_FINISH, 1, error);
}

/* What `until` is told: NODE, NODE@EXECUTION, EXECUTION, "execution N". */
static int parse_until(const struct debug_context *context, const char *rest, struct debug_stop *stop, struct error *error)
{
	char word[COMMANDS_WORD_BYTES];
	int status;

	if (commands_take(&rest, "execution")) {
		status = commands_number(&rest, "the execution", &stop->from_execution, error);
		return status ? status : commands_end(rest, error);
	}
	if (!commands_word(&rest, word))
		return error_set(error, STATUS_SYNTAX, "the node or execution is missing");
	status = commands_end(rest, error);
	if (status)
		return status;
	bool is_node = debug_find_node(debugger_program(context->debugger), word, NULL) != PROGRAM_NONE;
	if (!is_node && commands_is_number(word, &stop->from_execution))
		return STATUS_OK;
	status = commands_find_place(context, word, &stop->node, &stop->execution, error);
	if (!status && stop->node == GRAPH_INPUT)
		stop->place = GATE_AFTER;
	return status;
}

int commands_do_until(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debugger *debugger = context->debugger;
	struct debug_stop *stop = debug_stops_add(&debugger->stops, DEBUG_STOP_BREAK);

	if (!stop)
		return error_set(error, STATUS_NO_MEMORY, "no memory for a stop");
	stop->is_temporary = true;
	stop->place = GATE_BEFORE;
	int id = stop->id;
	int status = parse_until(context, rest, stop, error);
	if (!status) {
		debugger_arm(debugger);
		status = debugger_resume(debugger, DEBUG_RESUME_UNTIL, 1, error);
	}
	if (status) {
		debug_stops_delete(&debugger->stops, id);
		debugger_arm(debugger);
	}
	return status;
}

int commands_do_interrupt(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	int status = commands_end(rest, error);

	if (status)
		return status;
	if (context->debugger->state != DEBUG_MOVING)
		return error_set(error, STATUS_USAGE, "nothing moves");
	debugger_interrupt(context->debugger);
	return STATUS_OK;
}

/* -- holding one process ---------------------------------------------------------------------------------------------- */

static int hold(struct debug_context *context, const char *rest, bool is_held, struct strbuf *out, struct error *error)
{
	char word[COMMANDS_WORD_BYTES];
	uint32_t worker;

	if (!commands_word(&rest, word))
		return error_set(error, STATUS_SYNTAX, "the worker is missing");
	int status = commands_end(rest, error);
	if (!status)
		status = commands_find_worker(context, word, &worker, error);
	if (status)
		return status;
	debugger_hold(context->debugger, worker, is_held);
	commands_add_worker(context, worker, out);
	strbuf_add(out, is_held ? " stands at its next gate until 'release'.\n" : " moves with the others again.\n");
	return STATUS_OK;
}

int commands_do_hold(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return hold(context, rest, true, out, error);
}

int commands_do_release(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return hold(context, rest, false, out, error);
}
