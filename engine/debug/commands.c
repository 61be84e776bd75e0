/* SPDX-License-Identifier: Apache-2.0
 *
 * commands: from a line to the function of its command: names and their beginnings, repetition, what must be there
 * first, output into a file.
 */
#include "engine/debug/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/debug/commands_private.h"
#include "engine/debug/twin.h"
#include "engine/graph/mistakes.h"

/* -- names of commands ------------------------------------------------------------------------------------------------ */

static bool has_alias(const struct debug_command *command, const char *word)
{
	char alias[COMMANDS_WORD_BYTES];
	const char *rest = command->aliases ? command->aliases : "";

	while (commands_word(&rest, alias)) {
		if (!strcmp(alias, word))
			return true;
	}
	return false;
}

static const struct debug_command *find_exact(const char *word)
{
	for (const struct debug_command *command = debug_commands; command->name; command++) {
		if (!strcmp(command->name, word) || has_alias(command, word))
			return command;
	}
	return NULL;
}

static int unknown_command(const char *word, struct error *error)
{
	const char *names[128];
	size_t n = 0;

	for (const struct debug_command *command = debug_commands; command->name && n < ARRAY_LEN(names) - 1; command++)
		names[n++] = command->name;
	names[n] = NULL;
	const char *nearest = mistakes_nearest(word, names);
	if (nearest)
		return error_set(error, STATUS_USAGE, "there is no command '%s'; did you mean '%s'?", word, nearest);
	return error_set(error, STATUS_USAGE, "there is no command '%s'; 'help' lists them", word);
}

int debug_command_find(const char *word, const struct debug_command **ret_command, struct error *error)
{
	struct strbuf all = STRBUF_INIT;
	size_t length = strlen(word);
	int n = 0;

	*ret_command = find_exact(word);
	if (*ret_command)
		return STATUS_OK;
	for (const struct debug_command *command = debug_commands; command->name && length; command++) {
		if (strncmp(command->name, word, length))
			continue;
		strbuf_addf(&all, "%s%s", n++ ? ", " : "", command->name);
		*ret_command = command;
	}
	int status = STATUS_OK;
	if (!n)
		status = unknown_command(word, error);
	else if (n > 1)
		status = error_set(error, STATUS_USAGE, "'%s' may be %s", word, strbuf_text(&all));
	strbuf_finish(&all);
	return status;
}

/* -- what must be there first ----------------------------------------------------------------------------------------- */

static int halt_needed(const struct debug_context *context, struct error *error)
{
	switch (context->debugger->state) {
	case DEBUG_HALTED:
		break;
	case DEBUG_MOVING:
		return error_set(error, STATUS_USAGE, "the run is moving: 'interrupt' halts it");
	case DEBUG_SAVED:
		return error_set(error, STATUS_USAGE, "this is a saved state: nothing moves in it");
	case DEBUG_READY:
		return error_set(error, STATUS_USAGE, "nothing runs: 'run' or 'start' it");
	case DEBUG_ENDED:
		return error_set(error, STATUS_USAGE, "the run is over: 'run' or 'start' it again");
	}
	return STATUS_OK;
}

int commands_check_needs(const struct debug_context *context, unsigned needs, struct error *error)
{
	if (needs & DEBUG_NEEDS_PROGRAM && !debugger_program(context->debugger))
		return error_set(error, STATUS_USAGE, "there is no graph: 'attach' to a run first");
	if (needs & DEBUG_NEEDS_HALT)
		return halt_needed(context, error);
	if (needs & DEBUG_NEEDS_TARGET && !context->debugger->target.program.header)
		return error_set(error, STATUS_USAGE, "nothing runs whose values could be seen: 'run' or 'start' it");
	return STATUS_OK;
}

/* -- output into a file ----------------------------------------------------------------------------------------------- */

/* Whether `word` behind ">" is meant as a file: not when it could be compared with. Where values may stand a file has a
 * dot or slash in it. */
static bool is_file_name(const struct debug_context *context, const struct debug_command *command, const char *word)
{
	const struct program *program = debugger_program(context->debugger);
	char *end;

	if (!*word || strpbrk(word, " \t") || (command->offers & DEBUG_OFFERS_VALUES && !strpbrk(word, "./")))
		return false;
	strtod(word, &end);
	if (!*end)
		return false;
	struct debug_reference reference;
	const char *after;
	return !program || debug_reference_parse(program, word, &reference, &after, NULL) || *after;
}

/* Cuts "> FILE" off the end of `rest`; *ret_file points into it, NULL when there is none. */
static void cut_file(const struct debug_context *context, const struct debug_command *command, char *rest,
	const char **ret_file)
{
	char *sign = strrchr(rest, '>');

	*ret_file = NULL;
	if (command->has_condition || !sign || (sign > rest && !strchr(" \t", sign[-1])))
		return;
	char *file = sign + 1 + strspn(sign + 1, " \t");
	size_t length = strlen(file);
	while (length && strchr(" \t", file[length - 1]))
		length--;
	file[length] = '\0';
	if (!is_file_name(context, command, file))
		return;
	*sign = '\0';
	*ret_file = file;
}

