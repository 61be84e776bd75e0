/* SPDX-License-Identifier: Apache-2.0
 *
 * target_hostile: a driver over real shared memory, and workers played by the input: most of the time they do what workers do, and now and then
 * they write over a segment or send what nobody asked for. Whatever they do, the driver's calls come back in bounded time, its results lie inside
 * the segments, and a run that ends says why. The walk that explains stalls and the rings' reader look on.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/run/driver_private.h"
#include "engine/run/objects.h"
#include "engine/run/task.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/world.h"

#define STORE_LIMIT_BYTES 16384
#define RECORDS_AT_ONCE 64
#define SOCKETS_MAX 8

struct play {
	const struct world *world;
	struct driver *driver;
	struct fuzz_reader reader;
	uint64_t n_written[64]; /* by channel: messages that workers have written */
	int sockets[SOCKETS_MAX]; /* the workers' ends; interpreted */
	bool is_over;
};

static bool ends_run(int status)
{
	return status != STATUS_OK && status != STATUS_AGAIN && status != STATUS_OP && status != STATUS_TIMEOUT && status != STATUS_CANCELLED
		&& status != STATUS_USAGE && status != STATUS_INPUT;
}

static void judge(struct play *play, int status, const struct error *error)
{
	FUZZ_CHECK(status >= 0 && status < STATUS_COUNT, "status %d", status);
	FUZZ_CHECK(!ends_run(status) || error->text[0], "%s without words", status_word(status));
	play->is_over = play->is_over || ends_run(status);
}

/* -- the caller ---------------------------------------------------------------------------------------------------------- */

static void submit(struct play *play)
{
	static float values[64];
	const struct graph *graph = play->world->graph;
	struct tensor inputs[4];
	struct error error = { 0 };
	for (int i = 0; i < graph->nodes[GRAPH_INPUT].n_outputs; i++) {
		inputs[i] = type_bound_tensor(&graph->nodes[GRAPH_INPUT].outputs[i], &graph->symbols);
		inputs[i].data = values;
	}
	bool was_over = play->is_over;
	int status = driver_submit(play->driver, inputs, NULL, &error);
	FUZZ_CHECK(!was_over || ends_run(status), "a run that is over goes on: %s", status_word(status));
	judge(play, status, &error);
}

static void read_outputs(const struct play *play, const struct tensor *outputs)
{
	uint8_t sum = 0;
	for (uint32_t i = 0; i < play->driver->n_outputs; i++) {
		for (size_t k = 0; k < tensor_bytes(&outputs[i]); k++)
			sum ^= ((const uint8_t *)outputs[i].data)[k];
	}
	volatile uint8_t kept = sum;
	(void)kept;
}

static void wait_for(struct play *play)
{
	const struct tensor *outputs = NULL;
	struct error error = { 0 };
	int status = driver_wait(play->driver, 1, NULL, &outputs, &error);
	judge(play, status, &error);
	if (status == STATUS_OK)
		read_outputs(play, outputs);
}

static void release(struct play *play)
{
	driver_release(play->driver);
}

static void look(struct play *play)
{
	struct strbuf text = STRBUF_INIT;
	struct record records[RECORDS_AT_ONCE];
	driver_monitor_turn(play->driver, 0);
	stall_explain(&play->driver->stalls, fuzz_read_u8(&play->reader) % play->driver->n_workers, &text);
	strbuf_finish(&text);
	for (uint32_t i = 0; i < play->driver->rings.n_rings; i++)
		ring_take(rings_get(&play->driver->rings, i), play->driver->rings.n_records, records, RECORDS_AT_ONCE);
}

/* -- workers that do as they should -------------------------------------------------------------------------------------- */

