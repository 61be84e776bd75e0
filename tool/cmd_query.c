/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_query: `tandem query`: read-only SQL on a trace.
 */
#include <string.h>

#include "tool/commands.h"
#include "tool/interrupt.h"
#include "traces/query.h"

struct query_values {
	bool is_json, is_csv;
};

#define AT(member) offsetof(struct query_values, member)

static const struct option_spec query_option_specs[] = {
	{ "json", 0, OPTION_FLAG, AT(is_json), NULL, NULL, "print as JSON" },
	{ "csv", 0, OPTION_FLAG, AT(is_csv), NULL, NULL, "print as comma-separated values" },
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

static int run_query(void *values, int argc, char **argv)
{
	const struct query_values *query = values;
	struct error error = { 0 };
	struct trace *trace = NULL;
	struct query_result result;
	if (query->is_json && query->is_csv)
		return tool_failf(TOOL_EXIT_USAGE, "query: choose one of --json and --csv");
	if (trace_open(argv[0], &error, &trace))
		return tool_fail(&error);
	interrupt_catch();
	struct query_options options = { .is_over = interrupt_flag() };
	int exit_status;
	if (query_run(trace, argv[1], &options, &error, &result)) {
		error_prefix(&error, "query");
		exit_status = interrupt_signal() ? 128 + interrupt_signal() : tool_fail(&error);
	} else {
		exit_status = print_rows(query, &result.table);
		query_finish(&result);
	}
	trace_close(trace);
	return exit_status;
}

const struct command command_query = {
	.name = "query",
	.summary = "ask a trace a question in SQL",
	.usage = "FILE SQL",
	.details = "Runs one read-only statement. The views are the stable interface: v_op, v_stall, v_execution, v_time_split,\n"
		"v_loss and others; times are ns. For example:\n\n"
		"  tandem query t.tandem 'SELECT node, avg(compute_ns) FROM v_op GROUP BY node'\n",
	.options = query_option_specs,
	.values_bytes = sizeof(struct query_values),
	.n_arguments_min = 2,
	.n_arguments_max = 2,
	.run = run_query,
};
