/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts about real traces, published beside them: each is asked of the imported file in SQL. Skipped where the traces are not there.
 */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/traces/imported.h"

static struct imported imported;
static cJSON *facts;

static void setup(void)
{
	char path[300];
	imported_init(&imported);
	const char *file = imported_sample("facts.json", path);
	if (!file)
		cr_skip_test("the traces are not here");
	size_t n;
	char *text = (char *)imported_read(file, &n);
	facts = cJSON_ParseWithLength(text, n);
	free(text);
	cr_assert_not_null(facts);
}

static void teardown(void)
{
	cJSON_Delete(facts);
	facts = NULL;
	imported_finish(&imported);
}

TestSuite(import_facts, .init = setup, .fini = teardown);

/* A fact by its path in facts.json ("kernels.count", "kernels.nccl.1"), and what gives it; NULL facts are not asked. */
struct fact {
	const char *path, *sql;
};

#define SUMS(name, view) \
	{ name ".count", "SELECT count(*) FROM " view }, { name ".sum_dur_ns", "SELECT coalesce(sum(duration_ns), 0) FROM " view }
#define CALLS_OF_KERNELS "v_kernel k LEFT JOIN (SELECT process, correlation, count(*) AS n FROM v_api GROUP BY process, correlation) a" \
	" ON a.process = k.process AND a.correlation = k.correlation"
#define WORK "(SELECT launch FROM v_kernel UNION ALL SELECT launch FROM v_memcpy UNION ALL SELECT launch FROM v_memset)"
#define COUNT(what) "SELECT coalesce((SELECT n FROM v_import_count WHERE what = '" what "'), 0)"

static const struct fact common[] = {
	SUMS("kernels", "v_kernel"), SUMS("memcpy", "v_memcpy"), SUMS("memset", "v_memset"),
	{ "memcpy.bytes", "SELECT coalesce(sum(bytes), 0) FROM v_memcpy" },
	{ "top5_by_total.0.2", "SELECT max(ns) FROM (SELECT sum(duration_ns) AS ns FROM v_kernel GROUP BY name)" },
};

static const struct fact nsys[] = {
	SUMS("runtime", "v_api"),
	{ "kernels.first_start", "SELECT min(start_ns) FROM v_kernel" },
	{ "kernels.last_end", "SELECT max(start_ns + duration_ns) FROM v_kernel" },
	{ "kernels.nccl.0", "SELECT count(*) FROM v_kernel WHERE name LIKE 'nccl%'" },
	{ "kernels.nccl.1", "SELECT coalesce(sum(duration_ns), 0) FROM v_kernel WHERE name LIKE 'nccl%'" },
	{ "kernels.distinct_names.0", "SELECT count(DISTINCT name) FROM v_kernel" },
	{ "kernels.distinct_names.1", "SELECT count(DISTINCT s.category) FROM v_kernel k JOIN span s ON s.id = k.span" },
	{ "kernels.top5_by_total.4.2",
	  "SELECT sum(duration_ns) AS ns FROM v_kernel GROUP BY name ORDER BY ns DESC LIMIT 1 OFFSET 4" },
	{ "memcpy.by_copyKind.1.1", "SELECT sum(bytes) FROM v_memcpy WHERE kind LIKE 'HtoD%'" },
	{ "memcpy.by_copyKind.2.1", "SELECT sum(bytes) FROM v_memcpy WHERE kind LIKE 'DtoH%'" },
	{ "memcpy.by_copyKind.8.0", "SELECT count(*) FROM v_memcpy WHERE kind LIKE 'DtoD%'" },
	{ "runtime.by_eventClass.0", "SELECT count(*) FROM v_api WHERE external = 0" },
	{ "runtime.by_eventClass.1", "SELECT count(*) FROM v_api WHERE external = 1" },
	{ "runtime.by_eventClass.67", "SELECT count(*) FROM v_api WHERE class = 'repeated'" },
	{ "runtime.threads", "SELECT count(DISTINCT thread) FROM v_api" },
	{ "nvtx_by_eventType.59.0", "SELECT count(*) FROM v_mark" },
	{ "sync_by_type.1.0", "SELECT count(*) FROM v_sync WHERE sync_kind = 1" },
	{ "sync_by_type.2.1", "SELECT sum(duration_ns) FROM v_sync WHERE sync_kind = 2" },
	{ "sync_by_type.3.1", "SELECT sum(duration_ns) FROM v_sync WHERE sync_kind = 3" },
	{ "kernel_to_api.no_api_row", "SELECT count(*) FROM " CALLS_OF_KERNELS " WHERE a.n IS NULL" },
	{ "kernel_to_api.no_api_row", "SELECT count(*) FROM v_kernel WHERE launch IS NULL" },
	{ "kernel_to_api.start_before_api_end",
	  "SELECT count(*) FROM v_kernel k JOIN v_api a ON a.span = k.launch WHERE k.start_ns < a.start_ns + a.duration_ns" },
	{ "kernel_to_api.api_rows_gt1_for_corr", "SELECT count(*) FROM " CALLS_OF_KERNELS " WHERE a.n > 1" },
	{ "kernels.overlaps_same_stream", "SELECT coalesce(sum(start_ns < before), 0) FROM (SELECT start_ns, "
		"max(start_ns + duration_ns) OVER"
		" (PARTITION BY process, device, context, stream ORDER BY start_ns, duration_ns ROWS BETWEEN UNBOUNDED "
			"PRECEDING AND 1 PRECEDING)"
		" AS before FROM v_kernel)" },
};

