/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_change: displays, `set`, where a value came from, what history holds.
 */
#include "engine/debug/commands_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/units.h"
#include "engine/debug/origin.h"

#define ORIGIN_DEPTH_DEFAULT 4
#define EXECUTIONS_SHOWN 12

/* -- displays --------------------------------------------------------------------------------------------------------- */

static void show_display(struct debug_context *context, const struct debug_display *display, struct strbuf *out)
{
	struct error error = { 0 };

	strbuf_addf(out, "%d: ", display->id);
	if (!commands_nest(context, display->text, out, &error))
		return;
	strbuf_add_printable(out, display->text);
	strbuf_addf(out, ": %s\n", error.text);
}

void commands_show_displays(struct debug_context *context, bool is_asked, struct strbuf *out)
{
	const struct debugger *debugger = context->debugger;

	for (int i = 0; i < debugger->n_displays; i++) {
		if (debugger->displays[i].is_enabled || is_asked)
			show_display(context, &debugger->displays[i], out);
	}
}

/* Whether `print` would understand what follows: a mistake shall be seen now, not at every halt. */
static int check_display(struct debug_context *context, const char *rest, struct error *error)
{
	struct strbuf text = STRBUF_INIT;
	int status = commands_do_print(context, rest, &text, error);

	strbuf_finish(&text);
	return status == STATUS_SYNTAX ? status : STATUS_OK;
}

int commands_do_display(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debugger *debugger = context->debugger;
	struct strbuf text = STRBUF_INIT;

	rest = commands_skip(rest);
	if (!*rest) {
		commands_show_displays(context, true, out);
		return STATUS_OK;
	}
	int status = check_display(context, rest, error);
	if (status)
		return status;
	struct debug_display *displays = realloc(debugger->displays, ((size_t)debugger->n_displays + 1) * sizeof *displays);
	if (displays)
		debugger->displays = displays;
	strbuf_addf(&text, "print %s", rest);
	char *copy = strbuf_take(&text);
	if (!displays || !copy) {
		free(copy);
		return error_set(error, STATUS_NO_MEMORY, "no memory for a display");
	}
	displays[debugger->n_displays] = (struct debug_display){ .id = ++debugger->n_display_ids, .text = copy,
		.is_enabled = true };
	show_display(context, &displays[debugger->n_displays++], out);
	return STATUS_OK;
}

static void remove_display(struct debugger *debugger, int idx)
{
	free(debugger->displays[idx].text);
	for (int i = idx; i < debugger->n_displays - 1; i++)
		debugger->displays[i] = debugger->displays[i + 1];
	debugger->n_displays--;
}

int commands_do_undisplay(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debugger *debugger = context->debugger;
	uint64_t id;

	if (!*commands_skip(rest)) {
		while (debugger->n_displays && commands_ask(context, "Remove all displays?"))
			remove_display(debugger, debugger->n_displays - 1);
		return STATUS_OK;
	}
	while (*commands_skip(rest)) {
		int idx = 0, status = commands_number(&rest, "the number of a display", &id, error);
		if (status)
			return status;
		while (idx < debugger->n_displays && (uint64_t)debugger->displays[idx].id != id)
			idx++;
		if (idx == debugger->n_displays)
			return error_set(error, STATUS_INPUT,
				"there is no display %" PRIu64 "; 'info display' lists them", id);
		remove_display(debugger, idx);
	}
	return STATUS_OK;
}

/* -- set -------------------------------------------------------------------------------------------------------------- */

/* Takes "--all-ranks" off either end. */
static bool take_all_ranks(char *text)
{
	static const char option[] = "--all-ranks";
	size_t length = strlen(text), n = sizeof option - 1;

	while (length && strchr(" \t", text[length - 1]))
		text[--length] = '\0';
	if (length > n && !strcmp(text + length - n, option) && strchr(" \t", text[length - n - 1])) {
		text[length - n] = '\0';
		return true;
	}
	const char *rest = text;
	if (!commands_take(&rest, option))
		return false;
	memmove(text, rest, strlen(rest) + 1);
	return true;
}

