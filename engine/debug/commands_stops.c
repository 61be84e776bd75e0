/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_stops: making breakpoints, watchpoints and catchpoints from what was typed. What is done with existing ones:
 * commands_stops_edit.c.
 */
#include "engine/debug/commands_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"

/* -- a new stop ------------------------------------------------------------------------------------------------------- */

/* Keeps a stop that was parsed well, and says so; deletes it otherwise. */
static int conclude(struct debug_context *context, struct debug_stop *stop, int status, struct strbuf *out)
{
	struct debug_stops *stops = &context->debugger->stops;

	if (status) {
		debug_stops_delete(stops, stop->id);
		return status;
	}
	debugger_arm(context->debugger);
	const char *phrase = stop->is_temporary ? "temporary breakpoint" : commands_stop_phrase(stop->kind);
	strbuf_addf(out, "%c%s %d: ", phrase[0] - 'a' + 'A', phrase + 1, stop->id);
	debug_stop_describe(stop, debugger_program(context->debugger), out);
	strbuf_add(out, "\n");
	return STATUS_OK;
}

static int add_stop(struct debug_context *context, enum debug_stop_kind kind, struct debug_stop **ret_stop,
	struct error *error)
{
	*ret_stop = debug_stops_add(&context->debugger->stops, kind);
	if (!*ret_stop)
		return error_set(error, STATUS_NO_MEMORY, "no memory for a stop");
	(*ret_stop)->place = kind == DEBUG_STOP_BREAK ? GATE_BEFORE : GATE_AFTER;
	return STATUS_OK;
}

static int set_condition(const struct debug_context *context, struct debug_stop *stop, const char *rest, struct error *error)
{
	rest = commands_skip(rest);
	if (!*rest)
		return error_set(error, STATUS_SYNTAX, "the condition is missing behind 'if'");
	return debug_stop_set_condition(stop, debugger_program(context->debugger), rest, error);
}

/* -- break ------------------------------------------------------------------------------------------------------------ */

struct break_place {
	bool has_place; /* "before" or "after" was typed */
};

static int parse_break_op(const struct debug_context *context, struct debug_stop *stop, const char **rest,
	struct error *error)
{
	const struct program *program = debugger_program(context->debugger);
	char word[COMMANDS_WORD_BYTES];

	if (!commands_word(rest, word))
		return error_set(error, STATUS_SYNTAX, "the op is missing behind 'op'");
	for (uint32_t node = 0; node < program->header->n_nodes; node++) {
		if (strcmp(debug_op_name(program, node), word))
			continue;
		free(stop->op);
		stop->op = strdup(word);
		return stop->op ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for a stop");
	}
	return error_set(error, STATUS_INPUT, "no node of this graph performs '%s'; 'info nodes' lists them", word);
}

static int parse_break_worker(const struct debug_context *context, struct debug_stop *stop, const char **rest,
	struct error *error)
{
	char word[COMMANDS_WORD_BYTES];

	if (!commands_word(rest, word))
		return error_set(error, STATUS_SYNTAX, "the worker is missing behind 'worker'");
	return commands_find_worker(context, word, &stop->worker, error);
}

static int parse_break_node(const struct debug_context *context, struct debug_stop *stop, const char **rest,
	struct error *error)
{
	char word[COMMANDS_WORD_BYTES];
	uint64_t execution;

	if (!commands_word(rest, word))
		return error_set(error, STATUS_SYNTAX, "the node is missing");
	if (stop->node != PROGRAM_NONE)
		return error_set(error, STATUS_SYNTAX, "'%s' is one node too many", word);
	int status = commands_find_place(context, word, &stop->node, &execution, error);
	if (!status && execution != UINT64_MAX)
		stop->execution = execution;
	return status;
}

/* One part of a place. */
static int parse_break_part(const struct debug_context *context, struct debug_stop *stop, const char **rest,
	struct break_place *place,
	struct error *error)
{
	if (commands_take(rest, "op"))
		return parse_break_op(context, stop, rest, error);
	if (commands_take(rest, "worker"))
		return parse_break_worker(context, stop, rest, error);
	if (commands_take(rest, "execution"))
		return commands_number(rest, "the execution", &stop->execution, error);
	if (commands_take(rest, "from"))
		return commands_number(rest, "the first execution", &stop->from_execution, error);
	bool is_before = commands_take(rest, "before");
	if (is_before || commands_take(rest, "after")) {
		place->has_place = true;
		stop->place = is_before ? GATE_BEFORE : GATE_AFTER;
		return STATUS_OK;
	}
	commands_take(rest, "node");
	return parse_break_node(context, stop, rest, error);
}

/* Which of the two gates, where it was not said or cannot be. */
static int settle_place(struct debug_stop *stop, const struct break_place *place, struct error *error)
{
	bool needs_outputs = stop->condition && debug_expression_needs_outputs(stop->condition);

	if (!place->has_place && (needs_outputs || stop->node == GRAPH_INPUT))
		stop->place = GATE_AFTER;
	if (stop->place == GATE_BEFORE && stop->node == GRAPH_INPUT)
		return error_set(error, STATUS_INPUT,
			"'input' is there as soon as it is submitted: it can only be stopped 'after'");
	if (stop->place == GATE_AFTER && stop->node == GRAPH_OUTPUT)
		return error_set(error, STATUS_INPUT, "'output' computes nothing: it can only be stopped 'before'");
	if (stop->place == GATE_BEFORE && needs_outputs)
		return error_set(error, STATUS_INPUT, "the condition looks at outputs, which exist only 'after' compute");
	return STATUS_OK;
}

