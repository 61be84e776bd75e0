/* SPDX-License-Identifier: Apache-2.0
 *
 * commands_complete: the words that could stand where the cursor is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/debug/commands_private.h"

struct words {
	char **items;
	size_t n;
	const char *begun; /* what they must begin with */
	size_t n_begun;
};

/* A word that begins as asked for; without memory it is left out. */
static void add(struct words *words, const char *word)
{
	if (strncmp(word, words->begun, words->n_begun))
		return;
	char **items = realloc(words->items, (words->n + 2) * sizeof *items);
	if (!items)
		return;
	words->items = items;
	items[words->n] = strdup(word);
	if (items[words->n])
		words->n++;
	items[words->n] = NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, each once. */
static void finish(struct words *words)
{
	size_t n = 0;

	if (!words->n)
		return;
	qsort(words->items, words->n, sizeof *words->items, compare);
	for (size_t i = 0; i < words->n; i++) {
		if (n && !strcmp(words->items[n - 1], words->items[i]))
			free(words->items[i]);
		else
			words->items[n++] = words->items[i];
	}
	words->items[n] = NULL;
	words->n = n;
}

/* -- what there is ---------------------------------------------------------------------------------------------------- */

static void add_commands(struct words *words)
{
	for (const struct debug_command *command = debug_commands; command->name; command++)
		add(words, command->name);
}

static void add_listed(struct words *words, const char *list)
{
	char word[COMMANDS_WORD_BYTES];

	while (list && commands_word(&list, word))
		add(words, word);
}

/* Names with blanks are typed between quotes, which a completed word cannot begin with. */
static void add_name(struct words *words, const char *name)
{
	if (*name && !strpbrk(name, " \t\"'"))
		add(words, name);
}

static void add_nodes(struct words *words, const struct program *program)
{
	for (uint32_t node = 0; node < program->header->n_nodes; node++)
		add_name(words, debug_node_name(program, node));
}

static void add_workers(struct words *words, const struct program *program)
{
	for (uint32_t worker = 0; worker < program->header->n_workers; worker++)
		add_name(words, debug_worker_name(program, worker));
}

static void add_number(struct words *words, int number)
{
	char text[16];

	snprintf(text, sizeof text, "%d", number);
	add(words, text);
}

/* "NODE.WORD"; what is a number only stands behind "in." and "out.". */
static void add_dotted(struct words *words, const char *node, const char *word)
{
	char text[COMMANDS_WORD_BYTES];

	if (word[strspn(word, "0123456789")] && (size_t)snprintf(text, sizeof text, "%s.%s", node, word) < sizeof text)
		add_name(words, text);
}

/* Behind a node's dot. */
static void add_values(struct words *words, const struct program *program)
{
	for (uint32_t node = 0; node < program->header->n_nodes; node++) {
		const char *name = debug_node_name(program, node);
		size_t length = strlen(name);
		char text[200];
		if (words->n_begun <= length || strncmp(words->begun, name, length) || words->begun[length] != '.')
			continue;
		if (commands_n_outputs(program, node))
			add_dotted(words, name, "out");
		if (program->nodes[node].inputs.n)
			add_dotted(words, name, "in");
		for (uint32_t i = 0; i < commands_n_outputs(program, node); i++)
			add_dotted(words, name, debug_output_name(program, node, i, text, sizeof text));
		for (uint32_t i = 0; i < program->nodes[node].inputs.n; i++)
			add_dotted(words, name, debug_input_name(program, node, i, text, sizeof text));
	}
}

/* What may follow `command`. */
static void add_offers(struct words *words, const struct debug_context *context, const struct debug_command *command)
{
	const struct debugger *debugger = context->debugger;
	const struct program *program = debugger_program(debugger);

	if (command->run == commands_do_help)
		add(words, "apropos");
	if (command->offers & DEBUG_OFFERS_COMMANDS)
		add_commands(words);
	if (program && command->offers & (DEBUG_OFFERS_NODES | DEBUG_OFFERS_VALUES))
		add_nodes(words, program);
	if (program && command->offers & DEBUG_OFFERS_VALUES)
		add_values(words, program);
	if (program && command->offers & DEBUG_OFFERS_WORKERS)
		add_workers(words, program);
	for (int i = 0; command->offers & DEBUG_OFFERS_STOPS && i < debugger->stops.n_items; i++)
		add_number(words, debugger->stops.items[i]->id);
	for (int i = 0; command->offers & DEBUG_OFFERS_DISPLAYS && i < debugger->n_displays; i++)
		add_number(words, debugger->displays[i].id);
}

/* -- where the cursor is ---------------------------------------------------------------------------------------------- */

/* The words of the command's own that fit here: `info node` takes a node, its first word is one of info's. */
static void add_for(struct words *words, const struct debug_context *context, const struct debug_command *command,
	const char *between)
{
	char word[COMMANDS_WORD_BYTES];
	bool is_first = !*commands_skip(between);

	if (command->run == commands_do_info && is_first) {
		for (const struct commands_info *info = commands_infos; info->name; info++)
			add(words, info->name);
		return;
	}
	if (command->run == commands_do_info && !(commands_word(&between, word) && !strncmp(word, "node", 4)))
		return;
	if (*words->begun != '-')
		add_offers(words, context, command);
	add_listed(words, command->words);
}

char **debug_complete(const struct debug_context *context, const char *line, size_t cursor, size_t *ret_start)
{
	char before[COMMANDS_WORD_BYTES], begun[COMMANDS_WORD_BYTES], word[COMMANDS_WORD_BYTES];
	const struct debug_command *command;
	struct words words = { 0 };
	size_t length = strlen(line), start;

	if (cursor > length)
		cursor = length;
	for (start = cursor; start && !strchr(" \t(!=<>&|,", line[start - 1]); start--)
		;
	*ret_start = start;
	if (cursor > DEBUG_LINE_BYTES)
		return NULL;
	memcpy(before, line, start);
	before[start] = '\0';
	memcpy(begun, line + start, cursor - start);
	begun[cursor - start] = '\0';
	words.begun = begun;
	words.n_begun = cursor - start;
	const char *rest = before;
	if (!commands_word(&rest, word))
		add_commands(&words);
	else if (!debug_command_find(word, &command, NULL))
		add_for(&words, context, command, rest);
	finish(&words);
	return words.items;
}

void debug_words_free(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}
