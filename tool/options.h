/* SPDX-License-Identifier: Apache-2.0
 *
 * options: command-line options as tables. A command describes its options once; parsing, defaults, checks and the help text all come
 * from that table, so that they cannot drift. Values land in a struct of the command, at the offset that the table names.
 */
#ifndef TANDEM_TOOL_OPTIONS_H
#define TANDEM_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/strbuf.h"

/* The member behind `offset`:  FLAG bool · TEXT const char * · INT int64_t · REAL double · DURATION int64_t (ns) · BYTES uint64_t
 * · CHOICE int64_t (index into choices) · LIST struct option_list. */
enum option_type {
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_INT,
	OPTION_REAL,
	OPTION_DURATION,
	OPTION_BYTES,
	OPTION_CHOICE,
	OPTION_LIST, /* may be given several times */
};

struct option_list {
	const char **items; /* from argv; the array is released by options_finish */
	const char **names; /* the option that each came by, for lists that several options fill in turn; released with it */
	int n_items;
};

struct option_spec {
	const char *name;           /* without the dashes */
	char letter;                /* 0: none */
	enum option_type type;
	size_t offset;
	const char *argument;       /* what to write in its place in the help: "FILE"; NULL for flags */
	const char *fallback;       /* text of the default, parsed like a given value; NULL: zero */
	const char *help;           /* one phrase */
	int64_t least, most;        /* INT: bounds, when most > least */
	const char *const *choices; /* CHOICE: NULL-ended */
};

#define OPTIONS_END { 0 }

/* Fills `values` (zeroed by the caller) with the defaults, then with what argv[0] … argv[argc - 1] say: `--name=value`, `--name value`,
 * `-lvalue`, `-l value`, `-ab` for flags; options and arguments may be mixed; behind `--` everything is an argument. The
 * arguments are moved to the front of argv, *ret_n_arguments of them. `specs` ends with name NULL. STATUS_USAGE with a text for
 * people (unknown options come with the nearest known one), STATUS_NO_MEMORY. */
int options_parse(const struct option_spec *specs, int argc, char **argv, void *values, int *ret_n_arguments, struct error *error);

/* Releases the lists in `values`, also after a failure. */
void options_finish(const struct option_spec *specs, void *values);

/* Two columns, wrapped at 100 cells: "  -o, --trace FILE   what it does (default: …)". */
void options_help(const struct option_spec *specs, struct strbuf *out);

/* What the help says of one option: the phrase, its choices, whether it may be repeated, its default. */
void options_describe(const struct option_spec *spec, struct strbuf *out);

#endif
