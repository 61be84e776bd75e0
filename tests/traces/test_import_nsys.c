/* SPDX-License-Identifier: Apache-2.0
 *
 * Exports of Nsight Systems made here: graph nodes, generations of the schema, calls that are there twice, hostile schemas.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "tests/traces/imported.h"

static struct imported imported;
static char file[80];

static void setup(void)
{
	imported_init(&imported);
	snprintf(file, sizeof file, "%s/export", imported.source.directory);
}

static void teardown(void)
{
	unlink(file);
	imported_finish(&imported);
}

TestSuite(import_nsys, .init = setup, .fini = teardown);

#define META "CREATE TABLE META_DATA_EXPORT(name TEXT, value TEXT); INSERT INTO META_DATA_EXPORT " \
	"VALUES('EXPORT_SCHEMA_VERSION', '3.25.0');" \
	"CREATE TABLE StringIds(id INTEGER PRIMARY KEY, value TEXT); INSERT INTO StringIds VALUES(1, " \
		"'cudaGraphLaunch_v10000'), (2, 'k1')," \
	" (3, 'cudaMemcpy'), (4, 'cudaMemcpy_v3020');"
#define KERNELS "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL(start INT, \"end\" INT, deviceId INT, contextId INT, streamId " \
	"INT, correlationId INT," \
	" globalPid INT, demangledName INT, shortName INT, gridX INT, gridY INT, gridZ INT, blockX INT, blockY INT, " \
		"blockZ INT, graphNodeId INT);"
#define CALLS "CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME(start INT, \"end\" INT, eventClass INT, globalTid INT, " \
	"correlationId INT, nameId INT);"
#define NODES "CREATE TABLE CUDA_GRAPH_NODE_EVENTS(start INT, \"end\" INT, eventClass INT, globalTid INT, nameId INT, graphNodeId INT," \
	" originalGraphNodeId INT);"
#define PID "(5 << 24)"
#define TID "(5 << 24 | 7)"

static int import_sql(const char *sql)
{
	struct db *db;
	unlink(file);
	cr_assert_eq(db_open(file, DB_CREATE, &imported.error, &db), STATUS_OK, "%s", imported.error.text);
	cr_assert_eq(db_exec(db, sql, &imported.error), STATUS_OK, "%s", imported.error.text);
	db_close(db);
	imported_add_file(&imported, file);
	return imported_run(&imported);
}

struct answer {
	const char *sql;
	int64_t value;
};

struct nsys_case {
	const char *name, *sql;
	struct answer answers[8];
};

static const struct nsys_case cases[] = {
	{ "graph nodes and their origins", META KERNELS CALLS NODES
		"INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES(10, 20, 0, " TID ", 9, 1);"
		"INSERT INTO CUDA_GRAPH_NODE_EVENTS VALUES(1, 1, 77, " TID ", 1, 100, NULL), (2, 2, 96, " TID ", 1, 200, 100),"
		" (3, 3, 94, " TID ", 1, 300, 200), (4, 4, 94, " TID ", 1, 301, 301), (5, 5, 94, " TID ", 1, 400, 401), "
			"(5, 5, 94, " TID ", 1, 401, 400);"
		"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES(30, 40, 0, 1, 7, 9, " PID ", 2, 2, 1, 2, 3, 4, 5, 6, 300),"
		" (40, 50, 0, 1, 7, 9, " PID ", 2, 2, 1, 2, 3, 4, 5, 6, 301), (50, 60, 0, 1, 7, 9, " PID ", 2, 2, 1, 2, 3, 4, 5, 6, 999),"
		" (60, 70, 0, 1, 7, 9, " PID ", 2, 2, 1, 2, 3, 4, 5, 6, 400), (70, 80, 0, 1, 7, 9, " PID ", 2, 2, 1, 2, 3, 4, 5, 6, NULL),"
		" (80, 90, 0, 1, 7, 9, (6 << 24), 2, 2, 1, 2, 3, 4, 5, 6, 300);",
	  { { "SELECT graph_root FROM v_kernel WHERE graph_node = 300 AND process = 5", 100 },
		{ "SELECT graph_root FROM v_kernel WHERE graph_node = 301", 301 }, { "SELECT graph_root FROM v_kernel "
			"WHERE graph_node = 999", 999 },
		{ "SELECT count(*) FROM v_kernel WHERE launch = (SELECT span FROM v_api)", 5 },
		{ "SELECT graph_root FROM v_kernel WHERE process = 6", 300 }, { "SELECT count(*) FROM v_kernel WHERE "
			"graph_root IS NULL", 1 },
		{ "SELECT count(*) FROM v_api WHERE class = 'graph_launch'", 1 } } },
	{ "calls that are there twice", META CALLS
		"INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES(10, 20, 67, " TID ", 9, 3), (11, 19, 0, " TID ", 9, 4), "
			"(30, 31, 67, " TID ", 10, 3);",
	  { { "SELECT count(*) FROM v_api WHERE class = 'repeated'", 1 }, { "SELECT sum(duration_ns) FROM v_api WHERE "
	  	"class <> 'repeated'", 9 },
		{ "SELECT external FROM v_api WHERE class = 'repeated'", 67 }, { "SELECT n_events FROM v_source", 8 } } },
	{ "old tables, other columns", "CREATE TABLE EXPORT_META_DATA(name TEXT, value TEXT); INSERT INTO EXPORT_META_DATA VALUES"
		"('EXPORT_SCHEMA_VERSION', '2.9.1'); CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL(\"end\" INT, streamId INT, start INT);"
		"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES(20, 3, 10);",
	  { { "SELECT version = '2.9.1' FROM v_source", 1 }, { "SELECT duration_ns FROM v_kernel WHERE stream = 3", 10 } } },
	{ "texts, nothing and extremes for numbers", META KERNELS
		"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL(start, \"end\", shortName) VALUES('x', 2, 2), (NULL, 2, 2), (5, "
			"'y', 2), (20, 10, 2),"
		" (-9223372036854775807, 9223372036854775807, 2), (x'00', 1, 2), (1, 2, 'no'), (1, 2, 77), (0, 0, 2), (7.5, 9.5, 2);",
	  { { "SELECT count(*) FROM v_kernel", 4 }, { "SELECT sum(n) FROM v_problem WHERE cause = 'a row without a time'", 3 },
		{ "SELECT sum(n) FROM v_problem WHERE cause = 'an event that ends before it begins'", 2 },
		{ "SELECT sum(n) FROM v_problem WHERE cause LIKE '%not collected'", 1 },
		{ "SELECT sum(n) FROM v_problem WHERE cause LIKE 'a name that is not%'", 1 } } },
	{ "views, triggers and generated columns", META
		"CREATE VIEW CUPTI_ACTIVITY_KIND_KERNEL AS SELECT 1 AS start, 2 AS \"end\", hex(zeroblob(90000000)) AS shortName;"
		"CREATE TABLE CUPTI_ACTIVITY_KIND_MEMSET(start INT, \"end\" INT AS (length(hex(zeroblob(start * "
			"20000000)))) VIRTUAL, bytes INT);"
		"INSERT INTO CUPTI_ACTIVITY_KIND_MEMSET(start) VALUES(1);"
		"CREATE TRIGGER t BEFORE INSERT ON StringIds BEGIN SELECT raise(FAIL, 'no'); END;"
		"CREATE TABLE OSRT_API(start INT, \"end\" INT, globalTid INT, nameId INT, PRIMARY KEY(start)) WITHOUT ROWID;"
		"INSERT INTO OSRT_API VALUES(1, 2, 3, 2);" CALLS "INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES(10, 20, 0, 7, 9, 1);",
	  { { "SELECT count(*) FROM v_kernel", 0 }, { "SELECT count(*) FROM v_api", 1 }, { "SELECT count(*) FROM v_memset", 1 },
		{ "SELECT sum(n) FROM v_problem WHERE cause = 'a table that cannot be read'", 1 } } },
	{ "a range without its end, a text by number", META "CREATE TABLE NVTX_EVENTS(start INT, \"end\" INT, eventType "
		"INT, text TEXT, globalTid INT,"
		" textId INT, domainId INT); INSERT INTO NVTX_EVENTS VALUES(1, 5, 59, 'a', " TID ", NULL, 0), (2, NULL, "
			"59, NULL, " TID ", 2, 0),"
		" (3, NULL, 34, 'm', " TID ", NULL, 1), (0, NULL, 75, 'dom', " TID ", NULL, 1);",
	  { { "SELECT count(*) FROM v_mark WHERE name = 'k1' AND depth = 1 AND duration_ns = 3", 1 },
		{ "SELECT sum(n) FROM v_problem WHERE cause LIKE 'ranges that were never closed%'", 1 }, { "SELECT "
			"n_problems FROM v_source", 0 } } },
	{ "event records and waits", META "CREATE TABLE CUPTI_ACTIVITY_KIND_CUDA_EVENT(timestamp INT, deviceId INT, "
		"contextId INT, streamId INT,"
		" correlationId INT, globalPid INT, eventId INT, eventSyncId INT);"
		"CREATE TABLE CUPTI_ACTIVITY_KIND_SYNCHRONIZATION(start INT, \"end\" INT, deviceId INT, contextId INT, "
			"streamId INT, correlationId INT,"
		" globalPid INT, syncType INT, eventId INT, eventSyncId INT);"
		"INSERT INTO CUPTI_ACTIVITY_KIND_CUDA_EVENT VALUES(10, 0, 1, 7, 1, " PID ", 3, 44), (0, 0, 1, 7, 1, " PID ", 3, 45);"
		"INSERT INTO CUPTI_ACTIVITY_KIND_SYNCHRONIZATION VALUES(20, 30, 0, 1, 8, 2, " PID ", 2, 3, 44),"
		" (40, 50, 0, 1, 4294967295, 3, " PID ", 3, 4294967295, NULL);",
	  { { "SELECT event FROM v_sync WHERE sync_kind = 2", 44 }, { "SELECT event IS NULL AND stream IS NULL FROM "
	  	"v_sync WHERE sync_kind = 3", 1 },
		{ "SELECT count(*) FROM span s JOIN gpu_activity g ON g.span = s.id WHERE s.kind = 110 AND g.event = 44", 1 } } },
};

Test(import_nsys, cases)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int status = import_sql(cases[i].sql);
		cr_expect_eq(status, STATUS_OK, "%s: %s", cases[i].name, imported.error.text);
		for (size_t k = 0; status == STATUS_OK && k < ARRAY_LEN(cases[i].answers) && cases[i].answers[k].sql; k++) {
			int64_t value = imported_int(&imported, cases[i].answers[k].sql);
			cr_expect_eq(value, cases[i].answers[k].value, "%s: %s: %" PRId64 ", not %" PRId64, cases[i].name,
				cases[i].answers[k].sql, value, cases[i].answers[k].value);
		}
	}
}

Test(import_nsys, other_databases)
{
	int status = import_sql("CREATE TABLE t(a);");
	cr_expect_eq(status, STATUS_INPUT, "%s", status_word(status));
	cr_expect(strstr(imported.error.text, "no export of Nsight Systems"), "%s", imported.error.text);
}
