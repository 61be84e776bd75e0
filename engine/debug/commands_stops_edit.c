/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_stops_edit: what is done with existing stops: delete, enable, ignore, conditions, commands of their own.
 */
#include "engine/debug/commands_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The stop that a word names. */
static int find_stop(const struct debug_context *context, const char **rest, struct debug_stop **ret_stop,
	struct error *error)
{
	uint64_t id;
	int status = commands_number(rest, "the number of a stop", &id, error);

	if (status)
		return status;
	*ret_stop = id <= INT32_MAX ? debug_stops_find(&context->debugger->stops, (int)id) : NULL;
	return *ret_stop ? STATUS_OK : error_set(error, STATUS_INPUT,
		"there is no stop %" PRIu64 "; 'info stops' lists them", id);
}

enum stop_change { STOP_DELETE, STOP_ENABLE, STOP_DISABLE };

static void change(struct debug_context *context, struct debug_stop *stop, enum stop_change how)
{
	if (how == STOP_DELETE)
		debug_stops_delete(&context->debugger->stops, stop->id);
	else
		stop->is_enabled = how == STOP_ENABLE;
}

/* To the stops that are named, or to all; nothing happens when one of them is not there. */
static int change_stops(struct debug_context *context, const char *rest, enum stop_change how, struct error *error)
{
	struct debug_stops *stops = &context->debugger->stops;
	struct debug_stop *stop;
	int status = STATUS_OK;

	for (const char *at = rest; !status && *commands_skip(at);)
		status = find_stop(context, &at, &stop, error);
	if (status)
		return status;
	if (!*commands_skip(rest)) {
		if (how == STOP_DELETE && stops->n_items && !commands_ask(context, "Delete all stops?"))
			return STATUS_OK;
		for (int i = stops->n_items; i-- > 0;)
			change(context, stops->items[i], how);
	}
	while (*commands_skip(rest)) {
		if (!find_stop(context, &rest, &stop, error)) /* named twice: gone by now */
			change(context, stop, how);
	}
	debugger_arm(context->debugger);
	return STATUS_OK;
}

int commands_do_delete(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return change_stops(context, rest, STOP_DELETE, error);
}

int commands_do_enable(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return change_stops(context, rest, STOP_ENABLE, error);
}

int commands_do_disable(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	return change_stops(context, rest, STOP_DISABLE, error);
}

int commands_do_ignore(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debug_stop *stop;
	uint64_t n;
	int status = find_stop(context, &rest, &stop, error);

	if (!status)
		status = commands_number(&rest, "how many hits to pass over", &n, error);
	if (!status)
		status = commands_end(rest, error);
	if (status)
		return status;
	stop->n_ignore = n;
	strbuf_addf(out, "The next %" PRIu64 " hits of stop %d are passed over.\n", n, stop->id);
	return STATUS_OK;
}

int commands_do_condition(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debug_stop *stop;
	struct debug_expression *expression = NULL;
	const struct program *program = debugger_program(context->debugger);
	int status = find_stop(context, &rest, &stop, error);

	if (status)
		return status;
	rest = commands_skip(rest);
	if (*rest)
		status = debug_expression_parse(program, rest, &expression, error);
	if (!status && expression && stop->place == GATE_BEFORE && debug_expression_needs_outputs(expression))
		status = error_set(error, STATUS_INPUT,
			"the condition looks at outputs, which do not exist before compute, where stop %d is",
			stop->id);
	debug_expression_finish(expression);
	if (!status)
		status = debug_stop_set_condition(stop, program, *rest ? rest : NULL, error);
	if (status)
		return status;
	debugger_arm(context->debugger);
	strbuf_addf(out, "%d: ", stop->id);
	debug_stop_describe(stop, program, out);
	strbuf_add(out, "\n");
	return STATUS_OK;
}

int commands_do_commands(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debug_stops *stops = &context->debugger->stops;
	struct debug_stop *stop;
	int status = STATUS_OK;

	if (*commands_skip(rest))
		status = find_stop(context, &rest, &stop, error);
	else if (stops->n_items)
		stop = stops->items[stops->n_items - 1];
	else
		status = error_set(error, STATUS_USAGE, "there are no stops yet");
	if (!status)
		status = commands_end(rest, error);
	if (status)
		return status;
	context->defining_stop = stop->id;
	if (!context->is_scripted)
		strbuf_addf(out, "Commands for stop %d, one a line; 'end' ends them.\n", stop->id);
	return STATUS_OK;
}
