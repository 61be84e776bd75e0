/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_record: what recording costs: a node, an encoder, and how fast the collector writes.
 */
#include <math.h>

#include "tool/bench_chain.h"
#include "tool/bench_run.h"
#include "traces/collector_bench.h"

#define N_NODES 64

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

static int encoder_rate(const char *trace_file, int n, double *ret_rate, struct error *error)
{
	struct bench_run run;
	int status = bench_run_start_encoder(trace_file, error, &run);
	if (status != STATUS_OK)
		return status;
	status = bench_run_throughput(&run, n / 10, error, ret_rate);
	if (status == STATUS_OK)
		status = bench_run_throughput(&run, n, error, ret_rate);
	bench_run_stop(&run);
	return status;
}

static int add_cost_of_an_encoder(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	int n = options->is_quick ? 50 : 200;
	double off = 0, on = 0;
	int status = encoder_rate(NULL, n, &off, error);
	if (status == STATUS_OK)
		status = encoder_rate(bench_trace_file(), n, &on, error);
	if (status == STATUS_OK)
		bench_row(rows, "encoder, recorded", 1000 / on, "ms", BENCH_LOWER, 1000 / off, 1.03);
	return status;
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
		status = add_cost_of_an_encoder(options, rows, error);
	if (status == STATUS_OK)
		status = add_collector(options, rows, error);
	bench_trace_remove();
	return status;
}

const struct bench bench_record = { "record", "cost of recording a node and an encoder; rate of the collector beside bare inserts",
	run_record };
