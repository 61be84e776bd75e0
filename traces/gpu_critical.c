/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_critical: paths and waits: where walks begin and end, and sums of what they met.
 */
#include "traces/gpu_critical.h"

#include <stdlib.h>

struct making {
	const struct gpu_model *model;
	struct gpu_order *order;
	const struct iterations *iterations;
	const struct collectives *collectives;
	struct gpu_critical *made;
	struct error *error;
};

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for the critical path of a trace");
}

const char *gpu_wait_word(enum gpu_wait_kind kind)
{
	static const char *const words[] = {
#define X(name, word) [GPU_WAIT_##name] = word,
		GPU_WAIT_MAP(X)
#undef X
	};
	return words[kind];
}

/* -- paths ------------------------------------------------------------------------------------------------------------------ */

struct following {
	struct making *making;
	struct gpu_sum sum;        /* kind and owner */
	struct gpu_sums *sums;
	struct gpu_path *path;     /* whose steps are kept; NULL */
};

/* Pieces of one span that follow one another are one step. */
static int keep(struct gpu_critical *made, struct gpu_path *path, const struct gpu_step *step, struct error *error)
{
	struct gpu_step *last = path->n ? &made->steps[made->n_steps - 1] : NULL;
	if (last && last->class == step->class && last->span == step->span && last->process == step->process) {
		last->start_ns = step->start_ns;
		return STATUS_OK;
	}
	if (made->n_steps == GPU_CRITICAL_STEPS_MAX) {
		path->is_whole = false;
		return STATUS_OK;
	}
	if (made->n_steps == made->capacity) {
		uint32_t capacity = made->capacity ? made->capacity * 2 : 256;
		struct gpu_step *steps = realloc(made->steps, capacity * sizeof *steps);
		if (!steps)
			return out_of_memory(error);
		made->steps = steps;
		made->capacity = capacity;
	}
	made->steps[made->n_steps++] = *step;
	path->n++;
	return STATUS_OK;
}

static int follow(void *user, const struct gpu_step *step, struct error *error)
{
	struct following *following = user;
	struct gpu_sum sum = following->sum;
	sum.class = step->class;
	sum.name = step->span == GPU_NONE ? GPU_NONE : following->making->model->spans[step->span].name;
	sum.process = step->process;
	sum.n = 1;
	sum.ns = step->end_ns - step->start_ns;
	int status = gpu_sums_add(following->sums, &sum, error);
	if (status == STATUS_OK && following->path && following->path->is_whole)
		status = keep(following->making->made, following->path, step, error);
	return status;
}

/* The latest end of all calls and work. */
static struct gpu_point begin_of_all(const struct gpu_model *model, const struct gpu_order *order, int64_t *ret_start_ns)
{
	struct gpu_point point = { .span = GPU_NONE, .thread = GPU_NONE, .ns = INT64_MIN };
	*ret_start_ns = INT64_MAX;
	for (uint32_t i = 0; i < model->n_spans; i++) {
		const struct gpu_span *span = &model->spans[i];
		if (!gpu_order_is_work(span) && gpu_kind(span) != SPAN_KIND_API)
			continue;
		*ret_start_ns = span->start_ns < *ret_start_ns ? span->start_ns : *ret_start_ns;
		if (span->end_ns > point.ns)
			point = (struct gpu_point){ .span = i, .thread = GPU_NONE, .ns = span->end_ns };
	}
	if (point.span != GPU_NONE && !gpu_order_is_work(&model->spans[point.span])) {
		point.thread = gpu_order_thread(order, point.span);
		point.span = GPU_NONE;
	}
	return point;
}

