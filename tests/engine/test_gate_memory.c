/* SPDX-License-Identifier: Apache-2.0
 *
 * test_gate_memory: gates without processes: a program's segments in this one, threads in place of processes. The history, a segment that others
 * wrote over, poison.
 */
#include "engine/run/gate.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/graph/graph_dot.h"
#include "engine/graph/plan_check.h"
#include "engine/graph/slot.h"
#include "engine/ops/ops.h"

#define HISTORY_BYTES 8192 /* of one process */

#define W0 "subgraph cluster_0 { worker=w0; device=\"cpu:0\"; "
#define W1 "subgraph cluster_1 { worker=w1; device=\"cpu:1\"; "

static const char chain_text[] = "digraph g { input [tensors=\"x:f32[N<=64]\"]; " W0 "a [op=copy]; b [op=touch]; } " W1
	"c [op=identity]; d [op=touch]; } input -> a -> b -> c -> d -> output; }";
static const char short_text[] = "digraph g { input [tensors=\"x:f32[N<=64]\"]; " W0 "a [op=copy]; } input -> a -> output; }";

/* -- history ---------------------------------------------------------------------------------------------------------- */

struct memory {
	struct program program;
	struct plan *plan;
	struct graph *graph;
	struct control control;
	struct gates gates;
	struct recorder recorder;
	uint8_t *slots;
	int fds[3], gates_fd;
};

static void open_plan(struct memory *memory, const char *text)
{
	struct mistakes mistakes = MISTAKES_INIT;
	struct graph_settings settings = { 0 };
	struct plan_options plan_options = { .in_flight = 2 };
	struct error error = { 0 };
	struct strbuf why = STRBUF_INIT;
	int status = graph_dot_parse("gate.dot", text, &settings, &mistakes, &memory->graph);
	if (status == STATUS_OK)
		status = graph_resolve(memory->graph, &ops_builtin, &mistakes);
	mistakes_print(&mistakes, "gate.dot", &why);
	cr_assert_eq(status, STATUS_OK, "%s", strbuf_text(&why));
	cr_assert_eq(plan_compile(memory->graph, &plan_options, NULL, &error, &memory->plan), STATUS_OK, "%s", error.text);
	strbuf_finish(&why);
	mistakes_finish(&mistakes);
}

/* A program, its segments and gates without processes. */
static void open_memory(struct memory *memory, const char *text, bool poisons)
{
	struct program_options options = { .n_threads = 1 };
	struct error error = { 0 };
	*memory = (struct memory){ .gates_fd = -1 };
	open_plan(memory, text);
	cr_assert_eq(program_build(memory->plan, &options, &error, &memory->fds[0]), STATUS_OK, "%s", error.text);
	cr_assert_eq(program_open(memory->fds[0], &memory->program, &error), STATUS_OK, "%s", error.text);
	cr_assert_eq(control_create(memory->program.header->n_workers, 2, 2, &error, &memory->fds[1]), STATUS_OK, "%s", error.text);
	cr_assert_eq(control_open(memory->fds[1], &memory->control, &error), STATUS_OK, "%s", error.text);
	memory->fds[2] = memfd_create("slots", MFD_CLOEXEC);
	size_t bytes = memory->program.header->slots_bytes;
	cr_assert_eq(ftruncate(memory->fds[2], (off_t)bytes), 0);
	memory->slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fds[2], 0);
	uint64_t history_bytes = HISTORY_BYTES * memory->program.header->n_workers;
	cr_assert_eq(gates_create(&memory->program, memory->fds, history_bytes, poisons, &error, &memory->gates_fd), STATUS_OK, "%s", error.text);
	cr_assert_eq(gates_open(memory->gates_fd, &memory->program, memory->slots, bytes, &memory->gates, &error), STATUS_OK, "%s", error.text);
}

