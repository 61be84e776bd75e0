/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/base/safetensors.h.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/safetensors.h"
#include "tests/support/temp_file.h"

static struct temp_file file;

static void set_up(void)
{
	temp_file_init(&file, "t.safetensors");
}

static void tear_down(void)
{
	temp_file_finish(&file);
}

TestSuite(safetensors, .init = set_up, .fini = tear_down);

/* Writes prefix, header and n_data bytes 0, 1, 2, …; the prefix says `says` bytes, or the header's length when that is 0. */
static void write_file(const char *header, size_t header_bytes, uint64_t says, size_t n_data)
{
	uint8_t bytes[4096];
	uint64_t length = says ? says : header_bytes;

	cr_assert_lt(8 + header_bytes + n_data, sizeof(bytes));
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(length >> (8 * i));
	memcpy(bytes + 8, header, header_bytes);
	for (size_t i = 0; i < n_data; i++)
		bytes[8 + header_bytes + i] = (uint8_t)i;
	temp_file_write(&file, bytes, 8 + header_bytes + n_data);
}

#define A(type, shape, from, to) "\"a\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"
#define B(type, shape, from, to) "\"b\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static const struct {
	const char *name, *header;
	size_t n_data;
	const char *error; /* NULL: readable */
	size_t n_tensors;
} headers[] = {
	{ "two tensors", "{" A("F32", "[2]", "0", "8") "," B("I64", "[1]", "8", "16") "}", 16, NULL, 2 },
	{ "metadata", "{\"__metadata__\":{\"format\":\"pt\"}," A("U8", "[3]", "0", "3") "}", 3, NULL, 1 },
	{ "scalar", "{" A("F64", "[]", "0", "8") "}", 8, NULL, 1 },
	{ "empty tensor", "{" A("F32", "[0,5]", "0", "0") "}", 0, NULL, 1 },
	{ "no tensor", "{}", 0, NULL, 0 },
	{ "blanks behind", "{" A("F32", "[1]", "0", "4") "}     ", 4, NULL, 1 },
	{ "other order", "{" B("I8", "[4]", "4", "8") "," A("F32", "[1]", "0", "4") "}", 8, NULL, 2 },
	{ "F16 is left out", "{" A("F16", "[2]", "0", "4") "," B("F32", "[1]", "4", "8") "}", 8, NULL, 1 },
	{ "seven dimensions are left out", "{" A("F32", "[1,1,1,1,1,1,1]", "0", "4") "}", 4, NULL, 0 },
	{ "not JSON", "{\"a\":", 0, "its header is no JSON object", 0 },
	{ "array", "[1,2]", 0, "its header is no JSON object", 0 },
	{ "empty", "", 0, "no JSON object", 0 },
	{ "more behind the object", "{} {}", 0, "no JSON object", 0 },
	{ "not UTF-8", "{\"a\xff\":1}", 0, "its header is not UTF-8 text", 0 },
	{ "NUL in a name", "{\"a\\u0000\":1}", 0, "its header is not UTF-8 text", 0 },
	{ "tensor is no object", "{\"a\":1}", 0, "tensor a has no dtype", 0 },
	{ "no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor a has no dtype", 0 },
	{ "no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "tensor a has no shape", 0 },
	{ "no offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor a has no usable data_offsets", 0 },
	{ "one offset", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4]}}", 4, "no usable data_offsets", 0 },
	{ "negative size", "{" A("F32", "[-1]", "0", "4") "}", 4, "tensor a has a shape that is no list of sizes", 0 },
	{ "broken size", "{" A("F32", "[1.5]", "0", "4") "}", 4, "no list of sizes", 0 },
	{ "size as text", "{" A("F32", "[\"1\"]", "0", "4") "}", 4, "no list of sizes", 0 },
	{ "negative offset", "{" A("F32", "[1]", "-4", "0") "}", 4, "no usable data_offsets", 0 },
	{ "backward offsets", "{" A("F32", "[1]", "4", "0") "}", 4, "no usable data_offsets", 0 },
	{ "huge offset", "{" A("F32", "[1]", "0", "1e300") "}", 4, "no usable data_offsets", 0 },
	{ "product wraps", "{" A("F32", "[4294967296,4294967296]", "0", "0") "}", 0, "a shape larger than any file", 0 },
	{ "wrong size", "{" A("F32", "[3]", "0", "8") "}", 8, "tensor a of 3 F32 elements has 8 bytes", 0 },
	{ "truncated", "{" A("F32", "[4]", "0", "16") "}", 12, "it is truncated: tensor a ends at byte 16 of 12", 0 },
	{ "overlap", "{" A("F32", "[2]", "0", "8") "," B("F32", "[2]", "4", "12") "}", 12,
		"tensor b starts at byte 4 of the data, overlapping", 0 },
	{ "same place", "{" A("F32", "[2]", "0", "8") "," B("F32", "[2]", "0", "8") "}", 8, "overlapping", 0 },
	{ "gap", "{" A("F32", "[1]", "0", "4") "," B("F32", "[1]", "8", "12") "}", 12, "leaving a gap from byte 4", 0 },
	{ "bytes behind", "{" A("F32", "[1]", "0", "4") "}", 9, "5 bytes at its end belong to no tensor", 0 },
	{ "twice", "{" A("F32", "[1]", "0", "4") "," A("F32", "[1]", "4", "8") "}", 8, "tensor a is there twice", 0 },
};

