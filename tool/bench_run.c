/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_run: building, running and measuring the graphs of the benches.
 */
#include "tool/bench_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/graph/plan_check.h"
#include "engine/ops/ops.h"
#include "tool/bench_bare.h"
#include "tool/interrupt.h"

static int start(struct bench_run *run, enum run_mode mode, int in_flight, const char *trace_file, const char *record,
	struct error *error)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct plan_options options = { .in_flight = in_flight };
	struct driver_options driver_options = { .mode = mode, .trace_file = trace_file, .record = record, .overwrites_trace = true,
		.stall_limit_ns = -1 };
	int status = graph_resolve(run->graph, &ops_builtin, &mistakes);
	if (status != STATUS_OK)
		error_set(error, status, "%s", mistakes.n_items && mistakes.items ? mistakes.items[0].text : "the bench's graph is wrong");
	mistakes_finish(&mistakes);
	if (status == STATUS_OK)
		status = plan_compile(run->graph, &options, NULL, error, &run->plan);
	if (status == STATUS_OK)
		status = driver_start(run->plan, &driver_options, error, &run->driver);
	if (status == STATUS_OK)
		interrupt_set_driver(run->driver);
	return status;
}

static int add_workers(struct graph *graph, int n_workers)
{
	for (int i = 0; i < n_workers; i++) {
		char name[16], device[16];
		snprintf(name, sizeof name, "w%d", i);
		snprintf(device, sizeof device, "cpu:%d", i);
		if (graph_add_worker(graph, name, device, 0) < 0)
			return -1;
	}
	return 0;
}

static int build_chain(struct graph *graph, const struct bench_chain *chain)
{
	struct mistakes mistakes = MISTAKES_INIT;
	char text[64], name[32];
	int before = GRAPH_INPUT;
	snprintf(text, sizeof text, "x:u8[%" PRId64 "]", chain->payload_bytes);
	graph_set_input(graph, text, 0, &mistakes);
	mistakes_finish(&mistakes);
	if (add_workers(graph, chain->n_workers) < 0)
		return -1;
	for (int i = 0; i < chain->n_workers * chain->n_nodes; i++) {
		snprintf(name, sizeof name, "n%d", i);
		int node = graph_add_node(graph, name, chain->op, 1 + i / chain->n_nodes, 0);
		if (node < 0 || graph_add_edge(graph, before, node, NULL, NULL, false, 0) < 0)
			return -1;
		before = node;
	}
	return graph_add_edge(graph, before, GRAPH_OUTPUT, NULL, NULL, false, 0);
}

int bench_run_start_chain(const struct bench_chain *chain, const char *trace_file, struct error *error, struct bench_run *ret_run)
{
	int64_t shape[1] = { chain->payload_bytes };
	*ret_run = (struct bench_run){ .graph = graph_create("chain"), .n_inputs = 1 };
	ret_run->input_memory = calloc(1, (size_t)chain->payload_bytes);
	int status = STATUS_OK;
	if (!ret_run->graph || !ret_run->input_memory || build_chain(ret_run->graph, chain) < 0)
		status = error_set(error, STATUS_NO_MEMORY, "no memory for a bench's graph");
	if (status == STATUS_OK) {
		ret_run->inputs[0] = tensor_make(DTYPE_U8, 1, shape, ret_run->input_memory);
		status = start(ret_run, chain->mode, chain->in_flight, trace_file, NULL, error);
	}
	if (status != STATUS_OK)
		bench_run_stop(ret_run);
	return status;
}

#define ENCODER_BATCH 8
#define ENCODER_LENGTH 15
#define ENCODER_LAYERS 6

static int build_encoder(struct graph *graph)
{
	struct mistakes mistakes = MISTAKES_INIT;
	graph_set_input(graph, "ids:i32[B<=64,L<=512] mask:f32[B<=64,L<=512]", 0, &mistakes);
	mistakes_finish(&mistakes);
	if (add_workers(graph, 2) < 0)
		return -1;
	int before = graph_add_node(graph, "embed", "bert_embed", 1, 0);
	graph_node_set(graph, before, "weights", "seeded:7", 0);
	graph_add_edge(graph, GRAPH_INPUT, before, "ids", NULL, false, 0);
	for (int i = 0; i < ENCODER_LAYERS; i++) {
		char name[16], layer[16];
		snprintf(name, sizeof name, "layer%d", i);
		snprintf(layer, sizeof layer, "%d", i);
		int node = graph_add_node(graph, name, "bert_layer", i < ENCODER_LAYERS / 2 ? 1 : 2, 0);
		graph_node_set(graph, node, "weights", "seeded:7", 0);
		graph_node_set(graph, node, "layer", layer, 0);
		graph_add_edge(graph, before, node, NULL, "x", false, 0);
		graph_add_edge(graph, GRAPH_INPUT, node, "mask", "mask", false, 0);
		before = node;
	}
	int pool = graph_add_node(graph, "pool", "mean_pool", 2, 0);
	graph_add_edge(graph, before, pool, NULL, "x", false, 0);
	graph_add_edge(graph, GRAPH_INPUT, pool, "mask", "mask", false, 0);
	return graph_add_edge(graph, pool, GRAPH_OUTPUT, NULL, NULL, false, 0);
}

