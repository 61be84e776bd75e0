/* SPDX-License-Identifier: Apache-2.0
 *
 * target_import: traces of other tools that somebody damaged. JSON: the input is the file. Exports of Nsight Systems: the input is values and
 * columns of a small export, set through SQL, so that the damage gets past SQLite and to us; at the end bytes of the file, so that it does not.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/targets.h"
#include "traces/import.h"

static const char *path_of(const char *name, char path[100])
{
	snprintf(path, 100, "%s/%s", fuzz_folder(), name);
	return path;
}

/* What is read is a trace that can be asked; what is not says why, and leaves nothing. */
static void import_it(const char *file)
{
	char output[100];
	const char *files[] = { file };
	struct import_options options = { .files = files, .n_files = 1, .output = path_of("imported.tandem", output) };
	struct error error = { 0 };
	int status = import_run(&options, NULL, &error);
	FUZZ_CHECK(status == STATUS_OK || error.text[0], "%s without words", status_word(status));
	FUZZ_CHECK((access(output, F_OK) == 0) == (status == STATUS_OK), "%s, and the output is %s", status_word(status),
		status == STATUS_OK ? "not there" : "there");
	unlink(output);
}

static void write_it(const char *file, const void *bytes, size_t n)
{
	FILE *stream = fopen(file, "wb");
	FUZZ_CHECK(stream && fwrite(bytes, 1, n, stream) == n, "%s", file);
	fclose(stream);
}

/* -- JSON ------------------------------------------------------------------------------------------------------------------- */

static int import_json(const uint8_t *data, size_t n)
{
	char file[100];
	write_it(path_of("import.json", file), data, n);
	import_it(file);
	return 0;
}

static const char *const json_tokens[] = { "{\"ph\":\"X\","
	"", "\"ts\":", "\"dur\":", "\"args\":{", "\"traceEvents\":[", "\"cat\":\"kernel\"", "\"correlation\":",
	"\"ph\":\"B\"", "\"ph\":\"E\"", "\"ph\":\"b\"", "\"ph\":\"e\"", "\"ph\":\"C\"", "\"id\":", "\"cuda_runtime\"",
	"},\n{", "]}", "\\u d800", "1e308",
	"9223372036854775807", "-1", "604800000000001", "\"baseTimeNanoseconds\":", "\"distributedInfo\":{\"rank\":", NULL };

static void add_json_seeds(struct fuzz_corpus *corpus)
{
	static const char *const seeds[] = {
		"{\"schemaVersion\":1,\"distributedInfo\":{\"rank\":1,\"world_size\":2},\"deviceProperties\":[{\"id\":0,"
			"\"name\":\"Card\"}],\"traceEvents\":["
		"{\"ph\":\"X\",\"cat\":\"cuda_runtime\",\"name\":\"cudaLaunchKernel\",\"pid\":9,\"tid\":9,\"ts\":1.5,"
			"\"dur\":2,\"args\":{\"correlation\":4}},\n"
		"{\"ph\":\"X\",\"cat\":\"kernel\",\"name\":\"k\",\"pid\":0,\"tid\":7,\"ts\":4,\"dur\":2,"
			"\"args\":{\"device\":0,\"stream\":7,\"correlation\":4,"
		"\"grid\":[1,2,3],\"Seq\":5}},\n{\"ph\":\"s\",\"id\":4,\"cat\":\"ac2g\",\"ts\":1},{\"ph\":\"M\","
			"\"name\":\"thread_name\",\"pid\":9,\"tid\":9,"
		"\"args\":{\"name\":\"main\"}}],\"baseTimeNanoseconds\":5}",
		"[{\"ph\":\"B\",\"name\":\"a\",\"pid\":1,\"tid\":1,\"ts\":1},{\"ph\":\"E\",\"pid\":1,\"tid\":1,"
			"\"ts\":3},{\"ph\":\"b\",\"cat\":\"c\",\"id\":1,"
		"\"name\":\"x\",\"ts\":1},{\"ph\":\"e\",\"cat\":\"c\",\"id\":1,\"ts\":9},{\"ph\":\"C\",\"name\":\"n\","
			"\"ts\":2,\"args\":{\"a\":1.5,\"b\":2}},"
		"{\"ph\":\"i\",\"name\":\"m\",\"pid\":\"p\",\"tid\":\"t\",\"ts\":\"5\"}",
	};
	for (size_t i = 0; i < ARRAY_LEN(seeds); i++)
		fuzz_corpus_add(corpus, seeds[i], strlen(seeds[i]));
}

const struct fuzz_target fuzz_target_import_json = { .name = "import_json", .one = import_json, .add_seeds = add_json_seeds,
	.tokens = json_tokens, .bytes_max = 16384, .n_runs = 400 };

/* -- exports ---------------------------------------------------------------------------------------------------------------- */

