/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_measure: one run's numbers over the executions that are compared: latency and its parts along the critical path
 * (traces/critical.h), each node's own work, how much each worker did, and the time between results.
 *
 * A node's own work is its ops' duration without waiting for others (critical_is_wait). Sums are exact, in ns
 * over all executions that are compared; samples for intervals are one an execution.
 */
#ifndef TANDEM_TRACES_COMPARE_MEASURE_H
#define TANDEM_TRACES_COMPARE_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/run/record.h"
#include "traces/align.h"
#include "traces/compare_stats.h"
#include "traces/critical_run.h"

/* Kinds are the phases, and the caller's own time while the driver's thread was outside tandem. */
enum compare_kind {
	COMPARE_KIND_CALLER = PHASE_COUNT,
	COMPARE_KIND_COUNT,
};
const char *compare_kind_word(int kind);

/* Of one node. */
struct compare_own {
	int64_t ns[COMPARE_KIND_COUNT];
	struct compare_moments moments; /* of ops */
};

/* Of one worker besides the driver. */
struct compare_lane {
	const char *worker;             /* of the align's places */
	int64_t ns[COMPARE_KIND_COUNT]; /* own work of its nodes */
};

struct compare_measure {
	int64_t n;                      /* executions */
	int64_t latency_ns;
	struct compare_moments latency;
	struct compare_moments kinds[COMPARE_KIND_COUNT]; /* of the path */
	/* By place of the run, and last the caller's and what is at no place; sums to latency_ns. */
	int64_t (*path_ns)[COMPARE_KIND_COUNT];
	int n_places;
	struct compare_own *own;        /* by node of the run */
	struct compare_lane *lanes;
	int n_lanes;
	int bottleneck;                 /* the lane with most own work; -1: there is no lane */
	/* From each result to the next, without the time in which nothing was in flight: of executions whose predecessor
	 * was recorded, too. */
	struct compare_moments period;
};

/* Measures run `side` (0 or 1) of `align`, which must outlive it. `loaded` holds its ops; NULL: they are read here. On
 * success *ret_measure must be finished. */
int compare_measure_make(const struct align *align, int side, const struct critical_run *loaded, struct error *error,
	struct compare_measure *ret_measure);
void compare_measure_finish(struct compare_measure *measure);

/* For a measure whose sums come from elsewhere: an empty one of the run, to be finished on success; and, once `own` is
 * filled, the lanes and the bottleneck, which follow from it. */
int compare_measure_init(const struct align_run *run, struct error *error, struct compare_measure *ret_measure);
void compare_measure_lanes(const struct align_run *run, struct compare_measure *measure);

/* Means of `sums` over `n`, each rounded so that they add up to the rounded mean of the whole (the bounds are rounded, not
 * the parts). `sums` and `means` may be the same. n > 0. */
void compare_means(const int64_t *sums, int n_sums, int64_t n, int64_t *means);

#endif