/* The next message of a channel: right, but for the failure that the input names now and then. */
static void write_message(struct play *play, uint32_t idx)
{
	struct driver *driver = play->driver;
	const struct program *program = &driver->program;
	const struct program_channel *desc = &program->channels[idx];
	if (desc->transport != TRANSPORT_SHM || desc->node == GRAPH_INPUT || idx >= ARRAY_LEN(play->n_written))
		return;
	uint8_t *slot = driver->slots + desc->slots_offset + play->n_written[idx] % desc->depth * desc->slot_bytes;
	struct slot_header *header = (struct slot_header *)(slot + desc->slot_bytes - sizeof *header);
	uint8_t word = fuzz_read_u8(&play->reader);
	memset(header, 0, sizeof *header);
	if (desc->output != PROGRAM_NONE) {
		const struct tensor_type *type = &program->types[program->nodes[desc->node].types.first + desc->output];
		struct tensor tensor = type_bound_tensor(type, &program->header->symbols);
		header->n_dims = (uint32_t)tensor.n_dims;
		for (int d = 0; d < tensor.n_dims; d++)
			header->dims[d] = (uint32_t)tensor.shape[d];
	}
	if (word >= 240)
		header->status = control_fail(&driver->control, STATUS_OP, 1, desc->node, play->n_written[idx], "an op failed");
	atomic_store(&header->sequence, ++play->n_written[idx]);
}

static void write_messages(struct play *play)
{
	for (uint32_t i = 0; i < play->driver->program.header->n_channels && play->driver->slots && !play->driver->interpreted; i++)
		write_message(play, i);
}

static uint32_t count_readers(const struct graph *graph, uint32_t node, int output)
{
	uint32_t n = 0;
	for (int i = 0; i < graph->n_edges; i++)
		n += graph->edges[i].src == (int)node && !graph->edges[i].is_control && graph->edges[i].src_output == output;
	return n;
}

