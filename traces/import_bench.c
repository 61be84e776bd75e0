/* SPDX-License-Identifier: Apache-2.0
 *
 * import_bench: traces with the mix of events that a PyTorch training step has: two ops and annotations to one launch and its kernel.
 */
#include "traces/import_bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "traces/db.h"
#include "traces/import.h"
#include "traces/import_input.h"
#include "traces/json_scan.h"

#define NAMES 300
#define EVENTS_A_STEP 4
#define SPAN_COLUMNS 10

static double cpu_s(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* -- JSON ------------------------------------------------------------------------------------------------------------------- */

static void write_step(FILE *file, int i)
{
	int64_t ns = INT64_C(1712195495505582988) + 20000 * (int64_t)i;
	int64_t us = ns / 1000, rest = ns % 1000;
	for (int k = 0; k < 2; k++)
		fprintf(file, "  {\n    \"ph\": \"X\", \"cat\": \"cpu_op\", \"name\": \"aten::op_%d\", \"pid\": 1102, "
			"\"tid\": 1102,\n    \"ts\": %"
			PRId64 ".%03" PRId64 ", \"dur\": %d.250,\n    \"args\": {\n      \"External id\": %d,\"Record "
				"function id\": 0, \"Ev Idx\": %d,"
			" \"Input Dims\": [[64, 256, 56, 56], [64], []], \"Input type\": [\"float\", \"float\", \"Scalar\"]\n    }\n  },\n",
			(i + k) % NAMES, us, rest, 15 - k, 2 * i + k, 2 * i + k);
	fprintf(file, "  {\n    \"ph\": \"X\", \"cat\": \"cuda_runtime\", \"name\": \"cudaLaunchKernel\", \"pid\": 1102,"
		" \"tid\": 1102,\n    \"ts\": %"
		PRId64 ".%03" PRId64 ", \"dur\": 4.125,\n    \"args\": {\n      \"External id\": %d,\"cbid\": 211, "
			"\"correlation\": %d\n    }\n  },\n",
		us + 5, rest, 2 * i, i);
	fprintf(file, "  {\n    \"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"void "
		"at::native::vectorized_elementwise_kernel<%d, at::native::Functor>\","
		" \"pid\": 0, \"tid\": 7,\n    \"ts\": %" PRId64 ".%03" PRId64 ", \"dur\": 9.500,\n    \"args\": {\n    "
			"  \"External id\": %d,"
		"\"queued\": 0, \"device\": 0, \"context\": 1, \"stream\": 7, \"correlation\": %d, \"registers per thread\": 32,"
		" \"shared memory\": 0, \"grid\": [784, 1, 1], \"block\": [128, 1, 1], \"est. achieved occupancy %%\": 96\n    }\n  }",
		i % NAMES, us + 11, rest, 2 * i, i);
}

int import_bench_make_json(const char *path, int n_events, struct error *error)
{
	int n_steps = n_events / EVENTS_A_STEP;
	FILE *file = fopen(path, "w");
	if (!file)
		return error_set_errno(error, STATUS_SYSTEM, "cannot make %.400s", path);
	fprintf(file, "{\n  \"schemaVersion\": 1,\n  \"deviceProperties\": [],\n  \"traceEvents\": [\n");
	for (int i = 0; i < n_steps; i++) {
		write_step(file, i);
		fputs(i + 1 < n_steps ? ",\n" : "\n", file);
	}
	fprintf(file, "  ]\n}\n");
	return fclose(file) == 0 ? STATUS_OK : error_set_errno(error, STATUS_SYSTEM, "cannot write %.400s", path);
}

/* Takes every member of every event, args too; lists in them are passed over. */
static void take_object(struct json_scan *scan)
{
	struct json_text key, text;
	int64_t number;
	json_object(scan);
	while (json_key(scan, &key)) {
		char c = json_peek(scan);
		if (c == '{')
			take_object(scan);
		else if (c == '[')
			json_skip(scan);
		else if (json_scalar(scan, &text) && c != '"')
			json_decimal(scan, text, 3, &number);
	}
}

static int parse(const char *path, double *ret_s, struct error *error)
{
	struct import_input *input = NULL;
	struct json_scan *scan = NULL;
	double start_s = cpu_s();
	int status = import_input_open(path, error, &input);
	if (status == STATUS_OK)
		status = json_scan_create(import_input_read, input, error, &scan);
	if (status == STATUS_OK && json_seek(scan, "\"traceEvents\":") && json_array(scan)) {
		while (json_item(scan)) {
			json_pin(scan);
			take_object(scan);
			json_unpin(scan);
		}
	}
	*ret_s = cpu_s() - start_s;
	if (status == STATUS_OK && json_failed(scan, NULL, NULL))
		status = error_set(error, STATUS_INPUT, "the trace made for the bench cannot be parsed");
	json_scan_destroy(scan);
	import_input_close(input);
	return status;
}

/* -- an export -------------------------------------------------------------------------------------------------------------- */

static int make_export(const char *path, int n, struct error *error)
{
	static const char format[] =
		"PRAGMA journal_mode = OFF; CREATE TABLE StringIds(id INTEGER PRIMARY KEY, value TEXT); CREATE TABLE "
			"META_DATA_EXPORT(name, value);"
		"CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL(start INT, \"end\" INT, deviceId INT, contextId INT, streamId "
			"INT, correlationId INT,"
		" globalPid INT, demangledName INT, shortName INT, gridX INT, gridY INT, gridZ INT, blockX INT, blockY INT, blockZ INT);"
		"CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME(start INT, \"end\" INT, eventClass INT, globalTid INT, "
			"correlationId INT, nameId INT);"
		"WITH c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < %d) INSERT INTO StringIds SELECT i, 'name_' || i FROM c;"
		"WITH c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d) INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL"
		" SELECT i * 9000, i * 9000 + 5000, 0, 1, 7, i, 1 << 24, i %% %d, i %% %d, 784, 1, 1, 128, 1, 1 FROM c;"
		"WITH c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d) INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME"
		" SELECT i * 9000 - 6000, i * 9000 - 2000, 0, 1 << 24 | 1, i, i %% %d FROM c;";
	char sql[sizeof format + 100];
	struct db *db = NULL;
	snprintf(sql, sizeof sql, format, NAMES - 1, n, NAMES, NAMES, n, NAMES);
	int status = db_open(path, DB_CREATE, error, &db);
	if (status == STATUS_OK)
		status = db_exec(db, sql, error);
	db_close(db);
	return status;
}

static int insert_bare(const char *path, int n, double *ret_s, struct error *error)
{
	struct db *db = NULL;
	struct db_stmt *stmt = NULL;
	int status = db_open(path, DB_CREATE, error, &db);
	if (status == STATUS_OK)
		status = db_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;"
			"CREATE TABLE bare(id INTEGER PRIMARY KEY, run, lane, kind, start_ns, duration_ns, bytes, name, "
				"category, class, correlation,"
			" external)", error);
	if (status == STATUS_OK)
		status = db_prepare(db, "INSERT INTO bare VALUES(NULL, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", NULL, error, &stmt);
	double start_s = cpu_s();
	if (status == STATUS_OK)
		status = db_begin(db, error);
	for (int i = 0; i < n && status == STATUS_OK; i++) {
		const int64_t row[SPAN_COLUMNS] = { 1 + i % 2, 102, INT64_C(9000) * i, 5000, 0, i % NAMES, 5, 0, i, 0 };
		for (int k = 0; k < SPAN_COLUMNS; k++)
			db_bind_int(stmt, 1 + k, row[k]);
		status = db_run(stmt, error);
	}
	if (status == STATUS_OK)
		status = db_commit(db, error);
	*ret_s = cpu_s() - start_s;
	db_finish(stmt);
	db_close(db);
	unlink(path);
	return status;
}

