/* SPDX-License-Identifier: Apache-2.0
 *
 * options: parsing of option tables, and their help.
 */
#include "tool/options.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/units.h"
#include "engine/base/utf8.h"
#include "engine/graph/mistakes.h"

#define HELP_INDENT_CELLS 30
#define HELP_LINE_CELLS 100
#define SPECS_MAX 64

/* Where parsing stands. */
struct options_cursor {
	const struct option_spec *specs;
	char **argv;
	int argc, at; /* argv[at] is looked at */
	void *values;
	struct error *error;
};

static void *option_place(const struct option_spec *spec, void *values)
{
	return (char *)values + spec->offset;
}

static int bad_value(const struct option_spec *spec, const char *value, const char *wanted, struct error *error)
{
	return error_set(error, STATUS_USAGE, "--%s: '%s' is not %s", spec->name, value, wanted);
}

static int parse_int(const struct option_spec *spec, const char *value, int64_t *place, struct error *error)
{
	char *end;
	errno = 0;
	long long number = strtoll(value, &end, 10);
	if (end == value || *end || errno)
		return bad_value(spec, value, "a whole number", error);
	if (spec->most > spec->least && (number < spec->least || number > spec->most))
		return error_set(error, STATUS_USAGE, "--%s: %lld is not within %" PRId64 " … %" PRId64, spec->name, number,
			spec->least, spec->most);
	*place = number;
	return STATUS_OK;
}

static int parse_real(const struct option_spec *spec, const char *value, double *place, struct error *error)
{
	char *end;
	double number = strtod(value, &end);
	if (end == value || *end || !isfinite(number))
		return bad_value(spec, value, "a number", error);
	*place = number;
	return STATUS_OK;
}

static int parse_choice(const struct option_spec *spec, const char *value, int64_t *place, struct error *error)
{
	struct strbuf known = STRBUF_INIT;
	for (int i = 0; spec->choices[i]; i++) {
		if (strcmp(spec->choices[i], value) == 0) {
			*place = i;
			strbuf_finish(&known);
			return STATUS_OK;
		}
		strbuf_addf(&known, "%s%s", i ? ", " : "", spec->choices[i]);
	}
	error_set(error, STATUS_USAGE, "--%s: '%s' is not available; choose from: %s", spec->name, value, strbuf_text(&known));
	strbuf_finish(&known);
	return STATUS_USAGE;
}

static int append(struct option_list *list, const char *name, const char *value, struct error *error)
{
	size_t bytes = ((size_t)list->n_items + 1) * sizeof *list->items;
	const char **items = realloc(list->items, bytes);
	if (items)
		list->items = items;
	const char **names = items ? realloc(list->names, bytes) : NULL;
	if (!names)
		return error_set(error, STATUS_NO_MEMORY, "%s", status_sentence(STATUS_NO_MEMORY));
	list->names = names;
	names[list->n_items] = name;
	items[list->n_items++] = value;
	return STATUS_OK;
}

static int option_set(const struct option_spec *spec, const char *value, void *values, struct error *error)
{
	void *place = option_place(spec, values);
	switch (spec->type) {
	case OPTION_FLAG:
		*(bool *)place = true;
		return STATUS_OK;
	case OPTION_TEXT:
		*(const char **)place = value;
		return STATUS_OK;
	case OPTION_INT:
		return parse_int(spec, value, place, error);
	case OPTION_REAL:
		return parse_real(spec, value, place, error);
	case OPTION_DURATION:
		return units_parse_duration(value, place) == 0 ? STATUS_OK
			: bad_value(spec, value, "a duration such as 250ms, 1.5s or 2m", error);
	case OPTION_BYTES:
		return units_parse_bytes(value, place) == 0 ? STATUS_OK
			: bad_value(spec, value, "a size such as 4096, 64KiB or 1GiB", error);
	case OPTION_CHOICE:
		return parse_choice(spec, value, place, error);
	case OPTION_LIST:
		return append(place, spec->name, value, error);
	}
	return STATUS_USAGE;
}

static int unknown_option(const struct options_cursor *cursor, const char *name, size_t length)
{
	const char *names[SPECS_MAX + 2];
	int n = 0;
	for (const struct option_spec *spec = cursor->specs; spec->name && n < SPECS_MAX; spec++)
		names[n++] = spec->name;
	names[n++] = "help";
	names[n] = NULL;
	char *word = strndup(name, length);
	const char *nearest = word ? mistakes_nearest(word, names) : NULL;
	int status = nearest
		? error_set(cursor->error, STATUS_USAGE, "unknown option '--%s'; did you mean '--%s'?", word, nearest)
		: error_set(cursor->error, STATUS_USAGE, "unknown option '--%s'", word ? word : name);
	free(word);
	return status;
}

static int take_value(struct options_cursor *cursor, const struct option_spec *spec, const char *attached)
{
	if (!attached && cursor->at + 1 >= cursor->argc)
		return error_set(cursor->error, STATUS_USAGE, "--%s needs %s behind it", spec->name, spec->argument);
	const char *value = attached ? attached : cursor->argv[++cursor->at];
	return option_set(spec, value, cursor->values, cursor->error);
}