/* Answers the next task of a worker, with objects of its own; one that is not honest has numbers written over. */
static void answer(struct play *play, uint32_t worker, bool is_honest)
{
	struct driver *driver = play->driver;
	struct task_bells *bells = (struct task_bells *)driver->slots;
	struct objects objects;
	struct task_inbox *inbox = malloc(sizeof *inbox);
	const struct task_message *task;
	struct task_outbox outbox = { 0 };
	size_t bells_bytes = task_bells_bytes(driver->n_workers);
	uint32_t n_packets;
	FUZZ_CHECK(inbox, "no memory");
	*inbox = (struct task_inbox){ 0 };
	if (objects_open(driver->slots + bells_bytes, driver->slots_bytes - bells_bytes, &objects, NULL) == STATUS_OK
		&& task_inbox_receive(inbox, play->sockets[worker]) == STATUS_OK) {
		while (task_inbox_next(inbox, &task, NULL) == STATUS_OK && task) {
			const struct graph_node *node = &play->world->graph->nodes[task->node];
			struct task_message *message = task_outbox_add(&outbox, (uint32_t)node->n_outputs);
			message->node = task->node;
			message->execution = task->execution;
			message->time = message->own_time = task->time + 100;
			message->word = 0;
			for (int i = 0; i < node->n_outputs; i++) {
				struct tensor tensor = type_bound_tensor(&node->outputs[i], &play->world->graph->symbols);
				uint64_t object = objects_allocate(&objects, tensor_bytes(&tensor), task->node, (uint32_t)i, task->execution);
				if (object)
					objects_seal(&objects, object, count_readers(play->world->graph, task->node, i));
				task_value_set(&message->values[i], object, &tensor);
			}
		}
	}
	for (unsigned i = is_honest ? 0 : 1 + fuzz_read_u8(&play->reader) % 4; i > 0 && outbox.end >= 8; i--) {
		uint64_t number = fuzz_read_number(&play->reader);
		size_t size = 4 << (fuzz_read_u8(&play->reader) & 1);
		memcpy(outbox.bytes + fuzz_read_u16(&play->reader) % (outbox.end / 4 - 1) * 4, &number, size);
	}
	if (outbox.end && send(play->sockets[worker], outbox.bytes, outbox.end < TASK_PACKET_BYTES ? outbox.end : TASK_PACKET_BYTES,
		MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
		n_packets = 1;
		atomic_fetch_add(&bells->workers[worker].results, n_packets);
		atomic_fetch_add(&bells->results, n_packets);
	}
	task_outbox_finish(&outbox);
	free(inbox);
}

static void answer_all(struct play *play)
{
	for (uint32_t i = 1; play->driver->interpreted && i < play->driver->n_workers; i++)
		answer(play, i, true);
}

static void work(struct play *play)
{
	write_messages(play);
	answer_all(play);
}

/* A whole execution or two in one step, so that short inputs get far. */
static void run_on(struct play *play)
{
	submit(play);
	for (int i = 0; i < 5; i++) {
		work(play);
		if (play->driver->interpreted)
			wait_for(play);
	}
	wait_for(play);
	release(play);
}

/* -- and what they should not do ----------------------------------------------------------------------------------------- */

static void write_number(struct fuzz_reader *reader, uint8_t *memory, size_t bytes, size_t at)
{
	uint64_t number = fuzz_read_number(reader);
	if (at + sizeof number <= bytes)
		memcpy(memory + at, &number, fuzz_read_u8(reader) & 1 ? sizeof number : 4);
}

static void write_slots(struct play *play)
{
	if (play->driver->slots)
		write_number(&play->reader, play->driver->slots, play->driver->slots_bytes,
			fuzz_read_u16(&play->reader) * 4u % play->driver->slots_bytes);
}

/* The header of a slot, or a cursor, which is where it hurts. */
static void write_slot_header(struct play *play)
{
	const struct program *program = &play->driver->program;
	uint8_t idx = fuzz_read_u8(&play->reader);
	const struct program_channel *desc = &program->channels[idx % program->header->n_channels];
	if (play->driver->interpreted || desc->transport != TRANSPORT_SHM)
		return;
	size_t at = desc->slots_offset + (1 + fuzz_read_u8(&play->reader) % desc->depth) * desc->slot_bytes - sizeof(struct slot_header);
	uint8_t field = fuzz_read_u8(&play->reader);
	if (field >= 128 && desc->releasers.n)
		at = desc->releases_offset + field % desc->releasers.n * 64u;
	else
		at += field % 9 * 4u;
	write_number(&play->reader, play->driver->slots, play->driver->slots_bytes, at);
}

static void write_control(struct play *play)
{
	struct control *control = &play->driver->control;
	size_t bytes = control->mapping_bytes, at = fuzz_read_u16(&play->reader) * 4u;
	write_number(&play->reader, (uint8_t *)control->header, bytes, at % bytes);
}

/* A worker's wait or position. */
static void write_wait(struct play *play)
{
	struct control_worker *worker = &play->driver->control.header->workers[fuzz_read_u8(&play->reader) % play->driver->n_workers];
	size_t at = 64 + fuzz_read_u8(&play->reader) % 40 * 4u;
	write_number(&play->reader, (uint8_t *)worker, sizeof *worker, at);
	if (fuzz_read_u8(&play->reader) & 1)
		atomic_store(&worker->wait.cause, PHASE_STARVED);
}

static void write_failure(struct play *play)
{
	struct control *control = &play->driver->control;
	struct control_failure *failure = &control->failures[fuzz_read_u8(&play->reader) % control->n_failures];
	memset(failure->text, 'x', sizeof failure->text);
	write_number(&play->reader, (uint8_t *)failure, sizeof *failure, fuzz_read_u8(&play->reader) % 8 * 4u);
}

static void write_rings(struct play *play)
{
	struct rings *rings = &play->driver->rings;
	size_t ring = rings->bytes / rings->n_rings, at = fuzz_read_u8(&play->reader) % 48 * 4u;
	write_number(&play->reader, rings->base, rings->bytes, fuzz_read_u8(&play->reader) % rings->n_rings * ring + at);
}

static void answer_strangely(struct play *play)
{
	if (play->driver->interpreted)
		answer(play, 1 + fuzz_read_u8(&play->reader) % (play->driver->n_workers - 1), false);
}

static void (*const steps[])(struct play *play) = { submit, wait_for, release, work, run_on, look, write_slots, write_slot_header, write_control,
	write_wait, write_failure, write_rings, answer_strangely, wait_for, work, run_on };

static void take_sockets(struct play *play)
{
	for (uint32_t i = 0; i < SOCKETS_MAX; i++)
		play->sockets[i] = -1;
	for (uint32_t i = 1; i < play->driver->n_workers; i++)
		play->sockets[i] = play->driver->mode->take_worker_fd(play->driver, i);
}

static int run(enum run_mode mode, const uint8_t *data, size_t n)
{
	struct play play = { .reader = { data, data + n } };
	struct error error = { 0 };
	play.world = world_get(fuzz_read_u8(&play.reader), mode);
	struct driver_options options = { .mode = mode, .store_limit_bytes = STORE_LIMIT_BYTES, .stall_limit_ns = 1000000,
		.timeout_ns = fuzz_read_u8(&play.reader) & 1 ? 1 : 0, .trace_file = "unused" };
	FUZZ_CHECK(driver_prepare(play.world->plan, &options, &error, &play.driver) == STATUS_OK, "%s", error.text);
	atomic_store(&play.driver->control.header->state, CONTROL_RUNNING);
	take_sockets(&play);
	for (int i = 0; i < 200 && !fuzz_reader_is_empty(&play.reader); i++)
		steps[fuzz_read_u8(&play.reader) % ARRAY_LEN(steps)](&play);
	int n_left = 8; /* an honest rest: whatever was broken is told, and nothing waits for ever */
	while (!play.is_over && n_left-- > 0) {
		work(&play);
		wait_for(&play);
		release(&play);
	}
	driver_stop(play.driver, NULL, NULL);
	for (uint32_t i = 0; i < SOCKETS_MAX; i++) {
		if (play.sockets[i] >= 0)
			close(play.sockets[i]);
	}
	return 0;
}

static int run_compiled(const uint8_t *data, size_t n)
{
	return run(RUN_MODE_COMPILED, data, n);
}

static int run_interpreted(const uint8_t *data, size_t n)
{
	return run(RUN_MODE_INTERPRETED, data, n);
}

static void add_seeds(struct fuzz_corpus *corpus)
{
	static const uint8_t honest[] = { 4, 0, 3, 0, 1, 2, 4, 5, 0, 4, 0, 0, 3, 3, 1, 2, 1, 2, 5, 1 };
	for (uint8_t w = 0; w < world_count(); w++) {
		for (uint8_t step = 0; step < ARRAY_LEN(steps); step++) {
			uint8_t input[64] = { w, step & 1, 4 };
			size_t at = 3;
			memcpy(input + at, honest, sizeof honest);
			at += sizeof honest;
			for (uint8_t i = 0; i < 3; i++) {
				input[at++] = step;
				input[at++] = i;
				input[at++] = (uint8_t)(step * 3);
				input[at++] = (uint8_t)(128 + i); /* a large number */
				input[at++] = 1;
				input[at++] = 5;
			}
			fuzz_corpus_add(corpus, input, at);
		}
	}
}

const struct fuzz_target fuzz_target_hostile_compiled = {
	.name = "hostile_compiled",
	.one = run_compiled,
	.add_seeds = add_seeds,
	.bytes_max = 512,
	.n_runs = 1500,
};

const struct fuzz_target fuzz_target_hostile_interpreted = {
	.name = "hostile_interpreted",
	.one = run_interpreted,
	.add_seeds = add_seeds,
	.bytes_max = 512,
	.n_runs = 1500,
};
