/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_report: `tandem report`: where a run's time went.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tool/commands.h"
#include "tool/foreign.h"
#include "tool/screen_svg.h"
#include "tool/write_file.h"
#include "traces/report.h"
#include "traces/report_html.h"
#include "traces/report_markdown.h"

struct report_values {
	int64_t run, n_slowest, n_stalls;
	const char *execution, *html;
	bool is_json, is_markdown, shows_command, is_exact, has_no_cache;
};

#define AT(member) offsetof(struct report_values, member)

static const struct option_spec report_option_specs[] = {
	{ "run", 0, OPTION_INT, AT(run), "N", NULL, "the run with this number (default: the first)", 1, INT64_MAX },
	{ "slowest", 0, OPTION_INT, AT(n_slowest), "N", "3", "list the N slowest executions", 1, 1000 },
	{ "stalls", 0, OPTION_INT, AT(n_stalls), "N", "5", "list the N costliest stalls", 1, 1000 },
	{ "execution", 0, OPTION_TEXT, AT(execution), "N", NULL, "show only the critical path of execution N, counted from 0" },
	{ "exact", 0, OPTION_FLAG, AT(is_exact), NULL, NULL, "go through all ops of a long run, not only the sums kept while recording" },
	{ "html", 0, OPTION_TEXT, AT(html), "OUT", NULL, "write a page that needs nothing else, with a picture of the timeline, to this file" },
	{ "markdown", 0, OPTION_FLAG, AT(is_markdown), NULL, NULL, "print as Markdown, for a pull request" },
	{ "with-host", 0, OPTION_FLAG, AT(shows_command), NULL, NULL, "the same as --command" },
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

#define PICTURE_SIZE "132x30" /* cells */

/* The timeline for light and for dark. */
static int draw_timeline(const struct trace *trace, const struct trace_run *run, struct strbuf *out, struct error *error)
{
	struct strbuf light = STRBUF_INIT, dark = STRBUF_INIT;
	int status = screen_svg(trace->file, run->id, "timeline", PICTURE_SIZE, "light", &light, error);
	if (status == STATUS_OK)
		status = screen_svg(trace->file, run->id, "timeline", PICTURE_SIZE, "dark", &dark, error);
	if (status == STATUS_OK)
		report_html_pictures(out, strbuf_text(&light), strbuf_text(&dark));
	strbuf_finish(&light);
	strbuf_finish(&dark);
	return status;
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
	struct strbuf picture = STRBUF_INIT;
	int status = report->html ? draw_timeline(trace, run, &picture, &error) : STATUS_OK;
	options.form = report->html ? &report_html : report->is_markdown ? &report_markdown : NULL;
	options.picture = report->html ? strbuf_text(&picture) : NULL;
	if (status == STATUS_OK)
		status = report_make(trace, run, &options, &out, &error);
	strbuf_finish(&picture);
	if (status != STATUS_OK) {
		strbuf_finish(&out);
		return tool_fail(&error);
	}
	return tool_write_file(report->html ? report->html : "-", &out);
}

static int run_report(void *values, int argc, char **argv)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	struct foreign foreign;
	int exit_status = foreign_open(argv, argc, !((const struct report_values *)values)->has_no_cache, &foreign);
	if (exit_status != TOOL_EXIT_DONE)
		return exit_status;
	exit_status = trace_open(foreign.file, &error, &trace) ? tool_fail(&error) : print_report(values, trace);
	trace_close(trace);
	foreign_close(&foreign);
	return exit_status;
}

const struct command command_report = {
	.name = "report",
	.summary = "show where a run's time went and why: blame, critical path, stalls, losses",
	.usage = "FILE…",
	.details = "For each worker the time from the run's start to its end is divided into what its thread did; what cannot be\n"
		"told is shown as unknown. What limits, blame and critical paths are explained in doc/blame.md.\n"
		"A trace whose run was killed is reported as far as it goes.\n\n"
		"--html and --markdown leave out command lines, hosts and the folders of files, unless --with-host is given.\n\n"
		"A file of another tool (see 'tandem import') is imported into a cache first; several are the ranks of one program.\n",
	.options = report_option_specs,
	.values_bytes = sizeof(struct report_values),
	.n_arguments_min = 1,
	.n_arguments_max = 4096,
	.run = run_report,
};
