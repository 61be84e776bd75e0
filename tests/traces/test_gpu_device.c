/* SPDX-License-Identifier: Apache-2.0
 *
 * What is stored of device time: the values computed elsewhere for real traces, sums that must agree with each other, and
 * that the SQL of a finding lists as many spans as the finding says.
 */
#include "traces/gpu_device.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "tests/support/trials.h"
#include "tests/traces/imported.h"
#include "traces/report.h"

static const char *const samples[] = { "nsys/mfu_2gpu_before.sqlite", "kineto/graph_replay_decode.json.gz", "nsys/graph_trace_rtx3060.sqlite",
	"nsys/saxpy_mpi_schema2.sqlite", "kineto/event_sync_multi_stream.json.gz", "kineto/dlrm_8rank/worker1.json.gz",
	"nsys/mfu_2gpu_after.sqlite", "kineto/single_gpu_ns_resolution.json.gz", "kineto/trace_diff_control.json.gz",
	"kineto/trace_diff_test.json.gz" };

static bool import_sample(struct imported *imported, const char *name)
{
	char path[300];
	const char *file = imported_sample(name, path);
	if (!file)
		return false;
	imported_add_file(imported, file);
	int status = imported_run(imported);
	cr_assert(status == STATUS_OK, "%s: %s", name, imported->error.text);
	return true;
}

/* ms; host, kernel and other summed over the streams; hidden in per cent, −1: not told. Those of single_gpu_ns_resolution by exact decimals: doubles
 * cannot hold its times. */
static const struct reference {
	const char *file, *device;
	int64_t n;
	double span, busy, compute, collective, copy, hidden, host, kernel, other;
} references[] = {
	{ "nsys/mfu_2gpu_before.sqlite", "%cuda:0", 2636, 299.849, 273.818, 253.691, 17.173, 2.954, 0, 21.464, 4.554, 0 },
	{ "nsys/mfu_2gpu_before.sqlite", "%cuda:1", 2663, 298.662, 267.276, 256.096, 8.229, 2.951, 0, 27.534, 3.852, 0 },
	{ "nsys/mfu_2gpu_after.sqlite", "%cuda:0", 2366, 299.251, 240.109, 227.484, 9.989, 2.635, 0, 55.863, 3.280, 0 },
	{ "nsys/mfu_2gpu_after.sqlite", "%cuda:1", 2367, 299.269, 254.001, 227.609, 23.753, 2.639, 0, 41.481, 3.144, 0.644 },
	{ "kineto/trace_diff_control.json.gz", "%", 9450, 464.594, 388.587, 281.336, 163.535, 54.638, 46.2, 1184.345, 19.484, 42.435 },
	{ "kineto/trace_diff_test.json.gz", "%", 15632, 745.239, 717.943, 548.148, 251.341, 156.797, 70.8, 1621.800, 58.547, 130.511 },
	{ "kineto/single_gpu_ns_resolution.json.gz", "%", 6095, 480.029, 472.454, 468.154, 0, 4.301, -1, 1.347, 6.228, 0 },
	{ "kineto/graph_replay_decode.json.gz", "%", 434, 10.743, 10.718, 10.675, 0, 0.043, -1, 0, 0.025, 0 },
};

static double number(struct imported *imported, const char *what, const char *device)
{
	char sql[700];
	snprintf(sql, sizeof sql, "SELECT CAST(%s AS INTEGER) FROM gpu_device d WHERE d.name LIKE '%s'", what, device);
	return (double)imported_int(imported, sql);
}

/* Within 0.1 %, or half of the last digit given. */
static void check(const struct reference *reference, const char *what, double ns, double expected_ms)
{
	double off = fabs(ns / 1e6 - expected_ms), limit = expected_ms * 0.001 > 0.0006 ? expected_ms * 0.001 : 0.0006;
	cr_expect(off <= limit, "%s %s: %s %.4f ms, expected %.3f", reference->file, reference->device, what, ns / 1e6, expected_ms);
}

static void check_reference(struct imported *imported, const struct reference *reference)
{
	static const char *const waits[] = { "host_ns", "kernel_ns", "other_ns" };
	const double expected[] = { reference->host, reference->kernel, reference->other };
	const char *device = reference->device;
	double n = number(imported, "d.n", device), hidden = number(imported, "1e6 * d.hidden_ns / nullif(d.collective_ns, 0)", device) / 1e4;
	cr_expect((int64_t)n == reference->n, "%s: %.0f pieces of work, expected %lld", reference->file, n, (long long)reference->n);
	check(reference, "span", number(imported, "d.last_ns - d.first_ns", device), reference->span);
	check(reference, "busy", number(imported, "d.busy_ns", device), reference->busy);
	check(reference, "compute", number(imported, "d.compute_ns", device), reference->compute);
	check(reference, "collective", number(imported, "d.collective_ns", device), reference->collective);
	check(reference, "copy", number(imported, "d.copy_ns", device), reference->copy);
	for (int k = 0; k < 3; k++) {
		char sql[100];
		snprintf(sql, sizeof sql, "(SELECT sum(s.%s) FROM gpu_stream s WHERE s.device = d.device)", waits[k]);
		check(reference, waits[k], number(imported, sql, device), expected[k]);
	}
	if (reference->hidden >= 0)
		cr_expect(fabs(hidden - reference->hidden) < 0.06, "%s: hidden %.3f %%, expected %.1f", reference->file, hidden, reference->hidden);
}

