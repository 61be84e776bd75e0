/* SPDX-License-Identifier: Apache-2.0
 *
 * import_input: a plain file is read where it is asked for; a gzip file is inflated ahead by a thread into two buffers that change hands.
 *
 *     buffer:  EMPTY ──thread fills──► FULL ──reader has copied all──► EMPTY
 */
#include "traces/import_input.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define BUFFER_BYTES (1u << 20)
#define FILE_BYTES (256u << 10)

struct buffer {
	char bytes[BUFFER_BYTES];
	size_t n, at;
	bool is_full, is_last;
	int status;          /* is_last: why it ends */
	struct error error;
};

struct import_input {
	int fd;
	uint64_t size;
	_Atomic uint64_t n_read;
	bool is_gzip;

	/* gzip: the thread's */
	pthread_t thread;
	bool has_thread;
	unsigned char file_bytes[FILE_BYTES];
	z_stream stream;
	bool has_stream;

	/* both's, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ends;
	struct buffer buffers[2];
	int reading;         /* the reader's: which buffer */
};

static int read_file(struct import_input *input, void *bytes, size_t size, size_t *ret_n, struct error *error)
{
	ssize_t n;
	do
		n = read(input->fd, bytes, size);
	while (n < 0 && errno == EINTR);
	*ret_n = n < 0 ? 0 : (size_t)n;
	if (n < 0)
		return error_set_errno(error, STATUS_INPUT, "cannot read the file");
	atomic_fetch_add_explicit(&input->n_read, (uint64_t)n, memory_order_relaxed);
	return STATUS_OK;
}

/* Gets more of the compressed bytes; *ret_ended at the end of the file. */
static int feed(struct import_input *input, bool *ret_ended, struct error *error)
{
	size_t n;
	int status = read_file(input, input->file_bytes, FILE_BYTES, &n, error);
	input->stream.next_in = input->file_bytes;
	input->stream.avail_in = (uInt)n;
	*ret_ended = n == 0;
	return status;
}

/* The next member, if another one follows; what is no member (padding) ends the text. */
static int begin_member(struct import_input *input, bool *ret_is_end, struct error *error)
{
	if (inflateReset(&input->stream) != Z_OK)
		return error_set(error, STATUS_INPUT, "the compressed data cannot be read on");
	if (!input->stream.avail_in) {
		int status = feed(input, ret_is_end, error);
		if (status != STATUS_OK || *ret_is_end)
			return status;
	}
	*ret_is_end = input->stream.next_in[0] != 0x1f;
	return STATUS_OK;
}

static int inflate_more(struct import_input *input, bool *ret_is_end, struct error *error)
{
	z_stream *stream = &input->stream;
	if (!stream->avail_in) {
		bool has_ended;
		int status = feed(input, &has_ended, error);
		if (status != STATUS_OK)
			return status;
		if (has_ended)
			return error_set(error, STATUS_INPUT, "the compressed file is cut: it ends in the middle");
	}
	int code = inflate(stream, Z_NO_FLUSH);
	if (code == Z_STREAM_END)
		return begin_member(input, ret_is_end, error);
	if (code == Z_MEM_ERROR)
		return error_set(error, STATUS_NO_MEMORY, "no memory for inflating");
	if (code != Z_OK && code != Z_BUF_ERROR)
		return error_set(error, STATUS_INPUT, "the compressed data are damaged "
			"(%s)", stream->msg ? stream->msg : "no reason given");
	return STATUS_OK;
}

/* Fills one buffer; it is the last one when the text ends with it. */
static void fill(struct import_input *input, struct buffer *buffer)
{
	input->stream.next_out = (unsigned char *)buffer->bytes;
	input->stream.avail_out = BUFFER_BYTES;
	buffer->status = STATUS_OK;
	while (input->stream.avail_out && !buffer->is_last && buffer->status == STATUS_OK)
		buffer->status = inflate_more(input, &buffer->is_last, &buffer->error);
	buffer->is_last = buffer->is_last || buffer->status != STATUS_OK;
	buffer->n = BUFFER_BYTES - input->stream.avail_out;
	buffer->at = 0;
}