Test(safetensors, headers)
{
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		struct tensor_set set = { 0 };
		struct error error = { 0 };
		write_file(headers[i].header, strlen(headers[i].header), 0, headers[i].n_data);
		int status = safetensors_read(file.path, &set, &error);
		if (headers[i].error)
			cr_expect(status == STATUS_INPUT && strstr(error.text, headers[i].error) &&
					  strstr(error.text, file.path),
				"%s: status %d '%s', expected '%s'", headers[i].name, status, error.text, headers[i].error);
		else
			cr_expect(status == STATUS_OK && set.n_items == headers[i].n_tensors,
				"%s: status %d '%s', %zu tensors, expected %zu", headers[i].name, status, error.text,
				set.n_items, headers[i].n_tensors);
		tensor_set_finish(&set);
	}
}

static const struct {
	const char *name;
	uint64_t says;
	const char *error;
} prefixes[] = {
	{ "longer than the file", 1000, "it is truncated: a header of 1000 bytes, but only 2 follow" },
	{ "longer than allowed", 100000001, "more than the format allows" },
	{ "negative", UINT64_MAX, "more than the format allows" },
};

Test(safetensors, header_lengths)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		struct tensor_set set = { 0 };
		struct error error = { 0 };
		write_file("{}", 2, prefixes[i].says, 0);
		int status = safetensors_read(file.path, &set, &error);
		cr_expect(status == STATUS_INPUT && strstr(error.text, prefixes[i].error),
			"%s: status %d '%s', expected '%s'", prefixes[i].name, status, error.text, prefixes[i].error);
	}
}

Test(safetensors, no_file_short_file_directory)
{
	struct tensor_set set = { 0 };
	struct error error = { 0 };

	cr_expect_eq(safetensors_read(file.path, &set, &error), STATUS_INPUT);
	cr_expect(strstr(error.text, "cannot be read: No such file"), "'%s'", error.text);
	temp_file_write(&file, "abc", 3);
	cr_expect_eq(safetensors_read(file.path, &set, &error), STATUS_INPUT);
	cr_expect(strstr(error.text, "only 3 bytes"), "'%s'", error.text);
	cr_expect_eq(safetensors_read("/tmp", &set, &error), STATUS_INPUT);
	cr_expect(strstr(error.text, "not a regular file"), "'%s'", error.text);
}

/* A set of all dtypes, with names that need escaping. */
static struct tensor_set make_set(struct named_tensor *items)
{
	static uint8_t data[DTYPE_COUNT][128];
	static const char *const names[DTYPE_COUNT] = { "plain", "with \"quotes\"", "tab\there", "ü", "back\\slash", "" };

	for (int i = 0; i < DTYPE_COUNT; i++) {
		int64_t shape[2] = { i % 3, i + 1 };
		for (int k = 0; k < 128; k++)
			data[i][k] = (uint8_t)(i * 128 + k);
		items[i] = (struct named_tensor){ .name = (char *)(uintptr_t)names[i] };
		items[i].tensor = tensor_make((enum dtype)i, i == 1 ? 0 : 2, shape, data[i]);
	}
	return (struct tensor_set){ .items = items, .n_items = DTYPE_COUNT };
}

