/* SPDX-License-Identifier: Apache-2.0
 *
 * target_objects: one process uses an object store as it should while another, the input, writes over it. Whatever is handed out lies inside.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/run/objects.h"
#include "tests/fuzz/targets.h"
#include "tests/fuzz/world.h"

#define STORE_BYTES 32768
#define HELD_MAX 16

struct user {
	struct objects objects;
	uint8_t *memory;
	size_t bytes;
	struct fuzz_reader reader;
	struct held {
		uint64_t object, bytes;
		uint32_t refs; /* 0: open */
	} held[HELD_MAX];
};

static void allocate(struct user *user)
{
	struct held *held = &user->held[fuzz_read_u8(&user->reader) % HELD_MAX];
	uint64_t bytes = fuzz_read_u16(&user->reader) % 3000, object = held->object ? 0 : objects_allocate(&user->objects, bytes, 2, 0, 1);
	if (!object)
		return;
	*held = (struct held){ object, bytes, 0 };
	memset(objects_data(&user->objects, object), 0x55, bytes);
}

static void seal(struct user *user)
{
	struct held *held = &user->held[fuzz_read_u8(&user->reader) % HELD_MAX];
	uint32_t refs = fuzz_read_u8(&user->reader) % 3;
	if (!held->object || held->refs)
		return;
	objects_seal(&user->objects, held->object, refs);
	*held = (struct held){ refs ? held->object : 0, held->bytes, refs };
}

static void release(struct user *user)
{
	struct held *held = &user->held[fuzz_read_u8(&user->reader) % HELD_MAX];
	if (!held->object || !held->refs)
		return;
	objects_release(&user->objects, held->object);
	if (--held->refs == 0)
		held->object = 0;
}

static void take_over(struct user *user)
{
	struct held *held = &user->held[fuzz_read_u8(&user->reader) % HELD_MAX];
	uint64_t bytes = fuzz_read_number(&user->reader);
	if (!held->object || held->refs != 1 || !objects_take_over(&user->objects, held->object, bytes, 3, 0, 2))
		return;
	held->refs = 0;
	held->bytes = bytes;
	memset(objects_data(&user->objects, held->object), 0x66, bytes);
}

static void look(struct user *user)
{
	struct strbuf text = STRBUF_INIT;
	struct error error;
	uint32_t n;
	objects_used_bytes(&user->objects, &n);
	objects_describe_holders(&user->objects, &world_get(0, RUN_MODE_INTERPRETED)->program, 3, &text);
	objects_report_full(&user->objects, &world_get(0, RUN_MODE_INTERPRETED)->program, 100, 0, &error);
	strbuf_finish(&text);
}

/* A number of 8 bytes anywhere: mostly where headers are. */
static void write_over(struct user *user)
{
	size_t at = fuzz_read_u16(&user->reader) * 8u % user->bytes;
	uint64_t number = fuzz_read_number(&user->reader);
	memcpy(user->memory + at, &number, sizeof number);
}

static int fuzz_one(const uint8_t *data, size_t n)
{
	static void (*const steps[])(struct user *user) = { allocate, allocate, seal, seal, release, take_over, look, write_over };
	struct user user = { .reader = { data, data + n }, .bytes = objects_total_bytes(STORE_BYTES) };
	user.memory = aligned_alloc(4096, user.bytes);
	FUZZ_CHECK(user.memory, "no memory");
	memset(user.memory, 0, user.bytes);
	objects_init(user.memory, user.bytes, fuzz_read_u8(&user.reader) & 1, &user.objects);
	while (!fuzz_reader_is_empty(&user.reader))
		steps[fuzz_read_u8(&user.reader) % ARRAY_LEN(steps)](&user);
	free(user.memory);
	return 0;
}

static void add_seeds(struct fuzz_corpus *corpus)
{
	static const uint8_t honest[] = { 1, 0, 0, 100, 0, 2, 0, 2, 0, 1, 200, 1, 2, 1, 1, 4, 0, 4, 0, 5, 1, 10, 6, 2, 1, 0, 0, 2, 100, 0, 6, 4, 1 };
	static const uint8_t hostile[] = { 0, 0, 0, 100, 0, 2, 0, 1, 4, 0, 7, 0, 2, 127, 7, 1, 2, 200, 0, 1, 100, 0, 6, 7, 8, 0, 5, 0, 3, 9, 9, 6 };
	fuzz_corpus_add(corpus, honest, sizeof honest);
	fuzz_corpus_add(corpus, hostile, sizeof hostile);
}

const struct fuzz_target fuzz_target_objects = {
	.name = "objects",
	.one = fuzz_one,
	.add_seeds = add_seeds,
	.bytes_max = 600,
	.n_runs = 15000,
};
