/* SPDX-License-Identifier: Apache-2.0
 *
 * collector_bench: a program made in memory, a ring filled and drained in turn in one thread (only the draining is
 * timed), and the bare inserts.
 */
#include "traces/collector_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/run/program.h"
#include "engine/run/ring.h"
#include "traces/bench_program.h"
#include "traces/intake.h"
#include "traces/store.h"

#define BENCH_NODES 8
#define BENCH_RING 16384u
#define BENCH_BATCH 1024
#define BENCH_COMMIT_NS 60000000 /* as the collector */
#define BENCH_PHASES 3

struct bench {
	struct program program;
	struct rings rings;
	int program_fd, rings_fd;
	char file[4200];
	struct ring_writer writer;
	struct record *batch;
	struct store *store;
	struct intake *intake;
	uint64_t n_written;
	uint64_t ticks; /* time of the next record */
};

static int open_bench(struct bench *bench, struct error *error)
{
	struct clock_pair start = clock_take_pair();
	int status = bench_program_make(1, BENCH_NODES, error, &bench->program_fd, &bench->program);
	if (status == STATUS_OK)
		status = rings_create(2, BENCH_RING, error, &bench->rings_fd);
	if (status == STATUS_OK)
		status = rings_open(bench->rings_fd, &bench->rings, error);
	if (status == STATUS_OK)
		status = store_open(bench->file, false, error, &bench->store);
	if (status == STATUS_OK)
		status = store_begin_run(bench->store, &bench->program, start.host.ns, error);
	if (status == STATUS_OK)
		status = intake_create(bench->store, &bench->program, start, error, &bench->intake);
	bench->batch = calloc(BENCH_BATCH, sizeof(*bench->batch));
	if (status == STATUS_OK && !bench->batch)
		status = error_set(error, STATUS_NO_MEMORY, "no memory for the bench");
	if (status == STATUS_OK)
		ring_writer_init(&bench->writer, rings_get(&bench->rings, 1));
	bench->ticks = start.ticks.count;
	return status;
}

static void close_bench(struct bench *bench)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	char name[4300];
	intake_destroy(bench->intake);
	store_close(bench->store);
	program_close(&bench->program);
	rings_close(&bench->rings);
	free(bench->batch);
	if (bench->program_fd >= 0)
		close(bench->program_fd);
	if (bench->rings_fd >= 0)
		close(bench->rings_fd);
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		snprintf(name, sizeof(name), "%s%s", bench->file, suffixes[i]);
		unlink(name);
	}
}

/* Records as a worker writes them: each node starves, computes and writes in turn. */
static void fill_ring(struct bench *bench, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		struct record *cell = ring_next(&bench->writer);
		if (!cell)
			return;
		*cell = (struct record){ .kind = RECORD_OP, .n_phases = BENCH_PHASES,
			.node = 2 + (uint32_t)(bench->n_written % BENCH_NODES), .execution = bench->n_written / BENCH_NODES,
			.start = bench->ticks, .phase = { PHASE_STARVED, PHASE_COMPUTE, PHASE_WRITE },
			.ticks = { 700, 2500, 300 } };
		bench->ticks += 3600;
		bench->n_written++;
		ring_commit(&bench->writer);
	}
}

static int drain_ring(struct bench *bench, struct error *error)
{
	int status = STATUS_OK;
	for (uint32_t n; status == STATUS_OK && (n = ring_take(rings_get(&bench->rings, 1), bench->rings.n_records, bench->batch, BENCH_BATCH));) {
		if (!store_is_in_transaction(bench->store))
			status = store_begin(bench->store, error);
		if (status == STATUS_OK)
			status = intake_records(bench->intake, 1, bench->batch, n, error);
	}
	return status;
}

static int commit(struct bench *bench, struct error *error)
{
	int status = intake_flush(bench->intake, error);
	return status == STATUS_OK ? store_commit(bench->store, error) : status;
}