Test(safetensors, reads_back_what_it_wrote)
{
	struct named_tensor items[DTYPE_COUNT];
	struct tensor_set set = make_set(items), back = { 0 };
	struct error error = { 0 };

	cr_assert_eq(safetensors_write(file.path, &set, &error), STATUS_OK, "%s", error.text);
	cr_expect_eq(temp_file_count(&file), 1, "%d files, expected 1", temp_file_count(&file));
	cr_assert_eq(safetensors_read(file.path, &back, &error), STATUS_OK, "%s", error.text);
	cr_expect_eq(back.n_items, set.n_items, "%zu tensors, expected %zu", back.n_items, set.n_items);
	for (size_t i = 0; i < set.n_items; i++) {
		const struct tensor *is = tensor_set_find(&back, items[i].name);
		cr_assert_not_null(is, "'%s' is missing", items[i].name);
		cr_expect(is->dtype == items[i].tensor.dtype && tensor_same_shape(is, &items[i].tensor), "'%s': other type",
			items[i].name);
		cr_expect_arr_eq(is->data, items[i].tensor.data, tensor_bytes(is), "'%s': other data", items[i].name);
		cr_expect_eq((uintptr_t)is->data % dtype_bytes(is->dtype), 0, "'%s' is not aligned", items[i].name);
	}
	tensor_set_finish(&back);
}

/* With a limit on the file size a write fails half-way; SIGXFSZ is ignored so that it returns EFBIG. */
Test(safetensors, a_failed_write_leaves_nothing)
{
	int64_t shape = 100000;
	struct named_tensor item = { .name = (char *)(uintptr_t)"x",
		.tensor = tensor_make(DTYPE_F32, 1, &shape, calloc(100000, 4)) };
	struct tensor_set set = { .items = &item, .n_items = 1 };
	struct rlimit limit = { 100000, 100000 };
	struct error error = { 0 };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	int status = safetensors_write(file.path, &set, &error);
	cr_expect_eq(status, STATUS_SYSTEM, "status %d '%s'", status, error.text);
	cr_expect_eq(temp_file_count(&file), 0, "%d files are left", temp_file_count(&file));
	status = safetensors_write("/nowhere/x.safetensors", &set, &error);
	cr_expect(status == STATUS_SYSTEM && strstr(error.text, "/nowhere"), "status %d '%s'", status, error.text);
	free(item.tensor.data);
}

/* Two writers never share a temporary file. */
Test(safetensors, a_foreign_temporary_file_is_not_taken_over)
{
	struct named_tensor items[DTYPE_COUNT];
	struct tensor_set set = make_set(items);
	struct error error = { 0 };
	char part[100];

	snprintf(part, sizeof(part), "%s.%ld.part", file.path, (long)getpid());
	cr_assert_eq(symlink("/dev/null", part), 0);
	int status = safetensors_write(file.path, &set, &error);
	cr_expect_eq(status, STATUS_SYSTEM, "status %d '%s'", status, error.text);
	cr_expect_eq(unlink(part), 0);
}

/* Reads every byte that a set promises. */
static uint64_t digest(const struct tensor_set *set)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < set->n_items; i++) {
		const uint8_t *bytes = set->items[i].tensor.data;
		for (size_t k = 0; k < tensor_bytes(&set->items[i].tensor); k++)
			sum = sum * 31 + bytes[k];
	}
	return sum;
}

Test(safetensors, damaged_files_are_refused_or_read_in_bounds)
{
	struct named_tensor items[DTYPE_COUNT];
	struct tensor_set set = make_set(items);
	struct error error = { 0 };
	uint64_t seed = 1, sum = 0;
	size_t n, n_read = 0, n_refused = 0;

	cr_assert_eq(safetensors_write(file.path, &set, &error), STATUS_OK, "%s", error.text);
	uint8_t *original = temp_file_read(&file, &n), *bytes = malloc(n);
	for (int i = 0; i < 20000; i++) {
		struct tensor_set back = { 0 };
		memcpy(bytes, original, n);
		temp_file_write(&file, bytes, temp_file_mutate(bytes, n, &seed));
		int status = safetensors_read(file.path, &back, &error);
		n_read += status == STATUS_OK;
		n_refused += status == STATUS_INPUT && error.text[0];
		cr_expect(status == STATUS_OK || status == STATUS_INPUT, "round %d: status %d '%s'", i, status, error.text);
		sum += digest(&back);
		tensor_set_finish(&back);
	}
	cr_expect(n_read > 100 && n_refused > 1000, "%zu read, %zu refused (%" PRIu64 ")", n_read, n_refused, sum);
	free(original);
	free(bytes);
}
