/* SPDX-License-Identifier: Apache-2.0
 *
 * split: where the host's time went: each worker's and the driver's time from the run's start to its end, by what the
 * step thread did. The phases of a lane sum to total_ns exactly: what is not recorded is PHASE_UNKNOWN, except before a
 * lane's first and after its last record, where it is PHASE_IDLE while no execution was in flight.
 */
#ifndef TANDEM_TRACES_SPLIT_H
#define TANDEM_TRACES_SPLIT_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/run/record.h"
#include "traces/trace.h"

struct split_lane {
	char *name, *worker;
	int64_t ns[PHASE_COUNT]; /* UNKNOWN is negative when records overlap */
	int64_t total_ns;
};

struct split {
	struct split_lane *lanes; /* in order of lane ids: the driver first */
	int n_lanes;
};

/* The same numbers as v_time_split. On success the split must be finished. */
int split_make(const struct trace *trace, int64_t run, struct error *error, struct split *ret_split);
void split_finish(struct split *split);

#endif