int bench_run_start_encoder(const char *trace_file, const char *record, struct error *error, struct bench_run *ret_run)
{
	int64_t shape[2] = { ENCODER_BATCH, ENCODER_LENGTH };
	size_t n = ENCODER_BATCH * ENCODER_LENGTH;
	*ret_run = (struct bench_run){ .graph = graph_create("encoder"), .n_inputs = 2 };
	int32_t *ids = calloc(n, sizeof *ids + sizeof(float));
	float *mask = (float *)(ids + n);
	ret_run->input_memory = ids;
	int status = STATUS_OK;
	if (!ret_run->graph || !ids || build_encoder(ret_run->graph) < 0)
		status = error_set(error, STATUS_NO_MEMORY, "no memory for a bench's graph");
	for (size_t i = 0; ids && i < n; i++) {
		ids[i] = (int32_t)(i * 37 % 1000);
		mask[i] = 1;
	}
	if (status == STATUS_OK) {
		ret_run->inputs[0] = tensor_make(DTYPE_I32, 2, shape, ids);
		ret_run->inputs[1] = tensor_make(DTYPE_F32, 2, shape, mask);
		status = start(ret_run, RUN_MODE_COMPILED, 0, trace_file, record, error);
	}
	if (status != STATUS_OK)
		bench_run_stop(ret_run);
	return status;
}

void bench_run_stop(struct bench_run *run)
{
	interrupt_set_driver(NULL);
	if (run->driver)
		driver_stop(run->driver, NULL, NULL);
	plan_destroy(run->plan);
	graph_destroy(run->graph);
	free(run->input_memory);
	*run = (struct bench_run){ 0 };
}

static int take_one(struct bench_run *run, struct error *error)
{
	int status = driver_wait(run->driver, 0, NULL, NULL, error);
	if (status == STATUS_OK)
		driver_release(run->driver);
	return status;
}

int bench_run_latency(struct bench_run *run, int n_rounds, struct error *error, double *ret_ns)
{
	double *times = calloc((size_t)n_rounds, sizeof *times);
	int status = times ? STATUS_OK : error_set(error, STATUS_NO_MEMORY, "no memory for %d times", n_rounds);
	for (int i = -n_rounds / 10; i < n_rounds && status == STATUS_OK; i++) {
		int64_t begin = clock_now().ns;
		status = driver_submit(run->driver, run->inputs, NULL, error);
		if (status == STATUS_OK)
			status = take_one(run, error);
		if (i >= 0)
			times[i] = (double)(clock_now().ns - begin);
	}
	if (status == STATUS_OK)
		*ret_ns = bench_median(times, n_rounds);
	free(times);
	return status;
}

int bench_run_throughput(struct bench_run *run, int n_executions, struct error *error, double *ret_rate)
{
	int64_t begin = clock_now().ns;
	int n_submitted = 0, n_taken = 0;
	while (n_taken < n_executions) {
		int status = STATUS_AGAIN;
		if (n_submitted < n_executions)
			status = driver_submit(run->driver, run->inputs, NULL, error);
		if (status == STATUS_OK) {
			n_submitted++;
			continue;
		}
		if (status != STATUS_AGAIN)
			return status;
		status = take_one(run, error);
		if (status != STATUS_OK)
			return status;
		n_taken++;
	}
	*ret_rate = (double)n_executions * 1e9 / (double)(clock_now().ns - begin);
	return STATUS_OK;
}

const char *bench_folder(void)
{
	const char *folder = getenv("TMPDIR");
	return folder && *folder ? folder : "/tmp";
}

const char *bench_trace_file(void)
{
	static char file[256];
	snprintf(file, sizeof file, "%.200s/tandem-bench-%d.tandem", bench_folder(), (int)getpid());
	return file;
}

void bench_trace_remove(void)
{
	unlink(bench_trace_file());
}
