/* SPDX-License-Identifier: Apache-2.0
 *
 * imported_trace: see the header.
 */
#include "tests/viewers/imported_trace.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/attributes.h"
#include "engine/base/strbuf.h"
#include "traces/db.h"
#include "traces/import.h"
#include "viewers/canvas_print.h"

#define RANKS 2
#define STEPS 3
#define LAYERS 4

static void require(int status, const struct error *error)
{
	cr_assert(status == STATUS_OK, "status %d: %s", status, error->text);
}

/* -- a PyTorch profile --------------------------------------------------------------------------------------------------------- */

struct profile {
	struct strbuf text;
	int rank, correlation;
};

static void event(struct profile *profile, const char *category, const char *name, const char *thread, int start_us, int duration_us,
	const char *args, ...) PRINTF_LIKE(7, 8);
static void event(struct profile *profile, const char *category, const char *name, const char *thread, int start_us, int duration_us,
	const char *args, ...)
{
	char text[400];
	va_list values;
	va_start(values, args);
	vsnprintf(text, sizeof(text), args, values);
	va_end(values);
	strbuf_addf(&profile->text,
		",\n{\"ph\":\"X\",\"cat\":\"%s\",\"name\":\"%s\",\"pid\":%s,\"tid\":%s,\"ts\":%d,\"dur\":%d,\"args\":{%s}}", category,
		name, strncmp(thread, "s", 1) == 0 ? "0" : "4711", thread + (*thread == 's'), 1000000 + start_us, duration_us, text);
}

/* An operator with a call that launches a kernel which begins later. */
static void layer(struct profile *profile, int at_us, int idx, int step)
{
	static const char *const kernels[] = {
		"ampere_sgemm_128x64_tn",
		("void at::native::vectorized_elementwise_kernel<4, at::native::FillFunctor<float>, at::detail::Array<char*, 1> >(int, "
		 "at::native::FillFunctor<float>, at::detail::Array<char*, 1>)"),
		"void cutlass::Kernel2<cutlass_80_wmma_tensorop_bf16_s161616gemm_bf16_16x16_128x2_tn_align8>(cutlass_80::Params)",
		"ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)" };
	static const char *const operators[] = { "aten::mm", "aten::fill_", "aten::linear", "nccl:all_reduce" };
	int correlation = ++profile->correlation, is_last = idx == LAYERS - 1;
	event(profile, "cpu_op", operators[idx], "4711", at_us, 180,
		"\"External id\":%d,\"Sequence number\":%d", correlation, step * LAYERS + idx);
	event(profile, "cuda_runtime", "cudaLaunchKernel", "4711", at_us + 40, 60,
		"\"correlation\":%d,\"External id\":%d", correlation, correlation);
	event(profile, "kernel", kernels[idx], is_last ? "s20" : "s7", at_us + 150 + (is_last ? 60 * profile->rank : 0), is_last ? 400 : 160,
		"\"device\":0,\"stream\":%d,\"correlation\":%d,\"External id\":%d,\"grid\":[8,%d,1],\"block\":[128,1,1]",
		is_last ? 20 : 7, correlation, correlation, idx + 1);
}

static void write_profile(const char *file, int rank)
{
	struct profile profile = { .text = STRBUF_INIT, .rank = rank };
	strbuf_addf(&profile.text,
		"{\"schemaVersion\":1,\"distributedInfo\":{\"rank\":%d,\"world_size\":%d,\"backend\":\"nccl\"},\n\"traceEvents\":[\n"
		"{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":4711,\"tid\":0,\"ts\":1000000,\"args\":{\"name\":\"python\"}},\n"
		"{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":4711,\"tid\":4711,\"ts\":1000000,\"args\":{\"name\":\"thread 4711 (trainer)\"}}",
		rank, RANKS);
	for (int step = 0; step < STEPS; step++) {
		char name[40];
		int at_us = 1000 * step;
		snprintf(name, sizeof(name), "ProfilerStep#%d", step);
		event(&profile, "user_annotation", name, "4711", at_us, 980, "\"External id\":%d", 1000 + step);
		event(&profile, "python_function", "model/net.py(12): forward", "4711", at_us + 10, 900, "\"Python id\":%d", step);
		for (int i = 0; i < LAYERS; i++)
			layer(&profile, at_us + 20 + 200 * i, i, step);
		int correlation = ++profile.correlation;
		event(&profile, "cuda_runtime", "cudaMemcpyAsync", "4711", at_us + 840, 30, "\"correlation\":%d", correlation);
		event(&profile, "gpu_memcpy", "Memcpy HtoD (Pinned -> Device)", "s7", at_us + 880, 70,
			"\"device\":0,\"stream\":7,\"correlation\":%d,\"bytes\":1048576,\"memory bandwidth (GB/s)\":14.98", correlation);
	}
	strbuf_add(&profile.text, "\n]}\n");
	FILE *stream = fopen(file, "w");
	cr_assert(stream && fputs(strbuf_text(&profile.text), stream) >= 0 && fclose(stream) == 0, "%s", file);
	strbuf_finish(&profile.text);
}