static int write_file(const char *file, const struct strbuf *text, struct strbuf *out, struct error *error)
{
	FILE *stream = fopen(file, "we");

	if (!stream)
		return error_set_errno(error, STATUS_INPUT, "cannot write %s", file);
	bool is_written = fwrite(strbuf_text(text), 1, text->length, stream) == text->length;
	if (fclose(stream) || !is_written)
		return error_set_errno(error, STATUS_INPUT, "cannot write %s", file);
	strbuf_add(out, "Written to ");
	strbuf_add_printable(out, file);
	strbuf_add(out, "\n");
	return STATUS_OK;
}

/* -- a line ----------------------------------------------------------------------------------------------------------- */

static int carry_out(struct debug_context *context, const struct debug_command *command, char *rest, struct strbuf *out,
	struct error *error)
{
	struct strbuf text = STRBUF_INIT;
	const char *file;

	cut_file(context, command, rest, &file);
	int status = commands_check_needs(context, command->needs, error);
	if (!status)
		status = command->run(context, rest, file ? &text : out, error);
	if (!status && file)
		status = write_file(file, &text, out, error);
	strbuf_finish(&text);
	if (status == STATUS_SYNTAX) {
		struct error cause = *error;
		status = error_set(error, STATUS_USAGE, "%s; usage: %s%s%s", cause.text, command->name, *command->takes
			? " " : "", command->takes);
	}
	return status;
}

/* What is typed is kept for an empty line, or forgotten when it does not repeat. */
static void remember(struct debug_context *context, const struct debug_command *command, const char *line)
{
	if (context->n_nested)
		return;
	free(context->last_line);
	context->last_line = command->repeats ? strdup(line) : NULL;
}

static void make_printable(struct error *error)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_add_printable(&text, error->text);
	if (!text.is_failed && strcmp(strbuf_text(&text), error->text))
		error_set(error, error->status, "%s", strbuf_text(&text));
	strbuf_finish(&text);
}

/* A line while `commands ID` takes them. */
static int define(struct debug_context *context, const char *line, struct error *error)
{
	struct debug_stop *stop = debug_stops_find(&context->debugger->stops, context->defining_stop);
	const char *rest = line;

	if (!(commands_take(&rest, "end") && !*commands_skip(rest))) {
		char **lines = realloc(context->defining, ((size_t)context->n_defining + 1) * sizeof *lines);
		char *copy = strdup(commands_skip(line));
		if (lines)
			context->defining = lines;
		if (!lines || !copy) {
			free(copy);
			return error_set(error, STATUS_NO_MEMORY, "no memory for the commands of a stop");
		}
		lines[context->n_defining++] = copy;
		return STATUS_OK;
	}
	char **before = context->defining;
	int n_before = context->n_defining;
	if (stop) {
		before = stop->commands;
		n_before = stop->n_commands;
		stop->commands = context->defining;
		stop->n_commands = context->n_defining;
	}
	for (int i = 0; i < n_before; i++)
		free(before[i]);
	free(before);
	context->defining = NULL;
	context->n_defining = context->defining_stop = 0;
	return STATUS_OK;
}

static int one_line(struct debug_context *context, const char *line, struct strbuf *out, struct error *error)
{
	char text[COMMANDS_WORD_BYTES], word[COMMANDS_WORD_BYTES];
	size_t length = strcspn(line, "\r\n");
	const struct debug_command *command;

	if (length > DEBUG_LINE_BYTES)
		return error_set(error, STATUS_USAGE, "the line is longer than %d bytes", DEBUG_LINE_BYTES);
	memcpy(text, line, length);
	text[length] = '\0';
	if (context->defining_stop)
		return define(context, text, error);
	if (!*commands_skip(text) && !context->n_nested && context->last_line)
		strcpy(text, context->last_line);
	const char *rest = text;
	if (*commands_skip(text) == '#' || !commands_word(&rest, word))
		return STATUS_OK;
	int status = debug_command_find(word, &command, error);
	if (status)
		return status;
	remember(context, command, text);
	return carry_out(context, command, text + (commands_skip(rest) - text), out, error);
}

int debug_command(struct debug_context *context, const char *line, struct strbuf *out, struct error *error)
{
	struct error own = { 0 };
	int status = one_line(context, line, out, &own);

	if (!status)
		return STATUS_OK;
	make_printable(&own);
	if (error)
		*error = own;
	return status;
}

const char *debug_prompt(const struct debug_context *context)
{
	return context->defining_stop ? "> " : "(tandem) ";
}

void debug_context_finish(struct debug_context *context)
{
	debug_twin_destroy(context->twin);
	context->twin = NULL;
	debug_words_free(context->twin_words);
	context->twin_words = NULL;
	for (int i = 0; i < context->n_defining; i++)
		free(context->defining[i]);
	free(context->defining);
	context->defining = NULL;
	context->n_defining = context->defining_stop = 0;
	free(context->last_line);
	context->last_line = NULL;
}
