/* SPDX-License-Identifier: Apache-2.0
 *
 * Iterations of imported runs: by annotation, by period, and what is odd about one.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#include "tests/traces/gpu_case.h"
#include "traces/iterations.h"

static struct error error;

struct lanes {
	uint32_t marks, calls, stream;
};

static struct lanes add_lanes(struct gpu_case *made, uint32_t process)
{
	return (struct lanes){ gpu_case_lane(made, GPU_LANE_THREAD, process, 1, 0), gpu_case_lane(made, GPU_LANE_THREAD, process, 1, 1),
		gpu_case_lane(made, GPU_LANE_STREAM, process, 7, -1) };
}

static void add_kernel(struct gpu_case *made, struct lanes lanes, const char *name, int64_t call_ns, int64_t start_ns, int64_t end_ns)
{
	uint32_t call = gpu_case_add(made, lanes.calls, SPAN_KIND_API, IMPORT_API_LAUNCH, "launch", call_ns, call_ns + 5, GPU_NONE);
	gpu_case_add(made, lanes.stream, SPAN_KIND_KERNEL, 0, name, start_ns, end_ns, call);
}

/* Two ranks, three steps each, numbered from 7; the device runs after the host: its work belongs to the step that launched it. */
Test(iterations, annotations_of_two_ranks)
{
	struct gpu_case *made = gpu_case_create(2);
	struct iterations set;
	char name[32];
	uint32_t last = 0;
	for (uint32_t rank = 0; rank < 2; rank++) {
		struct lanes lanes = add_lanes(made, rank);
		for (int step = 0; step < 3; step++) {
			int64_t at_ns = 1000 * step + 10 * rank;
			snprintf(name, sizeof name, "ProfilerStep#%d", 7 + step);
			gpu_case_add(made, lanes.marks, SPAN_KIND_MARK, 0, name, at_ns, at_ns + 990, GPU_NONE);
			add_kernel(made, lanes, "k", at_ns + 900, at_ns + 1100, at_ns + 1500);
			last = made->n - 1;
		}
	}
	gpu_case_end(made);
	cr_assert_eq(iterations_find(&made->model, &error, &set), STATUS_OK, "%s", error.text);
	cr_expect_eq(set.by, ITERATION_BY_ANNOTATION, "by %s", iteration_by_word(set.by));
	cr_expect_str_eq(set.name, "ProfilerStep#");
	cr_expect_eq(set.n, 6, "%u iterations, not 6", set.n);
	cr_assert_eq(set.n_executions, 3, "%u executions, not 3", set.n_executions);
	for (uint32_t i = 0; i < 3; i++) {
		const struct iteration_execution *execution = &set.executions[i];
		cr_expect_eq(execution->number, 7 + i, "%" PRId64 ", not %u", execution->number, 7 + i);
		cr_expect_eq(execution->n_parts, 2);
		cr_expect_eq(execution->start_ns, 1000 * i, "starts at %" PRId64, execution->start_ns);
		cr_expect_eq(execution->finish_ns, 1000 * i + 1510, "finishes at %" PRId64, execution->finish_ns);
	}
	cr_expect_eq(set.of_span[made->idx[last]], 2, "the last kernel is of %u, not 2", set.of_span[made->idx[last]]);
	iterations_finish(&set);
	gpu_case_free(made);
}

/* Twelve steps of a, b × 3, c without any annotation; step 5 has two more b, step 8 a longer c. */
static struct gpu_case *repeating(bool is_shuffled)
{
	struct gpu_case *made = gpu_case_create(1);
	struct lanes lanes = add_lanes(made, 0);
	int64_t at_ns = 0;
	for (int step = 0; step < 12; step++) {
		int n_middle = step == 5 ? 5 : 3;
		for (int i = 0; i < n_middle + 2; i++, at_ns += 20) {
			char name[16];
			snprintf(name, sizeof name, "%s%d",
				i == 0              ? "a"
				: i == n_middle + 1 ? "c"
						    : "b",
				is_shuffled ? (step * 7 + i * i * step) % 13 : 0);
			int64_t more_ns = step == 8 && i == n_middle + 1 ? 100 : 0;
			add_kernel(made, lanes, name, at_ns, at_ns + 6, at_ns + 16 + more_ns);
			at_ns += more_ns;
		}
	}
	gpu_case_end(made);
	return made;
}

Test(iterations, the_period_of_kernels)
{
	struct gpu_case *made = repeating(false);
	struct iterations set;
	cr_assert_eq(iterations_find(&made->model, &error, &set), STATUS_OK, "%s", error.text);
	cr_assert_eq(set.by, ITERATION_BY_PERIOD, "by %s", iteration_by_word(set.by));
	cr_expect_str_eq(set.name, "a0");
	cr_assert_eq(set.n_executions, 12, "%u executions, not 12", set.n_executions);
	cr_expect_geq(set.confidence, 0.9, "confidence %g", set.confidence);
	cr_expect_eq(set.items[5].n_work, 7, "%u kernels, not 7", set.items[5].n_work);
	cr_expect_eq(set.items[5].more_ns, 20, "%" PRId64, set.items[5].more_ns);
	cr_expect_eq(set.items[8].longer_ns, 100, "%" PRId64, set.items[8].longer_ns);
	cr_expect_eq(set.items[8].over_ns, 100, "%" PRId64, set.items[8].over_ns);
	cr_expect_eq(set.items[3].over_ns, 0, "%" PRId64, set.items[3].over_ns);
	iterations_finish(&set);
	gpu_case_free(made);
}

Test(iterations, nothing_repeats)
{
	struct gpu_case *made = repeating(true);
	struct iterations set;
	cr_assert_eq(iterations_find(&made->model, &error, &set), STATUS_OK, "%s", error.text);
	cr_expect_eq(set.by, ITERATION_BY_NONE, "by %s '%s'", iteration_by_word(set.by), set.name);
	cr_expect_eq(set.n, 0);
	iterations_finish(&set);
	gpu_case_free(made);
}

/* Ranges that leave most of the time out, or lie in one another, are no iterations. */
Test(iterations, ranges_that_are_none)
{
	struct gpu_case *made = gpu_case_create(1);
	struct lanes lanes = add_lanes(made, 0);
	struct iterations set;
	for (int i = 0; i < 4; i++) {
		gpu_case_add(made, lanes.marks, SPAN_KIND_MARK, 0, "forward", 1000 * i, 1000 * i + 300, GPU_NONE);
		add_kernel(made, lanes, i % 2 ? "x" : "y", 1000 * i, 1000 * i + 10, 1000 * i + 20);
	}
	gpu_case_end(made);
	cr_assert_eq(iterations_find(&made->model, &error, &set), STATUS_OK, "%s", error.text);
	cr_expect_eq(set.by, ITERATION_BY_NONE, "by %s '%s'", iteration_by_word(set.by), set.name);
	iterations_finish(&set);
	gpu_case_free(made);
}