int commands_do_set(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debugger *debugger = context->debugger;
	struct debug_assignment assignment;
	char text[COMMANDS_WORD_BYTES];

	strcpy(text, commands_skip(rest));
	bool all_ranks = take_all_ranks(text);
	if (!strchr(text, '='))
		return error_set(error, STATUS_SYNTAX, "an assignment is missing, such as NODE.out[0,:4] = 1.5");
	int status = debug_assignment_parse(debugger_program(debugger), commands_skip(text), &assignment, error);
	if (status)
		return status;
	return debugger_set(debugger, &assignment, debugger_execution(debugger), all_ranks, commands_skip(text), out, error);
}

/* -- origin ----------------------------------------------------------------------------------------------------------- */

int commands_do_origin(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	struct debug_reference reference;
	uint64_t depth = ORIGIN_DEPTH_DEFAULT;
	bool has_depth = commands_take(&rest, "-d");
	int status = has_depth ? commands_number(&rest, "the depth", &depth, error) : STATUS_OK;

	if (!status)
		status = commands_reference(context, &rest, &reference, error);
	if (!status && !has_depth && commands_take(&rest, "-d"))
		status = commands_number(&rest, "the depth", &depth, error);
	if (!status)
		status = commands_end(rest, error);
	if (!status && depth < 1)
		status = error_set(error, STATUS_SYNTAX, "the depth must be at least 1");
	if (status)
		return status;
	return debug_origin(&context->debugger->target, &reference, debugger_execution(context->debugger),
		depth < DEBUG_ORIGIN_DEPTH_MAX ? (int)depth : DEBUG_ORIGIN_DEPTH_MAX, out, error);
}

/* -- history ---------------------------------------------------------------------------------------------------------- */

static void add_totals(const struct debug_context *context, struct strbuf *out)
{
	struct debug_history history;
	char held[32], budget[32], dropped[32];

	debug_history(&context->debugger->target, &history);
	strbuf_addf(out, "%" PRIu64 " values, %s of %s", history.n_entries, units_bytes(history.n_bytes, held, sizeof held),
		units_bytes(history.budget_bytes, budget, sizeof budget));
	if (history.first_execution != UINT64_MAX)
		strbuf_addf(out, ", executions %" PRIu64 " to %" PRIu64, history.first_execution, history.last_execution);
	if (history.n_dropped_bytes)
		strbuf_addf(out, "; the oldest %s were dropped", units_bytes(history.n_dropped_bytes, dropped,
			sizeof dropped));
	strbuf_add(out, context->debugger->keeps_history ? ".\n" : "; nothing more is captured.\n");
}

/* "layer3.0: executions 3 4 5", the newest when there are many. */
static void add_executions(struct debug_context *context, uint32_t node, uint32_t output, struct strbuf *out)
{
	uint64_t executions[256];
	uint32_t total, n = debug_value_executions(&context->debugger->target, node, output, executions,
		ARRAY_LEN(executions), &total);
	uint32_t first = n > EXECUTIONS_SHOWN ? n - EXECUTIONS_SHOWN : 0;

	commands_add_node(context, node, out);
	if (commands_n_outputs(debugger_program(context->debugger), node) > 1)
		strbuf_addf(out, ".out.%" PRIu32, output);
	strbuf_add(out, !total ? ": nothing is held" : total == 1 ? ": execution" : ": executions");
	if (first)
		strbuf_addf(out, " %" PRIu64 " …", executions[0]);
	for (uint32_t i = first; i < n; i++)
		strbuf_addf(out, " %" PRIu64, executions[i]);
	if (total > n)
		strbuf_addf(out, " and %" PRIu32 " more", total - n);
	strbuf_add(out, "\n");
}

int commands_do_history(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	const struct program *program = debugger_program(context->debugger);
	char word[COMMANDS_WORD_BYTES];
	uint32_t only = PROGRAM_NONE;
	int status = STATUS_OK;

	if (commands_word(&rest, word))
		status = commands_find_node(context, word, &only, error);
	if (!status)
		status = commands_end(rest, error);
	if (status)
		return status;
	add_totals(context, out);
	for (uint32_t i = 0; i < program->header->n_nodes; i++) {
		uint32_t node = context->debugger->order ? context->debugger->order[i] : i;
		for (uint32_t output = 0; (only == PROGRAM_NONE || node == only) && output < commands_n_outputs(program,
			node); output++)
			add_executions(context, node, output, out);
	}
	return STATUS_OK;
}
