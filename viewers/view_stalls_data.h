/* SPDX-License-Identifier: Apache-2.0
 *
 * view_stalls_data: what the view of stalls shows: where each lane's time went in an interval, the waits in it by what they waited for, and what
 * they go back to. One pass over the waits; memory by what is told apart, not by how many there are.
 */
#ifndef TANDEM_VIEWERS_VIEW_STALLS_DATA_H
#define TANDEM_VIEWERS_VIEW_STALLS_DATA_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "traces/blame.h"
#include "traces/timeline.h"
#include "viewers/durations.h"

#define STALLS_ROOTS_OPS_MAX 300000 /* longest run whose roots are found here when its file has none: a third of a second */

/* Time of one host lane in the interval; the phases sum to total_ns exactly. */
struct stalls_lane {
	int lane;
	int64_t ns[PHASE_COUNT]; /* UNKNOWN is negative when records overlap */
	int64_t total_ns;
};

/* What a part of some waits goes back to. */
struct stalls_root {
	struct blame_root root;  /* indices of the timeline */
	int64_t n, ns;
};

#define STALLS_ROOTS_MAX 4   /* told apart for a group; the rest counts as others */

/* Waits of one lane with one cause for one edge, of one node. */
struct stalls_group {
	int lane, cause, edge, peer, node; /* TIMELINE_NONE where not recorded; cause: enum phase */
	int64_t n, ns, max_ns;             /* the parts inside the interval */
	int64_t worst_row, worst_start_ns, worst_duration_ns, worst_execution; /* the longest: where to go */
	struct stalls_root roots[STALLS_ROOTS_MAX]; /* largest first; by each wait's main root */
	int n_roots;
	int64_t others_ns;                 /* of further roots, and of waits without one */
	struct durations histogram;
};

struct stalls_blame {
	int lane;                          /* victim */
	struct blame_root root;
	int64_t ns;
};

struct stalls {
	int64_t from_ns, until_ns;
	struct stalls_lane *lanes;         /* host lanes, in the timeline's order */
	int n_lanes;
	struct stalls_group *groups;       /* largest total first */
	int n_groups, capacity;
	int64_t n_waits, waits_ns;         /* of all groups */
	struct stalls_blame *blame;        /* over the whole run without warm-up, whatever the interval; largest first */
	int n_blame;
	bool has_roots;
	const char *roots_missing;         /* why not, when not */
	bool is_cut;                       /* interrupted: not all waits were counted */
};

struct stalls_scope {
	int64_t from_ns, until_ns;         /* both of the run's bounds, or an interval in them */
	bool is_whole;
	bool is_live;                      /* the run goes on: its roots are not looked for */
	const volatile sig_atomic_t *interrupt; /* may be NULL */
};

/* The whole run's split is that of traces/split.h; an interval's is summed from the timeline. On success to be finished. */
int stalls_make(struct timeline *timeline, const struct stalls_scope *scope, struct error *error, struct stalls *ret_stalls);
void stalls_finish(struct stalls *stalls);

/* One lane's time in an interval from the timeline alone, exactly: the phases, with the gaps that nothing covers as UNKNOWN,
	or as IDLE before
 * the lane's first and after its last record while nothing was in flight (as split.h counts them). */
int stalls_sum(struct timeline *timeline, int lane, int64_t from_ns, int64_t until_ns, struct stalls_lane *ret_lane, struct error *error);

/* "layer3", "layer2->layer3.x", "caller", "unknown". */
const char *stalls_root_name(const struct timeline *timeline, struct blame_root root);

/* Shares of `total` in tenths of a per cent, rounded so that they sum to 1000 (largest remainder); all 0 when total is not positive. */
void stalls_permille(const int64_t *ns, int n, int64_t total, int *ret_permille);

#endif
