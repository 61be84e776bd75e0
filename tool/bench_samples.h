/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_samples: the same measurements taken several times, and what is reported of them.
 */
#ifndef TANDEM_TOOL_BENCH_SAMPLES_H
#define TANDEM_TOOL_BENCH_SAMPLES_H

#include "tool/bench_results.h"

struct bench_sample_row;

/* Filled through bench_row (tool/bench.h), once for each repeat of a bench. */
struct bench_rows {
	const char *bench; /* which one runs */
	struct bench_sample_row *rows;
	int n_rows, capacity;
	bool is_failed;    /* memory was out; samples are missing */
};

#define BENCH_ROWS_INIT { 0 }

/* Appends a result for each row, in the order they first came. Beside a limit the best value stands, and the best limit: what disturbs a
 * machine only ever adds. Without a limit (differences, shares) it is the median. */
void bench_samples_reduce(const struct bench_rows *rows, struct bench_results *results);
void bench_samples_finish(struct bench_rows *rows);

#endif
