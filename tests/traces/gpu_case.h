/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_case: a small imported run built by hand, in memory, for the tests of analyses.
 */
#ifndef TANDEM_TESTS_TRACES_GPU_CASE_H
#define TANDEM_TESTS_TRACES_GPU_CASE_H

#include "traces/gpu_model.h"

#define GPU_CASE_MAX 8192
#define GPU_CASE_LANES 64

struct gpu_case {
	struct gpu_model model;
	struct gpu_span added[GPU_CASE_MAX];  /* in order of adding; launch: index here */
	uint32_t idx[GPU_CASE_MAX];           /* of what was added, in model.spans */
	uint32_t n;
	struct gpu_lane lanes[GPU_CASE_LANES];
	struct gpu_process processes[8];
	struct gpu_device devices[8];
	const char *names[512];
	char texts[512][48];
};

struct gpu_case *gpu_case_create(uint32_t n_processes); /* each with one device of its own; rank is its number */
void gpu_case_free(struct gpu_case *made);
/* `number` is the stream or thread. */
uint32_t gpu_case_lane(struct gpu_case *made, enum gpu_lane_kind kind, uint32_t process, int64_t number, int64_t depth);
uint32_t gpu_case_name(struct gpu_case *made, const char *text);
/* Returns the number of what was added. `launch`: number of the call; GPU_NONE. */
uint32_t gpu_case_add(struct gpu_case *made, uint32_t lane, int kind, int class, const char *name, int64_t start_ns, int64_t end_ns, uint32_t launch);
/* Sorts and links; the model can be used then. Rows are numbered in order of time. */
void gpu_case_end(struct gpu_case *made);

#endif
