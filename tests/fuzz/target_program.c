/* SPDX-License-Identifier: Apache-2.0
 *
 * target_program: a program's bytes, damaged: whatever program_check accepts can be used to the last index, by whoever views its channels and by
 * the collector that enters it. And the other segments at the moment at which somebody maps them.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/run/channel.h"
#include "engine/run/objects.h"
#include "engine/run/program_check.h"
#include "engine/run/ring.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/world.h"
#include "traces/store.h"

#define SLOTS_BYTES_MAX (1u << 20)

/* A view of every channel, at every slot. (What parameters mean to an op is checked before a program is made, and sealed in.) */
static void view_channels(const struct program *program, uint8_t *slots)
{
	struct channel_memory memory = { .shared = slots };
	size_t bytes = round_up(control_bytes(program->header->n_workers, 1), 64);
	void *control_memory = aligned_alloc(64, bytes);
	struct control control;
	FUZZ_CHECK(control_memory, "no memory");
	memset(control_memory, 0, bytes);
	control_init(control_memory, program->header->n_workers, 1, 1, &control);
	for (uint32_t i = 0; i < program->header->n_channels; i++) {
		struct channel channel;
		if (program->channels[i].transport != TRANSPORT_SHM)
			continue;
		FUZZ_CHECK(channel_init(&channel, program, i, &memory, control.header, NULL) == STATUS_OK, "channel %u", i);
		for (uint32_t k = 0; k < channel.depth && k < 1000; k++) {
			channel_advance(&channel);
			channel_publish(&channel, k, control.header);
		}
		if (channel.cursors)
			channel_look(&channel);
		channel_finish(&channel);
	}
	free(control_memory);
}