static const struct {
	const char *name, *sql; /* counts what breaks the rule */
} rules[] = {
	{"a device's kinds sum to its window", "SELECT count(*) FROM gpu_device d WHERE (SELECT sum(ns) FROM gpu_split s "
					       "WHERE s.device = d.device) <> end_ns - start_ns"},
	{"shares sum to 1", "SELECT count(*) FROM (SELECT sum(share) AS s FROM v_time_split WHERE side = 'device' GROUP BY "
			    "run, lane) WHERE abs(s - 1) > 1e-9"},
	{"no kind is negative", "SELECT count(*) FROM gpu_split WHERE ns < 0"},
	{"busy kinds sum to busy", "SELECT count(*) FROM gpu_device d WHERE busy_ns <> (SELECT coalesce(sum(ns), 0) FROM "
				   "gpu_split s WHERE s.device ="
				   " d.device AND s.kind IN ('compute', 'collective', 'late_rank', 'copy', 'graph'))"},
	{"compute is the union of compute",
		"SELECT count(*) FROM gpu_device d WHERE compute_ns <> (SELECT coalesce(sum(ns), 0) FROM gpu_split s WHERE"
		" s.device = d.device AND s.kind = 'compute')"},
	{"hidden and exposed make up collectives",
		"SELECT count(*) FROM gpu_device WHERE hidden_ns + exposed_ns <> collective_ns"},
	{"work is counted once", "SELECT count(*) FROM gpu_device d WHERE n <> (SELECT coalesce(sum(n), 0) FROM gpu_kernel "
				 "k WHERE k.device = d.device)"
				 " + (SELECT coalesce(sum(n), 0) FROM gpu_copy c WHERE c.device = d.device)"},
	{"kernels are all there",
		"SELECT (SELECT count(*) FROM span WHERE kind IN (102, 107)) - (SELECT sum(n) FROM gpu_kernel)"},
	{"kernel time is all there", "SELECT (SELECT coalesce(sum(duration_ns), 0) FROM span WHERE kind IN (102, 107)) - "
				     "(SELECT coalesce(sum(ns), 0) FROM"
				     " gpu_kernel)"},
	{"calls are counted once", "SELECT (SELECT count(*) FROM span WHERE kind = 105 AND class <> 8) - (SELECT "
				   "coalesce(sum(n), 0) FROM gpu_call)"},
	{"a gap's neighbours are where it ends",
		"SELECT count(*) FROM gpu_gap g JOIN span a ON a.id = g.after JOIN span b ON b.id = g.before"
		" WHERE a.start_ns <> g.start_ns + g.duration_ns OR b.start_ns + b.duration_ns <> g.start_ns"},
	{"nothing computes in a gap", "SELECT count(*) FROM gpu_gap g JOIN lane l ON l.device = g.device JOIN span s ON "
				      "s.lane = l.id AND s.kind IN"
				      " (102, 103, 104, 107) WHERE s.start_ns < g.start_ns + g.duration_ns AND s.start_ns + "
				      "s.duration_ns > g.start_ns AND s.duration_ns > 0"},
};

/* Counts of kernels without compute beside them and the like are no spans of their own. */
static bool counts_spans(const char *kind)
{
	return strcmp(kind, "idle") != 0 && strncmp(kind, "exposed", 7) != 0 && strcmp(kind, "late_rank") != 0;
}

static void check_findings(struct imported *imported, const char *file)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	cr_assert(db_prepare(imported->db, "SELECT kind, n, query, span FROM finding WHERE query IS NOT NULL", NULL, NULL, &stmt) == STATUS_OK);
	while (db_step(stmt, &has_row, NULL) == STATUS_OK && has_row) {
		char sql[1500];
		const char *kind = db_column_text(stmt, 0), *query = db_column_text(stmt, 2);
		snprintf(sql, sizeof sql, "SELECT count(*) FROM (%s)", query);
		int64_t n = imported_int(imported, sql), expected = db_column_int(stmt, 1), first = db_column_int(stmt, 3);
		if (counts_spans(kind))
			cr_expect(n == expected, "%s %s: %lld spans, the finding says %lld: %s", file, kind, (long long)n,
				(long long)expected, query);
		else
			cr_expect(n > 0, "%s %s: no spans: %s", file, kind, query);
		snprintf(sql, sizeof sql, "WITH q(id) AS (%s) SELECT count(*) FROM q WHERE id = %lld", query, (long long)first);
		cr_expect(!first || !counts_spans(kind) || imported_int(imported, sql) == 1, "%s %s: span %lld is not among them", file, kind,
			(long long)first);
	}
	db_finish(stmt);
}