static int parse_break(const struct debug_context *context, struct debug_stop *stop, const char *rest, struct error *error)
{
	struct break_place place = { 0 };
	bool has_filter = false, has_condition = false;
	int status = STATUS_OK;

	while (!status && *commands_skip(rest) && !(has_condition = commands_take(&rest, "if"))) {
		status = parse_break_part(context, stop, &rest, &place, error);
		has_filter = true;
	}
	if (!status && !has_filter)
		stop->node = debugger_node(context->debugger);
	if (!status && !has_filter && stop->node == PROGRAM_NONE)
		status = error_set(error, STATUS_SYNTAX, "it stands at no node: say which");
	if (!status && has_condition)
		status = set_condition(context, stop, rest, error);
	return status ? status : settle_place(stop, &place, error);
}

static int make_break(struct debug_context *context, const char *rest, bool is_temporary, struct strbuf *out,
	struct error *error)
{
	struct debug_stop *stop;
	int status = add_stop(context, DEBUG_STOP_BREAK, &stop, error);

	if (status)
		return status;
	stop->is_temporary = is_temporary;
	return conclude(context, stop, parse_break(context, stop, rest, error), out);
}

int commands_do_break(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return make_break(context, rest, false, out, error);
}

int commands_do_tbreak(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return make_break(context, rest, true, out, error);
}

/* -- watch ------------------------------------------------------------------------------------------------------------ */

static int parse_watch(const struct debug_context *context, struct debug_stop *stop, const char *rest, struct error *error)
{
	int status = commands_reference(context, &rest, &stop->watched, error);

	if (status)
		return status;
	if (stop->watched.has_execution)
		return error_set(error, STATUS_INPUT, "each execution is compared with the one before: leave the '@' out");
	stop->node = stop->watched.node;
	if (stop->node == GRAPH_OUTPUT)
		stop->place = GATE_BEFORE;
	if (commands_take(&rest, "tolerance")) {
		status = commands_real(&rest, "the tolerance", &stop->tolerance, error);
		if (!status && !(stop->tolerance >= 0))
			status = error_set(error, STATUS_SYNTAX, "a tolerance is not negative");
	}
	if (!status && commands_take(&rest, "if"))
		return set_condition(context, stop, rest, error);
	return status ? status : commands_end(rest, error);
}

int commands_do_watch(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debug_stop *stop;
	int status = add_stop(context, DEBUG_STOP_WATCH, &stop, error);
	return status ? status : conclude(context, stop, parse_watch(context, stop, rest, error), out);
}

/* -- catch ------------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *word;
	enum debug_stop_kind kind;
	bool has_limit;
} catches[] = {
	{ "error", DEBUG_STOP_ERROR },
	{ "nan", DEBUG_STOP_NAN },
	{ "inf", DEBUG_STOP_INF },
	{ "duration", DEBUG_STOP_SLOW, true },
	{ "wait", DEBUG_STOP_WAIT, true },
};

static int parse_limit(struct debug_stop *stop, const char **rest, struct error *error)
{
	char word[COMMANDS_WORD_BYTES];

	if (!commands_word(rest, word))
		return error_set(error, STATUS_SYNTAX, "the limit is missing, such as 2ms");
	if (units_parse_duration(word, &stop->limit_ns) || stop->limit_ns < 0)
		return error_set(error, STATUS_SYNTAX, "'%s' is no time such as 250us, 2ms or 1.5s", word);
	return STATUS_OK;
}

static int parse_catch(const struct debug_context *context, struct debug_stop *stop, bool has_limit, const char *rest,
	struct error *error)
{
	struct break_place place = { 0 };
	int status = has_limit ? parse_limit(stop, &rest, error) : STATUS_OK;

	while (!status && *commands_skip(rest)) {
		if (commands_take(&rest, "if"))
			return set_condition(context, stop, rest, error);
		status = parse_break_part(context, stop, &rest, &place, error);
		if (!status && place.has_place)
			status = error_set(error, STATUS_SYNTAX, "what is caught is seen after compute");
	}
	return status;
}

int commands_do_catch(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debug_stop *stop;
	char word[COMMANDS_WORD_BYTES];

	if (!commands_word(&rest, word))
		return error_set(error, STATUS_SYNTAX, "say what: error, nan, inf, duration LIMIT or wait LIMIT");
	for (size_t i = 0; i < ARRAY_LEN(catches); i++) {
		if (strcmp(catches[i].word, word))
			continue;
		int status = add_stop(context, catches[i].kind, &stop, error);
		return status ? status : conclude(context, stop, parse_catch(context, stop, catches[i].has_limit, rest,
			error), out);
	}
	return error_set(error, STATUS_SYNTAX,
		"'%s' cannot be caught, only error, nan, inf, duration LIMIT and wait LIMIT", word);
}
