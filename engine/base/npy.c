/* SPDX-License-Identifier: Apache-2.0
 *
 * npy: the header is the text of a Python dictionary with three known keys; only that much of the language is understood. It
 * comes from anywhere, so that every size is checked against the file.
 */
#include "engine/base/npy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/strbuf.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_BYTES 6
#define HEADER_BYTES_MAX (1u << 20)
#define WORD_BYTES 16

static const char *const descrs[DTYPE_COUNT] = {
#define X(name, word, bytes, st, npy) [DTYPE_##name] = npy,
	DTYPE_MAP(X)
#undef X
};

struct reader {
	const char *name; /* of the file */
	FILE *file;
	char *header;     /* the dictionary's text */
	const char *at;   /* next character of it */
	struct tensor tensor;
	bool is_fortran, has_descr, has_order, has_shape;
	struct error *error;
};

static int bad_file(const struct reader *reader, const char *format, ...) PRINTF_LIKE(2, 3);

static int bad_file(const struct reader *reader, const char *format, ...)
{
	char text[500];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return error_set(reader->error, STATUS_INPUT, "%s is no usable npy file: %s", reader->name, text);
}

/* -- dictionary -------------------------------------------------------------------------------------------------------- */

static void skip_blanks(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t\r\n");
}

static bool accept(struct reader *reader, char c)
{
	skip_blanks(reader);
	if (*reader->at != c)
		return false;
	reader->at++;
	return true;
}

/* A quoted string without escapes, cut to WORD_BYTES. */
static bool accept_string(struct reader *reader, char word[WORD_BYTES])
{
	skip_blanks(reader);
	char quote = *reader->at;
	if (quote != '\'' && quote != '"')
		return false;
	const char *end = strchr(reader->at + 1, quote);
	if (!end)
		return false;
	snprintf(word, WORD_BYTES, "%.*s", (int)(end - reader->at - 1), reader->at + 1);
	reader->at = end + 1;
	return true;
}

static bool accept_word(struct reader *reader, const char *word)
{
	skip_blanks(reader);
	if (strncmp(reader->at, word, strlen(word)) != 0)
		return false;
	reader->at += strlen(word);
	return true;
}

static int read_descr(struct reader *reader)
{
	char word[WORD_BYTES];

	if (!accept_string(reader, word))
		return bad_file(reader, "descr is no string (structured arrays are not supported)");
	for (int i = 0; i < DTYPE_COUNT; i++) {
		if (strcmp(descrs[i], word) == 0) {
			reader->tensor.dtype = (enum dtype)i;
			reader->has_descr = true;
			return STATUS_OK;
		}
	}
	return bad_file(reader, "descr '%s' is none of <f4 <f8 |i1 |u1 <i4 <i8: convert the array with astype()", word);
}

static int read_order(struct reader *reader)
{
	reader->is_fortran = accept_word(reader, "True");
	if (!reader->is_fortran && !accept_word(reader, "False"))
		return bad_file(reader, "fortran_order is neither True nor False");
	reader->has_order = true;
	return STATUS_OK;
}

static int read_shape(struct reader *reader)
{
	int64_t shape[TENSOR_DIMS_MAX];
	int n = 0;

	if (!accept(reader, '('))
		return bad_file(reader, "shape is no tuple");
	while (!accept(reader, ')')) {
		char *end;
		skip_blanks(reader);
		errno = 0;
		long long size = strtoll(reader->at, &end, 10);
		if (*reader->at < '0' || *reader->at > '9' || errno)
			return bad_file(reader, "shape is no tuple of sizes");
		if (n == TENSOR_DIMS_MAX)
			return bad_file(reader, "it has more than %d dimensions", TENSOR_DIMS_MAX);
		shape[n++] = size;
		reader->at = end;
		if (!accept(reader, ',') && *reader->at != ')')
			return bad_file(reader, "shape is no tuple of sizes");
	}
	reader->tensor.n_dims = n;
	memcpy(reader->tensor.shape, shape, (size_t)n * sizeof(shape[0]));
	reader->has_shape = true;
	return STATUS_OK;
}

