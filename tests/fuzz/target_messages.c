/* SPDX-License-Identifier: Apache-2.0
 *
 * target_messages: packets as the other end of a socket may send them: to driver or collector, and to an interpreting worker. An input is packets,
 * each with its length (16 bits) in front. (Answers of workers to the driver: target_hostile.)
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/ops/ops.h"
#include "engine/run/collect.h"
#include "engine/run/interpreter.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/world.h"

#define STORE_BYTES 65536
#define PACKETS_MAX 64

/* Sends every packet of the input; returns how many. */
static uint64_t send_packets(const uint8_t *data, size_t n, int fd)
{
	uint64_t n_sent = 0;
	while (n >= 2 && n_sent < PACKETS_MAX) {
		size_t length = data[0] | (size_t)data[1] << 8;
		data += 2;
		n -= 2;
		length = length < n ? length : n;
		if (length && send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)length)
			n_sent++;
		data += length;
		n -= length;
	}
	return n_sent;
}

static int receive_collect(const uint8_t *data, size_t n)
{
	struct collect_message message;
	struct error error = { 0 };
	char *text = malloc(COLLECT_TEXT_BYTES_MAX + 1);
	int fds[2], status = STATUS_OK;
	FUZZ_CHECK(text && task_connect(&error, fds) == STATUS_OK, "%s", error.text);
	send_packets(data, n, fds[0]);
	while (status == STATUS_OK || status == STATUS_PROTOCOL) {
		status = collect_receive(fds[1], &message, text, &error);
		if (status != STATUS_OK)
			continue;
		FUZZ_CHECK(strnlen(text, COLLECT_TEXT_BYTES_MAX + 1) <= message.text_bytes, "a text of more than %u bytes",
			message.text_bytes);
		FUZZ_CHECK(message.kind >= COLLECT_READY && message.kind <= COLLECT_SAVED, "kind %u", message.kind);
		FUZZ_CHECK(message.status < STATUS_COUNT, "status %u", message.status);
	}
	FUZZ_CHECK(status == STATUS_AGAIN, "%s: %s", status_word(status), error.text);
	close(fds[0]);
	close(fds[1]);
	free(text);
	return 0;
}

static void add_packet(uint8_t *bytes, size_t *n, const void *packet, size_t n_packet)
{
	bytes[*n] = (uint8_t)n_packet;
	bytes[*n + 1] = (uint8_t)(n_packet >> 8);
	memcpy(bytes + *n + 2, packet, n_packet);
	*n += 2 + n_packet;
}

static void add_collect_seeds(struct fuzz_corpus *corpus)
{
	uint8_t bytes[1024], packet[200];
	size_t n = 0;
	for (uint16_t kind = COLLECT_READY; kind <= COLLECT_SAVED; kind++) {
		struct collect_message message = { .version = COLLECT_VERSION, .kind = kind, .node = 1, .time_ns = 1000, .text_bytes = 5 };
		memcpy(packet, &message, sizeof message);
		memcpy(packet + sizeof message, "words", 5);
		add_packet(bytes, &n, packet, sizeof message + 5);
		fuzz_corpus_add(corpus, bytes, n);
	}
}

/* -- a worker ------------------------------------------------------------------------------------------------------------ */

struct worker {
	const struct world *world;
	struct control control;
	void *control_memory;
	uint8_t *memory;
	size_t bytes;
	struct objects objects;
	struct interpreter interpreter;
	int fds[2];
};

static void make_worker(struct worker *worker, const struct world *world, uint32_t idx)
{
	struct error error = { 0 };
	struct recorder_policy policy = { .end = UINT64_MAX, .every = 1 };
	uint32_t n_workers = world->program.header->n_workers, node;
	size_t control_size = round_up(control_bytes(n_workers, 4), 64), bells = task_bells_bytes(n_workers);
	*worker = (struct worker){ .world = world, .bytes = bells + STORE_BYTES };
	worker->control_memory = aligned_alloc(64, control_size);
	worker->memory = aligned_alloc(4096, worker->bytes);
	FUZZ_CHECK(worker->control_memory && worker->memory && task_connect(&error, worker->fds) == STATUS_OK, "%s", error.text);
	memset(worker->control_memory, 0, control_size);
	memset(worker->memory, 0, worker->bytes);
	control_init(worker->control_memory, n_workers, 4, 1, &worker->control);
	objects_init(worker->memory + bells, STORE_BYTES, true, &worker->objects);
	struct interpreter_peer peer = { worker->memory, worker->bytes, worker->fds[1] };
	FUZZ_CHECK(interpreter_init(&worker->interpreter, &world->program, &worker->control, idx, &peer, NULL, &policy, &ops_builtin,
		&node, &error) == STATUS_OK, "%s", error.text);
}