struct gpu_point gpu_critical_begin(const struct gpu_model *model, const struct gpu_order *order,
	const struct iterations *iterations, uint32_t execution, int64_t *ret_start_ns)
{
	if (execution == GPU_NONE)
		return begin_of_all(model, order, ret_start_ns);
	const struct iteration_execution *whole = &iterations->executions[execution];
	const struct iteration *last = &iterations->items[whole->last];
	bool is_on_thread = last->thread_lane != GPU_NONE && last->end_ns == whole->finish_ns;
	*ret_start_ns = whole->start_ns;
	return (struct gpu_point){ .span = is_on_thread ? GPU_NONE : last->last_work, .ns = whole->finish_ns,
		.thread = is_on_thread ? gpu_order_lane_thread(order, last->thread_lane) : GPU_NONE };
}

static int make_path(struct making *making, uint32_t execution)
{
	struct gpu_critical *made = making->made;
	struct gpu_path *path = &made->paths[made->n_paths];
	*path = (struct gpu_path){ .number = execution == GPU_NONE ? -1 : making->iterations->executions[execution].number, .first = made->n_steps,
		.is_whole = true };
	struct gpu_point begin = gpu_critical_begin(making->model, making->order, making->iterations, execution, &path->start_ns);
	path->end_ns = begin.ns;
	struct following following = {
		.making = making, .sum = {.kind = GPU_WAIT_PATH, .owner = made->n_paths}, .sums = &made->sums, .path = path};
	if (path->start_ns >= path->end_ns)
		return STATUS_OK;
	made->n_paths++;
	return gpu_order_walk(making->order, begin, path->start_ns, follow, &following, making->error);
}

static int make_paths(struct making *making)
{
	uint32_t n = making->iterations->n_executions;
	int status = STATUS_OK;
	making->made->paths = calloc((size_t)n + 1, sizeof *making->made->paths);
	if (!making->made->paths)
		return out_of_memory(making->error);
	for (uint32_t i = 0; i < n && status == STATUS_OK; i++)
		status = make_path(making, i);
	return status == STATUS_OK && !n ? make_path(making, GPU_NONE) : status;
}

/* -- waits ------------------------------------------------------------------------------------------------------------------ */

static int follow_wait(struct making *making, enum gpu_wait_kind kind, uint32_t owner, struct gpu_point from, int64_t until_ns)
{
	struct following following = { .making = making, .sum = { .kind = kind, .owner = owner }, .sums = &making->made->sums };
	return from.ns > until_ns ? gpu_order_walk(making->order, from, until_ns, follow, &following, making->error) : STATUS_OK;
}

static int compare_starts(const void *a, const void *b, void *spans)
{
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct gpu_span *x = &((const struct gpu_span *)spans)[i], *y = &((const struct gpu_span *)spans)[k];
	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return (i > k) - (i < k);
}

static int follow_idle(struct making *making, uint32_t device, uint32_t *works)
{
	const struct gpu_model *model = making->model;
	uint32_t n = 0;
	int status = STATUS_OK;
	for (uint32_t i = 0; i < model->n_lanes; i++) {
		const struct gpu_lane *lane = &model->lanes[i];
		for (uint32_t k = lane->first; lane->device == device && lane->kind == GPU_LANE_STREAM && k < lane->first + lane->n; k++) {
			if (gpu_order_is_work(&model->spans[k]))
				works[n++] = k;
		}
	}
	if (!n)
		return STATUS_OK;
	qsort_r(works, n, sizeof *works, compare_starts, model->spans);
	int64_t busy_ns = model->spans[works[0]].end_ns;
	for (uint32_t i = 1; i < n && status == STATUS_OK; i++) {
		const struct gpu_span *span = &model->spans[works[i]];
		struct gpu_point from = { .span = works[i], .thread = GPU_NONE, .ns = span->start_ns };
		status = follow_wait(making, GPU_WAIT_IDLE, device, from, busy_ns);
		busy_ns = span->end_ns > busy_ns ? span->end_ns : busy_ns;
	}
	return status;
}