/* Values computed elsewhere, sums that must agree, findings that list their spans. */
Test(gpu_device, real_traces)
{
	for (int i = 0; i < trials(ARRAY_LEN(samples)); i++) {
		struct imported imported;
		imported_init(&imported);
		if (import_sample(&imported, samples[i])) {
			for (size_t k = 0; k < ARRAY_LEN(rules); k++) {
				int64_t n = imported_int(&imported, rules[k].sql);
				cr_expect(n == 0, "%s: %s: %lld", samples[i], rules[k].name, (long long)n);
			}
			for (size_t k = 0; k < ARRAY_LEN(references); k++) {
				if (strcmp(references[k].file, samples[i]) == 0)
					check_reference(&imported, &references[k]);
			}
			check_findings(&imported, samples[i]);
		}
		imported_finish(&imported);
	}
}

/* -- small traces of our own ------------------------------------------------------------------------------------------------ */

#define DEVICE "\"pid\":0,\"tid\":7,\"ph\":\"X\",\"args\":{\"device\":0,\"stream\":7,\"correlation\":"
#define HOST "\"pid\":100,\"tid\":100,\"ph\":\"X\",\"args\":{\"correlation\":"
#define CALL(name, ts, dur, correlation) \
	"{\"cat\":\"cuda_runtime\",\"name\":\"" name "\",\"ts\":" #ts ",\"dur\":" #dur "," HOST #correlation "}}"
#define KERNEL(name, ts, dur, correlation) \
	"{\"cat\":\"kernel\",\"name\":\"" name "\",\"ts\":" #ts ",\"dur\":" #dur "," DEVICE #correlation "}}"
#define COPY(name, ts, dur, correlation) \
	"{\"cat\":\"gpu_memcpy\",\"name\":\"Memcpy " name "\",\"ts\":" #ts ",\"dur\":" #dur "," DEVICE #correlation ",\"bytes\":1000000}}"
#define OVERHEAD(name, ts, dur) "{\"cat\":\"overhead\",\"name\":\"" name "\",\"ts\":" #ts ",\"dur\":" #dur "," HOST "0}}"
#define TRACE(events) "{\"schemaVersion\":1,\"traceEvents\":[" events "]}"

static const char busy_text[] = TRACE(
	CALL("cudaLaunchKernel", 1000, 5, 1) "," KERNEL("gemm", 1010, 100, 1) ","
	CALL("cudaMemcpy", 1100, 300, 2) "," COPY("DtoH (Device -> Pageable)", 1150, 200, 2) ","
	CALL("cudaMemcpyAsync", 1400, 30, 3) "," COPY("HtoD (Pageable -> Device)", 1440, 100, 3) ","
	CALL("cudaMalloc", 1600, 200, 4) "," CALL("cudaDeviceSynchronize", 1800, 100, 5) ","
	CALL("cudaLaunchKernel", 1900, 5, 6) "," KERNEL("ncclDevKernel_AllReduce_Sum", 1910, 90, 6) ","
	OVERHEAD("Command Buffer Full", 1700, 50) "," OVERHEAD("Lazy Function Loading", 1400, 10) "," OVERHEAD("Buffer Flush", 1900, 1));

static const struct {
	const char *kind;
	int64_t n;
	double value; /* of the span of 990 µs, or as the unit says */
} expected_findings[] = {
	{ "idle", 3, (40 + 90 + 370) / 990. }, { "synchronous_copies", 1, 300 / 990. }, { "pageable_copies", 1, 100 / 990. },
	{ "allocation_in_loop", 1, 200 / 990. }, { "synchronise_stalls", 1, 100 / 990. }, { "launch_queue_full", 1, 50 / 990. },
	{ "module_loading", 1, 10 / 990. }, { "profiler_overhead", 1, 1 / 990. }, { "exposed_communication", 1, 90 / 990. },
	{ "exposed_copies", 1, 300 / 990. },
};

