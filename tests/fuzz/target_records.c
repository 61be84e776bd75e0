/* SPDX-License-Identifier: Apache-2.0
 *
 * target_records: what a worker may leave in its ring, on the way into a trace. `records` is the intake alone; `collector` a whole run of the
 * collector, on a file that then has to be in order, reports and all: no record and no message may spoil the trace for the others.
 *
 * Records of an input have their times counted from the start of the run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/run/collect.h"
#include "engine/run/ring.h"
#include "engine/run/task.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/world.h"
#include "traces/collector.h"
#include "traces/intake.h"
#include "traces/report.h"
#include "traces/store.h"
#include "traces/trace_check.h"

#define RECORDS_MAX 48
#define N_RING_RECORDS 64

/* The next record of the input; false at its end. */
static bool read_record(struct fuzz_reader *reader, uint64_t base, struct record *ret_record)
{
	if ((size_t)(reader->end - reader->at) < sizeof *ret_record)
		return false;
	memcpy(ret_record, reader->at, sizeof *ret_record);
	reader->at += sizeof *ret_record;
	ret_record->start += base;
	return true;
}

static int enter_records(const uint8_t *data, size_t n)
{
	static struct store *store;
	struct fuzz_reader reader = { data, data + n };
	struct error error = { 0 };
	struct intake *intake;
	const struct program *program = &world_get(0, RUN_MODE_COMPILED)->program;
	struct clock_pair start = clock_take_pair();
	if (!store) {
		FUZZ_CHECK(store_open(":memory:", false, &error, &store) == STATUS_OK
			&& store_begin_run(store, program, start.host.ns, &error) == STATUS_OK, "%s", error.text);
	}
	FUZZ_CHECK(store_begin(store, &error) == STATUS_OK && intake_create(store, program, start, &error, &intake) == STATUS_OK,
		"%s", error.text);
	int status = STATUS_OK;
	struct record record;
	while (status == STATUS_OK && read_record(&reader, start.ticks.count, &record))
		status = intake_records(intake, record.execution % 7 % program->header->n_workers, &record, 1, &error);
	if (status == STATUS_OK)
		status = intake_flush(intake, &error);
	FUZZ_CHECK(status == STATUS_OK, "records of a worker end the recording of all: %s", error.text);
	intake_destroy(intake);
	store_rollback(store);
	return 0;
}

/* An execution, as the driver and two workers record it. */
static size_t make_records(struct record *records, uint64_t execution)
{
	uint64_t at = execution * 100000;
	size_t n = 0;
	records[n++] = (struct record){ .kind = RECORD_SUBMIT, .node = PROGRAM_NONE, .execution = execution, .start = at, .n_phases = 1,
		.phase = { PHASE_LIMIT }, .ticks = { 100 } };
	for (uint32_t node = 0; node < 5; node++)
		records[n++] = (struct record){ .kind = RECORD_OP, .node = node, .execution = execution, .start = at + 1000 * node,
			.n_phases = 3, .phase = { PHASE_STARVED, PHASE_COMPUTE, PHASE_WRITE }, .ticks = { 200, 500, 100 } };
	records[n++] = (struct record){ .kind = RECORD_WAIT, .node = 3, .execution = execution, .start = at + 3000, .n_phases = 1,
		.phase = { PHASE_STARVED }, .wait = { .ticks = 200, .edge = 1, .channel = 0, .peer = 1 } };
	records[n++] = (struct record){ .kind = RECORD_SPAN, .node = PROGRAM_NONE, .execution = UINT64_MAX, .start = at + 7000, .n_phases = 1,
		.phase = { PHASE_IDLE }, .ticks = { 900 } };
	records[n++] = (struct record){ .kind = RECORD_FINISH, .node = PROGRAM_NONE, .execution = execution, .start = at + 8000 };
	return n;
}

static void add_record_seeds(struct fuzz_corpus *corpus)
{
	struct record records[RECORDS_MAX];
	size_t n = 0;
	for (uint64_t execution = 0; execution < 3; execution++) {
		n += make_records(records + n, execution);
		fuzz_corpus_add(corpus, records, n * sizeof *records);
	}
}

/* -- the collector ------------------------------------------------------------------------------------------------------- */

struct stage {
	const struct world *world;
	struct rings rings;
	int rings_fd, fds[2];
	char file[64];
};

static void put(struct stage *stage, uint32_t lane, const struct record *record)
{
	struct ring_header *ring = rings_get(&stage->rings, lane);
	uint64_t head = atomic_load(&ring->head);
	if (head >= N_RING_RECORDS)
		return;
	ring->records[head] = *record;
	atomic_store(&ring->head, head + 1);
}

static void say(struct stage *stage, struct fuzz_reader *reader, uint16_t kind)
{
	static const char text[] = "something \xff\x01 happened";
	struct collect_message message = { .kind = kind, .status = fuzz_read_u8(reader) % STATUS_COUNT,
		.worker = (uint32_t)fuzz_read_number(reader), .level = fuzz_read_u8(reader), .node = (uint32_t)fuzz_read_number(reader),
		.failure = fuzz_read_u8(reader), .execution = fuzz_read_number(reader), .time_ns = (int64_t)fuzz_read_number(reader) };
	collect_send(stage->fds[0], &message, text);
}

static void write_over(struct stage *stage, struct fuzz_reader *reader)
{
	size_t ring = stage->rings.bytes / stage->rings.n_rings, at = fuzz_read_u8(reader) % 48 * 4u;
	uint64_t number = fuzz_read_number(reader);
	memcpy((uint8_t *)stage->rings.base + fuzz_read_u8(reader) % stage->rings.n_rings * ring + at, &number,
		fuzz_read_u8(reader) & 1 ? sizeof number : 4);
}