static void *inflate_main(void *argument)
{
	struct import_input *input = argument;
	pthread_mutex_lock(&input->lock);
	for (int i = 0;; i = !i) {
		struct buffer *buffer = &input->buffers[i];
		while (buffer->is_full && !input->ends)
			pthread_cond_wait(&input->changed, &input->lock);
		if (input->ends)
			break;
		pthread_mutex_unlock(&input->lock);
		fill(input, buffer);
		pthread_mutex_lock(&input->lock);
		buffer->is_full = true;
		pthread_cond_signal(&input->changed);
		if (buffer->is_last)
			break;
	}
	pthread_mutex_unlock(&input->lock);
	return NULL;
}

static int start_gzip(struct import_input *input, struct error *error)
{
	if (inflateInit2(&input->stream, 15 + 16) != Z_OK)
		return error_set(error, STATUS_NO_MEMORY, "no memory for inflating");
	input->has_stream = true;
	int code = pthread_create(&input->thread, NULL, inflate_main, input);
	input->has_thread = code == 0;
	errno = code;
	return code ? error_set_errno(error, STATUS_SYSTEM, "cannot start a thread for inflating") : STATUS_OK;
}

int import_input_open(const char *file, struct error *error, struct import_input **ret_input)
{
	unsigned char magic[2];
	struct stat stat;
	struct import_input *input = calloc(1, sizeof *input);
	if (!input)
		return error_set(error, STATUS_NO_MEMORY, "no memory for reading a file");
	pthread_mutex_init(&input->lock, NULL);
	pthread_cond_init(&input->changed, NULL);
	input->fd = open(file, O_RDONLY | O_CLOEXEC);
	int status = STATUS_OK;
	if (input->fd < 0 || fstat(input->fd, &stat) < 0)
		status = error_set_errno(error, STATUS_INPUT, "cannot open the file");
	else if (S_ISDIR(stat.st_mode))
		status = error_set(error, STATUS_INPUT, "it is a folder");
	if (status == STATUS_OK) {
		input->size = (uint64_t)stat.st_size;
		input->is_gzip = pread(input->fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
		if (input->is_gzip)
			status = start_gzip(input, error);
	}
	if (status != STATUS_OK)
		import_input_close(input);
	else
		*ret_input = input;
	return status;
}

void import_input_close(struct import_input *input)
{
	if (!input)
		return;
	if (input->has_thread) {
		pthread_mutex_lock(&input->lock);
		input->ends = true;
		pthread_cond_signal(&input->changed);
		pthread_mutex_unlock(&input->lock);
		pthread_join(input->thread, NULL);
	}
	if (input->has_stream)
		inflateEnd(&input->stream);
	if (input->fd >= 0)
		close(input->fd);
	pthread_cond_destroy(&input->changed);
	pthread_mutex_destroy(&input->lock);
	free(input);
}

/* Whole buffers change hands; how they end is told behind their last byte. */
static int read_inflated(struct import_input *input, char *bytes, size_t size, size_t *ret_n, struct error *error)
{
	struct buffer *buffer = &input->buffers[input->reading];
	pthread_mutex_lock(&input->lock);
	while (!buffer->is_full)
		pthread_cond_wait(&input->changed, &input->lock);
	pthread_mutex_unlock(&input->lock);
	size_t n = buffer->n - buffer->at;
	n = n < size ? n : size;
	memcpy(bytes, buffer->bytes + buffer->at, n);
	buffer->at += n;
	*ret_n = n;
	if (!n && buffer->is_last && buffer->status != STATUS_OK)
		*error = buffer->error;
	if (!n && buffer->is_last)
		return buffer->status;
	if (buffer->at == buffer->n && !buffer->is_last) {
		pthread_mutex_lock(&input->lock);
		buffer->is_full = false;
		pthread_cond_signal(&input->changed);
		pthread_mutex_unlock(&input->lock);
		input->reading = !input->reading;
		if (!n)
			return read_inflated(input, bytes, size, ret_n, error);
	}
	return STATUS_OK;
}

int import_input_read(void *user, char *bytes, size_t size, size_t *ret_n, struct error *error)
{
	struct import_input *input = user;
	return input->is_gzip ? read_inflated(input, bytes, size, ret_n, error) : read_file(input, bytes, size, ret_n, error);
}

uint64_t import_input_at(const struct import_input *input, uint64_t *ret_size)
{
	*ret_size = input->size;
	return atomic_load_explicit(&input->n_read, memory_order_relaxed);
}

uint64_t import_file_bytes(const char *file)
{
	struct stat info;
	return stat(file, &info) == 0 ? (uint64_t)info.st_size : 0;
}