static void close_memory(struct memory *memory)
{
	gates_close(&memory->gates);
	munmap(memory->slots, memory->program.header->slots_bytes);
	control_close(&memory->control);
	program_close(&memory->program);
	plan_destroy(memory->plan);
	graph_destroy(memory->graph);
	for (int i = 0; i < 3; i++)
		close(memory->fds[i]);
	close(memory->gates_fd);
}

static void keep(struct memory *memory, uint64_t execution, int64_t n_elements, uint8_t flags)
{
	static float data[4096];
	struct tensor tensor = tensor_make(DTYPE_F32, 1, &n_elements, data);
	struct gate_point point = { .place = GATE_AFTER, .node = 2, .execution = execution, .n_outputs = 1, .outputs = &tensor };
	for (int64_t i = 0; i < n_elements; i++)
		data[i] = (float)(execution + (uint64_t)i);
	atomic_store(&memory->gates.flags[2], flags);
	cr_assert_eq(gate_pass(&memory->gates, &memory->control, 1, &memory->recorder, &point), STATUS_OK);
}

Test(gate_history, wraps_and_keeps_the_newest_in_order)
{
	struct memory memory;
	open_memory(&memory, chain_text, false);
	for (uint64_t k = 0; k < 300; k++) {
		int64_t n = 1 + (int64_t)(k * 37 % 500);
		keep(&memory, k, n, GATE_KEEP);
		uint64_t position = 0, expected = UINT64_MAX, n_entries = 0;
		struct gate_entry entry;
		const void *data;
		while (gate_history_next(&memory.gates, 1, &position, &entry, &data)) {
			cr_assert(expected == UINT64_MAX || entry.execution == expected, "%d, expected %d", (int)entry.execution, (int)expected);
			expected = entry.execution + 1;
			n_entries++;
			cr_assert_not_null(data);
			cr_assert_eq(*(const float *)data, (float)entry.execution);
			cr_assert_eq(gate_digest(data, entry.tensor.bytes), entry.digest, "execution %d", (int)entry.execution);
			cr_assert(gate_entry_is_sound(&memory.gates, 1, &entry));
		}
		cr_assert_eq(expected, k + 1, "the newest is %d, expected %d", (int)expected - 1, (int)k);
		cr_assert(n_entries >= (k < 3 ? k + 1 : 3), "%d entries after %d", (int)n_entries, (int)k);
	}
	close_memory(&memory);
}

Test(gate_history, an_entry_that_is_overwritten_is_no_longer_sound)
{
	struct memory memory;
	struct gate_entry entry;
	const void *data;
	uint64_t position = 0;
	open_memory(&memory, chain_text, false);
	keep(&memory, 7, 100, GATE_KEEP);
	cr_assert(gate_history_next(&memory.gates, 1, &position, &entry, &data));
	for (uint64_t k = 8; k < 8 + HISTORY_BYTES / 512 - 1; k++) {
		cr_expect(gate_entry_is_sound(&memory.gates, 1, &entry), "after execution %d", (int)k - 1);
		keep(&memory, k, 96, GATE_KEEP);
	}
	keep(&memory, 99, 96, GATE_KEEP);
	cr_expect_not(gate_entry_is_sound(&memory.gates, 1, &entry));
	close_memory(&memory);
}

Test(gate_history, digests_and_what_is_too_large_come_without_data)
{
	struct memory memory;
	struct gate_entry entry;
	const void *data;
	uint64_t position = 0, digest;
	open_memory(&memory, chain_text, false);
	keep(&memory, 1, 100, GATE_KEEP);
	keep(&memory, 1, 100, GATE_DIGEST);
	keep(&memory, 1, 4000, GATE_KEEP);
	cr_assert(gate_history_next(&memory.gates, 1, &position, &entry, &data) && data);
	digest = entry.digest;
	cr_assert(gate_history_next(&memory.gates, 1, &position, &entry, &data));
	cr_expect_null(data);
	cr_expect_eq(entry.digest, digest);
	cr_assert(gate_history_next(&memory.gates, 1, &position, &entry, &data));
	cr_expect_null(data);
	cr_expect_eq(entry.tensor.bytes, 16000, "%d", (int)entry.tensor.bytes);
	cr_expect_neq(entry.digest, digest);
	close_memory(&memory);
}

