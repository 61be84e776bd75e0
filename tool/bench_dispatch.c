/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_dispatch: what a task costs in interpreted mode: round trips and tasks a second, beside a bare round trip over a Unix socket.
 */
#include <math.h>
#include <stdio.h>

#include "engine/run/task.h"
#include "tool/bench_bare.h"
#include "tool/bench_chain.h"
#include "tool/bench_run.h"

#define TIMES_BELOW_RIVAL 20 /* aimed at */
#define RATE_AIMED_AT 1e5    /* tasks a second */

/* Median µs of a round trip of 8 bytes through chains of tasks in Ray Core, on two cores like these (doc/interpreted.md). */
static const struct {
	int n_workers;
	double rival_us;
} chains[] = { { 1, 830 }, { 2, 1438 }, { 4, 3711 } };

static int measure_latency(const struct bench_options *options, int n_workers, double *ret_ns, double *ret_bare_ns, struct error *error)
{
	struct bench_chain chain = { .n_workers = n_workers, .n_nodes = 1, .op = "copy", .payload_bytes = 8,
		.mode = RUN_MODE_INTERPRETED };
	size_t message_bytes = sizeof(struct task_message) + sizeof(struct task_value);
	int n_rounds = options->is_quick ? 500 : 5000;
	struct bench_run run;
	int status = bench_run_start_chain(&chain, NULL, error, &run);
	if (status != STATUS_OK)
		return status;
	status = bench_run_latency(&run, n_rounds, error, ret_ns);
	bench_run_stop(&run);
	if (status == STATUS_OK)
		status = bench_bare_socket(message_bytes, n_rounds, error, ret_bare_ns);
	return status;
}

static int add_latency(const struct bench_options *options, struct bench_rows *rows, int idx, struct error *error)
{
	int n = chains[idx].n_workers;
	char name[80];
	double ns, bare_ns;
	int status = measure_latency(options, n, &ns, &bare_ns, error);
	if (status != STATUS_OK)
		return status;
	snprintf(name, sizeof name, "task N=%d 8 B", n);
	bench_row(rows, name, ns / 1000, "µs", BENCH_LOWER, n * bare_ns / 1000, NAN);
	snprintf(name, sizeof name, "task N=%d 8 B (Ray Core: %.0f)", n, chains[idx].rival_us);
	bench_row(rows, name, ns / 1000, "µs", BENCH_LOWER, NAN, chains[idx].rival_us / TIMES_BELOW_RIVAL);
	return STATUS_OK;
}

static int add_rate(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	struct bench_chain chain = { .n_workers = 1, .n_nodes = 1, .op = "copy", .payload_bytes = 8, .in_flight = 64,
		.mode = RUN_MODE_INTERPRETED };
	int n = options->is_quick ? 20000 : 300000;
	struct bench_run run;
	double rate = 0;
	int status = bench_run_start_chain(&chain, NULL, error, &run);
	if (status != STATUS_OK)
		return status;
	status = bench_run_throughput(&run, n, error, &rate);
	bench_run_stop(&run);
	if (status == STATUS_OK)
		bench_row(rows, "tasks, 64 in flight", rate, "1/s", BENCH_HIGHER, NAN, RATE_AIMED_AT);
	return status;
}

static int run_dispatch(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	int status = STATUS_OK;
	for (int i = 0; i < (int)ARRAY_LEN(chains) && status == STATUS_OK; i++)
		status = add_latency(options, rows, i, error);
	return status == STATUS_OK ? add_rate(options, rows, error) : status;
}

const struct bench bench_dispatch = { "dispatch", "round trip and rate of tasks in interpreted mode, beside a bare socket", run_dispatch };
