/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors: reading. The header is JSON and comes from anywhere, so every number in it is checked against the file before
 * it is used.
 */
#include "engine/base/safetensors.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/utf8.h"

#define PREFIX_BYTES 8
#define HEADER_BYTES_MAX 100000000u /* limit of the format */
#define EXACT_MAX 9007199254740992.0 /* 2^53: numbers of the header up to here are exact */

static const char *const dtype_names[DTYPE_COUNT] = {
#define X(name, word, bytes, st, npy) [DTYPE_##name] = st,
	DTYPE_MAP(X)
#undef X
};

/* One file while it is being read. */
struct reader {
	const char *file;
	const uint8_t *bytes;
	size_t n_bytes, data_at; /* data_at: where the data start */
	cJSON *header;
	struct entry *entries;
	size_t n_entries;
	struct error *error;
};

/* One tensor of the header. */
struct entry {
	const char *name;
	uint64_t begin, end; /* bytes from the start of the data */
	bool is_known;       /* of a dtype that the engine has, not too many dimensions */
	enum dtype dtype;
	int n_dims;
	int64_t shape[TENSOR_DIMS_MAX];
};

static int bad_file(const struct reader *reader, const char *format, ...) PRINTF_LIKE(2, 3);

static int bad_file(const struct reader *reader, const char *format, ...)
{
	char text[500];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return error_set(reader->error, STATUS_INPUT, "%s is no usable safetensors file: %s", reader->file, text);
}

/* -- mapping ----------------------------------------------------------------------------------------------------------- */

static int map_descriptor(int fd, struct reader *reader)
{
	struct stat info;

	if (fstat(fd, &info) != 0)
		return error_set_errno(reader->error, STATUS_INPUT, "%s cannot be read", reader->file);
	if (!S_ISREG(info.st_mode))
		return bad_file(reader, "it is not a regular file");
	if (info.st_size < PREFIX_BYTES)
		return bad_file(reader, "it has only %lld bytes, a header needs %d or more", (long long)info.st_size,
			PREFIX_BYTES + 2);
	void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return error_set_errno(reader->error, STATUS_SYSTEM, "%s cannot be mapped", reader->file);
	reader->bytes = bytes;
	reader->n_bytes = (size_t)info.st_size;
	return STATUS_OK;
}

static int map_file(struct reader *reader)
{
	int fd = open(reader->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(reader->error, STATUS_INPUT, "%s cannot be read", reader->file);
	int status = map_descriptor(fd, reader);
	close(fd);
	return status;
}

/* -- header ------------------------------------------------------------------------------------------------------------ */

static bool is_utf8(const char *text)
{
	uint32_t code;
	while (*text) {
		size_t length = utf8_decode(text, &code);
		if (!length)
			return false;
		text += length;
	}
	return true;
}

static int parse_header(struct reader *reader)
{
	uint64_t header_bytes = 0;

	for (int i = 0; i < PREFIX_BYTES; i++)
		header_bytes |= (uint64_t)reader->bytes[i] << (8 * i);
	if (header_bytes > HEADER_BYTES_MAX)
		return bad_file(reader, "its header would be %" PRIu64 " bytes, more than the format allows", header_bytes);
	if (header_bytes > reader->n_bytes - PREFIX_BYTES)
		return bad_file(reader, "it is truncated: a header of %" PRIu64 " bytes, but only %zu follow", header_bytes,
			reader->n_bytes - PREFIX_BYTES);
	char *text = malloc((size_t)header_bytes + 1);
	if (!text)
		return error_set(reader->error, STATUS_NO_MEMORY, "no memory for the header of %s", reader->file);
	memcpy(text, reader->bytes + PREFIX_BYTES, (size_t)header_bytes);
	text[header_bytes] = '\0';
	bool is_text = strlen(text) == header_bytes && is_utf8(text) && !strstr(text, "\\u0000");
	if (is_text)
		reader->header = cJSON_ParseWithOpts(text, NULL, true);
	free(text);
	reader->data_at = PREFIX_BYTES + (size_t)header_bytes;
	if (!is_text)
		return bad_file(reader, "its header is not UTF-8 text");
	if (!cJSON_IsObject(reader->header))
		return bad_file(reader, "its header is no JSON object");
	return STATUS_OK;
}

/* A whole number ≥ 0 that is exact. */
static bool read_number(const cJSON *item, uint64_t *ret_number)
{
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || item->valuedouble > EXACT_MAX)
		return false;
	*ret_number = (uint64_t)item->valuedouble;
	return (double)*ret_number == item->valuedouble;
}

static bool read_offsets(const cJSON *offsets, struct entry *entry)
{
	return cJSON_IsArray(offsets) && cJSON_GetArraySize(offsets) == 2 && read_number(offsets->child, &entry->begin)
		&& read_number(offsets->child->next, &entry->end) && entry->begin <= entry->end;
}

/* Sets dtype, shape and is_known; *ret_n_elements is the product of the shape. */
static int read_shape(const struct reader *reader, const cJSON *shape, struct entry *entry, uint64_t *ret_n_elements)
{
	uint64_t n = 1, size;
	const cJSON *item;

	if (!cJSON_IsArray(shape))
		return bad_file(reader, "tensor %s has no shape", entry->name);
	cJSON_ArrayForEach(item, shape) {
		if (!read_number(item, &size))
			return bad_file(reader, "tensor %s has a shape that is no list of sizes", entry->name);
		if (__builtin_mul_overflow(n, size, &n) || n > (uint64_t)EXACT_MAX)
			return bad_file(reader, "tensor %s has a shape larger than any file", entry->name);
		if (entry->n_dims < TENSOR_DIMS_MAX)
			entry->shape[entry->n_dims] = (int64_t)size;
		entry->n_dims++;
	}
	*ret_n_elements = n;
	return STATUS_OK;
}