static int read_item(struct reader *reader)
{
	static const struct {
		const char *key;
		int (*read)(struct reader *reader);
	} keys[] = { { "descr", read_descr }, { "fortran_order", read_order }, { "shape", read_shape } };
	char key[WORD_BYTES];

	if (!accept_string(reader, key) || !accept(reader, ':'))
		return bad_file(reader, "its header is no dictionary");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].key, key) == 0)
			return keys[i].read(reader);
	}
	return bad_file(reader, "its header has the unknown key '%s'", key);
}

static int parse_header(struct reader *reader)
{
	if (!accept(reader, '{'))
		return bad_file(reader, "its header is no dictionary");
	while (!accept(reader, '}')) {
		int status = read_item(reader);
		if (status)
			return status;
		if (!accept(reader, ',') && *reader->at != '}')
			return bad_file(reader, "its header is no dictionary");
	}
	skip_blanks(reader);
	if (*reader->at || !reader->has_descr || !reader->has_order || !reader->has_shape)
		return bad_file(reader, "its header lacks descr, fortran_order or shape, or goes on behind them");
	if (reader->is_fortran && reader->tensor.n_dims > 1)
		return bad_file(reader, "it is in Fortran order: save numpy.ascontiguousarray(array)");
	return STATUS_OK;
}

/* -- file -------------------------------------------------------------------------------------------------------------- */

static int read_exactly(const struct reader *reader, void *bytes, size_t n)
{
	if (fread(bytes, 1, n, reader->file) == n)
		return STATUS_OK;
	if (ferror(reader->file))
		return error_set_errno(reader->error, STATUS_INPUT, "%s cannot be read", reader->name);
	return bad_file(reader, "it is truncated");
}

static int read_header(struct reader *reader)
{
	uint8_t start[MAGIC_BYTES + 2], length[4] = { 0 };
	int status = read_exactly(reader, start, sizeof(start));

	if (status)
		return status;
	if (memcmp(start, MAGIC, MAGIC_BYTES) != 0)
		return bad_file(reader, "it does not start with \\x93NUMPY");
	if (start[MAGIC_BYTES] < 1 || start[MAGIC_BYTES] > 3)
		return bad_file(
			reader, "it has version %u.%u; 1 to 3 are known", start[MAGIC_BYTES], start[MAGIC_BYTES + 1]);
	status = read_exactly(reader, length, start[MAGIC_BYTES] == 1 ? 2 : 4);
	if (status)
		return status;
	uint32_t n = (uint32_t)length[0] | (uint32_t)length[1] << 8 | (uint32_t)length[2] << 16 | (uint32_t)length[3] << 24;
	if (n > HEADER_BYTES_MAX)
		return bad_file(reader, "its header would be %" PRIu32 " bytes", n);
	reader->header = calloc(1, (size_t)n + 1);
	if (!reader->header)
		return error_set(reader->error, STATUS_NO_MEMORY, "no memory for the header of %s", reader->name);
	reader->at = reader->header;
	status = read_exactly(reader, reader->header, n);
	if (!status && strlen(reader->header) != n)
		return bad_file(reader, "its header is no text");
	return status;
}

/* Bytes that the header promises; *ret_bytes is at most what the file has left. */
static int check_size(const struct reader *reader, size_t *ret_bytes)
{
	uint64_t n = dtype_bytes(reader->tensor.dtype);
	long data_at = ftell(reader->file);

	for (int i = 0; i < reader->tensor.n_dims; i++) {
		if (__builtin_mul_overflow(n, (uint64_t)reader->tensor.shape[i], &n) || n > INT64_MAX)
			return bad_file(reader, "its shape is larger than any file");
	}
	if (data_at < 0 || fseek(reader->file, 0, SEEK_END) != 0)
		return error_set_errno(reader->error, STATUS_INPUT, "%s cannot be read", reader->name);
	long end = ftell(reader->file);
	if (end < 0 || fseek(reader->file, data_at, SEEK_SET) != 0)
		return error_set_errno(reader->error, STATUS_INPUT, "%s cannot be read", reader->name);
	if ((uint64_t)(end - data_at) < n)
		return bad_file(
			reader, "it is truncated: %" PRIu64 " bytes of data are promised, %ld are there", n, end - data_at);
	if ((uint64_t)(end - data_at) > n)
		return bad_file(reader, "%" PRIu64 " bytes follow its data", (uint64_t)(end - data_at) - n);
	*ret_bytes = (size_t)n;
	return STATUS_OK;
}

