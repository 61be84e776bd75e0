/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_check: `tandem check`: graphs and traces, told apart by their content.
 */
#include <string.h>

#include "tool/check_graph.h"
#include "tool/commands.h"

struct check_values {
	struct option_list settings;
	int64_t in_flight;
	bool is_json, lists_ops;
};

#define AT(member) offsetof(struct check_values, member)

static const struct option_spec check_option_specs[] = {
	{ "set", 0, OPTION_LIST, AT(settings), "NAME=VALUE", NULL, "put VALUE in place of $NAME in the graph" },
	{ "in-flight", 0, OPTION_INT, AT(in_flight), "N", NULL,
		"most executions under way at once (default: 2 for each worker)", 1, 65536 },
	{ "ops", 0, OPTION_FLAG, AT(lists_ops), NULL, NULL, "list the built-in ops instead" },
	{ "json", 0, OPTION_FLAG, AT(is_json), NULL, NULL, "print as JSON" },
	OPTIONS_END
};

static int run_check(void *values, int argc, char **argv)
{
	const struct check_values *check = values;
	if (check->lists_ops)
		return check_list_ops(check->is_json);
	if (!argc)
		return tool_failf(TOOL_EXIT_USAGE, "check: which file? Name a graph or a trace, or ask for --ops");
	return check_graph(argv[0], &check->settings, (int)check->in_flight, check->is_json);
}

const struct command command_check = {
	.name = "check",
	.summary = "find every mistake in a graph, prove that it cannot deadlock, show its plan and memory",
	.usage = "GRAPH",
	.details = "Prints each worker's steps and each channel with its slots and bytes: what a run will allocate. Nothing is\n"
		"started and no op runs.\n",
	.options = check_option_specs,
	.values_bytes = sizeof(struct check_values),
	.n_arguments_max = 1,
	.run = run_check,
};
