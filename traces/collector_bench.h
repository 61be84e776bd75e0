/* SPDX-License-Identifier: Apache-2.0
 *
 * collector_bench: how fast records become rows, against bare inserts of the same rows.
 */
#ifndef TANDEM_TRACES_COLLECTOR_BENCH_H
#define TANDEM_TRACES_COLLECTOR_BENCH_H

#include <stdint.h>

#include "engine/base/error.h"

struct collector_bench {
	double collected_per_s; /* records taken from a ring, converted, inserted and committed as the collector does it */
	double bare_per_s;      /* the same rows through one prepared INSERT in one transaction */
	int64_t n_rows;
};

/* Feeds `n_records` op records of a synthetic chain of nodes through a ring into a trace in `folder` (a temporary
 * one, removed afterwards), then inserts the same rows bare into another. Takes some seconds a million. */
int collector_bench_run(const char *folder, int64_t n_records, struct error *error, struct collector_bench *ret_bench);

#endif
