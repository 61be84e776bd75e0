/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_query: `tandem query`: read-only SQL on a trace.
 */
#include <string.h>

#include "tool/commands.h"
#include "tool/foreign.h"
#include "tool/interrupt.h"
#include "traces/query.h"

struct query_values {
	bool is_json, is_csv, has_no_cache;
};

#define AT(member) offsetof(struct query_values, member)

static const struct option_spec query_option_specs[] = {
	{ "json", 0, OPTION_FLAG, AT(is_json), NULL, NULL, "print as JSON" },
	{ "csv", 0, OPTION_FLAG, AT(is_csv), NULL, NULL, "print as comma-separated values" },
	FOREIGN_OPTION(AT(has_no_cache)),
	OPTIONS_END
};

static int print_rows(const struct query_values *query, const struct table *rows)
{
	struct strbuf out = STRBUF_INIT;
	if (query->is_json)
		table_json_document(rows, &out);
	else if (query->is_csv)
		table_csv(rows, &out);
	else
		table_print(rows, 0, &out);
	return tool_print(&out);
}

static int ask(const struct query_values *query, const char *file, const char *sql)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	struct query_result result;
	if (trace_open(file, &error, &trace))
		return tool_fail(&error);
	interrupt_catch();
	struct query_options options = { .is_over = interrupt_flag() };
	int exit_status;
	if (query_run(trace, sql, &options, &error, &result)) {
		error_prefix(&error, "query");
		exit_status = interrupt_signal() ? 128 + interrupt_signal() : tool_fail(&error);
	} else {
		exit_status = print_rows(query, &result.table);
		query_finish(&result);
	}
	trace_close(trace);
	return exit_status;
}

static int run_query(void *values, int argc, char **argv)
{
	const struct query_values *query = values;
	struct foreign foreign;
	if (query->is_json && query->is_csv)
		return tool_failf(TOOL_EXIT_USAGE, "query: choose one of --json and --csv");
	int exit_status = foreign_open(argv, argc - 1, !query->has_no_cache, &foreign);
	if (exit_status != TOOL_EXIT_DONE)
		return exit_status;
	exit_status = ask(query, foreign.file, argv[argc - 1]);
	foreign_close(&foreign);
	return exit_status;
}

const struct command command_query = {
	.name = "query",
	.summary = "ask a trace a question in SQL",
	.usage = "FILE SQL",
	.details = "Runs one read-only statement. The views are the stable interface: v_op, v_stall, v_execution, v_time_split,\n"
		"v_loss and others; times are ns. For example:\n\n"
		"  tandem query t.tandem 'SELECT node, avg(compute_ns) FROM v_op GROUP BY node'\n\n"
		"A file of another tool (see 'tandem import') is imported into a cache first; several are the ranks of one program.\n",
	.options = query_option_specs,
	.values_bytes = sizeof(struct query_values),
	.n_arguments_min = 2,
	.n_arguments_max = 4096,
	.run = run_query,
};