Test(gate_history, a_failure_is_an_entry_between_others)
{
	struct memory memory;
	struct gate_entry entry;
	const void *data;
	uint64_t position = 0;
	struct gate_point failed = { .place = GATE_AFTER, .node = 2, .failure = 5, .execution = 2 };
	open_memory(&memory, chain_text, false);
	keep(&memory, 1, 4, GATE_KEEP);
	cr_assert_eq(gate_pass(&memory.gates, &memory.control, 1, &memory.recorder, &failed), STATUS_OK);
	keep(&memory, 3, 4, GATE_KEEP);
	for (uint64_t k = 1; k <= 3; k++) {
		cr_assert(gate_history_next(&memory.gates, 1, &position, &entry, &data), "execution %d is not there", (int)k);
		cr_expect_eq(entry.execution, k);
		cr_expect_eq(entry.failure, k == 2 ? 5 : 0, "%u", entry.failure);
		cr_expect_eq(data == NULL, k == 2);
	}
	close_memory(&memory);
}

Test(gate_history, a_digest_tells_apart)
{
	uint8_t bytes[100] = { 0 };
	uint64_t seen[201];
	int n = 0;
	for (size_t length = 0; length <= 100; length++)
		seen[n++] = gate_digest(bytes, length);
	for (int i = 0; i < 100; i++) {
		bytes[i] ^= 1;
		seen[n++] = gate_digest(bytes, 100);
		bytes[i] ^= 1;
	}
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < i; k++)
			cr_expect_neq(seen[i], seen[k], "%d and %d", i, k);
	}
	cr_expect_eq(gate_digest(bytes, 100), seen[100]);
}

struct reading {
	struct memory *memory;
	_Atomic int is_over;
	uint64_t n_sound;
};

/* While the other thread writes: what is found sound after it was read must be right. */
static void *read_on(void *argument)
{
	struct reading *reading = argument;
	while (!atomic_load(&reading->is_over)) {
		uint64_t position = 0;
		struct gate_entry entry;
		const void *data;
		static float copy[4096];
		while (gate_history_next(&reading->memory->gates, 1, &position, &entry, &data)) {
			memcpy(copy, data, entry.tensor.bytes);
			if (!gate_entry_is_sound(&reading->memory->gates, 1, &entry))
				continue;
			reading->n_sound++;
			cr_assert_eq(gate_digest(copy, entry.tensor.bytes), entry.digest, "execution %d", (int)entry.execution);
		}
	}
	return NULL;
}

Test(gate_history, what_is_sound_is_right_while_it_is_written, .timeout = 60)
{
	struct memory memory;
	pthread_t thread;
	open_memory(&memory, chain_text, false);
	struct reading reading = { .memory = &memory };
	pthread_create(&thread, NULL, read_on, &reading);
	for (uint64_t k = 0; k < 40000; k++)
		keep(&memory, k, 1 + (int64_t)(k * 37 % 700), GATE_KEEP);
	atomic_store(&reading.is_over, 1);
	pthread_join(thread, NULL);
	cr_expect_gt(reading.n_sound, 0);
	close_memory(&memory);
}

/* -- a segment that others wrote over --------------------------------------------------------------------------------- */