static void destroy_worker(struct worker *worker)
{
	interpreter_finish(&worker->interpreter);
	close(worker->fds[0]);
	close(worker->fds[1]);
	free(worker->control_memory);
	free(worker->memory);
}

/* Sealed objects that inputs may name. */
static void make_objects(struct worker *worker)
{
	for (int i = 0; i < 8; i++) {
		uint64_t object = objects_allocate(&worker->objects, 128, 0, 0, 0);
		FUZZ_CHECK(object, "no room for object %d", i);
		objects_seal(&worker->objects, object, 4);
	}
}

static int receive_tasks(const uint8_t *data, size_t n)
{
	struct fuzz_reader reader = { data, data + n };
	const struct world *world = world_get(fuzz_read_u8(&reader), RUN_MODE_INTERPRETED);
	struct worker worker;
	struct error error = { 0 };
	make_worker(&worker, world, 1 + fuzz_read_u8(&reader) % (world->program.header->n_workers - 1));
	make_objects(&worker);
	uint64_t n_sent = send_packets(reader.at, (size_t)(reader.end - reader.at), worker.fds[0]);
	atomic_store(&worker.interpreter.bells->workers[worker.interpreter.executor.worker_idx].tasks, n_sent);
	atomic_store(&worker.control.header->state, CONTROL_STOPPING);
	int status = interpreter_run(&worker.interpreter, &error);
	FUZZ_CHECK(status == STATUS_STOPPED || (status == STATUS_PROTOCOL && error.text[0]), "%s: %s", status_word(status), error.text);
	destroy_worker(&worker);
	return 0;
}

/* One right task for every node of a worker, alone and together. */
static void add_task_seeds(struct fuzz_corpus *corpus)
{
	for (unsigned w = 0; w < world_count(); w++) {
		const struct graph *graph = world_get(w, RUN_MODE_INTERPRETED)->graph;
		for (int i = GRAPH_OUTPUT + 1; i < graph->n_nodes; i++) {
			const struct graph_node *node = &graph->nodes[i];
			uint8_t bytes[2048];
			size_t n = 0;
			struct task_outbox outbox = { 0 };
			struct task_message *message = task_outbox_add(&outbox, (uint32_t)node->n_inputs);
			FUZZ_CHECK(message, "no memory");
			message->node = (uint32_t)i;
			message->word = PROGRAM_NONE;
			message->execution = message->time = message->own_time = 0;
			for (int k = 0; k < node->n_inputs; k++) {
				const struct graph_edge *edge = &graph->edges[node->input_edges[k]];
				struct tensor tensor = type_bound_tensor(&graph->nodes[edge->src].outputs[edge->src_output], &graph->symbols);
				uint64_t object = round_up(sizeof(struct objects_header), 4096) + 64 + 192 * (uint64_t)k;
				task_value_set(&message->values[k], object, &tensor);
			}
			bytes[n++] = (uint8_t)w;
			bytes[n++] = (uint8_t)(node->worker_idx - 1);
			add_packet(bytes, &n, message, message->bytes);
			fuzz_corpus_add(corpus, bytes, n);
			add_packet(bytes, &n, message, message->bytes);
			fuzz_corpus_add(corpus, bytes, n);
			task_outbox_finish(&outbox);
		}
	}
}

const struct fuzz_target fuzz_target_collect = {
	.name = "collect",
	.one = receive_collect,
	.add_seeds = add_collect_seeds,
	.bytes_max = 8192,
	.n_runs = 15000,
};

const struct fuzz_target fuzz_target_task = {
	.name = "task",
	.one = receive_tasks,
	.add_seeds = add_task_seeds,
	.bytes_max = 4096,
	.n_runs = 12000,
};
