/* SPDX-License-Identifier: Apache-2.0
 *
 * trim: a part of a trace as a trace of its own (doc/trace-care.md): a stretch of time, some of its lanes. What crosses the
 * stretch's ends is cut there, so that the parts of a trace that is cut in pieces sum to the whole. Sums, level of detail
 * and findings are made anew.
 */
#ifndef TANDEM_TRACES_TRIM_H
#define TANDEM_TRACES_TRIM_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

/* An end of the stretch. */
struct trim_time {
	bool is_set, is_relative; /* relative: from the start of each run; otherwise on the trace's clock */
	int64_t ns;
};

struct trim_options {
	struct trim_time from, until;  /* until: not part of it */
	bool has_executions;           /* from the start of execution `first` to the end of execution `end` - 1, and all that was done meanwhile */
	int64_t first, end;
	int64_t run;                   /* 0: all runs */
	const char *const *lanes;      /* patterns (*, ?) of names of lanes and workers; NULL-ended, or NULL: all */
	const int64_t *ranks;          /* [n_ranks] */
	int n_ranks;                   /* 0: all */
	const volatile sig_atomic_t *interrupt; /* may be NULL */
};

struct trim_result {
	int64_t n_runs, n_lanes, n_before, n_after, n_cut; /* ops and spans: of the old trace, of the new one, and of these how many were cut */
};

/* Makes `into` from `from`. STATUS_USAGE when nothing of the trace is chosen. */
int trim_trace(const char *from, const char *into, const struct trim_options *options, struct error *error, struct trim_result *ret_result);

#endif