static const struct fact kineto[] = {
	SUMS("runtime_and_driver", "v_api"),
	{ "events", "SELECT n_events FROM v_source" },
	{ "distributedInfo.rank", "SELECT rank FROM v_source" },
	{ "distributedInfo.world_size", "SELECT world_size FROM v_source" },
	{ "by_ph.X", COUNT("events ph X") }, { "by_ph.f", COUNT("events ph f") }, { "by_ph.s", COUNT("events ph s") },
	{ "by_ph.M", COUNT("events ph M") }, { "by_ph.i", COUNT("events ph i") },
	{ "flow_ids_start_only", COUNT("flow ids with a start only") },
	{ "flow_ids_end_only", COUNT("flow ids with an end only") },
	{ "flow_ids_multi_end", COUNT("flow ids with several ends") },
	{ "kernels.first_ts_ns", "SELECT min(start_ns) FROM v_kernel" },
	{ "kernels.last_end_ns", "SELECT max(start_ns + duration_ns) FROM v_kernel" },
	{ "X_by_cat.cpu_op", "SELECT count(*) FROM v_mark WHERE category = 'cpu_op'" },
	{ "X_by_cat.user_annotation", "SELECT count(*) FROM v_mark WHERE category = 'user_annotation'" },
	{ "nccl_kernels.count", "SELECT count(*) FROM v_kernel WHERE lower(name) LIKE '%nccl%'" },
	{ "nccl_kernels.sum_dur_ns", "SELECT coalesce(sum(duration_ns), 0) FROM v_kernel WHERE lower(name) LIKE '%nccl%'" },
	{ "distinct_kernel_names", "SELECT count(DISTINCT name) FROM v_kernel" },
	{ "gpu_events_no_api_row", "SELECT count(*) FROM " WORK " WHERE launch IS NULL" },
	{ "max_gpu_events_per_correlation", "SELECT max(n) FROM (SELECT count(*) AS n FROM " WORK " WHERE launch IS NOT "
		"NULL GROUP BY launch)" },
};

/* Steps into objects by key, into arrays by number; in arrays of [key, …] rows, by the key. */
static const cJSON *find(const cJSON *at, const char *path)
{
	char key[64];
	while (at && *path) {
		size_t n = strcspn(path, ".");
		snprintf(key, sizeof key, "%.*s", (int)n, path);
		at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, atoi(key)) : cJSON_GetObjectItemCaseSensitive(at, key);
		path += n + (path[n] == '.');
	}
	return at;
}

static void expect(const char *file, const cJSON *of_file, const struct fact *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const cJSON *fact = find(of_file, list[i].path);
		if (!cJSON_IsNumber(fact))
			continue;
		int64_t expected = (int64_t)fact->valuedouble, value = imported_int(&imported, list[i].sql);
		bool is_time = fact->valuedouble > 9e15; /* more than a double holds: cJSON has no more */
		bool is_equal = is_time ? (double)value == fact->valuedouble : value == expected;
		cr_expect(is_equal, "%s %s: %" PRId64 ", not %" PRId64, file, list[i].path, value, expected);
	}
}

