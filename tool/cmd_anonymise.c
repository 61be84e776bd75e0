/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_anonymise: `tandem anonymise`: a trace without names, for people outside.
 */
#include <inttypes.h>

#include "tool/commands.h"
#include "tool/foreign.h"
#include "tool/interrupt.h"
#include "traces/anonymise.h"

struct anonymise_values {
	const char *out;
	bool keeps_kernels, is_quiet, has_no_cache;
};

#define AT(member) offsetof(struct anonymise_values, member)

static const struct option_spec anonymise_option_specs[] = {
	{ "output", 'o', OPTION_TEXT, AT(out), "OUT", NULL, "the trace to make; an older one there is replaced (required)" },
	{ "keep-kernels", 0, OPTION_FLAG, AT(keeps_kernels), NULL, NULL, "leave the names of kernels and of a graph's ops as they are" },
	{ "quiet", 'q', OPTION_FLAG, AT(is_quiet), NULL, NULL, "print nothing but failures" },
	FOREIGN_OPTION(AT(has_no_cache)),
	OPTIONS_END
};

static int anonymise(const struct anonymise_values *values, const char *file)
{
	const struct anonymise_options options = { .keeps_kernels = values->keeps_kernels, .interrupt = interrupt_flag() };
	struct anonymise_result result;
	struct error error = { 0 };
	struct strbuf out = STRBUF_INIT;
	interrupt_catch();
	if (anonymise_trace(file, values->out, &options, &error, &result) != STATUS_OK) {
		error_prefix(&error, "anonymise");
		return interrupt_signal() ? 128 + interrupt_signal() : tool_fail(&error);
	}
	if (values->is_quiet)
		return TOOL_EXIT_DONE;
	strbuf_addf(&out,
		"%s: %" PRId64 " names replaced, %" PRId64
		" left that say nothing (calls of CUDA, numbers, kinds of copies)%s\n",
		values->out, result.n_renamed, result.n_kept, values->keeps_kernels ? ", names of kernels among them" : "");
	if (result.n_dropped)
		strbuf_addf(&out, "what was saved of %" PRId64 " runs that went wrong was dropped\n", result.n_dropped);
	return tool_print(&out);
}

static int run_anonymise(void *user, int argc, char **argv)
{
	const struct anonymise_values *values = user;
	struct foreign foreign;
	if (!values->out)
		return tool_failf(TOOL_EXIT_USAGE, "anonymise: say where to: -o FILE.tandem");
	int exit_status = foreign_open(argv, argc, !values->has_no_cache, &foreign);
	if (exit_status != TOOL_EXIT_DONE)
		return exit_status;
	exit_status = anonymise(values, foreign.file);
	foreign_close(&foreign);
	return exit_status;
}

const struct command command_anonymise = {
	.name = "anonymise",
	.summary = "make a trace without names: hosts, users, files, nodes, kernels, messages",
	.usage = "FILE…",
	.details = "Names become pseudonyms (node_3, kernel_12, mark_5#17), the same name everywhere the same one; messages, command lines,\n"
		"the graph's text and what was saved of crashed runs are dropped. Times, sizes, shapes, links and structure stay, so that\n"
		"reports and comparisons show the same numbers. For example:\n\n"
		"  tandem anonymise t.tandem -o share.tandem\n\n"
		"A file of another tool (see 'tandem import') is imported first. See doc/trace-care.md.\n",
	.options = anonymise_option_specs,
	.values_bytes = sizeof(struct anonymise_values),
	.n_arguments_min = 1,
	.n_arguments_max = 4096,
	.run = run_anonymise,
};
