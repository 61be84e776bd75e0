/* SPDX-License-Identifier: Apache-2.0
 *
 * synthetic: makes what the engine would have made.
 */
#include "tests/traces/synthetic.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/clock.h"

static int infer_copy(struct op_infer *infer, struct error *error)
{
	infer->outputs[0] = infer->inputs[0];
	return STATUS_OK;
}

static int run_nothing(struct op_run *run)
{
	return STATUS_OK;
}

static const struct op op_stage = { .name = "stage", .summary = "a stage", .n_inputs_min = 1, .n_inputs_max = 1,
	.infer = infer_copy, .run = run_nothing };
static const struct op *const ops[] = { &op_stage };
static const struct op_registry registry = { ops, 1 };

static void require(int status, const struct error *error)
{
	cr_assert(status == STATUS_OK, "status %d: %s", status, error->text);
}

static struct graph *make_chain(int n_workers, int n_nodes)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph *graph = graph_create("chain");
	int previous = GRAPH_INPUT;
	char name[16], device[16];
	graph_set_input(graph, "x:f32[4]", 1, &mistakes);
	for (int worker = 0; worker < n_workers; worker++) {
		snprintf(name, sizeof(name), "w%d", worker);
		snprintf(device, sizeof(device), "cpu:%d", worker);
		int idx = graph_add_worker(graph, name, device, 2);
		for (int i = 0; i < n_nodes; i++) {
			snprintf(name, sizeof(name), "n%d", worker * n_nodes + i);
			int node = graph_add_node(graph, name, "stage", idx, 3);
			graph_add_edge(graph, previous, node, NULL, NULL, false, 4);
			previous = node;
		}
	}
	graph_add_edge(graph, previous, GRAPH_OUTPUT, NULL, NULL, false, 5);
	int status = graph_resolve(graph, &registry, &mistakes);
	cr_assert(status == STATUS_OK, "%s", mistakes.n_items ? mistakes.items[0].text : "no text");
	mistakes_finish(&mistakes);
	return graph;
}

static void make_program(struct synthetic *synthetic, int n_workers, int n_nodes, int in_flight,
	const struct program_setting *settings, int n_settings)
{
	struct error error = { 0 };
	struct plan *plan = NULL;
	struct graph *graph = make_chain(n_workers, n_nodes);
	require(plan_make(graph, &(struct plan_options){ .in_flight = in_flight }, &error, &plan), &error);
	struct program_options options = { .mode = RUN_MODE_COMPILED, .seed = 7, .n_threads = 1, .settings = settings,
		.n_settings = n_settings };
	require(program_build(plan, &options, &error, &synthetic->program_fd), &error);
	require(program_open(synthetic->program_fd, &synthetic->program, &error), &error);
	plan_destroy(plan);
	graph_destroy(graph);
}

static void init(struct synthetic *synthetic, int n_workers, int n_nodes, int in_flight, uint32_t n_records,
	const struct program_setting *settings, int n_settings)
{
	struct error error = { 0 };
	*synthetic = (struct synthetic){ 0 };
	clock_init();
	make_program(synthetic, n_workers, n_nodes, in_flight, settings, n_settings);
	require(rings_create((uint32_t)n_workers + 1, n_records, &error, &synthetic->rings_fd), &error);
	require(rings_open(synthetic->rings_fd, &synthetic->rings, &error), &error);
	for (uint32_t i = 0; i < synthetic->rings.n_rings; i++)
		ring_writer_init(&synthetic->writers[i], rings_get(&synthetic->rings, i));
	snprintf(synthetic->folder, sizeof(synthetic->folder), "/tmp/tandem-test-XXXXXX");
	cr_assert(mkdtemp(synthetic->folder) != NULL, "no folder %s", synthetic->folder);
	snprintf(synthetic->file, sizeof(synthetic->file), "%s/t.tandem", synthetic->folder);
}

