/* SPDX-License-Identifier: Apache-2.0
 *
 * server_frames: what server.c and its clients say to each other.
 *
 * Both sides send frames: a header of four 32-bit numbers (little-endian, like all that follows), and `bytes` bytes behind it.
 *     request   magic, id, number of tensors, bytes     the graph's inputs, in order
 *     answer    magic, id, status, bytes                status 0: the graph's results, in order; else an enum tandem_status, and a text
 * A tensor is its dtype (enum tandem_dtype) and number of dimensions, 32 bits each; the dimensions, 64 bits each; the data, and zeros up
 * to a multiple of 8 bytes. A client may send on without waiting for answers; the id, which it chooses, tells what an answer belongs to.
 */
#ifndef TANDEM_EXAMPLES_C_SERVER_FRAMES_H
#define TANDEM_EXAMPLES_C_SERVER_FRAMES_H

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <tandem.h>

enum { FRAME_MAGIC = 0x316d6474, FRAME_BYTES_MAX = 16 << 20 };

struct frame_header {
	uint32_t magic, id, number, bytes;
};

/* Bytes from data + begin to data + end. */
struct buffer {
	char *data;
	size_t begin, end, size;
};

static size_t buffer_used(const struct buffer *buffer)
{
	return buffer->end - buffer->begin;
}

/* Makes room for `bytes` more at data + end. */
static void buffer_reserve(struct buffer *buffer, size_t bytes)
{
	if (buffer->begin)
		memmove(buffer->data, buffer->data + buffer->begin, buffer->end - buffer->begin);
	buffer->end -= buffer->begin;
	buffer->begin = 0;
	if (buffer->end + bytes <= buffer->size)
		return;
	buffer->size = 2 * buffer->end + bytes;
	buffer->data = realloc(buffer->data, buffer->size);
	if (!buffer->data)
		err(1, "memory for a client");
}

static void buffer_add(struct buffer *buffer, const void *bytes, size_t n)
{
	if (buffer->end + n > buffer->size)
		buffer_reserve(buffer, n);
	memcpy(buffer->data + buffer->end, bytes, n);
	buffer->end += n;
}

/* Reads up to `bytes` more, as far as they are there. 1, 0 at the end of the stream, -1 with errno (EAGAIN: nothing is there). */
static int buffer_receive(struct buffer *buffer, int fd, size_t bytes)
{
	buffer_reserve(buffer, bytes);
	ssize_t n = recv(fd, buffer->data + buffer->end, bytes, MSG_DONTWAIT);
	buffer->end += n > 0 ? (size_t)n : 0;
	return n > 0 ? 1 : (int)n;
}

/* Writes what the socket takes. 0, or -1 with errno (EAGAIN: it takes nothing). */
static int buffer_send(struct buffer *buffer, int fd)
{
	if (!buffer_used(buffer))
		return 0;
	ssize_t n = send(fd, buffer->data + buffer->begin, buffer_used(buffer), MSG_DONTWAIT | MSG_NOSIGNAL);
	buffer->begin += n > 0 ? (size_t)n : 0;
	return n < 0 ? -1 : 0;
}

static bool frame_is_valid(const struct frame_header *header)
{
	return header->magic == FRAME_MAGIC && header->bytes <= FRAME_BYTES_MAX;
}

/* The length of the request that begins `in`, as far as it is known. */
static size_t frame_bytes(const struct buffer *in)
{
	const struct frame_header *header = (const struct frame_header *)in->data;
	return sizeof(*header) + (in->end >= sizeof(*header) && frame_is_valid(header) ? header->bytes : 0);
}

/* Appends an answer: results, or why there are none. */
static void frame_answer(struct buffer *out, uint32_t id, const struct tandem_error *error, const struct tandem_result *result)
{
	size_t begin = buffer_used(out);
	struct frame_header header = { FRAME_MAGIC, id, (uint32_t)error->status, 0 };
	buffer_add(out, &header, sizeof(header));
	if (error->status)
		buffer_add(out, error->text, strlen(error->text));
	for (int i = 0; !error->status && i < result->n_outputs; i++) {
		const struct tandem_tensor *tensor = &result->outputs[i];
		uint32_t words[] = { (uint32_t)tensor->dtype, (uint32_t)tensor->n_dims };
		buffer_add(out, words, sizeof(words));
		buffer_add(out, tensor->shape, (size_t)tensor->n_dims * sizeof(tensor->shape[0]));
		buffer_add(out, tensor->data, tandem_tensor_bytes(tensor));
		buffer_add(out, "\0\0\0\0\0\0\0", -tandem_tensor_bytes(tensor) & 7);
	}
	header.bytes = (uint32_t)(buffer_used(out) - begin - sizeof(header));
	memcpy(out->data + out->begin + begin, &header, sizeof(header));
}

/* Finds the tensors in a request; false when it does not consist of `n` of them. */
static bool frame_parse(char *at, size_t left, struct tandem_tensor *tensors, int n)
{
	for (int i = 0; i < n; i++) {
		uint32_t words[2];
		int64_t shape[TANDEM_DIMS_MAX], n_elements = 1;
		if (left < sizeof(words))
			return false;
		memcpy(words, at, sizeof(words));
		size_t bytes = sizeof(words) + words[1] * sizeof(shape[0]);
		if (words[0] > TANDEM_I64 || words[1] > TANDEM_DIMS_MAX || left < bytes)
			return false;
		memcpy(shape, at + sizeof(words), bytes - sizeof(words));
		for (uint32_t d = 0; d < words[1]; d++) {
			if (shape[d] < 0 || shape[d] > FRAME_BYTES_MAX || (n_elements *= shape[d]) > FRAME_BYTES_MAX)
				return false;
		}
		tensors[i] = tandem_tensor_make((int)words[0], (int)words[1], shape, at + bytes);
		bytes += (tandem_tensor_bytes(&tensors[i]) + 7) & ~(size_t)7;
		if (left < bytes)
			return false;
		at += bytes;
		left -= bytes;
	}
	return left == 0;
}


/* A socket that clients find at `path`. Ends the program with a message when there is none to be had. */
static int frame_listen(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= (int)sizeof(address.sun_path))
		errx(1, "%s: too long for a socket's name", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
		err(1, "%s", path);
	return fd;
}

#endif
