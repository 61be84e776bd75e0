/* SPDX-License-Identifier: Apache-2.0
 *
 * task: packets of messages over a socket pair.
 */
#include "engine/run/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_BUFFER_BYTES (1 << 20)

int task_connect(struct error *error, int ret_fds[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0)
		return error_set_errno(error, STATUS_SYSTEM, "cannot make a worker's socket");
	int bytes = SOCKET_BUFFER_BYTES;
	for (int i = 0; i < 2; i++)
		setsockopt(ret_fds[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	return STATUS_OK;
}

void task_outbox_finish(struct task_outbox *outbox)
{
	free(outbox->bytes);
	*outbox = (struct task_outbox){ 0 };
}

static bool make_room(struct task_outbox *outbox, size_t needed)
{
	if (outbox->start) {
		memmove(outbox->bytes, outbox->bytes + outbox->start, outbox->end - outbox->start);
		outbox->end -= outbox->start;
		outbox->start = 0;
	}
	size_t capacity = outbox->capacity ? outbox->capacity : TASK_PACKET_BYTES;
	while (capacity < outbox->end + needed)
		capacity *= 2;
	if (capacity == outbox->capacity)
		return true;
	uint8_t *bytes = realloc(outbox->bytes, capacity);
	if (!bytes)
		return false;
	outbox->bytes = bytes;
	outbox->capacity = capacity;
	return true;
}

struct task_message *task_outbox_add(struct task_outbox *outbox, uint32_t n_values)
{
	size_t needed = sizeof(struct task_message) + n_values * sizeof(struct task_value);
	if (outbox->end + needed > outbox->capacity && !make_room(outbox, needed))
		return NULL;
	struct task_message *message = (struct task_message *)(outbox->bytes + outbox->end);
	outbox->end += needed;
	outbox->n_messages++;
	message->bytes = (uint32_t)needed;
	message->n_values = n_values;
	return message;
}

/* Whole messages from the start that fit into one packet. */
static size_t packet_bytes(const struct task_outbox *outbox, uint32_t *ret_n_messages)
{
	*ret_n_messages = 0;
	size_t n = 0, left = outbox->end - outbox->start;
	while (n < left) {
		size_t next = ((const struct task_message *)(outbox->bytes + outbox->start + n))->bytes;
		if (n + next > TASK_PACKET_BYTES)
			break;
		n += next;
		++*ret_n_messages;
	}
	return n;
}

int task_outbox_send(struct task_outbox *outbox, int fd, uint32_t *ret_n_packets)
{
	*ret_n_packets = 0;
	while (outbox->start < outbox->end) {
		uint32_t n_messages;
		size_t n_bytes = packet_bytes(outbox, &n_messages);
		ssize_t n = send(fd, outbox->bytes + outbox->start, n_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == ENOBUFS ? STATUS_AGAIN : STATUS_STOPPED;
		++*ret_n_packets;
		outbox->start += n_bytes;
		outbox->n_messages -= n_messages;
	}
	outbox->start = outbox->end = 0;
	return STATUS_OK;
}

int task_inbox_receive(struct task_inbox *inbox, int fd)
{
	ssize_t n;
	/* A peer that dies with unread packets leaves one ECONNRESET in front of what it had sent. */
	do
		n = recv(fd, inbox->bytes, sizeof inbox->bytes, MSG_DONTWAIT);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	inbox->at = inbox->n_bytes = 0;
	if (n < 0)
		return errno == EAGAIN ? STATUS_AGAIN : STATUS_STOPPED;
	inbox->n_bytes = (size_t)n;
	return n ? STATUS_OK : STATUS_STOPPED;
}

int task_inbox_next(struct task_inbox *inbox, const struct task_message **ret_message, struct error *error)
{
	size_t left = inbox->n_bytes - inbox->at;
	const struct task_message *message = (const struct task_message *)(inbox->bytes + inbox->at);
	*ret_message = NULL;
	if (!left)
		return STATUS_OK;
	if (left < sizeof *message || message->bytes > left || message->n_values > TASK_PACKET_BYTES
		|| message->bytes != sizeof *message + message->n_values * sizeof(struct task_value))
		return error_set(error, STATUS_PROTOCOL, "a message between driver and worker makes no sense");
	inbox->at += message->bytes;
	*ret_message = message;
	return STATUS_OK;
}

void task_value_set(struct task_value *value, uint64_t object, const struct tensor *tensor)
{
	*value = (struct task_value){ .object = object, .n_dims = (uint32_t)tensor->n_dims };
	for (int i = 0; i < tensor->n_dims; i++)
		value->dims[i] = (uint32_t)tensor->shape[i];
}
