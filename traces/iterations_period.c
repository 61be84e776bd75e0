/* SPDX-License-Identifier: Apache-2.0
 *
 * iterations_period: iterations without annotations: the kernels of a process, in the order in which they were asked for,
 * repeat. Candidates for what begins an iteration are kernels that occur at even distances, rare ones first, so that the
 * largest period wins (a layer repeats within a step).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/iterations_private.h"

#define OCCUR_MIN 3
#define CANDIDATES_MAX 64
#define EVEN_SHARE 0.02    /* distances this near to their median are even */

struct kernel {
	int64_t asked_ns;
	uint32_t span, name;
};

struct candidate {
	uint32_t name, n, first;
};

struct period {
	const struct gpu_model *model;
	struct kernel *kernels;
	uint32_t n, n_works;
	struct candidate *names;   /* [n_names] */
	int64_t *distances;
	struct error *error;
};

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the iterations of a trace");
}

#define ORDER(a, b) if ((a) != (b)) return (a) < (b) ? -1 : 1
static int compare_kernels(const void *a, const void *b)
{
	const struct kernel *x = a, *y = b;
	ORDER(x->asked_ns, y->asked_ns);
	ORDER(x->span, y->span);
	return 0;
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	ORDER(x->n, y->n);
	ORDER(x->first, y->first);
	return 0;
}