/* -- both ------------------------------------------------------------------------------------------------------------------- */

static int import_timed(const char *path, const char *output, double *ret_s, struct error *error)
{
	const char *files[] = { path };
	struct import_options options = { .files = files, .n_files = 1, .output = output };
	double start_s = cpu_s();
	int status = import_run(&options, NULL, error);
	*ret_s = cpu_s() - start_s;
	unlink(output);
	return status;
}

int import_bench_run(const char *file, int n_events, struct error *error, struct import_bench *ret_bench)
{
	char export[1024], output[1024];
	double parse_s = 0, import_s = 0, nsys_s = 0, bare_s = 0, bytes;
	snprintf(export, sizeof export, "%.1000s.sqlite", file);
	snprintf(output, sizeof output, "%.1000s.tandem", file);
	int status = import_bench_make_json(file, n_events, error);
	bytes = (double)import_file_bytes(file);
	if (status == STATUS_OK)
		status = parse(file, &parse_s, error);
	if (status == STATUS_OK)
		status = import_timed(file, output, &import_s, error);
	if (status == STATUS_OK)
		status = make_export(export, n_events / 2, error);
	if (status == STATUS_OK)
		status = import_timed(export, output, &nsys_s, error);
	unlink(export);
	if (status == STATUS_OK)
		status = insert_bare(export, n_events, &bare_s, error);
	if (status == STATUS_OK)
		*ret_bench = (struct import_bench){ .json_bytes = bytes, .parse_mb_per_s = bytes / parse_s / 1e6,
			.import_mb_per_s = bytes / import_s / 1e6, .nsys_rows_per_s = n_events / nsys_s, .bare_rows_per_s = n_events / bare_s };
	return status;
}
