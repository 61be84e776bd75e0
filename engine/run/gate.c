/* SPDX-License-Identifier: Apache-2.0
 *
 * gate: layout of the segment, and the debugger's side.
 */
#include "engine/run/gate_private.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 4096

static const char *const place_phrases[GATE_PLACES] = {
#define X(name, phrase) [GATE_##name] = phrase,
	GATE_PLACE_MAP(X)
#undef X
};

const char *gate_place_phrase(enum gate_place place)
{
	return place < GATE_PLACES ? place_phrases[place] : "?";
}

/* -- layout ----------------------------------------------------------------------------------------------------------- */

/* Fills in offsets and sizes from what the header says of the program, of control_bytes and of history_bytes. */
static void lay_out(struct gates_header *header)
{
	header->flags = round_up(sizeof *header + header->n_workers * sizeof(struct gate_worker), CACHE_LINE_BYTES);
	header->poison = round_up(header->flags + header->n_nodes, CACHE_LINE_BYTES);
	header->frozen_control = round_up(header->poison + header->n_counters * sizeof(uint32_t), PAGE_BYTES);
	header->histories = round_up(header->frozen_control + header->control_bytes, PAGE_BYTES);
	header->total_bytes = round_up(header->histories + header->n_workers * header->history_bytes, PAGE_BYTES);
}

static uint32_t count_counters(const struct program *program)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < program->header->n_channels && program->header->mode == RUN_MODE_COMPILED; i++)
		n += program->channels[i].storage == i ? program->channels[i].depth : 0;
	return n;
}

