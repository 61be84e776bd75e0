/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_device: the pass: rows of spans in order of time, beside them what tells of device work and of late ranks, in the same order.
 */
#include "traces/gpu_device.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/import_sink.h" /* enum import_api */
#include "traces/schema.h"

#define NONE UINT32_MAX
#define STRINGS_MAX (1 << 26)
#define LOOK_ROWS 65536

/* Of a text: what it says when it is the name of a call, a kind of copy, a kind of overhead. */
enum text_flag { TEXT_COPY = 1, TEXT_ASYNC = 2, TEXT_PAGEABLE = 4, TEXT_TO_DEVICE = 8, TEXT_MODULE = 16, TEXT_QUEUE = 32 };

struct lane {
	uint32_t stream, device, thread, process; /* NONE */
};

/* A second list of rows, by the span that they belong to. */
struct beside {
	struct db_stmt *stmt;
	int64_t row;             /* the span's; INT64_MAX after the last */
};

struct pass {
	struct gpu_device_result *result;
	struct db *db;
	int64_t run, first_lane;
	struct lane *lanes;
	uint32_t *device_processes, *thread_processes;
	uint8_t *flags;          /* [n_flags] by the text's number */
	int64_t n_flags;
	uint32_t n_lanes;
	int64_t last_process, last_thread; /* of the lane before */
	struct beside work, late;
	const volatile sig_atomic_t *interrupt;
	struct error *error;
};

typedef int read_fn(struct pass *pass, struct db_stmt *stmt);

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for where the time of devices went");
}

static int damaged(struct pass *pass)
{
	return error_set(pass->error, STATUS_TRACE, "the lanes of run %lld do not fit together: the trace is damaged", (long long)pass->run);
}

static int each_row(struct pass *pass, const char *sql, read_fn *read)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	int status = db_prepare(pass->db, sql, NULL, pass->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, pass->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, pass->error)) == STATUS_OK && has_row)
		status = read(pass, stmt);
	db_finish(stmt);
	return status;
}

static int64_t int_or(struct db_stmt *stmt, int column, int64_t fallback)
{
	return db_column_type(stmt, column) == DB_INT ? db_column_int(stmt, column) : fallback;
}

/* -- what there is ---------------------------------------------------------------------------------------------------------- */

/* Room for one more; the array doubles at powers of two. False: no memory. */
static bool grow(void *items, uint32_t n, size_t item_bytes)
{
	if (n & (n - 1) && n)
		return true;
	void *larger = realloc(*(void **)items, (n ? (size_t)n * 2 : 1) * item_bytes);
	if (!larger)
		return false;
	*(void **)items = larger;
	return true;
}

static int read_run(struct pass *pass, struct db_stmt *stmt)
{
	pass->result->start_ns = db_column_int(stmt, 0);
	pass->result->end_ns = db_column_int(stmt, 1);
	return STATUS_OK;
}

static int read_process(struct pass *pass, struct db_stmt *stmt)
{
	struct gpu_device_result *result = pass->result;
	if (!grow(&result->processes, result->n_processes, sizeof *result->processes))
		return out_of_memory(pass->error);
	result->processes[result->n_processes++] = (struct gpu_process_row){ .id = db_column_int(stmt, 0) };
	return STATUS_OK;
}

