/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_import: `tandem import`: traces of other tools into one of ours.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "tool/commands.h"
#include "tool/interrupt.h"
#include "tool/progress.h"
#include "traces/import.h"

#define PROGRESS_TOTAL 1000

struct import_values {
	const char *out;
	bool is_quiet;
};

#define AT(member) offsetof(struct import_values, member)

static const struct option_spec import_option_specs[] = {
	{ "output", 'o', OPTION_TEXT, AT(out), "FILE.tandem", NULL, "the trace to make; an older one there is replaced (required)" },
	{ "quiet", 'q', OPTION_FLAG, AT(is_quiet), NULL, NULL, "print nothing but failures" },
	OPTIONS_END
};

static bool show_progress(void *user, double share, uint64_t n_bytes)
{
	progress_update(user, (uint64_t)(share * PROGRESS_TOTAL), clock_now().ns);
	return true;
}

static int run_import(void *user, int argc, char **argv)
{
	const struct import_values *values = user;
	struct import_file *files = NULL;
	struct progress progress;
	struct error error;
	struct strbuf out = STRBUF_INIT;
	struct import_options options = { .files = (const char *const *)argv, .n_files = argc, .output = values->out,
		.progress = show_progress, .user = &progress, .interrupt = interrupt_flag() };
	if (!values->out)
		return tool_failf(TOOL_EXIT_USAGE, "import: say where to: -o FILE.tandem");
	clock_init();
	interrupt_catch();
	progress_init(&progress, "of 1000 parts", PROGRESS_TOTAL, values->is_quiet);
	int status = import_run(&options, &files, &error);
	progress_finish(&progress);
	if (status != STATUS_OK)
		return interrupt_signal() ? 128 + interrupt_signal() : tool_fail(&error);
	if (!values->is_quiet) {
		import_describe(&options, files, &out);
		strbuf_addf(&out, "%s: tandem view %s, tandem report %s\n", values->out, values->out, values->out);
	}
	free(files);
	return tool_print(&out);
}

const struct command command_import = {
	.name = "import",
	.summary = "turn traces of other tools into one of tandem's",
	.usage = "FILE…",
	.details =
		"What a file is is found by its content: an Nsight Systems export (nsys export --type sqlite), a PyTorch\n"
		"profile (Kineto JSON, plain or gzip), a Ray timeline, any other Chrome trace. Several files are the ranks of\n"
		"one program and become one trace on one time axis. What cannot be read is counted and named, and a file that\n"
		"is cut is read as far as it goes.\n",
	.options = import_option_specs,
	.values_bytes = sizeof(struct import_values),
	.n_arguments_min = 1,
	.n_arguments_max = 4096,
	.run = run_import,
};
