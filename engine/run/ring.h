/* SPDX-License-Identifier: Apache-2.0
 *
 * ring: a lock-free queue of records in shared memory, one writer process, one reader process (the collector). The writer never blocks: a
 * record that does not fit is dropped and counted by cause. One memfd, the rings segment, holds a ring for each worker, driver
 * included, at rings_offset(worker).
 *
 * Both cursors count records from 0 and never wrap. The writer publishes `head` with release after the records before it are written; the
 * reader loads it with acquire, copies, and stores `tail` with release; the writer loads `tail` with acquire before it reuses cells.
 */
#ifndef TANDEM_ENGINE_RUN_RING_H
#define TANDEM_ENGINE_RUN_RING_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/attributes.h"
#include "engine/base/error.h"
#include "engine/run/record.h"

#define RING_MAGIC 0x544e444d52494e47ull
#define RING_RECORDS_DEFAULT 32768u /* a power of two: 2 MiB */

struct ring_header {
	uint64_t magic;
	uint32_t version, n_records;              /* n_records: a power of two */
	CACHE_ALIGNED _Atomic uint64_t head;      /* writer: records published */
	_Atomic uint64_t lost[LOSS_COUNT];        /* writer (RING_FULL, COLLECTOR), reader (LIMIT): records dropped */
	CACHE_ALIGNED _Atomic uint64_t tail;      /* reader: records taken */
	CACHE_ALIGNED struct record records[];
};
static_assert(offsetof(struct ring_header, head) == 64 && offsetof(struct ring_header, tail) == 128
	&& offsetof(struct ring_header, records) == 192, "ring layout is shared");

/* The segment: n_rings rings of n_records each. *ret_fd is the caller's. */
int rings_create(uint32_t n_rings, uint32_t n_records, struct error *error, int *ret_fd);

struct rings {
	void *base;
	size_t bytes;
	uint32_t n_rings, n_records;
};

/* Maps the segment and checks sizes and magics (STATUS_PROTOCOL). `fd` stays the caller's. */
int rings_open(int fd, struct rings *ret_rings, struct error *error);
void rings_close(struct rings *rings);
struct ring_header *rings_get(const struct rings *rings, uint32_t idx);

/* Writer's side: private cursors beside the shared ones. */
struct ring_writer {
	struct ring_header *ring; /* NULL: nothing is recorded */
	uint64_t head, published, tail_seen;
	uint32_t mask;
};

void ring_writer_init(struct ring_writer *writer, struct ring_header *ring);

COLD bool ring_writer_make_room(struct ring_writer *writer);

/* The cell for the next record, or NULL (counted) when the ring is full. The record becomes visible with ring_commit. */
static inline struct record *ring_next(struct ring_writer *writer)
{
	if (unlikely(writer->head - writer->tail_seen > writer->mask) && !ring_writer_make_room(writer))
		return NULL;
	return &writer->ring->records[writer->head & writer->mask];
}

static inline void ring_commit(struct ring_writer *writer)
{
	writer->head++;
	atomic_store_explicit(&writer->ring->head, writer->head, memory_order_release);
}

/* Reader's side: copies up to n_max records to `records`, returns how many. `n_records` is the ring's size as rings_open found it: what stands
 * in the segment the writer may have written over. */
uint32_t ring_take(struct ring_header *ring, uint32_t n_records, struct record *records, uint32_t n_max);

#endif
