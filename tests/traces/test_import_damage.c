/* SPDX-License-Identifier: Apache-2.0
 *
 * Real traces, cut and damaged at random places: what can be read is imported and the damage told, or one message says why
 * nothing was. With all trials (tests/support/trials.h) at 200 places each.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "engine/base/attributes.h"
#include "tests/support/trials.h"
#include "tests/traces/imported.h"

#define PLACES 200

static struct imported imported;

static void setup(void)
{
	imported_init(&imported);
}

static void teardown(void)
{
	imported_finish(&imported);
}

TestSuite(import_damage, .init = setup, .fini = teardown);

static const char *const samples[] = { "nsys/graph_trace_rtx3060.sqlite", "nsys/saxpy_mpi_schema2.sqlite", "nsys/mfu_2gpu_after.sqlite",
	"kineto/event_sync_multi_stream.json.gz", "kineto/graph_replay_decode.json.gz", "kineto/dlrm_8rank/worker3.json.gz" };

static uint8_t *inflate_all(const uint8_t *bytes, size_t n, size_t *ret_n)
{
	size_t size = n * 60 + 1024;
	uint8_t *text = malloc(size);
	z_stream stream = { .next_in = (Bytef *)bytes, .avail_in = (uInt)n, .next_out = text, .avail_out = (uInt)size };
	cr_assert(text && inflateInit2(&stream, 31) == Z_OK && inflate(&stream, Z_FINISH) == Z_STREAM_END);
	*ret_n = stream.total_out;
	inflateEnd(&stream);
	return text;
}

static int64_t n_rows(const uint8_t *bytes, size_t n)
{
	imported_add(&imported, bytes, n);
	cr_assert_eq(imported_run(&imported), STATUS_OK, "%s", imported.error.text);
	return imported_int(&imported, "SELECT count(*) FROM span");
}

/* A cut file never looks whole: it says that it is cut, or has all rows, or is refused. */
static void cut(const char *sample, const uint8_t *bytes, size_t n, int64_t n_whole, unsigned *seed, int *n_salvaged)
{
	size_t left = (size_t)rand_r(seed) % n;
	imported_add(&imported, bytes, left);
	if (imported_run(&imported) != STATUS_OK)
		return;
	int64_t n_read = imported_int(&imported, "SELECT count(*) FROM span");
	int64_t is_told = imported_int(&imported, "SELECT max(is_cut) AND (SELECT count(*) FROM v_problem) > 0 AND "
		"(SELECT status FROM run) ="
		" 'damaged' FROM v_source");
	cr_expect(n_read <= n_whole, "%s cut at %zu: %" PRId64 " rows of %" PRId64, sample, left, n_read, n_whole);
	cr_expect(is_told || n_read == n_whole, "%s cut at %zu of %zu: %" PRId64 " rows of %" PRId64 " and not a "
		"word", sample, left, n, n_read,
		n_whole);
	*n_salvaged += 1;
}

static void overwrite(const uint8_t *bytes, size_t n, unsigned *seed)
{
	uint8_t *copy = malloc(n);
	cr_assert_not_null(copy);
	memcpy(copy, bytes, n);
	for (int i = 0; i < 8; i++)
		copy[(size_t)rand_r(seed) % n] = (uint8_t)rand_r(seed);
	memset(copy + (size_t)rand_r(seed) % n / 4096 * 4096, rand_r(seed), n >= 8192 ? 1 : 0);
	imported_add(&imported, copy, n);
	imported_run(&imported);
	free(copy);
}

static void try_sample(const char *sample, const uint8_t *bytes, size_t n, int n_places, bool must_salvage)
{
	unsigned seed = (unsigned)n;
	int n_salvaged = 0;
	int64_t n_whole = n_rows(bytes, n);
	for (int i = 0; i < n_places; i++) {
		cut(sample, bytes, n, n_whole, &seed, &n_salvaged);
		overwrite(bytes, n, &seed);
	}
	cr_expect(!must_salvage || n_salvaged > n_places / 3, "%s: %d of %d salvaged", sample, n_salvaged, n_places);
}

Test(import_damage, samples)
{
	int n_places = trials(PLACES) < PLACES ? 3 : PLACES;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		char path[300];
		const char *file = imported_sample(samples[i], path);
		size_t n, n_text;
		if (!file)
			cr_skip_test("the traces are not here");
		uint8_t *bytes = imported_read(file, &n);
		try_sample(samples[i], bytes, n, n_places, false);
		if (bytes[0] == 0x1f) {
			uint8_t *text = inflate_all(bytes, n, &n_text);
			try_sample(samples[i], text, n_text, n_places, true);
			free(text);
		}
		free(bytes);
	}
}

/* Text that nobody wrote: nested without end, brackets and quotes at random. It ends in bounded time. */
Test(import_damage, nonsense, .timeout = 60)
{
	static const char *const pieces[] = { "{\"a\":", "[", "]", "}", ",\n{", "\"", "\\",
		"{\"ph\":\"X\",\"ts\":1,\"dur\":", "1e999", "null", ",", ":" };
	for (int kind = -1; kind < (int)ARRAY_LEN(pieces); kind++) {
		size_t size = 1 << 20, n = 0;
		unsigned seed = 7;
		char *text = malloc(size + 64);
		n += (size_t)sprintf(text, "[{\"ph\":\"X\",\"name\":\"a\",\"ts\":1,\"dur\":1},\n");
		while (n < size) {
			const char *piece = pieces[kind < 0 ? (size_t)rand_r(&seed) % ARRAY_LEN(pieces) : (size_t)kind];
			n += (size_t)sprintf(text + n, "%s", piece);
		}
		imported_add(&imported, text, n);
		int status = imported_run(&imported);
		cr_expect_eq(status, STATUS_OK, "%d: %s", kind, imported.error.text);
		free(text);
	}
}