static int follow_syncs(struct making *making)
{
	const struct gpu_model *model = making->model;
	int status = STATUS_OK;
	for (uint32_t i = 0; i < model->n_spans && status == STATUS_OK; i++) {
		const struct gpu_span *span = &model->spans[i];
		if (gpu_kind(span) != SPAN_KIND_API || span->class != IMPORT_API_SYNC || model->lanes[span->lane].kind != GPU_LANE_THREAD)
			continue;
		struct gpu_point from = { .span = GPU_NONE, .thread = gpu_order_thread(making->order, i), .ns = span->end_ns };
		status = follow_wait(making, GPU_WAIT_SYNC, model->lanes[span->lane].process, from, span->start_ns);
	}
	return status;
}

/* What filled most of the time from the first arrival to the last. */
static int find_late(struct making *making, uint32_t idx, struct gpu_point from)
{
	const struct collective *item = &making->collectives->items[idx];
	struct gpu_sums sums = { 0 };
	struct following following = { .making = making, .sum = { .kind = GPU_WAIT_COLLECTIVE }, .sums = &sums };
	int status = item->last_ns > item->start_ns
		? gpu_order_walk(making->order, from, item->start_ns, follow, &following, making->error) : STATUS_OK;
	for (uint32_t i = 0; i < sums.n && status == STATUS_OK; i++) {
		struct gpu_late *late = &making->made->late[idx];
		if (sums.items[i].ns > late->ns)
			*late = (struct gpu_late){ sums.items[i].class, sums.items[i].name, sums.items[i].process, sums.items[i].ns };
	}
	gpu_sums_finish(&sums);
	return status;
}

static int follow_collectives(struct making *making)
{
	const struct collectives *set = making->collectives;
	int status = STATUS_OK;
	making->made->late = calloc((size_t)set->n + 1, sizeof *making->made->late);
	if (!making->made->late)
		return out_of_memory(making->error);
	for (uint32_t i = 0; i < set->n && status == STATUS_OK; i++) {
		const struct collective *item = &set->items[i];
		if (item->last == GPU_NONE)
			continue;
		struct gpu_point from = { .span = set->members[item->last].span, .thread = GPU_NONE, .ns = item->last_ns };
		status = find_late(making, i, from);
		for (uint32_t k = item->first; k < item->first + item->n && status == STATUS_OK; k++) {
			const struct collective_member *member = &set->members[k];
			from.ns = making->model->spans[member->span].start_ns + member->wait_ns;
			status = follow_wait(making, GPU_WAIT_COLLECTIVE, member->device, from, from.ns - member->wait_ns);
		}
	}
	return status;
}

static int follow_waits(struct making *making)
{
	const struct gpu_model *model = making->model;
	uint32_t *works = malloc(((size_t)model->n_spans + 1) * sizeof *works);
	int status = works ? STATUS_OK : out_of_memory(making->error);
	for (uint32_t i = 0; i < model->n_devices && status == STATUS_OK; i++)
		status = follow_idle(making, i, works);
	free(works);
	if (status == STATUS_OK)
		status = follow_syncs(making);
	return status == STATUS_OK ? follow_collectives(making) : status;
}

int gpu_critical_make(const struct gpu_model *model, struct gpu_order *order, const struct iterations *iterations,
	const struct collectives *collectives, struct error *error, struct gpu_critical *ret)
{
	struct making making = { .model = model, .order = order, .iterations = iterations, .collectives = collectives, .made = ret, .error = error };
	*ret = (struct gpu_critical){ 0 };
	int status = make_paths(&making);
	if (status == STATUS_OK)
		status = follow_waits(&making);
	if (status == STATUS_OK)
		gpu_sums_sort(&ret->sums);
	else
		gpu_critical_finish(ret);
	return status;
}

void gpu_critical_finish(struct gpu_critical *critical)
{
	gpu_sums_finish(&critical->sums);
	free(critical->paths);
	free(critical->steps);
	free(critical->late);
	*critical = (struct gpu_critical){ 0 };
}