static int parse_long(struct options_cursor *cursor)
{
	const char *name = cursor->argv[cursor->at] + 2;
	size_t length = strcspn(name, "=");
	const char *attached = name[length] ? name + length + 1 : NULL;
	for (const struct option_spec *spec = cursor->specs; spec->name; spec++) {
		if (strlen(spec->name) != length || strncmp(spec->name, name, length) != 0)
			continue;
		if (spec->type != OPTION_FLAG)
			return take_value(cursor, spec, attached);
		if (attached)
			return error_set(cursor->error, STATUS_USAGE, "--%s takes no value", spec->name);
		return option_set(spec, NULL, cursor->values, cursor->error);
	}
	return unknown_option(cursor, name, length);
}

/* "-ab" (flags), "-ofile", "-o file". */
static int parse_letters(struct options_cursor *cursor)
{
	for (const char *letter = cursor->argv[cursor->at] + 1; *letter; letter++) {
		const struct option_spec *spec = cursor->specs;
		while (spec->name && spec->letter != *letter)
			spec++;
		if (!spec->name)
			return error_set(cursor->error, STATUS_USAGE, "unknown option '-%c'", *letter);
		if (spec->type != OPTION_FLAG)
			return take_value(cursor, spec, letter[1] ? letter + 1 : NULL);
		int status = option_set(spec, NULL, cursor->values, cursor->error);
		if (status)
			return status;
	}
	return STATUS_OK;
}

int options_parse(const struct option_spec *specs, int argc, char **argv, void *values, int *ret_n_arguments, struct error *error)
{
	struct options_cursor cursor = { .specs = specs, .argv = argv, .argc = argc, .values = values, .error = error };
	int n_arguments = 0, status = STATUS_OK;
	bool is_behind_dashes = false;
	for (const struct option_spec *spec = specs; spec->name && !status; spec++) {
		if (spec->fallback)
			status = option_set(spec, spec->fallback, values, error);
	}
	for (; cursor.at < argc && !status; cursor.at++) {
		char *word = argv[cursor.at];
		if (is_behind_dashes || word[0] != '-' || !word[1])
			argv[n_arguments++] = word;
		else if (strcmp(word, "--") == 0)
			is_behind_dashes = true;
		else
			status = word[1] == '-' ? parse_long(&cursor) : parse_letters(&cursor);
	}
	*ret_n_arguments = n_arguments;
	return status;
}

void options_finish(const struct option_spec *specs, void *values)
{
	for (const struct option_spec *spec = specs; spec->name; spec++) {
		if (spec->type != OPTION_LIST)
			continue;
		struct option_list *list = option_place(spec, values);
		free(list->items);
		free(list->names);
		*list = (struct option_list){ 0 };
	}
}

/* Adds `text` word by word from column `at` on, further lines indented. */
static void add_wrapped(struct strbuf *out, const char *text, size_t at)
{
	while (*text) {
		size_t length = strcspn(text, " ");
		char *word = strndup(text, length);
		size_t cells = word ? utf8_width(word) : length;
		free(word);
		if (at > HELP_INDENT_CELLS && at + 1 + cells > HELP_LINE_CELLS) {
			strbuf_addf(out, "\n%*s", HELP_INDENT_CELLS, "");
			at = HELP_INDENT_CELLS;
		} else if (at > HELP_INDENT_CELLS) {
			strbuf_add(out, " ");
			at++;
		}
		strbuf_add_bytes(out, text, length);
		at += cells;
		text += length;
		text += strspn(text, " ");
	}
}

void options_describe(const struct option_spec *spec, struct strbuf *out)
{
	strbuf_add(out, spec->help);
	for (int i = 0; spec->type == OPTION_CHOICE && spec->choices[i]; i++)
		strbuf_addf(out, "%s%s", i ? ", " : ": ", spec->choices[i]);
	if (spec->type == OPTION_LIST)
		strbuf_add(out, "; may be repeated");
	if (spec->fallback)
		strbuf_addf(out, " (default: %s)", spec->fallback);
}

void options_help(const struct option_spec *specs, struct strbuf *out)
{
	struct strbuf left = STRBUF_INIT, right = STRBUF_INIT;
	for (const struct option_spec *spec = specs; spec->name; spec++) {
		strbuf_clear(&left);
		strbuf_clear(&right);
		strbuf_add(&left, "  ");
		if (spec->letter)
			strbuf_addf(&left, "-%c, ", spec->letter);
		strbuf_addf(&left, "--%s%s%s", spec->name, spec->argument ? " " : "", spec->argument ? spec->argument : "");
		options_describe(spec, &right);
		size_t cells = utf8_width(strbuf_text(&left));
		strbuf_add(out, strbuf_text(&left));
		if (cells + 2 > HELP_INDENT_CELLS)
			strbuf_addf(out, "\n%*s", HELP_INDENT_CELLS, "");
		else
			strbuf_addf(out, "%*s", (int)(HELP_INDENT_CELLS - cells), "");
		add_wrapped(out, strbuf_text(&right), HELP_INDENT_CELLS);
		strbuf_add(out, "\n");
	}
	strbuf_addf(out, "  %-*s%s\n", HELP_INDENT_CELLS - 2, "-h, --help", "print this");
	strbuf_finish(&left);
	strbuf_finish(&right);
}