/* -- an export of Nsight Systems ----------------------------------------------------------------------------------------------- */

#define THREAD "(1 << 56 | 77 << 24 | 78)"
#define PROCESS "(1 << 56 | 77 << 24)"
#define REPEAT "WITH RECURSIVE i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i WHERE i < 5)"

static const char nsys_sql[] =
	"CREATE TABLE META_DATA_EXPORT(name TEXT, value TEXT);"
	"INSERT INTO META_DATA_EXPORT VALUES('EXPORT_SCHEMA_VERSION', '3.25.0'), ('EXPORT_SCHEMA_VERSION_MAJOR', '3'),"
	" ('EXPORT_SCHEMA_VERSION_MINOR', '25'), ('EXPORT_SCHEMA_VERSION_MICRO', '0');"
	"CREATE TABLE StringIds(id INTEGER PRIMARY KEY, value TEXT);"
	"INSERT INTO StringIds VALUES(1, 'void scale<float>(float *, float, int)'), (2, 'scale'), (3, 'cudaLaunchKernel_v7000'),"
	" (4, 'cudaMemcpyAsync_v3020'), (5, 'cudaDeviceSynchronize_v3020'), (6, 'cudaMemset_v3020'),"
	" (7, 'bad' || char(27) || '[2Jname'), (8, 'worker');"
	"CREATE TABLE ThreadNames(nameId INTEGER, priority INTEGER, globalTid INTEGER);"
	"INSERT INTO ThreadNames VALUES(8, 1, " THREAD ");"
	"CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME(start INTEGER, end INTEGER, eventClass INTEGER, globalTid INTEGER, correlationId INTEGER,"
	" nameId INTEGER, returnValue INTEGER, callchainId INTEGER);"
	REPEAT "INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME SELECT 1000000 + 100000 * i, 1010000 + 100000 * i, 0, " THREAD ", 10 + i, 3, 0, NULL FROM i;"
	REPEAT "INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME SELECT 1020000 + 100000 * i, 1028000 + 100000 * i, 0, " THREAD ", 20 + i, 4, 0, NULL FROM i;"
	"INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES(1600000, 1720000, 0, " THREAD ", 30, 5, 0, NULL), (950000, 956000, 0, " THREAD
	", 31, 6, 0, NULL);"
	"CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL(start INTEGER, end INTEGER, deviceId INTEGER, contextId INTEGER, streamId INTEGER,"
	" correlationId INTEGER, globalPid INTEGER, demangledName INTEGER, shortName INTEGER, gridX INTEGER, gridY INTEGER, gridZ INTEGER,"
	" blockX INTEGER, blockY INTEGER, blockZ INTEGER);"
	REPEAT "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL SELECT 1015000 + 100000 * i, 1065000 + 100000 * i, 0, 1, 7, 10 + i, " PROCESS
	", CASE i WHEN 3 THEN 7 ELSE 1 END, 2, 64, 1, 1, 256, 1, 1 FROM i;"
	"CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY(start INTEGER, end INTEGER, deviceId INTEGER, contextId INTEGER, streamId INTEGER,"
	" correlationId INTEGER, globalPid INTEGER, bytes INTEGER, copyKind INTEGER, srcKind INTEGER, dstKind INTEGER);"
	REPEAT "INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY SELECT 1070000 + 100000 * i, 1090000 + 100000 * i, 0, 1, 7, 20 + i, " PROCESS
	", 262144, 2, 2, 1 FROM i;"
	"CREATE TABLE CUPTI_ACTIVITY_KIND_MEMSET(start INTEGER, end INTEGER, deviceId INTEGER, contextId INTEGER, streamId INTEGER,"
	" correlationId INTEGER, globalPid INTEGER, value INTEGER, bytes INTEGER);"
	"INSERT INTO CUPTI_ACTIVITY_KIND_MEMSET VALUES(960000, 972000, 0, 1, 13, 31, " PROCESS ", 0, 65536);"
	"CREATE TABLE NVTX_EVENTS(start INTEGER, end INTEGER, eventType INTEGER, rangeId INTEGER, category INTEGER, color INTEGER, text TEXT,"
	" globalTid INTEGER, endGlobalTid INTEGER, textId INTEGER, domainId INTEGER);"
	"INSERT INTO NVTX_EVENTS VALUES(900000, 1750000, 59, 1, NULL, NULL, 'epoch 0', " THREAD ", NULL, NULL, 0);"
	REPEAT "INSERT INTO NVTX_EVENTS SELECT 995000 + 100000 * i, 1040000 + 100000 * i, 59, 2 + i, NULL, NULL, 'batch', " THREAD
	", NULL, NULL, 0 FROM i;";

