/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_record: what recording costs: a node, an encoder, a start, and how fast the collector writes.
 */
#include <math.h>

#include "engine/base/clock.h"
#include "tool/bench_bare.h"
#include "tool/bench_chain.h"
#include "tool/bench_run.h"
#include "traces/collector_bench.h"

#define N_NODES 64
#define N_BLOCKS 10
#define N_STARTS 11

static int chain_latency(const char *trace_file, int n_rounds, double *ret_ns, struct error *error)
{
	struct bench_chain chain = { .n_workers = 1, .n_nodes = N_NODES, .op = "copy", .payload_bytes = 8 };
	struct bench_run run;
	int status = bench_run_start_chain(&chain, trace_file, error, &run);
	if (status != STATUS_OK)
		return status;
	status = bench_run_latency(&run, n_rounds, error, ret_ns);
	bench_run_stop(&run);
	return status;
}

/* The difference of two latencies of the same 64 nodes on one worker, recorded and not. */
static int add_cost_of_a_node(struct bench_rows *rows, struct error *error)
{
	double off = 0, on = 0;
	int status = chain_latency(NULL, 2000, &off, error);
	if (status == STATUS_OK)
		status = chain_latency(bench_trace_file(), 2000, &on, error);
	if (status == STATUS_OK)
		bench_row(rows, "recording a node", (on - off) / N_NODES, "ns", BENCH_LOWER, NAN, 100);
	return status;
}

/* Two runs of the encoder side by side, of which one is at work at a time: blocks of executions in turn, so that a drift of the machine's
 * speed meets both. */
static int encoder_times(const char *record, int n, double *ret_off_ms, double *ret_on_ms, struct error *error)
{
	struct bench_run runs[2];
	double ms[2][N_BLOCKS], rate;
	int status = bench_run_start_encoder(NULL, NULL, error, &runs[0]);
	if (status != STATUS_OK)
		return status;
	status = bench_run_start_encoder(bench_trace_file(), record, error, &runs[1]);
	for (int block = -1; block < N_BLOCKS && status == STATUS_OK; block++) { /* the first one warms up */
		for (int i = 0; i < 2 && status == STATUS_OK; i++) {
			int which = i ^ (block & 1);
			status = bench_run_throughput(&runs[which], n / N_BLOCKS, error, &rate);
			if (status == STATUS_OK && block >= 0)
				ms[which][block] = 1000 / rate;
		}
	}
	if (status == STATUS_OK) {
		*ret_off_ms = bench_median(ms[0], N_BLOCKS);
		*ret_on_ms = bench_median(ms[1], N_BLOCKS);
	}
	if (runs[1].driver)
		bench_run_stop(&runs[1]);
	bench_run_stop(&runs[0]);
	return status;
}

static int add_cost_of_an_encoder(const struct bench_options *options, struct bench_rows *rows, const char *name, const char *record,
	double target, struct error *error)
{
	double off_ms = 0, on_ms = 0;
	int status = encoder_times(record, options->is_quick ? 50 : 200, &off_ms, &on_ms, error);
	if (status == STATUS_OK)
		bench_row(rows, name, on_ms, "ms", BENCH_LOWER, off_ms, target);
	return status;
}

/* From nothing to the result of one execution to nothing. */
static int start_to_end(const char *trace_file, double *ret_ms, struct error *error)
{
	struct bench_chain chain = { .n_workers = 4, .n_nodes = 1, .op = "copy", .payload_bytes = 8 };
	struct bench_run run;
	double ns;
	int64_t begin = clock_now().ns;
	int status = bench_run_start_chain(&chain, trace_file, error, &run);
	if (status != STATUS_OK)
		return status;
	status = bench_run_latency(&run, 1, error, &ns);
	bench_run_stop(&run);
	*ret_ms = (double)(clock_now().ns - begin) / 1e6;
	return status;
}

static int add_start_to_end(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	double off_ms[N_STARTS], on_ms[N_STARTS];
	int n = options->is_quick ? 3 : N_STARTS, status = STATUS_OK;
	for (int i = 0; i < n && status == STATUS_OK; i++) {
		status = start_to_end(NULL, &off_ms[i], error);
		if (status == STATUS_OK)
			status = start_to_end(bench_trace_file(), &on_ms[i], error);
	}
	if (status != STATUS_OK)
		return status;
	bench_row(rows, "start to end of 4 workers", bench_median(off_ms, n), "ms", BENCH_LOWER, NAN, NAN);
	bench_row(rows, "start to end of 4 workers, recorded", bench_median(on_ms, n), "ms", BENCH_LOWER, NAN, 30);
	return STATUS_OK;
}

static int add_collector(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	struct collector_bench bench;
	int status = collector_bench_run(bench_folder(), options->is_quick ? 200000 : 1000000, error, &bench);
	if (status == STATUS_OK)
		bench_row(rows, "collector", bench.collected_per_s / 1e6, "M rows/s", BENCH_HIGHER, bench.bare_per_s / 1e6, 1 / 0.7);
	return status;
}

static int run_record(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	int status = add_cost_of_a_node(rows, error);
	if (status == STATUS_OK)
		status = add_cost_of_an_encoder(options, rows, "encoder, recorded", "all", 1.03, error);
	if (status == STATUS_OK)
		status = add_cost_of_an_encoder(options, rows, "encoder, last=5", "last=5", 1.01, error);
	if (status == STATUS_OK)
		status = add_start_to_end(options, rows, error);
	if (status == STATUS_OK)
		status = add_collector(options, rows, error);
	bench_trace_remove();
	return status;
}

const struct bench bench_record = { "record", "cost of recording a node, an encoder and a start; rate of the collector beside bare inserts",
	run_record };