void synthetic_init(struct synthetic *synthetic, int n_workers, int n_nodes, int in_flight, uint32_t n_records)
{
	static const struct program_setting settings[] = { { "command", "tandem run chain.dot" }, { "record", "all" } };
	init(synthetic, n_workers, n_nodes, in_flight, n_records, settings, 2);
}

void synthetic_init_recorded(struct synthetic *synthetic, int n_workers, int n_nodes, int in_flight, uint32_t n_records,
	const char *record, const char *triggers, const char *limit)
{
	const struct program_setting settings[] = { { "record", record }, { "triggers", triggers }, { "record_limit", limit } };
	init(synthetic, n_workers, n_nodes, in_flight, n_records, settings, 3);
}

void synthetic_finish(struct synthetic *synthetic)
{
	char name[400];
	DIR *folder = opendir(synthetic->folder);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		snprintf(name, sizeof(name), "%s/%s", synthetic->folder, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(name);
	}
	if (folder)
		closedir(folder);
	rmdir(synthetic->folder);
	program_close(&synthetic->program);
	rings_close(&synthetic->rings);
	close(synthetic->program_fd);
	close(synthetic->rings_fd);
}

/* The clock of records is the TSC or ns: ns are turned into ticks by a pair that is the same for the whole process. */
static uint64_t ticks_of(int64_t ns)
{
	static struct clock_pair origin;
	if (!clock_uses_tsc_flag)
		return (uint64_t)ns;
	if (!origin.host.ns)
		origin = clock_take_pair();
	int64_t delta = ns - origin.host.ns;
	return delta < 0 ? origin.ticks.count - clock_ticks_of_ns(-delta) : origin.ticks.count + clock_ticks_of_ns(delta);
}

void synthetic_use_ns(void)
{
	clock_uses_tsc_flag = false;
}

static void set_phase(struct record *record, int i, enum phase phase, int64_t start_ns, int64_t duration_ns)
{
	uint64_t n_ticks = ticks_of(start_ns + duration_ns) - ticks_of(start_ns);
	record->phase[i] = (uint8_t)phase;
	record->ticks[i] = (uint32_t)(n_ticks >> record->shift);
}

struct record synthetic_op(uint32_t node, uint64_t execution, int64_t start_ns, int n_phases, const enum phase *phases,
	const int64_t *phase_ns)
{
	struct record record = { .kind = RECORD_OP, .n_phases = (uint8_t)n_phases, .node = node, .execution = execution,
		.start = ticks_of(start_ns) };
	for (int i = 0; i < n_phases; i++) {
		set_phase(&record, i, phases[i], start_ns, phase_ns[i]);
		start_ns += phase_ns[i];
	}
	return record;
}

struct record synthetic_span(enum phase phase, int64_t start_ns, int64_t duration_ns)
{
	struct record record = { .kind = RECORD_SPAN, .n_phases = 1, .node = PROGRAM_NONE, .execution = UINT64_MAX,
		.start = ticks_of(start_ns) };
	set_phase(&record, 0, phase, start_ns, duration_ns);
	return record;
}

struct record synthetic_submit(uint64_t execution, int64_t at_ns)
{
	return (struct record){
		.kind = RECORD_SUBMIT, .node = PROGRAM_NONE, .execution = execution, .start = ticks_of(at_ns)
	};
}

struct record synthetic_finish_record(uint64_t execution, int64_t at_ns, int status, uint32_t failure)
{
	return (struct record){ .kind = RECORD_FINISH,
		.node = PROGRAM_NONE,
		.execution = execution,
		.start = ticks_of(at_ns),
		.status = (uint8_t)status,
		.finish = { .failure = failure } };
}

struct record synthetic_wait(enum phase cause, uint32_t node, uint64_t execution, int64_t start_ns, int64_t duration_ns,
	uint32_t edge, uint32_t channel, uint32_t peer)
{
	struct record record = { .kind = RECORD_WAIT, .n_phases = 1, .phase = { (uint8_t)cause }, .node = node,
		.execution = execution, .start = ticks_of(start_ns),
		.wait = { .edge = edge, .channel = channel, .peer = peer, .slot = 0 } };
	record.wait.ticks = (uint32_t)(ticks_of(start_ns + duration_ns) - record.start);
	return record;
}

