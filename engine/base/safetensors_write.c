/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors_write: writing. The file appears under its name only when it is complete.
 */
#include "engine/base/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/strbuf.h"

#define PREFIX_BYTES 8

static const char *const dtype_names[DTYPE_COUNT] = {
#define X(name, word, bytes, st, npy) [DTYPE_##name] = st,
	DTYPE_MAP(X)
#undef X
};

/* Calls `visit` for every tensor, those with the largest elements first, so that all are aligned. */
static int for_each(
	const struct tensor_set *set, int (*visit)(void *context, const struct named_tensor *item), void *context)
{
	for (size_t bytes = 8; bytes > 0; bytes /= 2) {
		for (size_t i = 0; i < set->n_items; i++) {
			if (dtype_bytes(set->items[i].tensor.dtype) != bytes)
				continue;
			int status = visit(context, &set->items[i]);
			if (status)
				return status;
		}
	}
	return STATUS_OK;
}

struct header_writer {
	struct strbuf text;
	uint64_t offset;
};

static int describe_item(void *context, const struct named_tensor *item)
{
	struct header_writer *header = context;
	const struct tensor *tensor = &item->tensor;
	uint64_t end = header->offset + tensor_bytes(tensor);

	strbuf_addf(&header->text, "%s\"", header->text.length > 1 ? "," : "");
	strbuf_add_json(&header->text, item->name);
	strbuf_addf(&header->text, "\":{\"dtype\":\"%s\",\"shape\":[", dtype_names[tensor->dtype]);
	for (int i = 0; i < tensor->n_dims; i++)
		strbuf_addf(&header->text, "%s%" PRId64, i ? "," : "", tensor->shape[i]);
	strbuf_addf(&header->text, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", header->offset, end);
	header->offset = end;
	return STATUS_OK;
}

/* Padded with blanks so that the data start at a multiple of 8. */
static void describe_set(const struct tensor_set *set, struct header_writer *header)
{
	strbuf_add(&header->text, "{");
	for_each(set, describe_item, header);
	strbuf_add(&header->text, "}");
	while (!header->text.is_failed && header->text.length % 8)
		strbuf_add(&header->text, " ");
}

struct file_writer {
	const char *file;
	int fd;
	struct error *error;
};

static int write_all(const struct file_writer *writer, const void *bytes, size_t n)
{
	const char *at = bytes;
	while (n > 0) {
		ssize_t written = write(writer->fd, at, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return error_set_errno(writer->error,
				errno == ENOSPC || errno == EDQUOT ? STATUS_DISK_FULL : STATUS_SYSTEM,
				"%s cannot be written", writer->file);
		at += written;
		n -= (size_t)written;
	}
	return STATUS_OK;
}

static int write_item(void *context, const struct named_tensor *item)
{
	return write_all(context, item->tensor.data, tensor_bytes(&item->tensor));
}

static int write_set(struct file_writer *writer, const struct tensor_set *set, const struct strbuf *header)
{
	uint8_t prefix[PREFIX_BYTES];

	for (int i = 0; i < PREFIX_BYTES; i++)
		prefix[i] = (uint8_t)((uint64_t)header->length >> (8 * i));
	int status = write_all(writer, prefix, sizeof(prefix));
	if (!status)
		status = write_all(writer, header->text, header->length);
	return status ? status : for_each(set, write_item, writer);
}

/* Writes `temporary` and renames it to `file` when it is complete. */
static int write_file(const char *file, const char *temporary, const struct tensor_set *set, const struct strbuf *header,
	struct error *error)
{
	struct file_writer writer = { .file = file, .error = error };

	writer.fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (writer.fd < 0)
		return error_set_errno(
			error, errno == ENOSPC ? STATUS_DISK_FULL : STATUS_SYSTEM, "%s cannot be created", temporary);
	int status = write_set(&writer, set, header);
	if (close(writer.fd) != 0 && !status)
		status = error_set_errno(
			error, errno == ENOSPC ? STATUS_DISK_FULL : STATUS_SYSTEM, "%s cannot be written", file);
	if (!status && rename(temporary, file) != 0)
		status = error_set_errno(error, STATUS_SYSTEM, "%s cannot be replaced", file);
	if (status)
		unlink(temporary);
	return status;
}

int safetensors_write(const char *file, const struct tensor_set *set, struct error *error)
{
	struct header_writer header = { 0 };
	struct strbuf temporary = STRBUF_INIT;
	int status;

	describe_set(set, &header);
	strbuf_addf(&temporary, "%s.%ld.part", file, (long)getpid());
	if (header.text.is_failed || temporary.is_failed)
		status = error_set(error, STATUS_NO_MEMORY, "no memory for the header of %s", file);
	else
		status = write_file(file, temporary.text, set, &header.text, error);
	strbuf_finish(&header.text);
	strbuf_finish(&temporary);
	return status;
}
