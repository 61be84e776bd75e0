/* SPDX-License-Identifier: Apache-2.0
 *
 * view_stalls_time: one lane's time in an interval, and shares that sum to 100 %.
 */
#include <stdlib.h>
#include <string.h>

#include "viewers/spans.h"
#include "viewers/view_stalls_data.h"

static int64_t overlap(int64_t a, int64_t b, int64_t from, int64_t until)
{
	int64_t start = a > from ? a : from, end = b < until ? b : until;
	return end > start ? end - start : 0;
}

/* What split.h counts as idle although nothing was recorded. */
static int64_t idle_outside(const struct timeline *timeline, int lane, int64_t from_ns, int64_t until_ns)
{
	const struct trace_run *run = timeline->info;
	const struct timeline_lane *info = &timeline->lanes[lane];
	bool has_ops = info->first_ns <= info->last_ns, all_done = run->n_submitted <= run->n_finished;
	int64_t first = has_ops ? info->first_ns : run->end_ns, last = has_ops ? info->last_ns : run->end_ns;
	int64_t busy_from = run->has_executions ? run->first_submit_ns : run->end_ns;
	int64_t busy_until = !all_done || !run->has_results ? run->end_ns : run->last_finish_ns;
	int64_t gaps[2][2] = { { run->start_ns, first }, { last, run->end_ns } }, ns = 0;
	for (int i = 0; i < 2; i++) {
		int64_t a = gaps[i][0] > from_ns ? gaps[i][0] : from_ns, b = gaps[i][1] < until_ns ? gaps[i][1] : until_ns;
		if (b > a)
			ns += overlap(a, b, run->start_ns, busy_from) + overlap(a, b, busy_until, run->end_ns);
	}
	return ns;
}

int stalls_sum(struct timeline *timeline, int lane, int64_t from_ns, int64_t until_ns, struct stalls_lane *ret_lane, struct error *error)
{
	struct stalls_lane sum = { .lane = lane, .total_ns = until_ns > from_ns ? until_ns - from_ns : 0 };
	struct spans_sum spans;
	int64_t covered = 0;
	int status = spans_sum_between(timeline, lane, from_ns, until_ns, &spans, error);
	if (status != STATUS_OK)
		return status;
	memcpy(sum.ns, spans.ns, sizeof(sum.ns));
	for (int phase = 0; phase < PHASE_COUNT; phase++)
		covered += sum.ns[phase];
	int64_t gap = sum.total_ns - covered, idle = idle_outside(timeline, lane, from_ns, until_ns);
	idle = gap < 0 ? 0 : idle < gap ? idle : gap;
	sum.ns[PHASE_IDLE] += idle;
	sum.ns[PHASE_UNKNOWN] += gap - idle;
	*ret_lane = sum;
	return STATUS_OK;
}

struct remainder {
	int idx;
	double rest;
};

static int by_rest(const void *a, const void *b)
{
	const struct remainder *x = a, *y = b;
	return x->rest != y->rest ? (x->rest < y->rest ? 1 : -1) : x->idx - y->idx;
}

void stalls_permille(const int64_t *ns, int n, int64_t total, int *ret_permille)
{
	struct remainder rests[PHASE_COUNT + 1];
	int sum = 0;
	n = n < (int)ARRAY_LEN(rests) ? n : (int)ARRAY_LEN(rests);
	memset(ret_permille, 0, (size_t)n * sizeof(*ret_permille));
	for (int i = 0; i < n && total > 0; i++) {
		double exact = 1000.0 * (double)ns[i] / (double)total;
		ret_permille[i] = (int)exact - (exact < (int)exact);
		rests[i] = (struct remainder){ i, exact - ret_permille[i] };
		sum += ret_permille[i];
	}
	if (total <= 0)
		return;
	qsort(rests, (size_t)n, sizeof(*rests), by_rest);
	for (int i = 0; i < n && sum < 1000; i++, sum++)
		ret_permille[rests[i].idx]++;
}
