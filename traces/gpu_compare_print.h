/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_compare_print: a comparison of imported runs as text, JSON, or another form (report_form.h). All print the same tables.
 *
 * JSON: one object with "a" and "b", "per" ("iteration" or "window"), "source" ("stored_sums" or "exact_pass"), "matched"
 * (shares of the device work's time by rule), "notes", "latency" (null without iterations), "names" (how many names of
 * kernels each has, and what became of them), and arrays of rows: "split", "calls", "work", "places", "conditions". Times are in ns.
 */
#ifndef TANDEM_TRACES_GPU_COMPARE_PRINT_H
#define TANDEM_TRACES_GPU_COMPARE_PRINT_H

#include "traces/compare_print.h"
#include "traces/gpu_compare.h"
#include "traces/report_form.h"

struct gpu_compare_print_options {
	int n_rows;                      /* most names and places in a table; 0: all */
	bool is_json;
	const struct report_form *form;  /* NULL: text, or JSON */
	const struct compare_answer *answers;
	int n_answers;
};

/* Appends to `out`; STATUS_NO_MEMORY when memory is out. */
int gpu_compare_print(const struct gpu_compare *compare, const struct gpu_compare_print_options *options, struct strbuf *out, struct error *error);

/* A name shortened for a line of text: without "void " and the arguments of templates and functions, at most `most` bytes. */
void gpu_compare_short_name(const char *name, size_t most, struct strbuf *out);

#endif
