/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_import: `tandem import`: traces of other tools into one of ours.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "tool/commands.h"
#include "tool/interrupt.h"
#include "tool/progress.h"
#include "traces/db.h"
#include "traces/import.h"

#define PROGRESS_TOTAL 1000

struct import_values {
	const char *out;
	int64_t align; /* enum import_align */
	bool is_quiet;
};

#define AT(member) offsetof(struct import_values, member)

static const char *const aligns[] = {
#define X(name, word) word,
	IMPORT_ALIGN_MAP(X)
#undef X
	NULL
};

static const struct option_spec import_option_specs[] = {
	{ "output", 'o', OPTION_TEXT, AT(out), "FILE.tandem", NULL, "the trace to make; an older one there is replaced (required)" },
	{ "align", 0, OPTION_CHOICE, AT(align), "HOW", "auto", "how several files get one time axis: by their clocks "
		"and common collectives,"
	  " not at all, or by their beginnings", .choices = aligns },
	{ "quiet", 'q', OPTION_FLAG, AT(is_quiet), NULL, NULL, "print nothing but failures" },
	OPTIONS_END
};

static bool show_progress(void *user, double share, uint64_t n_bytes)
{
	progress_update(user, (uint64_t)(share * PROGRESS_TOTAL), clock_now().ns);
	return true;
}

/* What could not be read, or not as it stood, by cause. The trace is finished: failures of reading it back tell nothing new. */
static void add_problems(const char *file, struct strbuf *out)
{
	struct db *db = NULL;
	struct db_stmt *stmt = NULL;
	struct error error;
	bool has_row = false;
	if (db_open(file, DB_READ, &error, &db) != STATUS_OK)
		return;
	if (db_prepare(db, "SELECT file, cause, n, first_place FROM v_problem ORDER BY file, n DESC", NULL, &error, &stmt) == STATUS_OK) {
		while (db_step(stmt, &has_row, &error) == STATUS_OK && has_row) {
			strbuf_add(out, "  ");
			strbuf_add_printable(out, db_column_text(stmt, 0));
			strbuf_addf(out, ": %" PRId64 " × %s (first at %" PRId64 ")\n", db_column_int(stmt, 2), db_column_text(stmt, 1),
				db_column_int(stmt, 3));
		}
	}
	db_finish(stmt);
	db_close(db);
}

static int run_import(void *user, int argc, char **argv)
{
	const struct import_values *values = user;
	struct import_file *files = NULL;
	struct progress progress;
	struct error error;
	struct strbuf out = STRBUF_INIT;
	struct import_options options = { .files = (const char *const *)argv, .n_files = argc, .output = values->out,
		.align = (enum import_align)values->align,
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
		add_problems(values->out, &out);
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