static int collect(struct bench *bench, int64_t n_records, int64_t *ret_ns, struct error *error)
{
	int status = STATUS_OK;
	int64_t ns = 0, committed_ns = 0;
	while (status == STATUS_OK && (int64_t)bench->n_written < n_records) {
		int64_t left = n_records - (int64_t)bench->n_written;
		fill_ring(bench, left < BENCH_RING ? left : BENCH_RING);
		int64_t start_ns = clock_now().ns;
		status = drain_ring(bench, error);
		ns += clock_now().ns - start_ns;
		if (status != STATUS_OK || (ns - committed_ns < BENCH_COMMIT_NS && (int64_t)bench->n_written < n_records))
			continue;
		start_ns = clock_now().ns;
		status = commit(bench, error);
		ns += clock_now().ns - start_ns;
		committed_ns = ns;
	}
	*ret_ns = ns;
	return status;
}

/* The rows that `collect` made, read into memory first, then inserted into an empty copy of the table. */
#define BARE_COLUMNS 10
static const char bare_select[] =
	"SELECT run, lane, node, execution, start_ns, duration_ns, status, starved_ns, compute_ns, write_ns"
	" FROM op_event";
static const char bare_insert[] = "INSERT INTO bare(run, lane, node, execution, start_ns, duration_ns, status, starved_ns,"
	" compute_ns, write_ns) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

static int read_rows(struct db *db, int64_t *values, struct error *error)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(db, bare_select, NULL, error, &stmt);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, error)) == STATUS_OK && has_row) {
		for (int i = 0; i < BARE_COLUMNS; i++)
			*values++ = db_column_int(stmt, i);
	}
	db_finish(stmt);
	return status;
}

static int insert_rows(struct db *db, const int64_t *values, int64_t n, int64_t *ret_ns, struct error *error)
{
	struct db_stmt *stmt = NULL;
	int status =
		db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE); CREATE TABLE bare AS SELECT * FROM op_event WHERE 0", error);
	if (status == STATUS_OK)
		status = db_prepare(db, bare_insert, NULL, error, &stmt);
	int64_t start_ns = clock_now().ns;
	if (status == STATUS_OK)
		status = db_begin(db, error);
	for (int64_t row = 0; status == STATUS_OK && row < n; row++) {
		for (int i = 0; i < BARE_COLUMNS; i++)
			db_bind_int(stmt, 1 + i, *values++);
		status = db_run(stmt, error);
	}
	if (status == STATUS_OK)
		status = db_commit(db, error);
	*ret_ns = clock_now().ns - start_ns;
	db_finish(stmt);
	return status;
}

static int insert_bare(struct bench *bench, int64_t n, int64_t *ret_ns, struct error *error)
{
	int64_t *values = malloc((size_t)n * BARE_COLUMNS * sizeof(*values));
	if (!values)
		return error_set(error, STATUS_NO_MEMORY, "no memory for %lld rows of the bench", (long long)n);
	int status = read_rows(store_db(bench->store), values, error);
	if (status == STATUS_OK)
		status = insert_rows(store_db(bench->store), values, n, ret_ns, error);
	free(values);
	return status;
}

int collector_bench_run(const char *folder, int64_t n_records, struct error *error, struct collector_bench *ret_bench)
{
	struct bench bench = { .program_fd = -1, .rings_fd = -1 };
	int64_t collected_ns = 0, bare_ns = 0, n_rows = 0;
	clock_init();
	snprintf(bench.file, sizeof(bench.file), "%.4000s/tandem-bench-%d.tandem", folder, (int)getpid());
	int status = open_bench(&bench, error);
	if (status == STATUS_OK)
		status = collect(&bench, n_records, &collected_ns, error);
	if (status == STATUS_OK)
		status = db_get_int(store_db(bench.store), "SELECT count(*) FROM op_event", &n_rows, error);
	if (status == STATUS_OK)
		status = insert_bare(&bench, n_rows, &bare_ns, error);
	close_bench(&bench);
	if (status != STATUS_OK)
		return status;
	*ret_bench = (struct collector_bench){ .n_rows = n_rows,
		.collected_per_s = 1e9 * (double)n_records / (double)collected_ns,
		.bare_per_s = 1e9 * (double)n_rows / (double)bare_ns };
	return STATUS_OK;
}
