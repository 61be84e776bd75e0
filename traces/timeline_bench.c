/* SPDX-License-Identifier: Apache-2.0
 *
 * timeline_bench: executions of a chain of nodes one after the other in simulated time, delivered in batches a lane.
 */
#include "traces/timeline_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/clock.h"
#include "engine/run/program.h"
#include "traces/bench_program.h"
#include "traces/intake.h"
#include "traces/store.h"

#define BENCH_NODES 8
#define BENCH_LANES (TIMELINE_BENCH_WORKERS + 1)
#define BENCH_BATCH 1024
#define BENCH_COMMIT_RECORDS 60000
#define BENCH_TELL 4096     /* executions between two looks at progress */
#define BENCH_PACE 20000    /* executions at one rate */
#define BENCH_STALL 500000  /* ops to a stall, on average */
#define BENCH_LOSS 300000   /* ops to a loss of a few records */

struct bench {
	struct program program;
	int program_fd;
	struct store *store;
	struct intake *intake;
	struct clock_pair start;
	struct record batches[BENCH_LANES][BENCH_BATCH];
	uint32_t n_batch[BENCH_LANES];
	int64_t free_ns[BENCH_LANES], n_lost[BENCH_LANES]; /* free_ns: from the start */
	int64_t n_entered, n_ops, n_uncommitted;
	unsigned state;
	int lose;                                          /* records still to be lost */
	timeline_progress_fn *progress;
	void *user;
};

/* -- records ------------------------------------------------------------------------------------------------------------------ */

static int64_t draw(struct bench *bench, int64_t low, int64_t high)
{
	bench->state = bench->state * 1103515245u + 12345u;
	return low + (int64_t)(bench->state >> 8) % (high - low + 1);
}

static int commit(struct bench *bench, struct error *error)
{
	int status = intake_flush(bench->intake, error);
	bench->n_uncommitted = 0;
	return status == STATUS_OK ? store_commit(bench->store, error) : status;
}

static int deliver(struct bench *bench, uint32_t lane, struct error *error)
{
	int status = STATUS_OK;
	if (!store_is_in_transaction(bench->store))
		status = store_begin(bench->store, error);
	if (status == STATUS_OK)
		status = intake_records(bench->intake, lane, bench->batches[lane], bench->n_batch[lane], error);
	bench->n_uncommitted += bench->n_batch[lane];
	bench->n_batch[lane] = 0;
	return status == STATUS_OK && bench->n_uncommitted > BENCH_COMMIT_RECORDS ? commit(bench, error) : status;
}

static int put(struct bench *bench, uint32_t lane, const struct record *record, struct error *error)
{
	bench->lose = draw(bench, 1, BENCH_LOSS) == 1 ? 20 : bench->lose;
	if (bench->lose > 0) {
		bench->lose--;
		bench->n_lost[lane]++;
		return STATUS_OK;
	}
	bench->batches[lane][bench->n_batch[lane]++] = *record;
	return bench->n_batch[lane] == BENCH_BATCH ? deliver(bench, lane, error) : STATUS_OK;
}

static uint64_t ticks_at(const struct bench *bench, int64_t ns)
{
	return bench->start.ticks.count + clock_ticks_of_ns(ns);
}

static int put_op(struct bench *bench, uint32_t node, int64_t execution, const int64_t *ns, struct error *error)
{
	uint32_t lane = bench->program.nodes[node].worker;
	int64_t at_ns = bench->free_ns[lane];
	struct record record = { .kind = RECORD_OP, .n_phases = 3, .node = node, .execution = (uint64_t)execution,
		.start = ticks_at(bench, at_ns), .phase = { PHASE_STARVED, PHASE_COMPUTE, PHASE_WRITE } };
	struct record wait = { .kind = RECORD_WAIT, .n_phases = 1, .node = node, .execution = (uint64_t)execution, .start = record.start,
		.phase = { PHASE_STARVED }, .wait = { .edge = PROGRAM_NONE, .channel = PROGRAM_NONE, .peer = 0 } };
	for (int i = 0; i < 3; i++) {
		record.ticks[i] = (uint32_t)(ticks_at(bench, at_ns + ns[i]) - ticks_at(bench, at_ns));
		at_ns += ns[i];
	}
	wait.wait.ticks = record.ticks[0];
	bench->free_ns[lane] = at_ns;
	bench->n_ops++;
	int status = ns[0] > 20000 ? put(bench, lane, &wait, error) : STATUS_OK;
	return status == STATUS_OK ? put(bench, lane, &record, error) : status;
}

