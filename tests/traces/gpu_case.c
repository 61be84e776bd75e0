/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_case: sorting spans into lanes and linking calls with their work.
 */
#include "tests/traces/gpu_case.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gpu_case *gpu_case_create(uint32_t n_processes)
{
	struct gpu_case *made = calloc(1, sizeof *made);
	cr_assert_not_null(made);
	made->model = (struct gpu_model){ .run = 1, .processes = made->processes, .devices = made->devices, .lanes = made->lanes,
		.names = made->names, .n_processes = n_processes, .n_devices = n_processes };
	for (uint32_t i = 0; i < n_processes; i++) {
		made->processes[i] = (struct gpu_process){ .id = i + 1, .pid = 100 + i, .rank = i, .name = "p" };
		made->devices[i] = (struct gpu_device){ .id = i + 1, .process = i, .name = "cuda" };
	}
	return made;
}

void gpu_case_free(struct gpu_case *made)
{
	free(made->model.spans);
	free(made);
}

uint32_t gpu_case_lane(struct gpu_case *made, enum gpu_lane_kind kind, uint32_t process, int64_t number, int64_t depth)
{
	bool is_thread = kind == GPU_LANE_THREAD;
	cr_assert_lt(made->model.n_lanes, GPU_CASE_LANES);
	made->lanes[made->model.n_lanes] = (struct gpu_lane){ .id = made->model.n_lanes + 1, .kind = kind, .process = process,
		.device = is_thread ? GPU_NONE : process, .stream = is_thread ? -1 : number, .thread = is_thread ? number : -1, .depth = depth,
		.name = "lane" };
	return made->model.n_lanes++;
}

uint32_t gpu_case_name(struct gpu_case *made, const char *text)
{
	for (uint32_t i = 0; i < made->model.n_names; i++) {
		if (strcmp(made->names[i], text) == 0)
			return i;
	}
	cr_assert_lt(made->model.n_names, 512);
	snprintf(made->texts[made->model.n_names], sizeof made->texts[0], "%s", text);
	made->names[made->model.n_names] = made->texts[made->model.n_names];
	return made->model.n_names++;
}

uint32_t gpu_case_add(struct gpu_case *made, uint32_t lane, int kind, int class, const char *name, int64_t start_ns, int64_t end_ns,
	uint32_t launch)
{
	cr_assert_lt(made->n, GPU_CASE_MAX);
	made->added[made->n] = (struct gpu_span){
		.start_ns = start_ns, .end_ns = end_ns, .lane = lane, .name = gpu_case_name(made, name), .category = GPU_NONE,
		.launch = launch, .kind = (uint8_t)(kind - SPAN_KIND_OP), .class = (uint8_t)class, .bytes = -1, .row = made->n + 1 };
	return made->n++;
}

static int compare(const void *a, const void *b)
{
	const struct gpu_span *x = a, *y = b;
	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

void gpu_case_end(struct gpu_case *made)
{
	struct gpu_model *model = &made->model;
	model->spans = malloc((made->n + 1) * sizeof *model->spans);
	cr_assert_not_null(model->spans);
	memcpy(model->spans, made->added, made->n * sizeof *model->spans);
	qsort(model->spans, made->n, sizeof *model->spans, compare);
	model->n_spans = made->n;
	for (uint32_t i = 0; i < made->n; i++) {
		struct gpu_lane *lane = &made->lanes[model->spans[i].lane];
		made->idx[model->spans[i].row - 1] = i;
		lane->first = lane->n++ ? lane->first : i;
	}
	for (uint32_t i = 0; i < made->n; i++) {
		struct gpu_span *span = &model->spans[i];
		if (span->launch != GPU_NONE && gpu_kind(span) != SPAN_KIND_API) {
			span->launch = made->idx[span->launch];
			struct gpu_span *call = &model->spans[span->launch];
			call->launch = call->launch == GPU_NONE ? i : call->launch;
		}
	}
}
