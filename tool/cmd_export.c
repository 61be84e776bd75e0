/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_export: `tandem export`: a trace in other programs' formats. A file appears under its name when it is complete.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "tool/commands.h"
#include "tool/foreign.h"
#include "tool/interrupt.h"
#include "tool/progress.h"
#include "tool/screen_svg.h"
#include "traces/export.h"

struct export_values {
	int64_t format, run;
	const char *out, *executions, *table, *screen, *size, *theme;
	bool shows_private, has_no_cache;
};

#define AT(member) offsetof(struct export_values, member)

static const char *const format_words[] = {
	"auto",
#define X(name, word, suffixes) word,
	EXPORT_FORMAT_MAP(X)
#undef X
	"svg",
	NULL
};
#define FORMAT_SVG ((int64_t)ARRAY_LEN(format_words) - 2) /* a screen, drawn by the viewers */

static const struct option_spec export_option_specs[] = {
	{ "format", 'f', OPTION_CHOICE, AT(format), "FORMAT", "auto", "perfetto, chrome, csv, dot or svg; auto goes by the suffix of the output",
		.choices = format_words },
	{ "output", 'o', OPTION_TEXT, AT(out), "OUT", "-", "write to this file; '-' is standard output" },
	{ "run", 0, OPTION_INT, AT(run), "N", NULL, "only the run with this number (default: all; dot: the first)", 1, INT64_MAX },
	{ "executions", 0, OPTION_TEXT, AT(executions), "FIRST:END", NULL, "only executions FIRST to END - 1, counted from 0" },
	{ "table", 0, OPTION_TEXT, AT(table), "NAME", NULL, "csv: which table (default: op); see below" },
	{ "screen", 0, OPTION_TEXT, AT(screen), "NAME", "timeline", "svg: which screen of view" },
	{ "size", 0, OPTION_TEXT, AT(size), "WxH", "120x40", "svg: its size in cells" },
	{ "theme", 0, OPTION_TEXT, AT(theme), "NAME", "dark", "svg: dark, light or mono" },
	{ "with-host", 0, OPTION_FLAG, AT(shows_private), NULL, NULL,
		"write command lines, host, file names and parameters of nodes, too" },
	FOREIGN_OPTION(AT(has_no_cache)),
	OPTIONS_END
};

/* -- where to --------------------------------------------------------------------------------------------------------- */

struct output {
	int fd;
	const char *file;
	char *partial; /* under this name until it is complete; NULL: written in place */
};

/* What is there and no plain file (a pipe, /dev/null) is written in place. */
static int open_output(const char *file, struct output *ret_output)
{
	struct stat info;
	*ret_output = (struct output){ .fd = STDOUT_FILENO, .file = file };
	if (strcmp(file, "-") == 0)
		return TOOL_EXIT_DONE;
	if (stat(file, &info) == 0 && !S_ISREG(info.st_mode)) {
		ret_output->fd = open(file, O_WRONLY | O_CLOEXEC);
	} else {
		size_t size = strlen(file) + sizeof(".XXXXXX");
		ret_output->partial = malloc(size);
		if (!ret_output->partial)
			return tool_failf(TOOL_EXIT_FAILED, "%s", status_sentence(STATUS_NO_MEMORY));
		snprintf(ret_output->partial, size, "%s.XXXXXX", file);
		ret_output->fd = mkstemp(ret_output->partial);
	}
	if (ret_output->fd >= 0)
		return TOOL_EXIT_DONE;
	free(ret_output->partial);
	return tool_failf(TOOL_EXIT_FAILED, "%s: cannot be written: %s", file, strerror(errno));
}

static int close_output(struct output *output, int exit_status)
{
	if (output->fd == STDOUT_FILENO)
		return exit_status;
	bool keeps = exit_status == TOOL_EXIT_DONE;
	mode_t mask = umask(0);
	umask(mask);
	if (output->partial)
		fchmod(output->fd, 0666 & ~mask);
	if (close(output->fd) && keeps) {
		exit_status = tool_failf(TOOL_EXIT_FAILED, "%s: %s", output->file, strerror(errno));
		keeps = false;
	}
	if (output->partial && keeps && rename(output->partial, output->file)) {
		exit_status = tool_failf(TOOL_EXIT_FAILED, "%s: %s", output->file, strerror(errno));
		keeps = false;
	}
	if (output->partial && !keeps)
		unlink(output->partial);
	free(output->partial);
	return exit_status;
}

/* -- what ------------------------------------------------------------------------------------------------------------- */

static bool read_range(const char *text, struct export_options *options)
{
	int used = 0;
	if (sscanf(text, "%" SCNd64 ":%" SCNd64 "%n", &options->first, &options->end, &used) != 2 || text[used])
		return false;
	options->has_range = true;
	return options->first >= 0 && options->end > options->first;
}