static int read_data(struct reader *reader)
{
	size_t bytes = 0;
	int status = check_size(reader, &bytes);

	if (status)
		return status;
	void *data = aligned_alloc(TENSOR_ALIGN_BYTES, round_up(bytes ? bytes : 1, TENSOR_ALIGN_BYTES));
	if (!data)
		return error_set(reader->error, STATUS_NO_MEMORY, "no memory for the %zu bytes of %s", bytes, reader->name);
	status = read_exactly(reader, data, bytes);
	if (status) {
		free(data);
		return status;
	}
	reader->tensor = tensor_make(reader->tensor.dtype, reader->tensor.n_dims, reader->tensor.shape, data);
	return STATUS_OK;
}

/* The set takes the data over, also on failure. */
static int add_to_set(const struct reader *reader, const char *name, struct tensor_set *set)
{
	char *copy = strdup(name);
	struct named_tensor *items = realloc(set->items, (set->n_items + 1) * sizeof(*items));

	if (items)
		set->items = items;
	if (!copy || !items) {
		free(copy);
		free(reader->tensor.data);
		return error_set(reader->error, STATUS_NO_MEMORY, "no memory for the tensor of %s", reader->name);
	}
	set->items[set->n_items++] =
		(struct named_tensor){ .name = copy, .tensor = reader->tensor, .memory = reader->tensor.data };
	return STATUS_OK;
}

int npy_read(const char *file, const char *name, struct tensor_set *set, struct error *error)
{
	struct reader reader = { .name = file, .error = error };

	reader.file = fopen(file, "rbe");
	if (!reader.file)
		return error_set_errno(error, STATUS_INPUT, "%s cannot be read", file);
	int status = read_header(&reader);
	if (!status)
		status = parse_header(&reader);
	if (!status)
		status = read_data(&reader);
	if (!status)
		status = add_to_set(&reader, name, set);
	free(reader.header);
	fclose(reader.file);
	return status;
}

/* -- writing ----------------------------------------------------------------------------------------------------------- */

/* The whole header of version 1: padded so that the data start at a multiple of 64. */
static void describe(const struct tensor *tensor, struct strbuf *header)
{
	size_t prefix_bytes = MAGIC_BYTES + 2 + 2;

	strbuf_addf(header, "{'descr': '%s', 'fortran_order': False, 'shape': (", descrs[tensor->dtype]);
	for (int i = 0; i < tensor->n_dims; i++)
		strbuf_addf(header, "%s%" PRId64 "%s", i ? " " : "", tensor->shape[i],
			i + 1 < tensor->n_dims || i == 0 ? "," : "");
	strbuf_add(header, "), }");
	while (!header->is_failed && (prefix_bytes + header->length + 1) % TENSOR_ALIGN_BYTES)
		strbuf_add(header, " ");
	strbuf_add(header, "\n");
}

static bool write_parts(FILE *file, const struct strbuf *header, const struct tensor *tensor)
{
	uint8_t version_and_length[4] = { 1, 0, (uint8_t)header->length, (uint8_t)(header->length >> 8) };
	size_t bytes = tensor_bytes(tensor);

	return fwrite(MAGIC, 1, MAGIC_BYTES, file) == MAGIC_BYTES
		&& fwrite(version_and_length, 1, sizeof(version_and_length), file) == sizeof(version_and_length)
		&& fwrite(header->text, 1, header->length, file) == header->length
		&& fwrite(tensor->data, 1, bytes, file) == bytes && fflush(file) == 0;
}

int npy_write(const char *file, const struct tensor *tensor, struct error *error)
{
	struct strbuf header = STRBUF_INIT;
	int status = STATUS_OK;

	describe(tensor, &header);
	if (header.is_failed) {
		strbuf_finish(&header);
		return error_set(error, STATUS_NO_MEMORY, "no memory for the header of %s", file);
	}
	FILE *out = fopen(file, "wbe");
	if (!out || !write_parts(out, &header, tensor))
		status = error_set_errno(error, errno == ENOSPC || errno == EDQUOT ? STATUS_DISK_FULL : STATUS_SYSTEM,
			"%s cannot be written", file);
	if (out && fclose(out) != 0 && !status)
		status = error_set_errno(
			error, errno == ENOSPC ? STATUS_DISK_FULL : STATUS_SYSTEM, "%s cannot be written", file);
	strbuf_finish(&header);
	return status;
}
