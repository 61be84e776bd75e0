/* SPDX-License-Identifier: Apache-2.0
 *
 * gpu_device: the pass: rows of spans in order of time, beside them what tells of late ranks, in the same order. Calls are kept until the work that
 * they launched comes; one that begins later than its work is looked up.
 */
#include "traces/gpu_device.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/attributes.h"
#include "traces/import_sink.h" /* enum import_api */
#include "traces/schema.h"

#define NONE UINT32_MAX
#define STRINGS_MAX (1 << 26)

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

/* A call that may have launched something. */
struct call {
	int64_t start_ns, end_ns;
	uint32_t lane, name;
	int8_t class;            /* enum import_api; −1 */
};

struct gpu_device_pass {
	struct gpu_device_result *result;
	struct db *db;
	int64_t run, first_lane;
	struct lane *lanes;
	uint32_t *device_processes, *thread_processes;
	uint8_t *flags;          /* [n_flags] by the text's number */
	int64_t n_flags;
	uint32_t n_lanes;
	int64_t last_process, last_thread; /* of the lane before */
	struct beside late;
	struct db_stmt *later;   /* looks up a call that has not come yet */
	struct call *calls;
	uint32_t *call_of;       /* [n_rows] index + 1 by row − first_row; 0: none */
	int64_t first_row, n_rows;
	uint32_t n_calls;
	struct error *error;
};

typedef int read_fn(struct gpu_device_pass *pass, struct db_stmt *stmt);

static int out_of_memory(struct error *error)
{
	return error_set(error, STATUS_NO_MEMORY, "no memory for where the time of devices went");
}

static int damaged(struct gpu_device_pass *pass)
{
	return error_set(pass->error, STATUS_TRACE, "the lanes of run %lld do not fit together: the trace is damaged", (long long)pass->run);
}

static int each_row(struct gpu_device_pass *pass, const char *sql, read_fn *read)
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

static int read_run(struct gpu_device_pass *pass, struct db_stmt *stmt)
{
	pass->result->start_ns = db_column_int(stmt, 0);
	pass->result->end_ns = db_column_int(stmt, 1);
	return STATUS_OK;
}

static int read_process(struct gpu_device_pass *pass, struct db_stmt *stmt)
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

static int read_device(struct gpu_device_pass *pass, struct db_stmt *stmt)
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
static int read_thread(struct gpu_device_pass *pass, struct lane *lane, int64_t process, int64_t thread)
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

static int read_lane(struct gpu_device_pass *pass, struct db_stmt *stmt)
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

static int read_string(struct gpu_device_pass *pass, struct db_stmt *stmt)
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

static int text_flags(const struct gpu_device_pass *pass, int64_t id)
{
	return id > 0 && id < pass->n_flags ? pass->flags[id] : 0;
}

static int read_layout(struct gpu_device_pass *pass)
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

static int step_beside(struct gpu_device_pass *pass, struct beside *beside)
{
	bool has_row = false;
	int status = db_step(beside->stmt, &has_row, pass->error);
	beside->row = has_row ? db_column_int(beside->stmt, 0) : INT64_MAX;
	return status;
}

/* The statement stands at the row of this span afterwards, if there is one. */
static int seek_beside(struct gpu_device_pass *pass, struct beside *beside, int64_t row)
{
	int status = STATUS_OK;
	while (status == STATUS_OK && beside->row < row)
		status = step_beside(pass, beside);
	return status;
}

static int open_beside(struct gpu_device_pass *pass)
{
	int status = db_prepare(pass->db, "SELECT span, start_ns + wait_ns FROM collective_rank WHERE run = ? AND wait_ns > 0 ORDER BY span", NULL,
		pass->error, &pass->late.stmt);
	if (status == STATUS_OK)
		status = db_prepare(pass->db,
			"SELECT start_ns, duration_ns, lane, name, class FROM span WHERE id = ? AND kind = 105", NULL,
			pass->error, &pass->later);
	if (status == STATUS_OK)
		status = gpu_rows_bounds(pass->db, pass->run, &pass->first_row, &pass->n_rows, pass->error);
	if (status != STATUS_OK)
		return status;
	pass->call_of = calloc((size_t)pass->n_rows + 1, sizeof *pass->call_of);
	if (!pass->call_of)
		return out_of_memory(pass->error);
	db_bind_int(pass->late.stmt, 1, pass->run);
	return step_beside(pass, &pass->late);
}

/* -- calls ------------------------------------------------------------------------------------------------------------------ */

static const struct lane *lane_at(const struct gpu_device_pass *pass, int64_t id)
{
	int64_t idx = id - pass->first_lane;
	return idx >= 0 && idx < pass->n_lanes ? &pass->lanes[idx] : NULL;
}

