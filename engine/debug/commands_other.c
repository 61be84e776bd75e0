/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_other: help, scripts, leaving.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/utf8.h"
#include "engine/debug/commands_private.h"

#define COLUMNS_DEFAULT 100
#define HELP_INDENT 24

/* -- help ------------------------------------------------------------------------------------------------------------- */

/* Words of a paragraph, wrapped. */
static void add_wrapped(const struct debug_context *context, const char *text, int indent, struct strbuf *out)
{
	size_t columns = context->n_columns > 40 ? (size_t)context->n_columns : COLUMNS_DEFAULT, at = 0;
	char word[COMMANDS_WORD_BYTES];

	while (*text) {
		if (*text == '\n') {
			strbuf_add(out, "\n");
			at = 0;
			text++;
			continue;
		}
		size_t n_blanks = strspn(text, " "), length = strcspn(text + n_blanks, " \n");
		memcpy(word, text + n_blanks, length);
		word[length] = '\0';
		text += n_blanks + length;
		size_t width = utf8_width(word);
		if (at && at + n_blanks + width > columns) {
			strbuf_add(out, "\n");
			at = 0;
		}
		size_t margin = at ? n_blanks : (size_t)indent + (n_blanks > 1 ? n_blanks : 0);
		strbuf_addf(out, "%*s%s", (int)margin, "", word);
		at += margin + width;
	}
	strbuf_add(out, "\n");
}

static void add_summary(const char *name, const char *summary, struct strbuf *out)
{
	strbuf_addf(out, "  %-*s%s\n", HELP_INDENT - 2, name, summary);
}

static void add_themes(struct strbuf *out)
{
	static const char *const headings[] = {
#define X(name, heading) heading,
		DEBUG_THEME_MAP(X)
#undef X
	};

	for (int theme = 0; theme < DEBUG_THEMES; theme++) {
		strbuf_addf(out, "%s%s\n", theme ? "\n" : "", headings[theme]);
		for (const struct debug_command *command = debug_commands; command->name; command++) {
			if ((int)command->theme == theme)
				add_summary(command->name, command->summary, out);
		}
	}
	strbuf_add(out,
		"\n'help NAME' says more; the beginning of a name is enough where it is one name's only; an empty line "
		"repeats;\n"
			"\"> FILE\" behind a command writes what it says into a file.\n");
}

static void add_help(const struct debug_context *context, const struct debug_command *command, struct strbuf *out)
{
	strbuf_addf(out, "%s%s%s", command->name, *command->takes ? " " : "", command->takes);
	if (command->aliases)
		strbuf_addf(out, "    (also %s)", command->aliases);
	strbuf_addf(out, "\n  %s\n", command->summary);
	if (command->details) {
		strbuf_add(out, "\n");
		add_wrapped(context, command->details, 2, out);
	}
	if (command->run != commands_do_info)
		return;
	for (const struct commands_info *info = commands_infos; info->name; info++) {
		char name[64];
		snprintf(name, sizeof name, "info %s%s%s", info->name, *info->takes ? " " : "", info->takes);
		add_summary(name, info->summary, out);
	}
}

static bool mentions(const char *text, const char *word)
{
	return text && strcasestr(text, word);
}

static int apropos(const char *rest, struct strbuf *out, struct error *error)
{
	char word[COMMANDS_WORD_BYTES];
	size_t before = out->length;

	if (!commands_word(&rest, word))
		return error_set(error, STATUS_SYNTAX, "say what to look for");
	int status = commands_end(rest, error);
	for (const struct debug_command *command = debug_commands; command->name && !status; command++) {
		if (mentions(command->name, word) || mentions(command->summary, word) || mentions(command->details, word)
			|| mentions(command->takes, word))
			add_summary(command->name, command->summary, out);
	}
	if (!status && out->length == before)
		status = error_set(error, STATUS_INPUT, "no command says anything of '%s'", word);
	return status;
}

int commands_do_help(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	const struct debug_command *command;
	char word[COMMANDS_WORD_BYTES];

	if (commands_take(&rest, "apropos"))
		return apropos(rest, out, error);
	if (!commands_word(&rest, word)) {
		add_themes(out);
		return STATUS_OK;
	}
	int status = debug_command_find(word, &command, error);
	if (!status)
		add_help(context, command, out);
	return status;
}

/* -- scripts ---------------------------------------------------------------------------------------------------------- */

int commands_do_echo(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	strbuf_add_printable(out, commands_skip(rest));
	strbuf_add(out, "\n");
	return STATUS_OK;
}

/* Carries out the run's motion before the next line of a file: a line sees what the one before has done. */
static int settle_motion(struct debug_context *context, struct strbuf *out, struct error *error)
{
	int status = STATUS_OK;

	while (!status && context->debugger->state == DEBUG_MOVING && !context->is_over) {
		if (debugger_poll(context->debugger, INT64_C(100000000)) != DEBUG_MOVING)
			status = debug_settle(context, out, error);
	}
	return status;
}

static int read_lines(struct debug_context *context, FILE *stream, const char *file, struct strbuf *out, struct error *error)
{
	char *line = NULL;
	size_t capacity = 0;
	int status = STATUS_OK, n = 0;

	while (!status && !context->is_over && getline(&line, &capacity, stream) >= 0) {
		n++;
		status = commands_nest(context, line, out, error);
		if (!status)
			status = settle_motion(context, out, error);
		if (status)
			error_prefix(error, "%s:%d", file, n);
	}
	free(line);
	return status;
}

int commands_do_source(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	char file[COMMANDS_WORD_BYTES];

	if (!commands_word(&rest, file))
		return error_set(error, STATUS_SYNTAX, "the file is missing");
	int status = commands_end(rest, error);
	if (status)
		return status;
	FILE *stream = fopen(file, "re");
	if (!stream)
		return error_set_errno(error, STATUS_INPUT, "cannot read %s", file);
	status = read_lines(context, stream, file, out, error);
	fclose(stream);
	return status;
}

int commands_do_tui(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	int status = commands_end(rest, error);

	if (!status && !context->has_screen)
		status = error_set(error, STATUS_USAGE, "the screen is for a person at a terminal: 'tandem debug --tui' begins with it");
	context->changes_face = !status;
	return status;
}

int commands_do_quit(struct debug_context *context, const char *rest, struct strbuf *out, struct error *error)
{
	uint64_t exit_status = 0;
	bool is_kept = commands_take(&rest, "--keep");
	int status = STATUS_OK;

	if (*commands_skip(rest) && *commands_skip(rest) != '-')
		status = commands_number(&rest, "an exit status", &exit_status, error);
	is_kept = (!status && commands_take(&rest, "--keep")) || is_kept;
	if (!status)
		status = commands_end(rest, error);
	if (!status && exit_status > 255)
		status = error_set(error, STATUS_SYNTAX, "%" PRIu64 " is no exit status: from 0 to 255", exit_status);
	if (status)
		return status;
	if (commands_is_live(context) && context->debugger->is_child && !is_kept
		&& !commands_ask(context, "The run was started here. End it?"))
		return STATUS_OK;
	context->is_over = true;
	context->is_kept = is_kept;
	context->exit_status = (int)exit_status;
	return STATUS_OK;
}