Test(import_facts, all_samples)
{
	const cJSON *of_file;
	int n = 0;
	cJSON_ArrayForEach(of_file, facts) {
		char path[300];
		const char *file = imported_sample(of_file->string, path), *format = cJSON_GetStringValue(find(of_file, "format"));
		if (!file || !format)
			continue;
		imported_add_file(&imported, file);
		cr_assert_eq(imported_run(&imported), STATUS_OK, "%s: %s", file, imported.error.text);
		expect(of_file->string, of_file, common, ARRAY_LEN(common));
		if (strcmp(format, "nsys-sqlite") == 0)
			expect(of_file->string, of_file, nsys, ARRAY_LEN(nsys));
		else
			expect(of_file->string, of_file, kineto, ARRAY_LEN(kineto));
		cr_expect_eq(imported.infos[0].n_problems, 0, "%s: %" PRIu64 " problems", file, imported.infos[0].n_problems);
		n++;
	}
	cr_assert(n >= 17, "%d samples", n);
}

/* Who waits for whom: the event records are known by the number of the call that made them. */
Test(import_facts, event_waits)
{
	static const struct fact rows[] = {
		{ "32", "SELECT event FROM v_sync WHERE correlation = 54" },
		{ "62", "SELECT event FROM v_sync WHERE correlation = 1410" },
		{ "1385", "SELECT event FROM v_sync WHERE correlation = 1389" },
		{ "24", "SELECT stream FROM v_sync WHERE correlation = 1389" },
		{ "20", "SELECT wait_stream FROM v_sync WHERE correlation = 1389" },
		{ "1", "SELECT event IS NULL AND wait_stream IS NULL AND stream IS NULL FROM v_sync WHERE correlation = 24" },
		{ "20", "SELECT l.stream FROM v_kernel l WHERE l.start_ns = 1712867402348700000 AND l.correlation = 27" },
		{ "24", "SELECT l.stream FROM v_kernel l WHERE l.start_ns = 1712867402368050000 AND l.correlation = 1413" },
		{ "3", "SELECT count(*) FROM v_api WHERE correlation IN (32, 62, 1385) AND name LIKE 'cudaEventRecord%'" },
		{ "0", "SELECT count(*) FROM lane WHERE stream = 4294967295 OR stream < 0" },
	};
	char path[300];
	imported_add_file(&imported, imported_sample("kineto/event_sync_multi_stream.json.gz", path));
	cr_assert_eq(imported_run(&imported), STATUS_OK, "%s", imported.error.text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t value = imported_int(&imported, rows[i].sql);
		cr_expect_eq(value, atoll(rows[i].path), "%s: %" PRId64 ", not %s", rows[i].sql, value, rows[i].path);
	}
}

/* The last to arrive at each of the eight collectives of eight ranks, and how much later than the first. */
Test(import_facts, stragglers)
{
	static const int expected[][2] = { { 7, 7624 }, { 7, 1101 }, { 7, 168 }, { 7, 125 }, { 7, 223 }, { 5, 534 }, { 5, 584 }, { 4, 885 } };
	char paths[8][300], sql[600];
	for (int i = 0; i < 8; i++) {
		char name[60];
		snprintf(name, sizeof name, "kineto/dlrm_8rank/worker%d.json.gz", 7 - i);
		imported_add_file(&imported, imported_sample(name, paths[i]));
	}
	cr_assert_eq(imported_run(&imported), STATUS_OK, "%s", imported.error.text);
	for (int i = 0; i < 8; i++) {
		static const char format[] = "WITH c AS (SELECT rank, start_ns, row_number() OVER (PARTITION BY rank "
			"ORDER BY start_ns) - 1 AS i"
			" FROM v_kernel WHERE name LIKE 'nccl%%') SELECT %s FROM c WHERE i = %d";
		snprintf(sql, sizeof sql, format, "(max(start_ns) - min(start_ns)) / 1000", i);
		int64_t spread = imported_int(&imported, sql);
		cr_expect_eq(spread, expected[i][1], "collective %d: %" PRId64 " us, not %d", i, spread, expected[i][1]);
		snprintf(sql, sizeof sql, format, "rank", i);
		strncat(sql, " ORDER BY start_ns DESC LIMIT 1", sizeof sql - strlen(sql) - 1);
		int64_t rank = imported_int(&imported, sql);
		cr_expect_eq(rank, expected[i][0], "collective %d: rank %" PRId64 ", not %d", i, rank, expected[i][0]);
	}
	int64_t n = imported_int(&imported, "SELECT count(*) FROM v_source WHERE offset_ns = 0 AND uncertainty_ns <= 7000");
	cr_expect_eq(n, 8, "one clock for %" PRId64 " ranks", n);
	n = imported_int(&imported, "SELECT count(*) FROM v_kernel k JOIN v_api a ON a.span = k.launch WHERE a.rank <> k.rank");
	cr_expect_eq(n, 0, "%" PRId64 " kernels launched by another rank", n);
}
