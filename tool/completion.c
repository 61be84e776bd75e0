/* SPDX-License-Identifier: Apache-2.0
 *
 * completion: from the words of the help to what a shell offers.
 */
#include "tool/completion.h"

#include <ctype.h>
#include <string.h>

static void add_word(struct strbuf *list, const char *word, size_t length)
{
	if (list->length)
		strbuf_add(list, " ");
	strbuf_add_bytes(list, word, length);
}

/* One alternative of a place. */
static void add_alternative(struct completion_place *place, const char *word, size_t length, const char *file_suffix)
{
	if (length >= 5 && strncmp(word, "GRAPH", 5) == 0) {
		place->takes_files = true;
		add_word(&place->suffixes, ".dot .gv", 8);
	} else if (length > 5 && strncmp(word, "FILE.", 5) == 0) {
		place->takes_files = true;
		add_word(&place->suffixes, word + 4, length - 4);
	} else if (length >= 4 && length <= 5 && strncmp(word, "FILE", 4) == 0) {
		place->takes_files = true;
		if (file_suffix)
			add_word(&place->suffixes, file_suffix, strlen(file_suffix));
	} else if (length && islower((unsigned char)word[0])) {
		add_word(&place->words, word, length);
	}
}

/* `text` is one word of the help, without its brackets. */
static void describe(struct completion_place *place, const char *text, size_t length, const char *file_suffix)
{
	static const char dots[] = "…";
	size_t n_dots = sizeof dots - 1;
	if (length > n_dots && memcmp(text + length - n_dots, dots, n_dots) == 0) {
		place->repeats = true;
		length -= n_dots;
	}
	strbuf_add_bytes(&place->label, text, length);
	for (size_t at = 0; at < length;) {
		const char *bar = memchr(text + at, '|', length - at);
		size_t end = bar ? (size_t)(bar - text) : length;
		add_alternative(place, text + at, end - at, file_suffix);
		at = end + 1;
	}
}

int completion_arguments(const struct command *command, struct completion_place *places)
{
	int n = 0;
	for (const char *at = command->usage; *at && n < COMPLETION_PLACES_MAX;) {
		at += strspn(at, " []");
		size_t length = strcspn(at, " []");
		if (!length)
			break;
		places[n] = (struct completion_place){ 0 };
		describe(&places[n], at, length, ".tandem");
		if (command->add_words && !places[n].takes_files)
			command->add_words(&places[n].words);
		n++;
		at += length;
	}
	return n;
}

void completion_value(const struct option_spec *spec, struct completion_place *place)
{
	*place = (struct completion_place){ 0 };
	if (spec->type == OPTION_CHOICE) {
		strbuf_add(&place->label, spec->argument);
		for (int i = 0; spec->choices[i]; i++)
			add_word(&place->words, spec->choices[i], strlen(spec->choices[i]));
	} else {
		describe(place, spec->argument, strlen(spec->argument), NULL);
	}
}

void completion_finish(struct completion_place *place)
{
	strbuf_finish(&place->label);
	strbuf_finish(&place->suffixes);
	strbuf_finish(&place->words);
}

void completion_commands(struct strbuf *out)
{
	for (int i = 0; commands[i]; i++) {
		if (commands[i]->summary)
			add_word(out, commands[i]->name, strlen(commands[i]->name));
	}
}
