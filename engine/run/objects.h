/* SPDX-License-Identifier: Apache-2.0
 *
 * objects: the object store of the interpreted mode, in memory shared by driver and workers. Whoever makes a value allocates an object,
 * writes it, and seals it with as many references as it will have readers; from then on nobody writes it, and each reader drops its reference
 * when it is done. The last one frees it.
 *
 *     FREE ──allocate──► OPEN ──seal(n > 0)──► SEALED ──last reference dropped──► FREE
 *                          └──seal(0)──────────────────────────────────────────► FREE
 *
 * Blocks come in classes of size, four to a doubling; a freed block goes on its class's stack and is used again. Everything is lock-free, so
 * that a process killed at any instruction leaves nothing held; what it had open is lost until the run ends with it.
 *
 *     |header|block|block|…        |   a block: struct object_header, then the bytes, 64-byte aligned
 *
 * Nobody trusts what others wrote here further than its own mapping reaches: a process gone wild can spoil values and lose blocks, but makes
 * nobody else read or write outside the store.
 *
 * Happens-before: a writer seals with release, readers learn of the object by a message; a reader drops its reference with release and who
 * frees or takes over an object loads the count with acquire.
 */
#ifndef TANDEM_ENGINE_RUN_OBJECTS_H
#define TANDEM_ENGINE_RUN_OBJECTS_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/attributes.h"
#include "engine/base/error.h"
#include "engine/base/strbuf.h"
#include "engine/base/tensor.h"
#include "engine/run/program.h"

#define OBJECTS_MAGIC 0x544e444d4f424a53ull
#define OBJECTS_CLASSES 192
#define OBJECTS_BYTES_LEAST (UINT64_C(64) << 20) /* the least that a store gets unless less is asked for */

enum object_state {
	OBJECT_FREE,
	OBJECT_OPEN,
	OBJECT_SEALED,
};

/* In front of the bytes. */
struct object_header {
	_Atomic uint32_t refs;       /* sealer, then readers */
	_Atomic uint32_t state;      /* enum object_state: for who looks on */
	uint64_t block_bytes;        /* set once, header included; 0: no block was ever here */
	uint64_t bytes;              /* owner: of the value */
	uint64_t execution;          /* owner */
	uint32_t node, output;       /* owner */
	_Atomic uint64_t next;       /* in a stack: the block below, in units of 64 bytes; in use: sizes of dimensions 4 and 5 */
	uint32_t dims[4];            /* owner: sizes of dimensions 0 to 3 (objects_set_shape) */
};
static_assert(sizeof(struct object_header) == 64, "the store's layout is shared");

struct objects_header {
	uint64_t magic;
	uint64_t total_bytes;
	uint64_t by_bound;               /* driver, at creation: objects are allocated at the bound of their type */
	uint64_t poisons;                /* driver, at creation: freed objects are filled (gate.h) */
	CACHE_ALIGNED _Atomic uint64_t end; /* any: blocks lie before it */
	struct {
		CACHE_ALIGNED _Atomic uint64_t top; /* any: tag in the upper 24 bits, block in units of 64 bytes below; 0: empty */
	} stacks[OBJECTS_CLASSES];
};

/* A mapping. An object is named by the offset of its bytes; 0 is none. */
struct objects {
	struct objects_header *header;
	uint8_t *base;
	uint64_t total_bytes; /* of the mapping: what stands in the header others may write over */
	bool by_bound, poisons;
};

/* What an object of `bytes` takes in the store; what a store must measure to hold blocks of `n_blocks_bytes` in all. */
uint64_t objects_block_bytes(uint64_t bytes);
uint64_t objects_total_bytes(uint64_t n_blocks_bytes);

/* Lays out a store in zeroed memory of `total_bytes`. */
void objects_init(void *memory, uint64_t total_bytes, bool by_bound, struct objects *ret_objects);
/* STATUS_PROTOCOL when no store lies there. */
int objects_open(void *memory, uint64_t total_bytes, struct objects *ret_objects, struct error *error);

/* An open object; 0 when the store is full. */
uint64_t objects_allocate(struct objects *objects, uint64_t bytes, uint32_t node, uint32_t output, uint64_t execution);

/* Makes the object readable by `n_refs` readers; without any it is freed. */
void objects_seal(struct objects *objects, uint64_t object, uint32_t n_refs);

/* A reader turns its reference into `n_refs` ones of its own: what it read is passed on as its output. With none it drops it. */
void objects_pass_on(struct objects *objects, uint64_t object, uint32_t n_refs);

/* A reader is done. */
static inline void objects_release(struct objects *objects, uint64_t object)
{
	objects_pass_on(objects, object, 0);
}

/* If the caller's reference is the only one, the object becomes the caller's to write: open, owned by the given node. */
bool objects_take_over(struct objects *objects, uint64_t object, uint64_t bytes, uint32_t node, uint32_t output, uint64_t execution);

static inline void *objects_data(const struct objects *objects, uint64_t object)
{
	return objects->base + object;
}

/* Whether an object of `bytes` may lie at `object`: aligned and inside. For numbers that come from another process. */
bool objects_has(const struct objects *objects, uint64_t object, uint64_t bytes);

/* Notes the value's shape, for who looks on: messages between processes carry their own. Before the object is sealed. */
void objects_set_shape(struct objects *objects, uint64_t object, const struct tensor *tensor);
void objects_get_shape(const struct objects *objects, uint64_t object, uint32_t ret_dims[TENSOR_DIMS_MAX]);

/* Calls `visit` for every block that is not free, with the offset of its bytes and a copy of its header (all fields but `refs`, `next` and
 * `dims`). Others may change the store meanwhile; what is visited lies inside. */
void objects_walk(const struct objects *objects, void (*visit)(void *user, uint64_t object, const struct object_header *block), void *user);

/* Bytes in blocks that are not free, and how many there are. */
uint64_t objects_used_bytes(const struct objects *objects, uint32_t *ret_n_objects);

/* Appends who holds most: "node 'a' 6.0 MiB (execution 3 to 8), …", at most `n_most` nodes. */
void objects_describe_holders(const struct objects *objects, const struct program *program, int n_most, struct strbuf *out);

/* Fills `error` with what did not fit and who holds what; returns STATUS_OP. */
int objects_report_full(const struct objects *objects, const struct program *program, uint64_t bytes, uint32_t output,
	struct error *error);

/* Forgets all blocks, so that sizes can be cut anew. Only while nobody holds an object or allocates. */
void objects_reset(struct objects *objects);

#endif