static void write_export(const char *file)
{
	struct db *db = NULL;
	struct error error = { 0 };
	require(db_open(file, DB_CREATE, &error, &db), &error);
	require(db_exec(db, nsys_sql, &error), &error);
	db_close(db);
}

/* -- both ------------------------------------------------------------------------------------------------------------------------ */

void imported_trace_make(struct imported_trace *trace, enum imported_kind kind, const char *sql)
{
	char sources[RANKS][100];
	const char *files[RANKS] = { sources[0], sources[1] };
	struct error error = { 0 };
	*trace = (struct imported_trace){ .folder = "/tmp/tandem-imported-XXXXXX" };
	cr_assert(mkdtemp(trace->folder));
	snprintf(trace->file, sizeof(trace->file), "%s/t.tandem", trace->folder);
	int n_files = kind == IMPORTED_KINETO ? RANKS : 1;
	for (int i = 0; i < n_files; i++)
		snprintf(sources[i], sizeof(sources[i]), "%s/%d.%s", trace->folder, i, kind == IMPORTED_KINETO ? "json" : "sqlite");
	for (int i = 0; i < n_files && kind == IMPORTED_KINETO; i++)
		write_profile(files[i], i);
	if (kind == IMPORTED_NSYS)
		write_export(files[0]);
	const struct import_options options = { .files = files, .n_files = n_files, .align = IMPORT_ALIGN_NONE, .output = trace->file };
	require(import_run(&options, NULL, &error), &error);
	if (sql) {
		struct db *db = NULL;
		require(db_open(trace->file, DB_WRITE, &error, &db), &error);
		require(db_exec(db, sql, &error), &error);
		db_close(db);
	}
	for (int i = 0; i < n_files; i++)
		unlink(files[i]);
}

void imported_trace_init(struct imported_trace *trace, enum imported_kind kind, const char *sql)
{
	struct error error = { 0 };
	imported_trace_make(trace, kind, sql);
	const struct session_options options = { .files = { trace->file } };
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	require(session_open(&options, &error, &trace->session), &error);
	require(config_load(NULL, &trace->config, &error), &error);
	require(app_create(trace->session, &trace->config, views[0], &error, &trace->app), &error);
	require(canvas_init(&trace->canvas, 100, 30, &error), &error);
	require(app_draw(trace->app, &trace->canvas, &error), &error);
}

void imported_trace_finish(struct imported_trace *trace)
{
	char command[100];
	app_destroy(trace->app);
	canvas_finish(&trace->canvas);
	config_finish(&trace->config);
	session_close(trace->session);
	snprintf(command, sizeof(command), "rm -rf %s", trace->folder);
	cr_assert_eq(system(command), 0);
}

bool imported_trace_type(struct imported_trace *trace, const char *keys)
{
	struct error error = { 0 };
	bool goes_on = true;
	for (; *keys; keys++) {
		goes_on &= app_handle(trace->app, &(struct event){ .kind = EVENT_KEY, .key = (unsigned char)*keys });
		require(app_draw(trace->app, &trace->canvas, &error), &error);
	}
	return goes_on;
}

char *imported_trace_draw(struct imported_trace *trace, int width, int height)
{
	struct error error = { 0 };
	struct strbuf text = STRBUF_INIT;
	require(canvas_resize(&trace->canvas, width, height, &error), &error);
	require(app_draw(trace->app, &trace->canvas, &error), &error);
	canvas_print_text(&trace->canvas, false, &text);
	return strbuf_take(&text);
}