static bool dtype_of(const char *name, enum dtype *ret_dtype)
{
	for (int i = 0; i < DTYPE_COUNT; i++) {
		if (strcmp(dtype_names[i], name) == 0) {
			*ret_dtype = (enum dtype)i;
			return true;
		}
	}
	return false;
}

static int read_entry(const struct reader *reader, const cJSON *item, struct entry *entry)
{
	const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype");
	uint64_t n_elements = 0, data_bytes = reader->n_bytes - reader->data_at;

	*entry = (struct entry){ .name = item->string };
	if (!cJSON_IsObject(item) || !cJSON_IsString(dtype))
		return bad_file(reader, "tensor %s has no dtype", entry->name);
	if (!read_offsets(cJSON_GetObjectItemCaseSensitive(item, "data_offsets"), entry))
		return bad_file(reader, "tensor %s has no usable data_offsets", entry->name);
	int status = read_shape(reader, cJSON_GetObjectItemCaseSensitive(item, "shape"), entry, &n_elements);
	if (status)
		return status;
	if (entry->end > data_bytes)
		return bad_file(reader, "it is truncated: tensor %s ends at byte %" PRIu64 " of %" PRIu64 " bytes of data",
			entry->name, entry->end, data_bytes);
	entry->is_known = dtype_of(dtype->valuestring, &entry->dtype) && entry->n_dims <= TENSOR_DIMS_MAX;
	if (entry->is_known && n_elements * dtype_bytes(entry->dtype) != entry->end - entry->begin)
		return bad_file(reader, "tensor %s of %" PRIu64 " %s elements has %" PRIu64 " bytes", entry->name,
			n_elements, dtype->valuestring, entry->end - entry->begin);
	return STATUS_OK;
}

static int read_entries(struct reader *reader)
{
	int n = cJSON_GetArraySize(reader->header), status;
	const cJSON *item;

	reader->entries = calloc((size_t)n + 1, sizeof(*reader->entries));
	if (!reader->entries)
		return error_set(reader->error, STATUS_NO_MEMORY, "no memory for the %d tensors of %s", n, reader->file);
	cJSON_ArrayForEach(item, reader->header) {
		if (strcmp(item->string, "__metadata__") == 0)
			continue;
		status = read_entry(reader, item, &reader->entries[reader->n_entries]);
		if (status)
			return status;
		reader->n_entries++;
	}
	return STATUS_OK;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int compare_offsets(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

/* No name twice; the tensors cover the data without a gap or an overlap, as the format demands. Sorts the entries by offset.
 */
static int check_entries(const struct reader *reader)
{
	uint64_t at = 0, data_bytes = reader->n_bytes - reader->data_at;

	qsort(reader->entries, reader->n_entries, sizeof(*reader->entries), compare_names);
	for (size_t i = 1; i < reader->n_entries; i++) {
		if (strcmp(reader->entries[i - 1].name, reader->entries[i].name) == 0)
			return bad_file(reader, "tensor %s is there twice", reader->entries[i].name);
	}
	qsort(reader->entries, reader->n_entries, sizeof(*reader->entries), compare_offsets);
	for (size_t i = 0; i < reader->n_entries; i++) {
		const struct entry *entry = &reader->entries[i];
		if (entry->begin != at)
			return bad_file(reader, "tensor %s starts at byte %" PRIu64 " of the data, %s byte %" PRIu64,
				entry->name, entry->begin,
				entry->begin < at ? "overlapping the one before, which ends at" : "leaving a gap from", at);
		at = entry->end;
	}
	if (at != data_bytes)
		return bad_file(reader, "%" PRIu64 " bytes at its end belong to no tensor", data_bytes - at);
	return STATUS_OK;
}

/* -- reading ----------------------------------------------------------------------------------------------------------- */

static int fill_set(const struct reader *reader, struct tensor_set *set)
{
	set->items = calloc(reader->n_entries + 1, sizeof(*set->items));
	if (!set->items)
		return error_set(reader->error, STATUS_NO_MEMORY, "no memory for the tensors of %s", reader->file);
	for (size_t i = 0; i < reader->n_entries; i++) {
		const struct entry *entry = &reader->entries[i];
		struct named_tensor *item = &set->items[set->n_items];
		if (!entry->is_known)
			continue;
		item->name = strdup(entry->name);
		if (!item->name)
			return error_set(reader->error, STATUS_NO_MEMORY, "no memory for the tensors of %s", reader->file);
		item->tensor = tensor_make(entry->dtype, entry->n_dims, entry->shape,
			(void *)(uintptr_t)(reader->bytes + reader->data_at + entry->begin));
		set->n_items++;
	}
	return STATUS_OK;
}

int safetensors_read(const char *file, struct tensor_set *ret_set, struct error *error)
{
	struct reader reader = { .file = file, .error = error };
	struct tensor_set set = { 0 };
	int status = map_file(&reader);

	if (status)
		return status;
	status = parse_header(&reader);
	if (!status)
		status = read_entries(&reader);
	if (!status)
		status = check_entries(&reader);
	if (!status)
		status = fill_set(&reader, &set);
	set.mapping = (void *)(uintptr_t)reader.bytes;
	set.mapping_bytes = reader.n_bytes;
	free(reader.entries);
	cJSON_Delete(reader.header);
	if (status)
		tensor_set_finish(&set);
	else
		*ret_set = set;
	return status;
}