static int keep_call(struct gpu_device_pass *pass, const struct gpu_row *row)
{
	if (row->id < pass->first_row || row->id - pass->first_row >= pass->n_rows)
		return STATUS_OK;
	if (!grow(&pass->calls, pass->n_calls, sizeof *pass->calls))
		return out_of_memory(pass->error);
	pass->calls[pass->n_calls] = (struct call){ row->start_ns, row->end_ns, (uint32_t)(row->lane - pass->first_lane), (uint32_t)row->name,
		(int8_t)row->class };
	pass->call_of[row->id - pass->first_row] = ++pass->n_calls;
	return STATUS_OK;
}

static int look_up(struct gpu_device_pass *pass, int64_t row, struct call *call)
{
	struct db_stmt *stmt = pass->later;
	bool has_row = false;
	db_bind_int(stmt, 1, row);
	int status = db_step(stmt, &has_row, pass->error);
	int64_t ns = status == STATUS_OK && has_row ? db_column_int(stmt, 1) : -1;
	if (ns >= 0 && lane_at(pass, db_column_int(stmt, 2)))
		*call = (struct call){db_column_int(stmt, 0), 0, (uint32_t)(db_column_int(stmt, 2) - pass->first_lane),
			(uint32_t)db_column_int(stmt, 3), (int8_t)int_or(stmt, 4, -1)};
	call->end_ns = call->start_ns > INT64_MAX - ns ? INT64_MAX : call->start_ns + ns;
	db_reset(stmt);
	return status;
}

/* The call that launched the work at hand, when it is a call of a thread of the same process; lane NONE otherwise. */
static int find_launch(struct gpu_device_pass *pass, const struct gpu_row *row, const struct lane *lane, struct call *call)
{
	int64_t at = row->launch - pass->first_row;
	*call = (struct call){ .lane = NONE };
	if (row->launch <= 0 || at < 0 || at >= pass->n_rows)
		return STATUS_OK;
	int status = STATUS_OK;
	if (pass->call_of[at])
		*call = pass->calls[pass->call_of[at] - 1];
	else if (row->launch > row->id)
		status = look_up(pass, row->launch, call);
	const struct lane *its = call->lane == NONE ? NULL : &pass->lanes[call->lane];
	if (its && (its->thread == NONE || its->process != pass->result->devices[lane->device].process))
		call->lane = NONE;
	return status;
}

/* -- spans ------------------------------------------------------------------------------------------------------------------ */

static void count(struct gpu_count *counts, enum gpu_count_kind kind, int64_t row, int64_t ns, int64_t bytes)
{
	struct gpu_count *count = &counts[kind];
	if (!count->n++)
		count->first = row;
	count->ns += ns;
	count->bytes += bytes > 0 ? bytes : 0;
}

static void count_kernel(struct gpu_count *counts, const struct gpu_row *row, const struct call *launch)
{
	int64_t ns = row->end_ns - row->start_ns;
	count(counts, GPU_COUNT_KERNELS, row->id, ns, 0);
	if (row->start_ns - launch->end_ns < GPU_DEVICE_PROMPT_NS)
		count(counts, GPU_COUNT_PROMPT, row->id, ns, 0);
	if (ns < launch->end_ns - launch->start_ns)
		count(counts, GPU_COUNT_SHORT, row->id, ns, 0);
}

static void count_copy(const struct gpu_device_pass *pass, struct gpu_count *counts, const struct gpu_row *row, const struct call *launch)
{
	int call = text_flags(pass, launch->name), kind = text_flags(pass, row->copy_kind);
	bool is_staged = (kind & TEXT_PAGEABLE) && (kind & TEXT_TO_DEVICE) && row->bytes >= 0 && row->bytes <= GPU_DEVICE_STAGED_BYTES;
	if (!(call & TEXT_COPY))
		return;
	if (!(call & TEXT_ASYNC) && !is_staged)
		count(counts, GPU_COUNT_SYNC_COPY, row->id, launch->end_ns - launch->start_ns, row->bytes);
	if ((call & TEXT_ASYNC) && (kind & TEXT_PAGEABLE))
		count(counts, GPU_COUNT_PAGEABLE, row->id, row->end_ns - row->start_ns, row->bytes);
}

