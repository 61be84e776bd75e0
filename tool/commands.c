/* SPDX-License-Identifier: Apache-2.0
 *
 * commands: the list of all commands, the help made from it, and the way from arguments to a command.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/api/context.h"
#include "tool/command.h"
#include "tool/commands.h"
#include "tool/manual.h"
#include "tool/relay.h"
#include "traces/collector.h"

static int run_worker(int argc, char **argv)
{
	return context_worker_main(argc, argv, NULL);
}

static const struct command command_worker = { .name = "worker", .run_raw = run_worker };
static const struct command command_collector = { .name = "collector", .run_raw = collector_main };
static const struct command command_relay = { .name = "relay", .run_raw = relay_main };
static const struct command command_manual = { .name = "manual", .run_raw = manual_main };

const struct command *const commands[] = {
	&command_worker,
	&command_collector,
	&command_relay,
	&command_manual,
	&command_run,
	&command_debug,
	&command_check,
	&command_view,
	&command_report,
	&command_compare,
	&command_query,
	&command_import,
	&command_export,
	&command_trim,
	&command_merge,
	&command_anonymise,
	&command_devices,
	&command_bench,
	&command_completion,
	NULL,
};

const struct command *command_find(const char *name)
{
	for (int i = 0; commands[i]; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

void commands_help(struct strbuf *out)
{
	strbuf_add(out, "tandem runs one graph of operations over several worker processes, records what happened into\n"
			"one SQLite file, and shows it.\n\nusage: tandem COMMAND [options] FILE…\n\ncommands:\n");
	for (int i = 0; commands[i]; i++) {
		if (commands[i]->summary)
			strbuf_addf(out, "  %-10s  %s\n", commands[i]->name, commands[i]->summary);
	}
	strbuf_add(out, "\n'tandem COMMAND --help' explains a command; 'tandem --version [--json]' tells what this is.\n"
			"exit status: 0 done, 1 the run, graph or condition failed, 2 wrong use, 3 not comparable.\n");
}

void command_help(const struct command *command, struct strbuf *out)
{
	strbuf_addf(out, "usage: tandem %s [options]%s%s\n\n%s.\n", command->name, *command->usage ? " " : "", command->usage,
		command->summary);
	if (command->details)
		strbuf_addf(out, "\n%s", command->details);
	strbuf_add(out, "\noptions:\n");
	options_help(command->options, out);
	strbuf_addf(out, "\nThe manual page tandem-%s(1) has examples.\n", command->name);
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

static int check_count(const struct command *command, int n_arguments, char **argv)
{
	if (n_arguments < command->n_arguments_min)
		return tool_failf(TOOL_EXIT_USAGE, "%s: what about %s? See 'tandem %s --help'", command->name,
			command->usage, command->name);
	if (n_arguments > command->n_arguments_max)
		return tool_failf(TOOL_EXIT_USAGE, "%s: '%s' is one argument too many; see 'tandem %s --help'", command->name,
			argv[command->n_arguments_max], command->name);
	return TOOL_EXIT_DONE;
}

int command_main(const struct command *command, int argc, char **argv)
{
	struct error error = { 0 };
	int n_arguments = 0;
	if (command->run_raw)
		return command->run_raw(argc, argv);
	if (asks_for_help(argc - 2, argv + 2)) {
		struct strbuf out = STRBUF_INIT;
		command_help(command, &out);
		return tool_print(&out);
	}
	void *values = calloc(1, command->values_bytes);
	if (!values)
		return tool_failf(TOOL_EXIT_FAILED, "%s", status_sentence(STATUS_NO_MEMORY));
	int exit_status;
	if (options_parse(command->options, argc - 2, argv + 2, values, &n_arguments, &error)) {
		error_prefix(&error, "%s", command->name);
		exit_status = tool_fail(&error);
	} else {
		exit_status = check_count(command, n_arguments, argv + 2);
	}
	if (exit_status == TOOL_EXIT_DONE) {
		argv[2 + n_arguments] = NULL;
		exit_status = command->run(values, n_arguments, argv + 2);
	}
	options_finish(command->options, values);
	free(values);
	return exit_status;
}