#define PID "(5 << 24)"
#define TID "(5 << 24 | 7)"
static const char export_sql[] =
	"CREATE TABLE META_DATA_EXPORT(name, value); INSERT INTO META_DATA_EXPORT VALUES('EXPORT_SCHEMA_VERSION', '3.25.0');"
	"CREATE TABLE StringIds(id INTEGER PRIMARY KEY, value); INSERT INTO StringIds VALUES(1, 'cudaGraphLaunch_v10000'), (2, 'k');"
	"CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL(start, \"end\", deviceId, contextId, streamId, correlationId, "
		"globalPid, demangledName, shortName,"
	" gridX, gridY, gridZ, blockX, blockY, blockZ, graphNodeId);"
	"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES(30, 40, 0, 1, 7, 9, " PID ", 2, 2, 1, 2, 3, 4, 5, 6, 300),"
	" (50, 60, 1, 1, 7, 9, " PID ", 2, 2, 1, 2, 3, 4, 5, 6, NULL);"
	"CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY(start, \"end\", deviceId, contextId, streamId, correlationId, "
		"globalPid, bytes, copyKind, srcKind, dstKind);"
	"INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY VALUES(70, 80, 0, 1, 7, 10, " PID ", 64, 1, 1, 2);"
	"CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME(start, \"end\", eventClass, globalTid, correlationId, nameId);"
	"INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES(10, 20, 0, " TID ", 9, 1), (9, 21, 67, " TID ", 9, 1);"
	"CREATE TABLE NVTX_EVENTS(start, \"end\", eventType, text, globalTid, textId, domainId, rangeId);"
	"INSERT INTO NVTX_EVENTS VALUES(1, 90, 59, 'a', " TID ", NULL, 0, 1), (2, NULL, 75, 'd', " TID ", NULL, 1, NULL);"
	"CREATE TABLE CUDA_GRAPH_NODE_EVENTS(start, \"end\", eventClass, globalTid, nameId, graphNodeId, originalGraphNodeId);"
	"INSERT INTO CUDA_GRAPH_NODE_EVENTS VALUES(1, 1, 77, " TID ", 1, 300, 200), (1, 1, 77, " TID ", 1, 200, 100);"
	"CREATE TABLE CUPTI_ACTIVITY_KIND_SYNCHRONIZATION(start, \"end\", deviceId, contextId, streamId, correlationId, "
		"globalPid, syncType, eventId,"
	" eventSyncId); INSERT INTO CUPTI_ACTIVITY_KIND_SYNCHRONIZATION VALUES(20, 30, 0, 1, 8, 2, " PID ", 2, 3, 44);"
	"CREATE TABLE DIAGNOSTIC_EVENT(timestamp, severity, text); INSERT INTO DIAGNOSTIC_EVENT VALUES(1, 3, 'lost');";

static const char *const changed[][5] = { { "CUPTI_ACTIVITY_KIND_KERNEL", "start", "\"end\"", "graphNodeId", "streamId" },
	{ "CUPTI_ACTIVITY_KIND_RUNTIME", "start", "\"end\"", "nameId", "eventClass" }, { "NVTX_EVENTS", "start", "\"end\"", "eventType", "domainId" },
	{ "CUDA_GRAPH_NODE_EVENTS", "graphNodeId", "originalGraphNodeId", "globalTid", "start" }, { "StringIds", "value", "value", "value", "value" },
	{ "CUPTI_ACTIVITY_KIND_MEMCPY", "copyKind", "srcKind", "bytes", "deviceId" },
	{ "CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", "syncType", "eventSyncId", "eventId", "\"end\"" } };

static void change_export(sqlite3 *db, struct fuzz_reader *reader)
{
	static const char *const words[] = { "NULL", "'x'", "1.5", "-9e999", "x'00ff'", "CAST(x'66ff00' AS TEXT)", "hex(zeroblob(600))" };
	char sql[300];
	uint8_t kind = fuzz_read_u8(reader), value = fuzz_read_u8(reader);
	const char *const *at = changed[fuzz_read_u8(reader) % ARRAY_LEN(changed)];
	const char *column = at[1 + kind % 4];
	if (value < 64)
		snprintf(sql, sizeof sql, "UPDATE %s SET %s = %s", at[0], column, words[value % ARRAY_LEN(words)]);
	else if (value < 72)
		snprintf(sql, sizeof sql, "ALTER TABLE %s RENAME COLUMN %s TO other%d", at[0], column, value);
	else if (value < 80)
		snprintf(sql, sizeof sql, "DROP TABLE %s; CREATE VIEW %s AS SELECT 1 AS start", at[0], at[0]);
	else
		snprintf(sql, sizeof sql, "UPDATE %s SET %s = %lld", at[0], column, (long long)fuzz_read_number(reader));
	sqlite3_exec(db, sql, NULL, NULL, NULL); /* what is not possible is not done */
}

static int import_nsys_export(const uint8_t *data, size_t n)
{
	struct fuzz_reader reader = { data, data + n };
	char file[100];
	sqlite3 *db;
	unlink(path_of("import.sqlite", file));
	FUZZ_CHECK(sqlite3_open(file, &db) == SQLITE_OK && sqlite3_exec(db, "PRAGMA journal_mode = OFF; PRAGMA "
		"synchronous = OFF", NULL, NULL, NULL)
		== SQLITE_OK && sqlite3_exec(db, export_sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
	for (int left = fuzz_read_u8(&reader) % 8; left > 0; left--)
		change_export(db, &reader);
	sqlite3_close(db);
	FILE *stream = fopen(file, "r+b");
	FUZZ_CHECK(stream && fseek(stream, 0, SEEK_END) == 0, "%s", file);
	uint64_t size = (uint64_t)ftell(stream);
	while (!fuzz_reader_is_empty(&reader) && size) {
		uint64_t at = fuzz_read_u32(&reader) % size;
		fseek(stream, (long)at, SEEK_SET);
		fputc(fuzz_read_u8(&reader), stream);
	}
	fclose(stream);
	import_it(file);
	unlink(file);
	return 0;
}

const struct fuzz_target fuzz_target_import_nsys = { .name = "import_nsys", .one = import_nsys_export, .bytes_max = 512, .n_runs = 200 };
