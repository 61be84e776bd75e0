/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_check: `tandem check`: graphs and traces, told apart by their content.
 */
#include <string.h>

#include "engine/base/file_kind.h"
#include "tool/check_graph.h"
#include "tool/commands.h"
#include "tool/foreign.h"
#include "traces/trace_check.h"

struct check_values {
	struct option_list settings, modules;
	int64_t in_flight;
	bool is_json, lists_ops, has_no_cache;
};

#define AT(member) offsetof(struct check_values, member)

static const struct option_spec check_option_specs[] = {
	{ "set", 0, OPTION_LIST, AT(settings), "NAME=VALUE", NULL, "put VALUE in place of $NAME in the graph" },
	{ "module", 0, OPTION_LIST, AT(modules), "FILE.so", NULL, "load a module with ops; its code runs in this process" },
	{ "in-flight", 0, OPTION_INT, AT(in_flight), "N", NULL,
		"most executions under way at once (default: 2 for each worker)", 1, 65536 },
	{ "ops", 0, OPTION_FLAG, AT(lists_ops), NULL, NULL, "list the ops instead: the built-in ones and those of modules" },
	{ "json", 0, OPTION_FLAG, AT(is_json), NULL, NULL, "print as JSON" },
	FOREIGN_OPTION(AT(has_no_cache)),
	OPTIONS_END
};

static bool is_trace(const char *file)
{
	enum file_kind kind = file_kind(file);
	const char *suffix = strrchr(file, '.');
	return kind == FILE_KIND_TRACE || kind == FILE_KIND_SQLITE || (suffix && strcmp(suffix, ".tandem") == 0) || foreign_is(file);
}

static int print_checks(const struct trace *trace, bool is_json)
{
	struct error error = { 0 };
	struct strbuf out = STRBUF_INIT;
	struct table table;
	int n_wrong = 0;
	table_init(&table, trace_check_columns, TRACE_CHECK_COLUMNS);
	int status = trace_check(trace, &table, &n_wrong, &error);
	if (!status && is_json)
		table_json_document(&table, &out);
	else if (!status)
		table_print(&table, 0, &out);
	table_finish(&table);
	int exit_status = tool_print(&out);
	if (status)
		return tool_fail(&error);
	if (n_wrong)
		return tool_failf(TOOL_EXIT_FAILED, "%s: %d check%s found it wrong", trace->file, n_wrong, n_wrong == 1 ? "" : "s");
	return exit_status;
}

static int check_trace(char *const *files, int n_files, const struct check_values *check)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	struct foreign foreign;
	int exit_status = foreign_open(files, n_files, !check->has_no_cache, &foreign);
	if (exit_status != TOOL_EXIT_DONE)
		return exit_status;
	exit_status = trace_open(foreign.file, &error, &trace) ? tool_fail(&error) : print_checks(trace, check->is_json);
	trace_close(trace);
	foreign_close(&foreign);
	return exit_status;
}

static int run_check(void *values, int argc, char **argv)
{
	const struct check_values *check = values;
	if (check->lists_ops)
		return check_list_ops(&check->modules, check->is_json);
	if (!argc)
		return tool_failf(TOOL_EXIT_USAGE, "check: which file? Name a graph or a trace, or ask for --ops");
	if (is_trace(argv[0]))
		return check_trace(argv, argc, check);
	if (argc > 1)
		return tool_failf(TOOL_EXIT_USAGE, "check: '%s' is one argument too many; see 'tandem check --help'", argv[1]);
	return check_graph(argv[0], &check->settings, &check->modules, (int)check->in_flight, check->is_json);
}

const struct command command_check = {
	.name = "check",
	.summary = "find every mistake in a graph and show its plan and memory; or look whether a trace is sound",
	.usage = "GRAPH|FILE…",
	.details = "Of a graph: every mistake with its line; each worker's steps and each channel with its slots and bytes, which is\n"
		"all that a run will allocate; and the proof that it cannot deadlock. Nothing is started and no op runs.\n"
		"Of a trace: the file's integrity, whether its tables agree with each other, and what it lacks.\n\n"
		"A file of another tool (see 'tandem import') is imported into a cache first; several are the ranks of one program.\n",
	.options = check_option_specs,
	.values_bytes = sizeof(struct check_values),
	.n_arguments_max = 4096,
	.run = run_check,
};
