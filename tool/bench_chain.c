/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_chain: latency of one request at a time through chains of workers, and throughput, each beside what bare flags do.
 */
#include "tool/bench_chain.h"

#include <math.h>
#include <stdio.h>

#include "tool/bench_bare.h"
#include "tool/bench_run.h"

#define MIB 1048576

/* tandem, and bare flags right after it, so that a drift of the machine's speed meets both. */
static int measure(const struct bench_chain *chain, size_t bare_bytes, int n_rounds, double *ret_ns, double *ret_bare_ns,
	struct error *error)
{
	struct bench_run run;
	int status = bench_run_start_chain(chain, NULL, error, &run);
	if (status != STATUS_OK)
		return status;
	status = bench_run_latency(&run, n_rounds, error, ret_ns);
	bench_run_stop(&run);
	if (status == STATUS_OK)
		status = bench_bare_chain(chain->n_workers, bare_bytes, n_rounds, error, ret_bare_ns);
	return status;
}

static int add_chain(const struct bench_options *options, struct bench_rows *rows, int n_workers, int64_t payload_bytes,
	const char *op, double target, struct error *error)
{
	/* A large tensor goes round in as many slots as may be in flight; one request at a time needs one, which stays in the cache. */
	struct bench_chain chain = { .n_workers = n_workers, .n_nodes = 1, .op = op, .payload_bytes = payload_bytes,
		.in_flight = payload_bytes >= MIB ? 1 : 0 };
	int n_rounds = payload_bytes >= MIB ? 300 : n_workers == 1 ? 100000 : 5000;
	char name[64];
	double ns, bare_ns;
	int status = measure(&chain, payload_bytes > 8 ? (size_t)payload_bytes : 0,
		options->is_quick ? n_rounds / 10 : n_rounds, &ns, &bare_ns, error);
	if (status != STATUS_OK)
		return status;
	snprintf(name, sizeof name, "%s N=%d %s", op, n_workers, payload_bytes >= MIB ? "1 MiB" : "8 B");
	bench_row(rows, name, ns / 1000, "µs", BENCH_LOWER, bare_ns / 1000, target);
	return STATUS_OK;
}

static int run_hop(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	return add_chain(options, rows, 1, 8, "copy", 1.5, error);
}

static int run_chain(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	int status = STATUS_OK;
	for (int n = 2; n <= 8 && status == STATUS_OK; n *= 2)
		status = add_chain(options, rows, n, 8, "copy", n <= 4 ? 1.5 : NAN, error);
	return status;
}

/* Every op reads and writes the whole tensor; then ops that only forward it, which must not depend on the size. */
static int run_copy(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	int status = STATUS_OK;
	for (int n = 1; n <= 4 && status == STATUS_OK; n *= 2)
		status = add_chain(options, rows, n, MIB, "copy", 1.2, error);
	double small, large, bare;
	struct bench_chain chain = { .n_workers = 2, .n_nodes = 1, .op = "identity", .payload_bytes = 64 << 10 };
	if (status == STATUS_OK)
		status = measure(&chain, (size_t)chain.payload_bytes, 300, &small, &bare, error);
	chain.n_workers = 4;
	if (status == STATUS_OK)
		status = measure(&chain, (size_t)chain.payload_bytes, 300, &large, &bare, error);
	if (status == STATUS_OK)
		bench_row(rows, "identity 64 KiB N=2", small / 1000, "µs", BENCH_LOWER, NAN, NAN);
	if (status == STATUS_OK)
		bench_row(rows, "identity 64 KiB N=4", large / 1000, "µs", BENCH_LOWER, NAN, NAN);
	return status;
}

static int run_throughput(const struct bench_options *options, struct bench_rows *rows, struct error *error)
{
	struct bench_chain chain = { .n_workers = 1, .n_nodes = 1, .op = "copy", .payload_bytes = 8, .in_flight = 512 };
	int n = options->is_quick ? 200000 : 2000000;
	struct bench_run run;
	double rate = 0, bare = 0;
	int status = bench_run_start_chain(&chain, NULL, error, &run);
	if (status != STATUS_OK)
		return status;
	status = bench_run_throughput(&run, n, error, &rate);
	bench_run_stop(&run);
	if (status == STATUS_OK)
		status = bench_bare_rings(n, error, &bare);
	if (status == STATUS_OK)
		bench_row(rows, "throughput N=1 8 B", rate / 1e6, "M/s", BENCH_HIGHER, bare / 1e6, NAN);
	return status;
}

const struct bench bench_hop = { "hop", "round trip of 8 bytes through one worker, beside bare flags", run_hop };
const struct bench bench_chain_latency = { "chain", "round trip of 8 bytes through 2, 4 and 8 workers, beside bare flags", run_chain };
const struct bench bench_copy = { "copy", "round trip of 1 MiB, copied by every op, beside bare copies; and forwarded", run_copy };
const struct bench bench_throughput = { "throughput", "executions a second with 512 in flight, beside bare rings", run_throughput };
