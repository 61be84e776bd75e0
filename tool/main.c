/* SPDX-License-Identifier: Apache-2.0
 *
 * main: finds the command. Nothing is set up before that: workers and the collector start through here as well, and their
 * start-up counts.
 */
#include <stdio.h>
#include <string.h>

#include "engine/graph/mistakes.h"
#include "tool/command.h"
#include "traces/schema.h"

#define COMMANDS_MAX 64

static int print_help(void)
{
	struct strbuf out = STRBUF_INIT;
	commands_help(&out);
	return tool_print(&out);
}

static int print_version(bool is_json)
{
	struct strbuf out = STRBUF_INIT;
	if (is_json)
		strbuf_addf(&out, "{\"name\": \"tandem\", \"version\": \"%s\", \"trace_schema\": %d, \"compiler\": \"%s\"}\n",
			TANDEM_VERSION, SCHEMA_VERSION, TANDEM_COMPILER);
	else
		strbuf_addf(&out, "tandem %s\n", TANDEM_VERSION);
	return tool_print(&out);
}

static int unknown_command(const char *name)
{
	const char *names[COMMANDS_MAX + 1];
	int n = 0;
	for (int i = 0; commands[i] && n < COMMANDS_MAX; i++) {
		if (commands[i]->summary)
			names[n++] = commands[i]->name;
	}
	names[n] = NULL;
	const char *kind = name[0] == '-' ? "option" : "command";
	const char *nearest = mistakes_nearest(name, names);
	if (nearest)
		return tool_failf(TOOL_EXIT_USAGE, "unknown %s '%s'; did you mean '%s'?", kind, name, nearest);
	return tool_failf(TOOL_EXIT_USAGE, "unknown %s '%s'; 'tandem --help' lists the commands", kind, name);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return tool_failf(TOOL_EXIT_USAGE, "which command? 'tandem --help' lists them");
	const struct command *command = command_find(argv[1]);
	if (command)
		return command_main(command, argc, argv);
	if (strcmp(argv[1], "--version") == 0 && argc <= 3 && (argc == 2 || strcmp(argv[2], "--json") == 0))
		return print_version(argc == 3);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_help();
	if (strcmp(argv[1], "help") != 0)
		return unknown_command(argv[1]);
	if (argc == 2)
		return print_help();
	command = command_find(argv[2]);
	if (!command || !command->summary)
		return unknown_command(argv[2]);
	return command_main(command, 3, (char *[]){ argv[0], argv[2], (char[]){ "--help" }, NULL });
}
