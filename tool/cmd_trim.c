/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_trim: `tandem trim`: a part of a trace as a trace of its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/units.h"
#include "tool/commands.h"
#include "tool/foreign.h"
#include "tool/interrupt.h"
#include "traces/trim.h"

struct trim_values {
	const char *out, *from, *until, *executions;
	struct option_list lanes, ranks;
	int64_t run;
	bool is_quiet, has_no_cache;
};

#define AT(member) offsetof(struct trim_values, member)

static const struct option_spec trim_option_specs[] = {
	{ "output", 'o', OPTION_TEXT, AT(out), "OUT", NULL, "the trace to make; an older one there is replaced (required)" },
	{ "from", 0, OPTION_TEXT, AT(from), "TIME", NULL, "from here on: 1.5s is from the run's start, a mere number ns of the trace's clock" },
	{ "until", 0, OPTION_TEXT, AT(until), "TIME", NULL, "up to here, likewise" },
	{ "executions", 0, OPTION_TEXT, AT(executions), "FIRST:END", NULL,
		"from the start of execution FIRST, counted from 0, to the end of END - 1, and what else was done meanwhile" },
	{ "lane", 0, OPTION_LIST, AT(lanes), "PATTERN", NULL, "only lanes, or lanes of workers, with such a name; * and ? stand for anything" },
	{ "rank", 0, OPTION_LIST, AT(ranks), "N", NULL, "only what belongs to this rank" },
	{ "run", 0, OPTION_INT, AT(run), "N", NULL, "only the run with this number (default: all)", 1, INT64_MAX },
	{ "quiet", 'q', OPTION_FLAG, AT(is_quiet), NULL, NULL, "print nothing but failures" },
	FOREIGN_OPTION(AT(has_no_cache)),
	OPTIONS_END
};

static bool read_number(const char *text, int64_t *ret_number)
{
	char *end;
	errno = 0;
	*ret_number = strtoll(text, &end, 10);
	return end != text && !*end && !errno;
}

static int read_time(const char *option, const char *text, struct trim_time *time)
{
	if (!text)
		return TOOL_EXIT_DONE;
	time->is_set = true;
	if (read_number(text, &time->ns))
		return TOOL_EXIT_DONE;
	time->is_relative = true;
	if (units_parse_duration(text, &time->ns) == STATUS_OK)
		return TOOL_EXIT_DONE;
	return tool_failf(TOOL_EXIT_USAGE,
		"trim: --%s %s: write it as 1.5s or 300us, from the run's start, or as ns of the trace's clock", option,
		text);
}

static bool read_executions(const char *text, struct trim_options *options)
{
	int used = 0;
	options->has_executions = true;
	return sscanf(text, "%" SCNd64 ":%" SCNd64 "%n", &options->first, &options->end, &used) == 2 && !text[used] && options->first >= 0
		&& options->end > options->first;
}

/* *ret_ranks is the caller's to free. */
static int read_values(const struct trim_values *values, struct trim_options *options, int64_t **ret_ranks)
{
	*options = (struct trim_options){ .run = values->run, .n_ranks = values->ranks.n_items, .interrupt = interrupt_flag() };
	if (!values->out)
		return tool_failf(TOOL_EXIT_USAGE, "trim: say where to: -o FILE.tandem");
	if (values->executions && !read_executions(values->executions, options))
		return tool_failf(TOOL_EXIT_USAGE, "trim: --executions %s: give FIRST:END, counted from 0, END excluded", values->executions);
	int exit_status = read_time("from", values->from, &options->from);
	if (exit_status == TOOL_EXIT_DONE)
		exit_status = read_time("until", values->until, &options->until);
	*ret_ranks = calloc((size_t)values->ranks.n_items + 1, sizeof **ret_ranks);
	if (exit_status == TOOL_EXIT_DONE && !*ret_ranks)
		exit_status = tool_failf(TOOL_EXIT_FAILED, "%s", status_sentence(STATUS_NO_MEMORY));
	for (int i = 0; i < values->ranks.n_items && exit_status == TOOL_EXIT_DONE; i++) {
		if (!read_number(values->ranks.items[i], &(*ret_ranks)[i]))
			exit_status = tool_failf(TOOL_EXIT_USAGE, "trim: --rank %s: give the number of a rank", values->ranks.items[i]);
	}
	options->ranks = *ret_ranks;
	return exit_status;
}

static int trim(const struct trim_values *values, const struct trim_options *options, const char *file)
{
	struct trim_result result;
	struct error error = { 0 };
	struct strbuf out = STRBUF_INIT;
	interrupt_catch();
	if (trim_trace(file, values->out, options, &error, &result) != STATUS_OK) {
		error_prefix(&error, "trim");
		return interrupt_signal() ? 128 + interrupt_signal() : tool_fail(&error);
	}
	if (!values->is_quiet)
		strbuf_addf(&out, "%s: %" PRId64 " of %" PRId64 " ops and spans, on %" PRId64 " lane%s; %" PRId64 " that cross the ends were cut\n",
			values->out, result.n_after, result.n_before, result.n_lanes, result.n_lanes == 1 ? "" : "s", result.n_cut);
	return tool_print(&out);
}

static int run_trim(void *user, int argc, char **argv)
{
	const struct trim_values *values = user;
	struct trim_options options;
	struct foreign foreign;
	int64_t *ranks = NULL;
	const char **lanes = calloc((size_t)values->lanes.n_items + 1, sizeof *lanes);
	int exit_status = lanes ? read_values(values, &options, &ranks) : tool_failf(TOOL_EXIT_FAILED, "%s", status_sentence(STATUS_NO_MEMORY));
	if (exit_status == TOOL_EXIT_DONE)
		exit_status = foreign_open(argv, argc, !values->has_no_cache, &foreign);
	if (exit_status == TOOL_EXIT_DONE) {
		for (int i = 0; i < values->lanes.n_items; i++)
			lanes[i] = values->lanes.items[i];
		options.lanes = lanes;
		exit_status = trim(values, &options, foreign.file);
		foreign_close(&foreign);
	}
	free(lanes);
	free(ranks);
	return exit_status;
}

const struct command command_trim = {
	.name = "trim",
	.summary = "keep a part of a trace: a stretch of time, some executions, some lanes",
	.usage = "FILE…",
	.details = "What crosses the ends of the stretch is cut there, so that the pieces of a trace sum to the whole; executions of which\n"
		"something is missing are marked as partial. Sums, zoom levels and findings are made anew. For example:\n\n"
		"  tandem trim big.tandem --from 1.5s --until 2s -o small.tandem\n"
		"  tandem trim t.tandem --executions 100:110 -o slow.tandem\n"
		"  tandem trim ranks.tandem --rank 3 --lane '*stream 7*' -o rank3.tandem\n\n"
		"A file of another tool (see 'tandem import') is imported first. See doc/trace-care.md.\n",
	.options = trim_option_specs,
	.values_bytes = sizeof(struct trim_values),
	.n_arguments_min = 1,
	.n_arguments_max = 4096,
	.run = run_trim,
};