static uint32_t find_process(const struct gpu_device_result *result, int64_t id)
{
	uint32_t low = 0, high = result->n_processes;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (result->processes[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < result->n_processes && result->processes[low].id == id ? low : NONE;
}

static int read_device(struct pass *pass, struct db_stmt *stmt)
{
	struct gpu_device_result *result = pass->result;
	uint32_t process = find_process(result, int_or(stmt, 1, -1)), n = result->n_devices;
	if (process == NONE)
		return STATUS_OK;
	if (!grow(&result->devices, n, sizeof *result->devices) || !grow(&pass->device_processes, n, sizeof *pass->device_processes))
		return out_of_memory(pass->error);
	result->devices[n] = (struct gpu_device_row){ .id = db_column_int(stmt, 0), .process = process };
	pass->device_processes[n] = process;
	result->n_devices++;
	return STATUS_OK;
}

static uint32_t find_device(const struct gpu_device_result *result, int64_t id)
{
	for (uint32_t i = 0; i < result->n_devices; i++) {
		if (result->devices[i].id == id)
			return i;
	}
	return NONE;
}

/* The lanes of a thread follow each other. */
static int read_thread(struct pass *pass, struct lane *lane, int64_t process, int64_t thread)
{
	struct gpu_device_result *result = pass->result;
	if (result->n_threads && pass->last_process == process && pass->last_thread == thread) {
		lane->thread = result->n_threads - 1;
		return STATUS_OK;
	}
	if (!grow(&pass->thread_processes, result->n_threads, sizeof *pass->thread_processes))
		return out_of_memory(pass->error);
	pass->last_process = process;
	pass->last_thread = thread;
	pass->thread_processes[result->n_threads] = lane->process;
	lane->thread = result->n_threads++;
	return STATUS_OK;
}

static int read_lane(struct pass *pass, struct db_stmt *stmt)
{
	struct gpu_device_result *result = pass->result;
	int64_t id = db_column_int(stmt, 0), process = int_or(stmt, 2, -1), device = int_or(stmt, 3, -1);
	const char *kind = db_column_text(stmt, 1);
	struct lane lane = { NONE, NONE, NONE, find_process(result, process) };
	int status = STATUS_OK;
	if (!grow(&pass->lanes, pass->n_lanes, sizeof *pass->lanes) || !grow(&result->stream_lanes, result->n_streams, sizeof *result->stream_lanes))
		return out_of_memory(pass->error);
	if (!pass->n_lanes)
		pass->first_lane = id;
	if (id - pass->first_lane != pass->n_lanes)
		return damaged(pass);
	if (kind && strncmp(kind, "stream", 6) == 0 && (lane.device = find_device(result, device)) != NONE) {
		lane.stream = result->n_streams++;
		result->stream_lanes[lane.stream] = id;
	} else if (kind && strcmp(kind, "thread") == 0 && lane.process != NONE) {
		status = read_thread(pass, &lane, process, int_or(stmt, 4, -1));
	}
	pass->lanes[pass->n_lanes++] = lane;
	return status;
}

static bool has(const char *text, const char *word)
{
	return strstr(text, word) != NULL;
}

static uint8_t flags_of(const char *text)
{
	bool is_module = has(text, "odule") || has(text, "JIT") || has(text, "unction load") || has(text, "unction Load") || has(text, "ompiler");
	bool is_queue = has(text, "uffer full") || has(text, "uffer Full");
	return (uint8_t)((has(text, "emcpy") ? TEXT_COPY : 0) | (has(text, "Async") ? TEXT_ASYNC : 0) | (has(text, "ageable") ? TEXT_PAGEABLE : 0)
		| (has(text, "HtoD") ? TEXT_TO_DEVICE : 0) | (is_module ? TEXT_MODULE : 0) | (is_queue ? TEXT_QUEUE : 0));
}

static int read_string(struct pass *pass, struct db_stmt *stmt)
{
	int64_t id = db_column_int(stmt, 0);
	const char *text = db_column_text(stmt, 1);
	if (id < 1 || id > STRINGS_MAX)
		return error_set(pass->error, STATUS_TRACE, "a text has a number that cannot be: the trace is damaged");
	if (id >= pass->n_flags) {
		int64_t n = id * 2 + 64;
		uint8_t *flags = realloc(pass->flags, (size_t)n);
		if (!flags)
			return out_of_memory(pass->error);
		memset(flags + pass->n_flags, 0, (size_t)(n - pass->n_flags));
		pass->flags = flags;
		pass->n_flags = n;
	}
	pass->flags[id] = text ? flags_of(text) : 0;
	return STATUS_OK;
}

static int text_flags(const struct pass *pass, struct db_stmt *stmt, int column)
{
	int64_t id = int_or(stmt, column, 0);
	return id > 0 && id < pass->n_flags ? pass->flags[id] : 0;
}

static int read_layout(struct pass *pass)
{
	static const struct {
		const char *sql;
		read_fn *read;
	} layout[] = {
		{ "SELECT start_ns, end_ns FROM run WHERE id = ?", read_run },
		{ "SELECT id FROM process WHERE run = ? ORDER BY id", read_process },
		{ "SELECT d.id, (SELECT min(l.process) FROM lane l WHERE l.device = d.id) FROM device d WHERE d.run = ? ORDER BY d.id", read_device },
		{ "SELECT id, kind, process, device, thread FROM lane WHERE run = ? ORDER BY id", read_lane },
		{ "SELECT id, text FROM string WHERE ?1 = ?1", read_string },
	};
	int status = STATUS_OK;
	for (size_t i = 0; i < ARRAY_LEN(layout) && status == STATUS_OK; i++)
		status = each_row(pass, layout[i].sql, layout[i].read);
	return status;
}

/* -- beside ----------------------------------------------------------------------------------------------------------------- */

static int step_beside(struct pass *pass, struct beside *beside)
{
	bool has_row = false;
	int status = db_step(beside->stmt, &has_row, pass->error);
	beside->row = has_row ? db_column_int(beside->stmt, 0) : INT64_MAX;
	return status;
}

/* The statement stands at the row of this span afterwards, if there is one. */
static int seek_beside(struct pass *pass, struct beside *beside, int64_t row)
{
	int status = STATUS_OK;
	while (status == STATUS_OK && beside->row < row)
		status = step_beside(pass, beside);
	return status;
}

/* Columns of what stands beside device work. */
enum { WORK_SPAN, WORK_LAUNCH, WORK_SYNC, WORK_COPY, CALL_START, CALL_DURATION, CALL_LANE, CALL_KIND, CALL_NAME, CALL_CLASS };

static int open_beside(struct pass *pass)
{
	int status = db_prepare(pass->db, "SELECT g.span, g.launch, g.sync_kind, g.copy_kind, c.start_ns, c.duration_ns, c.lane, c.kind, c.name, c.class"
		" FROM gpu_activity g LEFT JOIN span c ON c.id = g.launch ORDER BY g.span", NULL, pass->error, &pass->work.stmt);
	if (status == STATUS_OK)
		status = db_prepare(pass->db, "SELECT span, start_ns + wait_ns FROM collective_rank WHERE run = ? AND wait_ns > 0 ORDER BY span", NULL,
			pass->error, &pass->late.stmt);
	if (status == STATUS_OK)
		db_bind_int(pass->late.stmt, 1, pass->run);
	if (status == STATUS_OK)
		status = step_beside(pass, &pass->work);
	return status == STATUS_OK ? step_beside(pass, &pass->late) : status;
}

/* -- spans ------------------------------------------------------------------------------------------------------------------ */

enum { SPAN_ID, SPAN_LANE, SPAN_KIND, SPAN_START, SPAN_DURATION, SPAN_NAME, SPAN_CATEGORY, SPAN_CLASS, SPAN_BYTES };

struct row {
	int64_t id, kind, start_ns, end_ns, class, bytes;
	const struct lane *lane;
};

static void count(struct gpu_count *counts, enum gpu_count_kind kind, int64_t row, int64_t ns, int64_t bytes)
{
	struct gpu_count *count = &counts[kind];
	if (!count->n++)
		count->first = row;
	count->ns += ns;
	count->bytes += bytes > 0 ? bytes : 0;
}

static const struct lane *lane_at(const struct pass *pass, struct db_stmt *stmt, int column)
{
	int64_t idx = int_or(stmt, column, -1) - pass->first_lane;
	return idx >= 0 && idx < pass->n_lanes ? &pass->lanes[idx] : NULL;
}

/* The call that launched the work at hand, when it is a call of a thread of the same process. */
static struct gpu_launch find_launch(const struct pass *pass, const struct row *row)
{
	struct db_stmt *stmt = pass->work.stmt;
	struct gpu_launch launch = { 0 };
	if (pass->work.row != row->id || int_or(stmt, CALL_KIND, 0) != SPAN_KIND_API)
		return launch;
	const struct lane *lane = lane_at(pass, stmt, CALL_LANE);
	int64_t ns = db_column_int(stmt, CALL_DURATION);
	if (!lane || lane->thread == NONE || lane->process != pass->result->devices[row->lane->device].process || ns < 0)
		return launch;
	launch = (struct gpu_launch){ .row = db_column_int(stmt, WORK_LAUNCH), .start_ns = db_column_int(stmt, CALL_START), .thread = lane->thread };
	launch.end_ns = launch.start_ns > INT64_MAX - ns ? INT64_MAX : launch.start_ns + ns;
	return launch;
}

static void count_kernel(struct gpu_count *counts, const struct row *row, const struct gpu_launch *launch)
{
	int64_t ns = row->end_ns - row->start_ns;
	count(counts, GPU_COUNT_KERNELS, row->id, ns, 0);
	if (row->start_ns - launch->end_ns < GPU_DEVICE_PROMPT_NS)
		count(counts, GPU_COUNT_PROMPT, row->id, ns, 0);
	if (ns < launch->end_ns - launch->start_ns)
		count(counts, GPU_COUNT_SHORT, row->id, ns, 0);
}

static void count_copy(const struct pass *pass, struct gpu_count *counts, const struct row *row, const struct gpu_launch *launch)
{
	int call = text_flags(pass, pass->work.stmt, CALL_NAME), kind = text_flags(pass, pass->work.stmt, WORK_COPY);
	bool is_staged = (kind & TEXT_PAGEABLE) && (kind & TEXT_TO_DEVICE) && row->bytes >= 0 && row->bytes <= GPU_DEVICE_STAGED_BYTES;
	if (!(call & TEXT_COPY))
		return;
	if (!(call & TEXT_ASYNC) && !is_staged)
		count(counts, GPU_COUNT_SYNC_COPY, row->id, launch->end_ns - launch->start_ns, row->bytes);
	if ((call & TEXT_ASYNC) && (kind & TEXT_PAGEABLE))
		count(counts, GPU_COUNT_PAGEABLE, row->id, row->end_ns - row->start_ns, row->bytes);
}

static int add_sums(struct pass *pass, const struct row *row, const struct gpu_launch *launch, int64_t name)
{
	struct gpu_device_result *result = pass->result;
	uint32_t device = row->lane->device;
	struct gpu_count *counts = result->devices[device].counts;
	int64_t ns = row->end_ns - row->start_ns;
	if (row->kind == SPAN_KIND_KERNEL && launch->row && int_or(pass->work.stmt, CALL_CLASS, -1) == IMPORT_API_LAUNCH)
		count_kernel(counts, row, launch);
	if (row->kind == SPAN_KIND_MEMCPY && launch->row)
		count_copy(pass, counts, row, launch);
	if (row->kind == SPAN_KIND_MEMCPY || row->kind == SPAN_KIND_MEMSET) {
		int64_t kind = row->kind == SPAN_KIND_MEMCPY && pass->work.row == row->id ? int_or(pass->work.stmt, WORK_COPY, 0) : 0;
		return gpu_totals_add(&result->copies, device, kind, row->kind, row->id, ns, row->bytes, pass->error);
	}
	return gpu_totals_add(&result->kernels, device, name, row->kind == SPAN_KIND_GRAPH ? -1 : row->class, row->id, ns, -1, pass->error);
}

static int read_work(struct pass *pass, struct db_stmt *stmt, const struct row *row)
{
	struct gpu_device_result *result = pass->result;
	struct gpu_process_row *process;
	if (row->lane->stream == NONE)
		return STATUS_OK;
	int status = seek_beside(pass, &pass->work, row->id);
	if (status == STATUS_OK)
		status = seek_beside(pass, &pass->late, row->id);
	if (status != STATUS_OK)
		return status;
	struct gpu_work work = { .device = row->lane->device, .stream = row->lane->stream, .row = row->id, .start_ns = row->start_ns,
		.end_ns = row->end_ns, .launch = find_launch(pass, row), .late_until_ns = GPU_SPLIT_NEVER };
	work.class = row->kind == SPAN_KIND_GRAPH ? GPU_WORK_GRAPH : row->kind != SPAN_KIND_KERNEL ? GPU_WORK_COPY
		: row->class == SPAN_CLASS_COLLECTIVE ? GPU_WORK_COLLECTIVE : GPU_WORK_COMPUTE;
	if (pass->late.row == row->id)
		work.late_until_ns = db_column_int(pass->late.stmt, 1);
	process = &result->processes[result->devices[work.device].process];
	if (!process->has_work) {
		process->has_work = true;
		process->first_work = row->id;
	}
	result->n_work++;
	status = add_sums(pass, row, &work.launch, int_or(stmt, SPAN_NAME, 0));
	return status == STATUS_OK ? gpu_split_add_work(result->split, &work, pass->error) : status;
}

static int read_call(struct pass *pass, struct db_stmt *stmt, const struct row *row)
{
	static const enum gpu_time kinds[] = { [IMPORT_API_OTHER] = GPU_TIME_HOST_API, [IMPORT_API_LAUNCH] = GPU_TIME_HOST_LAUNCH,
		[IMPORT_API_GRAPH_LAUNCH] = GPU_TIME_HOST_LAUNCH, [IMPORT_API_COPY] = GPU_TIME_HOST_COPY, [IMPORT_API_SYNC] = GPU_TIME_HOST_SYNC,
		[IMPORT_API_ALLOCATE] = GPU_TIME_HOST_ALLOCATE, [IMPORT_API_EVENT] = GPU_TIME_HOST_API, [IMPORT_API_MODULE] = GPU_TIME_HOST_MODULE };
	struct gpu_device_result *result = pass->result;
	int64_t ns = row->end_ns - row->start_ns;
	if (row->lane->thread == NONE || row->class == IMPORT_API_REPEATED)
		return STATUS_OK;
	struct gpu_process_row *process = &result->processes[row->lane->process];
	int64_t class = row->class >= 0 && row->class < (int64_t)ARRAY_LEN(kinds) ? row->class : IMPORT_API_OTHER;
	if (process->has_work && class == IMPORT_API_SYNC)
		count(process->counts, GPU_COUNT_SYNC_CALL, row->id, ns, 0);
	if (process->has_work && class == IMPORT_API_ALLOCATE)
		count(process->counts, GPU_COUNT_ALLOCATION, row->id, ns, 0);
	int status = gpu_totals_add(&result->calls, row->lane->process, int_or(stmt, SPAN_NAME, 0), class, row->id, ns, -1, pass->error);
	if (status == STATUS_OK)
		status = gpu_split_add_host(result->split, row->lane->thread, kinds[class], row->start_ns, row->end_ns, pass->error);
	return status;
}

static int read_mark(struct pass *pass, struct db_stmt *stmt, const struct row *row)
{
	if (row->lane->thread == NONE)
		return STATUS_OK;
	return gpu_split_add_host(pass->result->split, row->lane->thread, GPU_TIME_HOST_CODE, row->start_ns, row->end_ns, pass->error);
}

static int read_overhead(struct pass *pass, struct db_stmt *stmt, const struct row *row)
{
	struct gpu_device_result *result = pass->result;
	int flags = text_flags(pass, stmt, SPAN_NAME) | text_flags(pass, stmt, SPAN_CATEGORY);
	uint32_t process = row->lane->process;
	if (process == NONE)
		return STATUS_OK;
	enum gpu_count_kind counter = flags & TEXT_QUEUE ? GPU_COUNT_QUEUE_FULL : flags & TEXT_MODULE ? GPU_COUNT_MODULE : GPU_COUNT_PROFILER;
	enum gpu_time kind = flags & TEXT_QUEUE ? GPU_TIME_HOST_QUEUE : flags & TEXT_MODULE ? GPU_TIME_HOST_MODULE : GPU_TIME_PROFILER;
	count(result->processes[process].counts, counter, row->id, row->end_ns - row->start_ns, 0);
	return gpu_split_add_overhead(result->split, process, kind, row->start_ns, row->end_ns, pass->error);
}

static int read_sync(struct pass *pass, struct db_stmt *stmt, const struct row *row)
{
	enum { STREAM_WAITS = 2 };
	if (row->lane->stream == NONE)
		return STATUS_OK;
	int status = seek_beside(pass, &pass->work, row->id);
	if (status == STATUS_OK && pass->work.row == row->id && int_or(pass->work.stmt, WORK_SYNC, 0) == STREAM_WAITS)
		status = gpu_split_add_wait(pass->result->split, row->lane->stream, row->start_ns, pass->error);
	return status;
}

static int read_span(struct pass *pass, struct db_stmt *stmt)
{
	struct row row = { .id = db_column_int(stmt, SPAN_ID), .kind = db_column_int(stmt, SPAN_KIND), .start_ns = db_column_int(stmt, SPAN_START),
		.class = int_or(stmt, SPAN_CLASS, -1), .bytes = int_or(stmt, SPAN_BYTES, -1), .lane = lane_at(pass, stmt, SPAN_LANE) };
	int64_t duration_ns = db_column_int(stmt, SPAN_DURATION);
	if (!row.lane || duration_ns < 0 || row.start_ns > INT64_MAX - duration_ns)
		return damaged(pass);
	row.end_ns = row.start_ns + duration_ns;
	switch (row.kind) {
	case SPAN_KIND_KERNEL:
	case SPAN_KIND_MEMCPY:
	case SPAN_KIND_MEMSET:
	case SPAN_KIND_GRAPH:
		return read_work(pass, stmt, &row);
	case SPAN_KIND_API:
		return read_call(pass, stmt, &row);
	case SPAN_KIND_MARK:
		return read_mark(pass, stmt, &row);
	case SPAN_KIND_OVERHEAD:
		return read_overhead(pass, stmt, &row);
	case SPAN_KIND_STREAM_SYNC:
		return read_sync(pass, stmt, &row);
	default:
		return STATUS_OK;
	}
}

static int read_spans(struct pass *pass)
{
	struct db_stmt *stmt = NULL;
	bool has_row = false;
	uint32_t n = 0;
	int status = open_beside(pass);
	if (status == STATUS_OK)
		status = db_prepare(pass->db, "SELECT id, lane, kind, start_ns, duration_ns, name, category, class, bytes FROM span WHERE run = ?"
			" ORDER BY id", NULL, pass->error, &stmt);
	if (status == STATUS_OK)
		db_bind_int(stmt, 1, pass->run);
	while (status == STATUS_OK && (status = db_step(stmt, &has_row, pass->error)) == STATUS_OK && has_row) {
		status = read_span(pass, stmt);
		if (++n % LOOK_ROWS == 0 && pass->interrupt && *pass->interrupt && status == STATUS_OK)
			status = error_set(pass->error, STATUS_STOPPED, "stopped");
	}
	db_finish(stmt);
	db_finish(pass->work.stmt);
	db_finish(pass->late.stmt);
	return status;
}

/* -- the whole -------------------------------------------------------------------------------------------------------------- */

int gpu_device_read(struct db *db, int64_t run, const struct gpu_split_options *options, const volatile sig_atomic_t *interrupt,
	struct error *error, struct gpu_device_result **ret_result)
{
	struct gpu_device_result *result = calloc(1, sizeof *result);
	struct pass pass = { .result = result, .db = db, .run = run, .interrupt = interrupt, .error = error };
	if (!result)
		return out_of_memory(error);
	result->options = options ? *options : (struct gpu_split_options){ 0 };
	if (!result->options.latency_ns)
		result->options.latency_ns = GPU_SPLIT_LATENCY_NS;
	int status = read_layout(&pass);
	struct gpu_split_layout layout = { .start_ns = result->start_ns, .end_ns = result->end_ns, .n_devices = result->n_devices,
		.n_streams = result->n_streams, .n_threads = result->n_threads, .n_processes = result->n_processes,
		.device_processes = pass.device_processes, .thread_processes = pass.thread_processes };
	if (status == STATUS_OK)
		status = gpu_split_create(&layout, &result->options, error, &result->split);
	if (status == STATUS_OK)
		status = read_spans(&pass);
	if (status == STATUS_OK)
		gpu_split_end(result->split);
	free(pass.lanes);
	free(pass.device_processes);
	free(pass.thread_processes);
	free(pass.flags);
	if (status == STATUS_OK)
		*ret_result = result;
	else
		gpu_device_free(result);
	return status;
}

void gpu_device_free(struct gpu_device_result *result)
{
	if (!result)
		return;
	gpu_split_destroy(result->split);
	gpu_totals_finish(&result->kernels);
	gpu_totals_finish(&result->calls);
	gpu_totals_finish(&result->copies);
	free(result->devices);
	free(result->processes);
	free(result->stream_lanes);
	free(result);
}
