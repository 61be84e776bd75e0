/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_imported: see the header.
 */
#include "tool/compare_imported.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool/command.h"
#include "tool/write_file.h"
#include "traces/report_html.h"
#include "traces/report_markdown.h"

bool compare_imported_is(const struct trace_run *run)
{
	return strcmp(run->mode, GPU_COMPARE_MODE) == 0;
}

static bool read_rank(const char *text, char **ret_end, int64_t *ret_rank)
{
	errno = 0;
	*ret_rank = strtoll(text, ret_end, 10);
	return *ret_end != text && !errno && *ret_rank >= 0;
}

int compare_imported_ranks(const char *text, struct gpu_compare_side sides[2], struct error *error)
{
	char *end = NULL;
	sides[0].rank = sides[1].rank = -1;
	if (!text)
		return STATUS_OK;
	bool is_right = read_rank(text, &end, &sides[0].rank);
	sides[1].rank = sides[0].rank;
	if (is_right && *end == ',')
		is_right = read_rank(end + 1, &end, &sides[1].rank);
	if (!is_right || *end)
		return error_set(error, STATUS_USAGE, "--rank %s: give the rank of A and that of B, as in 0,3, or one for both", text);
	return STATUS_OK;
}

static int check_conditions(const struct gpu_compare *compare, const struct compare_imported_options *options, struct error *error)
{
	for (int i = 0; i < options->n_answers; i++) {
		struct compare_answer *answer = &options->answers[i];
		if (gpu_compare_check(&answer->condition, compare, options->is_strict, error, &answer->verdict))
			return error_prefix(error, "compare: --fail-if");
	}
	return STATUS_OK;
}

int compare_imported(const struct gpu_compare_side sides[2], const struct compare_imported_options *options, struct error *error)
{
	const struct gpu_compare_options how = { .is_forced = options->is_forced, .is_exact = options->is_exact };
	const struct gpu_compare_print_options printed = { .n_rows = options->n_rows, .is_json = options->is_json,
		.form = options->html ? &report_html : options->is_markdown ? &report_markdown : NULL, .answers = options->answers,
		.n_answers = options->n_answers };
	struct gpu_compare compare = { .n_rows = 0 };
	struct strbuf out = STRBUF_INIT;
	int status = gpu_compare_make(sides, &how, error, &compare);
	if (status == STATUS_OK)
		status = check_conditions(&compare, options, error);
	if (status == STATUS_OK)
		status = gpu_compare_print(&compare, &printed, &out, error);
	gpu_compare_finish(&compare);
	if (status != STATUS_OK) {
		strbuf_finish(&out);
		return tool_fail(error);
	}
	int exit_status = tool_write_file(options->html ? options->html : "-", &out);
	for (int i = 0; i < options->n_answers && exit_status == TOOL_EXIT_DONE; i++) {
		if (options->answers[i].verdict.holds)
			exit_status = TOOL_EXIT_FAILED;
	}
	return exit_status;
}