int gates_create(const struct program *program, const int fds[3], uint64_t history_bytes, bool poisons, struct error *error, int *ret_fd)
{
	struct gates_header header = { .magic = GATES_MAGIC, .version = GATES_VERSION, .n_workers = program->header->n_workers,
		.n_nodes = program->header->n_nodes, .poisons = poisons, .n_counters = poisons ? count_counters(program) : 0,
		.history_bytes = history_bytes / program->header->n_workers / sizeof(struct gate_entry) * sizeof(struct gate_entry) };
	for (int i = 0; i < 3; i++) {
		struct stat file;
		if (fstat(fds[i], &file) < 0)
			return error_set_errno(error, STATUS_SYSTEM, "cannot read a segment of the run");
		header.inodes[i] = file.st_ino;
		if (i == 1)
			header.control_bytes = (uint64_t)file.st_size;
	}
	lay_out(&header);
	int fd = memfd_create("tandem-gates", MFD_CLOEXEC);
	if (fd < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot create the gates segment");
	if (ftruncate(fd, (off_t)header.total_bytes) < 0
		|| pwrite(fd, &header, offsetof(struct gates_header, events), 0) != offsetof(struct gates_header, events)) {
		int status = error_set_errno(error, STATUS_NO_MEMORY, "cannot make the gates segment (%llu bytes)",
			(unsigned long long)header.total_bytes);
		close(fd);
		return status;
	}
	*ret_fd = fd;
	return STATUS_OK;
}

static bool is_sound(const struct gates_header *header, uint64_t mapping_bytes, const struct program *program)
{
	if (header->magic != GATES_MAGIC || header->version != GATES_VERSION || header->n_workers != program->header->n_workers
		|| header->n_nodes != program->header->n_nodes || header->control_bytes > mapping_bytes
		|| header->n_counters != (header->poisons ? count_counters(program) : 0) || header->history_bytes % sizeof(struct gate_entry)
		|| header->history_bytes > mapping_bytes)
		return false;
	struct gates_header expected = { .n_workers = header->n_workers, .n_nodes = header->n_nodes, .n_counters = header->n_counters,
		.control_bytes = header->control_bytes, .history_bytes = header->history_bytes };
	lay_out(&expected);
	return expected.total_bytes == mapping_bytes && header->total_bytes == mapping_bytes && header->flags == expected.flags
		&& header->poison == expected.poison && header->frozen_control == expected.frozen_control
		&& header->histories == expected.histories;
}

/* Who reads what, for --poison: data edges over all channels of a storage. */
static struct gate_readers *count_readers(const struct program *program)
{
	uint32_t n = program->header->n_channels, first = 0;
	struct gate_readers *readers = calloc((size_t)n + 1, sizeof *readers);
	for (uint32_t i = 0; readers && i < n; i++) {
		const struct program_channel *channel = &program->channels[i];
		readers[i].first = first;
		first += channel->storage == i ? channel->depth : 0;
		if (channel->output != PROGRAM_NONE)
			readers[channel->storage].n += channel->readers.n;
	}
	return readers;
}

int gates_open(int fd, const struct program *program, void *slots, size_t slots_bytes, struct gates *ret_gates, struct error *error)
{
	struct stat file;
	if (fstat(fd, &file) < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot read the gates segment");
	size_t bytes = (size_t)file.st_size;
	if (bytes < sizeof(struct gates_header))
		return error_set(error, STATUS_PROTOCOL, "the gates segment is too small (%zu bytes)", bytes);
	uint8_t *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (base == MAP_FAILED)
		return error_set_errno(error, STATUS_NO_MEMORY, "cannot map the gates segment (%zu bytes)", bytes);
	struct gates_header *header = (struct gates_header *)base;
	if (!is_sound(header, bytes, program)) {
		munmap(base, bytes);
		return error_set(error, STATUS_PROTOCOL, "the gates segment has another layout than this program");
	}
	*ret_gates = (struct gates){ .header = header, .base = base, .flags = (_Atomic uint8_t *)(base + header->flags),
		.counters = (_Atomic uint32_t *)(base + header->poison), .slots = slots, .slots_bytes = slots ? slots_bytes : 0,
		.mapping_bytes = bytes, .n_workers = header->n_workers, .n_nodes = header->n_nodes,
		.history_bytes = header->history_bytes, .control_bytes = header->control_bytes,
		.histories = base + header->histories, .frozen_control = base + header->frozen_control };
	if (header->n_counters && !(ret_gates->readers = count_readers(program))) {
		gates_close(ret_gates);
		return error_set(error, STATUS_NO_MEMORY, "no memory for the readers of slots");
	}
	return STATUS_OK;
}

void gates_close(struct gates *gates)
{
	if (gates->base)
		munmap(gates->base, gates->mapping_bytes);
	free(gates->readers);
	*gates = (struct gates){ 0 };
}

/* -- events and letting go -------------------------------------------------------------------------------------------- */

static void wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void gates_announce(struct gates *gates)
{
	struct gates_header *header = gates->header;
	atomic_fetch_add(&header->events, 1);
	if (atomic_load(&header->is_attached))
		wake(&header->events);
}

void gate_let_go(struct gates *gates, uint32_t worker)
{
	struct gate_worker *self = gate_worker(gates, worker);
	atomic_fetch_add(&self->go, 1);
	wake(&self->go);
}

void gates_wake_all(struct gates *gates)
{
	for (uint32_t i = 0; i < gates->n_workers; i++) {
		if (atomic_load(&gate_worker(gates, i)->state) == GATE_STOPPED)
			gate_let_go(gates, i);
	}
	gates_announce(gates);
}

/* A process that is about to stand at its gate looks at `attention` again after it said so (gate_worker.c), and waits only for a change of `go`
 * that comes after. So whoever decided to stop by flags that are forgotten here either sees that the gates are off, or is let go. */
void gates_release(struct gates *gates, struct control *control)
{
	atomic_fetch_and(&control->header->attention, ~(uint32_t)CONTROL_ATTENTION_GATES);
	for (uint32_t i = 0; i < gates->n_nodes; i++)
		atomic_store_explicit(&gates->flags[i], 0, memory_order_relaxed);
	for (uint32_t i = 0; i < gates->n_workers; i++)
		atomic_store(&gate_worker(gates, i)->steps, GATE_STEPS_NONE);
	atomic_store(&gates->header->from_execution, 0);
	for (uint32_t i = 0; i < gates->n_workers; i++)
		gate_let_go(gates, i);
}

bool gates_are_held(const struct gates *gates)
{
	bool is_held = false;
	for (uint32_t i = 0; i < gates->n_workers; i++)
		is_held = is_held || atomic_load_explicit(&gate_worker(gates, i)->state, memory_order_acquire) == GATE_STOPPED;
	return is_held;
}

uint32_t gates_wait(const struct gates *gates, uint32_t seen, int64_t timeout_ns)
{
	_Atomic uint32_t *events = &gates->header->events;
	int64_t end = clock_now().ns + timeout_ns;
	for (;;) {
		uint32_t now = atomic_load(events);
		int64_t left = end - clock_now().ns;
		if (now != seen || left <= 0)
			return now;
		struct timespec timeout = { .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
		syscall(SYS_futex, events, FUTEX_WAIT, seen, &timeout, NULL, 0);
	}
}

/* -- looking ---------------------------------------------------------------------------------------------------------- */

bool gate_tensor_is_sound(const struct gate_tensor *tensor, uint64_t area_bytes)
{
	if (tensor->dtype >= DTYPE_COUNT || tensor->n_dims > TENSOR_DIMS_MAX)
		return false;
	uint64_t bytes = dtype_bytes((enum dtype)tensor->dtype);
	for (uint32_t i = 0; i < tensor->n_dims; i++) {
		if (__builtin_mul_overflow(bytes, tensor->dims[i], &bytes))
			return false;
	}
	return bytes == tensor->bytes && (tensor->offset == GATE_NOWHERE || (tensor->offset <= area_bytes && bytes <= area_bytes - tensor->offset));
}

bool gate_read_stop(const struct gates *gates, const struct program *program, uint32_t worker, struct gate_stop *ret_stop,
	uint32_t *ret_n_stops)
{
	const struct gate_worker *self = gate_worker(gates, worker);
	uint32_t n_stops = atomic_load_explicit(&self->n_stops, memory_order_acquire);
	if (atomic_load_explicit(&self->state, memory_order_acquire) != GATE_STOPPED)
		return false;
	*ret_stop = self->stop;
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&self->state, memory_order_relaxed) != GATE_STOPPED
		|| atomic_load_explicit(&self->n_stops, memory_order_relaxed) != n_stops
		|| ret_stop->place >= GATE_PLACES || ret_stop->node >= program->header->n_nodes)
		return false;
	if (ret_stop->n_inputs > ARRAY_LEN(ret_stop->tensors))
		ret_stop->n_inputs = ARRAY_LEN(ret_stop->tensors);
	if (ret_stop->n_outputs > ARRAY_LEN(ret_stop->tensors) - ret_stop->n_inputs)
		ret_stop->n_outputs = (uint32_t)ARRAY_LEN(ret_stop->tensors) - ret_stop->n_inputs;
	for (uint32_t i = 0; i < ret_stop->n_inputs + ret_stop->n_outputs; i++) {
		if (!gate_tensor_is_sound(&ret_stop->tensors[i], gates->slots_bytes))
			ret_stop->tensors[i] = (struct gate_tensor){ .offset = GATE_NOWHERE };
	}
	*ret_n_stops = n_stops;
	return true;
}
