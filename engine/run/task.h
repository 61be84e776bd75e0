/* SPDX-License-Identifier: Apache-2.0
 *
 * task: what driver and workers say to each other in interpreted mode. One Unix socket (SOCK_SEQPACKET) a worker; a packet holds one or more
 * messages. The same form serves both directions: a task (driver → worker) carries the values of a node's inputs, a result (worker → driver)
 * those of its outputs.
 *
 * Bells say that a packet lies in a socket, so that who waits can spin for it as it does for a slot (wait.h): the sender counts its packets
 * there after it sent them, with release; the receiver loads the count with acquire and reads as many packets.
 */
#ifndef TANDEM_ENGINE_RUN_TASK_H
#define TANDEM_ENGINE_RUN_TASK_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/attributes.h"
#include "engine/base/error.h"
#include "engine/base/tensor.h"

#define TASK_PACKET_BYTES 16384

/* One tensor: where its bytes lie and its shape. Its dtype is the graph's. */
struct task_value {
	uint64_t object; /* in the object store (objects.h); 0: none */
	uint32_t n_dims;
	uint32_t dims[TENSOR_DIMS_MAX];
	uint32_t reserved;
};
static_assert(sizeof(struct task_value) == 40, "the messages' layout is shared");

struct task_message {
	uint32_t bytes;     /* of this message, values included */
	uint32_t node;
	uint64_t execution;
	uint64_t time;      /* ticks. Task: when its last input existed. Result: when its outputs did */
	uint64_t own_time;  /* task of a collective: when the rank's own input existed; else as `time` */
	uint32_t word;      /* task: the edge that came last, PROGRAM_NONE when none. Result: 0, or 1 + failure */
	uint32_t n_values;
	struct task_value values[];
};
static_assert(sizeof(struct task_message) == 40, "the messages' layout is shared");

struct task_bell {
	CACHE_ALIGNED _Atomic uint64_t tasks;   /* driver: packets sent to this worker */
	CACHE_ALIGNED _Atomic uint64_t results; /* worker: packets sent to the driver */
};

struct task_bells {
	CACHE_ALIGNED _Atomic uint64_t results; /* workers: packets sent by all of them, counted after their own */
	struct task_bell workers[];             /* [n_workers], the driver's unused */
};

static inline size_t task_bells_bytes(uint32_t n_workers)
{
	return round_up(sizeof(struct task_bells) + n_workers * sizeof(struct task_bell), 4096);
}

/* Both ends of a connection, non-blocking and closed on exec. */
int task_connect(struct error *error, int ret_fds[2]);

/* Messages on their way out. Zeroed: empty. */
struct task_outbox {
	uint8_t *bytes;
	size_t start, end, capacity;
	uint32_t n_messages;
};

void task_outbox_finish(struct task_outbox *outbox);

/* Room for a message with `n_values` values behind those before it, `bytes` and `n_values` set; NULL when memory is out. Valid until the next
 * call. */
struct task_message *task_outbox_add(struct task_outbox *outbox, uint32_t n_values);

static inline bool task_outbox_is_empty(const struct task_outbox *outbox)
{
	return outbox->start == outbox->end;
}

/* Sends as many packets as the socket takes; *ret_n_packets says how many. STATUS_OK when the outbox is empty now, STATUS_AGAIN when the
 * socket is full, STATUS_STOPPED when the peer is gone. */
int task_outbox_send(struct task_outbox *outbox, int fd, uint32_t *ret_n_packets);

/* One received packet. Zeroed: empty. */
struct task_inbox {
	size_t at, n_bytes;
	_Alignas(8) uint8_t bytes[TASK_PACKET_BYTES];
};

/* Reads the next packet; what is left of the one before is lost. STATUS_AGAIN when there is none, STATUS_STOPPED when the peer is gone. */
int task_inbox_receive(struct task_inbox *inbox, int fd);

static inline bool task_inbox_is_empty(const struct task_inbox *inbox)
{
	return inbox->at == inbox->n_bytes;
}

/* The next message, its sizes checked, in *ret_message; NULL when the packet is used up. STATUS_PROTOCOL when it makes no sense. */
int task_inbox_next(struct task_inbox *inbox, const struct task_message **ret_message, struct error *error);

/* Bytes of the tensor; its sizes must have been admitted (type_admits). */
static inline uint64_t task_value_bytes(const struct task_value *value, enum dtype dtype)
{
	uint64_t bytes = dtype_bytes(dtype);
	for (uint32_t i = 0; i < value->n_dims; i++)
		bytes *= value->dims[i];
	return bytes;
}

/* Between values and tensors. `tensor` keeps dtype and number of dimensions and gets contiguous strides. */
void task_value_set(struct task_value *value, uint64_t object, const struct tensor *tensor);
static inline void task_value_get(const struct task_value *value, struct tensor *tensor)
{
	int64_t stride = 1;
	for (int i = tensor->n_dims - 1; i >= 0; i--) {
		tensor->shape[i] = value->dims[i];
		tensor->strides[i] = stride;
		stride *= value->dims[i];
	}
}

#endif