static int compare_distances(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void collect(struct period *period, uint32_t process)
{
	const struct gpu_model *model = period->model;
	period->n = 0;
	for (uint32_t i = 0; i < model->n_lanes; i++) {
		const struct gpu_lane *lane = &model->lanes[i];
		for (uint32_t k = lane->first; lane->process == process && lane->kind == GPU_LANE_STREAM && k < lane->first + lane->n; k++) {
			const struct gpu_span *span = &model->spans[k];
			if (gpu_kind(span) == SPAN_KIND_KERNEL && span->name != GPU_NONE)
				period->kernels[period->n++] = (struct kernel){ gpu_order_asked_ns(model, span), k, span->name };
		}
	}
	if (period->n)
		qsort(period->kernels, period->n, sizeof *period->kernels, compare_kernels);
}

/* Kernels from one occurrence to the next, the median; 0: not at even distances. */
static int64_t even_distance(struct period *period, uint32_t name)
{
	uint32_t n = 0, n_even = 0, last = GPU_NONE;
	for (uint32_t i = 0; i < period->n; i++) {
		if (period->kernels[i].name != name)
			continue;
		if (last != GPU_NONE)
			period->distances[n++] = i - last;
		last = i;
	}
	if (n < OCCUR_MIN - 1)
		return 0;
	qsort(period->distances, n, sizeof *period->distances, compare_distances);
	int64_t median = period->distances[n / 2];
	int64_t slack = (int64_t)(EVEN_SHARE * (double)median);
	for (uint32_t i = 0; i < n; i++)
		n_even += llabs(period->distances[i] - median) <= slack;
	return n_even >= ITERATION_AGREE * n ? median : 0;
}

/* Share of the kernels that are what was there one period before. An iteration with more or fewer of them shifts the rest,
 * so it is counted within each. */
static double agreement(const struct period *period, uint32_t name)
{
	uint32_t n_same = 0, n_all = 0, begin = GPU_NONE, before = GPU_NONE;
	for (uint32_t i = 0; i < period->n; i++) {
		if (period->kernels[i].name == name) {
			before = begin;
			begin = i;
		}
		if (before == GPU_NONE)
			continue;
		n_all++;
		n_same += before + (i - begin) < begin && period->kernels[before + (i - begin)].name == period->kernels[i].name;
	}
	return n_all ? (double)n_same / n_all : 0;
}

static uint32_t choose(struct period *period, double *ret_confidence)
{
	uint32_t n_names = period->model->n_names, n = 0;
	memset(period->names, 0, n_names * sizeof *period->names);
	for (uint32_t i = 0; i < period->n; i++) {
		struct candidate *candidate = &period->names[period->kernels[i].name];
		if (!candidate->n++)
			*candidate = (struct candidate){ .name = period->kernels[i].name, .n = 1, .first = i };
	}
	for (uint32_t i = 0; i < n_names; i++) {
		if (period->names[i].n >= OCCUR_MIN)
			period->names[n++] = period->names[i];
	}
	qsort(period->names, n, sizeof *period->names, compare_candidates);
	for (uint32_t i = 0; i < n && i < CANDIDATES_MAX; i++) {
		double share = even_distance(period, period->names[i].name) > 1 ? agreement(period, period->names[i].name) : 0;
		if (share >= ITERATION_AGREE) {
			*ret_confidence = share;
			return period->names[i].name;
		}
	}
	return GPU_NONE;
}

/* From one occurrence to the next; the last one only where it is as long as others. */
static void enter(struct period *period, struct iterations *set, uint32_t process, uint32_t name)
{
	const struct gpu_model *model = period->model;
	int64_t distance = even_distance(period, name);
	for (uint32_t i = 0, next; distance && i < period->n; i = next) {
		next = i + 1;
		if (period->kernels[i].name != name)
			continue;
		while (next < period->n && period->kernels[next].name != name)
			next++;
		if (next == period->n && (double)(next - i) < (1 - EVEN_SHARE) * (double)distance)
			return;
		const struct gpu_span *span = &model->spans[period->kernels[i].span], *last = &model->spans[period->kernels[next - 1].span];
		int64_t last_ns = last->launch == GPU_NONE ? last->end_ns : model->spans[last->launch].end_ns;
		set->items[set->n++] = (struct iteration){ .process = process, .mark = GPU_NONE,
			.thread_lane = span->launch == GPU_NONE ? GPU_NONE : model->spans[span->launch].lane,
			.start_ns = period->kernels[i].asked_ns, .end_ns = next < period->n ? period->kernels[next].asked_ns : last_ns };
	}
}

static int find(struct period *period, struct iterations *set)
{
	const struct gpu_model *model = period->model;
	uint32_t most = GPU_NONE, n_most = 0;
	for (uint32_t p = 0; p < model->n_processes; p++) {
		collect(period, p);
		most = period->n > n_most ? p : most;
		n_most = period->n > n_most ? period->n : n_most;
	}
	if (most == GPU_NONE)
		return STATUS_OK;
	collect(period, most);
	uint32_t name = choose(period, &set->confidence);
	set->items = calloc((size_t)period->n_works + 1, sizeof *set->items);
	if (!set->items)
		return out_of_memory(period->error);
	for (uint32_t p = 0; p < model->n_processes && name != GPU_NONE; p++) {
		collect(period, p);
		enter(period, set, p, name);
	}
	for (uint32_t i = 0; i < set->n; i++) /* asked for at once: a graph's kernels */
		set->n = set->items[i].start_ns < set->items[i].end_ns ? set->n : 0;
	struct iteration *fitted = realloc(set->items, ((size_t)set->n + 1) * sizeof *set->items);
	set->items = fitted ? fitted : set->items;
	set->confidence = set->n ? set->confidence : 0;
	if (set->n) {
		set->by = ITERATION_BY_PERIOD;
		snprintf(set->name, sizeof set->name, "%s", model->names[name] ? model->names[name] : "");
	}
	return STATUS_OK;
}

int iterations_by_period(const struct gpu_model *model, struct error *error, struct iterations *set)
{
	struct period period = { .model = model, .error = error };
	for (uint32_t i = 0; i < model->n_spans; i++)
		period.n_works += gpu_order_is_work(&model->spans[i]);
	period.kernels = malloc(((size_t)period.n_works + 1) * sizeof *period.kernels);
	period.names = malloc(((size_t)model->n_names + 1) * sizeof *period.names);
	period.distances = malloc(((size_t)period.n_works + 1) * sizeof *period.distances);
	int status = period.kernels && period.names && period.distances ? find(&period, set) : out_of_memory(error);
	free(period.kernels);
	free(period.names);
	free(period.distances);
	return status;
}
