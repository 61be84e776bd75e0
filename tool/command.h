/* SPDX-License-Identifier: Apache-2.0
 *
 * command: one entry of the command line. Adding a command is one file with a `const struct command` and one line in commands.c; its
 * help, option parsing and argument count come from the table.
 */
#ifndef TANDEM_TOOL_COMMAND_H
#define TANDEM_TOOL_COMMAND_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/strbuf.h"
#include "tool/options.h"

/* What the process answers to its caller; scripts depend on the numbers. */
enum tool_exit {
	TOOL_EXIT_DONE = 0,
	TOOL_EXIT_FAILED = 1,         /* the run, the graph or a condition failed */
	TOOL_EXIT_USAGE = 2,
	TOOL_EXIT_NOT_COMPARABLE = 3, /* refused, because a comparison would mislead */
	TOOL_EXIT_INTERRUPTED = 130,  /* ended by Ctrl-C */
};

struct command {
	const char *name;
	const char *summary;               /* one phrase for the list of commands; NULL: hidden */
	const char *usage;                 /* the arguments behind the options: "FILE SQL" */
	const char *details;               /* paragraphs for its --help, ends with a newline; may be NULL */
	const struct option_spec *options; /* NULL for hidden commands */
	size_t values_bytes;               /* of the struct that the options fill */
	int n_arguments_min, n_arguments_max;
	/* Appends, blanks between them, what a shell may offer for the arguments that are no files; may be NULL. */
	void (*add_words)(struct strbuf *out);

	/* Commands with options: values filled, argc arguments in argv (argv[argc] is NULL). Returns an enum tool_exit. */
	int (*run)(void *values, int argc, char **argv);
	/* Hidden commands: the program's arguments as they came, argv[1] being the command's name. */
	int (*run_raw)(int argc, char **argv);
};

/* All commands, NULL-ended. */
extern const struct command *const commands[];

const struct command *command_find(const char *name);

/* The whole program's help, and one command's. */
void commands_help(struct strbuf *out);
void command_help(const struct command *command, struct strbuf *out);

/* Runs one command with the program's arguments (argv[1] is the command's name); options, --help and argument counts are taken care
 * of. Returns the exit status. */
int command_main(const struct command *command, int argc, char **argv);

/* "tandem: TEXT" on stderr, made printable, one line. Returns the exit status that fits the error. */
int tool_fail(const struct error *error);
/* The same for a message of the tool itself; returns `exit_status`. */
int tool_failf(int exit_status, const char *format, ...) PRINTF_LIKE(2, 3);

/* Writes the buffer to standard output, releases it, and returns the exit status: failed when it could not be written (a full disk, a
 * closed pipe) or when memory ran out while it was filled. */
int tool_print(struct strbuf *out);

#endif
