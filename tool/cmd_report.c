/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_report: `tandem report`: where a run's time went.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tool/commands.h"
#include "tool/foreign.h"
#include "traces/report.h"

struct report_values {
	int64_t run, n_slowest, n_stalls;
	const char *execution;
	bool is_json, shows_command, is_exact, has_no_cache;
};

#define AT(member) offsetof(struct report_values, member)

static const struct option_spec report_option_specs[] = {
	{ "run", 0, OPTION_INT, AT(run), "N", NULL, "the run with this number (default: the first)", 1, INT64_MAX },
	{ "slowest", 0, OPTION_INT, AT(n_slowest), "N", "3", "list the N slowest executions", 1, 1000 },
	{ "stalls", 0, OPTION_INT, AT(n_stalls), "N", "5", "list the N costliest stalls", 1, 1000 },
	{ "execution", 0, OPTION_TEXT, AT(execution), "N", NULL, "show only the critical path of execution N, counted from 0" },
	{ "exact", 0, OPTION_FLAG, AT(is_exact), NULL, NULL, "go through all ops of a long run, not only the sums kept while recording" },
	{ "command", 0, OPTION_FLAG, AT(shows_command), NULL, NULL, "show the command line and the host too" },
	{ "json", 0, OPTION_FLAG, AT(is_json), NULL, NULL, "print as JSON: an object with an array for each section" },
	FOREIGN_OPTION(AT(has_no_cache)),
	OPTIONS_END
};

static bool read_execution(const char *text, struct report_options *options)
{
	char *end;
	errno = 0;
	options->execution = strtoll(text, &end, 10);
	options->has_execution = end != text && !*end && !errno && options->execution >= 0;
	return options->has_execution;
}

static int print_report(const struct report_values *report, const struct trace *trace)
{
	struct error error = { 0 };
	const struct trace_run *run = trace_find_run(trace, report->run);
	if (!run && report->run)
		return tool_failf(TOOL_EXIT_FAILED, "%s: there is no run %" PRId64 "; the file holds %d", trace->file, report->run,
			trace->n_runs);
	if (!run)
		return tool_failf(TOOL_EXIT_FAILED, "%s: the file holds no run", trace->file);
	struct report_options options = { .n_slowest = (int)report->n_slowest, .n_stalls = (int)report->n_stalls,
		.is_exact = report->is_exact,
		.is_json = report->is_json, .shows_private = report->shows_command };
	struct strbuf out = STRBUF_INIT;
	if (report->execution && !read_execution(report->execution, &options))
		return tool_failf(TOOL_EXIT_USAGE, "--execution %s: give the number of an execution, counted from 0", report->execution);
	if (report_make(trace, run, &options, &out, &error)) {
		strbuf_finish(&out);
		return tool_fail(&error);
	}
	return tool_print(&out);
}

static int run_report(void *values, int argc, char **argv)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	if (trace_open(argv[0], &error, &trace))
		return tool_fail(&error);
	int exit_status = print_report(values, trace);
	trace_close(trace);
	return exit_status;
}

const struct command command_report = {
	.name = "report",
	.summary = "show where a run's time went and why: blame, critical path, stalls, losses",
	.usage = "FILE",
	.details = "For each worker the time from the run's start to its end is divided into what its thread did; what cannot be\n"
		"told is shown as unknown. What limits, blame and critical paths are explained in doc/blame.md.\n"
		"A trace whose run was killed is reported as far as it goes.\n",
	.options = report_option_specs,
	.values_bytes = sizeof(struct report_values),
	.n_arguments_min = 1,
	.n_arguments_max = 1,
	.run = run_report,
};
