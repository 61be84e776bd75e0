/* SPDX-License-Identifier: Apache-2.0
 *
 * collect: packets between driver and collector.
 */
#include "engine/run/collect.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

int collect_send(int socket_fd, const struct collect_message *message, const char *text)
{
	struct collect_message head = *message;
	size_t length = text ? strlen(text) : 0;
	head.version = COLLECT_VERSION;
	head.text_bytes = length < COLLECT_TEXT_BYTES_MAX ? (uint32_t)length : COLLECT_TEXT_BYTES_MAX;
	struct iovec parts[2] = { { &head, sizeof(head) }, { (void *)(uintptr_t)text, head.text_bytes } };
	struct msghdr packet = { .msg_iov = parts, .msg_iovlen = head.text_bytes ? 2 : 1 };
	ssize_t n;
	do
		n = sendmsg(socket_fd, &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return STATUS_OK;
	return errno == EAGAIN || errno == ENOBUFS ? STATUS_AGAIN : STATUS_PROTOCOL;
}

static int check_packet(const struct collect_message *message, size_t n_bytes, int flags, struct error *error)
{
	if (n_bytes < sizeof(*message) || flags & MSG_TRUNC || message->version != COLLECT_VERSION
		|| message->text_bytes != n_bytes - sizeof(*message))
		return error_set(error, STATUS_PROTOCOL, "a packet of %zu bytes between driver and collector makes no sense",
			n_bytes);
	if (message->status >= STATUS_COUNT)
		return error_set(error, STATUS_PROTOCOL, "a message with unknown status %u between driver and collector", message->status);
	if (message->kind < COLLECT_READY || message->kind > COLLECT_SAVED)
		return error_set(error, STATUS_PROTOCOL, "a message of unknown kind %u between driver and collector",
			message->kind);
	return STATUS_OK;
}

int collect_receive(int socket_fd, struct collect_message *ret_message, char text[COLLECT_TEXT_BYTES_MAX + 1],
	struct error *error)
{
	struct collect_message message = { 0 };
	struct iovec parts[2] = { { &message, sizeof(message) }, { text, COLLECT_TEXT_BYTES_MAX } };
	struct msghdr packet = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t n;
	do
		n = recvmsg(socket_fd, &packet, 0);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return error_set(error, STATUS_STOPPED, "the other end of the collector's socket is closed");
	if (n < 0 && errno == EAGAIN)
		return error_set(error, STATUS_AGAIN, "no message");
	if (n < 0)
		return error_set_errno(error, STATUS_PROTOCOL, "cannot read from the collector's socket");
	int status = check_packet(&message, (size_t)n, packet.msg_flags, error);
	if (status != STATUS_OK)
		return status;
	text[message.text_bytes] = '\0';
	*ret_message = message;
	return STATUS_OK;
}