/* Lane of a record as the recorders choose it. */
static uint32_t lane_of(const struct stage *stage, const struct record *record)
{
	const struct program *program = &stage->world->program;
	return record->node < program->header->n_nodes ? program->nodes[record->node].worker : 0;
}

/* Steps: an honest execution, a record of the input, a message, a number somewhere. Headers that rings_open checks stay as they are until it
 * has: they are written over last. */
static void play(struct stage *stage, struct fuzz_reader *reader, uint64_t base)
{
	struct record records[RECORDS_MAX];
	for (uint64_t execution = 0; !fuzz_reader_is_empty(reader); execution++) {
		size_t n = 0;
		uint8_t step = fuzz_read_u8(reader);
		if (step % 4 == 0)
			n = make_records(records, execution);
		else if (step % 4 == 1 && read_record(reader, 0, &records[0]))
			n = 1;
		else if (step % 4 == 2)
			say(stage, reader, step % 8 < 4 ? COLLECT_LOG : COLLECT_FAILURE);
		else
			write_over(stage, reader);
		for (size_t i = 0; i < n; i++) {
			records[i].start += base;
			put(stage, step < 128 ? lane_of(stage, &records[i]) : step % stage->rings.n_rings, &records[i]);
		}
	}
}

static void check_file(const char *file)
{
	struct error error = { 0 };
	struct strbuf text = STRBUF_INIT;
	struct trace *trace;
	struct table table;
	int n_wrong;
	int status = trace_open(file, &error, &trace);
	FUZZ_CHECK(status == STATUS_OK, "%s", error.text);
	table_init(&table, trace_check_columns, TRACE_CHECK_COLUMNS);
	status = trace_check(trace, &table, &n_wrong, &error);
	table_print(&table, 0, &text);
	FUZZ_CHECK(status == STATUS_OK, "%s", error.text);
	for (int i = 0; i < 2 * TRACE_CHECK_COLUMNS; i += TRACE_CHECK_COLUMNS) /* integrity, references */
		FUZZ_CHECK(strcmp(table.cells[i + 1].text, "ok") == 0, "%s", strbuf_text(&text));
	for (int i = 0; i < trace->n_runs; i++) {
		status = report_make(trace, &trace->runs[i], NULL, &text, &error);
		FUZZ_CHECK(status == STATUS_OK, "%s", error.text);
	}
	table_finish(&table);
	strbuf_finish(&text);
	trace_close(trace);
}

static int collect(const uint8_t *data, size_t n)
{
	struct fuzz_reader reader = { data, data + n };
	struct stage stage = { .world = world_get(fuzz_read_u8(&reader), RUN_MODE_COMPILED) };
	struct collect_message stop = { .kind = COLLECT_STOP, .worker = PROGRAM_NONE, .node = PROGRAM_NONE, .execution = UINT64_MAX,
		.time_ns = clock_now().ns };
	struct error error = { 0 };
	snprintf(stage.file, sizeof stage.file, "%s/run.tandem", fuzz_folder());
	unlink(stage.file);
	int status = rings_create(stage.world->program.header->n_workers, N_RING_RECORDS, &error, &stage.rings_fd);
	if (status == STATUS_OK)
		status = rings_open(stage.rings_fd, &stage.rings, &error);
	if (status == STATUS_OK)
		status = task_connect(&error, stage.fds);
	FUZZ_CHECK(status == STATUS_OK, "%s", error.text);
	play(&stage, &reader, clock_ticks().count);
	collect_send(stage.fds[0], &stop, NULL);
	struct collector_options options = { .file = stage.file, .program_fd = stage.world->program_fd, .rings_fd = stage.rings_fd,
		.socket_fd = stage.fds[1], .signal_fd = -1 };
	status = collector_run(&options, &error);
	FUZZ_CHECK(status == STATUS_OK || status == STATUS_PROTOCOL, "%s: %s", status_word(status), error.text);
	if (status == STATUS_OK)
		check_file(stage.file);
	rings_close(&stage.rings);
	close(stage.rings_fd);
	close(stage.fds[0]);
	close(stage.fds[1]);
	return 0;
}

static void add_collector_seeds(struct fuzz_corpus *corpus)
{
	struct record records[RECORDS_MAX];
	size_t n_records = make_records(records, 0);
	uint8_t bytes[2048] = { 0, 0, 0, 0 };
	size_t n = 4;
	fuzz_corpus_add(corpus, bytes, n);
	for (size_t i = 0; i < n_records; i++) {
		bytes[n++] = (uint8_t)(i % 2 ? 1 : 129);
		memcpy(bytes + n, &records[i], sizeof records[i]);
		n += sizeof records[i];
		fuzz_corpus_add(corpus, bytes, n);
	}
	for (uint8_t i = 0; i < 6; i++) {
		uint8_t over[] = { i, 0, 2, 1, 2, 0, 3, 1, 7, 5, 3, (uint8_t)(16 + 8 * i), (uint8_t)(64 + 10 * i),
			1, i, 1, 6, 2, 255, 1, 3, 2, 5, 6, 0 };
		fuzz_corpus_add(corpus, over, sizeof over);
	}
}

const struct fuzz_target fuzz_target_records = {
	.name = "records",
	.one = enter_records,
	.add_seeds = add_record_seeds,
	.bytes_max = RECORDS_MAX * sizeof(struct record),
	.n_runs = 600,
};

const struct fuzz_target fuzz_target_collector = {
	.name = "collector",
	.one = collect,
	.add_seeds = add_collector_seeds,
	.bytes_max = 2048,
	.n_runs = 60,
};