static int read_options(const struct export_values *values, struct export_options *options)
{
	*options = (struct export_options){ .run = values->run, .table = values->table, .shows_private = values->shows_private,
		.is_over = interrupt_flag() };
	if (values->format)
		options->format = (enum export_format)(values->format - 1);
	else if (!export_guess_format(values->out, &options->format))
		return tool_failf(TOOL_EXIT_USAGE, "export: which format? Give --format, or an output named .pftrace, .json, .csv, .dot or .svg");
	if (values->table && options->format != EXPORT_CSV)
		return tool_failf(TOOL_EXIT_USAGE, "export: --table goes with --format csv");
	if (values->executions && !read_range(values->executions, options))
		return tool_failf(TOOL_EXIT_USAGE, "export: --executions %s: give FIRST:END, counted from 0, END excluded", values->executions);
	if (options->format == EXPORT_PERFETTO && strcmp(values->out, "-") == 0 && isatty(STDOUT_FILENO))
		return tool_failf(TOOL_EXIT_USAGE, "export: this format is not for a terminal; give -o FILE");
	return TOOL_EXIT_DONE;
}

static void show_progress(void *user, uint64_t n_rows)
{
	progress_update(user, n_rows, clock_now().ns);
}

static void note_incomplete(const struct trace *trace, const struct export_result *result)
{
	if (trace->is_log_ignored)
		tool_failf(0, "%s: its latest rows lie in a log that cannot be read here, and are left out", trace->file);
	if (result->n_moved)
		tool_failf(0, "%s: %" PRIu64 " events overlap with the one before them and were cut (cut_ns)", trace->file, result->n_moved);
	if (result->n_gapped)
		tool_failf(0, "%s: not all executions were recorded, so the fill of channels is left out", trace->file);
}

static int write_export(const struct trace *trace, struct export_options *options, const char *file)
{
	struct error error = { 0 };
	struct export_result result;
	struct progress progress;
	struct output output;
	int exit_status = open_output(file, &output);
	if (exit_status != TOOL_EXIT_DONE)
		return exit_status;
	uint64_t total = export_count_rows(trace, options);
	progress_init(&progress, "rows", total, total == 0);
	options->progress = show_progress;
	options->progress_user = &progress;
	int status = export_trace(trace, options, output.fd, &error, &result);
	progress_finish(&progress);
	if (status != STATUS_OK) {
		error_prefix(&error, "export");
		exit_status = interrupt_signal() ? 128 + interrupt_signal() : tool_fail(&error);
	}
	exit_status = close_output(&output, exit_status);
	if (exit_status == TOOL_EXIT_DONE)
		note_incomplete(trace, &result);
	return exit_status;
}

static bool wants_svg(const struct export_values *values)
{
	const char *suffix = strrchr(values->out, '.');
	return values->format == FORMAT_SVG || (!values->format && suffix && strcmp(suffix, ".svg") == 0);
}

static int write_svg(const struct export_values *values, const char *file)
{
	struct strbuf text = STRBUF_INIT;
	struct error error = { 0 };
	struct output output;
	if (screen_svg(file, values->run, values->screen, values->size, values->theme, &text, &error)) {
		strbuf_finish(&text);
		error_prefix(&error, "export");
		return tool_fail(&error);
	}
	int exit_status = open_output(values->out, &output);
	if (exit_status == TOOL_EXIT_DONE) {
		for (size_t at = 0; at < text.length && exit_status == TOOL_EXIT_DONE;) {
			ssize_t n = write(output.fd, text.text + at, text.length - at);
			if (n < 0 && errno != EINTR)
				exit_status = tool_failf(TOOL_EXIT_FAILED, "%s: %s", values->out, strerror(errno));
			at += n > 0 ? (size_t)n : 0;
		}
		exit_status = close_output(&output, exit_status);
	}
	strbuf_finish(&text);
	return exit_status;
}

static int export_file(const struct export_values *values, struct export_options *options, const char *file)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	if (trace_open(file, &error, &trace))
		return tool_fail(&error);
	interrupt_catch();
	int exit_status = write_export(trace, options, values->out);
	trace_close(trace);
	return exit_status;
}

static int run_export(void *values, int argc, char **argv)
{
	const struct export_values *asked = values;
	struct export_options options;
	struct foreign foreign;
	bool is_svg = wants_svg(asked);
	int exit_status = is_svg ? TOOL_EXIT_DONE : read_options(asked, &options);
	if (exit_status == TOOL_EXIT_DONE)
		exit_status = foreign_open(argv, argc, !asked->has_no_cache, &foreign);
	if (exit_status != TOOL_EXIT_DONE)
		return exit_status;
	exit_status = is_svg ? write_svg(asked, foreign.file) : export_file(asked, &options, foreign.file);
	foreign_close(&foreign);
	return exit_status;
}

const struct command command_export = {
	.name = "export",
	.summary = "write a trace for other programs: Perfetto, Chrome, CSV, DOT coloured by time, SVG",
	.usage = "FILE…",
	.details = "perfetto (.pftrace, .perfetto-trace) opens in ui.perfetto.dev, chrome (.json) in chrome://tracing and others; csv is\n"
		"one table; dot is the graph with each node filled by its share of the work, for Graphviz; svg (.svg) is a screen of\n"
		"'tandem view'. For example:\n\n"
		"  tandem export t.tandem -o t.pftrace\n"
		"  tandem export t.tandem -o - --format dot | dot -Tsvg > t.svg\n\n"
		"Tables for csv: op, stall, execution, time_split, blame, critical_path, kernel, memcpy, memset, api, mark, loss (the views of\n"
		"doc/trace-schema.md), run, worker, node, edge, channel, failure, log, counter. See doc/export.md.\n",
	.options = export_option_specs,
	.values_bytes = sizeof(struct export_values),
	.n_arguments_min = 1,
	.n_arguments_max = 4096,
	.run = run_export,
};
