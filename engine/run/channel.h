/* SPDX-License-Identifier: Apache-2.0
 *
 * channel: one process's view of a channel: where the slots lie in its mapping and which one is current. A channel has one writer and n
 * readers; message k lies in slot k mod depth (engine/graph/slot.h has the layout, doc/channels.md the protocol).
 *
 * Happens-before: the writer stores payload and header, then `sequence` with release; a reader that loads it with acquire sees
 * all of it. A reader stores its release cursor with release after its last access; the writer loads the cursors with acquire before
 * it writes the slot again.
 */
#ifndef TANDEM_ENGINE_RUN_CHANNEL_H
#define TANDEM_ENGINE_RUN_CHANNEL_H

#include "engine/graph/slot.h"
#include "engine/run/control.h"
#include "engine/run/program.h"
#include "engine/run/wait.h"

/* A reader's progress: executions released. One cache line each, so that readers do not disturb each other. */
struct channel_cursor {
	CACHE_ALIGNED _Atomic uint64_t released; /* the reader */
};
static_assert(sizeof(struct channel_cursor) == 64, "cursor layout is shared");

/* Where a process finds slots. */
struct channel_memory {
	uint8_t *shared; /* the slots segment */
};

struct channel {
	uint32_t idx;             /* in the program */
	uint32_t depth, slot;     /* slot: of the current execution */
	uint8_t *slots;           /* first slot */
	size_t stride;            /* bytes of a slot */
	struct slot_header *header; /* of the current slot */
	uint8_t *data;            /* payload of the current execution: in the storage's slot */
	uint8_t *storage_slots;
	size_t storage_stride;

	/* as a storage */
	struct channel_cursor *cursors; /* [n_releasers]; NULL for LOCAL */
	uint32_t n_releasers;
	uint64_t released_seen;   /* least cursor when last looked */
	const uint32_t *releasers; /* workers */

	/* as writer: the processes that may sleep for a message, each once */
	struct control_worker **readers;
	uint32_t n_readers;
	/* as reader: the process that may sleep for a slot (the storage's writer) and the one that writes messages */
	struct control_worker *storage_writer;
	uint32_t writer;          /* worker index */
};

/* The view of channel `idx`, positioned before execution 0. STATUS_NO_MEMORY. */
int channel_init(struct channel *channel, const struct program *program, uint32_t idx, const struct channel_memory *memory,
	struct control_header *control, struct error *error);
void channel_finish(struct channel *channel);

/* Positions the view at execution `execution`, one after the one before (or 0). */
static inline void channel_advance(struct channel *channel)
{
	channel->slot = channel->slot + 1 == channel->depth ? 0 : channel->slot + 1;
	uint8_t *end = channel->slots + (size_t)(channel->slot + 1) * channel->stride;
	channel->header = (struct slot_header *)(end - sizeof(struct slot_header));
	channel->data = channel->storage_slots + (size_t)channel->slot * channel->storage_stride;
}

/* Writer: true when slot of `execution` is free, by what was last seen of the cursors. */
static inline bool channel_is_free(const struct channel *storage, uint64_t execution)
{
	return execution - storage->released_seen < storage->depth;
}

/* Writer: looks at the cursors again. */
static inline void channel_look(struct channel *storage)
{
	uint64_t least = UINT64_MAX;
	for (uint32_t i = 0; i < storage->n_releasers; i++) {
		uint64_t released = atomic_load_explicit(&storage->cursors[i].released, memory_order_acquire);
		least = released < least ? released : least;
	}
	storage->released_seen = least;
}

/* Writer: waits until every releaser has released what the slot held before. The name's peer is filled with the slowest reader. */
int channel_reserve(struct channel *storage, uint64_t execution, struct waiter *waiter, struct wait_name *name,
	uint64_t deadline, struct wait_times *ret_times);

/* Writer: makes the current slot visible as message `execution` and wakes sleeping readers. True when somebody had to be woken. */
static inline bool channel_publish(struct channel *channel, uint64_t execution, struct control_header *control)
{
	atomic_store_explicit(&channel->header->sequence, execution + 1, memory_order_release);
	bool woke = false;
	if (unlikely(control->needs_fence))
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
	for (uint32_t i = 0; i < channel->n_readers; i++) {
		if (unlikely(atomic_load_explicit(&channel->readers[i]->sleeps, memory_order_relaxed))) {
			control_wake_slow(channel->readers[i]);
			woke = true;
		}
	}
	return woke;
}

/* Reader: gives the current slot back. */
static inline void channel_release(struct channel *storage, uint32_t releaser, uint64_t execution,
	struct control_header *control)
{
	atomic_store_explicit(&storage->cursors[releaser].released, execution + 1, memory_order_release);
	control_wake(control, storage->storage_writer);
}

/* Writer: header of the current slot. */
static inline void channel_set_header(struct channel *channel, const struct tensor *tensor, uint32_t status)
{
	struct slot_header *header = channel->header;
	for (int i = 0; i < tensor->n_dims; i++)
		header->dims[i] = (uint32_t)tensor->shape[i];
	header->n_dims = (uint32_t)tensor->n_dims;
	header->status = status;
}

#endif