Test(gate, a_stop_that_makes_no_sense_points_nowhere)
{
	struct memory memory;
	struct gate_stop stop;
	uint32_t n_stops;
	open_memory(&memory, chain_text, false);
	struct gate_worker *worker = gate_worker(&memory.gates, 1);
	worker->stop = (struct gate_stop){ .node = 3, .n_inputs = 1000, .n_outputs = 1000 };
	worker->stop.tensors[0] = (struct gate_tensor){ .dtype = DTYPE_F32, .n_dims = 1, .dims = { 4 }, .bytes = 16, .offset = 64 };
	worker->stop.tensors[1] = worker->stop.tensors[2] = worker->stop.tensors[3] = worker->stop.tensors[4] = worker->stop.tensors[0];
	worker->stop.tensors[1].offset = memory.gates.slots_bytes - 15;
	worker->stop.tensors[2].n_dims = 7;
	worker->stop.tensors[3].dtype = 77;
	worker->stop.tensors[4].bytes = 17;
	cr_expect_not(gate_read_stop(&memory.gates, &memory.program, 1, &stop, &n_stops));
	atomic_store(&worker->state, GATE_STOPPED);
	cr_assert(gate_read_stop(&memory.gates, &memory.program, 1, &stop, &n_stops));
	cr_expect_leq(stop.n_inputs + stop.n_outputs, ARRAY_LEN(stop.tensors));
	cr_expect_eq(stop.tensors[0].offset, 64);
	for (int i = 1; i < 5; i++)
		cr_expect_eq(stop.tensors[i].offset, GATE_NOWHERE, "tensor %d", i);
	worker->stop.node = 1000;
	cr_expect_not(gate_read_stop(&memory.gates, &memory.program, 1, &stop, &n_stops));
	close_memory(&memory);
}

Test(gate, a_segment_of_another_program_is_refused)
{
	struct memory memory, other;
	struct gates gates;
	struct error error;
	open_memory(&memory, chain_text, false);
	open_memory(&other, short_text, false);
	cr_expect_eq(gates_open(memory.gates_fd, &other.program, NULL, 0, &gates, &error), STATUS_PROTOCOL);
	uint64_t magic = 1;
	cr_assert_eq(pwrite(memory.gates_fd, &magic, sizeof magic, 0), sizeof magic);
	cr_expect_eq(gates_open(memory.gates_fd, &memory.program, NULL, 0, &gates, &error), STATUS_PROTOCOL);
	close_memory(&memory);
	close_memory(&other);
}

/* -- poison ----------------------------------------------------------------------------------------------------------- */

Test(gate_poison, the_last_reader_of_a_slot_fills_it)
{
	/* `a` is read by b, c and the result; f forwards it to d */
	static const char text[] = "digraph g { input [tensors=\"x:f32[4]\"]; " W0 "a [op=copy]; b [op=copy]; f [op=identity]; d [op=copy]; } " W1
		"c [op=add]; } input -> a; a -> b; a -> f; f -> d; a -> c [arg=0]; a -> c [arg=1]; a -> output [arg=same]; b -> output; "
		"c -> output; d -> output; }";
	static const char *const readers[] = { "d", "b", "c", "output", "f" };
	struct memory memory;
	open_memory(&memory, text, true);
	const struct program *program = &memory.program;
	for (uint64_t k = 0; k < 6; k++) {
		uint32_t idx = 0;
		while (strcmp(program_string(program, program->nodes[program->channels[idx].node].name), "a"))
			idx++;
		const struct program_channel *storage = &program->channels[program->channels[idx].storage];
		uint8_t *slot = memory.slots + storage->slots_offset + k % storage->depth * storage->slot_bytes;
		struct slot_header *header = (struct slot_header *)(slot + storage->slot_bytes - sizeof *header);
		header->dims[0] = 4;
		memset(slot, 0, 16);
		for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
			uint32_t node = 0;
			while (strcmp(program_string(program, program->nodes[node].name), readers[i]))
				node++;
			cr_expect_eq(*(uint32_t *)slot, 0, "execution %d, before %s", (int)k, readers[i]);
			gate_poison(&memory.gates, program, node, k, memory.slots);
		}
		for (int i = 0; i < 4; i++)
			cr_expect_eq(((uint32_t *)slot)[i], GATE_POISON, "execution %d, word %d: %x", (int)k, i, ((uint32_t *)slot)[i]);
		cr_expect(isnan(*(float *)slot));
		cr_expect_eq(header->dims[0], 4);
	}
	close_memory(&memory);
}