static void use(const struct program *program, bool has_store)
{
	struct store *store;
	struct error error = { 0 };
	bool is_small = program->header->slots_bytes <= SLOTS_BYTES_MAX;
	uint8_t *slots = is_small ? aligned_alloc(4096, program->header->slots_bytes + 4096) : NULL;
	if (slots)
		memset(slots, 0, program->header->slots_bytes);
	if (slots)
		view_channels(program, slots);
	free(slots);
	if (!has_store)
		return;
	FUZZ_CHECK(store_open(":memory:", false, &error, &store) == STATUS_OK, "%s", error.text);
	int status = store_begin_run(store, program, 1000, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	store_close(store);
}

static int check_program(const uint8_t *data, size_t n)
{
	struct program program;
	struct error error = { 0 };
	uint8_t *bytes = aligned_alloc(8, round_up(n, 8) + 8), *end = bytes + round_up(n, 8) + 8;
	FUZZ_CHECK(bytes, "no memory");
	bytes = end - round_up(n, 8); /* 8-byte aligned, and ends where the memory does */
	memcpy(bytes, data, n);
	int status = program_check(bytes, n, &program, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	uint8_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += data[i];
	if (status == STATUS_OK)
		use(&program, sum % 16 == 0); /* the store is slow */
	free(end - round_up(n, 8) - 8);
	return 0;
}

static void add_program_seeds(struct fuzz_corpus *corpus)
{
	for (unsigned i = 0; i < 2 * world_count(); i++) {
		const struct program *program = &world_get(i / 2, i % 2 ? RUN_MODE_INTERPRETED : RUN_MODE_COMPILED)->program;
		fuzz_corpus_add(corpus, program->header, program->mapping_bytes);
	}
}

static size_t repair_program(uint8_t *bytes, size_t n, size_t capacity)
{
	struct program_header *header = (struct program_header *)bytes;
	uint64_t magic = PROGRAM_MAGIC, size = n;
	uint32_t version = PROGRAM_VERSION, header_bytes = sizeof *header;
	if (n < sizeof *header)
		return n;
	memcpy(&header->magic, &magic, sizeof magic);
	memcpy(&header->version, &version, sizeof version);
	memcpy(&header->header_bytes, &header_bytes, sizeof header_bytes);
	memcpy(&header->total_bytes, &size, sizeof size);
	return n;
}

/* -- other segments ------------------------------------------------------------------------------------------------------ */

static void open_control(int fd)
{
	struct control control;
	struct control_wait_copy wait;
	struct error error = { 0 };
	int status = control_open(fd, &control, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	if (status != STATUS_OK)
		return;
	for (uint32_t i = 0; i < control.header->n_workers; i++)
		control_read_wait(&control.header->workers[i], &wait);
	control_cancelled(&control, 3);
	control_fail(&control, STATUS_OP, 1, 2, 3, "words");
	control_wake_all(&control);
	control_close(&control);
}

static void open_rings(int fd)
{
	struct rings rings;
	struct record records[8];
	struct error error = { 0 };
	int status = rings_open(fd, &rings, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	if (status != STATUS_OK)
		return;
	for (uint32_t i = 0; i < rings.n_rings; i++)
		ring_take(rings_get(&rings, i), rings.n_records, records, ARRAY_LEN(records));
	rings_close(&rings);
}

static void open_objects(int fd)
{
	struct objects objects;
	struct stat info;
	if (fstat(fd, &info) != 0 || !info.st_size)
		return;
	size_t bytes = (size_t)info.st_size;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return;
	if (objects_open(memory, bytes, &objects, NULL) == STATUS_OK) {
		uint64_t object = objects_allocate(&objects, 100, 0, 0, 0);
		if (object)
			memset(objects_data(&objects, object), 1, 100);
		objects_used_bytes(&objects, NULL);
	}
	munmap(memory, bytes);
}

static int open_segment(const uint8_t *data, size_t n)
{
	static void (*const openers[])(int fd) = { open_control, open_rings, open_objects };
	char path[32];
	if (n < 1)
		return 0;
	int fd = fuzz_memory_file(data + 1, n - 1, path);
	openers[data[0] % ARRAY_LEN(openers)](fd);
	close(fd);
	return 0;
}

static void add_segment(struct fuzz_corpus *corpus, uint8_t kind, const void *bytes, size_t n)
{
	uint8_t *input = malloc(n + 1);
	FUZZ_CHECK(input, "no memory");
	input[0] = kind;
	memcpy(input + 1, bytes, n);
	fuzz_corpus_add(corpus, input, n + 1);
	free(input);
}

static void add_segment_of(struct fuzz_corpus *corpus, uint8_t kind, int fd)
{
	struct stat info;
	FUZZ_CHECK(fstat(fd, &info) == 0, "no segment");
	void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
	FUZZ_CHECK(bytes != MAP_FAILED, "no segment");
	add_segment(corpus, kind, bytes, (size_t)info.st_size);
	munmap(bytes, (size_t)info.st_size);
	close(fd);
}

static void add_segment_seeds(struct fuzz_corpus *corpus)
{
	struct objects objects;
	int fd;
	FUZZ_CHECK(control_create(3, 4, 1, NULL, &fd) == STATUS_OK, "no control segment");
	add_segment_of(corpus, 0, fd);
	FUZZ_CHECK(rings_create(2, 16, NULL, &fd) == STATUS_OK, "no rings");
	add_segment_of(corpus, 1, fd);
	size_t bytes = objects_total_bytes(8192);
	void *memory = aligned_alloc(4096, bytes);
	FUZZ_CHECK(memory, "no memory");
	memset(memory, 0, bytes);
	objects_init(memory, bytes, true, &objects);
	objects_seal(&objects, objects_allocate(&objects, 100, 0, 0, 0), 0);
	add_segment(corpus, 2, memory, bytes);
	free(memory);
}

const struct fuzz_target fuzz_target_program = {
	.name = "program",
	.one = check_program,
	.add_seeds = add_program_seeds,
	.repair = repair_program,
	.bytes_max = 16384,
	.n_runs = 8000,
};

const struct fuzz_target fuzz_target_segments = {
	.name = "segments",
	.one = open_segment,
	.add_seeds = add_segment_seeds,
	.bytes_max = 49152,
	.n_runs = 8000,
};
