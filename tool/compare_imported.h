/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_imported: `tandem compare` of runs that other tools recorded.
 */
#ifndef TANDEM_TOOL_COMPARE_IMPORTED_H
#define TANDEM_TOOL_COMPARE_IMPORTED_H

#include "traces/gpu_compare.h"
#include "traces/gpu_compare_print.h"

struct compare_imported_options {
	bool is_forced, is_exact, is_strict, is_json;
	int n_rows;
	const char *html;          /* a file to write; NULL */
	bool is_markdown;
	struct compare_answer *answers;
	int n_answers;
};

/* Whether a run was imported. */
bool compare_imported_is(const struct trace_run *run);

/* "3" or "3,1" into the sides' ranks; STATUS_USAGE. NULL: all ranks. */
int compare_imported_ranks(const char *text, struct gpu_compare_side sides[2], struct error *error);

/* Compares and prints; returns an enum tool_exit. */
int compare_imported(const struct gpu_compare_side sides[2], const struct compare_imported_options *options, struct error *error);

#endif