static int add_sums(struct gpu_device_pass *pass, const struct gpu_row *row, const struct lane *lane, const struct call *launch)
{
	struct gpu_device_result *result = pass->result;
	struct gpu_count *counts = result->devices[lane->device].counts;
	int64_t ns = row->end_ns - row->start_ns;
	if (row->kind == SPAN_KIND_KERNEL && launch->lane != NONE && launch->class == IMPORT_API_LAUNCH)
		count_kernel(counts, row, launch);
	if (row->kind == SPAN_KIND_MEMCPY && launch->lane != NONE)
		count_copy(pass, counts, row, launch);
	if (row->kind == SPAN_KIND_MEMCPY || row->kind == SPAN_KIND_MEMSET) {
		int64_t kind = row->kind == SPAN_KIND_MEMCPY ? row->copy_kind : 0;
		return gpu_totals_add(&result->copies, lane->device, kind, row->kind, row->id, ns, row->bytes, pass->error);
	}
	return gpu_totals_add(&result->kernels, lane->device, row->name, row->kind == SPAN_KIND_GRAPH ? -1 : row->class,
		row->id, ns, -1, pass->error);
}

static void see_work(struct gpu_process_row *process, const struct gpu_row *row)
{
	if (process->has_work)
		return;
	process->has_work = true;
	process->first_work = row->id;
}

static int read_work(struct gpu_device_pass *pass, const struct gpu_row *row, const struct lane *lane)
{
	struct gpu_device_result *result = pass->result;
	struct call call;
	if (lane->stream == NONE)
		return STATUS_OK;
	int status = find_launch(pass, row, lane, &call);
	if (status == STATUS_OK)
		status = seek_beside(pass, &pass->late, row->id);
	if (status != STATUS_OK)
		return status;
	struct gpu_work work = { .device = lane->device, .stream = lane->stream, .row = row->id, .start_ns = row->start_ns, .end_ns = row->end_ns,
		.late_until_ns = GPU_SPLIT_NEVER };
	if (call.lane != NONE)
		work.launch = (struct gpu_launch){ row->launch, call.start_ns, call.end_ns, pass->lanes[call.lane].thread };
	work.class = row->kind == SPAN_KIND_GRAPH ? GPU_WORK_GRAPH : row->kind != SPAN_KIND_KERNEL ? GPU_WORK_COPY
		: row->class == SPAN_CLASS_COLLECTIVE ? GPU_WORK_COLLECTIVE : GPU_WORK_COMPUTE;
	if (pass->late.row == row->id)
		work.late_until_ns = db_column_int(pass->late.stmt, 1);
	see_work(&result->processes[result->devices[work.device].process], row);
	result->n_work++;
	status = add_sums(pass, row, lane, &call);
	return status == STATUS_OK ? gpu_split_add_work(result->split, &work, pass->error) : status;
}

static int read_call(struct gpu_device_pass *pass, const struct gpu_row *row, const struct lane *lane)
{
	static const enum gpu_time kinds[] = { [IMPORT_API_OTHER] = GPU_TIME_HOST_API, [IMPORT_API_LAUNCH] = GPU_TIME_HOST_LAUNCH,
		[IMPORT_API_GRAPH_LAUNCH] = GPU_TIME_HOST_LAUNCH, [IMPORT_API_COPY] = GPU_TIME_HOST_COPY, [IMPORT_API_SYNC] = GPU_TIME_HOST_SYNC,
		[IMPORT_API_ALLOCATE] = GPU_TIME_HOST_ALLOCATE, [IMPORT_API_EVENT] = GPU_TIME_HOST_API, [IMPORT_API_MODULE] = GPU_TIME_HOST_MODULE };
	struct gpu_device_result *result = pass->result;
	int64_t ns = row->end_ns - row->start_ns;
	int status = keep_call(pass, row);
	if (status != STATUS_OK || lane->thread == NONE || row->class == IMPORT_API_REPEATED)
		return status;
	struct gpu_process_row *process = &result->processes[lane->process];
	int64_t class = row->class >= 0 && row->class < (int64_t)ARRAY_LEN(kinds) ? row->class : IMPORT_API_OTHER;
	if (process->has_work && class == IMPORT_API_SYNC)
		count(process->counts, GPU_COUNT_SYNC_CALL, row->id, ns, 0);
	if (process->has_work && class == IMPORT_API_ALLOCATE)
		count(process->counts, GPU_COUNT_ALLOCATION, row->id, ns, 0);
	status = gpu_totals_add(&result->calls, lane->process, row->name, class, row->id, ns, -1, pass->error);
	if (status == STATUS_OK)
		status = gpu_split_add_host(result->split, lane->thread, kinds[class], row->start_ns, row->end_ns, pass->error);
	return status;
}

static int read_mark(struct gpu_device_pass *pass, const struct gpu_row *row, const struct lane *lane)
{
	if (lane->thread == NONE)
		return STATUS_OK;
	return gpu_split_add_host(pass->result->split, lane->thread, GPU_TIME_HOST_CODE, row->start_ns, row->end_ns, pass->error);
}

