/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_run: graphs built in code and run through the driver, for benches.
 */
#ifndef TANDEM_TOOL_BENCH_RUN_H
#define TANDEM_TOOL_BENCH_RUN_H

#include "engine/graph/plan.h"
#include "engine/run/driver.h"

struct bench_chain {
	int n_workers;         /* one process each, in a chain */
	int n_nodes;           /* on each worker, ≥ 1 */
	const char *op;        /* of every node */
	int64_t payload_bytes; /* of the one tensor that flows */
	int in_flight;         /* 0: the default */
	enum run_mode mode;
};

/* A started run and what belongs to it. */
struct bench_run {
	struct graph *graph;
	struct plan *plan;
	struct driver *driver;
	struct tensor inputs[2];
	int n_inputs;
	void *input_memory;
};

/* Starts the chain; `trace_file` NULL: unrecorded. On failure nothing is kept. */
int bench_run_start_chain(const struct bench_chain *chain, const char *trace_file, struct error *error, struct bench_run *ret_run);

/* Starts a MiniLM-like encoder of 6 layers over two workers with seeded weights, for a batch of 8 × 15 tokens. `record` is the policy; NULL:
 * all. */
int bench_run_start_encoder(const char *trace_file, const char *record, struct error *error, struct bench_run *ret_run);

void bench_run_stop(struct bench_run *run);

/* `n_rounds` executions, one at a time: median ns of one. */
int bench_run_latency(struct bench_run *run, int n_rounds, struct error *error, double *ret_ns);

/* `n_executions` with as many in flight as allowed: executions a second. */
int bench_run_throughput(struct bench_run *run, int n_executions, struct error *error, double *ret_rate);

/* Where temporary files go: $TMPDIR or /tmp. */
const char *bench_folder(void);

/* A fresh file name for a trace in the temporary folder, "tandem-bench-PID.tandem"; the file is removed by bench_trace_remove. */
const char *bench_trace_file(void);
void bench_trace_remove(void);

#endif
