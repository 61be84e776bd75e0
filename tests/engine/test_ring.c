/* SPDX-License-Identifier: Apache-2.0
 *
 * Rings: order, wrapping, drops counted exactly, two threads, and segments that are none.
 */
#include "engine/run/ring.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

static struct rings make_rings(uint32_t n_rings, uint32_t n_records)
{
	struct error error = { 0 };
	struct rings rings = { 0 };
	int fd = -1;
	cr_assert(rings_create(n_rings, n_records, &error, &fd) == STATUS_OK, "%s", error.text);
	cr_assert(rings_open(fd, &rings, &error) == STATUS_OK, "%s", error.text);
	close(fd);
	return rings;
}

static bool put(struct ring_writer *writer, uint64_t number)
{
	struct record *cell = ring_next(writer);
	if (!cell)
		return false;
	*cell = (struct record){ .kind = RECORD_OP, .execution = number, .start = ~number };
	ring_commit(writer);
	return true;
}

Test(ring, segment_holds_separate_rings)
{
	struct rings rings = make_rings(3, 8);
	cr_assert(rings.n_rings == 3 && rings.n_records == 8, "%u rings of %u", rings.n_rings, rings.n_records);
	struct record records[8];
	for (uint32_t i = 0; i < 3; i++) {
		struct ring_writer writer;
		ring_writer_init(&writer, rings_get(&rings, i));
		for (uint32_t k = 0; k <= i; k++)
			put(&writer, 10 * i + k);
	}
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t n = ring_take(rings_get(&rings, i), rings.n_records, records, 8);
		cr_expect(n == i + 1, "ring %u: %u records, expected %u", i, n, i + 1);
		cr_expect(records[i].execution == 11 * i, "ring %u: %llu", i, (unsigned long long)records[i].execution);
	}
	rings_close(&rings);
}

Test(ring, keeps_order_over_many_turns)
{
	struct rings rings = make_rings(1, 8);
	struct ring_writer writer;
	struct record records[8];
	uint64_t written = 0, read = 0;
	ring_writer_init(&writer, rings_get(&rings, 0));
	for (uint32_t turn = 0; turn < 1000; turn++) {
		for (uint32_t i = 0; i < turn % 9; i++)
			written += put(&writer, written);
		uint32_t n = ring_take(rings_get(&rings, 0), rings.n_records, records, 1 + turn % 7);
		for (uint32_t i = 0; i < n; i++, read++)
			cr_assert(records[i].execution == read && records[i].start == ~read,
				"record %llu where %llu belongs", (unsigned long long)records[i].execution,
				(unsigned long long)read);
	}
	cr_expect(written - read <= 8, "%llu written, %llu read", (unsigned long long)written, (unsigned long long)read);
	rings_close(&rings);
}

Test(ring, counts_what_does_not_fit)
{
	struct rings rings = make_rings(1, 4);
	struct ring_header *ring = rings_get(&rings, 0);
	struct ring_writer writer;
	struct record records[4];
	ring_writer_init(&writer, ring);
	for (uint64_t i = 0; i < 10; i++)
		cr_expect(put(&writer, i) == (i < 4), "record %llu", (unsigned long long)i);
	uint64_t lost = atomic_load(&ring->lost[LOSS_RING_FULL]);
	cr_expect(lost == 6, "%llu lost, expected 6", (unsigned long long)lost);
	cr_expect(ring_take(ring, rings.n_records, records, 4) == 4 && records[3].execution == 3, "the oldest are kept");
	cr_expect(put(&writer, 10), "there is room again");
	rings_close(&rings);
}

Test(ring, writer_goes_on_where_an_earlier_one_ended)
{
	struct rings rings = make_rings(1, 4);
	struct ring_writer first, second;
	struct record records[4];
	ring_writer_init(&first, rings_get(&rings, 0));
	put(&first, 1);
	ring_writer_init(&second, rings_get(&rings, 0));
	put(&second, 2);
	uint32_t n = ring_take(rings_get(&rings, 0), rings.n_records, records, 4);
	cr_expect(n == 2 && records[1].execution == 2, "%u records", n);
	rings_close(&rings);
}

#define STRESS_RECORDS 2000000ull

static void *write_many(void *user)
{
	struct ring_writer writer;
	ring_writer_init(&writer, user);
	for (uint64_t i = 0; i < STRESS_RECORDS; i++) {
		if (!put(&writer, i) && i % 64 == 0)
			sched_yield();
	}
	return NULL;
}

Test(ring, two_threads_lose_exactly_what_is_counted)
{
	struct rings rings = make_rings(1, 256);
	struct ring_header *ring = rings_get(&rings, 0);
	struct record records[100];
	pthread_t thread;
	uint64_t n_taken = 0, next = 0;
	cr_assert(pthread_create(&thread, NULL, write_many, ring) == 0);
	for (;;) {
		uint32_t n = ring_take(ring, ring->n_records, records, 100);
		for (uint32_t i = 0; i < n; i++) {
			cr_assert(records[i].execution >= next && records[i].start == ~records[i].execution,
				"torn or out of order");
			next = records[i].execution + 1;
		}
		n_taken += n;
		if (n_taken + atomic_load(&ring->lost[LOSS_RING_FULL]) == STRESS_RECORDS)
			break;
		if (!n)
			sched_yield();
	}
	pthread_join(thread, NULL);
	cr_expect(n_taken + ring->lost[LOSS_RING_FULL] == STRESS_RECORDS, "%llu taken", (unsigned long long)n_taken);
	cr_expect(n_taken >= 256, "%llu taken", (unsigned long long)n_taken);
	rings_close(&rings);
}

Test(ring, refuses_what_is_no_segment)
{
	static const struct {
		const char *name;
		size_t bytes;
		uint64_t magic;
		uint32_t n_records;
	} cases[] = {
		{ "empty", 0, 0, 0 }, { "zeroes", 4096, 0, 0 }, { "wrong magic", 4096, 1, 32 },
		{ "no power of two", 4096, RING_MAGIC, 33 }, { "larger than the segment", 4096, RING_MAGIC, 1024 },
		{ "wrong version", 4096, RING_MAGIC, 32 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = { 0 };
		struct rings rings = { 0 };
		int fd = memfd_create("test", 0);
		struct ring_header header = { .magic = cases[i].magic, .version = 99, .n_records = cases[i].n_records };
		cr_assert(ftruncate(fd, (off_t)cases[i].bytes) == 0);
		if (cases[i].bytes)
			cr_assert(pwrite(fd, &header, sizeof(header), 0) == sizeof(header));
		int status = rings_open(fd, &rings, &error);
		cr_expect(status == STATUS_PROTOCOL, "%s: status %d, expected %d", cases[i].name, status, STATUS_PROTOCOL);
		cr_expect(error.text[0] != '\0', "%s: no text", cases[i].name);
		close(fd);
	}
}