static int read_overhead(struct gpu_device_pass *pass, const struct gpu_row *row, const struct lane *lane)
{
	struct gpu_device_result *result = pass->result;
	int flags = text_flags(pass, row->name) | text_flags(pass, row->category);
	uint32_t process = lane->process;
	if (process == NONE)
		return STATUS_OK;
	enum gpu_count_kind counter = flags & TEXT_QUEUE ? GPU_COUNT_QUEUE_FULL : flags & TEXT_MODULE ? GPU_COUNT_MODULE : GPU_COUNT_PROFILER;
	enum gpu_time kind = flags & TEXT_QUEUE ? GPU_TIME_HOST_QUEUE : flags & TEXT_MODULE ? GPU_TIME_HOST_MODULE : GPU_TIME_PROFILER;
	count(result->processes[process].counts, counter, row->id, row->end_ns - row->start_ns, 0);
	return gpu_split_add_overhead(result->split, process, kind, row->start_ns, row->end_ns, pass->error);
}

static int read_sync(struct gpu_device_pass *pass, const struct gpu_row *row, const struct lane *lane)
{
	enum { STREAM_WAITS = 2 };
	if (lane->stream == NONE || row->sync_kind != STREAM_WAITS)
		return STATUS_OK;
	return gpu_split_add_wait(pass->result->split, lane->stream, row->start_ns, pass->error);
}

int gpu_device_row(void *user, const struct gpu_row *row, struct error *error)
{
	struct gpu_device_pass *pass = user;
	const struct lane *lane = lane_at(pass, row->lane);
	if (!lane)
		return damaged(pass);
	switch (row->kind) {
	case SPAN_KIND_KERNEL:
	case SPAN_KIND_MEMCPY:
	case SPAN_KIND_MEMSET:
	case SPAN_KIND_GRAPH:
		return read_work(pass, row, lane);
	case SPAN_KIND_API:
		return read_call(pass, row, lane);
	case SPAN_KIND_MARK:
		return read_mark(pass, row, lane);
	case SPAN_KIND_OVERHEAD:
		return read_overhead(pass, row, lane);
	case SPAN_KIND_STREAM_SYNC:
		return read_sync(pass, row, lane);
	default:
		return STATUS_OK;
	}
}

/* -- the whole -------------------------------------------------------------------------------------------------------------- */

static void free_pass(struct gpu_device_pass *pass)
{
	db_finish(pass->late.stmt);
	db_finish(pass->later);
	free(pass->lanes);
	free(pass->device_processes);
	free(pass->thread_processes);
	free(pass->flags);
	free(pass->calls);
	free(pass->call_of);
	free(pass);
}

static int prepare(struct gpu_device_pass *pass)
{
	struct gpu_device_result *result = pass->result;
	int status = read_layout(pass);
	struct gpu_split_layout layout = { .start_ns = result->start_ns, .end_ns = result->end_ns, .n_devices = result->n_devices,
		.n_streams = result->n_streams, .n_threads = result->n_threads, .n_processes = result->n_processes,
		.device_processes = pass->device_processes, .thread_processes = pass->thread_processes };
	if (status == STATUS_OK)
		status = gpu_split_create(&layout, &result->options, pass->error, &result->split);
	return status == STATUS_OK ? open_beside(pass) : status;
}

int gpu_device_begin(struct db *db, int64_t run, const struct gpu_split_options *options, struct error *error, struct gpu_device_pass **ret_pass)
{
	struct gpu_device_pass *pass = calloc(1, sizeof *pass);
	struct gpu_device_result *result = pass ? calloc(1, sizeof *result) : NULL;
	if (!result) {
		free(pass);
		return out_of_memory(error);
	}
	*pass = (struct gpu_device_pass){ .result = result, .db = db, .run = run, .error = error };
	result->options = options ? *options : (struct gpu_split_options){ 0 };
	if (!result->options.latency_ns)
		result->options.latency_ns = GPU_SPLIT_LATENCY_NS;
	int status = prepare(pass);
	if (status == STATUS_OK) {
		*ret_pass = pass;
		return STATUS_OK;
	}
	gpu_device_free(result);
	free_pass(pass);
	return status;
}

struct gpu_device_result *gpu_device_end(struct gpu_device_pass *pass, bool is_whole)
{
	struct gpu_device_result *result = pass->result;
	if (is_whole)
		gpu_split_end(result->split);
	free_pass(pass);
	return result;
}

int gpu_device_read(struct db *db, int64_t run, const struct gpu_split_options *options, const volatile sig_atomic_t *interrupt,
	struct error *error, struct gpu_device_result **ret_result)
{
	struct gpu_device_pass *pass;
	int status = gpu_device_begin(db, run, options, error, &pass);
	if (status != STATUS_OK)
		return status;
	status = gpu_rows_each(db, run, &(struct gpu_row_visitor){ gpu_device_row, pass }, 1, interrupt, error);
	struct gpu_device_result *result = gpu_device_end(pass, status == STATUS_OK);
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
