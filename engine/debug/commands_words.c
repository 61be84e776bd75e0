/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_words: words of a command line: numbers, names of nodes and workers, references; and commands within commands.
 */
#include "engine/debug/commands_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *commands_skip(const char *rest)
{
	return rest + strspn(rest, " \t");
}

bool commands_word(const char **rest, char word[COMMANDS_WORD_BYTES])
{
	const char *at = commands_skip(*rest);
	size_t length;

	if (!*at)
		return false;
	if (*at == '"' && strchr(at + 1, '"')) {
		length = strcspn(++at, "\"");
		*rest = at + length + 1;
	} else {
		length = strcspn(at, " \t");
		*rest = at + length;
	}
	if (length >= COMMANDS_WORD_BYTES)
		length = COMMANDS_WORD_BYTES - 1;
	memcpy(word, at, length);
	word[length] = '\0';
	return true;
}

bool commands_take(const char **rest, const char *word)
{
	const char *at = commands_skip(*rest);
	size_t length = strlen(word);

	if (strncmp(at, word, length) || !strchr(" \t", at[length]))
		return false;
	*rest = at + length;
	return true;
}

int commands_end(const char *rest, struct error *error)
{
	rest = commands_skip(rest);
	return *rest ? error_set(error, STATUS_SYNTAX, "'%s' is more than expected", rest) : STATUS_OK;
}

/* -- numbers ---------------------------------------------------------------------------------------------------------- */

bool commands_is_number(const char *word, uint64_t *ret_number)
{
	char *end;

	if (!*word || word[strspn(word, "0123456789")])
		return false;
	errno = 0;
	*ret_number = strtoull(word, &end, 10);
	return !errno;
}

int commands_number(const char **rest, const char *what, uint64_t *ret_number, struct error *error)
{
	char word[COMMANDS_WORD_BYTES];

	if (!commands_word(rest, word))
		return error_set(error, STATUS_SYNTAX, "%s is missing", what);
	if (!commands_is_number(word, ret_number))
		return error_set(error, STATUS_SYNTAX, "'%s' is not %s, a whole number", word, what);
	return STATUS_OK;
}

int commands_real(const char **rest, const char *what, double *ret_number, struct error *error)
{
	char word[COMMANDS_WORD_BYTES], *end;

	if (!commands_word(rest, word))
		return error_set(error, STATUS_SYNTAX, "%s is missing", what);
	*ret_number = strtod(word, &end);
	if (end == word || *end)
		return error_set(error, STATUS_SYNTAX, "'%s' is not %s, a number such as 1e-5", word, what);
	return STATUS_OK;
}

int commands_count(const char *rest, uint64_t fallback, uint64_t *ret_count, struct error *error)
{
	*ret_count = fallback;
	if (!*commands_skip(rest))
		return STATUS_OK;
	int status = commands_number(&rest, "how often", ret_count, error);
	if (!status && *ret_count < 1)
		status = error_set(error, STATUS_SYNTAX, "how often must be at least 1");
	return status ? status : commands_end(rest, error);
}

/* -- names ------------------------------------------------------------------------------------------------------------ */

int commands_find_node(const struct debug_context *context, const char *word, uint32_t *ret_node, struct error *error)
{
	const char *nearest = NULL;

	*ret_node = debug_find_node(debugger_program(context->debugger), word, &nearest);
	if (*ret_node != PROGRAM_NONE)
		return STATUS_OK;
	if (nearest)
		return error_set(error, STATUS_INPUT, "there is no node '%s'; did you mean '%s'?", word, nearest);
	return error_set(error, STATUS_INPUT, "there is no node '%s'; 'info nodes' lists them", word);
}

int commands_find_worker(const struct debug_context *context, const char *word, uint32_t *ret_worker, struct error *error)
{
	const char *nearest = NULL;

	*ret_worker = debug_find_worker(debugger_program(context->debugger), word, &nearest);
	if (*ret_worker != PROGRAM_NONE)
		return STATUS_OK;
	if (nearest)
		return error_set(error, STATUS_INPUT, "there is no worker '%s'; did you mean '%s'?", word, nearest);
	return error_set(error, STATUS_INPUT, "there is no worker '%s'; 'info workers' lists them", word);
}

int commands_find_place(const struct debug_context *context, const char *word, uint32_t *ret_node, uint64_t *ret_execution,
	struct error *error)
{
	char name[COMMANDS_WORD_BYTES];
	const char *at = strrchr(word, '@');

	*ret_execution = UINT64_MAX;
	if (!at || debug_find_node(debugger_program(context->debugger), word, NULL) != PROGRAM_NONE)
		return commands_find_node(context, word, ret_node, error);
	if (!commands_is_number(at + 1, ret_execution))
		return error_set(error, STATUS_SYNTAX, "'%s' is not an execution, a whole number", at + 1);
	memcpy(name, word, (size_t)(at - word));
	name[at - word] = '\0';
	return commands_find_node(context, name, ret_node, error);
}

int commands_reference(const struct debug_context *context, const char **rest, struct debug_reference *ret_reference,
	struct error *error)
{
	const char *at = commands_skip(*rest), *end = at;

	if (!*at)
		return error_set(error, STATUS_SYNTAX, "a value is missing, such as NODE, NODE.out[0,:4] or NODE.in@7");
	int status = debug_reference_parse(debugger_program(context->debugger), at, ret_reference, &end, error);
	if (status)
		return status;
	if (!strchr(" \t=", *end))
		return error_set(error, STATUS_SYNTAX, "'%s' cannot stand behind a value", end);
	*rest = commands_skip(end);
	return STATUS_OK;
}

/* -- the run ---------------------------------------------------------------------------------------------------------- */

bool commands_ask(const struct debug_context *context, const char *question)
{
	return context->is_scripted || !context->ask || context->ask(context->user, question);
}

bool commands_is_live(const struct debug_context *context)
{
	enum debug_state state = context->debugger->state;
	return state == DEBUG_MOVING || state == DEBUG_HALTED;
}

int commands_nest(struct debug_context *context, const char *line, struct strbuf *out, struct error *error)
{
	if (context->n_nested >= COMMANDS_NESTED_MAX)
		return error_set(error, STATUS_USAGE, "commands within commands within commands: more than %d deep",
			COMMANDS_NESTED_MAX);
	context->n_nested++;
	int status = debug_command(context, line, out, error);
	context->n_nested--;
	return status;
}
