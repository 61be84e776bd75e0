/* SPDX-License-Identifier: Apache-2.0
 *
 * blame_lane: a lane as a sequence of segments in each of which it does one thing: work, wait for one other lane, take delivery of
 * what it waited for, or nothing that was recorded.
 */
#ifndef TANDEM_TRACES_BLAME_LANE_H
#define TANDEM_TRACES_BLAME_LANE_H

#include "traces/blame.h"

struct blame_segment {
	int64_t start_ns, end_ns;
	bool is_stall;           /* the lane waits: a victim */
	uint8_t cause;           /* enum phase: as what it waits */
	int32_t waits_for;       /* lane; CRITICAL_NONE: `root` says what this is */
	int32_t edge;            /* over which it waits; CRITICAL_NONE: not known */
	struct blame_root root;
};

/* A position in a lane: the segment, and where the next one begins. */
struct blame_lane {
	const struct critical_run *run;
	int32_t lane;
	int64_t op;              /* index of the op that the segment belongs to or lies before */
	uint32_t piece;
	struct blame_segment segment;
};

/* At the beginning of time, before the lane's first op. */
void blame_lane_start(struct blame_lane *lane, const struct critical_run *run, int32_t idx);

/* To the next segment, which begins where this one ends; the last one ends at INT64_MAX. Segments may be empty. */
void blame_lane_next(struct blame_lane *lane);

#endif
