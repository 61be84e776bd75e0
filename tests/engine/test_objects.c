/* SPDX-License-Identifier: Apache-2.0
 *
 * test_objects: tests of engine/run/objects.h.
 */
#include "engine/run/objects.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define STORE_BYTES (1 << 20)

static void open_store(struct objects *objects, uint64_t bytes)
{
	void *memory = aligned_alloc(4096, objects_total_bytes(bytes));
	memset(memory, 0, objects_total_bytes(bytes));
	objects_init(memory, objects_total_bytes(bytes), false, objects);
}

Test(objects, blocks_hold_their_bytes_and_waste_little)
{
	for (uint64_t bytes = 0; bytes < 100000; bytes += 1 + bytes / 7) {
		uint64_t block = objects_block_bytes(bytes), least = bytes + sizeof(struct object_header);
		cr_expect_geq(block, least, "%llu bytes in a block of %llu", (unsigned long long)bytes, (unsigned long long)block);
		cr_expect_leq(block, least + least / 4 + 128, "%llu bytes in a block of %llu", (unsigned long long)bytes,
			(unsigned long long)block);
		cr_expect_eq(objects_block_bytes(block - sizeof(struct object_header)), block, "a block's own size is of its class: %llu",
			(unsigned long long)block);
	}
}

Test(objects, references_free_and_memory_is_used_again)
{
	struct objects objects;
	uint32_t n;
	open_store(&objects, STORE_BYTES);
	for (int round = 0; round < 1000; round++) {
		uint64_t a = objects_allocate(&objects, 5000, 2, 0, (uint64_t)round), b = objects_allocate(&objects, 100, 3, 1, (uint64_t)round);
		cr_assert(a && b && a != b, "round %d: %llu and %llu", round, (unsigned long long)a, (unsigned long long)b);
		cr_expect_eq(a % 64, 0, "%llu", (unsigned long long)a);
		memset(objects_data(&objects, a), 1, 5000);
		memset(objects_data(&objects, b), 2, 100);
		objects_seal(&objects, a, 2);
		objects_seal(&objects, b, 0);
		objects_release(&objects, a);
		objects_used_bytes(&objects, &n);
		cr_expect_eq(n, 1, "round %d: %u objects with a reader left", round, n);
		cr_expect_eq(*(char *)objects_data(&objects, a), 1);
		objects_release(&objects, a);
		cr_expect_eq(objects_used_bytes(&objects, &n), 0, "round %d: %u objects", round, n);
	}
	free(objects.base);
}

Test(objects, a_lone_reader_may_take_over_and_pass_on)
{
	struct objects objects;
	open_store(&objects, STORE_BYTES);
	uint64_t a = objects_allocate(&objects, 256, 2, 0, 0);
	objects_seal(&objects, a, 2);
	cr_expect_not(objects_take_over(&objects, a, 256, 3, 0, 0), "another reader is left");
	objects_release(&objects, a);
	cr_expect_not(objects_take_over(&objects, a, 5000, 3, 0, 0), "too large");
	cr_expect(objects_take_over(&objects, a, 256, 3, 0, 0));
	objects_seal(&objects, a, 1);
	objects_pass_on(&objects, a, 3);
	for (int i = 0; i < 3; i++) {
		cr_expect_gt(objects_used_bytes(&objects, NULL), 0, "freed after %d of 3 readers", i);
		objects_release(&objects, a);
	}
	cr_expect_eq(objects_used_bytes(&objects, NULL), 0);
	free(objects.base);
}

Test(objects, full_stores_and_strange_numbers)
{
	struct objects objects;
	struct error error;
	open_store(&objects, 4096);
	uint64_t a = objects_allocate(&objects, 3000, 2, 0, 0);
	cr_expect_neq(a, 0);
	cr_expect_eq(objects_allocate(&objects, 3000, 2, 0, 1), 0, "more than there is");
	objects_seal(&objects, a, 0);
	cr_expect_eq(objects_allocate(&objects, 2900, 2, 0, 1), a, "a larger free block serves when nothing else is left");
	cr_expect(objects_has(&objects, a, 1));
	const uint64_t strange[] = { 0, 64, a + 1, a + 100 * 4096, UINT64_MAX - 63 };
	for (size_t i = 0; i < ARRAY_LEN(strange); i++)
		cr_expect_not(objects_has(&objects, strange[i], 1), "%llu", (unsigned long long)strange[i]);
	objects_reset(&objects);
	cr_expect_neq(objects_allocate(&objects, 3900, 2, 0, 1), 0);
	cr_expect_eq(objects_open(objects.base, 4096, &objects, &error), STATUS_PROTOCOL, "another size");
	free(objects.base);
}

struct hammer {
	struct objects objects;
	unsigned seed;
	int n_wrong;
};

/* Holds up to 8 objects, each filled with a number of its own. */
static void *hammer(void *argument)
{
	struct hammer *hammer = argument;
	uint64_t held[8] = { 0 }, numbers[8] = { 0 };
	for (uint64_t i = 1; i < 100000; i++) {
		int at = rand_r(&hammer->seed) % 8;
		if (held[at]) {
			hammer->n_wrong += *(uint64_t *)objects_data(&hammer->objects, held[at]) != numbers[at];
			objects_release(&hammer->objects, held[at]);
		}
		held[at] = objects_allocate(&hammer->objects, 8u << (rand_r(&hammer->seed) % 4 * 2), 2, 0, i);
		numbers[at] = (uint64_t)(uintptr_t)hammer ^ i;
		if (held[at]) {
			*(uint64_t *)objects_data(&hammer->objects, held[at]) = numbers[at];
			objects_seal(&hammer->objects, held[at], 1);
		}
	}
	for (int i = 0; i < 8; i++) {
		if (held[i])
			objects_release(&hammer->objects, held[i]);
	}
	return NULL;
}

Test(objects, no_block_is_given_twice, .timeout = 60)
{
	struct hammer hammers[4] = { 0 };
	pthread_t threads[4];
	open_store(&hammers[0].objects, 12 << 10);
	for (int i = 0; i < 4; i++) {
		hammers[i].objects = hammers[0].objects;
		hammers[i].seed = (unsigned)i + 1;
		pthread_create(&threads[i], NULL, hammer, &hammers[i]);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_eq(hammers[i].n_wrong, 0, "thread %d: %d objects were written by others", i, hammers[i].n_wrong);
	}
	cr_expect_eq(objects_used_bytes(&hammers[0].objects, NULL), 0);
	free(hammers[0].objects.base);
}