Test(gpu_device, findings_of_a_small_trace)
{
	struct imported imported;
	imported_init(&imported);
	imported_add_text(&imported, busy_text);
	cr_assert(imported_run(&imported) == STATUS_OK, "%s", imported.error.text);
	for (size_t i = 0; i < ARRAY_LEN(expected_findings); i++) {
		char sql[200];
		snprintf(sql, sizeof sql, "SELECT n FROM finding WHERE kind = '%s'", expected_findings[i].kind);
		int64_t n = imported_int(&imported, sql);
		snprintf(sql, sizeof sql, "SELECT CAST(round(value * 1e6) AS INTEGER) FROM finding WHERE kind = '%s'", expected_findings[i].kind);
		double value = (double)imported_int(&imported, sql) / 1e6;
		cr_expect(n == expected_findings[i].n && fabs(value - expected_findings[i].value) < 2e-6, "%s: %lld, %f; expected %lld, %f",
			expected_findings[i].kind, (long long)n, value, (long long)expected_findings[i].n, expected_findings[i].value);
	}
	check_findings(&imported, "a small trace");
	imported_finish(&imported);
}

/* Made again the tables are the same. */
Test(gpu_device, is_made_again_without_a_trace)
{
	struct imported imported;
	struct error error = { 0 };
	static const char digest[] = "SELECT (SELECT count(*) FROM gpu_device) || ' ' || (SELECT count(*) FROM gpu_split) "
				     "|| ' ' || (SELECT sum(ns) FROM"
				     " gpu_split) || ' ' || (SELECT count(*) FROM finding) || ' ' || (SELECT count(*) FROM "
				     "gpu_gap) || ' ' || (SELECT sum(n) FROM gpu_kernel)";
	imported_init(&imported);
	imported_add_text(&imported, busy_text);
	cr_assert(imported_run(&imported) == STATUS_OK, "%s", imported.error.text);
	struct db *db = NULL;
	char *before = imported_text(&imported, digest);
	cr_assert(db_open(imported.output, DB_WRITE, &error, &db) == STATUS_OK && db_begin(db, &error) == STATUS_OK
			&& gpu_device_store(db, 1, NULL, &error) == STATUS_OK && db_commit(db, &error) == STATUS_OK,
		"%s", error.text);
	db_close(db);
	char *after = imported_text(&imported, digest);
	cr_assert(strcmp(before, after) == 0, "before %s, after %s", before, after);
	free(before);
	free(after);
	imported_finish(&imported);
}

/* Threads without devices: that is said, and nothing is called healthy. */
Test(gpu_device, nothing_recorded_is_a_finding)
{
	struct imported imported;
	imported_init(&imported);
	imported_add_text(&imported, TRACE("{\"cat\":\"cpu_op\",\"name\":\"aten::add\",\"ts\":1,\"dur\":5,\"pid\":100,\"tid\":100,\"ph\":\"X\"}"));
	cr_assert(imported_run(&imported) == STATUS_OK, "%s", imported.error.text);
	char *kinds = imported_text(&imported, "SELECT group_concat(kind || ' ' || severity) FROM finding");
	cr_assert(strcmp(kinds, "nothing_recorded warning") == 0, "findings: %s", kinds);
	int64_t n = imported_int(&imported, "SELECT count(*) FROM v_time_split WHERE side = 'device'");
	cr_assert(n == 0, "%lld rows of device time", (long long)n);
	free(kinds);
	imported_finish(&imported);
}

static void report(struct imported *imported, bool is_json, struct strbuf *out)
{
	struct error error = { 0 };
	struct trace *trace = NULL;
	struct report_options options = { .is_json = is_json };
	cr_assert(trace_open(imported->output, &error, &trace) == STATUS_OK, "%s", error.text);
	cr_assert(report_make(trace, &trace->runs[0], &options, out, &error) == STATUS_OK, "%s", error.text);
	trace_close(trace);
}

/* What a reader looks for is in the report, as text and as JSON. */
Test(gpu_device, is_reported)
{
	static const struct {
		bool is_json;
		const char *text;
	} cases[] = {
		{ false, "imported from" }, { false, "Where time went, devices" }, { false, "host_sync" }, { false, "synchronous copies" },
		{ false, "cudaMemcpyAsync" }, { false, "HtoD (Pageable -> Device)" }, { false, "ncclDevKernel_AllReduce_Sum" },
		{ true, "\"time_split\":[" }, { true, "\"finding\": \"allocation_in_loop\"" }, { true, "\"kind\": \"collective\", \"time\": 90000" },
		{ true, "\"kernel\": \"gemm\", \"count\": 1, \"total\": 100000" }, { true, "\"mostly\": \"host_" },
	};
	struct imported imported;
	struct strbuf out[2] = { STRBUF_INIT, STRBUF_INIT };
	imported_init(&imported);
	imported_add_text(&imported, busy_text);
	cr_assert(imported_run(&imported) == STATUS_OK, "%s", imported.error.text);
	report(&imported, false, &out[0]);
	report(&imported, true, &out[1]);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *text = strbuf_text(&out[cases[i].is_json]);
		cr_expect(strstr(text, cases[i].text), "'%s' is not in: %s", cases[i].text, text);
	}
	strbuf_finish(&out[0]);
	strbuf_finish(&out[1]);
	imported_finish(&imported);
}
