/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_union: unions of intervals.
 */
#include <stdlib.h>

#include "traces/gpu_model.h"

int gpu_union_add(struct gpu_union *set, int64_t start_ns, int64_t end_ns, struct error *error)
{
	struct gpu_interval *last = set->n ? &set->items[set->n - 1] : NULL;
	if (end_ns <= start_ns)
		return STATUS_OK;
	if (last && start_ns <= last->end_ns) {
		if (end_ns > last->end_ns) {
			set->ns += end_ns - last->end_ns;
			last->end_ns = end_ns;
		}
		return STATUS_OK;
	}
	if (set->n == set->capacity) {
		uint32_t capacity = set->capacity ? set->capacity * 2 : 64;
		struct gpu_interval *items = realloc(set->items, capacity * sizeof *items);
		if (!items)
			return error_set(error, STATUS_NO_MEMORY, "no memory for the intervals of a device");
		set->items = items;
		set->capacity = capacity;
	}
	set->items[set->n++] = (struct gpu_interval){ start_ns, end_ns };
	set->ns += end_ns - start_ns;
	return STATUS_OK;
}

void gpu_union_finish(struct gpu_union *set)
{
	free(set->items);
	*set = (struct gpu_union){ 0 };
}

int64_t gpu_union_overlap_ns(const struct gpu_union *a, const struct gpu_union *b)
{
	int64_t ns = 0;
	for (uint32_t i = 0, k = 0; i < a->n && k < b->n;) {
		const struct gpu_interval *x = &a->items[i], *y = &b->items[k];
		int64_t start_ns = x->start_ns > y->start_ns ? x->start_ns : y->start_ns;
		int64_t end_ns = x->end_ns < y->end_ns ? x->end_ns : y->end_ns;
		ns += end_ns > start_ns ? end_ns - start_ns : 0;
		if (x->end_ns < y->end_ns)
			i++;
		else
			k++;
	}
	return ns;
}

static bool is_work(const struct gpu_span *span)
{
	int kind = gpu_kind(span);
	return kind == SPAN_KIND_KERNEL || kind == SPAN_KIND_MEMCPY || kind == SPAN_KIND_MEMSET || kind == SPAN_KIND_GRAPH;
}

/* The streams of a device, each with where it stands. */
struct merge {
	const struct gpu_model *model;
	uint32_t lanes[256], at[256], n;
};

static uint32_t first_of(const struct merge *merge)
{
	uint32_t best = GPU_NONE;
	int64_t best_ns = INT64_MAX;
	for (uint32_t i = 0; i < merge->n; i++) {
		const struct gpu_lane *lane = &merge->model->lanes[merge->lanes[i]];
		if (merge->at[i] < lane->n && merge->model->spans[lane->first + merge->at[i]].start_ns < best_ns) {
			best = i;
			best_ns = merge->model->spans[lane->first + merge->at[i]].start_ns;
		}
	}
	return best;
}

/* Streams beyond what a merge holds are sorted with the rest. */
static int compare_starts(const void *a, const void *b)
{
	const struct gpu_interval *x = a, *y = b;
	return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

static int union_by_sorting(const struct gpu_model *model, uint32_t device, gpu_select_fn *select, struct gpu_union *set, struct error *error)
{
	size_t n = 0;
	struct gpu_interval *all = malloc(((size_t)model->n_spans + 1) * sizeof *all);
	if (!all)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the intervals of a device");
	for (uint32_t i = 0; i < model->n_spans; i++) {
		const struct gpu_span *span = &model->spans[i];
		if (model->lanes[span->lane].device == device && is_work(span) && (!select || select(span)))
			all[n++] = (struct gpu_interval){ span->start_ns, span->end_ns };
	}
	qsort(all, n, sizeof *all, compare_starts);
	int status = STATUS_OK;
	for (size_t i = 0; i < n && status == STATUS_OK; i++)
		status = gpu_union_add(set, all[i].start_ns, all[i].end_ns, error);
	free(all);
	return status;
}

int gpu_union_of_device(const struct gpu_model *model, uint32_t device, gpu_select_fn *select, struct gpu_union *ret_set, struct error *error)
{
	struct merge merge = { .model = model };
	int status = STATUS_OK;
	*ret_set = (struct gpu_union){ 0 };
	for (uint32_t i = 0; i < model->n_lanes; i++) {
		if (model->lanes[i].device != device || model->lanes[i].kind != GPU_LANE_STREAM)
			continue;
		if (merge.n == 256)
			return union_by_sorting(model, device, select, ret_set, error);
		merge.lanes[merge.n++] = i;
	}
	for (uint32_t i; status == STATUS_OK && (i = first_of(&merge)) != GPU_NONE;) {
		const struct gpu_span *span = &model->spans[model->lanes[merge.lanes[i]].first + merge.at[i]++];
		if (is_work(span) && (!select || select(span)))
			status = gpu_union_add(ret_set, span->start_ns, span->end_ns, error);
	}
	return status;
}
