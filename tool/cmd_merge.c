/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_merge: `tandem merge`: several traces in one file.
 */
#include <stdlib.h>

#include "tool/commands.h"
#include "tool/foreign.h"
#include "tool/interrupt.h"
#include "traces/merge.h"

struct merge_values {
	const char *out;
	bool is_quiet, has_no_cache;
};

#define AT(member) offsetof(struct merge_values, member)

static const struct option_spec merge_option_specs[] = {
	{ "output", 'o', OPTION_TEXT, AT(out), "OUT", NULL, "the trace to make; an older one there is replaced (required)" },
	{ "quiet", 'q', OPTION_FLAG, AT(is_quiet), NULL, NULL, "print nothing but failures" },
	FOREIGN_OPTION(AT(has_no_cache)),
	OPTIONS_END
};

static int merge(const struct merge_values *values, const char *const *files, int n_files)
{
	struct error error = { 0 };
	struct strbuf out = STRBUF_INIT;
	interrupt_catch();
	if (merge_files(files, n_files, values->out, interrupt_flag(), &error) != STATUS_OK) {
		error_prefix(&error, "merge");
		return interrupt_signal() ? 128 + interrupt_signal() : tool_fail(&error);
	}
	if (!values->is_quiet)
		strbuf_addf(&out, "%s: the runs of %d files side by side; tandem compare %s, tandem view %s\n", values->out,
			n_files, values->out, values->out);
	return tool_print(&out);
}

static int run_merge(void *user, int argc, char **argv)
{
	const struct merge_values *values = user;
	int n_open = 0, exit_status = TOOL_EXIT_DONE;
	if (!values->out)
		return tool_failf(TOOL_EXIT_USAGE, "merge: say where to: -o FILE.tandem");
	struct foreign *foreigns = calloc((size_t)argc, sizeof *foreigns);
	const char **files = calloc((size_t)argc, sizeof *files);
	if (!foreigns || !files)
		exit_status = tool_failf(TOOL_EXIT_FAILED, "%s", status_sentence(STATUS_NO_MEMORY));
	for (; n_open < argc && exit_status == TOOL_EXIT_DONE; n_open++) {
		exit_status = foreign_open(&argv[n_open], 1, !values->has_no_cache, &foreigns[n_open]);
		files[n_open] = foreigns[n_open].file;
	}
	if (exit_status == TOOL_EXIT_DONE)
		exit_status = merge(values, files, argc);
	for (int i = 0; i < n_open; i++)
		foreign_close(&foreigns[i]);
	free(foreigns);
	free(files);
	return exit_status;
}

const struct command command_merge = {
	.name = "merge",
	.summary = "put the runs of several traces into one file, side by side",
	.usage = "FILE FILE2…",
	.details = "Runs are numbered on; each keeps its own times. Two runs of one file can be compared and viewed beside each other:\n\n"
		"  tandem merge before.tandem after.tandem -o both.tandem\n"
		"  tandem compare both.tandem\n\n"
		"Ranks of one program that another tool recorded belong on one time axis: name their files together to 'tandem import'.\n"
		"A file of another tool is imported first. See doc/trace-care.md.\n",
	.options = merge_option_specs,
	.values_bytes = sizeof(struct merge_values),
	.n_arguments_min = 2,
	.n_arguments_max = 4096,
	.run = run_merge,
};
