/* SPDX-License-Identifier: Apache-2.0
 *
 * compare_stored: a run's compare_measure in its file, so that a comparison need not go over all ops. Entered at the run's
 * end (blame_findings.h), over the executions that would be compared with a run like it: those without warm-up, all of them
 * finished. The sums and moments are those of compare_measure_make to the last bit; they serve a comparison of the very same
 * executions only.
 */
#ifndef TANDEM_TRACES_COMPARE_STORED_H
#define TANDEM_TRACES_COMPARE_STORED_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "traces/align.h"
#include "traces/compare_measure.h"
#include "traces/critical_run.h"

/* The critical paths of a run with more steps (at most, by its layout) are not summed up unasked. */
#define COMPARE_STORED_STEPS_MAX 20000000

/* X(NAME, word): what a row of the table compare_sum is about. Stored: append only. */
#define COMPARE_PART_MAP(X)                                                        \
	X(LATENCY, "latency") /* n, ns, mean, squares; of executions */            \
	X(KIND, "kind")       /* n, mean, squares by kind of the path */           \
	X(PATH, "path")       /* ns by place and kind of the path */               \
	X(OWN, "own")         /* n, mean, squares by node; of ops */               \
	X(WORK, "work")       /* ns by node and kind of its own work */            \
	X(PERIOD, "period")   /* n, mean, squares; from one result to the next */

enum compare_part {
#define X(name, word) COMPARE_PART_##name,
	COMPARE_PART_MAP(X)
#undef X
	COMPARE_PART_COUNT
};

/* Measures the run in `loaded` (with its ops) and enters the sums in the caller's transaction: once a run. Enters nothing when
 * an execution failed, none remains, or its paths may have more than COMPARE_STORED_STEPS_MAX steps. */
int compare_stored_write(struct db *db, const struct critical_run *loaded, struct error *error);

/* Whether `align` compares all executions of both runs but for what their files mark as warm-up: what sums are stored of. */
bool compare_stored_serves(const struct align *align);

/* Reads the sums of run `side` (0 or 1) of `align`, which must outlive the measure. *ret_are_there says whether the file holds
 * them for the executions that are compared: only then *ret_measure must be finished. STATUS_TRACE when they are damaged. */
int compare_stored_read(const struct align *align, int side, struct error *error, bool *ret_are_there,
	struct compare_measure *ret_measure);

#endif
