/* SPDX-License-Identifier: Apache-2.0
 *
 * Tests of engine/base/npy.h.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "engine/base/npy.h"
#include "tests/support/temp_file.h"

static struct temp_file file;

static void set_up(void)
{
	temp_file_init(&file, "t.npy");
}

static void tear_down(void)
{
	temp_file_finish(&file);
}

TestSuite(npy, .init = set_up, .fini = tear_down);

static void write_file(int version, const char *header, size_t header_bytes, size_t n_data)
{
	uint8_t bytes[2048] = "\x93NUMPY";
	size_t at = 8, n_length = version == 1 ? 2 : 4;

	bytes[6] = (uint8_t)version;
	for (size_t i = 0; i < n_length; i++)
		bytes[at++] = (uint8_t)(header_bytes >> (8 * i));
	memcpy(bytes + at, header, header_bytes);
	at += header_bytes;
	for (size_t i = 0; i < n_data; i++)
		bytes[at + i] = (uint8_t)i;
	temp_file_write(&file, bytes, at + n_data);
}

#define HEADER(descr, order, shape) "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }\n"

static const struct {
	const char *name;
	int version;
	const char *header;
	size_t n_data;
	const char *error;       /* NULL: readable as */
	const char *description;
} headers[] = {
	{ "matrix", 1, HEADER("<f4", "False", "(2, 3)"), 24, NULL, "f32[2,3]" },
	{ "version 2", 2, HEADER("<i8", "False", "(1,)"), 8, NULL, "i64[1]" },
	{ "version 3", 3, HEADER("|u1", "False", "(3,)"), 3, NULL, "u8[3]" },
	{ "scalar", 1, HEADER("<f8", "False", "()"), 8, NULL, "f64[]" },
	{ "empty", 1, HEADER("<i4", "False", "(0, 4)"), 0, NULL, "i32[0,4]" },
	{ "vector in Fortran order", 1, HEADER("|i1", "True", "(5,)"), 5, NULL, "i8[5]" },
	{ "other order of keys", 1, "{\"shape\":(2,),\"descr\":\"<f4\",\"fortran_order\":False}", 8, NULL, "f32[2]" },
	{ "Fortran order", 1, HEADER("<f4", "True", "(2, 3)"), 24, "it is in Fortran order", NULL },
	{ "big-endian", 1, HEADER(">f4", "False", "(2,)"), 8, "descr '>f4' is none of <f4 <f8", NULL },
	{ "half", 1, HEADER("<f2", "False", "(2,)"), 4, "descr '<f2' is none of", NULL },
	{ "structured", 1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4, "descr is no string",
		NULL },
	{ "unknown key", 1, "{'descr': '<f4', 'x': 1}", 0, "the unknown key 'x'", NULL },
	{ "missing key", 1, "{'descr': '<f4', 'shape': (1,)}", 4, "lacks descr, fortran_order or shape", NULL },
	{ "text behind", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", 4, "goes on behind", NULL },
	{ "no dictionary", 1, "hello", 0, "its header is no dictionary", NULL },
	{ "cut dictionary", 1, "{'descr': '<f4', ", 0, "its header is no dictionary", NULL },
	{ "cut string", 1, "{'descr: ", 0, "its header is no dictionary", NULL },
	{ "order", 1, HEADER("<f4", "No", "(1,)"), 4, "neither True nor False", NULL },
	{ "shape is a list", 1, HEADER("<f4", "False", "[1]"), 4, "shape is no tuple", NULL },
	{ "negative size", 1, HEADER("<f4", "False", "(-1,)"), 4, "shape is no tuple of sizes", NULL },
	{ "huge size", 1, HEADER("<f4", "False", "(99999999999999999999,)"), 4, "shape is no tuple of sizes", NULL },
	{ "product wraps", 1, HEADER("<f4", "False", "(4294967296, 4294967296)"), 0, "larger than any file", NULL },
	{ "seven dimensions", 1, HEADER("<f4", "False", "(1,1,1,1,1,1,1)"), 4, "more than 6 dimensions", NULL },
	{ "truncated", 1, HEADER("<f4", "False", "(2, 3)"), 20,
		"it is truncated: 24 bytes of data are promised, 20 are there", NULL },
	{ "bytes behind", 1, HEADER("<f4", "False", "(2, 3)"), 25, "1 bytes follow its data", NULL },
	{ "version 4", 4, HEADER("<f4", "False", "(1,)"), 4, "it has version 4.0", NULL },
};

Test(npy, headers)
{
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		struct tensor_set set = { 0 };
		struct error error = { 0 };
		char text[100] = "";
		write_file(headers[i].version, headers[i].header, strlen(headers[i].header), headers[i].n_data);
		int status = npy_read(file.path, "x", &set, &error);
		if (set.n_items)
			tensor_describe(&set.items[0].tensor, text, sizeof(text));
		if (headers[i].error)
			cr_expect(status == STATUS_INPUT && strstr(error.text, headers[i].error) &&
					  strstr(error.text, file.path),
				"%s: status %d '%s', expected '%s'", headers[i].name, status, error.text, headers[i].error);
		else
			cr_expect(status == STATUS_OK && strcmp(text, headers[i].description) == 0,
				"%s: status %d '%s' %s, expected %s", headers[i].name, status, error.text, text,
				headers[i].description);
		tensor_set_finish(&set);
	}
}