bool synthetic_put(struct synthetic *synthetic, uint32_t worker, const struct record *record)
{
	struct record *cell = ring_next(&synthetic->writers[worker]);
	if (!cell)
		return false;
	*cell = *record;
	ring_commit(&synthetic->writers[worker]);
	return true;
}

static void put_patiently(struct synthetic *synthetic, uint32_t worker, struct record record)
{
	for (int i = 0; i < 20000; i++) {
		const struct ring_header *ring = synthetic->writers[worker].ring;
		if (synthetic->writers[worker].head - atomic_load(&ring->tail) < ring->n_records)
			break;
		usleep(1000);
	}
	cr_assert(synthetic_put(synthetic, worker, &record), "the ring of worker %u stays full", worker);
}

int64_t synthetic_execution(struct synthetic *synthetic, uint64_t execution, int64_t at_ns, int64_t compute_ns)
{
	static const enum phase phases[] = { PHASE_STARVED, PHASE_COMPUTE, PHASE_WRITE };
	put_patiently(synthetic, 0, synthetic_submit(execution, at_ns));
	put_patiently(synthetic, 0, synthetic_op(GRAPH_INPUT, execution, at_ns, 1, &phases[2], (int64_t[]){ 1000 }));
	at_ns += 1000;
	int64_t submitted_ns = at_ns;
	for (uint32_t node = 2; node < synthetic->program.header->n_nodes; node++) {
		int64_t phase_ns[] = { 500, compute_ns, 200 };
		put_patiently(synthetic, synthetic->program.nodes[node].worker,
			synthetic_op(node, execution, at_ns, 3, phases, phase_ns));
		at_ns += 500 + compute_ns + 200;
	}
	put_patiently(synthetic, 0,
		synthetic_op(GRAPH_OUTPUT, execution, submitted_ns, 1, phases, (int64_t[]){ at_ns - submitted_ns }));
	put_patiently(synthetic, 0, synthetic_finish_record(execution, at_ns, STATUS_OK, 0));
	return at_ns;
}

void synthetic_intake_init(struct synthetic_intake *target, const struct synthetic *synthetic, const char *file,
	int64_t start_ns)
{
	struct error error = { 0 };
	*target = (struct synthetic_intake){ 0 };
	require(store_open(file, false, &error, &target->store), &error);
	synthetic_intake_next(target, synthetic, start_ns);
}

void synthetic_intake_next(struct synthetic_intake *target, const struct synthetic *synthetic, int64_t start_ns)
{
	struct error error = { 0 };
	struct clock_pair start = clock_take_pair();
	if (!clock_uses_tsc_flag)
		start.ticks.count = (uint64_t)start.host.ns;
	intake_destroy(target->intake);
	require(store_begin_run(target->store, &synthetic->program, start_ns, &error), &error);
	require(intake_create(target->store, &synthetic->program, start, &error, &target->intake), &error);
}

void synthetic_intake_enter(struct synthetic_intake *target, uint32_t worker, const struct record *records, uint32_t n)
{
	struct error error = { 0 };
	require(store_begin(target->store, &error), &error);
	require(intake_records(target->intake, worker, records, n, &error), &error);
	require(intake_flush(target->intake, &error), &error);
	require(store_commit(target->store, &error), &error);
}

void synthetic_intake_end(struct synthetic_intake *target, int64_t end_ns)
{
	struct error error = { 0 };
	require(store_end_run(target->store, "ok", NULL, end_ns, &error), &error);
}

void synthetic_intake_finish(struct synthetic_intake *target)
{
	intake_destroy(target->intake);
	store_close(target->store);
}

int64_t synthetic_number(struct db *db, const char *sql)
{
	struct error error = { 0 };
	int64_t number = INT64_MIN;
	require(db_get_int(db, sql, &number, &error), &error);
	return number;
}