static int64_t compute_ns(struct bench *bench, int64_t execution)
{
	int64_t pace = 1 + (execution / BENCH_PACE * 7) % 30;
	if (draw(bench, 1, BENCH_STALL) == 1)
		return draw(bench, 2000000, 20000000);
	return draw(bench, 200, 400) * pace;
}

/* An execution's ops in the order of the chain; its results are taken with the next execution's input. */
static int put_execution(struct bench *bench, int64_t execution, struct error *error)
{
	int64_t submitted_ns = bench->free_ns[0];
	struct record submit = { .kind = RECORD_SUBMIT, .node = PROGRAM_NONE, .execution = (uint64_t)execution,
		.start = ticks_at(bench, submitted_ns) };
	int status = put(bench, 0, &submit, error);
	if (status == STATUS_OK)
		status = put_op(bench, GRAPH_INPUT, execution, (int64_t[]){ 0, 0, 60 }, error);
	int64_t ready_ns = bench->free_ns[0];
	for (uint32_t node = 2; node < 2 + BENCH_NODES && status == STATUS_OK; node++) {
		int64_t *free_ns = &bench->free_ns[bench->program.nodes[node].worker];
		int64_t ns[] = { ready_ns > *free_ns ? ready_ns - *free_ns : 0, compute_ns(bench, execution), draw(bench, 0, 80) };
		status = put_op(bench, node, execution, ns, error);
		ready_ns = *free_ns + 40;
	}
	struct record finish = { .kind = RECORD_FINISH, .node = PROGRAM_NONE, .execution = (uint64_t)execution,
		.start = ticks_at(bench, ready_ns) };
	int64_t wait_ns = ready_ns - 60000 - bench->free_ns[0]; /* several are in flight */
	if (status == STATUS_OK)
		status = put_op(bench, GRAPH_OUTPUT, execution, (int64_t[]){ wait_ns > 0 ? wait_ns : 0, 0, 0 }, error);
	return status == STATUS_OK ? put(bench, 0, &finish, error) : status;
}

static int put_all(struct bench *bench, int64_t n_spans, struct error *error)
{
	int status = STATUS_OK;
	for (int64_t execution = 0; status == STATUS_OK && bench->n_ops < n_spans; execution++) {
		status = put_execution(bench, execution, error);
		if (status == STATUS_OK && execution % BENCH_TELL == 0 && bench->progress
			&& !bench->progress(bench->user, (double)bench->n_ops / (double)n_spans))
			status = error_set(error, STATUS_STOPPED, "the trace was not finished");
	}
	for (uint32_t lane = 0; lane < BENCH_LANES && status == STATUS_OK; lane++) {
		status = deliver(bench, lane, error);
		if (status == STATUS_OK && bench->n_lost[lane])
			status = store_loss(bench->store, lane, LOSS_RING_FULL, (uint64_t)bench->n_lost[lane], error);
	}
	return status;
}

static int end_run(struct bench *bench, struct error *error)
{
	int64_t end_ns = 0;
	for (int lane = 0; lane < BENCH_LANES; lane++)
		end_ns = bench->free_ns[lane] > end_ns ? bench->free_ns[lane] : end_ns;
	int status = commit(bench, error);
	if (status == STATUS_OK)
		status = intake_close(bench->intake, error);
	if (status == STATUS_OK)
		status = store_end_run(bench->store, "ok", NULL, bench->start.host.ns + end_ns, error);
	return status == STATUS_OK ? store_seal(bench->store, error) : status;
}

int timeline_bench_make(const char *file, int64_t n_spans, timeline_progress_fn *progress, void *user, struct error *error)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	if (!bench)
		return error_set(error, STATUS_NO_MEMORY, "no memory for the bench");
	clock_init();
	bench->program_fd = -1;
	bench->state = 1;
	bench->progress = progress;
	bench->user = user;
	bench->start = clock_take_pair();
	int status = bench_program_make(TIMELINE_BENCH_WORKERS, BENCH_NODES, error, &bench->program_fd, &bench->program);
	if (status == STATUS_OK)
		status = store_open(file, false, error, &bench->store);
	if (status == STATUS_OK)
		status = store_begin_run(bench->store, &bench->program, bench->start.host.ns, error);
	if (status == STATUS_OK)
		status = intake_create(bench->store, &bench->program, bench->start, error, &bench->intake);
	if (status == STATUS_OK)
		status = put_all(bench, n_spans, error);
	if (status == STATUS_OK)
		status = end_run(bench, error);
	intake_destroy(bench->intake);
	store_close(bench->store);
	if (bench->program.header)
		program_close(&bench->program);
	if (bench->program_fd >= 0)
		close(bench->program_fd);
	free(bench);
	return status;
}