static const struct {
	const char *name, *bytes;
	size_t n;
	const char *error;
} starts[] = {
	{ "nothing", "", 0, "it is truncated" },
	{ "other magic", "PK\3\4aaaaaaaa", 12, "does not start with" },
	{ "no length", "\x93NUMPY\1\0", 8, "it is truncated" },
	{ "header is cut", "\x93NUMPY\1\0\x50\0{'descr'", 18, "it is truncated" },
	{ "huge header", "\x93NUMPY\2\0\xff\xff\xff\xff", 12, "its header would be 4294967295 bytes" },
	{ "NUL in the header", "\x93NUMPY\1\0\4\0{\0}\n", 14, "its header is no text" },
};

Test(npy, starts)
{
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		struct tensor_set set = { 0 };
		struct error error = { 0 };
		temp_file_write(&file, starts[i].bytes, starts[i].n);
		int status = npy_read(file.path, "x", &set, &error);
		cr_expect(status == STATUS_INPUT && strstr(error.text, starts[i].error), "%s: status %d '%s', expected '%s'",
			starts[i].name, status, error.text, starts[i].error);
	}
}

Test(npy, reads_back_what_it_wrote)
{
	static const int64_t shapes[][3] = { { 2, 3, 4 }, { 1, 1, 1 }, { 0, 5, 2 }, { 7, 1, 3 } };
	uint8_t data[200];
	struct tensor_set set = { 0 };
	struct error error = { 0 };

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
		for (int n_dims = 0; n_dims <= 3; n_dims++) {
			struct tensor tensor = tensor_make((enum dtype)dtype, n_dims, shapes[(dtype + n_dims) % 4], data);
			char a[100], b[100];
			cr_assert_eq(npy_write(file.path, &tensor, &error), STATUS_OK, "%s", error.text);
			cr_assert_eq(npy_read(file.path, "x", &set, &error), STATUS_OK, "%s", error.text);
			const struct tensor *is = &set.items[set.n_items - 1].tensor;
			tensor_describe(is, a, sizeof(a));
			tensor_describe(&tensor, b, sizeof(b));
			cr_expect_str_eq(a, b, "%s, expected %s", a, b);
			cr_expect_arr_eq(is->data, data, tensor_bytes(is), "%s: other data", b);
			cr_expect_eq((uintptr_t)is->data % TENSOR_ALIGN_BYTES, 0, "%s is not aligned", b);
		}
	}
	cr_expect_eq(set.n_items, DTYPE_COUNT * 4, "%zu tensors", set.n_items);
	tensor_set_finish(&set);
}

/* NumPy's own bytes: the data start at a multiple of 64, the header ends with a newline. */
Test(npy, layout_is_numpys)
{
	int64_t shape[] = { 2, 2 };
	float data[4] = { 1, 2, 3, 4 };
	struct tensor tensor = tensor_make(DTYPE_F32, 2, shape, data);
	struct error error = { 0 };
	size_t n;

	cr_assert_eq(npy_write(file.path, &tensor, &error), STATUS_OK, "%s", error.text);
	uint8_t *bytes = temp_file_read(&file, &n);
	const char *header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
	cr_expect_eq(n, 128 + 16, "%zu bytes", n);
	cr_expect_arr_eq(bytes + 10, header, strlen(header), "header is '%.60s'", bytes + 10);
	cr_expect_eq(bytes[127], '\n');
	free(bytes);
}

Test(npy, a_full_disk_and_a_missing_directory)
{
	int64_t shape = 4;
	float data[4] = { 0 };
	struct tensor tensor = tensor_make(DTYPE_F32, 1, &shape, data);
	struct tensor_set set = { 0 };
	struct error error = { 0 };

	int status = npy_write("/dev/full", &tensor, &error);
	cr_expect_eq(status, STATUS_DISK_FULL, "status %d '%s'", status, error.text);
	status = npy_write("/nowhere/x.npy", &tensor, &error);
	cr_expect(status == STATUS_SYSTEM && strstr(error.text, "/nowhere/x.npy"), "status %d '%s'", status, error.text);
	status = npy_read("/nowhere/x.npy", "x", &set, &error);
	cr_expect(status == STATUS_INPUT && strstr(error.text, "No such file"), "status %d '%s'", status, error.text);
}

Test(npy, damaged_files_are_refused_or_read_in_bounds)
{
	int64_t shape[] = { 4, 8 };
	float data[32] = { 1, 2, 3 };
	struct tensor tensor = tensor_make(DTYPE_F32, 2, shape, data);
	struct error error = { 0 };
	uint64_t seed = 7;
	size_t n, n_read = 0, n_refused = 0;

	cr_assert_eq(npy_write(file.path, &tensor, &error), STATUS_OK, "%s", error.text);
	uint8_t *original = temp_file_read(&file, &n), *bytes = malloc(n);
	for (int i = 0; i < 20000; i++) {
		struct tensor_set set = { 0 };
		memcpy(bytes, original, n);
		temp_file_write(&file, bytes, temp_file_mutate(bytes, n, &seed));
		int status = npy_read(file.path, "x", &set, &error);
		n_read += status == STATUS_OK;
		n_refused += status == STATUS_INPUT && error.text[0];
		cr_expect(status == STATUS_OK || status == STATUS_INPUT, "round %d: status %d '%s'", i, status, error.text);
		tensor_set_finish(&set);
	}
	cr_expect(n_read > 100 && n_refused > 1000, "%zu read, %zu refused", n_read, n_refused);
	free(original);
	free(bytes);
}
