/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_compare: two imported runs, or two ranks of one, against each other, per iteration where both have iterations. A difference is B minus A.
 * What is split sums to the whole: the kinds of a device's time (gpu_time.h) sum to the iteration, or to the window. doc/compare.md has every number.
 */
#ifndef TANDEM_TRACES_GPU_COMPARE_H
#define TANDEM_TRACES_GPU_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "traces/compare_condition.h"
#include "traces/compare_reasons.h"
#include "traces/gpu_match.h"
#include "traces/gpu_tally.h"
#include "traces/trace.h"

#define GPU_COMPARE_MODE "imported"    /* run.mode */

struct gpu_compare_side {
	const struct trace *trace;
	const struct trace_run *run;
	int64_t rank;                  /* −1: all of them */
	const char *name;              /* of the file as the user gave it; NULL: the trace's */
};

/* X(NAME, word): what became of a name, by how many of it the two windows hold. */
#define GPU_CHANGE_MAP(X) X(ADDED, "added") X(REMOVED, "removed") X(INCREASED, "increased") X(DECREASED, "decreased") X(UNCHANGED, "unchanged")
enum gpu_change {
#define X(name, word) GPU_CHANGE_##name,
	GPU_CHANGE_MAP(X)
#undef X
	GPU_CHANGES
};
const char *gpu_change_word(enum gpu_change change);

/* Work of one name. */
struct gpu_compare_row {
	const char *name;              /* of the sums */
	int kind, class;               /* enum span_kind, span_class */
	enum gpu_change change;
	struct compare_moments spans[2]; /* durations, ns, of all of the window */
	int64_t ns[2];                 /* of the window */
	double n_unit[2], ns_unit[2];  /* an iteration and device; of the window and device without iterations */
	struct compare_interval mean;  /* of the duration */
};

/* One place of work, on both sides or on one. */
struct gpu_compare_place {
	uint32_t path[2];              /* of the side's sums */
	const char *name;
	enum gpu_match_rule rule;
	bool is_there[2];
	double n_unit[2], ns_unit[2];  /* as above */
};

struct gpu_compare {
	struct gpu_compare_side sides[2];
	struct gpu_tally sums[2];
	bool is_stored;                /* from sums in the files */
	bool has_units;                /* both have iterations that count */
	int64_t n_units[2];
	uint32_t n_devices[2];         /* with work, of the rank */
	struct compare_reasons reasons;
	int64_t whole_ns[2];           /* mean iteration, or window; sums of the next */
	int64_t kinds_ns[2][GPU_TIME_COUNT]; /* mean over the devices */
	struct compare_moments whole[2], kinds[2][GPU_TIME_COUNT]; /* over iterations */
	struct compare_interval whole_change, kind_changes[GPU_TIME_COUNT];
	double n_calls[2][GPU_TALLY_CALLS], calls_ns[2][GPU_TALLY_CALLS]; /* an iteration, or of the window; of all processes */
	struct gpu_compare_row *rows;  /* the largest change of time first */
	struct gpu_compare_place *places;
	uint32_t n_rows, n_places;
	int n_names[2], n_changes[GPU_CHANGES]; /* counted over the whole windows */
	double matched[GPU_MATCH_RULES]; /* share of the device work's time of both; sums to 1 */
};

struct gpu_compare_options {
	bool is_forced, is_exact;
};

/* STATUS_NOT_COMPARABLE with every reason when it would mislead; STATUS_INPUT for a rank that is not there. On success *ret_compare must be finished;
 * the traces must outlive it. */
int gpu_compare_make(const struct gpu_compare_side sides[2], const struct gpu_compare_options *options, struct error *error,
	struct gpu_compare *ret_compare);
void gpu_compare_finish(struct gpu_compare *compare);

/* Everything but the reasons, from sides and sums. */
int gpu_compare_settle(struct gpu_compare *compare, struct error *error);

/* Fills compare->reasons from what is known of the runs and of the match. */
int gpu_compare_find_reasons(struct gpu_compare *compare, struct error *error);

/* Whether a device of the side's sums belongs to the side. */
bool gpu_compare_has_device(const struct gpu_compare *compare, int side, uint32_t device);

/* latency and throughput are an iteration's, a kind is one of the devices' time, node.NAME is the mean duration of work of that name. STATUS_INPUT
 * for the first three without iterations; STATUS_USAGE for a name that neither has. */
int gpu_compare_check(const struct compare_condition *condition, const struct gpu_compare *compare, bool is_strict, struct error *error,
	struct compare_verdict *ret_verdict);

/* Launches that put a whole graph on the device, and all launches, an iteration. */
double gpu_compare_n_launches(const struct gpu_compare *compare, int side, bool only_graphs);

#endif
