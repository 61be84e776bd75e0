/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_bench_import: a long trace as if another tool had made it: ranks with nested annotations on a thread, calls that launch kernels, copies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/import_sink.h"
#include "traces/timeline_bench.h"

#define RANKS 8
#define NAMES 4000
#define SPANS_A_UNIT 7     /* an operator, two below it, a call, a kernel, and now and then a copy with its call */
#define TELL 65536
#define STEP_UNITS 1000    /* units to a step */

struct bench {
	struct import_sink *sink;
	uint32_t threads[RANKS], streams[RANKS][2], kernels[NAMES], operators[NAMES], launch, copy_call, copy, step, category;
	int64_t free_ns[RANKS], correlation;
	unsigned state;
	struct error *error;
};

static uint32_t text(struct bench *bench, const char *bytes)
{
	return import_string(bench->sink, bytes, strlen(bytes));
}

static int64_t draw(struct bench *bench, int64_t low, int64_t high)
{
	bench->state = bench->state * 1103515245u + 12345u;
	return low + (int64_t)(bench->state >> 8) % (high - low + 1);
}

static void make_names(struct bench *bench)
{
	char name[160];
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name),
			"void at::native::elementwise_kernel_%d<4, at::native::Op%dFunctor<float>, at::detail::Array<char*, "
			"2> >(int)",
			i / 4, i);
		bench->kernels[i] = text(bench, name);
		snprintf(name, sizeof(name), "aten::operator_%d", i);
		bench->operators[i] = text(bench, name);
	}
	bench->launch = text(bench, "cudaLaunchKernel");
	bench->copy_call = text(bench, "cudaMemcpyAsync");
	bench->copy = text(bench, "Memcpy HtoD (Pinned -> Device)");
	bench->step = text(bench, "ProfilerStep");
	bench->category = text(bench, "cpu_op");
}

static void make_lanes(struct bench *bench)
{
	for (int rank = 0; rank < RANKS; rank++) {
		uint32_t process = import_process(bench->sink, 1000 + rank, "python");
		import_process_name(bench->sink, process, "python", rank);
		uint32_t device = import_device(bench->sink, process, rank);
		bench->threads[rank] = import_thread(bench->sink, process, 1000 + rank);
		for (int i = 0; i < 2; i++)
			bench->streams[rank][i] = import_stream(bench->sink, device, IMPORT_UNKNOWN, 7 + i);
	}
}

static int put(struct bench *bench, uint32_t lane, int kind, uint32_t name, int64_t start_ns, int64_t duration_ns, int64_t correlation)
{
	const struct import_span span = { .lane = lane, .kind = kind, .start_ns = start_ns, .duration_ns = duration_ns, .name = name,
		.category = kind == SPAN_KIND_MARK ? bench->category : IMPORT_NONE, .correlation = correlation, .external = IMPORT_UNKNOWN,
		.bytes = kind == SPAN_KIND_MEMCPY ? 1 << 20 : IMPORT_UNKNOWN, .copy_kind = IMPORT_NONE, .graph = IMPORT_UNKNOWN,
		.graph_node = IMPORT_UNKNOWN, .graph_root = IMPORT_UNKNOWN, .event = IMPORT_UNKNOWN, .wait_stream = IMPORT_UNKNOWN,
		.api_class = kind == SPAN_KIND_API ? name == bench->launch ? IMPORT_API_LAUNCH : IMPORT_API_COPY : IMPORT_API_OTHER };
	return import_add_span(bench->sink, &span, bench->error);
}

static int put_unit(struct bench *bench, int rank, int64_t unit)
{
	int64_t at_ns = bench->free_ns[rank], work_ns = draw(bench, 2000, 9000), correlation = ++bench->correlation;
	int64_t name = draw(bench, 0, NAMES - 1), late_ns = draw(bench, 0, 2000);
	uint32_t thread = bench->threads[rank];
	int status = unit % STEP_UNITS ? STATUS_OK
				       : put(bench, thread, SPAN_KIND_MARK, bench->step, at_ns, STEP_UNITS * INT64_C(9500),
						 IMPORT_UNKNOWN);
	for (int depth = 0; depth < 3 && status == STATUS_OK; depth++)
		status = put(bench, thread, SPAN_KIND_MARK, bench->operators[(name + depth) % NAMES], at_ns + 100 * depth,
			9000 - 300 * depth, IMPORT_UNKNOWN);
	if (status == STATUS_OK)
		status = put(bench, thread, SPAN_KIND_API, bench->launch, at_ns + 1000, 3000, correlation);
	if (status == STATUS_OK)
		status = put(bench, bench->streams[rank][0], SPAN_KIND_KERNEL, bench->kernels[name], at_ns + 5000 + late_ns, work_ns, correlation);
	if (status != STATUS_OK || unit % 16)
		return status;
	status = put(bench, thread, SPAN_KIND_API, bench->copy_call, at_ns + 5000, 1000, ++bench->correlation);
	return status == STATUS_OK ? put(bench, bench->streams[rank][1], SPAN_KIND_MEMCPY, bench->copy, at_ns + 8000, 60000,
					     bench->correlation)
				   : status;
}

static int put_all(struct bench *bench, int64_t n_spans, timeline_progress_fn *progress, void *user)
{
	int64_t n_units = n_spans / (SPANS_A_UNIT - 2);
	int status = STATUS_OK;
	for (int64_t unit = 0; unit < n_units && status == STATUS_OK; unit++) {
		int rank = (int)(unit % RANKS);
		status = put_unit(bench, rank, unit / RANKS);
		bench->free_ns[rank] += 9500;
		if (status == STATUS_OK && unit % TELL == 0 && progress && !progress(user, (double)unit / (double)n_units))
			status = error_set(bench->error, STATUS_STOPPED, "the trace was not finished");
	}
	return status;
}

int timeline_bench_import(const char *file, int64_t n_spans, timeline_progress_fn *progress, void *user, struct error *error)
{
	static const char *const files[] = { "bench" };
	const struct import_options options = { .files = files, .n_files = 1, .align = IMPORT_ALIGN_NONE, .output = file };
	struct import_file info = { .file = files[0], .kind = IMPORT_KINETO, .rank = -1, .world_size = -1 };
	struct bench *bench = calloc(1, sizeof(*bench));
	if (!bench)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the bench");
	bench->state = 1;
	bench->error = error;
	int status = import_sink_create(&options, error, &bench->sink);
	if (status == STATUS_OK)
		status = import_begin_file(bench->sink, &info, error);
	if (status == STATUS_OK) {
		make_names(bench);
		make_lanes(bench);
		status = put_all(bench, n_spans, progress, user);
	}
	if (status == STATUS_OK)
		status = import_end_file(bench->sink, error);
	if (status == STATUS_OK)
		status = import_sink_close(bench->sink, error);
	import_sink_destroy(bench->sink);
	free(bench);
	return status;
}
