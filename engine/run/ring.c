/* SPDX-License-Identifier: Apache-2.0
 *
 * ring: making and mapping the rings segment, and the slow half of both ends of a ring.
 */
#include "engine/run/ring.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RING_VERSION 1
#define RING_PAGE_BYTES 4096u
#define RINGS_MAX 4096u
#define RING_RECORDS_MAX (1u << 24)

static size_t ring_bytes(uint32_t n_records)
{
	return round_up(sizeof(struct ring_header) + (size_t)n_records * sizeof(struct record), RING_PAGE_BYTES);
}

static bool is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static int map_segment(int fd, size_t bytes, void **ret_base, struct error *error)
{
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return error_set_errno(error, STATUS_SYSTEM, "cannot map the rings segment of %zu bytes", bytes);
	*ret_base = base;
	return STATUS_OK;
}

static void init_rings(void *base, uint32_t n_rings, uint32_t n_records)
{
	for (uint32_t i = 0; i < n_rings; i++) {
		struct ring_header *ring = (struct ring_header *)((char *)base + i * ring_bytes(n_records));
		ring->version = RING_VERSION;
		ring->n_records = n_records;
		ring->magic = RING_MAGIC;
	}
}

int rings_create(uint32_t n_rings, uint32_t n_records, struct error *error, int *ret_fd)
{
	assert(n_rings > 0 && n_rings <= RINGS_MAX && is_power_of_two(n_records) && n_records <= RING_RECORDS_MAX);
	size_t bytes = n_rings * ring_bytes(n_records);
	int fd = memfd_create("tandem rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot create the rings segment");
	int status = STATUS_OK;
	void *base = NULL;
	if (ftruncate(fd, (off_t)bytes) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		status = error_set_errno(error, STATUS_SYSTEM, "cannot size the rings segment to %zu bytes", bytes);
	else
		status = map_segment(fd, bytes, &base, error);
	if (status != STATUS_OK) {
		close(fd);
		return status;
	}
	init_rings(base, n_rings, n_records);
	munmap(base, bytes);
	*ret_fd = fd;
	return STATUS_OK;
}

static int check_rings(const struct rings *rings, struct error *error)
{
	for (uint32_t i = 0; i < rings->n_rings; i++) {
		const struct ring_header *ring = rings_get(rings, i);
		if (ring->magic != RING_MAGIC || ring->version != RING_VERSION || ring->n_records != rings->n_records)
			return error_set(error, STATUS_PROTOCOL, "ring %u of the rings segment has a wrong header", i);
	}
	return STATUS_OK;
}

int rings_open(int fd, struct rings *ret_rings, struct error *error)
{
	struct stat info;
	if (fstat(fd, &info))
		return error_set_errno(error, STATUS_SYSTEM, "cannot read the size of the rings segment");
	size_t bytes = (size_t)info.st_size;
	if (bytes < sizeof(struct ring_header))
		return error_set(error, STATUS_PROTOCOL, "the rings segment has only %zu bytes", bytes);
	struct rings rings = { .bytes = bytes };
	int status = map_segment(fd, bytes, &rings.base, error);
	if (status != STATUS_OK)
		return status;
	rings.n_records = ((const struct ring_header *)rings.base)->n_records;
	size_t one =
		is_power_of_two(rings.n_records) && rings.n_records <= RING_RECORDS_MAX ? ring_bytes(rings.n_records) : 0;
	if (!one || bytes % one || bytes / one > RINGS_MAX)
		status = error_set(error, STATUS_PROTOCOL, "the rings segment of %zu bytes holds no whole rings", bytes);
	else
		rings.n_rings = (uint32_t)(bytes / one);
	if (status == STATUS_OK)
		status = check_rings(&rings, error);
	if (status != STATUS_OK) {
		munmap(rings.base, bytes);
		return status;
	}
	*ret_rings = rings;
	return STATUS_OK;
}

void rings_close(struct rings *rings)
{
	if (rings->base)
		munmap(rings->base, rings->bytes);
	*rings = (struct rings){ 0 };
}

struct ring_header *rings_get(const struct rings *rings, uint32_t idx)
{
	assert(idx < rings->n_rings);
	return (struct ring_header *)((char *)rings->base + idx * ring_bytes(rings->n_records));
}

void ring_writer_init(struct ring_writer *writer, struct ring_header *ring)
{
	*writer = (struct ring_writer){ .ring = ring };
	if (!ring)
		return;
	writer->mask = ring->n_records - 1;
	writer->head = writer->published = atomic_load_explicit(&ring->head, memory_order_relaxed);
	writer->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
}

bool ring_writer_make_room(struct ring_writer *writer)
{
	struct ring_header *ring = writer->ring;
	writer->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
	if (writer->head - writer->tail_seen <= writer->mask)
		return true;
	atomic_fetch_add_explicit(&ring->lost[LOSS_RING_FULL], 1, memory_order_relaxed);
	return false;
}

uint32_t ring_take(struct ring_header *ring, uint32_t n_records, struct record *records, uint32_t n_max)
{
	uint32_t mask = n_records - 1;
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t available = atomic_load_explicit(&ring->head, memory_order_acquire) - tail;
	if (available > n_records) /* a writer gone wild: take nothing rather than read twice */
		return 0;
	uint32_t n = available < n_max ? (uint32_t)available : n_max;
	uint32_t first = (uint32_t)tail & mask;
	uint32_t n_straight = n < n_records - first ? n : n_records - first;
	memcpy(records, &ring->records[first], n_straight * sizeof(*records));
	memcpy(records + n_straight, &ring->records[0], (n - n_straight) * sizeof(*records));
	atomic_store_explicit(&ring->tail, tail + n, memory_order_release);
	return n;
}
