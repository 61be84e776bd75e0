/* SPDX-License-Identifier: Apache-2.0
 *
 * target_tensor_files: safetensors and npy. What was accepted is read to the last byte.
 */
#include <string.h>
#include <unistd.h>

#include "engine/base/npy.h"
#include "engine/base/safetensors.h"
#include "tests/fuzz/targets.h"

static void read_all(const struct tensor_set *set)
{
	uint8_t sum = 0;
	for (size_t i = 0; i < set->n_items; i++) {
		const struct tensor *tensor = &set->items[i].tensor;
		const uint8_t *bytes = tensor->data;
		FUZZ_CHECK(set->items[i].name && tensor->n_dims >= 0 && tensor->n_dims <= TENSOR_DIMS_MAX, "tensor %zu", i);
		for (size_t k = 0; k < tensor_bytes(tensor); k++)
			sum ^= bytes[k];
	}
	volatile uint8_t kept = sum;
	(void)kept;
}

static int read_safetensors(const uint8_t *data, size_t n)
{
	struct tensor_set set = { 0 };
	struct error error = { 0 };
	char path[32];
	int fd = fuzz_memory_file(data, n, path), status = safetensors_read(path, &set, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	if (status == STATUS_OK) {
		read_all(&set);
		tensor_set_finish(&set);
	}
	close(fd);
	return 0;
}

static int read_npy(const uint8_t *data, size_t n)
{
	struct tensor_set set = { 0 };
	struct error error = { 0 };
	char path[32];
	int fd = fuzz_memory_file(data, n, path), status = npy_read(path, "x", &set, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	if (status == STATUS_OK)
		read_all(&set);
	tensor_set_finish(&set);
	close(fd);
	return 0;
}

/* The header's length again what it is: it ends at the last brace. */
static size_t repair_safetensors(uint8_t *bytes, size_t n, size_t capacity)
{
	uint64_t end = n;
	while (end > 8 && bytes[end - 1] != '}')
		end--;
	if (end <= 8)
		return n;
	end -= 8;
	memcpy(bytes, &end, sizeof end);
	return n;
}

/* Magic and version of a plain file; the header ends at the first line's end. */
static size_t repair_npy(uint8_t *bytes, size_t n, size_t capacity)
{
	static const uint8_t magic[8] = "\x93NUMPY\x01\x00";
	if (n < 10)
		return n;
	const uint8_t *line_end = memchr(bytes + 10, '\n', n - 10);
	size_t length = line_end ? (size_t)(line_end - bytes) - 9 : n - 10;
	memcpy(bytes, magic, sizeof magic);
	bytes[8] = (uint8_t)length;
	bytes[9] = (uint8_t)(length >> 8);
	return n;
}

static const char *const safetensors_tokens[] = { "{", "}", "[", "]", ":", ",", "\"", "\"dtype\":", "\"shape\":", "\"data_offsets\":",
	"\"__metadata__\":", "\"F32\"", "\"F16\"", "\"I64\"", "\"BOOL\"", "[]", "[0]", "[1,2]", "[0,0]", "[0,8]", "\\u0000", "\\ud800", "1e9", "-1",
	"18446744073709551615", "9223372036854775807", "4294967296", "null", "true", " ", "\"a\"", "\"x\"", NULL };

static const char *const npy_tokens[] = { "{", "}", "(", ")", ",", ":", "'", "'descr'", "'fortran_order'", "'shape'", "'<f4'", "'|i1'", "'>f8'",
	"'<f2'", "False", "True", "(1,)", "()", "(0,)", "(2, 3)", "-1", "18446744073709551615", "4294967296", "\n", " ", "\x93NUMPY", NULL };

static void add_npy_seeds(struct fuzz_corpus *corpus)
{
	static const char *const headers[] = { "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
		"{'descr': '|u1', 'fortran_order': False, 'shape': (), }\n", "{'descr': '<i8', 'fortran_order': False, 'shape': (0,), }\n",
		"{'descr': '<f8', 'fortran_order': True, 'shape': (1, 1, 1, 1, 1, 1), }\n", "{'shape':(3,),'descr':'<f4','fortran_order':False}\n" };
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		uint8_t bytes[256] = { 0 };
		memcpy(bytes + 10, headers[i], strlen(headers[i]));
		size_t n = 10 + strlen(headers[i]);
		repair_npy(bytes, n, sizeof bytes);
		fuzz_corpus_add(corpus, bytes, n + 24);
	}
}

static void add_safetensors_seeds(struct fuzz_corpus *corpus)
{
	static const char *const headers[] = { "{}",
		"{\"__metadata__\":{\"a\":\"b\"},\"x\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
		"{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},\"b\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[3,11]}}",
		("{\"e\":{\"dtype\":\"F16\",\"shape\":[0,5],\"data_offsets\":[0,0]},"
		"\"\\u00e9\":{\"data_offsets\":[0,2],\"dtype\":\"F16\",\"shape\":[1]}}") };
	static const size_t data_bytes[] = { 0, 16, 11, 2 };
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		uint8_t bytes[256] = { 0 };
		size_t n = 8 + strlen(headers[i]);
		memcpy(bytes + 8, headers[i], n - 8);
		repair_safetensors(bytes, n, sizeof bytes);
		fuzz_corpus_add(corpus, bytes, n + data_bytes[i]);
	}
}

const struct fuzz_target fuzz_target_safetensors = {
	.name = "safetensors",
	.one = read_safetensors,
	.add_seeds = add_safetensors_seeds,
	.repair = repair_safetensors,
	.tokens = safetensors_tokens,
	.bytes_max = 4096,
	.n_runs = 15000,
};

const struct fuzz_target fuzz_target_npy = {
	.name = "npy",
	.one = read_npy,
	.add_seeds = add_npy_seeds,
	.repair = repair_npy,
	.tokens = npy_tokens,
	.bytes_max = 2048,
	.n_runs = 15000,
};
