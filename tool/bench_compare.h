/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_compare: results of now beside older ones. Rows are aligned by name. What is compared is the distance from the limit that was
 * measured in the same run, so that a slower machine cancels out; rows without a limit are compared by value, on the same machine only.
 *
 * A change counts when it is beyond the noise: the spreads of both sides added (a side that was measured once counts like the other), and
 * never less than BENCH_COMPARE_NOISE_MIN. Where neither side was repeated, nothing is judged.
 */
#ifndef TANDEM_TOOL_BENCH_COMPARE_H
#define TANDEM_TOOL_BENCH_COMPARE_H

#include "tool/bench_results.h"

#define BENCH_COMPARE_NOISE_MIN 0.02

#define BENCH_VERDICT_MAP(X) \
	X(SAME, "same") \
	X(BETTER, "better") \
	X(WORSE, "worse") \
	X(UNJUDGED, "not judged")

enum bench_verdict {
#define X(name, word) BENCH_VERDICT_##name,
	BENCH_VERDICT_MAP(X)
#undef X
	BENCH_VERDICT_COUNT
};

struct bench_comparison {
	const struct bench_results *old, *now; /* not owned */
	const char *old_name;                  /* the file */
	/* The benches that ran now, NULL-ended: rows of others are not missed. NULL: all. */
	const char *const *benches;
};

/* How a row changed: *ret_change > 0 is worse (0.1: ten per cent more distance), *ret_noise is what a change must exceed; both NAN where
 * unknown. `same_machine`: whether values may be compared. */
enum bench_verdict bench_compare_row(const struct bench_result *old, const struct bench_result *now, bool same_machine,
	double *ret_change, double *ret_noise);

/* Whether both were taken on the same machine, as far as the files tell. */
bool bench_compare_is_same_machine(const struct bench_results *old, const struct bench_results *now);

/* How many rows are worse beyond the noise and by more than `threshold` (0.05: five per cent). */
int bench_compare_count_worse(const struct bench_comparison *comparison, double threshold);
/* How many rows have a verdict. */
int bench_compare_count_judged(const struct bench_comparison *comparison);

void bench_compare_text(const struct bench_comparison *comparison, struct strbuf *out);
/* {"rows": […], "only_old": […], "only_new": […], "differences": [{"what", "old", "new"}]} */
void bench_compare_json(const struct bench_comparison *comparison, struct strbuf *out);

#endif
