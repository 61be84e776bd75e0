/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_print: a comparison for people or as JSON. Both print the same tables.
 *
 * JSON: one object with "a" and "b" (which run), "pairs", "warmup", "failed", "source" ("stored_sums" or "exact_pass"),
 * "notes", "latency" and "throughput" (values, difference, interval, is_beyond_noise; throughput may be null), "bottleneck"
 * (or null), and arrays of rows: "split", "bottleneck_split", "nodes", "only", "conditions". Times are in ns.
 */
#ifndef TANDEM_TRACES_COMPARE_PRINT_H
#define TANDEM_TRACES_COMPARE_PRINT_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/strbuf.h"
#include "traces/compare.h"
#include "traces/compare_condition.h"

/* A condition and what became of it. */
struct compare_answer {
	struct compare_condition condition;
	struct compare_verdict verdict;
};

struct compare_print_options {
	int n_rows;                           /* most nodes and edges to list in text; 0: all */
	bool is_json;
	const struct compare_answer *answers;
	int n_answers;
};

/* Appends to `out`; STATUS_NO_MEMORY when memory is out. */
int compare_print(const struct compare *compare, const struct compare_print_options *options, struct strbuf *out,
	struct error *error);

/* What became of the conditions: a line each, or the member "conditions" of a JSON object. */
void compare_print_answers(const struct compare_answer *answers, int n_answers, bool is_json, struct strbuf *out);

/* "dispatch +171 ns, allocate +30 ns": the kinds that make up at least nine tenths of the change between the two lists. */
void compare_explain(const int64_t a_ns[COMPARE_KIND_COUNT], const int64_t b_ns[COMPARE_KIND_COUNT], struct strbuf *out);

/* Why a row changed: its own work, unless its part of the path changed much more; an edge has the path only. */
void compare_explain_row(const struct compare_row *row, struct strbuf *out);

#endif
